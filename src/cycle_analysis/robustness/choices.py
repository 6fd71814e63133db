"""Ask whether other defensible choices would divide the units otherwise.

The headline divides phase scores on 0-100 by one method. Beside it stand another method, latent
classes of scores in a few steps, and the same method on scores that were standardised, stripped of
their level, or drawn towards the mean as far as they are unreliable.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from cycle_analysis.chance import Seed
from cycle_analysis.profiles import (
    Method,
    Partition,
    latent_classes,
    levels,
    ward_kmeans,
)
from cycle_analysis.profiles.stability import method_agreement

STEPS = (0.0, 100 / 3, 200 / 3, 100.0)
"""Ends of the low, middle and high step into which scores are cut for latent classes."""


def standardised(scores: pd.DataFrame) -> pd.DataFrame:
    """Set every phase to mean 0 and standard deviation 1 (0 when constant): all weigh the same.

    Examples
    --------
    >>> standardised(pd.DataFrame({"AG": [10.0, 20.0, 30.0]}))["AG"].tolist()
    [-1.0, 0.0, 1.0]
    """
    spread = scores.std()
    return (scores - scores.mean()) / spread.where(spread > 0, 1.0)


def shapes(scores: pd.DataFrame) -> pd.DataFrame:
    """Take each unit's own mean off its scores: what is left is shape.

    Examples
    --------
    >>> shapes(pd.DataFrame({"AG": [10.0], "EX": [30.0]})).iloc[0].tolist()
    [-10.0, 10.0]
    """
    return scores.sub(scores.mean(axis=1), axis=0)


def shrunken(scores: pd.DataFrame, standard_errors: pd.DataFrame) -> pd.DataFrame:
    """Draw scores towards the phase's mean as far as they are unreliable (empirical Bayes).

    With τ² the variance of the true scores, estimated as the variance of the scores less the mean
    squared error, a score keeps the share τ² / (τ² + se²) of its distance from the mean.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores.
    standard_errors : DataFrame, n units × p phases
        Of the scores; NaN on a phase where nobody's is known leaves the phase as it is.

    Returns
    -------
    DataFrame, n units × p phases

    References
    ----------
    Efron & Morris (1975), Journal of the American Statistical Association 70(350), 311-319.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [20.0, 40.0, 60.0, 80.0]})
    >>> shrunken(scores, pd.DataFrame({"AG": [5.0, 5.0, 5.0, 20.0]}))["AG"].round(1).tolist()
    [21.3, 40.4, 59.6, 67.3]
    """
    squares = standard_errors.reindex(index=scores.index, columns=scores.columns) ** 2
    true = (scores.var() - squares.where(scores.notna()).mean()).clip(lower=0.0)
    kept = (true / (true + squares)).where(squares.notna() & (true + squares > 0), 1.0)
    return scores.mean() + kept * (scores - scores.mean())


def stepped(scores: pd.DataFrame) -> pd.DataFrame:
    """Cut scores of 0-100 into low (0), middle (1) and high (2).

    Examples
    --------
    >>> stepped(pd.DataFrame({"AG": [0.0, 50.0, 100.0, None]}))["AG"].tolist()
    [0.0, 1.0, 2.0, nan]
    """
    codes = np.digitize(scores.to_numpy(dtype=float), STEPS[1:-1]).astype(float)
    return pd.DataFrame(codes, scores.index, scores.columns).where(scores.notna())


def alternatives(
    headline: Partition,
    method: Method,
    k: int,
    standard_errors: pd.DataFrame,
    *,
    n_starts: int = 50,
    seed: Seed = 1,
) -> dict[str, Partition]:
    """Divide the units again under each other choice.

    Parameters
    ----------
    headline : Partition
        The division, of complete phase scores, 0-100.
    method : function (scores, k) -> Partition
        How the headline was made.
    k : int
        Number of groups asked for; levels are fewer where many units share a mean.
    standard_errors : DataFrame, n units × p phases
        Of the scores.
    n_starts, seed
        For latent classes.

    Returns
    -------
    dict of str to Partition
        ward, classes, z_scores, shapes, shrunken. What is impossible is left out: shapes of levels,
        shrinkage where no error is known, latent classes where the steps are too few.
    """
    scores, found = headline.scores, headline.k
    tried: dict[str, Callable[[], Partition]] = {
        "ward": lambda: ward_kmeans(scores, found),
        "z_scores": lambda: method(standardised(scores), k),
    }
    steps = stepped(scores)
    if len(steps.drop_duplicates()) >= found:
        tried["classes"] = lambda: latent_classes(steps, found, n_starts=n_starts, seed=seed)
    if method is not levels:
        tried["shapes"] = lambda: method(shapes(scores), k)
    if standard_errors.notna().any(axis=None):
        tried["shrunken"] = lambda: method(shrunken(scores, standard_errors), k)
    return {name: divide() for name, divide in tried.items()}


def compare_choices(headline: Partition, others: Mapping[str, Partition]) -> pd.DataFrame:
    """Set the agreement of each other choice with the headline.

    Parameters
    ----------
    headline : Partition
        The division that is told.
    others : mapping of choice to Partition
        The same units divided otherwise, as `alternatives` does, or by a method of your own.

    Returns
    -------
    DataFrame, index choice
        n_units, adjusted_rand, n_moved, moved_share, and warning: more than a fifth moves
        (Mooi & Sarstedt 2011).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [5, 9, 50, 52]})
    >>> two = ward_kmeans(scores, 2)
    >>> compare_choices(two, {"ward": two})["n_moved"].tolist()
    [0]
    """
    found = [method_agreement(headline, other) for other in others.values()]
    return pd.DataFrame(
        {
            "n_units": [len(agreement.moved) for agreement in found],
            "adjusted_rand": [agreement.adjusted_rand for agreement in found],
            "n_moved": [int(agreement.moved.sum()) for agreement in found],
            "moved_share": [agreement.moved_share for agreement in found],
            "warning": [agreement.warning for agreement in found],
        },
        index=pd.Index(others, name="choice"),
    )
