"""Exports as they come: what is read, and what a broken file gets."""

import codecs
import contextlib

import pandas as pd
import pyreadstat
import pytest
from exports import write_xlsx
from hypothesis import given
from hypothesis import strategies as st
from shared import examples

from cycle_analysis.problems import InputError
from cycle_analysis.readers import read_export
from cycle_analysis.study.files import Source


def read(path, **options):
    return read_export(path, Source(file=path.name, **options))


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        read(path, **options)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_encoding_and_delimiter_are_detected(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    rows = [["Gemeente", "Q1", "Q2"], ["Súdwest-Fryslân", "2,5" if delimiter != "," else "2", "3"]]
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    cells = read(path).cells
    assert cells.columns.tolist() == rows[0]
    assert cells.iloc[0].tolist() == rows[1]
    assert cells.index.tolist() == [2]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_lines_in_another_encoding_than_the_others_are_read_and_named(tmp_path, mark, end):
    lines = ["gemeente", "Súdwest-Fryslân", "Almere", "Gaasterlân-Sleat", "Skarsterlân"]
    coded = [line.encode("cp1252" if "Gaast" in line else "utf-8") for line in lines]
    path = tmp_path / "a.csv"
    path.write_bytes(mark + end.encode().join(coded))
    table = read_export(path, Source(file="a.csv"))
    assert table.cells["gemeente"].tolist() == lines[1:]
    assert [note.problem for note in table.notes] == [
        "lines 4 are not in the encoding of the others"
    ]
    as_named = read_export(path, Source(file="a.csv", encoding="cp1252"))
    assert not as_named.notes


def test_an_encoding_that_nothing_tells_is_to_be_named(tmp_path):
    (tmp_path / "a.csv").write_bytes("open\rcafé\rà Liège".encode("mac_roman"))
    with pytest.raises(InputError, match="name source"):
        read_export(tmp_path / "a.csv", Source(file="a.csv"))
    named = read_export(tmp_path / "a.csv", Source(file="a.csv", encoding="mac_roman"))
    assert named.cells["open"].tolist() == ["café", "à Liège"]


def test_codes_keep_their_zeros_and_na_stays_a_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("code,q\n0059,1\nNA,None\n")
    assert read(path).cells.to_numpy().tolist() == [["0059", "1"], ["NA", "None"]]


def test_the_row_number_is_that_of_a_spreadsheet_also_after_a_text_over_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x\ny"\n2,z\n')
    assert read(path).cells.index.tolist() == [2, 3]


def test_a_ragged_line_is_told_with_its_number(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    assert "line 3" in refusal(path)


@pytest.mark.parametrize(
    ("text", "cell", "noted"),
    [
        ('a;b\n1;"x ""y"""\n', 'x "y"', False),
        ('a;b\n1;"x;\n""y"""\n', 'x;\n"y"', False),
        ('a;b\n1;""""', '"', False),
        ('a;b\n1;5" schijf\n', '5" schijf', True),
        ('a;b\n1;5"\n', '5"', True),
        ('a;b\n1; "x"\n', ' "x"', True),
    ],
)
def test_quotes_in_unusual_places_are_noted(tmp_path, text, cell, noted):
    path = tmp_path / "a.csv"
    path.write_text(text)
    table = read(path)
    assert table.cells["b"].tolist() == [cell]
    assert bool(table.notes) == noted


def test_an_open_quote_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"2\n')
    assert "double quote" in refusal(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no answers"),
        (b"a,b\n", "holds no answers"),
        (b"a,a\n1,2\n", "stands twice"),
        (b"a, a\xe2\x80\x8b\n1,2\n", "stands twice"),
        (b"a,b\n1,\x002\n", "NUL"),
    ],
)
def test_a_csv_without_answers_is_refused(tmp_path, content, told):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert told in refusal(path)


def test_a_missing_file_and_an_unknown_kind_are_told(tmp_path):
    assert "does not exist" in refusal(tmp_path / "a.csv")
    (tmp_path / "a.doc").write_text("x")
    assert ".xlsx" in refusal(tmp_path / "a.doc")


@pytest.mark.parametrize("name", ["a.sav", "a.xlsx", "a.xls", "a.ods", "a.por"])
def test_a_damaged_file_is_told_without_a_traceback(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is not what its name says")
    assert name in refusal(path)


def test_spss_keeps_user_missing_codes_and_labels(tmp_path):
    path = tmp_path / "a.sav"
    data = pd.DataFrame({"Q1": [0.0, 4.0, 8.0, None], "naam": ["Súdwest", "b", "", "d"]})
    labels = {"Q1": {0.0: "niet", 8.0: "weet niet"}}
    pyreadstat.write_sav(data, str(path), variable_value_labels=labels, missing_ranges={"Q1": [8]})
    table = read(path)
    assert table.cells["Q1"].tolist() == ["0", "4", "8", ""]
    assert table.cells["naam"].tolist()[0] == "Súdwest"
    assert table.labels["Q1"] == {"0": "niet", "8": "weet niet"}


def test_a_sheet_is_read_and_several_sheets_must_be_chosen(tmp_path):
    path = tmp_path / "a.xlsx"
    table = pd.DataFrame({"Q1": [1.0, 2.5], "code": ["0059", "GM1"]})
    with pd.ExcelWriter(path) as writer:
        table.to_excel(writer, sheet_name="data", index=False)
        table.to_excel(writer, sheet_name="other", index=False)
    assert "data, other" in refusal(path)
    read_table = read(path, sheet="data")
    assert read_table.cells.to_numpy().tolist() == [["1", "0059"], ["2.5", "GM1"]]
    assert read_table.cells.index.tolist() == [2, 3]


CELL = st.text(st.characters(codec="cp1252", exclude_characters="\r\n\0"), max_size=8)


@examples(60)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6))
def test_what_was_written_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    table = pd.DataFrame(rows, columns=["a", "b"])
    table.to_csv(path, sep=";", index=False, encoding="cp1252", quoting=1)
    written = [row for row in rows if any(row)]
    if not written:
        assert "holds no answers" in refusal(path)
        return
    cells = read(path, encoding="cp1252", delimiter=";").cells
    assert cells.to_numpy().tolist() == written


@examples(80)
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.sav", "a.xlsx"]))
def test_random_bytes_never_give_a_traceback(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert not read(path).cells.empty


def write_surveymonkey(path):
    heads = ["Respondent ID", "Collector ID", "Start Date", "Gemeente?", "Hoe ver?", "", "Functie?"]
    below = ["", "", "", "Open-Ended Response", "Pilots", "Budget", "Response"]
    rows = [[f"118{i}", "4012", "04/03/2022", "Almere", "ja", "nee", "Lid"] for i in range(3)]
    write_xlsx(path, [heads, below, *rows])
    return path


def test_both_header_rows_of_surveymonkey_are_one(tmp_path):
    path = write_surveymonkey(tmp_path / "export.xlsx")
    raw = read(path)
    assert raw.platform == "SurveyMonkey"
    assert raw.notes == []
    assert list(raw.cells)[3:] == [
        "Gemeente?",
        "Hoe ver? [Pilots]",
        "Hoe ver? [Budget]",
        "Functie?",
    ]
    assert raw.cells.index.tolist() == [3, 4, 5]


def test_a_file_with_ids_named_alike_and_one_header_row_is_none_of_surveymonkey(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("Respondent ID,Collector ID,Q1\n1,4,ja\n2,4,nee\n")
    raw = read(path)
    assert raw.platform == ""
    assert len(raw.cells) == 2
