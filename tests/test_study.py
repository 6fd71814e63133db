"""Study files: what is read, and what a mistake gets."""

import re

import pandas as pd
import pytest

from cycle_analysis.problems import InputError
from cycle_analysis.running.checking import check_study
from cycle_analysis.study import find_home, load_study


def problems_of(home, name="example"):
    with pytest.raises(InputError) as caught:
        load_study(name, home)
    return caught.value.problems


def test_the_example_is_read_with_phases_in_the_order_of_the_cycle(home):
    study = load_study("example", home)
    assert study.phase_codes == ["AG", "EX", "VB", "VA", "NN"]
    assert study.wave("2022").columns["AG1"].source == "Q1_1"
    assert study.synthetic


def test_phase_items_have_the_ends_of_their_scale_and_leave_out_what_was_not_asked(home):
    items = load_study("example", home).phase_items("2022")
    assert "VA5" not in items.index
    assert items.loc["EX1", ["phase", "low", "high"]].tolist() == ["EX", 0.0, 4.0]


def test_mistakes_in_all_files_are_told_at_once_with_their_lines(home, edit):
    edit("study.yaml", "synthetic: true", "synthetic: perhaps\nauthor: me")
    edit("codebook.csv", "AG1,C,AG,implementation,no", "AG1,C,AG,implementation,maybe")
    edit("codebook.csv", "AG3,", "AG2,")
    told = problems_of(home)
    files = {problem.file for problem in told}
    assert files == {"study.yaml", "codebook.csv", "2018/wave.yaml", "2022/wave.yaml"}
    wheres = " | ".join(problem.where for problem in told)
    assert "synthetic" in wheres
    assert "author" in wheres
    assert "column reversed" in wheres
    assert any("stands in row" in problem.problem for problem in told)


def test_an_item_that_a_wave_forgets_is_named_with_the_remedy(home, edit):
    edit("2022/wave.yaml", "  AG2: AG2\n", "")
    (problem,) = problems_of(home)
    assert problem.value == "AG2"
    assert "dropped" in problem.remedy


def test_an_item_that_no_codebook_knows_gets_the_nearest(home, edit):
    edit("2022/wave.yaml", "  AG2: AG2\n", "  AG22: AG2\n")
    told = problems_of(home)
    assert any(p.value == "AG22" and "AG2" in p.remedy for p in told)


def test_a_column_mapped_twice_is_refused(home, edit):
    edit("2022/wave.yaml", "  AG2: AG2\n", "  AG2: AG3\n")
    assert {p.where.split(", ")[1] for p in problems_of(home)} == {"columns.AG2", "columns.AG3"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title:", "title:\ntitle:", "stands twice"),
        ("title:", "\ttitle:", "is not YAML"),
        ("title:", "a: &x [1]\nb: *x\ntitle:", "alias"),
        ('reference_wave: "2018"', 'reference_wave: "2019"', "is no wave"),
        ('development: "1"', 'development: "9"', "is no development"),
    ],
)
def test_a_wrong_study_file_is_refused_with_the_reason(home, edit, old, new, told):
    edit("study.yaml", old, new)
    assert any(told in problem.problem for problem in problems_of(home))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title:", "\ttitle:", "a tab stands before or between keys"),
        ("synthetic:", "   synthetic:", "stands further in or out than those it belongs to"),
        ("roles:", 'about: {author: "van "mij""}\nroles:', "a quote is missing here or before"),
        ("register: municipalities", r'register: "C:\Users\a.csv"', "a backslash stands between"),
        ("register: municipalities", r'register: "2024\export.csv"', "made by \\ between double"),
        ("register: municipalities", r'register: "data\tabel.csv"', "made by \\ between double"),
        ("parameters: {}", 'parameters: "{}', "a quote or bracket opens here and is not closed"),
        ("synthetic: true", 'synthetic: "true', "or a quote is not closed"),
        ("synthetic: true", "synthetic: a: b", "a colon stands within a text"),
        ("synthetic: true", "synthetic\ntrue: 1", "the line above has no colon after its key"),
    ],
)
def test_what_the_parser_cannot_read_is_told_in_plain_words(home, edit, old, new, told):
    edit("study.yaml", old, new)
    (problem,) = problems_of(home)
    assert told in problem.problem
    assert problem.remedy
    assert not re.search(r"<block|scalar|escape sequence|token", str(problem))


def test_dates_in_the_wrong_order_are_told_without_python(home, edit):
    edit("2022/wave.yaml", 'start: "2022-04-04"', 'start: "2022-07-04"')
    (problem,) = problems_of(home)
    assert "end 2022-06-17 lies before start 2022-07-04" in str(problem)
    assert "{" not in str(problem)


def test_a_bare_no_stays_a_text_and_is_not_a_boolean(home, edit):
    edit("study.yaml", "one: {nl: gemeente, en: municipality}", "one: {nl: no, en: NO}")
    assert load_study("example", home).units.one["nl"] == "no"


def test_an_unknown_study_is_told_with_the_nearest_name(home):
    (problem,) = problems_of(home, "exmaple")
    assert "example" in problem.remedy
    assert "example" in problem.allowed


@pytest.mark.parametrize("name", ["../example", "/etc", "a b", ""])
def test_a_name_that_is_a_path_is_refused(home, name):
    assert "cannot be a name" in problems_of(home, name)[0].problem


@pytest.mark.parametrize(
    ("written", "problem", "allowed"),
    [
        ("", "is empty", ""),
        ("04-04-2022", "is no date", "year-month-day, such as 2022-03-01"),
        ("2022-31-04", "is no date", "year-month-day, such as 2022-03-01"),
    ],
)
def test_a_day_that_is_none_is_told_with_how_to_write_one(home, edit, written, problem, allowed):
    edit("2022/wave.yaml", 'start: "2022-04-04"', f'start: "{written}"')
    (told,) = problems_of(home)
    assert (told.problem, told.allowed) == (problem, allowed)
    assert "fieldwork.start" in told.where


def test_a_wave_whose_source_is_a_path_is_refused(home, edit):
    edit("2022/wave.yaml", "file: responses.csv", "file: ../2018/responses.sav")
    assert any("is a path" in problem.problem for problem in problems_of(home))


def test_the_home_folder_is_the_nearest_with_raw_data(home, monkeypatch):
    monkeypatch.delenv("CYCLE_ANALYSIS_HOME", raising=False)
    assert find_home(home / "data" / "raw" / "example") == home.resolve()


def test_without_a_home_folder_the_user_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("CYCLE_ANALYSIS_HOME", raising=False)
    with pytest.raises(InputError, match="no data/raw"):
        find_home(tmp_path)


def test_another_questionnaire_needs_no_code(home, edit):
    edit("study.yaml", "  - code: NN\n", "  - code: ZZ\n")
    codebook = home / "data" / "raw" / "example" / "codebook.csv"
    codebook.write_text(codebook.read_text("utf-8").replace(",NN,", ",ZZ,"), "utf-8")
    study = load_study("example", home)
    assert study.phase_codes[-1] == "ZZ"
    assert study.codebook.of_phase("ZZ") == ["NN1", "NN2", "NN3", "NN4", "NN5"]


def test_a_codebook_with_semicolons_and_a_byte_order_mark_is_read(home):
    path = home / "data" / "raw" / "example" / "codebook.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.to_csv(path, sep=";", index=False, encoding="utf-8-sig")
    assert len(load_study("example", home).codebook.items) == len(table)


def test_the_heading_of_a_synthetic_study_says_so(home, edit):
    assert "SYNTHETIC DATA" in load_study("example", home).heading()
    assert "SYNTHETISCHE GEGEVENS" in load_study("example", home).heading("nl")
    edit("study.yaml", "synthetic: true", "synthetic: false")
    assert "SYNTHETIC DATA" not in load_study("example", home).heading()


def test_an_item_of_a_domain_exists_and_its_answers_are_places_in_the_cycle(home, edit):
    edit("study.yaml", "  B2_1: {nl: sociaal domein", "  B9_9: {nl: sociaal domein")
    edit("codebook.csv", "B2_2,B,,stage,", "B2_2,B,,datalab,")
    edit("study.yaml", '      "4": {nl: een Urban', '      "44": {nl: een Urban')
    told = {problem.where: problem for problem in problems_of(home)}
    assert told["domains.B9_9"].problem == "is no item of codebook.csv"
    assert told["domains.B2_2"].value == "44"
    assert told["domains.B2_2"].allowed == "0, 1, 2, 3, 4, 5"


def test_rows_of_a_codebook_are_numbered_as_a_spreadsheet_does_also_after_a_blank_one(home, edit):
    edit("codebook.csv", "\nAG1,C,AG,implementation,no", "\n\nAG1,C,AG,implementation,maybe")
    lines = (home / "data/raw/example/codebook.csv").read_text("utf-8").split("\n")
    row = next(number for number, line in enumerate(lines, start=1) if line.startswith("AG1,"))
    with pytest.raises(InputError, match=f"row {row}, column reversed"):
        load_study("example", home)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  AG2: AG2\n", "  AG2: [Q1, Q2]\n"),
        ("  AG2: AG2\n", "  AG2: {source: [Q1, Q2]}\n"),
        ("source: {file: responses.csv,", "source: {file: [responses.csv, more.csv],"),
        ("csv, encoding: cp1252,", "csv, encoding: [cp1252, utf-8],"),
    ],
)
def test_a_list_where_one_name_is_taken_is_told_as_that(home, edit, old, new):
    edit("2022/wave.yaml", old, new)
    told = [problem for problem in problems_of(home) if "is a list" in problem.problem]
    assert told[0].way_on.startswith(" Allowed: one text. Bring several files or columns into one")


def test_a_codebook_that_excel_saved_is_told_by_its_line_or_read(home):
    path = home / "data/raw/example/codebook.csv"
    text = path.read_text("utf-8")
    lines = [line + ",," for line in text.splitlines()]
    path.write_text("\n".join([*lines, "," * 8, ""]), "utf-8")
    again = load_study("example", home).codebook.items
    path.write_text(text, "utf-8")
    assert again.equals(load_study("example", home).codebook.items)
    path.write_bytes(text.replace("domein", "domeïn", 1).encode("cp1252", "replace"))
    (problem,) = problems_of(home)
    assert problem.where == "line 2"
    assert "domeïn" in problem.value
    assert "CSV UTF-8" in problem.remedy


def test_a_register_is_looked_at_before_there_is_a_wave(home, edit):
    edit("study.yaml", "register: municipalities", "register: units.csv")
    folder = home / "data/raw/example"
    (folder / "units.csv").write_text("unit;naam\nA;a\n", "utf-8")
    (folder / "2018/wave.yaml").unlink()
    (folder / "2022/wave.yaml").unlink()
    with pytest.raises(InputError) as caught:
        check_study("example", home)
    assert "units.csv, first line: 'name'" in str(caught.value)
    assert "or begin it: cycle-analysis add-wave example 2018 FILE" in str(caught.value)
