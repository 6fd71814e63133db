"""Small studies drawn from a large one: its tables are made anew for some of its units."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.cycle import order, phases, placements
from cycle_analysis.measurement import agreement, item_analysis, scores
from cycle_analysis.profiles.membership import certainty_by_respondents
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
from cycle_analysis.representation.account import (
    nonresponse_tests,
    precision,
    response_account,
    response_by_wave,
)
from cycle_analysis.representation.weights import shares
from cycle_analysis.responses.study_answers import population
from cycle_analysis.study import Study
from cycle_analysis.waves import transitions

Tables = dict[tuple[str, str, str], pd.DataFrame]


@dataclass
class Drawn:
    """Results of a small study: tables that count units are made for it, others are as large.

    Attributes
    ----------
    study, large
        The large study and its results.
    seed : int
        What is drawn: how many units and which, what is missing, from which score a phase is
        active, how many groups there are and how few in the smallest.
    """

    study: Study
    large: Results
    seed: int

    def load(self, step: str, table: str, wave: str) -> pd.DataFrame:
        found = self._tables.get((step, table, wave))
        return self.large.load(step, table, wave) if found is None else found

    def parameters(self, step: str, wave: str) -> Mapping[str, Any]:
        own = {"active_from": self._active_from} if step == CYCLE else {}
        return dict(self.large.parameters(step, wave)) | own

    @cached_property
    def _active_from(self) -> float:
        return float(np.random.default_rng(self.seed).choice([35, 45, 50, 50, 60, 70]))

    @cached_property
    def _tables(self) -> Tables:
        rng, tables, units = np.random.default_rng(self.seed), Tables(), {}
        n, self._k = int(rng.choice([12, 20, 30, 40, 60, 90])), int(rng.integers(2, 5))
        for wave in self.study.waves:
            kept = self._draw_units(wave, n, rng)
            asked = self._draw_asked(wave, kept, rng)
            units[wave] = kept
            tables |= self._responses(wave, kept, asked)
            tables |= self._scores(wave, rng, tables)
            tables |= self._cycle(wave, tables)
        reference = self.study.reference_wave
        tables |= self._profiles(reference, tables, rng)
        tables |= self._validity(reference, tables, rng)
        return tables | self._waves(units, tables, rng)

    def _draw_units(self, wave: str, n: int, rng: np.random.Generator) -> pd.Index:
        every = self.large.load(SCORES, "scores", wave).index
        size = min(int(n * rng.uniform(0.7, 1.3)), len(every))
        return pd.Index(rng.choice(every, size, replace=False)).sort_values()

    def _draw_asked(self, wave: str, kept: pd.Index, rng: np.random.Generator) -> pd.DataFrame:
        everyone, self._by = population(self.study, wave)
        others = everyone.index.difference(kept)
        more = rng.choice(others, min(len(others), int(len(kept) * rng.uniform(0, 1.5))), False)
        return everyone.loc[kept.union(more)]

    def _of(self, step: str, table: str, wave: str, rows: pd.Index) -> pd.DataFrame:
        whole = self.large.load(step, table, wave)
        return whole.loc[whole.index.isin(rows)]

    def _responses(self, wave: str, kept: pd.Index, asked: pd.DataFrame) -> Tables:
        respondents = self.large.load(RESPONSES, "respondents", wave)
        respondents = respondents[respondents["unit"].isin(kept)]
        asked = asked.assign(**{by: asked[by].astype(str) for by in self._by})
        account = response_account(asked, kept, self._by[: 1 + self.seed % 2])
        tables = {"response": account, "nonresponse": nonresponse_tests(account)}
        tables |= {"precision": precision(account), "respondents": respondents}
        for name in ("answers", "reasons"):
            tables[name] = self._of(RESPONSES, name, wave, respondents.index)
        return {(RESPONSES, name, wave): table for name, table in tables.items()}

    def _scores(self, wave: str, rng: np.random.Generator, known: Tables) -> Tables:
        respondents = known[RESPONSES, "respondents", wave]
        persons = self._of(SCORES, "respondent_scores", wave, respondents.index)
        lost = rng.random(persons.shape) < rng.choice([0, 0.02, 0.3])
        persons, units = persons.mask(lost), respondents["unit"]
        own = scores.unit_scores(persons, units)
        items = self.study.phase_items(wave)
        answers = known[RESPONSES, "answers", wave][items.index].astype(float)
        reasons = known[RESPONSES, "reasons", wave][items.index]
        table = item_analysis.item_statistics(answers, items, reasons)
        tables = {"scores": own, "respondent_scores": persons, "items": table}
        tables["answer_counts"] = item_analysis.answer_counts(answers, items)
        tables["agreement"] = agreement.agreement_summary(answers, items, persons, units)
        tables["spread"] = agreement.spread_by_level(persons, units)
        tables["standard_errors"] = agreement.standard_errors(persons, units)
        rules = scores.aggregation_rules(respondents["role"])
        tables["aggregations"] = agreement.compare_aggregations(persons, units, rules)
        reliability = self.large.load(SCORES, "reliability", wave)
        answered = {
            phase: int(answers[listed].notna().any(axis=1).sum())
            for phase, listed in scores.items_by_phase(items).items()
        }
        tables["reliability"] = reliability.assign(n_respondents=pd.Series(answered))
        return {(SCORES, name, wave): table for name, table in tables.items()}

    def _cycle(self, wave: str, known: Tables) -> Tables:
        own, persons = (known[SCORES, name, wave] for name in ("scores", "respondent_scores"))
        units, answers = (
            known[RESPONSES, "respondents", wave]["unit"],
            known[RESPONSES, "answers", wave],
        )
        active = phases.activity(own, self._active_from)
        of_phase = self.study.developments_of_phases
        developments = phases.development_scores(own, of_phase)
        positions = phases.positions(developments, self._active_from)
        domains = placements.domain_phases(answers, list(self.study.domains), units)
        stated = placements.stated_placements(answers, self.study.self_placement, units)
        ranges = placements.domain_range(domains)
        alpha = known[SCORES, "reliability", wave]["alpha"]
        errors = order.errors_of_differences(own, persons, units, alpha)
        leading = phases.leading_phase(own)["leading"].value_counts()
        furthest = positions["furthest"].fillna("none").value_counts()
        off_topic = self.study.off_topic_items(wave)
        blocks = scores.unit_scores(scores.respondent_scores(answers, off_topic), units)
        violations = order.order_violations(own, errors)
        told = self.large.load(CYCLE, "order", wave).assign(
            n=len(own.dropna()),
            violations=violations["violations"].sum() / max(violations["n"].sum(), 1),
        )
        tables = {
            "curve": phases.phase_curve(own, None, 20),
            "leading_counts": leading.reindex(own.columns, fill_value=0).to_frame("n_units"),
            "position_counts": furthest.to_frame("n_units"),
            "active": active,
            "active_counts": phases.active_counts(active),
            "coactivity": phases.coactivity(active),
            "patterns": phases.activity_patterns(active),
            "sensitivity": phases.activity_sensitivity(own),
            "violations": violations,
            "order": told,
            "domains": placements.count_domains(domains, self.study.phase_codes),
            "domain_range": ranges,
            "domain_positions": placements.compare_positions(
                ranges, positions["furthest"], of_phase
            ),
            "placements": placements.compare_placements(
                stated, phases.activity(developments, self._active_from)
            ),
            "block_items": item_analysis.item_statistics(answers, off_topic),
            "block_curve": phases.phase_curve(blocks, None, 20),
        }
        return {(CYCLE, name, wave): table for name, table in tables.items()}

    def _profiles(self, wave: str, known: Tables, rng: np.random.Generator) -> Tables:
        own = known[SCORES, "scores", wave].dropna(how="all")
        members = self.large.load(PROFILES, "members", wave).reindex(own.index)
        label = members["profile"].clip(upper=self._k).astype(int)
        stray = rng.permutation(own.index)[: int(rng.integers(self._k, 3 * self._k))]
        label[stray] = [1 + place % self._k for place in range(len(stray))]
        small = own.index[label == self._k][int(rng.integers(1, 9)) :]
        label[small] = 1  # so that the last group is small
        sure = pd.Series(rng.uniform(0.3 + 0.5 * rng.random(), 1, len(own)), own.index)
        members["n_respondents"] = known[RESPONSES, "respondents", wave]["unit"].value_counts()
        members = members.assign(profile=label, certainty=sure, clearly_placed=sure >= 0.7)
        members["certainty_given_error"] = sure * rng.uniform(0.8, 1, len(own))
        everyone = known[RESPONSES, "response", wave]["population"].sum()
        wide = own.groupby(label)
        means = pd.concat({"mean": wide.mean().stack(), "n_units": wide.count().stack()}, axis=1)
        means = means.assign(low=means["mean"] - 4, high=means["mean"] + 4)
        k = range(1, self._k + 1)
        crossings = self.large.load(PROFILES, "crossings", wave)
        tables = {
            "members": members,
            "means": means.rename_axis(["profile", "phase"]),
            "sizes": label.value_counts().reindex(k, fill_value=0).to_frame("n_units"),
            "by_respondents": certainty_by_respondents(members, 0.7),
            "weighted_shares": shares(label, int(everyone)).reindex(k).fillna(0.0),
            "names": self.large.load(PROFILES, "names", wave).loc[list(k)],
            "crossings": crossings[crossings["higher"] <= self._k],
        }
        verdict = self.large.load(NUMBER, "verdict", wave).assign(n_units=len(own.dropna()))
        return {
            (NUMBER, "verdict", wave): verdict,
            **{(PROFILES, name, wave): table for name, table in tables.items()},
        }

    def _validity(self, wave: str, known: Tables, rng: np.random.Generator) -> Tables:
        table, n = (
            self.large.load(VALIDITY, "agreement", wave),
            len(known[SCORES, "scores", wave].dropna()),
        )
        moved = [min(n // 2, int(rng.choice([0, 1, 2, 3, 4, 8, 15]))) for _ in table.index]
        jaccard = self.large.load(VALIDITY, "jaccard", wave).iloc[: self._k]
        return {
            (VALIDITY, "agreement", wave): table.assign(n_units=n, n_moved=moved),
            (VALIDITY, "jaccard", wave): jaccard,
        }

    def _waves(self, units: dict[str, pd.Index], known: Tables, rng: np.random.Generator) -> Tables:
        links = self.large.load(WAVES, "links", ALL_WAVES).reset_index()
        kept = pd.concat(
            [links[(links["wave"] == w) & links["from_unit"].isin(units[w])] for w in units]
        )
        label, labels = known[PROFILES, "members", self.study.reference_wave]["profile"], {}
        for wave in units:
            there = kept.loc[
                (kept["wave"] == wave) & (kept["to_unit"].fillna("") != ""), "to_unit"
            ].unique()
            drawn = pd.Series(rng.integers(1, self._k + 1, len(there)), there)
            labels[wave] = label.reindex(there).fillna(drawn).astype(int)
            strayed = rng.random(len(there)) < 0.3
            labels[wave] = labels[wave].mask(strayed, drawn).sort_index()
        whole = kept.groupby("to_unit")["kind"].agg(lambda kinds: set(kinds) == {"unchanged"})
        panel = {w: found[found.index.isin(whole.index[whole])] for w, found in labels.items()}
        last = population(self.study, self.study.waves[-1])[0]
        n = int(rng.integers(5, len(units[self.study.reference_wave]) + 1))
        tables = {
            "link_counts": kept.groupby(["wave", "kind"]).size().to_frame("n_units"),
            "response_by_wave": response_by_wave({w: s.index for w, s in labels.items()}, last),
            "labels": pd.DataFrame(labels),
            "transitions": transitions(panel, self._k),
            "change": self._change(panel, known),
            "comparability": self.large.load(WAVES, "comparability", ALL_WAVES).assign(
                n_units=n, moved_share=int(rng.integers(0, min(n, 9))) / n
            ),
        }
        return {(WAVES, name, ALL_WAVES): table for name, table in tables.items()}

    def _change(self, panel: dict[str, pd.Series], known: Tables) -> pd.DataFrame:
        rows = []
        for first, second in pairwise(panel):
            both = panel[first].index.intersection(panel[second].index)
            old = self.large.load(WAVES, "change", ALL_WAVES).reset_index()
            old = old[(old["wave_from"] == first) & (old["wave_to"] == second)]
            known_both = {
                phase: int(known[SCORES, "scores", first][phase].reindex(both).notna().sum())
                for phase in self.study.phase_codes
            }
            rows.append(old.assign(n_units=old["phase"].map(known_both)))
        return pd.concat(rows).set_index(["wave_from", "wave_to", "phase"])
