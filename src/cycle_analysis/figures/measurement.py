"""Draw how well is measured: reliability of phases, and spread inside units."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.texts.numbers import check_language, set_number

_WORDS = {
    "nl": {
        "reliability": "Betrouwbaarheid",
        "alpha": "alfa met 95%-interval",
        "omega": "omega",
        "floor": "ondergrens 0,70",
        "spread": "Spreiding tussen collega's (punten)",
        "level": "Gemiddelde score over de fasen",
    },
    "en": {
        "reliability": "Reliability",
        "alpha": "alpha with 95% interval",
        "omega": "omega",
        "floor": "lower limit 0.70",
        "spread": "Spread between colleagues (points)",
        "level": "Mean score over the phases",
    },
}


def plot_reliability(
    scales: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw alpha with its interval, and omega, for each phase.

    Parameters
    ----------
    scales : DataFrame, indexed by phase
        Columns alpha, alpha_low, alpha_high, omega, as `reliability.scale_statistics` gives them.
    language, ax, title, labels
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> scales = pd.DataFrame({"alpha": [0.8], "alpha_low": [0.75], "alpha_high": [0.85],
    ...                        "omega": [0.81]}, index=["AG"])
    >>> [text.get_text() for text in plot_reliability(scales, "nl").texts]
    ['0,80']
    """
    words = _WORDS[check_language(language)]
    ax = style.start(ax, height=1.5 + 0.36 * len(scales))
    places = np.arange(len(scales))
    known = scales[["alpha", "alpha_low", "alpha_high", "omega"]].astype(float)
    ax.hlines(places, known["alpha_low"], known["alpha_high"], color=style.ACCENT, linewidth=2)
    ax.plot(known["alpha"], places, "o", color=style.ACCENT, markersize=7, label=words["alpha"])
    ax.plot(known["omega"], places, "D", color=style.INK, markersize=6, markerfacecolor="white",
            label=words["omega"])  # fmt: skip
    ax.axvline(0.7, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1, label=words["floor"])
    for place, value in zip(places, known["alpha"], strict=True):
        if np.isfinite(value):
            ax.annotate(set_number(value, 2, language), (value, place), (0, 7),
                        textcoords="offset points", ha="center",
                        fontsize=style.TEXT_SIZE, color=style.INK)  # fmt: skip
    ax.set_yticks(places, style.name_phases(scales.index.tolist(), labels),
                  fontsize=style.TEXT_SIZE)  # fmt: skip
    ax.set_ylim(len(scales) - 0.5, -0.7)
    lowest = np.nanmin([*known.to_numpy().ravel(), 0.5])
    ax.set_xlim(np.floor(10 * lowest) / 10, 1)
    style.number_axis(ax.xaxis, language, 1)
    style.label_axes(ax, x=words["reliability"])
    style.grid(ax, "x")
    style.legend_below(ax, columns=2)
    style.entitle(ax, title)
    return ax


def plot_spread(
    groups: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    units: pd.DataFrame | None = None,
    title: str = "",
) -> Axes:
    """Draw the spread between the respondents of a unit against its level.

    Parameters
    ----------
    groups : DataFrame, one row for each group of units from low to high
        Columns level, spread, low, high, as `aggregation.spread_by_level` gives them.
    units : DataFrame, one row for each unit, optional
        Columns level (0-100), spread (sd inside the unit, points): a point each, behind.
    language, ax, title
        As for `cycle.plot_phase_curve`.

    Examples
    --------
    >>> groups = pd.DataFrame({"level": [20.0, 80.0], "spread": [5.0, 15.0]})
    >>> groups = groups.assign(low=groups["spread"] - 2, high=groups["spread"] + 2)
    >>> plot_spread(groups, "nl").get_ylabel()
    "Spreiding tussen collega's (punten)"
    """
    words = _WORDS[check_language(language)]
    ax = style.start(ax, height=3.2)
    if units is not None:
        ax.plot(units["level"], units["spread"], "o", color=style.MUTED, alpha=0.35, markersize=4.5,
                markeredgewidth=0)  # fmt: skip
    reach = (groups[["low", "high"]].sub(groups["spread"], axis=0)).abs().to_numpy(float).T
    ax.errorbar(groups["level"], groups["spread"], yerr=reach, color=style.INK,
                marker="s", markersize=7, linewidth=1.8, capsize=3)  # fmt: skip
    ax.set_xlim(0, 100)
    ax.set_ylim(0, None)
    for axis in (ax.xaxis, ax.yaxis):
        style.number_axis(axis, language)
    style.label_axes(ax, x=words["level"], y=words["spread"])
    style.grid(ax, "both")
    style.entitle(ax, title)
    return ax
