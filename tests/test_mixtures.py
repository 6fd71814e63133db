import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from shared import PHASES, REFERENCE, four_profiles, one_continuum
from sklearn.datasets import load_iris
from sklearn.mixture import GaussianMixture

from cycle_analysis import mixtures
from cycle_analysis.mixtures import ALL_MODELS, EEE, EEI, VII, VVI, VVV, Search, em
from cycle_analysis.mixtures import search as starts
from cycle_analysis.profiles.selection import row_of

SCIKIT = [(VII, "spherical"), (VVI, "diag"), (EEE, "tied"), (VVV, "full")]


@pytest.mark.parametrize(("model", "covariance_type"), SCIKIT)
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_likelihood_is_at_least_scikit_learns_and_equal_from_the_same_optimum(
    model, covariance_type, k
):
    scores, _ = four_profiles(sd=14)
    ours = mixtures.fit_mixture(scores, k, model)
    theirs = GaussianMixture(
        k, covariance_type=covariance_type, n_init=10, tol=1e-9, max_iter=5000, random_state=1
    ).fit(scores)
    assert ours.log_likelihood > theirs.score(scores) * len(scores) - 1e-4
    again = GaussianMixture(
        k,
        covariance_type=covariance_type,
        means_init=ours.means,
        tol=1e-10,
        max_iter=5000,
        weights_init=ours.shares,
        reg_covar=0,
        precisions_init=_precisions(ours, covariance_type),
    ).fit(scores)
    assert ours.log_likelihood == pytest.approx(again.score(scores) * len(scores), abs=1e-3)


@pytest.mark.parametrize("model", ALL_MODELS)
def test_the_log_likelihood_is_that_of_the_mixture_density(model):
    scores, _ = four_profiles(sd=14)
    mixture = mixtures.fit_mixture(scores, 3, model)
    assert mixture.log_likelihood == pytest.approx(_direct(mixture, scores).sum(), abs=1e-6)


@pytest.mark.parametrize("model", ALL_MODELS)
def test_with_missing_scores_it_is_the_density_of_what_was_observed(model):
    scores = _holed()
    mixture = mixtures.fit_mixture(scores, 3, model)
    assert mixture.log_likelihood == pytest.approx(_direct(mixture, scores).sum(), abs=1e-6)
    nudged = mixtures.log_likelihoods(_nudged(mixture), scores).sum()
    assert nudged < mixture.log_likelihood


def test_missing_at_random_hardly_moves_the_means_where_leaving_units_out_would():
    scores = one_continuum(800)
    hidden = scores.mask((scores["AG"] > 60).to_numpy()[:, None] & (np.arange(5) == 4))
    whole, holed = (mixtures.fit_mixture(s, 1, EEE).means.loc[1, "NN"] for s in (scores, hidden))
    assert abs(holed - whole) < 1
    assert abs(hidden["NN"].mean() - whole) > 3


@pytest.mark.parametrize("model", ALL_MODELS)
def test_a_case_weight_of_two_is_a_unit_that_occurs_twice(model):
    scores, _ = four_profiles(60, sd=14)
    weights = pd.Series(np.where(np.arange(60) < 20, 2.0, 1.0), index=scores.index)
    twice = pd.concat([scores, scores.iloc[:20].rename(index=lambda unit: f"{unit}b")])
    weighted = mixtures.fit_mixture(scores, 2, model, weights=weights)
    repeated = mixtures.fit_mixture(twice, 2, model)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-4)
    assert weighted.n_units == repeated.n_units == 80
    assert weighted.bic == pytest.approx(repeated.bic, abs=1e-3)


@pytest.mark.parametrize("model", ALL_MODELS)
def test_the_log_likelihood_never_decreases(model):
    values = _holed().to_numpy() / 25 - 2
    family = model.family(values, np.full(5, 1e-3))
    start = starts.mixed(values, 4, 6, np.random.default_rng(1))
    ones = np.ones((len(values), 1))
    batch = em.from_responsibilities(family, start, ones)
    seen = []
    for _ in range(25):
        batch = em.climb(family, batch, ones, max_steps=3, tolerance=0)
        batch = em.Batch(
            batch.theta, batch.log_shares, batch.log_likelihood, batch.converged, batch.n_steps * 0
        )
        seen.append(batch.log_likelihood)
    assert (np.diff(seen, axis=0) > -1e-8).all()


@pytest.mark.parametrize("model", [EEI, VVV])
def test_bootstrap_weights_fit_all_replicates_in_one_batch(model):
    scores, _ = four_profiles(60, sd=14)
    values = scores.to_numpy() / 25 - 2
    family = model.family(values, np.full(5, 1e-2))
    rng = np.random.default_rng(1)
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=5).T.astype(float)
    start = np.repeat(starts.mixed(values, 3, 1, rng), 5, axis=2)
    together = em.climb(family, em.from_responsibilities(family, start, weights), weights)
    for j in range(5):
        own = weights[:, [j]]
        alone = em.climb(family, em.from_responsibilities(family, start[..., [j]], own), own)
        assert together.log_likelihood[j] == pytest.approx(alone.log_likelihood[0], abs=1e-6)


def test_scores_on_another_scale_give_the_same_profiles_and_the_likelihood_of_that_scale():
    scores, _ = four_profiles(sd=14)
    for model in ALL_MODELS:
        hundred = mixtures.fit_mixture(scores, 3, model)
        four = mixtures.fit_mixture(scores / 25 + 1, 3, model)
        assert np.allclose(four.means, hundred.means / 25 + 1, atol=1e-4)
        shift = scores.size * np.log(25)
        assert four.log_likelihood == pytest.approx(hundred.log_likelihood + shift, abs=1e-3)


def test_heaped_scores_cannot_make_the_likelihood_run_away():
    rng = np.random.default_rng(8)
    scores = pd.DataFrame(rng.uniform(0, 100, (80, 3)), columns=["AG", "EX", "VB"])
    scores.iloc[:30] = 50.0
    kept = mixtures.fit_mixture(scores, 2, VVI)
    loose = mixtures.fit_mixture(scores, 2, VVI, variance_floor=1e-8)
    assert kept.at_floor
    assert loose.log_likelihood > kept.log_likelihood + 50


@pytest.mark.parametrize("model", [VVI, VVV])
def test_no_variance_is_less_than_rounding_to_the_steps_of_the_scores_leaves(model):
    rng = np.random.default_rng(8)
    scores = pd.DataFrame(rng.integers(0, 5, (80, 3)) * 25.0, columns=["AG", "EX", "VB"])
    scores.iloc[0, 0] = 26.0  # a unit beside the steps, or a missing score, is no other step
    scores.iloc[1, 1] = np.nan
    kept = mixtures.fit_mixture(scores, 4, model, variance_floor=1e-8)
    assert kept.at_floor
    least = np.linalg.eigvalsh(kept.covariances).min()
    assert least == pytest.approx(25**2 / 12, rel=1e-4)  # Sheppard (1898)
    finer = scores + rng.uniform(-1e-3, 1e-3, scores.shape)  # no score stands twice
    assert mixtures.fit_mixture(finer, 4, model).at_floor
    assert np.linalg.eigvalsh(mixtures.fit_mixture(finer, 4, model).covariances).min() < 20


def test_a_run_that_may_not_finish_says_so():
    scores, _ = four_profiles(sd=20)
    assert not mixtures.fit_mixture(scores, 4, VVV, search=Search(max_steps=3)).outcome.converged
    assert mixtures.fit_mixture(scores, 4, VVV).outcome.converged


def test_the_best_solution_is_counted_over_the_finished_runs():
    mixture = mixtures.fit_mixture(four_profiles()[0], 4, EEI, search=Search(30, 8))
    assert mixture.outcome.n_finished == 8
    assert 2 <= mixture.outcome.n_replicated <= 8


def test_units_drawn_from_a_mixture_have_its_means_covariances_and_shares():
    mixture = mixtures.fit_mixture(four_profiles()[0], 4, VVV)
    values = mixture.draw(40_000, np.random.default_rng(1))
    table = pd.DataFrame(values, columns=PHASES)
    again = mixtures.fit_mixture(table, 4, VVV, search=Search(3, 3))
    assert np.allclose(again.means, mixture.means, atol=0.5)
    assert np.allclose(again.covariances, mixture.covariances, rtol=0.1, atol=3)
    assert np.allclose(again.shares, mixture.shares, atol=0.01)


def test_a_unit_without_any_score_gets_no_membership():
    scores, _ = four_profiles()
    mixture = mixtures.fit_mixture(scores, 2)
    scores.iloc[3] = np.nan
    chances = mixtures.classify(mixture, scores)
    assert chances.iloc[3].isna().all()
    assert np.allclose(chances.drop(index=scores.index[3]).sum(axis=1), 1)


def test_negative_or_absent_case_weights_are_refused():
    scores, _ = four_profiles(20)
    with pytest.raises(ValueError, match=r"Case weights must be 0 or more.*GM0019"):
        mixtures.fit_mixture(scores, 1, weights=pd.Series(1.0, index=scores.index[:-1]))


def _holed() -> pd.DataFrame:
    scores, _ = four_profiles(100, sd=14)
    return scores.mask(np.random.default_rng(1).random(scores.shape) < 0.1).dropna(how="all")


def _direct(mixture: mixtures.Mixture, scores: pd.DataFrame) -> np.ndarray:
    """Log density of the observed part of each unit, by SciPy's normal density."""
    result = []
    for row in scores.to_numpy():
        seen = np.isfinite(row)
        density = sum(
            share * multivariate_normal.pdf(row[seen], mean[seen], covariance[np.ix_(seen, seen)])
            for share, mean, covariance in zip(
                mixture.shares, mixture.means.to_numpy(), mixture.covariances, strict=True
            )
        )
        result.append(np.log(density))
    return np.array(result)


def _nudged(mixture: mixtures.Mixture) -> mixtures.Mixture:
    means = mixture.means + pd.DataFrame(
        np.random.default_rng(2).normal(0, 0.5, mixture.means.shape), mixture.means.index, PHASES
    )
    return mixtures.Mixture(**{**vars(mixture), "means": means})


def _precisions(mixture: mixtures.Mixture, covariance_type: str) -> np.ndarray:
    inverse = np.linalg.inv(mixture.covariances)
    if covariance_type == "spherical":
        return inverse[:, 0, 0]
    if covariance_type == "diag":
        return np.einsum("kpp->kp", inverse)
    return inverse[0] if covariance_type == "tied" else inverse


@pytest.mark.parametrize("model", ALL_MODELS)
@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_the_likelihood_is_at_least_that_of_mclust(name, model):
    """A floor can only lower the likelihood; 1e-3 leaves room for the variances of these data."""
    data = _iris() if name == "iris" else pd.read_csv(REFERENCE / "diabetes.csv")
    theirs = pd.read_csv(REFERENCE / "mclust.csv").query("data == @name and model == @model.name")
    assert theirs["k"].tolist() == [1, 2, 3, 4]
    for row in theirs.itertuples():
        ours = mixtures.fit_mixture(data, row.k, model, variance_floor=1e-3)
        assert ours.n_parameters == row.n_parameters
        assert ours.log_likelihood > row.log_likelihood - 1e-4


def test_where_mclust_finds_the_same_solution_its_criteria_are_equal():
    theirs = pd.read_csv(REFERENCE / "mclust.csv").set_index(["data", "model", "k"])
    mixture = mixtures.fit_mixture(_iris(), 2, VVV, variance_floor=1e-3)
    ours = row_of(mixture, mixtures.classify(mixture, _iris()))
    row = theirs.loc[("iris", "VVV", 2)]
    assert ours["bic"] == pytest.approx(row["bic"], abs=1e-3)
    assert ours["icl"] == pytest.approx(row["icl"], abs=1e-3)


def test_iris_holds_a_better_solution_than_the_one_where_mclust_sticks():
    mixture = mixtures.fit_mixture(_iris(), 4, EEI, variance_floor=1e-3)
    assert mixture.log_likelihood == pytest.approx(-310.12, abs=0.01)


def _iris() -> pd.DataFrame:
    return pd.DataFrame(load_iris().data, columns=["a", "b", "c", "d"])
