"""Ask whether the same profiles come back from other samples and from other methods.

Bootstrap stability follows Hennig (2007) and R's fpc::clusterboot: draw units with replacement,
divide again, and find for each profile the most similar new one by the Jaccard coefficient. A unit
drawn more than once is used once (clusterboot's default, ``multipleboot = FALSE``). Under .60 a
profile is not to be trusted, from .75 it is stable, from .85 very stable.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.chance import Seed, children
from cycle_analysis.mixtures import n_distinct
from cycle_analysis.profiles import Method, Partition, sample

MOVED_WARNING = 0.20
"""Share of units that may move between methods before it is a warning (Mooi & Sarstedt 2011)."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far two divisions of the same units agree.

    Attributes
    ----------
    adjusted_rand : float
        Agreement corrected for chance (Hubert & Arabie 1985): 1 the same, 0 as by chance.
    moved : Series of bool, n units
        Whether the unit leaves its profile when profiles are matched as well as can be.
    """

    adjusted_rand: float
    moved: pd.Series

    @property
    def moved_share(self) -> float:
        """Share of units that move, 0-1."""
        return float(self.moved.mean())


def bootstrap_jaccard(
    whole: Partition,
    method: Method,
    n_replicates: int = 100,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Divide resampled units again, and compare each profile with the most similar new one.

    Parameters
    ----------
    whole : Partition
        The division of all units; of many, samples are drawn from a `sample`.
    method : function (scores, k) -> Partition
        How it was made: such as `ward_kmeans`, or `functools.partial` of `latent_profiles`.
    n_replicates : int
        Resamples.
    seed : int or SeedSequence
        Each replicate has its own child seed.

    Returns
    -------
    DataFrame, k profiles
        n_units; jaccard, the mean over replicates of the largest Jaccard coefficient, as
        clusterboot; recovered and dissolved, the shares of replicates over .75 and at most .5.

    Raises
    ------
    ValueError
        When `method` refuses.

    References
    ----------
    Hennig (2007), Computational Statistics & Data Analysis 52(1), 258-271.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 13, 60, 62, 61, 63]})
    >>> bootstrap_jaccard(ward_kmeans(scores, 2), ward_kmeans, n_replicates=5)["jaccard"].tolist()
    [1.0, 1.0]
    """
    whole = whole.only(sample(whole.scores).index)
    seeds = children(seed, n_replicates)
    largest = np.array(Parallel()(delayed(_largest_jaccard)(whole, method, one) for one in seeds))
    return pd.DataFrame(
        {
            "n_units": whole.sizes.to_numpy(),
            "jaccard": largest.mean(axis=0),
            "recovered": (largest > 0.75).mean(axis=0),
            "dissolved": (largest <= 0.5).mean(axis=0),
        },
        whole.sizes.index,
    )


def method_agreement(first: Partition, second: Partition) -> Agreement:
    """Compare two divisions of the same units.

    Parameters
    ----------
    first, second : Partition
        On the same units; the numbers of profiles may differ.

    Returns
    -------
    Agreement
        Profiles are matched one to one so that as few units as possible move.

    Raises
    ------
    ValueError
        When the units differ.

    Examples
    --------
    >>> from cycle_analysis.profiles import latent_profiles, ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 60, 62, 61], "EX": [5, 9, 7, 50, 52, 48]})
    >>> alike = method_agreement(ward_kmeans(scores, 2), latent_profiles(scores, 2))
    >>> alike.moved_share, alike.adjusted_rand
    (0.0, 1.0)
    """
    if set(first.labels.index) != set(second.labels.index):
        alone = sorted(set(first.labels.index) ^ set(second.labels.index), key=str)
        raise ValueError(
            f"{len(alone)} units stand in one division only: {alone[:5]}. "
            "Divide the same units by both methods."
        )
    other = second.labels.loc[first.labels.index]
    table = pd.crosstab(first.labels, other)
    rows, columns = linear_sum_assignment(-table.to_numpy())
    match = dict(zip(table.index[rows], table.columns[columns], strict=True))
    moved = first.labels.map(match) != other
    agreement = adjusted_rand_score(first.labels, other)
    return Agreement(float(agreement), moved.rename("moved"))


def _largest_jaccard(whole: Partition, method: Method, seed: np.random.SeedSequence) -> np.ndarray:
    """Jaccard of each profile with the most similar one of a resample."""
    scores, k = whole.scores, whole.k
    rows = np.unique(np.random.default_rng(seed).integers(0, len(scores), size=len(scores)))
    sample = scores.iloc[rows]
    again = method(sample, min(k, n_distinct(sample.to_numpy(dtype=float)))).labels.to_numpy()
    both = np.zeros((k, k))
    np.add.at(both, (whole.labels.to_numpy()[rows] - 1, again - 1), 1)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0).max(axis=1)
