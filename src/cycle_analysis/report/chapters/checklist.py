"""What reviewers and journals ask, item by item: done, not done and why, or for the author.

Numbers and contents were held against these sources on 26 November 2026; words are our own.

SMART-LCA, all 14 headings (Van Lissa et al. 2024): the checklist of the R package tidySEM, 0.2.11.
GRoLTS, 16 items in 21 parts (van de Schoot et al. 2017): as quoted in published code that scores
papers by it; the paper itself was not seen. JARS-Quant (Appelbaum et al. 2018): what of table 1 of
the APA applies to a survey, numbered by us. TOP 2025: cos.io/our-services/top-guidelines. FAIR4RS
(Barker et al. 2022): the 17 principles of version 1.0, doi:10.15497/RDA00068.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from cycle_analysis.report import chapter as steps
from cycle_analysis.report.chapter import Chapter
from cycle_analysis.report.sources import stated
from cycle_analysis.results import ROBUSTNESS
from cycle_analysis.study.plan import plan_files

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
