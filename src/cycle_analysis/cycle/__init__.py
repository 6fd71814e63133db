"""How far the phases are, which of them are active at the same time, and what goes with them.

Everything starts from unit scores, units × phases in cycle order, 0-100, and every table says on
how many units it rests. A phase is *active* from a threshold; because shares move with it, each
statement about activity has its curve over thresholds. Phases that are common are often active
together by chance alone, so co-activity is set beside what independence would give. Whether phases
follow each other is in `order` and `scalability`. Preconditions, risks and steering are set beside
the phases by rank correlation, with intervals; none of it says what causes what, since the same
respondents answered both.
"""

from collections.abc import Iterable
from functools import reduce
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import hypergeom, norm, t

from cycle_analysis.chance import holm
from cycle_analysis.measurement.error import mean_intervals

ACTIVE_FROM = 50.0
"""Default threshold, 0-100: on average half way up the answer scale."""


def phase_curve(
    scores: pd.DataFrame, population: int | None = None, errors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Give the mean of each phase over units, with its interval.

    With a `population` it is about these units this year, and closes as more of them answer, but
    for the error with which respondents tell the scores of their units; without, it is about the
    process behind the units. See `measurement.error.mean_intervals`.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100, NaN missing.
    population : int, optional
        Number of units there are, N.
    errors : DataFrame, units × phases
        Standard errors of the scores, as `standard_errors` gives them; needed with a population.
        Where one is not known the interval takes none of the population as known.

    Returns
    -------
    DataFrame, indexed by phase
        n (units with a score), mean, sd, low, high (95%), reason (why a number is missing, else
        empty).

    Raises
    ------
    ValueError
        When the population is smaller than the number of units, or comes without errors.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [40.0, 60.0, 50.0], "EX": [20.0, 20.0, 20.0]})
    >>> phase_curve(scores)[["mean", "low", "high"]].round().values.tolist()
    [[50.0, 25.0, 75.0], [20.0, 20.0, 20.0]]
    """
    table = mean_intervals(scores, population, errors)
    table[["low", "high"]] = table[["low", "high"]].clip(0, 100)
    reasons = {0: "no unit has a score", 1: "one unit: no interval", 2: ""}
    return table.assign(reason=table["n"].clip(upper=2).map(reasons)).rename_axis("phase")


def leading_phase(scores: pd.DataFrame) -> pd.Series:
    """Find the phase on which each unit scores highest; none where several phases do.

    To see what a unit does more of than others, pass ``scores - scores.mean()``.

    Parameters
    ----------
    scores : DataFrame, units × phases
        NaN missing.

    Returns
    -------
    Series, indexed by unit
        Its leading phase; missing when phases tie for it or none has a score.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [60.0, 50.0], "EX": [40.0, 50.0]}, index=["A", "B"])
    >>> leading_phase(scores).fillna("none").to_dict()
    {'A': 'AG', 'B': 'none'}
    """
    told = scores.round(9)  # means of the same answers differ in their last digits
    highest = told.eq(told.max(axis=1), axis=0)
    alone = highest.sum(axis=1) == 1
    return _last_marked(highest).where(alone).rename("leading").rename_axis("unit")


def development_scores(scores: pd.DataFrame, developments: pd.Series) -> pd.DataFrame:
    """Average the phases of each development.

    Parameters
    ----------
    scores : DataFrame, units × phases
    developments : Series, indexed by phase
        The development of each phase, in order.

    Returns
    -------
    DataFrame, units × developments
        0-100; a missing phase leaves the mean of the others.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [60.0], "VB": [40.0], "VA": [20.0]}, index=["A"])
    >>> development_scores(scores, pd.Series({"AG": "1", "VB": "3", "VA": "3"})).loc["A"].tolist()
    [60.0, 30.0]
    """
    if lacking := [phase for phase in scores.columns if phase not in developments.index]:
        raise ValueError(f"Phases without a development: {lacking}. Give each one in study.yaml.")
    of_phase = developments.loc[scores.columns]
    parts = {name: scores.loc[:, of_phase == name].mean(axis=1) for name in of_phase.unique()}
    return pd.DataFrame(parts).rename_axis(index="unit", columns="development")


def positions(developments: pd.DataFrame, active_from: float = ACTIVE_FROM) -> pd.Series:
    """Place each unit by the furthest development that is active.

    Parameters
    ----------
    developments : DataFrame, units × developments
        Scores as `development_scores` gives them.
    active_from : float
        Threshold, 0-100.

    Returns
    -------
    Series, indexed by unit
        The furthest development that is active; missing when none is.

    Examples
    --------
    >>> table = pd.DataFrame({"1": [60.0, 20.0], "2": [50.0, 70.0]}, index=["A", "B"])
    >>> positions(table).tolist()
    ['2', '2']
    """
    active = developments >= active_from
    furthest = _last_marked(active).where(active.any(axis=1))
    return furthest.rename("furthest").rename_axis("unit")


def activity(scores: pd.DataFrame, active_from: float = ACTIVE_FROM) -> pd.DataFrame:
    """Say which phases are active: score at or above the threshold.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100, NaN missing.
    active_from : float
        Threshold, 0-100.

    Returns
    -------
    DataFrame, units × phases
        1.0 active, 0.0 not, NaN without a score.

    Examples
    --------
    >>> activity(pd.DataFrame({"AG": [50.0, 49.0, None]}))["AG"].tolist()
    [1.0, 0.0, nan]
    """
    return (scores >= active_from).astype(float).where(scores.notna())


def activity_sensitivity(
    scores: pd.DataFrame, thresholds: Iterable[float] = range(30, 75, 5)
) -> pd.DataFrame:
    """Show how the share of units with several active phases moves with the threshold.

    Returns
    -------
    DataFrame, indexed by active_from
        two_or_more, of the units with all phases scored.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [60.0, 45.0], "EX": [55.0, 20.0]})
    >>> activity_sensitivity(scores, [40, 50])["two_or_more"].to_dict()
    {40.0: 0.5, 50.0: 0.5}
    """
    complete = scores.dropna()
    shares = {float(at): ((complete >= at).sum(axis=1) >= 2).mean() for at in thresholds}
    return pd.Series(shares, name="two_or_more", dtype=float).rename_axis("active_from").to_frame()


def coactivity(active: pd.DataFrame) -> pd.DataFrame:
    """Count how often two phases are active together, against what independence would give.

    Parameters
    ----------
    active : DataFrame, units × phases
        As `activity` gives it.

    Returns
    -------
    DataFrame, rows (earlier, later)
        n (units with both scores), observed, expected (shares), ratio, phi (correlation), p (of at
        least as many together by chance, Fisher's exact test, not adjusted for many pairs).

    Examples
    --------
    >>> active = pd.DataFrame({"AG": [1.0, 1.0, 0.0, 0.0], "EX": [1.0, 1.0, 0.0, 0.0]})
    >>> coactivity(active).loc[("AG", "EX"), ["observed", "expected", "ratio"]].tolist()
    [0.5, 0.25, 2.0]
    """
    pairs = pd.MultiIndex.from_tuples(combinations(active, 2), names=["earlier", "later"])
    first, second = (
        active[pairs.get_level_values(place)].set_axis(pairs, axis=1) for place in (0, 1)
    )
    n, both = (first * second).count(), (first * second).sum()
    one, two = first.where(second.notna()).sum(), second.where(first.notna()).sum()
    known = n.where(n > 0)
    expected = one * two / known**2
    spread = np.sqrt(one * (n - one) * two * (n - two)) / known**2
    return pd.DataFrame(
        {
            "n": n,
            "observed": both / known,
            "expected": expected,
            "ratio": both / known / expected.where(expected > 0),
            "phi": (both / known - expected) / spread.where(spread > 0),
            "p": hypergeom.sf(both - 1, known, one, two),
        }
    )


def activity_patterns(active: pd.DataFrame) -> pd.DataFrame:
    """Count every combination of active phases that occurs, the most frequent first.

    Returns
    -------
    DataFrame, one row for each combination
        One boolean column for each phase, then n, share, expected (share under independence) and
        ratio. Units without all scores are left out: their number is ``len(active) - n.sum()``.

    Examples
    --------
    >>> active = pd.DataFrame({"AG": [1.0, 1.0, 0.0], "EX": [1.0, 1.0, 0.0]})
    >>> activity_patterns(active)["n"].tolist()
    [2, 1]
    """
    complete, phases = active.dropna(), active.columns.tolist()
    counted = complete.astype(bool).value_counts(subset=phases).rename("n").reset_index()
    prevalence = complete.mean().to_numpy()
    on = counted[phases].to_numpy(bool)
    expected = np.where(on, prevalence, 1 - prevalence).prod(axis=1)
    share = counted["n"] / max(len(complete), 1)
    table = counted.assign(share=share, expected=expected, ratio=share / expected)
    return table.sort_values(["n", *phases], ascending=False, kind="stable", ignore_index=True)


def active_counts(active: pd.DataFrame) -> pd.DataFrame:
    """Count units by their number of active phases, against independence.

    Returns
    -------
    DataFrame, indexed by n_active, 0 to the number of phases
        n, share, expected (share if phases ran independently of each other).

    Examples
    --------
    >>> active = pd.DataFrame({"AG": [1.0, 0.0], "EX": [1.0, 0.0]})
    >>> active_counts(active)[["share", "expected"]].to_numpy().tolist()
    [[0.5, 0.25], [0.0, 0.5], [0.5, 0.25]]
    """
    complete = active.dropna()
    expected = if_unrelated(complete.mean().fillna(0.0))
    numbers = pd.RangeIndex(active.shape[1] + 1, name="n_active")
    n = complete.sum(axis=1).astype(int).value_counts().reindex(numbers, fill_value=0)
    return pd.DataFrame({"n": n, "share": n / max(len(complete), 1), "expected": expected})


def if_unrelated(shares: Iterable[float]) -> np.ndarray:
    """Give the chances that none, one, ... all of some phases are active, each in its share.

    Examples
    --------
    >>> if_unrelated([0.5, 0.5]).tolist()
    [0.25, 0.5, 0.25]
    """
    return reduce(np.convolve, ([1 - share, share] for share in shares), np.array([1.0]))


def phase_correlations(scores: pd.DataFrame) -> pd.DataFrame:
    """Correlate the phases over units (Pearson), phases × phases.

    Positive everywhere: units differ in level. Highest beside the diagonal: an order. Negative far
    from it: units are busy with one phase and done with the former.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10.0, 20.0, 30.0], "EX": [0.0, 5.0, 10.0]})
    >>> phase_correlations(scores).loc["AG", "EX"].round(6)
    np.float64(1.0)
    """
    return scores.corr(min_periods=3).rename_axis(index="phase", columns="phase")


def rank_correlations(
    blocks: pd.DataFrame,
    phases: pd.DataFrame,
    attentive: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Correlate preconditions, risks and steering with the phases, over units.

    Spearman's correlation, with the 95% interval of Bonett & Wright (2000), for all phases of a
    block together (Bonferroni), so that it holds for the phase with the largest too; p by the
    normal approximation. Units of few respondents lie far out on both alike, and then unrelated
    ranks vary more than that; beside it stands p by the products of ranks themselves (DiCiccio &
    Romano 2017), and the larger is adjusted for all pairs of the table (Holm 1979).

    Parameters
    ----------
    blocks : DataFrame, units × items or blocks
        Scores on other subjects.
    phases : DataFrame, units × phases
    attentive : blocks and phases, optional
        Both without respondents who seem careless: one answer to everything makes all go together.

    Returns
    -------
    DataFrame, rows (block, phase)
        n, correlation, low, high, p, p_uneven, p_holm, reason; p_holm is the larger of both where
        it is told without careless respondents as well.

    References
    ----------
    DiCiccio, C. J. & Romano, J. P. (2017). Robust permutation tests for correlation and regression
    coefficients. Journal of the American Statistical Association 112(519), 1211-1220.
    Bonett, D. G. & Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall
    and Spearman correlations. Psychometrika 65(1).

    Examples
    --------
    >>> blocks = pd.DataFrame({"D": [1.0, 2.0, 3.0, 4.0, 5.0]})
    >>> rank_correlations(blocks, pd.DataFrame({"AG": [2.0, 1.0, 3.0, 4.0, 5.0]})).loc[
    ...     ("D", "AG"), "correlation"].round(3)
    np.float64(0.9)
    """
    pairs = pd.MultiIndex.from_product([blocks.columns, phases.columns], names=["block", "phase"])
    z = norm.ppf(1 - 0.025 / max(phases.shape[1], 1))
    rows = [_rank_correlation(blocks[block], phases[phase], z) for block, phase in pairs]
    columns = ["n", "correlation", "low", "high", "p", "p_uneven", "p_holm", "reason"]
    table = pd.DataFrame(rows, index=pairs, columns=columns)
    adjusted = holm(table[["p", "p_uneven"]].max(axis=1))
    if attentive is not None:
        adjusted = np.maximum(adjusted, rank_correlations(*attentive)["p_holm"].reindex(pairs))
    return table.assign(p_holm=adjusted)


def _last_marked(marks: pd.DataFrame) -> pd.Series:
    """Name the last column that is true in each row, whatever where none is."""
    last = marks.shape[1] - 1 - marks.to_numpy()[:, ::-1].argmax(axis=1)
    return pd.Series(marks.columns[last], index=marks.index)


def _rank_correlation(first: pd.Series, second: pd.Series, z: float) -> dict[str, float | str]:
    both = pd.concat([first, second], axis=1, join="inner").dropna()
    if len(both) < 5 or (both.nunique() < 2).any():
        return {"n": len(both), "reason": "fewer than five units, or no variance"}
    ranks = both.rank()
    value = float(ranks.corr().iloc[0, 1])
    products = (ranks - ranks.mean()).prod(axis=1)
    own = products.sum() / np.sqrt((products**2).sum())
    bounded = float(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    centre, n = np.arctanh(bounded), len(both)
    reach = z * np.sqrt((1 + value**2 / 2) / (n - 3))
    low, high = np.tanh([centre - reach, centre + reach])
    p = 2 * norm.sf(abs(centre) * np.sqrt((n - 3) / 1.06))
    told = {"n": n, "correlation": value, "low": low, "high": high, "p": float(p), "reason": ""}
    return told | {"p_uneven": float(2 * t.sf(abs(own) * np.sqrt((n - 1) / n), n - 1))}
