"""Begin a study from its first export: draft study.yaml and codebook.csv.

Items, blocks and scales are read off the export. What is sure is filled in, what is likely stands
in a comment, and what only the researcher knows is left empty and listed. Nothing is overwritten.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cycle_analysis.drafting import (
    Draft,
    empty_fields,
    likely_days,
    one_line,
    quoted,
    told_of,
)
from cycle_analysis.drafting.matching import (
    ASKS_FOR_ROLE,
    Match,
    match_columns,
    named_as,
    role_names,
)
from cycle_analysis.drafting.seen import FEWEST, SeenItem, SeenScale, see_items
from cycle_analysis.problems import first_five, refuse
from cycle_analysis.readers import RawTable, read_export
from cycle_analysis.study import Study
from cycle_analysis.study.codebook import COLUMNS, QUESTION, Codebook
from cycle_analysis.study.codebook import FILE as CODEBOOK
from cycle_analysis.study.files import RESPONDENT_FIELDS, Source, missing_reason
from cycle_analysis.units import load_register
from cycle_analysis.whole_files import write_whole

STUDY = "study.yaml"
MOST_NAMED = 12
"""More different roles than this are no list of roles."""
MOST_LETTERS = 60
"""A longer question that names a role asks for an opinion."""
ROUND = re.compile(r"(.+?)[_. -]?((?:19|20)\d\d|[tTwW]\d|meting ?\d)")
"""A heading that ends in a year or the number of a measurement."""


@dataclass(frozen=True)
class Begun:
    """What was written, and what it says of the export.

    Attributes
    ----------
    files : list of Path
        study.yaml and codebook.csv.
    sure, likely, missing : list of str
        What is filled in, what is commented, and the fields left empty.
    left_out : list of str
        Columns that are no items.
    wave : str
        Name of the first wave, ``""`` when nothing tells it.
    told : list of str
        What the export tells beside its answers.
    """

    files: list[Path]
    sure: list[str]
    likely: list[str]
    missing: list[str]
    left_out: list[str]
    wave: str
    told: list[str]

    def __str__(self) -> str:
        lines = [f"{path}" for path in self.files]
        lines += [f"  sure, filled in: {'; '.join(self.sure)}"]
        lines += [f"  likely, look at it: {'; '.join(self.likely)}"] * bool(self.likely)
        lines += [f"  for you to fill in: {len(self.missing)} ({', '.join(self.missing)})"]
        if self.left_out:
            lines += [f"  no items: {len(self.left_out)} columns ({first_five(self.left_out)})"]
        lines += [f"  the file: {one}" for one in self.told]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Seen:
    """What an export shows of a study: its items, who answered, their roles by code, columns."""

    raw: RawTable
    items: list[SeenItem]
    fields: dict[str, Match]
    roles: dict[str, str]
    role_column: str
    unit_column: str

    @property
    def phases(self) -> list[str]:
        """Blocks that may be the phases: enough ratings each, and more than one."""
        ratings = pd.Series([one.block for one in self.items if one.scale.kind == "rating"])
        counts = ratings.value_counts(sort=False)
        blocks = [str(block) for block in counts.index[counts >= FEWEST]]
        return blocks if len(blocks) > 1 else []

    @property
    def scales(self) -> dict[str, SeenScale]:
        """Every scale once, by a name."""
        named: dict[str, SeenScale] = {}
        for one in self.items:
            if one.scale in named.values():
                continue
            ends = "_to_".join(f"{end:g}" for end in one.scale.ends)
            name = {"text": "open", "rating": f"from_{ends}", "number": "number"}
            stem = name.get(one.scale.kind, f"of_{one.item}")
            named[stem if stem not in named else f"{stem}_of_{one.item}"] = one.scale
        return named


def new_study(folder: Path, export: Path, language: str = "nl", **layout: Any) -> Begun:
    """Draft a study from its first export.

    Parameters
    ----------
    folder : Path
        Folder of the study to be, ``data/raw/<name>``.
    export : Path
        The export as it came; it is read, and not copied.
    language : str
        The language of its questions, and of the report.
    **layout
        `sheet` and `header_row` of a workbook, where these are not clear.

    Raises
    ------
    InputError
        If the study is there already, or the export cannot be read or holds no items.
    """
    for name in (STUDY, CODEBOOK):
        if (folder / name).exists():
            remedy = "Nothing is overwritten: edit it, or give the new study another name"
            raise refuse(f"{folder.name}/{name}", "file", "", "is there already", "", remedy)
    raw = read_export(export, Source(file=export.name, **layout))
    register = load_register()
    matches = match_columns(raw, _nothing_known(folder), register, register.last_day)
    role_column = _role_column(raw, matches.unknown_columns)
    named = [c for c in matches.unknown_columns if named_as("unit", c)]
    unit_column = matches.found["unit"].source if "unit" in matches.found else "".join(named[:1])
    who = (role_column, unit_column)
    left = [column for column in matches.unknown_columns if column not in who]
    asked = [c for c in left if not any(named_as(field, c) for field in RESPONDENT_FIELDS)]
    if not asked:
        remedy = "Export the answers, with question codes as headings"
        raise refuse(export.name, "header", "", "no column holds an item", "", remedy)
    roles = {}
    if role_column:
        names = dict.fromkeys(role_names(raw, role_column).values())
        codes = [f"R{i}" for i in range(1, len(names) + 1)] if _are_words(names) else names
        roles = dict(zip(codes, names, strict=True))
    seen = Seen(raw, see_items(raw, asked), matches.found, roles, *who)
    draft, codebook = draft_study(seen, language), draft_codebook(seen, language)
    files = [
        write_whole(folder / STUDY, draft.text.encode("utf-8")),
        write_whole(folder / CODEBOOK, codebook.encode("utf-8")),
    ]
    nameless = [one.item for one in seen.items if not one.question]
    missing = empty_fields(draft.text)
    if nameless:
        missing.append(f"questions of {first_five(nameless)} in {CODEBOOK}")
    left_out = [*matches.service, *(m.source for m in matches.found.values() if m.name != "unit")]
    left_out += [column for column in left if column not in asked]
    told = [*told_of(raw), *_two_surveys(asked)]
    return Begun(files, draft.sure, draft.likely, missing, left_out, likely_days(raw)[:4], told)


def _nothing_known(folder: Path) -> Study:
    """Give a study without items, roles and waves."""
    items = pd.DataFrame(columns=COLUMNS[1:], index=pd.Index([], name="item"), dtype="str")
    return Study.model_construct(
        folder=folder, codebook=Codebook(items), mappings={}, roles={}, scales={}
    )


def _role_column(raw: RawTable, columns: Sequence[str]) -> str:
    """Find the column with the respondents' roles, in words before bare codes; ``""`` without."""
    by_code = ""
    for column in columns:
        if named_as("role", column) or ASKS_FOR_ROLE.search(raw.questions.get(column, column)):
            names = role_names(raw, column).values()
            if names and len(set(names)) <= MOST_NAMED:
                if _are_words(names):
                    return column
                by_code = by_code or column * _is_short(raw, column)
    return by_code


def _are_words(names: Iterable[str]) -> bool:
    return all(any(letter.isalpha() for letter in name) for name in names)


def _is_short(raw: RawTable, column: str) -> bool:
    """Whether a column asks for a role itself, and not for an opinion on roles."""
    return named_as("role", column) or len(raw.questions.get(column, column)) <= MOST_LETTERS


def _two_surveys(columns: Sequence[str]) -> list[str]:
    """Tell of columns that differ only in a year or round at their end: more than one wave."""
    ends: dict[str, list[str]] = {}
    for column in columns:
        if part := ROUND.fullmatch(column):
            ends.setdefault(part[1].casefold(), []).append(part[2])
    rounds = [tuple(those) for those in ends.values() if len(those) > 1]
    if len(rounds) < FEWEST or len(set(rounds)) > 1:
        return []
    return [
        f"columns come once for each of {', '.join(rounds[0])}: two surveys in one file? Begin "
        "from a file with the columns of one, and add the other as a wave"
    ]


def draft_codebook(seen: Seen, language: str) -> str:
    """Write codebook.csv: one row per item; the phase of an item is its block, if that is one."""
    scales = {scale: name for name, scale in seen.scales.items()}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, f"{QUESTION}{language}"])
    for one in seen.items:
        in_phase = one.block in seen.phases and one.scale.kind == "rating"
        phase = one.block if in_phase else ""
        writer.writerow([one.item, one.block, phase, scales[one.scale], "no", one.question])
    return stream.getvalue()


def draft_study(seen: Seen, language: str) -> Draft:
    """Write study.yaml: sure, likely, and empty where only the researcher knows."""
    empty = f'{{{language}: ""}}'
    sure, likely = [f"{len(seen.items)} items"], list[str]()
    lines = [
        f"# Begun by `cycle-analysis new-study` from {one_line(seen.raw.file)}, read as "
        f"{one_line(seen.raw.how)}.",
        "# Fill in what is empty, and look at every comment; codebook.csv stands beside it.",
        f"languages: [{language}]",
        f"title: {empty}   # fill in",
        f"population: {empty}   # fill in: all units that could have answered",
        *_units(seen, language, sure, likely),
        f'# model: {{reference: "", text: {empty}}}   # the phase model, if you follow one',
        "developments:   # what phases fall into; one is enough",
        f'  - {{code: "1", label: {empty}}}   # fill in',
        *_phases(seen, language, likely),
        "scales:",
    ]
    for name, scale in seen.scales.items():
        those = [one.item for one in seen.items if one.scale == scale]
        lines += [f"  {name}:   # {first_five(those)}"]
        lines += [f"    {line}" for line in _scale(scale, language)]
        doubted = not scale.sure or bool(scale.likely_missing)
        (likely if doubted else sure).append(f"scale {name}")
    if seen.roles:
        likely.append(f"roles from column {one_line(seen.role_column)}")
        lines += [f"roles:   # likely, from column {one_line(seen.role_column)}"]
        lines += list(_roles(seen, language))
    year, days = likely_days(seen.raw)[:4], likely_days(seen.raw)
    why = f"likely: {days}" if year else "fill in a name, such as the year"
    likely += [f"wave {year}"] if year else []
    lines += [f"waves: [{quoted(year)}]   # {why}", f"reference_wave: {quoted(year)}"]
    return Draft("\n".join(lines) + "\n", sure, likely)


def _units(seen: Seen, language: str, sure: list[str], likely: list[str]) -> Iterator[str]:
    """Tell what the units are: municipalities by default, if the export has them."""
    if unit := seen.fields.get("unit"):
        told = f"units: municipalities, column {one_line(unit.source)}"
        sure.append(told) if unit.sure else likely.append(f"{told}: {unit.reason}")
        reason = f"column {one_line(unit.source)}: {unit.reason}"
        yield f"# units are Dutch municipalities, as they are by default; {reason}"
        return
    where = f"; likely named in column {one_line(seen.unit_column)}" * bool(seen.unit_column)
    yield f"units:   # fill in{where}; take this away, if they are Dutch municipalities"
    yield f'  one: {{{language}: ""}}'
    yield f'  many: {{{language}: ""}}'
    yield '  register: ""   # a csv beside this file: unit,name and a row for each unit'


def _roles(seen: Seen, language: str) -> Iterator[str]:
    """Name each role as the file does; the name is left empty where that has a bare code only."""
    for code, name in seen.roles.items():
        is_bare = code == name
        label = quoted("" if is_bare else name)
        yield f"  {quoted(code)}: {{{language}: {label}}}" + "   # fill in" * is_bare


def _phases(seen: Seen, language: str, likely: list[str]) -> Iterator[str]:
    """Propose each block of ratings as a phase, and two empty ones where there are no blocks."""
    names = f'label: {{{language}: ""}}, short: {{{language}: ""}}'
    yield "phases:   # in the order of the cycle"
    if not seen.phases:
        yield "  # no blocks of ratings: give each a code here, and in column phase of codebook.csv"
        yield from [f'  - {{code: "", development: "1", {names}}}   # fill in'] * 2
        return
    likely.append(f"phases, which are blocks of ratings: {', '.join(seen.phases)}")
    yield "  # likely: each block of ratings. One that is no phase goes, here and in codebook.csv"
    for block in seen.phases:
        n = sum(one.block == block for one in seen.items)
        yield f'  - {{code: {quoted(block)}, development: "1", {names}}}   # fill in; {n} items'


def _scale(scale: SeenScale, language: str) -> Iterator[str]:
    """Lines of one scale."""
    yield f"kind: {scale.kind}"
    if scale.ends:
        mark, why = ("", "seen") if scale.sure else ("# ", "likely; take the # away, or correct")
        yield f"{mark}min: {scale.ends[0]:g}   # {why}"
        yield f"{mark}max: {scale.ends[1]:g}"
    in_order = all(code for code, _ in scale.labels)
    if scale.labels:
        yield "labels:" if in_order else "# labels:   # give each its code, and take the # away"
    mark = "" if in_order else "# "
    for code, label in scale.labels:
        yield f"{mark}  {quoted(code)}: {{{language}: {quoted(label)}}}"
    yield from ["missing:"] * bool(scale.missing)
    for code, label in scale.missing:
        reason = missing_reason(label) or "blank"
        yield f"  {quoted(code)}: {{reason: {reason}, {language}: {quoted(label)}}}"
    if scale.likely_missing and not scale.missing:
        yield "# missing:   # likely, as no other answer is near: take the # away"
    for code in scale.likely_missing:
        yield f'#   {quoted(code)}: {{reason: dont_know, {language}: ""}}   # likely'
