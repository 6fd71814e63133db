"""What sums tell of the numbers that they are of: limits that narrow, until one has no choice.

Of a number that is told rounded a reader knows limits; of numbers that are told together also that
some add up to another. Each such sum narrows the limits of its parts and of its whole, and these
those of other sums (bounds propagation, as in constraint programming).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Limits = tuple[int, int]
"""The smallest and the largest number that may be meant."""
Line = tuple[list[int], int, bool]
"""Places of numbers, that of the number they add up to, and whether it leaves room for others."""


@dataclass(frozen=True, eq=False)
class Sum:
    """What a reader knows of numbers that are told together: some add up to another.

    Attributes
    ----------
    parts : sequence of Units or int
        Numbers that were set before; or the places of those that are being fitted.
    whole : Units or int
        What they add up to.
    leaves : bool
        Whether there may be others besides, so that they are at most the whole.
    """

    parts: Sequence[Any]
    whole: Any
    leaves: bool = False


def lay_out(n: int, sums: Iterable[Sum]) -> tuple[list[Any], list[Line]]:
    """Give the numbers known before, which follow on the n that are fitted, and sums of places."""
    known: dict[int, Any] = {}

    def place(number: Any) -> int:
        if isinstance(number, int):
            return number
        known.setdefault(id(number), number)
        return n + list(known).index(id(number))

    lines = [([place(part) for part in s.parts], place(s.whole), s.leaves) for s in sums]
    return list(known.values()), lines


def settles(limits: list[Limits], lines: Iterable[Line], settled: Collection[int]) -> bool:
    """Whether sums leave a number between limits no choice, of those that had one."""
    before: list[Limits] = []
    while before != limits and all(low <= high for low, high in limits):
        before = limits
        for line in lines:
            limits = _narrowed(limits, *line)
    if any(low > high for low, high in limits):
        return True
    return any(low == high and place not in settled for place, (low, high) in enumerate(limits))


def _narrowed(limits: list[Limits], places: list[int], whole: int, leaves: bool) -> list[Limits]:
    """Give the limits that are left when the numbers at these places add up to another."""
    low, high = (sum(limits[place][end] for place in places) for end in (0, 1))
    least, most = limits[whole]
    least, most = max(least, low), most if leaves else min(most, high)
    new = list(limits)
    new[whole] = (least, most)
    for place in places:
        down, up = limits[place]
        floor = down if leaves else max(down, least - (high - up))
        new[place] = (floor, min(up, most - (low - down)))
    return new
