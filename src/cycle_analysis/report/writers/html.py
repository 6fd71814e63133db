"""Write a document as HTML files that need nothing else: no script, no address, fonts inside."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from cycle_analysis.report.document import Cell, Document, Figure, Section, Table, font_rules
from cycle_analysis.texts import NOTHING

HERE = Path(__file__).parent
NARROW = 34
"""Letters on a line of a table on a phone of 320 pixels."""
NO_FORMS: Mapping[str, Mapping[str, str]] = {}
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
    told["style"] = style() + Markup(fonts_of(document))
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


def _inline(figure: Figure) -> Markup:
    """Give a drawing as a part of a page, whose ids are its own: one image to whoever hears it."""
    svg = figure.drawing.svg.decode("utf-8")
    svg = _BEFORE.sub("", _METADATA.sub("", svg))
    used = set(_USED.findall(svg))
    svg = _ID.sub(lambda found: f' id="{figure.key}-{found[1]}"' if found[1] in used else "", svg)
    svg = _USED.sub(rf"{figure.key}-\1", svg)
    head = Markup('<svg role="img" aria-label="{}"').format(figure.alt)
    return head + Markup(_SIZE.sub("", svg.removeprefix("<svg"), count=1))
