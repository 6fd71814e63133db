"""Exports of survey tools known by their columns, and names and files that cannot be."""

import json
import os
import sys
from io import BytesIO, TextIOWrapper
from threading import Timer

import pandas as pd
import pyreadstat
import pytest
from commands import called, command
from test_more_inputs import with_scale
from tiny_study import STUDY, answers, load, read, refused, told, write_study

from cycle_analysis.cli import main
from cycle_analysis.drafting.matching import match_columns
from cycle_analysis.problems import FIXED, KEPT, InputError
from cycle_analysis.readers import read_export
from cycle_analysis.running import find_doubts, gather_parameters, notebook_folder
from cycle_analysis.study import load_study
from cycle_analysis.study.files import Source
from cycle_analysis.units import load_register, read_register

LETTERS = """  k:
    kind: category
    labels:
      A: {nl: A, en: A}
      B: {nl: beschrijvend, en: descriptive}
    missing:
      X: {reason: dont_know, nl: weet niet, en: unsure}
roles:"""


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [("A", "A", ""), ("a", "A", ""), (" B ", "B", ""), ("Beschrijvend", "B", ""),
     ("X", None, "dont_know"), ("x", None, "dont_know"), ("unsure", None, "dont_know"),
     ("C", None, "invalid")],
)  # fmt: skip
def test_row_118_category_codes_in_letters_are_understood(tmp_path, text, answer, reason):
    path = write_study(tmp_path, "r.csv", {"O1": "O1"}, study=STUDY.replace("roles:", LETTERS))
    with_scale(tmp_path, "k")
    answers(O1=[text, *"ABAB"]).to_csv(path, index=False)
    responses = read(tmp_path, 0.9)
    found = responses.answers["O1"].iloc[0]
    assert (found == answer) if answer else pd.isna(found)
    assert responses.reasons["O1"].iloc[0] == reason


def test_row_118_codes_that_differ_in_capitals_alone_are_two(tmp_path):
    scale = LETTERS.replace("B: {nl: besch", "a: {nl: besch")
    path = write_study(tmp_path, "r.csv", {"O1": "O1"}, study=STUDY.replace("roles:", scale))
    with_scale(tmp_path, "k")
    answers(O1=["A", "a"]).to_csv(path, index=False)
    assert read(tmp_path, 0.9).answers["O1"].iloc[:2].tolist() == ["A", "a"]


def of_qualtrics(status, finished, names=("Status", "Finished", "ResponseId")):
    table = answers()
    table[names[0]] = [status, *["0"] * 11] if len(status) < 3 else [status, *["IP Address"] * 11]
    table[names[1]] = ["1", finished, *["1"] * 10]
    table[names[2]] = [f"R_{i}" for i in range(12)]
    return table


@pytest.mark.parametrize(
    "status", ["1", "Survey Preview", "Enquêtevoorbeeld", "Spam Preview", "17"]
)
@pytest.mark.parametrize("finished", ["0", "False", "Onwaar", "Nee"])
@pytest.mark.parametrize(
    "names", [("Status", "Finished", "ResponseId"), ("Antwoordtype", "Voltooid", "Antwoord-ID")]
)
def test_row_119_previews_go_and_unfinished_rows_count_without_qualtrics_header_rows(
    tmp_path, status, finished, names
):
    path = write_study(tmp_path, "r.csv", ignore=list(names))
    of_qualtrics(status, finished, names).to_csv(path, index=False)
    responses = read(tmp_path)
    assert len(responses.answers) == 11
    assert "1 row is a preview; left out" in told(responses, FIXED)
    assert "1 row is not finished" in told(responses, KEPT)


def test_row_119_a_sav_of_qualtrics_is_known_by_its_columns_and_labels(tmp_path):
    path = write_study(
        tmp_path, "r.sav", ignore=["Status", "Finished", "ResponseId", "RecordedDate"]
    )
    table = of_qualtrics("1", "0").assign(RecordedDate="2022-03-02")
    table["Status"] = [7.0, *[0.0] * 11]
    labels = {"Status": {0: "IP Address", 7: "Survey Preview"}}
    pyreadstat.write_sav(table, str(path), variable_value_labels=labels)
    assert len(read(tmp_path).answers) == 11


@pytest.mark.parametrize("column", ["Status", "Finished"])
def test_row_119_a_status_of_another_tool_means_nothing(tmp_path, column):
    path = write_study(tmp_path, "r.csv", ignore=[column])
    answers(**{column: ["1", "0"] * 6}).to_csv(path, index=False)
    assert len(read(tmp_path).answers) == 12


def matches(home, table):
    path = home / "export.csv"
    table.to_csv(path, index=False)
    study = load(home)
    raw = read_export(path, Source(file=path.name))
    return match_columns(raw, study, load_register(), "2022-03-01").found


@pytest.mark.parametrize(
    "form", ["{}[SQ00{}]", "{}[{}]", "{}_SQ00{}", "{}[SQ00{}]. Vraag", "{}[00{}]"]
)
def test_row_120_questions_within_a_question_of_limesurvey_match_numbered_items(tmp_path, form):
    write_study(tmp_path, "r.csv")
    items = ["A1", "A2", "A3", "E1", "E2", "E3"]
    names = {item: form.format(item[0], item[1]) for item in items}
    found = matches(tmp_path, answers().rename(columns=names))
    assert {item: found[item].source for item in items} == {
        item: name.split(". ")[0] if "id" in names else name for item, name in names.items()
    }
    assert all(found[item].sure for item in items)


@pytest.mark.parametrize("renamed", [6, 3])
def test_row_120_items_under_other_names_are_likely_by_their_place(tmp_path, renamed):
    write_study(tmp_path, "r.csv")
    items = ["A1", "A2", "A3", "E1", "E2", "E3"]
    names = {item: f"vr{place}" for place, item in enumerate(items[:renamed])}
    table = answers().rename(columns=names)
    found = matches(tmp_path, table)
    assert {item: found[item].source for item in items[:renamed]} == names
    assert not any(found[item].sure for item in names)
    more = matches(tmp_path, table.assign(extra="1")[["extra", *table.columns]])
    assert not set(names) & set(more)


def test_row_121_a_weight_and_a_filter_of_a_sav_are_told(tmp_path):
    path = write_study(tmp_path, "r.sav", ignore=["filter_$"])
    pyreadstat.write_sav(answers().assign(**{"filter_$": 1.0}), str(path))
    content = bytearray(path.read_bytes())
    content[76:80] = (1).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    said = told(read(tmp_path), KEPT)
    assert "a weight is set in this file; it is not applied" in said
    assert "a filter was set in this file" in said


@pytest.mark.parametrize("length", [255, 256, 300, 700, 5000])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_row_121_very_long_texts_of_a_sav_come_whole(tmp_path, length, letter):
    path = write_study(tmp_path, "r.sav", {"O1": "O1"})
    text = letter * (length - 4) + " end"
    pyreadstat.write_sav(answers(O1=[text, "short"]), str(path))
    responses = read(tmp_path)
    assert responses.open_answers["O1"].iloc[:2].tolist() == [text, "short"]
    assert "lie in pieces" not in told(responses, KEPT)


@pytest.mark.parametrize("length", [300, 600, 1200])
@pytest.mark.parametrize("name", ["O1", "OPMERKING"])
def test_row_121_very_long_texts_that_were_split_are_told_with_their_pieces(tmp_path, length, name):
    table = answers(**{name: ["x" * length, "short"]})
    pieces = [f"{name[:5]}{i}" for i in range(-(-length // 252) - 1)]
    path = write_study(tmp_path, "r.sav", {"O1": name}, ignore=pieces)
    pyreadstat.write_sav(table, str(path))
    content = path.read_bytes()  # an old program does not write which variables are one text
    record = content.rindex(b"\0", 0, content.index(f"={length:05d}\0".encode())) + 1
    path.write_bytes(content[:record] + b"Q" + content[record + 1 :])
    assert f"lie in pieces, as columns of their own | {', '.join(pieces)}" in told(read(tmp_path))


@pytest.mark.parametrize("names", [["O1", "O10"], ["O1", "P1"], ["A255", "A2550"]])
def test_row_121_texts_that_only_look_like_pieces_are_none(tmp_path, names):
    first, second = names
    path = write_study(tmp_path, "r.sav", ignore=names)
    more = {first: ["x" * (254 if second != "P1" else 255)], second: ["y" * 255]}
    pyreadstat.write_sav(answers(**more), str(path))
    assert "lie in pieces" not in told(read(tmp_path))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp850", "utf-8"])
def test_row_122_a_console_of_any_encoding_prints(tmp_path, monkeypatch, encoding):
    path = write_study(tmp_path, "r.csv")
    answers(gemeente=["Łódź ✓ Zürich"]).to_csv(path, index=False)
    consoles = {
        name: TextIOWrapper(BytesIO(), encoding, write_through=True)
        for name in ("stdout", "stderr")
    }
    for name, console in consoles.items():
        monkeypatch.setattr(sys, name, console)
    code = main(["check", "tiny", "--home", str(tmp_path)])
    printed = {name: console.buffer.getvalue() for name, console in consoles.items()}
    assert code == 2
    assert b"Traceback" not in printed["stderr"]
    assert b"is not in the register" in printed["stderr"]


def put_pipe(path):
    os.mkfifo(path)


def put_link(path):
    (path.parent / "real").write_text("unit,name\nA,a\n")
    path.symlink_to(path.parent / "real")


def put_folder(path):
    path.mkdir()


ODD = {put_pipe: "pipe or device", put_link: "is a link", put_folder: "is a folder"}


@pytest.mark.parametrize("put", ODD)
@pytest.mark.parametrize("which", ["export", "register", "study.yaml", "codebook.csv", "invited"])
def test_row_123_what_is_no_plain_file_gets_one_message_wherever_it_is_given(tmp_path, put, which):
    study = STUDY.replace("roles:", "units: {register: reg.csv}\nroles:")
    more = {"invited": "invited.csv"} if which == "invited" else {}
    path = write_study(tmp_path, "r.csv", study=study if which == "register" else STUDY, **more)
    folder = path.parent.parent
    if which != "export":
        answers().to_csv(path, index=False)
    odd = {"export": path, "register": folder / "reg.csv", "invited": path.parent / "invited.csv"}
    place = odd.get(which, folder / which)
    place.unlink(missing_ok=True)
    put(place)
    release = Timer(60, place.write_bytes, [b""])  # who reads a pipe waits for a writer
    release.daemon = True
    release.start()
    done = called("check", "tiny", home=tmp_path)
    release.cancel()
    assert done.returncode == 2
    assert ODD[put] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["a\0b.csv", "x" * 300 + ".csv", "a/" * 3000 + "b.csv"])
def test_row_123_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    write_study(tmp_path, "r.csv")
    with pytest.raises(InputError):
        read_export(tmp_path / name, Source(file="r.csv"))
    with pytest.raises(InputError):
        read_register(tmp_path / name)
    wave = tmp_path / "data/raw/tiny/2022/wave.yaml"
    told_so = json.loads(wave.read_text()) | {"invited": name.rpartition("/")[2]}
    told_so["source"]["file"] = name
    wave.write_text(json.dumps(told_so))
    assert refused(tmp_path)


def test_row_124_a_codebook_cell_beyond_the_limit_of_csv_is_refused(tmp_path):
    write_study(tmp_path, "r.csv")
    path = tmp_path / "data/raw/tiny/codebook.csv"
    path.write_text(path.read_text().replace("question A1", "q" * 140_000))
    with pytest.raises(InputError, match=r"codebook.csv, line 2: field larger"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["[" * 200_000, "a: " + "{" * 100_000, "- " * 50_000])
def test_row_124_brackets_without_end_are_refused(tmp_path, text):
    write_study(tmp_path, "r.csv")
    (tmp_path / "data/raw/tiny/study.yaml").write_text(text)
    with pytest.raises(InputError):
        load_study("tiny", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16", "klingon", "rot13", "hex", "undefined"])
@pytest.mark.parametrize("kind", ["csv", "sav"])
def test_row_124_an_encoding_that_the_file_is_not_in_is_refused(tmp_path, encoding, kind):
    path = write_study(tmp_path, f"r.{kind}", source={"encoding": encoding})
    if kind == "csv":
        answers().to_csv(path, index=False)
    else:
        pyreadstat.write_sav(answers(), str(path))
    assert f"r.{kind}" in refused(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [('unit,name\nA,"a\nB,b\nC,c\n', 2), ('unit,name\nA,a\nB,"b" x\nC,c\n', 3)],
)
def test_row_125_a_register_with_broken_quotes_is_refused_with_the_line(tmp_path, text, line):
    path = tmp_path / "register.csv"
    path.write_text(text + "D,d\n" * 300)
    with pytest.raises(InputError) as caught:
        read_register(path)
    assert len(caught.value.problems) == 1
    assert f"line {line}" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "put"),
    [
        ("codebook.csv", "codebook.xlsx"),
        ("codebook.csv", "Codebook.csv"),
        ("codebook.csv", "codebook.csv.txt"),
        ("codebook.csv", "codebook (1).csv"),
        ("codebook.csv", "2022/codebook.csv"),
        ("study.yaml", "study.yml"),
        ("study.yaml", "study.yaml.txt"),
        ("reg.csv", "2022/reg.csv"),
        ("2022/r.csv", "2022/r.xlsx"),
        ("2022/r.csv", "r.csv"),
        ("2022/wave.yaml", "2022/wave.yml"),
        ("2022/invited.csv", "invited.csv"),
    ],
)
def test_a_file_that_is_not_there_is_told_with_those_that_are_named_like_it(tmp_path, file, put):
    study = STUDY.replace("roles:", "units: {register: reg.csv}\nroles:")
    more = {"invited": "invited.csv"} if "invited" in file else {}
    path = write_study(tmp_path, "r.csv", study=study if file == "reg.csv" else STUDY, **more)
    folder = path.parent.parent
    answers().to_csv(path, index=False)
    (folder / "reg.csv").write_text("unit,name\nA,a\n")
    (path.parent / "invited.csv").write_text("unit\nUtrecht\n")
    (folder / file).rename(folder / put)
    told = called("check", "tiny", home=tmp_path).stderr
    near = put if "/" in put and file.count("/") < put.count("/") else put.split("/")[-1]
    near = f"tiny/{near}" if "/" in file and "/" not in put else near
    assert f"{file.split('/')[-1]}, file: does not exist; the nearest are {near}. Put it" in told


@pytest.mark.parametrize("given", ["nofile.csv", "map/nofile.csv"])
@pytest.mark.parametrize("command", [["new-study", "x"], ["add-wave", "tiny", "2024"]])
def test_an_export_that_is_not_there_is_told_with_its_folder(tmp_path, command, given):
    answers().to_csv(write_study(tmp_path, "r.csv"), index=False)
    (tmp_path / "nofile.xlsx").touch()
    told = called(*command, given, home=tmp_path).stderr
    folder = "map" if "map" in given else tmp_path.name
    near = "; the nearest are nofile.xlsx" if "map" not in given else ""
    assert f"nofile.csv, file: does not exist{near}. Put it in {folder}/, or correct its" in told


def test_a_vv_file_of_limesurvey_has_its_codes_below_the_questions(tmp_path):
    heads = ["Response ID", "Date submitted", "Last page", "How far? [Pilots]", "Remarks"]
    rows = [
        ["id", "submitdate", "lastpage", "EX_SQ001", "OPM"],
        ["1", "2026-03-01 10:00:00", "3", "A2", "a {quote}b{quote}{newline}c"],
        ["2", "", "2", "{question_not_shown}", ""],
    ]
    path = tmp_path / "vvexport.csv"
    path.write_text("\n".join("\t".join(row) for row in [heads, *rows]) + "\n", "utf-8")
    table = read_export(path, Source(file=path.name))
    assert table.platform == "LimeSurvey"
    assert "1 row was not sent in" in str(table.notes[0])
    assert table.cells["EX_SQ001"].tolist() == ["A2", "N/A"]
    assert table.cells["OPM"].tolist() == ['a "b" c', ""]
    assert table.questions["EX_SQ001"] == "How far? [Pilots]"


def test_a_script_is_told_to_read_data(tmp_path):
    path = tmp_path / "survey_R_syntax_file.R"
    path.write_text('data <- read.csv("survey_R_data_file.csv")\n')
    with pytest.raises(InputError, match="Give the file with the data that it reads"):
        read_export(path, Source(file=path.name))


def test_what_a_command_warns_of_names_no_file_of_the_package(tmp_path):
    days = {"start": "2027-03-01", "end": "2027-05-01"}
    answers().to_csv(write_study(tmp_path, "r.csv", fieldwork=days), index=False)
    said = command("check", "tiny", home=tmp_path).stderr
    assert "The register ends in 2026: 2027-03-01 is answered with the units of 2026." in said
    assert ".py" not in said
    study = load_study("tiny", tmp_path)
    _, told = find_doubts(study, gather_parameters(study, notebook_folder(tmp_path), {}))
    assert [str(one) in said for one in told] == [True], "a run tells it too"


def test_what_a_command_is_for_ends_in_one_mark(capsys):
    with pytest.raises(SystemExit):
        main(["robustness", "--help"])
    assert "?." not in capsys.readouterr().out
