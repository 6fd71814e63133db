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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from cycle_analysis.measurement.error import MeasurementError, Standing, measurement_error
from cycle_analysis.measurement.scores import unit_scores
from cycle_analysis.mixtures.em import Batch, memberships
from cycle_analysis.mixtures.measured import Noise, Triangle
from cycle_analysis.mixtures.pairs import (
    MAX_STEPS,
    PERSISTING,
    STAYING,
    PairModel,
    all_pairs,
    climb_pairs,
    equal_means,
    free_spread,
    lasting,
    same_pairs,
    same_spread,
    shifted_means,
    started,
)
from cycle_analysis.profiles.partitions import Partition
from cycle_analysis.seeds import Seed, children

ALPHA = 0.01
"""Chance of announcing change where there is none: higher would need the model to be exact."""
SHIFT_ALPHA = 0.01
"""Chance under which a common shift of all profiles is let into the model."""
FEWEST_UNITS = 30
"""Units in both waves under which nothing is estimated."""
FEWEST_DEVIATIONS = 50
"""Respondents of a profile from which its errors are drawn; of fewer, from all."""
FLOOR = 0.002
"""Smallest variance of true scores within a profile, as a share of the phase's variance."""
OWN_STEPS = 60
"""EM steps in which each profile finds a spread of its own, for the surveys without change."""
TOGETHER = 12
"""Surveys or samples fitted in one batch."""
PLAINLY_USUAL = 5
"""Of the first two batches, surveys as unusual as the study from which on no more are drawn."""
GRID = 401
"""Points at which the distribution of levels is integrated."""


class Finding(StrEnum):
    """What can be said of change between two waves."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ROUGH = "rough"
    UNKNOWN_ERROR = "unknown_error"
    FEW_UNITS = "few_units"
    IDENTICAL = "identical"


@dataclass(frozen=True, eq=False)
class WaveScores:
    """What one wave says of the units compared.

    Attributes
    ----------
    scores : DataFrame, n units × p phases
        Unit scores, NaN missing.
    error : MeasurementError
        Of the same units, in the same order; its W is that of all units of the wave.
    deviations : DataFrame, m respondents × p phases
        Respondents' scores less their unit's, in units of two respondents or more, enlarged by
        √(n / (n - 1)).
    units : Series, m respondents
        Their units.
    """

    scores: pd.DataFrame
    error: MeasurementError
    deviations: pd.DataFrame
    units: pd.Series

    def only(self, units: pd.Index) -> "WaveScores":
        """Keep these units, in this order; what is known of errors stays."""
        return replace(self, scores=self.scores.loc[units], error=self.error.only(units))

    def borrow(self, other: "WaveScores") -> "WaveScores":
        """Take what is known of errors from another wave."""
        error = self.error.borrow(other.error)
        return replace(self, error=error, deviations=other.deviations, units=other.units)


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
    moves : DataFrame, k² rows
        Index `profile_from`, `profile_to`; `share` of all units and `probability` to go there from
        that profile, each with `low` and `high` (`probability_low`, …), 0-1.
    moved : DataFrame
        Index `direction` (any, up, down); share, low, high.
    shares : DataFrame
        Index `wave` (0 first, 1 second), `profile`; share, low, high.
    shift : Series, p phases
        Points by which all profiles shifted alike; 0 when that is not beyond chance.
    """

    finding: Finding
    n_units: int
    likelihood_ratio: float
    p: float
    moves: pd.DataFrame
    moved: pd.DataFrame
    shares: pd.DataFrame
    shift: pd.Series


def wave_scores(persons: pd.DataFrame, units: pd.Series) -> WaveScores:
    """Gather what the respondents of a wave say of their units.

    Parameters
    ----------
    persons : DataFrame, m respondents × p phases
        Their scores, NaN missing; one column, the mean score, for levels.
    units : Series, m respondents
        Unit of each respondent.

    Returns
    -------
    WaveScores
        Of all units that have a score on some phase.
    """
    scores = unit_scores(persons, units).dropna(how="all")
    grouped = persons.groupby(units)
    counts = grouped.transform("count")
    enlarged = (persons - grouped.transform("mean")) * np.sqrt(counts / (counts - 1).clip(lower=1))
    several = (counts > 1).all(axis=1) & persons.notna().all(axis=1)
    error = measurement_error(persons, units).only(scores.index)
    return WaveScores(scores, error, enlarged[several], units[several])


def estimate_change(
    first: WaveScores,
    second: WaveScores,
    reference: Partition,
    *,
    n_draws: int = 199,
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
        Surveys drawn without change.
    n_refits : int
        Samples of units, for the intervals.
    seed : int or SeedSequence

    Returns
    -------
    Change

    References
    ----------
    Muthén & Asparouhov (2022), Structural Equation Modeling 29(1), 1-16.
    Bovy, Hogg & Roweis (2011), Annals of Applied Statistics 5(2B), 1657-1677.

    Examples
    --------
    >>> from cycle_analysis.profiles.partitions import ward_kmeans
    >>> rng = np.random.default_rng(1)
    >>> units = pd.Series(np.repeat(np.arange(60), 4))
    >>> true = pd.DataFrame({"AG": 30.0 + 40 * (units % 2), "EX": 20.0 + 40 * (units % 2)})
    >>> waves = [wave_scores(true + rng.normal(0, 10, true.shape), units) for _ in range(2)]
    >>> found = estimate_change(*waves, ward_kmeans(waves[0].scores, 2), n_draws=24, n_refits=12)
    >>> str(found.finding), found.n_units
    ('unchanged', 60)
    """
    study = _Waves.of(first, second)
    if (finding := study.obstacle()) is not None:
        return _nothing(finding, study, reference.k)
    k, p = reference.centroids.shape
    means = (reference.centroids.to_numpy() - study.centre) / study.scale
    shares = (reference.sizes / reference.sizes.sum()).to_numpy()
    around = reference.scores - reference.centroids.loc[reference.labels].to_numpy()
    spread = np.diag(around.var(ddof=0) / study.scale**2 + FLOOR)
    both = np.block([[spread, PERSISTING * spread], [PERSISTING * spread, spread]])
    models = _profile_models(k, p, equal_means)
    begin = started(models.same.theta(means, both), shares)
    same, free = models.fit(study, begin)
    shifted = _profile_models(k, p, shifted_means)
    other = shifted.fit(study, begin)
    if stats.chi2.sf(2 * _gain(free, other[1]), p) < SHIFT_ALPHA:
        models, (same, free) = shifted, other
    return _tested(study, models, same, free, n_draws, n_refits, seed)


def estimate_level_change(
    first: WaveScores,
    second: WaveScores,
    cuts: Sequence[float],
    *,
    n_draws: int = 199,
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
    study = _Waves.of(first, second)
    if (finding := study.obstacle()) is not None:
        return _nothing(finding, study, len(cuts) + 1)
    bands = (np.asarray(cuts, dtype=float) - study.centre) / study.scale
    models = _level_models(bands)
    halves = np.array([[1.0, PERSISTING], [PERSISTING, 1.0]])
    begin = started(models.free.theta(np.zeros((1, 1)), halves), np.ones(1))
    same, free = models.fit(study, begin)
    return _tested(study, models, same, free, n_draws, n_refits, seed)


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


def change_tables(changes: Mapping[tuple[str, str], Change]) -> dict[str, pd.DataFrame]:
    """Set changes between pairs of waves under each other, in tables that can be saved.

    Parameters
    ----------
    changes : mapping of pair of waves to Change

    Returns
    -------
    dict of str to DataFrame
        Index `wave_from`, `wave_to`, and what each table of `Change` has: `change_tests` (finding,
        n_units, likelihood_ratio, p), `moves`, `moved`, `panel_shares`, `shift`.
    """
    tests = {
        pair: pd.DataFrame(
            [
                {
                    **{"finding": str(change.finding), "n_units": change.n_units},
                    **{"likelihood_ratio": change.likelihood_ratio, "p": change.p},
                }
            ]
        )
        for pair, change in changes.items()
    }
    names = ["wave_from", "wave_to"]
    if not changes:
        return {}
    return {
        "change_tests": pd.concat(tests, names=names).droplevel(-1),
        "moves": pd.concat({pair: c.moves for pair, c in changes.items()}, names=names),
        "moved": pd.concat({pair: c.moved for pair, c in changes.items()}, names=names),
        "panel_shares": pd.concat({pair: c.shares for pair, c in changes.items()}, names=names),
        "shift": pd.concat(
            {pair: c.shift.rename_axis("phase") for pair, c in changes.items()}, names=names
        ).to_frame(),
    }


@dataclass(frozen=True, eq=False)
class _Waves:
    """Two waves as the engine takes them: centred, on one scale, side by side."""

    values: np.ndarray  # n × 2p, or B × n × 2p
    noise: Noise
    floor: np.ndarray  # 2p
    centre: np.ndarray  # p
    scale: float
    waves: tuple[WaveScores, WaveScores]

    @classmethod
    def of(cls, first: WaveScores, second: WaveScores) -> "_Waves":
        both = first.scores.index.intersection(second.scores.index)
        first, second = first.only(both), second.only(both)
        if second.error.standing == Standing.UNKNOWN:
            second = second.borrow(first)
        if first.error.standing == Standing.UNKNOWN:
            first = first.borrow(second)
        tables = [wave.scores.to_numpy(dtype=float) for wave in (first, second)]
        stacked = np.concatenate(tables)
        centre, variance = np.nanmean(stacked, axis=0), np.nanvar(stacked, axis=0).mean()
        scale = float(np.sqrt(variance)) or 1.0
        values = np.hstack([(table - centre) / scale for table in tables])
        withins = [wave.error.within.to_numpy()[None] / scale**2 for wave in (first, second)]
        factors = _apart(first.error.factors, second.error.factors)
        floor = np.full(2 * len(centre), FLOOR)
        return cls(values, Noise(_apart(*withins), factors), floor, centre, scale, (first, second))

    @property
    def n_units(self) -> int:
        return self.values.shape[-2]

    def obstacle(self) -> Finding | None:
        """What stands in the way of estimating change, if anything."""
        if self.n_units < FEWEST_UNITS:
            return Finding.FEW_UNITS
        if any(wave.error.standing == Standing.UNKNOWN for wave in self.waves):
            return Finding.UNKNOWN_ERROR
        before, after = np.hsplit(self.values, 2)
        return Finding.IDENTICAL if np.array_equal(before, after, equal_nan=True) else None

    def with_error(self, withins: Sequence[np.ndarray]) -> "_Waves":
        """The same with another W for each problem, two of B × p × p in squared points."""
        noise = Noise(_apart(*withins) / self.scale**2, self.noise.factors)
        return replace(self, noise=noise)


@dataclass(frozen=True, eq=False)
class _Models:
    """The model of no change, that of change, and what the latter says of pairs of profiles."""

    same: PairModel
    free: PairModel
    begin_free: Callable[[Batch], Batch]
    table: Callable[[Batch], np.ndarray]

    def fit(self, study: _Waves, begin: Batch) -> tuple[Batch, Batch]:
        """Fit both, the second from where the first ends."""
        same = self.climb(self.same, study, begin)
        return same, self.climb(self.free, study, self.begin_free(same))

    def climb(
        self,
        model: PairModel,
        study: _Waves,
        begin: Batch,
        weights: np.ndarray | None = None,
        max_steps: int = MAX_STEPS,
    ) -> Batch:
        """Fit one of the two."""
        family = model.family(study.values, study.noise, study.floor)
        weights = np.ones((study.n_units, 1)) if weights is None else weights
        return climb_pairs(family, begin, weights, max_steps)


def _profile_models(k: int, p: int, design: Callable[[np.ndarray, int], np.ndarray]) -> _Models:
    cells, twice = all_pairs(k), same_pairs(k)
    free = PairModel(cells, design(cells, p), same_spread)

    def begin_free(same: Batch) -> Batch:
        theta = same.theta[:, cells[:, 0]]
        theta[p : 2 * p] = same.theta[p : 2 * p, cells[:, 1]]
        shares = np.exp(same.log_shares)
        shares = (1 - STAYING) * shares[cells[:, 0]] * shares[cells[:, 1]]
        shares[cells[:, 0] == cells[:, 1]] += STAYING * np.exp(same.log_shares)
        return _unfinished(theta, np.log(shares / shares.sum(axis=0)))

    return _Models(
        PairModel(twice, design(twice, p), same_spread),
        free,
        begin_free,
        lambda found: free.table(found.log_shares),
    )


def _level_models(bands: np.ndarray) -> _Models:
    one = same_pairs(1)
    free = PairModel(one, shifted_means(one, 1), free_spread)

    def begin_free(same: Batch) -> Batch:
        theta = same.theta.copy()
        theta[3] *= PERSISTING  # log-Cholesky: from wave one to two
        theta[4] = theta[2] + 0.5 * np.log(1 - PERSISTING**2)
        return _unfinished(theta, same.log_shares)

    def table(found: Batch) -> np.ndarray:
        shape = Triangle(np.full(2, FLOOR), free_spread)
        covariances = shape.covariances(found.theta[2:])[0]
        return _bands(found.theta[:2, 0].T, covariances, bands)

    return _Models(PairModel(one, equal_means(one, 1), lasting), free, begin_free, table)


def _tested(
    study: _Waves,
    models: _Models,
    same: Batch,
    free: Batch,
    n_draws: int,
    n_refits: int,
    seed: Seed,
) -> Change:
    """Test no change on surveys drawn without, and refit to samples for the intervals."""
    draw_seed, refit_seed = children(seed, 2)
    ratio = float(2 * _gain(same, free)[0])
    ratios = _null_ratios(study, models, same, ratio, n_draws, draw_seed)
    p = float((1 + (ratios >= ratio).sum()) / (1 + len(ratios)))
    finding = Finding.CHANGED if p <= ALPHA else Finding.UNCHANGED
    if any(wave.error.standing == Standing.ROUGH for wave in study.waves):
        finding = Finding.ROUGH
    samples = _refits(study, models, free, n_refits, refit_seed)
    p_phases = len(study.centre)
    shift = (free.theta[p_phases : 2 * p_phases] - free.theta[:p_phases])[:, 0, 0]
    return _change(finding, study, ratio, p, models.table(free)[0], samples, shift * study.scale)


def _gain(less: Batch, more: Batch) -> np.ndarray:
    return more.log_likelihood - less.log_likelihood


def _null_ratios(
    study: _Waves, models: _Models, same: Batch, ratio: float, n_draws: int, seed: Seed
) -> np.ndarray:
    """Likelihood ratios of surveys in which nothing changed.

    Their units vary within each profile as far as those of that profile do, which the models under
    test take as alike: else wide profiles that drift would be taken for profiles that are left. The
    first two batches alone when many of those are as large as `ratio` (Besag & Clifford 1991,
    Biometrika 78(2), 301-304): no more draws could make it unusual.
    """
    model = replace(models.same, pooled=False)
    family = model.family(study.values, study.noise, study.floor)
    own = models.climb(model, study, same, max_steps=OWN_STEPS)
    posteriors, _ = memberships(family, own)
    means, covariances = family.moments(own.theta)
    factors = np.linalg.cholesky(covariances)

    def ratios(seeds: Sequence[np.random.SeedSequence]) -> np.ndarray:
        drawn = [_unchanged(study, posteriors, means, factors, child) for child in seeds]
        surveys = replace(study, values=np.stack([values for values, *_ in drawn]))
        withins = [
            wave.error.remade(np.stack([each[1 + i] for each in drawn]), degrees[None])
            for i, wave in enumerate(study.waves)
            for degrees in [(wave.error.counts - 1).clip(min=0).sum(axis=0)]
        ]
        less, more = models.fit(surveys.with_error(withins), same)
        return 2 * _gain(less, more)

    def drawn_with(seeds: Sequence[np.random.SeedSequence]) -> np.ndarray:
        parts = [seeds[i : i + TOGETHER] for i in range(0, len(seeds), TOGETHER)]
        return np.concatenate(Parallel()(delayed(ratios)(part) for part in parts))

    seeds = children(seed, n_draws)
    first = drawn_with(seeds[: 2 * TOGETHER])
    if (first >= ratio).sum() >= PLAINLY_USUAL or n_draws <= 2 * TOGETHER:
        return first
    return np.concatenate([first, drawn_with(seeds[2 * TOGETHER :])])


def _unchanged(
    study: _Waves,
    posteriors: np.ndarray,
    means: np.ndarray,
    factors: np.ndarray,
    seed: np.random.SeedSequence,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a survey without change: scores, n × 2p, and the scatter of respondents in each wave."""
    rng = np.random.default_rng(seed)
    n, k = posteriors.shape
    profile = (posteriors.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
    noise = rng.standard_normal((n, means.shape[1], 1))
    true = means[profile] + (factors[profile] @ noise)[..., 0]
    own = posteriors.argmax(axis=1)
    errors, scatters = zip(*(_errors(wave, profile, own, rng) for wave in study.waves), strict=True)
    values = true + np.hstack(errors) / study.scale
    return np.where(np.isfinite(study.values), values, np.nan), *scatters


def _errors(
    wave: WaveScores, profile: np.ndarray, own: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mean error of each unit, n × p, and the scatter of its respondents, p × p.

    Respondents err as those of the same profile did; of a profile with few, as all did.
    """
    counts = np.einsum("npp->np", wave.error.counts).astype(int)
    n_respondents = np.maximum(counts.max(axis=1), 1)
    place = wave.scores.index.get_indexer(wave.units)
    deviations, theirs = wave.deviations.to_numpy(), np.where(place >= 0, own[place], -1)
    unit = np.repeat(np.arange(len(counts)), n_respondents)
    drawn = np.empty((len(unit), counts.shape[1]))
    for each in np.unique(profile):
        pool = deviations[theirs == each]
        pool = pool if len(pool) >= FEWEST_DEVIATIONS else deviations
        mine = profile[unit] == each
        drawn[mine] = pool[rng.integers(len(pool), size=mine.sum())]
    first = np.concatenate([[0], np.cumsum(n_respondents)[:-1]])
    rank = np.arange(len(unit)) - first[unit]
    told = drawn * (rank[:, None] < counts[unit])  # a phase that fewer told rests on fewer
    means = np.add.reduceat(told, first, axis=0) / np.maximum(counts, 1)
    gaps = drawn - (np.add.reduceat(drawn, first, axis=0) / n_respondents[:, None])[unit]
    return means, gaps.T @ gaps


def _refits(study: _Waves, models: _Models, free: Batch, n_refits: int, seed: Seed) -> np.ndarray:
    """Shares of all pairs in samples of units, n_refits × k × k."""

    def shares(part: np.ndarray) -> np.ndarray:
        errors = [wave.error.resampled(part) for wave in study.waves]
        return models.table(models.climb(models.free, study.with_error(errors), free, part))

    n = study.n_units
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=n_refits).T.astype(float)
    parts = [weights[:, i : i + TOGETHER] for i in range(0, n_refits, TOGETHER)]
    return np.concatenate(Parallel()(delayed(shares)(part) for part in parts))


def _change(
    finding: Finding,
    study: _Waves,
    ratio: float,
    p: float,
    shares: np.ndarray,
    samples: np.ndarray,
    shift: np.ndarray,
) -> Change:
    """Set estimates and intervals in tables; without verdict of change, moves may be 0."""
    k = len(shares)
    profiles = pd.RangeIndex(1, k + 1)
    directions = {"any": ~np.eye(k, dtype=bool), "up": np.triu(np.ones((k, k), bool), 1)}
    directions["down"] = directions["up"].T
    low_end = finding != Finding.CHANGED
    stay = np.eye(k, dtype=bool)
    n, profile = study.n_units, shares.sum(axis=1, keepdims=True)
    share = _told(shares, samples, low_end & ~stay, n)
    chances = _told(_conditional(shares), _conditional(samples), low_end & ~stay, n * profile)
    if low_end:
        chances.loc[stay.ravel(), "high"] = 1.0
    index = pd.MultiIndex.from_product([profiles, profiles], names=["profile_from", "profile_to"])
    moves = share.join(chances.rename(columns=_AS_PROBABILITY)).set_axis(index)
    moved = [
        _told(shares[cells].sum(), samples[:, cells].sum(axis=1), np.array(low_end), n)
        for cells in directions.values()
    ]
    waves = [
        _told(shares.sum(axis=axis), samples.sum(axis=axis + 1), np.zeros(k, dtype=bool), n)
        for axis in (1, 0)
    ]
    return Change(
        finding,
        study.n_units,
        ratio,
        p,
        moves,
        pd.concat(moved).set_axis(pd.Index(directions, name="direction")),
        pd.concat([wave.set_axis(profiles) for wave in waves], keys=[0, 1]).rename_axis(
            ["wave", "profile"]
        ),
        pd.Series(shift, study.waves[0].scores.columns, name="shift"),
    )


_AS_PROBABILITY = {"share": "probability", "low": "probability_low", "high": "probability_high"}


def _told(
    value: np.ndarray, samples: np.ndarray, from_zero: np.ndarray, n: float | np.ndarray
) -> pd.DataFrame:
    """A row for each share with its 95 % interval over samples, from 0 where asked.

    Never narrower than if the profiles of `n` units were known (Wilson 1927): where nobody was
    found to move, no sample knows better.
    """
    with np.errstate(all="ignore"):
        low, high = np.nanquantile(samples, [0.025, 0.975], axis=0)
        z = stats.norm.ppf(0.975)
        middle = (value + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(value * (1 - value) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low = np.where(from_zero, 0.0, np.minimum(low, np.maximum(middle - half, 0)))
    high = np.maximum(high, np.minimum(middle + half, 1))
    return pd.DataFrame({"share": np.ravel(value), "low": np.ravel(low), "high": np.ravel(high)})


def _conditional(shares: np.ndarray) -> np.ndarray:
    total = shares.sum(axis=-1, keepdims=True)
    return shares / np.where(total > 0, total, np.nan)


def _bands(means: np.ndarray, covariances: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Shares of pairs of bands under two-dimensional normal distributions, B × k × k."""
    spread = np.sqrt(np.einsum("bpp->bp", covariances))
    slope = covariances[:, 0, 1] / spread[:, 0] ** 2
    left = np.sqrt(np.maximum(covariances[:, 1, 1] - slope * covariances[:, 0, 1], 1e-12))
    grid = np.linspace(-5, 5, GRID)
    first = means[:, :1] + spread[:, :1] * grid  # B × grid
    weight = stats.norm.pdf(grid)
    weight /= weight.sum()
    second = means[:, 1:] + slope[:, None] * (first - means[:, :1])
    edges = np.concatenate([[-np.inf], bands, [np.inf]])
    below = stats.norm.cdf((edges[:, None, None] - second) / left[:, None])
    there = np.diff(below, axis=0)  # k × B × grid
    before = np.searchsorted(bands, first.ravel()).reshape(first.shape)
    k = len(bands) + 1
    return np.stack(
        [np.einsum("lbg,bg,g->bl", there, (before == j).astype(float), weight) for j in range(k)],
        axis=1,
    )


def _nothing(finding: Finding, study: _Waves, k: int) -> Change:
    """Tables without numbers, with the reason."""
    shares = np.full((k, k), np.nan)
    unknown = np.full(len(study.centre), np.nan)
    return _change(finding, study, np.nan, np.nan, shares, shares[None], unknown)


def _unfinished(theta: np.ndarray, log_shares: np.ndarray) -> Batch:
    n_problems = log_shares.shape[1]
    low, none = np.full(n_problems, -np.inf), np.zeros(n_problems, dtype=int)
    return Batch(theta, log_shares, low, none.astype(bool), none)


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two stacks of matrices, m × p × p, along one diagonal: m × 2p × 2p."""
    m, p, _ = first.shape
    both = np.zeros((m, 2 * p, 2 * p))
    both[:, :p, :p], both[:, p:, p:] = first, second
    return both
