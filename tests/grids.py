"""A small study with a grid of other choices that takes seconds, for tests of several files."""

from pathlib import Path

from cycle_analysis.results import ROBUSTNESS, open_results
from cycle_analysis.robustness.run import Grid, open_grid
from cycle_analysis.study import load_study

SMALL = """
robustness:
  aggregation: [mean, median]
  min_answered: [0.5]
  careless: [kept]
  scaling: [true_scores]
  k: [own, more]
  active_from: [50]
  left_out: [phase]
"""


def with_grid(home: Path) -> Path:
    """Ask for the grid in a home folder with the small study."""
    with (home / "data" / "raw" / "small" / "study.yaml").open("a", encoding="utf-8") as file:
        file.write(SMALL)
    return home


def grid_of(home: Path) -> Grid:
    """Open it."""
    return open_grid(load_study("small", home), open_results("small", home))


def saved_grid(home: Path) -> dict[str, bytes]:
    """Files that it left."""
    folder = open_results("small", home).step_folder(ROBUSTNESS)
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}
