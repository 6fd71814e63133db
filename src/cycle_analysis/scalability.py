"""Test whether phases accumulate: Mokken's scalability, its chance level, and what style feigns.

Loevinger's H compares the covariance of two phases with the largest their marginals allow
(Mokken 1971; Molenaar 1991 for more than two steps): 1 when no unit breaks the order, 0 when phases
run independently. It is computed on active phases or on scores alike. Three things keep it honest:
a bootstrap interval, a permutation reference, and a correction for response style, since someone
who answers everything mildly makes unrelated phases look like a ladder.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cycle_analysis.scores import match_units

WEAK = 0.3
"""Mokken's lower bound of a scale: .3 weak, .4 medium, .5 strong."""


def pair_scalability(scores: pd.DataFrame) -> pd.DataFrame:
    """Compute H for every pair of phases.

    Parameters
    ----------
    scores : DataFrame, units × phases
        Scores or active phases (1.0, 0.0); rows with NaN are left out.

    Returns
    -------
    DataFrame, phases × phases
        H; NaN on the diagonal and where a phase has no variance.

    References
    ----------
    Mokken, R. J. (1971). A theory and procedure of scale analysis.
    Molenaar, I. W. (1991). A weighted Loevinger H-coefficient extending Mokken scaling to
    multicategory items. Kwantitatieve Methoden 37.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 0.0], "EX": [1.0, 1.0, 0.0, 0.0]})
    >>> pair_scalability(scores).loc["AG", "EX"]
    np.float64(1.0)
    """
    together, most = (part[0] for part in _covariances(_complete(scores)[None]))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(most > 1e-12, together / most, np.nan)
    np.fill_diagonal(ratio, np.nan)
    return pd.DataFrame(ratio, index=scores.columns, columns=scores.columns).rename_axis(
        index="phase", columns="phase"
    )


def phase_scalability(scores: pd.DataFrame) -> pd.Series:
    """Compute H of each phase with all others; under .3 it does not fit the order.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 0.0], "EX": [1.0, 1.0, 0.0, 0.0]})
    >>> phase_scalability(scores).to_dict()
    {'AG': 1.0, 'EX': 1.0}
    """
    together, most = (part[0] for part in _covariances(_complete(scores)[None]))
    totals = most.sum(axis=1)
    ratio = together.sum(axis=1) / np.where(totals > 1e-12, totals, np.nan)
    return pd.Series(ratio, index=scores.columns, name="H").rename_axis("phase")


def scalability(
    scores: pd.DataFrame,
    replicates: int = 1000,
    permutations: int = 500,
    confidence: float = 0.95,
    seed: int = 2018,
) -> pd.Series:
    """Compute H of all phases together, with its interval and its chance level.

    Parameters
    ----------
    scores : DataFrame, units × phases
        Scores or active phases; units with NaN are left out.
    replicates : int
        Bootstrap samples of units for the interval; 0 leaves it missing.
    permutations : int
        Times that every phase is shuffled by itself, which keeps its marginal and breaks all order.
    confidence : float
        Coverage of the interval, 0-1.
    seed : int

    Returns
    -------
    Series
        n, H, low, high, chance_high (95th percentile without any order), p (share of shuffles with
        at least this H), reason.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 0.0], "EX": [1.0, 1.0, 0.0, 0.0]})
    >>> scalability(scores, replicates=0, permutations=0)["H"]
    1.0
    """
    values = _complete(scores)
    row = dict.fromkeys(["H", "low", "high", "chance_high", "p"], np.nan)
    if len(values) < 3 or (values.std(axis=0) > 1e-12).sum() < 2:
        reason = "fewer than three units with all phases, or fewer than two phases that vary"
        return pd.Series({"n": len(values), **row, "reason": reason}, name="scalability")
    first, second = np.random.SeedSequence(seed).spawn(2)
    estimate = float(_scale(values[None])[0])
    row["H"] = estimate
    if replicates > 0:
        drawn = _resample(values, replicates, first)
        tail = (1 - confidence) / 2
        row["low"], row["high"] = np.nanquantile(drawn, [tail, 1 - tail])
    if permutations > 0:
        shuffled = _shuffle(values, permutations, second)
        row["chance_high"] = np.quantile(shuffled, 0.95)
        row["p"] = ((shuffled >= estimate - 1e-12).sum() + 1) / (permutations + 1)
    return pd.Series({"n": len(values), **row, "reason": ""}, name="scalability")


def two_level_scalability(scores: pd.DataFrame, units: pd.Series) -> pd.Series:
    """Compute H between and within respondents of the same unit (Snijders 2001).

    *Within* compares two phases as one respondent sees them; *between* compares one phase as seen
    by one respondent with the other as seen by a colleague, so that nobody's style can help. An
    order of units shows between respondents too; a ratio under .3 says it is mostly theirs.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        Respondents with NaN, and those alone in their unit, are left out.
    units : Series, indexed by respondent

    Returns
    -------
    Series
        n_units, n_respondents, within, between, ratio (between / within), reason.

    References
    ----------
    Snijders, T. A. B. (2001). Two-level non-parametric scaling for dichotomous data. In Boomsma,
    van Duijn & Snijders (eds), Essays on item response theory.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
    ...                        "EX": [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]}, index=list("abcdef"))
    >>> units = pd.Series(["A", "A", "B", "B", "C", "C"], index=list("abcdef"))
    >>> round(two_level_scalability(scores, units)["between"], 6)
    1.0
    """
    complete = scores.dropna()
    unit = match_units(complete, units)
    complete = complete.loc[unit.groupby(unit).transform("size") > 1]
    unit = unit.loc[complete.index]
    row = dict.fromkeys(["within", "between", "ratio"], np.nan)
    counts = {"n_units": unit.nunique(), "n_respondents": len(complete)}
    if counts["n_units"] < 2:
        reason = "fewer than two units with two respondents: style and order cannot be told apart"
        return pd.Series({**counts, **row, "reason": reason}, name="two_level")
    within, between, most = _two_level_covariances(complete.to_numpy(float), unit)
    if most > 1e-12:
        row |= {"within": within / most, "between": between / most}
        row["ratio"] = between / within if within > 1e-12 else np.nan
    reason = "" if most > 1e-12 else "no two phases vary"
    return pd.Series({**counts, **row, "reason": reason}, name="two_level")


def subtract_style(scores: pd.DataFrame, off_topic: pd.DataFrame) -> pd.DataFrame:
    """Take each respondent's response style out of the phase scores.

    Style is the respondent's mean on blocks that do not ask about the phases; the mean over all
    respondents stays, so scores keep their level. They may leave 0-100. Part of what is taken out
    may be real, because preconditions go with phases: the corrected H is a lower bound. Never
    centre on the phase items themselves, which forces negative correlations.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
    off_topic : DataFrame, respondents × blocks
        Scores 0-100 on other blocks, such as preconditions, risks, steering.

    Returns
    -------
    DataFrame, respondents × phases
        NaN for respondents without an off-topic score.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [80.0, 60.0]}, index=["r1", "r2"])
    >>> off_topic = pd.DataFrame({"D": [70.0, 50.0]}, index=["r1", "r2"])
    >>> subtract_style(scores, off_topic)["AG"].tolist()
    [70.0, 70.0]
    """
    if off_topic.shape[1] == 0:
        raise ValueError("There is no off-topic block to estimate response style from; name one.")
    style = off_topic.reindex(scores.index).mean(axis=1)
    return scores.sub(style - style.mean(), axis=0)


def _complete(scores: pd.DataFrame) -> np.ndarray:
    return scores.dropna().to_numpy(float)


def _covariances(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances and their largest values given the marginals, samples × p × p, diagonal 0."""
    centred = stack - stack.mean(axis=1, keepdims=True)
    ordered = np.sort(centred, axis=1)
    outside = 1 - np.eye(stack.shape[2])
    together, most = (
        np.matmul(part.transpose(0, 2, 1), part) / stack.shape[1] * outside
        for part in (centred, ordered)
    )
    return together, most


def _scale(stack: np.ndarray) -> np.ndarray:
    """H of each sample in a stack, samples × units × phases."""
    together, most = (part.sum(axis=(1, 2)) for part in _covariances(stack))
    return together / np.where(most > 1e-12, most, np.nan)


def _resample(values: np.ndarray, replicates: int, stream: np.random.SeedSequence) -> np.ndarray:
    generator, n = np.random.default_rng(stream), len(values)
    return _in_chunks(
        lambda size: values[generator.integers(0, n, size=(size, n))], values.size, replicates
    )


def _shuffle(values: np.ndarray, permutations: int, stream: np.random.SeedSequence) -> np.ndarray:
    generator = np.random.default_rng(stream)

    def shuffled(size: int) -> np.ndarray:
        stack = np.broadcast_to(values, (size, *values.shape))
        return generator.permuted(stack, axis=1)

    return _in_chunks(shuffled, values.size, permutations)


def _in_chunks(draw: Callable[[int], np.ndarray], cells: int, total: int) -> np.ndarray:
    """H of many samples, drawn a few at a time so that memory stays bounded."""
    step = max(1, int(5e5 // cells))
    sizes = [min(step, total - start) for start in range(0, total, step)]
    return np.concatenate([_scale(draw(size)) for size in sizes])


def _two_level_covariances(values: np.ndarray, unit: pd.Series) -> tuple[float, float, float]:
    """Sum over pairs of phases the covariance within, between, and the largest possible.

    Every unit weighs the same: products are averaged over the respondents, or pairs of them, of a
    unit, then over units.
    """
    codes, _ = pd.factorize(unit)
    sizes = np.bincount(codes).astype(float)
    p = values.shape[1]
    weights = 1 / sizes[codes] / len(sizes)
    centred = values - weights @ values
    within = (centred * weights[:, None]).T @ centred
    totals = np.stack([np.bincount(codes, centred[:, j]) for j in range(p)], axis=1)
    pairs = 1 / (sizes * (sizes - 1)) / len(sizes)
    own = (centred * pairs[codes][:, None]).T @ centred
    between = (totals * pairs[:, None]).T @ totals - own
    most = _largest_covariances(centred, weights)
    outside = ~np.eye(p, dtype=bool)
    return float(within[outside].sum()), float(between[outside].sum()), most


def _largest_covariances(centred: np.ndarray, weights: np.ndarray) -> float:
    """Sum over pairs of phases of the covariance of the sorted, weighted marginals."""
    order = np.argsort(centred, axis=0, kind="stable")
    ends = [np.cumsum(weights[order[:, j]]) for j in range(centred.shape[1])]
    total = 0.0
    for i in range(centred.shape[1]):
        for j in range(i):
            cuts = np.unique(np.concatenate([ends[i], ends[j]]))
            width = np.diff(np.concatenate([[0.0], cuts]))
            places = [
                np.minimum(np.searchsorted(ends[k], cuts - 1e-12), len(centred) - 1) for k in (i, j)
            ]
            first, second = (
                centred[order[place, k], k] for place, k in zip(places, (i, j), strict=True)
            )
            total += 2 * float((width * first * second).sum())
    return total
