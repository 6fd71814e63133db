"""What a study could find: surveys of a known world, their verdicts, and rates looked up."""

from dataclasses import replace

import numpy as np
import pytest

from cycle_analysis.profiles.rates import along, in_points, known_rates, recovery, try_rates
from cycle_analysis.profiles.selection import fit_models
from cycle_analysis.simulate import FOUR, Profiles

SINGLE = Profiles(FOUR.centroids.iloc[[2]])
FAST = {"n_replicates": 39, "n_starts": 10}


def test_clear_profiles_would_be_found_and_neither_one_cloud_nor_a_path_be_divided():
    clear = replace(FOUR, spread=4.0)
    found = recovery(clear, in_points(6, 5), 100, 2, 5, **FAST)
    assert set(found["verdict"]) == {"separate"}
    assert (found["k"] == 4).all()
    assert found["adjusted_rand"].min() > 0.9
    for world in (SINGLE, along(FOUR)):
        none = recovery(world, in_points(3), 100, 2, 4, **FAST)
        assert set(none["verdict"]).isdisjoint({"separate", "overlapping"})


def test_workers_do_not_change_what_is_found():
    one = recovery(FOUR, in_points(3), 40, 2, 2, n_replicates=5, n_starts=3)
    assert one.equals(recovery(FOUR, in_points(3), 40, 2, 2, n_replicates=5, n_starts=3, n_jobs=2))


def test_rates_are_looked_up_at_the_nearest_number_of_units():
    table = known_rates(190)
    assert set(table["n_units"]) == {200}
    assert table["n_surveys"].min() > 0
    assert ((table["separate"] <= table["found"]) & table["found"].between(0, 1)).all()
    assert set(table["distance"].dropna()) == {3.0, 4.0}
    assert known_rates(10_000)["n_units"].unique().item() == 350


def test_rates_of_a_study_itself_rise_with_the_distance_of_its_profiles():
    rng = np.random.default_rng(3)
    scores = in_points(6, 5)(replace(FOUR, spread=4.0)(60, rng), rng).scores
    table = try_rates(scores, fit_models(scores, 4, n_starts=5), 1, max_profiles=4)
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
    scores = in_points(3)(FOUR(24, rng), rng).scores
    fits = fit_models(scores, 2, n_starts=3)
    assert "curve" not in try_rates(scores, fits, 1, max_profiles=2).index
