"""A way of answering: from where units truly stand to what their respondents say.

A respondent sees a phase as the unit's true score plus an error, which may be the same in all
phases for a part (halo). An answer is that view, plus how easy the item is, plus noise, laid on the
steps of the answer scale and cut off at its ends. Some answer without reading, and some not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.special import ndtri

from cycle_analysis.measurement.scores import respondent_scores, unit_scores


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


def heaped(shares: Sequence[float], mean: float = 50.0, sd: float = 25.0) -> tuple[float, ...]:
    """Give the points that cut a normal distribution into answers with these shares.

    Examples
    --------
    >>> heaped([0.5, 0.3, 0.2])
    (50.0, 71.05)
    """
    deviates = np.round(ndtri(np.cumsum(shares)[:-1] / np.sum(shares)), 3)
    return tuple((mean + sd * deviates).tolist())


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
        Points at which one answer becomes the next, as `steps` or `heaped` gives them.
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
