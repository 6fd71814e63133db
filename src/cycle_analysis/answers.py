"""Turn the text of one column into coded answers, or say why it cannot be.

The rules are tried on each distinct text once, in this order: the wave's own recode, a missing
code of the study, a code that the file itself labels or declares missing, a number on the scale, a
label in Dutch or English, a word for a missing answer, a leading code as in ``3 - in most units``.
Whatever none of them understands is an invalid answer: it is counted as missing with the reason
`invalid` and stands in the problem table.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cycle_analysis.study_files import Column, Scale

ANSWERED, BLANK, INVALID = "", "blank", "invalid"
REASONS = pd.CategoricalDtype(
    [ANSWERED, "dont_know", "not_applicable", "not_shown", "refused", BLANK, INVALID]
)
"""All reasons why there can be no answer, and none."""
DECLARED_MISSING = "is an answer of the codebook, but the file declares it missing"
FROM_WAVE = ("recoded in wave.yaml", "rescaled in wave.yaml")
MISSING_WORDS = {
    "dont_know": (
        "weet niet",
        "weet ik niet",
        "geen idee",
        "don't know",
        "dont know",
        "weet niet / geen mening",
    ),
    "not_applicable": ("nvt", "n.v.t.", "niet van toepassing", "not applicable"),
    "refused": ("geen antwoord", "wil niet zeggen", "no answer", "refused", "weigert", "geweigerd"),
    "not_shown": ("n/a", "not shown", "niet gesteld", "niet getoond", "not asked"),
    "blank": ("", "-", "--", ".", "na", "none", "nan", "null", "missing", "leeg", "#null!"),
}
NO_TEXT = ("", "-", "--", ".", "n/a", "nvt", "n.v.t.")
"""What stands for no answer to an open question; a word may be the answer there."""
"""Words that surveys use for a missing answer, whatever the scale."""
QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "\u200b": None, "\ufeff": None})
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""A thousand in one language, three decimals in the other."""
LEADING_CODE = re.compile(r"(\d+)\s*(?:[-–—=:.)])\s*([^\d\s].*)", re.ASCII)
MONTH = re.compile(r"(?:jan|feb|mrt|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)[a-z]*\W*\d*")
CODE_IN_LABEL = re.compile(r"^[(\[]?-?\d+[)\].:]?\s*[-–:]?\s*", re.ASCII)
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


def normalise(text: str) -> str:
    r"""Write a text as labels are compared: composed, one kind of quote and space, lower case.

    Examples
    --------
    >>> normalise(" Helemaal\u00a0eens ")
    'helemaal eens'
    """
    text = unicodedata.normalize("NFKC", text).translate(QUOTES)
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, eq=False)
class Decoded:
    """The answers of one column.

    Attributes
    ----------
    distinct : DataFrame, n distinct texts × 4
        Index: the texts; `value`, `reason`, `rule`, `problem` as in `Answer`.
    codes : ndarray, n respondents
        Which of the distinct texts each respondent gave.
    index : Index, n respondents
    """

    distinct: pd.DataFrame
    codes: np.ndarray
    index: pd.Index

    @property
    def numbers(self) -> np.ndarray:
        """The value of each distinct text, missing when it is none."""
        return self.distinct["value"].to_numpy("float64")

    @cached_property
    def counts(self) -> np.ndarray:
        """How many respondents gave each distinct text."""
        return np.bincount(self.codes, minlength=len(self.distinct))

    @property
    def answers(self) -> pd.Series:
        """Answers: numbers, or codes as text where the scale has categories or texts."""
        values = self.distinct["value"]
        return pd.Series(values.array.take(self.codes), self.index)

    @property
    def reasons(self) -> pd.Series:
        """Why there is no answer, ``""`` where there is one."""
        reasons = pd.Categorical(self.distinct["reason"], dtype=REASONS)
        return pd.Series(
            pd.Categorical.from_codes(reasons.codes[self.codes], dtype=REASONS), self.index
        )

    def rows(self, chosen: "pd.Series[bool]") -> np.ndarray:
        """Whether each respondent gave one of the chosen distinct texts."""
        return chosen.to_numpy()[self.codes]


def decode(
    texts: pd.Series,
    column: Column,
    scale: Scale,
    labels: dict[str, str],
    missing: list[tuple[float, float]] | None = None,
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
    missing : list of (low, high), optional
        Codes that the file declares missing, ends included.
    """
    codes, distinct = _distinct(texts)
    known = [str(text) for text in distinct]
    rules = _rules(column, scale, labels, missing or [])
    answers = [_first(rules, text) for text in known]
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
    return Decoded(table, codes, texts.index)


def _distinct(texts: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Codes and the texts that occur; a category without unused texts has them already."""
    if isinstance(texts.dtype, pd.CategoricalDtype):
        codes = texts.cat.codes.to_numpy()
        if np.bincount(codes, minlength=len(texts.cat.categories)).all():
            return codes, texts.cat.categories
    return pd.factorize(texts)


Rule = Callable[[str], Answer | None]


def _rules(
    column: Column, scale: Scale, labels: dict[str, str], missing: list[tuple[float, float]]
) -> list[Rule]:
    if scale.kind == "text":
        return [_no_text, lambda text: Answer(text.strip())]
    words = {normalise(label): code for code, label in labels.items()}
    labelled = _by_label(scale, words)
    study = _missing_of_study(scale)
    of_file = _missing_of_file(labels, missing, scale)
    if column.map:
        return [_recoded(column, scale), study, of_file, _missing_word, labelled, _refused(column)]

    def number(text: str) -> Answer | None:
        plain = normalise(text)
        if plain.startswith("'"):  # how spreadsheets mark a number as text
            return _on_scale(plain[1:], scale, column, rule="apostrophe left out")
        return _on_scale(plain, scale, column, rule="")

    def leading(text: str) -> Answer | None:
        return _leading(text, scale, column, labelled)

    return [study, of_file, number, labelled, _missing_word, leading]


def _recoded(column: Column, scale: Scale) -> Rule:
    recode = {normalise(old): new for old, new in column.map.items()}

    def rule(text: str) -> Answer | None:
        new = recode.get(normalise(text))
        if new is None:
            return None
        if new in scale.missing:
            return Answer(None, scale.missing[new].reason)
        return _on_scale(new, scale, None, rule=FROM_WAVE[0])

    return rule


def _refused(column: Column) -> Rule:
    problem = f"is not recoded in wave.yaml ({', '.join(column.map)})"
    return lambda text: Answer(None, INVALID, problem=problem)


def _missing_of_study(scale: Scale) -> Rule:
    known = {code: entry.reason for code, entry in scale.missing.items()}
    known |= {normalise(m[lang]): m.reason for m in scale.missing.values() for lang in ("nl", "en")}

    def rule(text: str) -> Answer | None:
        reason = known.get(normalise(text)) or known.get(_plain(text))
        return None if reason is None else Answer(None, reason)

    return rule


def _missing_of_file(
    labels: dict[str, str], ranges: list[tuple[float, float]], scale: Scale
) -> Rule:
    """A code that the file labels as *don't know*, or declares missing."""
    in_codebook = _by_label(scale, {})

    def rule(text: str) -> Answer | None:
        label = normalise(CODE_IN_LABEL.sub("", labels.get(text, "")))
        said = _missing_word(label) if label and not in_codebook(label) else None
        if said:
            return Answer(None, said.reason, rule=f"labelled {label!r} in the file")
        if not _within(text, ranges):
            return None
        on_scale = _on_scale(text, scale, None, rule="")
        if on_scale and on_scale.reason == ANSWERED:
            return Answer(None, INVALID, problem=DECLARED_MISSING)
        return Answer(None, BLANK, rule="declared missing in the file")

    return rule


def _within(text: str, ranges: list[tuple[float, float]]) -> bool:
    for low, high in ranges:
        if isinstance(low, str):
            if text.strip() == low.strip():
                return True
        elif NUMBER.fullmatch(text) and low <= float(text) <= high:
            return True
    return False


def _by_label(scale: Scale, of_file: dict[str, str]) -> Rule:
    known = {
        normalise(text[lang]): code for code, text in scale.labels.items() for lang in ("nl", "en")
    }

    def rule(text: str) -> Answer | None:
        code = known.get(normalise(text), of_file.get(normalise(text)))
        return None if code is None else _on_scale(code, scale, None, rule="by label")

    return rule


def _leading(text: str, scale: Scale, column: Column, labelled: Rule) -> Answer | None:
    """Read ``3 - in most units``; not when the words are the label of another code."""
    if not (part := LEADING_CODE.fullmatch(normalise(text))):
        return Answer(None, INVALID, problem=_OTHER_PROBLEM) if text.strip() == OTHER else None
    if MONTH.fullmatch(part[2]):
        problem = "looks like a date that a spreadsheet made of a code"
        return Answer(None, INVALID, problem=problem)
    if part[1] in scale.missing:
        return Answer(None, scale.missing[part[1]].reason, rule="leading code")
    found = _on_scale(part[1], scale, column, rule="leading code")
    said = labelled(part[2])
    if found and said and found.reason == ANSWERED and said.value != found.value:
        return Answer(None, INVALID, problem="has the code of one answer and the label of another")
    return found


_OTHER_PROBLEM = "is 'other', with the answer in a text field of its own; add a `map` for it"


def _first(rules: list[Rule], text: str) -> Answer:
    for rule in rules:
        if (answer := rule(text)) is not None:
            return answer
    return Answer(None, INVALID, problem="is no answer of this scale")


def _missing_word(text: str) -> Answer | None:
    word = normalise(text)
    for reason, words in MISSING_WORDS.items():
        if word in words:
            return Answer(None, reason, rule=f"{word!r} is no answer" if word else "")
    return None


def _no_text(text: str) -> Answer | None:
    return Answer(None, BLANK) if normalise(text) in NO_TEXT else None


def _plain(text: str) -> str:
    """Write a whole number without decimals: 8,0 is 8."""
    return re.sub(r"^([+-]?\d+)[.,]0+$", r"\1", normalise(text))


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
            return Answer(None, INVALID, problem="may be a thousand or a decimal number")
    linear = column.linear if column else None
    low, high = linear.from_ if linear else scale.ends
    if not low <= value <= high:
        return Answer(None, INVALID, problem=f"lies outside the scale {low:g} to {high:g}")
    if scale.kind == "rating" and not linear and scale.labels and not value.is_integer():
        return Answer(None, INVALID, problem="is no whole number, and the scale has labelled steps")
    if linear:
        share = (value - low) / (high - low)
        first, last = scale.ends
        return Answer(first + share * (last - first), rule=FROM_WAVE[1])
    return Answer(value, rule=rule)
