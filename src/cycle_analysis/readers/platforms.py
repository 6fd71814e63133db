"""Know the export of a survey tool by its shape, and bring it to one header and one row each.

LimeSurvey, csv or Excel
    Question codes, abbreviated or full questions as headings, Dutch or English; answer codes or
    answers in full; ``N/A`` for not shown. Incomplete rows are counted, timings known.
Qualtrics, csv with three header rows or the legacy two
    Numeric values or choice text. Previews are left out, unfinished rows and spam counted,
    durations known.

Nothing about answers is decided here.
"""

import re
from dataclasses import replace

import pandas as pd

from cycle_analysis.problems import FIXED, KEPT, Problem
from cycle_analysis.readers.raw_table import RawTable

IMPORT_ID = '{"importid"'
PREVIEWS = {"1", "2", "9", "17", "survey preview", "survey test", "spam preview"}
"""Values of Qualtrics' Status for rows that its author made."""
SPAM = {"8", "12", "spam", "imported spam"}
UNFINISHED = {"0", "false", "no", "nee", "onwaar"}
LIMESURVEY = (
    {"id", "submitdate", "lastpage"},
    {"response id", "date submitted", "last page"},
    {"antwoord-id", "datum ingediend", "laatste pagina"},
    {"id. response id", "submitdate. date submitted", "lastpage. last page"},
)
"""Headings that only LimeSurvey has together: codes, full in English, in Dutch, abbreviated."""
SUBMITTED = ("submitdate", "date submitted", "datum ingediend")
TOTAL_TIME = (
    "interviewtime",
    "total time",
    "totale tijd",
    "duration (in seconds)",
    "q_totalduration",
)
CODE_AND_TEXT = re.compile(r"([A-Za-z][A-Za-z0-9_]*(?:\[[^\]]+\])?)\.\s+(.+)", re.DOTALL)


def adapt(table: RawTable) -> RawTable:
    """Bring the export of a known survey tool to the shape of any other table."""
    if table.cells.empty:
        return table
    table = _qualtrics(table)
    if any(headings <= set(_by_folded_name(table)) for headings in LIMESURVEY):
        table = _limesurvey(table)
    folded = _by_folded_name(table)
    timed = [folded[name] for name in TOTAL_TIME if name in folded and table.platform]
    return replace(table, duration=timed[0]) if timed else table


def _by_folded_name(table: RawTable) -> dict[str, str]:
    """Columns by their name in lower case."""
    return {name.casefold(): name for name in table.cells.columns}


def _qualtrics(table: RawTable) -> RawTable:
    n_headers = _qualtrics_headers(table.cells)
    if not n_headers:
        return table
    questions = {name: str(table.cells[name].iloc[0]) for name in table.cells.columns}
    how = f"{table.how}, Qualtrics with {n_headers + 1} header rows"
    table = replace(table, cells=table.cells.iloc[n_headers:], how=how, platform="Qualtrics")
    if n_headers == 1:  # the legacy layout hides its own fields behind V1, V2, ...
        names = {n: questions[n] for n in questions if re.fullmatch(r"V\d+", n) and questions[n]}
        table = table.renamed(names)
        questions = {names.get(name, name): text for name, text in questions.items()}
    return _without_previews(replace(table, questions=questions))


def _qualtrics_headers(cells: pd.DataFrame) -> int:
    """How many rows below the first are headers too."""
    for place in (1, 0):
        if len(cells) > place:
            texts = cells.iloc[place].astype("str").str.replace(" ", "").str.casefold()
            if texts.str.startswith(IMPORT_ID).mean() > 0.5:
                return place + 1
    first = {str(text) for text in cells.iloc[0]}
    legacy = cells.columns[0] == "V1" and {"ResponseID", "Status", "Finished"} <= first
    return 1 if legacy else 0


def _without_previews(table: RawTable) -> RawTable:
    """Leave out rows that the author made, count them, and count unfinished rows and spam."""
    found = [
        *_counted(table, "Status", SPAM, "rows are marked as spam", KEPT),
        *_counted(table, "Finished", UNFINISHED, "rows are not finished", KEPT),
        *_counted(table, "Status", PREVIEWS, "rows are previews; left out", FIXED, "previews"),
    ]
    return table.only(~_which(table, "Status", PREVIEWS), *found)


def _limesurvey(table: RawTable) -> RawTable:
    """Take question codes from headings of code and text; count rows that were not sent."""
    split = {name: CODE_AND_TEXT.fullmatch(name) for name in table.cells.columns}
    codes = {name: part[1] for name, part in split.items() if part}
    questions = {part[1]: part[2] for part in split.values() if part}
    if codes and len(set(codes.values())) == len(codes):
        table = table.renamed(codes)
    questions = questions or {name: name for name in table.cells.columns}
    how = f"{table.how}, LimeSurvey"
    table = replace(table, questions=questions, how=how, platform="LimeSurvey")
    folded = _by_folded_name(table)
    column = next((folded[name] for name in SUBMITTED if name in folded), "")
    found = _counted(table, column, {""}, "rows were not sent in to the end", KEPT)
    return replace(table, notes=table.notes + found)


def _which(table: RawTable, column: str, values: set[str]) -> "pd.Series[bool]":
    """Rows with one of some values in a column; none when there is no such column."""
    if column not in table.cells:
        return pd.Series(False, index=table.cells.index)
    return table.cells[column].astype("str").str.strip().str.casefold().isin(values)


def _counted(
    table: RawTable, column: str, values: set[str], problem: str, done: str, rule: str = ""
) -> list[Problem]:
    """Say how many rows have one of some values in a column; nothing when none has."""
    rows = table.cells.index[_which(table, column, values)]
    if not len(rows):
        return []
    return [table.problem(column, rows, "", f"{len(rows)} {problem}", done=done, rule=rule)]
