"""Describe profiles by true scores: the error of measurement taken off, unit by unit.

A profile that was found on unit scores holds two things, how its units differ and how far a few
respondents are from their unit. `of_true_scores` fits, from the profiles found and some starts
besides, what is left when each unit's own error is taken off (Bovy, Hogg & Roweis 2011): shares are
then of units, not of units seen through error, and probabilities rest on a unit's own respondents.
Covariance models race by BIC, a common factor (EFE) among them: without it, units that are higher
on everything are taken for more profiles. Intervals come from refits to samples of units with their
respondents, so that they hold sampling, classification and measurement error.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from cycle_analysis.chance import Seed
from cycle_analysis.measurement.error import MeasurementError, Standing
from cycle_analysis.mixtures import EEE, EEI, EFE, VVI, CovarianceModel, Mixture, em, named_model
from cycle_analysis.mixtures.fit import Standardised, classify, race, refit_mixture, standardise
from cycle_analysis.mixtures.measured import Noise
from cycle_analysis.mixtures.search import mixed
from cycle_analysis.profiles import Partition, assign

MODELS: tuple[CovarianceModel, ...] = (EEI, VVI, EEE, EFE)
"""Covariance models of true scores that race."""
TOLERANCE, MAX_STEPS = 1e-5, 400
"""Gain per unit and cycle at which a refit has converged; EM steps at most."""
OTHER_STARTS = 3
"""Starts of every sample besides the profiles found."""
CELLS = 2**20
"""Memberships of samples, units × profiles × samples, that are fitted in one batch."""
SHARE_STEPS = 200
"""EM steps by which weighted shares follow from the profiles of a sample."""

NOTHING = pd.DataFrame(index=pd.RangeIndex(0, name="profile"))


def of_true_scores(partition: Partition, error: MeasurementError) -> Partition:
    """Take the error of measurement off the profiles of a division.

    Parameters
    ----------
    partition : Partition
        Profiles of unit scores.
    error : MeasurementError
        Of the same units at least.

    Returns
    -------
    Partition
        Of the same scores, each unit in its most probable profile given its own respondents; the
        division itself where there is no mixture to refit, or the error is not known.

    References
    ----------
    Bovy, J., Hogg, D. W. & Roweis, S. T. (2011). Annals of Applied Statistics 5(2B), 1657-1677.

    Examples
    --------
    >>> from cycle_analysis.measurement.error import measurement_error
    >>> from cycle_analysis.profiles import latent_profiles
    >>> rng = np.random.default_rng(1)
    >>> units = pd.Series(np.repeat(np.arange(60), 3))
    >>> persons = pd.DataFrame({"AG": 30 + 30 * (units % 2) + rng.normal(0, 12, 180)})
    >>> found = latent_profiles(persons.groupby(units).mean(), 2, models=[EEI])
    >>> true = of_true_scores(found, measurement_error(persons, units))
    >>> bool(true.mixture.covariances[0, 0, 0] < found.mixture.covariances[0, 0, 0])
    True
    """
    found, scores = partition.mixture, partition.scores
    if not isinstance(found, Mixture) or partition.k < 2 or not is_known(error):
        return partition
    noise = _noise(error, scores)
    near = partition.probabilities
    mixture = race([refit_mixture(scores, near, model, noise) for model in MODELS])
    posteriors = classify(mixture, scores, noise)
    labels = pd.Series(posteriors.to_numpy().argmax(axis=1) + 1, scores.index, name="profile")
    return Partition(scores, labels, posteriors, mixture)


def given_error(
    partition: Partition, scores: pd.DataFrame, error: MeasurementError
) -> pd.DataFrame:
    """Give the probability of each profile for units of any wave, given their own respondents.

    Parameters
    ----------
    partition : Partition
        Of the reference wave, as it was saved.
    scores : DataFrame, m units × p phases
        On the same phases.
    error : MeasurementError
        Of the same units.

    Returns
    -------
    DataFrame, m units × k profiles
        1 for the group that a unit is put in where no model gives probabilities.
    """
    mixture = partition.mixture
    if isinstance(mixture, Mixture) and partition.k > 1:
        noise = _noise(error, scores) if is_known(error) else None
        return classify(mixture, scores, noise)
    found = assign(partition, scores)
    return pd.get_dummies(found.labels).reindex(columns=range(1, partition.k + 1)).fillna(0.0)


def is_known(error: MeasurementError) -> bool:
    """Whether the error is known well enough to be taken off, if only roughly."""
    return error.standing != Standing.UNKNOWN


@dataclass(frozen=True, eq=False)
class Estimates:
    """Profiles of the population, with what sampling and measurement leave unknown.

    Attributes
    ----------
    shares : DataFrame, index `profile`
        share, low, high : mixing weights, 0-1; weighted_share, weighted_low, weighted_high : those
        of the population, by survey weights. Intervals are of 95%.
    errors : DataFrame, index `profile`, `phase`
        true_mean, its standard error `se`, and the ends of its 95% interval, `true_low` and
        `true_high`, in points: those of the samples, not 1.96 se on both sides, since a mean can
        be further off on one side where profiles are near each other.
    probabilities : DataFrame, n units × k profiles, or None
        Mean over the samples of each unit's membership probabilities. One fit takes its profiles
        for the true ones, and then places units more surely than rightly: by far with few units
        or respondents (Breiman 1996). Those of the division itself where nothing was refitted.
    """

    shares: pd.DataFrame
    errors: pd.DataFrame
    probabilities: pd.DataFrame | None

    def placed(self, partition: Partition) -> Partition:
        """Give a division these probabilities; who belongs where stays."""
        return replace(partition, posteriors=self.probabilities)


def estimate(
    partition: Partition,
    error: MeasurementError,
    weights: pd.Series,
    population: int,
    *,
    n_refits: int = 200,
    seed: Seed = 2018,
) -> Estimates:
    """Estimate shares and means of profiles of true scores, with intervals from refits.

    Parameters
    ----------
    partition : Partition
        From `of_true_scores`.
    error : MeasurementError
        Of the same units at least.
    weights : Series, n units
        Survey weights. The profiles themselves are fitted without.
    population : int
        Units there are. Sampling error shrinks by the share of them that answered; the rest of the
        variance is error of measurement and of classification, which does not.
    n_refits : int
        Samples of units.
    seed : int or SeedSequence

    Returns
    -------
    Estimates
        Without shares and numbers where there is no mixture, or no error is known.

    References
    ----------
    Breiman, L. (1996). Bagging predictors. Machine Learning 24(2), 123-140.
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, chapter 10.
    """
    mixture, scores = partition.mixture, partition.scores
    if partition.k < 2 or not is_known(error) or not isinstance(mixture, Mixture):
        none = _errors(np.full((scores.shape[1], partition.k, 3), np.nan), partition)
        return Estimates(NOTHING, none, partition.posteriors)
    data, family, batch, counted = _samples(mixture, scores, error, n_refits, seed)
    given = weights.loc[data.scores.index].to_numpy(dtype=float)[:, None]
    n, weighted, chances = len(scores), [], np.zeros((len(scores), partition.k))
    for part in _parts(counted.shape[1], n * partition.k):
        some, fits = family.take(part), batch.take(part)
        weighted.append(_shares_given(some, fits, counted[:, part] * given))
        chances += _memberships(some, fits)
    told = [
        _told(found, n, n / population, name)
        for found, name in ((np.exp(batch.log_shares), ""), (np.hstack(weighted), "weighted_"))
    ]
    mean = chances / counted.shape[1]
    probabilities = pd.DataFrame(mean, data.scores.index, partition.probabilities.columns)
    means = batch.theta[: scores.shape[1]] * data.scale + data.centre[:, None, None]
    return Estimates(
        pd.concat(told, axis=1).set_index(mixture.shares.index),
        _errors(means, partition),
        probabilities.loc[scores.index],
    )


def _samples(
    mixture: Mixture, scores: pd.DataFrame, error: MeasurementError, n_refits: int, seed: Seed
) -> tuple[Standardised, em.Family, em.Batch, np.ndarray]:
    """Fit the profiles to the units, first, and to samples of them; how often each was drawn."""
    data, n = standardise(scores), len(scores)
    own = error.only(data.scores.index)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_refits).T
    counted = np.column_stack([np.ones(n), drawn]).astype(float)
    noise = Noise(own.resampled(counted) / data.scale**2, own.factors)
    family = named_model(mixture.model.name).family(data.z, data.floor, noise)
    centred = (mixture.means.to_numpy() - data.centre) / data.scale
    theta = family.coordinates(centred, mixture.covariances / data.scale**2)
    start = em.fixed(theta, mixture.shares.to_numpy())
    return data, family, _refitted(family, start, data.z, counted, seed), counted


def classification(partition: Partition) -> pd.DataFrame:
    """Give the mean probability of each profile among the units placed in each, k × k.

    Examples
    --------
    >>> from cycle_analysis.profiles import latent_profiles
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 60, 62, 61], "EX": [5, 9, 7, 50, 52, 48]})
    >>> classification(latent_profiles(scores, 2, models=[EEI])).round(2).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    table = partition.probabilities.groupby(partition.labels).mean()
    return table.reindex(partition.probabilities.columns).rename_axis("profile")


def _noise(error: MeasurementError, scores: pd.DataFrame) -> Noise:
    own = error.only(scores.index)
    return Noise(own.within.to_numpy()[None], own.factors)


def _refitted(
    family: em.Family, start: em.Batch, values: np.ndarray, weights: np.ndarray, seed: Seed
) -> em.Batch:
    """Fit every sample from the profiles found and from other starts, and keep its best.

    From the profiles found alone, a sample in which quite others fit better would not tell so.
    """
    k = len(start.log_shares)
    starts = mixed(values, k, OTHER_STARTS, np.random.default_rng(seed))
    parts = _parts(weights.shape[1], len(values) * k)
    found = [
        _best(family.take(part), start, starts, weights[:, part], not i)
        for i, part in enumerate(parts)
    ]
    return _alike(em.joined(found), values.shape[1])


def _best(
    family: em.Family, start: em.Batch, starts: np.ndarray, weights: np.ndarray, first: bool
) -> em.Batch:
    """Fit some samples from all starts, and keep the best of each; of the study, the first."""
    n_problems = weights.shape[1]
    fits = [_climbed(family, em.joined([start] * n_problems), weights)]
    for other in np.moveaxis(starts, -1, 0):
        members = np.repeat(other[..., None], n_problems, axis=2)
        fits.append(_climbed(family, em.from_responsibilities(family, members, weights), weights))
    best = np.argmax([fit.log_likelihood for fit in fits], axis=0)
    if first:
        best[0] = 0  # the study itself is as it was found
    return em.joined(fits).take(best * n_problems + np.arange(n_problems))


def _climbed(family: em.Family, batch: em.Batch, weights: np.ndarray) -> em.Batch:
    batch = em.begun(batch.theta, batch.log_shares)
    return em.climb(family, batch, weights, max_steps=MAX_STEPS, tolerance=TOLERANCE)


def _alike(batch: em.Batch, p: int) -> em.Batch:
    """Give profiles of all problems the order of those they are nearest to in the first."""
    means = batch.theta[:p]
    theta, log_shares = batch.theta.copy(), batch.log_shares.copy()
    for problem in range(1, means.shape[2]):
        gaps = ((means[:, :, None, 0] - means[:, None, :, problem]) ** 2).sum(axis=0)
        order = linear_sum_assignment(gaps)[1]
        theta[..., problem] = batch.theta[:, order, problem]
        log_shares[:, problem] = batch.log_shares[order, problem]
    return replace(batch, theta=theta, log_shares=log_shares)


def _shares_given(family: em.Family, batch: em.Batch, weights: np.ndarray) -> np.ndarray:
    """Shares, k × B, under case weights, n × B, when the profiles themselves are as they are."""
    densities = em.log_joint(family, batch) - batch.log_shares[..., None]
    densities = np.exp(densities - densities.max(axis=0)).swapaxes(0, 1)  # B, k, n
    shares, weights = np.exp(batch.log_shares).T, weights.T / weights.sum(axis=0)[:, None]
    for _ in range(SHARE_STEPS):
        total = (shares[:, None] @ densities)[:, 0]
        shares = shares * (densities @ (weights / total)[..., None])[..., 0]
    return shares.T


def _memberships(family: em.Family, batch: em.Batch) -> np.ndarray:
    """Sum over problems of the membership probabilities of all units, n × k."""
    joint = em.log_joint(family, batch)
    chances = np.exp(joint - joint.max(axis=0))
    return np.asarray((chances / chances.sum(axis=0)).sum(axis=1).T)


def _parts(n_problems: int, n_cells: int) -> list[np.ndarray]:
    """Split problems of so many cells each, so that memory stays flat."""
    step = max(1, CELLS // n_cells)
    return np.split(np.arange(n_problems), range(step, n_problems, step))


def _told(found: np.ndarray, n: int, fraction: float, name: str) -> pd.DataFrame:
    """Shares of the first column, k, with the interval of the others, for a finite population."""
    share, samples = found[:, 0], found[:, 1:]
    variance = samples.var(axis=1, ddof=1)
    sampling = fraction * share * (1 - share) / n
    shrunk = np.sqrt(np.maximum(variance - sampling, 0) / np.maximum(variance, 1e-300))
    low, high = _ends(share, samples)
    ends = share + shrunk * (low - share), share + shrunk * (high - share)
    return pd.DataFrame(
        {f"{name}share": share, f"{name}low": ends[0], f"{name}high": ends[1]}
    ).clip(0, 1)


def _ends(found: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95% interval over samples, … × B, which holds what was found."""
    low, high = np.quantile(samples, [0.025, 0.975], axis=-1)
    return np.minimum(low, found), np.maximum(high, found)


def _errors(means: np.ndarray, partition: Partition) -> pd.DataFrame:
    """Means of the study, p × k × B, with their standard errors and intervals over samples."""
    index = pd.MultiIndex.from_product(
        [partition.probabilities.columns, partition.scores.columns], names=["profile", "phase"]
    )
    found, samples = means[..., 0], means[..., 1:]
    low, high = _ends(found, samples)
    errors = samples.std(axis=-1, ddof=1)
    told = {"true_mean": found, "se": errors, "true_low": low, "true_high": high}
    return pd.DataFrame({name: table.T.ravel() for name, table in told.items()}, index)
