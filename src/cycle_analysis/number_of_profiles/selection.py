"""Lay all models from 1 to K profiles side by side.

No criterion decides alone. The table shows them all, with what speaks against a solution: too many
parameters, a best solution that was found only once, a small profile. `choice.choose` applies the
default rule.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.spatial.distance import pdist, squareform

from cycle_analysis import mixtures
from cycle_analysis.mixtures import EEE, EEI, VVI, CovarianceModel, Search
from cycle_analysis.number_of_profiles import separation
from cycle_analysis.number_of_profiles.criteria import row_of
from cycle_analysis.seeds import Seed, children
from cycle_analysis.ward import WardTree

WARD = "Ward + k-means"
"""Name of the rows that no mixture stands behind."""


def compare(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    models: Sequence[CovarianceModel] = (EEI, VVI, EEE),
    *,
    n_starts: int = 50,
    n_references: int = 100,
    variance_floor: float = 0.01,
    seed: Seed = 1,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Fit every model with 1 to `max_profiles` profiles and set their criteria in a table.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; units with a missing score count for the latent profiles only.
    max_profiles : int
        Largest number of profiles; fewer when there are fewer distinct score profiles.
    models : sequence of CovarianceModel
        Latent profile models.
    n_starts : int
        Random starts per model and k.
    n_references : int
        Reference data sets of the gap statistic.
    variance_floor : float
        Smallest variance of a profile, as a share of the phase's variance.
    seed : int or SeedSequence
        Each fit has its own child seed.
    n_jobs : int
        Workers of joblib; the result does not depend on it.

    Returns
    -------
    DataFrame, one row per method and k
        method, k, log_likelihood, n_parameters, aic, bic, sabic (Sclove 1987: n* = (n + 2) / 24),
        aicc, caic, icl (Biernacki et al. 2000), all: the lower the better; entropy (relative,
        0-1), smallest_profile (units), smallest_share, mean_posterior (of the least certain
        profile), n_replicated of n_finished runs, flags (codes of `FLAGS`, space between);
        silhouette, calinski_harabasz, gap, gap_se, gap_chosen for Ward + k-means.

    Raises
    ------
    ValueError
        As `mixtures.check_scores`. Scores that are all identical do not raise: one row, k = 1.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> table = compare(scores, 2, models=[EEI], n_references=5)
    >>> table[["method", "k", "n_parameters"]].to_numpy().tolist()[:2]
    [['EEI', 1, 4], ['EEI', 2, 7]]
    """
    mixtures.check_scores(scores, 1)
    highest = min(max_profiles, mixtures.n_distinct(scores.to_numpy(dtype=float)))
    mixtures.check_scores(scores, highest)
    tasks = list(product(models, range(1, highest + 1)))
    seeds = children(seed, len(tasks) + 1)
    rows = Parallel(n_jobs=n_jobs)(
        delayed(_fit_row)(scores, k, model, n_starts, variance_floor, child)
        for (model, k), child in zip(tasks, seeds, strict=False)
    )
    ward = _ward_rows(scores.dropna(), highest, n_references, seeds[-1], n_jobs)
    table = pd.concat([pd.DataFrame(rows), ward], ignore_index=True)
    counts = ["k", "n_parameters", "smallest_profile", "n_replicated", "n_finished"]
    return table.astype(dict.fromkeys(counts, "Int64"))


def with_resampling(
    table: pd.DataFrame, model: str, ratios: pd.DataFrame, jaccard: pd.DataFrame
) -> pd.DataFrame:
    """Put the results of resampling beside the criteria.

    Parameters
    ----------
    table : DataFrame
        As `compare` gives it.
    model : str
        The model that was tested by bootstrap likelihood ratios.
    ratios : DataFrame, index k
        As `likelihood_ratio.likelihood_ratios` gives them.
    jaccard : DataFrame, index (k, profile)
        As `stability.jaccard_by_k` gives it, for Ward + k-means.

    Returns
    -------
    DataFrame
        The table with ratio_p (k - 1 against k profiles; of `model` only) and jaccard (of the least
        stable profile; of Ward + k-means only).

    Examples
    --------
    >>> table = pd.DataFrame({"method": ["EEI", "EEI", WARD], "k": [1, 2, 2]})
    >>> ratios = pd.DataFrame({"p": [0.02]}, index=pd.Index([2], name="k"))
    >>> index = pd.MultiIndex.from_tuples([(2, 1), (2, 2)], names=["k", "profile"])
    >>> jaccard = pd.DataFrame({"jaccard": [0.7, 0.9]}, index=index)
    >>> with_resampling(table, "EEI", ratios, jaccard)[["ratio_p", "jaccard"]].values.tolist()
    [[nan, nan], [0.02, nan], [nan, 0.7]]
    """
    least = jaccard["jaccard"].groupby(level="k").min()
    tested, divided = table["method"] == model, table["method"] == WARD
    return table.assign(
        ratio_p=table["k"].map(ratios["p"]).where(tested),
        jaccard=table["k"].map(least).where(divided),
    )


def compare_classes(
    answers: pd.DataFrame,
    max_classes: int = 6,
    *,
    n_starts: int = 50,
    seed: Seed = 1,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Fit 1 to `max_classes` latent classes and set their criteria in a table.

    Parameters
    ----------
    answers : DataFrame, n units × p items
        Codes; NaN where missing.
    max_classes : int
        Largest number of classes.
    n_starts : int
        Random starts per k.
    seed : int or SeedSequence
        Each fit has its own child seed.
    n_jobs : int
        Workers of joblib; the result does not depend on it.

    Returns
    -------
    DataFrame, one row per k
        The columns of `compare` up to the flags; to be read by `choose` as well.
    """
    highest = max(1, min(max_classes, len(answers.drop_duplicates())))
    rows = Parallel(n_jobs=n_jobs)(
        delayed(_class_row)(answers, k, n_starts, child)
        for k, child in enumerate(children(seed, highest), start=1)
    )
    return pd.DataFrame(rows)


def _fit_row(
    scores: pd.DataFrame,
    k: int,
    model: CovarianceModel,
    n_starts: int,
    variance_floor: float,
    seed: np.random.SeedSequence,
) -> dict[str, object]:
    search = Search(n_starts=n_starts, seed=seed)
    mixture = mixtures.fit_profiles(scores, k, model, variance_floor=variance_floor, search=search)
    return {"method": model.name, **row_of(mixture, mixtures.classify(mixture, scores))}


def _class_row(
    answers: pd.DataFrame, k: int, n_starts: int, seed: np.random.SeedSequence
) -> dict[str, object]:
    mixture = mixtures.fit_classes(answers, k, search=Search(n_starts=n_starts, seed=seed))
    return {"method": mixture.name, **row_of(mixture, mixtures.classify_answers(mixture, answers))}


def _ward_rows(
    scores: pd.DataFrame,
    max_profiles: int,
    n_references: int,
    seed: np.random.SeedSequence,
    n_jobs: int,
) -> pd.DataFrame:
    """Separation of Ward + k-means on the complete units."""
    highest = max(1, min(max_profiles, len(scores.drop_duplicates())))
    values = scores.to_numpy(dtype=float)
    if len(values) < 2:
        return pd.DataFrame({"method": [], "k": [], "flags": []})
    tree, distances = WardTree(values), squareform(pdist(values))
    labels = [tree.refined(k) for k in range(1, highest + 1)]
    sizes = [int(np.bincount(groups).min()) for groups in labels]
    table = separation.gap(scores, highest, n_references=n_references, seed=seed, n_jobs=n_jobs)
    return (
        table.drop(columns="log_within")
        .reset_index()
        .assign(
            method=WARD,
            smallest_profile=sizes,
            smallest_share=np.array(sizes) / len(values),
            silhouette=[separation.silhouette(distances, groups) for groups in labels],
            calinski_harabasz=[separation.calinski_harabasz(values, groups) for groups in labels],
            flags="",
        )
    )
