"""Whether other samples and other methods give the same profiles: facts of notebook 06."""

from functools import cached_property
from typing import Any

import pandas as pd

from cycle_analysis.report.chapter import VALIDITY, Chapter, facts_from
from cycle_analysis.report.chapters.measurement import MeasurementChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.columns import GROUP, SHARE, Rows, code, number, percent
from cycle_analysis.report.door import Units
from cycle_analysis.report.sources import Source, as_whole, made

STABILITY = ((0.85, "very_stable"), (0.75, "stable"), (0.60, "unsure"), (-1.0, "unstable"))
"""Hennig's (2007) reading of the mean Jaccard coefficient."""
LARGE = 0.20
"""Share of units in another group from which two divisions differ (Mooi & Sarstedt 2011)."""


class ValidityChapter(Chapter):
    """Do the findings hold?"""

    key = "validity"

    measurement = facts_from(MeasurementChapter)
    profiles = facts_from(ProfilesChapter)

    @cached_property
    def jaccard(self) -> dict[str, Any]:
        """Lowest and highest stability of the groups, and how the lowest reads."""
        values = self._jaccard["jaccard"].dropna()
        low, high = values.min(), values.max()
        told = {"low": low, "high": high, "reading": _reading(low)}
        return {"known": not values.empty, "one": bool(low == high), **told}

    @cached_property
    def stable_from(self) -> dict[str, float]:
        """Mean Jaccard coefficient from which a group reads so."""
        source = Source("method", __name__, "STABILITY")
        return {name: made(least, source, how="") for least, name in STABILITY}

    @cached_property
    def replicates(self) -> float:
        """How many samples were drawn again."""
        return self.parameter(VALIDITY, "n_replicates", self.reference)

    @cached_property
    def ward(self) -> dict[str, Any]:
        """How far the division of Ward and k-means agrees, and whether it warns."""
        return self._choices["ward"]

    @cached_property
    def choices(self) -> list[dict[str, Any]]:
        """Other choices, and how many units each puts in another group."""
        return list(self._choices.values())

    def table_stability(self) -> Rows:
        """How stable each group is."""
        groups = {group.number: group for group in self.groups}
        rows = [
            {"group": groups[int(str(place))], "reading": _reading(row["jaccard"]), **row}
            for place, row in self._jaccard.iterrows()
        ]
        kinds = {"group": GROUP, "jaccard": number(2), "reading": code("stability")}
        return Rows(kinds | {"recovered": percent(), "dissolved": percent()}, rows)

    def table_choices(self) -> Rows:
        """How far other choices agree with the division."""
        return Rows({"choice": code("choices"), "moved": SHARE}, self.choices)

    @cached_property
    def _jaccard(self) -> pd.DataFrame:
        return self.load(VALIDITY, "jaccard", self.reference)

    @cached_property
    def _choices(self) -> dict[str, dict[str, Any]]:
        table = self.load(VALIDITY, "agreement", self.reference)
        return {str(name): self._choice(str(name), row) for name, row in table.iterrows()}

    def _choice(self, name: str, row: pd.Series) -> dict[str, Any]:
        n = Units(as_whole(row["n_units"]), self.answered_in(self.reference))
        moved = Units(as_whole(row["n_moved"]), n)
        warned = self.door.ratio(moved) > LARGE
        return {"choice": name, "n": n, "moved": moved, "warned": warned}


def _reading(jaccard: float) -> str:
    return next((name for least, name in STABILITY if jaccard >= least), "unknown")
