"""A study begins from its export: what is sure is filled in, and what is left is listed."""

import csv
import re

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml
from commands import called

from cycle_analysis.drafting import empty_fields
from cycle_analysis.drafting.new_study import new_study
from cycle_analysis.problems import InputError
from cycle_analysis.study import load_study
from cycle_analysis.units import load_register

PHASES = ("VK", "PR", "OP", "BO")
CODES = [f"{phase}{i}" for phase in PHASES for i in range(1, 5)]
TEXTS = {code: f"Dit geldt voor {code.lower()}" for code in CODES}


def answers(n=90, seed=1):
    """Four phases of four items on 1-7, a municipality and a role for each respondent."""
    rng = np.random.default_rng(seed)
    names = load_register().on("2026-03-01")["name"].iloc[: n // 2].tolist()
    roles = ("Bestuurder", "Manager", "Adviseur")
    table = pd.DataFrame(
        {
            "GEM": [names[i % len(names)] for i in range(n)],
            "functie": [roles[i % 3] for i in range(n)],
        }
    )
    given = rng.integers(1, 8, (n, len(CODES)))
    given[0], given[1] = 1, 7
    return table.join(pd.DataFrame(given, columns=CODES).astype(str))


def limesurvey(table, heading):
    """The table as LimeSurvey writes it, its items under headings of a form."""
    days = [f"2026-03-{1 + i % 28:02d} 10:00:00" for i in range(len(table))]
    own = {"id": range(1, len(table) + 1), "submitdate": days, "lastpage": "4"}
    if "." in heading("VK1"):
        own = {
            "id. Response ID": own["id"],
            "submitdate. Date submitted": days,
            "lastpage. Last page": "4",
        }
    names = {code: heading(code) for code in CODES}
    return pd.DataFrame(own, index=table.index).join(table.rename(columns=names))


FORMS = {
    "codes": lambda code: code,
    "parts of a question": lambda code: f"{code[:2]}[SQ00{code[2]}]",
    "parts after a mark": lambda code: f"{code[:2]}_SQ00{code[2]}",
    "codes and texts": lambda code: f"{code[:2]}[SQ00{code[2]}]. In welke mate? [{TEXTS[code]}]",
    "texts": lambda code: f"Fase {code[:2]}: in welke mate? [{TEXTS[code]}]",
}


def fill_in(folder):
    """Fill in every field that is empty, and nothing else."""
    for path in (folder / "study.yaml", *folder.glob("*/wave.yaml")):
        text = path.read_text("utf-8")
        text = text.replace('start: "", end: ""', 'start: "2026-03-01", end: "2026-03-28"')
        path.write_text(re.sub(r'((?:nl|en): )""', r'\1"naam"', text), "utf-8")
    with (folder / "codebook.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    filled = [[*row[:-1], row[-1] or f"Vraag {row[0]}"] for row in rows]
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(filled)


def begun(home, table):
    """The study that is begun from a table as csv: its folder, and what was said."""
    table.to_csv(home / "export.csv", index=False, quoting=1)
    told = called("new-study", "cyclus", "export.csv", home=home)
    assert told.returncode == 0, told.stderr
    return home / "data" / "raw" / "cyclus", told.stdout


@pytest.mark.parametrize("form", FORMS)
def test_an_export_of_limesurvey_becomes_a_study_that_passes_check(tmp_path, form):
    table = limesurvey(answers(), FORMS[form]).assign(OPM=[f"opmerking {i}" for i in range(90)])
    folder, told = begun(tmp_path, table)
    assert "17 items; units: municipalities, column GEM; scale from_1_to_7; scale open" in told
    assert "wave 2026" in told
    assert ", ".join(empty_fields((folder / "study.yaml").read_text("utf-8"))) in told
    fill_in(folder)
    added = called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path)
    assert "sure, filled in: 20 (" in added.stdout, added.stdout + added.stderr
    assert "for you to fill in: 3 (label.nl, fieldwork.start, fieldwork.end)" in added.stdout
    fill_in(folder)
    done = called("check", "cyclus", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2026: 90 respondents of 45 units answered 17 items" in done.stdout
    study = load_study("cyclus", tmp_path)
    assert study.languages == ["nl"]
    assert len(study.phases) == 4
    assert [len(study.codebook.of_phase(phase)) for phase in study.phase_codes] == [4] * 4
    assert study.scales["from_1_to_7"].ends == (1, 7)


def test_nothing_but_what_is_listed_is_left_to_fill_in(tmp_path):
    folder, _ = begun(tmp_path, limesurvey(answers(), FORMS["codes"]))
    text = (folder / "study.yaml").read_text("utf-8")
    left = called("check", "cyclus", home=tmp_path).stderr
    assert f"study.yaml: {len(empty_fields(text))} times: is empty" in left
    assert "codebook.csv: 16 times: is empty. First: row 2, column question_nl" in left


def test_labels_and_missing_codes_of_spss_become_scales(tmp_path):
    table = answers().astype(dict.fromkeys(CODES, float))
    table["VK1"] = table["VK1"].replace(3.0, 99.0)
    ends = {1.0: "helemaal niet", 7.0: "volledig", 99.0: "weet niet"}
    table["SOORT"] = [float(1 + i % 2) for i in range(90)]
    labels = {**dict.fromkeys(CODES, ends), "SOORT": {1.0: "klein", 2.0: "groot"}}
    path = tmp_path / "export.sav"
    questions = ["Gemeente", "Functie", *TEXTS.values(), "Wat voor gemeente?"]
    pyreadstat.write_sav(
        *(table, str(path)),
        column_labels=questions,
        variable_value_labels=labels,
        missing_ranges={code: [99.0] for code in CODES},
    )
    made = new_study(tmp_path / "data/raw/cyclus", path)
    fields = yaml.safe_load(made.files[0].read_text("utf-8"))
    scale = fields["scales"]["from_1_to_7"]
    assert (scale["kind"], scale["min"], scale["max"]) == ("rating", 1, 7)
    assert scale["labels"] == {"1": {"nl": "helemaal niet"}, "7": {"nl": "volledig"}}
    assert scale["missing"] == {"99": {"reason": "dont_know", "nl": "weet niet"}}
    kind = fields["scales"]["of_SOORT"]
    assert kind == {"kind": "category", "labels": {"1": {"nl": "klein"}, "2": {"nl": "groot"}}}
    book = pd.read_csv(made.files[1]).set_index("item")
    assert book.loc["PR3", "question_nl"] == TEXTS["PR3"]


@pytest.mark.parametrize(
    ("change", "likely"),
    [
        (lambda table: table.replace("1", "2"), ["# min: 2   # likely", "# max: 7"]),
        (lambda table: table.replace("7", "99"), ['#   "99": {reason: dont_know']),
        (
            lambda table: table.replace(dict(zip("1234567", "abcdefg", strict=True))),
            ["# min: 1   # likely", '#   "": {nl: "a"}', "# labels:   # give each its code"],
        ),
    ],
    ids=["an end that nobody gave", "a code far from the others", "words of unknown order"],
)
def test_what_answers_do_not_tell_for_sure_is_commented(tmp_path, change, likely):
    folder, told = begun(tmp_path, limesurvey(change(answers()), FORMS["codes"]))
    text = (folder / "study.yaml").read_text("utf-8")
    for line in likely:
        assert line in text
    assert "likely, look at it" in told


def test_answer_codes_of_letters_and_a_number_keep_their_order(tmp_path):
    coded = {f"{i}": f"A{i}" for i in range(1, 8)}
    folder, _ = begun(tmp_path, limesurvey(answers().replace(coded), FORMS["codes"]))
    fill_in(folder)
    called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path)
    fill_in(folder)
    assert called("check", "cyclus", home=tmp_path).returncode == 0
    assert load_study("cyclus", tmp_path).scales["from_1_to_7"].ends == (1, 7)


def test_units_that_are_no_municipalities_and_items_without_blocks_are_left_to_fill_in(tmp_path):
    names = {code: f"Q{i}" for i, code in enumerate(CODES)}
    table = answers().rename(columns=names).assign(GEM=[f"Afdeling {i % 40}" for i in range(90)])
    folder, told = begun(tmp_path, table)
    for field in ("units.one.nl", "units.register", "phases.1.code", "waves.1", "reference_wave"):
        assert field in told
    assert "add-wave cyclus WAVE" in told
    assert 'register: ""' in (folder / "study.yaml").read_text("utf-8")


def test_a_study_that_is_there_is_not_overwritten(tmp_path):
    folder, _ = begun(tmp_path, limesurvey(answers(), FORMS["codes"]))
    first = (folder / "study.yaml").read_bytes()
    with pytest.raises(InputError, match="is there already"):
        new_study(folder, tmp_path / "export.csv")
    assert (folder / "study.yaml").read_bytes() == first


@pytest.mark.parametrize("name", ["a b", "../x", "NUL", "-x", ""])
def test_a_name_that_no_study_can_have_is_refused_with_the_rule(tmp_path, name):
    told = called("new-study", "--", name, "export.csv", home=None)
    assert told.returncode == 2
    assert "letters a to z, digits, - and _, the first a letter or digit" in told.stderr


def test_an_export_that_holds_no_items_leaves_no_folder(tmp_path):
    (tmp_path / "export.csv").write_text("id,gemeente\n1,Almere\n2,Utrecht\n", "utf-8")
    told = called("new-study", "cyclus", "export.csv", home=tmp_path)
    assert told.returncode == 2
    assert "no column holds an item" in told.stderr
    assert not (tmp_path / "data").exists()


def test_numbers_of_other_kinds_in_one_block_are_no_rating(tmp_path):
    rng = np.random.default_rng(3)
    mixed = {"A1": rng.integers(0, 51, 90), "A2": rng.integers(1, 4, 90), "A3": [1, 2] * 45}
    folder, _ = begun(tmp_path, limesurvey(answers(), FORMS["codes"]).assign(**mixed))
    book = pd.read_csv(folder / "codebook.csv").set_index("item")
    scales = yaml.safe_load((folder / "study.yaml").read_text("utf-8"))["scales"]
    kinds = {item: scales[book.loc[item, "scale"]]["kind"] for item in mixed}
    assert kinds == {"A1": "number", "A2": "number", "A3": "category"}
    assert book.loc["A1":"A3", "phase"].isna().all()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_draft_is_in_the_language_that_is_asked_for(tmp_path, language):
    limesurvey(answers(), FORMS["codes"]).to_csv(tmp_path / "export.csv", index=False, quoting=1)
    made = new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.csv", language)
    fields = yaml.safe_load(made.files[0].read_text("utf-8"))
    assert fields["languages"] == [language]
    assert list(fields["title"]) == [language]
    assert made.files[1].read_text("utf-8").splitlines()[0].endswith(f"question_{language}")
