"""A notebook checks its parameters as the command does, and knows what its results rest on."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from commands import called
from conftest import ROOT
from frozen import MAKERS

import cycle_analysis
from cycle_analysis.problems import InputError
from cycle_analysis.results import FILE, Origin, Results, open_results, result_name, study_files
from cycle_analysis.running import gather_parameters, plan
from cycle_analysis.study import HOME, load_study

CELL = """study_name: str = "example"  # study, the name of a folder in data/raw
wave: str = "2018"  # wave of the study
language: str = "en"  # language, one of those with texts
share: float = 0.5  # share of the units, 0-1
rounds: int = 3  # how often, 1 or more
thorough: bool = False  # whether to look twice"""
CUT = pd.DataFrame({"x": [1.0]}, index=pd.Index(["a"], name="unit"))


@pytest.fixture
def space(home, monkeypatch):
    """What a notebook of one's own holds after its parameters cell, and those cells."""
    monkeypatch.setenv(HOME, str(home))

    def after(*cells, **given):
        names: dict[str, object] = {}
        for source in (CELL, *cells):
            exec(source, names)
        return {**names, "In": ["", CELL, *cells], **given}

    return after


WRONG = {"active_form": "60", "active_from": "zestig", "n_replicates": "0"}


def test_papermill_gets_the_message_of_the_command_and_no_traceback(home):
    copy = home / "copy.ipynb"
    papermill = [sys.executable, "-m", "papermill", str(ROOT / "notebooks" / "03_cycle.ipynb")]
    given = [part for name, value in WRONG.items() for part in ("-p", name, value)]
    subprocess.run([*papermill, str(copy), *given], cwd=home, check=False, capture_output=True)
    outputs = [out for cell in json.loads(copy.read_text("utf-8"))["cells"]
               for out in cell.get("outputs", []) if out["output_type"] == "error"]  # fmt: skip
    (error,) = outputs
    given = [part for name, value in WRONG.items() for part in ("--param", f"03.{name}={value}")]
    told = called("run", "example", *given, home=home).stderr.strip()
    assert told.count("command line, parameter 03_cycle.") == len(WRONG)
    (shown,) = error["traceback"]
    assert sorted(shown.replace("03_cycle.ipynb", "command line").splitlines()) == sorted(
        told.splitlines()
    )


@pytest.mark.parametrize(
    "given",
    [
        {"share": "zestig"},
        {"share": 1.5},
        {"share": True},
        {"share": None},
        {"rounds": 2.0},
        {"rounds": 0},
        {"rounds": True},
        {"thorough": 1},
        {"thorough": "perhaps"},
        {"language": "xx"},
        {"language": 3},
        {"share": "half", "rounds": 0},
    ],
)
def test_a_wrong_value_is_told_in_the_words_of_the_command(space, home, given):
    folder = home / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    path = folder / "03_cycle.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][1]["source"] = CELL.splitlines(keepends=True)
    path.write_text(json.dumps(notebook), "utf-8")
    as_text = {"03": {name: str(value) for name, value in given.items()}}
    with pytest.raises(InputError) as there:
        cycle_analysis.begin("03_cycle", space(**given))
    with pytest.raises(InputError) as by_command:
        gather_parameters(load_study("example", home), folder, as_text)
    assert str(there.value) == str(by_command.value).replace("command line", "03_cycle.ipynb")
    assert str(there.value).count("03_cycle.ipynb, parameter 03_cycle.") == len(given)


def test_values_become_of_the_type_that_the_cell_describes(space):
    names = space(wave=2018, share=1, rounds="4", thorough="true")
    here = cycle_analysis.begin("09_own", names)
    assert here.parameters == {"share": 1.0, "rounds": 4, "thorough": True}
    assert (here.wave, here.language, here.study.name) == ("2018", "en", "example")
    assert [type(names[name]) for name in ("wave", "share", "rounds", "thorough")] == [
        *(str, float, int, bool)
    ]


def test_a_name_that_papermill_put_in_and_no_cell_describes_is_told_with_the_nearest(space):
    with pytest.raises(InputError, match=r"'shear': is no parameter.*Did you mean 'share'"):
        cycle_analysis.begin("09_own", space("# Parameters\nshear = 0.7\nrounds = 4\n"))
    with pytest.raises(InputError, match=r"'active_from': is no parameter.*one of 03_cycle"):
        cycle_analysis.begin("09_own", space("# Parameters\nactive_from = 60\n"))


def test_the_cell_as_it_was_executed_counts_not_the_file(space):
    wider = CELL.replace("0-1", "0-2")
    assert cycle_analysis.begin("03_cycle", space(wider, share=1.5)).parameters["share"] == 1.5


def test_outside_ipython_the_notebook_file_describes_the_parameters(space):
    names = {"study_name": "example", "wave": "2018", "active_from": 400.0}
    space()
    with pytest.raises(InputError, match=r"03_cycle\.active_from: '400.0': is out of range"):
        cycle_analysis.begin("03_cycle", names)
    with pytest.raises(InputError, match=r"09_own\.ipynb, parameters cell: is not there"):
        cycle_analysis.begin("09_own", names)
    with pytest.raises(InputError, match="does not set study_name"):
        cycle_analysis.begin("03_cycle", {})


def test_a_notebook_of_ones_own_saves_what_it_made_and_from_what(space, home):
    here = cycle_analysis.begin("09_own", space())
    results = open_results("example", home)
    origin = Origin(files=study_files(here.study, "02_scores", "2018"))
    results.save("02_scores", "2018", {"scores": CUT}, origin)
    here.keep(cut=here.load("02_scores", "scores") / 3)
    pd.testing.assert_frame_equal(here.results.load("09_own", "cut", "2018"), (CUT / 3).round(6))
    assert not results.has("09_own", "2018")
    here.save(more=CUT)
    assert results.tables("09_own", "2018") == ["cut", "more"]
    assert results.parameters("09_own", "2018") == here.parameters
    assert results.stale("09_own", "2018") == []
    results.save("02_scores", "2018", {"scores": CUT * 2}, origin)
    assert results.stale("09_own", "2018") == ["02_scores 2018 has changed"]


def test_a_source_that_is_out_of_date_is_told_with_the_notebook_to_run(space, home, capsys):
    results = open_results("example", home)
    results.save("01_responses", "2018", {"answers": CUT})
    for value in (1, 2):
        below = cycle_analysis.begin("02_scores", space())
        below.load("01_responses", "answers")
        below.save(scores=CUT)
        results.save("01_responses", "2018", {"answers": CUT * value})
    capsys.readouterr()
    here = cycle_analysis.begin("09_own", space())
    here.load("02_scores", "scores")
    here.load("02_scores", "scores")
    told = capsys.readouterr().out
    assert told.count("OUT OF DATE: 02_scores 2018: 01_responses 2018 has changed") == 1
    assert "Run notebook 02_scores for wave 2018 again." in told


@pytest.mark.parametrize("name", MAKERS)
def test_every_source_that_a_notebook_loads_is_a_need_that_the_plan_declares(frozen_run, name):
    run = frozen_run(name)
    checked = 0
    for step in plan(run.study):
        path = run.processed / step.wave / step.notebook / FILE
        if path.is_file():
            needs = {result_name(need.notebook, need.wave) for need in step.needs}
            loaded = json.loads(path.read_text("utf-8"))["made_from"]["results"]
            assert loaded.keys() <= needs, str(step)
            checked += 1
    assert checked == len(plan(run.study)) - 2
    results = Results(run.processed, run.study)
    assert not [s for s in plan(run.study)[1:-1] if results.stale(s.notebook, s.wave)]
