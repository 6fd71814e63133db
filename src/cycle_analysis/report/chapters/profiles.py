"""Whether there are profiles, how many, and what each of them is: facts of notebooks 04 and 05."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.profiles import (
    plot_course,
    plot_criteria,
    plot_profiles,
    plot_rivals,
    plot_tree,
)
from cycle_analysis.profiles.selection import BARRING, TIE, WARD
from cycle_analysis.profiles.typology import height_of
from cycle_analysis.profiles.verdict import OF_SCORES, Verdict
from cycle_analysis.report.chapter import CYCLE, NUMBER, PROFILES, Chapter, Group, facts_from
from cycle_analysis.report.chapters.cycle import CycleChapter
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
    starred,
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


@dataclass(frozen=True)
class Solution:
    """A number of groups with a model, and the flags that speak against it."""

    k: int
    model: str
    bic: float
    flags: list[str]


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


class ProfilesChapter(Chapter):
    """Are there profiles, how many, and what is each of them?"""

    key = "profiles"

    @cached_property
    def reference(self) -> str:
        """Code of the wave in which the groups were found: the one that is told."""
        return self.wave

    # Whether there are profiles, and how many.

    @cached_property
    def p(self) -> float:
        """Chance of valleys as deep where they are filled."""
        return float(self._verdict_row["p"])

    @cached_property
    def least_p(self) -> float:
        """The smallest that p can be, with so many draws."""
        return 1 / (self.parameter(NUMBER, "n_replicates", self.reference) + 1)

    @cached_property
    def k_apart(self) -> int:
        """Number of groups that valleys divide."""
        return int(self._verdict_row["k_apart"])

    @cached_property
    def lead(self) -> float:
        """BIC points by which groups beat the best form without groups, as whole points."""
        own = self._verdict_row["lead"]
        return round(float(self._verdict_row["steps_lead"] if self.on_one_line else own), 0)

    @cached_property
    def on_one_line(self) -> bool:
        """Whether profiles are found that win as steps on one line."""
        row = self._verdict_row
        return self.verdict.found and bool(row["steps_lead"] > max(row["lead"], 0))

    @cached_property
    def wins_left_out(self) -> bool:
        """Whether groups also describe units better that were left out of the fit."""
        return bool(self._verdict_row["lead_held_out"] > 0)

    @cached_property
    def form(self) -> str:
        """The best form without groups, by its code."""
        return str(self._verdict_row["form"])

    @cached_property
    def lowered(self) -> bool:
        """Whether the verdict is one grade lower than the figures alone would give."""
        return bool(self._codes("lowered_by"))

    @cached_property
    def warnings(self) -> list[str]:
        """Codes of what lowers the verdict, or else of what makes any verdict doubtful."""
        told = self._codes("lowered_by") or self._codes("warnings")
        return [code for code in told if self.lowered or self.found or code in OF_SCORES]

    @cached_property
    def reading(self) -> str:
        """What the order of the phases reads as, by its code."""
        return str(self._cycle["order"]["reading"])

    @cached_property
    def on_course(self) -> bool:
        """Whether units lie along a line or a curve: then the verdict is told with the order."""
        return self.verdict in (Verdict.CONTINUUM, Verdict.BENT)

    @cached_property
    def rivals(self) -> list[dict[str, Any]]:
        """The best of each form without groups, best first."""
        table = self._rivals.reset_index().drop_duplicates("form")
        return [
            {"form": row.form, "lead": float(row.bic_lead), "held_out": float(row.held_out)}
            for row in table.itertuples()
        ]

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
    def course(self) -> dict[str, Any] | None:
        """The best line or curve, told where units are found to lie along it."""
        if not self.on_course:
            return None
        table = self._course
        ends = table.iloc[[0, len(table) // 2, -1]]
        names = ("start", "middle", "end")
        phases = [
            {"phase": phase, **dict(zip(names, ends[phase].round(), strict=True))}
            for phase in self.phases
        ]
        return {"form": "curve" if self.verdict is Verdict.BENT else self.form, "phases": phases}

    @cached_property
    def best(self) -> Solution:
        """The solution that BIC takes."""
        row = self._choice
        return Solution(int(row["k"]), row["method"], np.nan, str(row["flags"] or "").split())

    @cached_property
    def near(self) -> list[str]:
        """Solutions whose BIC is close."""
        return [told.strip() for told in str(self._choice["alternatives"]).split(",") if told]

    @cached_property
    def has_criteria(self) -> bool:
        """Whether any model could be weighed."""
        return bool(self._criteria["bic"].notna().any())

    @cached_property
    def lowest(self) -> Solution:
        """The solution with the lowest BIC of all, whether it takes part or not."""
        row = self._criteria.loc[self._criteria["bic"].idxmin()]
        barring = [flag for flag in str(row["flags"]).split() if flag in BARRING]
        return Solution(int(row["k"]), row["method"], float(row["bic"]), barring)

    @cached_property
    def barred(self) -> Solution | None:
        """The solution with the lowest BIC, where it does not take part."""
        table, best = self._criteria, self.best
        own = table.loc[(table["method"] == best.model) & (table["k"] == best.k), "bic"]
        takes_part = len(own) and own.iloc[0] <= self.lowest.bic + TIE
        return None if takes_part else self.lowest

    @cached_property
    def has_flags(self) -> bool:
        """Whether something speaks against any of the solutions."""
        table = self._criteria
        return bool((table["flags"].fillna("").ne("") & (table["method"] != WARD)).any())

    # What the groups are.

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

    def table_criteria(self) -> Rows:
        """BIC of each model and number of groups, beside what Ward gives."""
        table = self._criteria
        models = [str(model) for model in table["method"].unique() if model != WARD]
        cells = table.assign(starred=table["flags"].fillna("").ne("")).set_index(["method", "k"])
        none = pd.Series({name: np.nan for name in cells} | {"starred": False}, dtype=object)
        rows: list[dict[str, Any]] = []
        for k in sorted(table["k"].unique()):
            of_model = {m: cells.loc[(m, k)] if (m, k) in cells.index else none for m in models}
            ward = cells.loc[(WARD, k)] if (WARD, k) in cells.index else none
            taken = of_model.get(self.best.model, none)
            rows.append(
                {m: (row["bic"], bool(row["starred"])) for m, row in of_model.items()}
                | {"k": int(k), "ratio_p": taken["ratio_p"]}
                | {"silhouette": ward["silhouette"], "jaccard": ward["jaccard"]}
            )
        kinds = {"k": number(), "ratio_p": number(3), "silhouette": number(2), "jaccard": number(2)}
        families = {"models": {model: model for model in models}}
        return Rows(kinds | dict.fromkeys(models, starred()), rows, families)

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
                "certainty_given_error": Mean(row["certainty_given_error"], n, _scale=1),
                "placed_given_error": Units(int(row["n_placed_given_error"]), n),
            }
            for (name, row), n in zip(table.iterrows(), parts, strict=True)
        ]
        kinds = {"respondents": TEXT, "n": COUNT, "placed_given_error": SHARE}
        return Rows(kinds | {"certainty": MEAN, "certainty_given_error": MEAN}, rows)

    def table_background(self) -> Rows:
        """What the groups go with, strongest first."""
        kinds = {
            **{"variable": code("backgrounds"), "measure": TEXT, "effect": number(1)},
            **{"interval": interval(1), "sure": code("yes_no")},
        }
        return Rows(kinds, self.associations)

    def figure_criteria(self) -> Callable[..., Axes]:
        """BIC over the number of groups."""
        return partial(plot_criteria, self._criteria)

    def table_rivals(self) -> Rows:
        """The best of each form without groups."""
        kinds = {"form": code("forms"), "lead": number(), "held_out": number()}
        return Rows(kinds, self.rivals)

    def table_edges(self) -> Rows:
        """Valleys between neighbouring groups."""
        rows = [
            edge | {"pair": f"{edge['first']} – {edge['second']}", "apart": str(edge["apart"])}
            for edge in self.edges
        ]
        kinds = {"pair": TEXT, "ratio": number(2), "p": number(3), "apart": code("yes_no")}
        return Rows(kinds, rows)

    def figure_rivals(self) -> Callable[..., Axes]:
        """BIC points by which groups beat the best of each form."""
        leads = {
            self.language.code_word(rival["form"], "forms"): rival["lead"] for rival in self.rivals
        }
        return partial(plot_rivals, pd.Series(leads, dtype=float))

    def figure_tree(self) -> Callable[..., Axes]:
        """Groups, and the valleys between them."""
        drawn = [portrait.group for portrait in self.portraits if portrait.shown]
        numbers = [group.number for group in drawn]
        centroids = self._means["mean"].unstack().loc[numbers, self.phases].round()
        sizes = pd.Series([self.door.count(group.n) for group in drawn], numbers, dtype=float)
        edges = pd.DataFrame(self.edges)
        return partial(plot_tree, Told(centroids, sizes), edges, least_p=self.least_p)

    def figure_course(self) -> Callable[..., Axes]:
        """Expected score of each phase along the course."""
        return partial(plot_course, self._course[self.phases])

    def figure_profiles(self) -> Callable[..., Axes]:
        """Mean scores of each group over the phases."""
        drawn = [portrait.group for portrait in self.portraits if portrait.shown]
        numbers = [group.number for group in drawn]
        table = self._means
        wide = {
            end: table[end].where(table["n_units"] >= self.door.round_to).unstack().loc[numbers]
            for end in ("mean", "low", "high")
        }
        centroids, low, high = (wide[end][self.phases].round() for end in ("mean", "low", "high"))
        sizes = pd.Series([self.door.count(group.n) for group in drawn], index=numbers)
        return partial(
            plot_profiles,
            Told(centroids, sizes),
            {group.number: self.language.named(group.names) for group in drawn if group.names},
            low=low,
            high=high,
        )

    # What facts are made of.

    _cycle = facts_from(CycleChapter)

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

    def _codes(self, column: str) -> list[str]:
        return str(self._verdict_row[column] or "").split()

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
    def _choice(self) -> pd.Series:
        return self.load(NUMBER, "choice", self.reference).fillna("").iloc[0]

    @cached_property
    def _criteria(self) -> pd.DataFrame:
        return self.load(NUMBER, "criteria", self.reference).reset_index()

    @cached_property
    def _rivals(self) -> pd.DataFrame:
        return self.load(NUMBER, "rivals", self.reference)

    @cached_property
    def _course(self) -> pd.DataFrame:
        return self.load(NUMBER, "course", self.reference)

    @cached_property
    def _shares(self) -> dict[str, float]:
        return self.load(PROFILES, "shares", self.reference)["share"].to_dict()

    @cached_property
    def _members(self) -> pd.DataFrame:
        members = self.load(PROFILES, "members", self.reference)
        return members.assign(clearly_placed=members["clearly_placed"].fillna(False).astype(bool))

    @cached_property
    def _means(self) -> pd.DataFrame:
        return self.load(PROFILES, "means", self.reference)

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
