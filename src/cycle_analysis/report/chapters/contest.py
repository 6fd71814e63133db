"""Whether there are profiles, and how many: facts of notebook 04 in the chapter on profiles."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.profiles import plot_course, plot_criteria, plot_rivals
from cycle_analysis.mixtures import fit
from cycle_analysis.profiles import verdict
from cycle_analysis.profiles.rates import known_rates
from cycle_analysis.profiles.selection import BARRING, TIE
from cycle_analysis.profiles.verdict import OF_SCORES, Verdict
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import NUMBER, Chapter, facts_from, fixed, saved, smallest_p
from cycle_analysis.report.chapters.cycle import CycleChapter
from cycle_analysis.report.language import Rows, number
from cycle_analysis.report.sources import Sourced, as_whole, constant, made

TAIL = 0.025
"""Share of units at either end of a course where it is not told."""


class ContestFacts(Chapter):
    """Profiles against each other, and against forms without groups."""

    @cached_property
    def reference(self) -> str:
        """Code of the wave in which the groups were found: the one that is told."""
        return self.wave

    @cached_property
    def p(self) -> float:
        """Chance of valleys as deep where they are filled."""
        return self._verdict_row["p"]

    least_p = smallest_p(NUMBER, "n_replicates")
    """The smallest that p can be, with so many draws."""
    least_ratio_p = smallest_p(NUMBER, "n_ratio_replicates")
    """The smallest p of a bootstrap likelihood ratio test."""

    @cached_property
    def k_apart(self) -> int:
        """Number of groups that valleys divide."""
        return as_whole(self._verdict_row["k_apart"])

    @cached_property
    def lead(self) -> float:
        """BIC points by which groups beat the form without groups that is told, in whole points.

        Where profiles are found that is the best of all forms; else the one that units have.
        """
        row = self._verdict_row
        of = "lead" if self.verdict.found else "form_lead"
        return round(row["steps_lead" if self.on_one_line else of], 0)

    @cached_property
    def on_one_line(self) -> bool:
        """Whether profiles are found that win as steps on one line."""
        row = self._verdict_row
        return self.verdict.found and bool(row["steps_lead"] > max(row["lead"], 0))

    @cached_property
    def left_out(self) -> str:
        """Whether groups describe units that were left out of the fit better, alike or worse.

        Untold of groups that win on one line only: those left out were described by free groups.
        """
        if self._verdict_row["lead_held_out"] > 0:
            return "better"
        if self.on_one_line:
            return "untold"
        return "worse" if self._verdict_row["worse_held_out"] else "alike"

    @cached_property
    def asked_lead(self) -> dict[str, float]:
        """BIC points that profiles, and two that overlap, have to win by."""
        asked = {"several": "STRONG_LEAD", "two": "CLEAR_LEAD"}
        return {kind: constant(verdict, name) for kind, name in asked.items()}

    valleys_at, eased = fixed(verdict, "ALPHA"), fixed(verdict, "EASED")
    """Chance below which valleys are deep; and where profiles would overlap without any."""

    @cached_property
    def crossed(self) -> dict[str, int]:
        """Into how many parts units are divided that are left out in turn, and how many times."""
        return {"folds": constant(fit, "FOLDS"), "times": constant(fit, "DIVISIONS")}

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

    few_values = fixed(verdict, "FEW_VALUES")
    """Different scores of a phase up to which there are few."""
    heaped_from = fixed(verdict, "HEAPED")
    """Share of units with one and the same score from which there are many."""

    @cached_property
    def reading(self) -> str:
        """What the order of the phases reads as, by its code, where units lie along a course."""
        return str(self._cycle["order"]["reading"]) if self.on_course else ""

    @cached_property
    def may_be_style(self) -> bool:
        """Whether a sliding scale may be one of how respondents answer."""
        sliding = self.verdict is Verdict.CONTINUUM
        return sliding and bool(self._cycle["order"]["may_be_style"])

    @cached_property
    def on_course(self) -> bool:
        """Whether units lie along a line or a curve: then the verdict is told with the order."""
        return self.verdict in (Verdict.CONTINUUM, Verdict.BENT)

    @cached_property
    def power(self) -> dict[str, Any]:
        """How often surveys of about this size, with and without groups, are told to have them."""
        tried = bool(self.parameters_of(NUMBER)["n_trials"])
        own = tried and self.verdict is not Verdict.IDENTICAL
        n = self.door.count(self.n)
        known = self.load(NUMBER, "rates", self.reference) if own else known_rates(n)
        table = known if own else Sourced.of(known, "cycle_analysis/profiles/rates.csv")
        without = table["distance"].isna()
        false = table[without]
        distances = [
            {
                "d": made(d, rows["distance"]),
                **{of: (rows[of].min(), rows[of].max()) for of in ("found", "separate")},
            }
            for d, rows in table[~without].groupby("distance")
        ]
        return {
            **{"own": own, "n_units": made(n, self.n) if own else table["n_units"].iloc[0]},
            "n_surveys": table["n_surveys"].min(),
            "false": {
                "n": sum(round(row["found"] * row["n_surveys"]) for _, row in false.iterrows()),
                "of": false["n_surveys"].sum(),
                "worst": false["found"].max(),
            },
            "distances": distances,
        }

    @cached_property
    def rivals(self) -> list[dict[str, Any]]:
        """The best of each form without groups, best first."""
        columns = {"lead": "bic_lead"} | {n: n for n in ("form", "held_out", "held_out_error")}
        rows = self._rivals.drop_duplicates("form").iterrows()
        return [{name: row[column] for name, column in columns.items()} for _, row in rows]

    @cached_property
    def course(self) -> dict[str, Any] | None:
        """The best line or curve, told where units are found to lie along it."""
        if not self.on_course:
            return None
        table = self._course
        ends = table.iloc[[0, len(table) // 2, -1]]
        names = ("start", "middle", "end")
        phases = [
            {"phase": phase, **{n: round(x, 0) for n, x in zip(names, ends[phase], strict=True)}}
            for phase in self.phases
        ]
        return {"form": self.form, "phases": phases}

    @cached_property
    def best(self) -> dict[str, Any]:
        """The solution that BIC takes: `k` groups by a `model`, and the `flags` against it."""
        return _solution(self._choice)

    @cached_property
    def near(self) -> list[str]:
        """Solutions whose BIC is close."""
        told, row = str(self._choice["alternatives"]).split(","), self._choice
        return [made(part.strip(), row, how="") for part in told if part]

    @cached_property
    def lowest(self) -> dict[str, Any]:
        """The solution with the lowest BIC of all, whether it takes part or not."""
        row = self._criteria.loc[self._criteria["bic"].idxmin()]
        told = _solution(row) | {"bic": row["bic"]}
        return told | {"flags": [flag for flag in told["flags"] if flag in BARRING]}

    @cached_property
    def barred(self) -> dict[str, Any] | None:
        """The solution with the lowest BIC, where it does not take part."""
        table, best = self._criteria, self.best
        own = table.loc[(table["method"] == best["model"]) & (table["k"] == best["k"]), "bic"]
        takes_part = len(own) and own.iloc[0] <= self.lowest["bic"] + TIE
        return None if takes_part else self.lowest

    @cached_property
    def groups_barred(self) -> bool:
        """Whether groups describe the units better than that form, but take no part."""
        return self.best["k"] == 1 and self.barred is not None and bool(self.lead > 0)

    @cached_property
    def has_flags(self) -> bool:
        """Whether something speaks against any of the solutions."""
        return bool(self._criteria["flags"].fillna("").ne("").any())

    # Tables and figures.

    def table_criteria(self) -> Rows:
        """BIC of each model and number of groups, beside what Ward gives."""
        table = self._criteria
        models = [str(model) for model in table["method"].unique()]
        cells = table.assign(starred=table["flags"].fillna("").ne("")).set_index(["method", "k"])
        none = pd.Series({name: np.nan for name in cells} | {"starred": False}, dtype=object)
        rows: list[dict[str, Any]] = []
        for k in sorted(table["k"].unique()):
            of_model = {m: cells.loc[(m, k)] if (m, k) in cells.index else none for m in models}
            taken = of_model.get(self.best["model"], none)
            rows.append(
                {m: (row["bic"], bool(row["starred"])) for m, row in of_model.items()}
                | {"k": int(k), "ratio_p": taken["ratio_p"]}
            )
        columns = {"k": number(), "ratio_p": kinds.p_value(self.least_ratio_p)}
        families = {"models": {model: model for model in models}}
        return Rows(columns | dict.fromkeys(models, kinds.STARRED), rows, families)

    def figure_criteria(self) -> Callable[..., Axes]:
        """BIC over the number of groups."""
        return partial(plot_criteria, self._criteria)

    def table_rivals(self) -> Rows:
        """The best of each form without groups."""
        told = dict.fromkeys(("lead", "held_out", "held_out_error"), number())
        return Rows({"form": kinds.code("forms")} | told, self.rivals)

    def figure_rivals(self) -> Callable[..., Axes]:
        """BIC points by which groups beat the best of each form."""
        leads = {
            self.language.code_word(rival["form"], "forms"): rival["lead"] for rival in self.rivals
        }
        return partial(plot_rivals, pd.Series(leads, dtype=float))

    def figure_course(self) -> Callable[..., Axes]:
        """Expected score of each phase along the course."""
        return partial(plot_course, self._course[self.phases])

    # What facts are made of.

    _cycle = facts_from(CycleChapter)

    def _codes(self, column: str) -> list[str]:
        return str(self._verdict_row[column] or "").split()

    @cached_property
    def _choice(self) -> pd.Series:
        return self.load(NUMBER, "choice", self.reference).fillna("").iloc[0]

    @cached_property
    def _criteria(self) -> pd.DataFrame:
        return self.load(NUMBER, "criteria", self.reference).reset_index()

    _rivals = saved(NUMBER, "rivals")

    @cached_property
    def _course(self) -> pd.DataFrame:
        """The best line or curve, without its ends, where nobody is and it may leave the scale."""
        table = self.load(NUMBER, "course", self.reference)
        before = table["share"].cumsum() - table["share"]
        return table[(before + table["share"] > TAIL) & (before < 1 - TAIL)]


def _solution(row: pd.Series) -> dict[str, Any]:
    """Tell a number of groups with a model, and the flags that speak against it."""
    flags = str(row["flags"] or "").split()
    return {"k": as_whole(row["k"]), "model": row["method"], "flags": flags}
