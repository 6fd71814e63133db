"""The unkind study is what its README says: nothing changes, and all that hides it is there."""

import hashlib
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from make_example import UNKIND, UNKIND_SEED

from cycle_analysis.measurement import unit_scores
from cycle_analysis.measurement.missing import even_scores
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.simulate.studies import draw_waves, write_study
from cycle_analysis.study import load_study
from cycle_analysis.units import load_register
from cycle_analysis.waves import SURE, change_both_ways, changed_surely

FOLDER = ROOT / "data" / "raw" / "unkind"
WAVES = ["2020", "2021"]
HEIRS_OF_HAAREN = ["GM0757", "GM0824", "GM0855", "GM0865"]


@pytest.fixture(scope="module")
def states():
    """Where every municipality truly stands, one table per wave."""
    dates = [str(load_study("unkind", ROOT).wave(wave).fieldwork.start) for wave in WAVES]
    return draw_waves(UNKIND, load_register(), dates, UNKIND_SEED)


def asked(wave):
    """Scores of the respondents of a wave as read, their units and roles."""
    study = load_study("unkind", ROOT)
    responses = read_responses(study, wave)
    items = study.phase_items(wave)
    scores = even_scores(responses.answers[items.index].astype(float), items)  # as notebook 07
    about = responses.respondents.loc[scores.index]
    return scores, about["unit"], about["role"]


def test_making_it_again_gives_the_same_bytes_which_wave_yaml_notes(tmp_path):
    drawn = shutil.ignore_patterns("responses.csv", "truth.csv")
    again = shutil.copytree(FOLDER, tmp_path / "data" / "raw" / "unkind", ignore=drawn)
    write_study(load_study("unkind", tmp_path), UNKIND, UNKIND_SEED)
    for path in sorted(p.relative_to(FOLDER) for p in FOLDER.rglob("*") if p.is_file()):
        assert (again / path).read_bytes() == (FOLDER / path).read_bytes(), path
    for wave in WAVES:
        noted = yaml.safe_load((FOLDER / wave / "wave.yaml").read_text("utf-8"))["source"]["sha256"]
        assert hashlib.sha256((FOLDER / wave / "responses.csv").read_bytes()).hexdigest() == noted


def test_all_files_say_that_they_are_synthetic_and_are_small():
    study = load_study("unkind", ROOT)
    assert study.synthetic
    for path in (FOLDER / "README.md", FOLDER / "study.yaml", *FOLDER.glob("*/wave.yaml")):
        assert "SYNTHETIC" in path.read_text("utf-8")
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 100_000


def test_no_municipality_changes_profile_or_level(states):
    before, after = states
    same = after.index.intersection(before.index)
    assert len(same) > 340
    kept = before.loc[same, ["profile", *UNKIND.phases]].drop(HEIRS_OF_HAAREN)
    pd.testing.assert_frame_equal(kept, after.loc[kept.index, kept.columns])
    within = before[UNKIND.phases] - before.groupby("profile")[UNKIND.phases].transform("mean")
    assert within.std().between(7, 11).all()


def test_respondents_fall_from_five_to_one_or_two_and_some_have_one(states):
    counts = [each.loc[each["n_respondents"] > 0, "n_respondents"] for each in states]
    assert 110 <= len(counts[0].index.intersection(counts[1].index)) <= 140
    assert counts[0].mean() > 4.5
    assert counts[1].mean() < 1.5
    assert 1 <= (counts[0] == 1).sum() <= 5
    assert {"GM0003", "GM0010", "GM0024", "GM0788"} <= set(counts[0].index)
    assert "GM1979" in counts[1].index


def test_half_of_the_error_of_respondents_is_the_same_in_all_phases():
    scores, units, _ = asked("2020")
    own = scores.dropna().groupby(units).transform(lambda column: column - column.mean())
    covariance = np.cov(own.to_numpy(), rowvar=False)
    shared = covariance[~np.eye(len(covariance), dtype=bool)].mean()
    assert 0.4 <= shared / np.diag(covariance).mean() <= 0.6


def test_means_rise_by_the_role_that_is_kinder_alone():
    told = {wave: asked(wave) for wave in WAVES}
    persons, units, roles = ({wave: parts[i] for wave, parts in told.items()} for i in range(3))
    kinder = [(roles[wave] == "STR").mean() for wave in WAVES]
    assert kinder == pytest.approx([0.386, 0.66], abs=0.001)

    def panel(persons):
        return {wave: unit_scores(persons[wave], units[wave]) for wave in persons}

    change = change_both_ways(persons, units, roles, "2020", panel, 350)
    assert (change["p_holm"] <= SURE).sum() >= 2
    assert not changed_surely(change).any()


def test_some_answer_all_questions_alike():
    answers = read_responses(load_study("unkind", ROOT), "2020").answers.astype(float)
    alike = answers.max(axis=1) == answers.min(axis=1)
    assert 0.02 <= alike.mean() <= 0.05
