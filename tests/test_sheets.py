"""Pages for single units: what they say of their unit, and of nobody else."""

import re

import numpy as np
import pandas as pd
import pytest
from told import saved

from cycle_analysis.cli import main
from cycle_analysis.problems import InputError
from cycle_analysis.report.document import Bullets, Paragraph, words_of
from cycle_analysis.report.sheets import APART, gather, make_sheet, write_sheets


@pytest.fixture(scope="module")
def example(frozen_run):
    results = saved(frozen_run("example"))
    return results.study, results, {w: gather(results.study, results, w) for w in ("2018", "2022")}


def sheet_of(example, unit, code="en", wave="2022"):
    study, results, data = example
    return make_sheet(study, results, code, wave, unit, data[wave])


def told(document) -> str:
    parts = []
    for block in document.blocks:
        if isinstance(block, Paragraph):
            parts.append(words_of(block.text))
        elif isinstance(block, Bullets):
            parts += [words_of(item) for item in block.items]
    return "\n".join(parts)


def test_in_the_reference_wave_a_unit_looks_like_the_profile_it_was_put_in(example):
    _, results, data = example
    known = results.load("05_profiles", "probabilities", "2018").to_numpy()
    assert data["2018"].chances.to_numpy() == pytest.approx(known, abs=1e-4)


def test_one_respondent_is_told_first_and_several_are_counted(example):
    counts = example[2]["2022"].error.n_respondents.max(axis=1)
    alone, many = counts.index[counts == 1][0], counts.index[counts == 4][0]
    assert told(sheet_of(example, alone)).startswith("One respondent answered")
    assert told(sheet_of(example, alone, "nl")).startswith("Eén respondent antwoordde")
    assert told(sheet_of(example, many)).startswith("Four respondents answered")


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
    assert "more than respondents leave unknown" in told(sheet_of(example, sure.iloc[0]))
    text = told(sheet_of(example, unsure[0]))
    assert "not demonstrable" in text
    assert "more than respondents leave unknown" not in text


def test_a_sheet_names_its_unit_its_predecessors_and_no_other(example):
    data = example[2]["2022"]
    names = data.background["name"]
    for unit in [*data.scores.index[:8], *(u for u in data.merged if u in data.scores.index)][:12]:
        text = told(sheet_of(example, unit))
        own = {names[unit], *data.merged.get(unit, [])}
        ignored = {name for name in names if any(name in other for other in own)}
        found = {n for n in names if re.search(rf"\b{re.escape(n)}\b", text)} - own - ignored
        # a name that is also a word of a question
        questions = " ".join(example[0].codebook.items["question_en"])
        assert not {name for name in found if name not in questions}
        assert all(name in text for name in data.merged.get(unit, []))


def test_of_roles_nothing_is_told_that_would_be_one_persons_answers(example):
    data = example[2]["2022"]
    roles = data.respondents.groupby("unit")["role"].value_counts().unstack().fillna(0)
    for unit in data.scores.index[::8]:
        counts = roles.loc[unit][roles.loc[unit] > 0]
        if counts.min() < 2 or len(counts) < 2:
            assert "score" not in "\n".join(
                line
                for line in told(sheet_of(example, unit)).splitlines()
                if "points higher" in line
            )


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
    text = told(sheet_of(example, first))
    assert all(f"‘{questions[item]}’" in text for item in gaps.index[gaps >= APART])


def test_levels_have_sheets_without_probabilities(frozen_run):
    results = saved(frozen_run("continuum"))
    study = results.study
    data = gather(study, results, study.reference_wave)
    text = told(make_sheet(study, results, "en", study.reference_wave, data.scores.index[0], data))
    assert "how sure that is, is not known" in text
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
