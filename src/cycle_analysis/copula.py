"""Simulate surveys like the user's own, but without any groups.

A Gaussian copula keeps the observed marginals, heaps and floors included, and the correlations,
and has nothing else (Hennig & Lin 2015, Statistics and Computing 25, 821-833). Its one-factor
version keeps only what one dimension explains. Where answers of respondents are at hand the same
is done one level lower, where the data arose, and scored again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

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
        factor = _root(self.correlation)
        latent = rng.standard_normal(self.template.shape) @ factor.T
        drawn = pd.DataFrame(
            _to_margins(latent, _margins(self.template)),
            index=self.template.index,
            columns=self.template.columns,
        )
        return drawn.where(self.template.notna())


@dataclass(frozen=True, eq=False)
class AnswerCopula:
    """A survey of respondents within units without groups, scored as the real one.

    Attributes
    ----------
    template : DataFrame, m respondents × q items
        The answers imitated.
    units : Series, m respondents
        The unit of each respondent.
    between, within : array, q × q
        Covariances of the latent answers between and within units, adding up to variances of 1.
    score : function
        Answers (m × q) to unit scores (n × p).
    """

    template: pd.DataFrame
    units: pd.Series
    between: np.ndarray
    within: np.ndarray
    score: Callable[[pd.DataFrame], pd.DataFrame]

    def __call__(self, rng: np.random.Generator) -> pd.DataFrame:
        """Draw one survey and score it: n units × p phases."""
        codes, names = pd.factorize(self.units)
        q = self.template.shape[1]
        shared = rng.standard_normal((len(names), q)) @ _root(self.between).T
        latent = shared[codes] + rng.standard_normal((len(codes), q)) @ _root(self.within).T
        drawn = pd.DataFrame(
            _to_margins(latent, _margins(self.template)),
            index=self.template.index,
            columns=self.template.columns,
        )
        return self.score(drawn.where(self.template.notna()))


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
    return Copula(scores, _calibrated(scores))


def fit_one_factor(scores: pd.DataFrame) -> Copula:
    """Fit the copula in which one dimension carries all correlation."""
    return Copula(scores, one_factor(_calibrated(scores)))


def fit_answers(
    answers: pd.DataFrame,
    units: pd.Series,
    score: Callable[[pd.DataFrame], pd.DataFrame],
) -> AnswerCopula:
    """Fit the copula to answers of respondents within units.

    Parameters
    ----------
    answers : DataFrame, m respondents × q items
        Coded answers, NaN where missing.
    units : Series, m respondents
        The unit of each respondent, on the index of `answers`.
    score : function
        From answers (m × q) to unit scores (n × p): the step that made the real scores.

    Returns
    -------
    AnswerCopula
        With units of one respondent throughout, nothing tells unit from respondent: all of the
        correlation then counts as lying between respondents, which is the same for the scores.
    """
    latent = answers.rank().sub(0.5).div(answers.notna().sum()).apply(stats.norm.ppf)
    latent = (latent / latent.std(ddof=0)).fillna(0.0)
    total = _calibrated(answers)
    groups = latent.groupby(units.to_numpy())
    n_respondents, n_units = len(latent), groups.ngroups
    if n_respondents == n_units:
        return AnswerCopula(answers, units, np.zeros_like(total), total, score)
    inner = (latent - groups.transform("mean")).to_numpy()
    within = inner.T @ inner / (n_respondents - n_units)
    outer = latent.to_numpy().T @ latent.to_numpy() / n_respondents - within
    between = _root(outer) @ _root(outer).T
    variances = np.diag(between) + np.diag(within)
    within = within / np.sqrt(np.outer(variances, variances))
    # What lies between units is the rest of the calibrated correlations: cutting answers into few
    # categories weakened it, and averaging over respondents makes it count most
    rest = total - within
    between = _root(rest) @ _root(rest).T
    excess = np.sqrt(np.diag(between) + np.diag(within))
    scale = np.outer(excess, excess)
    return AnswerCopula(answers, units, between / scale, within / scale, score)


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


def _margins(template: pd.DataFrame) -> list[np.ndarray]:
    """Sorted observed values of each column."""
    return [np.sort(template[column].dropna().to_numpy(float)) for column in template]


def _to_margins(latent: np.ndarray, margins: list[np.ndarray]) -> np.ndarray:
    """Turn standard normal columns into columns with the given marginals."""
    heights = stats.norm.cdf(latent)
    result = np.empty_like(latent)
    for j, margin in enumerate(margins):
        positions = np.minimum((heights[:, j] * len(margin)).astype(int), len(margin) - 1)
        result[:, j] = margin[positions]
    return result


def _calibrated(table: pd.DataFrame) -> np.ndarray:
    """Latent correlations under which drawn columns correlate as the observed ones do."""
    target = table.corr().fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(target, 1.0)
    margins = _margins(table)
    noise = np.random.default_rng(0).standard_normal((CALIBRATION_ROWS, table.shape[1]))
    latent = target
    for _ in range(CALIBRATION_ROUNDS):
        drawn = _to_margins(noise @ _root(latent).T, margins)
        constant = drawn.std(axis=0) == 0
        drawn[:, constant] = noise[:, constant]
        latent = _correlation(latent + target - np.corrcoef(drawn.T).reshape(target.shape))
    return latent


def _correlation(matrix: np.ndarray) -> np.ndarray:
    """Nearest usable correlation matrix: no negative direction, ones on the diagonal."""
    matrix = np.clip(matrix, -1.0, 1.0)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    usable = (vectors * np.maximum(values, 1e-4)) @ vectors.T
    scale = np.sqrt(np.diag(usable))
    return usable / np.outer(scale, scale)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Take a square root of a covariance matrix, negative directions as 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))
