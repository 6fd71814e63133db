"""Draw the criteria by which the number of profiles is argued."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis.figures import style

_WORDS = {
    "nl": {"x": "Aantal profielen", "y": "BIC (lager is beter)"},
    "en": {"x": "Number of profiles", "y": "BIC (lower is better)"},
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
    words = _WORDS[style.check_language(language)]
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
