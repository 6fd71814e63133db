"""Count which phases are active at the same time, beyond what their prevalence gives.

A phase is *active* from a threshold; because shares move with it, each statement about activity has
its curve over thresholds. Phases that are common are often active together by chance alone, so
co-activity is set beside what independence would give.
"""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

ACTIVE_FROM = 50.0
"""Default threshold, 0-100: on average half way up the answer scale."""


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
    """Show how the shares of active units move with the threshold.

    Returns
    -------
    DataFrame, indexed by active_from
        One column for each phase (share of units with a score), two_or_more and none (shares of
        units with all phases scored), mean_active (number of active phases).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [60.0, 45.0], "EX": [55.0, 20.0]})
    >>> activity_sensitivity(scores, [40, 50])["two_or_more"].to_dict()
    {40.0: 0.5, 50.0: 0.5}
    """
    rows = {}
    for threshold in thresholds:
        active = activity(scores, threshold)
        number = active.dropna().sum(axis=1)
        rows[float(threshold)] = {
            **active.mean().to_dict(),
            "two_or_more": (number >= 2).mean(),
            "none": (number == 0).mean(),
            "mean_active": number.mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("active_from")


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
    expected = np.array([1.0])
    for prevalence in complete.mean().fillna(0.0):
        expected = np.convolve(expected, [1 - prevalence, prevalence])
    numbers = pd.RangeIndex(active.shape[1] + 1, name="n_active")
    n = complete.sum(axis=1).astype(int).value_counts().reindex(numbers, fill_value=0)
    return pd.DataFrame({"n": n, "share": n / max(len(complete), 1), "expected": expected})
