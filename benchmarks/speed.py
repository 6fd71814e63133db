"""Time the engine against StepMix and R, with equal starts and equal best likelihood.

    pip install stepmix
    OMP_NUM_THREADS=1 python benchmarks/speed.py [classes missing profiles ratio rows in_r ...]

CPU seconds. Both carry all starts to convergence; StepMix with its tolerances set to 1e-10 on the
log-likelihood per unit, as ours is 1e-9 per cycle of three steps. Data: 350 units, 30 five-point
items in five phases on one level (no classes), as answers to a questionnaire are; five phase
scores of four profiles.
"""

import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from surveys import draw_scores

from cycle_analysis.mixtures import VVI, VVV, Search, fit_classes, fit_mixture
from cycle_analysis.mixtures.measured import Noise
from cycle_analysis.profiles.selection import bootstrap_likelihood_ratio
from cycle_analysis.profiles.stability import jaccard_by_k
from cycle_analysis.simulate import Answering, Continuum
from cycle_analysis.simulate.worlds import states_of, straight

KS = range(2, 7)
STARTS = 20


def answers(n, missing=0.0, seed=1):
    """Draw answers to 30 five-point items, six per phase: one level, five phases, noise."""
    rng = np.random.default_rng(seed)
    phases = Continuum(partial(straight, points=20.0), spread=15.0)(n, rng).drop(columns="profile")
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


def their(table, k, measurement, n_starts=STARTS):
    from stepmix.stepmix import StepMix

    model = StepMix(
        n_components=k, measurement=measurement, n_init=n_starts, random_state=1, max_iter=10_000,
        abs_tol=1e-10, rel_tol=0.0, progress_bar=0, verbose=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(table)
    return model.score(table) * len(table)


def race(name, table, ours, measurement):
    total = np.zeros(2)
    for k in KS:
        mine, mixture = timed(ours, table, k)
        theirs, likelihood = timed(their, table, k, measurement)
        total += mine, theirs
        print(
            f"{name} k={k}: {mine:.3f} s, {mixture.log_likelihood:.4f}; "
            f"StepMix {theirs:.1f} s, {likelihood:.4f}",
            flush=True,
        )
    print(f"{name} sum: {total[0]:.3f} s, StepMix {total[1]:.1f} s, {total[1] / total[0]:.0f} x")


def classes():
    race("classes", answers(350), fit_our_classes, "categorical")


def missing():
    race("missing", answers(350, 0.1), fit_our_classes, "categorical_nan")


def profiles():
    scores = draw_scores("four clear", 350, np.random.default_rng(1))
    race("profiles", scores, fit_our_profiles, "gaussian_diag")


def fit_our_classes(table, k):
    return fit_classes(table, k, search=Search(STARTS, STARTS))


def fit_our_profiles(table, k):
    return fit_mixture(table, k, VVI, search=Search(STARTS, STARTS))


def ratio(n_theirs=3):
    """Bootstrap 3 against 4 classes; StepMix is timed on a few samples and multiplied."""
    table = answers(350)
    mine, test = timed(
        lambda: bootstrap_likelihood_ratio(fit_classes, table, 4, n_replicates=100, n_starts=10)
    )
    theirs = sum(
        timed(their, answers(350, seed=seed), k, "categorical", 10)[0]
        for seed in range(2, 2 + n_theirs)
        for k in (3, 4)
    )
    theirs *= 100 / n_theirs
    print(f"ratio: {mine:.1f} s ({test}); StepMix {theirs:.0f} s, {theirs / mine:.0f} x")


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
        "clusterboot k = 2..8": lambda: jaccard_by_k(scores, range(2, 9)),
        "Mclust VVI k = 2..6": lambda: [fit_our_profiles(scores, k) for k in KS],
    }
    for (name, ran), theirs in zip(ours.items(), map(float, seconds.split()), strict=True):
        mine, result = timed(ran)
        print(f"{name}: {mine:.2f} s; R {theirs:.2f} s, {theirs / mine:.1f} x")
    print([round(mixture.log_likelihood, 3) for mixture in result], "mclust", likelihoods)


ALL = ["classes", "missing", "profiles", "ratio", "rows", "in_r", "deconvolution"]

if __name__ == "__main__":
    for name in sys.argv[1:] or ALL:
        globals()[name]()
