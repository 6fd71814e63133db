"""Write a report as one HTML file that needs nothing else: no script, no font, no address."""

import base64
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from cycle_analysis.report.model import Bullets, Figure, Paragraph, Report, Table
from cycle_analysis.whole_files import write_whole

OVERRIDES = {ord(sign): f"[U+{ord(sign):04X}]" for sign in "\u202a\u202b\u202d\u202e"}
"""Invisible characters that turn round the direction of whatever follows, and what is shown."""
_KINDS = {Paragraph: "paragraph", Bullets: "bullets", Table: "table", Figure: "figure"}


def to_html(report: Report) -> str:
    """Set a report as HTML. Every text is escaped.

    Parameters
    ----------
    report : Report
        The report.

    Returns
    -------
    str
        A whole document.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["kind"] = lambda block: _KINDS[type(block)]
    environment.filters["data"] = _data
    template = environment.from_string(_read("template.html"))
    style = Markup(_read("writers/style.css"))
    return template.render(report=report, numbers=report.numbers, style=style) + "\n"


def write_html(report: Report, path: Path) -> Path:
    """Write a report to a file, as a whole or not at all.

    Parameters
    ----------
    report : Report
        The report.
    path : Path
        The file; its folder is made.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If it may not be written, or the disk is full.
    """
    return write_whole(path, to_html(report).encode("utf-8"))


def _visible(value: object) -> object:
    """Show what would turn the direction of the text round it."""
    return value.translate(OVERRIDES) if type(value) is str else value


def _read(name: str) -> str:
    return resources.files("cycle_analysis.report").joinpath(name).read_text("utf-8")


def _data(svg: bytes) -> str:
    """Give a drawing as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
