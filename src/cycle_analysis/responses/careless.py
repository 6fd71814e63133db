"""Flag respondents who may have answered without care, by stated rules.

Long strings of one answer, speed, and mostly empty questionnaires are the rules that need no
special items (Curran 2016; two seconds per item: Huang et al. 2012). Honest respondents of a unit
that has not begun answer *not at issue* throughout; so flags are counted and kept, and what leaving
the flagged out would change stands beside them.

References
----------
Curran, P. G. (2016). Methods for the detection of carelessly invalid responses in survey data.
Journal of Experimental Social Psychology, 66, 4-19.
Huang, J. L., Curran, P. G., Keeney, J., Poposki, E. M., & DeShon, R. P. (2012). Detecting and
deterring insufficient effort responding to surveys. Journal of Business and Psychology, 27, 99-114.
"""

import numpy as np
import pandas as pd

from cycle_analysis.measurement.scores import respondent_scores
from cycle_analysis.problems import check_range
from cycle_analysis.responses.coded import Responses
from cycle_analysis.study import Study
from cycle_analysis.words import ANSWERED, normalise

SHORTEST_RUN = 12
"""Within one block of five, honest respondents give one answer too; fewer items tell nothing."""
TEST_WORDS = {"test", "testrespondent", "test respondent", "testen", "proef", "dummy"}


def flag_careless(
    responses: Responses,
    study: Study,
    straight_line_items: int = 15,
    seconds_per_item: float = 2.0,
    min_answered: float = 0.25,
) -> pd.DataFrame:
    """Flag respondents by four rules.

    Parameters
    ----------
    responses : Responses
    study : Study
    straight_line_items : int
        Flag who gave the same answer to this many items of one scale in a row, reversed ones
        included; at least 12.
    seconds_per_item : float
        Flag who took fewer seconds per answered item, where the file has the time.
    min_answered : float
        Flag who answered less than this share of the items, 0-1; not shown counts as not asked.

    Returns
    -------
    DataFrame, n respondents × 4
        Index `respondent`; booleans `straight_line`, `too_fast`, `mostly_empty`, `test_row`.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """
    check_range("straight_line_items", straight_line_items, SHORTEST_RUN, np.inf)
    check_range("seconds_per_item", seconds_per_item, 0, np.inf)
    check_range("min_answered", min_answered, 0, 1)
    reasons = responses.reasons
    n_asked = (reasons != "not_shown").sum(axis=1)
    n_answered = (reasons == ANSWERED).sum(axis=1)
    texts = responses.open_answers.assign(**{"": reasons.index}).fillna("").astype(str)
    seconds = responses.respondents.get("seconds", pd.Series(np.nan, reasons.index))
    flags = {
        "straight_line": _longest_run(responses.answers, study) >= straight_line_items,
        "too_fast": (seconds < seconds_per_item * n_answered) & (n_answered > 0),
        "mostly_empty": n_answered < min_answered * n_asked.clip(lower=1),
        "test_row": texts.map(lambda text: normalise(text) in TEST_WORDS).any(axis=1),
    }
    return pd.DataFrame(flags, index=reasons.index).astype(bool)


def compare_without(
    responses: Responses, study: Study, wave: str, flags: pd.DataFrame
) -> pd.DataFrame:
    """Compare mean phase scores of all respondents with those without the flagged.

    Returns
    -------
    DataFrame, phases × 4
        Index `phase`; `all` and `without` (mean phase score, 0-100), `difference`, and
        `n_left_out` respondents.
    """
    items = study.phase_items(wave)
    scores = respondent_scores(responses.answers, items, min_answered=0.0)
    careless = flags.any(axis=1).to_numpy()
    table = pd.DataFrame({"all": scores.mean(), "without": scores[~careless].mean()})
    table["difference"] = table["without"] - table["all"]
    return table.assign(n_left_out=int(careless.sum())).rename_axis("phase")


def count_flags(flags: pd.DataFrame) -> pd.DataFrame:
    """Count respondents under each flag and under any: index `rule`; `n`, `share` 0-1.

    Examples
    --------
    >>> flags = pd.DataFrame({"straight_line": [True, False], "too_fast": [True, False]})
    >>> count_flags(flags)["n"].to_dict()
    {'straight_line': 1, 'too_fast': 1, 'any': 1}
    """
    counted = flags.assign(any=flags.any(axis=1)).sum()
    table = pd.DataFrame({"n": counted.astype("int64"), "share": counted / max(len(flags), 1)})
    return table.rename_axis("rule")


def _longest_run(answers: pd.DataFrame, study: Study) -> pd.Series:
    """Longest string of one answer to consecutive items of one scale; a missing one breaks it."""
    longest = np.zeros(len(answers), dtype=np.int16)
    of_scale = study.codebook.items.loc[list(answers.columns), "scale"]
    for scale, items in of_scale.groupby(of_scale, sort=False):
        if study.scales[str(scale)].kind != "rating" or len(items) < SHORTEST_RUN:
            continue
        run, before = np.zeros(len(answers), dtype=np.int16), np.full(len(answers), np.nan)
        for item in items.index:
            now = answers[item].to_numpy()
            run = np.where(now == before, run + 1, (~np.isnan(now)).astype(np.int16))
            longest, before = np.maximum(longest, run), now
    return pd.Series(longest, answers.index)
