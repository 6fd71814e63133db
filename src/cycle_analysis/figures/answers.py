"""Draw what was answered: one bar for each item, in the order of the cycle."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.texts.numbers import check_language, set_number

_WORDS = {
    "nl": {"share": "Aandeel van de antwoorden", "n": "n"},
    "en": {"share": "Share of answers", "n": "n"},
}


def plot_answers(
    shares: pd.DataFrame,
    n: pd.Series,
    options: Sequence[str],
    language: str,
    ax: Axes | None = None,
    *,
    phases: pd.Series | None = None,
    questions: Mapping[str, str] | None = None,
    title: str = "",
) -> Axes:
    """Draw the answers to each item as one bar from the lowest to the highest option.

    Parameters
    ----------
    shares : DataFrame, items × answer options
        Shares of the answers, 0-1, options from low to high, items in cycle order; an item of NaN
        is withheld, drawn hatched.
    n : Series, indexed by item
        Number of answers, shown beside the bar.
    options : sequence of text
        What the options are called.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    phases : Series, indexed by item, optional
        The phase of each item; phases are set apart.
    questions : mapping from item to text, optional
        Shown in place of the item's code.
    title : str
        The finding.

    Examples
    --------
    >>> shares = pd.DataFrame({0: [0.5, 0.2], 1: [0.5, 0.8]}, index=["AG1", "EX1"])
    >>> ax = plot_answers(shares, pd.Series({"AG1": 90, "EX1": 88}), ["no", "yes"], "en")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['AG1', 'EX1']
    """
    words = _WORDS[check_language(language)]
    of_item = (phases if phases is not None else pd.Series("", shares.index)).loc[shares.index]
    new = (of_item != of_item.shift()).to_numpy()
    places = np.arange(len(shares)) + 0.6 * (np.cumsum(new) - 1)
    ax = style.start(ax, height=1.5 + 0.235 * (len(shares) + 0.6 * new.sum()))
    left = np.zeros(len(shares))
    for rank, option in enumerate(shares.columns):
        colour = style.LEVELS(_tint(rank, shares.shape[1]))
        values = shares[option].fillna(0).to_numpy(float)
        ax.barh(places, values, left=left, height=0.82, color=colour, edgecolor=style.MUTED,
                linewidth=0.4, label=options[rank])  # fmt: skip
        for place, start, value in zip(places, left, values, strict=True):
            if value >= 0.09:
                ax.text(start + value / 2, place, set_number(100 * value, 0, language),
                        ha="center", va="center", fontsize=style.TEXT_SIZE,
                        color=style.ink_on(colour))  # fmt: skip
        left += values
    withheld = shares.isna().all(axis=1).to_numpy()
    ax.barh(places[withheld], 1.0, height=0.82, color="white", edgecolor=style.FAINT, hatch="////")
    for place, item in zip(places, shares.index, strict=True):
        ax.text(1.015, place, set_number(n.loc[item], 0, language), va="center",
                fontsize=style.TEXT_SIZE, color=style.MUTED)  # fmt: skip
    ax.text(1.015, -0.95, words["n"], fontsize=style.TEXT_SIZE, color=style.MUTED, va="center")
    named = [(questions or {}).get(item, item) for item in shares.index]
    ax.set_yticks(places, named, fontsize=style.TEXT_SIZE)
    ax.set_ylim(places[-1] + 0.6, -0.6)
    ax.set_xlim(0, 1)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    style.percent_axis(ax.xaxis, language)
    style.label_axes(ax, x=words["share"])
    longest = max(len(option) for option in options)
    style.legend_below(ax, columns=2 if longest <= 24 else 1)
    style.entitle(ax, title)
    return ax


def _tint(rank: int, n_options: int) -> float:
    """Where an option stands on the colours: the more, the darker, in grey too."""
    return 0.5 if n_options == 1 else 0.02 + 0.93 * rank / (n_options - 1)
