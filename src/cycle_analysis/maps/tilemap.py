"""A tile map of the Netherlands: one tile of equal size per municipality, grouped by province.

On a map of areas Súdwest-Fryslân outweighs Rotterdam; here every municipality counts once. The
layout is our own, made by `cycle_analysis.units.register.make_tiles`, and the same every time.
"""

from importlib.resources import files

import pandas as pd
from matplotlib.path import Path as Outline

from cycle_analysis.maps.areas import UnitMap
from cycle_analysis.units.register import Register

HALF = 0.46
"""Half the side of a tile; the rest is the gap between tiles."""
_PROVINCES = {
    "Groningen": ("GR", 18.5, 0.0, "center"), "Fryslân": ("FR", 10.8, 2.0, "right"),
    "Drenthe": ("DR", 19.2, 4.5, "left"), "Overijssel": ("OV", 20.2, 7.5, "left"),
    "Flevoland": ("FL", 13.0, 7.2, "center"), "Gelderland": ("GE", 21.2, 13.0, "left"),
    "Utrecht": ("UT", 12.5, 12.15, "center"), "Noord-Holland": ("NH", 5.8, 9.0, "right"),
    "Zuid-Holland": ("ZH", 0.8, 15.0, "right"), "Zeeland": ("ZE", -0.3, 22.0, "right"),
    "Noord-Brabant": ("NB", 10.0, 24.5, "center"), "Limburg": ("LI", 19.2, 25.0, "left"),
}  # fmt: skip
"""Abbreviation of each province, and where its name stands: column, row, and alignment."""
LAST_ROW = 28
"""Last row of the layout of 2026."""
SPARE_COLUMNS = 21
"""Width of the rows below the map, for municipalities without a tile of their own."""


def tile_layout(register: Register, date: str | pd.Timestamp = "2026-01-01") -> pd.DataFrame:
    """Place every municipality of a day on the tile map.

    A municipality that the layout of 2026 does not have takes the tile of a predecessor or
    successor; those for which none is free stand in rows below the map.

    Parameters
    ----------
    register : Register
        Of municipalities; the bundled one or an extension of it.
    date : str or Timestamp

    Returns
    -------
    DataFrame, index `unit`
        name, province; row, column : whole numbers from the north-west, no two alike.

    Raises
    ------
    ValueError
        When the register has none of the municipalities of the layout.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> layout = tile_layout(load_register())
    >>> layout.shape, layout.duplicated(["row", "column"]).sum()
    ((342, 4), np.int64(0))
    """
    bundled = files("cycle_analysis.units.register") / "tiles.csv"
    with bundled.open(encoding="utf-8") as file:
        tiles = pd.read_csv(file, index_col="unit")
    there = register.on(date)
    if not there.index.isin(tiles.index).any() or "province" not in there:
        raise ValueError(
            "register: it has none of the Dutch municipalities that the tile map places. Draw "
            "another population with a map of its own: cycle_analysis.maps.areas."
        )
    placed = there[["name", "province"]].join(tiles)
    for unit in placed.index[placed["row"].isna()]:
        free = tiles.drop(placed.dropna().index, errors="ignore")
        taken = set(placed.dropna().set_index(["row", "column"]).index)
        cells = [tuple(free.loc[tile]) for tile in _relatives(unit, register) if tile in free.index]
        place = next((cell for cell in cells if cell not in taken), None)
        if place:
            placed.loc[unit, ["row", "column"]] = list(place)
    spare = placed.index[placed["row"].isna()]
    below = _rows_below(placed.loc[spare, "province"], LAST_ROW + 2)
    placed.loc[spare, ["row", "column"]] = below
    return placed.astype({"row": int, "column": int})


def _rows_below(provinces: pd.Series, row: int) -> pd.DataFrame:
    """Places under the map for units without a tile: province by province, with a gap between."""
    cells: dict[str, tuple[int, int]] = {}
    column = 0
    for province in _PROVINCES:
        units = provinces.index[provinces == province]
        if column and column + len(units) > SPARE_COLUMNS:
            row, column = row + 2, 0
        cells |= {unit: (row, column + place) for place, unit in enumerate(units)}
        column += len(units) + 1 if len(units) else 0
    return pd.DataFrame.from_dict(cells, orient="index", columns=["row", "column"])


def _relatives(unit: str, register: Register) -> list[str]:
    """Units from which or into which a unit came to be, those with most persons first."""
    events = register.events[register.events["kind"] != "border"]
    predecessors = events[events["to_unit"] == unit].sort_values("persons", ascending=False)
    successors = events[events["from_unit"] == unit].sort_values("persons", ascending=False)
    return [*predecessors["from_unit"], *successors["to_unit"]]


def tile_map(register: Register, date: str | pd.Timestamp) -> UnitMap:
    """Lay out the municipalities of a day as a map of tiles.

    Raises
    ------
    ValueError
        As `tile_layout`.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> tiles = tile_map(load_register(), "2022-05-01")
    >>> len(tiles.outlines), tiles.places.index[0]
    (344, 'Groningen')
    """
    layout = tile_layout(register, date)
    outlines = {
        unit: _square(column, -row)
        for unit, row, column in zip(layout.index, layout["row"], layout["column"], strict=True)
    }
    return UnitMap(
        pd.Series(outlines, name="outline").rename_axis("unit"),
        of_cbs=True,
        is_tiled=True,
        lines=_province_borders(layout),
        places=_province_names(layout),
    )


def _province_names(layout: pd.DataFrame) -> pd.DataFrame:
    """Names beside the provinces, and abbreviations under the tiles below the map."""
    there = set(layout["province"])
    rows = [(name, *place[1:]) for name, place in _PROVINCES.items() if name in there]
    below = layout[layout["row"] > LAST_ROW].sort_values(["row", "column"])
    first = below.drop_duplicates(["row", "province"])
    rows += [
        (_PROVINCES[province][0], column, row + 0.9, "center")
        for province, row, column in zip(
            first["province"], first["row"], first["column"], strict=True
        )
    ]
    places = pd.DataFrame(rows, columns=["name", "x", "y", "side"])
    return places.assign(y=-places["y"]).set_index("name")


def _square(x: float, y: float) -> Outline:
    low, high = -HALF, HALF
    corners = [(low, low), (high, low), (high, high), (low, high), (low, low)]
    return Outline([(x + right, y + up) for right, up in corners], closed=True)


def _province_borders(
    layout: pd.DataFrame,
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Lines wherever a tile has a neighbour of another province, or none."""
    province = layout.set_index(["row", "column"])["province"].to_dict()
    lines = []
    for (row, column), name in province.items():
        for side in (-0.5, 0.5):
            if province.get((row, column + 2 * side)) != name:
                lines.append(((column + side, -row - 0.5), (column + side, -row + 0.5)))
            if province.get((row + 2 * side, column)) != name:
                lines.append(((column - 0.5, -row - side), (column + 0.5, -row - side)))
    return lines
