"""What a study could find, asked beforehand from a file of expected profiles."""

import numpy as np
import pandas as pd
import pytest
from commands import called

from cycle_analysis.problems import InputError
from cycle_analysis.profiles.rates import in_points, read_expected, with_reliability
from cycle_analysis.simulate import Profiles

SIMULATE = ("simulate", "--workers", "1")


def test_expected_profiles_are_read_with_their_shares(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("AG;EX;share\n20;10;0,75\n80;70;0,25\n")
    expected = read_expected(path, spread=6.0)
    assert expected.centroids.to_numpy().tolist() == [[20, 10], [80, 70]]
    assert expected.shares == [0.75, 0.25]


@pytest.mark.parametrize(
    "text", ["", "AG,EX\n", "AG,EX\nlow,high\n", "AG,EX\n20,130\n", "AG\n20\n"]
)
def test_a_file_without_profiles_is_refused(tmp_path, text):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"p\.csv"):
        read_expected(path, spread=6.0)


def test_the_command_finds_clear_profiles_and_refuses_nonsense(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("AG,EX,VB\n20,10,5\n80,70,20\n30,80,70\n")
    told = called(*SIMULATE, str(path), "--units", "60", "--surveys", "1", home=None)
    assert told.returncode == 0, told.stderr
    assert "3 of them in 100%" in told.stdout
    assert "found in 0% of 1 surveys of one cloud with the same means" in told.stdout
    assert "and in 0% of 1 surveys of units spread evenly along the path" in told.stdout
    assert "3/3" in told.stderr
    told = called(*SIMULATE, str(path), "--units", "0", home=None)
    assert told.returncode == 2
    assert "no whole number" in told.stderr
    told = called(*SIMULATE, str(path), "--units", "60", "--reliability", "1.5", home=None)
    assert told.returncode == 2
    assert "no number above 0 and at most 1" in told.stderr


def test_the_reliability_asked_for_is_the_one_that_scores_have():
    centroids = pd.DataFrame([[30.0, 40.0], [60.0, 70.0]], columns=["AG", "EX"])
    world = Profiles(centroids, spread=5.0)
    answering = with_reliability(in_points(3), world, 0.8)
    rng = np.random.default_rng(1)
    scores = answering(world(4000, rng), rng).scores
    error = answering.respondent_sd**2 / 3
    # Ends of the scale clip a few answers, which costs the spread some percent
    assert 1 - error / scores.var().mean() == pytest.approx(0.8, abs=0.03)
