"""Measure how often intervals of profile shares, and of true means, hold those of a population.

    python benchmarks/profile_shares.py run 0-200     # studies of a cell
    python benchmarks/profile_shares.py show          # table for README.md

Appends one row per study to profile_shares.csv. A population of 342 units falls into three or four
profiles, the nearest two so many spreads apart (of true scores); 150 or 300 of them answer, each
with some respondents whose errors are partly shared over phases. The number of profiles is given.
"""

import sys
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from studies import append_missing, rate, write_tables
from surveys import at_distance

from cycle_analysis.measurement import respondent_scores, unit_scores
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.profiles.true_scores import estimate, of_true_scores
from cycle_analysis.representation import shares
from cycle_analysis.simulate import FOUR, Answering, Profiles

RESULTS = Path(__file__).parent / "profile_shares.csv"
POPULATION, N_REFITS, MANY = 342, 100, 20_000
WORLDS = {
    "four": FOUR,
    "three, 50/30/20": Profiles(FOUR.centroids.iloc[[0, 2, 3]], spread=10.0, shares=[5, 3, 2]),
}
ASKED = {"1 to 6": range(1, 7), "3": (3,), "1, of two in five 2": (1, 1, 1, 2, 2)}
CELLS = [*product(WORLDS, (2.0, 2.5, 3.0, 4.0), ASKED, (150, 300))]
FIELDS = [
    *("truth", "distance", "respondents", "n", "study", "held", "counted", "bias", "width"),
    "means_held",
]


def main(argv):
    if argv[0] == "show":
        show()
        return
    first, last = map(int, argv[1].split("-"))
    rows = (((*cell, study), one) for study, cell in product(range(first, last), CELLS))
    append_missing(RESULTS, FIELDS, FIELDS[:5], rows)


def one(truth, distance, asked, n, study):
    rng = np.random.default_rng([2026, study, CELLS.index((truth, distance, asked, n))])
    world = at_distance(WORLDS[truth], distance)
    everyone = world(POPULATION, rng)
    true = everyone["profile"].value_counts(normalize=True).sort_index().to_numpy()
    answered = everyone.loc[rng.choice(everyone.index, n, replace=False)]
    survey = Answering(ASKED[asked], 18.0, halo=0.5)(answered, rng)
    persons = respondent_scores(survey.answers, survey.items)
    scores, error = unit_scores(persons, survey.units), measurement_error(persons, survey.units)
    found = latent_profiles(scores, len(true), n_starts=20, seed=study)
    equal = pd.Series(1.0, scores.index)
    options = {"n_refits": N_REFITS, "seed": study}
    estimates = estimate(of_true_scores(found, error), error, equal, POPULATION, **options)
    told, means = estimates.shares, estimates.errors
    seen = true_means(truth, distance, asked)
    placed = shares(found.labels, POPULATION)
    return {
        **dict(zip(FIELDS, (truth, distance, asked, n, study), strict=False)),
        "held": ((told["low"] <= true) & (told["high"] >= true)).mean().round(3),
        "counted": ((placed["low"] <= true) & (placed["high"] >= true)).mean().round(3),
        "bias": (told["share"] - true).abs().mean().round(4),
        "width": (told["high"] - told["low"]).mean().round(4),
        "means_held": ((means["true_low"] <= seen) & (means["true_high"] >= seen)).mean().round(3),
    }


@cache
def true_means(truth, distance, asked):
    """Give the mean score of each profile on each phase if very many units were asked.

    Not where units stand: answers are cut off at the ends of the scale, by up to 8 points here.
    """
    rng = np.random.default_rng([2026, *map(ord, asked)])
    everyone = at_distance(WORLDS[truth], distance)(MANY, rng)
    survey = Answering(ASKED[asked], 18.0, halo=0.5)(everyone, rng)
    scores = unit_scores(respondent_scores(survey.answers, survey.items), survey.units)
    return scores.groupby(everyone["profile"].loc[scores.index]).mean().to_numpy().ravel()


def show():
    write_tables(tables())


def tables():
    """Give the tables of README.md: what intervals hold, and the worst cells."""
    table = pd.read_csv(RESULTS).drop_duplicates(FIELDS[:5])
    told = ["held", "width", "counted", "means_held"]
    by_distance = table.groupby(["truth", "distance"])
    mean = by_distance[told].mean().map(rate)
    least = table.groupby(FIELDS[:4])[["held", "means_held"]].mean().groupby(["truth", "distance"])
    worst = least.min().map(rate)
    columns = {
        **{"studies": by_distance.size().map(str), "shares held": mean["held"]},
        **{"the worst cell": worst["held"], "width": mean["width"]},
        **{"counting who is placed": mean["counted"], "means held": mean["means_held"]},
        "the worst": worst["means_held"],
    }
    found = pd.DataFrame(columns).rename_axis(["profiles", "spreads apart"])
    return {"intervals of profiles": found}


if __name__ == "__main__":
    main(sys.argv[1:])
