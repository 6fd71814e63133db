import numpy as np
import pandas as pd
import pytest
from shared import four_profiles, one_continuum

from cycle_analysis.mixtures import ALL_MODELS, EEE, EEI, VVV, Search, fit_mixture
from cycle_analysis.profiles.selection import (
    BARRING,
    Choice,
    choice_table,
    choose,
    compare,
    row_of,
)


@pytest.fixture(scope="module")
def table():
    return compare(four_profiles(160)[0], 6)


def test_the_default_rule_finds_four_clear_profiles_and_says_of_how_many(table):
    choice = choose(table)
    assert str(choice) == "k = 4 (EEI)"
    assert choice.n_models == 18
    assert choice.by_aic[1] >= 4


def test_a_choice_is_saved_with_all_that_is_told_of_it():
    choice = Choice(2, "EEI", (("VVI", 2), ("EEE", 1)), ("few_units",), ("VVI", 5), 18, 3)
    row = choice_table(choice).loc["choice"].to_dict()
    assert row == {
        **{"k": 2, "method": "EEI", "alternatives": "VVI k = 2, EEE k = 1", "flags": "few_units"},
        **{"aic_method": "VVI", "aic_k": 5, "n_models": 18, "n_barred": 3},
    }


def test_one_profile_with_covariances_is_a_candidate_and_wins_on_a_continuum():
    choice = choose(compare(one_continuum(200), 4))
    assert (choice.k, choice.method) == (1, "EEE")


def test_without_it_the_usual_rule_announces_profiles_on_a_continuum():
    assert choose(compare(one_continuum(200), 4, models=[EEI])).k > 1


def test_every_model_and_k_has_a_row_with_the_criteria_of_the_textbook(table):
    assert len(table) == 3 * 6
    row = table[(table["method"] == "VVI") & (table["k"] == 2)].iloc[0]
    n, m, deviance = 160, 21, -2 * row["log_likelihood"]
    assert row["n_parameters"] == m
    assert row["bic"] == pytest.approx(deviance + m * np.log(n))
    assert row["aic"] == pytest.approx(deviance + 2 * m)
    assert row["sabic"] == pytest.approx(deviance + m * np.log((n + 2) / 24))
    assert row["aicc"] == pytest.approx(row["aic"] + 2 * m * (m + 1) / (n - m - 1))
    assert row["caic"] == pytest.approx(row["bic"] + m)
    assert row["icl"] >= row["bic"]
    assert 0 <= row["entropy"] <= 1


def test_too_many_parameters_bar_a_solution_from_the_choice():
    scores, _ = four_profiles(40)
    wide = compare(scores, 4, models=ALL_MODELS)
    barred = wide["flags"].str.contains("many_parameters")
    assert barred.tolist() == (wide["n_parameters"] > 40 / 3).tolist()
    choice = choose(wide)
    assert not set(choice.flags) & set(BARRING)
    assert choice.n_barred == barred.sum()


def test_fewer_than_thirty_units_and_small_profiles_are_flagged():
    scores, _ = four_profiles(24)
    flags = compare(scores, 2, models=[EEI]).set_index(["method", "k"])["flags"]
    assert "few_units" in flags["EEI", 2].split()
    assert "small_profile" in flags["EEI", 2].split()


def test_a_profile_without_members_and_a_run_that_did_not_finish_are_barred():
    scores, _ = four_profiles(120, sd=20)
    mixture = fit_mixture(scores, 4, VVV, search=Search(n_starts=5, max_steps=3))
    posteriors = pd.DataFrame({1: [1.0] * 120, 2: [0.0] * 120, 3: 0.0, 4: 0.0}, scores.index)
    flags = row_of(mixture, posteriors)["flags"].split()
    assert {"not_converged", "empty_profile", "small_profile"} <= set(flags)
    assert set(flags) & set(BARRING)


def test_identical_scores_run_and_leave_one_profile():
    same = pd.DataFrame(0.0, index=range(30), columns=["AG", "EX"])
    result = compare(same, 4)
    assert set(result["k"]) == {1}
    assert choose(result).k == 1


def test_scores_half_on_the_floor_run():
    rng = np.random.default_rng(3)
    scores = pd.DataFrame(np.maximum(rng.normal(0, 20, (60, 3)), 0.0), columns=["AG", "EX", "VB"])
    assert choose(compare(scores, 3, models=[EEI, EEE])).k >= 1


def test_a_table_without_latent_profiles_cannot_be_chosen_from():
    scores, _ = four_profiles(40)
    with pytest.raises(ValueError, match="Give `models`"):
        choose(compare(scores, 3, models=[EEI]).iloc[:0])
