"""Read delimited text of any size: csv, tsv, txt.

Cells are found by their separators for the whole file at once, so that a line with too many or too
few cells is known by its number. Cells of up to eight bytes, which is nearly all of a survey, are
told apart as numbers. A file whose quotes are not those of RFC 4180 goes through the csv module.
"""

import codecs
import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cycle_analysis.problems import FIXED, InputError, Problem
from cycle_analysis.readers.raw_table import (
    MOST_COLUMNS,
    RawTable,
    check_header,
    refuse,
    text_column,
    tidy_columns,
)
from cycle_analysis.study_files import Source

DELIMITERS = ";,\t|"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NEWLINE, QUOTE, BLOCK, ROWS = 10, 34, 1 << 18, 1 << 11


def read_csv(path: Path, source: Source) -> RawTable:
    """Read delimited text; encoding and delimiter are detected unless `source` names them.

    Raises
    ------
    InputError
        If it is no text, if a line has another number of cells than the header, or if a quote is
        not closed.
    """
    data, encoding = _utf8(path, source)
    first = data[:100_000].decode("utf-8", "ignore")
    hint = first.split("\n", 1)[0].strip().strip('"').casefold()
    skipped = 0
    if hint.startswith("sep=") and len(hint) == 5:
        skipped, first = 1, first.split("\n", 1)[-1]
    delimiter = source.delimiter or (hint[4] if skipped else detect_delimiter(first))
    if len(delimiter) != 1 or not delimiter.isascii():
        allowed = "one character, such as ; or ,"
        raise refuse("wave.yaml", "source.delimiter", delimiter, "is no delimiter", allowed)
    skipped += source.header_row - 1
    how = f"csv, {encoding}, delimiter {delimiter!r}"
    records = _find_cells(data, ord(delimiter)) if data.strip() else None
    if data.strip() and records is None:
        return _read_row_by_row(path.name, data.decode("utf-8"), delimiter, skipped, how)
    if records is None or len(records.counts) < skipped + 2:
        return RawTable(path.name, pd.DataFrame(), "csv, empty")
    header = records.header(skipped)
    check_header(path.name, header)
    records.check(path.name, skipped, len(header), delimiter)
    numbers, columns = records.columns(skipped, len(header))
    return _table(path.name, header, numbers, columns, how)


def _table(
    file: str, header: list[str], numbers: np.ndarray, columns: list[pd.Categorical], how: str
) -> RawTable:
    """Put columns together, without rows in which every cell is empty."""
    found, notes = tidy_columns(file, header, columns)
    check_header(file, list(found))
    empty = np.ones(len(numbers), dtype=bool)
    for column in found.values():
        blank = np.flatnonzero(column.categories == "")
        empty &= column.codes == (blank[0] if len(blank) else -2)
    cells = pd.DataFrame(found, index=pd.Index(numbers, name="row"))
    return RawTable(file, cells[~empty] if empty.any() else cells, how, notes=notes)


def _utf8(path: Path, source: Source) -> tuple[bytes, str]:
    """Give the file as UTF-8 with one kind of line end, and the encoding it had."""
    raw = path.read_bytes()
    encoding = source.encoding or detect_encoding(raw)
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
    return data, encoding


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


@dataclass(frozen=True, eq=False)
class _Records:
    """Where every cell of a text ends.

    Attributes
    ----------
    data : bytes
        The text.
    ends : ndarray, n cells
        Position of the separator behind each cell.
    counts : ndarray, n records
        Cells of each record.
    separators : (int, int)
        The bytes behind cells.
    """

    data: bytes
    ends: np.ndarray
    counts: np.ndarray
    separators: tuple[int, int]

    def header(self, record: int) -> list[str]:
        """Cells of one record; of far too many, the last."""
        last = int(self.counts[: record + 1].sum())
        first = last - min(int(self.counts[record]), MOST_COLUMNS + 1)
        starts = np.append(0, self.ends[:last] + 1)[first:last]
        pairs = zip(starts.tolist(), self.ends[first:last].tolist(), strict=True)
        return [_unquote(self.data[a:b]) for a, b in pairs]

    def check(self, file: str, skipped: int, width: int, delimiter: str) -> None:
        """Refuse lines with another number of cells than the header; blank lines may be there."""
        wrong = np.flatnonzero((self.counts != width) & ~self._blank(width))
        wrong = wrong[wrong > skipped]
        if not len(wrong):
            return
        last = np.cumsum(self.counts)
        raise _ragged(
            file,
            [
                (self.data.count(b"\n", 0, int(self.ends[last[r - 1] - 1]) + 1) + 1, self.counts[r])
                for r in wrong[:5]
            ],
            (len(wrong), width),
            delimiter,
        )

    def _blank(self, width: int) -> np.ndarray:
        """Records that are an empty line."""
        last = np.cumsum(self.counts) - 1
        before = np.append(-1, self.ends[last[:-1]])
        return (self.counts == 1) & (self.ends[last] == before + 1) & (width > 1)

    def columns(self, skipped: int, width: int) -> tuple[np.ndarray, list[pd.Categorical]]:
        """Row numbers as a spreadsheet shows them, and the columns below the header."""
        keep = ~self._blank(width)
        keep[: skipped + 1] = False
        last = np.cumsum(self.counts)
        starts = np.append(0, self.ends[last[:-1] - 1] + 1)[keep]
        ends = self.ends[int(last[skipped]) :]
        if not keep[skipped + 1 :].all():
            ends = ends[np.repeat(keep[skipped + 1 :], self.counts[skipped + 1 :])]
        ends = ends.reshape(-1, width)
        buffer = np.frombuffer(self.data, dtype=np.uint8)
        first_bytes, widths = _first_bytes(buffer, starts, ends)
        columns, quoted = [], QUOTE in self.data
        for place in range(width):
            if widths[place] <= 1:
                columns.append(_of_single_bytes(first_bytes[place], self.separators))
                continue
            before = starts if not place else ends[:, place - 1] + 1
            end = np.ascontiguousarray(ends[:, place])
            columns.append(_of_many_bytes(self.data, buffer, before, end, quoted))
        return np.flatnonzero(keep) + 1, columns


def _first_bytes(
    buffer: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First byte of every cell, columns × rows, and the longest cell of each column.

    Some rows at a time, so that what is needed between stays in the processor's memory. An empty
    cell has the separator behind it as its first byte.
    """
    n_rows, width = ends.shape
    found = np.empty((width, n_rows), dtype=np.uint8)
    widths = np.zeros(width, dtype=ends.dtype)
    for row in range(0, n_rows, ROWS):
        some = ends[row : row + ROWS]
        begin = np.empty_like(some)
        begin[:, 0] = starts[row : row + ROWS]
        np.add(some[:, :-1], 1, out=begin[:, 1:])
        found[:, row : row + ROWS] = buffer[begin].T
        np.maximum(widths, (some - begin).max(axis=0), out=widths)
    return found, widths


def _find_cells(data: bytes, delimiter: int) -> _Records | None:
    """Find the ends of all cells; None when the quotes follow no rule."""
    if not data.endswith(b"\n"):
        data += b"\n"
    buffer = np.frombuffer(data, dtype=np.uint8)
    quoted = QUOTE in data
    if quoted and not _well_quoted(data, buffer, delimiter):
        return None
    most = data.count(delimiter) + data.count(NEWLINE)
    ends = np.empty(most, dtype=np.int64 if len(data) >> 31 else np.int32)
    filled, inside = 0, False
    for begin in range(0, len(buffer), BLOCK):
        block = buffer[begin : begin + BLOCK]
        separates = (block == delimiter) | (block == NEWLINE)
        if quoted:
            within = np.logical_xor.accumulate(block == QUOTE) ^ inside
            separates &= ~within
            inside = bool(within[-1])
        places = np.flatnonzero(separates)
        ends[filled : filled + len(places)] = places + begin
        filled += len(places)
    ends = ends[:filled]
    return _Records(data, ends, _count_cells(buffer, ends), (delimiter, NEWLINE))


def _count_cells(buffer: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Cells of each record; told at a glance when all have as many as the first."""
    some = ends[: MOST_COLUMNS + 1]
    width = int(np.argmax(buffer[some] == NEWLINE)) + 1
    n_lines = int(np.count_nonzero(buffer == NEWLINE))
    if len(ends) == width * n_lines and (buffer[ends[width - 1 :: width]] == NEWLINE).all():
        return np.full(n_lines, width)
    return np.diff(np.flatnonzero(buffer[ends] == NEWLINE), prepend=-1)


def _well_quoted(data: bytes, buffer: np.ndarray, delimiter: int) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled within one."""
    quotes = np.flatnonzero(buffer == QUOTE)
    if len(quotes) % 2:
        return False
    opens, closes = quotes[::2], quotes[1::2]
    edges = [delimiter, NEWLINE, QUOTE]
    before = np.where(opens > 0, buffer[np.maximum(opens - 1, 0)], NEWLINE)
    after = buffer[np.minimum(closes + 1, len(buffer) - 1)]
    doubled = np.append(False, opens[1:] == closes[:-1] + 1)
    return bool(((before != QUOTE) | doubled).all() and np.isin(before, edges).all()) and bool(
        np.isin(after, edges).all()
    )


def _of_many_bytes(
    data: bytes, buffer: np.ndarray, starts: np.ndarray, ends: np.ndarray, quoted: bool
) -> pd.Categorical:
    """Hold the cells between `starts` and `ends` as a category."""
    width = int((ends - starts).max(initial=0))
    if width <= 8:
        codes, distinct = pd.factorize(_as_numbers(buffer, starts, ends, width))
        cells = distinct.byteswap().view("S8") if sys.byteorder == "little" else distinct.view("S8")
        is_ascii = not (distinct & np.uint64(0x8080808080808080)).any()
        if is_ascii and not quoted:  # letters of one byte need no decoding
            return pd.Categorical.from_codes(codes, cells.astype("U8").astype("object"))
        raw = cells.astype("object")
    else:
        cells = np.empty(len(starts), dtype="object")
        cells[:] = [data[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        codes, raw = pd.factorize(cells)
    if not quoted:
        texts = np.array([cell.decode("utf-8") for cell in raw], dtype="object")
        return pd.Categorical.from_codes(codes, texts)
    again, texts = pd.factorize(np.array([_unquote(cell) for cell in raw], dtype="object"))
    return pd.Categorical.from_codes(again[codes], texts)


def _of_single_bytes(cells: np.ndarray, separators: tuple[int, int]) -> pd.Categorical:
    """Hold cells of at most one byte; an empty one shows a separator."""
    seen = np.flatnonzero(np.bincount(cells, minlength=256))
    filled = [byte for byte in seen if byte not in separators]
    texts = [chr(byte) for byte in filled] + [""] * (len(filled) < len(seen))
    places = np.full(256, len(filled), dtype=np.int8)  # one byte is ASCII: at most 127 texts
    places[filled] = np.arange(len(filled))
    return pd.Categorical.from_codes(places[cells], texts)


def _as_numbers(buffer: np.ndarray, starts: np.ndarray, ends: np.ndarray, width: int) -> np.ndarray:
    """Pack cells of up to eight bytes into numbers, first byte highest."""
    keys = np.zeros(len(starts), dtype=np.uint64)
    for place in range(width):
        where = starts + place
        cell = buffer[np.minimum(where, ends)]
        cell[where >= ends] = 0
        keys |= cell.astype(np.uint64) << np.uint64(56 - 8 * place)
    return keys


def _unquote(cell: bytes) -> str:
    text = cell.decode("utf-8")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _read_row_by_row(file: str, text: str, delimiter: str, skipped: int, how: str) -> RawTable:
    """Read a text with quotes in unusual places, as the csv module understands it."""
    rows = list(_csv_rows(file, text, delimiter))[skipped:]
    header = rows[0][1]
    check_header(file, header)
    body = [(n, line, row) for n, (line, row) in enumerate(rows[1:], skipped + 2) if any(row)]
    if wrong := [(line, len(row)) for _, line, row in body if len(row) != len(header)]:
        raise _ragged(file, wrong[:5], (len(wrong), len(header)), delimiter)
    columns = [text_column([row[place] for *_, row in body]) for place in range(len(header))]
    table = _table(file, header, np.array([n for n, *_ in body]), columns, how)
    problem = "quotes stand in unusual places; read as the csv module does"
    table.notes.append(Problem(file, "file", '"', problem, done=FIXED, rule="csv module"))
    return table


def _csv_rows(file: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line on which each starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        remedy = "Look for a double quote that is not closed"
        raise refuse(file, f"line {start}", "", str(error), "", remedy) from None


def _ragged(
    file: str, wrong: list[tuple[int, int]], size: tuple[int, int], delimiter: str
) -> InputError:
    n_wrong, width = size
    remedy = f"Put texts that hold {delimiter!r} between double quotes"
    if delimiter == "," and all(count > width for _, count in wrong):
        remedy += ", or export with semicolons when numbers have decimal commas"
    problem = "this line has another number of cells than the header"
    if n_wrong > len(wrong):
        problem += f" (as {n_wrong - len(wrong)} more)"
    return InputError(
        [
            Problem(file, f"line {line}", str(count), problem, str(width), remedy)
            for line, count in wrong
        ]
    )
