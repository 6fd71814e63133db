"""Doubt answers that are valid one by one: turned, shifted, constant, copied, from one unit.

None of these stops a run by itself, except a scale that is shifted or turned as a whole.
"""

import numpy as np
import pandas as pd

from cycle_analysis.answers import Decoded, normalise
from cycle_analysis.problems import KEPT, Problem
from cycle_analysis.study_files import Column, Scale

FEW = 10
"""With fewer answers than this nothing is said of a column as a whole."""
NEGATIVE = -0.1
"""An item that correlates less than this with the rest of its phase may be turned; with few
answers, by two standard errors at least."""
ENOUGH = 5_000
"""Correlations of items are taken from about so many respondents, evenly spread over the file."""
LARGE_SHARE, LARGE_NUMBER = 0.1, 20


def find_shift(decoded: Decoded, scale: Scale, column: Column) -> str:
    """Say which scale a column seems to be on when it is the codebook's, moved by one.

    Examples
    --------
    >>> from cycle_analysis.answers import decode
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
    known = {
        normalise(text[lang]): code for code, text in scale.labels.items() for lang in ("nl", "en")
    }
    return [
        f"{code} is {label!r}, which is {known[normalise(label)]} in the codebook"
        for code, label in labels.items()
        if known.get(normalise(label), code) != code
    ]


def doubt_items(decoded: dict[str, Decoded], items: pd.DataFrame, file: str) -> list[Problem]:
    """Warn of items without answers or variance, of lonely items, and of turned ones.

    Parameters
    ----------
    decoded : dict of item to Decoded
        Answers on the codebook's scale, not yet reversed.
    items : DataFrame
        Index `item`; `phase`, `low`, `high`, `reversed`, as `Study.phase_items`.
    file : str
        Name of the file, for messages.
    """
    found = []
    for phase, of_phase in items.groupby("phase", sort=False):
        there = [item for item in of_phase.index if item in decoded]
        varied = {}
        for item in there:
            table = decoded[item]
            values = table.numbers[table.counts > 0]
            if np.isnan(values).all():
                found.append(_doubt(file, item, "nobody answered this item"))
            elif np.nanmin(values) == np.nanmax(values):
                problem = "everyone gave the same answer; it tells nothing about differences"
                found += [_doubt(file, item, problem)] * (len(table.codes) >= FEW)
            else:
                some = slice(None, None, max(len(table.codes) // ENOUGH, 1))
                varied[item] = table.numbers[table.codes[some]]
        if len(there) == 1:
            found.append(_doubt(file, there[0], f"is the only item of phase {phase}"))
        answers = pd.DataFrame(varied)
        for item in of_phase.index[of_phase["reversed"]].intersection(answers.columns):
            answers[item] = of_phase.loc[item, ["low", "high"]].sum() - answers[item]
        found += _turned(answers, file)
    return found


def _turned(answers: pd.DataFrame, file: str) -> list[Problem]:
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
            remedy = "Compare the question with `reversed` in codebook.csv"
            found.append(_doubt(file, str(item), problem, remedy))
    return found


def _doubt(file: str, item: str, problem: str, remedy: str = "") -> Problem:
    return Problem(
        file, f"item {item}", "", problem, "", remedy, done=KEPT, column=item, rule="plausibility"
    )


def doubt_respondents(
    decoded: dict[str, Decoded], respondents: pd.DataFrame, file: str
) -> list[Problem]:
    """Warn of respondents with exactly the same answers, and of one unit with very many.

    Only respondents with twelve answers or more are compared, of which at least three differ.
    """
    found = []
    alike = _identical(decoded)
    if len(alike):
        problem = f"{len(alike)} rows hold exactly the same answers as an earlier row"
        rows = ", ".join(str(row) for row in alike[:5])
        remedy = "Delete those that were entered twice"
        found.append(
            Problem(
                file,
                f"rows {rows}" + (" …" if len(alike) > 5 else ""),
                "",
                problem,
                "",
                remedy,
                done=KEPT,
                row=str(alike[0]),
                rule="identical answers",
                n=len(alike),
            )
        )
    sizes = respondents["unit"].value_counts()
    if len(sizes) > 1 and sizes.iloc[0] >= LARGE_NUMBER:
        share, usual = sizes.iloc[0] / sizes.sum(), sizes.median()
        if share > LARGE_SHARE and sizes.iloc[0] >= 10 * usual:
            problem = f"has {sizes.iloc[0]} of {sizes.sum()} respondents, others {usual:g}"
            problem += "; its score is far more certain than theirs"
            found.append(
                Problem(file, "units", str(sizes.index[0]), problem, done=KEPT, rule="plausibility")
            )
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
    given = (~np.isnan(values)).sum(axis=0)
    spread = np.fmax.reduce(values) - np.fmin.reduce(values)
    return index[twice[(given >= 12) & (spread >= 2)]]
