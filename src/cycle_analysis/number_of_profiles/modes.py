"""Ask whether one series of numbers has a gap: more than one mode beyond chance.

Where the lines of profiles do not cross, units can be set on one scale, and only a gap on that
scale tells groups from the steps of a ladder. Silverman (1981) smooths the numbers just so far that
one mode is left, and asks how often samples from that smooth curve show more of them.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from cycle_analysis.seeds import Seed, children

N_BINS = 512
"""Bins over the range and its margins; a bandwidth is many of them."""
ROUNDS = 30
"""Halvings of the interval in which the critical bandwidth is sought."""


def one_mode_p(values: np.ndarray, n_replicates: int = 199, *, seed: Seed = 1) -> float:
    """Test whether numbers may come from a distribution with a single mode.

    Parameters
    ----------
    values : array, n
        Such as the mean scores of units.
    n_replicates : int
        Samples from the smooth curve.
    seed : int or SeedSequence
        Seed of the samples.

    Returns
    -------
    float
        (b + 1) / (B + 1), b the samples with more than one mode at the critical bandwidth. The test
        is cautious: it rejects a single mode less often than its level says.

    References
    ----------
    Silverman (1981), JRSS B 43(1), 97-99; samples shrunk to the variance of the numbers, as there.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one_mode_p(rng.normal(50, 10, 100)) > 0.1
    True
    >>> one_mode_p(np.concatenate([rng.normal(20, 5, 50), rng.normal(70, 5, 50)]))
    0.005
    """
    spread = float(values.std())
    if spread == 0:
        return 1.0
    bandwidth = critical_bandwidth(values)
    rng = np.random.default_rng(children(seed, 1)[0])
    drawn = rng.choice(values, (n_replicates, len(values)))
    drawn = drawn + bandwidth * rng.standard_normal(drawn.shape)
    drawn = values.mean() + (drawn - values.mean()) / np.sqrt(1 + (bandwidth / spread) ** 2)
    more = sum(n_modes(sample, bandwidth) > 1 for sample in drawn)
    return float((more + 1) / (n_replicates + 1))


def critical_bandwidth(values: np.ndarray) -> float:
    """Give the smallest bandwidth of a normal kernel that leaves one mode."""
    low, high = 0.0, float(np.ptp(values))
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        low, high = (low, middle) if n_modes(values, middle) <= 1 else (middle, high)
    return high


def n_modes(values: np.ndarray, bandwidth: float) -> int:
    """Count the modes of a normal kernel density.

    Examples
    --------
    >>> n_modes(np.array([0.0, 0.0, 9.0, 9.0]), 1.0), n_modes(np.array([0.0, 0.0, 9.0, 9.0]), 9.0)
    (2, 1)
    """
    margin = 3 * bandwidth
    low, high = values.min() - margin, values.max() + margin
    counts = np.histogram(values, N_BINS, (low, high))[0].astype(float)
    step = (high - low) / N_BINS
    density = gaussian_filter1d(counts, bandwidth / step, mode="constant", truncate=6)
    slope = np.diff(density)
    # Far from all values the density is flat at rounding errors, which are no modes
    slope = slope[np.abs(slope) > 1e-9 * density.max()]
    return int(((slope[:-1] > 0) & (slope[1:] < 0)).sum())
