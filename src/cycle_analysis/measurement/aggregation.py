"""Show what the rule of aggregation does, and where units are divided inside.

Mean, echelon mean and median of the respondents can give other results (Enticott, Boyne & Walker
2009). The tables say by how much scores and ranks move, and whether units that are further on are
also more divided inside.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.measurement.measurement_error import spread_within
from cycle_analysis.measurement.scores import Aggregation, unit_scores


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
    reference, *others = tables
    rows = {
        (name, phase): _compare(tables[reference][phase], tables[name][phase])
        for name in others
        for phase in scores.columns
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.set_axis(pd.MultiIndex.from_tuples(rows, names=["rule", "phase"]))


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


def _compare(reference: pd.Series, other: pd.Series) -> dict[str, float]:
    both = pd.DataFrame({"reference": reference, "other": other}).dropna()
    gap = both["other"] - both["reference"]
    ranks = both.rank()
    moves = (ranks["other"] - ranks["reference"]).abs()
    varies = len(both) > 1 and bool((both.std() > 1e-12).all())
    return {
        "n": len(both),
        "shift": gap.mean(),
        "difference": gap.abs().mean(),
        "difference_95": gap.abs().quantile(0.95),
        "rank_correlation": ranks.corr().iloc[0, 1] if varies else np.nan,
        "moved": (moves >= 0.1 * len(both)).mean() if len(both) else np.nan,
    }
