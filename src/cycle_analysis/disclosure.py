"""Keep small cells out of published tables: primary and complementary suppression.

A cell under the threshold is withheld (primary); where it could be computed from the totals, or
narrowed to less than the threshold, further cells are withheld (complementary) until linear
programming finds that every withheld cell may lie under as well as on or above the threshold
(Hundepool et al. 2012, chapter 4). Zero is shown: it counts nobody. Tables are protected one by
one; two tables with a common margin may tell together what neither tells alone. The real remedy
is fewer cells.

References
----------
Hundepool, A. et al. (2012). Statistical disclosure control. Wiley.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.suppression import protect, with_totals

SMALLEST_CELL = 5
"""Smallest number that may be shown."""


@dataclass(frozen=True, eq=False)
class Suppressed:
    """A table of counts of which some cells are withheld.

    Attributes
    ----------
    counts : DataFrame, r rows × c columns
        Numbers of units, NaN where withheld.
    rows, columns : Series
        Totals of the rows and of the columns, NaN where withheld.
    total : float
        Grand total, NaN where withheld.
    """

    counts: pd.DataFrame
    rows: pd.Series
    columns: pd.Series
    total: float


def is_small(count: float, smallest: int = SMALLEST_CELL) -> bool:
    """Whether a single count must be withheld: 1 up to the threshold; 0 counts nobody.

    Examples
    --------
    >>> is_small(4), is_small(5), is_small(0)
    (True, False, False)
    """
    return bool(0 < count < smallest)


def is_small_part(count: float, n: float, smallest: int = SMALLEST_CELL) -> bool:
    """Whether a part of a known whole must be withheld, because it or the rest is small.

    Examples
    --------
    >>> is_small_part(214, 216), is_small_part(0, 216), is_small_part(40, 216)
    (True, False, False)
    """
    return is_small(count, smallest) or is_small(n - count, smallest)


def suppress_counts(
    counts: pd.Series, smallest: int = SMALLEST_CELL, wholes: pd.Series | None = None
) -> pd.Series:
    """Withhold small counts of a one-way table whose total is published.

    Parameters
    ----------
    counts : Series
        Numbers of units, 0 or more, without NaN.
    smallest : int
        The threshold.
    wholes : Series, optional
        As for `suppress_table`.

    Returns
    -------
    Series
        NaN where withheld.

    Raises
    ------
    ValueError
        As `suppress_table`.

    Examples
    --------
    >>> suppress_counts(pd.Series({"a": 3, "b": 20, "c": 8})).to_dict()
    {'a': nan, 'b': 20.0, 'c': nan}
    """
    column, limits = _values(
        counts.to_frame(), smallest, None if wholes is None else wholes.to_frame()
    )
    full, ceilings = (np.vstack([part, part.sum(axis=0)]) for part in (column, limits))
    return pd.Series(protect(full, ceilings, smallest)[:-1, 0], counts.index, name=counts.name)


def suppress_cells(counts: pd.DataFrame, smallest: int = SMALLEST_CELL) -> pd.DataFrame:
    """Withhold small cells of a two-way table of which only the grand total is published.

    Without totals of rows and columns, and without shares of them, far fewer cells must go.

    Parameters
    ----------
    counts : DataFrame
        As for `suppress_table`.
    smallest : int
        The threshold.

    Returns
    -------
    DataFrame
        NaN where withheld.

    Raises
    ------
    ValueError
        As `suppress_table`.

    Examples
    --------
    >>> counts = pd.DataFrame({"stay": [23, 19], "go": [3, 2]}, index=["A", "B"])
    >>> suppress_cells(counts).to_numpy().tolist()
    [[23.0, nan], [19.0, nan]]
    """
    cells = suppress_counts(pd.Series(counts.to_numpy().ravel()), smallest)
    return pd.DataFrame(
        cells.to_numpy().reshape(counts.shape), index=counts.index, columns=counts.columns
    )


def suppress_table(
    counts: pd.DataFrame, smallest: int = SMALLEST_CELL, wholes: pd.DataFrame | None = None
) -> Suppressed:
    """Withhold small cells of a two-way table whose totals are published.

    Parameters
    ----------
    counts : DataFrame, r rows × c columns
        Numbers of units, whole, 0 or more, without NaN.
    smallest : int
        The threshold, at least 1.
    wholes : DataFrame, r rows × c columns, optional
        Known wholes of which the counts are parts, as the number of municipalities of a province
        of which some responded. Then the rest is protected as the counts are.

    Returns
    -------
    Suppressed

    Raises
    ------
    ValueError
        When a count is missing, negative or not whole, a whole is smaller than its part, or the
        threshold is under 1.

    Examples
    --------
    >>> counts = pd.DataFrame({"small": [2, 20, 9], "large": [30, 40, 50]}, index=["N", "E", "S"])
    >>> suppress_table(counts).counts.to_numpy().tolist()
    [[nan, nan], [20.0, 40.0], [nan, nan]]
    >>> wholes = counts.assign(small=[30, 50, 10], large=90)
    >>> suppress_table(counts, wholes=wholes).counts.to_numpy().tolist()
    [[nan, nan], [20.0, 40.0], [nan, nan]]
    """
    values, limits = _values(counts, smallest, wholes)
    if 1 in counts.shape:
        return _one_line(counts, smallest, wholes)
    shown = protect(with_totals(values), with_totals(limits), smallest)
    return Suppressed(
        pd.DataFrame(shown[:-1, :-1], counts.index, counts.columns),
        pd.Series(shown[:-1, -1], counts.index),
        pd.Series(shown[-1, :-1], counts.columns),
        float(shown[-1, -1]),
    )


def _values(
    counts: pd.DataFrame, smallest: int, wholes: pd.DataFrame | None
) -> tuple[np.ndarray, np.ndarray]:
    """Counts and the highest that each can be, after a check of both."""
    values = counts.to_numpy(dtype=float)
    limits = np.full(values.shape, np.inf) if wholes is None else wholes.to_numpy(dtype=float)
    if smallest < 1:
        raise ValueError(f"smallest is {smallest}; give a whole number of at least 1")
    wrong = ~np.isfinite(values) | (values < 0) | (values % 1 != 0)
    if wrong.any():
        found = values[wrong][:5].tolist()
        raise ValueError(f"counts holds {found}; give whole numbers of 0 or more, none missing")
    if not (values <= limits).all():
        found = values[~(values <= limits)][:5].tolist()
        raise ValueError(f"counts holds {found}, more than their wholes; give the wholes of these")
    return values, limits


def _one_line(counts: pd.DataFrame, smallest: int, wholes: pd.DataFrame | None) -> Suppressed:
    """Protect a table of one row or one column, whose cells are their own totals."""
    flat = pd.Series(counts.to_numpy().ravel())
    whole = None if wholes is None else pd.Series(wholes.to_numpy().ravel())
    cells = suppress_counts(flat, smallest, whole).to_numpy().reshape(counts.shape)
    table = pd.DataFrame(cells, index=counts.index, columns=counts.columns)
    total = float(flat.sum())
    rest = np.inf if whole is None else whole.sum() - total
    total = np.nan if is_small(total, smallest) or is_small(rest, smallest) else total
    rows = table.iloc[:, 0] if counts.shape[1] == 1 else pd.Series(total, counts.index)
    columns = table.iloc[0] if counts.shape[0] == 1 else pd.Series(total, counts.columns)
    return Suppressed(table, rows, columns, total)
