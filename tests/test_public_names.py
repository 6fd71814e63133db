"""The names of ``import cycle_analysis as ca``: each is there, teaches, and is in the README."""

import doctest
import inspect
import pydoc
import re
import subprocess
import sys

import pytest
from conftest import ROOT

import cycle_analysis as ca

README = (ROOT / "README.md").read_text("utf-8")


def test_importing_opens_no_room_and_takes_no_library():
    told = "import sys, cycle_analysis; print('pandas' in sys.modules, 'scipy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", ca.ROOMS)
def test_a_name_is_a_function_that_teaches(name):
    function = getattr(ca, name)
    assert inspect.isfunction(function) or name == "Look"
    told = inspect.getdoc(function)
    assert re.match(r"[A-Z].*[.:]\n", told), "a first line that says what it does"
    headings = ["Parameters"] if name.startswith("plot_") else ["Parameters", "Returns"]
    headings = ["Attributes"] if name == "Look" else headings
    assert [heading for heading in headings if f"\n{heading}\n---" not in told] == []
    assert name in WITHOUT_EXAMPLE or doctest.DocTestParser().get_examples(told)


WITHOUT_EXAMPLE = {"load_study", "open_results", "begin"}
"""They need a study; the start page and `notebooks/extend.ipynb` show them."""


def test_no_name_is_that_of_a_room():
    package = ROOT / "src" / "cycle_analysis"
    rooms = {path.stem for path in package.glob("*")}
    assert not rooms & set(ca.ROOMS)


def test_dir_and_star_list_them():
    assert set(ca.ROOMS) <= set(dir(ca))
    assert list(ca.ROOMS) == ca.__all__


@pytest.mark.parametrize(
    ("wrong", "meant"), [("fit_profile", "fit_profiles"), ("openresults", "open_results")]
)
def test_a_wrong_name_suggests_the_nearest(wrong, meant):
    with pytest.raises(AttributeError, match=f"no '{wrong}'. Did you mean '{meant}'"):
        getattr(ca, wrong)


def test_a_name_like_no_other_is_told_all_there_are():
    with pytest.raises(AttributeError, match="It has load_study, open_results, begin"):
        _ = ca.zzz


def test_help_is_a_start_page_that_names_them_all():
    page = pydoc.plain(pydoc.render_doc(ca))
    start = page[: page.index("PACKAGE CONTENTS")]
    assert "import cycle_analysis as ca" in start
    assert [name for name in ca.ROOMS if name not in start] == []


def test_the_readme_names_them_all():
    section = README.split("## In your own notebook")[1].split("\n## ")[0]
    assert [name for name in ca.ROOMS if f"`{name}`" not in section] == []
