"""Relate profiles to background that did not make them.

Units in their most probable profile are partly misplaced, which makes any relation look weaker
than it is, and makes one where units of one kind are placed less surely: small units have few
respondents, and who is hardly known is placed in the largest profile. The three-step correction
(Bolck, Croon & Hagenaars 2004; Vermunt 2010) weights units by the inverse of the classification
errors. It takes memberships by their probabilities ("proportional assignment"), which over units
without a relation are those of the whole however surely they are known. It stands beside the
uncorrected figures. Effect sizes come first, p values by permutation, corrected by Holm over all
variables asked about. Chance alone makes an effect, which is no less than 0: what permutations give
on average is taken off the squared one (Bergsma 2013), and the interval lies around that.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis.chance import Seed, children, holm
from cycle_analysis.profiles import Partition

Strength = Callable[[np.ndarray, np.ndarray], float]
"""A squared effect size of weights (n × k profiles) and coded background (n × categories), 0-1."""
CRAMER, RANKS = "Cramér's V", "ε²"
"""Measures of association: with categories, and with ranks of numbers."""
MOST_BY_CHANCE = 0.99
"""Where permutations alone give more than this, as of very few units, no more is taken off."""
ILL_CONDITIONED = 50.0
"""Condition of the classification errors from which the correction only adds noise."""


def classification_errors(partition: Partition) -> pd.DataFrame:
    """Give the mean probability of each profile over the units that are of a profile.

    Parameters
    ----------
    partition : Partition
        The division; without probabilities nobody counts as misplaced.

    Returns
    -------
    DataFrame, k true × k profiles
        Rows add up to 1.

    Examples
    --------
    >>> from cycle_analysis.profiles import latent_profiles
    >>> scores = pd.DataFrame({"AG": [10, 12, 11, 60, 62, 61], "EX": [5, 9, 7, 50, 52, 48]})
    >>> classification_errors(latent_profiles(scores, 2)).round(2).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    profiles, chances = partition.sizes.index, partition.probabilities.to_numpy()
    errors = chances.T @ chances / np.maximum(chances.sum(axis=0), 1e-12)[:, None]
    return pd.DataFrame(errors, index=profiles, columns=profiles)


def can_be_corrected(partition: Partition) -> bool:
    """Whether profiles have members and are told apart well enough to correct for misplacement."""
    errors = classification_errors(partition)
    return bool((errors.sum() > 0).all() and np.linalg.cond(errors) <= ILL_CONDITIONED)


def correction_weights(partition: Partition) -> pd.DataFrame:
    """Give each unit's weight in each profile after correction, n units × k profiles.

    A unit may count more than once in its own profile and negatively in those it is confused with;
    its weights add up to 1.

    Raises
    ------
    ValueError
        When profiles are hardly told apart, so that a correction would only add noise.

    References
    ----------
    Vermunt (2010), Political Analysis 18(4), 450-469.
    """
    errors = classification_errors(partition)
    if not can_be_corrected(partition):
        raise ValueError(
            "The profiles are hardly told apart (a profile without members, or as often confused "
            "as not), so misplacement cannot be corrected. Ask for fewer profiles."
        )
    weights = partition.probabilities.to_numpy() @ np.linalg.inv(errors.to_numpy())
    return pd.DataFrame(weights, index=partition.labels.index, columns=errors.columns)


def background_by_profile(partition: Partition, background: pd.Series) -> pd.DataFrame:
    """Give a background variable per profile, uncorrected and corrected.

    Parameters
    ----------
    partition : Partition
        The division.
    background : Series, n units
        Categories, or numbers.

    Returns
    -------
    DataFrame
        profile, category (missing for numbers), value and corrected: the share of the category
        within the profile, or the mean. A corrected share may lie just outside 0-1.
    """
    known = background.reindex(partition.labels.index).dropna()
    coded, names = _coded(known)
    plain, better = (
        (weights.T @ coded / weights.sum(axis=0)[:, None]).ravel()
        for weights in (table.loc[known.index].to_numpy() for table in _weights(partition))
    )
    cells = pd.DataFrame(product(partition.sizes.index, names), columns=["profile", "category"])
    return cells.assign(value=plain, corrected=better)


def associate(
    partition: Partition,
    background: pd.DataFrame,
    *,
    n_permutations: int = 999,
    n_resamples: int = 999,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Relate profiles to background variables: effect size, interval, permutation p, Holm.

    Parameters
    ----------
    partition : Partition
        The division, two profiles or more.
    background : DataFrame, n units × q variables
        Numbers are ranked, everything else counts as categories; units without a value are left
        out for that variable.
    n_permutations : int
        Permutations of the variable over the units.
    n_resamples : int
        Bootstrap samples of units for the interval; memberships are taken as they are.
    seed : int or SeedSequence
        Each permutation and each sample has its own child seed.

    Returns
    -------
    DataFrame, q variables, strongest first
        measure (Cramér's V, or ε² of ranks), n_units, effect (uncorrected), corrected (for
        misplacement, which is tested, and for chance), low, high (95 % of the bootstrap, moved
        to lie around `corrected`, because effects of resamples are too large), p, p_holm.

    Raises
    ------
    ValueError
        When a variable is one of the phases that made the profiles, does not vary, or is known for
        fewer than ten units.

    References
    ----------
    Bergsma (2013), Journal of the Korean Statistical Society 42(3), 323-328.
    Bolck, Croon & Hagenaars (2004), Political Analysis 12(1), 3-27. Holm (1979), Scandinavian
    Journal of Statistics 6(2), 65-70.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> rng = np.random.default_rng(1)
    >>> level = np.repeat([20, 60], 30)[:, None]
    >>> scores = pd.DataFrame(level + rng.normal(0, 5, (60, 2)), columns=["AG", "EX"])
    >>> background = pd.DataFrame({"size": ["small"] * 30 + ["large"] * 30})
    >>> associate(ward_kmeans(scores, 2), background, n_permutations=99)["p"].tolist()
    [0.01]
    """
    _check(partition, background)
    seeds = children(seed, n_permutations + n_resamples)
    parts = seeds[:n_permutations], seeds[n_permutations:]
    tables = _weights(partition)
    rows = [(name, *_relation(tables, background[name], *parts)) for name in background.columns]
    columns = ["variable", "measure", "n_units", "effect", "corrected", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns).set_index("variable")
    table["p_holm"] = holm(table["p"])
    return table.sort_values("corrected", ascending=False, kind="stable")


def profile_background(
    partition: Partition, background: pd.DataFrame, n_permutations: int = 999, seed: int = 2018
) -> pd.DataFrame:
    """Relate profiles to the background of units, where there is anything to relate.

    Returns
    -------
    DataFrame, index `variable`
        As `associate`; without rows when nothing is divided or a profile has no members.
        Variables on which fewer than two groups of units differ are left out. Profiles that are
        hardly told apart are related without correction for misplacement.
    """
    known = _varying(partition, background)
    if known.empty:
        columns = ["measure", "n_units", "effect", "corrected", "low", "high", "p", "p_holm"]
        return pd.DataFrame(columns=columns, index=pd.Index([], name="variable"))
    partition = _correctable(partition)
    table = associate(partition, known, n_permutations=n_permutations, seed=seed)
    return table.rename_axis("variable")


def background_shares(partition: Partition, background: pd.DataFrame) -> pd.DataFrame:
    """Set the background of each profile, where there is anything to relate.

    Returns
    -------
    DataFrame, index (variable, profile, category)
        value and corrected, as `background_by_profile`.
    """
    known, index = _varying(partition, background), ["variable", "profile", "category"]
    partition = _correctable(partition)
    tables = {name: background_by_profile(partition, known[name]) for name in known}
    if not tables:
        none = pd.MultiIndex.from_tuples([], names=index)
        return pd.DataFrame(columns=["value", "corrected"], index=none)
    return pd.concat(tables, names=["variable"]).reset_index("variable").set_index(index)


def _varying(partition: Partition, background: pd.DataFrame) -> pd.DataFrame:
    """Background on which units differ; without columns when there are no profiles to relate."""
    known = background.reindex(partition.labels.index)
    varies = [name for name in known if len(known[name].dropna().unique()) > 1]
    divided = partition.k > 1 and bool(partition.sizes.gt(0).all())
    return known[varies if divided else []]


def _correctable(partition: Partition) -> Partition:
    """Leave probabilities out that tell profiles apart too badly to correct for misplacement."""
    return partition if can_be_corrected(partition) else replace(partition, posteriors=None)


def _relation(
    tables: tuple[pd.DataFrame, pd.DataFrame],
    values: pd.Series,
    permutations: list[np.random.SeedSequence],
    samples: list[np.random.SeedSequence],
) -> tuple[str, int, float, float, float, float, float]:
    """Give one row of `associate`, from the weights of units as assigned and as corrected."""
    known = values.reindex(tables[0].index).dropna()
    ranked = _is_number(known)
    measure, strength, power = (
        (RANKS, _rank_share, 1.0) if ranked else (CRAMER, _cramers_v_squared, 0.5)
    )
    coded = _coded(known.rank() if ranked else known)[0]
    naive, own = (table.loc[known.index].to_numpy() for table in tables)
    effect = strength(own, coded)
    permuted, resampled = (
        Parallel()(delayed(draw)(strength, own, coded, child) for child in seeds)
        for draw, seeds in ((_permuted, permutations), (_resampled, samples))
    )
    by_chance = min(np.mean(permuted), MOST_BY_CHANCE)
    better = (effect - by_chance) / (1 - by_chance)
    ends = np.percentile(resampled, [2.5, 97.5]) - np.mean(resampled) + better
    better, low, high = np.clip([better, *ends], 0.0, 1.0) ** power
    p = (1 + sum(other >= effect - 1e-12 for other in permuted)) / (len(permuted) + 1)
    return measure, len(known), strength(naive, coded) ** power, better, low, high, p


def _permuted(strength: Strength, weights: np.ndarray, coded: np.ndarray, seed: Seed) -> float:
    order = np.random.default_rng(seed).permutation(len(coded))
    return strength(weights, coded[order])


def _resampled(strength: Strength, weights: np.ndarray, coded: np.ndarray, seed: Seed) -> float:
    rows = np.random.default_rng(seed).integers(0, len(coded), len(coded))
    return strength(weights[rows], coded[rows])


def _cramers_v_squared(weights: np.ndarray, categories: np.ndarray) -> float:
    """Squared strength of the relation in the table of corrected counts, 0-1."""
    table = weights.T @ categories[:, categories.any(axis=0)]
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(np.maximum(rows, 1e-9), columns) / table.sum()
    chi_squared = ((table - expected) ** 2 / expected).sum()
    freedom = max(min(table.shape) - 1, 1)
    return float(np.clip(chi_squared / table.sum() / freedom, 0.0, 1.0))


def _rank_share(weights: np.ndarray, ranks: np.ndarray) -> float:
    """Share of the variance of ranks between profiles: Kruskal-Wallis' H / (n - 1)."""
    sizes = np.maximum(weights.sum(axis=0), 1e-9)
    means = (weights.T @ ranks)[:, 0] / sizes
    between = (sizes * (means - ranks.mean()) ** 2).sum()
    return float(min(between / ((ranks - ranks.mean()) ** 2).sum(), 1.0))


def _weights(partition: Partition) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weights of units in profiles, n × k: as assigned, and corrected."""
    assigned = replace(partition, posteriors=None, n_profiles=partition.k)
    return assigned.probabilities, correction_weights(partition)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _coded(values: pd.Series) -> tuple[np.ndarray, list[object]]:
    """Values as columns of a matrix: one per category, or the numbers themselves."""
    if _is_number(values):
        return values.to_numpy(dtype=float)[:, None], [None]
    dummies = pd.get_dummies(values.astype(object))
    return dummies.to_numpy(dtype=float), dummies.columns.tolist()


def _check(partition: Partition, background: pd.DataFrame) -> None:
    if partition.k < 2:
        raise ValueError("One profile cannot be related to anything. Allowed: two or more.")
    units = partition.labels.index
    for name in background.columns:
        known = background[name].reindex(units).dropna()
        made = name in partition.scores.columns or _is_copy(known, partition.scores)
        if made:
            raise ValueError(
                f"{name!r} is one of the scores that made the profiles: that they differ on it is "
                "no finding. Leave it out."
            )
        if len(known) < 10 or known.nunique() < 2:
            raise ValueError(
                f"{name!r} is known for {len(known)} units with {known.nunique()} different "
                "values. Allowed: 10 units or more that differ. Leave it out."
            )


def _is_copy(known: pd.Series, scores: pd.DataFrame) -> bool:
    """Whether a variable is one of the scores under another name."""
    if known.empty or not _is_number(known):
        return False
    return bool(scores.loc[known.index].eq(known, axis=0).all().any())
