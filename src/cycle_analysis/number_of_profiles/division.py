"""Divide units as far as the verdict allows: profiles, levels of a continuum, or nothing.

Profiles are only what notebook 04 found to be there. On a continuum, levels of equal size by mean
score may help to describe it; their cuts are arbitrary. Where nothing was found, nothing is cut.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from cycle_analysis.mixtures import named_model
from cycle_analysis.number_of_profiles.verdicts import CONTINUUM, NO_STRUCTURE
from cycle_analysis.profiles.levels import levels
from cycle_analysis.profiles.partitions import Partition, latent_profiles

Method = Callable[[pd.DataFrame, int], Partition]


@dataclass(frozen=True)
class Division:
    """How the units of a study are divided.

    Attributes
    ----------
    method : function (scores, k) -> Partition
    k : int
        Number of profiles or levels; 1 when nothing is divided.
    """

    method: Method
    k: int

    def __call__(self, scores: pd.DataFrame) -> Partition:
        """Divide units by their scores."""
        return self.method(scores, self.k)


def choose_division(
    choice: pd.Series,
    verdict: pd.Series,
    *,
    n_profiles: int = 0,
    n_levels: int = 3,
    n_starts: int = 50,
    seed: int = 2018,
) -> Division:
    """Choose how to divide, from what notebook 04 saved.

    Parameters
    ----------
    choice : Series
        The row of `findings.choice_table`: k and method (covariance model).
    verdict : Series
        The row of `findings.verdict_table`.
    n_profiles : int
        Number of profiles that the researcher wants instead; 0 for the choice. It divides into
        latent profiles whatever the verdict, which stays what it is.
    n_levels : int
        Number of levels of a continuum.
    n_starts, seed : int
        For latent profiles.

    Examples
    --------
    >>> choice = pd.Series({"k": 3, "method": "EEI"})
    >>> choose_division(choice, pd.Series({"verdict": "no structure"})).k
    1
    """
    profiles = partial(
        latent_profiles, models=[named_model(choice["method"])], n_starts=n_starts, seed=seed
    )
    if n_profiles:
        return Division(profiles, n_profiles)
    if verdict["verdict"] == CONTINUUM:
        return Division(levels, n_levels)
    return Division(profiles, 1 if verdict["verdict"] == NO_STRUCTURE else int(choice["k"]))
