"""Set where units place themselves beside where they are measured.

Respondents say in which developments their unit is, and in which phase each policy domain is.
Agreement with the measurement is Cohen's kappa, which takes chance agreement off; with ordered
answers it is weighted, so that one step apart counts as less than three.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats.contingency import crosstab

NONE = "none"
"""What stands for a unit or domain that has not begun."""


def stated_placements(
    answers: pd.DataFrame, items: Mapping[str, str], units: pd.Series
) -> pd.DataFrame:
    """Say in which developments a unit places itself: at least half of its respondents say yes.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Yes-or-no items coded 1 and 0, as number or text; anything else is no answer.
    items : mapping of development to item
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, units × developments
        1.0 yes, 0.0 no, NaN without an answer.

    Examples
    --------
    >>> answers = pd.DataFrame({"B1": ["1", "0", "1"]}, index=["r1", "r2", "r3"])
    >>> units = pd.Series(["A", "A", "B"], index=answers.index)
    >>> stated_placements(answers, {"agenda": "B1"}, units)["agenda"].to_dict()
    {'A': 1.0, 'B': 1.0}
    """
    shares = _by_unit(answers, items, units).mean()
    return (shares >= 0.5).astype(float).where(shares.notna()).rename_axis("unit")


def domain_phases(answers: pd.DataFrame, items: Sequence[str], units: pd.Series) -> pd.DataFrame:
    """Say in which phase each policy domain of a unit is: the median of its respondents.

    Of two middle respondents the lower counts, so that the answer is a phase that somebody gave.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        0 not begun, 1 the first phase of the cycle, and so on, as number or text; anything else is
        no answer.
    items : sequence of str
        One for each domain; those that were not asked are left out.
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, units × items
        0 to the number of phases; NaN without an answer.

    Examples
    --------
    >>> answers = pd.DataFrame({"B2": ["1", "3", "5", ""]}, index=list("abcd"))
    >>> units = pd.Series(["A", "A", "B", "B"], index=answers.index)
    >>> domain_phases(answers, ["B2"], units)["B2"].to_dict()
    {'A': 1.0, 'B': 5.0}
    """
    grouped = _by_unit(answers, dict(zip(items, items, strict=True)), units)
    return grouped.quantile(0.5, interpolation="lower").rename_axis("unit")


def count_domains(domains: pd.DataFrame, phases: Sequence[str]) -> pd.DataFrame:
    """Count for each policy domain the units that place it in each phase.

    Parameters
    ----------
    domains : DataFrame, units × items
        As `domain_phases` gives it.
    phases : sequence of str
        Codes of the phases, in cycle order.

    Returns
    -------
    DataFrame, indexed by item
        n (units with an answer), `NONE`, and one column for each phase: numbers of units.

    Examples
    --------
    >>> count_domains(pd.DataFrame({"B2": [0.0, 2.0, 2.0]}), ["AG", "EX"]).loc["B2"].to_dict()
    {'n': 3, 'none': 1, 'AG': 0, 'EX': 2}
    """
    names = [NONE, *phases]
    counts = {name: (domains == place).sum() for place, name in enumerate(names)}
    table = pd.DataFrame({"n": domains.notna().sum(), **counts}, index=domains.columns)
    return table.astype(int).rename_axis("item")


def domain_range(domains: pd.DataFrame) -> pd.DataFrame:
    """Give how far the furthest policy domain of each unit is, and how far its domains lie apart.

    Returns
    -------
    DataFrame, indexed by unit
        highest, 0 to the number of phases; apart (from the lowest); NaN without an answer.

    Examples
    --------
    >>> table = pd.DataFrame({"B2_1": [1.0], "B2_2": [4.0], "B2_3": [2.0]}, index=["A"])
    >>> domain_range(table).loc["A"].tolist()
    [4.0, 3.0]
    """
    highest = domains.max(axis=1)
    table = pd.DataFrame({"highest": highest, "apart": highest - domains.min(axis=1)})
    return table.rename_axis("unit")


def compare_positions(
    highest: pd.Series, furthest: pd.Series, developments: pd.Series
) -> pd.DataFrame:
    """Compare the development of the furthest domain with the measured position.

    Parameters
    ----------
    highest : Series, indexed by unit
        Phase of the furthest domain, as `domain_range` gives it.
    furthest : Series, indexed by unit
        Furthest active development (`cycle.positions`); missing is none.
    developments : Series, indexed by phase, in cycle order
        The development of each phase.

    Returns
    -------
    DataFrame, one row
        n, agreement (share alike), stated_further, measured_further (shares), kappa (quadratic
        weights), low, high, reason.

    Examples
    --------
    >>> developments = pd.Series({"AG": "1", "EX": "2"})
    >>> measured = pd.Series(["1", "2", None])
    >>> compare_positions(pd.Series([1.0, 2.0, 2.0]), measured, developments)["agreement"].item()
    0.6666666666666666
    """
    order = [NONE, *developments.unique()]
    place = {name: rank for rank, name in enumerate(order)}
    of_phase = np.array([0, *developments.map(place)], dtype=int)
    known = highest.dropna().astype(int)
    known = known[known.index.isin(furthest.index)]
    measured = furthest.fillna(NONE).map(place)[known.index].to_numpy(int)
    counts = _cross(of_phase[known.to_numpy()], measured, len(order))
    weights = 1 - (np.subtract.outer(range(len(order)), range(len(order))) / (len(order) - 1)) ** 2
    n = counts.sum() or np.nan
    further = {
        "stated_further": np.tril(counts, -1).sum() / n,
        "measured_further": np.triu(counts, 1).sum() / n,
    }
    columns = ["n", "agreement", *further, "kappa", "low", "high", "reason"]
    row = kappa(counts, weights) | further
    return pd.DataFrame([row], pd.Index(["highest"], name="domain"), columns)


def compare_placements(stated: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Compare what units say of themselves with what is measured, per development or phase.

    Parameters
    ----------
    stated, measured : DataFrame, units × developments (or phases)
        1.0 yes, 0.0 no, NaN unknown; columns of `stated` that `measured` lacks raise.

    Returns
    -------
    DataFrame, indexed by the columns of `stated`
        n, stated, measured (shares of yes), agreement (share alike), kappa, low, high, reason.

    Examples
    --------
    >>> stated = pd.DataFrame({"1": [1.0, 1.0, 0.0, 0.0]})
    >>> measured = pd.DataFrame({"1": [1.0, 0.0, 0.0, 0.0]})
    >>> compare_placements(stated, measured).loc["1", ["agreement", "kappa"]].tolist()
    [0.75, 0.5]
    """
    if lacking := [name for name in stated.columns if name not in measured.columns]:
        raise ValueError(f"Nothing is measured for {lacking}; measured are {list(measured)}.")
    rows = []
    for name in stated.columns:
        both = pd.concat([stated[name], measured[name]], axis=1, join="inner").dropna()
        said, found = both.to_numpy().astype(int).T
        counts = _cross(said, found, 2)
        n = counts.sum() or np.nan
        shares = {"stated": counts[1].sum() / n, "measured": counts[:, 1].sum() / n}
        rows.append(kappa(counts) | shares)
    columns = ["n", "stated", "measured", "agreement", "kappa", "low", "high", "reason"]
    table = pd.DataFrame(rows, index=stated.columns, columns=columns)
    return table.rename_axis(stated.columns.name or "development")


def kappa(counts: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float | str]:
    """Compute Cohen's kappa from a square table of counts.

    Parameters
    ----------
    counts : ndarray, categories × categories
    weights : ndarray, categories × categories, optional
        How far two categories agree, 1 on the diagonal; without it only the same category agrees.

    Returns
    -------
    dict
        n, agreement (share in the same category), kappa, low, high (95%, by the large-sample
        variance), reason (why kappa is missing, else empty).

    References
    ----------
    Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological
    Measurement 20(1).
    Fleiss, J. L., Cohen, J. & Everitt, B. S. (1969). Large sample standard errors of kappa and
    weighted kappa. Psychological Bulletin 72(5).

    Examples
    --------
    >>> round(kappa(np.array([[20, 5], [10, 15]]))["kappa"], 3)
    0.4
    """
    n = float(counts.sum())
    lacking = {"kappa": np.nan, "low": np.nan, "high": np.nan}
    if n == 0:
        return {"n": 0, "agreement": np.nan, **lacking, "reason": "no unit with both"}
    w = np.eye(len(counts)) if weights is None else weights
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    alike = float(np.trace(shares))
    observed, chance = float((w * shares).sum()), float(rows @ w @ columns)
    if chance > 1 - 1e-12:
        reason = "everyone is in the same category: agreement by chance is complete"
        return {"n": int(n), "agreement": alike, **lacking, "reason": reason}
    value = (observed - chance) / (1 - chance)
    marginal = (w @ columns)[:, None] + (rows @ w)[None, :]
    spread = (shares * (w * (1 - chance) - marginal * (1 - observed)) ** 2).sum()
    centre = observed * chance - 2 * chance + observed
    error = np.sqrt(max(spread - centre**2, 0.0) / n) / (1 - chance) ** 2
    reach = norm.ppf(0.975) * error
    bounds = {"low": max(value - reach, -1.0), "high": min(value + reach, 1.0)}
    return {"n": int(n), "agreement": alike, "kappa": value, **bounds, "reason": ""}


def _by_unit(
    answers: pd.DataFrame, items: Mapping[str, str], units: pd.Series
) -> "pd.api.typing.DataFrameGroupBy":
    """Group what was asked by unit, as numbers under the names of `items`."""
    asked = {name: item for name, item in items.items() if item in answers}
    said = {name: pd.to_numeric(answers[item], errors="coerce") for name, item in asked.items()}
    return pd.DataFrame(said, index=answers.index).groupby(units.to_numpy())


def _cross(first: np.ndarray, second: np.ndarray, n_categories: int) -> np.ndarray:
    """Count every pair of categories, categories × categories."""
    categories = range(n_categories)
    return np.asarray(crosstab(first, second, levels=(categories, categories)).count)
