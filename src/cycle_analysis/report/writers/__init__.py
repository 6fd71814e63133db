"""Write a document in every form that somebody needs: one file for each form."""

import re
from collections.abc import Callable
from pathlib import Path

from cycle_analysis.report.document import Document, Figure
from cycle_analysis.report.writers.docx import to_docx
from cycle_analysis.report.writers.html import to_html
from cycle_analysis.report.writers.pdf import to_pdf
from cycle_analysis.report.writers.xlsx import to_xlsx
from cycle_analysis.whole_files import delete_files, write_whole

FIGURES = "figures"


def write_report(document: Document, folder: Path) -> list[Path]:
    """Write a report as HTML, PDF and Word, its tables as a workbook, its figures as SVG and PNG.

    Figures of an earlier report in that language are deleted.

    Parameters
    ----------
    document : Document
        The report.
    folder : Path
        Where the files go; figures go in a folder in it.

    Returns
    -------
    list of Path
        The report in HTML, which links to the others; then these, figures left out.

    Raises
    ------
    InputError
        If one may not be written, or the disk is full.
    """
    code = document.language
    forms: dict[str, tuple[str, Callable[[Document], bytes]]] = {
        "PDF": (f"report_{code}.pdf", to_pdf),
        "Word": (f"report_{code}.docx", to_docx),
        document.words["workbook"]: (f"tables_{code}.xlsx", to_xlsx),
    }
    figures = {figure.key: _figure_files(figure, code) for figure in document.figures}
    links = {label: name for label, (name, _) in forms.items()}
    html = to_html(document, links, figures)
    # first, because a run that fails finds by it what else to delete
    written = [write_whole(folder / f"report_{code}.html", html.encode("utf-8"))]
    written += [write_whole(folder / name, write(document)) for name, write in forms.values()]
    old = set((folder / FIGURES).glob(f"[0-9][0-9]_*_{code}.[ps][nv]g"))
    for figure in document.figures:
        svg, png = (folder / name for name in figures[figure.key].values())
        old -= {write_whole(svg, figure.drawing.svg), write_whole(png, figure.drawing.png)}
    delete_files(old)
    return written


def _figure_files(figure: Figure, code: str) -> dict[str, str]:
    """Name the files of a figure, as seen from the folder of the report, by form."""
    key = re.sub(r"[^\w-]", "_", figure.key.removeprefix("figure-"))
    stem = f"{FIGURES}/{figure.number:02d}_{key}_{code}"
    return {"SVG": f"{stem}.svg", "PNG": f"{stem}.png"}
