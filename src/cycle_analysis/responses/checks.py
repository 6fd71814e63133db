"""Check what was read: cells that are no answers, and answers that are valid but doubtful.

Cells that no rule understands are listed one by one; cells that a rule mended are listed once for
each distinct text, with their number. A column that is not what the mapping says, or a scale that
is shifted or turned as a whole, stops a run. Answers that are valid one by one (turned, constant,
copied, from one unit) are only told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, KEPT, REJECTED, SET_MISSING, Problem, counted
from cycle_analysis.readers import RawTable
from cycle_analysis.responses import (
    DECLARED_MISSING,
    LETTERS_AND_NUMBER,
    MOST_PERCENT,
    NUMBER,
    RECODED,
    RESCALED,
    Decoded,
    decode,
    hide_personal,
    without_marks,
)
from cycle_analysis.study.files import ANSWERED, INVALID, Column, Scale, codes_by_label, normalise

FEW = 10
"""With fewer answers than this nothing is said of a column as a whole."""
LONG, LONG_IN_UNIT = 12, 8
"""Fewer answers than this can well be the same by chance; of two in one unit, of whom there are
   few, fewer."""
NEGATIVE = -0.1
"""An item that correlates less than this with the rest of its phase may be turned; with few
answers, by two standard errors at least."""
ENOUGH = 5_000
"""Correlations of items are taken from about so many respondents, evenly spread over the file."""
LARGE_SHARE, LARGE_NUMBER, LARGE_RATIO = 0.1, 20, 10
"""A unit weighs heavily with more respondents than this share, this number, and so many times the
usual number."""
N_FIXES = 50
"""More distinct texts of one column than this that one rule mended are listed as one."""
RULE = "plausibility"


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
    def recoded(self) -> bool:
        """Whether the wave says how its answers are carried to the codebook's scale."""
        return bool(self.column.map or self.column.linear)

    @property
    def labels(self) -> dict[str, str]:
        """Labels that the file has for this column."""
        return self.raw.labels.get(self.column.source, {})

    @cached_property
    def decoded(self) -> Decoded:
        """What those respondents answered."""
        source = self.column.source
        texts = self.raw.cells[source]
        texts = texts if len(texts) == len(self.names) else texts.loc[self.names.index]
        missing = self.raw.missing.get(source, [])
        return decode(texts, self.column, self.scale, self.labels, missing)

    def problem(
        self, rows: pd.Index, value: str, problem: str, remedy: str = "", **how: Any
    ) -> Problem:
        """Describe a problem with this column on some rows; `how` is `done` and `rule`."""
        said = (self.column.source, problem, rows, hide_personal(value), self.item)
        return self.raw.problem(*said, remedy=remedy, **how)

    def doubt(self, problem: str, remedy: str) -> Problem:
        """Describe a doubt about this column as a whole."""
        return self.problem(pd.Index([]), "", problem, remedy, done=KEPT, rule=RULE)


def check_item(asked: Asked, max_invalid: float) -> tuple[list[Problem], list[Problem]]:
    """Say what is wrong with the answers to an item.

    Returns
    -------
    list of Problem
        What stops the run, what was mended, what is doubtful.
    list of Problem
        One for each cell that was set to missing.
    """
    rejected = _flawed(asked) + _turned_labels(asked) + _shown_as_percent(asked)
    rejected += _off_scale(asked, max_invalid)
    return (rejected, []) if rejected else ([*_mended(asked), *_unlabelled(asked)], _cells(asked))


def find_shift(decoded: Decoded, scale: Scale, column: Column) -> str:
    """Say which scale a column seems to be on when it is the codebook's, moved by one.

    Examples
    --------
    >>> from cycle_analysis.responses import decode
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


def doubt_items(asked: Mapping[str, Asked], items: pd.DataFrame) -> Iterator[Problem]:
    """Warn of items without answers or variance, of lonely items, and of turned ones.

    Parameters
    ----------
    asked : mapping of item to Asked
    items : DataFrame
        Index `item`; `phase`, `low`, `high`, `reversed`, as `Study.phase_items`.
    """
    for phase, of_phase in items.groupby("phase", sort=False):
        there = of_phase[of_phase.index.isin(list(asked))]
        varied = []
        for item in there.index:
            problems = _doubt_alone(asked[item])
            yield from problems
            varied += [] if problems else [item]
        if len(there) == 1:
            problem = f"is the only item of phase {phase}"
            remedy = "Its score is as unsure as one answer, and has no reliability"
            yield asked[there.index[0]].doubt(problem, remedy)
        yield from _doubt_turned(asked, there.loc[varied])


def doubt_roles(
    asked: Mapping[str, Asked], items: pd.DataFrame, roles: "pd.Series[str]", raw: RawTable
) -> Iterator[Problem]:
    """Warn of a phase that everybody in a role leaves out, where others answer it.

    Parameters
    ----------
    asked, items
        As for `doubt_items`.
    roles : Series of str, n respondents
        ``""`` where there is none.
    raw : RawTable
        The export, for its name.
    """
    remedy = "Its scores rest on other people than those of other phases: say so beside them"
    for phase, of_phase in items.groupby("phase", sort=False):
        decoded = [asked[item].decoded for item in of_phase.index if item in asked]
        given = [pd.notna(one.numbers[one.codes]) for one in decoded]
        some = pd.Series(np.any(given, axis=0), roles.index) if given else pd.Series(dtype=bool)
        by_role = some.groupby(roles[roles != ""]).agg(["any", "size"])
        silent = by_role.index[~by_role["any"] & (by_role["size"] >= FEW)]
        if some.any() and len(silent):
            problem = f"nobody in this role answered a question of phase {phase}"
            place = (raw.file, "roles", ", ".join(silent), problem, "", remedy)
            yield Problem(*place, done=KEPT, rule=RULE)


def doubt_unrecoded(asked: Mapping[str, Asked]) -> Iterator[Problem]:
    """Warn of an item that may need the recode that others of its scale have.

    A column of 1 to 5 fits a scale of 0 to 4 as long as nobody gave a 5. It is told when its lowest
    answer is unused and all its codes are among those that another column recodes.
    """
    for one in asked.values():
        if one.scale.kind != "rating" or one.column.map:
            continue
        distinct, lowest = one.decoded.distinct, one.scale.ends[0]
        codes = set(distinct.index[distinct["reason"] == ANSWERED])
        others = [x for x in asked.values() if x.scale is one.scale and codes <= set(x.column.map)]
        if others and codes and np.nanmin(one.decoded.numbers) > lowest:
            problem = f"is not recoded as {others[0].item} is, though nobody gave {lowest:g}"
            remedy = "Add the same `map` in wave.yaml if it was asked in the same way"
            yield one.doubt(problem, remedy)


def doubt_shares(asked: Mapping[str, Asked]) -> Iterator[Problem]:
    """Warn of an item that runs to 100 and of which all answers lie between 0 and 1."""
    for one in asked.values():
        if one.scale.kind not in ("rating", "number") or one.scale.ends[1] != MOST_PERCENT:
            continue
        answered = one.decoded.distinct["reason"] == ANSWERED
        given = one.decoded.numbers[answered]
        n_given = one.decoded.counts[answered].sum()
        if not one.recoded and n_given >= FEW and given.max() <= 1:
            problem = "has only answers between 0 and 1, where its scale runs to 100; they may be "
            remedy = "If they are, write linear: {from: [0, 1]} in wave.yaml"
            yield one.doubt(f"{problem}shares", remedy)


def doubt_respondents(
    decoded: Mapping[str, Decoded], units: "pd.Series[str]", raw: RawTable
) -> Iterator[Problem]:
    """Warn of respondents with exactly the same answers, and of one unit with very many.

    Only respondents with `LONG` answers or more are compared, in one unit with `LONG_IN_UNIT`, and
    only when these differ.

    Parameters
    ----------
    decoded : dict of item to Decoded
    units : Series of str, n respondents
    raw : RawTable
        The export, for the place of what is found.
    """
    alike = _identical(decoded, units)
    if len(alike):
        problem = counted(len(alike), "row holds", "rows hold")
        problem += " exactly the same answers as an earlier row"
        remedy, rule = "Delete those that were entered twice", "identical answers"
        yield raw.problem("", problem, alike, remedy=remedy, done=KEPT, rule=rule)
    sizes = units.value_counts()
    if len(sizes) > 1 and sizes.iloc[0] >= LARGE_NUMBER:
        share, usual = sizes.iloc[0] / sizes.sum(), sizes.median()
        if share > LARGE_SHARE and sizes.iloc[0] >= LARGE_RATIO * usual:
            problem = f"has {sizes.iloc[0]} of {sizes.sum()} respondents, others {usual:g}"
            problem += "; its score is far more certain than theirs"
            unit = str(sizes.index[0])
            yield Problem(raw.file, "units", unit, problem, done=KEPT, rule=RULE)


def check_fields(raw: RawTable, fields: Mapping[str, Column]) -> Iterator[Problem]:
    """Refuse error cells and dates in columns that say who answered, and tell of formulas there."""
    for field, column in fields.items():
        flaws = raw.flaws[raw.flaws["column"] == column.source]
        for problem, same in flaws.groupby("problem"):
            is_formula = "formula" in str(problem)
            shown = ", ".join(same["value"].unique()[:5])
            told = f"{problem}; it counts as what it showed when saved" if is_formula else problem
            remedy = "Copy the column and paste its values" if is_formula else "Correct the cell"
            place = (column.source, str(told), pd.Index(same["row"]), shown, field)
            done = KEPT if is_formula else REJECTED
            yield raw.problem(*place, remedy=remedy, done=done)


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


def _shown_as_percent(asked: Asked) -> list[Problem]:
    """A cell that shows 5 % holds 0.05: one of them is not what was answered."""
    runs_to = asked.scale.ends[1] if asked.scale.kind in ("rating", "number") else 0
    if asked.column.source not in asked.raw.percents or runs_to <= 1 or asked.recoded:
        return []
    problem = "the sheet shows percentages here: 0.05 as 5 %"
    remedy = "Write linear: {from: [0, 1]} in wave.yaml, or give the cells a plain number format"
    return [asked.problem(pd.Index([]), "", problem, remedy)]


def _turned_labels(asked: Asked) -> list[Problem]:
    """The file and the codebook give the same words different codes."""
    known = codes_by_label(asked.scale.labels)
    turned = [
        f"{code} is {label!r}, which is {known[normalise(label)]} in the codebook"
        for code, label in asked.labels.items()
        if known.get(normalise(label), code) != code
    ]
    if not turned or asked.column.map or asked.column.linear:
        return []
    remedy = "Add a `map` from the codes of the file to those of the codebook in wave.yaml"
    problem = "the labels of the file belong to other codes in the codebook"
    return [asked.problem(pd.Index([]), "; ".join(turned[:5]), problem, remedy)]


def _off_scale(asked: Asked, max_invalid: float) -> list[Problem]:
    """Refuse a column that is not what the mapping says."""
    distinct, counts = asked.decoded.distinct, asked.decoded.counts
    invalid = distinct["reason"] == INVALID
    if not invalid.any():
        return []
    wrong, examples = asked.decoded.rows(invalid), map(hide_personal, distinct.index[invalid][:5])
    n_given = int(counts[distinct["reason"].isin([INVALID, ANSWERED])].sum())
    if (clash := distinct["problem"] == DECLARED_MISSING).any():
        wrong, problem = asked.decoded.rows(clash), DECLARED_MISSING
        examples = map(str, distinct.index[clash][:5])
    elif not (problem := find_shift(asked.decoded, asked.scale, asked.column)):
        if len(wrong) <= max(max_invalid * n_given, 1):
            return []
        problem = f"of {n_given} answers {len(wrong)}: {distinct.loc[invalid, 'problem'].iloc[0]}"
    remedy = "Correct the item's scale in the codebook, or add a `map` or `linear` in wave.yaml"
    numbers = any(NUMBER.fullmatch(without_marks(text)) for text in distinct.index[invalid])
    if not numbers and asked.scale.kind != "number":
        remedy = f"Give each its code under `labels` of the scale in study.yaml. Or: {remedy}"
    return [asked.problem(wrong, ", ".join(examples), problem, remedy)]


def _mended(asked: Asked) -> Iterator[Problem]:
    """Log texts that a rule turned into a code or a reason, once each."""
    distinct = asked.decoded.distinct
    logged = distinct[~distinct["rule"].isin(["", RECODED, RESCALED])]
    for rule, same in logged.groupby("rule", sort=False):
        by_text = [same.iloc[[i]] for i in range(len(same))] if len(same) <= N_FIXES else [same]
        for part in by_text:
            rows, first = asked.decoded.rows(distinct.index.isin(part.index)), part.iloc[0]
            problem = "is no answer" if first["reason"] else "is no code, but is understood"
            now = first["reason"] or str(first["value"]).removesuffix(".0")
            text = f"{hide_personal(part.index[0])} as {now}"
            yield asked.problem(rows, text, problem, done=FIXED, rule=str(rule))


def _unlabelled(asked: Asked) -> list[Problem]:
    """Warn of codes without a label in a file that labels the others."""
    labelled, distinct = set(asked.labels) - set(asked.scale.missing), asked.decoded.distinct
    if len(labelled & set(asked.scale.labels)) < 3 or asked.scale.kind in ("number", "text"):
        return []
    bare = (distinct["reason"] == ANSWERED) & ~distinct.index.isin(labelled)
    bare &= ~distinct.index.map(normalise).isin({normalise(t) for t in asked.labels.values()})
    problem = "has no label in the file, where other codes have"
    return [
        asked.problem(asked.decoded.rows(distinct.index == text), str(text), problem, done=KEPT)
        for text in distinct.index[bare]
    ]


def _cells(asked: Asked) -> list[Problem]:
    """List every cell that was set to missing."""
    distinct, codes = asked.decoded.distinct, asked.decoded.codes
    invalid = distinct["reason"].to_numpy() == INVALID
    if not invalid.any():
        return []
    wrong = np.flatnonzero(invalid[codes])
    values, problems = list(map(hide_personal, distinct.index)), distinct["problem"].tolist()
    column, place = asked.column.source, f"column {asked.column.source} ({asked.item})"
    index, names = asked.decoded.index[wrong], asked.names.array[wrong]
    return [
        Problem(
            *(asked.raw.file, f"row {row}, {place}", values[code], problems[code], "", ""),
            *(SET_MISSING, name, asked.raw.sheet, str(row), column, "codebook"),
        )
        for row, name, code in zip(index, names, codes[wrong], strict=True)
    ]


def _doubt_alone(asked: Asked) -> list[Problem]:
    """Warn of an item that nobody answered, or everyone in the same way."""
    values = asked.decoded.numbers
    if np.isnan(values).all():
        return [asked.doubt("nobody answered this item", "It counts in no phase score")]
    if np.nanmin(values) < np.nanmax(values) or len(asked.names) < FEW:
        return []
    problem = "everyone gave the same answer; it tells nothing about differences"
    remedy = "It is left out of reliability, and stays in the phase score, where it moves nobody"
    return [asked.doubt(problem, remedy)]


def _doubt_turned(asked: Mapping[str, Asked], items: pd.DataFrame) -> Iterator[Problem]:
    """Warn of items that go against the rest of their phase, once reversed items are turned."""
    answers = {}
    ends = items["low"] + items["high"]
    for item, turned in items["reversed"].items():
        decoded = asked[str(item)].decoded
        some = decoded.numbers[decoded.codes[:: max(len(decoded.codes) // ENOUGH, 1)]]
        answers[str(item)] = ends[item] - some if turned else some
    table = pd.DataFrame(answers)
    if table.shape[1] < 3 or len(table) < FEW:
        return
    total, n_given = table.sum(axis=1), table.count(axis=1)
    for item in answers:
        rest = (total - table[item].fillna(0)) / (n_given - table[item].notna())
        together = table[item].corr(rest, min_periods=FEW)
        if together < min(NEGATIVE, -2 / np.sqrt(table[item].count())):
            problem = f"goes against the other items of its phase (correlation {together:.2f}); "
            is_turned = bool(items.loc[item, "reversed"])
            why = "have been entered already reversed" if is_turned else "ask the other way round"
            remedy = f"If so, write {'no' if is_turned else 'yes'} under `reversed` in codebook.csv"
            remedy += "; if in this wave alone, turn it by a `map` in its wave.yaml"
            yield asked[item].doubt(f"{problem}it may {why}", remedy)


def _identical(decoded: Mapping[str, Decoded], units: "pd.Series[str]") -> pd.Index:
    """Rows whose answers are those of an earlier row."""
    columns = [table for table in decoded.values() if table.distinct["value"].dtype == "float64"]
    if not columns:
        return pd.Index([])
    given = pd.DataFrame(dict(enumerate(table.codes for table in columns)), copy=False)
    twice = np.flatnonzero(given.duplicated())
    in_unit = given.assign(unit=units.to_numpy()).duplicated().to_numpy()[twice]
    values = np.array([table.numbers[table.codes[twice]] for table in columns])
    n_given = (~np.isnan(values)).sum(axis=0)
    spread = np.fmax.reduce(values) - np.fmin.reduce(values)
    long = n_given >= np.where(in_unit, LONG_IN_UNIT, LONG)
    return columns[0].index[twice[long & (spread >= 2)]]


def suggest_recode(texts: pd.Series, scale: Scale) -> dict[str, str]:
    """Suggest a recode when the answers are as many whole numbers as the scale has steps.

    Or when they are letters and a number up to that many, from 1 unless a 0 is among them.

    Examples
    --------
    >>> suggest_recode(pd.Series(["1", "5", "3", "2", "4"]), Scale(min=0, max=4))
    {'1': '0', '2': '1', '3': '2', '4': '3', '5': '4'}
    >>> suggest_recode(pd.Series(["A1", "A3"]), Scale(min=0, max=2))
    {'A1': '0', 'A2': '1', 'A3': '2'}
    """
    if scale.kind != "rating" or scale.min is None or scale.max is None:
        return {}
    if codes := numbered_codes(texts.tolist()):
        lowest, code = next(iter(codes.items()))
        letters, first = code.rstrip("0123456789"), min(1, int(lowest))
        steps = range(int(scale.max - scale.min) + 1)
        numbered = [f"{letters}{first + step:0{len(code) - len(letters)}d}" for step in steps]
        fits = set(codes.values()) <= set(numbered)
        return {c: f"{scale.min + step:g}" for step, c in enumerate(numbered)} if fits else {}
    numbers = numbers_in(texts, scale)
    if numbers.empty or (numbers % 1).any():
        return {}
    low, high = int(numbers.min()), int(numbers.max())
    if high - low != scale.max - scale.min or low == scale.min:
        return {}
    return {str(code): f"{scale.min + code - low:g}" for code in range(low, high + 1)}


def numbered_codes(texts: Sequence[str]) -> dict[str, str]:
    """Answers coded by letters and a number, all the same letters, by that number.

    Examples
    --------
    >>> numbered_codes(["A2", "A1"]), numbered_codes(["A1", "B2"])
    ({'1': 'A1', '2': 'A2'}, {})
    """
    parts = [LETTERS_AND_NUMBER.fullmatch(text) for text in texts]
    if not all(parts) or len({part[1] for part in parts if part}) != 1:
        return {}
    pairs = [(part[2], part[0]) for part in parts if part]
    return dict(sorted(pairs, key=lambda pair: int(pair[0])))


def numbers_in(texts: pd.Series, scale: Scale) -> "pd.Series[float]":
    """The numbers that occur, without the scale's missing codes."""
    numbers = pd.to_numeric(pd.Series(texts.unique()).astype("str"), errors="coerce").dropna()
    return numbers[~numbers.isin([float(c) for c in scale.missing if c.lstrip("-").isdecimal()])]
