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
from scipy.optimize import linprog

SMALLEST_CELL = 5
"""Smallest number that may be shown."""
_TOLERANCE = 1e-6


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
    smallest : int
        The threshold.
    """

    counts: pd.DataFrame
    rows: pd.Series
    columns: pd.Series
    total: float
    smallest: int

    @property
    def withheld(self) -> pd.DataFrame:
        """Which cells are withheld, r × c."""
        return self.counts.isna()

    @property
    def shares(self) -> pd.DataFrame:
        """Share of its row for each cell, 0-1; withheld with the cell or with the row's total."""
        totals = self.rows.where(self.rows > 0)
        return self.counts.div(totals, axis=0)


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


def suppress_counts(counts: pd.Series, smallest: int = SMALLEST_CELL) -> pd.Series:
    """Withhold small counts of a one-way table whose total is published.

    Parameters
    ----------
    counts : Series
        Numbers of units, 0 or more, without NaN.
    smallest : int
        The threshold.

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
    column = counts.to_numpy(dtype=float)[:, None]
    _check(column, smallest)
    full = np.vstack([column, column.sum(axis=0, keepdims=True)])
    return pd.Series(_protect(full, smallest)[:-1, 0], counts.index, name=counts.name)


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
    counts: pd.DataFrame, smallest: int = SMALLEST_CELL, *, public_rows: bool = False
) -> Suppressed:
    """Withhold small cells of a two-way table whose totals are published.

    Parameters
    ----------
    counts : DataFrame, r rows × c columns
        Numbers of units, whole, 0 or more, without NaN.
    smallest : int
        The threshold, at least 1.
    public_rows : bool
        Whether the totals of the rows are known to everybody, as the number of municipalities
        of a province is; they are then never withheld, and nothing leans on withholding them.

    Returns
    -------
    Suppressed

    Raises
    ------
    ValueError
        When a count is missing, negative or not whole, or the threshold is under 1.

    Examples
    --------
    >>> counts = pd.DataFrame({"small": [2, 20, 9], "large": [30, 40, 50]}, index=["N", "E", "S"])
    >>> suppress_table(counts).counts.to_numpy().tolist()
    [[nan, nan], [20.0, 40.0], [nan, nan]]
    """
    values = counts.to_numpy(dtype=float)
    _check(values, smallest)
    if 1 in counts.shape:
        return _one_line(counts, smallest, public_rows=public_rows)
    shown = _protect(_with_totals(values), smallest, public_rows=public_rows)
    return Suppressed(
        pd.DataFrame(shown[:-1, :-1], counts.index, counts.columns),
        pd.Series(shown[:-1, -1], counts.index),
        pd.Series(shown[-1, :-1], counts.columns),
        float(shown[-1, -1]),
        smallest,
    )


def feasible_range(shown: np.ndarray, cell: tuple[int, int]) -> tuple[float, float]:
    """Find the lowest and highest value that a withheld cell can have, given all that is shown.

    Parameters
    ----------
    shown : array, (r + 1) × (c + 1)
        A table with its totals in the last row and column; NaN where withheld.
    cell : pair of int
        Place of the cell.

    Returns
    -------
    pair of float
        The upper end is infinite when nothing bounds it.

    Examples
    --------
    >>> feasible_range(np.array([[np.nan, np.nan, 9.0], [1.0, 2.0, 3.0], [5.0, 7.0, 12.0]]), (0, 0))
    (4.0, 4.0)
    """
    rows, columns = shown.shape
    unknown = np.flatnonzero(np.isnan(shown).ravel())
    signs = _balance(rows, columns)
    known = np.nan_to_num(shown).ravel()
    equations, values = signs[:, unknown], -(signs @ known)
    aim = (unknown == cell[0] * columns + cell[1]).astype(float)
    ends = []
    for direction in (1.0, -1.0):
        solved = linprog(direction * aim, A_eq=equations, b_eq=values, bounds=(0, None))
        ends.append(np.inf if solved.status == 3 else float(solved.fun) * direction)
    return _whole(ends[0]), _whole(ends[1])


def _check(values: np.ndarray, smallest: int) -> None:
    if smallest < 1:
        raise ValueError(f"smallest is {smallest}; give a whole number of at least 1")
    wrong = ~np.isfinite(values) | (values < 0) | (values % 1 != 0)
    if wrong.any():
        found = values[wrong][:5].tolist()
        raise ValueError(f"counts holds {found}; give whole numbers of 0 or more, none missing")


def _one_line(counts: pd.DataFrame, smallest: int, *, public_rows: bool) -> Suppressed:
    """Protect a table of one row or one column, whose cells are their own totals."""
    known = public_rows and counts.shape[1] == 1
    table = counts.astype(float) if known else suppress_cells(counts, smallest)
    total = float(counts.to_numpy().sum())
    total = np.nan if is_small(total, smallest) and not public_rows else total
    rows = table.iloc[:, 0] if counts.shape[1] == 1 else pd.Series(total, counts.index)
    columns = table.iloc[0] if counts.shape[0] == 1 else pd.Series(total, counts.columns)
    return Suppressed(table, rows, columns, total, smallest)


def _protect(full: np.ndarray, smallest: int, *, public_rows: bool = False) -> np.ndarray:
    """Withhold cells of a table with totals until none can be computed; NaN where withheld."""
    public = np.zeros(full.shape, dtype=bool)
    public[:, -1] = public_rows
    public[full[:, -1] == 0] |= public_rows
    hidden = (full > 0) & (full < smallest) & ~public
    while True:
        found = _alone(hidden, public) or _first_unsafe(full, hidden, public, smallest)
        if found is None:
            break
        extra = _cheapest(full, hidden, found, public)
        if extra is None:
            break
        hidden[extra] = True
    return np.where(hidden, np.nan, full)


def _with_totals(values: np.ndarray) -> np.ndarray:
    wide = np.hstack([values, values.sum(axis=1, keepdims=True)])
    return np.vstack([wide, wide.sum(axis=0, keepdims=True)])


def _balance(rows: int, columns: int) -> np.ndarray:
    """Equations of a table with totals: every row and column sums to its last cell."""
    cells = np.arange(rows * columns).reshape(rows, columns)
    lines = [line for line in (*cells, *cells.T) if len(line) > 1]
    signs = np.zeros((len(lines), rows * columns))
    for equation, line in enumerate(lines):
        signs[equation, line[:-1]] = 1.0
        signs[equation, line[-1]] = -1.0
    return signs


def _alone(hidden: np.ndarray, public: np.ndarray) -> tuple[int, int] | None:
    """Find a withheld cell that is the only one of its row or column: a subtraction gives it."""
    for cells, known in ((hidden, public), (hidden.T, public.T)):
        for line in np.flatnonzero(cells.sum(axis=1) == 1):
            place = int(np.argmax(cells[line]))
            if (~cells[line] & ~known[line]).any():
                return (int(line), place) if cells is hidden else (place, int(line))
    return None


def _first_unsafe(
    full: np.ndarray, hidden: np.ndarray, public: np.ndarray, smallest: int
) -> tuple[int, int] | None:
    """Find a withheld cell whose range is one value, or does not reach the threshold.

    It need not reach higher than a public total of its row, which everybody knows.
    """
    shown = np.where(hidden, np.nan, full)
    for row, column in np.argwhere(hidden):
        low, high = feasible_range(shown, (int(row), int(column)))
        reach = min(smallest, full[row, -1]) if public[row, -1] else smallest
        if high - low < 1 or (full[row, column] < smallest and high < reach):
            return int(row), int(column)
    return None


def _cheapest(
    full: np.ndarray, hidden: np.ndarray, cell: tuple[int, int], public: np.ndarray
) -> tuple[int, int] | None:
    """Choose what else to withhold: a cell of the same row or column, else any.

    Inner cells go before totals, filled cells before zeros, and the line in which the cell is
    withheld alone before the other. A cell that has a withheld one in its other line goes before
    a smaller one that has not: it closes a rectangle and needs no more.
    """
    allowed = ~hidden & ~public
    allowed[-1, -1] = False
    totals = np.zeros(full.shape, dtype=bool)
    totals[-1, :] = True
    totals[:-1, -1] = full.shape[1] > 1
    near = np.zeros(full.shape, dtype=bool)
    near[cell[0]] = near[:, cell[1]] = True
    if not (near & allowed).any():
        near[:] = True
    candidates = [
        (totals[place], full[place] == 0, *_lines(hidden, cell, place), full[place], place)
        for place in ((int(row), int(column)) for row, column in np.argwhere(near & allowed))
    ]
    return min(candidates)[-1] if candidates else None


def _lines(hidden: np.ndarray, cell: tuple[int, int], place: tuple[int, int]) -> tuple[bool, bool]:
    """Whether the line of `cell` and `place` is protected already, and whether the other is not."""
    row, column = place
    across, down = hidden[row], hidden[:, column]
    own, other = (across, down) if row == cell[0] else (down, across)
    return bool(own.sum() > 1), not other.any()


def _whole(value: float) -> float:
    """Round what the solver left of a whole number."""
    nearest = round(value) if np.isfinite(value) else value
    return float(nearest) if abs(nearest - value) < _TOLERANCE else float(value)
