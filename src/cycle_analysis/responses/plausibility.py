"""Doubt answers that are valid one by one: turned, shifted, constant, copied, from one unit.

None of these stops a run by itself, except a scale that is shifted or turned as a whole.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from cycle_analysis.problems import KEPT, Problem
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.answers import Decoded
from cycle_analysis.study.files import Column, Scale
from cycle_analysis.words import ANSWERED, codes_by_label, normalise

FEW = 10
"""With fewer answers than this nothing is said of a column as a whole."""
LONG = 12
"""Fewer answers than this can well be the same by chance."""
NEGATIVE = -0.1
"""An item that correlates less than this with the rest of its phase may be turned; with few
answers, by two standard errors at least."""
ENOUGH = 5_000
"""Correlations of items are taken from about so many respondents, evenly spread over the file."""
LARGE_SHARE, LARGE_NUMBER, LARGE_RATIO = 0.1, 20, 10
"""A unit weighs heavily with more respondents than this share, this number, and so many times the
usual number."""
RULE = "plausibility"
Doubt = Callable[[str, str, str], Problem]
"""Makes a problem of an item, what is wrong with it, and the remedy."""


def find_shift(decoded: Decoded, scale: Scale, column: Column) -> str:
    """Say which scale a column seems to be on when it is the codebook's, moved by one.

    Examples
    --------
    >>> from cycle_analysis.responses.answers import decode
    >>> texts, scale = pd.Series(list("12345") * 4), Scale(min=0, max=4)
    >>> column = Column(source="Q1")
    >>> find_shift(decode(texts, column, scale, {}), scale, column)
    'looks like a scale of 1 to 5, where the codebook has 0 to 4'
    """
    if scale.kind != "rating" or column.map or column.linear:
        return ""
    counts = decoded.counts
    numbers = pd.to_numeric(decoded.distinct.index.to_series(), errors="coerce").to_numpy()
    study_missing = decoded.distinct["reason"].isin(["", "invalid"]).to_numpy()
    seen = set(numbers[(counts > 0) & ~np.isnan(numbers) & study_missing])
    low, high = scale.ends
    if counts[~np.isnan(numbers)].sum() < FEW or any(not number.is_integer() for number in seen):
        return ""
    for step in (1, -1):
        beyond, unused = (high + 1, low) if step > 0 else (low - 1, high)
        inside = all(low + step <= number <= high + step for number in seen)
        if inside and beyond in seen and unused not in seen:
            shifted = f"{low + step:g} to {high + step:g}"
            return f"looks like a scale of {shifted}, where the codebook has {low:g} to {high:g}"
    return ""


def find_turned_labels(labels: dict[str, str], scale: Scale, column: Column) -> list[str]:
    """List codes that the file labels with the words of another code of the codebook."""
    if column.map or column.linear:
        return []
    known = codes_by_label(scale.labels)
    return [
        f"{code} is {label!r}, which is {known[normalise(label)]} in the codebook"
        for code, label in labels.items()
        if known.get(normalise(label), code) != code
    ]


def doubt_items(decoded: dict[str, Decoded], items: pd.DataFrame, doubt: Doubt) -> list[Problem]:
    """Warn of items without answers or variance, of lonely items, and of turned ones.

    Parameters
    ----------
    decoded : dict of item to Decoded
        Answers on the codebook's scale, not yet reversed.
    items : DataFrame
        Index `item`; `phase`, `low`, `high`, `reversed`, as `Study.phase_items`.
    doubt : function of item, problem, remedy
        Makes the problem.
    """
    found = []
    for phase, of_phase in items.groupby("phase", sort=False):
        there = of_phase[of_phase.index.isin(list(decoded))]
        varied = []
        for item in there.index:
            problems = _doubt_alone(item, decoded[item], doubt)
            found += problems
            varied += [] if problems else [item]
        if len(there) == 1:
            problem = f"is the only item of phase {phase}"
            remedy = "Its score is as unsure as one answer, and has no reliability"
            found.append(doubt(there.index[0], problem, remedy))
        found += _turned(_turned_round(decoded, there.loc[varied]), doubt)
    return found


def _doubt_alone(item: str, answers: Decoded, doubt: Doubt) -> list[Problem]:
    """Warn of an item that nobody answered, or everyone in the same way."""
    values = answers.numbers
    if np.isnan(values).all():
        return [doubt(item, "nobody answered this item", "It counts in no phase score")]
    if np.nanmin(values) < np.nanmax(values) or len(answers.codes) < FEW:
        return []
    problem = "everyone gave the same answer; it tells nothing about differences"
    remedy = "It is left out of reliability, and stays in the phase score, where it moves nobody"
    return [doubt(item, problem, remedy)]


def doubt_unrecoded(
    decoded: Mapping[str, Decoded],
    scales: Mapping[str, Scale],
    columns: Mapping[str, Column],
    doubt: Doubt,
) -> list[Problem]:
    """Warn of an item that may need the recode that others of its scale have.

    A column of 1 to 5 fits a scale of 0 to 4 as long as nobody gave a 5. It is told when its lowest
    answer is unused and all its codes are among those that another column recodes.
    """
    found = []
    for item, scale in scales.items():
        if scale.kind != "rating" or item not in decoded or columns[item].map:
            continue
        table = decoded[item]
        codes = set(table.distinct.index[table.distinct["reason"] == ANSWERED])
        alike = [
            other
            for other, asked in scales.items()
            if asked is scale and codes <= set(columns[other].map)
        ]
        if alike and codes and np.nanmin(table.numbers) > scale.ends[0]:
            problem = f"is not recoded as {alike[0]} is, though nobody gave {scale.ends[0]:g}"
            remedy = "Add the same `map` in wave.yaml if it was asked in the same way"
            found.append(doubt(item, problem, remedy))
    return found


def _turned_round(decoded: dict[str, Decoded], items: pd.DataFrame) -> pd.DataFrame:
    """Answers to some items, reversed items turned round, of respondents spread over the file."""
    answers = {}
    for item, turned, ends in zip(
        items.index, items["reversed"], items["low"] + items["high"], strict=True
    ):
        table = decoded[item]
        some = table.numbers[table.codes[:: max(len(table.codes) // ENOUGH, 1)]]
        answers[item] = ends - some if turned else some
    return pd.DataFrame(answers)


def _turned(answers: pd.DataFrame, doubt: Doubt) -> list[Problem]:
    """Warn of items that go against the rest of their phase."""
    if answers.shape[1] < 3 or len(answers) < FEW:
        return []
    found = []
    total, n_given = answers.sum(axis=1), answers.count(axis=1)
    for item in answers:
        rest = (total - answers[item].fillna(0)) / (n_given - answers[item].notna())
        together = answers[item].corr(rest, min_periods=FEW)
        if together < min(NEGATIVE, -2 / np.sqrt(answers[item].count())):
            problem = (
                f"goes against the other items of its phase (correlation {together:.2f}); "
                "it may have been entered already reversed"
            )
            found.append(doubt(item, problem, "Compare it with `reversed` in codebook.csv"))
    return found


def doubt_respondents(
    decoded: dict[str, Decoded], units: "pd.Series[str]", raw: RawTable
) -> list[Problem]:
    """Warn of respondents with exactly the same answers, and of one unit with very many.

    Only respondents with `LONG` answers or more are compared, and only when these differ.

    Parameters
    ----------
    decoded : dict of item to Decoded
    units : Series of str, n respondents
    raw : RawTable
        The export, for the place of what is found.
    """
    found = []
    alike = _identical(decoded)
    if len(alike):
        problem = f"{len(alike)} rows hold exactly the same answers as an earlier row"
        remedy = "Delete those that were entered twice"
        place = ("", alike, "", problem, "", remedy)
        found.append(raw.problem(*place, done=KEPT, rule="identical answers"))
    sizes = units.value_counts()
    if len(sizes) > 1 and sizes.iloc[0] >= LARGE_NUMBER:
        share, usual = sizes.iloc[0] / sizes.sum(), sizes.median()
        if share > LARGE_SHARE and sizes.iloc[0] >= LARGE_RATIO * usual:
            problem = f"has {sizes.iloc[0]} of {sizes.sum()} respondents, others {usual:g}"
            problem += "; its score is far more certain than theirs"
            unit = str(sizes.index[0])
            found.append(Problem(raw.file, "units", unit, problem, done=KEPT, rule=RULE))
    return found


def _identical(decoded: dict[str, Decoded]) -> pd.Index:
    """Rows whose answers are those of an earlier row."""
    columns = [table for table in decoded.values() if table.distinct["value"].dtype == "float64"]
    if not columns:
        return pd.Index([])
    index = columns[0].index
    total = np.zeros(len(index), dtype=np.uint64)
    for table in columns:
        total *= np.uint64(1099511628211)  # as in the hash of Fowler, Noll and Vo
        total += table.codes.astype(np.uint64)
    twice = np.flatnonzero(pd.Series(total).duplicated())
    values = np.array([table.numbers[table.codes[twice]] for table in columns])
    n_given = (~np.isnan(values)).sum(axis=0)
    spread = np.fmax.reduce(values) - np.fmin.reduce(values)
    return index[twice[(n_given >= LONG) & (spread >= 2)]]
