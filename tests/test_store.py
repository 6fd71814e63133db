"""Tables come back as they were saved, with the same bytes each time."""

import numpy as np
import pandas as pd
import pytest

from cycle_analysis.problems import InputError
from cycle_analysis.store import Store

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
    store = Store(tmp_path)
    store.save("02_scores", "2018", table=table)
    pd.testing.assert_frame_equal(store.load("02_scores", "table", "2018"), table)


def test_numbers_are_rounded_without_minus_zero(tmp_path):
    store = Store(tmp_path)
    store.save("s", "w", t=pd.DataFrame({"x": [-1e-9, 1 / 3, 2.0]}, index=CODES))
    text = (store.step_folder("s", "w") / "t.csv").read_text("utf-8")
    assert text == "unit,x\n0059,0.0\nNA,0.333333\nGM0363,2.0\n"


def test_an_unknown_yes_or_no_stays_unknown(tmp_path):
    known = pd.array([True, None, False], dtype="boolean")
    table = pd.DataFrame({"placed": known}, index=CODES)
    store = Store(tmp_path)
    store.save("05_profiles", "2018", table=table)
    pd.testing.assert_frame_equal(store.load("05_profiles", "table", "2018"), table)


def test_an_index_of_two_levels_comes_back(tmp_path):
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["method", "k"])
    store = Store(tmp_path)
    store.save("s", "w", t=pd.DataFrame({"x": [1.0, 2.0]}, index=index))
    pd.testing.assert_index_equal(store.load("s", "t", "w").index, index)


def test_a_table_without_a_named_or_unique_index_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no name"):
        Store(tmp_path).save("s", "w", t=pd.DataFrame({"x": [1]}))
    double = pd.Index(["a", "a"], name="unit")
    with pytest.raises(ValueError, match="double entries"):
        Store(tmp_path).save("s", "w", t=pd.DataFrame({"x": [1, 2]}, index=double))


def test_a_step_that_has_not_run_is_named(tmp_path):
    with pytest.raises(InputError, match="Run notebook 02_scores for wave 2018 first"):
        Store(tmp_path).load("02_scores", "scores", "2018")
