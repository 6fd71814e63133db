"""From an export to coded answers, every cell checked: what it means, and what is personal.

Every distinct text of a column is understood once, by rules tried in this order: the wave's own
recode, a missing code of the study, a code that the file itself labels or declares missing, a
number on the scale, a label in Dutch or English, a word for a missing answer, a leading code as in
``3 - in most units``. Where the wave asked another scale (`linear`), its numbers go before the
study's missing codes, which belong to the codebook's. What no rule understands is an invalid
answer: it is counted as missing with the reason `invalid` and stands in the problem table.

Personal data are noticed before they are copied: e-mail, telephone, IP address, position, free
text. Only mapped columns go on to data/processed. Whatever of them looks personal is told by
column, with the number of cells and never with their contents.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from cycle_analysis.problems import KEPT, Problem, counted
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.study.files import (
    ANSWERED,
    BLANK,
    INVALID,
    NO_TEXT,
    Column,
    Linear,
    Scale,
    Wave,
    codes_by_label,
    missing_reason,
    normalise,
)

DECLARED_MISSING = "is an answer of the codebook, but the file declares it missing"
NO_LABEL = ("", "-", "--", ".", "none")
"""Words for no answer in a cell, which say nothing of the kind as the label of a code."""
RECODED, RESCALED = "recoded in wave.yaml", "rescaled in wave.yaml"
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
MARKED = re.compile(
    rf"({NUMBER.pattern}) ?(?:%|procent|percent)|(\d{{1,3}}(?: \d{{3}})+(?:[.,]\d+)?)", re.ASCII
)
"""A number with a percent sign, or with spaces between its thousands."""
MOST_PERCENT = 100
WITHOUT_DECIMALS = re.compile(r"([+-]?\d+)[.,]0+", re.ASCII)
THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""A thousand in one language, three decimals in the other."""
WITH_CODE = (
    re.compile(r"[(\[]?(?P<code>\d+)\s*[-–—=:.)\]]\s*(?P<words>[^\d\s].*)", re.ASCII),
    re.compile(r"(?P<words>.*)[(\[](?P<code>\d+)[)\]]", re.ASCII),
)
"""An answer that begins with its code, or ends with it in brackets."""
LETTERS_AND_NUMBER = re.compile(r"([A-Za-z]+)0*(\d+)", re.ASCII)
"""How LimeSurvey codes answers: A1, AO01."""
CODE_IN_LABEL = re.compile(r"^[(\[]?-?\d+[)\].:]?\s*[-–:]?\s*", re.ASCII)
MONTH = re.compile(r"(?:jan|feb|mrt|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)[a-z]*\W*\d*")
OTHER = "-oth-"
"""What LimeSurvey writes when the answer stands in a text field of its own."""
Ranges = Sequence[tuple[float | str, float | str]]
REASONS = pd.CategoricalDtype(
    [ANSWERED, "dont_know", "not_applicable", "not_shown", "refused", BLANK, INVALID]
)
"""All reasons why there can be no answer, and none."""
EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
KINDS = {
    "e-mail addresses": EMAIL,
    "telephone numbers": re.compile(
        r"(?<![\w.])(?:\+|00)[1-9](?:[ ()/-]{0,2}\d){7,13}(?!\d)|"
        r"(?<!\w)0\d(?:[ /-]?\d){7,10}(?![\w:])"
    ),
    "IP addresses": re.compile(rf"(?<![\w.])(?:{_BYTE}\.){{3}}{_BYTE}(?![\w.])"),
    "positions on the map": re.compile(r"(?<![\d.])-?\d{1,2}\.\d{4,} *[,;] *-?\d{1,3}\.\d{4,}"),
}
SHORT = 6
"""Texts up to this length can hold none of these."""
SCAN = "privacy scan"
N_WORDS = 5
"""A cell with this many words is free text, in which people can be named."""


class Answer(NamedTuple):
    """What one text means: a value, or the reason why there is none.

    Attributes
    ----------
    value : float or str or None
        Code on the codebook's scale; None if missing.
    reason : str
        ``""`` when answered, else one of the reasons of study.yaml, `blank` or `invalid`.
    rule : str
        How it was understood, ``""`` when it stood there as the codebook has it.
    problem : str
        What is wrong with an invalid answer.
    """

    value: float | str | None
    reason: str = ANSWERED
    rule: str = ""
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The answers of one column.

    Attributes
    ----------
    distinct : DataFrame, n distinct texts × 4
        Index: the texts; `value`, `reason`, `rule`, `problem` as in `Answer`.
    codes : ndarray, n respondents
        Which of the distinct texts each respondent gave.
    counts : ndarray, n distinct texts
        How many respondents gave each.
    index : Index, n respondents
    """

    distinct: pd.DataFrame
    codes: np.ndarray
    counts: np.ndarray
    index: pd.Index

    @property
    def numbers(self) -> np.ndarray:
        """The value of each distinct text, missing when it is none."""
        return self.distinct["value"].to_numpy("float64")

    @property
    def answers(self) -> pd.Series:
        """Answers: numbers, or codes as text where the scale has categories or texts."""
        values = self.distinct["value"]
        return pd.Series(values.array.take(self.codes), self.index)

    @property
    def reasons(self) -> pd.Series:
        """Why there is no answer, ``""`` where there is one."""
        reasons = pd.Categorical(self.distinct["reason"], dtype=REASONS).codes
        found = pd.Categorical.from_codes(np.take(reasons, self.codes, mode="clip"), dtype=REASONS)
        return pd.Series(found, self.index)

    def rows(self, chosen: "np.ndarray | pd.Series[bool]") -> pd.Index:
        """Rows of the respondents who gave one of the chosen distinct texts."""
        return self.index[np.take(np.asarray(chosen), self.codes, mode="clip")]


class _Rules:
    """The rules for one column: each gives an answer, or None for a text it does not understand."""

    def __init__(self, column: Column, scale: Scale, labels: dict[str, str], missing: Ranges):
        self.column, self.scale, self.labels, self.missing = column, scale, labels, missing
        self.recode = {normalise(old): new for old, new in column.map.items()}
        reasons = {code: entry.reason for code, entry in scale.missing.items()}
        words = codes_by_label(scale.missing)
        self.reasons = {normalise(code): reason for code, reason in reasons.items()} | reasons
        self.reasons |= {word: reasons[code] for word, code in words.items()}
        self.of_code = {normalise(code): code for code in scale.labels}
        self.in_codebook = codes_by_label(scale.labels)
        self.codes = {normalise(label): code for code, label in labels.items()} | self.in_codebook

    def understand(self, text: str) -> Answer:
        """Give the answer of the first rule that understands a text."""
        if self.scale.kind == "text":
            return Answer(None, BLANK) if normalise(text) in NO_TEXT else Answer(text.strip())
        study, of_file, word = self._of_study(text), self._of_file(text), _missing_word(text)
        label = self._by_label(normalise(text))
        if self.scale.kind == "category" and text.strip() in self.scale.labels:
            return self._recoded(text) or Answer(text.strip())
        if self.column.map:
            known = self._recoded(text) or study or of_file or word or label
            return known or _invalid(f"is not recoded in wave.yaml ({', '.join(self.column.map)})")
        number = self._number(normalise(text))
        if self.column.linear:
            first = of_file or (number if number and number.reason == ANSWERED else study)
        else:
            first = study or of_file
        if known := first or number or label or word or self._leading(normalise(text)):
            return known
        if text.strip() == OTHER:
            problem = "is 'other', with the answer in a text field of its own; add a `map` for it"
            return _invalid(problem)
        return _invalid("is no answer of this scale")

    def _recoded(self, text: str) -> Answer | None:
        new = self.recode.get(normalise(text), self.recode.get(plain_number(text)))
        if new in self.scale.missing:
            return Answer(None, self.scale.missing[new].reason)
        return None if new is None else self._on_scale(new, RECODED)

    def _of_study(self, text: str) -> Answer | None:
        reason = self.reasons.get(normalise(text)) or self.reasons.get(plain_number(text))
        return None if reason is None else Answer(None, reason)

    def _of_file(self, text: str) -> Answer | None:
        """A code that the file labels as *don't know*, or declares missing."""
        label = normalise(CODE_IN_LABEL.sub("", self.labels.get(text, "")))
        reason = None if label in self.in_codebook else label_reason(label)
        if reason:
            return Answer(None, reason, rule=f"labelled {label!r} in the file")
        if not declared_missing(text, self.missing):
            return None
        found = None if self.column.map else self._on_scale(text, "", self.column.linear)
        if found and found.reason == ANSWERED:
            return _invalid(DECLARED_MISSING)
        return Answer(None, BLANK, rule="declared missing in the file")

    def _number(self, text: str) -> Answer | None:
        if text.startswith("'"):  # how spreadsheets mark a number as text
            return self._on_scale(text[1:], "apostrophe left out", self.column.linear)
        runs_to = (self.column.linear.from_ if self.column.linear else self.scale.ends)[1]
        if (plain := without_marks(text)) != text and runs_to >= MOST_PERCENT:
            return self._on_scale(plain, "percent sign or spaces left out", self.column.linear)
        return self._on_scale(text, "", self.column.linear)

    def _by_label(self, text: str) -> Answer | None:
        return self._on_scale(self.codes[text], "by label") if text in self.codes else None

    def _leading(self, text: str) -> Answer | None:
        """Read ``3 - in most units``; not when the words are the label of another code."""
        code, words = split_code(text)
        if not code:
            return None
        if MONTH.fullmatch(words):
            return _invalid("looks like a date that a spreadsheet made of a code")
        if code in self.scale.missing:
            return Answer(None, self.scale.missing[code].reason, rule="leading code")
        found = self._on_scale(code, "leading code", self.column.linear)
        said = self._by_label(words)
        if found and said and found.reason == ANSWERED and said.value != found.value:
            return _invalid("has the code of one answer and the label of another")
        return found

    def _on_scale(self, text: str, rule: str, linear: Linear | None = None) -> Answer | None:
        """Read a code; None if the text is no code at all, invalid if it lies off the scale."""
        scale = self.scale
        if scale.kind == "category":
            code = self.of_code.get(normalise(text)) or self.of_code.get(plain_number(text))
            return None if code is None else Answer(code, rule=rule)
        if not NUMBER.fullmatch(text):
            return None
        value = float(text.replace(",", "."))
        if scale.kind == "number" and THOUSANDS.fullmatch(text):
            whole = float(re.sub("[.,]", "", text))
            if scale.ends[0] <= whole <= scale.ends[1]:
                return _invalid("may be a thousand or a decimal number")
        low, high = linear.from_ if linear else scale.ends
        if not low <= value <= high:
            return _invalid(f"lies outside the scale {low:g} to {high:g}")
        if linear:
            share = (value - low) / (high - low)
            first, last = scale.ends
            return Answer(first + share * (last - first), rule=RESCALED)
        if scale.kind == "rating" and scale.labels and not value.is_integer():
            return _invalid("is no whole number, and the scale has labelled steps")
        return Answer(value, rule=rule)


def decode(
    texts: pd.Series, column: Column, scale: Scale, labels: dict[str, str], missing: Ranges = ()
) -> Decoded:
    """Decode one column.

    Parameters
    ----------
    texts : Series of str or category, n respondents
        The cells as the file has them.
    column : Column
        How the wave asked this item.
    scale : Scale
        How the codebook codes it.
    labels : dict of str to str
        Code to label as the file itself has them (SPSS), may be empty.
    missing : sequence of (low, high)
        Codes that the file declares missing, ends included.

    Examples
    --------
    >>> texts = pd.Series(["3", "weet niet", "7"])
    >>> decode(texts, Column(source="Q1"), Scale(min=0, max=4), {}).reasons.tolist()
    ['', 'dont_know', 'invalid']
    """
    cells = texts.astype("category")
    counts = np.bincount(cells.cat.codes, minlength=len(cells.cat.categories))
    if not counts.all():
        cells, counts = cells.cat.remove_unused_categories(), counts[counts > 0]
    known = cells.cat.categories.tolist()
    rules = _Rules(column, scale, labels, missing)
    table = pd.DataFrame(
        [rules.understand(text) for text in known],
        index=pd.Index(known, name="text", dtype="str"),
        columns=list(Answer._fields),
    )
    kind = "str" if scale.kind in ("category", "text") else "float64"
    table = table.astype({"value": kind, "reason": "str", "rule": "str", "problem": "str"})
    return Decoded(table, cells.cat.codes.to_numpy(), counts, texts.index)


def declared_missing(text: str, missing: Ranges) -> bool:
    """Whether a text is one of the codes that a file declares missing.

    Examples
    --------
    >>> declared_missing("98", [(97.0, 99.0)]), declared_missing("9", [(97.0, 99.0)])
    (True, False)
    """
    return any(_within(text, *ends) for ends in missing)


def label_reason(label: str) -> str | None:
    """Give the reason why a code with this label is no answer; None when it is one.

    Examples
    --------
    >>> label_reason("Weet niet"), label_reason("-"), label_reason("None")
    ('dont_know', None, None)
    """
    return None if normalise(label) in NO_LABEL else missing_reason(label)


def without_marks(text: str) -> str:
    """Write a number without percent sign or spaces between thousands, and any other text as it is.

    Examples
    --------
    >>> without_marks("75 %"), without_marks("20\u2009000"), without_marks("eens")
    ('75', '20000', 'eens')
    """
    part = MARKED.fullmatch(normalise(text))
    return (part[1] or part[2]).replace(" ", "") if part else text


def split_code(text: str) -> tuple[str, str]:
    """Split an answer into the code that stands in it and its words; no code where there is none.

    Examples
    --------
    >>> split_code("3 - eens"), split_code("(3) eens"), split_code("eens (3)"), split_code("eens")
    (('3', 'eens'), ('3', 'eens'), ('3', 'eens'), ('', 'eens'))
    """
    for pattern in WITH_CODE:
        if part := pattern.fullmatch(text):
            return part["code"], part["words"].strip()
    return "", text


def plain_number(text: str) -> str:
    """Write a whole number without decimals.

    Examples
    --------
    >>> plain_number("8,0"), plain_number("A")
    ('8', 'a')
    """
    text = normalise(text)
    part = WITHOUT_DECIMALS.fullmatch(text)
    return part[1] if part else text


def _invalid(problem: str) -> Answer:
    return Answer(None, INVALID, problem=problem)


def _missing_word(text: str) -> Answer | None:
    word, reason = normalise(text), missing_reason(text)
    if reason is None:
        return None
    return Answer(None, reason, rule=f"{word!r} is no answer" if word else "")


def _within(text: str, low: float | str, high: float | str) -> bool:
    """Whether a text lies between two ends, or is the one text that both are."""
    if isinstance(low, str) or isinstance(high, str):
        return text.strip() == str(low).strip()
    return bool(NUMBER.fullmatch(text)) and low <= float(text.replace(",", ".")) <= high


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


def scan_columns(raw: RawTable, mapping: Wave, open_items: set[str]) -> Iterator[Problem]:
    """Warn of personal data in mapped columns, and of free text where the codebook has codes.

    Parameters
    ----------
    raw : RawTable
    mapping : Wave
    open_items : set of str
        Items that ask for a text.
    """
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
            problem = f"{counted(n, 'cell looks', 'cells look')} like {kind}"
            place = (column.source, problem, (), "", name, n)
            yield raw.problem(*place, remedy=remedy, done=KEPT, rule=SCAN)


def find_same_person(raw: RawTable) -> Iterator[Problem]:
    """Warn of an e-mail address that stands in more than one row, in any column."""
    problem = "the same e-mail address more than once: one person may have answered twice"
    remedy = "Keep the answers that count, and delete the others"
    for column in raw.cells:
        if "@" not in "".join(raw.cells[column].cat.categories.tolist()):
            continue
        given = change_texts(raw.cells[column], lambda text: text.strip().casefold())
        addresses = [text for text in given.cat.categories if EMAIL.fullmatch(text)]
        again = given.index[given.isin(addresses) & given.duplicated()]
        if len(again):
            yield raw.problem(str(column), problem, again, remedy=remedy, done=KEPT, rule=SCAN)


def _count_free_text(counts: "pd.Series[int]") -> int:
    """Cells with several words, when nearly every one is another text."""
    wordy = np.array([text.count(" ") >= N_WORDS - 1 for text in counts.index], dtype=bool)
    wordy_cells = int(counts[wordy].sum())
    return wordy_cells if wordy.sum() > 0.5 * max(wordy_cells, 1) else 0
