"""Are groups more separate than in surveys without groups? Copulas and silhouettes.

Simulate surveys like the user's own, but without any groups.

A Gaussian copula keeps the observed marginals, heaps and floors included, and the correlations,
and has nothing else (Hennig & Lin 2015, Statistics and Computing 25, 821-833). Its one-factor
version keeps only what one dimension explains. `answer_copula` does the same one level lower, where
the data arose.

Measure how well a division separates its groups: silhouette, Calinski-Harabasz, gap.

All take plain arrays, because resampling calls them thousands of times. The gap follows
Tibshirani, Walther & Hastie (2001): squared distances (R's clusGap with d.power = 2; its default
is 1), reference data uniform over the box along the principal components.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.spatial.distance import pdist, squareform
from scipy.special import ndtr

from cycle_analysis.mixtures.search import WardTree
from cycle_analysis.seeds import Seed, children

Null = Callable[[np.random.Generator], pd.DataFrame]
"""A survey without groups: draws scores like the user's, n units × p phases."""
CALIBRATION_ROWS = 4000
"""Fixed draws by which latent correlations are tuned to the observed ones."""
CALIBRATION_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Copula:
    """A survey without groups, to be drawn as often as wanted.

    Attributes
    ----------
    template : DataFrame, n units × p phases
        The scores imitated: index, columns, marginals, and where scores are missing.
    correlation : array, p × p
        Of the latent normal variables.
    """

    template: pd.DataFrame
    correlation: np.ndarray

    def __call__(self, rng: np.random.Generator) -> pd.DataFrame:
        """Draw one survey, n units × p phases, missing where the template is."""
        latent = rng.standard_normal(self.template.shape) @ self._root.T
        drawn = np.where(self._observed, to_margins(latent, self._margins), np.nan)
        return pd.DataFrame(drawn, self.template.index, self.template.columns)

    @cached_property
    def _root(self) -> np.ndarray:
        return root(self.correlation)

    @cached_property
    def _margins(self) -> list[np.ndarray]:
        return margins(self.template)

    @cached_property
    def _observed(self) -> np.ndarray:
        return self.template.notna().to_numpy()


def fit_copula(scores: pd.DataFrame) -> Copula:
    """Fit a Gaussian copula with the scores' own marginals and correlations.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores.

    Returns
    -------
    Copula

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (200, 2)) + rng.normal(0, 9, (200, 1)))
    >>> drawn = fit_copula(scores)(np.random.default_rng(2))
    >>> bool(abs(drawn.corr().iloc[0, 1] - scores.corr().iloc[0, 1]) < 0.2)
    True
    """
    return Copula(scores, calibrated(scores))


def fit_one_factor(scores: pd.DataFrame) -> Copula:
    """Fit the copula in which one dimension carries all correlation."""
    return Copula(scores, one_factor(calibrated(scores)))


def one_factor(correlation: np.ndarray, n_rounds: int = 200) -> np.ndarray:
    """Give the correlations that the first principal axis factor reproduces.

    Parameters
    ----------
    correlation : array, p × p
        Correlations.
    n_rounds : int
        Rounds of principal axis factoring.

    Returns
    -------
    array, p × p
        Outer product of the loadings, ones on the diagonal.
    """
    reduced = correlation.copy()
    loadings = np.zeros(len(correlation))
    communalities = np.abs(correlation - np.eye(len(correlation))).max(axis=0)
    for _ in range(n_rounds):
        np.fill_diagonal(reduced, communalities)
        values, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
        communalities = np.clip(loadings**2, 0.0, 0.995)
    loadings = np.clip(loadings, -0.9975, 0.9975)
    result = np.outer(loadings, loadings)
    np.fill_diagonal(result, 1.0)
    return result


def margins(template: pd.DataFrame) -> list[np.ndarray]:
    """Sorted observed values of each column."""
    return [np.sort(template[column].dropna().to_numpy(float)) for column in template]


def to_margins(latent: np.ndarray, sorted_values: list[np.ndarray]) -> np.ndarray:
    """Turn standard normal columns into columns with the given marginals."""
    heights = ndtr(latent)
    result = np.empty_like(latent)
    for j, margin in enumerate(sorted_values):
        positions = np.minimum((heights[:, j] * len(margin)).astype(int), len(margin) - 1)
        result[:, j] = margin[positions]
    return result


def calibrated(table: pd.DataFrame) -> np.ndarray:
    """Latent correlations under which drawn columns correlate as the observed ones do."""
    target = table.corr().fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(target, 1.0)
    sorted_values = margins(table)
    noise = np.random.default_rng(0).standard_normal((CALIBRATION_ROWS, table.shape[1]))
    latent = target
    for _ in range(CALIBRATION_ROUNDS):
        drawn = to_margins(noise @ root(latent).T, sorted_values)
        constant = drawn.std(axis=0) == 0
        drawn[:, constant] = noise[:, constant]
        latent = correlation_matrix(latent + target - np.corrcoef(drawn.T).reshape(target.shape))
    return latent


def correlation_matrix(matrix: np.ndarray) -> np.ndarray:
    """Nearest usable correlation matrix: no negative direction, ones on the diagonal."""
    matrix = np.clip(matrix, -1.0, 1.0)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    usable = (vectors * np.maximum(values, 1e-4)) @ vectors.T
    scale = np.sqrt(np.diag(usable))
    return usable / np.outer(scale, scale)


def root(matrix: np.ndarray) -> np.ndarray:
    """Take a square root of a covariance matrix, negative directions as 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette width (Rousseeuw 1987).

    Parameters
    ----------
    distances : array, n × n
        Euclidean distances.
    labels : array of int, n
        Group 0..k-1 of each row, none empty.

    Returns
    -------
    float
        Between -1 and 1; 0 for a single group. A row alone in its group counts 0.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> round(silhouette(squareform(pdist(points)), np.array([0, 0, 1, 1])), 3)
    0.9
    """
    n, k = len(labels), int(labels.max()) + 1
    if k < 2:
        return 0.0
    members = np.zeros((n, k))
    members[np.arange(n), labels] = 1.0
    counts = members.sum(axis=0)
    sums = distances @ members
    own = sums[np.arange(n), labels] / np.maximum(counts[labels] - 1, 1)
    sums /= counts
    sums[np.arange(n), labels] = np.inf
    other = sums.min(axis=1)
    largest = np.maximum(own, other)
    widths = np.divide(other - own, largest, out=np.zeros(n), where=largest > 0)
    return float(np.where(counts[labels] > 1, widths, 0.0).mean())


def within_squares(values: np.ndarray, labels: np.ndarray) -> float:
    """Sum of squared distances to the group means."""
    k = int(labels.max()) + 1
    members = np.zeros((len(values), k))
    members[np.arange(len(values)), labels] = 1.0
    sums = members.T @ values
    counts = np.maximum(members.sum(axis=0), 1)
    return float((values**2).sum() - (sums**2 / counts[:, None]).sum())


def calinski_harabasz(values: np.ndarray, labels: np.ndarray) -> float:
    """Between over within variance, each per degree of freedom (Caliński & Harabasz 1974)."""
    n, k = len(values), int(labels.max()) + 1
    if k < 2:
        return float("nan")
    within = within_squares(values, labels)
    between = within_squares(values, np.zeros(n, dtype=int)) - within
    return float(between / (k - 1) * (n - k) / within) if within > 0 else float("inf")


def silhouettes(values: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """Mean silhouette of Ward + k-means for each k; 0 where k exceeds the distinct rows.

    Parameters
    ----------
    values : array, n × p
        Complete scores.
    ks : sequence of int
        Numbers of profiles, in ascending order.
    """
    tree = WardTree(values)
    distances = squareform(pdist(values))
    n_distinct = len(np.unique(values, axis=0))
    return np.array(
        [silhouette(distances, tree.refined(k)) if k <= n_distinct else 0.0 for k in ks]
    )


def separation_p(observed: pd.Series, without_groups: pd.DataFrame) -> float:
    """Give the chance that a survey without groups is separated as well at its best k.

    Parameters
    ----------
    observed : Series, index k
        Mean silhouettes of the survey.
    without_groups : DataFrame, B replicates × k
        Those of surveys without groups.

    Returns
    -------
    float
        (b + 1) / (B + 1) for the largest standardised silhouette; the survey itself counts in the
        mean and standard deviation, so that under the null all B + 1 are exchangeable.

    Examples
    --------
    >>> without_groups = pd.DataFrame({2: [0.4, 0.5, 0.6], 3: [0.2, 0.3, 0.2]})
    >>> separation_p(pd.Series([0.5, 0.9], index=[2, 3]), without_groups)
    0.25
    """
    together = np.vstack([observed.to_numpy(), without_groups.to_numpy()])
    spread = together.std(axis=0)
    spread[spread == 0] = np.inf
    largest = ((together - together.mean(axis=0)) / spread).max(axis=1)
    return float((largest >= largest[0] - 1e-9).mean())


def gap(
    scores: pd.DataFrame,
    max_profiles: int,
    *,
    n_references: int = 100,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Compare within-profile variance of Ward + k-means with that of structureless data.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete phase scores.
    max_profiles : int
        Largest k.
    n_references : int
        Reference data sets.
    seed : int or SeedSequence
        Each reference set has its own child seed.

    Returns
    -------
    DataFrame, index k = 1..max_profiles
        log_within, gap, gap_se (with the factor sqrt(1 + 1/B)), and gap_chosen: True for the
        smallest k whose gap is at least the next one's minus its standard error.

    References
    ----------
    Tibshirani, Walther & Hastie (2001), JRSS B 63(2), 411-423.
    """
    values = scores.to_numpy(dtype=float)
    values = values - values.mean(axis=0)
    ks = range(1, max_profiles + 1)
    observed = _log_within(values, ks)
    axes = np.linalg.svd(values, full_matrices=False)[2]
    turned = values @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    seeds = children(seed, n_references)
    drawn = Parallel()(
        delayed(_reference_log_within)(len(values), low, high, axes, ks, child) for child in seeds
    )
    expected = np.array(drawn)
    se = expected.std(axis=0) * np.sqrt(1 + 1 / n_references)
    result = pd.DataFrame(
        {"log_within": observed, "gap": expected.mean(axis=0) - observed, "gap_se": se},
        index=pd.Index(ks, name="k"),
    )
    enough = result["gap"] >= (result["gap"] - result["gap_se"]).shift(-1)
    chosen = enough.idxmax() if enough.any() else max_profiles
    return result.assign(gap_chosen=result.index == chosen)


def _reference_log_within(
    n: int,
    low: np.ndarray,
    high: np.ndarray,
    axes: np.ndarray,
    ks: Sequence[int],
    seed: np.random.SeedSequence,
) -> np.ndarray:
    box = np.random.default_rng(seed).uniform(low, high, size=(n, len(low)))
    return _log_within(box @ axes, ks)


def _log_within(values: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    tree = WardTree(values)
    smallest = np.finfo(float).tiny
    return np.array([np.log(max(within_squares(values, tree.refined(k)), smallest)) for k in ks])
