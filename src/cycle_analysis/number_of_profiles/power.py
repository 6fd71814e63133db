"""Say with which chance a study would find the profiles that one expects."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cycle_analysis.number_of_profiles.recovery import ExpectedProfiles
from cycle_analysis.number_of_profiles.verdicts import PROFILES
from cycle_analysis.problems import InputError, Problem


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
    right = (found["verdict"].eq(PROFILES) & found["k"].eq(k)).mean()
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
