"""Write a document for Word: real headings, captions with fields, header rows, alt texts."""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document as Word
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.shared import Cm, Length, Pt, RGBColor
from docx.table import Table as WordTable
from docx.text.paragraph import Paragraph as WordParagraph

from cycle_analysis.report import document as parts
from cycle_analysis.report.document import Document

REGIONS = {"nl": "nl-NL", "en": "en-GB"}
"""What Word wants to know to check spelling."""
LONGEST = 255
"""Most letters of a title among the properties of a file."""
WIDEST = Cm(16.6)
MOST_LETTERS = 40
"""Letters of a column that may be broken."""
INK, ACCENT, WARN = RGBColor(0x1D, 0x24, 0x29), RGBColor(0, 0x54, 0x8A), RGBColor(0x8A, 0x1C, 0x1C)
CELL, SMALL_CELL, NOTE, APART, MARK = "Cell", "SmallCell", "Note", "Set apart", "Mark"
"""Styles that Word lacks."""
SIZES = {CELL: 8.5, SMALL_CELL: 7, NOTE: 8.5, APART: 10.5, MARK: 10.5}
"""Their letters in points."""
LINE_LETTERS = {CELL: 92, SMALL_CELL: 112}
"""Letters on a line of the page."""


def to_docx(document: Document) -> bytes:
    """Set a document for Word."""
    word = docx.Document()
    _prepare(word, document)
    if document.mark:
        _paragraph(word, MARK, document.mark)
    _paragraph(word, "Title", document.title)
    _paragraph(word, "Subtitle", document.subtitle)
    for name, text in document.about:
        _paragraph(word, NOTE, f"{name}: {text}")
    for block in document.blocks:
        if isinstance(block, parts.Heading):
            _heading(word, block)
        elif isinstance(block, parts.Paragraph):
            _runs(_paragraph(word, APART if block.kind else "Normal"), block.text)
        elif isinstance(block, parts.Bullets):
            for item in block.items:
                _runs(_paragraph(word, "List Bullet"), item)
        elif isinstance(block, parts.Table):
            _table(word, block, document.words["table"])
        else:
            _figure(word, block, document.words)
    _paragraph(word, NOTE, document.words["made_with"])
    buffer = io.BytesIO()
    word.save(buffer)
    return _without_times(buffer.getvalue())


def _prepare(word: Word, document: Document) -> None:
    """Set paper, language, styles and properties."""
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    code = REGIONS.get(document.language, document.language)
    for language in word.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), code)
    about = word.core_properties
    about.title, about.language = document.title[:LONGEST], code
    about.author = about.comments = ""
    about.created = about.modified = parts.CREATED
    styles = word.styles
    styles["Normal"].font.name, styles["Normal"].font.size = "Calibri", Pt(10.5)
    for name in ("Title", "Subtitle", *(f"Heading {level}" for level in (1, 2, 3))):
        styles[name].font.color.rgb = ACCENT
    styles["Caption"].font.color.rgb, styles["Caption"].font.size = INK, Pt(9.5)
    for name, size in SIZES.items():
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style, style.font.size = styles["Normal"], Pt(size)
        style.paragraph_format.space_after = Pt(0 if name in LINE_LETTERS else 6)
    styles[APART].paragraph_format.left_indent = Cm(0.6)
    styles[APART].font.bold = styles[MARK].font.bold = True
    styles[MARK].font.color.rgb = WARN


def _paragraph(word: Word, style: str, text: str = "") -> WordParagraph:
    """Add a paragraph; its style by the id, since looking up names takes most of the time."""
    paragraph = word.add_paragraph(text)
    paragraph._p.style = style.replace(" ", "")
    return paragraph


def _heading(word: Word, heading: parts.Heading) -> None:
    """Write a heading that texts can lead to; the annex begins on a page of its own."""
    paragraph = _paragraph(word, f"Heading {max(heading.level, 1)}", heading.text)
    paragraph.paragraph_format.page_break_before = heading.level == 0 or None
    _mark(word, paragraph, heading.key)


def _mark(word: Word, paragraph: WordParagraph, key: str) -> None:
    """Mark a paragraph as the place of a key, to which texts can lead."""
    for end in ("Start", "End"):
        mark = OxmlElement(f"w:bookmark{end}")
        mark.set(qn("w:id"), str(len(word.element.body)))
        if end == "Start":
            mark.set(qn("w:name"), _bookmark(key))
        paragraph._p.append(mark)


def _bookmark(key: str) -> str:
    """Name a place as Word can: letters, digits and _, the first a letter, at most 40."""
    return "k_" + re.sub(r"\W", "_", key)[-38:]


def _runs(paragraph: WordParagraph, text: parts.Text) -> None:
    for run in text:
        added = paragraph.add_run(run.text)
        added.bold, added.italic = run.strong or None, run.em or None
        if run.language:
            spoken = OxmlElement("w:lang")
            spoken.set(qn("w:val"), REGIONS.get(run.language, run.language))
            added._r.get_or_add_rPr().append(spoken)
        if run.to:
            added.font.color.rgb = ACCENT
            link = OxmlElement("w:hyperlink")
            link.set(qn("w:anchor"), _bookmark(run.to))
            link.append(added._r)
            paragraph._p.append(link)


def _caption(word: Word, kind: str, thing: parts.Figure | parts.Table) -> WordParagraph:
    """Write a caption with a field for its number, so that Word can list and number them."""
    part, digits = thing.number.rstrip("0123456789"), thing.number.lstrip(parts.ANNEX)
    paragraph = _paragraph(word, "Caption", f"{kind} {part}")
    number = OxmlElement("w:fldSimple")
    number.set(qn("w:instr"), rf"SEQ {kind}{part} \* ARABIC")
    number.append(paragraph.add_run(digits)._r)
    paragraph._p.append(number)
    paragraph.add_run(f". {thing.caption}").bold = False
    _mark(word, paragraph, thing.key)
    return paragraph


def _figure(word: Word, figure: parts.Figure, words: dict[str, str]) -> None:
    paragraph = word.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    picture = paragraph.add_run().add_picture(io.BytesIO(figure.drawing.png))
    if picture.width > WIDEST:
        picture.height = Length(picture.height * WIDEST // picture.width)
        picture.width = WIDEST
    shown: Any = picture._inline.docPr
    shown.set("descr", figure.alt)
    _caption(word, words["figure"], figure)
    if figure.table:
        _table(word, figure.table, words["table"])


def _table(word: Word, table: parts.Table, kind: str) -> None:
    _caption(word, kind, table).paragraph_format.keep_with_next = True
    lines = [table.heads, *([cell.text for cell in row] for row in table.rows)]
    made = word.add_table(len(lines), len(table.heads))
    made.autofit = False
    _rule(made)
    made.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    style, widths = _widths(lines)
    for column, width in zip(made.columns, widths, strict=True):
        column._gridCol.w = width
    for row, texts in zip(made.rows, lines, strict=True):
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for place, cell in enumerate(row.cells):
            cell._tc.width = widths[place]
            paragraph = cell.paragraphs[0]
            paragraph._p.style = style
            paragraph.add_run(texts[place]).bold = texts is table.heads or None
            if table.numeric[place]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for note in table.notes:
        _paragraph(word, NOTE, note)


def _rule(table: WordTable) -> None:
    """Draw a line below each row."""
    borders = OxmlElement("w:tblBorders")
    for name in ("bottom", "insideH"):
        line = OxmlElement(f"w:{name}")
        for key, value in {"val": "single", "sz": "4", "space": "0", "color": "C9D1D6"}.items():
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    table._tbl.tblPr.append(borders)


def _widths(lines: Sequence[Sequence[str]]) -> tuple[str, list[Length]]:
    """Divide the page between columns: a longest word always fits, and long texts get the rest.

    Where the longest words need more than a line, cells are set smaller.
    """
    columns = list(zip(*lines, strict=True))
    words = [max(len(word) for text in c for word in [*text.split(), ""]) + 4 for c in columns]
    style = CELL if sum(words) <= LINE_LETTERS[CELL] else SMALL_CELL
    letters = LINE_LETTERS[style]
    longest = [min(max(map(len, column)), MOST_LETTERS) + 4 for column in columns]
    wanted = [max(pair) for pair in zip(words, longest, strict=True)]
    spare, over = letters - sum(words), sum(wanted) - sum(words)
    part = min(1.0, max(0.0, spare / over)) if over else 0.0
    given = [word + part * (all_ - word) for word, all_ in zip(words, wanted, strict=True)]
    return style, [Length(int(WIDEST * width / max(sum(given), letters))) for width in given]


def _without_times(contents: bytes) -> bytes:
    """Pack the parts anew, without the time at which they were written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(contents)) as old, zipfile.ZipFile(buffer, "w") as new:
        for part in old.namelist():
            new.writestr(zipfile.ZipInfo(part), old.read(part), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
