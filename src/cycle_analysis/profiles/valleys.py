"""Valleys between neighbouring profiles: whether groups are demonstrably apart.

A mixture covers any cloud with overlapping groups, also one without a gap. Groups are apart where
the density between them dips. Profiles are compared with their neighbours only, along a tree,
since the ends of a bent continuum face each other across a void that means nothing.

*Neighbours* have no third centroid in the ball between them (Gabriel & Sokal 1969), in the metric
of the pooled spread within groups. *Depth* of the valley of a pair: their units are projected on
the discriminant that divides them best; f is the density of two normals fitted there, g the nearest
density with one mode (isotonic; Robertson, Wright & Dykstra 1988), and the depth is the
log-likelihood ratio of f to g, which for normal groups comes near the most powerful test.
*Chance*: units are drawn anew and moved along the line between the centroids just so far that the
valley fills up, which leaves shape, skewness, heaps, curvature and each unit's own error of
measurement as they are; then each draw is divided again. *Tree*: groups hang together by their
shallowest valleys, so the statistic is the sum of depths over the smallest spanning tree, grown
anew in each draw; where it exceeds chance, edges are tested one by one (Holm 1979). A group that is
much lower than its neighbours is itself the valley between them, and does not join them.

The idea of merging components without a valley between them is Hennig's (2010), after Ray & Lindsay
(2005) and Tantrum, Murua & Stuetzle (2003); dividing again within the null is after Kimes, Liu,
Hayes & Marron (2017).

References
----------
Gabriel & Sokal (1969), Systematic Zoology 18(3), 259-278.
Hennig (2010), Advances in Data Analysis and Classification 4, 3-34.
Kimes, Liu, Hayes & Marron (2017), Biometrics 73(3), 811-821.
Ray & Lindsay (2005), Annals of Statistics 33(5), 2042-2065.
Robertson, Wright & Dykstra (1988), Order restricted statistical inference, Wiley.
Tantrum, Murua & Stuetzle (2003), Proceedings of KDD, 197-205.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from cycle_analysis.chance import Seed, holm

LEAST = 15
"""Units from which a group takes part: beside fewer no valley can be shown."""
GRID = np.linspace(-9, 9, 361)
"""Places at which densities are compared, in units from the cut."""
WIDEST = 10.0
"""Units between two means at most, so that both lie on the grid."""
CUTS = (0.3, 0.5, 0.7)
"""Quantiles at which a draw is cut before it is divided again, beside the cut as moved."""
BRIDGE = 0.5
"""Height that a group needs to join two others, as a share of the lower of them."""
ROUNDS, CLIMBS = 4, 40
"""Most rounds of dividing again; EM steps of the two normals on the discriminant."""
SHRUNK, NARROWEST = 10.0, 0.35
"""Units as if added, with the common variance, to each spread; smallest part of that it may be."""
DOUBTFUL = 0.2
"""Valleys less likely than this by chance alone come last in the tree: they may cross a void."""
EDGES = ["first", "second", "depth", "p", "ratio", "apart"]


@dataclass(frozen=True, eq=False)
class Valleys:
    """What lies between neighbouring profiles.

    Attributes
    ----------
    edges : DataFrame, one row for each edge of the tree
        first, second (profiles), depth (log-likelihood ratio), p (chance of as deep a valley where
        there is none), ratio (density in the valley, as a share of the lower peak), apart (whether
        p is beyond chance).
    p : float
        Chance of valleys as deep over the whole tree: at least 1 / (replicates + 1).
    groups : Series, index profile
        Profiles that are not apart share a number; one too small to be tested has that of the
        nearest.
    """

    edges: pd.DataFrame
    p: float
    groups: pd.Series

    @property
    def k_apart(self) -> int:
        """How many groups are demonstrably apart, 1 or more."""
        return int(self.groups.nunique())


def find_valleys(
    scores: pd.DataFrame,
    labels: pd.Series,
    alpha: float = 0.05,
    *,
    n_replicates: int = 199,
    seed: Seed = 1,
) -> Valleys:
    """Test whether valleys divide profiles.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete scores.
    labels : Series, n units
        Profile of each unit.
    alpha : float
        Level of the tests.
    n_replicates : int
        Draws in which the valleys are filled.
    seed : int or SeedSequence
        Seed of the draws.

    Returns
    -------
    Valleys
        Without edges and p 1 where fewer than two groups are large enough.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> apart = pd.DataFrame(rng.normal(0, 1, (120, 3)), columns=["AG", "EX", "VB"])
    >>> labels = pd.Series(1 + (apart.index >= 60), apart.index)
    >>> find_valleys(apart.add(6.0 * labels, axis=0), labels).k_apart
    2
    >>> find_valleys(apart, labels).k_apart
    1
    """
    names, member = np.unique(labels.to_numpy(), return_inverse=True)
    values = scores.to_numpy(dtype=float)
    (squared, peaks), large = _compared(values, member), np.bincount(member) >= LEAST
    pairs = _neighbours(squared, np.flatnonzero(large))
    rng = np.random.default_rng(seed)
    steps = step_of(values), values.min(axis=0), values.max(axis=0)
    tested = []
    for pair in pairs:
        own = np.isin(member, pair)
        tested.append(_test_pair(values[own], member[own] == pair[1], n_replicates, rng, steps))
    if not pairs:
        return no_valleys(names)
    depths = np.array([[one[0], *one[1]] for one in tested]).round(9)
    p_pair = (depths >= depths[:, :1]).mean(axis=1)
    grow = partial(_spanning, peaks, pairs, last=p_pair <= DOUBTFUL)
    tree = grow(depths[:, 0])
    sums = np.array([one[grow(one)].sum() for one in depths.T])
    p = float((sums >= sums[0] - 1e-9).mean())
    rows = [
        (*(names[list(pairs[e])]), depths[e, 0], p_pair[e], tested[e][2])
        for e in sorted(tree, key=lambda e: (p_pair[e], -depths[e, 0]))
    ]
    edges = pd.DataFrame(rows, columns=EDGES[:-1])
    rejected = holm(edges["p"]) <= alpha
    rejected.iloc[0] = True  # as the sum of all was
    edges["apart"] = (p <= alpha) & rejected
    # beside a small group no valley can be shown: it hangs together with the nearest large one
    nearest = names[np.where(large, squared, np.inf).argmin(axis=1)]
    shades = edges.loc[~edges["apart"], ["first", "second"]].to_numpy().tolist()
    return Valleys(
        edges, p, _joined(names, [*shades, *zip(names[~large], nearest[~large], strict=True)])
    )


def no_valleys(profiles: Iterable[Any]) -> Valleys:
    """Give what lies between profiles where no valley was looked for, or can be: one group."""
    groups = pd.Series(1, pd.Index(profiles, name="profile"), name="group")
    return Valleys(pd.DataFrame(columns=EDGES), 1.0, groups)


def _joined(names: np.ndarray, pairs: Sequence[tuple[Any, Any]]) -> pd.Series:
    """Number the groups that hang together by pairs, from 1."""
    part = {name: name for name in names}
    for first, second in pairs:
        old, new = part[second], part[first]
        part = {name: new if group == old else group for name, group in part.items()}
    numbers = pd.factorize(pd.Series(part))[0] + 1
    return pd.Series(numbers, pd.Index(names, name="profile"), name="group")


def _compared(values: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances of centroids, k × k, in the metric of the spread within, and peaks, k."""
    sizes = np.bincount(member)
    means = np.array([values[member == a].mean(axis=0) for a in range(len(sizes))])
    rest = values - means[member]
    within = rest.T @ rest / max(len(values) - len(sizes), 1)
    p = values.shape[1]
    # units of a group may be all alike: some of the spread of all keeps the metric defined
    metric = np.linalg.inv(within + 1e-6 * values.var(axis=0).mean() * np.eye(p))
    gaps = means[:, None] - means
    own = np.bincount(member, np.einsum("np,pq,nq->n", rest, metric, rest)) / (p * sizes)
    peaks = sizes / np.sqrt(own + 1e-6)
    return np.einsum("abp,pq,abq->ab", gaps, metric, gaps), peaks


def _neighbours(squared: np.ndarray, large: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of groups, large enough, with no third centroid in the ball between them."""
    return [
        (int(a), int(b))
        for i, a in enumerate(large)
        for b in large[i + 1 :]
        if all(squared[a, c] + squared[c, b] >= squared[a, b] for c in large if c not in (a, b))
    ]


def _test_pair(
    values: np.ndarray,
    right: np.ndarray,
    n_replicates: int,
    rng: np.random.Generator,
    steps: tuple[float, np.ndarray, np.ndarray],
) -> tuple[float, np.ndarray, float]:
    """Depth of the valley of a pair, those of draws in which it is filled, and its ratio."""
    n, (step, low, high) = len(values), steps
    division = _divide(values[None], right[None])
    z, curve = division.projected, _fit_normals(division.projected)
    depth, f, g = _depths(z, curve)
    peaks = _peaks(f[0])
    ratio = 1.0
    if len(peaks) > 1:
        ratio = f[0, peaks[0] : peaks[-1] + 1].min() / f[0, [peaks[0], peaks[-1]]].min()
    if depth[0] <= 0:
        return 0.0, np.zeros(n_replicates), float(ratio)
    drawn = rng.integers(0, n, (n_replicates, n))
    u = (z[0] - curve.middle) / curve.unit
    width = 1.06 * (n / 2) ** -0.2 * curve.spread / curve.unit
    smooth = u[drawn] + width * rng.standard_normal(drawn.shape)
    smooth = u.mean() + (smooth - u.mean()) / np.sqrt(1 + width**2 / u.var())
    # as many units go into the valley as fill it: from the place in f to the same place in g
    edges = GRID + (GRID[1] - GRID[0]) / 2
    heights = np.interp(smooth, edges, np.cumsum(f[0]))
    filled = np.interp(heights, np.cumsum(g[0]) + 1e-13 * np.arange(len(GRID)), edges)
    moved = filled * curve.unit + curve.middle
    along = division.gap[0] / (division.direction[0] @ division.gap[0])
    y = values[drawn] + (moved - z[0][drawn])[..., None] * along
    if step:
        y = np.round(y / step) * step
    again = _divide_again(np.clip(y, low, high), moved - curve.middle)
    return float(depth[0]), _depths(again, _fit_normals(again))[0], float(ratio)


@dataclass(frozen=True, eq=False)
class _Division:
    """Draws, each divided in two: B × n projections, their directions and gaps, B × p, and cost."""

    projected: np.ndarray
    direction: np.ndarray
    gap: np.ndarray
    cost: np.ndarray


def _divide(values: np.ndarray, right: np.ndarray) -> _Division:
    """Divide draws, B × n × p, by Fisher's discriminant, regrouping at its middle."""
    n, p = values.shape[1:]
    squares = np.einsum("bnp,bnq->bpq", values, values)
    total = values.sum(axis=1)
    for last in [False] * ROUNDS + [True]:
        member = right.astype(float)
        n1 = np.clip(member.sum(axis=1), 1, n - 1)[:, None]
        sum1 = np.einsum("bn,bnp->bp", member, values)
        m1, m0 = sum1 / n1, (total - sum1) / (n - n1)
        within = squares - n1[..., None] * m1[:, :, None] * m1[:, None]
        within = (within - (n - n1)[..., None] * m0[:, :, None] * m0[:, None]) / (n - 2)
        ridge = 1e-3 * np.einsum("bpp->b", within) / p + 1e-9 * values.var(axis=1).mean(axis=1)
        within = within + ridge[:, None, None] * np.eye(p)
        gap = m1 - m0
        w = np.linalg.solve(within, gap[..., None])[..., 0]
        w /= np.sqrt(np.einsum("bp,bp->b", w, gap).clip(1e-12))[:, None]
        z = np.einsum("bnp,bp->bn", values, w) - ((m0 + m1) * w).sum(axis=1, keepdims=True) / 2
        new = z > 0
        small = (new.sum(axis=1) < 3) | (new.sum(axis=1) > n - 3)
        new[small] = right[small]
        if last or (new == right).all():
            break
        right = new
    share = (n1 / n)[:, 0].clip(1e-9, 1 - 1e-9)
    entropy = share * np.log(share) + (1 - share) * np.log(1 - share)
    return _Division(z, w, gap, np.linalg.slogdet(within)[1] - 2 * entropy)


def _divide_again(values: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Projections of the best of four divisions of each draw, B × n."""
    cuts = [np.zeros((len(moved), 1)), *np.quantile(moved, CUTS, axis=1)[..., None]]
    best = _divide(values, moved > cuts[0])
    z, cost = best.projected, best.cost
    for cut in cuts[1:]:
        other = _divide(values, moved > cut)
        better = other.cost < cost - 1e-9
        z = np.where(better[:, None], other.projected, z)
        cost = np.where(better, other.cost, cost)
    return z


@dataclass(frozen=True, eq=False)
class _Normals:
    """Two normals fitted to each draw, each array B."""

    share: np.ndarray
    means: tuple[np.ndarray, np.ndarray]
    variances: tuple[np.ndarray, np.ndarray]

    @property
    def middle(self) -> np.ndarray:
        return (self.means[0] + self.means[1]) / 2

    @property
    def spread(self) -> np.ndarray:
        """Pooled standard deviation."""
        return np.sqrt(self.share * self.variances[1] + (1 - self.share) * self.variances[0])

    @property
    def unit(self) -> np.ndarray:
        """Unit of the grid: the spread, or wider where the means would lie off the grid."""
        return np.maximum(self.spread, np.abs(self.means[1] - self.means[0]) / WIDEST)

    def densities(self) -> np.ndarray:
        """Masses at `GRID`, in units from the middle, B × G."""
        x = GRID * self.unit[:, None] + self.middle[:, None]
        parts = [
            share[:, None]
            * np.exp(-((x - m[:, None]) ** 2) / (2 * v[:, None]))
            / np.sqrt(v)[:, None]
            for share, m, v in zip(
                (1 - self.share, self.share), self.means, self.variances, strict=True
            )
        ]
        f = np.maximum(parts[0] + parts[1], 1e-300)
        return f / f.sum(axis=1, keepdims=True)


def _fit_normals(z: np.ndarray) -> _Normals:
    """Fit two normals to draws, B × n, that were divided at 0, by EM."""
    n, member = z.shape[1], (z > 0).astype(float)
    squares, total, total2 = z**2, z.sum(axis=1), (z**2).sum(axis=1)
    for _ in range(CLIMBS):
        n1 = np.clip(member.sum(axis=1), 2, n - 2)
        n0 = n - n1
        sum1, sum2 = (member * z).sum(axis=1), (member * squares).sum(axis=1)
        m1, m0 = sum1 / n1, (total - sum1) / n0
        e1, e0 = sum2 - n1 * m1**2, total2 - sum2 - n0 * m0**2
        v = (e1 + e0).clip(0) / n + 1e-12
        v1 = np.maximum((e1.clip(0) + SHRUNK * v) / (n1 + SHRUNK), NARROWEST**2 * v)
        v0 = np.maximum((e0.clip(0) + SHRUNK * v) / (n0 + SHRUNK), NARROWEST**2 * v)
        # log odds are a parabola in z
        a = (1 / v0 - 1 / v1) / 2
        b = m1 / v1 - m0 / v0
        c = np.log(n1 / n0) - np.log(v1 / v0) / 2 + (m0**2 / v0 - m1**2 / v1) / 2
        odds = a[:, None] * squares + b[:, None] * z + c[:, None]
        member = 1 / (1 + np.exp(-odds.clip(-40, 40)))
    return _Normals(n1 / n, (m0, m1), (v0, v1))


def _depths(z: np.ndarray, normals: _Normals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depths of the valleys of draws, B, with the densities with and without it, B × G."""
    f = normals.densities()
    g, depth = f.copy(), np.zeros(len(z))
    u = (z - normals.middle[:, None]) / normals.unit[:, None]
    for b in range(len(z)):
        peaks = _peaks(f[b])
        if len(peaks) > 1:
            g[b] = _without_valley(f[b], peaks)
            depth[b] = max(0.0, np.interp(u[b], GRID, np.log(f[b] / g[b])).sum())
    return depth, f, g


def _peaks(f: np.ndarray) -> np.ndarray:
    slope = np.diff(f)
    return np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)) + 1


def _without_valley(f: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Nearest masses with one mode, at the first or the last peak."""
    found = []
    for mode in (peaks[0], peaks[-1]):
        up = isotonic_regression(f[: mode + 1]).x
        down = isotonic_regression(f[mode + 1 :], increasing=False).x
        g = np.maximum(np.concatenate([up, down]), 1e-300)
        found.append((float((f * np.log(f / g)).sum()), g / g.sum()))
    return min(found, key=lambda one: one[0])[1]


def _spanning(
    peaks: np.ndarray, pairs: list[tuple[int, int]], weights: np.ndarray, last: np.ndarray
) -> list[int]:
    """Edges of the smallest spanning tree (Kruskal 1956); those in `last` where nothing else is.

    Groups are joined over a group much lower than both only where nothing else joins them.
    """
    part, chosen = np.arange(len(peaks)), []
    for bridge in (BRIDGE, 0.0):
        for e in np.lexsort((weights, last)):
            ends = list(pairs[e])
            sides = [part == group for group in part[ends]]
            lower = min(peaks[side].max() for side in sides)
            if not (sides[0] & sides[1]).any() and peaks[ends].min() >= bridge * lower:
                chosen.append(int(e))
                part = np.where(sides[0], part[ends[1]], part)
    return chosen


def step_of(values: np.ndarray) -> float:
    """Give the distance of the scores' grid (at least 2 points), or 0 where they have none."""
    gaps = np.diff(np.unique(values))
    gaps = gaps[gaps > 1e-6]
    width = float(gaps.min()) if len(gaps) else 0.0
    on_grid = width >= 2 and np.allclose(values / width, np.round(values / width), atol=1e-3)
    return width if on_grid else 0.0
