"""A tile map of the Netherlands: one tile of equal size per municipality, grouped by province.

On a map of areas Súdwest-Fryslân outweighs Rotterdam; here every municipality counts once. The
layout is our own, made by `cycle_analysis.register.make_tiles`, and the same every time. A category
is told by the lightness of its tile and by its text inside, so the map can be read in grey.
"""

from collections.abc import Mapping
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch, Rectangle

from cycle_analysis.register import ATTRIBUTION, Register

NO_VALUE = "white"
"""Colour of a tile without a value; it also has a dotted edge."""
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


def tile_table(values: pd.Series, layout: pd.DataFrame) -> pd.DataFrame:
    """Join one category per municipality to the layout.

    Parameters
    ----------
    values : Series, index `unit`
        For instance profiles, or whether a municipality responded. A categorical keeps its order.
    layout : DataFrame
        As `tile_layout` gives it.

    Returns
    -------
    DataFrame, index `unit`
        The layout with `value`, missing where there is none.

    Raises
    ------
    ValueError
        When a unit is not in the layout: it is of another day, harmonise first.
    """
    if stray := sorted(set(values.index) - set(layout.index)):
        raise ValueError(
            f"values: {len(stray)} units have no tile: {stray[:5]}. Harmonise them to the day of "
            "the layout, or lay out the municipalities of their day: tile_layout(register, date)."
        )
    if values.dtype == "category" or values.isna().all():
        return layout.join(values.rename("value"), validate="1:1")
    ordered = pd.Categorical(values, sorted(values.dropna().unique()))
    return layout.join(pd.Series(ordered, index=values.index, name="value"), validate="1:1")


def category_colours(values: pd.Series) -> dict[object, str]:
    """Colours from light to dark for ordered categories, told apart in grey and by all eyes.

    Examples
    --------
    >>> category_colours(pd.Series(pd.Categorical(["low"], ["low", "high"])))
    {'low': '#fee838', 'high': '#00224e'}
    """
    categories = list(values.astype("category").cat.categories)
    steps = np.linspace(1, 0, max(len(categories), 2))[: len(categories)]
    return {
        key: to_hex(colormaps["cividis"](step)) for key, step in zip(categories, steps, strict=True)
    }


def text_colour(colour: str) -> str:
    """Black or white, whichever is easier to read on a colour (relative luminance, WCAG 2).

    Examples
    --------
    >>> text_colour("white"), text_colour("#00224e")
    ('black', 'white')
    """
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "black" if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.179 else "white"


def plot_tile_map(
    table: pd.DataFrame,
    ax: Axes | None = None,
    colours: Mapping[object, str] | None = None,
    none_label: str = "geen antwoord",
) -> Axes:
    """Draw the tile map.

    Parameters
    ----------
    table : DataFrame, index `unit`
        As `tile_table` gives it. With a column `label` that text stands in the tiles, else the
        category itself when it is short. Names of municipalities are for private use only.
    ax : Axes, optional
        A new figure of about A4 when absent.
    colours : mapping, optional
        Colour of each category; light to dark when absent.
    none_label : str
        Legend text of tiles without a value.

    Returns
    -------
    Axes
    """
    ax = plt.subplots(figsize=(8.3, 9.6), layout="constrained")[1] if ax is None else ax
    fills = dict(category_colours(table["value"]) if colours is None else colours)
    own_text = table["value"].astype("object").map(lambda value: str(value)[:3], na_action="ignore")
    texts = table["label"] if "label" in table else own_text.fillna("")
    for row, column, value, text in zip(
        table["row"], table["column"], table["value"], texts, strict=True
    ):
        _draw_tile(ax, row, column, fills.get(value, NO_VALUE), text)
    _draw_borders(ax, table)
    for province, (column, row, side) in _PROVINCE_NAMES.items():
        if province in set(table["province"]):
            ax.text(column, row, province, ha=side, va="center", fontsize=8, color="0.25")
    handles = [Patch(facecolor=fills[key], edgecolor="0.3", label=str(key)) for key in fills]
    if table["value"].isna().any():
        handles.append(Patch(facecolor=NO_VALUE, edgecolor="0.5", linestyle=":", label=none_label))
    ax.legend(handles=handles, loc="upper left", frameon=False, fontsize=9)
    ax.text(0, 0, ATTRIBUTION, transform=ax.transAxes, fontsize=7, color="0.35")
    ax.set(xlim=(-4, 24.5), ylim=(table["row"].max() + 2.0, -1.0), aspect="equal")
    ax.set_axis_off()
    return ax


def _draw_tile(ax: Axes, row: int, column: int, fill: str, text: str) -> None:
    style = ":" if fill == NO_VALUE else "-"
    edge = "0.5" if fill == NO_VALUE else "white"
    ax.add_patch(
        Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, facecolor=fill, edgecolor=edge,
                  linewidth=0.6, linestyle=style)
    )  # fmt: skip
    size = 7 if len(text) <= 2 else 5
    ax.text(column, row, text, ha="center", va="center", fontsize=size, color=text_colour(fill))


def _draw_borders(ax: Axes, table: pd.DataFrame) -> None:
    """Draw a line wherever a tile has a neighbour of another province, or none."""
    province = table.set_index(["row", "column"])["province"].to_dict()
    for (row, column), name in province.items():
        for side in (-1, 1):
            if province.get((row, column + side)) != name:
                x = column + side / 2
                ax.plot([x, x], [row - 0.5, row + 0.5], color="0.15", linewidth=1.1,
                        solid_capstyle="round")  # fmt: skip
            if province.get((row + side, column)) != name:
                y = row + side / 2
                ax.plot([column - 0.5, column + 0.5], [y, y], color="0.15", linewidth=1.1,
                        solid_capstyle="round")  # fmt: skip
