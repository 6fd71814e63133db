import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from shared import four_profiles

from cycle_analysis.mixtures import EEE, EEI
from cycle_analysis.profiles.membership import (
    borderline_members,
    certainty_by_respondents,
    certainty_given_error,
    members,
    typical_members,
)
from cycle_analysis.profiles.partitions import latent_profiles, ward_kmeans


def test_a_unit_between_two_profiles_is_borderline_and_names_the_second():
    scores, _ = four_profiles()
    partition = latent_profiles(scores, 4)
    middle = partition.centroids.loc[[1, 2]].mean()
    scores.loc["GM9999"] = middle
    table = members(latent_profiles(scores, 4))
    assert table.loc["GM9999", "margin"] < 0.2
    assert {table.loc["GM9999", "profile"], table.loc["GM9999", "second_profile"]} == {1, 2}
    assert "GM9999" in borderline_members(table, 2).index
    assert "GM9999" not in typical_members(table, 5).index


def test_without_a_model_nobody_is_called_clearly_placed():
    table = members(ward_kmeans(four_profiles()[0], 3))
    assert table["clearly_placed"].isna().all()
    assert table["margin"].between(0, 1).all()
    assert (table["second_profile"] != table["profile"]).all()


def test_one_profile_leaves_no_second():
    scores, _ = four_profiles(20)
    for partition in (ward_kmeans(scores, 1), latent_profiles(scores, 1)):
        assert members(partition)["second_profile"].isna().all()


def test_equal_errors_leave_every_certainty_as_it_is():
    scores, _ = four_profiles(sd=14)
    for model in (EEI, EEE):
        partition = latent_profiles(scores, 4, [model])
        errors = pd.DataFrame(5.0, scores.index, scores.columns)
        assert np.allclose(certainty_given_error(partition, errors), partition.certainty, atol=1e-6)


def test_a_unit_with_one_respondent_is_less_certain_than_its_like_with_many():
    scores, _ = four_profiles(sd=14)
    partition = latent_profiles(scores, 4, [EEI])
    between = partition.certainty.sort_values().index[20:60]
    errors = pd.DataFrame(4.0, scores.index, scores.columns)
    errors.loc[between[::2]] = 16.0
    change = certainty_given_error(partition, errors) - partition.certainty
    assert change[between[::2]].mean() < -0.02
    assert change[between[1::2]].mean() > 0


def test_the_certainty_given_error_is_that_of_normal_densities_of_what_was_observed():
    scores, _ = four_profiles(40, sd=14)
    scores.iloc[3, 1] = np.nan
    partition = latent_profiles(scores, 2, [EEE])
    errors = pd.DataFrame(np.random.default_rng(1).uniform(1, 6, scores.shape), *scores.axes)
    extra = errors.loc["GM0003"] ** 2 - (errors**2).where(scores.notna()).mean()
    seen = scores.loc["GM0003"].notna().to_numpy()
    mixture = partition.mixture
    densities = [
        share
        * multivariate_normal.pdf(
            scores.loc["GM0003"][seen],
            mean[seen],
            (covariance + np.diag(extra))[np.ix_(seen, seen)],
        )
        for share, mean, covariance in zip(
            mixture.shares, mixture.means.to_numpy(), mixture.covariances, strict=True
        )
    ]
    own = densities[partition.labels["GM0003"] - 1] / sum(densities)
    assert certainty_given_error(partition, errors)["GM0003"] == pytest.approx(own)


def test_without_a_model_or_known_errors_certainty_is_unknown_or_unchanged():
    scores, _ = four_profiles()
    errors = pd.DataFrame(np.nan, scores.index, scores.columns)
    assert certainty_given_error(ward_kmeans(scores, 4), errors).isna().all()
    partition = latent_profiles(scores, 4, [EEI])
    assert np.allclose(certainty_given_error(partition, errors), partition.certainty)


def test_units_are_grouped_by_their_number_of_respondents():
    table = pd.DataFrame(
        {
            "certainty": [0.9, 0.6, 0.8, 1.0, 0.7],
            "certainty_given_error": [0.5, 0.6, 0.8, 1.0, 0.7],
            "n_respondents": [1, 2, 3, 4, 12],
        }
    )
    result = certainty_by_respondents(table)
    assert result.index.tolist() == ["1", "2", "3-4", "5+"]
    assert result["n_units"].tolist() == [1, 1, 2, 1]
    assert result["n_placed"].tolist() == [1, 0, 2, 1]
    assert result["n_placed_given_error"].tolist() == [0, 0, 2, 1]
