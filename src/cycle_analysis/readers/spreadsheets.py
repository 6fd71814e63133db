"""Read a sheet of .xlsx, .xls or .ods.

Numbers are read as text, numbers stored as text too. Formulas, error cells and dates are marked:
they are no answers, whatever they show.
"""

import datetime
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineError

from cycle_analysis.problems import KEPT, InputError, Problem
from cycle_analysis.readers.raw_table import (
    FLAW_COLUMNS,
    RawTable,
    as_text,
    check_header,
    list_rows,
    refuse,
    text_column,
    tidy_columns,
)
from cycle_analysis.readers.sheets import Sheet, parse_apart, parse_sheet, sheet_names
from cycle_analysis.readers.workbooks import SheetFacts, check_archive, column_letters, sheet_facts
from cycle_analysis.study.files import Source

ERROR_CELL = re.compile(r"#(?:N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!|N/B|DEEL/0!|WAARDE!|NAAM\?)")
"""What a spreadsheet shows instead of a result, in English and Dutch."""
AS_IT_IS = "Write source.sheet and source.header_row in wave.yaml to read it as it is"
MOST_TITLES = 29
"""Rows below the first in which a header is looked for."""
Rows = Sequence[Sequence[object]]
DATES = (datetime.date, datetime.time, datetime.timedelta)


def read_spreadsheet(path: Path, source: Source) -> RawTable:
    """Read one sheet; which one must be clear.

    Raises
    ------
    InputError
        If the file is damaged or unfolds to gigabytes; if there are several sheets, title rows
        above the header, merged header cells or hidden columns, and wave.yaml does not name
        `sheet` and `header_row`.
    """
    check_archive(path)
    parse = _parse_archive if zipfile.is_zipfile(path) else _parse_old
    try:
        name, facts, sheet = parse(path, source)
    except InputError:
        raise
    except (CalamineError, OSError, ValueError) as error:
        remedy = "Open it and save it again as .xlsx, without a password"
        raise refuse(path.name, "file", "", f"cannot be read: {error}", "", remedy) from None
    first = source.header_row
    if not {"sheet", "header_row"} <= source.model_fields_set:
        found = _no_header(path.name, name, sheet.rows, first)
        found += _merged_header(path.name, name, sheet, first)
        if found := found + _hidden_columns(path.name, name, facts):
            raise InputError(found)
    rows = sheet.rows[first - 1 :]
    if len(rows) < 2:
        return RawTable(path.name, pd.DataFrame(), "spreadsheet, empty", sheet=name)
    return _table(path.name, name, rows, first, facts)


def _parse_archive(path: Path, source: Source) -> tuple[str, SheetFacts, Sheet]:
    """Name, facts and contents of a sheet; the facts first, which refuse what is too large."""
    names = sheet_names(path)
    name = _sheet_name(path.name, names, source)
    facts = sheet_facts(path, names.index(name))
    return name, facts, parse_sheet(path, name)


def _parse_old(path: Path, source: Source) -> tuple[str, SheetFacts, Sheet]:
    """Name and contents of a sheet of an .xls, of which nothing is known beforehand."""
    sheet = parse_apart(path, source.sheet)
    return _sheet_name(path.name, sheet.names, source), SheetFacts(), sheet


def _sheet_name(file: str, names: list[str], source: Source) -> str:
    if source.sheet in names:
        return source.sheet
    if source.sheet or len(names) != 1:
        problem = "is no sheet of this file" if source.sheet else "there are several sheets"
        remedy = "Name one as source.sheet in wave.yaml"
        raise refuse(file, "sheets", source.sheet, problem, ", ".join(names), remedy)
    return str(names[0])


def _no_header(file: str, sheet: str, rows: Rows, header_row: int) -> list[Problem]:
    """Refuse a row with too few cells for a header, and tell which row has enough."""
    below = rows[header_row - 1 : header_row + MOST_TITLES]
    widths = [sum(as_text(cell).strip() != "" for cell in row) for row in below]
    widest = max(widths, default=0)
    if widest <= 2 or widths[0] > widest / 2:
        return []
    likely = next(place for place, width in enumerate(widths, header_row) if width > widest / 2)
    problem = f"this row is no header: it has {widths[0]} of {widest} cells"
    where, allowed = f"sheet {sheet}, row {header_row}", f"row {likely} looks like the header"
    row = str(header_row)
    return [Problem(file, where, "", problem, allowed, AS_IT_IS, sheet=sheet, row=row)]


def _merged_header(file: str, name: str, sheet: Sheet, header_row: int) -> list[Problem]:
    """Refuse merged cells down to the header: a name would belong to one of their columns."""
    merged = [
        f"{column_letters(a[1])}{a[0] + 1}:{column_letters(b[1])}{b[0] + 1}"
        for a, b in sheet.merged
        if a[0] < header_row
    ]
    place = (file, f"sheet {name}", ", ".join(merged[:5]))
    problem = "there are merged cells in the header"
    return [Problem(*place, problem, "none", AS_IT_IS, sheet=name)] if merged else []


def _hidden_columns(file: str, sheet: str, facts: SheetFacts) -> list[Problem]:
    """Refuse hidden columns until somebody looked at them."""
    place = (file, f"sheet {sheet}", ", ".join(facts.hidden[:5]))
    problem = "there are hidden columns"
    return [Problem(*place, problem, "none", AS_IT_IS, sheet=sheet)] if facts.hidden else []


def _hidden_rows(file: str, sheet: str, facts: SheetFacts, header_row: int) -> list[Problem]:
    """Warn of hidden rows, as a filter leaves them: they are read like the others."""
    rows = [row for row in facts.hidden_rows if row > header_row]
    if not rows:
        return []
    where = f"sheet {sheet}, rows {list_rows(rows)}"
    problem = f"{len(rows)} rows are hidden in the sheet; they are read like the others"
    remedy = "Delete them if they should not count"
    row, n = str(rows[0]), len(rows)
    return [Problem(file, where, "", problem, "", remedy, KEPT, sheet=sheet, row=row, n=n)]


def _table(file: str, name: str, rows: Rows, header_row: int, facts: SheetFacts) -> RawTable:
    header = [as_text(cell) for cell in rows[0]]
    check_header(file, [" ".join(text.split()) for text in header])
    texts = [[as_text(cell) for cell in row] for row in rows[1:]]
    columns = [text_column(list(column)) for column in zip(*texts, strict=True)]
    found, notes = tidy_columns(file, header, columns)
    names = np.array([" ".join(text.split()) or f"column {n}" for n, text in enumerate(header, 1)])
    numbers = pd.RangeIndex(header_row + 1, header_row + len(rows), name="row")
    cells = pd.DataFrame(found, index=numbers)
    filled = np.array([any(text.strip() for text in row) for row in texts])
    flaws = pd.DataFrame(_flaws(rows[1:], names, header_row, facts), columns=FLAW_COLUMNS)
    notes += _hidden_rows(file, name, facts, header_row)
    return RawTable(file, cells[filled], f"sheet {name!r}", sheet=name, flaws=flaws, notes=notes)


def _flaws(
    rows: Rows, names: np.ndarray, header_row: int, facts: SheetFacts
) -> list[tuple[int, str, str, str]]:
    """Formulas, error cells and dates, with their place."""
    found = []
    for number, row in enumerate(rows, header_row + 1):
        for place, cell in enumerate(row):
            if isinstance(cell, DATES):
                problem = "is a date or time"
            elif isinstance(cell, str) and ERROR_CELL.fullmatch(cell.strip()):
                problem = "is an error of the spreadsheet"
            else:
                continue
            found.append((number, str(names[place]), as_text(cell), problem))
    for number, place in facts.formulas:
        if number > header_row and place < len(names):
            shown = as_text(rows[number - header_row - 1][place])
            found.append((number, str(names[place]), shown, "is a formula, not a value"))
    return found
