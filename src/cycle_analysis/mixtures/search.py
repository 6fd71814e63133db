"""Find the best of many starts: short runs from all, long runs from the best.

Where many solutions are nearly as good, more starts find the best of them slowly. `n_vain` asks for
rounds in which two profiles of the best are taken together and divided anew by lot, as often beside
each other as there are starts, short and long runs as before, until so many rounds have found
nothing better (an iterated search of split and merge: Ueda, Nakano, Ghahramani & Hinton 2000,
Neural Computation 12(9), 2109-2128).

`mixed` starts: one is Ward's hierarchical division, which is where mclust starts; the others are k
rows far from each other with every row given to the nearest (k-means++, Arthur & Vassilvitskii
2007), which finds profiles far apart, and random memberships, which find those that overlap, in
turn. `random` starts: random memberships only; of overlapping classes of answers they found better
solutions than k-means++ in 9 of 12 trials, a worse one in 1. Missing values count as the
variable's mean here and only here.

Courses start from places of units along a line or in a plane, found in several ways (`orders_of`).

References
----------
Atkins, Boman & Hendrickson (1998), SIAM Journal on Computing 28(1), 297-310.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

from cycle_analysis.chance import Seed
from cycle_analysis.mixtures import em

WARD_CELLS = 10_000_000
"""Ward's method compares all n² pairs on p values: above this n² p the others stand alone."""
CERTAINTY = 0.9
"""Share of a row that a start gives to its nearest profile; the rest is spread evenly."""
SHORT_STEPS = 21
"""EM steps of a short run."""
SAME_OPTIMUM = 1e-4
"""Two runs found the same solution when their log-likelihoods differ by less than this per unit."""
MOST_WEIGHT = 1e12
"""A case weight above this drowns all other units, if not the numbers themselves."""
NEIGHBOURS = 12
"""Of a unit, that its place in an order by neighbours keeps near."""
Start = Callable[[np.ndarray, int, int, np.random.Generator], np.ndarray]
"""Gives memberships, n × k × starts, to start from."""


@dataclass(frozen=True)
class Search:
    """How to look for the best solution.

    Attributes
    ----------
    n_starts : int
        Short runs.
    n_finished : int
        How many of the best are carried to convergence.
    max_steps : int
        EM steps after which a run stops.
    tolerance : float
        Gain in log-likelihood per unit and cycle of three steps under which a run has converged.
    seed : int or SeedSequence
        Seed of the random starts.
    n_vain : int
        Rounds of dividing two profiles of the best anew that may find nothing better; 0: no rounds.
    last_tolerance : float
        Tolerance to which the best run is carried on, where it is the smaller one.
    """

    n_starts: int = 50
    n_finished: int = 10
    max_steps: int = 5000
    tolerance: float = 1e-9
    seed: Seed = 1
    n_vain: int = 0
    last_tolerance: float = np.inf


@dataclass(frozen=True)
class Outcome:
    """How the search ended.

    Attributes
    ----------
    log_likelihood : float
        Of the best run, exact at its parameters.
    converged : bool
        Whether the best run converged.
    n_steps : int
        Its EM steps.
    n_finished : int
        Runs carried to convergence.
    n_replicated : int
        How many of those reached the best log-likelihood. After rounds of dividing the best anew,
        which begin near it, they are no proof that there is no better one.
    """

    log_likelihood: float
    converged: bool
    n_steps: int
    n_finished: int
    n_replicated: int


def ward(values: np.ndarray, k: int) -> np.ndarray:
    """Divide complete rows, n × p, by Ward's method; 0..k-1 for each, in any order of the rows.

    The last k - 1 merges are undone, as by SciPy's `cut_tree`, which takes time in n².
    """
    n, order = len(values), np.lexsort(values.T[::-1])
    merges = linkage(values[order], "ward") if n > 1 else np.empty((0, 4))
    pairs, branch = merges[:, :2].astype(int).tolist(), list(range(2 * n - 1))
    for i in range(n - k - 1, -1, -1):
        left, right = pairs[i]
        branch[left] = branch[right] = branch[n + i]
    labels = np.empty(n, dtype=int)
    labels[order] = np.unique(branch[:n], return_inverse=True)[1]
    return labels


def mixed(values: np.ndarray, k: int, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """Memberships, n × k × n_starts: Ward's when n allows, then the two kinds in turn.

    Parameters
    ----------
    values : array, n × p
        Centred values; NaN counts as 0.
    k, n_starts : int
        Number of profiles and of starts.
    rng : Generator
        Source of the random starts.
    """
    n = len(values)
    filled = np.nan_to_num(values) if np.isnan(values).any() else values
    result = random(values, k, n_starts, rng)
    for start in range(0, n_starts if k > 1 else 0, 2):
        if start == 0 and k < n and n * filled.size <= WARD_CELLS:
            labels = ward(filled, k)
        else:
            labels = _nearest_seed(filled, k, rng)
        result[..., start] = (1 - CERTAINTY) / (k - 1)
        result[np.arange(n), labels, start] = CERTAINTY
    return result


def random(values: np.ndarray, k: int, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """Memberships, n × k × n_starts, at random; parameters as `mixed`."""
    result = rng.random((len(values), k, n_starts))
    return result / result.sum(axis=1, keepdims=True)


def best_of_starts(
    family: em.Family,
    values: np.ndarray,
    k: int,
    weights: np.ndarray,
    search: Search,
    start: Start = mixed,
) -> tuple[em.Batch, Outcome]:
    """Climb from many starts and keep the best solution.

    Parameters
    ----------
    family : em.Family
        The data and the component distribution.
    values : array, n × p
        Centred values by which the starts measure distance; NaN where missing.
    k : int
        Number of profiles.
    weights : array, n
        Case weights.
    search : Search
        How to look.
    start : function (values, k, n_starts, rng) -> memberships
        Where to start.

    Returns
    -------
    Batch, Outcome
        The best solution as a batch of one problem, and how it was found.
    """
    rng = np.random.default_rng(search.seed)
    n_starts = search.n_starts if k > 1 else 1
    column = weights[:, None]
    members = start(values, k, n_starts, rng)
    runs = _climbed(family, members, column, search)
    del members
    if k > 2 and search.n_vain:  # two of two divided anew are a start like any other
        runs = _divided_anew(family, runs, column, search, rng)
    best = last = _best(runs)
    if search.last_tolerance < search.tolerance:
        begun = em.begun(best.theta, best.log_shares)
        last = _finished(family, begun, column, replace(search, tolerance=search.last_tolerance))
    close = SAME_OPTIMUM * weights.sum()
    outcome = Outcome(
        float(em.memberships(family, last)[1] @ weights),
        bool(best.converged[0]),
        int(best.n_steps[0]),
        len(runs.log_likelihood),
        int((runs.log_likelihood > best.log_likelihood[0] - close).sum()),
    )
    return last, outcome


def _climbed(
    family: em.Family, members: np.ndarray, column: np.ndarray, search: Search
) -> em.Batch:
    """Run short from all memberships, n × k × starts, and to the end from the best."""
    runs = em.from_responsibilities(family, members, column)
    if members.shape[2] > search.n_finished:
        runs = em.climb(family, runs, column, max_steps=SHORT_STEPS, tolerance=0.0)
        runs = runs.take(np.argsort(-runs.log_likelihood, kind="stable")[: search.n_finished])
    return _finished(family, runs, column, search)


def _finished(family: em.Family, runs: em.Batch, column: np.ndarray, search: Search) -> em.Batch:
    """Climb to convergence."""
    return em.climb(family, runs, column, max_steps=search.max_steps, tolerance=search.tolerance)


def _best(runs: em.Batch) -> em.Batch:
    return runs.take(np.array([runs.log_likelihood.argmax()]))


def _divided_anew(
    family: em.Family,
    runs: em.Batch,
    column: np.ndarray,
    search: Search,
    rng: np.random.Generator,
) -> em.Batch:
    """Divide two profiles of the best anew until nothing better comes; give all runs."""
    n_vain = 0
    while n_vain < search.n_vain:
        best = _best(runs)
        members = np.repeat(em.memberships(family, best)[0][..., None], search.n_starts, axis=2)
        for start in range(search.n_starts):
            pair = rng.choice(members.shape[1], 2, replace=False)
            part = rng.random(len(members))
            together = members[:, pair, start].sum(axis=1)
            members[:, pair, start] = np.column_stack([together * part, together * (1 - part)])
        runs = em.joined([runs, _climbed(family, members, column, search)])
        gain = _best(runs).log_likelihood - best.log_likelihood
        n_vain = 0 if gain > SAME_OPTIMUM * column.sum() else n_vain + 1
    return runs


def checked_weights(weights: pd.Series | None, table: pd.DataFrame) -> pd.Series:
    """Case weights on the index of a table, 1 when none are given.

    Raises
    ------
    ValueError
        When a unit has no weight, or one that is negative or infinite.
    """
    if weights is None:
        return pd.Series(1.0, index=table.index)
    aligned = weights.reindex(table.index).astype(float)
    usable = (aligned >= 0) & (aligned <= MOST_WEIGHT)
    if not usable.all() or not aligned.sum() > 0:
        bad = aligned.index[~usable].tolist()
        raise ValueError(
            f"Case weights must be 0 or more for every unit, at most {MOST_WEIGHT:g} and not all "
            f"0; not so for {bad[:5]}. Give a weight for each unit."
        )
    return aligned


def _nearest_seed(values: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Nearest of k seeds, each drawn with chance proportional to its squared distance."""
    lengths = np.einsum("np,np->n", values, values)
    distances = np.empty((len(values), k))
    nearest = np.ones(len(values))
    for j in range(k):
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        seed = rng.choice(len(values), p=chance)
        gaps = lengths - 2 * values @ values[seed] + lengths[seed]
        distances[:, j] = np.where(gaps > 1e-12 * lengths[seed], gaps, 0.0)
        nearest = distances[:, : j + 1].min(axis=1)
    return distances.argmin(axis=1)


def orders_of(values: np.ndarray, path: np.ndarray | None = None) -> dict[int, np.ndarray]:
    """Give positions to start from, S × n × dimensions, by number of dimensions.

    Parameters
    ----------
    values : array, n × p
    path : array, k × p, optional
        Points, three to six, along which units are placed too.

    Examples
    --------
    >>> orders_of(np.array([[0.0, 1], [1, 3], [2, 2]]))[1][0].ravel().round(2).tolist()
    [0.67, 0.0, -0.67]
    """
    plane = [[_ranks(axis) for axis in main_axes(values)[:, :2].T]]
    return {1: _lines(values, path), 2: np.array(plane).swapaxes(1, 2)}


def _lines(values: np.ndarray, path: np.ndarray | None) -> np.ndarray:
    """Positions along a line, S × n × 1: main axes, the angle between them, neighbours, a path."""
    axes = main_axes(values)
    found = [axes[:, 0], axes[:, 1], np.arctan2(axes[:, 1], axes[:, 0])]
    if len(values) > NEIGHBOURS:
        found.append(_by_neighbours(values))
    if path is not None and 3 <= len(path) <= 6:
        found.append(_along(values, shortest_path(path)))
    return np.array([_ranks(one)[:, None] for one in found])


def _by_neighbours(values: np.ndarray) -> np.ndarray:
    """Place of each row in the order that keeps neighbours together (Fiedler's vector).

    Neighbourhoods are as wide as it takes to reach the twelfth; Atkins, Boman & Hendrickson (1998).
    """
    squared = cdist(values, values, "sqeuclidean")
    reach = np.sqrt(np.partition(squared, NEIGHBOURS, axis=1)[:, NEIGHBOURS]).clip(1e-6)
    near = np.exp(-squared / np.outer(reach, reach))
    degree = np.sqrt(near.sum(axis=1))
    laplacian = np.eye(len(near)) - near / np.outer(degree, degree)
    vector = eigh(laplacian, subset_by_index=[1, 1])[1][:, 0] / degree
    return vector * np.sign(vector[np.abs(vector).argmax()])


def main_axes(values: np.ndarray) -> np.ndarray:
    """Principal components, standardised, n × p."""
    centred = values - values.mean(axis=0)
    left = np.linalg.svd(centred, full_matrices=False)[0]
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    return left * signs


def shortest_path(points: np.ndarray) -> np.ndarray:
    """Set up to six points, k × p, in the order of the shortest path through all of them."""
    gaps = cdist(points, points)
    ways = [way for way in permutations(range(len(points))) if way[0] <= way[-1]]
    lengths = [gaps[list(way[:-1]), list(way[1:])].sum() for way in ways]
    return points[list(ways[int(np.argmin(lengths))])]


def _along(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Place of each row along the path through points, k × p, a little beyond its ends too."""
    steps = np.diff(points, axis=0)
    reach = (steps**2).sum(axis=1)
    part = np.einsum("nsp,sp->ns", values[:, None] - points[:-1], steps) / reach
    first, last = np.zeros(len(steps)), np.ones(len(steps))
    first[0], last[-1] = -0.5, 1.5
    part = part.clip(first, last)
    foot = points[:-1] + part[..., None] * steps
    nearest = ((values[:, None] - foot) ** 2).sum(axis=2).argmin(axis=1)
    start = np.concatenate([[0], np.cumsum(np.sqrt(reach))])[:-1]
    return (start + part * np.sqrt(reach))[np.arange(len(values)), nearest]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks spread evenly from -1 to 1; ties in the order of the rows."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (ranks + 0.5) / len(values) * 2 - 1
