"""More of what survey files look like, numbered on from the list of inputs."""

import zipfile

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from exports import WRITERS, as_texts, write_xlsx
from tiny_study import ITEMS, STUDY, answers, load, read, read_table, refused, told, write_study

from cycle_analysis.problems import FIXED, KEPT, SET_MISSING, InputError
from cycle_analysis.readers import read_export
from cycle_analysis.readers.raw_table import as_text
from cycle_analysis.responses.coded import flag_careless
from cycle_analysis.study.files import Source

CATEGORY = """  k:
    kind: category
    labels:
      "1": {nl: geen, en: none}
      "2": {nl: beschrijvend, en: descriptive}
  n: {kind: number, min: 0, max: 5000}
roles:"""


def with_scale(home, scale):
    """Put item O1 of the tiny study on another scale."""
    path = home / "data/raw/tiny/codebook.csv"
    path.write_text(path.read_text().replace("O1,I,,open", f"O1,I,,{scale}"))


def read_o1(home, texts, scale):
    """Answers and reasons of item O1 on a category or number scale."""
    study = STUDY.replace("roles:", CATEGORY)
    path = write_study(home, "r.csv", columns={"O1": "O1"}, study=study)
    with_scale(home, scale)
    answers(O1=texts).to_csv(path, index=False)
    responses = read(home, 0.9)
    return responses, responses.answers["O1"].iloc[: len(texts)].tolist()


def test_row_41_the_line_that_tells_excel_the_separator_is_no_header(tmp_path):
    path = write_study(tmp_path, "r.csv")
    path.write_text("sep=;\n" + answers().to_csv(index=False, sep=";"))
    responses = read(tmp_path)
    assert len(responses.answers) == 12
    assert read_export(path, Source(file="r.csv")).cells.index[0] == 3


def test_row_42_separators_at_the_end_of_every_line_make_no_column(tmp_path):
    text = answers().to_csv(index=False).replace("\n", ",,\n")
    write_study(tmp_path, "r.csv").write_text(text)
    assert told(read(tmp_path), KEPT).count("neither mapped") == 0


def test_row_43_a_column_without_a_name_but_with_contents_is_called_by_its_number(tmp_path):
    path = write_study(tmp_path, "r.csv")
    answers().to_csv(path)
    responses = read(tmp_path)
    assert "column 1" in responses.problems["value"].tolist()


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n", "\r\n\r\n"])
def test_row_44_line_ends_of_all_systems_are_read(tmp_path, end):
    text = answers().to_csv(index=False).replace("\n", end)
    write_study(tmp_path, "r.csv").write_bytes(text.encode())
    assert len(read(tmp_path).answers) == 12


def test_row_45_blank_lines_and_empty_rows_are_skipped_and_counted_in_row_numbers(tmp_path):
    lines = answers(A2=["7"]).to_csv(index=False).splitlines()
    lines[1:1] = ["", ",,,,,,,"]
    write_study(tmp_path, "r.csv").write_text("\n".join(lines))
    problems = read(tmp_path).problems
    assert problems.loc[problems["done"] == SET_MISSING, "row"].tolist() == ["4"]


def test_row_46_a_quote_within_a_word_is_read_and_noted(tmp_path):
    table = answers().assign(extra="x")
    text = table.to_csv(index=False).replace(",x", ',een 5" schijf')
    write_study(tmp_path, "r.csv", ignore=["extra"]).write_text(text)
    responses = read(tmp_path)
    assert len(responses.answers) == 12
    assert "quotes stand in unusual places" in told(responses, FIXED)


def test_row_47_invisible_characters_in_headings_do_not_matter(tmp_path):
    text = answers().to_csv(index=False)
    text = text.replace("A1", " A1\u200b", 1).replace("A2", "\u00a0A2 ", 1)
    write_study(tmp_path, "r.csv").write_text(text, "utf-8")
    assert read(tmp_path).answers["A1"].notna().all()


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"PK\x03\x04 zip", "a damaged zip"),
        (b"\xd0\xcf\x11\xe0 old", "xls"),
        (b"<HTML><table>", "a web page"),
        (b"%PDF-1.7", "a PDF"),
        (b"$FL2@(#) SPSS", "sav"),
    ],
)
def test_row_48_another_kind_of_file_under_the_name_of_a_text_is_told(tmp_path, start, kind):
    write_study(tmp_path, "r.csv").write_bytes(start + b"\n1,2\n")
    assert f"is no text but {kind}" in refused(tmp_path)


@pytest.mark.parametrize("name", ["r.csv", "r.zip"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("xlsx", "but xlsx. Name it .xlsx"),
        ("ods", "but ods. Name it .ods"),
        ("csv", "a zip that holds answers.csv. Unpack it, and give the file with the answers"),
        ("zsav", "a zip that holds answers.zsav. Unpack it"),
    ],
)
def test_row_48_a_zip_is_looked_into_whatever_its_name(tmp_path, name, kind, told):
    path, answered = write_study(tmp_path, name), tmp_path / f"answers.{kind}"
    WRITERS[kind](answered, answers())
    path.write_bytes(answered.read_bytes())
    if kind in ("csv", "zsav"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(answered, answered.name)
    assert told in refused(tmp_path)


@pytest.mark.parametrize("name", ["r.xlsx", "r.xls", "r.ods", "r.sav", "r.zsav"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (answers().to_csv(index=False), "but csv. Name it .csv"),
        ("<table><tr><td>id", "but a web page. Save it as .xlsx or .csv"),
        ('<?xml version="1.0"?><Workbook', "but a web page. Save it as .xlsx or .csv"),
        ('[\n {"id": "r1"}]', "but JSON. Save it as .xlsx or .csv"),
    ],
)
def test_row_48_a_text_under_the_name_of_another_kind_is_told(tmp_path, name, text, told):
    write_study(tmp_path, name).write_text(text, "utf-8")
    assert f"is no {name[2:]} {told}" in refused(tmp_path)


def test_the_sign_at_which_dos_ends_a_file_is_no_row(tmp_path):
    path = write_study(tmp_path, "r.csv")
    path.write_bytes(answers().to_csv(index=False, lineterminator="\r\n").encode() + b"\x1a")
    assert len(read(tmp_path).answers) == 12


@pytest.mark.parametrize("name", ["r.xls", "r.ods", "r.sav", "r.dta"])
def test_row_49_a_workbook_under_another_name_is_told_or_read(tmp_path, name):
    path = write_study(tmp_path, name)
    write_xlsx(tmp_path / "a.xlsx", [["x"]])
    path.write_bytes((tmp_path / "a.xlsx").read_bytes())
    assert name in refused(tmp_path)


def test_row_50_true_and_false_of_a_workbook_are_one_and_zero(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_texts(answers(A1=[True, False])))
    assert read(tmp_path).answers["A1"].iloc[:2].tolist() == [1, 0]


def test_row_51_codes_of_categories_may_come_with_decimals(tmp_path):
    _, found = read_o1(tmp_path, ["1.0", "2,0", "2"], "k")
    assert found == ["1", "2", "2"]


def test_row_52_padded_text_codes_of_spss_are_codes(tmp_path):
    path = write_study(tmp_path, "r.sav")
    pyreadstat.write_sav(answers(A1=["3   ", "  2"]), str(path))
    assert read(tmp_path).answers["A1"].iloc[:2].tolist() == [3, 2]


def test_row_53_a_text_that_spss_declares_missing_is_missing(tmp_path):
    path = write_study(tmp_path, "r.sav")
    pyreadstat.write_sav(answers(A1=["Z"]), str(path), missing_ranges={"A1": ["Z"]})
    responses = read(tmp_path)
    assert responses.reasons["A1"].iloc[0] == "blank"
    assert "declared missing in the file" in told(responses, FIXED)


def test_row_54_a_label_that_means_nothing_elsewhere_is_an_answer_here(tmp_path):
    _, found = read_o1(tmp_path, ["geen", "None", "none"], "k")
    assert found == ["1", "1", "1"]


@pytest.mark.parametrize(("text", "value"), [("３", 3), ("'3", 3), ("03", 3), ("٣", None)])
def test_row_55_digits_in_other_shapes_are_read_only_when_they_are_digits_here(
    tmp_path, text, value
):
    found = read_table(tmp_path, answers(A1=[text])).answers["A1"].iloc[0]
    assert found == value if value is not None else np.isnan(found)


def test_row_56_a_thousand_that_may_be_a_decimal_is_asked_about(tmp_path):
    responses, found = read_o1(tmp_path, ["1.250", "1250", "12,5", "0.333"], "n")
    assert np.isnan(found[0])
    assert found[1:] == [1250, 12.5, 0.333]
    assert "may be a thousand or a decimal number | 1.250" in told(responses, SET_MISSING)


def test_row_56_a_number_that_the_file_holds_as_one_is_no_thousand(tmp_path):
    _, found = read_o1(tmp_path, [as_text(1.25), as_text(2.092), as_text(17.125)], "n")
    assert found == [1.25, 2.092, 17.125]


@pytest.mark.parametrize("text", ["3-jan", "jan-03", "2-3", "45292,5", "75%", "€ 3", "1e3", "3/5"])
def test_row_57_what_a_spreadsheet_made_of_a_code_is_a_problem(tmp_path, text):
    responses = read_table(tmp_path, answers(A1=[text]))
    assert responses.reasons["A1"].iloc[0] == "invalid"
    assert text in told(responses, SET_MISSING)


def test_row_58_ids_that_lost_their_last_digits_are_doubles(tmp_path):
    message = refused(tmp_path, answers(id=["1,23457E+11", "1,23457E+11"]))
    assert "1,23457E+11" in message
    assert "more than once" in message


def test_row_59_a_second_row_of_headings_is_refused_by_its_unit(tmp_path):
    table = pd.concat([answers(1).assign(gemeente="In welke gemeente werkt u?"), answers()])
    table.iloc[0, 0] = "nummer"
    message = refused(tmp_path, table)
    assert "In welke gemeente werkt u?" in message
    assert "row 2" in message


def test_row_60_a_row_of_totals_is_refused_by_its_unit(tmp_path):
    table = answers(13, gemeente=[*answers()["gemeente"], "Totaal"])
    assert "'Totaal'" in refused(tmp_path, table)


def test_row_61_long_texts_over_lines_and_beyond_the_usual_letters_are_kept(tmp_path):
    text = 'Eén "lang"\nantwoord; met, alles 🙂' + "x" * 40_000
    responses = read_table(tmp_path, answers(O1=[text]), columns={"O1": "O1"})
    assert responses.open_answers["O1"].iloc[0] == text
    assert "\n" not in responses.shown_open_answers["O1"].iloc[0]


def test_row_62_names_decoded_twice_wrongly_are_refused_and_the_right_one_is_near(tmp_path):
    wrong = "Súdwest-Fryslân".encode().decode("cp1252")
    message = refused(tmp_path, answers(gemeente=[wrong]))
    assert wrong in message
    assert "Súdwest-Fryslân (GM1900)" in message


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xff\xfe", b"  \n \n", b"\x00" * 40])
def test_row_63_a_file_of_nothing_is_refused(tmp_path, content):
    write_study(tmp_path, "r.csv").write_bytes(content)
    assert "r.csv" in refused(tmp_path)


def test_row_64_a_template_without_respondents_is_refused(tmp_path):
    path = write_study(tmp_path, "r.sav")
    pyreadstat.write_sav(answers().iloc[:0], str(path))
    assert "holds no answers" in refused(tmp_path)


def test_row_65_the_labels_of_stata_are_understood(tmp_path):
    path = write_study(tmp_path, "r.dta")
    table = answers().assign(**{i: pd.to_numeric(answers()[i]) for i in ITEMS})
    pyreadstat.write_dta(
        table, str(path), variable_value_labels={"A1": {0: "helemaal oneens", 4: "weet niet"}}
    )
    responses = read(tmp_path)
    assert set(responses.reasons["A1"][responses.answers["A1"].isna()]) == {"dont_know"}
    assert "labelled 'weet niet' in the file" in told(responses, FIXED)


def test_row_66_a_semicolon_file_with_commas_in_its_numbers_and_a_comma_file_tell_apart(tmp_path):
    text = answers().to_csv(index=False, sep=",").replace("r3,", "r3,1,", 1)
    lines = text.splitlines()
    shifted = [lines[0], *(f"{line},5" for line in lines[1:])]
    write_study(tmp_path, "r.csv").write_text("\n".join(shifted))
    message = refused(tmp_path)
    assert "semicolons when numbers have decimal commas" in message
    assert "line 2" in message


def test_row_67_hidden_rows_of_a_filter_are_read_and_warned_of(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_texts(answers()), lambda b, s: s.set_row(3, None, None, {"hidden": True}))
    responses = read(tmp_path)
    assert len(responses.answers) == 12
    warned = responses.problems[responses.problems["problem"].str.contains("hidden in the sheet")]
    assert warned[["row", "sheet"]].to_numpy().tolist() == [["4", "Data"]]


@pytest.mark.parametrize("text", ["onbekend?", "weet niet", "n.v.t.", "-"])
def test_row_68_a_word_for_no_answer_is_no_role_and_any_other_word_is_refused(tmp_path, text):
    table = answers(rol=["Strategisch"] * 11 + [text])
    if text == "onbekend?":
        assert "is no role" in refused(tmp_path, table, columns={"role": "rol"})
        return
    responses = read_table(tmp_path, table, columns={"role": "rol"})
    assert responses.respondents["role"].iloc[-1] == ""
    assert "these respondents count without one" in told(responses, FIXED)


def test_row_69_on_another_scale_its_own_numbers_go_before_the_codebooks_missing_codes(tmp_path):
    column = {"A1": {"source": "A1", "linear": {"from": [0, 10]}, "comparable": "broken"}}
    table = answers(A1=["8", "10", "0", "weet niet", "99"])
    responses = read_table(tmp_path, table, columns=column)
    assert responses.answers["A1"].iloc[:3].tolist() == [3.2, 4, 0]
    assert responses.reasons["A1"].iloc[3] == "dont_know"
    assert "lies outside the scale 0 to 10 | 99" in told(responses, SET_MISSING)


def test_row_70_a_code_declared_missing_is_missing_where_the_others_are_recoded(tmp_path):
    recode = {str(code): str(code - 1) for code in range(1, 6)}
    path = write_study(tmp_path, "r.sav", {"A1": {"source": "A1", "map": recode}})
    table = answers(A1=["0", "1", "5", *["3"] * 9])
    pyreadstat.write_sav(
        table.assign(A1=pd.to_numeric(table["A1"])), str(path), missing_ranges={"A1": [0]}
    )
    responses = read(tmp_path)
    assert responses.reasons["A1"].iloc[0] == "blank"
    assert responses.answers["A1"].iloc[1:3].tolist() == [0, 4]


def test_row_71_a_column_of_numbers_of_respondents_is_not_searched_for_units(tmp_path):
    table = answers(12_000).assign(extra=[f"nr {i}" for i in range(12_000)])
    message = refused(tmp_path, table, columns={"unit": "extra"}, ignore=["gemeente"])
    assert "12000 different texts: too many to name units" in message


def test_row_72_a_duration_that_is_no_number_is_told_and_judges_nobody(tmp_path):
    table = answers(tijd=["61.5", "00:02:10", "", "61,5"] * 3)
    responses = read_table(tmp_path, table, columns={"duration": "tijd"})
    assert responses.respondents["seconds"].iloc[[0, 3]].tolist() == [61.5, 61.5]
    assert responses.respondents["seconds"].isna().sum() == 6
    assert "is no number of seconds" in told(responses, KEPT)


def test_row_73_a_respondent_who_does_not_know_the_unit_is_left_out_and_counted(tmp_path):
    responses = read_table(tmp_path, answers(gemeente=["weet niet", "Wil niet zeggen"]))
    assert len(responses.answers) == 10
    assert "1 respondent names no unit and is left out | weet niet" in told(responses, KEPT)


@pytest.mark.parametrize("name", ["sheet", "row", "column", "respondent", "rule"])
def test_row_74_what_stops_a_run_says_the_sheet_and_the_column_too(tmp_path, name):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_texts(answers(gemeente=["Amstredam"])), sheets=["Antwoorden"])
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    wanted = {"sheet": "Antwoorden", "row": "2", "column": "gemeente"}
    assert getattr(caught.value.problems[0], name) == wanted.get(name, "")


def test_row_75_blank_lines_above_the_header_are_skipped_and_counted(tmp_path):
    write_study(tmp_path, "r.csv").write_text("\n\n" + answers(A1=["7"]).to_csv(index=False))
    problems = read(tmp_path).problems
    assert problems.loc[problems["done"] == SET_MISSING, "row"].tolist() == ["4"]


def test_row_76_an_item_left_on_other_codes_than_its_siblings_is_warned_of(tmp_path):
    recode = {str(code): str(code - 1) for code in range(1, 6)}
    columns = {item: {"source": item, "map": recode} for item in ("A1", "A2")}
    five = ["1", "2", "3", "4", "5"]
    table = answers(10, A1=five * 2, A2=five * 2, A3=["1", "2", "3", "4", "4"] * 2)
    warned = read_table(tmp_path, table, columns=columns).problems
    warned = warned[warned["problem"].str.contains("is not recoded as A1 is")]
    assert warned["column"].tolist() == ["A3"]
    assert "Add the same `map`" in warned["remedy"].iloc[0]


# The paragraph under the list: met for real


def test_met_for_real_0059_is_the_code_of_a_unit_and_not_fifty_nine(tmp_path):
    found = read_table(tmp_path, answers(gemeente=["0059", "59", "GM0059"])).respondents["unit"]
    assert found.iloc[:3].tolist() == ["GM0059"] * 3


def test_met_for_real_decimal_commas_in_a_comma_file_shift_no_column(tmp_path):
    rows = answers().to_csv(index=False).splitlines()
    shifted = [rows[0], *(f"{row},5" for row in rows[1:])]
    write_study(tmp_path, "r.csv").write_text("\n".join(shifted))
    assert "another number of cells than the header" in refused(tmp_path)


def test_met_for_real_a_date_is_never_turned_round(tmp_path):
    responses = read_table(tmp_path, answers(A1=["03-04-2024"]))
    assert "03-04-2024" in told(responses, SET_MISSING)


def test_met_for_real_na_is_missing_as_an_answer_and_namibia_as_a_unit(tmp_path):
    study = STUDY + "units: {one: {nl: land, en: country}, many: {nl: landen, en: countries}, "
    study += "register: landen.csv}\n"
    path = write_study(tmp_path, "r.csv", study=study)
    register = tmp_path / "data/raw/tiny/landen.csv"
    register.write_text("unit,name\nNA,Namibia\nNL,Netherlands\n")
    answers(gemeente=["NA", "NL"] * 6, A1=["NA", "None"]).to_csv(path, index=False)
    responses = read(tmp_path)
    assert responses.respondents["unit"].iloc[:2].tolist() == ["NA", "NL"]
    assert responses.reasons["A1"].iloc[:2].tolist() == ["blank", "blank"]


@pytest.mark.parametrize("text", ["e\u200bens", "don\u2019t know", "cafe\u0301"])
def test_met_for_real_characters_that_look_alike_match(tmp_path, text):
    study = STUDY.replace("nl: neutraal", "nl: café")
    responses = read_table(tmp_path, answers(A1=[text]), study=study)
    found = responses.answers["A1"].iloc[0], responses.reasons["A1"].iloc[0]
    wanted = {"e\u200bens": (3, ""), "cafe\u0301": (2, "")}
    assert found == wanted[text] if text in wanted else found[1] == "dont_know"


def test_met_for_real_one_answer_within_a_short_block_is_no_flag(tmp_path):
    responses = read_table(tmp_path, answers(**{item: "3" for item in ITEMS}))
    flags = flag_careless(responses, load(tmp_path), "2022", straight_line_items=12)
    assert not flags["straight_line"].any()


def test_met_for_real_not_applicable_stays_apart_from_other_reasons(tmp_path):
    table = answers(E1=["n.v.t.", "weet niet", "9", ""])
    missing = read_table(tmp_path, table).missing.loc["E1"]
    assert missing[["not_applicable", "dont_know", "blank"]].tolist() == [2 / 12, 1 / 12, 1 / 12]


def test_met_for_real_a_recoded_column_names_the_range_of_the_file(tmp_path):
    recode = {"source": "A2", "map": {str(code): str(code - 1) for code in range(1, 6)}}
    table = answers(A2=["1", "2", "3", "4", "5", "0", *["1"] * 6])
    responses = read_table(tmp_path, table, columns={"A2": recode})
    assert "is not recoded in wave.yaml (1, 2, 3, 4, 5) | 0" in told(responses, SET_MISSING)


def test_met_for_real_comparable_is_a_word_and_a_bare_no_is_refused(tmp_path):
    path = write_study(tmp_path, "r.csv", {"A2": {"source": "A2", "comparable": "partial"}})
    answers().to_csv(path, index=False)
    wave = path.parent / "wave.yaml"
    wave.write_text(wave.read_text().replace('"partial"', "no"))
    assert "Allowed: 'full', 'partial' or 'broken'" in refused(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"8": {reason', '"3": {reason', "are both an answer and missing"),
        ('"9": {reason', '"8": {reason', "stands twice"),
    ],
)
def test_met_for_real_a_missing_code_among_the_answers_and_a_double_key_are_refused(
    tmp_path, old, new, message
):
    assert message in refused(tmp_path, answers(), study=STUDY.replace(old, new, 1))


def test_met_for_real_every_item_is_accounted_for(tmp_path):
    path = write_study(tmp_path, "r.csv")
    wave = path.parent / "wave.yaml"
    wave.write_text(wave.read_text().replace('"E3": "E3"', '"E1x": "E3"'))
    message = refused(tmp_path)
    assert "'E3': this item is nowhere in the wave" in message
    assert "'E1x': is no item of codebook.csv" in message


def test_a_file_of_one_row_for_each_answer_is_told_how_to_become_one_for_each_respondent(tmp_path):
    table = answers(12)
    message = refused(tmp_path, pd.concat([table, table], ignore_index=True))
    assert "bring all of a respondent into one row" in message
    assert "Delete the rows" not in message


def test_a_heading_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    message = refused(tmp_path, answers(12), columns={"unit": "Gemeenten"})
    assert "of which the nearest are gemeente. Correct the mapping." in message


def test_a_row_of_totals_is_told_how_to_be_left_out(tmp_path):
    message = refused(tmp_path, answers(13, gemeente=["Totaal"]))
    assert 'or to "" there if the row is no respondent' in message
