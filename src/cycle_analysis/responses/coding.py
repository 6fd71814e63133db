"""Code cells as answers: texts compared as people read them, labels, codes, reasons.

Understand one text as an answer, or say why it cannot be one.

The rules are tried in this order: the wave's own recode, a missing code of the study, a code that
the file itself labels or declares missing, a number on the scale, a label in Dutch or English, a
word for a missing answer, a leading code as in ``3 - in most units``. Where the wave asked another
scale (`linear`), its numbers go before the study's missing codes, which belong to the codebook's.
Whatever no rule understands is invalid.

Turn the texts of one column into coded answers.

Every rule of `coding` is tried on each distinct text once. What none of them understands is an
invalid answer: it is counted as missing with the reason `invalid` and stands in the problem table.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.study.files import Column, Scale
from cycle_analysis.words import (
    ANSWERED,
    BLANK,
    INVALID,
    NO_TEXT,
    codes_by_label,
    missing_reason,
    normalise,
)

DECLARED_MISSING = "is an answer of the codebook, but the file declares it missing"
RECODED, RESCALED = "recoded in wave.yaml", "rescaled in wave.yaml"
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
WITHOUT_DECIMALS = re.compile(r"([+-]?\d+)[.,]0+", re.ASCII)
THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""A thousand in one language, three decimals in the other."""
LEADING_CODE = re.compile(r"(\d+)\s*(?:[-–—=:.)])\s*([^\d\s].*)", re.ASCII)
CODE_IN_LABEL = re.compile(r"^[(\[]?-?\d+[)\].:]?\s*[-–:]?\s*", re.ASCII)
MONTH = re.compile(r"(?:jan|feb|mrt|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)[a-z]*\W*\d*")
OTHER = "-oth-"
"""What LimeSurvey writes when the answer stands in a text field of its own."""


@dataclass(frozen=True)
class Answer:
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


Rule = Callable[[str], Answer | None]
"""Understands a text, or not."""
Ranges = Sequence[tuple[float | str, float | str]]


def coding_rules(
    column: Column, scale: Scale, labels: dict[str, str], missing: Ranges
) -> list[Rule]:
    """Give the rules for a column, in the order in which they are tried.

    Parameters
    ----------
    column, scale, labels, missing
        As of `answers.decode`.
    """
    if scale.kind == "text":
        return [_no_text, lambda text: Answer(text.strip())]
    study, of_file = _missing_of_study(scale), _missing_of_file(column, scale, labels, missing)
    by_label = _by_label(scale, labels)
    if column.map:
        return [_recoded(column, scale), study, of_file, _missing_word, by_label, _refused(column)]
    number = _number(column, scale)
    first = [of_file, _answered(number), study] if column.linear else [study, of_file]
    return [*first, number, by_label, _missing_word, _leading(column, scale, by_label), _other]


def understand(text: str, rules: Sequence[Rule]) -> Answer:
    """Give the answer of the first rule that understands a text."""
    for rule in rules:
        if (answer := rule(text)) is not None:
            return answer
    return _invalid("is no answer of this scale")


def _invalid(problem: str) -> Answer:
    return Answer(None, INVALID, problem=problem)


def _no_text(text: str) -> Answer | None:
    return Answer(None, BLANK) if normalise(text) in NO_TEXT else None


def _recoded(column: Column, scale: Scale) -> Rule:
    recode = {normalise(old): new for old, new in column.map.items()}

    def rule(text: str) -> Answer | None:
        new = recode.get(normalise(text), recode.get(_plain(text)))
        if new is None:
            return None
        if new in scale.missing:
            return Answer(None, scale.missing[new].reason)
        return _on_scale(new, scale, None, rule=RECODED)

    return rule


def _refused(column: Column) -> Rule:
    problem = f"is not recoded in wave.yaml ({', '.join(column.map)})"
    return lambda text: _invalid(problem)


def _missing_of_study(scale: Scale) -> Rule:
    known = {code: entry.reason for code, entry in scale.missing.items()}
    known |= {word: known[code] for word, code in codes_by_label(scale.missing).items()}

    def rule(text: str) -> Answer | None:
        reason = known.get(normalise(text)) or known.get(_plain(text))
        return None if reason is None else Answer(None, reason)

    return rule


def _missing_of_file(column: Column, scale: Scale, labels: dict[str, str], ranges: Ranges) -> Rule:
    """A code that the file labels as *don't know*, or declares missing."""
    in_codebook = codes_by_label(scale.labels)

    def rule(text: str) -> Answer | None:
        label = normalise(CODE_IN_LABEL.sub("", labels.get(text, "")))
        reason = missing_reason(label) if label and label not in in_codebook else None
        if reason:
            return Answer(None, reason, rule=f"labelled {label!r} in the file")
        if not _within(text, ranges):
            return None
        on_scale = None if column.map else _on_scale(text, scale, column, rule="")
        if on_scale and on_scale.reason == ANSWERED:
            return _invalid(DECLARED_MISSING)
        return Answer(None, BLANK, rule="declared missing in the file")

    return rule


def _within(text: str, ranges: Ranges) -> bool:
    for low, high in ranges:
        if isinstance(low, str) or isinstance(high, str):
            if text.strip() == str(low).strip():
                return True
        elif NUMBER.fullmatch(text) and low <= float(text) <= high:
            return True
    return False


def _number(column: Column, scale: Scale) -> Rule:
    def rule(text: str) -> Answer | None:
        plain = normalise(text)
        if plain.startswith("'"):  # how spreadsheets mark a number as text
            return _on_scale(plain[1:], scale, column, rule="apostrophe left out")
        return _on_scale(plain, scale, column, rule="")

    return rule


def _answered(rule: Rule) -> Rule:
    """Keep of a rule only that it finds an answer, so that later rules see the rest."""

    def only(text: str) -> Answer | None:
        answer = rule(text)
        return answer if answer and answer.reason == ANSWERED else None

    return only


def _by_label(scale: Scale, labels: dict[str, str]) -> Rule:
    of_file = {normalise(label): code for code, label in labels.items()}
    known = {**of_file, **codes_by_label(scale.labels)}

    def rule(text: str) -> Answer | None:
        code = known.get(normalise(text))
        return None if code is None else _on_scale(code, scale, None, rule="by label")

    return rule


def _missing_word(text: str) -> Answer | None:
    word, reason = normalise(text), missing_reason(text)
    if reason is None:
        return None
    return Answer(None, reason, rule=f"{word!r} is no answer" if word else "")


def _leading(column: Column, scale: Scale, by_label: Rule) -> Rule:
    """Read ``3 - in most units``; not when the words are the label of another code."""

    def rule(text: str) -> Answer | None:
        if not (part := LEADING_CODE.fullmatch(normalise(text))):
            return None
        code, words = part.groups()
        if MONTH.fullmatch(words):
            return _invalid("looks like a date that a spreadsheet made of a code")
        if code in scale.missing:
            return Answer(None, scale.missing[code].reason, rule="leading code")
        found, said = _on_scale(code, scale, column, rule="leading code"), by_label(words)
        if found and said and found.reason == ANSWERED and said.value != found.value:
            return _invalid("has the code of one answer and the label of another")
        return found

    return rule


def _other(text: str) -> Answer | None:
    if text.strip() != OTHER:
        return None
    return _invalid("is 'other', with the answer in a text field of its own; add a `map` for it")


def _plain(text: str) -> str:
    """Write a whole number without decimals: 8,0 is 8."""
    text = normalise(text)
    part = WITHOUT_DECIMALS.fullmatch(text)
    return part[1] if part else text


def _on_scale(text: str, scale: Scale, column: Column | None, rule: str) -> Answer | None:
    """Read a code; None if the text is no code at all, invalid if it lies off the scale."""
    if scale.kind == "category":
        code = text if text in scale.labels else _plain(text)
        return Answer(code, rule=rule) if code in scale.labels else None
    if not NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    if scale.kind == "number" and THOUSANDS.fullmatch(text):
        whole = float(re.sub("[.,]", "", text))
        if scale.ends[0] <= whole <= scale.ends[1]:
            return _invalid("may be a thousand or a decimal number")
    linear = column.linear if column else None
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


REASONS = pd.CategoricalDtype(
    [ANSWERED, "dont_know", "not_applicable", "not_shown", "refused", BLANK, INVALID]
)
"""All reasons why there can be no answer, and none."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The answers of one column.

    Attributes
    ----------
    distinct : DataFrame, n distinct texts × 4
        Index: the texts; `value`, `reason`, `rule`, `problem` as in `coding.Answer`.
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

    def rows(self, chosen: "pd.Series[bool]") -> np.ndarray:
        """Whether each respondent gave one of the chosen distinct texts."""
        return np.take(chosen.to_numpy(), self.codes, mode="clip")


def decode(
    texts: pd.Series,
    column: Column,
    scale: Scale,
    labels: dict[str, str],
    missing: Ranges = (),
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
    codes, known, counts = _distinct(texts)
    rules = coding_rules(column, scale, labels, missing)
    answers = [understand(text, rules) for text in known]
    table = pd.DataFrame(
        {
            part: [getattr(answer, part) for answer in answers]
            for part in ("reason", "rule", "problem")
        },
        index=pd.Index(known, name="text", dtype="str"),
        dtype="str",
    )
    kind = "str" if scale.kind in ("category", "text") else "float64"
    table.insert(0, "value", pd.array([answer.value for answer in answers], dtype=kind))
    return Decoded(table, codes, counts, texts.index)


def _distinct(texts: pd.Series) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Say which text each respondent gave, the texts that occur, and how often each does."""
    cells = texts.astype("category")
    counts = np.bincount(cells.cat.codes, minlength=len(cells.cat.categories))
    if not counts.all():
        cells, counts = cells.cat.remove_unused_categories(), counts[counts > 0]
    return cells.cat.codes.to_numpy(), cells.cat.categories.tolist(), counts
