"""Give the EM many places to start from.

Random starts draw k rows far from each other (k-means++, Arthur & Vassilvitskii 2007) and give
every row to the nearest; one more start is Ward's hierarchical division, which is where mclust
starts. Missing values count as the variable's mean here and only here.
"""

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage

WARD_ROWS = 2000
"""Ward's method needs n² distances: above this many rows the random starts stand alone."""
CERTAINTY = 0.9
"""Share of a row that a start gives to its nearest profile; the rest is spread evenly."""


def memberships(values: np.ndarray, k: int, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """Responsibilities, n × k × n_starts, the first of them Ward's when n allows.

    Parameters
    ----------
    values : array, n × p
        Centred values; NaN counts as 0.
    k, n_starts : int
        Number of profiles and of starts.
    rng : Generator
        Source of the random starts.
    """
    filled = np.nan_to_num(values) if np.isnan(values).any() else values
    n = len(filled)
    starts = np.empty((n, n_starts), dtype=int)
    for start in range(n_starts):
        starts[:, start] = _nearest_seed(filled, k, rng)
    if n <= WARD_ROWS and n > k > 1:
        starts[:, 0] = cut_tree(linkage(filled, "ward"), k)[:, 0]
    if k == 1:
        return np.ones((n, 1, n_starts))
    result = np.full((n, k, n_starts), (1 - CERTAINTY) / (k - 1))
    np.put_along_axis(result, starts[:, None, :], CERTAINTY, axis=1)
    return result


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
