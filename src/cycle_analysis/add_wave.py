"""Begin a new wave: copy its export into the study, and write what can be known of its mapping.

What is sure is filled in; what is likely stands in a comment with the reason; what nobody can know
is listed, both ways. Nothing is ever overwritten.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cycle_analysis.matching import Match, Matches, match_columns
from cycle_analysis.problems import InputError, Problem
from cycle_analysis.readers import RawTable, read_export
from cycle_analysis.register import Register
from cycle_analysis.study import Study
from cycle_analysis.study_files import RESPONDENT_FIELDS, SAFE_NAME, Source, is_reserved
from cycle_analysis.whole_files import write_whole

FILL_IN = ""
"""What only a person knows is left empty; `check` asks for it by line."""


@dataclass(frozen=True)
class Added:
    """What was written.

    Attributes
    ----------
    file : Path
        The new wave.yaml.
    matches : Matches
        What was known of the export.
    """

    file: Path
    matches: Matches

    def __str__(self) -> str:
        matches = self.matches
        likely = [match for match in matches.found.values() if not match.sure]
        sure = len(matches.found) - len(likely)
        return (
            f"{self.file}: {sure} columns are sure and filled in, {len(likely)} are likely and "
            f"commented ({_listed([m.name for m in likely])}), "
            f"{len(matches.unknown_items)} items have no column "
            f"({_listed(matches.unknown_items)}), {len(matches.unknown_columns)} columns have no "
            f"item ({_listed(matches.unknown_columns)})."
        )


def add_wave(study: Study, wave: str, export: Path, register: Register) -> Added:
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

    Raises
    ------
    InputError
        If the wave has a wave.yaml or another export of this name already, if the export cannot
        be read, or if the files may not be written.
    """
    folder = study.folder / wave
    _check_free(wave, folder, export)
    source = Source(file=export.name)
    raw = read_export(export, source)
    day = pd.Timestamp.max if not study.mappings else _last_day(study)
    matches = match_columns(raw, study, register, str(day))
    if not (folder / export.name).exists():
        write_whole(folder / export.name, export.read_bytes())
    text = write_mapping(raw, study, wave, matches, _checksum(export))
    return Added(write_whole(folder / "wave.yaml", text.encode("utf-8")), matches)


def _last_day(study: Study) -> object:
    return max(mapping.fieldwork.end for mapping in study.mappings.values())


def _check_free(wave: str, folder: Path, export: Path) -> None:
    if not SAFE_NAME.fullmatch(wave) or is_reserved(wave):
        allowed = "letters, digits, - and _; no name that Windows reserves"
        raise InputError([Problem("command line", "WAVE", wave, "cannot be a name", allowed)])
    if (folder / "wave.yaml").exists():
        remedy = "Nothing is overwritten: edit it, or delete it first"
        raise InputError([Problem(f"{wave}/wave.yaml", "file", "", "is there already", "", remedy)])
    there = folder / export.name
    if there.exists() and export.is_file() and _checksum(there) != _checksum(export):
        remedy = "Nothing is overwritten: give the new file another name"
        problem = "another file of this name is there already"
        raise InputError([Problem(f"{wave}/{export.name}", "file", "", problem, "", remedy)])


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_mapping(raw: RawTable, study: Study, wave: str, matches: Matches, checksum: str) -> str:
    """Write wave.yaml: sure, likely, unknown."""
    parts = [
        "# Begun by `cycle-analysis add-wave`. Fill in what is empty, look at what is commented,",
        "# name the wave in study.yaml, and run `cycle-analysis check`.",
        f"wave: {_quoted(wave)}",
        'label: {nl: "", en: ""}         # fill in',
        f'fieldwork: {{start: "", end: ""}}   # fill in{_likely_days(raw)}',
        f"source: {{file: {_quoted(raw.file)}, sha256: {_quoted(checksum)}}}   # read as {raw.how}",
        "columns:",
    ]
    order = [*RESPONDENT_FIELDS, *study.codebook.items.index]
    found = [matches.found[name] for name in order if name in matches.found]
    parts += [_line(match) for match in found]
    if "unit" not in matches.found:
        parts.append("  # unit: ?                    # fill in the column that names the unit")
    parts += _unknown_items(study, matches)
    ignored = "\n".join(f"  - {_quoted(name)}   # {why}" for name, why in matches.service.items())
    parts.append(f"ignore:\n{ignored}" if ignored else "ignore: []")
    if matches.unknown_columns:
        parts.append("  # columns that no item knows; map them above, or name them here:")
        parts += [f"  # - {_quoted(column)}" for column in matches.unknown_columns]
    return "\n".join(parts) + "\n"


def _unknown_items(study: Study, matches: Matches) -> list[str]:
    questions = study.codebook.items["question_en"]
    unknown = [f"  # {item}: {_one_line(questions[item])}" for item in matches.unknown_items]
    head = "dropped: {}   # items that this wave did not ask any more, with the reason"
    if not unknown:
        return [head, "not_asked: {}"]
    return [head, "not_asked: {}   # items without a column, to map, drop, or name here:", *unknown]


def _line(match: Match) -> str:
    """One entry of the mapping; what is not sure is commented."""
    entry = _quoted(match.source)
    if match.recode:
        codes = ", ".join(f"{_quoted(old)}: {_quoted(new)}" for old, new in match.recode.items())
        comparable = "" if match.comparable == "full" else f", comparable: {match.comparable}"
        entry = f"{{source: {_quoted(match.source)}, map: {{{codes}}}{comparable}}}"
    reason = _one_line(match.reason)
    if match.sure:
        return f"  {match.name}: {entry}   # {reason}"
    return f"  # {match.name}: {entry}   # likely: {reason}"


def _likely_days(raw: RawTable) -> str:
    """First and last day in a column of dates that the survey tool adds."""
    for column in raw.cells.columns:
        if not any(word in column.casefold() for word in ("start", "submit", "recorded", "datum")):
            continue
        texts = raw.cells[column].astype("str")
        days = texts.str.extract(r"^(\d{4}-\d{2}-\d{2})")[0].dropna()
        if len(days) > 0.5 * len(texts):
            return f"; likely {days.min()} to {days.max()}, from column {_one_line(column)}"
    return ""


def _quoted(text: str) -> str:
    """A text as YAML reads it back, whatever it holds."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def _one_line(text: str) -> str:
    return " ".join(str(text).split())


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return shown or "none"
