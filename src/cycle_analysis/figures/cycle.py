"""Draw the cycle: its curve, and what runs together."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.cells import draw_cells
from cycle_analysis.texts.numbers import check_language, set_number, set_percent

_WORDS = {
    "nl": {
        "together": "% samen actief (verwacht als fasen losstonden)",
        "band": "Band: 95%-interval van het gemiddelde",
    },
    "en": {
        "together": "% active together (expected if phases were unrelated)",
        "band": "Band: 95% interval of the mean",
    },
}


def plot_phase_curve(
    curve: pd.DataFrame,
    language: str,
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
    language : str
        ``"nl"`` or ``"en"``.
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
    style.label_axes(ax, y=style.WORDS[check_language(language)]["score"])
    style.grid(ax)
    style.note(ax, f"{_WORDS[language]['band']}; n = {_range(curve, language)}")
    style.entitle(ax, title)
    return ax


def plot_coactivity(
    pairs: pd.DataFrame,
    language: str,
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
    words = _WORDS[check_language(language)]
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


def _two_shares(observed: float, expected: float, language: str) -> str:
    """Observed over expected, in two lines."""
    first, second = (set_percent(share, 0, language) for share in (observed, expected))
    return f"{first}\n({second})"


def _range(table: pd.DataFrame, language: str) -> str:
    """Write the number of units, or its range when phases differ."""
    low, high = (set_number(n, 0, language) for n in (table["n"].min(), table["n"].max()))
    return low if low == high else f"{low}-{high}"
