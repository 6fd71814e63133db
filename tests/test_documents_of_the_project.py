"""README, CONTRIBUTING, CHANGELOG and CITATION are true: what they name is there."""

import argparse
import re
import tomllib
from importlib import import_module

import pytest
import verdict
import yaml
from conftest import ROOT
from studies import with_tables

import cycle_analysis
from cycle_analysis.cli import _parser
from cycle_analysis.running import NOTEBOOKS
from cycle_analysis.study.files import StudyFile

README, CONTRIBUTING, CHANGELOG = (
    (ROOT / f"{name}.md").read_text("utf-8") for name in ("README", "CONTRIBUTING", "CHANGELOG")
)
PACKAGE = ROOT / "src" / "cycle_analysis"
PLACES = ("benchmarks", "data", "notebooks", "src", "tests", "tools", "report", "running", "texts")
MADE = ("data/processed/<study>/notebooks/",)
"""Folders that a run makes."""


def named_paths(text):
    """Paths in backticks or links that begin with a folder of ours, or are a file at the top."""
    found = re.findall(r"`([\w./<>-]+)`|\]\(([\w./-]+)\)", text)
    for path in (one or other for one, other in found):
        if path.split("/")[0] in PLACES or re.fullmatch(r"[A-Z]+\.\w+", path):
            yield path


def exists(path):
    """Whether a path is there, in the project or the package; names in <> are any."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(any(base.glob(pattern)) for base in (ROOT, PACKAGE, ROOT / "data/raw/example"))


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_path_that_is_named_is_there(text):
    paths = set(named_paths(text))
    assert len(paths) > 5
    of_studies = {path for path in paths if path.startswith("data/raw/<study>/")}
    assert [path for path in sorted(paths - of_studies - set(MADE)) if not exists(path)] == []


def test_the_flowchart_names_notebooks_rooms_and_tables_that_are_there():
    chart = README.split("## From an export to a report")[1].split("```")[1]
    assert set(re.findall(r"(\d\d_\w+)\.ipynb", chart)) == set(NOTEBOOKS)
    for line in chart.splitlines():
        for room in re.findall(r"(?<=\s)([a-z]+(?:/[a-z_]+)?)(?=\s\s|$)", line[32:64]):
            assert any(PACKAGE.glob(f"{room}*")), room


def test_every_command_is_in_the_readme_and_every_one_there_is_a_command():
    parser = _parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    block = README.split("## Commands")[1].split("```")[1]
    assert set(re.findall(r"^cycle-analysis ([\w-]+)", block, re.M)) == set(commands.choices)


def test_the_readme_names_keys_of_study_yaml_that_there_are():
    for key in ("own_notebooks", "round_to", "languages", "model", "off_topic_blocks", "domains"):
        assert f"`{key}" in README or f"{key}`" in README
        assert key in StudyFile.model_fields


def test_the_readme_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= 300


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert project["version"] == cited["version"] == cycle_analysis.__version__
    assert f"\n## [{cited['version']}] - {cited['date-released']}\n" in CHANGELOG
    assert cited["keywords"] == project["keywords"]
    assert cited["license"] == project["license"]
    assert all(author["name"] for author in cited["authors"])


BENCHMARKS = [
    *("verdict", "valley_bound", "coverage", "changes", "similarity", "profile_shares"),
    *("item_drift", "claims", "attacks"),
]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_tables_of_benchmarks_say_what_their_csv_says(name):
    told = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    tables = import_module(name).tables()
    assert tables
    assert with_tables(told, tables) == told


def test_never_are_more_groups_told_apart_than_there_are():
    apart = verdict.with_groups(verdict.read()).query("verdict == 'separate'")
    assert len(apart) > 3000
    assert (apart["k_apart"] <= apart["are"]).all()


def test_rates_that_are_looked_up_are_those_of_the_surveys():
    assert verdict.told_rates().to_csv(index=False) == verdict.RATES.read_text("utf-8")
