"""Estimate who moved from profile to profile between two waves, knowing the error of both.

Placing units in each wave and counting who moved counts the error of few respondents as change:
with nothing changed, a third of the units may switch. Here both waves are fitted at once
(`mixtures.pairs`): shares of pairs of profiles, with the error of each wave's own respondents taken
off. *No change* is the same model with pairs of twice the same profile only. Whether more than that
is there is a likelihood ratio, set beside surveys drawn without change, in which respondents err as
these did: their own deviations, within their profile, for as many respondents as each unit has.
Intervals come from refits to samples of units, respondents and all. A continuum has no profiles:
its levels are bands of one normal distribution, of which the two waves are estimated in the same
way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import Seed, children
from cycle_analysis.measurement.error import Standing
from cycle_analysis.mixtures.em import fixed
from cycle_analysis.mixtures.pairs import PERSISTING, equal_means, shifted_means
from cycle_analysis.profiles import Partition
from cycle_analysis.waves import ATTENTIVE
from cycle_analysis.waves.two_waves import (
    FLOOR,
    Fitted,
    TwoWaves,
    WaveScores,
    gain,
    level_models,
    null_ratios,
    profile_models,
    refits,
)

ALPHA = 0.01
"""Chance of announcing change where there is none: higher would need the model to be exact."""
SHIFT_ALPHA = 0.01
"""Chance under which a common shift of all profiles is let into the model."""
FEWEST_UNITS = 30
"""Units in both waves under which nothing is estimated."""
AS_PROBABILITY = {"share": "probability", "low": "probability_low", "high": "probability_high"}
"""Columns of shares of all units, and of those of one profile."""
ALL_ATTENTIVE = "all_attentive"
"""Stands for their finding where no respondent does."""


class Finding(StrEnum):
    """What can be said of change between two waves."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ROUGH = "rough"
    UNKNOWN_ERROR = "unknown_error"
    FEW_UNITS = "few_units"
    IDENTICAL = "identical"
    UNDIVIDED = "undivided"


@dataclass(frozen=True, eq=False)
class Change:
    """What changed between two waves.

    Attributes
    ----------
    finding : Finding
        `changed` or `unchanged` by the test; otherwise why no verdict is given.
    n_units : int
        Units in both waves.
    likelihood_ratio, p : float
        Of no change, and how often surveys without change have one as large.
    moves : DataFrame, (k + 1)² rows
        Index `profile_from`, `profile_to`, 0 for all profiles; `share` of all units and
        `probability` to go there from that profile, each with `low` and `high`
        (`probability_low`, …), 0-1.
    moved : DataFrame
        Index `direction` (any, up, down); share, low, high.
    shift : Series, p phases
        Points by which all profiles shifted alike; 0 when that is not beyond chance.
    fitted : Fitted, optional
        The models themselves, where there are any.
    error_at_most : float
        Where the error is not known: the largest standard error that a unit's score can have, since
        the waves do not differ by more, in points, of the phase with the largest (95% limit).
    """

    finding: Finding
    n_units: int
    likelihood_ratio: float
    p: float
    moves: pd.DataFrame
    moved: pd.DataFrame
    shift: pd.Series
    fitted: Fitted | None = None
    error_at_most: float = np.nan

    @classmethod
    def of(
        cls,
        finding: Finding,
        n_units: int,
        likelihood_ratio: float,
        p: float,
        shares: np.ndarray,
        samples: np.ndarray,
        shift: pd.Series,
    ) -> "Change":
        """Set shares of pairs, k × k, and of samples, B × k × k, in tables with intervals.

        Unless there is a verdict of change, nobody may have moved: intervals begin at 0. Where the
        error is too rough for a verdict they are one-sided altogether.
        """
        k, changed = len(shares), finding == Finding.CHANGED
        stay, upward = np.eye(k, dtype=bool), np.triu(np.ones((k, k), bool), 1)
        one_sided = 0.05 if finding == Finding.ROUGH else 0.025
        ways, unsure = {"any": ~stay, "up": upward, "down": upward.T}, np.array(not changed)
        summed = [(shares[way].sum(), samples[:, way].sum(axis=1)) for way in ways.values()]
        moved = pd.concat([_told(*sums, n_units, one_sided, unsure) for sums in summed])
        # where few move too many seem to, and samples tell further down how few it may be
        moved["low"] = np.minimum(moved["low"], [np.quantile(s, 0.025) for _, s in summed])
        share, drawn = _with_margins(shares), _with_margins(samples)
        may_be_none, may_be_all = np.zeros((2, k + 1, k + 1), dtype=bool)
        may_be_none[1:, 1:], may_be_all[1:, 1:] = ~stay & unsure, stay & unsure
        each = n_units * share[:, :1]
        chances = (_conditional(share), _conditional(drawn), each, one_sided)
        chances = _told(*chances, may_be_none, may_be_all)
        index = pd.MultiIndex.from_product(
            [range(k + 1), range(k + 1)], names=["profile_from", "profile_to"]
        )
        moves = _told(share, drawn, n_units, one_sided, may_be_none)
        moves = moves.join(chances.rename(columns=AS_PROBABILITY)).set_axis(index)
        moved = moved.set_axis(pd.Index(ways, name="direction"))
        return cls(finding, n_units, likelihood_ratio, p, moves, moved, shift)


def estimate_change(
    first: WaveScores,
    second: WaveScores,
    reference: Partition,
    *,
    n_draws: int = 99,
    n_refits: int = 200,
    seed: Seed = 2018,
) -> Change:
    """Estimate how units moved between the profiles of a reference wave.

    Parameters
    ----------
    first, second : WaveScores
        Those units are compared that have both.
    reference : Partition
        Profiles to start from; both waves together say where they are.
    n_draws : int
        Surveys drawn without change; with fewer than 99 p never reaches `ALPHA`.
    n_refits : int
        Samples of units, for the intervals.
    seed : int or SeedSequence

    Returns
    -------
    Change

    References
    ----------
    Muthén & Asparouhov (2022), Psychological Methods 27(1), 1-16.
    Bovy, Hogg & Roweis (2011), Annals of Applied Statistics 5(2B), 1657-1677.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> from cycle_analysis.waves.two_waves import wave_scores
    >>> rng = np.random.default_rng(1)
    >>> units = pd.Series(np.repeat(np.arange(60), 4))
    >>> true = pd.DataFrame({"AG": 30.0 + 40 * (units % 2), "EX": 20.0 + 40 * (units % 2)})
    >>> waves = [wave_scores(true + rng.normal(0, 10, true.shape), units) for _ in range(2)]
    >>> found = estimate_change(*waves, ward_kmeans(waves[0].scores, 2), n_draws=24, n_refits=12)
    >>> str(found.finding), found.n_units
    ('unchanged', 60)
    """
    study = TwoWaves.of(first, second)
    if (finding := obstacle(study)) is not None:
        return _nothing(finding, study, reference.k)
    return _tested(fit_change(study, reference), n_draws, n_refits, seed)


def fit_change(study: TwoWaves, reference: Partition) -> Fitted:
    """Fit pairs of profiles to two waves, from the profiles of a reference wave.

    Returns
    -------
    Fitted
        With a common shift of all profiles where that is beyond chance.
    """
    k, p = reference.centroids.shape
    centroids = reference.centroids.fillna(reference.scores.mean())
    means = (centroids.to_numpy() - study.centre) / study.scale
    shares = (reference.sizes / reference.sizes.sum()).to_numpy()
    around = reference.scores - centroids.loc[reference.labels].to_numpy()
    spread = np.diag(around.var(ddof=0) / study.scale**2 + FLOOR)
    both = np.block([[spread, PERSISTING * spread], [PERSISTING * spread, spread]])
    models = profile_models(k, p, equal_means)
    begin = fixed(models.same.theta(means, both), shares)
    same, free = models.fit(study, begin)
    shifted = profile_models(k, p, shifted_means)
    other = shifted.fit(study, begin)
    if stats.chi2.sf(2 * gain(free, other[1]), p) < SHIFT_ALPHA:
        models, (same, free) = shifted, other
    return Fitted(study, models, same, free)


def estimate_level_change(
    first: WaveScores,
    second: WaveScores,
    cuts: Sequence[float],
    *,
    n_draws: int = 99,
    n_refits: int = 200,
    seed: Seed = 2018,
) -> Change:
    """Estimate how units moved between levels of a continuum.

    Parameters
    ----------
    first, second : WaveScores
        Of the mean score alone, one column.
    cuts : sequence of float, k - 1
        Mean scores at which a level ends.
    n_draws, n_refits, seed
        As `estimate_change`.

    Returns
    -------
    Change
    """
    study = TwoWaves.of(first, second)
    if (finding := obstacle(study)) is not None:
        return _nothing(finding, study, len(cuts) + 1)
    bands = (np.asarray(cuts, dtype=float) - study.centre) / study.scale
    models = level_models(bands)
    halves = np.array([[1.0, PERSISTING], [PERSISTING, 1.0]])
    begin = fixed(models.free.theta(np.zeros((1, 1)), halves), np.ones(1))
    found = _tested(Fitted(study, models, *models.fit(study, begin)), n_draws, n_refits, seed)
    return replace(found, shift=0 * found.shift)  # part of the change itself, and not tested apart


def undivided(first: WaveScores, second: WaveScores, **options: object) -> Change:
    """Say that units which were not divided have nowhere to move; parameters as the others."""
    both = first.scores.index.intersection(second.scores.index)
    again = len(both) and first.scores.loc[both].equals(second.scores.loc[both])
    finding = Finding.IDENTICAL if again else Finding.UNDIVIDED
    none = np.ones((1, 1))
    shift = pd.Series(dtype=float, name="shift")
    return Change.of(finding, len(both), np.nan, np.nan, none, none[None], shift)


def reliable_changes(
    first: WaveScores,
    second: WaveScores,
    rate: float = 0.05,
    *,
    besides: Sequence[tuple[WaveScores, WaveScores]] = (),
) -> pd.DataFrame:
    """Say of single units whether a score changed by more than its respondents leave unknown.

    The reliable change index (Jacobson & Truax 1991) with the error of each unit's own respondents
    in both waves, and the false discovery rate held over all units and phases (Benjamini &
    Yekutieli 2001, since errors of one unit's phases go together). So many tests ask how errors are
    at the far ends: where units agree unlike, or few respondents err far, a normal distribution
    said of some unit that it changed in a third of studies in which none had. Instead a t
    distribution has the variance of the error and its kurtosis: that of respondents over their
    number, as of means. Intervals are as wide as the same rate asks for (Benjamini & Yekutieli
    2005): a change that was chosen for its size is told too large, and 95% does not hold it.

    Parameters
    ----------
    first, second : WaveScores
        Those units are compared that have both.
    rate : float
        Share of the changes called reliable that may be none.
    besides : pairs of WaveScores
        The same waves told otherwise, such as without the mix of roles or respondents who seem
        careless: a change has to be reliable in all of them, in the same direction.

    Returns
    -------
    DataFrame, index `unit`, `phase`
        change, se (points), p (two-sided, adjusted), reliable, low, high: beside 0 where the
        scores as they are tell a reliable change. Empty where no error is known.

    Examples
    --------
    >>> from cycle_analysis.waves.two_waves import wave_scores
    >>> rng = np.random.default_rng(1)
    >>> units = pd.Series(np.repeat(np.arange(60), 4))
    >>> waves = [wave_scores(pd.DataFrame({"AG": 50 + 40 * (units == 7) * late
    ...                                    + rng.normal(0, 8, 240)}), units) for late in (0, 1)]
    >>> found = reliable_changes(*waves)
    >>> found.index[found["reliable"]].tolist()
    [(7, 'AG')]
    """
    study = TwoWaves.of(first, second)
    first, second = study.waves
    errors = [wave.error.standard_errors() ** 2 for wave in (first, second)]
    squares = errors[0] + errors[1]
    parts = [
        (error / squares) ** 2 / wave.error.n_respondents
        for wave, error in zip((first, second), errors, strict=True)
    ]
    heavy = _kurtosis(study.waves) * (parts[0] + parts[1])
    change = pd.concat(
        [(second.scores - first.scores).stack(), np.sqrt(squares).stack(), heavy.stack()],
        axis=1,
        keys=["change", "se", "heavy"],
    ).dropna()
    change = change.rename_axis(["unit", "phase"])
    # a t distribution of ν degrees has excess kurtosis 6 / (ν - 4), and variance ν / (ν - 2)
    degrees = 4 + 6 / change.pop("heavy").clip(lower=1e-6)
    standardised = (change["change"] / change["se"]).abs() * np.sqrt(degrees / (degrees - 2))
    p = 2 * stats.t.sf(standardised, degrees)
    adjusted = stats.false_discovery_control(p, method="by") if len(p) else p
    change = change.assign(p=adjusted, reliable=adjusted <= rate)
    n_told, n_tests = max(int(change["reliable"].sum()), 1), max(len(p), 1)
    level = rate * n_told / n_tests / (1 / np.arange(1, n_tests + 1)).sum()
    reach = stats.t.isf(level / 2, degrees) * change["se"] / np.sqrt(degrees / (degrees - 2))
    low, high = (change["change"] + way * reach for way in (-1, 1))
    change = change.assign(low=low.clip(-100, 100), high=high.clip(-100, 100))
    for pair in besides:
        also = reliable_changes(*pair, rate=rate).reindex(change.index)
        one_way = change["change"] * also["change"] > 0
        change["reliable"] &= one_way & also["reliable"].eq(True)
    return change


def _kurtosis(waves: Sequence[WaveScores]) -> float:
    """Excess kurtosis of respondents' errors, over the waves and phases; 0 where it is less.

    Of a deviation from the mean of n it is ((n - 1)³ + 1) / (n² (n - 1)) of that of an error.
    """
    found, part = 0.0, 0.0
    for wave in waves:
        n = wave.units.map(wave.units.value_counts()).to_numpy(dtype=float)
        scaled = wave.deviations / np.sqrt((wave.deviations**2).mean())
        found += float((scaled**4 - 3).mean(axis=1).sum())
        part += float((((n - 1) ** 3 + 1) / (n**2 * (n - 1))).sum())
    return max(found / part, 0.0) if part else 0.0


def level_cuts(scores: pd.Series, labels: pd.Series) -> list[float]:
    """Give the mean scores at which levels end, from the units of each.

    Parameters
    ----------
    scores : Series, n units
        Mean score of each unit.
    labels : Series, n units
        Level, 1..k.

    Examples
    --------
    >>> level_cuts(pd.Series([10.0, 20.0, 40.0, 60.0]), pd.Series([1, 1, 2, 2]))
    [30.0]
    """
    shares = labels.value_counts(normalize=True).sort_index().cumsum()[:-1]
    return np.quantile(scores, shares, method="hazen").tolist()


def change_tables(
    changes: Mapping[tuple[str, str], Change], attentive: Mapping[tuple[str, str], Change]
) -> dict[str, pd.DataFrame]:
    """Set changes between pairs of waves under each other, in tables that can be saved.

    Parameters
    ----------
    changes : mapping of pair of waves to Change
    attentive : mapping of pair of waves to Change
        The same without respondents who seem careless, of the pairs of waves in which any does.

    Returns
    -------
    dict of str to DataFrame
        Index `wave_from`, `wave_to`. `change_tests`: finding, n_units, likelihood_ratio, p,
        error_at_most, the shares that moved (`any`, `any_low`, `any_high`, `up`, …), those and the
        finding of attentive respondents (`finding_attentive`, `any_attentive`, …), and the shift of
        each phase (`shift AG`, …). `moves`: those of each `Change`.
    """
    if not changes:
        return {}
    names, rows = ["wave_from", "wave_to"], {}
    for pair, change in changes.items():
        row = {"finding": str(change.finding), "n_units": change.n_units}
        row |= {"likelihood_ratio": change.likelihood_ratio, "p": change.p}
        row["error_at_most"] = change.error_at_most
        row |= _moved(change) | {"finding_attentive": ALL_ATTENTIVE}
        if pair in attentive:
            row["finding_attentive"] = str(attentive[pair].finding)
            row |= {f"{name}{ATTENTIVE}": n for name, n in _moved(attentive[pair]).items()}
        rows[pair] = row | change.shift.rename("shift {}".format).to_dict()
    return {
        "change_tests": pd.DataFrame.from_dict(rows, orient="index").rename_axis(names),
        "moves": pd.concat({pair: change.moves for pair, change in changes.items()}, names=names),
    }


def _moved(change: Change) -> dict[str, float]:
    """Shares that moved, with their intervals, in one row."""
    long = change.moved.stack().rename_axis(["direction", "end"])
    return {way if end == "share" else f"{way}_{end}": n for (way, end), n in long.items()}


def _tested(fitted: Fitted, n_draws: int, n_refits: int, seed: Seed) -> Change:
    """Test no change on surveys drawn without, and refit to samples for the intervals."""
    study, models, free = fitted.study, fitted.models, fitted.free
    draw_seed, refit_seed = children(seed, 2)
    ratio = float(2 * gain(fitted.same, free)[0])
    ratios = null_ratios(study, models, fitted.same, ratio, n_draws, draw_seed)
    p = float((1 + (ratios >= ratio).sum()) / (1 + len(ratios)))
    finding = Finding.CHANGED if p <= ALPHA else Finding.UNCHANGED
    if any(wave.error.standing == Standing.ROUGH for wave in study.waves):
        finding = Finding.ROUGH
    samples = refits(study, models, free, n_refits, refit_seed)
    told = models.table(free)[0], samples, study.shift(free)
    return replace(Change.of(finding, study.n_units, ratio, p, *told), fitted=fitted)


def _told(
    value: np.ndarray,
    samples: np.ndarray,
    n: float | np.ndarray,
    one_sided: float,
    from_zero: np.ndarray,
    to_one: np.ndarray | bool = False,
) -> pd.DataFrame:
    """A row for each share with its 95% interval, one-sided from 0 or to 1 where asked.

    That of so many units with known profiles (Wilson 1927) as would leave the share as unknown as
    samples leave it, of `n` at most. Quantiles of samples end too low for small shares: where
    nobody was found to move, nobody moves in any sample.
    """
    miss = np.where(from_zero | to_one, one_sided, 0.025)
    # a profile that is empty in a sample has no chances there, and counts as none
    variance = np.nan_to_num(samples).var(axis=0)
    with np.errstate(all="ignore"):
        middle = sum(_wilson(value, n, 0.025)) / 2
        low, high = _wilson(value, np.minimum(n, middle * (1 - middle) / variance), miss)
    low = np.where(from_zero & np.isfinite(value), 0.0, low)
    high = np.where(to_one & np.isfinite(value), 1.0, high)
    return pd.DataFrame({"share": np.ravel(value), "low": np.ravel(low), "high": np.ravel(high)})


def _wilson(
    share: np.ndarray, n: float | np.ndarray, miss: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share of n that is missed so often on each side."""
    z = stats.norm.isf(miss)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def _with_margins(shares: np.ndarray) -> np.ndarray:
    """Shares of pairs, … × k × k, with those of each profile in row and column 0."""
    rows = np.concatenate([shares.sum(axis=-1, keepdims=True), shares], axis=-1)
    return np.concatenate([rows.sum(axis=-2, keepdims=True), rows], axis=-2)


def _conditional(shares: np.ndarray) -> np.ndarray:
    """Shares of each row of a table with margins."""
    total = shares[..., :1]
    return shares / np.where(total > 0, total, np.nan)


def obstacle(study: TwoWaves) -> Finding | None:
    """What stands in the way of estimating change, if anything."""
    if study.n_units < FEWEST_UNITS:
        return Finding.FEW_UNITS
    if any(wave.error.standing == Standing.UNKNOWN for wave in study.waves):
        return Finding.UNKNOWN_ERROR
    before, after = np.hsplit(study.values, 2)
    return Finding.IDENTICAL if np.array_equal(before, after, equal_nan=True) else None


def _nothing(finding: Finding, study: TwoWaves, k: int) -> Change:
    """Tables without numbers, with the reason."""
    shares = np.full((k, k), np.nan)
    shift = pd.Series(np.nan, study.waves[0].scores.columns, name="shift")
    told = Change.of(finding, study.n_units, np.nan, np.nan, shares, shares[None], shift)
    limit = _largest_error(study) if finding == Finding.UNKNOWN_ERROR else np.nan
    return replace(told, error_at_most=limit)


def _largest_error(study: TwoWaves) -> float:
    """Upper limit of the standard error of a score: two waves differ by √2 of it or more."""
    before, after = (wave.scores for wave in study.waves)
    freedom = (after - before).count() - 1
    variance = (after - before).var() * freedom / stats.chi2.ppf(0.05, freedom)
    return float(np.sqrt(variance.max() / 2))
