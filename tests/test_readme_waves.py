"""What the README says of municipalities over time is what the example gives."""

import re

import pytest
from conftest import EXAMPLE, ROOT

from cycle_analysis.responses.coded import read_all_responses
from cycle_analysis.study import load_study
from cycle_analysis.units import study_register
from cycle_analysis.waves import link_units, unchanged_units

README = (ROOT / "README.md").read_text("utf-8")
SECTION = " ".join(
    README.split("## Municipalities over time")[1].split("**A later year.**")[0].split()
)


@pytest.fixture(scope="module")
def links():
    study = load_study(EXAMPLE.name, ROOT)
    units = {wave: read.respondents["unit"] for wave, read in read_all_responses(study).items()}
    days = {wave: str(study.wave(wave).fieldwork.start) for wave in study.waves}
    return link_units(units, days, study_register(study))


def test_the_number_that_answered_first_is_that_of_the_example(links):
    assert f"Of the {len(links.loc['2018'])} municipalities that answered" in SECTION


def test_the_table_counts_what_became_of_each_municipality(links):
    counts = links.loc["2018", "kind"].value_counts()
    told = re.findall(r"\| (unchanged|grown|merged)[^|]*\| (\d+) \| (yes|no|pooled)", SECTION)
    assert [(kind, int(n)) for kind, n, _ in told] == [
        ("unchanged", counts["unchanged"]),
        ("grown", counts["grown"]),
        ("merged", counts["merged"]),
        ("merged", counts["uncovered"]),
    ]
    assert sum(int(n) for _, n, _ in told) == counts.sum()


def test_the_headline_rests_on_the_number_that_never_changed(links):
    assert f"the {len(unchanged_units(links))} that answered in both waves" in SECTION
