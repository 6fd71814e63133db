"""Bring units of one day to the units of a later day.

Units merge, are divided, and take in others under an unchanged code, so that a join on codes looks
clean and is wrong. Here every event between the two days is followed forward, in order; the weight
is the share of a unit's persons that ends up in another. Nothing is mapped backward. The approach
follows SMMT for Switzerland and COGugaison for France: first the vintage, then the mapping, with
what was mapped, split, and not mapped in one table.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cycle_analysis.units.register import Register
from cycle_analysis.units.register.checks import BEGINNING, END

UNCHANGED, GROWN, MERGED, SPLIT, UNMAPPED = "unchanged", "grown", "merged", "split", "unmapped"


@dataclass(frozen=True, eq=False)
class Vintage:
    """Which division of the population a list of codes fits.

    Attributes
    ----------
    divisions : DataFrame, one row per division that the register knows
        Index `valid_from`; columns `valid_until`, `n_units`, `n_fitting` (codes in force),
        `n_absent` (units in force that the list lacks), `not_fitting` (the codes that are not in
        force), `best` (no other division fits more codes).
    unknown : list of str
        Codes that the register does not know at all.
    """

    divisions: pd.DataFrame
    unknown: list[str]

    @property
    def best(self) -> pd.DataFrame:
        """The divisions that fit most codes."""
        return self.divisions[self.divisions["best"]]

    @property
    def mixed(self) -> bool:
        """True when no single division fits all known codes."""
        return bool((self.best["not_fitting"] != "").all())

    def __str__(self) -> str:
        if not self.divisions["n_fitting"].any():
            return f"None of the codes is in the register: {', '.join(self.unknown[:5])}."
        run = (self.divisions["best"] != self.divisions["best"].shift()).cumsum()
        last = self.best[run[self.best.index] == run[self.best.index].iloc[-1]]
        begin, end = last.index[0], last["valid_until"].iloc[-1]
        since = "the register's beginning" if pd.isna(begin) else f"{begin:%Y-%m-%d}"
        period = f"of {since} until " + ("now" if pd.isna(end) else f"{end:%Y-%m-%d}")
        text = f"The codes fit the division {period}"
        if self.mixed:
            lacking = last["not_fitting"].iloc[0]
            text = f"No division fits all codes; nearest is that {period}, without {lacking}"
        if self.unknown:
            text += f"; not in the register: {', '.join(self.unknown[:5])}"
        return text + "."


def detect_vintage(codes: Iterable[str], register: Register) -> Vintage:
    """Find the division of the population that a list of codes fits, with the evidence.

    Parameters
    ----------
    codes : iterable of str
        Codes as `identify` gives them; repeated and missing ones count once and not at all.
    register : Register

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> print(detect_vintage(["GM0363", "GM0457", "GM1991"], load_register()))
    The codes fit the division of 2022-01-01 until 2022-03-24.
    """
    given = pd.Index(pd.unique(pd.Series(list(codes), dtype="object").dropna()))
    known = given.intersection(register.units["unit"])
    begins = _change_days(register)
    rows = []
    for begin in begins:
        there = units_in_force(register, begin)
        lacking = known.difference(there)
        listed = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" * (len(lacking) > 5))
        rows.append((len(there), len(known) - len(lacking), len(there.difference(known)), listed))
    columns = ["n_units", "n_fitting", "n_absent", "not_fitting"]
    divisions = pd.DataFrame(rows, columns=columns, index=pd.Index(begins, name="valid_from"))
    divisions.insert(0, "valid_until", [*begins[1:], pd.NaT])
    best = divisions["n_fitting"] == divisions["n_fitting"].max()
    return Vintage(divisions.assign(best=best), given.difference(known).tolist())


def harmonise(
    codes: Iterable[str],
    from_date: str | pd.Timestamp,
    to_date: str | pd.Timestamp,
    register: Register,
) -> pd.DataFrame:
    """Map codes forward to the units of a later day.

    A code that was not in force on `from_date` is followed from the nearest day on which it was,
    so that one table serves a file of mixed vintages.

    Parameters
    ----------
    codes : iterable of str
        Codes as `identify` gives them; repeated ones count once.
    from_date, to_date : str or Timestamp
        The day of the codes (fieldwork), and the later day. What happens on a day has happened.
    register : Register

    Returns
    -------
    DataFrame, one row per pair of units, in the order of `codes`
        from_unit, to_unit : codes; `to_unit` is missing when the code is not mapped.
        weight : share of the persons of `from_unit` that goes to `to_unit`; adds up to 1.
        kind : unchanged; grown (same code, but it took in others); merged; split; unmapped
            (not in the register, or it has no successor on `to_date`).

    Raises
    ------
    ValueError
        When `to_date` lies before `from_date`, or a code is missing.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> harmonise(["GM0053", "GM0575"], "2018-05-01", "2022-05-01", load_register())
      from_unit to_unit   weight   kind
    0    GM0053  GM1966  0.88464  split
    1    GM0053  GM1969  0.11536  split
    2    GM0575  GM0575  1.00000  grown
    """
    start, end = pd.Timestamp(from_date), pd.Timestamp(to_date)
    if end < start:
        raise ValueError(
            f"to_date {end:%Y-%m-%d} lies before from_date {start:%Y-%m-%d}: units are mapped "
            "forward only. Exchange the dates."
        )
    given = pd.Series(pd.unique(pd.Series(list(codes), dtype="object")), name="from_unit")
    if given.isna().any():
        raise ValueError("codes: one is missing. Leave it out first: codes.dropna().")
    paths = _follow(_start_days(given, start, register), end, register)
    alive = paths["unit"].isin(units_in_force(register, end))
    mapped = paths.assign(to_unit=paths["unit"].where(alive), weight=paths["weight"].where(alive))
    order = mapped["from_unit"].map({code: place for place, code in enumerate(given)})
    mapped = mapped.assign(order=order, kind=_kinds(mapped, end, register))
    mapped = mapped.sort_values(["order", "to_unit"], ignore_index=True)
    return mapped[["from_unit", "to_unit", "weight", "kind"]].astype(
        {"from_unit": "str", "to_unit": "str", "kind": "str"}
    )


def _change_days(register: Register) -> list[pd.Timestamp]:
    """Days on which a division begins, the first of them the register's beginning (or NaT)."""
    begins, ends = register.units["valid_from"], register.units["valid_until"]
    moved = register.events.loc[register.events["kind"] != "border", "date"]
    days = pd.concat([begins, ends, moved]).dropna().drop_duplicates().sort_values().tolist()
    return [pd.NaT, *days] if begins.isna().any() else days


def units_in_force(register: Register, day: pd.Timestamp) -> pd.Index:
    """Units in force on a day; NaT is before every dated change."""
    units = register.units
    begun = units["valid_from"].isna() | (units["valid_from"] <= day)
    return pd.Index(units.loc[begun & ~(units["valid_until"] <= day), "unit"].unique())


def _start_days(codes: pd.Series, start: pd.Timestamp, register: Register) -> pd.DataFrame:
    """From which day each code is followed: `start`, or the nearest on which it was in force."""
    units = register.units
    first = codes.map(units["valid_from"].fillna(BEGINNING).groupby(units["unit"]).min())
    last = codes.map(units["valid_until"].fillna(END).groupby(units["unit"]).max())
    day = pd.Series(start, index=codes.index)
    day = day.mask(first > day, first).mask(last <= day, last - pd.Timedelta(days=1))
    return pd.DataFrame({"from_unit": codes, "unit": codes, "weight": 1.0, "day": day})


def _follow(paths: pd.DataFrame, end: pd.Timestamp, register: Register) -> pd.DataFrame:
    """Send every code through the events after its day, up to and including `end`."""
    moved = register.events[register.events["kind"] != "border"]
    for date, events in moved[moved["date"] <= end].groupby("date"):
        later = paths["day"] < date
        sent = paths[later].merge(
            events[["from_unit", "to_unit", "share"]].rename(columns={"from_unit": "unit"}),
            on="unit",
            how="left",
        )
        sent["weight"] *= sent["share"].fillna(1.0)
        sent["unit"] = sent["to_unit"].fillna(sent["unit"])
        paths = pd.concat([paths[~later], sent[paths.columns]])
        paths = paths.groupby(["from_unit", "unit", "day"], as_index=False)["weight"].sum()
    return paths.assign(weight=paths["weight"].round(9))


def _kinds(mapped: pd.DataFrame, end: pd.Timestamp, register: Register) -> pd.Series:
    """Name what happened to each pair of units."""
    events = register.events
    taken_in = events[
        (events["from_unit"] != events["to_unit"])
        & (events["kind"] != "border")
        & (events["date"] <= end)
    ]
    growth = taken_in.groupby("to_unit")["date"].max()
    last_growth = growth.reindex(mapped["to_unit"]).set_axis(mapped.index)
    kind = pd.Series(MERGED, index=mapped.index)
    same = mapped["from_unit"] == mapped["to_unit"]
    kind = kind.mask(same, UNCHANGED).mask(same & (last_growth > mapped["day"]), GROWN)
    return kind.mask(mapped["weight"] < 1, SPLIT).mask(mapped["to_unit"].isna(), UNMAPPED)
