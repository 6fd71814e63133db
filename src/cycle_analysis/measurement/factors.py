"""Ask whether the items measure one thing or as many as there are phases.

Two confirmatory factor models by maximum likelihood on covariances (Jöreskog 1969): one factor for
all items, and one factor for each phase, correlated. Answers are treated as continuous and
respondents as independent, so chi-square is too large; compare the models, do not test them.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from cycle_analysis.measurement.reliability import with_variance
from cycle_analysis.measurement.scores import items_by_phase, turn_items

ONE, PHASES = "one factor", "a factor for each phase"


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
    phase = np.array([place[item] for item in turned.columns], dtype=int)
    covariances, n, basis = _covariances(turned)
    counts = pd.Series(phase).value_counts()
    rows = {}
    for name, pattern in ((ONE, np.zeros_like(phase)), (PHASES, phase)):
        reason = _refusal(covariances, n, counts if name == PHASES else pd.Series([len(phase)]))
        fit = _fit(covariances, n, pattern) if not reason else dict.fromkeys(_COLUMNS, np.nan)
        rows[name] = {"n": n, **fit, "basis": basis, "reason": reason}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


_COLUMNS = [
    *("n_parameters", "chi2", "df", "cfi", "rmsea", "srmr", "aic", "bic"),
    "largest_correlation",
]


def _covariances(turned: pd.DataFrame) -> tuple[np.ndarray, int, str]:
    """Covariances with divisor n, as maximum likelihood wants, the number, and the basis."""
    complete = turned.dropna()
    if 2 * len(complete) >= len(turned):
        return complete.cov(ddof=0).to_numpy(), len(complete), "complete respondents"
    present = turned.notna().to_numpy().astype(float)
    smallest = int((present.T @ present).min()) if turned.shape[1] else 0
    return turned.cov(ddof=0).to_numpy(), smallest, "pairwise covariances"


def _refusal(covariances: np.ndarray, n: int, items_per_factor: pd.Series) -> str:
    if len(covariances) < 4 or (items_per_factor < 2).any():
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
    bounds = [(None, None)] * p + [(0.005, None)] * p + [(-0.999, 0.999)] * len(pairs[0])
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
