import numpy as np
import pandas as pd
from shared import CENTROIDS, PHASES

from cycle_analysis.profiles.recovery import ExpectedProfiles, OneCloud, recovery

EXPECTED = pd.DataFrame(CENTROIDS, columns=PHASES)


def test_clear_profiles_would_be_found_and_a_single_one_not_be_divided():
    clear = ExpectedProfiles(EXPECTED, 100, within_sd=8, respondent_sd=10)
    found = recovery(clear, 4, 5, n_replicates=39, n_starts=10)
    assert found["announced"].all()
    assert (found["k"] == 4).all()
    assert found["adjusted_rand"].min() > 0.7
    single = ExpectedProfiles(EXPECTED.iloc[[2]], 100)
    assert not recovery(single, 4, 5, n_replicates=39, n_starts=10)["announced"].any()


def test_more_respondents_bring_scores_nearer_to_the_truth():
    def spread(n_respondents):
        survey = ExpectedProfiles(
            EXPECTED.iloc[[2]], 400, n_respondents, within_sd=0, respondent_sd=20
        )
        return survey(np.random.default_rng(1))[0]["VB"].std()

    assert abs(spread(1) / spread(4) - 2) < 0.2


def test_shares_and_scale_are_those_asked_for():
    scores, truth = ExpectedProfiles(EXPECTED, 4000, shares=[4, 3, 2, 1])(np.random.default_rng(1))
    assert np.allclose(
        truth.value_counts(normalize=True).sort_index(), [0.4, 0.3, 0.2, 0.1], atol=0.03
    )
    assert scores.to_numpy().min() >= 0
    assert scores.to_numpy().max() <= 100


def test_workers_do_not_change_what_is_found():
    survey = ExpectedProfiles(EXPECTED, 40)
    one = recovery(survey, 2, 2, n_replicates=5, n_starts=3)
    assert one.equals(recovery(survey, 2, 2, n_replicates=5, n_starts=3, n_jobs=2))


def test_one_cloud_has_the_means_and_covariances_of_the_profiles_and_no_profiles():
    expected = ExpectedProfiles(EXPECTED / 2 + 25, 20_000, within_sd=6, respondent_sd=0)
    with_profiles, _ = expected(np.random.default_rng(1))
    cloud, truth = OneCloud(expected)(np.random.default_rng(2))
    assert np.allclose(cloud.mean(), with_profiles.mean(), atol=0.5)
    assert np.allclose(cloud.cov(), expected.covariance, rtol=0.1, atol=5)
    assert np.allclose(with_profiles.cov(), expected.covariance, rtol=0.1, atol=5)
    assert truth.eq(1).all()
