"""Begin a study or a wave from its export: a draft in YAML, and what is empty in it.

What is sure is filled in; what is likely stands in a comment with the reason; what nobody can know
is left empty and listed. Nothing is ever overwritten. Of a study its study.yaml and codebook.csv
are drafted: items, blocks and scales are read off the export. Of a wave the export is copied into
the study, and what can be known of its mapping is written. Both texts are templates beside this.
"""

import filecmp
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cycle_analysis.drafting.matching import Match, Matches, match_columns, role_names
from cycle_analysis.drafting.seen import (
    ASKS_FOR_ROLE,
    FEWEST,
    SeenItem,
    SeenScale,
    likely_days,
    may_name_units,
    named_as,
    one_line,
    see_items,
    told_of,
)
from cycle_analysis.problems import counted, first_five, refuse
from cycle_analysis.readers import RawTable, read_export
from cycle_analysis.responses.checks import FEW
from cycle_analysis.responses.respondents import read_units, stripped
from cycle_analysis.study import STUDY, Study, check_name
from cycle_analysis.study.codebook import COLUMNS, QUESTION, Codebook
from cycle_analysis.study.codebook import FILE as CODEBOOK
from cycle_analysis.study.files import RESPONDENT_FIELDS, Column, Source, missing_reason
from cycle_analysis.units import Register, load_register
from cycle_analysis.units.identification import units_within
from cycle_analysis.whole_files import write_whole

MOST_NAMED = 12
"""More different roles than this are no list of roles."""
MOST_LETTERS = 60
"""A longer question that names a role asks for an opinion."""
TICK = re.compile(r"(?i)ja|nee|yes|no|(?:niet |not )?(?:genoemd|gekozen|mentioned|selected)")
"""What stands in a box to tick: one of several roles has a box of its own."""
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
            columns = counted(len(self.left_out), "column", "columns")
            lines += [f"  no items: {columns} ({first_five(self.left_out)})"]
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

    def of_block(self, block: str) -> list[str]:
        """Items of a block."""
        return [one.item for one in self.items if one.block == block]

    def on_scale(self, scale: SeenScale) -> list[str]:
        """Items on a scale."""
        return [one.item for one in self.items if one.scale == scale]


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
    _refuse_turned(raw, register, [])
    matches = match_columns(raw, _nothing_known(folder), register, register.last_day)
    role_column = _role_column(raw, matches.unknown_columns)
    unknown = [column for column in matches.unknown_columns if column != role_column]
    unit_column = matches.found["unit"].source if "unit" in matches.found else ""
    who = (role_column, unit_column or _likely_unit_column(raw, unknown))
    left = [column for column in matches.unknown_columns if column not in who]
    asked = _asked(raw, left)
    roles = _draft_roles(raw, role_column) if role_column else {}
    respondents, without = _with_units(raw, matches.found.get("unit"), register)
    seen = Seen(raw, see_items(respondents, asked), matches.found, roles, *who)
    text, sure, likely = draft_study(seen, language)
    drafts = {STUDY: text, CODEBOOK: draft_codebook(seen, language)}
    files = [write_whole(folder / name, draft.encode("utf-8")) for name, draft in drafts.items()]
    nameless = [one.item for one in seen.items if not one.question]
    missing = empty_fields(text)
    if nameless:
        missing.append(f"questions of {first_five(nameless)} in {CODEBOOK}")
    left_out = [*matches.service, *(m.source for m in matches.found.values() if m.name != "unit")]
    left_out += [column for column in left if column not in asked]
    told = [*told_of(raw), *without, *_two_surveys(asked)]
    told += _doubts(raw, matches.found.get("respondent"))
    return Begun(files, sure, likely, missing, left_out, likely_days(raw)[:4], told)


def _asked(raw: RawTable, columns: Sequence[str]) -> list[str]:
    """Give the columns that may hold an item, and refuse a table without any."""
    asked = [c for c in columns if not any(named_as(field, c) for field in RESPONDENT_FIELDS)]
    if not asked:
        problem = f"no column holds an item, read as {raw.how}"
        remedy = "Export the answers with codes as headings; --header-row names a row further down"
        raise refuse(raw.file, "header", first_five(list(raw.cells)), problem, "", remedy)
    return asked


def _draft_roles(raw: RawTable, column: str) -> dict[str, str]:
    """Give codes to the roles that a column names: its own texts, unless these are words."""
    names = dict.fromkeys(role_names(raw, column).values())
    codes = [f"R{i}" for i in range(1, len(names) + 1)] if _are_words(names) else names
    return dict(zip(codes, names, strict=True))


def _doubts(raw: RawTable, known: Match | None) -> Iterator[str]:
    """Tell what was taken for granted of respondents, and whether they tell scales at all."""
    if known and not known.sure:
        yield f"column {one_line(known.source)} names respondents {known.reason}"
    if len(raw.cells) < FEW:
        n_rows = counted(len(raw.cells), "row is", "rows are")
        yield f"{n_rows} too few to tell scales by: look at each"


def _refuse_turned(raw: RawTable, register: Register, items: Iterable[str]) -> None:
    """Refuse a table of which each column is a respondent or unit, and each row a question.

    Its first column holds what headings should, or its headings, or such a row, name units.
    """
    first, *others = map(str, raw.cells.columns)
    given = stripped(raw, first)
    texts = given.cat.categories
    fields = [text for text in texts if any(named_as(name, text) for name in RESPONDENT_FIELDS)]
    rows = raw.cells[others][given.isin([text for text in fields if named_as("unit", text)])]
    known = len(fields) > 1 or texts.isin(list(items)).mean() > 0.5
    turned = known and given.is_unique
    for line in (others, *rows.astype("str").to_numpy().tolist()):
        units = units_within(line, register, register.last_day).values()
        named = [unit for unit in units if unit]
        turned |= len(set(named)) > FEWEST and len(named) > len(units) / 2
    if turned:
        problem = "respondents or units stand in columns, and questions in rows"
        remedy = "Turn rows and columns round (Excel: copy, paste special, transpose; R: t())"
        raise refuse(raw.file, "header", first_five([first, *others]), problem, "", remedy)


def _nothing_known(folder: Path) -> Study:
    """Give a study without items, roles and waves."""
    items = pd.DataFrame(columns=COLUMNS[1:], index=pd.Index([], name="item"), dtype="str")
    return Study.model_construct(
        folder=folder, codebook=Codebook(items), mappings={}, roles={}, scales={}
    )


def _with_units(
    raw: RawTable, unit: Match | None, register: Register
) -> tuple[RawTable, list[str]]:
    """Leave out rows that name no unit where nearly all do, and tell of them.

    A unit of any year is one: nobody has said yet when the fieldwork was.
    """
    if unit is None or not unit.sure:
        return raw, []
    given, lost = stripped(raw, unit.source), pd.Series(True, index=raw.cells.index)
    for day in (register.first_day, register.last_day):
        where = (Column(source=unit.source), register, day)
        lost &= read_units(raw, given, *where, suggest=False)[0] == ""
    if not lost.any():
        return raw, []
    rows, texts = first_five(raw.cells.index[lost]), first_five(given[lost].unique().tolist())
    those = f"row {rows} names" if lost.sum() == 1 else f"rows {rows} name"
    told = f"{those} no unit ({texts}): totals, notes or typos? Not looked at here"
    return raw.only(~lost), [told]


def _role_column(raw: RawTable, columns: Sequence[str]) -> str:
    """Find the column with the respondents' roles, in words before bare codes; ``""`` without."""
    by_code = ""
    for column in columns:
        if named_as("role", column) or ASKS_FOR_ROLE.search(raw.questions.get(column, column)):
            names = role_names(raw, column).values()
            ticked = all(TICK.fullmatch(name) for name in names)
            if names and not ticked and len(set(names)) <= MOST_NAMED:
                if _are_words(names):
                    return column
                by_code = by_code or column * _is_short(raw, column)
    return by_code


def _likely_unit_column(raw: RawTable, columns: Sequence[str]) -> str:
    """Find the column that names units: by its heading, or alone in holding many names."""
    named = [column for column in columns if named_as("unit", column)]
    asked = [c for c in columns if not any(named_as(field, c) for field in RESPONDENT_FIELDS)]
    names = [column for column in asked if may_name_units(raw, column)]
    return named[0] if named else names[0] if len(names) == 1 else ""


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


def draft_study(seen: Seen, language: str) -> tuple[str, list[str], list[str]]:
    """Write study.yaml; say what in it is sure, and what is likely."""
    sure, likely = [f"{len(seen.items)} items"], list[str]()
    if unit := seen.fields.get("unit"):
        told = f"units: municipalities, column {one_line(unit.source)}"
        sure.append(told) if unit.sure else likely.append(f"{told}: {unit.reason}")
    elif seen.unit_column:
        likely.append(f"units from column {one_line(seen.unit_column)}")
    blocks = ", ".join(seen.phases) or "none seen; are these the answers?"
    likely.append(f"phases, which are blocks of ratings: {blocks}")
    for name, scale in seen.scales.items():
        doubted = not scale.sure or bool(scale.likely_missing)
        (likely if doubted else sure).append(f"scale {name}")
    if seen.roles:
        likely.append(f"roles from column {one_line(seen.role_column)}")
    if days := likely_days(seen.raw):
        likely.append(f"wave {days[:4]}")
    template = _templates().get_template("study.yaml.j2")
    return template.render(seen=seen, language=language, unit=unit, days=days), sure, likely


def draft_codebook(seen: Seen, language: str) -> str:
    """Write codebook.csv: one row per item; the phase of an item is its block, if that is one."""
    scales = {scale: name for name, scale in seen.scales.items()}
    rows = []
    for one in seen.items:
        in_phase = one.block in seen.phases and one.scale.kind == "rating"
        phase = one.block if in_phase else ""
        rows.append([one.item, one.block, phase, scales[one.scale], "no", one.question])
    table = pd.DataFrame(rows, columns=[*COLUMNS, f"{QUESTION}{language}"])
    return table.to_csv(index=False, lineterminator="\n")


@dataclass(frozen=True)
class Added:
    """What was written.

    Attributes
    ----------
    file : Path
        The new wave.yaml.
    matches : Matches
        What was known of the export.
    missing : list of str
        Fields of the file that are left empty.
    told : list of str
        What the export tells beside its answers.
    """

    file: Path
    matches: Matches
    missing: list[str]
    told: list[str]

    def __str__(self) -> str:
        found = list(self.matches.found.values())
        likely = [match.name for match in found if not match.sure and not match.is_open]
        parts = {
            "sure, filled in": [match.name for match in found if match.sure],
            "for you to fill in": self.missing,
            "likely, commented": likely,
            "items without a column": self.matches.unknown_items,
            "columns without an item": self.matches.unknown_columns,
        }
        lines = [f"  {what}: {len(names)}{_first(names)}" for what, names in parts.items()]
        lines += [f"  the file: {one}" for one in self.told]
        return "\n".join([str(self.file), *lines])


def add_wave(study: Study, wave: str, export: Path, register: Register, **layout: Any) -> Added:
    """Copy an export into a new wave and write its wave.yaml as far as it can be known.

    Parameters
    ----------
    study : Study
        The study as it is, without the new wave.
    wave : str
        Name of the new wave, the name of its folder.
    export : Path
        The export as it came.
    register : Register
        The units that exist.
    **layout
        `sheet` and `header_row` of a workbook, where these are not clear.

    Raises
    ------
    InputError
        If the wave has a wave.yaml or another export of this name already, if the export cannot
        be read, or if the files may not be written.
    """
    folder = study.folder / wave
    _check_free(wave, folder, export)
    raw = read_export(export, Source(file=export.name, **layout))
    contents = export.read_bytes()
    _refuse_turned(raw, register, study.codebook.items.index)
    days = [str(mapping.fieldwork.end) for mapping in study.mappings.values()]
    matches = match_columns(raw, study, register, max(days, default=register.last_day))
    if not (folder / export.name).exists():
        write_whole(folder / export.name, contents)
    source = {"file": export.name, "sha256": hashlib.sha256(contents).hexdigest(), **layout}
    text = write_mapping(raw, study, wave, matches, source)
    file = write_whole(folder / "wave.yaml", text.encode("utf-8"))
    return Added(file, matches, empty_fields(text), told_of(raw))


def _check_free(wave: str, folder: Path, export: Path) -> None:
    check_name(wave, "WAVE")
    if (folder / "wave.yaml").exists():
        remedy = "Nothing is overwritten: edit it, or delete it first"
        raise refuse(f"{wave}/wave.yaml", "file", "", "is there already", "", remedy)
    there = folder / export.name
    if there.exists() and export.is_file() and not filecmp.cmp(there, export, shallow=False):
        remedy = "Nothing is overwritten: give the new file another name"
        problem = "another file of this name is there already"
        raise refuse(f"{wave}/{export.name}", "file", "", problem, "", remedy)


def write_mapping(
    raw: RawTable, study: Study, wave: str, matches: Matches, source: Mapping[str, str | int]
) -> str:
    """Write wave.yaml: sure, likely, unknown."""
    asked = {item for mapping in study.mappings.values() for item in mapping.items}
    order = [*RESPONDENT_FIELDS, *study.codebook.items.index]
    return (
        _templates()
        .get_template("wave.yaml.j2")
        .render(
            **{"raw": raw, "study": study, "wave": wave, "matches": matches, "source": source},
            found=[matches.found[name] for name in order if name in matches.found],
            days=likely_days(raw),
            asked=asked,
            n_rows=lambda column: raw.cells[column].astype("str").str.strip().value_counts(),
        )
    )


def _first(names: list[str]) -> str:
    """The first names in brackets, long ones cut off."""
    shown = [name if len(name) <= 30 else name[:29] + "…" for name in names]
    return f" ({first_five(shown)})" if names else ""


def empty_fields(text: str) -> list[str]:
    r"""List the fields of a YAML text that hold an empty text, as they are to be filled in.

    Examples
    --------
    >>> empty_fields('label: {nl: ""}\nphases: [{code: AG, short: ""}]\nignore:')
    ['label.nl', 'phases.AG.short']
    """
    return list(_empty(yaml.safe_load(text), ""))


def _empty(part: Any, where: str) -> Iterator[str]:
    if part == "":
        yield where
    entries: dict[Any, Any] = part if isinstance(part, dict) else {}
    if isinstance(part, list):
        entries = {
            (one.get("code") or place) if isinstance(one, dict) else place: one
            for place, one in enumerate(part, start=1)
        }
    for name, child in entries.items():
        yield from _empty(child, f"{where}.{name}" if where else f"{name}")


def quoted(text: str | int) -> str:
    """A text or number as YAML reads it back, whatever it holds."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


@cache
def _templates() -> Environment:
    """Give the drafts; signs of their own, because YAML has the braces."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    environment.filters |= {"quoted": quoted, "one_line": one_line, "first_five": first_five}
    environment.filters["reason"] = lambda label: missing_reason(label) or "blank"
    return environment
