"""Where the reference data lie, and data with a known truth."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CYCLE_ANALYSIS_SHARED", ROOT.parent / "shared"))
REFERENCE = ROOT / "tests" / "reference"
PHASES = ["AG", "EX", "VB", "VA", "NN"]
CENTROIDS = np.array(
    [
        [30.0, 15.0, 8.0, 5.0, 3.0],
        [70.0, 40.0, 20.0, 15.0, 10.0],
        [55.0, 75.0, 60.0, 30.0, 20.0],
        [85.0, 80.0, 75.0, 70.0, 60.0],
    ]
)


def shared_table(name: str) -> pd.DataFrame:
    """Read a reference table, or skip the test where the folder is absent."""
    path = SHARED / "data" / "reference" / name
    if not path.exists():
        pytest.skip(f"{path} is absent: set CYCLE_ANALYSIS_SHARED to run this test")
    return pd.read_csv(path)


def four_profiles(n: int = 120, sd: float = 8.0, seed: int = 4) -> tuple[pd.DataFrame, pd.Series]:
    """Scores of n units in four well separated profiles of equal size, and the true profile."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 4
    scores = CENTROIDS[truth] + sd * rng.standard_normal((n, 5))
    units = pd.Index([f"GM{i:04d}" for i in range(n)], name="unit")
    return (
        pd.DataFrame(scores, index=units, columns=PHASES),
        pd.Series(truth + 1, index=units, name="profile"),
    )


def one_continuum(n: int = 120, noise: float = 8.0, seed: int = 4) -> pd.DataFrame:
    """Scores of n units on one dimension, no groups."""
    rng = np.random.default_rng(seed)
    level = rng.standard_normal((n, 1))
    scores = 50 + 15 * level + noise * rng.standard_normal((n, 5))
    units = pd.Index([f"GM{i:04d}" for i in range(n)], name="unit")
    return pd.DataFrame(scores, index=units, columns=PHASES)
