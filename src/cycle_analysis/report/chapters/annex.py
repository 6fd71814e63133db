"""What a methodologist needs to check the report, or to repeat the work, and what journals ask.

The checklists tell item by item what is done, not done and why, or for the author. Numbers and
contents were held against these sources on 26 November 2026; words are our own.

SMART-LCA, all 14 headings (Van Lissa et al. 2024): the checklist of the R package tidySEM, 0.2.11.
GRoLTS, 16 items in 21 parts (van de Schoot et al. 2017): as quoted in published code that scores
papers by it; the paper itself was not seen. JARS-Quant (Appelbaum et al. 2018): what of table 1 of
the APA applies to a survey, numbered by us. TOP 2025: cos.io/our-services/top-guidelines. FAIR4RS
(Barker et al. 2022): the 17 principles of version 1.0, doi:10.15497/RDA00068.
"""

import math
import platform
from collections.abc import Mapping
from functools import cached_property
from importlib import metadata, resources
from typing import Any

import pandas as pd
import yaml

from cycle_analysis.measurement import error
from cycle_analysis.report import chapter as steps
from cycle_analysis.report.chapter import Chapter, facts_from
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.validity import ValidityChapter
from cycle_analysis.report.columns import GROUP, MEAN, PHASE, TEXT, Column, Rows, code, number
from cycle_analysis.report.document import Cell
from cycle_analysis.report.door import Mean, Units
from cycle_analysis.report.language import Language
from cycle_analysis.report.sources import as_whole, constant, made, stated
from cycle_analysis.responses.study_answers import has_municipalities
from cycle_analysis.results import ROBUSTNESS
from cycle_analysis.study.plan import OF_NO_MATTER, Deviation, deviations, plan_files
from cycle_analysis.waves import transitions

PACKAGES = ("cycle-analysis", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib")
"""Libraries whose version is told."""
DEVIATION = ("name", "planned", "found")
"""Columns of what was planned otherwise."""
CRITERIA = ("aic", "sabic", "icl")
"""Criteria besides BIC. Beside BIC their values would give back the number of units."""
STANDARDS = {
    **{"LCA": "SMART-LCA", "CHANGE": "GRoLTS", "JARS": "JARS-Quant", "TOP": "TOP 2025"},
    "FAIR": "FAIR4RS",
}
"""Name of each standard, by how its items begin."""
PLACES: Mapping[str, tuple[str, ...]] = {
    "methods-section": ("LCA 1a", "JARS 5"),
    "summary": ("JARS 1", "JARS 20", "TOP 8"),
    "reviewer": (
        *("LCA 1b", "LCA 2d", "LCA 4c", "LCA 5b", "LCA 6c", "LCA 8a"),
        *("LCA 10a", "LCA 10b", "LCA 10c", "CHANGE 3c", "CHANGE 13", "JARS 12"),
    ),
    "reliability": ("LCA 1c", "JARS 15"),
    "answers": ("LCA 2a", "LCA 2b", "CHANGE 4"),
    "questionnaire": ("LCA 2c", "JARS 13", "TOP 4"),
    "scores": ("LCA 3a", "LCA 3d"),
    "table-items": ("LCA 4a",),
    "table-missing": ("LCA 4b", "CHANGE 3b"),
    "missing": ("CHANGE 3a", "JARS 16"),
    "models": ("LCA 5a", "LCA 5c", "LCA 12b", "CHANGE 6a", "CHANGE 6b", "JARS 17"),
    "number": ("LCA 5d", "LCA 7a", "LCA 13a", "CHANGE 10"),
    "table-criteria": ("LCA 6b", "LCA 7b", "LCA 11a", "CHANGE 11"),
    "profiles": ("LCA 8d", "LCA 11g", "LCA 13b"),
    "table-classification": ("LCA 14a",),
    "table-standard_errors": ("LCA 11e",),
    "table-sizes": ("LCA 11d", "CHANGE 15"),
    "shapes": ("LCA 13c", "JARS 19"),
    "software": ("LCA 9a", "LCA 9c", "CHANGE 5", "CHANGE 16", "TOP 5", "FAIR F1.2", "FAIR R2"),
    "references": ("LCA 9b",),
    "plan": ("LCA 1f", "TOP 2", "TOP 3"),
    "grolts": ("CHANGE 8", "CHANGE 9"),
    "waves": ("CHANGE 14a",),
    "response": ("CHANGE 1", "JARS 6", "JARS 8"),
    "response-detail": ("JARS 7", "JARS 18"),
    "agreement": ("JARS 14",),
    "robustness": ("TOP 12",),
    "limits": ("JARS 21",),
    "checklist": ("LCA 9e", "TOP 7"),
}
"""Headings and tables of the report, by key, and the items that they answer."""
FILES: Mapping[str, tuple[str, ...]] = {
    "manifest": ("LCA 9f", "TOP 9", "FAIR I1", "FAIR I2"),
    "data": ("LCA 9d", "TOP 6"),
    "source": (
        *("FAIR F2", "FAIR A1.1", "FAIR A1.2", "FAIR R1", "FAIR R1.1", "FAIR R1.2", "FAIR R3"),
    ),
}
"""Files beside the report, and the items that they answer."""
NOT_DONE: Mapping[str, tuple[str, ...]] = {
    "averaged": ("LCA 3b", "LCA 3c", "LCA 11f"),
    "untransformed": ("LCA 3e",),
    "by_parameter": ("LCA 6a",),
    "no_theory": ("LCA 7c",),
    "no_part": ("LCA 8b",),
    "whole_model": ("LCA 8c",),
    "only_chosen": ("LCA 11b", "LCA 11c", "CHANGE 12", "CHANGE 14b"),
    "no_tests": ("LCA 12a", "LCA 12c", "LCA 12d", "LCA 12e", "LCA 12f"),
    "one_by_one": ("LCA 13d",),
    "no_times": ("CHANGE 2",),
    "no_course": ("CHANGE 7",),
    "no_persons": ("CHANGE 14c",),
    "no_others": ("TOP 10", "TOP 11", "TOP 13"),
    "no_doi": ("FAIR F1", "FAIR F1.1", "FAIR F3", "FAIR F4", "FAIR A1", "FAIR A2"),
}
"""Why items are not done in any study, and which."""
STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "intended_n": ("LCA 1d", "JARS 11"),
    "registration": ("LCA 1e", "JARS 2", "TOP 1"),
    "approached": ("JARS 9",),
    "ethics": ("JARS 10",),
    "funding": ("JARS 3",),
    "conflicts": ("JARS 4",),
}
"""What study.yaml has to say, and the items that ask for it."""
DONE, NOT, AUTHOR = "done", "not_done", "author"
WHERE = ("at", "file", "reason", "said")
"""What says what became of an item; one of them is not empty."""


class AnnexChapter(Chapter):
    """Method."""

    key = "annex"

    # Questions and scores.

    @cached_property
    def n_questions(self) -> int:
        """Number of questions on the phases."""
        return made(len(self._questions), steps.QUESTIONS)

    @cached_property
    def scales(self) -> list[dict[str, Any]]:
        """Answer scales of these questions, and the phases asked on each."""
        asked = self._questions.groupby("scale", sort=False)["phase"].unique()
        return [self._scale(str(name), list(phases)) for name, phases in asked.items()]

    @cached_property
    def scoring(self) -> dict[str, Any]:
        """How answers became scores."""
        return dict(self.results.parameters(steps.SCORES, self.reference))

    # Models and tests.

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Parameters of notebook 04."""
        return dict(self.results.parameters(steps.NUMBER, self.reference))

    @cached_property
    def has_register(self) -> bool:
        """Whether units are the municipalities of the bundled register."""
        return bool(has_municipalities(self.study))

    @cached_property
    def references(self) -> list[dict[str, str]]:
        """What is cited, and in which language: the methods, and the phase model of the study."""
        file = resources.files("cycle_analysis.texts") / "references.yaml"
        told = dict.fromkeys(yaml.safe_load(file.read_text("utf-8")), "en")
        if self.study.model:
            told[self.study.model.reference] = self.study.model.language
        return [{"text": text, "language": language} for text, language in sorted(told.items())]

    # What a reviewer asks, after Van Lissa, Garnier-Villarreal & Anadria (2024, Structural Equation
    # Modeling 31(3), 526-534) and Brusco et al. (2017).

    profiles = facts_from(ProfilesChapter)
    validity = facts_from(ValidityChapter)

    @cached_property
    def data(self) -> dict[str, Any]:
        """Units, respondents, reliability, floor and ceiling, and what is missing."""
        items, reliability = (
            self.load(steps.SCORES, name, self.reference) for name in ("items", "reliability")
        )
        respondents = self.load(steps.RESPONSES, "respondents", self.reference)
        n_respondents = made(len(respondents), respondents)
        alpha, shares = reliability["alpha"], ("floor", "ceiling", "missing", "dont_know")
        return {
            **{"n": self.divided, "respondents": n_respondents, "phases": self.n_phases},
            "per_unit": n_respondents / max(made(self.door.count(self.divided), self.divided), 1),
            **{"alpha_known": bool(alpha.notna().any()), "alpha": (alpha.min(), alpha.max())},
            **{name: items[name].mean() for name in shares},
        }

    @cached_property
    def solution(self) -> dict[str, Any]:
        """The solution taken: its size, how often it came, and the criteria of its neighbours."""
        table, k = self._of_model, as_whole(self._choice["k"])
        row = table.loc[k]
        near = [j for j in (k - 1, k, k + 1) if j in table.index]
        ratios = table["ratio_p"].reindex([k, k + 1]).dropna()
        return {
            "most": made(int(table.index.max()), table),
            "flags": [flag for flag in ("not_converged", "at_floor") if flag in row["flags"]],
            **{n: as_whole(row[n]) for n in ("n_parameters", "n_finished", "n_replicated")},
            "fits": [{"k": made(int(j), table), "bic": table.loc[j, "bic"]} for j in near],
            "lowest": [
                {"criterion": n, "k": made(int(table[n].idxmin()), table[n])} for n in CRITERIA
            ],
            "ratios": [
                {"k": made(int(j), table), "before": made(int(j) - 1, table), "p": p}
                for j, p in ratios.items()
            ],
        }

    @cached_property
    def choice(self) -> dict[str, Any]:
        """Why this number: how many models, what was left out, what AIC would take."""
        row = self._choice
        counts = {name: as_whole(row[name]) for name in ("n_models", "n_barred", "aic_k")}
        return {**counts, "aic_model": str(row["aic_method"])}

    @cached_property
    def found(self) -> bool:
        """Whether there are profiles, so that they may be named."""
        return bool(self.profiles["found"])

    @cached_property
    def sampled(self) -> bool:
        """Whether there were too many units to weigh them all, so that a sample was."""
        scores = self.load(steps.SCORES, "scores", self.reference)
        return int(self._verdict_row["n_units"]) < len(scores.dropna())

    @cached_property
    def n_rivals(self) -> int:
        """Number of forms without groups that were fitted."""
        rivals = self.load(steps.NUMBER, "rivals", self.reference)
        return made(len(rivals), rivals)

    @cached_property
    def placing(self) -> dict[str, Any]:
        """How surely units belong, where a model says so: entropy, the least certain group."""
        members = self.load(steps.PROFILES, "members", self.reference)
        if members["certainty"].isna().all():
            return {}
        own = members["certainty"].groupby(members["profile"]).mean()
        return {
            "entropy": self._of_model["entropy"].get(self.k, math.nan),
            "least": Mean(
                made(own.min(), members["certainty"], members["profile"]),
                self._n_of(own.idxmin()),
                _scale=1,
            ),
        }

    @cached_property
    def corrected(self) -> bool:
        """Whether the error of measurement was taken off the groups."""
        return bool(self._errors.notna().any())

    @cached_property
    def announced_at(self) -> float:
        """Largest p at which moves between groups are announced."""
        alpha: float = constant(transitions, "ALPHA")
        return alpha

    @cached_property
    def known_from(self) -> dict[str, int]:
        """Degrees of freedom from which the measurement error is known, and roughly known."""
        return {"known": constant(error, "ENOUGH"), "rough": constant(error, "TOO_FEW")}

    @cached_property
    def n_refits(self) -> float:
        """Samples of units to which profiles were refitted."""
        return self.parameter(steps.PROFILES, "n_refits", self.reference)

    @cached_property
    def smallest(self) -> Units:
        """The size of the smallest group."""
        return self._n_of(self._sizes.idxmin())

    @cached_property
    def versions(self) -> list[str]:
        """Python and libraries, with their versions."""
        return [f"{row['package']} {row['version']}" for row in self.table_software().rows]

    @cached_property
    def plan(self) -> dict[str, bool]:
        """Whether a plan was frozen before the data, and whether anything was done otherwise."""
        return {"frozen": self._deviations is not None, "left": bool(self._deviations)}

    # Tables.

    def table_questions(self) -> Rows:
        """The questions on the phases."""
        asked = self._questions.rename(columns={f"question_{self.language.code}": "question"})
        rows = asked.reset_index().to_dict("records")
        return Rows({"item": TEXT, "question": TEXT, "phase": PHASE}, rows)

    def table_parameters(self) -> Rows:
        """The parameters with which the notebooks ran."""
        rows = [
            {"notebook": step, "parameter": name, "value": value, "meaning": name}
            for step in steps.STEPS
            for name, value in self._parameters_of(step).items()
            if name not in OF_NO_MATTER
        ]
        kinds = {"notebook": TEXT, "parameter": TEXT, "value": SETTING}
        return Rows(kinds | {"meaning": code("parameters")}, rows)

    def table_classification(self) -> Rows:
        """Mean probability of each group among the units placed in each."""
        table = self.load(steps.PROFILES, "sizes", self.reference).drop(columns="n_units")
        heads = {f"to_{group.number}": f"{group.number}" for group in self.groups}
        rows = []
        for group in self.groups:
            chances = (Mean(float(x), group.n, _scale=1) for x in table.loc[group.number])
            rows.append({"group": group, **dict(zip(heads, chances, strict=True))})
        return Rows({"group": GROUP} | dict.fromkeys(heads, MEAN), rows, {"to": heads})

    def table_standard_errors(self) -> Rows:
        """Standard errors of the mean true scores of each group."""
        errors = self._errors.unstack()[self.phases]
        rows = [
            {"group": group}
            | {p: Mean(float(errors.loc[group.number, p]), group.n) for p in self.phases}
            for group in self.groups
        ]
        kinds = {"group": GROUP} | dict.fromkeys(self.phases, MEAN)
        return Rows(kinds, rows, {"phases": self.study.phase_names(self.language.code)})

    def table_software(self) -> Rows:
        """Python and libraries."""
        versions = {"Python": platform.python_version()}
        versions |= {name: metadata.version(name) for name in PACKAGES}
        rows = [{"package": name, "version": version} for name, version in versions.items()]
        return Rows({"package": TEXT, "version": TEXT}, rows)

    def table_deviations(self) -> Rows:
        """What was planned otherwise."""
        rows = [
            {"kind": of.kind, "name": of.name or "–", "planned": of.planned or "–"}
            | {"found": of.found or "–"}
            for of in self._deviations or []
        ]
        return Rows({"kind": code("deviations")} | dict.fromkeys(DEVIATION, TEXT), rows)

    # What facts are made of.

    def _parameters_of(self, step: str) -> Mapping[str, Any]:
        wave = steps.ALL_WAVES if step == steps.WAVES else self.reference
        return self.results.parameters(step, wave)

    @cached_property
    def _deviations(self) -> list[Deviation] | None:
        return deviations(self.study, {step: self._parameters_of(step) for step in steps.STEPS})

    @cached_property
    def _questions(self) -> pd.DataFrame:
        items = self.study.codebook.items
        return items[items["phase"] != ""]

    def _scale(self, name: str, phases: list[str]) -> dict[str, Any]:
        scale, language = self.study.scales[name], self.language.code
        return {
            "phases": phases,
            "ends": tuple(stated(end or 0, "scales", name) for end in (scale.min, scale.max)),
            "labels": [{"code": c, "text": text[language]} for c, text in scale.labels.items()],
            "missing": [text[language] for text in scale.missing.values()],
        }

    @cached_property
    def _errors(self) -> pd.Series:
        return self.load(steps.PROFILES, "means", self.reference)["se"]

    def _n_of(self, number: Any) -> Units:
        return next(group.n for group in self.groups if group.number == number)

    @cached_property
    def _choice(self) -> pd.Series:
        return self.load(steps.NUMBER, "choice", self.reference).iloc[0]

    @cached_property
    def _of_model(self) -> pd.DataFrame:
        """Criteria of the model taken, by number of groups."""
        criteria = self.load(steps.NUMBER, "criteria", self.reference).reset_index()
        of_model = criteria[criteria["method"] == self._choice["method"]]
        return of_model.fillna({"flags": ""}).set_index("k")


def _setting(language: Language, value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell(language.code_word(str(value), "yes_no"))
    if isinstance(value, float):
        return number(2 if value % 1 else 0).write(language, value)
    return Cell(str(value), value if isinstance(value, int) else None)


SETTING = Column(_setting)
"""Values of parameters."""


class ChecklistChapter(Chapter):
    """Checklists."""

    key = "checklist"

    @cached_property
    def asked_of_author(self) -> list[str]:
        """Items that only the author can fill in, and did not: keys of `statements`."""
        return [name for name in STATEMENTS if not getattr(self.study.statements, name)]

    @cached_property
    def n_asked(self) -> int:
        """How many these are."""
        return stated(len(self.asked_of_author), "statements")

    @cached_property
    def standards(self) -> list[dict[str, Any]]:
        """Each standard with its items: their number, what became of them, and where."""
        told = {key: self._told(key) for key in self.language.words["checklist_items"]}
        of = {start: [told[key] for key in told if key.split()[0] == start] for start in STANDARDS}
        return [
            {"key": start.lower(), "name": name, "items": of[start]}
            for start, name in STANDARDS.items()
        ]

    def _told(self, item: str) -> dict[str, str]:
        """Say what became of an item: a place `at` which it is answered, or why it is not."""
        asked = {"item": item, "number": item.split()[1]} | dict.fromkeys(WHERE, "")
        if statement := _which(STATEMENTS, item):
            said = getattr(self.study.statements, statement)
            key = f"study.yaml: statements.{statement}"
            return asked | {"state": DONE if said else AUTHOR, "said": said or key}
        place = _which(PLACES, item) or _which(FILES, item)
        if reason := self._reason(item, place) or _which(NOT_DONE, item):
            return asked | {"state": NOT, "reason": reason}
        return asked | {"state": DONE, "at" if place in PLACES else "file": place}

    def _reason(self, item: str, place: str) -> str:
        """Say why an item is not done in this study; empty where nothing stands in the way."""
        if item.startswith("CHANGE") and not (self.several_waves and self.found):
            return "no_change"
        return self._lacking.get(item, self._lacking.get(place, ""))

    @cached_property
    def _lacking(self) -> dict[str, str]:
        """Why what stands at a place, or answers an item, is not there in this study."""
        errors = self.load(steps.PROFILES, "means", self.reference)["se"]
        knows = bool(errors.notna().any()) and self.found
        divided, placed = ("undivided", self.k > 1), ("no_profiles", self.found)
        there = {
            "table-classification": ("no_errors", knows),
            "table-standard_errors": ("no_errors", knows),
            **dict.fromkeys(["table-sizes", "shapes"], divided),
            **dict.fromkeys(["LCA 8d", "LCA 11g", "LCA 13b", "CHANGE 13"], placed),
            "robustness": ("not_run", self.results.current(ROBUSTNESS, steps.ALL_WAVES)),
            "plan": ("no_plan", bool(plan_files(self.study))),
            "data": ("private", self.synthetic),
        }
        return {place: reason for place, (reason, is_met) in there.items() if not is_met}


def _which(listed: Mapping[str, tuple[str, ...]], item: str) -> str:
    """Give the name under which an item is listed; empty for none."""
    return next((name for name, items in listed.items() if item in items), "")
