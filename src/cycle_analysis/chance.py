"""What is left to chance: seeds of all that is drawn, and p-values of tests that are read together.

Every replicate has its own seed, so results do not depend on the number of workers. All resampling
goes through joblib: ``with joblib.parallel_config(n_jobs=4): ...`` sets the workers.
"""

import numpy as np
import pandas as pd

Seed = int | np.random.SeedSequence
"""What a resampling function takes as its seed."""


def children(seed: Seed, n: int) -> list[np.random.SeedSequence]:
    """Spawn n seeds from one: the same n each time, whatever was spawned before.

    Examples
    --------
    >>> first, second = children(1, 2)
    >>> first.spawn_key, second.spawn_key
    ((0,), (1,))
    >>> children(first, 1)[0].spawn_key
    (0, 0)
    """
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key).spawn(n)
    return np.random.SeedSequence(seed).spawn(n)


def holm(p: pd.Series) -> pd.Series:
    """Adjust p-values so that the chance of one false finding among all stays at the level.

    Parameters
    ----------
    p : Series
        p-values of tests that are read together; NaN, of a test that could not be done, is left
        out.

    Returns
    -------
    Series, on the index of `p`

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics 6(2).

    Examples
    --------
    >>> holm(pd.Series([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    known = p.dropna().sort_values(kind="stable")
    factors = np.arange(len(known), 0, -1)
    return (known * factors).clip(upper=1).cummax().reindex(p.index)
