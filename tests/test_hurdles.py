"""Units on a line or in a plane, of whom not all have begun with every phase: no profiles."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import norm
from surveys import AFTERWARDS, NOT_BEGUN

from cycle_analysis.mixtures.margins import fit_hurdles, heap_depths
from cycle_analysis.profiles.verdict import CLEAR_LEAD, weigh
from cycle_analysis.simulate import Answering
from cycle_analysis.simulate.worlds import World

MEANS, SLOPES, SPREAD = np.array([60.0, 55, 60]), np.array([10.0, 12, 8]), 5.0
ODDS, STEEPNESS = np.array([-2.0, 0.5]), np.array([-2.0, -3.0])
"""Of a heap on the two last phases, by position in standard deviations."""
NODES_OUT = 3.4
"""Standard deviations from the middle of the grid to its end."""


def semicontinuous(n: int, seed: int = 1) -> pd.DataFrame:
    """Three phases on a line, of which the two last have a heap at 2 points."""
    rng = np.random.default_rng(seed)
    at = rng.standard_normal((n, 1))
    values = MEANS + SLOPES * at + rng.normal(0, SPREAD, (n, 3))
    low = rng.random((n, 2)) < expit(ODDS + STEEPNESS * at)
    values[:, 1:] = np.where(low, rng.normal(2, 1, (n, 2)), values[:, 1:])
    return pd.DataFrame(values, columns=["AG", "EX", "VB"])


def ends(values: np.ndarray) -> np.ndarray:
    """Middle and slope per standard deviation of what is straight along the nodes, … × 31."""
    return np.array(
        [values[..., 15], (values[..., -1] - values[..., 0]) / (2 * NODES_OUT) * 31 / 30]
    )


def test_a_line_with_heaps_comes_back_with_the_chances_of_a_heap():
    line = fit_hurdles(semicontinuous(3000))[0]
    assert line.model.name == "line (normal positions), hurdles"
    means = ends(line.means.to_numpy().T)
    odds = ends(line.theta[6:8, :, 0])
    turn = np.sign(means[1, 0])
    assert means[0] == pytest.approx(MEANS, abs=1)
    assert turn * means[1] == pytest.approx(SLOPES, abs=1)
    assert odds[0] == pytest.approx(ODDS, abs=0.35)
    assert turn * odds[1] == pytest.approx(STEEPNESS, abs=0.6)
    assert np.sqrt(line.covariances[0].diagonal()) == pytest.approx(SPREAD, abs=0.5)


def test_its_likelihood_is_that_of_scipy_and_stands_still_there():
    scores = semicontinuous(300)
    line = fit_hurdles(scores)[0]
    z = np.linspace(-1, 1, 31)
    depths = heap_depths(scores.to_numpy())[:, 1:]
    scale = float(np.sqrt(scores.var(ddof=0).mean()))
    place, spread = line.theta[8, 0, 0] * scale, np.exp(line.theta[9, 0, 0] / 2) * scale
    means, odds = line.means.to_numpy(), line.theta[6:8, :, 0].T
    spreads = np.sqrt(line.covariances[0].diagonal())
    shares = np.log(line.shares.to_numpy())

    def likelihood(change: np.ndarray) -> float:
        tilt, level, wider, heap, more, steeper = change
        at = means + level + tilt * z[:, None], odds + more + steeper * z[:, None]
        joint = norm.logpdf(scores.to_numpy()[:, None], at[0], spreads * np.exp(wider))
        low = norm.logpdf(depths, place + heap, spread)[:, None] + np.log(expit(at[1]))
        begun = joint[..., 1:] + np.log(expit(-at[1]))
        parts = np.where(np.isfinite(depths)[:, None], low, begun)
        return logsumexp(joint[..., 0] + parts.sum(axis=2) + shares, axis=1).sum()

    there = likelihood(np.zeros(6))
    assert there == pytest.approx(line.log_likelihood, abs=1e-6)
    for step in np.eye(6) * [0.3, 0.3, 0.03, 0.3, 0.1, 0.3]:
        assert max(likelihood(step), likelihood(-step)) < there
        rise = likelihood(step / 10) - likelihood(-step / 10)
        assert abs(rise) < 0.1 * (there - (likelihood(step) + likelihood(-step)) / 2)


def test_heaps_at_the_upper_end_are_the_same_upside_down():
    scores = semicontinuous(200)
    low, high = fit_hurdles(scores), fit_hurdles(100 - scores)
    assert [rival.log_likelihood for rival in high] == pytest.approx(
        [rival.log_likelihood for rival in low], abs=0.05
    )


def test_a_heap_needs_a_gap_beside_it_and_units_beyond():
    rng = np.random.default_rng(3)
    crowded = rng.normal(15, 20, 200).clip(0)
    apart = np.where(crowded < 16, 0, crowded + 10)
    middle = np.where(crowded < 16, 40, crowded + 60)
    all_low, unknown = np.zeros(200), np.where(np.arange(200) < 5, np.nan, apart)
    found = np.isfinite(heap_depths(np.column_stack([crowded, apart, middle, all_low, unknown])))
    assert found.any(axis=0).tolist() == [False, True, False, False, True]
    assert (found[:, 1] == (apart == 0)).all()
    assert not found[:5, 4].any()
    assert fit_hurdles(pd.DataFrame({"AG": crowded, "EX": middle})) == []


WORLDS = ("hurdles", "hurdles, even")
GROUPS = ("three, two phases not begun", "three, other phases not begun")


def scores_of(world: World, answering: Answering, n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return answering(world(n, rng), rng).scores


weighed = partial(weigh, max_profiles=6, n_replicates=39, n_starts=10)


@pytest.mark.parametrize("name", WORLDS)
def test_who_has_begun_what_makes_no_profiles_of_a_continuum(name):
    evidence = weighed(scores_of(*AFTERWARDS[name], 200, 1))
    others = evidence.rivals[evidence.rivals["form"] != "hurdle"]
    assert others["bic_lead"].min() > CLEAR_LEAD, "without hurdles profiles win"
    assert evidence.lead_held_out < 0
    assert evidence.form == "hurdle"
    assert not evidence.verdict.found


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_which_one_has_not_begun_with_some_phases_are_profiles(name):
    evidence = weighed(scores_of(*NOT_BEGUN[name], 200, 2))
    assert "hurdle" in set(evidence.rivals["form"])
    assert evidence.choice.k == 3
    assert evidence.verdict.found
