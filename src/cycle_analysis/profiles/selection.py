"""How many profiles: the criteria of all models from one profile up, side by side, and a choice.

No criterion decides alone. The table shows them all, with what speaks against a solution: too many
parameters, a best solution that was found only once, a small profile. The default rule is a
proposal to argue about, not an answer: the lowest BIC of the solutions that nothing serious speaks
against; of those within two points the one with the fewest parameters.

The bootstrapped likelihood ratio (McLachlan 1987, Applied Statistics 36(3)) asks whether a *normal*
mixture explains the scores, not whether there are profiles: of a skewed continuum it makes three.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis import mixtures
from cycle_analysis.chance import Seed, children
from cycle_analysis.mixtures import EEE, EEI, VVI, ClassMixture, CovarianceModel, Mixture, Search

BARRING = ("many_parameters", "not_replicated", "not_converged", "empty_profile")
"""Flags that rule a solution out of the default choice."""
TIE, NEAR = 2.0, 6.0
"""BIC differences up to the first are a tie; up to the second the other deserves to be shown."""
Fits = Mapping[tuple[str, int], Mixture]
"""Fitted mixtures by covariance model and number of profiles."""
TOLERANCE = 1e-7
"""Gain per unit at which a run has converged: ratios come out to the third decimal."""
THOROUGH = Search(10, 10, tolerance=TOLERANCE)
"""Ten starts, all to the end."""
Fit = Callable[..., Mixture | ClassMixture]
"""Fits k profiles to a table, as `mixtures.fit_mixture` and `mixtures.fit_classes` do."""


@dataclass(frozen=True)
class Choice:
    """A number of profiles, and what there is to say of it.

    Attributes
    ----------
    k : int
        Number of profiles.
    method : str
        Covariance model that had the lowest BIC.
    alternatives : tuple of (str, int)
        Other models and numbers of profiles within `NEAR` BIC points, best first.
    flags : tuple of str
        What speaks against the solution chosen; see `compare`.
    by_aic : (str, int)
        What AIC would take, which tends to announce too many profiles.
    n_models, n_barred : int
        Number of solutions, and of those left out.
    """

    k: int
    method: str
    alternatives: tuple[tuple[str, int], ...] = ()
    flags: tuple[str, ...] = ()
    by_aic: tuple[str, int] = ("", 1)
    n_models: int = 0
    n_barred: int = 0

    def __str__(self) -> str:
        return f"k = {self.k} ({self.method})"


@dataclass(frozen=True, eq=False)
class LikelihoodRatio:
    """Whether k profiles fit better than k - 1 would by chance.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood.
    null_statistics : array, B
        The same for samples drawn from k - 1 fitted profiles.
    """

    statistic: float
    null_statistics: np.ndarray

    @property
    def p(self) -> float:
        """(b + 1) / (B + 1), b the samples with at least this gain: never 0."""
        reached = int((self.null_statistics >= self.statistic - 1e-9).sum())
        return (reached + 1) / (len(self.null_statistics) + 1)


def fit_models(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    models: Sequence[CovarianceModel] = (EEI, VVI, EEE),
    *,
    n_starts: int = 50,
    seed: Seed = 1,
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
    seed : int or SeedSequence
        Each fit has its own child seed.

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
    fitted = Parallel()(
        delayed(mixtures.fit_mixture)(scores, k, model, search=search)
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
    seed: Seed = 1,
) -> pd.DataFrame:
    """Set the criteria of every model with 1 to `max_profiles` profiles in a table.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; a missing one counts by the likelihood of the others.
    max_profiles, models, n_starts, seed
        As `fit_models`.
    fits : mapping of (str, int) to Mixture, optional
        What `fit_models` gave for these, when already fitted.

    Returns
    -------
    DataFrame, one row per method and k
        method, k, log_likelihood, n_parameters, aic, bic, sabic (Sclove 1987: n* = (n + 2) / 24),
        aicc, caic, icl (Biernacki et al. 2000), all: the lower the better; entropy (relative,
        0-1), smallest_profile (units), smallest_share, mean_posterior (of the least certain
        profile), n_replicated of n_finished runs, flags (codes, space between:
        many_parameters, not_replicated, not_converged, at_floor, small_profile, few_units,
        empty_profile).

    Raises
    ------
    ValueError
        As `mixtures.check_scores`. Scores that are all identical do not raise: one row, k = 1.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> table = compare(scores, 2, models=[EEI])
    >>> table[["method", "k", "n_parameters"]].to_numpy().tolist()[:2]
    [['EEI', 1, 4], ['EEI', 2, 7]]
    """
    if fits is None:
        fits = fit_models(scores, max_profiles, models, n_starts=n_starts, seed=seed)
    rows = [
        {"method": name, **row_of(mixture, mixtures.classify(mixture, scores))}
        for (name, _), mixture in fits.items()
    ]
    return pd.DataFrame(rows)


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
        The columns of `compare` from k to flags.
    """
    own = posteriors.idxmax(axis=1)
    sizes = own.value_counts().reindex(posteriors.columns, fill_value=0)
    m, n = mixture.n_parameters, mixture.n_units
    deviance = -2 * mixture.log_likelihood
    aic, bic, room = deviance + 2 * m, deviance + m * np.log(n), n - m - 1
    doubt = posteriors.max(axis=1).map(np.log).sum()
    chances = np.maximum(posteriors.to_numpy(), 1e-300)
    disorder = -(chances * np.log(chances)).sum()
    share = disorder / (len(posteriors) * np.log(mixture.k)) if mixture.k > 1 else np.nan
    return {
        "k": mixture.k,
        "log_likelihood": mixture.log_likelihood,
        "n_parameters": m,
        "aic": aic,
        "bic": bic,
        "sabic": deviance + m * np.log((n + 2) / 24),
        "aicc": aic + 2 * m * (m + 1) / room if room > 0 else np.nan,
        "caic": deviance + m * (np.log(n) + 1),
        "icl": bic - 2 * doubt,
        "entropy": 1 - share,
        "smallest_profile": int(sizes.min()),
        "smallest_share": float(sizes.min() / len(posteriors)),
        "mean_posterior": float(posteriors.max(axis=1).groupby(own).mean().min()),
        "n_replicated": mixture.outcome.n_replicated,
        "n_finished": mixture.outcome.n_finished,
        "flags": " ".join(_flags(mixture, sizes)),
    }


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
        k and method, and what speaks for others: alternatives, flags, what AIC would take.

    Raises
    ------
    ValueError
        When the table holds no latent profile model.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> choose(compare(scores, 2, models=[EEI])).k
    1
    """
    if table.empty:
        raise ValueError("The table holds no latent profiles to choose from. Give `models`.")
    barred = table["flags"].str.split().map(lambda flags: not set(flags).isdisjoint(BARRING))
    allowed = table[~barred] if not barred.all() else table
    lowest = allowed["bic"].min()
    tied = allowed[allowed["bic"] <= lowest + TIE]
    best = tied.sort_values(["n_parameters", "bic"]).iloc[0]
    near = allowed[(allowed["bic"] <= lowest + NEAR) & (allowed.index != best.name)]
    by_aic = table.loc[table["aic"].idxmin()]
    return Choice(
        int(best["k"]),
        best["method"],
        alternatives=tuple((r.method, int(r.k)) for r in near.sort_values("bic").itertuples()),
        flags=tuple(best["flags"].split()),
        by_aic=(by_aic["method"], int(by_aic["k"])),
        n_models=len(table),
        n_barred=int(barred.sum()),
    )


def choice_table(choice: Choice) -> pd.DataFrame:
    """Set the choice as a table: one row, index `finding`.

    Columns k, method, alternatives (with commas between), flags (with spaces), aic_method, aic_k,
    n_models and n_barred.
    """
    row = {
        "k": choice.k,
        "method": choice.method,
        "alternatives": ", ".join(f"{method} k = {k}" for method, k in choice.alternatives),
        "flags": " ".join(choice.flags),
        **dict(zip(("aic_method", "aic_k"), choice.by_aic, strict=True)),
        "n_models": choice.n_models,
        "n_barred": choice.n_barred,
    }
    return pd.DataFrame([row], pd.Index(["choice"], name="finding"))


def bootstrap_likelihood_ratio(
    fit: Fit,
    table: pd.DataFrame,
    k: int,
    *,
    n_replicates: int = 99,
    search: Search = THOROUGH,
    seed: Seed = 1,
) -> LikelihoodRatio:
    """Compare the gain of the k-th profile with its gain in samples of k - 1 profiles.

    Parameters
    ----------
    fit : function (table, k, search=) -> mixture
        Such as `functools.partial(mixtures.fit_mixture, model=EEI)`.
    table : DataFrame, n units × p columns
        Scores or answers; samples get the same holes.
    k : int
        The larger number of profiles, 2 or more.
    n_replicates : int
        Samples.
    search : Search
        How each fit is sought, but for its seed. Of latent classes twenty starts, of which five go
        on to the end, find as much as ten that all do, in .8 of the time.
    seed : int or SeedSequence
        Each sample has its own child seed.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    ValueError
        When k is under 2, and as the fit.

    Examples
    --------
    >>> from cycle_analysis.mixtures import fit_mixture
    >>> rng = np.random.default_rng(1)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> bootstrap_likelihood_ratio(fit_mixture, scores, 2, n_replicates=9).p > 0.1
    True
    """
    first, *rest = children(seed, n_replicates + 1)
    own = replace(search, seed=first)
    smaller, larger = (fit(table, j, search=own) for j in (k - 1, k))
    gains = Parallel()(delayed(_null_gain)(fit, smaller, table, k, search, child) for child in rest)
    gain = 2 * (larger.log_likelihood - smaller.log_likelihood)
    return LikelihoodRatio(gain, np.array(gains))


def likelihood_ratios(
    fit: Fit, table: pd.DataFrame, max_profiles: int, *, seed: Seed = 1, **how: Any
) -> pd.DataFrame:
    """Test 1 against 2, 2 against 3, and so on up to `max_profiles`.

    Returns
    -------
    DataFrame, index k = 2..max_profiles
        likelihood_ratio, p; parameters as `bootstrap_likelihood_ratio`.
    """
    ks = range(2, max_profiles + 1)
    tests = [
        bootstrap_likelihood_ratio(fit, table, k, seed=child, **how)
        for k, child in zip(ks, children(seed, len(ks)), strict=True)
    ]
    return pd.DataFrame(
        {"likelihood_ratio": [test.statistic for test in tests], "p": [test.p for test in tests]},
        index=pd.Index(ks, name="k"),
    )


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


def _null_gain(
    fit: Fit,
    smaller: Mixture | ClassMixture,
    table: pd.DataFrame,
    k: int,
    search: Search,
    seed: np.random.SeedSequence,
) -> float:
    values = smaller.draw(len(table), np.random.default_rng(seed))
    drawn = pd.DataFrame(values, index=table.index, columns=table.columns).where(table.notna())
    search = replace(search, seed=children(seed, 1)[0])
    less, more = (fit(drawn, j, search=search).log_likelihood for j in (k - 1, k))
    return 2 * (more - less)
