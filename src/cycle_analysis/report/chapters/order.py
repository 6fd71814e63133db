"""In what order the phases come, as notebook 03 found: facts of the chapter on the cycle."""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from cycle_analysis.chance import holm
from cycle_analysis.cycle import scalability
from cycle_analysis.cycle.order import may_be_style
from cycle_analysis.cycle.scalability import ALL, BETWEEN, RATIO, WEAK, WITHIN
from cycle_analysis.measurement.error import Standing, standing_of
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import CYCLE, SCORES, Chapter, fixed
from cycle_analysis.report.door import Mean, Units, whole_of
from cycle_analysis.report.language import Rows, interval, number, percent
from cycle_analysis.report.sources import as_whole, made

SURE = 0.05
"""p, adjusted for their number, up to which what is compared is told to be more than chance."""
TOO_CLOSE = 0.8
"""Correlation with the phases from which what was taken out as style is too close to correct by."""


class OrderFacts(Chapter):
    """Whether phases follow each other, and how surely."""

    @cached_property
    def order(self) -> dict[str, Any]:
        """What the evidence says of the order, with its figures."""
        row = self.load(CYCLE, "order").loc["order"]
        name = "H_corrected" if row["corrected"] else "H"
        high = row["reading"] == "parallel" and row[name] >= WEAK
        between, *ends = (row[f"H_between{end}"] for end in ("", "_low", "_high"))
        return {
            **{"reading": "level" if high else str(row["reading"]), "raw": row["H"]},
            **{"between_known": not np.isnan(between), "between": between},
            **{"between_interval": tuple(ends), "may_be_style": may_be_style(row)},
            **{"H": row[name], "interval": (row[f"{name}_low"], row[f"{name}_high"])},
            **{part: row[part] for part in ("near", "far", "style")},
            "beyond_chance": bool(row[name] > row[f"{name}_chance"]),
            "too_close": bool(row["corrected"] and row["style"] >= TOO_CLOSE),
            **{"by_careless": bool(row["by_careless"])},
            **{"corrected": bool(row["corrected"]), "n": self.counted(row["n"])},
            **{part: as_whole(row[part]) for part in ("steps", "steps_down", "steps_up")},
        }

    @cached_property
    def breaks(self) -> Units:
        """How many of all comparisons of two phases of a unit break the order."""
        table = self._violations
        return Units(as_whole(table["violations"].sum()), Units(as_whole(table["n"].sum())))

    @cached_property
    def order_known(self) -> bool:
        """Whether the measurement error is known well enough to test the order."""
        return not self._violations.empty

    @cached_property
    def violated(self) -> list[dict[str, Any]]:
        """Pairs of which the later phase is ahead surely over twice as often as by chance, as told.

        Errors differ between units, so that chance alone is a little more than by a normal error.
        None where the error is not known.
        """
        if not self.error_known:
            return []
        by_chance = self._violations["by_chance"]
        p = {
            pair: binom.sf(self.door.count(n) - 1, self.door.whole(n), 2 * by_chance[pair])
            for pair, n in self._violating.items()
        }
        sure = holm(pd.Series(p.values())) <= SURE
        found = [
            {"earlier": pair[0], "later": pair[1], "n": n}
            for (pair, n), surely in zip(self._violating.items(), sure, strict=True)
            if surely
        ]
        return sorted(found, key=lambda pair: -self.door.ratio(pair["n"]))

    @cached_property
    def error_known(self) -> bool:
        """Whether respondents tell the measurement error, be it roughly."""
        return standing_of(self.load(SCORES, "error")["freedom"].min()) != Standing.UNKNOWN

    @cached_property
    def scale(self) -> dict[str, Any] | None:
        """The phases that fit the order least and best, and the pairs without any order."""
        table = self.load(CYCLE, "scalability")["H"]
        phases, others = (table.index.get_level_values(level) for level in (0, 1))
        of_phases = table[(others == ALL) & (phases != ALL)].droplevel(1).dropna()
        if of_phases.empty:
            return None
        of_pairs = table[others != ALL].dropna()
        return {
            "worst": {"phase": of_phases.idxmin(), "H": of_phases.min()},
            "best": {"phase": of_phases.idxmax(), "H": of_phases.max()},
            "n_weak": made(int((of_pairs < WEAK).sum()), of_pairs),
            "n_pairs": made(len(of_pairs), of_pairs),
        }

    weak = fixed(scalability, "WEAK")
    """H under which there is no scale."""

    @cached_property
    def two_level(self) -> dict[str, Any] | None:
        """Whether the order is one of units, or a style of respondents."""
        table = self.load(CYCLE, "two_level")
        within, between, ratio = (table.loc[level] for level in (WITHIN, BETWEEN, RATIO))
        if not self.order["between_known"]:
            return None
        return {
            **{"within": within["H"], "between": between["H"], "ratio": ratio["H"]},
            "interval": (between["low"], between["high"]),
            "beyond_chance": bool(between["low"] > 0),
        }

    @cached_property
    def style_corrected(self) -> bool:
        """Whether H is also known without the style of answering."""
        return bool(self.load(CYCLE, "scalability")["H_corrected"].notna().any())

    def table_order(self) -> Rows:
        """How often a later phase is further than an earlier one."""
        found = self._violating
        rows = [
            {"pair": self._pair_name(*pair), "by_chance": row["by_chance"]}
            | {name: Mean(row[name], whole_of(n)) for name in ("difference", "error")}
            | {"violations": n, "share": n}
            for (pair, n), (_, row) in zip(found.items(), self._violations.iterrows(), strict=True)
        ]
        columns = {"pair": kinds.TEXT, "difference": kinds.MEAN_POINTS, "error": kinds.MEAN}
        columns |= {"violations": kinds.COUNT, "share": kinds.SHARE, "by_chance": percent(1)}
        return Rows(columns, rows)

    def table_scalability(self) -> Rows:
        """H of the scale, the phases and the pairs, raw and without style of answering."""
        ends = {"": "", "_style": "_corrected"} if self.style_corrected else {"": ""}
        columns = {"part": kinds.TEXT}
        for end in ends:
            columns |= {f"H{end}": number(2), f"interval{end}": interval(2)}
        rows = [
            {"part": self._part_name(*part)}
            | {f"H{end}": row[f"H{of}"] for end, of in ends.items()}
            | {f"interval{end}": (row[f"low{of}"], row[f"high{of}"]) for end, of in ends.items()}
            for part, row in self.load(CYCLE, "scalability").iterrows()
        ]
        return Rows(columns, rows)

    def table_correlations(self) -> Rows:
        """Correlations between the phases."""
        table, phases = self.load(CYCLE, "correlations"), self.phases
        rows = [
            {"phase": phase}
            | {other: table.loc[phase, other] for other in phases[:place]}
            | dict.fromkeys(phases[place:-1], "")
            for place, phase in enumerate(phases)
            if place
        ]
        heads = {phase: self._heads[phase] for phase in phases[:-1]}
        columns = {"phase": kinds.PHASE} | dict.fromkeys(heads, number(2))
        return Rows(columns, rows, {"phases": heads})

    # What facts are made of.

    @cached_property
    def _violations(self) -> pd.DataFrame:
        return self.load(CYCLE, "violations").dropna(subset=["share"])

    @cached_property
    def _violating(self) -> dict[Any, Units]:
        """For each pair of phases the units of which the later phase is ahead beyond error."""
        return {
            pair: Units(as_whole(row["violations"]), self.counted(row["n"]))
            for pair, row in self._violations.iterrows()
        }

    def _pair_name(self, earlier: str, later: str) -> str:
        return f"{self._heads[earlier]} → {self._heads[later]}"

    def _part_name(self, phase: str, other: str) -> str:
        if phase == ALL:
            return str(self.language.words["all_phases"])
        return self._heads[phase] if other == ALL else self._pair_name(phase, other)
