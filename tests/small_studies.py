"""Small whole studies with a known truth: raw files are written, the notebooks are run in place."""

import contextlib
import io
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from cycle_analysis.results import ALL_WAVES, Origin, Results, open_results
from cycle_analysis.running import CHECK, plan
from cycle_analysis.simulate import Answering, Continuum, Profiles
from cycle_analysis.simulate.worlds import straight
from cycle_analysis.study import HOME, Study, load_study

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
EXTEND = NOTEBOOKS / "extend.ipynb"
"""The notebook that shows how to extend the analysis."""
FAST = {
    "n_replicates": 19,
    "n_ratio_replicates": 9,
    "n_starts": 4,
    "max_profiles": 4,
    "n_refits": 20,
}
"""Parameters that make notebooks quick."""
QUICK = {
    "03_cycle": {"n_replicates": "20"},
    "04_number_of_profiles": {
        **{"max_profiles": "3", "n_starts": "4"},
        **{"n_replicates": "19", "n_ratio_replicates": "9"},
    },
    "06_validity": {"n_replicates": "4", "n_starts": "2"},
    "07_waves": {"n_starts": "4", "n_draws": "99", "n_refits": "20"},
}
"""The same for study.yaml, for runs in processes of their own."""
SHAPES = pd.DataFrame([[15.0] * 4, [80.0, 25.0] * 2, [25.0, 80.0] * 2, [85.0] * 4])
ITEMS = [f"P{phase}_{i}" for phase in range(1, 5) for i in range(1, 4)]
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

    def text(nl: str, en: str) -> dict[str, str]:
        return {"nl": f"{nl} {truth.label}".strip(), "en": f"{en} {truth.label}".strip()}

    phases = [f"P{i}" for i in range(1, 5)]
    items = pd.DataFrame({"phase": np.repeat(phases, 3)}, ITEMS)
    for language, word in (("nl", "Vraag"), ("en", "Question")):
        items[f"question_{language}"] = [f"{word} {item} {truth.label}" for item in items.index]
    parts = ["North" if i % 3 else "South" for i in range(truth.n_units)]
    parts[:5] = ["Isle", "Isle", "Reef", "Reef", "Reef"]
    units, drawn = _units(truth), replace(truth, waves=(), label="")
    register = pd.DataFrame({"unit": units, "name": [f"Landia{u}" for u in units], "part": parts})
    labels = {str(i): text(f"trede {i}", f"step {i}") for i in range(5)}
    write_surveys(
        home / "data" / "raw" / "small",
        {wave: _answers(drawn, i) for i, wave in enumerate(truth.waves)},
        items,
        register,
        title=text("Proefstudie", "Trial study"),
        synthetic=synthetic,
        population=text("alle landen", "all countries"),
        units={"one": {"nl": "land", "en": "country"}, "many": {"nl": "landen", "en": "countries"}},
        developments=[{"code": "1", "label": text("begin", "start")}],
        phases=[
            {
                "code": phase,
                "development": "1",
                "label": text(f"Fase {phase}", f"Phase {phase}"),
                "short": text(phase, phase),
            }
            for phase in phases
        ],
        scales={"step": {"kind": "rating", "min": 0, "max": 4, "labels": labels}},
        parameters={notebook: dict(values) for notebook, values in (parameters or {}).items()},
        profile_names=[text(f"Naam {i}", f"Name {i}") for i in "ABCD"],
    )
    return load_study("small", home)


def add_notebooks(study: Study, *names: str, content: str | None = None) -> Path:
    """Name notebooks of its own in a study, which are `extend` or this content; give its folder."""
    with (study.folder / "study.yaml").open("a", encoding="utf-8") as file:
        file.write(f"own_notebooks: [{', '.join(names)}]\n")
    (study.folder / "notebooks").mkdir()
    for name in names:
        path = study.folder / "notebooks" / f"{name}.ipynb"
        path.write_text(content or EXTEND.read_text("utf-8"), "utf-8")
    return study.folder


def write_notebook(path: Path, **cells: str) -> None:
    """Write a notebook of these cells, whose names are `code` or `markdown` and a number.

    That is no more than JSON; nbformat takes two seconds to import.
    """
    content: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 5, "cells": []}
    content["metadata"] = {"kernelspec": {"name": "python3", "display_name": "Python"}}
    for name, source in cells.items():
        kind = name.rstrip("0123456789")
        more = {"outputs": [], "execution_count": None} if kind == "code" else {}
        cell = {"id": name, "cell_type": kind, "metadata": {}, "source": source, **more}
        content["cells"].append(cell)
    path.write_text(json.dumps(content), "utf-8")


def change_cell(home: Path, notebook: str, number: int, code: str) -> None:
    """Give a home folder notebooks of its own, one of which does something else in one cell."""
    shutil.copytree(NOTEBOOKS, home / "notebooks")
    path = home / "notebooks" / f"{notebook}.ipynb"
    content = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    cells[number]["source"] = [code]
    path.write_text(json.dumps(content), "utf-8")


def keep_one_language(folder: Path, code: str) -> None:
    """Leave every language but one out of the files of a study."""
    for path in folder.rglob("*.yaml"):
        content = _only(yaml.safe_load(path.read_text("utf-8")), code)
        if path.name == "study.yaml":
            content["languages"] = [code]
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    book = pd.read_csv(folder / "codebook.csv", dtype=str, keep_default_na=False)
    others = [name for name in book if re.fullmatch(r"question_(?!" + code + ")..", name)]
    book.drop(columns=others).to_csv(folder / "codebook.csv", index=False)


def _only(part: Any, code: str) -> Any:
    if isinstance(part, dict):
        left = {key: _only(value, code) for key, value in part.items()}
        return {code: left[code]} if set(left) == {"nl", "en"} else left
    return [_only(value, code) for value in part] if isinstance(part, list) else part


def write_surveys(
    folder: Path,
    waves: Mapping[str, pd.DataFrame],
    items: pd.DataFrame,
    register: pd.DataFrame,
    **keys: object,
) -> None:
    """Write answers drawn in memory as a study.

    `items` has `phase`, and perhaps questions; the keys are what study.yaml says beside, or
    instead of, the plain texts given here. Waves are a year apart.
    """

    def both(text: str) -> dict[str, str]:
        return {"nl": text, "en": text}

    content = {
        "title": both("Trial"),
        "population": both("all units"),
        "developments": [{"code": "1", "label": both("one")}],
        "phases": [
            {"code": phase, "development": "1", "label": both(phase), "short": both(phase)}
            for phase in items["phase"].unique()
        ],
        "scales": {"step": {"min": 0, "max": 4}},
        "waves": list(waves),
        "reference_wave": next(iter(waves)),
    }
    content |= keys
    content["units"] = {**keys.get("units", {}), "register": "units.csv"}
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    register.to_csv(folder / "units.csv", index=False)
    codebook = {"block": "C", "phase": "", "scale": "step", "reversed": "no"}
    codebook |= {"question_nl": items.index, "question_en": items.index}
    codebook |= {name: items[name] for name in codebook if name in items}
    table = pd.DataFrame(codebook, index=items.index.rename("item"))
    table.to_csv(folder / "codebook.csv")
    for year, (wave, table) in enumerate(waves.items(), start=2010):
        described = {
            "wave": wave,
            "label": both(wave),
            "fieldwork": {"start": f"{year}-03-01", "end": f"{year}-05-01"},
            "source": {"file": "responses.csv", "format": "csv"},
            "columns": {name: name for name in table.columns},
        }
        (folder / wave).mkdir()
        (folder / wave / "wave.yaml").write_text(yaml.safe_dump(described), "utf-8")
        table.to_csv(folder / wave / "responses.csv", index=False)


def run_notebooks(
    home: Path,
    study: Study,
    last: str = "07_waves",
    given: Mapping[str, Mapping[str, object]] | None = None,
) -> Results:
    """Run the cells of notebooks 01 to `last` in this process.

    Parameters are quick ones, or those that are given for a notebook.
    """
    for step in plan(study):
        if step.notebook != CHECK and step.notebook <= last:
            parameters = FAST | (given or {}).get(step.notebook, {})
            run_notebook(home, study, step.notebook, step.wave, **parameters)
    return open_results(study.name, home)


def run_notebook(
    home: Path, study: Study, notebook: str, wave: str, *, until: str = "", **given: object
) -> dict[str, Any]:
    """Run the cells of one notebook in this process, as somebody does by hand; print nothing.

    Parameters that are given take the place of the notebook's own, as far as it has them. Cells
    from the one that holds the text `until` are left out. Gives the names that it has made.
    """
    import matplotlib.pyplot as plt

    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    space: dict[str, Any] = {}
    given = {"study_name": study.name, "wave": wave, **given}
    with contextlib.redirect_stdout(io.StringIO()), pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME, str(home))
        for cell in (cell for cell in cells if cell["cell_type"] == "code"):
            source = "".join(cell["source"])
            if until and until in source:
                break
            exec(source, space)
            if "parameters" in cell["metadata"].get("tags", []):
                space |= {name: value for name, value in given.items() if name in space}
    plt.close("all")
    return space


def change(results: Results, step: str, wave: str = ALL_WAVES, **tables: pd.DataFrame) -> None:
    """Save some tables of a step anew, and leave the others as they are."""
    kept = {name: results.load(step, name, wave) for name in results.tables(step, wave)}
    origin = Origin(results.parameters(step, wave))
    results.save(step, wave, kept | tables, origin)


def _units(truth: Truth) -> list[str]:
    return [f"C{i:03d}" for i in range(truth.n_units)]


@cache
def _answers(truth: Truth, number: int) -> pd.DataFrame:
    """Answers of one wave, respondents × (`respondent`, `unit`, items); some left out."""
    units = _units(truth)
    rng = np.random.default_rng(11 + number)
    levels = _levels(truth, np.random.default_rng(5)).drop(columns="profile").to_numpy()
    same = truth.kind == "identical"
    answering = Answering(respondent_sd=0, items=3, item_sd=0.0 if same else 17.5)
    rows = []
    for place, unit in enumerate(units if same else units[: -3 - number]):
        for i in range(truth.n_respondents):
            rated = answering.rate(levels[[place]], np.arange(4).repeat(3), rng)[0]
            answers = np.searchsorted(answering.cuts, rated).astype(str).astype(object)
            if not same and rng.random() < 0.2:
                answers[rng.integers(12)] = ""
            if truth.kind == "profiles" and place == 0:
                answers[:3] = ""
            rows.append([f"{unit}-{i}", unit, *answers])
    return pd.DataFrame(rows, columns=["respondent", "unit", *ITEMS])


def _levels(truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """True scores of every unit on the four phases, 0-100."""
    if truth.kind == "identical":
        return Profiles(pd.DataFrame([[50.0] * 4]), spread=0)(truth.n_units, rng)
    if truth.kind == "continuum":
        world = Continuum(partial(straight, points=20.0), spread=3.0, phases=SHAPES.columns)
        return world(truth.n_units, rng).clip(0, 100)
    turn = rng.permutation(truth.n_units)
    return Profiles(SHAPES, spread=0)(truth.n_units, rng).iloc[turn]
