"""Match the columns of a new export to the items and respondent fields of a study.

Sure is what cannot well be another, when the answers fit the item's scale; likely is what a person
should look at first, with the reason; what nobody can know is listed both ways. Answers from 1 to 5
fit 0 to 4 nearly always, since few people give the highest; so an item whose lowest answer nobody
gave is not sure when others of its scale are shifted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property

import pandas as pd

from cycle_analysis.drafting import seen
from cycle_analysis.drafting.seen import named_as, why_no_item
from cycle_analysis.problems import REJECTED, first_five
from cycle_analysis.readers import RawTable
from cycle_analysis.responses import NUMBER, decode, respondents
from cycle_analysis.responses.checks import find_shift, numbers_in, suggest_recode
from cycle_analysis.responses.respondents import LABEL, NUMBERS, find_meanings, read_units, stripped
from cycle_analysis.study import Study, files
from cycle_analysis.study.codebook import fold
from cycle_analysis.study.files import Column, Scale, codes_by_label, missing_reason, normalise
from cycle_analysis.units import Register
from cycle_analysis.units.identification import mostly_named, units_within

MOSTLY, SIMILAR = 0.95, 0.85
"""Share of texts from which all are taken to be of a kind, and how alike two questions are."""
SHORT, LONG = 15, 25
"""A question of fewer letters is like many others; a text cut off after more is like one."""
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
    export = Export(raw, study, register, day)
    fields = list(_match_fields(export))
    found = _each_once(fields, {})
    items = _each_once(match_items(export), found)
    likely = follow_ends(export, follow_siblings(export, items.values()))
    found |= {match.name: match for match in likely}
    taken = {match.source for match in found.values()}
    ignored = {column for mapping in study.mappings.values() for column in mapping.ignore}
    before = dict.fromkeys(ignored, "ignored in an earlier wave")
    service = {
        column: why
        for column in export.columns
        if column not in taken and (why := why_no_item(raw, column) or before.get(column, ""))
    }
    others = {m.source for m in fields if m.name == "unit" and m.sure} - taken
    service |= dict.fromkeys(sorted(others), "names the unit once more")
    who = {column for column in export.columns if _asks_who(export, column)}
    found |= _each_once(match_by_place(export, found, taken | set(service) | who), found)
    taken = {match.source for match in found.values()} | set(service)
    left = [column for column in export.columns if column not in taken]
    return Matches(found, service, left, [i for i in study.codebook.items.index if i not in found])


def _each_once(matches: Iterable[Match], found: dict[str, Match]) -> dict[str, Match]:
    """Keep the first match of each item or field, and of each column."""
    kept: dict[str, Match] = {}
    taken = {match.source for match in found.values()}
    for match in matches:
        if match.name not in kept and match.name not in found and match.source not in taken:
            kept[match.name] = match
            taken.add(match.source)
    return kept


def match_items(export: Export) -> Iterator[Match]:
    """Match each item by the last wave, by code, by question, or by a similar question."""
    columns, last = export.columns, export.last
    folded = {fold(column): column for column in columns}
    folded = {way: column for column in columns for way in _within_question(column)} | folded
    asked = {column: _parts(export.question(column)) for column in columns}
    by_question: dict[str, list[str]] = {}
    for column, parts in asked.items():
        for part in dict.fromkeys(parts):
            by_question.setdefault(part, []).append(column)
    for item in export.study.codebook.items.index:
        if item in last and last[item].source in columns:
            yield _fitting(export, item, last[item].source, "as in the last wave", last[item])
        elif coded := item if item in columns else folded.get(fold(item)):
            yield _fitting(export, item, coded, "by its code")
        elif match := _by_question(export, item, by_question, asked):
            yield match


def _by_question(
    export: Export, item: str, by_question: Mapping[str, list[str]], asked: Mapping[str, list[str]]
) -> Match | None:
    questions = [normalise(question) for question in export.study.codebook.questions(item)]
    same = next((by_question[question] for question in questions if question in by_question), [])
    if same:
        match = _fitting(export, item, same[0], "by its question")
        others = f"{match.reason}; {', '.join(same[1:4])} asks the same"
        return match if len(same) == 1 else replace(match, sure=False, reason=others)
    likeness, column = max(
        (_alike(question, part), column)
        for column, parts in asked.items()
        for part in parts
        for question in questions
    )
    if likeness <= SIMILAR:
        return None
    return replace(_fitting(export, item, column, "a similar question"), sure=False)


def _parts(question: str) -> list[str]:
    """Write a question as it may stand in the codebook: whole, or only what is asked last.

    Examples
    --------
    >>> _parts("How far? [Our pilots]")
    ['how far? [our pilots]', 'our pilots', '[our pilots]']
    """
    parts = [question]
    if (asked := seen.NUMBERED.sub("", question.strip())) != question.strip():
        parts.append(asked)
    if last := seen.IN_BRACKETS.fullmatch(question.strip()):
        parts.append(last[1])
    parts += [question.rsplit(mark, 1)[1] for mark in seen.MARKS if mark in question]
    return [normalise(part) for part in parts]


def _alike(question: str, text: str) -> float:
    """Similarity of two questions, 0-1; a text cut off by the survey tool is compared as cut."""
    cut = text.rstrip("….").strip()
    if len(cut) < SHORT:
        return 0.0
    if len(cut) >= LONG and question.startswith(cut):
        return 1.0
    matcher = SequenceMatcher(None, question, cut, autojunk=False)
    quick = matcher.real_quick_ratio() > SIMILAR and matcher.quick_ratio() > SIMILAR
    return matcher.ratio() if quick else 0.0


def _within_question(column: str) -> Iterator[str]:
    """Ways to write LimeSurvey's ``SIG[SQ001]`` and ``SIG_SQ001`` as the code of an item."""
    if part := seen.WITHIN.fullmatch(column.strip()):
        question, number = part[1].casefold(), part[2].casefold()
        plain = number.lstrip("0") or "0"
        yield from (f"{question}{mark}{n}" for mark in ("", "_") for n in (number, plain))
        yield from (f"{question}{mark}sq{number}" for mark in ("", "_"))


def _fitting(export: Export, item: str, column: str, why: str, last: Column | None = None) -> Match:
    """Sure when the answers fit the scale; likely, with a recode to look at, when not."""
    raw, scale, asked = export.raw, export.scale(item), last or Column(source=column)
    labels, missing = raw.labels.get(column, {}), raw.missing.get(column, [])
    decoded = decode(raw.cells[column], asked, scale, labels, missing)
    reasons = decoded.distinct["reason"]
    n_given = decoded.counts[reasons.isin([files.ANSWERED, files.INVALID])].sum()
    n_fitting = decoded.counts[reasons == files.ANSWERED].sum()
    shift = find_shift(decoded, scale, asked)
    if not shift and n_fitting >= MOSTLY * n_given:
        why += "; it had `linear` there" if asked.linear else ""
        return Match(item, column, why, not asked.linear, dict(asked.map), asked.comparable)
    given = decoded.distinct.index[reasons.isin([files.ANSWERED, files.INVALID])]
    known, earlier = _earlier_recode(export, item, given)
    if known:
        return Match(item, column, f"{why}, recoded as {earlier}", False, known, asked.comparable)
    recode = suggest_recode(given.to_series(), scale)
    low, high = scale.ends
    why += f", but it {shift}" if shift else f", but its answers do not fit {low:g} to {high:g}"
    why += "; comparable: full if only the codes differ" if recode else ""
    return Match(item, column, why, False, recode, "partial" if recode else "full")


def _earlier_recode(export: Export, item: str, texts: Iterable[str]) -> tuple[dict[str, str], str]:
    """Find the latest `map` that carries these texts to the scale of an item, and where it is."""
    scales, given = export.study.codebook.items["scale"], {normalise(text) for text in texts}
    for wave in reversed(export.study.mappings.values()):
        alike = [name for name in wave.items if scales.get(name) == scales[item]]
        for name in sorted(alike, key=lambda name: name != item):
            known = wave.columns[name].map
            if given and given <= {normalise(code) for code in known}:
                return dict(known), f"{name} in wave {wave.wave}"
    return {}, ""


def follow_siblings(export: Export, found: Iterable[Match]) -> Iterator[Match]:
    """Doubt items whose lowest answer nobody gave, where others of their scale are shifted."""
    matches = list(found)
    scale_of = export.study.codebook.items["scale"]
    shifted = {
        scale_of[m.name]: m.recode
        for m in matches
        if not m.sure and m.recode and all(map(NUMBER.fullmatch, m.recode))
    }
    for match in matches:
        scale = export.scale(match.name)
        recode = shifted.get(scale_of[match.name], {})
        if recode and not match.recode and scale.kind == "rating":
            numbers = numbers_in(export.raw.cells[match.source], scale)
            if not numbers.eq(scale.min).any() and numbers.isin([float(c) for c in recode]).all():
                why = f"{match.reason}, but nobody gave {scale.min:g}, and others of its scale run "
                why += f"from {min(recode)} to {max(recode)}"
                match = replace(match, sure=False, recode=recode, reason=why, comparable="partial")
        yield match


def follow_ends(export: Export, found: Iterable[Match]) -> Iterator[Match]:
    """Carry answers of another usual range to the scale, all items of it alike.

    Of items on 1 to 7 some show no answer above 5, and would fit 1 to 5 by chance.
    """
    matches = list(found)
    scales = export.study.codebook.items["scale"]
    alike: dict[str, list[Match]] = {}
    for match in matches:
        if export.scale(match.name).kind == "rating" and not match.recode:
            alike.setdefault(scales[match.name], []).append(match)
    ends = {name: _other_ends(export, those) for name, those in alike.items()}
    for match in matches:
        if not match.recode and (low_high := ends.get(scales[match.name])):
            of_scale = " to ".join(f"{end:g}" for end in export.scale(match.name).ends)
            why = match.reason.split(", but its answers")[0]
            why += f", but answers on its scale run from {low_high[0]:g} to {low_high[1]:g}, not "
            why += f"{of_scale}; comparable: broken if the words of the answers differ too"
            match = replace(match, sure=False, ends=low_high, reason=why, comparable="partial")
        yield match


def _other_ends(export: Export, matches: list[Match]) -> tuple[float, ...]:
    """The ends of a usual scale that items show, if these lie beyond those of their own scale."""
    scale = export.scale(matches[0].name)
    numbers = pd.concat([numbers_in(export.texts(match.source), scale) for match in matches])
    if all(match.sure for match in matches) or numbers.empty:
        return ()
    low, high = numbers.min(), numbers.max()
    is_usual = low in seen.LOWEST and high in seen.HIGHEST and (numbers % 1 == 0).all()
    return (low, high) if is_usual and high - low > scale.ends[1] - scale.ends[0] else ()


def match_by_place(export: Export, found: Mapping[str, Match], taken: set[str]) -> Iterator[Match]:
    """Items without column that stand between the same neighbours as as many columns without item.

    An open question may be the first of several.
    """
    columns = export.columns
    for before, items, after in _runs(list(export.study.codebook.items.index), found):
        start = columns.index(found[before].source) + 1 if before else 0
        stop = columns.index(found[after].source) if after else len(columns)
        free = [column for column in columns[start:stop] if column not in taken]
        is_text = len(items) == 1 and export.scale(items[0]).kind == "text"
        closed = [item for item in items if export.scale(item).kind != "text"]
        items = closed if len(free) == len(closed) else items
        if not free or (len(free) != len(items) and not is_text):
            continue
        near = {"after": before, "before": after}
        stands = " and ".join(f"{side} {item}" for side, item in near.items() if item)
        why = f"stands {stands or 'in its place'}, as in the codebook"
        pairs = [_fitting(export, *pair, why) for pair in zip(items, free, strict=False)]
        if all(_may_hold(export, match) for match in pairs):
            yield from (replace(match, sure=False) for match in pairs)


def _may_hold(export: Export, match: Match) -> bool:
    """Whether a column can hold the item: words for an open question, else answers that fit."""
    if export.scale(match.name).kind == "text":
        texts = export.texts(match.source)
        return not (texts != "").any() or bool(texts.str.contains(r"[^\W\d_]").any())
    return match.sure or bool(match.recode)


def _runs(items: list[str], found: Mapping[str, Match]) -> Iterator[tuple[str, list[str], str]]:
    """Runs of items without column, each with the item before and after it that has one."""
    before, run = "", list[str]()
    for item in [*items, ""]:
        if item in found or not item:
            if run:
                yield before, run, item
            before, run = item, []
        else:
            run.append(item)


def _asks_who(export: Export, column: str) -> bool:
    """Whether a column is named as one that tells who answered: no item, whatever its place."""
    asks_for_role = seen.ASKS_FOR_ROLE.search(export.question(column))
    return bool(asks_for_role) or any(named_as(field, column) for field in seen.USUAL_NAMES)


def _match_fields(export: Export) -> Iterator[Match]:
    """Match respondent fields: the last wave's column first, then usual names, then contents.

    Numbers are units by their contents only where nearly all are codes, and of more than a list.
    """
    last, items = export.last, {fold(item) for item in export.study.codebook.items.index}
    columns = [column for column in export.columns if fold(column) not in items]
    for name in seen.USUAL_NAMES:
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
        if seen.ASKS_FOR_ROLE.search(export.question(column)) and (match := _role(export, column)):
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
    open_ones = meanings[(meanings["reason"] == "") & (meanings.index != "")]
    n_texts = len(open_ones)
    if not 0 < n_texts <= min(MOST_UNITS, respondents.MOST_SPELLINGS * len(export.register.units)):
        return None
    days = dict.fromkeys((export.day, export.register.last_day))
    readings = [
        read_units(export.raw, given, Column(source=column), export.register, day, suggest=False)
        for day in days
        if mostly_named(open_ones[["said", "label"]], export.register, day)
    ]
    if not readings:
        return None
    units, told = max(readings, key=lambda reading: (reading[0] != "").sum())
    found = given[units != ""].nunique() / n_texts
    if found <= 0.5:
        return None
    reason = f"{found:.0%} of its values are units of the register"
    others = [text for text in given[units == ""].unique() if text and not missing_reason(text)]
    reason += f", not {first_five(others)}" if others else ""
    doubts = [one for one in told if one.done == REJECTED and one.rule in (LABEL, NUMBERS)]
    reason += f", but {doubts[0].problem}" if doubts else ""
    if not doubts and respondents.may_be_a_list(meanings, export.register, export.day):
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
    return Match("role", column, f"say which role each is: {', '.join(roles)}", False, told)


def role_names(raw: RawTable, column: str) -> dict[str, str]:
    """Texts of a column that may hold roles, each with what it is called; empty if it cannot."""
    given = stripped(raw, column)
    meanings = find_meanings(raw, given, Column(source=column))
    answered = meanings.index.map(missing_reason).isna() & (meanings["reason"] == "")
    named = meanings["label"].where(meanings["label"] != "", meanings.index)[answered].sort_index()
    return named.to_dict() if 1 < len(named) <= MOST_ROLES else {}
