"""How far the mean of a few respondents is from the unit's true score: the error of measurement.

A unit's score is the mean of its n respondents, so its error has covariance W / n. W is the
covariance of respondents within units, pooled over all units and all phases together: a respondent
who is positive about everything (halo) makes the errors of the phases go together. How well W is
known depends on its degrees of freedom, the respondents less the units; units with one respondent
add none, and borrow it from the others. With too few nothing is claimed: a pair of respondents in
one unit says nothing about the precision of all others.
"""

from dataclasses import dataclass
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
    freedom : int
        Degrees of freedom of W, on the phase with the fewest.
    counts : array, n units × p × p
        Respondents with a score on both phases; on the diagonal, on the phase.
    units : Index, n units
    """

    within: pd.DataFrame
    freedom: int
    counts: np.ndarray
    units: pd.Index

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
        own = np.maximum(np.einsum("npp->np", self.counts), 1)
        return self.within.to_numpy() * self.counts / (own[:, :, None] * own[:, None, :])

    def standard_errors(self) -> pd.DataFrame:
        """Standard error of each unit's scores, n units × p phases, in points.

        NaN where the unit has no score, and everywhere when W is not known.
        """
        variances = np.einsum("npp->np", self.covariances())
        known = (self.n_respondents > 0) & (self.standing != Standing.UNKNOWN)
        return pd.DataFrame(np.sqrt(variances), self.units, self.within.columns).where(known)

    def only(self, units: pd.Index) -> "MeasurementError":
        """Keep these units, in this order; W stays that of all."""
        return MeasurementError(
            self.within, self.freedom, self.counts[self.units.get_indexer(units)], units
        )


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
    counts, within, freedoms = np.zeros((n, p, p)), np.full((p, p), np.nan), np.zeros(p)
    for j in range(p):
        for k in range(j + 1):
            both = seen[:, j] & seen[:, k]
            member, pair = codes[both], values[both][:, [j, k]]
            size = np.bincount(member, minlength=n)
            sums = [np.bincount(member, column, n) for column in pair.T]
            gaps = pair - np.stack(sums, axis=1)[member] / size[member, None]
            freedom = (size - 1).clip(min=0).sum()
            if freedom:
                within[j, k] = within[k, j] = (gaps[:, 0] * gaps[:, 1]).sum() / freedom
            counts[:, j, k] = counts[:, k, j] = size
            freedoms[j] = freedom  # the last of the row is the phase itself
    phases = scores.columns
    table = pd.DataFrame(_possible(within), phases, phases)
    return MeasurementError(table, int(freedoms.min()), counts, pd.Index(names, name="unit"))


def _possible(within: np.ndarray) -> np.ndarray:
    """Give the nearest covariance matrix; pairs of phases with other respondents may not be one."""
    if np.isnan(within).any():
        return within
    values, vectors = np.linalg.eigh(within)
    if values[0] >= 0:
        return within
    return (vectors * np.maximum(values, 0)) @ vectors.T
