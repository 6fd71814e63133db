"""Say who answered: each respondent with unit and role, and what is wrong with that."""

import re

import numpy as np
import pandas as pd

from cycle_analysis.answers import normalise
from cycle_analysis.harmonisation import detect_vintage, harmonise
from cycle_analysis.panels import assign_heirs
from cycle_analysis.privacy import EMAIL
from cycle_analysis.problems import FIXED, KEPT, Problem, as_shown
from cycle_analysis.readers import RawTable
from cycle_analysis.register import Register
from cycle_analysis.study import Study
from cycle_analysis.study_files import Column, Wave
from cycle_analysis.units import identify

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
    texts = _texts(raw, mapping)
    if "respondent" in texts:
        table["respondent"], more = _names(raw, mapping, texts["respondent"])
        found += more
    else:
        table["respondent"] = _by_row(raw.cells.index)
    if "unit" in texts:
        table["unit"], more = _units(raw, texts, mapping, register)
        found += more
    if "role" in texts:
        table["role"], more = _roles(raw, texts["role"], mapping.columns["role"], study)
        found += more
    if "duration" in texts:
        seconds = texts["duration"].str.replace(",", ".", regex=False)
        table["seconds"] = pd.to_numeric(seconds, errors="coerce")
    return table, found


def _texts(raw: RawTable, mapping: Wave) -> "dict[str, pd.Series[str]]":
    """Cells of the respondent's fields; the duration also where only the survey tool names it."""
    sources = {
        name: mapping.columns[name].source
        for name in ("respondent", "unit", "role", "province", "duration")
        if name in mapping.columns
    }
    if raw.duration:
        sources.setdefault("duration", raw.duration)
    return {
        name: _stripped(raw.cells[source])
        for name, source in sources.items()
        if source in raw.cells
    }


def _stripped(cells: pd.Series) -> "pd.Series[str]":
    """Cells without the spaces around them; each distinct text is looked at once."""
    texts = np.array([text.strip() for text in cells.cat.categories.to_numpy()], dtype="object")
    return pd.Series(texts.take(cells.cat.codes), cells.index, dtype="str")


def _by_row(rows: pd.Index) -> "pd.Series[str]":
    """Names for respondents without one."""
    return pd.Series([f"row {row}" for row in rows], rows, dtype="str")


def _names(raw: RawTable, mapping: Wave, texts: "pd.Series[str]") -> tuple["pd.Series[str]", Found]:
    """Names as they stand, made harmless; e-mail addresses are not copied."""
    column = mapping.columns["respondent"].source
    found = _double(raw, column, texts)
    if not ODD.search("".join(texts.to_numpy())) and not (texts == "").any():
        return texts, found
    odd = texts.str.contains(ODD.pattern, regex=True)
    private = odd & texts.where(odd, "").str.fullmatch(EMAIL.pattern)
    if private.any():
        problem = "respondents are named by e-mail address, which is not copied"
        where = f"column {column}"
        rule = "named by row"
        n = int(private.sum())
        found.append(
            Problem(raw.file, where, "", problem, done=FIXED, column=column, rule=rule, n=n)
        )
    shown = texts.where(~private & (texts != ""), _by_row(texts.index))
    odd &= ~private
    return shown.where(~odd, shown[odd].map(as_shown)) if odd.any() else shown, found


def _double(raw: RawTable, column: str, names: "pd.Series[str]") -> Found:
    double = names[names.duplicated(keep=False) & (names != "")]
    return [
        Problem(
            raw.file,
            f"rows {list_rows(same.index)}",
            str(name),
            "this respondent stands here more than once",
            "each respondent once",
            "Delete the rows that should not count",
            column=column,
            row=str(same.index[0]),
            n=len(same),
        )
        for name, same in double.groupby(double)
    ]


def _units(
    raw: RawTable, texts: "dict[str, pd.Series[str]]", mapping: Wave, register: Register
) -> tuple["pd.Series[str]", Found]:
    column, given = mapping.columns["unit"], texts["unit"]
    if column.map:
        recode = {normalise(old): new for old, new in column.map.items()}
        given = given.map({text: recode.get(normalise(text), text) for text in given.unique()})
    province = texts.get("province")
    key = given if province is None else given + "\0" + province
    codes, _ = pd.factorize(key)
    first = np.unique(codes, return_index=True)[1]  # each distinct unit, at its first row
    some = None if province is None else province.iloc[first]
    found = identify(given.iloc[first], register, str(mapping.fieldwork.start), some)
    units = _in_force(found, mapping, register).fillna("").astype("str")
    doubtful = (units == "") | ~found["rule"].isin(["code", "name"]) | (found["problem"] != "")
    rows = doubtful.to_numpy()[codes]
    close = found.iloc[codes[rows]].set_index(given.index[rows])
    named = pd.Series(units.to_numpy(dtype="object").take(codes), given.index, dtype="str")
    known = (named[rows] != "").to_numpy()
    problems = _without_unit(raw, column, given[rows][~known], close[~known])
    problems += _read_otherwise(raw, given[rows][known], close[known], column)
    return named, problems + _mixed_vintage(raw, column, found, register)


def _without_unit(
    raw: RawTable, column: Column, unknown: "pd.Series[str]", found: pd.DataFrame
) -> Found:
    problems = []
    for text, same in unknown.groupby(unknown):
        where = f"column {column.source}, rows {list_rows(same.index)}"
        place = {"column": column.source, "row": str(same.index[0])}
        first = found.loc[same.index[0]].fillna("")
        if not text or first["problem"] == "is missing":
            problem = "respondents name no unit and are left out"
            problem = f"{len(same)} {problem}"
            problems.append(
                Problem(raw.file, where, str(text), problem, done=KEPT, n=len(same), **place)
            )
            continue
        problem = first["problem"] or "is no unit of the register"
        remedy = "Correct it with a `map` under columns.unit in wave.yaml"
        if "name of" in problem:
            remedy += ", or map the province as columns.province"
        problems.append(
            Problem(
                raw.file,
                where,
                str(text),
                problem,
                first["suggestions"],
                remedy,
                n=len(same),
                **place,
            )
        )
    return problems


def _in_force(found: pd.DataFrame, mapping: Wave, register: Register) -> "pd.Series[str]":
    """Carry units that had merged before the first day of fieldwork to the units they became."""
    former = found["rule"].str.startswith("former") & found["unit"].notna()
    if not former.any():
        return found["unit"]
    day = str(mapping.fieldwork.start)
    heirs = assign_heirs(harmonise(sorted(found.loc[former, "unit"].unique()), day, day, register))
    now = found["unit"].map(heirs.set_index("from_unit")["to_unit"])
    return found["unit"].where(~former, now)


def _read_otherwise(
    raw: RawTable, texts: "pd.Series[str]", found: pd.DataFrame, column: Column
) -> Found:
    """Log units that were read by another rule than code or name, and those not in force."""
    problems = []
    for (rule, doubt), same in found.groupby(["rule", "problem"]):
        if rule in ("code", "name") and not doubt:
            continue
        read = (texts[same.index] + " as " + same["unit"]).drop_duplicates()
        examples = ", ".join(read.head(10)) + (" …" if len(read) > 10 else "")
        problems.append(
            Problem(
                raw.file,
                f"column {column.source}, rows {list_rows(same.index)}",
                examples,
                doubt or f"read by {rule}",
                done=KEPT if doubt else FIXED,
                column=column.source,
                row=str(same.index[0]),
                rule=rule,
                n=len(same),
            )
        )
    return problems


def _mixed_vintage(raw: RawTable, column: Column, found: pd.DataFrame, register: Register) -> Found:
    """Warn when no day exists on which all units were in force."""
    if not found["rule"].str.startswith("former").any():
        return []
    vintage = detect_vintage(found["unit"].dropna().unique(), register)
    best = vintage.divisions[vintage.divisions["best"]].iloc[-1]
    if not best["not_fitting"]:
        return []
    problem = "units of different years stand beside each other"
    remedy = "Check that this is what respondents meant; each was carried to its successor"
    return [
        Problem(
            raw.file,
            f"column {column.source}",
            best["not_fitting"],
            problem,
            "",
            remedy,
            done=KEPT,
            column=column.source,
        )
    ]


def _roles(
    raw: RawTable, texts: "pd.Series[str]", column: Column, study: Study
) -> tuple["pd.Series[str]", Found]:
    known = {normalise(code): code for code in study.roles}
    known |= {normalise(t[lang]): code for code, t in study.roles.items() for lang in ("nl", "en")}
    labels = raw.labels.get(column.source, {})
    known |= {
        code: known[normalise(label)]
        for code, label in labels.items()
        if normalise(label) in known and code not in known
    }
    known |= {normalise(old): new for old, new in column.map.items()}
    distinct = {text: known.get(normalise(text), "") for text in texts.unique()}
    codes = texts.map(distinct).astype("str")
    problems = []
    for text, same in texts[(codes == "") & (texts != "")].groupby(texts):
        where = f"column {column.source}, rows {list_rows(same.index)}"
        remedy = "Add the role to study.yaml, or a `map` under columns.role in wave.yaml"
        allowed = ", ".join(study.roles)
        problems.append(
            Problem(
                raw.file,
                where,
                str(text),
                "is no role",
                allowed,
                remedy,
                column=column.source,
                row=str(same.index[0]),
                n=len(same),
            )
        )
    return codes, problems


def list_rows(rows: pd.Index) -> str:
    """Name rows as the user sees them in the file: the first five, and how many more."""
    shown = ", ".join(str(row) for row in rows[:5])
    return shown if len(rows) <= 5 else f"{shown} and {len(rows) - 5} more"
