"""Fit what is true of a whole study to the tables of its run, so that its like can be drawn.

Of units: the profiles of 04 with the covariance of their true scores, one cloud where 04 found
none, moves where 07 found change, and who takes part by size class. Of respondents: their number,
their roles, and the covariance of their errors (02). Of every item: the shares of its answers, how
it follows the phases, and how often each reason stands for an answer.

Only sums over many leave the tables: what is counted or measured in numbers (respondents of a unit,
years, posts) comes in groups of five neighbours that count as their mean (microaggregation).
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from cycle_analysis.measurement import turn_items
from cycle_analysis.measurement.error import Standing, measurement_error
from cycle_analysis.responses import BLANK
from cycle_analysis.results import Results
from cycle_analysis.simulate import Margin, Truth
from cycle_analysis.simulate.exports import MISSING_TEXTS
from cycle_analysis.simulate.studies import MIDDLE_SIZE_CLASS
from cycle_analysis.simulate.worlds import Answering, Profiles
from cycle_analysis.study import Study
from cycle_analysis.units import has_municipalities, study_register
from cycle_analysis.waves.transitions import Finding

RESPONSES, SCORES, NUMBER = "01_responses", "02_scores", "04_number_of_profiles"
NEIGHBOURS = 5
"""Numbers that count as their mean, so that none of them is told."""
PRIOR = 10
"""Units of the mean response that the response of a size class is made of, beside its own."""
LEAST_NOISE = 0.05
"""Least share of an item's variance that follows no phase."""
MOST_MEMORY = 0.99


@dataclass(frozen=True, eq=False)
class Clouds(Profiles):
    """Profiles whose phases go together within them too.

    Attributes
    ----------
    roots : array, k × p × p
        Square roots of the covariances of true scores, in place of `spread`.
    """

    roots: np.ndarray = field(kw_only=True)

    def deviate(self, member: np.ndarray, rng: Generator) -> np.ndarray:
        """Draw how far units lie from their profile, one of 0..k-1, in each phase."""
        drawn = rng.standard_normal((len(member), self.roots.shape[1]))
        return np.asarray(np.einsum("npq,nq->np", self.roots[member], drawn))


@dataclass(frozen=True)
class Seen(Answering):
    """Respondents whose errors go together over the phases.

    Attributes
    ----------
    root : array, p × p
        Square root of the covariance of their errors, in place of `respondent_sd` and `halo`.
    """

    root: np.ndarray = field(kw_only=True)

    def see(self, true: np.ndarray, rng: Generator, more: np.ndarray | float = 1.0) -> np.ndarray:
        """Let each respondent (row) see the true scores of the unit, m × p."""
        return np.asarray(true + more * (rng.standard_normal(true.shape) @ self.root))


def fit_truth(study: Study, results: Results) -> Truth:
    """Fit a truth to the tables of a run, up to notebook 07.

    Parameters
    ----------
    study : Study
    results : Results
        Its run.
    """
    waves = {wave: _Wave(study, results, wave) for wave in study.waves}
    reference = waves[study.reference_wave]
    clouds, error = reference.clouds
    roles, effects = reference.roles
    counts = [wave.n_respondents for wave in waves.values()]
    most = max(int(count.max()) for count in counts)
    rates, turnout = _response(study, waves)
    k = len(clouds.centroids)
    own = error - np.diag(reference.noise) - np.atleast_2d(np.cov(effects.loc[roles].T))
    return Truth(
        profiles=clouds,
        size_slopes=(0.0,) * k,
        respondent_spreads=(1.0,) * k,
        transitions=_moves(results, k),
        unit_memory=_memory(waves, clouds),
        answering=Seen(root=root_of(own)),
        style_sd=0.0,
        role_effects={str(role): tuple(row) for role, *row in effects.itertuples()},
        role_order=(tuple(roles.sort_values()),) * most,
        mean_respondents=dict.fromkeys(rates, 1.0),
        single_share=0.0,
        response_rate=rates,
        response_memory=_response_memory(study, waves),
        dont_know_rate=0.0,
        not_applicable_rate=0.0,
        coordinator_blocks=tuple(reference.told_once),
        turnout=turnout,
        counts=[np.bincount(count - 1, minlength=most) / len(count) for count in counts],
        margins={name: wave.margins for name, wave in waves.items()},
    )


def root_of(covariance: np.ndarray) -> np.ndarray:
    """Give the symmetric square root of a covariance; of its possible part if it is none.

    Examples
    --------
    >>> root_of(np.diag([4.0, -1.0])).tolist()
    [[2.0, 0.0], [0.0, 0.0]]
    """
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(values.clip(min=0)) @ vectors.T)


def in_groups(values: pd.Series) -> np.ndarray:
    """Sort numbers, and give each the mean of its group of five neighbours, with their decimals.

    Examples
    --------
    >>> in_groups(pd.Series([3, 1, 2, 2, 2, 40, 5, 5, 6, 4, 7])).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 11.0, 11.0, 11.0, 11.0, 11.0, 11.0]
    """
    ordered = np.sort(values.to_numpy(dtype=float))
    n_groups = max(len(ordered) // NEIGHBOURS, 1)
    group = np.minimum(np.arange(len(ordered)) // NEIGHBOURS, n_groups - 1)
    decimals = 0 if np.allclose(ordered, ordered.round()) else 1
    return np.asarray((np.bincount(group, ordered) / np.bincount(group))[group].round(decimals))


@dataclass(frozen=True, eq=False)
class _Wave:
    """The tables of one wave, and what is fitted to them."""

    study: Study
    results: Results
    name: str

    def _load(self, step: str, table: str) -> pd.DataFrame:
        return self.results.load(step, table, self.name)

    @cached_property
    def units(self) -> pd.Series:
        """Unit of each respondent."""
        return self._load(RESPONSES, "respondents")["unit"]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores of the respondents."""
        return self._load(SCORES, "respondent_scores")

    @property
    def n_respondents(self) -> np.ndarray:
        """Numbers of respondents of the units, sorted."""
        return in_groups(self.units.value_counts()).astype(int)

    @property
    def roles(self) -> tuple[pd.Series, pd.DataFrame]:
        """Role of each respondent, and by role how much higher they score than their unit."""
        roles = self._load(RESPONSES, "respondents")["role"].astype("object").fillna("")
        apart = self.scores - self.scores.groupby(self.units).transform("mean")
        return roles, apart.groupby(roles).mean().fillna(0.0)

    @property
    def clouds(self) -> tuple[Clouds, np.ndarray]:
        """Clouds of true scores, and the covariance of respondents within units, p × p."""
        means, shares, spreads = (
            self._load(NUMBER, name) for name in ("means", "shares", "covariances")
        )
        error, p = measurement_error(self.scores, self.units), means.shape[1]
        is_known = error.standing != Standing.UNKNOWN
        if spreads.empty:  # levels are cuts of one cloud
            scores = self._load(SCORES, "scores").dropna()
            means, shares = scores.mean().to_frame().T, pd.DataFrame({"share": [1.0]})
            spreads = scores.cov() - (error.covariances().mean(axis=0) if is_known else 0.0)
        roots = np.array([root_of(one) for one in spreads.to_numpy().reshape(-1, p, p)])
        within = error.within.to_numpy() if is_known else np.zeros((p, p))
        return Clouds(means, shares=tuple(shares["share"]), roots=roots), within

    @cached_property
    def told_once(self) -> list[str]:
        """Blocks on the unit itself, which one of its respondents fills in."""
        blocks = self.study.codebook.items["block"]
        answered = self._load(RESPONSES, "reasons") == ""
        most = answered.groupby(self.units).sum().max().groupby(blocks).max()
        return most.index[(most == 1) & (self.units.value_counts().max() > 1)].tolist()

    @cached_property
    def turned(self) -> pd.DataFrame:
        """Answers on the items of the phases, 0-100."""
        answers = self._load(RESPONSES, "answers").astype(float)
        return turn_items(answers, self.study.phase_items(self.name))

    @cached_property
    def noise(self) -> np.ndarray:
        """Variance that the noise of its items leaves in a respondent's score, by phase."""
        items = self.study.phase_items(self.name)
        return np.array([self._noise(items.index[items["phase"] == p]) for p in self.scores])

    def _noise(self, items: pd.Index) -> float:
        together = self.turned[items].cov().fillna(0.0).to_numpy()
        own = np.trace(together) / len(items)
        if len(items) == 1:
            return 0.0
        common = (together.sum() - np.trace(together)) / (len(items) * (len(items) - 1))
        return max(own - max(common, 0.0), 0.0) / len(items)

    @cached_property
    def margins(self) -> dict[str, Margin]:
        """How each item is answered."""
        reasons = self._load(RESPONSES, "reasons")
        answers = self._load(RESPONSES, "answers").astype(float)
        return {
            item: self._margin(item, answers.get(item, pd.Series(dtype=float)).dropna(), told)
            for item, told in reasons.items()
        }

    def _margin(self, item: str, answers: pd.Series, reasons: pd.Series) -> Margin:
        """Lay an item on its own answers.

        What the steps of its scale take from correlations is taken from its noise beforehand.
        """
        row = self.study.codebook.items.loc[item]
        reasons = reasons.where(reasons.isin(["", *MISSING_TEXTS]), BLANK)
        missing = reasons[reasons != ""].value_counts() / len(reasons)
        if row["block"] in self.told_once:
            missing = pd.Series({BLANK: 1 - (reasons == "").sum() / self.units.nunique()})
        if answers.empty:
            nothing = np.array(["[synthetisch]"], dtype=object)
            return Margin(nothing, np.zeros(len(self.noise)), 1.0, missing.to_dict())
        is_number = self.study.scales[row["scale"]].kind == "number"
        laid = in_groups(answers) if is_number else np.sort(answers)
        weights, explained, variance = self._followed(item, answers)
        normal = ndtri((np.arange(len(laid)) + 0.5) / len(laid))
        kept = np.corrcoef(normal, laid)[0, 1] ** 2 if laid[0] < laid[-1] else 1.0
        noise = np.sqrt(max(kept * variance - explained, LEAST_NOISE * variance))
        sign = -1 if row["phase"] and row["reversed"] else 1
        return Margin(laid, sign * weights, float(noise), missing.to_dict())

    def _followed(self, item: str, answers: pd.Series) -> tuple[np.ndarray, float, float]:
        """How an item follows the phases without their noise, its variance by them and in all."""
        phases = self.scores.cov().fillna(0.0).to_numpy() - np.diag(self.noise)
        if item in self.turned:
            phase = self.study.codebook.items.loc[item, "phase"]
            weights = np.array(self.scores.columns == phase, dtype=float)
            return weights, float(weights @ phases @ weights), float(self.turned[item].var())
        together = self.scores.loc[answers.index].apply(answers.cov).fillna(0.0).to_numpy()
        weights = np.linalg.lstsq(phases, together, rcond=0.05)[0]
        return weights, float(weights @ together), float(np.nan_to_num(answers.var()))


def _response(study: Study, waves: dict[str, _Wave]) -> tuple[dict[int, float], list[float]]:
    """Chance of each size class to take part, and what each wave multiplies it by."""
    register, tables = study_register(study), []
    for name, wave in waves.items():
        units = register.on(study.day(name))
        sized = has_municipalities(study)
        size = units["size_class"].astype(int) if sized else MIDDLE_SIZE_CLASS
        here = pd.DataFrame({"size": size, "there": units.index.isin(wave.units)})
        tables.append(here.assign(wave=name))
    everyone = pd.concat(tables)
    mean, by_size = everyone["there"].mean(), everyone.groupby("size")["there"]
    rates = (by_size.sum() + PRIOR * mean) / (by_size.size() + PRIOR)
    rates = rates.reindex(range(1, 9), fill_value=mean)
    turnout = everyone.groupby("wave", sort=False)["there"].mean() / mean
    return dict(rates), turnout.tolist()


def _response_memory(study: Study, waves: dict[str, _Wave]) -> float:
    """Correlation of the inclination to take part, by who did twice (tetrachoric)."""
    register, found = study_register(study), []
    for one, two in pairwise(waves):
        days = (study.day(name) for name in (one, two))
        first, second = (register.on(day).index for day in days)
        both = first.intersection(second)
        there = np.array([both.isin(waves[name].units) for name in (one, two)])
        cuts = ndtri(there.mean(axis=1).clip(0.001, 0.999))

        def excess(r: float, cuts: np.ndarray = cuts, there: np.ndarray = there) -> float:
            joint = multivariate_normal.cdf(cuts, cov=[[1.0, r], [r, 1.0]])
            return float(joint - there.all(axis=0).mean())

        ends = excess(0.0), excess(MOST_MEMORY)
        inside = ends[0] < 0 < ends[1]
        found.append(brentq(excess, 0, MOST_MEMORY) if inside else MOST_MEMORY * (ends[1] <= 0))
    return float(np.mean(found)) if found else 0.0


def _moves(results: Results, k: int) -> tuple[tuple[float, ...], ...]:
    """Chances to go from one profile to another, where change was found; else nobody goes."""
    found = [np.eye(k)]
    if "moves" in results.tables("07_waves"):
        tests = results.load("07_waves", "change_tests")["finding"]
        moves = results.load("07_waves", "moves")["probability"].unstack("profile_to")
        own = moves[moves.index.get_level_values("profile_from") > 0].drop(columns=0)
        changed = [own.loc[pair].to_numpy() for pair in tests.index[tests == Finding.CHANGED]]
        found = [one for one in changed if one.shape == (k, k) and np.isfinite(one).all()] or found
    mean = np.mean(found, axis=0)
    return tuple(map(tuple, mean / mean.sum(axis=1, keepdims=True)))


def _memory(waves: dict[str, _Wave], clouds: Clouds) -> float:
    """Correlation of what sets units apart from their profile in two waves, without error."""
    centres, found = clouds.centroids.to_numpy(), []
    own = np.einsum("k,kpq,kpq", clouds.chances, clouds.roots, clouds.roots)
    for one, two in pairwise(waves.values()):
        scores = [wave.scores.groupby(wave.units).mean().dropna() for wave in (one, two)]
        both = scores[0].index.intersection(scores[1].index)
        apart = []
        for table in scores:
            gaps = table.loc[both].to_numpy()[:, None] - centres
            nearest = (gaps**2).sum(axis=2).argmin(axis=1)
            apart.append(gaps[np.arange(len(both)), nearest])
        centred = [gap - gap.mean(axis=0) for gap in apart]
        found.append((centred[0] * centred[1]).sum() / max(len(both) - 1, 1))
    return float(np.clip(np.mean(found) / own, 0, MOST_MEMORY)) if found and own else 0.0
