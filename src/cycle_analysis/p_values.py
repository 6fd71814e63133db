"""Adjust p-values of several tests, wherever in the package they come from."""

import numpy as np
import pandas as pd


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
