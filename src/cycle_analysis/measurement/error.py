"""How far the mean of a few respondents is from the unit's true score: the error of measurement.

A unit's score is the mean of its n respondents, so its error has covariance W / n. W is the
covariance of respondents within units, pooled over all units and all phases together: a respondent
who is positive about everything (halo) makes the errors of the phases go together. How well W is
known depends on its degrees of freedom, the respondents less the units; units with one respondent
add none, and borrow it from the others. With too few nothing is claimed: a pair of respondents in
one unit says nothing about the precision of all others.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from cycle_analysis.measurement.scores import match_units

ENOUGH = 100
"""Degrees of freedom from which the error is taken as known."""
TOO_FEW = 30
"""Degrees of freedom below which the error is not known at all."""


class Standing(StrEnum):
    """How well the error is known, by its degrees of freedom."""

    KNOWN = "known"
    ROUGH = "rough"
    UNKNOWN = "unknown"


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
    counts : array, n units × p × p
        Respondents with a score on both phases; on the diagonal, on the phase.
    scatter : array, n units × p × p, or None
        Sums of squares and products of respondents around their unit, of which W is made; None
        when W is borrowed from other respondents.
    units : Index, n units
    """

    within: pd.DataFrame
    freedoms: np.ndarray
    counts: np.ndarray
    scatter: np.ndarray | None
    units: pd.Index

    @property
    def freedom(self) -> int:
        """Degrees of freedom of W, on the phase with the fewest."""
        return int(min(np.diag(self.freedoms), default=0))

    @property
    def standing(self) -> Standing:
        """Whether W is known, known roughly, or not known."""
        if self.freedom >= ENOUGH:
            return Standing.KNOWN
        return Standing.ROUGH if self.freedom >= TOO_FEW else Standing.UNKNOWN

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
        return replace(self, within=other.within, freedoms=other.freedoms, scatter=None)

    def standard_errors(self) -> pd.DataFrame:
        """Standard error of each unit's scores, n units × p phases, in points.

        NaN where the unit has no score, and everywhere when W is not known.
        """
        variances = np.einsum("npp->np", self.covariances())
        known = (self.n_respondents > 0) & (self.standing != Standing.UNKNOWN)
        return pd.DataFrame(np.sqrt(variances), self.units, self.within.columns).where(known)

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
        As `scores.respondent_scores` gives them, NaN missing. A pair of phases counts the
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
    freedom = (counts - 1).clip(min=0).sum(axis=0)
    within = np.full((p, p), np.nan)
    np.divide(scatter.sum(axis=0), freedom, out=within, where=freedom > 0)
    if np.isfinite(within).all():
        within = _possible(within)
    table = pd.DataFrame(within, scores.columns, scores.columns)
    index = pd.Index(names, name="unit")
    return MeasurementError(table, freedom, counts, scatter, index)


def _possible(within: np.ndarray) -> np.ndarray:
    """Give the nearest covariance matrix; pairs of phases with other respondents may not be one."""
    values, vectors = np.linalg.eigh(within)
    if (values >= -1e-9 * values[..., -1:]).all():
        return within
    return (vectors * np.maximum(values, 0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
