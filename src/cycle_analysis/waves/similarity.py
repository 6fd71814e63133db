"""Tell what is alike: profiles in two waves, moves in successive waves, moves of groups of units.

Moves between profiles mean most where the profiles themselves are the same. `similarity_steps` asks
that step by step (Morin et al. 2016): their means but for a shift of all, their means, how units
vary within them, their shares. Each step adds one restriction to the model of two waves; its
likelihood ratio is set beside chi-square, with BIC beside it. Chi-square takes the respondents'
error as known. Where it rests on few, as with one or two respondents a unit in the second wave,
spreads that had not changed differed at p ≤ .01 in one of ten studies: a ratio that large is set
beside surveys drawn without change. The number of profiles is not asked: error makes BIC prefer
another in half of the second waves in which nothing changed.

Whether units moved in the same way from wave two to three as from one to two, or in large units as
in small ones, is whether the chances to go from profile to profile are equal. The profiles are held
as they were found, so that only chances and shares are estimated, once with equal chances and once
without. The ratio is set beside surveys drawn with equal chances, in which a unit keeps its
deviation and respondents err as these did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.chance import Seed, children, holm
from cycle_analysis.mixtures import em
from cycle_analysis.mixtures.pairs import (
    STAYING,
    PairModel,
    all_pairs,
    equal_margins,
    equal_means,
    free_spread,
    own_means,
    same_spread,
    shifted_means,
)
from cycle_analysis.profiles import Partition
from cycle_analysis.simulate.worlds import choose
from cycle_analysis.waves import wave_by_wave
from cycle_analysis.waves.transitions import ALPHA, Change, Finding, fit_change, obstacle
from cycle_analysis.waves.two_waves import (
    Fitted,
    RespondentErrors,
    TwoWaves,
    WaveScores,
    gain,
    in_parts,
    unchanged_surveys,
)

VERDICTS = (Finding.CHANGED, Finding.UNCHANGED)
"""What was found where moves were tested."""
STEP_COLUMNS = ["likelihood_ratio", "df", "p", "bic", "holds"]
GROUP_COLUMNS = ["n_units", "n_groups", "likelihood_ratio", "p", "p_holm"]
FEWEST_OF_GROUP = 20
"""Units of a group under which its moves are not compared."""
EQUAL_TOLERANCE = 1e-3
"""Gain in log-likelihood under which chances have converged; data and draws alike."""
ROUNDING = 1e-6
"""Ratios less apart are equal: where chances are alike without a step, draws differ by rounding."""
MAX_STEPS = 300
"""Steps after which they stop."""
STEP_DRAWS = 48
"""Surveys without change of which mean and variance say how large a ratio of spreads may be."""


class Step(StrEnum):
    """What can be alike in two waves, each step on top of those before."""

    SHAPES = "shapes"
    MEANS = "means"
    SPREADS = "spreads"
    SHARES = "shares"


def similarity_steps(change: Change, *, seed: Seed = 2018) -> pd.DataFrame:
    """Say how far profiles are alike in two waves.

    Parameters
    ----------
    change : Change
        From `transitions.estimate_change`.
    seed : int or SeedSequence

    Returns
    -------
    DataFrame, index `step`
        likelihood_ratio, df, p (chi-square; of spreads that would differ, beside surveys drawn
        without change), bic (by how much BIC prefers *alike*), holds (p > `ALPHA`). A step rests on
        the restrictions before it that hold, but a shift of all profiles is allowed for where they
        are alike only so. Empty where no profiles were compared.

    References
    ----------
    Morin, Meyer, Creusier & Biétry (2016), Organizational Research Methods 19(2), 231-254.

    Examples
    --------
    >>> from cycle_analysis.profiles import ward_kmeans
    >>> from cycle_analysis.waves.transitions import estimate_change
    >>> from cycle_analysis.waves.two_waves import wave_scores
    >>> rng = np.random.default_rng(2)
    >>> units = pd.Series(np.repeat(np.arange(60), 4))
    >>> true = pd.DataFrame({"AG": 30.0 + 40 * (units % 2), "EX": 20.0 + 40 * (units % 2)})
    >>> waves = [wave_scores(true + rng.normal(0, 10, true.shape), units) for _ in range(2)]
    >>> found = estimate_change(*waves, ward_kmeans(waves[0].scores, 2), n_draws=24, n_refits=12)
    >>> similarity_steps(found)["holds"].to_dict()
    {'shapes': True, 'means': True, 'spreads': True, 'shares': True}
    """
    fitted = change.fitted
    if fitted is None or fitted.models.free.k < 2:
        return pd.DataFrame(columns=STEP_COLUMNS, index=pd.Index([], name="step"))
    study, p = fitted.study, len(fitted.study.centre)
    cells = all_pairs(k := fitted.models.free.k)
    own, shifted, equal = (design(cells, p) for design in (own_means, shifted_means, equal_means))
    restrictions: dict[Step, tuple[int, dict[str, Any]]] = {
        Step.SHAPES: ((k - 1) * p, {"design": shifted}),
        Step.MEANS: (p, {"design": equal}),
        Step.SPREADS: (p * p, {"mend": same_spread}),
        Step.SHARES: (k - 1, {"balance": equal_margins}),
    }
    rows = {}
    model = PairModel(cells, own, free_spread)
    found = fitted.models.climb(model, study, fitted.free)
    for step, (df, restriction) in restrictions.items():
        less = replace(model, **restriction)
        after = fitted.models.climb(less, study, found)
        # no more decimals than the climbs are sure of: libraries differ in those beyond
        ratio = max(round(float(2 * gain(after, found)[0]), 3), 0.0)
        chance = float(stats.chi2.sf(ratio, df))
        if step is Step.SPREADS and chance <= ALPHA:
            chance = _beside_draws(ratio, fitted, less, model, seed)
        holds = chance > ALPHA
        rows[str(step)] = (ratio, df, chance, df * np.log(study.n_units) - ratio, holds)
        model, found = (less, after) if holds else (model, found)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=STEP_COLUMNS)
    return table.rename_axis("step")


def _beside_draws(
    ratio: float, fitted: Fitted, less: PairModel, more: PairModel, seed: Seed
) -> float:
    """How often a ratio is as large without change, by a gamma with mean and variance of draws."""
    models = fitted.models
    draw = unchanged_surveys(fitted.study, models, fitted.same)

    def ratios(seeds: Sequence[np.random.SeedSequence]) -> np.ndarray:
        surveys = draw(seeds)
        free = models.climb(more, surveys, models.begin_free(fitted.same))
        return 2 * gain(models.climb(less, surveys, free), free)

    drawn = in_parts(ratios, children(seed, STEP_DRAWS), fitted.study.n_units)
    mean, variance = drawn.mean(), drawn.var(ddof=1)
    return float(stats.gamma.sf(ratio, mean**2 / variance, scale=variance / mean))


def all_steps(
    changes: Mapping[tuple[str, str], Change],
    attentive: Mapping[tuple[str, str], Change],
    *,
    seed: Seed = 2018,
) -> pd.DataFrame:
    """Set the steps of several pairs of waves under each other; parameters as `similarity_steps`.

    Where `attentive` has the same pair without respondents who seem careless, the larger p counts.

    Returns
    -------
    DataFrame
        Index `wave_from`, `wave_to`, `step`; columns as `similarity_steps`.
    """
    tables = {pair: similarity_steps(change, seed=seed) for pair, change in changes.items()}
    for pair in attentive:
        without, table = similarity_steps(attentive[pair], seed=seed), tables[pair]
        p = np.maximum(table["p"], without["p"].reindex(table.index, fill_value=1.0))
        tables[pair] = table.assign(p=p, holds=p > ALPHA)
    return wave_by_wave(tables, ["step"], STEP_COLUMNS)


def compare_moves(
    changes: Mapping[tuple[str, str], Change],
    waves: Mapping[str, WaveScores],
    reference: Partition | None,
    groups: pd.DataFrame,
    *,
    n_draws: int = 99,
    seed: Seed = 2018,
) -> pd.DataFrame:
    """Test whether units moved alike between all successive waves, and in several groups.

    Parameters
    ----------
    changes : mapping of pair of waves to Change
        Successive pairs, in order.
    waves : mapping of wave to WaveScores
        In order, of all units among which groups are compared.
    reference : Partition, optional
        Profiles to start from; None where there are only levels, which are not compared.
    groups : DataFrame, units × variables
        Group of each unit by each variable, missing where unknown.
    n_draws : int
        Surveys drawn with equal chances.
    seed : int or SeedSequence

    Returns
    -------
    DataFrame
        Index `wave_from`, `wave_to`, `between`: a variable, or `waves` for all pairs of successive
        waves; n_units, n_groups (of `FEWEST_OF_GROUP` units or more, others are left out; for
        waves, of pairs), likelihood_ratio, p, and p_holm, adjusted for the variables of two waves;
        without numbers where fewer than two groups are large enough. Empty without a reference,
        and where the error is not known.
    """
    if reference is None or reference.k < 2:
        return wave_by_wave({}, ["between"], GROUP_COLUMNS)
    tables = {}
    for first, second in pairwise(waves):
        study = TwoWaves.of(waves[first], waves[second])
        if obstacle(study) is None:
            tables[first, second] = _groups_of(fit_change(study, reference), groups, n_draws, seed)
    names = list(waves)
    periods = _periods(changes, n_draws, seed)
    if len(periods):
        tables[names[0], names[-1]] = periods
    return wave_by_wave(tables, ["between"], GROUP_COLUMNS)


def _periods(changes: Mapping[tuple[str, str], Change], n_draws: int, seed: Seed) -> pd.DataFrame:
    """Compare moves between all successive waves: a row, or none where a pair has no verdict."""
    fits = [change.fitted for change in changes.values() if change.finding in VERDICTS]
    known = [fit for fit in fits if fit is not None]
    none = pd.DataFrame(columns=GROUP_COLUMNS, index=pd.Index([], name="between", dtype=str))
    if len(known) < max(len(changes), 2):
        return none
    units = known[0].study.waves[0].scores.index
    for fit in known:
        units = units.intersection(fit.study.waves[1].scores.index)
    if len(units) < FEWEST_OF_GROUP:
        return none
    chain = [_only(fit, units) for fit in known]
    found = _equal(chain, np.zeros(len(units), dtype=int), n_draws, seed)
    row = {"n_units": len(units), "n_groups": len(known), **found, "p_holm": found["p"]}
    return pd.DataFrame([row], index=none.index.insert(0, "waves"))


def _groups_of(fitted: Fitted, groups: pd.DataFrame, n_draws: int, seed: Seed) -> pd.DataFrame:
    """Compare groups between two waves, a row for each variable."""
    units = fitted.study.waves[0].scores.index
    rows = {}
    for name, child in zip(groups, children(seed, groups.shape[1]), strict=True):
        group = groups[name].reindex(units).dropna()
        sizes = group.value_counts()
        group = group[group.isin(sizes.index[sizes >= FEWEST_OF_GROUP])]
        row = {"n_units": len(group), "n_groups": group.nunique()}
        if row["n_groups"] > 1:
            codes = pd.factorize(group, sort=True)[0]
            row |= _equal([_only(fitted, group.index)], codes, n_draws, child)
        rows[str(name)] = row
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=GROUP_COLUMNS)
    return table.assign(p_holm=holm(table["p"]))


def _only(fitted: Fitted, units: pd.Index) -> Fitted:
    """The same models, held beside fewer units."""
    return Fitted(fitted.study.only(units), fitted.models, fitted.same, fitted.free)


def _equal(fits: Sequence[Fitted], group: np.ndarray, n_draws: int, seed: Seed) -> dict[str, float]:
    """`likelihood_ratio` and `p` of equal chances over pairs of waves and groups of units."""
    densities = [_densities(fit, fit.study.values) for fit in fits]
    known, starts, chances = _chances(densities, group, equal=True)
    ratio = float(2 * (_chances(densities, group, equal=False)[0] - known)[0])
    first = np.stack(starts[: group.max() + 1])[group, 0]
    paths = _Paths.of(fits, densities, first, _never_none(chances[0][0], starts, group), group)

    def ratios(seeds: Sequence[np.random.SeedSequence]) -> np.ndarray:
        surveys = [paths.draw(np.random.default_rng(child)) for child in seeds]
        drawn = [
            _densities(fit, np.stack(values))
            for fit, values in zip(paths.fits, zip(*surveys, strict=True), strict=True)
        ]
        less, more = (_chances(drawn, group, equal=equal)[0] for equal in (True, False))
        return 2 * (more - less)

    found = in_parts(ratios, children(seed, n_draws), len(group))
    p = float((1 + (found >= ratio - ROUNDING).sum()) / (1 + n_draws))
    return {"likelihood_ratio": ratio, "p": p}


def _densities(fit: Fitted, values: np.ndarray) -> np.ndarray:
    """Densities of each unit under each pair of profiles, up to a factor, B × n × k × k."""
    model, values = fit.models.free, values if values.ndim == 3 else values[None]
    family = model.family(values, fit.study.noise, fit.study.floor)
    batch = em.joined([fit.free] * len(values))
    joint = em.log_joint(family, batch) - batch.log_shares[..., None]
    found = np.exp(joint - joint.max(axis=0))
    return np.moveaxis(found.reshape(model.k, model.k, *found.shape[1:]), (0, 1), (2, 3))


def _chances(
    densities: Sequence[np.ndarray], group: np.ndarray, *, equal: bool
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Estimate chances and shares in every pair of waves and group, the profiles as they are.

    Returns
    -------
    log-likelihood, B; for each pair of waves and group, shares in the first, B × k, and chances to
    go from profile to profile, B × k × k.
    """
    parts = [table[:, group == one] for table in densities for one in range(group.max() + 1)]
    n_problems, _, k, _ = parts[0].shape
    # one matrix a problem, laid out row by row: products of views take sixteen times as long
    parts = [np.ascontiguousarray(part.reshape(n_problems, -1, k * k)) for part in parts]
    starts = [np.full((n_problems, k), 1 / k)] * len(parts)
    chances = [np.full((n_problems, k, k), (1 - STAYING) / k) + STAYING * np.eye(k)] * len(parts)
    reached = np.full(n_problems, -np.inf)
    for _ in range(MAX_STEPS):
        before, reached, counts = reached, np.zeros(n_problems), []
        for part, start, chance in zip(parts, starts, chances, strict=True):
            shares = start[:, :, None] * chance
            total = part @ shares.reshape(n_problems, k * k, 1)  # B, n, 1
            reached = reached + np.log(total).sum(axis=(1, 2))
            counts.append(shares * (part.swapaxes(1, 2) @ (1 / total)).reshape(shares.shape))
        if (reached - before).max() < EQUAL_TOLERANCE:
            break
        starts = [count.sum(axis=2) / count.sum(axis=(1, 2))[:, None] for count in counts]
        pooled = [np.sum(counts, axis=0)] * len(counts) if equal else counts
        chances = [count / np.maximum(count.sum(axis=2), 1e-12)[..., None] for count in pooled]
    return reached, starts, chances


def _never_none(chances: np.ndarray, starts: Sequence[np.ndarray], group: np.ndarray) -> np.ndarray:
    """Let half a unit more go each way, of all waves and groups: what surveys are drawn with.

    Where one unit went a way, it went in one group. Surveys drawn with the chance found have none
    in a third of cases and so a smaller ratio: tests said too often that groups differ. With half a
    unit more ratios are as large as they should be from one unit on, and larger below.
    """
    sizes = np.tile(np.bincount(group), len(starts) // (group.max() + 1))
    leaving = sum(size * start[0] for size, start in zip(sizes, starts, strict=True))
    counts = leaving[:, None] * chances + 0.5
    return counts / counts.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class _Paths:
    """What draws surveys in which units go from profile to profile by the same chances."""

    fits: Sequence[Fitted]
    first: np.ndarray  # n × k: shares in the first wave, of each unit's group
    chances: np.ndarray  # k × k
    kind: np.ndarray  # n: group of each unit times k, to which its profile is added
    errors: list[RespondentErrors]  # of each wave, by group and likeliest profile of its units
    means: list[tuple[np.ndarray, np.ndarray]]  # of each pair's waves, k × p, in points
    spreads: list[np.ndarray]  # of each pair, 2p × 2p, in squared points

    @classmethod
    def of(
        cls,
        fits: Sequence[Fitted],
        densities: Sequence[np.ndarray],
        first: np.ndarray,
        chances: np.ndarray,
        group: np.ndarray,
    ) -> "_Paths":
        """Set what draws need in points."""
        k = len(chances)
        kind = k * group
        own = [
            table[0] * np.exp(fit.free.log_shares[:, 0]).reshape(k, k)
            for table, fit in zip(densities, fits, strict=True)
        ]
        likeliest = [own[0].sum(axis=2).argmax(axis=1)]
        likeliest += [table.sum(axis=1).argmax(axis=1) for table in own]
        waves = [fits[0].study.waves[0], *(fit.study.waves[1] for fit in fits)]
        kinds = [kind + own for own in likeliest]
        errors = [RespondentErrors.of(*each) for each in zip(waves, kinds, strict=True)]
        means, spreads = [], []
        for fit in fits:
            study, p = fit.study, len(fit.study.centre)
            family = fit.models.free.family(study.values, study.noise, study.floor)
            both, spread = family.moments(fit.free.theta)
            same = both[:: k + 1] * study.scale + np.tile(study.centre, 2)
            means.append((same[:, :p], same[:, p:]))
            spreads.append(spread[0] * study.scale**2)
        lean = [replace(fit, study=fit.study.bare()) for fit in fits]
        return cls(lean, first, chances, kind, errors, means, spreads)

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw a survey: for each pair of waves the values of its units, n × 2p."""
        n, p = len(self.first), self.means[0][0].shape[1]
        profile, own = choose(self.first, rng), rng.standard_normal((n, p))
        error = self.errors[0].means(self.errors[0].draw(self.kind + profile, rng))
        found = []
        for fit, errors, means, spread in zip(
            self.fits, self.errors[1:], self.means, self.spreads, strict=True
        ):
            later, factor = choose(self.chances[profile], rng), np.linalg.cholesky(spread)
            both = np.hstack([own, rng.standard_normal((n, p))]) @ factor.T
            late = errors.means(errors.draw(self.kind + later, rng))
            true = np.hstack([means[0][profile], means[1][later]]) + both
            values = true + np.hstack([error, late]) - np.tile(fit.study.centre, 2)
            values = values / fit.study.scale
            found.append(np.where(np.isfinite(fit.study.values), values, np.nan))
            own = both[:, p:] @ np.linalg.inv(np.linalg.cholesky(spread[p:, p:])).T
            profile, error = later, late
        return found
