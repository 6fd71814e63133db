"""Know with which parameters the notebooks ran, to say so in the report.

The executed notebooks of the last run hold them; when notebooks were run by hand there are none,
and what stands in study.yaml and in the notebooks themselves is told.
"""

import ast
import json
from pathlib import Path

from cycle_analysis.running.parameters import (
    SET_BY_THE_RUN,
    Parameter,
    Value,
    check_parameters,
    read_parameters,
)
from cycle_analysis.running.pipeline import NOTEBOOKS, OVER_WAVES, Step
from cycle_analysis.store import ALL_WAVES
from cycle_analysis.study import Study

INJECTED = "injected-parameters"
"""Tag of the cell that papermill adds."""


def home_of(study: Study) -> Path:
    """Home folder that a study stands in: it is ``<home>/data/raw/<study>``."""
    return study.folder.parents[2]


def known_parameters(study: Study) -> dict[str, dict[str, Parameter]]:
    """Read the parameters that each notebook has, without those a run sets itself."""
    folder = home_of(study) / "notebooks"
    if not folder.is_dir():
        folder = Path(__file__).parents[3] / "notebooks"
    return {
        name: {
            key: found
            for key, found in read_parameters(folder / f"{name}.ipynb").items()
            if key not in SET_BY_THE_RUN
        }
        for name in NOTEBOOKS
    }


def used_parameters(study: Study, notebook: str, wave: str) -> dict[str, Value]:
    """Give the parameters with which a notebook ran for a wave."""
    known = known_parameters(study)
    values: dict[str, Value] = {name: p.default for name, p in known[notebook].items()}
    values |= check_parameters(study.parameters, known, "study.yaml").get(notebook, {})
    step = Step(notebook, ALL_WAVES if notebook in OVER_WAVES else wave)
    copies = home_of(study) / "data" / "processed" / study.name / "notebooks"
    injected = _injected(copies / f"{str(step).replace(' ', '_')}.ipynb")
    return values | {name: value for name, value in injected.items() if name in values}


def parameter(study: Study, notebook: str, name: str, wave: str) -> float:
    """Give one parameter, a number, with which a notebook ran for a wave."""
    return float(str(used_parameters(study, notebook, wave)[name]))


def _injected(copy: Path) -> dict[str, Value]:
    """Read the parameters that papermill put in an executed notebook; none when there is none."""
    if not copy.is_file():
        return {}
    cells = json.loads(copy.read_text("utf-8"))["cells"]
    source = "".join(
        "".join(cell["source"]) + "\n"
        for cell in cells
        if INJECTED in cell["metadata"].get("tags", [])
    )
    return {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
    }
