"""Write a document as one HTML file that needs nothing else: no script, no font, no address."""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cycle_analysis.report.document import Document
from cycle_analysis.whole_files import write_whole

HERE = Path(__file__).parent
OVERRIDES = {ord(sign): f"[U+{ord(sign):04X}]" for sign in "\u202a\u202b\u202d\u202e\u2066\u2067"}
"""Invisible characters that turn round the direction of whatever follows, and what is shown."""


def to_html(document: Document) -> str:
    """Set a document as HTML. Every text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["data"] = _as_address
    style = Markup((HERE / "style.css").read_text("utf-8"))
    return environment.get_template("layout.html.j2").render(document=document, style=style) + "\n"


def write_html(document: Document, path: Path) -> Path:
    """Write a document to a file, as a whole or not at all.

    Raises
    ------
    InputError
        If it may not be written, or the disk is full.
    """
    return write_whole(path, to_html(document).encode("utf-8"))


def _visible(value: object) -> object:
    """Show what would turn the direction of the text round it."""
    return value.translate(OVERRIDES) if type(value) is str else value


def _as_address(svg: bytes) -> str:
    """Give a drawing as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
