"""Ask beforehand what a study could find: survey the profiles that one expects.

Units lie around the centroid of their profile, respondents around their unit (`simulate`); what
respondents say is averaged. The verdict, the number of profiles and the agreement with the truth
then tell with which chance such profiles would be found. One cloud of the same means, spread and
correlations tells how often profiles would be announced that are not there.

The verdict here rests on scores, as there are no items; a run draws surveys without groups as
answers when units have respondents enough, and then finds somewhat more (benchmarks/README.md).
"""

import io
from dataclasses import replace
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
from cycle_analysis.simulate.answers import Answering, steps
from cycle_analysis.simulate.worlds import Profiles, World


def in_points(n_respondents: int, respondent_sd: float = 15.0) -> Answering:
    """Let respondents tell their score on a phase in whole points, 0-100; floors heap."""
    return Answering((n_respondents,), respondent_sd, items=1, item_sd=0.0, cuts=steps(101))


def recovery(
    world: World,
    answering: Answering,
    n_units: int,
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
    world : World
        Where units truly stand: `simulate.Profiles`, or another.
    answering : Answering
        What their respondents say.
    n_units : int
        Units in a survey.
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
    >>> world = Profiles(centroids)
    >>> recovery(world, in_points(3), 60, 2, 3, n_replicates=19, n_starts=5)["k"].tolist()
    [2, 2]
    """

    def find(seed: np.random.SeedSequence) -> dict[str, object]:
        first, second, third = children(seed, 3)
        rng = np.random.default_rng(first)
        survey = answering(world(n_units, rng), rng)
        truth = survey.states["profile"]
        table = compare(survey.scores, max_profiles, n_starts=n_starts, n_references=2, seed=second)
        options = {"table": table, "n_replicates": n_replicates, "seed": third}
        test = null_test(survey.scores, max_profiles, **options)
        found = latent_profiles(survey.scores, test.choice.k, n_starts=n_starts, seed=second)
        return {
            "verdict": str(test.verdict),
            "k": test.choice.k,
            "announced": test.verdict == Verdict.PROFILES,
            "adjusted_rand": float(adjusted_rand_score(truth[found.labels.index], found.labels)),
        }

    return pd.DataFrame(
        Parallel(n_jobs=n_jobs)(delayed(find)(child) for child in children(seed, n_surveys))
    )


def read_expected(path: Path, spread: float) -> Profiles:
    """Read expected profiles from a csv: a row for each, a column for each phase (0-100).

    A column ``share`` may say which share of the units each profile has; without it each has the
    same chance. `spread` is that of units around their profile.

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
    shares = table.pop("share").tolist() if "share" in table else [1.0] * len(table)
    wrong = table.columns[((table < 0) | (table > 100) | table.isna()).any()]
    if len(wrong) or table.shape[1] < 2 or table.empty:
        allowed = "two phases or more, scores from 0 to 100"
        where = f"column {wrong[0]}" if len(wrong) else "contents"
        raise InputError([Problem(path.name, where, "", "holds no profile scores", allowed)])
    table.index = pd.RangeIndex(1, len(table) + 1, name="profile")
    return Profiles(table, spread, shares)


def with_reliability(answering: Answering, world: Profiles, reliability: float) -> Answering:
    """Set the spread of respondents so that unit scores have this reliability on average.

    The reliability of a mean of r respondents is v / (v + sd² / r), with v the variance of the true
    scores, averaged over the phases; noise of items comes beside it.

    Raises
    ------
    ValueError
        When it does not lie between 0 and 1.

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [20.0, 80.0], "EX": [20.0, 80.0]})
    >>> four_each = Answering(respondents=(4,))
    >>> round(with_reliability(four_each, Profiles(centroids), 0.8).respondent_sd, 1)
    31.6
    """
    if not 0 < reliability <= 1:
        raise ValueError(f"reliability is {reliability}. Allowed: above 0, at most 1.")
    error = np.diag(world.covariance).mean() * (1 - reliability) / reliability
    spread = np.sqrt(error / np.mean(1 / np.asarray(answering.respondents)))
    return replace(answering, respondent_sd=float(spread))


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
