"""Small whole studies with a known truth: raw files are written, the notebooks are run in place."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cycle_analysis.results import ALL_WAVES, Origin, Results, open_results
from cycle_analysis.running.pipeline import CHECK, plan
from cycle_analysis.study import HOME, Study, load_study

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
FAST = {
    "n_replicates": 19,
    "n_ratio_replicates": 9,
    "n_resamples": 10,
    "n_starts": 8,
    "n_references": 5,
    "max_profiles": 4,
}
"""Parameters that make notebooks quick."""
QUICK = {
    "03_cycle": {"n_replicates": "20"},
    "04_number_of_profiles": {
        **{"max_profiles": "3", "n_starts": "4", "n_references": "2"},
        **{"n_replicates": "19", "n_ratio_replicates": "9"},
    },
    "06_validity": {"n_replicates": "4", "n_starts": "2"},
    "07_waves": {"n_starts": "4", "n_replicates": "9"},
}
"""The same for study.yaml, for runs in processes of their own."""
SHAPES = np.array(
    [[15, 15, 15, 15], [80, 25, 80, 25], [25, 80, 25, 80], [85, 85, 85, 85]], dtype=float
)
HOSTILE = "<script>alert(1)</script> $x$ {{ 7*7 }} {n}"


@dataclass(frozen=True)
class Truth:
    """What a study is made of.

    Attributes
    ----------
    waves : sequence of str
        Names of the waves.
    kind : str
        ``profiles``, ``continuum`` or ``identical``.
    n_units, n_respondents : int
        Units in the register, and respondents of each that answers.
    label : str
        Added to every label of the study.
    """

    waves: Sequence[str]
    kind: str
    n_units: int = 72
    n_respondents: int = 3
    label: str = ""


def make_study(
    home: Path,
    truth: Truth,
    *,
    synthetic: bool = True,
    parameters: Mapping[str, Mapping[str, str]] | None = None,
) -> Study:
    """Write a study of countries, four phases of three items each, and read it."""
    folder = home / "data" / "raw" / "small"
    for wave in truth.waves:
        (folder / wave).mkdir(parents=True)
    phases = [f"P{i}" for i in range(1, 5)]
    items = [f"{phase}_{i}" for phase in phases for i in range(1, 4)]
    _study_file(folder, truth, phases, synthetic=synthetic, parameters=parameters or {})
    rows = [
        f"{item},C,{item[:2]},step,no,Vraag {item} {truth.label},Question {item} {truth.label}"
        for item in items
    ]
    head = "item,block,phase,scale,reversed,question_nl,question_en"
    (folder / "codebook.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    units = [f"C{i:03d}" for i in range(truth.n_units)]
    parts = ["North" if i % 3 else "South" for i in range(truth.n_units)]
    parts[:5] = ["Isle", "Isle", "Reef", "Reef", "Reef"]
    register = pd.DataFrame({"unit": units, "name": [f"Landia{u}" for u in units], "part": parts})
    register.to_csv(folder / "units.csv", index=False)
    for number, wave in enumerate(truth.waves):
        _wave(folder, truth, wave, number, units, items)
    return load_study("small", home)


def run_notebooks(home: Path, study: Study, last: str = "07_waves") -> Results:
    """Run the cells of notebooks 01 to `last` in this process, with quick parameters."""
    for step in plan(study):
        if step.notebook != CHECK and step.notebook <= last:
            run_notebook(home, study, step.notebook, step.wave, **FAST)
    return open_results(study.name, home)


def run_notebook(home: Path, study: Study, notebook: str, wave: str, **given: object) -> None:
    """Run the cells of one notebook in this process, as somebody does by hand.

    Parameters that are given take the place of the notebook's own, as far as it has them.
    """
    import matplotlib.pyplot as plt

    os.environ[HOME] = str(home)
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    space: dict[str, object] = {}
    given = {"study_name": study.name, "wave": wave, **given}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
            if "parameters" in cell["metadata"].get("tags", []):
                space |= {name: value for name, value in given.items() if name in space}
    plt.close("all")


def change(results: Results, step: str, wave: str = ALL_WAVES, **tables: pd.DataFrame) -> None:
    """Save some tables of a step anew, and leave the others as they are."""
    kept = {name: results.load(step, name, wave) for name in results.tables(step, wave)}
    origin = Origin(results.parameters(step, wave))
    results.save(step, wave, kept | tables, origin)


def _study_file(
    folder: Path,
    truth: Truth,
    phases: list[str],
    *,
    synthetic: bool,
    parameters: Mapping[str, Mapping[str, str]],
) -> None:
    def text(nl: str, en: str) -> dict[str, str]:
        return {"nl": f"{nl} {truth.label}".strip(), "en": f"{en} {truth.label}".strip()}

    labels = {str(i): text(f"trede {i}", f"step {i}") for i in range(5)}
    content = {
        "title": text("Proefstudie", "Trial study"),
        "synthetic": synthetic,
        "population": text("alle landen", "all countries"),
        "units": {
            "one": {"nl": "land", "en": "country"},
            "many": {"nl": "landen", "en": "countries"},
            "register": "units.csv",
        },
        "developments": [{"code": "1", "label": text("begin", "start")}],
        "phases": [
            {
                "code": phase,
                "development": "1",
                "label": text(f"Fase {phase}", f"Phase {phase}"),
                "short": text(phase, phase),
            }
            for phase in phases
        ],
        "scales": {"step": {"kind": "rating", "min": 0, "max": 4, "labels": labels}},
        "waves": list(truth.waves),
        "reference_wave": truth.waves[0],
        "parameters": {notebook: dict(values) for notebook, values in parameters.items()},
        "profile_names": [text(f"Naam {i}", f"Name {i}") for i in "ABCD"],
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


def _wave(
    folder: Path, truth: Truth, wave: str, number: int, units: list[str], items: list[str]
) -> None:
    rng = np.random.default_rng(11 + number)
    levels = _levels(truth, np.random.default_rng(5))
    answering = units if truth.kind == "identical" else units[: -3 - number]
    rows = []
    for place, unit in enumerate(answering):
        for i in range(truth.n_respondents):
            score = np.repeat(levels[place], 3) / 25
            noise = 0.0 if truth.kind == "identical" else 0.7
            codes = np.clip(np.round(score + noise * rng.standard_normal(12)), 0, 4)
            answers = [str(int(code)) for code in codes]
            if truth.kind != "identical" and rng.random() < 0.2:
                answers[rng.integers(12)] = ""
            if truth.kind == "profiles" and place == 0:
                answers[:3] = ["", "", ""]
            rows.append([f"{unit}-{i}", unit, *answers])
    table = pd.DataFrame(rows, columns=["respondent", "unit", *items])
    table.to_csv(folder / wave / "responses.csv", index=False)
    content = {
        "wave": wave,
        "label": {"nl": wave, "en": wave},
        "fieldwork": {"start": f"20{10 + number}-03-01", "end": f"20{10 + number}-05-01"},
        "source": {"file": "responses.csv", "format": "csv"},
        "columns": {name: name for name in ["respondent", "unit", *items]},
    }
    (folder / wave / "wave.yaml").write_text(yaml.safe_dump(content), "utf-8")


def _levels(truth: Truth, rng: np.random.Generator) -> np.ndarray:
    """True scores of every unit on the four phases, 0-100."""
    if truth.kind == "identical":
        return np.full((truth.n_units, 4), 50.0)
    if truth.kind == "continuum":
        level = rng.normal(50, 20, (truth.n_units, 1))
        return np.clip(level + rng.normal(0, 3, (truth.n_units, 4)), 0, 100)
    return SHAPES[rng.permutation(truth.n_units) % 4]
