"""Correlate answers in few ordered categories as if a normal trait lay under each (polychoric).

Two steps: thresholds from the marginals, then the correlation of each pair of items by maximum
likelihood (Olsson 1979). The bivariate normal distribution comes from integrating its density over
the correlation, with Gauss-Legendre nodes, for all pairs of thresholds at once.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from cycle_analysis.measurement.reliability import alpha, with_variance
from cycle_analysis.measurement.scores import items_by_phase, turn_items

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def ordinal_alpha(answers: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
    """Compute Cronbach's alpha of each phase from polychoric correlations.

    It says what alpha would be if answers were not cut into steps, and is higher than alpha by
    nature; report it beside alpha, not instead.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded whole numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).

    Returns
    -------
    Series, indexed by phase
        NaN under two items with variance.

    References
    ----------
    Zumbo, B. D., Gadermann, A. M. & Zeisser, C. (2007). Ordinal versions of coefficients alpha and
    theta for Likert rating scales. Journal of Modern Applied Statistical Methods 6(1).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 2, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 1, 2, 2, 0, 1], "AG2": [0, 1, 2, 1, 1, 2]})
    >>> ordinal_alpha(answers, items).round(2).to_dict()
    {'AG': 0.85}
    """
    turned = turn_items(answers, items)
    rows = {
        phase: alpha(polychoric(with_variance(turned[listed])).to_numpy())
        for phase, listed in items_by_phase(items).items()
    }
    return pd.Series(rows, name="ordinal_alpha", dtype=float).rename_axis("phase")


def polychoric(turned: pd.DataFrame) -> pd.DataFrame:
    """Correlate ordered items pairwise, k × k.

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient.
    Psychometrika 44(4).

    Examples
    --------
    >>> answers = pd.DataFrame({"a": [0, 0, 1, 1] * 9 + [0, 1], "b": [0, 0, 1, 1] * 9 + [1, 0]})
    >>> polychoric(answers).loc["a", "b"].round(2)
    np.float64(0.99)
    """
    k = turned.shape[1]
    correlations = np.eye(k)
    for i in range(k):
        for j in range(i):
            pair = turned.iloc[:, [i, j]].dropna()
            correlations[i, j] = correlations[j, i] = _correlate(pair.to_numpy())
    return pd.DataFrame(correlations, index=turned.columns, columns=turned.columns)


def _correlate(pair: np.ndarray) -> float:
    """Maximum likelihood correlation of two columns of ordered answers; NaN without variance."""
    _, first = np.unique(pair[:, 0], return_inverse=True)
    _, second = np.unique(pair[:, 1], return_inverse=True)
    if len(pair) < 2 or first.max() == 0 or second.max() == 0:
        return float("nan")
    counts = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(counts, (first, second), 1)
    row_share = np.cumsum(counts.sum(axis=1))[:-1] / len(pair)
    column_share = np.cumsum(counts.sum(axis=0))[:-1] / len(pair)
    rows, columns = norm.ppf(row_share), norm.ppf(column_share)
    independent = np.outer(row_share, column_share)

    def deviance(angle: float) -> float:
        inside = independent + _beyond_independence(rows, columns, angle)
        full = np.zeros((len(row_share) + 2, len(column_share) + 2))
        full[1:-1, 1:-1] = inside
        full[-1, 1:-1], full[1:-1, -1], full[-1, -1] = column_share, row_share, 1.0
        cells = np.diff(np.diff(full, axis=0), axis=1)
        return -float((counts * np.log(np.maximum(cells, 1e-12))).sum())

    best = minimize_scalar(
        deviance, bounds=(-1.55, 1.55), method="bounded", options={"xatol": 1e-9}
    )
    return float(np.sin(best.x))


def _beyond_independence(rows: np.ndarray, columns: np.ndarray, angle: float) -> np.ndarray:
    """Bivariate normal distribution less that of independence, thresholds × thresholds.

    The integral runs over the arcsine of the correlation, where the density has no pole.
    """
    angles = angle * (_NODES + 1) / 2
    h, k = rows[:, None, None], columns[None, :, None]
    exponent = -(h**2 + k**2 - 2 * h * k * np.sin(angles)) / (2 * np.cos(angles) ** 2)
    return np.asarray((np.exp(exponent) @ _WEIGHTS) * angle / 2 / (2 * np.pi))
