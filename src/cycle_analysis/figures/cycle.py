"""Draw the phases: how far, together, in which order.

Draw the cycle: its curve, and what runs together.

Draw which phases run together, how that hangs on the threshold, and what breaks the order.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.style import draw_cells
from cycle_analysis.texts import Words, set_number, set_percent


def plot_phase_curve(
    curve: pd.DataFrame,
    language: str | Words = "en",
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the mean of each phase with its interval as a band.

    Parameters
    ----------
    curve : DataFrame, indexed by phase
        Columns n, mean, low, high, 0-100, as `phases.phase_curve` gives them.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    title : str
        The finding.
    labels : mapping from phase to text, optional

    Examples
    --------
    >>> curve = pd.DataFrame({"n": 90, "mean": [60.0, 40.0], "low": [55.0, 35.0],
    ...                       "high": [65.0, 45.0]}, index=["AG", "EX"])
    >>> [text.get_text() for text in plot_phase_curve(curve, "nl").texts]
    ['60', '40', 'Band: 95%-interval van het gemiddelde; n = 90']
    """
    ax = style.start(ax, height=3.0)
    places = np.arange(len(curve))
    low, high, mean = (curve[name].to_numpy(float) for name in ("low", "high", "mean"))
    ax.fill_between(places, low, high, color=style.ACCENT, alpha=0.22, linewidth=0)
    ax.vlines(places, low, high, color=style.ACCENT, linewidth=2.2)
    ax.plot(places, mean, color=style.ACCENT, marker="o", markersize=6, linewidth=1.8)
    tops = np.where(np.isnan(high), mean, high)
    for place, top, value in zip(places, tops, mean, strict=True):
        ax.annotate(
            set_number(value, 0, language),
            (place, top if np.isfinite(top) else 0.0),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=style.TEXT_SIZE,
            color=style.INK,
        )
    ax.set_ylim(0, 100)
    ax.set_xlim(-0.4, len(curve) - 0.6)
    style.phase_ticks(ax, curve.index.tolist(), labels)
    style.label_axes(ax, y=style.words_of("scores", language)["score"])
    style.grid(ax)
    style.note(ax, f"{style.words_of('cycle', language)['band']}; n = {_range(curve, language)}")
    style.entitle(ax, title)
    return ax


def plot_coactivity(
    pairs: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    r"""Draw for each pair of phases how often both are active, with what was expected below it.

    Parameters
    ----------
    pairs : DataFrame, rows (earlier, later)
        Columns observed, expected (shares), as `simultaneity.coactivity` gives them.
    language, ax, title, labels
        As for `plot_phase_curve`.

    Examples
    --------
    >>> rows = pd.MultiIndex.from_tuples([("AG", "EX")], names=["earlier", "later"])
    >>> pairs = pd.DataFrame({"observed": [0.5], "expected": [0.25]}, index=rows)
    >>> [text.get_text() for text in plot_coactivity(pairs, "nl").texts]
    ['50%\n(25%)']
    """
    words = style.words_of("cycle", language)
    earlier = list(pairs.index.get_level_values("earlier").unique())
    later = list(pairs.index.get_level_values("later").unique())
    square = pairs.reindex(pd.MultiIndex.from_product([later, earlier]).swaplevel())
    shape = len(later), len(earlier)
    observed = square["observed"].to_numpy(float).reshape(shape)
    expected = square["expected"].to_numpy(float).reshape(shape)
    ax = style.start(ax, height=1.3 + 0.5 * len(later))
    texts = [
        [
            _two_shares(observed[row, column], expected[row, column], language)
            if (other, phase) in pairs.index
            else None
            for column, other in enumerate(earlier)
        ]
        for row, phase in enumerate(later)
    ]
    draw_cells(ax, observed, texts)
    style.phase_ticks(ax, earlier, labels)
    ax.set_yticks(range(len(later)), style.name_phases(later, labels), fontsize=style.TEXT_SIZE)
    style.label_axes(ax, x=style.break_lines(words["together"], 34))
    style.entitle(ax, title)
    return ax


def _two_shares(observed: float, expected: float, language: str | Words) -> str:
    """Observed over expected, in two lines."""
    first, second = (set_percent(share, 0, language) for share in (observed, expected))
    return f"{first}\n({second})"


def _range(table: pd.DataFrame, language: str | Words) -> str:
    """Write the number of units, or its range when phases differ."""
    low, high = (set_number(n, 0, language) for n in (table["n"].min(), table["n"].max()))
    return low if low == high else f"{low}-{high}"


def plot_patterns(
    patterns: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    rest: int = 0,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the combinations of active phases: bars over a matrix of dots (Lex et al. 2014, UpSet).

    Parameters
    ----------
    patterns : DataFrame, one row for each combination
        Boolean columns for the phases, then n, share, expected, ratio, as
        `simultaneity.activity_patterns` gives them; all of them are drawn.
    ax : Axes, optional
        Its place is divided between bars and dots.
    rest : int
        Number of units with another combination, told in a note.
    language, title, labels
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> patterns = pd.DataFrame({"AG": [True, False], "n": [6, 4], "share": [0.6, 0.4],
    ...                          "expected": [0.6, 0.4], "ratio": [1.0, 1.0]})
    >>> [text.get_text() for text in plot_patterns(patterns, "nl").child_axes[0].texts]
    ['6', '4']
    """
    words = style.words_of("simultaneity", language)
    phases = [name for name in patterns.columns if name not in ("n", "share", "expected", "ratio")]
    ax = style.start(ax, height=2.5 + 0.28 * len(phases))
    below = 0.13 * len(phases) / (0.13 * len(phases) + 1)
    bars = style.start(ax.inset_axes((0, below + 0.02, 1, 0.98 - below)), 0)
    dots = style.start(ax.inset_axes((0, 0, 1, below)), 0)
    places = np.arange(len(patterns))
    bars.bar(
        places, patterns["n"], color=style.PROFILE_COLOURS[4], width=0.62, label=words["observed"]
    )
    expected = patterns["expected"] * (patterns["n"].sum() + rest)
    bars.plot(places, expected, "_", color=style.INK, markersize=15,
              markeredgewidth=2.4, label=words["expected"])  # fmt: skip
    for place, n, other in zip(places, patterns["n"], expected, strict=True):
        bars.annotate(set_number(n, 0, language), (place, max(n, other)), (0, 3),
                      textcoords="offset points", ha="center", fontsize=style.TEXT_SIZE,
                      color=style.INK)  # fmt: skip
    bars.set_xticks([])
    bars.legend(fontsize=style.TEXT_SIZE, frameon=False, loc="upper right")
    bars.margins(y=0.16)
    style.label_axes(bars, y=words["units"])
    style.number_axis(bars.yaxis, language)
    _dot_matrix(dots, patterns[phases].to_numpy(bool), style.name_phases(phases, labels))
    for part in (bars, dots):
        part.set_xlim(-0.6, len(patterns) - 0.4)
    _hide_frame(ax)
    if rest:
        style.note(ax, words["rest"].format(n=set_number(rest, 0, language)))
    style.entitle(ax, title)
    return ax


def plot_sensitivity(
    shares: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    chosen: float | None = None,
    title: str = "",
) -> Axes:
    """Draw how the share of units with two or more active phases moves with the threshold.

    Parameters
    ----------
    shares : DataFrame, indexed by active_from
        Column two_or_more, as `simultaneity.activity_sensitivity` gives it.
    chosen : float, optional
        The threshold used elsewhere, marked.
    language, ax, title
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> shares = pd.DataFrame({"two_or_more": [0.9, 0.6, 0.4]}, index=[40.0, 50.0, 60.0])
    >>> [text.get_text() for text in plot_sensitivity(shares, "nl", chosen=50.0).texts]
    ['60%']
    """
    words = style.words_of("simultaneity", language)
    ax = style.start(ax, height=2.9)
    ax.plot(shares.index, shares["two_or_more"], color=style.ACCENT, marker="o", linewidth=1.8)
    if chosen is not None and chosen in shares.index:
        value = float(shares.loc[chosen, "two_or_more"])
        ax.axvline(chosen, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1)
        ax.annotate(set_percent(value, 0, language), (chosen, value), (7, 5),
                    textcoords="offset points", fontsize=style.TEXT_SIZE, color=style.INK,
                    fontweight="bold")  # fmt: skip
    ax.set_ylim(0, 1)
    style.number_axis(ax.xaxis, language)
    style.percent_axis(ax.yaxis, language)
    style.label_axes(ax, x=words["threshold"], y=words["two"].capitalize())
    style.grid(ax)
    style.entitle(ax, title)
    return ax


def plot_order_violations(
    violations: pd.DataFrame,
    language: str | Words,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw for each pair of phases the share of units where the later is ahead beyond error.

    Parameters
    ----------
    violations : DataFrame, rows (earlier, later)
        Columns share, by_chance, n, as `order.order_violations` gives them.
    language, ax, title, labels
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> rows = pd.MultiIndex.from_tuples([("AG", "EX")], names=["earlier", "later"])
    >>> table = pd.DataFrame({"share": [0.125], "by_chance": [0.025], "n": [80]}, index=rows)
    >>> [text.get_text() for text in plot_order_violations(table, "nl").texts]
    ['12,5%']
    """
    words = style.words_of("simultaneity", language)
    ax = style.start(ax, height=1.4 + 0.27 * len(violations))
    places = np.arange(len(violations))
    shares = violations["share"].to_numpy(float)
    ax.barh(places, np.nan_to_num(shares), color=style.ACCENT, height=0.62)
    chance = float(violations["by_chance"].max())
    ax.axvline(chance, color=style.INK, linewidth=1.6, linestyle=(0, (4, 2)),
               label=words["chance"])  # fmt: skip
    ends = np.maximum(np.nan_to_num(shares), chance)
    for place, value, end in zip(places, shares, ends, strict=True):
        ax.annotate(set_percent(value, 1, language), (end, place), (5, 0),
                    textcoords="offset points", va="center", fontsize=style.TEXT_SIZE,
                    color=style.INK)  # fmt: skip
    pairs = [style.name_phases(list(pair), labels) for pair in violations.index]
    ax.set_yticks(places, [f"{later} > {earlier}" for earlier, later in pairs],
                  fontsize=style.TEXT_SIZE)  # fmt: skip
    ax.set_ylim(len(violations) - 0.4, -0.6)
    ax.set_xlim(0, max(0.1, 1.2 * float(np.nanmax([*shares, chance]))))
    ax.tick_params(axis="y", length=0)
    style.percent_axis(ax.xaxis, language)
    style.label_axes(ax, x=style.break_lines(words["violations"], 34))
    style.grid(ax, "x")
    style.legend_below(ax)
    style.entitle(ax, title)
    return ax


def _dot_matrix(ax: Axes, on: np.ndarray, names: list[str]) -> None:
    """Draw one column of dots for each pattern, filled where the phase is active."""
    for column, active in enumerate(on):
        rows = np.arange(len(active))
        ax.plot(np.full(len(active), column), rows, "o", color=style.FAINT, markersize=7.5)
        if active.any():
            ax.plot(np.full(active.sum(), column), rows[active], "o-", color=style.INK,
                    markersize=7.5, linewidth=2)  # fmt: skip
    ax.set_yticks(range(len(names)), names, fontsize=style.TEXT_SIZE)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks([])
    _hide_frame(ax, ticks=False)
    ax.tick_params(length=0)


def _hide_frame(ax: Axes, ticks: bool = True) -> None:
    for spine in ax.spines.values():
        spine.set_visible(False)
    if ticks:
        ax.set_xticks([])
        ax.set_yticks([])
