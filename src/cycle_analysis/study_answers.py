"""Read the answers of one wave of a study: its register, its export, every answer coded."""

import pandas as pd

from cycle_analysis.problems import InputError, Problem, check_range
from cycle_analysis.readers import read_export
from cycle_analysis.register import Register, load_register, read_register
from cycle_analysis.representation import collapse_background
from cycle_analysis.responses import Responses, check_checksum, code_responses
from cycle_analysis.study import Study

BUNDLED = "municipalities"
"""The register that comes with the package."""
MOST_GROUPS = 12
"""A background column with more values than this does not group units."""


def study_register(study: Study) -> Register:
    """Read the register of the study's units: the bundled one, or the study's own.

    Raises
    ------
    InputError
        If the study's own register is absent or wrong.
    """
    if study.units.register_file == BUNDLED:
        return load_register()
    events = study.folder / study.units.events if study.units.events else None
    return read_register(study.folder / study.units.register_file, events)


def population(study: Study, wave: str) -> tuple[pd.DataFrame, list[str]]:
    """List all units on the first day of fieldwork, and the background that groups them.

    Municipalities are grouped by size and region. Units of another register are grouped by its own
    columns of at most `MOST_GROUPS` values, and without any they are one group.

    Returns
    -------
    DataFrame, list of str
        Index `unit`; the columns that make groups.
    """
    units = study_register(study).on(str(study.wave(wave).fieldwork.start))
    if study.units.register_file == BUNDLED:
        return collapse_background(units), ["size", "region"]
    few = [c for c in units.columns if c != "name" and 1 < units[c].nunique() <= MOST_GROUPS]
    return (units, few) if few else (units.assign(everyone="all"), ["everyone"])


def read_responses(study: Study, wave: str, max_invalid: float = 0.05) -> Responses:
    """Read the export of `wave` and code its answers.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    check_range("max_invalid", max_invalid, 0, 1)
    source = study.wave(wave).source
    path = study.raw_file(wave)
    raw = read_export(path, source)
    check_checksum(path, source.sha256, f"{wave}/wave.yaml")
    return code_responses(raw, study, wave, study_register(study), max_invalid)


def read_all_responses(study: Study, max_invalid: float = 0.05) -> dict[str, Responses]:
    """Read and code the answers of every wave.

    Raises
    ------
    InputError
        With the problems of all waves that make an export unusable.
    """
    responses: dict[str, Responses] = {}
    rejected: list[Problem] = []
    for wave in study.waves:
        try:
            responses[wave] = read_responses(study, wave, max_invalid)
        except InputError as error:
            rejected += error.problems
    if rejected:
        raise InputError(rejected)
    return responses
