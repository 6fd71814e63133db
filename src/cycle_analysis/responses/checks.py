"""Doubt what was read: items outside their scale, shifted, implausible.

Doubt answers that are valid one by one: turned, shifted, constant, copied, from one unit.

None of these stops a run by itself, except a scale that is shifted or turned as a whole.

Check one column of an export against its item: what is understood, mended, set missing, refused.

Cells that no rule understands are listed one by one; cells that a rule mended are listed once for
each distinct text, with their number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.problems import (
    FIXED,
    KEPT,
    REJECTED,
    SET_MISSING,
    TABLE_COLUMNS,
    Problem,
    as_shown,
)
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.coding import DECLARED_MISSING, RECODED, RESCALED, Decoded, decode
from cycle_analysis.responses.privacy import hide_personal
from cycle_analysis.study.files import Column, Scale
from cycle_analysis.words import ANSWERED, INVALID, codes_by_label, normalise

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
    >>> from cycle_analysis.responses.coding import decode
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
        found += _turned_scale(_turned_round(decoded, there.loc[varied]), doubt)
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


def _turned_scale(answers: pd.DataFrame, doubt: Doubt) -> list[Problem]:
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


N_FIXES = 50
"""More distinct texts of one column than this that one rule mended are listed as one."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One item as a wave asked it.

    Attributes
    ----------
    raw : RawTable
        The export.
    item : str
        Its name in the codebook.
    column : Column
        Where it stands.
    scale : Scale
        How the codebook codes it.
    names : Series, n respondents
        Names of the respondents that count, on their rows.
    """

    raw: RawTable
    item: str
    column: Column
    scale: Scale
    names: "pd.Series[str]"

    @property
    def texts(self) -> pd.Series:
        """The cells of those respondents."""
        texts = self.raw.cells[self.column.source]
        return texts if len(texts) == len(self.names) else texts.loc[self.names.index]

    @property
    def labels(self) -> dict[str, str]:
        """Labels that the file has for this column."""
        return self.raw.labels.get(self.column.source, {})

    def problem(
        self,
        rows: pd.Index,
        value: str,
        problem: str,
        remedy: str = "",
        *,
        done: str = REJECTED,
        rule: str = "",
    ) -> Problem:
        """Describe a problem with this column on some rows."""
        place = (self.column.source, rows, value, problem, "", remedy)
        return self.raw.problem(*place, done=done, rule=rule, item=self.item)


def check_item(asked: Asked, max_invalid: float) -> tuple[Decoded, list[Problem], pd.DataFrame]:
    """Decode a column and say what is wrong with it.

    Returns
    -------
    Decoded
        Its answers.
    list of Problem
        What stops the run, what was mended, what is doubtful.
    DataFrame
        One row for each cell that was set to missing, columns as the problem table.
    """
    declared = asked.raw.missing.get(asked.column.source, [])
    decoded = decode(asked.texts, asked.column, asked.scale, asked.labels, declared)
    rejected = _flawed(asked) + _turned_item(asked) + _off_scale(asked, decoded, max_invalid)
    if rejected:
        return decoded, rejected, pd.DataFrame(columns=list(TABLE_COLUMNS))
    return decoded, _mended(asked, decoded) + _unlabelled(asked, decoded), _cells(asked, decoded)


def _flawed(asked: Asked) -> list[Problem]:
    """Formulas, error cells and dates are no answers, whatever they show."""
    if (flaws := asked.raw.flaws).empty:
        return []
    flaws = flaws[(flaws["column"] == asked.column.source) & flaws["row"].isin(asked.names.index)]
    if asked.scale.kind == "text":
        flaws = flaws[flaws["problem"].str.contains("error")]
    remedy = "Correct the cell; a formula: copy the column and paste its values"
    return [
        asked.problem(pd.Index(same["row"]), ", ".join(same["value"].unique()[:5]), problem, remedy)
        for problem, same in flaws.groupby("problem")
    ]


def _turned_item(asked: Asked) -> list[Problem]:
    """The file and the codebook give the same words different codes."""
    if not (turned := find_turned_labels(asked.labels, asked.scale, asked.column)):
        return []
    remedy = "Add a `map` from the codes of the file to those of the codebook in wave.yaml"
    problem = "the labels of the file belong to other codes in the codebook"
    return [asked.problem(pd.Index([]), "; ".join(turned[:5]), problem, remedy)]


def _off_scale(asked: Asked, decoded: Decoded, max_invalid: float) -> list[Problem]:
    """Refuse a column that is not what the mapping says."""
    remedy = "Correct the item's scale in the codebook, or add a `map` or `linear` in wave.yaml"
    distinct = decoded.distinct
    invalid = distinct["reason"] == INVALID
    n_wrong = int(decoded.counts[invalid].sum())
    if not n_wrong and not asked.column.map and (distinct["problem"] == "").all():
        return []
    wrong = decoded.index[decoded.rows(invalid)]
    examples = ", ".join(map(hide_personal, distinct.index[invalid][:5]))
    if (clash := distinct["problem"] == DECLARED_MISSING).any():
        rows = decoded.index[decoded.rows(clash)]
        shown = ", ".join(distinct.index[clash][:5])
        return [asked.problem(rows, shown, DECLARED_MISSING, remedy)]
    if shift := find_shift(decoded, asked.scale, asked.column):
        return [asked.problem(wrong, examples, shift, remedy)]
    n_given = n_wrong + int(decoded.counts[distinct["reason"] == ANSWERED].sum())
    if len(wrong) <= max(max_invalid * n_given, 1):
        return []
    problem = f"{len(wrong)} of {n_given} answers are no answers of this scale, among them: "
    problem += str(distinct.loc[invalid, "problem"].iloc[0])
    return [asked.problem(wrong, examples, problem, remedy)]


def _mended(asked: Asked, decoded: Decoded) -> list[Problem]:
    """Log texts that a rule turned into a code or a reason, once each."""
    distinct = decoded.distinct
    logged = distinct[(distinct["rule"] != "") & ~distinct["rule"].isin([RECODED, RESCALED])]
    found = []
    for rule, same in logged.groupby("rule", sort=False):
        by_text = [same.iloc[[i]] for i in range(len(same))] if len(same) <= N_FIXES else [same]
        for part in by_text:
            rows = decoded.index[decoded.rows(distinct.index.to_series().isin(part.index))]
            first = part.iloc[0]
            new = first["reason"] or str(first["value"]).removesuffix(".0")
            problem = "is no code, but is understood" if not first["reason"] else "is no answer"
            found.append(
                asked.problem(
                    rows, str(part.index[0]), f"{problem}: {new}", done=FIXED, rule=str(rule)
                )
            )
    return found


def _unlabelled(asked: Asked, decoded: Decoded) -> list[Problem]:
    """Warn of codes without a label in a file that labels the others."""
    labelled = set(asked.labels) - set(asked.scale.missing)
    steps = {code for code in asked.scale.labels} & labelled
    if len(steps) < 3 or asked.scale.kind not in ("rating", "category"):
        return []
    distinct = decoded.distinct
    bare = (distinct["reason"] == ANSWERED) & ~distinct.index.isin(labelled)
    bare &= ~distinct.index.map(normalise).isin({normalise(t) for t in asked.labels.values()})
    return [
        asked.problem(
            decoded.index[decoded.rows(distinct.index.to_series() == text)],
            str(text),
            "has no label in the file, where other codes have",
            done=KEPT,
        )
        for text in distinct.index[bare]
    ]


def _cells(asked: Asked, decoded: Decoded) -> pd.DataFrame:
    """List every cell that was set to missing."""
    distinct = decoded.distinct
    invalid = distinct["reason"] == INVALID
    if not invalid.any():
        return pd.DataFrame(columns=list(TABLE_COLUMNS))
    shown = pd.Series({text: as_shown(hide_personal(text)) for text in distinct.index[invalid]})
    wrong = np.flatnonzero(decoded.rows(invalid))
    chosen = distinct.iloc[decoded.codes[wrong]]
    rows = decoded.index[wrong]
    column = asked.column.source
    table = pd.DataFrame(
        {
            "row": [str(row) for row in rows],
            "respondent": asked.names.to_numpy()[wrong],
            "value": shown.loc[chosen.index].to_numpy(),
            "problem": chosen["problem"].to_numpy(),
            "where": [f"row {row}, column {column} ({asked.item})" for row in rows],
        },
        dtype="str",
    )
    table = table.assign(file=asked.raw.file, sheet=asked.raw.sheet, column=column)
    table = table.assign(done=SET_MISSING, rule="codebook", allowed="", remedy="", n=1)
    return table[list(TABLE_COLUMNS)]
