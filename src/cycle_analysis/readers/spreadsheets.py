"""Read a sheet of .xlsx, .xls or .ods.

Numbers are read as text, numbers stored as text too. Formulas, error cells and dates are marked:
they are no answers, whatever they show.
"""

import datetime
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from cycle_analysis.readers.raw_table import (
    FLAW_COLUMNS,
    RawTable,
    as_text,
    check_header,
    refuse,
    text_column,
    tidy_columns,
)
from cycle_analysis.readers.workbooks import SheetFacts, check_archive, column_letters, sheet_facts
from cycle_analysis.study_files import Source

ERROR_CELL = re.compile(r"#(?:N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!|N/B|DEEL/0!|WAARDE!|NAAM\?)")
"""What a spreadsheet shows instead of a result, in English and Dutch."""
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
    try:
        book = CalamineWorkbook.from_path(path)
        name = _sheet_name(path.name, book, source)
        facts = sheet_facts(path, book.sheet_names.index(name))
        sheet = book.get_sheet_by_name(name)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError) as error:
        if hasattr(error, "problems"):
            raise
        remedy = "Open it and save it again as .xlsx, without a password"
        raise refuse(path.name, "file", "", str(error), "", remedy) from None
    stated = {"sheet", "header_row"} <= source.model_fields_set
    if not stated:
        _check_layout(path.name, rows, sheet, facts, source.header_row)
    rows = rows[source.header_row - 1 :]
    if len(rows) < 2:
        return RawTable(path.name, pd.DataFrame(), "spreadsheet, empty", sheet=name)
    return _table(path.name, name, rows, source.header_row, facts)


def _sheet_name(file: str, book: CalamineWorkbook, source: Source) -> str:
    names = book.sheet_names
    if source.sheet in names:
        return source.sheet
    if source.sheet or len(names) != 1:
        problem = "is no sheet of this file" if source.sheet else "there are several sheets"
        remedy = "Name one as source.sheet in wave.yaml"
        raise refuse(file, "sheets", source.sheet, problem, ", ".join(names), remedy)
    return str(names[0])


def _check_layout(
    file: str, rows: Rows, sheet: CalamineSheet, facts: SheetFacts, header_row: int
) -> None:
    """Refuse a layout in which the header is not surely the first row."""
    remedy = "Write source.sheet and source.header_row in wave.yaml to read it as it is"
    widths = [sum(as_text(cell).strip() != "" for cell in row) for row in rows[:30]]
    widest = max(widths[header_row - 1 :], default=0)
    if widest > 2 and widths[header_row - 1] <= widest / 2:
        likely = next(place for place, width in enumerate(widths, 1) if width > widest / 2)
        problem = f"this row is no header: it has {widths[header_row - 1]} of {widest} cells"
        allowed = f"row {likely} looks like the header"
        raise refuse(file, f"sheet {sheet.name}, row {header_row}", "", problem, allowed, remedy)
    merged = [
        f"{column_letters(a[1])}{a[0] + 1}:{column_letters(b[1])}{b[0] + 1}"
        for a, b in _merged(sheet)
        if a[0] < header_row
    ]
    for what, where in {"merged cells": merged, "hidden columns": facts.hidden}.items():
        if where:
            shown = ", ".join(where[:5])
            problem = f"there are {what}" + (" in the header" if what == "merged cells" else "")
            raise refuse(file, f"sheet {sheet.name}", shown, problem, "none", remedy)


def _merged(sheet: CalamineSheet) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    try:
        return list(sheet.merged_cell_ranges or [])
    except (CalamineError, NotImplementedError, TypeError):
        return []  # only .xlsx and .xls say so


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
            shown = as_text(rows[number - header_row - 1][place]) if number else ""
            found.append((number, str(names[place]), shown, "is a formula, not a value"))
    return found
