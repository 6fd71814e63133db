"""Write a document as one HTML file that needs nothing else: no script, no font, no address."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from cycle_analysis.report.document import Cell, Document, Section, Table
from cycle_analysis.texts import NOTHING

HERE = Path(__file__).parent
NARROW = 34
"""Letters on a line of a table on a phone of 320 pixels."""
NO_FORMS: Mapping[str, Mapping[str, str]] = {}


@dataclass(frozen=True)
class Link:
    """A link to another file, and the language that it is in where that is another."""

    text: str
    address: str
    language: str = ""


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
    told |= {
        "nothing": NOTHING,
        "part": parts[0].heading,
        "sections": [one for p in parts for one in p.sections],
    }
    return page_template("layout.html.j2").render(told, style=style()) + "\n"


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
    environment.filters["data"] = _as_address
    environment.filters["is_wide"] = _is_wide
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


def _is_wide(table: Table) -> bool:
    """Whether a table may have to be slid sideways, at the least on a narrow phone.

    Columns are as wide as their longest word; numbers are never broken.
    """
    columns = zip(table.heads, table.numeric, *table.rows, strict=True)
    return sum(_width(head, numeric, cells) for head, numeric, *cells in columns) > NARROW


def _width(head: str, numeric: bool, cells: Sequence[Cell]) -> int:
    texts = [
        cell.text if numeric else max(cell.text.split(), key=len, default="") for cell in cells
    ]
    return 1 + max(map(len, [*head.split(), *texts]), default=0)


def _as_address(svg: bytes) -> str:
    """Give a drawing as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
