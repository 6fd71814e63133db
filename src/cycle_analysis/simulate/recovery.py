"""Find out what a study could find: how often a method sees each number of profiles.

A study design is a number of units and respondents. Many studies of that design are drawn from
one truth, each is scored as a real one, and each method says how many profiles it sees. Drawn
from profiles this is the power of the design; drawn from a continuum or from unrelated phases it
is the chance of profiles that are not there.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis.scores import respondent_scores, unit_scores
from cycle_analysis.seeds import Seed, children

from .answers import draw_profile_answers, items_in_memory
from .truth import Truth

AnswerDraw = Callable[[Truth, int, int | None, Seed], pd.DataFrame]
"""A function that draws answers in memory, such as `draw_profile_answers`."""

Method = Callable[[pd.DataFrame], int]
"""A function that says how many profiles it sees in phase scores, units × phases, 0-100."""

NORMAL_95 = 1.959964


def recovery(
    truth: Truth,
    n_units: int,
    n_respondents: int | None,
    methods: Mapping[str, Method],
    n_replicates: int,
    seed: Seed,
    draw: AnswerDraw = draw_profile_answers,
) -> pd.DataFrame:
    """Say with which chance each method finds each number of profiles.

    All methods see the same studies. The replicates run through joblib, so
    ``joblib.parallel_config`` decides where; each has a seed of its own, so the result does not
    depend on the number of workers.

    Parameters
    ----------
    truth : Truth
    n_units : int
        Units that take part.
    n_respondents : int or None
        Respondents in each; None draws the number as in the study.
    methods : mapping of name to function
        Each takes phase scores (units × phases, 0-100, NaN possible) and gives the number of
        profiles that it sees, 1 for none.
    n_replicates : int
        Studies drawn.
    seed : int or numpy.random.SeedSequence
    draw : function
        What is true: `draw_profile_answers`, `draw_continuum_answers`,
        `draw_unrelated_phase_answers`, or `draw_independent_answers`.

    Returns
    -------
    DataFrame, one row per method and number of profiles found at least once
        `method`, `n_profiles`, `n_found` (replicates), `chance` (0-1), and its 95 % interval
        `low`, `high` (Wilson 1927).

    Raises
    ------
    ValueError
        When no method or fewer than one replicate is asked for.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association, 22(158), 209-212.

    Examples
    --------
    >>> from cycle_analysis.simulate import EXAMPLE, recovery
    >>> def two_if_wide(scores):
    ...     return 2 if scores["EX"].std() > 10 else 1
    >>> recovery(EXAMPLE, 50, 3, {"width of EX": two_if_wide}, n_replicates=5, seed=1).round(2)
            method  n_profiles  n_found  chance   low  high
    0  width of EX           2        5     1.0  0.57   1.0
    """
    if not methods or n_replicates < 1:
        raise ValueError(
            f"{len(methods)} methods and {n_replicates} replicates leave nothing to compute. "
            "Give at least one of each."
        )
    found = Parallel()(
        delayed(_profiles_found)(truth, n_units, n_respondents, methods, each, draw)
        for each in children(seed, n_replicates)
    )
    return _chances(pd.DataFrame(found), n_replicates)


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


def _profiles_found(
    truth: Truth,
    n_units: int,
    n_respondents: int | None,
    methods: Mapping[str, Method],
    seed: np.random.SeedSequence,
    draw: AnswerDraw,
) -> dict[str, int]:
    scores = phase_scores(truth, draw(truth, n_units, n_respondents, seed))
    return {name: int(method(scores)) for name, method in methods.items()}


def _chances(found: pd.DataFrame, n: int) -> pd.DataFrame:
    """Count how often each number was found, with Wilson's interval."""
    long = found.melt(var_name="method", value_name="n_profiles")
    counts = long.groupby(["method", "n_profiles"], sort=True).size().rename("n_found")
    table = counts.reset_index()
    chance, z2 = table["n_found"] / n, NORMAL_95**2
    middle = (chance + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(chance * (1 - chance) / n + z2 / (4 * n**2)) * NORMAL_95 / (1 + z2 / n)
    return table.assign(chance=chance, low=middle - half, high=middle + half)
