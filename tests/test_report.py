"""What the reports of the frozen studies say and hide, and what they say of strange ones."""

import re
from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml
from frozen import FrozenRun
from small_studies import Truth, make_study, run_notebooks
from told import (
    BOTH,
    EVERY,
    LANGUAGES,
    PACKAGE,
    Saved,
    all_words_in,
    assembled,
    document_of,
    html_of,
    page_of,
    saved,
    table_of,
    words_in,
)

from cycle_analysis.problems import InputError
from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.report import assemble, open_chapter, tell
from cycle_analysis.report.chapter import ChapterFacts
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.document import Bullets, Figure, Heading, Table, words_of
from cycle_analysis.report.language import open_language
from cycle_analysis.report.templates import make_sandbox, render
from cycle_analysis.results import ALL_WAVES, Results
from cycle_analysis.study.codebook import Codebook
from cycle_analysis.texts import MINUS, Words
from cycle_analysis.waves import unchanged_units

MOST_LOADS = 70
"""Tables that a report on two waves in one language may load."""
LOADS_OF_A_WAVE = 11
"""Tables that it may load for every wave more: those that stand beside one another by wave."""


PARTS = ("report", "annex")


def with_verdict(results: Saved, **values: object) -> Saved:
    """Give another verdict."""
    return results.change(t04_number_of_profiles__verdict=values)


# The pages as they lie on disk.


@EVERY
@BOTH
def test_a_page_is_sound_fetches_nothing_and_its_links_lead_somewhere(frozen_run, name, language):
    for part in PARTS:
        _check_page(frozen_run(name), language, part)


def _check_page(run: FrozenRun, language: str, part: str) -> None:
    page = page_of(run, language, part)
    assert page.open == []
    assert page.language == language
    assert len(page.ids) == len(set(page.ids))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert all(image["aria-label"] for image in page.images)
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inside) <= set(page.ids)
    others = {link for link in page.links if not link.startswith("#")}
    for file, _, key in (link.partition("#") for link in others):
        assert (run.reports / file).is_file()
        assert not key or key in page_of(run, language, file.partition("_")[0]).ids
    assert "script" not in page.tags
    assert not re.search(r"url\((?!#|data:font/ttf)|@import", html_of(run, language, part))


@EVERY
@BOTH
def test_what_texts_lead_to_stands_in_the_report_or_its_annex(frozen_run, name, language):
    results = saved(frozen_run(name))
    words, opened = open_language(language, results.study), {}
    sandbox, blocks = make_sandbox(words), document_of(frozen_run(name), language).blocks
    known = {block.key for block in blocks if isinstance(block, (Heading, Table, Figure))}
    known |= {block.table.key for block in blocks if isinstance(block, Figure) and block.table}
    for kind in CHAPTERS.values():
        wave = kind.usual_wave(results.study)
        chapter = opened.get((kind, wave)) or kind(results.study, results, words, wave, opened)
        told = render(sandbox, kind.key, ChapterFacts(chapter))
        assert set(re.findall(r"\]\(#([^)]+)\)", told.replace("\\", ""))) <= known


@EVERY
@BOTH
def test_no_unit_and_no_respondent_is_named_in_a_page_or_its_drawings(frozen_run, name, language):
    page = page_of(frozen_run(name), language)
    for text in (page.text, page.drawn):
        assert "Landia" not in text
        assert not re.search(r"\b(C\d{3}|GM\d{4})\b", text)


@EVERY
@BOTH
def test_what_is_missing_is_a_dash(frozen_run, name, language):
    text = page_of(frozen_run(name), language).text
    assert not re.search(r"\bnan\b|\bNone\b(?! yet)|<NA>|\bTrue\b|\bFalse\b", text)


@pytest.mark.parametrize("name", ["continuum", "one_wave", "four_waves"])
def test_the_units_are_called_as_the_study_calls_them(frozen_run, name):
    for language, many in {"nl": "landen", "en": "countries"}.items():
        text = page_of(frozen_run(name), language).text
        assert many in text
        assert not re.search("gemeente|municipalit", text)


def test_only_synthetic_data_are_marked_so(frozen_run):
    for language in LANGUAGES:
        mark = Words.load(language).words["synthetic"]
        assert mark in html_of(frozen_run("one_wave"), language)
        assert mark not in html_of(frozen_run("four_waves"), language)
    assert "made up" not in page_of(frozen_run("four_waves"), "en").text


def test_dutch_has_the_decimal_comma_and_english_the_point(frozen_run):
    dutch, english = (words_in(document_of(frozen_run("one_wave"), c)) for c in ("nl", "en"))
    assert re.search(r"p ≤ 0,\d", dutch)
    told = re.sub(r"\d+\.\d+\.\d+", "(a version)", dutch.partition("Bliese, P. D.")[0])
    assert not re.search(r"\d\.\d(?!\d\d)", told)
    assert re.search(r"p ≤ 0\.\d", english)


def numbers_in(texts, language):
    """Numbers of some texts, whatever their order, without the signs of a language."""
    told = " ".join(texts)
    if language == "nl":
        told = re.sub(r"(?<=\d)\.(?=\d{3}\b)", "", told)
        return sorted(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d)", ".", told)))
    return sorted(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", told)))


@EVERY
def test_every_text_and_cell_has_the_same_numbers_in_both_languages(frozen_run, name):
    dutch, english = (document_of(frozen_run(name), language) for language in LANGUAGES)
    for (*place, told), (*_, other) in zip(dutch.texts, english.texts, strict=True):
        assert numbers_in(told, "nl") == numbers_in(other, "en"), place
    for table, other in zip(dutch.tables, english.tables, strict=True):
        cells = [[cell.text for row in t.rows for cell in row] for t in (table, other)]
        assert numbers_in(cells[0], "nl") == numbers_in(cells[1], "en"), table.key


def test_a_study_that_names_no_phase_model_cites_none(frozen_run):
    for language in LANGUAGES:
        assert "Wesseling" in page_of(frozen_run("example"), language).text
        assert "Wesseling" not in page_of(frozen_run("one_wave"), language).text


# What was found.


@EVERY
def test_fewer_units_with_two_phases_than_expected_are_told_as_fewer(frozen_run, name):
    told = words_in(document_of(frozen_run(name), "en"))
    found = re.search(r"In (\d+)% of .*\n?.*Were the phases unrelated, (\d+)% was", told)
    assert (int(found[1]) < int(found[2])) == ("; it is less, because more" in told)


def test_profiles_that_were_found_are_named_with_number_and_share(frozen_run):
    document = document_of(frozen_run("four_waves"), "en")
    told = words_in(document)
    assert told.startswith("There are overlapping profiles. ")
    one_wave = words_in(document_of(frozen_run("one_wave"), "en"))
    for text in (told, one_wave):
        assert re.search(r"Name D \(\d+%\), Name C \(\d+%\)", text)
    chapters = [chapter for part in document.parts for chapter in part.sections]
    sections = [part for chapter in chapters for part in chapter.sections]
    assert {"1 Name A", "4 Name D"} <= {section.heading.text for section in sections}


@BOTH
@pytest.mark.parametrize(
    ("findings", "told"),
    [
        (["unchanged", "unchanged", "unchanged"], [0, 0]),
        (["changed", "unchanged", "unchanged"], [0, 4]),
        (["unchanged", "unchanged", "changed"], [4, 4]),
    ],
)
def test_shares_before_and_after_are_told_of_profiles_only_where_moves_are_shown(
    frozen_run, language, findings, told
):
    results = saved(frozen_run("four_waves"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES).assign(finding=findings)
    changed = Saved(results.study, results.store, {"07_waves/change_tests": tests})
    chapter = {"profiles": CHAPTERS["profiles"]}
    text = words_in(assemble(results.study, changed, language, chapter))
    follow = {"nl": "van wie te volgen is", "en": "of those that can be followed"}[language]
    sentences = re.findall(rf"; {follow}[^.]*", text)
    assert [sum(wave in said for said in sentences) for wave in ("w3", "w4")] == told


@BOTH
def test_change_between_earlier_waves_is_told_on_the_front_page_too(frozen_run, language):
    results = saved(frozen_run("four_waves"))
    table = results.load("07_waves", "change", ALL_WAVES)
    sentence = {"nl": "Daarvoor, tussen de", "en": "Before, between the"}[language]
    for p, is_told in ((0.0, True), (1.0, False)):
        likewise = dict.fromkeys(("p_holm", "p_holm_alike", "p_holm_of_all", "p_holm_attentive"), p)
        changed = {"07_waves/change": table.assign(**likewise)}
        told = Saved(results.study, results.store, changed)
        text = words_in(assemble(results.study, told, language, {"summary": CHAPTERS["summary"]}))
        assert text.count(sentence) == (2 if is_told else 0)


@BOTH
def test_moves_between_earlier_waves_are_told_on_the_front_page_too(frozen_run, language):
    results = saved(frozen_run("four_waves"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES).assign(finding="changed")
    change = results.load("07_waves", "change", ALL_WAVES).assign(p_holm=1.0)
    changed = {"07_waves/change_tests": tests, "07_waves/change": change}
    told = Saved(results.study, results.store, changed)
    text = words_in(assemble(results.study, told, language, {"summary": CHAPTERS["summary"]}))
    said = {"nl": "meting w3, wisselde naar schatting", "en": "w3, an estimated"}[language]
    assert re.search(said, text.split({"nl": "Daarvoor", "en": "Before"}[language])[2])


@BOTH
def test_change_from_the_first_wave_to_the_last_is_told_with_its_interval(frozen_run, language):
    results = saved(frozen_run("four_waves"))
    table = results.load("07_waves", "change", ALL_WAVES)
    pairs = table.index.droplevel("phase").tolist()
    assert pairs.count(("w1", "w4")) == len(results.study.phases)
    said = {"nl": r"Van de \w+ w1 tot de \w+ w4", "en": r"From the \w+ w1 to the \w+ w4"}[language]
    denied = {"nl": r"w1 tot de \w+ w4, is niet", "en": r"w1 to the \w+ w4 is not"}[language]
    for p, counts in ((0.0, (2, 0)), (1.0, (0, 2))):
        likewise = dict.fromkeys(("p_holm", "p_holm_alike", "p_holm_of_all", "p_holm_attentive"), p)
        told = Saved(results.study, results.store, {"07_waves/change": table.assign(**likewise)})
        part = {key: CHAPTERS[key] for key in ("summary", "waves")}
        text = words_in(assemble(results.study, told, language, part))
        assert tuple(len(re.findall(one, text)) for one in (said, denied)) == counts
    assert "w1" not in words_in(document_of(frozen_run("example"), language))


@BOTH
def test_a_question_that_measures_something_else_is_told_wherever_change_is(frozen_run, language):
    results = saved(frozen_run("example"))
    drift = results.load("07_waves", "item_drift", ALL_WAVES)
    odd = drift["p"].notna() & (drift.index.get_level_values("item") == "EX2")
    told = {"nl": "EX2 niet met de fase mee", "en": "EX2 does not go along with the phase"}[
        language
    ]
    for unlike, counts in ((odd, (2, 1)), (odd & False, (0, 0))):
        changed = {"07_waves/item_drift": drift.assign(unlike=unlike)}
        part = {key: CHAPTERS[key] for key in ("summary", "waves")}
        other = Saved(results.study, results.store, changed)
        text = words_in(assemble(results.study, other, language, part))
        said = {"nl": "EX2 minder dan half zo ver", "en": "EX2 goes along with the phase less"}
        assert (text.count(told), text.count(said[language])) == counts


@BOTH
def test_an_interval_of_moves_that_are_shown_reaches_0_by_rounding_and_says_so(
    frozen_run, language
):
    results = saved(frozen_run("example"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES)
    said = {"nl": "tot 0 loopt, komt door", "en": "reaches 0 comes of rounding"}[language]
    part = {key: CHAPTERS[key] for key in ("summary", "waves")}
    for ends, is_told in (((0.1, 0.03, 0.18), True), ((0.6, 0.55, 0.65), False)):
        values = dict(zip(("any", "any_low", "any_high"), ends, strict=True))
        other = {"07_waves/change_tests": tests.assign(finding="changed", **values)}
        told = Saved(results.study, results.store, other)
        text = words_in(assemble(results.study, told, language, part))
        assert text.count(said) == (2 if is_told else 0)


@BOTH
@pytest.mark.parametrize(
    ("finding", "attentive", "said", "in_front"),
    [
        ("changed", "changed", ("is dat ook aangetoond: naar", "that is shown too: an"), False),
        ("changed", "unchanged", ("verklaart (p", "explains (p"), True),
        ("changed", "few_units", ("of dat geldt zonder", "whether that holds without"), True),
        ("unchanged", "changed", ("wel aangetoond dat er is", "moves are shown: an est"), True),
        ("unchanged", "unchanged", ("is dat evenmin", "moves are not shown either"), False),
        ("changed", "all_attentive", None, False),
    ],
)
def test_moves_are_told_without_respondents_who_seem_careless_as_well(
    frozen_run, language, finding, attentive, said, in_front
):
    results = saved(frozen_run("example"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES).assign(finding=finding)
    ends = {"any_attentive": 0.1, "any_low_attentive": 0.05, "any_high_attentive": 0.15}
    told = tests.assign(finding_attentive=attentive, **ends)
    told = Saved(results.study, results.store, {"07_waves/change_tests": told})
    who = {"nl": "zonder aandacht antwoordden", "en": "answered without care"}[language]
    part = {chapter: CHAPTERS[chapter] for chapter in ("summary", "waves")}
    text = words_in(assemble(results.study, told, language, part))
    assert text.count(who) == in_front + (said is not None)
    assert said is None or said[language == "en"] in text


@BOTH
def test_how_many_may_have_answered_without_care_is_told_of_waves_where_any_did(
    frozen_run, language
):
    results = saved(frozen_run("one_wave"))
    part = {"response": CHAPTERS["response"]}
    respondents = results.load("01_responses", "respondents", "2010")
    who = {"nl": "zonder aandacht antwoordden", "en": "without care"}[language]
    for share, is_told in ((0.0, False), (0.5, True)):
        flags = np.arange(len(respondents)) < share * len(respondents)
        other = {"01_responses/respondents": respondents.assign(careless=flags)}
        told = Saved(results.study, results.store, other)
        text = words_in(assemble(results.study, told, language, part))
        assert (who in text) == is_told
        assert not is_told or re.search(who + r"[^:]*: (49|50|51)% [^.]*2010", text)
    left = {"nl": "Weggelaten zijn die van de meting", "en": "Left out were those of the wave"}
    for rules, is_told in (({}, False), ({"leave_out_careless": True}, True)):
        table = pd.DataFrame({"erratic": flags}, respondents.index)
        told = Saved(results.study, results.store, {"01_responses/careless": table})
        told.parameters = lambda step, wave, rules=rules: results.parameters(step, wave) | rules
        text = words_in(assemble(results.study, told, language, part))
        assert (left[language] in text) == is_told


@BOTH
def test_a_mean_change_that_careless_respondents_may_have_made_is_said_to_be_so(
    frozen_run, language
):
    results = saved(frozen_run("example"))
    change = results.load("07_waves", "change", ALL_WAVES)
    surely = change.filter(like="p_holm").columns
    who = {"nl": "zonder aandacht", "en": "without care"}[language]
    none = {"nl": "geen enkele gemiddelde score", "en": "no average score changed"}[language]
    for p, is_told in ((0.5, True), (0.0, False)):
        sure = change.assign(**dict.fromkeys(surely, 0.0), change=9.0)
        alike = dict.fromkeys(("change_alike", "change_of_all", "change_attentive"), 9.0)
        sure = sure.assign(**alike | {"p_holm_attentive": p})
        told = Saved(results.study, results.store, {"07_waves/change": sure})
        for chapter in ("summary", "waves"):
            part = {chapter: CHAPTERS[chapter]}
            text = words_in(assemble(results.study, told, language, part))
            assert (none in text) == is_told
            said = text.split(none)[-1][:250] if is_told else ""
            assert (who in said) == is_told


@BOTH
def test_a_share_of_nearly_none_is_a_bound_in_the_text_as_in_the_table(frozen_run, language):
    results = saved(frozen_run("four_waves"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES)
    none = dict.fromkeys(("down", "down_low"), 0.0) | {"finding": "changed"}
    moves = results.load("07_waves", "moves", ALL_WAVES)
    empty = (moves.index.get_level_values("profile_to") == 1)[:, None] & (moves.columns == "share")
    changed = {
        "07_waves/change_tests": tests.assign(**none),
        "07_waves/moves": moves.mask(empty, 0.0),
    }
    told = Saved(results.study, results.store, changed)
    chapters = {key: CHAPTERS[key] for key in ("summary", "profiles", "waves")}
    document = assemble(results.study, told, language, chapters)
    text, less = all_words_in(document), {"nl": "minder dan", "en": "less than"}[language]
    moved = {"nl": r"hoger en (.{9,13}?)% naar", "en": r"higher and (.{9,13}?)% to"}[language]
    found = re.findall(moved, text)
    assert len(found) >= 2
    assert all(words.startswith(less) for words in found)
    last = {
        "nl": r"te volgen is.* en (minder dan \d+)% in",
        "en": r"it is .* and (less than \d+)% in",
    }
    assert re.search(last[language], text)
    chapter = open_chapter(results.study, told, language, "waves")
    drawn = chapter.figure_flow(*results.study.waves[-2:]).keywords
    assert drawn["texts"].iloc[0, 1].startswith("<")
    assert not drawn["sizes"].iloc[0, 1]


@BOTH
def test_waves_with_the_same_scores_are_no_measurement_of_change_anywhere(frozen_run, language):
    said = {"nl": "verandering is zo niet gemeten", "en": "that is no measurement of change"}
    denied = {"nl": "veranderde geen enkele", "en": "no average score changed"}
    results = saved(frozen_run("example"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES).assign(finding="identical")
    told = Saved(results.study, results.store, {"07_waves/change_tests": tests})
    chapters = {key: CHAPTERS[key] for key in ("summary", "waves")}
    text = words_in(assemble(results.study, told, language, chapters))
    assert text.count(said[language]) == 3
    assert denied[language] not in text


@BOTH
def test_shares_on_the_front_page_name_their_wave_where_there_are_more(frozen_run, language):
    results = saved(frozen_run("four_waves"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES).assign(finding="rough")
    told = Saved(results.study, results.store, {"07_waves/change_tests": tests})
    text = words_in(assemble(results.study, told, language, {"summary": CHAPTERS["summary"]}))
    said = {"nl": r"In de \w+ w1 zijn dat, van hoog", "en": r"In the \w+ w1 these are, from high"}
    assert re.search(said[language], text)


@BOTH
def test_the_code_of_a_wave_stands_beside_a_label_that_holds_it_in_a_word_only(
    frozen_run, language
):
    study = frozen_run("four_waves").study
    label = dict.fromkeys(LANGUAGES, "Final wave, wave w1")
    wave = study.mappings["w1"].model_copy(update={"label": label})
    mappings = dict.fromkeys(("na", "w1", "w"), wave)
    words = open_language(language, study.model_copy(update={"mappings": mappings}))
    assert words.wave("w1") == "Final wave, wave w1"
    assert [words.wave(code)[-4:] for code in ("na", "w")] == ["(na)", " (w)"]


@BOTH
def test_questions_that_are_comparable_in_part_only_are_told_beside_change(frozen_run, language):
    alike = saved(frozen_run("four_waves"))
    items = alike.load("07_waves", "items", ALL_WAVES)
    asked = items.assign(**{alike.study.waves[-1]: "partial"})
    partly = Saved(alike.study, alike.store, {"07_waves/items": asked})
    told = {"nl": "verandering kan ook daaraan liggen", "en": "change may lie in that"}[language]
    for (results, is_told), key in product(((alike, False), (partly, True)), ("waves", "summary")):
        text = words_in(assemble(results.study, results, language, {key: CHAPTERS[key]}))
        assert (told in text) == is_told


@BOTH
def test_questions_that_a_wave_left_out_are_told_beside_their_number(frozen_run, language):
    said = {"nl": "vragen, niet alle in elke meting:", "en": "questions, not all in every wave:"}
    for name, is_told in (("example", True), ("one_wave", False)):
        assert (said[language] in words_in(document_of(frozen_run(name), language))) == is_told


@EVERY
@BOTH
def test_shares_that_need_not_add_up_say_so_where_they_stand(frozen_run, name, language):
    document = document_of(frozen_run(name), language)
    said = {"nl": "tellen niet altijd op", "en": "need not add up"}[language]
    for table in document.tables:
        weighted = any(re.search(r"% \(\d+% ", cell.text) for row in table.rows for cell in row)
        assert not weighted or any(said in note for note in table.notes), table.key
    front = words_in(document).split("\n")[0]
    assert (said in front) == (name != "continuum")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("one_wave", "structure"), ("one_wave", "bent"), ("four_waves", "continuum"),
     ("one_wave", "no_structure")],
)  # fmt: skip
def test_without_profiles_groups_have_no_names_and_are_called_levels(frozen_run, name, verdict):
    results = with_verdict(saved(frozen_run(name)), verdict=verdict)
    document = assemble(results.study, results, "en")
    told = all_words_in(document)
    assert words_in(document).startswith(Words.load("en").words["verdicts"][verdict])
    assert "Name A" not in told
    assert "Level 1" in told
    # groups that nobody found are there because somebody asked for so many
    assert ("arbitrary" if verdict == "continuum" else "asked for by the researcher") in told


@BOTH
def test_where_the_error_is_not_known_places_are_told_to_be_those_of_scores(frozen_run, language):
    known = saved(frozen_run("example"))
    unknown = known.change(t05_profiles__means={"true_mean": np.nan, "se": np.nan})
    told = {
        "nl": ("duidelijk geplaatst", "scores zoals gemeten", "met één respondent is daarom"),
        "en": ("clearly placed", "scores as measured", "with one respondent is therefore"),
    }
    placed, measured, by_respondents = told[language]
    for results, is_known in ((known, True), (unknown, False)):
        parts = {name: CHAPTERS[name] for name in ("summary", "validity")}
        text = words_in(assemble(results.study, results, language, parts)).lower()
        text += tell(open_chapter(results.study, results, language, "profiles"), "certainty")
        assert (text.count(placed), measured in text) == (3 if is_known else 2, not is_known)
        assert (by_respondents in text) == is_known


@BOTH
def test_where_nothing_was_divided_nothing_is_told_of_groups(frozen_run, language):
    results = with_verdict(saved(frozen_run("four_waves")), verdict="bent")
    place = "04_number_of_profiles", "shares"
    one = results.load(*place, results.study.reference_wave).head(1)
    changed = Saved(results.study, results.store, {**results.changed, "/".join(place): one})
    chapters = {name: CHAPTERS[name] for name in ("summary", "waves", "validity")}
    told = words_in(assemble(changed.study, changed, language, chapters))
    told += tell(open_chapter(changed.study, changed, language, "annex"), "methods")
    of_groups = {
        "nl": r"niveaus? |De profielen zijn die|duidelijk geplaatst|[Ww]isselen van|groep wisselde",
        "en": r"levels? |The profiles are those|clearly placed|Moves between|moved to another",
    }
    assert re.findall(of_groups[language], told) == []


@BOTH
def test_a_question_whose_answers_are_turned_round_says_so_wherever_it_stands(frozen_run, language):
    run = frozen_run("one_wave")
    items = run.study.codebook.items
    turned = run.study.model_copy(update={"codebook": Codebook(items.assign(reversed=True))})
    mark = {"nl": "(antwoorden omgedraaid)", "en": "(answers turned round)"}[language]
    asked = items.loc[items["phase"] != "", f"question_{language}"].str.rstrip(".")
    for study, times in ((run.study, 0), (turned, 1)):
        document = assemble(study, Saved(study, Results(run.processed)), language)
        text = all_words_in(document)
        assert text.count(mark) == times * sum(text.count(question) for question in asked)
    assert any(f"{question} {mark}" in words_in(document) for question in asked)


@BOTH
@pytest.mark.parametrize("name", ["continuum", "one_wave"])
def test_levels_are_not_called_profiles_by_what_is_asked_of_them(frozen_run, language, name):
    results = with_verdict(saved(frozen_run(name)), verdict="continuum")
    told = tell(open_chapter(results.study, results, language, "annex"), "reviewer")
    of_levels = {
        "nl": r"(?s)kleinste niveau.*Is gewogen",
        "en": r"(?s)smallest level.*Were weights",
    }
    (part,) = re.findall(of_levels[language], told)
    assert not re.search(r"(?i)profiel|profile|study\.yaml", part)


@BOTH
@pytest.mark.parametrize(("name", "several"), [("example", True), ("one_wave", False)])
def test_how_exact_scores_are_is_told_of_one_wave_of_several(frozen_run, name, several, language):
    run = frozen_run(name)
    label = open_language(language, run.study).wave_name(run.study.reference_wave)
    told = {"en": f"(95%) in the {label}", "nl": f"is in de {label} op ongeveer"}[language]
    assert (told in all_words_in(document_of(run, language))) == several


@EVERY
@BOTH
def test_a_variance_at_its_floor_is_told_of_the_groups_of_true_scores(frozen_run, name, language):
    results = saved(frozen_run(name))
    for at_floor in (True, False):
        changed = results.change(t04_number_of_profiles__division={"at_floor": at_floor})
        chapter = open_chapter(changed.study, changed, language, "annex")
        told = {"en": "at the smallest allowed", "nl": "op de ondergrens"}[language]
        assert (told in tell(chapter, "reviewer")) == (at_floor and chapter.corrected)


@EVERY
@BOTH
def test_an_association_that_is_not_told_in_the_annex_is_not_denied_in_its_chapter(
    frozen_run, name, language
):
    """Where none is told, no table of them stands in the annex either."""
    run, shown = frozen_run(name), "table-background"
    document = document_of(run, language)
    chapter = open_chapter(run.study, Results(run.processed), language, "profiles")
    untold = sum(not one["told"] for one in chapter.associations)
    if any(table.key == shown for table in document.tables):
        rows = table_of(document, shown).to_numpy()
        assert untold == sum("–" in list(row) for row in rows) < len(rows)
    else:
        assert untold == len(chapter.associations)
    few = {"nl": r"Of het \w+ samenhangt met", "en": r"Whether the \w+ goes with"}
    assert len(re.findall(few[language], words_in(document))) == untold


def test_a_continuum_is_told_as_such_and_one_wave_shows_no_change(frozen_run):
    document = document_of(frozen_run("continuum"), "en")
    told = words_in(document)
    assert told.startswith("There is a continuum, no profiles.")
    assert "nothing can be said about change" in told
    assert "clearly placed" not in told
    for language, name in {"nl": "Naam A", "en": "Name A"}.items():
        assert name not in html_of(frozen_run("continuum"), language)
    assert list(table_of(document, "table-profiles").index) == ["Level 1", "Level 2", "Level 3"]
    assert not [figure for figure in document.figures if figure.key.startswith("figure-moves")]


@BOTH
def test_a_course_is_told_on_the_scale_and_where_units_lie(frozen_run, language):
    document = document_of(frozen_run("continuum"), language)
    (figure,) = (figure for figure in document.figures if figure.key == "figure-course")
    told = figure.alt.replace(MINUS, "-")
    scores = [int(score) for score in re.findall(r"(?<![P\d])-?\d+", told)]
    assert len(scores) == 12
    assert all(0 <= score <= 100 for score in scores)


@BOTH
@pytest.mark.parametrize("name", ["continuum", "one_wave"])
def test_the_front_page_says_how_often_its_own_verdict_is_wrong(frozen_run, language, name):
    told = words_in(document_of(frozen_run(name), language))
    missed = {"nl": "kunnen gemist worden", "en": "can be missed"}[language]
    announced = {"nl": "werden toch profielen gemeld", "en": "profiles were announced in"}[language]
    front = told.partition({"nl": "Wat dit niet", "en": "What this does not"}[language])[0]
    assert (missed in front, announced in front) == (name == "continuum", name == "one_wave")


VERDICTS = [verdict.value for verdict in Verdict if verdict is not Verdict.IDENTICAL]


@BOTH
@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_report_says_its_verdict_and_no_other(frozen_run, language, verdict):
    results = with_verdict(saved(frozen_run("one_wave")), verdict=verdict)
    own = Words.load(language).words["verdicts"]
    document = assemble(results.study, results, language, {"annex": CHAPTERS["annex"]})
    chapters = (chapter for part in document.parts for chapter in part.sections)
    (annex,) = (chapter for chapter in chapters if chapter.heading.key == "annex")
    (asked,) = (part for part in annex.sections if part.heading.key == "reviewer")
    told = " ".join(words_of(item) for block in asked.blocks if isinstance(block, Bullets)
                    for item in block.items)  # fmt: skip
    assert {code for code in VERDICTS if f"? {own[code]}." in told} == {verdict}


ROLES = pytest.mark.parametrize(
    ("alike", "told", "unsaid"),
    [
        ({}, ["broadening (+8)", "hardly plays a part"], "may come of"),
        (
            {"change_alike": 4.0, "p_mix": 0.01},
            ["broadening (+8)", "the change would be, in points, +4 for"],
            "may come of",
        ),
        (
            {"change_alike": 4.0, "p_mix": 0.4},
            ["broadening (+8)", "That another mix of roles among the respondents has a part in it"],
            "the change would be",
        ),
        (
            {"p_holm_alike": 0.4},
            ["no average score changed", "broadening the change is only just more than error"],
            "may come of",
        ),
        (
            {"p_holm_alike": 0.4, "change_alike": 9.0},
            [
                "no average score changed",
                "broadening the difference may come of",
                "the change is not more than error",
            ],
            "broadening (+8)",
        ),
        (
            {"p_holm_of_all": 0.4},
            ["no average score changed", "answered again.", "may come of who answered again"],
            "broadening (+8)",
        ),
        (
            {"change_of_all": -1.0},
            ["no average score changed", "may come of who answered again"],
            "broadening (+8)",
        ),
        (
            dict.fromkeys(("change_alike", "p_holm_alike"), np.nan),
            ["Whether average scores changed", "the two cannot be told apart"],
            "no average score changed",
        ),
    ],
)
"""What holds otherwise, without the mix of roles or of all units, and what is told and unsaid."""


@ROLES
def test_a_change_is_told_as_such_only_where_roles_and_who_answered_again_do_not_explain_it(
    frozen_run, alike, told, unsaid
):
    results = saved(frozen_run("example"))
    change = results.load("07_waves", "change", ALL_WAVES)
    changed = Saved(results.study, results.store, {"07_waves/change": change.assign(**alike)})
    text = tell(open_chapter(changed.study, changed, "en", "waves"), "change")
    assert [part for part in told if part not in text] == []
    assert unsaid not in text


def test_a_change_is_held_to_all_that_answered_first_and_told_of_those_that_did_again(frozen_run):
    run = saved(frozen_run("example"))
    change, links = (run.load("07_waves", name, ALL_WAVES) for name in ("change", "links"))
    assert set(change["n_units"]) == {len(unchanged_units(links))}
    assert (change["change_of_all"] - change["change"]).abs().min() > 0.01


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ({"p_holm": 0.4}, "No phase changed by more than error"),
        ({"p_holm_alike": 0.4}, "No phase changed by more than error"),  # nor by a point without
        ({"p_holm_alike": 0.4, "change_alike": 9.0}, "No change that other roles may not explain"),
        ({"change_alike": np.nan}, "Change or other roles: that cannot be said"),
        ({"p_holm_of_all": 0.4}, "No change apart from who answered again"),
    ],
)
def test_the_title_of_a_figure_of_change_does_not_deny_what_other_roles_may_explain(
    frozen_run, told, title
):
    results = saved(frozen_run("example"))
    change = results.load("07_waves", "change", ALL_WAVES).assign(**told)
    changed = Saved(results.study, results.store, {"07_waves/change": change})
    document = assemble(results.study, changed, "en", {"waves": CHAPTERS["waves"]})
    (figure,) = (one for one in document.figures if one.key.startswith("figure-change"))
    assert title in figure.drawing.svg.decode("utf-8")


@BOTH
def test_a_change_that_was_not_found_comes_with_the_largest_that_is_left_open(frozen_run, language):
    results = saved(frozen_run("example"))
    table = results.load("07_waves", "change", ALL_WAVES).assign(p_holm=0.4, low=-3.4, high=7.6)
    changed = Saved(results.study, results.store, {"07_waves/change": table})
    part = {key: CHAPTERS[key] for key in ("summary", "waves")}
    told = words_in(assemble(results.study, changed, language, part))
    assert told.count({"nl": "tot 8 punten toe", "en": "allow up to 8 points"}[language]) == 2


@BOTH
def test_moves_that_could_not_be_estimated_are_nowhere_said_to_be(frozen_run, language):
    results = saved(frozen_run("example"))
    tests = results.load("07_waves", "change_tests", ALL_WAVES).assign(finding="few_units")
    changed = Saved(results.study, results.store, {"07_waves/change_tests": tests})
    part = {key: CHAPTERS[key] for key in ("annex", "checklist")}
    document = assemble(results.study, changed, language, part)
    assert "grolts" not in {getattr(block, "key", "") for block in document.blocks}
    said = {"nl": ("Wisselen van groep", "figuur van de wisselingen"), "en": ("Moves between",)}
    assert not [text for text in said[language] if text in all_words_in(document)]
    items = open_chapter(changed.study, changed, language, "checklist").standards
    states = {item["state"] for one in items for item in one["items"] if "CHANGE" in item["item"]}
    assert states == {"not_done"}


@BOTH
def test_waves_answered_by_other_roles_are_not_said_to_have_too_few_units(frozen_run, language):
    results = saved(frozen_run("example"))
    tables = {
        name: results.load("07_waves", name, ALL_WAVES) for name in ("change", "change_tests")
    }
    tables["change"] = tables["change"].assign(change_alike=np.nan, p_holm_alike=np.nan)
    tables["change_tests"] = tables["change_tests"].assign(n_units=0, finding="few_units")
    changed = {f"07_waves/{name}": table for name, table in tables.items()}
    document = assemble(results.study, Saved(results.study, results.store, changed), language)
    few = {"nl": "deden aan beide", "en": "took part in both"}[language]
    apart = {"nl": "niet uit elkaar te houden", "en": "cannot be told apart"}[language]
    assert few not in words_in(document)
    assert words_in(document).count(apart) == 3  # on the front page, of moves and of means


def test_every_pair_of_waves_has_its_moves_and_its_change(frozen_run):
    document = document_of(frozen_run("four_waves"), "nl")
    keys = [figure.key for figure in document.figures]
    pairs = ("w1-w2", "w2-w3", "w3-w4")
    assert all(f"figure-{kind}-{pair}" in keys for kind in ("flow", "change") for pair in pairs)
    # but for two waves its groups are too small to tell where they went, those of the example not
    assert [key for key in keys if key.startswith("figure-moves")] == ["figure-moves-w1-w2"]
    untold = "Waar elke groep heen ging is niet verteld"
    assert words_in(document).count(untold) == len(pairs) - 1
    document = document_of(frozen_run("example"), "nl")
    assert "figure-moves-2018-2022" in [figure.key for figure in document.figures]
    assert untold not in words_in(document)


@BOTH
@pytest.mark.parametrize(
    ("step", "finding", "told"),
    [
        ("none", "changed", (False, False)),
        ("means", "changed", (True, False)),
        ("shapes", "unchanged", (False, False)),
        ("shares", "changed", (False, True)),
        ("shares", "unchanged", (False, False)),
    ],
)
def test_what_is_told_of_a_shift_and_of_shares_is_not_denied_by_steps_or_moves(
    frozen_run, language, step, finding, told
):
    results = saved(frozen_run("four_waves"))
    steps = results.load("07_waves", "similarity", ALL_WAVES)
    holds = steps.index.get_level_values("step") != step
    tests = results.load("07_waves", "change_tests", ALL_WAVES)
    changed = {
        "07_waves/similarity": steps.assign(holds=holds),
        "07_waves/change_tests": tests.assign(finding=finding, **{"shift P1": 3.0}),
    }
    other, chapter = Saved(results.study, results.store, changed), {"waves": CHAPTERS["waves"]}
    text = words_in(assemble(results.study, other, language, chapter))
    said = {"nl": ("verschoven alle", "veranderd."), "en": ("shifted alike", "profiles changed.")}
    assert tuple(words in text for words in said[language]) == told


def test_response_over_the_waves_counts_who_answered_again_from_the_second_wave(frozen_run):
    document = document_of(frozen_run("four_waves"), "en")
    table = table_of(document, "table-response_waves")
    assert len(table) == 4
    assert set(table.iloc[0, 2:]) == {"–"}
    assert "–" not in set(table.iloc[1:, 2:].to_numpy().ravel())


@EVERY
def test_bars_of_answers_have_the_shares_that_their_table_tells(frozen_run, name):
    results = saved(frozen_run(name))
    chapter = open_chapter(results.study, results, "en", "measurement")
    table = table_of(document_of(frozen_run(name), "en"), "table-items")
    for scale in chapter.scales:
        drawn = chapter.figure_answers(scale["code"]).args[0].iloc[:, 0]
        told = table.loc[drawn.index, "Lowest step"]
        assert [f"{100 * share:.0f}%" for share in drawn] == list(told)


@EVERY
def test_units_and_respondents_are_as_many_in_the_annex_as_in_the_table_of_waves(frozen_run, name):
    run = frozen_run(name)
    document = document_of(run, "en")
    row = table_of(document, "table-waves").iloc[run.study.waves.index(run.study.reference_wave)]
    told = re.search(r"(\d+) \w+ with ([\d,]+) respondents, ([\d.]+) per", words_in(document))
    assert [*told.groups()] == [row["Answered"], row["Respondents"], row.iloc[-1]]


@EVERY
def test_the_smallest_p_that_draws_can_give_is_told_as_a_bound_in_texts_and_tables(
    frozen_run, name
):
    run = frozen_run(name)
    drawn = saved(run).parameters("04_number_of_profiles", run.study.reference_wave)
    least = {f"{1 / (1 + drawn[n]):.3f}" for n in ("n_replicates", "n_ratio_replicates")}
    document = document_of(run, "en")
    assert not [p for p in least if f"p = {p}" in all_words_in(document)]
    tables = [t for t in document.tables if t.key in ("table-edges", "table-criteria")]
    assert not least & {cell.text for table in tables for row in table.rows for cell in row}


@EVERY
def test_parameters_are_told_as_they_were_used(frozen_run, name):
    run = frozen_run(name)
    results, wave = saved(run), run.study.reference_wave
    replicates = results.parameters("04_number_of_profiles", wave)["n_replicates"]
    for language, said in {
        "en": r"For chance, (\d+) surveys",
        "nl": r"Voor het toeval zijn (\d+) enquêtes",
    }.items():
        table = table_of(document_of(run, language), "table-parameters")
        own = table.loc["04_number_of_profiles"].set_index(table.columns[0]).iloc[:, 0]
        assert own["n_replicates"] == str(replicates)
        assert re.findall(said, words_in(document_of(run, language))) == [str(replicates)]


# What leaves, beyond what the door and the audit hold.


@EVERY
@BOTH
def test_an_alt_text_counts_no_combination_that_its_figure_withholds(frozen_run, name, language):
    results = saved(frozen_run(name))
    results.study = results.study.model_copy(update={"round_to": 10})
    chapter = {"cycle": CHAPTERS["cycle"]}
    for figure in assemble(results.study, results, language, chapter).figures:
        if figure.key == "figure-patterns":
            drawn = figure.drawing.draw.keywords | {"shown": figure.drawing.draw.args[0]}
            counts = Counter(drawn["shown"]["n"])
            told = [int(n) for n in re.findall(r": \D*(\d+)(?=[;.])", figure.alt)]
            assert told
            assert not Counter(told) - counts
            assert all(n % 10 == 0 for n in told)


def test_of_a_group_of_few_units_nothing_is_told(frozen_run):
    results = saved(frozen_run("one_wave"))
    sizes = results.load("05_profiles", "profiles", "2010")["n_units"]
    rest = sizes.sum() - 3 - sizes.iloc[2:].sum()
    few = [3, int(rest), *sizes.iloc[2:]]
    means = results.load("05_profiles", "means", "2010")
    n_units = dict(zip(sizes.index, few, strict=True))
    changed = results.change(
        t04_number_of_profiles__shares={"n_units": few},
        t05_profiles__profiles={"n_units": few},
        t05_profiles__means={"n_units": means.index.get_level_values("profile").map(n_units)},
    )
    document = assemble(changed.study, changed, "en")
    first = table_of(document, "table-profiles").loc["1 Name A"]
    assert first["Number"] in {"<5", "5"}, "a multiple of five"
    assert set(first.drop(["Number", "Share"])) == {"–"}
    assert "nothing is shown about it" in words_in(document)


# Figures.


@EVERY
@BOTH
def test_the_title_of_a_figure_is_its_finding(frozen_run, name, language):
    document = document_of(frozen_run(name), language)
    titled = {
        figure.key: title
        for figure in document.figures
        if (title := figure.drawing.draw.keywords["look"].title)
    }
    assert {"figure-together", "figure-spread", "figure-criteria"} <= titled.keys()
    assert any(key.startswith("figure-curve") for key in titled)
    everything = " ".join(page_of(frozen_run(name), language, part).text for part in PARTS)
    for key, title in titled.items():
        for number in re.findall(r"\d+(?:[.,]\d+)?%?", title):
            assert number in everything, (key, title)


# Languages.


def leaves(tree):
    if isinstance(tree, dict):
        return {leaf for part in tree.values() for leaf in leaves(part)}
    return {tree} if isinstance(tree, str) else set()


@EVERY
def test_no_english_word_stands_in_a_dutch_table(frozen_run, name):
    dutch, english = (
        leaves(yaml.safe_load((PACKAGE / code / "words.yaml").read_text("utf-8")))
        for code in ("nl", "en")
    )
    document = document_of(frozen_run(name), "nl")
    cells = {cell.text for table in document.tables for row in table.rows for cell in row}
    heads = {head for table in document.tables for head in table.heads}
    assert not (cells | heads) & (english - dutch)


# Machinery.


@EVERY
def test_a_report_reads_every_table_once_and_few_for_every_wave(frozen_run, name):
    _, results = assembled(frozen_run(name), "nl")
    assert max(results.asked.values()) == 1
    most = MOST_LOADS + LOADS_OF_A_WAVE * max(len(results.study.waves) - 2, 0)
    assert results.asked.total() <= most


def test_a_table_that_is_not_there_yet_is_told_with_the_notebook_to_run(frozen_run, tmp_path):
    with pytest.raises(InputError, match="Run notebook 0"):
        assemble(frozen_run("one_wave").study, Results(tmp_path), "nl")


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("text", "ground"),
    [("ink", "paper"), ("muted", "paper"), ("accent", "paper"), ("ink", "wash"),
     ("warn", "warn-wash")],
)  # fmt: skip
def test_text_stands_out_from_its_ground(frozen_run, text, ground):
    colours = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", html_of(frozen_run("one_wave"), "nl"))
    )
    dark, light = sorted(luminance(colours[name]) for name in (text, ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_with_one_respondent_each_the_report_does_not_claim_to_know_chance(tmp_path):
    truth = Truth(["2010", "2011"], "profiles", n_units=40, n_respondents=1)
    study = make_study(tmp_path, truth)
    divided = {"04_number_of_profiles": {"n_profiles": 4}}  # whatever the verdict
    results = run_notebooks(tmp_path, study, given=divided)
    told = words_in(assemble(study, results, "en"))
    assert "Whether countries moved to another level cannot be told" in told
    assert "was to be expected by chance" not in told
