import numpy as np
import pytest

from cycle_analysis.profiles.null_test import critical_bandwidth, n_modes, one_mode_p


def test_two_groups_on_a_line_have_two_modes_and_one_normal_has_one():
    rng = np.random.default_rng(1)
    assert one_mode_p(np.concatenate([rng.normal(20, 6, 60), rng.normal(60, 6, 60)])) <= 0.05
    assert one_mode_p(rng.normal(50, 10, 120)) > 0.05


def test_a_single_mode_is_rejected_no_more_often_than_the_level():
    p = [one_mode_p(np.random.default_rng(i).normal(size=80), 99, seed=i) for i in range(60)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05


def test_at_the_critical_bandwidth_one_mode_is_left_and_just_below_two():
    values = np.random.default_rng(2).normal([[0.0], [4.0]], 1.0, (2, 40)).ravel()
    bandwidth = critical_bandwidth(values)
    assert n_modes(values, bandwidth) == 1
    assert n_modes(values, 0.98 * bandwidth) == 2


def test_the_critical_bandwidth_of_two_points_is_half_their_distance():
    # The sum of two normal densities has one mode when they lie two standard deviations apart
    assert critical_bandwidth(np.array([0.0, 10.0])) == pytest.approx(5.0, rel=0.02)


def test_numbers_that_are_all_the_same_have_no_gap():
    assert one_mode_p(np.full(30, 4.0)) == 1.0
