"""Find the best of many starts: short runs from all, long runs from the best."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import em, starts
from cycle_analysis.seeds import Seed

Start = Callable[[np.ndarray, int, int, np.random.Generator], np.ndarray]
"""Gives memberships, n × k × starts, to start from."""
SHORT_STEPS = 21
"""EM steps of a short run."""
SAME_OPTIMUM = 1e-4
"""Two runs found the same solution when their log-likelihoods differ by less than this per unit."""


@dataclass(frozen=True)
class Search:
    """How to look for the best solution.

    Attributes
    ----------
    n_starts : int
        Short runs.
    n_finished : int
        How many of the best are carried to convergence.
    max_steps : int
        EM steps after which a run stops.
    tolerance : float
        Gain in log-likelihood per unit and cycle of three steps under which a run has converged.
    seed : int or SeedSequence
        Seed of the random starts.
    """

    n_starts: int = 50
    n_finished: int = 10
    max_steps: int = 5000
    tolerance: float = 1e-9
    seed: Seed = 1


@dataclass(frozen=True)
class Outcome:
    """How the search ended.

    Attributes
    ----------
    log_likelihood : float
        Of the best run, exact at its parameters.
    converged : bool
        Whether the best run converged.
    n_steps : int
        Its EM steps.
    n_finished : int
        Runs carried to convergence.
    n_replicated : int
        How many of those reached the best log-likelihood.
    """

    log_likelihood: float
    converged: bool
    n_steps: int
    n_finished: int
    n_replicated: int


def best_of_starts(
    family: em.Family,
    values: np.ndarray,
    k: int,
    weights: np.ndarray,
    search: Search,
    start: Start = starts.mixed,
) -> tuple[em.Batch, Outcome]:
    """Climb from many starts and keep the best solution.

    Parameters
    ----------
    family : em.Family
        The data and the component distribution.
    values : array, n × p
        Centred values by which the starts measure distance; NaN where missing.
    k : int
        Number of profiles.
    weights : array, n
        Case weights.
    search : Search
        How to look.
    start : function (values, k, n_starts, rng) -> memberships
        Where to start.

    Returns
    -------
    Batch, Outcome
        The best solution as a batch of one problem, and how it was found.
    """
    rng = np.random.default_rng(search.seed)
    n_starts = search.n_starts if k > 1 else 1
    column = weights[:, None]
    members = start(values, k, n_starts, rng)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        runs = em.from_responsibilities(family, members, column)
        del members
        if n_starts > search.n_finished:
            runs = em.climb(family, runs, column, max_steps=SHORT_STEPS, tolerance=0.0)
            runs = runs.take(np.argsort(-runs.log_likelihood, kind="stable")[: search.n_finished])
        runs = em.climb(
            family, runs, column, max_steps=search.max_steps, tolerance=search.tolerance
        )
    best = runs.take(np.array([runs.log_likelihood.argmax()]))
    close = SAME_OPTIMUM * weights.sum()
    outcome = Outcome(
        float(em.log_densities(family, best) @ weights),
        bool(best.converged[0]),
        int(best.n_steps[0]),
        len(runs.log_likelihood),
        int((runs.log_likelihood > best.log_likelihood[0] - close).sum()),
    )
    return best, outcome


def checked_weights(weights: pd.Series | None, table: pd.DataFrame) -> pd.Series:
    """Case weights on the index of a table, 1 when none are given.

    Raises
    ------
    ValueError
        When a unit has no weight, or a negative one.
    """
    if weights is None:
        return pd.Series(1.0, index=table.index)
    aligned = weights.reindex(table.index).astype(float)
    if not (aligned >= 0).all() or not aligned.sum() > 0:
        bad = aligned.index[~(aligned >= 0)].tolist()
        raise ValueError(
            f"Case weights must be 0 or more for every unit; not so for {bad[:5]}. "
            "Give a weight for each unit."
        )
    return aligned
