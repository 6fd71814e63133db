"""One text becomes one coded answer, or a reason why not."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycle_analysis.responses import INVALID, decode
from cycle_analysis.study.files import Column, Scale

SCALE = Scale.model_validate(
    {
        "min": 0,
        "max": 4,
        "labels": {
            "0": {"nl": "niet aan de orde", "en": "not at issue"},
            "3": {"nl": "in de meeste onderdelen", "en": "in most units"},
        },
        "missing": {"8": {"reason": "dont_know", "nl": "weet niet", "en": "don't know"}},
    }
)
COLUMN = Column(source="Q1")


def one(text, column=COLUMN, scale=SCALE, labels=None):
    return decode(pd.Series([text], dtype="str"), column, scale, labels or {}).distinct.iloc[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("3,0", 3.0),
        ("3.0", 3.0),
        ("\u00a03\u200b", 3.0),
        ("In de meeste  onderdelen", 3.0),
        ("in most units", 3.0),
        ("3 - in de meeste onderdelen", 3.0),
        ("(3) in de meeste onderdelen", 3.0),
        ("[3]", 3.0),
        ("in de meeste onderdelen (3)", 3.0),
    ],
)
def test_a_code_a_label_and_a_leading_code_mean_the_same(text, value):
    assert one(text)["value"] == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("8", "dont_know"),
        ("Weet niet", "dont_know"),
        ("don’t know", "dont_know"),
        ("n.v.t.", "not_applicable"),
        ("", "blank"),
        ("-", "blank"),
        ("geen antwoord", "refused"),
        ("N/A", "not_shown"),
    ],
)
def test_a_missing_answer_keeps_its_reason(text, reason):
    answer = one(text)
    assert answer["reason"] == reason
    assert pd.isna(answer["value"])


@pytest.mark.parametrize("text", ["7", "-9", "99", "2,5", "03-04-2024", "helemaal", "=1+1", "١٢"])
def test_what_is_no_answer_is_invalid_and_never_a_number(text):
    answer = one(text)
    assert answer["reason"] == INVALID
    assert pd.isna(answer["value"])
    assert answer["problem"]


@pytest.mark.parametrize("text", ["75%", "75 %", "75,0\u00a0%", "75 procent"])
def test_a_percent_sign_is_left_out_where_the_scale_runs_to_100(text):
    shares = Scale(min=0, max=100), Scale(kind="number")
    assert [one(text, scale=scale)["value"] for scale in shares] == [75, 75]
    linear = Column.model_validate({"source": "Q3", "linear": {"from": ["0", "100"]}})
    assert one(text, linear)["value"] == 3
    assert one(text)["reason"] == one(text, scale=Scale(min=0, max=99))["reason"] == INVALID


@pytest.mark.parametrize("space", [" ", "\u2009", "\u202f", "\u00a0"])
def test_spaces_between_thousands_are_left_out_where_the_scale_is_of_numbers(space):
    text = f"1{space}020{space}000,5"
    assert one(text, scale=Scale(kind="number"))["value"] == 1_020_000.5
    assert one(f"3{space}000")["reason"] == one("3 0", scale=Scale(kind="number"))["reason"]


def test_a_recode_has_the_first_word_and_refuses_codes_it_does_not_name():
    column = Column.model_validate({"source": "Q2", "map": {"1": "0", "5": "4"}})
    assert one("5", column)["value"] == 4.0
    assert one("0", column)["reason"] == INVALID
    assert "1, 5" in one("0", column)["problem"]
    assert one("weet niet", column)["reason"] == "dont_know"


def test_a_linear_scale_is_carried_to_the_ends_of_the_codebook():
    column = Column.model_validate({"source": "Q3", "linear": {"from": ["0", "10"]}})
    assert one("5", column)["value"] == 2.0
    assert "0 to 10" in one("11", column)["problem"]


def test_a_label_of_the_file_itself_is_understood():
    assert one("Meestal", labels={"3": "meestal"})["value"] == 3.0


@pytest.mark.parametrize("label", ["-", ".", "None", " "])
def test_a_label_that_says_nothing_makes_no_answer_a_missing_one(label):
    assert one("2", labels={"0": "not at all", "2": label, "4": "wholly"})["value"] == 2.0
    assert one("2", labels={"2": "n.v.t."})["reason"] == "not_applicable"


def test_categories_are_codes_not_numbers():
    scale = Scale.model_validate({"kind": "category", "labels": {"01": {"nl": "ja", "en": "yes"}}})
    assert one("01", scale=scale)["value"] == "01"
    assert one("1", scale=scale)["reason"] == INVALID
    assert one("Ja", scale=scale)["value"] == "01"


@given(st.text(max_size=12))
def test_any_text_gives_an_answer_or_a_reason_and_no_traceback(text):
    answer = one(text)
    assert (answer["reason"] == "") != pd.isna(answer["value"])
    assert pd.isna(answer["value"]) or 0 <= answer["value"] <= 4
