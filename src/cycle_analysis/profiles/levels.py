"""Describe a continuum in levels: without profiles, cuts are no more than a help to the reader."""

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import check_scores
from cycle_analysis.profiles.partitions import Partition


def levels(scores: pd.DataFrame, k: int = 3) -> Partition:
    """Cut a continuum into `k` levels of equal size: the cuts are arbitrary and get no names.

    For scores whose verdict is *continuum*. Units are ranked by their mean score; where a score is
    missing the others count less their phase's mean, so that a missing low phase does not raise a
    unit. Units with the same mean share a level.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores.
    k : int
        Number of levels.

    Returns
    -------
    Partition
        Levels 1 (lowest) to k; fewer when many units share a mean.

    Raises
    ------
    ValueError
        As `mixtures.check_scores`.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 60, 30, 90], "EX": [5, 50, 20, 80]})
    >>> levels(scores, 2).labels.tolist()
    [1, 2, 1, 2]
    """
    check_scores(scores, 1)
    height = (scores - scores.mean()).mean(axis=1).round(9)
    share = (height.rank(method="average") - 0.5) / len(height)
    cut = np.minimum((share * k).astype(int), k - 1)
    labels = pd.Series(pd.factorize(cut, sort=True)[0] + 1, index=scores.index, name="profile")
    return Partition(scores, labels, method="levels of the mean score")
