"""Ask whether the same profiles come back from other samples and from other methods.

Bootstrap stability follows Hennig (2007) and R's fpc::clusterboot: draw units with replacement,
divide again, and find for each profile the most similar new one by the Jaccard coefficient. A unit
drawn more than once is used once (clusterboot's default, ``multipleboot = FALSE``). Under .60 a
profile is not to be trusted, from .75 it is stable, from .85 very stable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.chance import Seed, children
from cycle_analysis.mixtures import n_distinct
from cycle_analysis.mixtures.search import WardTree
from cycle_analysis.profiles import Method, Partition, sample, ward_kmeans

Again = Callable[[int], np.ndarray]
"""Divides one resample in at most k profiles: 0..k-1 for each of its units."""
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
        clusterboot; jaccard_matched, the same with profiles matched one to one, which is never
        larger; recovered and dissolved, the shares of replicates over .75 and at most .5.

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
    start = partial(_method_again, method)
    table = _jaccard(whole.scores, {whole.k: whole}, start, n_replicates, seed)
    return table.loc[whole.k]


def jaccard_by_k(
    scores: pd.DataFrame,
    ks: Sequence[int],
    n_replicates: int = 100,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Give the bootstrap stability of Ward + k-means for several k, on the same resamples.

    As `bootstrap_jaccard` with `ward_kmeans` for each k, but with one tree per resample.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete phase scores; of many units a `sample` is drawn from.
    ks : sequence of int
        Numbers of profiles, 2 or more.
    n_replicates, seed
        As `bootstrap_jaccard`.

    Returns
    -------
    DataFrame, index (k, profile)
        Columns as `bootstrap_jaccard`; without rows when there is no k.

    Raises
    ------
    ValueError
        As `ward_kmeans`.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 13, 60, 62, 61, 63]})
    >>> jaccard_by_k(scores, [2], n_replicates=5)["jaccard"].tolist()
    [1.0, 1.0]
    """
    scores = sample(scores)
    whole = {k: ward_kmeans(scores, k) for k in ks}
    return _jaccard(scores, whole, _ward_again, n_replicates, seed)


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


def _jaccard(
    scores: pd.DataFrame,
    whole: Mapping[int, Partition],
    start: Callable[[pd.DataFrame], Again],
    n_replicates: int,
    seed: Seed,
) -> pd.DataFrame:
    """Compare divisions in k profiles with those of resamples, index (k, profile)."""
    before = {k: partition.labels.to_numpy() - 1 for k, partition in whole.items()}
    drawn = Parallel()(
        delayed(_replicate)(scores, before, start, child) for child in children(seed, n_replicates)
    )
    index = pd.MultiIndex.from_tuples(
        [(k, profile) for k, partition in whole.items() for profile in partition.sizes.index],
        names=["k", "profile"],
    )
    sizes = [size for partition in whole.values() for size in partition.sizes]
    largest, matched = np.array(drawn).reshape(n_replicates, 2, len(index)).swapaxes(0, 1)
    return pd.DataFrame(
        {
            "n_units": np.array(sizes, dtype=int),
            "jaccard": largest.mean(axis=0),
            "jaccard_matched": matched.mean(axis=0),
            "recovered": (largest > 0.75).mean(axis=0),
            "dissolved": (largest <= 0.5).mean(axis=0),
        },
        index,
    )


def _replicate(
    scores: pd.DataFrame,
    before: Mapping[int, np.ndarray],
    start: Callable[[pd.DataFrame], Again],
    seed: np.random.SeedSequence,
) -> np.ndarray:
    """Jaccard of each profile of each k in one resample: the largest, and matched one to one."""
    drawn = np.random.default_rng(seed).integers(0, len(scores), size=len(scores))
    rows = np.unique(drawn)
    sample = scores.iloc[rows]
    again, most = start(sample), n_distinct(sample.to_numpy(dtype=float))
    found = [_coefficients(labels[rows], again(min(k, most)), k) for k, labels in before.items()]
    return np.concatenate([np.empty((2, 0)), *found], axis=1)


def _method_again(method: Method, sample: pd.DataFrame) -> Again:
    return lambda k: method(sample, k).labels.to_numpy() - 1


def _ward_again(sample: pd.DataFrame) -> Again:
    """Divide by Ward + k-means, with one tree for every k."""
    return WardTree(sample.to_numpy(dtype=float)).refined


def _coefficients(before: np.ndarray, again: np.ndarray, k: int) -> np.ndarray:
    both = np.zeros((k, k))
    np.add.at(both, (before, again), 1)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    jaccard = np.divide(both, union, out=np.zeros_like(both), where=union > 0)
    order, partners = linear_sum_assignment(-jaccard)
    return np.array([jaccard.max(axis=1), jaccard[order, partners]])
