"""Draw profiles over the cycle, every unit behind them, and how their number was chosen."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis.figures import style
from cycle_analysis.profiles.partitions import Partition
from cycle_analysis.texts import Words, set_number


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
    language: str | Words = "en",
    ax: Axes | None = None,
    *,
    low: pd.DataFrame | None = None,
    high: pd.DataFrame | None = None,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the mean scores of each profile over the phases of the cycle.

    Parameters
    ----------
    profiles : Partition
        As `fit_profiles` and `ward_kmeans` give it; or what else has centroids and sizes.
    names : mapping from profile number to text, optional
        May lack numbers; then the number alone is shown.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    low, high : DataFrame, k profiles × p phases, optional
        Bounds of an interval around each mean.
    title : str
        The finding.
    labels : mapping from phase to text, optional

    Examples
    --------
    >>> from cycle_analysis.profiles.partitions import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [20.0, 22.0, 80.0], "EX": [10.0, 11.0, 60.0]})
    >>> ax = plot_profiles(ward_kmeans(scores, 2), {1: "Starters"})
    >>> [text.get_text() for text in ax.figure.legends[0].get_texts()]
    ['2 (n = 1)', '1 Starters (n = 2)']
    """
    centroids, sizes, names = profiles.centroids, profiles.sizes, names or {}
    ax = style.start(ax, height=3.4 + 0.22 * ((len(centroids) + 1) // 2))
    places = np.arange(centroids.shape[1])
    shift = np.linspace(-0.06, 0.06, len(centroids)) if low is not None else [0.0] * len(centroids)
    for moved, profile in zip(shift, reversed(centroids.index), strict=True):
        look = style.profile_style(int(profile))
        means = centroids.loc[profile].to_numpy(float)
        name = f"{profile} {names.get(profile, '')}".strip()
        label = f"{name} (n = {set_number(sizes.loc[profile], 0, language)})"
        ax.plot(places + moved, means, label=label, linewidth=1.8, markersize=6.5, **look)
        if low is not None and high is not None:
            ax.vlines(
                places + moved,
                low.loc[profile],
                high.loc[profile],
                color=look["color"],
                linewidth=1.2,
                alpha=0.8,
            )
    _number_line_ends(ax, centroids)
    _score_axes(ax, centroids.columns.tolist(), language, labels)
    longest = max(len(text) for text in ax.get_legend_handles_labels()[1])
    style.legend_below(ax, columns=2 if longest <= 30 else 1)
    style.entitle(ax, title)
    return ax


def plot_units(
    partition: Partition,
    names: Mapping[int, str] | None = None,
    language: str | Words = "en",
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    r"""Draw every unit as a row of phase scores, ordered by profile, then by level.

    Parameters
    ----------
    partition : Partition
        Missing scores are left white.
    names, language, ax, title, labels
        As for `plot_profiles`.

    Examples
    --------
    >>> from cycle_analysis.profiles.partitions import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [20.0, 80.0], "EX": [10.0, 60.0]}, index=["A", "B"])
    >>> ax = plot_units(ward_kmeans(scores, 2))
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['2\nn = 1', '1\nn = 1']
    """
    ax, scores, names = style.start(ax, height=5.0), partition.scores, names or {}
    keys = pd.DataFrame({"profile": partition.labels, "level": scores.mean(axis=1)})
    ordered = keys.sort_values(["profile", "level"], ascending=False, kind="stable")
    image = ax.imshow(
        scores.loc[ordered.index].to_numpy(float),
        aspect="auto",
        cmap=style.LEVELS,
        vmin=0,
        vmax=100,
        interpolation="nearest",
    )
    counts = ordered["profile"].value_counts().sort_index(ascending=False)
    ends = counts.cumsum().to_numpy()
    for end in ends[:-1]:
        ax.axhline(end - 0.5, color="white", linewidth=4)
    texts = [
        style.break_lines(f"{number:g} {names.get(int(number), '')}".strip(), 16)
        + f"\nn = {set_number(n, 0, language)}"
        for number, n in counts.items()
    ]
    middles = ends - counts.to_numpy() / 2 - 0.5
    apart = style.keep_apart(middles, len(ordered) / 12)
    ax.set_yticks(apart, texts, fontsize=style.TEXT_SIZE)
    style.phase_ticks(ax, scores.columns.tolist(), labels)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    figure = ax.get_figure(root=True)
    if figure is not None:
        bar = figure.colorbar(image, ax=ax, shrink=0.5, aspect=18, pad=0.02)
        bar.set_label(style.words_of("scores", language)["score"], fontsize=style.TEXT_SIZE)
        bar.ax.tick_params(labelsize=style.TEXT_SIZE)
        bar.outline.set_visible(False)  # type: ignore[operator]
    style.entitle(ax, title)
    return ax


def _number_line_ends(ax: Axes, centroids: pd.DataFrame) -> None:
    """Put the number of each profile at the end of its line: found without colour."""
    ends = centroids.iloc[:, -1].astype(float)
    known = ends.dropna()
    for profile, place in zip(known.index, style.keep_apart(known.tolist(), 6.0), strict=True):
        ax.annotate(
            str(profile),
            (centroids.shape[1] - 1, place),
            xytext=(12, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.TEXT_SIZE,
            fontweight="bold",
            color=style.profile_style(int(profile))["color"],
            annotation_clip=False,
        )


def _score_axes(
    ax: Axes, phases: list[str], language: str | Words, labels: Mapping[str, str] | None
) -> None:
    ax.set_ylim(0, 100)
    ax.set_xlim(-0.3, len(phases) - 0.7)
    style.phase_ticks(ax, phases, labels)
    style.label_axes(ax, y=style.words_of("scores", language)["score"])
    style.number_axis(ax.yaxis, language)
    style.grid(ax)


def plot_criteria(
    criteria: pd.DataFrame, language: str | Words, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw BIC over the number of profiles, a line for each covariance model.

    Parameters
    ----------
    criteria : DataFrame
        Columns method, k and bic, as `selection.compare` gives them; rows without BIC are left out.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    title : str
        The finding.

    Examples
    --------
    >>> criteria = pd.DataFrame({"method": ["EEI", "EEI"], "k": [1, 2], "bic": [90.0, 80.0]})
    >>> plot_criteria(criteria, "nl").get_xlabel()
    'Aantal profielen'
    """
    words = style.words_of("number_of_profiles", language)
    ax = style.start(ax, height=3.2)
    known = criteria.dropna(subset="bic")
    sns.lineplot(
        known,
        x="k",
        y="bic",
        hue="method",
        style="method",
        markers=list(style.PROFILE_MARKERS[: known["method"].nunique()]),
        palette=list(style.PROFILE_COLOURS[: known["method"].nunique()]),
        ax=ax,
    )
    best = known.loc[known["bic"].idxmin()]
    ax.plot(best["k"], best["bic"], "o", markersize=13, markerfacecolor="none", color=style.INK)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.number_axis(ax.yaxis, language)
    style.label_axes(ax, words["x"], words["y"])
    style.grid(ax)
    style.legend_below(ax, columns=4)
    if inner := ax.get_legend():
        inner.remove()
    style.entitle(ax, title)
    return ax


def plot_separation(
    separation: pd.DataFrame, language: str | Words, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw the silhouette over the number of profiles, beside that of surveys without groups.

    Parameters
    ----------
    separation : DataFrame, index k
        Columns survey, and per null <null>_mean and <null>_p95, as `evidence.Evidence.separation`.
        Bands reach from the mean to the 95th percentile of surveys without groups.
    language : str or Words
        Code of a language of the package, or the words of one.
    ax : Axes, optional
    title : str
        The finding.

    Examples
    --------
    >>> table = pd.DataFrame({"survey": [0.4, 0.5], "copula_mean": 0.3, "copula_p95": 0.35},
    ...                      index=pd.Index([2, 3], name="k"))
    >>> plot_separation(table, "en").get_ylabel()
    'Silhouette (higher is sharper)'
    """
    words = style.words_of("number_of_profiles", language)
    ax = style.start(ax, height=3.2)
    k = separation.index.to_numpy(dtype=float)
    for null, hatch in (("copula", ""), ("one_factor", "////")):
        if f"{null}_mean" in separation:
            ends = (separation[f"{null}_mean"], separation[f"{null}_p95"])
            ax.fill_between(
                k, *ends, facecolor="0.85" if not hatch else "none", edgecolor="0.55",
                hatch=hatch, linewidth=0.8, label=words[null],
            )  # fmt: skip
    colour = style.PROFILE_COLOURS[0]
    ax.plot(k, separation["survey"], marker="o", color=colour, label=words["survey"], zorder=3)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.number_axis(ax.yaxis, language, decimals=2)
    style.label_axes(ax, words["x"], words["silhouette"])
    style.grid(ax)
    style.legend_below(ax, columns=2)
    style.entitle(ax, title)
    return ax
