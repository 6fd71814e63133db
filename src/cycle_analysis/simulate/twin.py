"""Write a synthetic twin of a study: files of the same shape that nobody filled in, to be shared.

The one generator draws it from what `fitting` fits; no row, open answer, address, date or number of
the study is copied, and rows that come out as a respondent's by chance are drawn anew.

Municipalities keep their codes, which are public; who answered, and how many, is drawn anew, so
that a code says nothing of a unit. Units of a register of its own get other codes and names.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.random import Generator

from cycle_analysis.problems import refuse
from cycle_analysis.readers import read_export
from cycle_analysis.readers.flat_files import find_delimiter, read_text
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.results import Results
from cycle_analysis.simulate.fitting import RESPONSES, fit_truth
from cycle_analysis.simulate.studies import same_rows, write_study
from cycle_analysis.study import STUDY, WAVE, Study, load_study
from cycle_analysis.study.codebook import FILE as CODEBOOK
from cycle_analysis.study.files import BUNDLED, codes_by_label, normalise
from cycle_analysis.study.yaml_text import YamlText
from cycle_analysis.units import MOST_GROUPS, SIZE, has_municipalities, read_table, study_register
from cycle_analysis.units.identification import invited_units

SUFFIX, MARK = "_synthetic", "SYNTHETIC twin"
WRITTEN = {
    **{"csv": "csv", "tsv": "csv", "txt": "csv", "sav": "sav", "zsav": "sav", "por": "sav"},
    **{"dta": "sav", "xlsx": "xlsx", "xlsm": "xlsx", "xls": "xlsx", "ods": "xlsx"},
}
"""Kind of file that each kind is written as: a format that can hold what it holds."""
LEFT_OUT = ("about", "statements", "own_notebooks")
"""What study.yaml says that is not true of a twin, or may tell what was found."""
UNSEEN = ("province", "duration")
"""Columns of respondents that are filled with nothing."""


def write_twin(study: Study, results: Results, seed: int = 2018) -> str:
    """Write the twin of a study beside it, as ``<study>_synthetic``.

    Parameters
    ----------
    study : Study
    results : Results
        Its run, up to notebook 07.
    seed : int
        The same seed writes the same bytes.

    Returns
    -------
    str
        What was written and checked, a line for each wave, and what to do next.

    Raises
    ------
    InputError
        If there is a twin already, or if rows of respondents come back however often they are
        drawn, as where there are few items of few steps.
    """
    folder = study.folder.with_name(study.name + SUFFIX)
    if folder.exists():
        remedy = "Move or delete it, then make the twin again"
        raise refuse(folder.name, "folder", "", "is there already", "", remedy)
    truth, rng = fit_truth(study, results), np.random.default_rng(seed)
    _write_study_files(study, folder, rng)
    twin = load_study(folder.name, folder.parents[2])
    register = study_register(twin)
    known = {w: results.load(RESPONSES, "answers", w).astype(float) for w in study.waves}
    states = write_study(_as_written(study, twin), truth, seed, register, known)
    for wave in twin.waves:
        if study.wave(wave).invited:
            there = states[states["wave"] == wave].set_index("unit")["n_respondents"]
            n = len(invited_units(study, wave, []))
            path = folder / wave / twin.wave(wave).invited
            _draw_invited(there, n, rng).to_csv(path, index=False, lineterminator="\n")
    twin = load_study(folder.name, folder.parents[2])
    told = [_check_rows(twin, wave, known[wave]) for wave in twin.waves]
    (folder / "README.md").write_text(_readme(study, seed, told), "utf-8", newline="\n")
    return "\n".join([*told, f"Synthetic: {folder}", f"Next: cycle-analysis run {twin.name}"])


def _write_study_files(study: Study, folder: Path, rng: Generator) -> None:
    """Write all files but the exports: texts of the author, and nothing of who answered."""
    tree: dict[str, Any] = YamlText(study.folder / STUDY, STUDY).tree
    tree = {key: value for key, value in tree.items() if key not in LEFT_OUT}
    tree["title"] = {lang: f"{MARK}: {text}" for lang, text in tree["title"].items()}
    own = set(study.own_notebooks)
    chosen = {k: v for k, v in (tree.get("parameters") or {}).items() if k not in own}
    units = {key: name for key, name in tree.get("units", {}).items() if key != "map"}
    _write_yaml(folder / STUDY, tree | {"synthetic": True, "parameters": chosen, "units": units})
    (folder / CODEBOOK).write_bytes((study.folder / CODEBOOK).read_bytes())
    if study.units.register_file != BUNDLED:
        _write_register(study, folder, rng)
    for name in study.waves:
        wave: dict[str, Any] = YamlText(study.folder / name / WAVE, WAVE).tree
        unseen = [study.wave(name).columns[key].source for key in UNSEEN if key in wave["columns"]]
        wave["columns"] = {k: v for k, v in wave["columns"].items() if k not in UNSEEN}
        wave["ignore"] = [*(wave.get("ignore") or []), *unseen]
        wave["source"] = _source(study, name)
        if study.wave(name).invited:
            wave["invited"] = "synthetic_invited.csv"
        _write_yaml(folder / name / WAVE, wave)


def _write_yaml(path: Path, tree: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=100)
    mark = "# SYNTHETIC: the answers are drawn by cycle_analysis.simulate, see README.md.\n"
    path.write_text(mark + text, "utf-8", newline="\n")


def _source(study: Study, wave: str) -> dict[str, Any]:
    """Describe the file to be written: the kind, encoding and delimiter of the study's own."""
    path, source = study.raw_file(wave), study.wave(wave).source
    kind = WRITTEN[(source.format or path.suffix).lower().lstrip(".")]
    maps = [column.map for column in study.wave(wave).columns.values()]
    if kind == "sav" and not all(code.lstrip("-").isdecimal() for map_ in maps for code in map_):
        kind = "csv"  # words that are mapped are no numbers of SPSS
    told: dict[str, Any] = {"file": f"synthetic_responses.{kind}", "sha256": "0" * 64}
    told["format"] = kind
    if kind == "xlsx":
        told |= {"sheet": source.sheet or "responses", "header_row": str(source.header_row)}
    elif kind == "csv" and path.suffix in (".csv", ".tsv", ".txt"):
        text, encoding = read_text(path, source.encoding)
        told |= {"encoding": encoding, "delimiter": find_delimiter(text, source)[0]}
    return told


def _write_register(study: Study, folder: Path, rng: Generator) -> None:
    """Write the study's own units under other codes and names, in another order.

    Of municipalities the files are copied. Background that groups units stays, other goes.
    """
    units, events = study.units.register_file, study.units.events
    if has_municipalities(study):
        for name in filter(None, (units, events)):
            (folder / name).write_bytes((study.folder / name).read_bytes())
        return
    table = read_table(study.folder / units, ["unit", "name"])
    dates = {"valid_from", "valid_until"}
    few = [c for c in table if c in dates or table[c].nunique() <= MOST_GROUPS]
    few = [c for c in few if c not in ("unit", "name", "aliases") and not c.startswith(SIZE)]
    codes = pd.Series(rng.permutation(table["unit"].unique()))
    made = dict(zip(codes, (f"S-{n:04d}" for n in range(1, len(codes) + 1)), strict=True))
    written = table[few].assign(unit=table["unit"].map(made))
    written.insert(0, "name", "Synthetic unit " + written["unit"].str[2:])
    written.sort_values([c for c in ("unit", "valid_from") if c in written]).to_csv(
        folder / units, index=False, lineterminator="\n"
    )
    if events:
        moved = read_table(study.folder / events, ["date", "from_unit", "to_unit"])
        ends = {c: moved[c].map(made) for c in ("from_unit", "to_unit")}
        moved.assign(**ends).to_csv(folder / events, index=False, lineterminator="\n")


def _as_written(study: Study, twin: Study) -> Study:
    """Give the twin with answers in words, of columns that hold labels in the study's own file."""
    waves = {}
    for name in twin.waves:
        wave, cells = (
            twin.wave(name),
            read_export(study.raw_file(name), study.wave(name).source).cells,
        )
        columns = dict(wave.columns)
        for item in wave.items if wave.source.format != "sav" else []:
            column = columns[item]
            if column.source in cells and not column.map and column.linear is None:
                labels = codes_by_label(
                    study.scales[study.codebook.items.loc[item, "scale"]].labels
                )
                words = _labels_used(cells[column.source], labels)
                columns[item] = column.model_copy(update={"map": words})
        waves[name] = wave.model_copy(update={"columns": columns})
    return twin.model_copy(update={"mappings": waves})


def _labels_used(cells: pd.Series, labels: dict[str, str]) -> dict[str, str]:
    """Give the code of each label as it stands in a column; nothing where codes stand in it."""
    texts = [str(text) for text in cells.astype(str).unique()]
    found = {text: labels[normalise(text)] for text in texts if normalise(text) in labels}
    if not found:
        return {}
    lacking = {text: code for text, code in labels.items() if code not in found.values()}
    return found | lacking


def _draw_invited(n_respondents: pd.Series, n: int, rng: Generator) -> pd.DataFrame:
    """Draw who was invited: all that answered, and others up to as many as the study invited."""
    there = n_respondents.index[n_respondents > 0].tolist()
    others = rng.permutation(n_respondents.index[n_respondents == 0].tolist())
    return pd.DataFrame({"unit": sorted([*there, *others[: max(n - len(there), 0)]])})


def _check_rows(twin: Study, wave: str, known: pd.DataFrame) -> str:
    """Read the twin back as a study, and hold its rows against those of the respondents."""
    read, file = read_responses(twin, wave), twin.raw_file(wave)
    n_same = int(same_rows(read.answers, known).sum())
    if n_same:
        problem = "are those of respondents: this is a mistake in the program"
        raise refuse(f"{wave}/{file.name}", "rows", f"{n_same}", problem, "0", "Do not share it")
    return (
        f"{wave}/{file.name}: {len(read.answers)} rows, of which 0 hold the answers of one of the "
        f"{len(known)} respondents."
    )


def _readme(study: Study, seed: int, told: list[str]) -> str:
    """Say what the twin is, what it keeps and what not."""
    lines = "\n".join(f"- {line}" for line in told)
    return f"""# {MARK} of {study.name}

Nobody gave these answers. `cycle-analysis twin {study.name} --seed {seed}` drew them from what was
fitted to the study: they are for trying the analysis, and say nothing of any unit or respondent.

{lines}

Kept, about: shares of the answers to each item, means, profiles with their shares, how the phases
and the respondents of a unit go together, how often answers are missing and why, how many units
take part and come back, mergers and moves. The questions and the texts of study.yaml are the
study's own.

Not kept: what goes with single roles or backgrounds, items beyond what they owe to the phases,
patterns of missing answers, careless respondents, how long they took. Respondent numbers, dates,
addresses and remarks are made up; open answers all say that they are synthetic. Numbers (years,
posts, respondents of a unit) are means of five neighbours. Rows that came out as those of a
respondent were drawn anew; rows that are nearly alike were not looked for.
"""
