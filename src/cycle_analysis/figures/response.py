"""Draw who responded."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from cycle_analysis.figures import style

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
        Columns invited, responded, rate (0-1), as `representation.response_account` gives them.
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
    words = _WORDS[style.check_language(language)]
    ax = style.start(ax, height=0.9 + 0.36 * len(account))
    places, groups = range(len(account)), account.index.astype(str)
    sns.barplot(
        x=account["rate"].to_numpy(), y=groups, color=style.ACCENT, width=0.62, saturation=1, ax=ax
    )
    for place, row in zip(places, account.itertuples(), strict=True):
        text = f"{style.set_percent(row.rate, 0, language)}  ({row.responded} / {row.invited})"
        ax.text(row.rate + 0.01, place, text, va="center", fontsize=style.TEXT_SIZE)
    ax.set_yticks(places, groups, fontsize=style.TEXT_SIZE)
    ax.set_xlim(0, 1.28)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    style.percent_axis(ax.xaxis, language)
    style.label_axes(ax, x=words["rate"].format(many=many))
    style.entitle(ax, title)
    return ax
