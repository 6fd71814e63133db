"""Read files of Statistics Netherlands (CBS): municipalities, their provinces and populations.

Read are the yearly workbook 'Gemeenten alfabetisch' (codes, names, provinces) and csv files of
StatLine (population per municipality and year, with codes or with names, padded or not).
"""

import csv
import io
import re
import zipfile
from pathlib import Path

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.units.identification import identify
from cycle_analysis.units.register import Register

_CODE = re.compile(r"GM\d{4}")
_YEAR = re.compile(r"((?:19|20)\d\d)(?:JJ00|\*+)?")
_LARGEST = 200_000_000
"""Bytes that a workbook may hold when unpacked."""


def read_cbs(path: str | Path, register: Register, year: int | None = None) -> pd.DataFrame:
    """Read municipalities, or their populations, from a CBS file.

    Parameters
    ----------
    path : path
        Workbook 'Gemeenten alfabetisch' (.xlsx), or a csv of StatLine in one of its two forms: the
        table as shown (with title rows and a last line on the source) or the untranslated data set.
    register : Register
        Finds the codes when the file has only names.
    year : int, optional
        Of several years in the file, the one wanted; the last when absent.

    Returns
    -------
    DataFrame, index `unit`
        Those of `name`, `province`, `population` (persons on 1 January), `year` that the file has.

    Raises
    ------
    InputError
        When the file has no column of municipalities, not this year, a municipality twice, or a
        name that leads to no code.
    """
    file = Path(path)
    rows = _workbook(file) if file.suffix.lower() == ".xlsx" else _csv(file)
    table = _from_columns(rows, file.name)
    if "unit" not in table:
        table = _with_codes(table, register, file.name)
    if "year" in table:
        wanted = table["year"].max() if year is None else year
        if not table["year"].eq(wanted).any():
            years = ", ".join(map(str, sorted(table["year"].unique())))
            raise InputError([Problem(file.name, "years", str(wanted), "is not in it", years)])
        table = table[table["year"] == wanted]
    if twice := table.loc[table["unit"].duplicated(), "unit"].tolist():
        what = "is there twice: select one figure per municipality (all ages, both sexes)"
        raise InputError([Problem(file.name, "municipalities", code, what) for code in twice[:5]])
    return table.set_index("unit").sort_index()


def _workbook(file: Path) -> list[list[str]]:
    """Cells of the first sheet as text, after a check of what would come out of the zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > _LARGEST:
            raise InputError([Problem(file.name, "file", str(size), "bytes is too large")])
        sheet = CalamineWorkbook.from_path(file).get_sheet_by_index(0)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise InputError([Problem(file.name, "file", "", what)]) from error
    except (zipfile.BadZipFile, CalamineError) as error:
        what, remedy = f"is no workbook ({error})", "Save it again as .xlsx"
        raise InputError([Problem(file.name, "file", "", what, "", remedy)]) from error
    return [[_cell(cell) for cell in row] for row in sheet.to_python()]


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _csv(file: Path) -> list[list[str]]:
    try:
        data = file.read_bytes()
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise InputError([Problem(file.name, "file", "", what)]) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    delimiter = ";" if text.count(";") > text.count(",") else ","
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def _from_columns(rows: list[list[str]], file: str) -> pd.DataFrame:
    """Columns recognised by their heading or their content, rows of municipalities only."""
    width = max(map(len, rows), default=0)
    padded = [row + [""] * (width - len(row)) for row in rows]
    cells = pd.DataFrame(padded, dtype="str").apply(lambda column: column.str.strip())
    if cells.empty:
        raise InputError([Problem(file, "file", "", "is empty")])
    codes = cells.apply(lambda column: column.str.fullmatch(_CODE.pattern))
    table = cells
    found: dict[str, int] = {}
    if codes.to_numpy().any():
        found["unit"] = int(codes.sum().idxmax())
        table = cells[codes[found["unit"]]]
    heading = cells.iloc[: int(table.index[0]) if "unit" in found else 8].apply(
        lambda column: " ".join(column).casefold()
    )
    for name, pattern in {
        "name": r"gemeentenaam|municipality|regio'?s|regions",
        "province": "provincienaam|province",
        "year": "perioden|periods|jaar|year",
        "population": "bevolking|population|inwoners",
    }.items():
        matching = heading.index[heading.str.contains(pattern)].difference(found.values())
        if len(matching):
            found[name] = int(matching[0])
    if not {"unit", "name"} & set(found):
        allowed = "a column of codes as GM0363, or one headed Gemeentenaam or Regio's"
        raise InputError([Problem(file, "columns", "", "none holds municipalities", allowed)])
    return _typed(table[list(found.values())].set_axis(list(found), axis=1))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Years and populations as numbers; lines without them, as headings and sources, go."""
    if "year" in table:
        year = table["year"].str.extract(f"^{_YEAR.pattern}$")[0]
        table = table.assign(year=pd.to_numeric(year))
    if "population" in table:
        digits = table["population"].str.replace(r"[.\s]", "", regex=True)
        table = table.assign(population=pd.to_numeric(digits, errors="coerce"))
    numbers = [column for column in ("year", "population") if column in table]
    return table.dropna(subset=numbers).astype(dict.fromkeys(numbers, int))


def _with_codes(table: pd.DataFrame, register: Register, file: str) -> pd.DataFrame:
    """Codes for names; regions that are larger than a municipality stop the reading.

    Of two municipalities with one name, the one in force in the register's last year is meant.
    """
    found = identify(table["name"], register, f"{register.last_year}-12-31")
    unknown = found["unit"].isna()
    if unknown.any():
        remedy = "Download the table with codes, municipalities only"
        raise InputError(
            Problem(file, "municipalities", name, problem, suggestions, remedy)
            for name, problem, suggestions in zip(
                table.loc[unknown, "name"],
                found.loc[unknown, "problem"],
                found.loc[unknown, "suggestions"],
                strict=True,
            )
        )
    return table.assign(unit=found["unit"])
