"""Worlds, where units truly stand before anybody is asked, and what their respondents say.

A world draws n units: a table of their true `profile` and their true score on each phase, in points
of a scale from 0 to 100 that they may overstep. `Answering` then makes a survey of it.

In `Profiles` units differ in kind. In a `Continuum` they differ in degree only: each has a
position, and the phases follow it along a course, straight or bent. A method that announces
profiles there is wrong. A course is a function of positions (n × dimensions, mean 0, standard
deviation 1) and of the number of phases; `functools.partial` gives it other values, and any
function of one's own will do.

A respondent sees a phase as the unit's true score plus an error, which may be the same in all
phases for a part (halo). An answer is that view, plus how easy the item is, plus noise, laid on the
steps of the answer scale and cut off at its ends. Some answer without reading, and some not at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike

from cycle_analysis.measurement import respondent_scores, unit_scores

PHASES = ("AG", "EX", "VB", "VA", "NN")
"""Phases of a world, unless it is given others."""
World = Callable[[int, Generator], pd.DataFrame]
"""Draws n units: `profile` (1 for all where there are no groups) and phases, indexed by `unit`."""
Draw = Callable[[tuple[int, int], Generator], np.ndarray]
"""Draws an array of numbers with mean 0 and standard deviation 1, such as `normal`."""
Course = Callable[[np.ndarray, int], np.ndarray]
"""Leads from positions to true scores, n × p or what can be stretched to it; such as `straight`."""


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


@dataclass(frozen=True, eq=False)
class Clouds(Profiles):
    """Profiles whose phases go together within them too.

    Attributes
    ----------
    roots : array, k × p × p
        Square roots of the covariances of true scores, in place of `spread`.
    """

    roots: np.ndarray = field(kw_only=True)

    def deviate(self, member: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw how far units lie from their profile, one of 0..k-1, in each phase."""
        drawn = rng.standard_normal((len(member), self.roots.shape[1]))
        return np.asarray(np.einsum("npq,nq->np", self.roots[member], drawn))


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


def straight(
    at: np.ndarray, p: int, *, means: ArrayLike = 50.0, points: ArrayLike = 16.0
) -> np.ndarray:
    """Lead along a line: `points` for one standard deviation, the same or one for each phase."""
    return np.asarray(means) + np.asarray(points) * at


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
    >>> world = Continuum(straight, even, spread=6)
    >>> world(200, np.random.default_rng(1))[["AG", "NN"]].corr().iloc[0, 1] > 0.8
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


def steps(categories: int = 5, floor: float = 0.0, ceiling: float = 100.0) -> tuple[float, ...]:
    """Give the points at which one answer becomes the next on a scale of equal steps.

    Below `floor` everybody gives the lowest answer, above `ceiling` the highest.

    Examples
    --------
    >>> steps(5)
    (12.5, 37.5, 62.5, 87.5)
    >>> steps(3, ceiling=60)
    (15.0, 45.0)
    """
    at = (np.arange(1, categories) - 0.5) / (categories - 1)
    return tuple((floor + (ceiling - floor) * at).tolist())


@dataclass(frozen=True, eq=False)
class Survey:
    """A survey whose truth is known.

    Attributes
    ----------
    states : DataFrame, n units × (1 + p phases)
        The truth, as a world gives it: `profile`, and the true score on each phase.
    answers : DataFrame, m respondents × q items
        Codes from 0; NaN where not answered.
    units : Series, m respondents
        The unit of each respondent.
    items : DataFrame, q items
        `phase`, `low`, `high`, `reversed`, as `measurement` takes them.
    """

    states: pd.DataFrame
    answers: pd.DataFrame
    units: pd.Series
    items: pd.DataFrame

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores of the units as a study would see them, n × p, 0-100."""
        return self.score(self.answers)

    def score(self, answers: pd.DataFrame) -> pd.DataFrame:
        """Score other answers of the same respondents likewise."""
        return unit_scores(respondent_scores(answers, self.items), self.units)


@dataclass(frozen=True)
class Answering:
    """How many respondents of each unit answer, and how.

    Attributes
    ----------
    respondents : sequence of int
        Numbers of respondents that a unit may have, each as likely: ``(3,)``, ``range(1, 7)``.
    respondent_sd : float
        Standard deviation of respondents around their unit, per phase, points.
    halo : float
        Share of that variance that is the same in all phases, 0-1 (Thorndike 1920).
    items : int
        Items for each phase.
    item_sd : float
        Standard deviation of the noise of an answer, points.
    item_spread : float
        Difference between the easiest and the most difficult item of a phase, points.
    cuts : sequence of float
        Points at which one answer becomes the next, as `steps` gives them.
    careless : float
        Share of respondents who tick at random, 0-1 (Meade & Craig 2012).
    straight : float
        Share of respondents who give to all items the answer that they gave to the first, 0-1.
    blank : float
        Chance that an answer is left out, 0-1.

    References
    ----------
    Meade, A. W. & Craig, S. B. (2012). Identifying careless responses in survey data.
    Psychological Methods 17(3), 437-455.
    Thorndike, E. L. (1920). A constant error in psychological ratings. Journal of Applied
    Psychology 4(1), 25-29.

    Examples
    --------
    >>> from cycle_analysis.simulate import FOUR
    >>> rng = np.random.default_rng(1)
    >>> survey = Answering(respondents=(2,), items=6)(FOUR(40, rng), rng)
    >>> survey.answers.shape, survey.scores.shape
    ((80, 30), (40, 5))
    """

    respondents: Sequence[int] = (3,)
    respondent_sd: float = 15.0
    halo: float = 0.0
    items: int = 5
    item_sd: float = 20.0
    item_spread: float = 0.0
    cuts: Sequence[float] = steps(5)
    careless: float = 0.0
    straight: float = 0.0
    blank: float = 0.0

    def __post_init__(self) -> None:
        if not self.respondents or min(self.respondents) < 1 or self.items < 1:
            raise ValueError("A unit has one respondent or more, a phase one item or more.")
        shares = (self.halo, self.careless, self.straight, self.blank)
        if outside := [share for share in shares if not 0 <= share <= 1]:
            raise ValueError(f"Shares lie between 0 and 1, not {outside}.")
        if not len(self.cuts) or np.any(np.diff(self.cuts) <= 0):
            raise ValueError(f"The cuts {list(self.cuts)} do not rise. Give them as `steps` does.")

    def __call__(self, states: pd.DataFrame, rng: Generator) -> Survey:
        """Ask the units of a world; `states` as it gives them, any table of them will do."""
        true, offered = states.drop(columns="profile"), np.asarray(self.respondents)
        count = offered.repeat(len(true))
        if len(offered) > 1:
            count = offered[rng.integers(0, len(offered), len(true))]
        seen = self.see(true.to_numpy().repeat(count, axis=0), rng)
        phase_of = np.arange(true.shape[1]).repeat(self.items)
        given = np.searchsorted(self.cuts, self.rate(seen, phase_of, rng)).astype(float)
        self.spoil(given, 0, len(self.cuts), rng)
        if self.blank:
            given[rng.random(given.shape) < self.blank] = np.nan
        items = self._table(true.columns)
        respondents = pd.RangeIndex(1, len(given) + 1, name="respondent")
        answers = pd.DataFrame(given, index=respondents, columns=items.index)
        units = pd.Series(true.index.repeat(count), index=respondents, name="unit")
        return Survey(states, answers, units, items)

    def see(self, true: np.ndarray, rng: Generator, more: np.ndarray | float = 1.0) -> np.ndarray:
        """Let each respondent (row) see the true scores of the unit, m × p, `more` or less well."""
        if not self.respondent_sd:
            return true
        general = rng.standard_normal((len(true), 1)) if self.halo else 0.0
        own = rng.standard_normal(true.shape)
        error = np.sqrt(self.halo) * general + np.sqrt(1 - self.halo) * own
        return true + self.respondent_sd * more * error

    def rate(self, seen: np.ndarray, phase_of: np.ndarray, rng: Generator) -> np.ndarray:
        """Let each respondent rate items, m × q, in points: `phase_of` is their column in `seen`.

        The first item of a phase is the easiest, the last the most difficult.
        """
        by_phase = pd.Series(phase_of).groupby(phase_of)
        place = by_phase.cumcount() / (by_phase.transform("size") - 1).clip(lower=1)
        points = seen[:, phase_of] + self.item_spread * (0.5 - place.to_numpy())
        return points + self.item_sd * rng.standard_normal(points.shape) if self.item_sd else points

    def spoil(
        self, given: np.ndarray, low: int | np.ndarray, high: int | np.ndarray, rng: Generator
    ) -> None:
        """Overwrite codes, m × q, of the careless and the straight-liners, from `low` to `high`."""
        if self.careless:
            at_random = rng.random(len(given)) < self.careless
            size = (at_random.sum(), given.shape[1])
            given[at_random] = rng.integers(low, high + 1, size)
        if self.straight:
            in_line = rng.random(len(given)) < self.straight
            given[in_line] = np.clip(given[in_line, :1], low, high)

    def _table(self, phases: Sequence[str]) -> pd.DataFrame:
        rows = {f"{phase}{i}": phase for phase in phases for i in range(1, self.items + 1)}
        ends = {"low": 0, "high": len(self.cuts), "reversed": False}
        return pd.Series(rows, name="phase").rename_axis("item").to_frame().assign(**ends)


@dataclass(frozen=True)
class Seen(Answering):
    """Respondents whose errors go together over the phases.

    Attributes
    ----------
    root : array, p × p
        Square root of the covariance of their errors, in place of `respondent_sd` and `halo`.
    """

    root: np.ndarray = field(kw_only=True)

    def see(self, true: np.ndarray, rng: Generator, more: np.ndarray | float = 1.0) -> np.ndarray:
        """Let each respondent (row) see the true scores of the unit, m × p."""
        return np.asarray(true + more * (rng.standard_normal(true.shape) @ self.root))
