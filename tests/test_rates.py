"""What a study could find: surveys of a known world, their verdicts, and rates looked up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.mixtures import fit_mixture, named_model
from cycle_analysis.profiles.rates import (
    _asked,
    _draw_like,
    along,
    in_points,
    known_rates,
    recovery,
    try_rates,
)
from cycle_analysis.profiles.selection import fit_models
from cycle_analysis.simulate import FOUR, Answering, Profiles

SINGLE = Profiles(FOUR.centroids.iloc[[2]])


def tried(survey, fits, max_profiles):
    """Try one survey like this one for each truth."""
    persons = respondent_scores(survey.answers, survey.items)
    asked = {"persons": persons, "units": survey.units}
    return try_rates(survey.scores, fits, 1, max_profiles=max_profiles, **asked)


FAST = {"n_replicates": 39, "n_starts": 5}


def test_clear_profiles_would_be_found_and_neither_one_cloud_nor_a_path_be_divided():
    clear = replace(FOUR, spread=4.0)
    found = recovery(clear, in_points(6, 5), 100, 2, 5, **FAST)
    assert set(found["verdict"]) == {"separate"}
    assert (found["k"] == 4).all()
    assert found["adjusted_rand"].min() > 0.9
    for world in (SINGLE, along(FOUR)):
        none = recovery(world, in_points(3), 100, 2, 4, **FAST)
        assert set(none["verdict"]).isdisjoint({"separate", "overlapping"})


def test_rates_are_looked_up_at_the_nearest_number_of_units():
    table = known_rates(190)
    assert set(table["n_units"]) == {200}
    assert table["n_surveys"].min() > 0
    assert ((table["separate"] <= table["found"]) & table["found"].between(0, 1)).all()
    assert set(table["distance"].dropna()) == {3.0, 4.0}
    assert known_rates(10_000)["n_units"].unique().item() == 350


def test_rates_of_a_study_itself_rise_with_the_distance_of_its_profiles():
    rng = np.random.default_rng(3)
    survey = in_points(6, 5)(replace(FOUR, spread=4.0)(60, rng), rng)
    table = tried(survey, fit_models(survey.scores, 4, n_starts=5), 4)
    assert table.index.tolist() == ["line", "curve", "profiles 2", "profiles 3", "profiles 4"]
    assert table.loc[["line", "curve"], "found"].max() == 0
    assert table.loc["profiles 4", "found"] >= table.loc["profiles 2", "found"]


@pytest.mark.parametrize("n_units", [100, 200, 350])
def test_no_rate_of_wrongly_announced_profiles_is_over_a_twentieth(n_units):
    table = known_rates(n_units)
    false = table.loc[table["distance"].isna()]
    room = 2 * (0.05 * 0.95 / false["n_surveys"]) ** 0.5
    assert (false["found"] <= 0.05 + room).all(), false["found"].nlargest(3)


def test_units_too_few_for_a_curve_are_tried_on_a_line_alone():
    rng = np.random.default_rng(4)
    survey = in_points(3)(FOUR(24, rng), rng)
    fits = fit_models(survey.scores, 2, n_starts=3)
    assert "curve" not in tried(survey, fits, 2).index


@pytest.mark.parametrize("respondents", [(1,), (1, 1, 2, 6)])
def test_surveys_like_a_study_spread_as_it_does_though_respondents_err_more_on_some(respondents):
    rng = np.random.default_rng(5)
    middle = pd.DataFrame([[40.0, 60.0, 45.0], [60.0, 45.0, 50.0]], columns=["AG", "EX", "VB"])
    survey = Answering(respondents, 20.0, halo=0.5)(Profiles(middle)(300, rng), rng)
    scores = survey.scores
    one = fit_mixture(scores, 1, named_model("EEE"))
    asked = _asked(respondent_scores(survey.answers, survey.items), survey.units, scores)
    drawn, _ = _draw_like(asked.taken_off(one), asked, 3000, rng)
    assert np.allclose(drawn.cov(), scores.cov(), atol=50)
    step = 100 / 20 / np.lcm.reduce(respondents)
    assert np.allclose(drawn / step, (drawn / step).round(), atol=1e-6)
