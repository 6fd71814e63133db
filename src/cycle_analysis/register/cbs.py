"""Extend the register by a file of Statistics Netherlands (CBS), for later years and populations.

Read are the yearly workbook 'Gemeenten alfabetisch' (codes, names, provinces) and csv files of
StatLine (population per municipality and year, with codes or with names, padded or not). What a
list of municipalities cannot tell, which of the vanished went where, stands in a small csv of
events that the user writes; nothing is guessed from it.
"""

import csv
import dataclasses
import io
import re
import zipfile
from pathlib import Path

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.register import Register, read_events
from cycle_analysis.register.make import size_classes
from cycle_analysis.units import identify

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


def extend(
    register: Register, units: pd.DataFrame, year: int, events_csv: str | Path | None = None
) -> Register:
    """Extend a register to the municipalities of a later 1 January.

    Parameters
    ----------
    register : Register
    units : DataFrame, index `unit`
        All municipalities of that day, as `read_cbs` gives them: `name`, `province`, and
        `population` if there is one (for the size class).
    year : int
    events_csv : path, optional
        What became of the municipalities that vanished: `date`, `from_unit`, `to_unit`, and `share`
        and `persons` as in `read_register`. Not needed when none vanished.

    Returns
    -------
    Register
        A new one. A new name of an old code begins on 1 January of `year`.

    Raises
    ------
    InputError
        When a municipality vanished or appeared and no event says how, or the events are wrong.
    """
    day = pd.Timestamp(year, 1, 1)
    old = register.units[register.units["valid_until"].isna()]
    gone = sorted(set(old["unit"]) - set(units.index))
    new = sorted(set(units.index) - set(old["unit"]))
    _refuse_incomplete(units, new)
    rows = _renamed(register, units, day)
    appeared = units.loc[new].reset_index()
    columns = [column for column in appeared if column in rows]
    rows = pd.concat([rows, appeared[columns].assign(valid_from=day)], ignore_index=True)
    events = register.events
    if events_csv is not None:
        rows = _dated_by_events(rows, _days_of_change(events_csv), gone, new)
        current = rows[~rows["unit"].isin(set(register.units["unit"]) - set(old["unit"]))]
        events = pd.concat([events, read_events(events_csv, current)], ignore_index=True)
    _refuse_untold(rows, events, gone, new)
    sizes = register.size_classes.reindex(rows["unit"].unique())
    if "population" in units:
        sizes[year] = size_classes(units["population"]).reindex(sizes.index)
    elif year not in sizes:
        sizes[year] = pd.NA
    return dataclasses.replace(
        register, units=rows, events=events, size_classes=sizes.astype("Int64")
    )


def _dated_by_events(
    rows: pd.DataFrame, events: pd.DataFrame, gone: list[str], new: list[str]
) -> pd.DataFrame:
    """First days of new codes and last days of vanished ones, as the events have them."""
    first = rows["unit"].map(events.groupby("to_unit")["date"].min().to_dict())
    last = rows["unit"].map(events.groupby("from_unit")["date"].max().to_dict())
    begins = rows["unit"].isin(new) & first.notna()
    ends = rows["unit"].isin(gone) & rows["valid_until"].isna()
    return rows.assign(
        valid_from=rows["valid_from"].mask(begins, first),
        valid_until=rows["valid_until"].mask(ends, last),
    )


def _workbook(file: Path) -> list[list[str]]:
    """Cells of the first sheet as text, after a check of what would come out of the zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > _LARGEST:
            raise InputError([Problem(file.name, "file", str(size), "bytes is too large")])
        sheet = CalamineWorkbook.from_path(file).get_sheet_by_index(0)
    except (OSError, zipfile.BadZipFile, CalamineError) as error:
        remedy = "Save it again as .xlsx"
        raise InputError([Problem(file.name, "file", "", str(error), "", remedy)]) from error
    return [[_cell(cell) for cell in row] for row in sheet.to_python()]


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _csv(file: Path) -> list[list[str]]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError([Problem(file.name, "file", "", str(error))]) from error
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
    """Codes for names; regions that are larger than a municipality stop the reading."""
    day = f"{table['year'].max()}-01-01" if "year" in table else "2026-01-01"
    found = identify(table["name"], register, day)
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


def _refuse_incomplete(units: pd.DataFrame, new: list[str]) -> None:
    if new and not {"name", "province"} <= set(units):
        what = "is new, and the file has no names and provinces"
        remedy = "Join the workbook 'Gemeenten alfabetisch' of that year"
        raise InputError([Problem("register", "unit", code, what, "", remedy) for code in new])


def _renamed(register: Register, units: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Rows of the register, with a new period for each code that has another name.

    A name that already leads to the code, as ``Groningen (gemeente)``, is no other name.
    """
    rows = register.units
    if "name" not in units:
        return rows.copy()
    name = rows["unit"].map(units["name"])
    known = identify(name, register, day - pd.Timedelta(days=1))["unit"] == rows["unit"]
    changed = rows["valid_until"].isna() & name.notna() & ~known
    again = rows[changed].assign(name=name[changed], valid_from=day)
    ended = rows.assign(valid_until=rows["valid_until"].mask(changed, day))
    return pd.concat([ended, again], ignore_index=True)


def _days_of_change(events_csv: str | Path) -> pd.DataFrame:
    """Dates of the events as they stand in the file; `read_events` checks them later."""
    rows = _csv(Path(events_csv))
    table = pd.DataFrame(rows[1:], columns=rows[0] if rows else []).apply(lambda c: c.str.strip())
    lacking = {"date", "from_unit", "to_unit"} - set(table)
    if lacking:
        name = Path(events_csv).name
        raise InputError([Problem(name, "first line", c, "is not a column") for c in lacking])
    return table.assign(date=pd.to_datetime(table["date"], errors="coerce"))


def _refuse_untold(
    rows: pd.DataFrame, events: pd.DataFrame, gone: list[str], new: list[str]
) -> None:
    """Every code that vanished needs an event from it, every new one an event to it."""
    open_ended = set(rows.loc[rows["valid_until"].isna(), "unit"])
    untold = [(code, "vanished") for code in gone if code in open_ended]
    untold += [(code, "appeared") for code in new if code not in set(events["to_unit"])]
    remedy = "Add a row date,from_unit,to_unit,share to a csv of events and name it"
    if untold:
        raise InputError(
            Problem("register", "unit", code, f"{what}, and no event says how", "", remedy)
            for code, what in untold
        )
