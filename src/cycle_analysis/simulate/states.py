"""Draw where units stand: one wave, and what becomes of it in the next.

A unit's level in a phase is the mean of its profile plus a deviation of its own. Between waves a
unit may go to another profile, and keeps part of its deviation. A unit formed by a merger starts
from the profile in which most of its inhabitants lived, and from the deviations of its
predecessors weighted by inhabitants.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from .truth import Truth


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
