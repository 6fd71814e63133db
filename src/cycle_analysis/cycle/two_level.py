"""Tell an order of units from a style of respondents: scalability within and between respondents.

*Within* compares two phases as one respondent sees them; *between* compares one phase as seen by
one respondent with the other as seen by a colleague of the same unit, so that nobody's style can
help (Snijders 2001). An order of units shows between respondents too. Every unit weighs the same:
products are averaged over the respondents, or pairs of them, of a unit, then over units.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cycle_analysis.cycle.scalability import chance_of, coefficients, corrected_percentiles
from cycle_analysis.measurement.scores import match_units

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
