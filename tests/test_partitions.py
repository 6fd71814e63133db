import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cut_tree, linkage
from shared import examples, four_profiles
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.mixtures import EEI
from cycle_analysis.mixtures.search import ward
from cycle_analysis.profiles import assign, latent_profiles, levels, ward_kmeans


@pytest.mark.parametrize("method", [ward_kmeans, latent_profiles])
def test_four_clear_profiles_are_recovered_and_numbered_by_level(method):
    scores, truth = four_profiles()
    partition = method(scores, 4)
    assert adjusted_rand_score(partition.labels, truth) > 0.98
    assert partition.centroids.mean(axis=1).is_monotonic_increasing
    assert partition.sizes.sum() == len(scores)


@pytest.mark.parametrize("method", [ward_kmeans, latent_profiles])
def test_the_order_of_the_rows_does_not_change_a_membership(method):
    scores, _ = four_profiles(sd=15)
    scores = scores.round(-1)
    shuffled = scores.sample(frac=1, random_state=3)
    pd.testing.assert_series_equal(
        method(scores, 3).labels, method(shuffled, 3).labels.loc[scores.index]
    )


@examples(30)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_profiles_are_exclusive_exhaustive_and_explain_no_more_than_everything(seed, k):
    rng = np.random.default_rng(seed)
    scores = pd.DataFrame(rng.integers(0, 5, (30, 3)) * 25.0, columns=["AG", "EX", "VB"])
    k = min(k, len(scores.drop_duplicates()))
    partition = ward_kmeans(scores, k)
    assert partition.labels.between(1, k).all()
    assert partition.sizes.sum() == len(scores)
    assert partition.sizes.min() > 0
    assert 0 <= partition.explained <= 1 + 1e-12


def test_undoing_the_last_merges_cuts_the_tree_as_scipy_does():
    scores, _ = four_profiles(sd=25)
    theirs = linkage(scores, "ward")
    for k in (1, 2, 3, 7, 120):
        assert adjusted_rand_score(ward(scores.to_numpy(), k), cut_tree(theirs, k)[:, 0]) == 1.0


def test_one_profile_holds_every_unit_and_explains_nothing():
    scores, _ = four_profiles(20)
    for partition in (ward_kmeans(scores, 1), latent_profiles(scores, 1)):
        assert partition.labels.eq(1).all()
        assert partition.explained == pytest.approx(0, abs=1e-9)


def test_a_missing_score_counts_for_latent_profiles_and_stops_ward():
    scores, truth = four_profiles()
    holed = scores.mask(np.random.default_rng(1).random(scores.shape) < 0.15).dropna(how="all")
    partition = latent_profiles(holed, 4)
    assert adjusted_rand_score(partition.labels, truth.loc[holed.index]) > 0.85
    with pytest.raises(ValueError, match=r"lack a phase score.*scores\.dropna\(\)"):
        ward_kmeans(holed, 4)


def test_new_units_join_the_reference_profiles_even_when_a_score_is_missing():
    scores, _ = four_profiles()
    new, new_truth = four_profiles(40, seed=9)
    new.iloc[0, 2] = np.nan
    for method in (ward_kmeans, latent_profiles):
        reference = method(scores, 4)
        joined = assign(reference, new[new.columns[::-1]])
        assert (joined.labels == new_truth).mean() > 0.95
        assert list(joined.scores.columns) == list(scores.columns)
        assert assign(reference, scores).labels.equals(reference.labels)


@pytest.mark.parametrize("k", [3.0, "3", None])
def test_a_number_of_profiles_that_is_no_whole_number_is_refused(k):
    with pytest.raises(ValueError, match=rf"k = {k!r} profiles asked .* Allowed: 1 to"):
        latent_profiles(four_profiles()[0], k)


def test_a_reference_profile_without_new_members_keeps_its_number():
    scores, truth = four_profiles()
    joined = assign(latent_profiles(scores, 4), scores[truth > 1])
    assert joined.sizes.tolist()[0] == 0
    assert joined.k == 4
    alone = assign(ward_kmeans(scores, 4), scores[truth < 3])
    assert alone.sizes.tolist() == [30, 30, 0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.assign(AG=50.0), r"same score on \['AG'\].*drop\(columns=\['AG'\]\)"),
        (lambda s: s.iloc[:3], r"k = 4 profiles asked of 3 units.*Ask for fewer"),
        (
            lambda s: s.mask(np.tile(s.index == "GM0001", (5, 1)).T),
            r"no score at all: \['GM0001'\].*dropna",
        ),
        (lambda s: pd.concat([s, s.iloc[:1]]), r"more than once: \['GM0000'\]"),
        (lambda s: s.replace(s.iloc[0, 0], np.inf), "infinity"),
        (lambda s: s.iloc[:0], "no scores to divide"),
        (lambda s: s.assign(EX="x"), r"must be numbers, which \['EX'\] are not"),
        (lambda s: s.assign(VA=np.nan), r"No unit has a score on \['VA'\]"),
        (lambda s: s.set_axis(list("aabcd"), axis=1), r"Phases appear more than once: \['a'\]"),
    ],
)
def test_scores_that_cannot_be_divided_end_in_a_sentence_that_says_what_to_do(change, message):
    scores, _ = four_profiles(40)
    with pytest.raises(ValueError, match=message):
        latent_profiles(change(scores), 4, models=[EEI])


def test_a_new_wave_without_a_phase_is_refused():
    scores, _ = four_profiles(40)
    for reference in (ward_kmeans(scores, 2), latent_profiles(scores, 2)):
        with pytest.raises(ValueError, match=r"lack \['NN'\]"):
            assign(reference, scores.drop(columns="NN"))


def test_levels_are_equal_parts_of_the_mean_score_and_ties_stay_together():
    scores, _ = four_profiles(90)
    partition = levels(scores, 3)
    assert partition.sizes.tolist() == [30, 30, 30]
    means = scores.mean(axis=1).groupby(partition.labels)
    assert (means.max().iloc[:-1].to_numpy() < means.min().iloc[1:].to_numpy()).all()
    assert "levels of the mean score" in str(partition)
    tied = pd.DataFrame({"AG": [0.0] * 80 + [50.0] * 5 + [90.0] * 5})
    assert levels(tied, 3).labels.tolist() == [1] * 80 + [2] * 10


def test_a_missing_low_phase_does_not_raise_a_unit_a_level():
    scores, _ = four_profiles(90)
    scores.iloc[0] = [30.0, 15.0, 8.0, 5.0, np.nan]
    assert levels(scores, 3).labels.iloc[0] == 1


def test_too_many_units_for_ward_are_refused_with_the_way_out():
    scores = pd.DataFrame({"AG": np.arange(20_001.0)})
    with pytest.raises(ValueError, match=r"Take a sample, or use latent_profiles"):
        ward_kmeans(scores, 2)


def test_a_partition_says_in_one_sentence_what_it_is():
    scores, _ = four_profiles(40)
    assert str(ward_kmeans(scores, 4)).startswith("4 profiles of 40 units on 5 phases (Ward")
    assert "latent profiles EEI" in str(latent_profiles(scores, 4, models=[EEI]))
