"""Read workbooks: bounds first, then one sheet with one header row.

Look into a workbook before it is unfolded: how large, what is hidden, where formulas stand.

A zip of 3 MB can unfold to gigabytes, and one cell in the last corner of a sheet makes a reader
reserve the whole of it. Both are told from the parts of the archive (.xlsx, .ods), read piece by
piece. An .xls is no archive: nothing is known of it beforehand, and it cannot be so large.

Parse one sheet with calamine; an .xls in a process of its own.

On a damaged .xls calamine can break down, or never end, and take the program with it. This file is
also what that process runs, so it needs nothing else of this package.

Read a sheet of .xlsx, .xls or .ods.

Numbers are read as text, numbers stored as text too. Formulas, error cells and dates are marked:
they are no answers, whatever they show.
"""

import datetime
import pickle
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from cycle_analysis.problems import KEPT, InputError, Problem
from cycle_analysis.readers.raw_table import (
    FLAW_COLUMNS,
    MOST_COLUMNS,
    RawTable,
    as_text,
    check_header,
    list_rows,
    refuse,
    text_column,
    tidy_columns,
)
from cycle_analysis.study.files import Source

MOST_UNFOLDED = 1_000_000_000
"""Bytes that a workbook may unfold to."""
SURELY_SMALL = 50_000_000
MOST_RATIO = 100
"""How many times its size a workbook may unfold to, beyond `SURELY_SMALL` bytes."""
MOST_CELLS = 60_000_000
"""Rows times columns of a sheet."""
MOST_FORMULAS = 10_000
PIECE, MOST_BETWEEN = 1 << 22, 1 << 26
"""Bytes of a sheet that are looked at together, and the most that may lie between two cells."""
CELL_STARTS = (b"<c ", b":c ", b"<table:table-")
CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d+)"[^>]*>(<(?:\w+:)?f\b)?')
COLUMN = re.compile(rb"<(?:\w+:)?col\b[^>]*>")
ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d+)"[^>]*>')
IS_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
ODS_TOKEN = re.compile(
    rb"<table:(table-column|table-row|(?:covered-)?table-cell|table)(?=[\s/>])([^>]*)>"
)
ODS_REPEATED = re.compile(rb'table:number-(?:rows|columns)-repeated="(\d{1,9})"')


@dataclass
class SheetFacts:
    """What a sheet's own file says.

    Attributes
    ----------
    hidden : list of str
        Letters of hidden columns.
    hidden_rows : list of int
        Numbers of hidden rows, from 1.
    formulas : list of (row, column)
        Cells with a formula: row from 1, column from 0.
    n_rows, n_columns : int
        How far its cells reach.
    """

    hidden: list[str] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    formulas: list[tuple[int, int]] = field(default_factory=list)
    n_rows: int = 0
    n_columns: int = 0

    def hide(self, first: int, last: int) -> None:
        """Note hidden columns, counted from 0, ends included."""
        places = range(first, min(last, MOST_COLUMNS) + 1)
        self.hidden += [column_letters(place) for place in places]

    def reach(self, row: int, column: int, *, formula: bool) -> None:
        """Note a cell: row from 1, column from 0."""
        self.n_rows, self.n_columns = max(self.n_rows, row), max(self.n_columns, column + 1)
        if formula and len(self.formulas) < MOST_FORMULAS:
            self.formulas.append((row, column))


def check_archive(path: Path) -> None:
    """Refuse a zip that unfolds to more than a survey can be.

    Raises
    ------
    InputError
        If it does.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unfolded = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise refuse(path.name, "file", "", f"is damaged: {error}") from None
    ratio = unfolded / max(path.stat().st_size, 1)
    if unfolded > MOST_UNFOLDED or (unfolded > SURELY_SMALL and ratio > MOST_RATIO):
        problem = "unfolds to far more than a survey: not opened"
        allowed = f"{MOST_UNFOLDED:,} bytes, and {MOST_RATIO} times its size"
        remedy = "Export as csv or .sav"
        raise refuse(path.name, "file", f"{unfolded:,} bytes", problem, allowed, remedy)


def sheet_facts(path: Path, place: int) -> SheetFacts:
    """Read what matters of one sheet of an .xlsx or .ods; nothing of other kinds.

    Raises
    ------
    InputError
        If its cells span more than a survey can.
    """
    if not zipfile.is_zipfile(path):
        return SheetFacts()
    try:
        with zipfile.ZipFile(path) as archive:
            facts = _facts(archive, place)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, ValueError, KeyError) as error:
        raise refuse(path.name, "file", "", f"is damaged: {error}") from None
    if facts.n_columns > MOST_COLUMNS:
        problem = f"there are more than {MOST_COLUMNS} columns"
        raise refuse(path.name, "header", str(facts.n_columns), problem)
    if facts.n_rows * facts.n_columns > MOST_CELLS:
        problem = f"its cells span more than {MOST_CELLS:,}"
        remedy = "Delete what stands far below or beside the answers"
        shown = f"{facts.n_rows} rows, {facts.n_columns} columns"
        raise refuse(path.name, "sheet", shown, problem, "", remedy)
    return facts


def _facts(archive: zipfile.ZipFile, place: int) -> SheetFacts:
    if "content.xml" in archive.namelist():
        return _facts_of_ods(_pieces(archive, "content.xml"), place)
    part = _part(archive, place)
    return _facts_of_xlsx(_pieces(archive, part)) if part else SheetFacts()


def _facts_of_xlsx(pieces: Iterable[bytes]) -> SheetFacts:
    facts = SheetFacts()
    for piece in pieces:
        for entry in filter(IS_HIDDEN.search, COLUMN.findall(piece)):
            ends = [re.search(rb'\b%s="(\d{1,5})"' % name, entry) for name in (b"min", b"max")]
            if ends[0] and ends[1]:
                facts.hide(int(ends[0][1]) - 1, int(ends[1][1]) - 1)
        facts.hidden_rows += [int(r[1]) for r in ROW.finditer(piece) if IS_HIDDEN.search(r[0])]
        for cell in CELL.finditer(piece):
            column = column_number(cell[1].decode())
            facts.reach(int(cell[2]), column, formula=bool(cell[3]))
    return facts


def _facts_of_ods(pieces: Iterable[bytes], place: int) -> SheetFacts:
    """Facts of one table; rows and cells may be written once with the times they are repeated."""
    facts, table, row, rows, column, columns = SheetFacts(), -1, 0, 0, 0, 0
    for token in (token for piece in pieces for token in ODS_TOKEN.finditer(piece)):
        kind, said = token.groups()
        times = int(found[1]) if (found := ODS_REPEATED.search(said)) else 1
        is_hidden = b'table:visibility="collapse"' in said or b'"filter"' in said
        if kind == b"table":
            table += 1
        elif table != place:
            continue
        elif kind == b"table-column":
            if is_hidden:
                facts.hide(columns, columns + times - 1)
            columns += times
        elif kind == b"table-row":
            row, rows, column = row + rows, times, 0
            facts.hidden_rows += [row + 1] if is_hidden else []
        else:
            if b"office:value-type" in said:
                facts.reach(row + rows, column + times - 1, formula=b"table:formula" in said)
            column += times
    return facts


def _part(archive: zipfile.ZipFile, place: int) -> str | None:
    """Name of a sheet's file, by the order of the workbook."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    ids = re.findall(r"<(?:\w+:)?sheet\b[^>]*?\b\w+:id=\"([^\"]+)\"", book)
    links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets = {}
    for link in re.findall(r"<Relationship\b[^>]*>", links):
        parts = dict(re.findall(r"\b(Id|Target)=\"([^\"]*)\"", link))
        targets[parts.get("Id")] = parts.get("Target", "").removeprefix("/xl/")
    if place >= len(ids) or ids[place] not in targets:
        return None
    name = f"xl/{targets[ids[place]]}"
    return name if name in names else None


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A sheet's text in pieces that break where a cell starts."""
    rest = b""
    with archive.open(part) as stream:
        while piece := stream.read(PIECE):
            rest += piece
            cell = max(rest.rfind(start) for start in CELL_STARTS)
            cut = rest.rfind(b"<", 0, cell + 1) if cell > 0 else -1
            if cut > 0 or len(rest) > MOST_BETWEEN:
                yield rest[:cut]
                rest = rest[cut:]
    yield rest


def column_number(letters: str) -> int:
    """Number of a column, from 0.

    Examples
    --------
    >>> column_number("A"), column_number("AB")
    (0, 27)
    """
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1


def column_letters(number: int) -> str:
    """Letters of a column, counted from 0.

    Examples
    --------
    >>> column_letters(27)
    'AB'
    """
    letters, number = "", number + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


MOST_SECONDS = 120
"""Reading an .xls takes a second; what takes longer than this is damaged."""
Corner = tuple[int, int]


class Sheet(NamedTuple):
    """The sheets of a workbook, and what stands in the chosen one; no rows when none is chosen.

    `merged` are first and last cell of merged ranges, as row and column from 0.
    """

    names: list[str]
    rows: Sequence[Sequence[object]]
    merged: list[tuple[Corner, Corner]]


def sheet_names(path: Path) -> list[str]:
    """Name the sheets of a workbook, in their order, without reading any."""
    return list(CalamineWorkbook.from_path(path).sheet_names)


def parse_sheet(path: Path, name: str) -> Sheet:
    """Parse the sheet of this name, or the only one.

    Raises
    ------
    CalamineError, OSError, ValueError
        If the file cannot be read.
    """
    book = CalamineWorkbook.from_path(path)
    names = list(book.sheet_names)
    chosen = name or (names[0] if len(names) == 1 else "")
    if chosen not in names:
        return Sheet(names, [], [])
    sheet = book.get_sheet_by_name(chosen)
    rows = sheet.to_python(skip_empty_area=False)
    try:
        merged = list(sheet.merged_cell_ranges or [])
    except (CalamineError, NotImplementedError, TypeError):
        merged = []  # only .xlsx and .xls say so
    return Sheet(names, rows, merged)


def parse_apart(path: Path, name: str) -> Sheet:
    """Parse as `parse_sheet` does, in a process of its own.

    Raises
    ------
    ValueError
        If the file cannot be read, or breaks the process down.
    """
    command = [sys.executable, "-P", __file__, str(path), name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(f"reading it did not end within {MOST_SECONDS} seconds") from None
    if done.returncode == 1:
        raise ValueError(done.stderr.decode("utf-8", "replace").strip())
    if done.returncode:
        raise ValueError("it breaks the program down that reads it")
    return Sheet(*pickle.loads(done.stdout))


def _main(path: str, name: str) -> None:
    try:
        found = parse_sheet(Path(path), name)
    except (CalamineError, OSError, ValueError) as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(pickle.dumps(tuple(found)))


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a breakdown of calamine, no Exception
            raise
        sys.exit(2)


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
