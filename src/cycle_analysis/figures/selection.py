"""Draw the criteria by which the number of profiles is argued, and the test for profiles."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis.figures import style
from cycle_analysis.texts.numbers import check_language

_WORDS = {
    "nl": {
        "x": "Aantal profielen",
        "y": "BIC (lager is beter)",
        "silhouette": "Silhouet (hoger is scherper)",
        "survey": "deze enquête",
        "copula": "zonder groepen",
        "one_factor": "zonder groepen, één dimensie",
    },
    "en": {
        "x": "Number of profiles",
        "y": "BIC (lower is better)",
        "silhouette": "Silhouette (higher is sharper)",
        "survey": "this survey",
        "copula": "without groups",
        "one_factor": "without groups, one dimension",
    },
}


def plot_criteria(
    criteria: pd.DataFrame, language: str, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw BIC over the number of profiles, a line for each covariance model.

    Parameters
    ----------
    criteria : DataFrame
        Columns method, k and bic, as `selection.compare` gives them; rows without BIC are left out.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    title : str
        The finding.

    Examples
    --------
    >>> criteria = pd.DataFrame({"method": ["EEI", "EEI"], "k": [1, 2], "bic": [90.0, 80.0]})
    >>> plot_criteria(criteria, "nl").get_xlabel()
    'Aantal profielen'
    """
    words = _WORDS[check_language(language)]
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
    separation: pd.DataFrame, language: str, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw the silhouette over the number of profiles, beside that of surveys without groups.

    Parameters
    ----------
    separation : DataFrame, index k
        Columns survey, and per null <null>_mean and <null>_p95, as `evidence.Evidence.separation`.
        Bands reach from the mean to the 95th percentile of surveys without groups.
    language : str
        ``"nl"`` or ``"en"``.
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
    words = _WORDS[check_language(language)]
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
