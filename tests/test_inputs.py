"""What survey files look like, and what each gets; the number is that of the list of inputs.

Rows 26, 34, 36-38 and 40 belong to other steps and are tested with those; see there.
"""

import hashlib
import zipfile

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from exports import WRITERS, as_cells, as_texts, live_cells, write_ods, write_xlsx
from shared import SHARED
from tiny_study import (
    ITEMS,
    STUDY,
    UNITS,
    answers,
    load,
    read,
    read_table,
    refused,
    told,
    write_study,
)

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.measurement.item_analysis import item_statistics
from cycle_analysis.measurement.reliability import scale_statistics
from cycle_analysis.problems import FIXED, KEPT, SET_MISSING, InputError
from cycle_analysis.readers import RawTable, read_export, sheets
from cycle_analysis.readers import raw_table as limits
from cycle_analysis.responses import decode
from cycle_analysis.responses.checks import doubt_respondents
from cycle_analysis.responses.coded import (
    code_responses,
    compare_without,
    count_flags,
    flag_careless,
    read_responses,
)
from cycle_analysis.results import write_table
from cycle_analysis.study import load_study
from cycle_analysis.study.files import Column, Scale, Source, missing_reason
from cycle_analysis.units import study_register

DATA = SHARED / "data"
needs_shared = pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")


def edit_zip(path, part, old, new):
    """Replace a text in a part of a zip, once."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[part].decode()
    assert old in text
    parts[part] = text.replace(old, new, 1).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def write_sav(path, table, **options):
    numbers = table.assign(**{item: pd.to_numeric(table[item]) for item in ITEMS if item in table})
    pyreadstat.write_sav(numbers, str(path), **options)


# 1-3: delimited text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_row_01_encoding_and_delimiter_are_detected_and_said(tmp_path, encoding, delimiter):
    table = answers(gemeente=["Súdwest-Fryslân"])
    path = write_study(tmp_path, "r.csv")
    path.write_bytes(table.to_csv(sep=delimiter, index=False).encode(encoding))
    assert read(tmp_path).respondents["unit"].iloc[0] == "GM1900"
    how = read_export(path, Source(file="r.csv")).how
    assert encoding in how
    assert repr(delimiter) in how


def test_row_01_a_decimal_comma_is_a_number_and_wave_yaml_overrides(tmp_path):
    table = answers(A1=["3,0"])
    path = write_study(tmp_path, "r.csv", source={"encoding": "cp1252", "delimiter": ";"})
    path.write_bytes(table.to_csv(sep=";", index=False).encode("cp1252"))
    assert read(tmp_path).answers["A1"].iloc[0] == 3


@pytest.mark.parametrize("delimiter", ["tab", '\\"', "\\n", "é"])
def test_row_01_a_delimiter_that_cannot_be_one_is_refused(tmp_path, delimiter):
    path = write_study(tmp_path, "r.csv", source={"delimiter": "?"})
    wave = path.parent / "wave.yaml"
    wave.write_text(wave.read_text().replace('"?"', f'"{delimiter}"'))
    answers().to_csv(path, index=False)
    assert "is no delimiter" in refused(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("r3,", "r3,x,", 1), "line 5"),
        (lambda text: text.replace("r3,", "", 1), "line 5"),
        (lambda text: text.replace("r3,", '"r3,', 1), "double quote"),
        (lambda text: text.replace("r3,", "r\0,", 1), "line 5: holds a NUL"),
    ],
)
def test_row_02_a_broken_line_is_refused_with_its_number(tmp_path, damage, message):
    text = damage(answers().to_csv(index=False))
    write_study(tmp_path, "r.csv").write_text(text)
    assert message in refused(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no answers"),
        ("\n\n", "holds no answers"),
        ("id,gemeente,A1\n", "holds no answers"),
        ("x,y\n1,2\n", "no mapped column is here"),
    ],
)
def test_row_03_a_file_without_answers_is_refused(tmp_path, text, message):
    write_study(tmp_path, "r.csv").write_text(text)
    assert message in refused(tmp_path)


# 4-7: workbooks, other kinds, sizes


def test_row_04_several_sheets_are_refused_with_their_names_unless_one_is_named(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_texts(answers()), sheets=("Data", "Toelichting"))
    assert "Data, Toelichting" in refused(tmp_path)
    write_study(tmp_path, "r.xlsx", source={"sheet": "Data"})
    responses = read(tmp_path)
    assert len(responses.answers) == 12


def test_row_04_title_rows_are_refused_with_the_row_that_looks_like_the_header(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, [["Onderzoek 2022"], [], *as_texts(answers())])
    assert "row 3 looks like the header" in refused(tmp_path)
    write_study(tmp_path, "r.xlsx", source={"sheet": "Data", "header_row": "3"})
    assert len(read(tmp_path).answers) == 12


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda b, s: s.merge_range(0, 2, 0, 3, "A1"), "C1:D1"),
        (lambda b, s: s.set_column(3, 4, None, None, {"hidden": True}), "D, E"),
    ],
)
def test_row_04_merged_headers_and_hidden_columns_are_refused_until_looked_at(
    tmp_path, arrange, message
):
    path = write_study(tmp_path, "r.xlsx")
    table = answers()
    if message == "C1:D1":
        table = table.rename(columns={"A2": ""})
    write_xlsx(path, as_texts(table), arrange)
    assert message in refused(tmp_path)


def test_row_04_everything_wrong_with_a_layout_is_told_in_one_run(tmp_path):
    def arrange(book, sheet):
        sheet.merge_range(0, 0, 0, 3, "Onderzoek 2022")
        sheet.set_column(4, 4, None, None, {"hidden": True})

    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, [[], [], *as_texts(answers())], arrange)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    for what in ("row 3 looks like the header", "'A1:D1': there are merged", "'E': there are hid"):
        assert what in str(caught.value)
    assert {problem.sheet for problem in caught.value.problems} == {"Data"}


def test_row_04_hidden_columns_of_an_ods_are_refused_too(tmp_path):
    path = write_study(tmp_path, "r.ods")
    write_ods(path, as_texts(answers()))
    hidden = '<table:table-column/><table:table-column table:visibility="collapse"/>'
    edit_zip(path, "content.xml", 'table:name="Data">', f'table:name="Data">{hidden}')
    assert "'B': there are hidden columns" in refused(tmp_path)


def test_row_05_numbers_as_text_are_read(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    table = answers(A1=[3, 3.0, "3", " 3 "])
    write_xlsx(path, as_texts(table))
    assert read(tmp_path).answers["A1"].iloc[:4].tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (lambda b, s: s.write_formula(3, 2, "=1+1", None, 2), "row 4: '2': is a formula"),
        (lambda b, s: s.write(3, 2, "#N/A"), "row 4: '#N/A': is an error of the spreadsheet"),
        (
            lambda b, s: s.write_datetime(
                3, 2, pd.Timestamp("2024-04-03"), b.add_format({"num_format": "d-m-yyyy"})
            ),
            "is a date or time",
        ),
    ],
)
def test_row_05_formulas_errors_and_dates_are_refused_with_their_cell(tmp_path, put, message):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_texts(answers()), put)
    assert message in refused(tmp_path)


def test_row_05_formulas_of_an_ods_are_refused_with_their_cell(tmp_path):
    path = write_study(tmp_path, "r.ods")
    write_ods(path, as_cells(answers()))
    cell = '<table:table-cell office:value-type="float" office:value="2"'
    edit_zip(path, "content.xml", cell, f'{cell} table:formula="of:=1+1"')
    assert "row 2: '2': is a formula" in refused(tmp_path)


def test_row_05_a_formula_in_a_column_that_nobody_uses_does_not_matter(tmp_path):
    path = write_study(tmp_path, "r.xlsx", ignore=["extra"])
    write_xlsx(
        path, as_texts(answers(extra=[""])), lambda b, s: s.write_formula(3, 8, "=1+1", None, 2)
    )
    assert len(read(tmp_path).answers) == 12


@pytest.mark.parametrize("kind", WRITERS)
def test_row_06_every_kind_of_file_is_read(tmp_path, kind):
    columns = {"respondent": "ID", "unit": "GEMEENTE"} if kind == "por" else {}
    path = write_study(tmp_path, f"r.{kind}", columns)
    WRITERS[kind](path, answers().rename(columns=str.upper) if kind == "por" else answers())
    found = read(tmp_path)
    assert found.answers["A1"].tolist() == [float(text) for text in answers()["A1"]]
    assert found.respondents["unit"].nunique() == len(UNITS)


def test_row_06_a_kind_that_its_name_does_not_tell_is_named_in_wave_yaml(tmp_path):
    path = write_study(tmp_path, "r.dat", source={"format": "sav"})
    WRITERS["sav"](path, answers())
    assert len(read(tmp_path).answers) == 12


@pytest.mark.parametrize("kind", ["docx", "sas7bdat", "parquet", "rds"])
def test_row_06_another_kind_is_refused_with_what_to_save_it_as(tmp_path, kind):
    write_study(tmp_path, f"r.{kind}").write_text("x")
    told = refused(tmp_path)
    assert "Save it as .sav, .xlsx or .csv" in told
    assert ("haven::write_sav" in told) == (kind == "rds")


def test_row_07_a_zip_bomb_is_refused_before_it_unfolds(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 80_000_000)
    assert "unfolds to far more" in refused(tmp_path)


def test_row_07_a_cell_in_the_last_corner_is_refused_before_it_takes_memory(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_texts(answers()), lambda b, s: s.write(1_048_575, 300, "x"))
    assert f"span more than {sheets.MOST_CELLS:,}" in refused(tmp_path)


@pytest.mark.parametrize(("rows", "columns"), [(1_000_000, 80), (1, 16_000), (1_048_576, 16_384)])
def test_row_07_one_cell_of_an_ods_that_is_repeated_is_refused_before_it_takes_memory(
    tmp_path, rows, columns
):
    path = write_study(tmp_path, "r.ods")
    write_ods(path, as_texts(answers()))
    cell = '<table:table-cell office:value-type="string" office:string-value="1"'
    repeated = f'<table:table-row table:number-rows-repeated="{rows}">'
    repeated += f'{cell} table:number-columns-repeated="{columns}"/></table:table-row>'
    edit_zip(path, "content.xml", "</table:table>", f"{repeated}</table:table>")
    message = refused(tmp_path)
    assert any(said in message for said in ("cells span", "5000 columns", "Cell limit exceeded"))


def test_row_07_a_huge_file_is_refused_unread(tmp_path, monkeypatch):
    path = write_study(tmp_path, "r.csv")
    with path.open("wb") as stream:
        stream.truncate(limits.MOST_BYTES + 1)  # a file with nothing in it takes no disk
    assert "larger than any survey" in refused(tmp_path)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_row_07_a_hundred_thousand_columns_are_refused(tmp_path, kind):
    path = write_study(tmp_path, f"r.{kind}")
    names = [f"c{i}" for i in range(100_000 if kind == "csv" else 16_000)]
    if kind == "csv":
        path.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    else:
        write_xlsx(path, [names])
    assert "more than 5000 columns" in refused(tmp_path)


# 8-9: SPSS


@needs_shared
def test_row_08_ten_columns_with_every_kind_of_user_missing_hold_one_item(tmp_path):
    from cycle_analysis.responses import decode
    from cycle_analysis.study.files import Column, Scale

    raw = read_export(DATA / "sav" / "foreign_mval_bug.sav", Source(file="x"))
    scale = Scale.model_validate({"min": "1", "max": "4"})
    decoded = {
        name: decode(
            raw.cells[name], Column(source=name), scale, raw.labels[name], raw.missing.get(name, [])
        )
        for name in raw.cells
    }
    first = next(iter(decoded.values())).answers
    assert len(decoded) == 10
    assert first.notna().sum() > 400
    for table in decoded.values():
        pd.testing.assert_series_equal(table.answers, first)
        reasons = set(table.reasons[table.answers.isna()])
        assert {"dont_know", "refused"} <= reasons


def test_row_08_what_spss_declares_missing_keeps_its_reason(tmp_path):
    path = write_study(tmp_path, "r.sav")
    labels = {float(code): label for code, label in enumerate(("niet", "b", "c", "d", "e"))}
    write_sav(
        path,
        answers(A1=["-1", "-2", "77"], A2=["88"]),
        missing_ranges={"A1": [{"lo": -9, "hi": -1}, 77], "A2": [88]},
        variable_value_labels={"A1": {**labels, -1.0: "(-1) Weigert", 77.0: "Weet niet"}},
    )
    reasons = read(tmp_path).reasons
    assert reasons["A1"].iloc[:3].tolist() == ["refused", "blank", "dont_know"]
    assert reasons["A2"].iloc[0] == "blank"


def test_row_08_a_value_without_a_label_among_labelled_ones_is_told(tmp_path):
    path = write_study(tmp_path, "r.sav")
    labels = {0.0: "helemaal oneens", 1.0: "oneens", 2.0: "neutraal", 3.0: "eens"}
    write_sav(path, answers(), variable_value_labels={"A1": {**labels, 7.0: "nooit gebruikt"}})
    responses = read(tmp_path)
    assert "has no label in the file, where other codes have | 4" in told(responses, KEPT)


def test_row_08_labels_on_other_codes_than_the_codebooks_are_refused(tmp_path):
    path = write_study(tmp_path, "r.sav")
    labels = {0.0: "helemaal eens", 1.0: "eens", 2.0: "neutraal", 3.0: "oneens"}
    write_sav(path, answers(), variable_value_labels={"A1": labels})
    message = refused(tmp_path)
    assert "the labels of the file belong to other codes" in message
    assert "0 is 'helemaal eens', which is 4 in the codebook" in message


def test_row_08_an_answer_of_the_codebook_that_the_file_declares_missing_is_refused(tmp_path):
    path = write_study(tmp_path, "r.sav")
    write_sav(path, answers(), missing_ranges={"A1": [4]})
    assert "but the file declares it missing" in refused(tmp_path)


def test_row_09_texts_long_names_and_umlauts_of_spss_are_read(tmp_path):
    long = "een_heel_lange_naam_voor_een_variabele_met_streepjes"
    path = write_study(tmp_path, "r.sav", {"A1": long})
    table = answers(gemeente=["Súdwest-Fryslân"]).rename(columns={"A1": long})
    write_sav(path, table.assign(**{long: pd.to_numeric(table[long])}))
    responses = read(tmp_path)
    assert responses.respondents["unit"].iloc[0] == "GM1900"
    assert responses.answers["A1"].notna().all()


@needs_shared
def test_row_09_umlauts_of_a_real_file_are_read():
    raw = read_export(DATA / "sav" / "haven_umlauts.sav", Source(file="x"))
    assert any("ü" in label or "ä" in label for label in raw.labels["var1"].values())


def test_row_09_a_file_in_another_encoding_than_it_declares_is_read_and_told(tmp_path):
    path = write_study(tmp_path, "r.sav")
    name = "Súdwest-Fryslân"
    write_sav(path, answers(gemeente=[name]))
    raw = path.read_bytes()
    assert name.encode() in raw
    path.write_bytes(raw.replace(name.encode(), name.encode("cp1252") + b"  "))
    responses = read(tmp_path)
    assert responses.respondents["unit"].iloc[0] == "GM1900"
    assert "not in the encoding that the file declares" in told(responses, FIXED)


def test_row_09_a_named_encoding_that_is_wrong_is_refused_with_what_to_try(tmp_path):
    path = write_study(tmp_path, "r.sav", source={"encoding": "klingon"})
    write_sav(path, answers())
    assert "source.encoding" in refused(tmp_path)


# 10-12: labels as answers, Qualtrics, LimeSurvey


def test_row_10_words_that_no_label_knows_are_refused_with_where_to_write_them(tmp_path):
    told = refused(tmp_path, answers(A1=["eens", "deels", "soms", "nooit"] * 3))
    assert "of 12 answers 9: is no answer of this scale" in told
    assert "under `labels` of the scale in study.yaml" in told
    numbers = refused(tmp_path, answers(A1=["17", "18", "19"] * 4))
    assert "under `labels`" not in numbers


def test_row_10_labels_codes_and_both_languages_mix(tmp_path):
    table = answers(A1=["Helemaal eens", "3", " strongly  agree", "ONEENS", "vaak"])
    responses = read_table(tmp_path, table)
    assert responses.answers["A1"].iloc[:4].tolist() == [4, 3, 4, 1]
    assert np.isnan(responses.answers["A1"].iloc[4])
    assert "is no answer of this scale | vaak" in told(responses, SET_MISSING)
    assert "Helemaal eens as 4 | by label" in told(responses, FIXED)


QUALTRICS = """StartDate,Status,Progress,Duration (in seconds),Finished,ResponseId,gemeente,{items}
Start Date,Response Type,Progress,Duration (in seconds),Finished,Response ID,Gemeente,{texts}
{imports}
2022-03-01,{ip},100,300,{yes},R_1,Almere,1,2,3,4,0,1
2022-03-01,{preview},100,200,{yes},R_2,Almere,1,2,3,4,0,2
2022-03-02,{ip},40,100,{no},R_3,Utrecht,1,,,,,
"""


@pytest.mark.parametrize("worded", [False, True])
def test_row_11_qualtrics_headers_go_previews_go_and_both_are_counted(tmp_path, worded):
    ids = [f'"{{""ImportId"":""x{i}""}}"' for i in range(13)]
    words = {"ip": "IP Address", "preview": "Survey Preview", "yes": "True", "no": "False"}
    codes = {"ip": "0", "preview": "1", "yes": "1", "no": "0"}
    text = QUALTRICS.format(
        items=",".join(ITEMS),
        texts=",".join(f"question {item}" for item in ITEMS),
        imports=",".join(ids),
        **(words if worded else codes),
    )
    ignore = ["StartDate", "Status", "Progress", "Finished"]
    write_study(tmp_path, "r.csv", {"respondent": "ResponseId"}, ignore=ignore).write_text(text)
    responses = read(tmp_path)
    assert responses.answers.index.tolist() == ["R_1", "R_3"]
    assert responses.respondents["seconds"].tolist() == [300, 100]
    assert "1 row is a preview; left out" in told(responses, FIXED)
    assert "1 row is not finished" in told(responses, KEPT)


def test_row_11_a_legacy_export_of_qualtrics_has_its_names_in_the_second_row(tmp_path):
    fields = ["ResponseID", "ResponseSet", "IPAddress", "Status", "Finished"]
    head = [f"V{n}" for n in range(1, 6)]
    rows = [
        [*head, "gemeente", *ITEMS],
        [*fields, "In welke gemeente?", *(f"question {item}" for item in ITEMS)],
        ["R_1", "Default", "10.0.0.1", "0", "1", "Almere", *"123401"],
        ["R_2", "Default", "10.0.0.2", "1", "1", "Almere", *"123401"],
    ]
    ignore = ["ResponseSet", "IPAddress", "Status", "Finished"]
    path = write_study(tmp_path, "r.csv", {"respondent": "ResponseID"}, ignore=ignore)
    pd.DataFrame(rows).to_csv(path, index=False, header=False, encoding="utf-8-sig")
    responses = read(tmp_path)
    assert responses.answers.index.tolist() == ["R_1"]
    assert "1 row is a preview; left out" in told(responses, FIXED)


@needs_shared
@pytest.mark.parametrize(
    ("file", "name"),
    [("qualtrics_sample.csv", "ResponseId"), ("qualtrics_sample_legacy.csv", "ResponseID")],
)
def test_row_11_both_real_qualtrics_files_have_one_answer(file, name):
    raw = read_export(DATA / "qualtrics" / file, Source(file=file))
    assert raw.platform == "Qualtrics"
    assert raw.cells[[name, "Q1", "Q2"]].to_numpy().tolist() == [
        ["R_2YPOQ602ER1jkf1", "2", "Hello World!"]
    ]
    assert raw.questions["Q1"] == "This is a multiple choice question."


LIMESURVEY = {
    "code": ["id", "submitdate", "lastpage", "gemeente", *ITEMS, "interviewtime"],
    "full": [
        *("Response ID", "Date submitted", "Last page", "In welke gemeente?"),
        *(f"question {item}" for item in ITEMS),
        "Total time",
    ],
    "full in Dutch": [
        *("Antwoord-ID", "Datum ingediend", "Laatste pagina", "In welke gemeente?"),
        *(f"vraag {item}" for item in ITEMS),
        "Totale tijd",
    ],
    "abbreviated": [
        *("id. Response ID", "submitdate. Date submitted", "lastpage. Last page"),
        *("gemeente. In welke ge..", *(f"{item}. questi.." for item in ITEMS)),
        "interviewtime. Total time",
    ],
}


@pytest.mark.parametrize("headings", LIMESURVEY)
@pytest.mark.parametrize("labels", [False, True])
def test_row_12_limesurvey_is_known_by_all_its_headings(tmp_path, headings, labels):
    names = LIMESURVEY[headings]
    four, unknown = ("helemaal eens", "weet niet") if labels else ("4", "8")
    rows = [
        ["1", "2022-03-01 10:00:00", "3", "Almere", four, unknown, "N/A", "-oth-", "", "0", "61.5"],
        ["2", "", "1", "Utrecht", *[four] * 5, "", "20"],
    ]
    columns = {
        "respondent": names[0],
        "unit": names[3],
        **dict(zip(ITEMS, names[4:], strict=False)),
    }
    if headings == "abbreviated":
        columns = {"respondent": "id", "unit": "gemeente"}
    path = write_study(tmp_path, "r.csv", columns)
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    responses = read(tmp_path, 0.6)
    assert responses.answers["A1"].tolist() == [4, 4]
    first = responses.reasons.loc["1"]
    assert first.tolist() == ["", "dont_know", "not_shown", "invalid", "blank", ""]
    assert "is 'other'" in told(responses, SET_MISSING)
    assert "1 row was not sent in to the end" in told(responses, KEPT)
    assert responses.respondents["seconds"].tolist() == [61.5, 20]


def test_row_12_a_formula_in_a_renamed_column_of_limesurvey_is_refused(tmp_path):
    names = ["id. Response ID", "submitdate. Date submitted", "lastpage. Last page"]
    path = write_study(tmp_path, "r.xlsx")
    table = answers().rename(columns={item: f"{item}. question {item}" for item in ITEMS})
    table = table.rename(columns={"id": names[0], "gemeente": "gemeente. Municipality"})
    table = table.assign(**{names[1]: "2022-03-01", names[2]: "9"})
    write_xlsx(path, as_texts(table), lambda b, s: s.write_formula(3, 2, "=1+1", None, 2))
    assert "column A1 (A1), row 4: '2': is a formula" in refused(tmp_path)


# 13-17: codes


@pytest.mark.parametrize("code", ["7", "-9", "99", "999"])
def test_row_13_a_code_off_the_scale_is_a_problem_by_cell(tmp_path, code):
    responses = read_table(tmp_path, answers(A2=["1", code]))
    cell = responses.problems[responses.problems["done"] == SET_MISSING].iloc[0]
    assert cell[["row", "column", "respondent", "value"]].tolist() == ["3", "A2", "r1", code]
    assert "0 to 4" in cell["problem"]
    assert responses.reasons["A2"].iloc[1] == "invalid"


def test_row_13_known_missing_codes_keep_their_reason(tmp_path):
    reasons = read_table(tmp_path, answers(A2=["8", "9", "8,0"])).reasons["A2"]
    assert reasons.iloc[:3].tolist() == ["dont_know", "not_applicable", "dont_know"]


def test_row_13_a_thousand_wrong_cells_are_one_line(tmp_path):
    from cycle_analysis.problems import list_kinds, problem_kinds

    table = answers(5000, A1=["7"] * 600, A2=["7"] * 400)
    responses = read_table(tmp_path, table)
    assert (responses.problems["done"] == SET_MISSING).sum() == 1000
    lines = [x for x in list_kinds(problem_kinds(responses.problems)) if "set to missing" in x]
    assert lines == [
        "set to missing: 1000 x lies outside the scale 0 to 4 (column A1, A2; "
        "row 2, 3, 4, 5, 6 and 595 more; found '7'), codebook"
    ]


@pytest.mark.parametrize(("step", "scale"), [(1, "1 to 5"), (-1, "-1 to 3")])
def test_row_14_a_shifted_scale_is_refused_by_name_even_when_few_lie_outside(tmp_path, step, scale):
    codes = [str(2 + step)] * 97 + [str(2 + 3 * step)]
    message = refused(tmp_path, answers(100, A1=[*codes, "2", "2"]))
    assert f"looks like a scale of {scale}, where the codebook has 0 to 4" in message


def test_row_15_an_item_entered_already_reversed_is_warned_of(tmp_path):
    rng = np.random.default_rng(1)
    level = rng.integers(0, 5, 60)
    same = [str(x) for x in level]
    table = answers(60, A1=same, A2=same, A3=same)
    responses = read_table(tmp_path, table, reversed_items=("A3",))
    warned = responses.problems[responses.problems["problem"].str.contains("goes against")]
    assert "A3" in warned["column"].tolist()
    assert "already reversed" in told(responses, KEPT)


def test_row_15_an_item_that_asks_the_other_way_round_is_warned_of_with_what_to_write(tmp_path):
    level = np.random.default_rng(1).integers(0, 5, 60)
    same, turned = [str(x) for x in level], [str(4 - x) for x in level]
    responses = read_table(tmp_path, answers(60, A1=same, A2=same, A3=turned))
    said = told(responses, KEPT)
    assert "it may ask the other way round" in said
    assert "already reversed" not in said
    remedy = "write yes under `reversed` in codebook.csv; if in this wave alone, turn it by a `map`"
    assert responses.problems["remedy"].str.contains(remedy, regex=False).any()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 3 ", 3),
        ("\u00a03", 3),
        ("3 - eens", 3),
        ("3: eens", 3),
        ("2,5", None),
        ("3 - 4", None),
        ("3 - oneens", None),
        ("drie", None),
    ],
)
def test_row_16_a_leading_code_is_read_when_it_cannot_be_another(tmp_path, text, value):
    responses = read_table(tmp_path, answers(A1=[text]))
    found = responses.answers["A1"].iloc[0]
    assert found == value if value is not None else np.isnan(found)
    assert value is not None or text.strip() in told(responses, SET_MISSING)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("weet niet", "dont_know"),
        ("n.v.t.", "not_applicable"),
        ("nvt", "not_applicable"),
        ("-", "blank"),
        (".", "blank"),
        ("", "blank"),
        ("geen antwoord", "refused"),
        ("#NULL!", "blank"),
        ("NA", "blank"),
        ("None", "blank"),
        ("Niet gevraagd (andere helft)", "not_shown"),
        ("Don't know [do not read out]", "dont_know"),
    ],
)
def test_row_17_words_for_no_answer_become_missing_with_the_reason(tmp_path, text, reason):
    responses = read_table(tmp_path, answers(A1=[text]))
    assert responses.reasons["A1"].iloc[0] == reason
    assert responses.missing.loc["A1", reason] == pytest.approx(1 / 12)


def test_row_17_a_remark_makes_no_answer_of_a_word_that_only_alone_means_nothing():
    assert missing_reason("None (no data lab)") is None
    assert missing_reason("eens (grotendeels)") is None


# 18-21: units


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("GM0363", "GM0363"),
        ("363", "GM0363"),
        ("0363", "GM0363"),
        ("gm363", "GM0363"),
        ("Den Haag", "GM0518"),
        ("gemeente amsterdam", "GM0363"),
        ("'s-Gravenhage", "GM0518"),
        ("Sudwest Fryslan", "GM1900"),
        ("Su\u0301dwest-Frysla\u0302n", "GM1900"),
        ("  0363 ", "GM0363"),
        ("GM 0363", "GM0363"),
        ("363.0", "GM0363"),
        ("The Hague", "GM0518"),
        ("’s-Hertogenbosch", "GM0796"),
    ],
)
def test_row_18_a_unit_is_found_by_exact_rules(tmp_path, text, unit):
    assert read_table(tmp_path, answers(gemeente=[text])).respondents["unit"].iloc[0] == unit


def test_row_18_a_typo_is_refused_with_the_nearest_three(tmp_path):
    message = refused(tmp_path, answers(gemeente=["Amstredam"]))
    assert "Amsterdam (GM0363)" in message
    assert message.count("(GM") == 3


def test_row_19_a_name_of_two_units_is_refused_unless_the_province_tells(tmp_path):
    table = answers(gemeente=["Bergen"], provincie=["Limburg"])
    message = refused(tmp_path, table, ignore=["provincie"])
    assert "is the name of two units" in message
    assert "columns.province" in message
    responses = read_table(tmp_path, table, columns={"province": "provincie"})
    assert responses.respondents["unit"].iloc[0] == "GM0893"


def test_row_20_a_merged_unit_is_carried_on_and_mixed_years_are_warned_of(tmp_path):
    table = answers(gemeente=["Haarlemmerliede en Spaarnwoude", "Haarlemmermeer"])
    responses = read_table(tmp_path, table)
    assert responses.respondents["unit"].iloc[0] == "GM0394"
    assert "not in force on 2022-03-01" in told(responses, KEPT)
    table = answers(gemeente=["Haarlemmerliede en Spaarnwoude", "Dijk en Waard"])
    assert "units of different years" in told(read_table(tmp_path, table), KEPT)


def test_row_20_a_divided_unit_without_heir_is_refused_with_what_became_of_it(tmp_path):
    message = refused(tmp_path, answers(gemeente=["Haaren"]))
    assert "row 2" in message
    assert "'Haaren': is not in force on 2022-03-01: ended 2021-01-01, now Boxtel" in message
    assert "Correct it with a `map` under columns.unit in wave.yaml" in message


def test_row_20_a_unit_that_ends_during_the_year_goes_by_the_first_day_of_fieldwork(tmp_path):
    before = read_table(tmp_path, answers(gemeente=["Weesp"]))
    assert before.respondents["unit"].iloc[0] == "GM0457"
    days = {"fieldwork": {"start": "2022-03-24", "end": "2022-05-01"}}
    after = read_table(tmp_path, answers(gemeente=["Weesp"]), **days)
    assert after.respondents["unit"].iloc[0] == "GM0363"


def test_row_20_a_unit_that_does_not_exist_yet_is_refused_with_its_first_day(tmp_path):
    message = refused(tmp_path, answers(gemeente=["Voorne aan Zee"]))
    assert "not in force on 2022-03-01: begins 2023-01-01" in message


def test_row_21_a_respondent_without_unit_is_left_out_and_counted(tmp_path):
    responses = read_table(tmp_path, answers(gemeente=["", "NA"]))
    assert len(responses.answers) == 10
    counted = responses.problems[responses.problems["problem"].str.contains("no unit and")]
    assert counted["n"].sum() == 2


# 22-25: respondents and items


def test_row_22_a_double_id_is_refused(tmp_path):
    assert "more than once" in refused(tmp_path, answers(id=["r1"]))


def test_row_22_a_row_entered_twice_under_two_names_is_warned_of(home):
    study = load_study("example", home)
    path = study.raw_file("2022")
    table = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str, keep_default_na=False)
    copy = table.iloc[[3]].assign(RespondentID="again", EmailAddress="other@example.org")
    pd.concat([table, copy]).to_csv(path, sep=";", encoding="cp1252", index=False)
    with_copy = code_responses(
        read_export(path, study.wave("2022").source), study, "2022", study_register(study)
    )
    said = with_copy.problems[with_copy.problems["rule"] == "identical answers"]
    assert said["row"].tolist() == [str(len(table) + 2)]


def test_row_22_only_long_answers_that_differ_count_as_the_same(tmp_path):
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.integers(0, 5, (40, 15)).astype(str))
    table.iloc[7] = table.iloc[3]
    table.index = pd.RangeIndex(2, 42)
    scale = Scale.model_validate({"min": "0", "max": "4"})
    decoded = {str(c): decode(table[c], Column(source="x"), scale, {}) for c in table}
    units = pd.Series(["GM0363"] * 19 + ["GM0034"] * 21)
    (problem,) = doubt_respondents(decoded, units, RawTable("r.csv", table, "csv"))
    assert problem.row == "9"
    assert "exactly the same answers" in problem.problem


def test_a_role_that_leaves_out_a_phase_is_told(tmp_path):
    table = answers(40, rol=["Strategisch", ""] * 20)
    study = {"columns": {"role": "rol"}}
    assert "nobody in this role" not in told(read_table(tmp_path, table, **study), KEPT)
    table.loc[table["rol"] != "", ["E1", "E2", "E3"]] = ""
    said = told(read_table(tmp_path, table, **study), KEPT)
    assert "nobody in this role answered a question of phase EX | STR" in said


def test_row_22_short_answers_are_the_same_only_within_one_unit(tmp_path):
    table = pd.DataFrame([list("012340123")] * 3, index=[2, 3, 4])
    scale = Scale.model_validate({"min": "0", "max": "4"})
    decoded = {str(c): decode(table[c], Column(source="x"), scale, {}) for c in table}
    units = pd.Series(["GM0363", "GM0034", "GM0363"])
    (problem,) = doubt_respondents(decoded, units, RawTable("r.csv", table, "csv"))
    assert problem.row == "4"


def test_row_22_the_same_person_again_by_email_is_warned_of_without_the_address(tmp_path):
    table = answers(mail=["a@example.org", "b@example.org", "A@example.org"])
    responses = read_table(tmp_path, table, ignore=["mail"])
    assert "the same e-mail address more than once" in told(responses, KEPT)
    assert "example.org" not in responses.problems.to_csv()


@pytest.fixture
def careless(home, edit):
    """The example's second wave with four careless respondents written into its export."""
    mapping = load_study("example", home).wave("2022")
    path = home / "data/raw/example/2022/responses.csv"
    table = pd.read_csv(path, sep=";", encoding="cp1252", dtype=str, keep_default_na=False)
    items = load_study("example", home).phase_items("2022").index
    sources = [mapping.columns[item].source for item in items]
    table.loc[0, sources] = "3"
    table.loc[0, mapping.columns["EX1"].source] = "4"  # asked on 1-5
    table.loc[1, [mapping.columns[item].source for item in mapping.items[1:]]] = ""
    table["Tijd"] = "900"
    table.loc[2, "Tijd"] = "20"
    table.loc[3, "RespondentID"] = "Test"
    table.to_csv(path, sep=";", encoding="cp1252", index=False)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    edit("2022/wave.yaml", mapping.source.sha256, checksum)
    edit("2022/wave.yaml", "  respondent: ", "  duration: Tijd\n  respondent: ")
    return load_study("example", home)


def test_row_23_careless_answers_are_flagged_counted_and_kept(careless):
    responses = read_responses(careless, "2022")
    flags = flag_careless(responses, careless, "2022")
    for place, rule in enumerate(("straight_line", "mostly_empty", "too_fast", "test_row")):
        assert flags[rule].iloc[place], rule
    assert flags["too_fast"].sum() == flags["test_row"].sum() == 1
    n_flagged = int(flags.any(axis=1).sum())
    assert count_flags(flags).loc["any", "n"] == n_flagged
    assert len(responses.answers) == 852
    kept = responses.only(~flags.any(axis=1))
    assert len(kept.answers) == 852 - n_flagged
    effect = compare_without(responses, careless, "2022", flags)
    assert effect.index.tolist() == careless.phase_codes
    assert (effect["n_left_out"] == n_flagged).all()
    assert 0 < effect["difference"].abs().max() < 2


@pytest.mark.parametrize(
    ("rule", "parameter", "value"),
    [
        ("straight_line", "straight_line_items", 60),
        ("mostly_empty", "min_answered", 0.0),
        ("too_fast", "seconds_per_item", 0.1),
        ("erratic", "erratic_chance", 0.0),
    ],
)
def test_row_23_a_rule_that_asks_more_flags_fewer(careless, rule, parameter, value):
    responses = read_responses(careless, "2022")
    flagged = flag_careless(responses, careless, "2022", **{parameter: value})[rule]
    assert flagged.sum() < flag_careless(responses, careless, "2022")[rule].sum()


@pytest.mark.parametrize(
    "wrong",
    [
        *({"straight_line_items": 5}, {"seconds_per_item": -1.0}, {"min_answered": 2.0}),
        {"erratic_chance": 2.0},
    ],
)
def test_row_23_a_rule_out_of_range_is_refused(home, wrong):
    study = load_study("example", home)
    with pytest.raises(InputError, match=next(iter(wrong))):
        flag_careless(read_responses(study, "2018"), study, "2018", **wrong)


def test_row_24_a_unit_with_very_many_respondents_is_warned_of(tmp_path):
    from cycle_analysis.units import load_register

    names = load_register().on("2022-03-01")["name"]
    units = ["Amsterdam"] * 200 + names[names != "Amsterdam"].iloc[:150].index.tolist()
    responses = read_table(tmp_path, answers(350, gemeente=units))
    assert "has 200 of 350 respondents" in told(responses, KEPT)


def test_row_25_a_phase_without_items_is_refused(tmp_path):
    write_study(tmp_path, "r.csv")
    path = tmp_path / "data/raw/tiny/codebook.csv"
    path.write_text(path.read_text().replace(",EX,", ",AG,"))
    with pytest.raises(InputError, match="this phase has no items"):
        load(tmp_path)


def test_row_25_items_that_tell_nothing_are_warned_of_and_left_out_with_the_reason(tmp_path):
    table = answers(A1=["2"] * 12, A2=[""] * 12)
    responses = read_table(tmp_path, table)
    warned = responses.problems.set_index("column")
    assert "everyone gave the same answer" in warned.loc["A1", "problem"]
    assert "left out of reliability, and stays in the phase score" in warned.loc["A1", "remedy"]
    assert "nobody answered" in warned.loc["A2", "problem"]
    items = load(tmp_path).phase_items("2022")
    counted = scale_statistics(responses.answers, items, responses.respondents["unit"])
    assert counted.loc["AG", "n_items"] == 1
    table = item_statistics(responses.answers, items, responses.reasons)
    assert table.loc["A1", "warning"] == "no variance"
    scores = respondent_scores(responses.answers, items)
    both = responses.answers[["A1", "A3"]].mean(axis=1) / 4 * 100
    assert np.allclose(scores["AG"], both)


def test_row_25_the_only_item_of_a_phase_is_warned_of(tmp_path):
    columns = {}
    write_study(tmp_path, "r.csv", columns)
    path = write_study(tmp_path, "r.csv")
    wave = path.parent / "wave.yaml"
    text = wave.read_text().replace('"E2": "E2", "E3": "E3"', '"E2": "E2"')
    text = text.replace('"not_asked": {', '"not_asked": {"E3": "no", ')
    text = text.replace('"E1": "E1", "E2": "E2"', '"E1": "E1"')
    wave.write_text(text.replace('"not_asked": {', '"not_asked": {"E2": "no", '))
    answers().drop(columns=["E2", "E3"]).to_csv(path, index=False)
    assert "is the only item of phase EX" in told(read(tmp_path), KEPT)


# 27-33, 35, 39: study files, parameters, checksums, privacy, names


def test_row_27_all_mistakes_of_a_codebook_are_told_at_once(tmp_path):
    write_study(tmp_path, "r.csv")
    path = tmp_path / "data/raw/tiny/codebook.csv"
    text = path.read_text().replace("A2,C,AG,s,no", "A1,C,ZZ,t,misschien")
    path.write_text("\ufeff" + text.replace("question A3", "").replace(",", ";"), "utf-8")
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    message = str(caught.value)
    for what in ("stands in row 2", "ZZ", "'t'", "misschien", "is empty"):
        assert what in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title:", "extra: 1\ntitle:", "is not a known key"),
        ("min: 0", "min: nul", "min"),
        ("min: 0", "min: 0\n    min: 1", "stands twice"),
        ('"0": {nl', "no: {nl", "no"),
        ("    min: 0", "\tmin: 0", "is not YAML"),
        ("title: {nl: t, en: t}", "a: &a [1]\nb: [*a, *a]\ntitle: {nl: t, en: t}", "alias"),
        ("phases:", "fases:", "the key 'phases' is missing"),
        ("min: 0", "min: 2022-03-01", "min"),
        ('"9": {reason', '"4": {reason', "are both an answer and missing"),
        ("reason: not_applicable", "reason: vergeten", "reason"),
        ("nl: helemaal eens", "nl: Helemaal  Oneens", "['0', '4'] share the label"),
        ("nl: weet niet", "nl: agree", "['3', '8'] share the label"),
    ],
)
def test_row_28_a_wrong_study_file_is_refused_with_the_line(tmp_path, old, new, message):
    study = STUDY.replace(old, new, 1)
    assert study != STUDY
    table = answers()
    if old == '"0": {nl':  # a bare no is a text, so it is only another code
        assert len(read_table(tmp_path, table, study=study).answers) == 12
        return
    said = refused(tmp_path, table, study=study)
    assert message in said
    assert "line " in said


def test_row_28_lists_within_lists_without_end_are_refused(tmp_path):
    study = STUDY + f"parameters: {'[' * 3000}{']' * 3000}\n"
    assert "nested too deeply" in refused(tmp_path, answers(), study=study)


def test_row_28_numbers_dates_and_bare_words_are_texts_where_texts_are_asked(tmp_path):
    study = STUDY.replace('waves: ["2022"]', "waves: [2022]")
    study = study.replace('reference_wave: "2022"', "reference_wave: 2022")
    study = study.replace("title: {nl: t, en: t}", "title: {nl: 2022-03-01, en: no}")
    answers().to_csv(write_study(tmp_path, "r.csv", study=study), index=False)
    read_study = load(tmp_path)
    assert read_study.waves == ["2022"]
    assert (read_study.title["nl"], read_study.title["en"]) == ("2022-03-01", "no")


def test_row_28_a_list_without_entries_is_an_empty_list(tmp_path):
    answers().to_csv(write_study(tmp_path, "r.csv", study=STUDY + "profile_names:\n"), index=False)
    wave = tmp_path / "data/raw/tiny/2022/wave.yaml"
    text = wave.read_text().removesuffix("}")
    wave.write_text(text + ', "ignore": , "dropped": }')
    assert load(tmp_path).profile_names == []
    assert load(tmp_path).wave("2022").ignore == []


def test_row_28_a_missing_code_between_the_answers_is_refused(tmp_path):
    study = STUDY.replace('"8": {reason', '"3.0": {reason').replace("labels:", "labels: {}\n    x:")
    study = STUDY.replace('      "3": {nl: eens, en: agree}\n', "").replace('"8": {', '"3": {')
    assert "lie within the answers" in refused(tmp_path, answers(), study=study)


@pytest.mark.parametrize(("text", "needs_labels"), [("75%", False), ("heel vaak", True)])
def test_numbers_with_a_mark_are_not_to_be_given_labels(tmp_path, text, needs_labels):
    said = refused(tmp_path, answers(A2=[text] * 12))
    assert "is no answer of this scale" in said
    assert ("Give each its code under `labels`" in said) == needs_labels


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"A2": "A1"}, "mapped twice"),
        ({"A2": "Q99"}, "no such column"),
        ({"A2": {"source": "A2", "map": {"1": "7"}}}, "is no code of this item's scale"),
        ({"A2": {"source": "A2", "comparable": "no"}}, "comparable"),
        ({"A22": "A2"}, "Did you mean"),
        ({"A2": {"source": "A2", "map": {"Eens": "3", "eens ": "4"}}}, "stands twice in `map`"),
        ({"A2": {"source": "A2", "linear": {"from": [10, 0]}}}, "the lowest answer comes first"),
        ({"A2": {"source": "A2", "linear": {"from": [0, 0]}}}, "the lowest answer comes first"),
        (
            {"A2": {"source": "A2", "linear": {"from": [0, 9]}, "map": {"1": "0"}}},
            "exclude each other",
        ),
        ({"O1": {"source": "A2", "linear": {"from": [0, 9]}}}, "only ratings can be rescaled"),
    ],
)
def test_row_29_a_wrong_mapping_is_refused(tmp_path, columns, message):
    assert message in refused(tmp_path, answers(), columns=columns)


def test_row_29_a_column_is_mapped_or_ignored_and_not_both(tmp_path):
    assert "is under `ignore` too" in refused(tmp_path, answers(), ignore=["A2"])


def test_row_29_an_unmapped_column_is_warned_of_and_a_code_without_recode_told(tmp_path):
    recode = {"source": "A2", "map": {"1": "0", "2": "1", "3": "2", "4": "3", "5": "4"}}
    table = answers(A2=["5", "4", "3", "2", "1"] * 2 + ["5", "0"], extra="x")
    responses = read_table(tmp_path, table, columns={"A2": recode})
    assert "neither mapped nor ignored; it is left out | extra" in told(responses, KEPT)
    assert "is not recoded in wave.yaml (1, 2, 3, 4, 5) | 0" in told(responses, SET_MISSING)


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_row_30_a_parameter_out_of_range_is_refused(tmp_path, value):
    answers().to_csv(write_study(tmp_path, "r.csv"), index=False)
    with pytest.raises(InputError, match=r"max_invalid.*out of range"):
        read(tmp_path, value)


def test_row_31_a_changed_file_is_refused_with_both_checksums_and_the_way_on(tmp_path):
    message = refused(tmp_path, answers(), source={"sha256": "0" * 64})
    assert "0" * 64 in message
    assert "changed since" in message
    assert "write source.sha256: " in message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("bel Jan via jan@example.org", "e-mail addresses"),
        ("06-12345678", "telephone numbers"),
        ("+31 6 1234 5678", "telephone numbers"),
        ("0441/123456", "telephone numbers"),
        ("+44 (0)7700 900456", "telephone numbers"),
        ("192.168.10.77", "IP addresses"),
        ("47.115097, 7.231597", "positions on the map"),
    ],
)
def test_row_32_personal_data_in_mapped_columns_are_named_and_not_shown(tmp_path, text, kind):
    table = answers(O1=["goed", text])
    responses = read_table(tmp_path, table, columns={"O1": "O1"})
    assert f"1 cell looks like {kind}" in told(responses, KEPT)
    assert text not in responses.problems.to_csv()
    assert "O1" not in responses.answers
    assert responses.open_answers["O1"].iloc[1] == text


@pytest.mark.parametrize("texts", [["3", "bel 06-12345678"], ["jan@example.org"] * 12])
def test_row_32_a_telephone_number_in_place_of_a_code_is_told_without_its_digits(tmp_path, texts):
    table = answers(A1=texts)
    if len(texts) == 12:
        assert "example.org" not in refused(tmp_path, table)
        return
    responses = read_table(tmp_path, table)
    assert "is no answer of this scale | (telephone numbers)" in told(responses, SET_MISSING)
    assert "12345678" not in responses.problems.to_csv()


def test_row_32_days_and_codes_are_no_telephone_numbers(tmp_path):
    table = answers(O1=["01-03-2022 08:00:00", "01001", "GM0363", "00363"])
    told_of = told(read_table(tmp_path, table, columns={"O1": "O1"}), KEPT)
    assert "telephone" not in told_of


def test_row_32_a_telephone_number_beside_a_code_is_understood_without_its_digits(tmp_path):
    responses = read_table(tmp_path, answers(A1=["3 - bel 06-12345678"]))
    assert "is no code, but is understood | (telephone numbers) as 3" in told(responses, FIXED)
    assert "12345678" not in responses.problems.to_csv()


def test_row_32_free_text_where_codes_are_asked_is_named_without_its_words(tmp_path):
    text = "ik vind dat {} van Jan de Vries goed gaat"
    table = answers(extra=[text.format(i) for i in range(12)], id=[])
    responses = read_table(tmp_path, table, columns={"respondent": "extra"}, ignore=["id"])
    assert "12 cells look like free text" in told(responses, KEPT)
    assert "Jan de Vries" not in responses.problems.to_csv()


def test_row_32_the_same_address_as_the_id_of_two_is_refused_without_showing_it(tmp_path):
    message = refused(tmp_path, answers(id=["jan@example.org"] * 2))
    assert "more than once" in message
    assert "example.org" not in message


def test_row_32_an_email_address_as_id_is_not_copied(tmp_path):
    responses = read_table(tmp_path, answers(id=["jan@example.org"]))
    assert responses.answers.index[0] == "row 2"
    assert "example.org" not in responses.problems.to_csv()


def test_row_32_unmapped_columns_go_nowhere(tmp_path):
    responses = read_table(tmp_path, answers(IPAddress="10.0.0.1"), ignore=["IPAddress"])
    for table in (responses.answers, responses.reasons, responses.respondents, responses.problems):
        assert "10.0.0.1" not in table.to_csv()


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "a\rb"])
def test_row_33_what_a_spreadsheet_would_calculate_is_inert_in_what_is_saved(tmp_path, text):
    table = answers(A1=[text], O1=[text], id=[text])
    path = write_study(tmp_path, "r.csv", columns={"O1": "O1"})
    table.to_csv(path, index=False, quoting=1)
    responses = read(tmp_path)
    for saved in (responses.problems.rename_axis("n_"), responses.answers, responses.respondents):
        contents = write_table("t", saved).contents
        assert live_cells(contents, ",") + live_cells(contents, ";") == []
    shown = write_table("t", responses.shown_open_answers.rename_axis("respondent")).contents
    assert live_cells(shown, ",") + live_cells(shown, ";") == []


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        *((name, "is a path") for name in ("../r.csv", "/etc/passwd", "sub/r.csv")),
        *((name, "is a path") for name in ("..\\r.csv", "C:\\r.csv", "C:r.csv")),
        *((name, "is a reserved name") for name in ("con.csv", "NUL")),
    ],
)
def test_row_35_a_source_outside_the_wave_or_of_a_reserved_name_is_refused(tmp_path, file, problem):
    write_study(tmp_path, file)
    with pytest.raises(InputError, match=problem):
        load(tmp_path)


def test_row_35_a_link_to_elsewhere_is_refused(tmp_path):
    path = write_study(tmp_path, "r.csv")
    (tmp_path / "other.csv").write_text(answers().to_csv(index=False))
    path.symlink_to(tmp_path / "other.csv")
    assert "is a link to another place" in refused(tmp_path)


@pytest.mark.parametrize("name", ["CON", "nul", "../x", "com1"])
def test_row_35_a_reserved_name_is_refused(tmp_path, name):
    with pytest.raises(InputError):
        load_study(name, tmp_path)
    study = STUDY.replace('waves: ["2022"]', f'waves: ["2022", "{name}"]')
    assert name in refused(tmp_path, answers(), study=study)


def test_row_39_a_role_or_phase_that_the_study_does_not_have_is_refused_by_name(tmp_path):
    table = answers(rol=["Strategisch"] * 11 + ["Burgemeester"])
    message = refused(tmp_path, table, columns={"role": "rol"})
    assert "'Burgemeester': is no role. Allowed: STR" in message
    recode = {"source": "rol", "map": {"Burgemeester": "BES"}}
    message = refused(tmp_path, table, columns={"role": recode})
    assert "columns.role.map.Burgemeester" in message
    assert "'BES': is no role. Allowed: STR" in message


@pytest.mark.parametrize("code", ["0", "4"])
def test_row_40_the_same_answer_everywhere_is_read_and_said(tmp_path, code):
    table = answers(**{item: [code] * 12 for item in ITEMS})
    responses = read_table(tmp_path, table)
    assert (responses.answers == float(code)).all().all()
    said = responses.problems["problem"].str.contains("everyone gave the same answer")
    assert said.sum() == len(ITEMS)


def test_the_real_burgerpeiling_template_is_read_with_its_labels_and_missing_codes():
    path = DATA / "burgerpeiling" / "Burgerpeling-dataformat-2022.sav"
    if not path.exists():
        pytest.skip("the shared data are not here")
    raw = read_export(path, Source(file=path.name))
    assert raw.cells.shape[1] == 178
    assert len(raw.labels) == 173
    assert len(raw.missing) == 170
    assert {(-1.0, -1.0), (88.0, 88.0), (99.0, 99.0)} == set(raw.missing["wl01"])


def test_every_unit_that_the_tests_name_is_one(tmp_path):
    assert read_table(tmp_path, answers()).respondents["unit"].nunique() == len(UNITS)
