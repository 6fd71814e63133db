"""Fit a mixture of profiles: from a table of scores to shares, means and covariances.

Scores are centred and divided by one common scale (not one per phase: EII and VII would change
their meaning), fitted, and turned back. Phase scores are multiples of a step (a mean of a few
five-point items), so free variances can collapse on a heap of equal scores and the likelihood runs
away; no variance may therefore fall under `variance_floor` times the phase's own variance, nor
under what rounding to such steps leaves. On standardised scores a floor of 1e-6 gave a spurious
log-likelihood of -2164 where -2230 is right; of a line asked with one seven-point question a phase,
heaps were announced as profiles in 4 of 30 surveys.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.special import logsumexp

from cycle_analysis.chance import Seed
from cycle_analysis.mixtures import em
from cycle_analysis.mixtures.gaussian import EEI, CovarianceModel, Diagonal, Full
from cycle_analysis.mixtures.measured import Measured, Noise
from cycle_analysis.mixtures.search import (
    Outcome,
    Search,
    best_of_starts,
    checked_weights,
    mixed,
)


class Model(Protocol):
    """What the components of a mixture may look like: a covariance model, or a course."""

    @property
    def name(self) -> str:
        """Name, for tables."""

    @property
    def components(self) -> CovarianceModel:
        """The covariance model of the components, once fitted."""

    def family(self, values: np.ndarray, floor: np.ndarray) -> "Components":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""

    def n_parameters(self, k: int, p: int) -> int:
        """Count the free parameters of k components on p phases."""


Components = Diagonal | Full | Measured
"""Normal components, as the engine takes them."""
OTHER_STARTS, FINISHED = 10, 4
"""Starts besides the profiles of scores where those of true scores are fitted, which with much
error may be others; and runs that are carried to convergence."""
FOLDS, DIVISIONS = 5, 10
"""Parts of the units that are left out in turn, and how many times units are divided into these:
of one division the outcome rests on the seed."""
HELD_OUT_TOLERANCE = 2e-5
"""Gain per unit and cycle at which a fit without some units has converged."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """k normal profiles fitted to phase scores; profiles numbered from low to high mean score.

    Attributes
    ----------
    model : Model
        How (co)variances are shared, or which course the components follow.
    shares : Series, k profiles
        Share of the population, 0-1.
    means : DataFrame, k profiles × p phases
        Mean scores, in the unit of the scores.
    covariances : array, k × p × p
        Covariances within profiles.
    n_units : float
        Number of units, or the sum of their weights.
    outcome : Outcome
        How the search ended: the log-likelihood, and how often it was reached.
    at_floor : bool
        Whether a variance lies on the floor: a sign of a degenerate profile.
    theta : array, m × k × 1, optional
        Parameters in the engine's coordinates, where means and covariances do not tell all.
    """

    model: Model
    shares: pd.Series
    means: pd.DataFrame
    covariances: np.ndarray
    n_units: float
    outcome: Outcome
    at_floor: bool
    theta: np.ndarray | None = None

    @property
    def k(self) -> int:
        """Number of profiles."""
        return len(self.shares)

    @property
    def name(self) -> str:
        """Name of the method, for tables and sentences."""
        return f"latent profiles {self.model}"

    @property
    def log_likelihood(self) -> float:
        """Of the scores observed, weighted."""
        return self.outcome.log_likelihood

    @property
    def n_parameters(self) -> int:
        """Shares, means and (co)variances that are free."""
        return self.model.n_parameters(self.k, self.means.shape[1])

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz 1978): the lower, the better."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n_units))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the scores of n units, n × p phases."""
        return self.draw_with_profiles(n, rng)[0]

    def draw_with_profiles(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw the scores of n units, n × p phases, and their profiles, 0..k-1."""
        member = rng.choice(self.k, size=n, p=self.shares.to_numpy() / self.shares.sum())
        factors = np.linalg.cholesky(self.covariances)[member]
        noise = rng.standard_normal((n, self.means.shape[1], 1))
        return self.means.to_numpy()[member] + (factors @ noise)[..., 0], member


def fit_mixture(
    scores: pd.DataFrame,
    k: int,
    model: CovarianceModel = EEI,
    *,
    error: Noise | None = None,
    weights: pd.Series | None = None,
    variance_floor: float = 0.01,
    search: Search = Search(),  # noqa: B008 (frozen)
) -> Mixture:
    """Fit k latent profiles to phase scores.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; NaN is allowed where at least one score of the unit is known.
    k : int
        Number of profiles, 1 or more.
    model : CovarianceModel
        How (co)variances are shared.
    error : Noise, optional
        Error covariance of each unit's scores, in the order of `scores`. The profiles are then
        those of the true scores.
    weights : Series, n units, optional
        Case weights on the index of `scores`.
    variance_floor : float
        Smallest variance, as a share of the phase's variance; where scores repeat it is at least
        that of rounding to their step, h² / 12 (Sheppard 1898, Proceedings of the London
        Mathematical Society 29, 353-380).
    search : Search
        Starts, tolerance and seed.

    Returns
    -------
    Mixture

    Raises
    ------
    ValueError
        On impossible k, a constant phase, a unit without any score, bad weights.

    References
    ----------
    Scrucca, Fop, Murphy & Raftery (2016), The R Journal 8(1), 289-317.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 60, 62, 61], "EX": [5, 9, 7, 50, 52, 48]})
    >>> fit_mixture(scores, 2).means.to_numpy().round(1)
    array([[11.,  7.],
           [61., 50.]])
    """
    check_scores(scores, k)
    data = standardise(scores, weights, variance_floor)
    family = model.family(data.z, data.floor, standardised_noise(error, scores, data))
    best, outcome = best_of_starts(family, data.z, k, data.weights, search)
    return as_mixture(model, data, family, best, outcome)


def refit_mixture(
    scores: pd.DataFrame, memberships: pd.DataFrame, model: CovarianceModel, error: Noise
) -> Mixture:
    """Fit profiles of true scores, from the memberships of a mixture of scores and some starts.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
    memberships : DataFrame, n units × k profiles
        Probabilities to start from, on the index of `scores`.
    model : CovarianceModel
        How the (co)variances of the true scores are shared.
    error : Noise
        Error covariance of each unit's scores, in the order of `scores`.

    Returns
    -------
    Mixture

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10.0, 30.0, 20.0, 70.0, 50.0, 60.0]})
    >>> near = pd.DataFrame({1: [1.0] * 3 + [0.0] * 3, 2: [0.0] * 3 + [1.0] * 3})
    >>> error = Noise(np.array([[[60.0]]]), np.ones((6, 1, 1)))
    >>> refit_mixture(scores, near, EEI, error).covariances.ravel().round().tolist()
    [7.0, 7.0]
    """
    data = standardise(scores)
    family = model.family(data.z, data.floor, standardised_noise(error, scores, data))
    given = memberships.loc[data.scores.index].to_numpy()[..., None]

    def start(values: np.ndarray, k: int, n: int, rng: np.random.Generator) -> np.ndarray:
        return np.concatenate([given, mixed(values, k, n - 1, rng)], axis=2)

    search = Search(OTHER_STARTS + 1, FINISHED, 2000, 1e-8)
    k = memberships.shape[1]
    best, outcome = best_of_starts(family, data.z, k, data.weights, search, start)
    return as_mixture(model, data, family, best, outcome)


@dataclass(frozen=True, eq=False)
class Standardised:
    """Scores as the engine takes them: in order of their values, centred, on one common scale.

    Attributes
    ----------
    scores : DataFrame, n units × p phases
        As given, in the order of their values, so that ties break alike in any order of rows.
    z : array, n × p
        Scores centred and divided by `scale`.
    weights : array, n
    centre : array, p
    scale : float
    floor : array, p
        Smallest variances of z.
    """

    scores: pd.DataFrame
    z: np.ndarray
    weights: np.ndarray
    centre: np.ndarray
    scale: float
    floor: np.ndarray


def standardise(
    scores: pd.DataFrame, weights: pd.Series | None = None, variance_floor: float = 0.01
) -> Standardised:
    """Bring scores on the engine's scale; see `fit_mixture`."""
    ordered = scores.sort_values(list(scores.columns))
    case_weights = checked_weights(weights, scores).loc[ordered.index].to_numpy()
    centre = ordered.mean().to_numpy(dtype=float)
    scale = float(np.sqrt(ordered.var(ddof=0).mean())) or 1.0
    values = (ordered.to_numpy(dtype=float) - centre) / scale
    least = np.maximum(variance_floor * np.nanvar(values, axis=0), 1e-12)
    floor = np.maximum(least, [_rounding_variance(column) for column in values.T])
    return Standardised(ordered, values, case_weights, centre, scale, floor)


def _rounding_variance(values: np.ndarray) -> float:
    """Variance that rounding to steps leaves, h² / 12; 0 where each value stands about once."""
    known = values[np.isfinite(values)]
    distinct, counts = np.unique(known.round(9), return_counts=True)
    if not 1 < len(distinct) <= len(known) / 2:
        return 0.0
    gaps = np.diff(distinct, prepend=-np.inf, append=np.inf)
    step = np.median(np.repeat(np.minimum(gaps[1:], gaps[:-1]), counts))
    return float(step**2 / 12)


def standardised_noise(
    error: Noise | None, scores: pd.DataFrame, data: Standardised
) -> Noise | None:
    """Bring an error on the scale and in the order of the scores; none where it is 0."""
    if error is None or not error.within.any():
        return None
    order = scores.index.get_indexer(data.scores.index)
    return error.take(order).scaled(data.scale)


def as_mixture(
    model: Model,
    data: Standardised,
    family: Components,
    best: em.Batch,
    outcome: Outcome,
    *,
    in_order: bool = False,
) -> Mixture:
    """Turn a solution back to the unit of the scores; components from low to high, or in order."""
    n_observed = np.isfinite(data.z).sum(axis=1) @ data.weights
    log_likelihood = outcome.log_likelihood - n_observed * np.log(data.scale)
    means, covariances = family.moments(best.theta)
    order = np.lexsort((*means.T[::-1], means.mean(axis=1)))
    if in_order:
        order = np.arange(len(means))
    names = pd.RangeIndex(1, len(order) + 1, name="profile")
    phases = data.scores.columns
    return Mixture(
        model=model,
        shares=pd.Series(np.exp(best.log_shares[order, 0]), index=names, name="share"),
        means=pd.DataFrame(means[order] * data.scale + data.centre, names, phases),
        covariances=covariances[order] * data.scale**2,
        n_units=float(data.weights.sum()),
        outcome=replace(outcome, log_likelihood=float(log_likelihood)),
        at_floor=bool(family.at_floor(best.theta)[0]),
    )


def classify(mixture: Mixture, scores: pd.DataFrame, error: Noise | None = None) -> pd.DataFrame:
    """Give each unit's membership probabilities under a fitted mixture.

    Parameters
    ----------
    mixture : Mixture
        Fitted on these or other scores of the same phases.
    scores : DataFrame, n units × p phases
        Phase scores; a missing score leaves the judgement to the others.
    error : Noise, optional
        Error covariance of each unit's scores, for a mixture of true scores.

    Returns
    -------
    DataFrame, n units × k profiles
        Probabilities, 0-1; each row adds up to 1. A unit without any score gets NaN.

    Raises
    ------
    ValueError
        When a phase of the mixture is absent.
    """
    known = scores.notna().any(axis=1)
    result = pd.DataFrame(np.nan, index=scores.index, columns=mixture.means.index)
    if known.any():
        own = error.take(known.to_numpy()) if error is not None else None
        result.loc[known], _ = em.memberships(*_fixed(mixture, scores.loc[known], own))
    return result


def log_likelihoods(mixture: Mixture, scores: pd.DataFrame) -> pd.Series:
    """Give each unit's log-likelihood under a fitted mixture, n units."""
    return pd.Series(em.memberships(*_fixed(mixture, scores))[1], index=scores.index)


def held_out(mixtures: Sequence[Mixture], scores: pd.DataFrame, seed: Seed = 1) -> pd.DataFrame:
    """Give each unit's log-likelihood under mixtures that were fitted without it.

    Each fold is left out in turn, and the mixture climbs anew from where all units had brought it.
    The mean over several divisions into folds is given.

    Parameters
    ----------
    mixtures : sequence of Mixture
        Profiles or courses, fitted on these scores.
    scores : DataFrame, n units × p phases
        Phase scores.
    seed : int or SeedSequence
        Seed of the divisions of units into folds.

    Returns
    -------
    DataFrame, n units × mixtures
        A column for each, from 0 in the order given.

    References
    ----------
    Burman (1989), Biometrika 76(3), 503-514. Smyth (2000), Statistics and Computing 10(1), 63-72.
    """
    data = standardise(scores)
    n = len(data.z)
    rng = np.random.default_rng(seed)
    folds = np.array([rng.permutation(n) % FOLDS for _ in range(DIVISIONS)])
    out = (folds[:, None] == np.arange(FOLDS)[:, None]).reshape(-1, n)
    result = np.empty((n, len(mixtures)))
    for column, mixture in enumerate(mixtures):
        family = mixture.model.family(data.z, data.floor)
        theta = mixture.theta
        if theta is None:
            means = (mixture.means.to_numpy() - data.centre) / data.scale
            theta = family.coordinates(means, mixture.covariances / data.scale**2)
        start = em.fixed(theta, mixture.shares.to_numpy()).take(np.zeros(len(out), dtype=int))
        kept = (~out).astype(float).T
        found = em.climb(family, start, kept, max_steps=60, tolerance=HELD_OUT_TOLERANCE)
        densities = logsumexp(em.log_joint(family, found), axis=0)
        result[:, column] = densities.sum(axis=0, where=out) / DIVISIONS
    result -= np.isfinite(data.z).sum(axis=1)[:, None] * np.log(data.scale)
    return pd.DataFrame(result, index=data.scores.index).loc[scores.index]


def race(mixtures: Sequence[Mixture]) -> Mixture:
    """Give the mixture with the lowest BIC; on a tie the one with fewer parameters."""
    return min(mixtures, key=lambda mixture: (round(mixture.bic, 6), mixture.n_parameters))


def check_scores(scores: pd.DataFrame, k: int) -> None:
    """Refuse scores that cannot be divided into k profiles, saying what to do.

    Raises
    ------
    ValueError
        With the fault, the units or phases concerned, and the remedy.
    """
    check_table(scores, k)
    same = scores.max() == scores.min()
    if k > 1 and same.any():
        constant = scores.columns[same].tolist()
        raise ValueError(
            f"Every unit has the same score on {constant}: nothing to divide there. "
            f"Leave it out first: scores.drop(columns={constant})."
        )


def check_table(scores: pd.DataFrame, k: int) -> None:
    """Refuse scores, or answers, of which k groups cannot be made, saying what to do.

    Raises
    ------
    ValueError
        As `check_units`, on columns that nobody has, and on impossible k.
    """
    check_units(scores)
    if (unknown := scores.isna().all()).any():
        absent = scores.columns[unknown].tolist()
        raise ValueError(
            f"No unit has a score on {absent}. Leave it out first: scores.drop(columns={absent})."
        )
    distinct = n_distinct(scores.to_numpy(dtype=float))
    if not isinstance(k, int | np.integer) or not 1 <= k <= distinct:
        raise ValueError(
            f"k = {k!r} profiles asked of {len(scores)} units with {distinct} distinct score "
            f"profiles. Allowed: 1 to {distinct}. Ask for fewer profiles."
        )


def check_units(scores: pd.DataFrame) -> None:
    """Refuse a table in which some unit cannot be given a profile, saying what to do.

    Raises
    ------
    ValueError
        Without units, on text, doubles, infinity, or a unit without any score.
    """
    if scores.empty:
        raise ValueError("There are no scores to divide. Give a table with units and phases.")
    if text := [phase for phase, kind in scores.dtypes.items() if not is_numeric_dtype(kind)]:
        raise ValueError(f"Scores must be numbers, which {text} are not. Score the answers first.")
    if scores.columns.has_duplicates:
        twice = scores.columns[scores.columns.duplicated()].unique().tolist()
        raise ValueError(f"Phases appear more than once: {twice}. Give each phase one column.")
    if scores.index.has_duplicates:
        twice = scores.index[scores.index.duplicated()].unique().tolist()
        raise ValueError(f"Units appear more than once: {twice[:5]}. Give each unit one row.")
    values = scores.to_numpy(dtype=float)
    if (silent := np.isnan(values).all(axis=1)).any():
        raise ValueError(
            f"{silent.sum()} of {len(scores)} units have no score at all: "
            f"{scores.index[silent].tolist()[:5]}. "
            "Leave them out first: scores.dropna(how='all')."
        )
    if np.isinf(values).any():
        raise ValueError("Scores contain infinity. Allowed: numbers and NaN. Mend the scores.")


def n_distinct(values: np.ndarray) -> int:
    """Count the distinct rows, NaN counting as a value."""
    filled = np.nan_to_num(values, nan=-1e300)
    ordered = filled[np.lexsort(filled.T)]
    return 1 + int((ordered[1:] != ordered[:-1]).any(axis=1).sum())


def _fixed(
    mixture: Mixture, scores: pd.DataFrame, error: Noise | None = None
) -> tuple[em.Family, em.Batch]:
    """Set the mixture's parameters as a batch of one problem on these scores."""
    values = scores[list(mixture.means.columns)].to_numpy(dtype=float)
    family = mixture.model.components.family(values, np.full(values.shape[1], 1e-12), error)
    theta = family.coordinates(mixture.means.to_numpy(), mixture.covariances)
    return family, em.fixed(theta, mixture.shares.to_numpy())
