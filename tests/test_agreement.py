import numpy as np
import pandas as pd
import pytest
from reference_data import HERE, shared, stored, survey_items

from cycle_analysis.measurement.agreement import (
    agreement_summary,
    intraclass,
    random_group_benchmark,
    unit_agreement,
)

MADE_ITEMS = survey_items(("AG",), 3)


def made() -> tuple[pd.DataFrame, pd.Series]:
    table = pd.read_csv(HERE / "made_answers.csv", index_col="respondent")
    return table[MADE_ITEMS.index].astype(float), table["unit"]


def leadership() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    items = survey_items(("LE",), 11).assign(low=1, high=5)
    table = shared("lq2002.csv")
    names = [f"LEAD{i:02d}" for i in range(1, 12)]
    return table[names].set_axis(items.index, axis=1), items, table["COMPID"]


def nested(icc1=0.3, n=300, size=4, seed=4) -> tuple[pd.DataFrame, pd.Series]:
    draw = np.random.default_rng(seed)
    level = draw.normal(0, np.sqrt(icc1), n).repeat(size)
    index = pd.RangeIndex(n * size)
    scores = pd.DataFrame({"AG": level + draw.normal(0, np.sqrt(1 - icc1), n * size)}, index)
    return scores, pd.Series(np.arange(n).repeat(size), index)


def test_agreement_of_each_unit_equals_r_multilevel_on_made_answers():
    answers, units = made()
    table = unit_agreement(answers, MADE_ITEMS, units).xs("AG", level="phase")
    r = stored("agreement")
    for unit in table.index[1:]:
        assert table.loc[unit, "rwg"] == pytest.approx(r[f"rwg.{unit}"], abs=1e-9)
        assert table.loc[unit, "average_deviation"] == pytest.approx(r[f"ad.{unit}"], abs=1e-9)
    assert np.isnan(r["rwg.GM0000"])
    assert np.isnan(table.loc["GM0000", "rwg"])
    assert table.loc["GM0000", "reason"] == "one respondent: no agreement"


def test_icc_equals_r_multilevel_on_made_answers():
    answers, units = made()
    row = intraclass(answers.mean(axis=1).to_frame("AG"), units).loc["AG"]
    assert row["icc1_mean_size"] == pytest.approx(stored("agreement")["icc1"], abs=1e-9)
    assert row["icc2"] == pytest.approx(stored("agreement")["icc2"], abs=1e-9)


def test_agreement_and_icc_of_leadership_equal_r_multilevel():
    answers, items, units = leadership()
    r = stored("reliability")
    table = unit_agreement(answers, items, units)
    assert table["rwg"].mean() == pytest.approx(r["rwgj.mean"], abs=1e-6)
    assert table["average_deviation"].mean() == pytest.approx(r["ad.mean"], abs=1e-6)
    row = intraclass(answers.mean(axis=1).to_frame("LE"), units).loc["LE"]
    assert row["icc1_mean_size"] == pytest.approx(r["icc1.LEAD"], abs=1e-6)
    assert row["icc2"] == pytest.approx(r["icc2.LEAD"], abs=1e-6)


@pytest.mark.parametrize("truth", [0.1, 0.3, 0.6])
def test_a_known_icc_is_recovered_within_its_interval(truth):
    row = intraclass(*nested(truth)).loc["AG"]
    assert row["icc1_low"] < truth < row["icc1_high"]
    assert row["icc1"] == pytest.approx(truth, abs=0.06)


def test_unequal_groups_do_not_bias_icc():
    scores, units = nested(0.3, n=2000, size=8)
    draw = np.random.default_rng(1)
    kept = np.flatnonzero(draw.random(len(units)) < draw.uniform(0.1, 1, 2000).repeat(8))
    row = intraclass(scores.iloc[kept], units.iloc[kept]).loc["AG"]
    assert row["icc1"] == pytest.approx(0.3, abs=0.03)
    assert row["group_size"] < row["n_respondents"] / row["n_units"]


def test_respondents_of_equal_units_agree_no_more_than_random_groups():
    draw = np.random.default_rng(7)
    answers = pd.DataFrame(draw.choice([2.0, 3.0], size=(200, 3)), columns=MADE_ITEMS.index)
    units = pd.Series(np.arange(50).repeat(4))
    row = random_group_benchmark(answers, MADE_ITEMS, units, replicates=200).loc["AG"]
    assert row["rwg"] > 0.9
    assert row["p"] > 0.05
    assert abs(row["gain"]) < 0.01


def test_respondents_of_different_units_agree_more_than_random_groups():
    answers, units = made()
    row = random_group_benchmark(answers, MADE_ITEMS, units, replicates=200).loc["AG"]
    assert row["rwg"] > row["random_high"]
    assert row["p"] < 0.01
    assert row["n_units"] == 11


def test_benchmark_does_not_depend_on_row_order():
    answers, units = made()
    table = random_group_benchmark(answers, MADE_ITEMS, units, replicates=20)
    mixed = answers.sample(frac=1, random_state=2)
    again = random_group_benchmark(mixed, MADE_ITEMS, units, replicates=20)
    assert again.loc["AG", "rwg"] == pytest.approx(table.loc["AG", "rwg"], abs=1e-12)


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        (list("abcdef"), "one respondent per unit: respondent and unit cannot be told apart"),
        (list("aaaaaa"), "fewer than two units"),
    ],
)
def test_what_cannot_be_split_is_said(units, reason):
    scores = pd.DataFrame({"AG": [1.0, 2, 3, 4, 5, 6]})
    row = intraclass(scores, pd.Series(units)).loc["AG"]
    assert np.isnan(row["icc1"])
    assert row["reason"] == reason


@pytest.mark.parametrize("value", [0.0, 4.0])
def test_identical_answers_agree_fully_and_have_no_icc(value):
    answers, units = made()
    same = answers * 0 + value
    table = agreement_summary(same, MADE_ITEMS, same.mean(axis=1).to_frame("AG"), units)
    assert table.loc["AG", "rwg_mean"] == 1
    assert table.loc["AG", "reason"] == "no variance: everyone answers the same"


def test_a_phase_without_answers_and_a_huge_unit_do_not_stop_the_table():
    answers, units = made()
    items = pd.concat([MADE_ITEMS, survey_items(("EX",), 1)])
    wide = answers.assign(EX1=np.nan)
    scores = pd.DataFrame({"AG": answers.mean(axis=1), "EX": np.nan})
    crowd = units.where(units.index < 5, "GM0001")
    table = agreement_summary(wide, items, scores, crowd)
    assert table.loc["EX", "reason"] == "fewer than two units"
    assert np.isfinite(table.loc["AG", "icc1"])
