"""Count verdicts that announce profiles which are not there, or miss those that are.

    python benchmarks/verdict.py run 0-200 100 150 200 350    # surveys of a cell, numbers of units
    python benchmarks/verdict.py show                  # README.md, verdict.png, and rates.csv
    python benchmarks/verdict.py scores 20 200 FOLDER         # the same surveys, for mclust.R

Appends one row per survey to verdict.csv, so it can be stopped and resumed. Cells are the truths of
surveys.py; the seeds are not those on which the rules were chosen. The order of the phases is read,
as in a study, by the units' scores. What cannot change a verdict any more is not computed: with a
single profile by BIC nothing is weighed, and `show` counts that as no profiles.
"""

import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import beta
from studies import append_missing, rate, write_tables
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

from cycle_analysis.profiles.rates import rates_of, reads_as_window
from cycle_analysis.profiles.selection import choose, compare, fit_models
from cycle_analysis.profiles.verdict import Verdict, weigh

HERE = Path(__file__).parent
RESULTS = HERE / "verdict.csv"
RATES = HERE.parent / "src" / "cycle_analysis" / "profiles" / "rates.csv"
MAX_PROFILES = 6
ENOUGH = 30
"""Surveys of each cell from which rates of a number of units are shipped."""
RIGHT = "k right, of the separate, 200 / 350"
FIELDS = [
    *("truth", "n", "survey", "verdict", "k", "k_apart", "p", "lead", "steps_lead"),
    *("lead_held_out", "form", "seconds", "held_out_error", "window"),
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
        window = reads_as_window(scores)
        told = {"fits": fits, "choice": choice, "window": window}
        found = weigh(scores, MAX_PROFILES, **told, seed=survey)
        row |= {
            **{"verdict": str(found.verdict), "k_apart": found.valleys.k_apart},
            **{"p": round(found.valleys.p, 4), "lead": round(found.lead, 2), "form": found.form},
            **{"steps_lead": round(found.steps_lead, 2)},
            "lead_held_out": round(found.lead_held_out, 2),
            "held_out_error": found.rivals["held_out_error"].iloc[0],
            "window": window,
        }
    return row | {"seconds": round(time.process_time() - start, 2)}


def show():
    """Tell and draw the rates of every cell, and write those that notebook 04 looks up."""
    write_tables(tables())
    told_rates().to_csv(RATES, index=False, lineterminator="\n")
    draw(all_rates(read()))


def told_rates():
    """Give the rates that notebook 04 looks up."""
    rates = all_rates(read())
    told = rates[rates["truth"].isin(WITHOUT_GROUPS | UNTUNED | DISTANCES)]
    told = told.assign(distance=told["truth"].map(DISTANCES)).sort_values(["n_units", "truth"])
    told = told[told.groupby("n_units")["n_surveys"].transform("min") >= ENOUGH]
    columns = ["truth", "distance", "n_units", "n_surveys", "separate", "found"]
    return told[columns].round(4)


def read():
    """Give one row per survey."""
    return pd.read_csv(RESULTS).drop_duplicates(["truth", "n", "survey"])


def all_rates(surveys):
    """Give one row per truth and number of units."""
    cells = surveys.groupby(["truth", "n"])
    return pd.DataFrame([{"truth": t, "n_units": n, **rates_of(own)} for (t, n), own in cells])


def tables():
    """Give the tables of README.md."""
    surveys = read()
    rates = all_rates(surveys).set_index(["truth", "n_units"])
    found, separate = (rates[name].map(rate).unstack() for name in ("found", "separate"))
    mclust = pd.read_csv(HERE / "mclust.csv").set_index("truth")["k"].gt(1)
    told = found.assign(**{"mclust, 200": mclust.groupby("truth").mean().map(rate)})
    number = rates["found"] * rates["n_surveys"]
    counted = (number.map("{:.0f}".format) + " of " + rates["n_surveys"].map(str)).unstack()
    groups = (found + " / " + separate).assign(**{RIGHT: right_number(surveys)})
    named = {
        "no groups": (told, WITHOUT_GROUPS),
        "no groups, not looked at before": (told, UNTUNED),
        "no groups, but a density that dips": (told, DIPS),
        "no groups, thought of afterwards": (counted[[200, 350]], AFTERWARDS),
        "no groups, distributions of their own": (counted[[100, 150, 200]], TAILS),
        "groups": (groups, WITH_GROUPS),
        "groups, not begun with some phases": (counted[[200]], NOT_BEGUN),
    }
    return {"surveys drawn": drawn(surveys)} | {
        name: own.reindex(list(truths)).fillna("").rename_axis(index=name)
        for name, (own, truths) in named.items()
    }


def drawn(surveys):
    """Count surveys without groups and dips, and those announced, by number of units."""
    own = surveys[surveys["truth"].isin(WITHOUT_GROUPS | UNTUNED)]
    announced = own["verdict"].map(Verdict).map(lambda one: one.found)
    counted = announced.groupby(own["n"]).agg(["size", "sum"]).rename_axis("units")
    counted.loc["all"] = counted.sum()
    size, number = counted["size"], counted["sum"]
    cells = own.groupby(["truth", "n"]).size().groupby("n").min()
    return pd.DataFrame(
        {
            "surveys a cell, at least": [*cells, ""],
            "surveys": size,
            "announced": number,
            "rate": (number / size).map(partial(rate, digits=4)),
            "at most (95 %)": [rate(top, 4) for top in beta.ppf(0.975, number + 1, size - number)],
        }
    )


def right_number(surveys):
    """Of surveys with separate profiles of 200 and of 350 units, tell how many get their number."""
    own = with_groups(surveys).query("verdict == 'separate'")
    right = own.groupby(["truth", "n"])["right"].mean().map(rate).unstack()
    return right[200] + " / " + right[350]


def with_groups(surveys):
    """Give those with groups: how many there `are`, and whether as many are told apart, `right`."""
    own = surveys[surveys["truth"].isin(WITH_GROUPS)]
    own = own.assign(are=own["truth"].map(lambda name: len(WITH_GROUPS[name][0].centroids)))
    return own.assign(right=own["verdict"].eq("separate") & own["k_apart"].eq(own["are"]))


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
