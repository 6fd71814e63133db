"""Notice personal data before they are copied: e-mail, telephone, IP address, position, free text.

Only mapped columns go on to data/processed. Whatever of them looks personal is told by column, with
the number of cells and never with their contents.
"""

import re

import numpy as np
import pandas as pd

from cycle_analysis.problems import KEPT, Problem
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.study.files import Wave

EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
KINDS = {
    "e-mail addresses": EMAIL,
    "telephone numbers": re.compile(
        r"(?<![\w.])(?:\+|00)31[ ()-]*(?:\d[ -]?){9}(?!\d)|(?<!\w)0\d(?:[ -]?\d){8}(?!\w)"
    ),
    "IP addresses": re.compile(rf"(?<![\w.])(?:{_BYTE}\.){{3}}{_BYTE}(?![\w.])"),
    "positions on the map": re.compile(r"(?<![\d.])-?\d{1,2}\.\d{4,} *[,;] *-?\d{1,3}\.\d{4,}"),
}
SHORT = 6
"""Texts up to this length can hold none of these."""
SCAN = "privacy scan"
N_WORDS = 5
"""A cell with this many words is free text, in which people can be named."""


def find_personal(counts: "pd.Series[int]") -> dict[str, int]:
    """Count the cells of one column that look personal, by kind.

    Parameters
    ----------
    counts : Series of int, n distinct texts
        Index: the texts; how many cells hold each.

    Examples
    --------
    >>> find_personal(pd.Series([4, 1, 9], index=["a@b.nl", "bel 06-12345678", "3"]))
    {'e-mail addresses': 4, 'telephone numbers': 1}
    """
    texts = counts.index.to_numpy(dtype="object")
    joined = "\n".join(texts)
    found = {}
    for kind, pattern in KINDS.items():
        if pattern.search(joined):
            there = [bool(pattern.search(text)) for text in texts]
            if n := int(counts[there].sum()):
                found[kind] = n
    return found


def hide_personal(text: str) -> str:
    """Write what looks personal as its kind, for lists that show what stood in a cell.

    Examples
    --------
    >>> hide_personal("bel 06-12345678"), hide_personal("7")
    ('(telephone numbers)', '7')
    """
    if len(text) <= SHORT:
        return text
    kind = next((kind for kind, pattern in KINDS.items() if pattern.search(text)), "")
    return f"({kind})" if kind else text


def scan_columns(raw: RawTable, mapping: Wave, open_items: set[str]) -> list[Problem]:
    """Warn of personal data in mapped columns, and of free text where the codebook has codes.

    Parameters
    ----------
    raw : RawTable
    mapping : Wave
    open_items : set of str
        Items that ask for a text.
    """
    problems = []
    for name, column in mapping.columns.items():
        if column.source not in raw.cells:
            continue
        cells = raw.cells[column.source]
        if max(map(len, cells.cat.categories.to_numpy()), default=0) <= SHORT:
            continue
        counts = cells.value_counts(sort=False).loc[lambda counts: counts > 0]
        personal = find_personal(counts)
        if name not in open_items and name != "role":
            known = set(raw.labels.get(column.source, {}).values()) | set(column.map)
            n = _count_free_text(counts.drop(list(known), errors="ignore"))
            if n > 0.5 * len(cells):
                personal["free text"] = n
        for kind, n in personal.items():
            remedy = "Map another column, or take them out of the export"
            if kind != "free text":
                remedy += "; open answers are exported only on request, to a private file"
            place = (column.source, (), "", f"{n} cells look like {kind}", "", remedy)
            problems.append(raw.problem(*place, done=KEPT, rule=SCAN, item=name, n=n))
    return problems


def find_same_person(raw: RawTable) -> list[Problem]:
    """Warn of an e-mail address that stands in more than one row, in any column."""
    problem = "the same e-mail address more than once: one person may have answered twice"
    remedy = "Keep the answers that count, and delete the others"
    problems = []
    for column in raw.cells:
        if "@" not in "".join(raw.cells[column].cat.categories.tolist()):
            continue
        given = change_texts(raw.cells[column], lambda text: text.strip().casefold())
        addresses = [text for text in given.cat.categories if EMAIL.fullmatch(text)]
        again = given.index[given.isin(addresses) & given.duplicated()]
        if len(again):
            place = (str(column), again, "", problem, "", remedy)
            problems.append(raw.problem(*place, done=KEPT, rule=SCAN))
    return problems


def _count_free_text(counts: "pd.Series[int]") -> int:
    """Cells with several words, when nearly every one is another text."""
    wordy = np.array([text.count(" ") >= N_WORDS - 1 for text in counts.index], dtype=bool)
    wordy_cells = int(counts[wordy].sum())
    return wordy_cells if wordy.sum() > 0.5 * max(wordy_cells, 1) else 0
