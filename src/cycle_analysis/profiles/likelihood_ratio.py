"""Test k - 1 against k profiles by a bootstrapped likelihood ratio (McLachlan 1987).

It asks whether the *normal* mixture with k - 1 profiles explains the scores, not whether there are
profiles: on one skewed continuum it announces three to five. Read it beside the null test.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis.mixtures import ClassMixture, Mixture, Search
from cycle_analysis.seeds import Seed, children

TOLERANCE = 1e-7
"""Gain per unit at which a run has converged: ratios come out to the third decimal."""
Fit = Callable[..., Mixture | ClassMixture]
"""Fits k profiles to a table, as `mixtures.fit_mixture` and `mixtures.fit_classes` do."""


@dataclass(frozen=True, eq=False)
class LikelihoodRatio:
    """Whether k profiles fit better than k - 1 would by chance.

    Attributes
    ----------
    k : int
        The larger number of profiles.
    statistic : float
        Twice the gain in log-likelihood.
    null_statistics : array, B
        The same for samples drawn from k - 1 fitted profiles.
    """

    k: int
    statistic: float
    null_statistics: np.ndarray

    @property
    def p(self) -> float:
        """(b + 1) / (B + 1), b the samples with at least this gain: never 0."""
        reached = int((self.null_statistics >= self.statistic - 1e-9).sum())
        return (reached + 1) / (len(self.null_statistics) + 1)

    def __str__(self) -> str:
        return (
            f"{self.k - 1} against {self.k} profiles: likelihood ratio {self.statistic:.2f}, "
            f"p = {self.p:.3f} from {len(self.null_statistics)} samples"
        )


def bootstrap_likelihood_ratio(
    fit: Fit,
    table: pd.DataFrame,
    k: int,
    *,
    n_replicates: int = 99,
    n_starts: int = 10,
    seed: Seed = 1,
) -> LikelihoodRatio:
    """Compare the gain of the k-th profile with its gain in samples of k - 1 profiles.

    Parameters
    ----------
    fit : function (table, k, search=) -> mixture
        Such as `functools.partial(mixtures.fit_mixture, model=EEI)`.
    table : DataFrame, n units × p columns
        Scores or answers; samples get the same holes.
    k : int
        The larger number of profiles, 2 or more.
    n_replicates : int
        Samples.
    n_starts : int
        Starts per fit, each carried to convergence.
    seed : int or SeedSequence
        Each sample has its own child seed.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    ValueError
        When k is under 2, and as the fit.

    References
    ----------
    McLachlan (1987), Applied Statistics 36(3), 318-324.

    Examples
    --------
    >>> from cycle_analysis.mixtures import fit_mixture
    >>> rng = np.random.default_rng(1)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> bootstrap_likelihood_ratio(fit_mixture, scores, 2, n_replicates=9).p > 0.1
    True
    """
    if k < 2:
        raise ValueError(f"k = {k}: there is nothing under one profile. Allowed: 2 or more.")
    first, *rest = children(seed, n_replicates + 1)
    search = Search(n_starts, n_starts, tolerance=TOLERANCE, seed=first)
    smaller, larger = (fit(table, j, search=search) for j in (k - 1, k))
    gains = Parallel()(
        delayed(_null_gain)(fit, smaller, table, k, n_starts, child) for child in rest
    )
    gain = 2 * (larger.log_likelihood - smaller.log_likelihood)
    return LikelihoodRatio(k, gain, np.array(gains))


def likelihood_ratios(
    fit: Fit,
    table: pd.DataFrame,
    max_profiles: int,
    *,
    n_replicates: int = 99,
    n_starts: int = 10,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Test 1 against 2, 2 against 3, and so on up to `max_profiles`.

    Returns
    -------
    DataFrame, index k = 2..max_profiles
        likelihood_ratio, p; parameters as `bootstrap_likelihood_ratio`.
    """
    ks = range(2, max_profiles + 1)
    tests = [
        bootstrap_likelihood_ratio(
            fit, table, k, n_replicates=n_replicates, n_starts=n_starts, seed=child
        )
        for k, child in zip(ks, children(seed, len(ks)), strict=True)
    ]
    return pd.DataFrame(
        {"likelihood_ratio": [test.statistic for test in tests], "p": [test.p for test in tests]},
        index=pd.Index(ks, name="k"),
    )


def _null_gain(
    fit: Fit,
    smaller: Mixture | ClassMixture,
    table: pd.DataFrame,
    k: int,
    n_starts: int,
    seed: np.random.SeedSequence,
) -> float:
    values = smaller.draw(len(table), np.random.default_rng(seed))
    drawn = pd.DataFrame(values, index=table.index, columns=table.columns).where(table.notna())
    search = Search(n_starts, n_starts, tolerance=TOLERANCE, seed=children(seed, 1)[0])
    less, more = (fit(drawn, j, search=search).log_likelihood for j in (k - 1, k))
    return 2 * (more - less)
