"""Count profiles, periods and groups that are said to differ and do not, and find those that do.

    python benchmarks/similarity.py run 0-200 150     # studies of a cell, numbers of units
    python benchmarks/similarity.py show              # table for README.md

Appends one row per study to similarity.csv, so it can be stopped and resumed. Worlds are those of
`changes.py`, with a third wave in which again the same happens, or nothing; and worlds in which the
profiles themselves differ between the waves.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from changes import CHANGED, FOUR, HALO, PROFILES, move, upward
from studies import rate, run_or_show, write_tables

from cycle_analysis.measurement import respondent_scores
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.simulate.worlds import states_of
from cycle_analysis.waves.similarity import Step, compare_moves, similarity_steps
from cycle_analysis.waves.transitions import estimate_change
from cycle_analysis.waves.two_waves import wave_scores

RESULTS = Path(__file__).parent / "similarity.csv"
STEPS = [str(step) for step in Step]
FIELDS = ["truth", "n", "study", *STEPS, "bic_shapes", "periods", "lot", "halves"]


def elsewhere(states, rng, points=15.0):
    """The third profile lies so many points higher on the second phase."""
    true = states.drop(columns="profile").to_numpy().copy()
    true[(states["profile"] == 3).to_numpy(), 1] += points
    return states_of(true, states["profile"].to_numpy(), FOUR.centroids.columns)


def wider(states, rng, points=8.0):
    """All units differ more from their profile."""
    true = states.drop(columns="profile").to_numpy()
    true = true + rng.normal(0, points, true.shape)
    return states_of(true, states["profile"].to_numpy(), FOUR.centroids.columns)


def half_moves(states, rng):
    """Of the first half of the units three in ten go up, of the others nobody."""
    later = move(states, rng, upward(0.3))
    half = len(states) // 2
    return pd.concat([later.iloc[:half], states.iloc[half:]])


ALIKE = PROFILES | CHANGED
DIFFERENT = {
    "one profile elsewhere": (FOUR, elsewhere, HALO, HALO),
    "wider": (FOUR, wider, HALO, HALO),
    "half of the units move": (FOUR, half_moves, HALO, HALO),
}
CELLS = ALIKE | DIFFERENT


def one_study(truth, n, study):
    world, change, first, later = CELLS[truth]
    rng = np.random.default_rng([2027, n, study, list(CELLS).index(truth)])
    states = [world(n, rng)]
    states.append(change(states[0], rng))
    again = change if isinstance(change, partial) else lambda same, rng: same
    states.append(again(states[1], rng))
    waves = {}
    for name, answering, true in zip("abc", (first, later, later), states, strict=True):
        survey = answering(true, rng)
        waves[name] = wave_scores(respondent_scores(survey.answers, survey.items), survey.units)
    reference = latent_profiles(waves["a"].scores, len(world.centroids), n_starts=20, seed=study)
    changes = {
        pair: estimate_change(waves[pair[0]], waves[pair[1]], reference, n_draws=24, n_refits=12)
        for pair in (("a", "b"), ("b", "c"))
    }
    steps = similarity_steps(changes["a", "b"])
    halves = np.where(np.arange(n) < n // 2, "first", "second")
    groups = pd.DataFrame({"lot": rng.choice(["x", "y"], n), "halves": halves}, states[0].index)
    groups.index = waves["a"].scores.index
    moved = (
        compare_moves(changes, waves, reference, groups, seed=study)["p"]
        .reset_index("between")
        .set_index("between", append=True)["p"]
    )
    periods = moved.get(("a", "c", "waves"), np.nan)
    return {"truth": truth, "n": n, "study": study} | {
        **{step: round(steps.loc[step, "p"], 4) for step in STEPS},
        **{"periods": round(periods, 4), "bic_shapes": round(steps.loc["shapes", "bic"], 1)},
        **{name: round(moved.get(("a", "b", name), np.nan), 4) for name in ("lot", "halves")},
    }


def tables():
    """Give the table of README.md: how often p is .01 or less, of 150 units."""
    table = pd.read_csv(RESULTS).drop_duplicates(["truth", "n", "study"]).query("n == 150")
    tests = [*STEPS, "periods", "lot", "halves"]
    rates = (table[tests] <= 0.01).where(table[tests].notna()).astype(float)
    told = rates.groupby(table["truth"]).mean().map(rate)
    told.insert(0, "studies", table.groupby("truth").size())
    named = told.reindex(list(CELLS)).rename_axis("p ≤ .01")
    return {"steps, periods and groups": named.rename(columns={"lot": "a group by lot"})}


def show():
    write_tables(tables())


if __name__ == "__main__":
    run_or_show(sys.argv[1:], RESULTS, FIELDS, CELLS, one_study, show)
