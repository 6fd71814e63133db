"""Extend the register of municipalities to a later year, by files of Statistics Netherlands (CBS).

Read are the yearly workbook 'Gemeenten alfabetisch' (codes, names, provinces) and csv files of
StatLine (population per municipality and year, with codes or with names, padded or not). With the
optional package cbsodata (``pip install "cycle-analysis[online]"``) such a csv can be fetched.

A list of municipalities does not tell which of the vanished went where. That stands in a small csv
of events that the user writes; nothing is guessed. The extended register is written as two csv
files that a study names in study.yaml, so that its results rest on files of its own.
"""

import csv
import io
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from cycle_analysis.problems import Problem, refuse, refuse_any
from cycle_analysis.readers.flat_files import read_text
from cycle_analysis.readers.raw_table import as_text
from cycle_analysis.readers.workbooks import check_archive
from cycle_analysis.study.text_files import read_table
from cycle_analysis.units import SIZE, Register, read_events
from cycle_analysis.units.identification import allowed_units, identify
from cycle_analysis.whole_files import absent

CBS_LIMITS = [5_000, 10_000, 20_000, 50_000, 100_000, 150_000, 250_000]
"""Inhabitants from which CBS size classes 2 to 8 begin."""
TABLE = "37259eng"
"""Population dynamics per region and year; Sex T001038 is both sexes."""
HEADINGS = {
    "name": r"gemeentenaam|municipality|regio'?s|regions",
    "province": "provincienaam|province",
    "year": "perioden|periods|jaar|year",
    "population": "bevolking|population|inwoners",
}
"""How the columns that are read are headed."""
_CODE = r"GM\d{4}"
_YEAR = r"^((?:19|20)\d\d)(?:JJ00|\*+)?$"
_OFFLINE = (
    "Download the municipalities elsewhere (StatLine as csv, 'Gemeenten alfabetisch' as xlsx) "
    "and name that file to extend-register"
)


def size_classes(persons: pd.Series) -> pd.Series:
    """CBS size class 1 to 8 of a number of inhabitants.

    Examples
    --------
    >>> size_classes(pd.Series([4_999, 5_000, 250_000])).tolist()
    [1, 2, 8]
    """
    return pd.Series(np.digitize(persons, CBS_LIMITS) + 1, index=persons.index)


def fetch_to_file(year: int, path: Path) -> int:
    """Fetch all municipalities of 1 January of a year from CBS StatLine into a csv.

    Returns
    -------
    int
        How many there are. The file has what `read_year` reads: code, municipality, population
        (persons on 1 January) and year.

    Raises
    ------
    InputError
        When the file is there already, cbsodata is not installed, CBS cannot be reached, or it has
        no such year yet.
    """
    if path.exists():
        raise refuse(path.name, "file", "", "is there already", "", "Use it, or take it away first")
    selection = ["Regions", "Periods", "PopulationOn1January_1"]
    filters = f"Sex eq 'T001038' and Periods eq '{year}JJ00' and substringof('GM',Regions)"
    place = ("CBS StatLine", TABLE)
    try:
        import cbsodata

        answer = cbsodata.download_data(TABLE, typed=True, select=selection, filters=filters)
    except ImportError as error:
        what = "the optional package cbsodata is not installed"
        remedy = f"Install it: pip install cbsodata. Or do without it. {_OFFLINE}"
        raise refuse(*place, "", what, "", remedy) from error
    except OSError as error:
        what = f"cannot be reached; this machine may be offline ({type(error).__name__})"
        raise refuse(*place, "", what, "", _OFFLINE) from error
    figures = pd.DataFrame(answer["TypedDataSet"], columns=selection).dropna(subset=selection[2])
    if figures.empty:
        raise refuse(*place, str(year), "has no figures for this year", "", _OFFLINE)
    titles = {region["Key"].strip(): region["Title"] for region in answer["Regions"]}
    code = figures["Regions"].str.strip()
    name = code.map(titles).str.replace(r" \((?:gemeente|municipality)\)$", "", regex=True)
    persons = figures[selection[2]].astype(int)
    table = pd.DataFrame({"code": code, "municipality": name, "population": persons, "year": year})
    path.parent.mkdir(parents=True, exist_ok=True)
    table.sort_values("code").to_csv(path, index=False, lineterminator="\n")
    return len(table)


def read_year(files: list[Path], register: Register, year: int) -> pd.DataFrame:
    """Read the municipalities of 1 January of a year from one or more CBS files.

    Parameters
    ----------
    files : list of path
        Workbook 'Gemeenten alfabetisch' (.xlsx), or a csv of StatLine in one of its two forms: the
        table as shown (with title rows and a last line on the source) or the untranslated data set;
        for instance the workbook with names and provinces, and a csv with populations. Each lists
        all municipalities.
    register : Register
        Finds the codes when a file has only names.
    year : int
        Of several years in a file, the one wanted.

    Returns
    -------
    DataFrame, index `unit`
        What the files have of `name`, `province`, `population` (persons on 1 January) and `year`;
        of two names, the first file's.

    Raises
    ------
    InputError
        When a file has no column of municipalities, not this year, a municipality twice, or a name
        that leads to no code, or two files list other municipalities.
    """
    first, *others = (_read_cbs(Path(file), register, year) for file in files)
    for file, table in zip(files[1:], others, strict=True):
        odd = table.index.symmetric_difference(first.index)
        if len(odd):
            what = f"lists other municipalities than {Path(files[0]).name}"
            remedy = f"Take files of 1 January {year} with municipalities only"
            listed = ", ".join(odd[:5])
            raise refuse(Path(file).name, "municipalities", listed, what, "", remedy)
        first = first.join(table[table.columns.difference(first.columns)], validate="1:1")
    return first


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
        raise refuse("register", "year", str(year), what)
    day = pd.Timestamp(year, 1, 1)
    old = register.units[register.units["valid_until"].isna()]
    gone = sorted(set(old["unit"]) - set(units.index))
    new = sorted(set(units.index) - set(old["unit"]))
    # a new code needs a name, a province and a size class, or it could not be grouped
    lacking = [what for what in ("name", "province", "population") if what not in units]
    what = f"is new, and no file has its {' and '.join(lacking)}"
    remedy = "Name the workbook 'Gemeenten alfabetisch' and a csv with populations, both"
    refuse_any(Problem("register", "unit", code, what, "", remedy) for code in new if lacking)
    rows = _renamed(register, units, day)
    appeared = units.loc[new].reset_index()
    columns = [column for column in appeared if column in rows]
    rows = pd.concat([rows, appeared[columns].assign(valid_from=day)], ignore_index=True)
    events = register.events
    if events_csv is not None:
        given = read_table(events_csv, ["date", "from_unit", "to_unit"])
        rows = _dated_by_events(rows, given, gone, new)
        current = rows[~rows["unit"].isin(set(register.units["unit"]) - set(old["unit"]))]
        events = pd.concat([events, read_events(events_csv, current)], ignore_index=True)
    _refuse_untold(rows, events, gone, new)
    sizes = register.size_classes.reindex(rows["unit"].unique())
    classes = size_classes(units["population"]) if "population" in units else pd.Series(dtype=int)
    sizes[year] = classes.reindex(sizes.index)
    return replace(register, units=rows, events=events, size_classes=sizes.astype("Int64"))


def write_register(register: Register, units_csv: Path, events_csv: Path) -> None:
    """Write a register as the two csv files that `read_register` reads.

    Raises
    ------
    InputError
        When a file is there already: nothing is overwritten.
    """
    there = [path.name for path in (units_csv, events_csv) if path.exists()]
    remedy = "Take it away first if it should be made anew"
    refuse_any(Problem(name, "file", "", "is there already", "", remedy) for name in there)
    aliases = register.aliases.groupby("unit")["alias"].agg("|".join)
    sizes = register.size_classes.add_prefix(SIZE)
    again = register.units["unit"].duplicated()
    names = register.units["unit"].map(aliases).where(~again)
    table = register.units.assign(aliases=names).join(sizes, on="unit", validate="m:1")
    form: dict[str, Any] = {"index": False, "date_format": "%Y-%m-%d", "lineterminator": "\n"}
    table.to_csv(units_csv, **form)
    register.events.to_csv(events_csv, float_format="%.15g", **form)


def _read_cbs(file: Path, register: Register, year: int) -> pd.DataFrame:
    """Read one file: what it has of the columns of `read_year`, index `unit`."""
    table = _from_columns(_rows(file), file.name)
    if "unit" not in table:
        found = identify(table["name"], register, f"{register.last_year}-12-31")
        unknown = found.assign(name=table["name"])[found["unit"].isna()]
        place, remedy = file.name, "Download the table with codes, municipalities only"
        refuse_any(
            Problem(place, "municipalities", row.name, row.problem, allowed, remedy)
            for row in unknown.itertuples(index=False)
            for allowed in [allowed_units(row.problem, row.suggestions)]
        )
        table = table.assign(unit=found["unit"])
    if "year" in table:
        years = ", ".join(map(str, sorted(table["year"].unique())))
        table = table[table["year"] == year]
        if table.empty:
            raise refuse(file.name, "years", str(year), "is not in it", years)
    twice = table.loc[table["unit"].duplicated(), "unit"]
    what = "is there twice: select one figure per municipality (all ages, both sexes)"
    refuse_any(Problem(file.name, "municipalities", code, what) for code in twice[:5])
    return table.set_index("unit").sort_index()


def _rows(file: Path) -> list[list[str]]:
    """Cells of a csv, or of a workbook's first sheet."""
    if not file.is_file():
        raise absent(file, "Correct its name in the command")
    if file.suffix.lower() == ".xlsx":
        check_archive(file)
        try:
            sheet = CalamineWorkbook.from_path(file).get_sheet_by_index(0)
        except CalamineError as error:
            raise refuse(file.name, "file", "", f"is no workbook ({error})") from error
        return [[as_text(cell) for cell in row] for row in sheet.to_python()]
    text = read_text(file)[0].decode("utf-8")
    delimiter = ";" if text.count(";") > text.count(",") else ","
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def _from_columns(rows: list[list[str]], file: str) -> pd.DataFrame:
    """Columns recognised by their heading or their content, rows of municipalities only."""
    columns = dict(enumerate(zip_longest(*rows, fillvalue="")))
    cells = pd.DataFrame(columns, dtype="str").apply(lambda column: column.str.strip())
    if cells.empty:
        raise refuse(file, "file", "", "is empty")
    codes = cells.apply(lambda column: column.str.fullmatch(_CODE))
    table, found, n_headings = cells, {}, 8
    if codes.to_numpy().any():
        found["unit"] = codes.sum().idxmax()
        table = cells[codes[found["unit"]]]
        n_headings = int(table.index[0])
    heading = cells.iloc[:n_headings].apply(lambda column: " ".join(column).casefold())
    for name, pattern in HEADINGS.items():
        matching = heading.index[heading.str.contains(pattern)].difference(found.values())
        if len(matching):
            found[name] = matching[0]
    if not {"unit", "name"} & set(found):
        allowed = "a column of codes as GM0363, or one headed Gemeentenaam or Regio's"
        raise refuse(file, "columns", "", "none holds municipalities", allowed)
    table = table[list(found.values())].set_axis(list(found), axis=1)
    # lines without years and populations, as headings and sources, go
    if "year" in table:
        table = table.assign(year=pd.to_numeric(table["year"].str.extract(_YEAR)[0]))
    if "population" in table:
        digits = table["population"].str.replace(r"[.\s]", "", regex=True)
        table = table.assign(population=pd.to_numeric(digits, errors="coerce"))
    numbers = [column for column in ("year", "population") if column in table]
    return table.dropna(subset=numbers).astype(dict.fromkeys(numbers, int))


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
    refuse_any(
        Problem("register", "unit", code, f"{what}, and no event says how", "", remedy)
        for code, what in untold
    )
