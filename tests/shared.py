"""Where the reference data lie, and data with a known truth."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from cycle_analysis.simulate import FOUR, Continuum
from cycle_analysis.simulate.worlds import straight

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CYCLE_ANALYSIS_SHARED", ROOT.parent / "shared"))
REFERENCE = ROOT / "tests" / "reference"
PHASES = ["AG", "EX", "VB", "VA", "NN"]


def examples(n: int) -> settings:
    """Try so many drawn examples with ``HYPOTHESIS_PROFILE=full``, a third of them without."""
    few = max(n // 3, 3)
    tried = n if os.environ.get("HYPOTHESIS_PROFILE") == "full" else few
    return settings(max_examples=tried, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def shared_table(name: str) -> pd.DataFrame:
    """Read a reference table, or skip the test where the folder is absent."""
    path = SHARED / "data" / "reference" / name
    if not path.exists():
        pytest.skip(f"{path} is absent: set CYCLE_ANALYSIS_SHARED to run this test")
    return pd.read_csv(path)


def four_profiles(n: int = 120, sd: float = 8.0, seed: int = 4) -> tuple[pd.DataFrame, pd.Series]:
    """Scores of n units in four well separated profiles of equal size, and the true profile."""
    states = _municipalities(replace(FOUR, spread=sd)(n, np.random.default_rng(seed)))
    return states[PHASES], states["profile"]


def one_continuum(n: int = 120, noise: float = 8.0, seed: int = 4) -> pd.DataFrame:
    """Scores of n units on one dimension, no groups."""
    world = Continuum(partial(straight, points=15.0), spread=noise)
    return _municipalities(world(n, np.random.default_rng(seed)))[PHASES]


def _municipalities(states: pd.DataFrame) -> pd.DataFrame:
    return states.set_axis(pd.Index([f"GM{i:04d}" for i in range(len(states))], name="unit"))
