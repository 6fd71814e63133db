"""Set the units that answered against the population.

The response account counts population, invited and responding units by size and region, both
collapsed, since twelve provinces by eight size classes leave cells without anyone; a test and its
effect size say whether response depends on them.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy import stats

SIZE_GROUPS = {"<20k": 3, "20-50k": 4, "50-100k": 5, "100k+": 8}
"""CBS size classes collapsed to four groups of inhabitants, with the last class of each."""
REGIONS = {
    "Noord": ["Groningen", "Fryslân", "Drenthe"],
    "Oost": ["Overijssel", "Gelderland", "Flevoland"],
    "West": ["Utrecht", "Noord-Holland", "Zuid-Holland", "Zeeland"],
    "Zuid": ["Noord-Brabant", "Limburg"],
}
"""Provinces collapsed to the four parts of the country (CBS landsdelen)."""
_REGION_OF = {province: region for region, parts in REGIONS.items() for province in parts}


def are_municipalities(units: pd.DataFrame) -> bool:
    """Whether units have the background of Dutch municipalities: size class and province.

    Examples
    --------
    >>> from cycle_analysis.units.register import load_register
    >>> are_municipalities(load_register().on("2022-05-01"))
    True
    """
    return {"size_class", "province"} <= set(units) and set(units["province"]) <= set(_REGION_OF)


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
    >>> from cycle_analysis.units.register import load_register
    >>> collapsed = collapse_background(load_register().on("2022-05-01"))
    >>> collapsed.loc["GM0363", ["size", "region"]].tolist()
    ['100k+', 'West']
    """
    sizes = population["size_class"].astype("Int64")
    collapsed = population.assign(
        size=pd.cut(sizes, [0, *SIZE_GROUPS.values()], labels=list(SIZE_GROUPS), ordered=False),
        region=pd.Categorical(population["province"].map(_REGION_OF), list(REGIONS)),
    )
    unplaced = collapsed.index[collapsed[["size", "region"]].isna().any(axis=1)].tolist()
    if unplaced:
        raise ValueError(
            f"population: {len(unplaced)} units have no size class from 1 to 8, or a province that "
            f"is not one of the twelve: {unplaced[:5]}."
        )
    return collapsed


def count_respondents(units: pd.Series) -> pd.DataFrame:
    """Count the respondents of each unit that answered, and group the counts.

    Parameters
    ----------
    units : Series, n respondents
        Unit codes.

    Returns
    -------
    DataFrame, index `unit`
        n : respondents; group : an ordered category, 1, 2, 3-4 or 5+.

    Examples
    --------
    >>> count_respondents(pd.Series(["A", "A", "A", "B"]))["group"].tolist()
    ['3-4', '1']
    """
    n = units.value_counts().sort_index()
    groups = pd.cut(n, [0, 1, 2, 4, np.inf], labels=["1", "2", "3-4", "5+"])
    return pd.DataFrame({"n": n, "group": groups}).rename_axis("unit")


def response_account(
    population: pd.DataFrame,
    responded: Iterable[str],
    by: list[str],
    invited: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Count population, invited and responding units per group.

    Parameters
    ----------
    population : DataFrame, index `unit`
        All units with their background.
    responded, invited : iterable of str
        Units; all units were invited when `invited` is absent.
    by : list of str
        Columns of `population` that make the groups.

    Returns
    -------
    DataFrame, one row per group
        population, invited, responded : number of units.
        rate : responded / invited, 0-1.
        share_population, share_responded : share of the group among each, 0-1.

    Raises
    ------
    ValueError
        When a responding or invited unit is not in the population, one responded uninvited, or a
        unit of the population belongs to no group.

    Examples
    --------
    >>> population = pd.DataFrame({"size": ["s", "s", "l"]}, index=["A", "B", "C"])
    >>> response_account(population, ["A", "C"], ["size"])["rate"].to_dict()
    {'l': 1.0, 's': 0.5}
    """
    asked = population.index if invited is None else pd.Index(set(invited))
    answered = pd.Index(set(responded))
    for what, units, allowed in (
        ("invited", asked, population.index),
        ("responded", answered, population.index),
        ("responded", answered, asked),
    ):
        if stray := sorted(units.difference(allowed)):
            raise ValueError(
                f"{what}: {len(stray)} units are not among the {len(allowed)} they come from: "
                f"{stray[:5]}. Harmonise the codes, or add the units."
            )
    if groupless := population.index[population[by].isna().any(axis=1)].tolist():
        raise ValueError(
            f"population: {len(groupless)} units have no {' or '.join(by)}: {groupless[:5]}. "
            "Fill it in, or make a group of them."
        )
    counts = population[by].assign(
        population=1,
        invited=population.index.isin(asked).astype(int),
        responded=population.index.isin(answered).astype(int),
    )
    account = counts.groupby(by, observed=True).sum()
    return account.assign(
        rate=account["responded"] / account["invited"],
        share_population=account["population"] / account["population"].sum(),
        share_responded=account["responded"] / account["responded"].sum(),
    )


def nonresponse_tests(account: pd.DataFrame) -> pd.DataFrame:
    """Test for each background of a response account whether response depends on it.

    Pearson's chi-square of responded against not, over groups, with Cramér's V (Cramér 1946).

    Parameters
    ----------
    account : DataFrame
        As `response_account` gives it, indexed by one background or more.

    Returns
    -------
    DataFrame, index `background`
        chi_square, df, p, cramers_v (0-1), smallest_expected (under 5 the p-value is rough), and
        reason, which says so where there is nothing to test.

    Examples
    --------
    >>> groups = pd.MultiIndex.from_product([["s", "l"], ["N", "Z"]], names=["size", "region"])
    >>> account = pd.DataFrame({"invited": 25, "responded": [5, 15, 15, 15]}, index=groups)
    >>> nonresponse_tests(account).loc["size", ["chi_square", "df", "cramers_v"]].tolist()
    [4.0, 1.0, 0.2]
    """
    names = ["chi_square", "df", "p", "cramers_v", "smallest_expected", "reason"]
    rows = {}
    for background in account.index.names:
        counts = account.groupby(level=background)[["invited", "responded"]].sum()
        asked = counts[counts["invited"] > 0]
        table = np.column_stack([asked["responded"], asked["invited"] - asked["responded"]])
        if len(table) < 2 or (table.sum(axis=0) == 0).any():
            rows[background] = [*[np.nan] * 5, "one group, or all or none responded"]
        else:
            chi_square, p, df, expected = stats.chi2_contingency(table, correction=False)
            cramers_v = np.sqrt(chi_square / table.sum())
            rows[background] = [chi_square, float(df), p, cramers_v, expected.min(), ""]
    return pd.DataFrame.from_dict(rows, "index", columns=names).rename_axis("background")


def precision(account: pd.DataFrame) -> pd.DataFrame:
    """Give the precision of shares if it were chance who responded: one row, index `finding`.

    Columns n_units, population, margin: half the width of a 95% interval around one half, 0-1,
    missing for fewer than two units.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley, section 3.2.

    Examples
    --------
    >>> account = pd.DataFrame({"responded": [60, 40], "population": [200, 142]})
    >>> round(precision(account).loc["precision", "margin"], 3)
    np.float64(0.083)
    """
    n, population = int(account["responded"].sum()), int(account["population"].sum())
    variance = 0.25 / (n - 1) * (1 - n / population) if n > 1 else np.nan
    margin = float(stats.norm.ppf(0.975) * np.sqrt(variance))
    row = {"n_units": n, "population": population, "margin": margin}
    return pd.DataFrame([row], index=pd.Index(["precision"], name="finding"))


def response_by_wave(
    responded: Mapping[str, Iterable[str]], population: pd.DataFrame
) -> pd.DataFrame:
    """Count who answered in each wave, and how many of them answered in the wave before.

    Parameters
    ----------
    responded : mapping of wave to units
        In order of the waves, all harmonised to the day of `population`.
    population : DataFrame, index `unit`

    Returns
    -------
    DataFrame, one row per wave
        population : units that could answer; responded; rate (0-1); again : also in the wave
        before; joined : not in the wave before; left : in the wave before but not in this one. The
        last three are missing for the first.

    Raises
    ------
    ValueError
        When a unit is not in the population.

    Examples
    --------
    >>> population = pd.DataFrame(index=["A", "B", "C", "D"])
    >>> waves = {"2018": ["A", "B"], "2022": ["B", "C", "D"]}
    >>> response_by_wave(waves, population).loc["2022"].tolist()
    [4.0, 3.0, 0.75, 1.0, 2.0, 1.0]
    """
    waves = {wave: set(units) for wave, units in responded.items()}
    if stray := sorted(set().union(*waves.values()) - set(population.index)):
        raise ValueError(
            f"responded: {len(stray)} units are not in the population: {stray[:5]}. "
            "Harmonise all waves to one day first."
        )
    rows = []
    before: set[str] | None = None
    for units in waves.values():
        moved = [np.nan] * 3
        if before is not None:
            moved = [len(units & before), len(units - before), len(before - units)]
        rows.append([len(population), len(units), len(units) / len(population), *moved])
        before = units
    columns = ["population", "responded", "rate", "again", "joined", "left"]
    return pd.DataFrame(rows, index=pd.Index(waves, name="wave"), columns=columns)
