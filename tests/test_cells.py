"""What stands in the cells of a workbook, however it is written down."""

import io
import time
import zipfile

import pandas as pd
import pytest
import xlwt
from exports import as_cells, as_texts, write_ods, write_xlsx
from tiny_study import STUDY, answers, read, read_table, refused, told, write_study

from cycle_analysis.problems import KEPT

HUNDRED = STUDY.replace("  open: {kind: text}", "  open: {kind: text}\n  h: {min: 0, max: 100}")
CELL = '<c r="C4" t="n"><v>2</v></c>'
"""The third respondent's answer to A1."""
FORMULAS = {
    "without a reference": "<c><f>1+1</f><v>2</v></c>",
    "in single quotes": "<c r='C4'><f>1+1</f><v>2</v></c>",
    "over lines": '<c\n  r="C4"\n>\n<f\n>1+1</f>\n<v>2</v></c>',
    "with a prefix": '<x:c xmlns:x="urn:x" r="C4"><x:f>1+1</x:f><x:v>2</x:v></x:c>',
    "shared": '<c r="C4"><f t="shared" si="0"/><v>2</v></c>',
    "an array": '<c r="C4"><f t="array" ref="C4:C4">1+1</f><v>2</v></c>',
    "in an inline string": '<c r="C4" t="inlineStr"><is><t>2</t></is><f>1+1</f></c>',
    "after a comment": '<c r="C4"><!-- <v> --><f>1+1</f><v>2</v></c>',
    "in another namespace": '<c r="C4"><f xmlns="urn:y">1+1</f><v>2</v></c>',
}
XLS_CODES = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36}
XLS_CODES["#N/A"] = 42
ERRORS = ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"]


def edit_parts(path, *changes):
    """Replace texts in parts of a zip: (part, old, new), each of them there."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for part, old, new in changes:
        text = parts[part].decode()
        assert old in text
        parts[part] = text.replace(old, new, 1).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def write_cell(path, new, table=None):
    """Write an .xlsx in which one cell is written down in another way."""
    rows = as_cells(answers() if table is None else table)
    write_xlsx(path, rows)
    edit_parts(path, ("xl/worksheets/sheet1.xml", '<c r="C4"><v>2</v></c>', new))


def in_xls(path, put, table=None):
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for number, row in enumerate(as_cells(answers() if table is None else table)):
        for place, cell in enumerate(row):
            if put(book, sheet, number, place) is None:
                sheet.write(number, place, cell)
    book.save(str(path))


@pytest.mark.parametrize("how", FORMULAS)
def test_row_112_a_formula_is_refused_however_it_is_written(tmp_path, how):
    path = write_study(tmp_path, "r.xlsx")
    write_cell(path, FORMULAS[how])
    shown = "" if how == "in an inline string" else " '2':"
    assert f"column A1 (A1), row 4:{shown} is a formula" in refused(tmp_path)


def test_row_112_a_formula_of_an_xls_is_refused(tmp_path):
    def put(book, sheet, row, column):
        if (row, column) == (3, 2):
            sheet.write(row, column, xlwt.Formula("1+1"))
            return True

    path = write_study(tmp_path, "r.xls")
    in_xls(path, put)
    assert "column A1 (A1), row 4" in refused(tmp_path)
    assert "is a formula" in refused(tmp_path)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("column", ["item", "unit"])
def test_row_113_error_cells_of_an_xlsx_are_refused_with_cell_and_error(tmp_path, error, column):
    path = write_study(tmp_path, "r.xlsx")
    table = answers(gemeente=["363", "344", "34"])
    write_xlsx(path, as_cells(table))
    place, value = ("C4", "2") if column == "item" else ("B4", "34")
    new = f"<c t='e' r='{place}'><v>{error}</v></c>"
    edit_parts(path, ("xl/worksheets/sheet1.xml", f'<c r="{place}"><v>{value}</v></c>', new))
    message = refused(tmp_path)
    assert f"row 4: '{error}': is an error of the spreadsheet" in message
    assert ("A1" if column == "item" else "gemeente") in message


@pytest.mark.parametrize("error", ERRORS)
def test_row_113_error_cells_of_an_xls_are_refused_with_cell_and_error(tmp_path, error):
    def put(book, sheet, row, column):
        if (row, column) == (3, 2):
            sheet.row(row).set_cell_error(column, XLS_CODES[error])
            return True

    path = write_study(tmp_path, "r.xls")
    in_xls(path, put)
    assert f"column A1 (A1), row 4: '{error}': is an error" in refused(tmp_path)


def add_theme(path):
    """Append a zip, as Excel keeps a theme within each .xls that it writes."""
    theme = io.BytesIO()
    with zipfile.ZipFile(theme, "w") as archive:
        archive.writestr("theme/theme/theme1.xml", "<theme/>")
    path.write_bytes(path.read_bytes() + theme.getvalue())


def in_row_four(book, sheet, row, column):
    """An error and a formula in the fourth row."""
    if (row, column) == (3, 2):
        sheet.row(row).set_cell_error(column, XLS_CODES["#N/A"])
        return True
    if (row, column) == (3, 3):
        sheet.write(row, column, xlwt.Formula("1+1"))
        return True


def test_rows_112_and_113_an_xls_with_a_theme_of_excel_in_it_is_looked_at_like_any(tmp_path):
    path = write_study(tmp_path, "r.xls")
    in_xls(path, in_row_four)
    plain = refused(tmp_path)
    add_theme(path)
    assert zipfile.is_zipfile(path)
    assert refused(tmp_path) == plain
    assert "is a formula" in plain
    assert "'#N/A': is an error of the spreadsheet" in plain


@pytest.mark.parametrize("error", ["#N/A", "#DEEL/0!", "Err:502"])
def test_row_113_error_cells_of_an_ods_are_refused_with_cell_and_error(tmp_path, error):
    path = write_study(tmp_path, "r.ods")
    write_ods(path, as_cells(answers()))
    old = '<table:table-cell office:value-type="float" office:value="2"/>'
    new = '<table:table-cell office:value-type="string" office:string-value="" '
    new += f'calcext:value-type="error" xmlns:calcext="urn:x"><text:p>{error}</text:p>'
    edit_parts(path, ("content.xml", old, f"{new}</table:table-cell>"))
    assert f"'{error}': is an error of the spreadsheet" in refused(tmp_path)


def merge_beside(book, sheet, row, column):
    """Write the last column's heading and one merged cell below it."""
    if column == 8 and row == 3:
        sheet.write_merge(3, 4, 8, 8, "x")
    return True if column == 8 and row else None


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_row_114_merged_cells_among_the_answers_are_refused_with_their_range(tmp_path, kind):
    path = write_study(tmp_path, f"r.{kind}", ignore=["merged"])
    if kind == "xlsx":
        write_xlsx(path, as_texts(answers()), lambda b, s: s.merge_range(3, 2, 4, 2, "2"))
    elif kind == "xls":
        in_xls(path, merge_beside, answers(merged="x"))
    else:
        write_ods(path, as_cells(answers()))
        old = '<table:table-cell office:value-type="float" office:value="2"/>'
        new = old.replace("/>", ' table:number-rows-spanned="2"/>')
        edit_parts(path, ("content.xml", old, new))
    message = refused(tmp_path)
    assert "there are merged cells in the answers" in message
    assert {"xlsx": "'C4:C5'", "xls": "'I4:I5'", "ods": "'E2:E3'"}[kind] in message


@pytest.mark.parametrize(
    "entry",
    [
        '<cols><col min="3" max="4" hidden="1" width="9"/></cols>',
        "<cols><col hidden='true'\n max='4' min='3'/></cols>",
        '<x:cols xmlns:x="urn:x"><x:col width="9" max="4" min="3" hidden="1"/></x:cols>',
    ],
)
def test_row_114_hidden_columns_are_refused_in_any_spelling(tmp_path, entry):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_cells(answers()))
    edit_parts(path, ("xl/worksheets/sheet1.xml", "<sheetData>", f"{entry}<sheetData>"))
    assert "'C, D': there are hidden columns" in refused(tmp_path)


def test_row_114_hidden_columns_and_rows_of_an_xls_are_told(tmp_path):
    def hide(book, sheet, row, column):
        sheet.col(3).hidden = True

    path = write_study(tmp_path, "r.xls")
    in_xls(path, hide)
    assert "'D': there are hidden columns" in refused(tmp_path)

    def hide_row(book, sheet, row, column):
        sheet.row(5).hidden = True

    in_xls(path, hide_row)
    assert "1 row is hidden" in told(read(tmp_path), KEPT)


@pytest.mark.parametrize("row", ["<row hidden='1' r='4'", '<row\n r="4" hidden = "true"'])
def test_row_114_hidden_rows_are_told_in_any_spelling(tmp_path, row):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_cells(answers()))
    edit_parts(path, ("xl/worksheets/sheet1.xml", '<row r="4"', row))
    assert "1 row is hidden" in told(read(tmp_path), KEPT)


@pytest.mark.parametrize("place", ["XFD1048576", "ZZZ4", "C99999999", "ABCDEFGH2", "CV1048576"])
def test_row_115_a_far_cell_is_refused_before_memory_goes(tmp_path, place):
    path = write_study(tmp_path, "r.xlsx")
    write_cell(path, f'<c r="C4"><v>2</v></c><c r="{place}"><v>1</v></c>')
    begun = time.perf_counter()
    message = refused(tmp_path)
    assert any(said in message for said in ("cells span", "more than 5000 columns"))
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("place", ["XFD2", "XFD1048576"])
def test_row_115_a_far_cell_that_only_has_a_style_is_no_cell(tmp_path, place):
    path = write_study(tmp_path, "r.xlsx")
    write_cell(path, f'<c r="C4"><v>2</v></c><c r="{place}" s="0"/>')
    assert len(read(tmp_path).answers) == 12


def test_row_115_many_references_to_one_long_text_are_refused_before_memory_goes(tmp_path):
    path = write_study(tmp_path, "r.xlsx", ignore=["extra"])
    write_xlsx(path, as_texts(answers(extra="lang")))
    with zipfile.ZipFile(path) as archive:
        shared = archive.read("xl/sharedStrings.xml").decode()
    place = shared[: shared.index("<t>lang</t>")].count("<si>") - 1
    rows = "".join(
        f'<row r="{n}"><c r="I{n}" t="s"><v>{place}</v></c></row>' for n in range(14, 20_014)
    )
    edit_parts(
        path,
        ("xl/sharedStrings.xml", "<t>lang</t>", f"<t>{'lang' * 250_000}</t>"),
        ("xl/worksheets/sheet1.xml", "</sheetData>", f"{rows}</sheetData>"),
    )
    assert "its cells hold more than" in refused(tmp_path)


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
@pytest.mark.parametrize("closed", [True, False])
def test_row_115_sixty_thousand_open_tags_end_in_seconds(tmp_path, kind, closed):
    path = write_study(tmp_path, f"r.{kind}")
    {"xlsx": write_xlsx, "ods": write_ods}[kind](path, as_cells(answers()))
    tags = "<a>" * 60_000 + ("</a>" * 60_000 if closed else "")
    part, end = {
        "xlsx": ("xl/worksheets/sheet1.xml", "</sheetData>"),
        "ods": ("content.xml", "</table:table>"),
    }[kind]
    edit_parts(path, (part, end, tags + end))
    begun = time.perf_counter()
    if closed:
        assert len(read(tmp_path).answers) == 12
    else:
        assert "cannot be read" in refused(tmp_path)
    assert time.perf_counter() - begun < 10


def test_row_115_a_document_type_with_entities_is_refused(tmp_path):
    path = write_study(tmp_path, "r.xlsx")
    write_xlsx(path, as_cells(answers()))
    head = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><worksheet"
    edit_parts(path, ("xl/worksheets/sheet1.xml", "<worksheet", head))
    assert "declares a document type" in refused(tmp_path)


def read_percents(home, values, kind="csv", **columns):
    """Read item A1 on a scale of 0 to 100."""
    path = write_study(home, f"r.{kind}", columns, study=HUNDRED)
    book = home / "data/raw/tiny/codebook.csv"
    book.write_text(book.read_text().replace("A1,C,AG,s", "A1,C,AG,h"))
    table = answers(len(values), A1=values)
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "xls":
        in_xls(path, lambda b, s, r, c: as_percent(s, r, c, values), table)
    elif kind == "ods":
        write_ods(path, as_cells(table))
        edit_parts(
            path,
            (
                "content.xml",
                'type="string" office:string-value="0.',
                'type="percentage" office:value="0.',
            ),
        )
    else:
        write_xlsx(path, as_cells(table), lambda b, s: put_percents(b, s, values, kind))
    return path


def as_percent(sheet, row, column, values):
    if column == 2 and row:
        sheet.write(row, column, float(values[row - 1]), xlwt.easyxf(num_format_str="0.0%"))
        return True


def put_percents(book, sheet, values, form="0%"):
    for row, value in enumerate(values, start=1):
        sheet.write(row, 2, float(value), book.add_format({"num_format": "0.00 %"}))


SHARES = ["0.05", "0.5", "0.75", "1.0"] * 4


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_row_116_cells_that_show_percentages_are_refused_unless_the_wave_says_what_they_are(
    tmp_path, kind
):
    read_percents(tmp_path, SHARES, kind)
    assert "the sheet shows percentages here: 0.05 as 5 %" in refused(tmp_path)
    read_percents(tmp_path, SHARES, kind, A1={"source": "A1", "linear": {"from": [0, 1]}})
    assert read(tmp_path).answers["A1"].iloc[:4].tolist() == [5, 50, 75, 100]


@pytest.mark.parametrize("place", [2, 3, 7])
def test_row_116_percentages_of_an_xls_are_seen_wherever_they_stand_in_a_run_of_numbers(
    tmp_path, place
):
    def put(book, sheet, row, column):
        if column == place and row:
            sheet.write(row, column, 1, xlwt.easyxf(num_format_str="0%"))
            return True

    path = write_study(tmp_path, "r.xls")
    in_xls(path, put)
    assert f"column {answers().columns[place]} " in refused(tmp_path)
    assert "the sheet shows percentages here" in refused(tmp_path)


def test_row_116_the_formats_that_show_no_percentage_are_none(tmp_path):
    path = read_percents(tmp_path, ["5", "50"] * 8, "csv").with_suffix(".xlsx")
    write_study(tmp_path, "r.xlsx")

    def put(book, sheet):
        for row in range(1, 13):
            sheet.write(row, 2, 2, book.add_format({"num_format": '0" %"'}))

    write_xlsx(path, as_cells(answers()), put)
    assert read(tmp_path).answers["A1"].tolist() == [2] * 12


@pytest.mark.parametrize(
    ("values", "doubted"),
    [
        (SHARES, True),
        (["0", "1"] * 8, True),
        (["0", "1", "40"] * 5, False),
        (["0.5"] * 4, False),
    ],
)
def test_row_116_a_scale_to_100_with_answers_up_to_1_only_is_doubted(tmp_path, values, doubted):
    read_percents(tmp_path, values)
    assert ("they may be shares" in told(read(tmp_path), KEPT)) == doubted


def test_row_116_a_scale_that_ends_elsewhere_is_not_doubted(tmp_path):
    assert "shares" not in told(read_table(tmp_path, pd.DataFrame(answers(A1=["0", "1"] * 6))))
