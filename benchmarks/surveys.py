"""Simulated surveys with a known truth, for the benchmarks of the verdict.

Five phase scores; each is the mean of six five-point items (percent of maximum), except
`normal_continuum`, which is not cut into answers. Units answer once, or by several respondents:
`answered`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

PHASES = ["AG", "EX", "VB", "VA", "NN"]
N_ITEMS = 6
CENTROIDS = np.array(
    [
        [30.0, 15.0, 8.0, 5.0, 3.0],
        [70.0, 40.0, 20.0, 15.0, 10.0],
        [55.0, 75.0, 60.0, 30.0, 20.0],
        [85.0, 80.0, 75.0, 70.0, 60.0],
    ]
)
"""Four profiles such as a study of the innovation cycle might expect, 0-100."""
SKEWED = [-0.126, 0.524, 1.036, 1.645]
"""Thresholds that heap answers at the bottom: 45, 25, 15, 10 and 5 %."""
WITHIN_SD = 10.0
"""Spread of units around their profile before answering, in points."""


@dataclass(frozen=True)
class Answered:
    """Answers of respondents, with the step that makes unit scores of them."""

    answers: pd.DataFrame
    units: pd.Series
    phases: list[str]
    score: Callable[[pd.DataFrame], pd.DataFrame]


def answered(truth, n, n_respondents, rng):
    """Draw one of the truths below as answers; respondents differ on every phase.

    Respondents spread 15 points around their unit among profiles, .6 of a standard deviation on a
    continuum.
    """
    member = np.repeat(np.arange(n), n_respondents)
    if truth is clear_profiles:
        phases = CENTROIDS[true_profiles(n)] + WITHIN_SD * rng.standard_normal((n, 5))
        said = phases[member] + 15 * rng.standard_normal((len(member), 5))
        items = said[:, :, None] / 25 + 0.8 * rng.standard_normal((len(member), 5, N_ITEMS))
        coded = np.clip(np.round(items), 0, 4)
    else:
        phases = _two_factors(n, rng) if truth is two_dimensions else _one_factor(n, rng)
        said = phases[member] + 0.6 * rng.standard_normal((len(member), 5))
        coded = np.searchsorted(SKEWED, _items(said, 0.8, 0.6, rng))
    phase_of = np.repeat(PHASES, N_ITEMS)
    answers = pd.DataFrame(coded.reshape(len(member), -1).astype(float))

    def score(table):
        means = table.to_numpy().reshape(n, n_respondents, 5, N_ITEMS).mean(axis=(1, 3))
        return _table(means * 25)

    return Answered(answers, pd.Series(member), phase_of.tolist(), score)


def skewed_continuum(n, rng):
    """One dimension (loading .8), answers heaped at the bottom: 45, 25, 15, 10 and 5 %."""
    return _table(_cut(_items(_one_factor(n, rng), 0.8, 0.6, rng), SKEWED))


def normal_continuum(n, rng):
    """One dimension (loading .8), normal scores."""
    return _table(50 + 15 * _one_factor(n, rng))


def pure_continuum(n, rng):
    """One dimension that explains everything but the noise of the items, skewed answers."""
    phases = np.repeat(rng.standard_normal((n, 1)), 5, axis=1)
    return _table(_cut(_items(phases, 0.8, 0.6, rng), SKEWED))


def cumulative_continuum(n, rng, loading=0.9, steepness=1.0, noise=0.6):
    """One dimension, phases of rising difficulty: the first is full when the last begins."""
    level = rng.standard_normal((n, 1))
    phases = loading * level + np.sqrt(1 - loading**2) * rng.standard_normal((n, 5))
    phases = steepness * (phases - np.array([-1.2, -0.6, 0, 0.6, 1.2]))
    return _table(_cut(_items(phases, 1.0, noise, rng), [-0.9, -0.3, 0.3, 0.9]))


def steep_continuum(n, rng):
    """Nearly nothing but one cumulative dimension, answered with little noise."""
    return cumulative_continuum(n, rng, loading=0.999, steepness=1.5, noise=0.4)


def independent(n, rng):
    """Five unrelated phases, symmetric answers."""
    phases = rng.standard_normal((n, 5))
    return _table(_cut(_items(phases, 0.8, 0.6, rng), [-1.4, -0.5, 0.5, 1.4]))


def two_dimensions(n, rng):
    """Two related dimensions (early and late phases), skewed answers, no groups."""
    return _table(_cut(_items(_two_factors(n, rng), 0.8, 0.6, rng), SKEWED))


def clear_profiles(n, rng):
    """Four equally frequent profiles that lie far apart."""
    return _profiles(n, rng, CENTROIDS)


def weak_profiles(n, rng):
    """Draw the same four, half as far apart."""
    return _profiles(n, rng, (CENTROIDS + CENTROIDS.mean(axis=0)) / 2)


def true_profiles(n):
    """Profile 0..3 of each unit in the surveys with profiles."""
    return np.arange(n) % 4


def _one_factor(n, rng):
    return 0.8 * rng.standard_normal((n, 1)) + 0.6 * rng.standard_normal((n, 5))


def _two_factors(n, rng):
    early, late = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n).T[..., None]
    factors = np.hstack([early, early, (early + late) / np.sqrt(3), late, late])
    return 0.8 * factors + 0.6 * rng.standard_normal((n, 5))


def _profiles(n, rng, centroids):
    phases = centroids[true_profiles(n)] + WITHIN_SD * rng.standard_normal((n, 5))
    items = phases[:, :, None] / 25 + 0.8 * rng.standard_normal((n, 5, N_ITEMS))
    return _table(np.clip(np.round(items), 0, 4).mean(axis=2) * 25)


def _items(phases, loading, noise, rng):
    return loading * phases[:, :, None] + noise * rng.standard_normal((*phases.shape, N_ITEMS))


def _cut(items, thresholds):
    return np.searchsorted(thresholds, items).mean(axis=2) * 25


def _table(values):
    units = pd.Index([f"U{i:03d}" for i in range(len(values))], name="unit")
    return pd.DataFrame(values, index=units, columns=PHASES)
