"""Draw the cycle: how far each phase is, which go together, in which order, and what changed.

What changed is of phases and of units: who is in which profile, and who moved between profiles.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis import figures
from cycle_analysis.figures import ENGLISH, Look

SEEN = 0.06
"""Smallest share that has room for its number in a bar or block."""
SPACE = 0.03
"""Room between two blocks of a flow, as a share of all."""


def plot_phase_curve(
    curve: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    earlier: pd.DataFrame | None = None,
    waves: tuple[str, str] = ("", ""),
) -> Axes:
    """Draw the mean of each phase with its interval, and perhaps those of an earlier wave.

    Parameters
    ----------
    curve : DataFrame, indexed by phase
        Columns mean, low, high, 0-100, as `phases.phase_curve` gives them.
    earlier : DataFrame, optional
        The same of an earlier wave, drawn hollow below it.
    waves : pair of text
        What the wave and the earlier one are called; needed to tell them apart.

    Examples
    --------
    >>> curve = pd.DataFrame({"mean": [60.0, 40.0], "low": [55.0, 35.0], "high": [65.0, 45.0]},
    ...                      index=["AG", "EX"])
    >>> [text.get_text() for text in plot_phase_curve(curve, Look("nl")).texts]
    ['60', '40']
    """
    ax = figures.start(ax, height=1.2 + (0.36 if earlier is None else 0.5) * len(curve))
    drawn = [(curve, figures.ACCENT, 0.0, waves[0])]
    if earlier is not None:
        drawn = [(curve, figures.ACCENT, -0.16, waves[0]), (earlier, "white", 0.2, waves[1])]
    for table, filled, aside, name in drawn:
        places = np.arange(len(curve)) + aside
        low, high, mean = (
            table[of].reindex(curve.index).to_numpy(float) for of in ("low", "high", "mean")
        )
        ax.hlines(places, low, high, color=figures.ACCENT, linewidth=2.4)
        dots: dict[str, Any] = {"markersize": 5.5, "color": figures.ACCENT, "label": name}
        ax.plot(mean, places, "o", markerfacecolor=filled, **dots)
        for place, value, right in zip(places, mean, np.fmax(high, mean), strict=True):
            if np.isfinite(value):
                figures.say(ax, look.number(value), (right, place), (6, 0))
    ax.set(xlim=(0, 104), ylim=(len(curve) - 0.5, -0.6), xticks=range(0, 101, 20))
    labels = [figures.break_lines(name, 16) for name in look.names(curve.index.tolist())]
    ax.set_yticks(range(len(curve)), labels)
    look.number_axis(ax.xaxis)
    if earlier is not None:
        figures.legend_below(ax, columns=2)
    return figures.finish(ax, look, x=look.word("cycle", "score"), grid="x")


def plot_coactivity(pairs: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None) -> Axes:
    r"""Draw for each pair of phases how often both are active, with what was expected below it.

    Parameters
    ----------
    pairs : DataFrame, rows (earlier, later)
        Columns observed, expected (shares), as `phases.coactivity` gives them.

    Examples
    --------
    >>> rows = pd.MultiIndex.from_tuples([("AG", "EX")], names=["earlier", "later"])
    >>> pairs = pd.DataFrame({"observed": [0.5], "expected": [0.25]}, index=rows)
    >>> [text.get_text() for text in plot_coactivity(pairs, Look("nl")).texts]
    ['50%\n(25%)']
    """
    earlier, later = (pairs.index.unique(level).tolist() for level in ("earlier", "later"))
    observed = pairs["observed"].astype(float).unstack("earlier").reindex(later)[earlier]
    told = {
        pair: f"{look.percent(row['observed'])}\n({look.percent(row['expected'])})"
        for pair, row in pairs.iterrows()
    }
    texts = [[told.get((first, second)) for first in earlier] for second in later]
    ax = figures.start(ax, height=1.3 + 0.5 * len(later))
    figures.draw_cells(ax, observed.to_numpy(), texts, look.names(later))
    figures.phase_ticks(ax, earlier, look)
    return figures.finish(ax, look, x=figures.break_lines(look.word("cycle", "together"), 34))


def plot_patterns(
    patterns: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None, *, rest: int = 0
) -> Axes:
    """Draw the combinations of active phases: bars over a matrix of dots (Lex et al. 2014, UpSet).

    The place of `ax` is divided between bars and dots.

    Parameters
    ----------
    patterns : DataFrame, one row for each combination
        Boolean columns for the phases, then n, share, expected, ratio, as
        `phases.activity_patterns` gives them; all of them are drawn.
    rest : int
        Number of units with another combination, told in a note.

    Examples
    --------
    >>> patterns = pd.DataFrame({"AG": [True, False], "n": [6, 4], "share": [0.6, 0.4],
    ...                          "expected": [0.6, 0.4], "ratio": [1.0, 1.0]})
    >>> [text.get_text() for text in plot_patterns(patterns, Look("nl")).child_axes[0].texts]
    ['6', '4']
    """
    phases = patterns.columns.drop(["n", "share", "expected", "ratio"], errors="ignore").tolist()
    ax = figures.start(ax, height=2.5 + 0.28 * len(phases))
    below = 0.13 * len(phases) / (0.13 * len(phases) + 1)
    bars = figures.start(ax.inset_axes((0, below + 0.02, 1, 0.98 - below)), 0)
    dots = figures.start(ax.inset_axes((0, 0, 1, below)), 0)
    _pattern_bars(bars, patterns, rest, look)
    _pattern_dots(dots, patterns[phases].to_numpy(bool), look.names(phases))
    for part in (bars, dots):
        part.set_xlim(-0.6, len(patterns) - 0.4)
    ax.set(xticks=[], yticks=[])
    figures.strip(ax)
    if rest:
        figures.note(ax, look.word("simultaneity", "rest", n=look.number(rest)))
    return figures.finish(ax, look)


def _pattern_bars(ax: Axes, patterns: pd.DataFrame, rest: int, look: Look) -> None:
    """Draw how many units show each pattern, and how many were expected to."""
    counts, places = patterns["n"], range(len(patterns))
    expected = patterns["expected"] * (counts.sum() + rest)
    observed = look.word("simultaneity", "observed")
    ax.bar(places, counts, color=figures.PROFILE_COLOURS[4], width=0.62, label=observed)
    dash: dict[str, Any] = {"color": figures.INK, "markersize": 15, "markeredgewidth": 2.4}
    ax.plot(places, expected, "_", label=look.word("simultaneity", "expected"), **dash)
    for place, n, other in zip(places, counts, expected, strict=True):
        figures.say(ax, look.number(n), (place, max(n, other)), (0, 3))
    ax.set_xticks([])
    ax.legend(fontsize=figures.TEXT_SIZE, frameon=False, loc="upper right")
    ax.margins(y=0.45)  # place for the legend above the highest bar
    look.number_axis(ax.yaxis)
    figures.label_axes(ax, y=look.word("simultaneity", "units"))


def _pattern_dots(ax: Axes, on: np.ndarray, names: list[str]) -> None:
    """Draw one column of dots for each pattern, filled where the phase is active."""
    for column, active in enumerate(on):
        (rows,) = np.nonzero(active)
        hollow: dict[str, Any] = {"color": "white", "markeredgecolor": figures.MUTED, "mew": 0.6}
        ax.plot([column] * len(active), range(len(active)), "o", markersize=7, **hollow)
        if active.any():
            ax.plot(
                [column] * len(rows), rows, "o-", color=figures.INK, markersize=7.5, linewidth=2
            )
    ax.set(xticks=[], ylim=(len(names) - 0.5, -0.5))
    ax.set_yticks(range(len(names)), names)
    figures.strip(ax)


def plot_sensitivity(
    shares: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    chosen: float | None = None,
) -> Axes:
    """Draw how the share of units with two or more active phases moves with the threshold.

    Parameters
    ----------
    shares : DataFrame, indexed by active_from
        Column two_or_more, as `phases.activity_sensitivity` gives it.
    chosen : float, optional
        The threshold used elsewhere, marked.

    Examples
    --------
    >>> shares = pd.DataFrame({"two_or_more": [0.9, 0.6, 0.4]}, index=[40.0, 50.0, 60.0])
    >>> [text.get_text() for text in plot_sensitivity(shares, Look("nl"), chosen=50.0).texts]
    ['60%']
    """
    ax = figures.start(ax, height=2.9)
    ax.plot(shares.index, shares["two_or_more"], color=figures.ACCENT, marker="o", linewidth=1.8)
    if chosen is not None and chosen in shares.index:
        value = float(shares.loc[chosen, "two_or_more"])
        ax.axvline(chosen, color=figures.MUTED, linestyle=(0, (4, 3)), linewidth=1)
        figures.say(ax, look.percent(value), (chosen, value), (7, 5), fontweight="bold")
    ax.set_ylim(0, 1)
    look.number_axis(ax.xaxis)
    look.percent_axis(ax.yaxis)
    threshold, two = (look.word("simultaneity", name) for name in ("threshold", "two"))
    return figures.finish(ax, look, x=threshold, y=two.capitalize(), grid="y")


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
    ax = figures.start(ax, height=1.1 + 0.36 * len(change))
    ax.axvline(0, color=figures.MUTED, linewidth=1)
    for place, row in enumerate(change.itertuples()):
        sure = getattr(row, "sure", row.low > 0 or row.high < 0)
        ax.plot([row.low, row.high], [place, place], color=figures.ACCENT, linewidth=2)
        filled = figures.ACCENT if sure else "white"
        ax.plot(row.change, place, "o", markersize=7, markerfacecolor=filled, color=figures.ACCENT)
        where = (row.change, place), (0, 7)
        figures.say(ax, look.points(row.change), *where, bbox=figures.CLEAR)
    ends = change[["low", "high", "change"]].to_numpy(float)
    low, high = np.nanmin(ends, initial=-1.0), np.nanmax(ends, initial=1.0)
    ax.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_ylim(len(change) - 0.5, -0.7)
    ax.set_yticks(range(len(change)), look.names(change.index.tolist()))
    look.number_axis(ax.xaxis)
    return figures.finish(ax, look, x=look.word("change", "x"), grid="x")


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
    ax = figures.start(ax, height=1.3 + 0.42 * len(shares))
    places = np.arange(len(shares))
    parts = [
        (figures.profile_name(number, names or {}), figures.profile_style(number)["color"])
        for number in map(int, shares.columns)
    ]
    bar: dict[str, Any] = {"height": 0.72, "edgecolor": "white", "linewidth": 1.5}
    figures.stack_bars(ax, places, shares, parts, look.percent, SEEN, **bar)
    labels = [figures.break_lines(str(name), 16) for name in shares.index]
    ax.set(yticks=places, yticklabels=labels, ylim=(len(shares) - 0.5, -0.5), xlim=(0, 1))
    ax.set_xticks([])
    figures.strip(ax)
    figures.legend_below(ax, columns=2)
    return figures.finish(ax, look)


def plot_flow(
    shares: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    sizes: pd.DataFrame | None = None,
    texts: pd.DataFrame | None = None,
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
    texts : DataFrame, profiles × 2, optional
        How those are written.
    names : mapping from profile number to text, optional
    waves : pair of text
        What both waves are called.

    Examples
    --------
    >>> shares = pd.DataFrame({1: [0.4, 0.0], 2: [0.2, 0.4]}, index=[1, 2])
    >>> [text.get_text() for text in plot_flow(shares).texts]
    ['1: 60%', '2: 40%', '1: 40%', '2: 60%']
    """
    ax = figures.start(ax, height=3.6)
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
        colour = figures.profile_style(int(before))["color"]
        ax.fill_between(x, lower, lower + width, alpha=0.55, linewidth=0, color=colour)
        if width:  # an edge that stands out from the paper, of bands that are there
            ax.plot(x, np.transpose([lower, lower + width]), linewidth=0.7, color=colour)
        used[0][before] += width
        used[1][after] += width
    for side, (low, size) in enumerate(zip(lows, ends, strict=True)):
        told = size.map(look.percent) if texts is None else texts.iloc[:, side]
        _blocks(ax, low, size, told, names or {}, side)
    ax.set(
        xlim=(-0.05, 1.05),
        xticks=[0, 1],
        xticklabels=[figures.break_lines(wave, 12) for wave in waves],
        yticks=[],
    )
    ax.xaxis.tick_top()
    figures.strip(ax)
    return figures.finish(ax, look)


def _blocks(
    ax: Axes,
    low: pd.Series,
    sizes: pd.Series,
    told: pd.Series,
    names: Mapping[int, str],
    side: int,
) -> None:
    """Draw the profiles of one wave: a block for each, with its name and share beside it."""
    for number, size in sizes.items():
        place, colour = int(str(number)), figures.profile_style(int(str(number)))["color"]
        ax.bar(1.0 if side else -0.05, size, 0.05, low[number], align="edge", color=colour)
        name = figures.break_lines(figures.profile_name(place, names), 16)
        text = f"{name}\n{told[number]}" if names else f"{name}: {told[number]}"
        at = (1.05 if side else -0.05, low[number] + size / 2)
        figures.say(ax, text, at, (6 if side else -6, 0), annotation_clip=False)


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
    ax = figures.start(ax, height=1.2 + 0.5 * len(counts))
    values = counts.to_numpy(float)
    told = texts or [[look.number(n) for n in row] for row in values]
    before = [
        figures.break_lines(figures.profile_name(key, names or {}), 16) for key in counts.index
    ]
    most = np.nanmax(values, initial=1.0)
    figures.draw_cells(ax, values, told, before, [str(key) for key in counts.columns], most)
    for place in range(min(counts.shape)):
        left, right = place - 0.46, place + 0.46
        corners = [(left, right, right, left, left), (left, left, right, right, left)]
        ax.plot(*corners, color=figures.INK, linewidth=1.2)
    return figures.finish(ax, look, x=axes[1], y=axes[0])
