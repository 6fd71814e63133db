"""The other forms of a report say what its page says, and nothing more."""

import io
import re
import struct
import zlib
from dataclasses import replace
from functools import cache

import docx
import matplotlib.pyplot as plt
import pytest
from docx.document import Document as Word
from docx.oxml.ns import qn
from docx.shared import Cm
from frozen import FrozenRun
from python_calamine import CalamineWorkbook
from told import BOTH, EVERY, Page, document_of, page_of, words_in

from cycle_analysis.report.document import (
    Cell,
    Document,
    Drawing,
    Figure,
    Heading,
    Paragraph,
    Run,
    Table,
    number_blocks,
)
from cycle_analysis.report.templates import legible
from cycle_analysis.report.writers import (
    BESIDE,
    HEAD_ROW,
    to_docx,
    to_html,
    to_pdf,
    to_xlsx,
    write_report,
)
from cycle_analysis.running.tasks import find_reports

WRITERS = pytest.mark.parametrize("write", [to_pdf, to_docx, to_xlsx])
FIGURE = r"S/Figure/P \d+ 0 R/Alt"
"""Where the alt texts stand in a PDF."""
NAMES = re.compile(r"Landia|\b(?:C\d{3}|GM\d{4})\b")
"""Names and codes of units of the frozen studies."""
WORDS = (
    *("contents", "figure", "table", "skip", "made_with", "alone", "wide", "workbook"),
    *("report", "annex", "not_shown", "traced", "sources"),
)


@cache
def sheets_of(run: FrozenRun, language: str) -> CalamineWorkbook:
    return CalamineWorkbook.from_path(str(run.reports / f"tables_{language}.xlsx"))


@cache
def word_of(run: FrozenRun, language: str) -> Word:
    return docx.Document(str(run.reports / f"report_{language}.docx"))


def texts_of(word: Word) -> list[str]:
    """Everything that a document for Word says, fields included, and what its pictures show."""
    paragraphs = word.element.body.iter(qn("w:p"))
    told = ["".join(text.text or "" for text in p.iter(qn("w:t"))) for p in paragraphs]
    return told + [shown.get("descr") for shown in word.element.body.iter(qn("wp:docPr"))]


def objects_of(pdf: bytes) -> bytes:
    """Everything in a PDF, unpacked."""
    unpacked = [pdf]
    for start in re.finditer(rb"stream\r?\n", pdf):
        try:
            unpacked.append(zlib.decompressobj().decompress(pdf[start.end() :]))
        except zlib.error:
            continue
    return b"".join(unpacked)


def strings_of(objects: bytes, name: str) -> list[str]:
    """The texts that stand behind a name in a PDF."""
    part = r"(?:\\.|[^\\()])"
    text = rf"{name}\s*(?:\(((?:{part}|\({part}*\))*)\)|<([0-9A-Fa-f]+)>)"
    found = re.findall(text.encode(), objects, re.DOTALL)
    return [_decoded(re.sub(rb"\\(.)", rb"\1", a) or bytes.fromhex(b.decode())) for a, b in found]


def _decoded(text: bytes) -> str:
    return text[2:].decode("utf-16-be") if text.startswith(b"\xfe\xff") else text.decode("latin-1")


def one_of_each(text: str, language: str = "nl") -> Document:
    """A document that holds a text in every place."""
    table = Table("t", text, (text, ""), (False, True), ((Cell(text), Cell("")),), (text,))
    drawing = Drawing(lambda: plt.subplots()[1])
    blocks = (
        Heading(1, "a", text), Paragraph((Run(text), Run(text, True, True))),
        Figure("figure-a/b", text, text, drawing, table),
    )  # fmt: skip
    words = {word: word for word in WORDS}
    whole: Document = legible(Document(language, text, text, number_blocks(blocks), text, words))
    return whole


# The workbook.


@EVERY
@BOTH
def test_a_sheet_shows_its_table_with_numbers_as_numbers(frozen_run, name, language):
    run = frozen_run(name)
    document, book = document_of(run, language), sheets_of(run, language)
    for table in document.tables:
        rows = book.get_sheet_by_name(f"{document.words['table']} {table.number}").to_python()
        assert rows[0][0] == table.caption
        heads, body = rows[HEAD_ROW], rows[HEAD_ROW + 1 :][: len(table.rows)]
        own = [place for place, head in enumerate(heads) if not str(head).endswith(BESIDE[-4:])]
        assert [str(heads[place]) for place in own] == list(table.heads)
        for cells, row in zip(table.rows, body, strict=True):
            shown = [cell.text if cell.value is None else cell.value for cell in cells]
            assert [row[place] for place in own] == shown
        notes = [str(row[0]) for row in rows[HEAD_ROW + 1 + len(table.rows) :]]
        assert [note for note in notes if note] == list(table.notes)


@EVERY
@BOTH
def test_a_number_of_a_sheet_holds_no_digit_that_the_report_does_not_show(
    frozen_run, name, language
):
    for table in document_of(frozen_run(name), language).tables:
        for cell in (cell for row in table.rows for cell in row if cell.value is not None):
            text = cell.text.replace("\u2212", "-")
            thousands, decimal = (".", ",") if language == "nl" else (",", ".")
            plain = text.replace(thousands, "").replace(decimal, ".")
            (number, percent) = re.match(r"[+-]?(\d+(?:\.\d+)?)(%?)", plain).groups()
            told = f"{abs(cell.value) * (100 if percent else 1):.6f}"
            assert float(told) == float(number), (table.key, cell)


def test_what_stands_beside_a_number_has_a_column_of_its_own(frozen_run):
    document = document_of(frozen_run("example"), "en")
    book = sheets_of(frozen_run("example"), "en")
    (table,) = (one for one in document.tables if one.key == "table-response-2018")
    rows = book.get_sheet_by_name(f"Table {table.number}").to_python()
    last = rows[HEAD_ROW + len(table.rows)]
    assert re.fullmatch(r"\d+% \(\d+/\d+\)", table.rows[-1][-1].text)
    assert f"{last[-2]:.0%} {last[-1]}" == table.rows[-1][-1].text


@BOTH
def test_the_first_sheet_lists_all_others(frozen_run, language):
    run = frozen_run("one_wave")
    document, book = document_of(run, language), sheets_of(run, language)
    index = book.get_sheet_by_index(0).to_python()
    assert [row[0] for row in index][-len(document.tables) :] == book.sheet_names[1:]
    assert [row[1] for row in index if row[1]] == [table.caption for table in document.tables]
    assert document.mark in [row[0] for row in index]


# The document for Word.


@EVERY
@BOTH
def test_word_has_all_headings_texts_captions_tables_and_alt_texts(frozen_run, name, language):
    document, word = document_of(frozen_run(name), language), word_of(frozen_run(name), language)
    headings = [p for p in word.paragraphs if p.style.name.startswith("Heading")]
    own = [block for block in document.blocks if isinstance(block, Heading)]
    assert [p.text for p in headings] == [heading.text for heading in own]
    assert [p.style.name for p in headings] == [
        f"Heading {max(heading.level, 1)}" for heading in own
    ]
    texts = texts_of(word)
    for kind, things in (("figure", document.figures), ("table", document.tables)):
        captions = [f"{document.words[kind]} {one.number}. {one.caption}" for one in things]
        assert [text for text in texts if text in captions] == captions
    assert {line for line in words_in(document).splitlines() if line} <= set(texts)
    for table, made in zip(document.tables, word.tables, strict=True):
        lines = [table.heads, *(tuple(cell.text for cell in row) for row in table.rows)]
        assert [tuple(cell.text for cell in row.cells) for row in made.rows] == lines
        assert made.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    shown = [shown.get("descr") for shown in word.element.body.iter(qn("wp:docPr"))]
    assert shown == [figure.alt for figure in document.figures]


@EVERY
@BOTH
def test_no_word_of_a_table_is_broken_in_word(frozen_run, name, language):
    for table in word_of(frozen_run(name), language).tables:
        for cell in (cell for row in table.rows for cell in row.cells):
            # a letter of Calibri is about half as wide as its size; beside it stand two margins
            letter, margins = 0.53 * cell.paragraphs[0].style.font.size, 2 * Cm(0.19)
            longest = max(map(len, [*cell.text.split(), ""]))
            assert longest * letter + margins <= cell.width, cell.text


@BOTH
def test_word_knows_the_language_and_the_size_of_paper(frozen_run, language):
    word = word_of(frozen_run("one_wave"), language)
    known = {one.get(qn("w:val")) for one in word.styles.element.iter(qn("w:lang"))}
    assert known == {{"nl": "nl-NL", "en": "en-GB"}[language]}
    assert (round(word.sections[0].page_width.mm), round(word.sections[0].page_height.mm)) == (
        *(210, 297),
    )


# The PDF.


@EVERY
@BOTH
def test_the_pdf_is_tagged_as_its_document_is_built(frozen_run, name, language):
    run = frozen_run(name)
    document = document_of(run, language)
    pdf = objects_of((run.reports / f"report_{language}.pdf").read_bytes())
    headings = [block.text for block in document.blocks if isinstance(block, Heading)]
    kinds = re.findall(rb"/S\s*/(Table|Figure|H\d|Caption)\b", pdf)
    assert kinds.count(b"Table") == len(document.tables)
    assert kinds.count(b"Caption") == len(document.tables) + len(document.figures)
    assert sum(kind.startswith(b"H") for kind in kinds) == len(headings) + 1  # and the contents
    assert sorted(strings_of(pdf, FIGURE)) == sorted(figure.alt for figure in document.figures)
    assert set(headings) <= set(strings_of(pdf, "/Title"))
    assert f"/Lang({language})".encode() in pdf
    assert b"pdfuaid:part>1<" in pdf
    assert b"/DisplayDocTitle true" in pdf
    assert re.search(rb"/MediaBox\s*\[0 0 595\.\d+ 841\.\d+\]", pdf)


def test_a_figure_without_alt_text_makes_no_pdf():
    import typst

    from cycle_analysis.report.document import typeset
    from cycle_analysis.report.writers import LAYOUT

    figure = {"is": "Figure", "svg": "<svg/>", "alt": None, "caption": "c", "number": 1}
    told = {"language": "en", "title": "t", "subtitle": "", "mark": ""}
    told |= {"words": {word: word for word in WORDS}, "blocks": [figure | {"table": None}]}
    with pytest.raises(typst.TypstError, match="alt text"):
        typeset(LAYOUT.read_text("utf-8"), told, format="pdf", pdf_standards="ua-1")


# The page.


@BOTH
def test_an_interval_in_a_cell_may_stand_under_its_number(frozen_run, language):
    page = (frozen_run("example").reports / f"report_{language}.html").read_text("utf-8")
    cells = [cell for cell in re.findall(r'<td class="number">(.*?)</td>', page) if "(" in cell]
    assert len(cells) >= 8, "shares of four profiles in two waves"
    assert all(re.fullmatch(r"\S+ <wbr>\([^()]+\)", cell) for cell in cells)


@pytest.mark.parametrize(("text", "beside"), [("12% (8% to 16%)", True), ("12% 8% to 16%", False)])
def test_a_table_stands_beside_its_figure_if_its_columns_fit_there(text, beside):
    *before, figure = (document := one_of_each("Phase")).blocks
    row = (Cell("Phase"), *[Cell(text)] * 3)
    cells = {"heads": ("Phase", *"abc"), "numeric": (False, *[True] * 3), "rows": (row,)}
    figure = replace(figure, table=replace(figure.table, **cells))
    page = to_html(replace(document, blocks=(*before, figure)))
    assert ('<div class="pair">' in page) is beside


# All forms.


@EVERY
@BOTH
def test_no_form_says_what_the_page_does_not(frozen_run, name, language):
    run = frozen_run(name)
    pages = [page_of(run, language, part) for part in ("report", "annex")]
    alts = [str(image["aria-label"]) for page in pages for image in page.images]
    own = re.sub(r"\s+", " ", " ".join([*(page.text for page in pages), *alts]))
    pdf = objects_of((run.reports / f"report_{language}.pdf").read_bytes())
    book = sheets_of(run, language)
    sheets = [
        row for sheet in book.sheet_names for row in book.get_sheet_by_name(sheet).to_python()
    ]
    in_cells = [cell for row in sheets for cell in row if isinstance(cell, str)]
    told = [
        *(re.sub(r"^(\w+ A?\d+\.) ", "", text) for text in texts_of(word_of(run, language))),
        *strings_of(pdf, FIGURE), *strings_of(pdf, "/Title"),
        *(text.removesuffix(BESIDE[-4:]) for text in in_cells),
    ]  # fmt: skip
    assert [text for text in told if re.sub(r"\s+", " ", text).strip() not in own] == []
    assert [text for text in told if NAMES.search(text)] == []


@WRITERS
def test_the_same_document_has_the_same_bytes(write):
    assert write(one_of_each("Text")) == write(one_of_each("Text"))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", '& <b> "q"', "#let x $x$ @ref \\ `a` *a*", "日本語 مرحبا 😀", "ω ≈ ≤ → ′ − √"),
        *("a\x00b\ud800\ufffe\u202ec", "x" * 3000, "https://a.b", "- a", "1. a"),
    ],
)
def test_any_text_is_shown_as_it_is(text):
    document = one_of_each(text)
    title = document.title
    assert all(title in told or title[:255] in told for told in texts_of(_read(document))[:1])
    rows = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx(document))).get_sheet_by_index(1)
    assert rows.to_python()[0][0] == title
    assert strings_of(objects_of(to_pdf(document)), FIGURE) == [title]
    assert title in Page(to_html(document)).text


def _read(document: Document) -> Word:
    return docx.Document(io.BytesIO(to_docx(document)))


def test_a_language_that_has_no_code_makes_every_form(tmp_path):
    assert len(write_report(one_of_each("Text", "klingon"), tmp_path)) == 5


def test_files_of_a_report_are_known_to_the_run_and_its_old_figures_go(tmp_path):
    others = [tmp_path / "report_nl_ours.docx", tmp_path / "figures" / "00_ours.svg"]
    (tmp_path / "figures").mkdir()
    for path in (*others, tmp_path / "figures" / "09_old_nl.png"):
        path.write_bytes(b"")
    write_report(one_of_each("Text"), tmp_path)
    write_report(one_of_each("Text", "en"), tmp_path)
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert left - set(find_reports(tmp_path)) == set(others)
    names = {path.name for path in (tmp_path / "figures").iterdir()} - {others[1].name}
    assert names == {f"01_a_b_{code}.{form}" for code in ("nl", "en") for form in ("svg", "png")}


def test_a_picture_says_how_large_it_is_meant():
    png = Drawing(lambda: plt.subplots(figsize=(4, 3))[1]).png
    width, height = struct.unpack(">II", png[16:24])
    (per_metre,) = struct.unpack(">I", png[41:45])
    assert png[37:41] == b"pHYs"
    assert width / per_metre * 100 / 2.54 == pytest.approx(4, abs=0.5)
    assert height < width
