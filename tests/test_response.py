"""Who was invited, who answered, in which groups, and again: the account and what is told of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_study import answers, load, read, write_study

from cycle_analysis.problems import InputError
from cycle_analysis.representation import (
    nonresponse_tests,
    precision,
    response_account,
)
from cycle_analysis.responses.coded import read_all_responses
from cycle_analysis.study import check_raw_files
from cycle_analysis.units import population
from cycle_analysis.units.identification import invited_units

REFERENCE = Path(__file__).parent / "reference"


def invite(home, text):
    """A tiny study with a list of the invited; the study."""
    path = write_study(home, "r.csv", invited="invited.csv")
    answers().to_csv(path, index=False)
    path.with_name("invited.csv").write_text(text, "utf-8")
    return load(home)


def test_the_list_of_the_invited_may_hold_codes_names_and_other_columns(tmp_path):
    text = "unit,mail\nAmsterdam,x\n0344,x\nalmere,x\nGM0599,x\nDen Haag,x\nAmsterdam,x\n"
    study = invite(tmp_path, text)
    units = invited_units(study, "2022", read(tmp_path).respondents["unit"])
    assert units == ["GM0363", "GM0344", "GM0034", "GM0599", "GM0518"]


def test_without_a_list_all_units_of_the_first_day_were_invited(tmp_path):
    answers().to_csv(write_study(tmp_path, "r.csv"), index=False)
    assert len(invited_units(load(tmp_path), "2022", [])) == 345


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code\nGM0363\n", r"invited\.csv, first line: 'unit': is not a column"),
        ("unit\nAmstredam\n", r"2022/invited\.csv, row 2: 'Amstredam': is not in the register"),
        ("unit\nGM0363\nBergen\n", r"row 3: 'Bergen': is the name of two units"),
        ("unit\nHaaren\n", r"row 2: 'Haaren': is not in force on 2022-03-01"),
        (
            "unit\nAmsterdam\nUtrecht\nAlmere\n",
            r"column unit: 'GM0599': answered, but is not on the list\. Add it",
        ),
    ],
)
def test_a_wrong_list_is_refused_with_row_and_remedy_before_anything_runs(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_all_responses(invite(tmp_path, text))


def test_a_list_a_register_or_a_map_that_is_not_there_is_named(tmp_path):
    answers().to_csv(write_study(tmp_path, "r.csv", invited="invited.csv"), index=False)
    path = tmp_path / "data" / "raw" / "tiny" / "study.yaml"
    own = "units: {register: units.csv, events: events.csv, map: map.geojson}\n"
    path.write_text(path.read_text("utf-8") + own, "utf-8")
    with pytest.raises(InputError) as caught:
        check_raw_files(load(tmp_path))
    absent = {problem.file.split("/")[-1] for problem in caught.value.problems}
    assert absent == {"invited.csv", "units.csv", "events.csv", "map.geojson"}


@pytest.mark.parametrize("name", ["../units.csv", "/tmp/units.csv", "a\\units.csv"])
@pytest.mark.parametrize("key", ["register", "events", "map"])
def test_a_file_of_the_units_outside_the_study_is_refused(tmp_path, key, name):
    answers().to_csv(write_study(tmp_path, "r.csv"), index=False)
    path = tmp_path / "data" / "raw" / "tiny" / "study.yaml"
    path.write_text(path.read_text("utf-8") + f"units: {{{key}: '{name}'}}\n", "utf-8")
    with pytest.raises(InputError, match=rf"line \d+, units\.{key}: .*is a path; give the name"):
        load(tmp_path)


def test_units_of_unknown_background_are_a_group_of_their_own(tmp_path):
    answers(gemeente=["A", "B", "C"] * 4).to_csv(write_study(tmp_path, "r.csv"), index=False)
    folder = tmp_path / "data" / "raw" / "tiny"
    text = (folder / "study.yaml").read_text("utf-8") + "units: {register: units.csv}\n"
    (folder / "study.yaml").write_text(text, "utf-8")
    rows = "unit,name,part,size_2022\nA,a,North,1\nB,b,South,2\nC,c,,\n"
    (folder / "units.csv").write_text(rows, "utf-8")
    units, by = population(load(tmp_path), "2022")
    account = response_account(units, ["A"], by)
    assert account.index.tolist() == [("North", "1"), ("South", "2"), ("unknown", "unknown")]


@pytest.fixture(scope="module")
def account():
    population = pd.read_csv(REFERENCE / "survey_population.csv").set_index("unit")
    sample = pd.read_csv(REFERENCE / "survey_sample.csv").set_index("unit")
    return response_account(population, sample.index, ["size", "region"])


def test_each_background_of_the_account_is_tested_as_r_does(account):
    expected = pd.read_csv(REFERENCE / "survey_response_test.csv").iloc[0]
    tests = nonresponse_tests(account)
    assert tests.index.tolist() == ["size", "region"]
    ours = tests.loc["size", list(expected.index)].astype(float)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_tests_of_several_backgrounds_are_adjusted_for_their_number(account):
    tests = nonresponse_tests(account)
    expected = (tests["p"] * 2).where(tests["p"] == tests["p"].min(), tests["p"])
    np.testing.assert_allclose(tests["p_holm"], expected.clip(lower=expected[tests["p"].idxmin()]))


def test_where_all_or_none_answered_there_is_no_test_but_a_reason(account):
    for responded in (0, account["invited"]):
        tests = nonresponse_tests(account.assign(responded=responded))
        assert tests["reason"].eq("one group, or all or none responded").all()


def test_the_precision_is_as_published_missing_for_one_unit_and_exact_for_all(account):
    hundred = pd.DataFrame({"responded": [60, 40], "population": [200, 142]})
    assert round(100 * precision(hundred)["margin"].iloc[0], 1) == 8.3
    everyone = account.assign(responded=account["population"])
    assert precision(everyone)["margin"].iloc[0] == 0
    one = account.assign(responded=0).head(1).assign(responded=1)
    assert np.isnan(precision(one)["margin"].iloc[0])
