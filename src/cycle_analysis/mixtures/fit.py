"""Fit a mixture of profiles: from a table of scores to shares, means and covariances.

Scores are centred and divided by one common scale (not one per phase: EII and VII would change
their meaning), fitted, and turned back. Phase scores are multiples of a step (a mean of a few
five-point items), so free variances can collapse on a heap of equal scores and the likelihood runs
away; no variance may therefore fall under `variance_floor` times the phase's own variance. On
standardised scores a floor of 1e-6 gave a spurious log-likelihood of -2164 where -2230 is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import em, starts
from cycle_analysis.mixtures.gaussian import EEI, CovarianceModel, Diagonal, Full
from cycle_analysis.seeds import Seed

SAME_OPTIMUM = 1e-4
"""Two runs found the same solution when their log-likelihoods differ by less than this per unit."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """k normal profiles fitted to phase scores; profiles numbered from low to high mean score.

    Attributes
    ----------
    model : CovarianceModel
        How (co)variances are shared.
    shares : Series, k profiles
        Share of the population, 0-1.
    means : DataFrame, k profiles × p phases
        Mean scores, in the unit of the scores.
    covariances : array, k × p × p
        Covariances within profiles.
    log_likelihood : float
        Of the observed scores, weighted.
    n_parameters : int
        Free parameters.
    n_units : float
        Number of units, or the sum of their weights.
    converged : bool
        Whether the best run converged.
    n_steps : int
        EM steps of the best run.
    n_finished : int
        Runs carried to convergence.
    n_replicated : int
        How many of those reached the best log-likelihood.
    at_floor : bool
        Whether a variance lies on the floor: a sign of a degenerate profile.
    """

    model: CovarianceModel
    shares: pd.Series
    means: pd.DataFrame
    covariances: np.ndarray
    log_likelihood: float
    n_parameters: int
    n_units: float
    converged: bool
    n_steps: int
    n_finished: int
    n_replicated: int
    at_floor: bool

    @property
    def k(self) -> int:
        """Number of profiles."""
        return len(self.shares)

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz 1978): the lower, the better."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n_units))

    def __str__(self) -> str:
        return (
            f"{self.k} latent profiles ({self.model}), log-likelihood {self.log_likelihood:.3f}, "
            f"{self.n_parameters} parameters, BIC {self.bic:.1f}; "
            f"best solution found in {self.n_replicated} of {self.n_finished} runs"
        )


def fit_profiles(
    scores: pd.DataFrame,
    k: int,
    model: CovarianceModel = EEI,
    *,
    weights: pd.Series | None = None,
    n_starts: int = 50,
    n_finished: int = 10,
    seed: Seed = 1,
    variance_floor: float = 0.01,
    max_steps: int = 5000,
    tolerance: float = 1e-9,
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
    weights : Series, n units, optional
        Case weights on the index of `scores`.
    n_starts, n_finished : int
        Short runs, and how many of the best are carried to convergence.
    seed : int or SeedSequence
        Seed of the random starts.
    variance_floor : float
        Smallest variance, as a share of the phase's variance.
    max_steps : int
        EM steps after which a run stops.
    tolerance : float
        Gain in log-likelihood per unit and cycle under which a run has converged.

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
    >>> fit_profiles(scores, 2).means.to_numpy().round(1)
    array([[11.,  7.],
           [61., 50.]])
    """
    check_scores(scores, k)
    case_weights = _checked_weights(weights, scores)
    ordered = scores.sort_values(list(scores.columns))
    case_weights = case_weights.loc[ordered.index].to_numpy()[:, None]
    centre, scale = _centre_and_scale(ordered)
    values = (ordered.to_numpy(dtype=float) - centre) / scale
    floor = variance_floor * np.nanvar(values, axis=0)
    family = _family(values, model, floor)
    rng = np.random.default_rng(seed)
    start = starts.memberships(values, k, n_starts if k > 1 else 1, rng)
    runs = _short_then_long(family, start, case_weights, n_finished, max_steps, tolerance)
    best = runs.take(np.array([runs.log_likelihood.argmax()]))
    densities = em.log_densities(family, best)
    n_observed = (np.isfinite(values).sum(axis=1) * case_weights[:, 0]).sum()
    close = SAME_OPTIMUM * case_weights.sum()
    means, covariances = family.moments(best.theta)
    order = np.lexsort((*means.T[::-1], means.mean(axis=1)))
    profiles = pd.RangeIndex(1, k + 1, name="profile")
    return Mixture(
        model=model,
        shares=pd.Series(np.exp(best.log_shares[order, 0]), index=profiles, name="share"),
        means=pd.DataFrame(means[order] * scale + centre, index=profiles, columns=scores.columns),
        covariances=covariances[order] * scale**2,
        log_likelihood=float(densities @ case_weights[:, 0] - n_observed * np.log(scale)),
        n_parameters=model.n_parameters(k, scores.shape[1]),
        n_units=float(case_weights.sum()),
        converged=bool(best.converged[0]),
        n_steps=int(best.n_steps[0]),
        n_finished=len(runs.log_likelihood),
        n_replicated=int((runs.log_likelihood > best.log_likelihood[0] - close).sum()),
        at_floor=bool(family.at_floor(best.theta)[0]),
    )


def profile_families(model: CovarianceModel) -> type[Diagonal] | type[Full]:
    """Give the family that fits a covariance model."""
    return Full if model.full else Diagonal


def classify(mixture: Mixture, scores: pd.DataFrame) -> pd.DataFrame:
    """Give each unit's membership probabilities under a fitted mixture.

    Parameters
    ----------
    mixture : Mixture
        Fitted on these or other scores of the same phases.
    scores : DataFrame, n units × p phases
        Phase scores; a missing score leaves the judgement to the others.

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
        result.loc[known] = em.posteriors(*_fixed(mixture, scores.loc[known]))
    return result


def log_likelihoods(mixture: Mixture, scores: pd.DataFrame) -> pd.Series:
    """Give each unit's log-likelihood under a fitted mixture, n units."""
    return pd.Series(em.log_densities(*_fixed(mixture, scores)), index=scores.index)


def draw(mixture: Mixture, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw n units from a fitted mixture: scores n × p, and the profile, 1..k, of each."""
    shares = mixture.shares.to_numpy()
    member = rng.choice(mixture.k, size=n, p=shares / shares.sum())
    factors = np.linalg.cholesky(mixture.covariances)[member]
    noise = rng.standard_normal((n, mixture.means.shape[1], 1))
    return mixture.means.to_numpy()[member] + (factors @ noise)[..., 0], member + 1


def check_scores(scores: pd.DataFrame, k: int) -> None:
    """Refuse scores that cannot be divided into k profiles, saying what to do.

    Raises
    ------
    ValueError
        With the fault, the units or phases concerned, and the remedy.
    """
    if empty := scores.index[scores.isna().all(axis=1)].tolist():
        raise ValueError(
            f"{len(empty)} of {len(scores)} units have no score at all: {empty[:5]}. "
            "Leave them out first: scores.dropna(how='all')."
        )
    if scores.index.has_duplicates:
        twice = scores.index[scores.index.duplicated()].unique().tolist()
        raise ValueError(f"Units appear more than once: {twice[:5]}. Give each unit one row.")
    if not np.isfinite(scores.to_numpy(dtype=float)[scores.notna().to_numpy()]).all():
        raise ValueError("Scores contain infinity. Allowed: numbers and NaN. Mend the scores.")
    n_distinct = len(scores.drop_duplicates())
    if not 1 <= k <= max(n_distinct, 1):
        raise ValueError(
            f"k = {k} profiles asked of {len(scores)} units with {n_distinct} distinct score "
            f"profiles. Allowed: 1 to {n_distinct}. Ask for fewer profiles."
        )
    spread = scores.max() - scores.min()
    if k > 1 and (constant := spread.index[~(spread > 0)].tolist()):
        raise ValueError(
            f"Every unit has the same score on {constant}: nothing to divide there. "
            f"Leave it out first: scores.drop(columns={constant})."
        )


def _checked_weights(weights: pd.Series | None, scores: pd.DataFrame) -> pd.Series:
    if weights is None:
        return pd.Series(1.0, index=scores.index)
    aligned = weights.reindex(scores.index).astype(float)
    if not (aligned >= 0).all() or not aligned.sum() > 0:
        bad = aligned.index[~(aligned >= 0)].tolist()
        raise ValueError(
            f"Case weights must be 0 or more for every unit; not so for {bad[:5]}. "
            "Give a weight for each unit."
        )
    return aligned


def _centre_and_scale(scores: pd.DataFrame) -> tuple[np.ndarray, float]:
    centre = scores.mean().to_numpy(dtype=float)
    scale = float(np.sqrt(scores.var(ddof=0).mean()))
    return centre, scale if scale > 0 else 1.0


def _family(values: np.ndarray, model: CovarianceModel, floor: np.ndarray) -> Diagonal | Full:
    floor = np.maximum(floor, 1e-12)
    return profile_families(model)(values, model, floor)


def _short_then_long(
    family: em.Family,
    start: np.ndarray,
    weights: np.ndarray,
    n_finished: int,
    max_steps: int,
    tolerance: float,
) -> em.Batch:
    """Fifteen EM steps from every start, then the best to convergence."""
    batch = em.from_responsibilities(family, start, weights)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if len(batch.log_likelihood) > n_finished:
            batch = em.climb(family, batch, weights, max_steps=15, tolerance=tolerance)
            batch = batch.take(np.argsort(-batch.log_likelihood, kind="stable")[:n_finished])
        return em.climb(family, batch, weights, max_steps=max_steps, tolerance=tolerance)


def _fixed(mixture: Mixture, scores: pd.DataFrame) -> tuple[em.Family, em.Batch]:
    """Set the mixture's parameters as a batch of one problem on these scores."""
    if absent := [phase for phase in mixture.means.columns if phase not in scores.columns]:
        raise ValueError(
            f"The scores lack {absent}, on which the profiles were fitted. "
            "Give all phases of the fitted profiles."
        )
    values = scores[list(mixture.means.columns)].to_numpy(dtype=float)
    family = _family(values, mixture.model, np.full(values.shape[1], 1e-12))
    theta = family.coordinates(mixture.means.to_numpy(), mixture.covariances)
    log_shares = np.log(np.maximum(mixture.shares.to_numpy(), 1e-13))[:, None]
    none = np.zeros(1)
    return family, em.Batch(theta, log_shares, none, none.astype(bool), none)


def race(mixtures: Sequence[Mixture]) -> Mixture:
    """Give the mixture with the lowest BIC; on a tie the one with fewer parameters."""
    return min(mixtures, key=lambda mixture: (round(mixture.bic, 6), mixture.n_parameters))
