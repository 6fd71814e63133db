"""Check a study as a whole: every mistake in every file, and in the answers, at once.

What one file lacks does not hide what is wrong with the others: answers are read with as much of a
study as can be understood. Where a stage truly cannot run, that is said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cycle_analysis.problems import REJECTED, InputError, Problem
from cycle_analysis.readers import read_export
from cycle_analysis.responses.coded import Responses, check_columns
from cycle_analysis.responses.study_answers import read_all_responses
from cycle_analysis.running.feasibility import doubt_study
from cycle_analysis.running.parameters import number
from cycle_analysis.running.pipeline import notebook_folder
from cycle_analysis.running.run import gather_parameters
from cycle_analysis.study import check_unlisted_waves, gather_study
from cycle_analysis.study.loading import Gathered

MAX_INVALID = 0.05
"""Share of invalid answers that a column may have, where the study's own cannot be read."""


@dataclass(frozen=True)
class Checked:
    """A study that can run.

    Attributes
    ----------
    responses : dict of str to Responses
        The coded answers of each wave.
    doubts : list of Problem
        What makes a run weak.
    """

    responses: dict[str, Responses]
    doubts: list[Problem]


def check_study(name: str, home: Path) -> Checked:
    """Check everything that can be known of a study before a run.

    Parameters
    ----------
    name : str
        Folder under ``data/raw``.
    home : Path
        Folder that holds ``data/raw``.

    Raises
    ------
    InputError
        With all that stops a run, and what could not be looked at.
    """
    found = gather_study(name, home)
    problems, study = list(found.problems), found.study
    for wave in found.waves:
        if study is None or wave not in study.mappings:
            problems += _problems_of(partial(_look_at_columns, found, wave))
    if study is None:
        raise InputError([*problems, _not_looked_at("answers", "units", "parameters")])
    parameters: dict[str, Any] = {}
    problems += _problems_of(lambda: parameters.update(_parameters(found, home)))
    problems += _problems_of(lambda: check_unlisted_waves(study))
    rules = parameters.get("01_responses", {})
    most = number(rules.get("max_invalid", MAX_INVALID))
    responses: dict[str, Responses] = {}
    problems += _problems_of(lambda: responses.update(read_all_responses(study, most)))
    if problems:
        unread = [f"answers of wave {wave}" for wave in study.waves if wave not in study.mappings]
        problems = list(dict.fromkeys(problems))
        raise InputError([*problems, _not_looked_at(*unread, "whether there are enough units")])
    doubts = doubt_study(study, responses, parameters)
    if rejected := [doubt for doubt in doubts if doubt.done == REJECTED]:
        raise InputError(rejected)
    return Checked(responses, doubts)


def _parameters(found: Gathered, home: Path) -> dict[str, Any]:
    """Parameters of all notebooks; none when one of the study's own is not there, which is told."""
    study = found.study
    if study is None or not all(study.own_notebook(n).is_file() for n in study.own_notebooks):
        return {}
    return gather_parameters(study, notebook_folder(home), {})


def _problems_of(look: Callable[[], object]) -> list[Problem]:
    """Look, and give what is wrong."""
    try:
        look()
    except InputError as error:
        return error.problems
    return []


def _look_at_columns(found: Gathered, wave: str) -> None:
    """Hold the columns of a wave's export against its mapping, where no answer can be read."""
    mapping = found.waves[wave]
    raw = read_export(found.folder / wave / mapping.source.file, mapping.source)
    odd = [problem for problem in check_columns(raw, mapping) if problem.done == REJECTED]
    if odd:
        raise InputError(odd)


def _not_looked_at(*what: str) -> Problem:
    """Say what is told later only."""
    problem = f"not looked at yet: {', '.join(what)}"
    return Problem("check", "later", "", problem, "", "Mend what stands above, and check again")
