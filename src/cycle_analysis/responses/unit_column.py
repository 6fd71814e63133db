"""Read the column that names units: each distinct text once, merged units carried on."""

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, KEPT, Problem
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.study.files import Wave
from cycle_analysis.units.harmonisation import detect_vintage, harmonise
from cycle_analysis.units.identification import CODE, NAME, identify
from cycle_analysis.units.panels import assign_heirs
from cycle_analysis.units.register import Register
from cycle_analysis.words import normalise

MOST_SPELLINGS = 5
"""More different texts than so many times the units of the register name no units."""


def read_units(
    raw: RawTable,
    given: pd.Series,
    province: pd.Series | None,
    mapping: Wave,
    register: Register,
) -> tuple["pd.Series[str]", list[Problem]]:
    """Read which unit each respondent answered for.

    Parameters
    ----------
    raw : RawTable
        The export, for the place of problems.
    given, province : Series of category, n rows
        What stands in the columns of unit and province.
    mapping : Wave
    register : Register

    Returns
    -------
    Series of str, list of Problem
        Codes of the register in force on the first day of fieldwork, ``""`` where there is none.
    """
    column = mapping.columns["unit"]
    if column.map:
        known = {normalise(old): new for old, new in column.map.items()}
        given = change_texts(given, lambda text: known.get(normalise(text), text))
    first, number = _distinct(given, province)
    if len(first) > MOST_SPELLINGS * len(register.units):
        problem = f"holds {len(first)} different texts: too many to name units"
        remedy = "Correct columns.unit in wave.yaml"
        return given.astype("str"), [raw.problem(column.source, (), "", problem, "", remedy)]
    texts = given.iloc[first].astype("str")
    places = None if province is None else province.iloc[first].astype("str")
    found = identify(texts, register, str(mapping.fieldwork.start), places)
    found = found.assign(text=texts, now=_in_force(found, mapping, register)).fillna("")
    problems = _doubt(raw, column.source, found, number)
    problems += _mixed_vintage(raw, column.source, found, register)
    units = found["now"].to_numpy(dtype="object")[number]
    return pd.Series(units, given.index, dtype="str"), problems


def _distinct(given: pd.Series, province: pd.Series | None) -> tuple[np.ndarray, "pd.Series[int]"]:
    """First place of each distinct text (with its province), and which of them each row has."""
    codes = given.cat.codes
    if province is not None:
        codes = codes.astype("int64") * len(province.cat.categories) + province.cat.codes
    _, first, number = np.unique(codes, return_index=True, return_inverse=True)
    return first, pd.Series(number, given.index)


def _in_force(found: pd.DataFrame, mapping: Wave, register: Register) -> "pd.Series[str]":
    """Carry units that had merged before the first day of fieldwork to the units they became."""
    former = found["rule"].str.startswith("former") & found["unit"].notna()
    if not former.any():
        return found["unit"]
    day = str(mapping.fieldwork.start)
    heirs = assign_heirs(harmonise(sorted(found.loc[former, "unit"].unique()), day, day, register))
    now = found["unit"].map(heirs.set_index("from_unit")["to_unit"])
    return found["unit"].where(~former, now)


def _doubt(
    raw: RawTable, column: str, found: pd.DataFrame, number: "pd.Series[int]"
) -> list[Problem]:
    """Tell of texts without unit one by one; of those that were not plain, rule by rule."""
    unknown = (found["now"] == "").to_numpy()
    without = number[unknown[number]]
    problems = [
        _without_unit(raw, column, found.iloc[place], same.index)
        for place, same in without.groupby(without)
    ]
    plain = (found["rule"].isin([CODE, NAME]) & (found["problem"] == "")).to_numpy()
    others = found.assign(place=range(len(found)))[~plain & ~unknown]
    for (rule, doubt), alike in others.groupby(["rule", "problem"], sort=False):
        read = alike["text"] + " as " + alike["now"]
        shown = ", ".join(read.head(10)) + (" …" if len(read) > 10 else "")
        rows = number.index[number.isin(alike["place"])]
        told, done = (doubt, KEPT) if doubt else (f"read by {rule}", FIXED)
        problems.append(raw.problem(column, rows, shown, told, done=done, rule=rule))
    return problems


def _without_unit(raw: RawTable, column: str, found: pd.Series, rows: pd.Index) -> Problem:
    if not found["text"] or found["problem"] == "is missing":
        problem = f"{len(rows)} respondents name no unit and are left out"
        return raw.problem(column, rows, found["text"], problem, done=KEPT)
    problem = found["problem"] or "is no unit of the register"
    remedy = "Correct it with a `map` under columns.unit in wave.yaml"
    if "name of" in problem:
        remedy += ", or map the province as columns.province"
    return raw.problem(column, rows, found["text"], problem, found["suggestions"], remedy)


def _mixed_vintage(
    raw: RawTable, column: str, found: pd.DataFrame, register: Register
) -> list[Problem]:
    """Warn when no day exists on which all units were in force."""
    if not found["rule"].str.startswith("former").any():
        return []
    units = found["unit"].loc[lambda units: units != ""].unique()
    vintage = detect_vintage(units, register)
    best = vintage.divisions[vintage.divisions["best"]].iloc[-1]
    if not best["not_fitting"]:
        return []
    problem = "units of different years stand beside each other"
    remedy = "Check that this is what respondents meant; each was carried to its successor"
    return [raw.problem(column, (), best["not_fitting"], problem, "", remedy, done=KEPT)]
