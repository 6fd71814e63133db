"""Read a survey export as text, one module for each family of files, and know its survey tool.

A reader decides nothing about answers. It gives every cell as text, the row numbers that the user
sees in the file, and what the file itself says: labels, questions, missing codes. Kept libraries
parse: pyreadstat for SPSS and Stata, calamine for spreadsheets. The export of a survey tool is
known by its shape, and brought to one header and one row each:

LimeSurvey, any file
    Question codes, abbreviated or full questions as headings, Dutch or English; answer codes or
    answers in full; ``N/A`` for not shown. Incomplete rows are counted, timings known. Of its VV
    files the second row holds the codes.
Qualtrics, any file: three header rows, the legacy two, or one
    Numeric values or choice text, English or Dutch. Previews are left out, incomplete rows and
    spam counted, durations known.
SurveyMonkey, any file: two header rows
    A question stands once, over the rows or choices that stand below it: ``How far? [Pilots]``.
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import FIXED, KEPT, Problem, counted, first_five, refuse
from cycle_analysis.readers.flat_files import read_csv, read_dta, read_sav
from cycle_analysis.readers.raw_table import MOST_BYTES, RawTable, change_texts, text_column
from cycle_analysis.readers.workbooks import read_spreadsheet
from cycle_analysis.study.files import Source
from cycle_analysis.whole_files import absent, check_plain

READERS: dict[str, Callable[[Path, Source], RawTable]] = {
    "csv": read_csv,
    "tsv": read_csv,
    "txt": read_csv,
    "sav": read_sav,
    "zsav": read_sav,
    "por": read_sav,
    "dta": read_dta,
    "xlsx": read_spreadsheet,
    "xlsm": read_spreadsheet,
    "xls": read_spreadsheet,
    "ods": read_spreadsheet,
}
SIGNATURES = {
    b"$fl2": "sav",
    b"$fl3": "zsav",
    b"<stata_dta>": "dta",
    b"pk\x03\x04": "xlsx",
    b"\xd0\xcf\x11\xe0": "xls",
    b"<": "a web page",
    b"%pdf": "a PDF",
    b'[{"': "JSON",
    b'{"': "JSON",
}
"""How files of a kind begin, in lower case and without spaces."""
IN_ZIP = {"xl/workbook.xml": "xlsx", "content.xml": "ods", "word/document.xml": "a Word document"}
"""What a zip is that holds a file of this name."""
TEXTS, PACKED = ("csv", "tsv", "txt"), ("sav", "zsav", "xlsx", "xlsm", "xls", "ods")
NO_LETTERS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
"""What stands in no text, and in each of those that are packed."""
IMPORT_ID = '{"importid"'
STATUS, FINISHED = ("status", "antwoordtype"), ("finished", "voltooid", "afgerond")
OF_QUALTRICS = ("responseid", "recordeddate", "distributionchannel", "antwoordid")
"""Names of columns, without capitals, spaces and marks: one of each kind tells Qualtrics."""
PREVIEWS = re.compile(r"1|2|9|17|.*(?:preview|voorbeeld).*|survey test|enquêtetest")
"""Values of Qualtrics' Status for rows that its author made."""
SPAM = re.compile(r"8|12|(?:imported )?spam|(?:geïmporteerde )?spam")
INCOMPLETE = re.compile(r"0|false|no|nee|onwaar")
NOT_SENT = re.compile("")
LIMESURVEY = (
    {"id", "submitdate", "lastpage"},
    {"response id", "date submitted", "last page"},
    {"antwoord-id", "datum ingediend", "laatste pagina"},
    {"id. response id", "submitdate. date submitted", "lastpage. last page"},
)
"""Headings that only LimeSurvey has together: codes, full in English, in Dutch, abbreviated."""
SURVEYMONKEY = re.compile(r"(?:respondent|collector)[ -]?id")
OF_ONE_ANSWER = re.compile(r"(?:open-ended )?response|open (?:antwoord|respons)|antwoord|respons")
"""What SurveyMonkey writes below a question that has one column."""
VV_SIGNS = {"{question_not_shown}": "N/A", "{quote}": '"', "{tab}": " ", "{newline}": " "}
VV_SIGNS |= {"{cr}": " ", "{lbrace}": "{", "{rbrace}": "}"}
"""What LimeSurvey's VV files write for signs that would break a line, and for not shown."""
SCRIPTS = ("r", "sps", "do")
"""Endings of files that tell R, SPSS or Stata how to read the data."""
NAMELESS = re.compile(r"column \d+")
SUBMITTED = ("submitdate", "date submitted", "datum ingediend")
TOTAL_TIME = (
    "interviewtime",
    "total time",
    "totale tijd",
    *("duration (in seconds)", "duration__in_seconds"),
    "q_totalduration",
)
CODE_AND_TEXT = re.compile(r"([A-Za-z][A-Za-z0-9_]*(?:\[[^\]]+\])?)\.\s+(.+)", re.DOTALL)


def read_export(path: Path, source: Source) -> RawTable:
    """Read the export of a wave with the reader for its kind.

    Raises
    ------
    InputError
        If the file is absent, of an unknown kind, too large, damaged, or without answers.
    """
    _check_file(path)
    kind = (source.format or path.suffix).lower().lstrip(".")
    _check_kind(path, kind)
    if kind not in READERS:
        remedy = "Save it as .sav, .xlsx or .csv"
        remedy += "; in R: haven::write_sav(x, 'x.sav')" * kind.startswith("rd")
        remedy = "Give the file with the data that it reads" if kind in SCRIPTS else remedy
        raise refuse(path.name, "file", kind, "this kind is not read", ", ".join(READERS), remedy)
    table = adapt(READERS[kind](path, source))
    if table.cells.empty:
        remedy = "Export again, with the answers of all respondents"
        raise refuse(path.name, "file", "", "holds no answers", "", remedy)
    return table


def _check_file(path: Path) -> None:
    """Refuse a file that is not there, not in its folder, or larger than any survey."""
    folder = path.absolute().parent.name
    check_plain(path, f"Copy the file itself to {folder}/")
    if not path.is_file():
        remedy = f"Put it in {folder}/, or correct its name: in the command, or as source.file in "
        raise absent(path, f"{remedy}wave.yaml")
    if (size := path.stat().st_size) > MOST_BYTES:
        problem = "is larger than any survey: not opened"
        raise refuse(path.name, "file", f"{size:,} bytes", problem, f"{MOST_BYTES:,} bytes")


def _check_kind(path: Path, kind: str) -> None:
    """Refuse a file that is of another kind than its name says."""
    with path.open("rb") as stream:
        start = b"".join(stream.read(200).lower().split())
    found = next((other for mark, other in SIGNATURES.items() if start.startswith(mark)), "")
    if found == "xlsx" and READERS.get(kind) is not read_spreadsheet:
        found = _look_into(path)
    if not found and kind in PACKED and start and not NO_LETTERS.search(start):
        found = "csv"
    if found and READERS.get(found) is not READERS.get(kind, read_csv):
        remedy = f"Name it .{found}" if found in READERS else "Save it as .xlsx or .csv"
        remedy = "Unpack it, and give the file with the answers" if "zip" in found else remedy
        said = f"is no {'text' if kind in TEXTS else kind} but {found}"
        raise refuse(path.name, "file", "", said, "", remedy)


def _look_into(path: Path) -> str:
    """Say what a zip is by the files in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged zip"
    kinds = (kind for name, kind in IN_ZIP.items() if name in names)
    return next(kinds, f"a zip that holds {first_five(names)}")


def adapt(table: RawTable) -> RawTable:
    """Bring the export of a known survey tool to the shape of any other table."""
    if table.cells.empty:
        return table
    table = _surveymonkey(_without_previews(_qualtrics(_vv(table))))
    if any(headings <= set(_by_folded_name(table)) for headings in LIMESURVEY):
        table = _limesurvey(table)
    folded = _by_folded_name(table)
    folded |= {re.sub(r"\W|_+$", "_", name).strip("_"): there for name, there in folded.items()}
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
    return replace(table, questions=questions)


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
    """Leave out rows that the author made, count them, and count incomplete rows and spam."""
    bare = {re.sub(r"[\W_]", "", name.casefold()): name for name in table.cells.columns}
    status, finished, known = (
        next((bare[name] for name in names if name in bare), "")
        for names in (STATUS, FINISHED, OF_QUALTRICS)
    )
    if not (status and (table.platform or (finished and known))):
        return table
    previews = "row is a preview; left out", "rows are previews; left out"
    spam = "row is marked as spam", "rows are marked as spam"
    unfinished = "row is not finished", "rows are not finished"
    found = [
        *_counted(table, status, SPAM, spam, KEPT),
        *_counted(table, finished, INCOMPLETE, unfinished, KEPT),
        *_counted(table, status, PREVIEWS, previews, FIXED, "previews"),
    ]
    how = table.how if table.platform else f"{table.how}, Qualtrics by its columns"
    kept = table.only(~_which(table, status, PREVIEWS), *found)
    return replace(kept, platform="Qualtrics", how=how)


def _surveymonkey(table: RawTable) -> RawTable:
    """Join both rows of headings: a question, and the rows or choices that it asks of."""
    known = [name for name in table.cells if SURVEYMONKEY.fullmatch(str(name).casefold())]
    below = table.cells.iloc[0].astype("str").str.strip()
    if len(known) < 2 or below[known].any() or not below.any():
        return table
    names, asked = dict[str, str](), ""
    for name, within in below.items():
        asked = asked if NAMELESS.fullmatch(str(name)) else str(name)
        is_one = not within or OF_ONE_ANSWER.fullmatch(within.casefold())
        names[str(name)] = asked if is_one else f"{asked} [{within}]"
    notes = [note for note in table.notes if not NAMELESS.fullmatch(note.value)]
    table = replace(table.only(table.cells.index != table.cells.index[0]), notes=notes)
    how = f"{table.how}, SurveyMonkey with 2 header rows"
    return replace(table.renamed(names), how=how, platform="SurveyMonkey")


def _vv(table: RawTable) -> RawTable:
    """Take the codes of a VV file of LimeSurvey from below its questions, and its signs away."""
    codes = table.cells.iloc[0].astype("str").str.strip()
    if not {code.casefold() for code in codes} >= LIMESURVEY[0] or codes.duplicated().any():
        return table
    questions = dict(zip(codes, map(str, table.cells), strict=True))
    table = table.only(table.cells.index != table.cells.index[0]).renamed(codes.to_dict())
    signs = re.compile("|".join(map(re.escape, VV_SIGNS)))
    plain = partial(signs.sub, lambda sign: VV_SIGNS[sign[0]])
    cells = pd.DataFrame({name: change_texts(table.cells[name], plain) for name in table.cells})
    how = f"{table.how}, VV with 2 header rows"
    return replace(table, cells=cells, questions=questions, how=how)


def _limesurvey(table: RawTable) -> RawTable:
    """Take question codes from headings of code and text; count rows that were not sent."""
    split = {name: CODE_AND_TEXT.fullmatch(name) for name in table.cells.columns}
    codes = {name: part[1] for name, part in split.items() if part}
    questions = {part[1]: part[2] for part in split.values() if part}
    if codes and len(set(codes.values())) == len(codes):
        table = table.renamed(codes)
    questions = questions or table.questions or {name: name for name in table.cells.columns}
    how = f"{table.how}, LimeSurvey"
    table = replace(table, questions=questions, how=how, platform="LimeSurvey")
    folded = _by_folded_name(table)
    column = next((folded[name] for name in SUBMITTED if name in folded), "")
    unsent = "row was not sent in to the end", "rows were not sent in to the end"
    return replace(table, notes=table.notes + _counted(table, column, NOT_SENT, unsent, KEPT))


def _which(table: RawTable, column: str, values: re.Pattern[str]) -> "pd.Series[bool]":
    """Rows with one of some values in a column, or with its label; none without the column."""
    if column not in table.cells:
        return pd.Series(False, index=table.cells.index)
    labels = table.labels.get(column, {})
    texts = table.cells[column].astype("str").str.strip()
    named = texts.map(lambda text: labels.get(text, ""))
    is_one = [
        bool(values.fullmatch(text.casefold()) or (name and values.fullmatch(name.casefold())))
        for text, name in zip(texts, named, strict=True)
    ]
    return pd.Series(is_one, index=table.cells.index)


def _counted(
    table: RawTable,
    column: str,
    values: re.Pattern[str],
    problem: tuple[str, str],
    done: str,
    rule: str = "",
) -> list[Problem]:
    """Say how many rows have one of some values in a column; nothing when none has."""
    rows = table.cells.index[_which(table, column, values)]
    if not len(rows):
        return []
    return [table.problem(column, counted(len(rows), *problem), rows, done=done, rule=rule)]
