"""The one generator of surveys whose truth is known, in memory or as raw exports.

A world (`worlds`) says where units truly stand, `Answering` what their respondents say of it; a
`Truth` adds what a whole study has over its waves. The bundled studies, of which
``tools/make_example.py`` states the truth, tests, benchmarks and ``cycle-analysis simulate`` all
draw from here.

Levels are percent of the maximum possible, before answers are rounded to the steps of the answer
scale and cut off at its ends. A mean near 0 therefore shows as a floor effect in the answers, and
the observed mean lies a little above the stated one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.random import Generator

from cycle_analysis.simulate.worlds import (
    FOUR,
    PHASES,
    Answering,
    Continuum,
    Profiles,
    Survey,
    World,
    choose,
    steps,
)
from cycle_analysis.study import Study


@dataclass(frozen=True, eq=False)
class Margin:
    """How an item is answered where the shares of its answers are known, not its thresholds.

    Attributes
    ----------
    answers : array
        Answers from the lowest to the highest, each as often as it shall be given.
    weights : array, p phases
        How the item follows what a respondent sees of each phase; below 0 when it is reversed.
    noise : float
        Standard deviation of what follows no phase, in the unit of the weights.
    missing : mapping of reason to float
        Share of respondents without an answer, 0-1.

    Examples
    --------
    >>> item = Margin(np.array([0, 0, 1, 4]), np.array([1.0]), 0.0, {})
    >>> item.lay(np.array([[80.0], [10.0], [30.0], [20.0]]), np.random.default_rng(1)).tolist()
    [4, 0, 1, 0]
    """

    answers: np.ndarray
    weights: np.ndarray
    noise: float
    missing: Mapping[str, float]

    def lay(self, seen: np.ndarray, rng: Generator) -> np.ndarray:
        """Give answers to who sees the phases so, m × p: by rank, so that their shares come out."""
        points = seen @ self.weights + self.noise * rng.standard_normal(len(seen))
        place = points.argsort(kind="stable").argsort() / len(points)
        return self.answers[(place * len(self.answers)).astype(int)]


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of a study: its profiles and their change, its respondents, its measurement.

    Attributes
    ----------
    profiles : Profiles
        From the lowest to the highest mean; their shares are those in size class 4
        (20,000-50,000 inhabitants), their columns the phases in cycle order.
    transitions : tuple of tuple of float, k × k
        Chance to go from profile (row) to profile (column) between two waves.
    unit_memory : float
        Correlation of a unit's deviation from its profile between two waves.
    answering : Answering
        Errors of respondents and answers; numbers of respondents and items are those of the study.
    role_effects : mapping of role to tuple of float, one per phase
        How much more favourably a role answers, percent points.
    role_order : tuple of tuple of str
        For the first, second, ... respondent of a unit: the roles, each as likely.
    response_rate : mapping of size class to float
        Chance that a unit takes part, 0-1.
    response_memory : float
        Correlation between two waves of the inclination to take part.
    style_sd : float
        Standard deviation of response style: the same in all ratings, also outside the phases.
    coordinator_blocks : tuple of str
        Blocks that only the first respondent of a unit fills in.
    open_answers : tuple of str
        Texts for open questions; visibly synthetic.
    turnout : sequence of float, one per wave
        What the chances to take part are multiplied by; 1 when empty.
    counts : sequence of array, one per wave
        Chances of 1, 2, ... respondents of a unit that takes part, `len(role_order)` at most.
    margins : mapping of wave to mapping of item to Margin
        How its items are answered, see `answer`.
    """

    profiles: Profiles
    transitions: tuple[tuple[float, ...], ...]
    unit_memory: float
    answering: Answering
    role_effects: Mapping[str, tuple[float, ...]]
    role_order: tuple[tuple[str, ...], ...]
    response_rate: Mapping[int, float]
    response_memory: float
    style_sd: float = 0.0
    coordinator_blocks: tuple[str, ...] = ()
    open_answers: tuple[str, ...] = ("[synthetisch]",)
    turnout: Sequence[float] = ()
    counts: Sequence[np.ndarray] = ()
    margins: Mapping[str, Mapping[str, Margin]] = field(default_factory=dict)

    @property
    def phases(self) -> list[str]:
        """Phase codes in cycle order."""
        return self.profiles.centroids.columns.tolist()

    def shares(self, size_class: pd.Series) -> np.ndarray:
        """Give the share of each profile among new units, n × k, as far as sizes tell."""
        return np.tile(self.profiles.chances, (len(size_class), 1))

    def count(self, units: pd.DataFrame, wave: int, rng: Generator) -> np.ndarray:
        """Draw how many respondents each unit has where it takes part, 1 or more."""
        return 1 + choose(np.tile(self.counts[wave], (len(units), 1)), rng)

    def see(self, units: pd.DataFrame, rng: Generator) -> np.ndarray:
        """Let each respondent see the true scores of the unit, `units` with a row for each."""
        return self.answering.see(units[self.phases].to_numpy(), rng)

    def answer(
        self,
        study: Study,
        wave: str,
        asked: pd.DataFrame,
        respondents: pd.DataFrame,
        chance: Sequence[Generator],
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Draw answers, and reasons why there are none, of the items of a wave.

        Parameters
        ----------
        study, wave
            What the answers are of.
        asked : DataFrame, items
            Those of the codebook that the wave asked.
        respondents : DataFrame, m respondents
            How each sees every phase, and `style`, what it adds to every rating.
        chance : sequence of Generator
            One each for the items of the phases, for all others, and for what is missing.

        Returns
        -------
        two DataFrames, m respondents × items
            What each would answer; and why it did not, ``""`` where it did.
        """
        seen, given, reasons = respondents[self.phases].to_numpy(), {}, {}
        for item in asked.index:
            margin = self.margins[wave][item]
            given[item] = margin.lay(seen, chance[0])
            chances = np.tile([*margin.missing.values()], (len(seen), 1))
            whole = np.column_stack([chances, 1 - chances.sum(axis=1)])
            told = np.array([*margin.missing, ""], dtype=object)
            reasons[item] = told[choose(whole, chance[0])]
        index = respondents.index
        return pd.DataFrame(given, index=index), pd.DataFrame(reasons, index=index)


def draw_survey(
    n_units: int = 200,
    n_respondents: int = 3,
    centroids: pd.DataFrame | None = None,
    *,
    shares: Sequence[float] = (),
    spread: float = 10.0,
    respondent_sd: float = 15.0,
    seed: int = 2018,
) -> Survey:
    """Draw a survey of units that truly fall into profiles.

    For what profiles do not cover - continua, careless respondents, other answer scales - put a
    world and a way of answering together: ``Answering(...)(world(n, rng), rng)``, see
    `cycle_analysis.simulate`.

    Parameters
    ----------
    n_units, n_respondents : int
        Units, and respondents of each.
    centroids : DataFrame, k profiles × p phases, optional
        Mean true scores, 0-100; by default the four profiles of `simulate.FOUR`.
    shares : sequence of float, one for each profile
        Chances of the profiles; when empty, units fall into them in turn.
    spread, respondent_sd : float
        Standard deviation of units around their profile, and of respondents around their unit, in
        points.
    seed : int
        The same seed draws the same survey.

    Returns
    -------
    Survey
        `answers` (respondents × items, codes 0-4), `units` (of each respondent), `items` (phase,
        low, high, reversed): what `phase_scores` takes. `states` (units): the truth, `profile` and
        the true score on each phase.

    Raises
    ------
    ValueError
        Without units or respondents, or when `shares` are not one for each profile.

    Examples
    --------
    >>> survey = draw_survey(n_units=6, n_respondents=2)
    >>> survey.states["profile"].tolist(), survey.answers.shape
    ([1, 2, 3, 4, 1, 2], (12, 25))
    >>> survey.scores.columns.tolist()
    ['AG', 'EX', 'VB', 'VA', 'NN']
    """
    means = FOUR.centroids if centroids is None else centroids
    if n_units < 1:
        raise ValueError(f"n_units is {n_units}. Allowed: 1 or more.")
    if len(shares) not in (0, len(means)):
        raise ValueError(f"{len(shares)} shares of {len(means)} profiles. Give one for each.")
    rng = np.random.default_rng(seed)
    world = Profiles(means, spread, shares)
    ask = Answering(respondents=(n_respondents,), respondent_sd=respondent_sd)
    return ask(world(n_units, rng), rng)
