"""Write a document as PDF/UA-1: A4, tagged, with bookmarks; an image without alt text is an error.

The layout stands in ``layout.typ``, and gets the document as JSON.
"""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cycle_analysis.report.document import Block, Bullets, Document, Figure, Heading, Table
from cycle_analysis.report.typesetting import typeset

CODE = re.compile("[a-z]{2,3}(?![a-z])")
UNKNOWN = "und"
"""What a PDF calls a language whose folder has a name that is no code of ISO 639."""
LAYOUT = Path(__file__).parent / "layout.typ"


def to_pdf(document: Document) -> bytes:
    """Set a document as PDF."""
    told = {
        "language": found[0] if (found := CODE.match(document.language)) else UNKNOWN,
        "title": document.title,
        "subtitle": document.subtitle,
        "mark": document.mark,
        "about": document.about,
        "words": document.words,
        "blocks": [_block(block) for block in document.blocks],
    }
    return typeset(LAYOUT.read_text("utf-8"), told, format="pdf", pdf_standards="ua-1")[0]


def _block(block: Block) -> dict[str, Any]:
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
        table = _block(block.table) if block.table else None
        return told | {"number": block.number, "caption": block.caption, "table": table}
    return told | {"kind": block.kind, "runs": [asdict(run) for run in block.text]}
