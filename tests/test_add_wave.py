"""A new wave from an export: what is sure, what is likely, what only a person knows."""

import shutil

import pytest
import yaml
from commands import command

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


def replace_in(path, *pairs):
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def test_the_second_wave_runs_after_filling_what_no_program_could_know(before, edit):
    told = command("add-wave", "example", "2022", "responses.csv", home=before)
    assert told.returncode == 0, told.stderr
    assert "69 columns are sure" in told.stdout
    left = command("check", "example", home=before)
    assert left.returncode == 2
    for what in ("label.nl", "label.en", "fieldwork.start", "fieldwork.end", "'2022'"):
        assert what in left.stderr
    path = mapping(before)
    text = path.read_text("utf-8")
    roles = yaml.safe_load(next(x for x in text.splitlines() if "# role:" in x)[4:])["role"]["map"]
    known = {"Wethouder": "BES", "Teamleider": "DOM", "Data-analist": "DAT"}
    known |= {"Afdelingsmanager": "DOM", "Programmamanager": "DOM", "Chief data officer": "DAT"}
    known |= {"Adviseur informatievoorziening": "DAT"}
    replace_in(
        path,
        ('label: {nl: "", en: ""}', 'label: {nl: "Tweede", en: "Second"}'),
        ('{start: "", end: ""}', '{start: "2022-04-04", end: "2022-06-17"}'),
        ("# role:", "role:"),
        *[(f'"{role}": ""', f'"{role}": {known.get(role, "STR")}') for role in roles],
        ("# AG1:", "AG1:"),
        ("# EX1:", "EX1:"),
        ("# I1:", "I1:"),
        ("dropped: {}", 'dropped: {VA5: "not asked"}'),
        ('  # - "Opmerkingen"', '  - "Opmerkingen"'),
    )
    edit("study.yaml", 'waves: ["2018"]', 'waves: ["2018", "2022"]')
    done = command("check", "example", home=before)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "2022: 852 respondents of 197 units answered 70 items" in done.stdout


def test_nothing_is_ever_overwritten(before):
    command("add-wave", "example", "2022", "responses.csv", home=before)
    first = mapping(before).read_bytes()
    again = command("add-wave", "example", "2022", "responses.csv", home=before)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert mapping(before).read_bytes() == first
    mapping(before).unlink()
    (before / "responses.csv").write_text("Gemeente,AG1\nAlmere,1\n")
    other = command("add-wave", "example", "2022", "responses.csv", home=before)
    assert "another file of this name" in other.stderr
    assert not mapping(before).exists()


def test_what_is_not_sure_is_commented_with_its_reason(before):
    command("add-wave", "example", "2022", "responses.csv", home=before)
    lines = mapping(before).read_text("utf-8").splitlines()
    (likely,) = [line for line in lines if "EX1:" in line]
    assert likely.startswith("  # EX1:")
    assert '"5": "4"' in likely
    assert "do not fit the scale 0 to 4" in likely
    assert any(line.startswith("  # VA5:") for line in lines)
    assert '  # - "Opmerkingen"' in lines
    assert any("EmailAddress" in line and "e-mail" in line for line in lines)


def test_a_column_is_matched_by_its_question_and_labels_by_the_codebook(before):
    (before / "full.csv").write_text(
        "Response ID,Date submitted,Last page,Gemeente,"
        "Hoe ver is het sociaal domein?,How far is the domain of public safety?\n"
        "1,2022-04-04 10:00:00,3,Almere,experimenteren,broadening\n"
        "2,,1,Utrecht,weet niet,N/A\n",
        "utf-8",
    )
    told = command("add-wave", "example", "2022", "full.csv", home=before)
    assert told.returncode == 0, told.stderr
    text = mapping(before).read_text("utf-8")
    assert '  B2_1: "Hoe ver is het sociaal domein?"   # by its question' in text
    assert '  B2_3: "How far is the domain of public safety?"   # by its question' in text


@pytest.mark.parametrize("name", ["../2022", "a b", "NUL", "all_waves", ""])
def test_a_name_that_is_no_folder_everywhere_is_refused(before, name):
    told = command("add-wave", "example", name, "responses.csv", home=before)
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert sorted(p.name for p in (before / "data/raw/example").glob("*/")) == ["2018"]


def test_an_export_that_cannot_be_read_leaves_no_folder(before):
    (before / "a.csv").write_bytes(b"")
    told = command("add-wave", "example", "2026", "a.csv", home=before)
    assert told.returncode == 2
    assert "holds no answers" in told.stderr
    assert not (before / "data/raw/example/2026").exists()
