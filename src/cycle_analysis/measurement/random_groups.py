"""Set agreement beside that of groups put together at random, of the same sizes.

rwg(j) alone shows pseudo-agreement: it is high wherever everyone answers alike (Woehr et al. 2015).
"""

import numpy as np
import pandas as pd

from cycle_analysis.measurement.agreement import rwg_j, uniform_variances
from cycle_analysis.measurement.scores import items_by_phase, match_units, turn_items


def random_group_benchmark(
    answers: pd.DataFrame,
    items: pd.DataFrame,
    units: pd.Series,
    replicates: int = 500,
    seed: int = 2018,
) -> pd.DataFrame:
    """Set the mean rwg(j) beside that of groups of the same sizes drawn at random.

    Parameters
    ----------
    answers, items, units
        As for `unit_agreement`.
    replicates : int
        Number of times the respondents are dealt out again.
    seed : int

    Returns
    -------
    DataFrame, indexed by phase
        n_units (with two respondents or more), rwg, random, random_high (95th percentile), gain
        (rwg - random), p (share of draws that agree at least as much), reason.

    References
    ----------
    Woehr, D. J. et al. (2015). Justifying aggregation with consensus-based constructs.
    Organizational Research Methods 18(4).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 0, 4, 4] * 5, "AG2": [0, 1, 4, 4] * 5})
    >>> units = pd.Series(["A", "A", "B", "B"] * 5)
    >>> random_group_benchmark(answers, items, units, replicates=99).loc["AG", "p"]
    np.float64(0.01)
    """
    turned = turn_items(answers, items)
    unit = match_units(turned, units)
    steps = (items["high"] - items["low"]).reindex(turned.columns) / 100.0
    streams = np.random.SeedSequence(seed).spawn(len(items_by_phase(items)))
    rows = {}
    for (phase, listed), stream in zip(items_by_phase(items).items(), streams, strict=True):
        complete = (turned[listed] * steps[listed]).dropna()
        sizes = unit.loc[complete.index].value_counts(sort=False)
        grouped = complete.loc[unit.loc[complete.index].isin(sizes.index[sizes > 1])]
        null = np.sqrt(uniform_variances(items, listed).to_numpy())
        rows[phase] = _deal_out(
            grouped.to_numpy() / null, unit.loc[grouped.index], replicates, stream
        )
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")


def _deal_out(
    standardised: np.ndarray, unit: pd.Series, replicates: int, stream: np.random.SeedSequence
) -> dict[str, float | int | str]:
    """Mean rwg(j) observed and over random deals; rows are sorted by unit first."""
    order = np.argsort(unit.to_numpy(), kind="stable")
    values, names = standardised[order], unit.to_numpy()[order]
    if len(names) == 0:
        lacking = dict.fromkeys(["rwg", "random", "random_high", "gain", "p"], np.nan)
        return {"n_units": 0, **lacking, "reason": "no unit with two respondents"}
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    sizes = np.diff(np.r_[starts, len(names)])[:, None]

    def mean_rwg(rows: np.ndarray) -> float:
        centred = rows - values.mean(axis=0)
        total = np.add.reduceat(centred, starts, axis=0)
        squares = np.add.reduceat(centred**2, starts, axis=0)
        variances = (squares - total**2 / sizes) / (sizes - 1)
        return float(rwg_j(variances.mean(axis=1), values.shape[1]).mean())

    generator = np.random.default_rng(stream)
    observed = mean_rwg(values)
    draws = np.array([mean_rwg(generator.permutation(values)) for _ in range(replicates)])
    return {
        "n_units": len(starts),
        "rwg": observed,
        "random": float(draws.mean()),
        "random_high": float(np.quantile(draws, 0.95)),
        "gain": observed - float(draws.mean()),
        "p": float(((draws >= observed - 1e-12).sum() + 1) / (replicates + 1)),
        "reason": "",
    }
