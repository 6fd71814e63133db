"""Ward's hierarchical method and k-means on plain arrays, because resampling calls them often.

Rows are sorted by their values first, so ties are broken alike whatever the order of the rows.
"""

import numpy as np
from scipy.cluster.hierarchy import linkage


class WardTree:
    """Ward's tree of one set of scores, to be cut at any k and refined by k-means.

    Parameters
    ----------
    values : array, n × p
        Complete scores.
    """

    def __init__(self, values: np.ndarray):
        self.order = np.lexsort(values.T[::-1])
        self.values = values[self.order]
        merges = linkage(self.values, "ward") if len(values) > 1 else np.empty((0, 4))
        self.pairs = merges[:, :2].astype(int).tolist()

    def cut(self, k: int) -> np.ndarray:
        """Branch, 0..k-1, of each row when the last k - 1 merges are undone.

        As SciPy's `cut_tree`, which takes time in n² for every cut.
        """
        return self._as_given(self._branches(k))

    def refined(self, k: int) -> np.ndarray:
        """Profile, 0..k-1, of each row after k-means from the branches' centroids."""
        return self._as_given(lloyd(self.values, self._branches(k), k))

    def _branches(self, k: int) -> np.ndarray:
        n = len(self.values)
        branch = [0] * (2 * n - 1) if k == 1 else list(range(2 * n - 1))
        for i in range(n - k - 1, -1, -1) if k > 1 else ():
            left, right = self.pairs[i]
            branch[left] = branch[right] = branch[n + i]
        return np.unique(branch[:n], return_inverse=True)[1]

    def _as_given(self, labels: np.ndarray) -> np.ndarray:
        """Labels in the order the rows came."""
        result = np.empty_like(labels)
        result[self.order] = labels
        return result


def lloyd(values: np.ndarray, labels: np.ndarray, k: int, max_rounds: int = 300) -> np.ndarray:
    """Move rows to the nearest centroid until none moves (Lloyd 1982); labels 0..k-1.

    A profile that empties takes the row furthest from its centroid.
    """
    squares = (values**2).sum(axis=1)
    for _ in range(max_rounds):
        members = np.zeros((len(values), k))
        members[np.arange(len(values)), labels] = 1.0
        counts = members.sum(axis=0)
        centroids = (members.T @ values) / np.maximum(counts, 1)[:, None]
        distances = (centroids**2).sum(axis=1) - 2 * values @ centroids.T
        distances[:, counts == 0] = np.inf
        moved = distances.argmin(axis=1)
        for empty in np.flatnonzero(counts == 0):
            furthest = (squares + distances[np.arange(len(values)), labels]).argmax()
            moved[furthest] = empty
        if (moved == labels).all():
            break
        labels = moved
    return labels
