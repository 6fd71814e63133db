"""Every number that a report prints knows its cell: listed, shown on demand, refused without."""

import csv
import io
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import pytest
from frozen import FrozenRun
from jinja2 import nodes
from told import BOTH, EVERY, Saved, document_of, html_of, saved, templates

from cycle_analysis.problems import InputError
from cycle_analysis.profiles.selection import TIE
from cycle_analysis.report import assemble
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.document import Document
from cycle_analysis.report.door import LEAST_GROUP, LEAST_WHOLE, Door
from cycle_analysis.report.language import FILTERS
from cycle_analysis.report.sources import EVERY as ALL_ROWS
from cycle_analysis.report.sources import (
    Printed,
    Source,
    Sourced,
    as_whole,
    made,
    numbers_in,
    sources_of,
)
from cycle_analysis.report.writers import NUMBERS, to_html, to_numbers
from cycle_analysis.study import load_study
from cycle_analysis.texts import find_languages

Place = tuple[str, str, str]
"""Part of a report, section, and which text of it."""
Texts = dict[Place, tuple[str, ...]]


@pytest.fixture(scope="module")
def sizes() -> Sourced:
    """A table of two profiles."""
    index = pd.Index([1, 2], name="profile")
    table = pd.DataFrame({"n": [30, 40], "mean": [20.5, np.nan], "name": ["a", "b"]}, index)
    return Sourced.of(table, "sizes")


# Values know their cell.


def test_a_value_of_a_table_knows_its_cell_however_it_is_taken(sizes):
    cell = (Source("sizes", "2", "n"),)
    (_, _), (_, row) = sizes.iterrows()
    taken = [sizes.loc[2, "n"], sizes["n"].loc[2], sizes["n"].iloc[1], sizes["n"][2], row["n"]]
    taken += [[*sizes["n"]][1], dict(sizes["n"].items())[2], sizes.iloc[1]["n"], sizes.at[2, "n"]]
    taken += [
        sizes.reset_index().set_index("name").loc["b", "n"],
        sizes[sizes["n"] > 30]["n"].iloc[0],
    ]
    assert [sources_of(value) for value in taken] == [cell] * len(taken)
    assert all(value == 40 and value.how == "" for value in taken)


def test_what_is_counted_on_names_all_its_cells(sizes):
    one, two = sizes["n"]
    both = (Source("sizes", "1", "n"), Source("sizes", "2", "n"))
    for value in (one + two, 100 * one / two, round(two / one), -one * two, sum([one, two])):
        assert {*sources_of(value)} == {*both}
        assert value.how == "calculated"
    assert as_whole(two / one) == 1
    assert sources_of(as_whole(one)) == (Source("sizes", "1", "n"),)


def test_a_sum_or_mean_names_the_rows_it_was_taken_over(sizes):
    assert sources_of(sizes["n"].sum()) == (Source("sizes", ALL_ROWS, "n"),)
    assert sizes["n"].mean().how == "mean"
    assert sources_of(sizes[sizes.index == 2]["n"].max()) == (Source("sizes", "2", "n"),)


def test_a_column_that_is_made_has_no_source(sizes):
    """It would be named after the cell that stood there."""
    changed = sizes.assign(n=sizes["n"] * 2)
    for value in (changed["n"].iloc[0], (sizes["n"] + 1)[1], (sizes["n"] > 1).sum(), len(sizes)):
        assert sources_of(value) == ()
    assert sources_of(changed["mean"][1]) == (Source("sizes", "1", "mean"),)
    assert sources_of(made(len(sizes), sizes)) == (Source("sizes", ALL_ROWS, ""),)


def test_a_row_of_a_unit_is_never_named():
    units = pd.Index(["GM0363", "GM0518"], name="unit")
    table = Sourced.of(pd.DataFrame({"score": [20.0, 30.0]}, units), "scores")
    for value in (
        table["score"].iloc[0],
        table["score"].min(),
        table[table["score"] > 20]["score"].sum(),
    ):
        assert sources_of(value) == (Source("scores", ALL_ROWS, "score"),)


# A report.


def printed(document: Document) -> dict[Place, list[tuple[int, str, Printed]]]:
    return {(a, b, c): [*numbers_in(pieces)] for a, b, c, pieces in document.texts}


@EVERY
@BOTH
def test_every_number_that_a_filter_writes_knows_a_cell_that_there_is(frozen_run, name, language):
    run = frozen_run(name)
    document = document_of(run, language)
    sources = set()
    for numbers in printed(document).values():
        for _, text, number in numbers:
            assert number.sources, text
            sources |= {*number.sources}
    assert document.traced
    for table, named in groupby(sorted(sources, key=attrgetter("table")), attrgetter("table")):
        _check(run, table, [*named])


def _check(run: FrozenRun, name: str, sources: Sequence[Source]) -> None:
    """Look sources up: their file, its columns, and its rows by their names."""
    if not (run.processed / f"{name}.csv").exists():
        package = ("cycle_analysis/profiles/rates.csv", "method", "study.yaml", "wave.yaml")
        is_of_package = name in (*package, "codebook.csv")
        assert is_of_package or {source.row for source in sources} == {"parameters"}
        return
    wave, step, table = name.split("/")
    found = saved(run).load(step, table, wave)
    columns = {"", *map(str, found.columns), *found.index.names}
    rows = {", ".join(map(str, row if isinstance(row, tuple) else [row])) for row in found.index}
    assert {source.column for source in sources} <= columns
    is_of_units = bool({"unit", "respondent"} & set(found.index.names))
    assert {source.row for source in sources} <= {ALL_ROWS} | (set() if is_of_units else rows)


@EVERY
@BOTH
def test_the_list_of_numbers_lies_beside_the_report_and_says_what_the_page_shows(
    frozen_run, name, language
):
    run = frozen_run(name)
    told = (run.reports / f"numbers_{language}.csv").read_bytes()
    assert told == to_numbers(document_of(run, language))
    rows = [*csv.DictReader(io.StringIO(told.decode("utf-8")))]
    assert tuple(rows[0]) == NUMBERS
    assert {row["document"] for row in rows} == {f"report_{language}", f"annex_{language}"}
    pages = html_of(run, language) + html_of(run, language, "annex")
    shown = sum(
        not re.search(" (alt|head )", row["place"]) and row["place"] != "heading" for row in rows
    )
    assert pages.count('<span class="told" data-of="') == shown
    assert pages.count('<input type="checkbox" id="sources">') == 2


def test_a_document_without_sources_has_nothing_to_show():
    bare = Document("en", "Title", "", (), words={"skip": "", "made_with": "", "alone": ""})
    assert 'id="sources"' not in to_html(bare)


# Cells that change.


@dataclass
class Changed:
    """Results of which one cell may be another; remembers the tables that were loaded."""

    results: Saved
    place: tuple[str, str, str] | None = None
    cell: tuple[Any, str] = ("", "")
    value: float = 0
    tables: dict[tuple[str, str, str], pd.DataFrame] = field(default_factory=dict)

    def load(self, step: str, table: str, wave: str) -> pd.DataFrame:
        found = self.tables[step, table, wave] = self.results.load(step, table, wave)
        if (step, table, wave) != self.place:
            return found
        changed = found.copy()
        changed.loc[self.cell] = self.value
        return changed

    def current(self, step: str, wave: str) -> bool:
        return self.results.current(step, wave)

    def parameters(self, step: str, wave: str) -> Any:
        return self.results.parameters(step, wave)

    def named(self, number: Printed, exactly: bool = False) -> bool:
        """Whether a number names the changed cell; exactly, if no other stands beside it."""
        (step, table, wave), (row, column) = self.place or ("", "", ""), self.cell
        name = ", ".join(map(str, row)) if isinstance(row, tuple) else str(row)
        cells = {(name, column)} | (set() if exactly else {(ALL_ROWS, column), (ALL_ROWS, "")})
        found = [s for s in number.sources if s.table == f"{wave}/{step}/{table}"]
        hits = [source for source in found if (source.row, source.column) in cells]
        return bool(hits) and not (exactly and len(number.sources) > 1)


def skeleton(pieces: Sequence[str]) -> str:
    """Give a text without its numbers."""
    told = ""
    for piece in pieces:
        end = 0
        for number in getattr(piece, "numbers", ()):
            told, end = told + piece[end : number.start] + "#", number.end
        told += piece[end:]
    return told


PLAINLY = {"number", "percent", "mean", "count", "units", "basis"}
"""How a number is written that always shows a large change."""


@pytest.mark.parametrize("round_to", [1, 5])
def test_a_cell_that_changes_changes_the_numbers_that_name_it_and_no_others(frozen_run, round_to):
    """A number may change if it names the cell, before or after; if it names only that, it must.

    Words that a cell decides, as a verdict, may change too: their text is then another.
    """
    results, rng = saved(frozen_run("one_wave")), np.random.default_rng(round_to)
    untouched = {key: Changed(results) for key in CHAPTERS}
    before = {key: texts_of(found, round_to, key) for key, found in untouched.items()}
    tables = {place: table for found in untouched.values() for place, table in found.tables.items()}
    shown = 0
    for place, cell, value in some_cells(tables, before.values(), rng):
        for key in (key for key in CHAPTERS if place in untouched[key].tables):
            changed = Changed(results, place, cell, value)
            try:
                after = texts_of(changed, round_to, key)
            except (ValueError, KeyError):  # counts that do not add up are refused
                continue
            shown += n_changed(changed, before[key], after, round_to)
    assert shown > 5


def texts_of(results: Changed, round_to: int, key: str) -> Texts:
    """Give the texts of a chapter by itself: it knows of others what it loads."""
    chapter = {key: CHAPTERS[key]}
    document = assemble(results.results.study, results, "en", chapter, Door(round_to))
    return {(part, section, place): pieces for part, section, place, pieces in document.texts}


def n_changed(changed: Changed, before: Texts, after: Texts, round_to: int) -> int:
    """Count the numbers that changed; hold that they and no others name the changed cell."""
    shown = 0
    for where in before.keys() & after.keys():
        old, new = before[where], after[where]
        if skeleton(old) == skeleton(new):
            for (_, was, one), (_, now, other) in zip(
                numbers_in(old), numbers_in(new), strict=True
            ):
                shown += was != now
                named = changed.named(one) or changed.named(other)
                assert was == now or named, (changed.place, changed.cell, where, was, now)
                alone = changed.named(one, True) and changed.named(other, True)
                must = round_to == 1 and alone and one.how in PLAINLY
                assert was != now or not must, (changed.place, changed.cell, where, was)
    return shown


def some_cells(tables: Any, before: Iterable[Texts], rng: Any) -> Iterator[Any]:
    """Give cells to change, with another value: some that a number names, some of any table."""
    texts = [told for chapter in before for told in chapter.values()]
    named = {source for told in texts for *_, n in numbers_in(told) for source in n.sources}
    every = [
        (place, (row, column), table.loc[row, column])
        for place, table in sorted(tables.items())
        for column in table.select_dtypes("number")
        for row in table.index[table[column].notna()][:20]
    ]
    stand = {(f"{p[2]}/{p[0]}/{p[1]}", str(c[0]), c[1]): n for n, (p, c, _) in enumerate(every)}
    told = sorted(stand[source] for source in named if source in stand)
    for n in (*rng.choice(told, 8, replace=False), *rng.choice(len(every), 6, replace=False)):
        place, cell, value = every[n]
        yield place, cell, value + 7 if isinstance(value, np.integer) else value * 1.4 + 0.03


# Numbers without a source.


def test_a_number_without_a_source_is_told_with_its_template_and_what_stands_there(
    frozen_run, tmp_path
):
    run = frozen_run("one_wave")
    shutil.copytree(run.home / "data" / "raw", tmp_path / "data" / "raw")
    own, store = load_study(run.study.name, tmp_path), saved(run)
    for text in ("{{ 5|number }}", "{{ groups|length|spelled }}", "{{ 0.5|percent }}"):
        file = own.folder / "texts" / "en" / "ours.md.j2"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# Ours {{#ours}}\n\nThere are {text} groups.\n", "utf-8")
        with pytest.raises(InputError) as caught:
            assemble(own, store, "en")
        told = str(caught.value)
        assert "texts/en/ours.md.j2, line 3" in told
        assert f"There are {text} groups." in told
        assert "without a source" in told


LITERALS = {
    "0 1 -1 100": "ends of scales, of shares and of coefficients",
    "95 50": "confidence of every interval, and the share at which it is widest",
    "0.05 5 0.01": "level of tests, and of what is rounded",
    f"{LEAST_WHOLE} {LEAST_GROUP}": "what the door tells shares, and associations, of",
    f"{TIE:g} 6": "BIC points within which solutions are near",
    "0.3 0.30 0.40 0.50 0.60 0.70 0.75": "how H, Jaccard and reliability read",
    "2 3 4 1e-9": "starts and rules of the method",
}
"""Numbers that templates write themselves, by what they are."""


@pytest.mark.parametrize("language", find_languages())
def test_a_template_writes_no_number_itself_but_those_of_the_method(language):
    """Years of references, numbers of items of a checklist and names such as ICC(1) aside."""
    allowed = {number for numbers in LITERALS for number in numbers.split()}
    for name, file in templates(language).items():
        if name == "sheet.md.j2":
            continue
        environment = jinja2.Environment(comment_start_string="{*", comment_end_string="*}")
        environment.filters |= dict.fromkeys(FILTERS, str)
        environment.tests |= dict.fromkeys(("hardly_any", "told"), bool)
        for data in environment.parse(file.read_text("utf-8")).find_all(nodes.TemplateData):
            plain = re.sub(NO_NUMBER, "", data.data)
            found = re.findall(r"(?<![\w])[-−]?\d*[.,]?\d+(?:e-\d+)?", plain)
            told = {number.replace(",", ".").replace("−", "-") for number in found}
            told = {number if number[0] != "." else f"0{number}" for number in told}
            assert told <= allowed, (name, data.data)


NO_NUMBER = r"""(?mx) \{\#[^}]*\} | ^:::.*$ | ^-[ ]\w+\*?: | \b(19|20)\d\d\b
| \*\*\d+(,[ ]\d+)*\. | ICC\(\d\) | \b\d+\(\d+\) | FAIR4RS | [(]?CC[ ]BY[ ]4\.0[)]? | k[−-]1
| (chapter|hoofdstuk)[ ]10"""
