"""Fit what is no profiles: units along a line, a curve or a plane, by the engine of the profiles.

A course is a mixture whose components are bound together. Their places form a fixed grid of
positions, their means follow a polynomial of the position, their variances its exponential, and
their shares a distribution with one mode: a generative topographic map (Bishop, Svensén & Williams
1998) of few parameters. A line with normal positions is the common factor model; a curve is what
the phases of one process are when they rise and fall; a plane has two factors, a bent plane two
that interact; in a field units lie anywhere between extremes, mixed of three or four ideal types
(Cutler & Breiman 1994). Whoever claims that units fall into profiles has these to beat: factor
mixtures (Lubke & Neale 2006) compare profiles with lines only, and take a curve for profiles.

References
----------
Bishop, Svensén & Williams (1998), Neural Computation 10(1), 215-234.
Cutler & Breiman (1994), Technometrics 36(4), 338-347.
Lubke & Neale (2006), Multivariate Behavioral Research 41(4), 499-532.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from numpy.polynomial.legendre import legvander
from scipy.linalg import helmert
from scipy.spatial.distance import cdist
from scipy.stats import special_ortho_group

from cycle_analysis.mixtures import em
from cycle_analysis.mixtures.em import floored_factors
from cycle_analysis.mixtures.fit import (
    Components,
    Mixture,
    Model,
    Standardised,
    as_mixture,
    classify,
    standardise,
)
from cycle_analysis.mixtures.gaussian import (
    EEE,
    VVI,
    VVV,
    Concentric,
    CovarianceModel,
    Diagonal,
    Full,
    Steps,
)
from cycle_analysis.mixtures.search import Outcome, main_axes, orders_of

N_NODES, N_SIDE = {1: 31, 2: 11}, {2: 13, 3: 8}
"""Nodes of the grid along each dimension, and on a side of a field, by number of dimensions."""
TURNS = 8
"""Ways in which a field is laid over the units to start from."""
BETAS = {1: (1.0, 1.3, 1.7, 2.2, 3.0, 4.0, 6.0, 9.0), 2: (1.0, 1.5, 2.2, 3.5, 6.0)}
"""Parameters of the beta distributions tried for the positions: of one mode, never hollow."""
NORMAL = 3.4
"""Standard deviations of a normal distribution from the middle of the grid to its end."""
SHARPNESS = 0.12
"""Half of the grid is 1: so far a start spreads a unit around its position."""
SHORT_STEPS, LONG_STEPS, TOLERANCE = 21, 300, 2e-5
"""EM steps of short and long runs; gain per unit and cycle under which a run has converged."""
WIDEST, FURTHEST = 2.0, 0.7
"""Logarithm of how many times a variance may exceed that of the phase; largest step towards it."""
LENGTHS = (1.0, 0.5, 0.2, 0.05, 0.0)
"""Parts of a step that are tried; the last keeps the likelihood from falling."""


@dataclass(frozen=True)
class Course:
    """A form that units without profiles may take.

    Attributes
    ----------
    dimensions : int
        1 for a line or a curve, 2 for a plane.
    degree : int
        Of the polynomial that the means follow: 1 straight, 2 to 4 bent.
    spread : int
        Degree of the polynomial that the log variances follow; 0 is the same spread everywhere.
    normal : bool
        Whether positions are normal; otherwise beta, with two parameters more.
    full : bool
        Whether phases covary around the course; not with a spread that varies.

    Examples
    --------
    >>> Course(1, 1, normal=True).n_parameters(31, 5)  # one factor
    15
    >>> Course(2, 1, normal=True).n_parameters(256, 5)  # two, which may be rotated
    19
    """

    dimensions: int
    degree: int
    spread: int = 0
    normal: bool = False
    full: bool = False

    @property
    def form(self) -> str:
        """The form by a code that texts know: line, curve, plane or bent_plane."""
        straight, bent = ("line", "curve") if self.dimensions == 1 else ("plane", "bent_plane")
        return straight if self.degree == 1 else bent

    @property
    def name(self) -> str:
        """Name, for tables: the form and its degree, and what else is free or fixed."""
        form = f"curve {self.degree}" if self.form == "curve" else self.form.replace("_", " ")
        marks = {
            "normal positions": self.normal,
            f"spread {self.spread}": self.spread > 0,
            "covariances": self.full,
        }
        told = ", ".join(mark for mark, holds in marks.items() if holds)
        return f"{form} ({told})" if told else form

    def n_parameters(self, k: int, p: int) -> int:
        """Count those of means, log variances, positions (normal ones can turn), covariances."""
        each = self.basis.shape[1] + self.spread_basis.shape[1]
        positions = 2 * (not self.normal) - (self.normal and self.dimensions > 1)
        return p * each + positions + (p * (p - 1) // 2) * self.full

    @property
    def components(self) -> CovarianceModel:
        """The covariance model of the nodes, once fitted."""
        return EEE if self.full else VVI

    @property
    def is_plain(self) -> bool:
        """Whether it is no variant of another course, so that orders of units are tried as well."""
        return self.full or not (self.spread or self.normal or self.degree == 4)

    def starts(self, orders: dict[int, np.ndarray], axes: np.ndarray) -> np.ndarray:
        """Positions of units to start from, S × n × dimensions, from their orders and main axes."""
        return orders[self.dimensions]

    def family(self, values: np.ndarray, floor: np.ndarray) -> "DiagonalCourse | FullCourse":
        """Give the family that fits it to values, n × p, with the smallest variances, p."""
        return (FullCourse if self.full else DiagonalCourse)(values, self, floor)

    @cached_property
    def nodes(self) -> np.ndarray:
        """Positions of the grid, M × dimensions, between −1 and 1."""
        m = N_NODES[self.dimensions]
        return np.array(list(product((np.arange(m) + 0.5) / m * 2 - 1, repeat=self.dimensions)))

    @cached_property
    def basis(self) -> np.ndarray:
        """Polynomial at the nodes, M × q."""
        return _polynomial(self.nodes, self.degree)

    @cached_property
    def spread_basis(self) -> np.ndarray:
        """Polynomial of the log variances at the nodes, M × r; without interaction."""
        return _polynomial(self.nodes, self.spread, interact=False)

    @cached_property
    def log_positions(self) -> np.ndarray:
        """Log shares of the nodes under each distribution that the positions may have, T × M."""
        first, last = self.nodes[:, 0], self.nodes[:, -1]
        if self.normal:
            logs = -((NORMAL * self.nodes) ** 2).sum(axis=1)[None] / 2
        elif self.dimensions == 1:
            logs = _betas((1 + first) / 2, (1 - first) / 2)
        else:
            logs = _betas((1 - first**2) / 4, (1 - last**2) / 4, BETAS[2])
        return logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Field(Course):
    """All between three extremes, evenly; in three dimensions between four."""

    @property
    def form(self) -> str:
        """The form by its code."""
        return "field"

    @property
    def name(self) -> str:
        """Name, for tables."""
        return f"field between {self.dimensions + 1} extremes"

    def n_parameters(self, k: int, p: int) -> int:
        """Count those of the extremes and of the log variances."""
        return p * (self.dimensions + 2)

    @cached_property
    def nodes(self) -> np.ndarray:
        """Positions of the grid, M × dimensions; extremes are 1 from the middle."""
        corners, side = self.dimensions + 1, range(N_SIDE[self.dimensions])
        parts = np.array([at for at in product(side, repeat=corners) if sum(at) == side[-1]])
        extremes = helmert(corners).T
        return parts @ (extremes / np.linalg.norm(extremes[0])) / side[-1]

    @cached_property
    def log_positions(self) -> np.ndarray:
        """Log shares of the nodes: all as many, 1 × M."""
        return np.full((1, len(self.nodes)), -np.log(len(self.nodes)))

    def starts(self, orders: dict[int, np.ndarray], axes: np.ndarray) -> np.ndarray:
        """Lay the units over the field in several ways."""
        d = self.dimensions
        turns = special_ortho_group.rvs(d, size=TURNS, random_state=1)
        return axes[:, :d] @ turns / np.sqrt(d * (d + 2))


def _betas(first: np.ndarray, second: np.ndarray, powers: Sequence[float] = BETAS[1]) -> np.ndarray:
    """Log densities of all pairs of powers less one, a row each."""
    pairs = np.array(list(product(powers, repeat=2))) - 1
    return pairs @ np.log([first, second])


def _polynomial(nodes: np.ndarray, degree: int, *, interact: bool = True) -> np.ndarray:
    """Legendre polynomials of positions, M × q; of two dimensions with their product."""
    each = [legvander(at, degree) for at in nodes.T]
    columns = [np.ones((len(nodes), 1)), *(part[:, 1:] for part in each)]
    if len(each) > 1 and degree > 1 and interact:
        columns.append(each[0][:, 1:2] * each[1][:, 1:2])
    return np.hstack(columns)


COURSES = (
    *(
        Course(1, degree, spread, normal)
        for degree in (1, 2, 3, 4)
        for spread in (0, 2)
        for normal in (False, True)
    ),
    Course(1, 1, 3, normal=True),
    *(Course(1, degree, full=True) for degree in (1, 2, 3)),
    Course(2, 1, normal=True),
    *(Course(2, degree, spread) for degree in (1, 2) for spread in (0, 1, 2)),
    *(Field(dimensions, 1) for dimensions in (2, 3)),
)
"""Courses that profiles have to beat, each after those from which it may start."""


class _Bound:
    """A family whose components follow a course; the data and the floor as in `Diagonal`."""

    course: Course

    def log_shares(self, counts: np.ndarray) -> np.ndarray:
        """Give the log shares of the distribution that fits the counts best."""
        offered = self.course.log_positions
        return offered[(offered @ counts).argmax(axis=0)].T

    def regress(self, totals: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Means on the course: weighted least squares, all p × M × B (or 1 × M × B)."""
        basis = self.course.basis
        left = _products_of(basis, weights) + 1e-8 * _sized(weights, basis)
        right = basis.T @ totals
        return basis @ np.linalg.solve(left, right.swapaxes(1, 2)[..., None])[..., 0].swapaxes(1, 2)


def _products_of(basis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums of products of a basis, j × B × q × q, by weights of the nodes, j × M × B."""
    q = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(-1, q * q)
    return (products.T @ weights).transpose(0, 2, 1).reshape(*weights.shape[::2], q, q)


def _sized(weights: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Identity matrices of the basis, as large as all weights together, j × B × q × q."""
    return weights.sum(axis=1)[..., None, None] * np.eye(basis.shape[1])


def scoring_step(
    basis: np.ndarray,
    start: np.ndarray,
    weights: np.ndarray,
    score: np.ndarray,
    cost: Callable[[np.ndarray], np.ndarray],
    furthest: float,
) -> np.ndarray:
    """Go from `start`, j × M × B, along the course by Fisher scoring, shorter if that costs less.

    Parameters
    ----------
    basis : array, M × r
        Of the polynomial that the numbers follow.
    start, weights, score : array, j × M × B
        Where to start; information and derivative of the log-likelihood at every node.
    cost : function of numbers tried, T × j × M × B
        Minus the log-likelihood at every node.
    furthest : float
        Largest change of a coefficient.
    """
    information = _products_of(basis, weights) + 1e-3 * _sized(weights, basis)
    step = np.linalg.solve(information, (basis.T @ score).swapaxes(1, 2)[..., None])[..., 0]
    change = basis @ step.clip(-furthest, furthest).swapaxes(1, 2)
    tried = np.array([start + length * change for length in LENGTHS])
    best = cost(tried).sum(axis=2).argmin(axis=0)[None, :, None, :]
    return np.take_along_axis(tried, best, axis=0)[0]


class DiagonalCourse(_Bound, Diagonal):
    """Components along a course, phases independent around it; theta as in `Diagonal`."""

    def __init__(self, values: np.ndarray, course: Course, floor: np.ndarray):
        super().__init__(values, VVI, floor)
        self.course = course
        overall = np.log(np.maximum(np.nanvar(values, axis=0), floor))[:, None, None]
        self.limits = np.log(floor)[:, None, None], overall + WIDEST
        self.lowest = floor[:, None, None]

    def natural(self, theta: np.ndarray, block: em.Block) -> np.ndarray:
        """Natural parameters, variances kept within their limits."""
        return super().natural(self._limited(theta), block)

    def moments(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and covariances of the nodes, of the first problem."""
        return super().moments(self._limited(theta))

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Means on the course for the variances so far, then the variances for these means."""
        squares, totals, counts = self.sums(sums)
        logs = np.zeros_like(counts) if theta is None else theta[self.p :]
        precisions = np.exp(-np.clip(logs, *self.limits))
        means = self.regress(totals * precisions, counts * precisions)
        deviations = np.maximum(squares - 2 * means * totals + counts * means**2, 0.0)
        if theta is None or not self.course.spread:
            pooled = deviations.sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
            logs = np.broadcast_to(np.log(np.maximum(pooled, 1e-300)), means.shape)
        else:
            logs = self._regress_logs(deviations, counts, logs)
        return np.concatenate([means, logs])

    def _limited(self, theta: np.ndarray) -> np.ndarray:
        return np.concatenate([theta[: self.p], np.clip(theta[self.p :], *self.limits)])

    def _regress_logs(
        self, deviations: np.ndarray, counts: np.ndarray, logs: np.ndarray
    ) -> np.ndarray:
        """Log variances on the course, p × M × B."""

        def cost(tried: np.ndarray) -> np.ndarray:
            at = np.clip(tried, *self.limits)
            return counts * at + deviations * np.exp(-at)

        score = deviations * np.exp(-np.clip(logs, *self.limits)) - counts
        return scoring_step(self.course.spread_basis, logs, counts, score, cost, FURTHEST)


class FullCourse(_Bound, Full):
    """Components along a course, with one covariance around it; theta as in `Full`."""

    def __init__(self, values: np.ndarray, course: Course, floor: np.ndarray):
        super().__init__(values, EEE, floor)
        self.course = course

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Means on the course, which the common covariance does not move; then that covariance."""
        counts, totals, squares = self.complete(sums, theta)
        by_phase = np.moveaxis(totals, -1, 0)
        means = np.moveaxis(self.regress(by_phase, counts[None]), 0, -1)
        cross = totals[..., :, None] * means[..., None, :]
        scatter = squares - cross - np.swapaxes(cross, -1, -2)
        scatter = scatter + counts[..., None, None] * means[..., :, None] * means[..., None, :]
        pooled = scatter.sum(axis=0, keepdims=True) / counts.sum(axis=0)[None, :, None, None]
        return self.theta(means, floored_factors(pooled, self.floor))


def fit_courses(
    scores: pd.DataFrame, centroids: pd.DataFrame | None = None, courses: Iterable[Course] = COURSES
) -> list[Mixture]:
    """Fit every course, each from several orders of the units and from the courses within it.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; NaN is allowed where at least one score of the unit is known.
    centroids : DataFrame, k profiles × p phases, optional
        Profiles that the courses have to beat: a path along them is one of the starts.
    courses : iterable of Course
        Each after those from which it may start.

    Returns
    -------
    list of Mixture
        In the order of `courses`: a component for each node of the grid, so that what serves
        profiles (`log_likelihoods`, `draw`) serves a course.

    Examples
    --------
    >>> at = np.linspace(0, 1, 60)[:, None]
    >>> noise = np.random.default_rng(1).normal(0, 4, (60, 3))
    >>> bent = pd.DataFrame(100 * at ** [1, 2, 4] + noise, columns=["AG", "EX", "VB"])
    >>> line, curve = fit_courses(bent, courses=[Course(1, 1), Course(1, 2)])
    >>> curve.bic < line.bic - 50
    True
    """
    data = standardise(scores)
    filled = np.nan_to_num(data.z)
    path = None if centroids is None else (centroids.to_numpy() - data.centre) / data.scale
    orders, axes = orders_of(filled, path), main_axes(filled) * np.sqrt(len(filled))
    solved: dict[Course, em.Batch] = {}
    fitted = []
    for course in courses:
        family = course.family(data.z, data.floor)
        best = solve(family, course, course.starts(orders, axes), solved, data.weights)
        solved[course] = best
        fitted.append(as_fitted(course, data, family, best, in_order=True))
    return fitted


def as_fitted(
    model: Model, data: Standardised, family: Components, best: em.Batch, in_order: bool = False
) -> Mixture:
    """Give the solution of one start that was climbed from, as a mixture."""
    exact = float(em.memberships(family, best)[1] @ data.weights)
    outcome = Outcome(exact, bool(best.converged[0]), int(best.n_steps[0]), 1, 1)
    return as_mixture(model, data, family, best, outcome, in_order=in_order)


def solve(
    family: DiagonalCourse | FullCourse,
    course: Course,
    orders: np.ndarray,
    solved: dict[Course, em.Batch],
    weights: np.ndarray,
) -> em.Batch:
    """Climb from the orders of the units and from courses within this one; keep the best."""
    kin = [_adapted(solved[other], other, course, family) for other in _within(course, solved)]
    if not kin or course.is_plain:
        away = np.array([cdist(order, course.nodes) for order in orders])
        placed = np.exp(-((np.moveaxis(away, 0, -1) / SHARPNESS) ** 2) / 2)
        placed = placed / placed.sum(axis=1, keepdims=True)
        starts = em.from_responsibilities(family, placed, weights[:, None])
        starts = em.climb(family, starts, weights[:, None], max_steps=SHORT_STEPS, tolerance=0.0)
        kin += [starts.take(np.argsort(-starts.log_likelihood, kind="stable")[:2])]
    batch = em.joined(kin)
    batch = em.climb(family, batch, weights[:, None], max_steps=LONG_STEPS, tolerance=TOLERANCE)
    return batch.take(np.array([batch.log_likelihood.argmax()]))


def _within(course: Course, solved: Iterable[Course]) -> list[Course]:
    """Courses solved that are one step simpler, or the same with other positions."""
    simpler = {
        replace(course, full=False, normal=False) if course.full else course,
        replace(course, degree=course.degree - 1),
        replace(course, spread=0),
        replace(course, spread=max(course.spread - 1, 0)),
        replace(course, normal=False),
    }
    return [other for other in solved if other in simpler]


def _adapted(
    batch: em.Batch, course: Course, to: Course, family: DiagonalCourse | FullCourse
) -> em.Batch:
    """Bring a solution of one course in the coordinates of another, not yet climbed."""
    theta = batch.theta
    if to.full and not course.full:
        means, logs = np.split(theta, 2)
        theta = family.coordinates(
            means[..., 0].T, np.exp(logs[..., 0]).T[:, :, None] * np.eye(len(means))
        )
    return em.begun(theta, batch.log_shares)


def fit_bound(scores: pd.DataFrame, model: Model, members: np.ndarray) -> Mixture:
    """Fit profiles whose means are bound, from memberships of the units, n × k.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10.0, 12, 40, 42, 70, 72], "EX": [5.0, 9, 36, 40, 64, 70]})
    >>> fit_bound(scores, Steps(), np.eye(3)[[0, 0, 1, 1, 2, 2]]).n_parameters
    9
    """
    data = standardise(scores)
    family, weights = model.family(data.z, data.floor), data.weights[:, None]
    start = em.from_responsibilities(family, members[:, :, None], weights)
    best = em.climb(family, start, weights, max_steps=LONG_STEPS, tolerance=TOLERANCE)
    return as_fitted(model, data, family, best)


def fit_steps(scores: pd.DataFrame, profiles: Mixture) -> Mixture:
    """Fit as many profiles on one line, from where free ones have placed the units."""
    certain = 0.9 * classify(profiles, scores).to_numpy() + 0.1 / profiles.k
    return fit_bound(scores, Steps(), certain)


def fit_concentric(scores: pd.DataFrame) -> list[Mixture]:
    """Fit two and three clouds around one centre, from how far units are from it."""
    far = ((scores - scores.mean()) / scores.std()).pow(2).mean(axis=1).rank(method="first")
    found = []
    for model, k in product((VVI, VVV), (2, 3)):
        part = np.ceil(far * k / len(scores)).to_numpy().astype(int) - 1
        members = 0.9 * np.eye(k)[part] + 0.1 / k
        found.append(fit_bound(scores, Concentric(model, k), members))
    return found
