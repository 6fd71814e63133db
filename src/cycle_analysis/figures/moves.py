"""Draw moves between profiles of which some cells are withheld.

Counts only: shares of a row with a cell withheld would be too high, and true shares beside them
would tell the withheld cell.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style
from cycle_analysis.figures.cells import draw_cells
from cycle_analysis.texts.numbers import check_language, set_number

WITHHELD = "×"


def plot_moves(
    counts: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
    axes: tuple[str, str] = ("1", "2"),
    title: str = "",
) -> Axes:
    """Draw how many units went from each profile to each; who stayed is framed.

    Parameters
    ----------
    counts : DataFrame, profiles before × profiles after
        Number of units; NaN is withheld, drawn hatched.
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
    >>> [text.get_text() for text in plot_moves(counts, "nl").texts]
    ['8', '5', '×', '9']
    """
    check_language(language)
    ax = style.start(ax, height=1.2 + 0.5 * len(counts))
    values = counts.to_numpy(float)
    most = max(np.nanmax(values, initial=1.0), 1.0)
    draw_cells(ax, values, [[_cell(n, language) for n in row] for row in values], high=most)
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


def _cell(count: float, language: str) -> str:
    return set_number(count, 0, language) if np.isfinite(count) else WITHHELD
