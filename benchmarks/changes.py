"""Count changes between waves that are announced but did not happen, and measure those that did.

    python benchmarks/changes.py run 0-200 150        # studies of a cell, numbers of units
    python benchmarks/changes.py show                 # README.md, changes.png

Appends one row per study to changes.csv, so it can be stopped and resumed. A study is two waves of
the same units, each asked with respondents of its own. `unchanged` cells keep every unit in its
profile; in some, units drift within it. In `changed` cells a known share of units moves.
"""

import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from studies import rate, run_or_show, write_tables
from surveys import at_distance, heavy_tailed, skewed

from cycle_analysis.measurement import unit_scores
from cycle_analysis.measurement.missing import even_scores
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.responses.coded import erratic
from cycle_analysis.simulate import FOUR, Answering, Continuum, Profiles, steps
from cycle_analysis.simulate.worlds import states_of, straight
from cycle_analysis.waves import ALIKE, change_both_ways, changed_surely, without_role_mix
from cycle_analysis.waves.transitions import estimate_change, estimate_level_change
from cycle_analysis.waves.two_waves import wave_scores

HERE = Path(__file__).parent
RESULTS = HERE / "changes.csv"
N_DRAWS, N_REFITS, FEW_REFITS = 99, 100, 24
"""Surveys without change; samples for intervals that are checked, and for those that are not."""
FIELDS = [
    *("truth", "n", "study", "finding", "p", "true", "moved", "low", "high", "up", "down"),
    *("tau_held", "tau_bias", "shares_held", "seconds"),
]

HEADS = {
    **{"at_01": "p ≤ .01", "at_05": "p ≤ .05", "changed": "told", "true": "moved: true"},
    **{"moved": "moved, estimated", "held": "interval holds it"},
    **{"tau_held": "chances held", "shares_held": "shares held"},
}
MOVED = [
    *("moved: true", "moved, estimated", "interval holds it", "up", "down"),
    *("chances held", "shares held"),
]
ASKED = Answering(range(4, 7), 18.0)
"""Four to six respondents, who err independently in each phase."""
FEW, ONE_TO_SIX = replace(ASKED, respondents=(1, 2)), replace(ASKED, respondents=range(1, 7))
HALO = replace(ASKED, halo=0.6)
FEW_HALO = replace(HALO, respondents=(1, 2))
THREE = Profiles(
    pd.DataFrame(
        [[30.0] * 5, [50.0, 60.0, 45.0, 55.0, 40.0], [70.0] * 5], columns=FOUR.centroids.columns
    ),
    spread=8.0,
    shares=[5, 3, 2],
)
"""Three profiles on a bent line, unequal, away from the ends of the scale."""


def stay(states, rng):
    """Nothing happens."""
    return states


def drift(states, rng, part=0.5, world=FOUR):
    """Every unit keeps its profile; a part of its own deviation is drawn anew."""
    member = states["profile"].to_numpy() - 1
    middle = world.centroids.to_numpy()[member]
    own = states.drop(columns="profile").to_numpy() - middle
    anew = world.deviate(member, rng)
    both = np.sqrt(1 - part) * own + np.sqrt(part) * anew
    return states_of(middle + both, member + 1, world.centroids.columns)


def rise(states, rng, points=6.0):
    """All units rise alike."""
    return states.assign(**states.drop(columns="profile").add(points).to_dict("series"))


def move(states, rng, chances, world=FOUR):
    """Units go from profile to profile by these chances, k × k, and keep their own deviation."""
    before = states["profile"].to_numpy() - 1
    after = (np.cumsum(chances, axis=1)[before] < rng.random((len(before), 1))).sum(axis=1)
    after = after.clip(max=len(chances) - 1)
    centroids = world.centroids.to_numpy()
    true = states.drop(columns="profile").to_numpy() + centroids[after] - centroids[before]
    return states_of(true, after + 1, world.centroids.columns)


def upward(share, k=4):
    """Chances by which that share of all units goes one profile up, of equal profiles."""
    chances = np.eye(k) * (1 - share * k / (k - 1))
    chances[-1, -1] = 1.0
    return chances + np.eye(k, k=1) * share * k / (k - 1)


def both_ways(share, k=4):
    """Chances by which that share of all units goes to any other profile, of equal profiles."""
    return np.full((k, k), share / (k - 1)) + np.eye(k) * (1 - share - share / (k - 1))


NEAR = at_distance(FOUR, 2.5)
BY_LOT = replace(FOUR, shares=(1, 1, 1, 1))
"""As often each, but which profile a unit has is by lot: shares of a sample then vary, as the
intervals for them say. In turn, they would hold the truth too often."""
PROFILES = {
    "independent errors": (FOUR, stay, ASKED, ASKED),
    "halo": (FOUR, stay, HALO, HALO),
    "falling response": (FOUR, stay, ASKED, FEW),
    "halo, falling response": (FOUR, stay, HALO, FEW_HALO),
    "profiles near each other": (NEAR, stay, HALO, FEW_HALO),
    "three profiles, unequal": (THREE, stay, HALO, FEW_HALO),
    "drift within profiles": (FOUR, drift, HALO, HALO),
    "drift, falling response": (FOUR, drift, HALO, FEW_HALO),
    "15% careless in wave two": (FOUR, stay, HALO, replace(ONE_TO_SIX, careless=0.15)),
    "three answers": (FOUR, stay, HALO, replace(FEW_HALO, cuts=steps(3))),
    "all rise by 6 points": (FOUR, rise, HALO, ONE_TO_SIX),
}
"""Nothing changes: no unit leaves its profile."""
LEVELS = {
    "level, independent errors": (Continuum(), stay, ASKED, ASKED),
    "level, halo": (Continuum(), stay, HALO, HALO),
    "level, falling response": (Continuum(), stay, ASKED, FEW),
    "level, halo, falling response": (Continuum(), stay, HALO, FEW_HALO),
    "level, heavy tails": (Continuum(position=heavy_tailed), stay, HALO, FEW_HALO),
    "level, skewed": (Continuum(position=skewed), stay, HALO, FEW_HALO),
    "level, at the ceiling": (Continuum(partial(straight, means=75.0)), stay, HALO, FEW_HALO),
}
"""Nothing changes on a continuum."""
CHANGED = {
    "20% up": (BY_LOT, partial(move, chances=upward(0.2)), ONE_TO_SIX, ONE_TO_SIX),
    "20% up, halo, falling response": (BY_LOT, partial(move, chances=upward(0.2)), HALO, FEW_HALO),
    "5% up": (BY_LOT, partial(move, chances=upward(0.05)), ONE_TO_SIX, ONE_TO_SIX),
    "5% up, halo, falling response": (BY_LOT, partial(move, chances=upward(0.05)), HALO, FEW_HALO),
    "15% any way": (BY_LOT, partial(move, chances=both_ways(0.15)), HALO, ONE_TO_SIX),
}
CARELESS = {
    "level, 10% careless": (
        Continuum(),
        stay,
        replace(HALO, careless=0.05, straight=0.05),
        replace(FEW_HALO, careless=0.05, straight=0.05),
    ),
}
"""As `LEVELS`."""


@dataclass(frozen=True)
class InRoles:
    """Answers of respondents in three roles, which see each phase so many points higher."""

    answering: Answering
    mix: tuple[float, ...]
    by_unit: float = 0.0
    anew: float = 0.0
    lot: int = 0

    def __call__(self, states, rng):
        """The survey, and the role of each respondent; what roles differ is by lot."""
        phases, seed = states.columns.drop("profile"), int(rng.integers(2**32))
        lot = np.random.default_rng([2027, self.lot])
        effects = lot.normal(0, 8, (3, 1, len(phases)))
        effects = effects + rng.normal(0, self.anew, effects.shape)
        effects = effects + lot.normal(0, self.by_unit, (3, len(states), len(phases)))
        surveys = [
            self.answering(states.assign(**(states[phases] + more)), np.random.default_rng(seed))
            for more in effects
        ]
        answers, survey = np.stack([each.answers for each in surveys]), surveys[0]
        role = rng.choice(3, len(survey.answers), p=self.mix)
        chosen = answers[role, np.arange(len(role))]
        told = pd.DataFrame(chosen, survey.answers.index, survey.answers.columns)
        return replace(survey, answers=told), pd.Series(list("xyz"))[role].set_axis(told.index)


def other_roles(answering, turned=(0.2, 0.3, 0.5), by_unit=0.0, anew=0.0):
    """Two waves that the first role answered mostly, and then the last."""
    first = InRoles(answering, (0.7, 0.2, 0.1), by_unit)
    return first, replace(first, mix=turned, anew=anew)


ONE = replace(ASKED, respondents=(1,))
TURNED = (0.05, 0.05, 0.9)
ROLES = {
    "profiles, other roles": (FOUR, stay, *other_roles(ONE_TO_SIX)),
    "level, other roles": (Continuum(), stay, *other_roles(ONE_TO_SIX)),
    "level, other roles, halo": (Continuum(), stay, *other_roles(HALO)),
    "means, 1 to 6": (FOUR, stay, *other_roles(ONE_TO_SIX)),
    "means, 1": (FOUR, stay, *other_roles(ONE)),
    "means, 1, nearly all others": (FOUR, stay, *other_roles(ONE, TURNED)),
    "means, 1, roles differ by unit": (FOUR, stay, *other_roles(ONE, by_unit=8.0)),
    "means, 1 to 6, roles judge anew": (FOUR, stay, *other_roles(ONE_TO_SIX, anew=4.0)),
    "means, 1 to 6, rise by 6 points": (FOUR, rise, *other_roles(ONE_TO_SIX)),
    "means, 1, rise by 6 points": (FOUR, rise, *other_roles(ONE)),
}
"""Other roles answer in the second wave: moves, or (`means`) the mean change of any phase."""
STRAIGHT, KEPT, LEFT_OUT = replace(ONE_TO_SIX, straight=0.1), "kept: ", "left out: "
ALIKE_TO_ALL = {
    f"{who}{name}": (BY_LOT, partial(move, chances=upward(share)), STRAIGHT, STRAIGHT)
    for name, share in (("nobody moves", 0.0), ("5% up", 0.05), ("20% up", 0.2))
    for who in (KEPT, LEFT_OUT)
}
"""One respondent in ten answers the same to everything, in both waves."""
CELLS = PROFILES | LEVELS | CHANGED | CARELESS | ROLES | ALIKE_TO_ALL


def one_study(truth, n, study):
    start = time.process_time()
    world, change, *answerings = CELLS[truth]
    if truth in ROLES:
        answerings = [replace(each, lot=study) for each in answerings]
    rng = np.random.default_rng([2026, n, study, list(CELLS).index(truth)])
    states = world(n, rng)
    later = change(states, rng)
    waves = [answering(s, rng) for answering, s in zip(answerings, (states, later), strict=True)]
    row = {"truth": truth, "n": n, "study": study}
    if truth in ROLES:
        waves, roles = zip(*waves, strict=True)
    if truth.startswith(LEFT_OUT):
        waves = [attentive(survey) for survey in waves]
    if truth.startswith("means"):
        row |= means(waves, roles)
    elif truth.startswith("level"):
        row |= levels(waves, study, roles if truth in ROLES else None)
    else:
        row |= profiles(waves, world, change, study)
    return row | {"seconds": round(time.process_time() - start, 2)}


def careless(survey):
    """Who is flagged: for the same answer to everything, or for answers as if by lot."""
    alike = survey.answers.eq(survey.answers.iloc[:, 0], axis=0).all(axis=1)
    return alike | erratic(survey.answers, survey.items)


def attentive(survey):
    """Leave out who is flagged."""
    kept = ~careless(survey)
    return replace(survey, answers=survey.answers[kept], units=survey.units[kept])


def profiles(waves, world, change, study):
    told = [
        wave_scores(even_scores(survey.answers, survey.items), survey.units) for survey in waves
    ]
    k = len(world.centroids)
    reference = latent_profiles(told[0].scores, k, n_starts=20, seed=study)
    moving = isinstance(change, partial)
    options = {"n_draws": N_DRAWS, "n_refits": N_REFITS if moving else FEW_REFITS, "seed": study}
    found = estimate_change(*told, reference, **options)
    if not moving:
        return told_of(found, 0.0)
    chances = change.keywords["chances"]
    true = world.chances @ (1 - np.diag(chances))
    return told_of(found, true) | held_by(found.moves, world.chances, chances)


def held_by(moves, before, chances):
    """Shares of the intervals that hold the truth: of chances that are not 0 or 1, and of shares.

    An interval of a chance that is 0 begins at 0, and so holds it whatever it is worth.
    """
    tau = chances.ravel()
    told = moves.loc[1:].drop(0, level="profile_to")
    held = (told["probability_low"] <= tau) & (told["probability_high"] >= tau)
    shares = pd.concat([moves.loc[1:].xs(0, level="profile_to"), moves.loc[0].loc[1:]])
    margins = np.concatenate([before, before @ chances])
    kept = (shares["low"] <= margins) & (shares["high"] >= margins)
    staying = told["probability"].to_numpy().reshape(chances.shape).diagonal()
    return {
        "tau_held": round(held[(tau > 0) & (tau < 1)].mean(), 4),
        "tau_bias": round((staying - chances.diagonal()).mean(), 4),
        "shares_held": round(kept.mean(), 4),
    }


def in_waves(waves, roles):
    """Scores, units and roles of respondents, each by wave."""
    scores = [even_scores(survey.answers, survey.items) for survey in waves]
    parts = (scores, [survey.units for survey in waves], roles)
    return (dict(zip("12", part, strict=True)) for part in parts)


def means(waves, roles):
    persons, units, roles = in_waves(waves, roles)

    def panel(told):
        return {wave: unit_scores(told[wave], units[wave]) for wave in told}

    flags = {wave: careless(survey) for wave, survey in zip("12", waves, strict=True)}
    change = change_both_ways(persons, units, roles, "1", panel, 342, flags)
    p = change[["p_holm", f"p_holm{ALIKE}"]].max(axis=1).min()
    sure = changed_surely(change).any()
    return {"finding": "changed" if sure else "unchanged", "p": round(p, 4)}


def levels(waves, study, roles):
    persons = [even_scores(survey.answers, survey.items) for survey in waves]
    if roles:
        persons = without_role_mix(*in_waves(waves, roles), "1").values()
    told = [
        wave_scores(scores.mean(axis=1).to_frame("mean"), survey.units)
        for scores, survey in zip(persons, waves, strict=True)
    ]
    cuts = told[0].scores["mean"].quantile([1 / 3, 2 / 3]).tolist()
    options = {"n_draws": N_DRAWS, "n_refits": FEW_REFITS, "seed": study}
    return told_of(estimate_level_change(*told, cuts, **options), 0.0)


def told_of(found, true):
    any_way = found.moved.loc["any"]
    return {
        "finding": str(found.finding),
        **{"p": round(found.p, 4), "true": round(float(true), 4)},
        **{"moved": any_way["share"].round(4), "low": any_way["low"].round(4)},
        "high": any_way["high"].round(4),
        **{way: found.moved.loc[way, "share"].round(4) for way in ("up", "down")},
    }


def summary():
    """One row per truth and number of units."""
    table = pd.read_csv(RESULTS).drop_duplicates(["truth", "n", "study"])
    table["changed"] = table["finding"].eq("changed")
    table["at_01"], table["at_05"] = table["p"] <= 0.01, table["p"] <= 0.05
    table["held"] = (table["low"] <= table["true"]) & (table["high"] >= table["true"])
    kept = ["changed", "at_01", "at_05", "true", "moved", "up", "down", "held", "tau_held"]
    grouped = table.groupby(["truth", "n"], sort=False)
    result = grouped[[*kept, "shares_held", "seconds"]].mean()
    result.insert(0, "studies", grouped.size())
    return result


def tables():
    """Give the tables of README.md, of 150 units."""
    found = summary().xs(150, level="n")
    thousandths = found[["moved", "up", "down"]].map(partial(rate, digits=3))
    told = found.map(rate).assign(**thousandths, studies=found["studies"]).rename(columns=HEADS)
    named = {
        "nothing changed": (
            PROFILES | LEVELS | CARELESS,
            ["p ≤ .01", "p ≤ .05", "moved, estimated"],
        ),
        "changed": (CHANGED, ["p ≤ .01", *MOVED]),
        "another mix of roles": (ROLES, ["told"]),
        "the same to everything": (ALIKE_TO_ALL, ["p ≤ .01", *MOVED]),
    }
    return {
        name: told.loc[list(truths), ["studies", *columns]].rename_axis(name)
        for name, (truths, columns) in named.items()
    }


def show():
    write_tables(tables())
    table = summary()
    figure, axes = plt.subplots(1, 2, figsize=(11, 6), layout="constrained")
    for ax, truths, column in (
        (axes[0], PROFILES | LEVELS | CARELESS, "changed"),
        (axes[1], CHANGED, "held"),
    ):
        for n, marker in zip(sorted(table.index.unique("n")), "os^", strict=False):
            own = table.xs(n, level="n").reindex(list(truths))
            ax.plot(own[column], list(truths), marker, label=n, color="C0")
        ax.invert_yaxis()
        ax.grid(alpha=0.3)
    axes[0].axvline(0.05, color="C3", linewidth=1)
    axes[0].set(xlim=(-0.005, 0.2), xlabel="announced as changed; nothing changed")
    axes[1].set(xlim=(0, 1.02), xlabel="intervals that hold the share that moved")
    axes[1].legend(title="units")
    figure.savefig(HERE / "changes.png", dpi=110)


if __name__ == "__main__":
    run_or_show(sys.argv[1:], RESULTS, FIELDS, CELLS, one_study, show)
