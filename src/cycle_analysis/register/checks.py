"""What can be wrong with a register: everything found is returned, nothing is repaired."""

import pandas as pd

from cycle_analysis.problems import Problem


def unit_problems(units: pd.DataFrame, file: str) -> list[Problem]:
    """Problems of a table of units, all cells still text.

    Parameters
    ----------
    units : DataFrame
        Columns `unit`, `name`, `valid_from`, `valid_until`; row 0 is line 2 of the file.
    file : str
        Its name, for the messages.
    """
    found = [
        Problem(file, _row(row), "", f"has no {column}", "a text", "Fill it in")
        for column in ("unit", "name")
        for row in units.index[units[column] == ""]
    ]
    if units.empty:
        found.append(Problem(file, "file", "", "has no units", "one row per unit"))
    for column in ("valid_from", "valid_until"):
        found += _date_problems(units[column], file)
    if not found:
        found = _period_problems(units, file)
    return found


def event_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
    """Problems of a table of events, all cells still text, against the dated table of units."""
    found = _date_problems(events["date"], file, required=True)
    for column in ("from_unit", "to_unit"):
        unknown = events.index[~events[column].isin(units["unit"])]
        found += [
            Problem(file, f"{_row(row)}, column {column}", events.at[row, column],
                    "is not a unit of the register", "", "Add the unit, or mend the code")
            for row in unknown
        ]  # fmt: skip
    for column, highest in (("share", 1.0), ("persons", float("inf"))):
        number = pd.to_numeric(events[column].replace("", "0.5"), errors="coerce")
        wrong = events.index[~number.gt(0) | number.gt(highest)]
        limits = "a number above 0" + (", at most 1" if column == "share" else "")
        found += [
            Problem(file, f"{_row(row)}, column {column}", events.at[row, column], "is no amount",
                    limits) for row in wrong
        ]  # fmt: skip
    twice = events.index[events.duplicated(["date", "from_unit", "to_unit"])]
    found += [Problem(file, _row(row), "", "repeats an earlier row") for row in twice]
    if not found:
        found = _share_problems(events, file) + _timing_problems(events, units, file)
    return found


def _row(row: int) -> str:
    return f"row {row + 2}"


def _date_problems(texts: pd.Series, file: str, required: bool = False) -> list[Problem]:
    dates = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
    wrong = texts.index[dates.isna() & ((texts != "") | required)]
    return [
        Problem(file, f"{_row(row)}, column {texts.name}", texts[row], "is not a date",
                "year-month-day, as 2019-01-01") for row in wrong
    ]  # fmt: skip


def _period_problems(units: pd.DataFrame, file: str) -> list[Problem]:
    """Periods that end before they begin; two periods of a unit that overlap or leave a gap."""
    dates = units.assign(
        valid_from=pd.to_datetime(units["valid_from"].replace("", None)).fillna(pd.Timestamp.min),
        valid_until=pd.to_datetime(units["valid_until"].replace("", None)).fillna(pd.Timestamp.max),
    ).sort_values(["unit", "valid_from"])
    empty = dates.index[dates["valid_until"] <= dates["valid_from"]]
    found = [
        Problem(file, _row(row), units.at[row, "valid_until"], "ends before it begins",
                f"later than {units.at[row, 'valid_from']}") for row in empty
    ]  # fmt: skip
    before = dates.groupby("unit")["valid_until"].shift()
    for row in dates.index[before > dates["valid_from"]]:
        what = "overlaps another period of the same unit, or is there twice"
        remedy = "Keep one row per unit, or give each row its own period"
        found.append(Problem(file, _row(row), units.at[row, "unit"], what, "", remedy))
    for row in dates.index[before < dates["valid_from"]]:
        what = "leaves a gap after an earlier period of the same unit"
        begin = f"valid_from {before[row]:%Y-%m-%d}"
        found.append(Problem(file, _row(row), units.at[row, "unit"], what, begin))
    return found


def _share_problems(events: pd.DataFrame, file: str) -> list[Problem]:
    """Shares of what one unit gives away on one day, which must add up to 1."""
    moved = events[events["kind"] != "border"]
    shares = moved["share"].replace("", "1").astype(float)
    total = shares.groupby([moved["from_unit"], moved["date"]]).sum()
    return [
        Problem(file, f"{unit} on {date}", f"{share:.5f}", "is the sum of its shares", "1",
                "Add what is missing; what the unit keeps is a row from it to itself")
        for (unit, date), share in total[(total - 1).abs() > 5e-5].items()
    ]  # fmt: skip


def _timing_problems(events: pd.DataFrame, units: pd.DataFrame, file: str) -> list[Problem]:
    """Units that receive when not in force, or give everything away and go on; lost ends."""
    date = pd.to_datetime(events["date"])
    first = units.groupby("unit")["valid_from"].apply(lambda day: day.min(skipna=False))
    ends = units.groupby("unit")["valid_until"].apply(lambda day: day.max(skipna=False))
    found = []
    receiver_from = events["to_unit"].map(first)
    receiver_ends = events["to_unit"].map(ends)
    for row in events.index[(receiver_from > date) | (receiver_ends <= date)]:
        what = "receives on a day on which it is not in force"
        found.append(
            Problem(file, _row(row), events.at[row, "to_unit"], what, "", "Mend one of the dates")
        )
    kept = (events["from_unit"] == events["to_unit"]) | (events["kind"] == "border")
    keeps = events.loc[kept, ["from_unit", "date"]].apply(tuple, axis=1)
    gives = events[["from_unit", "date"]].apply(tuple, axis=1)
    goes_on = (events["from_unit"].map(ends) != date) & ~gives.isin(set(keeps))
    for row in events.index[goes_on]:
        what = "gives everything away but does not end on that day"
        remedy = (
            "Set its valid_until to this day, or add a row from it to itself with what it keeps"
        )
        found.append(Problem(file, _row(row), events.at[row, "from_unit"], what, "", remedy))
    ended = ends.dropna()
    told = set(zip(events["from_unit"], date, strict=True))
    for unit, day in ended.items():
        if (unit, day) not in told:
            what = f"ends on {day:%Y-%m-%d} and no event says where it went"
            found.append(Problem(file, "file", str(unit), what, "", "Add the event"))
    return found
