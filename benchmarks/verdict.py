"""Count verdicts that announce profiles which are not there, or miss those that are.

    python benchmarks/verdict.py run 0-200 100 150 200 350    # surveys of a cell, numbers of units
    python benchmarks/verdict.py show                         # table, verdict.png, and rates.csv
    python benchmarks/verdict.py scores 20 200 FOLDER         # the same surveys, for mclust.R

Appends one row per survey to verdict.csv, so it can be stopped and resumed. Cells are the truths of
surveys.py; the seeds are not those on which the rules were chosen. What cannot change a verdict any
more is not computed: with a single profile by BIC nothing is weighed, and `show` counts that as no
profiles.
"""

import sys
import time
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from studies import append_missing
from surveys import (
    AFTERWARDS,
    DIPS,
    DISTANCES,
    NOT_BEGUN,
    SURVEYS,
    TAILS,
    UNTUNED,
    WITH_GROUPS,
    WITHOUT_GROUPS,
    draw_scores,
)

from cycle_analysis.profiles.rates import rates_of
from cycle_analysis.profiles.selection import choose, compare, fit_models
from cycle_analysis.profiles.verdict import weigh

HERE = Path(__file__).parent
RESULTS = HERE / "verdict.csv"
RATES = HERE.parent / "src" / "cycle_analysis" / "profiles" / "rates.csv"
MAX_PROFILES = 6
ENOUGH = 30
"""Surveys of each cell from which rates of a number of units are shipped."""
FIELDS = [
    *("truth", "n", "survey", "verdict", "k", "k_apart", "p", "lead", "steps_lead"),
    *("lead_held_out", "form", "seconds"),
]


def main(argv):
    if argv[0] == "show":
        show()
        return
    if argv[0] == "scores":
        write_scores(int(argv[1]), int(argv[2]), Path(argv[3]))
        return
    first, last = map(int, argv[1].split("-"))
    keys = product(range(first, last), map(int, argv[2:]), SURVEYS)
    rows = (((truth, n, survey), one_survey) for survey, n, truth in keys)
    append_missing(RESULTS, FIELDS, ("truth", "n", "survey"), rows)


def write_scores(n_surveys, n, folder):
    """Write the scores of the first surveys of every truth, a file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for truth in SURVEYS:
        for survey in range(n_surveys):
            name = f"{truth.replace('/', '-')};{survey}.csv"
            scores_of(truth, n, survey).to_csv(folder / name, index=False)


def scores_of(truth, n, survey):
    seed = [2026, n, survey, list(SURVEYS).index(truth)]
    return draw_scores(truth, n, np.random.default_rng(seed)).dropna()


def one_survey(truth, n, survey):
    start = time.process_time()
    scores = scores_of(truth, n, survey)
    fits = fit_models(scores, MAX_PROFILES, n_starts=20, seed=survey)
    choice = choose(compare(scores, fits=fits))
    row = {"truth": truth, "n": n, "survey": survey, "verdict": "no_structure", "k": choice.k}
    if choice.k > 1:
        found = weigh(scores, MAX_PROFILES, fits=fits, choice=choice, seed=survey)
        row |= {
            **{"verdict": str(found.verdict), "k_apart": found.valleys.k_apart},
            **{"p": round(found.valleys.p, 4), "lead": round(found.lead, 2), "form": found.form},
            **{"steps_lead": round(found.steps_lead, 2)},
            "lead_held_out": round(found.lead_held_out, 2),
        }
    return row | {"seconds": round(time.process_time() - start, 2)}


def show():
    """Print the rates of every cell, draw them, and write those that notebook 04 looks up."""
    table = pd.read_csv(RESULTS).drop_duplicates(["truth", "n", "survey"])
    rates = pd.DataFrame(
        [
            {"truth": t, "n_units": n, **rates_of(rows)}
            for (t, n), rows in table.groupby(["truth", "n"])
        ]
    )
    for title, truths in (
        ("without groups", WITHOUT_GROUPS),
        ("without groups, not looked at before", UNTUNED),
        ("without groups, thought of afterwards", AFTERWARDS),
        ("without groups, other distributions", TAILS),
        ("without groups, but dips", DIPS),
        ("groups", WITH_GROUPS),
        ("groups of which some have not begun with some phases", NOT_BEGUN),
    ):
        print(f"\n{title}")
        own = rates[rates["truth"].isin(truths)].set_index(["truth", "n_units"])
        wide = (
            own[["found", "separate", "n_surveys"]].unstack().swaplevel(axis=1).sort_index(axis=1)
        )
        print(wide.reindex(list(truths)).round(3).to_string())
    groups = table[table["truth"].isin(WITH_GROUPS) & table["verdict"].eq("separate")]
    true_k = groups["truth"].map(lambda name: len(WITH_GROUPS[name][0].centroids))
    kinds = {"right": groups["k_apart"].eq(true_k), "too many": groups["k_apart"].gt(true_k)}
    print("\nk apart, of those that are separate")
    print(pd.DataFrame(kinds).groupby([groups["truth"], groups["n"]]).mean().round(2).to_string())
    told = rates[rates["truth"].isin(WITHOUT_GROUPS | UNTUNED | DISTANCES)]
    told = told.assign(distance=told["truth"].map(DISTANCES)).sort_values(["n_units", "truth"])
    told = told[told.groupby("n_units")["n_surveys"].transform("min") >= ENOUGH]
    columns = ["truth", "distance", "n_units", "n_surveys", "separate", "found"]
    told[columns].round(4).to_csv(RATES, index=False)
    draw(rates)


def draw(rates):
    figure, axes = plt.subplots(1, 2, figsize=(11, 10), width_ratios=[1, 1], layout="constrained")
    for ax, truths in zip(
        axes, (WITHOUT_GROUPS | UNTUNED | AFTERWARDS | TAILS | DIPS, WITH_GROUPS), strict=True
    ):
        for n, marker in zip(sorted(rates["n_units"].unique()), "os^D", strict=False):
            own = rates[rates["n_units"] == n].set_index("truth").reindex(list(truths))
            ax.plot(own["found"], list(truths), marker, color="0.4", fillstyle="none", label=n)
            ax.plot(own["separate"], list(truths), marker, color="C0", markersize=4)
        ax.invert_yaxis()
        ax.grid(alpha=0.3)
    axes[0].axvline(0.05, color="C3", linewidth=1)
    axes[0].set(xlim=(-0.01, 0.5), xlabel="profiles announced (open), separate (filled); no groups")
    axes[1].set(xlim=(-0.02, 1.02), xlabel="the same, groups")
    axes[1].legend(title="units", loc="lower left")
    figure.savefig(HERE / "verdict.png", dpi=110)


if __name__ == "__main__":
    main(sys.argv[1:])
