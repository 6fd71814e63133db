"""Write the tables of a document as a workbook: an index, and a sheet for each.

A number is a number, as rounded as it is shown. What stands beside one in the same cell, such as
its interval, stands in a column of its own.
"""

import io
import re

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from cycle_analysis.report.document import CREATED, Cell, Document, Table

OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
"""A text that begins with = is a text."""
A4 = 9
HEAD_ROW = 2
BESIDE = "{} (…)"
"""Head of the column with what stands beside the numbers of another."""
_NUMBER = re.compile(r"[+\u2212-]?\d(?:[\d.,\u00a0\u202f]*\d)?\s?%?")


def to_xlsx(document: Document) -> bytes:
    """Set the tables of a document as a workbook."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, OPTIONS) as book:
        book.set_properties({"title": document.title, "created": CREATED})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "bottom"})
        patterns = {
            pattern: book.add_format({"num_format": pattern})
            for pattern in sorted({_pattern(c) for t in document.tables for r in t.rows for c in r})
        }
        index = book.add_worksheet(document.words["contents"])
        lines = [document.mark, document.title, document.subtitle, document.words["made_with"], ""]
        first = [line for i, line in enumerate(lines) if line or i]
        for row, line in enumerate(first):
            index.write_string(row, 0, line, bold if line == document.title else None)
        index.set_column(0, 0, 12)
        for row, table in enumerate(document.tables, len(first)):
            name = f"{document.words['table']} {table.number}"
            index.write_url(row, 0, f"internal:'{name}'!A1", string=name)
            index.write_string(row, 1, table.caption)
            _fill(book.add_worksheet(name), table, patterns, bold)
    return buffer.getvalue()


def columns_of(table: Table) -> list[list[Cell]]:
    """Give the columns of a sheet, heads included: what stands beside numbers has its own.

    Examples
    --------
    >>> rate = Cell("45% (10/22)", 0.45, "0%")
    >>> table = Table("key", "", ("Size", "Share"), (False, True), ((Cell("small"), rate),))
    >>> [[cell.text for cell in column] for column in columns_of(table)]
    [['Size', 'small'], ['Share', '45% (10/22)'], ['Share (…)', '(10/22)']]
    """
    columns = []
    for head, *cells in zip(table.heads, *table.rows, strict=True):
        columns.append([Cell(head), *cells])
        if any(beside := [_beside(cell) for cell in cells]):
            columns.append([Cell(BESIDE.format(head)), *map(Cell, beside)])
    return columns


def _fill(sheet: Worksheet, table: Table, patterns: dict[str, Format], bold: Format) -> None:
    sheet.write_string(0, 0, table.caption)
    for place, (head, *cells) in enumerate(columns_of(table)):
        sheet.write_string(HEAD_ROW, place, head.text, bold)
        for row, cell in enumerate(cells, HEAD_ROW + 1):
            if cell.value is None:
                sheet.write_string(row, place, cell.text)
            else:
                sheet.write_number(row, place, cell.value, patterns[_pattern(cell)])
        width = max(len(cell.text) for cell in cells) + 2
        sheet.set_column(place, place, min(max(width, 12), 60))
    for row, note in enumerate(table.notes, HEAD_ROW + len(table.rows) + 2):
        sheet.write_string(row, 0, note)
    sheet.freeze_panes(HEAD_ROW + 1, 1)
    sheet.set_paper(A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _beside(cell: Cell) -> str:
    """Give what a cell says besides its number."""
    return "" if cell.value is None else _NUMBER.sub("", cell.text, count=1).strip()


def _pattern(cell: Cell) -> str:
    """Say how a number is shown: with its sign where it has one in the report."""
    signed = cell.value is not None and cell.text.startswith("+")
    return f"+{cell.pattern};-{cell.pattern};{cell.pattern}" if signed else cell.pattern
