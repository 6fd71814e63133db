from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cycle_analysis.representation import (
    compare_margins,
    design_effect,
    effective_n,
    nonresponse_tests,
    precision,
    rake,
    response_account,
    response_by_wave,
    shares,
    trim_weights,
    weigh,
)
from cycle_analysis.units import collapse_background, load_register

REFERENCE = Path(__file__).parent / "reference"
ON = ["size", "region"]


def read(name):
    return pd.read_csv(REFERENCE / f"{name}.csv", dtype={"profile": str})


@pytest.fixture(scope="module")
def population():
    return read("survey_population").set_index("unit")


@pytest.fixture(scope="module")
def sample():
    return read("survey_sample").set_index("unit")


@pytest.fixture(scope="module")
def raked(population, sample):
    return rake(population, ON, sample.index)


@pytest.fixture(scope="module")
def by_r():
    return read("survey_weights").set_index("unit")


def test_raked_weights_equal_those_of_r_survey(raked, by_r):
    np.testing.assert_allclose(raked, by_r["raked"], rtol=1e-9)
    np.testing.assert_allclose(raked, by_r["calibrated"], rtol=1e-9)


def test_trimmed_weights_equal_those_of_r_survey(raked, by_r):
    np.testing.assert_allclose(trim_weights(raked, 0.7, 1.4), by_r["trimmed"], rtol=1e-9)


def test_design_effects_and_effective_n_equal_those_of_r(raked):
    expected = read("survey_design_effects").set_index("weights")
    for name, weights in {"raked": raked, "trimmed": trim_weights(raked, 0.7, 1.4)}.items():
        found = [design_effect(weights), effective_n(weights)]
        np.testing.assert_allclose(found, expected.loc[name], rtol=1e-9)


def test_the_margin_of_error_is_the_standard_error_of_r_survey_with_its_correction(sample):
    equal = read("survey_shares").query("design == 'equal'")
    account = pd.DataFrame({"responded": [len(sample)], "population": [342]})
    margin = precision(account).loc["precision", "margin"]
    for share, se in zip(equal["share"], equal["se"], strict=True):
        of_one_half = 1.959963984540054 * se * np.sqrt(0.25 / (share * (1 - share)))
        assert margin == pytest.approx(of_one_half, rel=1e-9)


@pytest.mark.parametrize(
    ("design", "columns"),
    [("equal", ""), ("given", "weighted_")],
)
def test_shares_errors_and_intervals_equal_those_of_r_survey(
    population, sample, raked, design, columns
):
    table = shares(sample["profile"], len(population), raked)
    expected = read("survey_shares").query("design == @design").set_index("profile")
    for name in ("share", "se", "low", "high"):
        np.testing.assert_allclose(table[columns + name], expected[name], rtol=1e-6, err_msg=name)


def test_the_response_test_equals_that_of_r(population, sample):
    account = response_account(population, sample.index, ["size"])
    expected = read("survey_response_test").iloc[0]
    found = nonresponse_tests(account).loc["size"].drop(["reason", "p_holm"]).astype(float)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_raked_weights_meet_every_margin_and_add_up_to_the_population(population, sample, raked):
    for name in ON:
        margin = population[name].value_counts().sort_index().astype(float)
        reached = raked.groupby(sample[name]).sum()
        pd.testing.assert_series_equal(reached, margin, check_names=False)
    assert raked.sum() == pytest.approx(342)


def test_raking_does_not_depend_on_the_order_of_units_or_margins(population, sample, raked):
    again = rake(population.iloc[::-1], ON[::-1], sample.index[::-1])
    np.testing.assert_allclose(again.loc[raked.index], raked, rtol=1e-8)


def test_an_empty_category_asks_to_be_collapsed(population, sample):
    without = sample[sample["region"] != "Zuid"]
    with pytest.raises(ValueError, match=r"region has no responding unit in \['Zuid'\]"):
        rake(population, ON, without.index)


def test_a_unit_without_category_is_refused(population, sample):
    stray = population.assign(size=population["size"].mask(population.index == "GM0014"))
    with pytest.raises(ValueError, match=r"1 units have no size: \['GM0014'\]"):
        rake(stray, ON, sample.index)


def test_margins_that_contradict_each_other_do_not_converge():
    population = pd.DataFrame({"a": [0, 1, 1, 1], "b": [0, 1, 0, 0]})
    with pytest.raises(ValueError, match="collapse categories"):
        rake(population, ["a", "b"], pd.Index([0, 1]))


def test_trimming_keeps_the_sum_and_the_limits():
    weights = pd.Series(np.r_[np.full(50, 0.1), np.full(40, 1.0), np.full(10, 9.0)])
    trimmed = trim_weights(weights)
    assert trimmed.sum() == pytest.approx(weights.sum())
    assert trimmed.max() <= 3 * weights.mean() * (1 + 1e-9)
    assert trimmed.min() >= 0.3 * weights.mean() * (1 - 1e-9)
    assert design_effect(trimmed) < design_effect(weights)
    with pytest.raises(ValueError, match="must enclose 1"):
        trim_weights(weights, upper=0.9)


def test_weights_that_are_all_extreme_are_trimmed_as_others():
    weights = pd.Series([0.2] * 80 + [4.2] * 20)
    assert trim_weights(weights).unique().tolist() == pytest.approx([0.5, 3.0])
    assert trim_weights(pd.Series([1.0, 9.0]), 0.9, 1.1).tolist() == pytest.approx([4.5, 5.5])
    rng = np.random.default_rng(1)
    for n in (2, 3, 10, 200):
        wild = pd.Series(np.exp(rng.normal(0, 4, n)))
        trimmed = trim_weights(wild)
        assert trimmed.mean() == pytest.approx(wild.mean())
        assert trimmed.between(0.2999 * wild.mean(), 3.0001 * wild.mean()).all()


def test_of_margins_that_contradict_each_other_the_last_gives_way():
    population = pd.DataFrame({"size": list("slll"), "region": list("nznn")})
    weights = weigh(population, ["size", "region"], pd.Index([0, 1]))
    assert weights.tolist() == pytest.approx(weigh(population, ["size"], weights.index).tolist())
    assert weights.tolist() == pytest.approx([1.0, 3.0])


def test_the_comparison_shows_what_raking_mended_and_trimming_undid(population, raked):
    table = compare_margins(population, ON, raked)
    np.testing.assert_allclose(table["weighted"], table["population"], rtol=1e-8)
    assert (table["unweighted"] - table["population"]).abs().max() > 0.05
    trimmed = compare_margins(population, ON, trim_weights(raked, 0.7, 1.4))
    assert 0.001 < (trimmed["weighted"] - trimmed["population"]).abs().max() < 0.05


def test_equal_weights_have_no_design_effect():
    weights = pd.Series(np.full(80, 4.2))
    assert design_effect(weights) == pytest.approx(1)
    assert effective_n(weights) == pytest.approx(80)


def test_the_margin_of_error_for_342_municipalities_is_as_published():
    counts = [100, 150, 342, 1]
    accounts = [pd.DataFrame({"responded": [n], "population": [342]}) for n in counts]
    margins = [100 * precision(account).loc["precision", "margin"] for account in accounts]
    np.testing.assert_allclose(margins, [8.3, 6.0, 0, np.nan], atol=0.05)


def test_the_interval_covers_the_truth_in_about_95_of_100_finite_samples():
    rng = np.random.default_rng(95)
    truth = pd.Series(np.repeat(["a", "b"], [120, 222]))
    covered = 0
    for _ in range(400):
        drawn = truth.iloc[rng.choice(342, 150, replace=False)]
        row = shares(drawn, 342).loc["a"]
        covered += row["low"] <= 120 / 342 <= row["high"]
    assert 0.92 <= covered / 400 <= 0.985


def test_a_label_that_all_units_have_keeps_an_honest_interval():
    row = shares(pd.Series(["a"] * 50), 342).loc["a"]
    assert (row["share"], row["high"]) == (1, 1)
    assert 0.9 < row["low"] < 0.97


def test_a_census_has_no_sampling_error():
    table = shares(pd.Series(["a", "b", "a", "a"]), 4)
    np.testing.assert_allclose(table[["low", "high"]].to_numpy(), [[0.75] * 2, [0.25] * 2])


def test_shares_refuse_missing_labels_and_too_many_units():
    with pytest.raises(ValueError, match="1 of them without label"):
        shares(pd.Series(["a", None]), 10)
    with pytest.raises(ValueError, match="3 units"):
        shares(pd.Series(["a", "b", "b"]), 2)


def test_the_account_adds_up_to_the_population(population, sample):
    account = response_account(population, sample.index, ON)
    assert account[["population", "invited", "responded"]].sum().tolist() == [342, 342, 172]
    assert account["share_population"].sum() == pytest.approx(1)
    assert account.index.names == ON


def test_the_account_counts_invited_units_when_not_all_were(population):
    account = response_account(population, ["GM0014"], ["region"], ["GM0014", "GM0034"])
    assert account["rate"].dropna().to_dict() == {"Noord": 1.0, "Oost": 0.0}


def test_units_outside_the_population_or_not_invited_are_refused(population):
    with pytest.raises(ValueError, match=r"responded: 1 units .* \['GM0457'\]"):
        response_account(population, ["GM0457"], ["size"])
    with pytest.raises(ValueError, match="invited: 1 units"):
        response_account(population, [], ["size"], ["XX"])
    with pytest.raises(ValueError, match="responded: 1 units are not among the 1"):
        response_account(population, ["GM0014"], ["size"], ["GM0034"])


def test_a_unit_without_group_is_refused_not_dropped(population):
    gaps = population.assign(size=population["size"].mask(population.index == "GM0014"))
    with pytest.raises(ValueError, match=r"1 units have no size: \['GM0014'\]"):
        response_account(gaps, [], ["size"])


def test_only_dutch_municipalities_have_these_margins():
    there = load_register().on("2026-01-01")
    with pytest.raises(ValueError, match="342 units have no size class"):
        collapse_background(there.assign(province="Brussel"))


def test_response_that_cannot_differ_is_not_tested(population):
    account = response_account(population, population.index, ["size"])
    told = nonresponse_tests(account).loc["size"]
    assert told["reason"] == "one group, or all or none responded"
    assert np.isnan(told["chi_square"])


def test_every_municipality_has_a_size_group_and_a_region_in_every_year():
    for year in range(2017, 2027):
        collapsed = collapse_background(load_register().on(f"{year}-01-01"))
        assert collapsed[ON].notna().all().all()
        assert collapsed.groupby(ON, observed=False).size().min() > 0


def test_waves_that_add_up_tell_who_stayed_joined_and_left(population):
    codes = population.index
    table = response_by_wave({"a": codes[:50], "b": codes[30:90], "c": []}, population)
    assert table.loc["a"].isna().sum() == 3
    assert table.loc["b", ["again", "joined", "left"]].tolist() == [20, 40, 30]
    assert table.loc["c", ["responded", "left"]].tolist() == [0, 60]
    with pytest.raises(ValueError, match="Harmonise all waves"):
        response_by_wave({"a": ["GM0457"]}, population)
