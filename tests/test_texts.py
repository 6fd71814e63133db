"""Every language tells the same, a language is a folder, and mistakes in texts are told by line."""

import ast
import re
import shutil
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args, get_origin

import pandas as pd
import pytest
import yaml
from conftest import ROOT
from told import PACKAGE, Saved, all_words_in, outline, saved, templates, words_in

from cycle_analysis import figures, texts
from cycle_analysis.cycle.order import Reading
from cycle_analysis.figures import Look
from cycle_analysis.measurement import aggregation_rules, item_analysis, reliability
from cycle_analysis.mixtures.courses import COURSES
from cycle_analysis.mixtures.gaussian import ALL_MODELS
from cycle_analysis.mixtures.margins import Hurdle
from cycle_analysis.problems import InputError
from cycle_analysis.profiles.background import CRAMER, RANKS
from cycle_analysis.profiles.selection import BARRING
from cycle_analysis.profiles.typology import HEIGHTS
from cycle_analysis.profiles.verdict import OF_PROFILES, OF_SCORES, WINDOW, Verdict
from cycle_analysis.report import assemble, door, open_chapter, tell
from cycle_analysis.report.chapter import STEPS as TOLD
from cycle_analysis.report.chapter import Chapter, ChapterFacts, facts_of
from cycle_analysis.report.chapters import CHAPTERS, annex
from cycle_analysis.report.chapters.cycle import AGREEMENT
from cycle_analysis.report.chapters.validity import STABILITY
from cycle_analysis.report.chapters.waves import TERRITORY
from cycle_analysis.report.document import Document, Figure, Heading, Paragraph, Table, words_of
from cycle_analysis.report.door import wave_total
from cycle_analysis.report.language import FILTERS, open_language
from cycle_analysis.report.templates import BUILT_IN, make_sandbox
from cycle_analysis.report.writers import to_html
from cycle_analysis.robustness import CROSSED
from cycle_analysis.robustness.curve import CLAIMS
from cycle_analysis.running import read_parameters
from cycle_analysis.running.run import gather_parameters
from cycle_analysis.study import Study, load_study
from cycle_analysis.study.codebook import Codebook
from cycle_analysis.study.files import Robustness
from cycle_analysis.study.plan import KINDS, OF_NO_MATTER
from cycle_analysis.texts import Words, find_lacking, find_languages

LANGUAGES = find_languages()
GIVEN = {"words", "macros", "loop", "caller", "super"}
"""Names that every template knows besides the facts of its chapter."""


@pytest.fixture(scope="module")
def results(frozen_run, tmp_path_factory) -> Saved:
    """Four profiles in one wave, of a study that speaks every language."""
    run = frozen_run("one_wave")
    others = [code for code in LANGUAGES if code not in run.study.languages]
    study = in_more_languages(run, tmp_path_factory.mktemp("all"), *others)
    return Saved(study, saved(run).store)


def text_of(document: Document) -> str:
    return "\n".join(words_of(b.text) for b in document.blocks if isinstance(b, Paragraph))


def bones(document: Document) -> list[tuple]:
    """Give what a document holds, without its words."""
    told = []
    for block in document.blocks:
        if isinstance(block, Heading):
            told.append((block.level, block.key))
        elif isinstance(block, Table):
            told.append((block.key, len(block.heads), len(block.rows), len(block.notes)))
        elif isinstance(block, Figure):
            told.append((block.key, block.table and block.table.key))
        else:
            told.append((type(block).__name__, block.kind))
    return told


SET_APART = ("::: finding", "::: summary", "::: annex")
"""What opens no table and no figure."""


# Languages side by side.


def test_every_chapter_stands_in_every_language():
    expected = {f"{key}.md.j2" for key in CHAPTERS} | {"macros.md.j2", "sheet.md.j2"}
    assert {language: set(templates(language)) for language in LANGUAGES} == dict.fromkeys(
        LANGUAGES, expected
    )


@pytest.mark.parametrize("name", templates("en"))
def test_every_language_has_the_same_blocks_headings_tables_columns_and_facts(name):
    first, *others = (outline(templates(language)[name]) for language in LANGUAGES)
    for other in others:
        assert other.blocks == first.blocks
        assert other.keys == first.keys
        assert other.facts - GIVEN == first.facts - GIVEN


@pytest.mark.parametrize("key", CHAPTERS)
def test_a_template_names_only_facts_filters_and_tables_that_there_are(key):
    chapter = CHAPTERS[key]
    for language in LANGUAGES:
        found = outline(templates(language)[f"{key}.md.j2"])
        assert found.facts - GIVEN <= set(facts_of(chapter))
        assert set(found.filters) <= {*FILTERS, *BUILT_IN}
        for name in found.keys:
            if name.startswith("::: ") and not name.startswith(SET_APART):
                _, kind, what, *_ = name.split()
                assert hasattr(chapter, f"{kind}_{what}")


@pytest.mark.parametrize("key", CHAPTERS)
def test_every_fact_of_a_chapter_is_told(key):
    own = set(facts_of(CHAPTERS[key])) - set(facts_of(Chapter))
    texts = templates("en")
    elsewhere = {name for name in own if f"{key}.{name}" in texts["annex.md.j2"].read_text("utf-8")}
    assert own <= outline(texts[f"{key}.md.j2"]).facts | elsewhere


def flat(tree, above=""):
    if not isinstance(tree, dict):
        return {above}
    return {key for name, part in tree.items() for key in flat(part, f"{above}.{name}")}


def test_words_have_the_same_keys_and_fill_in_the_same_in_every_language():
    first, *others = (Words.load(language).words for language in LANGUAGES)
    for other in others:
        assert flat(other) == flat(first)
        assert all(len(other[name]) == len(first[name]) for name in ("months", "numbers"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_stands_twice(language):
    from cycle_analysis.study.text_files import YamlText

    assert YamlText(PACKAGE / language / "words.yaml", "words.yaml").problems == []


def all_parameters():
    """Parameters of the notebooks that change tables, which the annex tells."""
    cells = [read_parameters(ROOT / "notebooks" / f"{name}.ipynb") for name in TOLD]
    return {name for cell in cells for name in cell} - set(OF_NO_MATTER)


def options_of(choice: str) -> set[str]:
    """Texts that study.yaml may name under a choice."""
    (kind,) = get_args(Robustness.model_fields[choice].annotation)
    return set(get_args(kind)) if get_origin(kind) is Literal else set()


READINGS = [reading for reading in Reading if reading is not Reading.UNKNOWN]
CODES = {
    "models": [model.name for model in ALL_MODELS],
    "parameters": all_parameters(),
    "verdicts": Verdict,
    "readings": [*READINGS, "level"],
    "forms": {"cloud", Hurdle.form, *(course.form for course in COURSES)},
    "verdict_warnings": {*OF_PROFILES, *OF_SCORES, WINDOW},
    "flags": BARRING,
    "heights": HEIGHTS,
    "effects": [CRAMER, RANKS],
    "rules": aggregation_rules(pd.Series(["line", "top"])),
    "warnings": [*item_analysis.WARNINGS, *reliability.WARNINGS],
    "stability": [reading for _, reading in STABILITY],
    "agreement": [*(reading for _, reading in AGREEMENT), "hardly_any", "unknown"],
    "territory": TERRITORY,
    "grid": [*CROSSED, "left_out"],
    "claims": CLAIMS,
    "options": {"nothing", "item", "phase"}.union(*map(options_of, CROSSED)),
    "deviations": KINDS,
}
"""Codes that the science gives, by where words.yaml has words for them."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", CODES)
def test_every_code_and_every_parameter_has_a_word(language, kind):
    assert set(CODES[kind]) <= Words.load(language).words[kind].keys()


def test_a_code_without_a_word_is_refused_and_a_group_of_the_study_told_as_it_stands(results):
    language = open_language("en", results.study)
    assert language.code_word("Isle_2", "background_groups") == "Isle_2"
    assert language.code_word("size_class", "backgrounds") == "size class"
    assert language.code_word("region", "backgrounds") == "region"
    assert language.code_word("West", "background_groups") == "West"
    of_municipalities = open_language("en", load_study("example", ROOT))
    assert of_municipalities.code_word("region", "backgrounds") == "part of the country"
    assert of_municipalities.code_word("West", "background_groups") == "west"
    with pytest.raises(InputError, match=r"texts/en/words.yaml, models.XXI: has no word"):
        language.code_word("XXI", "models")


def drawn_words(function: ast.FunctionDef):
    """Words of figures that a function may ask for: ``look.word("cycle", "band")``."""
    parts = list(ast.walk(function))
    calls = [part for part in parts if isinstance(part, ast.Call) and part.args]
    groups = {ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "look.word"}
    names = {part.value for part in parts if isinstance(part, ast.Constant)}
    return {(ast.literal_eval(group), name) for group in groups for name in names}


def test_every_word_of_figures_is_drawn():
    drawn = set()
    for path in Path(figures.__file__).parent.glob("*.py"):
        for part in ast.walk(ast.parse(path.read_text("utf-8"))):
            drawn |= drawn_words(part) if isinstance(part, ast.FunctionDef) else set()
    words = Words.load("en").words["figures"]
    assert {(group, name) for group in words for name in words[group]} <= drawn


def test_a_parameter_means_the_same_nowhere_but_in_its_own_language():
    told = [Words.load(language).words["parameters"] for language in LANGUAGES]
    assert not [name for name in told[0] if len({words[name] for words in told}) < len(told)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reading_of_the_order_has_words_of_its_own(results, language):
    told = set()
    for reading in [*Reading, "level"]:
        row = {"reading": "parallel", "H": 0.4} if reading == "level" else {"reading": str(reading)}
        row = row | ({"H": 0.1} if reading == Reading.PARALLEL else {})
        changed = results.change(t03_cycle__order=row)
        block = tell(open_chapter(changed.study, changed, language, "cycle"), "order")
        told.add(re.split("[(:]", block)[0])
    assert len(told) == len(READINGS) + 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_order_that_hangs_on_careless_respondents_is_said_to(results, language):
    said = {"en": "may lie in their answers", "nl": "kan in hun antwoorden zitten"}[language]
    for by_careless in (True, False):
        row = {"reading": "undetermined", "by_careless": by_careless}
        changed = results.change(t03_cycle__order=row)
        told = tell(open_chapter(changed.study, changed, language, "cycle"), "order")
        assert (said in told) == by_careless


@pytest.mark.parametrize(
    ("chance", "reason"),
    [
        (0.1, r"from .* the mean falls .* in none of the 3 steps, and rises in 2"),
        (0.5, "H is no .*gives"),
    ],
)
def test_phases_that_rise_together_lack_an_order_for_one_reason(results, chance, reason):
    row = {"reading": "parallel", "H": 0.4, "H_chance": chance, "steps": 3, "steps_down": 0}
    row |= {"steps_up": 2}
    changed = results.change(t03_cycle__order=row)
    told = tell(open_chapter(changed.study, changed, "en", "cycle"), "order")
    assert re.search(rf"\): {reason}\. ", told)


def test_a_later_phase_is_told_ahead_only_beyond_chance_over_all_pairs_and_where_error_is_known(
    results,
):
    def told(n_ahead: int, known: bool = True) -> str:
        counts = {"n": 68.0, "violations": float(n_ahead), "share": n_ahead / 68}
        columns = {"t03_cycle__violations": counts}
        if not known:
            columns |= {"t02_scores__error": {"freedom": 12.0}}
        changed = results.change(**columns)
        return tell(open_chapter(changed.study, changed, "en", "cycle"), "violations")

    assert "For no pair" in told(5)  # 7 %, of which 2.5 % by chance, in any of six pairs
    assert "ahead of" in told(15)
    assert "cannot be told" in told(15, known=False)


@pytest.mark.parametrize(("ends", "beyond"), [((6, 7), False), ((16, 17), True)])
def test_phases_are_told_to_go_together_only_beyond_chance(results, ends, beyond):
    """Of 68 units 4 are to be expected without a phase, and 5 with all four."""
    none, all_four = ends
    counts = {"n": [none, 20, 68 - 40 - none - all_four, 20, all_four]}
    listed = {"n": [20, all_four, 20, none]}
    columns = {"t03_cycle__active_counts": counts, "t03_cycle__patterns": listed}
    changed = results.change(**columns)
    told = tell(open_chapter(changed.study, changed, "en", "cycle"), "extremes")
    assert ("by more than chance" in told) == beyond


SURE = ("met zekerheid", "geen toeval", "with certainty", "not by chance", "no chance")
"""Words for what a test of a survey does not allow to say."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_takes_what_a_test_says_for_certain(language):
    told = [path.read_text("utf-8").lower() for path in templates(language).values()]
    assert not [word for word in SURE for text in told if word in text]


WORSE = {"lead_held_out": -9.0, "worse_held_out": True}
VARIANTS = {
    "separate": {"verdict": "separate", "lowered_by": "", "k_apart": 4},
    "partly separate": {"verdict": "separate", "lowered_by": "", "k_apart": 3},
    "on a line": {"verdict": "separate", "lowered_by": "", "steps_lead": 200.0},
    "overlapping": {"verdict": "overlapping", "lowered_by": "", "p": 0.3},
    "left out alike": {"verdict": "overlapping", "p": 0.3, "lowered_by": "", "lead_held_out": -1.0},
    "left out worse": {"verdict": "separate", "k_apart": 4, "lowered_by": "", **WORSE},
    "lowered": {"verdict": "overlapping", "lowered_by": "heaped at_floor"},
    "structure": {"verdict": "structure", "form_lead": 4.0, "lowered_by": ""},
    "like a window": {"verdict": "structure", "form_lead": 40.0, "lowered_by": "window"},
    "plane": {"verdict": "structure", "form_lead": -40.0, "form": "plane", "lowered_by": ""},
    "hurdle": {"verdict": "structure", "form_lead": -40.0, "form": "hurdle", "lowered_by": ""},
    "continuum": {"verdict": "continuum", "form_lead": -40.0, "form": "line"},
    "level with it": {"verdict": "continuum", "form_lead": 3.0, "form": "line"},
    "bent": {"verdict": "bent", "form_lead": -40.0},
    "no structure": {"verdict": "no_structure"},
    "identical": {"verdict": "identical", "p": float("nan"), "form_lead": float("nan")},
}


@pytest.fixture(scope="module")
def telling(results) -> dict[str, type[Chapter]]:
    """The chapters that ask for the verdict: no other says something else by it."""

    def asks(key: str) -> bool:
        alone = Saved(results.study, results.store)
        assemble(alone.study, alone, "en", {key: CHAPTERS[key]})
        return any(table == "04_number_of_profiles/verdict" for table, _ in alone.asked)

    return {key: CHAPTERS[key] for key in CHAPTERS if asks(key)}


@pytest.mark.parametrize(
    ("n", "whole", "told"),
    [
        (0, 6, {"nl": "geen van de 6 paren", "en": "none of the 6 pairs"}),
        (1, 6, {"nl": "1 van de 6 paren", "en": "1 of the 6 pairs"}),
        (6, 6, {"nl": "alle 6 paren", "en": "all 6 pairs"}),
        (2, 2, {"nl": "beide paren", "en": "both pairs"}),
        (1, 1, {"nl": "1 paar", "en": "1 pair"}),
        (0, 1, {"nl": "geen paar", "en": "no pair"}),
    ],
)
def test_none_one_both_and_all_of_a_number_read_as_such(results, n, whole, told):
    for code, text in told.items():
        sandbox = make_sandbox(open_language(code, results.study))
        one, many = {"nl": ("paar", "paren"), "en": ("pair", "pairs")}[code]
        part = sandbox.globals["macros"].part_of(n, whole, one, many)
        assert " ".join(str(part).split()) == text


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_language_tells_the_same_whatever_was_found(results, telling, variant):
    changed = results.change(t04_number_of_profiles__verdict=VARIANTS[variant])
    first, *others = (assemble(changed.study, changed, code, telling) for code in LANGUAGES)
    assert all(bones(other) == bones(first) for other in others)
    for document in (first, *others):
        assert not {"nan", "None", "True"} & set(text_of(document).split())


def test_no_text_takes_the_name_of_the_units_for_one_of_a_gender_or_first_letter():
    """A study may call its units `lokaal bestuur`, `kantoor` or `association`."""
    wrong = {
        "nl": r"\b(?:de|deze|dezelfde|die|elke|ieder|iedere|nieuwe|geen enkele)",
        "en": r"\ban?",
    }
    for language, before in wrong.items():
        for path in templates(language).values():
            assert not re.search(before + r" \{\{ one \}\}", path.read_text(), re.IGNORECASE), path


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("association", "an association"),
        ("Office", "an Office"),
        ("municipality", "a municipality"),
        ("university", "a university"),
        ("underwriter", "an underwriter"),
    ],
)
def test_the_article_goes_by_the_name_of_a_unit(results, word, told):
    macros = make_sandbox(open_language("en", results.study)).globals["macros"]
    assert macros.a(word) == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_key_words_say_what_leads_and_what_lags_and_else_that_nothing_does(results, language):
    changed = results.change(
        t05_profiles__profiles={"leading": ["P1 P2", "P1", "", ""], "lagging": ["P3", "", "P4", ""]}
    )
    told = tell(open_chapter(changed.study, changed, language, "profiles"), "portraits")
    words = {
        "en": ["high on P1 and P2, low on P3", "high on P1.", "low on P4.", "with the course"],
        "nl": ["hoog op P1 en P2, laag op P3", "hoog op P1.", "laag op P4.", "met het verloop"],
    }[language]
    start = {"en": "In key words:", "nl": "In steekwoorden:"}[language]
    sentences = told.split(start)[1:]
    assert [said in text for said, text in zip(words, sentences, strict=True)] == [True] * 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("second", "both"), [(31, True), (21, False)])
def test_phases_that_are_as_often_ahead_as_told_are_named_together(results, language, second, both):
    rest = [10] * (len(results.study.phase_codes) - 2)
    changed = results.change(t03_cycle__curve={"n_leading": [30, second, *rest]})
    told = tell(open_chapter(changed.study, changed, language, "cycle"), "leading")
    opening = told.partition(":")[0]
    assert ({"en": " or ", "nl": " of "}[language] in opening) == both, told


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_the_whole_population_answered_no_margin_of_error_is_told(results, language):
    account = results.load("01_responses", "response", results.study.reference_wave)
    part = results.change(t01_responses__response={"population": 2 * account["responded"]})
    whole = results.change(t01_responses__response={"population": account["responded"]})
    margin = {"en": "margin of error", "nl": "foutmarge"}[language]
    none = {"en": "there is no sampling error", "nl": "een steekproeffout is er niet"}[language]
    for saved_as, all_answered in ((part, False), (whole, True)):
        told = tell(open_chapter(saved_as.study, saved_as, language, "response"), "precision")
        assert (margin in told, none in told) == (not all_answered, all_answered)


@pytest.mark.parametrize(("n", "told"), [(1, "1 country"), (2, "2 countries")])
def test_one_unit_is_told_by_the_word_for_one(results, n, told):
    language = open_language("en", results.study)
    assert language.units(wave_total(n)) == told
    assert language.basis(wave_total(n)) == f"n = {told}"


def test_no_two_verdicts_are_told_in_the_same_words(results):
    told = []
    for values in VARIANTS.values():
        changed = results.change(t04_number_of_profiles__verdict=values)
        told.append(tell(open_chapter(changed.study, changed, "nl", "profiles"), "verdict"))
    assert len(set(told)) == len(VARIANTS)


@pytest.mark.parametrize(("language", "words"), [("en", "left out of the fit"), ("nl", "buiten")])
def test_steps_of_one_line_are_not_told_how_free_groups_predict(results, language, words):
    row = VARIANTS["on a line"] | WORSE
    told = {}
    for steps in (-50.0, row["steps_lead"]):
        changed = results.change(t04_number_of_profiles__verdict=row | {"steps_lead": steps})
        opened = open_chapter(changed.study, changed, language, "profiles")
        told[steps > 0] = tell(opened, "verdict")
    assert words in told[False]
    assert words not in told[True]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["continuum", "bent", "structure", "no_structure"])
def test_groups_that_fit_better_and_take_no_part_are_not_said_to_fit_no_better(
    results, language, verdict
):
    """Of few units no more than one group may be taken, whatever fits best."""
    row = {"verdict": verdict, "form_lead": 17.0, "form": "plane", "lowered_by": ""}
    one = {"k": 1, "method": "EEI", "flags": "few_units"}
    changed = results.change(
        t04_number_of_profiles__verdict=row, t04_number_of_profiles__choice=one
    )
    better = {"nl": "zouden ze beter beschrijven (met 17", "en": "describe them better (by 17"}
    others = {
        "nl": ("even goed", "met −17", "Één groepen"),
        "en": ("well as groups", "by −17", "One groups"),
    }
    for chapter, block in (("profiles", "verdict"), ("summary", "summary")):
        told = tell(open_chapter(changed.study, changed, language, chapter), block)
        assert better[language] in told
        assert [words for words in others[language] if words in told] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_role_that_left_out_a_phase_is_told_beside_the_means(results, language):
    role, name = "A", "01_responses/item_nonresponse_by_role"
    study = results.study.model_copy(update={"roles": {role: {"nl": "Raad", "en": "Council"}}})
    table = results.load(*name.split("/"), study.reference_wave).rename({"unknown": role})
    items = study.codebook.items
    left = items.index[items["phase"] == study.phase_codes[0]]
    silent = table.assign(blank=table["blank"].mask(table.index.isin(left, level="item"), 1.0))
    words = {
        "nl": {"response": "rusten op andere mensen", "cycle": "kan ook daaraan liggen"},
        "en": {"response": "rest on other people", "cycle": "may depend on that too"},
    }
    front = {"nl": "Niet elke rol beantwoordde elke fase", "en": "Not every role answered every"}
    one_of_many = silent.assign(n=3000, blank=silent["blank"].where(silent["blank"] < 1, 0.999667))
    for answers, is_told in ((table, False), (silent, True), (one_of_many, False)):
        given = Saved(study, results.store, {name: answers})
        for chapter, said in (words[language] | {"summary": front[language]}).items():
            document = assemble(given.study, given, language, {chapter: CHAPTERS[chapter]})
            assert (said in words_in(document)) == is_told


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_that_more_units_are_placed_than_have_all_scores(results, language):
    words = {"nl": "ook de andere zijn ingedeeld", "en": "the others are placed as well"}
    few = results.change(t04_number_of_profiles__verdict={"n_units": 40})
    n_divided = int(
        results.load("05_profiles", "profiles", few.study.reference_wave)["n_units"].sum()
    )
    all_ = results.change(t04_number_of_profiles__verdict={"n_units": n_divided})
    for given, is_told in ((few, True), (all_, False)):
        chapter = {"profiles": CHAPTERS["profiles"]}
        told = all_words_in(assemble(given.study, given, language, chapter))
        assert (words[language] in told) == is_told


def test_a_background_of_which_no_share_may_be_told_has_no_table(results, monkeypatch):
    for least, shown in ((door.LEAST_WHOLE, True), (10_000, False)):
        monkeypatch.setattr(door, "LEAST_WHOLE", least)
        chapter = open_chapter(results.study, results, "nl", "profiles")
        assert ("Aandeel van de" in tell(chapter, "who")) == shown


def test_lines_that_cross_by_little_are_not_said_to_keep_their_order(results):
    """Means that a reader sees may cross by less than is told."""
    none = results.load("05_profiles", "crossings", results.study.reference_wave).iloc[:0]
    changed = Saved(results.study, results.store, {"05_profiles/crossings": none})
    told = tell(open_chapter(changed.study, changed, "en", "profiles"), "differences")
    assert "Nowhere do the lines cross by more than chance and by 5 points or more" in told


@pytest.mark.parametrize(("low", "open_"), [(-0.1, True), (0.1, False)])
def test_a_continuum_that_colleagues_do_not_share_is_told_as_such(results, low, open_):
    between = {"H_between": 0.1, "H_between_low": low, "H_between_high": 0.3}
    columns = {"t04_number_of_profiles__verdict": VARIANTS["continuum"]}
    changed = results.change(**columns, t03_cycle__order=between)
    told = tell(open_chapter(changed.study, changed, "en", "profiles"), "verdict")
    assert ("colleagues share it is not shown" in told) == open_


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_when_of_many_units_a_sample_was_weighed(results, language, monkeypatch):
    words = {"nl": "aselecte steekproef van", "en": "rests on a sample"}[language]
    for most, is_told in ((annex.LARGEST, False), (20, True)):
        monkeypatch.setattr(annex, "LARGEST", most)
        told = tell(open_chapter(results.study, results, language, "annex"), "reviewer")
        assert (words in told) == is_told


def test_phases_on_different_scales_are_told_where_their_means_are_compared(results):
    items, told = results.study.codebook.items.copy(), "answered on different scales"
    first = results.study.phase_codes[0]
    assert told not in tell(open_chapter(results.study, results, "en", "cycle"), "curve")
    other = {"other": next(iter(results.study.scales.values()))}
    items.loc[items["phase"] == first, "scale"] = "other"
    changed = {"codebook": Codebook(items), "scales": results.study.scales | other}
    study = results.study.model_copy(update=changed)
    assert told in tell(open_chapter(study, results, "en", "cycle"), "curve")


# A third language.


def add_language(tree, code: str):
    """Say every text of a study in one more language."""
    if isinstance(tree, list):
        return [add_language(part, code) for part in tree]
    if not isinstance(tree, dict):
        return tree
    added = {name: add_language(part, code) for name, part in tree.items()}
    return added | ({code: f"{tree['en']} ({code})"} if {"nl", "en"} <= tree.keys() else {})


def in_more_languages(run, home: Path, *codes: str) -> Study:
    """Copy a study and add languages to all of its texts."""
    shutil.copytree(run.home / "data" / "raw", home / "data" / "raw", dirs_exist_ok=True)
    (folder,) = (home / "data" / "raw").iterdir()
    for path in (folder / "study.yaml", *folder.glob("*/wave.yaml")):
        tree = yaml.safe_load(path.read_text("utf-8"))
        for code in codes:
            tree = add_language(tree, code)
        tree |= {"languages": ["nl", "en", *codes]} if path.name == "study.yaml" else {}
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
    rows = (folder / "codebook.csv").read_text("utf-8").splitlines()
    for code in codes:
        rows = [rows[0] + f",question_{code}", *(f"{row},{code}" for row in rows[1:])]
    (folder / "codebook.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return load_study(folder.name, home)


def make_language(folder: Path, code: str) -> None:
    """Make a language out of English: other words, other signs."""
    shutil.copytree(PACKAGE / "en", folder / code)
    path = folder / code / "words.yaml"
    changed = yaml.safe_load(path.read_text("utf-8"))
    changed |= {"decimal": ":", "thousands": "'", "figure": "Xfigure", "about": "xabout {n}"}
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
    for path in (folder / code).glob("*.md.j2"):
        text = path.read_text("utf-8").replace("There are profiles,", "Xthere are profiles,")
        path.write_text(text, "utf-8")


def test_a_language_is_a_folder(frozen_run, results, tmp_path, monkeypatch):
    make_language(tmp_path / "languages", "xx")
    monkeypatch.setattr(texts, "FOLDERS", [*texts.FOLDERS, tmp_path / "languages"])
    study = in_more_languages(frozen_run("one_wave"), tmp_path, "xx")
    document = assemble(study, results, "xx")
    assert document.title == f"{study.title['en']} (xx)"
    assert document.words["figure"] == "Xfigure"
    assert "Xthere are profiles, but they overlap." in text_of(document)
    assert "describe the countries (xx) (xabout" in text_of(document)
    assert "p ≤ 0:050" in text_of(document)
    assert bones(document) == bones(assemble(study, results, "en"))
    assert "Xfigure 1." in to_html(document)


def test_a_study_may_bring_a_language_of_its_own(frozen_run, results, tmp_path):
    make_language(tmp_path / "texts", "xx")
    (folder,) = (frozen_run("one_wave").home / "data" / "raw").iterdir()
    shutil.move(tmp_path / "texts", tmp_path / "data" / "raw" / folder.name / "texts")
    study = in_more_languages(frozen_run("one_wave"), tmp_path, "xx")
    assert "Xthere are profiles, but" in text_of(assemble(study, results, "xx"))
    parameters = gather_parameters(study, ROOT / "notebooks", {"03": {"language": "xx"}})
    assert parameters["03_cycle"]["language"] == "xx"


def test_a_figure_of_a_notebook_speaks_the_language_that_a_study_brings(tmp_path):
    make_language(tmp_path / "texts", "xx")
    study = Study.model_construct(folder=tmp_path)
    assert Look(study.words("xx")).number(1.5, 1) == "1:5"
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert "Look(language" not in path.read_text("utf-8"), path.name


def test_a_language_without_texts_is_told_where_the_study_names_it(frozen_run, tmp_path):
    with pytest.raises(
        InputError, match=r"languages.2: 'xx': has no texts of the report"
    ) as caught:
        in_more_languages(frozen_run("one_wave"), tmp_path, "xx")
    assert "Or add texts/xx/ to the study: a copy of" in str(caught.value)


def test_a_language_of_a_study_that_lacks_words_or_chapters_is_told_before_a_run(
    frozen_run, tmp_path
):
    (folder,) = (frozen_run("one_wave").home / "data" / "raw").iterdir()
    own = tmp_path / "data" / "raw" / folder.name / "texts"
    make_language(own, "xx")
    (own / "xx" / "waves.md.j2").unlink()
    words = yaml.safe_load((own / "xx" / "words.yaml").read_text("utf-8"))
    del words["heights"], words["fit_page"]["title"]
    (own / "xx" / "words.yaml").write_text(yaml.safe_dump(words), "utf-8")
    with pytest.raises(InputError) as caught:
        in_more_languages(frozen_run("one_wave"), tmp_path, "xx")
    assert "texts/xx, files: lacks what English has: waves.md.j2, words.yaml:" in str(caught.value)
    assert {"words.yaml: heights", "words.yaml: fit_page.title"} <= set(find_lacking(own / "xx"))


# Texts of a study.


@pytest.fixture
def own_texts(frozen_run, tmp_path):
    """Give a study that has texts of its own; writes one of them."""
    run = frozen_run("one_wave")
    shutil.copytree(run.home / "data" / "raw", tmp_path / "data" / "raw")
    (folder,) = (tmp_path / "data" / "raw").iterdir()

    def write(name: str, text: str, language: str = "en") -> Study:
        path = folder / "texts" / language / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return load_study(folder.name, tmp_path)

    return write


def test_a_study_replaces_one_block_and_keeps_the_rest(own_texts, results):
    study = own_texts(
        "profiles.md.j2",
        '{% extends "default/profiles.md.j2" %}\n'
        "{% block verdict %}\nWe found {{ best.k|spelled }} kinds.\n{% endblock %}\n",
    )
    document = assemble(study, results, "en")
    assert bones(document) == bones(assemble(results.study, results, "en"))
    assert "We found four kinds." in text_of(document)
    assert "There are profiles" not in text_of(document)
    assert tell(open_chapter(study, results, "en", "profiles"), "verdict") == "We found four kinds."
    assert tell(open_chapter(study, results, "nl", "profiles"), "verdict").startswith(
        "Er zijn profielen"
    )


def test_a_study_keeps_what_it_extends(own_texts, results):
    study = own_texts(
        "profiles.md.j2",
        '{% extends "default/profiles.md.j2" %}\n'
        "{% block verdict %}\n{{ super() }}\nMind this.\n{% endblock %}\n",
    )
    told = tell(open_chapter(study, results, "en", "profiles"), "verdict")
    assert told.startswith("There are profiles, but they overlap.")
    assert told.endswith("Mind this.")


def test_a_study_adds_a_chapter_and_a_word(own_texts, results):
    own_texts("words.yaml", "figure: Plate\n")
    study = own_texts(
        "ours.md.j2", "# Ours {#ours}\n\nOf the {{ many }} {{ answered|count }} answered.\n"
    )
    document = assemble(study, results, "en")
    assert document.parts[0].sections[-1].heading.key == "ours"
    assert "Of the countries 69 answered." in text_of(document)
    assert document.words["figure"] == "Plate"
    assert document.words["table"] == "Table"


class Ours(CHAPTERS["profiles"]):
    """A chapter of the study with the facts of another."""

    key = "ours"


MISTAKES = {
    "a bare number": ("{{ k }}", "a Whole stands in a text without a filter"),
    "a bare share": ("{{ elevation }}", "a Number stands in a text without a filter"),
    "a truth": ("{{ found }}", "a bool stands in a text"),
    "a list": ("{{ near }}", "a list stands in a text"),
    "true units": ("{{ n }}", "a Units stands in a text"),
    "units compared": ("{% if n > 3 %}x{% endif %}", "units cannot be compared"),
    "units tested": ("{% if n %}x{% endif %}", "units cannot be tested"),
    "units by the wrong filter": ("{{ n|number }}", "a Units is no plain number"),
    "a number as units": ("{{ k|units }}", "a Whole is no number of units"),
    "units read": ("{{ n._n|number }}", "access to attribute '_n' of 'Units' object is unsafe"),
    "units glued": ("{{ k ~ ' groups' }}", "`~` glues values together"),
    "a fact that is none": ("{{ nothing }}", "'nothing' is undefined"),
    "a part that is none": ("{{ best.nothing }}", "has no attribute 'nothing'"),
    "a filter that is none": ("{{ k|shout }}", "No filter named 'shout'"),
    "a filter of Jinja that writes": ("{{ k|string }}", "No filter named 'string'"),
    "a method": ("{{ many.upper() }}", "is not safely callable"),
    "python": ("{{ many.__class__.__mro__ }}", "unsafe"),
    "an open if": ("{% if found %}", "Unexpected end of template"),
    "a wrong sum": ("{{ (k + many)|number }}", "unsupported operand"),
    "another file": ("{% include '../../study.yaml' %}", "does not exist"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_study_s_text_is_told_with_its_file_and_line(own_texts, results, mistake):
    wrong, told = MISTAKES[mistake]
    study = own_texts("ours.md.j2", f"# Ours {{#ours}}\n\n{wrong}\n")
    with pytest.raises(InputError) as caught:
        assemble(study, results, "en", {"ours": Ours})
    (problem,) = caught.value.problems
    assert told in problem.problem
    assert problem.file == "texts/en/ours.md.j2"
    assert problem.where in {"line 3", "line 4", "template"}


class Broken(Ours):
    """A chapter whose Python is wrong."""

    @cached_property
    def broken(self) -> int:
        """Look for what is not there."""
        return {}["no such key"]

    @cached_property
    def other(self):
        """Tell it of another chapter."""
        return ChapterFacts(Broken(self.study, self.results, self.language, self.wave))


@pytest.mark.parametrize("text", ["{{ broken|number }}", "{{ other.broken|number }}"])
def test_a_fault_in_a_fact_is_shown_as_it_is_and_not_told_of_the_text(own_texts, results, text):
    study = own_texts("ours.md.j2", f"# Ours {{#ours}}\n\n{text}\n")
    with pytest.raises(KeyError, match="no such key") as caught:
        assemble(study, results, "en", {"ours": Broken})
    assert caught.traceback[-1].name == "broken"


SHAPES = {
    "no key": ("# Ours", "'# Ours'", "a heading without a key"),
    "a list of numbers": ("4. May", "", "is no heading, paragraph or bullet"),
    "an open container": ("::: finding\n\nx", "", "is not closed"),
    "a stray end": ("x\n\n:::", "", "closes a container that is not open"),
    "another container": ("::: boxed\n\nx\n:::", "", "is no container"),
    "no alt text": ("::: figure profiles\nCaption.\n:::", "", "has no alt text"),
    "no caption": ("::: figure profiles\nAlt: x.\n:::", "", "has no caption"),
    "no columns": ("::: table sizes\nCaption.\n:::", "", "no caption with one list of columns"),
    "a column that is none": ("::: table sizes\nC.\n\n- size: Size\n:::", "", "is no column"),
    "a table that is none": ("::: table size\nC.\n\n- n: Size\n:::", "", "is no table here"),
    "no key of a table": ("::: table\nC.\n\n- n: Size\n:::", "", "has no key"),
    "a heading inside": ("::: finding\n# X {#x}\n:::", "", "holds a heading"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_of_the_wrong_shape_says_which_part_and_what_is_allowed(own_texts, results, shape):
    wrong, _, told = SHAPES[shape]
    study = own_texts("ours.md.j2", f"{wrong}\n")
    with pytest.raises(InputError, match=told) as caught:
        assemble(study, results, "en", {"ours": Ours})
    assert caught.value.problems[0].file == "texts/en/ours.md.j2"


# Notebooks.


def test_a_block_needs_only_the_tables_behind_it(results):
    fresh = Saved(results.study, results.store)
    told = tell(open_chapter(fresh.study, fresh, "en", "profiles"), "verdict")
    assert "Four groups describe the countries (about 65) better than any form" in told
    assert {table for table, _ in fresh.asked} == {
        "01_responses/response",
        "04_number_of_profiles/choice",
        "04_number_of_profiles/verdict",
    }


def test_a_block_with_a_table_shows_it_as_markdown(results):
    told = tell(open_chapter(results.study, results, "nl", "profiles"), "certainty")
    assert told.startswith("### Hoe zeker is de indeling van een land?")
    assert "| Respondenten | Aantal |" in told


def test_a_chapter_or_block_that_is_none_is_told_with_those_that_are(results):
    with pytest.raises(ValueError, match=r"no chapter 'profile'.*'profiles'"):
        tell(open_chapter(results.study, results, "en", "profile"), "verdict")
    with pytest.raises(ValueError, match=r"no block 'verdicts'.*'verdict'"):
        tell(open_chapter(results.study, results, "en", "profiles"), "verdicts")


def test_a_language_without_texts_is_refused(results):
    with pytest.raises(ValueError, match=r"no texts in 'xx'.*'en',.*'nl'"):
        assemble(results.study, results, "xx")
