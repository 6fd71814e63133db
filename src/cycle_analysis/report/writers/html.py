"""Write a document as one HTML file that needs nothing else: no script, no font, no address."""

import base64
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cycle_analysis.report.document import Document

HERE = Path(__file__).parent
NO_LINKS: Mapping[str, Any] = {}


def to_html(
    document: Document,
    forms: Mapping[str, str] = NO_LINKS,
    figures: Mapping[str, Mapping[str, str]] = NO_LINKS,
) -> str:
    """Set a document as HTML. Every text is escaped.

    Parameters
    ----------
    document : Document
        The report.
    forms : mapping of str to str
        Addresses of its other forms, by what a link says.
    figures : mapping of str to mapping of str to str
        The same for each figure, by its key.
    """
    told = {"document": document, "forms": forms, "figures": figures}
    style = Markup((HERE / "style.css").read_text("utf-8"))
    return _environment().get_template("layout.html.j2").render(told, style=style) + "\n"


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
    return environment


def _as_address(svg: bytes) -> str:
    """Give a drawing as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
