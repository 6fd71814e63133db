"""Say who answered: each respondent with unit and role, and what is wrong with that.

Every rule looks at each distinct text once, however many respondents gave it.
"""

import re

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, KEPT, Problem, as_shown
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.responses.privacy import EMAIL
from cycle_analysis.responses.unit_column import read_units
from cycle_analysis.study import Study
from cycle_analysis.study.files import Column, Wave
from cycle_analysis.units.register import Register
from cycle_analysis.words import codes_by_label, missing_reason, normalise

Found = list[Problem]
ODD = re.compile(r"[=+\-@\t\r\n]")
"""What an e-mail address holds, or a text that a spreadsheet would calculate."""


def read_respondents(
    raw: RawTable, study: Study, mapping: Wave, register: Register
) -> tuple[pd.DataFrame, Found]:
    """Read respondent, unit, role, and seconds where the file has them.

    Returns
    -------
    DataFrame, n rows × 3 or 4; list of Problem
        On the rows of the file: `respondent`, `unit` and `role` (``""`` when unknown), `seconds`.
    """
    table = pd.DataFrame({"respondent": "", "unit": "", "role": ""}, raw.cells.index)
    found: Found = []
    fields = _fields(raw, mapping)
    if "respondent" in fields:
        table["respondent"], more = _names(raw, *fields["respondent"])
        found += more
    else:
        table["respondent"] = _by_row(raw.cells.index)
    if "unit" in fields:
        province = fields.get("province", ("", None))[1]
        table["unit"], more = read_units(raw, fields["unit"][1], province, mapping, register)
        found += more
    if "role" in fields:
        table["role"], more = _roles(raw, fields["role"][1], mapping.columns["role"], study)
        found += more
    if "duration" in fields:
        table["seconds"], more = _seconds(raw, *fields["duration"])
        found += more
    return table, found


def _fields(raw: RawTable, mapping: Wave) -> dict[str, tuple[str, pd.Series]]:
    """Column and cells of each respondent field; the duration also where only the tool names it."""
    sources = {
        name: mapping.columns[name].source
        for name in ("respondent", "unit", "role", "province", "duration")
        if name in mapping.columns
    }
    if raw.duration:
        sources.setdefault("duration", raw.duration)
    return {
        name: (source, change_texts(raw.cells[source], str.strip))
        for name, source in sources.items()
        if source in raw.cells
    }


def _by_row(rows: pd.Index) -> "pd.Series[str]":
    """Names for respondents without one."""
    return pd.Series([f"row {row}" for row in rows], rows, dtype="str")


def _names(raw: RawTable, column: str, given: pd.Series) -> tuple["pd.Series[str]", Found]:
    """Names as they stand, made harmless; e-mail addresses are not copied."""
    joined = "".join(given.cat.categories.tolist())
    if ODD.search(joined):
        given = change_texts(given, as_shown)
    found = _double(raw, column, given)
    texts = given.cat.categories if "@" in joined else []
    private = [text for text in texts if EMAIL.fullmatch(text)]
    nameless = given.isin(["", *private])
    names = given.astype("str")
    if not nameless.any():
        return names, found
    if private:
        problem = "respondents are named by e-mail address, which is not copied"
        n = int(given.isin(private).sum())
        found.append(raw.problem(column, (), "", problem, done=FIXED, rule="named by row", n=n))
    return names.where(~nameless, _by_row(names.index)), found


def _double(raw: RawTable, column: str, names: pd.Series) -> Found:
    codes = names.cat.codes.to_numpy()
    twice = np.bincount(codes, minlength=1) > 1
    double = names[twice[codes]].astype("str").loc[lambda texts: texts != ""]
    problem = "this respondent stands here more than once"
    remedy = "Delete the rows that should not count"
    return [
        raw.problem(
            *(column, same.index, "an e-mail address" if EMAIL.fullmatch(name) else name, problem),
            *("each respondent once", remedy),
        )
        for name, same in double.groupby(double)
    ]


def _roles(
    raw: RawTable, given: pd.Series, column: Column, study: Study
) -> tuple["pd.Series[str]", Found]:
    """Codes of study.yaml, ``""`` where there is none."""
    known = {normalise(code): code for code in study.roles}
    known |= codes_by_label(study.roles)
    labels = raw.labels.get(column.source, {})
    known |= {
        code: known[normalise(label)]
        for code, label in labels.items()
        if normalise(label) in known and code not in known
    }
    known |= {normalise(old): new for old, new in column.map.items()}
    roles = change_texts(given, lambda text: known.get(normalise(text), "")).astype("str")
    without = given[(roles == "") & (given != "")].astype("str")
    return roles, [
        _without_role(raw, column.source, text, same.index, ", ".join(study.roles))
        for text, same in without.groupby(without)
    ]


def _without_role(raw: RawTable, column: str, text: str, rows: pd.Index, allowed: str) -> Problem:
    if missing_reason(text):
        problem = "is no role; these respondents count without one"
        return raw.problem(column, rows, text, problem, done=FIXED, rule="word for no answer")
    remedy = "Add the role to study.yaml, or a `map` under columns.role in wave.yaml"
    return raw.problem(column, rows, text, "is no role", allowed, remedy)


def _seconds(raw: RawTable, column: str, given: pd.Series) -> tuple["pd.Series[float]", Found]:
    """How long each respondent took; missing where that is no number."""
    texts = given.cat.categories.to_series()
    numbers = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce")
    seconds = pd.Series(numbers.to_numpy()[given.cat.codes], given.index)
    wrong = given[seconds.isna() & (given != "")]
    if wrong.empty:
        return seconds, []
    problem = "is no number of seconds; this respondent is not judged by speed"
    shown = ", ".join(wrong.astype("str").unique()[:5])
    return seconds, [raw.problem(column, wrong.index, shown, problem, done=KEPT)]
