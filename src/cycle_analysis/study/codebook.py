"""Read the codebook: one row per item, the same for every wave.

A wave that renamed, rescaled, added or dropped an item says so in its own ``wave.yaml``.
"""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import Problem, refuse
from cycle_analysis.study.yaml_text import not_utf8

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
) -> tuple[Codebook, list[Problem]]:
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

    Returns
    -------
    Codebook
        Its items, each once; those of wrong rows too.
    list of Problem
        Of every row.

    Raises
    ------
    InputError
        If it cannot be read, or has other columns or no rows.
    """
    columns = [*COLUMNS, *(f"{QUESTION}{language}" for language in languages)]
    rows = _read_rows(path, columns)
    if not rows:
        raise refuse(FILE, "row 2", "", "there are no items", "one row per item")
    items = pd.DataFrame(list(rows.values()), columns=columns, dtype="str").set_index("item")
    items = items[(items.index != "") & ~items.index.duplicated()]
    problems = list(_find_wrong(rows, phases, scales))
    return Codebook(items.assign(reversed=items["reversed"] == "yes")), problems


def _read_rows(path: Path, columns: list[str]) -> dict[int, dict[str, str]]:
    """Rows by their number as a spreadsheet shows it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(FILE, error, "Save the file as 'CSV UTF-8'") from None
    header = text.split("\n", 1)[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        head, *others = list(reader) or [[]]
    except csv.Error as error:
        raise refuse(FILE, f"line {reader.line_num}", "", str(error)) from None
    names = [name.strip() for name in head]
    allowed = ", ".join(columns)
    if wrong := sorted(set(columns) ^ set(names)):
        raise refuse(FILE, "row 1", ", ".join(wrong), "columns missing or unknown", allowed)
    rows = {number: cells for number, cells in enumerate(others, start=2) if any(cells)}
    for number, cells in rows.items():
        if len(cells) != len(names):
            problem = f"does not have {len(columns)} cells"
            remedy = "Put texts that hold the separator between double quotes"
            raise refuse(FILE, f"row {number}", "", problem, allowed, remedy)
    return {
        number: dict(zip(names, (cell.strip() for cell in cells), strict=True))
        for number, cells in rows.items()
    }


def _find_wrong(
    rows: dict[int, dict[str, str]], phases: Collection[str], scales: Collection[str]
) -> Iterator[Problem]:
    """Cells that are empty or say what is not known, and items that stand twice."""
    seen: dict[str, int] = {}
    for number, row in rows.items():
        item, phase, scale = row["item"], row["phase"], row["scale"]
        filled = ["item", "scale", *(column for column in row if column.startswith(QUESTION))]
        found = [(column, "is empty", "a text") for column in filled if not row[column]]
        if row["reversed"] not in {"yes", "no"}:
            found.append(("reversed", "is unknown", "yes, no"))
        if phases and phase and phase not in phases:
            found.append(("phase", "is no phase of study.yaml", ", ".join(phases)))
        if scales and scale and scale not in scales:
            found.append(("scale", "is no scale of study.yaml", ", ".join(scales)))
        if item and item in seen:
            found.append(("item", f"stands in row {seen[item]} too", "each item once"))
        seen.setdefault(item, number)
        for column, problem, allowed in found:
            yield Problem(FILE, f"row {number}, column {column}", row[column], problem, allowed)
