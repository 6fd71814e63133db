"""How many profiles: criteria of every model, and the choice.

Weigh one fitted mixture: information criteria, certainty, and what speaks against it.

Deviance plus a price per parameter; n is the sum of the case weights. The lower, the better.

Choose a number of profiles from the table of all models by a stated rule, and say why.

The rule is a proposal to argue about, not an answer: the lowest BIC of the solutions that nothing
serious speaks against; of those within two points the one with the fewest parameters.

Lay all models from 1 to K profiles side by side.

No criterion decides alone. The table shows them all, with what speaks against a solution: too many
parameters, a best solution that was found only once, a small profile. `choice.choose` applies the
default rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.spatial.distance import pdist, squareform

from cycle_analysis import mixtures
from cycle_analysis.mixtures import EEE, EEI, VVI, ClassMixture, CovarianceModel, Mixture, Search
from cycle_analysis.mixtures.search import WardTree
from cycle_analysis.profiles import separation
from cycle_analysis.seeds import Seed, children

FLAGS = {
    "many_parameters": {
        "nl": "meer parameters dan een derde van het aantal eenheden: neem minder profielen",
        "en": "more parameters than a third of the number of units: take fewer profiles",
    },
    "not_replicated": {
        "nl": "de beste oplossing kwam maar één keer voor: neem meer starts of minder profielen",
        "en": "the best solution was found only once: take more starts or fewer profiles",
    },
    "not_converged": {
        "nl": "niet geconvergeerd: neem meer starts of minder profielen",
        "en": "not converged: take more starts or fewer profiles",
    },
    "at_floor": {
        "nl": "een variantie ligt op de ondergrens, bij bijna gelijke scores: neem EEI of minder "
        "profielen",
        "en": "a variance lies on its floor, of nearly equal scores: take EEI or fewer profiles",
    },
    "small_profile": {
        "nl": "het kleinste profiel is kleiner dan 5 % of 15 eenheden: kijk wie het zijn, of neem "
        "minder profielen",
        "en": "the smallest profile is under 5 % or 15 units: look who they are, or take fewer "
        "profiles",
    },
    "few_units": {
        "nl": "minder dan 30 eenheden: beschrijf ze liever één voor één",
        "en": "fewer than 30 units: rather describe them one by one",
    },
    "empty_profile": {
        "nl": "een profiel heeft geen leden: neem minder profielen",
        "en": "a profile has no members: take fewer profiles",
    },
}
"""What a flag means and, after a colon, what to do; by language."""
BARRING = ("many_parameters", "not_replicated", "not_converged", "empty_profile")
"""Flags that rule a solution out of the default choice."""


def criteria(mixture: Mixture | ClassMixture, posteriors: pd.DataFrame) -> dict[str, float]:
    """Give the information criteria of one fitted mixture, lower is better.

    Parameters
    ----------
    mixture : Mixture
        Fitted profiles.
    posteriors : DataFrame, n units × k profiles
        Membership probabilities.

    Returns
    -------
    dict
        aic, bic, sabic, aicc, caic, icl and entropy, as described in `compare`.
    """
    m, n = mixture.n_parameters, mixture.n_units
    deviance = -2 * mixture.log_likelihood
    aic = deviance + 2 * m
    bic = deviance + m * np.log(n)
    room = n - m - 1
    doubt = posteriors.max(axis=1).map(np.log).sum()
    chances = np.maximum(posteriors.to_numpy(), 1e-300)
    disorder = -(chances * np.log(chances)).sum()
    share = disorder / (len(posteriors) * np.log(mixture.k)) if mixture.k > 1 else np.nan
    return {
        "aic": aic,
        "bic": bic,
        "sabic": deviance + m * np.log((n + 2) / 24),
        "aicc": aic + 2 * m * (m + 1) / room if room > 0 else np.nan,
        "caic": deviance + m * (np.log(n) + 1),
        "icl": bic - 2 * doubt,
        "entropy": 1 - share,
    }


def row_of(mixture: Mixture | ClassMixture, posteriors: pd.DataFrame) -> dict[str, object]:
    """Give the criteria and flags of one fitted mixture, as a row of the table.

    Parameters
    ----------
    mixture : Mixture or ClassMixture
        Fitted profiles.
    posteriors : DataFrame, n units × k profiles
        Membership probabilities.

    Returns
    -------
    dict
        The columns of `selection.compare` from k to flags.
    """
    own = posteriors.idxmax(axis=1)
    sizes = own.value_counts().reindex(posteriors.columns, fill_value=0)
    sure = posteriors.max(axis=1).groupby(own).mean()
    return {
        "k": mixture.k,
        "log_likelihood": mixture.log_likelihood,
        "n_parameters": mixture.n_parameters,
        **criteria(mixture, posteriors),
        "smallest_profile": int(sizes.min()),
        "smallest_share": float(sizes.min() / len(posteriors)),
        "mean_posterior": float(sure.min()),
        "n_replicated": mixture.outcome.n_replicated,
        "n_finished": mixture.outcome.n_finished,
        "flags": " ".join(_flags(mixture, sizes)),
    }


def _flags(mixture: Mixture | ClassMixture, sizes: pd.Series) -> list[str]:
    """Codes of what speaks against a solution."""
    n = float(sizes.sum())
    against = {
        "many_parameters": mixture.n_parameters > n / 3,
        "not_replicated": mixture.outcome.n_finished > 1 and mixture.outcome.n_replicated < 2,
        "not_converged": not mixture.outcome.converged,
        "at_floor": mixture.at_floor and mixture.k > 1,
        "small_profile": mixture.k > 1 and sizes.min() < max(0.05 * n, 15),
        "few_units": n < 30,
        "empty_profile": sizes.min() == 0,
    }
    return [code for code, holds in against.items() if holds]


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

    def title(self, language: str) -> str:
        """Give the choice in a few words (nl or en)."""
        return _REASONS[language]["title"].format(k=self.k, method=self.method)

    def __str__(self) -> str:
        return self.reason["en"]


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
    >>> import numpy as np
    >>> from cycle_analysis.mixtures import EEI
    >>> from cycle_analysis.profiles.selection import compare
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
        "title": "De regel kiest k = {k} ({method})",
        "best": "k = {k} ({method}): de laagste BIC van {n} modellen, vanaf één profiel; bij een "
        "verschil tot 2 wint het model met de minste parameters.",
        "near": "Ook binnen {near:.0f} BIC-punten: {names}.",
        "aic": "AIC, dat eerder te veel profielen aanwijst, kiest {method} k = {k}.",
        "barred": "Buiten beschouwing (te veel parameters, niet geconvergeerd, een leeg profiel of "
        "een oplossing die maar één keer werd gevonden): {n} van {of}.",
        "flag": "Let op: {flag}.",
    },
    "en": {
        "title": "The rule takes k = {k} ({method})",
        "best": "k = {k} ({method}): the lowest BIC of {n} models, from one profile up; within 2 "
        "points the model with the fewest parameters wins.",
        "near": "Also within {near:.0f} BIC points: {names}.",
        "aic": "AIC, which tends to announce too many profiles, takes {method} k = {k}.",
        "barred": "Left out (too many parameters, not converged, an empty profile, or a solution "
        "found only once): {n} of {of}.",
        "flag": "Beware: {flag}.",
    },
}


WARD = "Ward + k-means"
"""Name of the rows that no mixture stands behind."""


Fits = Mapping[tuple[str, int], Mixture]
"""Fitted mixtures by covariance model and number of profiles."""


def fit_models(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    models: Sequence[CovarianceModel] = (EEI, VVI, EEE),
    *,
    n_starts: int = 50,
    variance_floor: float = 0.01,
    seed: Seed = 1,
    n_jobs: int = 1,
) -> dict[tuple[str, int], Mixture]:
    """Fit every model with 1 to `max_profiles` profiles.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores.
    max_profiles : int
        Largest number of profiles; fewer when there are fewer distinct score profiles.
    models : sequence of CovarianceModel
        Latent profile models.
    n_starts : int
        Random starts per model and k.
    variance_floor : float
        Smallest variance of a profile, as a share of the phase's variance.
    seed : int or SeedSequence
        Each fit has its own child seed.
    n_jobs : int
        Workers of joblib; the result does not depend on it.

    Returns
    -------
    dict of (str, int) to Mixture
        By name of the model and number of profiles.

    Raises
    ------
    ValueError
        As `mixtures.check_scores`. Scores that are all identical do not raise: k is 1 then.
    """
    mixtures.check_scores(scores, 1)
    highest = min(max_profiles, mixtures.n_distinct(scores.to_numpy(dtype=float)))
    mixtures.check_scores(scores, highest)
    tasks = list(product(models, range(1, highest + 1)))
    searches = [Search(n_starts=n_starts, seed=child) for child in children(seed, len(tasks))]
    fitted = Parallel(n_jobs=n_jobs)(
        delayed(mixtures.fit_profiles)(
            scores, k, model, variance_floor=variance_floor, search=search
        )
        for (model, k), search in zip(tasks, searches, strict=True)
    )
    return {(model.name, k): mixture for (model, k), mixture in zip(tasks, fitted, strict=True)}


def compare(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    models: Sequence[CovarianceModel] = (EEI, VVI, EEE),
    *,
    fits: Fits | None = None,
    n_starts: int = 50,
    n_references: int = 100,
    seed: Seed = 1,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Set the criteria of every model with 1 to `max_profiles` profiles in a table.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; units with a missing score count for the latent profiles only.
    max_profiles, models, n_starts, seed, n_jobs
        As `fit_models`.
    fits : mapping of (str, int) to Mixture, optional
        What `fit_models` gave for these, when already fitted.
    n_references : int
        Reference data sets of the gap statistic.

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
    if fits is None:
        fits = fit_models(scores, max_profiles, models, n_starts=n_starts, seed=seed, n_jobs=n_jobs)
    rows = [
        {"method": name, **row_of(mixture, mixtures.classify(mixture, scores))}
        for (name, _), mixture in fits.items()
    ]
    highest, last = max(k for _, k in fits), children(seed, len(fits) + 1)[-1]
    ward = _ward_rows(scores.dropna(), highest, n_references, last, n_jobs)
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
