"""A study begins from its export: what is sure is filled in, and what is left is listed."""

import csv
import re

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml
from commands import called

from cycle_analysis.drafting import empty_fields, new_study
from cycle_analysis.drafting.seen import UNUSED, name_items, see_items, why_no_item
from cycle_analysis.problems import InputError
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.coded import read_responses
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
    if "In welke mate?" in heading("VK1"):
        dutch = ("id. Antwoord-ID", "submitdate. Datum ingediend", "lastpage. Laatste pagina")
        own = dict(zip(dutch, own.values(), strict=True)) | {"startlanguage. Starttaal": "nl"}
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


def name_wave(path):
    """Name the wave of a study whose export does not tell it."""
    text = path.read_text("utf-8").replace('waves: [""]', 'waves: ["2026"]')
    path.write_text(text.replace('reference_wave: ""', 'reference_wave: "2026"'), "utf-8")


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


@pytest.mark.parametrize("between", ["-", ".", "None"])
def test_a_label_that_says_nothing_takes_no_step_from_a_scale(tmp_path, between):
    table, labels = answers().astype(dict.fromkeys(CODES, float)), {1.0: "weinig", 7.0: "veel"}
    labels |= {2.0: between, 3.0: "-", 4.0: "...", 9.0: "weet niet"}
    labelled = dict.fromkeys(CODES, labels)
    pyreadstat.write_sav(table, str(tmp_path / "a.sav"), variable_value_labels=labelled)
    new_study(tmp_path / "mine", tmp_path / "a.sav")
    scales = yaml.safe_load((tmp_path / "mine" / "study.yaml").read_text("utf-8"))["scales"]
    assert list(scales["from_1_to_7"]["missing"]) == ["9"]
    assert not {"3", "4"} & set(scales["from_1_to_7"]["labels"])


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
    text = (folder / "study.yaml").read_text("utf-8")
    (folder / "study.yaml").write_text(re.sub("# (min|max):", r"\1:", text), "utf-8")
    called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path)
    fill_in(folder)
    assert called("check", "cyclus", home=tmp_path).returncode == 0
    assert load_study("cyclus", tmp_path).scales["from_1_to_7"].ends == (1, 7)


def test_codes_without_words_make_no_scale_that_is_sure(tmp_path):
    """LimeSurvey gives `weet niet` the code after the last answer: A6 beside A1 to A5."""
    table = answers()
    table[CODES] = table[CODES].replace({f"{i}": f"A{i}" for i in range(1, 8)})
    likely = next(line for line in begun(tmp_path, table)[1].splitlines() if "look at it" in line)
    assert "scale from_1_to_7" in likely
    text = (tmp_path / "data/raw/cyclus/study.yaml").read_text()
    assert "    # max: 7" in text
    assert "those for no answer go under missing" in text


def test_reasons_in_two_languages_are_no_answers(tmp_path):
    table, words = answers()[CODES].astype(int), {1: "oneens / disagree", 7: "eens / agree"}
    table.iloc[4, 0] = 9
    words |= {8: "Weet niet / Don't know", 9: "Niet van toepassing / Not applicable"}
    labels = {code: {float(at): said for at, said in words.items()} for code in CODES}
    pyreadstat.write_sav(table.astype(float), tmp_path / "a.sav", variable_value_labels=labels)
    (tmp_path / "data/raw").mkdir(parents=True)
    assert called("new-study", "cyclus", "a.sav", home=tmp_path).returncode == 0
    scale = yaml.safe_load((tmp_path / "data/raw/cyclus/study.yaml").read_text())["scales"]
    assert {name: rating["max"] for name, rating in scale.items()} == {"from_1_to_7": 7}
    reasons = {code: one["reason"] for code, one in scale["from_1_to_7"]["missing"].items()}
    assert reasons == {"8": "dont_know", "9": "not_applicable"}


def test_a_number_for_each_of_many_respondents_is_no_name_of_a_municipality(tmp_path):
    table = pd.concat([answers()] * 25, ignore_index=True)
    rows = range(len(table))
    table = table.assign(GEM=[f"Huis {i // 25:02d}" for i in rows], lid=[2300 - i for i in rows])
    said = begun(tmp_path, table)[1]
    assert "units: municipalities" not in said
    assert "units from column GEM" in said


def test_what_is_next_can_be_typed_over_and_an_empty_wave_is_told_once(tmp_path):
    answers().to_csv(tmp_path / "Meting 2026 (def).csv", index=False)
    done = called("new-study", "cyclus", "Meting 2026 (def).csv", home=tmp_path)
    assert done.stdout.endswith("add-wave cyclus WAVE 'Meting 2026 (def).csv'\n")
    told = called("check", "cyclus", home=tmp_path).stderr
    assert "times: is empty" in told
    assert "wave.yaml" not in told


def test_a_text_in_a_language_that_the_study_does_not_name_says_how_to_name_it(tmp_path):
    folder, _ = begun(tmp_path, answers())
    text = (folder / "study.yaml").read_text("utf-8")
    (folder / "study.yaml").write_text(text.replace('title: {nl: ""}', 'title: {nl: "a", en: "b"}'))
    told = called("check", "cyclus", home=tmp_path).stderr
    assert "title.en: 'en': is no language of this study. Add it to `languages`" in told


@pytest.fixture
def first_wave(tmp_path):
    """A study on 1 to 5 whose first wave is begun, and the answers of that."""
    table = answers().replace({"6": "4", "7": "5"})
    table.loc[0, CODES], table.loc[1, CODES] = "1", "5"
    folder, _ = begun(tmp_path, table)
    fill_in(folder)
    name_wave(folder / "study.yaml")
    assert called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path).returncode == 0
    fill_in(folder)
    return table


def added(home, table):
    table.to_csv(home / "next.csv", index=False)
    told = called("add-wave", "cyclus", "2027", "next.csv", home=home)
    assert told.returncode == 0, told.stderr
    return (home / "data/raw/cyclus/2027/wave.yaml").read_text("utf-8")


def test_another_range_is_carried_by_linear_also_where_an_item_fits_by_chance(first_wave, tmp_path):
    table = first_wave.copy()
    table.loc[4:9, CODES[1:]] = "7"
    text = added(tmp_path, table)
    line = '# VK1: {source: "VK1", linear: {from: [1, 7]}, comparable: partial}'
    assert f"  {line}" in text
    assert text.count("answers on its scale run from 1 to 7, not 1 to 5") == len(CODES)


def test_what_was_asked_before_is_dropped_and_a_weight_and_what_is_no_unit_are_told(
    first_wave, tmp_path
):
    table = first_wave.drop(columns="VK2").assign(Weging="0,8", OPM="")
    table.loc[5, "GEM"] = "Totaal"
    text = added(tmp_path, table)
    dropped, not_asked = text.split("dropped:")[1].split("not_asked:")
    assert '# VK2: "no longer asked"' in dropped
    assert "VK2" not in not_asked
    assert '"Weging"   # weights of respondents are not used' in text
    assert "of its values are units of the register, not Totaal" in text


@pytest.mark.parametrize("name", ["wt", "Design weight", "pspwght", "dweight", "survey_wt"])
def test_a_weight_is_known_by_its_usual_names_in_heading_or_question(name):
    cells = pd.DataFrame(
        {"W": ["0,8125", "1,2"] * 9, name: ["0,8125", "1,2"] * 9}, dtype="category"
    )
    raw = RawTable("a.sav", cells, "", questions={"W": name})
    assert [why_no_item(raw, column) for column in ("W", name)] == [UNUSED] * 2


@pytest.mark.parametrize("name", ["First Click", "Page Submit", "Click Count", "Resolution"])
def test_what_qualtrics_measures_of_a_page_is_no_item(name):
    cells = pd.DataFrame({f"Q3_{name}": ["1.25", "17.5", "3"] * 9}, dtype="category")
    raw = RawTable("a.csv", cells, "", questions={f"Q3_{name}": f"Timing - {name}"})
    assert why_no_item(raw, f"Q3_{name}") == "added by the survey tool"


def test_roles_to_be_filled_in_stand_with_what_the_file_calls_them(tmp_path):
    table = answers()[CODES].astype(float).assign(functie=[1.0, 2.0, 3.0] * 30)
    labels = {"functie": {1.0: "Bestuurder / Executive", 2.0: "Manager", 3.0: "Adviseur"}}
    pyreadstat.write_sav(table, tmp_path / "a.sav", variable_value_labels=labels)
    folder, _ = begun(tmp_path, answers())
    fill_in(folder)
    name_wave(folder / "study.yaml")
    assert called("add-wave", "cyclus", "2026", "a.sav", home=tmp_path).returncode == 0
    text = (folder / "2026/wave.yaml").read_text("utf-8")
    assert '"1": ""   # fill in; 30 rows, Bestuurder / Executive' in text


def test_a_heading_that_is_a_code_is_no_question(tmp_path):
    folder, told = begun(tmp_path, limesurvey(answers(), FORMS["parts of a question"]))
    assert "questions of VK1, VK2" in told
    assert pd.read_csv(folder / "codebook.csv")["question_nl"].isna().all()


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


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_the_draft_is_in_the_language_that_is_asked_for(tmp_path, language):
    limesurvey(answers(), FORMS["codes"]).to_csv(tmp_path / "export.csv", index=False, quoting=1)
    made = new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.csv", language)
    fields = yaml.safe_load(made.files[0].read_text("utf-8"))
    assert fields["languages"] == [language]
    assert list(fields["title"]) == [language]
    assert made.files[1].read_text("utf-8").splitlines()[0].endswith(f"question_{language}")


@pytest.mark.parametrize("heading", ["functie", "Wat is uw functie?", "rol", "Role"])
@pytest.mark.parametrize("labelled", [False, True])
def test_a_role_of_bare_codes_is_no_item_with_value_labels_or_without(tmp_path, heading, labelled):
    codes = [1 + i % 5 for i in range(90)]
    table = answers().drop(columns="functie").assign(**{heading: codes})
    if labelled:
        names = dict(enumerate(("Wethouder", "Directeur", "Manager", "Adviseur", "Anders"), 1))
        path = tmp_path / "export.sav"
        table = table.rename(columns={heading: "Q2"})
        told = {name: heading if name == "Q2" else name for name in table}
        pyreadstat.write_sav(
            table, str(path), variable_value_labels={"Q2": names}, column_labels=told
        )
    else:
        path = tmp_path / "export.csv"
        table.to_csv(path, index=False)
    made = new_study(tmp_path / "data/raw/cyclus", path)
    assert pd.read_csv(made.files[1])["item"].tolist() == CODES
    roles = yaml.safe_load(made.files[0].read_text("utf-8"))["roles"]
    assert list(roles) == ([f"R{i}" for i in range(1, 6)] if labelled else list("12345"))
    assert [role["nl"] for role in roles.values()] == (
        list(names.values()) if labelled else [""] * 5
    )


def test_an_opinion_on_roles_is_an_item(tmp_path):
    asked = "In hoeverre is de rol van de gemeenteraad bij datagedreven sturing duidelijk belegd?"
    table = answers().assign(**{asked: [1 + i % 5 for i in range(90)]})
    _, told = begun(tmp_path, table)
    assert "17 items" in told


@pytest.mark.parametrize("column", ["respondent", "duur", "provincie", "gemeentecode"])
def test_a_column_that_tells_who_answered_is_no_item_whatever_it_holds(tmp_path, column):
    _, told = begun(tmp_path, answers().assign(**{column: ["1", "2", "3"] * 30}))
    assert ("16 items" in told) == (column != "duur")


@pytest.mark.parametrize("form", ["Gemeente {} (afd. Data)", "{} - team BI", "{}, 2e lijn"])
def test_units_named_beside_other_words_are_likely_with_a_map(tmp_path, form):
    table = answers().rename(columns={"GEM": "organisatie"})
    table["organisatie"] = [form.format(name) for name in table["organisatie"]]
    folder, told = begun(tmp_path, table)
    assert "likely, look at it: units: municipalities, column organisatie" in told
    name_wave(folder / "study.yaml")
    fill_in(folder)
    called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path)
    wave = folder / "2026" / "wave.yaml"
    assert "# unit: {source:" in wave.read_text("utf-8"), "it is for a person to take over"
    wave.write_text(wave.read_text("utf-8").replace("  # unit:", "  unit:"), "utf-8")
    fill_in(folder)
    done = called("check", "cyclus", home=tmp_path)
    assert "90 respondents of 45 units" in done.stdout, done.stderr


@pytest.mark.parametrize("ends", [("2023", "2025"), ("_t1", "_t2"), (" meting 1", " meting 2")])
def test_two_surveys_side_by_side_are_told(tmp_path, ends):
    table = answers()
    twice = [table[CODES].add_suffix(end) for end in ends]
    _, told = begun(tmp_path, pd.concat([table[["GEM"]], *twice], axis=1))
    assert "two surveys in one file?" in told
    (tmp_path / "plain").mkdir()
    assert "two surveys" not in begun(tmp_path / "plain", table)[1]


def test_a_workbook_of_several_sheets_begins_by_naming_one(tmp_path):
    path = tmp_path / "export.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"Toelichting": ["over deze enquête"]}).to_excel(book, sheet_name="Uitleg")
        answers().to_excel(book, sheet_name="De data", index=False, startrow=2)
    refused = called("new-study", "cyclus", "export.xlsx", home=tmp_path)
    assert "Name one, as source.sheet in wave.yaml or by --sheet" in refused.stderr
    layout = ("--sheet", "De data", "--header-row", "3")
    told = called("new-study", "cyclus", "export.xlsx", *layout, home=tmp_path)
    assert "16 items" in told.stdout, told.stderr
    assert "export.xlsx --sheet 'De data' --header-row 3" in told.stdout
    folder = tmp_path / "data/raw/cyclus"
    name_wave(folder / "study.yaml")
    fill_in(folder)
    added = called("add-wave", "cyclus", "2026", "export.xlsx", *layout, home=tmp_path)
    assert "sure, filled in: 18" in added.stdout, added.stderr
    source = yaml.safe_load((folder / "2026/wave.yaml").read_text("utf-8"))["source"]
    assert (source["sheet"], source["header_row"]) == ("De data", 3)


def test_boxes_to_tick_are_no_rating_and_what_is_personal_in_them_no_label(tmp_path):
    boxes = ("Dashboards", "Forecasts", "Pilots", "None", "Other")
    ticked = {f"Which do you use? [{box}]": [box, ""] * 45 for box in boxes}
    ticked["Which do you use? [Other]"] = ["call me on 07700 900456", *[""] * 89]
    answers().assign(**ticked).to_csv(tmp_path / "export.csv", index=False)
    made = new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.csv")
    book = pd.read_csv(made.files[1], index_col="item")
    scales = yaml.safe_load(made.files[0].read_text("utf-8"))["scales"]
    kinds = {scales[name]["kind"] for name in book.loc[book["block"] == "V1", "scale"]}
    assert kinds == {"category", "text"}
    assert "07700" not in made.files[0].read_text("utf-8")


def test_a_box_for_each_of_several_roles_is_no_role_and_boxes_of_yes_and_no_no_rating(tmp_path):
    boxes = {f"Wat is uw rol? [{role}]": ["Ja", "Nee"] * 45 for role in ("Raadslid", "Wethouder")}
    boxes["Wat is uw rol? [Anders]"] = ["projectleider J. de Vries", *[""] * 89]
    table = answers().drop(columns="functie").assign(**boxes)
    folder, told = begun(tmp_path, table)
    study = (folder / "study.yaml").read_text("utf-8")
    assert "roles from column" not in told
    assert "Vries" not in study
    assert re.findall(r'code: "(\w+)"', study)[1:] == list(PHASES)


@pytest.mark.parametrize(
    "heading",
    [
        lambda code: f"{code[:2]}_vorming_van_coalities_in_de_hele_organisatie_{code[2]}",
        lambda code: f"Fase{code[:2]} {code[2]}. {TEXTS[code]}",
    ],
)
def test_blocks_are_found_by_their_name_however_long_or_with_a_question(tmp_path, heading):
    table = answers().rename(columns={code: heading(code) for code in CODES})
    folder, _ = begun(tmp_path, table)
    draft = pd.read_csv(folder / "codebook.csv")
    assert draft["phase"].value_counts(sort=False).tolist() == [4] * 4
    asked = [text if "." in heading("VK1") else heading(code) for code, text in TEXTS.items()]
    assert draft["question_nl"].tolist() == asked


def test_blocks_of_r_keep_their_name_whatever_letters_and_marks_are_in_it():
    columns = ["ny_normal.1", "ny_normal.2", "økonomi.1", "økonomi.2", "plan-b-1", "plan-b-2"]
    named = name_items(columns)
    assert [named[column][0] for column in columns[:2]] == ["ny_normal_1", "ny_normal_2"]
    assert [named[column][0] for column in columns[4:]] == ["plan_b_1", "plan_b_2"]
    assert len({named[column][1] for column in columns}) == 3, "blocks"


def test_a_block_in_which_nobody_chose_one_of_the_words_is_on_the_scale_of_the_others(tmp_path):
    words = ["Helt uenig", "Delvis uenig", "Verken eller", "Delvis enig", "Helt enig"]
    chosen = {"start": words, "plan": words, "new": words[:4]}
    columns = {
        f"{block}.{i}": [some[(row + i) % len(some)] for row in range(60)]
        for block, some in chosen.items()
        for i in (1, 2, 3)
    }
    raw = RawTable("a.csv", pd.DataFrame(columns, dtype="category"), "")
    assert {one.scale.ends for one in see_items(raw, list(columns))} == {(1, 5)}


def test_numbered_questions_are_not_a_block_by_that(tmp_path):
    names = {code: f"Vraag {i}. {TEXTS[code]}" for i, code in enumerate(CODES, 1)}
    folder, _ = begun(tmp_path, answers().rename(columns=names))
    assert pd.read_csv(folder / "codebook.csv")["block"].is_unique


def test_a_zero_with_a_minus_is_zero(tmp_path):
    table = answers()
    table[CODES] = table[CODES].replace("1", "-0").replace("2", "1")
    assert "scale from_0_to_7" in begun(tmp_path, table)[1]


def test_a_scale_of_which_one_end_alone_has_a_label_is_only_likely(tmp_path):
    given = ["1 - not at all", "2", "3", "4", "5", "6"] * 15
    answers().assign(ZZ=given).to_csv(tmp_path / "export.csv", index=False)
    text = new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.csv").files[0].read_text()
    assert "    # max: 6" in text


def test_a_word_in_headings_that_names_one_unit_turns_no_table_round(tmp_path):
    table = answers().rename(columns={code: f"{code} How it goes" for code in CODES})
    table.to_csv(tmp_path / "export.csv", index=False)
    assert new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.csv").sure


def test_units_that_a_file_names_by_labels_are_likely_the_units(tmp_path):
    table = answers().drop(columns="GEM").assign(trust=[1 + i % 30 for i in range(90)])
    names = {"trust": {float(i): f"Trust {i}" for i in range(1, 31)}}
    pyreadstat.write_dta(table, tmp_path / "export.dta", variable_value_labels=names)
    told = str(new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.dta"))
    assert "units from column trust" in told


def test_dates_that_a_form_adds_are_no_mistakes_of_the_file(tmp_path):
    days = pd.date_range("2026-03-02 09:00", periods=90, freq="h")
    table = answers().assign(**{"Start time": days, "Ingevuld op": days})
    table.to_excel(tmp_path / "export.xlsx", index=False)
    told = called("new-study", "cyclus", "export.xlsx", home=tmp_path).stdout
    assert "will refuse" not in told


def test_what_a_file_tells_beside_its_answers_is_said_at_once(tmp_path):
    table = answers()
    with pd.ExcelWriter(tmp_path / "export.xlsx", engine="xlsxwriter") as book:
        table.to_excel(book, sheet_name="Data", index=False)
        sheet = book.sheets["Data"]
        sheet.set_row(5, None, None, {"hidden": True})
        sheet.write_formula(3, 2, "=VLOOKUP(A4,A1:B9,2,0)", None, 4)
    told = called("new-study", "cyclus", "export.xlsx", home=tmp_path).stdout
    assert "the file: 1 row is hidden in the sheet" in told
    assert "the file: 1 x is a formula, not a value (column VK1): `check` will refuse that" in told


SEVEN = ["nooit", "zelden", "soms", "even", "vaak", "meest", "altijd"]
WORDS = dict(zip("1234567", SEVEN, strict=True))


def as_a_form(table):
    """The table as Google or Microsoft Forms write it: each question whole, and by itself."""
    renamed = {"GEM": "Voor welke gemeente werkt u?", **{c: f"Geldt {c} bij u?" for c in CODES}}
    return table.rename(columns=renamed)


@pytest.mark.parametrize("worded", [True, False])
def test_questions_of_a_form_share_the_scale_of_which_all_show_the_answers(tmp_path, worded):
    table = answers()
    table[CODES] = table[CODES].replace(WORDS) if worded else table[CODES]
    as_a_form(table).assign(Jaren=range(90)).to_csv(tmp_path / "export.csv", index=False)
    begun = new_study(tmp_path / "mine", tmp_path / "export.csv")
    draft = (tmp_path / "mine" / "study.yaml").read_text("utf-8")
    told = begun.likely if worded else begun.sure  # the order of words is a person's to give
    assert "scale from_1_to_7" in told
    assert "from_1_to_7:   # V1_1, V2_1, V3_1, V4_1, V5_1 and 11 more" in draft


def test_answers_that_differ_in_capitals_and_spaces_alone_are_one(tmp_path):
    table = answers()
    table[CODES] = table[CODES].replace(WORDS)
    table.loc[::2, CODES] = table.loc[::2, CODES].map(lambda word: f" {word.upper()}")
    table.to_csv(tmp_path / "export.csv", index=False)
    assert "scale from_1_to_7" in new_study(tmp_path / "mine", tmp_path / "export.csv").likely


def test_none_is_a_step_of_a_scale_in_words_and_no_answer_among_numbers(tmp_path):
    for name, word in {"words": "Some", "numbers": "1"}.items():
        table = answers()
        table[CODES] = table[CODES].replace(WORDS | {"2": "None", "1": word})
        table[CODES] = table[CODES] if name == "words" else answers()[CODES].replace("2", "None")
        as_a_form(table).to_csv(tmp_path / f"{name}.csv", index=False)
        new_study(tmp_path / name, tmp_path / f"{name}.csv")
        draft = (tmp_path / name / "study.yaml").read_text("utf-8")
        assert ('"None"' in draft) == (name == "words")


def test_groups_of_kobo_and_odk_are_no_part_of_a_code(tmp_path):
    of = {"VK": "a/agenda", "PR": "a/b/proef", "OP": "op", "BO": "op"}
    own = {
        "Soort": ["1", "1 2"] * 45,
        "Soort/2": ["0", "1"] * 45,
        "_uuid": [f"u{i:x}x" for i in range(90)],
    }
    table = answers().rename(
        columns={c: f"{of[c[:2]]}/{c}" for c in CODES} | {"GEM": "wie/commune"}
    )
    table.assign(**own).to_csv(tmp_path / "export.csv", index=False)
    begun = new_study(tmp_path / "mine", tmp_path / "export.csv")
    book = pd.read_csv(begun.files[1], dtype="str").set_index("item")
    assert set(CODES) | {"Soort_2"} <= set(book.index)
    assert book.loc[CODES, "phase"].tolist() == [code[:2] for code in CODES]
    assert "_uuid" in begun.left_out
    assert "units: municipalities, column wie/commune" in begun.sure


def test_a_column_that_alone_repeats_many_names_is_likely_that_of_the_units(tmp_path):
    schools = [f"De {tree} {place}" for tree in ("Eik", "Wilg", "Es") for place in "ABCDEF"]
    table = answers().drop(columns="GEM").assign(Organisatie=schools * 5, Opmerking="")
    table.loc[:20, "Opmerking"] = [f"tip {row}" for row in range(21)]
    table.to_csv(tmp_path / "export.csv", index=False)
    begun = new_study(tmp_path / "mine", tmp_path / "export.csv")
    draft = (tmp_path / "mine" / "study.yaml").read_text("utf-8")
    assert "units:   # fill in; likely named in column Organisatie" in draft
    assert "units from column Organisatie" in begun.likely
    assert "Organisatie" not in (tmp_path / "mine" / "codebook.csv").read_text("utf-8")


def test_what_respondents_wrote_is_no_category_and_stands_in_no_file(tmp_path):
    table = answers().assign(Toelichting="", Anders="", Contact="", Soort=["klein", "groot"] * 45)
    table.loc[:2, "Toelichting"] = ["Jan weet dit", "Vraag het Piet", "te druk"]
    table.loc[5, "Anders"] = "wethouder van Bladel"
    table.loc[:5, "Contact"] = "bel mij op 06-12345678"  # of one person, who answered often
    table.to_csv(tmp_path / "export.csv", index=False)
    new_study(tmp_path / "mine", tmp_path / "export.csv")
    items = pd.read_csv(tmp_path / "mine" / "codebook.csv", index_col="item")
    assert (items.loc[["Toelichting", "Anders", "Contact"], "scale"] == "open").all()
    assert items.loc["Soort", "scale"] == "of_Soort"
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "mine").iterdir())
    assert not re.findall("Piet|Bladel|1234", written)


def test_what_forms_and_castor_add_is_no_item(tmp_path):
    own = {"Begintijd": "4-3-2026 9:15:02", "Completion time": "3/4/26 9:40:11", "Naam": "Anoniem"}
    own |= {"Tijdstempel": "2026/03/04 9:15:02 AM EET", "Survey Progress": "100"}
    table = answers().assign(**own, **{"Castor Participant ID": range(110_001, 110_091)})
    table.to_csv(tmp_path / "export.csv", index=False)
    begun = new_study(tmp_path / "mine", tmp_path / "export.csv")
    assert {*own, "Castor Participant ID"} <= set(begun.left_out)


def test_rows_of_totals_do_not_spoil_the_scales_and_are_told(tmp_path):
    table = answers()
    sums = {"GEM": "Totaal"} | dict.fromkeys(CODES, "361") | {"functie": ""}
    table.loc[len(table)] = sums
    table.to_csv(tmp_path / "export.csv", index=False)
    begun = new_study(tmp_path / "mine", tmp_path / "export.csv")
    assert "scale from_1_to_7" in begun.sure
    assert "row 92 names no unit (Totaal): totals, notes or typos?" in str(begun)


def test_a_long_number_is_written_whole(tmp_path):
    answers().assign(kanaal="401234567").to_csv(tmp_path / "export.csv", index=False)
    new_study(tmp_path / "mine", tmp_path / "export.csv")
    assert '"401234567": {nl: ""}' in (tmp_path / "mine" / "study.yaml").read_text("utf-8")


@pytest.mark.parametrize(("highest", "is_slider"), [(101, True), (78, True), (40, False)])
def test_a_block_of_sliders_likely_runs_from_0_to_100(tmp_path, highest, is_slider):
    given = np.random.default_rng(1).integers(3, highest, (90, 4))
    table = answers().assign(**{f"SL{i}": column.astype(str) for i, column in enumerate(given.T)})
    table.to_csv(tmp_path / "export.csv", index=False)
    made = new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.csv")
    text = made.files[0].read_text("utf-8")
    assert ("    # max: 100" in text) == is_slider


@pytest.mark.parametrize("sign", ["%", " %", " procent"])
def test_answers_in_percent_run_from_0_to_100(tmp_path, sign):
    table = answers().assign(los=[f"{40 + i}{sign}" for i in range(90)])
    table[CODES] = table[CODES].map(lambda text: f"{10 * int(text)}{sign}")
    folder, told = begun(tmp_path, table)
    assert "scale from_0_to_100" in told.split("likely")[0]
    scales = yaml.safe_load((folder / "study.yaml").read_text("utf-8"))["scales"]
    assert scales["from_0_to_100"] == {"kind": "rating", "min": 0, "max": 100}
    assert scales["number"] == {"kind": "number"}
    name_wave(folder / "study.yaml")
    fill_in(folder)
    called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path)
    fill_in(folder)
    assert "90 respondents of 45 units" in called("check", "cyclus", home=tmp_path).stdout
    given = read_responses(load_study("cyclus", tmp_path), "2026").answers
    assert given["VK1"].head().tolist() == [10 * float(text) for text in answers()["VK1"].head()]


@pytest.mark.parametrize("headed", ["respondents", "units"])
def test_a_table_that_lies_on_its_side_is_refused_with_how_to_turn_it(tmp_path, headed):
    table = answers().assign(respondent=[f"r{i}" for i in range(90)])
    if headed == "units":
        table = table.head(45).drop(columns=["functie", "respondent"])
    named = "GEM" if headed == "units" else "respondent"
    turned = table.set_index(named).T.rename_axis("vraag").reset_index()
    turned = turned.replace({"vraag": {"GEM": "gemeente"}})
    turned.to_csv(tmp_path / "export.csv", index=False)
    told = called("new-study", "cyclus", "export.csv", home=tmp_path)
    assert told.returncode == 2
    assert "respondents or units stand in columns, and questions in rows. Turn rows" in told.stderr
    back = turned.set_index("vraag").T.reset_index()
    assert begun(tmp_path, back)[1]


@pytest.mark.parametrize(
    "form", ["{}.{}", "{}-{}", "{}{}: dit geldt", "{}_{} [Dit geldt voor mij]"]
)
def test_codes_are_found_in_the_headings_of_r_and_before_their_questions(tmp_path, form):
    table = answers().rename(columns={code: form.format(code[:2], code[2]) for code in CODES})
    folder, told = begun(tmp_path, table)
    assert "phases, which are blocks of ratings: VK, PR, OP, BO" in told
    name_wave(folder / "study.yaml")
    fill_in(folder)
    added = called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path)
    assert "sure, filled in: 18 (" in added.stdout


def test_what_numbers_dates_or_marks_all_rows_is_no_item(tmp_path):
    days = [f"{1 + i % 28}-3-2026 10:15" for i in range(90)]
    own = {"X": range(1, 91), "InterviewNr": range(4001, 4091), "InterviewBegin": days}
    table = answers().assign(**own, Staat="Voltooid", Uur=["1"] * 90)
    table.to_csv(tmp_path / "export.csv", index=False)
    begun = new_study(tmp_path / "mine", tmp_path / "export.csv")
    assert {*own, "Staat"} <= set(begun.left_out)
    assert "17 items" in begun.sure


@pytest.mark.parametrize("at", ["({0}) {1}", "{1} ({0})", "{0}: {1}"])
def test_codes_beside_words_are_those_of_the_scale_also_where_not_all_are_given(tmp_path, at):
    table = answers()
    table[CODES] = table[CODES].replace({old: at.format(old, word) for old, word in WORDS.items()})
    table.loc[table["PR2"].str.contains("soms"), "PR2"] = at.format("4", "even")
    folder, told = begun(tmp_path, table)
    assert "scale from_1_to_7;" not in told.split("likely")[1]
    scales = yaml.safe_load((folder / "study.yaml").read_text("utf-8"))["scales"]
    (scale,) = scales.values()
    assert {code: text["nl"] for code, text in scale["labels"].items()} == WORDS


def test_an_item_whose_labels_are_turned_is_on_the_scale_of_its_block(tmp_path):
    table = answers().astype(dict.fromkeys(CODES, float))
    labels = {float(code): word for code, word in WORDS.items()}
    turned = {8 - code: word for code, word in labels.items()}
    by_item = {code: turned if code == "VK2" else labels for code in CODES}
    pyreadstat.write_sav(table, str(tmp_path / "export.sav"), variable_value_labels=by_item)
    new_study(tmp_path / "data/raw/cyclus", tmp_path / "export.sav")
    scales = yaml.safe_load((tmp_path / "data/raw/cyclus/study.yaml").read_text("utf-8"))["scales"]
    assert list(scales) == ["from_1_to_7"]
    assert scales["from_1_to_7"]["labels"]["1"] == {"nl": "nooit"}


def test_few_rows_and_respondents_that_stand_twice_are_told(tmp_path):
    table = answers().assign(respondent=[f"r{i // 2}" for i in range(90)])
    assert "respondents by its name, but 90 rows share a value" in begun(tmp_path, table)[1]
    (tmp_path / "few").mkdir()
    assert "2 rows are too few to tell scales by" in begun(tmp_path / "few", table.head(2))[1]


def test_few_words_among_numbers_are_likely_no_answers_and_no_category(tmp_path):
    table = answers()
    table.loc[::9, "VK2"], table.loc[1::9, "PR3"] = "?", "Geen mening"
    folder, told = begun(tmp_path, table)
    draft = (folder / "study.yaml").read_text("utf-8")
    assert '#   "?": {reason: dont_know, nl: ""}   # likely' in draft
    assert {scale["kind"] for scale in yaml.safe_load(draft)["scales"].values()} == {"rating"}
    assert "phases, which are blocks of ratings: VK, PR, OP, BO" in told


def test_numbers_of_which_only_the_ends_have_words_are_a_rating(tmp_path):
    ends = {"1": "1=nooit", "7": "7=altijd"}
    table = answers()
    table[CODES] = table[CODES].replace(ends)
    folder, _ = begun(tmp_path, table)
    (scale,) = yaml.safe_load((folder / "study.yaml").read_text("utf-8"))["scales"].values()
    assert scale["labels"] == {"1": {"nl": "nooit"}, "7": {"nl": "altijd"}}
    assert (scale["min"], scale["max"]) == (1, 7)


def test_lines_above_the_header_of_a_csv_are_named_as_the_message_says(tmp_path):
    lines = "# enquete van maart\n# 90 antwoorden\n" + answers().to_csv(index=False)
    (tmp_path / "export.csv").write_text(lines, "utf-8")
    told = called("new-study", "cyclus", "export.csv", home=tmp_path)
    assert "--header-row names a row further down" in told.stderr
    told = called("new-study", "cyclus", "export.csv", "--header-row", "3", home=tmp_path)
    assert "16 items; units: municipalities, column GEM" in told.stdout


def test_a_second_row_of_headings_does_not_lay_a_table_on_its_side(tmp_path):
    table = answers()[["GEM", "functie", *CODES]]
    table.loc[-1] = ["Gemeente", "Functie", *TEXTS.values()]
    table.insert(0, "nr", [*map(str, range(1, 91)), "Respondent"])
    _, told = begun(tmp_path, table.sort_index())
    assert "row 2 names no unit (Gemeente)" in told


def test_a_register_that_is_left_empty_is_told_as_empty(tmp_path):
    table = answers().assign(GEM=[f"Afdeling {i % 40}" for i in range(90)])
    folder, _ = begun(tmp_path, table)
    name_wave(folder / "study.yaml")
    fill_in(folder)
    told = called("add-wave", "cyclus", "2026", "export.csv", home=tmp_path).stderr
    assert re.search(r"study.yaml, line \d+, units.register: is empty. Fill it in", told)


def test_codes_of_many_different_respondents_are_no_category(tmp_path):
    folder, _ = begun(
        tmp_path, answers().assign(kenmerk=[f"x{i + 3 * (i % 5)}" for i in range(90)])
    )
    book = pd.read_csv(folder / "codebook.csv").set_index("item")
    assert book.loc["kenmerk", "scale"] == "open"


@pytest.mark.parametrize("codes_too", [False, True])
def test_numbers_that_are_codes_of_municipalities_name_units_under_any_heading(tmp_path, codes_too):
    units = load_register().on("2018-03-01")
    split = units.index.get_loc("GM0788")
    codes = [*units.index[:44], units.index[split]] * 2
    table = answers().assign(geo_nr=[int(code[2:]) for code in codes])
    table["GEM"] = units["name"].reindex(codes).to_numpy()
    folder, told = begun(tmp_path, table if codes_too else table.drop(columns="GEM"))
    assert pd.read_csv(folder / "codebook.csv")["item"].tolist() == CODES
    assert "units: municipalities, column " in told
    assert "no unit" not in told, "a municipality that was split existed in 2018"


def test_numbers_of_which_few_are_codes_of_municipalities_are_an_item(tmp_path):
    _, told = begun(tmp_path, answers().assign(minutes=[300 + 7 * i % 97 for i in range(90)]))
    assert "17 items" in told


def test_a_column_with_another_name_in_each_row_names_units(tmp_path):
    table = answers(40).rename(columns={"GEM": "Organisaasje"}).drop(columns="functie")
    table["Organisaasje"] = [f"Biblioteek {i:02d}" for i in range(40)]
    table["Opmerkings"] = ["", *(f"Moai wurk, {i} kear" for i in range(39))]
    folder, told = begun(tmp_path, table)
    assert "units from column Organisaasje" in told
    assert pd.read_csv(folder / "codebook.csv")["item"].tolist() == [*CODES, "Opmerkings"]


def test_a_scale_that_one_block_shows_is_that_of_the_others_with_its_ends(tmp_path):
    table = answers()
    few = [code for code in CODES if code[0] == "B"]
    table.loc[1:, few] = table.loc[1:, few].replace("1", "2")
    table.loc[[0, *range(2, 90)], few] = table.loc[[0, *range(2, 90)], few].replace("7", "6")
    table.loc[0, few[1:]], table.loc[1, few[1:]] = "2", "6"
    folder, _ = begun(tmp_path, table)
    assert set(pd.read_csv(folder / "codebook.csv")["scale"]) == {"from_1_to_7"}


def test_a_sheet_without_ratings_is_asked_about(tmp_path):
    sheet = pd.DataFrame({"code": [f"A{i}" for i in range(20)], "vraag": ["visie", "geld"] * 10})
    sheet.to_csv(tmp_path / "codebook.csv", index=False)
    (tmp_path / "data" / "raw").mkdir(parents=True)
    said = called("new-study", "mine", str(tmp_path / "codebook.csv"), home=tmp_path).stdout
    assert "blocks of ratings: none seen; are these the answers?" in said
