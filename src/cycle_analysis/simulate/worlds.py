"""Worlds: where units truly stand, before anybody is asked.

A world draws n units: a table of their true `profile` and their true score on each phase, in points
of a scale from 0 to 100 that they may overstep. `answers.Answering` then makes a survey of it.

In `Profiles` units differ in kind. In a `Continuum` they differ in degree only: each has a
position, and the phases follow it along a course, straight or bent. A method that announces
profiles there is wrong. A course is a function of positions (n × dimensions, mean 0, standard
deviation 1) and of the number of phases; `functools.partial` gives it other values, and any
function of one's own will do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist

PHASES = ("AG", "EX", "VB", "VA", "NN")
"""Phases of a world, unless it is given others."""

World = Callable[[int, Generator], pd.DataFrame]
"""Draws n units: `profile` (1 for all where there are no groups) and phases, indexed by `unit`."""

Draw = Callable[[tuple[int, int], Generator], np.ndarray]
"""Draws an array of numbers with mean 0 and standard deviation 1, such as `normal`."""

Course = Callable[[np.ndarray, int], np.ndarray]
"""Leads from positions to true scores, n × p or what can be stretched to it; such as `window`."""


def states_of(
    true: ArrayLike, profile: ArrayLike = 1, phases: Sequence[str] = PHASES
) -> pd.DataFrame:
    """Make the table that a world gives of true scores, n units × p phases.

    Examples
    --------
    >>> states_of([[20.0, 60.0], [35.0, 10.0]], phases=["AG", "EX"]).reset_index()
         unit  profile    AG    EX
    0  U00001        1  20.0  60.0
    1  U00002        1  35.0  10.0
    """
    values = np.asarray(true, dtype=float)
    units = pd.Index([f"U{number:05d}" for number in range(1, len(values) + 1)], name="unit")
    states = pd.DataFrame(values, index=units, columns=list(phases))
    states.insert(0, "profile", profile)
    return states


def choose(chances: np.ndarray, rng: Generator) -> np.ndarray:
    """Choose one of 0..k-1 in each row, with the chances of that row, n × k.

    Examples
    --------
    >>> choose(np.array([[0.0, 1.0], [1.0, 0.0]]), np.random.default_rng(1)).tolist()
    [1, 0]
    """
    drawn = rng.random((len(chances), 1)) > chances.cumsum(axis=1)
    return np.minimum(drawn.sum(axis=1), chances.shape[1] - 1)


@dataclass(frozen=True, eq=False)
class Profiles:
    """Units that fall into profiles, each a normal cloud.

    For the like see Milligan (1985, Psychometrika 50, 123-127). A single profile is a world of
    phases that have nothing to do with one another.

    Attributes
    ----------
    centroids : DataFrame, k profiles × p phases
        Mean true scores, 0-100.
    spread : float, one for each profile, or k × p
        Standard deviation of units around their profile in each phase, points.
    shares : sequence of float, one for each profile
        Chances of the profiles, in any unit; when empty, units fall into them in turn.

    Examples
    --------
    >>> three = pd.DataFrame({"AG": [20.0, 50.0, 80.0], "EX": [30.0, 50.0, 70.0]})
    >>> world = Profiles(three, spread=5, shares=[6, 3, 1])
    >>> world(200, np.random.default_rng(1))["profile"].value_counts().tolist()
    [119, 63, 18]
    """

    centroids: pd.DataFrame
    spread: ArrayLike = 10.0
    shares: Sequence[float] = ()

    def __call__(self, n: int, rng: Generator) -> pd.DataFrame:
        """Draw n units."""
        member = np.arange(n) % len(self.centroids)
        if len(self.shares):
            member = choose(np.tile(self.chances, (n, 1)), rng)
        true = self.centroids.to_numpy()[member] + self.deviate(member, rng)
        return states_of(true, member + 1, self.centroids.columns)

    def deviate(self, member: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw how far units lie from their profile, one of 0..k-1, in each phase."""
        return self._spreads[member] * normal((len(member), self._spreads.shape[1]), rng)

    @property
    def chances(self) -> np.ndarray:
        """Shares of the profiles, k numbers that add up to 1."""
        shares = np.asarray(self.shares if len(self.shares) else np.ones(len(self.centroids)))
        return shares / shares.sum()

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the true scores of all units together, p × p."""
        gaps = self.centroids.to_numpy() - self.chances @ self.centroids.to_numpy()
        return (gaps.T * self.chances) @ gaps + np.diag(self.chances @ self._spreads**2)

    def at_distance(self, d: float) -> "Profiles":
        """Move profiles together or apart, until the nearest two lie `d` spreads from each other.

        Where spreads differ, their root mean square counts.

        Examples
        --------
        >>> line = pd.DataFrame({"AG": [30.0, 50.0, 70.0], "EX": [40.0, 40.0, 40.0]})
        >>> Profiles(line, spread=5).at_distance(3).centroids["AG"].tolist()
        [35.0, 50.0, 65.0]
        """
        middle, unit = self.centroids.mean(), np.sqrt((self._spreads**2).mean())
        scale = d * unit / pdist(self.centroids.to_numpy()).min()
        return replace(self, centroids=middle + (self.centroids - middle) * scale)

    def without_groups(self, n: int, rng: Generator) -> pd.DataFrame:
        """Draw n units from one normal cloud of the same means, spreads and correlations."""
        middle = self.chances @ self.centroids.to_numpy()
        true = rng.multivariate_normal(middle, self.covariance, n)
        return states_of(true, phases=self.centroids.columns)

    @property
    def _spreads(self) -> np.ndarray:
        given = np.asarray(self.spread, dtype=float)
        by_profile = given if given.ndim == 2 else given.reshape(-1, 1)
        return np.broadcast_to(by_profile, self.centroids.shape)


FOUR = Profiles(
    pd.DataFrame(
        [
            (30.0, 15.0, 8.0, 5.0, 3.0),
            (70.0, 40.0, 20.0, 15.0, 10.0),
            (55.0, 75.0, 60.0, 30.0, 20.0),
            (85.0, 80.0, 75.0, 70.0, 60.0),
        ],
        columns=list(PHASES),
    )
)
"""Four profiles such as a study of the innovation cycle might expect, equally frequent."""


def normal(size: tuple[int, int], rng: Generator) -> np.ndarray:
    """Draw from the normal distribution."""
    return rng.standard_normal(size)


def even(size: tuple[int, int], rng: Generator) -> np.ndarray:
    """Draw evenly from -√3 to √3."""
    return rng.uniform(-np.sqrt(3), np.sqrt(3), size)


def skewed(size: tuple[int, int], rng: Generator) -> np.ndarray:
    """Draw from a gamma distribution of shape 2: a tail upward, skewness 1.4."""
    return (rng.gamma(2.0, size=size) - 2) / np.sqrt(2)


def heavy_tailed(size: tuple[int, int], rng: Generator) -> np.ndarray:
    """Draw from Student's t with 5 degrees of freedom: kurtosis 9, where the normal has 3."""
    return rng.standard_t(5, size) * np.sqrt(3 / 5)


def two_heaps(size: tuple[int, int], rng: Generator) -> np.ndarray:
    """Draw from the arcsine distribution on ±√2: dense at both ends, thin between, no gap."""
    return np.sqrt(2) * np.cos(rng.uniform(0, np.pi, size))


def straight(
    at: np.ndarray, p: int, *, means: ArrayLike = 50.0, points: ArrayLike = 16.0
) -> np.ndarray:
    """Lead along a line: `points` for one standard deviation, the same or one for each phase."""
    return np.asarray(means) + np.asarray(points) * at


def cumulative(at: np.ndarray, p: int, *, points: float = 37.5, apart: float = 100.0) -> np.ndarray:
    """Lead along a line whose phases are harder and harder, by `apart` points in all.

    Units have gone all the way in the first phase before they begin with the last (Guttman, 1950,
    in Stouffer et al., Measurement and prediction). The steeper, the more of them stand at an end
    of the answer scale, and the answers bend around its corners.
    """
    return straight(at, p, means=50 + apart / 2 * _early(p), points=points)


def window(at: np.ndarray, p: int, *, width: float = 0.9, current: int | None = None) -> np.ndarray:
    """Lead through phases that rise and fall: busy with one now, done with those before.

    A phase scores highest at a place of its own, as in unfolding (Coombs, 1964, A theory of data),
    and `width` tells how long units are busy with it. Only the first `current` phases are asked so
    (all by default); the others are asked as what has been *achieved*: they rise and stay.

    Examples
    --------
    >>> window(np.array([[-1.7], [0.0], [1.7]]), 5, current=2).round().astype(int).tolist()
    [[85, 59, 23, 11, 10], [22, 57, 85, 57, 22], [10, 11, 85, 85, 85]]
    """
    gap = at + np.sqrt(3) * _early(p)
    achieved = (gap > 0) & (np.arange(p) >= (p if current is None else current))
    return 10 + 75 * np.exp(-((np.where(achieved, 0, gap) / width) ** 2) / 2)


def arch(at: np.ndarray, p: int, *, points: float = 16.0, bend: float = 12.0) -> np.ndarray:
    """Lead along a line with a bent second dimension.

    Both ends score lower on early phases, and higher on late ones, than their level says: by `bend`
    points for one standard deviation of the squared position, if that is normal. Such arches come
    by themselves where neighbours alone are alike (Diaconis, Goel & Holmes, 2008, Annals of Applied
    Statistics 2, 777-807).
    """
    return 50 + points * at + bend * (1 - at**2) / np.sqrt(2) * _early(p)


def horseshoe(
    at: np.ndarray, p: int, *, arc: float = 1.5 * np.pi, radius: float = 35.0
) -> np.ndarray:
    """Lead round in level and in early against late phases, `arc` radians for `even` positions.

    The ends face each other across a void; 2π is a ring.
    """
    angle, early = at / np.sqrt(3) * arc / 2, _early(p)
    level = np.sqrt(np.mean(early**2))  # in all phases, it reaches as far as their contrast
    return 50 + radius * (np.sin(angle) * level + np.cos(angle) * early)


def branches(at: np.ndarray, p: int, *, reach: float = 25.0) -> np.ndarray:
    """Lead along a Y: up to the middle by one way, on by early or by late phases, units in turn."""
    turn = np.where(np.arange(len(at)) % 2, 1, -1)[:, None]
    return 50 + reach * np.where(at < 0, at, at * (0.5 + turn * _early(p) / 2))


def plane(at: np.ndarray, p: int, *, correlation: float = 0.5, points: float = 16.0) -> np.ndarray:
    """Lead from two dimensions: one of the early phases, one of the late, both in the middle.

    `points` is what one standard deviation is worth in each phase.
    """
    rotation, sizes, _ = np.linalg.svd([[1, correlation], [correlation, 1]])
    loadings = np.array([_early(p) >= 0, _early(p) <= 0], dtype=float)
    loadings /= np.where(loadings.all(axis=0), np.sqrt(2 + 2 * correlation), 1)
    return 50 + points * at @ (rotation * np.sqrt(sizes)).T @ loadings


def _early(p: int) -> np.ndarray:
    """Set early against late phases, 1 to -1."""
    return np.linspace(1, -1, p).round(12)


@dataclass(frozen=True)
class Continuum:
    """Units along a line, a plane or a curve, without any groups.

    Attributes
    ----------
    course : Course
        Leads from a position to the true scores.
    position : Draw
        Distribution of the positions.
    spread : float
        Standard deviation of units around the course, in each phase by itself, points.
    own : Draw
        Distribution of these deviations.
    dimensions : int
        Of the positions.
    phases : sequence of str

    Examples
    --------
    >>> world = Continuum(window, even, spread=6)
    >>> world(200, np.random.default_rng(1))[["AG", "NN"]].corr().iloc[0, 1] < -0.4
    np.True_
    """

    course: Course = straight
    position: Draw = normal
    spread: float = 12.0
    own: Draw = normal
    dimensions: int = 1
    phases: Sequence[str] = PHASES

    def __call__(self, n: int, rng: Generator) -> pd.DataFrame:
        """Draw n units."""
        size = (n, len(self.phases))
        true = self.course(self.position((n, self.dimensions), rng), size[1])
        own = self.spread * self.own(size, rng) if self.spread else np.zeros(size)
        return states_of(true + own, phases=self.phases)
