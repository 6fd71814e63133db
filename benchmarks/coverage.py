"""Simulate how often the 95% intervals of the measures hold the truth.

Run: python benchmarks/coverage.py [SAMPLES]   Writes coverage.csv and coverage.png beside it.
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from cycle_analysis.agreement import intraclass
from cycle_analysis.associations import associate, compare_placements
from cycle_analysis.cycle import phase_curve
from cycle_analysis.figures import style
from cycle_analysis.reliability import alpha, alpha_interval
from cycle_analysis.scalability import scalability

PHASES = ["AG", "EX", "VB"]
CUTS = [-1.2, -0.4, 0.4, 1.2]


def respondents(n: int, draw: np.random.Generator) -> tuple[pd.DataFrame, pd.Series]:
    """Five-step answers to five items; one to six respondents in a unit who resemble each other."""
    sizes = draw.integers(1, 7, n)
    unit = pd.Series(np.arange(n).repeat(sizes))
    level = draw.normal(0, 0.8, n)[unit] + draw.normal(0, 0.8, len(unit))
    values = np.digitize(level[:, None] + draw.normal(0, 1, (len(unit), 5)), CUTS)
    return pd.DataFrame(values * 1.0), unit


def units(n: int, draw: np.random.Generator) -> pd.DataFrame:
    level = draw.normal(0, 1, (n, 1)) + draw.normal(0, 0.7, (n, 3)) - [-0.8, 0, 0.8]
    items = np.digitize(level[:, :, None] + draw.normal(0, 0.8, (n, 3, 5)), CUTS)
    return pd.DataFrame(items.mean(axis=2) * 25, columns=PHASES)


def truths() -> dict[str, float]:
    draw = np.random.default_rng(1)
    answers, _ = respondents(400_000, draw)
    table = units(1_000_000, draw)
    active = table > 50
    return {
        "mean": table["EX"].mean(),
        "alpha": alpha(answers.cov().to_numpy()),
        "icc1": 0.3,
        "H": scalability(table, 0, 0)["H"],
        "spearman": table.corr("spearman").loc["AG", "EX"],
        "kappa": compare_placements(active[["AG"]] * 1.0, active[["EX"]].set_axis(["AG"], axis=1))
        .loc["AG", "kappa"],
    }  # fmt: skip


def held(n: int, seed: int, truth: dict[str, float]) -> dict[str, bool]:
    """Which intervals of one simulated survey of n units hold the truth."""
    draw = np.random.default_rng([seed, n])
    table, (answers, unit) = units(n, draw), respondents(n, draw)
    sample = table.sample(n * 2 // 3, random_state=seed)
    size = draw.integers(2, 7, n)
    nested = pd.Series(np.arange(n).repeat(size))
    normal = draw.normal(0, 0.3**0.5, n)[nested] + draw.normal(0, 0.7**0.5, len(nested))
    active = table > 50
    curve = phase_curve(table, replicates=500, seed=seed).loc["EX"]
    finite = phase_curve(sample, population=n, replicates=500, seed=seed).loc["EX"]
    icc = intraclass(pd.DataFrame({"x": normal}), nested).loc["x"]
    h = scalability(table, replicates=500, permutations=0, seed=seed)
    rho = associate(table[["AG"]], table[["EX"]]).iloc[0]
    agree = compare_placements(
        active[["AG"]] * 1.0, active[["EX"]].set_axis(["AG"], axis=1) * 1.0
    ).iloc[0]
    low, high = alpha_interval(answers, unit)
    return {
        "mean of a phase": curve["low"] <= truth["mean"] <= curve["high"],
        "mean, two thirds of a finite population": (
            finite["low"] <= table["EX"].mean() <= finite["high"]
        ),
        "alpha, nested respondents": low <= truth["alpha"] <= high,
        "ICC(1), unequal units": icc["icc1_low"] <= truth["icc1"] <= icc["icc1_high"],
        "H of the scale": h["low"] <= truth["H"] <= h["high"],
        "rank correlation": rho["low"] <= truth["spearman"] <= rho["high"],
        "kappa": agree["low"] <= truth["kappa"] <= agree["high"],
    }


def draw_coverage(table: pd.DataFrame, samples: int, file: Path) -> None:
    ax = style.start(None, height=3.6)
    names = table.index.get_level_values("interval").unique()
    for rank, n in enumerate(table.index.get_level_values("n_units").unique()):
        values = table.xs(n, level="n_units").loc[names, "coverage"]
        look = style.profile_style(rank + 1) | {"linestyle": "none"}
        ax.plot(values, np.arange(len(names)) + 0.2 * rank - 0.1, label=f"{n} units", **look)
    ax.axvspan(0.93, 0.97, color=style.FAINT, alpha=0.6, zorder=0)
    ax.set_yticks(range(len(names)), [style.break_lines(name, 24) for name in names], fontsize=9)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0.9, 1)
    style.percent_axis(ax.xaxis, "en")
    style.label_axes(ax, x=f"Samples whose 95% interval holds the truth (of {samples})")
    style.legend_below(ax, columns=2)
    style.entitle(ax, "How often the 95% intervals hold the truth (band: 93-97%)")
    plt.savefig(file, dpi=110)


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    truth = truths()
    rows = {
        n: pd.DataFrame([held(n, seed, truth) for seed in range(samples)]).mean()
        for n in (100, 340)
    }
    table = pd.concat(rows, names=["n_units", "interval"]).to_frame("coverage").round(4)
    here = Path(__file__).parent
    table.assign(samples=samples).to_csv(here / "coverage.csv")
    draw_coverage(table, samples, here / "coverage.png")
    print(table.unstack("n_units").to_string())


if __name__ == "__main__":
    main()
