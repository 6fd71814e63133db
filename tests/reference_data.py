"""Find the reference numbers kept here, and the reference data that are not."""

import os
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parent / "reference"


def stored(name: str) -> pd.Series:
    """The numbers that R gave, by name."""
    table = pd.read_csv(HERE / f"{name}.csv", index_col="name", skipinitialspace=True)
    return table["value"].astype(float)


def shared(path: str) -> pd.DataFrame:
    """A data set of others, which is not in this repository: the test skips without it."""
    beside = Path(__file__).parents[1].parent / "shared"
    file = Path(os.environ.get("CYCLE_ANALYSIS_SHARED", beside)) / "data" / "reference" / path
    if not file.exists():
        pytest.skip(f"{file.name} is not here; set CYCLE_ANALYSIS_SHARED to the folder that has it")
    return pd.read_csv(file)


def survey_items(phases: tuple[str, ...] = ("AG", "EX", "VB", "VA", "NN"), n: int = 5):
    """An items table of `n` items for each phase, scale 0-4."""
    names = [f"{phase}{i}" for phase in phases for i in range(1, n + 1)]
    return pd.DataFrame(
        {"phase": [name[:2] for name in names], "low": 0, "high": 4, "reversed": False},
        index=pd.Index(names, name="item"),
    )
