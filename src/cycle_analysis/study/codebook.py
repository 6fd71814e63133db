"""Read the codebook, one row per item, and hold study.yaml and the waves against it.

The codebook is the same for every wave: a wave that renamed, rescaled, added or dropped an item
says so in its own ``wave.yaml``.
"""

import re
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath

import pandas as pd

from cycle_analysis.problems import Problem, refuse
from cycle_analysis.study.files import NAME_RULE, SAFE_NAME, StudyFile, Wave, is_reserved
from cycle_analysis.study.text_files import YamlText, read_table

COLUMNS = ["item", "block", "phase", "scale", "reversed"]
"""Columns besides the question in each language, ``question_nl``."""
QUESTION = "question_"
FILE = "codebook.csv"
GROUPED = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)
"""A heading with the groups of its question before it."""


@dataclass(frozen=True, eq=False)
class Codebook:
    """The questionnaire as a table.

    Attributes
    ----------
    items : DataFrame, n items
        Index `item`; columns `block`, `phase` (empty outside the phases), `scale`, `reversed`
        (bool), and a question in each language, such as `question_nl`. In the order of the file.
    """

    items: pd.DataFrame

    def questions(self, item: str) -> list[str]:
        """Give the question of an item in every language."""
        return [str(self.items.loc[item, name]) for name in self.items if name.startswith(QUESTION)]

    def of_phase(self, phase: str) -> list[str]:
        """Items of one phase, in the order of the questionnaire."""
        return self.items.index[self.items["phase"] == phase].tolist()


def read_codebook(
    path: Path, phases: Collection[str], scales: Collection[str], languages: Collection[str]
) -> tuple[Codebook, list[Problem]]:
    """Read ``codebook.csv`` and check every row.

    Parameters
    ----------
    path : Path
        The file: UTF-8, comma or semicolon, with the columns of `COLUMNS` and a question
        for each language.
    phases, scales : collection of str
        Codes that `phase` and `scale` may have. Empty: not checked, because study.yaml itself
        could not be read.
    languages : collection of str
        Languages of the questions.

    Returns
    -------
    Codebook
        Its items, each once; those of wrong rows too.
    list of Problem
        Of every row.

    Raises
    ------
    InputError
        If it cannot be read, or has other columns or no rows.
    """
    columns = [*COLUMNS, *(f"{QUESTION}{language}" for language in languages)]
    rows = _read_rows(path, columns)
    if not rows:
        raise refuse(FILE, "row 2", "", "there are no items", "one row per item")
    items = pd.DataFrame(list(rows.values()), columns=columns, dtype="str").set_index("item")
    items = items[(items.index != "") & ~items.index.duplicated()]
    problems = list(_find_wrong(rows, phases, scales))
    return Codebook(items.assign(reversed=items["reversed"] == "yes")), problems


def find_inconsistent(file: StudyFile, text: YamlText) -> Iterable[Problem]:
    """Codes of study.yaml that stand twice, cannot be a name, or are named and not there."""
    developments = [development.code for development in file.developments]
    phases = [phase.code for phase in file.phases]
    kinds = {"developments": developments, "phases": phases, "waves": file.waves}
    for kind, codes in kinds.items():
        for i, code in enumerate(codes):
            if code in codes[:i]:
                yield text.problem((kind, i), code, "stands twice")
            if kind == "waves" and is_reserved(code):
                yield text.problem((kind, i), code, "is a reserved name", NAME_RULE)
            if not SAFE_NAME.fullmatch(code):
                yield text.problem((kind, i), code, "cannot be a code", NAME_RULE)
    for i, phase in enumerate(file.phases):
        if (code := phase.development) not in developments:
            where = ("phases", i, "development")
            yield text.problem(where, code, "is no development", listed(developments))
    for key, name in (("one", file.units.one), ("many", file.units.many)):
        for language in set(file.languages) - set(name.languages):
            yield text.problem(("units", key), "", f"the key {language!r} is missing", "", "Add it")
    for choice, options in file.robustness:
        for i, option in enumerate(options if isinstance(options, list) else []):
            if option in options[:i]:
                yield text.problem(("robustness", choice, i), f"{option}", "stands twice")
    if (wave := file.reference_wave) not in file.waves:
        yield text.problem(("reference_wave",), wave, "is no wave", listed(file.waves))


def find_unknown_to_codebook(file: StudyFile, codebook: Codebook) -> Iterable[Problem]:
    """Phases without items, and blocks, items and developments that do not exist."""
    for phase in file.phases:
        if not codebook.of_phase(phase.code):
            remedy = "Write it beside its items, or take it out of study.yaml"
            problem = "this phase has no items"
            yield Problem(FILE, "column phase", phase.code, problem, "", remedy)
    blocks = codebook.items["block"].unique()
    developments = [development.code for development in file.developments]
    for block in file.off_topic_blocks:
        if block not in blocks:
            yield Problem("study.yaml", "off_topic_blocks", block, "is no block", listed(blocks))
    for development, item in file.self_placement.items():
        where = f"self_placement.{development}"
        if development not in developments:
            allowed = listed(developments)
            yield Problem("study.yaml", where, development, "is no development", allowed)
        if item not in codebook.items.index:
            yield Problem("study.yaml", where, item, "is no item of codebook.csv")
    places = [str(place) for place in range(len(file.phases) + 1)]
    for item in file.domains:
        if item not in codebook.items.index:
            yield Problem("study.yaml", f"domains.{item}", item, "is no item of codebook.csv")
            continue
        name = codebook.items.loc[item, "scale"]
        codes = file.scales[name].labels if name in file.scales else {}
        if odd := [code for code in codes if code not in places]:
            problem = f"its scale {name!r} has answers that are no place in the cycle"
            yield Problem("study.yaml", f"domains.{item}", listed(odd), problem, listed(places))


def find_misnamed(wave: Wave, name: str, text: YamlText) -> Iterable[Problem]:
    """A wave or file under a name that cannot be, and columns mapped twice or not at all."""
    if wave.wave != name:
        remedy = f"Write wave: {name!r}, or rename the folder"
        yield text.problem(("wave",), wave.wave, "differs from its folder", name, remedy)
    file, where = wave.source.file, ("source", "file")
    source = PureWindowsPath(file)  # knows both kinds of slashes, and drives
    if source.name != file:
        yield text.problem(where, file, "is a path", "a file beside wave.yaml")
    if is_reserved(source.stem):
        yield text.problem(where, file, "is a reserved name")
    if "unit" not in wave.columns:
        problem, remedy = "no column is mapped to `unit`", "Add `unit: <column>`"
        yield text.problem(("columns",), "", problem, "", remedy)
    sources = [column.source for column in wave.columns.values()]
    for item, column in wave.columns.items():
        if sources.count(column.source) > 1:
            yield text.problem(("columns", item), column.source, "this column is mapped twice")
        if column.source in wave.ignore:
            problem = "this column is under `ignore` too"
            yield text.problem(("columns", item), column.source, problem)


def find_unmapped(wave: Wave, codebook: Codebook, text: YamlText) -> Iterable[Problem]:
    """Every item is mapped, dropped or not asked, and only once; nothing else is mapped."""
    places = {"columns": wave.items, "dropped": wave.dropped, "not_asked": wave.not_asked}
    known = codebook.items.index
    for place, items in places.items():
        for item in (item for item in items if item not in known):
            near = listed(get_close_matches(item, known, n=3))
            remedy = f"Did you mean {near}?" if near else "Add it to the codebook"
            yield text.problem((place, item), item, "is no item of codebook.csv", "", remedy)
    for item in known:
        found = [place for place, items in places.items() if item in items]
        if not found:
            remedy = "Map it under `columns`, or name it under `dropped` or `not_asked`"
            problem = "this item is nowhere in the wave"
            yield Problem(text.file, "columns", item, problem, "", remedy)
        if len(found) > 1:
            yield text.problem((found[1], item), item, f"also under {found[0]}")


def find_wrong_recodes(
    wave: Wave, codebook: Codebook, study: StudyFile, text: YamlText
) -> Iterable[Problem]:
    """A recode leads to codes of the item's scale, or to roles of the study, only."""
    role = wave.columns.get("role")
    for old, new in (role.map if role else {}).items():
        if new not in study.roles:
            key = ("columns", "role", "map", old)
            yield text.problem(key, new or old, "is no role", listed(study.roles))
    for item in wave.items:
        scale = study.scales.get(codebook.items["scale"].get(item, ""))
        if not scale:
            continue
        if wave.columns[item].linear and scale.kind != "rating":
            place = ("columns", item, "linear")
            yield text.problem(place, scale.kind, "only ratings can be rescaled", "rating")
        allowed = listed([*scale.labels, *scale.missing]) or "{:g} to {:g}".format(*scale.ends)
        for old, new in wave.columns[item].map.items():
            if not scale.knows(new):
                key = ("columns", item, "map", old)
                yield text.problem(key, new, "is no code of this item's scale", allowed)


def listed(names: Iterable[str]) -> str:
    """Write names as a list."""
    return ", ".join(names)


def _read_rows(path: Path, columns: list[str]) -> dict[int, dict[str, str]]:
    """Rows by their number as a spreadsheet shows it."""
    table = read_table(path, columns)
    if unknown := [name for name in table if name not in columns]:
        told = ("is no column of a codebook", ", ".join(columns))
        raise refuse(FILE, "first line", ", ".join(unknown), *told)
    return {
        int(row) + 2: cells
        for row, cells in zip(table.index, table.to_dict("records"), strict=True)
    }


def _find_wrong(
    rows: dict[int, dict[str, str]], phases: Collection[str], scales: Collection[str]
) -> Iterator[Problem]:
    """Cells that are empty or say what is not known, and items that stand twice."""
    seen: dict[str, int] = {}
    for number, row in rows.items():
        item, phase, scale = row["item"], row["phase"], row["scale"]
        filled = ["item", "scale", *(column for column in row if column.startswith(QUESTION))]
        found = [(column, "is empty", "a text") for column in filled if not row[column]]
        if row["reversed"] not in {"yes", "no"}:
            found.append(("reversed", "is unknown", "yes, no"))
        if phases and phase and phase not in phases:
            found.append(("phase", "is no phase of study.yaml", ", ".join(phases)))
        if scales and scale and scale not in scales:
            found.append(("scale", "is no scale of study.yaml", ", ".join(scales)))
        if item and item in seen:
            found.append(("item", f"stands in row {seen[item]} too", "each item once"))
        seen.setdefault(item, number)
        for column, problem, allowed in found:
            yield Problem(FILE, f"row {number}, column {column}", row[column], problem, allowed)


def as_code(heading: str, headings: Container[str] = ()) -> str:
    """Write a heading as the code of an item: R has points where a codebook has underscores.

    KoBo and ODK write the groups of a question before it, and a question before its choices.

    Examples
    --------
    >>> as_code("AG.1"), as_code("phases/agenda/ag_1"), as_code("start/tools/a", ["start/tools"])
    ('AG_1', 'ag_1', 'tools_a')
    """
    if GROUPED.fullmatch(heading):
        groups, name = heading.rsplit("/", 1)
        heading = f"{groups.rsplit('/', 1)[-1]}_{name}" if groups in headings else name
    return re.sub("[.-]", "_", heading)


def fold(name: str) -> str:
    """A code as survey tools write it: ``C[AG1]``, ``C_AG1``, ``AG1. Question`` and ``ag1``."""
    within = re.sub(r"^.*\[(?:SQ)?([^\]]+)\]$", r"\1", name.strip())
    return as_code(re.sub(r"\.\s.*$", "", within)).casefold()
