"""Lay all models from 1 to K profiles side by side, and choose one by a stated rule.

No criterion decides alone. The table shows them all, with what speaks against a solution: too many
parameters, a best solution that was found only once, a small profile. `choose` applies the default
rule and says why; it is a proposal to argue about, not an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.spatial.distance import pdist, squareform

from cycle_analysis import mixtures, separation
from cycle_analysis.criteria import BARRING, FLAGS, row_of
from cycle_analysis.mixtures import EEE, EEI, VVI, CovarianceModel, Search
from cycle_analysis.seeds import Seed, children
from cycle_analysis.ward import WardTree

WARD = "Ward + k-means"
"""Name of the rows that no mixture stands behind."""
TIE = 2.0
"""BIC differences up to this are a tie; up to `NEAR` the other solution deserves to be shown."""
NEAR = 6.0


@dataclass(frozen=True)
class Choice:
    """A number of profiles with the reason for it.

    Attributes
    ----------
    k : int
        Number of profiles.
    method : str
        Covariance model that had the lowest BIC.
    reason : dict of str
        The reason in words, by language (nl, en).
    alternatives : tuple of (str, int)
        Other models and numbers of profiles within `NEAR` BIC points, best first.
    flags : tuple of str
        What speaks against the solution chosen; see `FLAGS`.
    """

    k: int
    method: str
    reason: dict[str, str]
    alternatives: tuple[tuple[str, int], ...] = ()
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.reason["en"]


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


def choose(table: pd.DataFrame) -> Choice:
    """Choose by the default rule: the lowest BIC among all models from one profile up.

    Solutions that did not converge, were found once only, have an empty profile or more parameters
    than a third of the units are left out. Within `TIE` BIC points the fewest parameters win.

    Parameters
    ----------
    table : DataFrame
        As `compare` gives it.

    Returns
    -------
    Choice
        With the reason in words and the solutions that come near.

    Raises
    ------
    ValueError
        When the table holds no latent profile model.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> choose(compare(scores, 2, models=[EEI], n_references=5)).k
    1
    """
    fitted = table[table["bic"].notna()]
    if fitted.empty:
        raise ValueError("The table holds no latent profiles to choose from. Give `models`.")
    barred = fitted["flags"].str.split().map(lambda flags: not set(flags).isdisjoint(BARRING))
    allowed = fitted[~barred] if not barred.all() else fitted
    lowest = allowed["bic"].min()
    tied = allowed[allowed["bic"] <= lowest + TIE]
    best = tied.sort_values(["n_parameters", "bic"]).iloc[0]
    near = allowed[(allowed["bic"] <= lowest + NEAR) & (allowed.index != best.name)]
    near = near.sort_values("bic")
    alternatives = tuple((row.method, int(row.k)) for row in near.itertuples())
    by_aic = fitted.loc[fitted["aic"].idxmin()]
    reason = {
        language: _reason(language, best, near, by_aic, int(barred.sum()), len(fitted))
        for language in ("nl", "en")
    }
    return Choice(
        int(best["k"]), best["method"], reason, alternatives, tuple(best["flags"].split())
    )


def _reason(
    language: str,
    best: pd.Series,
    near: pd.DataFrame,
    by_aic: pd.Series,
    n_barred: int,
    n_fitted: int,
) -> str:
    """Say why this solution, in words."""
    words = _REASONS[language]
    parts = [words["best"].format(k=best["k"], method=best["method"], n=n_fitted)]
    if len(near):
        names = ", ".join(f"{row.method} k = {row.k}" for row in near.itertuples())
        parts.append(words["near"].format(near=NEAR, names=names))
    if int(by_aic["k"]) != int(best["k"]):
        parts.append(words["aic"].format(method=by_aic["method"], k=by_aic["k"]))
    if n_barred:
        parts.append(words["barred"].format(n=n_barred, of=n_fitted))
    for flag in best["flags"].split():
        parts.append(words["flag"].format(flag=FLAGS[flag][language]))
    return " ".join(parts)


_REASONS = {
    "nl": {
        "best": "k = {k} ({method}): de laagste BIC van {n} modellen, vanaf één profiel; bij een "
        "verschil tot 2 wint het model met de minste parameters.",
        "near": "Ook binnen {near:.0f} BIC-punten: {names}.",
        "aic": "AIC, dat eerder te veel profielen aanwijst, kiest {method} k = {k}.",
        "barred": "Buiten beschouwing (te veel parameters, niet geconvergeerd, een leeg profiel of "
        "een oplossing die maar één keer werd gevonden): {n} van {of}.",
        "flag": "Let op: {flag}.",
    },
    "en": {
        "best": "k = {k} ({method}): the lowest BIC of {n} models, from one profile up; within 2 "
        "points the model with the fewest parameters wins.",
        "near": "Also within {near:.0f} BIC points: {names}.",
        "aic": "AIC, which tends to announce too many profiles, takes {method} k = {k}.",
        "barred": "Left out (too many parameters, not converged, an empty profile, or a solution "
        "found only once): {n} of {of}.",
        "flag": "Beware: {flag}.",
    },
}


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
