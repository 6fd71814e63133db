"""Write answers as the raw export that a wave.yaml describes: its mapping, read backwards.

What reading must undo, writing does: items get the columns of that wave, recoded and rescaled
items their old codes, roles the function titles that map to them. Columns that the wave ignores
are filled with visibly made-up start times, addresses at example.org, and remarks.
"""

import datetime
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import xlsxwriter
from numpy.random import Generator

from cycle_analysis.responses import BLANK
from cycle_analysis.study import Study
from cycle_analysis.study.files import Column, Scale, Wave
from cycle_analysis.whole_files import TEXTS_STAY_TEXTS, forget_time

DONT_KNOW = "dont_know"
NOT_APPLICABLE = "not_applicable"
MISSING_TEXTS = {
    **{BLANK: "", DONT_KNOW: "weet niet", NOT_APPLICABLE: "n.v.t."},
    **{"not_shown": "niet getoond", "refused": "geen antwoord"},
}
OFFICE_MINUTES = (8 * 60, 18 * 60)
REMARK_RATE = 0.15
FILE_LABEL = "SYNTHETIC data, drawn by cycle_analysis.simulate"
MADE = datetime.datetime(1800, 1, 1)


@dataclass(frozen=True, eq=False)
class WaveAnswers:
    """The answers of one wave, before they take the shape of an export.

    Attributes
    ----------
    respondents : DataFrame, n respondents
        Index `respondent`, in the order in which they started; `unit`, `name` (of the unit, as
        this respondent writes it), `role`.
    given : DataFrame, n respondents × items
        Code, number, or text on the scale of the codebook, as if all had answered.
    reasons : DataFrame, n respondents × items
        Why an answer is missing: blank, dont_know, not_applicable; "" where answered.
    """

    respondents: pd.DataFrame
    given: pd.DataFrame
    reasons: pd.DataFrame

    @property
    def told(self) -> pd.DataFrame:
        """What was answered, NaN where nothing was."""
        return self.given.where(self.reasons == "")

    def with_rows(self, where: pd.Series, other: "WaveAnswers", rows: np.ndarray) -> "WaveAnswers":
        """Put rows of another draw, by their number, in place of those that are marked."""
        index = where.index[where]

        def mixed(own: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
            return pd.concat([own[~where], drawn.iloc[rows].set_axis(index)]).loc[own.index]

        tables = ("respondents", "given", "reasons")
        return WaveAnswers(*(mixed(getattr(self, t), getattr(other, t)) for t in tables))


def write_export(
    study: Study, name: str, answers: WaveAnswers, remarks: Sequence[str], rng: Generator
) -> None:
    """Write the export of one wave, as sav, xlsx or csv; note its sha256 in its wave.yaml.

    Parameters
    ----------
    study : Study
    name : str
        Name of the wave.
    answers : WaveAnswers
    remarks : sequence of str
        Texts that respondents may leave.
    rng : Generator
    """
    wave, path = study.wave(name), study.raw_file(name)
    front, back = _ignored_columns(wave, len(answers.respondents), remarks, rng)
    fields = _written_fields(study, wave, answers, rng)
    columns = [column.source for column in wave.columns.values()]
    table = pd.concat([fields[columns[:1]], front, fields[columns[1:]], back], axis=1)
    WRITERS[wave.source.format](path, table, study, wave, answers)
    # Nothing else in wave.yaml changes: its comments are the researcher's.
    described, digest = path.with_name("wave.yaml"), hashlib.sha256(path.read_bytes()).hexdigest()
    old, new = r"""sha256: *(["'])[0-9a-f]*\1""", f'sha256: "{digest}"'
    text = re.sub(old, new, described.read_text("utf-8"), count=1)
    described.write_text(text, "utf-8", newline="\n")


def _written_fields(study: Study, wave: Wave, answers: WaveAnswers, rng: Generator) -> pd.DataFrame:
    """Fill the mapped columns with what the export holds where all is answered."""
    respondents = answers.respondents
    fields: dict[str, Any] = {}
    for key, column in wave.columns.items():
        if key == "respondent":
            written: Any = 10_000_000 + 37 * respondents.index.to_numpy()
        elif key == "unit":
            written = respondents["name"].to_numpy(dtype=object)
        elif key == "role":
            titles = _backwards(column)
            drawn = [str(rng.choice(titles.get(role, [role]))) for role in respondents["role"]]
            written = np.array(drawn, dtype=object)
        else:
            written = _written_answers(answers.given[key], column, _scale(study, key))
        fields[column.source] = written
    return pd.DataFrame(fields)


def _written_answers(given: pd.Series, column: Column, scale: Scale) -> np.ndarray:
    if column.linear is not None:
        (low, high), (least, most) = column.linear.from_, scale.ends
        share = (given.astype(float) - least) / (most - least)
        return np.rint(low + (high - low) * share).to_numpy()
    back = {float(code): texts[0] for code, texts in _backwards(column).items()}
    # Old codes are numbers, answers in words stay words.
    old = {code: float(t) if t.lstrip("-").isdecimal() else t for code, t in back.items()}
    return (given.map(old) if old else given).to_numpy()


def _scale(study: Study, item: str) -> Scale:
    return study.scales[study.codebook.items.loc[item, "scale"]]


def missing_codes(study: Study, item: str) -> dict[str, float]:
    """Code that stands for each reason why an answer to `item` may be missing."""
    return {entry.reason: float(code) for code, entry in _scale(study, item).missing.items()}


def _backwards(column: Column) -> dict[str, list[str]]:
    """For each code or role what the export may hold; empty when it holds the same."""
    back: dict[str, list[str]] = {}
    for written, code in column.map.items():
        back.setdefault(code, []).append(written)
    return back


def _as_asked(column: Column) -> bool:
    """Whether the column holds the codes of the codebook."""
    return not column.map and column.linear is None


def _ignored_columns(
    wave: Wave, n: int, remarks: Sequence[str], rng: Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the columns that the wave ignores: times and addresses in front, remarks at the end."""
    start, end = pd.Timestamp(wave.fieldwork.start), pd.Timestamp(wave.fieldwork.end)
    days = rng.integers(0, (end - start).days + 1, n)
    minutes = np.sort(days * 24 * 60 + rng.integers(*OFFICE_MINUTES, n))
    front, back = {}, {}
    for column in wave.ignore:
        if re.search(r"dat(e|um)", column, re.IGNORECASE):
            times = start + pd.to_timedelta(minutes, unit="min")
            front[column] = times.strftime("%Y-%m-%d %H:%M").to_numpy(dtype=object)
        elif re.search("mail", column, re.IGNORECASE):
            front[column] = np.array([f"respondent{row + 1}@example.org" for row in range(n)])
        else:
            texts = rng.choice(np.array(remarks, dtype=object), n)
            back[column] = np.where(rng.random(n) < REMARK_RATE, texts, "")
    return pd.DataFrame(front, index=range(n)), pd.DataFrame(back, index=range(n))


def _write_csv(
    path: Path, table: pd.DataFrame, study: Study, wave: Wave, answers: WaveAnswers
) -> None:
    """Write texts: units by name, missing answers in words; decimal commas beside semicolons."""
    delimiter = wave.source.delimiter or ","
    decimal = "," if delimiter == ";" else "."  # as Dutch Excel writes
    texts = table.map(
        lambda cell: cell if isinstance(cell, str) else f"{cell:.10g}".replace(".", decimal)
    )
    texts = _with_reasons(texts, wave, answers)
    encoding = wave.source.encoding or "utf-8"
    texts.to_csv(path, sep=delimiter, encoding=encoding, index=False, lineterminator="\r\n")


def _with_reasons(cells: pd.DataFrame, wave: Wave, answers: WaveAnswers) -> pd.DataFrame:
    """Say in words why answers are missing."""
    told = {}
    for item, reasons in answers.reasons.reset_index(drop=True).items():
        column = wave.columns[str(item)].source
        told[column] = cells[column].where(reasons == "", reasons.map(MISSING_TEXTS))
    return cells.assign(**told)


def _write_sav(
    path: Path, table: pd.DataFrame, study: Study, wave: Wave, answers: WaveAnswers
) -> None:
    """Write numbers with Dutch labels: units by the number in their code, user-missing codes."""
    numbers = table.copy()
    units = answers.respondents["unit"]
    # GM0363 as 363, as a code looks after SPSS has had it; codes without a number stay.
    plain = units.str.extract(r"^[A-Z]*(\d+)$", expand=False)
    units = units if plain.isna().any() else plain.astype(float)
    numbers[wave.columns["unit"].source] = units.to_numpy(dtype=object)
    if "role" in wave.columns and wave.columns["role"].map:
        role = wave.columns["role"].source
        numbers[role] = pd.to_numeric(numbers[role])
    missing: dict[str, list[Any]] = {}
    for item, reasons in answers.reasons.reset_index(drop=True).items():
        column = wave.columns[str(item)]
        if _scale(study, str(item)).kind == "text":
            continue
        # Codes of missing answers belong to the codebook's scale, not to a rescaled column.
        codes = missing_codes(study, str(item)) if _as_asked(column) else {}
        answered = numbers[column.source].astype(float)
        coded = reasons.map(codes).astype(float)
        numbers[column.source] = answered.where(reasons == "", coded)
        if codes:
            missing[column.source] = list(codes.values())
    broken = numbers.select_dtypes("number").fillna(0).mod(1).ne(0).any()
    questions = study.codebook.items["question_nl"]
    names = {"unit": "Gemeente (CBS-code)", "role": "Rol van de respondent", **questions}
    pyreadstat.write_sav(
        numbers,
        path,
        file_label=FILE_LABEL,
        column_labels={c.source: names.get(key) for key, c in wave.columns.items()},
        variable_value_labels=_value_labels(study, wave),
        missing_ranges=missing,
        variable_format={name: "F8.1" if broken[name] else "F8.0" for name in broken.index},
        row_compress=True,
    )
    forget_time(path)


def _write_xlsx(
    path: Path, table: pd.DataFrame, study: Study, wave: Wave, answers: WaveAnswers
) -> None:
    """Write one sheet, its headings in the row of the source: numbers, missing answers in words."""
    cells = _with_reasons(table.astype(object), wave, answers)
    with xlsxwriter.Workbook(path, TEXTS_STAY_TEXTS) as book:
        book.set_properties({"title": FILE_LABEL, "created": MADE})
        sheet = book.add_worksheet(wave.source.sheet or None)
        for number, row in enumerate([list(cells), *cells.to_numpy()], wave.source.header_row - 1):
            sheet.write_row(number, 0, row)


WRITERS: Mapping[str, Callable[..., None]] = dict(csv=_write_csv, sav=_write_sav, xlsx=_write_xlsx)


def _value_labels(study: Study, wave: Wave) -> dict[str, dict[int | float, str]]:
    """Dutch value labels, those of missing codes included; none for recoded columns."""
    labels: dict[str, dict[int | float, str]] = {}
    for item in wave.items:
        scale, column = _scale(study, item), wave.columns[item]
        entries = {**scale.labels, **scale.missing}
        if entries and _as_asked(column):
            labels[column.source] = {float(code): text["nl"] for code, text in entries.items()}
    if "role" in wave.columns and (codes := _backwards(wave.columns["role"])):
        labels[wave.columns["role"].source] = {
            float(written[0]): study.roles[role]["nl"] for role, written in codes.items()
        }
    return labels
