"""Read a survey export as text, one module for each family of files.

A reader decides nothing about answers. It gives every cell as text, the row numbers that the user
sees in the file, and what the file itself says: labels, questions, missing codes. Kept libraries
parse: pyreadstat for SPSS and Stata, calamine for spreadsheets.
"""

from collections.abc import Callable
from pathlib import Path

from cycle_analysis.problems import refuse
from cycle_analysis.readers.flat_files import read_csv, read_dta, read_sav
from cycle_analysis.readers.platforms import adapt
from cycle_analysis.readers.raw_table import MOST_BYTES, RawTable, change_texts, text_column
from cycle_analysis.readers.workbooks import read_spreadsheet
from cycle_analysis.study.files import Source
from cycle_analysis.whole_files import check_plain

READERS: dict[str, Callable[[Path, Source], RawTable]] = {
    "csv": read_csv,
    "tsv": read_csv,
    "txt": read_csv,
    "sav": read_sav,
    "zsav": read_sav,
    "por": read_sav,
    "dta": read_dta,
    "xlsx": read_spreadsheet,
    "xlsm": read_spreadsheet,
    "xls": read_spreadsheet,
    "ods": read_spreadsheet,
}
SIGNATURES = {
    b"$FL2": "sav",
    b"$FL3": "zsav",
    b"PK\x03\x04": "xlsx",
    b"\xd0\xcf\x11\xe0": "xls",
    b"<html": "a web page",
    b"%PDF": "a PDF",
}
"""How files of a kind begin."""
TEXTS = ("csv", "tsv", "txt")


def read_export(path: Path, source: Source) -> RawTable:
    """Read the export of a wave with the reader for its kind.

    Raises
    ------
    InputError
        If the file is absent, of an unknown kind, too large, damaged, or without answers.
    """
    _check_file(path)
    kind = (source.format or path.suffix).lower().lstrip(".")
    if kind not in READERS:
        remedy = "Save it as .sav, .xlsx or .csv"
        raise refuse(path.name, "file", kind, "this kind is not read", ", ".join(READERS), remedy)
    if kind in TEXTS:
        _check_text(path)
    table = adapt(READERS[kind](path, source))
    if table.cells.empty:
        remedy = "Export again, with the answers of all respondents"
        raise refuse(path.name, "file", "", "holds no answers", "", remedy)
    return table


def _check_file(path: Path) -> None:
    """Refuse a file that is not there, not in its folder, or larger than any survey."""
    check_plain(path, f"Copy the file itself to {path.parent.name}/")
    if not path.is_file():
        remedy = f"Put it in {path.parent.name}/, or correct source.file in wave.yaml"
        raise refuse(path.name, "file", "", "does not exist", "", remedy)
    if (size := path.stat().st_size) > MOST_BYTES:
        problem = "is larger than any survey: not opened"
        raise refuse(path.name, "file", f"{size:,} bytes", problem, f"{MOST_BYTES:,} bytes")


def _check_text(path: Path) -> None:
    """Refuse another kind of file under the name of a text."""
    with path.open("rb") as stream:
        start = stream.read(200).lstrip()
    for mark, kind in SIGNATURES.items():
        if start[: len(mark)].lower() == mark.lower():
            remedy = f"Name it .{kind}" if kind in READERS else "Export the answers as csv"
            raise refuse(path.name, "file", "", f"is no text but {kind}", "", remedy)
