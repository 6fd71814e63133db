"""What each of the profiles is: facts of notebook 05, beside `contest` and `response`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.profiles import plot_fingerprint, plot_profiles, plot_tree
from cycle_analysis.profiles import typology
from cycle_analysis.profiles.typology import height_of
from cycle_analysis.report import chapter as steps
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import APART, Group, facts_from, fixed, saved, setting
from cycle_analysis.report.chapters.contest import ContestFacts
from cycle_analysis.report.chapters.response import BackgroundFacts
from cycle_analysis.report.chapters.waves import WavesChapter
from cycle_analysis.report.door import Mean, Units, Weighted
from cycle_analysis.report.language import Rows, number
from cycle_analysis.report.sources import as_whole, made
from cycle_analysis.waves.transitions import Finding

MOST_ITEMS = 2
"""How many questions are told that set a group apart."""


@dataclass(frozen=True, eq=False)
class Told:
    """What a figure of profiles may show: means and rounded sizes, as of a `Partition`."""

    centroids: pd.DataFrame
    sizes: pd.Series


def _share_of(part: str) -> "cached_property[float]":
    """Make a fact of the share of one part in the difference between the groups."""
    return cached_property(lambda own: own.load(steps.PROFILES, "shares").loc[part, "share"])


class ProfilesChapter(ContestFacts, BackgroundFacts):
    """Are there profiles, how many, and what is each of them?"""

    key = "profiles"

    # What the groups are, and what lies between them.

    @cached_property
    def some_unscored(self) -> bool:
        """Whether, as told, more units were divided than have a score on every phase."""
        return self.door.count(self.n) != self.door.count(self.divided)

    @cached_property
    def edges(self) -> list[dict[str, Any]]:
        """Neighbouring groups and the valley between them, deepest first."""
        if self.k == 1 or self.k != self.best["k"] or not self.has_shown:
            return []
        table = self.load(steps.NUMBER, "valleys", self.reference)
        return [
            {
                **{"first": made(first, table), "second": made(second, table), "p": row["p"]},
                **{"ratio": row["ratio"], "apart": bool(row["apart"])},
            }
            for (first, second), row in table.iterrows()
        ]

    elevation, scatter, shape = map(_share_of, ("elevation", "scatter", "shape"))
    """Shares of level, of scatter between phases, and of shape in how groups differ."""

    noticeable = fixed(typology, "NOTICEABLE")
    """Points from which lines are told to cross."""

    @cached_property
    def crossings(self) -> list[dict[str, Any]]:
        """Pairs of shown groups of which the `lower` is higher on some phases, by `gaps`."""
        groups, table = self._by_number, self.load(steps.PROFILES, "crossings", self.reference)
        return [
            {
                **{"lower": groups[int(lower)], "higher": groups[int(higher)]},
                "gaps": _on_phases(
                    (row["phase"], Mean(row["difference"], self._smaller(lower, higher)))
                    for _, row in rows.iterrows()
                ),
            }
            for (lower, higher), rows in table.groupby(["lower", "higher"])
            if groups[int(lower)].shown and groups[int(higher)].shown
        ]

    @cached_property
    def portraits(self) -> list[dict[str, Any]]:
        """Each of the groups.

        `shown`, whether enough is known to describe it; `means` by phase, in the order of the
        cycle; `level`, its mean over phases, and its `height`, a code; the `highest` and `lowest`
        of its means, None where these are near each other; `gaps`, how far it lies from the mean of
        all units on each phase; phases on which it is `leading` or `lagging`, given its level;
        `items`, questions that it answers most unlike others: question, mean, others (means), and
        whether it answers them higher.
        """
        return [self._portrait(group) for group in self.groups] if self.k > 1 else []

    @cached_property
    def now(self) -> dict[str, Any] | None:
        """How large each group was and is, of the units followed to the last wave.

        None where that is not told, or between no waves moves are shown: then the shares of the
        wave in which the groups were found are those of all waves.
        """
        pairs = self._change["pairs"] if self.several_waves and self.k > 1 else []
        moved = any(pair["finding"] == Finding.CHANGED for pair in pairs)
        return pairs[-1] if moved and pairs[-1]["shares"] else None

    @cached_property
    def has_shown(self) -> bool:
        """Whether any group has units enough to be drawn."""
        return any(portrait["shown"] for portrait in self.portraits)

    # How surely units belong, and what the groups go with.

    @cached_property
    def has_certainty(self) -> bool:
        """Whether a model says how surely units belong to one of several; cut levels have none."""
        return self.k > 1 and bool(self._members["certainty"].notna().any())

    threshold = setting(steps.PROFILES, "clearly_placed")
    """Probability from which a unit counts as clearly placed."""

    @cached_property
    def doubtful(self) -> Units:
        """How many units are not clearly placed."""
        return self._clearly_or_not[1]

    @cached_property
    def placed(self) -> Units:
        """How many units are clearly placed."""
        return self._clearly_or_not[0]

    # Tables and figures.

    def table_profiles(self) -> Rows:
        """Mean score per phase of each group."""
        rows = [
            {of["phase"]: of["mean"] for of in portrait["means"]}
            | {"group": portrait["group"], "level": portrait["level"]}
            | dict.fromkeys(("n", "share"), portrait["group"].n)
            for portrait in self.portraits
        ]
        columns = {"group": kinds.GROUP, "n": kinds.COUNT, "share": kinds.SHARE}
        columns |= dict.fromkeys(("level", *self.phases), kinds.MEAN)
        return Rows(columns, rows, {"phases": self._heads})

    def table_sizes(self) -> Rows:
        """How large each group is, in the sample and in the population, and how sure."""
        table = self.load(steps.PROFILES, "profiles", self.reference)
        rows = [
            {"group": group, "n": group.n, "share": group.n, "weighted": self._weighted(row)}
            | {"certainty": Mean(float(row[f"profile {group.number}"]), group.n, _scale=1)}
            for group in (portrait["group"] for portrait in self.portraits)
            for row in [table.loc[group.number]]
        ]
        columns = {"group": kinds.GROUP, "n": kinds.COUNT, "share": kinds.SHARE}
        return Rows(columns | {"weighted": kinds.WEIGHTED, "certainty": kinds.MEAN}, rows)

    def table_certainty(self) -> Rows:
        """How surely units belong, by their number of respondents."""
        table = self.load(steps.PROFILES, "by_respondents", self.reference)
        parts = self.door.parts(table["n_units"], self.divided)
        rows = [
            {
                "respondents": str(name).replace("-", "–"),
                "n": n,
                "certainty": Mean(row["certainty"], n, _scale=1),
            }
            for (name, row), n in zip(table.iterrows(), parts, strict=True)
        ]
        return Rows({"respondents": kinds.TEXT, "n": kinds.COUNT, "certainty": kinds.MEAN}, rows)

    def figure_fingerprint(self, number: str) -> Callable[..., Axes]:
        """How far one group lies from the mean of all on each phase."""
        portrait = self.portraits[int(number) - 1]
        gaps = {of["phase"]: self.door.mean(of["mean"])[0] for of in portrait["gaps"]}
        told = pd.Series(gaps, dtype=float).reindex(self.phases)
        return partial(plot_fingerprint, told, profile=portrait["group"].number)

    def table_edges(self) -> Rows:
        """Valleys between neighbouring groups."""
        rows = [
            edge | {"pair": f"{edge['first']} – {edge['second']}", "apart": str(edge["apart"])}
            for edge in self.edges
        ]
        columns = {"pair": kinds.TEXT, "ratio": number(2), "p": kinds.p_value(self.least_p)}
        return Rows(columns | {"apart": kinds.code("yes_no")}, rows)

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
        return partial(plot_profiles, Told(centroids, sizes), self._group_names, low=low, high=high)

    # What facts are made of.

    _change = facts_from(WavesChapter)

    @cached_property
    def _items(self) -> dict[int, list[dict[str, Any]]]:
        """For each group the questions that it answers most unlike all others."""
        found = {}
        for group, rows in self.load(steps.PROFILES, "items", self.reference).groupby("profile"):
            rows = rows.droplevel("profile")
            few = rows[["n_units", "n_others"]].min(axis=1) < self.door.round_to
            gaps = (rows["mean"] - rows["others"])[~few].abs().sort_values(ascending=False)
            told = []
            for item in gaps.index[gaps >= APART][:MOST_ITEMS]:
                row = rows.loc[item]
                ends = {"mean": ("mean", "n_units"), "others": ("others", "n_others")}
                means = {k: Mean(row[of], Units(as_whole(row[n]))) for k, (of, n) in ends.items()}
                about = {
                    "item": item,
                    "question": self._questions[item],
                    "higher": bool(row["mean"] > row["others"]),
                }
                told.append(about | means)
            found[int(str(group))] = told
        return found

    @cached_property
    def _drawn_sizes(self) -> pd.Series:
        """Sizes, as told, of the groups that are drawn."""
        shown = [portrait["group"] for portrait in self.portraits if portrait["shown"]]
        told = {group.number: self.door.count(group.n) for group in shown}
        return pd.Series(told, list(told), dtype=int)

    @cached_property
    def _clearly_or_not(self) -> list[Units]:
        clearly = self._members["clearly_placed"].fillna(False).astype(bool)
        counts = (made(int(of.sum()), clearly) for of in (clearly, ~clearly))
        return self.door.parts(counts, self.divided)

    _members = saved(steps.PROFILES, "members")

    @cached_property
    def has_true_means(self) -> bool:
        """Whether means are of true scores: a model made the groups, and the error is known."""
        return bool(self.load(steps.PROFILES, "means", self.reference)["true_mean"].notna().any())

    @cached_property
    def _means(self) -> pd.DataFrame:
        """Means of true scores with their interval, of unit scores where no error is known."""
        table = self.load(steps.PROFILES, "means", self.reference)
        if not self.has_true_means:
            return table
        ends = {"low": table["true_low"].clip(lower=0), "high": table["true_high"].clip(upper=100)}
        return table.assign(mean=table["true_mean"], **ends)

    @cached_property
    def _names(self) -> pd.DataFrame:
        table = self.load(steps.PROFILES, "profiles", self.reference)
        return table[["leading", "lagging"]].fillna("")

    def _weighted(self, row: pd.Series) -> Weighted:
        ends = (row["weighted_low"], row["weighted_high"])
        return Weighted(row["weighted_share"], *ends, self.divided)

    def _smaller(self, *numbers: float) -> Units:
        """Give the size of the smallest of some groups, on which their difference rests."""
        return self._by_number[self._sizes.loc[[int(number) for number in numbers]].idxmin()].n

    def _portrait(self, group: Group) -> dict[str, Any]:
        rows = self._means.loc[group.number].reindex(self.phases)
        of = "true_mean" if self.has_true_means else "mean"
        means = {
            phase: Mean(row[of], Units(as_whole(row["n_units"])), row["low"], row["high"])
            for phase, row in rows.iterrows()
        }
        known = rows["mean"].where(rows["n_units"] >= self.door.round_to).dropna()
        curve = self.load(steps.CYCLE, "curve", self.reference)["mean"].reindex(known.index)
        level = math.nan if known.empty else sum(means[p]._value for p in known.index) / len(known)
        ranked = sorted(known.index, key=lambda phase: means[phase]._value)
        apart = bool(ranked) and means[ranked[-1]]._value - means[ranked[0]]._value >= APART
        names = self._names.loc[group.number]
        ends = {"highest": -1, "lowest": 0}
        gaps = ((p, Mean(means[p]._value - mean, group.n)) for p, mean in curve.items())
        return {
            **{"group": group, "shown": group.shown and not known.empty},
            **{"means": _on_phases(means.items()), "gaps": _on_phases(gaps)},
            **{"level": Mean(level, group.n), "height": height_of(level)},
            **{
                name: {"phase": ranked[place], "mean": means[ranked[place]]} if apart else None
                for name, place in ends.items()
            },
            **{way: str(names[way]).split() for way in ("leading", "lagging")},
            "items": self._items.get(group.number, []),
        }


def _on_phases(means: Iterable[tuple[Any, Mean]]) -> list[dict[str, Any]]:
    return [{"phase": phase, "mean": mean} for phase, mean in means]
