from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_data import HERE, stored, survey_items

from cycle_analysis.cycle.order import phase_differences
from cycle_analysis.measurement import (
    echelon_mean,
    mean_of_respondents,
    median_of_respondents,
    pomp,
    respondent_scores,
    role_adjusted_mean,
    role_effects,
    role_effects_left_out,
    unit_scores,
    without_roles,
)
from cycle_analysis.measurement.agreement import (
    spread_within,
    standard_errors,
    unit_table,
)
from cycle_analysis.measurement.missing import even_scores, normal_moments
from cycle_analysis.responses.coded import erratic
from cycle_analysis.simulate import FOUR, Answering, steps
from cycle_analysis.waves import (
    change_both_ways,
    change_of_all,
    changed_surely,
    without_role_mix,
)

AG = survey_items(("AG",), 4)


def answers(*rows: list[float | None]) -> pd.DataFrame:
    names = [f"r{i}" for i in range(len(rows))]
    return pd.DataFrame(rows, columns=AG.index, index=names, dtype=float)


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=20),
    st.integers(-3, 1),
    st.integers(7, 12),
)
def test_turning_an_item_round_and_turning_its_codes_round_give_the_same_score(codes, low, high):
    given_codes = pd.Series(codes, dtype=float)
    turned = pomp(given_codes, low, high, reversed=True)
    pd.testing.assert_series_equal(turned, pomp(low + high - given_codes, low, high))
    assert turned.between(0, 100).all()


def test_the_same_opinion_scores_the_same_on_scales_of_any_length():
    assert pomp(pd.Series([2.0]), 0, 4)[0] == pomp(pd.Series([4.0]), 1, 7)[0] == 50


def test_an_answer_outside_its_scale_is_refused_with_the_value():
    with pytest.raises(ValueError, match=r"1 answers lie outside.*9\.0.*missing codes"):
        pomp(pd.Series([1.0, 9.0]), 0, 4)


def test_half_of_the_items_is_enough_and_less_is_not():
    scores = respondent_scores(answers([4, 4, None, None], [4, None, None, None]), AG)
    assert scores["AG"].tolist()[0] == 100
    assert np.isnan(scores["AG"].iloc[1])


def test_all_dont_know_is_missing_and_never_zero_even_when_nothing_need_be_answered():
    scores = respondent_scores(answers([None] * 4), AG, min_answered=0)
    assert scores["AG"].isna().all()


def test_a_phase_of_one_item_scores_that_item():
    items = survey_items(("AG",), 1)
    scores = respondent_scores(pd.DataFrame({"AG1": [3.0]}), items)
    assert scores["AG"].tolist() == [75.0]


def test_phases_keep_the_order_of_the_items_table():
    items = survey_items(("NN", "AG"), 1)
    assert respondent_scores(pd.DataFrame({"AG1": [1], "NN1": [2]}), items).columns.tolist() == [
        "NN",
        "AG",
    ]


def test_an_item_without_answers_column_is_named():
    with pytest.raises(ValueError, match=r"1 of 4 items have no column.*AG4"):
        respondent_scores(answers([1, 1, 1, 1]).drop(columns="AG4"), AG)


def test_a_min_answered_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="min_answered is 3"):
        respondent_scores(answers([1, 1, 1, 1]), AG, min_answered=3)


def test_a_respondent_without_unit_is_named_not_dropped():
    scores = pd.DataFrame({"AG": [1.0, 2.0]}, index=["r1", "r2"])
    with pytest.raises(ValueError, match=r"1 of 2 respondents have no unit: \['r2'\]"):
        unit_scores(scores, pd.Series({"r1": "A"}))


def test_a_respondent_that_stands_twice_is_named():
    scores = pd.DataFrame({"AG": [1.0, 2.0]}, index=["r1", "r1"])
    with pytest.raises(ValueError, match=r"twice in scores: \['r1'\]"):
        unit_scores(scores, pd.Series({"r1": "A"}))


RULES = {
    "mean": mean_of_respondents,
    "median": median_of_respondents,
    "echelon": echelon_mean(pd.Series({"a": "STR", "b": "DOM", "c": "DOM", "d": None})),
    "adjusted": role_adjusted_mean(pd.Series({"a": "STR", "b": "DOM", "c": "DOM", "d": None})),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_row_order_does_not_change_unit_scores(rule):
    scores = pd.DataFrame({"AG": [0.0, 50.0, 100.0, 60.0]}, index=list("abcd"))
    units = pd.Series(["A", "A", "A", "B"], index=list("abcd"))
    pd.testing.assert_frame_equal(
        unit_scores(scores, units, rule), unit_scores(scores[::-1], units.sample(frac=1), rule)
    )


def test_each_echelon_weighs_the_same_and_an_absent_role_does_not_count():
    scores = pd.DataFrame({"AG": [90.0, 0.0, 30.0, 60.0]}, index=list("abcd"))
    units = pd.Series(["A", "A", "A", "B"], index=list("abcd"))
    assert unit_scores(scores, units, RULES["echelon"])["AG"].tolist() == [52.5, 60.0]


def drawn(rng, mix, n_units=150, most=4, effects=((6.0, 0.0), (-2.0, 0.0), (-4.0, 0.0))):
    """Scores on two phases of respondents in three roles, which differ on the first alone."""
    unit = np.repeat(np.arange(n_units), rng.integers(1, most + 1, n_units))
    role = rng.choice(3, len(unit), p=mix)
    true = np.random.default_rng(7).normal(50, 10, (n_units, 2))
    values = true[unit] + np.array(effects)[role] + rng.normal(0, 12, (len(unit), 2))
    index = pd.Index([f"r{i}" for i in range(len(unit))])
    scores = pd.DataFrame(values, index, ["AG", "EX"])
    return scores, pd.Series(unit, index), pd.Series(list("xyz"), range(3))[role].set_axis(index)


def test_what_roles_differ_is_that_of_a_regression_on_units_and_roles():
    scores, units, roles = drawn(np.random.default_rng(1), (0.5, 0.3, 0.2))
    design = pd.concat([pd.get_dummies(units), pd.get_dummies(roles)], axis=1).to_numpy(float)
    fitted = np.linalg.lstsq(design, scores.to_numpy(), rcond=None)[0][-3:]
    effects = role_effects(scores, units, roles)
    np.testing.assert_allclose(effects, fitted - fitted.mean(axis=0), atol=1e-9)
    assert effects["AG"].to_numpy() == pytest.approx([6, -2, -4], abs=3)  # 3 standard errors


@given(st.integers(0, 99), st.floats(-30, 30))
def test_however_high_a_role_scores_units_score_the_same_without_what_roles_differ(seed, more):
    scores, units, roles = drawn(np.random.default_rng(seed), (0.5, 0.3, 0.2), n_units=20)
    kept = without_roles(scores, units, roles).groupby(units).mean()
    other = scores.add(more * (roles == "x"), axis=0)
    changed = without_roles(other, units, roles).groupby(units).mean() - kept
    # every role counts alike, so all units rise by a third of it
    np.testing.assert_allclose(changed, more / 3, atol=1e-8)


def test_roles_that_no_unit_brings_together_and_respondents_without_one_keep_their_scores():
    scores = pd.DataFrame({"AG": [10.0, 90.0, 50.0, 70.0]}, index=list("abcd"))
    units = pd.Series(["A", "B", "C", "C"], index=scores.index)
    roles = pd.Series(["x", "y", None, "x"], index=scores.index)
    pd.testing.assert_frame_equal(without_roles(scores, units, roles), scores)
    pd.testing.assert_frame_equal(without_roles(scores, units, roles.mask(roles.notna())), scores)


def test_what_each_unit_adds_to_the_error_of_roles_is_that_of_r_clubsandwich():
    made, told = pd.read_csv(HERE / "made_order.csv"), stored("roles")
    i = np.arange(1, len(made) + 1)
    roles = pd.Series(list("xyz"))[i * i % 7 % 3].set_axis(made.index)
    waves = pd.Series(i // 2 % 3 == 1, made.index)
    names, effects = role_effects_left_out(made[["AG"]], made["unit"], roles, waves)
    from_x = effects[:, 1:, 0] - effects[:, :1, 0]
    apart = from_x[1:] - from_x[0]
    assert names.tolist() == ["x", "y", "z"]
    np.testing.assert_allclose(from_x[0], told[["y", "z"]], rtol=1e-9)
    np.testing.assert_allclose((apart.T @ apart).ravel(), told[["yy", "yz", "yz", "zz"]], rtol=1e-9)


def both_ways(waves, population=10_000, careless=None):
    """The table of changes of drawn waves, of all units that answered in each."""
    told = {str(number): wave for number, wave in enumerate(waves, 1)}
    persons, units, roles = ({wave: parts[i] for wave, parts in told.items()} for i in range(3))

    def panel(persons):
        return {wave: unit_scores(persons[wave], units[wave]) for wave in persons}

    return change_both_ways(persons, units, roles, "1", panel, population, careless)


@pytest.mark.parametrize(
    ("kind", "found"),
    [({}, 0.8), ({"halo": 0.6}, 0.8), ({"cuts": steps(3)}, 0.8), ({"cuts": steps(7)}, 0.8),
     ({"item_sd": 6.0}, 0.8), ({"item_sd": 25.0}, 0.5), ({"item_spread": 30.0}, 0.7),
     ({"straight": 0.2}, 0.5)],
)  # fmt: skip
def test_answers_by_lot_are_flagged_and_careful_ones_hardly_ever(kind, found):
    asked, flagged = Answering(range(1, 7), 18.0, **kind), []
    for share in (0.0, 0.15):
        rng = np.random.default_rng(3)
        survey = replace(asked, careless=share)(FOUR(200, rng), rng)
        flagged.append(erratic(survey.answers, survey.items).mean())
    assert flagged[0] <= 0.02
    assert flagged[1] >= found * 0.15


@pytest.mark.parametrize("way", [{"straight": 0.15}, {"careless": 0.15}])
def test_careless_answers_in_one_wave_are_no_change_of_phases(way):
    """The same to everything, or by lot: flagged by rule, and what they make is not told."""
    raw, told, asked = [], [], Answering(range(1, 7), 18.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        states = FOUR(150, rng)
        surveys = [answering(states, rng) for answering in (asked, replace(asked, **way))]
        persons = [even_scores(each.answers, each.items) for each in surveys]
        waves = [
            (scores, each.units, pd.Series("all", scores.index))
            for scores, each in zip(persons, surveys, strict=True)
        ]
        flags = {
            wave: erratic(each.answers, each.items) | (each.answers.std(axis=1) == 0)
            for wave, each in zip("12", surveys, strict=True)
        }
        change = both_ways(waves, careless=flags)
        raw.append((change["p_holm"] <= 0.05).any())
        told.append(changed_surely(change).any())
    assert np.mean(raw) > 0.4
    assert np.mean(told) <= 0.05 + 2 * 0.0487  # two standard errors of 20 studies


def test_a_change_is_told_with_careless_answers_too_but_not_where_nobody_else_answered():
    rng = np.random.default_rng(5)
    units = pd.Series(np.repeat(np.arange(100), 3))
    waves = [
        (pd.DataFrame(rng.normal(50 + more, 10, (300, 2)), columns=["AG", "EX"]), units, units * 0)
        for more in (0.0, 8.0)
    ]
    for flagged, is_told in ((units.index < 30, True), (units.index >= 0, False)):
        flags = {"1": pd.Series(False, units.index), "2": pd.Series(flagged, units.index)}
        assert changed_surely(both_ways(waves, careless=flags)).tolist() == [is_told] * 2


@pytest.mark.parametrize("most", [1, 4])
def test_another_mix_of_roles_is_no_change_of_phases(most):
    raw, told = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        waves = [drawn(rng, mix, most=most) for mix in ((0.7, 0.2, 0.1), (0.2, 0.3, 0.5))]
        change = both_ways(waves).xs("AG", level="phase")
        raw.append(change["p_holm"].item() <= 0.05)
        told.append(changed_surely(change).item())
    assert np.mean(raw) > 0.5
    assert np.mean(told) <= 0.05 + 2 * 0.0487  # two standard errors of 20 studies


@pytest.mark.parametrize("apart", [0.0, 10.0], ids=["roles differ alike", "by unit"])
def test_the_interval_without_roles_holds_what_is_not_known_of_them(apart):
    held, narrower = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        own = rng.normal(0, apart, (150, 3))
        waves = []
        for mix in ((0.9, 0.05, 0.05), (0.05, 0.05, 0.9)):
            scores, units, roles = drawn(rng, mix, most=1)
            more = own[units, roles.map({"x": 0, "y": 1, "z": 2})]
            waves.append((scores.add(more, axis=0), units, roles))
        change = both_ways(waves)
        held += ((change["low_alike"] <= 0) & (change["high_alike"] >= 0)).tolist()
        middle, reach = change["change_alike"], (change["high"] - change["low"]) / 2
        narrower += (middle.abs() <= reach).tolist()
    error = 2 * np.sqrt(0.05 * 0.95 / 40)  # phases of a study share their roles
    assert np.mean(held) == pytest.approx(0.95, abs=error)
    assert np.mean(narrower) < 0.75


@pytest.mark.parametrize("more", [0.0, 10.0], ids=["see the same", "differ"])
def test_another_mix_has_a_part_in_change_where_roles_differ_and_seldom_where_they_do_not(more):
    told, effects = [], ((more, more), (0.0, 0.0), (-more, 0.0))
    for seed in range(40):
        rng, mixes = np.random.default_rng(seed), ((0.7, 0.2, 0.1), (0.2, 0.3, 0.5))
        change = both_ways([drawn(rng, mix, most=2, effects=effects) for mix in mixes])
        told.append((change["p_mix"] <= 0.05).any())
    assert np.mean(told) > 0.5 if more else np.mean(told) <= 0.05 + 2 * 0.0345


def test_units_that_answer_again_since_they_scored_high_by_chance_make_no_change():
    raw, told, alone = [], [], (1.0, 0.0, 0.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        waves = [drawn(rng, alone, most=1) for _ in range(2)]
        before, (scores, units, roles) = waves[0], waves[1]
        level = before[0].groupby(before[1]).mean().mean(axis=1)
        kept = units.isin(level.index[level > level.median()])
        change = both_ways([before, (scores[kept], units[kept], roles[kept])])
        raw.append((change["p_holm"] <= 0.05).any())
        told.append(changed_surely(change).any())
    assert np.mean(raw) > 0.5
    assert np.mean(told) <= 0.05 + 2 * 0.0487  # two standard errors of 20 studies


def test_the_change_of_all_is_that_of_maximum_likelihood_where_scores_are_missing():
    rng = np.random.default_rng(1)
    before = pd.DataFrame(rng.normal(50, 15, (120, 2)), columns=["AG", "EX"])
    after = (0.6 * before + 20 + rng.normal(0, 8, before.shape)).where(before > 45)
    for phase in before:
        both = np.column_stack([before[phase], after[phase]])
        # EM of a normal distribution (Dempster, Laird & Rubin 1977), to its tolerance
        mean = normal_moments(both).mean
        found = change_of_all(before, after)[phase]
        assert found == pytest.approx(mean[1] - mean[0], abs=1e-3)
    everyone = change_of_all(before, 0.9 * before)
    assert everyone.to_numpy() == pytest.approx((-0.1 * before).mean().to_numpy())


def test_where_each_role_answers_as_often_as_before_roles_add_no_error():
    rng = np.random.default_rng(4)
    scores, units, roles = drawn(rng, (0.5, 0.3, 0.2))
    change = both_ways([(scores, units, roles), (scores + 5 * rng.random(), units, roles)])
    kept = change[["change", "low", "high", "p_holm"]]
    alike = change.filter(like="_alike").set_axis(kept.columns, axis=1)
    pd.testing.assert_frame_equal(kept, alike)


@pytest.mark.parametrize("links", [1, 2, 8])
def test_no_change_is_told_where_few_units_tell_roles_from_waves(links):
    told, known = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        waves = []
        for role, other in ("xy", "yx"):
            scores, units, _ = drawn(rng, (1.0, 0.0, 0.0))
            roles = pd.Series(role, scores.index).mask(
                (units < links) & (units.index.str[-1] < "5")
            )
            roles = roles.fillna(other)
            waves.append((scores.add(15.0 * (roles == "x"), axis=0), units, roles))
        change = both_ways(waves)
        told.append(changed_surely(change).any())
        known.append(change["change_alike"].notna().all())
        assert (change["p_holm"] < 0.001).all()
    assert np.mean(told) <= 0.05 + 2 * 0.0487  # two standard errors of 20 studies
    assert np.mean(known) > 0.5 if links > 2 else np.mean(known) < 0.5


def test_one_wave_has_no_change_and_no_roles_change_nothing():
    wave = drawn(np.random.default_rng(5), (0.5, 0.3, 0.2))
    assert both_ways([wave]).empty
    scores, units, roles = wave
    nobody = roles.mask(roles.notna())
    change = both_ways([(scores, units, nobody), (scores + 1, units, nobody)])
    assert change["change_alike"].tolist() == pytest.approx([1.0, 1.0])


def test_waves_answered_by_other_roles_cannot_be_told_from_them():
    scores, units, _ = drawn(np.random.default_rng(3), (1.0, 0.0, 0.0))
    roles = {"1": pd.Series("x", scores.index), "2": pd.Series("y", scores.index)}
    found = without_role_mix(dict.fromkeys("12", scores), dict.fromkeys("12", units), roles, "1")
    assert found["2"].isna().all(axis=None)


def test_one_respondent_per_unit_works_and_says_what_is_lost():
    scores = pd.DataFrame({"AG": [10.0, 20.0]}, index=["r1", "r2"])
    units = pd.Series({"r1": "A", "r2": "B"})
    table = unit_table(scores, units)
    assert table["mean"].tolist() == [10.0, 20.0]
    assert table["standard_error"].isna().all()
    assert set(table["reason"]) == {"one respondent: no spread"}


def test_a_unit_with_a_missing_phase_is_counted_and_given_a_reason():
    scores = pd.DataFrame({"AG": [None, 20.0], "EX": [1.0, 2.0]}, index=["r1", "r2"])
    table = unit_table(scores, pd.Series({"r1": "A", "r2": "B"}))
    assert table.loc[("A", "AG"), "reason"] == "no respondent with a score"


def simulated(n=2000, size=4, between=15.0, within=20.0, seed=3):
    draw = np.random.default_rng(seed)
    level = draw.normal(50, between, n).repeat(size)[:, None]
    style = draw.normal(0, 10, n * size)[:, None]
    values = level + style + draw.normal(0, within, (n * size, 2))
    index = pd.RangeIndex(n * size)
    units = pd.Series(np.arange(n).repeat(size), index=index)
    return pd.DataFrame(values, columns=["AG", "EX"], index=index), units, level[::size, 0]


def test_the_standard_error_is_the_spread_of_unit_means_around_the_truth():
    scores, units, truth = simulated()
    error = standard_errors(scores, units)["AG"].iloc[0]
    missed = unit_scores(scores, units)["AG"].to_numpy() - truth
    assert error == pytest.approx(missed.std(), rel=0.1)
    assert spread_within(scores, units)["AG"].mean() == pytest.approx(2 * error, rel=0.1)


def test_the_error_of_one_respondent_is_the_residual_of_an_analysis_of_variance_in_r():
    made = pd.read_csv(HERE / "made_order.csv")
    error = standard_errors(made[["AG"]].astype(float), made["unit"])["AG"] * np.sqrt(
        made.groupby("unit").size()
    )
    assert error.tolist() == pytest.approx([stored("associations")["error.of.one.respondent"]] * 15)


def test_the_error_of_a_difference_is_free_of_response_style():
    scores, units, _ = simulated()
    error = standard_errors(phase_differences(scores), units)[("AG", "EX")].iloc[0]
    assert error == pytest.approx(20 * np.sqrt(2) / 2, rel=0.05)
    missed = phase_differences(unit_scores(scores, units))[("AG", "EX")]
    assert error == pytest.approx(missed.std(), rel=0.1)
