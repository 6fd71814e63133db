"""Items that change on their own between waves: seldom seen where none did, found where one did."""

from dataclasses import replace

import item_drift as benchmark
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import FactorAnalysis

from cycle_analysis.measurement.item_analysis import drift_of, factor_loadings, item_drift
from cycle_analysis.responses.coded import erratic
from cycle_analysis.simulate import FOUR, Answering, Continuum


def studies(truth, n):
    """Tables of n studies of a cell of the benchmark, of 150 units each."""
    for study in range(n):
        rng = np.random.default_rng([7, study])
        waves = benchmark.draw_waves(benchmark.CELLS[truth], rng)
        yield benchmark.weigh_waves(waves, 100, study)


def surveys(seed=1, n=60, later=None):
    rng = np.random.default_rng(seed)
    states = Continuum()(n, rng)
    answering = Answering(respondents=(2,))
    return answering(states, rng), (later or answering)(states, rng)


def weighed(first, second, items=None, **options):
    answers = {"2018": first.answers, "2022": second.answers}
    units = {"2018": first.units, "2022": second.units}
    own = first.items if items is None else items
    return item_drift(answers, own, units, **options).loc[("2018", "2022")]


def test_chance_gets_no_more_chances_by_more_waves():
    rng = np.random.default_rng(5)
    states = Continuum()(60, rng)
    waves = {wave: Answering()(states, rng) for wave in range(3)}
    answers = {wave: survey.answers for wave, survey in waves.items()}
    units = {wave: survey.units for wave, survey in waves.items()}
    table = item_drift(answers, waves[0].items, units, 100)
    first = table["p"].idxmin()
    assert table.loc[first, "p_holm"] == pytest.approx(50 * table.loc[first, "p"])


def test_careless_answers_in_one_wave_make_no_item_drift():
    """Of answers by lot easy items fall and difficult ones rise."""
    asked, found = Answering(range(1, 7), 18.0, item_spread=30.0), []
    for seed in range(8):
        rng = np.random.default_rng([4, seed])
        states = FOUR(150, rng)
        waves = {"2018": asked, "2022": replace(asked, careless=0.15)}
        waves = {wave: answering(states, rng) for wave, answering in waves.items()}
        careless = {wave: erratic(one.answers, one.items) for wave, one in waves.items()}
        tables = [weighed(*waves.values(), careless=flags, seed=seed) for flags in (None, careless)]
        found.append([table["drifted"].any() for table in tables])
    raw, told = np.sum(found, axis=0)
    assert raw >= 3
    assert told <= 1
    everybody = {wave: flags | True for wave, flags in careless.items()}
    assert not weighed(*waves.values(), careless=everybody)["drifted"].any()


def test_drift_is_what_the_median_move_does_not_explain():
    # Δ / λ = 0.5, 0.5, 0.75, -1: the median is 0.5, and 30 points of loading move by 15.
    changes, loadings = np.array([[5.0, 10.0, 22.5, -4.0]]), np.array([[10.0, 20.0, 30.0, 4.0]])
    np.testing.assert_allclose(drift_of(changes, loadings), [[0.0, 0.0, 7.5, -6.0]])


def test_loadings_are_exact_where_one_factor_fits_exactly():
    loadings = np.array([[12.0, 9.0, 15.0, 6.0], [20.0, 18.0, -5.0, 11.0]])
    own = np.array([[100.0, 300.0, 40.0, 200.0], [150.0, 10.0, 90.0, 60.0]])
    covariances = loadings[:, :, None] * loadings[:, None, :] + own[:, :, None] * np.eye(4)
    np.testing.assert_allclose(factor_loadings(covariances), loadings, atol=1e-3)


def test_loadings_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    trait, noise = rng.normal(size=(4, 250, 1)), rng.normal(size=(4, 250, 5))
    values = trait * [20, 15, 18, 10, 16] + noise * [15, 20, 18, 20, 15]
    covariances = np.stack([np.cov(sample.T, ddof=0) for sample in values])
    for sample, found in zip(values, factor_loadings(covariances), strict=True):
        peer = FactorAnalysis(1, tol=1e-12, max_iter=20000, svd_method="lapack").fit(sample)
        # Both climb the likelihood, ours until shares of variance move by 1e-6.
        np.testing.assert_allclose(found, np.abs(peer.components_[0]), atol=1e-3)


def test_loadings_are_unknown_where_covariances_are_or_an_item_has_no_variance():
    known = 0.5 + 0.5 * np.eye(4)
    flat = known * np.outer([1, 1, 1, 0], [1, 1, 1, 0])
    found = factor_loadings(np.stack([known, np.full((4, 4), np.nan), flat]))
    np.testing.assert_allclose(found[0], np.sqrt(0.5), atol=1e-3)
    assert np.isnan(found[1:]).all()


# of one item that moved, too, the innocent ones beside it are counted
@pytest.mark.parametrize("truth", ["nothing", "halo, falling response, level +8"])
def test_innocent_items_are_seldom_said_to_have_drifted(truth):
    found = [table["drifted"].any() for table in studies(truth, 40)]
    assert np.mean(found) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 40)


def test_an_item_that_moved_alone_is_found_with_its_points():
    truth = "one item +8, level +8"
    tables = list(studies(truth, 40))
    moved = pd.DataFrame([table.loc["AG1"] for table in tables])
    innocent = np.mean([table["drifted"].drop("AG1").any() for table in tables])
    assert moved["drifted"].mean() >= 0.7
    assert moved["drift"].mean() == pytest.approx(benchmark.true_drift(truth), abs=1)
    assert innocent <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 40)


def test_the_change_of_a_phase_without_such_items_is_told():
    first, second = surveys()
    second.answers["EX2"] = (second.answers["EX2"] + 1).clip(upper=4)
    table = weighed(first, second)
    assert table.index[table["drifted"]].tolist() == ["EX2"]
    own = table[table["phase"] == "EX"]["change"]
    without = own.drop("EX2").mean() - own.mean()
    np.testing.assert_allclose(table.loc[table["phase"] == "EX", "without"], without)
    assert (table.loc[table["phase"] != "EX", "without"] == 0).all()
    low, drift, high = table.loc["EX2", ["low", "drift", "high"]]
    assert 0 < low < drift < high


@pytest.mark.parametrize("wave", [0, 1])
@pytest.mark.parametrize("kind", ["turned", "at random"])
def test_an_item_that_goes_along_with_its_phase_in_one_wave_only_is_told(wave, kind):
    both, rng = surveys(), np.random.default_rng(3)
    own = both[wave].answers["EX2"]
    both[wave].answers["EX2"] = 4 - own if kind == "turned" else rng.permutation(own)
    table = weighed(*both)
    assert table.index[table["unlike"]].tolist() == ["EX2"]
    assert not table["drifted"].any(), "its mean tells nothing"


@pytest.mark.parametrize("truth", ["nothing", "halo, falling response, level +8"])
def test_innocent_items_are_not_said_to_go_unlike_before(truth):
    assert not any(table["unlike"].any() for table in studies(truth, 20))


def test_a_reversed_item_is_turned_and_order_and_names_of_units_do_not_matter():
    first, second = surveys()
    turned = first.items.assign(reversed=first.items.index == "AG2")
    table = weighed(first, second)
    mixed = [
        replace(
            survey,
            answers=survey.answers.assign(AG2=4 - survey.answers["AG2"]).sample(
                frac=1, random_state=1
            ),
        )
        for survey in (first, second)
    ]
    pd.testing.assert_frame_equal(weighed(*mixed, items=turned), table)


def test_missing_answers_leave_what_is_known():
    first, second = surveys(later=Answering(respondents=(2,), blank=0.2))
    second.answers["AG3"] = (second.answers["AG3"] + 2).clip(upper=4)
    table = weighed(first, second)
    assert table.index[table["drifted"]].tolist() == ["AG3"]
    assert table.loc["AG3", "n_after"] == second.answers["AG3"].notna().sum()


def test_phases_of_two_items_and_items_without_variance_or_answers_are_not_tested():
    first, second = surveys()
    for survey in (first, second):
        survey.answers["EX1"] = 2.0
    second.answers["VB1"] = np.nan
    table = weighed(first, second, items=first.items.drop(index=["AG1", "AG2", "AG3"]))
    untested = table.index[table["p"].isna()]
    assert untested.tolist() == ["AG4", "AG5", "EX1", "VB1"]
    assert not table["drifted"].any()
    assert table["p"].median() > 0.2
    assert table.loc["EX1", "change"] == 0
    assert table.loc["VB1", "n_after"] == 0


def test_an_item_without_variance_does_not_hide_that_another_drifted():
    first, second = surveys()
    for survey in (first, second):
        survey.answers["EX1"] = 2.0
    second.answers["EX2"] = (second.answers["EX2"] + 1).clip(upper=4)
    table = weighed(first, second)
    assert table.index[table["drifted"]].tolist() == ["EX2"]
    own = table[table["phase"] == "EX"]["change"]
    assert table.loc["EX3", "without"] == pytest.approx(own.drop("EX2").mean() - own.mean())


def test_the_same_answers_twice_do_not_drift_and_one_wave_gives_no_rows():
    first, _ = surveys()
    table = weighed(first, first)
    assert not table["drifted"].any()
    np.testing.assert_allclose(table["drift"], 0, atol=1e-9)
    one = item_drift({"2018": first.answers}, first.items, {"2018": first.units})
    assert one.empty
    assert one.index.names == ["wave_from", "wave_to", "item"]


def test_too_few_samples_are_refused():
    first, second = surveys()
    with pytest.raises(ValueError, match="99 samples of units tell no chance"):
        weighed(first, second, n_samples=99)
