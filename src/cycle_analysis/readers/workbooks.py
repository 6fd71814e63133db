"""Read a sheet of .xlsx, .xls or .ods: bounds first, then one sheet with one header row.

Numbers are read as text, numbers stored as text too. Formulas, error cells and dates are marked:
they are no answers, whatever they show.

A zip of 3 MB can unfold to gigabytes, and one cell in the last corner of a sheet makes a reader
reserve the whole of it. Both are told from the parts of the archive (.xlsx, .ods), read piece by
piece. An .xls is no archive: nothing is known of it beforehand, and it cannot be so large.
"""

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineError

from cycle_analysis.problems import KEPT, InputError, Problem, first_five, refuse
from cycle_analysis.readers.raw_table import (
    FLAW_COLUMNS,
    MOST_COLUMNS,
    RawTable,
    as_text,
    check_width,
    name_columns,
    text_column,
)
from cycle_analysis.readers.sheets import Sheet, parse_apart, parse_sheet, sheet_names
from cycle_analysis.study.files import Source

MOST_UNFOLDED = 1_000_000_000
"""Bytes that a workbook may unfold to."""
SURELY_SMALL = 50_000_000
MOST_RATIO = 100
"""How many times its size a workbook may unfold to, beyond `SURELY_SMALL` bytes."""
MOST_CELLS = 60_000_000
"""Rows times columns of a sheet."""
ANY = -1
"""Instead of the place of a sheet: the largest of an .ods, and nothing of an .xlsx."""
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
ERROR_CELL = re.compile(r"#(?:N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!|N/B|DEEL/0!|WAARDE!|NAAM\?)")
"""What a spreadsheet shows instead of a result, in English and Dutch."""
AS_IT_IS = "Write source.sheet and source.header_row in wave.yaml to read it as it is"
MOST_TITLES = 29
"""Rows below the first in which a header is looked for."""
Rows = Sequence[Sequence[object]]
DATES = (datetime.date, datetime.time, datetime.timedelta)


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


def read_spreadsheet(path: Path, source: Source) -> RawTable:
    """Read one sheet; which one must be clear.

    Raises
    ------
    InputError
        If the file is damaged or unfolds to gigabytes; if there are several sheets, title rows
        above the header, merged header cells or hidden columns, and wave.yaml does not name
        `sheet` and `header_row`.
    """
    try:
        name, facts, sheet = _parse(path, source)
    except InputError:
        raise
    except (CalamineError, OSError, ValueError) as error:
        raise _damaged(path.name, error) from None
    first = source.header_row
    if not {"sheet", "header_row"} <= source.model_fields_set and (
        found := _doubt_layout(path.name, name, sheet, facts, first)
    ):
        raise InputError(found)
    rows = sheet.rows[first - 1 :]
    if len(rows) < 2:
        return RawTable(path.name, pd.DataFrame(), "spreadsheet, empty", sheet=name)
    return _table(path.name, name, rows, first, facts)


def _parse(path: Path, source: Source) -> tuple[str, SheetFacts, Sheet]:
    """Name, facts and contents of a sheet; the facts first, which refuse what is too large."""
    if not zipfile.is_zipfile(path):
        sheet = parse_apart(path, source.sheet)
        return _sheet_name(path.name, sheet.names, source), SheetFacts(), sheet
    check_archive(path)
    sheet_facts(path, ANY)  # the library writes out every cell of an .ods, also to name its sheets
    names = sheet_names(path)
    name = _sheet_name(path.name, names, source)
    facts = sheet_facts(path, names.index(name))
    return name, facts, parse_sheet(path, name)


def _damaged(file: str, error: Exception) -> InputError:
    remedy = "Open it and save it again as .xlsx, without a password"
    return refuse(file, "file", "", f"cannot be read: {error}", "", remedy)


def _sheet_name(file: str, names: list[str], source: Source) -> str:
    if source.sheet in names:
        return source.sheet
    if source.sheet or len(names) != 1:
        problem = "is no sheet of this file" if source.sheet else "there are several sheets"
        remedy = "Name one as source.sheet in wave.yaml"
        raise refuse(file, "sheets", source.sheet, problem, ", ".join(names), remedy)
    return str(names[0])


def _doubt_layout(
    file: str, name: str, sheet: Sheet, facts: SheetFacts, header_row: int
) -> list[Problem]:
    """Tell a header of too few cells or of merged ones, and columns that nobody may have seen."""
    found = []
    below = sheet.rows[header_row - 1 : header_row + MOST_TITLES]
    widths = [sum(as_text(cell).strip() != "" for cell in row) for row in below]
    widest = max(widths, default=0)
    if widest > 2 and widths[0] <= widest / 2:
        likely = next(row for row, width in enumerate(widths, header_row) if width > widest / 2)
        problem = f"this row is no header: it has {widths[0]} of {widest} cells"
        where, allowed = f"sheet {name}, row {header_row}", f"row {likely} looks like the header"
        said = (file, where, "", problem, allowed, AS_IT_IS)
        found.append(Problem(*said, sheet=name, row=str(header_row)))
    merged = [
        f"{column_letters(a[1])}{a[0] + 1}:{column_letters(b[1])}{b[0] + 1}"
        for a, b in sheet.merged
        if a[0] < header_row
    ]
    for places, problem in (
        (merged, "there are merged cells in the header"),
        (facts.hidden, "there are hidden columns"),
    ):
        if places:
            shown = ", ".join(places[:5])
            where = f"sheet {name}"
            found.append(Problem(file, where, shown, problem, "none", AS_IT_IS, sheet=name))
    return found


def _table(file: str, sheet: str, rows: Rows, header_row: int, facts: SheetFacts) -> RawTable:
    headings = [as_text(cell) for cell in rows[0]]
    check_width(file, len(headings))
    texts = [[as_text(cell) for cell in row] for row in rows[1:]]
    columns = [text_column(list(column)) for column in zip(*texts, strict=True)]
    numbers = pd.RangeIndex(header_row + 1, header_row + len(rows), name="row")
    cells, names, notes = name_columns(file, headings, columns, numbers)
    filled = np.array([any(text.strip() for text in row) for row in texts])
    flaws = pd.DataFrame(_flaws(rows[1:], names, header_row, facts), columns=FLAW_COLUMNS)
    if hidden := [row for row in facts.hidden_rows if row > header_row]:
        where = f"sheet {sheet}, rows {first_five(hidden)}"
        problem = f"{len(hidden)} rows are hidden in the sheet; they are read like the others"
        said = (file, where, "", problem, "", "Delete them if they should not count", KEPT)
        notes.append(Problem(*said, sheet=sheet, row=str(hidden[0]), n=len(hidden)))
    how = f"sheet {sheet!r}"
    known = dict(zip(headings, names, strict=True))
    table = RawTable(file, cells[filled], how, sheet=sheet, flaws=flaws)
    return replace(table, notes=notes, headings=known)


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
            found.append((number, names[place], as_text(cell), problem))
    for number, place in facts.formulas:
        if number > header_row and place < len(names):
            shown = as_text(rows[number - header_row - 1][place])
            found.append((number, names[place], shown, "is a formula, not a value"))
    return found


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


def sheet_facts(path: Path, place: int) -> SheetFacts:
    """Read what matters of one sheet of an .xlsx or .ods, or of `ANY`.

    Raises
    ------
    InputError
        If its cells span more than a survey can.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if "content.xml" in archive.namelist():
                facts = _facts_of_ods(_pieces(archive, "content.xml"), place)
            else:
                part = None if place == ANY else _part(archive, place)
                facts = _facts_of_xlsx(_pieces(archive, part) if part else [])
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, ValueError, KeyError) as error:
        raise _damaged(path.name, error) from None
    if facts.n_columns > MOST_COLUMNS:
        problem = f"there are more than {MOST_COLUMNS} columns"
        raise refuse(path.name, "header", str(facts.n_columns), problem)
    if facts.n_rows * facts.n_columns > MOST_CELLS:
        problem = f"its cells span more than {MOST_CELLS:,}"
        remedy = "Delete what stands far below or beside the answers"
        shown = f"{facts.n_rows} rows, {facts.n_columns} columns"
        raise refuse(path.name, "sheet", shown, problem, "", remedy)
    return facts


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
            table, row, rows, columns = table + 1, 0, 0, 0
        elif place not in (table, ANY):
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
