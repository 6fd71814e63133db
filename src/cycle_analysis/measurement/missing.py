"""Ask whether missing answers matter: with which scores they go, and what filling them in would do.

A respondent's score is the mean of the items answered, so that each missing answer counts as the
mean of the others: person-mean imputation, which is right when items are equally easy and who does
not know is like who does (Downey & King 1998). Beside it stand the shares missing by reason and by
level of the respondent, Little's (1988) test of missing completely at random, and scores for which
missing answers are expected from the others by a multivariate normal likelihood (EM; Dempster,
Laird & Rubin 1977). What answers would have been if who does not know did know, no method tells.
Between waves scores are compared as if every item had been answered (`even_scores`), so that
difficult items that more people leave out do not look like progress.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import holm
from cycle_analysis.measurement import items_by_phase, match_units, respondent_scores, turn_items
from cycle_analysis.measurement.reliability import with_variance

UNKNOWN = 1e-9
"""Singular values up to this part of the largest are 0 but for rounding: nothing is known there."""
ANY = "any"
"""All reasons together."""
THIRDS = ("low", "middle", "high")
SINGULAR = 1e-10
"""Share of the largest variance under which a direction has none."""
TOLERANCE, MOST_STEPS = 1e-9, 2000
"""Change of moments, in standard deviations, at which EM stops, and its largest number of steps."""


class Moments(NamedTuple):
    """Means (q) and covariance (q × q) by maximum likelihood, and the values (n × q) filled in."""

    mean: np.ndarray
    covariance: np.ndarray
    expected: np.ndarray


def even_scores(
    answers: pd.DataFrame, items: pd.DataFrame, min_answered: float = 0.5
) -> pd.DataFrame:
    """Score each respondent on each phase as if all its items had been answered.

    From the mean of the items answered goes by how much these are rated higher than all of the
    phase; that comes from how respondents rate them beside each other (two-way imputation without
    its error: least squares of respondents and items).

    Parameters
    ----------
    answers, items, min_answered
        As `measurement.respondent_scores` takes them.

    Returns
    -------
    DataFrame, respondents × phases
        As `measurement.respondent_scores` where all was answered; may lie just outside 0-100.

    References
    ----------
    Bernaards, C. A. & Sijtsma, K. (2000). Influence of imputation and EM methods on factor analysis
    when item nonresponse in questionnaire data is nonignorable. Multivariate Behavioral Research
    35(3), 321-364.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [4, 3, 2], "AG2": [2, 1, None]})
    >>> even_scores(answers, items)["AG"].round(6).tolist()  # AG1 is rated 50 points higher
    [75.0, 50.0, 25.0]
    """
    scores, turned = respondent_scores(answers, items, min_answered), turn_items(answers, items)
    for phase, listed in items_by_phase(items).items():
        scores[phase] -= _gained(turned[listed].to_numpy(dtype=float))
    return scores


def _gained(values: np.ndarray) -> np.ndarray:
    """Give by how much the items answered are rated higher than all, n respondents × q items.

    Only differences of items are known: of all solutions the one without a level of its own.
    """
    seen = np.isfinite(values).astype(float)
    part = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    filled = np.nan_to_num(values)
    beside = filled - seen * (part * filled).sum(axis=1, keepdims=True)
    equations = np.diag(seen.sum(axis=0)) - seen.T @ part
    return np.asarray(part @ np.linalg.lstsq(equations, beside.sum(axis=0), rcond=UNKNOWN)[0])


def missing_by_level(
    answers: pd.DataFrame, items: pd.DataFrame, reasons: pd.DataFrame, units: pd.Series
) -> pd.DataFrame:
    """Tell how many answers are missing for each reason, and whether with low or high scores.

    A respondent's level is the mean of the answers given, each less the mean of its item, so that
    who skips the difficult items is not taken for high.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).
    reasons : DataFrame, respondents × items
        Why an answer is missing, as text; anything where it is not.
    units : Series, indexed by respondent

    Returns
    -------
    DataFrame, indexed by reason, the most frequent first after `ANY`; empty when nothing is missing
        share (0-1, of all answers); low, middle, high (the same for the thirds of the respondents
        by level); n (respondents with a level); slope (change of the share for each point of
        level), standard_error (robust, respondents of one unit together), p (adjusted over the
        reasons, Holm; `ANY` stands alone).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 1, 2, 3, 4, 4], "AG2": [None, None, 2, 3, 3, 4]})
    >>> reasons = answers.isna().replace({True: "dont_know", False: ""})
    >>> table = missing_by_level(answers, items, reasons, pd.Series(list("ABCDEF")))
    >>> table.loc["dont_know", ["share", "low", "high"]].round(2).tolist()
    [0.17, 0.5, 0.0]
    """
    turned = turn_items(answers, items)
    level = (turned - turned.mean()).mean(axis=1).dropna()
    third = (level.rank(method="first").sub(1) * 3 // len(level)).map(dict(enumerate(THIRDS)))
    units = match_units(level.to_frame(), units)
    why = reasons.reindex_like(turned).astype("str").where(turned.isna(), "")
    found = [str(reason) for reason in why.stack().value_counts().index if reason != ""]
    rows = {}
    for reason in [ANY, *found] if turned.isna().any(axis=None) else []:
        own = (turned.isna() if reason == ANY else why == reason).mean(axis=1)
        known = own.loc[level.index]
        rows[reason] = {"share": own.mean(), **known.groupby(third).mean().reindex(THIRDS)}
        rows[reason] |= {"n": len(level), **_slope(level, known, units)}
    columns = ["share", *THIRDS, "n", "slope", "standard_error", "p"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("reason")
    table["p"] = table["p"].where(table.index == ANY, holm(table["p"].loc[found]))
    return table.astype(float).astype({"n": int})


def little_test(
    answers: pd.DataFrame, items: pd.DataFrame, units: pd.Series | None = None
) -> pd.DataFrame:
    """Test in each phase whether answers are missing completely at random (Little 1988).

    Respondents who answered the same items form a pattern; the statistic is how far the means of
    the patterns lie from those of all. It sees whether who left out one item answers the others
    otherwise, not whether the missing answers differ from those given. Answers are taken as normal.
    Colleagues answer alike, and often leave out the same items; with `units` the statistic is
    divided by its design effect, what respondents of one unit together add to it over what they
    add apart (Rao & Scott 1984).

    Parameters
    ----------
    answers, items
        As in `missing_by_level`.
    units : Series, indexed by respondent, optional
        Without, respondents of one unit are taken as independent.

    Returns
    -------
    DataFrame, indexed by phase
        n (respondents who answered an item), n_patterns, statistic, df, p, p_adjusted (over the
        phases, Holm); without a test where nobody left a single item out or items repeat each
        other.

    References
    ----------
    Little, R. J. A. (1988). A test of missing completely at random for multivariate data with
    missing values. Journal of the American Statistical Association 83(404), 1198-1202.
    Rao, J. N. K. & Scott, A. J. (1984). On chi-squared tests for multiway contingency tables with
    cell proportions estimated from survey data. Annals of Statistics 12(1), 46-60.
    """
    turned, rows = turn_items(answers, items), {}
    of = turned.index.to_series() if units is None else match_units(turned, units)
    for phase, listed in items_by_phase(items).items():
        values = with_variance(turned[listed]).dropna(how="all")
        codes = pd.factorize(of.loc[values.index])[0]
        rows[phase] = {"n": len(values), **_little(values.to_numpy(), codes)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")
    return table.astype({"n": int, "n_patterns": int}).assign(p_adjusted=holm(table["p"]))


def expected_scores(answers: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Score each respondent on each phase with missing answers as the others lead to expect.

    Parameters
    ----------
    answers, items
        As in `missing_by_level`.

    Returns
    -------
    DataFrame, respondents × phases
        0-100; NaN where no item of the phase was answered.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [1, 2, 3, 4, 4], "AG2": [0, 1, 2, 3, None]})
    >>> expected_scores(answers, items)["AG"].round(1).tolist()
    [12.5, 37.5, 62.5, 87.5, 87.5]
    """
    turned, scores = turn_items(answers, items), {}
    for phase, listed in items_by_phase(items).items():
        known = turned[listed].dropna(axis=1, how="all").dropna(how="all")
        filled = known if known.empty else normal_moments(known.to_numpy()).expected.clip(0, 100)
        mean = pd.DataFrame(filled, known.index).mean(axis=1)
        scores[phase] = mean.reindex(turned.index)
    return pd.DataFrame(scores, index=turned.index).rename_axis(columns="phase")


def normal_moments(values: np.ndarray) -> Moments:
    """Estimate means and covariance of incomplete rows by maximum likelihood (EM).

    Parameters
    ----------
    values : array, n × q
        NaN missing; each row and each column has a value.

    References
    ----------
    Dempster, A. P., Laird, N. M. & Rubin, D. B. (1977). Maximum likelihood from incomplete data via
    the EM algorithm. Journal of the Royal Statistical Society B 39(1), 1-38.
    """
    mean, covariance = np.nanmean(values, axis=0), np.diag(np.nanvar(values, axis=0))
    unit = np.sqrt(np.where(np.diag(covariance) > 0, np.diag(covariance), 1))
    patterns, filled = list(_patterns(values)), values.copy()
    for _ in range(MOST_STEPS):
        before, unsure = (mean, covariance), np.zeros_like(covariance)
        for seen, rows in patterns:
            lost, own = ~seen, covariance[np.ix_(seen, seen)]
            shared = covariance[np.ix_(lost, seen)]
            weights = shared @ np.linalg.pinv(own, rcond=SINGULAR, hermitian=True)
            gaps = values[rows][:, seen] - mean[seen]
            filled[np.ix_(rows, lost)] = mean[lost] + gaps @ weights.T
            rest = covariance[np.ix_(lost, lost)] - weights @ shared.T
            unsure[np.ix_(lost, lost)] += len(rows) * rest
        mean = filled.mean(axis=0)
        covariance = ((filled - mean).T @ (filled - mean) + unsure) / len(filled)
        moves = (mean - before[0]) / unit, (covariance - before[1]) / np.outer(unit, unit)
        if max(np.abs(move).max() for move in moves) < TOLERANCE:
            break
    return Moments(mean, covariance, filled)


def _patterns(values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give each set of columns that are seen together (q, bool), and its rows."""
    seen, place = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for number, columns in enumerate(seen):
        yield columns, np.flatnonzero(place.ravel() == number)


def _little(values: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    patterns = list(_patterns(values)) if values.size else []
    told = {"n_patterns": len(patterns), "statistic": np.nan, "df": np.nan, "p": np.nan}
    if len(patterns) < 2:
        return told
    mean, covariance, _ = normal_moments(values)
    spreads = np.linalg.eigvalsh(covariance)
    if spreads[0] <= SINGULAR * spreads[-1]:
        return told
    statistic, apart, together = 0.0, 0.0, 0.0
    for seen, rows in patterns:
        root = np.linalg.cholesky(np.linalg.inv(covariance[np.ix_(seen, seen)]))
        gaps = (values[rows][:, seen] - mean[seen]) @ root / np.sqrt(len(rows))
        of_units = pd.DataFrame(gaps).groupby(codes[rows]).sum().to_numpy()
        statistic += (gaps.sum(axis=0) ** 2).sum()
        apart, together = apart + (gaps**2).sum(), together + (of_units**2).sum()
    statistic /= max(together / apart, 1.0)
    df = sum(int(seen.sum()) for seen, _ in patterns) - values.shape[1]
    return told | {"statistic": statistic, "df": df, "p": stats.chi2.sf(statistic, df)}


def _slope(level: pd.Series, share: pd.Series, units: pd.Series) -> dict[str, float]:
    """Regress shares on level, with a standard error over units (Liang & Zeger 1986)."""
    x, n_units = level - level.mean(), units.nunique()
    squares = float(x @ x)
    if n_units < 3 or squares < SINGULAR:
        return {"slope": np.nan, "standard_error": np.nan, "p": np.nan}
    slope = float(x @ share) / squares
    scores = (x * (share - share.mean() - slope * x)).groupby(units).sum()
    error = np.sqrt(n_units / (n_units - 1) * float(scores @ scores)) / squares
    p = 2 * stats.t.sf(abs(slope) / error, n_units - 1) if error > 0 else np.nan
    return {"slope": slope, "standard_error": error, "p": p}
