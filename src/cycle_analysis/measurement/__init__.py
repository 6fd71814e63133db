"""Turn answers into phase scores: item to respondent, respondent to unit, 0-100.

Every answer is set as percent of maximum possible, POMP (Cohen, Cohen, Aiken & West 1999), so that
scales of any length share one ruler. A respondent's phase score is the mean of the items answered,
when at least a stated share of them is. A unit's score aggregates its respondents by a rule that is
a function: the mean, the median, the mean of echelon means (Enticott, Boyne & Walker 2009), or the
mean after what roles differ within units is taken off (Kumar, Stern & Anderson 1993). What
aggregation hides - how many spoke, how far apart they are - is kept in tables beside it.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd

Answers = TypeVar("Answers", pd.DataFrame, pd.Series)
Aggregation = Callable[[pd.DataFrame, pd.Series], pd.DataFrame]
"""A rule that turns (respondents × phases, unit of each respondent) into units × phases."""


def pomp(
    answers: Answers,
    low: float | pd.Series,
    high: float | pd.Series,
    reversed: bool | pd.Series = False,
) -> Answers:
    """Set answers as percent of the maximum possible, reversed items turned round.

    Parameters
    ----------
    answers : DataFrame, respondents × items, or Series
        Coded answers; NaN is missing and stays missing.
    low, high : float or Series by item
        Ends of the answer scale.
    reversed : bool or Series by item
        Whether a high code means little.

    Returns
    -------
    Like `answers`, 0-100.

    Raises
    ------
    ValueError
        When an answer lies outside its scale.

    References
    ----------
    Cohen, P., Cohen, J., Aiken, L. S. & West, S. G. (1999). The problem of units and the
    circumstance for POMP. Multivariate Behavioral Research 34(3).

    Examples
    --------
    >>> pomp(pd.Series([0, 1, 4]), low=0, high=4).tolist()
    [0.0, 25.0, 100.0]
    >>> pomp(pd.Series([0, 1, 4]), low=0, high=4, reversed=True).tolist()
    [100.0, 75.0, 0.0]
    """
    percent = (answers - low) / (np.asarray(high) - np.asarray(low)) * 100.0
    values = np.asarray(percent, dtype=float)
    outside = (values < -1e-9) | (values > 100 + 1e-9)
    if outside.any():
        found = np.asarray(answers, dtype=float)[outside]
        raise ValueError(
            f"{len(found)} answers lie outside their scale, such as {sorted(set(found))[:5]}. "
            "Set missing codes to NaN first, or mend `low` and `high`."
        )
    turn = np.asarray(reversed, dtype=bool)
    return percent * np.where(turn, -1.0, 1.0) + np.where(turn, 100.0, 0.0)


def items_by_phase(items: pd.DataFrame) -> dict[str, list[str]]:
    """List the items of each phase, phases in the order of the table.

    Parameters
    ----------
    items : DataFrame, indexed by item
        Column `phase`; items without a phase (NaN or empty) are left aside. For blocks other than
        the phases put the block there, and every function of this package treats it likewise.

    Examples
    --------
    >>> items_by_phase(pd.DataFrame({"phase": ["AG", "EX", "AG"]}, index=["a", "b", "c"]))
    {'AG': ['a', 'c'], 'EX': ['b']}
    """
    phase = items["phase"].dropna()
    phase = phase[phase != ""]
    return {str(name): phase.index[phase == name].tolist() for name in phase.unique()}


def turn_items(answers: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Set the answers to the items of all phases to 0-100, in the order of `items`.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).

    Raises
    ------
    ValueError
        When an item has no column in `answers`, or the items table is not unique or incomplete.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": [False, True]},
    ...                      index=["AG1", "AG2"])
    >>> turn_items(pd.DataFrame({"AG1": [4], "AG2": [4]}), items).iloc[0].tolist()
    [100.0, 0.0]
    """
    if lacking := {"phase", "low", "high", "reversed"} - set(items.columns):
        raise ValueError(f"The items table lacks the columns {sorted(lacking)}.")
    if twice := items.index[items.index.duplicated()].tolist():
        raise ValueError(f"Items stand twice in the items table: {twice[:5]}. Keep one row each.")
    listed = [item for group in items_by_phase(items).values() for item in group]
    if absent := [item for item in listed if item not in answers.columns]:
        raise ValueError(
            f"{len(absent)} of {len(listed)} items have no column of answers: {absent[:5]}. "
            "Take them out of the items table, or give their answers."
        )
    chosen = items.loc[listed]
    turned = pomp(answers[listed].astype(float), chosen["low"], chosen["high"], chosen["reversed"])
    return turned.rename_axis(index="respondent", columns="item")


def respondent_scores(
    answers: pd.DataFrame, items: pd.DataFrame, min_answered: float = 0.5
) -> pd.DataFrame:
    """Score each respondent on each phase: the mean of the items answered.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing (don't know, not applicable, no answer).
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool); phases in cycle order.
    min_answered : float
        Share of a phase's items that must be answered, 0-1; below it the score is missing.

    Returns
    -------
    DataFrame, respondents × phases
        0-100; NaN where too little was answered.

    Raises
    ------
    ValueError
        When `min_answered` is not a share, or items and answers do not fit.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame({"AG1": [4, 1], "AG2": [2, None], "AG3": [None, None]})
    >>> respondent_scores(answers, items)["AG"].tolist()
    [75.0, nan]
    """
    if not 0 <= min_answered <= 1:
        raise ValueError(f"min_answered is {min_answered}; it is a share between 0 and 1.")
    turned = turn_items(answers, items)
    scores = {}
    for phase, listed in items_by_phase(items).items():
        values = turned[listed].to_numpy()
        answered = (~np.isnan(values)).sum(axis=1)
        enough = answered >= max(1.0, min_answered * len(listed) - 1e-9)
        total = np.nansum(values, axis=1)
        scores[phase] = np.where(enough, total / np.maximum(answered, 1), np.nan)
    return pd.DataFrame(scores, index=turned.index).rename_axis(columns="phase")


def match_units(scores: pd.DataFrame, units: pd.Series) -> pd.Series:
    """Give each row of `scores` its unit.

    Parameters
    ----------
    scores : DataFrame, respondents × anything
    units : Series, indexed by respondent
        The unit of each respondent.

    Raises
    ------
    ValueError
        When respondents stand twice or have no unit.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 2.0]}, index=["r1", "r2"])
    >>> match_units(scores, pd.Series({"r2": "B", "r1": "A"})).tolist()
    ['A', 'B']
    """
    for name, index in (("scores", scores.index), ("units", units.index)):
        if twice := index[index.duplicated()].unique().tolist():
            raise ValueError(f"Respondents stand twice in {name}: {twice[:5]}. Keep one row each.")
    matched = units.reindex(scores.index)
    if homeless := matched.index[matched.isna()].tolist():
        raise ValueError(
            f"{len(homeless)} of {len(scores)} respondents have no unit: {homeless[:5]}. "
            "Leave them out first: scores.loc[units.dropna().index]."
        )
    return matched.rename("unit")


def mean_of_respondents(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Average the respondents of a unit: every respondent weighs the same.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0]}, index=["r1", "r2"])
    >>> mean_of_respondents(scores, pd.Series("A", index=["r1", "r2"])).loc["A", "AG"]
    np.float64(25.0)
    """
    return scores.groupby(units).mean()


def median_of_respondents(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Take the middle respondent of a unit: one deviating voice does not move the score.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0, 50.0]}, index=["r1", "r2", "r3"])
    >>> median_of_respondents(scores, pd.Series("A", index=scores.index)).loc["A", "AG"]
    np.float64(50.0)
    """
    return scores.groupby(units).median()


def echelon_mean(roles: pd.Series) -> Aggregation:
    """Make the rule that averages within role groups first, then over the groups.

    Every echelon weighs the same, however many of its members answered. Respondents without a
    role form a group of their own; a role with nobody in a unit does not count there.

    Parameters
    ----------
    roles : Series, indexed by respondent
        Role (echelon) of each respondent.

    Returns
    -------
    Aggregation
        To be passed to `unit_scores`.

    References
    ----------
    Enticott, G., Boyne, G. A. & Walker, R. M. (2009). The use of multiple informants in public
    administration research. Journal of Public Administration Research and Theory 19(2).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 0.0, 90.0]}, index=["r1", "r2", "r3"])
    >>> roles = pd.Series({"r1": "line", "r2": "line", "r3": "top"})
    >>> echelon_mean(roles)(scores, pd.Series("A", index=scores.index)).loc["A", "AG"]
    np.float64(45.0)
    """

    def aggregate(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
        role = roles.reindex(scores.index).astype(object).fillna("").rename("role")
        return scores.groupby([units, role]).mean().groupby(level=0).mean()

    return aggregate


def role_effects(
    scores: pd.DataFrame, units: pd.Series, roles: pd.Series, waves: pd.Series | None = None
) -> pd.DataFrame:
    """Estimate how much higher those in a role score than others who tell of the same unit.

    By least squares within units: a unit told by one role alone says nothing. Roles that no unit
    brings together are not set against each other. Over the roles, each counting alike, the effects
    are 0 on average.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        0-100, NaN missing.
    units, roles : Series, indexed by respondent
        The unit of each respondent, and the role, NaN where not known.
    waves : Series, indexed by respondent, optional
        The wave of each respondent, where there are several: of these the means may differ.

    Returns
    -------
    DataFrame, roles × phases
        Points; NaN where other waves are other roles, so that nobody can tell them apart.

    References
    ----------
    Kumar, N., Stern, L. W. & Anderson, J. C. (1993). Conducting interorganizational research using
    key informants. Academy of Management Journal 36(6), 1633-1651.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [40.0, 50.0, 70.0, 80.0, 90.0]}, index=list("abcde"))
    >>> units = pd.Series(["Ede", "Ede", "Epe", "Epe", "Erp"], index=scores.index)
    >>> roles = pd.Series(["line", "top", "line", "top", "top"], index=scores.index)
    >>> role_effects(scores, units, roles)["AG"].round(2).to_dict()
    {'line': -5.0, 'top': 5.0}
    """
    names, effects = role_effects_left_out(scores, units, roles, waves)
    return pd.DataFrame(effects[0], names, scores.columns)


def role_effects_left_out(
    scores: pd.DataFrame, units: pd.Series, roles: pd.Series, waves: pd.Series | None = None
) -> tuple[pd.Index, np.ndarray]:
    """Estimate `role_effects`, and once more without each unit with several respondents in turn.

    How far these lie apart tells the error of the effects, also where roles differ more in one unit
    than in another (jackknife, Tukey 1958). Given are the roles, and 1 + units × roles × phases.
    """
    role = roles.reindex(scores.index).dropna()
    of_units = match_units(scores, units).loc[role.index]
    wave = pd.Series("", role.index) if waves is None else waves.loc[role.index]
    is_role, in_wave = pd.get_dummies(role, dtype=float), pd.get_dummies(wave, dtype=float)
    several, k, found = of_units.duplicated(keep=False), is_role.shape[1], []
    unit = pd.factorize(of_units[several])[0]
    design = np.column_stack([is_role, in_wave])[several]
    for _, values in scores.loc[role.index][several].items():
        known = values.notna().to_numpy()
        rows = np.column_stack([design[known], values[known]])
        rows -= pd.DataFrame(rows, copy=False).groupby(unit[known]).transform("mean").to_numpy()
        products = np.zeros((unit.max(initial=-1) + 2, rows.shape[1], rows.shape[1]))
        for i, j in np.ndindex(products.shape[1:]):  # two columns at a time, of many respondents
            sums = np.bincount(unit[known], rows[:, i] * rows[:, j], len(products) - 1)
            products[1:, i, j] -= sums
        products -= products.sum(axis=0)
        found.append(_solve(products[:, :-1, :-1], products[:, :-1, -1], k))
    effects = np.stack(found, axis=2)
    centred = effects - effects.sum(axis=1, keepdims=True) / max(k, 1)
    return is_role.columns.rename("role"), centred


def _solve(products: np.ndarray, sums: np.ndarray, k: int) -> np.ndarray:
    """Solve normal equations for k roles, n × k: NaN where roles and the rest are one."""
    least = 1e-9 * np.trace(products, axis1=1, axis2=2)[:, None]
    ranks = [
        (np.linalg.eigvalsh(part) > least).sum(axis=1, keepdims=True)
        for part in (products, products[:, :k, :k], products[:, k:, k:])
    ]
    solved = np.linalg.pinv(products, rcond=1e-9, hermitian=True) @ sums[..., None]
    return np.where(ranks[0] == ranks[1] + ranks[2], solved[:, :k, 0], np.nan)


def without_roles(
    scores: pd.DataFrame, units: pd.Series, roles: pd.Series, waves: pd.Series | None = None
) -> pd.DataFrame:
    """Take off from each respondent's scores what those in the role score higher than others.

    So it matters no longer who answered for a unit, as far as roles differ alike in all units: each
    scores as if all roles had answered alike. Respondents without a role keep their scores.
    Parameters are those of `role_effects`.

    Returns
    -------
    DataFrame, respondents × phases
        Points; a score near an end of the scale can lie beyond it.
    """
    role = roles.reindex(scores.index)
    effects = role_effects(scores, units, roles, waves).reindex(role).to_numpy()
    return scores - np.where(role.isna().to_numpy()[:, None], 0.0, effects)


def role_adjusted_mean(roles: pd.Series) -> Aggregation:
    """Make the rule that averages respondents after `without_roles`, within the scale.

    Parameters
    ----------
    roles : Series, indexed by respondent
        Role of each respondent.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [40.0, 50.0, 90.0]}, index=list("abc"))
    >>> units = pd.Series(["Ede", "Ede", "Erp"], index=scores.index)
    >>> roles = pd.Series(["line", "top", "top"], index=scores.index)
    >>> role_adjusted_mean(roles)(scores, units)["AG"].round(2).to_dict()
    {'Ede': 45.0, 'Erp': 85.0}
    """

    def aggregate(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
        return without_roles(scores, units, roles).groupby(units).mean().clip(0.0, 100.0)

    return aggregate


def aggregation_rules(roles: pd.Series) -> dict[str, Aggregation]:
    """Name the rules that a study may choose from.

    Parameters
    ----------
    roles : Series, indexed by respondent
        Role of each respondent, for the rules that know roles: where all have one or none, these
        are the mean.

    Examples
    --------
    >>> aggregation_rules(pd.Series(["line", "line"]))["echelon"] is mean_of_respondents
    True
    """
    several = len(roles.dropna().unique()) > 1
    return {
        "mean": mean_of_respondents,
        "median": median_of_respondents,
        "echelon": echelon_mean(roles) if several else mean_of_respondents,
        "adjusted": role_adjusted_mean(roles) if several else mean_of_respondents,
    }


def unit_scores(
    scores: pd.DataFrame, units: pd.Series, how: Aggregation = mean_of_respondents
) -> pd.DataFrame:
    """Aggregate respondents to units.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        0-100, NaN missing.
    units : Series, indexed by respondent
        The unit of each respondent.
    how : function
        `mean_of_respondents`, `median_of_respondents`, `echelon_mean(roles)`,
        `role_adjusted_mean(roles)`, or your own.

    Returns
    -------
    DataFrame, units × phases
        0-100, sorted by unit; NaN where no respondent of the unit has a score.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0, 80.0]}, index=["r1", "r2", "r3"])
    >>> unit_scores(scores, pd.Series({"r1": "B", "r2": "B", "r3": "A"}))["AG"].to_dict()
    {'A': 80.0, 'B': 25.0}
    """
    aggregated = how(scores, match_units(scores, units))
    return aggregated[scores.columns].sort_index().rename_axis(index="unit", columns="phase")


def phase_scores(
    answers: pd.DataFrame,
    items: pd.DataFrame,
    units: pd.Series,
    *,
    min_answered: float = 0.5,
    how: Aggregation = mean_of_respondents,
) -> pd.DataFrame:
    """Score units on every phase, from the answers of their respondents.

    The way of notebook 02 in one call: `respondent_scores`, then `unit_scores`.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool); phases in cycle order.
    units : Series, indexed by respondent
        The unit of each respondent.
    min_answered : float
        Share of a phase's items that a respondent must have answered, 0-1.
    how : function
        Rule of aggregation: `mean_of_respondents`, `median_of_respondents`, `echelon_mean(roles)`,
        `role_adjusted_mean(roles)`, or your own.

    Returns
    -------
    DataFrame, units × phases
        0-100, percent of the maximum possible, sorted by unit; NaN where nobody's answers suffice.

    Raises
    ------
    ValueError
        As `respondent_scores`; when respondents stand twice or have no unit.

    References
    ----------
    Cohen, P., Cohen, J., Aiken, L. S. & West, S. G. (1999). The problem of units and the
    circumstance for POMP. Multivariate Behavioral Research 34(3).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": ["AG", "AG", "EX"], "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "EX1"])
    >>> answers = pd.DataFrame([[4, 2, 1], [2, 2, 1], [0, 1, None]], columns=items.index)
    >>> phase_scores(answers, items, pd.Series(["Ede", "Ede", "Epe"])).loc["Ede"].tolist()
    [62.5, 25.0]
    """
    return unit_scores(respondent_scores(answers, items, min_answered), units, how)
