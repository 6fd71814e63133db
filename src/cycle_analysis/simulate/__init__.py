"""The one generator of surveys whose truth is known, in memory or as raw exports.

A world (`worlds`) says where units truly stand, `Answering` what their respondents say of it; a
`Truth` adds what a whole study has over its waves, the bundled studies among them. These, tests,
benchmarks and ``cycle-analysis simulate`` all draw from here.

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
    heaped,
    steps,
)


@dataclass(frozen=True)
class Follows:
    """How the answer to a question outside the phases follows from the phases.

    The answer is ``offset + slope * (mean of phases) + noise`` in percent, raised to `power` on
    0-1 (a power above 1 makes counts skewed), and then laid on the answer scale.

    Attributes
    ----------
    phases : tuple of str
        Phases that it follows; empty for all.
    offset, slope, sd : float
        Percent points; `sd` is the standard deviation of the noise between respondents.
    power : float
    decimals : int
        Decimals of the answer, for numbers.
    """

    phases: tuple[str, ...] = ()
    offset: float = 0.0
    slope: float = 1.0
    sd: float = 15.0
    power: float = 1.0
    decimals: int = 0


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
    size_slopes : tuple of float, one per profile
        Change of the log of the share for each size class above 4.
    respondent_spreads : tuple of float, one per profile
        How much more (> 1) respondents of one unit differ than `answering` says.
    transitions : tuple of tuple of float, k × k
        Chance to go from profile (row) to profile (column) between two waves.
    unit_memory : float
        Correlation of a unit's deviation from its profile between two waves.
    answering : Answering
        Errors of respondents and answers; numbers of respondents and items are those of the study.
    style_sd : float
        Standard deviation of response style: the same in all ratings, also outside the phases.
    role_effects : mapping of role to tuple of float, one per phase
        How much more favourably a role answers, percent points.
    role_order : tuple of tuple of str
        For the first, second, ... respondent of a unit: the roles, each as likely.
    mean_respondents : mapping of size class to float
        Mean number of respondents of a unit that takes part, 1-`len(role_order)`, in wave one.
    respondents_kept : float
        Share of the respondents beyond a unit's first that is left with every further wave, 0-1.
    single_share : float
        Share of units that in spite of this have one respondent only, 0-1.
    response_rate : mapping of size class to float
        Chance that a unit takes part, 0-1.
    response_memory : float
        Correlation between two waves of the inclination to take part.
    dont_know_rate : float
        Chance that an answer is *weet niet*, 0-1.
    not_applicable_rate : float
        Chance of *n.v.t.* for the last phase where that phase has not been reached at all, 0-1;
        it falls linearly to 0 for the first phase and for a level of `reached`.
    reached : float
        Level from which a phase counts as reached, 0-100.
    follows : mapping of item or block to Follows
        Rules for questions outside the phases; the item's own rule goes before its block's.
    coordinator_blocks : tuple of str
        Blocks that only the first respondent of a unit fills in.
    open_answers : tuple of str
        Texts for open questions; visibly synthetic.
    turnout : sequence of float, one per wave
        What the chances to take part are multiplied by; 1 when empty.
    counts : sequence of array, one per wave
        Chances of 1, 2, ... respondents of a unit, in place of `mean_respondents`.
    margins : mapping of wave to mapping of item to Margin
        How its items are answered, in place of `answering.rate`, `follows` and the rates of what
        is missing.
    """

    profiles: Profiles
    size_slopes: tuple[float, ...]
    respondent_spreads: tuple[float, ...]
    transitions: tuple[tuple[float, ...], ...]
    unit_memory: float
    answering: Answering
    style_sd: float
    role_effects: Mapping[str, tuple[float, ...]]
    role_order: tuple[tuple[str, ...], ...]
    mean_respondents: Mapping[int, float]
    single_share: float
    response_rate: Mapping[int, float]
    response_memory: float
    dont_know_rate: float
    not_applicable_rate: float
    respondents_kept: float = 1.0
    reached: float = 25.0
    follows: Mapping[str, Follows] = field(default_factory=dict)
    coordinator_blocks: tuple[str, ...] = ()
    open_answers: tuple[str, ...] = ("[synthetisch]",)
    turnout: Sequence[float] = ()
    counts: Sequence[np.ndarray] = ()
    margins: Mapping[str, Mapping[str, Margin]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        k = len(self.profiles.centroids)
        rows = np.asarray(self.transitions, dtype=float)
        if rows.shape != (k, k) or not np.allclose(rows.sum(axis=1), 1):
            raise ValueError(
                f"Transitions need {k} rows of {k} chances that add up to 1, not {rows.tolist()}."
            )
        for name in ("size_slopes", "respondent_spreads"):
            if len(getattr(self, name)) != k:
                raise ValueError(f"`{name}` needs {k} numbers, one per profile.")

    @property
    def phases(self) -> list[str]:
        """Phase codes in cycle order."""
        return self.profiles.centroids.columns.tolist()


EXAMPLE_SEED = 20180312
"""Seed of the committed files."""

EXAMPLE_PROFILES = pd.DataFrame(
    [
        (26.0, 18.0, 12.0, 10.0, 6.0),  # Getting oriented: known, but little else has begun.
        (36.0, 69.0, 46.0, 14.0, 12.0),  # Busy experimenters: many pilots, little laid down.
        (75.0, 23.0, 28.0, 61.0, 26.0),  # Anchoring by plan: owner, budget, procedures first.
        (74.0, 68.0, 72.0, 58.0, 56.0),  # Broad front-runners: all phases at once.
    ],
    columns=list(PHASES),
)
"""Means of the example: the second and third have nearly the same level, and cross twice. What
tells them apart is where they stand in the cycle, not how far they are."""

EXAMPLE = Truth(
    profiles=Profiles(EXAMPLE_PROFILES, spread=3.0, shares=(0.38, 0.24, 0.22, 0.16)),
    size_slopes=(-0.35, 0.10, 0.05, 0.40),
    respondent_spreads=(1.0, 1.0, 1.0, 1.1),
    transitions=(
        (0.62, 0.19, 0.16, 0.03),
        (0.04, 0.72, 0.08, 0.16),
        (0.03, 0.06, 0.75, 0.16),
        (0.00, 0.03, 0.05, 0.92),
    ),
    unit_memory=0.7,
    answering=Answering(respondent_sd=25, halo=0.08, item_sd=29, item_spread=14, blank=0.015),
    style_sd=3.0,
    role_effects={
        "STR": (4, 0, 1, 2, 1),
        "DAT": (-2, 2, -2, -3, -3),
        "DOM": (-2, -2, 0, 0, 1),
        "BES": (6, 3, 3, 4, 4),
    },
    role_order=(("STR", "DAT"), ("STR", "DAT"), ("DOM",), ("DOM",), ("DOM", "BES"), ("DOM",)),
    mean_respondents={1: 3.4, 2: 3.6, 3: 4.0, 4: 4.3, 5: 4.6, 6: 4.8, 7: 5.0, 8: 5.2},
    single_share=0.03,
    response_rate={1: 0.35, 2: 0.40, 3: 0.46, 4: 0.54, 5: 0.66, 6: 0.74, 7: 0.82, 8: 0.90},
    response_memory=0.5,
    dont_know_rate=0.015,
    not_applicable_rate=0.06,
    follows={
        "A4": Follows(offset=50, slope=0, sd=22, power=2),
        "A5": Follows(offset=35, slope=0.4, sd=25),
        "A6": Follows(offset=35, slope=0, sd=25),
        "B1_1": Follows(("AG",), offset=12, sd=12),
        "B1_2": Follows(("EX",), offset=5, sd=12),
        "B1_3": Follows(("VB", "VA", "NN"), offset=2, sd=12),
        "B2": Follows(offset=2, slope=1.05, sd=16),
        "D": Follows(offset=14, slope=0.75, sd=18),
        "E": Follows(("VA",), offset=28, slope=0.5, sd=18),
        "F": Follows(("AG", "VA"), offset=20, slope=0.55, sd=18),
        "G1": Follows(offset=40, slope=0.45, sd=9, decimals=1),
        "G2": Follows(offset=12, slope=0.9, sd=12),
        "G3": Follows(("VA", "NN"), offset=8, slope=0.9, sd=12),
        "G4": Follows(offset=40, slope=0.6, sd=14),
        "G5": Follows(offset=25, slope=0.8, sd=14),
        "H1": Follows(("AG", "VA"), offset=5, slope=0.9, sd=18),
        "H2": Follows(offset=8, slope=0.4, sd=6, power=3, decimals=1),
        "H3": Follows(("EX",), offset=-5, slope=0.9, sd=22),
        "H4": Follows(("EX",), offset=12, slope=0.4, sd=6, power=2),
        "H5": Follows(("EX",), offset=0, slope=0.28, sd=4, power=2),
        "H6": Follows(("VB",), offset=0, slope=0.25, sd=4, power=2),
        "H7": Follows(offset=15, slope=0.8, sd=15),
        "H8": Follows(("VA",), offset=0, slope=0.7, sd=20),
    },
    coordinator_blocks=("H",),
    open_answers=(
        "[synthetisch] Te weinig tijd naast het gewone werk.",
        "[synthetisch] Gegevens staan verspreid over veel systemen.",
        "[synthetisch] Er is nog geen eigenaar aan de top.",
        "[synthetisch] Pilots stoppen zodra het projectgeld op is.",
        "[synthetisch] Kennis zit bij enkele mensen.",
        "[synthetisch] Onzekerheid over wat volgens de privacyregels mag.",
    ),
)

UNKIND_SEED = 2118

UNKIND_PROFILES = pd.DataFrame(
    [
        (32.0, 26.0, 22.0, 18.0, 14.0),
        (58.0, 54.0, 46.0, 28.0, 24.0),
        (70.0, 64.0, 64.0, 58.0, 50.0),
    ],
    columns=list(PHASES),
)
"""Means of the unkind study: neighbours lie five spreads apart, on nearly one line. Along it
also runs what respondents share over all phases, so that scores of units hide the groups."""

UNKIND = Truth(
    profiles=Profiles(UNKIND_PROFILES, spread=9.0, shares=(0.35, 0.35, 0.30)),
    size_slopes=(0.0, 0.0, 0.0),
    respondent_spreads=(1.0, 1.0, 1.0),
    transitions=((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    unit_memory=1.0,
    answering=Answering(
        respondent_sd=22, halo=0.65, item_sd=20, careless=0.02, straight=0.03, blank=0.02
    ),
    style_sd=0.0,
    role_effects={"STR": (7, 7, 6, 6, 5), "DAT": (-7, -7, -6, -6, -5)},
    role_order=(("STR", "STR", "STR", "DAT"), ("STR", "DAT"), *(("DAT",) * 3 + ("STR",),) * 4),
    mean_respondents=dict.fromkeys(range(1, 9), 5.0),
    respondents_kept=0.1,
    single_share=0.03,
    response_rate={1: 0.26, 2: 0.29, 3: 0.32, 4: 0.37, 5: 0.43, 6: 0.51, 7: 0.60, 8: 0.68},
    response_memory=0.95,
    dont_know_rate=0.02,
    not_applicable_rate=0.10,
)
"""Nothing changes, and everything that makes it look so is there: respondents who answer from one
general impression (half of their error is the same in all phases), five of them in the first wave
and one or two in the second, then mostly of the role that is kinder about everything, units that
lie apart within their profile and stay there, and some who do not read the questions."""

BUNDLED: Mapping[str, tuple[Truth, int]] = {
    "example": (EXAMPLE, EXAMPLE_SEED),
    "unkind": (UNKIND, UNKIND_SEED),
}
"""Truth and seed of the studies in data/raw, by the name of their folder."""


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
