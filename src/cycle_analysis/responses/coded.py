"""Coded answers of one wave: who answered for which unit, and what.

Every cell is checked, every rule looks at each distinct text once, and nothing is dropped or
recoded in silence. What stops a run (an unknown unit, a double respondent, a column that is not
understood as a whole) is raised with everything else that stops it. What does not is kept in the
problem table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cycle_analysis.problems import (
    FIXED,
    KEPT,
    REJECTED,
    InputError,
    Problem,
    on_one_line,
    problem_table,
    refuse,
)
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.responses.checks import (
    Asked,
    check_item,
    doubt_items,
    doubt_respondents,
    doubt_unrecoded,
)
from cycle_analysis.responses.privacy import EMAIL, find_same_person, scan_columns
from cycle_analysis.study import Study
from cycle_analysis.study.files import Wave
from cycle_analysis.study.fingerprints import hash_file
from cycle_analysis.units.harmonisation import assign_heirs, detect_vintage, harmonise
from cycle_analysis.units.identification import CODE, NAME, identify
from cycle_analysis.units.register import Register
from cycle_analysis.words import ANSWERED, codes_by_label, missing_reason, normalise

MOST_SPELLINGS = 5
"""More different texts than so many times the units of the register name no units."""


@dataclass(frozen=True, eq=False)
class Responses:
    """The coded answers of one wave.

    Attributes
    ----------
    answers : DataFrame, n respondents × items asked
        Index `respondent`; codes on the codebook's scale, missing where there is no answer. Open
        answers are not among them.
    reasons : DataFrame, n respondents × items asked
        ``""`` where answered, else why not: a reason of study.yaml, `blank` or `invalid`.
    respondents : DataFrame, n respondents × 2 or 3
        Index `respondent`; `unit` (code in the register) and `role` (``""`` when unknown);
        `seconds` where the file says how long it took.
    problems : DataFrame
        The problem table; columns as `cycle_analysis.problems.TABLE_COLUMNS`.
    open_answers : DataFrame, n respondents × open items
        What respondents wrote: private.
    """

    answers: pd.DataFrame
    reasons: pd.DataFrame
    respondents: pd.DataFrame
    problems: pd.DataFrame
    open_answers: pd.DataFrame

    @property
    def missing(self) -> pd.DataFrame:
        """Item nonresponse, items × reasons: shares 0-1 of all respondents."""
        return _shares(self.reasons)

    @property
    def missing_by_role(self) -> pd.DataFrame:
        """Nonresponse per role and item: `n` respondents, and shares 0-1 per reason."""
        who = self.respondents["role"].to_numpy()
        parts = {
            role or "unknown": _shares(self.reasons[who == role]).assign(n=int((who == role).sum()))
            for role in sorted(set(who))
        }
        table = pd.concat(parts, names=["role", "item"]).fillna(0.0)
        return table[["n", *table.columns.drop("n")]]

    @property
    def shown_open_answers(self) -> pd.DataFrame:
        """Open answers, each on one line."""
        return self.open_answers.apply(lambda texts: texts.fillna("").map(on_one_line))

    def only(self, keep: "pd.Series[bool]") -> "Responses":
        """Keep some respondents."""
        chosen = keep.to_numpy()
        return replace(
            self,
            answers=self.answers[chosen],
            reasons=self.reasons[chosen],
            respondents=self.respondents[chosen],
            open_answers=self.open_answers[chosen],
        )

    def __str__(self) -> str:
        n, units = len(self.respondents), self.respondents["unit"].nunique()
        return f"{n} respondents of {units} units answered {self.reasons.shape[1]} items"


def check_checksum(path: Path, recorded: str, where: str) -> None:
    """Refuse a raw file that is not the one that wave.yaml describes.

    Raises
    ------
    InputError
        If a checksum is recorded and the file has another.
    """
    if recorded and (found := hash_file(path)) != recorded:
        remedy = f"If the new file is right, write source.sha256: {found} in wave.yaml"
        problem = "the file changed since its checksum was recorded"
        raise refuse(where, "source.sha256", recorded, problem, found, remedy)


def code_responses(
    raw: RawTable, study: Study, wave: str, register: Register, max_invalid: float = 0.05
) -> Responses:
    """Code the answers of one wave.

    Parameters
    ----------
    raw : RawTable
        The export as text.
    study : Study
        Its codebook, scales, roles, and the mapping of `wave`.
    wave : str
        Name of the wave.
    register : Register
        The units that exist.
    max_invalid : float
        The largest share of a column's answers that may be invalid. More than that means that the
        column is not what the mapping says, and stops the run.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    mapping = study.wave(wave)
    found = raw.notes + _check_columns(raw, mapping)
    respondents, more = _read_respondents(raw, study, mapping, register)
    found += more
    if not any(problem.done == REJECTED for problem in more) and not respondents["unit"].any():
        found.append(Problem(raw.file, "column unit", "", "no respondent names a unit"))
    kept = respondents[respondents["unit"] != ""]
    scales = {item: study.scales[study.codebook.items.loc[item, "scale"]] for item in mapping.items}
    asked = {
        item: Asked(raw, item, mapping.columns[item], scale, kept["respondent"])
        for item, scale in scales.items()
        if mapping.columns[item].source in raw.cells
    }
    cells: list[Problem] = []
    for one in asked.values():
        more, wrong = check_item(one, max_invalid)
        found, cells = found + more, cells + wrong
    found += find_same_person(raw)
    found += scan_columns(raw, mapping, {i for i, scale in scales.items() if scale.kind == "text"})
    found = [replace(problem, sheet=raw.sheet) for problem in found]
    if rejected := [problem for problem in found if problem.done == REJECTED]:
        raise InputError(rejected)
    found += doubt_items(asked, study.phase_items(wave)) + doubt_unrecoded(asked)
    found += doubt_respondents({i: one.decoded for i, one in asked.items()}, kept["unit"], raw)
    return _as_tables(asked, kept.set_index("respondent"), problem_table(found + cells))


def _shares(reasons: pd.DataFrame) -> pd.DataFrame:
    counts = pd.DataFrame({item: reasons[item].value_counts(sort=False) for item in reasons}).T
    counts = counts.drop(columns=ANSWERED).loc[:, lambda table: table.any()]
    return (counts / len(reasons)).rename_axis("item").rename_axis(columns=None)


def _as_tables(
    asked: Mapping[str, Asked], respondents: pd.DataFrame, problems: pd.DataFrame
) -> Responses:
    """Set answers, reasons and open answers beside each other."""
    is_text = {item for item, one in asked.items() if one.scale.kind == "text"}
    answers = {item: one.decoded.answers.array for item, one in asked.items()}
    parts = (
        {item: found for item, found in answers.items() if item not in is_text},
        {item: one.decoded.reasons.array for item, one in asked.items()},
        {item: found for item, found in answers.items() if item in is_text},
    )
    closed, reasons, texts = (pd.DataFrame(x, respondents.index, copy=False) for x in parts)
    return Responses(closed, reasons, respondents, problems, texts)


def _check_columns(raw: RawTable, mapping: Wave) -> list[Problem]:
    """Warn both ways: mapped but absent, there but neither mapped nor ignored."""
    header = raw.cells.columns
    sources = {name: column.source for name, column in mapping.columns.items()}
    if not set(header) & set(sources.values()):
        remedy = "Is this the export of this wave? Check source.file and source.header_row"
        shown = ", ".join(map(str, header[:5]))
        return [Problem(raw.file, "header", shown, "no mapped column is here", "", remedy)]
    remedy = "Correct the mapping, or move the item to `dropped` or `not_asked`"
    found = [
        Problem(raw.file, f"header, for {name}", source, "no such column", "", remedy)
        for name, source in sources.items()
        if source not in header
    ]
    problem = "this column is neither mapped nor ignored; it is left out"
    remedy = "Map it in wave.yaml, or name it under `ignore`"
    known = [*sources.values(), *mapping.ignore, raw.duration]
    return found + [
        Problem(raw.file, "header", name, problem, "", remedy, done=KEPT, column=name)
        for name in header.difference(known, sort=False)
    ]


def _read_respondents(
    raw: RawTable, study: Study, mapping: Wave, register: Register
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read respondent, unit, role (``""`` when unknown), and seconds where the file has them."""
    fields, columns = _fields(raw, mapping), mapping.columns
    readers: dict[str, Callable[[pd.Series], tuple[pd.Series, list[Problem]]]] = {
        "respondent": lambda given: _names(raw, given),
        "unit": lambda given: _units(raw, given, fields.get("province"), mapping, register),
        "role": lambda given: _roles(raw, given, columns["role"].map, study),
        "seconds": lambda given: _seconds(raw, given),
    }
    table = pd.DataFrame({"respondent": "", "unit": "", "role": ""}, raw.cells.index)
    if "respondent" not in fields:
        table["respondent"] = _by_row(table.index)
    found: list[Problem] = []
    for field in (field for field in readers if field in fields):
        table[field], more = readers[field](fields[field])
        found += more
    return table, found


def _fields(raw: RawTable, mapping: Wave) -> dict[str, pd.Series]:
    """Cells of each respondent field, named by column; seconds also where the tool names them."""
    sources = {name: column.source for name, column in mapping.columns.items()}
    sources["seconds"] = sources.get("duration", raw.duration)
    return {
        name: change_texts(raw.cells[sources[name]], str.strip).rename(sources[name])
        for name in ("respondent", "unit", "role", "province", "seconds")
        if sources.get(name) in raw.cells
    }


def _by_row(rows: pd.Index) -> "pd.Series[str]":
    """Names for respondents without one."""
    return pd.Series([f"row {row}" for row in rows], rows, dtype="str")


def _names(raw: RawTable, given: pd.Series) -> tuple["pd.Series[str]", list[Problem]]:
    """Names as they stand, each on one line; e-mail addresses are not copied."""
    column = str(given.name)
    given = change_texts(given, on_one_line)
    double = given[given.duplicated(keep=False) & (given != "")].astype("str")
    problem = "this respondent stands here more than once"
    advice = ("each respondent once", "Delete the rows that should not count")
    found = []
    for name, same in double.groupby(double):
        shown = "an e-mail address" if EMAIL.fullmatch(str(name)) else str(name)
        found.append(raw.problem(column, same.index, shown, problem, *advice))
    texts = given.cat.categories.tolist()
    private = [text for text in texts if "@" in text and EMAIL.fullmatch(text)]
    if n := int(given.isin(private).sum()):
        problem = "respondents are named by e-mail address, which is not copied"
        found.append(raw.problem(column, (), "", problem, done=FIXED, rule="named by row", n=n))
    names, nameless = given.astype("str"), given.isin(["", *private])
    return names.where(~nameless, _by_row(given.index)) if nameless.any() else names, found


def _roles(
    raw: RawTable, given: pd.Series, recode: Mapping[str, str], study: Study
) -> tuple["pd.Series[str]", list[Problem]]:
    """Codes of study.yaml, ``""`` where there is none."""
    column = str(given.name)
    known = {normalise(code): code for code in study.roles} | codes_by_label(study.roles)
    labels = {code: normalise(label) for code, label in raw.labels.get(column, {}).items()}
    known = {code: known[label] for code, label in labels.items() if label in known} | known
    known |= {normalise(old): new for old, new in recode.items()}
    roles = change_texts(given, lambda text: known.get(normalise(text), "")).astype("str")
    without = given[(roles == "") & (given != "")].astype("str")
    found = []
    for text, same in without.groupby(without):
        place = (column, same.index, str(text))
        if missing_reason(str(text)):
            problem = "is no role; these respondents count without one"
            told = raw.problem(*place, problem, done=FIXED, rule="word for no answer")
        else:
            remedy = "Add the role to study.yaml, or a `map` under columns.role in wave.yaml"
            told = raw.problem(*place, "is no role", ", ".join(study.roles), remedy)
        found.append(told)
    return roles, found


def _seconds(raw: RawTable, given: pd.Series) -> tuple["pd.Series[float]", list[Problem]]:
    """How long each respondent took; missing where that is no number."""
    texts = given.cat.categories.to_series()
    numbers = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce")
    seconds = pd.Series(numbers.to_numpy()[given.cat.codes], given.index)
    wrong = given[seconds.isna() & (given != "")]
    if wrong.empty:
        return seconds, []
    problem = "is no number of seconds; this respondent is not judged by speed"
    shown = ", ".join(wrong.astype("str").unique()[:5])
    return seconds, [raw.problem(str(given.name), wrong.index, shown, problem, done=KEPT)]


def _units(
    raw: RawTable, given: pd.Series, province: pd.Series | None, mapping: Wave, register: Register
) -> tuple["pd.Series[str]", list[Problem]]:
    """Codes in force on the first day of fieldwork, ``""`` where there is none."""
    column, recode = str(given.name), mapping.columns["unit"].map
    if recode:
        known = {normalise(old): new for old, new in recode.items()}
        given = change_texts(given, lambda text: known.get(normalise(text), text))
    codes = given.cat.codes
    if province is not None:
        codes = codes.astype("int64") * len(province.cat.categories) + province.cat.codes
    _, first, number = np.unique(codes, return_index=True, return_inverse=True)
    if len(first) > MOST_SPELLINGS * len(register.units):
        problem = f"holds {len(first)} different texts: too many to name units"
        remedy = "Correct columns.unit in wave.yaml"
        return given.astype("str"), [raw.problem(column, (), "", problem, "", remedy)]
    texts = given.iloc[first].astype("str")
    places = None if province is None else province.iloc[first].astype("str")
    day = str(mapping.fieldwork.start)
    found = identify(texts, register, day, places)
    found = found.assign(text=texts, now=_in_force(found, day, register)).fillna("")
    problems = _doubt_units(raw, column, found, pd.Series(number, given.index))
    problems += _mixed_vintage(raw, column, found, register)
    units = found["now"].to_numpy(dtype="object")[number]
    return pd.Series(units, given.index, dtype="str"), problems


def _in_force(found: pd.DataFrame, day: str, register: Register) -> "pd.Series[str]":
    """Carry units that had merged before the first day of fieldwork to the units they became."""
    former = found["unit"].where(found["rule"].str.startswith("former"))
    crosswalk = harmonise(sorted(former.dropna().unique()), day, day, register)
    heirs = assign_heirs(crosswalk).set_index("from_unit")["to_unit"]
    return found["unit"].where(former.isna(), former.map(heirs))


def _doubt_units(
    raw: RawTable, column: str, found: pd.DataFrame, number: "pd.Series[int]"
) -> list[Problem]:
    """Tell of texts without unit one by one; of those that were not plain, rule by rule."""
    found = found.reset_index(drop=True)
    problems = []
    for place, text in found["text"][found["now"] == ""].items():
        rows = number.index[number == place]
        problem, suggestions = found.loc[place, ["problem", "suggestions"]]
        if not text or problem == "is missing":
            problem = f"{len(rows)} respondents name no unit and are left out"
            problems.append(raw.problem(column, rows, text, problem, done=KEPT))
            continue
        remedy = "Correct it with a `map` under columns.unit in wave.yaml"
        if "name of" in problem:
            remedy += ", or map the province as columns.province"
        problem = problem or "is no unit of the register"
        problems.append(raw.problem(column, rows, text, problem, suggestions, remedy))
    plain = found["rule"].isin([CODE, NAME]) & (found["problem"] == "")
    others = found[~plain & (found["now"] != "")]
    for (rule, doubt), alike in others.groupby(["rule", "problem"], sort=False):
        read = alike["text"] + " as " + alike["now"]
        shown = ", ".join(read.head(10)) + (" …" if len(read) > 10 else "")
        rows = number.index[number.isin(alike.index)]
        told, done = (doubt, KEPT) if doubt else (f"read by {rule}", FIXED)
        problems.append(raw.problem(column, rows, shown, told, done=done, rule=rule))
    return problems


def _mixed_vintage(
    raw: RawTable, column: str, found: pd.DataFrame, register: Register
) -> list[Problem]:
    """Warn when no day exists on which all units were in force."""
    if not found["rule"].str.startswith("former").any():
        return []
    units = found["unit"].loc[lambda units: units != ""].unique()
    odd = detect_vintage(units, register).best["not_fitting"].iloc[-1]
    problem = "units of different years stand beside each other"
    remedy = "Check that this is what respondents meant; each was carried to its successor"
    return [raw.problem(column, (), odd, problem, "", remedy, done=KEPT)] if odd else []
