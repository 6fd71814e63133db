"""Notebook 01 with its parameters: what it saves, and what only on request."""

import shutil
from functools import cache

import pytest
from conftest import EXAMPLE
from small_studies import run_notebook

from cycle_analysis.results import Results
from cycle_analysis.study import load_study


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the notebook on the example, once for the same parameters; give names and results."""

    @cache
    def execute(wave="2018", **given):
        home = tmp_path_factory.mktemp("first")
        shutil.copytree(EXAMPLE, home / "data" / "raw" / "example")
        study = load_study("example", home)
        names = run_notebook(home, study, "01_responses", wave, **given)
        assert given.items() <= names.items()
        return names, Results(home / "data" / "processed" / "example")

    return execute


def test_open_answers_are_saved_only_on_request_and_in_one_file(run):
    _, results = run(wave="2022")
    folder = results.step_folder("01_responses", "2022")
    saved = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert not any("[synthetisch]" in text for text in saved.values())
    _, results = run(wave="2022", export_open_answers=True)
    folder = results.step_folder("01_responses", "2022")
    holding = [p.name for p in folder.iterdir() if "[synthetisch]" in p.read_text("utf-8")]
    assert holding == ["open_answers_private.csv"]


def test_no_address_of_a_respondent_leaves_the_raw_data(run):
    _, results = run(wave="2022", export_open_answers=True)
    for path in results.step_folder("01_responses", "2022").iterdir():
        assert "@example.org" not in path.read_text("utf-8")


def test_reasons_per_role_and_the_effect_of_leaving_careless_out_are_saved(run):
    names, results = run(straight_line_items=12, leave_out_careless=True)
    by_role = results.load("01_responses", "item_nonresponse_by_role", "2018")
    assert set(by_role.index.get_level_values("role")) == set(names["study"].roles)
    assert {"n", "dont_know", "not_applicable", "blank"} <= set(by_role.columns)
    counted = results.load("01_responses", "careless_counts", "2018")
    effect = results.load("01_responses", "careless_effect", "2018")
    n_out = int(counted.loc["any", "n"])
    assert (effect["n_left_out"] == n_out).all()
    assert len(results.load("01_responses", "answers", "2018")) == 924 - n_out


def test_the_problem_table_is_saved_with_the_place_of_every_cell(run):
    _, results = run(wave="2022")
    problems = results.load("01_responses", "problems", "2022")
    wanted = ["file", "sheet", "row", "column", "respondent", "value", "problem", "done", "rule"]
    assert problems.columns[:9].tolist() == wanted
    assert len(problems)
