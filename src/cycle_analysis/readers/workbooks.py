"""Look into a workbook before it is unfolded: how large, what is hidden, where formulas stand.

A zip of 3 MB can unfold to gigabytes, and one cell in the last corner of a sheet makes a reader
reserve the whole of it. Both are told from the parts of the archive, read piece by piece.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
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
CELL = re.compile(rb'<c [^>]*?\br="([A-Z]{1,3})(\d+)"[^>]*>(<f\b)?')
HIDDEN = re.compile(rb"<col\b[^>]*>")
PIECE = 1 << 22


@dataclass(frozen=True)
class SheetFacts:
    """What a sheet's own file says.

    Attributes
    ----------
    hidden : list of str
        Letters of hidden columns.
    formulas : list of (row, column)
        Cells with a formula: row from 1, column from 0.
    """

    hidden: list[str] = field(default_factory=list)
    formulas: list[tuple[int, int]] = field(default_factory=list)


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
    """Read what matters of one sheet of an .xlsx; nothing of other kinds.

    Raises
    ------
    InputError
        If its cells span more than a survey can.
    """
    if not zipfile.is_zipfile(path):
        return SheetFacts()
    try:
        facts, last_row, last_column = _scan(path, place)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, ValueError, KeyError) as error:
        raise refuse(path.name, "file", "", f"is damaged: {error}") from None
    if last_column >= MOST_COLUMNS:
        problem = f"there are more than {MOST_COLUMNS} columns"
        raise refuse(path.name, "header", str(last_column + 1), problem)
    if last_row * (last_column + 1) > MOST_CELLS:
        problem = f"its cells span more than {MOST_CELLS:,}"
        remedy = "Delete what stands far below or beside the answers"
        shown = f"{last_row} rows, {last_column + 1} columns"
        raise refuse(path.name, "sheet", shown, problem, "", remedy)
    return facts


def _scan(path: Path, place: int) -> tuple[SheetFacts, int, int]:
    """Facts of a sheet, its last row and its last column."""
    with zipfile.ZipFile(path) as archive:
        if (part := _part(archive, place)) is None:
            return SheetFacts(), 0, 0
        facts, last_row, last_column = SheetFacts(), 0, 0
        for piece in _pieces(archive, part):
            facts.hidden.extend(_hidden(piece))
            for cell in CELL.finditer(piece):
                row, column = int(cell[2]), column_number(cell[1].decode())
                last_row, last_column = max(last_row, row), max(last_column, column)
                if cell[3] and len(facts.formulas) < MOST_FORMULAS:
                    facts.formulas.append((row, column))
    return facts, last_row, last_column


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
    """A sheet's text in pieces that break between cells."""
    rest = b""
    with archive.open(part) as stream:
        while piece := stream.read(PIECE):
            rest += piece
            cut = rest.rfind(b"<c ")
            if cut > 0:
                yield rest[:cut]
                rest = rest[cut:]
    yield rest


def _hidden(piece: bytes) -> Iterator[str]:
    for entry in HIDDEN.findall(piece):
        if re.search(rb'\bhidden="(?:1|true)"', entry):
            ends = [re.search(rb'\b%s="(\d+)"' % name, entry) for name in (b"min", b"max")]
            if ends[0] and ends[1]:
                for number in range(int(ends[0][1]), min(int(ends[1][1]), MOST_COLUMNS) + 1):
                    yield column_letters(number - 1)


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
