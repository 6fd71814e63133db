"""Draw what changes between two waves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import style

_WORDS = {
    "nl": {
        "from": "Profiel in",
        "suppressed": "te klein",
        "expected": "Tussen haakjes: wat te verwachten is als alleen wisselt wie er antwoordt",
    },
    "en": {
        "from": "Profile in",
        "suppressed": "too small",
        "expected": "In brackets: to be expected when only the respondents change",
    },
}


def plot_transitions(
    counts: pd.DataFrame,
    language: str,
    ax: Axes | None = None,
    *,
    names: Mapping[int, str] | None = None,
    waves: tuple[str, str] = ("1", "2"),
    expected: pd.DataFrame | None = None,
    title: str = "",
) -> Axes:
    r"""Draw how many units moved from each profile to each profile.

    The colour is the share of the row, so that a row reads as: where did these units go. Cells on
    the diagonal, where nothing changed, are framed.

    Parameters
    ----------
    counts : DataFrame, profiles before × profiles after
        Number of units; NaN is a suppressed cell, drawn hatched.
    language : str
        ``"nl"`` or ``"en"``.
    ax : Axes, optional
    names : mapping from profile number to text, optional
    waves : pair of text
        What the two waves are called.
    expected : DataFrame, profiles before × profiles after, optional
        Number to be expected when nothing changes but who answers; set below in brackets.
    title : str
        The finding.

    Examples
    --------
    >>> counts = pd.DataFrame({1: [8.0, 1.0], 2: [2.0, 9.0]}, index=[1, 2])
    >>> [text.get_text() for text in plot_transitions(counts, "nl").texts]
    ['8\n80%', '2\n20%', '1\n10%', '9\n90%']
    """
    words = _WORDS[style.check_language(language)]
    ax = style.start(ax, height=1.5 + 0.6 * len(counts))
    shares = counts.div(counts.sum(axis=1), axis=0).to_numpy(float)
    told = counts.notna().all(axis=1).to_numpy()  # a share would give a suppressed cell away
    texts = [
        [
            _cell_text(
                counts.iloc[row, column], shares[row, column] if told[row] else None, language
            )
            + _expected_text(expected, row, column, language)
            for column in range(counts.shape[1])
        ]
        for row in range(len(counts))
    ]
    style.cells(ax, shares, texts)
    for place, profile in enumerate(counts.index):
        if profile in counts.columns:
            _frame(ax, place, counts.columns.get_loc(profile))
    named = names or {}
    before = [style.break_lines(f"{key} {named.get(key, '')}".strip(), 16) for key in counts.index]
    ax.set_xticks(range(counts.shape[1]), counts.columns.astype(str), fontsize=style.TEXT_SIZE)
    ax.set_yticks(range(len(counts)), before, fontsize=style.TEXT_SIZE)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    style.label_axes(ax, x=f"{words['from']} {waves[1]}", y=f"{words['from']} {waves[0]}")
    if expected is not None:
        style.note(ax, words["expected"])
    style.entitle(ax, title)
    return ax


def _cell_text(count: float, share: float | None, language: str) -> str:
    if not np.isfinite(count):
        return _WORDS[language]["suppressed"]
    number = style.set_number(count, 0, language)
    return number if share is None else f"{number}\n{style.set_percent(share, 0, language)}"


def _expected_text(expected: pd.DataFrame | None, row: int, column: int, language: str) -> str:
    if expected is None or not np.isfinite(number := float(expected.iloc[row, column])):
        return ""
    return f"\n({style.set_number(number, 1, language)})"


def _frame(ax: Axes, row: int, column: int) -> None:
    """Frame a cell of the diagonal."""
    left, right, top, bottom = column - 0.46, column + 0.46, row - 0.46, row + 0.46
    corners = [(left, right, right, left, left), (top, top, bottom, bottom, top)]
    ax.plot(*corners, color=style.INK, linewidth=1.2)
