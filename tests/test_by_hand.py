"""Notebooks run by hand, out of order or with other parameters, never make a false report."""

import re
from dataclasses import replace

import pytest
from commands import called
from small_studies import QUICK, run_notebook
from told import all_words_in, table_of, words_in

from cycle_analysis.problems import InputError


@pytest.fixture
def by_hand(frozen_run, make_copy):
    """A copy of a run of one of the frozen studies, and a way to run its notebooks by hand."""

    def copy(name):
        run = frozen_run(name)
        home = make_copy(run)
        copied = replace(run, home=home)

        def execute(notebook, wave="all_waves", **given):
            quick = {key: float(text) if "." in text else int(text)
                     for key, text in QUICK.get(notebook, {}).items()}  # fmt: skip
            return run_notebook(home, copied.study, notebook, wave, **(quick | given))

        return copied, execute

    return copy


def assembled(execute):
    """The report in English that notebook 08 assembles; it is not written, which takes longest."""
    documents = execute("08_report", until="delayed(write_report)")["reports"]
    return next(document for document in documents if document.language == "en")


def report_of(run):
    parts = ("report", "annex")
    pages = ((run.reports / f"{part}_en.html").read_text("utf-8") for part in parts)
    return re.sub(r'<span class="told"[^>]*>([^<]*)</span>', r"\1", "".join(pages))


def parameter(document, notebook, name):
    """Value of a parameter in the annex."""
    rows = table_of(document, "table-parameters").loc[notebook]
    return dict(rows.iloc[:, :2].to_numpy())[name]


def test_notebook_03_with_another_threshold_is_told_with_it_everywhere(by_hand):
    run, execute = by_hand("one_wave")
    assert "of at least 50" in report_of(run)
    execute("03_cycle", "2010", active_from=60)
    document = assembled(execute)
    assert parameter(document, "03_cycle", "active_from") == "60"
    after = all_words_in(document)
    assert "with a score of at least 60" in after
    assert not re.search("of at least 50(?!%)", after)
    told = called("run", "small", "--dry-run", home=run.home).stdout
    assert "03_cycle 2010: " in told, "the next run puts 03 right again, and what comes after it"
    assert "6 would run, 3 up to date" in told


def test_waves_with_different_thresholds_are_refused(by_hand):
    _, execute = by_hand("four_waves")
    execute("03_cycle", "w2", active_from=60)
    with pytest.raises(InputError, match=r"active_from: is 50.0 for w1, but 60.0 for w2"):
        execute("08_report")


def test_what_rests_on_a_notebook_that_ran_anew_is_refused_in_the_order_to_run_it(by_hand):
    run, execute = by_hand("one_wave")
    execute("04_number_of_profiles", "2010", n_replicates=25)
    before = report_of(run)
    with pytest.raises(InputError) as refused:
        execute("08_report")
    lines = str(refused.value).splitlines()
    assert [line.split("Run notebook ")[1] for line in lines] == [
        "05_profiles for wave 2010 again.",
        "06_validity for wave 2010 again.",
        "07_waves again.",
    ]
    assert report_of(run) == before
    for notebook, wave in (("05_profiles", "2010"), ("06_validity", "2010"), ("07_waves", None)):
        execute(notebook, wave or "all_waves")
    after = assembled(execute)
    assert "For chance, 19 surveys" in before
    assert "For chance, 25 surveys" in words_in(after)
    assert parameter(after, "04_number_of_profiles", "n_replicates") == "25"


def test_a_study_whose_phases_changed_is_refused_and_one_whose_names_changed_is_not(by_hand):
    run, execute = by_hand("one_wave")
    path = run.home / "data" / "raw" / "small" / "study.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("Trial study", "Another name"), "utf-8")
    assert "Another name" in assembled(execute).title
    path.write_text(text.replace("max: 4", "max: 5"), "utf-8")
    with pytest.raises(InputError, match=r"01_responses.*study.yaml or codebook.csv has changed"):
        execute("08_report")


def test_an_export_that_changed_makes_all_that_rests_on_it_out_of_date(by_hand):
    run, execute = by_hand("one_wave")
    export = run.home / "data" / "raw" / "small" / "2010" / "responses.csv"
    export.write_bytes(export.read_bytes() + b"\n")
    with pytest.raises(InputError) as refused:
        execute("08_report")
    told = str(refused.value)
    assert "2010/01_responses, result: is out of date: 2010/responses.csv has changed" in told
    assert "02_scores, result: is out of date: 01_responses 2010 is out of date" in told
    assert "07_waves" in told


def test_a_table_changed_by_hand_is_not_loaded(by_hand):
    run, execute = by_hand("one_wave")
    table = run.processed / "2010" / "05_profiles" / "profiles.csv"
    table.write_text(table.read_text("utf-8").replace("1,", "2,", 1), "utf-8")
    with pytest.raises(
        InputError, match=r"profiles.csv, file: has changed since it was saved.*05_"
    ):
        execute("08_report")
