"""Draw who responded, by one background or by two."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.cells import draw_cells
from cycle_analysis.texts.numbers import check_language, set_percent

WITHHELD = "×"
_WORDS = {
    "nl": {"rate": "Respons per groep: aandeel van de {many}"},
    "en": {"rate": "Response per group: share of the {many}"},
}


def plot_response(
    account: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    many: str = "",
    title: str = "",
) -> Axes:
    """Draw the response rate of each group, with the number of units.

    Parameters
    ----------
    account : DataFrame, one row per group
        Columns invited, responded, rate (0-1), as `account.response_account` gives them.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    many : str
        What the units are called, for the axis.
    title : str
        The finding.

    Examples
    --------
    >>> account = pd.DataFrame({"invited": [8, 4], "responded": [4, 3], "rate": [0.5, 0.75]},
    ...                        index=["small", "large"])
    >>> [text.get_text() for text in plot_response(account, "en").texts]
    ['50%  (4 / 8)', '75%  (3 / 4)']
    """
    words = _WORDS[check_language(language)]
    ax = style.start(ax, height=1.1 + 0.42 * len(account))
    places, groups = range(len(account)), account.index.astype(str)
    names = [style.break_lines(name, 18) for name in groups]
    sns.barplot(
        x=account["rate"].to_numpy(), y=groups, color=style.ACCENT, width=0.62, saturation=1, ax=ax
    )
    for place, row in zip(places, account.itertuples(), strict=True):
        text = f"{set_percent(row.rate, 0, language)}  ({row.responded} / {row.invited})"
        ax.text(row.rate + 0.01, place, text, va="center", fontsize=style.TEXT_SIZE)
    ax.set_yticks(places, names, fontsize=style.TEXT_SIZE)
    ax.set_xlim(0, 1.5)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    style.percent_axis(ax.xaxis, language)
    style.label_axes(ax, x=style.break_lines(words["rate"].format(many=many), 30))
    style.entitle(ax, title)
    return ax


def plot_response_cells(
    responded: pd.DataFrame,
    invited: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    title: str = "",
) -> Axes:
    """Draw the response rate of each combination of two backgrounds, with the number of units.

    Parameters
    ----------
    responded : DataFrame, r groups × c groups
        Number of units; NaN is withheld, drawn hatched. Groups are named as they are shown.
    invited : DataFrame, as `responded`
        Combinations of which no unit was invited stay empty.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    title : str
        The finding.

    Examples
    --------
    >>> responded = pd.DataFrame({"N": [8.0, np.nan], "Z": [5.0, 0.0]}, index=["small", "large"])
    >>> invited = pd.DataFrame({"N": [16, 7], "Z": [10, 0]}, index=responded.index)
    >>> ax = plot_response_cells(responded, invited, "en")
    >>> [text.get_text().split() for text in ax.texts]
    [['50%', '8/16'], ['50%', '5/10'], ['×', '7']]
    """
    check_language(language)
    ax = style.start(ax, height=0.9 + 0.55 * len(responded))
    counts, asked = responded.to_numpy(float), invited.to_numpy(float)
    rates = np.divide(counts, asked, out=np.full(asked.shape, np.nan), where=asked > 0)
    texts = [
        [_cell_text(n, of, language) for n, of in zip(*rows, strict=True)]
        for rows in zip(counts, asked, strict=True)
    ]
    draw_cells(ax, rates, texts)
    columns = [style.break_lines(str(name), 12) for name in responded.columns]
    rows = [style.break_lines(str(name), 18) for name in responded.index]
    ax.set_xticks(range(responded.shape[1]), columns, fontsize=style.TEXT_SIZE)
    ax.set_yticks(range(len(responded)), rows, fontsize=style.TEXT_SIZE)
    ax.xaxis.tick_top()
    style.entitle(ax, title)
    return ax


def _cell_text(responded: float, invited: float, language: str) -> str | None:
    """Rate and number of a cell; None for one of which no unit was invited."""
    if not invited:
        return None
    if np.isnan(responded):
        return f"{WITHHELD}\n{invited:.0f}"
    return f"{set_percent(responded / invited, 0, language)}\n{responded:.0f}/{invited:.0f}"
