"""Match the columns of an export that tell who answered: respondent, unit, role, province, time.

By the last wave first, then by the usual names, then by what a column holds: names of units, or
nearly nothing but their codes. What a person should look at is likely only, with the reason.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from cycle_analysis.drafting.seen import (
    ASKS_FOR_ROLE,
    USUAL_NAMES,
    as_code,
    named_as,
)
from cycle_analysis.problems import REJECTED, first_five
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.respondents import (
    LABEL,
    MOST_SPELLINGS,
    NUMBERS,
    find_meanings,
    may_be_a_list,
    read_units,
    stripped,
)
from cycle_analysis.study import Study
from cycle_analysis.study.files import (
    Column,
    Scale,
    codes_by_label,
    missing_reason,
    normalise,
)
from cycle_analysis.units import Register
from cycle_analysis.units.identification import units_within

MOSTLY = 0.95
"""Share of texts from which all are taken to be of a kind."""
MOST_ROLES, MOST_UNITS, FEWEST_NAMES, NAMED_WITHIN = 60, 10_000, 5, 0.8
"""The last two: so many texts, of this part naming a unit, are units beside other words."""


@dataclass(frozen=True)
class Match:
    """One item or respondent field with a column.

    Attributes
    ----------
    name, source : str
        Item or field, and the column.
    reason : str
        Why they belong together.
    sure : bool
        Whether it can be filled in unseen.
    recode : dict of str to str
        Codes of the file to codes of the codebook, when they seem to differ; ``""`` where only a
        person knows.
    comparable : str
        Whether answers compare with other waves: full, partial or broken.
    ends : tuple of float
        Lowest and highest answer of the file, where these are carried to those of the scale.
    """

    name: str
    source: str
    reason: str
    sure: bool
    recode: dict[str, str] = field(default_factory=dict)
    comparable: str = "full"
    ends: tuple[float, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether a person has to fill in codes."""
        return not all(self.recode.values())


@dataclass(frozen=True, eq=False)
class Export:
    """An export beside the study that it may belong to; `day` is near its fieldwork."""

    raw: RawTable
    study: Study
    register: Register
    day: str

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return list(self.raw.cells.columns)

    @cached_property
    def last(self) -> Mapping[str, Column]:
        """Columns of the last wave that the study has."""
        columns = list(self.study.mappings.values())[-1].columns if self.study.mappings else {}
        return {
            name: column.model_copy(update={"source": self.raw.column(column.source)})
            for name, column in columns.items()
        }

    def texts(self, column: str) -> "pd.Series[str]":
        """What stands in the cells of a column."""
        return self.raw.cells[column].astype("str").str.strip()

    def question(self, column: str) -> str:
        """What was asked in a column, as far as the file has it."""
        return self.raw.questions.get(column, column)

    def scale(self, item: str) -> Scale:
        """On which scale an item of the codebook is answered."""
        return self.study.scales[self.study.codebook.items.loc[item, "scale"]]


def asks_who(export: Export, column: str) -> bool:
    """Whether a column is named as one that tells who answered: no item, whatever its place."""
    asks_for_role = ASKS_FOR_ROLE.search(export.question(column))
    return bool(asks_for_role) or any(named_as(field, column) for field in USUAL_NAMES)


def match_fields(export: Export) -> Iterator[Match]:
    """Match respondent fields: the last wave's column first, then usual names, then contents.

    Numbers are units by their contents only where nearly all are codes, and of more than a list.
    """
    last, items = export.last, {fold(item) for item in export.study.codebook.items.index}
    columns = [column for column in export.columns if fold(column) not in items]
    for name in USUAL_NAMES:
        known = [last[name].source] if name in last and last[name].source in export.columns else []
        named = [column for column in columns if named_as(name, column)]
        matches = (_field(export, name, column) for column in dict.fromkeys([*known, *named]))
        yield from (match for match in matches if match)
    for column in columns:
        if 1 < len(export.raw.cells[column].cat.categories) < MOST_UNITS:
            labels = export.raw.labels.get(column, {})
            texts = export.texts(column).map(lambda text, known=labels: known.get(text, text))
            wordy = texts.str.contains(r"[A-Za-z]").mean() > MOSTLY
            many = texts.nunique() >= FEWEST_NAMES
            if (wordy or many) and (match := _unit(export, column)) and (wordy or match.sure):
                yield match
    yield from (match for column in columns if (match := _unit_within(export, column)))
    for column in columns:
        if ASKS_FOR_ROLE.search(export.question(column)) and (match := _role(export, column)):
            yield match


def _field(export: Export, name: str, column: str) -> Match | None:
    """Match a column by its name to a respondent field, if its contents allow that."""
    if name == "unit":
        return _unit(export, column)
    if name == "role":
        return _role(export, column)
    texts = export.texts(column)
    if name == "respondent":
        n = int(texts.duplicated(keep=False).sum())
        reason = f"by its name, but {n} rows share a value" if n else "each row another value"
        return Match(name, column, reason, sure=not n)
    if name == "province":
        return Match(name, column, "by its name", sure=False)
    seconds = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce")
    if seconds.isna().mean() > 1 - MOSTLY:
        return None
    return Match(name, column, "the seconds that it took", sure=column == export.raw.duration)


def _unit(export: Export, column: str) -> Match | None:
    """Match a column to the units as the reader understands it, labels and missing codes too."""
    given = stripped(export.raw, column)
    meanings = find_meanings(export.raw, given, Column(source=column))
    n_texts = int(((meanings["reason"] == "") & (meanings.index != "")).sum())
    where = (export.register, export.day)
    if not 0 < n_texts <= min(MOST_UNITS, MOST_SPELLINGS * len(export.register.units)):
        return None
    days = dict.fromkeys((export.day, export.register.last_day))
    readings = [
        read_units(export.raw, given, Column(source=column), export.register, day, suggest=False)
        for day in days
    ]
    units, told = max(readings, key=lambda reading: (reading[0] != "").sum())
    found = given[units != ""].nunique() / n_texts
    if found <= 0.5:
        return None
    reason = f"{found:.0%} of its values are units of the register"
    others = [text for text in given[units == ""].unique() if text and not missing_reason(text)]
    reason += f", not {first_five(others)}" if others else ""
    doubts = [one for one in told if one.done == REJECTED and one.rule in (LABEL, NUMBERS)]
    reason += f", but {doubts[0].problem}" if doubts else ""
    if not doubts and may_be_a_list(meanings, *where):
        return Match("unit", column, f"{reason}, or these are numbers of a list", sure=False)
    return Match("unit", column, reason, sure=bool(found > MOSTLY) and not doubts)


def _unit_within(export: Export, column: str) -> Match | None:
    """Match a column whose texts hold the names of units beside other words."""
    texts = [text for text in dict.fromkeys(export.texts(column)) if not missing_reason(text)]
    if not FEWEST_NAMES <= len(texts) <= MOST_UNITS:
        return None
    units = units_within(texts, export.register, export.day)
    if sum(map(bool, units.values())) < NAMED_WITHIN * len(texts):
        return None
    return Match("unit", column, "names of units stand within its texts", False, units)


def _role(export: Export, column: str) -> Match | None:
    named, roles = role_names(export.raw, column), export.study.roles
    if not named or not roles:
        return None
    words = {normalise(code): code for code in roles} | codes_by_label(roles)
    earlier = export.last.get("role")
    known = words | {normalise(old): new for old, new in (earlier.map if earlier else {}).items()}
    told = {text: known.get(normalise(name), "") for text, name in named.items()}
    if all(normalise(name) in words for name in named.values()):
        return Match("role", column, "its values are roles of study.yaml", sure=True)
    if all(told.values()):
        return Match("role", column, "as in the last wave", sure=True, recode=told)
    reason = f"say which role each value is: {', '.join(roles)}"
    return Match("role", column, reason, sure=False, recode=told)


def role_names(raw: RawTable, column: str) -> dict[str, str]:
    """Texts of a column that may hold roles, each with what it is called; empty if it cannot."""
    given = stripped(raw, column)
    meanings = find_meanings(raw, given, Column(source=column))
    answered = meanings.index.map(missing_reason).isna() & (meanings["reason"] == "")
    named = meanings["label"].where(meanings["label"] != "", meanings.index)[answered].sort_index()
    return named.to_dict() if 1 < len(named) <= MOST_ROLES else {}


def fold(name: str) -> str:
    """A code as survey tools write it: ``C[AG1]``, ``C_AG1``, ``AG1. Question`` and ``ag1``."""
    within = re.sub(r"^.*\[(?:SQ)?([^\]]+)\]$", r"\1", name.strip())
    return as_code(re.sub(r"\.\s.*$", "", within)).casefold()
