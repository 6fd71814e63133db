"""Set the units that answered against the population: account, weights, margins.

The response account counts population, invited and responding units by size and region, both
collapsed, since twelve provinces by eight size classes leave cells without anyone; a test and its
effect size say whether response depends on them.

Weights come from raking (Deming & Stephan 1940) on collapsed margins; extreme weights are trimmed,
and Kish's design effect tells what weighting costs. Own lines rather than a library: raking takes
eight, and all figures equal those of the R package survey (Lumley 2010).

Shares of a finite population of units have intervals on the logit scale, so they stay within 0 and
1. Most studies ask a large part of all units, so the variance, linearised for weights, is
multiplied by 1 − n/N (Cochran 1977).
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import holm

MOST_ROUNDS = 1000
"""Raking and trimming end long before, or never."""


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
        chi_square, df, p, p_holm (adjusted for the number of backgrounds, Holm 1979), cramers_v
        (0-1), smallest_expected (under 5 the p-value is rough), and reason, which says so where
        there is nothing to test.

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
    table = pd.DataFrame.from_dict(rows, "index", columns=names).rename_axis("background")
    table.insert(3, "p_holm", holm(table["p"]))
    return table


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


def rake(population: pd.DataFrame, by: list[str], responded: pd.Index) -> pd.Series:
    """Weights under which the units that responded have the population's margins.

    Iterative proportional fitting: each margin in turn is made to fit, until none is off.

    Parameters
    ----------
    population : DataFrame, index `unit`
        All units with their background.
    by : list of str
        Columns whose margins are to fit.
    responded : Index of n units

    Returns
    -------
    Series, n units
        Weights that add up to the population.

    Raises
    ------
    ValueError
        When a category has no responding unit, a unit no category, or raking does not converge.

    References
    ----------
    Deming, W. E., & Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency
    table when the expected marginal totals are known. Annals of Mathematical Statistics, 11,
    427-444.

    Examples
    --------
    >>> population = pd.DataFrame({"size": ["s", "s", "s", "l"]}, index=["A", "B", "C", "D"])
    >>> rake(population, ["size"], pd.Index(["A", "B", "D"])).tolist()
    [1.5, 1.5, 1.0]
    """
    margins = []
    for name in by:
        if nowhere := population.index[population[name].isna()].tolist():
            raise ValueError(f"population: {len(nowhere)} units have no {name}: {nowhere[:5]}.")
        group, labels = pd.factorize(population[name], sort=True)
        group = group[population.index.get_indexer(responded)]
        if empty := labels.difference(labels[group]).tolist():
            raise ValueError(
                f"population: {name} has no responding unit in {empty[:5]}. Collapse these "
                "categories with others."
            )
        margins.append((group, population[name].value_counts()[labels].to_numpy(dtype=float)))
    weights = np.ones(len(responded))
    for _ in range(MOST_ROUNDS):
        for group, total in margins:
            weights = weights * (total / np.bincount(group, weights))[group]
        off = max(np.abs(np.bincount(group, weights) / total - 1).max() for group, total in margins)
        if off <= 1e-10:
            return pd.Series(weights, index=responded, name="weight")
    raise ValueError(
        f"population: after {MOST_ROUNDS} rounds a margin is still {off:.1e} off. They contradict "
        "each other among those who responded: collapse categories."
    )


def trim_weights(weights: pd.Series, lower: float = 0.3, upper: float = 3.0) -> pd.Series:
    """Cut extreme weights and spread what was cut over the others, until none is extreme.

    Parameters
    ----------
    weights : Series, n units
    lower, upper : float
        Limits as multiples of the mean weight.

    Returns
    -------
    Series, n units
        With the same sum; margins are no longer met exactly, so show them.

    Raises
    ------
    ValueError
        When the limits do not enclose 1, or are too narrow for these weights, or a weight is no
        number of 0 or more.

    References
    ----------
    Potter, F. J. (1990). A study of procedures to identify and trim extreme sampling weights.
    Proceedings of the Section on Survey Research Methods, American Statistical Association.

    Examples
    --------
    >>> trim_weights(pd.Series([1.0, 1.0, 1.0, 9.0]), upper=2.0).tolist()
    [2.0, 2.0, 2.0, 6.0]
    """
    _check_weights(weights)
    if not 0 <= lower < 1 < upper:
        raise ValueError(f"lower {lower} and upper {upper} must enclose 1, the mean weight.")
    low, high = weights.mean() * lower, weights.mean() * upper
    trimmed = weights.astype(float)
    for _ in range(MOST_ROUNDS):
        outside = (trimmed < low * (1 - 1e-12)) | (trimmed > high * (1 + 1e-12))
        if not outside.any():
            return trimmed.rename(weights.name)
        cut = trimmed.clip(low, high)
        over = (trimmed - cut).sum()
        takes = ~outside if not outside.all() else cut < high if over > 0 else cut > low
        cut[takes] += over / takes.sum()
        trimmed = cut
    raise ValueError(
        f"lower {lower} and upper {upper} are too narrow for these weights; widen them."
    )


def weigh(population: pd.DataFrame, by: list[str], responded: pd.Index) -> pd.Series:
    """Weigh the units that responded by their background: raked, then trimmed.

    Parameters
    ----------
    population : DataFrame, index `unit`
        All units with their background.
    by : list of str
        Columns to rake on. A column of which some group has no respondent at all cannot be raked
        on and is left out, and so is the last where margins contradict each other among those that
        responded; without any column left the weights are equal.
    responded : Index of units

    Returns
    -------
    Series, n units
        Weights that add up to the population.

    Examples
    --------
    >>> population = pd.DataFrame({"size": ["s", "s", "s", "l"]}, index=["A", "B", "C", "D"])
    >>> weigh(population, ["size"], pd.Index(["A", "D"])).to_dict()
    {'A': 3.0, 'D': 1.0}
    """
    background = population[by].astype(str)
    sample = background.loc[responded]
    usable = [column for column in by if set(sample[column]) == set(background[column])]
    while usable:
        try:
            return trim_weights(rake(background, usable, responded))
        except ValueError:  # the margins contradict each other
            usable.pop()
    return pd.Series(len(population) / len(sample), index=sample.index, name="weight")


def design_effect(weights: pd.Series) -> float:
    """Kish's design effect of unequal weights: n times the sum of squares over the square of sums.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> design_effect(pd.Series([1.0, 1.0, 2.0]))
    1.125
    """
    _check_weights(weights)
    return float(len(weights) * (weights**2).sum() / weights.sum() ** 2)


def effective_n(weights: pd.Series) -> float:
    """Give the number of equally weighted units that would be as precise, n / design effect.

    Examples
    --------
    >>> round(effective_n(pd.Series([1.0, 1.0, 2.0])), 3)
    2.667
    """
    return len(weights) / design_effect(weights)


def compare_margins(population: pd.DataFrame, by: list[str], weights: pd.Series) -> pd.DataFrame:
    """Set the margins of population, sample and weighted sample side by side.

    Parameters
    ----------
    population, by
        As for `rake`.
    weights : Series, n units
        Raked or trimmed: after trimming the margins fit no longer exactly, and this shows by how
        much.

    Returns
    -------
    DataFrame, index (variable, category)
        n : units; population, unweighted, weighted : shares, 0-1.

    Examples
    --------
    >>> population = pd.DataFrame({"size": ["s", "s", "s", "l"]}, index=["A", "B", "C", "D"])
    >>> weights = rake(population, ["size"], pd.Index(["A", "D"]))
    >>> compare_margins(population, ["size"], weights).to_numpy().tolist()
    [[1.0, 0.25, 0.5, 0.25], [1.0, 0.75, 0.5, 0.75]]
    """
    parts = {}
    for name in by:
        margin = population[name].value_counts().sort_index()
        sample = population.loc[weights.index, name]
        n = sample.value_counts().reindex(margin.index, fill_value=0)
        weighted = weights.groupby(sample, observed=True).sum().reindex(margin.index)
        shares = {"population": margin, "unweighted": n, "weighted": weighted.fillna(0.0)}
        parts[name] = pd.DataFrame({"n": n} | {key: x / x.sum() for key, x in shares.items()})
    return pd.concat(parts, names=["variable", "category"])


def shares(labels: pd.Series, population: int, weights: pd.Series | None = None) -> pd.DataFrame:
    """Estimate the share of each label in the population, unweighted and weighted.

    Parameters
    ----------
    labels : Series, n units
        For instance profiles; none missing.
    population : int
        Number of all units; n may not be more.
    weights : Series, n units, optional
        As `weigh` gives them; alike when absent.

    Returns
    -------
    DataFrame, one row per label
        n : units; share, se, low, high : unweighted, 0-1; weighted_share, weighted_se,
        weighted_low, weighted_high : weighted, 0-1. Intervals are of 95%.

    Raises
    ------
    ValueError
        When labels are missing, there are fewer than two units, or more than the population, or a
        unit has no weight.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed. Wiley.

    Examples
    --------
    >>> table = shares(pd.Series([1, 1, 2, 1]), population=8, weights=pd.Series([1, 1, 3, 1]))
    >>> table[["n", "share", "weighted_share"]].to_numpy().tolist()
    [[3.0, 0.75, 0.5], [1.0, 0.25, 0.5]]
    """
    n = len(labels)
    if labels.isna().any() or not 1 < n <= population:
        raise ValueError(
            f"labels: {n} units, {labels.isna().sum()} of them without label, of {population}. "
            "Leave units without label out, and give the number of all units."
        )
    if weights is not None:
        _check_weights(weights.reindex(labels.index))
    member = pd.get_dummies(labels, dtype=float)
    equal = pd.Series(1.0, index=labels.index)
    given = equal if weights is None else weights.loc[labels.index].astype(float)
    table = _estimates(member, equal, population).join(
        _estimates(member, given, population).add_prefix("weighted_")
    )
    table.insert(0, "n", member.sum().astype(int))
    return table.rename_axis(labels.name)


def _check_weights(weights: pd.Series) -> None:
    """Refuse weights that are missing, negative, infinite, or all 0."""
    usable = np.isfinite(weights) & (weights >= 0)
    if not usable.all() or not weights.sum() > 0:
        raise ValueError(
            "weights: must be numbers of 0 or more, not all 0; not so for "
            f"{weights.index[~usable].tolist()[:5]}. Give a weight for each unit."
        )


def _estimates(member: pd.DataFrame, weights: pd.Series, population: int) -> pd.DataFrame:
    """Weighted mean of each column, its standard error, and a logit interval of 95%."""
    n, total = len(member), weights.sum()
    share = member.mul(weights, axis=0).sum() / total
    parts = (member - share).to_numpy() * weights.to_numpy()[:, None] / total
    parts = parts - parts.mean(axis=0)
    variance = n / (n - 1) * (parts**2).sum(axis=0) * (1 - n / population)
    se = pd.Series(np.sqrt(variance), index=share.index)
    inside = share.clip(1e-12, 1 - 1e-12)
    logit, width = np.log(inside / (1 - inside)), stats.t.ppf(0.975, n - 1) * se
    width = width / (inside * (1 - inside))
    low, high = 1 / (1 + np.exp(width - logit)), 1 / (1 + np.exp(-width - logit))
    effective = total**2 / (weights**2).sum() / max(1 - n / population, 1 / population)
    none_high = 1 - 0.025 ** (1 / effective)
    low = low.mask(share <= 0, 0.0).mask(share >= 1, 1 - none_high)
    high = high.mask(share <= 0, none_high).mask(share >= 1, 1.0)
    return pd.DataFrame({"share": share, "se": se, "low": low, "high": high})
