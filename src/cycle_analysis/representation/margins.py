"""Shares of a finite population of units, unweighted and weighted, with their intervals.

Most studies ask a large part of all units, so the variance is multiplied by 1 − n/N (Cochran 1977).
The weighted variance is linearised; after raking, only what the raking variables leave unexplained
counts (Deville, Särndal & Sautory 1993). Intervals are on the logit scale, so they stay within 0
and 1.
"""

import numpy as np
import pandas as pd
from scipy import stats


def margin_of_error(n: int, population: int, share: float = 0.5, level: float = 0.95) -> float:
    """Half the width of the interval around a share, for equal weights, 0-1.

    Parameters
    ----------
    n, population : int
        Units that answered, and all units.
    share : float, 0-1
    level : float

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, section 3.2.

    Examples
    --------
    >>> [round(margin_of_error(n, 342), 3) for n in (100, 150)]
    [0.083, 0.06]
    """
    if not 1 < n <= population:
        raise ValueError(f"n is {n}; it must lie between 2 and the population, {population}.")
    variance = share * (1 - share) / (n - 1) * (1 - n / population)
    return float(stats.norm.ppf(0.5 + level / 2) * np.sqrt(variance))


def shares(
    labels: pd.Series,
    population: int,
    weights: pd.Series | None = None,
    raked_on: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the share of each label in the population, unweighted and weighted.

    Parameters
    ----------
    labels : Series, n units
        For instance profiles; none missing.
    population : int
        Number of all units; n may not be more.
    weights : Series, n units, optional
        As `cycle_analysis.representation.weights.rake` gives them; alike when absent.
    raked_on : DataFrame, n units × variables, optional
        What the weights were raked on, equal weights to begin with. Without it the weights are
        taken as given, which is what to do after trimming.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame, one row per label
        n : units; share, se, low, high : unweighted, 0-1; weighted_share, weighted_se,
        weighted_low, weighted_high : weighted, 0-1.

    Raises
    ------
    ValueError
        When labels are missing, there are fewer than two units, or more than the population.

    References
    ----------
    Deville, J.-C., Särndal, C.-E., & Sautory, O. (1993). Generalized raking procedures in survey
    sampling. Journal of the American Statistical Association, 88, 1013-1020.

    Examples
    --------
    >>> table = shares(pd.Series([1, 1, 2, 1]), population=8, weights=pd.Series([1, 1, 3, 1]))
    >>> table[["n", "share", "weighted_share"]].to_numpy().tolist()
    [[3.0, 0.75, 0.5], [1.0, 0.25, 0.5]]
    """
    n = len(labels)
    if labels.isna().any() or not 1 < n <= population:
        raise ValueError(
            f"labels: {n} units, {labels.isna().sum()} of them without label, of {population}. "
            "Leave units without label out, and give the number of all units."
        )
    member = pd.get_dummies(labels, dtype=float)
    equal = pd.Series(1.0, index=labels.index)
    given = equal if weights is None else weights.loc[labels.index].astype(float)
    explained = None if raked_on is None else raked_on.loc[labels.index]
    plain = _estimates(member, equal, None, population, level)
    weighted = _estimates(member, given, explained, population, level)
    table = plain.join(weighted.add_prefix("weighted_"))
    table.insert(0, "n", member.sum().astype(int))
    return table.rename_axis(labels.name)


def _estimates(
    member: pd.DataFrame,
    weights: pd.Series,
    explained: pd.DataFrame | None,
    population: int,
    level: float,
) -> pd.DataFrame:
    """Weighted mean of each column, its standard error, and a logit interval."""
    n, total = len(member), weights.sum()
    share = member.mul(weights, axis=0).sum() / total
    residuals = (member - share).to_numpy()
    if explained is not None:
        design = pd.get_dummies(explained.astype("str"), dtype=float).to_numpy()
        fitted, *_ = np.linalg.lstsq(design, residuals, rcond=None)
        residuals = residuals - design @ fitted
    parts = residuals * weights.to_numpy()[:, None] / total
    parts = parts - parts.mean(axis=0)
    variance = n / (n - 1) * (parts**2).sum(axis=0) * (1 - n / population)
    se = pd.Series(np.sqrt(variance), index=share.index)
    low, high = _logit_interval(share, se, n, level)
    effective = total**2 / (weights**2).sum() / max(1 - n / population, 1 / population)
    none_high = 1 - ((1 - level) / 2) ** (1 / effective)
    low = low.mask(share <= 0, 0.0).mask(share >= 1, 1 - none_high)
    high = high.mask(share <= 0, none_high).mask(share >= 1, 1.0)
    return pd.DataFrame({"share": share, "se": se, "low": low, "high": high})


def _logit_interval(
    share: pd.Series, se: pd.Series, n: int, level: float
) -> tuple[pd.Series, pd.Series]:
    inside = share.clip(1e-12, 1 - 1e-12)
    width = stats.t.ppf(0.5 + level / 2, n - 1) * se / (inside * (1 - inside))
    logit = np.log(inside / (1 - inside))
    return 1 / (1 + np.exp(width - logit)), 1 / (1 + np.exp(-width - logit))
