"""Fit many mixtures of one family at once by EM.

Every start (and, through case weights, every bootstrap replicate) is a *problem*: one column of a
matrix product. With sufficient statistics ``T`` (n rows × q) and natural parameters
(q × k profiles × B problems) one EM step is ``T @ natural``, a log-sum-exp over the profiles, and
``T.T @ responsibilities`` (Dempster, Laird & Rubin 1977). SQUAREM (Varadhan & Roland 2008, scheme
S3) extrapolates two steps; a problem whose log-likelihood would fall keeps its plain EM step, so
the log-likelihood never decreases. Problems that have converged leave the batch.

Covariances climb in unconstrained coordinates: Cholesky factors, the diagonal by its logarithm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Protocol, Self

import numpy as np

LOG_SHARE_FLOOR = -30.0
"""Smallest log share of a profile: an emptied profile stays finite, and is flagged later."""
CHUNK_CELLS = 2**18
"""Rows are taken in chunks of about this many responsibilities (2 MB), so memory stays flat."""
Numbers = Any
"""An array, or a list of arrays in families that handle parts of it apart; the last is for ones."""
LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Block:
    """Rows that share one form of sufficient statistics.

    Attributes
    ----------
    rows : array, n_b
        Positions of the rows in the data.
    statistics : array, n_b × q
        Sufficient statistics; the last column is 1.
    observed : array, p
        Which variables are observed in these rows (all, for families that need no patterns).
    """

    rows: np.ndarray
    statistics: np.ndarray
    observed: np.ndarray

    @cached_property
    def transposed(self) -> np.ndarray:
        """The statistics as q × n_b, laid out row by row."""
        return np.ascontiguousarray(self.statistics.T)

    def parts(self, n_columns: int) -> Iterator[slice]:
        """Take the rows in chunks, so that memory stays flat."""
        step = max(256, CHUNK_CELLS // n_columns)
        for start in range(0, len(self.rows), step):
            yield slice(start, start + step)

    def places(self, part: slice) -> np.ndarray:
        """Positions, in the data, of the rows of a chunk."""
        return self.rows[part]

    def weigh(self, weights: np.ndarray, part: slice) -> np.ndarray:
        """Case weights of the rows of a chunk, 1 × m or B × m."""
        return weights[self.rows[part]].T

    def joint(self, natural: Numbers, part: slice) -> np.ndarray:
        """Joint log densities, k × B × m, for natural parameters q × k × B."""
        flat = natural.reshape(len(natural), -1).T
        return (flat @ self.transposed[:, part]).reshape(*natural.shape[1:], -1)

    def collect(self, joint: np.ndarray, part: slice) -> Numbers:
        """Sum the statistics by responsibilities, k × B × m: (k B) × q."""
        return joint.reshape(-1, joint.shape[-1]) @ self.statistics[part]

    def total(self, members: np.ndarray) -> Numbers:
        """Sum the statistics of all rows by memberships, n × k × B: q × k × B."""
        own = members[self.rows]
        return (self.statistics.T @ own.reshape(len(own), -1)).reshape(-1, *own.shape[1:])

    def gather(self, collected: list[Numbers], k: int) -> Numbers:
        """Add up what `collect` gave for the chunks: q × k × B."""
        total = np.asarray(sum(collected[1:], start=collected[0]))
        return np.ascontiguousarray(total.T).reshape(total.shape[1], k, -1)


class Family(Protocol):
    """A family of component distributions, in the form the engine needs.

    Parameters of a problem are an array `theta` (m × k × B) in unconstrained coordinates, so that
    extrapolation cannot leave the parameter space.
    """

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The data as sufficient statistics."""

    def natural(self, theta: np.ndarray, block: Any) -> Numbers:
        """Natural parameters, q × k × B, for the statistics of `block`, log shares left 0."""

    def maximise(self, sums: list[Any], theta: np.ndarray | None) -> np.ndarray:
        """Give the theta that maximises the expected log-likelihood for the summed statistics."""

    def log_shares(self, counts: np.ndarray) -> np.ndarray:
        """Give the log shares, k × B, that go with expected counts, k × B."""

    def settle(self, theta: np.ndarray) -> np.ndarray:
        """Mend what an extrapolation may have put out of order."""

    def take(self, problems: np.ndarray) -> Self:
        """Keep what belongs to these problems, if problems have data of their own."""


@dataclass(frozen=True, eq=False)
class Batch:
    """The state of B problems.

    Attributes
    ----------
    theta : array, m × k × B
        Component parameters.
    log_shares : array, k × B
        Logarithm of the profile shares.
    log_likelihood : array, B
        Weighted log-likelihood at these parameters.
    converged : array of bool, B
        Whether the gain per cycle fell under the tolerance.
    n_steps : array of int, B
        EM steps taken.
    """

    theta: np.ndarray
    log_shares: np.ndarray
    log_likelihood: np.ndarray
    converged: np.ndarray
    n_steps: np.ndarray

    def take(self, problems: np.ndarray) -> "Batch":
        """Keep the problems named by position or mask."""
        return Batch(*(part[..., problems] for part in vars(self).values()))


class FreeShares:
    """A family of any shares and any theta, whose problems share their data."""

    def take(self, problems: np.ndarray) -> Self:
        """Give itself: all problems have the same data."""
        return self

    def log_shares(self, counts: np.ndarray) -> np.ndarray:
        """Give the logarithms of the shares that the counts have."""
        # A floor before the logarithm: an emptied profile has no logarithm
        return np.log(np.maximum(counts / counts.sum(axis=0), np.exp(LOG_SHARE_FLOOR)))

    def settle(self, theta: np.ndarray) -> np.ndarray:
        """Leave theta as it is: every value is possible."""
        return theta


def fixed(theta: np.ndarray, shares: np.ndarray) -> Batch:
    """Set known parameters as a batch of one problem, a share of 0 with a logarithm.

    Parameters
    ----------
    theta : array, m × k × 1
    shares : array, k
    """
    log_shares = np.log(np.maximum(shares, 1e-13))[:, None]
    none = np.zeros(1)
    return Batch(theta, log_shares, none, none.astype(bool), none)


def begun(theta: np.ndarray, log_shares: np.ndarray) -> Batch:
    """Set parameters to climb from, m × k × B and k × B: nothing is known of them yet."""
    n_problems = log_shares.shape[1]
    none = np.zeros(n_problems, dtype=int)
    return Batch(theta, log_shares, np.full(n_problems, -np.inf), none.astype(bool), none)


def joined(batches: Sequence[Batch]) -> Batch:
    """Set batches of one family side by side."""
    parts = zip(*(vars(batch).values() for batch in batches), strict=True)
    return Batch(*(np.concatenate(part, axis=-1) for part in parts))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def from_responsibilities(
    family: Family, responsibilities: np.ndarray, weights: np.ndarray
) -> Batch:
    """Start from memberships, n × k × B, by one maximisation step."""
    members = responsibilities * weights[:, None, :]
    sums = [block.total(members) for block in family.blocks]
    return begun(family.maximise(sums, None), family.log_shares(_counts(sums)))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def climb(
    family: Family,
    batch: Batch,
    weights: np.ndarray,
    *,
    max_steps: int = 2000,
    tolerance: float = 1e-9,
) -> Batch:
    """Raise the log-likelihood of every problem until it has converged.

    Parameters
    ----------
    family : Family
        The data and the component distribution.
    batch : Batch
        Where to start.
    weights : array, n × 1 or n × B
        Case weights; one column per problem carries the bootstrap.
    max_steps : int
        EM steps after which a problem stops unconverged.
    tolerance : float
        A problem has converged when a cycle of three EM steps raises its log-likelihood per unit
        of weight by less than this.

    Returns
    -------
    Batch
        All problems, in the order they came, with the log-likelihood at the final parameters.
    """
    n_problems = batch.log_likelihood.size
    active = np.arange(n_problems)
    finished: list[tuple[np.ndarray, Batch]] = []
    reach = np.ones(n_problems)
    gain_needed = tolerance * np.broadcast_to(weights.sum(axis=0), n_problems)
    while active.size:
        columns = weights if weights.shape[1] == 1 else weights[:, active]
        before = batch.log_likelihood
        batch, reach = _cycle(family, batch, columns, reach)
        small = np.abs(batch.log_likelihood - before) < gain_needed[active]
        stop = small | (batch.n_steps >= max_steps)
        if stop.any():
            batch = replace(batch, converged=small)
            finished.append((active[stop], batch.take(stop)))
            active, batch, reach = active[~stop], batch.take(~stop), reach[~stop]
            family = family.take(~stop)
    back = np.argsort(np.concatenate([problems for problems, _ in finished]))
    return joined([batch for _, batch in finished]).take(back)


def memberships(family: Family, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Give each row's membership probabilities, n × k, and log density, n, of the first problem."""
    n = sum(len(block.places(slice(None))) for block in family.blocks)
    first = batch.take(np.array([0]))
    probabilities, densities = np.empty((n, len(batch.log_shares))), np.empty(n)
    for block in family.blocks:
        natural = _natural(family, first.theta, first.log_shares, block)
        for part in block.parts(len(first.log_shares)):
            joint = block.joint(natural, part)[:, 0]
            densities[block.places(part)] = _normalise(joint, np.ones(1))
            probabilities[block.places(part)] = joint.T
    return probabilities, densities


def log_joint(family: Family, batch: Batch) -> np.ndarray:
    """Give the joint log density of each row and profile in every problem, k × B × n."""
    k, n_problems = batch.log_shares.shape
    n = sum(len(block.places(slice(None))) for block in family.blocks)
    result = np.empty((k, n_problems, n))
    for block in family.blocks:
        natural = _natural(family, batch.theta, batch.log_shares, block)
        for part in block.parts(k * n_problems):
            result[..., block.places(part)] = block.joint(natural, part)
    return result


def factors_of(coordinates: np.ndarray, p: int) -> np.ndarray:
    """Cholesky factors, k × B × p × p, of log-Cholesky coordinates, t × k × B."""
    rows, columns, diagonal = triangle(p)
    factors = np.zeros((*coordinates.shape[1:], p, p))
    logs = coordinates.transpose(1, 2, 0).copy()
    logs[..., diagonal] = np.exp(logs[..., diagonal])
    factors[..., rows, columns] = logs
    return factors


def coordinates_of(factors: np.ndarray) -> np.ndarray:
    """Log-Cholesky coordinates, t × k × B, of Cholesky factors, k × B × p × p."""
    rows, columns, diagonal = triangle(factors.shape[-1])
    logs = factors[..., rows, columns]
    logs[..., diagonal] = np.log(logs[..., diagonal])
    return np.ascontiguousarray(logs.transpose(2, 0, 1))


@cache
def triangle(p: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of a lower triangle, and which are its diagonal: asked at every step."""
    rows, columns = np.tril_indices(p)
    return rows, columns, rows == columns


def floored_factors(covariances: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Cholesky factors of the covariances with eigenvalues (in floor units) of at least 1."""
    scale = np.sqrt(np.outer(floor, floor))
    try:
        np.linalg.cholesky(covariances - np.diag(floor))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariances / scale)
        values = np.maximum(values, 1.0)
        covariances = scale * (vectors * values[..., None, :] @ np.swapaxes(vectors, -1, -2))
    return np.linalg.cholesky(covariances)


def _cycle(
    family: Family, batch: Batch, weights: np.ndarray, reach: np.ndarray
) -> tuple[Batch, np.ndarray]:
    """Two EM steps, an extrapolation, and an EM step from there if it does no harm."""
    first, _ = _step(family, batch.theta, batch.log_shares, weights)
    second, at_first = _step(family, *first, weights)
    (theta, shares), length = _extrapolate((batch.theta, batch.log_shares), first, second, reach)
    ahead = family.settle(theta), shares
    third, at_ahead = _step(family, *ahead, weights)
    better = at_ahead >= at_first
    theta = np.where(better, third[0], second[0])
    log_shares = np.where(better, third[1], second[1])
    reach = np.where(better & (length >= reach), 4 * reach, reach)
    reach = np.where(better, reach, np.maximum(1.0, length / 4))
    # The likelihood reported belongs to the point before the last step: a lower bound of this one
    known = np.where(better, at_ahead, at_first)
    return Batch(theta, log_shares, known, batch.converged, batch.n_steps + 3), reach


def _extrapolate(
    start: tuple[np.ndarray, np.ndarray],
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    reach: np.ndarray,
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """SQUAREM's squared extrapolation, step length S3, at most `reach`, one per problem."""
    change = [b - a for a, b in zip(start, first, strict=True)]
    bend = [c - b - d for b, c, d in zip(first, second, change, strict=True)]
    length = np.sqrt(_squared(change) / np.maximum(_squared(bend), 1e-300))
    length = np.fmin(np.fmax(length, 1.0), reach)
    theta, log_shares = (
        a + 2 * length * d + length**2 * v for a, d, v in zip(start, change, bend, strict=True)
    )
    # In logarithms 5 is a factor of 150: nothing further is worth trying, and it could overflow
    theta = np.minimum(np.maximum(theta, second[0] - 5.0), second[0] + 5.0)
    log_shares = np.minimum(np.maximum(log_shares, second[1] - 5.0), second[1] + 5.0)
    log_shares = np.maximum(log_shares, LOG_SHARE_FLOOR)
    return (theta, log_shares - np.log(np.exp(log_shares).sum(axis=0))), length


def _squared(arrays: list[np.ndarray]) -> np.ndarray:
    """Squared length of the joined arrays, one per problem."""
    return sum((a * a).reshape(-1, a.shape[-1]).sum(axis=0) for a in arrays)


def _step(
    family: Family, theta: np.ndarray, log_shares: np.ndarray, weights: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """One EM step: new parameters, and the log-likelihood at the old ones.

    Responsibilities lie as k × B × n: what is done profile by profile then runs over whole rows.
    """
    k, n_problems = log_shares.shape
    log_likelihood = np.zeros(n_problems)
    sums = []
    for block in family.blocks:
        natural = _natural(family, theta, log_shares, block)
        collected = []
        for part in block.parts(k * n_problems):
            case_weights = block.weigh(weights, part)
            joint = block.joint(natural, part)
            log_likelihood += (case_weights * _normalise(joint, case_weights)).sum(axis=1)
            collected.append(block.collect(joint, part))
        sums.append(block.gather(collected, k))
    return (family.maximise(sums, theta), family.log_shares(_counts(sums))), log_likelihood


def _normalise(joint: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Turn joint log densities into weighted responsibilities in place; give log densities."""
    top = joint.max(axis=0)
    np.subtract(joint, top, out=joint)
    np.exp(joint, out=joint)
    total = joint.sum(axis=0)
    joint *= weights / total
    return np.log(total) + top


def _natural(family: Family, theta: np.ndarray, log_shares: np.ndarray, block: Block) -> Numbers:
    natural = family.natural(theta, block)
    constants = natural[-1]
    constants += log_shares.reshape(*log_shares.shape, *(1,) * (constants.ndim - 2))
    return natural


def _counts(sums: list[Numbers]) -> np.ndarray:
    """Expected counts, k × B, from the sums of the blocks, whose last statistic is 1."""
    counts = [total[-1] for total in sums]
    return np.sum([n.reshape(*n.shape[:2], -1).sum(axis=-1) for n in counts], axis=0)
