"""Read the Markdown of a chapter into blocks of a document.

A chapter has headings with a key (``# Are there profiles? {#profiles}``), paragraphs, bullets, and
containers, which open with three colons and end with three colons alone:

- ``::: finding`` and ``::: summary`` set their paragraphs or bullets apart;
- ``::: table sizes`` holds the caption, a list of columns (``- n: Number``) and notes;
- ``::: figure profiles`` holds the caption, what can be seen (``Alt: ...``), perhaps what it finds
  in a short line that is drawn above it (``Title: ...``), and perhaps a table.

Rows and drawings come from the chapter, by key; words after the key go to it too. A link leads to a
heading by its key, wherever that stands: ``[how this was decided](#number)``. What follows on a
line ``::: annex`` stands in the annex.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NoReturn

from markdown_it import MarkdownIt
from markdown_it.token import Token

from cycle_analysis.problems import refuse
from cycle_analysis.report import document
from cycle_analysis.report.chapter import Chapter
from cycle_analysis.report.language import Column, Rows
from cycle_analysis.report.templates import SUFFIX, unescape, unmarked

SET_APART = ("finding", "summary")
IN = "lang:"
"""What a link "leads to" whose text is in another language, before the code of that."""
CONTAINERS = (*SET_APART, "figure", "table")
FIGURE_TEXTS = ("Alt:", "Title:")
"""What paragraphs of a figure begin with that are no caption: what can be seen, what it finds."""
MARKDOWN = MarkdownIt("zero").enable(
    ["heading", "list", "emphasis", "link", "escape", "entity", "newline", "text_join"]
)
"""What of Markdown a chapter may use; all else is text."""
_HEADING = re.compile(r"(.*\S)\s*\{#([\w-]+)\}")
_COLUMN = re.compile(r"(\w+)(\*?):\s*(.*)", re.DOTALL)
_KNOWN = {"heading", "paragraph", "bullet_list", "list_item", "inline"}


@dataclass
class Container:
    """A part of a chapter between colons, or the chapter itself."""

    kind: str = ""
    names: tuple[str, ...] = ()
    parts: list["str | Container"] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join((":::", self.kind, *self.names))


def read_blocks(markdown: str, chapter: Chapter) -> Iterator[document.Block]:
    """Read the Markdown of a chapter, or of a part of it, into blocks.

    Raises
    ------
    InputError
        When it is no chapter: a container that is not closed, a heading without a key, a figure
        without alt text, a column that does not exist.
    """
    for part in _contained(markdown, chapter).parts:
        if isinstance(part, str):
            yield from _plain(part, chapter)
        elif part.kind in SET_APART:
            yield from _set_apart(part, chapter)
        elif part.kind == "table":
            yield _table(part, chapter)
        else:
            yield _figure(part, chapter)


def part_annex(markdown: str) -> tuple[str, str]:
    r"""Part the Markdown of a chapter into what stands in the report and what in the annex.

    Examples
    --------
    >>> part_annex("# Found {#a}\n::: annex\n# How {#b}\n")
    ('# Found {#a}\n', '# How {#b}\n')
    """
    report, *annex = re.split(r"(?m)^::: annex[ \t]*\n", markdown, maxsplit=1)
    return report, "".join(annex)


def _contained(markdown: str, chapter: Chapter) -> Container:
    """Part the text at its containers."""
    whole = Container()
    opened = [whole]
    lines: list[str] = []

    def close_text() -> None:
        if any(line.strip() for line in lines):
            opened[-1].parts.append("\n".join(lines))
        lines.clear()

    for line in markdown.splitlines():
        if not line.startswith(":::"):
            lines.append(line)
            continue
        close_text()
        kind, *names = line.strip(":").split() or [""]
        if kind:
            container = Container(kind, tuple(unescape(unmarked(name)) for name in names))
            if kind not in CONTAINERS:
                _refuse(chapter, str(container), "is no container", ", ".join(CONTAINERS))
            opened[-1].parts.append(container)
            opened.append(container)
        elif len(opened) > 1:
            opened.pop()
        else:
            _refuse(chapter, ":::", "closes a container that is not open")
    close_text()
    if len(opened) > 1:
        _refuse(chapter, str(opened[-1]), "is not closed", "", "End it with a line of three colons")
    return whole


def _plain(markdown: str, chapter: Chapter) -> Iterator[document.Block]:
    """Read headings, paragraphs and bullets."""
    tokens = MARKDOWN.parse(markdown)
    items: list[document.Text] | None = None
    for place, token in enumerate(tokens):
        if token.type.removesuffix("_open").removesuffix("_close") not in _KNOWN:
            told = next((t.content for t in tokens[place:] if t.content), "")
            problem, remedy = "is no heading, paragraph or bullet", "Do not begin with a number"
            _refuse(chapter, told, problem, "", remedy)
        if token.type == "bullet_list_open":
            items = []
        elif token.type == "bullet_list_close":
            yield document.Bullets(tuple(items or ()))
            items = None
        elif token.type == "inline":
            text = _runs(token)
            if tokens[place - 1].type == "heading_open":
                yield _heading(tokens[place - 1], text, chapter)
            elif items is not None:
                items.append(text)
            elif text:
                yield document.Paragraph(text)


def _heading(opening: Token, text: document.Text, chapter: Chapter) -> document.Heading:
    told = document.words_of(text)
    found = _HEADING.fullmatch(unmarked(told))
    if not found:
        _refuse(chapter, told, "is a heading without a key or a text", "", "Write: # Text {#key}")
    return document.Heading(int(opening.tag[1]), found[2], told[: told.rindex("{#")].rstrip())


def _runs(token: Token) -> document.Text:
    runs: list[document.Run] = []
    strong = em = 0
    to = language = ""
    for child in token.children or []:
        if child.type in {"strong_open", "strong_close"}:
            strong += child.nesting
        elif child.type in {"em_open", "em_close"}:
            em += child.nesting
        elif child.type in {"link_open", "link_close"}:
            aim = str(child.attrs.get("href", ""))
            language = aim.removeprefix(IN) if aim.startswith(IN) else ""
            to = "" if aim.startswith(IN) else aim.removeprefix("#")
        else:
            text = " " if child.type in {"softbreak", "hardbreak"} else child.content
            run = document.Run(text, bool(strong), bool(em), to, language)
            if runs and replace(runs[-1], text=text) == run:
                run = replace(run, text=runs.pop().text + text)
            runs.append(run)
    return tuple(run for run in runs if run.text)


def _set_apart(container: Container, chapter: Chapter) -> Iterator[document.Block]:
    for block in _inside(container, chapter):
        if isinstance(block, document.Paragraph):
            yield document.Paragraph(block.text, container.kind)
        else:
            yield document.Bullets(block.items, container.kind)


def _inside(container: Container, chapter: Chapter) -> list[document.Paragraph | document.Bullets]:
    """Read what stands in a container besides other containers."""
    text = "\n\n".join(part for part in container.parts if isinstance(part, str))
    blocks = list(_plain(text, chapter))
    if any(isinstance(block, document.Heading) for block in blocks):
        _refuse(chapter, str(container), "holds a heading", "", "Close it first with three colons")
    return [block for block in blocks if isinstance(block, (document.Paragraph, document.Bullets))]


def _key(container: Container, chapter: Chapter) -> str:
    if not container.names:
        _refuse(chapter, str(container), "has no key", "", "Write which one after its kind")
    return "-".join((container.kind, *container.names))


def _figure(container: Container, chapter: Chapter) -> document.Figure:
    key = _key(container, chapter)
    inside = _inside(container, chapter)
    told = [
        document.words_of(block.text) for block in inside if isinstance(block, document.Paragraph)
    ]
    alt, title = (
        [text.removeprefix(start).strip() for text in told if text.startswith(start)]
        for start in FIGURE_TEXTS
    )
    caption = [text for text in told if not text.startswith(FIGURE_TEXTS)]
    if len(alt) != 1 or not alt[0]:
        _refuse(chapter, str(container), "has no alt text", "", "Add a paragraph 'Alt: ...'")
    if not caption:
        _refuse(chapter, str(container), "has no caption", "", "Begin with what it shows")
    tables = [part for part in container.parts if isinstance(part, Container)]
    if [part.kind for part in tables] not in ([], ["table"]):
        _refuse(chapter, str(container), "holds more than one table")
    name, *arguments = container.names
    draw = chapter.figure(name, *arguments, title=unmarked(next(iter(title), "")))
    table = _table(tables[0], chapter) if tables else None
    marked = chapter.marked(" ".join(caption))
    return document.Figure(key, marked, alt[0], document.Drawing(draw, chapter.mark), table)


def _table(container: Container, chapter: Chapter) -> document.Table:
    key = _key(container, chapter)
    name, *arguments = container.names
    rows = chapter.table(name, *arguments)
    inside = _inside(container, chapter)
    lists = [block for block in inside if isinstance(block, document.Bullets)]
    texts = [
        document.words_of(block.text) for block in inside if isinstance(block, document.Paragraph)
    ]
    if len(lists) != 1 or not texts:
        _refuse(
            chapter, str(container), "has no caption with one list of columns below it",
            "a caption, then - column: head, then notes",
        )  # fmt: skip
    columns = [
        column
        for item in lists[0].items
        for column in _columns(document.words_of(item), rows, str(container), chapter)
    ]
    cells = tuple(
        tuple(kind.write(chapter.language, row[name]) for name, _, kind in columns)
        for row in rows.rows
    )
    caption, *notes = texts
    marks = {note for row in cells for cell in row for note in cell.note.split()}
    explained = (chapter.note(n) for n in chapter.language.words["notes"] if n in marks)
    return document.Table(
        key, chapter.marked(caption), tuple(head for _, head, _ in columns),
        tuple(kind.numeric for _, _, kind in columns), cells, (*notes, *explained),
    )  # fmt: skip


def _columns(
    item: str, rows: Rows, container: str, chapter: Chapter
) -> Iterator[tuple[str, str, Column]]:
    """Give the columns that one item of the list stands for: name, head and kind."""
    found = _COLUMN.fullmatch(item)
    known = {f"{family}*": members for family, members in rows.families.items()}
    allowed = [*rows.columns, *known]
    if not found or f"{found[1]}{found[2]}" not in allowed:
        _refuse(chapter, f"{container}, {item}", "is no column", ", ".join(allowed))
    name, star, head = found.groups()
    members = known[f"{name}*"] if star else {name: ""}
    for member, title in members.items():
        yield member, head.replace("*", title) if star else head, rows.columns[member]


def _refuse(
    chapter: Chapter, where: str, problem: str, allowed: str = "", remedy: str = ""
) -> NoReturn:
    file = f"texts/{chapter.language.code}/{chapter.key}{SUFFIX}"
    raise refuse(file, where, "", problem, allowed, remedy)
