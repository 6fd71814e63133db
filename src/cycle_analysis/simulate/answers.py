"""Draw answers: states of organisations, and what respondents say of them.

Draw where units stand: one wave, and what becomes of it in the next.

A unit's level in a phase is the mean of its profile plus a deviation of its own. Between waves a
unit may go to another profile, and keeps part of its deviation. A unit formed by a merger starts
from the profile in which most of its inhabitants lived, and from the deviations of its
predecessors weighted by inhabitants.

Draw who answers in each unit, and what they answer on the items of the phases.

A respondent sees a phase as the unit's level, plus a deviation of their own (larger where a
profile says so), plus what their role adds, plus response style. An answer is that view, plus how
easy the item is, plus noise, rounded to the steps of the answer scale and cut off at its ends.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from cycle_analysis.measurement.scores import respondent_scores, unit_scores
from cycle_analysis.responses.coding import BLANK
from cycle_analysis.seeds import Seed
from cycle_analysis.simulate.truth import Step, Truth, generator


def draw_profile_states(
    truth: Truth, size_class: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw a profile and a level in each phase for every unit.

    Parameters
    ----------
    truth : Truth
    size_class : Series, n units
        Size class 1-8 on index `unit`.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame, n units × (2 + p phases)
        `profile` (1..k), `respondent_spread`, and the level in each phase (0-100 before rounding).
    """
    profile = _choose(_shares_by_size(truth, size_class), rng)
    deviations = rng.normal(0, truth.unit_sd, (len(size_class), len(truth.phases)))
    return _states(truth, size_class.index, profile, deviations)


def draw_continuum_states(
    truth: Truth, size_class: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw units that differ along one line only: no profiles, the same spread in each phase.

    Arguments and result as `draw_profile_states`; `profile` is 1 for all.
    """
    level = rng.normal(size=(len(size_class), 1)) * _between_sd(truth)
    own = rng.normal(0, truth.unit_sd, (len(size_class), len(truth.phases)))
    return _without_profiles(truth, size_class.index, level + own)


def draw_unrelated_phase_states(
    truth: Truth, size_class: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw units whose phases have nothing to do with one another: no profiles, no cycle.

    Arguments and result as `draw_profile_states`; `profile` is 1 for all.
    """
    level = rng.normal(size=(len(size_class), len(truth.phases))) * _between_sd(truth)
    return _without_profiles(truth, size_class.index, level)


StateDraw = Callable[[Truth, pd.Series, np.random.Generator], pd.DataFrame]
"""A function that draws where units stand, such as `draw_profile_states`."""


def move_states(
    truth: Truth,
    states: pd.DataFrame,
    links: pd.DataFrame,
    persons: pd.Series,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Carry units to the next wave: through mergers, then through the transitions.

    Parameters
    ----------
    truth : Truth
    states : DataFrame
        As from `draw_profile_states`, all units of the earlier wave.
    links : DataFrame
        `from_unit`, `to_unit`, `weight` (share of the inhabitants), as `harmonisation.harmonise`
        gives it.
    persons : Series
        Inhabitants of the units of the earlier wave that have no heir to themselves; only these
        numbers matter, others may lack.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        As from `draw_profile_states`, on the units of the later wave, with `profile_before`: the
        profile that the unit, or most inhabitants of its predecessors, had.
    """
    inhabitants = links["from_unit"].map(persons).fillna(1).astype(float)
    carried = links.assign(persons=inhabitants * links["weight"].astype(float))
    before = _profile_of_most_persons(carried, states["profile"])
    deviations = _deviations_by_persons(truth, carried, states).loc[before.index].to_numpy()
    profile = _choose(np.asarray(truth.transitions)[before.to_numpy() - 1], rng)
    fresh = rng.normal(0, truth.unit_sd, deviations.shape)
    memory = truth.unit_memory
    moved = _states(
        truth, before.index, profile, memory * deviations + np.sqrt(1 - memory**2) * fresh
    )
    return moved.assign(profile_before=before)


def _shares_by_size(truth: Truth, size_class: pd.Series) -> np.ndarray:
    slopes = np.array([profile.size_slope for profile in truth.profiles])
    shares = truth.shares * np.exp(np.outer(size_class.astype(int) - 4, slopes))
    return shares / shares.sum(axis=1, keepdims=True)


def _choose(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of 1..k per row, with the chances of that row."""
    drawn = rng.random((len(chances), 1)) > chances.cumsum(axis=1)
    return np.minimum(drawn.sum(axis=1) + 1, chances.shape[1])


def _states(
    truth: Truth, index: pd.Index, profile: np.ndarray, deviations: np.ndarray
) -> pd.DataFrame:
    levels = truth.means[profile - 1] + deviations
    states = pd.DataFrame(levels, index=index.rename("unit"), columns=list(truth.phases))
    spread = np.array([each.respondent_spread for each in truth.profiles])[profile - 1]
    states.insert(0, "profile", profile)
    states.insert(1, "respondent_spread", spread)
    return states


def _between_sd(truth: Truth) -> np.ndarray:
    """Find the standard deviation between units that the profiles give each phase."""
    centred = truth.means - truth.shares @ truth.means
    return np.sqrt(truth.shares @ centred**2)


def _without_profiles(truth: Truth, index: pd.Index, deviations: np.ndarray) -> pd.DataFrame:
    levels = truth.shares @ truth.means + deviations
    states = pd.DataFrame(levels, index=index.rename("unit"), columns=list(truth.phases))
    states.insert(0, "profile", 1)
    states.insert(1, "respondent_spread", 1.0)
    return states


def _profile_of_most_persons(carried: pd.DataFrame, profile: pd.Series) -> pd.Series:
    persons = carried.assign(profile=carried["from_unit"].map(profile)).pivot_table(
        index="to_unit", columns="profile", values="persons", aggfunc="sum", fill_value=0
    )
    return persons.idxmax(axis=1).astype(int).rename_axis("unit").sort_index()


def _deviations_by_persons(
    truth: Truth, carried: pd.DataFrame, states: pd.DataFrame
) -> pd.DataFrame:
    phases = list(truth.phases)
    own = states[phases] - truth.means[states["profile"] - 1]
    weighted = own.loc[carried["from_unit"]].to_numpy() * carried[["persons"]].to_numpy()
    sums = pd.DataFrame(weighted, columns=phases).groupby(carried["to_unit"].to_numpy()).sum()
    return sums.div(carried.groupby("to_unit")["persons"].sum(), axis=0)


DONT_KNOW = "dont_know"
NOT_APPLICABLE = "not_applicable"


def draw_answers(
    truth: Truth,
    n_units: int,
    n_respondents: int | None,
    seed: Seed,
    draw_states: StateDraw = draw_profile_states,
) -> pd.DataFrame:
    """Draw the answers of a study in memory: one wave, units of size class 4, all take part.

    Parameters
    ----------
    truth : Truth
    n_units : int
        Number of units.
    n_respondents : int or None
        Respondents in each unit; None draws the number as in the study.
    seed : int or numpy.random.SeedSequence
    draw_states : function
        Where units stand; `draw_continuum_states` and `draw_unrelated_phase_states` draw studies
        without profiles.

    Returns
    -------
    DataFrame, n respondents × (1 + p·items)
        `unit`, and an item ``AG1`` ... each, 0 to ``n_steps - 1``; NaN where not answered.

    Examples
    --------
    >>> from cycle_analysis.simulate import EXAMPLE, draw_answers
    >>> answers = draw_answers(EXAMPLE, n_units=40, n_respondents=3, seed=1)
    >>> answers.shape
    (120, 26)
    >>> int(answers["AG1"].max())
    4
    """
    names = pd.Index([f"U{number:05d}" for number in range(1, n_units + 1)], name="unit")
    size_class = pd.Series(4, index=names)
    states = draw_states(truth, size_class, generator(seed, Step.STATES))
    rng = generator(seed, Step.RESPONDENTS)
    count = (
        draw_respondent_counts(truth, size_class, rng)
        if n_respondents is None
        else pd.Series(n_respondents, index=names)
    )
    respondents = draw_respondents(truth, states, count, rng)
    items = items_in_memory(truth)
    values = draw_phase_items(truth, respondents, items, generator(seed, Step.ANSWERS))
    reasons = draw_reasons(truth, respondents, items, generator(seed, Step.MISSING))
    values = values.mask(reasons != "")
    return pd.concat([respondents[["unit"]], values], axis=1)


def draw_profile_answers(
    truth: Truth, n_units: int, n_respondents: int | None, seed: Seed
) -> pd.DataFrame:
    """Draw answers from units with the stated profiles; as `draw_answers`."""
    return draw_answers(truth, n_units, n_respondents, seed, draw_profile_states)


def draw_continuum_answers(
    truth: Truth, n_units: int, n_respondents: int | None, seed: Seed
) -> pd.DataFrame:
    """Draw answers from units along one line, without profiles; as `draw_answers`."""
    return draw_answers(truth, n_units, n_respondents, seed, draw_continuum_states)


def draw_unrelated_phase_answers(
    truth: Truth, n_units: int, n_respondents: int | None, seed: Seed
) -> pd.DataFrame:
    """Draw answers from units whose phases are independent; as `draw_answers`."""
    return draw_answers(truth, n_units, n_respondents, seed, draw_unrelated_phase_states)


def draw_independent_answers(
    truth: Truth, n_units: int, n_respondents: int | None, seed: Seed
) -> pd.DataFrame:
    """Draw answers that nothing holds together: no profiles, units, respondents, or phases.

    Each item keeps the marginal distribution that it has with the profiles of `truth`; its
    answers are dealt out anew over all respondents. Parameters and result as `draw_answers`.

    Examples
    --------
    >>> from cycle_analysis.simulate import EXAMPLE, draw_independent_answers
    >>> answers = draw_independent_answers(EXAMPLE, n_units=200, n_respondents=3, seed=1)
    >>> bool(answers[["AG1", "AG2"]].corr().iloc[0, 1] < 0.15)
    True
    """
    answers = draw_profile_answers(truth, n_units, n_respondents, seed)
    rng = generator(seed, Step.EXPORT)
    dealt = {item: rng.permutation(answers[item].to_numpy()) for item in answers.columns[1:]}
    return pd.concat([answers[["unit"]], pd.DataFrame(dealt, index=answers.index)], axis=1)


def items_in_memory(truth: Truth) -> pd.DataFrame:
    """List the items of a study drawn in memory: `phase`, `low`, `high`, `reversed`."""
    rows = [
        (f"{phase}{number}", phase, 0, truth.n_steps - 1, False)
        for phase in truth.phases
        for number in range(1, truth.items_per_phase + 1)
    ]
    columns = ["item", "phase", "low", "high", "reversed"]
    return pd.DataFrame(rows, columns=columns).set_index("item")


def draw_respondent_counts(
    truth: Truth, size_class: pd.Series, rng: np.random.Generator
) -> pd.Series:
    """Draw how many respondents each unit has: 1 to the length of `Truth.role_order`."""
    most = len(truth.role_order)
    chance = (size_class.astype(int).map(truth.mean_respondents) - 1) / (most - 1)
    count = 1 + rng.binomial(most - 1, chance.to_numpy(dtype=float))
    single = rng.random(len(size_class)) < truth.single_share
    return pd.Series(np.where(single, 1, count), index=size_class.index)


def draw_respondents(
    truth: Truth, states: pd.DataFrame, count: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the respondents of each unit, and how each sees every phase.

    Parameters
    ----------
    truth : Truth
    states : DataFrame
        As from `draw_profile_states`.
    count : Series of int, on index `unit`
        Respondents of each unit.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame, n respondents × (4 + p phases)
        `unit`, `role`, `first` (fills in the facts), `style` (percent points), and the phases
        (0-100 before rounding, without style).
    """
    unit = count.index.repeat(count.to_numpy())
    place = pd.Series(unit).groupby(unit).cumcount().to_numpy()
    n, phases = len(unit), list(truth.phases)
    pick = rng.random(n)
    role = [
        truth.role_order[at][int(pick[row] * len(truth.role_order[at]))]
        for row, at in enumerate(place)
    ]
    general = np.sqrt(truth.respondent_general) * rng.normal(size=(n, 1))
    own = np.sqrt(1 - truth.respondent_general) * rng.normal(size=(n, len(phases)))
    there = states.loc[unit]
    spread = truth.respondent_sd * there[["respondent_spread"]].to_numpy()
    effects = np.array([truth.role_effects[each] for each in role])
    seen = there[phases].to_numpy() + spread * (general + own) + effects
    index = pd.RangeIndex(1, n + 1, name="respondent")
    who = {"unit": unit, "role": role, "first": place == 0}
    respondents = pd.DataFrame(who, index=index)
    respondents["style"] = rng.normal(0, truth.style_sd, n)
    return respondents.join(pd.DataFrame(seen, index=index, columns=phases))


def draw_phase_items(
    truth: Truth, respondents: pd.DataFrame, items: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the answers on the items of the phases, respondents × items, all answered.

    `items` is as from `items_in_memory`, only items with a phase.
    """
    n_items = items.groupby("phase")["phase"].transform("size")
    place = items.groupby("phase").cumcount()
    # The first item of a phase is the easiest, the last the most difficult.
    ease = truth.item_spread * (0.5 - place / (n_items - 1).clip(lower=1))
    seen = respondents[items["phase"]].to_numpy() + respondents[["style"]].to_numpy()
    percent = seen + ease.to_numpy() + rng.normal(0, truth.item_sd, seen.shape)
    low, high = items["low"].to_numpy(float), items["high"].to_numpy(float)
    codes = np.clip(np.rint(low + (high - low) * percent / 100), low, high)
    codes = np.where(items["reversed"].to_numpy(bool), low + high - codes, codes)
    return pd.DataFrame(codes, index=respondents.index, columns=items.index)


def draw_reasons(
    truth: Truth, respondents: pd.DataFrame, items: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw why an answer is missing, respondents × items: a reason, or "" where answered.

    *N.v.t.* comes with late phases that a unit has not reached; items without a phase have only
    blanks and *weet niet*.
    """
    position = {phase: at / max(len(truth.phases) - 1, 1) for at, phase in enumerate(truth.phases)}
    reached = respondents[list(truth.phases)].div(truth.reached).clip(0, 1)
    late = pd.DataFrame(
        {
            item: 0.0 if phase not in position else position[phase] * (1 - reached[phase])
            for item, phase in items["phase"].items()
        },
        index=respondents.index,
    )
    chance, u = late.to_numpy() * truth.not_applicable_rate, rng.random(late.shape)
    edges = np.cumsum([truth.blank_rate, truth.dont_know_rate])
    reasons = np.select(
        [u < edges[0], u < edges[1], u < edges[1] + chance],
        [BLANK, DONT_KNOW, NOT_APPLICABLE],
        default="",
    )
    return pd.DataFrame(reasons, index=respondents.index, columns=items.index)


def phase_scores(truth: Truth, answers: pd.DataFrame) -> pd.DataFrame:
    """Score answers drawn in memory as those of a real study, by the defaults of `scores`.

    Parameters
    ----------
    truth : Truth
    answers : DataFrame
        As from `draw_answers`.

    Returns
    -------
    DataFrame, n units × p phases
        Percent of the maximum possible, 0-100.
    """
    scores = respondent_scores(answers.drop(columns="unit"), items_in_memory(truth))
    return unit_scores(scores, answers["unit"])
