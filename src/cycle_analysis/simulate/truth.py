"""The truth behind a synthetic study: profiles, background, change.

State what is true of a synthetic study, so that an analysis can be compared with it.

All levels are percent of the maximum possible, before answers are rounded to the steps of the
answer scale and cut off at its ends. A mean near 0 therefore shows as a floor effect in the
answers, and the observed mean lies a little above the stated one.

Draw the answers outside the phases: self-placement, preconditions, marks, facts, open texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import pandas as pd

from cycle_analysis.seeds import Seed
from cycle_analysis.study.files import Scale


@dataclass(frozen=True)
class Profile:
    """What the units of one profile have in common.

    Attributes
    ----------
    means : tuple of float, one per phase
        Level of the profile, 0-100.
    share : float
        Share of units of size class 4 (20,000-50,000 inhabitants), 0-1.
    size_slope : float
        Change of the log of the share for each size class above 4.
    respondent_spread : float
        How much more (> 1) respondents of one unit differ than `Truth.respondent_sd` says.
    """

    means: tuple[float, ...]
    share: float
    size_slope: float = 0.0
    respondent_spread: float = 1.0


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


@dataclass(frozen=True)
class Truth:
    """What is true of a study: its profiles, its respondents, its measurement.

    Attributes
    ----------
    phases : tuple of str
        Phase codes in cycle order.
    profiles : tuple of Profile
        From the lowest to the highest mean.
    transitions : tuple of tuple of float, k × k
        Chance to go from profile (row) to profile (column) between two waves.
    unit_sd : float
        Standard deviation between units within a profile, per phase, percent points.
    unit_memory : float
        Correlation of a unit's deviation from its profile between two waves.
    respondent_sd : float
        Standard deviation between respondents within a unit, per phase, percent points.
    respondent_general : float
        Share of that variance that is the same for all phases, 0-1.
    style_sd : float
        Standard deviation of response style: the same in all ratings, also outside the phases.
    item_spread : float
        Difference between the easiest and the most difficult item of a phase, percent points.
    item_sd : float
        Standard deviation of the noise per answer, percent points.
    items_per_phase, n_steps : int
        Instrument of answers drawn in memory; an exported study has its codebook.
    role_effects : mapping of role to tuple of float, one per phase
        How much more favourably a role answers, percent points.
    role_order : tuple of tuple of str
        For the first, second, ... respondent of a unit: the roles, each as likely.
    mean_respondents : mapping of size class to float
        Mean number of respondents of a unit that takes part, 1-`len(role_order)`.
    single_share : float
        Share of units that in spite of this have one respondent only, 0-1.
    response_rate : mapping of size class to float
        Chance that a unit takes part, 0-1.
    response_memory : float
        Correlation between two waves of the inclination to take part.
    blank_rate, dont_know_rate : float
        Chance that an answer is left out, or is *weet niet*, 0-1.
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
    """

    phases: tuple[str, ...]
    profiles: tuple[Profile, ...]
    transitions: tuple[tuple[float, ...], ...]
    unit_sd: float
    unit_memory: float
    respondent_sd: float
    respondent_general: float
    style_sd: float
    item_spread: float
    item_sd: float
    items_per_phase: int
    n_steps: int
    role_effects: Mapping[str, tuple[float, ...]]
    role_order: tuple[tuple[str, ...], ...]
    mean_respondents: Mapping[int, float]
    single_share: float
    response_rate: Mapping[int, float]
    response_memory: float
    blank_rate: float
    dont_know_rate: float
    not_applicable_rate: float
    reached: float = 25.0
    follows: Mapping[str, Follows] = field(default_factory=dict)
    coordinator_blocks: tuple[str, ...] = ()
    open_answers: tuple[str, ...] = ("[synthetisch]",)

    def __post_init__(self) -> None:
        for profile in self.profiles:
            if len(profile.means) != len(self.phases):
                raise ValueError(
                    f"A profile has {len(profile.means)} means, the study {len(self.phases)} "
                    "phases. Give one mean per phase."
                )
        if not np.isclose(self.shares.sum(), 1):
            raise ValueError(f"The shares of the profiles add up to {self.shares.sum():g}, not 1.")
        k = len(self.profiles)
        rows = np.asarray(self.transitions, dtype=float)
        if rows.shape != (k, k) or not np.allclose(rows.sum(axis=1), 1):
            raise ValueError(
                f"Transitions need {k} rows of {k} chances that add up to 1, not {rows.tolist()}."
            )

    @property
    def shares(self) -> np.ndarray:
        """Share of each profile in size class 4, k numbers, 0-1."""
        return np.array([profile.share for profile in self.profiles])

    @property
    def means(self) -> np.ndarray:
        """Level of each profile in each phase, k profiles × p phases, 0-100."""
        return np.array([profile.means for profile in self.profiles])


class Step(IntEnum):
    """Steps of a draw that have a random generator of their own."""

    STATES = 0
    PARTICIPATION = 1
    RESPONDENTS = 2
    ANSWERS = 3
    BACKGROUND = 4
    MISSING = 5
    EXPORT = 6


def generator(seed: Seed, *key: int) -> np.random.Generator:
    """Give one step of a draw a generator that depends on nothing but the seed and its key.

    Examples
    --------
    >>> a = generator(1, Step.STATES).random()
    >>> a == generator(np.random.SeedSequence(1), Step.STATES).random()
    True
    >>> a == generator(1, Step.ANSWERS).random()
    False
    """
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.default_rng(
        np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *map(int, key)))
    )


OPEN_ANSWER_RATE = 0.35
"""Share of respondents who answer an open question."""


def draw_background(
    truth: Truth,
    respondents: pd.DataFrame,
    codebook: pd.DataFrame,
    scales: Mapping[str, Scale],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw answers on all items without a phase.

    Parameters
    ----------
    truth : Truth
        Its `follows` says how an item, or a block, follows the phases; without a rule each answer
        is as likely.
    respondents : DataFrame
        As from `draw_respondents`.
    codebook : DataFrame
        Index `item`; `block`, `phase` (empty), `scale`, `reversed` (bool).
    scales : mapping of name to Scale
        As in `Study.scales`.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame, n respondents × items
        Codes and numbers; texts for open questions (empty where none was given).
    """
    columns = {}
    for item, row in codebook.iterrows():
        scale = scales[row["scale"]]
        if scale.kind == "text":
            columns[item] = _open_answers(truth, len(respondents), rng)
            continue
        keys = (str(item), str(item).split("_")[0], str(row["block"]))
        rule = next((truth.follows[key] for key in keys if key in truth.follows), None)
        if rule is None:
            codes = _lay_on_scale(rng.random(len(respondents)), scale, decimals=0)
        else:
            share = _shares_of_scale(truth, respondents, rule, scale.kind, rng)
            codes = _lay_on_scale(share, scale, rule.decimals)
        if row["reversed"]:
            codes = sum(_ends(scale)) - codes
        columns[item] = codes
    return pd.DataFrame(columns, index=respondents.index)


def _open_answers(truth: Truth, n: int, rng: np.random.Generator) -> np.ndarray:
    texts = rng.choice(np.array(truth.open_answers, dtype=object), n)
    return np.where(rng.random(n) < OPEN_ANSWER_RATE, texts, "")


def _shares_of_scale(
    truth: Truth, respondents: pd.DataFrame, rule: Follows, kind: str, rng: np.random.Generator
) -> np.ndarray:
    """Where on the answer scale each respondent stands, 0-1."""
    level = respondents[list(rule.phases or truth.phases)].mean(axis=1)
    percent = rule.offset + rule.slope * level + rng.normal(0, rule.sd, len(respondents))
    if kind == "rating":
        percent = percent + respondents["style"]
    return np.clip(percent.to_numpy() / 100, 0, 1) ** rule.power


def _lay_on_scale(share: np.ndarray, scale: Scale, decimals: int) -> np.ndarray:
    if scale.kind == "category":
        codes = np.array([float(code) for code in scale.labels])
        return codes[np.minimum((share * len(codes)).astype(int), len(codes) - 1)]
    low, high = _ends(scale)
    return np.round(low + (high - low) * share, decimals)


def _ends(scale: Scale) -> tuple[float, float]:
    if scale.min is None or scale.max is None:
        raise ValueError("A number is drawn between min and max: give both in study.yaml.")
    return scale.min, scale.max
