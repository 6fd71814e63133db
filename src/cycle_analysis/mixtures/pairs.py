"""Fit profiles to two waves at once: each unit has a pair of profiles, and a deviation that stays.

A unit's true scores in two waves are the means of its two profiles plus its own deviations, of
covariance T = [[S, C], [C, S]]: what sets a unit apart from its profile persists as far as C goes,
so that a unit near a border does not switch each time (random-intercept latent transition analysis,
Muthén & Asparouhov 2022). They are seen with the error of each wave's own respondents. Pairs with
twice the same profile alone are *no change*.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cycle_analysis.mixtures import em
from cycle_analysis.mixtures.em import Batch
from cycle_analysis.mixtures.measured import Measured, Mend, Noise, Triangle

TOLERANCE = 3e-5
"""Gain per unit and cycle of EM under which a fit has converged; data and draws alike."""
ROUGHLY = 1e-4
"""The same for samples, of which only the shares are used."""
MAX_STEPS = 600
"""EM steps after which a fit stops."""
STAYING, PERSISTING = 0.85, 0.7
"""At the start: share that keeps its profile, and part of a unit's deviation that persists."""
NEWTON_STEPS = 30
"""Steps in which counts of pairs are given equal margins."""


@dataclass(frozen=True, eq=False)
class PairModel:
    """Which pairs of profiles there are, and how means and deviations of the waves hang together.

    Attributes
    ----------
    cells : array, c × 2
        Profile in the first and in the second wave, 0..k-1, of each pair.
    design : array, c × 2p × d
        Means of each pair, first and second wave, by d free parameters.
    mend : function
        Gives T, B × 2p × 2p, its structure.
    pooled : bool
        Whether all pairs share T.
    balance : function, optional
        Gives counts of pairs, c × B, what holds of their shares.
    """

    cells: np.ndarray
    design: np.ndarray
    mend: Mend
    pooled: bool = True
    balance: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def k(self) -> int:
        """Number of profiles."""
        return int(self.cells.max()) + 1

    def family(self, values: np.ndarray, noise: Noise, floor: np.ndarray) -> "Pairs":
        """Give the family that fits it to values, n × 2p or B × n × 2p."""
        return Pairs(values, noise, floor, self)

    def theta(self, means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """Where a fit may start: means, k × p, for both waves, and T, 2p × 2p."""
        both = np.concatenate([means[self.cells[:, 0]], means[self.cells[:, 1]]], axis=1)
        floor = np.full(len(covariance), 1e-12)
        coordinates = Triangle(floor, self.mend).coordinates(covariance[None, None], None)
        return np.concatenate(
            [both.T[..., None], np.broadcast_to(coordinates, (len(coordinates), len(both), 1))]
        )

    def table(self, log_shares: np.ndarray) -> np.ndarray:
        """Shares of the pairs, B × k × k, from the logarithms, c × B."""
        table = np.zeros((log_shares.shape[1], self.k, self.k))
        table[:, self.cells[:, 0], self.cells[:, 1]] = np.exp(log_shares).T
        return table


class Pairs(Measured):
    """True scores in two waves, the means of pairs bound together; parameters as `Measured`.

    Parameters
    ----------
    values, noise
        As `Measured`.
    floor : array, 2p
        Smallest variances.
    model : PairModel
    """

    def __init__(self, values: np.ndarray, noise: Noise, floor: np.ndarray, model: PairModel):
        super().__init__(values, noise, Triangle(floor, model.mend), pooled=model.pooled)
        self.design, self.balance = model.design, model.balance

    def log_shares(self, counts: np.ndarray) -> np.ndarray:
        """Give the logarithms of the shares that go with the counts, c × B."""
        return super().log_shares(counts if self.balance is None else self.balance(counts))

    def _means(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Means, a × j × B × 2p, by generalised least squares on the design."""
        design = self.design[:, None]
        turned = np.swapaxes(design, -1, -2)
        by_pair = left.reshape(-1, *left.shape[2:]), right.reshape(-1, *right.shape[2:])
        normal = (turned @ by_pair[0] @ design).sum(axis=0)
        target = (turned @ by_pair[1][..., None]).sum(axis=0)
        ridge = 1e-12 * np.einsum("bdd->b", normal)[:, None, None] * np.eye(normal.shape[-1])
        return (design @ np.linalg.solve(normal + ridge, target))[..., 0].reshape(right.shape)


def all_pairs(k: int) -> np.ndarray:
    """Every pair of k profiles, k² × 2."""
    return np.stack(np.divmod(np.arange(k * k), k), axis=1)


def same_pairs(k: int) -> np.ndarray:
    """Pairs of twice the same profile, k × 2."""
    return np.stack([np.arange(k)] * 2, axis=1)


def equal_means(cells: np.ndarray, p: int) -> np.ndarray:
    """Design in which a profile has the same means in both waves, c × 2p × k p."""
    k = int(cells.max()) + 1
    picks = np.eye(k)[cells]  # c, 2, k
    return np.einsum("cwk,pq->cwpkq", picks, np.eye(p)).reshape(len(cells), 2 * p, k * p)


def shifted_means(cells: np.ndarray, p: int) -> np.ndarray:
    """Design in which all profiles shift alike between the waves, c × 2p × (k p + p)."""
    shift = np.concatenate([np.zeros((p, p)), np.eye(p)])
    return np.concatenate(
        [equal_means(cells, p), np.broadcast_to(shift, (len(cells), 2 * p, p))], axis=2
    )


def own_means(cells: np.ndarray, p: int) -> np.ndarray:
    """Design in which each wave has means of its own, c × 2p × 2 k p."""
    k = int(cells.max()) + 1
    own = np.einsum("cwk,pq,wv->cwpvkq", np.eye(k)[cells], np.eye(p), np.eye(2))
    return own.reshape(len(cells), 2 * p, 2 * k * p)


def equal_margins(counts: np.ndarray) -> np.ndarray:
    """Give counts of all pairs, k² × B, the likeliest ones of which both waves have equal shares.

    Counts n become n / (N + λ_j - λ_l), λ by Newton (a Lagrange multiplier for each profile).
    """
    k = round(np.sqrt(len(counts)))
    table = np.moveaxis(counts.reshape(k, k, -1), -1, 0)  # B, k, k
    table = np.maximum(table, 1e-9 * table.sum(axis=(1, 2), keepdims=True))
    total = table.sum(axis=(1, 2), keepdims=True)
    gaps = np.ones_like(table)
    for _ in range(NEWTON_STEPS):
        found, slopes = table / gaps, table / gaps**2
        excess = found.sum(axis=2) - found.sum(axis=1)
        slopes = slopes + np.swapaxes(slopes, 1, 2)
        uphill = slopes.sum(axis=2)[:, :, None] * np.eye(k) - slopes
        uphill += slopes.mean(axis=(1, 2), keepdims=True)  # multipliers that add up to 0
        step = np.linalg.solve(uphill, excess[..., None])
        change = step - np.swapaxes(step, 1, 2)
        inside = 0.9 / np.maximum(-change / gaps, 0.9).max(axis=(1, 2), keepdims=True)
        gaps = gaps + inside * change
    balanced = table / gaps
    balanced *= total / balanced.sum(axis=(1, 2), keepdims=True)
    return np.moveaxis(balanced, 0, -1).reshape(counts.shape)


def same_spread(covariances: np.ndarray) -> np.ndarray:
    """Make T that of deviations which are alike in both waves: [[S, C], [C, S]]."""
    first, second, between = _quarters(covariances)
    spread = (first + second) / 2
    both = (between + np.swapaxes(between, -1, -2)) / 2
    return _joined(spread, both, spread)


def lasting(covariances: np.ndarray) -> np.ndarray:
    """Make T that of deviations which last entirely: [[S, S], [S, S]]."""
    first, second, between = _quarters(covariances)
    both = (first + second + between + np.swapaxes(between, -1, -2)) / 4
    return _joined(both, both, both)


def free_spread(covariances: np.ndarray) -> np.ndarray:
    """Leave T as it is."""
    return (covariances + np.swapaxes(covariances, -1, -2)) / 2


def climb_pairs(
    family: Pairs,
    start: Batch,
    weights: np.ndarray,
    *,
    max_steps: int = MAX_STEPS,
    tolerance: float = TOLERANCE,
) -> Batch:
    """Carry pairs to convergence from a start, one problem for each column of weights or data.

    Parameters
    ----------
    family : Pairs
        The data, from `PairModel.family`.
    start : Batch
        One problem, or as many as there are to be.
    weights : array, n × 1 or n × B
        Case weights.
    """
    data = len(family.blocks[0].statistics)
    n_problems = max(weights.shape[1], data, len(family.within), start.log_likelihood.size)
    repeats = n_problems // start.log_likelihood.size
    batch = em.joined([start] * repeats) if repeats > 1 else start
    batch = em.begun(batch.theta, batch.log_shares)
    return em.climb(family, batch, weights, max_steps=max_steps, tolerance=tolerance)


def _quarters(covariances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p = covariances.shape[-1] // 2
    return covariances[..., :p, :p], covariances[..., p:, p:], covariances[..., :p, p:]


def _joined(first: np.ndarray, between: np.ndarray, second: np.ndarray) -> np.ndarray:
    upper = np.concatenate([first, between], axis=-1)
    lower = np.concatenate([np.swapaxes(between, -1, -2), second], axis=-1)
    return np.concatenate([upper, lower], axis=-2)
