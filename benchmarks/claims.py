"""Count what a report would say wrongly of one study where there is nothing, in unkind worlds.

    python benchmarks/claims.py run 0-200             # studies of a world
    python benchmarks/claims.py show                  # table for README.md

Appends one row per study to claims.csv, so it can be stopped and resumed. Of 342 units 150 answer,
unless the world says otherwise. A claim is 1 where it is false, 0 where it is not; `sure` and
`right` are the mean probability with which units are placed in four profiles three spreads apart,
and the share that is placed rightly, of the first `PLACED` studies; *agree* of the first `DEALT`.
"""

import sys
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from changes import NEAR
from scipy.optimize import linear_sum_assignment
from scipy.special import ndtr
from studies import append_missing, bold_above, rate, write_tables
from surveys import at_distance, heavy_tailed

from cycle_analysis.chance import holm
from cycle_analysis.cycle import rank_correlations
from cycle_analysis.cycle.order import ends_apart, possible_extremes
from cycle_analysis.measurement import respondent_scores, turn_items, unit_scores
from cycle_analysis.measurement.agreement import random_group_benchmark, spread_by_level
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.measurement.missing import little_test, missing_by_level
from cycle_analysis.measurement.reliability import alpha, alpha_interval
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.profiles.true_scores import estimate, of_true_scores
from cycle_analysis.profiles.typology import members
from cycle_analysis.representation import nonresponse_tests, response_account
from cycle_analysis.simulate import Answering, Continuum, steps
from cycle_analysis.simulate.worlds import normal, straight
from cycle_analysis.waves.transitions import reliable_changes
from cycle_analysis.waves.two_waves import wave_scores

RESULTS = Path(__file__).parent / "claims.csv"
POPULATION, MANY, PLACED, DEALT = 342, 20_000, 10, 60
SURE = 0.05
PHASES, FIRST = ["AG", "EX", "VB", "VA", "NN"], [f"AG{i}" for i in range(1, 6)]
TIED, SUBJECT = np.array([60.0, 60, 50, 40, 40]), "D"
CLAIMS = ["ends", "response", "inside", "agree", "linked", "little", "subject", "alpha", "single"]
FIELDS = ["world", "study", *CLAIMS, "sure", "right"]


@dataclass(frozen=True)
class InDepartments(Answering):
    """Respondents of one of two departments of a unit share half of their error."""

    def see(self, true, rng, more=1.0):
        """See the unit as the department does, for a part."""
        unit = np.unique(true, axis=0, return_inverse=True)[1].ravel()
        department = 2 * unit + rng.integers(0, 2, len(true))
        shared = rng.standard_normal((2 * len(true), true.shape[1]))[department]
        half = np.sqrt(0.5)
        return super().see(true, rng, half) + half * self.respondent_sd * shared


@dataclass(frozen=True)
class FarOff(Answering):
    """Respondents err by Student's t with 3 degrees of freedom."""

    def see(self, true, rng, more=1.0):
        """See the unit with an error that is far off for some."""
        return true + self.respondent_sd * rng.standard_t(3, true.shape) / np.sqrt(3)


class World(NamedTuple):
    """How respondents answer; how units lie around 50, or so much higher; how many answer."""

    answering: Answering
    draw: object = normal
    higher: float = 0.0
    n: int = 150
    neighbours: int = 1
    more: range | None = None

    def states(self, means, rng, points=16.0, n=POPULATION, phases=PHASES, spread=12.0):
        """Draw units; position and deviations from the same distribution."""
        course = partial(straight, means=means + self.higher, points=points)
        return Continuum(course, self.draw, spread, self.draw, phases=phases)(n, rng)

    def survey(self, states, rng):
        """Ask those that answer; `more` respondents where the level is in the upper half."""
        answered = states.iloc[np.sort(rng.permutation(len(states))[: self.n])]
        if self.more is None:
            return self.answering(answered, rng)
        level = answered[PHASES].mean(axis=1)
        counts = np.where(level > level.median(), max(self.more), min(self.more))
        full = replace(self.answering, respondents=(max(self.more),))(answered, rng)
        place = full.units.groupby(full.units).cumcount()
        kept = place < full.units.map(pd.Series(counts, level.index))
        return replace(full, answers=full.answers[kept], units=full.units[kept])


THREE = Answering((3,), 20.0)
WORLDS = {
    "plain": World(THREE),
    "halo": World(replace(THREE, halo=0.6)),
    "1 or 2 respondents": World(replace(THREE, respondents=(1, 2))),
    "1 respondent": World(replace(THREE, respondents=(1,))),
    "1 to 30": World(replace(THREE, respondents=(1, 1, 2, 3, 5, 10, 30))),
    "more where further on": World(THREE, more=range(2, 7)),
    "heavy tails": World(FarOff((3,), 20.0), heavy_tailed),
    "at the ceiling": World(THREE, higher=25.0),
    "three answers": World(replace(THREE, cuts=steps(3))),
    "15% careless": World(replace(THREE, careless=0.1, straight=0.05)),
    "departments": World(InDepartments((6,), 20.0)),
    "40 units": World(THREE, n=40),
    "neighbours decide": World(THREE, neighbours=6),
}


def one_study(name, study):
    world, rng = WORLDS[name], np.random.default_rng([2028, study, list(WORLDS).index(name)])
    survey = world.survey(world.states(50.0, rng), rng)
    persons = respondent_scores(survey.answers, survey.items)
    reasons, answers = left_out(survey, rng)
    by_reason = missing_by_level(answers, survey.items, reasons, survey.units)["p"].iloc[1:]
    again = world.survey(survey.states.loc[survey.units.unique()], rng)
    waves = [wave_scores(respondent_scores(s.answers, s.items), s.units) for s in (survey, again)]
    alike = world.survey(world.states(50.0, rng, points=0.0, spread=0.0), rng)
    low, high = alpha_interval(turn_items(survey.answers, survey.items)[FIRST], survey.units)
    told = {
        "ends": misnamed(world, rng),
        "response": (nonresponse_tests(account(world, rng))["p_holm"] < SURE).any(),
        "inside": told_apart(spread_by_level(persons, survey.units)),
        "agree": agree(alike, world, study),
        "linked": (by_reason < SURE).any(),
        "little": little_test(answers, survey.items, survey.units)["p_adjusted"].lt(SURE).any(),
        "subject": not subject_held(name, rng),
        "alpha": not low <= truth(name)[1] <= high,
        "single": reliable_changes(*waves)["reliable"].any(),
    }
    row = {key: "" if pd.isna(value) else int(value) for key, value in told.items()}
    return {"world": name, "study": study} | row | placed(world, rng, study)


def left_out(survey, rng):
    """Reasons and answers, where units have not what is asked, and some answers are blank."""
    lacks = rng.random((survey.units.nunique(), survey.answers.shape[1])) < 0.06
    of_unit = lacks[pd.factorize(survey.units)[0]] & (rng.random(survey.answers.shape) < 0.8)
    blank = rng.random(survey.answers.shape) < 0.04
    why = np.select([of_unit, blank], ["not_applicable", "dont_know"], "")
    reasons = pd.DataFrame(why, survey.answers.index, survey.answers.columns)
    return reasons, survey.answers.mask(reasons != "")


def agree(alike, world, study):
    """Whether respondents of units that are alike are said to agree; not of departments, who do."""
    if study >= DEALT or isinstance(world.answering, InDepartments):
        return np.nan
    dealt = random_group_benchmark(alike.answers, alike.items, alike.units, 199, study)
    p = dealt["p"].dropna()
    return np.nan if p.empty else (holm(p) < SURE).any()


def misnamed(world, rng):
    """Whether the truly highest or lowest phase of all units is not among those named."""
    states = world.states(TIED, rng)
    survey = world.survey(states, rng)
    persons = respondent_scores(survey.answers, survey.items)
    found = possible_extremes(unit_scores(persons, survey.units), persons, survey.units, POPULATION)
    sd = np.hypot(world.answering.respondent_sd, world.answering.item_sd)
    cuts = world.answering.cuts  # what all units would score if very many of their people answered
    means = sum(ndtr((states[PHASES] - cut) / sd) for cut in cuts).mean()
    missed = ~found["may_be_highest"][means.idxmax()] | ~found["may_be_lowest"][means.idxmin()]
    return missed and ends_apart(found)


def account(world, rng):
    """Response by size and by region, of which neighbours lie in the same."""
    groups = POPULATION // world.neighbours
    region = np.sort(rng.choice(list("NEWS"), groups)).repeat(world.neighbours)
    units = pd.DataFrame({"size": rng.choice(list("abc"), len(region)), "region": region})
    inclined = rng.standard_normal(groups).repeat(world.neighbours)
    own = rng.standard_normal(len(region))
    inclined = np.sqrt(0.3) * inclined + np.sqrt(0.7) * own if world.neighbours > 1 else own
    answered = units.index[np.argsort(-inclined)[: world.n]]
    return response_account(units, answered, ["size", "region"])


def told_apart(table):
    """Whether the highest quarter is said to differ more, or less, inside than the lowest."""
    if len(table) < 4:
        return np.nan
    ends = table.iloc[[0, -1]]
    room = ends["spread_share"] / ends["spread"]
    gaps = [
        np.diff(ends["spread"] * by)[0] / np.hypot(*(ends["standard_error"] * by))
        for by in (1.0, room)
    ]
    return min(gaps) > 1.96 or max(gaps) < -1.96


def with_subject(name, rng, n=POPULATION, answered=None):
    """A survey with another subject, with which every phase goes a little."""
    world = WORLDS[name]._replace(n=answered or WORLDS[name].n, more=None)
    points = np.array([*[16.0] * 5, 8.0])
    states = world.states(50.0, rng, points, n, [*PHASES, SUBJECT])
    return world.survey(states, rng)


@cache
def truth(name):
    """Correlations of phases with the subject, and alpha of a phase, of very many units."""
    survey = with_subject(name, np.random.default_rng(9), MANY, MANY)
    ranks = survey.scores.rank()
    covariances = turn_items(survey.answers, survey.items)[FIRST].cov()
    return ranks[PHASES].corrwith(ranks[SUBJECT]), alpha(covariances.to_numpy())


def subject_held(name, rng):
    """Whether the interval of the phase that the subject goes with most holds the truth."""
    scores = with_subject(name, rng).scores
    found = rank_correlations(scores[[SUBJECT]], scores[PHASES]).loc[SUBJECT]
    most = found["correlation"].idxmax()
    return found["low"][most] <= truth(name)[0][most] <= found["high"][most]


def placed(world, rng, study):
    """How surely, and how rightly, units are placed in profiles."""
    if study >= PLACED or world.neighbours > 1:
        return {}
    states = at_distance(NEAR, 3.0)(world.n, rng)
    states[PHASES] += world.higher / 2
    answering = replace(world.answering, respondent_sd=15.0)
    survey = world._replace(answering=answering, n=len(states)).survey(states, rng)
    persons = respondent_scores(survey.answers, survey.items)
    error = measurement_error(persons, survey.units)
    found = of_true_scores(latent_profiles(survey.scores, 4, n_starts=10, seed=study), error)
    equal = pd.Series(1.0, found.scores.index)
    told = estimate(found, error, equal, POPULATION, n_refits=30, seed=study).placed(found)
    true = states["profile"].loc[found.labels.index]
    counts = pd.crosstab(found.labels.to_numpy(), true.to_numpy()).to_numpy()
    right = counts[linear_sum_assignment(-counts)].sum() / len(true)
    return {"sure": round(members(told)["certainty"].mean(), 3), "right": round(right, 3)}


def show():
    write_tables(tables())


def tables():
    """Give the table of README.md: shares of studies with each false claim."""
    grouped = pd.read_csv(RESULTS).drop_duplicates(["world", "study"]).groupby("world")
    rates, n = grouped[[*CLAIMS, "sure", "right"]].mean(), grouped[CLAIMS].count()
    told = {claim: list(map(bold_above, rates[claim], n[claim])) for claim in CLAIMS}
    told |= {name: rates[name].map(rate) for name in ("sure", "right")}
    table = pd.DataFrame({"studies": grouped.size()} | told, rates.index)
    return {"claims of one study": table.reindex(list(WORLDS)).rename_axis("nothing there")}


if __name__ == "__main__":
    if sys.argv[1] == "show":
        show()
    else:
        first, last = map(int, sys.argv[2].split("-"))
        rows = (((w, study), one_study) for study in range(first, last) for w in WORLDS)
        append_missing(RESULTS, FIELDS, ("world", "study"), rows)
