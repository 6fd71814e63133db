"""Bring the answers of one day to the units of a later day, one rule per kind of value.

Respondents are recoded to the later unit and then pooled; where only figures per unit are known,
scores and shares are averaged by inhabitants, counts are spread by inhabitants, and a label stays
when all predecessors bear it. Which units pass their answer on is decided by `assign_heirs`, how
much of a later unit is then covered stands in `panel_coverage`.
"""

from collections.abc import Iterable

import pandas as pd

from cycle_analysis.units.harmonisation import GROWN, MERGED, SPLIT, harmonise, units_in_force
from cycle_analysis.units.register import Register


def assign_heirs(crosswalk: pd.DataFrame, at_least: float = 0.8) -> pd.DataFrame:
    """Give every unit one successor or none, as a panel needs it.

    An organisation's answer cannot be divided. A split in which one heir has `at_least` of the
    persons counts as a merger with that heir; the units of other splits leave the panel.

    Parameters
    ----------
    crosswalk : DataFrame
        As `harmonise` gives it.
    at_least : float, share of persons above one half, default 0.8

    Returns
    -------
    DataFrame, one row per `from_unit`
        Columns as `crosswalk`; `to_unit` is missing for what is not mapped or has no such heir;
        `weight` stays the share that the heir has in truth.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> codes = ["GM0053", "GM0788"]
    >>> assign_heirs(harmonise(codes, "2018-05-01", "2022-05-01", load_register()))
      from_unit to_unit   weight    kind
    0    GM0053  GM1966  0.88464  merged
    1    GM0788     NaN      NaN   split
    """
    if not 0.5 < at_least <= 1:
        raise ValueError(f"at_least is {at_least}; choose a share above 0.5, at most 1.")
    split = crosswalk["kind"] == SPLIT
    heir = split & (crosswalk["weight"] >= at_least)
    kind = crosswalk["kind"].mask(heir & (crosswalk["from_unit"] != crosswalk["to_unit"]), MERGED)
    kind = kind.mask(heir & (crosswalk["from_unit"] == crosswalk["to_unit"]), GROWN)
    lost = {"to_unit": None, "weight": float("nan")}
    kept = crosswalk.assign(kind=kind, **{
        column: crosswalk[column].mask(split & ~heir, value) for column, value in lost.items()
    })  # fmt: skip
    best_first = kept.sort_values("weight", ascending=False, kind="stable")
    return best_first.drop_duplicates("from_unit").sort_index().reset_index(drop=True)


def panel_coverage(
    answered: Iterable[str],
    from_date: str | pd.Timestamp,
    to_date: str | pd.Timestamp,
    register: Register,
    persons: pd.Series | None = None,
) -> pd.DataFrame:
    """How much of each later unit is covered by the units that answered on the earlier day.

    Parameters
    ----------
    answered : iterable of str
        Units that answered, codes of `from_date`.
    from_date, to_date : str or Timestamp
    register : Register
    persons : Series, optional
        Inhabitants on `from_date`, on codes. Without it those of the register's events, which are
        the persons on the day of the first change; where some of a later unit are not known, its
        predecessors count alike.

    Returns
    -------
    DataFrame, index `unit` (of `to_date`), units of which at least a part answered
        n_predecessors, n_answered : number of earlier units, whole or in part.
        covered : share of the persons whose earlier unit answered and passed its answer on.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> panel_coverage(["GM0575"], "2018-05-01", "2022-05-01", load_register()).round(3).to_dict()
    {'n_predecessors': {'GM0575': 2}, 'n_answered': {'GM0575': 1}, 'covered': {'GM0575': 0.611}}
    """
    start = pd.Timestamp(from_date)
    everyone = harmonise(units_in_force(register, start), start, to_date, register)
    heirs = assign_heirs(everyone).dropna(subset="to_unit")
    size = persons_at_change(register, start) if persons is None else persons
    parts = everyone.dropna(subset="to_unit")
    known = parts["from_unit"].map(size)
    known = known.where(known.notna().groupby(parts["to_unit"]).transform("all"), 1.0)
    weight = parts["weight"] * known
    passed_on = pd.MultiIndex.from_frame(heirs[["from_unit", "to_unit"]])
    given = parts["from_unit"].isin(set(answered)) & pd.MultiIndex.from_frame(
        parts[["from_unit", "to_unit"]]
    ).isin(passed_on)
    table = pd.DataFrame(
        {
            "n_predecessors": parts.groupby("to_unit").size(),
            "n_answered": given.groupby(parts["to_unit"]).sum(),
            "covered": (weight * given).groupby(parts["to_unit"]).sum()
            / weight.groupby(parts["to_unit"]).sum(),
        }
    ).rename_axis("unit")
    return table[table["n_answered"] > 0]


def persons_at_change(register: Register, date: str | pd.Timestamp) -> pd.Series:
    """Inhabitants of units that change after a day, on the day of their first change.

    Returns
    -------
    Series, index `from_unit`
        Number of persons, missing when the register does not say.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> persons_at_change(load_register(), "2018-05-01")[["GM0575", "GM0576"]].tolist()
    [26174.0, 16685.0]
    """
    events = register.events
    events = events[(events["kind"] != "border") & (events["date"] > pd.Timestamp(date))]
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
    >>> from cycle_analysis.units.register import load_register
    >>> units = pd.Series(["GM0457", "GM0363", None])
    >>> crosswalk = harmonise(units.dropna(), "2022-03-01", "2022-05-01", load_register())
    >>> recode_units(units, assign_heirs(crosswalk)).tolist()
    ['GM0363', 'GM0363', nan]
    """
    successor = _successors(units.dropna(), crosswalk)
    return units.map(successor).astype("str").rename(units.name)


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
    later = pd.Series(scores.index, index=scores.index).map(
        _successors(pd.Series(scores.index), crosswalk)
    )
    shared = later.notna() & later.duplicated(keep=False)
    weights = pd.Series(scores.index.map(persons), index=scores.index).where(shared, 1.0)
    if lacking := weights.index[weights.isna()].tolist():
        raise ValueError(
            f"persons: {len(lacking)} units that merge have no number of inhabitants: "
            f"{lacking[:5]}. Supply them, for instance by cycle_analysis.units.register.cbs."
        )
    total = scores.mul(weights, axis=0).groupby(later).sum(min_count=1)
    weight = scores.notna().mul(weights, axis=0).groupby(later).sum()
    return (total / weight).rename_axis(scores.index.name)


def combine_counts(counts: pd.DataFrame, crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Add up counts of predecessors; those of a divided unit are spread by inhabitants.

    Parameters
    ----------
    counts : DataFrame, units × p
    crosswalk : DataFrame
        As `harmonise` gives it, splits included.

    Returns
    -------
    DataFrame, later units × p
        The totals are those of `counts`, less what is unmapped.

    Examples
    --------
    >>> crosswalk = pd.DataFrame(
    ...     {"from_unit": ["a", "a"], "to_unit": ["b", "c"], "weight": [0.75, 0.25]})
    >>> combine_counts(pd.DataFrame({"n": [8]}, index=["a"]), crosswalk)["n"].to_dict()
    {'b': 6.0, 'c': 2.0}
    """
    _refuse_unknown(pd.Series(counts.index), crosswalk)
    parts = crosswalk.dropna(subset="to_unit")
    parts = parts[parts["from_unit"].isin(counts.index)]
    spread = counts.loc[parts["from_unit"]].mul(parts["weight"].to_numpy(), axis=0)
    return spread.groupby(parts["to_unit"].to_numpy()).sum().rename_axis(counts.index.name)


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


def _successors(units: pd.Series, crosswalk: pd.DataFrame) -> pd.Series:
    """Give the one later unit of every unit, after a check that there is one row for each."""
    _refuse_unknown(units, crosswalk)
    if twice := crosswalk.loc[crosswalk["from_unit"].duplicated(), "from_unit"].tolist():
        raise ValueError(
            f"crosswalk: {len(twice)} units have two successors: {twice[:5]}. "
            "Decide first: assign_heirs(crosswalk)."
        )
    return crosswalk.set_index("from_unit")["to_unit"]


def _refuse_unknown(units: pd.Series, crosswalk: pd.DataFrame) -> None:
    if unknown := sorted(set(units) - set(crosswalk["from_unit"])):
        raise ValueError(
            f"crosswalk: {len(unknown)} units are not in it: {unknown[:5]}. "
            "Harmonise all units that are used."
        )
