"""Count verdicts that announce profiles which are not there, or miss those that are.

    python benchmarks/verdict.py run 200 100 200 350     # surveys per cell, numbers of units
    python benchmarks/verdict.py show                    # table, and verdict.png
    python benchmarks/verdict.py steep 40 100 350        # on cumulative dimensions, by steepness
    python benchmarks/verdict.py answers 60 100          # surveys without groups drawn as answers

Appends one row per survey to verdict.csv, so it can be stopped and resumed. To save time BIC is
computed for the first `FULL` surveys of a cell, and after them only where separation is near
rejection: elsewhere the verdict cannot be *profiles* whatever BIC says. For the same reason a
survey whose p exceeds .3 after 39 replicates gets no more of them.
"""

import csv
import sys
import time
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from surveys import SURVEYS

from cycle_analysis.profiles import separation
from cycle_analysis.profiles.null_surveys import fit_answers, one_dimension
from cycle_analysis.profiles.null_test import null_silhouettes, null_test, one_mode_p
from cycle_analysis.profiles.partitions import ward_kmeans
from cycle_analysis.profiles.selection import choose, compare
from cycle_analysis.profiles.separation import fit_copula, fit_one_factor
from cycle_analysis.profiles.typology import crossings

HERE = Path(__file__).parent
RESULTS = HERE / "verdict.csv"
FULL = 40
MAX_PROFILES = 6
N_REPLICATES = 99
NO_GROUPS = [
    "skewed_continuum", "normal_continuum", "pure_continuum", "independent", "two_dimensions",
]  # fmt: skip
GROUPS = ["clear_profiles", "weak_profiles"]
FIELDS = [
    "truth", "n", "survey", "p_copula", "p_one_factor", "k", "model", "ladder", "verdict", "ari",
    "s",
]  # fmt: skip


def main(argv):
    if argv[0] == "show":
        show()
        return
    n_surveys, *sizes = map(int, argv[1:])
    if argv[0] != "run":
        {"steep": steep, "answers": answers}[argv[0]](n_surveys, sizes)
        return
    done = set()
    if RESULTS.exists():
        table = pd.read_csv(RESULTS)
        done = set(zip(table["truth"], table["n"], table["survey"], strict=True))
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if not done:
            writer.writeheader()
        for first in range(0, n_surveys, 20):
            for n in sizes:
                for truth in NO_GROUPS + GROUPS:
                    for survey in range(first, min(first + 20, n_surveys)):
                        if (truth, n, survey) not in done:
                            writer.writerow(one_survey(truth, n, survey))
                    file.flush()


def one_survey(truth, n, survey):
    start = time.process_time()
    seed = [n, survey, (NO_GROUPS + GROUPS).index(truth)]
    scores = SURVEYS[truth].scores(n, np.random.default_rng(seed))
    row = {"truth": truth, "n": n, "survey": survey}
    if survey < FULL or truth in GROUPS:
        table = compare(scores, MAX_PROFILES, n_starts=20, n_references=2, seed=survey)
        test = null_test(scores, MAX_PROFILES, table=table, n_replicates=N_REPLICATES, seed=survey)
        row |= {f"p_{name}": p for name, p in test.p_values.items()}
        row |= {"k": test.choice.k, "model": test.choice.method, "verdict": test.verdict}
        row["ladder"] = test.ladder
    else:
        row |= p_values(scores, nulls_of(scores), survey)
        if max(row["p_copula"], row["p_one_factor"]) <= 0.1:
            choice = choose(compare(scores, MAX_PROFILES, n_starts=20, n_references=2, seed=survey))
            row |= {"k": choice.k, "model": choice.method, "ladder": ladder(scores, choice.k)}
    if truth in GROUPS:
        labels = ward_kmeans(scores, 4).labels
        row["ari"] = round(adjusted_rand_score(labels, np.arange(n) % 4), 4)
    return row | {"s": round(time.process_time() - start, 2)}


def nulls_of(scores):
    return {"copula": fit_copula(scores), "one_factor": fit_one_factor(scores)}


def p_values(scores, nulls, survey):
    ks = range(2, MAX_PROFILES + 1)
    observed = pd.Series(separation.silhouettes(scores.to_numpy(), ks), index=ks)
    for n_replicates in (39, N_REPLICATES):
        p = {
            f"p_{name}": separation.separation_p(
                observed, null_silhouettes(null, ks, n_replicates, survey)
            )
            for name, null in nulls.items()
        }
        if max(p.values()) > 0.3:
            break
    return p


def ladder(scores, k):
    """Whether groups may be steps of one series: no lines cross, and their level has no gaps."""
    crossed = not crossings(ward_kmeans(scores, max(k, 2))).empty
    return not crossed and one_mode_p(scores.mean(axis=1).to_numpy()) > 0.05


def steep(n_surveys, sizes):
    """Print how often each null, both, and both without a ladder are rejected on one dimension."""
    for truth in ("cumulative_continuum", "steep_continuum"):
        for n in sizes:
            survey = SURVEYS[truth]
            drawn = [survey.scores(n, np.random.default_rng([n, i])) for i in range(n_surveys)]
            p = pd.DataFrame(
                [p_values(scores, nulls_of(scores), i) for i, scores in enumerate(drawn)]
            )
            both = p.max(axis=1) <= 0.05
            told = [
                rejected and not ladder(scores, MAX_PROFILES)
                for scores, rejected in zip(drawn, both, strict=True)
            ]
            rejected = (p <= 0.05).mean().round(3).to_dict()
            print(truth, n, rejected, f"both {both.mean():.3f}, told {np.mean(told):.3f}")


def answers(n_surveys, sizes):
    """Print how often separation is announced with surveys drawn as scores, and as answers."""
    truths = ["skewed_continuum", "two_dimensions", "clear_profiles"]
    for truth, n, n_respondents in product(truths, sizes, (1, 2, 4)):
        found = []
        for i in range(n_surveys):
            asked = SURVEYS[truth].survey(n, n_respondents, np.random.default_rng([n, i]))
            null = fit_answers(asked.answers, asked.units, asked.score)
            single = one_dimension(null, asked.items["phase"].tolist())
            found.append(
                [
                    max(p_values(asked.scores, nulls, i).values()) <= 0.05
                    for nulls in (
                        nulls_of(asked.scores),
                        {"copula": null, "one_factor": single},
                    )
                ]
            )
        rates = dict(zip(("scores", "answers"), np.mean(found, axis=0).round(3), strict=True))
        print(truth, n, f"{n_respondents} respondents", rates, flush=True)


def rates(table, alpha=0.05):
    """Share of verdicts *profiles*, and of them with four, per truth and number of units."""
    separated = table[["p_copula", "p_one_factor"]].max(axis=1) <= alpha
    announced = separated & (table["k"] > 1) & ~table["ladder"].eq(True)
    table = table.assign(profiles=announced, four=announced & (table["k"] == 4))
    cells = table.groupby(["truth", "n"], sort=False)
    result = cells.agg(
        surveys=("profiles", "size"),
        profiles=("profiles", "mean"),
        four=("four", "mean"),
        ari=("ari", "mean"),
        seconds=("s", "mean"),
    )
    return result


def show():
    table = pd.read_csv(RESULTS)
    for alpha in (0.05, 0.02):
        print(f"level {alpha}\n{rates(table, alpha).round(3)}\n")
    whole = table.dropna(subset=["verdict"])
    print(pd.crosstab([whole["truth"], whole["n"]], whole["verdict"], normalize="index").round(3))
    shares = rates(table).reset_index().pivot_table("profiles", "truth", "n", sort=False)
    draw(shares).savefig(HERE / "verdict.png", dpi=120)


def draw(shares):
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for marker, n in zip("os^", shares, strict=False):
        axes.plot(shares[n] * 100, shares.index.str.replace("_", " "), marker, label=f"n = {n}")
    axes.axvline(5, color="0.6", linewidth=1)
    axes.axvline(90, color="0.6", linewidth=1)
    axes.set_xlabel("surveys in which profiles are announced, %  (lines: 5 % and 90 %)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


if __name__ == "__main__":
    main(sys.argv[1:])
