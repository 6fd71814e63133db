"""Set phases beside preconditions, risks and steering.

Blocks of other items go with the phases by rank correlation, with intervals; none of it says what
causes what, since the same respondents answered both.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm


def associate(blocks: pd.DataFrame, phases: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Correlate preconditions, risks and steering with the phases, over units.

    Spearman's correlation, with the interval of Bonett & Wright (2000); p by the normal
    approximation, adjusted for all pairs of the table (Holm 1979).

    Parameters
    ----------
    blocks : DataFrame, units × items or blocks
        Scores on other subjects.
    phases : DataFrame, units × phases
    confidence : float
        Coverage of the interval, 0-1.

    Returns
    -------
    DataFrame, rows (block, phase)
        n, correlation, low, high, p, p_holm, reason.

    References
    ----------
    Bonett, D. G. & Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall
    and Spearman correlations. Psychometrika 65(1).

    Examples
    --------
    >>> blocks = pd.DataFrame({"D": [1.0, 2.0, 3.0, 4.0, 5.0]})
    >>> associate(blocks, pd.DataFrame({"AG": [2.0, 1.0, 3.0, 4.0, 5.0]})).loc[
    ...     ("D", "AG"), "correlation"].round(3)
    np.float64(0.9)
    """
    rows = {
        (block, phase): _rank_correlation(blocks[block], phases[phase], confidence)
        for block in blocks.columns
        for phase in phases.columns
    }
    columns = ["n", "correlation", "low", "high", "p", "p_holm", "reason"]
    index = pd.MultiIndex.from_tuples(list(rows), names=["block", "phase"])
    if not rows:
        return pd.DataFrame(columns=columns, index=index)
    table = pd.DataFrame.from_dict(rows, orient="index").set_axis(index)
    return table.assign(p_holm=holm(table["p"]))[columns]


def _rank_correlation(
    first: pd.Series, second: pd.Series, confidence: float
) -> dict[str, float | str]:
    both = pd.concat([first, second], axis=1, join="inner").dropna()
    row: dict[str, float | str] = {"n": len(both)}
    if len(both) < 5 or (both.nunique() < 2).any():
        lacking = dict.fromkeys(["correlation", "low", "high", "p"], np.nan)
        return row | lacking | {"reason": "fewer than five units, or no variance"}
    value = float(both.rank().corr().iloc[0, 1])
    bounded = float(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    centre, n = np.arctanh(bounded), len(both)
    reach = norm.ppf(0.5 + confidence / 2) * np.sqrt((1 + value**2 / 2) / (n - 3))
    low, high = np.tanh([centre - reach, centre + reach])
    p = 2 * norm.sf(abs(centre) * np.sqrt((n - 3) / 1.06))
    return row | {"correlation": value, "low": low, "high": high, "p": float(p), "reason": ""}


def holm(p: pd.Series) -> pd.Series:
    """Adjust p-values for their number, NaN left out (Holm 1979).

    Examples
    --------
    >>> holm(pd.Series([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    known = p.dropna().sort_values()
    factors = np.arange(len(known), 0, -1)
    return (known * factors).clip(upper=1).cummax().reindex(p.index)
