"""A study extends the analysis with notebooks of its own, which a run takes along."""

import json
import shutil

import pytest
from commands import called, finished
from small_studies import EXTEND, QUICK, Truth, add_notebooks, make_study

from cycle_analysis.problems import InputError
from cycle_analysis.results import open_results
from cycle_analysis.running import plan
from cycle_analysis.study import HOME, load_study

STEP = "09_my_question"


def list_notebooks(home, *names, content=None):
    """Make a small study that names notebooks of its own, which are `extend` or this content."""
    study = make_study(home, Truth(["2010"], "continuum", n_units=60), parameters=QUICK)
    return add_notebooks(study, *names, content=content)


@pytest.fixture
def run_home(frozen_run):
    """A home folder in which a small study has run with the notebook that shows how to extend."""
    run = frozen_run("continuum")
    assert f"{STEP} 2010" in finished(run.told)
    return run.home


def test_its_result_is_saved_with_what_made_it(run_home):
    results = open_results("small", run_home)
    assert results.load(STEP, "members", "2010")["profile"].max() == 3
    assert results.parameters(STEP, "2010") == {"k": 3, "n_starts": 4, "seed": 2018}
    kept = json.loads((results.step_folder(STEP, "2010") / "result.json").read_text("utf-8"))
    assert list(kept["made_from"]["results"]) == ["02_scores 2010"]
    assert results.stale(STEP, "2010") == []


def test_a_second_run_has_nothing_to_do_and_a_parameter_of_its_own_runs_it_and_the_report(run_home):
    same = called("run", "small", "--dry-run", home=run_home)
    assert same.stdout.startswith("10 up to date.")
    asked = called("run", "small", "--param", "09.k=2", "--dry-run", home=run_home)
    assert f"{STEP} 2010: parameters changed" in asked.stdout
    assert "8 up to date" in asked.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("09.k=0", f"parameter {STEP}.k: '0': is out of range (number of profiles, 1-20)"),
        ("09.kk=3", f"parameter {STEP}.kk"),
    ],
)
def test_a_wrong_parameter_is_told_before_anything_runs(run_home, given, told):
    ended = called("run", "small", "--param", given, home=run_home)
    assert ended.returncode == 2
    assert told in ended.stderr


def test_one_without_a_wave_runs_over_all_waves_and_each_after_those_before_it(tmp_path):
    cells = json.loads(EXTEND.read_text("utf-8"))
    lines = cells["cells"][1]["source"]
    cells["cells"][1]["source"] = [line for line in lines if not line.startswith("wave")]
    folder = list_notebooks(tmp_path, STEP, "10_next", content=json.dumps(cells))
    first, second, report = plan(load_study(folder.name, tmp_path))[-3:]
    assert (str(first), str(second), str(report)) == (STEP, "10_next", "08_report")
    assert first in second.needs
    assert second in report.needs


@pytest.mark.parametrize("name", ["my_question", "05_profiles", "../09_escape", "09_My question"])
def test_a_name_that_could_be_another_step_or_leave_the_folder_is_refused(tmp_path, name):
    study = make_study(tmp_path, Truth(["2010"], "continuum"))
    with (study.folder / "study.yaml").open("a", encoding="utf-8") as file:
        file.write(f"own_notebooks: ['{name}']\n")
    with pytest.raises(
        InputError, match=r"is no name of an own notebook; give it a number from 09"
    ):
        load_study("small", tmp_path)


def test_check_tells_which_notebook_is_not_there_and_which_number_stands_twice(tmp_path):
    folder = list_notebooks(tmp_path, STEP, "09_other")
    (folder / "notebooks" / f"{STEP}.ipynb").unlink()
    told = called("check", "small", home=tmp_path)
    assert told.returncode == 2
    assert f"'{STEP}': is not there. Put {STEP}.ipynb in small/notebooks/" in told.stderr
    assert "'09_other': has the number of another" in told.stderr


def test_check_reads_its_parameters_cell(tmp_path):
    list_notebooks(tmp_path, STEP, content=json.dumps({"cells": []}))
    told = called("check", "small", home=tmp_path)
    assert told.returncode == 2
    assert f"{STEP}.ipynb, parameters cell: has 0 cells tagged `parameters`" in told.stderr


def test_the_notebook_that_shows_how_runs_on_the_example(frozen_run, tmp_path, monkeypatch):
    shutil.copytree(frozen_run("example").home / "data", tmp_path / "data")
    monkeypatch.setenv(HOME, str(tmp_path))
    space = {"In": []}  # where IPython keeps the cells, for `begin` to read the parameters
    for cell in json.loads(EXTEND.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            space["In"].append("".join(cell["source"]))
            exec(space["In"][-1], space)
    results = open_results("example", tmp_path)
    assert results.load(STEP, "association", "2018")["n_units"].item() > 100
    assert results.load(STEP, "last_wave", "2018")["profile"].between(1, 3).all()
