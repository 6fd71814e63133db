"""Studies of few units, of nothing but one answer, of waves that share little, of hostile texts."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml
from commands import Run, called, command, finished
from markdown_it import MarkdownIt
from small_studies import QUICK, Truth, keep_one_language, make_study, run_notebooks
from told import words_in

from cycle_analysis.cli import main
from cycle_analysis.problems import KEPT, REJECTED
from cycle_analysis.report import assemble
from cycle_analysis.report.writers import to_html
from cycle_analysis.responses.coded import read_all_responses
from cycle_analysis.results import open_results
from cycle_analysis.running import gather_parameters, notebook_folder
from cycle_analysis.running.checking import doubt_study
from cycle_analysis.study import Study, load_study

TWO_WAVES = Truth(["2010", "2011"], "profiles", n_units=60)


def change_answers(home, change, waves=("2010", "2011")):
    """Change the exports of the small study: a function of the wave and its table of texts."""
    for wave in waves:
        path = home / "data" / "raw" / "small" / wave / "responses.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        change(wave, table).to_csv(path, index=False)


def change_study(home, **keys):
    """Set keys of study.yaml."""
    path = home / "data" / "raw" / "small" / "study.yaml"
    content = yaml.safe_load(path.read_text("utf-8")) | keys
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


def checked(home, capsys, *more) -> tuple[int, str]:
    """Exit code of the command ``check`` on the small study, and all that it says."""
    code = main(["check", "small", "--home", str(home), *more])
    said = capsys.readouterr()
    return code, said.out + said.err


def doubts(home) -> list[tuple[str, str]]:
    """What is said of the small study before a run: what follows from it, and the text."""
    study = load_study("small", home)
    parameters = gather_parameters(study, notebook_folder(home), {})
    found = doubt_study(study, read_all_responses(study), parameters)
    return [(doubt.done, str(doubt)) for doubt in found]


def report_of(home, given=None) -> str:
    """Run the notebooks of the small study, assemble its report in English, give its text."""
    study = load_study("small", home)
    return words_in(assemble(study, run_notebooks(home, study, given=given), "en"))


# In a study of n units three do not answer, and one of the others lacks a phase.
@pytest.mark.parametrize(
    ("n_units", "code", "told"),
    [
        (12, 2, r"of 9 units that answered, 8 have a score on every phase: too few"),
        (24, 1, r"of 21 units that answered, 20 have a score on every phase, which is few"),
        (40, 0, r"Enough units for a run"),
    ],
)
def test_row_26_check_tells_how_many_units_there_are_to_divide(
    tmp_path, capsys, n_units, code, told
):
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=n_units))
    found, said = checked(tmp_path, capsys, "--strict")
    assert found == code
    assert re.search(told, said)


def test_warnings_end_with_exit_code_0_unless_they_are_to_be_strict(tmp_path, capsys):
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=24))
    plain, strict = checked(tmp_path, capsys), checked(tmp_path, capsys, "--strict")
    assert (plain[0], strict[0]) == (0, 1)
    assert plain[1] == strict[1]


def test_row_26_too_few_units_stop_a_run_before_any_notebook(tmp_path):
    make_study(tmp_path, Truth(["2010", "2011"], "profiles", n_units=12))
    told = called("run", "small", home=tmp_path)
    assert told.returncode == 2
    assert "too few to look for profiles. Allowed: 10 or more, of use from 30" in told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    assert finished(told.stdout) == set()


def test_row_26_few_units_are_warned_about_and_run_to_the_report(tmp_path):
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=16))
    ((done, told),) = doubts(tmp_path)
    assert done == KEPT
    assert "12 have a score on every phase, which is few" in told
    assert "countries" in report_of(tmp_path)


def test_row_26_more_profiles_than_units_can_fill_are_warned_about(tmp_path):
    asked = {"04_number_of_profiles": {"n_profiles": "6"}}
    make_study(tmp_path, TWO_WAVES, parameters=asked)
    ((done, told),) = doubts(tmp_path)
    assert done == KEPT
    assert "6 profiles leave fewer than 10 of these units each. Ask for 5 or fewer" in told


def test_row_26_respondents_left_out_as_careless_do_not_count(tmp_path):
    left_out = {"01_responses": {"leave_out_careless": "true", "min_answered": "1.0"}}
    make_study(tmp_path, TWO_WAVES, parameters=left_out)

    def skip_one(wave, table):
        return table.assign(P4_3="") if wave == "2010" else table

    change_answers(tmp_path, skip_one)
    rejected = [told for done, told in doubts(tmp_path) if done == REJECTED]
    assert any("wave 2010, phases: 'P1': no unit has a score on this phase" in t for t in rejected)


def two_answers(wave, table):
    """Every unit answers 0 everywhere, or 4 everywhere."""
    items = [name for name in table if name.startswith("P")]
    low = table["unit"].str[1:].astype(int) % 2 == 0
    return table.assign(**{item: low.map({True: "0", False: "4"}) for item in items})


def test_row_40_one_answer_everywhere_runs_and_there_is_nothing_to_divide_or_to_try(tmp_path):
    make_study(tmp_path, Truth(["2010"], "identical", n_units=40))
    change_answers(tmp_path, lambda wave, table: table.replace("2", "0"), ["2010"])
    told = report_of(tmp_path, {"04_number_of_profiles": {"n_trials": 1}})
    assert "there is nothing to divide" in told
    assert "no phase scores clearly highest or lowest" in told
    assert "more simulated surveys of 100 units" in told, "rates are looked up where none is tried"


def test_row_40_a_phase_on_which_all_units_are_the_same_is_refused_by_name(tmp_path, capsys):
    make_study(tmp_path, TWO_WAVES)
    change_answers(tmp_path, lambda _, table: table.assign(P1_1="4", P1_2="4", P1_3="4"))
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert "'P1': every unit has the same score on this phase, 100" in said


def half_floor(wave, table):
    """Half of the units answer 0 everywhere."""
    items = [name for name in table if name.startswith("P")]
    floor = table["unit"].str[1:].astype(int) % 2 == 0
    return table.assign(**{item: table[item].mask(floor, "0") for item in items})


def all_but_one(wave, table):
    """All units but one answer 0 to the questions of one phase."""
    items = [name for name in table if name.startswith("P1")]
    rest = table["unit"] != "C010"
    return table.assign(**{item: table[item].mask(rest, "0") for item in items})


@pytest.mark.parametrize("change", [two_answers, half_floor, all_but_one])
def test_rows_26_and_40_units_that_hardly_differ_run_to_the_report(tmp_path, change):
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=40))
    change_answers(tmp_path, change, ["2010"])
    assert "countries" in report_of(tmp_path)


def units_from(first, last):
    return lambda table: table[table["unit"].between(f"C{first:03d}", f"C{last:03d}")]


@pytest.mark.parametrize(
    ("n_shared", "told"), [(1, "'1': so many units"), (0, "'0': so many units")]
)
def test_row_38_waves_that_share_one_unit_or_none_are_warned_about_and_claim_no_change(
    tmp_path, n_shared, told
):
    make_study(tmp_path, TWO_WAVES)
    parts = {"2010": units_from(0, 29), "2011": units_from(30 - n_shared, 59)}
    change_answers(tmp_path, lambda wave, table: parts[wave](table))
    assert any(done == KEPT and told in text for done, text in doubts(tmp_path))
    if n_shared == 0:
        text = report_of(tmp_path)
        assert "nothing can be compared: too few countries took part in both" in text
        assert "no phase changed" not in text


def test_row_38_a_last_wave_of_few_units_takes_nothing_from_the_pair_before_it(tmp_path):
    make_study(tmp_path, replace(TWO_WAVES, waves=["2010", "2011", "2012"]))
    change_answers(tmp_path, lambda _, table: units_from(0, 9)(table), ["2012"])
    ((done, told),) = doubts(tmp_path)
    assert done == KEPT
    assert "units answered in 2011 and 2012 and never changed" in told
    results = run_notebooks(tmp_path, load_study("small", tmp_path))
    change = results.load("07_waves", "change")["n_units"].groupby(["wave_from", "wave_to"]).min()
    assert change["2010", "2011"] > 40 > 10 >= change["2011", "2012"]


def test_a_wave_that_is_the_export_of_another_once_more_is_told(tmp_path):
    make_study(tmp_path, TWO_WAVES)
    assert not doubts(tmp_path)
    first = pd.read_csv(tmp_path / "data/raw/small/2010/responses.csv", dtype=str)

    def again(wave, table):
        return first if wave == "2011" else table

    change_answers(tmp_path, again)
    ((done, told),) = doubts(tmp_path)
    assert done == KEPT
    assert "100% of its respondents gave the answers of one of the same unit in 2010" in told


def test_a_wave_on_a_scale_that_runs_the_other_way_round_is_told(tmp_path):
    make_study(tmp_path, TWO_WAVES)

    def turned(wave, table):
        items = table.columns[table.columns.str.match(r"P\d_\d")]
        return table.assign(**table[items].replace(dict(zip("01234", "43210", strict=True))))

    change_answers(tmp_path, turned, ["2011"])
    ((done, told),) = doubts(tmp_path)
    assert done == KEPT
    assert "that score high in 2010 score low here, and the reverse" in told


def test_a_wave_on_a_shorter_scale_that_nobody_declared_is_told_with_what_to_write(tmp_path):
    make_study(tmp_path, TWO_WAVES)

    def shorter(wave, table):
        items = table.columns[table.columns.str.match(r"P\d_\d")]
        return table.assign(**table[items].replace({"4": "2", "3": "2"}))

    change_answers(tmp_path, shorter, ["2011"])
    ((done, told),) = doubts(tmp_path)
    assert done == KEPT
    assert "wave 2011" in told
    assert re.search(r"lies outside 0 to 2, but \d\d% do in 2010", told)
    assert "linear: {from: [0, 2]}" in told


def test_what_is_wrong_in_exports_of_one_name_is_told_with_the_folder_of_the_wave(tmp_path, capsys):
    make_study(tmp_path, TWO_WAVES)
    change_answers(tmp_path, lambda _, table: table.assign(P1_1="7"), ["2011"])
    assert "2011/responses.csv, column P1_1" in checked(tmp_path, capsys)[1]
    change_study(tmp_path, scales="none")  # answers are not read then, but columns are
    change_answers(tmp_path, lambda _, table: table.drop(columns="P1_1"), ["2010"])
    assert "2010/responses.csv, " in checked(tmp_path, capsys)[1]


def test_row_38_waves_out_of_order_are_refused_with_the_right_order(tmp_path, capsys):
    make_study(tmp_path, TWO_WAVES)
    change_study(tmp_path, waves=["2011", "2010"])
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert "the waves are not in the order of their fieldwork. Allowed: 2010, 2011" in said


def test_row_38_a_wave_before_the_reference_is_placed_in_the_profiles_of_the_reference(tmp_path):
    make_study(tmp_path, replace(TWO_WAVES, n_units=40))
    change_study(tmp_path, reference_wave="2011")
    assert not doubts(tmp_path)
    assert "Between the wave 2010 and the wave 2011" in report_of(tmp_path)


def test_row_38_a_wave_without_common_items_is_refused_with_the_phases(tmp_path, capsys):
    make_study(tmp_path, TWO_WAVES)
    path = tmp_path / "data" / "raw" / "small" / "2011" / "wave.yaml"
    wave = yaml.safe_load(path.read_text("utf-8"))
    for item in ("P2_1", "P2_2", "P2_3"):
        wave["columns"][item] = {"source": item, "comparable": "broken"}
    path.write_text(yaml.safe_dump(wave), "utf-8")
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert "'P2': no item of this phase was asked alike in every wave" in said


def test_more_profiles_than_units_with_different_scores_are_refused_beforehand(tmp_path, capsys):
    asked = {"04_number_of_profiles": {"n_profiles": "3"}}
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=60), parameters=asked)

    def two_kinds(_, table):
        items = [column for column in table if re.fullmatch(r"P\d_\d", column)]
        unit = table.columns[1]
        low = table[unit].rank(method="dense") % 2 == 0
        return table.assign(**{item: low.map({True: "1", False: "3"}) for item in items})

    change_answers(tmp_path, two_kinds, ["2010"])
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert "'3': so many profiles are asked for, more than there are units with different" in said
    assert "Allowed: 0-2" in said
    assert "Enough units" not in said


def test_private_results_that_a_new_name_leaves_behind_are_told(tmp_path, capsys):
    make_study(tmp_path, Truth(["2010"], "profiles", n_units=60))
    for place in ("small/2010", "small/2009", "old/2010", "old/2009"):
        (tmp_path / "data/processed" / place / "01_responses").mkdir(parents=True)
    code, said = checked(tmp_path, capsys)
    assert code == 0
    assert re.findall(r"data/processed/(\S+), folder: holds private", said) == ["old", "small/2009"]


@pytest.mark.parametrize("wave", ["2010", "2011"])
def test_row_38_a_phase_that_nobody_answered_in_a_wave_is_refused_by_name(tmp_path, capsys, wave):
    make_study(tmp_path, TWO_WAVES)
    change_answers(tmp_path, lambda _, table: table.assign(P3_1="", P3_2="", P3_3=""), [wave])
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert f"wave {wave}, phases: 'P3': no unit has a score on this phase" in said


def test_row_38_a_phase_of_which_a_wave_asked_nothing_is_refused_with_what_helps(tmp_path, capsys):
    make_study(tmp_path, TWO_WAVES)
    file = tmp_path / "data" / "raw" / "small" / "2011" / "wave.yaml"
    mapped = file.read_text("utf-8")
    rest = re.sub(r"^ +P3_\d: .*\n", "", mapped, flags=re.MULTILINE)
    assert len(mapped.splitlines()) - len(rest.splitlines()) == 3
    file.write_text(f"{rest}dropped: {{P3_1: x, P3_2: x, P3_3: x}}\n", "utf-8")
    change_answers(
        tmp_path, lambda _, table: table.drop(columns=["P3_1", "P3_2", "P3_3"]), ["2011"]
    )
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert "wave 2011, phases: 'P3': no question of this phase is mapped" in said
    assert "or map in wave.yaml what was asked" in said
    assert "min_answered" not in said


@pytest.mark.parametrize(
    "name",
    ["../small", "/etc", "CON", "small/../small", "..", "small/", "", ".", "a b", "sm\u0430ll"],
)
def test_row_35_a_study_is_a_name_and_no_path(tmp_path, capsys, name):
    make_study(tmp_path, TWO_WAVES)
    code = main(["check", name, "--home", str(tmp_path)])
    assert code == 2
    assert "cannot be a name. Allowed: letters a to z, digits, - and _" in capsys.readouterr().err


@pytest.mark.parametrize("place", [".", "2011", "study.yaml", "2011/wave.yaml", "codebook.csv"])
def test_row_35_a_link_in_the_place_of_a_folder_or_file_is_refused(tmp_path, capsys, place):
    make_study(tmp_path, TWO_WAVES)
    path = tmp_path / "data" / "raw" / "small" / place
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    code, said = checked(tmp_path, capsys)
    assert code == 2
    assert f"'{path.name}': is a link" in said


HOSTILE = (
    "<xx-data onclick=alert(1)>--><script>alert(1)</script><img src=x onerror=alert(2)>"
    "javascript:alert(3) {{ 7*7 }} {n} $x$ $\\frac{$ [a](javascript:alert(4)) `b` \u202eltr"
)


def poison(value):
    """Put the hostile text in every `nl` and `en` of a YAML tree."""
    if isinstance(value, dict):
        return {
            key: f"{text} {HOSTILE}" if key in ("nl", "en") else poison(text)
            for key, text in value.items()
        }
    return [poison(part) for part in value] if isinstance(value, list) else value


def write_hostile_study(home: Path) -> Study:
    """The small study, in which every text that a person typed is hostile."""
    make_study(
        home, TWO_WAVES, parameters=QUICK | {"01_responses": {"export_open_answers": "true"}}
    )
    folder = home / "data" / "raw" / "small"
    for path in folder.glob("**/*.yaml"):
        content = poison(yaml.safe_load(path.read_text("utf-8")))
        if path.name == "study.yaml":
            content["scales"]["open"] = {"kind": "text"}
        else:
            content["columns"]["O1"] = "O1"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    codebook = pd.read_csv(folder / "codebook.csv", dtype=str, keep_default_na=False)
    codebook.loc[len(codebook)] = ["O1", "I", "", "open", "no", "open", "open"]
    questions = {name: codebook[name] + f" {HOSTILE}" for name in ("question_nl", "question_en")}
    codebook.assign(**questions).to_csv(folder / "codebook.csv", index=False)
    units = pd.read_csv(folder / "units.csv")
    hostile = {name: units[name] + f" {HOSTILE}" for name in ("name", "part")}
    units.assign(**hostile).to_csv(folder / "units.csv", index=False)
    change_answers(home, lambda _, table: table.assign(O1=HOSTILE))
    return load_study("small", home)


class Elements(HTMLParser):
    """Elements and addresses of a page, and the pictures in it."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def refuse_elements_from_data(html: str) -> Elements:
    page = Elements(html)
    assert not page.tags & {"script", "xx-data"}
    assert not [name for name in page.names if name.startswith("on")]
    assert not [address for address in page.addresses if "javascript" in address]
    return page


@pytest.fixture(scope="module")
def hostile_home(tmp_path_factory):
    """A home folder in which that study has run, told in English alone."""
    home = tmp_path_factory.mktemp("hostile") / "map {met} naam's é"  # row 36: no hindrance
    keep_one_language(write_hostile_study(home).folder, "en")
    told = command("run", "small", home=home)
    assert told.returncode == 0, told.stderr
    return home


def test_a_change_in_one_wave_runs_only_what_depends_on_it(hostile_home):
    home = shutil.copytree(hostile_home, hostile_home.with_name("changed"))
    export = home / "data" / "raw" / "small" / "2011" / "responses.csv"
    export.write_bytes(b"\n".join(export.read_bytes().splitlines()[:-1]) + b"\n")
    foretold = called("run", "small", "--dry-run", home=home)
    assert "check: 2011/responses.csv changed" in foretold.stdout
    run = Run(home).wait_for("…   08_report")
    run.process.kill()
    run.process.stdout.close()
    per_wave = {f"{step} 2011" for step in ("01_responses", "02_scores", "03_cycle")}
    assert finished(run.told) == per_wave | {"check", "07_waves"}


def test_row_34_hostile_texts_are_shown_as_text_in_report_figures_and_notebooks(
    hostile_home, tmp_path
):
    home, study = hostile_home, write_hostile_study(tmp_path)
    reports = home / "reports" / "small"
    pages = [(reports / f"{part}_en.html").read_text("utf-8") for part in ("report", "annex")]
    dutch = assemble(study, open_results("small", home), "nl")
    for html in (*pages, to_html(dutch)):
        refuse_elements_from_data(html)
        assert "&lt;xx-data onclick=alert(1)&gt;--&gt;&lt;script&gt;" in html
        assert "{{ 7*7 }} {n} $x$ $\\frac{$ [a](javascript:alert(4)) `b` [U+202E]ltr" in html
    pictures = [path.read_bytes() for path in (reports / "figures").glob("*_en.svg")]
    assert len(pictures) > 5
    for picture in (*pictures, *(figure.drawing.svg for figure in dutch.figures)):
        svg = ElementTree.fromstring(picture)
        assert not [e for e in svg.iter() if "script" in e.tag or "xx-data" in e.tag]
    notebooks = list((home / "data" / "processed" / "small").glob("**/*.ipynb"))
    assert len(notebooks) == 11
    for path in notebooks:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
        assert not [data for data in outputs if "text/latex" in data]
        for data in outputs:
            refuse_elements_from_data("".join(data.get("text/html", "")))
            # a browser shows what is told as Markdown with HTML, and formulas between dollars
            told_as = "".join(data.get("text/markdown", ""))
            refuse_elements_from_data(MarkdownIt("commonmark").render(told_as))
            assert not re.search(r"(?<!\\)\$", told_as)
