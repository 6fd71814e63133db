"""Read files that are one table: delimited text (csv, tsv, txt), SPSS and Stata.

Of text, encoding and delimiter are detected unless wave.yaml names them; the csv module parses. A
line with too many or too few cells is told by its number, and so are quotes that are not those of
RFC 4180. Of SPSS (.sav, .zsav, .por) and Stata (.dta), codes arrive as text, user-missing codes
with them, because they say why there is no answer.
"""

import codecs
import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from cycle_analysis.problems import FIXED, KEPT, InputError, Problem, first_five, refuse
from cycle_analysis.readers.raw_table import RawTable, as_text, check_width, name_columns
from cycle_analysis.study.files import Source
from cycle_analysis.study.text_files import parse_csv

DELIMITERS = ";,\t|"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
AT_ONCE = 500
"""Records that are held as lists of cells before they go to their columns."""
Record = tuple[int, tuple[int, list[str]]]
"""Number of a record, as a spreadsheet shows it; its first line in the text; its cells."""
MOST_CELLS = 500_000_000
"""A compressed file may not unfold to more cells than this."""
LONGEST = "A255"
"""Type of the longest text that old programs keep in one variable."""
FALLBACK = "WINDOWS-1252"
UNREADABLE = (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, TypeError)
"""What pyreadstat raises on a file that it cannot read."""
Reader = Callable[..., tuple[pd.DataFrame, Any]]


def read_csv(path: Path, source: Source) -> RawTable:
    """Read delimited text; encoding and delimiter are detected unless `source` names them.

    Raises
    ------
    InputError
        If it is no text, if a line has another number of cells than the header, or if a quote is
        not closed.
    """
    text, encoding, odd = read_text(path, source.encoding)
    delimiter, above = find_delimiter(text, source)
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    records = enumerate(parse_csv(path.name, lines, delimiter), start=1)
    header = next((cells for row, (_, cells) in records if row > above and cells), None)
    if header is None:
        return RawTable(path.name, pd.DataFrame(), "csv, empty")
    check_width(path.name, len(header))
    rows, columns, ragged = _split(records, len(header))
    if ragged:
        raise _told_ragged(path.name, ragged, len(header), len(rows), delimiter)
    numbers = pd.Index(rows, dtype="int64", name="row")
    table, names, notes = name_columns(path.name, header, columns, numbers)
    if not _quotes_are_usual(text, delimiter):
        problem = "quotes stand in unusual places; read as the csv module does"
        notes.append(Problem(path.name, "file", '"', problem, done=FIXED, rule="csv module"))
    notes += _told_odd(path.name, odd)
    how, headings = (
        f"csv, {encoding}, delimiter {delimiter!r}",
        dict(zip(header, names, strict=True)),
    )
    return RawTable(path.name, table, how, notes=notes, headings=headings)


def read_text(path: Path, encoding: str = "") -> tuple[bytes, str, list[int]]:
    r"""Give a text as UTF-8 with ``\n`` at the end of every line, and the encoding it had.

    Returns
    -------
    bytes
    str
        The encoding.
    list of int
        Lines of a text in UTF-8 that are not: they are read as cp1252.

    Raises
    ------
    InputError
        If it is no text, or not in the encoding that is named.
    """
    data, named = path.read_bytes(), encoding
    found, odd = encoding or detect_encoding(data), list[int]()
    if not encoding and found in ("cp1252", "utf-8-sig"):
        data, odd = _mend_lines(data)
    encoding = "utf-8" if odd else found
    if not (encoding in ("utf-8", "ascii") and data.isascii()):
        try:
            data = data.decode(encoding).removeprefix("\ufeff").encode("utf-8")
        except (UnicodeError, LookupError) as error:
            remedy = "Correct source.encoding in wave.yaml (utf-8, cp1252, utf-16), or leave it out"
            if not named:
                remedy = "Save it as UTF-8, or name source.encoding in wave.yaml: mac_roman, cp1250"
            raise refuse(path.name, "file", encoding, str(error), "", remedy) from None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        remedy = "Export the file again; a spreadsheet must be saved as csv, not renamed"
        raise refuse(path.name, f"line {line}", "", "holds a NUL byte: no text file", "", remedy)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.removesuffix(b"\x1a"), encoding, odd  # the sign at which DOS ends a file


def _mend_lines(data: bytes) -> tuple[bytes, list[int]]:
    """Bring lines that are no UTF-8 to it where others are, and give their numbers.

    Tables pasted together from two exports are so; a text of which no line beyond ASCII is UTF-8
    is in another encoding as a whole, and left alone.
    """
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    letters = [place for place, line in enumerate(lines) if not line.isascii()]
    odd = [place for place in letters if not _is_utf8(lines[place])]
    if len(odd) == len(letters):
        return data, []
    for place in odd:
        lines[place] = lines[place].decode("cp1252", "replace").encode("utf-8")
    return b"\n".join(lines), [place + 1 for place in odd]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


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
    return "utf-8" if _is_utf8(raw) else "cp1252"


def find_delimiter(text: bytes, source: Source) -> tuple[str, int]:
    """Give the delimiter that wave.yaml, the first line or the text tells, and the lines above."""
    first = text[:100_000].decode("utf-8", "ignore")
    hint = first.split("\n", 1)[0].strip().strip('"').casefold()
    hinted = hint.startswith("sep=") and len(hint) == 5
    lines = first.split("\n", source.header_row - 1)
    delimiter = source.delimiter or (hint[4] if hinted else detect_delimiter(lines[-1]))
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
            counts = [len(row) for row in islice(reader, 50) if row] or [1]
        except csv.Error:
            counts = [1]
        alike = sum(count == counts[0] for count in counts) / len(counts)
        return counts[0] > 1, alike, counts[0]

    return max(DELIMITERS, key=fit)


def read_sav(path: Path, source: Source) -> RawTable:
    """Read SPSS; a file that is not in the encoding it declares is read as Windows' own.

    Raises
    ------
    InputError
        If it is damaged or not what its name says.
    """
    if (source.format or path.suffix).lower().endswith("por"):
        return _read_package(path, _read_por, "SPSS portable", source)
    return _read_package(path, pyreadstat.read_sav, "SPSS", source, user_missing=True)


def read_dta(path: Path, source: Source) -> RawTable:
    """Read Stata; extended missing values (.a to .z) arrive as their letter.

    Raises
    ------
    InputError
        If it is damaged or not what its name says.
    """
    return _read_package(path, pyreadstat.read_dta, "Stata", source, user_missing=True)


def _split(
    records: Iterator[Record], width: int
) -> tuple[list[int], list[pd.Categorical], list[tuple[int, int]]]:
    """Split records into columns: which records, their columns, and lines of another width.

    Blank lines and rows of empty cells are left out.
    """
    rows, ragged = [], []
    texts: list[dict[str, int]] = [defaultdict(count().__next__) for _ in range(width)]
    codes = [[np.empty(0, np.int32)] for _ in texts]
    while batch := list(islice(records, AT_ONCE)):
        filled = []
        for row, (line, cells) in batch:
            if cells and len(cells) != width:
                ragged.append((line, len(cells)))
            elif any(cells):
                rows.append(row)
                filled.append(cells)
        for place, column in enumerate(zip(*filled, strict=True)):
            found = map(texts[place].__getitem__, column)
            codes[place].append(np.fromiter(found, np.int32, len(column)))
    columns = [
        pd.Categorical.from_codes(np.concatenate(parts), np.array(list(known), dtype="object"))
        for parts, known in zip(codes, texts, strict=True)
    ]
    return rows, columns, ragged


def _told_odd(file: str, odd: list[int]) -> list[Problem]:
    """Tell of lines that were not in the encoding of the others."""
    problem = f"lines {first_five(odd)} are not in the encoding of the others"
    said = (file, "file", "", problem, "", "Look whether their texts read well", FIXED)
    return [Problem(*said, rule="read as cp1252", n=len(odd))] if odd else []


def _told_ragged(
    file: str, ragged: list[tuple[int, int]], width: int, n_others: int, delimiter: str
) -> InputError:
    """Refuse lines with another number of cells than the header."""
    commas = delimiter == "," and ragged[0][1] > width
    semicolons = ", or export with semicolons when numbers have decimal commas" if commas else ""
    first = ragged[:5]
    remedy = f"Put texts that hold {delimiter!r} between double quotes{semicolons}"
    if not n_others and {n_cells for _, n_cells in ragged} == {width + 1}:
        remedy = "All lines have one cell more, as R's write.table writes: write it with "
        remedy += f"col.names = NA or row.names = FALSE{semicolons}"
    problem = "this line has another number of cells than the header"
    if more := len(ragged) - len(first):
        problem += f" (as {more} more)"
    return InputError(
        Problem(file, f"line {line}", str(n_cells), problem, str(width), remedy)
        for line, n_cells in first
    )


def _quotes_are_usual(text: bytes, delimiter: str) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled within one (RFC 4180)."""
    edge = re.escape(delimiter) + r"\n"
    cell = rf'(?<![^{edge}])"[^"]*+(?:""[^"]*+)*+"(?![^{edge}])'
    return bool(re.fullmatch(rf'[^"]*+(?:{cell}[^"]*+)*+'.encode(), text))


def _read_por(path: str, encoding: object = None, **options: Any) -> tuple[pd.DataFrame, Any]:
    """Read the portable format, which has one alphabet of its own whatever encoding is named."""
    return pyreadstat.read_por(path, **options)


def _read_package(
    path: Path, reader: Reader, kind: str, source: Source, **options: bool
) -> RawTable:
    _check_size(path.name, _unpack(path, reader, source, metadataonly=True)[1])
    data, meta, notes = _unpack(path, reader, source, disable_datetime_conversion=True, **options)
    names = list(data.columns)
    if not all(isinstance(name, str) and name for name in names):
        raise refuse(path.name, "header", "", "is damaged: a variable has no name")
    columns = [_as_category(data[name]) for name in names]
    rows = pd.RangeIndex(1, len(data) + 1, name="row")
    cells, tidied, more = name_columns(path.name, names, columns, rows)
    encoding = meta.file_encoding or (FALLBACK if notes else source.encoding)
    return RawTable(
        path.name,
        cells,
        f"{kind}, {encoding}" if encoding else kind,
        labels={
            column: {as_text(code): str(label).strip() for code, label in codes.items()}
            for column, codes in meta.variable_value_labels.items()
        },
        questions={name: text for name, text in meta.column_names_to_labels.items() if text},
        missing={
            column: [(_end(part["lo"]), _end(part["hi"])) for part in ranges]
            for column, ranges in (meta.missing_ranges or {}).items()
        }
        | {
            column: [(letter, letter) for letter in letters]
            for column, letters in (meta.missing_user_values or {}).items()
        },
        notes=[*notes, *more, *_states(path, names), *_split_texts(path.name, meta)],
        headings=dict(zip(names, tidied, strict=True)),
    )


def _states(path: Path, names: list[str]) -> Iterator[Problem]:
    """Tell of a weight or a filter that the file has set, neither of which is applied here."""
    if "filter_$" in names:
        problem = "a filter was set in this file; rows that it leaves out are read like the others"
        remedy = "Delete them first if they should not count"
        yield Problem(path.name, "file", "filter_$", problem, "", remedy, KEPT)
    with path.open("rb") as stream:
        head = stream.read(80)
    if head[:4] in (b"$FL2", b"$FL3") and any(head[76:80]):
        problem = "a weight is set in this file; it is not applied"
        remedy = "Survey weights of respondents are not used: units are weighted by the population"
        yield Problem(path.name, "file", "", problem, "", remedy, KEPT)


def _split_texts(file: str, meta: Any) -> list[Problem]:
    """Tell of texts over 255 characters that lie in pieces, as old programs save them.

    The pieces are called by the first five letters and a digit or letter: O1, O10, O11.
    """
    widths = meta.original_variable_types or {}
    found = dict[str, list[str]]()
    for before, name in pairwise(widths):
        whole = next((one for one, parts in found.items() if before in parts), before)
        is_piece = re.fullmatch(f"{re.escape(whole[:5])}[0-9A-Z]", name, re.IGNORECASE)
        if is_piece and widths[before] == LONGEST and widths[name].startswith("A"):
            found.setdefault(whole, []).append(name)
    problem = "texts over 255 characters lie in pieces, as columns of their own"
    remedy = "Map the first and ignore the others, or export as csv, where texts stay whole"
    return [
        Problem(file, f"column {whole}", ", ".join(parts), problem, "", remedy, KEPT, column=whole)
        for whole, parts in found.items()
    ]


def _check_size(file: str, meta: Any) -> None:
    """Refuse what would not fit, from the file's own description."""
    n_rows, n_columns = meta.number_rows or 0, meta.number_columns or 0
    check_width(file, n_columns)
    if n_rows * n_columns > MOST_CELLS:
        problem = f"holds more than {MOST_CELLS:,} cells"
        raise refuse(file, "file", f"{n_rows} rows, {n_columns} columns", problem)


def _unpack(
    path: Path, reader: Reader, source: Source, **options: bool
) -> tuple[pd.DataFrame, Any, list[Problem]]:
    """Data and description; read in another encoding, and told so, when the declared is wrong."""
    remedy = "Open it in SPSS and save it again, or name source.encoding in wave.yaml"
    try:
        return *reader(str(path), encoding=source.encoding or None, **options), []
    except UNREADABLE as error:
        about_encoding = isinstance(error, UnicodeDecodeError) or "encod" in str(error)
        if source.encoding or not about_encoding:
            raise refuse(path.name, "file", "", str(error), "", remedy) from None
    problem, rule = "texts are not in the encoding that the file declares", f"read as {FALLBACK}"
    note = Problem(path.name, "file", "", problem, done=FIXED, rule=rule)
    try:
        return *reader(str(path), encoding=FALLBACK, **options), [note]
    except UNREADABLE as error:
        remedy = "Name source.encoding in wave.yaml: cp1252, latin1 or utf-8"
        raise refuse(path.name, "file", "", str(error), "", remedy) from None


def _as_category(column: pd.Series) -> pd.Categorical:
    codes, distinct = pd.factorize(column)
    texts = [as_text(value) for value in distinct] + [""] * bool((codes < 0).any())
    again, plain = pd.factorize(np.array(texts, dtype="object"))  # code -1 is the last text
    return pd.Categorical.from_codes(again[codes], plain)


def _end(value: Any) -> Any:
    """A number, or a text code, which is declared missing only as an exact value."""
    return value if isinstance(value, str) else float(value)
