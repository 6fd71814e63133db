"""Saved results for the tests of the report, and changes to them; texts and pages as structure."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import pytest
from frozen import MAKERS, FrozenRun
from jinja2 import meta, nodes

from cycle_analysis.report import assemble
from cycle_analysis.report.document import Bullets, Document, Paragraph, words_of
from cycle_analysis.report.language import FILTERS
from cycle_analysis.results import Results
from cycle_analysis.study import Study
from cycle_analysis.texts import FOLDERS

PACKAGE = FOLDERS[0]
LANGUAGES = ("nl", "en")
"""Languages of the frozen studies."""
EVERY = pytest.mark.parametrize("name", MAKERS)
BOTH = pytest.mark.parametrize("language", LANGUAGES)


@dataclass
class Saved:
    """The saved results of a frozen study, some tables changed; counts what was asked for."""

    study: Study
    store: Results
    changed: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def load(self, step: str, table: str, wave: str) -> pd.DataFrame:
        self.asked[f"{step}/{table}", wave] += 1
        return self.changed.get(f"{step}/{table}", _read(self.store, step, table, wave)).copy()

    def current(self, step: str, wave: str) -> bool:
        return self.store.current(step, wave)

    def parameters(self, step: str, wave: str) -> Mapping[str, Any]:
        return self.store.parameters(step, wave)

    def change(self, **columns: Mapping[str, Any]) -> "Saved":
        """Give other values to columns; ``NN_step/table`` written as ``NN_step__table``."""
        changed = dict(self.changed)
        for name, values in columns.items():
            step, table = name.removeprefix("t").split("__")
            changed[f"{step}/{table}"] = self.load(step, table, self.study.reference_wave).assign(
                **values
            )
        return Saved(self.study, self.store, changed)


@cache
def _read(store: Results, step: str, table: str, wave: str) -> pd.DataFrame:
    """Read a table of a frozen study once: nobody changes it."""
    return store.load(step, table, wave)


def saved(run: FrozenRun) -> Saved:
    """Open the results of a run."""
    return Saved(run.study, Results(run.processed))


@cache
def assembled(run: FrozenRun, language: str) -> tuple[Document, Saved]:
    """Assemble the report of a run; give it with the results, which counted what was asked for."""
    results = saved(run)
    return assemble(results.study, results, language), results


def document_of(run: FrozenRun, language: str) -> Document:
    """Assemble the report of a run."""
    return assembled(run, language)[0]


@cache
def html_of(run: FrozenRun, language: str, part: str = "report") -> str:
    """Read a page of a run."""
    return (run.reports / f"{part}_{language}.html").read_text("utf-8")


@cache
def page_of(run: FrozenRun, language: str, part: str = "report") -> "Page":
    """Read a page of a run, as structure."""
    return Page(html_of(run, language, part))


def words_in(document: Document) -> str:
    """Everything that a document says in paragraphs and bullets."""
    told = []
    for block in document.blocks:
        if isinstance(block, Paragraph):
            told.append(words_of(block.text))
        elif isinstance(block, Bullets):
            told += [words_of(item) for item in block.items]
    return "\n".join(told)


def all_words_in(document: Document) -> str:
    """Everything that a document says, also in tables, captions and alt texts.

    All but its drawings, which take longest to make.
    """
    cells = [cell.text for table in document.tables for row in table.rows for cell in row]
    return "\n".join([*(text for *_, texts in document.texts for text in texts), *cells])


def table_of(document: Document, key: str) -> pd.DataFrame:
    """The table of a document under a key, as it is shown."""
    (table,) = (table for table in document.tables if table.key == key)
    rows = [[cell.text for cell in row] for row in table.rows]
    return pd.DataFrame([row[1:] for row in rows], [row[0] for row in rows], table.heads[1:])


@dataclass(frozen=True)
class Outline:
    """What a template holds in any language: its bones, in order, and the facts it names."""

    blocks: list[str]
    keys: list[str]
    facts: set[str]
    filters: list[str]


def outline(path: Path) -> Outline:
    """Read the bones of a template: headings, containers and columns; blocks; facts."""
    source = path.read_text("utf-8")
    environment = jinja2.Environment(comment_start_string="{*", comment_end_string="*}")
    environment.filters |= dict.fromkeys(FILTERS, str)
    environment.tests |= dict.fromkeys(("hardly_any", "told"), bool)
    tree = environment.parse(source)
    bones = r"^#+ .*(\{#.*\})$|^(:::.*)$|^- (\w+\*?):"
    keys = [next(filter(None, found)) for found in re.findall(bones, source, re.MULTILINE)]
    blocks = [block.name for block in tree.find_all(nodes.Block)]
    filters = [found.name for found in tree.find_all(nodes.Filter)]
    return Outline(blocks, keys, meta.find_undeclared_variables(tree), filters)


def templates(language: str) -> dict[str, Path]:
    """Find the templates of a language of the package."""
    return {path.name: path for path in sorted((PACKAGE / language).glob("*.md.j2"))}


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def opened(page: Path, *flags: str) -> str:
    """Give what a page holds when its scripts have run, in a browser."""
    given = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", *flags, page.as_uri()]
    return subprocess.run(
        [BROWSER, *given], capture_output=True, text=True, check=True, timeout=120
    ).stdout


VOID = {"meta", "img", "br", "wbr", "link", "input", "hr"}


INLINE = {"a", "b", "em", "span"}
"""Elements that stand inside a word or a sentence."""


class Page(HTMLParser):
    """What a reader's software finds in a page: elements, ids, headings, images, links, text."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.language, self.text, self.drawn, self.tags = "", "", "", set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        self.text += "" if tag in INLINE else " "
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if found.get("role") == "img":
            self.images.append(found)
        if tag == "html":
            self.language = found["lang"]
        self.links += [found[name] for name in ("href", "src") if name in found]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += "" if tag in INLINE else " "

    def handle_data(self, data):
        if "style" in self.open:
            return
        if "svg" in self.open:
            self.drawn += data
        else:
            self.text += data
