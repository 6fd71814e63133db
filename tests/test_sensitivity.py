import numpy as np
import pandas as pd
import pytest
from shared import four_profiles, one_continuum

from cycle_analysis.measurement import role_adjusted_mean, unit_scores
from cycle_analysis.profiles import levels, ward_kmeans
from cycle_analysis.profiles.typology import shapes
from cycle_analysis.robustness import (
    alternatives,
    compare_choices,
    shrunken,
    standardised,
    stepped,
)


def test_clear_profiles_survive_other_choices_and_shapes_show_what_level_adds():
    scores, _ = four_profiles(120)
    errors = pd.DataFrame(4.0, scores.index, scores.columns)
    headline = ward_kmeans(scores, 4)
    others = alternatives(headline, ward_kmeans, 4, errors, n_starts=10)
    table = compare_choices(headline, others)
    assert set(table.index) == {"ward", "z_scores", "classes", "shapes", "shrunken"}
    assert table.loc[["ward", "z_scores", "shrunken"], "adjusted_rand"].min() > 0.9
    assert table.loc["shapes", "adjusted_rand"] < table.loc["ward", "adjusted_rand"]
    assert table["warning"].tolist() == (table["moved_share"] > 0.2).tolist()


def test_profiles_that_are_roles_do_not_come_back_without_what_roles_differ():
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(150), 2)
    role = np.where(rng.random(150) < 0.5, "line", "top")[unit]
    other = rng.random(300) < 0.15  # else no unit would set the roles against each other
    role = np.where(other, "top", role)
    values = rng.normal(50, 6, (150, 3))[unit] + 25 * (role == "top")[:, None]
    index = pd.Index([f"r{i}" for i in range(300)])
    scores = pd.DataFrame(values + rng.normal(0, 6, (300, 3)), index, ["AG", "EX", "VB"])
    units, roles = pd.Series(unit, index), pd.Series(role, index)
    headline = ward_kmeans(unit_scores(scores, units), 2)
    adjusted = unit_scores(scores, units, role_adjusted_mean(roles))
    unknown = headline.scores * np.nan
    others = alternatives(headline, ward_kmeans, 2, unknown, adjusted=adjusted, n_starts=5)
    table = compare_choices(headline, others)
    assert table.loc["roles", "warning"]
    assert not table.loc["ward", "warning"]


def test_what_cannot_be_tried_is_left_out():
    scores = one_continuum(60)
    unknown = pd.DataFrame(np.nan, scores.index, scores.columns)
    names = set(alternatives(levels(scores, 3), levels, 3, unknown, n_starts=5))
    assert names == {"ward", "z_scores", "classes"}
    near = scores / 100 + 50
    assert "classes" not in alternatives(ward_kmeans(near, 3), ward_kmeans, 3, unknown)


def test_shrinkage_recovers_the_true_scores_better_than_the_scores_themselves():
    rng = np.random.default_rng(3)
    true = pd.DataFrame(rng.normal(50, 10, (400, 2)), columns=["AG", "EX"])
    errors = pd.DataFrame(rng.choice([3.0, 15.0], true.shape), columns=true.columns)
    scores = true + errors * rng.standard_normal(true.shape)
    nearer = shrunken(scores, errors)
    assert ((nearer - true) ** 2).mean().max() < 0.75 * ((scores - true) ** 2).mean().min()
    # The best linear guess keeps τ² / (τ² + se²) = 100 / 325 of a distance measured with error 15
    kept = (nearer - scores.mean()) / (scores - scores.mean())
    assert kept[errors == 15].stack().mean() == pytest.approx(100 / 325, abs=0.05)


def test_exact_scores_and_unknown_errors_are_left_as_they_are():
    scores, _ = four_profiles(20)
    for error in (0.0, np.nan):
        errors = pd.DataFrame(error, scores.index, scores.columns)
        pd.testing.assert_frame_equal(shrunken(scores, errors), scores)


def test_scores_of_nothing_but_error_shrink_to_their_mean():
    scores, _ = four_profiles(20)
    errors = pd.DataFrame(500.0, scores.index, scores.columns)
    assert np.allclose(shrunken(scores, errors), scores.mean())


def test_z_scores_shapes_and_steps_are_what_their_names_say():
    scores, _ = four_profiles(40)
    assert np.allclose(standardised(scores).std(), 1)
    assert np.allclose(shapes(scores).mean(axis=1), 0)
    assert set(np.unique(stepped(scores.clip(0, 100)))) == {0.0, 1.0, 2.0}
