"""Match the columns of an export to a codebook: sure, likely with the reason, or unknown.

Sure is what cannot well be another: the mapping of the last wave, an item's own code or question,
when the answers fit its scale. Likely is what a person should look at first: the place in the
questionnaire, a similar question, or the right name with answers of another scale.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

import pandas as pd

from cycle_analysis.answers import decode
from cycle_analysis.privacy import find_personal
from cycle_analysis.readers import RawTable
from cycle_analysis.register import Register
from cycle_analysis.study import Study
from cycle_analysis.study_files import Column, Scale
from cycle_analysis.units import identify
from cycle_analysis.words import ANSWERED, INVALID, codes_by_label, normalise

FITS, SIMILAR = 0.95, 0.85
FIELD_NAMES = {
    "respondent": ("respondent", "respondentid", "respnr", "responseid", "id", "respondent_id"),
    "unit": ("unit", "gemeente", "gemnr", "gemeentecode", "municipality", "gm_code", "country"),
    "role": ("role", "rol", "functie", "function"),
    "province": ("province", "provincie"),
}
SERVICE = re.compile(
    r"(?:start|end|recorded|submit)_?date|startdatum|einddatum|datestamp|date submitted|status|"
    r"ip_?addr(?:ess)?|progress|duration.*|finished|recipient\w*|externalreference|"
    r"external ?data ?reference|location\w*|distributionchannel|userlanguage|lastpage|last page|"
    r"startlanguage|start language|seed|interviewtime|total time|group ?time.*|.*time\d*|"
    r"e-?mail ?address|responseset|name|refurl|token",
    re.IGNORECASE,
)
"""Columns that survey tools add and no codebook asks."""


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
        Codes of the file to codes of the codebook, when they seem to differ.
    comparable : str
        Whether answers compare with other waves: full, partial or broken.
    """

    name: str
    source: str
    reason: str
    sure: bool
    recode: dict[str, str] = field(default_factory=dict)
    comparable: str = "full"


@dataclass(frozen=True)
class Matches:
    """What is known of an export.

    Attributes
    ----------
    found : dict of str to Match
        By item or respondent field.
    service : dict of str to str
        Columns of the survey tool or with personal data, and why they are left out.
    unknown_columns, unknown_items : list of str
        What is left on both sides.
    """

    found: dict[str, Match]
    service: dict[str, str]
    unknown_columns: list[str]
    unknown_items: list[str]


def match_columns(raw: RawTable, study: Study, register: Register, day: str) -> Matches:
    """Match an export to the study.

    Parameters
    ----------
    raw : RawTable
        The export.
    study : Study
        Its codebook, scales, roles and earlier waves.
    register : Register
    day : str
        A day near the fieldwork, for the names of units.
    """
    found: dict[str, Match] = {}
    for match in (*_fields(raw, study, register, day), *_items(raw, study)):
        if match.name not in found and match.source not in {m.source for m in found.values()}:
            found[match.name] = match
    taken = {match.source for match in found.values()}
    service = {
        column: why
        for column in raw.cells.columns
        if column not in taken and (why := _service(raw, column))
    }
    for match in _by_place(raw, study, found, set(service)):
        found[match.name] = match
    taken = {match.source for match in found.values()} | set(service)
    left = [column for column in raw.cells.columns if column not in taken]
    return Matches(found, service, left, [i for i in study.codebook.items.index if i not in found])


def _fields(raw: RawTable, study: Study, register: Register, day: str) -> Iterable[Match]:
    """Who answered, for which unit, in which role."""
    last = _last_mapping(study)
    columns = list(raw.cells.columns)
    for name, usual in FIELD_NAMES.items():
        known = [last[name].source] if name in last and last[name].source in columns else []
        for column in dict.fromkeys(
            [*known, *(c for c in columns if normalise(c).replace(" ", "") in usual)]
        ):
            if match := _as_field(name, column, raw, study, register, day):
                yield match
                break
    names = [c for c in columns if 1 < len(raw.cells[c].cat.categories) < 1000]
    for column in names:
        texts = raw.cells[column].astype("str")
        if not texts.str.contains(r"[A-Za-z]").mean() > FITS:
            continue
        if match := _as_field("unit", column, raw, study, register, day):
            yield match


def _as_field(
    name: str, column: str, raw: RawTable, study: Study, register: Register, day: str
) -> Match | None:
    texts = raw.cells[column].astype("str").str.strip()
    given = texts[texts != ""]
    if given.empty:
        return None
    if name == "respondent":
        sure = given.is_unique and len(given) == len(texts)
        return Match(name, column, "each row another value", True) if sure else None
    if name == "unit":
        distinct = pd.Series(given.unique(), dtype="str")
        share = float(identify(distinct, register, day)["unit"].notna().mean())
        reason = f"{share:.0%} of its values are units of the register"
        return Match(name, column, reason, share > FITS) if share > 0.5 else None
    if name == "province":
        return Match(name, column, "by its name", False)
    words = {normalise(code) for code in study.roles} | set(codes_by_label(study.roles))
    values = sorted(given.unique())
    if len(values) > 60:
        return None
    earlier = _last_mapping(study).get("role")
    recode = {normalise(old): new for old, new in earlier.map.items()} if earlier else {}
    told = {value: recode.get(normalise(value), "") for value in values}
    if all(normalise(value) in words for value in values):
        return Match(name, column, "its values are roles of study.yaml", True)
    if all(told.values()):
        return Match(name, column, "as in the last wave", True, told)
    return Match(name, column, "by its name; say which role each value is", False, told)


def _last_mapping(study: Study) -> Mapping[str, Column]:
    return study.mappings[study.waves[-1]].columns if study.mappings else {}


def _items(raw: RawTable, study: Study) -> Iterable[Match]:
    """Items by the last wave, by code, by question, and by a similar question."""
    items, columns = study.codebook.items, list(raw.cells.columns)
    folded = {_fold(column): column for column in columns}
    asked = {column: normalise(raw.questions.get(column, column)) for column in columns}
    by_question = {text: column for column, text in asked.items()}
    last = _last_mapping(study)
    for item in items.index:
        scale = study.scales[items.loc[item, "scale"]]
        if item in last and last[item].source in columns:
            yield _fitting(item, last[item].source, "as in the last wave", raw, scale, last[item])
        elif column := folded.get(_fold(item)):
            yield _fitting(item, column, "by its code", raw, scale)
        else:
            questions = [normalise(items.loc[item, f"question_{lang}"]) for lang in ("nl", "en")]
            if same := next((by_question[q] for q in questions if q in by_question), ""):
                yield _fitting(item, same, "by its question", raw, scale)
                continue
            near = max(((_alike(q, text), c) for c, text in asked.items() for q in questions))
            if near[0] > SIMILAR:
                match = _fitting(item, near[1], "a similar question", raw, scale)
                yield replace(match, sure=False)


def _alike(question: str, text: str) -> float:
    """Similarity of two questions, 0-1; a text cut off by the survey tool is compared as cut."""
    cut = text.rstrip("….").strip()
    if len(cut) < 15:
        return 0.0
    if len(cut) >= 25 and question.startswith(cut):
        return 1.0
    matcher = SequenceMatcher(None, question, cut, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() > SIMILAR else 0.0


def _fold(name: str) -> str:
    """A code as survey tools write it: ``C[AG1]``, ``C_AG1``, ``AG1. Question`` and ``ag1``."""
    name = re.sub(r"^.*\[(?:SQ)?([^\]]+)\]$", r"\1", name.strip())
    return re.sub(r"\.\s.*$", "", name).casefold()


def _fitting(
    item: str, column: str, why: str, raw: RawTable, scale: Scale, last: Column | None = None
) -> Match:
    """Sure when the answers fit the scale; likely, with a recode to look at, when not."""
    texts = raw.cells[column]
    asked = last or Column(source=column)
    if _share_fitting(texts, asked, scale, raw.labels.get(column, {})) >= FITS:
        sure = not asked.linear
        why += "" if sure else "; it had `linear` there"
        return Match(item, column, why, sure, dict(asked.map), asked.comparable)
    recode = suggest_recode(texts, scale)
    shown = f"{why}, but its answers do not fit the scale {scale.ends[0]:g} to {scale.ends[1]:g}"
    return Match(item, column, shown, False, recode, "partial" if recode else "full")


def _share_fitting(texts: pd.Series, column: Column, scale: Scale, labels: dict[str, str]) -> float:
    decoded = decode(texts, column, scale, labels)
    reasons = decoded.reasons
    n_given = int(reasons.isin([ANSWERED, INVALID]).sum())
    return 1.0 if not n_given else int((reasons == ANSWERED).sum()) / n_given


def suggest_recode(texts: pd.Series, scale: Scale) -> dict[str, str]:
    """Suggest a recode when the answers are as many whole numbers as the scale has steps.

    Examples
    --------
    >>> suggest_recode(pd.Series(["1", "5", "3", "2", "4"]), Scale(min=0, max=4))
    {'1': '0', '2': '1', '3': '2', '4': '3', '5': '4'}
    """
    if scale.kind != "rating" or scale.min is None or scale.max is None:
        return {}
    numbers = pd.to_numeric(pd.Series(texts.unique()).astype("str"), errors="coerce").dropna()
    numbers = numbers[~numbers.isin([float(c) for c in scale.missing if _is_number(c)])]
    if numbers.empty or (numbers % 1).any():
        return {}
    low, high = int(numbers.min()), int(numbers.max())
    if high - low != scale.max - scale.min or low == scale.min:
        return {}
    return {str(code): f"{scale.min + code - low:g}" for code in range(low, high + 1)}


def _is_number(code: str) -> bool:
    return code.lstrip("-").isdecimal()


def _by_place(
    raw: RawTable, study: Study, found: Mapping[str, Match], service: set[str]
) -> list[Match]:
    """Items without column that stand between the same neighbours as a column without item."""
    items = list(study.codebook.items.index)
    columns = list(raw.cells.columns)
    of_column = {match.source: match.name for match in found.values()}
    matches = []
    for item in (item for item in items if item not in found):
        place = items.index(item)
        before = next((i for i in reversed(items[:place]) if i in found), None)
        after = next((i for i in items[place + 1 :] if i in found), None)
        start = columns.index(found[before].source) + 1 if before else 0
        stop = columns.index(found[after].source) if after else len(columns)
        between = [c for c in columns[start:stop] if c not in of_column and c not in service]
        lonely = [i for i in _between(items, before, after) if i not in found]
        scale = study.scales[study.codebook.items.loc[item, "scale"]]
        why = f"stands between {before or 'the start'} and {after or 'the end'}, as in the codebook"
        if len(lonely) == 1 and between and (len(between) == 1 or scale.kind == "text"):
            match = _fitting(item, between[0], why, raw, scale)
            if scale.kind == "text" or match.recode or "do not fit" not in match.reason:
                matches.append(
                    Match(item, between[0], match.reason, False, match.recode, match.comparable)
                )
    return matches


def _between(items: list[str], before: str | None, after: str | None) -> list[str]:
    start = items.index(before) + 1 if before else 0
    return items[start : items.index(after) if after else len(items)]


def _service(raw: RawTable, column: str) -> str:
    """Why a column needs no item: the survey tool adds it, or it holds personal data."""
    cells = raw.cells[column]
    personal = find_personal(cells.value_counts().loc[lambda counts: counts > 0])
    if personal and max(personal.values()) > 0.2 * len(cells):
        return next(iter(personal))
    if SERVICE.fullmatch(column.strip()):
        return "added by the survey tool"
    return "empty" if set(cells.cat.categories) <= {""} else ""
