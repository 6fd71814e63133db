"""Notebooks in git: without outputs, without programs, opened by hand with their defaults."""

import ast
import json

import pytest
from conftest import ROOT

from cycle_analysis.running import NOTEBOOKS

CELLS = {
    path.stem: json.loads(path.read_text("utf-8"))["cells"]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
}
NUMBERS = {name: name[:2] for name in NOTEBOOKS} | {"extend": "09"}
"""The notebook that shows how to extend a study is numbered as a study's own would be."""


def code_of(notebook):
    return [cell for cell in CELLS[notebook] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", NUMBERS)
def test_it_holds_no_outputs(notebook):
    for cell in code_of(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("notebook", NUMBERS)
def test_it_defines_nothing_and_computes_in_no_loop(notebook):
    for cell in code_of(notebook):
        tree = ast.parse("".join(cell["source"]))
        kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("notebook", NUMBERS)
def test_it_starts_with_a_title_and_a_question(notebook):
    first = "".join(CELLS[notebook][0]["source"])
    assert first.startswith(f"# {NUMBERS[notebook]} · ")
    assert "?" in first or notebook == "08_report"


@pytest.mark.parametrize("notebook", NUMBERS)
def test_its_cells_are_numbered_in_order(notebook):
    numbers = [f"{NUMBERS[notebook]}-{place:02d}" for place in range(len(CELLS[notebook]))]
    assert [cell["id"] for cell in CELLS[notebook]] == numbers


def test_every_notebook_is_a_step_or_shows_how_to_add_one_in_ten_cells():
    assert set(CELLS) == set(NUMBERS)
    assert len(CELLS["extend"]) == 10
