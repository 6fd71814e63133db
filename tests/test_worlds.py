"""Worlds have the properties that they are named for, and answers the errors asked for."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kurtosis, skew
from surveys import (
    arch,
    at_distance,
    branches,
    cumulative,
    heavy_tailed,
    horseshoe,
    plane,
    skewed,
    two_heaps,
    window,
)

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.measurement.reliability import alpha
from cycle_analysis.simulate import (
    FOUR,
    PHASES,
    Answering,
    Continuum,
    Profiles,
    steps,
)
from cycle_analysis.simulate.worlds import even, normal, straight

ALONG = np.linspace(-np.sqrt(3), np.sqrt(3), 201)[:, None]
EXACT = Answering(respondent_sd=0, item_sd=0, cuts=steps(101))


def drawn(world, n=4000, seed=1) -> pd.DataFrame:
    return world(n, np.random.default_rng(seed)).drop(columns="profile")


def asked(answering, world=FOUR, n=400, seed=1):
    rng = np.random.default_rng(seed)
    return answering(world(n, rng), rng)


def errors(survey) -> pd.DataFrame:
    """Scores of respondents less those of their unit."""
    true = survey.states.loc[survey.units, list(PHASES)].set_axis(survey.units.index)
    return respondent_scores(survey.answers, survey.items) - true


@pytest.mark.parametrize("draw", [normal, even, skewed, heavy_tailed, two_heaps])
def test_draws_have_mean_zero_and_deviation_one(draw):
    values = draw((200_000, 1), np.random.default_rng(1))
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.02


def test_draws_have_the_tails_that_they_are_named_for():
    rng = np.random.default_rng(2)
    assert skew(skewed((200_000, 1), rng))[0] == pytest.approx(1.41, abs=0.1)
    assert kurtosis(heavy_tailed((200_000, 1), rng))[0] > 2
    inner = np.abs(two_heaps((10_000, 1), rng)) < 0.5
    assert 0.15 < inner.mean() < 0.3


def test_profiles_have_the_centroids_spreads_and_shares_asked_for():
    world = replace(FOUR, spread=[2, 4, 6, 8], shares=[4, 3, 2, 1])
    states = world(20_000, np.random.default_rng(1))
    groups = states.groupby("profile")
    assert np.allclose(groups.mean(), FOUR.centroids, atol=0.5)
    assert np.allclose(groups.std().mean(axis=1), [2, 4, 6, 8], rtol=0.03)
    assert np.allclose(groups.size() / 20_000, [0.4, 0.3, 0.2, 0.1], atol=0.01)


def test_a_profile_may_spread_more_in_one_phase_than_in_another():
    wide = np.tile([2.0, 4.0, 6.0, 8.0, 10.0], (4, 1))
    inside = replace(FOUR, spread=wide)(20_000, np.random.default_rng(1)).groupby("profile").std()
    assert np.allclose(inside, wide, rtol=0.05)


def test_profiles_without_shares_are_equally_frequent():
    assert FOUR(40, np.random.default_rng(1)).groupby("profile").size().tolist() == [10] * 4


def test_one_cloud_has_the_means_and_covariances_of_the_profiles_and_no_profiles():
    world = replace(FOUR, spread=[3, 6, 6, 9], shares=[4, 3, 2, 1])
    states = world.without_groups(20_000, np.random.default_rng(2))
    assert states["profile"].eq(1).all()
    cloud, groups = states[list(PHASES)], drawn(world, 20_000)
    assert np.allclose(cloud.mean(), groups.mean(), atol=1)
    for table in (cloud, groups):
        assert np.allclose(table.cov(), world.covariance, rtol=0.1, atol=8)


@pytest.mark.parametrize("spread", [8.0, (4.0, 8.0, 8.0, 12.0)])
def test_profiles_are_moved_until_the_nearest_lie_as_far_apart_as_asked(spread):
    moved = at_distance(replace(FOUR, spread=spread), 3).centroids.to_numpy()
    gaps = np.linalg.norm(moved[:, None] - moved[None], axis=2)
    unit = np.sqrt(np.mean(np.square(spread)))
    assert gaps[np.triu_indices(4, 1)].min() == pytest.approx(3 * unit)


def test_a_line_has_one_dimension_and_a_single_profile_as_many_as_phases():
    single = Profiles(FOUR.centroids.iloc[[1]], spread=20)
    for world, least, most in ((Continuum(), 0.65, 0.75), (single, 0.19, 0.23)):
        first = np.linalg.eigvalsh(drawn(world).corr())[-1] / 5
        assert least < first < most


def test_early_and_late_phases_have_dimensions_of_their_own_in_a_plane():
    table = drawn(Continuum(plane, spread=0.0, dimensions=2))
    assert table["AG"].corr(table["EX"]) == pytest.approx(1)
    assert table["AG"].corr(table["NN"]) == pytest.approx(0.5, abs=0.04)
    assert np.allclose(table.std(), 16, rtol=0.05)


def test_phases_of_a_cumulative_line_come_one_after_another_and_never_go_down():
    scores = cumulative(ALONG, 5)
    assert (np.diff(scores, axis=0) > 0).all()
    assert (np.diff(scores, axis=1) < 0).all()
    assert scores[0, 0] > scores[0, -1] + 99


def test_phases_of_a_window_rise_and_fall_in_turn():
    scores = window(ALONG, 5)
    tops = scores.argmax(axis=0)
    assert (np.diff(tops) > 0).all()
    for phase, top in zip(scores.T, tops, strict=True):
        assert (np.diff(phase[: top + 1]) > 0).all()
        assert (np.diff(phase[top:]) < 0).all()
    table = drawn(Continuum(window, even, spread=6.0))
    assert table["AG"].corr(table["EX"]) > 0.3
    assert table["AG"].corr(table["VA"]) < -0.3


def test_what_is_achieved_stays_while_what_is_current_goes():
    scores = window(ALONG, 5, current=2)
    assert (np.diff(scores[:, 2:], axis=0) >= 0).all()
    assert scores[-1].round().tolist() == [10, 11, 85, 85, 85]


def test_an_arch_bends_in_a_second_dimension_that_the_level_does_not_predict():
    at = normal((20_000, 1), np.random.default_rng(1))
    scores = arch(at, 5)
    second = scores[:, 0] - scores[:, -1]
    assert abs(np.corrcoef(at[:, 0], second)[0, 1]) < 0.03
    assert np.corrcoef(at[:, 0] ** 2, second)[0, 1] == pytest.approx(-1)
    assert scores.mean(axis=1) == pytest.approx(50 + 16 * at[:, 0])


def test_the_ends_of_a_horseshoe_face_each_other_and_those_of_a_ring_meet():
    for arc, meet in ((1.5 * np.pi, False), (2 * np.pi, True)):
        ends = horseshoe(ALONG[[0, -1]], 5, arc=arc)
        assert np.allclose(ends[0], ends[1]) == meet
        assert np.linalg.norm(ends[0] - ends[1]) < np.linalg.norm(
            ends[0] - horseshoe(ALONG, 5)[100]
        )


def test_a_y_has_one_stem_and_two_branches():
    scores = branches(ALONG, 5)
    stem = ALONG[:, 0] < 0
    assert np.ptp(scores[stem], axis=1).max() == 0
    gap = scores[-1] - scores[-2]
    assert gap[0] * gap[-1] < 0
    assert np.abs(gap).max() == pytest.approx(25 * np.sqrt(3), rel=0.02)


def test_a_world_has_any_phases():
    world = Continuum(partial(window, width=0.5), even, phases=("P1", "P2", "P3"))
    assert drawn(world, 5).columns.tolist() == ["P1", "P2", "P3"]


def test_without_any_error_scores_are_the_true_ones_in_the_steps_of_the_scale():
    survey = asked(EXACT)
    true = survey.states[list(PHASES)].clip(0, 100)
    assert (survey.scores - true).abs().max().max() <= 0.5


def test_more_respondents_bring_scores_nearer_to_the_truth():
    def miss(n_respondents):
        answering = Answering((n_respondents,), 20, items=1, item_sd=0, cuts=steps(101))
        survey = asked(answering, Continuum(straight))
        return (survey.scores - survey.states[list(PHASES)]).to_numpy().std()

    assert abs(miss(1) / miss(4) - 2) < 0.2


def test_units_have_the_numbers_of_respondents_asked_for():
    assert asked(Answering((4,))).units.value_counts().eq(4).all()
    sizes = asked(Answering((1, 6))).units.value_counts()
    assert set(sizes) == {1, 6}
    assert 0.4 < (sizes == 6).mean() < 0.6
    assert set(asked(Answering(range(1, 7))).units.value_counts()) == set(range(1, 7))


def test_halo_makes_errors_of_a_respondent_go_together_and_no_larger():
    middle = Profiles(FOUR.centroids.iloc[[2]], spread=0)
    tables = {
        halo: errors(asked(replace(EXACT, respondent_sd=15, halo=halo), middle))
        for halo in (0.0, 0.6)
    }
    for halo, table in tables.items():
        related = table.corr().to_numpy()[np.triu_indices(5, 1)]
        assert related.mean() == pytest.approx(halo, abs=0.05)
        assert table["VB"].std() == pytest.approx(15, rel=0.05)


def test_more_items_and_less_noise_are_more_reliable():
    def reliability(**given):
        survey = asked(Answering(**given), Continuum(straight))
        return alpha(survey.answers.filter(like="VB").cov().to_numpy())

    assert reliability(items=3) < reliability(items=10)
    assert reliability(item_sd=40) < reliability(item_sd=10)


def test_the_first_item_of_a_phase_is_the_easiest():
    means = asked(Answering(item_spread=30), Continuum(straight)).answers.mean()
    for phase in PHASES:
        assert means.filter(like=phase).is_monotonic_decreasing


@pytest.mark.parametrize("categories", [2, 3, 7, 11])
def test_answers_have_as_many_categories_as_asked(categories):
    survey = asked(Answering(cuts=steps(categories)))
    assert sorted(np.unique(survey.answers)) == list(range(categories))
    assert survey.items["high"].unique().tolist() == [categories - 1]
    assert survey.scores.to_numpy().min() >= 0
    assert survey.scores.to_numpy().max() <= 100


def test_a_low_ceiling_and_a_high_floor_heap_answers_at_an_end():
    plain, ceiling, floor = (
        asked(Answering(cuts=cuts), Continuum(straight)).answers
        for cuts in (steps(5), steps(5, ceiling=60), steps(5, floor=40))
    )
    assert (ceiling == 4).to_numpy().mean() > 2 * (plain == 4).to_numpy().mean()
    assert (floor == 0).to_numpy().mean() > 2 * (plain == 0).to_numpy().mean()


def test_the_careless_answer_at_random_and_straight_liners_the_same_throughout():
    careless = asked(Answering(careless=1.0)).answers
    assert abs(careless.corr().to_numpy()[np.triu_indices(25, 1)]).max() < 0.15
    straight_lined = asked(Answering(straight=0.3)).answers.nunique(axis=1).eq(1)
    assert straight_lined.mean() == pytest.approx(0.3, abs=0.05)


def test_left_out_answers_are_missing():
    answers = asked(Answering(blank=0.1)).answers
    assert answers.isna().to_numpy().mean() == pytest.approx(0.1, abs=0.01)


def test_one_seed_gives_the_same_survey_and_another_seed_another():
    first, again, other = (asked(Answering(range(1, 4)), seed=seed).answers for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"respondents": ()}, "one respondent or more"),
        ({"respondents": (0, 2)}, "one respondent or more"),
        ({"halo": 1.5}, r"between 0 and 1, not \[1.5\]"),
        ({"cuts": (50.0, 40.0)}, "do not rise"),
        ({"cuts": ()}, "do not rise"),
    ],
)
def test_a_way_of_answering_that_cannot_be_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Answering(**given)
