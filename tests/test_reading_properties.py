"""Whatever is written is read back, in every format, and no file whatever gives a traceback."""

import contextlib
import csv
import io
import zipfile

import pandas as pd
import pyreadstat
import pytest
from exports import WRITERS, as_numbers, as_texts, write_ods, write_xls, write_xlsx
from hypothesis import given
from hypothesis import strategies as st
from shared import examples
from tiny_study import ITEMS, UNITS, read, write_study

from cycle_analysis.problems import InputError
from cycle_analysis.readers import flat_files, read_export, workbooks
from cycle_analysis.study.files import Source

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
SETTINGS = examples(6)


def table_of(rows, first="Súdwest-Fryslân"):
    table = pd.DataFrame(rows, columns=list(ITEMS))
    table.insert(0, "gemeente", [first, *UNITS * 3][: len(rows)])
    table.insert(0, "id", [f"r{i}" for i in range(len(rows))])
    return table


def labelled(table):
    """The same answers in words."""
    words = {str(code): label for code, label in enumerate(LABELS)}
    return table.assign(**{item: table[item].replace(words) for item in ITEMS})


def write_tiny(home, kind, rows, write=None):
    """Write rows into a tiny study as a file of one kind."""
    columns = {}
    table = table_of(rows)
    if kind == "por":  # upper case and no accents: that is all this format can hold
        table = table_of(rows, "Almere").rename(columns=str.upper)
        columns = {"respondent": "ID", "unit": "GEMEENTE"}
    path = write_study(home, f"r.{kind}", columns)
    (write or WRITERS[kind])(path, table)
    return path


def as_answers(rows):
    """What the codebook makes of these codes."""
    return [[float(c) if c in "01234" and c else None for c in row] for row in rows]


def read_back(home, rows):
    """Hold what is read against what was written; rows without one answer are left out."""
    wanted = [row for row in as_answers(rows) if set(row) != {None}]
    if not wanted:
        with pytest.raises(InputError, match="no row holds an answer"):
            read(home, 1.0)
        return
    found = read(home, 1.0).answers
    given = found.astype("object").where(found.notna(), None).to_numpy().tolist()
    assert given == wanted


@SETTINGS
@given(ROWS, DIALECTS)
def test_every_dialect_of_delimited_text_gives_back_the_same_answers(
    tmp_path_factory, rows, dialect
):
    encoding, delimiter, end, quoting, in_words = dialect
    home = tmp_path_factory.mktemp("dialect")
    table = labelled(table_of(rows)) if in_words else table_of(rows)
    text = table.to_csv(index=False, sep=delimiter, lineterminator=end, quoting=quoting)
    write_study(home, "r.csv").write_bytes(text.encode(encoding))
    read_back(home, rows)


@pytest.mark.parametrize("kind", WRITERS)
@SETTINGS
@given(rows=ROWS)
def test_every_format_gives_back_the_same_answers(tmp_path_factory, kind, rows):
    home = tmp_path_factory.mktemp(kind)
    write_tiny(home, kind, rows)
    read_back(home, rows)


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
@SETTINGS
@given(rows=ROWS, in_words=st.booleans())
def test_numbers_stored_as_text_and_labels_of_every_workbook_are_the_same_answers(
    tmp_path_factory, kind, rows, in_words
):
    def write(path, table):
        writer = {"xlsx": write_xlsx, "xls": write_xls, "ods": write_ods}[kind]
        writer(path, as_texts(labelled(table) if in_words else table))

    home = tmp_path_factory.mktemp(kind)
    write_tiny(home, kind, rows, write)
    read_back(home, rows)


@pytest.mark.parametrize("kind", ["sav", "zsav", "dta"])
@SETTINGS
@given(rows=ROWS, declared=st.booleans())
def test_labels_and_missing_codes_of_a_statistical_package_change_no_answer(
    tmp_path_factory, kind, rows, declared
):
    def write(path, table):
        codes = {float(code): label for code, label in enumerate(LABELS)}
        labels = {item: {**codes, 8.0: "weet niet"} for item in ITEMS}
        numbers = as_numbers(table)
        for item in ITEMS:  # labels need a column of numbers, also of one without answers
            numbers[item] = pd.to_numeric(numbers[item])
        if kind == "dta":
            pyreadstat.write_dta(numbers, str(path), variable_value_labels=labels)
            return
        missing = {item: [8, {"lo": 9, "hi": 99}] for item in ITEMS} if declared else None
        options = {"variable_value_labels": labels, "missing_ranges": missing}
        pyreadstat.write_sav(numbers, str(path), compress=kind == "zsav", **options)

    home = tmp_path_factory.mktemp(kind)
    write_tiny(home, kind, rows, write)
    read_back(home, rows)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0\ufeff\u200b"), max_size=12)


@examples(30)
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


@examples(30)
@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=30),
    delimiter=st.sampled_from([";", ",", "\t"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    size=st.sampled_from([1, 7, 500]),
)
def test_cells_are_those_that_were_written_however_many_are_held_at_once(
    tmp_path_factory, set_at_once, rows, delimiter, quoting, size
):
    set_at_once(size)
    path = tmp_path_factory.mktemp("cells") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator="\n")
        writer.writerows([["a", "b"], ["x", "y"], *rows])
    raw = read_export(path, Source(file="a.csv", delimiter=delimiter))
    filled = [(n, row) for n, row in enumerate(rows, 3) if any(row)]
    assert raw.cells.to_numpy().tolist()[1:] == [row for _, row in filled]
    assert raw.cells.index.tolist()[1:] == [n for n, _ in filled]
    assert raw.notes == []


@examples(30)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=40),
    st.sampled_from([1, 8, 500]),
)
def test_every_ragged_line_is_counted_and_the_first_five_are_named(
    tmp_path_factory, set_at_once, widths, size
):
    set_at_once(size)
    path = tmp_path_factory.mktemp("ragged") / "a.csv"
    lines = [";".join("x" * width) for width in widths]
    path.write_text("\n".join(["a;b;c", *lines]))
    ragged = [(line, width) for line, width in enumerate(widths, 2) if width != 3]
    source = Source(file="a.csv", delimiter=";")
    if not ragged:
        assert len(read_export(path, source).cells) == len(widths)
        return
    with pytest.raises(InputError) as caught:
        read_export(path, source)
    told = [(problem.where, problem.value) for problem in caught.value.problems]
    assert told == [(f"line {line}", str(width)) for line, width in ragged[:5]]
    assert (f"as {len(ragged) - 5} more" in str(caught.value)) == (len(ragged) > 5)


@pytest.fixture(scope="module")
def set_at_once():
    """Set how many records are held at once."""
    with pytest.MonkeyPatch.context() as patch:
        yield lambda size: patch.setattr(flat_files, "AT_ONCE", size)


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """One good file of each kind, by its name."""
    rows = [("1", "2", "3", "4", "0", "8")] * 6
    paths = [write_tiny(tmp_path_factory.mktemp(kind), kind, rows) for kind in WRITERS]
    return {path.name: path.read_bytes() for path in paths}


@pytest.mark.parametrize("kind", WRITERS)
@examples(6)
@given(data=st.data())
def test_a_good_file_with_random_edits_is_read_or_refused_in_words(
    tmp_path_factory, good_files, kind, data
):
    content = bytearray(good_files[f"r.{kind}"])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        width = data.draw(st.integers(0, 20))
        content[place : place + width] = data.draw(st.binary(max_size=20))
    home = tmp_path_factory.mktemp("edit")
    columns = {"respondent": "ID", "unit": "GEMEENTE"} if kind == "por" else {}
    write_study(home, f"r.{kind}", columns).write_bytes(bytes(content))
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(InputError):
        patch.setattr(workbooks, "MOST_SECONDS", 3)  # some edits of an .xls make the library run on
        assert len(read(home).answers) > 0


@pytest.mark.parametrize(
    ("line", "seconds", "said"),
    [
        ("import os; os.abort()", 9, "breaks the program down"),
        ("import time; time.sleep(60)", 1, "did not end"),
    ],
)
def test_an_xls_on_which_the_library_breaks_down_or_never_ends_is_refused(
    tmp_path, good_files, monkeypatch, line, seconds, said
):
    library = tmp_path / "python_calamine.py"
    library.write_text(f"{line}\n")  # stands for what a damaged file makes of the real one
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(workbooks, "MOST_SECONDS", seconds)
    write_study(tmp_path, "r.xls").write_bytes(good_files["r.xls"])
    with pytest.raises(InputError, match=said):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["xlsx", "xlsm", "ods"])
@examples(8)
@given(data=st.data())
def test_a_workbook_with_random_edits_inside_its_parts_is_read_or_refused_in_words(
    tmp_path_factory, good_files, kind, data
):
    home = tmp_path_factory.mktemp("inside")
    path = write_study(home, f"r.{kind}")
    with zipfile.ZipFile(io.BytesIO(good_files[f"r.{kind}"])) as archive:
        parts = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    content = parts[data.draw(st.sampled_from(sorted(parts)))]
    place = data.draw(st.integers(0, len(content)))
    width = data.draw(st.integers(0, 8))
    inserted = st.sampled_from([b"", b"<", b'"', b"&", b"1e309", b"\0", b"A1", b"99999999"])
    content[place : place + width] = data.draw(inserted)
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, bytes(part))
    with contextlib.suppress(InputError):
        assert len(read(home).answers) > 0


@examples(30)
@given(
    st.binary(max_size=400),
    st.sampled_from(sorted(WRITERS)),
    st.sampled_from([b"", b"$FL2", b"$FL3", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"id;gemeente\n"]),
)
def test_random_bytes_of_any_kind_are_refused_in_words(tmp_path_factory, content, kind, start):
    path = tmp_path_factory.mktemp("bytes") / f"a.{kind}"
    path.write_bytes(start + content)
    with contextlib.suppress(InputError):
        assert not read_export(path, Source(file=path.name)).cells.empty
