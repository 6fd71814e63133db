"""Small studies drawn from a large one: its tables are made anew for some of its units."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis import cycle, measurement
from cycle_analysis.cycle import order, placements
from cycle_analysis.measurement import agreement, item_analysis, missing
from cycle_analysis.measurement.error import measurement_error
from cycle_analysis.measurement.item_analysis import item_drift
from cycle_analysis.profiles.typology import certainty_by_respondents, profile_items
from cycle_analysis.report.chapter import (
    ALL_WAVES,
    CYCLE,
    NUMBER,
    PROFILES,
    RESPONSES,
    SCORES,
    VALIDITY,
    WAVES,
    Results,
)
from cycle_analysis.representation import (
    nonresponse_tests,
    response_account,
    response_by_wave,
    shares,
)
from cycle_analysis.study import Study
from cycle_analysis.units import population
from cycle_analysis.waves.transitions import Change, Finding, change_tables


class Drawn:
    """Results of a small study: tables that count units are made for it, others are the large's.

    Parameters
    ----------
    study, large
        The large study and its results.
    seed : int
        What is drawn: how many units and which, what is missing, from which score a phase is
        active, how many groups there are and how few in the smallest.
    """

    def __init__(self, study: Study, large: Results, seed: int) -> None:
        self.study, self.large, self.rng = study, large, np.random.default_rng(seed)
        self.tables: dict[tuple[str, str, str], pd.DataFrame] = {}
        self.k, self.n_backgrounds = int(self.rng.integers(2, 5)), 1 + seed // 4 % 2
        self.active_from = float(self.rng.choice([35, 45, 50, 50, 60, 70]))
        n, units = int(self.rng.choice([12, 20, 30, 40, 60, 90])), {}
        for wave in study.waves:
            units[wave] = self._draw_units(wave, n)
            self._responses(wave, units[wave])
            self._scores(wave)
            self._cycle(wave)
        self._profiles(study.reference_wave)
        self._validity(study.reference_wave)
        if len(units) > 1:
            self._waves(units)

    def load(self, step: str, table: str, wave: str) -> pd.DataFrame:
        known = self.tables.get((step, table, wave))
        return self.large.load(step, table, wave) if known is None else known

    def current(self, step: str, wave: str) -> bool:
        return False

    def parameters(self, step: str, wave: str) -> Mapping[str, Any]:
        own = {"active_from": self.active_from} if step == CYCLE else {}
        return dict(self.large.parameters(step, wave)) | own

    def _keep(self, step: str, wave: str, **tables: pd.DataFrame) -> None:
        self.tables |= {(step, name, wave): table for name, table in tables.items()}

    def _of(self, step: str, table: str, wave: str, rows: pd.Index) -> pd.DataFrame:
        whole = self.large.load(step, table, wave)
        return whole.loc[whole.index.isin(rows)]

    def _draw_units(self, wave: str, n: int) -> pd.Index:
        every = self.large.load(SCORES, "scores", wave).index
        size = min(int(n * self.rng.uniform(0.7, 1.3)), len(every))
        return pd.Index(self.rng.choice(every, size, replace=False)).sort_values()

    def _responses(self, wave: str, kept: pd.Index) -> None:
        everyone, by = population(self.study, wave)
        others = everyone.index.difference(kept)
        n_more = min(len(others), int(len(kept) * self.rng.uniform(0, 1.5)))
        asked = everyone.loc[kept.union(self.rng.choice(others, n_more, replace=False))]
        asked = asked.astype(dict.fromkeys(by, str))
        account = response_account(asked, kept, by[: self.n_backgrounds])
        respondents = self.large.load(RESPONSES, "respondents", wave)
        respondents = respondents[respondents["unit"].isin(kept)]
        own = {n: self._of(RESPONSES, n, wave, respondents.index) for n in ("answers", "reasons")}
        tests = nonresponse_tests(account)
        tables = {"response": account, "respondents": respondents, "nonresponse": tests}
        self._keep(RESPONSES, wave, **tables, **own)

    def _scores(self, wave: str) -> None:
        respondents, items = self.load(RESPONSES, "respondents", wave), self.study.phase_items(wave)
        units, persons = (
            respondents["unit"],
            self._of(SCORES, "respondent_scores", wave, respondents.index),
        )
        persons = persons.mask(self.rng.random(persons.shape) < self.rng.choice([0, 0.02, 0.3]))
        answers = self.load(RESPONSES, "answers", wave)[items.index].astype(float)
        reasons = self.load(RESPONSES, "reasons", wave)[items.index]
        answered = {
            phase: int(answers[listed].notna().any(axis=1).sum())
            for phase, listed in measurement.items_by_phase(items).items()
        }
        error = measurement_error(persons, units)
        own = measurement.unit_scores(persons, units)
        expected = measurement.unit_scores(missing.expected_scores(answers, items), units)
        little = missing.little_test(answers, items, units).rename(columns={"n": "n_respondents"})
        rules, reliability = (
            measurement.aggregation_rules(respondents["role"]),
            self.large.load(SCORES, "reliability", wave),
        )
        by_chance = self.large.load(SCORES, "agreement", wave)["p"]
        self._keep(
            SCORES,
            wave,
            scores=own,
            respondent_scores=persons,
            items=item_analysis.item_statistics(answers, items, reasons),
            answer_counts=item_analysis.answer_counts(answers, items),
            missing_by_reason=missing.missing_by_level(answers, items, reasons, units),
            missing_in_scores=little.join(agreement.compare_scores(own, expected)),
            agreement=agreement.agreement_summary(answers, items, persons, units).join(by_chance),
            spread=agreement.spread_by_level(persons, units),
            error=error.table,
            standard_errors=error.standard_errors(),
            aggregations=agreement.compare_aggregations(persons, units, rules),
            reliability=reliability.assign(n_respondents=pd.Series(answered)),
        )

    def _cycle(self, wave: str) -> None:
        own, answers = self.load(SCORES, "scores", wave), self.load(RESPONSES, "answers", wave)
        persons = self.load(SCORES, "respondent_scores", wave)
        units = self.load(RESPONSES, "respondents", wave)["unit"]
        active = cycle.activity(own, self.active_from)
        off_topic = self.study.off_topic_items(wave)
        blocks = measurement.unit_scores(measurement.respondent_scores(answers, off_topic), units)
        alpha = self.load(SCORES, "reliability", wave)["alpha"]
        errors = order.errors_of_differences(own, persons, units, alpha)
        violations = order.order_violations(own, errors)
        broken = violations["violations"].sum() / max(violations["n"].sum(), 1)
        told = self.large.load(CYCLE, "order", wave)
        leading = cycle.leading_phase(own).value_counts()
        self._placements(wave, own, answers, units)
        self._keep(
            CYCLE,
            wave,
            curve=cycle.phase_curve(own)
            .join(order.possible_extremes(own, persons, units))
            .assign(n_leading=leading.reindex(own.columns, fill_value=0)),
            active=active,
            active_counts=cycle.active_counts(active),
            coactivity=cycle.coactivity(active),
            patterns=cycle.activity_patterns(active),
            sensitivity=cycle.activity_sensitivity(own),
            violations=violations,
            order=told.assign(n=len(own.dropna()), violations=broken),
            block_items=item_analysis.item_statistics(answers, off_topic),
            block_curve=cycle.phase_curve(blocks),
        )

    def _placements(
        self, wave: str, own: pd.DataFrame, answers: pd.DataFrame, units: pd.Series
    ) -> None:
        of_phase, study = self.study.developments_of_phases, self.study
        developments = cycle.development_scores(own, of_phase)
        positions = cycle.positions(developments, self.active_from)
        domains = placements.domain_phases(answers, list(study.domains), units)
        stated = placements.stated_placements(answers, study.self_placement, units)
        ranges = placements.domain_range(domains)
        measured = cycle.activity(developments, self.active_from)
        self._keep(
            CYCLE,
            wave,
            position_counts=positions.fillna("none").value_counts().to_frame("n_units"),
            domains=placements.count_domains(domains, study.phase_codes),
            domain_range=ranges,
            domain_positions=placements.compare_positions(ranges["highest"], positions, of_phase),
            placements=placements.compare_placements(stated, measured),
        )

    def _profiles(self, wave: str) -> None:
        own, k, rng = self.load(SCORES, "scores", wave).dropna(how="all"), self.k, self.rng
        members = self.large.load(PROFILES, "members", wave).reindex(own.index)
        label = members["profile"].clip(upper=k).astype(int)
        stray = rng.permutation(own.index)[: int(rng.integers(k, 3 * k))]
        label[stray] = [1 + place % k for place in range(len(stray))]
        label[own.index[label == k][int(rng.integers(1, 9)) :]] = 1  # so that the last is small
        sure = pd.Series(rng.uniform(0.3 + 0.5 * rng.random(), 1, len(own)), own.index)
        members = members.assign(
            profile=label,
            certainty=sure,
            clearly_placed=sure >= 0.7,
            n_respondents=self.load(RESPONSES, "respondents", wave)["unit"].value_counts(),
        )
        wide, groups = own.groupby(label), range(1, k + 1)
        means = pd.concat({"mean": wide.mean().stack(), "n_units": wide.count().stack()}, axis=1)
        means = means.assign(low=means["mean"] - 4, high=means["mean"] + 4, se=1.6)
        everyone = self.load(RESPONSES, "response", wave)["population"].sum()
        crossings = self.large.load(PROFILES, "crossings", wave)
        told = self.large.load(PROFILES, "profiles", wave)[["leading", "lagging"]].reindex(groups)
        sizes = label.value_counts().reindex(groups, fill_value=0).to_frame("n_units")
        self._keep(NUMBER, wave, shares=sizes)
        self._keep(
            PROFILES,
            wave,
            members=members,
            means=means.assign(
                true_mean=means["mean"], true_low=means["low"], true_high=means["high"]
            ).rename_axis(["profile", "phase"]),
            profiles=sizes.join(
                pd.get_dummies(label, dtype=float).groupby(label).mean().add_prefix("profile ")
            )
            .join(shares(label, int(everyone)).reindex(groups).fillna(0.0).drop(columns="n"))
            .join(told),
            by_respondents=certainty_by_respondents(members, 0.7),
            crossings=crossings[crossings["higher"] <= k],
            items=self._items(wave, label),
            **self._backgrounds(wave, label),
        )

    def _items(self, wave: str, label: pd.Series) -> pd.DataFrame:
        items = self.study.phase_items(wave)
        units = self.load(RESPONSES, "respondents", wave)["unit"]
        answers = measurement.turn_items(self.load(RESPONSES, "answers", wave)[items.index], items)
        return profile_items(label, answers.astype(float).groupby(units).mean())

    def _backgrounds(self, wave: str, label: pd.Series) -> dict[str, pd.DataFrame]:
        """What the groups go with, where none of them is empty."""
        everyone, by = population(self.study, wave)
        known = everyone.reindex(label.index)[by].astype(str)
        full = label.nunique() == self.k
        tables = {
            name: pd.crosstab(label, known[name], normalize="index").stack()
            for name in known
            if full and len(known[name].unique()) > 1 and name in by[: self.n_backgrounds]
        }
        counts = pd.concat({name: known[name].value_counts() for name in known})
        counts = counts.rename_axis(["variable", "category"])
        index = ["variable", "profile", "category"]
        none = pd.Series(dtype=float, index=pd.MultiIndex.from_tuples([], names=index))
        found = pd.concat(tables).rename_axis(index) if tables else none
        return {"background_shares": found.to_frame("value"), "margins": counts.to_frame("n")}

    def _validity(self, wave: str) -> None:
        n = len(self.load(SCORES, "scores", wave).dropna())
        table = self.large.load(VALIDITY, "agreement", wave)
        moved = [min(n // 2, self.rng.choice([0, 1, 2, 3, 4, 8, 15])) for _ in table.index]
        jaccard = self.large.load(VALIDITY, "jaccard", wave).iloc[: self.k]
        verdict = self.large.load(NUMBER, "verdict", wave)
        self._keep(VALIDITY, wave, agreement=table.assign(n_units=n, n_moved=moved))
        self._keep(VALIDITY, wave, jaccard=jaccard)
        self._keep(NUMBER, wave, verdict=verdict.assign(n_units=n))

    def _waves(self, units: dict[str, pd.Index]) -> None:
        links = self.large.load(WAVES, "links", ALL_WAVES).reset_index()
        kept = pd.concat(
            [links[(links["wave"] == w) & links["from_unit"].isin(units[w])] for w in units]
        )
        there = {wave: self._linked(kept[kept["wave"] == wave]) for wave in units}
        whole = kept.groupby("to_unit")["kind"].agg(lambda kinds: set(kinds) == {"unchanged"})
        panel = {w: found[found.isin(whole.index[whole])] for w, found in there.items()}
        both = {pair: len(panel[pair[0]].intersection(panel[pair[1]])) for pair in pairwise(panel)}
        last = population(self.study, self.study.waves[-1])[0]
        n = int(self.rng.integers(5, len(units[self.study.reference_wave]) + 1))
        change = pd.concat([self._change(*pair, panel) for pair in pairwise(panel)])
        moved, same = (
            self.rng.integers(0, min(n, 9)) / n,
            self.large.load(WAVES, "comparability", ALL_WAVES),
        )
        self._keep(
            WAVES,
            ALL_WAVES,
            link_counts=kept.groupby(["wave", "kind"]).size().to_frame("n_units"),
            response_by_wave=response_by_wave(there, last),
            **change_tables(*({pair: self._moved(n) for pair, n in both.items()} for _ in "12")),
            item_drift=self._drift(list(units)),
            change=change.assign(change_alike=change["change"] + self.rng.choice([0, 0.5, 3])),
            comparability=same.assign(n_units=n, moved_share=moved),
            **{
                name: self.large.load(WAVES, name, ALL_WAVES)
                for name in ("similarity", "moved_alike")
            },
        )

    def _linked(self, links: pd.DataFrame) -> pd.Index:
        """Units of a wave that can be followed to the last."""
        there = links.loc[links["to_unit"].fillna("") != "", "to_unit"].unique()
        return pd.Index(sorted(there), name="unit")

    def _moved(self, n_units: int) -> Change:
        """Some estimate of who moved, as if few or many did."""
        shares = self.rng.dirichlet(np.full(self.k**2, 0.4)).reshape(self.k, self.k)
        samples = self.rng.dirichlet(200 * shares.ravel() + 1e-3, 50).reshape(50, self.k, self.k)
        shift = pd.Series(0.0, self.study.phase_codes, name="shift")
        return Change.of(Finding.CHANGED, n_units, 30.0, 0.005, shares, samples, shift)

    def _drift(self, waves: list[str]) -> pd.DataFrame:
        """Items that changed by more than their phase, as if some did."""
        items = self.study.phase_items(self.study.reference_wave)
        listed = self.large.load(WAVES, "items", ALL_WAVES)
        common = items[items.index.isin(listed.index[listed["common"]])]
        answers = {w: self.load(RESPONSES, "answers", w)[common.index].astype(float) for w in waves}
        units = {wave: self.load(RESPONSES, "respondents", wave)["unit"] for wave in waves}
        table = item_drift(answers, common, units, 100, int(self.rng.integers(1000)))
        drifted = table["p"] < self.rng.choice([0.05, 0.3, 0.8])
        return table.assign(drifted=drifted, unlike=drifted.shift(fill_value=False))

    def _change(self, first: str, second: str, panel: dict[str, pd.Index]) -> pd.DataFrame:
        both = panel[first].intersection(panel[second])
        known = self.load(SCORES, "scores", first).reindex(both).count()
        old = self.large.load(WAVES, "change", ALL_WAVES).reset_index()
        old = old[(old["wave_from"] == first) & (old["wave_to"] == second)]
        return old.assign(n_units=old["phase"].map(known)).set_index(
            ["wave_from", "wave_to", "phase"]
        )
