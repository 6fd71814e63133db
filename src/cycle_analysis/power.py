"""Say with which chance a study would find the profiles that one expects."""

import io
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.recovery import ExpectedProfiles
from cycle_analysis.verdicts import PROFILES


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


def summarise(surveys: pd.DataFrame, k: int) -> str:
    """Say in a sentence how often the expected profiles were found.

    Parameters
    ----------
    surveys : DataFrame
        As `recovery.recovery` gives it, a row for each survey.
    k : int
        Number of profiles expected.

    Examples
    --------
    >>> surveys = pd.DataFrame({"verdict": ["profiles", "continuum"], "k": [2, 1],
    ...                         "announced": [True, False], "adjusted_rand": [0.9, 0.0]})
    >>> summarise(surveys, 2)
    'Profiles announced in 50% of 2 surveys, 2 of them in 50%; median adjusted Rand 0.45.'
    """
    right = (surveys["verdict"].eq(PROFILES) & surveys["k"].eq(k)).mean()
    return (
        f"Profiles announced in {surveys['announced'].mean():.0%} of {len(surveys)} surveys, "
        f"{k} of them in {right:.0%}; median adjusted Rand {surveys['adjusted_rand'].median():.2f}."
    )
