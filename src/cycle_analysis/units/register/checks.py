"""What can be wrong with a register: everything found is returned, nothing is repaired."""

import pandas as pd

from cycle_analysis.problems import Problem

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
