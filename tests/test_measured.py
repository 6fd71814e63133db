"""Profiles of true scores: against another program, a closed form, and the density itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from cycle_analysis.measurement.error import Standing, measurement_error
from cycle_analysis.mixtures import (
    EEE,
    EEI,
    EFE,
    EII,
    VII,
    VVI,
    VVV,
    Search,
    classify,
    em,
    fit_mixture,
    measured,
)
from cycle_analysis.mixtures.measured import Noise
from cycle_analysis.mixtures.pairs import (
    PairModel,
    all_pairs,
    climb_pairs,
    equal_means,
    lasting,
    same_pairs,
    same_spread,
    shifted_means,
)

REFERENCE = Path(__file__).parent / "reference"
ASTROML = pd.read_csv(REFERENCE / "deconvolution.csv")
SCORES = ASTROML[["A", "B", "C"]]
WITHIN = np.array([[0.5, 0.2, 0.1], [0.2, 0.4, 0.1], [0.1, 0.1, 0.3]])
ONE_OVER_N = np.broadcast_to((1 / ASTROML["respondents"].to_numpy())[:, None, None], (160, 3, 3))
ERROR = Noise(WITHIN[None], ONE_OVER_N)
SEARCH = Search(n_starts=10, seed=1)
MODELS = (EII, VII, EEI, VVI, EEE, VVV, EFE)


@pytest.mark.parametrize("k", [1, 2])
def test_profiles_of_true_scores_are_those_of_astroml(k):
    theirs = pd.read_csv(REFERENCE / "deconvolution_fits.csv").query("k == @k")
    ours = fit_mixture(SCORES, k, VVV, error=ERROR, variance_floor=1e-4, search=SEARCH)
    # both climb the same likelihood; theirs stops at a gain of 1e-10 per step of plain EM
    assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"].iloc[0], abs=1e-4)
    assert ours.shares.tolist() == pytest.approx(theirs["share"].tolist(), abs=1e-3)
    assert ours.means.to_numpy() == pytest.approx(theirs.filter(like="mean").to_numpy(), abs=1e-3)
    rows, columns = np.tril_indices(3)
    spread = theirs.filter(like="cov").to_numpy()
    assert ours.covariances[:, rows, columns] == pytest.approx(spread, abs=2e-3)


@pytest.mark.parametrize("model", [EEI, VVI, EEE, VVV])
def test_without_error_it_is_the_mixture_without_error_to_the_last_digit(model):
    none = Noise(0 * WITHIN[None], ONE_OVER_N)
    plain = fit_mixture(SCORES, 2, model, search=SEARCH)
    same = fit_mixture(SCORES, 2, model, error=none, search=SEARCH)
    pd.testing.assert_frame_equal(plain.means, same.means, check_exact=True)
    assert same.log_likelihood == plain.log_likelihood
    hardly = Noise(1e-12 * np.eye(3)[None], ONE_OVER_N)
    near = fit_mixture(SCORES, 2, model, error=hardly, search=SEARCH)
    # another route through the same algebra: rounding, and where each stopped climbing
    assert near.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_the_log_likelihood_is_the_density_of_what_is_seen(model):
    holes = SCORES.mask(np.random.default_rng(1).random(SCORES.shape) < 0.1).dropna(how="all")
    error = ERROR.take(holes.index.to_numpy())
    found = fit_mixture(holes, 2, model, error=error, search=Search(n_starts=2))
    density = 0.0
    for row, factor in zip(holes.to_numpy(), error.factors, strict=True):
        seen = np.flatnonzero(np.isfinite(row))
        density += np.log(
            sum(
                share
                * multivariate_normal.pdf(
                    row[seen],
                    mean[seen],
                    (covariance + WITHIN * factor)[np.ix_(seen, seen)],
                )
                for share, mean, covariance in zip(
                    found.shares, found.means.to_numpy(), found.covariances, strict=True
                )
            )
        )
    assert found.log_likelihood == pytest.approx(density, abs=1e-6)


@pytest.mark.parametrize("model", [EEE, VVV])
def test_an_em_step_is_the_same_by_bundles_of_any_length(model, monkeypatch):
    found, values = {}, SCORES.to_numpy()
    for length, product in ((1, 0), (16, 2), (1, 10**6)):  # 1, 16, all
        monkeypatch.setattr(measured, "ROWS_TOGETHER", np.array([length]))
        monkeypatch.setattr(measured, "PRODUCT", product)
        family = model.family(values, np.full(3, 1e-3), ERROR)
        theta = family.coordinates(values[:2], np.stack([WITHIN] * 2))
        start = em.fixed(theta, np.array([0.5, 0.5]))
        stepped = em.climb(family, start, np.ones((160, 1)), max_steps=3)
        found[family.blocks[0].rows.shape[1]] = stepped.theta.ravel()
    assert len(found) == 3
    for theta in found.values():
        assert theta == pytest.approx(found[1], rel=1e-9)


def test_one_profile_with_equal_errors_is_the_sample_less_the_error():
    even = Noise(WITHIN[None] / 2, np.ones((160, 3, 3)))
    found = fit_mixture(SCORES, 1, EEE, error=even, search=Search(tolerance=1e-12))
    assert found.means.iloc[0].tolist() == pytest.approx(SCORES.mean().tolist(), abs=1e-6)
    closed = np.cov(SCORES.T, ddof=0) - WITHIN / 2
    assert np.linalg.eigvalsh(closed)[0] > 0
    assert found.covariances[0] == pytest.approx(closed, abs=1e-4)


def test_a_common_factor_leaves_covariances_that_one_loading_each_explains():
    found = fit_mixture(SCORES, 1, EFE, error=ERROR, search=SEARCH)
    full = fit_mixture(SCORES, 1, EEE, error=ERROR, search=SEARCH)
    # three phases and one factor: as many parameters as covariances, so the fit is the same
    assert found.log_likelihood == pytest.approx(full.log_likelihood, abs=1e-3)
    assert EFE.n_parameters(4, 5) == 3 + 20 + 10


def test_units_of_few_respondents_are_placed_less_surely():
    found = fit_mixture(SCORES, 2, EEI, error=ERROR, search=SEARCH)
    middle = pd.DataFrame([[-0.4, -0.3, -0.5]] * 2, columns=["A", "B", "C"])
    sizes = np.array([1, 5])
    error = Noise(WITHIN[None], np.broadcast_to(1 / sizes[:, None, None], (2, 3, 3)))
    sure = classify(found, middle, error).max(axis=1)
    assert sure[0] < sure[1]


def test_many_problems_with_their_own_error_and_data_are_each_their_own_fit():
    rng = np.random.default_rng(3)
    values = np.hstack([SCORES.to_numpy(), SCORES.to_numpy() + rng.normal(0, 0.3, SCORES.shape)])
    stacked = np.stack([values, values + rng.normal(0, 0.2, values.shape)])
    within = np.zeros((2, 6, 6))
    for j, scale in enumerate((1.0, 0.7)):
        within[j, :3, :3] = within[j, 3:, 3:] = scale * WITHIN
    factors = np.zeros((160, 6, 6))
    factors[:, :3, :3] = factors[:, 3:, 3:] = ONE_OVER_N
    cells = all_pairs(2)
    model = PairModel(cells, equal_means(cells, 3), same_spread)
    begin = em.fixed(model.theta(np.array([[-1.0] * 3, [1.0] * 3]), np.eye(6)), np.full(4, 0.25))
    floor, ones = np.full(6, 0.002), np.ones((160, 1))
    together = climb_pairs(model.family(stacked, Noise(within, factors), floor), begin, ones)
    for j in range(2):
        alone = model.family(stacked[j], Noise(within[j : j + 1], factors), floor)
        found = climb_pairs(alone, begin, ones)
        assert found.log_likelihood[0] == pytest.approx(together.log_likelihood[j], abs=1e-8)


def test_no_change_is_change_with_nobody_moving():
    rng = np.random.default_rng(4)
    values = np.hstack([SCORES.to_numpy()] * 2) + rng.normal(0, 0.3, (160, 6))
    noise = Noise(np.eye(6)[None] * 0.05, np.ones((160, 6, 6)))
    floor = np.full(6, 0.002)
    fits = []
    for cells in (same_pairs(2), all_pairs(2)):
        model = PairModel(cells, shifted_means(cells, 3), same_spread)
        family = model.family(values, noise, floor)
        shares = np.where(cells[:, 0] == cells[:, 1], 0.5, 1e-13)
        begin = em.fixed(model.theta(np.array([[-1.0] * 3, [1.0] * 3]), np.eye(6) * 0.3), shares)
        density = em.memberships(family, begin)[1].sum()
        fits.append((density, climb_pairs(family, begin, np.ones((160, 1)))))
    assert fits[0][0] == pytest.approx(fits[1][0], abs=1e-6)
    assert fits[1][1].log_likelihood[0] >= fits[0][1].log_likelihood[0] - 1e-3


def test_deviations_that_last_are_the_same_in_both_waves():
    rng = np.random.default_rng(5)
    drawn = rng.normal(size=(3, 4, 4))
    covariances = drawn @ np.swapaxes(drawn, 1, 2)
    found = lasting(covariances)
    assert found[:, :2, :2] == pytest.approx(found[:, 2:, 2:])
    assert found[:, :2, :2] == pytest.approx(found[:, :2, 2:])
    spread = same_spread(covariances)
    assert spread == pytest.approx(np.swapaxes(spread, 1, 2))
    assert np.linalg.eigvalsh(spread).min() > 0


# The error itself.


def test_the_error_is_pooled_over_units_and_shared_by_how_many_told_both():
    persons = pd.DataFrame(
        {"AG": [10.0, 20.0, 30.0, 60.0, 80.0], "EX": [np.nan, 20.0, 40.0, 10.0, 30.0]}
    )
    error = measurement_error(persons, pd.Series(list("aaabb")))
    # AG: squares 200 + 200 over 2 + 1 degrees of freedom; both: 100 + 200 over 1 + 1
    assert error.within.loc["AG", "AG"] == pytest.approx(400 / 3)
    assert error.within.loc["AG", "EX"] == pytest.approx((100 + 200) / 2)
    assert error.freedom == 2
    own = error.covariances()[0]
    assert own[0, 0] == pytest.approx(400 / 9)
    assert own[0, 1] == pytest.approx(150 * 2 / (3 * 2))


def test_a_pair_in_one_unit_yields_no_precision_for_all_others():
    units = pd.Series(["u0", *(f"u{i}" for i in range(1715))])
    persons = pd.DataFrame({"AG": np.random.default_rng(1).normal(50, 10, 1716)})
    error = measurement_error(persons, units)
    assert error.standing == Standing.UNKNOWN
    assert error.standard_errors().isna().all(axis=None)


@pytest.mark.parametrize(
    ("pairs", "standing"),
    [(29, Standing.UNKNOWN), (30, Standing.ROUGH), (99, Standing.ROUGH), (100, Standing.KNOWN)],
)
def test_how_well_the_error_is_known_goes_by_its_degrees_of_freedom(pairs, standing):
    units = pd.Series(np.repeat(np.arange(pairs), 2))
    persons = pd.DataFrame({"AG": np.random.default_rng(1).normal(50, 10, 2 * pairs)})
    assert measurement_error(persons, units).standing == standing


def test_a_sample_with_every_unit_once_has_the_error_of_all():
    rng = np.random.default_rng(6)
    units = pd.Series(rng.integers(0, 40, 160))
    persons = pd.DataFrame(rng.normal(50, 10, (160, 2)), columns=["AG", "EX"])
    error = measurement_error(persons, units)
    ones = np.ones((len(error.units), 1))
    assert error.resampled(ones)[0] == pytest.approx(error.within.to_numpy())
    half = error.only(error.units[::2])
    assert half.resampled(ones[::2])[0] == pytest.approx(error.within.to_numpy())
