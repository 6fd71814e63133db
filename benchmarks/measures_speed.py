"""Time all measures of notebooks 02 and 03, with and without bootstrap; memory of many units.

    OMP_NUM_THREADS=1 python benchmarks/measures_speed.py            350 units
    OMP_NUM_THREADS=1 python benchmarks/measures_speed.py 100000     memory, without bootstrap

Each unit has five respondents and 25 five-step items; blocks of other subjects have fifteen.
Memory is the most that the measures take beside the answers, over the size of the answers.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis import cycle, measurement
from cycle_analysis.cycle import order, placements
from cycle_analysis.cycle.scalability import scalability, subtract_style, two_level_scalability
from cycle_analysis.measurement import agreement, item_analysis, reliability
from cycle_analysis.simulate import Answering, Continuum
from cycle_analysis.simulate.worlds import straight

PHASES = ("AG", "EX", "VB", "VA", "NN")
DEVELOPMENTS = pd.Series(["1", "2", "3", "3", "3"], index=PHASES)


def survey(n: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Answers of five respondents in each of `n` units, the table of items, and the units."""
    rng = np.random.default_rng(1)
    means = 50 + 31.25 * np.array([1.2, 0.6, 0, -0.6, -1.2, 0, 0, 0])
    course = partial(straight, means=means, points=31.25)
    world = Continuum(course, spread=0, phases=(*PHASES, "D", "E", "F"))
    asked = Answering((5,), respondent_sd=18.75, item_sd=25, blank=0.05)(world(n, rng), rng)
    return asked.answers, asked.items, asked.units


def measure_scores(
    answers: pd.DataFrame, items: pd.DataFrame, units: pd.Series, replicates: int
) -> pd.DataFrame:
    """Notebook 02; gives the scores of respondents."""
    item_analysis.answer_counts(answers, items)
    item_analysis.item_statistics(answers, items)
    reliability.scale_statistics(answers, items, units)
    reliability.ordinal_alpha(answers, items)
    reliability.compare_factor_models(answers, items)
    persons = measurement.respondent_scores(answers, items)
    agreement.agreement_summary(answers, items, persons, units)
    rules = {"mean": measurement.mean_of_respondents, "median": measurement.median_of_respondents}
    agreement.compare_aggregations(persons, units, rules)
    agreement.spread_by_level(persons, units)
    agreement.unit_table(persons, units)
    if replicates:
        agreement.random_group_benchmark(answers, items, units, replicates)
    return persons


def measure_cycle(
    persons: pd.DataFrame, off_topic: pd.DataFrame, units: pd.Series, replicates: int
) -> None:
    """Notebook 03."""
    table = measurement.unit_scores(persons, units)
    clean = measurement.unit_scores(subtract_style(persons, off_topic), units)
    errors = order.errors_of_differences(table, persons, units, pd.Series(dtype=float))
    half = replicates // 2
    cycle.phase_curve(table)
    cycle.leading_phase(table)
    developments = cycle.development_scores(table, DEVELOPMENTS)
    furthest = cycle.positions(developments)
    active = cycle.activity(table)
    cycle.activity_sensitivity(table)
    cycle.coactivity(active)
    cycle.activity_patterns(active)
    order.order_violations(table, errors)
    two_level = two_level_scalability(persons, units, replicates)
    order.gather_evidence(table, errors, clean, two_level, replicates, half)
    scalability(table, replicates, half)
    scalability(clean, replicates, half)
    said = (table / 25).round()
    placements.compare_positions(placements.domain_range(said)["highest"], furthest, DEVELOPMENTS)
    placements.compare_placements(cycle.activity(table), active)
    cycle.rank_correlations(measurement.unit_scores(off_topic, units), table)


def measure(n: int, replicates: int) -> tuple[Callable[[], None], int]:
    """Make a survey; give what measures it, and the bytes of its answers."""
    answers, items, units = survey(n)
    of_phases = items[items["phase"].isin(PHASES)]
    phase_answers = answers[of_phases.index]
    off_topic = measurement.respondent_scores(answers, items.drop(of_phases.index))

    def run() -> None:
        persons = measure_scores(phase_answers, of_phases, units, replicates)
        measure_cycle(persons, off_topic, units, replicates)

    return run, int(answers.memory_usage(index=False).sum())


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 350
    if n < 10_000:
        for replicates in (0, 1000):
            run, _ = measure(n, replicates)
            start = time.process_time()
            run()
            print(f"{n} units, {replicates} replicates: {time.process_time() - start:.2f} CPU s")
        return
    run, size = measure(n, 0)
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    print(f"{n} units: memory {peak / size:.1f} times the answers of {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
