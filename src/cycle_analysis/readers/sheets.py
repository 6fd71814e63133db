"""Parse one sheet with calamine; an .xls in a process of its own.

On a damaged .xls calamine can break down, or never end, and take the program with it. This file is
also what that process runs: it needs nothing else of this package, so that it starts at once.
"""

import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

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


if __name__ == "__main__":
    try:
        found = parse_sheet(Path(sys.argv[1]), sys.argv[2])
        sys.stdout.buffer.write(pickle.dumps(tuple(found)))
    except (CalamineError, OSError, ValueError) as error:
        sys.exit(str(error))
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a breakdown of calamine, no Exception
            raise
        sys.exit(2)
