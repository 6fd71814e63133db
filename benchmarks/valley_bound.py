"""How often can any test find a valley? As often as the most powerful one, which knows all else.

    python benchmarks/valley_bound.py run             # a minute or two
    python benchmarks/valley_bound.py show            # table for README.md

Scores of two neighbouring profiles are taken as normal along their discriminant. The nearest
density without a valley has one mode and the smallest Kullback-Leibler divergence: isotonic up to
a mode and down from it, for every mode. The likelihood ratio of the two densities is the most
powerful test of one against the other (Neyman & Pearson 1933). So no test that announces a valley
in at most 10 % of surveys without one, the widest level of the verdict, finds it more often; one
that must find the discriminant too does so less often.

Writes valley_bound.csv, for pairs of profiles less than 5 spreads apart of the worlds in
surveys.py: units of each, their distance d, and the share of surveys in which the valley is found.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression
from scipy.stats import norm
from studies import rate, write_tables
from surveys import WITH_GROUPS
from verdict import read, with_groups

from cycle_analysis.profiles.verdict import EASED

RESULTS = Path(__file__).parent / "valley_bound.csv"
PLACES = np.linspace(-7, 13, 2001)
"""In spreads from the middle of the first profile."""
N_SURVEYS, N_LARGE = 5_000, 40_000
"""Surveys of each kind; units of which distances are measured."""
TWO = "two normals"


def without_valley(f):
    """Give the nearest masses with one mode."""
    slope = np.diff(f)
    peaks = np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)) + 1
    found = []
    for mode in range(peaks[0], peaks[-1] + 1):
        up = isotonic_regression(f[: mode + 1]).x
        down = isotonic_regression(f[mode + 1 :], increasing=False).x
        g = np.concatenate([up, down])
        found.append(((f * np.log(f / g)).sum(), mode, g))
    return min(found)[2]


def bound(sizes, d, rng, spreads=(1.0, 1.0)):
    """Give the power of the most powerful test of the valley between two normals."""
    shares = np.array(sizes) / sum(sizes)
    middles = np.array([0.0, d])
    f = shares @ norm.pdf(PLACES, middles[:, None], np.array(spreads)[:, None])
    f /= f.sum()
    g = without_valley(f)
    ratio = np.log(f / g)
    n = round(sum(sizes))
    with_it, without = (
        np.array([rng.choice(ratio, n, p=masses).sum() for _ in range(N_SURVEYS)])
        for masses in (f, g / g.sum())
    )
    return (with_it > np.quantile(without, 1 - EASED)).mean()


def pairs_of(truth, rng):
    """Give sizes (of 1), distance and spreads of every pair of profiles, of their scores."""
    world, answering = WITH_GROUPS[truth]
    survey = answering(world(N_LARGE, rng), rng)
    scores = survey.scores.to_numpy()
    member = survey.states["profile"].loc[survey.scores.index].to_numpy()
    groups = [scores[member == number] for number in np.unique(member)]
    for i, first in enumerate(groups):
        for j, second in enumerate(groups[i + 1 :], i + 1):
            within = np.cov(first.T) * len(first) + np.cov(second.T) * len(second)
            gap = second.mean(axis=0) - first.mean(axis=0)
            along = np.linalg.solve(within, gap)
            spreads = np.array([(group @ along).std() for group in (first, second)])
            unit = np.sqrt(len(first) * spreads[0] ** 2 + len(second) * spreads[1] ** 2)
            unit /= np.sqrt(len(first) + len(second))
            sizes = np.array([len(first), len(second)]) / N_LARGE
            yield f"{i + 1} and {j + 1}", sizes, gap @ along / unit, spreads / unit


def run():
    """Find the power for all pairs, and for two equal profiles."""
    rng = np.random.default_rng(1)
    rows = [(TWO, "1 and 2", 200, 100, 100, d, bound((100, 100), d, rng)) for d in (2.5, 3, 4)]
    for truth in WITH_GROUPS:
        for pair, sizes, d, spreads in pairs_of(truth, rng):
            for n in (100, 200, 350) if d < 5 else ():
                own = np.round(sizes * n).astype(int)
                rows.append((truth, pair, n, *own, d, bound(own, d, rng, spreads)))
    columns = ["truth", "pair", "n", "units", "and", "d", "found"]
    pd.DataFrame(rows, columns=columns).round(4).to_csv(RESULTS, index=False)


def tables():
    """Give the tables of README.md: what could be found of pairs, and is of all profiles."""
    pairs = pd.read_csv(RESULTS)
    two = pairs[pairs["truth"] == TWO].set_index("d")["found"].map(rate)
    cells = pairs[pairs["truth"] != TWO].groupby(["truth", "n"], sort=False)["found"]
    easiest, hardest = cells.max(), cells.min()
    told = {
        "the easiest pair": easiest,
        "the hardest pair": hardest,
        "all apart, found": with_groups(read()).groupby(["truth", "n"])["right"].mean(),
    }
    told = pd.DataFrame(told).loc[easiest.index].map(rate)
    return {
        "a valley between two, 200 units": two.to_frame("found at most"),
        "valleys, 100 / 200 / 350 units": told.groupby("truth", sort=False).agg(" / ".join),
    }


if __name__ == "__main__":
    run() if sys.argv[1] == "run" else write_tables(tables())
