"""The register of units: which existed on a day, and their background.

What can be wrong with a register: everything found is returned, nothing is repaired.

The register: every unit of the population, when it existed, and what became of it.

The bundled register holds the Dutch municipalities of 2016-2026 (Bron: CBS, bewerkt, CC BY 4.0;
see README.md beside this file). A study of other units brings a csv with `unit` and `name`.
A unit exists from `valid_from` until the day before `valid_until`; no date means always.
"""

import csv
import io
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import InputError, Problem

BEGINNING, END = pd.Timestamp("1000-01-01"), pd.Timestamp("9999-12-31")
"""Stand for no date, where dates are compared."""


def unit_problems(units: pd.DataFrame, file: str) -> list[Problem]:
    """Problems of a table of units, all cells still text.

    Parameters
    ----------
    units : DataFrame
        Columns `unit`, `name`, `valid_from`, `valid_until`; row 0 is line 2 of the file.
    file : str
        Its name, for the messages.
    """
    if units.empty:
        return [Problem(file, "file", "", "has no units", "one row per unit")]
    found = []
    for column in ("unit", "name"):
        found += _found(file, units[units[column] == ""], column, "is empty", "a text")
    for column in ("valid_from", "valid_until"):
        found += _date_problems(units, column, file)
    return found or _period_problems(units, file)


def event_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
    """Problems of a table of events, all cells still text, against the dated table of units."""
    found = _date_problems(events, "date", file, required=True)
    for column in ("from_unit", "to_unit"):
        unknown = events[~events[column].isin(units["unit"])]
        remedy = "Add the unit to the register, or mend the code"
        found += _found(file, unknown, column, "is not a unit of the register", "", remedy)
    for column, highest in (("share", 1.0), ("persons", float("inf"))):
        number = pd.to_numeric(events[column].replace("", "0.5"), errors="coerce")
        wrong = events[~number.gt(0) | number.gt(highest)]
        limits = "a number above 0" + (", at most 1" if column == "share" else "")
        found += _found(file, wrong, column, "is no such amount", limits)
    twice = events[events.duplicated(["date", "from_unit", "to_unit"])]
    found += _found(file, twice, "from_unit", "repeats an earlier row")
    return found or [*_share_problems(events, file), *_timing_problems(events, units, file)]


def _found(
    file: str, rows: pd.DataFrame, column: str, what: str, allowed: str = "", remedy: str = ""
) -> list[Problem]:
    """One problem per row, with the value of `column`."""
    return [
        Problem(file, f"row {row + 2}, column {column}", str(value), what, allowed, remedy)
        for row, value in rows[column].items()
    ]


def _date_problems(
    table: pd.DataFrame, column: str, file: str, required: bool = False
) -> list[Problem]:
    dates = pd.to_datetime(table[column], format="%Y-%m-%d", errors="coerce")
    wrong = table[dates.isna() & ((table[column] != "") | required)]
    return _found(file, wrong, column, "is not a date", "year-month-day, as 2019-01-01")


def _period_problems(units: pd.DataFrame, file: str) -> list[Problem]:
    """Periods that end before they begin; two periods of a unit that overlap or leave a gap."""
    begin = pd.to_datetime(units["valid_from"].replace("", None)).fillna(BEGINNING)
    end = pd.to_datetime(units["valid_until"].replace("", None)).fillna(END)
    found = _found(file, units[end <= begin], "valid_until", "is not later than valid_from")
    order = units.assign(begin=begin, end=end).sort_values(["unit", "begin"])
    before = order.groupby("unit")["end"].shift()
    remedy = "Keep one row per unit, or give each row a period that begins where the last ended"
    overlap = "is there twice, in periods that overlap"
    found += _found(file, order[before > order["begin"]], "unit", overlap, "", remedy)
    gap = "leaves a gap after an earlier period"
    return found + _found(file, order[before < order["begin"]], "unit", gap, "", remedy)


def _share_problems(events: pd.DataFrame, file: str) -> list[Problem]:
    """Shares of what one unit gives away on one day, which must add up to 1."""
    moved = events[events["kind"] != "border"]
    shares = moved["share"].replace("", "1").astype(float)
    total = shares.groupby([moved["from_unit"], moved["date"]]).sum()
    remedy = "Add what is missing; what the unit keeps is a row from it to itself"
    return [
        Problem(file, f"{unit} on {date}", f"{share:.5f}", "is the sum of its shares", "1", remedy)
        for (unit, date), share in total[(total - 1).abs() > 5e-5].items()
    ]


def _timing_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
    """Units that receive when not in force, give everything away and go on, or end untold."""
    date = pd.to_datetime(events["date"])
    first = units["valid_from"].fillna(BEGINNING).groupby(units["unit"]).min()
    last = units["valid_until"].fillna(END).groupby(units["unit"]).max()
    absent = (events["to_unit"].map(first) > date) | (events["to_unit"].map(last) <= date)
    what = "receives on a day on which it is not in force"
    found = _found(file, events[absent], "to_unit", what, "", "Mend one of the dates")
    days = pd.MultiIndex.from_arrays([events["from_unit"], date])
    kept = (events["from_unit"] == events["to_unit"]) | (events["kind"] == "border")
    goes_on = (events["from_unit"].map(last) != date) & ~days.isin(days[kept])
    what = "gives everything away but does not end on that day"
    remedy = "Set its valid_until to this day, or add a row from it to itself with what it keeps"
    found += _found(file, events[goes_on], "from_unit", what, "", remedy)
    ends = last[last < END]
    untold = ends[~pd.MultiIndex.from_arrays([ends.index, ends]).isin(days)]
    what = "and no event says where it went"
    return found + [
        Problem(file, str(unit), f"ends on {day:%Y-%m-%d}", what, "", "Add the event")
        for unit, day in untold.items()
    ]


_HERE = Path(__file__).parent
SIZE = "size_"
"""Begins the columns of size classes: size_2022."""


@dataclass(frozen=True, eq=False)
class Register:
    """Units, the events that changed them, and other names for them.

    Attributes
    ----------
    units : DataFrame, one row per unit and period
        Columns `unit`, `name`, `valid_from`, `valid_until` (dates, NaT = always), then background.
    events : DataFrame, one row per transfer between two units
        Columns `date`, `from_unit`, `to_unit`, `kind`, `share` of the persons of `from_unit`,
        `persons`. Kind `kept` is what a unit itself keeps when it takes in others; kind `border`
        is a border correction, too small to count as a change of the unit.
    aliases : DataFrame
        Columns `alias`, `unit`. An alias of two units is ambiguous and identifies neither.
    size_classes : DataFrame, units × years
        Size class on 1 January. Without columns when the register has none.
    """

    units: pd.DataFrame
    events: pd.DataFrame
    aliases: pd.DataFrame
    size_classes: pd.DataFrame

    def on(self, date: str | pd.Timestamp) -> pd.DataFrame:
        """Units in force on a day, with their background.

        Parameters
        ----------
        date : str or Timestamp
            The day, as in ``"2022-03-24"``.

        Returns
        -------
        DataFrame, units × background
            Index `unit`; columns `name`, those of the register, and `size_class` (of 1 January of
            that year, or the nearest year that the register has).

        Raises
        ------
        InputError
            When no unit was in force: the register does not reach that far.

        Warns
        -----
        UserWarning
            When the day lies after the register's last year.

        Examples
        --------
        >>> register = load_register()
        >>> [len(register.on(date)) for date in ("2022-03-23", "2022-03-24")]
        [345, 344]
        """
        day = pd.Timestamp(date)
        begun = ~(self.units["valid_from"] > day)
        there = self.units[begun & ~(self.units["valid_until"] <= day)].set_index("unit")
        if there.empty:
            raise InputError([self._out_of_reach(day)])
        there = there.drop(columns=["valid_from", "valid_until"])
        if self.size_classes.columns.empty:
            return there
        if day.year > self.last_year:
            warnings.warn(
                f"The register ends in {self.last_year}: {day:%Y-%m-%d} is answered with the units "
                f"of {self.last_year}. Extend it: cycle-analysis extend-register.",
                stacklevel=2,
            )
        return there.assign(size_class=self._size_class(day.year).reindex(there.index))

    @property
    def last_year(self) -> int:
        """Last year of which size classes are known; only for a register that has them."""
        return int(self.size_classes.columns.max())

    def _size_class(self, year: int) -> pd.Series:
        """Size class of every unit in `year`, else the last before, else the first after it."""
        distance = {column: (column > year, abs(column - year)) for column in self.size_classes}
        nearest_first = self.size_classes[sorted(distance, key=lambda column: distance[column])]
        return nearest_first.bfill(axis=1).iloc[:, 0].rename("size_class")

    def _out_of_reach(self, day: pd.Timestamp) -> Problem:
        first, last = self.units["valid_from"].min(), self.units["valid_until"].max()
        return Problem(
            "register",
            "valid_from, valid_until",
            f"{day:%Y-%m-%d}",
            "no unit was in force on this day",
            f"{first:%Y-%m-%d} or later" if first <= last or pd.isna(last) else "",
            "Use a later fieldwork date, or a register that reaches further",
        )


@cache
def load_register() -> Register:
    """Dutch municipalities from 2016 to 2026, bundled with the package.

    Examples
    --------
    >>> load_register().on("2026-01-01").loc["GM0363", ["name", "province"]].tolist()
    ['Amsterdam', 'Noord-Holland']
    """
    return read_register(_HERE / "units.csv", _HERE / "events.csv", _HERE / "aliases.csv")


def read_register(
    units_csv: str | Path,
    events_csv: str | Path | None = None,
    aliases_csv: str | Path | None = None,
) -> Register:
    """Read a register of units from csv files.

    Parameters
    ----------
    units_csv : path
        Columns `unit` and `name`; optionally `valid_from`, `valid_until` (``2019-01-01``; the
        latter is the first day on which the unit no longer exists), `aliases` (separated by
        ``|``), `size_2022` and so on (size class per year), and any background column. A unit
        that was renamed has one row per period. Values are read as text: NA is Namibia.
    events_csv : path, optional
        Columns `date`, `from_unit`, `to_unit`; optionally `share` (of the persons of `from_unit`
        that went to `to_unit`; 1 when absent), `persons`, `kind`.
    aliases_csv : path, optional
        Columns `alias`, `unit`.

    Raises
    ------
    InputError
        With everything that is wrong: missing columns, unreadable dates, units twice in force,
        gaps in a unit's periods, events of unknown units, shares that do not add up to 1.
    """
    raw = read_table(units_csv, ["unit", "name"])
    raw = _with_columns(raw, valid_from="", valid_until="", aliases="")
    found = unit_problems(raw, Path(units_csv).name)
    if found:
        raise InputError(found)
    units = _dated(raw, ["valid_from", "valid_until"])
    events = read_events(events_csv, units)
    own = raw[["aliases", "unit"]].assign(alias=raw["aliases"].str.split("|")).explode("alias")
    aliases = own[["alias", "unit"]]
    if aliases_csv is not None:
        aliases = pd.concat([aliases, read_table(aliases_csv, ["alias", "unit"])[aliases.columns]])
    aliases = aliases[aliases["alias"].str.strip() != ""].drop_duplicates(ignore_index=True)
    if found := _unknown_aliases(aliases, units, aliases_csv or units_csv):
        raise InputError(found)
    sizes = [column for column in raw if column.removeprefix(SIZE).isdigit()]
    background = [c for c in units if c not in {*sizes, "unit", "name", "aliases"}]
    return Register(
        units[["unit", "name", *background]].replace("", None),
        events,
        aliases,
        _size_classes(raw, sizes),
    )


def read_table(path: str | Path, required: list[str]) -> pd.DataFrame:
    """Read all cells of a csv as text, empty ones as '', after a check of its columns.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column of `required`, or has rows of another width.
    """
    name = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        remedy = "Check its name and where it stands"
        raise InputError([Problem(name, "file", "", what, "", remedy)]) from error
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte {error.start})"
        remedy = "Save the file as csv in UTF-8"
        raise InputError([Problem(name, "file", "", what, "csv in UTF-8", remedy)]) from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    lines = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    columns = [column.strip() for column in lines[0]] if lines else []
    rows = {line: row for line, row in enumerate(lines[1:]) if any(map(str.strip, row))}
    missing = [column for column in required if columns.count(column) != 1]
    found = [
        Problem(name, "first line", column, "is not a column, or more than one", str(required))
        for column in missing
    ] + [
        Problem(name, f"row {line + 2}", "", f"has {len(row)} cells", f"{len(columns)} cells")
        for line, row in rows.items()
        if len(row) != len(columns)
    ]
    if found:
        raise InputError(found)
    table = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns, dtype="str")
    return table.apply(lambda column: column.str.strip())


def _with_columns(table: pd.DataFrame, **defaults: str) -> pd.DataFrame:
    """`table` with those of the columns it lacks, filled with their default."""
    lacking = {column: value for column, value in defaults.items() if column not in table}
    return table.assign(**lacking)


def _dated(raw: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """`raw` with text columns that hold dates turned into dates; empty is NaT."""
    dates = {column: pd.to_datetime(raw[column].replace("", None)) for column in columns}
    return raw.assign(**dates)


def read_events(path: str | Path | None, units: pd.DataFrame) -> pd.DataFrame:
    """Read events with all six columns, checked against the dated units; empty without a file."""
    columns = ["date", "from_unit", "to_unit", "kind", "share", "persons"]
    if path is None:
        empty = pd.DataFrame(columns=columns, dtype="str")
        return empty.astype({"date": "datetime64[us]", "share": float, "persons": float})
    raw = read_table(path, columns[:3])
    raw = _with_columns(raw, kind="", share="1", persons="")
    if found := event_problems(raw, units, Path(path).name):
        raise InputError(found)
    events = _dated(raw, ["date"])[columns]
    numbers = events[["share", "persons"]].replace("", None).astype(float)
    split = numbers["share"].lt(1).map({True: "split", False: "merger"})
    kept = events["from_unit"] == events["to_unit"]
    kind = events["kind"].where(events["kind"] != "", split.mask(kept, "kept"))
    return events.assign(kind=kind, **dict(numbers.items())).sort_values(
        "date", kind="stable", ignore_index=True
    )


def _unknown_aliases(aliases: pd.DataFrame, units: pd.DataFrame, path: str | Path) -> list[Problem]:
    unknown = aliases[~aliases["unit"].isin(units["unit"])]
    return [
        Problem(Path(path).name, f"alias {alias}", unit, "is not a unit of the register")
        for alias, unit in zip(unknown["alias"], unknown["unit"], strict=True)
    ]


def _size_classes(raw: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Units × years; of a unit with several periods, the first size class known."""
    years = [int(column.removeprefix(SIZE)) for column in columns]
    sizes = raw.set_index("unit")[columns].set_axis(years, axis=1).replace("", None)
    return sizes.apply(pd.to_numeric).astype("Int64").groupby(level="unit").first()
