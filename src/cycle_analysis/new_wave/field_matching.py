"""Find the columns that say who answered: respondent, unit, role, province, and the time taken."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from cycle_analysis.new_wave.matches import Match, last_mapping
from cycle_analysis.readers import RawTable
from cycle_analysis.study import Study
from cycle_analysis.units.identification import identify
from cycle_analysis.units.register import Register
from cycle_analysis.words import codes_by_label, missing_reason, normalise

MOSTLY = 0.95
USUAL_NAMES = {
    "respondent": "respondent|respondentid|respnr|respid|responseid|antwoordid|id",
    "unit": "unit|gemeente|gemnr|gemeentecode|municipality|gmcode|country|land",
    "role": "role|rol|functie|function|position",
    "province": "province|provincie",
    "duration": "interviewtime|totaltime|totaletijd|duration|durationinseconds|qtotalduration",
}
ASKS_FOR_ROLE = re.compile(r"\b(?:functie|rol|role|function|position)\b", re.IGNORECASE)
MOST_ROLES, MOST_UNITS = 60, 1000


@dataclass(frozen=True, eq=False)
class Export:
    """An export beside the study that it may belong to; `day` is near its fieldwork."""

    raw: RawTable
    study: Study
    register: Register
    day: str

    def texts(self, column: str) -> "pd.Series[str]":
        """What stands in the cells of a column."""
        return self.raw.cells[column].astype("str").str.strip()


def match_fields(export: Export) -> Iterator[Match]:
    """Match respondent fields: the last wave's column first, then usual names, then contents."""
    last, columns = last_mapping(export.study), list(export.raw.cells.columns)
    for name, usual in USUAL_NAMES.items():
        known = [last[name].source] if name in last and last[name].source in columns else []
        named = [c for c in columns if re.fullmatch(usual, re.sub(r"[\W_]", "", c.casefold()))]
        for column in dict.fromkeys([*known, *named]):
            if match := _FIELDS[name](export, column):
                yield match
                break
    for column in columns:
        if 1 < len(export.raw.cells[column].cat.categories) < MOST_UNITS:
            wordy = export.texts(column).str.contains(r"[A-Za-z]").mean() > MOSTLY
            if wordy and (match := _unit(export, column)):
                yield match
    for column in columns:
        question = export.raw.questions.get(column, column)
        if ASKS_FOR_ROLE.search(question) and (match := _role(export, column)):
            yield match


def _respondent(export: Export, column: str) -> Match | None:
    texts = export.texts(column)
    alone = texts.is_unique and (texts != "").all()
    return Match("respondent", column, "each row another value", sure=True) if alone else None


def _unit(export: Export, column: str) -> Match | None:
    texts = export.texts(column)
    distinct = pd.Series(texts[texts != ""].unique(), dtype="str")
    if distinct.empty or len(distinct) > MOST_UNITS:
        return None
    found = identify(distinct, export.register, export.day)["unit"].notna().mean()
    reason = f"{found:.0%} of its values are units of the register"
    return Match("unit", column, reason, sure=bool(found > MOSTLY)) if found > 0.5 else None


def _role(export: Export, column: str) -> Match | None:
    values = sorted(text for text in export.texts(column).unique() if not missing_reason(text))
    if not 1 < len(values) <= MOST_ROLES:
        return None
    roles = export.study.roles
    words = {normalise(code): code for code in roles} | codes_by_label(roles)
    earlier = last_mapping(export.study).get("role")
    known = words | ({normalise(old): new for old, new in earlier.map.items()} if earlier else {})
    told = {value: known.get(normalise(value), "") for value in values}
    if all(normalise(value) in words for value in values):
        return Match("role", column, "its values are roles of study.yaml", sure=True)
    if all(told.values()):
        return Match("role", column, "as in the last wave", sure=True, recode=told)
    reason = f"say which role each value is: {', '.join(roles)}"
    return Match("role", column, reason, sure=False, recode=told)


def _province(export: Export, column: str) -> Match | None:
    return Match("province", column, "by its name", sure=False)


def _duration(export: Export, column: str) -> Match | None:
    texts = export.texts(column).str.replace(",", ".", regex=False)
    if pd.to_numeric(texts, errors="coerce").isna().mean() > 1 - MOSTLY:
        return None
    sure = column == export.raw.duration
    return Match("duration", column, "the seconds that it took", sure=sure)


_FIELDS = {
    "respondent": _respondent,
    "unit": _unit,
    "role": _role,
    "province": _province,
    "duration": _duration,
}
