"""Simulate how often the 95% intervals of the measures hold the truth.

Run: python benchmarks/coverage.py [SAMPLES]   Writes coverage.csv and coverage.png beside it.
"""

import sys
from functools import partial
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from cycle_analysis.cycle.order import phase_differences
from cycle_analysis.cycle.phases import phase_curve, rank_correlations
from cycle_analysis.cycle.placements import kappa
from cycle_analysis.cycle.scalability import ALL, BETWEEN, scalability, two_level_scalability
from cycle_analysis.figures import style
from cycle_analysis.measurement.agreement import intraclass, spread_by_level, standard_errors
from cycle_analysis.measurement.reliability import alpha, alpha_interval
from cycle_analysis.measurement.scores import unit_scores
from cycle_analysis.simulate import Answering, Continuum
from cycle_analysis.simulate.worlds import cumulative, straight

PHASES = ["AG", "EX", "VB"]
PAIR = ("AG", "EX")
SIZES = (100, 340)
"""Units of a survey."""
REPLICATES = 500
"""Bootstrap samples of each interval, half of the default."""


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
        "mean": table["EX"].mean(),
        "alpha": alpha(answers.cov().to_numpy()),
        "icc1": 0.3,
        "H": order[(ALL, ALL)],
        "H of a pair": order[PAIR],
        "H between": two_level_scalability(nested, unit, 0, 0).loc[BETWEEN, "H"],
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
    sample = table.sample(n * 2 // 3, random_state=seed)
    curve = phase_curve(table, replicates=REPLICATES, seed=seed).loc["EX"]
    finite = phase_curve(sample, population=n, replicates=REPLICATES, seed=seed).loc["EX"]
    order = scalability(table, REPLICATES, 0, seed=seed)
    counts = categories(table)
    return {
        "mean of a phase": within(truth["mean"], curve),
        "mean, two thirds of a finite population": within(table["EX"].mean(), finite),
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
        levels = two_level_scalability(scores, units, REPLICATES, 0, seed=seed)
        between = float(within(truth["H between"], levels.loc[BETWEEN]))
    return {
        "alpha, nested respondents": low <= truth["alpha"] <= high,
        "ICC(1), unequal units": within(truth["icc1"], icc, "icc1_low", "icc1_high"),
        "score of a unit": (missed["EX"] <= 1.96).mean(),
        "difference of two phases of a unit": (gaps[PAIR] <= 1.96 * errors[PAIR]).mean(),
        "spread inside units, a group": within(truth["spread"], spread),
        "H between respondents, half the samples": between,
    }


def draw_coverage(table: pd.DataFrame, samples: int, file: Path) -> None:
    ax = style.start(None, height=5.4)
    names = table.index.get_level_values("interval").unique()
    for rank, n in enumerate(table.index.get_level_values("n_units").unique()):
        values = table.xs(n, level="n_units").loc[names, "coverage"]
        sign = style.profile_style(rank + 1) | {"linestyle": "none"}
        ax.plot(values, np.arange(len(names)) + 0.2 * rank - 0.1, label=f"{n} units", **sign)
    ax.axvspan(0.93, 0.97, color=style.FAINT, alpha=0.6, zorder=0)
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0.9, 1)
    look = style.Look("en", "How often the 95% intervals hold the truth (band: 93-97%)")
    look.percent_axis(ax.xaxis)
    style.legend_below(ax, columns=2)
    style.finish(ax, look, x=f"Of {samples} samples")
    plt.savefig(file, dpi=110)


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    truth = truths()
    surveys = Parallel(n_jobs=-1)(
        delayed(held)(n, seed, truth) for n in SIZES for seed in range(samples)
    )
    parts = [surveys[start : start + samples] for start in range(0, len(surveys), samples)]
    rows = {
        n: pd.DataFrame(part).astype(float).mean() for n, part in zip(SIZES, parts, strict=True)
    }
    table = pd.concat(rows, names=["n_units", "interval"]).to_frame("coverage").round(4)
    here = Path(__file__).parent
    table.assign(samples=samples).to_csv(here / "coverage.csv")
    draw_coverage(table, samples, here / "coverage.png")
    print(table.unstack("n_units").to_string())


if __name__ == "__main__":
    main()
