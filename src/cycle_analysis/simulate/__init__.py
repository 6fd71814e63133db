"""The one generator of surveys whose truth is known, in memory or as raw exports.

A world (`worlds`) says where units truly stand, `Answering` what their respondents say of it; a
`Truth` adds what a whole study has over its waves. The bundled studies, tests, benchmarks and
``cycle-analysis simulate`` all draw from here.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cycle_analysis.simulate.studies import draw_wave_answers, draw_waves, write_study
from cycle_analysis.simulate.truth import (
    BUNDLED,
    EXAMPLE,
    EXAMPLE_SEED,
    UNKIND,
    UNKIND_SEED,
    Follows,
    Truth,
)
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

__all__ = [
    "BUNDLED",
    "EXAMPLE",
    "EXAMPLE_SEED",
    "FOUR",
    "PHASES",
    "UNKIND",
    "UNKIND_SEED",
    "Answering",
    "Continuum",
    "Follows",
    "Profiles",
    "Survey",
    "Truth",
    "World",
    "draw_survey",
    "draw_wave_answers",
    "draw_waves",
    "heaped",
    "steps",
    "write_study",
]


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
