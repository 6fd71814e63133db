"""Results come back as they were saved, with what made them, and are known to be stale."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
from exports import live_cells
from hypothesis import given
from hypothesis import strategies as st
from shared import examples

from cycle_analysis.problems import InputError
from cycle_analysis.results import Results, write_table

CODES = pd.Index(["0059", "NA", "GM0363"], name="unit")


def test_codes_texts_and_numbers_come_back_as_they_were(tmp_path):
    table = pd.DataFrame(
        {
            "AG": [1.5, np.nan, 3.0],
            "n": [1, 2, 3],
            "why": ["", "None", "1"],
            "ok": [True, False, True],
        },
        index=CODES,
    )
    results = Results(tmp_path)
    results.save("02_scores", "2018", {"table": table})
    pd.testing.assert_frame_equal(results.load("02_scores", "table", "2018"), table)


@pytest.mark.parametrize(
    ("step", "table", "there"),
    [("02_scores", "tabel", "spread, table"), ("2_scores", "table", "02_scores")],
)
def test_a_table_or_step_that_is_not_there_is_told_with_those_that_are(
    tmp_path, step, table, there
):
    results, frame = Results(tmp_path), pd.DataFrame({"AG": [1.5, 2.0, 3.0]}, index=CODES)
    results.save("02_scores", "2018", {"table": frame, "spread": frame})
    with pytest.raises(InputError, match=rf"is not there yet. Allowed: {there}. Run notebook"):
        results.load(step, table, "2018")


def test_numbers_are_rounded_without_minus_zero():
    saved = write_table("t", pd.DataFrame({"x": [-1e-9, 1 / 3, 2.0]}, index=CODES))
    assert saved.contents.decode() == "unit,x\n0059,0.0\nNA,0.333333\nGM0363,2.0\n"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4) | st.text(
    "=+-@;\t\r\n' 1.,\"", max_size=5
)
COLUMNS = {
    "str": TEXTS,
    "int64": st.integers(-(2**53), 2**53),
    "float64": st.floats(-1e6, 1e6).map(lambda x: round(x, 6) + 0.0)
    | st.sampled_from([np.nan, np.inf, -np.inf]),
    "bool": st.booleans(),
    "boolean": st.none() | st.booleans(),
    "Int64": st.none() | st.integers(-(2**53), 2**53),
}
LABELS = {
    "str": TEXTS.filter(bool),
    "int64": st.integers(-5, 20),
    "float64": st.sampled_from([0.0, 0.5, 2.25, 100.0]),
}


@st.composite
def columns(draw, n):
    """A column of some type; texts are now and then missing, but then never empty."""
    kind = draw(st.sampled_from(list(COLUMNS)))
    values = draw(st.lists(COLUMNS[kind], min_size=n, max_size=n))
    if kind == "str" and draw(st.booleans()):
        values = [value or None for value in values]
    return pd.Series(values, dtype=kind)


@st.composite
def tables(draw):
    """A table of up to five rows, with an index of one or two levels of any type."""
    n, n_levels = draw(st.integers(0, 5)), draw(st.integers(1, 2))
    kind = draw(st.sampled_from(list(LABELS)))
    heads = draw(st.lists(LABELS[kind], max_size=4, unique_by=str))
    table = pd.DataFrame({place: draw(columns(n)) for place in range(len(heads))}, range(n))
    table.columns = pd.Index(heads, dtype=kind, name=draw(st.sampled_from([None, "phase"])))
    names = draw(st.lists(TEXTS.filter(bool), min_size=n_levels, max_size=n_levels, unique=True))
    levels = [draw(columns(n)).rename(name) for name in names]
    index = pd.MultiIndex.from_arrays(levels, names=names) if n_levels > 1 else pd.Index(levels[0])
    table = table.set_axis(index, axis=0)
    usable = not table.index.has_duplicates and not set(map(str, heads)) & set(names)
    return table if usable else table.iloc[:0].set_axis(pd.Index([], dtype="str", name="of rows\n"))


@examples(150)
@given(tables())
def test_every_table_comes_back_as_it_was_saved(table):
    saved = write_table("t", table)
    pd.testing.assert_frame_equal(saved.table, table, check_exact=True)
    assert write_table("t", saved.table) == saved


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX says who may read a file")
def test_nobody_else_may_read_what_is_saved_whatever_the_umask_and_however_it_was(tmp_path):
    folder = tmp_path / "data" / "processed" / "small"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    before = os.umask(0)
    try:
        Results(folder).save("02_scores", "2018", {"t": pd.DataFrame({"x": [1]}, CODES[:1])})
    finally:
        os.umask(before)
    saved = {path: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    assert {mode for path, mode in saved.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in saved.items() if path.is_file()} == {0o600}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_no_text_or_name_of_a_column_is_a_formula_and_numbers_stay_numbers(delimiter):
    texts = ["=1+1", "prima;=1+1", " @a", "'=1", "a\n=1+1", "\t=1", "x;-1+2;+3", "-9"]
    table = pd.DataFrame({"=head": texts, "n": -1.5}, pd.Index(texts, name="+unit"))
    saved = write_table("t", table)
    assert live_cells(saved.contents, delimiter) == []
    assert live_cells(table.to_csv().encode(), delimiter) != []
    assert b",-1.5\n" in saved.contents
    pd.testing.assert_frame_equal(saved.table, table)
