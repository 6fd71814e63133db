"""Parameters are known, typed and checked before anything runs."""

import json
import math

import pytest
from commands import called
from conftest import ROOT

import cycle_analysis
from cycle_analysis.cli import main
from cycle_analysis.problems import InputError
from cycle_analysis.running import (
    NOTEBOOKS,
    SET_BY_THE_RUN,
    check_parameters,
    check_together,
    read_parameters,
)

KNOWN = {name: read_parameters(ROOT / "notebooks" / f"{name}.ipynb") for name in NOTEBOOKS}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_parameter_has_a_meaning_and_a_default_of_its_type(notebook):
    for parameter in KNOWN[notebook].values():
        assert parameter.meaning
        assert type(parameter.default).__name__ == parameter.kind
        assert parameter.read(str(parameter.default)) == parameter.default
        assert "=" not in parameter.meaning, "papermill breaks on = in a comment"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_parameter_says_what_is_allowed_and_its_default_is(notebook):
    for name, parameter in KNOWN[notebook].items():
        if name not in SET_BY_THE_RUN and parameter.kind != "bool":
            assert parameter.ends or parameter.choices, f"{notebook}.{name}"
            assert parameter.allows(parameter.default), f"{notebook}.{name}"


@pytest.mark.parametrize("name", ["04", "4", "04_number_of_profiles"])
def test_a_notebook_may_be_named_by_its_number(name):
    values = check_parameters({name: {"max_profiles": "6"}}, KNOWN, "command line")
    assert values == {"04_number_of_profiles": {"max_profiles": 6}}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"04": {"max_profile": "6"}}, "Did you mean 'max_profiles'"),
        ({"04": {"max_profiles": "six"}}, "a whole number"),
        ({"03": {"active_from": "half"}}, "a number"),
        ({"09": {"x": "1"}}, "is no notebook"),
        ({"04": {"study_name": "other"}}, "is no parameter"),
        ({"03": {"active_from": "400"}}, r"out of range .*Allowed: 0-100"),
        ({"03": {"active_from": "nan"}}, "out of range"),
        ({"03": {"beyond": "inf"}}, r"out of range .*Allowed: 0 or more"),
        ({"04": {"seed": "-1"}}, r"out of range .*Allowed: 0 or more"),
        ({"04": {"max_profiles": "1"}}, r"out of range .*Allowed: 2-20"),
        ({"01": {"leave_out_careless": "perhaps"}}, "true, false"),
        ({"02": {"aggregation": "medain"}}, "Did you mean 'median'"),
        ({"05": {"language": "xx"}}, "is no choice. Allowed: .*en, .*nl"),
        ({"05": {"n_profiles": "3"}}, "is no parameter.*It is one of 04_number_of_profiles"),
    ],
)
def test_row_30_what_is_wrong_with_a_parameter_is_told(given, told):
    with pytest.raises(InputError, match=told):
        check_parameters(given, KNOWN, "command line")


def test_all_wrong_parameters_are_told_at_once():
    with pytest.raises(InputError) as caught:
        check_parameters({"04": {"a": "1", "max_profiles": "x"}, "09": {}}, KNOWN, "command line")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("n: int = 3  # how many, 1 or more", None),
        ("n: int | None = 3  # how many", r"has the type int \| None, not str, int, float, bool"),
        ("n = 3  # how many", "is not `name: type = default"),
        ("n: int = six  # how many", "no plain value"),
        ("n: int = = 3", "is no Python"),
    ],
)
def test_row_30_a_line_of_a_parameters_cell_that_papermill_would_not_see_is_told(
    tmp_path, cell, told
):
    tagged = {"metadata": {"tags": ["parameters"]}, "source": [cell]}
    path = tmp_path / "01_responses.ipynb"
    path.write_text(json.dumps({"cells": [tagged]}), "utf-8")
    if told is None:
        assert read_parameters(path)["n"].ends == (1, math.inf)
    else:
        with pytest.raises(InputError, match=told):
            read_parameters(path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"cells": []}'])
def test_row_30_a_file_that_is_no_notebook_with_parameters_is_told(tmp_path, text):
    path = tmp_path / "01_responses.ipynb"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"01_responses\.ipynb, parameters cell"):
        read_parameters(path)


def with_these(**changed):
    """All parameters at their defaults, some changed in some notebooks."""
    values = {name: {p.name: p.default for p in KNOWN[name].values()} for name in NOTEBOOKS}
    for name, (value, *notebooks) in changed.items():
        for notebook in notebooks:
            values[notebook][name] = value
    return values


@pytest.mark.parametrize("only", [(), ("04_number_of_profiles",)])
def test_row_30_more_profiles_than_are_considered_are_refused(only):
    values = with_these(n_profiles=(9, "04_number_of_profiles"))
    values = {name: values[name] for name in only or values}
    with pytest.raises(InputError, match=r"'9': is more than max_profiles.*0-8"):
        check_together(values)


def test_parameters_that_agree_are_accepted():
    check_together(with_these())
    check_together(with_these(n_profiles=(8, "04_number_of_profiles")))


def test_no_two_notebooks_must_be_given_the_same():
    """What one notebook decides the others read from its result: no n_profiles in four places."""
    decided = {"n_profiles", "n_levels", "min_answered", "aggregation", "max_profiles"}
    for name in NOTEBOOKS[4:]:
        assert not decided & KNOWN[name].keys(), name


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "example", "--workers", "0"], "'0' is no whole number from 1"),
        (["simulate", "p.csv", "--units", "many"], "'many' is no whole number from 10"),
        (["simulate", "p.csv", "--units", "9"], "'9' is no whole number from 10"),
        (
            ["simulate", "p.csv", "--units", "90", "--within-sd", "-1"],
            "'-1' is no number of points",
        ),
        (
            ["simulate", "p.csv", "--units", "90", "--within-sd", "nan"],
            "'nan' is no number of points",
        ),
        (["walk"], "invalid choice: 'walk'"),
    ],
)
def test_row_30_arguments_that_cannot_be_are_refused_with_exit_code_two(capsys, arguments, told):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_command_says_which_version_it_is():
    told = called("--version", home=None)
    assert told.returncode == 0
    assert told.stdout == f"cycle-analysis {cycle_analysis.__version__}\n"


@pytest.mark.parametrize(
    "command", ["run", "check", "simulate", "add-wave", "fetch-register", "extend-register"]
)
def test_every_command_says_what_it_is_for(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    _, sentence, rest = capsys.readouterr().out.split("\n\n", 2)
    assert sentence.endswith(".")
    assert "--home" in rest or command == "simulate"
