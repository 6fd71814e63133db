"""No withheld cell can be computed from what a table shows."""

import numpy as np
import pandas as pd
import pytest
from cycle_analysis.disclosure import (
    Suppressed,
    is_small_part,
    suppress_cells,
    suppress_counts,
    suppress_table,
)
from cycle_analysis.suppression import feasible_range
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

SHAPES = st.tuples(st.integers(2, 5), st.integers(2, 5))
COUNTS = st.integers(0, 30)
SHARE = st.sampled_from([0.0, 0.1, 0.5, 0.6, 0.9, 1.0])
TABLES = SHAPES.flatmap(lambda shape: arrays(np.int64, shape, elements=COUNTS))


def as_shown(table: Suppressed) -> np.ndarray:
    inner = np.column_stack([table.counts, table.rows])
    return np.vstack([inner, np.append(table.columns.to_numpy(), table.total)])


def with_totals(values: np.ndarray) -> np.ndarray:
    wide = np.column_stack([values, values.sum(axis=1)])
    return np.vstack([wide, wide.sum(axis=0)]).astype(float)


@given(TABLES, st.sampled_from([3, 5, 10]))
@settings(max_examples=60, deadline=None)
def test_every_withheld_cell_can_be_more_than_one_value_and_reach_the_threshold(values, smallest):
    shown = as_shown(suppress_table(pd.DataFrame(values), smallest))
    truth = with_totals(values)
    assert np.nanmax(np.abs(shown - truth), initial=0) == 0
    if truth[-1, -1] < smallest:
        return
    for cell in map(tuple, np.argwhere(np.isnan(shown))):
        low, high = feasible_range(shown, cell)
        assert low <= truth[cell] <= high
        assert high - low >= 1
        if truth[cell] < smallest:
            assert high >= smallest


@given(TABLES)
@settings(max_examples=40, deadline=None)
def test_no_cell_from_one_up_to_the_threshold_is_shown(values):
    shown = as_shown(suppress_table(pd.DataFrame(values), 5))
    assert not ((shown > 0) & (shown < 5)).any()


PARTS = TABLES.flatmap(
    lambda wholes: st.tuples(st.just(wholes), arrays(np.float64, wholes.shape, elements=SHARE))
)


@given(PARTS, st.sampled_from([3, 5]))
@example((np.full((2, 2), 6), np.full((2, 2), 0.9)), 5)
@example((np.array([[4, 0], [0, 0]]), np.full((2, 2), 0.5)), 5)
@settings(max_examples=60, deadline=None)
def test_of_known_wholes_neither_the_part_nor_the_rest_can_be_computed(drawn, smallest):
    wholes, shares = drawn
    parts = np.floor(wholes * shares).astype(int)
    table = suppress_table(pd.DataFrame(parts), smallest, pd.DataFrame(wholes))
    shown, truth, ceilings = as_shown(table), with_totals(parts), with_totals(wholes)
    assert np.nanmax(np.abs(shown - truth), initial=0) == 0
    for count in (shown, ceilings - shown):
        assert not ((count > 0) & (count < smallest)).any()
    rest = ceilings - truth
    if min(truth[-1, -1], rest[-1, -1]) < smallest:
        return
    for cell in map(tuple, np.argwhere(np.isnan(shown))):
        low, high = feasible_range(shown, cell, ceilings)
        assert low <= truth[cell] <= high
        assert high - low >= 1
        reach = min(smallest, ceilings[cell])
        if 0 < truth[cell] < smallest:
            assert high >= reach
        if 0 < rest[cell] < smallest:
            assert ceilings[cell] - low >= reach


def test_a_part_larger_than_its_whole_is_refused():
    with pytest.raises(ValueError, match=r"counts holds \[7\.0\], more than their wholes"):
        suppress_counts(pd.Series([7, 1]), wholes=pd.Series([6, 9]))


def test_a_group_that_answered_but_for_two_is_withheld_with_another():
    shown = suppress_counts(pd.Series([18, 10, 9]), 5, pd.Series([20, 30, 40]))
    assert shown.isna().tolist() == [True, False, True]


@given(st.lists(COUNTS, min_size=2, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_one_way_table_with_its_total_gives_nothing_away(values):
    shown = suppress_counts(pd.Series(values), 5)
    hidden = shown.isna().to_numpy()
    if not hidden.any() or sum(values) < 5:
        return
    left = sum(values) - shown.sum()
    assert hidden.sum() >= 2
    assert left >= 5


@given(TABLES)
@settings(max_examples=30, deadline=None)
def test_cells_without_margins_are_protected_against_the_grand_total(values):
    shown = suppress_cells(pd.DataFrame(values), 5).to_numpy()
    assert not ((shown > 0) & (shown < 5)).any()
    hidden = np.isnan(shown)
    if hidden.any() and values.sum() >= 5:
        assert hidden.sum() >= 2
        assert values[hidden].sum() >= 5


def test_primary_suppression_alone_would_leak_and_the_audit_sees_it():
    shown = np.array([[np.nan, 20.0, 22.0], [30.0, 40.0, 70.0], [32.0, 60.0, 92.0]])
    assert feasible_range(shown, (0, 0)) == (2.0, 2.0)
    table = suppress_table(pd.DataFrame([[2, 20], [30, 40]]))
    low, high = feasible_range(as_shown(table), (0, 0))
    assert low < 2 < high


def test_the_range_equals_that_of_a_program_written_out_by_hand():
    shown = np.array(
        [[np.nan, np.nan, 9.0, 20.0], [np.nan, np.nan, 6.0, 18.0], [12.0, 11.0, 15.0, 38.0]]
    )
    # a + b = 11, c + d = 12, a + c = 12, b + d = 11
    equations = [[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]]
    ends = [
        sign * linprog([sign, 0, 0, 0], A_eq=equations, b_eq=[11, 12, 12, 11]).fun
        for sign in (1, -1)
    ]
    assert feasible_range(shown, (0, 0)) == (pytest.approx(ends[0]), pytest.approx(ends[1]))


def test_a_table_of_fewer_units_than_the_threshold_shows_nothing():
    table = suppress_table(pd.DataFrame({"a": [1, 1], "b": [0, 2]}))
    assert np.isnan(table.total)
    assert not ((as_shown(table) > 0) & (as_shown(table) < 5)).any()


def test_a_table_without_small_cells_is_shown_whole():
    counts = pd.DataFrame({"a": [8, 0], "b": [9, 12]})
    assert suppress_table(counts).counts.equals(counts.astype(float))


def test_a_part_is_small_when_the_rest_is():
    assert is_small_part(97, 100)
    assert not is_small_part(100, 100)


@pytest.mark.parametrize("wrong", [-1.0, 2.5, float("nan")])
def test_counts_that_are_none_are_refused_with_the_value(wrong):
    with pytest.raises(ValueError, match="give whole numbers of 0 or more"):
        suppress_table(pd.DataFrame({"a": [1.0, wrong], "b": [3.0, 4.0]}))


def test_a_threshold_under_one_is_refused():
    with pytest.raises(ValueError, match="smallest is 0"):
        suppress_counts(pd.Series([1, 2]), 0)
