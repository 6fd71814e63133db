"""What a study could find: surveys of a known world, and their verdicts."""

from dataclasses import replace

from cycle_analysis.profiles.recovery import in_points, recovery
from cycle_analysis.simulate import FOUR, Profiles

SINGLE = Profiles(FOUR.centroids.iloc[[2]])
FAST = {"n_replicates": 39, "n_starts": 10}


def test_clear_profiles_would_be_found_and_a_single_one_not_be_divided():
    clear = replace(FOUR, spread=8)
    found = recovery(clear, in_points(3, 10), 100, 4, 5, **FAST)
    assert found["announced"].all()
    assert (found["k"] == 4).all()
    assert found["adjusted_rand"].min() > 0.7
    assert not recovery(SINGLE, in_points(3), 100, 4, 5, **FAST)["announced"].any()


def test_workers_do_not_change_what_is_found():
    one = recovery(FOUR, in_points(3), 40, 2, 2, n_replicates=5, n_starts=3)
    assert one.equals(recovery(FOUR, in_points(3), 40, 2, 2, n_replicates=5, n_starts=3, n_jobs=2))
