"""Split delimited text into columns of cells, whatever its size.

A piece of the text at a time, so that what is needed between stays in the processor's memory: the
separators outside quotes are where cells end. Cells of one byte, which is nearly all of a survey,
are their own code; those of up to eight bytes are told apart as numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
