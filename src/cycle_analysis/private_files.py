"""Write what researchers take along: who is in which profile, and what every table holds.

These files name units. They stay with the tables that they are made of, in data/processed.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyreadstat

from cycle_analysis.report import open_chapter
from cycle_analysis.report.document import CREATED
from cycle_analysis.results import Results
from cycle_analysis.running import CHECK, plan
from cycle_analysis.study import Study
from cycle_analysis.texts import read_list
from cycle_analysis.units import population
from cycle_analysis.whole_files import write_whole

OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False}
SAV_TIME = slice(92, 109)
"""Where a .sav says when it was made."""
MIDNIGHT = b"01 Jan 0000:00:00"
LONGEST = 64
"""Most letters of a name in SPSS."""
REGISTER = ("name", "province", "size_class", "size", "region")
"""Columns of the register of municipalities, and the name of any unit."""
YES_NO = {0: "no", 1: "yes"}


def write_private_files(study: Study, results: Results) -> list[Path]:
    """Write members as a workbook and for SPSS, and a dictionary of all tables.

    Returns
    -------
    list of Path
        ``members.xlsx`` and ``members.sav`` of the reference wave, ``dictionary.xlsx``.

    Raises
    ------
    InputError
        If a notebook has not run, or a file may not be written.
    """
    members, labels = member_table(study, results)
    told = pd.DataFrame(labels.items(), columns=["column", "meaning"]).set_index("column")
    files = {
        "members.xlsx": _workbook({"members": members, "columns": told}),
        "members.sav": _sav(study, members, labels),
        "dictionary.xlsx": _workbook({"dictionary": data_dictionary(study, results)}),
    }
    return [
        write_whole(results.folder / name, contents, private_from=results.folder)
        for name, contents in files.items()
    ]


def write_for_excel(study: Study, results: Results) -> list[Path]:
    """Copy every table as a Dutch Excel opens it: semicolons, decimal commas, accents as they are.

    Returns
    -------
    list of Path
        ``excel/<wave>/<step>/<table>.csv`` in the folder of the study's tables; private like these.

    Raises
    ------
    InputError
        If one may not be written.
    """
    paths = []
    for step, wave in _saved_steps(study, results):
        for name, schema in results.schemas(step, wave).items():
            path = results.step_folder(step, wave) / f"{name}.csv"
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            kinds = [*schema["index"].values(), *schema["columns"].values()]
            for place, kind in enumerate(kinds):
                if kind == "number":
                    table.isetitem(place, table.iloc[:, place].str.replace(".", ","))
            contents = table.to_csv(index=False, sep=";", lineterminator="\n").encode("utf-8-sig")
            to = results.folder / "excel" / path.relative_to(results.folder)
            paths.append(write_whole(to, contents, private_from=results.folder))
    return paths


def member_table(study: Study, results: Results) -> tuple[pd.DataFrame, dict[str, str]]:
    """Say of each unit who it is, where it is placed, how surely, and with which scores.

    Returns
    -------
    DataFrame, n units; dict of str to str
        Index `unit`; its name and background, profile, `profile_name`, certainty,
        ``probability_1`` to k, ``score_<phase>`` and ``error_<phase>`` (0-100); and what each
        column means, the index included.
    """
    wave, code = study.reference_wave, study.languages[0]
    members = results.load("05_profiles", "members", wave)
    units, _ = population(study, wave)
    chances = results.load("05_profiles", "probabilities", wave)
    scores = results.load("02_scores", "scores", wave)
    errors = results.load("02_scores", "standard_errors", wave)
    names = _profile_names(study, results)
    parts = [
        units.rename(columns=_as_variable),
        members["profile"].to_frame().assign(profile_name=members["profile"].map(names)),
        members.drop(columns="profile"),
        chances.rename(columns=lambda column: str(column).replace("profile ", "probability_")),
        scores.add_prefix("score_"),
        errors.add_prefix("error_"),
    ]
    table = pd.concat([part.reindex(members.index) for part in parts], axis=1)
    meanings = read_list("columns")
    labels = {column: meanings.get(column, "") for column in [members.index.name, *table]}
    labels |= {_as_variable(column): str(column) for column in units if column not in meanings}
    for phase, title in study.phase_names(code).items():
        labels[f"score_{phase}"] = f"{title}: score, 0-100"
        labels[f"error_{phase}"] = f"{title}: standard error of the score, points of 0-100"
    for number, name in names.items():
        labels[f"probability_{number}"] = f"probability of {name}, 0-1"
    return table, {column: labels[column] for column in [members.index.name, *table]}


def data_dictionary(study: Study, results: Results) -> pd.DataFrame:
    """List every column of every table that was saved, with its type and what it means.

    Returns
    -------
    DataFrame, n columns of tables
        Index `table`, such as ``2018/05_profiles/members.csv``; column, type, meaning (empty where
        the notebook or the docstring of the function must tell).
    """
    questions = study.codebook.items[f"question_{study.languages[0]}"].to_dict()
    known = read_list("columns") | study.phase_names(study.languages[0]) | questions
    rows = [
        (f"{wave}/{step}/{table}.csv", column, kind, known.get(column, ""))
        for step, wave in _saved_steps(study, results)
        for table, schema in results.schemas(step, wave).items()
        for column, kind in {**schema["index"], **schema["columns"]}.items()
    ]
    return pd.DataFrame(rows, columns=["table", "column", "type", "meaning"]).set_index("table")


def _saved_steps(study: Study, results: Results) -> Iterator[tuple[str, str]]:
    for step in plan(study):
        if step.notebook != CHECK and results.has(step.notebook, step.wave):
            yield step.notebook, step.wave


def _profile_names(study: Study, results: Results) -> dict[int, str]:
    chapter = open_chapter(study, results, study.languages[0], "profiles")
    return {group.number: chapter.language.title(group) for group in chapter.groups}


def _as_variable(column: str) -> str:
    """Give a column of a study's own register a name that SPSS takes, and no other column has."""
    plain = re.sub(r"\W", "_", str(column), flags=re.ASCII)
    return column if column in REGISTER else f"background_{plain}"[:LONGEST]


def _workbook(sheets: dict[str, pd.DataFrame]) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, "xlsxwriter", engine_kwargs={"options": OPTIONS}) as writer:
        writer.book.set_properties({"created": CREATED})
        for name, table in sheets.items():
            table.to_excel(writer, sheet_name=name, freeze_panes=(1, 1), merge_cells=False)
            writer.sheets[name].autofit(400)
    return buffer.getvalue()


def _sav(study: Study, members: pd.DataFrame, labels: dict[str, str]) -> bytes:
    """Set members for SPSS, with labels of columns and values."""
    table = members.reset_index()
    truths = [column for column in table if pd.api.types.is_bool_dtype(table[column])]
    table[truths] = table[truths].astype("float64")
    named = members.groupby("profile")["profile_name"].first().to_dict()
    values = dict.fromkeys(truths, YES_NO) | {"profile": named, "second_profile": named}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "members.sav"
        pyreadstat.write_sav(
            table, path, file_label=study.name, column_labels=list(labels.values()),
            variable_value_labels=values,
        )  # fmt: skip
        contents = bytearray(path.read_bytes())
    contents[SAV_TIME] = MIDNIGHT
    return bytes(contents)
