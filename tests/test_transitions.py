"""Change between waves: known truths, and what cannot be said."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.profiles import levels, ward_kmeans
from cycle_analysis.simulate import FOUR, Answering, Continuum
from cycle_analysis.simulate.worlds import states_of
from cycle_analysis.waves.transitions import (
    Change,
    Finding,
    change_tables,
    estimate_change,
    estimate_level_change,
    level_cuts,
    reliable_changes,
    undivided,
)
from cycle_analysis.waves.two_waves import (
    FEWEST_DEVIATIONS,
    RespondentErrors,
    TwoWaves,
    wave_scores,
)

QUICK = {"n_draws": 99, "n_refits": 24, "seed": 1}
HALO = Answering((4, 5, 6), 18.0, halo=0.6)
FEW = Answering((2, 3), 18.0, halo=0.6)


def asked(states, answering, rng):
    survey = answering(states, rng)
    return wave_scores(respondent_scores(survey.answers, survey.items), survey.units)


def moved_up(states, share, rng):
    """A share of the units of every profile but the last goes one profile up."""
    before = states["profile"].to_numpy() - 1
    after = np.where((before < 3) & (rng.random(len(before)) < share), before + 1, before)
    centroids = FOUR.centroids.to_numpy()
    true = states.drop(columns="profile").to_numpy() + centroids[after] - centroids[before]
    return states_of(true, after + 1, FOUR.centroids.columns)


@pytest.fixture(scope="module")
def unchanged():
    rng = np.random.default_rng(11)
    states = FOUR(150, rng)
    return [asked(states, HALO, rng), asked(states, FEW, rng)]


def test_with_nothing_changed_and_response_falling_nothing_is_announced(unchanged):
    reference = ward_kmeans(unchanged[0].scores, 4)
    found = estimate_change(*unchanged, reference, **QUICK)
    assert found.finding == Finding.UNCHANGED
    assert found.moved.loc["any", "low"] == 0
    assert found.moved.loc["any", "high"] < 0.2
    # placing units in each wave instead moves many: what the estimate is for
    nearest = [
        ((w.scores.to_numpy()[:, None] - reference.centroids.to_numpy()) ** 2).sum(2).argmin(1)
        for w in unchanged
    ]
    assert (nearest[0] != nearest[1]).mean() > 0.1


def test_the_share_that_moved_up_is_found_and_nobody_is_said_to_have_moved_down():
    rng = np.random.default_rng(12)
    states = FOUR(200, rng)
    waves = [asked(states, HALO, rng), asked(moved_up(states, 0.25, rng), FEW, rng)]
    found = estimate_change(*waves, ward_kmeans(waves[0].scores, 4), **QUICK)
    assert found.finding == Finding.CHANGED
    moved = found.moved
    assert moved.loc["up", "low"] < 0.75 * 0.25 < moved.loc["up", "high"]
    assert moved.loc["up", "share"] == pytest.approx(0.1875, abs=0.06)  # two standard errors
    assert moved.loc["down", "share"] < 0.03
    moves = found.moves
    rows = moves["probability"].drop(0, level="profile_to").groupby("profile_from").sum()
    assert rows.to_numpy() == pytest.approx(np.ones(5))
    assert moves.loc[(0, 0), "share"] == pytest.approx(1)
    assert moves["share"].loc[1:, 1:].sum() == pytest.approx(1)


def test_levels_of_a_continuum_that_did_not_move_did_not_move():
    rng = np.random.default_rng(13)
    states = Continuum()(150, rng)
    waves = []
    for answering in (HALO, FEW):
        survey = answering(states, rng)
        persons = respondent_scores(survey.answers, survey.items).mean(axis=1).to_frame("mean")
        waves.append(wave_scores(persons, survey.units))
    divided = levels(waves[0].scores, 3)
    cuts = level_cuts(waves[0].scores["mean"], divided.labels)
    found = estimate_level_change(*waves, cuts, **QUICK)
    assert found.finding == Finding.UNCHANGED
    before = found.moves["share"].loc[1:, 0]
    assert before.to_numpy() == pytest.approx([1 / 3] * 3, abs=0.08)
    placed = np.searchsorted(cuts, waves[0].scores["mean"]) + 1
    assert placed.tolist() == divided.labels.tolist()


def test_the_same_seed_gives_the_same_numbers(unchanged):
    reference = ward_kmeans(unchanged[0].scores, 4)
    few = QUICK | {"n_draws": 19, "n_refits": 4}
    first, second = (estimate_change(*unchanged, reference, **few) for _ in range(2))
    pd.testing.assert_frame_equal(first.moves, second.moves, check_exact=True)
    assert first.p == second.p


def only(wave, n):
    return wave.only(wave.scores.index[:n])


def test_what_stands_in_the_way_is_said(unchanged):
    first, second = unchanged
    reference = ward_kmeans(first.scores, 4)
    few = estimate_change(only(first, 5), only(second, 5), reference, **QUICK)
    assert few.finding == Finding.FEW_UNITS
    assert few.n_units == 5
    assert few.moves["probability"].isna().all()
    none = estimate_change(only(first, 0), second, reference, **QUICK)
    assert (none.finding, none.n_units) == (Finding.FEW_UNITS, 0)
    same = estimate_change(first, first, reference, **QUICK)
    assert same.finding == Finding.IDENTICAL
    rng = np.random.default_rng(14)
    alone = Answering((1,), 18.0)
    ones = [asked(FOUR(60, rng), alone, rng) for _ in range(2)]
    unknown = estimate_change(*ones, ward_kmeans(ones[0].scores, 4), **QUICK)
    assert unknown.finding == Finding.UNKNOWN_ERROR
    apart = (ones[1].scores - ones[0].scores).std().max() / np.sqrt(2)
    assert apart < unknown.error_at_most < 1.3 * apart
    assert unknown.error_at_most > 18  # what each respondent is off by, in every phase
    assert np.isnan(few.error_at_most)


def test_a_wave_with_one_respondent_each_borrows_the_error_of_the_other(unchanged):
    rng = np.random.default_rng(15)
    states = FOUR(150, rng)
    first, second = asked(states, HALO, rng), asked(states, Answering((1,), 18.0, halo=0.6), rng)
    assert second.error.freedom == 0
    found = estimate_change(first, second, ward_kmeans(first.scores, 4), **QUICK)
    assert found.finding == Finding.UNCHANGED


def test_a_roughly_known_error_gives_no_verdict():
    rng = np.random.default_rng(16)
    states = FOUR(60, rng)
    first, short = asked(states, HALO, rng), asked(states.iloc[:40], Answering((2,), 18.0), rng)
    found = estimate_change(first, short, ward_kmeans(first.scores, 4), **QUICK)
    assert short.error.freedom == 40
    assert found.finding == Finding.ROUGH


def test_a_profile_that_empties_in_wave_two_is_found_empty():
    rng = np.random.default_rng(17)
    states = FOUR(160, rng)
    later = states.copy()
    gone = states["profile"] == 1
    shift = FOUR.centroids.iloc[1] - FOUR.centroids.iloc[0]
    later.loc[gone, list(shift.index)] += shift.to_numpy()
    waves = [asked(states, HALO, rng), asked(later, HALO, rng)]
    found = estimate_change(*waves, ward_kmeans(waves[0].scores, 4), **QUICK)
    assert found.finding == Finding.CHANGED
    assert found.moves.loc[(0, 1), "share"] < 0.04
    assert found.moves.loc[(1, 2), "probability"] > 0.85


def test_many_respondents_and_missing_phases_are_taken_as_they_come():
    rng = np.random.default_rng(18)
    states = FOUR(80, rng)
    waves = []
    for answering in (Answering((2, 200), 18.0, halo=0.6), FEW):
        survey = answering(states, rng)
        persons = respondent_scores(survey.answers, survey.items)
        persons = persons.mask(rng.random(persons.shape) < 0.05)
        persons.loc[survey.units == survey.units.iloc[0], "AG"] = np.nan
        waves.append(wave_scores(persons, survey.units))
    assert waves[0].scores.isna().any(axis=None)
    lacking = waves[0].scores.copy()
    divided = ward_kmeans(lacking.dropna(), 4)
    lacking.loc[divided.labels.index[divided.labels == 1], "AG"] = np.nan
    hollow = replace(divided, scores=lacking.loc[divided.labels.index])
    assert hollow.centroids.isna().any(axis=None)
    assert estimate_change(*waves, hollow, **QUICK).finding == Finding.UNCHANGED
    found = estimate_change(*waves, ward_kmeans(waves[0].scores.dropna(), 4), **QUICK)
    assert found.finding == Finding.UNCHANGED


def test_single_units_are_said_to_have_changed_only_beyond_their_respondents(unchanged):
    first, second = unchanged
    assert reliable_changes(first, second)["reliable"].sum() <= 1
    later = second.scores.copy()
    later.iloc[:20, 0] += 60.0
    found = reliable_changes(first, replace(second, scores=later))
    told = found[found["reliable"]]
    right = told.index.get_level_values("phase") == first.scores.columns[0]
    # an error of about 13 points: half of the changes of 60 are told, few others
    assert 7 <= right.sum() <= 20
    assert (~right).sum() <= 2
    # those that are told were chosen for their size: the interval holds the truth all the same
    assert told[right]["change"].mean() > 64
    assert told[right]["low"].between(0, 60).all()
    assert (told[right]["high"] > 60).all()
    assert (found["low"].gt(0) | found["high"].lt(0)).equals(found["reliable"])
    alone = wave_scores(first.scores, pd.Series(first.scores.index, first.scores.index))
    assert reliable_changes(alone, alone).empty


def test_a_change_of_one_unit_has_to_be_reliable_without_the_mix_of_roles_too(unchanged):
    first, second = unchanged
    later = second.scores.copy()
    later.iloc[:20] += 60.0  # of whom others answered, who score 60 points higher
    found = reliable_changes(first, replace(second, scores=later), besides=[unchanged])
    by_scores = reliable_changes(first, replace(second, scores=later))
    assert by_scores["reliable"].sum() >= 50
    assert found["reliable"].sum() <= 1
    pd.testing.assert_frame_equal(
        found.drop(columns="reliable"), by_scores.drop(columns="reliable")
    )
    turned = first, replace(second, scores=second.scores - 60.0)
    other_way = reliable_changes(first, replace(second, scores=later), besides=[turned])
    assert not other_way["reliable"][by_scores["change"] > 0].any()
    nothing_known = [one.only(one.scores.index[:0]) for one in unchanged]
    assert not reliable_changes(first, replace(second, scores=later), besides=[nothing_known])[
        "reliable"
    ].any()


def test_tables_of_pairs_of_waves_stand_under_each_other():
    shares = np.array([[0.4, 0.1], [0.0, 0.5]])
    samples = np.repeat(shares[None], 20, axis=0)
    shift = pd.Series({"AG": 0.0})
    change = Change.of(Finding.UNCHANGED, 50, 1.0, 0.5, shares, samples, shift)
    both = {("2018", "2022"): change, ("2022", "2026"): change}
    tables = change_tables(both, {("2022", "2026"): replace(change, finding=Finding.CHANGED)})
    said = tables["change_tests"].filter(like="_attentive")
    assert said["finding_attentive"].tolist() == ["all_attentive", "changed"]
    assert said["any_attentive"].isna().tolist() == [True, False]
    assert tables["change_tests"].loc[("2022", "2026"), "finding"] == "unchanged"
    assert len(tables["moves"]) == 2 * 9
    assert tables["change_tests"].loc[("2018", "2022"), "any"] == pytest.approx(0.1)
    row = tables["moves"].loc[("2018", "2022", 2, 1)]
    # nobody was found to move, of 25: still as many may have as Wilson's interval says
    z2 = 1.959964**2
    assert row["probability_high"] == pytest.approx(z2 / (25 + z2), abs=1e-4)
    assert change_tables({}, {}) == {}


def test_intervals_are_those_of_as_many_units_as_samples_know_and_one_sided_without_a_verdict():
    shares, shift = np.array([[0.4, 0.1], [0.1, 0.4]]), pd.Series({"AG": 0.0})
    rng = np.random.default_rng(3)
    # profiles of 200 units that are known as well as 50 would be
    samples = rng.multinomial(50, shares.ravel(), size=4000).reshape(-1, 2, 2) / 50

    def told(finding):
        change = Change.of(finding, 200, 1.0, 0.5, shares, samples, shift)
        return change.moved.loc["any"], change.moves.loc[(1, 2)], change.moves.loc[(1, 1)]

    moved, up, stay = told(Finding.CHANGED)
    by_50 = stats.binomtest(10, 50).proportion_ci(method="wilson")
    # the middle of Wilson's interval of 200 makes them a few more than 50
    assert moved["high"] == pytest.approx(by_50.high, abs=0.01)
    few = np.quantile(samples[:, [0, 1], [1, 0]].sum(axis=1), 0.025)
    assert moved["low"] == few < by_50.low
    assert up["probability_low"] > 0
    assert stay["probability_high"] < 1
    moved, up, stay = told(Finding.ROUGH)
    assert moved["low"] == up["probability_low"] == 0
    assert stay["probability_high"] == 1
    limit = stats.binomtest(10, 50).proportion_ci(0.90, method="wilson").high
    assert moved["high"] == pytest.approx(limit, abs=0.01)
    # a verdict that may have gone the other way leaves the limit where it was
    assert told(Finding.UNCHANGED)[0]["high"] == pytest.approx(by_50.high, abs=0.01)


def test_units_that_were_not_divided_have_nowhere_to_move(unchanged):
    found = undivided(*unchanged, n_draws=99)
    assert found.finding == Finding.UNDIVIDED
    assert found.n_units == 150
    assert not found.moved["share"].any()
    assert undivided(unchanged[0], unchanged[0]).finding == Finding.IDENTICAL


@pytest.fixture(scope="module")
def of_two_kinds():
    """A wave in which respondents of the first 40 units differ twice as much; one has but half."""
    rng = np.random.default_rng(19)
    unit = np.repeat(np.arange(60), rng.integers(1, 6, 60))
    spread = np.where(unit < 40, 20.0, 10.0)[:, None]
    persons = pd.DataFrame(50 + spread * rng.standard_normal((len(unit), 2)), columns=["AG", "EX"])
    persons.loc[rng.random(len(persons)) < 0.2, "EX"] = np.nan
    units = pd.Series(unit, persons.index)
    return wave_scores(persons, units)


def test_respondents_err_as_those_of_the_likeliest_profile_and_of_few_as_all(of_two_kinds):
    wave, rng = of_two_kinds, np.random.default_rng(20)
    own = np.where(wave.scores.index < 40, 0, 1)
    errors = RespondentErrors.of(wave, own)
    theirs = wave.deviations[wave.units < 40].to_numpy()
    assert len(theirs) >= FEWEST_DEVIATIONS > (wave.units >= 40).sum()
    of_first = [errors.draw(own * 0, rng) for _ in range(20)]
    of_few = [errors.draw(own * 0 + 1, rng) for _ in range(20)]
    assert set(map(tuple, np.concatenate(of_first))) == set(map(tuple, theirs))
    assert set(map(tuple, np.concatenate(of_few))) == set(map(tuple, wave.deviations.to_numpy()))


def test_drawn_errors_are_means_and_scatter_of_as_many_respondents_as_told(of_two_kinds):
    wave, rng = of_two_kinds, np.random.default_rng(21)
    errors = RespondentErrors.of(wave, np.zeros(len(wave.scores), dtype=int))
    profile = np.zeros(len(wave.scores), dtype=int)
    drawn = errors.draw(profile, rng)
    counts = wave.error.n_respondents.to_numpy()
    unit = np.repeat(np.arange(len(counts)), counts.max(axis=1))
    for i, n in enumerate(counts):
        rows = drawn[unit == i]
        for phase in range(2):
            told = rows[: n[phase], phase]
            expected = told.mean() if len(told) else 0.0
            assert errors.means(drawn)[i, phase] == pytest.approx(expected)
    again = measurement_error(pd.DataFrame(drawn), pd.Series(unit))
    np.testing.assert_allclose(errors.scatter(drawn), again.scatter.sum(axis=0), rtol=1e-9)


def test_means_of_drawn_errors_vary_as_the_error_of_the_wave_says(unchanged):
    wave, rng = unchanged[0], np.random.default_rng(22)
    profile = np.zeros(len(wave.scores), dtype=int)
    errors = RespondentErrors.of(wave, profile)
    means = np.stack([errors.means(errors.draw(profile, rng)) for _ in range(400)])
    products = np.einsum("bnp,bnq->npq", means, means) / 400
    np.testing.assert_allclose(
        products.mean(axis=0), wave.error.covariances().mean(axis=0), rtol=0.03
    )


def test_what_workers_are_sent_leaves_out_respondents_and_nothing_that_is_fitted(unchanged):
    whole = TwoWaves.of(*unchanged)
    lean = whole.lean()
    assert [len(wave.deviations) + len(wave.units) for wave in lean.waves] == [0, 0]
    assert all(len(wave.deviations) for wave in whole.waves)
    assert [getattr(lean, part) is getattr(whole, part) for part in ("values", "noise")] == [
        True
    ] * 2
    weights = np.random.default_rng(23).integers(0, 3, (whole.n_units, 2)).astype(float)
    for ours, theirs in zip(lean.waves, whole.waves, strict=True):
        np.testing.assert_array_equal(
            ours.error.resampled(weights), theirs.error.resampled(weights)
        )
    assert len(pickle.dumps(lean)) < len(pickle.dumps(whole))


def test_errors_with_heavy_tails_make_no_single_unit_change():
    rng, told = np.random.default_rng(3), []
    units = pd.Series(np.repeat(np.arange(150), rng.integers(1, 4, 150)))
    for _ in range(40):
        waves = [
            wave_scores(pd.DataFrame(50 + 10 * rng.standard_t(4, (len(units), 5))), units)
            for _ in range(2)
        ]
        told.append(reliable_changes(*waves)["reliable"].any())
    # beside a normal distribution one unit or more changed in 29 of these
    assert sum(told) <= 2


def test_a_large_change_of_single_units_is_found_where_errors_are_normal():
    rng = np.random.default_rng(4)
    units = pd.Series(np.repeat(np.arange(150), 5))
    higher = 40.0 * (units < 8).to_numpy()[:, None]
    waves = [
        wave_scores(pd.DataFrame(30 + more + rng.normal(0, 15, (len(units), 5))), units)
        for more in (0.0, higher)
    ]
    found = reliable_changes(*waves)["reliable"]
    changed = found.index[found].get_level_values("unit")
    assert set(changed) <= set(range(8))
    assert len(changed) >= 15
