"""Read a sheet of .xlsx, .xls or .ods: one sheet with one header row.

Numbers are read as text, numbers stored as text too. Formulas, error cells and dates are marked:
they are no answers, whatever they show. A zip of 3 MB can unfold to gigabytes, and one cell in the
last corner of a sheet makes a reader reserve the whole of it; so the sheet is looked at first, and
parsed in a process of its own (`sheets`).
"""

import datetime
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from xlsxwriter.utility import xl_col_to_name, xl_range

from cycle_analysis.problems import KEPT, InputError, Problem, counted, first_five, refuse
from cycle_analysis.readers import raw_table, sheets
from cycle_analysis.readers.raw_table import RawTable
from cycle_analysis.readers.sheets import Sheet, SheetFacts
from cycle_analysis.study.files import Source

MOST_UNFOLDED = 1_000_000_000
"""Bytes that a workbook may unfold to."""
SURELY_SMALL = 50_000_000
MOST_RATIO = 100
"""How many times its size a workbook may unfold to, beyond `SURELY_SMALL` bytes."""
MOST_SECONDS = 120
"""Reading a sheet takes seconds; what takes longer than this is damaged."""
ERROR_CELL = re.compile(
    r"#(?:N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!|N/B|DEEL/0!|WAARDE!|NAAM\?|VERW!|GETAL!|LEEG!)|Err:5\d\d"
)
"""What a spreadsheet shows instead of a result, in English and Dutch."""
AS_IT_IS = (
    "Name sheet and header row to read it as it is: source.sheet and source.header_row in "
    "wave.yaml, or --sheet and --header-row of the command"
)
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
    sheet = parse_apart(path, source.sheet)
    name, facts = _sheet_name(path.name, sheet.names, source), sheet.facts
    first = source.header_row
    if not {"sheet", "header_row"} <= source.model_fields_set and (
        found := [*_doubt_layout(path.name, name, sheet, first)]
    ):
        raise InputError(found)
    rows = sheet.rows[first - 1 :]
    if len(rows) < 2:
        return RawTable(path.name, pd.DataFrame(), "spreadsheet, empty", sheet=name)
    return _table(path.name, name, rows, first, facts)


def parse_apart(path: Path, name: str) -> Sheet:
    """Parse the sheet of this name, or the only one, in a process of its own.

    Raises
    ------
    InputError
        If the file cannot be read, breaks the process down, or holds more than fits.
    """
    if sheets.is_archive(path):
        check_archive(path)
    command = [sys.executable, "-P", sheets.__file__, str(path), name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _damaged(path.name, f"reading it did not end within {MOST_SECONDS} seconds") from None
    if done.returncode:
        broken = "it breaks the program down that reads it, or needs too much memory"
        told = done.stderr.decode("utf-8", "replace").strip()
        raise _damaged(path.name, told if done.returncode == 1 else broken)
    kind, *found = pickle.loads(done.stdout)
    if kind == "too large":
        problem, shown = found
        remedy = "Delete what stands far below or beside the answers"
        raise refuse(path.name, "sheet", shown, problem, "", remedy)
    names, rows, facts = found
    return Sheet(names, rows, SheetFacts(**facts))


def _damaged(file: str, error: object) -> InputError:
    remedy = "Open it and save it again as .xlsx, without a password"
    return refuse(file, "file", "", f"cannot be read: {error}", "", remedy)


def _sheet_name(file: str, names: list[str], source: Source) -> str:
    if source.sheet in names:
        return source.sheet
    if source.sheet or len(names) != 1:
        problem = "is no sheet of this file" if source.sheet else "there are several sheets"
        remedy = "Name one, as source.sheet in wave.yaml or by --sheet"
        raise refuse(file, "sheets", source.sheet, problem, ", ".join(names), remedy)
    return str(names[0])


def _doubt_layout(file: str, name: str, sheet: Sheet, header_row: int) -> Iterator[Problem]:
    """Tell a header of too few cells, merged cells, and columns that nobody may have seen."""
    below = sheet.rows[header_row - 1 : header_row + MOST_TITLES]
    widths = [sum(raw_table.as_text(cell).strip() != "" for cell in row) for row in below]
    widest = max(widths, default=0)
    if widest > 2 and widths[0] <= widest / 2:
        likely = next(row for row, width in enumerate(widths, header_row) if width > widest / 2)
        problem = f"this row is no header: it has {widths[0]} of {widest} cells"
        where, allowed = f"sheet {name}, row {header_row}", f"row {likely} looks like the header"
        said = (file, where, "", problem, allowed, AS_IT_IS)
        yield Problem(*said, sheet=name, row=str(header_row))
    merged = sheet.facts.merged
    in_header = [_range(*corners) for corners in merged if corners[0] <= header_row]
    below_it = [_range(*corners) for corners in merged if corners[0] > header_row]
    for places, problem in (
        (in_header, "there are merged cells in the header"),
        (below_it, "there are merged cells in the answers"),
        ([xl_col_to_name(place) for place in sheet.facts.hidden], "there are hidden columns"),
    ):
        if places:
            shown = ", ".join(places[:5])
            where = f"sheet {name}"
            yield Problem(file, where, shown, problem, "none", AS_IT_IS, sheet=name)


def _range(top: int, left: int, bottom: int, right: int) -> str:
    return xl_range(top - 1, left, bottom - 1, right)


def _table(file: str, sheet: str, rows: Rows, header_row: int, facts: SheetFacts) -> RawTable:
    headings = [raw_table.as_text(cell) for cell in rows[0]]
    raw_table.check_width(file, len(headings))
    texts = [[raw_table.as_text(cell) for cell in row] for row in rows[1:]]
    columns = [raw_table.text_column(list(column)) for column in zip(*texts, strict=True)]
    numbers = pd.RangeIndex(header_row + 1, header_row + len(rows), name="row")
    cells, names, notes = raw_table.name_columns(file, headings, columns, numbers)
    filled = np.array([any(text.strip() for text in row) for row in texts])
    flaws = pd.DataFrame(_flaws(rows[1:], names, header_row, facts), columns=raw_table.FLAW_COLUMNS)
    if hidden := [row for row in facts.hidden_rows if row > header_row]:
        where = f"sheet {sheet}, rows {first_five(hidden)}"
        problem = counted(len(hidden), "row is", "rows are")
        problem += " hidden in the sheet, but read like the others"
        said = (file, where, "", problem, "", "Delete them if they should not count", KEPT)
        notes.append(Problem(*said, sheet=sheet, row=str(hidden[0]), n=len(hidden)))
    how = f"sheet {sheet!r}"
    known = dict(zip(headings, names, strict=True))
    table = RawTable(file, cells[filled], how, sheet=sheet, flaws=flaws)
    below = [place for place, row in facts.percents.items() if row > header_row]
    percents = frozenset(names[place] for place in below if place < len(names))
    return replace(table, notes=notes, headings=known, percents=percents)


def _flaws(
    rows: Rows, names: list[str], header_row: int, facts: SheetFacts
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
            found.append((number, names[place], raw_table.as_text(cell), problem))
    for number, place in facts.formulas:
        if header_row < number <= header_row + len(rows) and place < len(names):
            shown = raw_table.as_text(rows[number - header_row - 1][place])
            found.append((number, names[place], shown, "is a formula, not a value"))
    for number, place, shown in facts.errors:
        if number > header_row and place < len(names):
            found.append((number, names[place], shown, "is an error of the spreadsheet"))
    return list(dict.fromkeys(found))


def check_archive(path: Path) -> None:
    """Refuse a zip that unfolds to more than a survey can be.

    Raises
    ------
    InputError
        If it does.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unfolded = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(path.name, error) from None
    ratio = unfolded / max(path.stat().st_size, 1)
    if unfolded > MOST_UNFOLDED or (unfolded > SURELY_SMALL and ratio > MOST_RATIO):
        problem = "unfolds to far more than a survey: not opened"
        allowed = f"{MOST_UNFOLDED:,} bytes, and {MOST_RATIO} times its size"
        remedy = "Export as csv or .sav"
        raise refuse(path.name, "file", f"{unfolded:,} bytes", problem, allowed, remedy)
