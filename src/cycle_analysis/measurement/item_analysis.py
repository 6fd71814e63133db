"""Describe every item: its answers, what it does for its phase, and whether it changed.

Item-rest correlation and alpha if dropped say whether an item belongs to its phase; floor, ceiling
and *don't know* whether it can tell units apart.

That a phase rose by 7 points says something of units only if its items still measure the same. In a
model of one factor for each phase, when the factor moves, the mean of item j moves by its loading
λ_j times that move; what it moves besides is a change of its intercept. Loadings are those of the
respondents of both waves together, each wave around its own means (maximum likelihood, Lawley &
Maxwell 1971). The move is the median of Δ_j / λ_j over the items of the phase, Δ_j the change of
the mean of item j, so that fewer than half of the items can move on their own without pulling it
along: drift_j = Δ_j - λ_j median(Δ / λ). How far that is known a bootstrap of units tells, all
respondents of a unit together. Its p is how often items lie as far, in their own standard
deviations, in samples from which the drift of every item is taken off. Such deviations have long
tails, for the median lies on one of the items: a normal p announced an item in .10 to .20 of
studies without any.

Items are not set against their rest scores. A rest score holds error, so that of two respondents
with the same one the wave with the higher level truly stands higher; the regression then flags
items that did nothing as soon as the level moves (in .70 of studies), and differences from a
respondent's own mean do so when loadings differ (.38).
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import Seed, children, holm
from cycle_analysis.measurement import items_by_phase, match_units, turn_items
from cycle_analysis.measurement.reliability import LEAST_UNIQUE, alpha, with_variance

DONT_KNOW = "dont_know"
"""The reason a missing answer carries when the respondent said not to know."""
LEVEL = 0.05
"""Adjusted p up to which an item is said to have drifted."""
FEWEST_SAMPLES = 100
"""Samples of units with which p is told."""
FEWEST_ITEMS = 3
"""Items of a phase with which one factor is identified."""
LEAST_SHARE = 0.9
"""Share of the samples of units in which the drift of an item must be known."""
TOLERANCE, MOST_STEPS = 1e-6, 1000
"""Change of unique shares at which loadings stand still, and the largest number of steps."""
UNLIKE, SURELY = 0.5, 0.99
"""Part of its loading that an item lacks in one wave to be told, and in how many samples."""
SMALL = 1e-9
"""Points, or loading, that are as good as none."""
COLUMNS = (
    *("phase", "n_before", "n_after", "loading", "change", "drift", "standard_error"),
    *("low", "high", "p", "p_holm", "drifted", "without", "unlike"),
)


class Sums(NamedTuple):
    """What the respondents of each unit add up to, n units × q items × q, over who answered both.

    Their number, the sum of the answers to the first of the two items, and that of the products.
    """

    counts: np.ndarray
    totals: np.ndarray
    products: np.ndarray


WARNINGS: dict[str, Callable[[pd.DataFrame], "pd.Series[bool]"]] = {
    "no answers": lambda table: table["n"] == 0,
    "no variance": lambda table: (table["n"] > 0) & ~(table["sd"] > 1e-6),
    "negative item-rest correlation": lambda table: table["item_rest"] < 0,
    "over half at the floor": lambda table: table["floor"] > 0.5,
    "over half at the ceiling": lambda table: table["ceiling"] > 0.5,
    "over a fifth don't know": lambda table: table["dont_know"] > 0.2,
}
"""When an item is warned of, in a table of `item_statistics`."""


def answer_counts(answers: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Count how often each step of the scale was chosen, as it was asked.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing; those of a rescaled wave are set to the nearest step.
    items : DataFrame, indexed by item
        Columns `low`, `high`.

    Returns
    -------
    DataFrame, items × steps, as text
        Number of answers; 0 on a step that the item's scale does not have.

    Examples
    --------
    >>> items = pd.DataFrame({"low": 0, "high": 2}, index=["AG1"])
    >>> answer_counts(pd.DataFrame({"AG1": [0, 2, 2, None]}), items).loc["AG1"].to_dict()
    {'0': 1, '1': 0, '2': 2}
    """
    steps = range(int(items["low"].min()), int(items["high"].max()) + 1)
    nearest = answers[items.index].astype(float).round()
    counts = {str(step): (nearest == step).sum() for step in steps}
    return pd.DataFrame(counts, index=items.index).rename_axis("item")


def item_statistics(
    answers: pd.DataFrame, items: pd.DataFrame, reasons: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Describe every item, and what it does for its phase.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).
    reasons : DataFrame, respondents × items, optional
        Why an answer is missing, as text (`DONT_KNOW` or other); anything else where it is not.

    Returns
    -------
    DataFrame, indexed by item, in cycle order
        phase; n (answers); missing, dont_know, floor, ceiling (shares 0-1; floor and ceiling among
        answers); mean, sd (0-100, reversed items turned round); item_rest (correlation with the
        mean of the phase's other items); alpha_if_dropped; warning (empty when nothing is wrong).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame([[0, 1, 0], [2, 2, 1], [4, 3, 4], [3, 4, 4]], columns=items.index)
    >>> item_statistics(answers, items)[["mean", "item_rest"]].round(2).loc["AG1"].tolist()
    [56.25, 0.9]
    """
    turned = turn_items(answers, items)
    n = turned.count()
    unknown = np.nan if reasons is None else reasons.reindex_like(turned) == DONT_KNOW
    table = pd.DataFrame(
        {
            "phase": items.loc[turned.columns, "phase"],
            "n": n,
            "missing": turned.isna().mean(),
            "dont_know": (unknown * turned.isna()).mean(),
            "mean": turned.mean(),
            "sd": turned.std(),
            "floor": (turned <= 0).sum() / n.where(n > 0),
            "ceiling": (turned >= 100).sum() / n.where(n > 0),
        }
    )
    blocks = [turned.columns[:0], *items_by_phase(items).values()]
    table = table.join(pd.concat([_items_in_scale(turned[listed]) for listed in blocks]))
    return table.assign(warning=_item_warnings(table)).rename_axis("item")


def item_drift(
    answers: Mapping[str, pd.DataFrame],
    items: pd.DataFrame,
    units: Mapping[str, pd.Series],
    n_samples: int = 200,
    seed: Seed = 1,
    careless: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Tell which items changed between successive waves by more than their phase did.

    Parameters
    ----------
    answers : mapping of wave to DataFrame, respondents × items
        Coded numbers, NaN missing, in the order of the waves.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool), of the items that all waves asked alike.
    units : mapping of wave to Series, indexed by respondent
        Units in two waves are drawn for both at once, others apart.
    n_samples : int
        Samples of units, 100 or more: with 20, items are announced twice as often by chance.
    seed : int or SeedSequence
    careless : mapping of wave to Series of bool, indexed by respondent, optional
        Who may have answered without care: of such answers easy items fall and difficult ones rise.
        An item drifted, or is unlike, only where it is so without them, too.

    Returns
    -------
    DataFrame, one row for each pair of waves and item
        Index `wave_from`, `wave_to`, `item`; `phase`; `n_before`, `n_after` (answers); `loading`,
        `change` and `drift`, in points of 0-100, `standard_error`, `low`, `high` (95%); `p` of no
        drift, and `p_holm`, adjusted over the items of all pairs of waves; `drifted`; `without`,
        the same for all items of a phase: how many points more or less the mean of its items would
        change without those that drifted, NaN when none would be left; `unlike`, whether the item
        goes along with its phase in one wave less than half as far as in the other, or against it,
        in `SURELY` of the samples. No drift where fewer than three items of the phase vary, or
        where these have nothing in common.

    Raises
    ------
    ValueError
        When respondents stand twice or have no unit, or with too few samples.

    References
    ----------
    Lawley, D. N. & Maxwell, A. E. (1971). Factor analysis as a statistical method, 2nd ed.
    Butterworths.
    Meredith, W. (1993). Measurement invariance, factor analysis and factorial invariance.
    Psychometrika 58(4), 525-543.

    Examples
    --------
    >>> from cycle_analysis.simulate import Answering, Continuum
    >>> rng = np.random.default_rng(1)
    >>> states = Continuum()(100, rng)
    >>> one, two = Answering()(states, rng), Answering()(states, rng)
    >>> one.answers["AG1"] = (one.answers["AG1"] - 1).clip(lower=0)
    >>> waves = {"2018": one, "2022": two}
    >>> answers = {wave: survey.answers for wave, survey in waves.items()}
    >>> units = {wave: survey.units for wave, survey in waves.items()}
    >>> table = item_drift(answers, one.items, units).droplevel([0, 1])
    >>> table.index[table["drifted"]].tolist(), table.loc["AG1", "drift"].round()
    (['AG1'], np.float64(22.0))
    """
    if n_samples < FEWEST_SAMPLES:
        raise ValueError(
            f"{n_samples} samples of units tell no chance; take {FEWEST_SAMPLES} or more."
        )
    pairs = list(pairwise(answers))
    names = ["wave_from", "wave_to", "item"]
    if not pairs:
        return pd.DataFrame(columns=[*names, *COLUMNS]).set_index(names)
    turned = (turn_items(answers[wave], items) for wave in answers)
    own = ((one, match_units(one, units[wave])) for one, wave in zip(turned, answers, strict=True))
    seeds = children(seed, len(pairs))
    tables = {
        pair: _drift_between(both, items, n_samples, one)  # two waves at a time, of many large ones
        for pair, both, one in zip(pairs, pairwise(own), seeds, strict=True)
    }
    found = pd.concat(tables, names=names[:2])
    found = found.assign(p_holm=holm(found["p"]))
    found["drifted"] = found["p_holm"] <= LEVEL
    claims = ["drifted", "unlike"]
    if careless and found[claims].any(axis=None) and any(careless[w].any() for w in answers):
        kept = {w: told[~careless[w].reindex(told.index)] for w, told in answers.items()}
        anybody = all(map(len, kept.values()))
        without = item_drift(kept, items, units, n_samples, seed) if anybody else found.iloc[:0]
        for claim in claims:
            found[claim] &= without[claim].reindex(found.index).eq(True)
    found["without"] = found["change"].mask(found["drifted"])
    means = found.groupby([*names[:2], "phase"])[["without", "change"]].transform("mean")
    return found.assign(without=means["without"] - means["change"])[[*COLUMNS]]


def drift_of(changes: np.ndarray, loadings: np.ndarray) -> np.ndarray:
    """Take from the changes of items what their phase explains: Δ_j - λ_j median(Δ / λ).

    Parameters
    ----------
    changes, loadings : array, … × q items
        NaN where an item cannot take part.

    Examples
    --------
    >>> drift_of(np.array([4.0, 8.0, 18.0]), np.array([10.0, 20.0, 15.0]))
    array([ 0.,  0., 12.])
    """
    apart = np.where(np.abs(loadings) > SMALL, loadings, np.nan)
    move = np.median(changes / apart, axis=-1, keepdims=True)
    return np.asarray(changes - loadings * move)


def factor_loadings(covariances: np.ndarray) -> np.ndarray:
    """Load items on one factor by maximum likelihood, for many covariance matrices at once.

    Given the unique variances, the loadings follow from the first eigenvector of the covariances
    scaled by them; given the loadings, the unique variances are the rest of the diagonal. Both in
    turn, until they stand still (Lawley & Maxwell 1971, chapter 4).

    Parameters
    ----------
    covariances : array, B × q × q
        Of three items or more.

    Returns
    -------
    array, B × q
        In the unit of the items, mostly positive; NaN where a covariance is not known or an item
        has no variance.

    Examples
    --------
    >>> loadings = np.array([10.0, 12.0, 16.0])
    >>> covariances = np.outer(loadings, loadings) + np.diag([100.0, 256.0, 144.0])
    >>> factor_loadings(covariances[None]).round(3)
    array([[10., 12., 16.]])
    """
    spread = np.sqrt(np.einsum("bqq->bq", covariances))
    known = np.isfinite(covariances).all(axis=(1, 2)) & (spread > 0).all(axis=1)
    loadings = np.full_like(spread, np.nan)
    if covariances.shape[1] < 3 or not known.any():
        return loadings
    scale = spread[known]
    observed = covariances[known] / (scale[:, :, None] * scale[:, None, :])
    unique, fitted = np.full_like(scale, 0.5), np.zeros_like(scale)
    open_ = np.arange(len(scale))
    for _ in range(MOST_STEPS):
        root = np.sqrt(unique[open_])
        values, vectors = np.linalg.eigh(observed[open_] / (root[:, :, None] * root[:, None, :]))
        fitted[open_] = root * vectors[:, :, -1] * np.sqrt(np.maximum(values[:, -1:] - 1, 0))
        rest = np.clip(1 - fitted[open_] ** 2, LEAST_UNIQUE, 1)
        moves = np.abs(rest - unique[open_]).max(axis=1)
        unique[open_] = rest
        open_ = open_[moves > TOLERANCE]
        if not len(open_):
            break
    fitted *= np.where(fitted.sum(axis=1, keepdims=True) < 0, -1, 1)
    loadings[known] = fitted * scale
    return loadings


def _items_in_scale(turned: pd.DataFrame) -> pd.DataFrame:
    """Item-rest correlation and alpha if dropped, on the items that vary."""
    covariances = with_variance(turned).cov()
    values = covariances.to_numpy()
    own = np.diag(values)
    shared = values.sum(axis=1) - own
    rest = values.sum() - own - 2 * shared
    return pd.DataFrame(
        {
            "item_rest": shared / np.sqrt(own * np.where(rest > 1e-12, rest, np.nan)),
            "alpha_if_dropped": [
                alpha(np.delete(np.delete(values, place, 0), place, 1)) for place in range(len(own))
            ],
        },
        index=covariances.index,
        dtype=float,
    ).reindex(turned.columns)


def _item_warnings(table: pd.DataFrame) -> pd.Series:
    marks = pd.DataFrame({code: holds(table) for code, holds in WARNINGS.items()}, table.index)
    told = ["; ".join(marks.columns[row]) for row in marks.to_numpy(bool)]
    return pd.Series(told, index=table.index, dtype="str")


def _drift_between(
    waves: tuple[tuple[pd.DataFrame, pd.Series], ...],
    items: pd.DataFrame,
    n_samples: int,
    seed: np.random.SeedSequence,
) -> pd.DataFrame:
    """Make the table of one pair of waves, each its answers and the unit of each respondent."""
    names = pd.Index(sorted(set(waves[0][1]) | set(waves[1][1])))
    before, after = (names.isin(units) for _, units in waves)
    weights = _draw_units(before, after, n_samples, np.random.default_rng(seed))
    codes = [names.get_indexer(units) for _, units in waves]
    tables, by_chance = [], []
    for phase, listed in items_by_phase(items).items():
        values = [turned[listed].to_numpy() for turned, _ in waves]
        sums = [_add_up(v, code, len(names)) for v, code in zip(values, codes, strict=True)]
        table = pd.DataFrame({"phase": phase}, index=pd.Index(listed, name="item"))
        table["n_before"], table["n_after"] = (np.isfinite(v).sum(axis=0) for v in values)
        columns, samples = _drift_of_phase(sums, weights)
        tables.append(table.assign(**columns))
        by_chance.append(samples)
    freedom = 1 / (1 / max(len(names) - 1, 1) + 1 / (n_samples - 1))
    return pd.concat(tables).assign(p=_chances(np.hstack(by_chance), freedom))


def _draw_units(
    before: np.ndarray, after: np.ndarray, n_samples: int, rng: np.random.Generator
) -> np.ndarray:
    """Say how often each unit stands in a sample, n units × (1 + B); first as it is.

    Units of both waves, of the first only and of the second only are drawn from their own kind.
    """
    weights = np.ones((len(before), 1 + n_samples))
    for kind in (before & after, before & ~after, ~before & after):
        if n := int(kind.sum()):
            weights[kind, 1:] = rng.multinomial(n, np.full(n, 1 / n), n_samples).T
    return weights


def _add_up(values: np.ndarray, codes: np.ndarray, n_units: int) -> Sums:
    seen = np.isfinite(values).astype(float)
    filled = np.where(seen > 0, values, 0.0)
    pairs = (seen, seen), (filled, seen), (filled, filled)
    added = [np.zeros((n_units, values.shape[1], values.shape[1])) for _ in pairs]
    for sums, (left, right) in zip(added, pairs, strict=True):
        np.add.at(sums, codes, left[:, :, None] * right[:, None, :])
    return Sums(*added)


def _drift_of_phase(
    waves: list[Sums], weights: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Give the columns of the items of a phase, q numbers each, and drift by chance.

    That is drift in standard deviations, (1 + B) × q: as found, and in samples of units from which
    the drift found is taken off; NaN where it is not known.
    """
    added = [Sums(*(_weighed(sums, weights) for sums in wave)) for wave in waves]
    before, after = (_own(wave.totals) / _positive(_own(wave.counts)) for wave in added)
    changes, covariances = after - before, _covariances(added)
    usable = np.isfinite(changes[0]) & (_own(covariances)[0] > SMALL)
    loadings, drift = np.full_like(changes, np.nan), np.full_like(changes, np.nan)
    if usable.sum() >= FEWEST_ITEMS:
        loadings[:, usable] = factor_loadings(covariances[:, usable][:, :, usable])
        drift[:, usable] = drift_of(changes[:, usable], loadings[:, usable])
    told = np.isfinite(drift[0]) & (np.isfinite(drift[1:]).mean(axis=0) >= LEAST_SHARE)
    error = np.where(told, _spread(drift[1:]), np.nan)
    reach = stats.t.ppf(0.975, max(len(weights) - 1, 1)) * error
    own = np.where(told, drift[0], np.nan)
    table = {"loading": loadings[0], "change": changes[0], "drift": own, "standard_error": error}
    table["unlike"] = _load_unlike(added, usable)
    innocent = np.full_like(drift[1:], np.nan)
    innocent[:, usable] = drift_of((changes[1:] - drift[:1])[:, usable], loadings[1:, usable])
    scale = np.where(told, np.maximum(_spread(innocent), SMALL), np.nan)
    return table | {"low": own - reach, "high": own + reach}, np.vstack([own, innocent]) / scale


def _load_unlike(waves: list[Sums], usable: np.ndarray) -> np.ndarray:
    """Say which items load unlike in both waves, but for how far the units differ in each, q."""
    unlike = np.zeros(len(usable), dtype=bool)
    if usable.sum() < FEWEST_ITEMS:
        return unlike
    before, after = (
        factor_loadings(_covariances([wave])[:, usable][:, :, usable]) for wave in waves
    )
    apart = drift_of(after, before)
    larger = np.fmax(np.abs(after), np.abs(after - apart))
    lacking = np.abs(apart) / np.maximum(larger, SMALL) >= UNLIKE
    unlike[usable] = lacking[0] & (lacking.mean(axis=0) >= SURELY)
    return unlike


def _chances(by_chance: np.ndarray, freedom: float) -> np.ndarray:
    """Give p of each item, Q, by how often any item lies as far in samples without drift.

    Items share their samples, 1 + B × Q, the first as found: so p can be as small as 1 / (1 + BQ).
    What was found is brought nearer, as t is to the normal: its standard deviation is an estimate,
    from so many units and so many samples, and that of the samples is their own.
    """
    found, *samples = np.abs(by_chance)
    found = stats.norm.isf(np.maximum(stats.t.sf(found, freedom), 1e-300))
    known = np.sort(np.ravel(samples)[np.isfinite(np.ravel(samples))])
    further = len(known) - np.searchsorted(known, found - SMALL)
    return np.where(np.isfinite(found), (1 + further) / (1 + len(known)), np.nan)


def _spread(samples: np.ndarray) -> np.ndarray:
    """Standard deviation over the samples in which a number is known, B × q."""
    known = np.isfinite(samples)
    n = known.sum(axis=0)
    gaps = np.where(known, samples, 0.0)
    gaps = np.where(known, gaps - gaps.sum(axis=0) / np.maximum(n, 1), 0.0)
    return np.asarray(np.sqrt((gaps**2).sum(axis=0) / np.maximum(n - 1, 1)))


def _covariances(waves: list[Sums]) -> np.ndarray:
    """Covariances of both waves together, each around its own means, of pairs of items, B × q × q.

    NaN in a sample in which nobody answered two items both.
    """
    scatter, counts = np.zeros_like(waves[0].counts), np.zeros_like(waves[0].counts)
    for wave in waves:
        number = np.maximum(wave.counts, 1)
        scatter += wave.products - wave.totals * np.swapaxes(wave.totals, 1, 2) / number
        counts += wave.counts
    return scatter / _positive(counts)


def _weighed(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Add up over the units of each sample, B × q × q."""
    return (weights.T @ sums.reshape(len(sums), -1)).reshape(-1, *sums.shape[1:])


def _own(squares: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("bqq->bq", squares))


def _positive(counts: np.ndarray) -> np.ndarray:
    """Counts to divide by, NaN for none."""
    return np.where(counts > 0, counts, np.nan)
