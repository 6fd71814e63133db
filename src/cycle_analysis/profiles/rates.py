"""How often the verdict is right: looked up for a study of this size, tried on it, or on a plan.

A rate holds where it was found. `known_rates` looks up what benchmarks/verdict.py found in surveys
of the nearest number of units, over truths that are told by name. `try_rates` draws surveys like
the study itself: from the line and the curve that describe it best, and from its profiles, moved
together and apart, with as many respondents for a unit, who differ as its own do. `recovery` asks
beforehand what a study could find of profiles that one expects: units lie around their centroids,
respondents around their unit, and their scores are averaged.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.random import Generator
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.chance import Seed, alone, children
from cycle_analysis.cycle.order import Reading, gather_evidence, phase_differences, read_order
from cycle_analysis.measurement.error import TOO_FEW
from cycle_analysis.mixtures import Mixture, classify
from cycle_analysis.mixtures.search import shortest_path
from cycle_analysis.problems import first_five, refuse
from cycle_analysis.profiles.selection import Fits, choose, compare, fit_models
from cycle_analysis.profiles.valleys import step_of
from cycle_analysis.profiles.verdict import PATHS, Verdict, fit_rivals, form_of, profiles_of, weigh
from cycle_analysis.simulate.worlds import Answering, Continuum, Profiles, World, even, steps
from cycle_analysis.study.text_files import read_table

DISTANCES = (2.0, 3.0, 4.0)
"""Distances of the nearest two profiles, in spreads within profiles, at which power is told."""
SPREAD_LEFT = 0.05
"""Part of the variance within profiles, or along a course, that is never error."""
ROUND = 4
"""Surveys between two steps of a progress bar; fixed, so that workers do not change the draws."""
Draw = Callable[[Generator], tuple[pd.DataFrame, np.ndarray]]
"""Draws a survey: scores of units, and the profile that each truly has."""


def known_rates(n: int) -> pd.DataFrame:
    """Look up how often surveys of about n units get each verdict.

    Parameters
    ----------
    n : int
        Number of units; the nearest number on a logarithmic scale that was tried is taken.

    Returns
    -------
    DataFrame, index truth
        distance (of the nearest profiles, in spreads within them; NaN without groups), n_units,
        n_surveys, separate and found (share of surveys given separate profiles, or any).

    Examples
    --------
    >>> table = known_rates(210)
    >>> bool(table.loc[table["distance"].isna(), "found"].max() < 0.1)
    True
    """
    file = resources.files("cycle_analysis.profiles").joinpath("rates.csv")
    table = pd.read_csv(io.StringIO(file.read_text("utf-8")))
    tried = table["n_units"].unique()
    nearest = tried[np.abs(np.log(tried / max(n, 1))).argmin()]
    return table[table["n_units"] == nearest].set_index("truth")


def try_rates(
    scores: pd.DataFrame,
    fits: Fits,
    n_surveys: int,
    *,
    persons: pd.DataFrame,
    units: pd.Series,
    max_profiles: int = 8,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Draw surveys like this one, and count what verdict they get.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        The study's own scores: so many complete units are drawn.
    fits : mapping of (str, int) to Mixture
        What `selection.fit_models` gave for them.
    n_surveys : int
        Surveys for each truth.
    persons : DataFrame, m respondents × p phases
        Their scores, as `respondent_scores` gives them: how many a unit has, how far they are from
        their unit, on which step and between which ends.
    units : Series, m respondents
        The unit of each respondent.
    max_profiles : int
        Largest k tried.
    seed : int or SeedSequence
        Each survey has its own child seed.

    Returns
    -------
    DataFrame, index truth
        As `known_rates`: line and curve (the study's own best; no curve of fewer units than it
        takes), profiles at each of `DISTANCES`.
    """
    profiles = profiles_of(fits, choose(compare(scores, fits=fits)))
    rivals = fit_rivals(scores, fits, profiles)
    best: dict[str, Mixture] = {}
    for rival in rivals:
        best.setdefault(form_of(rival), rival)
    truths = {form: best[form] for form in PATHS if form in best}  # few units allow no curve
    apart = {f"profiles {d:g}": d for d in DISTANCES}
    truths |= {name: _at_distance(profiles, d) for name, d in apart.items()}
    rows, n = [], len(scores.dropna())
    asked = _asked(persons, units, scores)
    for (name, truth), child in zip(truths.items(), children(seed, len(truths)), strict=True):
        draw = partial(_draw_like, asked.taken_off(truth), asked, n)
        found = _verdicts(draw, n_surveys, max_profiles, child)
        rows.append({"truth": name, "distance": apart.get(name, np.nan), **rates_of(found)})
    return pd.DataFrame(rows).assign(n_units=n).set_index("truth")


def rates_of(found: pd.DataFrame) -> dict[str, float]:
    """Count the surveys, and shares of those with separate profiles and with any.

    Examples
    --------
    >>> rates_of(pd.DataFrame({"verdict": ["separate", "overlapping", "bent", "continuum"]}))
    {'n_surveys': 4, 'separate': 0.25, 'found': 0.5}
    """
    verdicts = found["verdict"].map(Verdict)
    return {
        "n_surveys": len(found),
        "separate": float((verdicts == Verdict.SEPARATE).mean()),
        "found": float(verdicts.map(lambda one: one.found).mean()),
    }


def recovery(
    world: World,
    answering: Answering,
    n_units: int,
    n_surveys: int = 50,
    max_profiles: int = 6,
    *,
    n_replicates: int = 99,
    n_starts: int = 20,
    seed: Seed = 1,
) -> pd.DataFrame:
    """Draw surveys, give each its verdict, and compare the profiles found with the true ones.

    Parameters
    ----------
    world : World
        Where units truly stand: `simulate.Profiles`, `simulate.Continuum`, or another.
    answering : Answering
        What their respondents say.
    n_units : int
        Units in a survey.
    n_surveys : int
        Surveys drawn.
    max_profiles : int
        Largest number of profiles tried.
    n_replicates : int
        Draws with filled valleys.
    n_starts : int
        Starts per model.
    seed : int or SeedSequence
        Each survey has its own child seed.

    Returns
    -------
    DataFrame, n_surveys
        verdict, k (by BIC), k_apart (divided by valleys), adjusted_rand (of the profiles that BIC
        takes with the truth).

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [20.0, 80.0], "EX": [10.0, 60.0], "VB": [80.0, 20.0]})
    >>> world = Profiles(centroids)
    >>> recovery(world, in_points(3), 60, 2, 3, n_replicates=19, n_starts=5)["k"].tolist()
    [2, 2]
    """

    def draw(rng: Generator) -> tuple[pd.DataFrame, np.ndarray]:
        survey = answering(world(n_units, rng), rng)
        return survey.scores, survey.states["profile"][survey.scores.index].to_numpy()

    return _verdicts(draw, n_surveys, max_profiles, seed, n_replicates, n_starts)


def rounds(world: Profiles, answering: Answering, n_units: int, n_surveys: int) -> list[Any]:
    """Give the work of trying expected profiles, one cloud, and the path through the profiles.

    Returns
    -------
    list of delayed call of `recovery`
        For joblib; a third of them for each of the three, in that order.
    """
    sizes = [min(ROUND, n_surveys - start) for start in range(0, n_surveys, ROUND)]
    worlds: list[World] = [world, world.without_groups, along(world)]
    return [
        delayed(alone)(recovery, drawn, answering, n_units, n_surveys=size, seed=child)
        for drawn, seed in zip(worlds, children(2018, 3), strict=True)
        for size, child in zip(sizes, children(seed, len(sizes)), strict=True)
    ]


def in_points(n_respondents: int, respondent_sd: float = 15.0) -> Answering:
    """Let respondents tell their score on a phase in whole points, 0-100; floors heap."""
    return Answering((n_respondents,), respondent_sd, items=1, item_sd=0.0, cuts=steps(101))


def along(profiles: Profiles) -> Continuum:
    """Spread units evenly along the path through profiles: what is hardest to tell from them.

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [0.0, 50.0, 100.0], "EX": [0.0, 60.0, 0.0]})
    >>> states = along(Profiles(centroids, spread=0.1))(5, np.random.default_rng(1))
    >>> bool(states["EX"].max() > 40)
    True
    """
    points = shortest_path(profiles.centroids.to_numpy())
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    reached = np.concatenate([[0], np.cumsum(lengths)]) / lengths.sum()

    def course(at: np.ndarray, p: int) -> np.ndarray:
        place = (at[:, 0] / np.sqrt(3) + 1) / 2
        return np.column_stack([np.interp(place, reached, points[:, j]) for j in range(p)])

    spread = float(np.sqrt(np.mean(np.square(profiles.spread))))
    return Continuum(course, even, spread, phases=profiles.centroids.columns.tolist())


def read_expected(path: Path, spread: float) -> Profiles:
    """Read expected profiles from a csv: a row for each, a column for each phase (0-100).

    A column ``share`` may say which share of the units each profile has; without it each has the
    same chance. `spread` is that of units around their profile.

    Raises
    ------
    InputError
        If the file is absent, not a table of numbers, or off the scale.
    """
    texts = read_table(path, [])
    table = texts.replace(",", ".", regex=True).apply(pd.to_numeric, errors="coerce")
    wrong = table.columns[((table < 0) | (table > 100) | table.isna()).any()]
    phases = table.drop(columns="share", errors="ignore")
    if len(wrong) or phases.shape[1] < 2 or phases.empty:
        allowed = "two phases or more, and in each row their scores from 0 to 100"
        where = f"column {wrong[0]}" if len(wrong) else "contents"
        shown = first_five(texts[wrong[0]]) if len(wrong) else ""
        raise refuse(path.name, where, shown, "holds no profile scores", allowed)
    shares = table["share"].tolist() if "share" in table else [1.0] * len(table)
    profiles = pd.RangeIndex(1, len(table) + 1, name="profile")
    return Profiles(phases.set_axis(profiles), spread, shares)


def with_reliability(answering: Answering, world: Profiles, reliability: float) -> Answering:
    """Set the spread of respondents so that unit scores have this reliability on average.

    The reliability of a mean of r respondents is v / (v + sd² / r), with v the variance of the true
    scores, averaged over the phases; noise of items comes beside it.

    Raises
    ------
    ValueError
        When it does not lie between 0 and 1.

    Examples
    --------
    >>> centroids = pd.DataFrame({"AG": [20.0, 80.0], "EX": [20.0, 80.0]})
    >>> four_each = Answering(respondents=(4,))
    >>> round(with_reliability(four_each, Profiles(centroids), 0.8).respondent_sd, 1)
    31.6
    """
    error = np.diag(world.covariance).mean() * (1 - reliability) / reliability
    spread = np.sqrt(error / np.mean(1 / np.asarray(answering.respondents)))
    return replace(answering, respondent_sd=float(spread))


def summarise(drawn: Sequence[pd.DataFrame], k: int) -> str:
    """Say how often the expected profiles were found, and how often they would be falsely.

    Parameters
    ----------
    drawn : sequence of DataFrame
        What the parts of `rounds` gave: surveys with the profiles, of one cloud, and of units
        spread along the path through the profiles; a row for each survey.
    k : int
        Number of profiles expected.

    Examples
    --------
    >>> found = pd.DataFrame({"verdict": ["separate", "continuum"], "k": [2, 1],
    ...                       "k_apart": [2, 1], "adjusted_rand": [0.9, 0.0]})
    >>> print(summarise([found, found.iloc[1:], found.iloc[1:]], 2))
    separate     50%
    continuum    50%
    With these profiles: found in 50% of 2 surveys (separate in 50%), 2 of them in 50%.
    Agreement with the truth: adjusted Rand 0.45 (median; 1 all units in their own profile).
    Without profiles: found in 0% of 1 surveys of one cloud with the same means and correlations,
    and in 0% of 1 surveys of units spread evenly along the path through these profiles.
    With 2 surveys a percentage is known to about 69 points either way at most.
    """
    each = len(drawn) // 3
    found, clouds, curves = (pd.concat(drawn[i : i + each]) for i in range(0, len(drawn), each))
    own, cloud, curve = (rates_of(table) for table in (found, clouds, curves))
    announced = found["verdict"].map(lambda code: Verdict(code).found)
    right = (announced & found["k"].eq(k)).mean()
    reach = 98 / np.sqrt(len(found))
    verdicts = found["verdict"].value_counts(normalize=True).rename_axis(None)
    return (
        f"{verdicts.map('{:.0%}'.format).to_string()}\n"
        f"With these profiles: found in {own['found']:.0%} of {len(found)} surveys (separate in "
        f"{own['separate']:.0%}), {k} of them in {right:.0%}.\n"
        f"Agreement with the truth: adjusted Rand {found['adjusted_rand'].median():.2f} (median; "
        "1 all units in their own profile).\n"
        f"Without profiles: found in {cloud['found']:.0%} of {len(clouds)} surveys of one cloud "
        "with the same means and correlations,\n"
        f"and in {curve['found']:.0%} of {len(curves)} surveys of units spread evenly along the "
        "path through these profiles.\n"
        f"With {len(found)} surveys a percentage is known to about {reach:.0f} points either way "
        "at most."
    )


def reads_as_window(scores: pd.DataFrame) -> bool:
    """Whether the order of the phases reads as a window, by the scores of units alone.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        In cycle order.

    Examples
    --------
    >>> place = np.linspace(0, 1, 40)[:, None] - [0.1, 0.5, 0.9]
    >>> reads_as_window(pd.DataFrame(100 * np.exp(-8 * place**2), columns=["AG", "EX", "VB"]))
    True
    """
    unknown = phase_differences(scores) * np.nan
    evidence = gather_evidence(scores, unknown, replicates=0, permutations=0)
    return read_order(evidence) is Reading.WINDOW


def _verdicts(
    draw: Draw,
    n_surveys: int,
    max_profiles: int,
    seed: Seed,
    n_replicates: int = 99,
    n_starts: int = 20,
) -> pd.DataFrame:
    """Draw surveys and give each its verdict; as `recovery`."""

    def find(seed: np.random.SeedSequence) -> dict[str, object]:
        first, second, third = children(seed, 3)
        scores, truth = draw(np.random.default_rng(first))
        fits = fit_models(scores, max_profiles, n_starts=n_starts, seed=second)
        choice = choose(compare(scores, fits=fits))
        evidence = weigh(
            scores,
            max_profiles,
            fits=fits,
            choice=choice,
            window=reads_as_window(scores),
            n_replicates=n_replicates,
            seed=third,
        )
        labels = classify(fits[choice.method, choice.k], scores).idxmax(axis=1)
        return {
            "verdict": str(evidence.verdict),
            "k": choice.k,
            "k_apart": evidence.valleys.k_apart,
            "adjusted_rand": float(adjusted_rand_score(truth, labels)),
        }

    return pd.DataFrame(Parallel()(delayed(find)(child) for child in children(seed, n_surveys)))


@dataclass(frozen=True, eq=False)
class _Asked:
    """How respondents of a study answer.

    Attributes
    ----------
    counts : array
        Respondents of each unit.
    deviations : DataFrame, m × p phases
        Of respondents from their unit, as wide as those from its true score.
    error : array, p × p
        Covariance of the scores of units around their true scores, on average.
    step, low, high : float
        Grid of respondents' scores, and its ends.
    """

    counts: np.ndarray
    deviations: pd.DataFrame
    error: np.ndarray
    step: float
    low: np.ndarray
    high: np.ndarray

    def taken_off(self, truth: Mixture) -> Mixture:
        """Take the error of measurement off a mixture; some of each spread stays."""
        factors = np.linalg.cholesky(truth.covariances)
        inverse = np.linalg.inv(factors)
        left, axes = np.linalg.eigh(
            np.eye(len(self.error)) - inverse @ self.error @ inverse.swapaxes(1, 2)
        )
        roots = factors @ axes * np.sqrt(left.clip(SPREAD_LEFT))[:, None]
        return replace(truth, covariances=roots @ roots.swapaxes(1, 2))


def _asked(persons: pd.DataFrame, units: pd.Series, scores: pd.DataFrame) -> _Asked:
    """Read from a study how its respondents answer; too few pairs leave scores as they are."""
    complete = persons[scores.columns].dropna()
    complete = complete[units.reindex(complete.index).isin(scores.index)]
    by_unit = complete.groupby(units.reindex(complete.index))
    counts, size = by_unit.size().to_numpy(), by_unit[scores.columns[0]].transform("size")
    if (counts - 1).sum() < TOO_FEW:
        complete, counts = scores.dropna(), np.ones(1, dtype=int)
        deviations = complete.iloc[:1] * 0
    else:
        wider = np.sqrt(size / (size - 1).clip(lower=1))
        deviations = (complete - by_unit.transform("mean")).mul(wider, axis=0)[size > 1]
    values = complete.to_numpy(dtype=float)
    error = deviations.T.to_numpy() @ deviations.to_numpy() / len(deviations) * np.mean(1 / counts)
    return _Asked(
        counts, deviations, error, step_of(values), values.min(axis=0), values.max(axis=0)
    )


def _draw_like(
    truth: Mixture, asked: _Asked, n: int, rng: Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw n units from a mixture of true scores, and ask their respondents."""
    true, member = truth.draw_with_profiles(n, rng)
    counts = rng.choice(asked.counts, n)
    drawn = rng.integers(len(asked.deviations), size=counts.sum())
    told = true.repeat(counts, axis=0) + asked.deviations.to_numpy()[drawn]
    if asked.step:
        told = np.round(told / asked.step) * asked.step
    told = pd.DataFrame(np.clip(told, asked.low, asked.high), columns=asked.deviations.columns)
    return told.groupby(np.arange(n).repeat(counts)).mean(), member


def _at_distance(profiles: Mixture, d: float) -> Mixture:
    """Move profiles until the nearest two lie d of their pooled spreads apart."""
    middle = profiles.shares @ profiles.means
    pooled = np.einsum("k,kpq->pq", profiles.shares, profiles.covariances)
    gaps = profiles.means.to_numpy()[:, None] - profiles.means.to_numpy()
    apart = np.sqrt(np.einsum("abp,pq,abq->ab", gaps, np.linalg.inv(pooled), gaps))
    nearest = apart[np.triu_indices(len(apart), 1)].min()
    return replace(profiles, means=middle + (profiles.means - middle) * d / nearest)
