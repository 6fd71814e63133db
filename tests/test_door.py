"""Nothing but the door can read a true number, and what it tells pins none."""

import copy
import itertools
import json
import math
import pickle
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycle_analysis.report.door import (
    Door,
    Mean,
    Units,
    UntoldError,
    Weighted,
    units_of,
    wave_total,
)
from cycle_analysis.report.sums import Sum
from cycle_analysis.representation import shares

ACTS = {
    "print": str,
    "format": lambda n: f"{n}",
    "pad": lambda n: f"{n:>4}",
    "fill in": lambda n: "%s" % n,  # noqa: UP031
    "test": bool,
    "negate": lambda n: not n,
    "int": int,
    "float": float,
    "index": lambda n: [0, 1, 2, 3, 4][n],
    "range": range,
    "round": round,
    "length": len,
    "loop": list,
    "equal": lambda n: n == 3,
    "unequal": lambda n: n != 0,
    "less": lambda n: n < 5,
    "more": lambda n: n >= 5,
    "in a list": lambda n: 3 in [n],
    "sort": lambda n: sorted([n, n]),
    "largest": lambda n: max(n, 4),
    "hash": hash,
    "key": lambda n: {n: 1},
    "add": lambda n: n + 1,
    "add to": lambda n: 1 + n,
    "subtract": lambda n: 10 - n,
    "share": lambda n: n / 10,
    "sum": lambda n: sum([n, n]),
    "minus": lambda n: -n,
    "modulo": lambda n: n % 5,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize(
    "number", [Units(3), Units(3, wave_total(216)), wave_total(3), Mean(3.0, Units(9))]
)
def test_a_true_number_cannot_be_shown_compared_or_counted_with(act, number):
    with pytest.raises((UntoldError, TypeError)):
        act(number)


@pytest.mark.parametrize(
    "number", [Units(37), Mean(37.0, Units(37)), Weighted(0.37, 0.37, 0.37, Units(37))]
)
def test_what_a_debugger_or_an_error_shows_of_a_true_number_does_not_tell_it(number):
    assert "37" not in repr(number)
    assert "37" not in repr([number])
    with pytest.raises(TypeError):
        json.dumps(number)


def test_copies_of_a_true_number_are_true_numbers():
    for copied in (
        copy.copy(Units(3)),
        copy.deepcopy(Units(3)),
        pickle.loads(pickle.dumps(Units(3))),
    ):
        assert Door().count(copied) == 5


wholes = st.integers(0, 400)
steps = st.sampled_from([3, 4, 5, 10])


@given(wholes, steps)
def test_every_number_that_is_told_may_stand_for_two_or_more(whole, round_to):
    told = defaultdict(set)
    for n in range(whole + 1):
        told[Door(round_to).count(Units(n, wave_total(whole)))].add(n)
    assert whole == 0 or all(len(meant) > 1 for meant in told.values())
    assert all(n % round_to == 0 and n <= whole for n in told)


@given(st.integers(1, 400), st.data())
def test_a_share_is_that_of_the_numbers_told_or_a_bound_that_holds(whole, data):
    n = data.draw(st.integers(0, whole))
    door, units = Door(), Units(n, Units(whole, wave_total(400)))
    share, told = door.share(units), door.count(units._of)
    if told < 20:
        assert math.isnan(share.value)
    elif share.bound == "less":
        assert n / whole < share.value <= 0.35
    elif share.bound == "more":
        assert n / whole > share.value >= 0.65
    else:
        assert share.value == door.count(units) / told
        assert 0.005 <= share.value < 0.995


def test_with_multiples_of_one_everything_is_told_as_it_is():
    door, whole = Door(1), wave_total(7)
    assert [door.count(part) for part in door.parts([1, 6], whole)] == [1, 6]
    assert [door.share(Units(n, whole)).value for n in (0, 1, 7)] == [0, 1 / 7, 1]
    assert not door.few(Units(1))
    assert door.few(Units(0))
    assert door.weighted(Weighted(0.214, 0.181, 0.249, whole))[1:] == (0.18, 0.25)


def compositions(total, parts):
    bars = itertools.combinations(range(total + parts - 1), parts - 1)
    for bar in bars:
        ends = (-1, *bar, total + parts - 1)
        yield [b - a - 1 for a, b in itertools.pairwise(ends)]


@pytest.mark.parametrize(
    ("n_parts", "most", "round_to"), [(2, 90, 5), (3, 33, 5), (4, 16, 5), (3, 24, 4), (2, 60, 10)]
)
@pytest.mark.parametrize("answered", [None, 400, 7, 16, 23])
def test_no_part_of_a_whole_is_told_by_the_others(n_parts, most, round_to, answered):
    """The whole is exact, or one of so many that answered, of which it may be all."""
    door, exact = Door(round_to), answered is None
    meant = defaultdict(lambda: [set() for _ in range(n_parts)])
    for total in range(1, min(most, answered or most) + 1):
        whole = wave_total(total) if exact else Units(total, wave_total(answered))
        for counts in compositions(total, n_parts):
            parts = door.parts(counts, whole)
            shown = tuple(door.count(part) for part in parts)
            assert all(n % round_to == 0 for n in shown)
            assert all(abs(n - m) < round_to for n, m in zip(shown, counts, strict=True))
            for n, values in zip(counts, meant[door.count(whole), shown], strict=True):
                values.add(n)
    if answered and answered > most:  # the largest wholes are cut off here
        meant = {key: values for key, values in meant.items() if key[0] + round_to <= most}
    pinned = [key for key, values in meant.items() if any(len(part) < 2 for part in values)]
    assert not pinned


@pytest.mark.parametrize("total", [8, 10, 13])
def test_no_cell_is_told_by_the_sums_of_rows(total):
    """A row of four cells and one of one: of 2, 2, 2 and 2 the sum would tell them all."""
    door, whole, meant = Door(), wave_total(total), defaultdict(lambda: [set() for _ in range(7)])
    for counts in compositions(total, 5):
        cells, true = door.parts(counts, whole), [sum(counts[:4]), counts[4]]
        sums = [Sum(cells, whole), Sum([0, 1], whole), Sum(cells[:4], 0), Sum(cells[4:], 1)]
        told = [*cells, *door.fit(true, [whole, whole], sums)]
        for n, values in zip([*counts, *true], meant[tuple(map(door.count, told))], strict=True):
            values.add(n)
    assert not [key for key, values in meant.items() if any(len(n) < 2 for n in values)]


def test_parts_that_do_not_add_up_are_refused_and_single_ones_need_not():
    with pytest.raises(ValueError, match="do not add up"):
        Door().parts([3, 4], wave_total(8))
    assert [Door().count(units) for units in units_of([3, 4], wave_total(8))] == [5, 5]


@given(st.integers(20, 400), st.floats(0, 1))
def test_a_weighted_share_is_that_of_the_units_it_is_worth_within_an_interval_that_holds(n, value):
    door, whole = Door(), wave_total(n)
    share, low, high = door.weighted(
        Weighted(value, max(value - 0.1, 0), min(value + 0.1, 1), whole)
    )
    assert share == door.share(Units(round(value * n), whole))
    assert low <= max(value - 0.1, 0) + 1e-9
    assert high >= min(value + 0.1, 1) - 1e-9
    for told in (low, high):
        assert told in (0, 1) or math.isclose(told * n / 5, round(told * n / 5), abs_tol=1e-6)
    assert 0 < share.value < 1


@pytest.mark.parametrize("answered", [20, 36, 72, 216])
@pytest.mark.parametrize("known", [0.0, 0.5, 0.72, 0.9])
def test_a_weighted_share_tells_no_more_than_the_number_when_weights_are_equal(answered, known):
    """The outsider knows how the interval hangs on the number, and which part answered."""
    population, told = round(answered / max(known, 1e-3)), defaultdict(set)
    labels = np.arange(answered)
    for n in range(8):
        row = shares(pd.Series(labels < n), population).loc[True] if n else None
        if row is not None:
            ends = (row["weighted_share"], row["weighted_low"], row["weighted_high"])
            weighted = Door().weighted(Weighted(*ends, wave_total(answered)))
            told[Door().count(Units(n, wave_total(answered))), str(weighted)].add(n)
    assert all(meant != {n} for meant in told.values() for n in range(1, 5))


def test_a_mean_is_told_in_whole_points_of_its_scale_and_only_of_five_or_more():
    assert Door().mean(Mean(43.26, Units(5), 38.9, 47.2)) == (43, 39, 47)
    assert Door().mean(Mean(0.8712, Units(5), _scale=1))[0] == pytest.approx(0.87)
    assert all(math.isnan(part) for part in Door().mean(Mean(43.26, Units(4), 38.9, 47.2)))


def test_a_share_without_a_whole_says_what_is_lacking():
    with pytest.raises(ValueError, match="give `_of`"):
        Door().share(Units(3))
