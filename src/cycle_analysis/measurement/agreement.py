"""Agreement of respondents in units, against random groups.

Say whether the respondents of a unit see the same thing, so that their mean stands for the unit.

Two questions, two kinds of number. Do respondents of one unit agree: rwg(j) against a uniform null
(James, Demaree & Wolf 1984), average deviation (Burke & Dunlap 2002). Do units differ: ICC(1) and
ICC(2) from one-way analysis of variance with unequal groups (Bliese 2000). Agreement is also high
when everyone everywhere answers alike: `random_groups` has the benchmark for rwg(j).
Units with one respondent take part where they can, and the reason stands where they cannot.

Set agreement beside that of groups put together at random, of the same sizes.

rwg(j) alone shows pseudo-agreement: it is high wherever everyone answers alike (Woehr et al. 2015).
"""

from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from cycle_analysis.measurement.scores import items_by_phase, match_units, turn_items

Table = TypeVar("Table", pd.Series, np.ndarray)

AGREED = 0.7
"""Agreement rwg(j) from which a unit's mean is usually taken to stand for its respondents."""


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
    turned = turn_items(answers, items)
    unit = match_units(turned, units)
    steps = (items["high"] - items["low"]).reindex(turned.columns) / 100.0
    everyone = pd.Index(sorted(unit.unique()), name="unit")
    parts = {}
    for phase, listed in items_by_phase(items).items():
        complete = (turned[listed] * steps[listed]).dropna()
        grouped = complete.groupby(unit.loc[complete.index])
        count = grouped.size().reindex(everyone, fill_value=0)
        disagreement = (grouped.var() / uniform_variances(items, listed)).mean(axis=1)
        deviation = (complete - grouped.transform("mean")).abs()
        average = deviation.groupby(unit.loc[complete.index]).mean().mean(axis=1)
        parts[phase] = pd.DataFrame(
            {
                "n_respondents": count,
                "rwg": rwg_j(disagreement, len(listed)).reindex(everyone),
                "average_deviation": average.reindex(everyone).where(count > 1),
                "reason": count.clip(upper=2).map(_REASONS),
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


def uniform_variances(items: pd.DataFrame, listed: list[str]) -> pd.Series:
    """Give the variance of answers spread evenly over the options: (A² - 1) / 12.

    Examples
    --------
    >>> items = pd.DataFrame({"low": [0], "high": [4]}, index=["AG1"])
    >>> uniform_variances(items, ["AG1"])["AG1"]
    np.float64(2.0)
    """
    options = items.loc[listed, "high"] - items.loc[listed, "low"] + 1
    return (options.astype(float) ** 2 - 1) / 12


def intraclass(scores: pd.DataFrame, units: pd.Series, confidence: float = 0.95) -> pd.DataFrame:
    """Split the variance of each phase between and within units.

    ICC(1) is the share of a single answer that the unit explains, with the group size adjusted for
    unequal groups, ``(N - sum n² / N) / (G - 1)``; ICC(2) the reliability of the unit mean,
    ``(MSB - MSW) / MSB``.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        NaN missing.
    units : Series, indexed by respondent
    confidence : float
        Coverage of the interval of ICC(1), 0-1; exact for equal groups of normal scores.

    Returns
    -------
    DataFrame, indexed by phase
        n_units, n_respondents, group_size (adjusted), between, within (mean squares), icc1,
        icc1_low, icc1_high, icc1_mean_size (with the mean group size, as R multilevel), icc2, p (of
        no difference between units), reason.

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
    unit = match_units(scores, units)
    rows = {}
    for phase in scores.columns:
        known = scores[phase].dropna()
        rows[phase] = _analysis_of_variance(known, unit.loc[known.index], confidence)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")


def agreement_summary(
    answers: pd.DataFrame, items: pd.DataFrame, scores: pd.DataFrame, units: pd.Series
) -> pd.DataFrame:
    """Put the agreement on each phase on one line, with what it allows.

    Returns
    -------
    DataFrame, indexed by phase
        n_units, n_respondents, n_units_of_two (or more), rwg_mean, rwg_median, rwg_over_70 (share
        of units), average_deviation, icc1, icc2, reason.

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
    grouped = table.groupby("phase", sort=False)
    over = (table["rwg"] >= AGREED).where(table["rwg"].notna()).astype(float)
    variance = intraclass(scores, units)
    summary = pd.DataFrame(
        {
            "n_units_of_two": (table["n_respondents"] > 1).groupby("phase", sort=False).sum(),
            "rwg_mean": grouped["rwg"].mean(),
            "rwg_median": grouped["rwg"].median(),
            "rwg_over_70": over.groupby("phase", sort=False).mean(),
            "average_deviation": grouped["average_deviation"].mean(),
        }
    )
    counts = variance[["n_units", "n_respondents"]]
    return counts.join(summary).join(variance[["icc1", "icc2", "reason"]])


_REASONS = {0: "no respondent answered all items", 1: "one respondent: no agreement", 2: ""}


def _analysis_of_variance(
    scores: pd.Series, unit: pd.Series, confidence: float
) -> dict[str, float | int | str]:
    """One-way analysis of variance of one phase; NaN with a reason where it is not defined."""
    sizes = scores.groupby(unit).size().to_numpy()
    n, g = int(sizes.sum()), len(sizes)
    row: dict[str, float | int | str] = {"n_units": g, "n_respondents": n}
    row |= dict.fromkeys(_VARIANCE_COLUMNS, np.nan)
    if g < 2 or n == g:
        reason = (
            "fewer than two units"
            if g < 2
            else "one respondent per unit: respondent and unit cannot be told apart"
        )
        return row | {"reason": reason}
    means = scores.groupby(unit).transform("mean")
    between = float(((means - scores.mean()) ** 2).sum() / (g - 1))
    within = float(((scores - means) ** 2).sum() / (n - g))
    size, mean_size = (n - (sizes**2).sum() / n) / (g - 1), n / g
    row |= {"group_size": size, "between": between, "within": within}
    if between + within < 1e-12:
        return row | {"reason": "no variance: everyone answers the same"}
    ratio = between / within if within > 0 else np.inf
    tail = (1 - confidence) / 2
    bounds = [ratio / f_distribution.ppf(q, g - 1, n - g) for q in (1 - tail, tail)]
    row |= {
        "icc1": _icc1(ratio, size),
        "icc1_low": _icc1(bounds[0], size),
        "icc1_high": _icc1(bounds[1], size),
        "icc1_mean_size": _icc1(ratio, mean_size),
        "icc2": 1 - 1 / ratio if ratio > 0 else np.nan,
        "p": float(f_distribution.sf(ratio, g - 1, n - g)),
    }
    return row | {"reason": ""}


_VARIANCE_COLUMNS = [
    *("group_size", "between", "within", "icc1", "icc1_low", "icc1_high"),
    *("icc1_mean_size", "icc2", "p"),
]


def _icc1(ratio: float, size: float) -> float:
    """(MSB - MSW) / (MSB + (n - 1) MSW) from the ratio of mean squares."""
    return 1.0 if np.isinf(ratio) else float((ratio - 1) / (ratio + size - 1))


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
        (rwg - random), p (share of draws that agree at least as much), reason.

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
    turned = turn_items(answers, items)
    unit = match_units(turned, units)
    steps = (items["high"] - items["low"]).reindex(turned.columns) / 100.0
    streams = np.random.SeedSequence(seed).spawn(len(items_by_phase(items)))
    rows = {}
    for (phase, listed), stream in zip(items_by_phase(items).items(), streams, strict=True):
        complete = (turned[listed] * steps[listed]).dropna()
        sizes = unit.loc[complete.index].value_counts(sort=False)
        grouped = complete.loc[unit.loc[complete.index].isin(sizes.index[sizes > 1])]
        null = np.sqrt(uniform_variances(items, listed).to_numpy())
        rows[phase] = _deal_out(
            grouped.to_numpy() / null, unit.loc[grouped.index], replicates, stream
        )
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")


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
    sizes = np.diff(np.r_[starts, len(names)])[:, None]

    def mean_rwg(rows: np.ndarray) -> float:
        centred = rows - values.mean(axis=0)
        total = np.add.reduceat(centred, starts, axis=0)
        squares = np.add.reduceat(centred**2, starts, axis=0)
        variances = (squares - total**2 / sizes) / (sizes - 1)
        return float(rwg_j(variances.mean(axis=1), values.shape[1]).mean())

    generator = np.random.default_rng(stream)
    observed = mean_rwg(values)
    draws = np.array([mean_rwg(generator.permutation(values)) for _ in range(replicates)])
    return {
        "n_units": len(starts),
        "rwg": observed,
        "random": float(draws.mean()),
        "random_high": float(np.quantile(draws, 0.95)),
        "gain": observed - float(draws.mean()),
        "p": float(((draws >= observed - 1e-12).sum() + 1) / (replicates + 1)),
        "reason": "",
    }
