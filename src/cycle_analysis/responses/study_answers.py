"""Read what a study knows: its units, who of them was invited, and the answers of each wave."""

from collections.abc import Iterable

import pandas as pd

from cycle_analysis.problems import InputError, Problem, check_range, refuse_any
from cycle_analysis.readers import read_export
from cycle_analysis.responses.coded import Responses, check_checksum, code_responses
from cycle_analysis.study import Study
from cycle_analysis.study.files import BUNDLED
from cycle_analysis.units import (
    Register,
    are_municipalities,
    collapse_background,
    load_register,
    read_register,
    read_table,
)
from cycle_analysis.units.identification import allowed_units, identify
from cycle_analysis.units.maps import UnitMap, read_map, tile_map

UNKNOWN = "unknown"
"""Group of the units of which the study's own register does not tell the background."""
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


def has_municipalities(study: Study) -> bool:
    """Whether a study compares Dutch municipalities, of the bundled register or an extended one."""
    return are_municipalities(study_register(study).on(_day_of_units(study, study.reference_wave)))


def population(study: Study, wave: str) -> tuple[pd.DataFrame, list[str]]:
    """List all units on the first day of fieldwork, and the background that groups them.

    Municipalities are grouped by size and region. Units of another register are grouped by its own
    columns of at most `MOST_GROUPS` values, where units without a value are a group of their own,
    and without such a column they are one group.

    Returns
    -------
    DataFrame, list of str
        Index `unit`; the columns that make groups.
    """
    units = study_register(study).on(_day_of_units(study, wave))
    if are_municipalities(units):
        return collapse_background(units), ["size", "region"]
    few = [c for c, n in background_values(units).items() if 1 < n <= MOST_GROUPS]
    if not few:
        return units.assign(everyone="all"), ["everyone"]
    units[few] = units[few].astype("string").fillna(UNKNOWN).astype("str")
    return units, few


def background_values(units: pd.DataFrame) -> dict[str, int]:
    """Count the different values of each background column of an own register.

    Examples
    --------
    >>> background_values(pd.DataFrame({"name": ["a", "b"], "region": ["North", "North"]}))
    {'region': 1}
    """
    return {name: int(units[name].nunique()) for name in units.columns if name != "name"}


def invited_units(study: Study, wave: str, responded: Iterable[str]) -> list[str]:
    """List the units that were invited: those of the wave's list, else the whole population.

    Parameters
    ----------
    study, wave
        `invited` in wave.yaml names the list: a csv with a column `unit`, of codes or names.
    responded : iterable of str
        Units that answered; all of them must have been invited.

    Raises
    ------
    InputError
        With every row that is no unit in force on the first day of fieldwork, and every unit that
        answered without being on the list.
    """
    register, day = study_register(study), _day_of_units(study, wave)
    file = study.wave(wave).invited
    if not file:
        return register.on(day).index.tolist()
    where = f"{wave}/{file}"
    rows = read_table(study.folder / wave / file, ["unit"])["unit"]
    found = identify(rows, register, day).assign(value=rows)
    remedy = "Correct the row; a merged unit is listed as what it was on that day"
    problems = [
        Problem(where, f"row {row.Index + 2}", row.value, row.problem, allowed, remedy)
        for row in found[found["problem"] != ""].itertuples()
        for allowed in [allowed_units(row.problem, row.suggestions)]
    ]
    if not problems:
        problem = "answered, but is not on the list"
        stray = sorted(set(responded) - set(found["unit"]))
        problems = [Problem(where, "column unit", code, problem, "", "Add it") for code in stray]
    refuse_any(problems)
    return found["unit"].drop_duplicates().tolist()


def study_tiles(study: Study, wave: str) -> UnitMap | None:
    """Lay out the municipalities of a wave as tiles; None when the units are none."""
    register, day = study_register(study), _day_of_units(study, wave)
    return tile_map(register, day) if are_municipalities(register.on(day)) else None


def study_map(study: Study, wave: str) -> UnitMap | None:
    """Read the study's own map, checked against the units of the wave; without one, the tiles.

    Raises
    ------
    InputError
        When `units.map` in study.yaml names a file that is no map of these units on that day.
    """
    if study.units.map_file:
        file = study.folder / study.units.map_file
        return read_map(file, study_register(study), _day_of_units(study, wave))
    return study_tiles(study, wave)


def read_responses(study: Study, wave: str, max_invalid: float = 0.05) -> Responses:
    """Read the export of `wave` and code its answers.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    check_range("max_invalid", max_invalid, 0, 1)
    source = study.wave(wave).source
    raw = read_export(study.raw_file(wave), source)
    check_checksum(study.raw_file(wave), source.sha256, f"{wave}/wave.yaml")
    return code_responses(raw, study, wave, study_register(study), max_invalid)


def read_all_responses(study: Study, max_invalid: float = 0.05) -> dict[str, Responses]:
    """Read and code the answers of every wave, after a check of the map and lists beside them.

    Raises
    ------
    InputError
        With the problems of all waves that make an export, or the map of the study, unusable.
    """
    responses: dict[str, Responses] = {}
    rejected: list[Problem] = []
    for wave in study.mappings:
        answering: Iterable[str] = ()
        try:
            responses[wave] = read_responses(study, wave, max_invalid)
            answering = responses[wave].respondents["unit"]
        except InputError as error:
            rejected += error.problems
        try:
            invited_units(study, wave, answering)
            if study.units.map_file and wave == study.reference_wave:
                study_map(study, wave)
        except InputError as error:
            rejected += error.problems
    refuse_any(dict.fromkeys(rejected))
    return responses


def _day_of_units(study: Study, wave: str) -> str:
    return str(study.wave(wave).fieldwork.day)
