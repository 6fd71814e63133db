"""Scalability of phases (Loevinger's H), also for respondents in units.

Test whether phases accumulate: Mokken's scalability, its chance level, and what style feigns.

Loevinger's H compares the covariance of two phases with the largest their marginals allow
(Mokken 1971; Molenaar 1991 for more than two steps): 1 when no unit breaks the order, 0 when phases
run independently. It is computed on active phases or on scores alike. Three things keep it honest:
a bootstrap interval, a permutation reference, and a correction for response style, since someone
who answers everything mildly makes unrelated phases look like a ladder.

Tell an order of units from a style of respondents: scalability within and between respondents.

*Within* compares two phases as one respondent sees them; *between* compares one phase as seen by
one respondent with the other as seen by a colleague of the same unit, so that nobody's style can
help (Snijders 2001). An order of units shows between respondents too. Every unit weighs the same:
products are averaged over the respondents, or pairs of them, of a unit, then over units.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import norm

from cycle_analysis.measurement.scores import match_units

WEAK = 0.3
"""Mokken's lower bound of a scale: .3 weak, .4 medium, .5 strong."""
ALL = "all phases"
"""What stands for the whole scale in the index of `scalability`; a phase code has no spaces."""


def scalability(
    scores: pd.DataFrame,
    replicates: int = 1000,
    permutations: int = 500,
    confidence: float = 0.95,
    seed: int = 2018,
) -> pd.DataFrame:
    """Compute H of all phases together, of each phase with the others, and of each pair.

    Parameters
    ----------
    scores : DataFrame, units × phases
        Scores or active phases (1.0, 0.0); units with NaN are left out.
    replicates : int
        Bootstrap samples of units for the interval; 0 leaves it missing.
    permutations : int
        Times that every phase is shuffled by itself, which keeps its marginal and breaks all order.
    confidence : float
        Coverage of the interval, 0-1.
    seed : int

    Returns
    -------
    DataFrame, rows (phase, other)
        First (`ALL`, `ALL`), the scale; then (phase, `ALL`), in cycle order; then the pairs
        (earlier, later). Columns n (units), H, low, high, chance_high (95th percentile without any
        order), p (share of shuffles with at least this H), reason (why H is missing, else empty).

    References
    ----------
    Mokken, R. J. (1971). A theory and procedure of scale analysis.
    Molenaar, I. W. (1991). A weighted Loevinger H-coefficient extending Mokken scaling to
    multicategory items. Kwantitatieve Methoden 37.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 0.0], "EX": [1.0, 1.0, 0.0, 0.0]})
    >>> scalability(scores, replicates=0, permutations=0)["H"].to_list()
    [1.0, 1.0, 1.0, 1.0]
    """
    values = scores.dropna().to_numpy(float)
    index = _parts(scores.columns)
    lacking = dict.fromkeys(["H", "low", "high", "chance_high", "p"], np.nan)
    if len(values) < 3 or (values.std(axis=0) > 1e-12).sum() < 2:
        reason = "fewer than three units with all phases, or fewer than two phases that vary"
        return pd.DataFrame({"n": len(values), **lacking, "reason": reason}, index=index)
    table = pd.DataFrame({"n": len(values), **lacking}, index=index)
    table["H"] = coefficients(*_covariances(values[None]))[0]
    first, second = np.random.SeedSequence(seed).spawn(2)
    if replicates > 0:
        drawn = pd.DataFrame(_resample(values, replicates, first), columns=index)
        table[["low", "high"]] = corrected_percentiles(drawn, table["H"], confidence)
    if permutations > 0:
        shuffled = pd.DataFrame(_shuffle(values, permutations, second), columns=index)
        table["chance_high"] = shuffled.quantile(0.95)
        table["p"] = chance_of(shuffled, table["H"])
    return table.assign(reason=table["H"].isna().map({True: "a phase does not vary", False: ""}))


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


def coefficients(together: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Divide covariances by the largest possible: of the scale, of each phase, of each pair.

    Parameters
    ----------
    together, most : ndarray, samples × p × p
        Covariances of the phases, and the largest that their marginals allow.

    Returns
    -------
    ndarray, samples × (1 + p + pairs)
        H; NaN where nothing varies.

    Examples
    --------
    >>> together, most = np.array([[[9.0, 1.0], [1.0, 9.0]]]), np.array([[[9.0, 2.0], [2.0, 9.0]]])
    >>> coefficients(together, most).tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    """
    outside = 1 - np.eye(together.shape[2])
    first, second = np.triu_indices(together.shape[2], k=1)

    def parts(table: np.ndarray) -> np.ndarray:
        off = table * outside
        whole, of_phase = off.sum(axis=(1, 2))[:, None], off.sum(axis=2)
        return np.hstack([whole, of_phase, off[:, first, second]])

    largest = parts(most)
    return np.asarray(parts(together) / np.where(largest > 1e-12, largest, np.nan))


def corrected_percentiles(
    drawn: pd.DataFrame, observed: pd.Series, confidence: float = 0.95
) -> pd.DataFrame:
    """Take the bias-corrected percentiles of bootstrap samples as an interval.

    Parameters
    ----------
    drawn : DataFrame, replicates × coefficients
        Bootstrap samples.
    observed : Series, coefficients
        What the data give.
    confidence : float
        Coverage, 0-1.

    Returns
    -------
    DataFrame, coefficients × (low, high)
        NaN where a coefficient is not known.

    References
    ----------
    Efron (1981), Canadian Journal of Statistics 9(2), 139-158. For pairs of phases it covers
    better than plain percentiles (benchmarks/README.md).

    Examples
    --------
    >>> drawn = pd.DataFrame({"H": np.linspace(0, 1, 101)})
    >>> corrected_percentiles(drawn, pd.Series({"H": 0.5})).round(3).to_numpy().tolist()
    [[0.025, 0.975]]
    """
    known = drawn.notna().sum()
    below = ((drawn < observed).sum() + (drawn == observed).sum() / 2) / known.where(known > 0)
    shift = 2 * norm.ppf(below.fillna(0.5).clip(0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    reach = norm.ppf(0.5 + confidence / 2)
    ends = {"low": norm.cdf(shift - reach), "high": norm.cdf(shift + reach)}
    return pd.DataFrame(
        {
            name: [drawn[part].quantile(q) for part, q in zip(drawn, qs, strict=True)]
            for name, qs in ends.items()
        },
        index=observed.index,
    ).where(observed.notna(), np.nan)


def chance_of(shuffled: pd.DataFrame, observed: pd.Series) -> pd.Series:
    """Give the share of shuffles that reach what was observed, itself counted; NaN if unknown.

    Examples
    --------
    >>> chance_of(pd.DataFrame({"H": [0.1, 0.3, 0.2]}), pd.Series({"H": 0.25})).to_dict()
    {'H': 0.5}
    """
    reached = (shuffled >= observed - 1e-12).sum() + 1
    return (reached / (len(shuffled) + 1)).where(observed.notna())


def _parts(phases: pd.Index) -> pd.MultiIndex:
    """Name what `coefficients` gives: the scale, each phase, each pair."""
    pairs = [(one, other) for i, one in enumerate(phases) for other in phases[i + 1 :]]
    return pd.MultiIndex.from_tuples(
        [(ALL, ALL), *((phase, ALL) for phase in phases), *pairs], names=["phase", "other"]
    )


def _covariances(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances and their largest values given the marginals, samples × p × p."""
    centred = stack - stack.mean(axis=1, keepdims=True)
    ordered = np.sort(centred, axis=1)
    together, most = (
        np.matmul(part.transpose(0, 2, 1), part) / stack.shape[1] for part in (centred, ordered)
    )
    return together, most


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
    return np.concatenate([coefficients(*_covariances(draw(size))) for size in sizes])


WITHIN, BETWEEN, RATIO = "within", "between", "ratio"


def two_level_scalability(
    scores: pd.DataFrame,
    units: pd.Series,
    replicates: int = 1000,
    permutations: int = 500,
    confidence: float = 0.95,
    seed: int = 2018,
) -> pd.DataFrame:
    """Compute H of all phases within respondents, and between respondents of one unit.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        Respondents with NaN, and those alone in their unit, are left out.
    units : Series, indexed by respondent
    replicates, permutations, confidence, seed
        As for `scalability.scalability`; units are drawn, and phases shuffled over respondents.

    Returns
    -------
    DataFrame, rows within, between, ratio (between / within; under .3 it is mostly style)
        n_units, n_respondents, H, low, high, chance_high, p (as in `scalability`; none for the
        ratio), reason.

    References
    ----------
    Snijders, T. A. B. (2001). Two-level non-parametric scaling for dichotomous data. In Boomsma,
    van Duijn & Snijders (eds), Essays on item response theory.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
    ...                        "EX": [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]}, index=list("abcdef"))
    >>> units = pd.Series(["A", "A", "B", "B", "C", "C"], index=list("abcdef"))
    >>> two_level_scalability(scores, units, 0, 0)["H"].round(6).to_dict()
    {'within': 1.0, 'between': 1.0, 'ratio': 1.0}
    """
    complete = scores.dropna()
    unit = match_units(complete, units)
    several = unit.groupby(unit).transform("size") > 1
    codes, names = pd.factorize(unit[several], sort=True)
    nested = _Nested(complete[several].to_numpy(float), codes)
    row = dict.fromkeys(["H", "low", "high", "chance_high", "p"], np.nan)
    table = pd.DataFrame(
        {"n_units": len(names), "n_respondents": len(codes), **row},
        index=pd.Index([WITHIN, BETWEEN, RATIO], name="level"),
    )
    if len(names) < 2:
        reason = "fewer than two units with two respondents: style and order cannot be told apart"
        return table.assign(reason=reason)
    table["H"] = nested.coefficients()
    if np.isnan(table.loc[WITHIN, "H"]):
        return table.assign(reason="no two phases vary")
    first, second = np.random.SeedSequence(seed).spawn(2)
    if replicates > 0:
        drawn = pd.DataFrame(nested.resampled(replicates, first), columns=table.index)
        table[["low", "high"]] = corrected_percentiles(drawn, table["H"], confidence)
    if permutations > 0:
        shuffled = pd.DataFrame(nested.shuffled(permutations, second), columns=table.index)
        levels = [WITHIN, BETWEEN]
        table.loc[levels, "chance_high"] = shuffled[levels].quantile(0.95)
        table.loc[levels, "p"] = chance_of(shuffled[levels], table.loc[levels, "H"])
    return table.assign(reason="")


@dataclass(frozen=True, eq=False)
class _Nested:
    """Respondents in units of two or more.

    Attributes
    ----------
    values : ndarray, n respondents × p phases
    codes : ndarray of int, n respondents
        Unit of each, 0 to the number of units - 1.
    """

    values: np.ndarray
    codes: np.ndarray

    @cached_property
    def marginals(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Distinct scores of each phase, in order, and the place of each respondent among them."""
        return [np.unique(column, return_inverse=True) for column in self.values.T]

    def coefficients(self, times: np.ndarray | None = None) -> np.ndarray:
        """H within, H between and their ratio, when each unit counts `times`; once by default."""
        sizes = np.bincount(self.codes)
        times = np.ones(len(sizes)) if times is None else times
        of_unit = times / times.sum()
        weights = (of_unit / sizes)[self.codes]
        means = weights @ self.values
        centred = self.values - means
        within = (centred * weights[:, None]).T @ centred
        pairs = of_unit / (sizes * (sizes - 1))
        totals = np.column_stack([np.bincount(self.codes, column) for column in centred.T])
        own = (centred * pairs[self.codes, None]).T @ centred
        between = (totals * pairs[:, None]).T @ totals - own
        most = self._largest_covariances(means, weights)
        h = coefficients(np.array([within, between]), np.array([most, most]))[:, 0]
        return np.array([*h, h[1] / h[0] if h[0] > 1e-12 else np.nan])

    def _largest_covariances(self, means: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Covariances when all phases are sorted alike, each by its weighted marginal, p × p."""
        ends = [np.cumsum(np.bincount(place, weights)) for _, place in self.marginals]
        cuts = np.unique(np.concatenate(ends))
        width = np.diff(cuts, prepend=0.0)
        sorted_alike = np.column_stack(
            [
                score[np.minimum(np.searchsorted(end, cuts - 1e-12), len(score) - 1)] - mean
                for (score, _), end, mean in zip(self.marginals, ends, means, strict=True)
            ]
        )
        return np.asarray((sorted_alike * width[:, None]).T @ sorted_alike)

    def resampled(self, replicates: int, stream: np.random.SeedSequence) -> np.ndarray:
        """Give the coefficients when units are drawn with replacement, replicates × 3."""
        generator, n = np.random.default_rng(stream), int(self.codes.max()) + 1
        drawn = (generator.integers(0, n, n) for _ in range(replicates))
        return np.array([self.coefficients(np.bincount(units, minlength=n)) for units in drawn])

    def shuffled(self, permutations: int, stream: np.random.SeedSequence) -> np.ndarray:
        """Give the coefficients when every phase is shuffled by itself, permutations × 3."""
        generator = np.random.default_rng(stream)
        return np.array(
            [
                _Nested(generator.permuted(self.values, axis=0), self.codes).coefficients()
                for _ in range(permutations)
            ]
        )
