"""A survey of one continuum, and one without any structure: the run must not announce profiles."""

import pandas as pd
import pytest
from commands import command

from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.results import Results
from cycle_analysis.simulate import (
    EXAMPLE,
    draw_answers,
    draw_continuum_states,
    draw_unrelated_phase_states,
)
from cycle_analysis.study import load_study

STUDY = """title: {nl: Proef, en: Trial}
synthetic: true
population: {nl: proefgemeenten, en: trial municipalities}
units: {register: units.csv}
developments: [{code: '1', label: {nl: een, en: one}}]
phases:
PHASES
scales: {rating: {min: 0, max: 4}}
waves: ['1']
reference_wave: '1'
profile_names: [{nl: Kamille, en: Chamomile}, {nl: mogen, en: must}, {nl: niet, en: not show}]
parameters:
  04_number_of_profiles: {max_profiles: 5, n_starts: 20, n_replicates: 99, n_ratio_replicates: 9}
  06_validity: {n_replicates: 20}
"""
WAVE = """wave: '1'
label: {nl: Meting, en: Wave}
fieldwork: {start: '2024-01-01', end: '2024-02-01'}
source: {file: responses.csv}
columns:
  unit: unit
"""


def write_study(home, answers):
    """Write a study of answers drawn in memory: one wave, units of its own."""
    folder = home / "data" / "raw" / "trial"
    (folder / "1").mkdir(parents=True)
    items = answers.columns.drop("unit")
    phases = list(dict.fromkeys(item[:2] for item in items))
    lines = "\n".join(
        f"  - {{code: {p}, development: '1', label: {{nl: {p}, en: {p}}}, "
        f"short: {{nl: {p}, en: {p}}}}}"
        for p in phases
    )
    (folder / "study.yaml").write_text(STUDY.replace("PHASES", lines), "utf-8")
    rows = ["item,block,phase,scale,reversed,question_nl,question_en"]
    rows += [f"{item},C,{item[:2]},rating,no,{item},{item}" for item in items]
    (folder / "codebook.csv").write_text("\n".join(rows) + "\n", "utf-8")
    units = answers["unit"].drop_duplicates()
    pd.DataFrame({"unit": units, "name": units}).to_csv(folder / "units.csv", index=False)
    answers.to_csv(folder / "1" / "responses.csv", index=False)
    mapped = "".join(f"  {item}: {item}\n" for item in items)
    (folder / "1" / "wave.yaml").write_text(WAVE + mapped, "utf-8")
    return load_study("trial", home)


# These answers have no roles, no background and no off-topic blocks: nothing may depend on them.
@pytest.mark.parametrize(
    ("draw_states", "verdict", "k"),
    [
        (draw_continuum_states, Verdict.CONTINUUM, 3),
        (draw_unrelated_phase_states, Verdict.NO_STRUCTURE, 1),
    ],
)
def test_what_is_no_profile_is_not_reported_as_one(tmp_path, draw_states, verdict, k):
    write_study(tmp_path, draw_answers(EXAMPLE, 150, 4, 11, draw_states=draw_states))
    told = command("run", "trial", home=tmp_path)
    assert told.returncode == 0, told.stderr
    results = Results(tmp_path / "data" / "processed" / "trial")
    assert results.load("04_number_of_profiles", "verdict", "1")["verdict"].item() == verdict
    assert len(results.load("05_profiles", "sizes", "1")) == k
    for language, name in (("nl", "Kamille"), ("en", "Chamomile")):
        report = (tmp_path / "reports" / "trial" / f"report_{language}.html").read_text("utf-8")
        assert name not in report
