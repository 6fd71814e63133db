"""Who is in which profile: what profiles go with, facts of notebook 05."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.moves import plot_composition
from cycle_analysis.report.chapter import PROFILES, facts_from
from cycle_analysis.report.chapters.contest import ContestFacts
from cycle_analysis.report.chapters.response import ResponseChapter
from cycle_analysis.report.columns import COUNT, SHARE, TEXT, Rows, code, interval, number
from cycle_analysis.report.door import Units, units_of
from cycle_analysis.report.sources import made
from cycle_analysis.report.sums import Sum
from cycle_analysis.texts import NOTHING

SURE = 0.05
"""p-value under which an association is said to be more than chance."""


class BackgroundFacts(ContestFacts):
    """Groups beside the background of units."""

    @cached_property
    def associations(self) -> list[dict[str, Any]]:
        """What the groups go with, strongest first; how strongly, and whether that is no chance."""
        table = self.load(PROFILES, "background", self.reference)
        return [self._association(str(name), row) for name, row in table.iterrows()]

    @cached_property
    def composition(self) -> list[dict[str, Any]]:
        """Who is in which group: for each background what it is, and its most telling groups.

        `most` and `least` are the categories of units in which `group` is most and least common, of
        the group for which these lie furthest apart; None where no share is told. `drawn` is
        whether there are two categories or more to draw.
        """
        return [
            {"by": by, "sure": self._sure(by), "drawn": len(self._shares_of(by)) > 1}
            | self._widest(by)
            for by in self._crossed
        ]

    @cached_property
    def has_background(self) -> bool:
        """Whether any background was related to the groups."""
        return not self.load(PROFILES, "background", self.reference).empty

    # Tables and figures.

    def table_background(self) -> Rows:
        """What the groups go with, strongest first."""
        kinds = {
            **{"variable": code("backgrounds"), "measure": TEXT, "effect": number(1)},
            **{"interval": interval(1), "sure": code("yes_no")},
        }
        return Rows(kinds, self.associations)

    def table_composition(self) -> Rows:
        """Which share of the units with each background is in each group."""
        heads = {f"in_{group.number}": self.language.title(group) for group in self.groups}
        rows = [
            {"by": by, "category": category, "n": total}
            | {f"in_{number}": n for number, n in cells.items()}
            for by, table in self._crossed.items()
            for category, (total, cells) in table.items()
        ]
        kinds = {"by": code("backgrounds"), "category": code("background_groups"), "n": COUNT}
        return Rows(kinds | dict.fromkeys(heads, SHARE), rows, {"groups": heads})

    def figure_composition(self, by: str) -> Callable[..., Axes]:
        """The same for one background, as bars."""
        return partial(plot_composition, self._shares_of(by), names=self._group_names)

    # What facts are made of.

    @cached_property
    def _crossed(self) -> dict[str, dict[str, tuple[Units, dict[int, Units]]]]:
        """Units by background and group: for each category those that answered, and each group.

        They are told so that what they add up to, the categories and the groups, tells none.
        """
        shares = self.load(PROFILES, "background_shares", self.reference)["value"]
        answered_by: dict[str, dict[str, Units]] = self._response["response"]["answered_by"]
        crossed = {}
        for by, totals in answered_by.items():
            if by in shares.index.unique("variable"):
                counts = [
                    [
                        round(shares[(by, number, category)] * self._sizes[number])
                        if (by, number, category) in shares.index
                        else made(0, shares)
                        for number in self._sizes.index
                    ]
                    for category in totals
                ]
                cells = iter(self._fitted(np.array(counts, object), list(totals.values())))
                crossed[by] = {
                    category: (n, {group.number: next(cells) for group in self.groups})
                    for category, n in totals.items()
                }
        return crossed

    def _fitted(self, counts: np.ndarray, totals: list[Units]) -> list[Units]:
        """Set counts, categories × groups, that add up to the groups, and to the categories.

        Of a category there may be others, that answered without a score.
        """
        wide, places = counts.shape[1], list(range(counts.size))
        sums = [
            Sum(places[row * wide :][:wide], n, leaves=bool(counts[row].sum() < n._n))
            for row, n in enumerate(totals)
        ]
        sums += [Sum(places[column::wide], g.n) for column, g in enumerate(self.groups)]
        wholes = [total for total in totals for _ in self.groups]
        return self.door.fit(counts.ravel(), wholes, sums)

    _response = facts_from(ResponseChapter)

    def _shares_of(self, by: str) -> pd.DataFrame:
        """Shares of the groups, as told, in each category of which they are told."""
        shares = {
            self.language.code_word(category, "background_groups"): {
                number: self.door.share(n).drawn for number, n in cells.items()
            }
            for category, (_, cells) in self._crossed[by].items()
        }
        return pd.DataFrame.from_dict(shares, "index").dropna()

    def _sure(self, by: str) -> bool:
        """Whether the groups go with a background by more than chance, as far as that is told."""
        return any(told["variable"] == by and told["sure"] == "True" for told in self.associations)

    def _widest(self, by: str) -> dict[str, Any]:
        gaps: list[tuple[float, dict[str, Any]]] = []
        for group in self.groups:
            told = {
                category: cells[group.number]
                for category, (_, cells) in self._crossed[by].items()
                if self.language.is_told(cells[group.number])
            }
            ranked = sorted((self.door.ratio(n), category) for category, n in told.items())
            if len(ranked) > 1:
                (low, least), (high, most) = ranked[0], ranked[-1]
                about = {"least": {"category": least, "n": told[least]}}
                about |= {"most": {"category": most, "n": told[most]}}
                gaps.append((high - low, {"group": group, **about}))
        return max(gaps, key=lambda found: found[0])[1] if gaps else {"group": None}

    def _association(self, name: str, row: pd.Series) -> dict[str, Any]:
        """Give how strongly a background goes with the groups, where no group is small."""
        sizes = self.load(PROFILES, "margins", self.reference)["n"].loc[[name]]
        own = [group.n for group in self.groups]
        told = self.door.relates([*own, *units_of(sizes, self.divided)])
        effect, *ends = (
            self.door.strength(row[of]) if told else np.nan for of in ("corrected", "low", "high")
        )
        sure = str(bool(row["p_holm"] < SURE)) if told else NOTHING
        about = {"variable": name, "measure": str(row["measure"]), "told": told}
        return about | {"effect": effect, "interval": tuple(ends), "sure": sure}
