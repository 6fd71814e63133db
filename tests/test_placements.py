import numpy as np
import pandas as pd
import pytest
from reference_data import HERE, stored

from cycle_analysis.cycle.placements import (
    compare_placements,
    compare_positions,
    count_domains,
    domain_phases,
    domain_range,
    kappa,
    stated_placements,
)

DEVELOPMENTS = pd.Series({"AG": "1", "EX": "2", "VB": "3", "VA": "3", "NN": "3"})
QUADRATIC = 1 - (np.subtract.outer(range(5), range(5)) / 4) ** 2


def test_kappa_of_a_published_table_and_its_limits():
    found = kappa(np.array([[20, 5], [10, 15]]))
    assert found["kappa"] == pytest.approx(0.4)
    assert found["low"] < 0.4 < found["high"]
    assert kappa(np.diag([10, 20]))["kappa"] == 1
    assert kappa(np.array([[9, 0], [0, 0]]))["reason"].startswith("everyone")


def test_self_placement_that_is_unrelated_to_measurement_has_kappa_near_zero():
    draw = np.random.default_rng(9)
    stated, measured = (pd.DataFrame({"1": draw.integers(0, 2, 4000) * 1.0}) for _ in range(2))
    row = compare_placements(stated, measured).loc["1"]
    assert row["low"] < 0 < row["high"]
    assert row["agreement"] == pytest.approx(0.5, abs=0.03)


def test_a_placement_that_is_not_measured_is_named():
    with pytest.raises(ValueError, match=r"Nothing is measured for \['4'\]"):
        compare_placements(pd.DataFrame({"4": [1.0]}), pd.DataFrame({"1": [1.0]}))


@pytest.mark.parametrize(("name", "weights"), [("plain", None), ("quadratic", QUADRATIC)])
def test_kappa_and_its_interval_equal_r_vcd(name, weights):
    made, r = pd.read_csv(HERE / "made_order.csv"), stored("associations")
    found = kappa(
        pd.crosstab(made["AG"], made["VB"]).reindex(columns=range(5), fill_value=0).to_numpy(float),
        weights=weights,
    )
    assert found["kappa"] == pytest.approx(r[f"kappa.{name}"], abs=1e-9)
    assert found["low"] == pytest.approx(r[f"kappa.{name}.low"], abs=1e-9)
    assert found["high"] == pytest.approx(r[f"kappa.{name}.high"], abs=1e-9)


def test_half_of_the_respondents_place_a_unit_and_no_answer_is_no_refusal():
    answers = pd.DataFrame({"B1": ["1", "0", "", None, "0"]})
    units = pd.Series(["A", "A", "B", "B", "C"])
    found = stated_placements(answers, {"1": "B1", "2": "not asked"}, units)
    assert found.columns.tolist() == ["1"]
    assert found["1"].fillna(-1).to_dict() == {"A": 1.0, "B": -1.0, "C": 0.0}


def test_a_domain_is_in_the_phase_of_its_median_respondent_and_of_the_lower_of_two():
    answers = pd.DataFrame({"B2": ["1", "5", "4", "2", "5", ""]})
    units = pd.Series(["A", "A", "A", "B", "B", "C"])
    found = domain_phases(answers, ["B2", "not asked"], units)
    assert found["B2"].fillna(-1).to_dict() == {"A": 4.0, "B": 2.0, "C": -1.0}


def test_units_of_a_domain_add_up_to_those_that_answered():
    draw = np.random.default_rng(3)
    domains = pd.DataFrame(draw.integers(0, 6, (80, 6)) * 1.0).mask(draw.random((80, 6)) < 0.2)
    table = count_domains(domains, list(DEVELOPMENTS.index))
    assert table.drop(columns="n").sum(axis=1).tolist() == table["n"].tolist()
    assert table["n"].tolist() == domains.notna().sum().tolist()


def test_domains_without_any_answer_have_no_range():
    row = domain_range(pd.DataFrame(np.nan, index=["A"], columns=["B2_1", "B2_2"])).loc["A"]
    assert row.isna().all()


def test_one_step_apart_costs_less_than_three():
    highest = pd.Series([0, 1, 2, 3] * 5, dtype=float)
    measured = pd.Series([None, "1", "2", "3"] * 5)
    near = measured.where(measured.index != 3, "2")
    far = measured.where(measured.index != 3, None)
    values = [
        compare_positions(highest, furthest, DEVELOPMENTS)["kappa"].item()
        for furthest in (measured, near, far)
    ]
    assert values[0] == pytest.approx(1)
    assert values[0] > values[1] > values[2]


def test_who_is_further_is_counted_on_both_sides():
    highest, furthest = pd.Series([5.0, 1.0, 0.0, 2.0]), pd.Series(["2", "3", None, "2"])
    table = compare_positions(highest, furthest, DEVELOPMENTS)
    row = table.loc["highest", ["agreement", "stated_further", "measured_further"]]
    assert row.tolist() == [0.5, 0.25, 0.25]


def test_a_study_that_does_not_ask_for_placements_gets_empty_tables():
    units = pd.Index(["A", "B"], name="unit")
    nothing = pd.DataFrame(index=units)
    answers, given = pd.DataFrame({"AG1": [1.0, 2.0]}), pd.Series(["A", "B"])
    assert compare_placements(nothing, pd.DataFrame({"1": [1.0, 0.0]}, index=units)).empty
    domains = domain_phases(answers, [], given)
    assert count_domains(domains, ["AG"]).empty
    highest = domain_range(domains)["highest"]
    table = compare_positions(highest, pd.Series("1", index=units), DEVELOPMENTS)
    assert set(table["reason"]) == {"no unit with both"}
