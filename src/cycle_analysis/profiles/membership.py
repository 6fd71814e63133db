"""Say how surely each unit belongs where it stands, who is typical, and who could stand elsewhere.

The probabilities are those of the division: of profiles of true scores they rest on each unit's own
respondents, so that a unit with one respondent is placed less surely than one with many.
"""

import numpy as np
import pandas as pd

from cycle_analysis.profiles.partitions import Partition

CLEARLY_PLACED = 0.70
"""Membership probability from which a unit counts as clearly placed."""
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
    """Pick the n members of each profile that belong to it most surely from the table of `members`.

    Of those that are as sure, the nearest to its centroid.
    """
    order = table.assign(doubt=-table["certainty"].round(3)).sort_values(
        ["profile", "doubt", "distance"], kind="stable"
    )
    return order.drop(columns="doubt").groupby("profile").head(n)


def borderline_members(table: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """Pick the n members of each profile that could as well stand in another.

    By certainty where the method gives it, otherwise by margin.
    """
    by = "margin" if table["certainty"].isna().all() else "certainty"
    return table.sort_values(["profile", by], kind="stable").groupby("profile").head(n)


def certainty_by_respondents(
    table: pd.DataFrame, clearly_placed: float = CLEARLY_PLACED
) -> pd.DataFrame:
    """Compare how surely units with few and with many respondents are placed.

    Parameters
    ----------
    table : DataFrame, n units
        As `members`, with a column n_respondents.
    clearly_placed : float
        Probability from which a unit counts as clearly placed.

    Returns
    -------
    DataFrame, index respondents ("1", "2", "3-4", "5+")
        n_units; certainty (mean); n_placed (units clearly placed). Groups without units are left
        out.

    Examples
    --------
    >>> table = pd.DataFrame({"certainty": [0.6, 0.8], "n_respondents": [1, 4]})
    >>> certainty_by_respondents(table)["n_placed"].to_dict()
    {'1': 0, '3-4': 1}
    """
    n = table["n_respondents"].clip(lower=1)
    group = pd.cut(
        n, [*RESPONDENT_GROUPS.values(), np.inf], right=False, labels=[*RESPONDENT_GROUPS]
    )
    group = group.astype(str).rename("respondents")
    sure = table["certainty"]
    cells = pd.DataFrame({"certainty": sure, "n_placed": sure >= clearly_placed}).groupby(group)
    result = cells.agg({"certainty": "mean", "n_placed": "sum"})
    result.insert(0, "n_units", cells.size())
    return result.sort_index()


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
