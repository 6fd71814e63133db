"""What changed between the waves, and was it more than noise: facts of notebook 07."""

import math
from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.cycle import plot_change, plot_flow, plot_moves
from cycle_analysis.measurement import item_analysis
from cycle_analysis.report import door
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import ALL_WAVES, WAVES, Chapter, fixed, saved, setting
from cycle_analysis.report.door import Mean, Units, Weighted, units_behind
from cycle_analysis.report.language import Rows, number, per_wave
from cycle_analysis.report.sources import as_whole, made
from cycle_analysis.waves import (
    ALIKE,
    ATTENTIVE,
    OF_ALL,
    SURE,
    changed_surely,
    holds,
    transitions,
)
from cycle_analysis.waves.transitions import (
    ALL_ATTENTIVE,
    ALPHA,
    AS_PROBABILITY,
    Finding,
)

TERRITORY = ("unchanged", "grown", "merged", "split", "uncovered", "unmapped")
"""What can have become of a unit, in the order of the table."""
COMPARABLE = ("full", "partial")
ESTIMATED = (Finding.CHANGED, Finding.UNCHANGED)
"""Findings on moves that rest on an estimate of them."""
MATTERS = 1.0
"""Points by which another mix of roles has to change a mean change to be told."""
SAME = 0.10
"""Share of units in another group up to which two divisions are nearly the same."""


class WavesChapter(Chapter):
    """What changed between the waves?"""

    key = "waves"

    # What can be compared.

    @cached_property
    def n_items(self) -> int:
        """Number of questions on the phases."""
        return made(len(self._items), self._items)

    @cached_property
    def n_common(self) -> int:
        """How many of them every wave asked in a comparable way."""
        common = self._items["common"]
        return made(int(common.sum()), common)

    @cached_property
    def n_partly(self) -> int:
        """How many of those some wave asked in other words or with other answers."""
        partly = self._items[self.study.waves].eq("partial").any(axis=1) & self._items["common"]
        return made(int(partly.sum()), self._items[self.study.waves], self._items["common"])

    @cached_property
    def left_out(self) -> list[dict[str, Any]]:
        """The others: code, question, and what each wave did with it."""
        found = []
        for item, states in self._items.loc[~self._items["common"], self.study.waves].iterrows():
            odd = [{"wave": w, "state": s} for w, s in states.items() if s not in COMPARABLE]
            found.append({"item": item, "question": self._questions[item], "states": odd})
        return found

    min_covered = setting(WAVES, "min_covered")
    """Share of the inhabitants of a merged unit whose predecessors must have answered."""

    @cached_property
    def same(self) -> dict[str, Any]:
        """How near the division on common questions comes to that of the chapter before."""
        row = self.load(WAVES, "comparability", ALL_WAVES).iloc[0]
        n = Units(as_whole(row["n_units"]), self.answered_in(self.reference))
        moved = units_behind(row["moved_share"], row["n_units"], n)
        return {"n": n, "moved": moved, "near": self.door.ratio(moved) <= SAME}

    # Who moved, and how much phases changed.

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """Each pair of successive waves: who moved, against chance, and which phases changed."""
        return [self._pair(*pair) for pair in pairwise(self.study.waves)]

    @cached_property
    def periods(self) -> dict[str, Any] | None:
        """Whether units moved alike between all successive waves; None where not tested."""
        ends = self.study.waves[0], self.study.waves[-1]
        table = _of_pair(self._alike, *ends).set_index("between")
        if "waves" not in table.index:
            return None
        p = table.loc["waves", "p"]
        return {"alike": p > ALPHA, "p": p}

    @cached_property
    def whole(self) -> dict[str, Any] | None:
        """Which phases changed from the first wave to the last, where there are waves between."""
        first, last = self.study.waves[0], self.study.waves[-1]
        if len(self.pairs) < 2 or (change := self._change(first, last)).empty:
            return None
        sure = change[changed_surely(change)].sort_values("change", ascending=False)
        changes = self._means(change, first, last)
        told: dict[str, Any] = {"sure": self._means(sure, first, last), "changes": changes}
        told["open"] = self._left_open(changes)
        n = self._in_both(change["n_units"].max(), first, last)
        return {"first": first, "last": last, "panel": n, **told}

    announced_at = fixed(transitions, "ALPHA")
    """Largest p at which moves between groups are announced."""
    surely = fixed(item_analysis, "SURELY")
    """Part of the samples in which a question goes unlike before."""
    least_whole = fixed(door, "LEAST_WHOLE")
    """Smallest group of which shares are told."""

    @cached_property
    def least_p(self) -> float:
        """Smallest p that the surveys drawn without change can give."""
        return 1 / (1 + self.parameters_of(WAVES)["n_draws"])

    @cached_property
    def last(self) -> dict[str, Any] | None:
        """The last pair of waves."""
        return self.pairs[-1] if self.pairs else None

    # Tables and figures.

    def table_items_compared(self) -> Rows:
        """Comparable questions per phase."""
        of_phase = self._items.groupby("phase")
        table = of_phase["common"].agg(items="size", common="sum").loc[self.phases]
        table["correlation"] = of_phase["correlation"].first()
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

    def table_panel_shares(self, first: str, second: str) -> Rows:
        """How large each group is in both waves."""
        table = self._table_of_moves(first, second)
        panel, told = self._panel(first, second), {}
        for wave, cells in ((first, table[1:, 0]), (second, table[0, 1:])):
            ends = cells[:, :3].tolist()
            told[wave] = [Weighted(value, low, high, panel) for value, low, high in ends]
        return per_wave(("group", kinds.GROUP), self.groups, told, shares=kinds.WEIGHTED)

    def table_moves(self, first: str, second: str) -> Rows:
        """Which part of each group goes to each group."""
        return self.to_groups(self._moves(first, second), kinds.WEIGHTED)

    def table_item_drift(self, first: str, second: str) -> Rows:
        """Questions that changed by more than their phase did."""
        drift = self._drift(first, second)
        columns = {"item": kinds.TEXT, "question": kinds.TEXT, "phase": kinds.PHASE}
        columns |= dict.fromkeys(("change", "drift", "without"), kinds.MEAN_POINTS)
        rows = drift["moved"] if drift else []
        return Rows(columns | {"interval": kinds.MEAN_INTERVAL}, rows)

    def table_similarity(self, first: str, second: str) -> Rows:
        """In what the profiles of both waves are alike, step by step."""
        columns = {"step": kinds.code("similarity"), "holds": kinds.code("yes_no")}
        columns |= {"p": kinds.p_value()}
        return Rows(columns, self._steps(first, second))

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
        told = [[self.door.weighted(m)[0] for m in row] for row in self._moves(first, second)]
        axis = str(self.language.words["group_in_wave"])
        values = [[share.value for share in row] for row in told]
        return partial(
            plot_moves,
            pd.DataFrame(values, numbers, numbers, dtype=float),
            names=self._group_names,
            axes=(axis.format(wave=first), axis.format(wave=second)),
            texts=[[kinds.told_share(self.language, s).text for s in row] for row in told],
        )

    def figure_flow(self, first: str, second: str) -> Callable[..., Axes]:
        """Which part of all goes from group to group."""
        numbers, panel = [group.number for group in self.groups], self._panel(first, second)
        told = [
            [self.door.weighted(Weighted(x, low, high, panel))[0].drawn for x, low, high in row]
            for row in self._table_of_moves(first, second)[1:, 1:, :3].tolist()
        ]
        ends = [
            [self.door.weighted(row[end])[0] for end in ("before", "after")]
            for row in self._shares(first, second)
        ]
        waves = (self.language.wave(first), self.language.wave(second))
        table = pd.DataFrame(told, numbers, numbers, dtype=float)
        shares = pd.DataFrame(ends, numbers)
        sizes = shares.map(lambda share: share.drawn)
        texts = shares.map(lambda share: kinds.told_share(self.language, share).text)
        names = self._group_names
        return partial(plot_flow, table, sizes=sizes, texts=texts, names=names, waves=waves)

    def figure_change(self, first: str, second: str) -> Callable[..., Axes]:
        """Mean change per phase."""
        change = self._change(first, second)
        sure = changed_surely(change)
        rounded = change.assign(**change[["change", "low", "high"]].round(), sure=sure)
        return partial(plot_change, rounded)

    # What facts are made of.

    _alike = saved(WAVES, "moved_alike", ALL_WAVES)
    _items = saved(WAVES, "items", ALL_WAVES)

    def _pair(self, first: str, second: str) -> dict[str, Any]:
        panel, change = self._panel(first, second), self._change(first, second)
        sure = change[changed_surely(change)]
        told = (change["p_holm"] <= SURE) & holds(change, ALIKE)
        returned = change[told & ~holds(change, OF_ALL)]
        careless = change[told & holds(change, OF_ALL) & ~holds(change, ATTENTIVE)]
        return {
            **{"first": first, "second": second, "panel": panel, "few": self.door.few(panel)},
            **{"attentive": None, "undone": False},
            **(self._test(first, second) if self.k > 1 else {"finding": ""}),
            "identical": self._finding(first, second) == Finding.IDENTICAL,
            "changes": (changes := self._means(change, first, second)),
            "drift": self._drift(first, second),
            "steps": bool(self._steps(first, second)),
            "differing": self._differing(first, second),
            "groups": self._groups(first, second),
            "open": self._left_open(changes),
            "sure": self._means(sure.sort_values("change", ascending=False), first, second),
            "roles": self._roles(change, first, second),
            "returned": self._means(returned, first, second),
            "careless": self._means(careless, first, second),
            "shares": self._shares(first, second) if self.k > 1 else [],
            "moves_told": self.k > 1 and self._tells_moves(first, second),
        }

    def _finding(self, first: str, second: str) -> str:
        return str(self._between("change_tests", first, second)["finding"].iloc[0])

    def _tells_moves(self, first: str, second: str) -> bool:
        """Whether any group is large enough to tell where it went."""
        if self._finding(first, second) not in ESTIMATED:
            return False
        told = (self.door.weighted(move)[0] for row in self._moves(first, second) for move in row)
        return any(not math.isnan(share.value) for share in told)

    def _roles(self, change: pd.DataFrame, first: str, second: str) -> dict[str, Any]:
        """What the mix of roles has to do with mean changes.

        `known`: whether it changes any. `apart`: whether it can be told from the waves. `little`:
        whether it changes none by a point. `differ`: phases on which it changes a point or more, by
        more than chance explains, with the change without it. `undone`: phases that would be told
        as changed but for that.
        """
        gap = (change[f"change{ALIKE}"] - change["change"]).abs()
        surely = (gap >= MATTERS) & (change["p_mix"] <= SURE)
        undone = change[(change["p_holm"] <= SURE) & ~holds(change, ALIKE)]
        return {
            "known": bool(gap.max() > 0),
            "apart": bool(gap.notna().all()),
            "little": bool(gap.max() < MATTERS),
            "differ": self._means(change[surely], first, second, ALIKE),
            "undone": self._means(undone, first, second),
        }

    def _shares(self, first: str, second: str) -> list[dict[str, Any]]:
        """How large each group was and is, as told; none where they are not told."""
        if self._test(first, second)["finding"] not in ESTIMATED:
            return []
        ends = {f"shares_{first}": "before", f"shares_{second}": "after", "group": "group"}
        rows = self.table_panel_shares(first, second).rows
        return [{end: row[name] for name, end in ends.items()} for row in rows]

    def _test(self, first: str, second: str) -> dict[str, Any]:
        """Whether units moved between groups: what was found, its p, and how many as told."""
        test = self._between("change_tests", first, second).iloc[0]
        if test["finding"] not in ESTIMATED:
            return {"finding": test["finding"], "error_at_most": test["error_at_most"]}
        panel = self._panel(first, second)
        moved = {way: self._share(test, way, panel) for way in ("any", "up", "down")}
        if math.isnan((drawn := {way: one["drawn"] for way, one in moved.items()})["any"]):
            return {"finding": Finding.FEW_UNITS.value}
        shift = (points != 0 for name, points in test.items() if str(name).startswith("shift "))
        attentive, found = self._attentive(test, panel), test["finding"]
        # as of means and an order: told only where it holds without who seems careless
        undone = attentive is not None and found == Finding.CHANGED != attentive["finding"]
        return {
            **{"finding": Finding.UNCHANGED.value if undone else found, "undone": undone},
            **{"p": test["p"], "moved": moved, "attentive": attentive},
            # profiles of other shapes, or whose means are alike by their steps, did not shift
            "shifted": any(shift) and self._differing(first, second)[:1] == ["means"],
            "adds_up": math.isclose(drawn["up"] + drawn["down"], drawn["any"], abs_tol=1e-6),
        }

    def _attentive(self, test: pd.Series, panel: Units) -> dict[str, Any] | None:
        """What is found without respondents who seem careless; None where there are none."""
        finding = test[f"finding{ATTENTIVE}"]
        if finding == ALL_ATTENTIVE:
            return None
        share = self._share(test, "any", panel, ATTENTIVE) if finding in ESTIMATED else {}
        told = not math.isnan(share.get("drawn", math.nan))
        return share | {"finding": finding if told else Finding.FEW_UNITS.value}

    def _share(self, test: pd.Series, way: str, panel: Units, suffix: str = "") -> dict[str, Any]:
        """How many moved that way, with the ends of the interval as told."""
        value, low, high = (test[f"{way}{end}{suffix}"] for end in ("", "_low", "_high"))
        share = Weighted(value, low, high, panel)
        told, low, high = self.door.weighted(share)
        ends = {"low": made(low, share), "high": made(high, share)}
        return {"share": share, "drawn": told.drawn} | ends

    def _steps(self, first: str, second: str) -> list[dict[str, Any]]:
        """Whether profiles are alike in means, spread and shares; none for levels."""
        table = self._between("similarity", first, second)[["step", "p", "holds"]]
        return table.assign(holds=table["holds"].astype(str)).to_dict("records")

    def _differing(self, first: str, second: str) -> list[str]:
        """In what steps the profiles are not alike."""
        return [s["step"] for s in self._steps(first, second) if s["holds"] != "True"]

    def _groups(self, first: str, second: str) -> dict[str, list[str]]:
        """By which variables moves were compared, and by which they differ."""
        table = _of_pair(self._alike, first, second).dropna(subset="p").set_index("between")
        table = table.drop("waves", errors="ignore")
        return {
            "compared": list(table.index),
            "differ": list(table.index[table["p_holm"] <= ALPHA]),
        }

    def _drift(self, first: str, second: str) -> dict[str, Any] | None:
        """Which questions changed by more than their phase; None where none could be tested.

        `n`: questions tested. `moved`: those that did, the furthest first. `phases`: theirs, and
        how many points more or less the mean of their questions changes `without` them. `unlike`:
        those that go along with their phase in one of both waves only.
        """
        table = self._between("item_drift", first, second)
        n = table[["n_before", "n_after"]].min(axis=1)
        tested = table.assign(n=n)[n >= self.door.round_to].dropna(subset="p")
        if tested.empty:
            return None
        moved = []
        for _, row in tested[tested["drifted"]].iterrows():
            units = Units(as_whole(row["n"]), self._fewest_respondents(first, second))
            drift = Mean(row["drift"], units, row["low"], row["high"])
            told = {name: Mean(row[name], units) for name in ("change", "without")}
            about = {"item": str(row["item"]), "question": self._questions[row["item"]]}
            moved.append(about | {"phase": row["phase"], "drift": drift, "interval": drift} | told)
        moved.sort(key=lambda row: -abs(row["drift"]._value))
        left = {row["phase"]: row for row in moved if not math.isnan(row["without"]._value)}
        return {
            "n": made(len(tested), tested["p"]),
            "moved": moved,
            "unlike": [str(item) for item in tested["item"][tested["unlike"]]],
            "phases": [left[phase] for phase in self.phases if phase in left],
        }

    def _fewest_respondents(self, first: str, second: str) -> Units:
        return min(map(self.respondents_in, (first, second)), key=self.door.count)

    def _moves(self, first: str, second: str) -> list[list[Weighted]]:
        """For each group which part goes to each group, groups × groups."""
        panel, table = self._panel(first, second), self._table_of_moves(first, second)
        groups = [Units(round(row[0, 0] * panel._n), panel) for row in table[1:]]
        return [
            [Weighted(value, low, high, group) for value, low, high in row[1:, 3:].tolist()]
            for group, row in zip(groups, table[1:], strict=True)
        ]

    def _table_of_moves(self, first: str, second: str) -> np.ndarray:
        """Shares and chances with their ends, from group × to group × 6; all groups stand first.

        Levels may be fewer on the questions compared than in the chapter before: then 0.
        """
        table = self._between("moves", first, second).set_index(["profile_from", "profile_to"])
        numbers = [0, *(group.number for group in self.groups)]
        table = table[["share", "low", "high", *AS_PROBABILITY.values()]].fillna(0.0)
        known = {places: [*row] for places, row in table.iterrows()}
        none = [made(0.0, table["share"])] * table.shape[1]
        rows = [[known.get((a, b), none) for b in numbers] for a in numbers]
        return np.array(rows, dtype=object)

    def _panel(self, first: str, second: str) -> Units:
        row = self._between("change_tests", first, second).iloc[0]
        return self._in_both(row["n_units"], first, second)

    def _means(
        self, change: pd.DataFrame, first: str, second: str, of: str = ""
    ) -> list[dict[str, Any]]:
        return [
            {"phase": phase, "mean": self._mean(row, first, second, of)}
            for phase, row in change.iterrows()
        ]

    def _left_open(self, changes: list[dict[str, Any]]) -> float:
        """Give the largest change of a phase that intervals leave open, as told; 0 without any."""
        means = [change["mean"] for change in changes]
        ends = (abs(end) for mean in means for end in self.door.mean(mean)[1:])
        return made(max(filter(math.isfinite, ends), default=0.0), *means)

    def _mean(self, row: pd.Series, first: str, second: str, of: str = "") -> Mean:
        n = self._in_both(row["n_units"], first, second)
        return Mean(row[f"change{of}"], n, row[f"low{of}"], row[f"high{of}"])

    def _in_both(self, n: float, first: str, second: str) -> Units:
        """Set a number of units that answered in both waves: a part of the smaller of the two.

        Of 58 that answered then and 64 before, 58 told as 60 would prove that these were all.
        """
        return Units(as_whole(n), min(map(self.answered_in, (first, second)), key=self.door.count))

    def _change(self, first: str, second: str) -> pd.DataFrame:
        """Mean change of each phase between two waves, of phases on which it rests on enough."""
        table = self._between("change", first, second).set_index("phase")
        known = table.reindex(self.phases).dropna(subset=["change"])
        return known[known["n_units"] >= self.door.round_to]

    def _between(self, name: str, first: str, second: str) -> pd.DataFrame:
        return _of_pair(self.load(WAVES, name, ALL_WAVES), first, second)


def _of_pair(table: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    table = table.reset_index()
    return table[(table["wave_from"] == first) & (table["wave_to"] == second)]
