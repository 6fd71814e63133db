"""What changed between the waves, and was it more than noise: facts of notebook 07."""

from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.cycle import plot_change
from cycle_analysis.figures.profiles import plot_moves
from cycle_analysis.report import columns as kinds
from cycle_analysis.report.chapter import ALL_WAVES, SCORES, WAVES, Chapter
from cycle_analysis.report.columns import Rows, number, per_wave
from cycle_analysis.report.door import Mean, Units, units_behind
from cycle_analysis.report.sums import Sum

TERRITORY = ("unchanged", "grown", "merged", "split", "uncovered", "unmapped")
"""What can have become of a unit, in the order of the table."""
COMPARABLE = ("full", "partial")
SAME = 0.10
"""Share of units in another group up to which two divisions are nearly the same."""


class WavesChapter(Chapter):
    """What changed between the waves?"""

    key = "waves"

    # What can be compared.

    @cached_property
    def n_items(self) -> int:
        """Number of questions on the phases."""
        return len(self._items)

    @cached_property
    def n_common(self) -> int:
        """How many of them every wave asked in a comparable way."""
        return int(self._items["common"].sum())

    @cached_property
    def left_out(self) -> list[dict[str, Any]]:
        """The others: code, question, and what each wave did with it."""
        questions = self.study.codebook.items[f"question_{self.language.code}"].str.rstrip(".")
        found = []
        for item, states in self._items.loc[~self._items["common"], self.study.waves].iterrows():
            odd = [{"wave": w, "state": s} for w, s in states.items() if s not in COMPARABLE]
            found.append({"item": item, "question": questions[item], "states": odd})
        return found

    @cached_property
    def min_covered(self) -> float:
        """Share of the inhabitants of a merged unit whose predecessors must have answered."""
        return self.parameter(WAVES, "min_covered", ALL_WAVES)

    @cached_property
    def same(self) -> dict[str, Any]:
        """How near the division on common questions comes to that of the chapter before."""
        row = self.load(WAVES, "comparability", ALL_WAVES).iloc[0]
        n = Units(int(row["n_units"]), self.answered_in(self.reference))
        moved = units_behind(row["moved_share"], row["n_units"], n)
        return {"n": n, "moved": moved, "near": self.door.ratio(moved) <= SAME}

    @cached_property
    def linked(self) -> list[dict[str, Any]]:
        """How many units of each wave were placed in the groups."""
        return [{"wave": wave, "n": n} for wave, n in self._linked.items()]

    # Who moved, and how much phases changed.

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """Each pair of successive waves: who moved, against chance, and which phases changed."""
        return [self._pair(*pair) for pair in pairwise(self.study.waves)]

    @cached_property
    def chance_known(self) -> bool:
        """Whether the error of most units is known, so that chance can be told."""
        errors = self.load(SCORES, "standard_errors", self.reference)
        return bool(errors.isna().any(axis=1).mean() < 0.5)

    @cached_property
    def chance(self) -> dict[str, float]:
        """Share that would switch although nothing changed: mean, low, high."""
        row = self.load(WAVES, "chance", ALL_WAVES).loc["switching"]
        return {name: float(row[name]) for name in ("mean", "low", "high")}

    # Tables and figures.

    def table_items_compared(self) -> Rows:
        """Comparable questions per phase."""
        correlations = self.load(WAVES, "common_items", ALL_WAVES)["correlation"]
        common = self._items.groupby("phase")["common"].agg(items="size", common="sum")
        table = common.loc[self.phases].assign(correlation=correlations)
        columns = {"phase": kinds.PHASE_TITLE, "items": number(), "common": number()}
        return Rows(columns | {"correlation": number(3)}, table.reset_index().to_dict("records"))

    def table_units_compared(self) -> Rows:
        """Units per wave, by what happened to their territory."""
        counts = self.load(WAVES, "link_counts", ALL_WAVES)["n_units"].unstack(fill_value=0)
        found = [kind for kind in TERRITORY if kind in counts]
        rows = []
        for wave in self.study.waves:
            total = self.answered_in(wave)
            parts = self.door.parts(counts.loc[wave, found], total)
            rows.append({"wave": wave, "total": total, **dict(zip(found, parts, strict=True))})
        words = self.language.words["territory"]
        columns = {"wave": kinds.WAVE, "total": kinds.COUNT} | dict.fromkeys(found, kinds.COUNT)
        return Rows(columns, rows, {"territory": {kind: words[kind] for kind in found}})

    def table_profile_shares(self) -> Rows:
        """How large each group is in every wave."""
        told = {"counts": kinds.COUNT, "shares": kinds.SHARE}
        return per_wave(("group", kinds.GROUP), self.groups, self._placed, **told)

    def table_moves(self, first: str, second: str) -> Rows:
        """How many units went from each group to each."""
        heads = {f"to_{group.number}": f"{group.number}" for group in self.groups}
        rows = [
            {"group": group, **dict(zip(heads, moved, strict=True))}
            for group, moved in zip(self.groups, self._moves[first, second], strict=True)
        ]
        return Rows({"group": kinds.GROUP} | dict.fromkeys(heads, kinds.COUNT), rows, {"to": heads})

    def table_change(self, first: str, second: str) -> Rows:
        """Mean score per phase in both waves, and the change."""
        rows = []
        for phase, row in self._change(first, second).iterrows():
            n = (change := self._mean(row, first, second))._units
            told = {name: Mean(row[name], n) for name in ("before", "after")}
            rows.append({"phase": phase, "n": n, "change": change, "interval": change} | told)
        columns = {
            "phase": kinds.PHASE_TITLE,
            "n": kinds.COUNT,
            "before": kinds.MEAN,
            "after": kinds.MEAN,
        }
        return Rows(columns | {"change": kinds.MEAN_POINTS, "interval": kinds.MEAN_INTERVAL}, rows)

    def figure_moves(self, first: str, second: str) -> Callable[..., Axes]:
        """From group to group."""
        numbers = [group.number for group in self.groups]
        moves = self._moves[first, second]
        told = [[self.door.count(n) for n in row] for row in moves]
        axis = str(self.language.words["group_in_wave"])
        return partial(
            plot_moves,
            pd.DataFrame(told, numbers, numbers, dtype=float),
            names={g.number: self.language.named(g.names) for g in self.groups if g.names},
            axes=(axis.format(wave=first), axis.format(wave=second)),
            texts=[[kinds.COUNT.write(self.language, n).text for n in row] for row in moves],
        )

    def figure_change(self, first: str, second: str) -> Callable[..., Axes]:
        """Mean change per phase."""
        change = self._change(first, second)
        sure = (change["low"] > 0) | (change["high"] < 0)
        rounded = change.assign(**change[["change", "low", "high"]].round(), sure=sure)
        return partial(plot_change, rounded)

    # What facts are made of.

    @cached_property
    def _items(self) -> pd.DataFrame:
        return self.load(WAVES, "items", ALL_WAVES)

    @cached_property
    def _linked(self) -> dict[str, Units]:
        """For each wave how many of its units were placed in the groups."""
        n = self.load(WAVES, "labels", ALL_WAVES)[self.study.waves].count()
        return {wave: Units(int(n[wave]), self.answered_in(wave)) for wave in n.index}

    @cached_property
    def _placed(self) -> dict[str, list[Units]]:
        """For each wave its linked units by group."""
        labels = self.load(WAVES, "labels", ALL_WAVES)
        numbers = [group.number for group in self.groups]
        placed = {}
        for wave in self.study.waves:
            counts = labels[wave].dropna().value_counts().reindex(numbers, fill_value=0)
            placed[wave] = self.door.parts(counts, self._linked[wave])
        return placed

    def _pair(self, first: str, second: str) -> dict[str, Any]:
        counts, moves = self._counts(first, second).to_numpy(), self._moves[first, second]
        panel = self._in_both(counts.sum(), first, second)
        stayed = [{"group": group, "n": moves[i][i]} for i, group in enumerate(self.groups)]
        sums = [Sum([*(row["n"] for row in stayed), 0], panel)]
        (moved,) = self.door.fit([counts.sum() - np.trace(counts)], [panel], sums)
        change = self._change(first, second)
        sure = change[(change["low"] > 0) | (change["high"] < 0)]
        return {
            **{"first": first, "second": second, "panel": panel, "few": self.door.few(panel)},
            **{"moved": moved, "more": self.door.ratio(moved) > self.chance["high"]},
            "stayed": stayed,
            "changes": self._means(change, first, second),
            "sure": self._means(sure.sort_values("change", ascending=False), first, second),
        }

    def _means(self, change: pd.DataFrame, first: str, second: str) -> list[dict[str, Any]]:
        return [
            {"phase": phase, "mean": self._mean(row, first, second)}
            for phase, row in change.iterrows()
        ]

    def _mean(self, row: pd.Series, first: str, second: str) -> Mean:
        n = self._in_both(row["n_units"], first, second)
        return Mean(row["change"], n, row["low"], row["high"])

    def _in_both(self, n: float, first: str, second: str) -> Units:
        """Set a number of units that answered in both waves: a part of the smaller of the two.

        Of 58 that answered then and 64 before, 58 told as 60 would prove that these were all.
        """
        return Units(int(n), min(map(self.answered_in, (first, second)), key=self.door.count))

    def _change(self, first: str, second: str) -> pd.DataFrame:
        """Mean change of each phase between two waves, of phases on which it rests on enough."""
        table = self._between("change", first, second).set_index("phase")
        known = table.reindex(self.phases).dropna(subset=["change"])
        return known[known["n_units"] >= self.door.round_to]

    def _counts(self, first: str, second: str) -> pd.DataFrame:
        """True numbers of units from each group to each, groups × groups."""
        table = self._between("transitions", first, second)
        wide = table.pivot(index="profile_from", columns="profile_to", values="n_units")
        numbers = [group.number for group in self.groups]
        return wide.reindex(index=numbers, columns=numbers, fill_value=0)

    @cached_property
    def _moves(self) -> dict[tuple[str, str], list[list[Units]]]:
        """For each pair of waves how many units went from each group to each."""
        moves = {}
        for first, second in pairwise(self.study.waves):
            counts = self._counts(first, second).to_numpy()
            panel, k = self._in_both(counts.sum(), first, second), len(counts)
            places = np.arange(k * k).reshape(k, k)
            sums = [
                Sum(line.tolist(), group, leaves=True)
                for wave, lines in ((first, places), (second, places.T))
                for line, group in zip(lines, self._placed[wave], strict=True)
            ]
            sums += [Sum(self._placed[wave], self._linked[wave]) for wave in (first, second)]
            parts = self.door.parts(counts.ravel(), panel, sums=sums)
            moves[first, second] = [parts[k * place : k * (place + 1)] for place in range(k)]
        return moves

    def _between(self, name: str, first: str, second: str) -> pd.DataFrame:
        table = self.load(WAVES, name, ALL_WAVES).reset_index()
        return table[(table["wave_from"] == first) & (table["wave_to"] == second)]
