"""Run the grid of a study: gather what it starts from, share the work, keep what is finished.

Every universe that is finished stands in a file, a line each; a run that was killed goes on from
there to the same table, for seeds hang on what was chosen and not on the order. The file is of one
grid on one set of tables: where either has changed, it is begun anew.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis.chance import alone, workers
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.profiles.division import TABLES, read_partition
from cycle_analysis.profiles.true_scores import is_known
from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.results import (
    ALL_WAVES,
    PARAMETERS,
    ROBUSTNESS,
    Origin,
    Results,
    result_name,
    study_files,
)
from cycle_analysis.robustness import Setting, Universe, curve, lay_out, without_doubles
from cycle_analysis.robustness.curve import Answered, Material, Row, analyse
from cycle_analysis.study import Study
from cycle_analysis.study.plan import hash_facts
from cycle_analysis.units import population, study_register
from cycle_analysis.waves import carried, item_status, link_units, territory, unchanged_units
from cycle_analysis.whole_files import make_private, write_whole

RESPONSES, SCORES, CYCLE, NUMBER = (
    *("01_responses", "02_scores", "03_cycle", "04_number_of_profiles"),
)
N_STARTS, N_REPLICATES = 20, 99
"""Random starts of each fit, and draws for each verdict: fewer than in notebook 04, for speed."""
FINISHED = ".universes.jsonl"
"""File of the universes that are finished."""
SOURCES = {
    RESPONSES: ("answers", "respondents", "careless", PARAMETERS),
    SCORES: (PARAMETERS,),
    CYCLE: ("order", PARAMETERS),
    NUMBER: ("verdict", *TABLES, PARAMETERS),
}
"""What the grid rests on, of the reference wave; of the other waves the answers only."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid of a study, ready to run.

    Attributes
    ----------
    material : Material
    universes : list of Universe
        The headline first.
    left_out : Counter of reason
        Combinations that are not analysed.
    origin : Origin
        What it rests on.
    results : Results
        Where its tables go.
    """

    material: Material
    universes: list[Universe]
    left_out: Counter[str]
    origin: Origin
    results: Results

    @property
    def file(self) -> Path:
        """Where finished universes are kept."""
        return self.results.step_folder(ROBUSTNESS) / FINISHED

    @property
    def key(self) -> str:
        """What tells this grid on these tables from others."""
        names = [one.name for one in self.universes]
        origin = self.origin
        made = [dict(part) for part in (origin.parameters, origin.results, origin.files)]
        return hash_facts([names, made])


def open_grid(study: Study, results: Results) -> Grid:
    """Gather what the grid of a study starts from, and lay it out.

    Parameters
    ----------
    study : Study
    results : Results
        Notebooks 01-04 must have run, and be up to date.

    Raises
    ------
    InputError
        With the notebooks to run first.
    """
    reference = study.reference_wave
    sources = [(RESPONSES, wave) for wave in study.waves]
    sources += [(step, reference) for step in SOURCES if step != RESPONSES]
    results.check(sources)
    used = {step: results.parameters(step, reference) for step in SOURCES}
    material = _gather(study, results, used)
    headline = _headline(material, used, study)
    persons = material.waves[reference].persons(headline, material.waves[reference].items)
    verdict = Verdict(results.load(NUMBER, "verdict", reference).loc["verdict", "verdict"])
    items = study.phase_items(reference)
    setting = Setting(
        k=material.headline.k,
        found=verdict.found and material.headline.k > 1,
        max_profiles=material.max_profiles,
        phases={code: list(items.index[items["phase"] == code]) for code in study.phase_codes},
        waves=study.waves,
        has_roles=len(material.waves[reference].roles.dropna().unique()) > 1,
        has_background=bool(material.population[material.by].nunique().max() > 1),
        error_known=is_known(measurement_error(persons, material.waves[reference].units)),
    )
    universes, left_out = lay_out(headline, study.robustness, setting)
    first = {one.answers: one for one in reversed(universes)}  # in the order of the universes
    scores = {answers: material.divided(first[answers]) for answers in reversed(first)}
    universes, doubles = without_doubles(universes, scores)
    parts = {
        result_name(step, wave): {
            part: results.fingerprint(step, part, wave) for part in SOURCES[step]
        }
        for step, wave in sources
    }
    own = {"n_starts": N_STARTS, "n_replicates": N_REPLICATES, "seed": material.seed}
    origin = Origin(own, parts, study_files(study, ROBUSTNESS, ALL_WAVES))
    return Grid(material, universes, left_out + doubles, origin, results)


def run_grid(
    grid: Grid,
    *,
    n_workers: int = 1,
    address: str = "",
    tell: Callable[[int], object] = lambda n: None,
) -> pd.DataFrame:
    """Analyse all universes that are not finished yet, and save the tables of the grid.

    Parameters
    ----------
    grid : Grid
    n_workers : int
        Processes beside each other.
    address : str
        Of a Dask scheduler, to work there instead: ``tcp://127.0.0.1:8786``.
    tell : function of int
        Told how many universes more are finished.

    Returns
    -------
    DataFrame, index `universe`
        As `curve.judge` gives it.

    Raises
    ------
    InputError
        If Dask is not installed or not to be reached, or the disk is full.
    """
    rows = _finished(grid)
    tell(len(rows))
    left = [one for one in grid.universes if one.name not in rows]
    parts = [list(alike) for _, alike in groupby(sorted(left, key=_work), key=_work)]
    work = [delayed(alone)(analyse, grid.material, part) for part in parts]
    with workers(n_workers, address, [grid.material]), grid.file.open("ab") as stream:
        for found in Parallel(return_as="generator_unordered")(work):
            stream.write("".join(f"{json.dumps(row)}\n" for row in found).encode())
            stream.flush()
            os.fsync(stream.fileno())
            rows |= {str(row["universe"]): row for row in found}
            tell(len(found))
    table = curve.judge(grid.universes, list(rows.values()))
    tables = {
        "universes": table,
        "claims": curve.surviving(table),
        "numbers": curve.numbers(table),
        "importance": curve.importance(table),
        "left_out": curve.without(grid.left_out),
    }
    grid.results.save(ROBUSTNESS, ALL_WAVES, tables, grid.origin)
    return table


def _work(one: Universe) -> str:
    return repr(one.work)


def _finished(grid: Grid) -> dict[str, Row]:
    """Read what an earlier run of the same grid finished; begin the file anew without the rest."""
    folder, key = grid.results.folder, json.dumps({"grid": grid.key})
    lines = grid.file.read_text("utf-8", "replace").split("\n") if grid.file.is_file() else []
    names = {one.name for one in grid.universes}
    rows = {}
    for line in lines[1:-1] if lines[:1] == [key] else []:  # the last has no end, or is empty
        row = json.loads(line)
        if row["universe"] in names:
            rows[row["universe"]] = row
    make_private(grid.file.parent, folder)
    kept = [key, *(json.dumps(row) for row in rows.values())]
    write_whole(grid.file, "".join(f"{line}\n" for line in kept).encode(), private_from=folder)
    return rows


def _gather(study: Study, results: Results, used: Mapping[str, Mapping[str, Any]]) -> Material:
    """Gather what all universes start from, as notebooks 01, 04 and 07 do."""
    reference, of_04, register = study.reference_wave, used[NUMBER], study_register(study)
    answered = {wave: _read(study, results, wave) for wave in study.waves}
    days = {wave: study.day(wave) for wave in study.waves}
    links = link_units({wave: one["units"] for wave, one in answered.items()}, days, register)
    same = territory(links) == "same"
    existing = {wave: register.on(day).index.to_series() for wave, day in days.items()}
    everyone, by = population(study, reference)
    scores = results.load(SCORES, "scores", reference).dropna(how="all")
    tables = {name: results.load(NUMBER, name, reference) for name in TABLES}
    status = item_status(study)
    return Material(
        waves={
            wave: Answered(**one, now=carried(one["units"], links.loc[wave]))
            for wave, one in answered.items()
        },
        reference=reference,
        common=study.phase_items(reference).loc[status.index[status["common"]]],
        same=same.index[same],
        n_unchanged=len(unchanged_units(link_units(existing, days, register))),
        population=everyone,
        by=by,
        headline=read_partition(scores, tables),
        window=results.load(CYCLE, "order", reference).loc["order", "reading"] == "window",
        n_starts=N_STARTS,
        n_replicates=N_REPLICATES,
        **{name: int(of_04[name]) for name in ("max_profiles", "n_levels", "seed")},
    )


def _read(study: Study, results: Results, wave: str) -> dict[str, Any]:
    """Read the answers of a wave, also of respondents whom notebook 01 left out for a flag."""
    rules = results.parameters(RESPONSES, wave)
    flags = results.load(RESPONSES, "careless", wave).any(axis=1)
    if rules["leave_out_careless"]:
        responses = read_responses(study, wave, float(rules["max_invalid"]))
        answers, respondents = responses.answers, responses.respondents
    else:
        answers, respondents = (
            results.load(RESPONSES, name, wave) for name in ("answers", "respondents")
        )
    items = study.phase_items(wave)
    return {
        "answers": answers[items.index].astype(float),
        "items": items,
        "units": respondents["unit"],
        "roles": respondents["role"],
        "careless": flags.reindex(answers.index, fill_value=False),
    }


def _headline(material: Material, used: Mapping[str, Mapping[str, Any]], study: Study) -> Universe:
    """Say what the study itself took of every choice."""
    is_mixture = material.headline.mixture is not None
    return Universe(
        aggregation=str(used[SCORES]["aggregation"]),
        min_answered=float(used[SCORES]["min_answered"]),
        careless="left_out" if used[RESPONSES]["leave_out_careless"] else "kept",
        scaling="true_scores" if is_mixture else "points",
        method="profiles",
        k="same" if used[NUMBER]["n_profiles"] else "own",
        weights="equal",
        active_from=float(used[CYCLE]["active_from"]),
        left_out="",
        reference_wave=study.reference_wave,
    )
