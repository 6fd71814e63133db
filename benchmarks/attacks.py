"""Count false statements of one kind each, in worlds that were thought of to make them false.

    python benchmarks/attacks.py run 0-60             # studies of each world
    python benchmarks/attacks.py run 0-60 mean        # of claims whose name holds this
    python benchmarks/attacks.py show                 # table for README.md

Appends one row per study to attacks.csv, so it can be stopped and resumed: `false` is 1 where the
study makes a statement that does not hold, 0 where it makes none or one that holds, and empty where
nothing is said. Seeds hang on the names: new worlds leave the studies of others as they are.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from changes import (
    ASKED,
    FEW,
    FEW_HALO,
    HALO,
    NEAR,
    ONE_TO_SIX,
    THREE,
    attentive,
    careless,
    levels,
    means,
    profiles,
    stay,
)
from claims import FarOff
from studies import append_missing, bold_above, rate, write_tables
from surveys import at_distance
from surveys import profiles as in_profiles

from cycle_analysis.cycle.order import phase_order
from cycle_analysis.measurement import respondent_scores, role_adjusted_mean, unit_scores
from cycle_analysis.measurement.error import measurement_error, roles_differ
from cycle_analysis.measurement.missing import even_scores
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.profiles import levels as in_levels
from cycle_analysis.profiles.background import profile_background
from cycle_analysis.profiles.division import MOVED_WARNING, method_agreement
from cycle_analysis.profiles.true_scores import estimate, of_true_scores
from cycle_analysis.profiles.typology import crossings
from cycle_analysis.robustness import ALONE, CROSSED, curve
from cycle_analysis.simulate import FOUR, Answering, Continuum
from cycle_analysis.simulate.worlds import states_of
from cycle_analysis.waves import change_both_ways, changed_surely, panel_scores
from cycle_analysis.waves.similarity import compare_moves, similarity_steps
from cycle_analysis.waves.transitions import estimate_change, reliable_changes
from cycle_analysis.waves.two_waves import wave_scores

RESULTS = Path(__file__).parent / "attacks.csv"
FIELDS = ["claim", "world", "study", "false"]
POPULATION, FOLLOWED, ASKED_OF, MERGED = 342, 180, 150, 30
VERDICTS = ("changed", "unchanged")


@dataclass(frozen=True)
class Again:
    """Two waves of the same units in which nothing happens to those that are asked.

    `lose` takes the survey of the second wave, the scores of the first and a generator, and gives
    what is left of the second; a part of the units is judged so many points more strictly then.
    """

    first: Answering
    second: Answering
    lose: Callable = lambda survey, scores, rng: survey
    stricter: float = 0.0

    def survey(self, world, rng):
        """Ask in both waves."""
        states = world(FOLLOWED, rng)
        later, phases = states.copy(), states.columns.drop("profile")
        half = rng.random(len(states)) < 0.5
        later.loc[half, phases] -= self.stricter
        before, after = self.first(states, rng), self.second(later, rng)
        return before, self.lose(after, before.scores, rng)

    def means(self, rng, study):
        """Whether the mean change of any phase is told."""
        waves = self.survey(FOUR, rng)
        told = means(waves, [pd.Series("all", survey.answers.index) for survey in waves])
        return told["finding"] == "changed"

    def many_means(self, rng, study, n_waves=6):
        """Whether the mean of any phase is said to change between any two successive waves."""
        states = FOUR(FOLLOWED, rng)
        surveys = {wave: self.first(states, rng) for wave in range(n_waves)}
        persons = {wave: even_scores(one.answers, one.items) for wave, one in surveys.items()}
        units = {wave: one.units for wave, one in surveys.items()}
        roles = {wave: pd.Series("all", told.index) for wave, told in persons.items()}
        panel = partial(panel_scores, units, states.index)
        return changed_surely(change_both_ways(persons, units, roles, 0, panel, POPULATION)).any()

    def moves(self, rng, study):
        """Whether units are said to have moved between profiles."""
        return told_of(profiles(self.survey(FOUR, rng), FOUR, stay, study))

    def levels(self, rng, study):
        """Whether units are said to have moved between levels."""
        return told_of(levels(self.survey(Continuum(), rng), study, None))


def told_of(change):
    """Whether change is told; empty where no verdict is given."""
    return change["finding"] == "changed" if change["finding"] in VERDICTS else np.nan


def high_again(survey, scores, rng):
    """Units that scored high by the first wave answer again more often."""
    level = scores.mean(axis=1)
    chance = 1 / (1 + np.exp(-1.2 * (level - level.mean()) / level.std()))
    kept = survey.units.isin(level.index[rng.random(len(level)) < chance])
    return replace(survey, answers=survey.answers[kept], units=survey.units[kept])


def difficult_blank(survey, scores, rng):
    """Half of the answers to the two most difficult items of each phase are blank."""
    difficult = survey.answers.columns[survey.answers.columns.str[-1].isin(["4", "5"])]
    blank = rng.random((len(survey.answers), len(difficult))) < 0.5
    left = survey.answers[difficult].mask(blank)
    return replace(survey, answers=survey.answers.assign(**left))


def low_blank(survey, scores, rng):
    """Two in five of the lowest answers are left out."""
    left = (survey.answers == 0) & (rng.random(survey.answers.shape) < 0.4)
    return replace(survey, answers=survey.answers.mask(left))


APART = replace(ASKED, item_spread=30.0)
SCALED = replace(HALO, item_sd=35.0)
NOISY = replace(HALO, respondent_sd=28.0)
AGAIN = {
    "nothing else": Again(ONE_TO_SIX, ONE_TO_SIX),
    "response rises": Again(FEW, ASKED),
    "response rises, halo": Again(FEW_HALO, HALO),
    "difficult items left blank by half": Again(APART, APART, difficult_blank),
    "who scored high answers again": Again(ONE_TO_SIX, ONE_TO_SIX, high_again),
    "who scored high answers again, 1 or 2": Again(FEW_HALO, FEW_HALO, high_again),
    "low answers left blank": Again(ASKED, ASKED, low_blank),
    "half has stricter respondents": Again(ONE_TO_SIX, ONE_TO_SIX, stricter=6.0),
    "respondents differ by 28": Again(HALO, NOISY),
    "answers differ by 35": Again(HALO, SCALED),
    "15% straight-lining in wave two": Again(ONE_TO_SIX, replace(ONE_TO_SIX, straight=0.15)),
    "15% at random in wave two": Again(ONE_TO_SIX, replace(ONE_TO_SIX, careless=0.15)),
}
"""Nothing changed, but for who answers, what, and how strictly."""


@dataclass(frozen=True)
class Unlike(Answering):
    """Respondents of some units err much more than those of others, by lot."""

    spread: float = 1.0

    def see(self, true, rng, more=1.0):
        """See the unit with an error of its own size."""
        unit = np.unique(true, axis=0, return_inverse=True)[1].ravel()
        size = rng.standard_normal(len(true))[unit] * self.spread
        return super().see(true, rng, np.exp(size - self.spread**2)[:, None])


def single(rng, study, answering):
    """Whether any phase of any unit is said to have changed, where none has."""
    states = Continuum()(FOLLOWED, rng)
    surveys = [answering(states, rng) for _ in range(2)]
    waves, without = (
        [wave_scores(respondent_scores(s.answers, s.items), s.units) for s in told]
        for told in (surveys, map(attentive, surveys))
    )
    found = reliable_changes(*waves, besides=[without])
    return found["reliable"].any() if len(found) else np.nan


LITTLE = {"respondent_sd": 6.0, "item_sd": 8.0}
ONE_OR_TWO = {"respondents": (1, 1, 1, 2)}
SINGLE = {
    "1 to 3 respondents": Answering((1, 2, 3), 18.0),
    "tails": FarOff((1, 2, 3), 18.0, item_sd=8.0),
    "tails, mostly 1": FarOff((1, 1, 1, 2), 18.0, item_sd=8.0),
    "units agree unlike": Unlike((1, 2, 3), 18.0, item_sd=10.0),
    "10% at random": Answering((1, 2, 3), 8.0, item_sd=10.0, careless=0.1),
    "10% straight-lining": Answering((1, 2, 3), 8.0, item_sd=10.0, straight=0.1),
    "5% straight-lining, else alike, mostly 1": Answering(**ONE_OR_TWO, **LITTLE, straight=0.05),
}


def hangs_on_roles(rng, study, world, answering, shares=(0.7, 0.2, 0.1)):
    """Whether the division is said to hang on roles that see the same."""
    survey = answering(world(ASKED_OF, rng), rng)
    persons = respondent_scores(survey.answers, survey.items)
    roles = pd.Series(rng.choice(len(shares), len(persons), p=shares), persons.index)
    if not roles_differ(persons, survey.units, roles, seed=study):
        return False
    rules = ({}, {"how": role_adjusted_mean(roles)})
    scores = [unit_scores(persons, survey.units, **rule) for rule in rules]
    if isinstance(world, Continuum):
        found = [in_levels(each, 3) for each in scores]
    else:
        found = [latent_profiles(each, 4, n_starts=10, seed=study) for each in scores]
    return method_agreement(*found).moved_share > MOVED_WARNING


ROLES = {
    f"{name}, {asked}": partial(hangs_on_roles, world=world, answering=answering)
    for (name, world), (asked, answering) in product(
        {"3 apart": at_distance(FOUR, 3.0), "levels": Continuum()}.items(),
        {
            "3 respondents": Answering((3,), 20.0),
            "1 or 2": Answering((1, 2), 20.0),
            "mostly 1, halo": Answering((1, 1, 1, 1, 2), 20.0, halo=0.6),
        }.items(),
    )
}


def matters(rng, study, answering, n=ASKED_OF):
    """Whether a choice is said to matter most for the change, where all choices are by lot."""
    states = Continuum()(n, rng)
    waves = [replace(answering, blank=0.05)(states, rng) for _ in range(2)]
    lots = [rng.random((2, len(wave.answers))) for wave in waves]
    told = []
    for rule, least, kept in product(("mean", "echelon", "adjusted"), (0.5, 0.75), (True, False)):
        scores = []
        for wave, (role, flag) in zip(waves, lots, strict=True):
            of_person = even_scores(wave.answers[kept | (flag > 0.05)], wave.items, least)
            roles = pd.Series(role > 0.5, wave.answers.index)
            how = curve.aggregation_rules(roles)[rule]
            scores.append(unit_scores(of_person, wave.units.loc[of_person.index], how))
        change = (scores[1] - scores[0]).mean().mean()
        chosen = {"aggregation": rule, "min_answered": least, "careless": str(kept)}
        told.append(dict.fromkeys([*CROSSED, *ALONE], "own") | chosen | {"change": change})
    table = pd.DataFrame(told).assign(profiles=1, adjusted_rand=1.0)
    return curve.importance(table)["change"].drop("rest").max() >= curve.MATTERS


MATTERS = {
    "3 respondents": partial(matters, answering=Answering((3,), 18.0)),
    "1 or 2": partial(matters, answering=Answering((1, 2), 18.0)),
    "1 or 2, 40 units": partial(matters, answering=Answering((1, 2), 18.0), n=40),
}


def mix_has_a_part(rng, study, answering):
    """Whether another mix of roles that see the same is said to have a part in mean changes."""
    states = FOUR(ASKED_OF, rng)
    waves = {wave: answering(states, rng) for wave in "12"}
    shares = {"1": (0.7, 0.2, 0.1), "2": (0.2, 0.3, 0.5)}
    persons = {wave: even_scores(told.answers, told.items) for wave, told in waves.items()}
    units = {wave: told.units for wave, told in waves.items()}
    roles = {
        wave: pd.Series(rng.choice(3, len(told), p=shares[wave]), told.index)
        for wave, told in persons.items()
    }
    panel = partial(panel_scores, units, states.index)
    change = change_both_ways(persons, units, roles, "1", panel, POPULATION)
    off = (change["change"] - change["change_alike"]).abs()
    return ((off >= 1) & (change["p_mix"] <= 0.05)).any()


MIXES = {
    "1 respondent": replace(ASKED, respondents=(1,)),
    "1 or 2": FEW,
    "1 to 6": ONE_TO_SIX,
    "1 or 2, halo": FEW_HALO,
}


def merged_move(rng, study, world=FOUR, answering=ONE_TO_SIX, half=False):
    """Whether merged units are said to move unlike others, where the old ones all stay.

    With `half`, in half of them one of the two old units did not answer in the first wave.
    """
    states, others = world(FOLLOWED, rng), world(MERGED, rng)
    late = states.index[: MERGED // 2 if half else MERGED]
    waves = {}
    for wave in "12":
        own, more = answering(states, rng), answering(others.set_axis(states.index[:MERGED]), rng)
        kept = more.units.isin(late) | (wave == "2")
        answers = pd.concat([own.answers, more.answers[kept]], ignore_index=True)
        units = pd.concat([own.units, more.units[kept]], ignore_index=True)
        waves[wave] = wave_scores(even_scores(answers, own.items), units)
    same = waves["1"].scores.iloc[MERGED:]
    territory = np.where(np.arange(FOLLOWED) < MERGED, "changed", "same")
    groups = pd.DataFrame({"territory": territory}, states.index)
    reference = latent_profiles(same, 4, n_starts=10, seed=study)
    return compare_moves({}, waves, reference, groups, seed=study)["p_holm"].le(0.01).any()


@dataclass(frozen=True)
class AgreeMore(Answering):
    """Respondents of all units but the first err by a part of what those do."""

    first: int = FOLLOWED // 3

    def see(self, true, rng, more=1.0):
        """See the unit, surely or not."""
        return super().see(true, rng, np.where(place_of(true) < self.first, 1.0, 0.4)[:, None])


def place_of(true):
    """Number the units, in order, of respondents who see these."""
    return np.append(0, np.diff(true, axis=0).any(axis=1).cumsum())


def unsure_move(rng, study, world=NEAR, answering=AgreeMore(range(2, 7), 30.0, halo=0.4)):
    """Whether units of which respondents err much are said to move unlike others; all stay."""
    states = world(FOLLOWED, rng)
    surveys = {wave: answering(states, rng) for wave in "12"}
    waves = {w: wave_scores(even_scores(s.answers, s.items), s.units) for w, s in surveys.items()}
    size = np.where(np.arange(FOLLOWED) < answering.first, "large", "small")
    groups = pd.DataFrame({"size": size}, states.index)
    reference = latent_profiles(waves["1"].scores, 4, n_starts=10, seed=study)
    return compare_moves({}, waves, reference, groups, seed=study)["p_holm"].le(0.01).any()


@dataclass(frozen=True)
class Easier(Answering):
    """Items of the first phase are rated so many points higher."""

    points: float = 8.0
    of_items: int = 5

    def rate(self, seen, phase_of, rng):
        """Rate items, some of them higher."""
        rated = super().rate(seen, phase_of, rng)
        rated[:, : self.of_items] += self.points
        return rated


def other_shapes(rng, study, world=THREE, **easier):
    """Whether profiles are said to have other shapes, where items of one phase became easier."""
    states = world(FOLLOWED, rng)
    later = Easier(range(4, 7), 18.0, halo=0.6, **easier)
    surveys = [HALO(states, rng), later(states, rng)]
    waves = [wave_scores(even_scores(s.answers, s.items), s.units) for s in surveys]
    reference = latent_profiles(waves[0].scores, len(world.centroids), n_starts=10, seed=study)
    change = estimate_change(*waves, reference, n_draws=24, n_refits=2, seed=study)
    return not similarity_steps(change, seed=study)["holds"]["shapes"]


def by_region(regions, of, rng):
    """Draw one of so many kinds for each unit: by lot, but of most as in their region."""
    region, own = np.sort(rng.integers(0, regions, ASKED_OF)), rng.integers(0, of, ASKED_OF)
    return np.where(rng.random(ASKED_OF) < 0.3, own, rng.integers(0, of, regions)[region])


def goes_with(rng, study, copies=1, few=0, regions=0):
    """Whether profiles are said to go with a background that is by lot, or both by region."""
    states = (world := at_distance(FOUR, 3.0))(ASKED_OF, rng)
    if regions:
        member = by_region(regions, 4, rng)
        true = world.centroids.to_numpy()[member] + world.deviate(member, rng)
        states = states_of(true, member + 1)
    survey = Answering((1, 2, 3), 15.0, halo=0.6)(states, rng)
    persons = respondent_scores(survey.answers, survey.items)
    found = latent_profiles(survey.scores, 4, n_starts=10, seed=study)
    found = of_true_scores(found, measurement_error(persons, survey.units))
    lot = pd.Series(
        rng.permutation(np.arange(ASKED_OF) < few) if few else rng.integers(0, 3, ASKED_OF)
    )
    lot = pd.Series(by_region(regions, 3, rng)) if regions else lot
    table = {f"{i}": lot.astype(str).set_axis(found.labels.index) for i in range(copies)}
    return profile_background(found, pd.DataFrame(table), 199, study)["p_holm"].lt(0.05).any()


def crossing(rng, study, more=0):
    """Whether lines of three parallel profiles are said to cross, divided in three or more."""
    world = at_distance(in_profiles([[40] * 5, [50] * 5, [60] * 5]), 4.0)
    survey = Answering((6,), 10.0, item_sd=15.0)(world(200, rng), rng)
    persons = respondent_scores(survey.answers, survey.items)
    error = measurement_error(persons, survey.units)
    found = of_true_scores(latent_profiles(survey.scores, 3 + more, n_starts=10, seed=study), error)
    equal = pd.Series(1.0, found.labels.index)
    told = estimate(found, error, equal, POPULATION, n_refits=60, seed=study)
    return len(crossings(found, told.errors)) > 0


def blocks(at, p, *, first=2, along=0.0):
    """Lead through two blocks of falling phases, of which the second goes along so far."""
    second = along * at[:, :1] + np.sqrt(1 - along**2) * at[:, 1:2]
    return np.linspace(65, 35, p) + 14 * np.where(np.arange(p) < first, at[:, :1], second)


def ordered(rng, study, course, answering, false, dimensions=2, spread=8.0):
    """Whether phases that have no order are said to have one of those."""
    world = Continuum(course, spread=spread, dimensions=dimensions)
    survey = answering(world(ASKED_OF, rng), rng)
    persons = respondent_scores(survey.answers, survey.items)
    options = {"replicates": 200, "seed": study, "careless": careless(survey)}
    order = phase_order(persons, survey.units, **options)
    return order["reading"].iloc[0] in false


def unrelated(at, p):
    """Lead through falling phases that have nothing to do with one another."""
    return np.linspace(65, 35, p) + 14 * at


ASKED_THREE = Answering((3,), 15.0)
NO_ORDER = {
    "two unrelated blocks, halo": (blocks, replace(ASKED_THREE, halo=0.6), ("cumulative",)),
    "the last phase alone": (partial(blocks, first=4), ASKED_THREE, ("cumulative",)),
    "two blocks that trade off": (partial(blocks, along=-0.5), ASKED_THREE, ("window",)),
}
ANY_ORDER = {"false": ("cumulative", "partly", "window"), "dimensions": 5, "spread": 3.0}
UNRELATED = {
    "unrelated phases, halo": replace(ASKED_THREE, halo=0.6),
    "unrelated phases, 25% straight-lining": replace(ASKED_THREE, straight=0.25),
}
BY_SCORE = {world: again for world, again in AGAIN.items() if again.lose is high_again}
ATTACKS = {
    "a mean changed": {
        **{world: again.means for world, again in AGAIN.items()},
        "nothing else, six waves": AGAIN["nothing else"].many_means,
    },
    "units moved between profiles": {world: again.moves for world, again in BY_SCORE.items()},
    "units moved between levels": {world: again.levels for world, again in BY_SCORE.items()},
    "a single unit changed": {
        world: partial(single, answering=answering) for world, answering in SINGLE.items()
    },
    "the division hangs on roles": ROLES,
    "another mix of roles has a part": {
        world: partial(mix_has_a_part, answering=answering) for world, answering in MIXES.items()
    },
    "a choice matters most for change": MATTERS,
    "moves differ by territory": {
        "merged": merged_move,
        "merged, half came in later": partial(merged_move, half=True),
        "the same, profiles near each other, halo": partial(
            merged_move, world=NEAR, answering=replace(HALO, respondents=range(1, 7)), half=True
        ),
    },
    "moves differ by size": {"respondents of a third err much more": unsure_move},
    "profiles have other shapes": {
        "all items of a phase easier by 8": other_shapes,
        "one item easier by 20": partial(other_shapes, points=20.0, of_items=1),
    },
    "a background goes with profiles": {
        "three groups by lot": goes_with,
        "5 units against the rest": partial(goes_with, few=5),
        "two copies of one": partial(goes_with, copies=2),
        "neighbours alike in both, 12 regions": partial(goes_with, regions=12),
        "neighbours alike in both, 24 regions": partial(goes_with, regions=24),
    },
    "lines cross": {
        "three parallel profiles, in three": crossing,
        "the same, divided in four": partial(crossing, more=1),
    },
    "phases have this order": {
        **{
            world: partial(ordered, course=course, answering=answering, false=false)
            for world, (course, answering, false) in NO_ORDER.items()
        },
        **{
            world: partial(ordered, course=unrelated, answering=answering, **ANY_ORDER)
            for world, answering in UNRELATED.items()
        },
    },
}


BEFORE = {
    "a mean changed": {
        **{"difficult items left blank by half": 1.0, "who scored high answers again": 0.04},
        **{"who scored high answers again, 1 or 2": 0.23, "nothing else, six waves": 0.3},
        **{"15% straight-lining in wave two": 1.0, "15% at random in wave two": 0.7},
    },
    "moves differ by size": {"respondents of a third err much more": 0.62},
    "the division hangs on roles": {
        **{"3 apart, 3 respondents": 0.10, "3 apart, 1 or 2": 0.25},
        **{"3 apart, mostly 1, halo": 0.48, "levels, 3 respondents": 0, "levels, 1 or 2": 0},
        "levels, mostly 1, halo": 0.05,
    },
    "another mix of roles has a part": {
        **{"1 respondent": 0.95, "1 or 2": 0.93, "1 to 6": 0.72, "1 or 2, halo": 0.87},
    },
    "a choice matters most for change": dict.fromkeys(MATTERS, 1.0),
    "lines cross": {"three parallel profiles, in three": 0, "the same, divided in four": 0.67},
    "phases have this order": {
        **{"two unrelated blocks, halo": 0.24, "the last phase alone": 0.10},
        "unrelated phases, 25% straight-lining": 0.27,
    },
}
"""What was false before it was mended, in the same or in 16 to 100 other studies."""


def one_study(claim, world, study):
    rng = np.random.default_rng([2029, study, crc32(f"{claim}, {world}".encode())])
    false = ATTACKS[claim][world](rng, study)
    row = (claim, world, study, "" if pd.isna(false) else int(false))
    return dict(zip(FIELDS, row, strict=True))


def show():
    write_tables(tables())


def tables():
    """Give the table of README.md: shares of studies with a false statement, now and before."""
    table = pd.read_csv(RESULTS).drop_duplicates(FIELDS[:3])
    found = table.groupby(FIELDS[:2])["false"].agg(["mean", "count", "size"])
    asked = [(claim, world) for claim, worlds in ATTACKS.items() for world in worlds]
    share, n, drawn = (column for _, column in found.reindex(asked).items())
    told = {
        "before": [rate(BEFORE.get(claim, {}).get(world)) for claim, world in asked],
        "now": list(map(bold_above, share, n)),
        "studies with a verdict": n.map("{:.0f}".format) + " of " + drawn.map("{:.0f}".format),
    }
    return {"attacks": pd.DataFrame(told, share.index).rename_axis(["what is told", "world"])}


if __name__ == "__main__":
    if sys.argv[1] == "show":
        show()
    else:
        first, last = map(int, sys.argv[2].split("-"))
        words = sys.argv[3:]
        asked = [(claim, world) for claim in ATTACKS for world in ATTACKS[claim]]
        asked = [key for key in asked if not words or any(word in key[0] for word in words)]
        rows = (((*key, study), one_study) for study in range(first, last) for key in asked)
        append_missing(RESULTS, FIELDS, FIELDS[:3], rows)
