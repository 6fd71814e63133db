"""Write an export in every format that is read, each with a library or a line of its own."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pandas as pd
import pyreadstat
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

Cell = str | float
ODS = "urn:oasis:names:tc:opendocument:xmlns:"


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers and nothing as numbers, as a statistical package holds them."""
    numbers = table.apply(pd.to_numeric, errors="coerce")
    is_number = (numbers.notna() | (table == "")).all() & (table != "").any()
    chosen = {name: numbers[name] for name in table.columns[is_number]}
    return table.assign(**chosen)


def as_cells(table: pd.DataFrame) -> list[list[Cell]]:
    """Rows as a person would type them: numbers as numbers, with the header."""
    rows = [[float(c) if c.isdecimal() else c for c in row] for row in table.to_numpy().tolist()]
    return [table.columns.tolist(), *rows]


def as_texts(table: pd.DataFrame) -> list[list[Cell]]:
    """Rows in which numbers are stored as text, with the header."""
    return [table.columns.tolist(), *table.to_numpy().tolist()]


def write_xlsx(
    path: Path,
    rows: list[list[Cell]],
    arrange: Callable[[xlsxwriter.Workbook, Worksheet], object] = lambda book, sheet: None,
    sheets: Sequence[str] = ("Data",),
) -> None:
    """Write rows to the first of some sheets, and arrange it further."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        pages = [book.add_worksheet(name) for name in sheets]
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                pages[0].write(number, place, cell)
        arrange(book, pages[0])


def write_xls(path: Path, rows: list[list[Cell]]) -> None:
    import xlwt  # needed for this one format only

    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell)
    book.save(str(path))


def write_ods(path: Path, rows: list[list[Cell]]) -> None:
    def xml(cell: Cell) -> str:
        if isinstance(cell, float):
            return f'<table:table-cell office:value-type="float" office:value="{cell:g}"/>'
        text = f"office:string-value={quoteattr(cell)}"
        return f'<table:table-cell office:value-type="string" {text}/>'

    body = "".join(f"<table:table-row>{''.join(map(xml, row))}</table:table-row>" for row in rows)
    names = " ".join(f'xmlns:{name}="{ODS}{name}:1.0"' for name in ("office", "table", "text"))
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{ODS}manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            "</manifest:manifest>",
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="Data">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )


WRITERS: dict[str, Callable[[Path, pd.DataFrame], None]] = {
    "csv": lambda path, table: table.to_csv(path, index=False, sep=";"),
    "tsv": lambda path, table: table.to_csv(path, index=False, sep="\t"),
    "txt": lambda path, table: table.to_csv(path, index=False, sep="|"),
    "sav": lambda path, table: pyreadstat.write_sav(as_numbers(table), str(path)),
    "zsav": lambda path, table: pyreadstat.write_sav(as_numbers(table), str(path), compress=True),
    "por": lambda path, table: pyreadstat.write_por(as_numbers(table), str(path)),
    "dta": lambda path, table: pyreadstat.write_dta(as_numbers(table), str(path)),
    "xlsx": lambda path, table: write_xlsx(path, as_cells(table)),
    "xlsm": lambda path, table: write_xlsx(path, as_texts(table)),
    "xls": lambda path, table: write_xls(path, as_cells(table)),
    "ods": lambda path, table: write_ods(path, as_cells(table)),
}
"""By format: writes a table of texts."""


def live_cells(contents: bytes, delimiter: str) -> list[str]:
    """Cells of a csv that a spreadsheet would take for a formula; mere numbers are none."""
    rows = csv.reader(io.StringIO(contents.decode(), newline=""), delimiter=delimiter)
    cells = [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]
    return [cell for cell in cells if not re.fullmatch(r"[+-][\d.,e-]+", cell)]
