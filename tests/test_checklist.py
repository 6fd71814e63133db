"""The report ticks what reviewers and journals ask, and says what is left to the author."""

import re

import pytest
import yaml
from told import PACKAGE, saved

from cycle_analysis.report import open_chapter
from cycle_analysis.report.chapters.checklist import AUTHOR, ITEMS
from cycle_analysis.study import load_study
from cycle_analysis.study.files import Statements

STUDIES = ["one_wave", "continuum", "four_waves"]


def rows_of(study, results, code="en"):
    return open_chapter(study, results, code, "checklist").table_checklist().rows


@pytest.mark.parametrize("name", STUDIES)
def test_every_item_has_a_status_and_a_place_or_a_reason(frozen_run, name):
    run = frozen_run(name)
    for code in ("nl", "en"):
        rows = rows_of(run.study, saved(run), code)
        assert len(rows) == sum(len(items) for items in ITEMS.values())
        assert {row["state"] for row in rows} <= {"done", "not_done", AUTHOR}
        assert all(row["where"] for row in rows)


def test_what_a_study_lacks_is_not_ticked(frozen_run):
    of = {name: frozen_run(name) for name in STUDIES}
    told = {
        name: {(row["standard"], row["item"]): row["state"] for row in rows_of(r.study, saved(r))}
        for name, r in of.items()
    }
    assert told["one_wave"]["GRoLTS", "time"] == "not_done", "there is one wave"
    assert told["four_waves"]["GRoLTS", "time"] == "done"
    assert told["one_wave"]["TOP 2025", "data"] == "done", "they are synthetic"
    assert told["four_waves"]["TOP 2025", "data"] == "not_done"
    assert {told[name]["TOP 2025", "plan"] for name in STUDIES} == {"not_done"}


def test_what_the_author_states_is_told_and_what_not_is_asked(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    path = home / "data/raw/small/study.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["statements"] = {"funding": "Paid by nobody <b>", "ethics": "Approved as 2026-1"}
    path.write_text(yaml.safe_dump(content), "utf-8")
    study = load_study("small", home)
    rows = {row["item"]: row for row in rows_of(study, saved(frozen_run("one_wave")))}
    assert rows["funding"] == {**rows["funding"], "state": "done", "where": "Paid by nobody <b>"}
    asked = {item for item, row in rows.items() if row["state"] == AUTHOR}
    assert asked == set(Statements.model_fields) - {"funding", "ethics"}


def test_the_author_is_asked_what_study_yaml_can_say_and_nothing_else():
    asked = {item for items in ITEMS.values() for item, place in items.items() if place == AUTHOR}
    assert asked == set(Statements.model_fields)


@pytest.mark.parametrize("code", ["nl", "en"])
def test_places_are_headings_of_the_report(code):
    words = yaml.safe_load((PACKAGE / code / "words.yaml").read_text("utf-8"))
    texts = "".join(path.read_text("utf-8") for path in (PACKAGE / code).glob("*.md.j2"))
    headings = set(re.findall(r"^#+ (.+?) \{#", texts, re.MULTILINE))
    elsewhere = {"profiles", "manifest", "data", "checklist", "source"}
    places = {k: v for k, v in words["checklist_places"].items() if k not in elsewhere}
    for place in places.values():
        assert place in headings or place.partition(": ")[2].capitalize() in headings, place
