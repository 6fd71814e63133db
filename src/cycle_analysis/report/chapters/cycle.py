"""The cycle: how far the phases are, what runs together, what order there is: notebook 03."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.cycle.placements import NONE
from cycle_analysis.cycle.scalability import ALL, BETWEEN, RATIO, WEAK, WITHIN
from cycle_analysis.figures.cycle import (
    plot_coactivity,
    plot_patterns,
    plot_phase_curve,
    plot_sensitivity,
)
from cycle_analysis.report.chapter import CYCLE, RESPONSES, SCORES, Chapter
from cycle_analysis.report.columns import (
    COUNT,
    MEAN,
    MEAN_INTERVAL,
    MEAN_POINTS,
    PHASE_TITLE,
    RESPONDENTS,
    SHARE,
    TEXT,
    Rows,
    code,
    interval,
    number,
    percent,
)
from cycle_analysis.report.door import Mean, Units, wave_total
from cycle_analysis.report.sums import Sum

THRESHOLDS = (40.0, 50.0, 60.0)
"""Scores from which a phase may count as active, told beside the default."""
MOST_PATTERNS = 12
"""How many combinations of active phases fit in a figure."""
MOST_TOLD = 3
AGREEMENT = ((0.81, "nearly_full"), (0.61, "much"), (0.41, "moderate"), (0.21, "some"))
"""How a kappa reads (Landis & Koch 1977)."""
UNKNOWN = "unknown"
"""How it reads where it is not known, or would tell too much."""


class CycleChapter(Chapter):
    """The innovation cycle."""

    key = "cycle"

    # How far the phases are.

    @cached_property
    def highest(self) -> dict[str, Any]:
        """The phase with the highest mean."""
        return self._phase_mean(self._known_means.idxmax())

    @cached_property
    def lowest(self) -> dict[str, Any]:
        """The phase with the lowest mean."""
        return self._phase_mean(self._known_means.idxmin())

    @cached_property
    def apart(self) -> bool:
        """Whether the intervals of these two do not meet."""
        curve, means = self._curve(self.wave), self._known_means
        return bool(curve.loc[means.idxmax(), "low"] > curve.loc[means.idxmin(), "high"])

    @cached_property
    def phase_means(self) -> list[dict[str, Any]]:
        """Mean of each phase, in the order of the cycle."""
        return [self._phase_mean(phase) for phase in self.phases]

    @cached_property
    def leader(self) -> dict[str, Any] | None:
        """The phase that is most often ahead as it is told, if any is ahead in more than a few."""
        counts = self._ahead
        place = int(np.argmax([self.door.count(n) for n in counts]))
        none = self.door.hardly_any(counts[place])
        return None if none else {"phase": self.phases[place], "n": counts[place]}

    # What runs at the same time.

    @cached_property
    def active_from(self) -> float:
        """Score from which a phase counts as active."""
        return self.parameter(CYCLE, "active_from")

    @cached_property
    def scored(self) -> Units:
        """How many units have a score on every phase."""
        return Units(int(self._active_counts.sum()), self.answered)

    @cached_property
    def several(self) -> dict[str, Any]:
        """Units with two or more active phases, and the share expected of unrelated phases."""
        true, active = int(self._active_counts.loc[2:].sum()), self._with_active
        sums = [Sum(active[2:], 0), Sum([*active[:2], 0], self.scored)]
        (n,) = self.door.fit([true], [self.scored], sums)
        return {"n": n, "expected": sum(self._expected[2:])}

    @cached_property
    def inactive(self) -> dict[str, Any]:
        """Units without an active phase."""
        return {"n": self._with_active[0], "expected": self._expected[0]}

    @cached_property
    def all_active(self) -> dict[str, Any]:
        """Units with all phases active."""
        return {"n": self._with_active[-1], "expected": self._expected[-1]}

    @cached_property
    def beyond_chance(self) -> bool:
        """Whether both ends hold more units than unrelated phases would give, as both are told."""
        return all(
            self.door.ratio(end["n"]) > end["expected"] for end in (self.inactive, self.all_active)
        )

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """The pairs of phases that go together most beyond expectation."""
        pairs = [
            {"first": pair[0], "second": pair[1], "n": n, "expected": self._expected_of(pair)}
            for pair, n in self._together.items()
        ]
        known = [pair for pair in pairs if pair["expected"] > 0]
        known.sort(key=lambda pair: -self.door.ratio(pair["n"]) / pair["expected"])
        return known[:MOST_TOLD]

    @cached_property
    def patterns(self) -> list[dict[str, Any]]:
        """The combinations of active phases that may be listed, most frequent first."""
        found: list[dict[str, Any]] = []
        for _, row in self.load(CYCLE, "patterns").iterrows():
            active = [phase for phase in self.phases if row[phase]]
            none_or_all = len(active) in (0, len(self.phases))
            n = Units(int(row["n"]), self.scored)
            n = self._with_active[len(active)] if none_or_all else n
            found.append({"phases": active, "n": n})
        listed = [pattern for pattern in found if self.door.lists(pattern["n"])]
        listed.sort(key=lambda pattern: (-self.door.count(pattern["n"]), len(pattern["phases"])))
        return listed[:MOST_PATTERNS]

    @cached_property
    def thresholds(self) -> list[dict[str, Any]]:
        """Units with two or more active phases at other thresholds."""
        return [
            {"from_score": score, "n": self._several_from[score]}
            for score in THRESHOLDS
            if score in self._several_from
        ]

    # In what order.

    @cached_property
    def order(self) -> dict[str, Any]:
        """What the evidence says of the order, with its figures."""
        row = self.load(CYCLE, "order").loc["order"].to_dict()
        name = "H_corrected" if row["corrected"] else "H"
        high = row["reading"] == "parallel" and row[name] >= WEAK
        return {
            **{"reading": "level" if high else str(row["reading"]), "raw": row["H"]},
            **{"H": row[name], "interval": (row[f"{name}_low"], row[f"{name}_high"])},
            **{part: row[part] for part in ("near", "far", "style")},
            **{"corrected": bool(row["corrected"]), "n": Units(int(row["n"]), self.answered)},
            **{part: int(row[part]) for part in ("steps", "steps_down")},
        }

    @cached_property
    def breaks(self) -> Units:
        """How many of all comparisons of two phases of a unit break the order."""
        table = self._violations
        return Units(int(table["violations"].sum()), Units(int(table["n"].sum())))

    @cached_property
    def beyond(self) -> float:
        """How many measurement errors make a violation."""
        return self.parameter(CYCLE, "beyond")

    @cached_property
    def order_known(self) -> bool:
        """Whether the measurement error is known well enough to test the order."""
        return not self._violations.empty

    @cached_property
    def violated(self) -> list[dict[str, Any]]:
        """Pairs of which the later phase is ahead clearly more often than by chance."""
        by_chance = self._violations["by_chance"]
        found = [
            {"earlier": pair[0], "later": pair[1], "n": n}
            for pair, n in self._violating.items()
            if self.door.ratio(n) > 2 * by_chance[pair]
        ]
        return sorted(found, key=lambda pair: -self.door.ratio(pair["n"]))

    @cached_property
    def one_respondent(self) -> bool:
        """Whether no unit has two respondents."""
        return not self.load(SCORES, "agreement")["n_units_of_two"].max()

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
            **{"n_weak": int((of_pairs < WEAK).sum()), "n_pairs": len(of_pairs)},
        }

    @cached_property
    def weak(self) -> float:
        """H under which there is no scale."""
        return WEAK

    @cached_property
    def two_level(self) -> dict[str, Any] | None:
        """Whether the order is one of units, or a style of respondents."""
        table = self.load(CYCLE, "two_level")
        within, between, ratio = (table.loc[level] for level in (WITHIN, BETWEEN, RATIO))
        if np.isnan(between["H"]):
            return None
        return {
            **{"within": within["H"], "between": between["H"], "ratio": ratio["H"]},
            "interval": (between["low"], between["high"]),
            "beyond_chance": bool(between["H"] > between["chance_high"]),
        }

    @cached_property
    def style_corrected(self) -> bool:
        """Whether H is also known without the style of answering."""
        return not self.load(CYCLE, "scalability_corrected").empty

    # Where units place themselves, and what goes with the phases.

    @cached_property
    def placements(self) -> list[dict[str, Any]]:
        """Self-placement beside scores, per development of which agreement is told."""
        return [placement for placement in self._placements if placement["reading"] != UNKNOWN]

    @cached_property
    def domains(self) -> dict[str, Any] | None:
        """How far apart the domains of a unit are, and how they agree with the scores."""
        if self.load(CYCLE, "domains").empty:
            return None
        apart = self.load(CYCLE, "domain_range")["apart"].dropna()
        row = self.load(CYCLE, "domain_positions").loc["highest"]
        if apart.empty or np.isnan(row["kappa"]):
            return {"known": False}
        n = Units(len(apart), self.answered)
        of = Units(int(row["n"]), self.answered)
        further = {
            name: Units(round(row[f"{name}_further"] * row["n"]), of)
            for name in ("stated", "measured")
        }
        wide = Units(int((apart >= 2).sum()), n)
        mean = Mean(float(apart.mean()), n, _scale=10)  # told to a tenth of a phase
        reading = _agreement(row["kappa"] if self.language.is_told(further["stated"]) else np.nan)
        return {"known": True, "apart": mean, "wide": wide, "reading": reading} | further

    @cached_property
    def subjects(self) -> list[dict[str, Any]]:
        """The phase that each of the other subjects goes with most."""
        names = self.study.off_topic_blocks
        best = self._blocks["correlation"].groupby(level="block", sort=False).idxmax()
        rows = [(str(block), str(phase), self._blocks.loc[(block, phase)]) for block, phase in best]
        return [
            {
                "subject": names[block][self.language.code] if block in names else block,
                **{"phase": phase, "correlation": row["correlation"]},
                "interval": (row["low"], row["high"]),
            }
            for block, phase, row in rows
        ]

    @cached_property
    def correlations(self) -> dict[str, int]:
        """How many correlations with other subjects there are, and how many are sure."""
        return {"n": len(self._blocks), "sure": int((self._blocks["p_holm"] < 0.05).sum())}

    # Tables.

    def table_curve(self) -> Rows:
        """Mean of each phase in every wave."""
        waves = self.study.waves
        rows = [
            {"phase": phase}
            | {f"mean_{wave}": self._mean(phase, wave) for wave in waves}
            | {f"interval_{wave}": self._mean(phase, wave) for wave in waves}
            for phase in self.phases
        ]
        means, intervals = ({f"{kind}_{w}": w for w in waves} for kind in ("mean", "interval"))
        columns = {"phase": PHASE_TITLE} | dict.fromkeys(means, MEAN)
        columns |= dict.fromkeys(intervals, MEAN_INTERVAL)
        return Rows(columns, rows, {"means": means, "intervals": intervals})

    def table_leading(self) -> Rows:
        """How often each phase is ahead, in every wave."""
        return self._per_wave(self.phases, self._counts("leading_counts", self.phases), PHASE_TITLE)

    def table_position(self) -> Rows:
        """The furthest development, in every wave."""
        names = [development.code for development in self.study.developments]
        labels = [f"{name} {self.language.development(name)}" for name in names]
        labels.append(str(self.language.words["no_development"]))
        return self._per_wave(labels, self._counts("position_counts", [*names, "none"]), TEXT)

    def table_active(self) -> Rows:
        """Number of phases active at the same time."""
        rows = [
            {"active": n_active, "n": n, "share": n, "expected": self._expected[n_active]}
            for n_active, n in enumerate(self._with_active)
        ]
        columns = {"active": number(), "n": COUNT, "share": SHARE, "expected": percent()}
        return Rows(columns, rows)

    def table_order(self) -> Rows:
        """How often a later phase is further than an earlier one."""
        rows = []
        for pair, row in self._violations.iterrows():
            n = self._violating[pair]
            of = Units(int(row["n"]), self.answered)
            difference, error = (Mean(row[name], of) for name in ("difference", "error"))
            told = {"difference": difference, "error": error, "by_chance": row["by_chance"]}
            rows.append({"pair": self._pair_name(*pair), "violations": n, "share": n} | told)
        columns = {"pair": TEXT, "difference": MEAN_POINTS, "error": MEAN, "violations": COUNT}
        return Rows(columns | {"share": SHARE, "by_chance": percent(1)}, rows)

    def table_scalability(self) -> Rows:
        """H of the scale, the phases and the pairs, raw and without style of answering."""
        raw, corrected = (self.load(CYCLE, f"scalability{end}") for end in ("", "_corrected"))
        rows = []
        for place in raw.index:
            row = {"part": self._part_name(*place)} | _strength(raw.loc[place], "")
            rows.append(
                row | ({} if corrected.empty else _strength(corrected.loc[place], "_style"))
            )
        kinds = {f"H{end}": number(2) for end in ("", "_style")}
        kinds |= {f"interval{end}": interval(2) for end in ("", "_style")}
        return Rows({"part": TEXT} | kinds, rows)

    def table_correlations(self) -> Rows:
        """Correlations between the phases."""
        table, phases = self.load(CYCLE, "correlations"), self.phases
        rows = [
            {"phase": self.language.phase(phase)}
            | {other: table.loc[phase, other] for other in phases[:place]}
            | dict.fromkeys(phases[place:-1], "")
            for place, phase in enumerate(phases)
            if place
        ]
        heads = {phase: self.language.phase(phase) for phase in phases[:-1]}
        return Rows({"phase": TEXT} | dict.fromkeys(heads, number(2)), rows, {"phases": heads})

    def table_placements(self) -> Rows:
        """Where units place themselves and where they score."""
        names = ("stated", "measured", "agreement")
        table = self.load(CYCLE, "placements").fillna(dict.fromkeys(names, 0))
        rows = [self._placement(str(name), row) for name, row in table.iterrows()]
        for row in rows:
            row["development"] = self.language.development(row["development"])
        columns = {"development": TEXT} | dict.fromkeys(names, SHARE)
        return Rows(columns | {"reading": code("agreement")}, rows)

    def table_domains(self) -> Rows:
        """Phase of each policy domain."""
        steps = [NONE, *self.phases]
        rows = []
        for item, row in self.load(CYCLE, "domains").iterrows():
            parts = self.door.parts(row[steps], Units(int(row["n"]), self.answered))
            name = self.study.domains[str(item)][self.language.code]
            rows.append({"domain": name} | dict(zip(steps, parts, strict=True)))
        heads = {phase: self.language.phase(phase) for phase in self.phases}
        return Rows({"domain": TEXT} | dict.fromkeys(steps, COUNT), rows, {"phases": heads})

    def table_conditions(self) -> Rows:
        """Other subjects: mean, and correlation with the phases."""
        means, table = self.load(CYCLE, "block_curve"), self.load(CYCLE, "blocks")["correlation"]
        rows = []
        for block, text in self.study.off_topic_blocks.items():
            mean = _mean_of(means.loc[block], self.answered)
            told = {"subject": text[self.language.code], "mean": mean, "interval": mean}
            rows.append(told | {phase: table[(block, phase)] for phase in self.phases})
        heads = {phase: self.language.phase(phase) for phase in self.phases}
        columns = {"subject": TEXT, "mean": MEAN, "interval": MEAN_INTERVAL}
        return Rows(columns | dict.fromkeys(heads, number(2)), rows, {"phases": heads})

    def table_condition_items(self) -> Rows:
        """Questions on the other subjects."""
        questions = self.study.codebook.items[f"question_{self.language.code}"]
        rows = []
        for item, row in self.load(CYCLE, "block_items").iterrows():
            n = Units(int(row["n"]), self.respondents)
            rows.append({"question": str(questions[item]), "n": n, "mean": Mean(row["mean"], n)})
        return Rows({"question": TEXT, "n": RESPONDENTS, "mean": MEAN}, rows)

    @cached_property
    def respondents(self) -> Units:
        """How many respondents there are in this wave."""
        return wave_total(len(self.load(RESPONSES, "respondents")))

    # Figures.

    def figure_curve(self) -> Callable[..., Axes]:
        """Mean score per phase."""
        told = {
            fact["phase"]: (*self.door.mean(fact["mean"]), self.door.count(fact["mean"]._units))
            for fact in self.phase_means
        }
        columns = ["mean", "low", "high", "n"]
        curve = pd.DataFrame.from_dict(told, orient="index", columns=columns)
        return partial(plot_phase_curve, curve)

    def figure_together(self) -> Callable[..., Axes]:
        """Share in which two phases are active together."""
        observed = {pair: self.door.share(n).value for pair, n in self._together.items()}
        pairs = pd.DataFrame({"observed": observed}, self._pairs.index)
        pairs["expected"] = [self._expected_of(pair) for pair in pairs.index]
        return partial(plot_coactivity, pairs)

    def figure_patterns(self) -> Callable[..., Axes]:
        """Combinations of active phases."""
        counts = [self.door.count(pattern["n"]) for pattern in self.patterns]
        rest = max(self.door.count(self.scored) - sum(counts), 0)
        shown = pd.DataFrame(
            [{p: p in pattern["phases"] for p in self.phases} for pattern in self.patterns],
            columns=self.phases,  # also when no combination may be listed
        )
        expected = [self._expected_of(p["phases"], of=self.phases) for p in self.patterns]
        shown = shown.assign(n=counts, expected=expected)
        return partial(plot_patterns, shown, rest=rest)

    def figure_sensitivity(self) -> Callable[..., Axes]:
        """Share with two or more active phases for every threshold."""
        told = {score: self.door.share(n).value for score, n in self._several_from.items()}
        table = pd.DataFrame({"two_or_more": told})
        return partial(plot_sensitivity, table, chosen=self.active_from)

    # What facts are made of.

    def _curve(self, wave: str) -> pd.DataFrame:
        return self.load(CYCLE, "curve", wave)

    @cached_property
    def _known_means(self) -> pd.Series:
        return self._curve(self.wave)["mean"].dropna()

    def _mean(self, phase: str, wave: str) -> Mean:
        return _mean_of(self._curve(wave).loc[phase], self.answered_in(wave))

    def _phase_mean(self, phase: str) -> dict[str, Any]:
        return {"phase": phase, "mean": self._mean(phase, self.wave)}

    def _counts(self, table: str, names: list[str]) -> dict[str, list[Units]]:
        return {wave: self._counts_in(wave, table, names) for wave in self.study.waves}

    @cached_property
    def _ahead(self) -> list[Units]:
        """How often each phase is ahead in the wave of this chapter."""
        return self._counts_in(self.wave, "leading_counts", self.phases)

    def _counts_in(self, wave: str, table: str, names: list[str]) -> list[Units]:
        """Count units by name, as parts of those that are counted."""
        counts = self.load(CYCLE, table, wave)["n_units"].reindex(names, fill_value=0)
        whole = Units(int(counts.sum()), self.answered_in(wave))
        return self.door.parts(counts, whole)

    def _per_wave(self, names: list[str], counts: dict[str, list[Units]], kind: Any) -> Rows:
        numbers, shares = ({f"{part}_{w}": w for w in counts} for part in ("n", "share"))
        rows = [
            {"name": name}
            | {f"n_{wave}": parts[place] for wave, parts in counts.items()}
            | {f"share_{wave}": parts[place] for wave, parts in counts.items()}
            for place, name in enumerate(names)
        ]
        columns = {"name": kind} | dict.fromkeys(numbers, COUNT) | dict.fromkeys(shares, SHARE)
        return Rows(columns, rows, {"counts": numbers, "shares": shares})

    @cached_property
    def _active_counts(self) -> pd.Series:
        return self.load(CYCLE, "active_counts")["n"]

    @cached_property
    def _with_active(self) -> list[Units]:
        """Units by their number of active phases, from none to all."""
        return self.door.parts(self._active_counts, self.scored)

    @cached_property
    def _active_in(self) -> dict[str, float]:
        """Share of units in which each phase is active, as it is told.

        What is expected of unrelated phases is worked out from these: from the true shares, it
        would give them back.
        """
        shares = map(self.door.ratio, self._active_units)
        return dict(zip(self.phases, shares, strict=True))

    @cached_property
    def _active_units(self) -> list[Units]:
        """Units in which each phase is active, of those with all scores."""
        counts = self.load(CYCLE, "active").dropna()[self.phases].sum()
        return self._fitted(
            [(phase,) for phase in self.phases], counts, [self.scored] * len(counts)
        )

    def _fitted(
        self, active: Sequence[Sequence[str]], counts: Iterable[float], wholes: Sequence[Units]
    ) -> list[Units]:
        """Set how many units have certain phases active, beside the combinations that are listed.

        Some of these have them and others have not; nor has who has no active phase.
        """
        listed, sums = [(set(p["phases"]), p["n"]) for p in self.patterns if p["phases"]], []
        for place, (phases, whole) in enumerate(zip(map(set, active), wholes, strict=True)):
            own = [n for of, n in listed if phases <= of]
            others = [self._with_active[0], *(n for of, n in listed if not phases <= of)]
            sums += [Sum(own, place, leaves=True), Sum([*others, place], whole, leaves=True)]
        return self.door.fit(counts, wholes, sums)

    @cached_property
    def _expected(self) -> list[float]:
        """Share of units with no, one, … all phases active, were phases unrelated."""
        shares = np.array([1.0])
        for share in self._active_in.values():
            shares = np.convolve(shares, [1 - share, share])
        return [float(share) for share in shares]

    def _expected_of(self, active: Iterable[str], of: Iterable[str] = ()) -> float:
        """Give the share in which phases are active, and others idle, were they unrelated."""
        shares = self._active_in
        idle = [1 - shares[phase] for phase in of if phase not in active]
        return float(np.prod([*(shares[phase] for phase in active), *idle]))

    @cached_property
    def _several_from(self) -> dict[float, Units]:
        """Units with two or more active phases, by the score from which a phase is active."""
        shares = self.load(CYCLE, "sensitivity")["two_or_more"].dropna()
        return {
            float(score): Units(round(share * self.scored._n), self.scored)
            if score != self.active_from
            else self.several["n"]
            for score, share in shares.items()
        }

    @cached_property
    def _pairs(self) -> pd.DataFrame:
        return self.load(CYCLE, "coactivity")

    @cached_property
    def _together(self) -> dict[Any, Units]:
        """Units in which both phases of a pair are active, of those with a score on both."""
        wholes = [Units(int(n), self.answered) for n in self._pairs["n"]]
        counts = (self._pairs["observed"] * self._pairs["n"]).fillna(0).round()
        pairs = list(self._pairs.index)
        return dict(zip(pairs, self._fitted(pairs, counts, wholes), strict=True))

    @cached_property
    def _violations(self) -> pd.DataFrame:
        return self.load(CYCLE, "violations").dropna(subset=["share"])

    @cached_property
    def _violating(self) -> dict[Any, Units]:
        """For each pair of phases the units of which the later phase is ahead beyond error."""
        return {
            pair: Units(int(row["violations"]), Units(int(row["n"]), self.answered))
            for pair, row in self._violations.iterrows()
        }

    def _pair_name(self, earlier: str, later: str) -> str:
        return f"{self.language.phase(earlier)} → {self.language.phase(later)}"

    def _part_name(self, phase: str, other: str) -> str:
        if phase == ALL:
            return str(self.language.words["all_phases"])
        return self.language.phase(phase) if other == ALL else self._pair_name(phase, other)

    @cached_property
    def _placements(self) -> list[dict[str, Any]]:
        table = self.load(CYCLE, "placements").dropna(subset=["kappa"])
        return [self._placement(str(name), row) for name, row in table.iterrows()]

    def _placement(self, development: str, row: pd.Series) -> dict[str, Any]:
        n = Units(int(row["n"]), self.answered)
        counts = {
            name: Units(round(row[name] * row["n"]), n)
            for name in ("stated", "measured", "agreement")
        }
        reading = _agreement(self._kappa(*counts.values()))
        return {"development": development, "reading": reading} | counts

    def _kappa(self, stated: Units, measured: Units, agreement: Units) -> float:
        """Give Cohen's kappa of the shares as they are told, where these are told.

        The true one would tell: read as nearly full, that of 15 units 14 agree and not 13.
        """
        if not self.language.is_told(agreement):
            return np.nan
        one, two, both = map(self.door.ratio, (stated, measured, agreement))
        chance = one * two + (1 - one) * (1 - two)
        return (both - chance) / (1 - chance) if chance < 1 else np.nan

    @cached_property
    def _blocks(self) -> pd.DataFrame:
        return self.load(CYCLE, "blocks").dropna(subset=["correlation"])


def _mean_of(row: pd.Series, answered: Units) -> Mean:
    return Mean(row["mean"], Units(int(row["n"]), answered), row["low"], row["high"])


def _strength(row: pd.Series, end: str) -> dict[str, Any]:
    return {f"H{end}": row["H"], f"interval{end}": (row["low"], row["high"])}


def _agreement(kappa: float) -> str:
    if np.isnan(kappa):
        return UNKNOWN
    return next((name for least, name in AGREEMENT if kappa >= least), "hardly_any")
