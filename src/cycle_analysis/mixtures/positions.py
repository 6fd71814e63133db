"""Place units along a line or in a plane, in several ways, from which a course may start.

References
----------
Atkins, Boman & Hendrickson (1998), SIAM Journal on Computing 28(1), 297-310.
"""

from itertools import permutations

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

NEIGHBOURS = 12
"""Of a unit, that its place in an order by neighbours keeps near."""


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
    return {1: _lines(values, path), 2: _planes(values)}


def _lines(values: np.ndarray, path: np.ndarray | None) -> np.ndarray:
    """Positions along a line, S × n × 1: main axes, the angle between them, neighbours, a path."""
    axes = _main_axes(values)
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


def _planes(values: np.ndarray) -> np.ndarray:
    """Positions in the plane of the two main axes, 1 × n × 2."""
    return np.array([[_ranks(axis) for axis in _main_axes(values)[:, :2].T]]).swapaxes(1, 2)


def _main_axes(values: np.ndarray) -> np.ndarray:
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
