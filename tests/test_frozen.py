"""Four studies give the tables and reports that were accepted, to the byte."""

import pytest
from frozen import MAKERS, kept_hashes, tell_differences


@pytest.mark.parametrize("name", MAKERS)
def test_tables_and_reports_are_what_was_accepted(frozen_run, name):
    told = tell_differences(name, kept_hashes(name), frozen_run(name).hashes())
    if told:
        pytest.fail(told, pytrace=False)


def test_every_report_and_the_tables_of_every_step_are_frozen():
    for name in MAKERS:
        places = kept_hashes(name)
        forms = ("report_{}.html", "report_{}.docx", "tables_{}.xlsx", "numbers_{}.csv")
        reports = {f"reports/{form.format(code)}" for form in forms for code in ("nl", "en")}
        assert reports <= places.keys()
        steps = {place.split("/")[2][:2] for place in places if place.startswith("processed/")}
        assert steps >= {"01", "02", "03", "04", "05", "06"}, name


def test_a_difference_names_ten_files_of_a_kind_and_the_command_that_accepts_it():
    old = {f"processed/{i:02d}.csv": "a" for i in range(12)}
    new = {place: "b" for place in old} | {"reports/report_nl.html": "c"}
    told = tell_differences("example", old | {"processed/old.csv": "d"}, new)
    assert "12 changed:\n  processed/00.csv\n" in told
    assert "  processed/09.csv\n  … and 2 more\n1 new:\n  reports/report_nl.html\n" in told
    assert "1 gone:\n  processed/old.csv\n" in told
    assert "python tests/frozen.py --accept example" in told
    assert tell_differences("example", old, old) == ""
