"""Whether it can be trusted: how well it measures, and whether others would find the same.

Facts of notebook 02, and of 06: do other samples and other methods give the same profiles?
"""

import math
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.chance import holm
from cycle_analysis.figures.responses import plot_answers, plot_spread
from cycle_analysis.measurement import agreement, error
from cycle_analysis.measurement.error import standing_of
from cycle_analysis.measurement.missing import THIRDS
from cycle_analysis.measurement.reliability import ONE, PHASES, is_rough
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import RESPONSES, SCORES, VALIDITY, Chapter, facts_from, setting
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.door import Mean, Units, units_behind, units_of
from cycle_analysis.report.language import Rows, number
from cycle_analysis.report.sources import Source, as_whole, constant, made

CHANCE = 0.05
"""p-value, adjusted for the phases, under which respondents agree more than groups put together at
random, and missing answers go with scores or are not missing completely at random."""
MISSING, ENDS = ("missing", "dont_know"), ("floor", "ceiling")
"""Columns of items with a share of all respondents, and of those who answered."""
ICCS, OF_WHOLE = ("icc1", "icc2"), ("rwg_median", "average_deviation")
"""Measures of agreement: of scores, and of those who answered all questions of a phase."""
STABILITY = ((0.85, "very_stable"), (0.75, "stable"), (0.60, "unsure"), (-1.0, "unstable"))
"""Hennig's (2007) reading of the mean Jaccard coefficient."""
LARGE = 0.20
"""Share of units in another group from which two divisions differ (Mooi & Sarstedt 2011)."""


MOST_STEPS, N_BANDS = 11, 5
"""A scale of more steps than this, such as a slider, is drawn in so many bands."""


class MeasurementChapter(Chapter):
    """What was answered, how reliable is it, and do respondents of one unit agree?"""

    key = "measurement"

    @cached_property
    def scales(self) -> list[dict[str, Any]]:
        """Answer scales: code, lowest step, and questions with their mean and share of that step.

        `least` and `most` are the questions with the smallest and the largest of these shares;
        `hidden` is whether some have too few answers to be drawn.
        """
        return [self._scale(str(scale)) for scale in self._scale_of.unique()]

    @cached_property
    def scale(self) -> dict[str, Any]:
        """The first of them: what a block tells that is told alone."""
        return self.scales[0]

    @cached_property
    def rests(self) -> list[dict[str, Any]]:
        """Items and their correlation with the others of their phase, from low to high."""
        known = self._items["item_rest"].dropna().sort_values(kind="stable")
        return [{"item": str(item), "rest": rest} for item, rest in known.items()]

    @cached_property
    def floored(self) -> dict[str, int]:
        """Number of items with more than half of the answers on the lowest step, and of all."""
        floor = self._items["floor"]
        return {"n": made(int((floor > 0.5).sum()), floor), "of": made(len(floor), floor)}

    @cached_property
    def ceiled(self) -> int:
        """Number of items with more than half of the answers on the highest step."""
        ceiling = self._items["ceiling"]
        return made(int((ceiling > 0.5).sum()), ceiling)

    @cached_property
    def warnings(self) -> list[dict[str, str]]:
        """What deserves attention: the item, or the phase that a warning is about as a whole."""
        items, phases = (
            self.load(SCORES, name)["warning"].dropna() for name in ("items", "reliability")
        )
        known = self.language.words["warnings"]
        return [
            {"about": str(about), "warning": known[warning].format(many=self.many)}
            for about, told in (*items.items(), *phases.rename(index=self._heads).items())
            for warning in filter(None, told.split("; "))
        ]

    @cached_property
    def respondents(self) -> dict[str, Units]:
        """How many respondents there are in each wave."""
        return {wave: self.respondents_in(wave) for wave in self.study.waves}

    @cached_property
    def respondents_here(self) -> Units:
        """Those of the wave that the chapter tells of; a notebook knows no other yet."""
        return self.respondents_in(self.wave)

    @cached_property
    def alphas(self) -> list[dict[str, Any]]:
        """Phases with alpha, None where there is none, and whether it is rough; by the cycle."""
        alphas = self._of_phases("reliability", self.wave)["alpha"]
        return [
            {"phase": phase, "alpha": None if pd.isna(alpha) else alpha, "rough": bool(rough)}
            for (phase, alpha), rough in zip(alphas.items(), is_rough(alphas), strict=True)
        ]

    @cached_property
    def factors(self) -> dict[str, float] | None:
        """BIC of one factor and of several, and how those fit; None where it is not known."""
        table = self.load(SCORES, "factor_models")
        several = table.loc[PHASES, ["bic", "cfi", "rmsea", "largest_correlation"]]
        told = {"one": table.loc[ONE, "bic"]} | dict(several.items())
        return None if table["bic"].isna().any() else told

    @cached_property
    def agreement(self) -> dict[str, Any] | None:
        """Range over phases of each measure of agreement; None where it cannot be seen."""
        table = self.load(SCORES, "agreement")
        known = table[table["n_units_of_two"] >= self.door.round_to].dropna(subset=["icc1"])
        chance = table["p"].dropna()
        whole = known[known["n_units_of_whole"] >= self.door.round_to]
        rests = dict.fromkeys(ICCS, known) | dict.fromkeys(OF_WHOLE, whole)
        ranges = {m: (of[m].min(), of[m].max()) if len(of) else None for m, of in rests.items()}
        beyond = made(int((holm(chance) < CHANCE).sum()), chance)
        told = {"beyond": beyond, "phases": made(len(chance), chance), **ranges}
        return None if known.empty else told | {"limit": constant(agreement, "AGREED")}

    @cached_property
    def precision(self) -> dict[str, Any]:
        """How well the measurement error is known, by its degrees of freedom, and if all are alone.

        Both numbers behind the latter are exact elsewhere: respondents and units of a wave.
        """
        n = len(self.load(RESPONSES, "respondents"))
        told = {"standing": self._standing(self.wave), "one_each": n == self.answered._n}
        known = {"rough_from": constant(error, "TOO_FEW"), "known_from": constant(error, "ENOUGH")}
        return told | known

    @cached_property
    def other_waves(self) -> list[dict[str, str]]:
        """How well the measurement error of each other wave is known."""
        others = (wave for wave in self.study.waves if wave != self.wave)
        return [{"wave": wave, "standing": self._standing(wave)} for wave in others]

    @cached_property
    def errors(self) -> dict[str, Mean] | None:
        """Standard errors of one respondent and of the scores of units, in points.

        None where they are not known, or rest on few units.
        """
        saved = self.load(SCORES, "standard_errors")
        known = saved.stack().dropna()
        if known.empty or self.door.few(self._with_two):
            return None
        table = self.load(SCORES, "error")
        alone = pd.Series(np.diag(table[table.index])) ** 0.5
        median, low, high = known.quantile([0.5, 0.05, 0.95])
        told = {"median": median, "low": low, "high": high, "reach": 1.96 * median}
        ends = {"least": alone.min(), "most": alone.max()}
        return {
            name: Mean(made(value, of), self._with_two)
            for values, of in ((told, saved), (ends, table))
            for name, value in values.items()
        }

    @cached_property
    def aggregation(self) -> dict[str, Any]:
        """What other rules of aggregation change, over phases and where the order changes most."""
        table = self.load(SCORES, "aggregations")
        n = self.counted(table["n"].max())
        told = [self._rule(str(rule), part, n) for rule, part in table.groupby("rule", sort=False)]
        return {"differs": bool(table["difference"].max() > 0), "n": n, "rules": told}

    @cached_property
    def spread(self) -> dict[str, Any] | None:
        """How far respondents of one unit differ, in quarters of units from low to high scores.

        Level and spread in points, the latter also in percent of what the level leaves room for;
        `inside`: whether the highest differs ``more``, ``less`` or the ``same``, and before it
        `ways`: that in points, and as a part of the room. None where a quarter is too small.
        """
        table = self.load(SCORES, "spread")
        whole = self.counted(table["n"].sum())
        if len(table) < 2 or not all(map(self.door.lists, units_of(table["n"], whole))):
            return None
        parts = self.door.parts(table["n"], whole)
        quarters = [
            {"number": int(group), "n": n, "share": Mean(100 * row["spread_share"], n)}
            | {"level": Mean(row["level"], n), "spread": Mean(row["spread"], n)}
            for (group, row), n in zip(table.iterrows(), parts, strict=True)
        ]
        ends = table.iloc[[0, -1]]
        # in points and of the room: near an end of the scale respondents cannot differ much
        room = ends["spread_share"] / ends["spread"].where(ends["spread"] > 0)
        gaps = [np.diff(ends["spread"] * scale)[0] for scale in (1.0, room)]
        reaches = [1.96 * np.hypot(*(ends["standard_error"] * scale)) for scale in (1.0, room)]
        ways = [
            "more" if gap > reach else "less" if -gap > reach else "same"
            for gap, reach in zip(gaps, reaches, strict=True)
        ]
        inside = ways[0] if ways[0] == ways[1] else "same"
        return {"n": whole, "quarters": quarters, "ways": ways, "inside": inside}

    @cached_property
    def missing(self) -> dict[str, Any] | None:
        """Why answers are missing, with which scores, and what it does to scores; None if none is.

        `share`, and that of each reason (over all, and in the thirds of the respondents by level),
        in percent; `tells`: whether a reason goes with ``low`` or ``high`` scores, or ``neither``.
        `tested` and `rejected`: phases with Little's test, and those where chance is rejected.
        `far`, `shift`: points that bound 95 % of the changes of scores of units, and the change of
        every mean of a phase, if missing answers are expected from the others.
        """
        table = self.load(SCORES, "missing_by_reason")
        if table.empty:
            return None
        scores = self.load(SCORES, "missing_in_scores")
        n_respondents = as_whole(table["n"].iloc[0])
        whole, third = self.counted(scores["n"].max()), Units(n_respondents // len(THIRDS))
        n = Units(n_respondents, self.respondents_in(self.wave))
        told = [
            {"reason": str(reason), "share": Mean(100 * row["share"], n), "tells": _tells(row)}
            | {name: Mean(100 * row[name], third) for name in THIRDS}
            for reason, row in table.iterrows()
        ]
        bounds = {"far": scores["difference_95"].max(), "shift": scores["shift"].abs().max()}
        return {
            **{"share": told[0]["share"], "reasons": told},
            "linked": [row for row in told[1:] if row["tells"] != "neither"],
            "tested": made(int(scores["p"].notna().sum()), scores["p"]),
            "rejected": made(int((scores["p_adjusted"] < CHANCE).sum()), scores["p_adjusted"]),
            **{
                name: Mean(value if pd.isna(value) else math.ceil(value), whole)
                for name, value in bounds.items()
            },
        }

    def table_missing(self) -> Rows:
        """Why answers are missing, by level of the respondents."""
        columns = dict.fromkeys(("share", *THIRDS), kinds.MEAN)
        rows = self.missing["reasons"] if self.missing else []
        words = {"reason": kinds.code("reasons"), "tells": kinds.code("tells")}
        return Rows(columns | words, rows)

    def table_items(self) -> Rows:
        """Answers to each item."""
        n_asked, asked = len(self.load(RESPONSES, "respondents")), self.respondents_in(self.wave)
        rows = self._items.reset_index().to_dict("records")
        for row in rows:
            n, row["missing"] = self._answered[row["item"]]
            row |= {"answers": n, "mean": Mean(row["mean"], n)} | self._ends(row["item"], row)
            row["dont_know"] = units_behind(row["dont_know"], n_asked, asked)
        columns = {"item": kinds.TEXT, "answers": kinds.RESPONDENTS, "mean": kinds.MEAN}
        shares = dict.fromkeys((*MISSING, *ENDS), kinds.SHARE)
        return Rows(columns | shares | {"item_rest": number(2)}, rows)

    def table_warnings(self) -> Rows:
        """What deserves attention, with what follows from it."""
        return Rows({"about": kinds.TEXT, "warning": kinds.TEXT}, self.warnings)

    def table_reliability(self, wave: str) -> Rows:
        """Reliability of each phase in a wave."""
        table = self._of_phases("reliability", wave)
        rows = table.reset_index().to_dict("records")
        for row in rows:
            row["respondents"] = Units(int(row["n_respondents"]), self.respondents_in(wave))
            row["interval"] = (row["alpha_low"], row["alpha_high"])
        columns = dict.fromkeys(table.select_dtypes("float"), number(2))  # all that 02 saves
        columns |= {"phase": kinds.PHASE_TITLE, "respondents": kinds.RESPONDENTS}
        return Rows(columns | {"n_items": number(), "interval": kinds.interval(2)}, rows)

    def table_aggregations(self) -> Rows:
        """What another rule of aggregation changes, over all phases."""
        columns = {"rule": kinds.code("rules"), "shift": kinds.MEAN_POINTS}
        columns |= {"difference": kinds.MEAN, "correlation": number(2), "moved": kinds.SHARE}
        return Rows(columns, self.aggregation["rules"])

    def table_agreement(self, wave: str) -> Rows:
        """Agreement of respondents on each phase in a wave."""
        rows = self._of_phases("agreement", wave).reset_index().to_dict("records")
        for row in rows:
            row["n"] = Units(int(row["n_units_of_whole"]), self.answered_in(wave))
            row["agreed"] = units_behind(row["rwg_over_70"], row["n_units_of_whole"], row["n"])
            row["rwg_median"] = Mean(row["rwg_median"], row["n"], _scale=1)
            of_two = Units(int(row["n_units_of_two"]), self.answered_in(wave))
            row |= {name: Mean(row[name], of_two, _scale=1) for name in ICCS}
        columns = dict.fromkeys(("rwg_median", *ICCS), kinds.MEAN)
        columns |= {"phase": kinds.PHASE_TITLE, "n": kinds.COUNT, "agreed": kinds.SHARE}
        return Rows(columns, rows)

    def table_spread(self) -> Rows:
        """How far respondents of one unit differ, in groups of units from low to high scores."""
        columns = dict.fromkeys(("level", "spread", "share"), kinds.MEAN)
        quarters = self.spread["quarters"] if self.spread else []
        return Rows(columns | {"number": number(), "n": kinds.COUNT}, quarters)

    def figure_answers(self, scale: str) -> Callable[..., Axes]:
        """Answers to each item of a scale, in shares as they are told."""
        bands, items = self._bands(scale), self._items.index[self._scale_of == scale]
        n, shown = [], []
        for item in items:
            parts = list(self._answers[item].values())
            shown.append([self.door.share(part).drawn for part in parts])
            n.append(self.door.whole(parts[0]))
        drawn = (pd.DataFrame(shown, items, list(bands)), pd.Series(n, items))
        phases, options = self._items["phase"].loc[items], [name for name, _ in bands.values()]
        return partial(plot_answers, *drawn, options, phases=phases)

    def figure_spread(self) -> Callable[..., Axes]:
        """How far respondents of one unit differ, in whole points as they are told."""
        table = self.load(SCORES, "spread")[["level", "spread", "low", "high"]]
        return partial(plot_spread, table.round())

    @cached_property
    def _items(self) -> pd.DataFrame:
        return self.load(SCORES, "items").loc[self.study.phase_items(self.wave).index]

    @cached_property
    def _answers(self) -> dict[str, dict[str, Units]]:
        """For each item how many gave each answer, from the lowest band of steps to the highest."""
        table, answers = self.load(SCORES, "answer_counts"), {}
        for item, scale in self._scale_of.items():
            bands, whole = self._bands(str(scale)), self._answered[str(item)][0]
            counts = [table.loc[item, steps].sum() for _, steps in bands.values()]
            answers[str(item)] = dict(zip(bands, self.door.parts(counts, whole), strict=True))
        return answers

    @cached_property
    def _answered(self) -> dict[str, list[Units]]:
        """For each item how many respondents answered it, and how many did not."""
        asked, n = len(self.load(RESPONSES, "respondents")), self._items["n"]
        whole = self.respondents_in(self.wave)
        return {str(item): self.door.parts([k, asked - k], whole) for item, k in n.items()}

    def _ends(self, item: str, row: Mapping[str, Any] | pd.Series) -> dict[str, Units]:
        """Give how many answers of an item are at the low and the high end of its scale.

        These are answers of the lowest and the highest step, except where answers of a wave on
        another scale were set to the nearest step, or steps are told in bands.
        """
        steps, counts = self._answers[item], self.load(SCORES, "answer_counts").loc[item]
        names, ends = list(self._steps(str(self._scale_of[item]))), {}
        if self.study.phase_items(self.wave).loc[item, "reversed"]:
            names.reverse()
        for name, step in zip(ENDS, (names[0], names[-1]), strict=True):
            other = units_behind(row[name], row["n"], self._answered[item][0])
            is_told = len(steps) == len(names) and other._n == counts[step]
            ends[name] = steps[step] if is_told else other
        return ends

    @cached_property
    def _scale_of(self) -> pd.Series:
        return self.study.codebook.items["scale"].reindex(self._items.index)

    def _of_phases(self, table: str, wave: str) -> pd.DataFrame:
        known = self.load(SCORES, table, wave)
        return known.loc[[phase for phase in self.phases if phase in known.index]]

    @cached_property
    def _with_two(self) -> Units:
        """Units with two respondents or more, on the phase with the fewest that has any."""
        return self.counted(self.load(SCORES, "agreement").loc[self._fewest, "n_units_of_two"])

    @cached_property
    def _fewest(self) -> Any:
        return self.load(SCORES, "agreement")["n_units_of_two"].replace(0, np.inf).idxmin()

    def _standing(self, wave: str) -> str:
        return str(standing_of(self.load(SCORES, "error", wave)["freedom"].min()))

    def _steps(self, scale: str) -> dict[str, str]:
        return self.study.scales[scale].steps(self.language.code)

    def _bands(self, scale: str) -> dict[str, tuple[str, list[str]]]:
        """Give the parts of a bar by their first step: what each is called, and its steps."""
        steps = self._steps(scale)
        if len(steps) <= MOST_STEPS:
            return {step: (name, [step]) for step, name in steps.items()}
        parts = [part.tolist() for part in np.array_split(list(steps), N_BANDS)]
        return {part[0]: (f"{part[0]}–{part[-1]}", part) for part in parts}

    def _scale(self, scale: str) -> dict[str, Any]:
        told: list[dict[str, Any]] = []
        for item, row in self._items[self._scale_of == scale].iterrows():
            mean = Mean(row["mean"], self._answered[str(item)][0])
            lowest = self._ends(str(item), row)["floor"]
            told.append({"item": str(item), "mean": mean, "lowest": lowest})
        shown = [question for question in told if self.language.is_told(question["lowest"])]
        shown.sort(key=lambda question: self.door.ratio(question["lowest"]))
        is_drawn = len(self._bands(scale)) == len(self._steps(scale))  # the lowest step by itself
        least, most = (shown[0], shown[-1]) if shown and is_drawn else (None, None)
        ends = {"step": next(iter(self._steps(scale).values())), "least": least, "most": most}
        return {"code": scale, "questions": told, "hidden": len(shown) < len(told), **ends}

    def _rule(self, rule: str, table: pd.DataFrame, n: Units) -> dict[str, Any]:
        alike = table["rank_correlation"]
        worst = table.loc[alike.fillna(1).idxmin()]
        means = {name: table[name].mean() for name in ("shift", "difference", "moved")}
        moved, n_moved = (made(worst[name], worst[name], alike) for name in ("moved", "n"))
        return {
            "rule": rule,
            **{name: Mean(means[name], n) for name in ("shift", "difference")},
            "correlation": alike.mean(),
            "moved": units_behind(means["moved"], table["n"].max(), n),
            "far": Mean(table["difference_95"].max(), n),
            "worst_correlation": worst["rank_correlation"],
            "worst_moved": units_behind(moved, n_moved, self.counted(n_moved)),
        }


def _tells(row: pd.Series) -> str:
    """Whether missing answers go with low or high scores, by more than chance."""
    if not row["p"] < CHANCE:
        return "neither"
    return "low" if row["slope"] < 0 else "high"


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

    replicates = setting(VALIDITY, "n_replicates")
    """How many samples were drawn again."""

    @cached_property
    def ward(self) -> dict[str, Any]:
        """How far the division of Ward and k-means agrees, and whether it warns."""
        return self._choices["ward"]

    @cached_property
    def by_roles(self) -> dict[str, Any] | None:
        """How far the division without what roles differ agrees; None where there are no roles."""
        return self._choices.get("roles")

    @cached_property
    def choices(self) -> list[dict[str, Any]]:
        """Other choices, and how many units each puts in another group."""
        return list(self._choices.values())

    def table_stability(self) -> Rows:
        """How stable each group is."""
        rows = [
            {"group": self._by_number[int(str(place))], "reading": _reading(row["jaccard"]), **row}
            for place, row in self._jaccard.iterrows()
        ]
        columns = {"group": kinds.GROUP, "jaccard": number(2), "reading": kinds.code("stability")}
        return Rows(columns | {"recovered": kinds.percent(), "dissolved": kinds.percent()}, rows)

    def table_choices(self) -> Rows:
        """How far other choices agree with the division."""
        return Rows({"choice": kinds.code("choices"), "moved": kinds.SHARE}, self.choices)

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
