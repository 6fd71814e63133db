"""One check tells all that can be known: no mistake in one file hides another; in plain words."""

import json
import re

import pytest
import yaml
from commands import called
from tiny_study import answers, write_study

LABELS = {"nl": "w", "en": "w"}
JARGON = re.compile(
    r"Input should|valid (?:dictionary|string|list|tuple|integer|number|boolean)|instance of|"
    r"validation|Value error|type=|pydantic|unable to|characters?\b.*least|NoneType|dict\b"
)


def change(home, file, edit):
    """Change the contents of a YAML file of the tiny study."""
    path = home / "data" / "raw" / "tiny" / file
    contents = yaml.safe_load(path.read_text("utf-8"))
    edit(contents)
    path.write_text(yaml.safe_dump(contents, allow_unicode=True), "utf-8")


@pytest.fixture
def said(tmp_path):
    """What check says of the tiny study with a misspelt column, a wrong unit, an odd answer."""
    table = answers(gemeente=["Amstredam"], A2=["77", "77", "77"]).rename(columns={"E3": "E33"})
    table.to_csv(write_study(tmp_path, "r.csv"), index=False)

    def say(file, edit):
        change(tmp_path, file, edit)
        told = called("check", "tiny", home=tmp_path)
        assert told.returncode == 2, told.stdout + told.stderr
        assert "Traceback" not in told.stderr
        return told.stderr

    return say


COLUMN, UNIT, ANSWER = "for E3: 'E3': no such column", "'Amstredam'", "'77'"


@pytest.mark.parametrize(
    ("file", "edit", "own"),
    [
        ("2022/wave.yaml", lambda y: y["columns"].pop("A1"), "'A1': this item is nowhere"),
        ("2022/wave.yaml", lambda y: y["columns"].update(A99="A1"), "'A99': is no item"),
        ("2022/wave.yaml", lambda y: y["columns"].update(unit="x"), "for unit: 'x'"),
        ("study.yaml", lambda y: y.update(waves=["2022", "2030"]), "2030/wave.yaml"),
        ("study.yaml", lambda y: y.update(titel="x"), "'titel': is not a known key"),
        ("study.yaml", lambda y: y.pop("title"), "the key 'title' is missing"),
        ("study.yaml", lambda y: y.update(reference_wave="1999"), "'1999': is no wave"),
        ("study.yaml", lambda y: y.update(parameters={"77": {"a": "1"}}), "'77': is no notebook"),
    ],
)
def test_a_mistake_in_one_file_does_not_hide_those_in_the_answers(said, file, edit, own):
    told = said(file, edit)
    assert own in told
    assert COLUMN in told
    assert ANSWER in told
    assert (UNIT in told) == ("for unit" not in own)
    assert "check, later: not looked at yet:" in told


@pytest.mark.parametrize(
    ("file", "edit", "own"),
    [
        ("2022/wave.yaml", lambda y: y.update(fieldwork={"start": "x"}), "fieldwork.start: 'x'"),
        ("2022/wave.yaml", lambda y: y["columns"].update(A1={"map": {}}), "'source' is missing"),
        ("study.yaml", lambda y: y.update(scales={"s": {"min": "x"}}), "scales.s.min: 'x'"),
        ("study.yaml", lambda y: y.pop("phases"), "the key 'phases' is missing"),
    ],
)
def test_where_no_answer_can_be_read_columns_are_still_looked_for(said, file, edit, own):
    told = said(file, edit)
    assert own in told
    assert COLUMN in told
    assert "not looked at yet: answers" in told or ANSWER in told


def test_a_wrong_cell_of_the_codebook_does_not_hide_what_the_export_lacks(tmp_path):
    answers().rename(columns={"E3": "E33"}).to_csv(write_study(tmp_path, "r.csv"), index=False)
    path = tmp_path / "data/raw/tiny/codebook.csv"
    text = path.read_text("utf-8").replace("A1,C,AG,s,no", "A1,C,XX,s,perhaps")
    path.write_text(text, "utf-8")
    told = called("check", "tiny", home=tmp_path).stderr
    for part in ("'XX': is no phase", "'perhaps': is unknown", COLUMN):
        assert part in told
    assert "'A1': is no item" not in told


KEYS = {
    "study.yaml": [
        *("title", "languages", "units", "model", "developments", "phases", "scales", "roles"),
        *(
            "waves",
            "reference_wave",
            "synthetic",
            "round_to",
            "domains",
            "parameters",
            "statements",
        ),
        *("profile_names", "off_topic_blocks", "self_placement", "own_notebooks", "population"),
    ],
    "2022/wave.yaml": [
        *("wave", "label", "fieldwork", "source", "columns", "dropped", "not_asked", "ignore"),
        "invited",
    ],
}
ANSWERED_BY = {*KEYS["2022/wave.yaml"], "phases", "scales", "roles", "units", "languages"}
"""Keys by which answers are read; to know what is said of the others none need be there."""
ODD = ["", "x", [], {}, ["x"], [["x"]], [{}], {"a": "b"}, {"a": {"b": "c"}}, {"a": ["x"]}, [""],
       {"a": {"min": "nan", "max": "1"}}, {"A1": {"source": "A1", "linear": {"from": ["1"]}}},
       {"A1": {"source": "A1", "linear": {"from": ["1", "2", "3"]}}}, {"file": "r.csv",
        "header_row": "0"}, {"file": ["r.csv"]}, {"start": "2022-13-01", "end": ["x"]}]  # fmt: skip


@pytest.mark.parametrize(("file", "key"), [(file, key) for file in KEYS for key in KEYS[file]])
def test_no_message_speaks_of_the_program(tmp_path, file, key):
    export = write_study(tmp_path, "r.csv")
    if key in ANSWERED_BY:
        answers().to_csv(export, index=False)
    path = tmp_path / "data" / "raw" / "tiny" / file
    whole = yaml.safe_load(path.read_text("utf-8"))
    for odd in ODD:
        path.write_text(json.dumps(whole | {key: odd}), "utf-8")  # which is YAML, sooner written
        told = called("check", "tiny", home=tmp_path)
        assert told.returncode in (0, 2), (odd, told.stderr)
        lines = re.sub(r"'[^']*':|\"[^\"]*\":|\{.*\}|\[.*\]", "", told.stderr)
        assert not JARGON.search(lines), (odd, JARGON.search(lines), told.stderr)


def test_what_is_allowed_says_when_it_is_only_the_nearest(tmp_path):
    table = answers(gemeente=["Amstredam"])
    table.to_csv(write_study(tmp_path, "r.csv"), index=False)
    told = called("check", "tiny", home=tmp_path).stderr
    assert "Allowed: units of the register, of which the nearest are Amsterdam (GM0363)" in told
