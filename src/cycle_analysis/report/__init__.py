"""Assemble the report of a study from its saved tables, or tell one block of it in a notebook.

Nothing is computed here: facts of the chapters select, round and protect, templates put them into
words.

Beside the report stands the page *Which profile fits us?*: the questionnaire, and the probability
of each profile. It works without a server and sends nothing. It holds what the report publishes and
no more: the questions, and of each profile its share, its mean scores and how scores spread around
them, all rounded as in the report. One person answers, so the spread is that of the true scores of
a profile together with that between respondents of one unit.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from cycle_analysis.profiles import PROFILES as WITH_SPREAD
from cycle_analysis.report import document, templates
from cycle_analysis.report.chapter import NUMBER, PROFILES, SCORES, Chapter, ChapterFacts, Results
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.document import Document
from cycle_analysis.report.door import Door
from cycle_analysis.report.language import Language, open_language
from cycle_analysis.report.reading import part_annex, read_blocks
from cycle_analysis.report.sources import Remembering, SourcedResults
from cycle_analysis.report.writers import Link, page_template, style, write_report
from cycle_analysis.study import Study
from cycle_analysis.whole_files import delete_files, write_whole

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
    sandbox = templates.make_sandbox(language, origins)
    blocks: list[document.Block] = []
    annex: list[document.Block] = []
    opened: dict[tuple[type[Chapter], str], Chapter] = {}
    for kind in (*chapters.values(), *_own_chapters(study, code, chapters)):
        wave = kind.usual_wave(study)
        chapter = opened.get((kind, wave)) or kind(study, known, language, wave, opened)
        told = part_annex(templates.render(sandbox, chapter.key, ChapterFacts(chapter)))
        blocks, annex = (
            [*part, *read_blocks(text, chapter)]
            for part, text in zip((blocks, annex), told, strict=True)
        )
    if annex:
        blocks += [document.Heading(0, "method-annex", str(language.words["annex"])), *annex]
    waves = language.listed([language.wave(wave) for wave in study.waves])
    subtitle = str(language.words["subtitle"]).format(waves=waves)
    others = tuple(
        (other, str(open_language(other, study).words["language"]))
        for other in study.languages
        if other != code
    )
    report = set_document(language, study.title[code], subtitle, blocks)
    return templates.legible(replace(report, about=_about(study, language), others=others), origins)


def set_document(
    language: Language, title: str, subtitle: str, blocks: Sequence[document.Block]
) -> Document:
    """Set blocks as a document, with the words that those who write it need."""
    words = {name: str(language.words[name]) for name in WRITERS_WORDS}
    numbered = document.number_blocks(blocks)
    return Document(language.code, title, subtitle, numbered, language.mark, words)


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
    sandbox = templates.make_sandbox(chapter.language)
    text = templates.render_block(sandbox, chapter.key, block, ChapterFacts(chapter))
    return "\n\n".join(part for b in read_blocks(text, chapter) if (part := to_markdown(b)))


def draw(chapter: Chapter, figure: str, *names: str) -> Axes:
    """Draw a figure of a chapter; one of which there is one, under the report's finding on it."""
    sandbox, block = templates.make_sandbox(chapter.language), f"title_{figure}"
    title = ""
    if not names and templates.has_block(sandbox, chapter.key, block):
        title = templates.unescape(
            templates.render_block(sandbox, chapter.key, block, ChapterFacts(chapter))
        )
    return chapter.figure(figure, *names, title=title)()


def to_markdown(block: document.Block) -> str:
    """Write a block as Markdown; nothing of a figure but its table."""
    if isinstance(block, document.Heading):
        return f"{'#' * (block.level + 1)} {templates.escape(block.text)}"
    if isinstance(block, document.Paragraph):
        return _marked(block.text)
    if isinstance(block, document.Bullets):
        return "\n".join(f"- {_marked(item)}" for item in block.items)
    if isinstance(block, document.Table):
        return _table(block)
    return _table(block.table) if block.table else ""


def _marked(text: document.Text) -> str:
    told = ""
    for run in text:
        sign = "**" * run.strong + "*" * run.em
        told += f"{sign}{templates.escape(run.text)}{sign}"
    return told


def _table(table: document.Table) -> str:
    signs = ["---:" if is_number else "---" for is_number in table.numeric]
    texts = [table.heads, *([cell.text for cell in row] for row in table.rows)]
    heads, *rows = [[str(templates.escape(text)) for text in row] for row in texts]
    lines = [f"| {' | '.join(row)} |" for row in (heads, signs, *rows)]
    notes = "\n\n".join(templates.escape(note) for note in table.notes)
    return f"{templates.escape(table.caption)}\n\n" + "\n".join(lines) + f"\n\n{notes}"


def _about(study: Study, language: Language) -> tuple[tuple[str, str], ...]:
    """Tell of the report itself what study.yaml says: whose it is, when, and how to cite it."""
    words = language.words["about_report"]
    return tuple((str(words[name]), text) for name, text in study.about if text)


def _own_chapters(
    study: Study, code: str, chapters: Mapping[str, type[Chapter]]
) -> Iterator[type[Chapter]]:
    """Give the chapters that a study adds: templates under a name that no chapter has."""
    for file in sorted((study.folder / "texts" / code).glob(f"*{templates.SUFFIX}")):
        key = file.name.removesuffix(templates.SUFFIX)
        known = {*CHAPTERS, *chapters}
        if key not in known and file.name not in (templates.MACROS, templates.SHEET):
            yield type(f"{key}Chapter", (Chapter,), {"key": key, "__doc__": f"Chapter {key}."})


def write_fit_page(study: Study, results: Results, code: str, folder: Path) -> list[Link]:
    """Write the page *Which profile fits us?*, where profiles were found with a spread.

    Parameters
    ----------
    study, results, code
        As `report.assemble`.
    folder : Path
        Where the report is.

    Returns
    -------
    list of Link
        To the page, for the report; empty when there is none.

    Raises
    ------
    InputError
        If it may not be written.
    """
    path = folder / f"fit_{code}.html"
    told = fit_of(study, results, code)
    if not told:
        delete_files([path])
        return []
    language = open_language(code, study)
    page = {
        "language": code,
        "title": study.title[code],
        "mark": language.mark,
        "words": language.words["fit_page"] | {"report": language.words["report"]},
        "questions": _questions(study, code),
        "told": Markup(json.dumps(told, ensure_ascii=False).replace("</", "<\\/")),
    }
    html = page_template("fit.html.j2").render(page, style=style())
    write_whole(path, f"{html}\n".encode())
    return [Link(str(language.words["fit_page"]["title"]), path.name)]


def fit_of(study: Study, results: Results, code: str) -> dict[str, Any]:
    """Give what the page computes with; empty where no profiles were found, or have no spread.

    Returns
    -------
    dict
        `profiles`: name, share, means and covariances (phases × phases, in points) of each, for one
        respondent. `items`: code, place of its phase, low, high, whether it is reversed.
        `min_answered`, `between`: shares.
    """
    wave, language = study.reference_wave, open_language(code, study, Door(study.round_to))
    chapter = Chapter(study, results, language)
    kind = str(results.load(NUMBER, "division", wave)["kind"].iloc[0])
    if not chapter.found or kind != WITH_SPREAD or not all(group.shown for group in chapter.groups):
        return {}
    means = results.load(NUMBER, "means", wave)[study.phase_codes].round()
    error = results.load(SCORES, "error", wave).loc[study.phase_codes, study.phase_codes]
    within = error.fillna(0.0).to_numpy(float)  # of one unit; 0 where it is not known
    covariances = results.load(NUMBER, "covariances", wave)
    profiles = [
        {
            "name": language.title(group),
            "share": max(round(chapter.door.ratio(group.n), 2), 0.01),
            "means": means.loc[group.number].tolist(),
            "covariances": _spread(
                covariances.loc[group.number].loc[study.phase_codes, study.phase_codes], within
            ),
        }
        for group in chapter.groups
    ]
    scoring = results.parameters(SCORES, wave)
    return {
        "profiles": profiles,
        "items": _items(study, wave),
        "phases": [study.phase_names(code)[phase] for phase in study.phase_codes],
        "min_answered": float(scoring["min_answered"]),
        "between": float(results.parameters(PROFILES, wave)["clearly_placed"]),
    }


def _spread(true: pd.DataFrame, within: np.ndarray) -> list[list[int]]:
    """Give the covariance of one respondent's scores in whole numbers, never without spread."""
    rounded = np.round(true.to_numpy(float) + within).astype(int)
    lacking = max(0, int(np.ceil(1 - np.linalg.eigvalsh(rounded).min())))
    return (rounded + lacking * np.eye(len(rounded), dtype=int)).tolist()


def _items(study: Study, wave: str) -> list[dict[Any, Any]]:
    """Give the items with the number of their phase, from 0."""
    items = study.phase_items(wave).rename_axis("item").reset_index()
    items["phase"] = items["phase"].map(study.phase_codes.index)
    return items[["item", "phase", "low", "high", "reversed"]].to_dict("records")


def _questions(study: Study, code: str) -> list[dict[str, Any]]:
    """Give the questions with their answers, by phase, in the order of the cycle."""
    asked = study.phase_items(study.reference_wave)
    items = study.codebook.items.loc[asked.index]
    named = {phase.code: phase.label[code] for phase in study.phases}
    steps = {name: study.scales[name].steps(code).items() for name in items["scale"].unique()}
    told = {name: [{"code": c, "text": text} for c, text in of] for name, of in steps.items()}
    return [
        {
            "phase": named[phase],
            "items": [
                {"item": item, "question": row[f"question_{code}"], "answers": told[row["scale"]]}
                for item, row in rows.iterrows()
            ],
        }
        for phase in study.phase_codes
        for rows in [items[items["phase"] == phase]]
    ]
