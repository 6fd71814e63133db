"""A division is made once, saved as tables, and comes back as it was."""

import numpy as np
import pandas as pd
import pytest
from shared import four_profiles, one_continuum

from cycle_analysis.mixtures import EEE, EEI, VVI
from cycle_analysis.problems import InputError
from cycle_analysis.profiles import ward_kmeans
from cycle_analysis.profiles.division import (
    TABLES,
    Division,
    choose_division,
    divide,
    division_tables,
    read_division,
    read_partition,
)
from cycle_analysis.profiles.selection import choose, compare, fit_models
from cycle_analysis.profiles.typology import members
from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.results import write_table

SCORES, _ = four_profiles(80)
SCORES.iloc[::7, 2] = np.nan
MODELS = [EEI, VVI, EEE]
FITS = fit_models(SCORES, 4, MODELS, n_starts=5)


def saved(division, partition):
    """The tables of a division as somebody else loads them."""
    tables = division_tables(division, partition)
    assert tuple(tables) == TABLES
    return {name: write_table(name, table).table for name, table in tables.items()}


@pytest.mark.parametrize("model", [model.name for model in MODELS])
@pytest.mark.parametrize("k", [1, 4])
def test_latent_profiles_come_back_with_their_probabilities(model, k):
    division = Division("latent profiles", model, k)
    partition = divide(SCORES, division, FITS)
    tables = saved(division, partition)
    again = read_partition(SCORES, tables)
    assert read_division(tables["division"]) == division
    assert again.mixture.outcome.n_replicated == partition.mixture.outcome.n_replicated
    assert str(again) == str(partition)
    for one, other in ((again, partition), (again.only(SCORES.index[5:]), partition)):
        units = one.scores.index
        pd.testing.assert_series_equal(one.labels, other.labels[units])
        pd.testing.assert_frame_equal(one.posteriors, other.posteriors.loc[units], atol=2e-6)
    # what is saved has six decimals
    pd.testing.assert_frame_equal(members(again), members(partition), atol=2e-6)


def test_levels_and_methods_without_a_mixture_come_back():
    scores = one_continuum(60)
    for division, partition in (
        (Division("levels", "", 3), divide(scores, Division("levels", "", 3), {})),
        (Division("ward", "", 4), ward_kmeans(scores, 4)),
    ):
        again = read_partition(scores, saved(division, partition))
        pd.testing.assert_series_equal(again.labels, partition.labels)
        assert again.posteriors is None
        assert (again.k, again.method) == (partition.k, partition.method)


def test_units_are_divided_by_the_very_model_that_was_compared():
    table = compare(SCORES, 4, MODELS, fits=FITS)
    choice = choose(table)
    partition = divide(SCORES, choose_division(choice.method, choice.k, Verdict.SEPARATE), FITS)
    row = table.set_index(["method", "k"]).loc[(choice.method, choice.k)]
    assert partition.mixture.log_likelihood == row["log_likelihood"]
    pd.testing.assert_frame_equal(table, compare(SCORES, 4, MODELS, n_starts=5))


@pytest.mark.parametrize(
    ("verdict", "asked", "expected"),
    [
        (Verdict.SEPARATE, {}, Division("latent profiles", "EEI", 4)),
        (Verdict.OVERLAPPING, {}, Division("latent profiles", "EEI", 4)),
        (Verdict.STRUCTURE, {}, Division("latent profiles", "EEI", 1)),
        (Verdict.BENT, {}, Division("latent profiles", "EEI", 1)),
        (Verdict.CONTINUUM, {"n_levels": 5}, Division("levels", "", 5)),
        (Verdict.NO_STRUCTURE, {}, Division("latent profiles", "EEI", 1)),
        (Verdict.IDENTICAL, {}, Division("latent profiles", "EEI", 1)),
        (Verdict.CONTINUUM, {"n_profiles": 2}, Division("latent profiles", "EEI", 2)),
        (Verdict.NO_STRUCTURE, {"n_profiles": 2}, Division("latent profiles", "EEI", 2)),
    ],
)
def test_units_are_divided_as_far_as_the_verdict_allows_or_as_asked(verdict, asked, expected):
    assert choose_division("EEI", 4, verdict, **asked) == expected


def test_more_profiles_than_can_be_are_refused():
    with pytest.raises(InputError, match=r"n_profiles: '9': is more than .* Allowed: 0-4"):
        divide(SCORES, Division("latent profiles", "EEI", 9), FITS)


def test_a_division_of_other_units_is_refused():
    division = Division("latent profiles", "EEI", 4)
    tables = saved(division, divide(SCORES, division, FITS))
    with pytest.raises(InputError, match=r"GM0000.*holds other units.*Run notebook 04 again"):
        read_partition(SCORES.iloc[1:], tables)


def test_another_method_in_the_headline_is_one_name_and_its_function(monkeypatch):
    monkeypatch.setattr("cycle_analysis.profiles.division.HEADLINE", "Ward + k-means")
    scores = SCORES.dropna()
    division = choose_division("", 4, Verdict.SEPARATE)
    partition = divide(scores, division, {})
    assert partition.method == "Ward + k-means"
    again = read_partition(scores, division_tables(division, partition))
    assert again.labels.equals(partition.labels)
    assert division.method()(scores, 4).labels.equals(partition.labels)
