"""Read files of statistical packages: SPSS (.sav, .zsav, .por) and Stata (.dta).

Codes arrive as text, user-missing codes with them, because they say why there is no answer.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from cycle_analysis.problems import FIXED, KEPT, Problem, refuse
from cycle_analysis.readers.raw_table import RawTable, as_text, check_width, name_columns
from cycle_analysis.study.files import Source

MOST_CELLS = 500_000_000
"""A compressed file may not unfold to more cells than this."""
LONGEST = "A255"
"""Type of the longest text that old programs keep in one variable."""
FALLBACK = "WINDOWS-1252"
UNREADABLE = (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, TypeError)
"""What pyreadstat raises on a file that it cannot read."""
Reader = Callable[..., tuple[pd.DataFrame, Any]]


def read_sav(path: Path, source: Source) -> RawTable:
    """Read SPSS; a file that is not in the encoding it declares is read as Windows' own.

    Raises
    ------
    InputError
        If it is damaged or not what its name says.
    """
    if (source.format or path.suffix).lower().endswith("por"):
        return _read(path, _read_por, "SPSS portable", source)
    return _read(path, pyreadstat.read_sav, "SPSS", source, user_missing=True)


def _read_por(path: str, encoding: object = None, **options: Any) -> tuple[pd.DataFrame, Any]:
    """Read the portable format, which has one alphabet of its own whatever encoding is named."""
    return pyreadstat.read_por(path, **options)


def read_dta(path: Path, source: Source) -> RawTable:
    """Read Stata; extended missing values (.a to .z) arrive as their letter.

    Raises
    ------
    InputError
        If it is damaged or not what its name says.
    """
    return _read(path, pyreadstat.read_dta, "Stata", source, user_missing=True)


def _read(path: Path, reader: Reader, kind: str, source: Source, **options: bool) -> RawTable:
    _check_size(path.name, _parse(path, reader, source, metadataonly=True)[1])
    data, meta, notes = _parse(path, reader, source, disable_datetime_conversion=True, **options)
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
        notes=notes + more + _states(path, names) + _split_texts(path.name, meta),
        headings=dict(zip(names, tidied, strict=True)),
    )


def _states(path: Path, names: list[str]) -> list[Problem]:
    """Tell of a weight or a filter that the file has set, neither of which is applied here."""
    found = []
    if "filter_$" in names:
        problem = "a filter was set in this file; rows that it leaves out are read like the others"
        remedy = "Delete them first if they should not count"
        found.append(Problem(path.name, "file", "filter_$", problem, "", remedy, KEPT))
    with path.open("rb") as stream:
        head = stream.read(80)
    if head[:4] in (b"$FL2", b"$FL3") and any(head[76:80]):
        problem = "a weight is set in this file; it is not applied"
        remedy = "Survey weights of respondents are not used: units are weighted by the population"
        found.append(Problem(path.name, "file", "", problem, "", remedy, KEPT))
    return found


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


def _parse(
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
