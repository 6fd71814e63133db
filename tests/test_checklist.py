"""The report ticks what reviewers and journals ask, and says what is left to the author."""

import re
from collections import Counter
from io import BytesIO
from zipfile import ZipFile

import pytest
import yaml
from told import PACKAGE, document_of, saved

from cycle_analysis.report import open_chapter
from cycle_analysis.report.chapters.annex import (
    AUTHOR,
    DONE,
    NOT,
    WHERE,
)
from cycle_analysis.report.document import Bullets
from cycle_analysis.report.writers import to_pdf
from cycle_analysis.report.writers.docx import to_docx
from cycle_analysis.study import load_study
from cycle_analysis.study.files import Statements
from cycle_analysis.texts import read_list

STUDIES = ["one_wave", "continuum", "four_waves"]
LISTS = read_list("checklists")
LISTED = [item for where in WHERE for items in LISTS[where].values() for item in items]


def items_of(study, results, code="en"):
    """What became of each item, by the item."""
    chapter = open_chapter(study, results, code, "checklist")
    return {item["item"]: item for standard in chapter.standards for item in standard["items"]}


@pytest.mark.parametrize("name", STUDIES)
def test_every_item_is_done_at_a_place_or_says_why_not_or_is_for_the_author(frozen_run, name):
    run = frozen_run(name)
    for code in ("nl", "en"):
        items = items_of(run.study, saved(run), code)
        assert items.keys() == set(LISTED)
        for item in items.values():
            where = {DONE: ("at", "file", "said"), NOT: ("reason",), AUTHOR: ("said",)}
            assert sum(bool(item.get(key)) for key in where[item["state"]]) == 1


@pytest.mark.parametrize("name", STUDIES)
def test_every_place_of_an_item_that_is_done_is_a_link_that_leads_somewhere(frozen_run, name):
    run = frozen_run(name)
    document = document_of(run, "en")
    done = Counter(item["at"] for item in items_of(run.study, saved(run)).values() if item["at"])
    keys = [getattr(block, "key", "") for block in document.blocks]
    lists = [b for b in document.blocks[keys.index("checklist") :] if isinstance(b, Bullets)]
    links = Counter(run.to for block in lists for item in block.items for run in item if run.to)
    assert links == done
    assert links.total() > 50


def test_places_can_be_followed_in_word_and_pdf_too(frozen_run):
    run = frozen_run("one_wave")
    document = document_of(run, "en")
    with ZipFile(BytesIO(to_docx(document))) as parts:
        written = parts.read("word/document.xml").decode()
    marks = re.findall(r'w:name="(k_\w+)"', written)
    assert len(marks) == len(set(marks))
    assert set(re.findall(r'w:anchor="(\w+)"', written)) <= set(marks)
    assert to_pdf(document).startswith(b"%PDF"), "a link that leads nowhere is an error there"


def test_items_are_those_of_their_sources():
    """All 14 headings of SMART-LCA, 21 parts of GRoLTS, 13 practices of TOP, 17 principles."""
    assert max(Counter(LISTED).values()) == 1, "an item is answered at one place"
    starts = Counter(item.split()[0] for item in LISTED)
    assert starts == {"LCA": 59, "CHANGE": 21, "JARS": 21, "TOP": 13, "FAIR": 17}
    headings = {int(item.split()[1][:-1]) for item in LISTED if item.startswith("LCA")}
    assert headings == set(range(1, 15))


@pytest.mark.parametrize("code", ["nl", "en"])
def test_every_item_place_file_and_reason_has_words_and_no_other(code):
    words = yaml.safe_load((PACKAGE / code / "words.yaml").read_text("utf-8"))
    assert words["checklist_items"].keys() == set(LISTED)
    assert words["checklist_places"].keys() == LISTS["at"].keys()
    assert words["checklist_files"].keys() == LISTS["file"].keys()
    conditions = {"no_errors", "no_change", "no_profiles", "undivided", "no_plan", "not_run"}
    assert words["checklist_reasons"].keys() == LISTS["reason"].keys() | conditions | {"private"}


def test_what_a_study_lacks_is_not_ticked(frozen_run):
    of = {name: frozen_run(name) for name in STUDIES}
    told = {name: items_of(run.study, saved(run)) for name, run in of.items()}
    assert told["one_wave"]["CHANGE 1"]["state"] == NOT, "there is one wave"
    assert told["four_waves"]["CHANGE 1"]["state"] == DONE
    assert told["one_wave"]["TOP 6"]["state"] == DONE, "they are synthetic"
    assert told["four_waves"]["TOP 6"]["reason"] == "private"
    assert told["continuum"]["LCA 11e"]["reason"] == "no_errors"
    assert {told[name]["TOP 3"]["reason"] for name in STUDIES} == {"no_plan"}


def test_what_the_author_states_is_told_and_what_not_is_asked(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    path = home / "data/raw/small/study.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["statements"] = {"funding": "Paid by nobody <b>", "ethics": "Approved as 2026-1"}
    path.write_text(yaml.safe_dump(content), "utf-8")
    items = items_of(load_study("small", home), saved(frozen_run("one_wave")))
    assert (items["JARS 3"]["state"], items["JARS 3"]["said"]) == (DONE, "Paid by nobody <b>")
    asked = {item["said"].rpartition(".")[2] for item in items.values() if item["state"] == AUTHOR}
    assert asked == set(Statements.model_fields) - {"funding", "ethics"}


def test_the_author_is_asked_what_study_yaml_can_say_and_nothing_else():
    assert LISTS["said"].keys() == set(Statements.model_fields)
