"""A window, and phases without structure: nothing may announce profiles.

That a continuum is told as one is read in the report of the frozen study, `test_report`.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from make_example import EXAMPLE
from small_studies import run_notebooks, write_surveys
from surveys import window
from told import all_words_in

from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.report import assemble
from cycle_analysis.simulate import PHASES, Continuum, Profiles
from cycle_analysis.simulate.worlds import even
from cycle_analysis.study import load_study

WINDOW = Continuum(window, even, spread=5.0)
UNRELATED = Profiles(pd.DataFrame([[45.0, 40.0, 35.0, 30.0, 20.0]], columns=PHASES), spread=20.0)
NAMES = [("Kamille", "Chamomile"), ("mogen", "must"), ("niet", "not show")]
"""Of profiles, in Dutch and English: what one language tells of a study the other tells too."""
PARAMETERS = {"04_number_of_profiles": {"n_replicates": 39}}


# These answers have no roles, no background and no off-topic blocks: nothing may depend on them.
@pytest.mark.parametrize(
    ("world", "verdict", "language"),
    [(WINDOW, Verdict.BENT, "en"), (UNRELATED, Verdict.NO_STRUCTURE, "nl")],
)
def test_what_is_no_profile_is_not_reported_as_one(tmp_path, world, verdict, language):
    rng = np.random.default_rng(11)
    survey = replace(EXAMPLE.answering, respondents=(4,))(world(150, rng), rng)
    write_surveys(
        tmp_path / "data" / "raw" / "trial",
        {"1": survey.answers.astype("Int64").assign(unit=survey.units)},
        survey.items[["phase"]],
        pd.DataFrame({"unit": survey.states.index, "name": survey.states.index}),
        synthetic=True,
        profile_names=[{"nl": nl, "en": en} for nl, en in NAMES],
    )
    study = load_study("trial", tmp_path)
    results = run_notebooks(tmp_path, study, given=PARAMETERS)
    assert results.load("04_number_of_profiles", "verdict", "1")["verdict"].item() == verdict
    assert len(results.load("05_profiles", "profiles", "1")) == 1
    if world is WINDOW:  # what is told of the order agrees
        assert results.load("03_cycle", "order", "1")["reading"].item() == "window"
    report = all_words_in(assemble(study, results, language))
    assert not [name for name in NAMES[0] if name in report]
