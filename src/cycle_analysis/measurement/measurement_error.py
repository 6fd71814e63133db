"""Keep what aggregation hides: how many spoke, how far apart they are, how exact the mean is.

The spread within units is pooled over units, because the own spread of two to five respondents says
little. So a unit with one respondent gets the same error per respondent as any other.
"""

import numpy as np
import pandas as pd

from cycle_analysis.measurement.scores import match_units, unit_scores


def spread_within(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Give the standard deviation of the respondents inside each unit, per phase.

    Returns
    -------
    DataFrame, units × phases
        In score points; NaN where fewer than two respondents have a score.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0, 80.0]}, index=["r1", "r2", "r3"])
    >>> spread_within(scores, pd.Series({"r1": "B", "r2": "B", "r3": "A"}))["AG"].round(1).to_dict()
    {'A': nan, 'B': 35.4}
    """
    return unit_scores(scores, units, lambda table, unit: table.groupby(unit).std())


def standard_errors(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Give the standard error of each unit's mean: pooled spread within units over root n.

    The spread is pooled over units, because the own spread of two to five respondents says little;
    a unit with one respondent gets the same error per respondent as any other.

    Returns
    -------
    DataFrame, units × phases
        In score points; a phase is NaN when no unit has two respondents, since then respondent and
        unit cannot be told apart.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0, 80.0]}, index=["r1", "r2", "r3"])
    >>> units = pd.Series({"r1": "B", "r2": "B", "r3": "A"})
    >>> standard_errors(scores, units)["AG"].round(1).to_dict()
    {'A': 35.4, 'B': 25.0}
    """
    unit = match_units(scores, units)
    counts = scores.groupby(unit).count()
    counts = counts.sort_index().rename_axis(index="unit")
    pooled = np.sqrt(_pooled_variances(scores, unit))
    return pooled / np.sqrt(counts.where(counts > 0))


def difference_errors(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Give the standard error of the difference between two phases of a unit, per pair.

    Taken from the differences within respondents: a respondent who is mild on all phases moves both
    alike, and that does not blur their difference.

    Returns
    -------
    DataFrame, units × pairs of phases
        Columns are (earlier, later) in cycle order; NaN where no unit has two respondents.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10.0, 50.0], "EX": [0.0, 20.0]}, index=["r1", "r2"])
    >>> difference_errors(scores, pd.Series("A", index=scores.index)).iloc[0].tolist()
    [10.0]
    """
    return standard_errors(phase_differences(scores), units).rename_axis(
        columns=["earlier", "later"]
    )


def phase_differences(scores: pd.DataFrame) -> pd.DataFrame:
    """Subtract the later phase from the earlier, for every pair in cycle order.

    Returns
    -------
    DataFrame, rows of `scores` × pairs (earlier, later)
        Negative where the later phase is further on.

    Examples
    --------
    >>> phase_differences(pd.DataFrame({"AG": [60.0], "EX": [80.0]}))[("AG", "EX")].tolist()
    [-20.0]
    """
    values = scores.to_numpy(float)
    first, second = np.triu_indices(scores.shape[1], k=1)
    pairs = pd.MultiIndex.from_arrays(
        [scores.columns[first], scores.columns[second]], names=["earlier", "later"]
    )
    return pd.DataFrame(values[:, first] - values[:, second], index=scores.index, columns=pairs)


def unit_table(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Lay out what aggregation hides: one row for each unit and phase.

    Returns
    -------
    DataFrame, rows (unit, phase)
        Columns n_respondents, mean, sd, lowest, highest, standard_error, reason (why a number is
        missing, else empty).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0, 80.0]}, index=["r1", "r2", "r3"])
    >>> table = unit_table(scores, pd.Series({"r1": "B", "r2": "B", "r3": "A"}))
    >>> table.loc[("A", "AG"), "reason"]
    'one respondent: no spread'
    """
    unit = match_units(scores, units)
    grouped = scores.groupby(unit)
    parts = {
        "n_respondents": grouped.count(),
        "mean": grouped.mean(),
        "sd": grouped.std(),
        "lowest": grouped.min(),
        "highest": grouped.max(),
        "standard_error": standard_errors(scores, units),
    }
    rows = pd.MultiIndex.from_product(
        [parts["n_respondents"].index, scores.columns], names=["unit", "phase"]
    )
    table = pd.DataFrame(
        {name: part.to_numpy().ravel() for name, part in parts.items()}, index=rows
    )
    few = table["n_respondents"].clip(upper=2)
    reasons = {0: "no respondent with a score", 1: "one respondent: no spread", 2: ""}
    return table.assign(reason=few.map(reasons))


def _pooled_variances(scores: pd.DataFrame, unit: pd.Series) -> pd.Series:
    """Variance within units per column, over the degrees of freedom that all units give."""
    grouped = scores.groupby(unit)
    residuals = scores - grouped.transform("mean")
    freedom = (grouped.count() - 1).clip(lower=0).sum()
    return (residuals**2).sum() / freedom.where(freedom > 0)
