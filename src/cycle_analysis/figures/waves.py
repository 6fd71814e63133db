"""Draw what changed between waves: who moved from profile to profile, and how much phases did."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis.figures import style
from cycle_analysis.figures.style import ENGLISH, Look


def plot_moves(
    counts: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
    axes: tuple[str, str] = ("1", "2"),
    texts: Sequence[Sequence[str]] = (),
) -> Axes:
    """Draw how many units went from each profile to each; who stayed is framed.

    Parameters
    ----------
    counts : DataFrame, profiles before × profiles after
        Number of units.
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


def plot_change(change: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None) -> Axes:
    """Draw the mean change of each phase with its interval; filled where it excludes zero.

    Parameters
    ----------
    change : DataFrame, indexed by phase
        Columns change, low, high, in points, as `waves.mean_change` gives them; and perhaps sure,
        whether the interval excludes zero, where its ends were rounded since.

    Examples
    --------
    >>> change = pd.DataFrame({"change": [4.0, -1.0], "low": [1.0, -3.0], "high": [6.0, 1.0]},
    ...                       index=["AG", "EX"])
    >>> [text.get_text() for text in plot_change(change, Look("nl")).texts]
    ['+4', '−1']
    """
    ax = style.start(ax, height=1.1 + 0.36 * len(change))
    ax.axvline(0, color=style.MUTED, linewidth=1)
    for place, row in enumerate(change.itertuples()):
        sure = getattr(row, "sure", row.low > 0 or row.high < 0)
        ax.plot([row.low, row.high], [place, place], color=style.ACCENT, linewidth=2)
        filled = style.ACCENT if sure else "white"
        ax.plot(row.change, place, "o", markersize=7, markerfacecolor=filled, color=style.ACCENT)
        style.say(ax, look.points(row.change), (row.change, place), (0, 7))
    ends = change[["low", "high", "change"]].to_numpy(float)
    low, high = np.nanmin(ends, initial=-1.0), np.nanmax(ends, initial=1.0)
    ax.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_ylim(len(change) - 0.5, -0.7)
    ax.set_yticks(range(len(change)), look.names(change.index.tolist()))
    look.number_axis(ax.xaxis)
    return style.finish(ax, look, x=look.word("change", "x"), grid="x")
