"""Begin a study or a wave from its export: a draft in YAML, and what is empty in it.

What is sure is filled in; what is likely stands in a comment with the reason; what nobody can know
is listed, both ways. Nothing is ever overwritten. A wave is begun here: its export is copied into
the study, and what can be known of its mapping is written; a study in `new_study`.
"""

import filecmp
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cycle_analysis.drafting.matching import Match, Matches, match_columns
from cycle_analysis.problems import first_five, refuse
from cycle_analysis.readers import RawTable, read_export
from cycle_analysis.study import Study
from cycle_analysis.study.files import NAME_RULE, RESPONDENT_FIELDS, SAFE_NAME, Source, is_reserved
from cycle_analysis.units import Register
from cycle_analysis.whole_files import write_whole


@dataclass(frozen=True)
class Draft:
    """The text of a file, and what in it is sure and likely."""

    text: str
    sure: list[str]
    likely: list[str]


def empty_fields(text: str) -> list[str]:
    r"""List the fields of a YAML text that hold an empty text, as they are to be filled in.

    Examples
    --------
    >>> empty_fields('label: {nl: ""}\nphases: [{code: AG, short: ""}]\nignore:')
    ['label.nl', 'phases.AG.short']
    """
    return list(_empty(yaml.safe_load(text), ""))


def likely_days(raw: RawTable) -> str:
    """First and last day in a column of dates that the survey tool adds, ``""`` without one."""
    for column in raw.cells.columns:
        if not any(word in column.casefold() for word in ("start", "submit", "recorded", "datum")):
            continue
        texts = raw.cells[column].astype("str")
        days = texts.str.extract(r"^(\d{4}-\d{2}-\d{2})")[0].dropna()
        if len(days) > 0.5 * len(texts):
            return f"{days.min()} to {days.max()}, from column {one_line(column)}"
    return ""


def told_of(raw: RawTable) -> list[str]:
    """What a file tells beside its answers: what was noticed, and cells that are no answers."""
    told = [f"{note.problem}" + (f" ({note.value})" if note.value else "") for note in raw.notes]
    for problem, cells in raw.flaws.groupby("problem", sort=False):
        columns = first_five(cells["column"].unique().tolist())
        told.append(f"{len(cells)} x {problem} (column {columns}): `check` will refuse that")
    return told


def quoted(text: str | int) -> str:
    """A text or number as YAML reads it back, whatever it holds."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def one_line(text: str) -> str:
    """A text without line ends and double spaces, for a comment."""
    return " ".join(str(text).split())


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
    days = [str(mapping.fieldwork.end) for mapping in study.mappings.values()]
    matches = match_columns(raw, study, register, max(days, default=register.last_day))
    if not (folder / export.name).exists():
        write_whole(folder / export.name, contents)
    source = {"file": export.name, "sha256": hashlib.sha256(contents).hexdigest(), **layout}
    text = write_mapping(raw, study, wave, matches, source)
    file = write_whole(folder / "wave.yaml", text.encode("utf-8"))
    return Added(file, matches, empty_fields(text), told_of(raw))


def _check_free(wave: str, folder: Path, export: Path) -> None:
    if not SAFE_NAME.fullmatch(wave) or is_reserved(wave):
        raise refuse("command line", "WAVE", wave, "cannot be a name", NAME_RULE)
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
    where = ", ".join(f"{key}: {quoted(said)}" for key, said in source.items())
    days, label = likely_days(raw), ", ".join(f'{name}: ""' for name in study.languages)
    parts = [
        "# Begun by `cycle-analysis add-wave`. Fill in what is empty, look at what is commented,",
        "# name the wave in study.yaml, and run `cycle-analysis check`.",
        f"wave: {quoted(wave)}",
        f"label: {{{label}}}         # fill in",
        f'fieldwork: {{start: "", end: ""}}   # fill in{f"; likely {days}" if days else ""}',
        f"source: {{{where}}}   # read as {raw.how}",
        "columns:",
    ]
    order = [*RESPONDENT_FIELDS, *study.codebook.items.index]
    found = [matches.found[name] for name in order if name in matches.found]
    parts += [_entry(raw, match) for match in found]
    if "unit" not in matches.found:
        parts.append('  unit: ""   # fill in the column that names the unit')
    parts += _unknown_items(study, matches)
    parts.append("ignore:")
    parts += [f"  - {quoted(name)}   # {one_line(why)}" for name, why in matches.service.items()]
    if matches.unknown_columns:
        parts.append("  # columns that no item knows: map them above, or take the # away:")
        parts += [f"  # - {quoted(column)}" for column in matches.unknown_columns]
    return "\n".join(parts) + "\n"


def _unknown_items(study: Study, matches: Matches) -> list[str]:
    """Items without a column, each ready to be named as not asked."""
    lines = ["dropped:   # items that this wave no longer asked, with the reason", "not_asked:"]
    if matches.unknown_items:
        lines.append("  # items without a column: map them above, take the # away, or drop them:")
    for item in matches.unknown_items:
        lines.append(f'  # {item}: "not asked"   # {one_line(study.codebook.questions(item)[-1])}')
    return lines


def _entry(raw: RawTable, match: Match) -> str:
    """One entry of the mapping: as a comment when it is not sure, open when only a person knows."""
    source, reason = quoted(match.source), one_line(match.reason)
    codes = [f"{quoted(old)}: {quoted(new)}" for old, new in match.recode.items()]
    if match.is_open:
        counts = raw.cells[match.source].astype("str").str.strip().value_counts()
        lines = [
            f"      {code}" + ("" if new else f"   # fill in; {counts[old]} rows")
            for code, (old, new) in zip(codes, match.recode.items(), strict=True)
        ]
        head = [f"  {match.name}:   # {reason}", f"    source: {source}", "    map:"]
        return "\n".join([*head, *lines])
    entry = source
    if codes:
        comparable = "" if match.comparable == "full" else f", comparable: {match.comparable}"
        entry = f"{{source: {source}, map: {{{', '.join(codes)}}}{comparable}}}"
    if match.sure:
        return f"  {match.name}: {entry}   # {reason}"
    return f"  # {match.name}: {entry}   # likely: {reason}"


def _first(names: list[str]) -> str:
    """The first names in brackets, long ones cut off."""
    shown = [name if len(name) <= 30 else name[:29] + "…" for name in names]
    return f" ({first_five(shown)})" if names else ""
