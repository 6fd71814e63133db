import numpy as np
import pandas as pd
import pytest
from reference_data import shared, stored, survey_items

from cycle_analysis.measurement.item_analysis import item_statistics
from cycle_analysis.measurement.reliability import (
    alpha,
    alpha_interval,
    compare_factor_models,
    omega_total,
    ordinal_alpha,
    polychoric,
    scale_statistics,
    statistics_by_group,
)

BFI_REVERSED = ["A1", "C4", "C5", "E1", "E2", "O2", "O5"]


def bfi() -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"{scale}{i}" for scale in "ACENO" for i in range(1, 6)]
    items = pd.DataFrame(
        {"phase": [name[0] for name in names], "low": 1, "high": 6}, index=names
    ).assign(reversed=lambda table: table.index.isin(BFI_REVERSED))
    return shared("bfi.csv"), items


def parallel_items(n=400, k=5, correlation=0.4, seed=1) -> tuple[pd.DataFrame, pd.DataFrame]:
    draw = np.random.default_rng(seed)
    trait = draw.normal(0, np.sqrt(correlation), n)[:, None]
    values = trait + draw.normal(0, np.sqrt(1 - correlation), (n, k))
    items = survey_items(("AG",), k).assign(low=-9, high=9)
    return pd.DataFrame(values, columns=items.index), items


@pytest.mark.parametrize("statistic", ["alpha", "omega"])
def test_scale_statistics_equal_r_psych_on_bfi(statistic):
    found, r = scale_statistics(*bfi())[statistic], stored("reliability")
    for scale in "ACENO":
        assert found[scale] == pytest.approx(r[f"{statistic}.{scale}"], abs=1e-6)


@pytest.mark.parametrize("statistic", ["item_rest", "alpha_if_dropped"])
def test_item_statistics_equal_r_psych_on_bfi(statistic):
    found, r = item_statistics(*bfi())[statistic], stored("reliability")
    for item in found.index:
        assert found[item] == pytest.approx(r[f"{statistic}.{item}"], abs=1e-6)


def test_item_means_and_spreads_equal_r_psych_on_bfi():
    found, r = item_statistics(*bfi()), stored("reliability")
    for item in found.index:
        assert found["mean"][item] / 20 + 1 == pytest.approx(r[f"mean.{item}"], abs=1e-6)
        assert found["sd"][item] / 20 == pytest.approx(r[f"sd.{item}"], abs=1e-6)


def test_alpha_of_leadership_equals_r_psych():
    items = survey_items(("LE",), 11).assign(low=1, high=5)
    answers = shared("lq2002.csv")[[f"LEAD{i:02d}" for i in range(1, 12)]].set_axis(
        items.index, axis=1
    )
    found = scale_statistics(answers, items).loc["LE", "alpha"]
    assert found == pytest.approx(stored("reliability")["alpha.LEAD"], abs=1e-6)


def test_ordinal_alpha_equals_lavaan_on_complete_respondents():
    answers, items = bfi()
    r = stored("reliability")
    for scale in "ACENO":
        mine = items[items["phase"] == scale]
        found = ordinal_alpha(answers[mine.index].dropna(), mine)[scale]
        assert found == pytest.approx(r[f"ordinal_alpha_complete.{scale}"], abs=1e-6)


def test_factor_models_equal_lavaan():
    answers, items = bfi()
    found = compare_factor_models(answers[items.index].dropna(), items)
    r = stored("reliability")
    for model, name in (("one factor", "one"), ("a factor for each phase", "five")):
        for mine, theirs in {"chi2": "chisq", "df": "df", "cfi": "cfi", "rmsea": "rmsea",
                             "srmr": "srmr", "n_parameters": "npar"}.items():  # fmt: skip
            value = r[f"cfa.{name}.{theirs}"]
            assert found.loc[model, mine] == pytest.approx(value, rel=1e-6)


def test_a_phase_without_usable_items_is_no_factor():
    answers, items = parallel_items(k=9)
    items = items.assign(phase=["AG"] * 3 + ["EX"] * 3 + ["VB"] * 3)
    silent = answers.assign(**dict.fromkeys(items.index[:3], 0.0))
    found = compare_factor_models(silent, items)
    without = compare_factor_models(answers[items.index[3:]], items.iloc[3:])
    pd.testing.assert_frame_equal(found, without)
    assert found.loc["a factor for each phase", "n_parameters"] == 6 + 6 + 1


def test_polychoric_correlation_recovers_the_correlation_under_coarse_answers():
    draw = np.random.default_rng(8)
    normal = draw.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 20000)
    coarse = pd.DataFrame(np.digitize(normal, [-0.5, 1.0]).astype(float), columns=["a", "b"])
    assert polychoric(coarse).loc["a", "b"] == pytest.approx(0.6, abs=0.02)
    assert coarse.corr().loc["a", "b"] < 0.55


def test_alpha_and_omega_recover_the_reliability_of_parallel_items():
    answers, items = parallel_items(n=20000)
    found = scale_statistics(answers, items).loc["AG"]
    truth = 5 * 0.4 / (1 + 4 * 0.4)
    assert found["alpha"] == pytest.approx(truth, abs=0.01)
    assert found["omega"] == pytest.approx(truth, abs=0.01)


def test_alpha_of_duplicated_items_is_one_and_of_unrelated_items_near_zero():
    assert alpha(np.ones((4, 4))) == 1
    assert omega_total(np.eye(4)) == pytest.approx(0, abs=0.02)
    assert abs(alpha(parallel_items(20000, correlation=0.0)[0].cov().to_numpy())) < 0.05


def test_respondents_who_resemble_each_other_widen_the_interval_of_alpha():
    answers, _ = parallel_items(n=100)
    five = pd.concat([answers] * 5, ignore_index=True)
    units = pd.Series(np.tile(np.arange(100), 5))
    alone, clustered = alpha_interval(answers), alpha_interval(five, units)
    ignored = alpha_interval(five)
    assert np.diff(clustered)[0] == pytest.approx(np.diff(alone)[0], rel=0.02)
    assert np.diff(ignored)[0] < 0.5 * np.diff(clustered)[0]


def test_an_item_entered_already_reversed_is_warned_of():
    answers, items = parallel_items()
    warning = item_statistics(answers.assign(AG2=-answers["AG2"]), items)["warning"]
    assert warning.index[warning.str.contains("negative")].tolist() == ["AG2"]


def test_an_item_without_variance_is_left_out_of_reliability_with_a_warning():
    answers, items = parallel_items()
    constant = answers.assign(AG5=0.0)
    table = scale_statistics(constant, items)
    assert table.loc["AG", "n_items"] == 4
    assert table.loc["AG", "alpha"] == alpha(constant.drop(columns="AG5").cov().to_numpy())
    assert item_statistics(constant, items).loc["AG5", "warning"] == "no variance"


def test_a_phase_of_one_item_has_no_reliability_and_says_so():
    answers, items = parallel_items(k=1)
    row = scale_statistics(answers, items).loc["AG"]
    assert row[["alpha", "alpha_low", "omega"]].isna().all()
    assert row["warning"] == "fewer than 3 items with variance"


def test_a_phase_that_everyone_left_open_says_so():
    answers, items = parallel_items()
    assert scale_statistics(answers * np.nan, items).loc["AG", "warning"] == "no answers at all"


@pytest.mark.parametrize("value", [-9.0, 9.0])
def test_identical_answers_give_warnings_and_no_exception(value):
    answers, items = parallel_items()
    warning = item_statistics(answers * 0 + value, items)["warning"]
    assert warning.str.startswith("no variance").all()


def test_dont_know_is_counted_apart_from_other_missing_answers():
    items = survey_items(("AG",), 3)
    answers = pd.DataFrame([[1, 2, None], [None, 2, None]], columns=items.index)
    reasons = pd.DataFrame(
        [["", "", "dont_know"], ["not_applicable", "", "dont_know"]], columns=items.index
    )
    table = item_statistics(answers, items, reasons)
    assert table["missing"].tolist() == [0.5, 0.0, 1.0]
    assert table["dont_know"].tolist() == [0.0, 0.0, 1.0]


def test_a_role_with_nobody_is_listed_with_a_warning():
    answers, items = parallel_items()
    roles = pd.Series(["STR"] * len(answers))
    table = statistics_by_group(answers, items, roles, ["STR", "BES"])
    assert table.loc[("BES", "AG"), "n_respondents"] == 0
    assert table.loc[("BES", "AG"), "warning"] == "no answers at all"


def test_five_related_phases_need_five_factors_and_one_trait_needs_one():
    draw = np.random.default_rng(2)
    items = survey_items(("AG", "EX", "VB"), 4).assign(low=-9, high=9)
    common = draw.normal(size=(500, 1))
    own = draw.normal(0, 0.8, size=(500, 3)).repeat(4, axis=1)
    noise = draw.normal(size=(500, 12))
    several = pd.DataFrame(common + own + noise, columns=items.index)
    single = pd.DataFrame(common + noise, columns=items.index)
    assert compare_factor_models(several, items)["bic"].idxmin() == "a factor for each phase"
    assert compare_factor_models(single, items)["bic"].idxmin() == "one factor"


def test_factor_models_say_why_they_cannot_be_fitted():
    answers, items = parallel_items(n=4)
    table = compare_factor_models(answers, items)
    assert table["chi2"].isna().all()
    assert table["reason"].str.contains("too few").all()
