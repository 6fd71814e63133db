import numpy as np
import pandas as pd
import pytest
from scipy import stats
from shared import PHASES, four_profiles, one_continuum

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.profiles import Partition, latent_profiles, ward_kmeans
from cycle_analysis.profiles.true_scores import estimate, of_true_scores
from cycle_analysis.profiles.typology import (
    crossings,
    profile_items,
    profile_means,
    propose_names,
    shape_shares,
    shapes,
)
from cycle_analysis.simulate import Answering, Profiles


def test_means_and_intervals_are_those_of_a_t_test():
    scores, _ = four_profiles()
    partition = ward_kmeans(scores, 4)
    table = profile_means(partition, confidence=0.9).set_index(["profile", "phase"])
    own = scores.loc[partition.labels == 2, "VB"]
    low, high = stats.t.interval(0.9, len(own) - 1, own.mean(), stats.sem(own))
    assert table.loc[(2, "VB"), ["mean", "low", "high"]].tolist() == pytest.approx(
        [own.mean(), low, high]
    )
    assert table.index.get_level_values("phase")[:5].tolist() == PHASES


def test_a_profile_of_one_unit_has_a_mean_but_no_interval():
    scores = pd.DataFrame({"AG": [10.0, 12, 90], "EX": [11.0, 9, 80]})
    table = profile_means(ward_kmeans(scores, 2))
    assert table.loc[table["profile"] == 2, "mean"].tolist() == [90, 80]
    assert table.loc[table["profile"] == 2, "low"].isna().all()


def test_where_nobody_is_in_another_profile_the_others_have_no_mean():
    labels, items = pd.Series(1, index=list("abc")), pd.DataFrame({"AG1": [10.1, 20.2, 30.4]})
    table = profile_items(labels, items.set_axis(list("abc")))
    assert table["n_others"].tolist() == [0]
    assert table["others"].isna().all()


def test_a_shape_is_the_profile_without_its_level():
    partition = ward_kmeans(four_profiles()[0], 4)
    assert shapes(partition.centroids).mean(axis=1).abs().max() < 1e-9


def test_elevation_scatter_and_shape_add_up_to_the_variance_between_profiles():
    partition = ward_kmeans(four_profiles()[0], 4)
    shares = shape_shares(partition)
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).all()


def test_profiles_that_differ_in_level_only_have_an_elevation_share_of_one():
    partition = ward_kmeans(one_continuum(noise=0.01), 3)
    assert shape_shares(partition)["elevation"] > 0.999
    assert crossings(partition).empty


def test_mirrored_profiles_differ_in_shape_only_and_their_lines_cross():
    rng = np.random.default_rng(2)
    shape = np.where(np.arange(60)[:, None] % 2, [[20.0, -20.0]], [[-20.0, 20.0]])
    scores = pd.DataFrame(50 + shape + rng.normal(0, 1, (60, 2)), columns=["AG", "EX"])
    partition = ward_kmeans(scores, 2)
    assert shape_shares(partition)["shape"] > 0.99
    assert len(crossings(partition)) == 1


def test_one_profile_has_no_variance_to_split():
    assert shape_shares(ward_kmeans(four_profiles()[0], 1)).isna().all()


def test_a_profile_without_a_score_on_some_phase_leaves_the_split_of_the_others():
    scores = pd.DataFrame({"AG": [10, 12, 60, 62, 30, 31], "EX": [5, 9, 20, 22, np.nan, np.nan]})
    partition = Partition(scores, pd.Series([1, 1, 2, 2, 3, 3]))
    others = Partition(scores[:4], partition.labels[:4])
    pd.testing.assert_series_equal(shape_shares(partition), shape_shares(others))


def test_key_words_tell_height_and_leading_and_lagging_phases():
    names = propose_names(ward_kmeans(four_profiles()[0], 4).centroids)
    assert names.loc[3].tolist() == ["middle", "EX VB", "AG NN"]
    assert not names.duplicated().any()


def test_profiles_of_the_same_shape_are_told_by_level_alone():
    centroids = pd.DataFrame({"AG": [15.0, 50.0], "EX": [10.0, 45.0]}, index=[1, 2])
    assert propose_names(centroids).to_numpy().tolist() == [
        ["very_low", "", ""],
        ["middle", "", ""],
    ]


def test_one_profile_that_chance_divides_in_two_is_not_two_that_cross_but_those_that_do_are():
    def crossed(world, k, seed):
        """Whether lines cross, of members as they are and of profiles that are sought anew."""
        rng = np.random.default_rng(seed)
        survey = Answering((4,), 12.0)(world(150, rng), rng)
        error = measurement_error(respondent_scores(survey.answers, survey.items), survey.units)
        found = of_true_scores(latent_profiles(survey.scores, k, n_starts=10, seed=seed), error)
        equal = pd.Series(1.0, found.labels.index)
        errors = estimate(found, error, equal, 342, n_refits=40, seed=seed).errors
        return len(crossings(found)) > 0, len(crossings(found, errors)) > 0

    rows = [[30.0] * 5, [50.0] * 5, [70.0] * 5]
    parallel = Profiles(pd.DataFrame(rows, columns=PHASES), 6.0)
    as_members, anew = np.sum([crossed(parallel, 4, seed) for seed in range(8)], axis=0)
    assert as_members >= 3
    assert anew <= 1
    rows = [[35.0, 45, 45, 60, 60], [60.0, 60, 55, 45, 45]]
    assert crossed(Profiles(pd.DataFrame(rows, columns=PHASES), 6.0), 2, 1) == (True, True)


def test_a_crossing_is_told_beyond_chance_among_all_comparisons_and_of_some_size():
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(30):
        level = rng.normal(50, 15, (90, 1))
        scores = pd.DataFrame(level + rng.normal(0, 9, (90, 5)), columns=list("ABCDE"))
        found += not crossings(ward_kmeans(scores, 4)).empty
    # no lines truly cross; at 5 % for all comparisons of a survey 30 give 5 or more once in 60
    assert found <= 4
    slight = pd.DataFrame({"A": [10.0] * 20 + [60.0] * 20, "B": [33.0] * 20 + [30.0] * 20})
    slight += rng.normal(0, 0.1, slight.shape)
    assert crossings(ward_kmeans(slight, 2)).empty  # sure, but of 3 points
