"""Whether the respondents of a unit see the same thing, and how exactly their mean is known.

Two questions, two kinds of number. Do respondents of one unit agree: rwg(j) against a uniform null
(James, Demaree & Wolf 1984), average deviation (Burke & Dunlap 2002). Do units differ: ICC(1) and
ICC(2) from one-way analysis of variance with unequal groups (Bliese 2000). Agreement is also high
when everyone everywhere answers alike, so rwg(j) stands beside that of groups put together at
random, of the same sizes (Woehr et al. 2015). Units with one respondent take part where they can,
and the reason stands where they cannot.

What aggregation hides is kept beside it: how many spoke, how far apart they are, how exact the mean
is. Mean, echelon mean and median of the respondents can give other results (Enticott, Boyne &
Walker 2009), and units that are further on may be more divided inside.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import children
from cycle_analysis.measurement import (
    Aggregation,
    items_by_phase,
    match_units,
    turn_items,
    unit_scores,
)
from cycle_analysis.measurement.error import standard_errors

Table = TypeVar("Table", pd.Series, np.ndarray)

AGREED = 0.7
"""Agreement rwg(j) from which a unit's mean is usually taken to stand for its respondents."""
MOST_DEALT = 20_000
"""Respondents that are dealt out to random groups at most: chance is known well enough by then."""


def unit_agreement(answers: pd.DataFrame, items: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Give the agreement of the respondents of each unit on the items of each phase.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded whole numbers, NaN missing; respondents count for a phase when all its items are
        answered, as in R multilevel.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, rows (unit, phase)
        n_respondents; rwg, 0-1, rwg(j) with negative agreement set to 0; average_deviation, in
        steps of the answer scale; reason (why a number is missing, else empty).

    References
    ----------
    James, L. R., Demaree, R. G. & Wolf, G. (1984). Estimating within-group interrater reliability
    with and without response bias. Journal of Applied Psychology 69(1).
    Burke, M. J. & Dunlap, W. P. (2002). Estimating interrater agreement with the average deviation
    index. Organizational Research Methods 5(2).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [3, 4, 1], "AG2": [2, 2, 0]}, index=["r1", "r2", "r3"])
    >>> units = pd.Series({"r1": "A", "r2": "A", "r3": "B"})
    >>> unit_agreement(answers, items, units).loc[("A", "AG"), "rwg"].round(3)
    np.float64(0.933)
    """
    everyone = pd.Index(sorted(match_units(answers, units).unique()), name="unit")
    reasons = {0: "no respondent answered all items", 1: "one respondent: no agreement", 2: ""}
    parts = {}
    for phase, complete, unit, null in _complete_answers(answers, items, units):
        grouped = complete.groupby(unit)
        count = grouped.size().reindex(everyone, fill_value=0)
        disagreement = (grouped.var() / null).mean(axis=1)
        deviation = (complete - grouped.transform("mean")).abs()
        average = deviation.groupby(unit).mean().mean(axis=1)
        parts[phase] = pd.DataFrame(
            {
                "n_respondents": count,
                "rwg": rwg_j(disagreement, len(null)).reindex(everyone),
                "average_deviation": average.reindex(everyone).where(count > 1),
                "reason": count.clip(upper=2).map(reasons),
            }
        )
    table = pd.concat(parts, names=["phase"]).swaplevel()
    order = pd.MultiIndex.from_product([everyone, list(parts)], names=["unit", "phase"])
    return table.reindex(order)


def rwg_j(disagreement: Table, n_items: int) -> Table:
    """Compute rwg(j) from the mean ratio of observed to uniform variance.

    ``J(1 - d) / (J(1 - d) + d)``; a ratio over one counts as one, no agreement.

    Examples
    --------
    >>> rwg_j(np.array([0.0, 0.5, 2.0]), n_items=4).round(2).tolist()
    [1.0, 0.8, 0.0]
    """
    kept = 1 - disagreement.clip(0, 1)
    return n_items * kept / (n_items * kept + 1 - kept)


def intraclass(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Split the variance of each phase between and within units.

    ICC(1) is the share of a single answer that the unit explains, with the group size adjusted for
    unequal groups, ``(N - sum n² / N) / (G - 1)``; ICC(2) the reliability of the unit mean,
    ``(MSB - MSW) / MSB``.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        NaN missing.
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, indexed by phase
        n_units, n_respondents, group_size (adjusted), icc1, icc1_low, icc1_high (95%, exact for
        equal groups of normal scores), icc1_mean_size (with the mean group size, as R multilevel),
        icc2, reason.

    References
    ----------
    Bliese, P. D. (2000). Within-group agreement, non-independence, and reliability. In Klein &
    Kozlowski (eds), Multilevel theory, research, and methods in organizations.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10.0, 20.0, 50.0, 60.0]}, index=list("abcd"))
    >>> units = pd.Series(["A", "A", "B", "B"], index=list("abcd"))
    >>> intraclass(scores, units).loc["AG", ["icc1", "icc2"]].round(3).tolist()
    [0.939, 0.969]
    """
    grouped = scores.groupby(match_units(scores, units))
    sizes, means = grouped.count(), grouped.transform("mean")
    n, g = sizes.sum(), (sizes > 0).sum()
    known = (g > 1) & (n > g)
    between = ((means - scores.mean()) ** 2).where(scores.notna()).sum() / (g - 1).where(known)
    within = ((scores - means) ** 2).sum() / (n - g).where(known)
    size = (n - (sizes**2).sum() / n) / (g - 1).where(known)
    varying = between.where(between + within >= 1e-12)
    low, high = (varying / stats.f.ppf(q, g - 1, n - g) for q in (0.975, 0.025))
    reasons = {
        "fewer than two units": g < 2,
        "one respondent per unit: respondent and unit cannot be told apart": n == g,
        "no variance: everyone answers the same": varying.isna(),
    }
    table = pd.DataFrame(
        {
            "n_units": g,
            "n_respondents": n,
            "group_size": size,
            "icc1": _icc1(varying, within, size),
            "icc1_low": _icc1(low, within, size),
            "icc1_high": _icc1(high, within, size),
            "icc1_mean_size": _icc1(varying, within, n / g),
            "icc2": (varying - within) / varying.where(varying > 0),
            "reason": np.select(list(reasons.values()), list(reasons), default=""),
        }
    )
    return table.rename_axis("phase")


def agreement_summary(
    answers: pd.DataFrame, items: pd.DataFrame, scores: pd.DataFrame, units: pd.Series
) -> pd.DataFrame:
    """Put the agreement on each phase on one line, with what it allows.

    Parameters
    ----------
    answers, items, units
        As `unit_agreement`.
    scores : DataFrame, respondents × phases
        As `measurement.respondent_scores` gives them, for the ICCs.

    Returns
    -------
    DataFrame, indexed by phase
        n_units, n_respondents, n_units_of_two (with a score), n_units_of_whole (who answered all
        items), rwg_mean, rwg_median, rwg_over_70 (share), average_deviation, icc1, icc2, reason.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 1, 4, 3], "AG2": [0, 1, 3, 4]}, index=list("abcd"))
    >>> units = pd.Series(["A", "A", "B", "B"], index=list("abcd"))
    >>> scores = answers.mean(axis=1).mul(25).to_frame("AG")
    >>> agreement_summary(answers, items, scores, units).loc["AG", "rwg_over_70"]
    np.float64(1.0)
    """
    table = unit_agreement(answers, items, units)
    rwg = table["rwg"]
    over = (rwg >= AGREED).astype(float).where(rwg.notna())
    table = table.assign(several=table["n_respondents"] > 1, over=over)
    summary = table.groupby("phase", sort=False).agg(
        n_units_of_whole=("several", "sum"),
        rwg_mean=("rwg", "mean"),
        rwg_median=("rwg", "median"),
        rwg_over_70=("over", "mean"),
        average_deviation=("average_deviation", "mean"),
    )
    variance = intraclass(scores, units)
    several = scores.groupby(match_units(scores, units)).count() > 1
    counts = variance[["n_units", "n_respondents"]].assign(n_units_of_two=several.sum())
    return counts.join(summary).join(variance[["icc1", "icc2", "reason"]])


def random_group_benchmark(
    answers: pd.DataFrame,
    items: pd.DataFrame,
    units: pd.Series,
    replicates: int = 500,
    seed: int = 2018,
) -> pd.DataFrame:
    """Set the mean rwg(j) beside that of groups of the same sizes drawn at random.

    Parameters
    ----------
    answers, items, units
        As for `unit_agreement`.
    replicates : int
        Number of times the respondents are dealt out again.
    seed : int

    Returns
    -------
    DataFrame, indexed by phase
        n_units (with two respondents or more), rwg, random, random_high (95th percentile), gain
        (rwg - random), p (share of draws that agree at least as much), reason. Of more than
        `MOST_DEALT` respondents those of a random part of the units are dealt out.

    References
    ----------
    Woehr, D. J. et al. (2015). Justifying aggregation with consensus-based constructs.
    Organizational Research Methods 18(4).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 0, 4, 4] * 5, "AG2": [0, 1, 4, 4] * 5})
    >>> units = pd.Series(["A", "A", "B", "B"] * 5)
    >>> random_group_benchmark(answers, items, units, replicates=99).loc["AG", "p"]
    np.float64(0.01)
    """
    rows = {}
    phases, streams = _complete_answers(answers, items, units), children(seed, len(items))
    for (phase, complete, unit, null), stream in zip(phases, streams, strict=False):
        several = unit.groupby(unit).transform("size") > 1
        standardised = complete[several] / np.sqrt(null)
        rows[phase] = _deal_out(standardised.to_numpy(), unit[several], replicates, stream)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")


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
        Two or more; the first is the reference, and one that is the same function is left out.

    Returns
    -------
    DataFrame, rows (rule, phase)
        n (units with a score under both); shift (mean difference from the reference); difference,
        difference_95 (mean and 95th percentile of the absolute difference, score points);
        rank_correlation (Spearman); moved (share of units whose rank moves by a tenth of n or
        more).

    Examples
    --------
    >>> from cycle_analysis.measurement import mean_of_respondents, median_of_respondents
    >>> scores = pd.DataFrame({"AG": [0.0, 0.0, 90.0, 60.0]}, index=list("abcd"))
    >>> units = pd.Series(["A", "A", "A", "B"], index=list("abcd"))
    >>> rules = {"mean": mean_of_respondents, "median": median_of_respondents}
    >>> compare_aggregations(scores, units, rules).loc[("median", "AG"), "difference"]
    np.float64(15.0)
    """
    if len(rules) < 2:
        raise ValueError(f"Comparing takes two rules or more, not {list(rules)}.")
    first = next(iter(rules.values()))
    reference = unit_scores(scores, units, first)
    return pd.concat(
        {
            name: compare_scores(reference, unit_scores(scores, units, rule))
            for name, rule in rules.items()
            if rule is not first
        },
        names=["rule", "phase"],
    )


def compare_scores(reference: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Compare two tables of scores, units × phases, on the units that both hold.

    Returns
    -------
    DataFrame, indexed by phase
        The columns of `compare_aggregations`.
    """
    gap = other - reference
    n = gap.count()
    # scores that are equal but for the last bit share a rank, on any machine
    before, after = (table.where(gap.notna()).round(9).rank() for table in (reference, other))
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


def spread_by_level(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Compare the spread inside units between units that are less and further on.

    The spread is the root of the mean variance: the mean of standard deviations is lower where
    units have few respondents, which those further on often have not. Near the ends of the scale
    respondents cannot differ much, so spread_share divides by the largest spread that the mean
    allows, ``sqrt(m (100 - m))``, in which the error of m is made up for by ``s² / n``.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, indexed by group: quarters of the units by their mean score, 1 (lowest) to 4
        n (units with two respondents or more), level (mean score), spread (inside units, score
        points), standard_error (of the spread), low and high (95 % t-interval of its logarithm; a
        group is a quarter of the units, too few for the normal), spread_share (0-1).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 10.0, 20.0, 40.0, 50.0, 70.0, 60.0, 90.0]})
    >>> spread_by_level(scores, pd.Series(list("AABBCCDD")))["spread"].round(1).tolist()
    [7.1, 14.1, 14.1, 21.2]
    """
    variances = spread_within(scores, units) ** 2
    means = unit_scores(scores, units)
    counts = unit_scores(scores, units, lambda table, unit: table.groupby(unit).count())
    room = means * (100 - means) + variances / counts.where(counts > 0)
    inside = pd.DataFrame(
        {
            "level": means.mean(axis=1),
            "variance": variances.mean(axis=1),
            "room": room.where(variances.notna()).mean(axis=1),
        }
    ).dropna()
    places = inside["level"].rank(method="first").sub(1) * 4 // max(len(inside), 1)
    grouped = inside.groupby(places.astype(int).add(1).rename("group"))
    table, n = grouped.mean(), grouped.size()
    relative = grouped["variance"].sem() / table["variance"].clip(lower=1e-9) / 2
    spread, reach = np.sqrt(table["variance"]), stats.t.ppf(0.975, n - 1) * relative
    table = table.assign(
        n=n,
        spread=spread,
        standard_error=spread * relative,
        low=spread * np.exp(-reach),
        high=spread * np.exp(reach),
        spread_share=spread / np.sqrt(table["room"].where(table["room"] > 1e-9)),
    )
    return table[["n", "level", "spread", "standard_error", "low", "high", "spread_share"]]


def _complete_answers(
    answers: pd.DataFrame, items: pd.DataFrame, units: pd.Series
) -> Iterator[tuple[str, pd.DataFrame, pd.Series, pd.Series]]:
    """Give for each phase the respondents who answered all its items, in steps of the scale.

    Beside them their units, and per item the variance of answers spread evenly over the options,
    (A² - 1) / 12.
    """
    turned = turn_items(answers, items)
    unit = match_units(turned, units)
    steps = (items["high"] - items["low"]).astype(float)
    for phase, listed in items_by_phase(items).items():
        complete = (turned[listed] * steps[listed] / 100).dropna()
        yield phase, complete, unit.loc[complete.index], ((steps[listed] + 1) ** 2 - 1) / 12


def _icc1(between: pd.Series, within: pd.Series, size: pd.Series) -> pd.Series:
    return (between - within) / (between + (size - 1) * within)


def _deal_out(
    standardised: np.ndarray, unit: pd.Series, replicates: int, stream: np.random.SeedSequence
) -> dict[str, float | int | str]:
    """Mean rwg(j) observed and over random deals; rows are sorted by unit first."""
    order = np.argsort(unit.to_numpy(), kind="stable")
    values, names = standardised[order], unit.to_numpy()[order]
    if len(names) == 0:
        lacking = dict.fromkeys(["rwg", "random", "random_high", "gain", "p"], np.nan)
        return {"n_units": 0, **lacking, "reason": "no unit with two respondents"}
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    sizes = np.diff(np.r_[starts, len(names)])
    n_items = values.shape[1]
    centred = values - values.mean(axis=0)
    sums = np.column_stack([centred, (centred**2).sum(axis=1)])  # of the items, and of squares

    def mean_rwg(rows: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> float:
        totals = np.add.reduceat(rows, starts, axis=0)
        scatter = totals[:, -1] - (totals[:, :-1] ** 2).sum(axis=1) / sizes
        return float(rwg_j(scatter / (sizes - 1) / n_items, n_items).mean())

    generator, rwg = np.random.default_rng(stream), mean_rwg(sums, starts, sizes)
    dealt = dealt_units(sizes, generator)
    sums, sizes = sums[np.repeat(dealt, sizes)], sizes[dealt]
    starts_of = np.cumsum(sizes) - sizes
    observed = mean_rwg(sums, starts_of, sizes)
    draws = np.array(
        [mean_rwg(generator.permutation(sums), starts_of, sizes) for _ in range(replicates)]
    )
    return {
        "n_units": len(starts),
        "rwg": rwg,
        "random": float(draws.mean()),
        "random_high": float(np.quantile(draws, 0.95)),
        "gain": rwg - float(draws.mean()),
        "p": float(((draws >= observed - 1e-12).sum() + 1) / (replicates + 1)),
        "reason": "",
    }


def dealt_units(sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Tell which units are dealt out: all, or a random part of `MOST_DEALT` respondents at most."""
    if sizes.sum() <= MOST_DEALT:
        return np.ones(len(sizes), bool)
    order = generator.permutation(len(sizes))
    within = np.cumsum(sizes[order]) <= MOST_DEALT
    return np.isin(np.arange(len(sizes)), order[within])
