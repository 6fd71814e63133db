"""Draw who answered and where, what they answered, and how well phases are measured.

On a map, a category is told by the lightness of its area, so that it can be read in grey, and on
tiles by a number as well. Who answered, and who belongs to which profile, names units: a map is for
private use, and never stands in a report.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Patch, PathPatch

from cycle_analysis import figures
from cycle_analysis.figures import ENGLISH, Look
from cycle_analysis.units.maps import UnitMap

NO_VALUE = "white"
"""Colour of a unit without a category; its edge is dotted."""
ROOM = 0.09
"""Smallest share of answers that has room for its number."""
WIDTH, HEIGHT = 6.6, 8.4
"""Of a new figure, inches: the Netherlands are higher than wide."""


def plot_response(
    rates: pd.Series,
    texts: Sequence[str],
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    many: str = "",
) -> Axes:
    """Draw the response rate of each group.

    Parameters
    ----------
    rates : Series, one for each group
        0-1. Groups are named as they are shown.
    texts : sequence of text
        What stands beside each bar.
    many : str
        What the units are called, for the axis.

    Examples
    --------
    >>> rates = pd.Series({"small": 0.5, "large": 0.75})
    >>> [text.get_text() for text in plot_response(rates, ["50% (4/8)", "75% (3/4)"]).texts]
    ['50% (4/8)', '75% (3/4)']
    """
    ax = figures.start(ax, height=1.1 + 0.42 * len(rates))
    groups = rates.index.astype(str)
    sns.barplot(x=rates.to_numpy(), y=groups, color=figures.ACCENT, width=0.62, saturation=1, ax=ax)
    for place, (rate, text) in enumerate(zip(rates, texts, strict=True)):
        ax.text(rate + 0.01, place, text, va="center", fontsize=figures.TEXT_SIZE)
    ax.set_yticks(range(len(rates)), [figures.break_lines(name, 18) for name in groups])
    ax.set(xlim=(0, 1.5), xticks=[0, 0.25, 0.5, 0.75, 1])
    look.percent_axis(ax.xaxis)
    return figures.finish(
        ax, look, x=figures.break_lines(look.word("response", "rate", many=many), 30)
    )


def plot_response_cells(
    rates: pd.DataFrame,
    texts: Sequence[Sequence[str | None]],
    look: Look = ENGLISH,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the response rate of each combination of two backgrounds.

    Parameters
    ----------
    rates : DataFrame, r groups × c groups
        0-1; NaN is withheld, drawn hatched. Groups are named as they are shown.
    texts : r × c texts
        What stands in each cell; None in one that stays empty.

    Examples
    --------
    >>> rates = pd.DataFrame({"N": [0.5, np.nan], "Z": [0.4, np.nan]}, index=["small", "large"])
    >>> ax = plot_response_cells(rates, [["50%\n8/16", "40%\n4/10"], ["–\n7", None]])
    >>> [text.get_text().split() for text in ax.texts]
    [['50%', '8/16'], ['40%', '4/10'], ['–', '7']]
    """
    ax = figures.start(ax, height=0.9 + 0.55 * len(rates))
    rows = [figures.break_lines(str(name), 18) for name in rates.index]
    heads = [figures.break_lines(str(name), 12) for name in rates.columns]
    figures.draw_cells(ax, rates.to_numpy(float), texts, rows, heads)
    return figures.finish(ax, look)


def plot_answers(
    shares: pd.DataFrame,
    n: pd.Series | None,
    options: Sequence[str],
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    phases: pd.Series | None = None,
) -> Axes:
    """Draw the answers to each item as one bar from the lowest to the highest option.

    Parameters
    ----------
    shares : DataFrame, items × answer options
        Shares of the answers, 0-1, options from low to high, items in cycle order; a bar is drawn
        to 100 % where rounded shares add up to a little more or less. An item of NaN is withheld,
        drawn hatched.
    n : Series, indexed by item, or None
        Number of answers, shown beside the bar.
    options : sequence of text
        What the options are called.
    phases : Series, indexed by item, optional
        The phase of each item; phases are set apart.

    Examples
    --------
    >>> shares = pd.DataFrame({0: [0.5, 0.2], 1: [0.5, 0.8]}, index=["AG1", "EX1"])
    >>> ax = plot_answers(shares, pd.Series({"AG1": 90, "EX1": 88}), ["no", "yes"])
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['AG1', 'EX1']
    """
    of_item = (phases if phases is not None else pd.Series("", shares.index)).loc[shares.index]
    new = (of_item != of_item.shift()).to_numpy()
    places = np.arange(len(shares)) + 0.6 * (np.cumsum(new) - 1)
    long = any(len(str(item)) > 24 for item in shares.index)
    longest = max(map(len, options))
    columns = 1 if longest > 24 else 2 if longest > 6 else 4
    lines = max(math.ceil(len(options) / columns), 5)
    height = (0.36 if long else 0.235) * (len(shares) + 0.6 * new.sum()) + 0.18 * lines
    ax = figures.start(ax, height=0.6 + height)
    _stack_bars(ax, places, shares, options, look)
    beside: dict[str, Any] = {"fontsize": figures.TEXT_SIZE, "color": figures.MUTED, "va": "center"}
    if n is not None:
        for place, item in zip(places, shares.index, strict=True):
            ax.text(1.015, place, look.number(n.loc[item]), **beside)
        ax.text(1.015, -0.95, look.word("answers", "n"), **beside)
    ax.set_yticks(places, [figures.break_lines(str(item), 24) for item in shares.index])
    ax.set(xlim=(0, 1), ylim=(places[-1] + 0.6, -0.6))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    look.percent_axis(ax.xaxis)
    figures.legend_below(ax, columns=columns)
    return figures.finish(ax, look, x=look.word("answers", "share"))


def plot_spread(
    groups: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    units: pd.DataFrame | None = None,
) -> Axes:
    """Draw the spread between the respondents of a unit against its level.

    Parameters
    ----------
    groups : DataFrame, one row for each group of units from low to high
        Columns level, spread, low, high, as `agreement.spread_by_level` gives them.
    units : DataFrame, one row for each unit, optional
        Columns level (0-100), spread (sd inside the unit, points): a point each, behind.

    Examples
    --------
    >>> groups = pd.DataFrame({"level": [20.0, 80.0], "spread": [5.0, 15.0]})
    >>> groups = groups.assign(low=groups["spread"] - 2, high=groups["spread"] + 2)
    >>> plot_spread(groups, Look("nl")).get_ylabel()
    'Spreiding tussen collega’s (punten)'
    """
    ax = figures.start(ax, height=3.2)
    if units is not None:
        point: dict[str, Any] = {
            "color": figures.MUTED,
            "alpha": 0.35,
            "markersize": 4.5,
            "markeredgewidth": 0,
        }
        ax.plot(units["level"], units["spread"], "o", **point)
    reach = groups[["low", "high"]].sub(groups["spread"], axis=0).abs().to_numpy(float).T
    line: dict[str, Any] = {"color": figures.INK, "marker": "s", "markersize": 7, "linewidth": 1.8}
    ax.errorbar(groups["level"], groups["spread"], yerr=reach, capsize=3, **line)
    ax.set(xlim=(0, 100), ylim=(0, None))
    for axis in (ax.xaxis, ax.yaxis):
        look.number_axis(axis)
    level, spread = (look.word("measurement", name) for name in ("level", "spread"))
    return figures.finish(ax, look, x=level, y=spread, grid="both")


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
        Columns `n` and `group`, as `maps.count_respondents` gives them.
    """
    ax = figures.start(ax, HEIGHT, WIDTH)
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
    ax = figures.start(ax, HEIGHT, WIDTH)
    numbers = pd.Series(pd.Categorical(labels, sorted(names)), labels.index)
    fills = _draw_areas(ax, unit_map, numbers, labels.astype(str))
    shown: dict[object, str] = {
        key: name if name.endswith(f" {key}") else f"{key} {name}" for key, name in names.items()
    }
    return _finish(ax, unit_map, fills, shown | {None: look.word("maps", "unplaced")}, look)


def _stack_bars(
    ax: Axes, places: np.ndarray, shares: pd.DataFrame, options: Sequence[str], look: Look
) -> None:
    """Draw a bar of parts for each item: the higher the option, the darker, in grey too."""
    tints = np.linspace(0.02, 0.95, len(options)) if len(options) > 1 else [0.5]
    parts = [(name, figures.LEVELS(tint)) for name, tint in zip(options, tints, strict=True)]
    bar: dict[str, Any] = {"height": 0.82, "edgecolor": figures.MUTED, "linewidth": 0.4}
    figures.stack_bars(ax, places, shares, parts, lambda x: look.number(100 * x), ROOM, **bar)
    withheld = places[shares.isna().all(axis=1)]
    hatched: dict[str, Any] = {"color": "white", "edgecolor": figures.MUTED, "hatch": figures.HATCH}
    ax.barh(withheld, 1.0, height=0.82, **hatched)


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
            ink = figures.ink_on(fill)
            ax.text(x, y, texts[unit], ha="center", va="center", fontsize=6.5, color=ink)
    ax.add_collection(LineCollection(unit_map.lines, colors="0.15", linewidths=1.1))
    for name, place in unit_map.places.iterrows():
        look = {"ha": place["side"], "va": "center", "color": figures.MUTED}
        ax.text(place["x"], place["y"], str(name), fontsize=figures.TEXT_SIZE - 1, **look)
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
    plain: dict[str, Any] = {"frameon": False, "fontsize": figures.TEXT_SIZE}
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, **plain)
    if unit_map.of_cbs:
        small: dict[str, Any] = {"fontsize": figures.TEXT_SIZE - 1, "color": figures.MUTED}
        ax.text(0, 0, look.word("maps", "source"), transform=ax.transAxes, va="top", **small)
    ax.set_axis_off()
    return figures.finish(ax, look)
