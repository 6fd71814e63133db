"""Check a study as a whole before a run: every mistake in every file, and what it cannot bear.

What one file lacks does not hide what is wrong with the others: answers are read with as much of a
study as can be understood. Where a stage truly cannot run, that is said. Too few units to divide,
or waves that do not compare, are told here too, and by the first step of a run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import pearsonr

from cycle_analysis.measurement import respondent_scores, turn_items, unit_scores
from cycle_analysis.problems import KEPT, REJECTED, InputError, Problem, gather, refuse_any
from cycle_analysis.profiles.verdict import FEW_UNITS, UNITS_PER_PROFILE
from cycle_analysis.readers import read_export
from cycle_analysis.responses.checks import LONG
from cycle_analysis.responses.coded import (
    Responses,
    check_columns,
    flag_careless,
    read_all_responses,
    told_of_wave,
)
from cycle_analysis.running import PER_WAVE, Value, gather_parameters, notebook_folder, number
from cycle_analysis.study import Gathered, Study, check_unlisted_waves, gather_study
from cycle_analysis.units import (
    MOST_GROUPS,
    are_municipalities,
    background_values,
    population,
    study_register,
)
from cycle_analysis.waves import item_status, link_units, unchanged_units

MAX_INVALID = 0.05
"""Share of invalid answers that a column may have, where the study's own cannot be read."""
MOST_ALIKE = 0.5
"""Waves of which more respondents answered alike than this are one."""
TURNED = 0.0001
"""Chance under which what differs between waves as questions do, not answers, is no chance."""


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
            gather(problems, partial(_look_at_columns, found, wave))
    if study is None:
        raise InputError([*problems, _not_looked_at("answers", "units", "parameters")])
    parameters = gather(problems, partial(_parameters, found, home)) or {}
    gather(problems, partial(check_unlisted_waves, study))
    gather(problems, partial(study_register, study))
    rules = parameters.get("01_responses", {})
    most = number(rules.get("max_invalid", MAX_INVALID))
    responses = gather(problems, partial(read_all_responses, study, most)) or {}
    if problems:
        unread = [f"answers of wave {wave}" for wave in study.waves if wave not in study.mappings]
        problems = list(dict.fromkeys(problems))
        raise InputError([*problems, _not_looked_at(*unread, "whether there are enough units")])
    doubts = doubt_study(study, responses, parameters)
    refuse_any(doubt for doubt in doubts if doubt.done == REJECTED)
    return Checked(responses, doubts)


def doubt_study(
    study: Study, responses: Mapping[str, Responses], parameters: Mapping[str, Mapping[str, Value]]
) -> list[Problem]:
    """List what a run of this study cannot bear, or what makes it weak.

    Parameters
    ----------
    study : Study
    responses : mapping of wave to Responses
        The coded answers of every wave.
    parameters : mapping of notebook to mapping of parameter to value
        At least those of notebooks 01, 02 and 04.

    Returns
    -------
    list of Problem
        `REJECTED`: a notebook would stop. `KEPT`: it runs, but little can be said.
    """
    scores = {wave: _scores(study, wave, responses[wave], parameters) for wave in study.waves}
    found = [
        _without_scores(phase, wave, phase in set(study.phase_items(wave)["phase"]))
        for wave, table in scores.items()
        for phase in table.columns[table.isna().all()]
    ]
    if not found:
        asked = int(number(parameters["04_number_of_profiles"]["n_profiles"]))
        found += _too_few(scores[study.reference_wave], study, asked)
        found += _constant_phases(scores[study.reference_wave], study)
    found += [*_unused_background(study), *_doubt_waves(study, responses)]
    return [*found, *_left_behind(study)]


def _without_scores(phase: str, wave: str, asked: bool) -> Problem:
    """Say that no unit has a score on a phase, and why, as far as that is known."""
    if asked:
        problem, or_else = "no unit has a score on this phase", "lower 02_scores.min_answered"
    else:
        problem, or_else = "no question of this phase is mapped", "map in wave.yaml what was asked"
    remedy = f"Leave the phase out of study.yaml, or the wave, or {or_else}"
    return Problem(f"wave {wave}", "phases", phase, problem, "", remedy)


def _left_behind(study: Study) -> Iterator[Problem]:
    """Private results of waves and studies that are no longer there, as after a new name."""
    raw, gone = study.folder.parent, dict[str, str]()
    for answers in sorted((raw.parent / "processed").glob(f"*/*/{PER_WAVE[0]}")):
        name, wave = answers.parts[-3:-1]
        if name == study.name and wave not in study.waves:
            gone[f"{name}/{wave}"] = "a wave that study.yaml does not name"
        elif not (raw / name).exists():
            gone[name] = "a study that is not in data/raw"
    for name, what in gone.items():
        problem = f"holds private results of {what}: renamed, or taken out?"
        remedy = "Delete the folder if nobody needs them"
        yield Problem(f"data/processed/{name}", "folder", "", problem, "", remedy, KEPT)


def _unused_background(study: Study) -> Iterator[Problem]:
    """Columns of the study's own register that group no units, by which nothing is weighed."""
    units, used = population(study, study.reference_wave)
    if are_municipalities(units):
        return
    for name, n in background_values(units.drop(columns="everyone", errors="ignore")).items():
        if name not in used:
            problem = f"{n} different values make no groups: not used as background"
            remedy = "Group the values in a column of their own, if it should be used"
            where = (study.units.register_file, f"column {name}", "", problem)
            yield Problem(*where, f"2 to {MOST_GROUPS}", remedy, done=KEPT)


def _parameters(found: Gathered, home: Path) -> dict[str, Any]:
    """Parameters of all notebooks; none when one of the study's own is not there, which is told."""
    study = found.study
    if study is None or not all(study.own_notebook(n).is_file() for n in study.own_notebooks):
        return {}
    return gather_parameters(study, notebook_folder(home), {})


def _look_at_columns(found: Gathered, wave: str) -> None:
    """Hold the columns of a wave's export against its mapping, where no answer can be read."""
    mapping = found.waves[wave]
    export = found.folder / wave / mapping.source.file
    try:
        raw = read_export(export, mapping.source)
        refuse_any(odd for odd in check_columns(raw, mapping) if odd.done == REJECTED)
    except InputError as error:
        raise InputError(told_of_wave(error.problems, export)) from None


def _not_looked_at(*what: str) -> Problem:
    """Say what is told later only."""
    problem = f"not looked at yet: {', '.join(what)}"
    return Problem("check", "later", "", problem, "", "Mend what stands above, and check again")


def _scores(
    study: Study, wave: str, answered: Responses, parameters: Mapping[str, Mapping[str, Value]]
) -> pd.DataFrame:
    """Score the units as notebooks 01 and 02 will."""
    rules = parameters["01_responses"]
    if rules["leave_out_careless"]:
        used = ("straight_line_items", "seconds_per_item", "min_answered", "erratic_chance")
        flags = flag_careless(answered, study, wave, *(number(rules[name]) for name in used))
        answered = answered.only(~flags.any(axis=1))
    min_answered = number(parameters["02_scores"]["min_answered"])
    persons = respondent_scores(answered.answers, study.phase_items(wave), min_answered)
    return unit_scores(persons, answered.respondents["unit"]).reindex(columns=study.phase_codes)


def _too_few(scores: pd.DataFrame, study: Study, n_profiles: int) -> Iterator[Problem]:
    """Units to divide: enough to look for profiles, of use, and for as many as are asked."""
    n, answering = len(scores.dropna()), len(scores)
    where = (f"wave {study.reference_wave}", "units", f"{n}")
    told = f"of {answering} units that answered, {n} have a score on every phase"
    if n < UNITS_PER_PROFILE:
        allowed = f"{UNITS_PER_PROFILE} or more, of use from {FEW_UNITS}"
        remedy = "Describe the units one by one, or leave out a phase that most of them lack"
        yield Problem(*where, f"{told}: too few to look for profiles", allowed, remedy)
    elif n < FEW_UNITS:
        remedy = f"Expect no more than the clearest of profiles below {FEW_UNITS} units"
        yield Problem(*where, f"{told}, which is few", "", remedy, done=KEPT)
    if n_profiles > (distinct := len(scores.dropna().drop_duplicates())) >= 1:
        problem = "so many profiles are asked for, more than there are units with different scores"
        place = "parameter 04_number_of_profiles.n_profiles"
        yield Problem("parameters", place, f"{n_profiles}", problem, f"0-{distinct}")
    elif n_profiles * UNITS_PER_PROFILE > n >= UNITS_PER_PROFILE:
        problem = f"{n_profiles} profiles leave fewer than {UNITS_PER_PROFILE} of these units each"
        yield Problem(*where, problem, "", f"Ask for {n // UNITS_PER_PROFILE} or fewer", done=KEPT)


def _constant_phases(scores: pd.DataFrame, study: Study) -> Iterator[Problem]:
    """A phase on which all units are the same cannot divide them, unless they are so on all."""
    same = scores.columns[scores.max() == scores.min()]
    remedy = "Leave the phase out of study.yaml: it cannot tell units apart"
    for phase in same if len(same) < scores.shape[1] else ():
        problem = f"every unit has the same score on this phase, {scores[phase].max():g}"
        yield Problem(f"wave {study.reference_wave}", "phases", phase, problem, "", remedy)


def _doubt_waves(study: Study, responses: Mapping[str, Responses]) -> Iterator[Problem]:
    """Waves share items, follow each other, and share units to compare."""
    days = {wave: study.day(wave) for wave in study.waves}
    if len(days) < 2:
        return
    try:
        item_status(study)
    except InputError as error:
        yield from error.problems
    if list(days.values()) != sorted(days.values()):
        shown = ", ".join(f"{wave} ({day})" for wave, day in days.items())
        ordered = ", ".join(sorted(days, key=lambda wave: days[wave]))
        problem = "the waves are not in the order of their fieldwork"
        yield Problem("study.yaml", "waves", shown, problem, ordered, "Write them in that order")
        return
    for first, second in combinations(days, 2):
        if (share := _same_answers(responses[first], responses[second])) > MOST_ALIKE:
            problem = f"{share:.0%} of its respondents gave the answers of one of the same unit in "
            remedy = "Is this the export of that wave once more?"
            yield Problem(f"wave {second}", "answers", "", problem + first, "", remedy, done=KEPT)
    for first, second in pairwise(days):
        yield from _turned_round(study, responses, first, second)
    yield from _other_scale(study, responses)
    units = {wave: found.respondents["unit"] for wave, found in responses.items()}
    links = link_units(units, days, study_register(study))
    for first, second in pairwise(days):
        shared = len(unchanged_units(links.loc[[first, second]]))
        if shared < FEW_UNITS:
            problem = f"so many units answered in {first} and {second} and never changed their"
            problem += " territory"
            remedy = f"Below {FEW_UNITS} little can be said about change, and without any nothing"
            yield Problem("study.yaml", "waves", f"{shared}", problem, "", remedy, done=KEPT)


def _turned_round(
    study: Study, responses: Mapping[str, Responses], first: str, second: str
) -> Iterator[Problem]:
    """Questions, or units, that score high in one wave and low in the next, and the reverse."""
    scores = {
        wave: turn_items(responses[wave].answers, study.phase_items(wave))
        for wave in (first, second)
    }
    means = {
        "questions": [table.mean() for table in scores.values()],
        "units": [
            table.mean(axis=1).groupby(responses[wave].respondents["unit"]).mean()
            for wave, table in scores.items()
        ],
    }
    for what, both in means.items():
        pairs = pd.concat(both, axis=1, join="inner").dropna().to_numpy()
        if len(pairs) < LONG or not pairs.std(axis=0).all():
            continue
        if pearsonr(*pairs.T, alternative="less").pvalue < TURNED:
            problem = f"{what} that score high in {first} score low here, and the reverse"
            remedy = "Does its scale run the other way round? Turn it by a map in wave.yaml"
            yield Problem(f"wave {second}", "answers", "", problem, "", remedy, done=KEPT)
            return


def _other_scale(study: Study, responses: Mapping[str, Responses]) -> Iterator[Problem]:
    """A scale of which no question of one wave reaches an end that others often reach."""
    items = study.codebook.items
    for scale, of_scale in items[items["phase"] != ""].groupby("scale"):
        shares = {
            wave: found.answers[of_scale.index.intersection(found.answers.columns)]
            .stack()
            .astype(float)
            .value_counts(normalize=True)
            for wave, found in responses.items()
        }
        table = pd.DataFrame(shares).fillna(0.0).sort_index()
        for wave, used in table.items():
            given = used[used > 0].index
            beyond = table[(table.index < given.min()) | (table.index > given.max())]
            most = beyond.sum().drop(wave)
            if len(given) and (1 - most.max()) ** len(responses[str(wave)].answers) < TURNED:
                problem = f"no answer to any question of scale {scale} lies outside {given.min():g}"
                problem += f" to {given.max():g}, but {most.max():.0%} do in {most.idxmax()}"
                remedy = "Was it asked on another scale here? Carry it over, in wave.yaml: "
                remedy += f"linear: {{from: [{given.min():g}, {given.max():g}]}}"
                yield Problem(f"wave {wave}", "answers", "", problem, "", remedy, done=KEPT)


def _same_answers(earlier: Responses, later: Responses) -> float:
    """Share of the later respondents that answered all items as one of their unit did before."""
    items = [item for item in later.answers if item in earlier.answers]
    if len(items) < LONG:
        return 0.0
    before, after = (
        pd.util.hash_pandas_object(one.answers[items].assign(unit=one.respondents["unit"]), False)
        for one in (earlier, later)
    )
    return float(after.isin(before).mean())
