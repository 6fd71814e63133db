"""An export as text, whatever kind of file it came from.

Every column is a category of its distinct texts: a survey column of a million rows has a handful
of them, so it takes a byte per cell, and every rule about answers is tried once per distinct text.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, REJECTED, Problem, first_five, refuse

MOST_COLUMNS = 5_000
"""A survey export with more columns than this is some other file."""
MOST_BYTES = 2_000_000_000
"""A survey export larger than this is some other file."""
FLAW_COLUMNS = ["row", "column", "value", "problem"]
INVISIBLE = re.compile("[\u200b\ufeff]")

Ranges = list[tuple[float | str, float | str]]
"""Lowest and highest code that a file declares missing; a text only by itself."""


@dataclass(frozen=True, eq=False)
class RawTable:
    """An export as text.

    Attributes
    ----------
    file : str
        Name of the file.
    cells : DataFrame, n rows × p columns
        Every cell as text, ``""`` where there is nothing, each column a category; the index `row`
        is the row number as a spreadsheet shows it.
    how : str
        What was detected, for the report: ``csv, cp1252, delimiter ';'``.
    labels : dict of str to dict
        For each column that has them: code as text to label.
    questions : dict of str to str
        The question of each column, where the file has it.
    missing : dict of str to list of (low, high)
        Codes that the file itself declares missing (SPSS), ends included.
    sheet : str
        Name of the sheet, empty when the file has none.
    flaws : DataFrame, n flaws × 4
        Cells that cannot be an answer whatever they say: `row`, `column`, `value`, `problem`.
    notes : list of Problem
        What was mended or noticed while reading.
    platform : str
        The survey tool that wrote it, when its shape tells.
    duration : str
        Column with the seconds that a respondent took, empty when there is none.
    """

    file: str
    cells: pd.DataFrame
    how: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Ranges] = field(default_factory=dict)
    sheet: str = ""
    flaws: pd.DataFrame = field(
        default_factory=partial(pd.DataFrame, columns=FLAW_COLUMNS, dtype="object")
    )
    notes: list[Problem] = field(default_factory=list)
    platform: str = ""
    duration: str = ""

    def problem(
        self,
        column: str,
        rows: "pd.Index | Sequence[int]",
        value: str,
        problem: str,
        allowed: str = "",
        remedy: str = "",
        *,
        done: str = REJECTED,
        rule: str = "",
        item: str = "",
        n: int | None = None,
    ) -> Problem:
        """Describe a problem with some rows of a column; with the column as a whole when of none.

        Parameters are those of `Problem`; `item` is the item that the column holds, and `n` counts
        cells when it is not one in each row.
        """
        where = [f"column {column}" + (f" ({item})" if item else "")] if column else []
        where += [f"rows {first_five(rows)}"] if len(rows) else []
        return Problem(
            *(self.file, ", ".join(where), value, problem, allowed, remedy, done),
            sheet=self.sheet,
            row=str(rows[0]) if len(rows) else "",
            column=column,
            rule=rule,
            n=max(len(rows), 1) if n is None else n,
        )

    def only(self, keep: "pd.Series[bool]", *notes: Problem) -> "RawTable":
        """Keep some rows, and say why."""
        rows = self.cells.index[keep]
        flaws = self.flaws[self.flaws["row"].isin(rows)]
        return replace(self, cells=self.cells[keep], flaws=flaws, notes=[*self.notes, *notes])


def change_texts(cells: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Change each distinct text of a column once; texts that become alike are one.

    Examples
    --------
    >>> change_texts(pd.Series(["a ", "a", "b"], dtype="category"), str.strip).tolist()
    ['a', 'a', 'b']
    """
    old = cells.cat.categories.tolist()
    new = [change(text) for text in old]
    if new == old:
        return cells
    codes, texts = pd.factorize(np.array(new, dtype="object"))
    return pd.Series(pd.Categorical.from_codes(codes[cells.cat.codes], texts), cells.index)


def text_column(texts: "Sequence[str] | np.ndarray") -> pd.Categorical:
    """Hold texts as a category of those that occur."""
    codes, distinct = pd.factorize(np.asarray(texts, dtype="object"))
    return pd.Categorical.from_codes(codes, distinct.astype("object"))


def as_text(value: object) -> str:
    """Write whole numbers without decimals, and nothing for nothing.

    Examples
    --------
    >>> as_text(3.0), as_text(None), as_text("0059")
    ('3', '', '0059')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value)


def tidy_names(file: str, header: Sequence[str]) -> list[str]:
    """Trim the names of columns.

    Raises
    ------
    InputError
        If there are too many, or one stands twice.
    """
    if len(header) > MOST_COLUMNS:
        problem = f"there are more than {MOST_COLUMNS} columns"
        raise refuse(file, "header", str(len(header)), problem, "", "Export only the answers")
    names = [" ".join(INVISIBLE.sub("", name).split()) for name in header]
    if double := [name for name, n in Counter(names).items() if name and n > 1]:
        remedy = "Give each column its own name, or export with question codes as headings"
        raise refuse(file, "header", ", ".join(double[:5]), "stands twice", "", remedy)
    return names


def name_columns(
    file: str, names: Sequence[str], columns: list[pd.Categorical]
) -> tuple[dict[str, pd.Categorical], list[Problem]]:
    """Leave out nameless empty columns, and number nameless columns with contents."""
    kept: dict[str, pd.Categorical] = {}
    notes = []
    for number, (name, column) in enumerate(zip(names, columns, strict=True), start=1):
        if not name and not any(column.categories):
            continue
        if not name:
            name = f"column {number}"
            problem = "this column has no name; it is called so here"
            notes.append(Problem(file, "header", name, problem, done=FIXED, rule="column number"))
        kept[name] = column
    return kept, notes
