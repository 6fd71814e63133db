"""Coded answers of one wave: who answered for which unit, and what.

Read the column that names units: each distinct text once, merged units carried on.

Say who answered: each respondent with unit and role, and what is wrong with that.

Every rule looks at each distinct text once, however many respondents gave it.

Turn an export into coded answers: every cell checked, nothing dropped or recoded in silence.

What stops a run (an unknown unit, a double respondent, a column that is not understood as a whole)
is raised with everything else that stops it. What does not is kept in the problem table.
"""

import hashlib
import re
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
    as_shown,
    problem_table,
)
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.responses.checks import (
    RULE,
    Asked,
    check_item,
    doubt_items,
    doubt_respondents,
    doubt_unrecoded,
)
from cycle_analysis.responses.coding import Decoded
from cycle_analysis.responses.privacy import EMAIL, find_same_person, scan_columns
from cycle_analysis.study import Study
from cycle_analysis.study.files import Column, Scale, Wave
from cycle_analysis.units.harmonisation import assign_heirs, detect_vintage, harmonise
from cycle_analysis.units.identification import CODE, NAME, identify
from cycle_analysis.units.register import Register
from cycle_analysis.words import ANSWERED, codes_by_label, missing_reason, normalise

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


TEXT = "text"


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
        parts = {
            role or "unknown": _shares(self.reasons.loc[who.to_numpy()]).assign(n=int(who.sum()))
            for role in sorted(self.respondents["role"].unique())
            if (who := self.respondents["role"] == role).any()
        }
        table = pd.concat(parts, names=["role", "item"]).fillna(0.0)
        return table[["n", *table.columns.drop("n")]]

    @property
    def shown_open_answers(self) -> pd.DataFrame:
        """Open answers as a spreadsheet may show them: nothing in them calculates."""
        return self.open_answers.apply(lambda texts: texts.fillna("").map(as_shown))

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


def _shares(reasons: pd.DataFrame) -> pd.DataFrame:
    counts = pd.DataFrame({item: reasons[item].value_counts(sort=False) for item in reasons}).T
    counts = counts.drop(columns=ANSWERED).loc[:, lambda table: table.any()]
    return (counts / len(reasons)).rename_axis("item").rename_axis(columns=None)


def check_checksum(path: Path, recorded: str, where: str) -> None:
    """Refuse a raw file that is not the one that wave.yaml describes.

    Raises
    ------
    InputError
        If a checksum is recorded and the file has another.
    """
    if not recorded:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != recorded:
        remedy = f"If the new file is right, write source.sha256: {found} in wave.yaml"
        problem = "the file changed since its checksum was recorded"
        raise InputError([Problem(where, "source.sha256", recorded, problem, found, remedy)])


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
    respondents, more = read_respondents(raw, study, mapping, register)
    found += more
    if not any(problem.done == REJECTED for problem in more) and not respondents["unit"].any():
        found.append(Problem(raw.file, "column unit", "", "no respondent names a unit"))
    kept = respondents[respondents["unit"] != ""]
    scales = {item: study.scales[study.codebook.items.loc[item, "scale"]] for item in mapping.items}
    decoded: dict[str, Decoded] = {}
    cells: list[pd.DataFrame] = []
    for item, scale in scales.items():
        column = mapping.columns[item]
        if column.source in raw.cells:
            asked = Asked(raw, item, column, scale, kept["respondent"])
            decoded[item], more, wrong = check_item(asked, max_invalid)
            found += more
            cells.append(wrong)
    found += find_same_person(raw)
    found += scan_columns(raw, mapping, {item for item in scales if scales[item].kind == TEXT})
    found = [replace(problem, sheet=raw.sheet) for problem in found]
    if rejected := [problem for problem in found if problem.done == REJECTED]:
        raise InputError(rejected)

    def doubt(item: str, problem: str, remedy: str) -> Problem:
        place = (mapping.columns[item].source, (), "", problem, "", remedy)
        return raw.problem(*place, done=KEPT, rule=RULE, item=item)

    found += doubt_items(decoded, study.phase_items(wave), doubt)
    found += doubt_unrecoded(decoded, scales, mapping.columns, doubt)
    found += doubt_respondents(decoded, kept["unit"], raw)
    answers, reasons, open_answers = _tables(decoded, scales, kept)
    table = pd.concat([problem_table(found), *(part for part in cells if len(part))])
    people = kept.set_index("respondent")
    return Responses(answers, reasons, people, table.reset_index(drop=True), open_answers)


def _tables(
    decoded: dict[str, Decoded], scales: dict[str, Scale], kept: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Set answers, reasons and open answers beside each other."""
    index = pd.Index(kept["respondent"], name="respondent")
    closed = [item for item in decoded if scales[item].kind != TEXT]
    numbers = [item for item in closed if scales[item].kind != "category"]
    block = np.empty((len(numbers), len(index)))
    for place, item in enumerate(numbers):
        found = decoded[item]
        np.take(found.numbers, found.codes, out=block[place], mode="clip")
    answers = pd.DataFrame(block.T, index=index, columns=numbers, copy=False)
    if len(numbers) < len(closed):
        rest = {i: decoded[i].answers.set_axis(index) for i in closed if i not in set(numbers)}
        answers = pd.concat([answers, pd.DataFrame(rest, index=index)], axis=1)[closed]
    written = {i: decoded[i].answers.set_axis(index) for i in decoded if scales[i].kind == TEXT}
    reasons = {item: found.reasons.array for item, found in decoded.items()}
    return answers, pd.DataFrame(reasons, index=index), pd.DataFrame(written, index=index)


def _check_columns(raw: RawTable, mapping: Wave) -> list[Problem]:
    """Warn both ways: mapped but absent, there but neither mapped nor ignored."""
    header = raw.cells.columns
    sources = {name: column.source for name, column in mapping.columns.items()}
    found = []
    if not set(header) & set(sources.values()):
        remedy = "Is this the export of this wave? Check source.file and source.header_row"
        shown = ", ".join(map(str, header[:5]))
        return [Problem(raw.file, "header", shown, "no mapped column is here", "", remedy)]
    for name, source in sources.items():
        if source not in header:
            remedy = "Correct the mapping, or move the item to `dropped` or `not_asked`"
            where = f"header, for {name}"
            found.append(Problem(raw.file, where, source, "no such column", "", remedy))
    known = {*sources.values(), *mapping.ignore, raw.duration}
    for name in header.difference(list(known), sort=False):
        remedy = "Map it in wave.yaml, or name it under `ignore`"
        problem = "this column is neither mapped nor ignored; it is left out"
        found.append(Problem(raw.file, "header", name, problem, "", remedy, done=KEPT, column=name))
    return found
