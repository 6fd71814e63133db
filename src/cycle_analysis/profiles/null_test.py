"""Ask first whether there are profiles at all.

Before profiles are announced, (a) BIC, over models with and without covariances and from one
profile up, takes more than one; (b) Ward + k-means separates the units better than it separates
surveys without groups that have the same marginals and correlations (Hennig & Lin 2015), and better
than such surveys of one dimension; (c) the groups are more than steps of one series (`verdict`).
Criteria alone announce profiles on any continuum; benchmarks/verdict.py shows how often this rule
does.

The statistic is the largest over k of the mean silhouette *standardised by the surveys without
groups at the same k*. The plain maximum nearly always comes from k = 2, where cutting any continuum
in two does as well: it found four clear profiles among 100 units in 10 % of surveys, the
standardised one in 98 %.

Beside it: how many dimensions the phases share, by parallel analysis (Horn 1965) and a bootstrap of
what one common factor leaves; and whether the mean score has a gap (Silverman 1981), which smooths
the numbers just so far that one mode is left, and asks how often samples from that smooth curve
show more of them.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.ndimage import gaussian_filter1d

from cycle_analysis.mixtures import check_scores
from cycle_analysis.profiles import separation
from cycle_analysis.profiles.partitions import ward_kmeans
from cycle_analysis.profiles.selection import choose, compare
from cycle_analysis.profiles.separation import Null, fit_copula, fit_one_factor, one_factor
from cycle_analysis.profiles.typology import crossings, shape_shares
from cycle_analysis.profiles.verdict import Evidence, nothing_to_divide
from cycle_analysis.seeds import Seed, children

FEW_UNITS, UNITS_PER_PROFILE = 30, 10
"""Units from which a test is of use; units for each profile that is tried."""
N_BINS = 512
"""Bins over the range of numbers and its margins; a bandwidth is many of them."""
ROUNDS = 30
"""Halvings of the interval in which the critical bandwidth is sought."""


def null_test(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    *,
    table: pd.DataFrame | None = None,
    nulls: Mapping[str, Null] | None = None,
    n_replicates: int = 199,
    seed: Seed = 1,
) -> Evidence:
    """Say whether the scores hold profiles, structure, a continuum, or nothing.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; units with a missing score do not count in the silhouette.
    max_profiles : int
        Largest k; at most one profile per ten units is tried.
    table : DataFrame, optional
        Criteria as `selection.compare` gives them, when already computed.
    nulls : mapping of str to function, optional
        Surveys without groups; by default the copula of the scores and its one-factor version.
        Give `null_surveys.without_groups` where answers of respondents are at hand.
    n_replicates : int
        Surveys drawn per null; 199 to 999.
    seed : int or SeedSequence
        Each replicate has its own child seed.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        With one phase, with fewer than ten complete units, and as `mixtures.check_scores`.

    References
    ----------
    Hennig & Lin (2015), Statistics and Computing 25(4), 821-833.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> level = rng.normal(50, 15, (80, 1))
    >>> scores = pd.DataFrame(level + rng.normal(0, 6, (80, 3)), columns=["AG", "EX", "VB"])
    >>> print(null_test(scores, 4, n_replicates=39).verdict)
    continuum
    """
    check_scores(scores, 1)
    complete = scores.dropna()
    if len(complete.drop_duplicates()) < 2:
        return nothing_to_divide(len(scores))
    _check_enough(complete, scores)
    highest = max(2, min(max_profiles, len(complete) // UNITS_PER_PROFILE))
    first, second, third, fourth, fifth = children(seed, 5)
    if table is None:
        table = compare(scores, highest, n_references=2, seed=first)
    choice = choose(table)
    if nulls is None:
        nulls = {"copula": fit_copula(complete), "one_factor": fit_one_factor(complete)}
    ks = range(2, highest + 1)
    drawn = {name: null_silhouettes(null, ks, n_replicates, second) for name, null in nulls.items()}
    widths = separation.silhouettes(complete.to_numpy(float), ks)
    partition = ward_kmeans(complete, min(max(choice.k, 2), len(complete.drop_duplicates())))
    return Evidence(
        choice=choice,
        silhouettes=pd.Series(widths, index=pd.Index(ks, name="k"), name="silhouette"),
        null_silhouettes=pd.concat(drawn, axis=1),
        shares=shape_shares(partition),
        lines_cross=not crossings(partition).empty,
        p_one_mode=one_mode_p(complete.mean(axis=1).to_numpy(), seed=fifth),
        n_dimensions=n_dimensions(complete, seed=third),
        p_one_dimension=one_dimension_p(complete, seed=fourth),
        n_units=len(complete),
    )


def null_silhouettes(null: Null, ks: range, n_replicates: int, seed: Seed) -> pd.DataFrame:
    """Mean silhouettes of surveys without groups, n_replicates × k."""
    drawn = Parallel()(
        delayed(_null_silhouettes)(null, ks, child) for child in children(seed, n_replicates)
    )
    return pd.DataFrame(np.array(drawn), columns=pd.Index(ks, name="k"))


def n_dimensions(scores: pd.DataFrame, n_replicates: int = 199, *, seed: Seed = 1) -> int:
    """Count eigenvalues of the correlations beyond 95 % of those of shuffled columns.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete scores.
    n_replicates : int
        Shuffles.
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
    beyond = _eigenvalues(values) > np.quantile(shuffled, 0.95, axis=0)
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


def one_mode_p(values: np.ndarray, n_replicates: int = 199, *, seed: Seed = 1) -> float:
    """Test whether numbers may come from a distribution with a single mode.

    Parameters
    ----------
    values : array, n
        Such as the mean scores of units.
    n_replicates : int
        Samples from the smooth curve.
    seed : int or SeedSequence
        Seed of the samples.

    Returns
    -------
    float
        (b + 1) / (B + 1), b the samples with more than one mode at the critical bandwidth. The test
        is cautious: it rejects a single mode less often than its level says.

    References
    ----------
    Silverman (1981), JRSS B 43(1), 97-99; samples shrunk to the variance of the numbers, as there.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one_mode_p(rng.normal(50, 10, 100)) > 0.1
    True
    >>> one_mode_p(np.concatenate([rng.normal(20, 5, 50), rng.normal(70, 5, 50)]))
    0.005
    """
    spread = float(values.std())
    if spread == 0:
        return 1.0
    bandwidth = critical_bandwidth(values)
    rng = np.random.default_rng(children(seed, 1)[0])
    drawn = rng.choice(values, (n_replicates, len(values)))
    drawn = drawn + bandwidth * rng.standard_normal(drawn.shape)
    drawn = values.mean() + (drawn - values.mean()) / np.sqrt(1 + (bandwidth / spread) ** 2)
    more = sum(n_modes(sample, bandwidth) > 1 for sample in drawn)
    return float((more + 1) / (n_replicates + 1))


def critical_bandwidth(values: np.ndarray) -> float:
    """Give the smallest bandwidth of a normal kernel that leaves one mode."""
    low, high = 0.0, float(np.ptp(values))
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        low, high = (low, middle) if n_modes(values, middle) <= 1 else (middle, high)
    return high


def n_modes(values: np.ndarray, bandwidth: float) -> int:
    """Count the modes of a normal kernel density.

    Examples
    --------
    >>> n_modes(np.array([0.0, 0.0, 9.0, 9.0]), 1.0), n_modes(np.array([0.0, 0.0, 9.0, 9.0]), 9.0)
    (2, 1)
    """
    margin = 3 * bandwidth
    low, high = values.min() - margin, values.max() + margin
    counts = np.histogram(values, N_BINS, (low, high))[0].astype(float)
    step = (high - low) / N_BINS
    density = gaussian_filter1d(counts, bandwidth / step, mode="constant", truncate=6)
    slope = np.diff(density)
    # Far from all values the density is flat at rounding errors, which are no modes
    slope = slope[np.abs(slope) > 1e-9 * density.max()]
    return int(((slope[:-1] > 0) & (slope[1:] < 0)).sum())


def _null_silhouettes(null: Null, ks: range, seed: np.random.SeedSequence) -> np.ndarray:
    drawn = null(np.random.default_rng(seed)).dropna().to_numpy(float)
    return separation.silhouettes(drawn, ks)


def _check_enough(complete: pd.DataFrame, scores: pd.DataFrame) -> None:
    if scores.shape[1] < 2:
        raise ValueError(
            "One phase has no shape: profiles need two phases or more. Describe its distribution."
        )
    if len(complete) < UNITS_PER_PROFILE:
        raise ValueError(
            f"{len(complete)} of {len(scores)} units have all their scores: too few to look for "
            f"profiles. Allowed: {UNITS_PER_PROFILE} or more, of use from {FEW_UNITS}. "
            "Describe the units one by one, or leave out a phase that most of them lack."
        )


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
