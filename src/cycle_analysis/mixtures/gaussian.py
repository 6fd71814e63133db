"""Normal components under the covariance models that mclust names (Scrucca et al. 2016).

==== ===================================== =========================
name variances                             parameters of covariances
==== ===================================== =========================
EII  one for all phases and profiles       1
VII  one per profile                       k
EEI  one per phase (Mplus' default)        p
VVI  one per phase and profile             k p
EEE  one full matrix for all profiles      p (p + 1) / 2
VVV  one full matrix per profile           k p (p + 1) / 2
EFE  one common factor for all profiles    2 p
==== ===================================== =========================

EFE is not mclust's: phases go together by one factor, l l' + ψ. It is fitted beside the others when
the error of measurement is known, since without it halo and level are taken for profiles.

Missing scores: likelihood of what was observed (missing at random). Without covariances a missing
score simply adds nothing; with covariances the rows are grouped by pattern of missing scores and
the expected statistics of the missing part are filled in (Little & Rubin 2019, chapter 11).
"""

from dataclasses import dataclass

import numpy as np

from cycle_analysis.mixtures import em
from cycle_analysis.mixtures.em import Block, FreeShares
from cycle_analysis.mixtures.measured import Measured, Mend, Noise, OneFactor, Triangle


@dataclass(frozen=True)
class CovarianceModel:
    """One way in which variances and covariances are shared by profiles and phases.

    Attributes
    ----------
    name : str
        mclust's name.
    full : bool
        Whether phases covary within a profile.
    pooled_profiles : bool
        Whether all profiles share their (co)variances.
    pooled_phases : bool
        Whether all phases share one variance.
    one_factor : bool
        Whether phases covary by one common factor only.
    """

    name: str
    full: bool
    pooled_profiles: bool
    pooled_phases: bool
    one_factor: bool = False

    def n_parameters(self, k: int, p: int) -> int:
        """Count shares, means and (co)variances of k profiles on p phases.

        Examples
        --------
        >>> EEI.n_parameters(4, 5)
        28
        """
        each = p * (p + 1) // 2 if self.full else 1 if self.pooled_phases else p
        each = 2 * p if self.one_factor else each
        return (k - 1) + k * p + each * (1 if self.pooled_profiles else k)

    @property
    def components(self) -> "CovarianceModel":
        """The model itself, whose components are free; EEE for a common factor once found."""
        return EEE if self.one_factor else self

    def family(
        self, values: np.ndarray, floor: np.ndarray, noise: Noise | None = None
    ) -> "Diagonal | Full | Measured":
        """Give the family that fits it to values, n × p, with the smallest variances, p.

        With an error of measurement, `noise`, the components are those of the true scores.
        """
        if noise is None and not self.one_factor:
            return (Full if self.full else Diagonal)(values, self, floor)
        p = values.shape[1]
        noise = noise or Noise(np.zeros((1, p, p)), np.ones((len(values), p, p)))
        shape = OneFactor(floor) if self.one_factor else Triangle(floor, self._mend)
        return Measured(values, noise, shape, pooled=self.pooled_profiles)

    @property
    def _mend(self) -> Mend:
        """Give expected covariances the structure of the model."""
        if self.full:
            return _as_they_are
        return _spheres if self.pooled_phases else _diagonals

    def __str__(self) -> str:
        return self.name


EII = CovarianceModel("EII", full=False, pooled_profiles=True, pooled_phases=True)
VII = CovarianceModel("VII", full=False, pooled_profiles=False, pooled_phases=True)
EEI = CovarianceModel("EEI", full=False, pooled_profiles=True, pooled_phases=False)
VVI = CovarianceModel("VVI", full=False, pooled_profiles=False, pooled_phases=False)
EEE = CovarianceModel("EEE", full=True, pooled_profiles=True, pooled_phases=False)
VVV = CovarianceModel("VVV", full=True, pooled_profiles=False, pooled_phases=False)

EFE = CovarianceModel("EFE", full=True, pooled_profiles=True, pooled_phases=False, one_factor=True)

ALL_MODELS = (EII, VII, EEI, VVI, EEE, VVV)
"""Those of mclust."""


class Diagonal(FreeShares):
    """Normal components without covariances (EII, VII, EEI, VVI); theta = means, log variances.

    Parameters
    ----------
    values : array, n × p
        Scores, centred and on one common scale; NaN where missing.
    model : CovarianceModel
        One that is not full.
    floor : array, p
        Smallest variance allowed per phase.
    """

    def __init__(self, values: np.ndarray, model: CovarianceModel, floor: np.ndarray):
        observed = np.isfinite(values)
        filled = np.where(observed, values, 0.0)
        ones = np.ones((len(values), 1))
        statistics = np.hstack([filled**2, filled, observed, ones])
        everywhere = np.ones(values.shape[1], dtype=bool)
        self.blocks = (Block(np.arange(len(values)), statistics, everywhere),)
        self.model, self.p = model, values.shape[1]
        self.lowest = floor.mean() if model.pooled_phases else floor[:, None, None]

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Natural parameters for the statistics x², x, observed, 1."""
        means, log_variances = theta[: self.p], theta[self.p :]
        precisions = np.exp(-log_variances)
        constants = -0.5 * (precisions * means**2 + log_variances + em.LOG_2PI)
        shares = np.zeros((1, *theta.shape[1:]))
        return np.concatenate([-0.5 * precisions, precisions * means, constants, shares])

    def sums(self, sums: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of squares, of scores and of ones over what is observed, each p × k × B."""
        squares, totals, counts = sums[0][:-1].reshape(3, self.p, *sums[0].shape[1:])
        return squares, totals, np.maximum(counts, 1e-10)

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Means and pooled or separate variances, none under the floor."""
        squares, totals, counts = self.sums(sums)
        means = totals / counts
        deviations = np.maximum(squares - totals * means, 0.0)
        axes = (0,) * self.model.pooled_phases + (1,) * self.model.pooled_profiles
        variances = deviations.sum(axis=axes, keepdims=True) / counts.sum(axis=axes, keepdims=True)
        log_variances = np.log(np.maximum(variances, self.lowest))
        return np.concatenate([means, np.broadcast_to(log_variances, means.shape)])

    def at_floor(self, theta: np.ndarray) -> np.ndarray:
        """Tell per problem whether a variance lies on the floor."""
        return (np.exp(theta[self.p :]) <= self.lowest * (1 + 1e-6)).any(axis=(0, 1))

    def moments(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means k × p and covariances k × p × p of the first problem."""
        variances = np.exp(theta[self.p :, :, 0]).T
        return theta[: self.p, :, 0].T, np.einsum("kp,pq->kpq", variances, np.eye(self.p))

    def coordinates(self, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
        """Theta of given means and covariances, m × k × 1."""
        variances = np.einsum("kpp->kp", covariances)
        return np.concatenate([means.T, np.log(variances).T])[..., None]


@dataclass(frozen=True)
class Steps:
    """Profiles whose means lie on one line: steps of a ladder, with the variances of EEI.

    Where profiles differ in level only, this spares the parameters by which EEI lets them differ
    in shape, and which the line that they have to beat need not pay.
    """

    name: str = "steps"
    components: CovarianceModel = EEI

    def n_parameters(self, k: int, p: int) -> int:
        """Count shares, the line, places on it, and variances."""
        return (k - 1) + p + (k + p - 2 if k > 1 else 0) + p

    def family(self, values: np.ndarray, floor: np.ndarray) -> "DiagonalSteps":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""
        return DiagonalSteps(values, EEI, floor)


class DiagonalSteps(Diagonal):
    """Profiles on a line; theta as in `Diagonal`."""

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Free means, then the line nearest to them, then pooled variances."""
        squares, totals, counts = self.sums(sums)
        spread = np.ones((self.p, 1, 1)) if theta is None else np.exp(theta[self.p :] / 2)
        sizes = counts.mean(axis=0)
        means = totals / counts
        middle = (means * sizes).sum(axis=1, keepdims=True) / sizes.sum(axis=0)
        weighed = (means - middle) / spread * np.sqrt(sizes)
        left, length, right = np.linalg.svd(weighed.transpose(2, 0, 1), full_matrices=False)
        line = left[:, :, :1] * length[:, None, :1] @ right[:, :1]
        means = middle + line.transpose(1, 2, 0) / np.sqrt(sizes) * spread
        deviations = np.maximum(squares - 2 * means * totals + counts * means**2, 0.0)
        pooled = deviations.sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
        logs = np.log(np.maximum(pooled, self.lowest))
        return np.concatenate([means, np.broadcast_to(logs, means.shape)])


@dataclass(frozen=True)
class Concentric:
    """Clouds around one centre, the one wider than the other: units that differ in spread alone.

    So are answers of people of whom some keep to the middle of every scale and others to its ends
    (extreme response style: Greenleaf 1992, Public Opinion Quarterly 56(3), 328-351); they have no
    profiles.
    """

    components: CovarianceModel
    n_clouds: int = 2

    @property
    def name(self) -> str:
        """Name, for tables."""
        return f"{self.n_clouds} concentric clouds ({self.components})"

    def n_parameters(self, k: int, p: int) -> int:
        """Count shares, the centre, and (co)variances."""
        return self.components.n_parameters(k, p) - (k - 1) * p

    def family(
        self, values: np.ndarray, floor: np.ndarray
    ) -> "DiagonalConcentric | FullConcentric":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""
        kind = FullConcentric if self.components.full else DiagonalConcentric
        return kind(values, self.components, floor)


class DiagonalConcentric(Diagonal):
    """Profiles around one centre; theta as in `Diagonal`."""

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """The centre for the variances so far, then the variances around it."""
        squares, totals, counts = self.sums(sums)
        weights = np.ones_like(counts) if theta is None else np.exp(-theta[self.p :])
        centre = (weights * totals).sum(axis=1, keepdims=True)
        centre = centre / (weights * counts).sum(axis=1, keepdims=True)
        deviations = np.maximum(squares - 2 * centre * totals + counts * centre**2, 0.0)
        logs = np.log(np.maximum(deviations / counts, self.lowest))
        return np.concatenate([np.broadcast_to(centre, logs.shape), logs])


class Full(FreeShares):
    """Normal components with covariances (EEE, VVV); theta = means, log-Cholesky factor.

    Parameters as in `Diagonal`. One block of rows for each pattern of missing scores.
    """

    def __init__(self, values: np.ndarray, model: CovarianceModel, floor: np.ndarray):
        self.model, self.floor, self.p = model, floor, values.shape[1]
        patterns, member = np.unique(np.isfinite(values), axis=0, return_inverse=True)
        self.blocks = tuple(
            Block(rows, _products(values[np.ix_(rows, np.flatnonzero(pattern))]), pattern)
            for i, pattern in enumerate(patterns)
            for rows in [np.flatnonzero(member.ravel() == i)]
        )

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Natural parameters for the statistics x_a x_b (a ≥ b), x_a, 1 of the observed phases."""
        k, n_problems = theta.shape[1:]
        means = theta[: self.p].transpose(1, 2, 0)
        n_covariances = 1 if self.model.pooled_profiles else k
        factors = self._factors(theta[:, :n_covariances])
        if not block.observed.all():
            keep = np.flatnonzero(block.observed)
            covariances = factors @ np.swapaxes(factors, -1, -2)
            factors = np.linalg.cholesky(covariances[..., keep[:, None], keep])
            means = means[..., keep]
        whiten = np.linalg.inv(factors)
        precisions = np.swapaxes(whiten, -1, -2) @ whiten
        p = means.shape[-1]
        rows, columns, diagonal = em.triangle(p)
        quadratic = -precisions[..., rows, columns] * np.where(diagonal, 0.5, 1.0)
        linear = (precisions @ means[..., None])[..., 0]
        log_roots = np.log(np.einsum("...pp->...p", factors)).sum(axis=-1)
        constant = -0.5 * ((linear * means).sum(axis=-1) + p * em.LOG_2PI) - log_roots
        quadratic = np.broadcast_to(quadratic, (k, n_problems, len(rows)))
        stacked = np.concatenate([quadratic, linear, constant[..., None]], axis=-1)
        return np.ascontiguousarray(stacked.transpose(2, 0, 1))

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Means and pooled or separate covariances, no direction under the floor."""
        counts, totals, squares = self.complete(sums, theta)
        means = totals / counts[..., None]
        scatter = squares - totals[..., :, None] * means[..., None, :]
        if self.model.pooled_profiles:
            scatter, counts = (part.sum(axis=0, keepdims=True) for part in (scatter, counts))
        return self.theta(means, em.floored_factors(scatter / counts[..., None, None], self.floor))

    def at_floor(self, theta: np.ndarray) -> np.ndarray:
        """Tell per problem whether a direction's variance lies on the floor."""
        values = np.linalg.eigvalsh(
            self._covariances(theta) / np.sqrt(np.outer(self.floor, self.floor))
        )
        return np.asarray((values[..., 0] <= 1 + 1e-6).any(axis=0))

    def moments(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means k × p and covariances k × p × p of the first problem."""
        return theta[: self.p, :, 0].T, self._covariances(theta[..., :1])[:, 0]

    def coordinates(self, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
        """Theta of given means and covariances, m × k × 1."""
        return self.theta(means[:, None], np.linalg.cholesky(covariances)[:, None])

    def theta(self, means: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Theta of means, k × B × p, and Cholesky factors, k (or 1) × B × p × p."""
        logs = em.coordinates_of(factors)
        logs = np.broadcast_to(logs, (len(logs), *means.shape[:-1]))
        return np.concatenate([means.transpose(2, 0, 1), logs])

    def _factors(self, theta: np.ndarray) -> np.ndarray:
        """Cholesky factors, k × B × p × p."""
        return em.factors_of(theta[self.p :], self.p)

    def _covariances(self, theta: np.ndarray) -> np.ndarray:
        factors = self._factors(theta)
        return factors @ np.swapaxes(factors, -1, -2)

    def complete(
        self, sums: list[np.ndarray], theta: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Counts, k × B, sums of scores and of their products, as expected where missing."""
        parts = [self._completed(*pair, theta) for pair in zip(self.blocks, sums, strict=True)]
        counts, totals, squares = (np.sum(part, axis=0) for part in zip(*parts, strict=True))
        return np.maximum(counts, 1e-10), totals, squares

    def _completed(
        self, block: Block, total: np.ndarray, theta: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sum counts, scores and products over all phases, the missing ones as expected."""
        seen = np.flatnonzero(block.observed)
        total = total.transpose(1, 2, 0)
        rows, columns, _ = em.triangle(len(seen))
        squares = np.zeros((*total.shape[:-1], len(seen), len(seen)))
        squares[..., rows, columns] = squares[..., columns, rows] = total[..., : len(rows)]
        first, count = total[..., len(rows) : -1], total[..., -1]
        if block.observed.all():
            return count, first, squares
        shift, slope, spread = self._regression(block, theta, total.shape[:-1])
        image = (slope @ first[..., None])[..., 0]
        cross = shift[..., :, None] * image[..., None, :]
        second = (
            slope @ squares @ np.swapaxes(slope, -1, -2)
            + cross
            + np.swapaxes(cross, -1, -2)
            + count[..., None, None] * (shift[..., :, None] * shift[..., None, :] + spread)
        )
        return count, count[..., None] * shift + image, second

    def _regression(
        self, block: Block, theta: np.ndarray | None, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All phases on the observed ones: intercept, slope, residual covariance."""
        if theta is None:
            theta = np.zeros((self.p + self.p * (self.p + 1) // 2, *shape))
        seen = np.flatnonzero(block.observed)
        means, covariances = theta[: self.p].transpose(1, 2, 0), self._covariances(theta)
        within = covariances[..., seen[:, None], seen]
        slope = np.swapaxes(np.linalg.solve(within, covariances[..., seen, :]), -1, -2)
        slope[..., seen, :] = np.eye(len(seen))
        shift = means - (slope @ means[..., seen, None])[..., 0]
        spread = covariances - slope @ covariances[..., seen, :]
        spread[..., seen, :] = 0.0
        spread[..., :, seen] = 0.0
        return shift, slope, spread


class FullConcentric(Full):
    """Profiles around one centre; theta as in `Full`."""

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """The centre for the covariances so far, then the covariances around it."""
        counts, totals, squares = self.complete(sums, theta)
        weights = np.eye(self.p) if theta is None else np.linalg.inv(self._covariances(theta))
        left = (counts[..., None, None] * weights).sum(axis=0)
        right = (weights @ totals[..., None]).sum(axis=0)
        centre = np.linalg.solve(left, right)[..., 0]
        cross = totals[..., :, None] * centre[:, None, :]
        scatter = squares - cross - np.swapaxes(cross, -1, -2)
        scatter += counts[..., None, None] * (centre[:, :, None] * centre[:, None, :])
        covariances = scatter / counts[..., None, None]
        return self.theta(
            np.broadcast_to(centre, totals.shape), em.floored_factors(covariances, self.floor)
        )


def _products(values: np.ndarray) -> np.ndarray:
    """Statistics x_a x_b (a ≥ b), x_a, 1 of complete rows."""
    rows, columns, _ = em.triangle(values.shape[1])
    return np.hstack([values[:, rows] * values[:, columns], values, np.ones((len(values), 1))])


def _as_they_are(covariances: np.ndarray) -> np.ndarray:
    """No structure."""
    return covariances


def _diagonals(covariances: np.ndarray) -> np.ndarray:
    """Variances alone."""
    return covariances * np.eye(covariances.shape[-1])


def _spheres(covariances: np.ndarray) -> np.ndarray:
    """The mean variance for every phase."""
    p = covariances.shape[-1]
    means = np.einsum("...pp->...", covariances) / p
    return means[..., None, None] * np.eye(p)
