"""How far the mean of a few respondents is from the unit's true score: the error of measurement.

A unit's score is the mean of its n respondents, so its error has covariance W / n. W is the
covariance of respondents within units, pooled over all units and all phases together: a respondent
who is positive about everything (halo) makes the errors of the phases go together. How well W is
known depends on its degrees of freedom, the respondents less the units; units with one respondent
add none, and borrow it from the others. With too few nothing is claimed: a pair of respondents in
one unit says nothing about the precision of all others.

A mean over units has two errors: not all units of the population were asked, and those that were
speak through a few respondents. Only the first goes away as more of them answer (Cochran 1977,
chapter 10).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import Seed, children
from cycle_analysis.measurement import match_units

ENOUGH = 100
"""Degrees of freedom from which the error is taken as known."""
TOO_FEW = 30
"""Degrees of freedom below which the error is not known at all."""
LEVEL = 0.05
"""Chance that roles, or parts of a unit, that see the same are said to differ."""
N_DEALS = 199
"""How often roles are dealt anew."""
MOST_OF_ONE = 10
"""Degrees of freedom of one unit that count: many respondents of one unit tell of that unit."""


class Standing(StrEnum):
    """How well the error is known, by its degrees of freedom."""

    KNOWN = "known"
    ROUGH = "rough"
    UNKNOWN = "unknown"


def standing_of(freedom: float) -> Standing:
    """Tell how well an error with these degrees of freedom is known.

    Examples
    --------
    >>> [str(standing_of(freedom)) for freedom in (100, 30, 29)]
    ['known', 'rough', 'unknown']
    """
    if freedom >= ENOUGH:
        return Standing.KNOWN
    return Standing.ROUGH if freedom >= TOO_FEW else Standing.UNKNOWN


@dataclass(frozen=True, eq=False)
class MeasurementError:
    """The error with which respondents tell the scores of their units.

    Attributes
    ----------
    within : DataFrame, p phases × p phases
        W: covariance of respondents within units, in squared points; NaN where no unit has two
        respondents.
    freedoms : array, p × p
        Degrees of freedom of W, for each pair of phases.
    told_by : array, p
        Those of each phase by which W is known or not, at most `MOST_OF_ONE` of one unit.
    counts : array, n units × p × p
        Respondents with a score on both phases; on the diagonal, on the phase.
    scatter : array, n units × p × p, or None
        Sums of squares and products of respondents around their unit, of which W is made; None
        when W is borrowed from other respondents.
    units : Index, n units
    """

    within: pd.DataFrame
    freedoms: np.ndarray
    told_by: np.ndarray
    counts: np.ndarray
    scatter: np.ndarray | None
    units: pd.Index

    @property
    def freedom(self) -> int:
        """Degrees of freedom that count, on the phase with the fewest of those anybody scored."""
        scored = np.einsum("npp->p", self.counts) > 0
        return int(min(self.told_by[scored], default=0))

    @property
    def standing(self) -> Standing:
        """Whether W is known, known roughly, or not known."""
        return standing_of(self.freedom)

    @property
    def table(self) -> pd.DataFrame:
        """W, p phases × p phases, and beside it `freedom`, its degrees of freedom."""
        return self.within.assign(freedom=self.freedom).rename_axis(index="phase", columns=None)

    @property
    def n_respondents(self) -> pd.DataFrame:
        """Respondents of each unit with a score, n units × p phases."""
        counts = np.einsum("npp->np", self.counts).astype(int)
        return pd.DataFrame(counts, self.units, self.within.columns)

    def covariances(self) -> np.ndarray:
        """Error covariance of each unit's scores, n × p × p; 0 where a phase has no score.

        W / n for a unit whose respondents all have all scores, otherwise W_jk n_jk / (n_j n_k).
        """
        return self.within.to_numpy() * self.factors

    @property
    def factors(self) -> np.ndarray:
        """What W is multiplied by to give the error of each unit, n × p × p."""
        own = np.maximum(np.einsum("npp->np", self.counts), 1)
        return self.counts / (own[:, :, None] * own[:, None, :])

    def remade(self, scatter: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """W when these units had other respondents, B × p × p; what W rests on besides stays.

        Parameters
        ----------
        scatter : array, B × p × p
            Sums over the units of squares and products of respondents around their unit.
        counts : array, B × p × p or 1 × p × p
            Degrees of freedom of those.
        """
        if self.scatter is None:
            return np.repeat(self.within.to_numpy()[None], len(scatter), axis=0)
        degrees = (self.counts - 1).clip(min=0).sum(axis=0)
        total = self.within.to_numpy() * self.freedoms - self.scatter.sum(axis=0) + scatter
        return _possible(total / np.maximum(self.freedoms - degrees + counts, 1))

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """W of samples of the units, B × p × p, by how often each was drawn, n × B."""
        n, p, _ = self.counts.shape
        scatter = np.zeros_like(self.counts) if self.scatter is None else self.scatter
        degrees = weights.T @ (self.counts - 1).clip(min=0).reshape(n, -1)
        drawn = weights.T @ scatter.reshape(n, -1)
        return self.remade(drawn.reshape(-1, p, p), degrees.reshape(-1, p, p))

    def borrow(self, other: "MeasurementError") -> "MeasurementError":
        """Take W from a wave that knows it; the respondents of each unit stay."""
        lent = {name: getattr(other, name) for name in ("within", "freedoms", "told_by")}
        return replace(self, scatter=None, **lent)

    def standard_errors(self) -> pd.DataFrame:
        """Standard error of each unit's scores, n units × p phases, in points.

        NaN where the unit has no score, and everywhere when W is not known.
        """
        variances = np.einsum("npp->np", self.covariances())
        known = (self.n_respondents > 0) & (self.standing != Standing.UNKNOWN)
        return pd.DataFrame(np.sqrt(variances), self.units, self.within.columns).where(known)

    def gap_by_chance(self, counts: pd.DataFrame) -> pd.Series:
        """Give how far parts of the respondents of one unit can lie apart by chance.

        Parameters
        ----------
        counts : DataFrame, groups of respondents × p phases
            Respondents of one unit with a score, by role for instance; two groups or more.

        Returns
        -------
        Series, p phases
            Points between two means, further than which any two groups lie on any phase with a
            chance of `LEVEL` if they see the same (normal, Bonferroni, with the smallest group);
            NaN where W is not known.
        """
        comparisons = len(counts) * (len(counts) - 1) / 2 * counts.shape[1]
        variances = pd.Series(np.diag(self.within), self.within.columns)
        if self.standing == Standing.UNKNOWN:
            variances *= np.nan
        return stats.norm.ppf(1 - LEVEL / 2 / comparisons) * np.sqrt(2 * variances / counts.min())

    def only(self, units: pd.Index) -> "MeasurementError":
        """Keep these units, in this order; W stays that of all."""
        rows = self.units.get_indexer(units)
        scatter = None if self.scatter is None else self.scatter[rows]
        return replace(self, counts=self.counts[rows], scatter=scatter, units=units)


def measurement_error(scores: pd.DataFrame, units: pd.Series) -> MeasurementError:
    """Estimate the error of unit means from how respondents of one unit differ.

    Parameters
    ----------
    scores : DataFrame, m respondents × p phases
        As `measurement.respondent_scores` gives them, NaN missing. A pair of phases counts the
        respondents with both.
    units : Series, m respondents
        The unit of each respondent.

    Returns
    -------
    MeasurementError
        Of all units, in their sorted order.

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance Components, section 3.6.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0, 80.0], "EX": [10.0, 40.0, 70.0]})
    >>> error = measurement_error(scores, pd.Series(["B", "B", "A"]))
    >>> error.within.loc["AG"].tolist(), error.freedom, str(error.standing)
    ([1250.0, 750.0], 1, 'unknown')
    """
    codes, names = pd.factorize(match_units(scores, units), sort=True)
    values, n, p = scores.to_numpy(dtype=float), len(names), scores.shape[1]
    seen = np.isfinite(values)
    counts, scatter = np.zeros((n, p, p)), np.zeros((n, p, p))
    for j in range(p):
        for k in range(j + 1):
            both = seen[:, j] & seen[:, k]
            member, pair = codes[both], values[both][:, [j, k]]
            size = np.bincount(member, minlength=n)
            sums = [np.bincount(member, column, n) for column in pair.T]
            gaps = pair - np.stack(sums, axis=1)[member] / size[member, None]
            counts[:, j, k] = counts[:, k, j] = size
            squares = np.bincount(member, gaps[:, 0] * gaps[:, 1], n)
            scatter[:, j, k] = scatter[:, k, j] = squares
    each = (counts - 1).clip(min=0)
    freedom, told_by = each.sum(axis=0), np.einsum("npp->np", each).clip(max=MOST_OF_ONE)
    within = np.full((p, p), np.nan)
    np.divide(scatter.sum(axis=0), freedom, out=within, where=freedom > 0)
    if np.isfinite(within).all():
        within = _possible(within)
    table = pd.DataFrame(within, scores.columns, scores.columns)
    index = pd.Index(names, name="unit")
    return MeasurementError(table, freedom, told_by.sum(axis=0), counts, scatter, index)


def roles_differ(
    scores: pd.DataFrame, units: pd.Series, roles: pd.Series, *, seed: Seed = 1
) -> bool:
    """Say whether roles score unlike others of their unit by more than chance explains.

    What each role scores beside the mean of its units is set against roles that are dealt anew
    among the respondents of each unit. To take off what roles only seem to differ adds noise, the
    more so the fewer units have several respondents.

    Parameters
    ----------
    scores : DataFrame, respondents × p phases
    units, roles : Series, indexed by respondent
        The unit of each respondent, and the role, NaN where not known.
    seed : int or SeedSequence

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [40.0, 50.0] * 20})
    >>> units = pd.Series(np.arange(40) // 2)
    >>> by_turns, by_lot = ["line", "top"] * 20, ["line", "top", "top", "line"] * 10
    >>> [roles_differ(scores, units, pd.Series(roles)) for roles in (by_turns, by_lot)]
    [True, False]
    """
    known = match_units(scores, units)[roles.reindex(scores.index).notna()]
    known = known.sort_values(kind="stable")
    unit, role = (pd.factorize(one)[0] for one in (known, roles.loc[known.index]))
    own = scores.loc[known.index]
    beside = (own - own.groupby(unit).transform("mean")).fillna(0.0)
    columns = (beside / beside.std().replace(0.0, 1.0)).to_numpy().T

    def apart(role: np.ndarray) -> float:
        sums = np.array([np.bincount(role, column) for column in columns])
        return float((sums**2 / np.bincount(role)).sum())

    rng = np.random.default_rng(children(seed, 1)[0])
    found = apart(role) - 1e-9  # sums in another order differ in their last digits
    dealt = (apart(role[np.lexsort((rng.random(len(role)), unit))]) for _ in range(N_DEALS))
    return 1 + sum(one >= found for one in dealt) <= LEVEL * (1 + N_DEALS)


def standard_errors(scores: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """Give the standard error of each unit's mean: pooled spread within units over root n.

    The spread is pooled over units, because the own spread of two to five respondents says little;
    a unit with one respondent gets the same error per respondent as any other.

    Parameters
    ----------
    scores : DataFrame, m respondents × p phases
        As `measurement.respondent_scores` gives them, NaN missing.
    units : Series, m respondents
        The unit of each respondent.

    Returns
    -------
    DataFrame, n units × p phases
        In score points; NaN where the unit has no score, and everywhere when respondents less
        units are fewer than `TOO_FEW`: respondent and unit cannot be told apart then. Below
        `ENOUGH` they are rough.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 50.0] * 30 + [80.0]})
    >>> units = pd.Series([*np.arange(30).repeat(2), 30])
    >>> standard_errors(scores, units)["AG"].iloc[[0, -1]].round(1).tolist()
    [25.0, 35.4]
    >>> standard_errors(scores[-3:], units[-3:])["AG"].tolist()
    [nan, nan]
    """
    return measurement_error(scores, units).standard_errors()


def mean_intervals(
    scores: pd.DataFrame, population: int | None = None, errors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Give the mean of each phase over units, with an interval for all units that there are.

    With f = n / N the share of the population that has a score, the variance of the mean is
    ``(1 - f) s² / n + f mean(e²) / n``, s² the variance of the scores, which holds the measurement
    error too, and e their standard errors: that of two stages, each unit with its own number of
    respondents out of many. Without a population, f = 0: a statement about the process behind these
    units. So it is where an error is not known, which makes the interval too wide, never too short.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Scores or differences of scores, in points, NaN missing.
    population : int, optional
        Number of units there are, N.
    errors : DataFrame, n units × p phases
        Standard errors of the scores; needed with a population, 0 for what is measured exactly.

    Returns
    -------
    DataFrame, p phases
        n (units with a score), mean, sd, low, high (95%, by t), all in points; no interval with
        fewer than two units.

    Raises
    ------
    ValueError
        When the population is smaller than the number of units, or comes without errors.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapter 10. Wiley.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [40.0, 50.0, 60.0]})
    >>> intervals = mean_intervals(scores, population=3, errors=scores * 0 + 6)
    >>> intervals.loc["AG", ["low", "high"]].round(1).tolist()  # 50 ± 4.30 · 6 / √3
    [35.1, 64.9]
    """
    n, mean = scores.count(), scores.mean()
    share, measured = 0.0 * n, 0.0 * n
    if population is not None:
        errors = _fit_for(scores, population, errors)
        known = (errors.notna() | scores.isna()).all()
        share = (n / population).where(known, 0.0)
        measured = (errors**2).where(scores.notna()).mean().where(known, 0.0)
    variance = ((1 - share) * scores.var() + share * measured) / n.where(n > 1)
    reach = stats.t.ppf(0.975, (n - 1).clip(lower=1)) * np.sqrt(variance)
    return pd.DataFrame(
        {"n": n, "mean": mean, "sd": scores.std(), "low": mean - reach, "high": mean + reach}
    )


def _fit_for(scores: pd.DataFrame, population: int, errors: pd.DataFrame | None) -> pd.DataFrame:
    """Check the population, and give the errors the rows and columns of the scores."""
    if (n := len(scores.dropna(how="all"))) > population:
        raise ValueError(
            f"The population has {population} units, but {n} have scores. "
            "Give the number of units in the register at the date of fieldwork, or None."
        )
    if errors is None:
        raise ValueError(
            f"A population of {population} units comes without errors of the scores: these do not "
            "shrink as more units answer. Give standard_errors(respondent_scores, units), or None "
            "for the population."
        )
    return errors.reindex(index=scores.index, columns=scores.columns)


def _possible(within: np.ndarray) -> np.ndarray:
    """Give the nearest covariance matrix; pairs of phases with other respondents may not be one."""
    values, vectors = np.linalg.eigh(within)
    if (values >= -1e-9 * values[..., -1:]).all():
        return within
    return (vectors * np.maximum(values, 0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
