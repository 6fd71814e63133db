"""Carry units forward over mergers, and combine what they answered.

Units merge, are divided, and take in others under an unchanged code, so that a join on codes looks
clean and is wrong. Here every event between the two days is followed forward, in order; the weight
is the share of a unit's persons that ends up in another. Nothing is mapped backward. The approach
follows SMMT for Switzerland and COGugaison for France: first the vintage, then the mapping, with
what was mapped, split, and not mapped in one table.

Respondents are recoded to the later unit and then pooled; where only figures per unit are known,
scores and shares are averaged by inhabitants, and a label stays when all predecessors bear it.
Which units pass their answer on is decided by `assign_heirs`, how much of a later unit is then
covered stands in `panel_coverage`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cycle_analysis.problems import first_five
from cycle_analysis.units import RECODE, Day, Register, lifespans

UNCHANGED, GROWN, MERGED, SPLIT, UNMAPPED = "unchanged", "grown", "merged", "split", "unmapped"
MAIN_HEIR = 0.8
"""Share of the persons of a divided unit from which one heir counts as its successor."""


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
    >>> from cycle_analysis.units import load_register
    >>> print(detect_vintage(["GM0363", "GM0457", "GM1991"], load_register()))
    The codes fit the division of 2022-01-01 until 2022-03-24.
    """
    given = pd.Index(pd.unique(pd.Series(list(codes), dtype="object").dropna()))
    known = given.intersection(register.units["unit"])
    begins, ends = register.units["valid_from"], register.units["valid_until"]
    changes = pd.concat([begins, ends, register.transfers["date"]]).dropna()
    days = [pd.NaT] * bool(begins.isna().any()) + sorted(changes.unique())
    rows = []
    for day in days:
        there = pd.Index(register.in_force(day)["unit"].unique())
        lacking, absent = known.difference(there), there.difference(known)
        rows.append((len(there), len(known) - len(lacking), len(absent), first_five(lacking)))
    columns = ["n_units", "n_fitting", "n_absent", "not_fitting"]
    divisions = pd.DataFrame(rows, columns=columns, index=pd.Index(days, name="valid_from"))
    divisions.insert(0, "valid_until", [*days[1:], pd.NaT])
    best = divisions["n_fitting"] == divisions["n_fitting"].max()
    return Vintage(divisions.assign(best=best), given.difference(known).tolist())


def harmonise(
    codes: Iterable[str], from_date: Day, to_date: Day, register: Register
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
        kind : unchanged (also under a new code); grown (the same unit, but it took in others);
            merged; split; unmapped (not in the register, or without successor on `to_date`).

    Raises
    ------
    ValueError
        When `to_date` lies before `from_date`, or a code is missing.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
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
    first, last = (given.map(days) for days in lifespans(register.units))
    day = pd.Series(start, given.index).mask(first > start, first)
    day = day.mask(last <= start, last - pd.Timedelta(days=1))
    paths = pd.DataFrame({"from_unit": given, "unit": given, "weight": 1.0, "day": day})
    paths = _follow(paths, end, register)
    alive = paths["unit"].isin(register.in_force(end)["unit"])
    mapped = paths.assign(to_unit=paths["unit"].where(alive), weight=paths["weight"].where(alive))
    mapped = mapped.assign(
        order=pd.Index(given).get_indexer(mapped["from_unit"]), kind=_kinds(mapped, end, register)
    )
    mapped = mapped.sort_values(["order", "to_unit"], ignore_index=True)
    codes_and_kind = {"from_unit": "str", "to_unit": "str", "kind": "str"}
    return mapped[["from_unit", "to_unit", "weight", "kind"]].astype(codes_and_kind)


def assign_heirs(crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Give every unit one successor or none, as a panel needs it.

    An organisation's answer cannot be divided. A split in which one heir has `MAIN_HEIR` of the
    persons counts as a merger with that heir; the units of other splits leave the panel.

    Parameters
    ----------
    crosswalk : DataFrame
        As `harmonise` gives it.

    Returns
    -------
    DataFrame, one row per `from_unit`
        Columns as `crosswalk`; `to_unit` is missing for what is not mapped or has no such heir;
        `weight` stays the share that the heir has in truth.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> codes = ["GM0053", "GM0788"]
    >>> assign_heirs(harmonise(codes, "2018-05-01", "2022-05-01", load_register()))
      from_unit to_unit   weight    kind
    0    GM0053  GM1966  0.88464  merged
    1    GM0788     NaN      NaN   split
    """
    split = crosswalk["kind"] == SPLIT
    heir = split & (crosswalk["weight"] >= MAIN_HEIR)
    same = crosswalk["from_unit"] == crosswalk["to_unit"]
    kept = crosswalk.assign(
        kind=crosswalk["kind"].mask(heir & ~same, MERGED).mask(heir & same, GROWN),
        to_unit=crosswalk["to_unit"].mask(split & ~heir, None),
        weight=crosswalk["weight"].mask(split & ~heir),
    )
    best_first = kept.sort_values("weight", ascending=False, kind="stable")
    return best_first.drop_duplicates("from_unit").sort_index().reset_index(drop=True)


def panel_coverage(
    answered: Iterable[str], from_date: Day, to_date: Day, register: Register
) -> pd.DataFrame:
    """How much of each later unit is covered by the units that answered on the earlier day.

    Parameters
    ----------
    answered : iterable of str
        Units that answered, codes of `from_date`.
    from_date, to_date : str or Timestamp
    register : Register
        Its events tell the persons on the day of the first change; where some of a later unit are
        not known, its predecessors count alike.

    Returns
    -------
    DataFrame, index `unit` (of `to_date`), units of which at least a part answered
        n_predecessors, n_answered : number of earlier units, whole or in part.
        covered : share of the persons whose earlier unit answered and passed its answer on.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> panel_coverage(["GM0575"], "2018-05-01", "2022-05-01", load_register()).round(3).to_dict()
    {'n_predecessors': {'GM0575': 2}, 'n_answered': {'GM0575': 1}, 'covered': {'GM0575': 0.611}}
    """
    start = pd.Timestamp(from_date)
    everyone = harmonise(register.in_force(start)["unit"], start, to_date, register)
    heirs = assign_heirs(everyone).set_index("from_unit")["to_unit"]
    parts = everyone.dropna(subset="to_unit")
    known = parts["from_unit"].map(persons_at_change(register, start))
    known = known.where(known.notna().groupby(parts["to_unit"]).transform("all"), 1.0)
    weight = parts["weight"] * known
    passed_on = parts["from_unit"].map(heirs) == parts["to_unit"]
    given = parts["from_unit"].isin(set(answered)) & passed_on
    by_unit = parts.assign(n_answered=given, weight=weight, given=weight * given).groupby("to_unit")
    table = by_unit[["n_answered"]].sum().rename_axis("unit")
    table.insert(0, "n_predecessors", by_unit.size())
    table["covered"] = by_unit["given"].sum() / by_unit["weight"].sum()
    return table[table["n_answered"] > 0]


def persons_at_change(register: Register, date: Day) -> pd.Series:
    """Inhabitants of units that change after a day, on the day of their first change.

    Returns
    -------
    Series, index `from_unit`
        Number of persons, missing when the register does not say.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> persons_at_change(load_register(), "2018-05-01")[["GM0575", "GM0576"]].tolist()
    [26174.0, 16685.0]
    """
    events = register.transfers[register.transfers["date"] > pd.Timestamp(date)]
    first = events[events["date"] == events.groupby("from_unit")["date"].transform("min")]
    return first.groupby("from_unit")["persons"].sum(min_count=1)


def recode_units(units: pd.Series, crosswalk: pd.DataFrame) -> pd.Series:
    """Later unit of each respondent, missing where the crosswalk gives none.

    Parameters
    ----------
    units : Series, n respondents
        Codes; missing ones stay missing.
    crosswalk : DataFrame
        As `assign_heirs` gives it: one row per unit.

    Raises
    ------
    ValueError
        When the crosswalk has two successors for a unit, or lacks a unit.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> units = pd.Series(["GM0457", "GM0363", None])
    >>> crosswalk = harmonise(units.dropna(), "2022-03-01", "2022-05-01", load_register())
    >>> recode_units(units, assign_heirs(crosswalk)).tolist()
    ['GM0363', 'GM0363', nan]
    """
    return units.map(_successors(units.dropna(), crosswalk)).astype("str").rename(units.name)


def combine_scores(
    scores: pd.DataFrame, crosswalk: pd.DataFrame, persons: pd.Series
) -> pd.DataFrame:
    """Average scores or shares of predecessors by inhabitants.

    Parameters
    ----------
    scores : DataFrame, units × p
        Missing scores are left out of the average of that column.
    crosswalk : DataFrame
        As `assign_heirs` gives it.
    persons : Series, on codes
        Inhabitants (of shares: the denominators), needed where a later unit has two predecessors.

    Returns
    -------
    DataFrame, later units × p

    Raises
    ------
    ValueError
        When inhabitants are lacking where they are needed, or the crosswalk lacks a unit.

    Examples
    --------
    >>> crosswalk = pd.DataFrame({"from_unit": ["a", "b"], "to_unit": ["c", "c"]})
    >>> scores = pd.DataFrame({"AG": [80.0, 20.0]}, index=["a", "b"])
    >>> combine_scores(scores, crosswalk, pd.Series({"a": 100, "b": 300})).loc["c", "AG"]
    np.float64(35.0)
    """
    unit = scores.index.to_series()
    later = unit.map(_successors(unit, crosswalk))
    shared = later.notna() & later.duplicated(keep=False)
    weights = unit.map(persons).where(shared, 1.0)
    if lacking := weights.index[weights.isna()].tolist():
        raise ValueError(
            f"persons: {len(lacking)} units that merge have no number of inhabitants: "
            f"{lacking[:5]}. Supply them, for instance by cycle_analysis.units.register_years."
        )
    total = scores.mul(weights, axis=0).groupby(later).sum(min_count=1)
    weight = scores.notna().mul(weights, axis=0).groupby(later).sum()
    return (total / weight).rename_axis(scores.index.name)


def combine_labels(labels: pd.Series, crosswalk: pd.DataFrame) -> pd.Series:
    """Label of each later unit: that of its predecessors when they agree, else missing.

    Parameters
    ----------
    labels : Series, units
        For instance the profile of each unit; missing ones have no say.
    crosswalk : DataFrame
        As `assign_heirs` gives it.

    Examples
    --------
    >>> crosswalk = pd.DataFrame(
    ...     {"from_unit": ["a", "b", "c", "d"], "to_unit": ["e", "e", "f", "f"]})
    >>> combine_labels(pd.Series({"a": 1, "b": 1, "c": 1, "d": 2}), crosswalk).tolist()
    [1.0, nan]
    """
    successor = _successors(pd.Series(labels.index), crosswalk)
    groups = labels.groupby(labels.index.map(successor).to_numpy())
    return groups.first().where(groups.nunique().eq(1)).rename_axis(labels.index.name)


def _follow(paths: pd.DataFrame, end: pd.Timestamp, register: Register) -> pd.DataFrame:
    """Send every code through the events after its day, up to and including `end`."""
    moved = register.transfers[["date", "from_unit", "to_unit", "share"]]
    for date, events in moved[moved["date"] <= end].groupby("date"):
        touched = (paths["day"] < date) & paths["unit"].isin(events["from_unit"])
        if not touched.any():
            continue
        sent = paths[touched].merge(
            events.drop(columns="date").rename(columns={"from_unit": "unit"}), on="unit", how="left"
        )
        weight = sent["weight"] * sent["share"].fillna(1.0)  # a share that is not given is all
        sent = sent.assign(weight=weight, unit=sent["to_unit"])
        paths = pd.concat([paths[~touched], sent[paths.columns]])
        paths = paths.groupby(["from_unit", "unit", "day"], as_index=False)["weight"].sum()
    return paths.assign(weight=paths["weight"].round(9))


def _kinds(mapped: pd.DataFrame, end: pd.Timestamp, register: Register) -> pd.Series:
    """Name what happened to each pair of units."""
    events = register.transfers[register.transfers["date"] <= end]
    final = _after_recodes(events)
    later, earlier = (mapped[side].replace(final) for side in ("to_unit", "from_unit"))
    taken_in = events[(events["from_unit"] != events["to_unit"]) & (events["kind"] != RECODE)]
    growth = taken_in.groupby(taken_in["to_unit"].replace(final))["date"]
    last_growth = growth.max().reindex(later).set_axis(mapped.index)
    kind = pd.Series(MERGED, index=mapped.index)
    same = earlier == later
    kind = kind.mask(same, UNCHANGED).mask(same & (last_growth > mapped["day"]), GROWN)
    return kind.mask(mapped["weight"] < 1, SPLIT).mask(mapped["to_unit"].isna(), UNMAPPED)


def _after_recodes(events: pd.DataFrame) -> dict[str, str]:
    """Last code of every unit that was only given others."""
    recodes = events[events["kind"] == RECODE].sort_values("date", ascending=False)
    final: dict[str, str] = {}
    for old, new in zip(recodes["from_unit"], recodes["to_unit"], strict=True):
        final[old] = final.get(new, new)
    return final


def _successors(units: pd.Series, crosswalk: pd.DataFrame) -> pd.Series:
    """Give the one later unit of every unit, after a check that there is one row for each."""
    if unknown := sorted(set(units) - set(crosswalk["from_unit"])):
        raise ValueError(
            f"crosswalk: {len(unknown)} units are not in it: {unknown[:5]}. "
            "Harmonise all units that are used."
        )
    if twice := crosswalk.loc[crosswalk["from_unit"].duplicated(), "from_unit"].tolist():
        raise ValueError(
            f"crosswalk: {len(twice)} units have two successors: {twice[:5]}. "
            "Decide first: assign_heirs(crosswalk)."
        )
    return crosswalk.set_index("from_unit")["to_unit"]
