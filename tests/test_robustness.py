"""Every defensible choice: which there are, that the headline is one, kills, and what is told."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from math import prod

import numpy as np
import pandas as pd
import pytest
from commands import called
from grids import grid_of, saved_grid

from cycle_analysis.problems import InputError
from cycle_analysis.report import assemble, open_chapter, tell
from cycle_analysis.report.document import Heading
from cycle_analysis.results import ALL_WAVES, ROBUSTNESS, open_results
from cycle_analysis.robustness import (
    CROSSED,
    Setting,
    Universe,
    curve,
    lay_out,
    without_doubles,
)
from cycle_analysis.robustness.curve import analyse
from cycle_analysis.robustness.run import open_grid, run_grid
from cycle_analysis.study import load_study
from cycle_analysis.study.files import Robustness
from cycle_analysis.texts import read_list
from cycle_analysis.waves import changed_surely

pytestmark = pytest.mark.xdist_group("dask")
HEADLINE = Universe("mean", 0.5, "kept", "true_scores", "profiles", "own", "equal", 50, "", "2018")
PHASES = {"AG": ["AG1", "AG2"], "EX": ["EX1"], "VB": ["VB1", "VB2", "VB3"]}
SETTING = Setting(4, True, 8, PHASES, ["2018", "2022"])

# Which choices there are.


def test_every_combination_is_analysed_or_left_out_for_a_reason():
    asked = Robustness()
    universes, left_out = lay_out(HEADLINE, asked, SETTING)
    crossed = prod(len(getattr(asked, name)) for name in CROSSED)
    alone = 2 + 6 + 3 + 1  # thresholds, items, phases and waves beside those of the headline
    assert universes[0] == HEADLINE
    assert len(set(universes)) == len(universes)
    assert len(universes) + left_out.total() == crossed + alone
    assert left_out == Counter(same_fit=72, no_mixture=72, last_item=1)
    assert set(left_out) <= set(read_list("reasons"))
    assert 200 <= len(universes) <= 500


@pytest.mark.parametrize(
    ("change", "option", "reason"),
    [
        ({"has_roles": False}, ("aggregation", "echelon"), "no_roles"),
        ({"has_background": False}, ("weights", "raked"), "same_weights"),
        ({"error_known": False}, ("scaling", "shrunken"), "no_error"),
        ({"found": False}, ("k", "more"), "no_number"),
        ({"k": 2}, ("k", "fewer"), "one_group"),
        ({"max_profiles": 4}, ("k", "more"), "many_groups"),
        ({"phases": {"AG": ["A", "B"], "EX": ["E"]}}, ("left_out", "phase AG"), "few_phases"),
        ({}, ("left_out", "item EX1"), "last_item"),
    ],
)
def test_what_cannot_be_is_named(change, option, reason):
    headline = replace(HEADLINE, scaling="points")
    universes, left_out = lay_out(headline, Robustness(), replace(SETTING, **change))
    name, value = option
    assert left_out[reason] > 0
    assert value not in {getattr(one, name) for one in universes}


def test_a_choice_without_options_stays_as_in_the_headline():
    nothing = Robustness(**{name: [] for name in (*CROSSED, "active_from", "left_out")})
    universes, left_out = lay_out(
        HEADLINE, nothing.model_copy(update={"other_waves": False}), SETTING
    )
    assert (universes, left_out) == ([HEADLINE], Counter())


def test_what_gives_the_same_scores_counts_once_and_what_has_none_not_at_all():
    median, echelon = (replace(HEADLINE, aggregation=name) for name in ("median", "echelon"))
    scores = pd.DataFrame({"AG": [1.0, 2.0]})
    tables = {HEADLINE.answers: scores, median.answers: scores.copy(), echelon.answers: scores[:0]}
    universes, left_out = without_doubles([HEADLINE, median, echelon], tables)
    assert universes == [HEADLINE]
    assert left_out == Counter(same_scores=1, few_units=1)


def test_a_seed_hangs_on_what_is_chosen_and_not_on_its_place():
    universes, _ = lay_out(HEADLINE, Robustness(), SETTING)
    fewer, _ = lay_out(HEADLINE, Robustness(aggregation=["echelon"]), SETTING)
    works = {one.name: one.work for one in universes}
    assert all(works[one.name] == one.work for one in fewer)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (
            "{aggregation: [mode]}",
            "robustness.aggregation.0.*'echelon' or 'adjusted'",
        ),
        ("{aggregation: [mean, mean]}", "robustness.aggregation.1.*'mean': stands twice"),
        ("{min_answered: [1.5]}", "is too high. Allowed: 1.0 or less"),
        ("{active_from: [high]}", "is no number"),
        ("{sauce: [yes]}", "is not a known key here"),
    ],
)
def test_a_mistake_in_the_block_is_told_like_any_other(home, edit, block, told):
    edit("study.yaml", "parameters: {}", f"robustness: {block}\nparameters: {{}}")
    with pytest.raises(InputError, match=told):
        load_study("example", home)


# What they find.


@pytest.fixture(scope="module")
def example(frozen_run):
    run = frozen_run("example")
    return open_grid(run.study, open_results("example", run.home))


@pytest.fixture(scope="module")
def headline(example):
    """What the grid finds where it chooses what the study chose."""
    return analyse(example.material, example.universes[:1])[0]


def test_the_headline_of_the_grid_is_what_the_study_told(example, headline):
    results, row = example.results, headline
    verdict = results.load("04_number_of_profiles", "verdict", "2018").loc["verdict"]
    change = results.load("07_waves", "change")
    sure = changed_surely(change)
    changed = [f"{p[-1]}{'+' if c > 0 else '-'}" for p, c in change.loc[sure, "change"].items()]
    assert (row["adjusted_rand"], row["moved_share"]) == (1.0, 0.0)
    assert (row["verdict"], row["groups"]) == (verdict["verdict"], 4)
    assert row["lead"] == pytest.approx(verdict["lead"], abs=0.01)
    assert row["change"] == pytest.approx(change["change"].mean(), abs=1e-5)
    assert row["changed"].split() == changed
    active = results.load("03_cycle", "active_counts", "2018").loc[2:]
    named = results.load("03_cycle", "curve", "2018")
    for end in curve.ENDS:
        assert row[end].split() == list(named.index[named[end]])
    assert row["several"] == pytest.approx(active["share"].sum(), abs=1e-5)


def test_no_analysis_counts_a_change_that_other_roles_may_have_made(example, headline):
    waves = {
        wave: replace(of, roles=pd.Series(wave, of.roles.index))
        for wave, of in example.material.waves.items()
    }
    row = analyse(replace(example.material, waves=waves), example.universes[:1])[0]
    assert row["changed"] == ""
    assert row["change"] == headline["change"]


def test_the_default_grid_has_a_few_hundred_universes_on_few_fits(example):
    assert 200 <= len(example.universes) <= 500
    assert len({one.work for one in example.universes}) <= 60


def planted(named: str = "AG EX") -> pd.DataFrame:
    """Universes in which the rule of aggregation decides about the number of profiles.

    The headline names some phases that may be highest, others fewer of them or also another.
    """
    asked = Robustness(k=["own"], active_from=[], left_out=[], other_waves=False)
    universes, _ = lay_out(HEADLINE, asked, SETTING)
    facts = {"verdict": "separate", "found": True, "lead": 9.0, "n_units": 99, "sizes": ""}
    facts |= {"may_be_lowest": "VB" if named else "", "several": 0.5, "expected": 0.4}
    names = {"mean": named, "median": named[:2], "echelon": "AG NN"}
    rows = [
        {
            **facts,
            "universe": one.name,
            "may_be_highest": names.get(one.aggregation, named[-2:]),
            "groups": 3 if one.aggregation == "echelon" else 4,
            "adjusted_rand": 1.0 - 0.2 * (one.method == "ward"),
            "moved_share": 0.3 * (one.method == "ward"),
            "change": 2.0,
            "changed": "AG+" if one.careless == "kept" else "AG+ EX-",
        }
        for one in universes
    ]
    return curve.judge(universes, rows)


def test_the_choice_that_was_planted_is_the_one_that_matters():
    shares = curve.importance(planted())
    assert shares["number"].idxmax() == "aggregation"
    assert shares.loc["aggregation", "number"] == pytest.approx(1.0)
    assert shares["division"].idxmax() == "method"
    assert shares["change"].isna().all()


def test_no_choice_matters_where_analyses_differ_by_less_than_anyone_would_act_upon():
    table = planted()
    by_lot = np.random.default_rng(1).random(len(table))
    near = table.assign(adjusted_rand=0.9 + 0.1 * by_lot, change=2 + 1.9 * by_lot, profiles=4)
    assert curve.importance(near).isna().all(axis=None)
    far = table.assign(adjusted_rand=0.5 + 0.5 * by_lot, change=2 + 9 * by_lot)
    shares = curve.importance(far).drop(index="rest")[["division", "change"]]
    assert shares.max().max() < curve.MATTERS


def test_where_no_phase_is_named_as_highest_an_analysis_that_names_one_says_something_else():
    table = planted("")
    share = curve.surviving(table)["share"]["ends"]
    assert share == pytest.approx((table["aggregation"] != "echelon").mean())


def test_claims_survive_where_another_analysis_would_make_them_too():
    table = planted()
    claims = curve.surviving(table)["share"]
    assert claims["number"] == pytest.approx((table["aggregation"] != "echelon").mean())
    assert claims["division"] == pytest.approx((table["method"] != "ward").mean())
    assert claims["change"] == pytest.approx((table["careless"] == "kept").mean())
    assert claims["ends"] == pytest.approx((table["aggregation"] != "echelon").mean())
    assert claims[["profiles", "together"]].eq(1.0).all()
    assert curve.numbers(table)["share"].sum() == pytest.approx(1.0)


# Runs: on processes, on Dask, killed, and told.


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_grid_that_is_killed_again_and_again_and_ended_by_two_processes_has_the_same_tables(
    small, alone
):
    grid = grid_of(small)
    call = [sys.executable, "-m", "cycle_analysis", "robustness", "small", "--home", str(small)]
    for kill in (1, 3):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([*call, "--workers", "1"], start_new_session=True, **quiet)
        least = 1 + kill * len(grid.universes) // 5
        while process.poll() is None and n_lines(grid.file) <= least:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with grid.file.open("a") as stream:
            stream.write('{"universe": "torn')
    done = []
    run_grid(grid_of(small), n_workers=2, tell=done.append)
    assert least <= done[0] < len(grid.universes), "two processes have something left to do"
    assert saved_grid(small) == saved_grid(alone)


def n_lines(file) -> int:
    return file.read_text("utf-8").count("\n") if file.is_file() else 0


def assert_kept_for_nobody_else(grid):
    """Finished universes stand in a private file, of this grid on these tables alone."""
    lines = grid.file.read_text("utf-8").splitlines()
    assert grid.file.stat().st_mode & 0o077 == 0
    assert len(lines) == 1 + len(grid.universes)
    assert all(np.isfinite(json.loads(line)["lead"]) for line in lines[1:])
    other = replace(grid, origin=replace(grid.origin, parameters={"seed": 3}))
    assert json.loads(lines[0]) == {"grid": grid.key} != {"grid": other.key}


def test_the_report_tells_the_grid_only_while_it_is_up_to_date(frozen_run, make_copy, small, alone):
    study, results = load_study("small", small), open_results("small", small)

    def chapters() -> set[str]:
        blocks = assemble(study, results, "nl").blocks
        return {block.key for block in blocks if isinstance(block, Heading)}

    assert ROBUSTNESS not in chapters()
    small = make_copy(replace(frozen_run("one_wave"), home=alone))
    study, results = load_study("small", small), open_results("small", small)
    assert ROBUSTNESS in chapters()
    assert_kept_for_nobody_else(grid_of(small))
    table = results.load(ROBUSTNESS, "claims", ALL_WAVES)
    share = f"{round(100 * table.loc['number', 'share'])}%"
    for language, words in {"nl": "verdedigbare analyses", "en": "defensible analyses"}.items():
        told = tell(open_chapter(study, results, language, ROBUSTNESS), "told")
        front = tell(open_chapter(study, results, language, "summary"), "summary")
        assert words in told
        assert words in front
        assert share in told or "all" in told.lower()
    path = small / "data" / "raw" / "small" / "study.yaml"
    path.write_text(path.read_text("utf-8").replace("[mean, median]", "[mean]"), "utf-8")
    study, results = load_study("small", small), open_results("small", small)
    assert results.stale(ROBUSTNESS) == ["robustness in study.yaml has changed"]
    assert ROBUSTNESS not in chapters()


def test_the_command_says_what_there_is_and_what_comes_first(small, home):
    told = called("robustness", "small", "--dry-run", home=small)
    assert told.returncode == 0
    assert re.search(r"\d+ defensible analyses", told.stderr)
    assert "not " in told.stderr
    fresh = called("robustness", "example", home=home)
    assert fresh.returncode == 2
    assert "Run notebook 01_responses for wave 2018 first" in fresh.stderr
