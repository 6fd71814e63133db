"""The one door: how a number of units leaves, and every share and mean that rests on it.

Numbers of units are rounded to multiples of 5, shares are taken of rounded numbers, and none is
told of a whole under 20; a mean rests on 5 units or more. This rule is local: it holds for every
number by itself, so no further table can undo it, as tables could undo one another when single
cells were withheld. What is exact are the totals of a wave: how many were asked, and answered.

A true number of units is a `Units`. Nothing but a `Door` can read it: it cannot be printed,
compared, counted with or tested for being there, so that no text and no table can forget the rule.
"""

import math
import numbers
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Literal, NoReturn

import pandas as pd

from cycle_analysis.report.sources import Source, as_whole, made, sources_of
from cycle_analysis.report.sums import Limits, Sum, lay_out, settles

LEAST_WHOLE = 20
"""Smallest whole of which a share is told: rounding moves it by 12 points at most."""
LEAST_GROUP = 15
"""Smallest number told of every group of which it is told how something goes with it."""
LEAST_STEPS = 2
"""How many multiples the ends of the interval of a weighted share lie from it at least."""
MOST_MOVED = 3
"""How many parts of a whole may move to their other multiple."""


class UntoldError(TypeError):
    """A true number was about to be shown, compared or counted with."""


class Untold:
    """What only a door can read: it can be neither shown, nor compared, nor counted with.

    The sandbox of the texts refuses names that begin with an underscore.
    """

    _called: ClassVar[str] = "this"
    _filter: ClassVar[str] = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(behind the door)"

    def __str__(self) -> NoReturn:
        self._refuse("shown")

    def __format__(self, pattern: str) -> NoReturn:
        self._refuse("shown")

    def __bool__(self) -> NoReturn:
        self._refuse("tested for being there")

    def __int__(self) -> NoReturn:
        self._refuse("taken as a number")

    __float__ = __index__ = __complex__ = __round__ = __len__ = __iter__ = __int__

    def __eq__(self, other: object) -> NoReturn:
        self._refuse("compared")

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__

    def __hash__(self) -> NoReturn:
        self._refuse("hashed")

    def __add__(self, other: object) -> NoReturn:
        self._refuse("counted with")

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __add__
    __truediv__ = __rtruediv__ = __mod__ = __floordiv__ = __neg__ = __add__

    def _refuse(self, what: str) -> NoReturn:
        raise UntoldError(f"{self._called} cannot be {what}; write {{{{ {self._filter} }}}}")


@dataclass(frozen=True, repr=False, eq=False)
class Units(Untold):
    """A true number of units.

    Attributes
    ----------
    _n : int
        The number.
    _of : Units, optional
        The whole that it is part of, told as well; a share is taken of it.
    _exact : bool
        Whether it is told as it is: the totals of a wave, asked and answered.
    _shown : int, optional
        How it is told where the parts of a whole had to be fitted together, see `Door.parts`.

    Examples
    --------
    >>> n = Units(3)
    >>> print(n)
    Traceback (most recent call last):
    cycle_analysis.report.door.UntoldError: units cannot be shown; write {{ n|units }}
    >>> n > 0
    Traceback (most recent call last):
    cycle_analysis.report.door.UntoldError: units cannot be compared; write {{ n|units }}
    """

    _n: int
    _of: "Units | None" = None
    _exact: bool = False
    _shown: int | None = None
    _called, _filter = "units", "n|units"

    @property
    def _sources(self) -> tuple[Source, ...]:
        return sources_of(self._n)


def wave_total(n: float, whole: Units | None = None) -> Units:
    """Give a number that is told as it is: the units asked, or those that answered, in a wave."""
    return Units(as_whole(n), whole, _exact=True)


def units_of(counts: Iterable[float], whole: Units | None = None) -> list[Units]:
    """Set counts as units, each a part of the whole by itself.

    For parts that add up to the whole use `Door.parts`.
    """
    return [Units(as_whole(n), whole) for n in counts]


def units_behind(share: float, n: float, whole: Units | None = None) -> Units:
    """Give the number of units behind a share of `n`; none behind a share of nothing."""
    return Units(made(0 if pd.isna(share) else round(share * n), share, n), whole)


@dataclass(frozen=True, repr=False, eq=False)
class Mean(Untold):
    """A mean, or a difference of means, with the units that it rests on.

    Attributes
    ----------
    _value : float
        The mean.
    _units : Units
        The units over which it was taken; under 5 it is withheld.
    _low, _high : float
        Ends of its interval.
    _scale : float
        Length of its scale: 100 for scores, 1 for probabilities. A hundredth of it is a point, and
        means are told in whole points.
    """

    _value: float
    _units: Units
    _low: float = math.nan
    _high: float = math.nan
    _scale: float = 100.0
    _called, _filter = "a mean of units", "m|mean"

    @property
    def _sources(self) -> tuple[Source, ...]:
        return sources_of(self._value)


@dataclass(frozen=True, repr=False, eq=False)
class Weighted(Untold):
    """A weighted share of the population with its interval, and the units that were weighted."""

    _value: float
    _low: float
    _high: float
    _units: Units
    _called, _filter = "a weighted share", "n|share"

    @property
    def _sources(self) -> tuple[Source, ...]:
        ends = (self._value, self._low, self._high, self._units)
        return sources_of(ends) if sources_of(self._value) else ()


@dataclass(frozen=True)
class Share:
    """A share as it is told.

    Attributes
    ----------
    value : float
        0-1; NaN when it is not told.
    bound : str
        ``"less"`` or ``"more"`` when only a bound is told, else empty.
    """

    value: float
    bound: Literal["", "less", "more"] = ""

    @property
    def drawn(self) -> float:
        """How large it is drawn: not at all where only an upper bound is told."""
        return 0.0 if self.bound == "less" else self.value


@dataclass(frozen=True)
class Door:
    """What is told of true numbers; it gives numbers, so that all writers tell the same.

    Attributes
    ----------
    round_to : int
        Numbers of units are rounded to its multiples; 1 tells them as they are.

    Examples
    --------
    >>> door, answered = Door(), wave_total(216)
    >>> door.count(answered), door.count(Units(43, answered)), door.count(Units(2, answered))
    (216, 45, 0)
    >>> door.share(Units(43, answered))
    Share(value=0.20833333333333334, bound='')
    >>> door.share(Units(0, answered)), door.share(Units(216, answered))
    (Share(value=0.01, bound='less'), Share(value=0.98, bound='more'))
    >>> door.few(Units(4)), Door(1).share(Units(3, wave_total(4)))
    (True, Share(value=0.75, bound=''))
    """

    round_to: int = 5

    def count(self, units: Units) -> int:
        """Round a number of units, never above the whole that is told beside it.

        Above a whole of 8, 10 could only be 8: the rounding itself would prove that all did.
        """
        if units._exact or units._shown is not None:
            return int(units._n) if units._shown is None else units._shown
        return self._nearest(int(units._n), None if units._of is None else self.count(units._of))

    def whole(self, units: Units) -> int:
        """Give the whole that a share of these units is taken of."""
        return self.count(whole_of(units))

    def ratio(self, units: Units) -> float:
        """Give what puts shares in order, those that are told as bounds among them."""
        ratio = self.count(units) / max(self.whole(units), 1)
        return made(ratio, units, whole_of(units))

    def is_rounded(self, units: Units) -> bool:
        """Whether a number may differ from the true one."""
        return self.round_to > 1 and not units._exact

    def hardly_any(self, units: Units) -> bool:
        """Whether a number is told as none or nearly none."""
        return self.count(units) == 0

    def lists(self, units: Units) -> bool:
        """Whether something rests on units enough to be listed, as a combination of phases.

        What is listed adds up to numbers that are told too. With smaller ones the sums pinned some.
        """
        return self.count(units) >= (1 if self.round_to == 1 else 2 * self.round_to)

    def few(self, units: Units) -> bool:
        """Whether a mean of these units is withheld."""
        return units._n < self.round_to

    def share(self, units: Units) -> Share:
        """Take a share of the rounded numbers; none of a small whole, bounds at the ends."""
        n, whole = self.count(units), self.whole(units)
        if self.round_to == 1:
            return Share(n / whole if whole else math.nan)
        if whole < LEAST_WHOLE:
            return Share(math.nan)
        if units._exact and n == whole:  # stands beside it, exact as well
            return Share(1.0)
        (low, high), (low_whole, high_whole) = self._ends(units), self._ends(whole_of(units))
        percent = round(100 * n / whole)
        if n == 0 or percent == 0:
            return Share((math.floor(100 * high / low_whole) + 1) / 100, "less")
        if n >= self._nearest(whole, whole) or percent == 100:
            return Share((math.ceil(100 * low / high_whole) - 1) / 100, "more")
        return Share(n / whole)

    def weighted(self, share: Weighted) -> tuple[Share, float, float]:
        """Tell a weighted share as that of the units it is worth, and its interval in such steps.

        A weighted share is often nearly the unweighted one. So it is rounded at the same numbers,
        and its interval is wide enough wherever the true one lies: other steps would tell more.

        Examples
        --------
        >>> share, low, high = Door().weighted(Weighted(0.214, 0.171, 0.262, Units(215)))
        >>> round(share.value, 2), round(low, 2), round(high, 2)
        (0.21, 0.14, 0.28)
        """
        if self.round_to == 1:
            low, high = math.floor(100 * share._low + 1e-9), math.ceil(100 * share._high - 1e-9)
            return Share(round(share._value, 2)), max(low, 0) / 100, min(high, 100) / 100
        n = share._units._n
        worth = Units(round(share._value * n), share._units)
        if math.isnan(self.share(worth).value):
            return Share(math.nan), math.nan, math.nan
        half = n * max(share._value - share._low, share._high - share._value)
        steps = max(LEAST_STEPS, math.ceil(half / self.round_to + 0.5))
        whole, middle = self.count(share._units), self.count(worth)
        low, high = middle - steps * self.round_to, middle + steps * self.round_to
        return self.share(worth), max(low / whole, 0.0), min(high / whole, 1.0)

    def relates(self, groups: Iterable[Units]) -> bool:
        """Whether it may be told how something goes with these groups: none of them is small.

        The strength of an association is that of a table of numbers. With small groups it would
        tell some of them: one near 1, that all units of a group are alike.
        """
        return self.round_to == 1 or all(self.count(n) >= LEAST_GROUP for n in groups)

    def strength(self, effect: float) -> float:
        """Tell the strength of an association, 0 to 1, to a tenth.

        Examples
        --------
        >>> Door().strength(0.1935), Door(1).strength(0.1935)
        (0.2, 0.1935)
        """
        return effect if self.round_to == 1 else round(effect, 1)

    def mean(self, mean: Mean) -> tuple[float, float, float]:
        """Tell a mean and its interval in whole points; NaN where it rests on few units.

        Examples
        --------
        >>> Door().mean(Mean(43.26, Units(12), 38.9, 47.2)), Door().mean(Mean(43.2, Units(4)))
        ((43.0, 39.0, 47.0), (nan, nan, nan))
        """
        if self.few(mean._units):
            return math.nan, math.nan, math.nan
        point = mean._scale / 100
        value, low, high = (
            float(round(part / point) * point) if math.isfinite(part) else math.nan
            for part in (mean._value, mean._low, mean._high)
        )
        return value, low, high

    def parts(
        self, counts: Iterable[float], whole: Units, wholes: Sequence[Units] = ()
    ) -> list[Units]:
        """Set counts that add up to a whole as its parts, so that none can be told from the rest.

        Of 216, parts of 213 and 3 would be told as 215 and 5: rounded up so far that only they can
        be meant. Then one part moves to its other multiple, the largest that will do.

        Parameters
        ----------
        counts : iterable of int
            Numbers of units that add up to the whole.
        whole : Units
            The whole, told beside them.
        wholes : sequence of Units, optional
            What each is a part of besides, where shares are taken of that: of the units that
            answered, the groups are each a part of those asked in the group.

        Examples
        --------
        >>> door = Door()
        >>> [door.count(part) for part in door.parts([213, 3], wave_total(216))]
        [210, 5]
        """
        given = [*counts]
        true = [int(n) for n in given]
        if sum(true) != whole._n:
            raise ValueError("these counts do not add up to the whole; use units_of")
        of = wholes or [whole] * len(true)
        fits = len(true) == 1 or whole._n == 0
        return self.fit(given, of, [] if fits else [Sum(range(len(true)), whole)])

    def fit(
        self, counts: Iterable[float], wholes: Sequence[Units], sums: Iterable[Sum]
    ) -> list[Units]:
        """Set counts of which a reader knows sums, so that these do not tell any of them.

        A row of 2, 2, 2 and 2 would be told as four numbers near 0, and 10 together: rounded up
        so far that only these can be meant. Then the sum moves to its other multiple.

        Parameters
        ----------
        counts : iterable of int
            Numbers of units.
        wholes : sequence of Units
            What each is a part of.
        sums : iterable of Sum
            What they add up to, or are sums of, beside numbers that were set before.

        Examples
        --------
        >>> door, answered = Door(), wave_total(40)
        >>> cells = door.parts([2, 2, 2, 2, 9, 8, 8, 7], answered)
        >>> rows = [Sum(cells[:4], 0), Sum(cells[4:], 1), Sum(cells, answered)]
        >>> [door.count(row) for row in door.fit([8, 32], [answered] * 2, rows)]
        [5, 30]
        """
        given = [as_whole(n) for n in counts]
        true = [int(n) for n in given]
        known, lines = lay_out(len(true), sums)
        bounds = [self._reading(units) for units in known]
        settled = {len(true) + n for n, (low, high) in enumerate(bounds) if low == high}
        tops = [self.count(of) for of in wholes]
        shown = nearest = [self._nearest(n, top) for n, top in zip(true, tops, strict=True)]
        for way in self._ways(true, nearest) if lines and self.round_to > 1 else ():
            own = [
                self._meant(*told) for told in zip(way, tops, map(self._most, wholes), strict=True)
            ]
            if not settles([*own, *bounds], lines, settled):
                shown = way
                break
        moved = [
            n if told == near else made(int(n), *given, *known)
            for n, told, near in zip(given, shown, nearest, strict=True)
        ]
        return [Units(n, of, _shown=told) for n, of, told in zip(moved, wholes, shown, strict=True)]

    def _ways(self, true: list[int], nearest: list[int]) -> Iterator[list[int]]:
        """Give ways to tell numbers by either multiple, those that move fewest first."""
        largest = sorted(range(len(true)), key=lambda place: -true[place])
        for moved in range(MOST_MOVED + 1):
            for places in combinations(largest, moved):
                shown = list(nearest)
                for place in places:
                    step = self.round_to if true[place] > nearest[place] else -self.round_to
                    shown[place] += step * (true[place] != nearest[place])
                if min(shown) >= 0:
                    yield shown

    def _reading(self, units: Units) -> Limits:
        """Give the smallest and the largest number that are told so, when none moved."""
        if units._of is None or units._exact:
            return self._ends(units)
        return self._meant(self.count(units), self.count(units._of), self._most(units._of))

    def _most(self, units: Units) -> int:
        return self._reading(units)[1]

    def _meant(self, shown: int, top: int, most: int) -> tuple[int, int]:
        """Give the smallest and the largest number that are rounded to what is shown."""
        if shown > top:
            return most + 1, most
        is_top = shown == self._nearest(top, top)
        high = most if is_top else min(shown + (self.round_to - 1) // 2, most)
        return max(shown - self.round_to // 2, 0), high

    def _nearest(self, n: int, top: int | None) -> int:
        most = math.inf if top is None else self.round_to * (top // self.round_to)
        return int(min(self.round_to * ((n + self.round_to // 2) // self.round_to), most))

    def _ends(self, units: Units) -> tuple[int, int]:
        """Give the smallest and the largest number that may be meant by the one that is told."""
        if units._exact:
            return int(units._n), int(units._n)
        shown, far = self.count(units), self.round_to - 1
        top, most = shown + self.round_to, shown + far
        if units._of is not None:
            top, most = self.count(units._of), self._ends(units._of)[1]
        if units._shown is not None:
            return max(shown - far, 0), min(shown + far, most)
        return self._meant(shown, top, most)


def whole_of(units: Units) -> Units:
    """Give the whole that a share of these units is taken of."""
    if units._of is None:
        raise ValueError("a share needs a whole; give `_of` to these units")
    return units._of


def is_number(value: Any) -> bool:
    """Whether a value is a plain number, which a filter may write."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_missing(value: Any) -> bool:
    """Whether there is no value."""
    return value is None or (not isinstance(value, Untold) and bool(pd.isna(value)))
