"""Read delimited text: encoding, separator, cells.

Split delimited text into columns of cells, whatever its size.

A piece of the text at a time, so that what is needed between stays in the processor's memory: the
separators outside quotes are where cells end. Cells of one byte, which is nearly all of a survey,
are their own code; those of up to eight bytes are told apart as numbers.

Tell in which encoding, and with which delimiter, a text was written.

Read delimited text of any size: csv, tsv, txt.

A line with too many or too few cells is known by its number. A file whose quotes are not those of
RFC 4180 goes through the csv module.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, InputError, Problem
from cycle_analysis.readers.raw_table import (
    RawTable,
    check_header,
    refuse,
    text_column,
    tidy_columns,
)
from cycle_analysis.study.files import Source

NEWLINE, QUOTE, PIECE = 10, 34, 1 << 18
EIGHT = 8
"""Bytes that a number can hold."""
FIRST_BYTES = np.array([2**64 - 2 ** (8 * (EIGHT - n)) for n in range(EIGHT + 1)], np.uint64)
"""By the length of a cell, what of eight bytes belongs to it."""


class UnusualQuotesError(ValueError):
    """A quote neither opens a cell, nor closes one, nor is doubled within one."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a text.

    Attributes
    ----------
    columns : list of Categorical
        Their texts.
    records : ndarray, n rows
        Which record of the text each row is, counted from 0; blank lines are records without a row.
    ragged : list of (line, n cells)
        The first lines of the text with another number of cells than asked.
    n_ragged : int
        How many such lines there are.
    """

    columns: list[pd.Categorical]
    records: np.ndarray
    ragged: list[tuple[int, int]]
    n_ragged: int


def split_cells(text: bytes, begin: int, delimiter: int, width: int) -> Cells:
    r"""Split the records of `text` from `begin` on into `width` columns.

    Parameters
    ----------
    text : bytes
        UTF-8 without NUL, each line closed by ``\n``.
    begin : int
        Where the first record begins.
    delimiter : int
        The byte between cells.
    width : int
        How many cells a record has.

    Raises
    ------
    UnusualQuotesError
        If the quotes do not tell where cells end.

    Examples
    --------
    >>> cells = split_cells(b"a;b\n1;x\n\n2;\n3\n", 4, ord(";"), 2)
    >>> [column.tolist() for column in cells.columns], cells.records.tolist(), cells.ragged
    ([['1', '2'], ['x', '']], [0, 2], [(5, 1)])
    """
    parts: list[list[np.ndarray]] = [[] for _ in range(width)]
    records, ragged, n_before = [np.arange(0)], [], 0
    for piece in _pieces(text, begin, delimiter):
        rows = _rows(piece, width)
        for part, cells in zip(parts, _shortest(piece.buffer, rows), strict=True):
            part.append(cells)
        records.append(rows.records + n_before)
        ragged += [(piece.begin + start, count) for start, count in rows.ragged]
        n_before += piece.n_records
    columns = []
    while parts:  # what a column was made of is let go before the next is made
        columns.append(_hold(parts.pop(0), delimiter))
    lines = [(text.count(b"\n", 0, place) + 1, count) for place, count in ragged[:5]]
    return Cells(columns, np.concatenate(records), lines, len(ragged))


@dataclass(frozen=True, eq=False)
class _Piece:
    """Whole records of a text.

    Their bytes and eight more, where they begin in the text and the rest begins, and where each
    cell ends in `buffer`.
    """

    buffer: np.ndarray
    begin: int
    after: int
    ends: np.ndarray
    n_records: int


def _pieces(text: bytes, begin: int, delimiter: int) -> Iterator[_Piece]:
    size = PIECE
    while begin < len(text):
        if piece := _cut(text, begin, size, delimiter):
            yield piece
            begin, size = piece.after, PIECE
        elif begin + size < len(text):
            size *= 2
        else:
            raise UnusualQuotesError


def _cut(text: bytes, begin: int, size: int, delimiter: int) -> _Piece | None:
    """Cut whole records from the next `size` bytes; none when the first is longer than that."""
    buffer = np.frombuffer(text[begin : begin + size] + bytes(EIGHT), np.uint8)
    closes = buffer == NEWLINE
    separates = closes | (buffer == delimiter)
    quotes = buffer == QUOTE
    if quoted := quotes.any():
        outside = ~np.logical_xor.accumulate(quotes)
        closes &= outside
        separates &= outside
    if not closes.any():
        return None
    length = len(buffer) - int(np.argmax(closes[::-1]))
    if quoted and not _well_quoted(buffer, np.flatnonzero(quotes[:length]), delimiter):
        raise UnusualQuotesError
    n_records = int(np.count_nonzero(closes))
    return _Piece(buffer, begin, begin + length, np.flatnonzero(separates[:length]), n_records)


def _well_quoted(buffer: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled within one."""
    opens, closes = quotes[::2], quotes[1::2]
    before = np.where(opens > 0, buffer[opens - 1], NEWLINE)
    doubled = np.append(False, opens[1:] == closes[:-1] + 1)[: len(opens)]
    starts_well = doubled | np.isin(before, (delimiter, NEWLINE))
    return bool(
        starts_well.all() and np.isin(buffer[closes + 1], (delimiter, NEWLINE, QUOTE)).all()
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The records of a piece that have the right number of cells.

    Where each begins, where its cells end (rows × columns), which record each is, and start and
    number of cells of the records that have another number.
    """

    starts: np.ndarray
    ends: np.ndarray
    records: np.ndarray
    ragged: list[tuple[int, int]]


def _rows(piece: _Piece, width: int) -> _Rows:
    ends = piece.ends
    last = ends[width - 1 :: width]
    if len(ends) == width * piece.n_records and (piece.buffer[last] == NEWLINE).all():
        starts = np.append(0, last[:-1] + 1)
        return _Rows(starts, ends.reshape(-1, width), np.arange(piece.n_records), [])
    closing = np.flatnonzero(piece.buffer[ends] == NEWLINE)
    counts = np.diff(closing, prepend=-1)
    starts = np.append(0, ends[closing[:-1]] + 1)
    blank = (ends[closing] == starts) & (width > 1)
    whole = (counts == width) & ~blank
    wrong = ~whole & ~blank
    ragged = list(zip(starts[wrong].tolist(), counts[wrong].tolist(), strict=True))
    cells = ends[np.repeat(whole, counts)].reshape(-1, width)
    return _Rows(starts[whole], cells, np.flatnonzero(whole), ragged)


def _shortest(buffer: np.ndarray, rows: _Rows) -> Iterator[np.ndarray]:
    """Give the cells of each column in the shortest shape that tells them apart.

    That is single bytes, of which an empty cell shows the separator behind it; eight bytes as a
    number; or bytes of any length.
    """
    begins = np.empty_like(rows.ends)
    begins[:, 0] = rows.starts
    np.add(rows.ends[:, :-1], 1, out=begins[:, 1:])
    firsts = np.ascontiguousarray(buffer[begins].T)
    longest = (rows.ends - begins).max(axis=0, initial=0)
    eights = np.ndarray(len(buffer) - EIGHT + 1, ">u8", buffer, strides=(1,))
    for place, length in enumerate(longest.tolist()):
        begin, end = begins[:, place], rows.ends[:, place]
        if length <= 1:
            yield firsts[place]
        elif length <= EIGHT:
            yield eights[begin].astype(np.uint64) & FIRST_BYTES[end - begin]
        else:
            cells = np.empty(len(begin), dtype="object")
            pairs = zip(begin.tolist(), end.tolist(), strict=True)
            cells[:] = [buffer[a:b].tobytes() for a, b in pairs]
            yield cells


def _hold(parts: list[np.ndarray], delimiter: int) -> pd.Categorical:
    """Hold a column as a category of its distinct texts."""
    kinds = {part.dtype for part in parts}
    if kinds <= {np.dtype(np.uint8)}:
        return _of_single_bytes(np.concatenate([np.empty(0, np.uint8), *parts]), delimiter)
    parts = [_as_number(part, delimiter) if part.dtype == np.uint8 else part for part in parts]
    if np.dtype(object) in kinds:
        parts = [_as_bytes(part) if part.dtype == np.uint64 else part for part in parts]
    codes, distinct = pd.factorize(np.concatenate(parts))
    cells = _as_bytes(distinct) if distinct.dtype == np.uint64 else distinct
    joined = b"\0".join(cells.tolist()).decode("utf-8")  # no cell holds a NUL
    texts = np.array(joined.split("\0"), dtype="object")
    if '"' not in joined:
        return pd.Categorical.from_codes(codes, texts)
    again, plain = pd.factorize(np.array([_unquote(text) for text in texts], dtype="object"))
    return pd.Categorical.from_codes(again[codes], plain)


def _of_single_bytes(cells: np.ndarray, delimiter: int) -> pd.Categorical:
    """Hold cells of at most one byte; an empty one shows a separator."""
    seen = np.flatnonzero(np.bincount(cells, minlength=256)).tolist()
    filled = [byte for byte in seen if byte not in (delimiter, NEWLINE)]
    texts = [chr(byte) for byte in filled] + [""] * (len(filled) < len(seen))
    codes = np.full(256, len(filled), dtype=np.int8)  # one byte is ASCII: at most 127 texts
    codes[filled] = np.arange(len(filled))
    return pd.Categorical.from_codes(np.take(codes, cells, mode="clip"), texts)


def _as_number(cells: np.ndarray, delimiter: int) -> np.ndarray:
    """Write single bytes as cells of up to eight bytes are written."""
    filled = (cells != delimiter) & (cells != NEWLINE)
    return (cells.astype(np.uint64) << np.uint64(56)) * filled


def _as_bytes(numbers: np.ndarray) -> np.ndarray:
    """Write cells that are held as numbers as their bytes."""
    return numbers.astype(">u8").view(f"S{EIGHT}").astype("object")


def _unquote(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


DELIMITERS = ";,\t|"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, encoding: str = "") -> tuple[bytes, str]:
    r"""Give a text as UTF-8 with ``\n`` at the end of every line, and the encoding it had.

    Raises
    ------
    InputError
        If it is no text, or not in the encoding that is named.
    """
    raw = path.read_bytes()
    encoding = encoding or detect_encoding(raw)
    data = raw
    if not (encoding in ("utf-8", "ascii") and raw.isascii()):
        try:
            data = raw.decode(encoding).removeprefix("\ufeff").encode("utf-8")
        except (UnicodeError, LookupError) as error:
            remedy = "Correct source.encoding in wave.yaml (utf-8, cp1252, utf-16), or leave it out"
            raise refuse(path.name, "file", encoding, str(error), "", remedy) from None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        remedy = "Export the file again; a spreadsheet must be saved as csv, not renamed"
        raise refuse(path.name, f"line {line}", "", "holds a NUL byte: no text file", "", remedy)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data if data.endswith(b"\n") else data + b"\n", encoding


def detect_encoding(raw: bytes) -> str:
    """Tell the encoding: by its byte order mark, UTF-8 if it is valid, else Windows' cp1252.

    Text of which every second byte is zero is UTF-16 without its mark.

    Examples
    --------
    >>> detect_encoding("Súdwest".encode("cp1252"))
    'cp1252'
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return encoding
    if len(raw) > 3 and raw[1] == raw[3] == 0 and raw[0] and raw[2]:
        return "utf-16-le"
    if len(raw) > 3 and raw[0] == raw[2] == 0 and raw[1] and raw[3]:
        return "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def find_delimiter(text: bytes, source: Source) -> tuple[str, int]:
    """Give the delimiter that wave.yaml, the first line or the text tells, and the lines above."""
    first = text[:100_000].decode("utf-8", "ignore")
    hint = first.split("\n", 1)[0].strip().strip('"').casefold()
    hinted = hint.startswith("sep=") and len(hint) == 5
    if hinted:
        first = first.split("\n", 1)[-1]
    delimiter = source.delimiter or (hint[4] if hinted else detect_delimiter(first))
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        allowed = "one character, such as ; or ,"
        raise refuse("wave.yaml", "source.delimiter", delimiter, "is no delimiter", allowed)
    return delimiter, hinted + source.header_row - 1


def detect_delimiter(text: str) -> str:
    r"""Tell the delimiter: the one that splits most lines into as many cells as the header.

    Examples
    --------
    >>> detect_delimiter("a;b\n1,5;2,5\n")
    ';'
    """

    def fit(delimiter: str) -> tuple[bool, float, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            counts = [len(row) for row, _ in zip(reader, range(50), strict=False) if row] or [1]
        except csv.Error:
            counts = [1]
        alike = sum(count == counts[0] for count in counts) / len(counts)
        return counts[0] > 1, alike, counts[0]

    return max(DELIMITERS, key=fit)


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
