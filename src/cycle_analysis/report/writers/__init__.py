"""Write a document in every form that somebody needs: pages and Word have files of their own.

PDF is PDF/UA-1: A4, tagged, with bookmarks; an image without alt text is an error. Its layout
stands in ``layout.typ``, and gets the document as JSON. In a workbook stand an index, and a sheet
for each table. A number is a number, as rounded as it is shown; what stands beside one in the same
cell, such as its interval, stands in a column of its own.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from cycle_analysis.report.document import (
    CREATED,
    PAGES,
    Block,
    Bullets,
    Cell,
    Document,
    Figure,
    Heading,
    Table,
    typeset,
)
from cycle_analysis.report.sources import numbers_in
from cycle_analysis.report.writers.docx import to_docx
from cycle_analysis.report.writers.html import Link, fonts_of, to_html
from cycle_analysis.whole_files import delete_files, inert, write_whole

FIGURES = "figures"
NUMBERS = (
    *("document", "section", "place", "sentence", "printed", "table", "row", "column"),
    "transformation",
)
"""Columns of the list of numbers."""
LANGUAGE_CODE = re.compile("[a-z]{2,3}(?![a-z])")
NO_LANGUAGE = "und"
"""What a PDF calls a language whose folder has a name that is no code of ISO 639."""
LAYOUT = Path(__file__).parent / "layout.typ"
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
"""A text that begins with = is a text."""
A4 = 9
HEAD_ROW = 2
BESIDE = "{} (…)"
"""Head of the column with what stands beside the numbers of another."""
_NUMBER = re.compile(r"[+\u2212-]?\d(?:[\d.,\u00a0\u202f]*\d)?\s?%?")


def write_report(document: Document, folder: Path, more: Sequence[Link] = ()) -> list[Path]:
    """Write a report as HTML, PDF and Word, its tables as a workbook, its figures as SVG and PNG.

    The annex is a page of its own in HTML, and follows on the report in the other forms. Files of
    an earlier report in that language that are not written again are deleted.

    Parameters
    ----------
    document : Document
        The report.
    folder : Path
        Where the files go; figures go in a folder in it.
    more : sequence of Link
        What else stands beside it.

    Returns
    -------
    list of Path
        The report in HTML, which links to the others; then these, figures left out.

    Raises
    ------
    InputError
        If one may not be written, or the disk is full.
    """
    code, words = document.language, document.words
    forms: dict[str, tuple[str, Callable[[Document], bytes]]] = {
        "PDF": (f"report_{code}.pdf", to_pdf),
        "Word": (f"report_{code}.docx", to_docx),
        words["workbook"]: (f"tables_{code}.xlsx", to_xlsx),
        words["traced"]: (f"numbers_{code}.csv", to_numbers),
    }
    pages = [f"{name}_{code}.html" for name in PAGES]
    figures = {figure.key: _figure_files(figure, code) for figure in document.figures}
    links = [Link(label, name) for label, (name, _) in forms.items()]
    others = [Link(name, f"report_{of}.html", of) for of, name in document.others]
    named = list(zip((words["report"], words["annex"]), pages, document.parts, strict=False))
    written = []  # the report first, because a run that fails finds by it what else to delete
    for _, page, _ in named:
        parts = [Link(label, name) for label, name, _ in named if name != page]
        html = to_html(document, [*parts, *more, *links, *others], figures, pages, page)
        written.append(write_whole(folder / page, html.encode("utf-8")))
    written += [write_whole(folder / name, write(document)) for name, write in forms.values()]
    old = {
        *(folder / FIGURES).glob(f"[A0-9][0-9]*_{code}.[ps][nv]g"),
        *(folder / page for page in pages),
    }
    fonts = fonts_of(document).encode("ascii")
    for figure in document.figures:
        svg, png = (folder / name for name in figures[figure.key].values())
        drawn = figure.drawing.svg.replace(b"</style>", fonts + b"</style>", 1)
        old -= {write_whole(svg, drawn), write_whole(png, figure.drawing.png)}
    delete_files(old - set(written))
    return written


def to_numbers(document: Document) -> bytes:
    """List the numbers that a report prints in its texts: where, and the cells they come from.

    Rows of one column stand between semicolons; of several columns tables, rows and columns stand
    in one order, between bars.
    """
    code, file = document.language, io.StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(NUMBERS)
    for part, section, place, pieces in document.texts:
        for sentence, printed, number in numbers_in(pieces):
            told = [(table, "; ".join(rows), column) for table, rows, column in number.columns]
            cells = (" | ".join(column) for column in zip(*told, strict=True))
            where = (f"{part}_{code}", section, place, str(sentence))
            lines.writerow(map(inert, (*where, printed, *cells, number.how)))
    return file.getvalue().encode("utf-8")


def _figure_files(figure: Figure, code: str) -> dict[str, str]:
    """Name the files of a figure, as seen from the folder of the report, by form."""
    key = re.sub(r"[^\w-]", "_", figure.key.removeprefix("figure-"))
    stem = f"{FIGURES}/{figure.number:0>2}_{key}_{code}"
    return {"SVG": f"{stem}.svg", "PNG": f"{stem}.png"}


def to_pdf(document: Document) -> bytes:
    """Set a document as PDF."""
    told = {
        "language": found[0] if (found := LANGUAGE_CODE.match(document.language)) else NO_LANGUAGE,
        "title": document.title,
        "subtitle": document.subtitle,
        "mark": document.mark,
        "about": document.about,
        "words": document.words,
        "blocks": [_pdf_block(block) for block in document.blocks],
    }
    return typeset(LAYOUT.read_text("utf-8"), told, format="pdf", pdf_standards="ua-1")[0]


def _pdf_block(block: Block) -> dict[str, Any]:
    told: dict[str, Any] = {"is": type(block).__name__}
    if isinstance(block, Heading):
        return told | asdict(block)
    if isinstance(block, Bullets):
        items = [[asdict(run) for run in item] for item in block.items]
        return told | {"kind": block.kind, "items": items}
    if isinstance(block, Table):
        rows = [[cell.text for cell in row] for row in block.rows]
        return told | asdict(block) | {"rows": rows}
    if isinstance(block, Figure):
        told |= {"svg": block.drawing.svg.decode("utf-8"), "alt": block.alt}
        table = _pdf_block(block.table) if block.table else None
        return told | {"number": block.number, "caption": block.caption, "table": table}
    return told | {"kind": block.kind, "runs": [asdict(run) for run in block.text]}


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
