"""Notebooks 01 to 03 on surveys with little to measure: they run, and say what is lost."""

import pandas as pd
import pytest
import yaml
from scipy import stats
from small_studies import Truth, make_study, run_notebooks

from cycle_analysis.report import open_chapter, tell
from cycle_analysis.report.chapter import ChapterFacts
from cycle_analysis.report.templates import make_sandbox, render
from cycle_analysis.study import load_study

WAVE = "2010"
ITEMS = [f"P{phase}_{i}" for phase in range(1, 5) for i in range(1, 4)]


class Survey:
    """A study of one wave whose files are altered before its notebooks run."""

    def __init__(self, home, kind="continuum", **options):
        self.home = home
        self.study = make_study(home, Truth([WAVE], kind, n_units=40, **options))

    def alter(self, change) -> None:
        """Change the table of answers."""
        path = self.study.folder / WAVE / "responses.csv"
        change(pd.read_csv(path, dtype=object)).to_csv(path, index=False)

    def rewrite(self, name, change) -> None:
        """Change a yaml file of the study."""
        path = self.study.folder / name
        content = yaml.safe_load(path.read_text("utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")

    def run(self):
        self.study = load_study("small", self.home)
        self.results = run_notebooks(self.home, self.study, last="03_cycle")
        return self

    def said(self, chapter: str, block: str) -> str:
        """What the notebooks say, and the report."""
        return tell(open_chapter(self.study, self.results, "en", chapter), block)

    def table(self, name: str, step: str = "02_scores") -> pd.DataFrame:
        return self.results.load(step, name, WAVE)


def test_one_respondent_per_unit_runs_and_says_what_is_lost(tmp_path):
    survey = Survey(tmp_path, n_respondents=1).run()
    assert survey.table("standard_errors").isna().all().all()
    opening = "There is one respondent per country, so how exact a score is cannot be known"
    assert survey.said("measurement", "precision").startswith(opening)
    assert "too few countries have two respondents" in survey.said("measurement", "errors")
    assert "too wide rather than too narrow" in survey.said("cycle", "curve")
    assert "country and respondent cannot be told apart" in survey.said("measurement", "agreed")
    assert "too few countries have two respondents" in survey.said("measurement", "differing")
    assert "too few countries have two respondents" in survey.said("cycle", "two_level")
    violations = survey.table("violations", "03_cycle")
    assert violations["error"].notna().all()
    assert survey.table("two_level", "03_cycle")["H"].isna().all()


def test_one_unit_with_two_respondents_makes_no_score_exact(tmp_path):
    survey = Survey(tmp_path, n_respondents=2)
    survey.alter(lambda table: pd.concat([table.iloc[:1], table.iloc[1::2]]))
    survey.run()
    assert survey.table("error")["freedom"].tolist() == [1] * 4
    assert survey.table("standard_errors").isna().all(axis=None)
    told = survey.said("measurement", "precision")
    assert told.startswith("How exact the score of a country is cannot be known: too few countries")
    assert "error in the table is that of the questions only" in survey.said("cycle", "violations")
    curve, scores = survey.table("curve", "03_cycle"), survey.table("scores")
    reach = (curve["high"] - curve["low"]) / 2
    t = stats.t.ppf(0.975, len(scores) - 1)
    assert reach.tolist() == pytest.approx((t * scores.sem()).tolist(), rel=1e-4)


def test_halves_of_the_questions_asked_of_halves_of_the_respondents_are_no_lack_of_respondents(
    tmp_path,
):
    survey = Survey(tmp_path, n_respondents=4)

    def split(table):
        even = pd.Series(range(len(table)), table.index) % 2 == 0
        first, second = table.filter(regex="P._1"), table.filter(regex="P._2")
        return table.assign(**first.where(even, ""), **second.where(~even, ""))

    survey.alter(split)
    survey.run()
    agreement = survey.table("agreement")
    assert (agreement["n_units_of_two"] > 0).all()
    assert not agreement["n_units_of_whole"].any()
    assert survey.said("measurement", "precision") == ""
    assert "is exact to about" in survey.said("measurement", "errors")
    agreed = survey.said("measurement", "agreed")
    assert "of the differences between the scores of respondents" in agreed.casefold()
    assert "who answered all questions of a phase" in agreed
    for block in ("alpha", "items"):
        told = survey.said("measurement", block)
        assert "answered by the same respondents" in told
        assert "How exact" not in told


def test_an_error_from_few_respondents_is_told_to_be_rough(tmp_path):
    survey = Survey(tmp_path, n_respondents=2).run()
    assert survey.table("error")["freedom"].between(30, 99).all()
    assert "known roughly only" in survey.said("measurement", "precision")
    assert "30 to 100 degrees of freedom, so roughly" in survey.said("measurement", "errors")
    assert "too wide" not in survey.said("cycle", "curve")


def test_a_phase_that_nobody_answered_stays_missing_and_is_never_zero(tmp_path):
    survey = Survey(tmp_path)
    survey.alter(lambda table: table.assign(P4_1="", P4_2="", P4_3=""))
    survey.run()
    assert survey.table("scores")["P4"].isna().all()
    assert survey.table("items")["warning"].tolist().count("no answers") == 3
    curve = survey.table("curve", "03_cycle")
    assert curve.loc["P4", "reason"] == "no unit has a score"
    assert "For phase P4 there is no alpha" in survey.said("measurement", "alpha")
    assert survey.table("scalability", "03_cycle")["H"].isna().all()


def test_phases_of_one_item_have_scores_but_no_reliability(tmp_path):
    survey = Survey(tmp_path)
    dropped = [item for item in ITEMS if not item.endswith("_1")]
    book = survey.study.folder / "codebook.csv"
    pd.read_csv(book).query("item not in @dropped").to_csv(book, index=False)
    survey.rewrite(
        f"{WAVE}/wave.yaml",
        lambda wave: (
            [wave["columns"].pop(item) for item in dropped] and wave.update(ignore=dropped)
        ),
    )
    survey.run()
    assert survey.table("scores").notna().all().all()
    assert set(survey.table("reliability")["warning"]) == {"fewer than 3 items with variance"}
    assert "Reliability cannot be computed" in survey.said("measurement", "alpha")
    assert survey.table("factor_models")["reason"].str.contains("fewer than two items").any()


def test_one_unit_with_most_of_the_respondents_has_the_smallest_error(tmp_path):
    survey = Survey(tmp_path, n_respondents=2)

    def crowd(table):
        first = table[table["unit"] == table["unit"].iloc[0]]
        more = pd.concat([first] * 30, ignore_index=True)
        more["respondent"] = [f"extra{i}" for i in range(len(more))]
        return pd.concat([table, more], ignore_index=True)

    survey.alter(crowd)
    survey.run()
    errors = survey.table("standard_errors")["P1"].dropna()
    assert errors.idxmin() == "C000"
    assert errors["C000"] == pytest.approx(errors.max() / 31**0.5, rel=0.2)


def test_a_reversed_item_and_a_role_with_nobody_are_named(tmp_path):
    survey = Survey(tmp_path)
    names = {"STR": {"nl": "top", "en": "top"}, "BES": {"nl": "bestuur", "en": "board"}}
    survey.rewrite("study.yaml", lambda study: study.update(roles=names))
    survey.rewrite(f"{WAVE}/wave.yaml", lambda wave: wave["columns"].update(role="role"))
    survey.alter(
        lambda table: table.assign(
            role="STR", P2_2=(4 - pd.to_numeric(table["P2_2"])).astype(object)
        )
    )
    survey.run()
    assert survey.table("items").loc["P2_2", "warning"] == "negative item-rest correlation"
    told = survey.said("measurement", "items").replace("\\", "")
    assert "P2_2" in told.partition("It is negative for ")[2].partition(":")[0]
    by_role = survey.table("reliability_by_role")
    assert set(by_role.loc["BES", "warning"]) == {"no answers at all"}
    assert by_role.loc["STR", "alpha"].notna().all()


def test_identical_answers_leave_nothing_to_measure_and_that_is_said(tmp_path):
    survey = Survey(tmp_path)
    survey.alter(lambda table: table.assign(**dict.fromkeys(ITEMS, "4")))
    survey.run()
    assert survey.table("curve", "03_cycle")["mean"].eq(100).all()
    assert "Nothing can be said about the order" in survey.said("cycle", "order")
    assert "No phase is ahead in more than a few countries" in survey.said("cycle", "leading")


def test_half_at_the_floor_runs_with_a_warning_for_every_item(tmp_path):
    survey = Survey(tmp_path)

    def lower(table):
        half = table.index < len(table) * 0.55
        return table.assign(**{item: table[item].mask(half, "0") for item in ITEMS})

    survey.alter(lower)
    survey.run()
    assert survey.table("items")["warning"].str.contains("over half at the floor").all()
    assert "For all 12 questions more than half" in survey.said("measurement", "items")


SLIDER = {"kind": "rating", "min": 0, "max": 100}


def test_a_slider_answered_by_the_whole_population_is_told_in_bands_and_without_sampling(tmp_path):
    survey = Survey(tmp_path, n_respondents=1)
    survey.alter(lambda table: table.assign(**table[ITEMS].astype(float).mul(25)))
    survey.rewrite("study.yaml", lambda study: study.update(scales={"step": SLIDER}))
    answered = pd.read_csv(survey.study.folder / WAVE / "responses.csv")["unit"]
    units = pd.read_csv(survey.study.folder / "units.csv")
    units[units["unit"].isin(answered)].to_csv(survey.study.folder / "units.csv", index=False)
    survey.run()
    chapter = open_chapter(survey.study, survey.results, "en", "measurement")
    shares = chapter.figure_answers("step").args[0]
    assert shares.columns.tolist() == ["0", "21", "41", "61", "81"]
    assert chapter.figure_answers("step").args[2][0] == "0–20"
    told = survey.said("response", "precision")
    assert "no sampling error" in told
    assert "margin of error" not in told
    assert "Each country is described by one respondent" in survey.said("response", "respondents")
    limits = open_chapter(survey.study, survey.results, "en", "limits")
    sandbox = make_sandbox(limits.language)
    assert "All countries answered" in render(sandbox, "limits", ChapterFacts(limits))
