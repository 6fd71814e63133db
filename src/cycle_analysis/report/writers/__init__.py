"""Write a document in every form that somebody needs: one file for each form."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from cycle_analysis.report.document import PAGES, Document, Figure
from cycle_analysis.report.sources import numbers_in
from cycle_analysis.report.writers.docx import to_docx
from cycle_analysis.report.writers.html import Link, fonts_of, to_html
from cycle_analysis.report.writers.pdf import to_pdf
from cycle_analysis.report.writers.xlsx import to_xlsx
from cycle_analysis.whole_files import delete_files, inert, write_whole

FIGURES = "figures"
NUMBERS = (
    *("document", "section", "place", "sentence", "printed", "table", "row", "column"),
    "transformation",
)
"""Columns of the list of numbers."""


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
