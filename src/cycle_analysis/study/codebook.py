"""Read the codebook: one row per item, the same for every wave.

A wave that renamed, rescaled, added or dropped an item says so in its own ``wave.yaml``.
"""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import InputError, Problem

COLUMNS = ["item", "block", "phase", "scale", "reversed"]
"""Columns besides the question in each language, ``question_nl``."""
QUESTION = "question_"
FILE = "codebook.csv"


@dataclass(frozen=True, eq=False)
class Codebook:
    """The questionnaire as a table.

    Attributes
    ----------
    items : DataFrame, n items
        Index `item`; columns `block`, `phase` (empty outside the phases), `scale`, `reversed`
        (bool), and a question in each language, such as `question_nl`. In the order of the file.
    """

    items: pd.DataFrame

    def questions(self, item: str) -> list[str]:
        """Give the question of an item in every language."""
        return [str(self.items.loc[item, name]) for name in self.items if name.startswith(QUESTION)]

    def of_phase(self, phase: str) -> list[str]:
        """Items of one phase, in the order of the questionnaire."""
        return self.items.index[self.items["phase"] == phase].tolist()


def read_codebook(
    path: Path, phases: Collection[str], scales: Collection[str], languages: Collection[str]
) -> Codebook:
    """Read ``codebook.csv`` and check every row.

    Parameters
    ----------
    path : Path
        The file: UTF-8, comma or semicolon, with the columns of `COLUMNS` and a question
        for each language.
    phases, scales : collection of str
        Codes that `phase` and `scale` may have. Empty: not checked, because study.yaml itself
        could not be read.
    languages : collection of str
        Languages of the questions.

    Raises
    ------
    InputError
        With every problem of every row.
    """
    columns = [*COLUMNS, *(f"{QUESTION}{language}" for language in languages)]
    rows = _read_rows(path, columns)
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        problems += _check_row(number, row, phases, scales)
        item = row["item"]
        if item and item in seen:
            problems.append(
                _problem(number, "item", item, f"stands in row {seen[item]} too", "each item once")
            )
        seen.setdefault(item, number)
    if not rows:
        problems.append(Problem(FILE, "row 2", "", "there are no items", "one row per item"))
    if problems:
        raise InputError(problems)
    items = pd.DataFrame([row for _, row in rows], columns=columns, dtype="str").set_index("item")
    return Codebook(items.assign(reversed=items["reversed"] == "yes"))


def _read_rows(path: Path, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their number as a spreadsheet shows it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save the file as 'CSV UTF-8'"
        raise InputError(
            [Problem(FILE, f"byte {error.start}", "", "is not UTF-8 text", "UTF-8", remedy)]
        ) from None
    header = text.split("\n", 1)[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="beyond")
    found = [name.strip() for name in reader.fieldnames or []]
    if wrong := sorted(set(columns) ^ set(found)):
        raise InputError(
            [
                Problem(
                    FILE, "row 1", ", ".join(wrong), "columns missing or unknown", _listed(columns)
                )
            ]
        )
    reader.fieldnames = found
    numbered = ((number, row) for number, row in enumerate(reader, start=2) if any(row.values()))
    return [(number, _tidy(number, row, columns)) for number, row in numbered]


def _tidy(number: int, row: dict[str, str], columns: list[str]) -> dict[str, str]:
    if "beyond" in row or None in row.values():
        raise InputError(
            [
                Problem(
                    FILE,
                    f"row {number}",
                    "",
                    f"does not have {len(columns)} cells",
                    _listed(columns),
                    "Put texts that hold the separator between double quotes",
                )
            ]
        )
    return {name: value.strip() for name, value in row.items()}


def _check_row(
    number: int, row: dict[str, str], phases: Collection[str], scales: Collection[str]
) -> list[Problem]:
    problems = []
    questions = [column for column in row if column.startswith(QUESTION)]
    for column in ("item", "scale", *questions):
        if not row[column]:
            problems.append(_problem(number, column, "", "is empty", "a text"))
    if row["reversed"] not in {"yes", "no"}:
        problems.append(_problem(number, "reversed", row["reversed"], "is unknown", "yes, no"))
    if phases and row["phase"] and row["phase"] not in phases:
        problems.append(
            _problem(number, "phase", row["phase"], "is no phase of study.yaml", _listed(phases))
        )
    if scales and row["scale"] and row["scale"] not in scales:
        problems.append(
            _problem(number, "scale", row["scale"], "is no scale of study.yaml", _listed(scales))
        )
    return problems


def _problem(number: int, column: str, value: str, problem: str, allowed: str) -> Problem:
    return Problem(FILE, f"row {number}, column {column}", value, problem, allowed)


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
