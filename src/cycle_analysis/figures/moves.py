"""Draw moves between profiles of which some cells are withheld.

`waves.plot_transitions` takes shares of what it is given, so that a withheld cell would raise the
shares of its row; here shares come with the counts.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style

WITHHELD = "×"


def plot_moves(
    counts: pd.DataFrame,
    shares: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
    axes: tuple[str, str] = ("1", "2"),
    title: str = "",
) -> Axes:
    r"""Draw how many units went from each profile to each; who stayed is framed.

    Parameters
    ----------
    counts, shares : DataFrame, profiles before × profiles after
        Number of units and share of the row, 0-1; NaN is withheld, drawn hatched.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    names : mapping from profile number to text, optional
    axes : pair of text
        What the rows and the columns are called.
    title : str
        The finding.

    Examples
    --------
    >>> counts = pd.DataFrame({1: [8.0, np.nan], 2: [5.0, 9.0]}, index=[1, 2])
    >>> shares = pd.DataFrame({1: [0.62, np.nan], 2: [0.38, np.nan]}, index=[1, 2])
    >>> [text.get_text() for text in plot_moves(counts, shares, "nl").texts]
    ['8\n62%', '5\n38%', '×', '9']
    """
    style.check_language(language)
    ax = style.start(ax, height=1.3 + 0.6 * len(counts))
    texts = [
        [
            _cell(counts.iloc[row, column], shares.iloc[row, column], language)
            for column in range(counts.shape[1])
        ]
        for row in range(len(counts))
    ]
    ground = shares.where(shares.notna(), 0.0).where(counts.notna())
    style.cells(ax, ground.to_numpy(float), texts)
    for place in range(min(counts.shape)):
        left, right = place - 0.46, place + 0.46
        corners = [(left, right, right, left, left), (left, left, right, right, left)]
        ax.plot(*corners, color=style.INK, linewidth=1.2)
    named = names or {}
    before = [style.break_lines(f"{key} {named.get(key, '')}".strip(), 16) for key in counts.index]
    ax.set_xticks(range(counts.shape[1]), counts.columns.astype(str), fontsize=style.TEXT_SIZE)
    ax.set_yticks(range(len(counts)), before, fontsize=style.TEXT_SIZE)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    style.label_axes(ax, x=axes[1], y=axes[0])
    style.entitle(ax, title)
    return ax


def _cell(count: float, share: float, language: str) -> str:
    if not np.isfinite(count):
        return WITHHELD
    number = style.set_number(count, 0, language)
    return f"{number}\n{style.set_percent(share, 0, language)}" if np.isfinite(share) else number
