"""The error of scores, and what it leaves of the precision of means."""

import numpy as np
import pandas as pd
import pytest
from reference_data import HERE, stored
from scipy import stats

from cycle_analysis.cycle import phase_curve
from cycle_analysis.cycle.order import errors_of_differences, phase_differences
from cycle_analysis.measurement import unit_scores
from cycle_analysis.measurement.error import (
    Standing,
    mean_intervals,
    measurement_error,
    roles_differ,
    standard_errors,
)
from cycle_analysis.waves import compared_waves, mean_change

N = 342


def persons_of(true, n_respondents, within, draw):
    """Respondents around the true scores of their units, errors with the covariance `within`."""
    told = true.loc[true.index.repeat(n_respondents)]
    seen = told + draw.multivariate_normal(np.zeros(len(within)), within, len(told))
    return seen.reset_index(drop=True), told.index.to_series().reset_index(drop=True)


def errors_of_one(scores, error):
    return pd.DataFrame(error, scores.index, scores.columns)


def reach(intervals):
    return (intervals["high"] - intervals["low"]) / 2


def test_the_error_of_a_mean_of_two_stages_is_that_of_r_survey():
    made, told = pd.read_csv(HERE / "made_order.csv"), stored("two_stage")
    made = made[made.groupby("unit")["AG"].transform("size") > 1]
    made = made[made.groupby("unit").cumcount() < 2]
    persons, units = made[["AG", "VB"]].astype(float), made["unit"]
    error, scores = measurement_error(persons, units), unit_scores(persons, units)
    known = np.sqrt(np.einsum("npp->np", error.covariances()))
    table = mean_intervals(scores, population=40, errors=errors_of_one(scores, known))
    t = stats.t.ppf(0.975, told["units"] - 1)
    for phase in scores:
        assert table.loc[phase, "mean"] == pytest.approx(told[f"mean.{phase}"])
        assert reach(table)[phase] / t == pytest.approx(told[f"error.{phase}"])


def test_units_with_few_respondents_add_their_own_error_to_the_mean():
    """W = 100, n_i of 1, 1, 4, 4, four units of ten: .6 (200 / 3) / 4 + .4 · 62.5 / 4 = 16.25."""
    scores = pd.DataFrame({"AG": [40.0, 50.0, 60.0, 50.0]})
    errors = pd.DataFrame({"AG": [10.0, 10.0, 5.0, 5.0]})
    table = mean_intervals(scores, 10, errors)
    assert reach(table)["AG"] == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(16.25))


@pytest.mark.parametrize("error", [0.0, 4.0, 30.0])
def test_when_all_units_answered_only_the_measurement_error_is_left(error):
    scores = pd.DataFrame({"AG": np.linspace(20, 80, 50)})
    table = mean_intervals(scores, 50, errors_of_one(scores, error))
    assert reach(table)["AG"] == pytest.approx(stats.t.ppf(0.975, 49) * error / np.sqrt(50))


def test_without_measurement_error_the_finite_population_narrows_it_by_the_root_of_the_rest():
    scores = pd.DataFrame({"AG": np.linspace(20, 80, 50)})
    whole = mean_intervals(scores)
    known = mean_intervals(scores, 200, errors_of_one(scores, 0.0))
    assert reach(known)["AG"] == pytest.approx(reach(whole)["AG"] * np.sqrt(0.75))
    assert reach(whole)["AG"] == pytest.approx(stats.t.ppf(0.975, 49) * scores["AG"].sem())


def test_an_error_that_is_not_known_leaves_the_population_out_on_that_phase_alone():
    scores = pd.DataFrame({"AG": np.linspace(20, 80, 50), "EX": np.linspace(20, 80, 50)})
    errors = errors_of_one(scores, 1.0)
    errors.loc[3, "EX"] = np.nan
    table = mean_intervals(scores, 60, errors)
    assert reach(table)["EX"] == pytest.approx(reach(mean_intervals(scores))["EX"])
    assert reach(table)["AG"] < reach(table)["EX"] / 2
    errors["EX"], scores.loc[3, "EX"] = errors["AG"].where(errors["EX"].notna()), np.nan
    assert reach(mean_intervals(scores, 60, errors))["EX"] < reach(table)["EX"] / 2, (
        "where there is no score no error is needed"
    )


def test_a_population_without_errors_is_refused_because_these_do_not_shrink():
    scores = pd.DataFrame({"AG": [1.0, 2.0]})
    with pytest.raises(ValueError, match="population of 3 units comes without errors"):
        phase_curve(scores, 3)
    with pytest.raises(ValueError, match="comes without errors"):
        mean_change({"2018": scores, "2022": scores}, 3)


def test_respondents_of_both_waves_err_in_a_change():
    before = pd.DataFrame({"AG": np.linspace(20, 80, 40)})
    after = before + np.tile([4.0, 6.0], 20)[:, None]
    errors = {"2018": errors_of_one(before, 3.0), "2022": errors_of_one(before, 4.0)}
    table = mean_change({"2018": before, "2022": after}, 40, errors).iloc[0]
    assert table["change"] == 5.0
    assert table["high"] - 5 == pytest.approx(stats.t.ppf(0.975, 39) * 5 / np.sqrt(40))


def test_chance_gets_no_more_chances_by_more_waves():
    rng = np.random.default_rng(10)
    states = pd.DataFrame(rng.normal(50, 15, (150, 1)), columns=["AG"])
    waves = {wave: states + rng.normal(0, 10, states.shape) for wave in range(6)}
    p = [
        mean_change({first: waves[first], second: waves[second]})["p_holm"].item()
        for first, second in compared_waves(list(waves))
    ]
    together = mean_change(waves)["p_holm"]
    assert together.min() == pytest.approx(6 * min(p))
    assert together.max() == 1


def test_small_steps_that_no_two_waves_show_add_up_from_the_first_to_the_last():
    rng = np.random.default_rng(2)
    states = pd.DataFrame(rng.normal(50, 15, (150, 1)), columns=["AG"])
    waves = {wave: states + 1.2 * wave + rng.normal(0, 9, states.shape) for wave in range(4)}
    p = mean_change(waves)["p_holm"].droplevel("phase")
    assert p.drop((0, 3)).min() > 0.05 > p[0, 3]
    assert mean_change({wave: waves[wave] for wave in (0, 1)}).shape[0] == 1


@pytest.mark.parametrize(
    ("pairs", "standing"),
    [(0, Standing.UNKNOWN), (1, Standing.UNKNOWN), (29, Standing.UNKNOWN), (30, Standing.ROUGH),
     (99, Standing.ROUGH), (100, Standing.KNOWN)],
)  # fmt: skip
def test_pairs_of_respondents_make_an_error_known_by_their_number(pairs, standing):
    units = pd.Series([*np.arange(pairs).repeat(2), *range(200, 400)])
    persons = pd.DataFrame(np.random.default_rng(1).normal(50, 10, (len(units), 2)))
    error = measurement_error(persons, units)
    assert (error.freedom, error.standing) == (pairs, standing)
    known = standard_errors(persons, units).notna()
    assert known.all(axis=None) if standing != Standing.UNKNOWN else not known.any(axis=None)
    assert error.table["freedom"].eq(pairs).all()


def test_one_unit_with_two_respondents_tells_nothing_of_1714_others():
    units = pd.Series([0, *range(1715)])
    persons = pd.DataFrame({"AG": np.linspace(0, 100, 1716), "EX": np.linspace(0, 50, 1716)})
    assert standard_errors(persons, units).isna().all(axis=None)
    scores, reliable = unit_scores(persons, units), pd.Series({"AG": 0.8, "EX": 0.8})
    errors = errors_of_differences(scores, persons, units, reliable)
    gap = np.sqrt(0.2 * scores.var().sum())
    assert errors[("AG", "EX")].tolist() == pytest.approx([gap] * 1715), "that of the items"
    told = reach(phase_curve(scores, 1715, standard_errors(persons, units)))
    assert told.tolist() == pytest.approx(reach(phase_curve(scores)).tolist())


def test_the_error_of_a_difference_is_that_of_the_differences_of_respondents():
    draw = np.random.default_rng(2)
    units = pd.Series(np.arange(60).repeat(3))
    persons = pd.DataFrame(draw.normal(50, 10, (180, 3)), columns=["AG", "EX", "VB"])
    persons = persons.add(draw.normal(0, 10, 180), axis=0)
    ours = errors_of_differences(
        unit_scores(persons, units), persons, units, pd.Series(dtype=float)
    )
    pd.testing.assert_frame_equal(
        ours, standard_errors(phase_differences(persons), units), check_names=False
    )


@pytest.mark.parametrize("n_respondents", [3, 1])
def test_intervals_hold_the_true_mean_of_the_population_and_its_true_change(n_respondents):
    """With one respondent nothing is taken off, so that they hold it too often."""
    within = 400 * (0.4 * np.eye(2) + 0.6)
    held = []
    for seed in range(100):
        draw = np.random.default_rng(seed)
        true = pd.DataFrame(draw.normal(50, 15, (N, 2)), columns=["AG", "EX"])
        waves = {"2018": true, "2022": true + draw.normal(5, 6, (N, 2))}
        asked = draw.permutation(N)[:300]
        told = {wave: persons_of(t.loc[asked], n_respondents, within, draw)
                for wave, t in waves.items()}  # fmt: skip
        scores = {wave: unit_scores(*persons) for wave, persons in told.items()}
        errors = {wave: standard_errors(*persons) for wave, persons in told.items()}
        mean = mean_intervals(scores["2022"], N, errors["2022"])
        change = mean_change(scores, N, errors).droplevel([0, 1])
        gap = (waves["2022"] - waves["2018"]).mean()
        held.append(waves["2022"].mean().between(mean["low"], mean["high"]).tolist())
        held.append(gap.between(change["low"], change["high"]).tolist())
    coverage = np.mean(held)
    assert coverage >= 0.92
    assert coverage <= 0.98 or n_respondents == 1


def test_many_respondents_of_one_unit_do_not_tell_of_all_others():
    rng = np.random.default_rng(8)
    units = pd.Series([0] * 150 + list(range(1, 100)))
    one = measurement_error(pd.DataFrame({"AG": rng.normal(50, 10, 249)}), units)
    assert (one.freedoms[0, 0], one.freedom, one.standing) == (149, 10, Standing.UNKNOWN)
    spread = measurement_error(
        pd.DataFrame({"AG": rng.normal(50, 10, 150)}), units[:150] * 0 + np.arange(150) // 3
    )
    assert (spread.freedom, spread.standing) == (100, Standing.KNOWN)


def test_roles_that_see_the_same_seldom_lie_further_apart_than_chance_allows():
    draw, units = np.random.default_rng(3), pd.Series(np.arange(300).repeat(6))
    persons = pd.DataFrame(draw.normal(50, 20, (1800, 5)), columns=list("ABCDE"))
    roles = pd.Series(np.tile(list("xxyyzz"), 300))
    means = persons.groupby([units, roles]).mean().groupby(level=0)
    counts = pd.DataFrame(2, index=list("xyz"), columns=persons.columns)
    most = measurement_error(persons, units).gap_by_chance(counts)
    apart = (means.max() - means.min() > most).any(axis=1)
    assert apart.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)
    alone = measurement_error(persons[:20], units[:20])
    assert alone.gap_by_chance(counts).isna().all()


def test_roles_are_said_to_differ_where_they_do_and_seldom_where_they_see_the_same():
    draw, studies = np.random.default_rng(5), 200
    units = pd.Series(np.arange(60).repeat(draw.integers(1, 3, 60)))
    said = {0.0: 0, 12.0: 0}
    for seed in range(studies):
        halo = draw.normal(0, 10, (len(units), 1))
        persons = pd.DataFrame(halo + draw.normal(50, 10, (len(units), 3)), columns=list("ABC"))
        roles = pd.Series(draw.choice(list("xyz"), len(units), p=[0.6, 0.3, 0.1]))
        for gap in said:
            told = persons.add(roles.map({"x": 0, "y": gap, "z": -gap}), axis=0)
            said[gap] += roles_differ(told, units, roles.where(roles.index > 2), seed=seed)
    assert said[0.0] <= 0.05 * studies + 2 * np.sqrt(0.05 * 0.95 * studies)
    assert said[12.0] >= 0.6 * studies
    assert not roles_differ(persons, units, pd.Series("x", persons.index))
