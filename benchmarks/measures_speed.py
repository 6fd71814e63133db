"""Time all measures on 350 units x 5 respondents x 25 items, with and without bootstrap.

Run: OMP_NUM_THREADS=1 python benchmarks/measures_speed.py
"""

import time

import numpy as np
import pandas as pd

from cycle_analysis import (
    agreement,
    cycle,
    factors,
    order,
    polychoric,
    reading,
    reliability,
    simultaneity,
)
from cycle_analysis import scalability as mokken
from cycle_analysis import scores as scoring


def survey() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    draw = np.random.default_rng(1)
    names = [f"{phase}{i}" for phase in ("AG", "EX", "VB", "VA", "NN") for i in range(1, 6)]
    unit = np.arange(350).repeat(5)
    level = draw.normal(0, 1, (350, 1)) - [-1.2, -0.6, 0, 0.6, 1.2]
    seen = (level[unit] + draw.normal(0, 0.6, (1750, 5))).repeat(5, axis=1)
    values = np.digitize(seen + draw.normal(0, 0.8, (1750, 25)), [-1.2, -0.4, 0.4, 1.2]) * 1.0
    values[draw.random(values.shape) < 0.05] = np.nan
    items = pd.DataFrame({"phase": [name[:2] for name in names], "low": 0, "high": 4,
                          "reversed": False}, index=names)  # fmt: skip
    return pd.DataFrame(values, columns=names), items, pd.Series(unit)


def measure(replicates: int) -> None:
    answers, items, units = survey()
    scores = scoring.respondent_scores(answers, items)
    table = scoring.unit_scores(scores, units)
    scoring.unit_table(scores, units)
    errors = scoring.difference_errors(scores, units)
    item_analysis.measurement_warnings(answers, items)
    reliability.scale_statistics(answers, items, units)
    polychoric.ordinal_alpha(answers, items)
    factors.compare_factor_models(answers, items)
    agreement.agreement_summary(answers, items, scores, units)
    cycle.phase_curve(table, replicates=replicates)
    cycle.leading_phase(table)
    active = simultaneity.activity(table)
    simultaneity.activity_sensitivity(table)
    simultaneity.coactivity(active)
    simultaneity.activity_patterns(active)
    order.order_violations(table, errors)
    mokken.two_level_scalability(scores, units)
    reading.gather_evidence(table, errors, table, replicates, replicates // 2)
    if replicates:
        agreement.random_group_benchmark(answers, items, units, replicates)


if __name__ == "__main__":
    for replicates in (0, 1000):
        start = time.perf_counter()
        measure(replicates)
        print(f"{replicates} replicates: {time.perf_counter() - start:.2f} s")
