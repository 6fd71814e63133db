"""Profiles of true scores: shares that intervals hold, and probabilities of a unit's own."""

import numpy as np
import pandas as pd
import pytest

from cycle_analysis.measurement import respondent_scores, unit_scores
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.mixtures import EEI
from cycle_analysis.profiles import latent_profiles, levels, true_scores
from cycle_analysis.profiles.true_scores import classification, estimate, of_true_scores
from cycle_analysis.profiles.typology import members
from cycle_analysis.simulate import FOUR, Answering, Profiles

UNEQUAL = Profiles(FOUR.centroids.iloc[[0, 2, 3]], spread=7.0, shares=[5, 3, 2])
ANSWERING = Answering((1, 2, 4), 20.0, halo=0.5)


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(21)
    survey = ANSWERING(UNEQUAL(200, rng), rng)
    persons = respondent_scores(survey.answers, survey.items)
    scores, error = unit_scores(persons, survey.units), measurement_error(persons, survey.units)
    found = latent_profiles(scores, 3, n_starts=10, seed=1)
    return found, error, of_true_scores(found, error)


def test_profiles_of_true_scores_are_narrower_and_the_same_profiles(study):
    found, _, true = study
    assert true.k == found.k
    assert (true.labels == found.labels).mean() > 0.9
    seen, left = (np.einsum("kpp->kp", p.mixture.covariances).mean() for p in (found, true))
    # of unit scores: 49 and an error of (400 + items) / n; of true ones near 49
    assert left < 0.6 * seen
    assert left == pytest.approx(49, rel=0.5)


def test_a_unit_with_one_respondent_is_placed_less_surely_than_with_four(study):
    _, error, true = study
    n = error.n_respondents["AG"].loc[true.labels.index]
    sure = true.probabilities.max(axis=1)
    assert sure[n == 1].mean() < sure[n == 4].mean() - 0.01


def test_intervals_of_shares_hold_the_truth_and_shrink_with_the_population(study):
    _, error, true = study
    equal = pd.Series(1.0, true.labels.index)
    wide = estimate(true, error, equal, 10_000, n_refits=60, seed=1).shares
    narrow = estimate(true, error, equal, 220, n_refits=60, seed=1).shares
    for share, (low, high) in zip([0.5, 0.3, 0.2], wide[["low", "high"]].to_numpy(), strict=True):
        assert low < share < high
    widths = [(table["high"] - table["low"]).to_numpy() for table in (wide, narrow)]
    assert (widths[1] < widths[0]).all()
    assert (widths[1] > 0.01).all()  # who belongs where is not known better for having asked all
    columns = ["share", "low", "high"]
    weighted = wide[["weighted_" + name for name in columns]].to_numpy()
    assert weighted == pytest.approx(wide[columns].to_numpy(), abs=2e-3)


def test_intervals_of_means_hold_the_truth_and_reach_as_far_as_samples_do_on_either_side(study):
    _, error, true = study
    equal = pd.Series(1.0, true.labels.index)
    told = estimate(true, error, equal, 10_000, n_refits=60, seed=1).errors
    below, above = told["true_mean"] - told["true_low"], told["true_high"] - told["true_mean"]
    assert (below >= 0).all()
    assert (above >= 0).all()
    assert (below / above).max() > 1.5
    # what very many units would score: answers are cut off at the ends of the scale
    rng = np.random.default_rng(22)
    everyone = UNEQUAL(5000, rng)
    survey = ANSWERING(everyone, rng)
    scores = unit_scores(respondent_scores(survey.answers, survey.items), survey.units)
    seen = scores.groupby(everyone["profile"].loc[scores.index]).mean().to_numpy().ravel()
    # of 15 means, which go together, 3 or more are missed in one of 25 studies
    assert told["true_low"].le(seen).mul(told["true_high"].ge(seen)).sum() >= 13


def test_samples_fitted_by_parts_are_those_fitted_at_once(study, monkeypatch):
    _, error, true = study
    given = pd.Series(np.linspace(0.5, 2, len(true.labels)), true.labels.index)
    at_once = estimate(true, error, given, 10_000, n_refits=20, seed=1)
    monkeypatch.setattr(true_scores, "CELLS", 5 * 3 * len(true.labels))
    by_parts = estimate(true, error, given, 10_000, n_refits=20, seed=1)
    pd.testing.assert_frame_equal(by_parts.shares, at_once.shares, rtol=1e-8)
    pd.testing.assert_frame_equal(by_parts.errors, at_once.errors, rtol=1e-8)


def test_survey_weights_move_the_shares_and_not_the_profiles(study):
    _, error, true = study
    doubled = 1.0 + (true.labels == 1)
    found = estimate(true, error, doubled, 400, n_refits=20, seed=1)
    even = estimate(true, error, doubled * 0 + 1, 400, n_refits=20, seed=1)
    assert found.shares.loc[1, "weighted_share"] > found.shares.loc[1, "share"] + 0.1
    pd.testing.assert_frame_equal(found.errors, even.errors)
    means = found.errors["true_mean"].unstack()[list(true.mixture.means)]
    assert means.to_numpy() == pytest.approx(true.mixture.means.to_numpy(), abs=0.2)


def test_without_a_known_error_or_without_profiles_nothing_is_taken_off(study):
    found, error, _ = study
    lone = measurement_error(found.scores, pd.Series(found.scores.index, found.scores.index))
    assert of_true_scores(found, lone) is found
    divided = levels(found.scores, 3)
    assert of_true_scores(divided, error) is divided
    weights = pd.Series(1.0, found.scores.index)
    assert estimate(found, lone, weights, 300).shares.empty
    one = latent_profiles(found.scores, 1, models=[EEI])
    assert of_true_scores(one, error) is one


def test_units_are_placed_no_more_surely_than_rightly():
    told = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        survey = Answering((1, 2), 15.0)(Profiles(FOUR.centroids * 0.6 + 20, 8.0)(120, rng), rng)
        persons = respondent_scores(survey.answers, survey.items)
        error = measurement_error(persons, survey.units)
        found = latent_profiles(unit_scores(persons, survey.units), 4, n_starts=10, seed=seed)
        true = of_true_scores(found, error)
        equal = pd.Series(1.0, true.scores.index)
        placed = estimate(true, error, equal, 342, n_refits=30, seed=seed).placed(true)
        right = survey.states["profile"].loc[true.labels.index] == true.labels
        sure = [members(part)["certainty"].mean() for part in (true, placed)]
        told.append([right.mean(), *sure])
    right, one_fit, over_samples = np.mean(told, axis=0)
    assert over_samples - right < 0.05 < 0.08 < one_fit - right


def test_the_classification_table_has_rows_that_add_up(study):
    table = classification(study[2])
    assert table.sum(axis=1).to_numpy() == pytest.approx(np.ones(3))
    assert (np.diag(table) > 0.7).all()
