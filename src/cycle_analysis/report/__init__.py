"""Assemble the report of a study from its saved tables, or tell one block of it in a notebook.

Nothing is computed here: facts of the chapters select, round and protect, templates put them into
words.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.report.chapter import Chapter, ChapterFacts, Results
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.document import (
    Block,
    Bullets,
    Document,
    Heading,
    Paragraph,
    Table,
    Text,
    number_blocks,
)
from cycle_analysis.report.door import Door
from cycle_analysis.report.language import Language, open_language
from cycle_analysis.report.reading import part_annex, read_blocks
from cycle_analysis.report.sources import Remembering, SourcedResults
from cycle_analysis.report.templates import (
    MACROS,
    SHEET,
    SUFFIX,
    escape,
    has_block,
    legible,
    make_sandbox,
    render,
    render_block,
    unescape,
)
from cycle_analysis.report.writers import to_html, write_report
from cycle_analysis.study import Study

WRITERS_WORDS = (
    *("contents", "figure", "table", "skip", "made_with", "alone", "wide", "workbook"),
    *("report", "annex", "not_shown", "traced", "sources"),
)


def assemble(
    study: Study,
    results: Results,
    code: str,
    chapters: Mapping[str, type[Chapter]] = CHAPTERS,
    door: Door | None = None,
) -> Document:
    """Assemble the report of a study in one language.

    Parameters
    ----------
    study : Study
        The study.
    results : Results
        Its tables; notebooks 01-07 must have run.
    code : str
        The language, such as ``"nl"``.
    chapters : mapping of str to Chapter class
        The chapters, in order; those that a study has besides come last.
    door : Door, optional
        What numbers of units leave by; one that rounds as the study says when not given.

    Raises
    ------
    InputError
        When a table is not there yet, or a template of the study is wrong.
    ValueError
        When there are no texts in the language.
    """
    language = open_language(code, study, door or Door(study.round_to))
    known, origins = SourcedResults(results), list[Any]()
    sandbox = make_sandbox(language, origins)
    blocks: list[Block] = []
    annex: list[Block] = []
    for kind in (*chapters.values(), *_own_chapters(study, code, chapters)):
        chapter = kind(study, known, language)
        told = part_annex(render(sandbox, chapter.key, ChapterFacts(chapter)))
        blocks, annex = (
            [*part, *read_blocks(text, chapter)]
            for part, text in zip((blocks, annex), told, strict=True)
        )
    if annex:
        blocks += [Heading(0, "method-annex", str(language.words["annex"])), *annex]
    waves = language.listed([language.wave(wave) for wave in study.waves])
    report = Document(
        language=code,
        title=study.title[code],
        subtitle=str(language.words["subtitle"]).format(waves=waves),
        blocks=number_blocks(blocks),
        mark=language.mark,
        about=_about(study, language),
        others=tuple(
            (other, str(open_language(other, study).words["language"]))
            for other in study.languages
            if other != code
        ),
        words={name: str(language.words[name]) for name in WRITERS_WORDS},
    )
    shown: Document = legible(report, origins)
    return shown


def open_chapter(
    study: Study, results: Results, code: str, chapter: str, wave: str = "", round_to: int = 0
) -> Chapter:
    """Open one chapter of the report, to tell a block of it or to draw a figure.

    Parameters
    ----------
    study, results, code
        As for `assemble`.
    chapter : str
        Name of the chapter.
    wave : str
        The wave that the chapter is about; the reference wave when not given.
    round_to : int
        What numbers of units are rounded to; as the study says when not given.

    Raises
    ------
    ValueError
        When there is no such chapter.
    """
    if chapter not in CHAPTERS:
        raise ValueError(f"there is no chapter {chapter!r}; choose from {list(CHAPTERS)}")
    language = open_language(code, study, Door(round_to or study.round_to))
    return CHAPTERS[chapter](study, Remembering(results), language, wave)


def tell(chapter: Chapter, block: str) -> str:
    """Tell one block of a chapter as Markdown, in the words of the report.

    Only the tables that the block needs are loaded. Figures are left out.

    Raises
    ------
    ValueError
        When the template has no such block.
    """
    sandbox = make_sandbox(chapter.language)
    text = render_block(sandbox, chapter.key, block, ChapterFacts(chapter))
    return "\n\n".join(part for b in read_blocks(text, chapter) if (part := to_markdown(b)))


def draw(chapter: Chapter, figure: str, *names: str) -> Axes:
    """Draw a figure of a chapter; one of which there is one, under the report's finding on it."""
    sandbox, block = make_sandbox(chapter.language), f"title_{figure}"
    title = ""
    if not names and has_block(sandbox, chapter.key, block):
        title = unescape(render_block(sandbox, chapter.key, block, ChapterFacts(chapter)))
    return chapter.figure(figure, *names, title=title)()


def to_markdown(block: Block) -> str:
    """Write a block as Markdown; nothing of a figure but its table."""
    if isinstance(block, Heading):
        return f"{'#' * (block.level + 1)} {escape(block.text)}"
    if isinstance(block, Paragraph):
        return _marked(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_marked(item)}" for item in block.items)
    if isinstance(block, Table):
        return _table(block)
    return _table(block.table) if block.table else ""


def _marked(text: Text) -> str:
    told = ""
    for run in text:
        sign = "**" * run.strong + "*" * run.em
        told += f"{sign}{escape(run.text)}{sign}"
    return told


def _table(table: Table) -> str:
    signs = ["---:" if is_number else "---" for is_number in table.numeric]
    rows = [table.heads, signs, *[[cell.text for cell in row] for row in table.rows]]
    lines = [f"| {' | '.join(escape(text) if text not in signs else text for text in row)} |"
             for row in rows]  # fmt: skip
    notes = "\n\n".join(escape(note) for note in table.notes)
    return f"{escape(table.caption)}\n\n" + "\n".join(lines) + f"\n\n{notes}"


def _about(study: Study, language: Language) -> tuple[tuple[str, str], ...]:
    """Tell of the report itself what study.yaml says: whose it is, when, and how to cite it."""
    words = language.words["about_report"]
    return tuple((str(words[name]), text) for name, text in study.about if text)


def _own_chapters(
    study: Study, code: str, chapters: Mapping[str, type[Chapter]]
) -> Iterator[type[Chapter]]:
    """Give the chapters that a study adds: templates under a name that no chapter has."""
    for file in sorted((study.folder / "texts" / code).glob(f"*{SUFFIX}")):
        key = file.name.removesuffix(SUFFIX)
        if key not in CHAPTERS and key not in chapters and file.name not in (MACROS, SHEET):
            yield type(f"{key}Chapter", (Chapter,), {"key": key, "__doc__": f"Chapter {key}."})
