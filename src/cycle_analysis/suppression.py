"""Choose which cells of a table of counts to withhold, until none of them can be computed.

A cell under the threshold is withheld (primary). Where linear programming finds that a withheld
cell can have one value only, or no value on the safe side of the threshold, further cells are
withheld (complementary; Hundepool et al. 2012, chapter 4). Where cells are parts of wholes that
everybody knows, a small rest counts as a small cell.
"""

import numpy as np
from scipy.optimize import linprog

Cell = tuple[int, int]
_TOLERANCE = 1e-6


def protect(full: np.ndarray, ceilings: np.ndarray, smallest: int) -> np.ndarray:
    """Withhold cells of a table with totals until none can be computed.

    Parameters
    ----------
    full : array, (r + 1) × (c + 1), or (r + 1) × 1
        Counts with their totals in the last row and column.
    ceilings : array, as `full`
        The known whole of each cell, infinite where there is none.
    smallest : int
        The threshold.

    Returns
    -------
    array, as `full`
        NaN where withheld.
    """
    hidden = _is_small(full, smallest) | _is_small(ceilings - full, smallest)
    while True:
        found = _alone(hidden) or _first_unsafe(full, hidden, ceilings, smallest)
        if found is None:
            break
        extra = _cheapest(full, hidden, found, ceilings)
        if extra is None:
            break
        hidden[extra] = True
    return np.where(hidden, np.nan, full)


def feasible_range(
    shown: np.ndarray, cell: Cell, ceilings: np.ndarray | None = None
) -> tuple[float, float]:
    """Find the lowest and highest value that a withheld cell can have, given all that is shown.

    Parameters
    ----------
    shown : array, (r + 1) × (c + 1)
        A table with its totals in the last row and column; NaN where withheld.
    cell : pair of int
        Place of the cell.
    ceilings : array, (r + 1) × (c + 1), optional
        The highest that each cell can be, where that is known.

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
    limits = np.full(shown.size, np.inf) if ceilings is None else ceilings.ravel()
    bounds = [(0, limit) for limit in limits[unknown]]
    aim = (unknown == cell[0] * columns + cell[1]).astype(float)
    ends = []
    for direction in (1.0, -1.0):
        solved = linprog(direction * aim, A_eq=equations, b_eq=values, bounds=bounds)
        ends.append(np.inf if solved.status == 3 else float(solved.fun) * direction)
    return _whole(ends[0]), _whole(ends[1])


def with_totals(values: np.ndarray) -> np.ndarray:
    """Add the totals of rows and columns as a last column and row."""
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


def _is_small(counts: np.ndarray, smallest: int) -> np.ndarray:
    return (counts > 0) & (counts < smallest)


def _alone(hidden: np.ndarray) -> Cell | None:
    """Find a withheld cell that is the only one of its row or column: a subtraction gives it."""
    for cells in (hidden, hidden.T):
        if cells.shape[1] == 1:
            continue
        for line in np.flatnonzero(cells.sum(axis=1) == 1):
            place = int(np.argmax(cells[line]))
            return (int(line), place) if cells is hidden else (place, int(line))
    return None


def _first_unsafe(
    full: np.ndarray, hidden: np.ndarray, ceilings: np.ndarray, smallest: int
) -> Cell | None:
    """Find a withheld cell whose range is one value, or does not leave the small numbers.

    It need not reach higher than its whole, which everybody knows.
    """
    shown = np.where(hidden, np.nan, full)
    for row, column in np.argwhere(hidden):
        cell = int(row), int(column)
        low, high = feasible_range(shown, cell, ceilings)
        count, whole = full[cell], ceilings[cell]
        reach = min(smallest, whole)
        is_low = 0 < count < smallest and high < reach
        is_high = 0 < whole - count < smallest and whole - low < reach
        if high - low < 1 or is_low or is_high:
            return cell
    return None


def _cheapest(
    full: np.ndarray, hidden: np.ndarray, cell: Cell, ceilings: np.ndarray
) -> Cell | None:
    """Choose what else to withhold: a cell of the same row or column, else any.

    Inner cells go before totals, filled cells before zeros, and the line in which the cell is
    withheld alone before the other. A cell that has a withheld one in its other line goes before
    a smaller one that has not: it closes a rectangle and needs no more. A cell of which the whole
    is nothing hides nothing.
    """
    allowed = ~hidden & (ceilings > 0)
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


def _lines(hidden: np.ndarray, cell: Cell, place: Cell) -> tuple[bool, bool]:
    """Whether the line of `cell` and `place` is protected already, and whether the other is not."""
    row, column = place
    across, down = hidden[row], hidden[:, column]
    own, other = (across, down) if row == cell[0] else (down, across)
    return bool(own.sum() > 1), not other.any()


def _whole(value: float) -> float:
    """Round what the solver left of a whole number."""
    nearest = round(value) if np.isfinite(value) else value
    return float(nearest) if abs(nearest - value) < _TOLERANCE else float(value)
