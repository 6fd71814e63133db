"""A study of six items, to give one strange export at a time."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from cycle_analysis.problems import InputError
from cycle_analysis.responses.coded import read_responses
from cycle_analysis.study import Study, load_study

STUDY = """
title: {nl: t, en: t}
population: {nl: p, en: p}
developments: [{code: "1", label: {nl: a, en: a}}]
phases:
  - {code: AG, development: "1", label: {nl: a, en: a}, short: {nl: a, en: a}}
  - {code: EX, development: "1", label: {nl: e, en: e}, short: {nl: e, en: e}}
scales:
  s:
    min: 0
    max: 4
    labels:
      "0": {nl: helemaal oneens, en: strongly disagree}
      "1": {nl: oneens, en: disagree}
      "2": {nl: neutraal, en: neutral}
      "3": {nl: eens, en: agree}
      "4": {nl: helemaal eens, en: strongly agree}
    missing:
      "8": {reason: dont_know, nl: weet niet, en: "don't know"}
      "9": {reason: not_applicable, nl: niet van toepassing, en: not applicable}
  open: {kind: text}
roles:
  STR: {nl: Strategisch, en: Strategic}
waves: ["2022"]
reference_wave: "2022"
"""
ITEMS = {"A1": "AG", "A2": "AG", "A3": "AG", "E1": "EX", "E2": "EX", "E3": "EX"}
UNITS = ["Amsterdam", "Utrecht", "Almere", "Rotterdam"]


def answers(n=12, **columns) -> pd.DataFrame:
    """An export of `n` respondents: an id, a unit, and items on 0-4."""
    rows = range(n)
    table = {"id": [f"r{i}" for i in rows], "gemeente": [UNITS[i % 4] for i in rows]}
    table |= {item: [str((i + k) % 5) for i in rows] for k, item in enumerate(ITEMS)}
    frame = pd.DataFrame(table).astype("object")
    for name, values in columns.items():
        cells = list(frame.get(name, pd.Series([""] * n)))
        given = values if isinstance(values, list) else [values]
        frame[name] = (given + cells[len(given) :])[:n]
    return frame


def write_study(
    home: Path, file: str, columns: dict | None = None, reversed_items=(), study=STUDY, **more
) -> Path:
    """Write the study around an export that is to be `file`; give the path for the export."""
    folder = home / "data" / "raw" / "tiny"
    (folder / "2022").mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(study, "utf-8")
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        head = ["item", "block", "phase", "scale", "reversed", "question_nl", "question_en"]
        writer.writerow(head)
        for item, phase in ITEMS.items():
            turned = "yes" if item in reversed_items else "no"
            writer.writerow([item, "C", phase, "s", turned, f"vraag {item}", f"question {item}"])
        writer.writerow(["O1", "I", "", "open", "no", "open vraag", "open question"])
    wave = {
        "wave": "2022",
        "label": {"nl": "w", "en": "w"},
        "fieldwork": {"start": "2022-03-01", "end": "2022-05-01"},
        "source": {"file": file, **more.pop("source", {})},
        "columns": {"respondent": "id", "unit": "gemeente", **{i: i for i in ITEMS}}
        | (columns or {}),
        **({} if "O1" in (columns or {}) else {"not_asked": {"O1": "no"}}),
        **more,
    }
    (folder / "2022" / "wave.yaml").write_text(json.dumps(wave, ensure_ascii=False), "utf-8")
    return folder / "2022" / file


def load(home: Path) -> Study:
    return load_study("tiny", home)


def read(home: Path, max_invalid: float = 0.2):
    """Read the tiny study's only wave."""
    return read_responses(load(home), "2022", max_invalid)


def read_table(home: Path, table: pd.DataFrame, **more):
    """Write a table as csv into a tiny study, and read it."""
    table.to_csv(write_study(home, "r.csv", **more), index=False)
    return read(home)


def refused(home: Path, table: pd.DataFrame | None = None, **more) -> str:
    """What is said when the export is refused."""
    with pytest.raises(InputError) as caught:
        read_table(home, table, **more) if table is not None else read(home)
    return str(caught.value)


def told(responses, done: str = "") -> str:
    """All problems of a kind, as one text."""
    table = responses.problems
    table = table[table["done"] == done] if done else table
    return "\n".join(table["problem"] + " | " + table["value"] + " | " + table["rule"])
