from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from shared import PHASES, four_profiles, one_continuum

from cycle_analysis.measurement.scores import mean_of_respondents
from cycle_analysis.profiles.null_surveys import (
    Rescoring,
    fit_answers,
    one_dimension,
    without_groups,
)
from cycle_analysis.profiles.null_test import n_dimensions, null_test, one_dimension_p
from cycle_analysis.profiles.separation import fit_copula, fit_one_factor, one_factor, separation_p
from cycle_analysis.profiles.verdict import Verdict, verdict_table


def test_four_clear_profiles_are_profiles():
    test = null_test(four_profiles(100)[0], 6, n_replicates=39)
    assert test.verdict == Verdict.PROFILES
    assert test.choice.k == 4
    assert str(test).startswith("profiles: k = 4 (EEI), silhouette 0.")
    assert str(test).endswith("(p = 0.025)")
    row = verdict_table(test).loc["verdict"]
    assert (row["verdict"], row["p"], row["n_units"]) == ("profiles", 0.025, 100)
    assert row[["elevation", "scatter", "shape"]].sum() == pytest.approx(1)


def test_one_dimension_is_a_continuum_though_a_criterion_announces_profiles():
    rng = np.random.default_rng(2)
    level = rng.gamma(1.0, 15.0, (150, 1))
    scores = pd.DataFrame(level + rng.normal(0, 3, (150, 5)), columns=PHASES)
    test = null_test(scores, 6, n_replicates=39)
    assert test.choice.k > 1
    assert test.verdict == Verdict.CONTINUUM
    assert test.shares["elevation"] > 0.95


def test_independent_phases_have_no_structure():
    scores = pd.DataFrame(np.random.default_rng(4).normal(50, 10, (120, 5)), columns=PHASES)
    test = null_test(scores, 5, n_replicates=39)
    assert test.verdict == Verdict.NO_STRUCTURE
    assert test.n_dimensions == 0


def test_two_dimensions_without_groups_are_structure_only():
    rng = np.random.default_rng(5)
    early, late = rng.standard_normal((2, 200, 1))
    values = np.hstack([early, early, early, late, late, late])
    scores = pd.DataFrame(50 + 15 * values + rng.normal(0, 6, values.shape))
    test = null_test(scores, 5, n_replicates=39)
    assert test.verdict == Verdict.STRUCTURE
    assert test.n_dimensions == 2
    assert test.p_one_dimension < 0.05


def test_groups_on_one_line_with_gaps_between_them_are_called_separate_steps():
    rng = np.random.default_rng(6)
    level = np.repeat([10.0, 50.0, 90.0], 50)[:, None]
    scores = pd.DataFrame(level + rng.normal(0, 5, (150, 5)), columns=PHASES)
    test = null_test(scores, 5, n_replicates=39)
    assert not test.lines_cross
    assert test.p_one_mode <= 0.05
    assert not test.ladder


def test_without_crossing_lines_or_gaps_groups_may_be_steps_and_are_no_profiles():
    test = null_test(four_profiles(100)[0], 6, n_replicates=39)
    assert test.lines_cross
    steps = replace(test, lines_cross=False, p_one_mode=0.01)
    assert steps.verdict == Verdict.PROFILES
    series = replace(test, lines_cross=False, p_one_mode=0.4)
    assert series.ladder
    assert series.verdict == Verdict.STRUCTURE
    assert verdict_table(series)["ladder"].all()
    line = replace(series, p_one_dimension=0.6)
    assert line.verdict == Verdict.CONTINUUM


def test_identical_units_run_and_leave_nothing_to_divide():
    same = pd.DataFrame(0.0, index=range(40), columns=PHASES)
    test = null_test(same)
    assert test.verdict == Verdict.IDENTICAL
    assert np.isnan(verdict_table(test).loc["verdict", "p"])


def test_too_few_complete_units_are_refused_with_the_number():
    scores, _ = four_profiles(20)
    scores.iloc[5:, 0] = np.nan
    with pytest.raises(ValueError, match="5 of 20 units have all their scores: too few"):
        null_test(scores)


def test_one_phase_is_not_enough():
    with pytest.raises(ValueError, match="two phases or more"):
        null_test(four_profiles(40)[0][["AG"]])


def test_no_more_than_one_profile_per_ten_units_is_tried():
    test = null_test(four_profiles(40)[0], 8, n_replicates=9)
    assert test.silhouettes.index.max() == 4


def test_the_number_of_workers_does_not_change_the_verdict():
    scores, _ = four_profiles(60)
    one = null_test(scores, 3, n_replicates=9, seed=5)
    with joblib.parallel_config(n_jobs=2):
        two = null_test(scores, 3, n_replicates=9, seed=5)
    assert one.null_silhouettes.equals(two.null_silhouettes)
    assert str(one) == str(two)


def test_p_is_one_over_replicates_plus_one_when_none_is_as_well_separated():
    drawn = pd.DataFrame(np.random.default_rng(1).normal(0.3, 0.01, (99, 3)), columns=[2, 3, 4])
    assert separation_p(pd.Series([0.3, 0.9, 0.3], index=[2, 3, 4]), drawn) == 0.01
    assert separation_p(pd.Series([0.2, 0.2, 0.2], index=[2, 3, 4]), drawn) == 1.0


def test_p_is_uniform_when_the_survey_is_one_without_groups():
    rng = np.random.default_rng(3)
    p = [
        separation_p(pd.Series(draws[0]), pd.DataFrame(draws[1:]))
        for draws in rng.normal(size=(400, 20, 3))
    ]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.04)


def test_the_copula_keeps_marginals_correlations_and_holes_and_has_no_groups():
    scores, _ = four_profiles(200)
    scores = scores.round(-1).mask(np.random.default_rng(1).random(scores.shape) < 0.1)
    draws = [fit_copula(scores)(np.random.default_rng(i)) for i in range(30)]
    assert (draws[0].isna() == scores.isna()).all(axis=None)
    assert set(draws[0]["AG"].dropna()) <= set(scores["AG"].dropna())
    assert np.allclose(np.mean([d.mean() for d in draws], axis=0), scores.mean(), atol=1.5)
    correlation = np.mean([d.corr() for d in draws], axis=0)
    assert np.allclose(correlation, scores.corr(), atol=0.03)


def test_a_skewed_marginal_costs_no_correlation():
    rng = np.random.default_rng(2)
    values = np.exp(rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 500))
    scores = pd.DataFrame(np.round(np.minimum(values * 10, 100)))
    drawn = [fit_copula(scores)(np.random.default_rng(i)).corr().iloc[0, 1] for i in range(30)]
    assert np.mean(drawn) == pytest.approx(scores.corr().iloc[0, 1], abs=0.03)


def test_one_factor_reproduces_correlations_that_one_factor_made():
    loadings = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    made = np.outer(loadings, loadings)
    np.fill_diagonal(made, 1)
    assert np.allclose(one_factor(made), made, atol=1e-4)
    assert one_dimension_p(one_continuum(150)) > 0.05


def test_dimensions_are_counted_against_chance():
    scores, _ = four_profiles(150)
    assert n_dimensions(one_continuum(150)) == 1
    assert n_dimensions(scores.assign(NN=0.0)) >= 1
    assert n_dimensions(scores[["AG"]]) == 0


def test_answers_are_drawn_where_they_arose_and_scored_as_the_real_ones():
    rng = np.random.default_rng(7)
    units = pd.Series(np.repeat([f"GM{i:03d}" for i in range(80)], 4), name="unit")
    level = np.repeat(rng.normal(0, 1, (80, 2)), 4, axis=0)
    latent = level[:, [0, 0, 1, 1]] + rng.normal(0, 1, (320, 4))
    answers = pd.DataFrame(
        np.digitize(latent, [-1, 0, 1, 2]).astype(float), columns=["AG1", "AG2", "EX1", "EX2"]
    ).mask(rng.random((320, 4)) < 0.05)

    def score(table):
        phases = table.T.groupby(table.columns.str[:2]).mean().T * 25
        return phases.groupby(units).mean()

    null = fit_answers(answers, units, score)
    draws = [null(np.random.default_rng(i)) for i in range(30)]
    real = score(answers)
    assert list(draws[0].columns) == ["AG", "EX"]
    assert np.mean([d.std() for d in draws]) == pytest.approx(real.std().mean(), rel=0.1)
    assert np.mean([d.corr().iloc[0, 1] for d in draws]) == pytest.approx(
        real.corr().iloc[0, 1], abs=0.1
    )
    alone = fit_answers(answers, pd.Series(answers.index), lambda table: table)
    drawn = np.mean([alone(np.random.default_rng(i)).corr() for i in range(20)], axis=0)
    assert np.allclose(drawn, answers.corr(), atol=0.06)


def _answered(n_respondents: int) -> tuple[pd.DataFrame, Rescoring]:
    """Answers to two items a phase of respondents in sixty units, and the way to score them."""
    scores, _ = four_profiles(60)
    rng = np.random.default_rng(8)
    said = scores.loc[scores.index.repeat(n_respondents)]
    units = said.index.to_series().reset_index(drop=True)
    values = np.repeat(said.to_numpy(), 2, axis=1) + rng.normal(0, 15, (len(said), 10))
    items = pd.Series(np.repeat(PHASES, 2), [f"{phase}{i}" for phase in PHASES for i in (1, 2)])
    turned = pd.DataFrame(np.clip(np.round(values / 25), 0, 4) * 25, columns=items.index)
    means = turned.T.groupby(items, sort=False).mean().T
    return turned, Rescoring(items, means, units, mean_of_respondents)


def test_answers_are_drawn_from_two_respondents_a_unit_and_scores_below():
    for n_respondents, drawn in ((1, "scores"), (3, "answers")):
        turned, rescore = _answered(n_respondents)
        nulls = without_groups(rescore(turned), turned, rescore)
        assert hasattr(nulls["copula"], "units") == (drawn == "answers")
        test = null_test(rescore(turned), 4, nulls=nulls, n_replicates=19)
        assert test.p_values.index.tolist() == ["copula", "one_factor"]


def test_simulated_answers_are_scored_as_the_real_ones():
    turned, rescore = _answered(2)
    holed = turned.mask(np.random.default_rng(1).random(turned.shape) < 0.2)
    by_phase = holed.T.groupby(rescore.phase_of, sort=False)
    real = by_phase.mean().T.where(by_phase.count().T >= 1)
    scored = replace(rescore, respondent_scores=real)(holed)
    expected = real.groupby(rescore.units).mean()
    assert np.allclose(scored, expected, equal_nan=True)
    assert list(scored.columns) == PHASES


def test_in_one_dimension_phases_correlate_by_one_factor_and_items_of_a_phase_as_before():
    turned, rescore = _answered(3)
    null = fit_answers(turned, rescore.units, rescore)
    single = one_dimension(null, rescore.phase_of.tolist())
    blocks = pd.get_dummies(rescore.phase_of)[PHASES].to_numpy(float)
    means = blocks.T @ single.between @ blocks / 4
    np.fill_diagonal(means, 1.0)
    left = means - one_factor(means)
    assert np.abs(left).max() < 0.02
    assert single.between[0, 1] == pytest.approx(null.between[0, 1], abs=0.03)


def test_the_one_factor_copula_is_the_copula_with_one_dimension_left():
    scores, _ = four_profiles(200)
    values = np.linalg.eigvalsh(fit_one_factor(scores).correlation - np.eye(5))
    assert (values > 0).sum() == 1
