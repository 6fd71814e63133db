"""Draw what changed between waves: who moved from profile to profile, and how much phases did."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis.figures import style
from cycle_analysis.figures.style import draw_cells
from cycle_analysis.texts import Words, set_number


def plot_moves(
    counts: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
    axes: tuple[str, str] = ("1", "2"),
    texts: Sequence[Sequence[str]] = (),
    title: str = "",
) -> Axes:
    """Draw how many units went from each profile to each; who stayed is framed.

    Parameters
    ----------
    counts : DataFrame, profiles before × profiles after
        Number of units.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    names : mapping from profile number to text, optional
    axes : pair of text
        What the rows and the columns are called.
    texts : row by row a text for each cell, optional
        What is written in the cells; the numbers themselves when not given.
    title : str
        The finding.

    Examples
    --------
    >>> counts = pd.DataFrame({1: [8, 0], 2: [5, 9]}, index=[1, 2])
    >>> [text.get_text() for text in plot_moves(counts, "nl").texts]
    ['8', '5', '0', '9']
    """
    ax = style.start(ax, height=1.2 + 0.5 * len(counts))
    values = counts.to_numpy(float)
    most = max(np.nanmax(values, initial=1.0), 1.0)
    told = texts or [[set_number(n, 0, language) for n in row] for row in values]
    draw_cells(ax, values, told, high=most)
    for place in range(min(counts.shape)):
        left, right = place - 0.46, place + 0.46
        corners = [(left, right, right, left, left), (left, left, right, right, left)]
        ax.plot(*corners, color=style.INK, linewidth=1.2)
    named = names or {}
    before = [style.break_lines(f"{key} {named.get(key, '')}".strip(), 16) for key in counts.index]
    ax.set_xticks(range(counts.shape[1]), counts.columns.astype(str), fontsize=style.TEXT_SIZE)
    ax.set_yticks(range(len(counts)), before, fontsize=style.TEXT_SIZE)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    style.label_axes(ax, x=axes[1], y=axes[0])
    style.entitle(ax, title)
    return ax


def plot_change(
    change: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the mean change of each phase with its interval; filled where it excludes zero.

    Parameters
    ----------
    change : DataFrame, indexed by phase
        Columns change, low, high, in points, as `waves.mean_change` gives them; and perhaps sure,
        whether the interval excludes zero, where its ends were rounded since.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    title : str
        The finding.
    labels : mapping from phase to text, optional

    Examples
    --------
    >>> change = pd.DataFrame({"change": [4.0, -1.0], "low": [1.0, -3.0], "high": [6.0, 1.0]},
    ...                       index=["AG", "EX"])
    >>> [text.get_text() for text in plot_change(change, "nl").texts]
    ['+4', '−1']
    """
    words = style.words_of("change", language)
    ax = style.start(ax, height=1.1 + 0.36 * len(change))
    ax.axvline(0, color=style.MUTED, linewidth=1)
    for place, row in enumerate(change.itertuples()):
        sure = getattr(row, "sure", row.low > 0 or row.high < 0)
        ax.plot([row.low, row.high], [place, place], color=style.ACCENT, linewidth=2)
        filled = style.ACCENT if sure else "white"
        ax.plot(row.change, place, "o", markersize=7, markerfacecolor=filled, color=style.ACCENT)
        sign = "+" if row.change > 0 else ""
        ax.annotate(
            sign + set_number(row.change, 0, language),
            (row.change, place),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=style.TEXT_SIZE,
        )
    ends = change[["low", "high", "change"]].to_numpy(float)
    low, high = np.nanmin(ends, initial=-1.0), np.nanmax(ends, initial=1.0)
    ax.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_ylim(len(change) - 0.5, -0.7)
    names = style.name_phases(change.index.tolist(), labels)
    ax.set_yticks(range(len(change)), names, fontsize=style.TEXT_SIZE)
    style.number_axis(ax.xaxis, language)
    style.grid(ax, "x")
    style.label_axes(ax, x=words["x"])
    style.entitle(ax, title)
    return ax
