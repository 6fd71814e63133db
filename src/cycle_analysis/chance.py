"""What is left to chance: seeds of all that is drawn, and p-values of tests that are read together.

Every replicate has its own seed, so results do not depend on the number of workers. All resampling
goes through joblib: ``with joblib.parallel_config(n_jobs=4): ...`` sets the workers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from joblib import parallel_config

from cycle_analysis.problems import refuse

Seed = int | np.random.SeedSequence
"""What a resampling function takes as its seed."""
PATIENCE = 10
"""Seconds in which a cluster has to answer."""


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


def on_cluster(address: str) -> Any:
    """Give a client of a Dask cluster; while it is open, joblib's backend ``dask`` works there.

    Parameters
    ----------
    address : str
        Of its scheduler: ``tcp://127.0.0.1:8786``.

    Raises
    ------
    InputError
        If Dask is not installed, or not to be reached.
    """
    try:
        from dask.distributed import Client
    except ImportError:
        remedy = "pip install distributed, here and on the cluster"
        problem = "needs the library distributed, which is not installed"
        raise refuse("command line", "--dask", address, problem, "", remedy) from None
    try:
        return Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        problem, allowed = f"does not answer: {error}", "the address of a Dask scheduler"
        raise refuse("command line", "--dask", address, problem, allowed) from None


@contextmanager
def workers(n: int, address: str = "", shared: Sequence[Any] = ()) -> Iterator[int]:
    """Let joblib work in n processes, or on a Dask cluster; give the number of its workers.

    What is `shared` by many pieces of work goes to each worker of a cluster once.
    """
    if not address:
        with parallel_config(n_jobs=n):
            yield n
        return
    with on_cluster(address) as client, parallel_config(backend="dask", scatter=[*shared]):
        yield sum(client.ncores().values())


def alone(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Let a function do by itself what it would share: a worker has enough of one piece of work.

    Examples
    --------
    >>> alone(sum, [1, 2], start=3)
    6
    """
    with parallel_config(backend="sequential"):
        return work(*given, **named)


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
