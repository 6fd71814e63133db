import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, kruskal
from shared import four_profiles

from cycle_analysis.chance import holm
from cycle_analysis.mixtures import EEI
from cycle_analysis.profiles import Partition, latent_profiles, ward_kmeans
from cycle_analysis.profiles.background import (
    associate,
    background_by_profile,
    background_shares,
    can_be_corrected,
    classification_errors,
    correction_weights,
    profile_background,
)


def test_without_misplacement_effects_are_cramers_v_and_kruskal_wallis():
    scores, truth = four_profiles()
    rng = np.random.default_rng(1)
    background = pd.DataFrame(
        {"province": rng.choice(list("abc"), 120), "inhabitants": rng.normal(0, 1, 120) + truth},
        index=scores.index,
    )
    partition = ward_kmeans(scores, 4)
    table = associate(partition, background, n_permutations=19)
    counts = pd.crosstab(partition.labels, background["province"])
    v = np.sqrt(chi2_contingency(counts, correction=False).statistic / 120 / 2)
    assert table.loc["province", "effect"] == pytest.approx(v)
    assert table.loc["province", "corrected"] < v / 2  # the province goes with nothing
    groups = [group for _, group in background["inhabitants"].groupby(partition.labels)]
    assert table.loc["inhabitants", "effect"] == pytest.approx(kruskal(*groups).statistic / 119)
    assert table.index.tolist() == ["inhabitants", "province"]
    assert table.loc["inhabitants", "p"] == 0.05


def test_the_correction_recovers_shares_that_misplacement_blurs():
    rng = np.random.default_rng(5)
    truth = np.arange(4000) % 2
    units = pd.Index([f"GM{i:04d}" for i in range(4000)], name="unit")
    scores = pd.DataFrame(
        np.where(truth, 60, 40)[:, None] + rng.normal(0, 12, (4000, 2)), units, ["AG", "EX"]
    )
    large = pd.Series(rng.random(4000) < np.where(truth, 0.9, 0.2), units)
    table = background_by_profile(latent_profiles(scores, 2, [EEI]), large)
    shares = table[table["category"] == True].set_index("profile")  # noqa: E712
    assert shares["corrected"].tolist() == pytest.approx([0.2, 0.9], abs=0.04)
    assert shares.loc[2, "value"] < 0.84
    assert shares.loc[1, "value"] > 0.26


def test_weights_invert_the_classification_errors_by_hand():
    labels = pd.Series([1, 1, 2, 2])
    posteriors = pd.DataFrame({1: [0.9, 0.7, 0.2, 0.2], 2: [0.1, 0.3, 0.8, 0.8]})
    partition = Partition(pd.DataFrame({"AG": [1.0, 2, 3, 4]}), labels, posteriors)
    errors = classification_errors(partition)
    # (.9² + .7² + .2² + .2²) / 2 = .69
    assert errors.to_numpy() == pytest.approx(np.array([[0.69, 0.31], [0.31, 0.69]]))
    weights = correction_weights(partition)
    assert weights.iloc[0].tolist() == pytest.approx([0.59 / 0.38, -0.21 / 0.38])
    assert weights.sum(axis=1).tolist() == pytest.approx([1] * 4)
    assert weights.sum().tolist() == pytest.approx(posteriors.sum().tolist())


def test_units_that_are_known_less_surely_do_not_make_a_relation():
    rng = np.random.default_rng(8)
    truth, small = rng.random(4000) < 0.25, rng.random(4000) < 0.5
    sd = np.where(small, 2.0, 0.3)
    seen = truth + sd * rng.standard_normal(4000)
    odds = 0.25 / 0.75 * np.exp((seen - 0.5) / sd**2)
    chances = pd.DataFrame({1: 1 / (1 + odds), 2: odds / (1 + odds)})
    labels = chances.idxmax(axis=1)
    partition = Partition(pd.DataFrame({"AG": seen}), labels, chances)
    background = pd.Series(np.where(small, "small", "large"))
    told = background_by_profile(partition, background).set_index(["profile", "category"])
    # small units hardly ever reach the smaller profile, though as many are of it
    assert told.loc[(2, "small"), "value"] < 0.2
    # 1000 units are of it, each known by half: a share has a standard error of some .02
    assert told["corrected"].to_numpy() == pytest.approx(np.full(4, 0.5), abs=0.06)
    found = associate(partition, background.to_frame("size"), n_permutations=99, n_resamples=19)
    assert found["p"].item() > 0.05


def test_unrelated_background_is_seldom_significant():
    scores, _ = four_profiles()
    partition = latent_profiles(scores, 4, [EEI])
    noise = np.random.default_rng(2).normal(size=(120, 20))
    table = associate(partition, pd.DataFrame(noise, scores.index), n_permutations=99)
    assert (table["p"] <= 0.05).sum() <= 4
    assert (table["p_holm"] > 0.05).all()


def test_the_interval_of_an_effect_holds_the_true_one_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    held = []
    for _ in range(60):
        truth = np.arange(200) % 2
        scores = pd.DataFrame(np.where(truth, 70, 30)[:, None] + rng.normal(0, 5, (200, 2)))
        large = pd.DataFrame({"large": (rng.random(200) < np.where(truth, 0.7, 0.4)).astype(str)})
        row = associate(ward_kmeans(scores, 2), large, n_permutations=19, n_resamples=99).iloc[0]
        held.append(row["low"] <= 0.3015 <= row["high"])
    # phi of shares .7 and .4 is .3 / (2 √(.55 · .45)) = .3015; 60 samples: standard error .03
    assert 0.86 <= np.mean(held) <= 1.0


def test_where_nothing_goes_with_the_profiles_the_interval_begins_at_0_and_the_effect_is_near_it():
    rng, low, told, plain = np.random.default_rng(9), [], [], []
    for _ in range(60):
        scores = pd.DataFrame(np.repeat([20, 50, 80], 50)[:, None] + rng.normal(0, 5, (150, 2)))
        region = pd.DataFrame({"region": rng.choice(list("abcd"), 150)})
        row = associate(ward_kmeans(scores, 3), region, n_permutations=49, n_resamples=99).iloc[0]
        low.append(row["low"])
        told.append(row["corrected"])
        plain.append(row["effect"])
    assert np.mean(np.array(low) == 0) >= 0.9
    assert np.mean(plain) > 0.12
    assert np.median(told) < 0.05


def test_holm_equals_the_published_steps():
    assert holm(pd.Series([0.01, 0.02, 0.03, 0.005], list("abcd"))).tolist() == pytest.approx(
        [0.03, 0.04, 0.04, 0.02]
    )


def test_background_numbers_are_given_as_means():
    scores, truth = four_profiles()
    table = background_by_profile(ward_kmeans(scores, 4), truth * 10.0)
    assert table["corrected"].round(6).tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize(
    ("background", "message"),
    [
        (lambda s: s[["AG"]], "'AG' is one of the scores that made the profiles"),
        (lambda s: s[["AG"]].rename(columns={"AG": "copy"}), "'copy' is one of the scores"),
        (lambda s: pd.DataFrame({"same": "x"}, s.index), "with 1 different values"),
        (lambda s: pd.DataFrame({"few": [1.0, 2.0]}, s.index[:2]), "known for 2 units"),
    ],
)
def test_what_cannot_be_related_is_refused(background, message):
    scores, _ = four_profiles(40)
    with pytest.raises(ValueError, match=message):
        associate(ward_kmeans(scores, 2), background(scores))


def test_one_profile_and_an_empty_profile_are_refused():
    scores, truth = four_profiles(40)
    other = pd.DataFrame({"truth": truth.astype(str)})
    with pytest.raises(ValueError, match="two or more"):
        associate(ward_kmeans(scores, 1), other)
    empty = Partition(scores, truth.clip(upper=3), n_profiles=4)
    with pytest.raises(ValueError, match="Ask for fewer profiles"):
        associate(empty, other)


def test_profiles_hardly_told_apart_are_related_without_correction():
    rng = np.random.default_rng(4)
    scores = pd.DataFrame(rng.normal(50, 10, (90, 3)), columns=["AG", "EX", "VB"])
    labels = pd.Series(np.arange(90) % 2 + 1, scores.index)
    first = np.where(labels == 1, 0.505, 0.495)
    partition = Partition(scores, labels, pd.DataFrame({1: first, 2: 1 - first}, scores.index))
    assert not can_be_corrected(partition)
    background = pd.DataFrame({"size": rng.choice(list("ab"), 90), "same": "x"}, scores.index)
    table = profile_background(partition, background, n_permutations=9)
    assert table.index.tolist() == ["size"]
    assert table.loc["size", "corrected"] <= table.loc["size", "effect"]  # less chance alone
    shares = background_shares(partition, background)
    assert shares["value"].equals(shares["corrected"])
    assert shares.loc["size", "value"].unstack("category").sum(axis=1).tolist() == [1, 1]


def test_one_profile_and_one_without_members_have_no_background_to_tell():
    scores, truth = four_profiles(40)
    other = pd.DataFrame({"size": list("ab") * 20}, scores.index)
    for partition in (ward_kmeans(scores, 1), Partition(scores, truth, n_profiles=5)):
        assert profile_background(partition, other).empty
        assert background_shares(partition, other).empty
