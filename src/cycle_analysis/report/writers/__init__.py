"""Write a document in every form that somebody needs; Word has a file of its own.

Pages need nothing else: no script, no address, fonts inside. PDF is PDF/UA-1: A4, tagged, with
bookmarks; an image without alt text is an error. Its layout stands in ``layout.typ``, and gets the
document as JSON. In a workbook stand an index, and a sheet for each table. A number is a number, as
rounded as it is shown; what stands beside one in the same cell, such as its interval, stands in a
column of its own.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import xlsxwriter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from cycle_analysis.report.document import (
    CREATED,
    PAGES,
    Block,
    Cell,
    Document,
    Figure,
    Section,
    Table,
    font_rules,
    typeset,
)
from cycle_analysis.report.sources import numbers_in
from cycle_analysis.report.writers.docx import to_docx
from cycle_analysis.texts import NOTHING
from cycle_analysis.whole_files import TEXTS_STAY_TEXTS, delete_files, inert, write_whole

FIGURES = "figures"
NUMBERS = (
    *("document", "section", "place", "sentence", "printed", "table", "row", "column"),
    "transformation",
)
"""Columns of the list of numbers."""
LANGUAGE_CODE = re.compile("[a-z]{2,3}(?![a-z])")
NO_LANGUAGE = "und"
"""What a PDF calls a language whose folder has a name that is no code of ISO 639."""
HERE = Path(__file__).parent
LAYOUT = HERE / "layout.typ"
A4 = 9
HEAD_ROW = 2
BESIDE = "{} (…)"
"""Head of the column with what stands beside the numbers of another."""
NARROW, BESIDE_FIGURE = 34, 46
"""Letters on a line of a table on a phone of 320 pixels, and beside a figure."""
NO_FORMS: Mapping[str, Mapping[str, str]] = {}
_NUMBER = re.compile(r"[+\u2212-]?\d(?:[\d.,\u00a0\u202f]*\d)?\s?%?")
_BEFORE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' width="[^"]*" height="[^"]*"')
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:(?<=xlink:href="#)|(?<=url\(#))([^)"]+)')
"""What a drawing of its own has and one in a page has not; its ids, and where they are used."""


@dataclass(frozen=True)
class Link:
    """A link to another file, and the language that it is in where that is another."""

    text: str
    address: str
    language: str = ""


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


def to_html(
    document: Document,
    forms: Sequence[Link] = (),
    figures: Mapping[str, Mapping[str, str]] = NO_FORMS,
    pages: Sequence[str] = (),
    page: str = "",
) -> str:
    """Set a document as HTML, whole or one part on a page. Every text is escaped.

    Parameters
    ----------
    document : Document
        The report.
    forms : sequence of Link
        Where its other forms, parts and languages are.
    figures : mapping of str to mapping of str to str
        Addresses of the forms of each figure, by its key, then by what a link says.
    pages : sequence of str
        Addresses of the pages of its parts, in order.
    page : str
        Which of them to set; all on one page when not given.
    """
    named = list(zip(document.parts, pages, strict=False))
    parts = [part for part, name in named if name == page] or document.parts
    beside = {key: f"{name}#{key}" for part, name in named if name != page for key in _keys(part)}
    told = {"document": document, "forms": forms, "figures": figures, "beside": beside}
    told |= {"nothing": NOTHING, "style": style() + Markup(fonts_of(document))}
    told |= {"part": parts[0].heading, "sections": [one for p in parts for one in p.sections]}
    return page_template("layout.html.j2").render(told) + "\n"


def fonts_of(document: Document) -> str:
    """Give rules that hold the letters of all drawings of a document."""
    return font_rules(figure.drawing.svg.decode("utf-8") for figure in document.figures)


def style() -> Markup:
    """Give how pages look."""
    return Markup((HERE / "style.css").read_text("utf-8"))


def page_template(name: str) -> Template:
    """Give the template of a page; every text in it is escaped."""
    return _environment().get_template(name)


def _keys(section: Section) -> Iterator[str]:
    """Give the keys of all headings below one."""
    for part in section.sections:
        yield part.heading.key
        yield from _keys(part)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["inline"] = _inline
    environment.filters["is_wide"] = _is_wide
    environment.filters["stands_alone"] = partial(_is_wide, most=BESIDE_FIGURE)
    environment.filters["pieces"] = _pieces
    return environment


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Part a text at its numbers; beside each piece the sources of a number, else nothing."""
    end = 0
    for number in getattr(text, "numbers", ()):
        yield text[end : number.start], ""
        yield text[number.start : number.end], number.cited
        end = number.end
    yield text[end:], ""


def _is_wide(table: Table, most: int = NARROW) -> bool:
    """Whether a table may have to be slid sideways, at the least on a narrow phone.

    Columns are as wide as their longest word; numbers are broken before what is in brackets.
    """
    columns = zip(table.heads, table.numeric, *table.rows, strict=True)
    return sum(_width(head, numeric, cells) for head, numeric, *cells in columns) > most


def _width(head: str, numeric: bool, cells: Sequence[Cell]) -> int:
    texts = [text for cell in cells for text in cell.text.split(" (" if numeric else None)]
    return 1 + max(map(len, [*head.split(), *texts]), default=0)


def _inline(figure: Figure) -> Markup:
    """Give a drawing as a part of a page, whose ids are its own: one image to whoever hears it."""
    svg = figure.drawing.svg.decode("utf-8")
    svg = _BEFORE.sub("", _METADATA.sub("", svg))
    used = set(_USED.findall(svg))
    svg = _ID.sub(lambda found: f' id="{figure.key}-{found[1]}"' if found[1] in used else "", svg)
    svg = _USED.sub(rf"{figure.key}-\1", svg)
    head = Markup('<svg role="img" aria-label="{}"').format(figure.alt)
    return head + Markup(_SIZE.sub("", svg.removeprefix("<svg"), count=1))


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
    """Give a block as its layout takes it: as it is, but for a figure, whose drawing is made."""
    told = {"is": type(block).__name__}
    if not isinstance(block, Figure):
        return told | asdict(block)
    whole = {name: getattr(block, name) for name in ("alt", "number", "caption")}
    table = _pdf_block(block.table) if block.table else None
    return told | whole | {"svg": block.drawing.svg.decode("utf-8"), "table": table}


def to_xlsx(document: Document) -> bytes:
    """Set the tables of a document as a workbook."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **TEXTS_STAY_TEXTS}) as book:
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


def columns_of(table: Table) -> Iterator[list[Cell]]:
    """Give the columns of a sheet, heads included: what stands beside numbers has its own.

    Examples
    --------
    >>> rate = Cell("45% (10/22)", 0.45, "0%")
    >>> table = Table("key", "", ("Size", "Share"), (False, True), ((Cell("small"), rate),))
    >>> [[cell.text for cell in column] for column in columns_of(table)]
    [['Size', 'small'], ['Share', '45% (10/22)'], ['Share (…)', '(10/22)']]
    """
    for head, *cells in zip(table.heads, *table.rows, strict=True):
        yield [Cell(head), *cells]
        if any(beside := [_beside(cell) for cell in cells]):
            yield [Cell(BESIDE.format(head)), *map(Cell, beside)]


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
