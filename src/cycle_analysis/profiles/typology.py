"""Describe the profiles of a partition: how large, how high, what shape, who is typical.

Level is a profile's mean score; shape is what remains when the level is taken off. Cronbach &
Gleser (1953) split what separates profiles into elevation, scatter and shape: when nearly all of
it is elevation and the lines do not cross, the profiles are steps of one dimension, not kinds.

How surely each unit belongs where it stands, who is typical and who could stand elsewhere, the
probabilities of the division say: of profiles of true scores they rest on each unit's own
respondents, so that a unit with one respondent is placed less surely than one with many.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import holm
from cycle_analysis.profiles import Partition

HEIGHTS = {"very_low": 20.0, "low": 40.0, "middle": 60.0, "high": 80.0, "very_high": np.inf}
"""Codes of the height of a profile's mean score, each with the score below which it holds."""
NOTICEABLE = 5.0
"""Points of shape, or of a crossing, that deserve a word."""
CLEARLY_PLACED = 0.70
"""Membership probability from which a unit counts as clearly placed."""
RESPONDENT_GROUPS = {"1": 1, "2": 2, "3-4": 3, "5+": 5}
"""Groups of units by their lowest number of respondents."""


def profile_means(partition: Partition, confidence: float = 0.95) -> pd.DataFrame:
    """Give mean scores per profile and phase with a t interval.

    The interval takes memberships as known and is therefore somewhat too narrow.

    Parameters
    ----------
    partition : Partition
        The division.
    confidence : float
        Coverage of the interval, 0-1.

    Returns
    -------
    DataFrame, k profiles × p phases rows
        profile, phase, n_units (with a score on the phase), mean, low, high, sd; a profile of one
        unit has no interval.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [5, 9, 50, 52]})
    >>> profile_means(ward_kmeans(scores, 2))[["profile", "phase", "mean"]].values.tolist()[0]
    [1, 'AG', 11.0]
    """
    grouped = partition.scores.groupby(partition.labels)
    parts = {"n_units": grouped.count(), "mean": grouped.mean(), "sd": grouped.std()}
    table = pd.DataFrame({name: part.stack() for name, part in parts.items()})
    table = table.rename_axis(["profile", "phase"]).reset_index()
    freedom = (table["n_units"] - 1).where(table["n_units"] > 1)
    reach = stats.t.ppf(0.5 + confidence / 2, freedom) * table["sd"] / np.sqrt(table["n_units"])
    return table.assign(low=table["mean"] - reach, high=table["mean"] + reach)


def profile_items(labels: pd.Series, items: pd.DataFrame) -> pd.DataFrame:
    """Give the mean of each item in each profile, beside that of all other units.

    Parameters
    ----------
    labels : Series, n units
        Profile of each unit.
    items : DataFrame, units × items
        Mean answers of units, 0-100.

    Returns
    -------
    DataFrame, index (profile, item)
        n_units and n_others with an answer, mean, and others: the mean of units not in the profile;
        NaN of nobody.

    Examples
    --------
    >>> labels = pd.Series([1, 1, 2], index=["a", "b", "c"])
    >>> items = pd.DataFrame({"AG1": [10.0, 20.0, 90.0]}, index=["a", "b", "c"])
    >>> profile_items(labels, items).loc[(1, "AG1")].tolist()
    [2.0, 1.0, 15.0, 90.0]
    """
    known = items.reindex(labels.index)
    by_item = known.groupby(labels.rename("profile"))
    n, sums = by_item.count(), by_item.sum()
    n_others, rest = known.count() - n, known.sum() - sums
    others = rest / n_others.where(n_others > 0)  # sums leave a rest of rounding, and -inf
    tables = {"n_units": n, "n_others": n_others, "mean": sums / n, "others": others}
    return pd.DataFrame({k: table.stack() for k, table in tables.items()}).rename_axis(
        ["profile", "item"]
    )


def shapes(scores: pd.DataFrame) -> pd.DataFrame:
    """Take its own mean off each unit's, or profile's, scores: what is left is shape, in points.

    Examples
    --------
    >>> shapes(pd.DataFrame({"AG": [10.0], "EX": [30.0]})).iloc[0].tolist()
    [-10.0, 10.0]
    """
    return scores.sub(scores.mean(axis=1), axis=0)


def shape_shares(partition: Partition) -> pd.Series:
    """Split the variance between profiles into elevation, scatter and shape.

    With e a profile's mean over the phases and d its deviations from it, the squared distance of
    two profiles is p·(e₁ - e₂)² + (|d₁| - |d₂|)² + 2·|d₁|·|d₂|·(1 - cos(d₁, d₂)); averaged over all
    pairs of units the three terms add up to the variance between profiles.

    Parameters
    ----------
    partition : Partition
        The division.

    Returns
    -------
    Series
        elevation, scatter, shape: shares 0-1 that add up to 1 (NaN for a single profile).

    References
    ----------
    Cronbach & Gleser (1953), Psychological Bulletin 50(6), 456-473.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [6, 8, 56, 58]})
    >>> shape_shares(ward_kmeans(scores, 2)).round(3).to_dict()
    {'elevation': 1.0, 'scatter': 0.0, 'shape': 0.0}
    """
    centroids = partition.centroids.dropna()
    sizes = partition.sizes.loc[centroids.index]
    values, weights = centroids.to_numpy(), (sizes / sizes.sum()).to_numpy()
    levels = values.mean(axis=1)
    deviations = values - levels[:, None]
    lengths = np.sqrt((deviations**2).sum(axis=1))
    total = _spread(values, weights)
    elevation = values.shape[1] * _spread(levels[:, None], weights)
    scatter = _spread(lengths[:, None], weights)
    parts = {"elevation": elevation, "scatter": scatter, "shape": total - elevation - scatter}
    return pd.Series({name: part / total if total > 0 else np.nan for name, part in parts.items()})


def crossings(partition: Partition, errors: pd.DataFrame | None = None) -> pd.DataFrame:
    """List the phases on which a lower profile stands well above a higher one, beyond chance.

    By `NOTICEABLE` points or more, and beyond chance among all comparisons of two profiles on a
    phase (normal test of two means, adjusted as Holm 1979): the units made the profiles, so that
    one comparison by itself would nearly always find something.

    Parameters
    ----------
    partition : Partition
        The division.
    errors : DataFrame, index `profile`, `phase`, optional
        true_mean and se, as `true_scores.estimate` gives them: of samples that seek the profiles
        anew. Where there are none, units are taken for members as they are, and one profile that
        was divided in two by chance seems to be two that cross.

    Returns
    -------
    DataFrame
        lower, higher (profile numbers), phase, difference (points, positive).
    """
    means = profile_means(partition).set_index(["profile", "phase"])
    mean, variance = means["mean"], (means["sd"] ** 2 / means["n_units"]).fillna(0.0)
    if errors is not None and errors["se"].notna().any():
        mean, variance = errors["true_mean"], errors["se"] ** 2
    parts = {
        (low, high): pd.DataFrame(
            {"difference": mean[low] - mean[high], "error": np.sqrt(variance[low] + variance[high])}
        )
        for low, high in combinations(partition.sizes.index, 2)
    }
    if not parts:
        return pd.DataFrame(columns=["lower", "higher", "phase", "difference"])
    rows = pd.concat(parts, names=["lower", "higher", "phase"]).reset_index()
    with np.errstate(divide="ignore", invalid="ignore"):
        p = pd.Series(stats.norm.sf(rows["difference"] / rows.pop("error")), rows.index)
    told = (rows["difference"] >= NOTICEABLE) & (holm(p.fillna(1.0)) <= 0.05)
    return rows[told].reset_index(drop=True)


def height_of(level: float) -> str:
    """Give the code of the height of a mean score, 0-100; empty when it is missing.

    Examples
    --------
    >>> height_of(20.0), height_of(99.0)
    ('low', 'very_high')
    """
    return next((code for code, limit in HEIGHTS.items() if level < limit), "")


def propose_names(centroids: pd.DataFrame) -> pd.DataFrame:
    """Propose key words for profiles: the height of the level, leading phases, lagging phases.

    A phase leads (lags) where the profile's shape stands at least `NOTICEABLE` points above
    (below) the mean shape of all profiles; the two strongest are named.

    Parameters
    ----------
    centroids : DataFrame, k profiles × p phases
        Mean scores, 0-100.

    Returns
    -------
    DataFrame, k profiles
        height (code of `HEIGHTS`), leading, lagging (phase codes, space between). Shorthand for a
        shape, never a finding.

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [20.0, 75.0], "EX": [10.0, 45.0]}, index=[1, 2])
    >>> propose_names(centroids).to_numpy().tolist()
    [['very_low', 'EX', 'AG'], ['high', 'AG', 'EX']]
    """
    relative = shapes(centroids) - shapes(centroids).mean()
    rows = []
    for profile in centroids.index:
        ranked = relative.loc[profile].sort_values(ascending=False, kind="stable")
        leading = ranked.index[ranked >= NOTICEABLE][:2]
        lagging = ranked.index[ranked <= -NOTICEABLE][::-1][:2]
        height = height_of(centroids.loc[profile].mean())
        rows.append({"height": height, "leading": " ".join(leading), "lagging": " ".join(lagging)})
    return pd.DataFrame(rows, index=centroids.index)


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
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 30, 62], "EX": [5, 9, 25, 52]})
    >>> members(ward_kmeans(scores, 2))["margin"].round(2).tolist()
    [0.85, 0.9, 0.58, 1.0]
    """
    distances, chances = _distances(partition), partition.posteriors
    is_own = distances.columns.to_numpy() == partition.labels.to_numpy()[:, None]
    own, nearest = distances.where(is_own).max(axis=1), distances.mask(is_own).min(axis=1)
    sure = pd.Series(np.nan, distances.index)
    if chances is not None:
        sure = chances.where(is_own).max(axis=1)
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


def _spread(values: np.ndarray, weights: np.ndarray) -> float:
    """Weighted sum of squared deviations from the weighted mean."""
    return float((weights @ (values - weights @ values) ** 2).sum())


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
