"""The chapters on response and measurement tell what they should, and no true number."""

import itertools
import re
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from cycle_analysis.report import assemble, open_chapter, tell
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.document import Figure, words_of
from cycle_analysis.report.door import Door, Units, wave_total
from cycle_analysis.report.language import RATE, open_language
from cycle_analysis.representation import nonresponse_tests
from cycle_analysis.study import load_study

PHASES = ["AG", "EX", "VB", "VA", "NN"]


class Saved:
    """Tables of a made-up survey: the same in every wave."""

    def __init__(self, **changed):
        self.study = load_study("example")
        self.tables = response_tables() | measurement_tables(self.study) | changed

    def load(self, step, table, wave):
        if table in {"items", "answer_counts"}:
            return self.tables[table].loc[self.study.phase_items(wave).index]
        return self.tables[table]

    def current(self, step, wave):
        return False

    def parameters(self, step, wave):
        return {}

    def tell(self, chapter, block, language="en"):
        return tell(open_chapter(self.study, self, language, chapter), block)

    def text(self, language="en"):
        chapters = {key: CHAPTERS[key] for key in ("response", "measurement")}
        document = assemble(self.study, self, language, chapters)
        told = [words_of(block.text) for block in document.blocks if hasattr(block, "kind")
                and hasattr(block, "text")]  # fmt: skip
        rows = [" | ".join(c.text for c in row) for table in document.tables for row in table.rows]
        notes = [note for table in document.tables for note in (table.caption, *table.notes)]
        drawn = [block for block in document.blocks if isinstance(block, Figure)]
        return "\n".join([*told, *rows, *notes, *(f"{f.caption} {f.alt}" for f in drawn)])


def account(groups, invited, responded):
    table = pd.DataFrame(
        {"population": invited, "invited": invited, "responded": responded}, groups
    )
    return table.assign(rate=table["responded"] / table["invited"])


NOBODY_LEFT_OUT = pd.DataFrame(
    {"n": 90, "blank": [0.1, 0.0]},
    pd.MultiIndex.from_product([["BES"], ["AG1", "EX1"]], names=["role", "item"]),
)


def response_tables(table=None):
    sizes = ["<20k", "20-50k", "50-100k", "100k+"]
    groups = pd.MultiIndex.from_product([sizes, ["Noord", "West"]], names=["size", "region"])
    if table is None:
        invited = [61, 58, 42, 41, 22, 23, 3, 21]
        table = account(groups, invited, [17, 18, 22, 23, 16, 18, 2, 20])
    units = [f"GM{n:04}" for n in range(table["responded"].sum())]
    by_wave = pd.DataFrame(
        {"population": 271, "responded": [131, 136], "again": [np.nan, 104]},
        index=pd.Index(["2018", "2022"], name="wave"),
    )
    return {
        "response": table,
        "nonresponse": nonresponse_tests(table),
        "item_nonresponse_by_role": NOBODY_LEFT_OUT,
        "respondents": pd.DataFrame({"unit": units + units[3:], "careless": False}),
        "response_by_wave": by_wave,
    }


def error_table(freedom):
    within = pd.DataFrame(np.diag([100.0, 144, 196, 225, 256]), PHASES, PHASES)
    return within.assign(freedom=freedom)


def measurement_tables(study):
    codes = study.codebook.items.index[study.codebook.items["phase"] != ""]
    n = len(codes)
    phases = pd.Index(PHASES, name="phase")
    items = pd.DataFrame(
        {"n": 211, "missing": 0.1, "dont_know": 0.01, "mean": 40.0, "ceiling": 0.1, "warning": "",
         "floor": np.linspace(0.2, 0.6, n), "item_rest": np.linspace(0.4, 0.7, n)},
        index=pd.Index(codes, name="item"),
    ).assign(phase=study.codebook.items["phase"])  # fmt: skip
    counts = pd.DataFrame(
        {"0": 80, "1": 60, "2": 40, "3": 28, "4": 3}, index=pd.Index(codes, name="item")
    )
    reliability = pd.DataFrame(
        {"n_items": 5, "n_respondents": 233, "alpha": [0.8, 0.81, 0.82, 0.83, 0.64],
         "alpha_low": 0.6, "alpha_high": 0.9, "omega": 0.8, "ordinal_alpha": 0.85, "warning": ""},
        index=phases,
    )  # fmt: skip
    agreement = pd.DataFrame(
        {"n_units_of_two": 120, "n_units_of_whole": 118, "rwg_median": 0.71, "rwg_over_70": 0.53,
         "average_deviation": 0.8, "icc1": [0.3, 0.3, 0.4, 0.4, 0.35], "icc2": 0.7}, index=phases,
    )  # fmt: skip
    rules = pd.MultiIndex.from_product([["median", "echelon"], PHASES], names=["rule", "phase"])
    changed = {"n": 131, "shift": 0.4, "difference": 3.2, "difference_95": 9.1}
    spread = pd.DataFrame(
        {"n": [33, 33, 32, 33], "level": [20.2, 33.1, 45.4, 60.9], "spread": [12.2, 15, 16, 18.4],
         "standard_error": 0.7, "spread_share": 0.4, "low": 11.0, "high": 19.0},
        index=pd.Index([1, 2, 3, 4], name="group"),
    )  # fmt: skip
    by_reason = pd.DataFrame(
        {"share": [0.1, 0.06, 0.04], "low": [0.16, 0.06, 0.1], "middle": 0.06, "high": 0.05,
         "n": 230, "slope": -0.001, "standard_error": 0.0004, "p": [0.01, 0.8, 0.001]},
        index=pd.Index(["any", "dont_know", "not_applicable"], name="reason"),
    )  # fmt: skip
    little = {"n_respondents": 230, "n_patterns": 6, "statistic": 40.0, "df": 20.0, "p": 0.005}
    in_scores = pd.DataFrame(
        changed | little | {"p_adjusted": [0.02, 0.02, 0.2, 0.3, np.nan]}, index=phases
    )
    return {
        "items": items,
        "answer_counts": counts,
        "missing_by_reason": by_reason,
        "missing_in_scores": in_scores,
        "reliability": reliability,
        "factor_models": pd.DataFrame(
            {
                "bic": [900.0, 400.0],
                "cfi": 0.98,
                "rmsea": 0.03,
                "largest_correlation": [np.nan, 0.5],
            },
            index=["one factor", "a factor for each phase"],
        ),
        "agreement": agreement.assign(p=[0.01, 0.01, 0.01, 0.2, 0.01]),
        "error": error_table(160),
        "standard_errors": pd.DataFrame({phase: [8.3, 10.2, 14.4] * 5 for phase in PHASES}),
        "aggregations": pd.DataFrame(
            changed | {"rank_correlation": 0.95, "moved": 0.2}, index=rules
        ),
        "spread": spread,
    }


@pytest.fixture(scope="module")
def saved():
    return Saved()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_count_of_a_group_is_told_that_is_no_multiple_of_five(saved, language):
    text = saved.text(language)
    told = re.findall(r"\d+% \((\d+)/(\d+)\)|\b(\d+)/(\d+)\b", text)
    answered = {int(cell[0] or cell[2]) for cell in told if (cell[1] or cell[3]) != "271"}
    assert answered
    assert all(n % 5 == 0 for n in answered)
    assert not re.search(r"chi-|Cram|211|118|×", text)


def test_response_is_told_by_its_direction(saved):
    told = saved.tell("response", "tests")
    assert "larger municipalities answered more often" in told
    assert (
        "That is more than chance explains. Response does not demonstrably depend on part of"
        in told
    )


def test_where_there_is_nothing_to_compare_response_is_told_as_a_whole():
    one = account(pd.Index(["everyone"], name="part"), [271], [131])
    told = Saved(**response_tables(one))
    assert "No background is known" in told.tell("response", "tests")
    assert "Response by" not in told.text()


def test_where_all_answered_no_group_is_told_to_lie_under_a_bound():
    """Rounded counts of groups would say `>89%, 65/67` of groups in which everyone answered."""
    tables = response_tables()
    tables["response"] = tables["response"].assign(responded=lambda t: t["invited"])
    everyone = Saved(**tables)
    assert "All municipalities that were asked answered" in everyone.tell("response", "tests")
    assert "Response by" not in everyone.text()
    assert "Response by" in Saved().text()


def test_what_was_asked_is_told_where_not_all_were():
    tables = response_tables()
    tables["response"] = tables["response"].assign(population=lambda t: t["invited"] + 2)
    assert "| 287 | 271 | 136 | 50% |" in Saved(**tables).text()
    assert "| 271 | 271 |" not in Saved().text()


def test_a_cell_tells_a_share_or_two_numbers_or_nothing(saved):
    language = open_language("en", saved.study)
    cells = [Units(*n) for n in ((10, wave_total(22)), (4, wave_total(7)), (1, wave_total(3)))]
    assert [RATE.write(language, n).text for n in cells] == ["45% (10/22)", "5/7", "–"]
    assert RATE.write(language, None).text == "–"


def test_each_finding_has_its_sentence_where_nothing_can_be_computed(saved):
    none = {
        "items": saved.tables["items"].assign(item_rest=np.nan),
        "reliability": saved.tables["reliability"].assign(alpha=np.nan),
        "factor_models": saved.tables["factor_models"].assign(bic=np.nan),
        "agreement": saved.tables["agreement"].assign(icc1=np.nan),
        "standard_errors": saved.tables["standard_errors"] * np.nan,
        "aggregations": saved.tables["aggregations"].assign(difference=0.0),
        "spread": saved.tables["spread"].assign(n=[2, 3, 3, 3]),
    }
    told = Saved(**none)
    starts = {
        "items": "How the questions of a phase go together cannot be computed",
        "alpha": "Reliability cannot be computed",
        "factors": "Whether the questions measure one thing",
        "agreed": "Whether respondents of one municipality agree cannot be seen",
        "errors": "The standard error of the score of a municipality is not known",
        "rules": "Other rules of aggregation give the same scores here.",
        "differing": "How far respondents of one municipality differ cannot be seen",
    }
    for block, start in starts.items():
        assert told.tell("measurement", block).startswith(start)
    assert told.tell("measurement", "title_spread") == ""
    assert "What another rule of aggregation changes" not in told.text()
    assert "Agreement of respondents" in told.text(), "another wave may have several respondents"
    told.study = told.study.model_copy(update={"waves": ["2018"]})
    assert "Agreement of respondents" not in told.text()


def test_what_is_odd_in_the_measurement_is_told(saved):
    items, reliability = (saved.tables[name].copy() for name in ("items", "reliability"))
    items.loc["AG1", ["item_rest", "warning"]] = [-0.2, "no variance; over half at the floor"]
    reliability.loc["NN", "warning"] = "alpha under .70"
    odd = Saved(items=items, reliability=reliability)
    assert "It is negative for AG1" in odd.tell("measurement", "items")
    assert "Under 0.70 lies the new normal" in odd.tell("measurement", "alpha")
    reliability.loc[["AG", "EX"], "alpha"], reliability.loc["NN", "alpha"] = 0.6949, 0.6999
    two = Saved(items=items.assign(ceiling=0.51), reliability=reliability)
    assert "Under 0.70 lie agenda" in two.tell("measurement", "alpha")
    assert "new normal" not in two.tell("measurement", "alpha").split("Under")[1]
    assert "questions on the highest" in two.tell("measurement", "items")
    text = odd.text()
    assert "New normal | alpha under 0.70; differences between single municipalities" in text
    assert "AG1 | all answers alike" in text
    assert len(re.findall(r"^AG1 \| .*(?:answers alike|lowest)", text, re.MULTILINE)) == 2, text


def test_what_a_figure_finds_is_drawn_above_it(saved):
    study = saved.study
    document = assemble(study, saved, "en", {"measurement": CHAPTERS["measurement"]})
    titles = {f.key: f.drawing.draw.keywords["look"].title for f in document.figures}
    assert titles["figure-spread"] == (
        "Respondents in leading municipalities disagree neither demonstrably more nor less for the "
        "room there is"
    )
    assert all(figure.drawing.svg for figure in document.figures)
    differing = saved.tell("measurement", "differing")
    assert "In points they differ more there, as a part of that room not demonstrably" in differing


@pytest.mark.parametrize("asked", [(14, 9), (8, 7, 12), (3, 17, 6), (2, 22)])
def test_no_group_of_those_asked_is_told_by_the_others(asked):
    door, wholes = Door(), [wave_total(n) for n in asked]
    meant = defaultdict(lambda: [set() for _ in asked])
    for counts in itertools.product(*(range(n + 1) for n in asked)):
        total = sum(counts)
        shown = tuple(door.count(n) for n in door.parts(counts, wave_total(total), wholes))
        assert all(told <= most for told, most in zip(shown, asked, strict=True))
        if 5 <= total <= sum(asked) - 5:  # beyond, the totals alone tell nearly all
            for n, values in zip(counts, meant[total, shown], strict=True):
                values.add(n)
    assert meant
    assert all(len(values) > 1 for groups in meant.values() for values in groups)


def test_what_is_missing_is_told_with_the_scores_that_it_goes_with(saved):
    told = saved.tell("measurement", "unanswered")
    assert "has no answer to 10% of the questions" in told
    assert "‘not applicable’ goes with low scores." in told
    assert "rejected for 2 of the 5 phases" in told
    assert "move by 10 of 100 points at most, and the mean of no phase by more than 1." in told
    by_chance = saved.tables["missing_by_reason"].assign(p=0.4)
    told = Saved(missing_by_reason=by_chance).tell("measurement", "unanswered")
    assert "No reason goes with low or with high scores" in told
    nothing = Saved(missing_by_reason=by_chance.iloc[:0]).tell("measurement", "unanswered")
    assert nothing.strip() == "Every question on the phases was answered."
