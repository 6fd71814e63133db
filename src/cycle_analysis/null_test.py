"""Ask first whether there are profiles at all.

Two things must agree before profiles are announced. (a) BIC, over models with and without
covariances and from one profile up, takes more than one. (b) Ward + k-means separates the units
better than it separates surveys without groups that have the same marginals and correlations
(Hennig & Lin 2015), and better than such surveys of one dimension. Criteria alone announce
profiles on any continuum; benchmarks/verdict.py shows how often this rule does.

The statistic is the largest over k of the mean silhouette *standardised by the surveys without
groups at the same k*. The plain maximum nearly always comes from k = 2, where cutting any continuum
in two does as well: it found four clear profiles among 100 units in 10 % of surveys, the
standardised one in 98 %.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis import separation
from cycle_analysis.copula import fit_copula, fit_one_factor
from cycle_analysis.dimensions import n_dimensions, one_dimension_p
from cycle_analysis.mixtures import check_scores
from cycle_analysis.partitions import ward_kmeans
from cycle_analysis.profiles import crossings, shape_shares
from cycle_analysis.seeds import Seed, children
from cycle_analysis.selection import Choice, choose, compare
from cycle_analysis.verdicts import (
    CONTINUUM,
    FOUND,
    IDENTICAL,
    NO_STRUCTURE,
    PROFILES,
    STEPS,
    STRUCTURE,
    UNCROSSED,
    VERDICTS,
    number,
    percent,
)

Null = Callable[[np.random.Generator], pd.DataFrame]
"""A survey without groups: draws scores like the user's."""
LEVEL_SHARE = 0.85
"""Share of elevation from which profiles whose lines do not cross are steps of one dimension."""
FEW_UNITS = 30
UNITS_PER_PROFILE = 10


@dataclass(frozen=True, eq=False)
class NullTest:
    """Whether there are profiles, with everything the verdict rests on.

    Attributes
    ----------
    verdict : str
        One of `PROFILES`, `STRUCTURE`, `CONTINUUM`, `NO_STRUCTURE`.
    choice : Choice
        What BIC takes (a).
    silhouettes : Series, index k
        Mean silhouette of Ward + k-means for k = 2..K.
    null_silhouettes : DataFrame, B replicates × (null, k)
        The same of surveys without groups.
    shares : Series
        Elevation, scatter and shape shares of Ward + k-means at the choice's k (at least 2).
    lines_cross : bool
        Whether a lower profile stands above a higher one on some phase.
    n_dimensions : int
        Eigenvalues of the correlations beyond chance (parallel analysis, Horn 1965).
    p_one_dimension : float
        Chance of correlations as far from one common factor when there is only one.
    alpha : float
        Level of the tests.
    n_units : int
        Units with all scores.
    """

    verdict: str
    choice: Choice
    silhouettes: pd.Series
    null_silhouettes: pd.DataFrame
    shares: pd.Series
    lines_cross: bool
    n_dimensions: int
    p_one_dimension: float
    alpha: float
    n_units: int

    @property
    def p_values(self) -> pd.Series:
        """Per null (b + 1) / (B + 1), b the replicates separated at least as well."""
        names = self.null_silhouettes.columns.unique(0)
        return pd.Series(
            [separation_p(self.silhouettes, self.null_silhouettes[name]) for name in names], names
        )

    @property
    def references(self) -> pd.DataFrame:
        """Mean and 95th percentile of the silhouettes without groups, (null, k) × 2."""
        table = self.null_silhouettes
        return pd.DataFrame({"mean": table.mean(), "p95": table.quantile(0.95)})

    @property
    def separated(self) -> bool:
        """Whether every null is rejected at `alpha`."""
        return bool((self.p_values <= self.alpha).all())

    @property
    def steps(self) -> bool:
        """Whether the profiles are steps of one dimension: nearly all level, no crossing lines."""
        return bool(self.shares["elevation"] >= LEVEL_SHARE) and not self.lines_cross

    def sentence(self, language: str) -> str:
        """Give the verdict in words (nl or en), with the figures it rests on."""
        if self.null_silhouettes.empty:
            return IDENTICAL[language]
        text = VERDICTS[self.verdict][language].format(
            n=self.n_units,
            k=self.choice.k,
            model=self.choice.method,
            silhouette=number(self.silhouettes.max(), 2, language),
            p=number(self.p_values.max(), 3, language),
            level=percent(self.shares["elevation"], language),
        )
        if self.verdict != PROFILES or self.lines_cross:
            return text
        return f"{text} {(STEPS if self.steps else UNCROSSED)[language]}"

    def __str__(self) -> str:
        return self.sentence("en")


def null_test(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    *,
    table: pd.DataFrame | None = None,
    nulls: Mapping[str, Null] | None = None,
    n_replicates: int = 199,
    alpha: float = 0.05,
    seed: Seed = 1,
    n_jobs: int = 1,
) -> NullTest:
    """Say whether the scores hold profiles, structure, a continuum, or nothing.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; units with a missing score do not count in the silhouette.
    max_profiles : int
        Largest k; at most one profile per ten units is tried.
    table : DataFrame, optional
        Criteria as `selection.compare` gives them, when already computed.
    nulls : mapping of str to function, optional
        Surveys without groups; by default the copula of the scores and its one-factor version.
        Give `copula.fit_answers` where answers of respondents are at hand.
    n_replicates : int
        Surveys drawn per null; 199 to 999.
    alpha : float
        Level of the test.
    seed : int or SeedSequence
        Each replicate has its own child seed.
    n_jobs : int
        Workers of joblib; the result does not depend on it.

    Returns
    -------
    NullTest

    Raises
    ------
    ValueError
        With one phase, with fewer than ten complete units, and as `mixtures.check_scores`.

    References
    ----------
    Hennig & Lin (2015), Statistics and Computing 25(4), 821-833.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> level = rng.normal(50, 15, (80, 1))
    >>> scores = pd.DataFrame(level + rng.normal(0, 6, (80, 3)), columns=["AG", "EX", "VB"])
    >>> null_test(scores, 4, n_replicates=39).verdict
    'continuum'
    """
    check_scores(scores, 1)
    complete = scores.dropna()
    if len(complete.drop_duplicates()) < 2:
        return _nothing_to_divide(scores, alpha)
    _check_enough(complete, scores)
    highest = max(2, min(max_profiles, len(complete) // UNITS_PER_PROFILE))
    first, second, third, fourth = children(seed, 4)
    if table is None:
        table = compare(scores, highest, n_references=2, seed=first, n_jobs=n_jobs)
    choice = choose(table)
    if nulls is None:
        nulls = {"copula": fit_copula(complete), "one_factor": fit_one_factor(complete)}
    ks = range(2, highest + 1)
    drawn = {
        name: null_silhouettes(null, ks, n_replicates, second, n_jobs=n_jobs)
        for name, null in nulls.items()
    }
    result = NullTest(
        "",
        choice,
        _silhouettes(complete, ks),
        pd.concat(drawn, axis=1),
        *_shapes(complete, choice),
        n_dimensions(complete, seed=third),
        one_dimension_p(complete, seed=fourth),
        alpha,
        len(complete),
    )
    return replace(result, verdict=judge(result))


def judge(result: NullTest) -> str:
    """Give the verdict that the evidence supports.

    Parameters
    ----------
    result : NullTest
        Its own verdict is not looked at.

    Returns
    -------
    str
        `PROFILES` when BIC takes two or more and every null is rejected. Otherwise `NO_STRUCTURE`
        when nothing is announced and no correlation goes beyond chance, `CONTINUUM` when one
        common factor is enough for the correlations, `STRUCTURE` when it is not or when the
        evidence contradicts itself.
    """
    announced = result.choice.k > 1
    if announced and result.separated:
        return PROFILES
    if result.n_dimensions == 0:
        return STRUCTURE if announced or result.separated else NO_STRUCTURE
    return CONTINUUM if result.p_one_dimension > result.alpha else STRUCTURE


def null_silhouettes(
    null: Null, ks: range, n_replicates: int, seed: Seed, *, n_jobs: int = 1
) -> pd.DataFrame:
    """Mean silhouettes of surveys without groups, n_replicates × k."""
    drawn = Parallel(n_jobs=n_jobs)(
        delayed(_null_silhouettes)(null, ks, child) for child in children(seed, n_replicates)
    )
    return pd.DataFrame(np.array(drawn), columns=pd.Index(ks, name="k"))


def separation_p(observed: pd.Series, without_groups: pd.DataFrame) -> float:
    """Give the chance that a survey without groups is separated as well at its best k.

    Parameters
    ----------
    observed : Series, index k
        Mean silhouettes of the survey.
    without_groups : DataFrame, B replicates × k
        Those of surveys without groups.

    Returns
    -------
    float
        (b + 1) / (B + 1) for the largest standardised silhouette; the survey itself counts in the
        mean and standard deviation, so that under the null all B + 1 are exchangeable.

    Examples
    --------
    >>> without_groups = pd.DataFrame({2: [0.4, 0.5, 0.6], 3: [0.2, 0.3, 0.2]})
    >>> separation_p(pd.Series([0.5, 0.9], index=[2, 3]), without_groups)
    0.25
    """
    together = np.vstack([observed.to_numpy(), without_groups.to_numpy()])
    spread = together.std(axis=0)
    spread[spread == 0] = np.inf
    largest = ((together - together.mean(axis=0)) / spread).max(axis=1)
    return float((largest >= largest[0] - 1e-9).mean())


def found_at(n: int, language: str) -> str:
    """Say what a study of n units could have found, from the simulations in benchmarks/."""
    sizes = sorted(FOUND)
    nearest = min(sizes, key=lambda size: abs(np.log(size / max(n, 1))))
    rates = {name: percent(rate, language) for name, rate in FOUND[nearest].items()}
    return VERDICTS["found"][language].format(n=n, nearest=nearest, **rates)


def _silhouettes(complete: pd.DataFrame, ks: range) -> pd.Series:
    widths = separation.silhouettes(complete.to_numpy(float), ks)
    return pd.Series(widths, index=pd.Index(ks, name="k"), name="silhouette")


def _shapes(complete: pd.DataFrame, choice: Choice) -> tuple[pd.Series, bool]:
    """Elevation, scatter and shape at the choice's k, at least 2, and whether lines cross."""
    partition = ward_kmeans(complete, min(max(choice.k, 2), len(complete.drop_duplicates())))
    return shape_shares(partition), not crossings(partition).empty


def _null_silhouettes(null: Null, ks: range, seed: np.random.SeedSequence) -> np.ndarray:
    drawn = null(np.random.default_rng(seed)).dropna().to_numpy(float)
    return separation.silhouettes(drawn, ks)


def _check_enough(complete: pd.DataFrame, scores: pd.DataFrame) -> None:
    if scores.shape[1] < 2:
        raise ValueError(
            "One phase has no shape: profiles need two phases or more. Describe its distribution."
        )
    if len(complete) < UNITS_PER_PROFILE:
        raise ValueError(
            f"{len(complete)} of {len(scores)} units have all their scores: too few to look for "
            f"profiles. Allowed: {UNITS_PER_PROFILE} or more, of use from {FEW_UNITS}. "
            "Describe the units one by one, or leave out a phase that most of them lack."
        )


def _nothing_to_divide(scores: pd.DataFrame, alpha: float) -> NullTest:
    none = pd.Series({"elevation": np.nan, "scatter": np.nan, "shape": np.nan})
    return NullTest(
        NO_STRUCTURE,
        Choice(1, "", dict(IDENTICAL)),
        pd.Series(dtype=float, index=pd.Index([], name="k"), name="silhouette"),
        pd.DataFrame(columns=pd.MultiIndex.from_product([["copula", "one_factor"], []])),
        none,
        False,
        0,
        1.0,
        alpha,
        len(scores),
    )
