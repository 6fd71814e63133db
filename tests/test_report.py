"""The report says what was found, hides what must be hidden, and stands on its own."""

import contextlib
import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from cycle_analysis.report.model import Figure, Paragraph, Report, Section, Table
from cycle_analysis.report.reviewer import Run, reviewer_table
from cycle_analysis.report.sections.simultaneity import safe_patterns
from cycle_analysis.report.sections.waves import protected_moves
from cycle_analysis.report.source import Source
from small_studies import HOSTILE, Truth, change, make_study, run_notebooks

from cycle_analysis import texts
from cycle_analysis.cycle.simultaneity import activity_patterns
from cycle_analysis.problems import InputError
from cycle_analysis.report import assemble, to_html, write_html
from cycle_analysis.report.drawing import draw_svg
from cycle_analysis.representation.account import nonresponse_tests
from cycle_analysis.results import Results
from cycle_analysis.study import HOME
from cycle_analysis.study.files import YamlText
from cycle_analysis.texts import LANGUAGES, load_texts

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What a reader's software finds in a page: elements, ids, headings, images, links, text."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.language, self.text, self.tags = "", "", set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(found)
        if tag == "html":
            self.language = found["lang"]
        self.links += [found[name] for name in ("href", "src") if name in found]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += f"{data} "


class Made:
    """A study, its tables and its reports in both languages."""

    def __init__(self, tmp_path_factory, truth: Truth, *, synthetic: bool = True):
        home = tmp_path_factory.mktemp("home")
        self.study = make_study(home, truth, synthetic=synthetic)
        with contextlib.redirect_stdout(io.StringIO()), pytest.MonkeyPatch.context() as patch:
            patch.setenv(HOME, str(home))
            self.results = run_notebooks(home, self.study)
        self.reports = {name: assemble(self.study, self.results, name) for name in LANGUAGES}
        self.html = {name: to_html(report) for name, report in self.reports.items()}
        self.pages = {name: Page(html) for name, html in self.html.items()}


@pytest.fixture(scope="module")
def two_waves(tmp_path_factory) -> Made:
    return Made(tmp_path_factory, Truth(["2010", "2011"], "profiles", label=HOSTILE))


@pytest.fixture(scope="module")
def four_waves(tmp_path_factory) -> Made:
    return Made(tmp_path_factory, Truth(["w1", "w2", "w3", "w4"], "profiles"), synthetic=False)


@pytest.fixture(scope="module")
def continuum(tmp_path_factory) -> Made:
    return Made(tmp_path_factory, Truth(["2010"], "continuum", n_units=120))


@pytest.fixture(scope="module")
def identical(tmp_path_factory) -> Made:
    return Made(tmp_path_factory, Truth(["2010", "2011"], "identical", n_units=40))


@pytest.fixture(params=["two_waves", "four_waves", "continuum", "identical"])
def made(request) -> Made:
    return request.getfixturevalue(request.param)


def altered(made: Made, folder, verdict: str) -> Results:
    """Give the tables with another verdict."""
    results = Results(shutil.copytree(made.results.folder, folder / "tables"))
    step, wave = "04_number_of_profiles", made.study.reference_wave
    change(results, step, wave, verdict=results.load(step, "verdict", wave).assign(verdict=verdict))
    return results


def text_of(report: Report) -> str:
    told = [block.text for block in report.blocks() if isinstance(block, Paragraph)]
    return "\n".join([*report.summary, *told])


def test_texts_have_the_same_keys_and_the_same_names_in_both_languages():
    nl, en = (load_texts(language) for language in LANGUAGES)
    assert nl.entries.keys() == en.entries.keys()
    assert {key: nl.names(key) for key in nl.entries} == {key: en.names(key) for key in en.entries}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_twice(language):
    path = Path(texts.__file__).parent / f"{language}.yaml"
    assert YamlText(path, path.name).problems == []


def test_an_unknown_text_or_language_is_told_by_name():
    with pytest.raises(ValueError, match=r"no text 'words\.nothing' in nl"):
        load_texts("nl")("words.nothing")
    with pytest.raises(ValueError, match="'low'"):
        load_texts("nl")("words.interval", high=3)
    with pytest.raises(ValueError, match=r"no texts in 'de'.*'nl', 'en'"):
        load_texts("de")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_sound(made, language):
    page = made.pages[language]
    assert page.open == []
    assert page.language == language
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert all(image["alt"] for image in page.images)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_fetches_nothing_and_its_links_lead_somewhere(made, language):
    page = made.pages[language]
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert all(link.startswith(("#", "data:image/svg+xml")) for link in page.links)
    assert "script" not in page.tags
    assert not re.search(r"url\(|@import", made.html[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_and_tables_are_numbered_from_one_with_caption_and_n(made, language):
    report, page = made.reports[language], made.pages[language]
    for word, things in (("figure", report.figures), ("table", report.tables)):
        told = re.findall(rf"\b{report.words[word]} (\d+)\.", page.text)
        assert [int(n) for n in told] == list(range(1, len(things) + 1))
        assert all(thing.caption and thing.n for thing in things)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_unit_and_no_respondent_is_named(made, language):
    everything = made.html[language] + "".join(
        figure.svg.decode() for figure in made.reports[language].figures
    )
    assert "Landia" not in everything
    assert not re.search(r"\bC\d{3}\b", everything)


def test_the_units_are_called_as_the_study_calls_them(made):
    assert "landen" in made.pages["nl"].text
    assert "countries" in made.pages["en"].text
    for html in made.html.values():
        own = html.replace("Datagedreven sturing bij gemeenten", "")
        assert not re.search("gemeente|municipalit", own)


@pytest.mark.parametrize("language", LANGUAGES)
def test_synthetic_data_are_marked_on_title_captions_and_figures(two_waves, language):
    report, mark = two_waves.reports[language], load_texts(language)("words.synthetic")
    assert f"<title>[{mark}]" in two_waves.html[language]
    assert all(mark in thing.caption for thing in [*report.figures, *report.tables])
    assert all(mark.encode() in figure.svg for figure in report.figures)


def test_real_data_are_not_marked_synthetic(four_waves):
    assert "SYNTH" not in four_waves.html["nl"] + four_waves.html["en"]
    assert "made up" not in four_waves.html["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_shown_as_they_are(two_waves, language):
    assert HOSTILE in two_waves.pages[language].text.replace("\xa0", " ")
    assert "&lt;script&gt;alert(1)" in two_waves.html[language]
    assert " 49 " not in two_waves.reports[language].title


def test_dutch_has_the_decimal_comma_and_english_the_point(two_waves):
    assert re.search(r"p = 0,\d", text_of(two_waves.reports["nl"]))
    assert not re.search(r"\d\.\d(?!\d\d)", text_of(two_waves.reports["nl"]))
    assert re.search(r"p = 0\.\d", text_of(two_waves.reports["en"]))


def test_profiles_that_were_found_are_named_with_number_and_share(four_waves):
    report = four_waves.reports["en"]
    assert report.summary[0].startswith("There are profiles: ")
    titles = [part.title for section in report.sections for part in section.sections]
    assert {"1 Name A", "4 Name D"} <= set(titles)


def test_every_pair_of_waves_has_its_moves_and_its_change(four_waves):
    keys = [figure.key for figure in four_waves.reports["nl"].figures]
    for pair in ("w1-w2", "w2-w3", "w3-w4"):
        assert f"figure-moves-{pair}" in keys
        assert f"figure-change-{pair}" in keys


@pytest.mark.parametrize("verdict", ["structure, but no separable profiles", "continuum"])
def test_without_profiles_groups_have_no_names_and_are_called_levels(
    two_waves, four_waves, tmp_path, verdict
):
    results = altered(four_waves, tmp_path, verdict)
    report = assemble(four_waves.study, results, "en")
    html = to_html(report)
    assert report.summary[0].startswith("There are no ")
    assert "Name A" not in html
    assert "mainly " not in text_of(report).replace("differ mainly", "")
    assert "Level 1" in html
    assert "arbitrary" in html


def test_a_continuum_is_told_as_such_and_one_wave_shows_no_change(continuum):
    report = continuum.reports["en"]
    assert report.summary[0].startswith("There are no profiles")
    assert "Name A" not in continuum.html["en"]
    assert "Level 3" in continuum.html["en"]
    assert "cut by mean score into 3 levels" in text_of(report)
    assert not any("Clearly placed" in table.columns for table in report.tables)
    assert "clearly placed" not in text_of(report)
    assert "nothing can be said about change" in text_of(report)
    assert not [figure for figure in report.figures if figure.key.startswith("figure-moves")]


def test_when_there_is_nothing_to_divide_the_report_says_so(identical):
    verdict, phases, *_ = identical.reports["nl"].summary
    assert "niets te verdelen" in verdict
    assert "liggen de fasen dicht bij elkaar" in phases
    assert "maar één groep" in text_of(identical.reports["nl"])


def test_no_small_number_of_units_stands_in_a_table(made):
    for table in made.reports["nl"].tables:
        if table.key.startswith(("table-items", "table-reliab", "table-quest", "table-criteria")):
            continue
        for place, head in enumerate(table.columns):
            if head.startswith(("Aantal ", "Later verder")) or head == "Aantal":
                cells = [row[place] for row in table.rows]
                small = [cell for cell in cells if re.fullmatch("[1-4]", cell)]
                assert not small or head == "Aantal groepen", table.key


def test_groups_of_few_units_are_taken_together(made):
    table = next(t for t in made.reports["nl"].tables if t.key.startswith("table-response-"))
    groups = {row[0]: row[1] for row in table.rows}
    assert groups["overige"] == "5"
    assert not {"Isle", "Reef"} & groups.keys()


def test_with_one_respondent_each_the_report_does_not_claim_to_know_chance(tmp_path_factory):
    truth = Truth(["2010", "2011"], "profiles", n_units=60, n_respondents=1)
    report = Made(tmp_path_factory, truth).reports["en"]
    assert "how much of that is chance cannot be said" in " ".join(report.summary)
    assert "more switched than chance" not in text_of(report)


def test_moves_are_protected_against_the_distribution_of_each_wave(four_waves, tmp_path):
    results = altered(four_waves, tmp_path, "profiles")
    moves = results.load("07_waves", "transitions")
    pair = moves.index.get_level_values("wave_from") == "w1"
    moves.loc[pair, "n_units"] = [12, 3, 6, 9, 7, 14, 8, 0, 6, 8, 15, 7, 9, 0, 6, 20]
    change(results, "07_waves", transitions=moves)
    labels = results.load("07_waves", "labels")
    source = Source(four_waves.study, results, "en")
    together = protected_moves(source, ("w1", "w2"))
    many = pd.concat([labels.add_prefix(f"{i}-", axis=0) for i in range(9)])
    change(results, "07_waves", labels=many.rename_axis("unit"))
    apart = protected_moves(source, ("w1", "w2"))
    assert apart.isna().to_numpy().sum() == 2
    assert together.isna().to_numpy().sum() >= 4


def test_a_higher_threshold_hides_more(four_waves):
    def hidden(smallest: int) -> int:
        report = assemble(four_waves.study, four_waves.results, "en", smallest)
        return sum(cell == "×" for table in report.tables for row in table.rows for cell in row)

    assert hidden(20) > hidden(5)


def test_a_withheld_cell_is_explained_below_its_table(made):
    for table in made.reports["en"].tables:
        cells = {cell for row in table.rows for cell in row}
        assert ("×" in cells) == any(note.startswith("× = not shown") for note in table.notes)


def test_two_runs_write_the_same_bytes(two_waves, tmp_path):
    paths = [write_html(two_waves.reports["nl"], tmp_path / name) for name in ("a", "b")]
    again = write_html(assemble(two_waves.study, two_waves.results, "nl"), tmp_path / "c")
    assert paths[0].read_bytes() == paths[1].read_bytes() == again.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_assembling_leaves_no_figure_open(two_waves):
    plt.close("all")
    assemble(two_waves.study, two_waves.results, "nl")
    assert plt.get_fignums() == []


def test_a_table_that_is_not_there_yet_is_told_with_the_notebook_to_run(two_waves, tmp_path):
    with pytest.raises(InputError, match="Run notebook 0"):
        assemble(two_waves.study, Results(tmp_path), "nl")


def test_a_language_without_texts_is_refused(two_waves):
    with pytest.raises(ValueError, match="no texts in 'fr'"):
        assemble(two_waves.study, two_waves.results, "fr")


def test_a_figure_needs_an_alt_text():
    with pytest.raises(ValueError, match="no alt text"):
        Figure("key", "caption", " ", b"", "n = 3")


def test_a_table_has_rows_of_one_width():
    with pytest.raises(ValueError, match="rows of"):
        Table("key", "caption", ("a", "b"), (("1",),), "n = 3")
    with pytest.raises(ValueError, match="no rows"):
        Table("key", "caption", ("a", "b"), (), "n = 3")


def test_two_figures_with_one_key_are_refused():
    figure = Figure("key", "caption", "alt", b"", "n = 3")
    report = Report("nl", "t", "s", "x", (Section("a", "A", (figure, figure)),))
    with pytest.raises(ValueError, match="stand twice"):
        _ = report.numbers


def test_a_drawing_is_the_same_twice_and_keeps_dollars_as_text():
    def draw():
        _, ax = plt.subplots()
        ax.set_title("$x$ & <b>")
        return ax

    assert draw_svg(draw, "MARK") == draw_svg(draw, "MARK")
    assert b"MARK" in draw_svg(draw, "MARK")


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("text", "ground"),
    [("ink", "paper"), ("muted", "paper"), ("accent", "paper"), ("ink", "wash"),
     ("warn", "warn-wash")],
)  # fmt: skip
def test_text_stands_out_from_its_ground(two_waves, text, ground):
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", two_waves.html["nl"]))
    dark, light = sorted(luminance(colours[name]) for name in (text, ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_combinations_left_out_of_each_number_of_active_phases_are_nobody_or_enough():
    rng = np.random.default_rng(4)
    phases = list("ABCD")
    for _ in range(40):
        active = pd.DataFrame(rng.random((60, 4)) < rng.random(4), columns=phases) * 1.0
        patterns = activity_patterns(active)
        shown = safe_patterns(patterns, phases, 5)
        assert (shown["n"] >= 5).all()
        totals = patterns["n"].groupby(patterns[phases].sum(axis=1)).sum()
        rest = totals.sub(shown["n"].groupby(shown[phases].sum(axis=1)).sum(), fill_value=0)
        assert not rest[totals >= 5].between(1, 4).any()  # smaller totals are withheld themselves


def test_missing_values_in_tables_are_dashes_not_nan(made, tmp_path):
    for language in LANGUAGES:
        assert not re.search(r"\bnan\b|\bNone\b(?! yet)|<NA>", made.pages[language].text)


def test_means_of_few_units_are_withheld(four_waves, tmp_path):
    results = altered(four_waves, tmp_path, "profiles")
    wave = four_waves.study.reference_wave
    means = results.load("05_profiles", "means", wave)
    sizes = results.load("05_profiles", "sizes", wave)
    sizes["n_units"] = [3, 30, 20, 15]
    means.loc[1, "n_units"] = 3
    change(results, "05_profiles", wave, means=means, sizes=sizes)
    report = assemble(four_waves.study, results, "en")
    table = next(table for table in report.tables if table.key == "table-profiles")
    first = pd.Series(table.rows[0], table.columns)
    assert first["Number"] == "×"
    assert first["P1"] == "–"
    assert "nothing is shown about it" in text_of(report)


COUNTED = pd.DataFrame(
    {"population": [30, 26, 60, 9, 24, 0], "responded": [12, 10, 30, 8, 20, 0]},
    index=pd.MultiIndex.from_product(
        [["<20k", "20-50k", "100k+"], ["Noord", "Zuid"]], names=["size", "region"]
    ),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_response_by_two_backgrounds_shows_no_small_number_and_no_small_rest(
    four_waves, tmp_path, language
):
    results = altered(four_waves, tmp_path, "profiles")
    account = COUNTED.assign(invited=COUNTED["population"])
    account["rate"] = account["responded"] / account["invited"]
    change(results, "01_responses", "w1", response=account, nonresponse=nonresponse_tests(account))
    report = assemble(four_waves.study, results, language)
    table = next(table for table in report.tables if table.key == "table-response-w1")
    cells = [cell for row in table.rows for cell in row[1:]]
    told = [tuple(map(int, found)) for found in re.findall(r"\((\d+)/(\d+)\)", " ".join(cells))]
    assert (80, 149) in told
    assert not any(0 < n < 5 or 0 < of - n < 5 for n, of in told)
    hidden = [cell == "×" for cell in cells]
    assert sum(hidden) >= 4
    assert table.rows[2][2] == "–"
    names = {"nl": "inwonertal en landsdeel", "en": "number of inhabitants and part of the country"}
    assert names[language] in table.caption


def test_who_was_invited_stands_beside_the_population_only_where_not_all_were(four_waves, tmp_path):
    heads = [table.columns for table in four_waves.reports["en"].tables]
    assert not any("Asked" in columns and "Population" in columns for columns in heads)
    results = altered(four_waves, tmp_path, "profiles")
    account = results.load("01_responses", "response", "w1")
    account["invited"] = account["responded"]
    change(results, "01_responses", "w1", response=account)
    report = assemble(four_waves.study, results, "en")
    table = next(table for table in report.tables if table.key == "table-waves")
    first = pd.Series(table.rows[0], table.columns)
    assert first["Asked"] == first["Answered"]
    assert first["Response"] == "100%"


def test_response_over_the_waves_counts_who_answered_again(four_waves):
    table = next(t for t in four_waves.reports["en"].tables if t.key == "table-response_waves")
    assert [row[0].split()[-1] for row in table.rows] == four_waves.study.waves
    assert table.rows[0][3:] == ("–", "–", "–")
    assert all(
        not cell.isdigit() or not 0 < int(cell) < 5 for row in table.rows for cell in row[3:]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_annex_answers_what_a_reviewer_asks_from_the_run(four_waves, language):
    report = four_waves.reports[language]
    table = next(table for table in report.tables if table.key == "table-reviewer")
    asked = four_waves.results.load("06_validity", "reviewer", "w1")
    assert [row[1] for row in table.rows] == asked[f"answer_{language}"].tolist()
    choice = four_waves.results.load("04_number_of_profiles", "choice", "w1").loc["choice"]
    assert asked.loc["number", f"answer_{language}"] == choice[language]
    assert "207" in asked.loc["data", f"answer_{language}"], "69 units of 3 respondents"
    for aspect in ("estimation", "optimum", "groups", "ratio", "certainty", "stability", "choices"):
        assert asked.loc[aspect, f"answer_{language}"]


def test_the_reviewers_table_tells_no_small_count_and_leaves_out_what_does_not_apply(
    four_waves, continuum, identical, tmp_path
):
    results = altered(four_waves, tmp_path, "profiles")
    sizes = results.load("05_profiles", "sizes", "w1").assign(n_units=[3, 26, 20, 20])
    change(results, "05_profiles", "w1", sizes=sizes)
    asked = reviewer_table(Run(four_waves.study, results, "w1"))
    assert asked.loc["smallest", "answer_en"].startswith("fewer than 10 units (<14%)")
    for made in (continuum, identical):
        table = made.results.load("06_validity", "reviewer", "2010")
        assert "certainty" not in table.index
    assert "stability" not in table.index
