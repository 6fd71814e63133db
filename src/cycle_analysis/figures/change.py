"""Draw how much the phases changed between two waves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cycle_analysis.figures import style
from cycle_analysis.texts.numbers import check_language, set_number

_WORDS = {
    "nl": {"x": "Verandering in punten (streep: 95%-interval)"},
    "en": {"x": "Change in points (bar: 95% interval)"},
}


def plot_change(
    change: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the mean change of each phase with its interval; filled where it excludes zero.

    Parameters
    ----------
    change : DataFrame, indexed by phase
        Columns change, low, high, in points, as `waves.mean_change` gives them.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    title : str
        The finding.
    labels : mapping from phase to text, optional

    Examples
    --------
    >>> change = pd.DataFrame({"change": [3.5, -1.0], "low": [1.0, -3.0], "high": [6.0, 1.0]},
    ...                       index=["AG", "EX"])
    >>> [text.get_text() for text in plot_change(change, "nl").texts]
    ['+3,5', '−1,0']
    """
    words = _WORDS[check_language(language)]
    ax = style.start(ax, height=1.1 + 0.36 * len(change))
    ax.axvline(0, color=style.MUTED, linewidth=1)
    for place, row in enumerate(change.itertuples()):
        sure = row.low > 0 or row.high < 0
        ax.plot([row.low, row.high], [place, place], color=style.ACCENT, linewidth=2)
        filled = style.ACCENT if sure else "white"
        ax.plot(row.change, place, "o", markersize=7, markerfacecolor=filled, color=style.ACCENT)
        sign = "+" if row.change > 0 else ""
        ax.annotate(
            sign + set_number(row.change, 1, language),
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
