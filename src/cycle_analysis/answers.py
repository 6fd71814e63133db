"""Turn the text of one column into coded answers, or say why it cannot be.

The rules are tried on each distinct text once, in this order: the wave's own recode, a missing
code or word, a number on the scale, a label in Dutch or English, a leading code as in
``3 - in most units``. Whatever none of them understands is an invalid answer: it is counted as
missing with the reason `invalid` and stands in the problem table.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from cycle_analysis.study_files import Column, Scale

ANSWERED, BLANK, INVALID = "", "blank", "invalid"
MISSING_WORDS = {
    "dont_know": ("weet niet", "weet ik niet", "geen idee", "don't know", "dont know"),
    "not_applicable": ("nvt", "n.v.t.", "niet van toepassing", "not applicable"),
    "refused": ("geen antwoord", "wil niet zeggen", "no answer", "refused"),
    "not_shown": ("n/a", "not shown", "niet gesteld"),
    "blank": ("", "-", ".", "na", "none", "nan"),
}
"""Words that surveys use for a missing answer, whatever the scale."""
QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "\u200b": None, "\ufeff": None})
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
LEADING_CODE = re.compile(r"(\d+)\s*(?:[-–=:.)])\s*\D.*")


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


def decode(
    texts: "pd.Series[str]", column: Column, scale: Scale, labels: dict[str, str]
) -> pd.DataFrame:
    """Decode one column.

    Parameters
    ----------
    texts : Series of str
        The cells as the file has them.
    column : Column
        How the wave asked this item.
    scale : Scale
        How the codebook codes it.
    labels : dict of str to str
        Code to label as the file itself has them (SPSS), may be empty.

    Returns
    -------
    DataFrame, index of `texts`
        Columns `value`, `reason`, `rule`, `problem` as in `Answer`.
    """
    rules = _rules(column, scale, labels)
    known = {text: _first(rules, text) for text in texts.unique()}
    found = texts.map(known)
    return pd.DataFrame(
        {part: [getattr(answer, part) for answer in found] for part in Answer.__annotations__},
        index=texts.index,
    )


Rule = Callable[[str], Answer | None]


def _rules(column: Column, scale: Scale, labels: dict[str, str]) -> list[Rule]:
    if scale.kind == "text":
        return [_missing_word, lambda text: Answer(text.strip())]
    recode = {normalise(old): new for old, new in column.map.items()}
    by_label = {
        normalise(text[lang]): code for code, text in scale.labels.items() for lang in ("nl", "en")
    }
    of_file = {normalise(label): code for code, label in labels.items()}
    absent = {code: missing.reason for code, missing in scale.missing.items()}
    absent |= {
        normalise(m[lang]): m.reason for m in scale.missing.values() for lang in ("nl", "en")
    }

    def recoded(text: str) -> Answer | None:
        new = recode.get(normalise(text))
        return None if new is None else _on_scale(new, scale, None, rule="recoded in wave.yaml")

    def missing(text: str) -> Answer | None:
        reason = absent.get(normalise(text))
        return None if reason is None else Answer(None, reason)

    def number(text: str) -> Answer | None:
        return _on_scale(normalise(text), scale, column, rule="")

    def label(text: str) -> Answer | None:
        code = by_label.get(normalise(text), of_file.get(normalise(text)))
        return None if code is None else _on_scale(code, scale, None, rule="by label")

    def leading(text: str) -> Answer | None:
        code = LEADING_CODE.fullmatch(normalise(text))
        return _on_scale(code[1], scale, column, rule="leading code") if code else None

    if recode:
        allowed = ", ".join(column.map)
        not_recoded = Answer(None, INVALID, problem=f"is not recoded in wave.yaml ({allowed})")
        return [recoded, missing, _missing_word, label, lambda text: not_recoded]
    return [missing, _missing_word, number, label, leading]


def _first(rules: list[Rule], text: str) -> Answer:
    for rule in rules:
        if (answer := rule(text)) is not None:
            return answer
    return Answer(None, INVALID, problem="is no answer of this scale")


def _missing_word(text: str) -> Answer | None:
    word = normalise(text)
    for reason, words in MISSING_WORDS.items():
        if word in words:
            return Answer(None, reason)
    return None


def _on_scale(text: str, scale: Scale, column: Column | None, rule: str) -> Answer | None:
    """Read a code; None if the text is no code at all, invalid if it lies off the scale."""
    if scale.kind == "category":
        return Answer(text, rule=rule) if text in scale.labels else None
    if not NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    linear = column.linear if column else None
    low, high = linear.from_ if linear else scale.ends
    if not low <= value <= high:
        return Answer(None, INVALID, problem=f"lies outside the scale {low:g} to {high:g}")
    if scale.kind == "rating" and not linear and scale.labels and not value.is_integer():
        return Answer(None, INVALID, problem="is no whole number, and the scale has labelled steps")
    if linear:
        share = (value - low) / (high - low)
        first, last = scale.ends
        return Answer(first + share * (last - first), rule="rescaled in wave.yaml")
    return Answer(value, rule=rule)
