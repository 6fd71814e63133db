"""Begin a notebook: check its parameters, open its study, load results, save its own.

The cell after the parameters cell of a notebook says ``here = cycle_analysis.begin("03_cycle",
globals())``. From there on `here` knows the study, the wave and the checked parameters; what is
loaded through it is remembered as a source of what is saved through it, and a source that is out of
date is told.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cycle_analysis import running
from cycle_analysis.problems import InputError, Problem, refuse, refuse_any
from cycle_analysis.results import (
    ALL_WAVES,
    PARAMETERS,
    ROBUSTNESS,
    Origin,
    Results,
    Saved,
    Value,
    result_name,
    run_notebook,
    study_files,
    write_table,
)
from cycle_analysis.study import Study, find_home, load_study

if TYPE_CHECKING:
    from IPython.display import Markdown
    from matplotlib.axes import Axes

    from cycle_analysis.report.chapter import Chapter

INJECTED = "# Parameters"
"""How the cell begins in which papermill puts the parameters that it was given."""


@dataclass(frozen=True)
class Open(Results):
    """The results of a study as one notebook sees them: with its own, and with a memory.

    Attributes
    ----------
    step, wave : str
        What the notebook saves.
    used : dict of str to value
        Its parameters.
    kept : dict of str to Saved
        Its own tables, before they are saved.
    sources : dict of result to dict of part to fingerprint
        Fingerprint of each result that was loaded.
    """

    step: str = ""
    wave: str = ALL_WAVES
    used: dict[str, Value] = field(default_factory=dict)
    kept: dict[str, Saved] = field(default_factory=dict)
    sources: dict[str, dict[str, str]] = field(default_factory=dict)

    def load(self, step: str, table: str, wave: str = ALL_WAVES) -> pd.DataFrame:
        """Load one table of a step; of this one, as it will be saved."""
        if (step, wave) == (self.step, self.wave) and table in self.kept:
            return self.kept[table].table
        self._remember(step, table, wave)
        return super().load(step, table, wave)

    def parameters(self, step: str, wave: str = ALL_WAVES) -> dict[str, Value]:
        """Give the parameters that a step ran with; of this one, those it runs with now."""
        if (step, wave) == (self.step, self.wave):
            return dict(self.used)
        self._remember(step, PARAMETERS, wave)
        return super().parameters(step, wave)

    def _remember(self, step: str, part: str, wave: str) -> None:
        """Remember what was loaded of a source, and say so when that is out of date."""
        source = result_name(step, wave)
        if (step, wave) == (self.step, self.wave) or step == ROBUSTNESS:
            return  # the grid is shown beside what a notebook finds, which never rests on it
        first = source not in self.sources
        self.sources.setdefault(source, {})[part] = self.fingerprint(step, part, wave)
        if first and (changed := self.stale(step, wave)):
            remedy = f"{run_notebook(step, wave)} again"
            print(f"OUT OF DATE: {source}: {'; '.join(changed)}. {remedy}.")


@dataclass(frozen=True)
class Here:
    """Where a notebook stands, and what it does with results.

    Attributes
    ----------
    step : str
        Name of the notebook, and of the folder of its result: ``03_cycle``.
    study : Study
        The study.
    wave : str
        The wave, or `ALL_WAVES` for a notebook that compares them.
    language : str
        Language of what is shown.
    parameters : dict of str to value
        All others, checked, in the order of the notebook.
    results : Results
        All results of the study, those of this notebook included.
    """

    step: str
    study: Study
    wave: str
    language: str
    parameters: dict[str, Value]
    results: Open

    def load(self, step: str, table: str, wave: str | None = None) -> pd.DataFrame:
        """Load a table of another notebook, of this wave or another one.

        Parameters
        ----------
        step, table : str
            Such as ``"02_scores"``, ``"scores"``.
        wave : str, optional
            This notebook's own when not given.

        Raises
        ------
        InputError
            If that notebook has not run, or did not save such a table.
        """
        return self.results.load(step, table, self.wave if wave is None else wave)

    def parameters_of(self, step: str, wave: str | None = None) -> dict[str, Value]:
        """Give the parameters with which another notebook ran, for this wave or another one."""
        return self.results.parameters(step, self.wave if wave is None else wave)

    def keep(self, **tables: pd.DataFrame) -> None:
        """Keep tables of this notebook, to be saved by `save`.

        Parameters
        ----------
        **tables : DataFrame
            By name, each with a named index without double entries.

        Raises
        ------
        ValueError
            As `results.write_table`.
        """
        for name, table in tables.items():
            self.results.kept[name] = write_table(name, table)

    def save(self, **tables: pd.DataFrame) -> None:
        """Save these tables and all that were kept, with what made them, in one go.

        Raises
        ------
        InputError
            If the folder may not be written, or the disk is full.
        """
        self.keep(**tables)
        files = study_files(self.study, self.step, self.wave)
        origin = Origin(self.parameters, self.results.sources, files)
        self.results.save(self.step, self.wave, self.results.kept, origin)

    def tell(self, chapter: str, block: str) -> "Markdown":
        """Tell one block of a chapter of the report, from what is kept and saved.

        Numbers of units are the true ones: a notebook is private.

        Parameters
        ----------
        chapter, block : str
            Name of the chapter, ``cycle``, and of the block in its template, ``order``.
        """
        from IPython.display import Markdown

        from cycle_analysis.report import tell

        return Markdown(tell(self._chapter(chapter), block))

    def draw(self, chapter: str, figure: str, *names: str) -> "Axes":
        """Draw a figure of a chapter of the report, with true numbers, under its finding.

        Parameters
        ----------
        chapter, figure : str
            Name of the chapter, ``cycle``, and of the figure in its template, ``curve``.
        *names : str
            What the template names besides, such as two waves.
        """
        from cycle_analysis.report import draw

        return draw(self._chapter(chapter), figure, *names)

    def _chapter(self, name: str) -> "Chapter":
        from cycle_analysis.report import open_chapter

        wave = "" if self.wave == ALL_WAVES else self.wave
        return open_chapter(self.study, self.results, self.language, name, wave, round_to=1)

    def collect(self) -> Results:
        """Give the results of the whole study, to report on.

        Raises
        ------
        InputError
            If a notebook has not run, if its result is out of date, or if it ran for different
            waves with different parameters: names the notebooks to run, in order.
        """
        steps = [
            s for s in running.plan(self.study) if s.notebook not in (running.CHECK, self.step)
        ]
        self.results.check((step.notebook, step.wave) for step in steps)
        _check_alike(self.results, self.study)
        return self.results


def begin(step: str, space: dict[str, Any]) -> Here:
    """Begin a notebook: check its parameters, and open its study and results.

    Parameters
    ----------
    step : str
        Name of the notebook, which becomes that of its result: ``03_cycle``, ``09_my_own``.
    space : dict
        ``globals()`` of the notebook, after its parameters cell. Values are set to the type of
        their parameter there: 60 becomes 60.0 where a float is described.

    Returns
    -------
    Here

    Raises
    ------
    InputError
        If a parameter is unknown, of another type or out of range, in the words of the command
        ``run``; if the study cannot be read.
    """
    file, home = f"{step}.ipynb", find_home()
    known = _describe(step, file, space, home)
    given = {name: space[name] for name in known[step] if name in space}
    given |= {name: space.get(name) for name in _injected(space) if name not in known[step]}
    if "study_name" not in known[step] or "study_name" not in space:
        problem, allowed = "does not set study_name", 'study_name: str = "example"  # study'
        raise refuse(file, "parameters cell", "", problem, allowed)
    set_by_run = {
        name: str(given.pop(name, known[step][name].default))
        for name in running.SET_BY_THE_RUN
        if name in known[step]
    }
    parameters = running.check_parameters({step: given}, known, file).get(step, {})
    running.check_together({step: parameters}, file)
    space |= set_by_run | parameters
    study = load_study(set_by_run["study_name"], home)
    wave = set_by_run.get("wave", ALL_WAVES)
    if wave != ALL_WAVES:
        study.wave(wave)
    language = str(parameters.pop("language", study.language))
    if language not in study.languages:  # the default of a notebook, where a study has no English
        language = space["language"] = study.language
    results = Open(home / "data" / "processed" / study.name, study, step, wave, parameters)
    return Here(step, study, wave, language, parameters, results)


def _describe(
    step: str, file: str, space: Mapping[str, Any], home: Path
) -> dict[str, dict[str, running.Parameter]]:
    """Describe the parameters of this notebook, as executed if that is known, and of the others."""
    texts = home / "data" / "raw" / f"{space.get('study_name', '')}" / "texts"
    try:
        folder = running.notebook_folder(home)
        known = {
            name: running.read_parameters(folder / f"{name}.ipynb", texts)
            for name in running.NOTEBOOKS
        }
    except InputError:
        known = {}
    cells = [cell for cell in _executed(space) if _is_parameters_cell(cell)]
    if cells:
        known[step] = running.read_cell(cells[-1], file, texts)
    if step not in known:
        remedy = "Give it one, with lines as: name: type = default  # meaning, 0-1"
        raise refuse(file, "parameters cell", "", "is not there", "", remedy)
    return known


def _executed(space: Mapping[str, Any]) -> list[str]:
    """Sources of the cells executed so far, which IPython keeps."""
    cells = space.get("In", [])
    return [cell for cell in cells if isinstance(cell, str)] if isinstance(cells, list) else []


def _is_parameters_cell(source: str) -> bool:
    """Whether a cell does nothing but set annotated names, the study among them."""
    body = _parse(source)
    targets = [ast.unparse(node.target) for node in body if isinstance(node, ast.AnnAssign)]
    return len(targets) == len(body) and "study_name" in targets


def _injected(space: Mapping[str, Any]) -> list[str]:
    """Names that papermill set."""
    cells = [cell for cell in _executed(space) if cell.startswith(INJECTED)]
    assigned = [node for cell in cells for node in _parse(cell) if isinstance(node, ast.Assign)]
    return [ast.unparse(node.targets[0]) for node in assigned]


def _parse(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []


def _check_alike(results: Results, study: Study) -> None:
    """Refuse notebooks that ran with other parameters for other waves: reports compare waves."""
    problems = []
    for step in running.PER_WAVE:
        used = {wave: results.parameters(step, wave) for wave in study.waves}
        for name, value in used[study.reference_wave].items():
            if differing := [wave for wave in used if used[wave].get(name) != value]:
                told = ", ".join(f"{used[wave].get(name)} for {wave}" for wave in differing)
                problem = f"is {value} for {study.reference_wave}, but {told}"
                remedy = f"{run_notebook(step, differing[0])} again, with the same value"
                where = f"parameter {step}.{name}"
                problems.append(Problem("results", where, "", problem, "one value", remedy))
    refuse_any(problems)
