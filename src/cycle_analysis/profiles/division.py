"""Divide units as far as the verdict allows, once, and save the division for others to go on from.

Profiles are only what notebook 04 found to be there. On a continuum, levels of equal size by mean
score may help to describe it; their cuts are arbitrary. Where nothing was found, nothing is cut.
Notebook 04 divides; whoever describes or tests the division loads it, and fits nothing again.

Whether other samples would divide them alike is told as by Hennig (2007) and R's fpc::clusterboot:
draw units with replacement, divide again, and find for each profile the most similar new one by the
Jaccard coefficient. A unit drawn more than once is used once (clusterboot's default,
``multipleboot = FALSE``). Under .60 a profile is not to be trusted, from .75 it is stable, from .85
very stable. Whether another method would is told by how many units move.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.chance import Seed, children
from cycle_analysis.mixtures import Mixture, Outcome, n_distinct, named_model
from cycle_analysis.problems import refuse
from cycle_analysis.profiles import (
    HEADLINE,
    LEVELS,
    METHODS,
    Method,
    Partition,
    by_mixture,
    latent_profiles,
    sample,
)
from cycle_analysis.profiles.selection import Fits
from cycle_analysis.profiles.verdict import Verdict

TABLES = ("division", "placed", "shares", "means", "covariances")
"""Tables in which a division is saved; see `division_tables`."""
MOVED_WARNING = 0.20
"""Share of units that may move between methods before it is a warning (Mooi & Sarstedt 2011)."""


@dataclass(frozen=True)
class Division:
    """How the units of a study are divided.

    Attributes
    ----------
    kind : str
        `profiles.PROFILES`, or a name of `profiles.METHODS`.
    model : str
        Covariance model of the profiles; empty for levels.
    k : int
        Number of profiles or levels asked for; 1 when nothing is divided. Levels may be fewer.
    """

    kind: str
    model: str
    k: int

    def method(self, n_starts: int = 50, seed: Seed = 2018) -> Method:
        """Give the method, to divide other scores in the same way: a resample, another wave."""
        if self.kind in METHODS:
            return METHODS[self.kind]
        model = named_model(self.model)
        return partial(latent_profiles, models=[model], n_starts=n_starts, seed=seed)


def choose_division(
    model: str, k: int, verdict: Verdict, *, n_profiles: int = 0, n_levels: int = 3
) -> Division:
    """Choose how to divide, by the verdict.

    Parameters
    ----------
    model, k : str, int
        Covariance model and number of profiles of the choice.
    verdict : Verdict
        Whether there are profiles.
    n_profiles : int
        Number of profiles that the researcher wants instead; 0 for the choice. It divides into
        latent profiles whatever the verdict, which stays what it is.
    n_levels : int
        Number of levels of a continuum.

    Examples
    --------
    >>> choose_division("EEI", 3, Verdict.NO_STRUCTURE).k
    1
    """
    if n_profiles:
        return Division(HEADLINE, model, n_profiles)
    if verdict == Verdict.CONTINUUM:
        return Division(LEVELS, "", n_levels)
    return Division(HEADLINE, model, k if verdict.found else 1)


def divide(scores: pd.DataFrame, division: Division, fits: Fits) -> Partition:
    """Divide units: by the mixture that was fitted to compare models, or into levels.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores.
    division : Division
        How.
    fits : mapping of (str, int) to Mixture
        What `selection.fit_models` gave for these scores.

    Raises
    ------
    InputError
        If so many profiles were not fitted, because too few units differ.

    Examples
    --------
    >>> from cycle_analysis.profiles.selection import fit_models
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 60, 62, 61], "EX": [5, 9, 7, 50, 52, 48]})
    >>> fits = fit_models(scores, 2, n_starts=2)
    >>> divide(scores, Division("latent profiles", "EEI", 2), fits).labels.tolist()
    [1, 1, 1, 2, 2, 2]
    """
    if division.kind in METHODS:
        return METHODS[division.kind](scores, division.k)
    if (division.model, division.k) not in fits:
        most = max(k for _, k in fits)
        problem = "is more than units with different scores can be divided in"
        raise refuse("parameters", "n_profiles", f"{division.k}", problem, f"0-{most}")
    return by_mixture(scores, fits[division.model, division.k])


def division_tables(division: Division, partition: Partition) -> dict[str, pd.DataFrame]:
    """Set a division as tables from which `read_partition` makes it again.

    Returns
    -------
    dict of str to DataFrame
        division: one row, index `finding`: kind, model, k (asked), method, and for profiles how
        the search ended. placed: n units, `profile`. shares: k profiles, `share` of the population
        and `n_units` placed. means: k profiles × p phases. covariances: index (profile, phase) × p
        phases, without rows where the method has none.
    """
    mixture = partition.mixture
    row = {**asdict(division), "method": mixture.name if mixture else partition.method}
    if not isinstance(mixture, Mixture):
        shares = (partition.sizes / len(partition.labels)).rename("share")
        covariances, means = np.empty((0, partition.scores.shape[1])), partition.centroids
    else:
        shares, means = mixture.shares, mixture.means
        covariances = np.concatenate(mixture.covariances)
        row |= {"n_units": mixture.n_units, "at_floor": mixture.at_floor, **asdict(mixture.outcome)}
    phases = list(partition.scores)
    rows = pd.MultiIndex.from_product([shares.index, phases], names=["profile", "phase"])
    return {
        "division": pd.DataFrame([row], index=pd.Index(["division"], name="finding")),
        "placed": partition.labels.to_frame("profile"),
        "shares": shares.to_frame("share").assign(n_units=partition.sizes),
        "means": means,
        "covariances": pd.DataFrame(covariances, rows[: len(covariances)], phases),
    }


def read_division(table: pd.DataFrame) -> Division:
    """Read the row `division` of `division_tables`."""
    row = table.loc["division"]
    return Division(str(row["kind"]), str(row["model"]), int(row["k"]))


def read_partition(scores: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> Partition:
    """Give the division that was saved; nothing is fitted.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        The scores that were divided.
    tables : mapping of str to DataFrame
        Those of `division_tables`.

    Raises
    ------
    InputError
        If the scores are of other units than were divided.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [5, 9, 50, 52]}, index=list("abcd"))
    >>> two = Division("levels", "", 2)
    >>> tables = division_tables(two, divide(scores, two, {}))
    >>> read_partition(scores, tables).labels.tolist()
    [1, 1, 2, 2]
    """
    placed, k = tables["placed"]["profile"], len(tables["shares"])
    if not placed.index.sort_values().equals(scores.index.sort_values()):
        other = placed.index.symmetric_difference(scores.index)
        problem, remedy = "holds other units than have scores now", "Run notebook 04 again"
        place = ("04_number_of_profiles", "division", str(list(other[:5])))
        raise refuse(*place, problem, "", remedy)
    labels, row = placed.loc[scores.index].rename("profile"), tables["division"].loc["division"]
    if tables["covariances"].empty:
        return Partition(scores, labels, n_profiles=k, method=str(row["method"]))
    mixture = _read_mixture(row, tables)
    return Partition(scores, labels, by_mixture(scores, mixture).posteriors, mixture)


def _read_mixture(row: pd.Series, tables: Mapping[str, pd.DataFrame]) -> Mixture:
    means = tables["means"]
    k, p = means.shape
    profiles = pd.RangeIndex(1, k + 1, name="profile")
    outcome = Outcome(
        float(row["log_likelihood"]),
        bool(row["converged"]),
        *(int(row[name]) for name in ("n_steps", "n_finished", "n_replicated")),
    )
    return Mixture(
        model=named_model(row["model"]),
        shares=tables["shares"]["share"].set_axis(profiles),
        means=means.set_axis(profiles),
        covariances=tables["covariances"].to_numpy().reshape(k, p, p),
        n_units=float(row["n_units"]),
        outcome=outcome,
        at_floor=bool(row["at_floor"]),
    )


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
    whole: Partition, method: Method, n_replicates: int = 100, seed: Seed = 1
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
    drawn = scores.iloc[rows]
    again = method(drawn, min(k, n_distinct(drawn.to_numpy(dtype=float)))).labels.to_numpy()
    both = np.zeros((k, k))
    np.add.at(both, (whole.labels.to_numpy()[rows] - 1, again - 1), 1)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0).max(axis=1)
