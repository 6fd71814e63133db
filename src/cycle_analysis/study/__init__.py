"""Read a study: a folder with study.yaml, codebook.csv, and one folder for each wave.

All mistakes in all files are told at once. Once each file can be read, they are held against each
other: codes that stand twice, names that cannot be, phases without items, items and columns that
nobody accounts for, recodes to codes that do not exist.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cycle_analysis.problems import InputError, Problem, first_five, gather, refuse, refuse_any
from cycle_analysis.study.codebook import FILE as CODEBOOK_FILE
from cycle_analysis.study.codebook import (
    QUESTION,
    Codebook,
    find_inconsistent,
    find_misnamed,
    find_unknown_to_codebook,
    find_unmapped,
    find_wrong_recodes,
    listed,
    read_codebook,
)
from cycle_analysis.study.files import (
    LANGUAGES,
    NAME_RULE,
    RESPONDENT_FIELDS,
    SAFE_NAME,
    StudyFile,
    Wave,
    is_reserved,
    languages_named,
    read_column,
)
from cycle_analysis.study.text_files import YamlText, read_model, read_parts
from cycle_analysis.texts import FOLDERS, Words, find_lacking, find_languages
from cycle_analysis.whole_files import absent, check_plain

STUDY, WAVE = "study.yaml", "wave.yaml"
HOME = "CYCLE_ANALYSIS_HOME"
"""Environment variable with the folder that holds data/ and reports/."""


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
        mark = self.words(language).words["synthetic"]
        return f"{self.title[language]} [{mark}]" if self.synthetic else self.title[language]

    def words(self, language: str) -> Words:
        """Words of a language: those of the package, with the study's own over them."""
        return Words.load(language, self.folder / "texts")

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

    def day(self, wave: str) -> str:
        """Day whose units count in a wave, as ``"2018-05-07"``."""
        return self.wave(wave).fieldwork.day.isoformat()

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
        word = self.words(language).words["groups"]["profiles"]["one"]
        return {i: f"{word[:1].upper()}{word[1:]} {i}" for i in range(1, k + 1)}

    def level_labels(self, k: int, language: str) -> dict[int, str]:
        """Numbers of `k` levels: groups that were not found to be profiles have no names."""
        word = self.words(language).words["level"]
        return {i: f"{word} {i}" for i in range(1, k + 1)}


@dataclass(frozen=True)
class Gathered:
    """As much of a study as can be read, and all that is wrong with its files.

    Attributes
    ----------
    folder : Path
        Folder of the study.
    study : Study or None
        Enough of it to read answers: of each wave the items that are understood; None when
        study.yaml or the codebook tells too little.
    waves : dict of str to Wave
        What can be read of each wave: at least its source and its columns.
    problems : list of Problem
        Of all files.
    """

    folder: Path
    study: Study | None
    waves: dict[str, Wave]
    problems: list[Problem]


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
    remedy = "Go to the project's folder, name it with --home, or begin one here: mkdir -p data/raw"
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
    found = gather_study(name, home, without)
    if found.problems or not found.study:
        raise InputError(found.problems)
    return found.study


def gather_study(name: str, home: Path | None = None, without: str = "") -> Gathered:
    """Read as much of a study as can be read; parameters are those of `load_study`.

    Raises
    ------
    InputError
        If there is no such study.
    """
    folder = _study_folder(name, home or find_home())
    problems: list[Problem] = []
    text = gather(problems, lambda: YamlText(_open(folder, STUDY), STUDY))
    file = gather(problems, lambda: _read_study_file(folder, text)) if text else None
    if file and text:
        problems += [*find_inconsistent(file, text), *_find_absent(file, text, folder)]
    parts = dict(file) if file else {}
    if text and not file:
        parts = read_parts(StudyFile, text, languages_named(text))
    phases = [phase.code for phase in parts.get("phases", [])]
    languages = file.languages if file else _languages_asked(folder)
    known = phases, parts.get("scales", {}), languages
    read = gather(problems, lambda: read_codebook(_open(folder, CODEBOOK_FILE), *known))
    codebook, wrong = read or (None, [])
    problems += wrong
    waves = {}
    for wave in filter(None, parts.get("waves", [])):  # an empty name is told as such
        if without and (wave == without or not (folder / wave / WAVE).exists()):
            continue
        waves[wave], wrong = _read_wave(folder, wave, codebook, file)
        problems += wrong
    if file and codebook:
        problems += find_unknown_to_codebook(file, codebook)
    readable = {wave: mapping for wave, mapping in waves.items() if mapping}
    study = _understood(folder, parts, codebook, readable) if codebook else None
    return Gathered(folder, study, readable, problems)


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
        gather(odd, partial(check_plain, path))
    refuse_any(odd)
    remedy = "Put it there, or correct its name in wave.yaml or study.yaml"
    errors = (absent(p, remedy, f"{p.parent.name}/{p.name}") for p in files if not p.is_file())
    refuse_any(problem for error in errors for problem in error.problems)


def check_name(name: str, what: str = "STUDY") -> None:
    """Refuse a name that no study, wave, language or folder anywhere can have.

    Raises
    ------
    InputError
        If it is one.
    """
    if not SAFE_NAME.fullmatch(name) or is_reserved(name):
        raise refuse("command line", what, name, "cannot be a name", NAME_RULE)


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
            problems += _read_wave(study.folder, wave, study.codebook, study)[1]
    refuse_any(problems)


def _understood(
    folder: Path, parts: dict[str, Any], codebook: Codebook, waves: dict[str, Wave]
) -> Study | None:
    """Put together what can be read of a study, if answers can be read with it.

    Of each wave with its dates only items that the codebook knows, on a scale that is known.
    """
    if not {"scales", "roles", "units", "phases", "waves", "off_topic_blocks"} <= parts.keys():
        return None
    items = codebook.items[codebook.items["scale"].isin(list(parts["scales"]))]
    mappings = {}
    for name, wave in waves.items():
        if "fieldwork" not in dict(wave):
            continue
        known = (*RESPONDENT_FIELDS, *items.index)
        kept = {n: column for n, column in wave.columns.items() if n in known}
        others = [column.source for n, column in wave.columns.items() if n not in kept]
        changed = {"columns": kept, "ignore": [*wave.ignore, *others]}
        mappings[name] = wave.model_copy(update=changed) if others else wave
    known_codebook = codebook if len(items) == len(codebook.items) else Codebook(items)
    return Study.model_construct(**parts, folder=folder, codebook=known_codebook, mappings=mappings)


def _study_folder(name: str, home: Path) -> Path:
    check_name(name)
    raw = home / "data" / "raw"
    studies = sorted(p.parent.name for p in raw.glob("*/study.yaml"))
    if (raw / name).is_dir() and name not in studies:
        raise absent(raw / name / STUDY, f"Put it in {name}/ under this name", f"{name}/{STUDY}")
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
        place = path.parent.name
        remedy = f"Put it in {place}/ under this name, saved as text in UTF-8"
        if path.name == WAVE:
            remedy += f", or begin it: cycle-analysis add-wave {folder.name} {place} FILE"
        raise absent(path, remedy, file)
    return path


def _read_study_file(folder: Path, text: YamlText) -> StudyFile:
    refuse_any(_find_unwritten(text, folder))
    return read_model(StudyFile, text, languages_named(text))


def _find_unwritten(text: YamlText, folder: Path) -> Iterable[Problem]:
    """Languages of a study in which there is no report to write."""
    known, languages = find_languages(folder / "texts"), languages_named(text)
    for place, language in enumerate(languages):
        where = text.place(("languages", place))
        remedy = f"Or add texts/{language}/ to the study: a copy of {FOLDERS[0] / 'en'}, translated"
        if language not in known:
            problem = "has no texts of the report"
            yield Problem(text.file, where, language, problem, listed(known), remedy)
        elif language not in find_languages() and (
            lacking := find_lacking(folder / "texts" / language)
        ):
            problem = f"lacks what English has: {first_five(lacking)}"
            remedy = f"Copy it from {FOLDERS[0] / 'en'}, and translate"
            yield Problem(f"texts/{language}", "files", "", problem, "", remedy)
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


def _read_wave(
    folder: Path, name: str, codebook: Codebook | None, study: StudyFile | None
) -> tuple[Wave | None, list[Problem]]:
    """Read a wave as far as it can be, at least its columns, with all that is wrong with it."""
    file, problems = f"{name}/{WAVE}", list[Problem]()
    text = gather(problems, lambda: YamlText(_open(folder, file), file))
    if not text:
        return None, problems
    languages = study.languages if study else None
    wave = gather(problems, lambda: read_model(Wave, text, languages))
    if not wave:
        wave = _part_of_wave(text, languages)
    if not wave:
        return None, problems
    problems += find_misnamed(wave, name, text)
    if codebook:
        problems += find_unmapped(wave, codebook, text)
    if codebook and study:
        problems += find_wrong_recodes(wave, codebook, study, text)
    return wave, problems


def _part_of_wave(text: YamlText, languages: Sequence[str] | None) -> Wave | None:
    """Take what is right of a wave.yaml that is not; None without source and columns."""
    parts = read_parts(Wave, text, languages)
    given = text.tree.get("columns") if isinstance(text.tree, dict) else None
    if "source" not in parts or not isinstance(given, dict):
        return None
    others = {"wave": "", "dropped": {}, "not_asked": {}, "ignore": [], "invited": ""}
    columns = {name: read_column(column) for name, column in given.items()}
    return Wave.model_construct(**{**others, **parts, "columns": columns})
