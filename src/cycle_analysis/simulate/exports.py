"""Write answers as the raw export that a wave.yaml describes: its mapping, read backwards.

What reading must undo, writing does: items get the columns of that wave, recoded and rescaled
items their old codes, roles the function titles that map to them. Columns that the wave ignores
are filled with visibly made-up start times, addresses at example.org, and remarks.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from .answers import BLANK, DONT_KNOW, NOT_APPLICABLE
from .questionnaires import Questionnaire, WaveAnswers
from .truth import Truth

MISSING_TEXTS = {BLANK: "", DONT_KNOW: "weet niet", NOT_APPLICABLE: "n.v.t."}
OFFICE_MINUTES = (8 * 60, 18 * 60)
REMARK_RATE = 0.15
FILE_LABEL = "SYNTHETIC data, drawn by cycle_analysis.simulate"
# The header of a .sav holds the day and time of writing here (date 9 bytes, time 8 bytes);
# a fixed stamp gives the same bytes for the same answers.
SAV_STAMP = (92, b"01 Jan 1800:00:00")

Field = str | Mapping[str, Any]
Wave = Mapping[str, Any]


def write_export(
    folder: Path,
    wave: Wave,
    answers: WaveAnswers,
    questionnaire: Questionnaire,
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
    front, back = _ignored_columns(wave, len(answers.respondents), truth, rng)
    fields = _written_fields(wave, answers, questionnaire, rng)
    columns = [_source(field) for field in wave["columns"].values()]
    table = pd.concat([fields[columns[:1]], front, fields[columns[1:]], back], axis=1)
    WRITERS[source["format"]](path, table, wave, answers, questionnaire)
    _note_digest(folder / "wave.yaml", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def _note_digest(described: Path, digest: str) -> None:
    """Change the sha256 in a wave.yaml and nothing else: its comments are the researcher's."""
    text = re.sub(
        r"""sha256: *(["'])[0-9a-f]*\1""",
        f'sha256: "{digest}"',
        described.read_text("utf-8"),
        count=1,
    )
    described.write_text(text, "utf-8", newline="\n")


def _written_fields(
    wave: Wave, answers: WaveAnswers, questionnaire: Questionnaire, rng: np.random.Generator
) -> pd.DataFrame:
    """Fill the mapped columns with what the export holds where all is answered."""
    respondents = answers.respondents
    columns: dict[str, Any] = {}
    for key, field in wave["columns"].items():
        if key == "respondent":
            columns[_source(field)] = 10_000_000 + 37 * respondents.index.to_numpy()
        elif key == "unit":
            columns[_source(field)] = respondents["name"].to_numpy(dtype=object)
        elif key == "role":
            titles = _backwards(field) or {role: [role] for role in questionnaire.roles}
            written = [str(rng.choice(titles[role])) for role in respondents["role"]]
            columns[_source(field)] = np.array(written, dtype=object)
        else:
            columns[_source(field)] = _written_answers(key, field, answers, questionnaire)
    return pd.DataFrame(columns)


def _written_answers(
    item: str, field: Field, answers: WaveAnswers, questionnaire: Questionnaire
) -> np.ndarray:
    given = answers.given[item]
    if isinstance(field, str):
        return given.to_numpy()
    if "linear" in field:
        low, high = field["linear"]["from"]
        ends = questionnaire.ends.loc[questionnaire.codebook.loc[item, "scale"]]
        share = (given - ends["minimum"]) / (ends["maximum"] - ends["minimum"])
        return np.rint(low + (high - low) * share.astype(float)).to_numpy()
    if back := _backwards(field):
        return given.map({code: float(written[0]) for code, written in back.items()}).to_numpy()
    return given.to_numpy()


def _source(field: Field) -> str:
    return field if isinstance(field, str) else field["source"]


def _backwards(field: Field) -> dict[Any, list[str]]:
    """For each code or role what the export may hold; empty when it holds the same."""
    back: dict[Any, list[str]] = {}
    if not isinstance(field, str):
        for written, code in field.get("map", {}).items():
            back.setdefault(code, []).append(str(written))
    return back


def _ignored_columns(
    wave: Wave, n: int, truth: Truth, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the columns that the wave ignores: times and addresses in front, remarks at the end."""
    start, end = (pd.Timestamp(wave["fieldwork"][day]) for day in ("start", "end"))
    days = rng.integers(0, (end - start).days + 1, n)
    minutes = np.sort(days * 24 * 60 + rng.integers(*OFFICE_MINUTES, n))
    front, back = {}, {}
    for column in wave.get("ignore", []):
        if re.search(r"dat(e|um)", column, re.IGNORECASE):
            times = start + pd.to_timedelta(minutes, unit="min")
            front[column] = times.strftime("%Y-%m-%d %H:%M").to_numpy(dtype=object)
        elif re.search("mail", column, re.IGNORECASE):
            front[column] = np.array([f"respondent{row + 1}@example.org" for row in range(n)])
        else:
            texts = rng.choice(np.array(truth.open_answers, dtype=object), n)
            back[column] = np.where(rng.random(n) < REMARK_RATE, texts, "")
    return pd.DataFrame(front, index=range(n)), pd.DataFrame(back, index=range(n))


def _write_csv(
    path: Path, table: pd.DataFrame, wave: Wave, answers: WaveAnswers, questionnaire: Questionnaire
) -> None:
    """Write texts: units by name, missing answers in words, numbers with the decimal sign."""
    source = wave["source"]
    decimal = "," if source.get("delimiter") == ";" else "."  # as Dutch Excel writes
    texts = table.apply(lambda column: column.map(lambda value: _as_text(value, decimal)))
    for item, reasons in answers.reasons.items():
        column = _source(wave["columns"][item])
        reasons = reasons.reset_index(drop=True)
        texts[column] = texts[column].where(reasons == "", reasons.map(MISSING_TEXTS))
    texts.to_csv(
        path,
        sep=source.get("delimiter", ","),
        encoding=source.get("encoding", "utf-8"),
        index=False,
        quoting=csv.QUOTE_MINIMAL,
        lineterminator="\r\n",
    )


def _as_text(value: Any, decimal: str) -> str:
    return value if isinstance(value, str) else f"{value:.10g}".replace(".", decimal)


def _write_sav(
    path: Path, table: pd.DataFrame, wave: Wave, answers: WaveAnswers, questionnaire: Questionnaire
) -> None:
    """Write numbers with Dutch labels: units by the number in their code, user-missing codes."""
    fields = wave["columns"]
    numbers = table.copy()
    numbers[_source(fields["unit"])] = _as_numbers(answers.respondents["unit"])
    if "role" in fields and _backwards(fields["role"]):
        numbers[_source(fields["role"])] = numbers[_source(fields["role"])].astype(float)
    missing: dict[str, list[Any]] = {}
    for item, reasons in answers.reasons.reset_index(drop=True).items():
        if questionnaire.scale_of(item)["kind"] == "text":
            continue
        # Codes of missing answers belong to the codebook's scale, not to a rescaled column.
        codes = questionnaire.missing_codes(item) if isinstance(fields[item], str) else {}
        column = _source(fields[item])
        answered = numbers[column].astype(float)
        numbers[column] = answered.where(reasons == "", reasons.map(codes).astype(float))
        if codes:
            missing[column] = list(codes.values())
    pyreadstat.write_sav(
        numbers,
        path,
        file_label=FILE_LABEL,
        column_labels=_column_labels(fields, questionnaire),
        variable_value_labels=_all_value_labels(fields, questionnaire),
        missing_ranges=missing,
        variable_format=_formats(numbers),
        row_compress=True,
    )
    _fix_stamp(path)


WRITERS: Mapping[str, Callable[..., None]] = {"csv": _write_csv, "sav": _write_sav}


def _as_numbers(units: pd.Series) -> np.ndarray:
    """GM0363 as 363, as a code looks after SPSS has had it; codes without a number stay."""
    numbers = units.str.extract(r"^[A-Z]*(\d+)$", expand=False)
    return (units if numbers.isna().any() else numbers.astype(float)).to_numpy(dtype=object)


def _column_labels(
    fields: Mapping[str, Field], questionnaire: Questionnaire
) -> dict[str, str | None]:
    questions = questionnaire.codebook["question_nl"]
    labels = {"unit": "Gemeente (CBS-code)", "role": "Rol van de respondent", **questions}
    return {_source(field): labels.get(key) for key, field in fields.items()}


def _all_value_labels(
    fields: Mapping[str, Field], questionnaire: Questionnaire
) -> dict[str, dict[int | float, str]]:
    """Dutch value labels, those of missing codes included; none for recoded columns."""
    labels = {}
    for item in questionnaire.codebook.index.intersection(list(fields)):
        scale = questionnaire.scale_of(item)
        entries = {**scale.get("labels", {}), **scale.get("missing", {})}
        if entries and isinstance(fields[item], str):
            texts = {float(code): text["nl"] for code, text in entries.items()}
            labels[_source(fields[item])] = texts
    if "role" in fields and (codes := _backwards(fields["role"])):
        roles = questionnaire.roles.items()
        labels[_source(fields["role"])] = {
            float(codes[role][0]): text["nl"] for role, text in roles
        }
    return labels


def _formats(table: pd.DataFrame) -> dict[str, str]:
    numbers = table.select_dtypes("number")
    whole = (numbers.dropna(how="all", axis=1).fillna(0) % 1 == 0).all()
    return {column: "F8.0" if whole.get(column, True) else "F8.1" for column in numbers}


def _fix_stamp(path: Path) -> None:
    at, stamp = SAV_STAMP
    content = bytearray(path.read_bytes())
    content[at : at + len(stamp)] = stamp
    path.write_bytes(bytes(content))
