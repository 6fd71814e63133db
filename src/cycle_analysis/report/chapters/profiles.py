"""What each of the profiles is: facts of notebook 05, beside those of 04 in `contest`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from cycle_analysis.figures.profiles import (
    plot_profiles,
    plot_tree,
)
from cycle_analysis.profiles.typology import height_of
from cycle_analysis.report.chapter import CYCLE, NUMBER, PROFILES, Group
from cycle_analysis.report.chapters.contest import ContestFacts
from cycle_analysis.report.columns import (
    COUNT,
    GROUP,
    MEAN,
    SHARE,
    TEXT,
    WEIGHTED,
    Rows,
    code,
    interval,
    number,
)
from cycle_analysis.report.door import Mean, Units, Weighted, units_of
from cycle_analysis.report.sums import Sum
from cycle_analysis.texts import NOTHING

STRIKING = 5
"""Points from the mean of all units from which a phase stands out."""
MOST_STRIKING = 3
"""How many phases that stand out are told."""
SURE = 0.05
"""p-value under which an association is said to be more than chance."""


@dataclass(frozen=True, eq=False)
class PhaseMean:
    """A mean, or a difference of means, on one phase."""

    phase: str
    mean: Mean


@dataclass(frozen=True, eq=False)
class Crossing:
    """Two groups of which the lower one is higher on some phases, by as many points."""

    lower: Group
    higher: Group
    gaps: list[PhaseMean]


@dataclass(frozen=True, eq=False)
class Told:
    """What a figure of profiles may show: means and rounded sizes, as of a `Partition`."""

    centroids: pd.DataFrame
    sizes: pd.Series


@dataclass(frozen=True, eq=False)
class Portrait:
    """What one group is.

    Attributes
    ----------
    group : Group
        Its number, names and size.
    shown : bool
        Whether enough is known to describe it.
    means : list of PhaseMean
        Its mean score per phase, in the order of the cycle.
    level : Mean
        Its mean over phases.
    height : str
        How high that is, a code.
    highest, lowest : PhaseMean
        The phases with the highest and the lowest mean.
    above, below : list of PhaseMean
        Phases that lie well above or below the mean of all units, with the difference.
    all_above, all_below : bool
        Whether all phases do.
    leading, lagging : list of str
        Phases on which it is ahead or behind, given its level.
    placed : Units
        How many of its units are clearly placed.
    """

    group: Group
    shown: bool
    means: list[PhaseMean]
    level: Mean
    height: str
    highest: PhaseMean | None
    lowest: PhaseMean | None
    above: list[PhaseMean]
    below: list[PhaseMean]
    all_above: bool
    all_below: bool
    leading: list[str]
    lagging: list[str]
    placed: Units


class ProfilesChapter(ContestFacts):
    """Are there profiles, how many, and what is each of them?"""

    key = "profiles"

    # What the groups are, and what lies between them.

    @cached_property
    def edges(self) -> list[dict[str, Any]]:
        """Neighbouring groups and the valley between them, deepest first."""
        if self.k == 1 or self.k != self.best.k or not self.has_shown:
            return []
        return [
            {
                **{"first": int(row.first), "second": int(row.second), "p": float(row.p)},
                **{"ratio": float(row.ratio), "apart": bool(row.apart)},
            }
            for row in self.load(NUMBER, "valleys", self.reference).reset_index().itertuples()
        ]

    @cached_property
    def elevation(self) -> float:
        """Share of level in the difference between the groups."""
        return self._shares["elevation"]

    @cached_property
    def scatter(self) -> float:
        """Share of scatter between phases."""
        return self._shares["scatter"]

    @cached_property
    def shape(self) -> float:
        """Share of shape."""
        return self._shares["shape"]

    @cached_property
    def crossings(self) -> list[Crossing]:
        """Pairs of groups whose lines cross, of those that are shown."""
        groups = {group.number: group for group in self.groups}
        table = self.load(PROFILES, "crossings", self.reference)
        return [
            Crossing(
                groups[int(lower)],
                groups[int(higher)],
                [
                    PhaseMean(row.phase, Mean(row.difference, self._smaller(lower, higher)))
                    for row in rows.itertuples()
                ],
            )
            for (lower, higher), rows in table.groupby(["lower", "higher"])
            if groups[int(lower)].shown and groups[int(higher)].shown
        ]

    @cached_property
    def portraits(self) -> list[Portrait]:
        """Each of the groups."""
        return [self._portrait(group) for group in self.groups] if self.k > 1 else []

    @cached_property
    def has_shown(self) -> bool:
        """Whether any group has units enough to be drawn."""
        return any(portrait.shown for portrait in self.portraits)

    # How surely units belong, and what the groups go with.

    @cached_property
    def has_certainty(self) -> bool:
        """Whether a model says how surely units belong; levels that were cut have none."""
        return bool(self._members["certainty"].notna().any())

    @cached_property
    def threshold(self) -> float:
        """Probability from which a unit counts as clearly placed."""
        return self.parameter(PROFILES, "clearly_placed", self.reference)

    @cached_property
    def doubtful(self) -> Units:
        """How many units are not clearly placed."""
        return self._clearly_or_not[1]

    @cached_property
    def placed(self) -> Units:
        """How many units are clearly placed."""
        return self._clearly_or_not[0]

    @cached_property
    def associations(self) -> list[dict[str, Any]]:
        """What the groups go with, strongest first; how strongly, and whether that is no chance."""
        table = self.load(PROFILES, "background", self.reference)
        return [self._association(str(name), row) for name, row in table.iterrows()]

    @cached_property
    def has_background(self) -> bool:
        """Whether any background was related to the groups."""
        return not self.load(PROFILES, "background", self.reference).empty

    # Tables and figures.

    def table_profiles(self) -> Rows:
        """Mean score per phase of each group."""
        rows = [
            {p.phase: p.mean for p in portrait.means}
            | {"group": portrait.group, "n": portrait.group.n, "level": portrait.level}
            for portrait in self.portraits
        ]
        kinds = {"group": GROUP, "n": COUNT, "level": MEAN} | dict.fromkeys(self.phases, MEAN)
        return Rows(kinds, rows, {"phases": self.study.phase_names(self.language.code)})

    def table_sizes(self) -> Rows:
        """How large each group is, in the sample and in the population, and how sure."""
        weighted = self.load(PROFILES, "weighted_shares", self.reference).rename(index=int)
        rows = [
            {
                "group": portrait.group,
                "n": portrait.group.n,
                "share": portrait.group.n,
                "weighted": self._weighted(weighted.loc[portrait.group.number]),
                "placed": portrait.placed,
            }
            for portrait in self.portraits
        ]
        kinds = {"group": GROUP, "n": COUNT, "share": SHARE, "weighted": WEIGHTED, "placed": SHARE}
        return Rows(kinds, rows)

    def table_certainty(self) -> Rows:
        """How surely units belong, by their number of respondents."""
        table = self.load(PROFILES, "by_respondents", self.reference)
        parts = self.door.parts(table["n_units"], self.divided)
        rows = [
            {
                "respondents": str(name).replace("-", "–"),
                "n": n,
                "certainty": Mean(row["certainty"], n, _scale=1),
                "placed": Units(int(row["n_placed"]), n),
            }
            for (name, row), n in zip(table.iterrows(), parts, strict=True)
        ]
        kinds = {"respondents": TEXT, "n": COUNT, "certainty": MEAN, "placed": SHARE}
        return Rows(kinds, rows)

    def table_background(self) -> Rows:
        """What the groups go with, strongest first."""
        kinds = {
            **{"variable": code("backgrounds"), "measure": TEXT, "effect": number(1)},
            **{"interval": interval(1), "sure": code("yes_no")},
        }
        return Rows(kinds, self.associations)

    def table_edges(self) -> Rows:
        """Valleys between neighbouring groups."""
        rows = [
            edge | {"pair": f"{edge['first']} – {edge['second']}", "apart": str(edge["apart"])}
            for edge in self.edges
        ]
        kinds = {"pair": TEXT, "ratio": number(2), "p": number(3), "apart": code("yes_no")}
        return Rows(kinds, rows)

    def figure_tree(self) -> Callable[..., Axes]:
        """Groups, and the valleys between them."""
        sizes, edges = self._drawn_sizes, pd.DataFrame(self.edges)
        centroids = self._means["mean"].unstack().loc[sizes.index, self.phases].round()
        return partial(plot_tree, Told(centroids, sizes), edges, least_p=self.least_p)

    def figure_profiles(self) -> Callable[..., Axes]:
        """Mean scores of each group over the phases."""
        sizes, table = self._drawn_sizes, self._means
        wide = {
            end: table[end].where(table["n_units"] >= self.door.round_to).unstack().loc[sizes.index]
            for end in ("mean", "low", "high")
        }
        centroids, low, high = (wide[end][self.phases].round() for end in ("mean", "low", "high"))
        named = [group for group in self.groups if group.number in sizes.index and group.names]
        return partial(
            plot_profiles,
            Told(centroids, sizes),
            {group.number: self.language.named(group.names) for group in named},
            low=low,
            high=high,
        )

    # What facts are made of.

    @cached_property
    def _drawn_sizes(self) -> pd.Series:
        """Sizes, as told, of the groups that are drawn."""
        shown = [portrait.group for portrait in self.portraits if portrait.shown]
        told = {group.number: self.door.count(group.n) for group in shown}
        return pd.Series(told, list(told), dtype=int)

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

    @cached_property
    def _clearly_or_not(self) -> list[Units]:
        clearly = self._members["clearly_placed"]
        return self.door.parts([clearly.sum(), (~clearly).sum()], self.divided)

    @cached_property
    def _clear(self) -> dict[int, Units]:
        """For each group how many of its units are clearly placed: together all that are."""
        numbers, wholes = zip(*((group.number, group.n) for group in self.groups), strict=True)
        counts = self._members["clearly_placed"].groupby(self._members["profile"]).sum()
        counts = counts.reindex(numbers, fill_value=0)
        sums = [Sum(self._clearly_or_not, self.divided)]
        parts = self.door.parts(counts, self.placed, wholes, sums)
        return dict(zip(numbers, parts, strict=True))

    @cached_property
    def _shares(self) -> dict[str, float]:
        return self.load(PROFILES, "shares", self.reference)["share"].to_dict()

    @cached_property
    def _members(self) -> pd.DataFrame:
        members = self.load(PROFILES, "members", self.reference)
        return members.assign(clearly_placed=members["clearly_placed"].fillna(False).astype(bool))

    @cached_property
    def has_true_means(self) -> bool:
        """Whether means are of true scores: a model made the groups, and the error is known."""
        return bool(self.load(PROFILES, "means", self.reference)["true_mean"].notna().any())

    @cached_property
    def _means(self) -> pd.DataFrame:
        """Means of true scores with their interval, of unit scores where no error is known."""
        table = self.load(PROFILES, "means", self.reference)
        if not self.has_true_means:
            return table
        mean, reach = table["true_mean"], stats.norm.ppf(0.975) * table["se"]
        ends = {"low": (mean - reach).clip(lower=0), "high": (mean + reach).clip(upper=100)}
        return table.assign(mean=mean, **ends)

    @cached_property
    def _names(self) -> pd.DataFrame:
        return self.load(PROFILES, "names", self.reference).fillna("")

    def _weighted(self, row: pd.Series) -> Weighted:
        ends = (float(row["weighted_low"]), float(row["weighted_high"]))
        return Weighted(float(row["weighted_share"]), *ends, self.divided)

    def _smaller(self, *numbers: float) -> Units:
        """Give the size of the smallest of some groups, on which their difference rests."""
        smallest = self._sizes.loc[[int(number) for number in numbers]].idxmin()
        return next(group.n for group in self.groups if group.number == smallest)

    def _portrait(self, group: Group) -> Portrait:
        rows = self._means.loc[group.number].reindex(self.phases)
        means = {
            phase: Mean(row["mean"], Units(int(row["n_units"])), row["low"], row["high"])
            for phase, row in rows.iterrows()
        }
        known = rows["mean"].where(rows["n_units"] >= self.door.round_to).dropna()
        curve = self.load(CYCLE, "curve", self.reference)["mean"].reindex(known.index)
        gaps = known - curve
        above = gaps[gaps >= STRIKING].sort_values(ascending=False)
        below = gaps[gaps <= -STRIKING].sort_values()
        level = float(known.mean())
        names = self._names.loc[group.number]
        by_phase = [PhaseMean(phase, mean) for phase, mean in means.items()]
        return Portrait(
            group=group,
            shown=group.shown and not known.empty,
            means=by_phase,
            level=Mean(level, group.n),
            height=height_of(level),
            highest=None if known.empty else PhaseMean(known.idxmax(), means[known.idxmax()]),
            lowest=None if known.empty else PhaseMean(known.idxmin(), means[known.idxmin()]),
            above=_gaps(above.head(MOST_STRIKING), group.n),
            below=_gaps(below.head(MOST_STRIKING), group.n),
            all_above=len(above) == len(known),
            all_below=len(below) == len(known),
            leading=str(names["leading"]).split(),
            lagging=str(names["lagging"]).split(),
            placed=self._clear[group.number],
        )


def _gaps(gaps: pd.Series, n: Units) -> list[PhaseMean]:
    return [PhaseMean(str(phase), Mean(gap, n)) for phase, gap in gaps.items()]
