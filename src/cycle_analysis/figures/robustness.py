"""Draw what every defensible analysis found, and what it chose: a specification curve.

Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.style import ENGLISH, Look

BINS = 60
"""Columns in which analyses are brought together: what a phone can show."""
ROW, CURVE = 0.19, 1.5
"""Height of a row of options, and of the curve, in inches."""


def plot_specifications(
    rand: pd.Series,
    as_many: pd.Series,
    chosen: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
) -> Axes:
    """Draw the agreement of every analysis with the headline, in order, over what it chose.

    Parameters
    ----------
    rand : Series, n analyses
        Adjusted Rand index with the headline.
    as_many : Series of bool, n analyses
        Whether there are as many profiles as in the headline; missing where their number was set.
    chosen : DataFrame of bool, n analyses × options
        What each took; columns (choice, option) as they are shown. The darker, the more analyses
        at that place took the option.

    Examples
    --------
    >>> rand, as_many = pd.Series([1.0, 0.5]), pd.Series([True, None])
    >>> chosen = pd.DataFrame({("Rule", "mean"): [True, False], ("Rule", "median"): [False, True]})
    >>> ax = plot_specifications(rand, as_many, chosen)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['1.0', '0.5', '0.0', 'mean', 'median']
    """
    order = np.argsort(-rand.to_numpy(), kind="stable")
    lines = _lines(chosen)
    ax = style.start(ax, height=1.3 + CURVE + ROW * len(lines))
    top = CURVE / ROW  # rows that the curve takes
    kinds = {"set": as_many.isna(), "same": as_many.eq(True), "other": as_many.eq(False)}
    colours = dict(zip(kinds, ("0.6", style.ACCENT, style.PROFILE_COLOURS[1]), strict=True))
    lowest = min(0.0, float(rand.min()))
    heights = -1.0 - top * (rand.iloc[order].to_numpy() - lowest) / (1 - lowest)
    for name, of_kind in kinds.items():
        places = np.flatnonzero(of_kind.iloc[order].to_numpy())
        if len(places):
            label, colour = look.word("robustness", name), colours[name]
            ax.scatter(places + 0.5, heights[places], s=9, color=colour, linewidths=0, label=label)
    edges = np.unique(np.linspace(0, len(rand), BINS + 1).round().astype(int))
    for row, (text, column) in enumerate(lines):
        if column is None:
            style.say(ax, text, (0, row), (2, -3), color=style.MUTED)
            continue
        taken = chosen[column].iloc[order].to_numpy(dtype=float)
        shares = np.add.reduceat(taken, edges[:-1]) / np.diff(edges)
        ends = [row - 0.42, row + 0.42]
        ax.pcolormesh(edges, ends, shares[None], cmap=style.LEVELS, vmin=0, vmax=1.1)
    ticks = {-1.0 - top * (value - lowest) / (1 - lowest): value for value in (1.0, 0.5, 0.0)}
    names = [look.number(value, 1) for value in ticks.values()]
    options = {row: text for row, (text, column) in enumerate(lines) if column}
    ax.set_yticks([*ticks, *options], [*names, *options.values()])
    ax.set(xlim=(0, len(rand)), ylim=(len(lines) - 0.4, -1.8 - top))
    ax.hlines(list(ticks), 0, len(rand), color=style.FAINT, linewidth=0.7, zorder=0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    look.number_axis(ax.xaxis)
    style.legend_below(ax)
    return style.finish(ax, look, style.break_lines(look.word("robustness", "x"), 34))


def _lines(chosen: pd.DataFrame) -> list[tuple[str, tuple[str, str] | None]]:
    """Give what stands before each row: a choice, which has no cells, then its options."""
    lines: list[tuple[str, tuple[str, str] | None]] = []
    before = ""
    for choice, option in chosen.columns:
        if choice != before:
            lines.append((choice, None))
        before = choice
        lines.append((option, (choice, option)))
    return lines
