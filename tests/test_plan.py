"""A plan is frozen before the data; a report lists by itself what was done otherwise."""

import json

import pytest
from commands import called
from small_studies import QUICK, Truth, make_study
from told import words_in

from cycle_analysis.report import CHAPTERS, assemble
from cycle_analysis.report.document import Heading, Table
from cycle_analysis.results import open_results
from cycle_analysis.study import load_study
from cycle_analysis.study.plan import BESIDE, KINDS, frozen_beside


@pytest.fixture
def folder(tmp_path):
    """The folder of a small study without its data."""
    study = make_study(tmp_path, Truth(["2010"], "profiles", n_units=16), parameters=QUICK)
    (study.folder / "2010" / "responses.csv").unlink()
    return study.folder


def frozen(folder):
    told = called("freeze", folder.name, home=folder.parents[2])
    assert told.returncode == 0, told.stderr
    return json.loads((folder / "plan.lock").read_text("utf-8"))


def test_a_plan_is_drafted_before_there_are_data(folder):
    lock = frozen(folder)
    plan = (folder / "plan.md").read_text("utf-8")
    assert set(lock) == {*KINDS, BESIDE}
    assert lock[BESIDE] == []
    assert lock["parameter"]["04_number_of_profiles.n_starts"] == "4"
    for part in ("# Plan: Trial study", "No profiles: the verdict is", "Range of k: 1 to "):
        assert part in plan
    assert all(f"\n- {item} (" in plan for item in lock["item"])


def test_a_plan_is_frozen_once_and_an_author_s_own_text_is_kept(folder):
    (folder / "plan.md").write_text("Ours", "utf-8")
    frozen(folder)
    assert (folder / "plan.md").read_text("utf-8") == "Ours"
    told = called("freeze", folder.name, home=folder.parents[2])
    assert told.returncode == 2
    assert "plan.lock, file: the plan was frozen before. Keep it" in told.stderr


def told_of_plan(home):
    """Rows of the table of deviations in each language; None without such a chapter."""
    results = open_results("small", home)
    found = []
    for code in results.study.languages:
        blocks = assemble(results.study, results, code, {"annex": CHAPTERS["annex"]}).blocks
        tables = [b for b in blocks if isinstance(b, Table) and b.key == "table-deviations"]
        rows = [[cell.text for cell in row] for table in tables for row in table.rows]
        has_it = any(isinstance(b, Heading) and b.key == "plan" for b in blocks)
        found.append(rows if has_it else None)
    return found


def test_a_report_lists_what_differs_from_the_plan(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    assert told_of_plan(home) == [None, None]
    folder = home / "data" / "raw" / "small"
    lock = frozen(folder)
    assert told_of_plan(home) == [[], []]
    assert called("run", "small", "--dry-run", home=home).stdout.startswith("08_report")
    item = next(iter(lock["item"]))
    lock["parameter"]["03_cycle.active_from"] = "60.0"
    lock["item"] |= {"Y": "P1, P1, rating", item: lock["item"][item].replace("False", "True")}
    (folder / "plan.lock").write_text(json.dumps(lock), "utf-8")
    (folder / "plan.md").write_text("changed", "utf-8")
    by_language = dict(zip(load_study("small", home).languages, told_of_plan(home), strict=True))
    dutch, english = by_language["nl"], by_language["en"]
    assert english[0] == ["parameter", "03_cycle.active_from", "60.0", "50.0"]
    assert ["item", "Y", "P1, P1, rating", "–"] in english
    assert [row[1] for row in english] == ["03_cycle.active_from", item, "Y", "plan.md"]
    assert dutch[0] == ["instelling", "03_cycle.active_from", "60.0", "50.0"]


def test_a_plan_that_is_frozen_beside_its_data_is_not_said_to_come_before_them(
    frozen_run, make_copy
):
    home = make_copy(frozen_run("one_wave"))
    folder = home / "data" / "raw" / "small"
    words = {"nl": "lagen de antwoorden van", "en": "were there already"}
    for beside in (frozen(folder)[BESIDE], []):
        lock = json.loads((folder / "plan.lock").read_text("utf-8")) | {BESIDE: beside}
        (folder / "plan.lock").write_text(json.dumps(lock), "utf-8")
        results = open_results("small", home)
        for code in results.study.languages:
            annex = assemble(results.study, results, code, {"annex": CHAPTERS["annex"]})
            assert (words[code] in words_in(annex)) == bool(beside)
    assert frozen_beside(results.study) == []


@pytest.mark.parametrize("contents", ["", "{}", "[]", '{"parameter": 1}'])
def test_a_lock_that_cannot_be_read_is_told(frozen_run, make_copy, contents):
    home = make_copy(frozen_run("one_wave"))
    (home / "data" / "raw" / "small" / "plan.lock").write_text(contents, "utf-8")
    with pytest.raises(ValueError, match=r"plan.lock, file: cannot be read. Put it back"):
        told_of_plan(home)
