"""Draw one category per unit on a map.

A category is told by the lightness of its area, so that the map can be read in grey, and on tiles
by a number as well. Who answered, and who belongs to which profile, names units: such a map is for
private use, and never stands in a report.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Patch, PathPatch

from cycle_analysis.figures import style
from cycle_analysis.figures.style import ENGLISH, Look
from cycle_analysis.units.maps import UnitMap

NO_VALUE = "white"
"""Colour of a unit without a category; its edge is dotted."""
WIDTH, HEIGHT = 6.6, 8.4
"""Of a new figure, inches: the Netherlands are higher than wide."""


def category_colours(categories: pd.Index) -> dict[object, str]:
    """Colours from light to dark for ordered categories, told apart in grey and by all eyes.

    Examples
    --------
    >>> category_colours(pd.Index(["low", "high"]))
    {'low': '#fee838', 'high': '#00224e'}
    """
    steps = np.linspace(1, 0, max(len(categories), 2))[: len(categories)]
    return {
        key: to_hex(colormaps["cividis"](step)) for key, step in zip(categories, steps, strict=True)
    }


def plot_response_map(
    unit_map: UnitMap, respondents: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None
) -> Axes:
    """Draw which units answered, by how many respondents.

    Parameters
    ----------
    unit_map : UnitMap
    respondents : DataFrame, index `unit`
        Columns `n` and `group`, as `account.count_respondents` gives them.
    """
    ax = style.start(ax, HEIGHT, WIDTH)
    fills = _draw_areas(ax, unit_map, respondents["group"], respondents["n"].astype(str))
    one, many = (look.word("maps", number) for number in ("one", "many"))
    shown = {key: f"{key} {one if key == '1' else many}" for key in fills}
    return _finish(ax, unit_map, fills, shown | {None: look.word("maps", "silent")}, look)


def plot_profile_map(
    unit_map: UnitMap,
    labels: pd.Series,
    names: Mapping[int, str],
    look: Look = ENGLISH,
    ax: Axes | None = None,
) -> Axes:
    """Draw the profile of each unit.

    Parameters
    ----------
    unit_map : UnitMap
    labels : Series, index `unit`
        Profile numbers, 1..k.
    names : mapping from profile number to text
    """
    ax = style.start(ax, HEIGHT, WIDTH)
    numbers = pd.Series(pd.Categorical(labels, sorted(names)), labels.index)
    fills = _draw_areas(ax, unit_map, numbers, labels.astype(str))
    shown: dict[object, str] = {
        key: name if name.endswith(f" {key}") else f"{key} {name}" for key, name in names.items()
    }
    return _finish(ax, unit_map, fills, shown | {None: look.word("maps", "unplaced")}, look)


def _draw_areas(
    ax: Axes, unit_map: UnitMap, values: pd.Series, texts: pd.Series
) -> dict[object, str]:
    """Draw every area in the colour of its category; give the colours.

    Raises
    ------
    ValueError
        When a value belongs to a unit that the map has not.
    """
    if stray := sorted(set(values.index) - set(unit_map.outlines.index)):
        raise ValueError(
            f"values: {len(stray)} units are not on the map: {stray[:5]}. Harmonise them to the "
            "day of the map, or take the map of their day."
        )
    fills = category_colours(values.cat.categories)
    drawn = values.astype("object").reindex(unit_map.outlines.index)
    for unit, outline in unit_map.outlines.items():
        fill = fills.get(drawn[unit], NO_VALUE)
        edge = {"linestyle": ":", "edgecolor": "0.5"} if fill == NO_VALUE else {"edgecolor": "0.35"}
        ax.add_patch(PathPatch(outline, facecolor=fill, linewidth=0.5, **edge))
        if unit_map.is_tiled and fill != NO_VALUE:
            x, y = outline.get_extents().get_points().mean(axis=0)
            ink = style.ink_on(fill)
            ax.text(x, y, texts[unit], ha="center", va="center", fontsize=6.5, color=ink)
    ax.add_collection(LineCollection(unit_map.lines, colors="0.15", linewidths=1.1))
    for name, place in unit_map.places.iterrows():
        look = {"ha": place["side"], "va": "center", "color": style.MUTED}
        ax.text(place["x"], place["y"], str(name), fontsize=style.TEXT_SIZE - 1, **look)
    return fills


def _finish(
    ax: Axes,
    unit_map: UnitMap,
    fills: Mapping[object, str],
    shown: Mapping[object, str],
    look: Look,
) -> Axes:
    """Set the frame, the legend, the source and the title; `shown` names None as well."""
    corners = np.concatenate([outline.vertices for outline in unit_map.outlines])
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    in_degrees = not unit_map.is_tiled and np.abs(corners).max() <= 180
    ax.set(
        xlim=(left - 0.16 * (right - left), right + 0.1 * (right - left)),
        ylim=(low - 0.03 * (high - low), high + 0.02 * (high - low)),
        aspect=1 / np.cos(np.radians((low + high) / 2)) if in_degrees else 1.0,
    )
    handles = [Patch(facecolor=fills[key], edgecolor="0.35", label=shown[key]) for key in fills]
    handles.append(Patch(facecolor=NO_VALUE, edgecolor="0.5", linestyle=":", label=shown[None]))
    # on the tile map the sea leaves room; areas of other shapes may lie anywhere
    corner = (0.0, 1.0) if unit_map.is_tiled else (0.0, -0.03)
    plain: dict[str, Any] = {"frameon": False, "fontsize": style.TEXT_SIZE}
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, **plain)
    if unit_map.of_cbs:
        small: dict[str, Any] = {"fontsize": style.TEXT_SIZE - 1, "color": style.MUTED}
        ax.text(0, 0, look.word("maps", "source"), transform=ax.transAxes, va="top", **small)
    ax.set_axis_off()
    return style.finish(ax, look)
