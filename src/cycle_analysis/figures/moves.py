"""Draw who is in which profile, and who moved between profiles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.style import ENGLISH, Look

SEEN = 0.06
"""Smallest share that has room for its number in a bar or block."""
SPACE = 0.03
"""Room between two blocks of a flow, as a share of all."""


def plot_composition(
    shares: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
) -> Axes:
    """Draw which share of each category of units is in each profile, as stacked bars.

    Parameters
    ----------
    shares : DataFrame, categories × profiles
        0-1; a bar is drawn to 100 % where rounded shares add up to a little more or less.
    names : mapping from profile number to text, optional

    Examples
    --------
    >>> shares = pd.DataFrame({1: [0.75, 0.2], 2: [0.25, 0.8]}, index=["small", "large"])
    >>> [text.get_text() for text in plot_composition(shares).texts]
    ['75%', '20%', '25%', '80%']
    """
    ax = style.start(ax, height=1.3 + 0.42 * len(shares))
    places, left = np.arange(len(shares)), np.zeros(len(shares))
    widths = shares.div(shares.sum(axis=1), axis=0)
    for number in shares.columns:
        colour = style.profile_style(int(number))["color"]
        label = style.profile_name(int(number), names or {})
        drawn: dict[str, Any] = {"color": colour, "edgecolor": "white", "linewidth": 1.5}
        ax.barh(places, widths[number], left=left, height=0.72, label=label, **drawn)
        for place, share in zip(places, shares[number], strict=True):
            if share >= SEEN:
                at = left[place] + widths[number].iloc[place] / 2
                ink: dict[str, Any] = {"color": style.ink_on(colour), "fontsize": style.TEXT_SIZE}
                ax.text(at, float(place), look.percent(share), ha="center", va="center", **ink)
        left += widths[number].to_numpy()
    labels = [style.break_lines(str(name), 16) for name in shares.index]
    ax.set(yticks=places, yticklabels=labels, ylim=(len(shares) - 0.5, -0.5), xlim=(0, 1))
    ax.set_xticks([])
    style.strip(ax)
    style.legend_below(ax, columns=2)
    return style.finish(ax, look)


def plot_flow(
    shares: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    sizes: pd.DataFrame | None = None,
    names: Mapping[int, str] | None = None,
    waves: tuple[str, str] = ("1", "2"),
) -> Axes:
    """Draw which share of all units goes from each profile to each, as bands between two waves.

    Parameters
    ----------
    shares : DataFrame, profiles before × profiles after
        Shares of all units, 0-1.
    sizes : DataFrame, profiles × 2, optional
        Share of each profile before and after, where rounded shares add up to something else.
    names : mapping from profile number to text, optional
    waves : pair of text
        What both waves are called.

    Examples
    --------
    >>> shares = pd.DataFrame({1: [0.4, 0.0], 2: [0.2, 0.4]}, index=[1, 2])
    >>> [text.get_text() for text in plot_flow(shares).texts]
    ['1: 60%', '2: 40%', '1: 40%', '2: 60%']
    """
    ax = style.start(ax, height=3.6)
    table = shares.fillna(0.0)
    ends = (
        (table.sum(axis=1), table.sum()) if sizes is None else (sizes.iloc[:, 0], sizes.iloc[:, 1])
    )
    fits = [
        (end / table.sum(axis=1 - side)).fillna(1.0).clip(upper=1) for side, end in enumerate(ends)
    ]
    lows = [side.cumsum() - side + SPACE * np.arange(len(side)) for side in ends]
    used = [low.copy() for low in lows]
    x = np.linspace(0, 1, 60)
    bend = x**2 * (3 - 2 * x)
    for before, after in table.stack().index:
        width = table.loc[before, after] * min(fits[0][before], fits[1][after])
        low, to = used[0][before], used[1][after]
        lower = low + (to - low) * bend
        colour = style.profile_style(int(before))["color"]
        ax.fill_between(x, lower, lower + width, alpha=0.55, linewidth=0, color=colour)
        if width:  # an edge that stands out from the paper, of bands that are there
            ax.plot(x, np.transpose([lower, lower + width]), linewidth=0.7, color=colour)
        used[0][before] += width
        used[1][after] += width
    for side, (low, size) in enumerate(zip(lows, ends, strict=True)):
        _blocks(ax, look, low, size, names or {}, side)
    ax.set(
        xlim=(-0.05, 1.05),
        xticks=[0, 1],
        xticklabels=[style.break_lines(wave, 12) for wave in waves],
        yticks=[],
    )
    ax.xaxis.tick_top()
    style.strip(ax)
    return style.finish(ax, look)


def _blocks(
    ax: Axes, look: Look, low: pd.Series, sizes: pd.Series, names: Mapping[int, str], side: int
) -> None:
    """Draw the profiles of one wave: a block for each, with its name and share beside it."""
    for number, size in sizes.items():
        place, colour = int(str(number)), style.profile_style(int(str(number)))["color"]
        ax.bar(1.0 if side else -0.05, size, 0.05, low[number], align="edge", color=colour)
        name = style.break_lines(style.profile_name(place, names), 16)
        text = f"{name}\n{look.percent(size)}" if names else f"{name}: {look.percent(size)}"
        look_of: dict[str, Any] = {"fontsize": style.TEXT_SIZE, "color": style.INK, "va": "center"}
        look_of |= {"ha": "left" if side else "right", "annotation_clip": False}
        at = (1.05 if side else -0.05, low[number] + size / 2)
        ax.annotate(text, at, (6 if side else -6, 0), textcoords="offset points", **look_of)


def plot_moves(
    counts: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
    axes: tuple[str, str] = ("1", "2"),
    texts: Sequence[Sequence[str]] = (),
) -> Axes:
    """Draw how many units went from each profile to each, or which share; who stayed is framed.

    Parameters
    ----------
    counts : DataFrame, profiles before × profiles after
        Number of units, or share of the row.
    names : mapping from profile number to text, optional
    axes : pair of text
        What the rows and the columns are called.
    texts : row by row a text for each cell, optional
        What is written in the cells; the numbers themselves when not given.

    Examples
    --------
    >>> counts = pd.DataFrame({1: [8, 0], 2: [5, 9]}, index=[1, 2])
    >>> [text.get_text() for text in plot_moves(counts, Look("nl")).texts]
    ['8', '5', '0', '9']
    """
    ax = style.start(ax, height=1.2 + 0.5 * len(counts))
    values = counts.to_numpy(float)
    told = texts or [[look.number(n) for n in row] for row in values]
    before = [style.break_lines(style.profile_name(key, names or {}), 16) for key in counts.index]
    most = np.nanmax(values, initial=1.0)
    style.draw_cells(ax, values, told, before, [str(key) for key in counts.columns], most)
    for place in range(min(counts.shape)):
        left, right = place - 0.46, place + 0.46
        corners = [(left, right, right, left, left), (left, left, right, right, left)]
        ax.plot(*corners, color=style.INK, linewidth=1.2)
    return style.finish(ax, look, x=axes[1], y=axes[0])
