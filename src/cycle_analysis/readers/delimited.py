"""Read delimited text of any size: csv, tsv, txt.

A line with too many or too few cells is known by its number. A file whose quotes are not those of
RFC 4180 goes through the csv module.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, InputError, Problem
from cycle_analysis.readers.cells import Cells, UnusualQuotesError, split_cells
from cycle_analysis.readers.dialects import find_delimiter, read_text
from cycle_analysis.readers.raw_table import (
    RawTable,
    check_header,
    refuse,
    text_column,
    tidy_columns,
)
from cycle_analysis.study.files import Source


class Record(NamedTuple):
    """One record of a text: its first line, the number of lines up to its end, and its cells."""

    line: int
    n_lines: int
    cells: list[str]


def read_csv(path: Path, source: Source) -> RawTable:
    """Read delimited text; encoding and delimiter are detected unless `source` names them.

    Raises
    ------
    InputError
        If it is no text, if a line has another number of cells than the header, or if a quote is
        not closed.
    """
    text, encoding = read_text(path, source.encoding)
    delimiter, above = find_delimiter(text, source)
    records = enumerate(_parse(path.name, text, delimiter), start=1)
    number, header = next((r for r in records if r[0] > above and r[1].cells), (0, None))
    if header is None:
        return RawTable(path.name, pd.DataFrame(), "csv, empty")
    check_header(path.name, header.cells)
    cells, notes = _body(path.name, text, delimiter, header, (record for _, record in records))
    if cells.n_ragged:
        raise _ragged(path.name, cells, len(header.cells), delimiter)
    columns, more = tidy_columns(path.name, header.cells, cells.columns)
    check_header(path.name, list(columns))
    table = pd.DataFrame(columns, index=pd.Index(cells.records + number + 1, name="row"))
    empty = _empty(columns, len(table))
    how = f"csv, {encoding}, delimiter {delimiter!r}"
    return RawTable(path.name, table[~empty] if empty.any() else table, how, notes=more + notes)


def _body(
    file: str, text: bytes, delimiter: str, header: Record, records: Iterable[Record]
) -> tuple[Cells, list[Problem]]:
    """Split what stands below the header, and say how when that was unusual."""
    begin = 0
    for _ in range(header.n_lines):
        begin = text.index(b"\n", begin) + 1
    try:
        return split_cells(text, begin, ord(delimiter), len(header.cells)), []
    except UnusualQuotesError:
        problem = "quotes stand in unusual places; read as the csv module does"
        note = Problem(file, "file", '"', problem, done=FIXED, rule="csv module")
        return _gather(records, len(header.cells)), [note]


def _parse(file: str, text: bytes, delimiter: str) -> Iterator[Record]:
    """Parse record by record, as the csv module does it."""
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield Record(line, reader.line_num, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = "Look for a double quote that is not closed"
        raise refuse(file, f"line {line}", "", str(error), "", remedy) from None


def _gather(records: Iterable[Record], width: int) -> Cells:
    """Set parsed records as columns."""
    filled = [(place, record) for place, record in enumerate(records) if record.cells]
    ragged = [(r.line, len(r.cells)) for _, r in filled if len(r.cells) != width]
    rows = [(place, record.cells) for place, record in filled if len(record.cells) == width]
    columns = [text_column([cells[place] for _, cells in rows]) for place in range(width)]
    return Cells(columns, np.array([place for place, _ in rows], dtype=int), ragged, len(ragged))


def _empty(columns: dict[str, pd.Categorical], n_rows: int) -> np.ndarray:
    """Rows in which every cell is empty."""
    empty = np.ones(n_rows, dtype=bool)
    for column in columns.values():
        blank = np.flatnonzero(column.categories == "")
        empty &= column.codes == (blank[0] if len(blank) else -2)
        if not empty.any():
            break
    return empty


def _ragged(file: str, cells: Cells, width: int, delimiter: str) -> InputError:
    """Refuse lines with another number of cells than the header."""
    wrong = cells.ragged[:5]
    remedy = f"Put texts that hold {delimiter!r} between double quotes"
    if delimiter == "," and all(count > width for _, count in wrong):
        remedy += ", or export with semicolons when numbers have decimal commas"
    problem = "this line has another number of cells than the header"
    if cells.n_ragged > len(wrong):
        problem += f" (as {cells.n_ragged - len(wrong)} more)"
    return InputError(
        [
            Problem(file, f"line {line}", str(count), problem, str(width), remedy)
            for line, count in wrong
        ]
    )
