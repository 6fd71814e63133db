"""Count where a later phase is ahead of an earlier one by more than measurement error.

A difference between two phases of a unit is an order violation when it exceeds 1.96 standard errors
of the difference: from the respondents of the unit where there are several (`measurement_error`),
else from the reliability of the phases.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from cycle_analysis.measurement.measurement_error import difference_errors, phase_differences


def unit_order_violations(
    scores: pd.DataFrame, errors: pd.DataFrame, beyond: float = 1.96
) -> pd.DataFrame:
    """Mark where a later phase is ahead of an earlier one by more than measurement error.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100, NaN missing.
    errors : DataFrame, units × pairs of phases
        Standard errors of the differences, as `errors_of_differences` gives them.
    beyond : float
        Number of standard errors that a difference must exceed.

    Returns
    -------
    DataFrame, units × pairs (earlier, later)
        1.0 violation, 0.0 none, NaN unknown.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [30.0, 30.0], "EX": [35.0, 80.0]}, index=["A", "B"])
    >>> errors = errors_from_reliability(scores, pd.Series({"AG": 0.8, "EX": 0.8}))
    >>> unit_order_violations(scores, errors)[("AG", "EX")].tolist()
    [0.0, 1.0]
    """
    gaps = phase_differences(scores)
    reach = errors.reindex(index=gaps.index, columns=gaps.columns) * beyond
    known = gaps.notna() & reach.notna()
    return (-gaps > reach).astype(float).where(known)


def order_violations(
    scores: pd.DataFrame, errors: pd.DataFrame, beyond: float = 1.96
) -> pd.DataFrame:
    """Count order violations for every pair of phases.

    Parameters
    ----------
    scores, errors, beyond
        As for `unit_order_violations`.

    Returns
    -------
    DataFrame, rows (earlier, later)
        n (units with both scores and an error), difference (mean, earlier - later), error (mean
        standard error), later_ahead (share of units where the later phase is ahead at all),
        earlier_beyond (share where the earlier is ahead beyond error), violations, share (number
        and share where the later is), by_chance (share to be expected from error alone if the two
        phases were equal everywhere), reason.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [30.0, 60.0], "EX": [80.0, 20.0]}, index=["A", "B"])
    >>> errors = pd.DataFrame(5.0, index=scores.index, columns=phase_differences(scores).columns)
    >>> order_violations(scores, errors).loc[("AG", "EX"), "share"]
    np.float64(0.5)
    """
    marked = unit_order_violations(scores, errors, beyond)
    gaps = phase_differences(scores).where(marked.notna())
    n = marked.count()
    aligned = errors.reindex(index=gaps.index, columns=gaps.columns)
    table = pd.DataFrame(
        {
            "n": n,
            "difference": gaps.mean(),
            "error": aligned.where(marked.notna()).mean(),
            "later_ahead": (gaps < 0).sum() / n.where(n > 0),
            "earlier_beyond": (gaps > aligned * beyond).sum() / n.where(n > 0),
            "violations": marked.sum().astype(int),
            "share": marked.mean(),
            "by_chance": float(norm.sf(beyond)),
            "reason": (n == 0).map({True: "no unit with both scores and an error", False: ""}),
        }
    )
    return table.rename_axis(["earlier", "later"])


def errors_of_differences(
    scores: pd.DataFrame, persons: pd.DataFrame, units: pd.Series, reliability: pd.Series
) -> pd.DataFrame:
    """Give the standard error of differences: from respondents, or where all are alone from items.

    Parameters
    ----------
    scores : DataFrame, units × phases
    persons : DataFrame, respondents × phases
    units : Series, indexed by respondent
    reliability : Series, indexed by phase

    Returns
    -------
    DataFrame, units × pairs of phases

    Examples
    --------
    >>> persons = pd.DataFrame({"AG": [0.0, 10.0, 20.0], "EX": [0.0, 10.0, 20.0]})
    >>> scores, units = persons.rename_axis("unit"), pd.Series([0, 1, 2])
    >>> reliability = pd.Series({"AG": 0.5, "EX": 0.5})
    >>> errors_of_differences(scores, persons, units, reliability).iloc[0].tolist()
    [10.0]
    """
    errors = difference_errors(persons, units)
    if errors.notna().to_numpy().any():
        return errors
    return errors_from_reliability(scores, reliability)


def errors_from_reliability(scores: pd.DataFrame, reliability: pd.Series) -> pd.DataFrame:
    """Give the standard error of differences from the reliability of each phase.

    ``SED = sqrt(SEM_a² + SEM_b²)`` with ``SEM = sd sqrt(1 - reliability)``: what is left when units
    have one respondent each. It covers error between items, not between respondents.

    Parameters
    ----------
    scores : DataFrame, units × phases
    reliability : Series, indexed by phase
        Alpha, omega or ICC(2), 0-1.

    Returns
    -------
    DataFrame, units × pairs (earlier, later)
        The same error for every unit.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 10.0, 20.0], "EX": [0.0, 10.0, 20.0]})
    >>> errors_from_reliability(scores, pd.Series({"AG": 0.5, "EX": 0.5})).iloc[0].tolist()
    [10.0]
    """
    unreliable = 1 - reliability.reindex(scores.columns).clip(0, 1)
    variances = (scores.var() * unreliable).to_numpy()
    pairs = phase_differences(scores.iloc[:0]).columns
    first, second = np.triu_indices(scores.shape[1], k=1)
    errors = np.sqrt(variances[first] + variances[second])
    return pd.DataFrame(
        np.broadcast_to(errors, (len(scores), len(pairs))), index=scores.index, columns=pairs
    )
