"""Missing answers: Little's test as in R, what goes with scores, and what filling in changes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import examples

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.measurement.missing import (
    ANY,
    even_scores,
    expected_scores,
    little_test,
    missing_by_level,
    normal_moments,
)

REFERENCE = Path(__file__).parent / "reference"
ITEMS = pd.DataFrame(
    {"phase": "AG", "low": 0, "high": 4, "reversed": False}, index=["AG1", "AG2", "AG3", "AG4"]
)


def drawn(seed=1, n=600):
    """Answers of respondents, three in a unit, to items of which the last is the most difficult."""
    rng = np.random.default_rng(seed)
    level = rng.normal(2.2, 0.6, n // 3).repeat(3) + rng.normal(0, 0.6, n)
    noise = rng.normal(0, 0.6, (n, 4))
    answers = np.clip(np.rint(level[:, None] + [0.6, 0.2, -0.2, -0.9] + noise), 0, 4)
    return pd.DataFrame(answers, columns=ITEMS.index), pd.Series(np.arange(n) // 3), level


def left_out(answers, chance, seed=2):
    return answers.mask(np.random.default_rng(seed).random(answers.shape) < chance)


@pytest.fixture(scope="module")
def air():
    return pd.read_csv(REFERENCE / "airquality.csv").astype(float)


def test_little_s_test_is_that_of_r_and_of_naniar(air):
    ends = {"phase": "x", "low": air.min(), "high": air.max(), "reversed": False}
    told = little_test(air, pd.DataFrame(ends, index=air.columns)).loc["x"]
    known = pd.read_csv(REFERENCE / "missing.csv").set_index("what")["value"]
    assert (told["df"], told["n_patterns"]) == (known["df"], known["patterns"]) == (14, 4)
    # R climbs the likelihood itself, naniar 1.1.0 stops EM at 1e-4: hence 1e-6 and 2e-6.
    assert told["statistic"] == pytest.approx(known["statistic"], rel=1e-6)
    assert told["statistic"] == pytest.approx(35.1061288689702, rel=2e-6)
    assert told["p"] == pytest.approx(0.00141778113856683, rel=2e-5)


def test_expected_values_are_those_of_r(air):
    known = pd.read_csv(REFERENCE / "missing.csv").set_index("what")["value"][air.columns]
    moments = normal_moments(air.to_numpy())
    np.testing.assert_allclose(moments.expected.mean(axis=0), known, rtol=1e-6)
    np.testing.assert_allclose(moments.mean, known, rtol=1e-6)


def test_answers_left_out_by_lot_are_seldom_called_otherwise():
    answers, units, _ = drawn()
    reasons = pd.DataFrame("blank", index=answers.index, columns=answers.columns)
    found = []
    for seed in range(100):
        some = left_out(answers, 0.05, seed)
        by_reason = missing_by_level(some, ITEMS, reasons, units)
        found.append([little_test(some, ITEMS)["p"].item(), by_reason.loc["blank", "p"]])
    assert (np.array(found) < 0.05).mean(axis=0).max() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)


def test_colleagues_who_leave_out_the_same_items_are_not_taken_for_respondents_apart():
    found = []
    for seed in range(40):
        answers, units, _ = drawn(seed)
        asked = np.random.default_rng(seed).random((200, 4)) >= 0.15
        p = [
            little_test(answers.where(asked[units]), ITEMS, of)["p"].item() for of in (None, units)
        ]
        found.append(np.array(p) < 0.05)
    apart, together = np.mean(found, axis=0)
    assert apart > 0.2
    assert together <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 40)


def test_a_reason_that_goes_with_low_scores_is_told_from_one_that_does_not():
    answers, units, level = drawn()
    low = pd.DataFrame({"AG4": (level < 1.8) * 0.4, "AG3": (level < 1.8) * 0.2})
    some = left_out(answers, low.reindex(columns=answers.columns, fill_value=0).to_numpy())
    reasons = pd.DataFrame("", index=answers.index, columns=answers.columns)
    reasons = reasons.mask(some.isna(), "not_applicable")
    blank = left_out(some, 0.03, seed=3)
    reasons = reasons.mask(blank.isna() & some.notna(), "blank")
    table = missing_by_level(blank, ITEMS, reasons, units)
    assert table.index[0] == ANY
    assert table.loc[ANY, "share"] == pytest.approx(blank.isna().to_numpy().mean())
    assert table["share"].iloc[1:].sum() == pytest.approx(table.loc[ANY, "share"])
    assert table.loc["not_applicable", "p"] < 0.001
    assert table.loc["not_applicable", "low"] > 5 * table.loc["not_applicable", "high"]
    assert table.loc["blank", "p"] > 0.05
    assert little_test(blank, ITEMS)["p"].item() < 0.001


def test_expected_scores_come_nearer_the_full_ones_than_person_means():
    answers, _, _ = drawn()
    some = left_out(answers, [0, 0, 0.1, 0.4])  # who leaves out the difficult item looks high
    full = respondent_scores(answers, ITEMS)
    person_mean = (respondent_scores(some, ITEMS) - full)["AG"]
    expected = (expected_scores(some, ITEMS) - full)["AG"]
    assert person_mean.mean() > 2
    assert abs(expected.mean()) < 0.5
    assert expected.abs().mean() < 0.7 * person_mean.abs().mean()


def test_even_scores_do_not_rise_where_difficult_items_are_left_out():
    answers, _, _ = drawn()
    some = left_out(answers, [0, 0, 0.1, 0.4])
    full = respondent_scores(answers, ITEMS)
    even = (even_scores(some, ITEMS) - full)["AG"]
    assert abs(even.mean()) < 0.5
    assert even[some.notna().all(axis=1)].abs().max() < 1e-9
    few = answers.assign(AG2=np.nan, AG3=np.nan, AG4=np.nan)
    assert even_scores(few, ITEMS)["AG"].isna().all()
    assert even_scores(some.assign(AG4=np.nan), ITEMS)["AG"].notna().all()


@given(st.integers(0, 10**6), st.integers(2, 900), st.floats(0, 0.6))
@examples(100)
def test_who_answered_all_keeps_the_score_and_missing_answers_by_lot_shift_none(seed, n, chance):
    """Only differences of items are known: a level of them all would shift a whole wave."""
    answers = left_out(drawn(seed, 3 * (n // 3 + 1))[0], chance, seed)
    even, plain = even_scores(answers, ITEMS)["AG"], respondent_scores(answers, ITEMS)["AG"]
    whole = answers.notna().all(axis=1)
    assert (even - plain)[whole].abs().max(skipna=True) < 1e-6 or not whole.any()
    shift = (even - plain).dropna()
    assert abs(shift.mean()) <= 1 + 4 * shift.std() / max(len(shift), 1) ** 0.5 or len(shift) < 9


def test_even_scores_are_exact_where_respondents_and_items_add_up():
    level, easy = np.array([10.0, 40, 60, 70]), np.array([20.0, 5, -5, -20])
    whole = pd.DataFrame((level[:, None] + easy) / 25, columns=ITEMS.index)
    some = whole.mask(np.array([[0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]) == 1)
    assert even_scores(some, ITEMS)["AG"].tolist() == pytest.approx(level)


def test_without_missing_answers_nothing_moves_and_nothing_is_tested():
    answers, units, _ = drawn()
    pd.testing.assert_frame_equal(
        expected_scores(answers, ITEMS), respondent_scores(answers, ITEMS), check_names=False
    )
    pd.testing.assert_frame_equal(even_scores(answers, ITEMS), respondent_scores(answers, ITEMS))
    assert little_test(answers, ITEMS)["p"].isna().all()
    assert missing_by_level(answers, ITEMS, answers.astype(str), units).empty


def test_items_that_repeat_each_other_never_vary_or_have_no_answers_end_in_no_test():
    answers, units, _ = drawn()
    for other in (answers["AG1"], 2.0, np.nan):
        some = left_out(answers.assign(AG2=answers["AG1"], AG4=other), [0, 0.1, 0.1, 0])
        assert little_test(some, ITEMS)["p"].isna().all()
        scores = expected_scores(some, ITEMS)["AG"]
        assert scores.between(0, 100).all()
    nobody = answers * np.nan
    assert expected_scores(nobody, ITEMS)["AG"].isna().all()
    assert little_test(nobody, ITEMS)["n"].item() == 0
    reasons = pd.DataFrame("blank", index=answers.index, columns=answers.columns)
    told = missing_by_level(nobody, ITEMS, reasons, units)
    assert told.loc[[ANY, "blank"], ["share", "n"]].to_numpy().tolist() == [[1, 0], [1, 0]]
