"""Begin a study or a wave from its export: a draft in YAML, and what is empty in it.

Sure things are filled in (`new_study`, `add_wave`), likely ones stand in a comment, and what a
person must fill in is listed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from cycle_analysis.problems import first_five
from cycle_analysis.readers import RawTable


@dataclass(frozen=True)
class Draft:
    """The text of a file, and what in it is sure and likely."""

    text: str
    sure: list[str]
    likely: list[str]


def empty_fields(text: str) -> list[str]:
    r"""List the fields of a YAML text that hold an empty text, as they are to be filled in.

    Examples
    --------
    >>> empty_fields('label: {nl: ""}\nphases: [{code: AG, short: ""}]\nignore:')
    ['label.nl', 'phases.AG.short']
    """
    return list(_empty(yaml.safe_load(text), ""))


def likely_days(raw: RawTable) -> str:
    """First and last day in a column of dates that the survey tool adds, ``""`` without one."""
    for column in raw.cells.columns:
        if not any(word in column.casefold() for word in ("start", "submit", "recorded", "datum")):
            continue
        texts = raw.cells[column].astype("str")
        days = texts.str.extract(r"^(\d{4}-\d{2}-\d{2})")[0].dropna()
        if len(days) > 0.5 * len(texts):
            return f"{days.min()} to {days.max()}, from column {one_line(column)}"
    return ""


def told_of(raw: RawTable) -> list[str]:
    """What a file tells beside its answers: what was noticed, and cells that are no answers."""
    told = [f"{note.problem}" + (f" ({note.value})" if note.value else "") for note in raw.notes]
    for problem, cells in raw.flaws.groupby("problem", sort=False):
        columns = first_five(cells["column"].unique().tolist())
        told.append(f"{len(cells)} x {problem} (column {columns}): `check` will refuse that")
    return told


def quoted(text: str | int) -> str:
    """A text or number as YAML reads it back, whatever it holds."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def one_line(text: str) -> str:
    """A text without line ends and double spaces, for a comment."""
    return " ".join(str(text).split())


def _empty(part: Any, where: str) -> Iterator[str]:
    if part == "":
        yield where
    entries: dict[Any, Any] = part if isinstance(part, dict) else {}
    if isinstance(part, list):
        entries = {
            (one.get("code") or place) if isinstance(one, dict) else place: one
            for place, one in enumerate(part, start=1)
        }
    for name, child in entries.items():
        yield from _empty(child, f"{where}.{name}" if where else f"{name}")
