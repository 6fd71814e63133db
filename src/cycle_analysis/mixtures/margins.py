"""Fit what is no profiles, but has phases that are not normal: heaps at an end, and tails.

**Hurdles.** Who has not begun with a phase scores lowest on it, and who has begun lies somewhere
above (or who is done with it scores highest): a heap at an end and a gap beside it, which no line
or plane describes, while profiles do, by who has begun what. The rival that they have to beat is
the two-part model (Olsen & Schafer 2001) of a course: given the position, a score lies on the heap
with a probability that is logistic in the position, and on the course otherwise. All heaps are
alike: one distance from their end, one spread.

What lies near enough to its end counts as heap. The likelihood of that division is one term of the
sum over all, so that it is never more than the likelihood of the mixture of heap and course; of two
divisions the better is taken.

**Tails.** Where most units are low on a phase and few are far, or where they lie evenly between two
ends, two normal clouds describe that better than one, though nobody belongs anywhere. The rival is
one normal cloud of scores that were bent, as near to normal as they come: each phase by one
parameter for skewness (Yeo & Johnson 2000), and by one for its tails as well (the sinh-arcsinh of
Jones & Pewsey 2009); the likelihood is that of the scores themselves. Where units are far along
something that shows in several phases at once, the cloud is skewed along axes of its own: each in
turn is the direction in which what is left is most skewed (projection pursuit, Loperfido 2018), and
BIC says how many.

References
----------
Jones & Pewsey (2009), Biometrika 96(4), 761-780.
Loperfido (2018), Computational Statistics & Data Analysis 120, 42-57.
Olsen & Schafer (2001), Journal of the American Statistical Association 96(454), 730-745.
Yeo & Johnson (2000), Biometrika 87(4), 954-959.
"""

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import yeojohnson, yeojohnson_normmax

from cycle_analysis.mixtures.courses import (
    Course,
    DiagonalCourse,
    as_fitted,
    fit_bound,
    scoring_step,
    solve,
)
from cycle_analysis.mixtures.em import LOG_2PI, Block
from cycle_analysis.mixtures.fit import Mixture, Standardised, race, standardise
from cycle_analysis.mixtures.gaussian import EEE, EEI, VVI, CovarianceModel, Diagonal, Full
from cycle_analysis.mixtures.search import orders_of

HIGHEST = 100.0
"""Scores run from 0 to this."""
WIDTH, LAST_START = 8, 12
"""Points that the gap beside a heap is wide, and from the end of the scale where it begins at most.
"""
LEAST = 0.1
"""Part of the units that lies on a heap, and beyond it, at least."""
THIN = 1 / 2, 2 / 3
"""Part of the heap, and of what as wide a strip beyond the gap holds, that the gap holds at most.
Both are tried: more heaps are found by the second, and some that are none."""
STEEPEST, LONGEST = 12.0, 4.0
"""Of the log odds of a heap: the largest, and the largest step of a coefficient."""
BENT_WITHIN = ((-3.0, 5.0), (-1.5, 1.5))
"""Powers, and logarithms of tails, that are tried."""
SETTLES = 20
"""Steps in which the direction of the third moments settles."""


@dataclass(frozen=True, eq=False)
class Hurdle:
    """A course along which not all units have begun with every phase.

    Attributes
    ----------
    course : Course
        Where those lie who have begun.
    depths : array, n × p
        How far a score on a heap lies from its end, in the order and on the scale of the engine;
        NaN for scores on no heap.
    """

    course: Course
    depths: np.ndarray
    components: CovarianceModel = VVI
    form: str = "hurdle"

    @property
    def name(self) -> str:
        """Name, for tables."""
        return f"{self.course}, hurdles"

    def n_parameters(self, k: int, p: int) -> int:
        """Count those of the course, the chances of heaps, and the heaps' place and spread."""
        n_heaps = int(np.isfinite(self.depths).any(axis=0).sum())
        return self.course.n_parameters(k, p) + n_heaps * self.course.basis.shape[1] + 2

    def family(self, values: np.ndarray, floor: np.ndarray) -> "HurdleCourse":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""
        return HurdleCourse(values, self, floor)


HURDLED = tuple(Course(d, 1, normal=normal) for d in (1, 2) for normal in (True, False))
"""Courses that are tried with heaps."""


class HurdleCourse(DiagonalCourse):
    """Components along a course, a score of which lies on a heap or on the course.

    To the theta of the course come the log odds of a heap, and the heaps' place and log variance.
    """

    def __init__(self, values: np.ndarray, hurdle: Hurdle, floor: np.ndarray):
        at_heap = np.isfinite(hurdle.depths)
        super().__init__(np.where(at_heap, np.nan, values), hurdle.course, floor)
        self.heaped = at_heap.any(axis=0)
        self.least = np.log(floor[self.heaped].mean())
        depths = np.nan_to_num(hurdle.depths)
        totals = np.column_stack([depths.sum(axis=1), (depths**2).sum(axis=1)])
        (begun,) = self.blocks
        own = [begun.statistics[:, :-1], at_heap[:, self.heaped], totals]
        statistics = np.hstack([*own, begun.statistics[:, -1:]])
        self.blocks = (replace(begun, statistics=statistics),)

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Natural parameters for the statistics of the course; of the heaps: 1, depth, depth²."""
        odds, place, logs = self._heaps(theta)
        course = super().natural(theta[: 2 * self.p], block)
        course[2 * self.p : -1][self.heaped] -= np.logaddexp(0, odds)
        precision = np.exp(-logs)
        constants = -0.5 * (precision * place**2 + logs + LOG_2PI) - np.logaddexp(0, -odds)
        heaps = [constants, precision * place, -0.5 * precision]
        return np.concatenate([course[:-1], *heaps, course[-1:]])

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """The course for those who have begun; chances of heaps; place and spread of the heaps."""
        course, own = np.split(sums[0][:-1], [3 * self.p])
        begun, at_heap = course[2 * self.p :][self.heaped], own[:-2]
        totals, squares = (part.sum(axis=0, keepdims=True) for part in own[-2:])
        size = at_heap.sum(axis=(0, 1))
        place = totals / size
        logs = np.log(np.maximum(squares / size - place**2, np.exp(self.least)))
        odds = np.zeros_like(at_heap) if theta is None else self._heaps(theta)[0]
        before = None if theta is None else theta[: 2 * self.p]
        line = super().maximise([np.concatenate([course, sums[0][-1:]])], before)
        shape = (1, *at_heap.shape[1:])
        heaps = [np.broadcast_to(part, shape) for part in (place, logs)]
        return np.concatenate([line, self._likelier(odds, at_heap, begun + at_heap), *heaps])

    def moments(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and covariances of those who have begun, at the nodes, of the first problem."""
        return super().moments(theta[: 2 * self.p])

    def at_floor(self, theta: np.ndarray) -> np.ndarray:
        """Tell per problem whether a variance along the course lies on the floor."""
        return super().at_floor(theta[: 2 * self.p])

    def _heaps(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log odds, place and log variance of the heaps, within their limits."""
        odds = theta[2 * self.p : -2].clip(-STEEPEST, STEEPEST)
        return odds, theta[-2:-1], np.maximum(theta[-1:], self.least)

    def _likelier(self, odds: np.ndarray, at_heap: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Log odds on the course, h × M × B, after a step of logistic regression."""
        chances = 1 / (1 + np.exp(-odds))

        def cost(tried: np.ndarray) -> np.ndarray:
            at = tried.clip(-STEEPEST, STEEPEST)
            return counts * np.logaddexp(0, at) - at_heap * at

        weights, score = counts * chances * (1 - chances), at_heap - counts * chances
        return scoring_step(self.course.basis, odds, weights, score, cost, LONGEST)


def fit_hurdles(scores: pd.DataFrame) -> list[Mixture]:
    """Fit lines and planes with hurdles, where a phase has a heap at an end and a gap beside it.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores, 0-100.

    Returns
    -------
    list of Mixture
        Empty where no phase has such a heap. Their means are those of units that have begun.

    Examples
    --------
    >>> at = np.linspace(-40, 90, 60)[:, None] - [0, 10, 20]
    >>> scores = pd.DataFrame(np.where(at < 20, 0, at), columns=["AG", "EX", "VB"])
    >>> [rival.model.name for rival in fit_hurdles(scores)][::2]
    ['line (normal positions), hurdles', 'plane (normal positions), hurdles']
    >>> fit_hurdles(scores / 2 + 20)
    []
    """
    data = standardise(scores)
    values = data.scores.to_numpy(dtype=float)
    tried = [heap_depths(values, thin) / data.scale for thin in THIN]
    divisions = [depths for depths in tried if np.isfinite(depths).any()]
    if not divisions:
        return []
    orders = orders_of(np.nan_to_num(data.z))
    return [
        race([_fit(Hurdle(course, depths), data, orders) for depths in divisions])
        for course in HURDLED
    ]


def _fit(hurdle: Hurdle, data: Standardised, orders: dict[int, np.ndarray]) -> Mixture:
    family, course = hurdle.family(data.z, data.floor), hurdle.course
    best = solve(family, course, orders[course.dimensions], {}, data.weights)
    return replace(as_fitted(hurdle, data, family, best, in_order=True), theta=best.theta)


def heap_depths(values: np.ndarray, thin: float = THIN[0]) -> np.ndarray:
    """Distance from its end of every score on a heap, n × p, in points; NaN on no heap.

    Examples
    --------
    >>> heap_depths(np.array([[0.0, 1, 40, 50, 50, 60], [10, 20, 30, 40, 50, 60]]).T)[:3]
    array([[ 0., nan],
           [ 1., nan],
           [nan, nan]])
    """
    found = np.full(values.shape, np.nan)
    for depths, column in zip(found.T, values.T, strict=True):
        ends = column, HIGHEST - column
        away, reach = max(((end, _reach(end, thin)) for end in ends), key=lambda pair: pair[1])
        depths[away < reach] = away[away < reach]
    return found


def _reach(away: np.ndarray, thin: float) -> float:
    """Tell how far from its end a heap reaches: to the middle of the gap beside it, or nowhere."""
    starts = np.arange(1, LAST_START + 1)
    inside = (away[:, None] >= starts) & (away[:, None] < starts + WIDTH)
    gap, start = inside.sum(axis=0).min(), starts[inside.sum(axis=0).argmin()]
    heap, n = (away < start).sum(), np.isfinite(away).sum()
    strips = away[away >= start + WIDTH] // WIDTH
    beyond = np.unique(strips, return_counts=True)[1].max(initial=0)
    clear = LEAST * n <= heap <= (1 - LEAST) * n and gap <= thin * min(heap, beyond)
    return float(start + WIDTH / 2) if clear else -np.inf


@dataclass(frozen=True)
class Skewed:
    """One cloud of skewed phases.

    Attributes
    ----------
    components : CovarianceModel
        Whether phases are related, once bent.
    powers : tuple of float, p or fewer
        How each phase, or axis, is bent, on the scale of the engine; 1, as of the others, is not at
        all.
    tails : tuple of float, p
        How its ends are stretched then: over 1 where few lie far out. None where no tails are.
    stretch : float
        Logarithm of how far axes stretch the scores; 0 of the phases themselves.
    """

    components: CovarianceModel
    powers: tuple[float, ...]
    tails: tuple[float, ...] = ()
    stretch: float = 0.0

    @property
    def name(self) -> str:
        """Name, for tables."""
        return f"skewed cloud{', tails' if self.tails else ''} ({self.components})"

    def n_parameters(self, k: int, p: int) -> int:
        """Count means, (co)variances, powers and tails."""
        return self.components.n_parameters(k, p) + len(self.powers) + len(self.tails)

    def family(self, values: np.ndarray, floor: np.ndarray) -> "SkewedDiagonal | SkewedFull":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""
        kind = SkewedFull if self.components.full else SkewedDiagonal
        return kind(values, self, floor)


@dataclass(frozen=True, eq=False, kw_only=True)
class SkewedAlongAxes(Skewed):
    """One cloud that is skewed along axes of its own.

    Attributes
    ----------
    axes : array, p × p
        How much of each phase is in an axis, a row each; those that are bent come first.
    """

    axes: np.ndarray

    @property
    def name(self) -> str:
        """Name, for tables."""
        return f"skewed cloud, {len(self.powers)} own axes"

    def n_parameters(self, k: int, p: int) -> int:
        """Count means, covariances, powers, and what turns the axes that are bent."""
        bent = len(self.powers)
        return super().n_parameters(k, p) + p * (p - 1) // 2 + bent * p - bent * (bent + 1) // 2

    def family(self, values: np.ndarray, floor: np.ndarray) -> "SkewedDiagonal | SkewedFull":
        """Give the family, of places along the axes."""
        return super().family(values @ self.axes.T, self.axes**2 @ floor)


class _Bent:
    """A family of bent values; how far bending stretches is a statistic before the last."""

    blocks: Any

    def __init__(self, values: np.ndarray, model: Skewed, floor: np.ndarray):
        columns: Any = zip_longest(values.T, model.powers, model.tails, fillvalue=1.0)
        bent, logs = zip(*(_bent(*column) for column in columns), strict=True)
        stretched = np.nansum(logs, axis=0) + model.stretch
        super().__init__(np.column_stack(bent), model.components, floor)  # type: ignore[call-arg]
        self.blocks = tuple(
            replace(
                block,
                statistics=np.insert(block.statistics, -1, stretched[block.rows], axis=1),
            )
            for block in self.blocks
        )

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Natural parameters, 1 for the stretching among them."""
        found = super().natural(theta, block)  # type: ignore[misc]
        return np.insert(found, -1, 1.0, axis=0)

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """As of values that were not bent."""
        sums = [np.delete(part, -2, axis=0) for part in sums]
        return np.asarray(super().maximise(sums, theta))  # type: ignore[misc]


class SkewedDiagonal(_Bent, Diagonal):
    """One cloud of skewed phases that have nothing to do with one another."""


class SkewedFull(_Bent, Full):
    """One cloud of skewed phases that are related."""


def fit_skewed(scores: pd.DataFrame) -> list[Mixture]:
    """Fit one cloud of skewed phases, unrelated and related, without tails of their own and with.

    Parameters
    ----------
    scores : DataFrame, n units × p phases

    Returns
    -------
    list of Mixture
        Their means and covariances are those of bent scores.

    Examples
    --------
    >>> scores = pd.DataFrame(np.random.default_rng(1).gamma(1, 20, (90, 2)), columns=["AG", "EX"])
    >>> [rival.model.name for rival in fit_skewed(scores)][::2]
    ['skewed cloud (EEI)', 'skewed cloud, tails (EEI)']
    """
    columns = [column[np.isfinite(column)] for column in standardise(scores).z.T]
    powers = tuple(map(_power, columns))
    both = [_power_and_tail(*column) for column in zip(columns, powers, strict=True)]
    ways = (powers, ()), tuple(zip(*both, strict=True))
    models = [Skewed(model, *way) for way in ways for model in (EEI, EEE)]
    return [fit_bound(scores, model, np.ones((len(scores), 1))) for model in models]


def fit_skewed_along_axes(scores: pd.DataFrame) -> list[Mixture]:
    """Fit one cloud that is skewed along axes of its own: one, two, and so on up to all.

    Parameters
    ----------
    scores : DataFrame, n units × p phases

    Returns
    -------
    list of Mixture
        Empty where a score is missing, or a phase is nearly a sum of others. Their means and
        covariances are those of bent places along the axes.

    Examples
    --------
    >>> draw = np.random.default_rng(1).gamma(1, 20, (90, 2))
    >>> scores = pd.DataFrame(draw @ [[1, 1], [-1, 1]], columns=["AG", "EX"])
    >>> [rival.n_parameters for rival in fit_skewed_along_axes(scores)]
    [7, 8]
    """
    data, whole = standardise(scores), np.ones((len(scores), 1))
    values, covariance, least = data.z, np.cov(data.z.T), np.sqrt(data.floor)
    if np.isnan(values).any() or np.linalg.eigvalsh(covariance / np.outer(least, least))[0] <= 1:
        return []
    axes = np.linalg.cholesky(np.linalg.inv(covariance)).T
    found, powers = [], []
    for bent in range(values.shape[1]):
        direction, power = _most_skewed(values @ axes[bent:].T)
        turn = np.linalg.qr(np.column_stack([direction, np.eye(len(direction))]))[0]
        turn[:, 0] = direction  # which it may have turned round
        axes[bent:] = turn.T @ axes[bent:]
        powers.append(power)
        stretch = float(np.linalg.slogdet(axes)[1])
        model = SkewedAlongAxes(EEI, tuple(powers), stretch=stretch, axes=axes.copy())
        found.append(fit_bound(scores, model, whole))
    return found


def _most_skewed(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Give the direction in which uncorrelated values are most skewed, and the power to bend it.

    From where the third moments point.
    """
    direction = values.T @ (values**2).sum(axis=1) + np.finfo(float).tiny  # of none, any
    for _ in range(SETTLES):
        direction = values.T @ (values @ direction / np.linalg.norm(direction)) ** 2

    def badness(way: np.ndarray) -> float:
        return _badness(*_bent(values @ way[:-1] / np.linalg.norm(way[:-1]), way[-1], 1.0))

    start = [*direction / np.linalg.norm(direction), 1.0]
    bounds = [(None, None)] * values.shape[1] + [BENT_WITHIN[0]]
    best = minimize(badness, start, method="L-BFGS-B", bounds=bounds).x
    return best[:-1] / np.linalg.norm(best[:-1]), float(best[-1])


def _power(values: np.ndarray) -> float:
    """Give the power that makes values most nearly normal; 1 where they are all the same."""
    return float(yeojohnson_normmax(values)) if np.ptp(values) > 0 else 1.0


def _power_and_tail(values: np.ndarray, power: float) -> tuple[float, float]:
    """Give the power and tail that make values most nearly normal, from the best power alone.

    Only tails that leave one mode, of which the top may be flat: two heaps are no tails.
    """
    if np.ptp(values) == 0:
        return 1.0, 1.0

    def badness(way: np.ndarray) -> float:
        bent, logs = _bent(values, way[0], np.exp(way[1]))
        has_dip = np.exp(2 * way[1]) * (1 - 1 / bent.var()) > 1
        return np.inf if has_dip else _badness(bent, logs)

    start = np.clip(power, *BENT_WITHIN[0])
    best = minimize(badness, [start, 0.0], method="Nelder-Mead", bounds=BENT_WITHIN).x
    return float(best[0]), float(np.exp(best[1]))


def _badness(bent: np.ndarray, logs: np.ndarray) -> float:
    """Tell how far bent values are from normal: their log-likelihood, turned round."""
    return float(len(bent) * np.log(bent.std()) - logs.sum())


def _bent(values: np.ndarray, power: float, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Bend values by power and tail; the logarithm of how far that stretches comes with them."""
    bent = yeojohnson(values, power)
    logs = np.sign(values) * np.log1p(np.abs(values)) * (power - 1)
    ends = tail * np.arcsinh(bent)
    logs += np.log(tail * np.cosh(ends)) - np.log1p(bent**2) / 2
    return np.sinh(ends), logs
