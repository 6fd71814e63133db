import numpy as np
import pandas as pd
import pytest
from reference_data import HERE, stored

from cycle_analysis.chance import holm
from cycle_analysis.cycle import (
    active_counts,
    activity,
    activity_patterns,
    activity_sensitivity,
    coactivity,
    development_scores,
    leading_phase,
    phase_correlations,
    phase_curve,
    positions,
    rank_correlations,
)
from cycle_analysis.cycle.order import errors_of_differences, order_violations, possible_extremes
from cycle_analysis.measurement import (
    aggregation_rules,
    mean_of_respondents,
    median_of_respondents,
    unit_scores,
)
from cycle_analysis.measurement.agreement import compare_aggregations, spread_by_level

PHASES = ["AG", "EX", "VB", "VA", "NN"]
DEVELOPMENTS = pd.Series({"AG": "1", "EX": "2", "VB": "3", "VA": "3", "NN": "3"})


def scores(n=200, seed=1, missing=0.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 21, (n, 5)) * 5.0
    values[draw.random((n, 5)) < missing] = np.nan
    return pd.DataFrame(values, columns=PHASES, index=[f"GM{i:04d}" for i in range(n)])


def test_the_interval_of_the_curve_is_that_of_the_mean_and_stays_on_the_scale():
    table = phase_curve(scores())
    reach = 1.972 * table["sd"] / np.sqrt(table["n"])
    np.testing.assert_allclose(table["high"] - table["mean"], reach, rtol=1e-3)
    np.testing.assert_allclose(table["mean"] - table["low"], reach, rtol=1e-3)
    assert phase_curve(scores()[:2])[["low", "high"]].isin([0, 100]).all(axis=None)


def test_a_population_smaller_than_the_units_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"population has 100 units, but 200"):
        phase_curve(scores(), 100, scores() * 0)


def test_missing_scores_are_counted_per_phase_and_do_not_bias_the_curve():
    table, known = scores(missing=0.3), scores(missing=0.3).notna().sum()
    curve = phase_curve(table)
    assert curve["n"].tolist() == known.tolist()
    assert (curve["mean"].between(curve["low"], curve["high"])).all()


def test_a_phase_leads_where_no_other_scores_as_high_in_any_order_of_the_phases():
    rows = [[50, 50, 0, 0, 0], [0] * 5, [np.nan] * 5, [np.nan, 10, np.nan, 5, np.nan]]
    rows += [[0.1 + 0.2, 0.3, 0, 0, 0]]  # the same mean, added up in another order
    table = pd.DataFrame(rows, columns=PHASES, dtype=float)
    for order in (PHASES, PHASES[::-1]):
        assert leading_phase(table[order]).fillna("-").tolist() == ["-", "-", "-", "EX", "-"]


def test_the_position_is_the_furthest_active_development():
    table = pd.DataFrame(
        [[80, 20, 0, 0, 0], [20, 60, 0, 0, 0], [80, 60, 60, 50, 40], [0] * 5],
        columns=PHASES,
        dtype=float,
    )
    found = positions(development_scores(table, DEVELOPMENTS))
    assert found.fillna("-").tolist() == ["1", "2", "3", "-"]


def test_a_phase_without_development_is_named():
    with pytest.raises(ValueError, match=r"without a development: \['NN'\]"):
        development_scores(scores(), DEVELOPMENTS.drop("NN"))


def test_activity_keeps_the_unknown_unknown():
    active = activity(scores(missing=0.2))
    pd.testing.assert_frame_equal(active.isna(), scores(missing=0.2).isna())


def test_a_higher_threshold_never_makes_more_active():
    table = activity_sensitivity(scores(missing=0.1), range(0, 105, 5))
    assert table["two_or_more"].is_monotonic_decreasing
    assert table["two_or_more"].iloc[0] == 1


def test_patterns_are_exclusive_and_exhaustive():
    active = activity(scores(missing=0.1))
    patterns = activity_patterns(active)
    complete = active.dropna()
    assert patterns["n"].sum() == len(complete)
    assert not patterns[PHASES].duplicated().any()
    for phase in PHASES:
        assert patterns.loc[patterns[phase], "n"].sum() == complete[phase].sum()


def test_expected_numbers_of_active_phases_add_up_and_keep_the_mean():
    table = active_counts(activity(scores()))
    assert table["expected"].sum() == pytest.approx(1)
    number = np.arange(6)
    assert number @ table["expected"] == pytest.approx(number @ table["share"])


def test_unrelated_phases_are_active_together_as_often_as_expected():
    table = coactivity(activity(scores(n=5000)))
    np.testing.assert_allclose(table["ratio"], 1, atol=0.06)
    assert table["p"].min() > 0.001


def test_a_phase_that_only_runs_with_another_stands_out():
    active = activity(scores(n=500)).assign(EX=lambda table: table["AG"])
    row = coactivity(active).loc[("AG", "EX")]
    assert row["phi"] == pytest.approx(1)
    assert row["p"] < 1e-6


def test_error_alone_gives_the_violations_expected_by_chance():
    draw = np.random.default_rng(5)
    table = pd.DataFrame(50 + draw.normal(0, 10, (4000, 2)), columns=["AG", "EX"])
    alone = pd.Series(table.index, index=table.index)
    errors = errors_of_differences(table, table, alone, pd.Series({"AG": 0.0, "EX": 0.0}))
    row = order_violations(table, errors).loc[("AG", "EX")]
    assert row["share"] == pytest.approx(row["by_chance"], abs=0.006)
    assert row["later_ahead"] == pytest.approx(0.5, abs=0.03)


def test_known_violations_are_counted_and_small_differences_forgiven():
    table = pd.DataFrame({"AG": [50.0, 50, 50, None], "EX": [80.0, 55, 20, 90]})
    errors = pd.DataFrame(
        10.0, table.index, pd.MultiIndex.from_tuples([("AG", "EX")], names=["earlier", "later"])
    )
    row = order_violations(table, errors).loc[("AG", "EX")]
    assert (row["n"], row["violations"]) == (3, 1)
    assert row["earlier_beyond"] == pytest.approx(1 / 3)


def test_without_any_error_known_nothing_is_a_violation_and_it_is_said():
    errors = pd.DataFrame(np.nan, scores().index, pd.MultiIndex.from_tuples([("AG", "EX")]))
    table = order_violations(scores()[["AG", "EX"]], errors)
    assert table["violations"].sum() == 0
    assert table["reason"].tolist() == ["no unit with both scores and an error"]


def test_a_phase_without_variance_correlates_with_nothing():
    assert phase_correlations(scores().assign(NN=0.0))["NN"].isna().all()


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_identical_units_run_through_everything(value):
    table = scores() * 0 + value
    active = activity(table)
    assert phase_curve(table)["low"].eq(value).all()
    assert leading_phase(table).isna().all()
    assert len(activity_patterns(active)) == 1
    assert coactivity(active)["phi"].isna().all()


def test_the_median_forgives_one_voice_and_the_comparison_tells_by_how_much():
    respondents = pd.DataFrame({"AG": [10.0, 10, 100, 40, 40, 40]})
    units = pd.Series(list("AAABBB"))
    rules = {"mean": mean_of_respondents, "median": median_of_respondents}
    row = compare_aggregations(respondents, units, rules).loc[("median", "AG")]
    assert (row["difference"], row["shift"]) == (15.0, -15.0)
    with pytest.raises(ValueError, match="two rules or more"):
        compare_aggregations(respondents, units, {"mean": mean_of_respondents})


@pytest.mark.parametrize("role", ["line", None])
def test_where_nobody_has_another_role_rules_by_role_are_the_mean_and_not_set_beside_it(role):
    scores = pd.DataFrame({"AG": [0.0, 0.0, 90.0, 60.0]}, index=list("abcd"))
    units = pd.Series(["A", "A", "A", "B"], index=scores.index)
    rules = aggregation_rules(pd.Series(role, index=scores.index, dtype="str"))
    for name in ("echelon", "adjusted"):  # a study may ask for one of which a wave has no roles
        assert unit_scores(scores, units, rules[name])["AG"].tolist() == [30.0, 60.0]
    compared = compare_aggregations(scores, units, rules)
    assert compared.index.unique("rule").tolist() == ["median"]


def test_the_phase_that_is_truly_highest_is_among_those_named_even_where_another_is_near():
    draw, named, alone = np.random.default_rng(6), [], []
    for _ in range(100):
        true = draw.normal([60.5, 60, 50, 40, 40], 12, (342, 5))
        units = pd.Series(np.arange(100).repeat(3))
        persons = pd.DataFrame(true[units] + draw.normal(0, 15, (300, 5)), columns=list("ABCDE"))
        found = possible_extremes(unit_scores(persons, units), persons, units, 342)
        named.append(found["may_be_highest"].iloc[true.mean(axis=0).argmax()])
        alone.append(found["may_be_highest"].sum() == 1)
        assert not (found["may_be_highest"] & found["may_be_lowest"]).any()
    assert np.mean(named) >= 0.93
    assert np.mean(alone) <= 0.2


def test_weighted_means_have_the_ends_of_the_population_they_are_weighted_to():
    draw, named, alone = np.random.default_rng(7), [], []
    for _ in range(100):
        small = np.arange(342) < 300  # of 42 large units all answer, of 300 small ones a fifth
        true = draw.normal(np.where(small[:, None], [65, 60, 40], [30, 70, 40]), 12)
        units = np.sort(np.append(draw.choice(300, 60, replace=False), np.arange(300, 342)))
        persons = pd.DataFrame(true[units].repeat(3, axis=0), columns=list("ABC"))
        persons += draw.normal(0, 15, persons.shape)
        of = pd.Series(units.repeat(3))
        weights = pd.Series(np.where(small[units], 5.0, 1.0), index=units)
        found = possible_extremes(unit_scores(persons, of), persons, of, 342, weights)
        named.append(found["may_be_highest"].iloc[true.mean(axis=0).argmax()])
        alone.append(found["may_be_highest"].sum() == 1)
        assert found["may_be_lowest"].tolist() == [False, False, True]
    assert np.mean(named) >= 0.93
    assert np.mean(alone) <= 0.2  # unweighted, B is alone


def test_divided_front_runners_are_seen_beyond_the_ends_of_the_scale():
    draw = np.random.default_rng(3)
    level = np.repeat(np.linspace(20, 80, 200), 5)
    noise = draw.normal(0, 1, 1000) * np.where(level > 65, 12, 4)
    respondents = pd.DataFrame({"AG": (level + noise).clip(0, 100)})
    table = spread_by_level(respondents, pd.Series(np.repeat(range(200), 5)))
    assert table["n"].sum() == 200
    assert table["spread"].idxmax() == table["spread_share"].idxmax() == 4


def test_units_further_on_that_have_more_respondents_are_not_taken_for_more_divided():
    draw, size = np.random.default_rng(4), np.repeat([2, 6], 200)
    level = np.repeat([30.0, 60.0], 200).repeat(size)
    respondents = pd.DataFrame({"AG": level + draw.normal(0, 10, len(level))})
    table = spread_by_level(respondents, pd.Series(np.arange(400).repeat(size)))
    ends = table.loc[[1, 4]]
    assert abs(ends["spread"].diff().iloc[-1]) < 1.96 * np.hypot(*ends["standard_error"])
    room = np.sqrt(ends["level"] * (100 - ends["level"]))
    np.testing.assert_allclose(ends["spread_share"], ends["spread"] / room, atol=0.01)


def test_the_interval_of_the_phase_that_a_subject_goes_with_most_holds_its_correlation():
    draw, held = np.random.default_rng(8), []
    for _ in range(200):
        block = draw.normal(size=(60, 1))
        phases = pd.DataFrame(0.3 * block + draw.normal(size=(60, 5)), columns=list("ABCDE"))
        table = rank_correlations(pd.DataFrame(block, columns=["D"]), phases).loc["D"]
        most = table.loc[table["correlation"].idxmax()]
        held.append(most["low"] <= 0.276 <= most["high"])  # 6 / π asin(ρ / 2), ρ = .3 / √1.09
    assert np.mean(held) >= 0.92


def test_preconditions_that_go_with_one_phase_are_found_and_adjusted_for_many_pairs():
    table = scores(n=300)
    draw = np.random.default_rng(2)
    blocks = pd.DataFrame({"D": table["EX"] + draw.normal(0, 20, 300), "E": draw.normal(size=300)})
    found = rank_correlations(blocks, table)
    assert found["p_holm"].idxmin() == ("D", "EX")
    assert (found["p_holm"] < 0.05).sum() == 1
    assert (found["p_holm"] >= found["p"]).all()


def test_units_known_unequally_well_do_not_make_unrelated_subjects_go_together():
    """One in three units lies five times as far out on everything; any of six pairs is told."""
    told = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        spread = np.where(draw.random(60) < 1 / 3, 5.0, 1.0)[:, None]
        values = pd.DataFrame(spread * draw.normal(size=(60, 5)), columns=[*"DEABC"])
        found = rank_correlations(values[[*"DE"]], values[[*"ABC"]])
        told += (found["p_holm"] < 0.05).any()
    assert told <= 200 * 0.08  # .05 and two standard errors


def test_a_study_without_other_blocks_gets_an_empty_table():
    nothing = pd.DataFrame(index=pd.Index(["A", "B"], name="unit"))
    phases = pd.DataFrame({"AG": [1.0, 2.0]}, index=nothing.index)
    found = rank_correlations(nothing, phases)
    assert found.empty
    assert found.index.names == ["block", "phase"]


MADE = pd.read_csv(HERE / "made_order.csv")
PAIRS = [("AG", "EX"), ("AG", "NN"), ("VB", "NN")]


def test_subjects_go_with_phases_only_where_they_do_without_careless_respondents():
    """Who answers the same to everything makes all subjects and phases of a unit go together."""
    rng, raw, told = np.random.default_rng(6), 0, 0
    units = pd.Series(np.repeat(np.arange(150), 3))
    for _ in range(20):
        seen = pd.DataFrame(rng.normal(50, 18, (450, 5)), columns=[*"DABCE"])
        seen["E"] = seen["A"] + rng.normal(0, 9, 450)
        alike = pd.Series(rng.random(450) < 0.2)
        seen[alike] = np.repeat(seen.loc[alike, ["B"]].to_numpy(), 5, axis=1)
        by_all, attentive = (unit_scores(seen[of], units[of]) for of in (alike | True, ~alike))
        one, two = ((scores[["D", "E"]], scores[[*"ABC"]]) for scores in (by_all, attentive))
        raw += (rank_correlations(*one).loc["D", "p_holm"] <= 0.05).any()
        found = rank_correlations(*one, two)["p_holm"]
        told += (found.loc["D"] <= 0.05).any()
        assert found.loc[("E", "A")] <= 0.05, "what goes together without them is told"
    assert raw >= 5
    assert told <= 1 + 2  # two standard errors over one of 20


def test_rank_correlations_and_holm_equal_r():
    r = stored("associations")
    found = pd.concat([rank_correlations(MADE[[one]], MADE[[other]]) for one, other in PAIRS])
    for one, other in PAIRS:
        value = found.loc[(one, other), "correlation"]
        assert value == pytest.approx(r[f"rho.{one}.{other}"], abs=1e-12)
    adjusted = holm(found["p"])
    for pair in PAIRS:
        assert adjusted[pair] == pytest.approx(r[f"holm.{'.'.join(pair)}"], abs=1e-12)


def test_phases_active_together_have_the_exact_p_and_phi_of_r():
    r, found = stored("associations"), coactivity(activity(MADE[PHASES], active_from=2))
    for pair in PAIRS:
        row, name = found.loc[pair], ".".join(pair)
        assert row["p"] == pytest.approx(r[f"fisher.{name}"], abs=1e-12)
        assert row["phi"] == pytest.approx(r[f"phi.{name}"], abs=1e-12)
