"""A document is numbered and nested as it is read, and its page stands on its own."""

import re
import shutil

import matplotlib.pyplot as plt
import pytest
import yaml
from small_studies import HOSTILE
from told import Page, Saved, saved

from cycle_analysis.report import assemble
from cycle_analysis.report.document import (
    Bullets,
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
from cycle_analysis.report.templates import escape
from cycle_analysis.report.writers import to_html
from cycle_analysis.study import load_study

LANGUAGES = ("nl", "en")
START = Heading(1, "start", "Start")


def draw():
    return plt.subplots()[1]


def table(key: str, *rows: tuple[str, ...]) -> Table:
    cells = tuple(tuple(Cell(text) for text in row) for row in rows)
    return Table(key, "caption", ("a", "b"), (False, True), cells)


def labelled(tree):
    """Add what could break a page to every text of a study."""
    if isinstance(tree, list):
        return [labelled(part) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if {"nl", "en"} <= tree.keys():
        return tree | {code: f"{tree[code]} {HOSTILE} *x* [y](z) | \u202e" for code in ("nl", "en")}
    return {name: labelled(part) for name, part in tree.items()}


@pytest.fixture(scope="module")
def results(frozen_run, tmp_path_factory) -> Saved:
    """Four profiles in one wave, of a study whose labels hold markup."""
    run, home = frozen_run("one_wave"), tmp_path_factory.mktemp("hostile")
    shutil.copytree(run.home / "data" / "raw", home / "data" / "raw")
    (folder,) = (home / "data" / "raw").iterdir()
    for path in (folder / "study.yaml", *folder.glob("*/wave.yaml")):
        tree = labelled(yaml.safe_load(path.read_text("utf-8")))
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
    return Saved(load_study(folder.name, home), saved(run).store)


@pytest.fixture(scope="module")
def documents(results) -> dict[str, Document]:
    return {language: assemble(results.study, results, language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def written(documents) -> dict[str, str]:
    return {language: to_html(document) for language, document in documents.items()}


@pytest.fixture(scope="module")
def pages(written) -> dict[str, Page]:
    return {language: Page(html) for language, html in written.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_sound_and_fetches_nothing(documents, pages, language):
    page = pages[language]
    assert page.open == []
    assert page.language == language
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert all(image["aria-label"] for image in page.images)
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    assert "script" not in page.tags
    assert not any(re.search("[,;][a-zA-Z]", image["aria-label"]) for image in page.images)


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_and_tables_are_numbered_in_reading_order(documents, pages, language):
    document = documents[language]
    for word, things in (("figure", document.figures), ("table", document.tables)):
        numbers = re.findall(rf"\b{document.words[word]} (A?\d+)\.", pages[language].text)
        assert numbers == [t.number for t in things]
        annex = [number for number in numbers if number[0] == "A"]
        report = numbers[: len(numbers) - len(annex)]
        assert report == [str(n) for n in range(1, len(report) + 1)]
        assert annex == [f"A{n}" for n in range(1, len(annex) + 1)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_a_study_are_shown_as_they_are(pages, documents, language):
    assert f"{HOSTILE} *x* [y](z) | [U+202E]" in pages[language].text
    assert "z" not in pages[language].links
    chapters = [part for of in documents[language].parts for part in of.sections]
    names = [section.heading.text for chapter in chapters for section in chapter.sections]
    assert any(name.startswith("1 Na") and HOSTILE in name for name in names)


def test_the_same_document_has_the_same_bytes_and_leaves_no_figure_open(results, written):
    plt.close("all")
    assert to_html(assemble(results.study, results, "nl")) == written["nl"]
    assert plt.get_fignums() == []


def test_synthetic_data_are_marked_on_the_title_every_caption_and_every_drawing(documents, written):
    document = documents["en"]
    assert "<title>[SYNTHETIC DATA]" in written["en"]
    for thing in (*document.figures, *document.tables):
        assert thing.caption.endswith("[SYNTHETIC DATA]")
    assert all(b"SYNTHETIC DATA" in figure.drawing.svg for figure in document.figures)


def test_what_marks_in_a_table_mean_is_told_below_it(documents):
    for one in documents["en"].tables:
        texts = [cell.text for row in one.rows for cell in row]
        notes = " ".join(one.notes)
        assert ("–" in texts) == ("– = no value" in notes)
        assert any(t.startswith(("<", ">")) for t in texts) <= (
            "bound" in notes or "rounded" in notes
        )


def test_sections_nest_by_the_level_of_their_headings():
    blocks = (
        Heading(1, "a", "A"),
        Paragraph((Run("one"),)),
        Heading(2, "b", "B"),
        Heading(3, "c", "C"),
        Bullets(((Run("two"),),)),
        Heading(2, "d", "D"),
        Heading(1, "e", "E"),
    )
    first, second = Document("en", "t", "s", blocks).parts[0].sections
    assert [part.heading.key for part in first.sections] == ["b", "d"]
    assert first.sections[0].sections[0].blocks == (blocks[4],)
    assert first.blocks == (blocks[1],)
    assert second.sections == ()


def test_a_figure_s_table_is_numbered_with_the_others():
    figure = Figure("f", "c", "alt", Drawing(draw), table("t1", ("x", "1")))
    numbered = number_blocks((START, figure, table("t2", ("x", "1"))))
    document = Document("en", "t", "s", numbered)
    assert [t.number for t in document.tables] == ["1", "2"]


def test_two_blocks_with_one_key_are_refused():
    with pytest.raises(ValueError, match=r"\['t'\] stand twice"):
        number_blocks((START, table("t", ("x", "1")), table("t", ("x", "1"))))


def test_a_figure_needs_an_alt_text_and_a_table_rows_of_one_width():
    with pytest.raises(ValueError, match="no alt text"):
        Figure("key", "caption", " ", Drawing(draw))
    with pytest.raises(ValueError, match="rows of"):
        table("key", ("1",))
    with pytest.raises(ValueError, match="no rows"):
        table("key")


@pytest.mark.parametrize(
    "name",
    [
        "*a*",
        "_a_",
        "# a",
        "- a",
        "1. a",
        "2) a",
        "::: table",
        "a&amp;b",
        "`a`",
        "[a](b)",
        "a\\",
        "<b>",
        "+ a",
        "==",
    ],
)
def test_a_name_never_becomes_markup(results, name):
    from cycle_analysis.report.reading import MARKDOWN

    tokens = MARKDOWN.parse(str(escape(name)))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(child.content for child in tokens[1].children) == name


def test_a_drawing_in_dots_is_the_same_twice():
    assert Drawing(draw, "MARK").png == Drawing(draw, "MARK").png
    assert Drawing(draw).png.startswith(b"\x89PNG")
