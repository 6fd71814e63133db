"""Time to the best log-likelihood that anyone finds, beside StepMix; and beside R and astroML.

    pip install stepmix
    OMP_NUM_THREADS=1 python benchmarks/speed.py [race ratio table rows in_r deconvolution ...]

`race` notes CPU seconds of one thread until a program first reaches the best log-likelihood less
`NEAR`, in `speed.csv`; `table` reads it. The goal is set by a long search of ours beforehand and
raised when a turn of anyone ends higher. `table` also times ours to the best that StepMix found.
Both go on from seed to seed: StepMix by 5 starts, ours by 20, of which five go on to the end, and
rounds that divide two classes of the best anew. By turns, five times; who has not come there after
`PATIENCE` seconds is noted with these. Data: 350 units, 30 five-point items in five phases on one
level (no classes), as answers to a questionnaire are, or four clear classes; five phase scores of
four profiles.
"""

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from surveys import draw_scores

from cycle_analysis.mixtures import VVI, VVV, Search, fit_classes, fit_mixture
from cycle_analysis.mixtures.measured import Noise
from cycle_analysis.profiles import ward_kmeans
from cycle_analysis.profiles.division import bootstrap_jaccard
from cycle_analysis.profiles.selection import TOLERANCE
from cycle_analysis.simulate import Answering, Continuum
from cycle_analysis.simulate.worlds import states_of, straight

KS = range(2, 7)
STARTS, FINISHED, THEIR_STARTS = 20, 5, 5
LAST = 1e-9
"""Tolerance of the best run; of all others `selection.TOLERANCE`."""
NEAR = 0.01
PATIENCE = 10.0
TURNS = 5
FLOOR = 0.001
"""Of the variances of profiles: nearer to none, which StepMix has, than ours is by itself."""
RESULTS = Path(__file__).with_suffix(".csv")


def answers(n, missing=0.0, seed=1, clear=False):
    """Draw answers to 30 five-point items, six per phase: one level or four classes, and noise."""
    rng = np.random.default_rng(seed)
    world = Continuum(partial(straight, points=20.0), spread=15.0)
    phases = draw_scores("four clear", n, rng) if clear else world(n, rng).drop(columns="profile")
    hard = 25 * rng.normal(0, 0.5, 30)  # each item by its own, as if it were a phase
    units = states_of(
        phases.to_numpy().repeat(6, axis=1) + hard, phases=[f"I{i}" for i in range(30)]
    )
    answering = Answering((1,), respondent_sd=0, items=1, item_sd=25, blank=missing)
    return answering(units, rng).answers.set_axis(range(30), axis=1).reset_index(drop=True)


def timed(function, *arguments):
    start = time.process_time()
    result = function(*arguments)
    return time.process_time() - start, result


def their(table, k, measurement, seed=1, n_starts=THEIR_STARTS):
    from stepmix.stepmix import StepMix

    model = StepMix(
        n_components=k, measurement=measurement, n_init=n_starts, random_state=seed,
        max_iter=10_000, abs_tol=1e-10, rel_tol=0.0, progress_bar=0, verbose=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(table)
    return model.score(table) * len(table)


def our_search(seed, n_vain):
    limits = {"tolerance": TOLERANCE, "last_tolerance": LAST}
    return Search(STARTS, FINISHED, seed=seed, n_vain=n_vain, **limits)


def our_classes(table, k, seed=1, n_vain=4):
    return fit_classes(table, k, search=our_search(seed, n_vain)).log_likelihood


def our_profiles(table, k, seed=1, n_vain=4):
    search = our_search(seed, n_vain)
    return fit_mixture(table, k, VVI, search=search, variance_floor=FLOOR).log_likelihood


def until(goal, find, seed):
    """Seconds until a program comes near the goal, and how high it came."""
    start, best = time.process_time(), -np.inf
    while best < goal - NEAR and time.process_time() - start < PATIENCE:
        best = max(best, find(seed=seed))
        seed += 1
    return time.process_time() - start, best


def races():
    """Name each task with its data, our search and StepMix's model."""
    scores = draw_scores("four clear", 350, np.random.default_rng(1))
    return {
        "classes": (answers(350), our_classes, "categorical"),
        "classes, 10 % missing": (answers(350, 0.1), our_classes, "categorical_nan"),
        "four clear classes": (answers(350, clear=True), our_classes, "categorical"),
        "profiles VVI": (scores, our_profiles, "gaussian_diag"),
    }


def race():
    rows = []
    for name, (data, ours, measurement) in races().items():
        for k in KS:
            goal = max(ours(data, k, seed, n_vain=10) for seed in range(1000, 1010))
            runs = {
                "ours": partial(ours, data, k),
                "StepMix": partial(their, data, k, measurement),
            }
            for turn in range(TURNS):
                for who, find in runs.items():
                    seconds, best = until(goal, find, 1 + 100 * turn)
                    told = {"task": name, "k": k, "goal": goal, "turn": turn, "who": who}
                    rows.append(
                        told | {"seconds": seconds, "best": best, "load": os.getloadavg()[0]}
                    )
                    goal = max(goal, best)
            pd.DataFrame(rows).round(4).to_csv(RESULTS, index=False, lineterminator="\n")
    table()


def table():
    """Expected seconds to the best of all, and of ours to the best that StepMix found at all.

    That of turns some of which do not arrive is all their time by the number that do (ERT: Hansen
    et al. 2021, Optimization Methods and Software 36(1), 114-144).
    """
    rows, data, told = pd.read_csv(RESULTS), races(), []
    for (name, k), turns in rows.groupby(["task", "k"], sort=False):
        (table, ours, _), best = data[name], turns.groupby("who")["best"].max()
        row = {"task": name, "k": k, "ours_best": best["ours"], "StepMix_best": best["StepMix"]}
        for who, own in turns.groupby("who"):
            n = (own["best"] >= best.max() - NEAR).sum()
            row |= {f"{who}_s": own["seconds"].sum() / n if n else np.inf, f"{who}_n": n}
        seeds = range(1, 1 + 100 * TURNS, 100)
        again = [until(best["StepMix"], partial(ours, table, k), seed) for seed in seeds]
        theirs = turns[turns["who"] == "StepMix"]
        theirs = theirs["seconds"].sum() / (theirs["best"] >= best["StepMix"] - NEAR).sum()
        mine = sum(seconds for seconds, _ in again) / sum(
            found >= best["StepMix"] - NEAR for _, found in again
        )
        told.append(row | {"ours_to_theirs": mine, "theirs": theirs, "times": theirs / mine})
    told = pd.DataFrame(told)
    sums = told.groupby("task", sort=False)[["ours_to_theirs", "theirs"]].sum()
    print(told.round(3).to_string(index=False), sums.assign(
        times=sums["theirs"] / sums["ours_to_theirs"]).round(2), sep="\n")  # fmt: skip


def ratio(n_samples=15):
    """Bootstrap 3 against 4 classes: a sample by turns, and who ends higher.

    StepMix from ten starts, ours from twenty of which three go on: it ends as high.
    """
    times, higher = [], []
    for seed in range(2, 2 + n_samples):
        table = answers(350, seed=seed)
        search = Search(STARTS, 3, tolerance=TOLERANCE, seed=seed)
        for k in (3, 4):
            mine, mixture = timed(lambda t=table, k=k, s=search: fit_classes(t, k, search=s))
            theirs, likelihood = timed(their, table, k, "categorical", seed, 10)
            times.append((mine, theirs))
            higher.append(mixture.log_likelihood - likelihood)
    mine, theirs = np.median(np.array(times).reshape(n_samples, 2, 2).sum(axis=1), axis=0)
    print(f"ratio, a sample: {mine:.3f} s, StepMix {theirs:.2f} s, {theirs / mine:.0f} x; "
          f"ours higher by {np.round(higher, 2)}")  # fmt: skip


def rows():
    """Time per row, and memory, at 10,000 and 100,000 rows."""
    per_row = {}
    for n in (10_000, 100_000):
        table = answers(n).astype(int)
        tolerance = Search(2, 2, max_steps=60, tolerance=0.0)
        seconds, mixture = timed(lambda t=table, s=tolerance: fit_classes(t, 4, search=s))
        per_row[n] = seconds / n / mixture.outcome.n_steps
        tracemalloc.start()
        fit_classes(table, 4, search=Search(2, 2, max_steps=6))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        one_hot = n * 150 * 8
        print(f"rows {n}: {seconds:.2f} s, {mixture.outcome.n_steps} steps, "
              f"memory {peak / one_hot:.1f} x the one-hot data")  # fmt: skip
    print(f"time per row and step: {per_row[100_000] / per_row[10_000]:.2f} x")


def deconvolution():
    """Profiles of true scores beside astroML's extreme deconvolution (pip install astroML)."""
    from astroML.density_estimation import XDGMM

    rng = np.random.default_rng(1)
    within, n = 150.0 * (np.eye(5) + 1), rng.integers(1, 7, 350)
    error = Noise(within[None], np.broadcast_to((1 / n)[:, None, None], (350, 5, 5)))
    scores = draw_scores("four clear", 350, rng)
    seen = scores + rng.multivariate_normal(np.zeros(5), within, 350) / np.sqrt(n)[:, None]
    search = Search(1, 1, 4000, 1e-9)
    mine, mixture = timed(lambda: fit_mixture(seen, 4, VVV, error=error, search=search))
    errors = within / n[:, None, None]
    model = XDGMM(4, max_iter=4000, tol=1e-7, random_state=1)
    theirs, _ = timed(model.fit, seen.to_numpy(), errors)
    print(
        f"deconvolution: {mine:.2f} s, {mixture.log_likelihood:.3f}; astroML {theirs:.2f} s, "
        f"{model.logL(seen.to_numpy(), errors):.3f}, {theirs / mine:.0f} x"
    )


def in_r():
    """Bootstrap Jaccard and latent profiles beside R's fpc and mclust (peers.R)."""
    scores = draw_scores("four clear", 350, np.random.default_rng(1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        scores.to_csv(path)
        script = Path(__file__).with_name("peers.R")
        printed = subprocess.run(["Rscript", script, path], capture_output=True, text=True)
    seconds, likelihoods = printed.stdout.splitlines()
    ours = {
        "clusterboot k = 2..8": lambda: [
            bootstrap_jaccard(ward_kmeans(scores, k), ward_kmeans) for k in range(2, 9)
        ],
        "Mclust VVI k = 2..6": lambda: [our_profiles(scores, k, n_vain=0) for k in KS],
    }
    for (name, ran), theirs in zip(ours.items(), map(float, seconds.split()), strict=True):
        mine, result = timed(ran)
        print(f"{name}: {mine:.2f} s; R {theirs:.2f} s, {theirs / mine:.1f} x")
    print(np.round(result, 3), "mclust", likelihoods)


ALL = ["race", "ratio", "rows", "in_r", "deconvolution"]

if __name__ == "__main__":
    for name in sys.argv[1:] or ALL:
        globals()[name]()
