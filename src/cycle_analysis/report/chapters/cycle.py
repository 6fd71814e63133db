"""How far the phases are, what runs together and what goes with it: notebook 03."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import binom

from cycle_analysis.cycle import if_unrelated
from cycle_analysis.cycle.order import ends_apart
from cycle_analysis.cycle.placements import NONE
from cycle_analysis.figures import cycle as figures
from cycle_analysis.figures.responses import plot_answers
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import CYCLE, facts_from
from cycle_analysis.report.chapters.order import SURE, OrderFacts
from cycle_analysis.report.chapters.response import ResponseChapter
from cycle_analysis.report.door import Mean, Units, units_behind
from cycle_analysis.report.language import Rows, number, per_wave, percent
from cycle_analysis.report.sources import as_whole, made
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
PLACED = ("stated", "measured", "agreement")
"""Units that place themselves in a development, that score it, and of which both agree."""


class CycleChapter(OrderFacts):
    """The innovation cycle."""

    key = "cycle"
    newest = True

    # How far the phases are.

    @cached_property
    def scales_differ(self) -> bool:
        """Whether phases were answered on different scales, of which their means are made."""
        items = self.study.codebook.items
        asked = items.loc[self.study.phase_items(self.wave).index].groupby("phase")["scale"]
        return len(set(asked.agg(frozenset))) > 1

    response = facts_from(ResponseChapter)

    @cached_property
    def ends(self) -> dict[str, Any]:
        """The phases with the highest and the lowest mean, and all that may have it.

        `apart`: none of those that may have the highest may have the lowest.
        """
        curve = self.load(CYCLE, "curve").dropna(subset=["mean"])
        told = {fact["phase"]: fact for fact in self.phase_means}
        ranked = curve.sort_values("mean", ascending=False, kind="stable")
        high, low = (
            [told[phase] for phase in rows.index[rows[f"may_be_{end}"].astype(bool)]]
            for end, rows in (("highest", ranked), ("lowest", ranked[::-1]))
        )
        return {
            **{"highest": told[ranked.index[0]], "lowest": told[ranked.index[-1]]},
            **{"may_be_highest": high, "may_be_lowest": low, "apart": ends_apart(ranked)},
        }

    @cached_property
    def phase_means(self) -> list[dict[str, Any]]:
        """Mean of each phase, in the order of the cycle."""
        return [{"phase": phase, "mean": mean} for phase, mean in self._means_in(self.wave).items()]

    @cached_property
    def before(self) -> str:
        """Code of the wave before; empty for the first."""
        place = self.study.waves.index(self.wave)
        return self.study.waves[place - 1] if place else ""

    @cached_property
    def leader(self) -> dict[str, Any] | None:
        """The phases most often ahead as it is told, if any is ahead in more than a few."""
        counts, told = self._ahead, [self.door.count(n) for n in self._ahead]
        place = int(np.argmax(told))
        first = [{"phase": p} for p, n in zip(self.phases, told, strict=True) if n == told[place]]
        none = self.door.hardly_any(counts[place])
        return None if none else {"phases": first, "n": counts[place]}

    # What runs at the same time.

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Parameters of notebook 03."""
        return dict(self.results.parameters(CYCLE, self.wave))

    @cached_property
    def scored(self) -> Units:
        """How many units have a score on every phase."""
        return self.counted(self._active_counts.sum())

    @cached_property
    def several(self) -> dict[str, Any]:
        """Units with two or more active phases; the share expected if unrelated; if it is fewer."""
        true, active = as_whole(self._active_counts.loc[2:].sum()), self._with_active
        sums = [Sum(active[2:], 0), Sum([*active[:2], 0], self.scored)]
        (n,) = self.door.fit([true], [self.scored], sums)
        expected = sum(self._expected[2:])
        return {"n": n, "expected": expected, "fewer": self.door.ratio(n) < expected}

    @cached_property
    def extremes(self) -> dict[str, Any]:
        """Units with no phase active, and with all; whether both surely lie above expectation.

        By a binomial test of what is told: with the shares of the phases given, fewer vary by
        chance.
        """
        ends: dict[str, dict[str, Any]] = {
            name: {"n": self._with_active[place], "expected": self._expected[place]}
            for name, place in (("none", 0), ("all", -1))
        }
        p = (
            binom.sf(self.door.count(end["n"]) - 1, self.door.whole(end["n"]), end["expected"])
            for end in ends.values()
        )
        above = all(chance <= SURE for chance in p)
        return {**ends, "above": above}

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
            n = (
                self._with_active[len(active)]
                if none_or_all
                else Units(as_whole(row["n"]), self.scored)
            )
            found.append({"phases": active, "n": n})
        listed = [pattern for pattern in found if self.door.lists(pattern["n"])]
        listed.sort(key=lambda pattern: (-self.door.count(pattern["n"]), len(pattern["phases"])))
        return listed[:MOST_PATTERNS]

    @cached_property
    def thresholds(self) -> list[dict[str, Any]]:
        """Units with two or more active phases at other thresholds."""
        found = self._several_from
        return [{"from_score": at, "n": n} for at, n in found.items() if at in THRESHOLDS]

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
        n, of = self.counted(made(len(apart), apart)), self.counted(row["n"])
        mean = Mean(apart.mean(), n, _scale=10)  # told to a tenth of a phase
        further = {who: units_behind(row[f"{who}_further"], row["n"], of) for who in PLACED[:2]}
        reading = _agreement(row["kappa"] if self.language.is_told(further["stated"]) else np.nan)
        wide = Units(made(int((apart >= 2).sum()), apart), n)
        return {"known": True, "apart": mean, "wide": wide, "reading": reading} | further

    @cached_property
    def subjects(self) -> list[dict[str, Any]]:
        """The phase that each of the other subjects goes with most."""
        code = self.language.code
        names = {block: text[code] for block, text in self.study.off_topic_blocks.items()}
        best = self._blocks["correlation"].groupby(level="block", sort=False).idxmax()
        return [
            {"subject": names.get(block, block), "phase": phase}
            | {"correlation": row["correlation"], "interval": (row["low"], row["high"])}
            for (block, phase), row in self._blocks.loc[list(best)].iterrows()
        ]

    @cached_property
    def correlations(self) -> dict[str, int]:
        """How many correlations with other subjects there are, and how many are sure."""
        p = self._blocks["p_holm"]
        return {"n": made(len(p), p), "sure": made(int((p < SURE).sum()), p)}

    # Tables.

    def table_curve(self) -> Rows:
        """Mean of each phase in every wave."""
        means = {wave: [*self._means_in(wave).values()] for wave in self.study.waves}
        told = {"means": kinds.MEAN, "intervals": kinds.MEAN_INTERVAL}
        return per_wave(("phase", kinds.PHASE_TITLE), self.phases, means, **told)

    def table_leading(self) -> Rows:
        """How often each phase is ahead, in every wave."""
        counts = {wave: self._ahead_in(wave) for wave in self.study.waves}
        return _counts_per_wave(("name", kinds.PHASE_TITLE), self.phases, counts)

    def table_position(self) -> Rows:
        """The furthest development, in every wave."""
        names = [development.code for development in self.study.developments]
        labels = [f"{name} {self.language.development(name)}" for name in names]
        labels.append(str(self.language.words["no_development"]))
        counts = {
            wave: self._as_parts(
                wave, self.load(CYCLE, "position_counts", wave)["n_units"], [*names, NONE]
            )
            for wave in self.study.waves
        }
        return _counts_per_wave(("name", kinds.TEXT), labels, counts)

    def table_active(self) -> Rows:
        """Number of phases active at the same time."""
        rows = [
            {"active": n_active, "n": n, "share": n, "expected": self._expected[n_active]}
            for n_active, n in enumerate(self._with_active)
        ]
        columns = {"active": number(), "n": kinds.COUNT, "share": kinds.SHARE}
        return Rows(columns | {"expected": percent()}, rows)

    def table_placements(self) -> Rows:
        """Where units place themselves and where they score."""
        rows = [self._placement(*found) for found in self.load(CYCLE, "placements").iterrows()]
        columns = {"development": kinds.DEVELOPMENT} | dict.fromkeys(PLACED, kinds.SHARE)
        return Rows(columns | {"reading": kinds.code("agreement")}, rows)

    def table_domains(self) -> Rows:
        """Phase of each policy domain."""
        rows = [{"domain": name} | parts for name, parts in self._domains.items()]
        columns = {"domain": kinds.TEXT} | dict.fromkeys([NONE, *self.phases], kinds.COUNT)
        return Rows(columns, rows, {"phases": self._heads})

    def figure_domains(self) -> Callable[..., Axes]:
        """The same as a strip for each domain, from not begun to the last phase."""
        shares = {
            name: {step: self.door.ratio(n) for step, n in parts.items()}
            for name, parts in self._domains.items()
        }
        table = pd.DataFrame.from_dict(shares, "index").astype(float)
        options = [self.language.code_word(NONE, "begun"), *self._heads.values()]
        return partial(plot_answers, table, None, options)

    def table_conditions(self) -> Rows:
        """Other subjects: mean, and correlation with the phases."""
        means, table = self.load(CYCLE, "block_curve"), self.load(CYCLE, "blocks")["correlation"]
        rows = []
        for block, text in self.study.off_topic_blocks.items():
            mean = _mean_of(means.loc[block], self.answered)
            told = {"subject": text[self.language.code], "mean": mean, "interval": mean}
            rows.append(told | table.loc[block].to_dict())
        columns = {"subject": kinds.TEXT, "mean": kinds.MEAN, "interval": kinds.MEAN_INTERVAL}
        columns |= dict.fromkeys(self.phases, number(2))
        return Rows(columns, rows, {"phases": self._heads})

    def table_condition_items(self) -> Rows:
        """Questions on the other subjects."""
        questions = self.study.codebook.items[f"question_{self.language.code}"]
        rows = []
        for item, row in self.load(CYCLE, "block_items").iterrows():
            n = Units(int(row["n"]), self.respondents)
            rows.append({"question": str(questions[item]), "n": n, "mean": Mean(row["mean"], n)})
        return Rows({"question": kinds.TEXT, "n": kinds.RESPONDENTS, "mean": kinds.MEAN}, rows)

    @cached_property
    def respondents(self) -> Units:
        """How many respondents there are in this wave."""
        return self.respondents_in(self.wave)

    # Figures.

    def figure_curve(self, before: str = "") -> Callable[..., Axes]:
        """Mean score per phase, and perhaps those of the wave before."""
        names = (self.language.wave(self.wave), self.language.wave(before) if before else "")
        told = self._drawn_means(before) if before else None
        return partial(
            figures.plot_phase_curve, self._drawn_means(self.wave), earlier=told, waves=names
        )

    def figure_together(self) -> Callable[..., Axes]:
        """Share in which two phases are active together."""
        observed = {pair: self.door.share(n).value for pair, n in self._together.items()}
        pairs = pd.DataFrame({"observed": observed}, self.load(CYCLE, "coactivity").index)
        pairs["expected"] = [self._expected_of(pair) for pair in pairs.index]
        return partial(figures.plot_coactivity, pairs)

    def figure_patterns(self) -> Callable[..., Axes]:
        """Combinations of active phases."""
        told = (
            {phase: phase in pattern["phases"] for phase in self.phases}
            | {"n": self.door.count(pattern["n"])}
            | {"expected": self._expected_of(pattern["phases"], of=self.phases)}
            for pattern in self.patterns
        )
        shown = pd.DataFrame(told, columns=[*self.phases, "n", "expected"])
        rest = max(self.door.count(self.scored) - shown["n"].sum(), 0)
        return partial(figures.plot_patterns, shown, rest=rest)

    def figure_sensitivity(self) -> Callable[..., Axes]:
        """Share with two or more active phases for every threshold."""
        told = {score: self.door.share(n).value for score, n in self._several_from.items()}
        table = pd.DataFrame({"two_or_more": told})
        return partial(figures.plot_sensitivity, table, chosen=self.settings["active_from"])

    # What facts are made of.

    @cached_property
    def _domains(self) -> dict[str, dict[str, Units]]:
        """Units in each phase, by the name of each policy domain."""
        steps, told = [NONE, *self.phases], {}
        for item, row in self.load(CYCLE, "domains").iterrows():
            parts = self.door.parts(row[steps], self.counted(row["n"]))
            name = self.study.domains[str(item)][self.language.code]
            told[name] = dict(zip(steps, parts, strict=True))
        return told

    def _drawn_means(self, wave: str) -> pd.DataFrame:
        means = {phase: self.door.mean(mean) for phase, mean in self._means_in(wave).items()}
        return pd.DataFrame.from_dict(means, "index", columns=["mean", "low", "high"])

    @cached_property
    def _means(self) -> dict[str, dict[str, Mean]]:
        """What was asked of `_means_in`, by wave."""
        return {}

    def _means_in(self, wave: str) -> dict[str, Mean]:
        """Give the mean of each phase in a wave."""
        if wave not in self._means:
            curve, answered = self.load(CYCLE, "curve", wave), self.answered_in(wave)
            means = {phase: _mean_of(curve.loc[phase], answered) for phase in self.phases}
            self._means[wave] = means
        return self._means[wave]

    @cached_property
    def _ahead(self) -> list[Units]:
        """How often each phase is ahead in the wave of this chapter."""
        return self._ahead_in(self.wave)

    def _ahead_in(self, wave: str) -> list[Units]:
        return self._as_parts(wave, self.load(CYCLE, "curve", wave)["n_leading"], self.phases)

    def _as_parts(self, wave: str, counts: pd.Series, names: list[str]) -> list[Units]:
        """Set units counted by name as parts of all that are counted."""
        counts = counts.reindex(names, fill_value=0)
        return self.door.parts(counts, Units(as_whole(counts.sum()), self.answered_in(wave)))

    @cached_property
    def _active_counts(self) -> pd.Series:
        return self.load(CYCLE, "active_counts")["n"]

    @cached_property
    def _with_active(self) -> list[Units]:
        """Units by their number of active phases, from none to all."""
        return self.door.parts(self._active_counts, self.scored)

    @cached_property
    def _active_units(self) -> dict[str, Units]:
        """Units in which each phase is active, of those with all scores.

        What is expected of unrelated phases is worked out from their shares as they are told: from
        the true ones, it would give them back.
        """
        table = self.load(CYCLE, "patterns")
        counts = [table.loc[table[phase], "n"].sum() for phase in self.phases]
        alone = [(phase,) for phase in self.phases]
        fitted = self._fitted(alone, counts, [self.scored] * len(alone))
        return dict(zip(self.phases, fitted, strict=True))

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
        active = [*map(self.door.ratio, self._active_units.values())]
        return [made(float(share), *active) for share in if_unrelated(active)]

    def _expected_of(self, active: Iterable[str], of: Iterable[str] = ()) -> float:
        """Give the share in which phases are active, and others idle, were they unrelated."""
        shares = {phase: self.door.ratio(n) for phase, n in self._active_units.items()}
        idle = [1 - shares[phase] for phase in of if phase not in active]
        return math.prod([*(shares[phase] for phase in active), *idle])

    @cached_property
    def _several_from(self) -> dict[float, Units]:
        """Units with two or more active phases, by the score from which a phase is active."""
        shares = self.load(CYCLE, "sensitivity")["two_or_more"].dropna()
        whole, chosen = self.scored, float(self.settings["active_from"])
        return {
            made(float(at), shares): self.several["n"]
            if at == chosen
            else units_behind(share, whole._n, whole)
            for at, share in shares.items()
        }

    @cached_property
    def _together(self) -> dict[Any, Units]:
        """Units in which both phases of a pair are active, of those with a score on both."""
        table = self.load(CYCLE, "coactivity")
        pairs = list(table.index)
        counts = [
            0 if pd.isna(row["observed"]) else round(row["observed"] * row["n"])
            for _, row in table.iterrows()
        ]
        fitted = self._fitted(pairs, counts, [self.counted(n) for n in table["n"]])
        return dict(zip(pairs, fitted, strict=True))

    @cached_property
    def _placements(self) -> list[dict[str, Any]]:
        table = self.load(CYCLE, "placements").dropna(subset=["kappa"])
        return [self._placement(*found) for found in table.iterrows()]

    def _placement(self, development: Any, row: pd.Series) -> dict[str, Any]:
        n = self.counted(row["n"])
        counts = {name: units_behind(row[name], row["n"], n) for name in PLACED}
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
    return Mean(row["mean"], Units(as_whole(row["n"]), answered), row["low"], row["high"])


def _counts_per_wave(
    first: tuple[str, kinds.Column], labels: list[str], counts: dict[str, list[Units]]
) -> Rows:
    return per_wave(first, labels, counts, counts=kinds.COUNT, shares=kinds.SHARE)


def _agreement(kappa: float) -> str:
    if np.isnan(kappa):
        return UNKNOWN
    return next((name for least, name in AGREEMENT if kappa >= least), "hardly_any")
