"""Find what is wrong in the files of a study once each of them can be read.

Codes that stand twice, names that cannot be, phases without items, items and columns that nobody
accounts for, recodes to codes that do not exist.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PureWindowsPath

from cycle_analysis.problems import Problem
from cycle_analysis.study.codebook import FILE as CODEBOOK_FILE
from cycle_analysis.study.codebook import Codebook
from cycle_analysis.study.files import SAFE_NAME, Column, StudyFile, Wave, is_reserved
from cycle_analysis.study.yaml_files import YamlText


def find_inconsistent(file: StudyFile, text: YamlText) -> Iterable[Problem]:
    """Codes of study.yaml that stand twice, cannot be a name, or are named and not there."""
    developments = [development.code for development in file.developments]
    for kind, codes in {
        "developments": developments,
        "phases": [phase.code for phase in file.phases],
        "waves": file.waves,
    }.items():
        for i, code in enumerate(codes):
            if code in codes[:i]:
                yield Problem(text.file, text.place((kind, i)), code, "stands twice")
            if kind == "waves" and is_reserved(code):
                yield Problem(text.file, text.place((kind, i)), code, "is a reserved name")
            if not SAFE_NAME.fullmatch(code):
                allowed = "letters, digits, - and _"
                yield Problem(text.file, text.place((kind, i)), code, "cannot be a code", allowed)
    for i, phase in enumerate(file.phases):
        if phase.development not in developments:
            where = text.place(("phases", i, "development"))
            yield Problem(
                text.file, where, phase.development, "is no development", listed(developments)
            )
    if file.reference_wave not in file.waves:
        where = text.place(("reference_wave",))
        yield Problem(text.file, where, file.reference_wave, "is no wave", listed(file.waves))


def find_unknown_to_codebook(file: StudyFile, codebook: Codebook) -> Iterable[Problem]:
    """Phases without items, and blocks, items and developments that do not exist."""
    for phase in file.phases:
        if not codebook.of_phase(phase.code):
            yield Problem(CODEBOOK_FILE, "column phase", phase.code, "this phase has no items")
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
    for item in file.domains:
        yield from _find_no_place(item, file, codebook)


def _find_no_place(item: str, file: StudyFile, codebook: Codebook) -> Iterable[Problem]:
    """An item of `domains` exists, and its answers are places in the cycle."""
    where = f"domains.{item}"
    if item not in codebook.items.index:
        yield Problem("study.yaml", where, item, "is no item of codebook.csv")
        return
    name = codebook.items.loc[item, "scale"]
    codes = file.scales[name].labels if name in file.scales else {}
    allowed = [str(place) for place in range(len(file.phases) + 1)]
    if odd := [code for code in codes if code not in allowed]:
        problem = f"its scale {name!r} has answers that are no place in the cycle"
        yield Problem("study.yaml", where, listed(odd), problem, listed(allowed))


def find_misnamed(wave: Wave, name: str, text: YamlText) -> Iterable[Problem]:
    """A wave or file under a name that cannot be, and columns mapped twice or not at all."""
    if wave.wave != name:
        remedy = f"Write wave: {name!r}, or rename the folder"
        yield Problem(
            text.file, text.place(("wave",)), wave.wave, "differs from its folder", name, remedy
        )
    source = PureWindowsPath(wave.source.file)  # knows both kinds of slashes, and drives
    where = text.place(("source", "file"))
    if source.name != wave.source.file:
        yield Problem(text.file, where, wave.source.file, "is a path", "a file beside wave.yaml")
    if is_reserved(source.stem):
        yield Problem(text.file, where, wave.source.file, "is a reserved name")
    if "unit" not in wave.columns:
        where = text.place(("columns",))
        yield Problem(
            text.file, where, "", "no column is mapped to `unit`", "", "Add `unit: <column>`"
        )
    sources = [column.source for column in wave.columns.values()]
    for item, column in wave.columns.items():
        if sources.count(column.source) > 1:
            where = text.place(("columns", item))
            yield Problem(text.file, where, column.source, "this column is mapped twice")
        if column.source in wave.ignore:
            where = text.place(("columns", item))
            yield Problem(text.file, where, column.source, "this column is under `ignore` too")


def find_unmapped(wave: Wave, codebook: Codebook, text: YamlText) -> Iterable[Problem]:
    """Every item is mapped, dropped or not asked, and only once; nothing else is mapped."""
    places = {"columns": wave.items, "dropped": wave.dropped, "not_asked": wave.not_asked}
    known = codebook.items.index
    for place, items in places.items():
        for item in items:
            if item not in known:
                near = listed(get_close_matches(item, known, n=3))
                remedy = f"Did you mean {near}?" if near else "Add it to the codebook"
                where = text.place((place, item))
                yield Problem(text.file, where, item, "is no item of codebook.csv", "", remedy)
    for item in known:
        found = [place for place, items in places.items() if item in items]
        if not found:
            remedy = "Map it under `columns`, or name it under `dropped` or `not_asked`"
            yield Problem(
                text.file, "columns", item, "this item is nowhere in the wave", "", remedy
            )
        if len(found) > 1:
            yield Problem(text.file, text.place((found[1], item)), item, f"also under {found[0]}")


def find_wrong_recodes(
    wave: Wave, codebook: Codebook, study: StudyFile, text: YamlText
) -> Iterable[Problem]:
    """A recode leads to codes of the item's scale, or to roles of the study, only."""
    role = wave.columns.get("role", Column(source=""))
    for old, new in role.map.items():
        if new not in study.roles:
            where = text.place(("columns", "role", "map", old))
            yield Problem(text.file, where, new or old, "is no role", listed(study.roles))
    for item in wave.items:
        scale = study.scales.get(codebook.items["scale"].get(item, ""))
        if not scale:
            continue
        if wave.columns[item].linear and scale.kind != "rating":
            where = text.place(("columns", item, "linear"))
            yield Problem(text.file, where, scale.kind, "only ratings can be rescaled", "rating")
        for old, new in wave.columns[item].map.items():
            if not scale.knows(new):
                where = text.place(("columns", item, "map", old))
                codes = listed([*scale.labels, *scale.missing])
                allowed = codes or "{:g} to {:g}".format(*scale.ends)
                yield Problem(text.file, where, new, "is no code of this item's scale", allowed)


def listed(names: Iterable[str]) -> str:
    """Write names as a list."""
    return ", ".join(names)
