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

from cycle_analysis.problems import FIXED, Problem, first_five, refuse

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
    percents : set of str
        Columns of which the file shows values as percentages: 0.05 as 5 %.
    headings : dict of str to str
        Each heading as it stands in the file, and the name that its column has here.
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
    percents: frozenset[str] = frozenset()
    headings: dict[str, str] = field(default_factory=dict)

    def column(self, heading: str) -> str:
        """Name that a heading has here, which may be given as it stands in the file."""
        name = self.headings.get(heading, heading)
        return name if name in self.cells else tidy_name(name)

    def renamed(self, names: dict[str, str]) -> "RawTable":
        """Give columns other names, wherever the table speaks of them.

        Raises
        ------
        InputError
            If two columns would have the same name.
        """
        old = self.cells.columns
        shown = {name: heading for heading, name in self.headings.items()}
        check_names(self.file, [shown.get(n, n) for n in old], [names.get(n, n) for n in old])
        headings = {n: names.get(n, n) for n in old}
        headings |= {heading: names.get(n, n) for heading, n in self.headings.items()}
        flaws = self.flaws.assign(column=self.flaws["column"].replace(names))
        changed = {"cells": self.cells.rename(columns=names), "flaws": flaws}
        percents = frozenset(names.get(name, name) for name in self.percents)
        return replace(self, **changed, percents=percents, headings=headings)

    def problem(
        self,
        column: str,
        problem: str,
        rows: "pd.Index | Sequence[int]" = (),
        value: str = "",
        item: str = "",
        n: int = 0,
        **more: str,
    ) -> Problem:
        """Describe a problem with some rows of a column; with the column as a whole when of none.

        Parameters are those of `Problem`, `more` among them; `item` is the item that the column
        holds, and `n` counts cells when it is not one in each row.
        """
        where = [f"column {column}" + (f" ({item})" if item else "")] if column else []
        where += [f"{'rows' if len(rows) > 1 else 'row'} {first_five(rows)}"] if len(rows) else []
        row, n = str(rows[0]) if len(rows) else "", n or max(len(rows), 1)
        place = (self.file, ", ".join(where) or "file", value, problem)
        return Problem(*place, sheet=self.sheet, row=row, column=column, n=n, **more)

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

    A number of three decimals gets a fourth: of a text like it one cannot tell it from a thousand.

    Examples
    --------
    >>> as_text(3.0), as_text(None), as_text("0059"), as_text(1.125), as_text("1.125")
    ('3', '', '0059', '1.1250', '1.125')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() else repr(float(value))
        return text + "0" * (text[-4:-3] == ".")
    return str(value)


def tidy_name(heading: str) -> str:
    r"""Write a heading without invisible characters, and with one kind of space.

    Examples
    --------
    >>> tidy_name(" A1\u200b\u00a0x ")
    'A1 x'
    """
    return " ".join(INVISIBLE.sub("", heading).split())


def check_width(file: str, n_columns: int) -> None:
    """Refuse more columns than a survey has.

    Raises
    ------
    InputError
        If there are.
    """
    if n_columns > MOST_COLUMNS:
        problem = f"there are more than {MOST_COLUMNS} columns"
        raise refuse(file, "header", str(n_columns), problem, "", "Export only the answers")


def check_names(file: str, headings: Sequence[str], names: Sequence[str]) -> None:
    """Refuse headings that are the same once tidied or renamed, and show them as they were.

    Raises
    ------
    InputError
        If there are any.
    """
    for name in [name for name, n in Counter(names).items() if name and n > 1][:1]:
        places = [place for place, other in enumerate(names) if other == name]
        shown = " and ".join(f'"{headings[i]}" (column {i + 1})' for i in places[:5])
        problem = f"the heading {name!r} stands twice, once spaces, invisible characters and what "
        problem += "the survey tool adds are left out"
        remedy = "Give each column its own name, or export with question codes as headings"
        raise refuse(file, "header", shown, problem, "", remedy)


def name_columns(
    file: str, headings: Sequence[str], columns: Sequence[pd.Categorical], rows: pd.Index
) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """Tidy headings, number nameless columns, and leave out those that are empty too.

    Returns
    -------
    DataFrame, n rows × p columns
    list of str
        The name of every column of the file, ``""`` where it is left out.
    list of Problem
        What was named here.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    names, notes = [tidy_name(heading) for heading in headings], []
    for place, column in enumerate(columns):
        if not names[place] and any(column.categories):
            names[place] = f"column {place + 1}"
            problem = "this column has no name; it is called so here"
            said = (file, "header", names[place], problem)
            notes.append(Problem(*said, done=FIXED, rule="column number"))
    check_names(file, headings, names)
    kept = {name: column for name, column in zip(names, columns, strict=True) if name}
    return pd.DataFrame(kept, rows), names, notes
