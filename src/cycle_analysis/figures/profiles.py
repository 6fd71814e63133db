"""Draw how many profiles there are, their means, every unit behind them, and all other analyses.

What every defensible analysis found, and what it chose, is a specification curve (Simonsohn,
Simmons & Nelson 2020, Nature Human Behaviour 4, 1208-1214).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis import figures
from cycle_analysis.figures import ENGLISH, Look
from cycle_analysis.profiles import Partition

NARROW = 3.2
"""Width of a figure that stands beside a text, inches."""
BINS = 60
"""Columns in which analyses are brought together: what a phone can show."""
ROW, CURVE = 0.19, 1.5
"""Height of a row of options, and of the curve, in inches."""


def plot_criteria(criteria: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None) -> Axes:
    """Draw BIC over the number of profiles, a line for each covariance model.

    Parameters
    ----------
    criteria : DataFrame
        Columns method, k and bic, as `selection.compare` gives them; rows without BIC are left out.

    Examples
    --------
    >>> criteria = pd.DataFrame({"method": ["EEI", "EEI"], "k": [1, 2], "bic": [90.0, 80.0]})
    >>> plot_criteria(criteria, Look("nl")).get_xlabel()
    'Aantal groepen'
    """
    ax = figures.start(ax, height=3.2)
    n = criteria["method"].nunique()
    signs: dict[str, Any] = {
        "markers": figures.PROFILE_MARKERS[:n],
        "palette": figures.PROFILE_COLOURS[:n],
    }
    sns.lineplot(criteria, x="k", y="bic", hue="method", style="method", ax=ax, **signs)
    best = criteria.loc[criteria["bic"].idxmin()]
    ax.plot(best["k"], best["bic"], "o", markersize=13, markerfacecolor="none", color=figures.INK)
    figures.legend_below(ax, columns=4)
    if inner := ax.get_legend():
        inner.remove()
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    look.number_axis(ax.yaxis)
    x, y = (look.word("number_of_profiles", axis) for axis in ("x", "y"))
    return figures.finish(ax, look, x, y, grid="y")


def plot_rivals(leads: pd.Series, look: Look = ENGLISH, ax: Axes | None = None) -> Axes:
    """Draw how much better profiles fit than forms without groups, a bar for each form.

    Parameters
    ----------
    leads : Series
        BIC points in favour of profiles, by the name of the form; the best form first.

    Examples
    --------
    >>> plot_rivals(pd.Series({"a line": -12.0, "one cloud": 40.0})).get_xlabel()
    'BIC points (to the right groups are better)'
    """
    ax = figures.start(ax, height=0.7 + 0.35 * len(leads))
    places = np.arange(len(leads))
    colours = [figures.ACCENT if lead > 0 else "0.6" for lead in leads]
    ax.barh(places, leads.to_numpy(), color=colours, height=0.6)
    ax.axvline(0, color=figures.INK, linewidth=1)
    ax.set(yticks=places, yticklabels=list(leads.index), ylim=(max(len(leads), 1) - 0.5, -0.5))
    look.number_axis(ax.xaxis)
    return figures.finish(ax, look, look.word("number_of_profiles", "lead"), "", grid="x")


def plot_tree(
    profiles: "Profiled",
    edges: pd.DataFrame,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    least_p: float = 0.0,
) -> Axes:
    """Draw profiles by level and by late against early phases, with lines between neighbours.

    A line is dashed where a valley lies between the two, and says p.

    Parameters
    ----------
    profiles : Partition
        Or what else has centroids and sizes.
    edges : DataFrame
        Columns first, second, p and apart, as `valleys.Valleys.edges`; edges of profiles that are
        not drawn are left out.
    least_p : float
        The smallest p that the draws could give.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10.0, 12, 60, 62], "EX": [5.0, 9, 50, 52]})
    >>> edges = pd.DataFrame({"first": [1], "second": [2], "p": [0.005], "apart": [True]})
    >>> [text.get_text() for text in plot_tree(ward_kmeans(scores, 2), edges).texts]
    ['p = 0.005', '1', '2']
    """
    ax = figures.start(ax, height=3.4)
    centroids = profiles.centroids
    half = centroids.shape[1] // 2
    x = centroids.mean(axis=1)
    y = centroids.iloc[:, -half:].mean(axis=1) - centroids.iloc[:, :half].mean(axis=1)
    for edge in edges.itertuples():
        ends = [edge.first, edge.second]
        if set(ends) <= set(x.index):
            ax.plot(x[ends], y[ends], "--" if edge.apart else "-", color="0.5", zorder=1)
            middle = (x[ends].mean(), y[ends].mean())
            told: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": "small"}
            told["bbox"] = figures.CLEAR
            ax.annotate(look.p(edge.p, least_p), middle, (0, 4), textcoords="offset points", **told)
    areas = 300 + 1500 * profiles.sizes / profiles.sizes.sum()
    colours = [figures.profile_style(number)["color"] for number in x.index]
    ax.scatter(x, y, s=areas, c=colours, edgecolor=figures.INK, zorder=2)
    for number in x.index:
        ax.annotate(str(number), (x[number], y[number]), ha="center", va="center", zorder=3)
    ax.margins(0.15, 0.25)
    for axis in (ax.xaxis, ax.yaxis):
        look.number_axis(axis)
    level, contrast = (look.word("number_of_profiles", name) for name in ("level", "early_late"))
    return figures.finish(ax, look, level, contrast, grid="both")


def plot_course(course: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None) -> Axes:
    """Draw the expected score of each phase along a line or a curve.

    Parameters
    ----------
    course : DataFrame, index position (0-100), a column for each phase
        As `verdict.Evidence.course` without its shares.

    Examples
    --------
    >>> course = pd.DataFrame({"AG": [90.0, 50.0], "EX": [10.0, 80.0]}, index=[0.0, 100.0])
    >>> plot_course(course).get_xlabel()
    'Position along the course'
    """
    ax = figures.start(ax, height=3.4)
    often = max(len(course) // 6, 1)
    for place, name in enumerate(look.names(course.columns.tolist()), start=1):
        style = figures.profile_style(place) | {"linestyle": "-", "markevery": often}
        ax.plot(course.index, course.iloc[:, place - 1], label=name, **style)
    ax.set(ylim=(0, 100))
    figures.legend_below(ax, columns=3)
    for axis in (ax.xaxis, ax.yaxis):
        look.number_axis(axis)
    along = look.word("number_of_profiles", "position")
    return figures.finish(ax, look, along, look.word("scores", "score"), grid="y")


class Profiled(Protocol):
    """What can be drawn as profiles: a `Partition`, or what is told of one.

    Attributes
    ----------
    centroids : DataFrame, k profiles × p phases
        Mean phase scores, 0-100, on profile numbers 1..k.
    sizes : Series, k profiles
        Number of units in each profile.
    """

    @property
    def centroids(self) -> pd.DataFrame: ...  # noqa: D102

    @property
    def sizes(self) -> pd.Series: ...  # noqa: D102


def plot_profiles(
    profiles: Profiled,
    names: Mapping[int, str] | None = None,
    look: Look = ENGLISH,
    ax: Axes | None = None,
    *,
    low: pd.DataFrame | None = None,
    high: pd.DataFrame | None = None,
) -> Axes:
    """Draw the mean scores of each profile over the phases of the cycle.

    Parameters
    ----------
    profiles : Partition
        As `fit_profiles` and `ward_kmeans` give it; or what else has centroids and sizes.
    names : mapping from profile number to text, optional
        May lack numbers; then the number alone is shown.
    low, high : DataFrame, k profiles × p phases, optional
        Bounds of an interval around each mean.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [20.0, 22.0, 80.0], "EX": [10.0, 11.0, 60.0]})
    >>> ax = plot_profiles(ward_kmeans(scores, 2), {1: "Starters"})
    >>> [text.get_text() for text in ax.texts]
    ['1 Starters', '2']
    """
    centroids = profiles.centroids
    ax = figures.start(ax, height=3.8)
    places = np.arange(centroids.shape[1])
    shift = np.linspace(-0.09, 0.09, len(centroids)) if low is not None else [0.0] * len(centroids)
    for moved, profile in zip(shift, reversed(centroids.index), strict=True):
        line, means = figures.profile_style(int(profile)), centroids.loc[profile].to_numpy(float)
        ax.plot(places + moved, means, linewidth=1.8, markersize=5, **line)
        if low is not None and high is not None:
            bar: dict[str, Any] = {"color": line["color"], "linewidth": 2.4}
            ax.vlines(places + moved, low.loc[profile], high.loc[profile], **bar)
    _name_line_ends(ax, centroids, names or {})
    ax.set(xlim=(-0.3, len(places) - 0.75), ylim=(0, 100))
    figures.phase_ticks(ax, centroids.columns.tolist(), look)
    look.number_axis(ax.yaxis)
    return figures.finish(ax, look, y=look.word("scores", "score"), grid="y")


def plot_own_scores(scores: pd.DataFrame, look: Look = ENGLISH, ax: Axes | None = None) -> Axes:
    """Draw the scores of one unit with their interval, and the mean of all units as a bar.

    Parameters
    ----------
    scores : DataFrame, indexed by phase
        Columns score, error (half the interval, NaN where not known) and everyone, 0-100.

    Examples
    --------
    >>> scores = pd.DataFrame({"score": [40.0, 55.0], "error": [8.0, None],
    ...                        "everyone": [50.0, 45.0]}, index=["AG", "EX"])
    >>> [text.get_text() for text in plot_own_scores(scores).texts]
    ['40', '55']
    """
    ax = figures.start(ax, height=0.9 + 0.3 * len(scores))
    for place, row in enumerate(scores.itertuples()):
        ax.plot([row.everyone] * 2, [place - 0.3, place + 0.3], color=figures.MUTED, linewidth=3)
        ends = [max(row.score - row.error, 0), min(row.score + row.error, 100)]
        ax.plot(ends, [place, place], color=figures.ACCENT, linewidth=2)
        ax.plot(row.score, place, "o", markersize=7, color=figures.ACCENT)
        figures.say(ax, look.number(row.score), (row.score, place), (0, 7))
    ax.set_xlim(0, 100)
    ax.set_ylim(len(scores) - 0.5, -0.7)
    ax.set_yticks(range(len(scores)), look.names(scores.index.tolist()))
    return figures.finish(ax, look, x=look.word("scores", "score"), grid="x")


def plot_fingerprint(
    gaps: pd.Series, look: Look = ENGLISH, ax: Axes | None = None, *, profile: int = 1
) -> Axes:
    """Draw how far one profile lies from the mean of all units on each phase, as bars.

    Parameters
    ----------
    gaps : Series, p phases
        Points above (or below) the mean of all; NaN is left out.
    profile : int
        Its number, for its colour.

    Examples
    --------
    >>> [text.get_text() for text in plot_fingerprint(pd.Series({"AG": 12.0, "EX": -4.0})).texts]
    ['+12', '−4']
    """
    ax = figures.start(ax, height=0.4 + 0.27 * len(gaps), width=NARROW)
    places = np.arange(len(gaps))
    ax.barh(places, gaps.fillna(0.0), color=figures.profile_style(profile)["color"], height=0.62)
    ax.axvline(0, color=figures.INK, linewidth=1)
    for place, gap in enumerate(gaps.to_numpy(float)):
        if np.isfinite(gap):
            aside = -4 if gap < 0 else 4
            figures.say(ax, look.points(gap), (gap, place), (aside, 0), color="black")
    labels = [figures.break_lines(name, 16) for name in look.names([*gaps.index])]
    ax.set(yticks=places, yticklabels=labels, ylim=(len(gaps) - 0.5, -0.5))
    ax.set(xlim=(-50, 50), xticks=[])
    figures.strip(ax)
    return figures.finish(ax, look)


def _name_line_ends(ax: Axes, centroids: pd.DataFrame, names: Mapping[int, str]) -> None:
    """Put number and name of each profile at the end of its line: found without colour."""
    known = centroids.iloc[:, -1].astype(float).dropna()
    texts = [figures.break_lines(figures.profile_name(int(key), names), 16) for key in known.index]
    apart = 6.0 if all("\n" not in text for text in texts) else 13.0
    for text, place in zip(texts, figures.keep_apart(known.tolist(), apart), strict=True):
        figures.say(ax, text, (centroids.shape[1] - 1, place), (14, 0), annotation_clip=False)


def plot_units(
    partition: Partition,
    names: Mapping[int, str] | None = None,
    look: Look = ENGLISH,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw every unit as a row of phase scores, ordered by profile, then by level.

    Parameters
    ----------
    partition : Partition
        Missing scores are left white.
    names : mapping from profile number to text, optional
        May lack numbers; then the number alone is shown.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [20.0, 80.0], "EX": [10.0, 60.0]}, index=["A", "B"])
    >>> ax = plot_units(ward_kmeans(scores, 2))
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['2\nn = 1', '1\nn = 1']
    """
    ax, scores, names = figures.start(ax, height=5.0), partition.scores, names or {}
    keys = pd.DataFrame({"profile": partition.labels, "level": scores.mean(axis=1)})
    ordered = keys.sort_values(["profile", "level"], ascending=False, kind="stable")
    drawn = scores.loc[ordered.index].to_numpy(float)
    shades: dict[str, Any] = {"cmap": figures.LEVELS, "vmin": 0, "vmax": 100}
    image = ax.imshow(drawn, aspect="auto", interpolation="nearest", **shades)
    counts = ordered["profile"].value_counts().sort_index(ascending=False)
    ends = counts.cumsum().to_numpy()
    for end in ends[:-1]:
        ax.axhline(end - 0.5, color="white", linewidth=4)
    texts = [
        f"{figures.break_lines(figures.profile_name(number, names), 16)}\nn = {look.number(n)}"
        for number, n in counts.items()
    ]
    middles = ends - counts.to_numpy() / 2 - 0.5
    ax.set_yticks(figures.keep_apart(middles, len(ordered) / 12), texts)
    figures.phase_ticks(ax, scores.columns.tolist(), look)
    figures.strip(ax)
    bar = figures.figure_of(ax).colorbar(image, ax=ax, shrink=0.5, aspect=18, pad=0.02)
    bar.set_label(look.word("scores", "score"), fontsize=figures.TEXT_SIZE)
    bar.ax.tick_params(labelsize=figures.TEXT_SIZE)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figures.finish(ax, look)


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
    lines = list(_lines(chosen))
    ax = figures.start(ax, height=1.3 + CURVE + ROW * len(lines))
    top = CURVE / ROW  # rows that the curve takes
    kinds = {"set": as_many.isna(), "same": as_many.eq(True), "other": as_many.eq(False)}
    colours = dict(zip(kinds, ("0.6", figures.ACCENT, figures.PROFILE_COLOURS[1]), strict=True))
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
            figures.say(ax, text, (0, row), (2, -3), color=figures.MUTED)
            continue
        taken = chosen[column].iloc[order].to_numpy(dtype=float)
        shares = np.add.reduceat(taken, edges[:-1]) / np.diff(edges)
        ends = [row - 0.42, row + 0.42]
        ax.pcolormesh(edges, ends, shares[None], cmap=figures.LEVELS, vmin=0, vmax=1.1)
    ticks = {-1.0 - top * (value - lowest) / (1 - lowest): value for value in (1.0, 0.5, 0.0)}
    names = [look.number(value, 1) for value in ticks.values()]
    options = {row: text for row, (text, column) in enumerate(lines) if column}
    ax.set_yticks([*ticks, *options], [*names, *options.values()])
    ax.set(xlim=(0, len(rand)), ylim=(len(lines) - 0.4, -1.8 - top))
    ax.hlines(list(ticks), 0, len(rand), color=figures.FAINT, linewidth=0.7, zorder=0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    look.number_axis(ax.xaxis)
    figures.legend_below(ax)
    return figures.finish(ax, look, figures.break_lines(look.word("robustness", "x"), 34))


def _lines(chosen: pd.DataFrame) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """Give what stands before each row: a choice, which has no cells, then its options."""
    before = ""
    for choice, option in chosen.columns:
        if choice != before:
            yield choice, None
        before = choice
        yield option, (choice, option)
