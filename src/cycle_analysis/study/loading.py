"""Read a study: a folder with study.yaml, codebook.csv, and one folder for each wave.

All mistakes in all files are told at once.
"""

import os
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.study.checks import (
    find_inconsistent,
    find_misnamed,
    find_unknown_to_codebook,
    find_unmapped,
    find_wrong_recodes,
    listed,
)
from cycle_analysis.study.codebook import FILE as CODEBOOK_FILE
from cycle_analysis.study.codebook import Codebook, read_codebook
from cycle_analysis.study.files import SAFE_NAME, StudyFile, Wave, is_reserved
from cycle_analysis.study.yaml_files import YamlText, read_model

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

    def heading(self, language: str = "en") -> str:
        """Title of the study, with the mark that its data are synthetic."""
        mark = {"nl": "SYNTHETISCHE GEGEVENS", "en": "SYNTHETIC DATA"}[language]
        return f"{self.title[language]} [{mark}]" if self.synthetic else self.title[language]

    def phase_names(self, language: str) -> dict[str, str]:
        """Short label of each phase, in the order of the cycle."""
        return {phase.code: phase.short[language] for phase in self.phases}

    @property
    def phase_labels(self) -> dict[str, dict[str, str]]:
        """Short label of each phase, by language."""
        return {language: self.phase_names(language) for language in ("nl", "en")}

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
            raise InputError(
                [
                    Problem(
                        "study.yaml", "waves", name, "is no wave of this study", listed(self.waves)
                    )
                ]
            )
        return self.mappings[name]

    def raw_file(self, wave: str) -> Path:
        """Give the path of a wave's export, as it came."""
        return self.folder / wave / self.wave(wave).source.file

    @property
    def unit_files(self) -> list[Path]:
        """The study's own register, events and map, as far as it has them."""
        return [self.folder / name for name in self.units.files]

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
        word = {"nl": "Profiel", "en": "Profile"}[language]
        return {i: f"{word} {i}" for i in range(1, k + 1)}

    def level_labels(self, k: int, language: str) -> dict[int, str]:
        """Numbers of `k` levels: groups that were not found to be profiles have no names."""
        word = {"nl": "Niveau", "en": "Level"}[language]
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
    raise InputError([Problem(str(start), "folder", "", "no data/raw here or above", "", remedy)])


def load_study(name: str, home: Path | None = None, without: str = "") -> Study:
    """Read the study `name` with its codebook and waves.

    Parameters
    ----------
    name : str
        Folder under ``data/raw``.
    home : Path, optional
        Folder that holds ``data/raw``; found by `find_home` when not given.
    without : str
        A wave that is not read, because it is still to be added.

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
    codebook = _gather(gathered, lambda: _read_codebook(folder, phases, scales))
    waves = {}
    for wave in (wave for wave in (file.waves if file else []) if wave != without):
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
    if absent := [path for path in files if not path.is_file()]:
        remedy = "Put it there, or correct its name in wave.yaml or study.yaml"
        raise InputError(
            [
                Problem(f"{path.parent.name}/{path.name}", "file", "", "does not exist", "", remedy)
                for path in absent
            ]
        )


def _gather(problems: list[Problem], read: Callable[[], Read]) -> Read | None:
    """Keep the problems of one file, so that the next file is read all the same."""
    try:
        return read()
    except InputError as error:
        problems += error.problems
        return None


def _study_folder(name: str, home: Path) -> Path:
    raw = home / "data" / "raw"
    studies = sorted(p.parent.name for p in raw.glob("*/study.yaml"))
    if not SAFE_NAME.fullmatch(name) or is_reserved(name):
        problem = "is not the name of a study: letters, digits, - and _ only"
        raise InputError([Problem("data/raw", "study", name, problem, listed(studies))])
    if name not in studies:
        near = get_close_matches(name, studies, n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else "A study is a folder with a study.yaml"
        raise InputError(
            [Problem("data/raw", "study", name, "is no study here", listed(studies), remedy)]
        )
    return raw / name


def _open(folder: Path, file: str) -> Path:
    path = folder / file
    if link := next((p for p in (folder, path.parent, path) if p.is_symlink()), None):
        remedy = "Put the folder or file itself there: a link may lead to other data"
        raise InputError([Problem(file, "file", link.name, "is a link", "", remedy)])
    if not path.is_file():
        raise InputError(
            [Problem(file, "file", "", "does not exist", "", f"Put it in {folder.name}/")]
        )
    return path


def _read_study_file(folder: Path) -> StudyFile:
    text = YamlText(_open(folder, "study.yaml"), "study.yaml")
    file = read_model(StudyFile, text)
    if problems := list(find_inconsistent(file, text)):
        raise InputError(problems)
    return file


def _read_codebook(folder: Path, phases: list[str], scales: list[str]) -> Codebook:
    return read_codebook(_open(folder, CODEBOOK_FILE), phases, scales)


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
    wave = read_model(Wave, text)
    problems = list(find_misnamed(wave, name, text))
    if codebook:
        problems += find_unmapped(wave, codebook, text)
    if codebook and study:
        problems += find_wrong_recodes(wave, codebook, study, text)
    if problems:
        raise InputError(problems)
    return wave
