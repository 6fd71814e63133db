"""Extend the register of municipalities to a later year, from files of CBS.

Read files of Statistics Netherlands (CBS): municipalities, their provinces and populations.

Read are the yearly workbook 'Gemeenten alfabetisch' (codes, names, provinces) and csv files of
StatLine (population per municipality and year, with codes or with names, padded or not).

Fetch municipalities and their populations from CBS StatLine: an optional extra, online.

Needs the package cbsodata (``pip install "cycle-analysis[online]"``). What it fetches can also be
downloaded by hand as a csv of StatLine.

Extend the register to a later year, by CBS files and a csv of what became of the vanished.

A list of municipalities does not tell which of the vanished went where. That stands in a small csv
of events that the user writes; nothing is guessed. The extended register is written as two csv
files that a study names in study.yaml, so that its results rest on files of its own.
"""

import csv
import dataclasses
import importlib
import io
import re
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.units.identification import identify
from cycle_analysis.units.register import SIZE, Register, read_events, read_table

_CODE = re.compile(r"GM\d{4}")
_YEAR = re.compile(r"((?:19|20)\d\d)(?:JJ00|\*+)?")
_LARGEST = 200_000_000
"""Bytes that a workbook may hold when unpacked."""


CBS_LIMITS = [5_000, 10_000, 20_000, 50_000, 100_000, 150_000, 250_000]
"""Inhabitants from which CBS size classes 2 to 8 begin."""


def size_classes(persons: pd.Series) -> pd.Series:
    """CBS size class 1 to 8 of a number of inhabitants.

    Examples
    --------
    >>> size_classes(pd.Series([4_999, 5_000, 250_000])).tolist()
    [1, 2, 8]
    """
    return pd.Series(np.digitize(persons, CBS_LIMITS) + 1, index=persons.index)


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


TABLE = "37259eng"
"""Population dynamics per region and year; Sex T001038 is both sexes."""
_OFFLINE = (
    "Download the municipalities elsewhere (StatLine as csv, 'Gemeenten alfabetisch' as xlsx) "
    "and name that file to extend-register"
)


def fetch_municipalities(year: int, client: ModuleType | None = None) -> pd.DataFrame:
    """Fetch all municipalities of 1 January of a year.

    Parameters
    ----------
    year : int
    client : module, optional
        With the function ``download_data`` of cbsodata, which is taken when absent.

    Returns
    -------
    DataFrame, index `unit`
        name, population (persons on 1 January), year.

    Raises
    ------
    InputError
        When cbsodata is not installed, CBS cannot be reached, or it has no such year yet.
    """
    period = f"{year}JJ00"
    selection = ["Regions", "Periods", "PopulationOn1January_1"]
    filters = f"Sex eq 'T001038' and Periods eq '{period}' and substringof('GM',Regions)"
    try:
        service = client or importlib.import_module("cbsodata")
        answer = service.download_data(TABLE, typed=True, select=selection, filters=filters)
    except ImportError as error:
        what = "the optional package cbsodata is not installed"
        remedy = f"Install it: pip install cbsodata. Or do without it. {_OFFLINE}"
        raise InputError([Problem("CBS StatLine", TABLE, "", what, "", remedy)]) from error
    except OSError as error:
        what = f"cannot be reached; this machine may be offline ({type(error).__name__})"
        raise InputError([Problem("CBS StatLine", TABLE, "", what, "", _OFFLINE)]) from error
    figures = pd.DataFrame(answer["TypedDataSet"], columns=selection)
    figures = figures.dropna(subset="PopulationOn1January_1")
    if figures.empty:
        what = "has no figures for this year"
        raise InputError([Problem("CBS StatLine", TABLE, str(year), what, "", _OFFLINE)])
    titles = {region["Key"].strip(): region["Title"] for region in answer["Regions"]}
    unit = figures["Regions"].str.strip()
    table = pd.DataFrame(
        {
            "name": unit.map(titles).str.replace(
                r" \((?:gemeente|municipality)\)$", "", regex=True
            ),
            "population": figures["PopulationOn1January_1"].astype(int),
            "year": year,
        }
    )
    return table.set_index(unit.rename("unit")).sort_index()


def fetch_to_file(year: int, path: Path, client: ModuleType | None = None) -> int:
    """Fetch the municipalities of a year into a csv that `read_cbs` reads; give their number.

    Raises
    ------
    InputError
        As `fetch_municipalities`; also when the file is there already.
    """
    if path.exists():
        remedy = "Use it, or take it away first"
        raise InputError([Problem(path.name, "file", "", "is there already", "", remedy)])
    table = fetch_municipalities(year, client)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"name": "municipality"}
    table.rename(columns=columns).rename_axis("code").to_csv(path, lineterminator="\n")
    return len(table)


EVENT_COLUMNS = ["date", "from_unit", "to_unit"]


def read_year(files: list[Path], register: Register, year: int) -> pd.DataFrame:
    """Read the municipalities of 1 January of a year from one or more CBS files.

    Parameters
    ----------
    files : list of path
        As `read_cbs` takes them; for instance the workbook with names and provinces, and a csv with
        populations. Each lists all municipalities.
    register : Register
    year : int

    Returns
    -------
    DataFrame, index `unit`
        What the files have of `name`, `province` and `population`; of two names, the first file's.

    Raises
    ------
    InputError
        When a file cannot be read, or two files list other municipalities.
    """
    tables = [read_cbs(file, register, year) for file in files]
    for file, table in zip(files[1:], tables[1:], strict=True):
        odd = table.index.symmetric_difference(tables[0].index)
        if len(odd):
            what = f"lists other municipalities than {Path(files[0]).name}"
            remedy = f"Take files of 1 January {year} with municipalities only"
            listed = ", ".join(odd[:5])
            raise InputError([Problem(Path(file).name, "municipalities", listed, what, "", remedy)])
    joined = tables[0]
    for table in tables[1:]:
        joined = joined.join(table[table.columns.difference(joined.columns)], validate="1:1")
    return joined


def extend(
    register: Register, units: pd.DataFrame, year: int, events_csv: str | Path | None = None
) -> Register:
    """Extend a register to the municipalities of a later 1 January.

    Parameters
    ----------
    register : Register
        Of municipalities, with size classes.
    units : DataFrame, index `unit`
        All municipalities of that day, as `read_year` gives them: `name`, `province`, and
        `population` if there is one (for the size class).
    year : int
        Later than the register's last.
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
        When the register reaches this year already, a municipality vanished or appeared and no
        event says how, or the events are wrong.
    """
    if year <= register.last_year:
        what = f"is not later than the register's last, {register.last_year}"
        raise InputError([Problem("register", "year", str(year), what)])
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
        rows = _dated_by_events(rows, read_table(events_csv, EVENT_COLUMNS), gone, new)
        current = rows[~rows["unit"].isin(set(register.units["unit"]) - set(old["unit"]))]
        events = pd.concat([events, read_events(events_csv, current)], ignore_index=True)
    _refuse_untold(rows, events, gone, new)
    sizes = register.size_classes.reindex(rows["unit"].unique())
    classes = size_classes(units["population"]) if "population" in units else pd.Series(dtype=int)
    sizes[year] = classes.reindex(sizes.index)
    return dataclasses.replace(
        register, units=rows, events=events, size_classes=sizes.astype("Int64")
    )


def write_register(register: Register, units_csv: Path, events_csv: Path) -> None:
    """Write a register as the two csv files that `read_register` reads.

    Raises
    ------
    InputError
        When a file is there already: nothing is overwritten.
    """
    if there := [path.name for path in (units_csv, events_csv) if path.exists()]:
        remedy = "Take it away first if it should be made anew"
        raise InputError(
            Problem(name, "file", "", "is there already", "", remedy) for name in there
        )
    aliases = register.aliases.groupby("unit")["alias"].agg("|".join)
    sizes = register.size_classes.add_prefix(SIZE)
    again = register.units["unit"].duplicated()
    names = register.units["unit"].map(aliases).where(~again)
    table = register.units.assign(aliases=names).join(sizes, on="unit", validate="m:1")
    form: dict[str, Any] = {"index": False, "date_format": "%Y-%m-%d", "lineterminator": "\n"}
    table.to_csv(units_csv, **form)
    register.events.to_csv(events_csv, float_format="%.15g", **form)


def _dated_by_events(
    rows: pd.DataFrame, events: pd.DataFrame, gone: list[str], new: list[str]
) -> pd.DataFrame:
    """First days of new codes and last days of vanished ones, as the events have them.

    A date that is none is left to `read_events`, which names it.
    """
    events = events.assign(date=pd.to_datetime(events["date"], errors="coerce"))
    first = rows["unit"].map(events.groupby("to_unit")["date"].min().to_dict())
    last = rows["unit"].map(events.groupby("from_unit")["date"].max().to_dict())
    begins = rows["unit"].isin(new) & first.notna()
    ends = rows["unit"].isin(gone) & rows["valid_until"].isna()
    return rows.assign(
        valid_from=rows["valid_from"].mask(begins, first),
        valid_until=rows["valid_until"].mask(ends, last),
    )


def _refuse_incomplete(units: pd.DataFrame, new: list[str]) -> None:
    """A new code needs a name, a province and a size class, or it could not be grouped."""
    lacking = [what for what in ("name", "province", "population") if what not in units]
    if new and lacking:
        what = f"is new, and no file has its {' and '.join(lacking)}"
        remedy = "Name the workbook 'Gemeenten alfabetisch' and a csv with populations, both"
        raise InputError([Problem("register", "unit", code, what, "", remedy) for code in new])


def _renamed(register: Register, units: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Rows of the register, with a new period for each code that has another name.

    A name that already leads to the code, as ``Groningen (gemeente)``, is no other name.
    """
    rows = register.units
    if "name" not in units:
        return rows.copy()
    name = rows["unit"].map(units["name"])
    known = identify(name, register, f"{register.last_year}-12-31")["unit"] == rows["unit"]
    changed = rows["valid_until"].isna() & name.notna() & ~known
    again = rows[changed].assign(name=name[changed], valid_from=day)
    ended = rows.assign(valid_until=rows["valid_until"].mask(changed, day))
    return pd.concat([ended, again], ignore_index=True)


def _refuse_untold(
    rows: pd.DataFrame, events: pd.DataFrame, gone: list[str], new: list[str]
) -> None:
    """Every code that vanished needs an event from it, every new one an event to it."""
    open_ended = set(rows.loc[rows["valid_until"].isna(), "unit"])
    untold = [(code, "vanished") for code in gone if code in open_ended]
    untold += [(code, "appeared") for code in new if code not in set(events["to_unit"])]
    remedy = "Write a csv with columns date,from_unit,to_unit,share,persons, and name it: --events"
    if untold:
        raise InputError(
            Problem("register", "unit", code, f"{what}, and no event says how", "", remedy)
            for code, what in untold
        )
