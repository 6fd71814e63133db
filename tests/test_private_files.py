"""Researchers take along who is in which profile, and what every table holds."""

import io

import pandas as pd
import pyreadstat
import pytest
from told import EVERY, saved

from cycle_analysis.private_files import (
    data_dictionary,
    member_table,
    write_for_excel,
    write_private_files,
)
from cycle_analysis.results import Results


@EVERY
def test_members_are_the_same_in_the_workbook_for_spss_and_in_the_table(frozen_run, name):
    run = frozen_run(name)
    saved_members = saved(run).load("05_profiles", "members", run.study.reference_wave)
    table, labels = member_table(run.study, Results(run.processed))
    book = pd.read_excel(run.processed / "members.xlsx", index_col=0, engine="calamine")
    sav, meta = pyreadstat.read_sav(run.processed / "members.sav")
    assert list(book.columns) == list(table) == list(sav.columns[1:])
    assert book.index.tolist() == sav["unit"].tolist() == saved_members.index.tolist()
    for column in table.select_dtypes("number"):
        expected = pytest.approx(table[column].astype(float).tolist(), nan_ok=True)
        assert book[column].astype(float).tolist() == expected
        assert sav[column].astype(float).tolist() == expected
    assert meta.column_names_to_labels == labels
    assert all(labels.values())


@EVERY
def test_a_profile_has_its_name_as_a_label_and_chances_add_up(frozen_run, name):
    run = frozen_run(name)
    table, _ = member_table(run.study, Results(run.processed))
    _, meta = pyreadstat.read_sav(run.processed / "members.sav")
    named = dict(zip(table["profile"], table["profile_name"], strict=True))
    assert meta.variable_value_labels["profile"] == named
    assert all(text.split()[-1] == str(k) or text.startswith(f"{k} ") for k, text in named.items())
    chances = table.filter(regex=r"^probability_\d+$")
    assert chances.shape[1] == len(named)
    assert chances.sum(axis=1).tolist() == pytest.approx([1] * len(table), abs=1e-5)


def test_a_municipality_has_its_name_and_province(frozen_run):
    table, _ = member_table(frozen_run("example").study, Results(frozen_run("example").processed))
    assert table.loc["GM0014", ["name", "province"]].tolist() == ["Groningen", "Groningen"]


@EVERY
def test_the_dictionary_lists_every_column_of_every_table(frozen_run, name):
    run = frozen_run(name)
    dictionary = data_dictionary(run.study, Results(run.processed))
    tables = {p.relative_to(run.processed).as_posix() for p in run.processed.rglob("*.csv")}
    assert set(dictionary.index) == tables
    for table in tables:
        heads = (run.processed / table).read_text("utf-8").partition("\n")[0]
        columns = pd.read_csv(io.StringIO(heads), dtype=str).columns
        assert dictionary.loc[[table], "column"].tolist() == list(columns)
    first = run.study.codebook.items.iloc[0]
    of_item = dictionary[dictionary["column"] == first.name]
    assert set(of_item["meaning"]) == {first[f"question_{run.study.languages[0]}"]}


def test_the_same_results_give_the_same_bytes_and_nothing_goes_to_the_reports(
    frozen_run, make_copy
):
    run = frozen_run("one_wave")
    home = make_copy(run)
    (folder,) = (home / "data" / "processed").iterdir()
    made = write_private_files(run.study, Results(folder))
    assert [path.parent for path in made] == [folder] * 3
    for path in made:
        assert path.read_bytes() == (run.processed / path.name).read_bytes()
    assert not list(run.reports.rglob("members*"))


def test_tables_for_a_dutch_excel_hold_the_same_numbers_and_no_formula(frozen_run, make_copy):
    run = frozen_run("example")
    home = make_copy(run)
    results = Results(home / run.processed.relative_to(run.home))
    paths = write_for_excel(run.study, results)
    originals = {p for p in run.processed.rglob("*.csv") if "excel" not in p.parts}
    assert {p.relative_to(results.folder / "excel") for p in paths} == {
        p.relative_to(run.processed) for p in originals
    }
    for path in paths:
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert path.stat().st_mode & 0o777 == 0o600
        own = pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig")
        original = pd.read_csv(run.processed / path.relative_to(results.folder / "excel"))
        pd.testing.assert_frame_equal(own, original)
