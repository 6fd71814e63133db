"""Read files of statistical packages: SPSS (.sav, .zsav, .por) and Stata (.dta).

Codes arrive as text, user-missing codes with them, because they say why there is no answer.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from cycle_analysis.problems import FIXED, InputError, Problem
from cycle_analysis.readers.raw_table import (
    MOST_COLUMNS,
    Ranges,
    RawTable,
    as_text,
    check_header,
    refuse,
    text_column,
)
from cycle_analysis.study.files import Source

MOST_CELLS = 500_000_000
"""A compressed file may not unfold to more cells than this."""
FALLBACK = "WINDOWS-1252"
UNREADABLE = (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError)
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
        return _read(path, _read_por, {}, "SPSS portable", source)
    return _read(path, pyreadstat.read_sav, {"user_missing": True}, "SPSS", source)


def _read_por(path: str, encoding: str = "", **options: Any) -> tuple[pd.DataFrame, Any]:
    """Read the portable format, which has one alphabet of its own whatever encoding is named."""
    return pyreadstat.read_por(path, **options)


def read_dta(path: Path, source: Source) -> RawTable:
    """Read Stata; extended missing values (.a to .z) arrive as their letter.

    Raises
    ------
    InputError
        If it is damaged or not what its name says.
    """
    return _read(path, pyreadstat.read_dta, {"user_missing": True}, "Stata", source)


def _read(
    path: Path, reader: Reader, options: dict[str, Any], kind: str, source: Source
) -> RawTable:
    data, meta, notes = _parse(path, reader, options, source)
    names = list(data.columns)
    if not all(isinstance(name, str) and name for name in names):
        raise refuse(path.name, "header", "", "is damaged: a variable has no name")
    check_header(path.name, names)
    index = pd.RangeIndex(1, len(data) + 1, name="row")
    encoding = meta.file_encoding or (FALLBACK if notes else source.encoding)
    return RawTable(
        path.name,
        pd.DataFrame({name: _as_category(data[name]) for name in names}, index=index),
        f"{kind}, {encoding}" if encoding else kind,
        labels=_labels(meta),
        questions={name: text for name, text in meta.column_names_to_labels.items() if text},
        missing=_missing(meta),
        notes=notes,
    )


def _parse(
    path: Path, reader: Reader, options: dict[str, Any], source: Source
) -> tuple[pd.DataFrame, Any, list[Problem]]:
    """Data and description; read in another encoding, and told so, when the declared is wrong."""
    options = {**options, "disable_datetime_conversion": True}
    if source.encoding:
        options["encoding"] = source.encoding
    _check_size(path, reader, source)
    try:
        return *reader(str(path), **options), []
    except UNREADABLE as error:
        if source.encoding or not _is_about_encoding(error):
            raise _refused(path, error) from None
    problem, rule = "texts are not in the encoding that the file declares", f"read as {FALLBACK}"
    note = Problem(path.name, "file", "", problem, done=FIXED, rule=rule)
    return *_in_another_encoding(path, reader, options), [note]


def _is_about_encoding(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or "encod" in str(error)


def _refused(path: Path, error: Exception) -> InputError:
    remedy = "Open it in SPSS and save it again, or name source.encoding in wave.yaml"
    return refuse(path.name, "file", "", str(error), "", remedy)


def _check_size(path: Path, reader: Reader, source: Source) -> None:
    """Refuse what would not fit, from the file's own description."""
    options = {"encoding": source.encoding} if source.encoding else {}
    try:
        _, meta = reader(str(path), metadataonly=True, **options)
    except UNREADABLE as error:
        if source.encoding or not _is_about_encoding(error):
            raise _refused(path, error) from None
        _, meta = _in_another_encoding(path, reader, {"metadataonly": True})
    n_rows, n_columns = meta.number_rows or 0, meta.number_columns or 0
    if n_columns > MOST_COLUMNS:
        check_header(path.name, [str(place) for place in range(n_columns)])
    if n_rows * n_columns > MOST_CELLS:
        problem = f"holds more than {MOST_CELLS:,} cells"
        raise refuse(path.name, "file", f"{n_rows} rows, {n_columns} columns", problem)


def _in_another_encoding(
    path: Path, reader: Reader, options: dict[str, Any]
) -> tuple[pd.DataFrame, Any]:
    try:
        return reader(str(path), **options, encoding=FALLBACK)
    except UNREADABLE as error:
        remedy = "Name source.encoding in wave.yaml: cp1252, latin1 or utf-8"
        raise refuse(path.name, "file", "", str(error), "", remedy) from None


def _as_category(column: pd.Series) -> pd.Categorical:
    codes, distinct = pd.factorize(column, use_na_sentinel=True)
    texts = np.array([as_text(value) for value in distinct] + [""], dtype="object")
    codes = np.where(codes < 0, len(distinct), codes)
    if len(set(texts)) < len(texts) or not (codes == len(distinct)).any():
        return text_column(texts[codes])
    return pd.Categorical.from_codes(codes, texts)


def _labels(meta: Any) -> dict[str, dict[str, str]]:
    return {
        column: {as_text(code): str(label).strip() for code, label in codes.items()}
        for column, codes in meta.variable_value_labels.items()
    }


def _missing(meta: Any) -> dict[str, Ranges]:
    """Numeric codes that the file declares missing; text codes only as exact values."""
    return {
        column: [(_end(part["lo"]), _end(part["hi"])) for part in ranges]
        for column, ranges in (meta.missing_ranges or {}).items()
    }


def _end(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)
