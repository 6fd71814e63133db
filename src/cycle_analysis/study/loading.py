"""Read a study: a folder with study.yaml, codebook.csv, and one folder for each wave.

All mistakes in all files are told at once. Once each file can be read, they are held against each
other: codes that stand twice, names that cannot be, phases without items, items and columns that
nobody accounts for, recodes to codes that do not exist.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any, TypeVar

import pandas as pd

from cycle_analysis.problems import InputError, Problem, refuse
from cycle_analysis.study.codebook import FILE as CODEBOOK_FILE
from cycle_analysis.study.codebook import QUESTION, Codebook, read_codebook
from cycle_analysis.study.files import (
    LANGUAGES,
    NAME_RULE,
    SAFE_NAME,
    StudyFile,
    Wave,
    YamlText,
    is_reserved,
    languages_named,
    read_model,
)
from cycle_analysis.texts import Words, find_languages
from cycle_analysis.whole_files import check_plain

HOME = "CYCLE_ANALYSIS_HOME"
"""Environment variable with the folder that holds data/ and reports/."""
Read = TypeVar("Read")


class Study(StudyFile):
    """A study as a whole: its own file, its codebook, and its waves.

    Attributes
    ----------
    folder : Path
        ``data/raw/<name>`` under the home folder.
    codebook : Codebook
        All items.
    mappings : dict of str to Wave
        How each wave maps to the codebook, in the order of `waves`.
    """

    folder: Path
    codebook: Codebook
    mappings: dict[str, Wave]

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def phase_codes(self) -> list[str]:
        """Phases in the order of the cycle."""
        return [phase.code for phase in self.phases]

    @property
    def language(self) -> str:
        """Language of its notebooks: English if it can be."""
        return "en" if "en" in self.languages else self.languages[0]

    def heading(self, language: str = "") -> str:
        """Title of the study, with the mark that its data are synthetic; in English if it can."""
        language = language or self.language
        mark = self.words(language)["synthetic"]
        return f"{self.title[language]} [{mark}]" if self.synthetic else self.title[language]

    def words(self, language: str) -> Mapping[str, Any]:
        """Words for codes in a language: those of the package, with the study's own over them."""
        return Words.load(language, self.folder / "texts").words

    def phase_names(self, language: str) -> dict[str, str]:
        """Short label of each phase, in the order of the cycle."""
        return {phase.code: phase.short[language] for phase in self.phases}

    @property
    def developments_of_phases(self) -> pd.Series:
        """Code of the development of each phase, indexed by phase, in the order of the cycle."""
        codes = {phase.code: phase.development for phase in self.phases}
        return pd.Series(codes, name="development").rename_axis("phase")

    def wave(self, name: str) -> Wave:
        """One wave.

        Raises
        ------
        InputError
            If the study has no such wave.
        """
        if name not in self.mappings:
            allowed = listed(self.waves)
            raise refuse("study.yaml", "waves", name, "is no wave of this study", allowed)
        return self.mappings[name]

    def raw_file(self, wave: str) -> Path:
        """Give the path of a wave's export, as it came."""
        return self.folder / wave / self.wave(wave).source.file

    def own_notebook(self, name: str) -> Path:
        """Give the path of a notebook of the study's own."""
        return self.folder / "notebooks" / f"{name}.ipynb"

    @property
    def unit_files(self) -> list[Path]:
        """The study's own register, events and map, as far as it has them."""
        return [self.folder / name for name in self.units.files]

    @property
    def text_files(self) -> list[Path]:
        """The study's own texts for the report: templates and words, as far as it has them."""
        return sorted(path for path in (self.folder / "texts").glob("*/*") if path.is_file())

    def wave_files(self, wave: str) -> list[Path]:
        """Files of a wave: its mapping, its export, and the list of the invited if there is one."""
        names = ["wave.yaml", self.wave(wave).source.file, self.wave(wave).invited]
        return [self.folder / wave / name for name in names if name]

    def phase_items(self, wave: str) -> pd.DataFrame:
        """Items of the phases that `wave` asked: index `item`; phase, low, high, reversed."""
        items = self.codebook.items
        return self._with_ends(items[items["phase"] != ""], wave)

    def off_topic_items(self, wave: str) -> pd.DataFrame:
        """Items of the off-topic blocks, as `phase_items`; the block stands as `phase`."""
        items = self.codebook.items
        ratings = [name for name, scale in self.scales.items() if scale.kind == "rating"]
        chosen = items["block"].isin(list(self.off_topic_blocks)) & items["scale"].isin(ratings)
        return self._with_ends(items[chosen].assign(phase=items.loc[chosen, "block"]), wave)

    def _with_ends(self, items: pd.DataFrame, wave: str) -> pd.DataFrame:
        items = items[items.index.isin(self.wave(wave).items)]
        ends = {name: (scale.min, scale.max) for name, scale in self.scales.items()}
        low = items["scale"].map(lambda scale: ends[scale][0]).astype(float)
        high = items["scale"].map(lambda scale: ends[scale][1]).astype(float)
        return items[["phase", "reversed"]].assign(low=low, high=high)

    def profile_labels(self, k: int, language: str) -> dict[int, str]:
        """Names of `k` profiles: those of study.yaml when it names as many, else numbers."""
        if len(self.profile_names) == k:
            return {i: name[language] for i, name in enumerate(self.profile_names, start=1)}
        word = self.words(language)["groups"]["profiles"]["one"].capitalize()
        return {i: f"{word} {i}" for i in range(1, k + 1)}

    def level_labels(self, k: int, language: str) -> dict[int, str]:
        """Numbers of `k` levels: groups that were not found to be profiles have no names."""
        word = self.words(language)["level"]
        return {i: f"{word} {i}" for i in range(1, k + 1)}


def find_home(start: Path | None = None) -> Path:
    """Find the folder that holds ``data/raw``: the environment's, or the nearest one upwards.

    Raises
    ------
    InputError
        If there is none.
    """
    if named := os.environ.get(HOME):
        return Path(named)
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "data" / "raw").is_dir():
            return folder
    remedy = "Go to the project's folder, or name it with --home"
    raise refuse(str(start), "folder", "", "no data/raw here or above", "", remedy)


def load_study(name: str, home: Path | None = None, without: str = "") -> Study:
    """Read the study `name` with its codebook and waves.

    Parameters
    ----------
    name : str
        Folder under ``data/raw``.
    home : Path, optional
        Folder that holds ``data/raw``; found by `find_home` when not given.
    without : str
        A wave that is still to be added: neither it nor others without a wave.yaml are read.

    Returns
    -------
    Study
        `phase_items(wave)` are the items that `phase_scores` takes; `phases`, `waves`, `roles` and
        what else study.yaml says are attributes.

    Raises
    ------
    InputError
        With every mistake in every file of the study.
    """
    home = home or find_home()
    folder = _study_folder(name, home)
    gathered: list[Problem] = []
    file = _gather(gathered, lambda: _read_study_file(folder))
    phases = [phase.code for phase in file.phases] if file else []
    scales = list(file.scales) if file else []
    languages = file.languages if file else _languages_asked(folder)
    codebook = _gather(
        gathered, lambda: read_codebook(_open(folder, CODEBOOK_FILE), phases, scales, languages)
    )
    waves = {}
    for wave in file.waves if file else []:
        if without and (wave == without or not (folder / wave / "wave.yaml").exists()):
            continue
        waves[wave] = _gather(gathered, partial(_read_wave, folder, wave, codebook, file))
    if file and codebook:
        gathered += find_unknown_to_codebook(file, codebook)
    if gathered or not file:
        raise InputError(gathered)
    return Study.model_construct(**dict(file), folder=folder, codebook=codebook, mappings=waves)


def check_raw_files(study: Study) -> None:
    """Refuse a study of which a file that it names is not there.

    Raises
    ------
    InputError
        With every export, register, map and list of the invited that is absent.
    """
    files = [file for wave in study.waves for file in study.wave_files(wave)] + study.unit_files
    odd: list[Problem] = []
    for path in files:
        _gather(odd, partial(check_plain, path))
    if odd:
        raise InputError(odd)
    if absent := [path for path in files if not path.is_file()]:
        remedy = "Put it there, or correct its name in wave.yaml or study.yaml"
        names = [f"{path.parent.name}/{path.name}" for path in absent]
        raise InputError(Problem(n, "file", "", "does not exist", "", remedy) for n in names)


def _gather(problems: list[Problem], read: Callable[[], Read]) -> Read | None:
    """Keep the problems of one file, so that the next file is read all the same."""
    try:
        return read()
    except InputError as error:
        problems += error.problems
        return None


def check_study_name(name: str) -> None:
    """Refuse a name that no study, or folder anywhere, can have.

    Raises
    ------
    InputError
        If it is one.
    """
    if not SAFE_NAME.fullmatch(name) or is_reserved(name):
        problem = "cannot be the name of a study"
        raise refuse("command line", "STUDY", name, problem, NAME_RULE)


def _study_folder(name: str, home: Path) -> Path:
    check_study_name(name)
    raw = home / "data" / "raw"
    studies = sorted(p.parent.name for p in raw.glob("*/study.yaml"))
    if name not in studies:
        near = get_close_matches(name, studies, n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else "A study is a folder with a study.yaml"
        raise refuse("data/raw", "study", name, "is no study here", listed(studies), remedy)
    return raw / name


def _open(folder: Path, file: str) -> Path:
    path = folder / file
    if link := next((p for p in (folder, path.parent, path) if os.path.islink(p)), None):
        remedy = "Put the folder or file itself there: a link may lead to other data"
        raise refuse(file, "file", link.name, "is a link", "", remedy)
    check_plain(path)
    if not path.is_file():
        raise refuse(file, "file", "", "does not exist", "", f"Put it in {folder.name}/")
    return path


def _read_study_file(folder: Path) -> StudyFile:
    text = YamlText(_open(folder, "study.yaml"), "study.yaml")
    if problems := list(_find_unwritten(text, folder)):
        raise InputError(problems)
    file = read_model(StudyFile, text, languages_named(text))
    if problems := [*find_inconsistent(file, text), *_find_absent(file, text, folder)]:
        raise InputError(problems)
    return file


def _find_unwritten(text: YamlText, folder: Path) -> Iterable[Problem]:
    """Languages of a study in which there is no report to write."""
    known, languages = find_languages(folder / "texts"), languages_named(text)
    for place, language in enumerate(languages):
        where, remedy = text.place(("languages", place)), f"Add texts/{language}/ to the study"
        if language not in known:
            problem = "has no texts of the report"
            yield Problem(text.file, where, language, problem, listed(known), remedy)
        if language in languages[:place]:
            yield Problem(text.file, where, language, "stands twice", "", "Delete one")


def _find_absent(file: StudyFile, text: YamlText, folder: Path) -> Iterable[Problem]:
    """Notebooks of the study's own that are not there, or have the number of another."""
    numbers = [name[:2] for name in file.own_notebooks]
    for place, name in enumerate(file.own_notebooks):
        where = text.place(("own_notebooks", place))
        if not (folder / "notebooks" / f"{name}.ipynb").is_file():
            remedy = f"Put {name}.ipynb in {folder.name}/notebooks/, or take this line away"
            yield Problem(text.file, where, name, "is not there", "", remedy)
        if numbers[place] in numbers[:place]:
            yield Problem(text.file, where, name, "has the number of another", "", "Give it one")


def _languages_asked(folder: Path) -> list[str]:
    """Give the languages of the codebook's own head, where study.yaml does not say them."""
    path = folder / CODEBOOK_FILE
    head = path.read_bytes().split(b"\n", 1)[0].decode("utf-8", "replace") if path.is_file() else ""
    return re.findall(rf"{QUESTION}([\w-]+)", head) or LANGUAGES


def check_unlisted_waves(study: Study) -> None:
    """Refuse waves that have a folder but are not named in study.yaml, with all that they lack.

    Raises
    ------
    InputError
        If there are any.
    """
    problems: list[Problem] = []
    for path in sorted(study.folder.glob("*/wave.yaml")):
        wave = path.parent.name
        if wave not in study.waves:
            remedy = f"Add {wave!r} to `waves`, or take the folder away"
            problem = "this folder has a wave.yaml, but the study does not name the wave"
            problems.append(Problem("study.yaml", "waves", wave, problem, "", remedy))
            _gather(problems, partial(_read_wave, study.folder, wave, study.codebook, study))
    if problems:
        raise InputError(problems)


def _read_wave(folder: Path, name: str, codebook: Codebook | None, study: StudyFile | None) -> Wave:
    file = f"{name}/wave.yaml"
    text = YamlText(_open(folder, file), file)
    wave = read_model(Wave, text, study.languages if study else None)
    problems = list(find_misnamed(wave, name, text))
    if codebook:
        problems += find_unmapped(wave, codebook, text)
    if codebook and study:
        problems += find_wrong_recodes(wave, codebook, study, text)
    if problems:
        raise InputError(problems)
    return wave


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
