"""Pages for single units: what they say of their unit, and of nobody else."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from told import all_words_in, saved, words_in

from cycle_analysis.cli import main
from cycle_analysis.private_files import APART, TOGETHER, gather, make_sheet, write_sheets
from cycle_analysis.problems import InputError


@pytest.fixture(scope="module")
def example(frozen_run):
    results = saved(frozen_run("example"))
    return results.study, results, {w: gather(results.study, results, w) for w in ("2018", "2022")}


def sheet_of(example, unit, code="en", wave="2022"):
    study, results, data = example
    return make_sheet(study, results, code, wave, unit, data[wave])


def test_in_the_reference_wave_a_unit_is_as_sure_of_the_profile_it_was_put_in_as_elsewhere(example):
    _, results, data = example
    members, chances = results.load("05_profiles", "members", "2018"), data["2018"].chances
    assert data["2018"].profiles.equals(members["profile"].loc[chances.index])
    own = [chances.loc[unit, profile] for unit, profile in members["profile"].items()]
    assert own == pytest.approx(members["certainty"].tolist(), abs=1e-5)
    between = chances.max(axis=1)[members["certainty"] < chances.max(axis=1)].index
    told = words_in(sheet_of(example, between[0], wave="2018"))
    assert "It stands between" in told
    assert "exactly known" not in told
    assert "exactly known" in words_in(sheet_of(example, data["2022"].scores.index[0]))


def test_one_respondent_is_told_first_and_several_are_counted(example):
    counts = example[2]["2022"].error.n_respondents.max(axis=1)
    alone, many = counts.index[counts == 1][0], counts.index[counts == 4][0]
    assert words_in(sheet_of(example, alone)).startswith("One respondent answered")
    assert words_in(sheet_of(example, alone, "nl")).startswith("Eén respondent antwoordde")
    assert words_in(sheet_of(example, many)).startswith("Four respondents answered")


def test_own_scores_are_exact_and_their_interval_is_that_of_their_respondents(example):
    data = example[2]["2022"]
    unit = data.scores.index[3]
    rows = sheet_of(example, unit).tables[0].rows
    own = [row[1].value for row in rows]
    assert own == data.scores.loc[unit].round().tolist()
    error = data.error.standard_errors().loc[unit]
    low, high = map(int, re.findall(r"\d+", rows[0][2].text))
    assert high - low == pytest.approx(2 * 1.96 * error.iloc[0], abs=1.1)  # whole points, both ends


def test_a_change_is_told_as_one_only_where_it_is_beyond_error(example):
    changes = example[2]["2022"].changes
    sure = changes[changes["reliable"]]["unit"]
    unsure = changes.groupby("unit")["reliable"].sum().loc[lambda n: n == 0].index
    told = words_in(sheet_of(example, sure.iloc[0]))
    (low, high) = re.search(
        r"interval (\S+) to (\S+)\), more than respondents leave", told
    ).groups()
    row = changes[changes["reliable"]].iloc[0]
    assert [low.replace("−", "-"), high.replace("−", "-")] == [
        f"{row[e]:.0f}" for e in ("low", "high")
    ]
    assert "often smaller in truth than it looks" in told
    text = words_in(sheet_of(example, unsure[0]))
    assert "not demonstrable" in text
    assert "more than respondents leave unknown" not in text
    assert "often smaller in truth" not in text


def test_a_sheet_names_its_unit_its_predecessors_and_no_other(example):
    data = example[2]["2022"]
    names = data.background["name"]
    for unit in [*data.scores.index[:8], *(u for u in data.merged if u in data.scores.index)][:12]:
        text = words_in(sheet_of(example, unit))
        own = {names[unit], *data.merged.get(unit, [])}
        ignored = {name for name in names if any(name in other for other in own)}
        found = {n for n in names if re.search(rf"\b{re.escape(n)}\b", text)} - own - ignored
        # a name that is also a word of a question
        questions = " ".join(example[0].codebook.items["question_en"])
        assert not {name for name in found if name not in questions}
        assert all(name in text for name in data.merged.get(unit, []))


def with_roles(example, roles, scores):
    """The sheet of a unit of which these respondents, in these roles, gave these scores."""
    study, results, data = example
    wave = data["2022"]
    unit = wave.scores.index[0]
    names = [f"r{place}" for place in range(len(roles))]
    persons = pd.DataFrame(scores, names, wave.persons.columns)
    respondents = pd.DataFrame({"unit": unit, "role": roles}, names)
    own = replace(wave, persons=persons, respondents=respondents)
    return words_in(make_sheet(study, results, "en", "2022", unit, own))


LOW, HIGH = [20.0] * 5, [95.0, 20.0, 20.0, 20.0, 20.0]


def test_roles_that_differ_are_told_with_the_phase_and_the_points(example):
    first, second = list(example[0].roles)[:2]
    text = with_roles(example, [first, first, second, second], [HIGH, HIGH, LOW, LOW])
    named = {code: example[0].roles[code]["en"] for code in (first, second)}
    phase = example[0].phases[0].label["en"]
    assert f"{phase}: {named[first]} is 75 points higher than {named[second]}" in text
    assert text.count("points higher") == 1


@pytest.mark.parametrize(
    ("roles", "scores"),
    [
        ("aab", [HIGH, HIGH, LOW]),  # one person of a role
        ("aabbc", [HIGH, HIGH, LOW, LOW, LOW]),
        ("aa", [HIGH, LOW]),  # one role
        (["a", "a", "b", "b", ""], [HIGH, HIGH, LOW, LOW, LOW]),  # a role that is not known
        (["a", "a", "b", "b", None], [HIGH, HIGH, LOW, LOW, LOW]),
        ("aabb", [HIGH, HIGH, LOW, [np.nan] * 5]),  # one score of a role
        ("aabb", [HIGH, HIGH, LOW, [np.nan, 20.0, 20.0, 20.0, 20.0]]),
        ("aabb", [LOW, LOW, LOW, LOW]),  # no difference
    ],
)
def test_of_roles_nothing_is_told_that_would_be_one_persons_answers(example, roles, scores):
    codes = dict(zip("abc", example[0].roles, strict=False))
    text = with_roles(example, [codes.get(role, role) for role in roles], scores)
    assert "points higher" not in text


def test_what_units_further_on_do_is_told_with_the_questions_that_differ_most(example):
    data = example[2]["2022"]
    first = data.profiles.index[data.profiles == 1][0]
    last = data.profiles.index[data.profiles == 4][0]
    assert "To talk about" not in [
        b.text for b in sheet_of(example, last).blocks if hasattr(b, "level")
    ]
    ahead = data.items.loc[data.profiles.index[data.profiles == 2]].mean()
    gaps = (ahead - data.items.loc[first]).nlargest(3)
    questions = example[0].codebook.items["question_en"].str.rstrip(".")
    text = words_in(sheet_of(example, first))
    assert all(f"‘{questions[item]}’" in text for item in gaps.index[gaps >= APART])


@pytest.mark.parametrize(
    ("code", "told"), [("nl", "zijn van scores zoals gemeten"), ("en", "are of scores as measured")]
)
def test_means_of_a_page_are_said_to_be_others_than_those_of_the_report(example, code, told):
    unit = example[2]["2022"].profiles.index[0]
    assert told in all_words_in(sheet_of(example, unit, code))


def test_levels_have_sheets_without_probabilities(frozen_run):
    results = saved(frozen_run("continuum"))
    study = results.study
    data = gather(study, results, study.reference_wave)
    text = words_in(
        make_sheet(study, results, "en", study.reference_wave, data.scores.index[0], data)
    )
    assert "how sure that is, is not known" in text
    assert "The levels are those of" in text
    assert "rofile" not in text
    assert set(np.unique(data.chances)) == {0.0, 1.0}
    assert isinstance(data.changes, pd.DataFrame)
    assert data.changes.empty


def test_pages_are_written_for_each_language_and_a_unit_that_did_not_answer_is_refused(
    example, tmp_path, capsys
):
    study, results, data = example
    unit = data["2022"].scores.index[0]
    paths = [p for some in write_sheets(study, results, tmp_path, "2022", [unit]) for p in some]
    forms = ("en.html", "en.pdf", "nl.html", "nl.pdf")
    assert sorted(path.name for path in paths) == [f"{unit}_{form}" for form in forms]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    with pytest.raises(InputError, match="GM9999"):
        list(write_sheets(study, results, tmp_path, "2022", ["GM9999"]))
    assert main(["sheets", "example", "--wave", "1999"]) == 2
    assert "2018, 2022" in capsys.readouterr().err


def test_without_a_choice_every_unit_that_answered_gets_its_pages(frozen_run, tmp_path):
    results = saved(frozen_run("one_language"))
    pages = write_sheets(results.study, results, tmp_path, "2010", [])
    answered = gather(results.study, results, "2010").scores.index
    first = [path.name.split("_")[0] for path in next(pages)]  # the first of several parts
    assert first == list(np.repeat(answered[:TOGETHER], 2))
    assert len(answered) > TOGETHER


def test_pages_of_results_that_are_out_of_date_are_refused(frozen_run, tmp_path, capsys):
    shutil.copytree(frozen_run("one_wave").home / "data", tmp_path / "data")
    (file,) = (tmp_path / "data" / "raw").glob("*/study.yaml")
    one = ["sheets", file.parent.name, "--home", str(tmp_path), "--unit", "C003"]
    assert main(one) == 0
    (export,) = (tmp_path / "data" / "raw").glob("*/*/responses.csv")
    export.write_text(export.read_text("utf-8").replace("C001", "C002", 1), "utf-8")
    assert main(one) == 2
    assert "is out of date" in capsys.readouterr().err
