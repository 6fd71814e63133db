"""Two waves of the same units, fitted at once with the error of each wave's own respondents.

`TwoWaves` is the data as the engine takes it, `Models` what is set against each other: pairs of
twice the same profile, which is *no change*, and all pairs. `unchanged_surveys` draws surveys in
which nothing changed, and in which respondents err as these did: their own deviations, within their
profile, for as many respondents as each unit has; `null_ratios` are theirs. `refits` fits samples
of units, respondents and all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from scipy import stats

from cycle_analysis.chance import Seed, children
from cycle_analysis.measurement import unit_scores
from cycle_analysis.measurement.error import MeasurementError, Standing, measurement_error
from cycle_analysis.mixtures.em import Batch, begun, memberships
from cycle_analysis.mixtures.measured import Noise, Triangle
from cycle_analysis.mixtures.pairs import (
    PERSISTING,
    ROUGHLY,
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
)
from cycle_analysis.profiles import sample
from cycle_analysis.simulate.worlds import choose

FEWEST_DEVIATIONS = 50
"""Respondents of a profile from which its errors are drawn; of fewer, from all."""
FLOOR = 0.002
"""Smallest variance of true scores within a profile, as a share of the phase's variance."""
OWN_STEPS = 60
"""EM steps in which each profile finds a spread of its own, for the surveys without change."""
TOGETHER, MOST_ROWS = 12, 20_000
"""Surveys or samples fitted in one batch, and units in all of them together."""
PLAINLY_USUAL = 5
"""Of the first two batches, surveys as unusual as the study from which on no more are drawn."""
GRID = 401
"""Points at which the distribution of levels is integrated."""


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

    Examples
    --------
    >>> persons = pd.DataFrame({"AG": [20.0, 40.0, 60.0]}, index=["r1", "r2", "r3"])
    >>> wave = wave_scores(persons, pd.Series(["Ede", "Ede", "Epe"], index=persons.index))
    >>> wave.scores["AG"].to_dict(), wave.error.freedom
    ({'Ede': 30.0, 'Epe': 60.0}, 1)
    """
    scores = unit_scores(persons, units).dropna(how="all")
    grouped = persons.groupby(units)
    counts = grouped.transform("count")
    enlarged = (persons - grouped.transform("mean")) * np.sqrt(counts / (counts - 1).clip(lower=1))
    several = (counts > 1).all(axis=1) & persons.notna().all(axis=1)
    error = measurement_error(persons, units).only(scores.index)
    return WaveScores(scores, error, enlarged[several], units[several])


@dataclass(frozen=True, eq=False)
class TwoWaves:
    """Two waves as the engine takes them: centred, on one scale, side by side."""

    values: np.ndarray  # n × 2p, or B × n × 2p
    noise: Noise
    floor: np.ndarray  # 2p
    centre: np.ndarray  # p
    scale: float
    waves: tuple[WaveScores, WaveScores]

    @classmethod
    def of(cls, first: WaveScores, second: WaveScores) -> "TwoWaves":
        """Set the units of both side by side; a wave that does not know its error borrows it.

        Of many units those of a `sample`: as many tell who moved to a percent.
        """
        both = sample(first.scores.loc[first.scores.index.intersection(second.scores.index)]).index
        first, second = first.only(both), second.only(both)
        if second.error.standing == Standing.UNKNOWN:
            second = second.borrow(first)
        if first.error.standing == Standing.UNKNOWN:
            first = first.borrow(second)
        tables = [wave.scores.to_numpy(dtype=float) for wave in (first, second)]
        stacked = np.concatenate(tables) if len(both) else np.zeros((1, tables[0].shape[1]))
        centre, variance = np.nanmean(stacked, axis=0), np.nanvar(stacked, axis=0).mean()
        scale = float(np.sqrt(variance)) or 1.0
        values = np.hstack([(table - centre) / scale for table in tables])
        withins = [wave.error.within.to_numpy()[None] / scale**2 for wave in (first, second)]
        factors = _apart(first.error.factors, second.error.factors)
        floor = np.full(2 * len(centre), FLOOR)
        return cls(values, Noise(_apart(*withins), factors), floor, centre, scale, (first, second))

    @property
    def n_units(self) -> int:
        """Units in both waves."""
        return self.values.shape[-2]

    def shift(self, found: Batch) -> pd.Series:
        """Points by which the first pair, as all, shifts between the waves."""
        p = len(self.centre)
        points = (found.theta[p : 2 * p] - found.theta[:p])[:, 0, 0] * self.scale
        return pd.Series(points, self.waves[0].scores.columns, name="shift")

    def only(self, units: pd.Index) -> "TwoWaves":
        """Keep these units, in this order, on the same scale."""
        rows = self.waves[0].scores.index.get_indexer(units)
        first, second = (wave.only(units) for wave in self.waves)
        kept = replace(self, noise=self.noise.take(rows), waves=(first, second))
        return replace(kept, values=self.values[..., rows, :])

    def lean(self) -> "TwoWaves":
        """Leave out the respondents, whom `RespondentErrors` has: workers are sent all the rest."""
        first, second = (
            replace(wave, deviations=wave.deviations[:0], units=wave.units[:0])
            for wave in self.waves
        )
        return replace(self, waves=(first, second))

    def bare(self) -> "TwoWaves":
        """Leave out all that stands behind the values and their error."""
        first, second = (wave.only(wave.scores.index[:0]) for wave in self.lean().waves)
        return replace(self, waves=(first, second))

    def with_error(self, withins: Sequence[np.ndarray]) -> "TwoWaves":
        """The same with another W for each problem, two of B × p × p in squared points."""
        noise = Noise(_apart(*withins) / self.scale**2, self.noise.factors)
        return replace(self, noise=noise)


@dataclass(frozen=True, eq=False)
class Models:
    """The model of no change, that of change, and what the latter says of pairs of profiles."""

    same: PairModel
    free: PairModel
    begin_free: Callable[[Batch], Batch]
    table: Callable[[Batch], np.ndarray]

    def fit(self, study: TwoWaves, begin: Batch) -> tuple[Batch, Batch]:
        """Fit both, the second from where the first ends."""
        same = self.climb(self.same, study, begin)
        return same, self.climb(self.free, study, self.begin_free(same))

    def climb(
        self,
        model: PairModel,
        study: TwoWaves,
        begin: Batch,
        weights: np.ndarray | None = None,
        **limits: Any,
    ) -> Batch:
        """Fit one of the two."""
        family = model.family(study.values, study.noise, study.floor)
        weights = np.ones((study.n_units, 1)) if weights is None else weights
        return climb_pairs(family, begin, weights, **limits)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Two waves with the models that were set against each other, as they fit."""

    study: TwoWaves
    models: Models
    same: Batch
    free: Batch


def profile_models(k: int, p: int, design: Callable[[np.ndarray, int], np.ndarray]) -> Models:
    """Give the models of k profiles on p phases: none moves, and any may.

    Parameters
    ----------
    design : function
        `equal_means`, or `shifted_means` where all profiles shift alike.
    """
    cells, twice = all_pairs(k), same_pairs(k)
    free = PairModel(cells, design(cells, p), same_spread)

    def begin_free(same: Batch) -> Batch:
        theta = same.theta[:, cells[:, 0]]
        theta[p : 2 * p] = same.theta[p : 2 * p, cells[:, 1]]
        shares = np.exp(same.log_shares)
        shares = (1 - STAYING) * shares[cells[:, 0]] * shares[cells[:, 1]]
        shares[cells[:, 0] == cells[:, 1]] += STAYING * np.exp(same.log_shares)
        return begun(theta, np.log(shares / shares.sum(axis=0)))

    return Models(
        PairModel(twice, design(twice, p), same_spread),
        free,
        begin_free,
        lambda found: free.table(found.log_shares),
    )


def level_models(bands: np.ndarray) -> Models:
    """Give the models of a continuum cut at `bands`: all stay where they are, or any may move."""
    one = same_pairs(1)
    free = PairModel(one, shifted_means(one, 1), free_spread)

    def begin_free(same: Batch) -> Batch:
        theta = same.theta.copy()
        theta[3] *= PERSISTING  # log-Cholesky: from wave one to two
        theta[4] = theta[2] + 0.5 * np.log(1 - PERSISTING**2)
        return begun(theta, same.log_shares)

    def table(found: Batch) -> np.ndarray:
        shape = Triangle(np.full(2, FLOOR), free_spread)
        covariances = shape.covariances(found.theta[2:])[0]
        return _bands(found.theta[:2, 0].T, covariances, bands)

    return Models(PairModel(one, equal_means(one, 1), lasting), free, begin_free, table)


def gain(less: Batch, more: Batch) -> np.ndarray:
    """How much better the second fits, in log-likelihood."""
    return more.log_likelihood - less.log_likelihood


def null_ratios(
    study: TwoWaves, models: Models, same: Batch, ratio: float, n_draws: int, seed: Seed
) -> np.ndarray:
    """Likelihood ratios of surveys in which nothing changed.

    The first two batches alone when many of those are as large as `ratio` (Besag & Clifford 1991,
    Biometrika 78(2), 301-304): no more draws could make it unusual.
    """
    draw = unchanged_surveys(study, models, same)

    def ratios(seeds: Sequence[np.random.SeedSequence]) -> np.ndarray:
        less, more = models.fit(draw(seeds), same)
        return 2 * gain(less, more)

    seeds = children(seed, n_draws)
    first = in_parts(ratios, seeds[: 2 * TOGETHER], study.n_units)
    if (first >= ratio).sum() >= PLAINLY_USUAL or n_draws <= 2 * TOGETHER:
        return first
    return np.concatenate([first, in_parts(ratios, seeds[2 * TOGETHER :], study.n_units)])


def unchanged_surveys(
    study: TwoWaves, models: Models, same: Batch
) -> Callable[[Sequence[np.random.SeedSequence]], TwoWaves]:
    """Give what draws surveys in which nothing changed, one for each seed, with W as they tell it.

    Their units vary within each profile as far as those of that profile do, which the models under
    test take as alike: else wide profiles that drift would be taken for profiles that are left.
    """
    model = replace(models.same, pooled=False)
    family = model.family(study.values, study.noise, study.floor)
    own = models.climb(model, study, same, max_steps=OWN_STEPS)
    posteriors, _ = memberships(family, own)
    means, covariances = family.moments(own.theta)
    factors = np.linalg.cholesky(covariances)
    errors = [RespondentErrors.of(wave, posteriors.argmax(axis=1)) for wave in study.waves]
    study = study.lean()

    def draw(seeds: Sequence[np.random.SeedSequence]) -> TwoWaves:
        drawn = [_unchanged(study, errors, posteriors, means, factors, child) for child in seeds]
        surveys = replace(study, values=np.stack([values for values, *_ in drawn]))
        withins = [
            wave.error.remade(np.stack([each[1 + i] for each in drawn]), degrees[None])
            for i, wave in enumerate(study.waves)
            for degrees in [(wave.error.counts - 1).clip(min=0).sum(axis=0)]
        ]
        return surveys.with_error(withins)

    return draw


def _unchanged(
    study: TwoWaves,
    errors: Sequence["RespondentErrors"],
    posteriors: np.ndarray,
    means: np.ndarray,
    factors: np.ndarray,
    seed: np.random.SeedSequence,
) -> tuple[np.ndarray, ...]:
    """Draw a survey without change: scores, n × 2p, and the scatter of respondents in each wave."""
    rng = np.random.default_rng(seed)
    profile = choose(posteriors, rng)
    noise = rng.standard_normal((len(posteriors), means.shape[1], 1))
    true = means[profile] + (factors[profile] @ noise)[..., 0]
    drawn = [wave.draw(profile, rng) for wave in errors]
    both = [wave.means(each) for wave, each in zip(errors, drawn, strict=True)]
    scatters = [wave.scatter(each) for wave, each in zip(errors, drawn, strict=True)]
    values = true + np.hstack(both) / study.scale
    return np.where(np.isfinite(study.values), values, np.nan), *scatters


@dataclass(frozen=True, eq=False)
class RespondentErrors:
    """What draws how m respondents of a wave err: as those of the same profile did.

    Of a profile with few, as all did. What does not change between draws is found once.
    """

    deviations: np.ndarray  # of the wave, of which is drawn, by phase
    pools: dict[int, np.ndarray]  # rows of those, for each profile that has enough
    sizes: np.ndarray  # n: respondents of each unit, on the phase that most told
    counts: np.ndarray  # n × p: those who told each phase
    told: np.ndarray | None  # m × p: who told a phase; None where all told all

    @classmethod
    def of(cls, wave: WaveScores, own: np.ndarray) -> "RespondentErrors":
        """Sort the deviations of a wave by the likeliest profile of their units."""
        counts = np.einsum("npp->np", wave.error.counts).astype(int)
        sizes = np.maximum(counts.max(axis=1), 1)
        place = wave.scores.index.get_indexer(wave.units)
        theirs = np.where(place >= 0, own[place], -1)
        pools = {int(each): np.flatnonzero(theirs == each) for each in np.unique(theirs)}
        pools = {each: rows for each, rows in pools.items() if len(rows) >= FEWEST_DEVIATIONS}
        rank = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        # a phase that fewer told rests on fewer
        told = rank[:, None] < np.repeat(counts, sizes, axis=0)
        deviations = wave.deviations.to_numpy()
        return cls(deviations, pools, sizes, counts, None if told.all() else told)

    def draw(self, profile: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw deviations, m × p, for units of these profiles, n."""
        theirs, all_rows = np.repeat(profile, self.sizes), np.arange(len(self.deviations))
        rows = np.empty(len(theirs), dtype=int)
        for each in np.unique(profile):
            pool, mine = self.pools.get(int(each), all_rows), theirs == each
            rows[mine] = pool[rng.integers(len(pool), size=mine.sum())]
        return self.deviations[rows]

    def means(self, drawn: np.ndarray) -> np.ndarray:
        """Mean error of each unit, n × p."""
        told = drawn if self.told is None else drawn * self.told
        return self._sums(told) / np.maximum(self.counts, 1)

    def scatter(self, drawn: np.ndarray) -> np.ndarray:
        """Scatter of the respondents around their units, p × p."""
        sums = self._sums(drawn)
        return drawn.T @ drawn - (sums / self.sizes[:, None]).T @ sums

    def _sums(self, drawn: np.ndarray) -> np.ndarray:
        return np.add.reduceat(drawn, np.cumsum(self.sizes) - self.sizes, axis=0)


def refits(study: TwoWaves, models: Models, free: Batch, n_refits: int, seed: Seed) -> np.ndarray:
    """Shares of all pairs in samples of units, n_refits × k × k."""

    def shares(samples: np.ndarray) -> np.ndarray:
        weights = samples.T
        errors = [wave.error.resampled(weights) for wave in study.waves]
        drawn = study.with_error(errors)
        return models.table(models.climb(models.free, drawn, free, weights, tolerance=ROUGHLY))

    study, n = study.lean(), study.n_units
    rng = np.random.default_rng(seed)
    samples = rng.multinomial(n, np.full(n, 1 / n), size=n_refits).astype(float)
    return in_parts(shares, samples, n)


def in_parts(work: Callable[[Any], np.ndarray], items: Any, n_units: int) -> np.ndarray:
    """Work through items, `TOGETHER` at a time, on whatever engine joblib has; join the results.

    Of many units fewer at a time, so that memory stays flat. A worker gets its parts at once: with
    them goes the work, and all data that it holds.
    """
    size = min(TOGETHER, max(1, MOST_ROWS // n_units))
    parts = [items[i : i + size] for i in range(0, len(items), size)]
    each = -(-len(parts) // effective_n_jobs(None))

    def through(lot: list[Any]) -> np.ndarray:
        return np.concatenate([work(part) for part in lot])

    lots = [parts[i : i + each] for i in range(0, len(parts), each)]
    return np.concatenate(Parallel()(delayed(through)(lot) for lot in lots))


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


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two stacks of matrices, m × p × p, along one diagonal: m × 2p × 2p."""
    m, p, _ = first.shape
    both = np.zeros((m, 2 * p, 2 * p))
    both[:, :p, :p], both[:, p:, p:] = first, second
    return both
