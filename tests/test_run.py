"""The whole way, from raw exports to the report, as a user runs it."""

import hashlib
import io
import json

import pandas as pd
import pytest
from commands import called, command, finished
from conftest import EXAMPLE
from sklearn.metrics import adjusted_rand_score
from small_studies import QUICK, Truth, change_cell, make_study, write_notebook

from cycle_analysis.results import Results
from cycle_analysis.running.kernels import execute_notebook
from cycle_analysis.running.run import Status
from cycle_analysis.running.tasks import UNNAMED
from cycle_analysis.study import load_study

ALL_STEPS = 12
"""The check and eleven notebooks."""


@pytest.fixture
def run_home(frozen_run):
    """The home folder in which the example has run, to be read."""
    run = frozen_run("example")
    assert len(finished(run.told)) == ALL_STEPS
    return run.home


def test_the_run_finds_the_true_number_of_profiles_and_the_true_profiles(run_home):
    results = Results(run_home / "data" / "processed" / "example")
    verdict = results.load("04_number_of_profiles", "verdict", "2018").loc["verdict"]
    assert verdict["verdict"] == "separate"
    members = results.load("05_profiles", "members", "2018")
    truth = pd.read_csv(EXAMPLE / "truth.csv", dtype={"wave": str})
    truth = truth[truth["wave"] == "2018"].set_index("unit")["profile"]
    assert members["profile"].max() == truth.max() == 4
    placed = members.index[members["clearly_placed"]]
    assert len(placed) > 0.85 * len(members)
    agreement = adjusted_rand_score(truth[placed], members.loc[placed, "profile"])
    assert agreement >= 0.8


def test_the_share_that_truly_moved_lies_in_the_interval_and_few_are_said_to_have_gone_down(
    run_home,
):
    results = Results(run_home / "data" / "processed" / "example")
    test = results.load("07_waves", "change_tests").loc[("2018", "2022")]
    links = results.load("07_waves", "links").reset_index()
    kept = links[links["kind"] == "unchanged"].groupby("to_unit")["wave"].nunique()
    truth = pd.read_csv(EXAMPLE / "truth.csv", dtype={"wave": str})
    later = truth[(truth["wave"] == "2022") & truth["unit"].isin(kept.index[kept == 2])]
    assert test["n_units"] == len(later)
    assert test["finding"] == "changed"
    ways = {"up": later["profile"] > later["profile_before"]}
    ways["down"] = later["profile"] < later["profile_before"]
    for way, moved in ways.items():
        assert test[f"{way}_low"] <= moved.mean() <= test[f"{way}_high"]
        # of 123 units some ten are not surely placed
        assert test[way] == pytest.approx(moved.mean(), abs=0.05)


def test_the_report_is_one_file_per_language_and_says_that_it_is_synthetic(run_home):
    for language, mark in {"nl": "SYNTHETISCH", "en": "SYNTHETIC"}.items():
        report = (run_home / "reports" / "example" / f"report_{language}.html").read_text("utf-8")
        assert f'lang="{language}"' in report
        assert mark in report
        assert 'src="http' not in report


def test_executed_notebooks_show_what_ran_and_have_no_failed_cell(run_home):
    copies = sorted((run_home / "data" / "processed" / "example" / "notebooks").glob("*.ipynb"))
    assert len(copies) == ALL_STEPS - 1
    for copy in copies:
        for cell in json.loads(copy.read_text("utf-8"))["cells"]:
            kinds = {output["output_type"] for output in cell.get("outputs", [])}
            assert "error" not in kinds


def test_executed_notebooks_show_their_figures(run_home):
    for notebook, at_least in {
        "02_scores_2018": 2,
        "03_cycle_2022": 4,
        "05_profiles_2018": 1,
    }.items():
        copy = run_home / "data" / "processed" / "example" / "notebooks" / f"{notebook}.ipynb"
        cells = json.loads(copy.read_text("utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert sum("image/png" in output.get("data", {}) for output in outputs) >= at_least


def test_nothing_runs_again_when_nothing_changed(frozen_run, make_copy):
    told = called("run", "example", home=make_copy(frozen_run("example")))
    assert told.returncode == 0
    assert f"{ALL_STEPS} up to date" in told.stdout
    assert finished(told.stdout) == set()


def test_what_lies_there_as_the_last_run_left_it_is_known_without_the_memory_of_runs(
    frozen_run, make_copy
):
    home = make_copy(frozen_run("one_wave"))
    (home / "data" / "processed" / "small" / "pytask.lock").unlink()
    assert called("run", "small", home=home).stdout.startswith("9 up to date")
    (home / "reports" / "small" / "fit_en.html").unlink()
    assert "9 would run" in called("run", "small", "--dry-run", home=home).stdout


@pytest.mark.parametrize(
    ("place", "first"),
    [
        ("data/raw/small/2010/responses.csv", "check"),
        ("data/raw/small/codebook.csv", "check"),
        ("data/processed/small/2010/02_scores/scores.csv", "02_scores 2010"),
        ("data/processed/small/all_waves/07_waves/items.csv", "07_waves"),
        ("reports/small/report_en.html", "08_report"),
    ],
)
def test_whatever_is_no_longer_as_the_last_run_left_it_is_made_anew(
    frozen_run, make_copy, place, first
):
    home = make_copy(frozen_run("one_wave"))
    path = home / place
    path.write_bytes(path.read_bytes() + b"\n")
    told = called("run", "small", "--dry-run", home=home).stdout
    assert told.startswith(f"{first}: ")
    path.unlink()
    if not place.startswith("data/raw"):
        assert called("run", "small", "--dry-run", home=home).stdout.startswith(f"{first}: ")


def test_a_parameter_runs_only_what_depends_on_it(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    told = called("run", "small", "--param", "06.n_replicates=5", "--dry-run", home=home)
    assert "06_validity 2010: parameters changed (n_replicates)\n08_report: " in told.stdout
    assert "2 would run, 7 up to date" in told.stdout


def test_it_is_told_which_key_of_a_file_changed(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    folder = home / "data" / "raw" / "small"
    study, wave = folder / "study.yaml", folder / "2010" / "wave.yaml"
    study.write_text(study.read_text("utf-8").replace("Trial study", "Another"), "utf-8")
    wave.write_text(wave.read_text("utf-8") + "ignore: []\n", "utf-8")
    told = called("run", "small", "--dry-run", home=home).stdout
    changed = "2010/wave.yaml changed (ignore); study.yaml changed (title.en)"
    assert f"check: {changed}\n" in told


def test_a_terminal_shows_the_cell_a_notebook_is_in():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, file = Terminal(), io.StringIO()
    for status in (Status(terminal), Status(file)):
        status.tell("  …   03_cycle 2018")
        status.show("03_cycle 2018", "5/40 Order")
        status.tell("  ok  02_scores 2022")
        status.show("03_cycle 2018", "")
    assert terminal.getvalue().count("03_cycle 2018: cell 5/40 Order") == 2
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == "  …   03_cycle 2018\n  ok  02_scores 2022\n"


def test_every_cell_is_shown_with_its_heading(tmp_path):
    shown, source = [], tmp_path / "nb.ipynb"
    write_notebook(source, markdown1="# 09\n\n## Order", code1="1")
    top = tmp_path / "data" / "processed" / "study"
    execute_notebook(source, top / "nb.ipynb", {}, "09", top, shown.append)
    assert shown == ["1/2 Order", "2/2 Order"]


def test_a_text_of_the_study_runs_the_report_alone(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    words = home / "data" / "raw" / "small" / "texts" / "en" / "words.yaml"
    words.parent.mkdir(parents=True)
    words.write_text("figure: Plate\n", "utf-8")
    told = called("run", "small", "--dry-run", home=home)
    assert told.stdout.startswith("08_report: ")
    assert "1 would run, 8 up to date" in told.stdout


def test_a_name_of_a_profile_runs_what_prints_it_and_what_may_change_by_that(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    path = home / "data" / "raw" / "small" / "study.yaml"
    text = path.read_text("utf-8")
    path.write_text(f"# a comment\n{text}", "utf-8")
    assert called("run", "small", "--dry-run", home=home).stdout.startswith("9 up to date")
    path.write_text(text.replace("Naam B", "Pioniers"), "utf-8")
    told = called("run", "small", "--dry-run", home=home).stdout
    assert "05_profiles 2010: study.yaml changed (profile_names.1.nl)\n" in told
    (waves,) = (line for line in told.splitlines() if line.startswith("07_waves: "))
    assert "study.yaml changed (profile_names.1.nl)" in waves
    assert "4 would run, 5 up to date" in told


def test_notebooks_that_are_not_run_for_a_name_of_a_profile_print_none(run_home):
    names = load_study("example", run_home).profile_names
    copies = run_home / "data" / "processed" / "example" / "notebooks"
    printing = set()
    for copy in copies.glob("*.ipynb"):
        cells = json.loads(copy.read_text("utf-8"))["cells"]
        shown = json.dumps([cell.get("outputs", []) for cell in cells], ensure_ascii=False)
        if any(name[language] in shown for name in names for language in name.languages):
            printing.add(copy.stem)
    assert {"05_profiles_2018"} <= printing
    assert not [stem for stem in printing if stem.startswith(UNNAMED)]


def test_a_notebook_that_fails_is_named_with_its_cell_and_cause(tmp_path):
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=16), parameters=QUICK)
    change_cell(tmp_path, "01_responses", 2, "1 / 0")
    told = command("run", "small", home=tmp_path)
    assert told.returncode == 3
    assert "01_responses 2010, cell" in told.stderr
    assert "----> 1 1 / 0" in told.stderr
    assert "ZeroDivisionError: division by zero" in told.stderr
    # row 26: what makes the study weak is told before, and does not stop it
    assert "12 have a score on every phase, which is few" in told.stdout


WRONG = {
    "an unknown study": (["run", "exmaple"], None, "Did you mean 'example'"),
    "a missing file": (["run", "example"], ("2022/responses.csv", None), "does not exist"),
    "an unknown parameter": (
        ["run", "example", "--param", "04.profiles=3"],
        None,
        "is no parameter",
    ),
    "an unknown aggregation": (
        ["run", "example", "--param", "02.aggregation=best"],
        None,
        "mean, median, echelon",
    ),
    "an empty export": (["run", "example"], ("2022/responses.csv", b""), "holds no answers"),
    "a wrong study file": (["run", "example"], ("study.yaml", b"title: x\n"), "is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_gets_one_clear_message_and_leaves_nothing_behind(home, name):
    arguments, damage, message = WRONG[name]
    if damage:
        path = home / "data" / "raw" / "example" / damage[0]
        path.write_bytes(damage[1]) if damage[1] is not None else path.unlink()
    told = called(*arguments, home=home)
    assert told.returncode == 2
    assert message in told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    assert not list((home / "data").glob("processed/*/20*/*/*"))
    assert not list(home.glob("reports/example/*.html"))


def test_an_unknown_municipality_stops_before_its_wave_leaves_anything(home, edit):
    export = home / "data" / "raw" / "example" / "2022" / "responses.csv"
    raw = export.read_bytes()
    changed = raw.replace(b";Almere;", b";Almeere;")
    assert changed != raw
    export.write_bytes(changed)
    edit(
        "2022/wave.yaml",
        hashlib.sha256(raw).hexdigest(),
        hashlib.sha256(changed).hexdigest(),
    )
    told = called("check", "example", home=home)
    assert told.returncode == 2
    assert "Almere (GM0034)" in told.stderr
    told = called("run", "example", home=home)
    assert told.returncode == 2
    assert "Almere (GM0034)" in told.stderr
    assert not list((home / "data" / "processed" / "example").glob("20*/*/*"))


def test_check_says_that_the_example_is_clean(home):
    told = called("check", "example", home=home)
    assert told.returncode == 0, told.stdout
    assert "2018: 924 respondents" in told.stdout
