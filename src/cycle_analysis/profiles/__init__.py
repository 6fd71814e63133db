"""Divide units into profiles with similar phase scores.

Two ways, one result. Ward's method finds k starting centroids, k-means then moves each unit to the
nearest one (Milligan & Sokol 1980): deterministic, no seed, row order does not matter. Latent
profile analysis fits a mixture of normal distributions, races the covariance models by BIC, and
says how certain each membership is. Profiles are numbered 1..k from the lowest to the highest mean
score, which ends label switching. `assign` puts the units of another wave in the same profiles.
Without profiles, a continuum can be cut into levels: no more than a help to the reader.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from cycle_analysis import mixtures
from cycle_analysis.chance import Seed
from cycle_analysis.mixtures import EEE, EEI, VVI, ClassMixture, CovarianceModel, Mixture, Search
from cycle_analysis.mixtures.search import ward

WARD_ROWS = 20_000
"""Ward's method needs n² distances; above this many units it is refused."""
LARGEST = 3000
"""Units on which is tested what takes their square in time, or many fits; of more, a `sample`."""


@dataclass(frozen=True, eq=False)
class Partition:
    """Every unit in one of k profiles.

    Attributes
    ----------
    scores : DataFrame, n units × p phases
        The phase scores that were divided, 0-100; index `unit`.
    labels : Series, n units
        Profile number, 1..k, on the index of `scores`.
    posteriors : DataFrame, n units × k profiles, or None
        Membership probabilities, 0-1, where the method gives them.
    mixture : Mixture, ClassMixture or None
        The fitted mixture, where there is one.
    n_profiles : int or None
        Number of profiles, when the highest may have no members (units of another wave).
    method : str
        Name of the method where there is no mixture, for sentences.
    """

    scores: pd.DataFrame
    labels: pd.Series
    posteriors: pd.DataFrame | None = None
    mixture: Mixture | ClassMixture | None = None
    n_profiles: int | None = None
    method: str = "Ward + k-means"

    @property
    def k(self) -> int:
        """Number of profiles asked for; one without members counts."""
        if self.posteriors is not None:
            return self.posteriors.shape[1]
        return self.n_profiles or int(self.labels.max())

    @property
    def _profiles(self) -> pd.RangeIndex:
        return pd.RangeIndex(1, self.k + 1, name="profile")

    @property
    def centroids(self) -> pd.DataFrame:
        """Mean phase scores, k profiles × p phases, 0-100."""
        return self.scores.groupby(self.labels).mean().reindex(self._profiles)

    @property
    def sizes(self) -> pd.Series:
        """Number of units per profile, k profiles."""
        counts = self.labels.value_counts()
        return counts.reindex(self._profiles, fill_value=0).rename("n_units")

    @property
    def explained(self) -> float:
        """Share of the variance of the scores that lies between profiles, 0-1."""
        total = ((self.scores - self.scores.mean()) ** 2).sum().sum()
        fitted = self.centroids.loc[self.labels].to_numpy()
        within = ((self.scores - fitted) ** 2).sum().sum()
        return float(1 - within / total) if total > 0 else 0.0

    @property
    def probabilities(self) -> pd.DataFrame:
        """Membership probabilities, n units × k profiles; 0 and 1 for a method without them."""
        if self.posteriors is not None:
            return self.posteriors
        own = pd.get_dummies(self.labels, dtype=float)
        return own.reindex(columns=self._profiles, fill_value=0.0)

    def only(self, units: pd.Index) -> "Partition":
        """Leave out all but these units; the profiles stay as they are."""
        posteriors = None if self.posteriors is None else self.posteriors.loc[units]
        return replace(
            self,
            scores=self.scores.loc[units],
            labels=self.labels.loc[units],
            posteriors=posteriors,
            n_profiles=self.k,
        )

    def __str__(self) -> str:
        (n, p), k = self.scores.shape, self.k
        how = self.mixture.name if self.mixture else self.method
        counted = f"{k} profile{'s' * (k > 1)} of {n} unit{'s' * (n > 1)}"
        return f"{counted} on {p} phase{'s' * (p > 1)} ({how}), R² = {self.explained:.2f}"


Method = Callable[[pd.DataFrame, int], Partition]
"""A way to divide scores into k profiles."""


def sample(scores: pd.DataFrame) -> pd.DataFrame:
    """Give the scores of `LARGEST` units at random where there are more, else all.

    It is one and the same sample for every test, in any order of the units, so that stability
    and verdict speak of the same units; 3,000 tell as much as more, in minutes.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": range(5000)})
    >>> len(sample(scores)), sample(scores).equals(sample(scores[::-1])), len(sample(scores[:9]))
    (3000, True, 9)
    """
    if len(scores) <= LARGEST:
        return scores
    rows = np.random.default_rng(LARGEST).permutation(len(scores))[:LARGEST]
    return scores.sort_index().iloc[np.sort(rows)]


def ward_kmeans(scores: pd.DataFrame, k: int) -> Partition:
    """Divide units into `k` profiles by Ward's method followed by k-means.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete phase scores.
    k : int
        Number of profiles.

    Returns
    -------
    Partition

    Raises
    ------
    ValueError
        When a score is missing, a phase is constant, or k exceeds the distinct score profiles.

    References
    ----------
    Milligan & Sokol (1980), Educational and Psychological Measurement 40(3), 755-759.

    Examples
    --------
    >>> scores = pd.DataFrame(
    ...     {"AG": [10, 60, 12, 62], "EX": [5, 50, 9, 52]},
    ...     index=pd.Index(["GM1", "GM2", "GM3", "GM4"], name="unit"),
    ... )
    >>> print(ward_kmeans(scores, 2))
    2 profiles of 4 units on 2 phases (Ward + k-means), R² = 1.00
    >>> ward_kmeans(scores, 2).labels.tolist()
    [1, 2, 1, 2]
    """
    mixtures.check_scores(scores, k)
    _check_complete(scores)
    ordered = scores.sort_values(list(scores))  # ties are broken alike in any order of the rows
    values = ordered.to_numpy(dtype=float)
    start = pd.DataFrame(values).groupby(ward(values, k)).mean().to_numpy()
    moved = KMeans(k, init=start, n_init=1, tol=0).fit(values)
    return Partition(scores, _labels(ordered, moved.labels_).loc[scores.index])


def latent_profiles(
    scores: pd.DataFrame,
    k: int,
    models: Sequence[CovarianceModel] = (EEI, VVI, EEE),
    *,
    n_starts: int = 50,
    seed: Seed = 1,
) -> Partition:
    """Divide units into `k` profiles by the covariance model with the lowest BIC.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; missing scores are left out of the likelihood, not filled in.
    k : int
        Number of profiles.
    models : sequence of CovarianceModel
        The models that race.
    n_starts : int
        Random starts per model.
    seed : int or SeedSequence
        Seed of the random starts.

    Returns
    -------
    Partition
        Units in their most probable profile.

    Raises
    ------
    ValueError
        As `mixtures.fit_mixture`.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 60, 62, 61], "EX": [5, 9, 7, 50, 52, 48]})
    >>> latent_profiles(scores, 2, models=[EEI]).sizes.tolist()
    [3, 3]
    """
    search = Search(n_starts=n_starts, seed=seed)
    fitted = [mixtures.fit_mixture(scores, k, model, search=search) for model in models]
    return by_mixture(scores, mixtures.race(fitted))


def latent_classes(
    answers: pd.DataFrame, k: int, *, n_starts: int = 50, seed: Seed = 1
) -> Partition:
    """Divide units into `k` latent classes of answers: a check on items.

    Parameters
    ----------
    answers : DataFrame, n units × p items
        Numeric codes; missing answers are left out of the likelihood.
    k : int
        Number of classes.
    n_starts : int
        Random starts.
    seed : int or SeedSequence
        Seed of the random starts.

    Returns
    -------
    Partition
        Units in their most probable class; its `scores` are the answers.

    Raises
    ------
    ValueError
        As `mixtures.fit_classes`.

    Examples
    --------
    >>> answers = pd.DataFrame({"AG1": [0, 0, 0, 1, 1, 1], "AG2": [0, 0, 1, 2, 2, 2]})
    >>> latent_classes(answers, 2).labels.tolist()
    [1, 1, 1, 2, 2, 2]
    """
    search = Search(n_starts=n_starts, seed=seed)
    return by_mixture(answers, mixtures.fit_classes(answers, k, search=search))


def by_mixture(scores: pd.DataFrame, mixture: Mixture | ClassMixture) -> Partition:
    """Put each unit in its most probable profile under a mixture already fitted."""
    if isinstance(mixture, ClassMixture):
        posteriors = mixtures.classify_answers(mixture, scores)
    else:
        posteriors = mixtures.classify(mixture, scores)
    labels = (posteriors.to_numpy().argmax(axis=1) + 1).astype(int)
    return Partition(
        scores, pd.Series(labels, index=scores.index, name="profile"), posteriors, mixture
    )


def _check_complete(scores: pd.DataFrame) -> None:
    missing = np.isnan(scores.to_numpy(dtype=float)).any(axis=1)
    if missing.any():
        raise ValueError(
            f"{missing.sum()} of {len(scores)} units lack a phase score: "
            f"{scores.index[missing].tolist()[:5]}. "
            "Leave them out first, scores.dropna(), or use latent_profiles, which allows it."
        )
    if len(scores) > WARD_ROWS:
        raise ValueError(
            f"{len(scores)} units are too many for Ward's method, which compares every pair. "
            f"Allowed: {WARD_ROWS}. Take a sample, or use latent_profiles."
        )


def _labels(scores: pd.DataFrame, groups: np.ndarray) -> pd.Series:
    """Give groups the numbers 1..k from the lowest to the highest mean score."""
    members = np.eye(groups.max() + 1)[groups]
    centroids = (members.T @ scores.to_numpy(dtype=float)) / members.sum(axis=0)[:, None]
    order = np.lexsort((*centroids.T[::-1], centroids.mean(axis=1).round(9)))
    return pd.Series(order.argsort()[groups] + 1, index=scores.index, name="profile")


def assign(reference: Partition, scores: pd.DataFrame) -> Partition:
    """Put the units of another wave in the reference wave's profiles.

    With a fitted mixture by the highest membership probability, otherwise by the nearest centroid
    on the phases observed. Profiles keep the reference wave's numbers and meaning.

    Parameters
    ----------
    reference : Partition
        The reference wave's division.
    scores : DataFrame, m units × p phases
        The new wave's scores on the same phases and the same scale.

    Returns
    -------
    Partition
        Of the new scores; `posteriors` has one column per reference profile.

    Raises
    ------
    ValueError
        When a phase is absent or a unit has no score.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [5, 9, 50, 52]})
    >>> new = pd.DataFrame({"AG": [58.0], "EX": [None]}, index=["GM9"])
    >>> assign(ward_kmeans(scores, 2), new).labels.tolist()
    [2]
    """
    phases = list(reference.scores)
    if absent := [phase for phase in phases if phase not in scores.columns]:
        raise ValueError(
            f"The new scores lack {absent}, on which the profiles rest. "
            "Divide the reference wave on the phases that both waves share."
        )
    new = scores[phases].astype(float)
    mixtures.check_units(new)
    if reference.mixture is not None:
        return by_mixture(new, reference.mixture)
    centroids = reference.centroids.to_numpy()
    gaps = (new.to_numpy()[:, None, :] - centroids[None]) ** 2
    nearest = np.nanmean(gaps, axis=2).argmin(axis=1) + 1
    labels = pd.Series(nearest, index=new.index, name="profile")
    return Partition(new, labels, n_profiles=reference.k, method=reference.method)


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
    mixtures.check_scores(scores, 1)
    height = (scores - scores.mean()).mean(axis=1).round(9)
    share = (height.rank(method="average") - 0.5) / len(height)
    cut = np.minimum((share * k).astype(int), k - 1)
    labels = pd.Series(pd.factorize(cut, sort=True)[0] + 1, index=scores.index, name="profile")
    return Partition(scores, labels, method="levels of the mean score")


PROFILES, LEVELS = "latent profiles", "levels"
"""Kinds of division: profiles by a mixture, and levels of a continuum."""


HEADLINE = PROFILES
"""Kind of division where there are profiles: this, or one of `METHODS`."""


METHODS: Mapping[str, Method] = {LEVELS: levels, "Ward + k-means": ward_kmeans}
"""Methods that need no model, by their kind of division."""
