"""Write answers as the raw export that a wave.yaml describes: its mapping, read backwards.

What reading must undo, writing does: items get the columns of that wave, recoded and rescaled
items their old codes, roles the function titles that map to them. Columns that the wave ignores
are filled with visibly made-up start times, addresses at example.org, and remarks.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from .answers import BLANK, DONT_KNOW, NOT_APPLICABLE
from .truth import Truth

MISSING_TEXTS = {BLANK: "", DONT_KNOW: "weet niet", NOT_APPLICABLE: "n.v.t."}
REMARK_RATE = 0.15
OFFICE_MINUTES = (8 * 60, 18 * 60)
FILE_LABEL = "SYNTHETIC data, drawn by cycle_analysis.simulate"
# The header of a .sav holds the day and time of writing here (date 9 bytes, time 8 bytes);
# a fixed stamp gives the same bytes for the same answers.
SAV_STAMP = (92, b"01 Jan 1800:00:00")


@dataclass(frozen=True, eq=False)
class WaveAnswers:
    """The answers of one wave, before they take the shape of an export.

    Attributes
    ----------
    respondents : DataFrame, n respondents
        Index `respondent`; `unit`, `role`, in the order in which they started.
    given : DataFrame, n respondents × items
        Code, number, or text on the scale of the codebook, all answered.
    reasons : DataFrame, n respondents × items
        Why an answer is missing: blank, dont_know, not_applicable; "" where answered.
    """

    respondents: pd.DataFrame
    given: pd.DataFrame
    reasons: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """What study.yaml and codebook.csv say of the answers.

    Attributes
    ----------
    codebook : DataFrame
        Index `item`; block, phase, scale, reversed (bool), question_nl, question_en.
    scales, roles : mapping
        As in study.yaml.
    """

    codebook: pd.DataFrame
    scales: Mapping[str, Mapping[str, Any]]
    roles: Mapping[str, Mapping[str, str]]

    def scale_of(self, item: str) -> Mapping[str, Any]:
        """Scale of an item, as in study.yaml."""
        return self.scales[self.codebook.loc[item, "scale"]]

    def missing_codes(self, item: str) -> dict[str, float]:
        """Code that stands for each reason why an answer may be missing."""
        missing = self.scale_of(item).get("missing", {})
        return {entry["reason"]: float(code) for code, entry in missing.items()}


def write_export(
    folder: Path,
    wave: Mapping[str, Any],
    answers: WaveAnswers,
    questionnaire: Questionnaire,
    names: pd.DataFrame,
    truth: Truth,
    rng: np.random.Generator,
) -> Path:
    """Write the export of one wave and note its sha256 in the wave.yaml beside it.

    Parameters
    ----------
    folder : Path
        Folder of the wave.
    wave : mapping
        Contents of its wave.yaml.
    answers : WaveAnswers
    questionnaire : Questionnaire
    names : DataFrame
        Index `unit`; `name` on the day of the fieldwork and `everyday_name` ("" for most).
    truth : Truth
        For its open answers.
    rng : numpy.random.Generator

    Returns
    -------
    Path
        The file written: `source.file`, of `source.format` sav or csv.

    Raises
    ------
    ValueError
        When the wave asks for another format.
    """
    source = wave["source"]
    if source["format"] not in WRITERS:
        raise ValueError(
            f"Exports are not written as {source['format']!r}, only as {sorted(WRITERS)}. "
            "Change source.format in wave.yaml."
        )
    path = folder / source["file"]
    WRITERS[source["format"]](path, wave, answers, questionnaire, names, truth, rng)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    described = folder / "wave.yaml"
    text = re.sub(r'sha256: *"[^"]*"', f'sha256: "{digest}"', described.read_text("utf-8"), count=1)
    described.write_text(text, "utf-8", newline="\n")
    return path


def _write_csv(
    path: Path,
    wave: Mapping[str, Any],
    answers: WaveAnswers,
    questionnaire: Questionnaire,
    names: pd.DataFrame,
    truth: Truth,
    rng: np.random.Generator,
) -> None:
    """Write texts: units by name, missing answers in words, numbers with the decimal sign."""
    source, fields = wave["source"], wave["columns"]
    decimal = source.get("decimal", ".")
    table = {}
    for key, field in fields.items():
        column, back = _source(field), _backwards(field)
        if key == "respondent":
            table[column] = [str(10_000_000 + 37 * n) for n in answers.respondents.index]
        elif key == "unit":
            table[column] = _names_as_written(answers.respondents["unit"], names, rng)
        elif key == "role":
            table[column] = [str(rng.choice(back[role])) for role in answers.respondents["role"]]
        else:
            written = answers.given[key].map(lambda value, b=back: _as_text(value, b, decimal))
            reasons = answers.reasons[key]
            table[column] = written.where(reasons == "", reasons.map(MISSING_TEXTS)).tolist()
    ordered = _with_ignored(pd.DataFrame(table), wave, truth, rng)
    ordered.to_csv(
        path,
        sep=source.get("delimiter", ","),
        encoding=source.get("encoding", "utf-8"),
        index=False,
        quoting=csv.QUOTE_MINIMAL,
        lineterminator="\r\n",
    )


def _write_sav(
    path: Path,
    wave: Mapping[str, Any],
    answers: WaveAnswers,
    questionnaire: Questionnaire,
    names: pd.DataFrame,
    truth: Truth,
    rng: np.random.Generator,
) -> None:
    """Write numbers with Dutch labels: units by the number in their code, user-missing codes."""
    table: dict[str, Any] = {}
    labels: dict[str, str | None] = {}
    value_labels: dict[str, dict[int | float, str]] = {}
    missing: dict[str, list[Any]] = {}
    formats: dict[str, str] = {}
    for key, field in wave["columns"].items():
        column, back = _source(field), _backwards(field)
        if key == "respondent":
            table[column], labels[column] = answers.respondents.index, "Nummer van de respondent"
        elif key == "unit":
            table[column] = [_number_in(unit) for unit in answers.respondents["unit"]]
            labels[column] = "Gemeente (CBS-code)"
        elif key == "role":
            table[column] = [float(back[role][0]) for role in answers.respondents["role"]]
            labels[column] = "Rol van de respondent"
            roles = questionnaire.roles.items()
            value_labels[column] = {float(back[role][0]): text["nl"] for role, text in roles}
        else:
            table[column] = _as_codes(key, answers, questionnaire, back)
            labels[column] = questionnaire.codebook.loc[key, "question_nl"]
            scale = questionnaire.scale_of(key)
            if scale.get("missing"):
                missing[column] = [float(code) for code in scale["missing"]]
            if not back and (texts := _texts(scale)):
                value_labels[column] = texts
    ordered = _with_ignored(pd.DataFrame(table), wave, truth, rng)
    for column in ordered.select_dtypes("number"):
        whole = (ordered[column].dropna() % 1 == 0).all()
        formats[column] = "F8.0" if whole else "F8.1"
    pyreadstat.write_sav(
        ordered,
        path,
        file_label=FILE_LABEL,
        column_labels=labels,
        variable_value_labels=value_labels,
        missing_ranges=missing,
        variable_format=formats,
        row_compress=True,
    )
    _fix_stamp(path)


WRITERS: Mapping[str, Callable[..., None]] = {"csv": _write_csv, "sav": _write_sav}


def _source(field: str | Mapping[str, Any]) -> str:
    return field if isinstance(field, str) else field["source"]


def _backwards(field: str | Mapping[str, Any]) -> dict[Any, list[str]]:
    """For each code what the export holds; empty when the export holds the code itself."""
    back: dict[Any, list[str]] = {}
    if not isinstance(field, str):
        if "linear" in field:
            raise ValueError(f"Column {field['source']}: linear recodes are not written; use map.")
        for written, code in field.get("map", {}).items():
            back.setdefault(code, []).append(str(written))
    return back


def _as_text(value: Any, back: Mapping[Any, list[str]], decimal: str) -> str:
    if isinstance(value, str):
        return value
    return back[int(value)][0] if back else f"{value:g}".replace(".", decimal)


def _as_codes(
    item: str,
    answers: WaveAnswers,
    questionnaire: Questionnaire,
    back: Mapping[Any, list[str]],
) -> np.ndarray:
    values, reasons = answers.given[item], answers.reasons[item]
    if questionnaire.scale_of(item)["kind"] == "text":
        return values.where(reasons == "", "").astype(object).to_numpy()
    if back:
        values = values.map(lambda value: float(back[int(value)][0]))
    codes = reasons.map(questionnaire.missing_codes(item))
    return values.astype(float).where(reasons == "", codes).to_numpy()


def _texts(scale: Mapping[str, Any]) -> dict[int | float, str]:
    """Dutch value labels, those of missing codes included."""
    shown = {float(code): text["nl"] for code, text in scale.get("labels", {}).items()}
    return shown | {float(code): text["nl"] for code, text in scale.get("missing", {}).items()}


def _number_in(unit: str) -> float:
    """0363 as 363, the way a code looks after a spreadsheet or SPSS has had it."""
    return float(re.sub(r"\D", "", unit))


def _names_as_written(units: pd.Series, names: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """Official names; half of those who have an everyday name write that one."""
    official = units.map(names["name"])
    everyday = units.map(names["everyday_name"])
    used = (everyday != "") & (rng.random(len(units)) < 0.5)
    return official.where(~used, everyday).tolist()


def _with_ignored(
    table: pd.DataFrame, wave: Mapping[str, Any], truth: Truth, rng: np.random.Generator
) -> pd.DataFrame:
    """Add the columns that the wave ignores: times and addresses in front, remarks at the end."""
    n = len(table)
    start, end = (pd.Timestamp(wave["fieldwork"][day]) for day in ("start", "end"))
    days = rng.integers(0, (end - start).days + 1, n)
    minutes = np.sort(days * 24 * 60 + rng.integers(*OFFICE_MINUTES, n))
    front, back = {}, {}
    for column in wave.get("ignore", []):
        if re.search(r"dat(e|um)", column, re.IGNORECASE):
            times = start + pd.to_timedelta(minutes, unit="min")
            front[column] = times.strftime("%Y-%m-%d %H:%M").to_numpy()
        elif re.search("mail", column, re.IGNORECASE):
            front[column] = np.array([f"respondent{row + 1}@example.org" for row in range(n)])
        else:
            texts = rng.choice(np.array(truth.open_answers, dtype=object), n)
            back[column] = np.where(rng.random(n) < REMARK_RATE, texts, "")
    first, rest = table.iloc[:, :1], table.iloc[:, 1:]
    return pd.concat([first, pd.DataFrame(front), rest, pd.DataFrame(back)], axis=1)


def _fix_stamp(path: Path) -> None:
    at, stamp = SAV_STAMP
    content = bytearray(path.read_bytes())
    content[at : at + len(stamp)] = stamp
    path.write_bytes(bytes(content))
