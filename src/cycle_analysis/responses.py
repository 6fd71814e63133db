"""Turn an export into coded answers: every cell checked, nothing dropped or recoded in silence.

What stops a run (an unknown unit, a double respondent, a column that is not understood as a whole)
is raised with everything else that stops it. What does not is kept in the problem table.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cycle_analysis.answers import ANSWERED, INVALID, decode, normalise
from cycle_analysis.harmonisation import harmonise
from cycle_analysis.panels import assign_heirs
from cycle_analysis.problems import (
    FIXED,
    KEPT,
    REJECTED,
    SET_MISSING,
    InputError,
    Problem,
    problem_table,
)
from cycle_analysis.readers import RawTable
from cycle_analysis.register import Register
from cycle_analysis.study import Study
from cycle_analysis.study_files import Column, Scale, Wave
from cycle_analysis.units import identify

TEXT = Scale(kind="text")


@dataclass(frozen=True, eq=False)
class Responses:
    """The coded answers of one wave.

    Attributes
    ----------
    answers : DataFrame, n respondents × items asked
        Index `respondent`; codes on the codebook's scale, missing where there is no answer.
    reasons : DataFrame, n respondents × items asked
        ``""`` where answered, else why not: a reason of study.yaml, `blank` or `invalid`.
    respondents : DataFrame, n respondents × 2
        Index `respondent`; `unit` (code in the register) and `role` (``""`` when unknown).
    problems : DataFrame
        The problem table; columns as `cycle_analysis.problems.Problem`.
    """

    answers: pd.DataFrame
    reasons: pd.DataFrame
    respondents: pd.DataFrame
    problems: pd.DataFrame

    @property
    def missing(self) -> pd.DataFrame:
        """Item nonresponse, items × reasons: shares 0-1 of all respondents."""
        counts = self.reasons.apply(lambda column: column.value_counts()).T.fillna(0)
        counts = counts.drop(columns=ANSWERED, errors="ignore")
        return (counts / len(self.reasons)).rename_axis("item")

    def __str__(self) -> str:
        n, units = len(self.respondents), self.respondents["unit"].nunique()
        return f"{n} respondents of {units} units answered {self.answers.shape[1]} items"


def check_checksum(path: Path, recorded: str, where: str) -> None:
    """Refuse a raw file that is not the one that wave.yaml describes.

    Raises
    ------
    InputError
        If a checksum is recorded and the file has another.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest() if recorded else ""
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
    found = _check_columns(raw, mapping)
    respondents, more = _respondents(raw, study, mapping, register)
    found += more
    kept = respondents.index[respondents["unit"] != ""]
    decoded = {}
    for item in mapping.items:
        column = mapping.columns[item]
        if column.source not in raw.cells:
            continue
        scale = study.scales[study.codebook.items.loc[item, "scale"]]
        labels = raw.labels.get(column.source, {})
        decoded[item] = decode(raw.cells.loc[kept, column.source], column, scale, labels)
        found += _invalid(raw, item, column, decoded[item], max_invalid)
    if any(problem.done == REJECTED for problem in found):
        raise InputError([problem for problem in found if problem.done == REJECTED])
    names = respondents.loc[kept, "respondent"]
    answers = pd.DataFrame({item: table["value"] for item, table in decoded.items()})
    reasons = pd.DataFrame({item: table["reason"] for item, table in decoded.items()})
    return Responses(
        answers.set_axis(pd.Index(names, name="respondent")),
        reasons.set_axis(pd.Index(names, name="respondent")),
        respondents.loc[kept].set_index("respondent"),
        problem_table(found),
    )


def _check_columns(raw: RawTable, mapping: Wave) -> list[Problem]:
    """Warn both ways: mapped but absent, there but neither mapped nor ignored."""
    header = raw.cells.columns
    found = []
    for name, column in mapping.columns.items():
        if column.source not in header:
            remedy = "Correct the mapping, or move the item to `dropped` or `not_asked`"
            where = f"header, for {name}"
            found.append(Problem(raw.file, where, column.source, "no such column", "", remedy))
    known = {column.source for column in mapping.columns.values()} | set(mapping.ignore)
    for name in header.difference(list(known), sort=False):
        remedy = "Map it in wave.yaml, or name it under `ignore`"
        problem = "this column is neither mapped nor ignored; it is left out"
        found.append(Problem(raw.file, "header", name, problem, "", remedy, done=KEPT))
    return found


def _respondents(
    raw: RawTable, study: Study, mapping: Wave, register: Register
) -> tuple[pd.DataFrame, list[Problem]]:
    """Say who answered: respondent, unit and role on the rows of the file."""
    rows = raw.cells.index
    table = pd.DataFrame(
        {"respondent": [f"row {row}" for row in rows], "unit": "", "role": ""}, rows
    )
    found: list[Problem] = []
    columns = {name: mapping.columns.get(name) for name in table}
    texts = {
        name: raw.cells[column.source].map(str.strip)
        for name, column in columns.items()
        if column and column.source in raw.cells
    }
    if "respondent" in texts:
        table["respondent"] = texts["respondent"].where(
            texts["respondent"] != "", table["respondent"]
        )
        found += _double(raw, table["respondent"])
    if "unit" in texts:
        table["unit"], more = _units(raw, texts["unit"], mapping, register)
        found += more
    if "role" in texts and columns["role"]:
        table["role"], more = _roles(raw, texts["role"], columns["role"], study)
        found += more
    return table, found


def _double(raw: RawTable, names: "pd.Series[str]") -> list[Problem]:
    double = names[names.duplicated(keep=False)]
    return [
        Problem(
            raw.file,
            f"rows {_rows(same.index)}",
            str(name),
            "this respondent stands here more than once",
            "each respondent once",
            "Delete the rows that should not count",
        )
        for name, same in double.groupby(double)
    ]


def _units(
    raw: RawTable, texts: "pd.Series[str]", mapping: Wave, register: Register
) -> tuple["pd.Series[str]", list[Problem]]:
    column = mapping.columns["unit"]
    recode = {normalise(old): new for old, new in column.map.items()}
    texts = texts.map(lambda text: recode.get(normalise(text), text))
    found = identify(texts, register, str(mapping.fieldwork.start))
    codes = _in_force(found, mapping, register).fillna("").astype("str")
    problems = []
    for text, same in texts[codes == ""].groupby(texts):
        where = f"column {column.source}, rows {_rows(same.index)}"
        if not text:
            problem = f"{len(same)} respondents name no unit and are left out"
            problems.append(Problem(raw.file, where, "", problem, done=KEPT))
            continue
        first = found.loc[same.index[0]].fillna("")
        problem = first["problem"] or "is no unit of the register"
        remedy = "Correct it with a `map` under columns.unit in wave.yaml"
        problems.append(Problem(raw.file, where, str(text), problem, first["suggestions"], remedy))
    return codes, problems + _read_otherwise(raw, texts, found[codes != ""], column)


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
) -> list[Problem]:
    """Log units that were read by another rule than code or name, and those not in force."""
    problems = []
    for (rule, doubt), same in found.groupby(["rule", "problem"]):
        if rule in ("code", "name") and not doubt:
            continue
        read = (texts[same.index] + " as " + same["unit"]).drop_duplicates()
        examples = ", ".join(read.head(10)) + (" …" if len(read) > 10 else "")
        where = f"column {column.source}, rows {_rows(same.index)}"
        problem = doubt or f"read by {rule}"
        problems.append(Problem(raw.file, where, examples, problem, done=KEPT if doubt else FIXED))
    return problems


def _roles(
    raw: RawTable, texts: "pd.Series[str]", column: Column, study: Study
) -> tuple["pd.Series[str]", list[Problem]]:
    known = {normalise(code): code for code in study.roles}
    known |= {normalise(t[lang]): code for code, t in study.roles.items() for lang in ("nl", "en")}
    known |= {normalise(old): new for old, new in column.map.items()}
    codes = texts.map(lambda text: known.get(normalise(text), ""))
    problems = []
    for text, same in texts[(codes == "") & (texts != "")].groupby(texts):
        where = f"column {column.source}, rows {_rows(same.index)}"
        remedy = "Add the role to study.yaml, or a `map` under columns.role in wave.yaml"
        allowed = ", ".join(study.roles)
        problems.append(Problem(raw.file, where, str(text), "is no role", allowed, remedy))
    return codes, problems


def _invalid(
    raw: RawTable, item: str, column: Column, decoded: pd.DataFrame, max_invalid: float
) -> list[Problem]:
    """List answers that no rule understands; too many of them, and the column is rejected."""
    wrong = decoded.index[decoded["reason"] == INVALID]
    n_given = len(wrong) + int((decoded["reason"] == ANSWERED).sum())
    texts = raw.cells.loc[wrong, column.source]
    where = f"column {column.source} ({item}), rows"
    if len(wrong) > max(max_invalid * n_given, 1):
        examples = ", ".join(texts.drop_duplicates().head(5))
        problem = f"{len(wrong)} of {n_given} answers are no answers of this scale, among them: "
        problem += decoded.loc[wrong[0], "problem"]
        remedy = "Correct the item's scale in the codebook, or add a `map` in wave.yaml"
        return [Problem(raw.file, f"{where} {_rows(wrong)}", examples, problem, "", remedy)]
    return [
        Problem(
            raw.file,
            f"{where} {_rows(same.index)}",
            str(text),
            decoded.loc[same.index[0], "problem"],
            done=SET_MISSING,
        )
        for text, same in texts.groupby(texts)
    ]


def _rows(rows: pd.Index) -> str:
    """Name rows as the user sees them in the file: the first five, and how many more."""
    shown = ", ".join(str(row) for row in rows[:5])
    return shown if len(rows) <= 5 else f"{shown} and {len(rows) - 5} more"
