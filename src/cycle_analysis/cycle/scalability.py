"""Whether phases accumulate: Mokken's scalability, its chance level, and what style feigns.

Loevinger's H compares the covariance of two phases with the largest their marginals allow
(Mokken 1971; Molenaar 1991 for more than two steps): 1 when no unit breaks the order, 0 when phases
run independently. It is computed on active phases or on scores alike. Three things keep it honest:
a bootstrap interval, a permutation reference, and a correction for response style, since someone
who answers everything mildly makes unrelated phases look like a ladder.

Where units have several respondents an order of units can be told from a style of respondents.
*Within* compares two phases as one respondent sees them; *between* compares one phase as seen by
one respondent with the other as seen by a colleague of the same unit, so that nobody's style can
help (Snijders 2001). An order of units shows between respondents too. Every unit weighs the same:
products are averaged over the respondents, or pairs of them, of a unit, then over units.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from cycle_analysis.chance import children
from cycle_analysis.measurement import match_units
from cycle_analysis.measurement.error import TOO_FEW

WEAK = 0.3
"""Mokken's lower bound of a scale: .3 weak, .4 medium, .5 strong."""
ALL = "all phases"
"""What stands for the whole scale in the index of `scalability`; a phase code has no spaces."""
TOGETHER = 64
"""Samples of units that are worked out in one matrix product."""
WITHIN, BETWEEN, RATIO = "within", "between", "ratio"


def scalability(
    scores: pd.DataFrame, replicates: int = 1000, permutations: int = 500, seed: int = 2018
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
    seed : int

    Returns
    -------
    DataFrame, rows (phase, other)
        First (`ALL`, `ALL`), the scale; then (phase, `ALL`), in cycle order; then the pairs
        (earlier, later). Columns n (units), H, low, high (95%), chance_high (95th percentile
        without any order), p (share of shuffles with at least this H), reason (why H is missing,
        else empty).

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
    values, names = scores.dropna().to_numpy(float), list(scores.columns)
    parts = [(ALL, ALL), *((phase, ALL) for phase in names), *combinations(names, 2)]
    table = pd.DataFrame(
        {"n": len(values), **_NOT_KNOWN},
        index=pd.MultiIndex.from_tuples(parts, names=["phase", "other"]),
    )
    if len(values) < 3 or (values.std(axis=0) > 1e-12).sum() < 2:
        reason = "fewer than three units with all phases, or fewer than two phases that vary"
        return table.assign(reason=reason)
    most = _covariances(np.sort(values, axis=0))
    table["H"] = _coefficients(_covariances(values), most)
    n, (first, second) = len(values), map(np.random.default_rng, children(seed, 2))
    drawn = (values[first.integers(0, n, n)] for _ in range(replicates))
    samples = [
        _coefficients(_covariances(rows), _covariances(np.sort(rows, axis=0))) for rows in drawn
    ]
    mixed = (second.permuted(values, axis=0) for _ in range(permutations))
    shuffled = [_coefficients(_covariances(rows), most) for rows in mixed]
    table = _with_chance(_with_interval(table, samples), shuffled)
    return table.assign(reason=table["H"].isna().map({True: "a phase does not vary", False: ""}))


def subtract_style(scores: pd.DataFrame, off_topic: pd.DataFrame) -> pd.DataFrame:
    """Take each respondent's response style out of the phase scores.

    Style is what the respondent's mean on blocks that do not ask about the phases tells of that
    on the phases (least squares, a slope from 0 to 1); the mean over all respondents stays, so
    scores keep their level. They may leave 0-100. To subtract the other blocks as they are would
    give all phases, where these have little to do with them, a part in common that nobody showed.
    What is taken out may be real, because preconditions go with phases; and a style that shows in
    the phases alone stays in. Never centre on the phase items themselves, which forces negative
    correlations.

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
    style, level = style - style.mean(), scores.mean(axis=1)
    variance = style[level.notna()].var()
    slope = level.cov(style) / variance if variance > 0 else 0.0
    return scores.sub(style * np.clip(slope, 0.0, 1.0), axis=0)


def two_level_scalability(
    scores: pd.DataFrame, units: pd.Series, replicates: int = 1000, seed: int = 2018
) -> pd.DataFrame:
    """Compute H of all phases within respondents, and between respondents of one unit.

    Whether it is more than chance its interval says, over samples of units. Phases shuffled over
    respondents would not: where units differ, unrelated phases go together by chance more often.

    Parameters
    ----------
    scores : DataFrame, respondents × phases
        Respondents with NaN, and those alone in their unit, are left out.
    units : Series, indexed by respondent
    replicates, seed
        As for `scalability.scalability`; units are drawn.

    Returns
    -------
    DataFrame, rows within, between, ratio (between / within; under .3 it is mostly style)
        n_units, n_respondents, H, low, high (as in `scalability`), reason.

    References
    ----------
    Crişan, D. R., Van de Pol, J. E. & Van der Ark, L. A. (2016). Scalability coefficients for
    two-level polytomous item scores. In van der Ark et al. (eds), Quantitative psychology research.
    Snijders, T. A. B. (2001). Two-level non-parametric scaling for dichotomous data. In Boomsma,
    van Duijn & Snijders (eds), Essays on item response theory.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
    ...                        "EX": [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]}, index=list("abcdef"))
    >>> units = pd.Series(["A", "A", "B", "B", "C", "C"], index=list("abcdef"))
    >>> two_level_scalability(scores, units, 0)["H"].round(6).to_dict()
    {'within': 1.0, 'between': 1.0, 'ratio': 1.0}
    """
    complete = scores.dropna()
    unit = match_units(complete, units)
    several = unit.groupby(unit).transform("size") > 1
    codes, names = pd.factorize(unit[several], sort=True)
    table = pd.DataFrame(
        {"n_units": len(names), "n_respondents": len(codes), **_NO_INTERVAL},
        index=pd.Index([WITHIN, BETWEEN, RATIO], name="level"),
    )
    if len(names) < 2:
        reason = "fewer than two units with two respondents: style and order cannot be told apart"
        return table.assign(reason=reason)
    nested = _Nested.of(complete[several].to_numpy(float), codes)
    table["H"] = nested.coefficients(np.full((1, len(names)), 1 / len(names)))[0]
    samples = nested.of_samples(replicates, np.random.default_rng(children(seed, 2)[0]))
    table = _with_interval(table, samples)
    flat = np.isnan(table.loc[WITHIN, "H"])
    return table.assign(reason="no two phases vary" if flat else "")


_NO_INTERVAL = dict.fromkeys(["H", "low", "high"], np.nan)
_NOT_KNOWN = _NO_INTERVAL | dict.fromkeys(["chance_high", "p"], np.nan)


@dataclass(frozen=True, eq=False)
class _Nested:
    """Respondents in units of two or more.

    Attributes
    ----------
    scores : list of ndarray
        Distinct scores of each phase less its mean, in order.
    places : ndarray of int, n respondents × p phases
        Place of each respondent among them.
    codes : ndarray of int, n respondents
        Unit of each, 0 to the number of units - 1.
    """

    scores: list[np.ndarray]
    places: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, codes: np.ndarray) -> "_Nested":
        """Tell apart what is distinct in values, n respondents × p phases."""
        columns = (values - values.mean(axis=0)).T
        told = [np.unique(column, return_inverse=True) for column in columns]
        return cls([score for score, _ in told], np.stack([at for _, at in told], axis=1), codes)

    @property
    def values(self) -> np.ndarray:
        """Scores less the mean of their phase, n respondents × p."""
        columns = zip(self.scores, self.places.T, strict=True)
        return np.column_stack([score[place] for score, place in columns])

    def of_samples(self, replicates: int, generator: np.random.Generator) -> list[np.ndarray]:
        """Give the coefficients of samples of the units, drawn with replacement."""
        n, found = int(self.codes.max()) + 1, []
        for start in range(0, replicates, TOGETHER):
            drawn = (generator.integers(0, n, n) for _ in range(start, replicates)[:TOGETHER])
            counts = np.stack([np.bincount(units, minlength=n) for units in drawn])
            found += self.coefficients(counts / n)
        return found

    def coefficients(self, shares: np.ndarray) -> list[np.ndarray]:
        """H within, H between and their ratio, for rows of shares that the units have.

        What a unit adds is the same in every row, so that rows are products of matrices.
        """
        p, found = len(self.scores), []
        told = shares @ self._moments
        ends = [np.cumsum(shares @ marginal, axis=1) for marginal in self._marginals]
        for row, *own in zip(told, *ends, strict=True):
            mean, within, between = np.split(row, [p, p + p * p])
            found.append(self._over_largest(mean, within.reshape(p, p), between.reshape(p, p), own))
        return found

    @cached_property
    def _moments(self) -> np.ndarray:
        """Mean score of each unit, mean products within a respondent and of two: p + 2 p²."""
        order, sizes = np.argsort(self.codes, kind="stable"), np.bincount(self.codes)
        starts, n = np.cumsum(sizes) - sizes, sizes[:, None, None]
        values = self.values[order]
        totals = np.add.reduceat(values, starts)
        own = np.stack(
            [np.add.reduceat(values * column[:, None], starts) for column in values.T], 1
        )
        two = totals[:, :, None] * totals[:, None, :] - own
        parts = totals / sizes[:, None], own / n, two / (n * (n - 1))
        return np.hstack([part.reshape(len(sizes), -1) for part in parts])

    @cached_property
    def _marginals(self) -> list[sparse.csr_array]:
        """Share of the respondents of each unit with each distinct score, for each phase."""
        sizes = np.bincount(self.codes)
        share = 1 / sizes[self.codes]
        return [
            sparse.csr_array((share, (self.codes, place)), (len(sizes), len(score)))
            for score, place in zip(self.scores, self.places.T, strict=True)
        ]

    def _over_largest(
        self, means: np.ndarray, within: np.ndarray, between: np.ndarray, ends: list[np.ndarray]
    ) -> np.ndarray:
        """H within, H between and their ratio, of mean products and marginals summed up."""
        most, square = self._largest_covariances(means, ends), np.outer(means, means)
        h = [_coefficients(together - square, most)[0] for together in (within, between)]
        return np.array([*h, h[1] / h[0] if h[0] > 1e-12 else np.nan])

    def _largest_covariances(self, means: np.ndarray, ends: list[np.ndarray]) -> np.ndarray:
        """Covariances when all phases are sorted alike, each by its weighted marginal, p × p."""
        cuts = np.unique(np.concatenate(ends))
        sorted_alike = np.column_stack(
            [
                score[np.minimum(np.searchsorted(end, cuts - 1e-12), len(score) - 1)] - mean
                for score, end, mean in zip(self.scores, ends, means, strict=True)
            ]
        )
        width = np.diff(cuts, prepend=0.0)
        return np.asarray((sorted_alike * width[:, None]).T @ sorted_alike)


def between_respondents(two_level: pd.DataFrame | None) -> dict[str, float]:
    """Give H between respondents with its interval; NaN where too few tell it.

    Parameters
    ----------
    two_level : DataFrame or None
        From `two_level_scalability`.

    Returns
    -------
    dict
        H_between, H_between_low, H_between_high.

    Examples
    --------
    >>> between_respondents(None)
    {'H_between': nan, 'H_between_low': nan, 'H_between_high': nan}
    """
    names = {"H_between": "H", "H_between_low": "low", "H_between_high": "high"}
    if two_level is None:
        return dict.fromkeys(names, np.nan)
    row = two_level.loc[BETWEEN]
    known = row["n_respondents"] - row["n_units"] >= TOO_FEW
    return {name: row[part] if known else np.nan for name, part in names.items()}


def _covariances(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0)
    return np.asarray(centred.T @ centred / len(values))


def _coefficients(together: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Covariances over the largest possible: of the scale, each phase, each pair; NaN without."""

    def parts(table: np.ndarray) -> np.ndarray:
        off = table * (1 - np.eye(len(table)))
        return np.concatenate([[off.sum()], off.sum(axis=0), off[~np.tri(len(off), dtype=bool)]])

    largest = parts(most)
    return parts(together) / np.where(largest > 1e-12, largest, np.nan)


def _with_interval(table: pd.DataFrame, samples: list[np.ndarray]) -> pd.DataFrame:
    """Set beside H its interval over samples of units."""
    if samples:
        drawn = pd.DataFrame(samples, columns=table.index)
        table[["low", "high"]] = _corrected_percentiles(drawn, table["H"])
    return table


def _with_chance(table: pd.DataFrame, shuffled: list[np.ndarray]) -> pd.DataFrame:
    """Set beside H what shuffled phases give."""
    if shuffled:
        chance = pd.DataFrame(shuffled, columns=table.index)
        reached = (chance >= table["H"] - 1e-12).sum() + 1
        table["chance_high"] = chance.quantile(0.95)
        table["p"] = (reached / (len(chance) + 1)).where(table["H"].notna())
    return table


def _corrected_percentiles(drawn: pd.DataFrame, observed: pd.Series) -> pd.DataFrame:
    """Bias-corrected percentiles of bootstrap samples, coefficients × (low, high).

    Efron (1981), Canadian Journal of Statistics 9(2), 139-158. For pairs of phases it covers
    better than plain percentiles (benchmarks/README.md).
    """
    drawn, observed = drawn.round(12), observed.round(12)  # else ties fall apart in the last bits
    below = (drawn < observed).sum() + (drawn == observed).sum() / 2
    known = drawn.notna().sum()
    share = (below / known.where(known > 0)).fillna(0.5)
    shift = 2 * norm.ppf(share.clip(0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    reach = norm.ppf(0.975)
    ends = {"low": norm.cdf(shift - reach), "high": norm.cdf(shift + reach)}
    return pd.DataFrame(
        {
            name: [drawn[part].quantile(q) for part, q in zip(drawn, qs, strict=True)]
            for name, qs in ends.items()
        },
        index=observed.index,
    ).where(observed.notna(), np.nan)
