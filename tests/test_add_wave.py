"""A new wave from an export: what is sure, what is likely, what only a person knows."""

import re
import shutil

import pandas as pd
import pytest
from commands import called
from conftest import ROOT
from survey_tools import FORMS, read_bundled

from cycle_analysis.drafting import add_wave
from cycle_analysis.problems import FIXED
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.study import load_study
from cycle_analysis.units import load_register

EXPORT = "data/raw/example/2022/responses.csv"


@pytest.fixture
def before(home, edit):
    """The example before its second wave: the export lies elsewhere."""
    shutil.move(home / EXPORT, home / "responses.csv")
    shutil.rmtree(home / "data/raw/example/2022")
    edit("study.yaml", 'waves: ["2018", "2022"]', 'waves: ["2018"]')
    return home


def mapping(home):
    return home / "data/raw/example/2022/wave.yaml"


ROLES = {"Wethouder": "BES", "Teamleider": "DOM", "Data-analist": "DAT"}
ROLES |= {"Afdelingsmanager": "DOM", "Programmamanager": "DOM", "Chief data officer": "DAT"}
ROLES |= {"Adviseur informatievoorziening": "DAT", "Concerncontroller": "STR"}
ROLES |= {"Gemeentesecretaris": "STR", "Strategisch adviseur": "STR"}


def fill_in(path):
    """Fill in what no program could know, and agree to what it found likely."""
    text = path.read_text("utf-8")
    known = {'label: {nl: "", en: ""}': 'label: {nl: "Tweede", en: "Second"}'}
    known |= {'{start: "", end: ""}': '{start: "2022-04-04", end: "2022-06-17"}'}
    known |= {f'"{title}": ""': f'"{title}": {role}' for title, role in ROLES.items()}
    for old, new in known.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    text = re.sub(r'^  # (\w+: ["{])', r"  \1", text, flags=re.MULTILINE)
    path.write_text(re.sub(r'^  # - "', '  - "', text, flags=re.MULTILINE), "utf-8")


def test_the_second_wave_runs_after_filling_what_no_program_could_know(before, edit):
    told = called("add-wave", "example", "2022", "responses.csv", home=before)
    assert told.returncode == 0, told.stderr
    for line in (
        "sure, filled in: 69 (",
        "for you to fill in: 14 (label.nl, label.en, fieldwork.start, fieldwork.end, "
        "columns.role.map.Adviseur inf… and 9 more)",
        "likely, commented: 3 (AG1, EX1, I1)",
        "items without a column: 1 (VA5)",
        "columns without an item: 1 (Opmerkingen)",
    ):
        assert line in told.stdout
    left = called("check", "example", home=before)
    assert left.returncode == 2
    for what in ("label.nl", "label.en", "fieldwork.start", "fieldwork.end", "'2022'"):
        assert what in left.stderr
    fill_in(mapping(before))
    edit("study.yaml", 'waves: ["2018"]', 'waves: ["2018", "2022"]')
    done = called("check", "example", home=before)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "2022: 852 respondents of 197 units answered 70 items" in done.stdout


@pytest.fixture(scope="module")
def wanted():
    """The answers of the bundled wave."""
    return read_responses(load_study("example", ROOT), "2022")


@pytest.mark.parametrize("form", FORMS)
def test_every_survey_tools_export_of_the_same_answers_gives_the_same_answers(
    before, edit, wanted, form
):
    path = FORMS[form](before, read_bundled())
    add_wave(load_study("example", before), "2022", path, load_register())
    fill_in(mapping(before))
    edit("study.yaml", 'waves: ["2018"]', 'waves: ["2018", "2022"]')
    found = read_responses(load_study("example", before), "2022")
    pd.testing.assert_frame_equal(
        found.answers.reset_index(drop=True), wanted.answers.reset_index(drop=True)
    )
    assert found.respondents["unit"].tolist() == wanted.respondents["unit"].tolist()
    assert found.respondents["role"].tolist() == wanted.respondents["role"].tolist()
    assert ("seconds" in found.respondents) == (form in ("Qualtrics", "LimeSurvey in full"))
    assert set(found.problems["done"]) <= {FIXED}


def test_what_an_earlier_wave_ignored_is_ignored_again(before):
    study = load_study("example", before)
    earlier = study.mappings["2018"].model_copy(update={"ignore": ["Opmerkingen"]})
    study = study.model_copy(update={"mappings": {"2018": earlier}})
    added = add_wave(study, "2022", before / "responses.csv", load_register())
    assert added.matches.service["Opmerkingen"] == "ignored in an earlier wave"
    assert added.matches.unknown_columns == []


def test_a_shifted_scale_is_doubted_also_where_nobody_gave_the_highest_answer(before):
    path = FORMS["Qualtrics"](before, read_bundled())
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table["Q_NN1"] = table["Q_NN1"].replace("5", "4")
    table.to_csv(path, index=False)
    added = add_wave(load_study("example", before), "2022", path, load_register())
    match = added.matches.found["NN1"]
    assert not match.sure
    assert match.recode["1"] == "0"
    assert "nobody gave 0, and others of its scale run from 1 to 5" in match.reason


def test_the_first_wave_of_a_study_can_be_begun(home, edit):
    shutil.move(home / EXPORT, home / "responses.csv")
    for wave in ("2018", "2022"):
        shutil.rmtree(home / "data/raw/example" / wave)
    edit("study.yaml", 'waves: ["2018", "2022"]', 'waves: ["2022"]')
    edit("study.yaml", 'reference_wave: "2018"', 'reference_wave: "2022"')
    told = called("add-wave", "example", "2022", "responses.csv", home=home)
    assert told.returncode == 0, told.stderr
    assert "sure, filled in: 69 (" in told.stdout
    fill_in(mapping(home))
    done = called("check", "example", home=home)
    assert done.returncode == 0, done.stderr + done.stdout


def test_nothing_is_ever_overwritten(before):
    called("add-wave", "example", "2022", "responses.csv", home=before)
    first = mapping(before).read_bytes()
    again = called("add-wave", "example", "2022", "responses.csv", home=before)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert mapping(before).read_bytes() == first
    mapping(before).unlink()
    (before / "responses.csv").write_text("Gemeente,AG1\nAlmere,1\n")
    other = called("add-wave", "example", "2022", "responses.csv", home=before)
    assert "another file of this name" in other.stderr
    assert not mapping(before).exists()


def test_a_wave_is_added_while_others_that_are_listed_have_no_file_yet(before, edit):
    edit("study.yaml", 'waves: ["2018"]', 'waves: ["2018", "2022", "2026", "2030"]')
    told = called("add-wave", "example", "2022", "responses.csv", home=before)
    assert told.returncode == 0, told.stderr
    assert "sure, filled in: 69 (" in told.stdout
    left = called("check", "example", home=before).stderr
    for wave in ("2026", "2030"):
        assert f"{wave}/wave.yaml, file: does not exist" in left


def test_an_export_without_units_has_its_column_for_units_to_fill_in(before):
    path = before / "bare.csv"
    path.write_text("id,AG1,AG2\n1,0,4\n2,1,3\n", "utf-8")
    told = called("add-wave", "example", "2022", str(path), home=before)
    assert "label.nl, label.en, fieldwork.start, fieldwork.end, columns.unit)" in told.stdout
    left = called("check", "example", home=before)
    assert left.returncode == 2
    assert "columns.unit.source: is empty. Fill it in." in left.stderr


def test_what_is_not_sure_is_commented_with_its_reason(before):
    called("add-wave", "example", "2022", "responses.csv", home=before)
    lines = mapping(before).read_text("utf-8").splitlines()
    (likely,) = [line for line in lines if "EX1:" in line]
    assert likely.startswith("  # EX1:")
    assert '"5": "4"' in likely
    assert "looks like a scale of 1 to 5, where the codebook has 0 to 4" in likely
    assert any(line.startswith("  # VA5:") for line in lines)
    assert '  # - "Opmerkingen"' in lines
    assert any("EmailAddress" in line and "e-mail" in line for line in lines)


@pytest.mark.parametrize("form", ["A{}", "AO{:02d}", "a{}"])
def test_codes_of_letters_are_likely_the_steps_of_the_scale(before, form):
    table = pd.read_csv(before / "responses.csv", sep=";", dtype=str, encoding="cp1252")
    old = {str(step): form.format(step + 1) for step in range(5)}
    table["AG2"] = table["AG2"].replace(old)
    table["AG3"] = table["AG3"].replace({**old, "4": old["3"]})  # nobody gave the highest
    table.to_csv(before / "responses.csv", index=False)
    called("add-wave", "example", "2022", "responses.csv", home=before)
    whole = ", ".join(f'"{new}": "{code}"' for code, new in old.items())
    text = mapping(before).read_text("utf-8")
    for item in ("AG2", "AG3"):
        assert f'  # {item}: {{source: "{item}", map: {{{whole}}}, comparable: partial}}' in text


def test_the_column_of_the_very_name_of_an_item_goes_before_one_in_other_letters(before, edit):
    edit("2018/wave.yaml", "  AG2: AG2\n", "  AG2: eerder\n")
    table = pd.read_csv(before / "responses.csv", sep=";", dtype=str, encoding="cp1252")
    table.assign(ag2=table["AG2"]).to_csv(before / "responses.csv", index=False)
    called("add-wave", "example", "2022", "responses.csv", home=before)
    assert '  AG2: "AG2"   # by its code' in mapping(before).read_text("utf-8")


def test_codes_that_an_earlier_wave_mapped_are_likely_mapped_alike(before, edit):
    words = ["nog niet", "bijna", "hier en daar", "veel", "overal"]
    old = ", ".join(f'"{word}": {code}' for code, word in enumerate(words))
    edit("2018/wave.yaml", "  AG2: AG2\n", f"  AG2: {{source: AG2, map: {{{old}}}}}\n")
    table = pd.read_csv(before / "responses.csv", sep=";", dtype=str, encoding="cp1252")
    new = {str(code): word for code, word in enumerate(words)}
    table = table.assign(AG2=table["AG2"].replace(new), AG3=table["AG3"].replace(new))
    table.rename(columns={"AG2": "C[AG2]"}).to_csv(before / "responses.csv", index=False)
    called("add-wave", "example", "2022", "responses.csv", home=before)
    text = mapping(before).read_text("utf-8")
    lines = [line for line in text.splitlines() if "recoded as AG2 in wave 2018" in line]
    assert [line.split(":")[0] for line in lines] == ["  # AG2", "  # AG3"]
    assert all(f'"{word}": "{code}"' in line for code, word in new.items() for line in lines)


def test_a_column_is_matched_by_its_question_and_labels_by_the_codebook(before):
    (before / "full.csv").write_text(
        "Response ID,Date submitted,Last page,Gemeente,"
        "Hoe ver is het sociaal domein?,How far is the domain of public safety?\n"
        "1,2022-04-04 10:00:00,3,Almere,experimenteren,broadening\n"
        "2,,1,Utrecht,weet niet,N/A\n",
        "utf-8",
    )
    told = called("add-wave", "example", "2022", "full.csv", home=before)
    assert told.returncode == 0, told.stderr
    text = mapping(before).read_text("utf-8")
    assert '  B2_1: "Hoe ver is het sociaal domein?"   # by its question' in text
    assert '  B2_3: "How far is the domain of public safety?"   # by its question' in text


@pytest.mark.parametrize("name", ["../2022", "a b", "NUL", "all_waves", ""])
def test_a_name_that_is_no_folder_everywhere_is_refused(before, name):
    told = called("add-wave", "example", name, "responses.csv", home=before)
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert sorted(p.name for p in (before / "data/raw/example").glob("*/")) == ["2018"]


def test_an_export_that_cannot_be_read_leaves_no_folder(before):
    (before / "a.csv").write_bytes(b"")
    told = called("add-wave", "example", "2026", "a.csv", home=before)
    assert told.returncode == 2
    assert "holds no answers" in told.stderr
    assert not (before / "data/raw/example/2026").exists()
