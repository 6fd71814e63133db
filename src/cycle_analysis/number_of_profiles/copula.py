"""Simulate surveys like the user's own, but without any groups.

A Gaussian copula keeps the observed marginals, heaps and floors included, and the correlations,
and has nothing else (Hennig & Lin 2015, Statistics and Computing 25, 821-833). Its one-factor
version keeps only what one dimension explains. `answer_copula` does the same one level lower, where
the data arose.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr

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
