"""Normal components of true scores, which are seen with an error of which the covariance is known.

A row is its true score plus an error: x ~ Σ π_k N(μ_k, S_k + E), with E = W / n for a unit with n
respondents. The components describe the true scores, so that units of which little is known do not
widen them (extreme deconvolution, Bovy, Hogg & Roweis 2011). In a maximisation the means follow
with only the profiles unknown, then the covariances with the true scores unknown as well (Meng &
van Dyk 1997: with the true scores unknown in both, means stall). Rows with the same error and the
same missing scores share one inverse. W = 0 is the mixture without error, by the same numbers.

Problems of a batch may have an error of their own (a bootstrap of respondents), or data of their
own (surveys drawn under a hypothesis).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from cycle_analysis.mixtures import em
from cycle_analysis.mixtures.em import Block, FreeShares

ROWS_TOGETHER = 2 ** np.arange(12)
"""Rows of one group that may be taken in one matrix product; a group that has less is filled up."""
PRODUCT = 3
"""What one product costs more, in rows."""
INITIAL_SHARE = 0.1
"""Part of a variance within profiles that a start keeps at least when error is taken off."""
FACTOR_STEPS = 4
"""EM steps of the one-factor model in one maximisation, from the factor found before."""


@dataclass(frozen=True, eq=False)
class Noise:
    """The error covariance of every row: W, phase by phase, times a factor that is 1 / n.

    Attributes
    ----------
    within : array, 1 × p × p or B × p × p
        W, for all problems or for each.
    factors : array, n × p × p
        What W is multiplied by; 1 / n for a row that is the mean of n respondents.
    """

    within: np.ndarray
    factors: np.ndarray

    def scaled(self, scale: float) -> "Noise":
        """Give the error of values divided by `scale`."""
        return replace(self, within=self.within / scale**2)

    def take(self, rows: np.ndarray) -> "Noise":
        """Keep these rows."""
        return replace(self, factors=self.factors[rows])


Parts = list[np.ndarray]
"""Something for squares (a × B × …), values (k × B × …) and ones (k × B × …), apart: what is alike
for all components that share a covariance is handled once."""


@dataclass(frozen=True, eq=False)
class GroupedBlock(Block):
    """Rows in groups that share error and missing scores, laid out in bundles of equal length.

    Attributes
    ----------
    rows : array, c × m
        Positions of the rows in the data, bundle by bundle; filled up with 0.
    statistics : array, A × c × m × (q + p + 1)
        Squares and products, values, and 1; 0 where filled up. A is 1, or B when problems have
        data of their own.
    observed : array, G × p
        Which variables are observed in each group.
    real : array of bool, c × m
        Which rows are no filling.
    group : array, c
        Group of each bundle, in rising order.
    pooled : bool
        Whether all components share their covariances.
    """

    real: np.ndarray
    group: np.ndarray
    pooled: bool

    def parts(self, n_columns: int) -> Iterator[slice]:
        """Take all rows at once: who has many problems takes them in batches."""
        yield slice(None)

    def places(self, part: slice) -> np.ndarray:
        """Positions, in the data, of the rows, in the order of `joint`."""
        return self.rows.ravel()[self.real.ravel()]

    def weigh(self, weights: np.ndarray, part: slice) -> np.ndarray:
        """Case weights, 1 × n or B × n."""
        return weights[self.places(part)].T

    def joint(self, natural: Parts, part: slice) -> np.ndarray:
        """Joint log densities, k × B × n."""
        squares, values, constants = natural
        n_squares = len(squares)
        if self.pooled:
            found = self._times(np.concatenate([values, constants[None]]), slice(n_squares, None))
            found += self._times(squares, slice(n_squares))
        else:
            found = self._times(np.concatenate([*natural[:2], constants[None]]), slice(None))
        found = found.reshape(*found.shape[:2], -1)
        return found if self.full else found[..., self.real.ravel()]

    def collect(self, joint: np.ndarray, part: slice) -> Parts:
        """Sum the statistics of each group by responsibilities, each … × B × G × q."""
        if not self.full:
            filled = np.zeros((*joint.shape[:2], self.real.size))
            filled[..., self.real.ravel()] = joint
            joint = filled
        n_squares = self.statistics.shape[-1] - self.observed.shape[1] - 1
        if self.pooled:
            first = self._sum(joint, slice(n_squares, None))
            squares = self._sum(joint.sum(axis=0, keepdims=True), slice(n_squares))
            return [squares, first[..., :-1], first[..., -1]]
        found = self._sum(joint, slice(None))
        return [found[..., :n_squares], found[..., n_squares:-1], found[..., -1]]

    @cached_property
    def full(self) -> bool:
        """Whether no bundle is filled up."""
        return bool(self.real.all())

    def total(self, members: np.ndarray) -> Parts:
        """Sum the statistics of each group by memberships, n × k × B."""
        return self.collect(np.moveaxis(members[self.places(slice(None))], 0, -1), slice(None))

    def gather(self, collected: list[Parts], k: int) -> Parts:
        """Give what `collect` gave: there is one part."""
        return collected[0]

    def _times(self, natural: np.ndarray, which: slice) -> np.ndarray:
        """Multiply natural parameters, q × k × B × G, with statistics: k × B × c × m."""
        q, k, n_problems, _ = natural.shape
        statistics = np.swapaxes(self.statistics[..., which], -1, -2)  # A, c, q, m
        if len(statistics) == 1:
            flat = natural.reshape(q, -1, natural.shape[-1])[..., self.group]
            found = flat.transpose(2, 1, 0) @ statistics[0]  # c, k B, m
            return found.swapaxes(0, 1).reshape(k, n_problems, len(self.rows), -1)
        turned = natural[..., self.group].transpose(2, 3, 1, 0)  # B, c, k, q
        return (turned @ statistics).transpose(2, 0, 1, 3)

    def _sum(self, members: np.ndarray, which: slice) -> np.ndarray:
        """Sum statistics by memberships, k × B × (c m): k × B × G × q."""
        k, n_problems, _ = members.shape
        bundles = members.reshape(k, n_problems, *self.rows.shape)
        statistics = self.statistics[..., which]
        starts = np.flatnonzero(np.r_[True, self.group[1:] != self.group[:-1]])
        if len(statistics) == 1:
            flat = bundles.reshape(-1, *self.rows.shape).swapaxes(0, 1)  # c, k B, m
            found = flat @ statistics[0]
            if len(starts) < len(found):
                found = np.add.reduceat(found, starts)
            return found.swapaxes(0, 1).reshape(k, n_problems, len(starts), -1)
        found = bundles.transpose(1, 2, 0, 3) @ statistics  # B, c, k, q
        if len(starts) < len(self.rows):
            found = np.add.reduceat(found, starts, axis=1)
        return found.transpose(2, 0, 1, 3)


Mend = Callable[[np.ndarray], np.ndarray]
"""Gives expected covariances, k × B × p × p, their structure."""


class Shape(Protocol):
    """How the covariance of true scores is written in unconstrained coordinates."""

    @property
    def floor(self) -> np.ndarray:
        """Smallest variances, p."""

    def covariances(self, coordinates: np.ndarray) -> np.ndarray:
        """Covariances, k × B × p × p, of coordinates t × k × B."""

    def coordinates(self, covariances: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """Coordinates, t × k × B, that fit expected covariances best, or better than `before`."""


@dataclass(frozen=True, eq=False)
class Triangle:
    """A covariance by its log-Cholesky factor, after `mend` has given it its structure.

    Attributes
    ----------
    floor : array, p
        Smallest variances.
    mend : function of covariances, k × B × p × p
        The nearest covariances of the structure.
    """

    floor: np.ndarray
    mend: Mend

    def covariances(self, coordinates: np.ndarray) -> np.ndarray:
        """Covariances, k × B × p × p."""
        factors = em.factors_of(coordinates, len(self.floor))
        return factors @ np.swapaxes(factors, -1, -2)

    def coordinates(self, covariances: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """Coordinates, t × k × B."""
        return em.coordinates_of(em.floored_factors(self.mend(covariances), self.floor))


@dataclass(frozen=True, eq=False)
class OneFactor:
    """Covariances l l' + ψ: phases go together by one common factor (EFE).

    Attributes
    ----------
    floor : array, p
        Smallest variances apart from the factor.

    References
    ----------
    Rubin & Thayer (1982), Psychometrika 47(1), 69-76.
    """

    floor: np.ndarray

    def covariances(self, coordinates: np.ndarray) -> np.ndarray:
        """Covariances, k × B × p × p, of the loadings and the logarithms of ψ."""
        loadings, own = self._parts(coordinates)
        return loadings[..., :, None] * loadings[..., None, :] + own[..., None] * np.eye(
            len(self.floor)
        )

    def coordinates(self, covariances: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """Loadings and log ψ after some EM steps from those before."""
        diagonal = np.einsum("...pp->...p", covariances)
        if before is None:
            values, vectors = np.linalg.eigh(covariances)
            loadings = vectors[..., -1] * np.sqrt(0.7 * values[..., -1:])
            own = np.maximum(diagonal - loadings**2, 0.1 * diagonal)
        else:
            loadings, own = self._parts(before)
        for _ in range(FACTOR_STEPS):
            slope = loadings / own
            slope = slope / (1 + (loadings * slope).sum(axis=-1, keepdims=True))
            image = (covariances @ slope[..., None])[..., 0]
            left = 1 - (slope * loadings).sum(axis=-1, keepdims=True)
            loadings = image / (left + (slope * image).sum(axis=-1, keepdims=True))
            own = np.maximum(diagonal - loadings * image, self.floor)
        return np.moveaxis(np.concatenate([loadings, np.log(own)], axis=-1), -1, 0)

    def _parts(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        loadings, own = np.split(np.moveaxis(coordinates, 0, -1), 2, axis=-1)
        return loadings, np.exp(own)


class Measured(FreeShares):
    """Normal components of true scores; theta = means and the coordinates of a `Shape`.

    Parameters
    ----------
    values : array, n × p or B × n × p
        Scores, centred and on one common scale; NaN where missing, in the same places in all
        problems.
    noise : Noise
        Their error, on the same scale.
    shape : Shape
        How true scores vary around the means.
    pooled : bool
        Whether all components share their covariances.
    """

    def __init__(self, values: np.ndarray, noise: Noise, shape: Shape, *, pooled: bool):
        values = values if values.ndim == 3 else values[None]
        self.shape, self.pooled, self.p = shape, pooled, values.shape[-1]
        seen = np.isfinite(values[0])
        key = np.hstack([seen, noise.factors.reshape(len(seen), -1)])
        _, first, member = np.unique(key, axis=0, return_index=True, return_inverse=True)
        self.within, self.factors, self.seen = noise.within, noise.factors[first], seen[first]
        self.rows, self.columns = np.tril_indices(self.p)
        self.blocks = (self._bundled(np.nan_to_num(values), member.ravel()),)
        self._last: tuple[np.ndarray | None, tuple[np.ndarray, np.ndarray]] = None, (seen, seen)

    def take(self, problems: np.ndarray) -> Self:
        """Keep the data and the errors of these problems."""
        if len(self.within) == 1 and len(self.blocks[0].statistics) == 1:
            return self
        kept = object.__new__(type(self))
        vars(kept).update(vars(self))
        if len(self.within) > 1:
            kept.within = self.within[problems]
        if len(self.blocks[0].statistics) > 1:
            statistics = self.blocks[0].statistics[problems]
            kept.blocks = (replace(self.blocks[0], statistics=statistics),)
        return kept

    def natural(self, theta: np.ndarray, block: Block) -> Parts:
        """Natural parameters for x_a x_b (a ≥ b), x_a, 1: q × a, p × k, k, each × B × G."""
        means = self._by_covariance(theta[: self.p].transpose(1, 2, 0))  # a, j, B, p
        precisions, log_determinants = self._precisions(theta)  # a, B, G, p, p
        a, n_problems, n_groups = precisions.shape[:3]
        flat = precisions.swapaxes(2, 3).reshape(a, n_problems, self.p, -1)
        linear = (means.swapaxes(1, 2) @ flat).reshape(a, n_problems, -1, n_groups, self.p)
        linear = linear.swapaxes(1, 2)  # a, j, B, G, p
        constant = (linear @ means[..., None])[..., 0] + log_determinants[:, None]
        constant = -0.5 * (constant + self.seen.sum(axis=1) * em.LOG_2PI)
        double = np.where(self.rows == self.columns, 0.5, 1.0)
        quadratic = -precisions[..., self.rows, self.columns] * double
        linear = linear.reshape(-1, *linear.shape[2:])
        return [
            quadratic.transpose(3, 0, 1, 2),
            linear.transpose(3, 0, 1, 2),
            constant.reshape(linear.shape[:-1]),
        ]

    def maximise(self, sums: list[Parts], theta: np.ndarray | None) -> np.ndarray:
        """Means by generalised least squares, then covariances of the true scores."""
        products, values, ones = sums[0]
        counts = self._by_covariance(np.maximum(ones, 1e-12))  # a, j, B, G
        totals = self._by_covariance(values)
        squares = np.empty((*products.shape[:-1], self.p, self.p))  # a, B, G, p, p
        squares[..., self.rows, self.columns] = products
        squares[..., self.columns, self.rows] = products
        if theta is None:
            return self._start(counts, totals, squares)
        precisions, _ = self._precisions(theta)
        means = self._means(*self._normal_equations(counts, totals, precisions))
        spread = self._spread(counts, totals, squares, means)
        n_rows = counts.sum(axis=(1, 3))[..., None, None]
        n_group = counts.sum(axis=1)[..., None, None]
        gain = (precisions @ (spread @ precisions - n_group * np.eye(self.p))).sum(axis=2)
        before = theta[self.p :, :: len(theta[0]) // len(counts)]
        now = self.shape.covariances(before)
        expected = now + now @ gain @ now / n_rows
        return self._theta(means, self.shape.coordinates(expected, before))

    def moments(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means k × p and covariances of the true scores, k × p × p, of the first problem."""
        return theta[: self.p, :, 0].T, self.shape.covariances(theta[self.p :, :, :1])[:, 0]

    def at_floor(self, theta: np.ndarray) -> np.ndarray:
        """Tell per problem whether a direction's variance lies on the floor."""
        scale = np.sqrt(np.outer(self.shape.floor, self.shape.floor))
        values = np.linalg.eigvalsh(np.asarray(self.shape.covariances(theta[self.p :]) / scale))
        return np.asarray((values[..., 0] <= 1 + 1e-6).any(axis=0))

    def coordinates(self, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
        """Theta of given means and covariances, m × k × 1."""
        first = covariances[:1] if self.pooled else covariances
        return self._theta(means[:, None][None], self.shape.coordinates(first[:, None], None))

    def _by_covariance(self, table: np.ndarray) -> np.ndarray:
        """Split the axis of components, k, in those with a covariance of their own: a × j."""
        k = len(table)
        return table.reshape(1 if self.pooled else k, k if self.pooled else 1, *table.shape[1:])

    def _theta(self, means: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Theta of means, a × j × B × p, and coordinates of covariances, t × a × B."""
        flat = means.reshape(-1, *means.shape[2:])
        repeated = np.repeat(coordinates, len(flat) // coordinates.shape[1], axis=1)
        return np.concatenate([np.moveaxis(flat, -1, 0), repeated])

    def _precisions(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inverse covariance of what is seen, a × B × G × p × p, 0 where missing; log determinant.

        What was found last is kept: an EM step asks twice, for densities and to maximise.
        """
        if self._last[0] is theta:
            return self._last[1]
        covariances = self.shape.covariances(
            theta[self.p :, :1] if self.pooled else theta[self.p :]
        )
        total = covariances[:, :, None] + self.within[:, None] * self.factors
        both = self.seen[:, :, None] & self.seen[:, None, :]
        if not both.all():
            total = np.where(both, total, np.eye(self.p))
        factors = np.linalg.cholesky(total)
        log_determinants = 2 * np.log(np.einsum("...pp->...p", factors)).sum(axis=-1)
        inverse = np.linalg.inv(total)
        inverse = inverse if both.all() else np.where(both, inverse, 0.0)
        self._last = theta, (inverse, log_determinants)
        return self._last[1]

    def _normal_equations(
        self, counts: np.ndarray, totals: np.ndarray, precisions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Left (a × j × B × p × p) and right (a × j × B × p) side for each component's mean."""
        a, n_problems, n_groups = precisions.shape[:3]
        flat = precisions.reshape(a, n_problems, n_groups, -1)
        left = counts.swapaxes(1, 2) @ flat  # a, B, j, p p
        stacked = precisions.reshape(a, n_problems, n_groups * self.p, self.p)
        right = totals.swapaxes(1, 2).reshape(a, n_problems, -1, n_groups * self.p) @ stacked
        left = left.reshape(*left.shape[:-1], self.p, self.p)
        return left.swapaxes(1, 2), right.swapaxes(1, 2)

    def _means(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Means, a × j × B × p, each free."""
        ridge = 1e-12 * np.eye(self.p)
        return np.linalg.solve(left + ridge, right[..., None])[..., 0]

    def _spread(
        self, counts: np.ndarray, totals: np.ndarray, squares: np.ndarray, means: np.ndarray
    ) -> np.ndarray:
        """Scatter of each group around the means, a × B × G × p × p."""
        columns = means.swapaxes(1, 2)  # a, B, j, p
        shape = squares.shape
        rows = np.moveaxis(totals, 1, -1).reshape(*shape[:2], -1, columns.shape[2])
        cross = (rows @ columns).reshape(shape)
        outer = columns[..., :, None] * columns[..., None, :]
        around = np.moveaxis(counts, 1, -1) @ outer.reshape(*columns.shape[:3], -1)
        return squares - cross - np.swapaxes(cross, -1, -2) + around.reshape(shape)

    def _start(self, counts: np.ndarray, totals: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Means and covariances of what is seen, less the average error."""
        n_seen = np.maximum((counts[..., None] * self.seen).sum(axis=-2), 1e-12)
        means = totals.sum(axis=-2) / n_seen  # a, j, B, p
        both = self.seen[:, :, None] & self.seen[:, None, :]
        spread = np.where(both, self._spread(counts, totals, squares, means), 0.0).sum(axis=2)
        n_group = counts.sum(axis=1)[..., None, None]
        error = (n_group * both * self.within[:, None] * self.factors).sum(axis=2)
        n_both = np.maximum((n_group * both).sum(axis=2), 1e-12)
        left = (spread - error) / n_both
        least = INITIAL_SHARE * np.einsum("...pp->...p", spread / n_both)
        values, vectors = np.linalg.eigh((left + np.swapaxes(left, -1, -2)) / 2)
        values = np.maximum(values, least.min(axis=-1, keepdims=True))
        left = (vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
        return self._theta(means, self.shape.coordinates(left, None))

    def _bundled(self, values: np.ndarray, member: np.ndarray) -> GroupedBlock:
        """Lay rows out in bundles of one group each."""
        order = np.argsort(member, kind="stable")
        sizes = np.bincount(member)
        lengths = np.append(ROWS_TOGETHER, sizes.max())
        costs = -(-sizes[:, None] // lengths) * (lengths + PRODUCT)
        length = int(lengths[costs.sum(axis=0).argmin()])
        n_bundles = -(-sizes // length)
        group = np.repeat(np.arange(len(sizes)), n_bundles)
        start = np.repeat(np.cumsum(n_bundles) - n_bundles, sizes) * length
        place = start + np.arange(len(member)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = np.zeros(len(group) * length, dtype=int)
        real = np.zeros(len(rows), dtype=bool)
        rows[place], real[place] = order, True
        q = len(self.rows)
        statistics = np.empty((len(values), len(rows), q + self.p + 1))
        x = statistics[..., q:-1]
        np.multiply(values[:, rows], real[:, None], out=x)
        np.multiply(x[..., self.rows], x[..., self.columns], out=statistics[..., :q])
        statistics[..., -1] = real
        cut = (len(group), length)
        return GroupedBlock(
            rows.reshape(cut),
            statistics.reshape(len(values), *cut, -1),
            self.seen,
            real.reshape(cut),
            group,
            self.pooled,
        )
