"""Give every replicate its own seed, so results do not depend on the number of workers.

All resampling goes through joblib: ``with joblib.parallel_config(n_jobs=4): ...`` sets the workers.
"""

import numpy as np

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
