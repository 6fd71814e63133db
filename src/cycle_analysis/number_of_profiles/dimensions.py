"""Ask how many dimensions the phases share: none, one, or more.

Parallel analysis (Horn 1965) counts the eigenvalues of the correlations that go beyond chance; a
bootstrap tests whether one common factor leaves no more correlation than chance would.
"""

import numpy as np
import pandas as pd

from cycle_analysis.number_of_profiles.copula import fit_one_factor, one_factor
from cycle_analysis.seeds import Seed, children


def n_dimensions(
    scores: pd.DataFrame, n_replicates: int = 199, share: float = 0.95, *, seed: Seed = 1
) -> int:
    """Count eigenvalues of the correlations beyond those of columns shuffled independently.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete scores.
    n_replicates : int
        Shuffles.
    share : float
        Quantile of the shuffled eigenvalues that counts as chance.
    seed : int or SeedSequence
        Seed of the shuffles.

    Returns
    -------
    int
        0..p, stopping at the first eigenvalue within chance (Horn 1965, by permutation).
    """
    values = scores.to_numpy(dtype=float)
    values = values[:, values.std(axis=0) > 0]
    if values.shape[1] < 2:
        return 0
    rng = np.random.default_rng(children(seed, 1)[0])
    shuffled = [_eigenvalues(rng.permuted(values, axis=0)) for _ in range(n_replicates)]
    beyond = _eigenvalues(values) > np.quantile(shuffled, share, axis=0)
    return int(beyond.cumprod().sum())


def one_dimension_p(scores: pd.DataFrame, n_replicates: int = 199, *, seed: Seed = 1) -> float:
    """Test whether one common factor is enough for the correlations.

    The statistic is the sum of squared residual correlations; its distribution comes from surveys
    drawn from the one-factor copula with the scores' own marginals.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete scores.
    n_replicates : int
        Surveys drawn.
    seed : int or SeedSequence
        Seed of the draws.

    Returns
    -------
    float
        (b + 1) / (B + 1); 1 with fewer than four phases, which one factor always fits.
    """
    varying = scores.loc[:, scores.max() > scores.min()]
    if varying.shape[1] < 4:
        return 1.0
    null = fit_one_factor(varying)
    rng = np.random.default_rng(children(seed, 1)[0])
    observed = _residual(varying.to_numpy(float))
    drawn = [_residual(null(rng).to_numpy(float)) for _ in range(n_replicates)]
    return float((1 + np.sum(np.array(drawn) >= observed)) / (n_replicates + 1))


def _residual(values: np.ndarray) -> float:
    """Sum of squared correlations that one factor leaves."""
    correlation = _correlations(values)
    return float(((correlation - one_factor(correlation, n_rounds=50)) ** 2).sum())


def _eigenvalues(values: np.ndarray) -> np.ndarray:
    return np.linalg.eigvalsh(_correlations(values))[::-1]


def _correlations(values: np.ndarray) -> np.ndarray:
    """Correlate columns; one that does not vary, as may happen in a draw, goes with none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nan_to_num(np.corrcoef(values.T))
    np.fill_diagonal(found, 1.0)
    return found
