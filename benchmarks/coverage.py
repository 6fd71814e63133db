"""Simulate how often the 95% intervals of the measures hold the truth.

That of means of phases, and of their changes, is the true value of a finite population: the mean of
what its units would score if everybody in them were asked, on the answer scale.

    python benchmarks/coverage.py run 2000 500     # samples for measures, studies for means
    python benchmarks/coverage.py show             # README.md, coverage.png

Writes coverage.csv anew.
"""

import sys
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import ndtr
from studies import rate, write_tables
from surveys import cumulative, skewed

from cycle_analysis import figures
from cycle_analysis.cycle import phase_curve, rank_correlations
from cycle_analysis.cycle.order import phase_differences
from cycle_analysis.cycle.placements import kappa
from cycle_analysis.cycle.scalability import ALL, BETWEEN, scalability, two_level_scalability
from cycle_analysis.measurement import respondent_scores, unit_scores
from cycle_analysis.measurement.agreement import intraclass, spread_by_level
from cycle_analysis.measurement.error import standard_errors
from cycle_analysis.measurement.reliability import alpha, alpha_interval
from cycle_analysis.simulate import Answering, Continuum
from cycle_analysis.simulate.worlds import straight
from cycle_analysis.waves import mean_change

RESULTS = Path(__file__).parent / "coverage.csv"
PHASES = ["AG", "EX", "VB"]
PAIR = ("AG", "EX")
SIZES = (100, 340)
"""Units of a survey."""
REPLICATES = 500
"""Bootstrap samples of each interval, half of the default."""
POPULATION = 342
ANSWERED = (150, 200, 300)
"""Units of a finite population, and those of it that answer."""
LOW = partial(straight, means=25.0)
WORLDS = {
    "errors apart": (Continuum(phases=PHASES), Answering(respondent_sd=20.0)),
    "halo": (Continuum(phases=PHASES), Answering(respondent_sd=20.0, halo=0.6)),
    "skewed": (Continuum(LOW, skewed, own=skewed, phases=PHASES), Answering(respondent_sd=20.0)),
}
"""Skewed: most units are low on the scale, where respondents cannot differ much."""
ASKED = {
    "3 respondents": (3,),
    "1 to 6 respondents": range(1, 7),
    "1, of one in five 2": (1, 1, 1, 1, 2),
    "1 respondent": (1,),
}


def answers_of_one_phase(n: int, draw: np.random.Generator) -> tuple[pd.DataFrame, pd.Series]:
    """Five-step answers to five items; one to six respondents in a unit who resemble each other."""
    sizes = draw.integers(1, 7, n)
    units = Continuum(partial(straight, points=25.0), spread=0.0, phases=("AG",))(n, draw)
    answering = Answering((1,), respondent_sd=25.0, item_sd=31.25)
    asked = answering(units.loc[units.index.repeat(sizes)], draw)
    return asked.answers, asked.units


def scores_of_units(n: int, draw: np.random.Generator) -> pd.DataFrame:
    """Scores on three related phases of falling level, each of five five-step items."""
    course = partial(cumulative, points=31.25, apart=50.0)
    units = Continuum(course, spread=21.875, phases=PHASES)(n, draw)
    return Answering((1,), respondent_sd=0, item_sd=25)(units, draw).scores


def scores_of_respondents(
    n: int, draw: np.random.Generator, most: int = 7
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Scores of two respondents or more in a unit, with a style of their own; the truth."""
    course = partial(cumulative, points=15.0, apart=24.0)
    true = Continuum(course, spread=7.5, phases=PHASES)(n, draw).drop(columns="profile")
    told = true.loc[true.index.repeat(draw.integers(2, most, n))]
    answering = Answering(respondent_sd=15 * 0.74**0.5, halo=0.25 / 0.74)
    seen = answering.see(told.to_numpy(), draw)
    table = pd.DataFrame(5 * (seen / 5).round(), columns=PHASES)
    return table, told.index.to_series().reset_index(drop=True), true


def categories(table: pd.DataFrame) -> np.ndarray:
    """Count pairs of four ordered categories of two phases."""
    placed = np.digitize(table[list(PAIR)], [30, 50, 70])
    counts = np.zeros((4, 4))
    np.add.at(counts, tuple(placed.T), 1)
    return counts


QUADRATIC = 1 - (np.subtract.outer(range(4), range(4)) / 3) ** 2


def truths() -> dict[str, float]:
    draw = np.random.default_rng(1)
    answers, _ = answers_of_one_phase(400_000, draw)
    table = scores_of_units(1_000_000, draw)
    order = scalability(table, 0, 0)["H"]
    nested, unit, _ = scores_of_respondents(100_000, draw)
    return {
        "alpha": alpha(answers.cov().to_numpy()),
        "icc1": 0.3,
        "H": order[(ALL, ALL)],
        "H of a pair": order[PAIR],
        "H between": two_level_scalability(nested, unit, 0).loc[BETWEEN, "H"],
        "spread": spread_by_level(nested, unit).loc[1, "spread"],
        "spearman": table.corr("spearman").loc[PAIR],
        "kappa": kappa(categories(table))["kappa"],
        "weighted kappa": kappa(categories(table), weights=QUADRATIC)["kappa"],
    }


def within(truth: float, row: pd.Series | dict[str, float], low="low", high="high") -> bool:
    return bool(row[low] <= truth <= row[high])


def held(n: int, seed: int, truth: dict[str, float]) -> dict[str, float]:
    """Which intervals of one survey of n units hold the truth."""
    return held_by_units(n, seed, truth) | held_by_respondents(n, seed, truth)


def held_by_units(n: int, seed: int, truth: dict[str, float]) -> dict[str, float]:
    """Which intervals from scores of n units hold the truth."""
    table = scores_of_units(n, np.random.default_rng([seed, n]))
    order = scalability(table, REPLICATES, 0, seed=seed)
    counts = categories(table)
    return {
        "H of the scale": within(truth["H"], order.loc[(ALL, ALL)]),
        "H of a pair": within(truth["H of a pair"], order.loc[PAIR]),
        "rank correlation": within(
            truth["spearman"], rank_correlations(table[["AG"]], table[["EX"]]).iloc[0]
        ),
        "kappa": within(truth["kappa"], kappa(counts)),
        "weighted kappa": within(truth["weighted kappa"], kappa(counts, weights=QUADRATIC)),
    }


def held_by_respondents(n: int, seed: int, truth: dict[str, float]) -> dict[str, float]:
    """Which intervals from respondents in n units hold the truth; shares where units have one."""
    draw = np.random.default_rng([seed, n, 1])
    answers, unit = answers_of_one_phase(n, draw)
    low, high = alpha_interval(answers, unit)
    size = draw.integers(2, 7, n)
    nested = pd.Series(np.arange(n).repeat(size))
    normal = draw.normal(0, 0.3**0.5, n)[nested] + draw.normal(0, 0.7**0.5, len(nested))
    icc = intraclass(pd.DataFrame({"x": normal}), nested).loc["x"]
    scores, units, true = scores_of_respondents(n, draw)
    seen = unit_scores(scores, units)
    missed = (seen - true).abs() / standard_errors(scores, units)
    errors = standard_errors(phase_differences(scores), units)
    gaps = (phase_differences(seen) - phase_differences(true)).abs()
    spread = spread_by_level(scores, units).loc[1]
    between = np.nan
    if seed % 2 == 0:  # half of the samples: it takes most of the time
        levels = two_level_scalability(scores, units, REPLICATES, seed)
        between = float(within(truth["H between"], levels.loc[BETWEEN]))
    return {
        "alpha, nested respondents": low <= truth["alpha"] <= high,
        "ICC(1), unequal units": within(truth["icc1"], icc, "icc1_low", "icc1_high"),
        "score of a unit": (missed["EX"] <= 1.96).mean(),
        "difference of two phases of a unit": (gaps[PAIR] <= 1.96 * errors[PAIR]).mean(),
        "spread inside units, a group": within(truth["spread"], spread),
        "H between respondents, half the samples": between,
    }


def true_scores(states: pd.DataFrame, answering: Answering) -> pd.DataFrame:
    """What each unit would score on the answer scale if very many respondents were asked."""
    sd, true = np.hypot(answering.respondent_sd, answering.item_sd), states[PHASES]
    beyond = [ndtr((true - cut) / sd) for cut in answering.cuts]
    return 100 * sum(beyond) / len(beyond)


def means_held(world: str, asked: str, n: int, seed: int) -> dict[str, float]:
    """Share of the phases of which intervals hold the true mean, and the true mean change.

    Beside it the same by intervals that shrink measurement error with the population too.
    """
    names = [[*WORLDS].index(world), [*ASKED].index(asked)]
    draw = np.random.default_rng([seed, n, *names])
    units, answering = WORLDS[world]
    answering = replace(answering, respondents=ASKED[asked])
    before = units(POPULATION, draw)
    after = before.copy()
    after[PHASES] += draw.normal(5, 6, (POPULATION, len(PHASES)))
    truth = {name: true_scores(states, answering).mean() for name, states in
             (("before", before), ("after", after))}  # fmt: skip
    answered = draw.permutation(POPULATION)[:n]
    scores, errors = {}, {}
    for name, states in (("before", before), ("after", after)):
        survey = answering(states.iloc[answered], draw)
        persons = respondent_scores(survey.answers, survey.items)
        scores[name] = unit_scores(persons, survey.units)
        errors[name] = standard_errors(persons, survey.units)
    told = {}
    for way, known in (("", errors), (" ignored", {name: 0 * scores[name] for name in scores})):
        curve = phase_curve(scores["after"], POPULATION, known["after"])
        change = mean_change(scores, POPULATION, known).loc[("before", "after")]
        true_change = truth["after"] - truth["before"]
        told[f"mean{way}"] = _share_within(truth["after"], curve)
        told[f"change{way}"] = _share_within(true_change, change)
    return told


def _share_within(truth: pd.Series, intervals: pd.DataFrame) -> float:
    return float(truth.between(intervals["low"], intervals["high"]).mean())


def cover_means(studies: int) -> pd.DataFrame:
    """Coverage in every cell; `error_ignored` where the correction shrinks the error too."""
    rows = {}
    for world, asked, n in product(WORLDS, ASKED, ANSWERED):
        held_in = Parallel(n_jobs=-1)(
            delayed(means_held)(world, asked, n, seed) for seed in range(studies)
        )
        means = pd.DataFrame(held_in).mean()
        for of in ("mean", "change"):
            row = {"coverage": means[of], "error_ignored": means[f"{of} ignored"]}
            rows[n, f"{of}: {world}, {asked}"] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["n_units", "interval"])


def draw_coverage(table: pd.DataFrame, file: Path) -> None:
    ax = figures.start(None, height=9.6)
    names = table.index.get_level_values("interval").unique()
    for rank, n in enumerate(table.index.get_level_values("n_units").unique()):
        values = table.xs(n, level="n_units")["coverage"].reindex(names)
        sign = figures.profile_style(rank + 1) | {"linestyle": "none"}
        ax.plot(values, np.arange(len(names)) + 0.1 * rank - 0.2, label=f"{n} units", **sign)
    ax.axvspan(0.93, 0.97, color=figures.FAINT, alpha=0.6, zorder=0)
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0.9, 1)
    look = figures.Look("en", "How often the 95% intervals hold the truth (band: 93-97%)")
    look.percent_axis(ax.xaxis)
    figures.legend_below(ax, columns=3)
    figures.finish(ax, look, x="Share of samples")
    plt.savefig(file, dpi=110)


def run(samples: int, studies: int) -> None:
    truth = truths()
    surveys = Parallel(n_jobs=-1)(
        delayed(held)(n, seed, truth) for n in SIZES for seed in range(samples)
    )
    parts = [surveys[start : start + samples] for start in range(0, len(surveys), samples)]
    rows = {
        n: pd.DataFrame(part).astype(float).mean() for n, part in zip(SIZES, parts, strict=True)
    }
    measures = pd.concat(rows, names=["n_units", "interval"]).to_frame("coverage")
    tables = [measures.assign(samples=samples), cover_means(studies).assign(samples=studies)]
    pd.concat(tables).round(4).to_csv(RESULTS)


def tables() -> dict[str, pd.DataFrame]:
    """Give the tables of README.md: of measures, and of means and their changes."""
    held = pd.read_csv(RESULTS)
    parts = held["interval"].str.extract(r"(?P<of>mean|change): (?P<world>.*?), (?P<asked>.*)")
    exact = held["coverage"].map(partial(rate, digits=3))
    told = pd.concat([held, parts], axis=1).assign(exact=exact)
    told["both"] = exact + " / " + held["error_ignored"].map(rate)
    told["column"] = told["of"] + ", " + held["n_units"].map(str)
    of_mean = told["of"].notna()
    measures = told[~of_mean].pivot(index="interval", columns="n_units", values="exact")
    means = told[of_mean].pivot(index=["asked", "world"], columns="column", values="both")
    columns = [f"{of}, {n}" for of in ("mean", "change") for n in ANSWERED]
    return {
        "intervals of measures": measures.reindex(told.loc[~of_mean, "interval"].unique()),
        "intervals of means": means.loc[list(product(ASKED, WORLDS)), columns],
    }


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(*map(int, sys.argv[2:]))
    else:
        write_tables(tables())
        draw_coverage(
            pd.read_csv(RESULTS, index_col=["n_units", "interval"]), RESULTS.with_suffix(".png")
        )
