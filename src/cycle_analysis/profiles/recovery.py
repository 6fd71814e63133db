"""What a survey could find: surveys drawn from a known truth.

Ask beforehand what a study could find: simulate it with the profiles one expects.

Units lie around the centroid of their profile, respondents around their unit; what respondents say
is averaged. The verdict, the number of profiles and the agreement with the truth then tell with
which chance such profiles would be found. One cloud of the same means, spread and correlations
tells how often profiles would be announced that are not there.

The verdict here rests on scores, as there are no items; a run draws surveys without groups as
answers when units have respondents enough, and then finds somewhat more (benchmarks/README.md).

Say with which chance a study would find the profiles that one expects.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.profiles.null_test import null_test
from cycle_analysis.profiles.partitions import latent_profiles
from cycle_analysis.profiles.selection import compare
from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.seeds import Seed, children

Survey = Callable[[np.random.Generator], tuple[pd.DataFrame, pd.Series]]
"""Draws the scores of a survey and the true profile of each unit."""


@dataclass(frozen=True, eq=False)
class ExpectedProfiles:
    """A survey of units that fall into expected profiles.

    Attributes
    ----------
    centroids : DataFrame, k profiles × p phases
        Expected mean scores, 0-100.
    n_units : int
        Units in the survey.
    n_respondents : int
        Respondents per unit.
    within_sd : float
        Spread of units around their profile, in points.
    respondent_sd : float
        Spread of respondents' scores around their unit's, in points.
    shares : sequence of float
        Expected shares of the profiles; equal when empty.
    """

    centroids: pd.DataFrame
    n_units: int
    n_respondents: int = 3
    within_sd: float = 10.0
    respondent_sd: float = 15.0
    shares: Sequence[float] = ()

    def __call__(self, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.Series]:
        """Draw one survey; scores end at 0 and 100, so floors heap."""
        member = rng.choice(len(self.centroids), size=self.n_units, p=self.chances)
        true = self.centroids.to_numpy()[member]
        true = true + self.within_sd * rng.standard_normal(true.shape)
        scores = self.answered(true, rng)
        return scores, pd.Series(member + 1, index=scores.index, name="profile")

    @property
    def chances(self) -> np.ndarray:
        """Expected shares of the profiles, adding up to 1."""
        shares = np.array(self.shares or [1.0] * len(self.centroids), dtype=float)
        return shares / shares.sum()

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the true scores of all units together, p × p."""
        gaps = self.centroids.to_numpy() - self.chances @ self.centroids.to_numpy()
        return (gaps.T * self.chances) @ gaps + self.within_sd**2 * np.eye(gaps.shape[1])

    def answered(self, true: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Let respondents say what they see of the true scores, and average them."""
        shape = (self.n_respondents, *true.shape)
        said = np.clip(true + self.respondent_sd * rng.standard_normal(shape), 0, 100)
        units = pd.Index([f"unit {i + 1}" for i in range(len(true))], name="unit")
        return pd.DataFrame(said.mean(axis=0), index=units, columns=self.centroids.columns)


@dataclass(frozen=True, eq=False)
class OneCloud:
    """The same survey without profiles: one cloud of the same means, spread and correlations.

    Attributes
    ----------
    expected : ExpectedProfiles
        What is imitated.
    """

    expected: ExpectedProfiles

    def __call__(self, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.Series]:
        """Draw one survey; every unit is in profile 1."""
        middle = self.expected.chances @ self.expected.centroids.to_numpy()
        true = rng.multivariate_normal(middle, self.expected.covariance, self.expected.n_units)
        scores = self.expected.answered(true, rng)
        return scores, pd.Series(1, index=scores.index, name="profile")


def recovery(
    survey: Survey,
    n_surveys: int = 50,
    max_profiles: int = 6,
    *,
    n_replicates: int = 99,
    n_starts: int = 20,
    seed: Seed = 1,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Draw surveys, give each its verdict, and compare the profiles found with the true ones.

    Parameters
    ----------
    survey : function (rng) -> scores, truth
        `ExpectedProfiles`, or another.
    n_surveys : int
        Surveys drawn.
    max_profiles : int
        Largest number of profiles tried.
    n_replicates : int
        Surveys without groups per null test.
    n_starts : int
        Starts per model.
    seed : int or SeedSequence
        Each survey has its own child seed.
    n_jobs : int
        Workers of joblib; the result does not depend on it.

    Returns
    -------
    DataFrame, n_surveys
        verdict, k (by BIC), announced (whether the verdict is profiles), adjusted_rand (latent
        profiles at that k against the truth).

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [20.0, 80.0], "EX": [10.0, 60.0], "VB": [80.0, 20.0]})
    >>> result = recovery(ExpectedProfiles(centroids, 60), 2, 3, n_replicates=19, n_starts=5)
    >>> result["k"].tolist()
    [2, 2]
    """
    rows = Parallel(n_jobs=n_jobs)(
        delayed(_one)(survey, max_profiles, n_replicates, n_starts, child)
        for child in children(seed, n_surveys)
    )
    return pd.DataFrame(rows)


def _one(
    survey: Survey,
    max_profiles: int,
    n_replicates: int,
    n_starts: int,
    seed: np.random.SeedSequence,
) -> dict[str, object]:
    first, second, third = children(seed, 3)
    scores, truth = survey(np.random.default_rng(first))
    table = compare(scores, max_profiles, n_starts=n_starts, n_references=2, seed=second)
    test = null_test(scores, max_profiles, table=table, n_replicates=n_replicates, seed=third)
    found = latent_profiles(scores, test.choice.k, n_starts=n_starts, seed=second)
    return {
        "verdict": str(test.verdict),
        "k": test.choice.k,
        "announced": test.verdict == Verdict.PROFILES,
        "adjusted_rand": float(adjusted_rand_score(truth, found.labels)),
    }


def read_expected(
    path: Path, *, n_units: int, n_respondents: int, within_sd: float, respondent_sd: float
) -> ExpectedProfiles:
    """Read expected profiles from a csv: a row for each, a column for each phase (0-100).

    A column ``share`` may say which share of the units each profile has.

    Raises
    ------
    InputError
        If the file is absent, not a table of numbers, or off the scale.
    """
    if not path.is_file():
        raise InputError([Problem(path.name, "file", "", "does not exist")])
    try:
        text = path.read_text("utf-8-sig")
        delimiter, decimal = (";", ",") if ";" in text else (",", ".")
        table = pd.read_csv(io.StringIO(text), sep=delimiter, decimal=decimal).astype(float)
    except ValueError as error:
        allowed = "a column per phase, a row per profile, numbers from 0 to 100"
        raise InputError([Problem(path.name, "contents", "", str(error), allowed)]) from None
    shares = table.pop("share").tolist() if "share" in table else []
    wrong = table.columns[((table < 0) | (table > 100) | table.isna()).any()]
    if len(wrong) or table.shape[1] < 2 or table.empty:
        allowed = "two phases or more, scores from 0 to 100"
        where = f"column {wrong[0]}" if len(wrong) else "contents"
        raise InputError([Problem(path.name, where, "", "holds no profile scores", allowed)])
    table.index = pd.RangeIndex(1, len(table) + 1, name="profile")
    return ExpectedProfiles(table, n_units, n_respondents, within_sd, respondent_sd, shares)


def with_reliability(expected: ExpectedProfiles, reliability: float) -> ExpectedProfiles:
    """Set the spread of respondents so that unit scores have this reliability on average.

    The reliability of a mean of r respondents is v / (v + sd² / r), with v the variance of the true
    scores, averaged over the phases.

    Raises
    ------
    ValueError
        When it does not lie between 0 and 1.

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [20.0, 80.0], "EX": [20.0, 80.0]})
    >>> round(with_reliability(ExpectedProfiles(centroids, 100, 4, 10.0), 0.8).respondent_sd, 1)
    31.6
    """
    if not 0 < reliability <= 1:
        raise ValueError(f"reliability is {reliability}. Allowed: above 0, at most 1.")
    true = float(np.diag(expected.covariance).mean())
    spread = np.sqrt(expected.n_respondents * true * (1 - reliability) / reliability)
    return replace(expected, respondent_sd=float(spread))


def summarise(found: pd.DataFrame, without: pd.DataFrame, k: int) -> str:
    """Say how often the expected profiles were found, and how often they would be falsely.

    Parameters
    ----------
    found : DataFrame
        Surveys with the profiles, as `recovery.recovery` gives them, a row for each survey.
    without : DataFrame
        Surveys of one cloud.
    k : int
        Number of profiles expected.

    Examples
    --------
    >>> found = pd.DataFrame({"verdict": ["profiles", "continuum"], "k": [2, 1],
    ...                       "announced": [True, False], "adjusted_rand": [0.9, 0.0]})
    >>> print(summarise(found, found.assign(announced=False), 2))
    With these profiles: announced in 50% of 2 surveys, 2 of them in 50%.
    Agreement with the truth: adjusted Rand 0.45 (median; 1 all units in their own profile).
    Without profiles, with the same means and correlations: announced in 0% of 2 surveys.
    With 2 surveys a percentage is known to about 69 points either way at most.
    """
    right = (found["verdict"].eq(Verdict.PROFILES) & found["k"].eq(k)).mean()
    reach = 98 / np.sqrt(len(found))
    return (
        f"With these profiles: announced in {found['announced'].mean():.0%} of {len(found)} "
        f"surveys, {k} of them in {right:.0%}.\n"
        f"Agreement with the truth: adjusted Rand {found['adjusted_rand'].median():.2f} (median; "
        "1 all units in their own profile).\n"
        f"Without profiles, with the same means and correlations: announced in "
        f"{without['announced'].mean():.0%} of {len(without)} surveys.\n"
        f"With {len(found)} surveys a percentage is known to about {reach:.0f} points either way "
        "at most."
    )
