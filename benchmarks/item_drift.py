"""Count items that are said to have changed by more than their phase: where none did, and one did.

    python benchmarks/item_drift.py run 0-200         # studies of a cell
    python benchmarks/item_drift.py show              # table for README.md

Appends one row per study to item_drift.csv, so it can be stopped and resumed. A study is two waves:
150 of 180 units answer in each, most of them in both. Items follow their phase unequally, so that
when it moves each item moves by its loading times that. In some cells the first item of AG moves by
8 points more.
"""

import sys
import time
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from studies import append_missing, rate, write_tables

from cycle_analysis.measurement.item_analysis import item_drift
from cycle_analysis.simulate import Answering, Continuum
from cycle_analysis.simulate.worlds import straight

HERE = Path(__file__).parent
RESULTS = HERE / "item_drift.csv"
N_UNITS, N_ANSWERING, MOVED_ITEM = 180, 150, "AG1"
FIELDS = [
    *("truth", "study", "n_false", "n_false_in_phase", "found", "drift", "low", "high"),
    *("true", "least_p", "without", "seconds"),
]


@dataclass(frozen=True)
class Unequal(Answering):
    """Respondents whose answers to some items follow the phase more than others do.

    Attributes
    ----------
    loadings : sequence of float, one for each item of a phase
        Points that the rating of an item rises when the phase rises by one.
    shift : float
        Points by which the first item of the first phase is rated higher.
    """

    loadings: tuple[float, ...] = (1.2, 1.1, 1.0, 0.9, 0.8)
    shift: float = 0.0

    def rate(self, seen, phase_of, rng):
        """Rate as others do, and add what items follow more, and the shift."""
        points = super().rate(seen, phase_of, rng)
        more = np.resize(self.loadings, len(phase_of)) - 1
        points += more * (seen[:, phase_of] - 50)
        points[:, 0] += self.shift
        return points


THREE = Unequal()
HALO = replace(THREE, halo=0.6, respondents=range(4, 7))
FEW_HALO = replace(HALO, respondents=(1, 2))
APART = replace(THREE, item_spread=30.0)
HIGH, LOW = (Continuum(partial(straight, means=mean)) for mean in (75.0, 25.0))


class Cell(NamedTuple):
    """How respondents answer in wave one, points by which all units rise, and how in wave two."""

    first: Answering
    rise: float
    second: Answering
    world: Continuum = Continuum()


CELLS = {
    "nothing": Cell(THREE, 0.0, THREE),
    "level +8": Cell(THREE, 8.0, THREE),
    "halo, falling response": Cell(HALO, 0.0, FEW_HALO),
    "halo, falling response, level +8": Cell(HALO, 8.0, FEW_HALO),
    "one item +8": Cell(THREE, 0.0, replace(THREE, shift=8.0)),
    "one item +8, level +8": Cell(THREE, 8.0, replace(THREE, shift=8.0)),
    "one item +8, halo, falling response": Cell(HALO, 0.0, replace(FEW_HALO, shift=8.0)),
    "level +8, items 40 points apart": Cell(
        replace(THREE, item_spread=40.0),
        8.0,
        replace(THREE, item_spread=40.0),
    ),
    "level +12 at the ceiling, items 30 points apart": Cell(APART, 12.0, APART, HIGH),
    "level -12 at the floor, items 30 points apart": Cell(APART, -12.0, APART, LOW),
}


def draw_waves(cell, rng):
    """Draw the two surveys of a study: most units answer in both."""
    states = cell.world(N_UNITS, rng)
    later = states.assign(**states.drop(columns="profile").add(cell.rise).to_dict("series"))
    return {
        wave: answering(truth.iloc[np.sort(rng.permutation(N_UNITS)[:N_ANSWERING])], rng)
        for wave, answering, truth in (
            ("one", cell.first, states),
            ("two", cell.second, later),
        )
    }


def weigh_waves(waves, n_samples, seed):
    """Test the items of two surveys; the table of `item_drift`, by item."""
    answers = {wave: survey.answers for wave, survey in waves.items()}
    units = {wave: survey.units for wave, survey in waves.items()}
    table = item_drift(answers, waves["one"].items, units, n_samples, seed)
    return table.loc[("one", "two")]


@cache
def true_drift(truth):
    """Points by which the moved item differs when very many answer: steps and ends take a part."""
    _, rise, second, world = CELLS[truth]
    many = world(40000, np.random.default_rng(1))
    many = many.assign(**many.drop(columns="profile").add(rise).to_dict("series"))
    means = [
        answering(many, np.random.default_rng(2)).answers[MOVED_ITEM].mean() * 25
        for answering in (replace(second, shift=0.0), second)
    ]
    return means[1] - means[0]


def one_study(truth, study):
    start = time.process_time()
    rng = np.random.default_rng([2027, study, list(CELLS).index(truth)])
    cell = CELLS[truth]
    table = weigh_waves(draw_waves(cell, rng), 200, study)
    moved = cell.second.shift != 0
    innocent = table.drop(index=MOVED_ITEM) if moved else table
    row = table.loc[MOVED_ITEM]
    return {
        "truth": truth,
        "study": study,
        "n_false": int(innocent["drifted"].sum()),
        "n_false_in_phase": int(innocent.loc[innocent["phase"] == "AG", "drifted"].sum()),
        "found": int(row["drifted"]),
        **{name: round(row[name], 2) for name in ("drift", "low", "high")},
        "true": round(true_drift(truth), 2),
        "least_p": round(innocent["p_holm"].min(), 4),
        "without": round(row["without"], 2),
        "seconds": round(time.process_time() - start, 2),
    }


def main(argv):
    if argv[0] == "show":
        show()
        return
    first, last = map(int, argv[1].split("-"))
    rows = (((truth, study), one_study) for study in range(first, last) for truth in CELLS)
    append_missing(RESULTS, FIELDS, ("truth", "study"), rows)


def show():
    write_tables(tables())


def tables():
    """Give the table of README.md."""
    table = pd.read_csv(RESULTS).drop_duplicates(["truth", "study"])
    table["false"] = table["n_false"] > 0
    table["held"] = (table["low"] <= table["true"]) & (table["high"] >= table["true"])
    found = table.groupby("truth", sort=False)[["false", "found", "true", "drift", "held"]].mean()
    shares = found[["false", "held", "found"]].map(rate)
    columns = {
        "studies": table.groupby("truth").size(),
        "an innocent item is announced": shares["false"],
        "the item is found": shares["found"].where(found["true"] > 0, ""),
        "its drift, true": found["true"].map("{:.1f}".format),
        "told": (found["drift"].round(1) + 0.0).map("{:.1f}".format),
        "interval holds it": shares["held"],
    }
    return {"items": pd.DataFrame(columns).reindex(list(CELLS)).rename_axis("what changes")}


if __name__ == "__main__":
    main(sys.argv[1:])
