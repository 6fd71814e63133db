"""Say how surely each unit belongs where it stands, who is typical, and who could stand elsewhere.

A mixture gives each unit a probability for every profile, but takes all scores for equally exact.
The score of a unit with one respondent is not: `certainty_given_error` widens every profile by what
the unit's scores are less exact than the average, and narrows it for units with many respondents.
"""

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import Mixture
from cycle_analysis.profiles.partitions import Partition

CLEARLY_PLACED = 0.70
"""Membership probability from which a unit counts as clearly placed."""
LARGEST_REDUCTION = 0.5
"""Share of a profile's smallest variance that many respondents may take away at most."""
RESPONDENT_GROUPS = {"1": 1, "2": 2, "3-4": 3, "5+": 5}
"""Groups of units by their lowest number of respondents."""


def members(partition: Partition, clearly_placed: float = CLEARLY_PLACED) -> pd.DataFrame:
    """Say of each unit how surely it belongs where it stands.

    Parameters
    ----------
    partition : Partition
        The division.
    clearly_placed : float
        Probability from which a unit counts as clearly placed.

    Returns
    -------
    DataFrame, n units
        profile; certainty (probability of the own profile, NaN without a model); second_profile
        (second most probable, or second nearest); distance (to the own centroid, root mean square
        in points); margin (0 = as near to the second profile, 1 = on its own centroid);
        clearly_placed (missing without a model).

    Examples
    --------
    >>> from cycle_analysis.profiles.partitions import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 30, 62], "EX": [5, 9, 25, 52]})
    >>> members(ward_kmeans(scores, 2))["margin"].round(2).tolist()
    [0.85, 0.9, 0.58, 1.0]
    """
    distances, chances = _distances(partition), partition.posteriors
    is_own = distances.columns.to_numpy() == partition.labels.to_numpy()[:, None]
    own, nearest = distances.where(is_own).max(axis=1), distances.mask(is_own).min(axis=1)
    sure = pd.Series(np.nan, distances.index) if chances is None else chances.max(axis=1)
    preference = -distances if chances is None else chances
    return pd.DataFrame(
        {
            "profile": partition.labels,
            "distance": own,
            "margin": ((nearest - own) / nearest).where(nearest > 0),
            "certainty": sure,
            "second_profile": _second(preference.mask(is_own)),
            "clearly_placed": (sure >= clearly_placed).astype("boolean").where(sure.notna()),
        }
    )


def typical_members(table: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """Pick the n members nearest to each profile's centroid from the table of `members`."""
    return table.sort_values(["profile", "distance"], kind="stable").groupby("profile").head(n)


def borderline_members(table: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """Pick the n members of each profile that could as well stand in another.

    By certainty where the method gives it, otherwise by margin.
    """
    by = "margin" if table["certainty"].isna().all() else "certainty"
    return table.sort_values(["profile", by], kind="stable").groupby("profile").head(n)


def certainty_given_error(partition: Partition, standard_errors: pd.DataFrame) -> pd.Series:
    """Give the probability of each unit's own profile, given how exact its own scores are.

    The covariance of a profile holds the differences between its members and the average error of
    their scores. For one unit its own error takes the place of the average: covariance +
    diag(se² - mean se²).

    Parameters
    ----------
    partition : Partition
        The division; without a mixture of normal profiles nothing is known.
    standard_errors : DataFrame, n units × p phases
        Of the unit scores, in points; NaN counts as the phase's average.

    Returns
    -------
    Series, n units
        Probabilities, 0-1; NaN without a model.

    Examples
    --------
    >>> from cycle_analysis.profiles.partitions import latent_profiles
    >>> scores = pd.DataFrame({"AG": [10, 14, 12, 38, 40, 42, 24], "EX": [5, 9, 7, 34, 32, 33, 19]})
    >>> errors = pd.DataFrame({"AG": [2.0] * 6 + [8.0], "EX": [2.0] * 6 + [8.0]})
    >>> partition = latent_profiles(scores, 2)
    >>> sure = certainty_given_error(partition, errors)
    >>> bool(sure[6] < partition.certainty[6])
    True
    """
    mixture, scores = partition.mixture, partition.scores
    if not isinstance(mixture, Mixture):
        return pd.Series(np.nan, index=scores.index, name="certainty_given_error")
    squares = standard_errors.reindex(index=scores.index, columns=scores.columns).to_numpy() ** 2
    known = np.where(np.isfinite(scores.to_numpy(dtype=float)), squares, np.nan)
    average = np.nanmean(known, axis=0) if np.isfinite(known).any() else np.zeros(scores.shape[1])
    extra = np.nan_to_num(squares - average)
    joint = np.column_stack(
        [
            np.log(share) + _log_densities(scores.to_numpy(dtype=float), mean, covariance, extra)
            for share, mean, covariance in zip(
                mixture.shares, mixture.means.to_numpy(), mixture.covariances, strict=True
            )
        ]
    )
    chances = np.exp(joint - joint.max(axis=1, keepdims=True))
    own = chances[np.arange(len(chances)), partition.labels.to_numpy() - 1]
    return pd.Series(own / chances.sum(axis=1), scores.index, name="certainty_given_error")


def certainty_by_respondents(
    table: pd.DataFrame, clearly_placed: float = CLEARLY_PLACED
) -> pd.DataFrame:
    """Compare how surely units with few and with many respondents are placed.

    Parameters
    ----------
    table : DataFrame, n units
        As `members`, with columns certainty_given_error and n_respondents.
    clearly_placed : float
        Probability from which a unit counts as clearly placed.

    Returns
    -------
    DataFrame, index respondents ("1", "2", "3-4", "5+")
        n_units; certainty and certainty_given_error (means); n_placed and n_placed_given_error
        (units clearly placed by either). Groups without units are left out.

    Examples
    --------
    >>> table = pd.DataFrame({"certainty": [0.9, 0.8], "certainty_given_error": [0.6, 0.8],
    ...                       "n_respondents": [1, 4]})
    >>> certainty_by_respondents(table)["n_placed_given_error"].to_dict()
    {'1': 0, '3-4': 1}
    """
    n = table["n_respondents"].clip(lower=1)
    group = pd.cut(
        n, [*RESPONDENT_GROUPS.values(), np.inf], right=False, labels=[*RESPONDENT_GROUPS]
    )
    group = group.astype(str).rename("respondents")
    measures = ["certainty", "certainty_given_error"]
    placed = (table[measures] >= clearly_placed).set_axis(
        ["n_placed", "n_placed_given_error"], axis=1
    )
    cells = table[measures].join(placed).groupby(group)
    result = cells[measures].mean().join(cells[list(placed)].sum())
    result.insert(0, "n_units", cells.size())
    return result.sort_index()


def _log_densities(
    scores: np.ndarray, mean: np.ndarray, covariance: np.ndarray, extra: np.ndarray
) -> np.ndarray:
    """Log density of each unit's observed scores under a profile widened by its own error."""
    p = scores.shape[1]
    least = -LARGEST_REDUCTION * np.linalg.eigvalsh(covariance)[0]
    seen = np.isfinite(scores)
    own = np.maximum(extra, least)[:, :, None] * np.eye(p)
    # A phase that is not observed gets variance 1 and no deviation: it adds nothing
    both = seen[:, :, None] & seen[:, None, :]
    factors = np.linalg.cholesky(np.where(both, covariance + own, np.eye(p)))
    gaps = np.linalg.solve(factors, np.where(seen, scores - mean, 0.0)[..., None])[..., 0]
    logs = np.log(np.einsum("npp->np", factors)).sum(axis=1)
    return -0.5 * ((gaps**2).sum(axis=1) + seen.sum(axis=1) * np.log(2 * np.pi)) - logs


def _distances(partition: Partition) -> pd.DataFrame:
    """Root mean square distance of units to centroids, n × k, over the phases observed."""
    centroids = partition.centroids
    gaps = (partition.scores.to_numpy(dtype=float)[:, None, :] - centroids.to_numpy()) ** 2
    seen = np.isfinite(gaps)
    means = np.where(seen, gaps, 0.0).sum(axis=2) / np.maximum(seen.sum(axis=2), 1)
    distances = np.where(seen.any(axis=2), np.sqrt(means), np.nan)
    return pd.DataFrame(distances, index=partition.scores.index, columns=centroids.index)


def _second(preference: pd.DataFrame) -> pd.Series:
    """Column with the largest value per row, missing where there is none."""
    found = preference.notna().any(axis=1)
    second = pd.Series(pd.NA, index=preference.index, dtype="Int64")
    second[found] = preference[found].idxmax(axis=1).astype("Int64")
    return second
