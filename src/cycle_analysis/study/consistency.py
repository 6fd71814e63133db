"""Hold the files of a study against each other: what is named twice, nowhere, or not there."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PureWindowsPath

from cycle_analysis.problems import Problem
from cycle_analysis.study.codebook import FILE as CODEBOOK_FILE
from cycle_analysis.study.codebook import Codebook
from cycle_analysis.study.files import (
    NAME_RULE,
    SAFE_NAME,
    StudyFile,
    Wave,
    is_reserved,
)
from cycle_analysis.study.yaml_text import YamlText


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
