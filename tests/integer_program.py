"""An integer program whose variables are numbers of units by what they are of: for `audit`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from ledger import Name
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, eye_array, hstack
from scipy.sparse.csgraph import connected_components

from cycle_analysis.report.door import Units

TIME = 20.0
"""Seconds for one integer program."""
World = Mapping[Name, int]
"""A number for everything that is counted, told or not."""


@dataclass
class Model:
    """An integer program, by names.

    Attributes
    ----------
    most : int
        A number that no variable exceeds.
    places : dict of Name to int
        The place of each variable.
    """

    most: int
    places: dict[Name, int] = field(default_factory=dict)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def __contains__(self, name: Name) -> bool:
        return name in self.places

    def within(self, name: Name, low: float = 0.0, high: float = np.inf) -> int:
        """Say between which numbers a variable lies, a new one if it is not there."""
        if name not in self.places:
            self.places[name] = len(self.places)
            self.low.append(0.0)
            self.high.append(self.most)
        place = self.places[name]
        self.low[place] = max(self.low[place], low)
        self.high[place] = min(self.high[place], high)
        return place

    def row(
        self, terms: Iterable[tuple[Name, float]], low: float = 0.0, high: float = np.inf
    ) -> None:
        """Say between which numbers a sum lies."""
        coefficients: dict[int, float] = {}
        for name, factor in terms:
            place = self.within(name)
            coefficients[place] = coefficients.get(place, 0.0) + factor
        self.rows.append((coefficients, low, high))

    def adds_up(self, parts: Iterable[Name], whole: Name) -> None:
        """Say that parts add up to a whole."""
        self.row([*((part, 1.0) for part in parts), (whole, -1.0)], 0.0, 0.0)

    def equals(
        self,
        parts: Iterable[tuple[Name, float]],
        whole: Units,
        names: Mapping[int, Name],
        leaves: bool = False,
    ) -> None:
        """Say that a sum is a whole, which is exact or has a name, or leaves a rest of it."""
        known = [] if whole._exact else [(names[id(whole)], -1.0)]
        n = whole._n if whole._exact else 0
        self.row([*parts, *known], -np.inf if leaves else n, n)

    def at_most(self, part: Name, whole: Name) -> None:
        """Say that one number is at most another, where both are told."""
        if part in self and whole in self:
            self.row([(part, -1.0), (whole, 1.0)])

    def solve(
        self,
        terms: Mapping[Name, float],
        bounds: Mapping[Name, tuple[float, float]] | None = None,
        stay: tuple[World, World] | None = None,
    ) -> World | None:
        """Find the world in which a sum is smallest; none when there is no world.

        To stay near a world is to pay so much for each unit that a number is away from it.
        """
        n, low, high = len(self.places), np.array(self.low), np.array(self.high)
        for name, ends in (bounds or {}).items():
            low[self.places[name]], high[self.places[name]] = ends
        known, away = (self._vector(part) for part in stay or ({}, {}))
        one, rows = eye_array(n), self._constraints
        found = milp(
            np.array([*self._vector(terms), *away]),
            integrality=np.arange(2 * n) < n,
            bounds=Bounds(np.array([*low, *np.zeros(n)]), np.array([*high, *np.full(n, np.inf)])),
            constraints=[
                LinearConstraint(hstack([rows.A, csr_array(rows.A.shape)]), rows.lb, rows.ub),
                LinearConstraint(block_array([[one, one], [-one, one]]), [*known, *-known], np.inf),
            ][: 1 + bool(stay)],
            options={"time_limit": TIME, "mip_rel_gap": 0.2},
        )
        if found.x is None:
            return None
        return {name: round(found.x[place]) for name, place in self.places.items()}

    def _vector(self, terms: Mapping[Name, float]) -> np.ndarray:
        vector = np.zeros(len(self.places))
        for name, factor in terms.items():
            vector[self.places[name]] = factor
        return vector

    @cached_property
    def _constraints(self) -> LinearConstraint:
        entries = [(r, p, f) for r, (row, _, _) in enumerate(self.rows) for p, f in row.items()]
        rows, places, factors = (np.array(part) for part in zip(*entries, strict=True))
        shape = (len(self.rows), len(self.places))
        ends = np.array([ends for _, *ends in self.rows])
        return LinearConstraint(csr_array((factors, (rows, places)), shape), ends[:, 0], ends[:, 1])

    @cached_property
    def groups(self) -> dict[Name, int]:
        """Numbers of variables that hang together, by the name of each variable."""
        found = connected_components(abs(self._constraints.A.T) @ abs(self._constraints.A))[1]
        return {name: int(found[place]) for name, place in self.places.items()}
