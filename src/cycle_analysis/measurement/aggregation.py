"""From respondents to units: how exact a unit's mean is, and what the rule of aggregation does.

What aggregation hides is kept beside it: how many spoke, how far apart they are, how exact the mean
is. Mean, echelon mean and median of the respondents can give other results (Enticott,
Boyne & Walker 2009), and units that are further on may be more divided inside.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.measurement.scores import Aggregation, match_units, unit_scores


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

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        As `scores.respondent_scores` gives them, NaN missing.
    units : Series, indexed by respondent
        The unit of each respondent.

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
    grouped = scores.groupby(match_units(scores, units))
    counts = grouped.count()
    freedom = (counts - 1).clip(lower=0).sum()
    squares = ((scores - grouped.transform("mean")) ** 2).sum()
    return np.sqrt(squares / freedom.where(freedom > 0)) / np.sqrt(counts.where(counts > 0))


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
    grouped = scores.groupby(match_units(scores, units))
    parts = {
        "n_respondents": grouped.count(),
        "mean": grouped.mean(),
        "sd": grouped.std(),
        "lowest": grouped.min(),
        "highest": grouped.max(),
        "standard_error": standard_errors(scores, units),
    }
    rows = [parts["n_respondents"].index, scores.columns]
    table = pd.DataFrame(
        {name: part.to_numpy().ravel() for name, part in parts.items()},
        index=pd.MultiIndex.from_product(rows, names=["unit", "phase"]),
    )
    reasons = {0: "no respondent with a score", 1: "one respondent: no spread", 2: ""}
    return table.assign(reason=table["n_respondents"].clip(upper=2).map(reasons))


def compare_aggregations(
    scores: pd.DataFrame, units: pd.Series, rules: Mapping[str, Aggregation]
) -> pd.DataFrame:
    """Compare every rule of aggregation with the first, per phase.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
    units : Series, indexed by respondent
    rules : mapping from name to function
        Two or more; the first is the reference.

    Returns
    -------
    DataFrame, rows (rule, phase)
        n (units with a score under both); shift (mean difference from the reference); difference,
        difference_95 (mean and 95th percentile of the absolute difference, score points);
        rank_correlation (Spearman); moved (share of units whose rank moves by a tenth of n or
        more).

    Examples
    --------
    >>> from cycle_analysis.measurement.scores import mean_of_respondents, median_of_respondents
    >>> scores = pd.DataFrame({"AG": [0.0, 0.0, 90.0, 60.0]}, index=list("abcd"))
    >>> units = pd.Series(["A", "A", "A", "B"], index=list("abcd"))
    >>> rules = {"mean": mean_of_respondents, "median": median_of_respondents}
    >>> compare_aggregations(scores, units, rules).loc[("median", "AG"), "difference"]
    np.float64(15.0)
    """
    if len(rules) < 2:
        raise ValueError(f"Comparing takes two rules or more, not {list(rules)}.")
    tables = {name: unit_scores(scores, units, rule) for name, rule in rules.items()}
    reference = tables.pop(next(iter(rules)))
    return pd.concat(
        {name: _compare(reference, table) for name, table in tables.items()},
        names=["rule", "phase"],
    )


def spread_by_level(scores: pd.DataFrame, units: pd.Series, n_groups: int = 4) -> pd.DataFrame:
    """Compare the spread inside units between units that are less and further on.

    Near the ends of the scale respondents cannot differ much, so spread_share divides by the
    largest spread that the mean allows, ``sqrt(m (100 - m) n / (n - 1))``.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
    units : Series, indexed by respondent
    n_groups : int
        Equal groups of units by their mean score over phases.

    Returns
    -------
    DataFrame, indexed by group, 1 (lowest level) upwards
        n (units with two respondents or more), level (mean score), spread (mean sd inside units,
        score points), standard_error (of the spread), low and high (95 % t-interval; a group is a
        quarter of the units, too few for the normal), spread_share (0-1).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 10.0, 40.0, 90.0]}, index=list("abcd"))
    >>> units = pd.Series(["A", "A", "B", "B"], index=list("abcd"))
    >>> spread_by_level(scores, units, n_groups=2)["spread"].round(1).tolist()
    [7.1, 35.4]
    """
    spread = spread_within(scores, units)
    means = unit_scores(scores, units)
    counts = unit_scores(scores, units, lambda table, unit: table.groupby(unit).count())
    widest = np.sqrt((means * (100 - means)).clip(lower=0) * counts / (counts - 1).clip(lower=1))
    inside = pd.DataFrame(
        {
            "level": means.mean(axis=1),
            "spread": spread.mean(axis=1),
            "spread_share": (spread / widest.where(widest > 1e-9)).mean(axis=1),
        }
    ).dropna(subset=["spread", "level"])
    places = inside["level"].rank(method="first").sub(1) * n_groups // max(len(inside), 1)
    grouped = inside.groupby(places.astype(int).add(1).rename("group"))
    table = grouped.mean().assign(n=grouped.size(), standard_error=grouped["spread"].sem())
    reach = stats.t.ppf(0.975, table["n"] - 1) * table["standard_error"]
    table = table.assign(low=table["spread"] - reach, high=table["spread"] + reach)
    return table[["n", "level", "spread", "standard_error", "low", "high", "spread_share"]]


def _compare(reference: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Compare two tables of scores, units × phases, on the units that both hold."""
    gap = other - reference
    n = gap.count()
    before, after = (table.where(gap.notna()).rank() for table in (reference, other))
    return pd.DataFrame(
        {
            "n": n,
            "shift": gap.mean(),
            "difference": gap.abs().mean(),
            "difference_95": gap.abs().quantile(0.95),
            "rank_correlation": before.corrwith(after),
            "moved": ((after - before).abs() >= 0.1 * n).sum() / n.where(n > 0),
        }
    )
