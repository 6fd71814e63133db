"""Set phases beside what units say of themselves, and beside preconditions, risks and steering.

Self-placement is compared with measurement by Cohen's kappa, which takes chance agreement off.
Other blocks go with the phases by rank correlation, with intervals; none of it says what causes
what, since the same respondents answered both.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import norm


def stated_placements(
    answers: pd.DataFrame, items: Mapping[str, str], units: pd.Series
) -> pd.DataFrame:
    """Say in which developments a unit places itself: at least half of its respondents say yes.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Yes-or-no items coded 1 and 0, as number or text; anything else is no answer.
    items : mapping of development to item
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, units × developments
        1.0 yes, 0.0 no, NaN without an answer.

    Examples
    --------
    >>> answers = pd.DataFrame({"B1": ["1", "0", "1"]}, index=["r1", "r2", "r3"])
    >>> units = pd.Series(["A", "A", "B"], index=answers.index)
    >>> stated_placements(answers, {"agenda": "B1"}, units)["agenda"].to_dict()
    {'A': 1.0, 'B': 1.0}
    """
    asked = {d: item for d, item in items.items() if item in answers}
    said = {d: pd.to_numeric(answers[item], errors="coerce") for d, item in asked.items()}
    shares = pd.DataFrame(said, index=answers.index).groupby(units.to_numpy()).mean()
    return (shares >= 0.5).astype(float).where(shares.notna()).rename_axis("unit")


def compare_placements(
    stated: pd.DataFrame, measured: pd.DataFrame, confidence: float = 0.95
) -> pd.DataFrame:
    """Compare what units say of themselves with what is measured, per development or phase.

    Parameters
    ----------
    stated, measured : DataFrame, units × developments (or phases)
        1.0 yes, 0.0 no, NaN unknown; columns of `stated` that `measured` lacks raise.
    confidence : float
        Coverage of the interval, 0-1.

    Returns
    -------
    DataFrame, indexed by the columns of `stated`
        n, stated, measured (shares of yes), agreement (share alike), kappa, low, high, reason.

    References
    ----------
    Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological
    Measurement 20(1); interval by Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72(5).

    Examples
    --------
    >>> stated = pd.DataFrame({"1": [1.0, 1.0, 0.0, 0.0]})
    >>> measured = pd.DataFrame({"1": [1.0, 0.0, 0.0, 0.0]})
    >>> compare_placements(stated, measured).loc["1", ["agreement", "kappa"]].tolist()
    [0.75, 0.5]
    """
    if lacking := [name for name in stated.columns if name not in measured.columns]:
        raise ValueError(f"Nothing is measured for {lacking}; measured are {list(measured)}.")
    rows = {}
    for name in stated.columns:
        both = pd.concat([stated[name], measured[name]], axis=1, join="inner").dropna()
        counts = np.zeros((2, 2))
        np.add.at(counts, tuple(both.to_numpy().astype(int).T), 1)
        rows[name] = {
            "stated": counts[1].sum() / max(len(both), 1) if len(both) else np.nan,
            "measured": counts[:, 1].sum() / max(len(both), 1) if len(both) else np.nan,
            **kappa(counts, confidence),
        }
    order = ["n", "stated", "measured", "agreement", "kappa", "low", "high", "reason"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=None if rows else order)
    return table[order].rename_axis(stated.columns.name or "development")


def kappa(counts: np.ndarray, confidence: float = 0.95) -> dict[str, float | str]:
    """Compute Cohen's kappa, unweighted, from a square table of counts.

    Returns
    -------
    dict
        n, agreement, kappa, low, high, reason (why kappa is missing, else empty).

    Examples
    --------
    >>> round(kappa(np.array([[20, 5], [10, 15]]))["kappa"], 3)
    0.4
    """
    n = float(counts.sum())
    lacking = {"kappa": np.nan, "low": np.nan, "high": np.nan}
    if n == 0:
        return {"n": 0, "agreement": np.nan, **lacking, "reason": "no unit with both"}
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    agreement, chance = float(np.trace(shares)), float(rows @ columns)
    if chance > 1 - 1e-12:
        reason = "everyone is in the same category: agreement by chance is complete"
        return {"n": int(n), "agreement": agreement, **lacking, "reason": reason}
    value = (agreement - chance) / (1 - chance)
    weight = rows[None, :] + columns[:, None]  # row i, column j: marginal of j as row, i as column
    on = np.diag(shares) * (1 - (rows + columns) * (1 - value)) ** 2
    off = (1 - value) ** 2 * (shares * weight**2 * (1 - np.eye(len(shares)))).sum()
    variance = (on.sum() + off - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    reach = norm.ppf(0.5 + confidence / 2) * np.sqrt(max(variance, 0.0))
    bounds = {"low": max(value - reach, -1.0), "high": min(value + reach, 1.0)}
    return {"n": int(n), "agreement": agreement, "kappa": value, **bounds, "reason": ""}


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
    return table.assign(p_holm=_holm(table["p"]))[columns]


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


def _holm(p: pd.Series) -> pd.Series:
    """Adjust p-values for their number, NaN left out."""
    known = p.dropna().sort_values()
    factors = np.arange(len(known), 0, -1)
    return (known * factors).clip(upper=1).cummax().reindex(p.index)
