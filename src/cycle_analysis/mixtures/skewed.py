"""Fit what is no profiles: one cloud of phases each of which is skewed in a way of its own.

Where most units are low on a phase and few are far, two normal clouds describe its tail better than
one, though nobody belongs anywhere. The rival that profiles have to beat is one normal cloud of
scores that were bent, each phase by one parameter, as near to normal as they come (Yeo & Johnson
2000); the likelihood is that of the scores themselves.

References
----------
Yeo, I.-K. & Johnson, R. A. (2000). A new family of power transformations to improve normality or
symmetry. Biometrika 87(4), 954-959.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import yeojohnson, yeojohnson_normmax

from cycle_analysis.mixtures.courses import fit_bound
from cycle_analysis.mixtures.em import Block
from cycle_analysis.mixtures.fit import Mixture, standardise
from cycle_analysis.mixtures.gaussian import EEE, EEI, CovarianceModel, Diagonal, Full


@dataclass(frozen=True)
class Skewed:
    """One cloud of skewed phases.

    Attributes
    ----------
    components : CovarianceModel
        Whether phases are related, once bent.
    powers : tuple of float, p
        How each phase is bent, on the scale of the engine; 1 is not at all.
    """

    components: CovarianceModel
    powers: tuple[float, ...]

    @property
    def name(self) -> str:
        """Name, for tables."""
        return f"skewed cloud ({self.components})"

    def n_parameters(self, k: int, p: int) -> int:
        """Count means, (co)variances and powers."""
        return self.components.n_parameters(k, p) + p

    def family(self, values: np.ndarray, floor: np.ndarray) -> "SkewedDiagonal | SkewedFull":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""
        kind = SkewedFull if self.components.full else SkewedDiagonal
        return kind(values, self, floor)


class _Bent:
    """A family of bent values; how far bending stretches is a statistic before the last."""

    blocks: Any

    def __init__(self, values: np.ndarray, model: Skewed, floor: np.ndarray):
        columns = zip(values.T, model.powers, strict=True)
        bent = np.column_stack([yeojohnson(column, power) for column, power in columns])
        logs = np.sign(values) * np.log1p(np.abs(values)) * (np.array(model.powers) - 1)
        stretched = np.nansum(logs, axis=1)
        super().__init__(bent, model.components, floor)  # type: ignore[call-arg]
        self.blocks = tuple(
            replace(
                block,
                statistics=np.insert(block.statistics, -1, stretched[block.rows], axis=1),
            )
            for block in self.blocks
        )

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Natural parameters, 1 for the stretching among them."""
        found = super().natural(theta, block)  # type: ignore[misc]
        return np.insert(found, -1, 1.0, axis=0)

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """As of values that were not bent."""
        sums = [np.delete(part, -2, axis=0) for part in sums]
        return np.asarray(super().maximise(sums, theta))  # type: ignore[misc]


class SkewedDiagonal(_Bent, Diagonal):
    """One cloud of skewed phases that have nothing to do with one another."""


class SkewedFull(_Bent, Full):
    """One cloud of skewed phases that are related."""


def fit_skewed(scores: pd.DataFrame) -> list[Mixture]:
    """Fit one cloud of skewed phases, unrelated and related.

    Parameters
    ----------
    scores : DataFrame, n units × p phases

    Returns
    -------
    list of Mixture
        Their means and covariances are those of bent scores.

    Examples
    --------
    >>> scores = pd.DataFrame(np.random.default_rng(1).gamma(1, 20, (90, 2)), columns=["AG", "EX"])
    >>> [rival.model.name for rival in fit_skewed(scores)]
    ['skewed cloud (EEI)', 'skewed cloud (EEE)']
    """
    z = standardise(scores).z
    powers = tuple(_power(column[np.isfinite(column)]) for column in z.T)
    whole = np.ones((len(scores), 1))
    return [fit_bound(scores, Skewed(model, powers), whole) for model in (EEI, EEE)]


def _power(values: np.ndarray) -> float:
    """Give the power that makes values most nearly normal; 1 where they are all the same."""
    return float(yeojohnson_normmax(values)) if np.ptp(values) > 0 else 1.0
