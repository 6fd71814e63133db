"""Say how well the items of a phase measure one thing: alpha and omega.

Cronbach's alpha comes from pairwise covariances, with an interval by the delta method that assumes
neither normal answers nor independent respondents (Maydeu-Olivares, Coffman & Hartmann 2007).
Omega total is that of one factor, fitted to the correlations by minimum residuals (McDonald 1999).
Items without variance cannot take part; they are left out with a warning, never silently.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from cycle_analysis.measurement.scores import items_by_phase, turn_items


def scale_statistics(
    answers: pd.DataFrame,
    items: pd.DataFrame,
    units: pd.Series | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Give the reliability of every phase.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).
    units : Series, indexed by respondent, optional
        When given, respondents of one unit may resemble each other and the interval allows for it.
    confidence : float
        Coverage of the interval, 0-1.

    Returns
    -------
    DataFrame, indexed by phase, in cycle order
        n_items (with variance), n_respondents (with an answer), alpha, alpha_low, alpha_high,
        omega, mean_correlation (between items), warning.

    References
    ----------
    Maydeu-Olivares, A., Coffman, D. L. & Hartmann, W. M. (2007). Asymptotically distribution-free
    interval estimation of coefficient alpha. Psychological Methods 12(2).
    McDonald, R. P. (1999). Test theory: a unified treatment.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame([[0, 1, 0], [2, 2, 1], [4, 3, 4], [3, 4, 4]], columns=items.index)
    >>> scale_statistics(answers, items)["alpha"].round(3).to_dict()
    {'AG': 0.948}
    """
    turned = turn_items(answers, items)
    rows = {}
    for phase, listed in items_by_phase(items).items():
        usable = with_variance(turned[listed])
        low, high = alpha_interval(usable, units, confidence)
        correlations = correlate(usable)
        rows[phase] = {
            "n_items": usable.shape[1],
            "n_respondents": int(turned[listed].notna().any(axis=1).sum()),
            "alpha": alpha(usable.cov().to_numpy()),
            "alpha_low": low,
            "alpha_high": high,
            "omega": omega_total(correlations),
            "mean_correlation": _off_diagonal_mean(correlations),
            "warning": _scale_warning(turned[listed], usable),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")


def statistics_by_group(
    answers: pd.DataFrame,
    items: pd.DataFrame,
    groups: pd.Series,
    names: Sequence[str],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Give the reliability of every phase within each role, wave or other group.

    Parameters
    ----------
    groups : Series, indexed by respondent
        The group of each respondent; those in none of `names` are left out.
    names : sequence of str
        The groups, in order; one that nobody belongs to is listed with a warning.

    Returns
    -------
    DataFrame, rows (group, phase)
        Columns as `scale_statistics`; no rows without names.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame([[0, 1, 0], [2, 2, 1], [4, 3, 4], [3, 4, 4]], columns=items.index)
    >>> table = statistics_by_group(answers, items, pd.Series(["STR"] * 4), ["STR", "BES"])
    >>> table["n_respondents"].to_dict()
    {('STR', 'AG'): 4, ('BES', 'AG'): 0}
    """
    group = groups.reindex(answers.index)
    parts = {
        name: scale_statistics(answers.loc[group == name], items, confidence=confidence)
        for name in names
    }
    nothing = scale_statistics(answers, items, confidence=confidence).iloc[:0]
    return pd.concat(parts or {"": nothing}, names=["group"])


def alpha(covariances: np.ndarray) -> float:
    """Compute Cronbach's alpha from the covariances of k items; NaN under two items.

    ``k / (k - 1) * (1 - trace / sum)`` (Cronbach 1951).

    Examples
    --------
    >>> round(alpha(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.6667
    """
    k, total = len(covariances), float(np.sum(covariances))
    if k < 2 or not total > 0:
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(covariances) / total))


def alpha_interval(
    turned: pd.DataFrame, units: pd.Series | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound Cronbach's alpha without assuming normal answers or independent respondents.

    Each respondent's influence on alpha gives its variance; with `units`, influences add up within
    a unit before they are squared. The interval is symmetric on the scale of log(1 - alpha).

    Parameters
    ----------
    turned : DataFrame, respondents × items
        Numbers that all point the same way, NaN missing.

    Returns
    -------
    tuple of float
        Lower and upper bound; NaN when alpha is not defined.

    Examples
    --------
    >>> answers = pd.DataFrame([[0, 1], [2, 2], [4, 3], [3, 4], [1, 1]] * 20)
    >>> [round(bound, 2) for bound in alpha_interval(answers)]
    [0.9, 0.92]
    """
    values = turned.to_numpy(float)
    covariances = turned.cov().to_numpy()
    k, estimate = values.shape[1], alpha(covariances)
    if not np.isfinite(estimate) or estimate >= 1:
        return float("nan"), float("nan")
    present = ~np.isnan(values)
    weights = len(values) / np.maximum(present.T.astype(float) @ present, 1)
    centred = np.where(present, values - np.nanmean(values, axis=0), 0.0)
    own = (centred**2) @ np.diag(weights)
    joint = ((centred @ weights) * centred).sum(axis=1)
    ratio = np.trace(covariances) / covariances.sum()
    influence = pd.Series(
        k / (k - 1) * (ratio * joint - own) / covariances.sum(), index=turned.index
    )
    if units is not None:
        influence = influence.groupby(units.reindex(turned.index)).sum()
    clusters = len(influence)
    error = np.sqrt((influence**2).sum() * clusters / max(clusters - 1, 1)) / len(values)
    reach = norm.ppf(0.5 + confidence / 2) * error / (1 - estimate)
    return (
        float(1 - (1 - estimate) * np.exp(reach)),
        float(1 - (1 - estimate) * np.exp(-reach)),
    )


def one_factor_loadings(correlations: np.ndarray) -> np.ndarray:
    """Fit one factor to correlations by minimum residuals.

    Principal axes, repeated until the communalities stand still: the stationary point is that of
    minimum residuals (Harman & Jones 1966).

    Returns
    -------
    ndarray, k items
        Loadings, mostly positive; NaN under three items, where one factor is not identified.

    Examples
    --------
    >>> loadings = np.array([0.8, 0.7, 0.6])
    >>> correlations = np.outer(loadings, loadings)
    >>> np.fill_diagonal(correlations, 1)
    >>> one_factor_loadings(correlations).round(3).tolist()
    [0.8, 0.7, 0.6]
    """
    k = len(correlations)
    if k < 3 or not np.isfinite(correlations).all():
        return np.full(k, np.nan)
    reduced = np.array(correlations, dtype=float)
    communalities = np.clip(1 - 1 / np.diag(np.linalg.pinv(reduced, hermitian=True)), 0.05, 1)
    for _ in range(5000):
        np.fill_diagonal(reduced, communalities)
        roots, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, -1] * np.sqrt(max(roots[-1], 0.0))
        change = np.abs(loadings**2 - communalities).max()
        communalities = np.minimum(loadings**2, 1.0)
        if change < 1e-12:
            break
    return loadings if loadings.sum() >= 0 else -loadings


def omega_total(correlations: np.ndarray) -> float:
    """Compute omega total of one factor (McDonald 1999).

    ``(sum of loadings)² / ((sum of loadings)² + sum of uniquenesses)``.

    Examples
    --------
    >>> correlations = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    >>> round(omega_total(correlations), 4)
    0.75
    """
    loadings = one_factor_loadings(correlations)
    if len(loadings) < 3 or np.isnan(loadings).any():
        return float("nan")
    common = loadings.sum() ** 2
    return float(common / (common + np.sum(1 - loadings**2)))


def with_variance(turned: pd.DataFrame) -> pd.DataFrame:
    """Keep the items on which at least two respondents differ.

    Examples
    --------
    >>> with_variance(pd.DataFrame({"a": [0, 1], "b": [4, 4]})).columns.tolist()
    ['a']
    """
    return turned.loc[:, turned.var() > 1e-12]


def correlate(turned: pd.DataFrame) -> np.ndarray:
    """Correlate items pairwise, k × k; NaN where a pair shares too few respondents."""
    return turned.corr().to_numpy(copy=True)


def _scale_warning(turned: pd.DataFrame, usable: pd.DataFrame) -> str:
    if not turned.notna().to_numpy().any():
        return "no answers at all"
    if usable.shape[1] < 3:
        return "fewer than 3 items with variance"
    return "alpha under .70" if alpha(usable.cov().to_numpy()) < 0.7 else ""


def _off_diagonal_mean(correlations: np.ndarray) -> float:
    k = len(correlations)
    if k < 2:
        return float("nan")
    return float((correlations.sum() - np.trace(correlations)) / (k * (k - 1)))
