"""The verdict: forms without groups that must lose, valleys that must be there, and its grades."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from shared import PHASES, four_profiles
from surveys import arch, at_distance, between, cumulative, mixed, plane, scarcer, window
from verdict import one_survey
from verdict import scores_of as surveyed

from cycle_analysis.profiles.selection import Choice, fit_models
from cycle_analysis.profiles.valleys import find_valleys, no_valleys
from cycle_analysis.profiles.verdict import (
    ALPHA,
    EASED,
    Evidence,
    Verdict,
    fit_rivals,
    n_dimensions,
    verdict_table,
    warnings_of,
    weigh,
)
from cycle_analysis.simulate import FOUR, Answering, Continuum
from cycle_analysis.simulate.worlds import World, even, normal

QUICK = {"n_replicates": 99, "n_starts": 10}
ASK = Answering((3,), 15.0)
CLOSE = Answering((6,), 10.0, item_sd=15.0)


def scores_of(world: World, answering: Answering, n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return answering(world(n, rng), rng).scores


@pytest.fixture(scope="module")
def clear() -> Evidence:
    """Four profiles eight spreads apart."""
    return weigh(scores_of(at_distance(FOUR, 8), CLOSE, 100, 1), 6, **QUICK)


def test_four_clear_profiles_are_separate_and_valleys_divide_all_of_them(clear):
    assert clear.verdict is Verdict.SEPARATE
    assert (clear.choice.k, clear.valleys.k_apart) == (4, 4)
    row = verdict_table(clear).loc["verdict"]
    assert (row["verdict"], row["p"], row["k_apart"]) == ("separate", 0.01, 4)


@pytest.mark.parametrize("n", [40, 60])
def test_no_rival_has_more_parameters_than_half_as_many_as_there_are_units(n):
    scores = scores_of(FOUR, CLOSE, n, 3)
    fits = fit_models(scores, 2, n_starts=2)
    rivals = fit_rivals(scores, fits, fits["EEI", 2])
    tails = "skewed cloud, tails (EEE)"
    assert max(rival.n_parameters for rival in rivals) <= n / 2
    assert any(rival.model.name == tails for rival in rivals) == (n == 60)


@pytest.fixture(scope="module")
def windowed() -> Evidence:
    """Phases that rise and fall along one course."""
    return weigh(scores_of(Continuum(window, even, spread=6), CLOSE, 200, 5), 6, **QUICK)


BENT = {
    "achieved": (Continuum(partial(window, current=2), even, spread=8), ASK, None),
    "arch": (Continuum(partial(arch, bend=20.0), even, spread=6), ASK, None),
    "steep": (Continuum(cumulative, even, spread=5), CLOSE, Verdict.CONTINUUM),
    "line": (Continuum(), ASK, Verdict.CONTINUUM),
    "plane": (Continuum(plane, dimensions=2, spread=6), ASK, Verdict.STRUCTURE),
    "ideal types": (Continuum(between, mixed, 5.0, dimensions=3), ASK, Verdict.STRUCTURE),
}


@pytest.mark.parametrize("name", BENT)
def test_no_continuum_is_taken_for_profiles_however_bent(name):
    world, answering, verdict = BENT[name]
    evidence = weigh(scores_of(world, answering, 200, 5), 6, **QUICK)
    assert not evidence.verdict.found
    assert verdict in (None, evidence.verdict)


def test_a_window_is_one_bent_course_though_bic_alone_announces_profiles(windowed):
    assert windowed.verdict is Verdict.BENT
    assert windowed.choice.k > 2
    assert windowed.lead < -20
    assert windowed.form == "curve"


def test_a_line_on_which_early_phases_fall_is_no_scale_from_less_to_more():
    def early_against_late(at, p):
        return 50 + 20 * at * np.linspace(1, -1, p)

    scores = scores_of(Continuum(early_against_late, normal, spread=5), CLOSE, 120, 2)
    evidence = weigh(scores, 4, n_starts=5, n_replicates=19)
    assert (evidence.verdict, evidence.form) == (Verdict.BENT, "line")


def test_the_course_of_a_window_tells_each_phase_where_it_peaks(windowed):
    assert windowed.course[list(PHASES)].idxmax().is_monotonic_increasing
    assert windowed.course["share"].sum() == pytest.approx(1)


def test_independent_phases_have_no_structure():
    scores = pd.DataFrame(np.random.default_rng(4).normal(50, 10, (120, 5)), columns=PHASES)
    evidence = weigh(scores, 5, **QUICK)
    assert evidence.n_dimensions == 0
    assert evidence.verdict is Verdict.NO_STRUCTURE


def test_units_that_differ_in_how_far_they_go_to_the_ends_of_scales_are_no_profiles():
    rng = np.random.default_rng(8)
    values = 50 + rng.uniform(0.3, 2.2, (200, 1)) * rng.normal(0, 17, (200, 5))
    scores = pd.DataFrame((values / 5).round().clip(0, 20) * 5, columns=list(PHASES))
    evidence = weigh(scores, 6, **QUICK)
    assert evidence.choice.k > 1, "BIC alone announces profiles"
    assert evidence.rivals.index[0] == "2 concentric clouds (VVI)"
    assert evidence.verdict is Verdict.NO_STRUCTURE


@pytest.mark.parametrize("seed", range(3))
def test_phases_that_have_nothing_in_common_but_a_tail_upward_are_no_profiles(seed):
    rng = np.random.default_rng(seed)
    scores = pd.DataFrame(rng.lognormal(3.4, 0.6, (200, 5)).clip(0, 100), columns=list(PHASES))
    evidence = weigh(scores, 6, **QUICK)
    assert evidence.choice.k > 1, "BIC alone announces profiles"
    assert evidence.rivals.index[0].startswith("skewed cloud")
    assert evidence.lead < -20
    assert evidence.verdict is Verdict.NO_STRUCTURE


@pytest.mark.parametrize("survey", [17, 84])
def test_dimensions_that_are_skewed_are_no_profiles(survey):
    """Before a cloud skewed along its own axes was a rival, both were overlapping profiles."""
    row = one_survey("three dimensions, skewed", 150, survey)
    assert row["k"] > 1, "BIC alone announces profiles"
    assert not Verdict(row["verdict"]).found


@pytest.mark.parametrize(
    ("window", "verdict", "k_apart"), [(False, "separate", 2), (True, "structure", 1)]
)
def test_valleys_of_profiles_that_overlap_in_any_case_are_deep_at_a_level_of_a_tenth(
    window, verdict, k_apart
):
    scores = surveyed("three, 60/30/10, d = 4", 100, 8)
    evidence = weigh(scores, 4, window=window, n_starts=20, seed=8)
    assert ALPHA < evidence.valleys.p <= EASED
    assert (evidence.verdict.value, evidence.valleys.k_apart) == (verdict, k_apart)


@pytest.mark.parametrize("seed", range(3))
def test_phases_that_have_nothing_in_common_and_lie_evenly_between_two_ends_are_no_profiles(seed):
    scores = np.random.default_rng(seed).uniform(20, 80, (150, 5))
    evidence = weigh(pd.DataFrame(scores, columns=list(PHASES)), 6, **QUICK)
    assert not evidence.verdict.found


def test_phases_that_the_scarcer_of_two_means_holds_back_are_no_profiles():
    world = Continuum(scarcer, spread=5.0, dimensions=2)
    evidence = weigh(scores_of(world, CLOSE, 350, 1), 6, **QUICK)
    assert evidence.choice.k > 1, "BIC alone announces profiles"
    assert evidence.rivals.index[0].endswith("own axes")
    assert not evidence.verdict.found


def test_a_line_on_which_the_lower_half_is_known_by_fewer_respondents_is_no_profiles():
    rng = np.random.default_rng(1)
    level = rng.normal(0, 20, (400, 1))
    error = np.where(level < 0, 20.0, 7.0)
    scores = pd.DataFrame(50 + level + error * rng.normal(0, 1, (400, 5)), columns=list(PHASES))
    evidence = weigh(scores, 6, **QUICK)
    assert evidence.choice.k > 1, "BIC alone announces profiles"
    assert evidence.rivals.index[0] == "line (normal positions, spread 3)"
    assert evidence.verdict is Verdict.CONTINUUM


def test_heaps_of_scores_with_seven_steps_are_no_profiles():
    found = []
    for seed in range(2):
        rng = np.random.default_rng([9, seed])
        values = 50 + 16 * rng.standard_normal((200, 1)) + rng.normal(0, 16, (200, 5))
        scores = pd.DataFrame((values * 6 / 100).round().clip(0, 6) * 100 / 6, columns=list(PHASES))
        found.append(weigh(scores, 6, **QUICK).verdict)
    assert not any(verdict.found for verdict in found)


def test_two_sets_of_phases_have_two_dimensions():
    rng = np.random.default_rng(5)
    early, late = rng.standard_normal((2, 200, 1))
    values = np.hstack([early, early, early, late, late, late])
    assert n_dimensions(pd.DataFrame(50 + 15 * values + rng.normal(0, 6, values.shape))) == 2


def graded(evidence: Evidence, **changed: object) -> Verdict:
    """Give the verdict with other evidence; `apart` stands for valleys, the others for a rival."""
    evidence = replace(evidence, steps_lead=changed.pop("steps_lead", -50.0))
    row = {
        "form": changed.pop("form", "line"),
        "bic_lead": changed.pop("lead", 20.0),
        "held_out": changed.pop("held_out", 5.0),
        "held_out_error": 2.0,
    }
    rivals = pd.DataFrame([row], pd.Index(["rival"], name="rival"))
    valleys = evidence.valleys if changed.pop("apart", True) else no_valleys(range(1, 5))
    return replace(evidence, rivals=rivals, valleys=valleys, **changed).verdict


GRADES = [
    ({}, Verdict.SEPARATE),
    ({"apart": False}, Verdict.OVERLAPPING),
    ({"apart": False, "lead": 6.1}, Verdict.OVERLAPPING),
    ({"apart": False, "lead": 6.0}, Verdict.STRUCTURE),
    ({"apart": False, "lead": 10.1, "choice": Choice(2, "EEI")}, Verdict.OVERLAPPING),
    ({"apart": False, "lead": 10.0, "choice": Choice(2, "EEI")}, Verdict.STRUCTURE),
    ({"apart": False, "held_out": -1.9}, Verdict.OVERLAPPING),
    ({"apart": False, "held_out": -2.1}, Verdict.CONTINUUM),
    ({"lead": -30.0}, Verdict.CONTINUUM),
    ({"lead": -30.0, "form": "curve", "ascent": 0.2}, Verdict.BENT),
    ({"lead": -30.0, "form": "curve", "ascent": 0.95}, Verdict.CONTINUUM),
    ({"lead": -30.0, "form": "plane", "n_dimensions": 2}, Verdict.STRUCTURE),
    ({"lead": 5.0, "held_out": -3.0, "apart": False}, Verdict.CONTINUUM),
    ({"lead": -30.0, "steps_lead": 8.0}, Verdict.SEPARATE),
    ({"lead": 5.0}, Verdict.STRUCTURE),
    ({"lead": -30.0, "steps_lead": 30.0, "apart": False}, Verdict.CONTINUUM),
    ({"lead": -30.0, "n_dimensions": 0}, Verdict.NO_STRUCTURE),
    ({"warnings": ("heaped",)}, Verdict.OVERLAPPING),
    ({"warnings": ("heaped",), "apart": False}, Verdict.STRUCTURE),
    ({"window": True}, Verdict.SEPARATE),
    ({"window": True, "apart": False}, Verdict.STRUCTURE),
    ({"choice": Choice(1, "EEE")}, Verdict.CONTINUUM),
]


@pytest.mark.parametrize(("changed", "verdict"), GRADES)
def test_the_grade_follows_the_evidence(clear, changed, verdict):
    assert graded(clear, **dict(changed)) is verdict


def test_what_lowers_a_verdict_is_told_and_nothing_where_nothing_was_lowered(clear):
    doubtful = replace(clear, warnings=("heaped",), window=True)
    assert doubtful.lowered_by == ("heaped",)  # there are valleys to show for it
    shades = replace(doubtful, valleys=no_valleys(range(1, 5)))
    assert shades.lowered_by == ("heaped", "window")
    line = replace(doubtful, choice=Choice(1, "EEE"))
    assert line.lowered_by == ()
    assert verdict_table(line).loc["verdict", ["warnings", "lowered_by"]].tolist() == ["heaped", ""]


def test_a_line_is_told_unless_another_form_is_clearly_better(clear):
    rivals = pd.DataFrame({"form": ["plane", "line"], "bic_lead": [-40.0, -33.0]})
    near = replace(clear, rivals=rivals.assign(held_out=0.0))
    assert (near.form, near.form_lead) == ("line", -33.0)  # not the lead on the plane
    rivals["bic_lead"] = [-40.0, -20.0]
    assert replace(clear, rivals=rivals.assign(held_out=0.0)).form == "plane"


def test_what_makes_a_verdict_doubtful_is_told_by_code():
    scores = pd.DataFrame({"AG": [0.0] * 30 + list(range(70)), "EX": [0.0, 10, 20, 30, 40] * 20})
    assert list(warnings_of(scores, Choice(4, "VVI", flags=("at_floor",)), 4)) == [
        *("most_profiles", "at_floor", "few_values"),
    ]
    more = scores.assign(EX=[0.0, 5, 10, 15, 20, 25, 30, 35, 40, 45] * 10)
    assert list(warnings_of(more, Choice(2, "EEI"), 4)) == []
    heap = scores.assign(EX=scores["AG"])
    assert list(warnings_of(heap, Choice(2, "EEI"), 4)) == ["heaped"]


def test_identical_units_run_and_leave_nothing_to_divide():
    evidence = weigh(pd.DataFrame(0.0, index=range(40), columns=PHASES))
    assert evidence.verdict is Verdict.IDENTICAL
    assert verdict_table(evidence).loc["verdict", "k_apart"] == 1


def test_too_few_complete_units_are_refused_with_the_number():
    scores, _ = four_profiles(20)
    scores.iloc[5:, 0] = np.nan
    with pytest.raises(ValueError, match="5 of 20 units have all their scores: too few"):
        weigh(scores)


def test_one_phase_is_not_enough():
    with pytest.raises(ValueError, match="two phases or more"):
        weigh(four_profiles(40)[0][["AG"]])


def test_the_order_of_rows_does_not_change_the_evidence():
    scores = scores_of(BENT["line"][0], ASK, 80, 3)
    one, two = (weigh(table, 3, **QUICK) for table in (scores, scores.sample(frac=1)))
    assert one.lead == pytest.approx(two.lead, abs=1e-6)
    assert one.verdict is two.verdict


# Valleys


def test_groups_far_apart_are_apart_and_one_cloud_cut_in_two_is_not():
    rng = np.random.default_rng(1)
    cloud = pd.DataFrame(rng.normal(50, 10, (150, 4)))
    cut = (cloud[0] > 50).astype(int) + 1
    assert find_valleys(cloud, cut).k_apart == 1
    moved = cloud.add(60.0 * (cut - 1), axis=0)
    valleys = find_valleys(moved, cut)
    assert valleys.k_apart == 2
    assert valleys.p == pytest.approx(1 / 200)
    assert valleys.edges["ratio"].item() < 0.05


def test_units_that_are_all_alike_within_their_groups_have_a_valley_that_cannot_be_tested():
    scores = pd.DataFrame(np.repeat([[10.0, 20.0], [80.0, 70.0]], 20, axis=0))
    valleys = find_valleys(scores, pd.Series(np.repeat([1, 2], 20)))
    assert valleys.edges["depth"].item() > 50
    assert 0 < valleys.p <= 1  # on two values a filled valley looks the same


def test_two_of_three_groups_that_shade_into_each_other_stay_together():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (180, 3))
    values[60:120, 0] += 1.5
    values[120:, 0] += 12
    labels = pd.Series(np.repeat([1, 2, 3], 60))
    groups = find_valleys(pd.DataFrame(values), labels).groups
    assert groups[1] == groups[2] != groups[3]


def test_a_group_too_small_to_be_tested_is_not_counted_as_apart():
    rng = np.random.default_rng(2)
    labels = pd.Series(np.repeat([1, 2, 3], [80, 80, 14]))
    scores = pd.DataFrame(rng.normal(0, 1, (174, 3))).add(8.0 * labels, axis=0)
    valleys = find_valleys(scores, labels)
    assert valleys.k_apart == 2
    assert valleys.groups[1] != valleys.groups[2] == valleys.groups[3]


def test_a_small_group_that_shows_no_valley_does_not_join_two_large_ones():
    rng = np.random.default_rng(4)
    labels = pd.Series(np.repeat([1, 2, 3], [120, 60, 20]))
    middles = pd.DataFrame([[0.0, 0.0], [4.4, 0.0], [2.4, 3.2]], [1, 2, 3])
    scores = middles.loc[labels].reset_index(drop=True) + rng.normal(0, 1, (200, 2))
    valleys = find_valleys(scores, labels)
    assert valleys.edges["p"].max() == 1
    assert valleys.groups[1] != valleys.groups[2]


def test_the_ends_of_a_horseshoe_are_no_neighbours_across_the_void():
    angle = np.linspace(0, 1.6 * np.pi, 160)
    noise = np.random.default_rng(3).normal(0, 0.15, (160, 2))
    scores = pd.DataFrame(np.column_stack([np.sin(angle), np.cos(angle)]) + noise)
    labels = pd.Series(np.arange(160) // 40 + 1)
    valleys = find_valleys(scores, labels)
    assert valleys.k_apart == 1
    assert (1, 4) not in set(zip(valleys.edges["first"], valleys.edges["second"], strict=True))


def test_p_of_a_valley_is_no_smaller_than_chance_where_units_are_even():
    p = []
    for seed in range(40):
        even_line = np.random.default_rng(seed).uniform(0, 100, (100, 1))
        table = pd.DataFrame(even_line + np.random.default_rng([seed, 1]).normal(0, 8, (100, 3)))
        labels = (table.mean(axis=1) > 50).astype(int) + 1
        p.append(find_valleys(table, labels, n_replicates=49).p)
    # at most 5 % should lie under .05; of 40 more than 6 would be a chance of 1 in 100
    assert np.sum(np.array(p) <= 0.05) <= 6
