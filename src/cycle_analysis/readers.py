"""Read a survey export as text, one function for each kind of file.

A reader decides nothing about answers. It gives every cell as text, the row numbers that the user
sees in the file, and the labels that the file carries. Kept libraries parse: pyreadstat for SPSS,
calamine for spreadsheets, the csv module for text.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
from python_calamine import CalamineError, CalamineWorkbook

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.study_files import Source

MOST_COLUMNS = 5_000
"""A survey export with more columns than this is some other file."""
DELIMITERS = ";,\t|"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, eq=False)
class RawTable:
    """An export as text.

    Attributes
    ----------
    file : str
        Name of the file.
    cells : DataFrame, n rows × p columns
        Every cell as text, ``""`` where there is nothing; the index is the row number as the user
        sees it in the file.
    labels : dict of str to dict
        For each column that has them: code as text to label.
    how : str
        What was detected, for the report: ``csv, cp1252, delimiter ';'``.
    """

    file: str
    cells: pd.DataFrame
    how: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


def read_export(path: Path, source: Source) -> RawTable:
    """Read the export of a wave with the reader for its kind.

    Raises
    ------
    InputError
        If the file is absent, of an unknown kind, damaged, or without answers.
    """
    if not path.is_file():
        remedy = f"Put it in {path.parent.name}/, or correct source.file in wave.yaml"
        raise InputError([Problem(path.name, "file", "", "does not exist", "", remedy)])
    kind = (source.format or path.suffix).lower().lstrip(".")
    if kind not in READERS:
        remedy = "Save it as .sav, .xlsx or .csv"
        raise InputError(
            [Problem(path.name, "file", kind, "this kind is not read", ", ".join(READERS), remedy)]
        )
    table = READERS[kind](path, source)
    if table.cells.empty:
        remedy = "Export again, with the answers of all respondents"
        raise InputError([Problem(path.name, "file", "", "holds no answers", "", remedy)])
    return table


def read_csv(path: Path, source: Source) -> RawTable:
    """Read delimited text; encoding and delimiter are detected unless `source` names them."""
    raw = path.read_bytes()
    encoding = source.encoding or detect_encoding(raw)
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        remedy = "Correct source.encoding in wave.yaml, or leave it out"
        raise InputError([Problem(path.name, "file", encoding, str(error), "", remedy)]) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError([Problem(path.name, f"line {line}", "", "holds a NUL byte: no text file")])
    delimiter = source.delimiter or detect_delimiter(text)
    rows = list(_csv_rows(path.name, text, delimiter))[source.header_row - 1 :]
    if not rows:
        return RawTable(path.name, pd.DataFrame(), "csv, empty")
    header, body = rows[0][1], [row for row in rows[1:] if any(row[1])]
    _check_header(path.name, header)
    if ragged := [(n, row) for n, row in body if len(row) != len(header)]:
        raise InputError(
            [
                Problem(
                    path.name,
                    f"line {number}",
                    str(len(row)),
                    "this line has another number of cells than the header",
                    str(len(header)),
                    f"Put texts that hold {delimiter!r} between double quotes",
                )
                for number, row in ragged[:5]
            ]
        )
    numbers = pd.Index([number for number, _ in body], name="row")
    cells = pd.DataFrame([row for _, row in body], columns=header, index=numbers, dtype="str")
    return RawTable(path.name, cells, f"csv, {encoding}, delimiter {delimiter!r}")


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
        raise InputError([Problem(file, f"line {start}", "", str(error), "", remedy)]) from None


def detect_encoding(raw: bytes) -> str:
    """Tell the encoding: by its byte order mark, UTF-8 if it is valid, else Windows' cp1252.

    Examples
    --------
    >>> detect_encoding("Súdwest".encode("cp1252"))
    'cp1252'
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return encoding
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
        reader = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=delimiter)
        counts = [len(row) for row, _ in zip(reader, range(50), strict=False) if row] or [1]
        alike = sum(count == counts[0] for count in counts) / len(counts)
        return counts[0] > 1, alike, counts[0]

    return max(DELIMITERS, key=fit)


def read_sav(path: Path, source: Source) -> RawTable:
    """Read SPSS; codes as text, user-missing codes kept, because they say why."""
    options: dict[str, Any] = {"disable_datetime_conversion": True}
    try:
        if (source.format or path.suffix).lower().endswith("por"):
            data, meta = pyreadstat.read_por(str(path), **options)
        else:
            options |= {"encoding": source.encoding or None, "user_missing": True}
            data, meta = pyreadstat.read_sav(str(path), **options)
    except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError) as error:
        remedy = "Open it in SPSS and save it again, or name source.encoding in wave.yaml"
        raise InputError([Problem(path.name, "file", "", str(error), "", remedy)]) from None
    _check_header(path.name, data.columns.tolist())
    data.index = pd.RangeIndex(1, len(data) + 1, name="row")
    labels = {
        column: {_as_text(code): str(label) for code, label in codes.items()}
        for column, codes in meta.variable_value_labels.items()
    }
    cells = data.apply(_column_as_text) if len(data) else pd.DataFrame()
    return RawTable(path.name, cells, f"SPSS, {meta.file_encoding}", labels)


def _column_as_text(column: "pd.Series[float]") -> "pd.Series[str]":
    texts = {value: _as_text(value) for value in column.dropna().unique()}
    return column.map(texts).fillna("").astype("str")


def _as_text(value: object) -> str:
    """Write whole numbers without decimals, and nothing for nothing."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value)


def read_spreadsheet(path: Path, source: Source) -> RawTable:
    """Read a sheet of .xlsx, .xls or .ods; numbers as text, error cells as their text."""
    try:
        book = CalamineWorkbook.from_path(path)
    except (CalamineError, OSError) as error:
        remedy = "Open it and save it again as .xlsx, without a password"
        raise InputError([Problem(path.name, "file", "", str(error), "", remedy)]) from None
    names = book.sheet_names
    if (source.sheet and source.sheet not in names) or (not source.sheet and len(names) > 1):
        problem = "is no sheet of this file" if source.sheet else "there are several sheets"
        remedy = "Name one as source.sheet in wave.yaml"
        raise InputError(
            [Problem(path.name, "sheets", source.sheet, problem, ", ".join(names), remedy)]
        )
    rows = book.get_sheet_by_name(source.sheet or names[0]).to_python(skip_empty_area=False)
    rows = rows[source.header_row - 1 :]
    if len(rows) < 2:
        return RawTable(path.name, pd.DataFrame(), "spreadsheet, empty")
    header = [_as_text(cell).strip() for cell in rows[0]]
    _check_header(path.name, header)
    numbers = pd.RangeIndex(source.header_row + 1, source.header_row + len(rows), name="row")
    texts = [[_as_text(cell) for cell in row] for row in rows[1:]]
    cells = pd.DataFrame(texts, columns=header, index=numbers, dtype="str")
    return RawTable(path.name, cells[(cells != "").any(axis=1)], f"sheet {names[0]!r}")


def _check_header(file: str, header: list[str]) -> None:
    if len(header) > MOST_COLUMNS:
        problem = f"there are more than {MOST_COLUMNS} columns"
        raise InputError([Problem(file, "header", str(len(header)), problem)])
    if double := sorted({name for name in header if header.count(name) > 1}):
        remedy = "Give each column its own name"
        raise InputError(
            [Problem(file, "header", ", ".join(double[:5]), "stands twice", "", remedy)]
        )


READERS: dict[str, Callable[[Path, Source], RawTable]] = {
    "csv": read_csv,
    "tsv": read_csv,
    "txt": read_csv,
    "sav": read_sav,
    "zsav": read_sav,
    "por": read_sav,
    "xlsx": read_spreadsheet,
    "xls": read_spreadsheet,
    "ods": read_spreadsheet,
}
