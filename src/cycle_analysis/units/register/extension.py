"""Extend the register to a later year, by CBS files and a csv of what became of the vanished.

A list of municipalities does not tell which of the vanished went where. That stands in a small csv
of events that the user writes; nothing is guessed. The extended register is written as two csv
files that a study names in study.yaml, so that its results rest on files of its own.
"""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from cycle_analysis.problems import InputError, Problem
from cycle_analysis.units.identification import identify
from cycle_analysis.units.register import SIZE, Register, read_events, read_table
from cycle_analysis.units.register.cbs import read_cbs
from cycle_analysis.units.register.make import size_classes

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
