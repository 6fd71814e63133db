"""How well the items of a phase measure one thing, and whether phases are things apart.

Cronbach's alpha comes from pairwise covariances, with an interval by the delta method that assumes
neither normal answers nor independent respondents (Maydeu-Olivares, Coffman & Hartmann 2007).
Omega total is that of one factor, fitted to the correlations by minimum residuals (McDonald 1999).
Ordinal alpha rests on polychoric correlations, as if a normal trait lay under the few ordered
categories: thresholds from the marginals, then the correlation of each pair by maximum likelihood
(Olsson 1979). Items without variance cannot take part; they are left out with a warning, never
silently.

Whether the items measure one thing or as many as there are phases is asked of two confirmatory
factor models by maximum likelihood on covariances (Jöreskog 1969): one factor for all items, and
one for each phase, correlated. Answers are treated as continuous and respondents as independent, so
chi-square is too large; compare the models, do not test them.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm
from scipy.stats.contingency import crosstab

from cycle_analysis.measurement import items_by_phase, turn_items

ONE, PHASES = "one factor", "a factor for each phase"
LEAST_UNIQUE = 0.005
"""Share of an item's variance that is its own, at least."""
WARNINGS: dict[str, Callable[[pd.DataFrame], "pd.Series[bool]"]] = {
    "no answers at all": lambda table: table["n_respondents"] == 0,
    "fewer than 3 items with variance": lambda table: table["n_items"] < 3,
    "alpha under .70": lambda table: is_rough(table["alpha"]),
}
"""When a scale is warned of, in a table of `scale_statistics`: the first that holds."""


def is_rough(alpha: "pd.Series[float]") -> "pd.Series[bool]":
    """Whether alpha is under .70 as it is printed, with two decimals: .70 itself is not.

    Examples
    --------
    >>> is_rough(pd.Series([0.694, 0.697, float("nan")])).tolist()
    [True, False, False]
    """
    return alpha.round(2) < 0.7


def scale_statistics(
    answers: pd.DataFrame, items: pd.DataFrame, units: pd.Series | None = None
) -> pd.DataFrame:
    """Give the reliability of every phase.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).
    units : Series, indexed by respondent, optional
        When given, respondents of one unit may resemble each other and the interval allows for it.

    Returns
    -------
    DataFrame, indexed by phase, in cycle order
        n_items (with variance), n_respondents (with an answer), alpha, alpha_low, alpha_high
        (95%), omega, mean_correlation (between items), warning.

    References
    ----------
    Maydeu-Olivares, A., Coffman, D. L. & Hartmann, W. M. (2007). Asymptotically distribution-free
    interval estimation of coefficient alpha. Psychological Methods 12(2).
    McDonald, R. P. (1999). Test theory: a unified treatment.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame([[0, 1, 0], [2, 2, 1], [4, 3, 4], [3, 4, 4]], columns=items.index)
    >>> scale_statistics(answers, items)["alpha"].round(3).to_dict()
    {'AG': 0.948}
    """
    turned = turn_items(answers, items)
    rows = {}
    for phase, listed in items_by_phase(items).items():
        usable = with_variance(turned[listed])
        low, high = alpha_interval(usable, units)
        correlations = usable.corr().to_numpy(copy=True)
        pairs = pd.Series(correlations[np.tril_indices(len(correlations), k=-1)])
        rows[phase] = {
            "n_items": usable.shape[1],
            "n_respondents": int(turned[listed].notna().any(axis=1).sum()),
            "alpha": alpha(usable.cov().to_numpy()),
            "alpha_low": low,
            "alpha_high": high,
            "omega": omega_total(correlations),
            "mean_correlation": pairs.mean(skipna=False),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")
    holds = [of(table) for of in WARNINGS.values()]
    return table.assign(warning=np.select(holds, list(WARNINGS), default=""))


def statistics_by_group(
    answers: pd.DataFrame, items: pd.DataFrame, groups: pd.Series, names: Sequence[str]
) -> pd.DataFrame:
    """Give the reliability of every phase within each role, wave or other group.

    Parameters
    ----------
    groups : Series, indexed by respondent
        The group of each respondent; those in none of `names` are left out.
    names : sequence of str
        The groups, in order; one that nobody belongs to is listed with a warning.

    Returns
    -------
    DataFrame, rows (group, phase)
        Columns as `scale_statistics`; no rows without names.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame([[0, 1, 0], [2, 2, 1], [4, 3, 4], [3, 4, 4]], columns=items.index)
    >>> table = statistics_by_group(answers, items, pd.Series(["STR"] * 4), ["STR", "BES"])
    >>> table["n_respondents"].to_dict()
    {('STR', 'AG'): 4, ('BES', 'AG'): 0}
    """
    group = groups.reindex(answers.index)
    parts = {name: scale_statistics(answers.loc[group == name], items) for name in names}
    nothing = scale_statistics(answers, items).iloc[:0]
    return pd.concat(parts or {"": nothing}, names=["group"])


def ordinal_alpha(answers: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
    """Compute Cronbach's alpha of each phase from polychoric correlations.

    It says what alpha would be if answers were not cut into steps, and is higher than alpha by
    nature; report it beside alpha, not instead.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded whole numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).

    Returns
    -------
    Series, indexed by phase
        NaN under two items with variance.

    References
    ----------
    Zumbo, B. D., Gadermann, A. M. & Zeisser, C. (2007). Ordinal versions of coefficients alpha and
    theta for Likert rating scales. Journal of Modern Applied Statistical Methods 6(1).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 2, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 1, 2, 2, 0, 1], "AG2": [0, 1, 2, 1, 1, 2]})
    >>> ordinal_alpha(answers, items).round(2).to_dict()
    {'AG': 0.85}
    """
    turned = turn_items(answers, items)
    rows = {
        phase: alpha(polychoric(with_variance(turned[listed])).to_numpy())
        for phase, listed in items_by_phase(items).items()
    }
    return pd.Series(rows, name="ordinal_alpha", dtype=float).rename_axis("phase")


def compare_factor_models(answers: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Fit one factor, and one factor for each phase, to the items.

    Complete respondents are used when they are at least half of all, else pairwise covariances
    with the smallest pairwise number; `basis` says which.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).

    Returns
    -------
    DataFrame, indexed by model
        n, n_parameters, chi2, df, cfi, rmsea, srmr, aic, bic (of chi-square: chi2 + 2 q and
        chi2 + q log n, lower is better), largest_correlation (between factors), basis, reason.

    References
    ----------
    Jöreskog, K. G. (1969). A general approach to confirmatory maximum likelihood factor analysis.
    Psychometrika 34(2).

    Examples
    --------
    >>> draw = np.random.default_rng(1)
    >>> trait = draw.normal(size=(300, 2)).repeat(3, axis=1)
    >>> answers = pd.DataFrame(2 + trait + draw.normal(size=(300, 6))).clip(-9, 9)
    >>> items = pd.DataFrame({"phase": ["AG"] * 3 + ["EX"] * 3, "low": -9, "high": 9,
    ...                       "reversed": False})
    >>> compare_factor_models(answers, items)["bic"].idxmin()
    'a factor for each phase'
    """
    turned = with_variance(turn_items(answers, items))
    place = {item: p for p, listed in enumerate(items_by_phase(items).values()) for item in listed}
    phase = np.unique([place[item] for item in turned.columns], return_inverse=True)[1]
    covariances, n, basis = _covariances(turned)
    rows = {}
    for name, factor in ((ONE, np.zeros_like(phase)), (PHASES, phase)):
        reason = _refusal(covariances, n, factor)
        fit = {} if reason else _fit(covariances, n, factor)
        rows[name] = {"n": n, **fit, "basis": basis, "reason": reason}
    columns = [
        *("n", "n_parameters", "chi2", "df", "cfi", "rmsea", "srmr", "aic", "bic"),
        *("largest_correlation", "basis", "reason"),
    ]
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)
    return table.rename_axis("model")


def alpha(covariances: np.ndarray) -> float:
    """Compute Cronbach's alpha from the covariances of k items; NaN under two items.

    ``k / (k - 1) * (1 - trace / sum)`` (Cronbach 1951).

    Examples
    --------
    >>> round(alpha(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.6667
    """
    k, total = len(covariances), float(np.sum(covariances))
    if k < 2 or not total > 0:
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(covariances) / total))


def alpha_interval(turned: pd.DataFrame, units: pd.Series | None = None) -> tuple[float, float]:
    """Bound Cronbach's alpha without assuming normal answers or independent respondents.

    Each respondent's influence on alpha gives its variance; with `units`, influences add up within
    a unit before they are squared. The interval is symmetric on the scale of log(1 - alpha).

    Parameters
    ----------
    turned : DataFrame, respondents × items
        Numbers that all point the same way, NaN missing.

    Returns
    -------
    tuple of float
        Lower and upper bound; NaN when alpha is not defined.

    Examples
    --------
    >>> answers = pd.DataFrame([[0, 1], [2, 2], [4, 3], [3, 4], [1, 1]] * 20)
    >>> [round(bound, 2) for bound in alpha_interval(answers)]
    [0.9, 0.92]
    """
    values = turned.to_numpy(float)
    covariances = turned.cov().to_numpy()
    k, estimate = values.shape[1], alpha(covariances)
    if not np.isfinite(estimate) or estimate >= 1:
        return float("nan"), float("nan")
    present = ~np.isnan(values)
    weights = len(values) / np.maximum(present.T.astype(float) @ present, 1)
    centred = np.where(present, values - np.nanmean(values, axis=0), 0.0)
    own = (centred**2) @ np.diag(weights)
    joint = ((centred @ weights) * centred).sum(axis=1)
    ratio = np.trace(covariances) / covariances.sum()
    influence = pd.Series(
        k / (k - 1) * (ratio * joint - own) / covariances.sum(), index=turned.index
    )
    if units is not None:
        influence = influence.groupby(units.reindex(turned.index)).sum()
    clusters = len(influence)
    error = np.sqrt((influence**2).sum() * clusters / max(clusters - 1, 1)) / len(values)
    reach = norm.ppf(0.975) * error / (1 - estimate)
    return float(1 - (1 - estimate) * np.exp(reach)), float(1 - (1 - estimate) * np.exp(-reach))


def omega_total(correlations: np.ndarray) -> float:
    """Compute omega total of one factor (McDonald 1999).

    ``(sum of loadings)² / ((sum of loadings)² + sum of uniquenesses)``.

    Examples
    --------
    >>> correlations = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    >>> round(omega_total(correlations), 4)
    0.75
    """
    loadings = _one_factor_loadings(correlations)
    if len(loadings) < 3 or np.isnan(loadings).any():
        return float("nan")
    common = loadings.sum() ** 2
    return float(common / (common + np.sum(1 - loadings**2)))


def polychoric(turned: pd.DataFrame) -> pd.DataFrame:
    """Correlate ordered items pairwise, k × k.

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient.
    Psychometrika 44(4).

    Examples
    --------
    >>> answers = pd.DataFrame({"a": [0, 0, 1, 1] * 9 + [0, 1], "b": [0, 0, 1, 1] * 9 + [1, 0]})
    >>> polychoric(answers).loc["a", "b"].round(2)
    np.float64(0.99)
    """
    k = turned.shape[1]
    correlations = np.eye(k)
    for i in range(k):
        for j in range(i):
            pair = turned.iloc[:, [i, j]].dropna()
            correlations[i, j] = correlations[j, i] = _correlate(pair.to_numpy())
    return pd.DataFrame(correlations, index=turned.columns, columns=turned.columns)


def with_variance(turned: pd.DataFrame) -> pd.DataFrame:
    """Keep the items on which at least two respondents differ.

    Examples
    --------
    >>> with_variance(pd.DataFrame({"a": [0, 1], "b": [4, 4]})).columns.tolist()
    ['a']
    """
    return turned.loc[:, turned.var() > 1e-12]


def _one_factor_loadings(correlations: np.ndarray) -> np.ndarray:
    """Loadings, mostly positive, by minimum residuals; NaN under three items: not identified.

    Principal axes, repeated until the communalities stand still: the stationary point is that of
    minimum residuals (Harman & Jones 1966).
    """
    k = len(correlations)
    if k < 3 or not np.isfinite(correlations).all():
        return np.full(k, np.nan)
    reduced = np.array(correlations, dtype=float)
    communalities = np.clip(1 - 1 / np.diag(np.linalg.pinv(reduced, hermitian=True)), 0.05, 1)
    for _ in range(5000):
        np.fill_diagonal(reduced, communalities)
        roots, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, -1] * np.sqrt(max(roots[-1], 0.0))
        change = np.abs(loadings**2 - communalities).max()
        communalities = np.minimum(loadings**2, 1.0)
        if change < 1e-12:
            break
    return loadings if loadings.sum() >= 0 else -loadings


def _correlate(pair: np.ndarray) -> float:
    """Maximum likelihood correlation of two columns of ordered answers; NaN without variance."""
    counts = crosstab(*pair.T).count
    if min(counts.shape) < 2:
        return float("nan")
    row_share = np.cumsum(counts.sum(axis=1))[:-1] / len(pair)
    column_share = np.cumsum(counts.sum(axis=0))[:-1] / len(pair)
    rows, columns = norm.ppf(row_share), norm.ppf(column_share)
    independent = np.outer(row_share, column_share)

    def deviance(angle: float) -> float:
        inside = independent + _beyond_independence(rows, columns, angle)
        full = np.zeros((len(row_share) + 2, len(column_share) + 2))
        full[1:-1, 1:-1] = inside
        full[-1, 1:-1], full[1:-1, -1], full[-1, -1] = column_share, row_share, 1.0
        cells = np.diff(np.diff(full, axis=0), axis=1)
        return -float((counts * np.log(np.maximum(cells, 1e-12))).sum())

    best = minimize_scalar(
        deviance, bounds=(-1.55, 1.55), method="bounded", options={"xatol": 1e-9}
    )
    return float(np.sin(best.x))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def _beyond_independence(rows: np.ndarray, columns: np.ndarray, angle: float) -> np.ndarray:
    """Bivariate normal distribution less that of independence, thresholds × thresholds.

    The integral runs over the arcsine of the correlation, where the density has no pole.
    """
    angles = angle * (_NODES + 1) / 2
    h, k = rows[:, None, None], columns[None, :, None]
    exponent = -(h**2 + k**2 - 2 * h * k * np.sin(angles)) / (2 * np.cos(angles) ** 2)
    return np.asarray((np.exp(exponent) @ _WEIGHTS) * angle / 2 / (2 * np.pi))


def _covariances(turned: pd.DataFrame) -> tuple[np.ndarray, int, str]:
    """Covariances with divisor n, as maximum likelihood wants, the number, and the basis."""
    complete = turned.dropna()
    if 2 * len(complete) >= len(turned):
        return complete.cov(ddof=0).to_numpy(), len(complete), "complete respondents"
    present = turned.notna().to_numpy().astype(float)
    smallest = int((present.T @ present).min()) if turned.shape[1] else 0
    return turned.cov(ddof=0).to_numpy(), smallest, "pairwise covariances"


def _refusal(covariances: np.ndarray, n: int, factor: np.ndarray) -> str:
    if len(covariances) < 4 or np.unique(factor, return_counts=True)[1].min() < 2:
        return "a factor has fewer than two items with variance"
    if n <= len(covariances):
        return f"{n} respondents for {len(covariances)} items: too few"
    if not np.isfinite(covariances).all() or np.linalg.eigvalsh(covariances)[0] < 1e-9:
        return "the covariances are not positive definite: items repeat each other"
    return ""


def _fit(covariances: np.ndarray, n: int, factor: np.ndarray) -> dict[str, float]:
    """Fit one confirmatory model on correlations, which chi-square does not feel."""
    spread = np.sqrt(np.diag(covariances))
    observed = covariances / np.outer(spread, spread)
    p, m = len(observed), int(factor.max()) + 1
    belongs = np.arange(p), factor
    pairs = np.triu_indices(m, k=1)
    start = np.concatenate([np.full(p, 0.7), np.full(p, 0.5), np.full(len(pairs[0]), 0.5)])
    bounds = [(None, None)] * p + [(LEAST_UNIQUE, None)] * p + [(-0.999, 0.999)] * len(pairs[0])
    log_observed = np.linalg.slogdet(observed)[1]

    def unpack(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        loadings, between = np.zeros((p, m)), np.eye(m)
        loadings[belongs] = parameters[:p]
        between[pairs] = between[pairs[::-1]] = parameters[2 * p :]
        return loadings, between, parameters[p : 2 * p]

    def discrepancy(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        loadings, between, unique = unpack(parameters)
        implied = loadings @ between @ loadings.T + np.diag(unique)
        sign, log_implied = np.linalg.slogdet(implied)
        if sign <= 0:
            return 1e6, np.zeros_like(parameters)
        inverse = np.linalg.inv(implied)
        slope = inverse - inverse @ observed @ inverse
        value = log_implied + np.trace(observed @ inverse) - log_observed - p
        by_loading = (2 * slope @ loadings @ between)[belongs]
        by_between = 2 * (loadings.T @ slope @ loadings)[pairs]
        return float(value), np.concatenate([by_loading, np.diag(slope), by_between])

    options = {"maxiter": 2000, "maxfun": 10000, "ftol": 1e-13, "gtol": 1e-8}
    best = minimize(discrepancy, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    loadings, between, unique = unpack(best.x)
    implied = loadings @ between @ loadings.T + np.diag(unique)
    largest = float(between[pairs].max()) if m > 1 else np.nan
    indices = _indices(float(best.fun), observed - implied, -log_observed, n, len(start))
    return indices | {"largest_correlation": largest}


def _indices(
    fit: float, residuals: np.ndarray, alone: float, n: int, n_parameters: int
) -> dict[str, float]:
    """Fit indices from the least discrepancy; `alone` is that of unrelated items."""
    p = len(residuals)
    chi2, df = n * fit, p * (p + 1) // 2 - n_parameters
    excess, excess_alone = max(chi2 - df, 0.0), max(n * alone - p * (p - 1) / 2, 1e-12)
    lower = residuals[np.tril_indices(p)]
    return {
        "n_parameters": n_parameters,
        "chi2": chi2,
        "df": df,
        "cfi": 1 - excess / max(excess, excess_alone),
        "rmsea": np.sqrt(excess / (df * n)) if df > 0 else np.nan,
        "srmr": float(np.sqrt((lower**2).mean())),
        "aic": chi2 + 2 * n_parameters,
        "bic": chi2 + n_parameters * np.log(n),
    }
