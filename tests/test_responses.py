"""From an export to coded answers, and what stops on the way."""

import hashlib

import pandas as pd
import pytest

from cycle_analysis.problems import FIXED, KEPT, SET_MISSING, InputError
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.study import load_study
from cycle_analysis.units import population

CSV = "data/raw/example/2022/responses.csv"


@pytest.fixture
def change(home, edit):
    """Change the export of 2022 as a table of texts, and record its new checksum."""

    def apply(function):
        path = home / CSV
        table = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str, keep_default_na=False)
        old = hashlib.sha256(path.read_bytes()).hexdigest()
        function(table).to_csv(path, sep=";", encoding="cp1252", index=False)
        edit("2022/wave.yaml", old, hashlib.sha256(path.read_bytes()).hexdigest())
        return load_study("example", home)

    return apply


def put(column, row, value):
    def function(table):
        table.loc[row, column] = value
        return table

    return function


def refusal(study):
    with pytest.raises(InputError) as caught:
        read_responses(study, "2022")
    return str(caught.value)


def test_both_waves_of_the_example_are_read_whole(home):
    study = load_study("example", home)
    first, second = (read_responses(study, wave) for wave in study.waves)
    assert first.respondents.index.is_unique
    assert first.respondents["unit"].str.fullmatch(r"GM\d{4}").all()
    assert set(second.respondents["role"]) <= set(study.roles)
    assert first.problems["done"].isin([FIXED]).all()
    closed = first.reasons[first.answers.columns]
    assert (first.answers.isna() == (closed != "")).to_numpy().all()
    assert first.open_answers.columns.tolist() == ["I1"]


def test_the_renamed_and_the_rescaled_item_arrive_on_the_codebooks_scale(home):
    study = load_study("example", home)
    raw = pd.read_csv(home / CSV, sep=";", encoding="cp1252", dtype=str, keep_default_na=False)
    answers = read_responses(study, "2022").answers
    coded = pd.to_numeric(raw["Q2_1"], errors="coerce") - 1
    assert answers["EX1"].reset_index(drop=True).equals(coded.rename("EX1"))
    assert "VA5" not in answers


def test_an_answer_off_the_scale_becomes_missing_and_stands_in_the_table(change):
    study = change(put("AG2", 3, "7"))
    responses = read_responses(study, "2022")
    (row,) = responses.problems[responses.problems["done"] == SET_MISSING].itertuples()
    assert row.value == "7"
    assert "row" in row.where
    assert " 5" in row.where
    assert responses.reasons["AG2"].iloc[3] == "invalid"


def test_a_column_that_is_not_understood_as_a_whole_stops_the_run_in_one_message(change):
    study = change(lambda table: table.assign(AG2="helemaal eens", AG3="heel vaak"))
    lines = refusal(study).splitlines()
    assert len(lines) == 2
    assert "AG2" in lines[0]
    assert "helemaal eens" in lines[0]


def test_an_unknown_unit_stops_the_run_with_the_nearest_names(change):
    message = refusal(change(put("Gemeente", 0, "Amsterdm")))
    assert "Amsterdam" in message
    assert "row 2" in message


def test_a_respondent_without_a_unit_is_left_out_and_counted(change, home):
    n = len(read_responses(load_study("example", home), "2022").answers)
    responses = read_responses(change(put("Gemeente", 0, "")), "2022")
    assert len(responses.answers) == n - 1
    assert responses.problems["problem"].str.contains("no unit and").any()


def test_a_unit_that_had_merged_before_fieldwork_is_carried_to_its_successor(change):
    responses = read_responses(change(put("Gemeente", 0, "Haarlemmerliede en Spaarnwoude")), "2022")
    assert responses.respondents["unit"].iloc[0] == "GM0394"
    assert (responses.problems["done"] == KEPT).any()


def test_a_double_respondent_stops_the_run(change):
    study = change(lambda t: put("RespondentID", 1, t.loc[0, "RespondentID"])(t))
    assert "more than once" in refusal(study)


def test_an_unknown_role_stops_the_run_with_the_roles(change):
    message = refusal(change(put("Functie", 0, "Burgemeester")))
    assert "STR, DAT, DOM, BES" in message


def test_a_mapped_column_that_is_absent_stops_the_run(change):
    assert "no such column" in refusal(change(lambda table: table.drop(columns="AG2")))


def test_a_column_that_nobody_mapped_is_left_out_with_a_warning(change):
    responses = read_responses(change(lambda table: table.assign(Extra="x")), "2022")
    assert "Extra" in responses.problems["value"].tolist()
    assert "Extra" not in responses.answers


def test_a_file_that_changed_since_its_checksum_is_refused(home):
    study = load_study("example", home)
    path = home / CSV
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(InputError, match="changed since"):
        read_responses(study, "2022")


def test_private_columns_do_not_reach_the_answers(home):
    responses = read_responses(load_study("example", home), "2022")
    texts = responses.answers.select_dtypes(exclude="number").drop(columns="I1", errors="ignore")
    assert not texts.apply(lambda column: column.str.contains("@")).any().any()


def test_the_population_of_another_register_is_grouped_by_its_own_columns(home, edit):
    edit("study.yaml", "register: municipalities", "register: countries.csv")
    register = home / "data" / "raw" / "example" / "countries.csv"
    register.write_text("unit,name,region\nNA,Namibia,Africa\nNL,Netherlands,Europe\n")
    units, by = population(load_study("example", home), "2018")
    assert units.index.tolist() == ["NA", "NL"]
    assert by == ["region"]
