"""Headings: equal ones are refused, and each is found as it stands in the file."""

import json

import pandas as pd
import pytest
from exports import write_ods, write_xlsx
from tiny_study import answers, read, refused, write_study

LIMESURVEY = {"id": "1", "submitdate": "2022-03-02", "lastpage": "3"}
SAME = {
    "space": ("A1", "A1 "),
    "non-breaking space": ("A1\u00a0", "A1"),
    "zero width": ("A1\u200b", "A1"),
    "two of them": ("\ufeffA1 ", "A1\u00a0\u200b"),
    "spaces within": ("A  1", "A\u00a01"),
    "plainly": ("A1", "A1"),
}


def write_as(path, kind, rows):
    if kind == "csv":
        pd.DataFrame(rows).to_csv(path, index=False, header=False)
    else:
        {"xlsx": write_xlsx, "ods": write_ods}[kind](path, rows)


def with_headings(table, **names):
    """Rows of an export, some columns under other headings."""
    return [[names.get(name, name) for name in table.columns], *table.to_numpy().tolist()]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ods"])
@pytest.mark.parametrize("pair", SAME)
def test_row_110_headings_that_are_equal_once_tidied_are_refused_with_both(tmp_path, kind, pair):
    first, second = SAME[pair]
    path = write_study(tmp_path, f"r.{kind}")
    write_as(path, kind, with_headings(answers(), A1=first, A2=second))
    message = refused(tmp_path)
    first, second = (repr(heading)[1:-1] for heading in (first.lstrip("\ufeff"), second))
    assert f'{first}" (column 3) and "{second}" (column 4)' in message
    assert "stands twice" in message


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ods"])
def test_row_110_a_nameless_column_beside_one_of_the_name_it_would_get_is_refused(tmp_path, kind):
    path = write_study(tmp_path, f"r.{kind}")
    write_as(path, kind, with_headings(answers(), A2="", E3="column 4"))
    assert '"" (column 4) and "column 4" (column 8)' in refused(tmp_path)


@pytest.mark.parametrize("long", ["A1. Toelichting", "A1.  Wat vindt u?", "A1.\u00a0Why"])
def test_row_110_a_limesurvey_heading_that_becomes_anothers_is_refused(tmp_path, long):
    path = write_study(tmp_path, "r.csv")
    write_as(path, "csv", with_headings(answers(**LIMESURVEY), A2=long))
    message = refused(tmp_path)
    assert '"A1" (column 3)' in message
    assert repr(long)[1:-1] in message


def legacy(table, **second):
    """A legacy export of Qualtrics: its own fields as V1, V2, …, their names in the second row."""
    fields = {"V1": "ResponseID", "V2": "Status", "V3": "Finished"}
    heads = {**dict(zip(table.columns, table.columns, strict=True)), **fields, **second}
    table = table.assign(V1=[f"R{i}" for i in range(len(table))], V2="0", V3="1")
    table = table[[*fields, *table.columns.drop(list(fields))]]
    return [table.columns.tolist(), [heads.get(n, n) for n in table], *table.to_numpy().tolist()]


def test_row_110_a_legacy_name_that_another_column_has_is_refused(tmp_path):
    path = write_study(tmp_path, "r.csv", {"respondent": "ResponseID"})
    write_as(path, "csv", legacy(answers(V99="x"), V99="A1"))
    message = refused(tmp_path)
    assert '"A1" (column 6) and "V99" (column 12)' in message


@pytest.mark.parametrize("heading", [" A1", "A1\u00a0", "A1\u200b", "A\u00a0 1"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_row_111_a_heading_mapped_as_it_stands_in_the_file_is_found(tmp_path, heading, kind):
    path = write_study(tmp_path, f"r.{kind}", {"A1": heading}, ignore=["A2 \u200b"])
    wave = json.loads((path.parent / "wave.yaml").read_text("utf-8"))
    wave["not_asked"]["A2"] = "no"
    del wave["columns"]["A2"]
    (path.parent / "wave.yaml").write_text(json.dumps(wave), "utf-8")
    write_as(path, kind, with_headings(answers(), A1=heading, A2="A2 \u200b"))
    responses = read(tmp_path)
    assert responses.answers["A1"].tolist() == [float(text) for text in answers()["A1"]]
    assert responses.problems.empty


@pytest.mark.parametrize("source", ["A1", "A1. Wat vindt u?"])
def test_row_111_a_renamed_heading_is_found_by_both_of_its_names(tmp_path, source):
    path = write_study(tmp_path, "r.csv", {"A1": source})
    write_as(path, "csv", with_headings(answers(**LIMESURVEY), A1="A1. Wat vindt u?"))
    assert read(tmp_path).answers["A1"].tolist() == [float(text) for text in answers()["A1"]]


@pytest.mark.parametrize("source", ["ResponseID", "V1"])
def test_row_111_a_legacy_column_is_found_by_both_of_its_names(tmp_path, source):
    path = write_study(tmp_path, "r.csv", {"respondent": source})
    write_as(path, "csv", legacy(answers()))
    assert read(tmp_path).respondents.index.tolist() == [f"R{i}" for i in range(12)]


def test_row_111_one_column_mapped_under_both_of_its_names_is_refused(tmp_path):
    path = write_study(tmp_path, "r.csv", {"A1": "A1. Wat?", "A2": "A1"})
    write_as(path, "csv", with_headings(answers(**LIMESURVEY), A1="A1. Wat?"))
    assert "'A1': this column is mapped twice" in refused(tmp_path)


@pytest.mark.parametrize("extra", [0, 1])
def test_row_117_a_header_that_is_one_cell_short_is_told_as_what_it_is(tmp_path, extra):
    path = write_study(tmp_path, "r.csv")
    lines = answers().to_csv(index=False).splitlines()
    named = [f'"{i}",{line}' for i, line in enumerate(lines[1:], start=1)]
    path.write_text("\n".join([lines[0], *named, *lines[1:2] * extra]))
    message = refused(tmp_path)
    assert "this line has another number of cells than the header" in message
    assert ("R's write.table" in message) == (not extra)
    assert ("col.names = NA" in message) == (not extra)
