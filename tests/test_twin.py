"""A synthetic twin looks like its study, runs like it, and holds nobody who answered."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml
from commands import called
from frozen import FrozenRun
from small_studies import run_notebooks

from cycle_analysis.problems import InputError
from cycle_analysis.report import assemble
from cycle_analysis.results import Results, open_results
from cycle_analysis.simulate.studies import same_rows, write_study
from cycle_analysis.simulate.twin import fit_truth, write_twin
from cycle_analysis.study import load_study
from cycle_analysis.units import read_register

TWIN = "small_synthetic"
MAIL, REMARK = "j.jansen@gemeente.nl", "Call me on 0612345678"


@pytest.fixture(scope="module")
def home(frozen_run, make_copy) -> Path:
    """The frozen study of one wave with its twin, of which all notebooks have run."""
    folder = make_copy(frozen_run("one_wave"))
    assert called("twin", "small", home=folder).returncode == 0
    run_notebooks(folder, load_study(TWIN, folder), last="07_waves")
    return folder


def results_of(run: FrozenRun) -> Results:
    return Results(run.processed)


def both(home: Path, step: str, table: str) -> list[pd.DataFrame]:
    return [open_results(name, home).load(step, table, "2010") for name in ("small", TWIN)]


def written(folder: Path) -> dict[str, bytes]:
    return {f"{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_twin_is_checked_as_any_study(home):
    checked = called("check", TWIN, "--strict", home=home)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_answers_phases_and_profiles_are_near_those_of_the_study(home):
    """Item means to a point of 100, profile shares to what drawing 69 units leaves (2.5 se)."""
    own, twin = (table.astype(float) for table in both(home, "01_responses", "answers"))
    assert (25 * (own.mean() - twin.mean())).abs().max() < 1.5
    assert (own.isna().mean() - twin.isna().mean()).abs().max() < 0.04
    own, twin = (table.corr().to_numpy() for table in both(home, "02_scores", "scores"))
    assert np.abs(own - twin).max() < 0.2
    own, twin = (table["icc1"] for table in both(home, "02_scores", "agreement"))
    assert (own - twin).abs().max() < 0.06
    own, twin = (table["share"] for table in both(home, "04_number_of_profiles", "shares"))
    assert (own - twin).abs().max() < 0.14
    own, twin = both(home, "04_number_of_profiles", "means")
    assert np.abs(own - twin).to_numpy().max() < 12


def test_the_verdict_on_a_twin_is_that_on_the_study(home):
    own, twin = (
        table["verdict"].iloc[0] for table in both(home, "04_number_of_profiles", "verdict")
    )
    assert own == twin


def test_no_row_of_a_twin_is_that_of_a_respondent(home):
    own, twin = (
        {tuple(row) for row in pd.read_csv(path, dtype=str).fillna("").iloc[:, 2:].to_numpy()}
        for path in (home / "data/raw").glob("small*/2010/*responses.csv")
    )
    assert len(own) > 150
    assert not own & twin


def test_a_twin_says_that_it_is_synthetic_wherever_somebody_looks(home):
    folder = home / "data/raw" / TWIN
    assert load_study(TWIN, home).synthetic
    for file in ("README.md", "study.yaml", "2010/wave.yaml"):
        assert "SYNTHETIC" in (folder / file).read_text("utf-8").splitlines()[0]
    assert (folder / "2010/synthetic_responses.csv").exists()
    results = open_results(TWIN, home)
    for language in results.study.languages:
        assert "SYNTHETIC twin" in assemble(results.study, results, language).title
    assert "207 rows, of which 0 hold the answers" in (folder / "README.md").read_text("utf-8")


def test_the_same_seed_writes_the_same_bytes_and_another_seed_other_answers(
    home, frozen_run, make_copy
):
    first = written(home / "data/raw" / TWIN)
    for given, same in (([], True), (["--seed", "3"], False)):
        other = make_copy(frozen_run("one_wave"))
        assert called("twin", "small", *given, home=other).returncode == 0
        again = written(other / "data/raw" / TWIN)
        assert set(again) == set(first)
        assert (again == first) == same


def test_codes_and_names_of_an_own_register_are_not_told(frozen_run, make_copy):
    home = make_copy(frozen_run("four_waves"))
    write_twin(load_study("small", home), results_of(frozen_run("four_waves")))
    text = b"".join(written(home / "data/raw" / TWIN).values()).decode()
    assert "Landia" not in text
    assert "C001" not in text
    twin = load_study(TWIN, home)
    assert len(read_register(twin.folder / "units.csv").units) == 72
    assert [len(twin.wave(wave).items) for wave in twin.waves] == [12] * 4


def with_export(frozen_run, make_copy, kind: str):
    """The frozen study with another kind of export, and columns on persons that it ignores."""
    home = make_copy(frozen_run("one_wave"))
    folder = home / "data/raw/small/2010"
    table = pd.read_csv(folder / "responses.csv", dtype=str, keep_default_na=False)
    table = table.assign(Email=MAIL, IPAddress="10.1.2.3", Remark=REMARK, StartDate="2010-04-05")
    described = yaml.safe_load((folder / "wave.yaml").read_text("utf-8"))
    path, items = folder / f"export.{kind}", list(table.columns[2:14])
    if kind == "sav":
        table[items] = table[items].apply(pd.to_numeric)
        pyreadstat.write_sav(table, path)
    elif kind == "xlsx":
        table.to_excel(path, sheet_name="Antwoorden", index=False)
    else:
        words = table[items].map(lambda code: code and f"trede {code}")
        table.assign(**words).to_csv(path, sep=";", index=False, encoding="cp1252")
    described["source"] = {"file": path.name}
    described["ignore"] = ["Email", "IPAddress", "Remark", "StartDate"]
    (folder / "wave.yaml").write_text(yaml.safe_dump(described), "utf-8")
    return load_study("small", home)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "sav"])
def test_a_twin_keeps_headings_and_kind_of_file_and_nothing_of_persons(frozen_run, make_copy, kind):
    study = with_export(frozen_run, make_copy, kind)
    told = write_twin(study, results_of(frozen_run("one_wave")))
    assert "207 rows, of which 0 hold" in told
    path = study.folder.with_name(TWIN) / f"2010/synthetic_responses.{kind}"
    if kind == "csv":
        twin = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str, keep_default_na=False)
        assert set(twin["P1_1"]) <= {"", *(f"trede {code}" for code in range(5))}
    else:
        read = partial(pd.read_excel, engine="calamine") if kind == "xlsx" else pd.read_spss
        twin = read(path)
        assert len(set(twin["P1_1"].dropna())) == 5
    assert {"respondent", "unit", "Email", "IPAddress", "Remark", "StartDate"} < set(twin)
    cells = " ".join(map(str, twin.to_numpy().ravel()))
    for private in (MAIL, REMARK, "10.1.2.3", "Landia"):
        assert private not in cells
    assert twin["Email"].str.endswith("@example.org").all()


def test_what_an_author_says_of_findings_does_not_go_along(frozen_run, make_copy):
    home = make_copy(frozen_run("continuum"))
    path = home / "data/raw/small/study.yaml"
    about = "about: {client: Gemeente X}\nstatements: {ethics: E-17}\n# call j.jansen\n"
    path.write_text(about + path.read_text("utf-8"), "utf-8")
    write_twin(load_study("small", home), results_of(frozen_run("continuum")))
    files = written(home / "data/raw" / TWIN)
    text = b"".join(files.values()).decode()
    assert not any(told in text for told in ("Gemeente X", "E-17", "j.jansen", "09_my_question"))
    assert not any("notebooks" in name for name in files)


def test_who_was_invited_is_drawn_anew(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    folder = home / "data/raw/small/2010"
    units = [f"C{number:03d}" for number in range(70)]
    pd.DataFrame({"unit": units}).to_csv(folder / "invited.csv", index=False)
    with (folder / "wave.yaml").open("a", encoding="utf-8") as file:
        file.write("invited: invited.csv\n")
    write_twin(load_study("small", home), results_of(frozen_run("one_wave")))
    invited = pd.read_csv(home / "data/raw" / TWIN / "2010/synthetic_invited.csv")["unit"]
    assert len(invited) == 70
    assert invited.str.startswith("S-").all()
    assert called("check", TWIN, home=home).returncode == 0


def test_where_nearly_every_row_is_a_respondents_a_twin_is_refused(frozen_run, make_copy):
    home = make_copy(frozen_run("one_wave"))
    study, results = load_study("small", home), results_of(frozen_run("one_wave"))
    register = read_register(study.folder / "units.csv")
    truth = fit_truth(study, results)
    write_study(study, truth, 1, register)
    drawn = pd.read_csv(study.raw_file("2010"), index_col="respondent")
    known = drawn[study.wave("2010").items]
    with pytest.raises(InputError, match=r"100%.*its items and steps are too few"):
        write_study(study, truth, 1, register, {"2010": known})
    few = known.iloc[::8]
    write_study(study, truth, 1, register, {"2010": few})
    anew = pd.read_csv(study.raw_file("2010"), index_col="respondent")[known.columns]
    assert not same_rows(anew, few).any()
    assert (anew.isna() == known.isna()).all(axis=1).sum() > 150


def test_without_a_finished_run_or_beside_another_twin_none_is_made(home, tmp_path):
    shutil.copytree(home / "data/raw/small", tmp_path / "data/raw/small")
    told = called("twin", "small", home=tmp_path)
    assert told.returncode == 2
    assert "is not there yet. Run notebook 01_responses for wave 2010 first" in told.stderr
    told = called("twin", "small", home=home)
    assert told.returncode == 2
    assert "is there already" in told.stderr
