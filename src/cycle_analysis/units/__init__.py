"""The units that are compared: every unit of the population, when it existed, what became of it.

The bundled register holds the Dutch municipalities of 2016-2026 (Bron: CBS, bewerkt, CC BY 4.0;
see register/README.md). A study of other units brings a csv with `unit` and `name`.
A unit exists from `valid_from` until the day before `valid_until`; no date means always. Everything
that is wrong with a register is told at once, and nothing is repaired.
"""

import warnings
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from cycle_analysis.problems import Problem, refuse, refuse_any
from cycle_analysis.study import Study
from cycle_analysis.study.files import BUNDLED
from cycle_analysis.study.text_files import read_table

Day: TypeAlias = str | pd.Timestamp
"""A day, also as ``2018-05-07``."""
BEGINNING, END = pd.Timestamp("1000-01-01"), pd.Timestamp("9999-12-31")
"""Stand for no date, where dates are compared."""
SIZE = "size_"
"""Begins the columns of size classes: size_2022."""
RECODE = "recode"
KINDS = ("merger", "split", "kept", "border", RECODE)
"""What an event may be."""
FOLDER = Path(__file__).parent / "register"
"""Where its csv files stand."""
NOT_KNOWN = "unknown"
"""Group of the units of which the study's own register does not tell the background."""
MOST_GROUPS = 12
"""A background column with more values than this does not group units."""


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
        is a border correction, too small to count as a change of the unit; kind `recode` gives a
        unit another code and nothing else.
    aliases : DataFrame
        Columns `alias`, `unit`. An alias of two units is ambiguous and identifies neither.
    size_classes : DataFrame, units × years
        Size class on 1 January. Without columns when the register has none.
    """

    units: pd.DataFrame
    events: pd.DataFrame
    aliases: pd.DataFrame
    size_classes: pd.DataFrame

    def on(self, date: Day) -> pd.DataFrame:
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
        there = self.in_force(day).set_index("unit").drop(columns=["valid_from", "valid_until"])
        if there.empty:
            first, last = self.units["valid_from"].min(), self.units["valid_until"].max()
            allowed = f"{first:%Y-%m-%d} or later" if first <= last or pd.isna(last) else ""
            what = "no unit was in force on this day"
            remedy = "Use a later fieldwork date, or a register that reaches further"
            place = ("register", "valid_from, valid_until", f"{day:%Y-%m-%d}")
            raise refuse(*place, what, allowed, remedy)
        if self.size_classes.columns.empty:
            return there
        if day.year > self.last_year:
            warnings.warn(
                f"The register ends in {self.last_year}: {day:%Y-%m-%d} is answered with the units "
                f"of {self.last_year}. Extend it: cycle-analysis extend-register.",
                stacklevel=2,
            )
        nearest = sorted(self.size_classes, key=lambda y: (y > day.year, abs(y - day.year)))
        sizes = self.size_classes[nearest[0]]
        for year in nearest[1:]:
            sizes = sizes.fillna(self.size_classes[year])
        return there.assign(size_class=sizes.reindex(there.index))

    def in_force(self, day: pd.Timestamp) -> pd.DataFrame:
        """Rows of `units` that hold on a day; NaT is before every dated change."""
        begun = self.units["valid_from"].isna() | (self.units["valid_from"] <= day)
        return self.units[begun & ~(self.units["valid_until"] <= day)]

    @property
    def transfers(self) -> pd.DataFrame:
        """Events other than border corrections."""
        return self.events[self.events["kind"] != "border"]

    @property
    def last_year(self) -> int:
        """Last year of which size classes are known; only for a register that has them."""
        return int(self.size_classes.columns.max())

    @property
    def first_day(self) -> str:
        """A day on which the units are as the register begins with them."""
        first = self.units["valid_from"].min()
        return f"{pd.Timestamp.min.ceil('D') if pd.isna(first) else first:%Y-%m-%d}"

    @property
    def last_day(self) -> str:
        """A day on which the units are as the register ends with them."""
        known = not self.size_classes.columns.empty
        return f"{self.last_year}-12-31" if known else f"{pd.Timestamp.max:%Y-%m-%d}"


@cache
def load_register() -> Register:
    """Dutch municipalities from 2016 to 2026, bundled with the package.

    Examples
    --------
    >>> load_register().on("2026-01-01").loc["GM0363", ["name", "province"]].tolist()
    ['Amsterdam', 'Noord-Holland']
    """
    return read_register(FOLDER / "units.csv", FOLDER / "events.csv", FOLDER / "aliases.csv")


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
        ``|`` or ``;``), `size_2022` and so on (size class per year), and any background column. A
        unit that was renamed has one row per period. Values are read as text: NA is Namibia.
    events_csv : path, optional
        Columns `date`, `from_unit`, `to_unit`; optionally `share` (of the persons of `from_unit`
        that went to `to_unit`; 1 when absent), `persons`, `kind` (one of `KINDS`; told from the
        shares when empty).
    aliases_csv : path, optional
        Columns `alias`, `unit`.

    Raises
    ------
    InputError
        With everything that is wrong: missing columns, unreadable dates, units twice in force,
        gaps in a unit's periods, events of unknown units, shares that do not add up to 1.
    """
    raw = read_table(units_csv, ["unit", "name"])
    optional = ("valid_from", "valid_until", "aliases")
    raw = raw.assign(**{name: "" for name in optional if name not in raw})
    refuse_any(_unit_problems(raw, Path(units_csv).name))
    units = raw.assign(valid_from=_dates(raw["valid_from"]), valid_until=_dates(raw["valid_until"]))
    events = read_events(events_csv, units)
    own = raw.assign(alias=raw["aliases"].str.split("[|;]", regex=True)).explode("alias")
    aliases = own[["alias", "unit"]]
    if aliases_csv is not None:
        aliases = pd.concat([aliases, read_table(aliases_csv, ["alias", "unit"])[aliases.columns]])
    aliases = aliases[aliases["alias"].str.strip() != ""].drop_duplicates(ignore_index=True)
    unknown = aliases[~aliases["unit"].isin(units["unit"])]
    file, what = Path(aliases_csv or units_csv).name, "is not a unit of the register"
    refuse_any(Problem(file, f"alias {row.alias}", row.unit, what) for row in unknown.itertuples())
    sizes = {c: int(c.removeprefix(SIZE)) for c in raw if c.removeprefix(SIZE).isdigit()}
    classes = raw.set_index("unit")[list(sizes)].rename(columns=sizes).replace("", None)
    classes = classes.apply(pd.to_numeric).astype("Int64").groupby(level="unit").first()
    background = [c for c in units if c not in {*sizes, "unit", "name", "aliases"}]
    units = units[["unit", "name", *background]].replace("", None)
    return Register(units, events, aliases, classes)


def read_events(path: str | Path | None, units: pd.DataFrame) -> pd.DataFrame:
    """Read events with all six columns, checked against the dated units; empty without a file."""
    columns = ["date", "from_unit", "to_unit", "kind", "share", "persons"]
    if path is None:
        empty = pd.DataFrame(columns=columns, dtype="str")
        return empty.astype({"date": "datetime64[us]", "share": float, "persons": float})
    raw = read_table(path, columns[:3])
    defaults = {"kind": "", "share": "1", "persons": ""}
    raw = raw.assign(**{name: text for name, text in defaults.items() if name not in raw})
    refuse_any(_event_problems(raw, units, Path(path).name))
    events = raw[columns].assign(date=_dates(raw["date"]))
    numbers = events[["share", "persons"]].replace("", None).astype(float)
    split = numbers["share"].lt(1).map({True: "split", False: "merger"})
    kept = events["from_unit"] == events["to_unit"]
    kind = events["kind"].where(events["kind"] != "", split.mask(kept, "kept"))
    return events.assign(kind=kind, **dict(numbers.items())).sort_values(
        "date", kind="stable", ignore_index=True
    )


def lifespans(units: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """First day of each unit, and the day after its last, `BEGINNING` and `END` where undated."""
    first = units["valid_from"].fillna(BEGINNING).groupby(units["unit"]).min()
    return first, units["valid_until"].fillna(END).groupby(units["unit"]).max()


def _dates(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts.replace("", None))


def _unit_problems(units: pd.DataFrame, file: str) -> list[Problem]:
    """Wrong cells of a table of units, still texts, and periods that do not follow each other."""
    if units.empty:
        return [Problem(file, "file", "", "has no units", "one row per unit")]
    found = []
    for column in ("unit", "name"):
        found += _found(file, units[units[column] == ""], column, "is empty", "a text")
    for column in ("valid_from", "valid_until"):
        found += _date_problems(units, column, file)
    if found:
        return found
    begin = _dates(units["valid_from"]).fillna(BEGINNING)
    end = _dates(units["valid_until"]).fillna(END)
    found = _found(file, units[end <= begin], "valid_until", "is not later than valid_from")
    order = units.assign(begin=begin, end=end).sort_values(["unit", "begin"])
    before = order.groupby("unit")["end"].shift()
    remedy = "Keep one row per unit, or give each row a period that begins where the last ended"
    for wrong, what in (
        (before > order["begin"], "is there twice, in periods that overlap"),
        (before < order["begin"], "leaves a gap after an earlier period"),
    ):
        found += _found(file, order[wrong], "unit", what, "", remedy)
    return found


def _event_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
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
    odd = events[~events["kind"].isin(["", *KINDS])]
    found += _found(file, odd, "kind", "is no kind of event", ", ".join(KINDS))
    if found:
        return found
    found = [*_share_problems(events, file), *_timing_problems(events, units, file)]
    return found or _recode_problems(events, units, file)


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


def _recode_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
    """Events that are called a change of code, but where more happens."""
    recodes, date = events[events["kind"] == RECODE], pd.to_datetime(events["date"])
    first, last = lifespans(units)
    alone = ~events.duplicated(["date", "to_unit"], keep=False)
    alone &= ~events.duplicated(["date", "from_unit"], keep=False)
    alone &= (events["from_unit"].map(last) == date) & (events["to_unit"].map(first) == date)
    what = "is no mere change of code: one unit ends, and one begins, on that day"
    return _found(file, recodes[~alone[recodes.index]], "from_unit", what, "", "Leave `kind` empty")


def _timing_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
    """Units that receive when not in force, give everything away and go on, or end untold."""
    date = pd.to_datetime(events["date"])
    first, last = lifespans(units)
    absent = (events["to_unit"].map(first) > date) | (events["to_unit"].map(last) <= date)
    what = "receives on a day on which it is not in force"
    found = _found(file, events[absent], "to_unit", what, "", "Mend one of the dates")
    days = pd.MultiIndex.from_arrays([events["from_unit"], date])
    kept = (events["from_unit"] == events["to_unit"]) | (events["kind"] == "border")
    goes_on = (events["from_unit"].map(last) != date) & ~days.isin(days[kept])
    what = "gives everything away but does not end on that day"
    remedy = "Set its valid_until to this day, which is the first without it, or add a row from it "
    remedy += "to itself with what it keeps"
    found += _found(file, events[goes_on], "from_unit", what, "", remedy)
    ends = last[last < END]
    last_days = pd.MultiIndex.from_arrays([ends.index, ends])
    days_after = pd.MultiIndex.from_arrays([ends.index, ends + pd.Timedelta(days=1)])
    untold = ends[~last_days.isin(days) & ~days_after.isin(days[goes_on])]
    what = "and no event says where it went"
    return found + [
        Problem(file, str(unit), f"ends on {day:%Y-%m-%d}", what, "", "Add the event")
        for unit, day in untold.items()
    ]


SIZE_GROUPS = {"<20k": 3, "20-50k": 4, "50-100k": 5, "100k+": 8}
"""CBS size classes collapsed to four groups of inhabitants, with the last class of each."""


@cache
def provinces() -> pd.DataFrame:
    """Provinces of the Netherlands, in the order of CBS.

    Returns
    -------
    DataFrame, 12 provinces
        `region`, the part of the country (landsdeel); `aliases`, numbers, letters and other names
        as CBS and others write them; `short`, `column`, `row` and `side`, how and where a name
        stands on the map of tiles.

    Examples
    --------
    >>> provinces().loc["Fryslân", ["region", "short"]].tolist()
    ['Noord', 'FR']
    """
    table = read_table(FOLDER / "provinces.csv", ["province"]).set_index("province")
    return table.astype({"column": float, "row": float})


def are_municipalities(units: pd.DataFrame) -> bool:
    """Whether units have the background of Dutch municipalities: size class and province.

    Examples
    --------
    >>> are_municipalities(load_register().on("2022-05-01"))
    True
    """
    return {"size_class", "province"} <= set(units) and set(units["province"]) <= set(
        provinces().index
    )


def collapse_background(population: pd.DataFrame) -> pd.DataFrame:
    """Add the collapsed margins of Dutch municipalities.

    Parameters
    ----------
    population : DataFrame, index `unit`
        Columns `size_class` (CBS, 1-8) and `province`, as ``Register.on(date)`` gives them.

    Returns
    -------
    DataFrame
        With `size` (four groups, from small to large) and `region` (four parts of the country).

    Raises
    ------
    ValueError
        When a unit has no size class or another province.

    Examples
    --------
    >>> collapsed = collapse_background(load_register().on("2022-05-01"))
    >>> collapsed.loc["GM0363", ["size", "region"]].tolist()
    ['100k+', 'West']
    """
    sizes, regions = population["size_class"].astype("Int64"), provinces()["region"]
    collapsed = population.assign(
        size=pd.cut(sizes, [0, *SIZE_GROUPS.values()], labels=list(SIZE_GROUPS), ordered=False),
        region=pd.Categorical(population["province"].map(regions), regions.unique()),
    )
    unplaced = collapsed.index[collapsed[["size", "region"]].isna().any(axis=1)].tolist()
    if unplaced:
        raise ValueError(
            f"population: {len(unplaced)} units have no size class from 1 to 8, or a province that "
            f"is not one of the twelve: {unplaced[:5]}."
        )
    return collapsed


def study_register(study: Study) -> Register:
    """Read the register of the study's units: the bundled one, or the study's own.

    Raises
    ------
    InputError
        If the study's own register is absent or wrong.
    """
    if study.units.register_file == BUNDLED:
        return load_register()
    events = study.folder / study.units.events if study.units.events else None
    units = study.folder / study.units.register_file
    return _read_once(units, events, _state(units), _state(events))


@lru_cache(maxsize=8)
def _read_once(units: Path, events: Path | None, *states: tuple[int, int]) -> Register:
    """Read a register again only when a file of it has changed: many ask for the same one."""
    return read_register(units, events)


def _state(path: Path | None) -> tuple[int, int]:
    found = path.stat() if path and path.is_file() else None
    return (found.st_mtime_ns, found.st_size) if found else (0, 0)


def has_municipalities(study: Study) -> bool:
    """Whether a study compares Dutch municipalities, of the bundled register or an extended one."""
    return are_municipalities(study_register(study).on(study.day(study.reference_wave)))


def population(study: Study, wave: str) -> tuple[pd.DataFrame, list[str]]:
    """List all units on the first day of fieldwork, and the background that groups them.

    Municipalities are grouped by size and region. Units of another register are grouped by its own
    columns of at most `MOST_GROUPS` values, where units without a value are a group of their own,
    and without such a column they are one group.

    Returns
    -------
    DataFrame, list of str
        Index `unit`; the columns that make groups.
    """
    units = study_register(study).on(study.day(wave))
    if are_municipalities(units):
        return collapse_background(units), ["size", "region"]
    few = [c for c, n in background_values(units).items() if 1 < n <= MOST_GROUPS]
    if not few:
        return units.assign(everyone="all"), ["everyone"]
    units[few] = units[few].astype("string").fillna(NOT_KNOWN).astype("str")
    return units, few


def background_values(units: pd.DataFrame) -> dict[str, int]:
    """Count the different values of each background column of an own register.

    Examples
    --------
    >>> background_values(pd.DataFrame({"name": ["a", "b"], "region": ["North", "North"]}))
    {'region': 1}
    """
    return {name: int(units[name].nunique()) for name in units.columns if name != "name"}
