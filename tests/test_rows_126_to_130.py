"""Rows 126-130 of the list of inputs: background, precision, one language, the engine, names."""

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import called
from small_studies import Truth, make_study
from tiny_study import STUDY, answers, write_study

from cycle_analysis import representation as weights
from cycle_analysis.measurement.error import Standing, measurement_error, standard_errors
from cycle_analysis.mixtures.classes import fit_classes
from cycle_analysis.mixtures.fit import fit_mixture
from cycle_analysis.units import population


@pytest.mark.parametrize(
    ("values", "used"),
    [
        (lambda i: f"part {i % 12}", True),
        (lambda i: f"part {i % 2}" if i % 3 else "", True),
        (lambda i: f"part {i % 13}", False),
        (lambda i: 1000 + i, False),
        (lambda i: "the same", False),
    ],
    ids=["12 values", "2 and some unknown", "13 values", "numbers", "one value"],
)
def test_row_126_a_background_of_too_many_values_or_one_is_told_as_not_used(tmp_path, values, used):
    study = make_study(tmp_path, Truth(["2010"], "continuum", n_units=60))
    path = study.folder / "units.csv"
    units = pd.read_csv(path, dtype=str)
    units.assign(region=[values(i) for i in range(len(units))]).to_csv(path, index=False)
    assert ("region" in population(study, "2010")[1]) == used
    told = called("check", "small", home=tmp_path).stdout
    assert ("units.csv, column region: " in told) == (not used)
    assert ("make no groups: not used as background. Allowed: 2 to 12" in told) == (not used)


@pytest.mark.parametrize("n", [2, 3, 10, 400])
@pytest.mark.parametrize("absent", [False, True])
def test_row_127_one_unit_with_more_rows_than_one_makes_no_score_exact(n, absent):
    units = pd.Series([0] * (n - 1) + list(range(300)))
    persons = pd.DataFrame(np.random.default_rng(n).normal(50, 10, (len(units), 2)))
    if absent:
        persons.iloc[-200:, 1] = np.nan
    assert measurement_error(persons, units).standing == Standing.UNKNOWN
    assert standard_errors(persons, units).isna().all(axis=None)


def test_row_128_answers_in_one_language_run_to_one_report(frozen_run):
    run = frozen_run("one_language")
    reports = sorted(path.name for path in run.reports.glob("report_*.html"))
    assert reports == ["report_nl.html"]  # the notebooks' own default is en
    assert run.told.rstrip().endswith("report_nl.html")


SCORES = pd.DataFrame(np.random.default_rng(1).normal(50, 10, (60, 3)), columns=list("ABC"))
WRONG = [np.inf, -np.inf, np.nan, -1.0, 1e300]


@pytest.mark.parametrize("weight", WRONG)
@pytest.mark.parametrize("n_wrong", [1, 60])
def test_row_129_weights_that_are_no_weights_are_refused_by_the_engine(weight, n_wrong):
    given = pd.Series(1.0, SCORES.index)
    given.iloc[:n_wrong] = weight
    for fit, table in ((fit_mixture, SCORES), (fit_classes, SCORES // 20)):
        with pytest.raises(ValueError, match=r"Case weights must be.*\[0"):
            fit(table, 2, weights=given)


@pytest.mark.parametrize("weight", WRONG[:-1])
def test_row_129_weights_that_are_no_weights_are_refused_for_shares(weight):
    given = pd.Series(1.0, SCORES.index)
    given.iloc[3] = weight
    labels = pd.Series(["a", "b"] * 30)
    for use in (
        lambda: weights.shares(labels, 100, given),
        lambda: weights.trim_weights(given),
        lambda: weights.design_effect(given),
    ):
        with pytest.raises(ValueError, match=r"weights: must be numbers of 0 or more.*\[3\]"):
            use()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["A", "C"])
def test_row_129_an_item_without_one_answer_or_with_infinite_ones_is_refused(value, column):
    table = SCORES.assign(**{column: value})
    told = rf"No unit has.*{column}" if np.isnan(value) else "contain infinity"
    for fit in (fit_mixture, fit_classes):
        with pytest.raises(ValueError, match=told):
            fit(table, 2)


def asked_too(home, name, *columns):
    """An export with one more rated item and other columns; what a new study makes of it."""
    table = answers().rename(columns={"A3": name}).assign(**{c: "x" for c in columns})
    table.to_csv(home / "export.csv", index=False)
    told = called("new-study", "mine", "export.csv", home=home)
    assert told.returncode == 0, told.stderr
    return pd.read_csv(home / "data/raw/mine/codebook.csv")["item"].tolist(), told.stdout


@pytest.mark.parametrize("name", ["email", "E-mail", "name", "location", "E-mailadres"])
def test_row_130_an_item_named_as_what_a_tool_adds_is_an_item_when_it_is_rated(tmp_path, name):
    items, told = asked_too(tmp_path, name)
    assert len(items) == 6
    assert name not in told.partition("no items:")[2]


@pytest.mark.parametrize("name", ["email", "E-mailadres", "name", "RecipientEmail"])
def test_row_130_what_a_tool_does_add_is_none(tmp_path, name):
    people = [f"p{i}@example.org" for i in range(12)]
    answers().assign(**{name: people}).to_csv(tmp_path / "export.csv", index=False)
    told = called("new-study", "mine", "export.csv", home=tmp_path)
    assert name in told.stdout.partition("no items:")[2]


@pytest.mark.parametrize("name", ["email", "E-mail", "functie", "status"])
def test_row_130_an_item_of_the_codebook_is_matched_whatever_its_name(tmp_path, name):
    code = name.replace("-", "").lower()
    write_study(tmp_path, "r.csv")
    book = tmp_path / "data/raw/tiny/codebook.csv"
    book.write_text(book.read_text("utf-8").replace("A3,", f"{code},"), "utf-8")
    wave = tmp_path / "data/raw/tiny/2022/wave.yaml"
    wave.unlink()
    answers().rename(columns={"A3": code}).to_csv(tmp_path / "export.csv", index=False)
    told = called("add-wave", "tiny", "2022", "export.csv", home=tmp_path)
    assert told.returncode == 0, told.stderr
    assert yaml.safe_load(wave.read_text("utf-8"))["columns"][code] == code


@pytest.mark.parametrize("column", ["rol", "functie", "role", "Uw functie"])
def test_row_130_a_study_without_roles_is_proposed_none(tmp_path, column):
    roles = STUDY.partition("roles:")[2].partition("waves:")[0]
    write_study(tmp_path, "r.csv", study=STUDY.replace(f"roles:{roles}", ""))
    wave = tmp_path / "data/raw/tiny/2022/wave.yaml"
    wave.unlink()
    answers(**{column: ["Wethouder", "Adviseur"] * 6}).to_csv(tmp_path / "e.csv", index=False)
    called("add-wave", "tiny", "2022", "e.csv", home=tmp_path)
    text = wave.read_text("utf-8")
    assert "role:" not in text
    assert f'  # - "{column}"' in text
