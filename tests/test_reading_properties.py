"""Whatever is written is read back, and no file whatever gives a traceback."""

import contextlib

import pandas as pd
import pyreadstat
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_study import ITEMS, UNITS, read, write_study

from cycle_analysis.problems import InputError
from cycle_analysis.readers import read_export
from cycle_analysis.study_files import Source

LABELS = ["helemaal oneens", "oneens", "neutraal", "eens", "helemaal eens"]
ANSWER = st.sampled_from(["0", "1", "2", "3", "4", "8", "9", ""])
ROWS = st.lists(st.tuples(*[ANSWER] * len(ITEMS)), min_size=2, max_size=9)
DIALECTS = st.tuples(
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([0, 1]),
    st.booleans(),
)
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table_of(rows):
    table = pd.DataFrame(rows, columns=list(ITEMS))
    table.insert(0, "gemeente", ["Súdwest-Fryslân", *UNITS * 3][: len(rows)])
    table.insert(0, "id", [f"r{i}" for i in range(len(rows))])
    return table


def as_answers(rows):
    """What the codebook makes of these codes."""
    return [[float(c) if c in "01234" and c else None for c in row] for row in rows]


def read_back(home, rows):
    found = read(home, 1.0).answers
    given = found.astype("object").where(found.notna(), None).to_numpy().tolist()
    assert given == as_answers(rows)


@SETTINGS
@given(ROWS, DIALECTS)
def test_every_dialect_of_delimited_text_gives_back_the_same_answers(
    tmp_path_factory, rows, dialect
):
    encoding, delimiter, end, quoting, labels = dialect
    home = tmp_path_factory.mktemp("dialect")
    table = table_of(rows)
    if labels:
        table[list(ITEMS)] = table[list(ITEMS)].map(
            lambda code: LABELS[int(code)] if code in "01234" and code else code
        )
    text = table.to_csv(index=False, sep=delimiter, lineterminator=end, quoting=quoting)
    write_study(home, "r.csv").write_bytes(text.encode(encoding))
    read_back(home, rows)


@SETTINGS
@given(ROWS, st.sampled_from(["sav", "zsav", "dta", "xlsx", "xlsx text"]))
def test_every_kind_of_file_gives_back_the_same_answers(tmp_path_factory, rows, kind):
    home = tmp_path_factory.mktemp("kind")
    suffix = kind.split()[0]
    path = write_study(home, f"r.{suffix}")
    table = table_of(rows)
    numbers = table.assign(**{i: pd.to_numeric(table[i]) for i in ITEMS})
    if suffix == "xlsx":
        with xlsxwriter.Workbook(str(path), {"nan_inf_to_errors": False}) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, table.columns)
            for number, row in enumerate(table.to_numpy().tolist(), 1):
                for place, cell in enumerate(row):
                    as_number = kind == "xlsx" and cell.isdecimal()
                    sheet.write(number, place, float(cell) if as_number else cell)
    elif suffix == "dta":
        pyreadstat.write_dta(numbers, str(path))
    else:
        declared = {item: [8, {"lo": 9, "hi": 99}] for item in ITEMS}
        pyreadstat.write_sav(numbers, str(path), compress=suffix == "zsav", missing_ranges=declared)
    read_back(home, rows)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0\ufeff\u200b"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=6))
def test_any_texts_are_read_back_cell_by_cell(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("cells") / "a.csv"
    table = pd.DataFrame(rows, columns=["a", "b", "c"])
    table.to_csv(path, sep=";", index=False, quoting=1)
    expected = [[cell for cell in row] for row in rows if any(row)]
    if not expected:
        with pytest.raises(InputError, match="holds no answers"):
            read_export(path, Source(file="a.csv"))
        return
    cells = read_export(path, Source(file="a.csv", delimiter=";")).cells
    assert cells.to_numpy().tolist() == expected
    assert cells.index.tolist() == [n for n, row in enumerate(rows, 2) if any(row)]


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """One good file of each kind."""
    folder = tmp_path_factory.mktemp("good")
    table = table_of([("1", "2", "3", "4", "0", "8")] * 6)
    numbers = table.assign(**{i: pd.to_numeric(table[i]) for i in ITEMS})
    table.to_csv(folder / "r.csv", sep=";", index=False)
    pyreadstat.write_sav(numbers, str(folder / "r.sav"))
    pyreadstat.write_sav(numbers, str(folder / "r.zsav"), compress=True)
    pyreadstat.write_dta(numbers, str(folder / "r.dta"))
    with xlsxwriter.Workbook(str(folder / "r.xlsx")) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([table.columns.tolist(), *table.to_numpy().tolist()]):
            sheet.write_row(number, 0, row)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_good_file_with_random_edits_is_read_or_refused_in_words(
    tmp_path_factory, good_files, data
):
    name = data.draw(st.sampled_from(sorted(good_files)))
    content = bytearray(good_files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        width = data.draw(st.integers(0, 20))
        content[place : place + width] = data.draw(st.binary(max_size=20))
    home = tmp_path_factory.mktemp("edit")
    write_study(home, name).write_bytes(bytes(content))
    with contextlib.suppress(InputError):
        assert len(read(home).answers) > 0


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(["csv", "tsv", "sav", "zsav", "por", "dta", "xlsx", "xls", "ods"]),
    st.sampled_from([b"", b"$FL2", b"$FL3", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"id;gemeente\n"]),
)
def test_random_bytes_of_any_kind_are_refused_in_words(tmp_path_factory, content, kind, start):
    path = tmp_path_factory.mktemp("bytes") / f"a.{kind}"
    path.write_bytes(start + content)
    with contextlib.suppress(InputError):
        assert not read_export(path, Source(file=path.name)).cells.empty
