"""Give the EM many places to start from.

`mixed`: one start is Ward's hierarchical division, which is where mclust starts; the others are k
rows far from each other with every row given to the nearest (k-means++, Arthur & Vassilvitskii
2007), which finds profiles far apart, and random memberships, which find those that overlap, in
turn. `random`: random memberships only; of overlapping classes of answers they found better
solutions than k-means++ in 9 of 12 trials, a worse one in 1. Missing values count as the
variable's mean here and only here.
"""

import numpy as np

from cycle_analysis.ward import WardTree

WARD_CELLS = 10_000_000
"""Ward's method compares all n² pairs on p values: above this n² p the others stand alone."""
CERTAINTY = 0.9
"""Share of a row that a start gives to its nearest profile; the rest is spread evenly."""


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
            labels = WardTree(filled).cut(k)
        else:
            labels = _nearest_seed(filled, k, rng)
        result[..., start] = _certain(labels, k)
    return result


def random(values: np.ndarray, k: int, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """Memberships, n × k × n_starts, at random; parameters as `mixed`."""
    result = rng.random((len(values), k, n_starts))
    return result / result.sum(axis=1, keepdims=True)


def _certain(labels: np.ndarray, k: int) -> np.ndarray:
    """Memberships of `CERTAINTY` in the profile labelled, n × k."""
    members = np.full((len(labels), k), (1 - CERTAINTY) / (k - 1))
    members[np.arange(len(labels)), labels] = CERTAINTY
    return members


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
