"""Parameters are known, typed and checked before anything runs."""

import pytest
from conftest import ROOT

from cycle_analysis.parameters import check_parameters, read_parameters
from cycle_analysis.pipeline import NOTEBOOKS
from cycle_analysis.problems import InputError

KNOWN = {name: read_parameters(ROOT / "notebooks" / f"{name}.ipynb") for name in NOTEBOOKS}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_parameter_has_a_meaning_and_a_default_of_its_type(notebook):
    for parameter in KNOWN[notebook].values():
        assert parameter.meaning
        assert type(parameter.default).__name__ == parameter.kind
        assert parameter.read(str(parameter.default)) == parameter.default
        assert "=" not in parameter.meaning, "papermill breaks on = in a comment"


def test_a_notebook_may_be_named_by_its_number():
    values = check_parameters({"04": {"max_profiles": "6"}}, KNOWN, "command line")
    assert values == {"04_number_of_profiles": {"max_profiles": 6}}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"04": {"max_profile": "6"}}, "Did you mean 'max_profiles'"),
        ({"04": {"max_profiles": "six"}}, "a whole number"),
        ({"03": {"active_from": "half"}}, "a number"),
        ({"09": {"x": "1"}}, "is no notebook"),
        ({"04": {"study_name": "other"}}, "is no parameter"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_told(given, told):
    with pytest.raises(InputError, match=told):
        check_parameters(given, KNOWN, "command line")


def test_all_wrong_parameters_are_told_at_once():
    with pytest.raises(InputError) as caught:
        check_parameters({"04": {"a": "1", "max_profiles": "x"}, "09": {}}, KNOWN, "command line")
    assert len(caught.value.problems) == 3
