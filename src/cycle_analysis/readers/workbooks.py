"""Look into a workbook before it is unfolded: how large, what is hidden, where formulas stand.

A zip of 3 MB can unfold to gigabytes, and one cell in the last corner of a sheet makes a reader
reserve the whole of it. Both are told from the parts of the archive (.xlsx, .ods), read piece by
piece. An .xls is no archive: nothing is known of it beforehand, and it cannot be so large.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cycle_analysis.readers.raw_table import MOST_COLUMNS, refuse

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
