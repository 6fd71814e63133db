"""What is alike: profiles in two waves, moves in successive waves, moves of groups."""

from dataclasses import replace
from functools import cache, partial

import attacks
import changes as benchmark
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.mixtures.pairs import equal_margins
from cycle_analysis.profiles import Partition, latent_profiles
from cycle_analysis.responses.coded import erratic
from cycle_analysis.simulate import FOUR, Answering
from cycle_analysis.waves import similarity
from cycle_analysis.waves.similarity import Step, compare_moves, similarity_steps
from cycle_analysis.waves.transitions import ALPHA, Change, Finding, estimate_change
from cycle_analysis.waves.two_waves import WaveScores, wave_scores

HALO = Answering(range(3, 7), 18.0, halo=0.6)
QUICK = {"n_draws": 24, "n_refits": 12, "seed": 3}


def asked(
    states: pd.DataFrame, rng: np.random.Generator, answering: Answering = HALO
) -> WaveScores:
    survey = answering(states, rng)
    return wave_scores(respondent_scores(survey.answers, survey.items), survey.units)


def reference(wave: WaveScores) -> Partition:
    return latent_profiles(wave.scores, 4, n_starts=4, seed=1)


def up(states: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    return benchmark.move(states, rng, benchmark.upward(share))


def nothing(states: pd.DataFrame) -> pd.DataFrame:
    return states


def all_higher(states: pd.DataFrame) -> pd.DataFrame:
    return benchmark.rise(states, None, 8.0)


def one_elsewhere(states: pd.DataFrame) -> pd.DataFrame:
    """The third profile is 20 points higher on its second phase."""
    found = states.copy()
    found.loc[found["profile"] == 3, found.columns[1]] += 20
    return found


def wider(states: pd.DataFrame) -> pd.DataFrame:
    noise = np.random.default_rng(5).normal(0, 12, (len(states), 5))
    return states.assign(**(states.drop(columns="profile") + noise))


def test_careless_answers_in_one_wave_make_no_profiles_of_other_means():
    pair, told, careful = ("2018", "2022"), [], replace(HALO, halo=0.0)
    for seed in range(5):
        rng = np.random.default_rng([4, seed])
        states = FOUR(150, rng)
        surveys = [careful(states, rng), replace(careful, careless=0.15)(states, rng)]
        persons = [respondent_scores(survey.answers, survey.items) for survey in surveys]
        flags = [erratic(survey.answers, survey.items) for survey in surveys]
        left = [scores[~flagged] for scores, flagged in zip(persons, flags, strict=True)]
        start, found = None, []
        for scores in (persons, left):
            of = zip(scores, surveys, strict=True)
            waves = [wave_scores(own, survey.units[own.index]) for own, survey in of]
            start = start or reference(waves[0])
            found.append({pair: estimate_change(*waves, start, **QUICK)})
        steps = [similarity.all_steps(found[0], others, seed=1) for others in ({}, found[1])]
        told.append([not table["holds"].iloc[:2].all() for table in steps])
    raw, now = np.sum(told, axis=0)
    assert raw >= 2
    assert now == 0


MEANS_MOVED = pytest.mark.parametrize(
    ("change", "differing"),
    [
        (nothing, []),
        (all_higher, [Step.MEANS]),
        (one_elsewhere, [Step.SHAPES]),
        (wider, [Step.SPREADS]),
    ],
)


@MEANS_MOVED
def test_the_step_at_which_profiles_differ_is_the_one_at_which_they_were_made_to(change, differing):
    rng = np.random.default_rng(21)
    states = FOUR(200, rng)
    waves = [asked(states, rng), asked(change(states), rng)]
    found = similarity_steps(estimate_change(*waves, reference(waves[0]), **QUICK))
    assert list(found.index) == [str(step) for step in Step]
    # what differs first is what was made to; a shape leaves its difference to the means as well
    assert list(found.index[~found["holds"].astype(bool)])[:1] == differing
    if not differing:
        assert found["holds"].all()
    assert (found["likelihood_ratio"] >= 0).all()
    assert found["df"].tolist() == [15, 5, 25, 3]


def test_an_error_known_from_few_respondents_makes_no_spreads_differ():
    rng = np.random.default_rng(12)
    states = FOUR(150, rng)
    waves = [asked(states, rng, each) for each in benchmark.CELLS["falling response"][2:]]
    found = similarity_steps(estimate_change(*waves, reference(waves[0]), **QUICK)).loc["spreads"]
    assert chi2.sf(found["likelihood_ratio"], found["df"]) < ALPHA < found["p"]


def test_shares_that_changed_are_told_and_profiles_stay_the_same():
    rng = np.random.default_rng(22)
    states = FOUR(250, rng)
    waves = [asked(states, rng), asked(up(states, 0.3, rng), rng)]
    found = similarity_steps(estimate_change(*waves, reference(waves[0]), **QUICK))
    assert found.index[~found["holds"].astype(bool)].tolist() == ["shares"]


@pytest.mark.parametrize("seed", range(4))
def test_equal_margins_are_the_likeliest_by_another_program(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 5))
    counts = 10 * np.eye(k) + rng.gamma(0.3, 1, (k, k)) * (rng.random((k, k)) < 0.7)
    found = equal_margins(counts.ravel()[:, None])[:, 0].reshape(k, k)
    assert found.sum(axis=0) == pytest.approx(found.sum(axis=1), rel=1e-6)
    assert found.sum() == pytest.approx(counts.sum())

    def minus(shares):
        return -(counts.ravel() * np.log(shares)).sum() / counts.sum()

    def excess(shares):
        table = shares.reshape(k, k)
        return np.append((table.sum(axis=0) - table.sum(axis=1))[:-1], shares.sum() - 1)

    start = np.maximum((counts + counts.T).ravel() / 2 / counts.sum(), 1e-6)
    bounds, options = [(1e-9, 1)] * k**2, {"maxiter": 500, "ftol": 1e-12}
    there = {"type": "eq", "fun": excess}
    other = minimize(minus, start, bounds=bounds, constraints=there, options=options)
    # SLSQP stays 1e-9 from 0, which costs it up to 1e-6
    assert minus(found.ravel() / counts.sum()) <= other.fun + 1e-6


@cache
def three_waves(*shares: float) -> tuple[dict, dict, Partition]:
    """Waves in which these shares moved up from one to the next, the change of each, profiles."""
    rng = np.random.default_rng(23)
    states = [FOUR(160, rng)]
    for share in shares:
        states.append(up(states[-1], share, rng))
    waves = {str(place): asked(one, rng) for place, one in enumerate(states)}
    profiles = reference(waves["0"])
    estimate = partial(estimate_change, reference=profiles, **QUICK)
    pairs = [("0", "1"), ("1", "2")]
    return {(a, b): estimate(waves[a], waves[b]) for a, b in pairs}, waves, profiles


@pytest.mark.parametrize(("shares", "alike"), [([0.2, 0.2], True), ([0.3, 0.0], False)])
def test_periods_in_which_other_shares_moved_are_told_apart(shares, alike):
    changes, waves, profiles = three_waves(*shares)
    none = pd.DataFrame(index=waves["0"].scores.index)
    found = compare_moves(changes, waves, profiles, none, seed=4)
    row = found.loc[("0", "2", "waves")]
    assert (row["n_units"], row["n_groups"]) == (160, 2)
    assert (row["p"] > 0.01) == alike


def test_groups_that_moved_otherwise_are_told_and_a_group_by_lot_is_not():
    rng = np.random.default_rng(24)
    states = FOUR(160, rng)
    later = up(states, 0.35, rng)
    large = np.arange(160) < 80
    later.loc[~large] = states.loc[~large]
    waves = {"a": asked(states, rng), "b": asked(later, rng)}
    units = waves["a"].scores.index
    groups = pd.DataFrame(
        {
            "size": np.where(large, "large", "small"),
            "lot": rng.choice(["x", "y"], 160),
            "few": ["one"] * 10 + ["other"] * 150,
        },
        units,
    )
    found = compare_moves({}, waves, reference(waves["a"]), groups, seed=4).loc[("a", "b")]
    assert found.loc["size", "p_holm"] <= 0.02
    assert found.loc["lot", "p_holm"] > 0.05
    assert found.loc["few", "n_groups"] == 1
    assert np.isnan(found.loc["few", "p"])


def test_a_group_of_which_respondents_err_much_more_does_not_seem_to_move():
    told = [attacks.unsure_move(np.random.default_rng(study), study) for study in range(7)]
    assert sum(told) <= 1  # 4 where draws have the errors of all


@pytest.mark.parametrize("seed", [1, 2])
def test_where_nobody_moves_and_errors_are_small_rounding_is_no_difference_of_groups(seed):
    rng = np.random.default_rng(seed)
    states, exact = FOUR(120, rng), Answering(range(3, 7), 6.0)
    waves = {wave: asked(states, rng, exact) for wave in "ab"}
    groups = pd.DataFrame({"turn": ["x", "y"] * 60}, waves["a"].scores.index)
    found = compare_moves({}, waves, reference(waves["a"]), groups, n_draws=39, seed=4)
    assert found["likelihood_ratio"].item() == pytest.approx(0, abs=1e-6)
    assert found["p"].item() > 0.8


def test_where_single_units_went_each_way_groups_by_lot_differ_as_often_as_chance_says():
    tested, exact = [], Answering(range(3, 7), 6.0)
    for seed in range(16):
        rng = np.random.default_rng(seed)
        states = FOUR(100, rng)
        waves = {"a": asked(states, rng, exact)}
        waves["b"] = asked(benchmark.move(states, rng, benchmark.both_ways(0.15)), rng, exact)
        groups = pd.DataFrame({"lot": rng.choice(["x", "y"], 100)}, waves["a"].scores.index)
        found = compare_moves({}, waves, reference(waves["a"]), groups, n_draws=39, seed=4)
        tested.append(found["p"].item())
    # the mean of 16 uniform p has a standard error of .07; it was .27 where none went in draws
    assert np.mean(tested) == pytest.approx(0.5, abs=0.15)


def test_levels_and_waves_without_a_verdict_are_not_compared():
    changes, waves, profiles = three_waves(0.2, 0.2)
    groups = pd.DataFrame(index=waves["0"].scores.index)
    assert compare_moves(changes, waves, None, groups).empty
    pair = ("0", "1")
    nothing_found = Change(Finding.FEW_UNITS, 3, np.nan, np.nan, *[changes[pair].moves] * 2, None)
    assert similarity_steps(nothing_found).empty
    assert compare_moves(changes | {pair: nothing_found}, waves, profiles, groups).empty


def test_chances_are_those_of_the_expectation_written_out():
    rng = np.random.default_rng(26)
    tables = [rng.random((3, 40, 2, 2)) ** 3 for _ in range(2)]
    group = np.arange(40) % 2
    reached, starts, chances = similarity._chances(tables, group, equal=True)
    parts = [table[:, group == one] for table in tables for one in range(2)]
    counts, total = 0, 0
    for part, start in zip(parts, starts, strict=True):
        joint = start[:, None, :, None] * chances[0][:, None] * part
        each = joint.sum(axis=(2, 3))
        total = total + np.log(each).sum(axis=1)
        counts = counts + (joint / each[..., None, None]).sum(axis=1)
    assert reached == pytest.approx(total, abs=1e-9)
    # one more step leaves them where they are, but for what a gain of .001 still allows
    assert chances[0] == pytest.approx(counts / counts.sum(axis=2, keepdims=True), abs=0.01)
