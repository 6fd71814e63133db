"""Match the columns of a new export to the items and respondent fields of a study.

Sure is what cannot well be another, when the answers fit the item's scale; likely is what a person
should look at first, with the reason; what nobody can know is listed both ways. Answers from 1 to 5
fit 0 to 4 nearly always, since few people give the highest; so an item whose lowest answer nobody
gave is not sure when others of its scale are shifted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import pandas as pd

from cycle_analysis.drafting.fields import Export, Match, asks_who, fold, match_fields
from cycle_analysis.drafting.seen import (
    HIGHEST,
    IN_BRACKETS,
    LOWEST,
    MARKS,
    WITHIN,
    why_no_item,
)
from cycle_analysis.readers import RawTable
from cycle_analysis.responses import NUMBER, decode
from cycle_analysis.responses.checks import find_shift, numbers_in, suggest_recode
from cycle_analysis.study import Study
from cycle_analysis.study.files import (
    ANSWERED,
    INVALID,
    Column,
    normalise,
)
from cycle_analysis.units import Register

FITS, SIMILAR = 0.95, 0.85
SHORT, LONG = 15, 25
"""A question of fewer letters is like many others; a text cut off after more is like one."""


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
    fields = list(match_fields(export))
    found = _each_once(fields, {})
    items = _each_once(match_items(export), found)
    likely = follow_ends(export, follow_siblings(export, items.values()))
    found |= {match.name: match for match in likely}
    taken = {match.source for match in found.values()}
    service = {
        column: why
        for column in export.columns
        if column not in taken and (why := why_no_item(raw, column))
    }
    others = {m.source for m in fields if m.name == "unit" and m.sure} - taken
    service |= dict.fromkeys(sorted(others), "names the unit once more")
    who = {column for column in export.columns if asks_who(export, column)}
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
    export: Export,
    item: str,
    by_question: Mapping[str, list[str]],
    asked: Mapping[str, list[str]],
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
    if last := IN_BRACKETS.fullmatch(question.strip()):
        parts.append(last[1])
    parts += [question.rsplit(mark, 1)[1] for mark in MARKS if mark in question]
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
    if part := WITHIN.fullmatch(column.strip()):
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
    n_given = decoded.counts[reasons.isin([ANSWERED, INVALID])].sum()
    n_fitting = decoded.counts[reasons == ANSWERED].sum()
    shift = find_shift(decoded, scale, asked)
    if not shift and n_fitting >= FITS * n_given:
        why += "; it had `linear` there" if asked.linear else ""
        return Match(item, column, why, not asked.linear, dict(asked.map), asked.comparable)
    given = decoded.distinct.index[reasons.isin([ANSWERED, INVALID])]
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
    seen: dict[str, list[Match]] = {}
    for match in matches:
        if export.scale(match.name).kind == "rating" and not match.recode:
            seen.setdefault(scales[match.name], []).append(match)
    ends = {name: _other_ends(export, those) for name, those in seen.items()}
    for match in matches:
        low_high = ends.get(scales[match.name], ()) if not match.recode else ()
        if low_high:
            of_scale = " to ".join(f"{end:g}" for end in export.scale(match.name).ends)
            why = match.reason.split(", but its answers")[0]
            why += f", but answers on its scale run from {low_high[0]:g} to {low_high[1]:g}, not "
            why += f"{of_scale}; comparable: broken if the words of the answers differ too"
            match = replace(match, sure=False, ends=low_high, reason=why, comparable="partial")
        yield match


def _other_ends(export: Export, matches: list[Match]) -> tuple[float, ...]:
    """The ends of a usual scale that items show, if these lie beyond those of their own scale."""
    scale = export.scale(matches[0].name)
    columns = [numbers_in(export.texts(match.source), scale) for match in matches]
    numbers = pd.concat(columns)
    if all(match.sure for match in matches) or numbers.empty:
        return ()
    low, high = numbers.min(), numbers.max()
    is_usual = low in LOWEST and high in HIGHEST and (numbers % 1 == 0).all()
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
        why = f"stands between {before or 'the start'} and {after or 'the end'}, as in the codebook"
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
