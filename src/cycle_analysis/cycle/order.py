"""Order of the phases: violations beyond measurement error, and what the evidence supports.

A difference between two phases of a unit is an order violation when it exceeds 1.96 standard errors
of the difference: from how respondents of one unit differ (`measurement.error`) where that is
known, else from the reliability of the phases. What speaks for and against an order is gathered and
read as one of seven, by a rule that stands in `read_order`; every number it uses is in the evidence
beside it.
"""

from enum import StrEnum

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from cycle_analysis.cycle.scalability import (
    ALL,
    WEAK,
    between_respondents,
    scalability,
    subtract_style,
    two_level_scalability,
)
from cycle_analysis.measurement import unit_scores
from cycle_analysis.measurement.error import (
    MeasurementError,
    Standing,
    mean_intervals,
    measurement_error,
)

HALF_A_PERCENT = 2.576
"""Standard errors that chance exceeds one way in half a percent."""
SURE = 0.05
"""Chance that the phase with the highest, or lowest, true mean is not among those named."""


class Reading(StrEnum):
    """What the evidence says of the order of the phases."""

    CUMULATIVE = "cumulative"
    """Phases add up in cycle order."""
    PARTLY = "partly"
    """Some of that, or not surely."""
    PARALLEL = "parallel"
    """Phases run beside each other, without an order."""
    WINDOW = "window"
    """Units are busy with one phase and done with the former, so that distant phases exclude each
    other although the order is perfect; H is low or negative there, and only correlations tell."""
    OPPOSED = "opposed"
    """Distant phases exclude each other, but nothing between them rises and falls: one direction,
    or profiles that cross."""
    UNDETERMINED = "undetermined"
    """There is an order in the raw scores, and none once style is taken out, or none that
    colleagues share; or nothing tells an order from a style."""
    UNKNOWN = "unknown"
    """Too few units, or nobody differs."""


NO_ORDER = (Reading.PARALLEL, Reading.UNDETERMINED, Reading.UNKNOWN)
"""Readings that claim nothing."""


def order_violations(
    scores: pd.DataFrame, errors: pd.DataFrame, beyond: float = 1.96
) -> pd.DataFrame:
    """Count for every pair of phases where the later is ahead by more than measurement error.

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
    gaps = phase_differences(scores)
    errors = errors.reindex(index=gaps.index, columns=gaps.columns).where(gaps.notna())
    gaps = gaps.where(errors.notna())
    n = gaps.count()
    violations = (-gaps > errors * beyond).sum()
    return pd.DataFrame(
        {
            "n": n,
            "difference": gaps.mean(),
            "error": errors.mean(),
            "later_ahead": (gaps < 0).sum() / n.where(n > 0),
            "earlier_beyond": (gaps > errors * beyond).sum() / n.where(n > 0),
            "violations": violations,
            "share": violations / n.where(n > 0),
            "by_chance": float(norm.sf(beyond)),
            "reason": (n == 0).map({True: "no unit with both scores and an error", False: ""}),
        }
    ).rename_axis(["earlier", "later"])


def errors_of_differences(
    scores: pd.DataFrame, persons: pd.DataFrame, units: pd.Series, reliability: pd.Series | None
) -> pd.DataFrame:
    """Give the standard error of differences: from respondents, or where they are few from items.

    From respondents it is that of the differences within them: a respondent who is mild on all
    phases moves both alike, and that does not blur their difference. Where too few units have two
    respondents to know it, it is ``sqrt(SEM_a² + SEM_b²)`` from items, with ``SEM = sd sqrt(1 -
    reliability)``, the same for every unit; it covers error between items, not between respondents.

    Parameters
    ----------
    scores : DataFrame, units × phases
    persons : DataFrame, respondents × phases
    units : Series, indexed by respondent
    reliability : Series, indexed by phase, or None
        Alpha, omega or ICC(2), 0-1; without it errors are NaN where respondents do not tell them.

    Returns
    -------
    DataFrame, units × pairs of phases (earlier, later)

    Examples
    --------
    >>> persons = pd.DataFrame({"AG": [0.0, 10.0, 20.0], "EX": [0.0, 10.0, 20.0]})
    >>> scores, units = persons.rename_axis("unit"), pd.Series([0, 1, 2])
    >>> reliability = pd.Series({"AG": 0.5, "EX": 0.5})
    >>> errors_of_differences(scores, persons, units, reliability).iloc[0].tolist()
    [10.0]
    """
    error = measurement_error(persons, units)
    if error.standing != Standing.UNKNOWN or reliability is None:
        return _from_respondents(error)
    unreliable = 1 - reliability.reindex(scores.columns).clip(0, 1)
    variances = (scores.var() * unreliable).to_numpy()
    first, second = np.triu_indices(scores.shape[1], k=1)
    columns = phase_differences(scores.iloc[:0]).columns
    rows = np.tile(np.sqrt(variances[first] + variances[second]), (len(scores), 1))
    return pd.DataFrame(rows, index=scores.index, columns=columns)


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


def possible_extremes(
    scores: pd.DataFrame,
    persons: pd.DataFrame,
    units: pd.Series,
    population: int | None = None,
    weights: pd.Series | None = None,
) -> pd.DataFrame:
    """Say which phases may have the highest mean, and which the lowest.

    A phase is out when another one lies beyond it by more than sampling and measurement error
    explain, at `SURE` over the number of the others (subset selection, Gupta 1965): so the phase
    that is truly highest is among those that are left in 95% of samples, however near some are.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100, NaN missing.
    persons : DataFrame, respondents × phases
    units : Series, indexed by respondent
    population : int, optional
        Number of units there are; see `measurement.error.mean_intervals`.
    weights : Series, indexed by unit, optional
        Survey weights: then of weighted means, whose variance is that of ``w (d - mean)``, w with
        mean 1 over the units that have the difference d (linearised; Särndal et al. 1992, 5.7).

    Returns
    -------
    DataFrame, indexed by phase
        may_be_highest, may_be_lowest (bool).

    References
    ----------
    Gupta, S. S. (1965). On some multiple decision (selection and ranking) rules. Technometrics
    7(2), 225-245.
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model Assisted Survey Sampling. Springer.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [50.0, 64.0, 72.0], "EX": [52.0, 62.0, 74.0],
    ...                        "VB": [10.0, 22.0, 33.0]})
    >>> possible_extremes(scores, scores, pd.Series(range(3)))["may_be_highest"].tolist()
    [True, True, False]
    """
    errors = _from_respondents(measurement_error(persons, units)).reindex(scores.index)
    gaps = phase_differences(scores)
    if weights is not None:
        own = gaps.notna().mul(weights[gaps.index], axis=0)
        own /= own.where(gaps.notna()).mean()
        mean = (own * gaps).mean()
        gaps, errors = mean + own * (gaps - mean), own * errors
    table = mean_intervals(gaps, population, errors)
    freedom = (table["n"] - 1).clip(lower=1)
    error = (table["high"] - table["low"]) / 2 / t.ppf(0.975, freedom)
    sure = t.sf((table["mean"] / error).abs(), freedom) <= SURE / max(scores.shape[1] - 1, 1)
    first, second = (table.index.get_level_values(place) for place in (0, 1))
    ahead = (table["mean"] > 0).to_numpy()
    phases = scores.columns
    return pd.DataFrame(
        {
            "may_be_highest": ~phases.isin(np.where(ahead, second, first)[sure]),
            "may_be_lowest": ~phases.isin(np.where(ahead, first, second)[sure]),
        },
        index=phases.rename("phase"),
    )


def ends_apart(extremes: pd.DataFrame) -> bool:
    """Whether no phase may be both highest and lowest: only then any is named as either.

    Examples
    --------
    >>> ends_apart(pd.DataFrame({"may_be_highest": [True, False], "may_be_lowest": [True, True]}))
    False
    """
    return not (extremes["may_be_highest"] & extremes["may_be_lowest"]).any()


def gather_evidence(
    scores: pd.DataFrame,
    errors: pd.DataFrame,
    corrected: pd.DataFrame | None = None,
    two_level: pd.DataFrame | None = None,
    replicates: int = 1000,
    permutations: int = 500,
    seed: int = 2018,
) -> pd.Series:
    """Gather what speaks for and against an order of the phases.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100.
    errors : DataFrame, units × pairs of phases
        Standard errors of the differences, see `order_violations`.
    corrected : DataFrame, units × phases, optional
        Scores without response style: `scalability.subtract_style` before aggregation. Without it
        the verdict rests on raw scores and says so.
    two_level : DataFrame, optional
        H within and between respondents, from `scalability.two_level_scalability`.
    replicates, permutations, seed
        See `scalability.scalability`.

    Returns
    -------
    Series
        n; H, H_low, H_high, H_chance (raw); H_corrected, H_corrected_low, H_corrected_high,
        H_corrected_chance; H_between, H_between_low, H_between_high (between respondents of one
        unit; NaN where fewer than `error.TOO_FEW` degrees of freedom tell it); steps, steps_down,
        steps_up (adjacent pairs of phases, and those whose mean falls, or rises, by more than
        chance); violations (share of units and pairs, beyond error); near, far
        (mean correlation of adjacent phases and of the most distant), far_chance (half a percent
        of unrelated phases go lower), gap_chance (and differ by more), peak (standard errors by
        which what lies between the ends both rises and falls); corrected (whether H_corrected is
        there); style (correlation over units of what was taken out with the mean
        score; NaN where nothing was).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [90.0, 80.0, 50.0, 20.0], "EX": [70.0, 55.0, 20.0, 0.0]})
    >>> errors = pd.DataFrame(5.0, scores.index, pd.MultiIndex.from_tuples([("AG", "EX")]))
    >>> gather_evidence(scores, errors, replicates=50, permutations=50)["H"]
    np.float64(1.0)
    """
    evidence: dict[str, float] = {"n": len(scores.dropna())}
    clean = scores.iloc[:0] if corrected is None else corrected
    for name, table in (("H", scores), ("H_corrected", clean)):
        whole = scalability(table, replicates, permutations, seed=seed).loc[(ALL, ALL)]
        evidence |= {name: whole["H"], f"{name}_low": whole["low"], f"{name}_high": whole["high"]}
        evidence[f"{name}_chance"] = whole["chance_high"]
    evidence |= between_respondents(two_level)
    violations = order_violations(scores, errors)
    compared = violations["n"].sum()
    taken = scores if corrected is None else corrected
    reach, level = _reach_of_correlations(taken), scores.mean(axis=1)
    evidence |= {
        "steps": scores.shape[1] - 1,
        "steps_down": _steps(scores, down=True),
        "steps_up": _steps(scores, down=False),
        "violations": violations["violations"].sum() / compared if compared else np.nan,
        **dict(zip(("near", "far", "far_chance", "gap_chance"), reach, strict=True)),
        "peak": _peak_between(taken.dropna().to_numpy()),
        "corrected": corrected is not None,
        "style": np.nan if corrected is None else (level - corrected.mean(axis=1)).corr(level),
    }
    return pd.Series(evidence, name="evidence")


def read_order(evidence: pd.Series) -> Reading:
    """Read the evidence: as one of `Reading`.

    In this order. *Window* or *opposed* when the most distant phases go together less than chance
    allows, and less than adjacent ones by more than chance: style taken out that was none lowers
    all alike; a window when the phases between rise and fall by more than chance.
    *Undetermined* when the raw H is a scale, the corrected H is not, and the steps leave room for
    an order: correction takes out some of what units truly share, or leaves in some of a style.
    *Parallel* when H, corrected for style where that is known, is under .3, or not beyond chance,
    or when fewer than half of the steps go down. *Undetermined*, too, when what goes together
    `may_be_style`. *Cumulative* when the whole interval of H is over .3 and that between
    respondents not under it (phases that go together in blocks, under a style, are no scale there),
    every step goes down, and at most a tenth of the comparisons breaks the order beyond error.
    *Partly* otherwise.

    Examples
    --------
    >>> evidence = pd.Series({"H": 0.1, "H_low": 0.0, "H_chance": 0.1, "corrected": False,
    ...                       "steps": 4, "steps_down": 4, "near": 0.1, "far": 0.0,
    ...                       "far_chance": -0.1, "gap_chance": 0.2})
    >>> read_order(evidence).value
    'parallel'
    """
    name = "H_corrected" if evidence["corrected"] else "H"
    estimate, low, chance = (evidence[key] for key in (name, f"{name}_low", f"{name}_chance"))
    if not np.isfinite(estimate):
        return Reading.UNKNOWN
    gap = evidence["near"] - evidence["far"]
    if evidence["far"] < evidence["far_chance"] and gap > evidence["gap_chance"]:
        return Reading.WINDOW if evidence["peak"] > HALF_A_PERCENT else Reading.OPPOSED
    lacks_order = 2 * evidence["steps_down"] < evidence["steps"]
    if estimate < WEAK or estimate <= chance or lacks_order:
        above = evidence["H"] >= WEAK and evidence["H"] > evidence["H_chance"]
        bounds_differ = evidence["corrected"] and above and not lacks_order
        return Reading.UNDETERMINED if bounds_differ else Reading.PARALLEL
    if may_be_style(evidence):
        return Reading.UNDETERMINED
    every_step = evidence["steps_down"] == evidence["steps"]
    shared = not evidence["H_between_high"] < WEAK  # where it is not known, too
    surely = low > WEAK and shared and every_step and evidence["violations"] <= 0.1
    return Reading.CUMULATIVE if surely else Reading.PARTLY


def may_be_style(evidence: pd.Series) -> bool:
    """Whether what goes together may be a style of answering.

    That is where colleagues do not share it, beyond chance; and where there are too few of them to
    tell, if no other subjects were asked about either.
    """
    if np.isnan(evidence["H_between_low"]):
        return not evidence["corrected"]
    return bool(evidence["H_between_low"] <= 0)


def phase_order(
    persons: pd.DataFrame,
    units: pd.Series,
    off_topic: pd.DataFrame | None = None,
    replicates: int = 1000,
    seed: int = 2018,
    *,
    reliability: pd.Series | None = None,
    careless: pd.Series | None = None,
) -> pd.DataFrame:
    """Read whether the phases come in the order of the cycle, from the respondents' scores.

    Who answers the same to everything makes phases go together as an order does. So what is read
    has to hold without those who may be careless; if not, the reading is *undetermined*.

    Parameters
    ----------
    persons : DataFrame, respondents × phases
        As `respondent_scores` gives them, phases in cycle order, 0-100.
    units : Series, indexed by respondent
        The unit of each respondent.
    off_topic : DataFrame, respondents × blocks, optional
        Scores on blocks that do not ask about the phases, to take a style of answering out: without
        them a mild respondent looks like a ladder.
    replicates : int
        Bootstrap samples of the interval of H.
    seed : int
    reliability : Series, indexed by phase, optional
        See `errors_of_differences`; without it violations are NaN where the error is not known.
    careless : Series of bool, indexed by respondent, optional
        Who may have answered without care, see `flag_careless`.

    Returns
    -------
    DataFrame, one row `order`, index `finding`
        reading (a `Reading`; see `read_order`), by_careless (whether it would be another one but
        for them), then the evidence of all as `gather_evidence` describes it.

    References
    ----------
    Mokken, R. J. (1971). A theory and procedure of scale analysis.

    Examples
    --------
    >>> from cycle_analysis.measurement import respondent_scores
    >>> from cycle_analysis.simulate import draw_survey
    >>> survey = draw_survey(n_units=60)
    >>> persons = respondent_scores(survey.answers, survey.items)
    >>> phase_order(persons, survey.units, replicates=50)[["reading", "steps_down"]].values.tolist()
    [['partly', 3]]
    """

    def evidence_of(told: pd.DataFrame) -> pd.Series:
        of, scores = units[told.index], unit_scores(told, units[told.index])
        errors = errors_of_differences(scores, told, of, reliability)
        rest = None if off_topic is None else subtract_style(told, off_topic.loc[told.index])
        clean = None if rest is None else unit_scores(rest, of)
        two_level = two_level_scalability(told, of, replicates, seed)
        return gather_evidence(scores, errors, clean, two_level, replicates, seed=seed)

    evidence = evidence_of(persons)
    reading, by_careless = read_order(evidence), False
    if reading not in NO_ORDER and careless is not None and careless.any():
        by_careless = read_order(evidence_of(persons[~careless[persons.index]])) in NO_ORDER
    told = Reading.UNDETERMINED if by_careless else reading
    row = {"reading": told.value, "by_careless": by_careless, **evidence}
    return pd.DataFrame([row], pd.Index(["order"], name="finding"))


def _from_respondents(error: MeasurementError) -> pd.DataFrame:
    """Standard errors of differences, units × pairs of phases; NaN where they are not known."""
    known = error.standard_errors()
    gaps = phase_differences(known)
    first, second = np.triu_indices(known.shape[1], k=1)
    common = error.covariances()[:, first, second]
    variances = known.to_numpy()[:, first] ** 2 + known.to_numpy()[:, second] ** 2 - 2 * common
    return pd.DataFrame(np.sqrt(variances.clip(min=0)), gaps.index, gaps.columns)


def _steps(scores: pd.DataFrame, *, down: bool) -> int:
    """Count the adjacent phases of which the later mean is lower (higher), beyond 1.645 errors."""
    gaps = scores.diff(axis=1).iloc[:, 1:] * (-1 if down else 1)
    errors = gaps.std() / np.sqrt(gaps.count().clip(lower=1))
    return int(((gaps.mean() > 1.645 * errors) & (gaps.mean() > 0)).sum())


def _reach_of_correlations(scores: pd.DataFrame) -> tuple[float, float, float, float]:
    """Mean correlation of neighbours, of the most distant phases, and what chance gives.

    Distant are the pairs as far apart as can be and one less, when there are four phases or more.
    """
    correlations, p = scores.corr(min_periods=3).to_numpy(), scores.shape[1]
    if p < 3:
        return np.nan, np.nan, -np.inf, np.inf
    first, second = np.triu_indices(p, k=1)
    distance = second - first
    values = correlations[first, second]
    far = distance >= (p - 2 if p > 3 else p - 1)
    near = distance == 1
    if np.isnan(values[near]).all() or np.isnan(values[far]).all():
        return np.nan, np.nan, -np.inf, np.inf
    n = max(len(scores.dropna()), 4)
    means = float(np.nanmean(values[near])), float(np.nanmean(values[far]))
    chance = -HALF_A_PERCENT / np.sqrt((n - 1) * far.sum())
    gap = HALF_A_PERCENT * np.sqrt((1 / near.sum() + 1 / far.sum()) / (n - 1))
    return *means, float(chance), float(gap)


def _peak_between(values: np.ndarray) -> float:
    """By how many standard errors what lies between the ends rises, and falls, on the way.

    From early to late phases: on a parabola of the phases between, less both ends, the smaller of
    the slope up at the first tenth and down at the last (Sasabuchi 1980, Biometrika 67, 429-439;
    Lind & Mehlum 2010, Oxford Bulletin of Economics and Statistics 72, 109-118).
    """
    way = values @ np.linspace(-1, 1, values.shape[1])
    if values.shape[1] < 3 or len(np.unique(way)) < 5:
        return np.nan
    way = (way - way.mean()) / way.std()
    between = values[:, 1:-1].mean(axis=1) - values[:, [0, -1]].mean(axis=1)
    told, covariance = np.polyfit(way, between, 2, cov=True)
    up, down = (np.array([2 * end, 1, 0]) for end in np.quantile(way, [0.1, 0.9]))
    return float(min(s @ told / np.sqrt(s @ covariance @ s) for s in (up, -down)))
