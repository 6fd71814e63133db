"""A tile map of the Netherlands: one tile of equal size per municipality, grouped by province.

On a map of areas Súdwest-Fryslân outweighs Rotterdam; here every municipality counts once. The
layout is our own, made by `cycle_analysis.register.make_tiles`, and the same every time.
"""

from importlib.resources import files

import pandas as pd
from matplotlib.path import Path as Outline

from cycle_analysis.maps import UnitMap
from cycle_analysis.register import Register

HALF = 0.46
"""Half the side of a tile; the rest is the gap between tiles."""
_PROVINCE_NAMES = {
    "Groningen": (18.5, 0.0, "center"), "Fryslân": (10.8, 2.0, "right"),
    "Drenthe": (19.2, 4.5, "left"), "Overijssel": (20.2, 7.5, "left"),
    "Flevoland": (13.0, 7.2, "center"), "Gelderland": (21.2, 13.0, "left"),
    "Utrecht": (12.5, 12.15, "center"), "Noord-Holland": (5.8, 9.0, "right"),
    "Zuid-Holland": (0.8, 15.0, "right"), "Zeeland": (-0.3, 22.0, "right"),
    "Noord-Brabant": (10.0, 24.5, "center"), "Limburg": (19.2, 25.0, "left"),
}  # fmt: skip
"""Where the name of a province stands: column, row, and alignment."""
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
    >>> from cycle_analysis.register import load_register
    >>> layout = tile_layout(load_register())
    >>> layout.shape, layout.duplicated(["row", "column"]).sum()
    ((342, 4), np.int64(0))
    """
    bundled = files("cycle_analysis.register") / "tiles.csv"
    with bundled.open(encoding="utf-8") as file:
        tiles = pd.read_csv(file, index_col="unit")
    there = register.on(date)
    if not there.index.isin(tiles.index).any() or "province" not in there:
        raise ValueError(
            "register: it has none of the Dutch municipalities that the tile map places. Draw "
            "another population with a map of its own: cycle_analysis.maps."
        )
    placed = there[["name", "province"]].join(tiles)
    for unit in placed.index[placed["row"].isna()]:
        free = tiles.drop(placed.dropna().index, errors="ignore")
        taken = set(placed.dropna().set_index(["row", "column"]).index)
        related = [tile for tile in _relatives(unit, register) if tile in free.index]
        lowest = int(tiles["row"].max()) + 2
        spare = ((lowest + i // SPARE_COLUMNS, i % SPARE_COLUMNS) for i in range(len(there)))
        cells = [tuple(free.loc[tile]) for tile in related] + list(spare)
        row, column = next(cell for cell in cells if cell not in taken)
        placed.loc[unit, ["row", "column"]] = [row, column]
    return placed.astype({"row": int, "column": int})


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
    >>> from cycle_analysis.register import load_register
    >>> tiles = tile_map(load_register(), "2022-05-01")
    >>> len(tiles.outlines), tiles.places.index[0]
    (344, 'Groningen')
    """
    layout = tile_layout(register, date)
    outlines = {
        unit: _square(column, -row)
        for unit, row, column in zip(layout.index, layout["row"], layout["column"], strict=True)
    }
    there = [name for name in _PROVINCE_NAMES if name in set(layout["province"])]
    places = pd.DataFrame.from_dict(
        {name: _PROVINCE_NAMES[name] for name in there}, orient="index", columns=["x", "y", "side"]
    )
    return UnitMap(
        pd.Series(outlines, name="outline").rename_axis("unit"),
        of_cbs=True,
        is_tiled=True,
        lines=_province_borders(layout),
        places=places.assign(y=-places["y"]).rename_axis("name"),
    )


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
