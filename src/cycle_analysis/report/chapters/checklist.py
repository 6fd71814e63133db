"""What reviewers and journals ask, item by item: done, not done and why, or for the author.

After SMART-LCA (Van Lissa et al. 2024), GRoLTS (van de Schoot et al. 2017), JARS-Quant (Appelbaum
et al. 2018), TOP 2025 and FAIR4RS (Barker et al. 2022). The items are in words of our own.
"""

from functools import cached_property

from cycle_analysis.report import chapter as steps
from cycle_analysis.report.chapter import Chapter
from cycle_analysis.report.columns import TEXT, Rows, code
from cycle_analysis.report.sources import stated
from cycle_analysis.study.plan import plan_files

ITEMS = {
    "SMART-LCA": {
        **{"observed": "reliability", "indicators": "questionnaire", "missing": "missing"},
        **{"little": "missing", "models": "models", "restrictions": "reviewer"},
        **{"software": "software", "estimator": "reviewer", "enumeration": "number"},
        **{"criteria": "reviewer", "parameters": "reviewer", "classification": "errors"},
        **{"standard_errors": "errors", "sizes": "profiles", "interpretation": "profiles"},
        **{"sensitivity": "stability", "repeat": "manifest"},
    },
    "GRoLTS": {
        **{"time": "change", "missing_waves": "change", "distributions": "change"},
        **{"invariance": "change", "covariates": "change", "starts": "change"},
        **{"number": "change", "pictures": "change"},
    },
    "JARS-Quant": {
        **{"sampling": "response", "intended_n": "author", "approached": "author"},
        **{"response": "response", "measures": "questionnaire", "reliability": "reliability"},
        **{"left_out": "response", "intervals": "models", "limits": "limits"},
        **{"ethics": "author", "funding": "author", "conflicts": "author"},
    },
    "TOP 2025": {
        **{"registration": "author", "plan": "plan", "materials": "questionnaire"},
        **{"code": "software", "data": "data", "transparency": "checklist"},
        **{"verification": "manifest", "multiverse": "stability"},
    },
    "FAIR4RS": {
        **{"findable": "doi", "accessible": "source", "interoperable": "manifest"},
        **{"reusable": "source"},
    },
}
"""By standard: each item, and where it is met; `author` where study.yaml has to say it."""
AUTHOR = "author"


class ChecklistChapter(Chapter):
    """Checklists."""

    key = "checklist"

    @cached_property
    def asked_of_author(self) -> list[str]:
        """Items that only the author can fill in, and did not: keys of `statements`."""
        items = (item for places in ITEMS.values() for item, at in places.items() if at == AUTHOR)
        return [item for item in items if not getattr(self.study.statements, item)]

    @cached_property
    def n_asked(self) -> int:
        """How many these are."""
        return stated(len(self.asked_of_author), "statements")

    def table_checklist(self) -> Rows:
        """Every item, what became of it, and where."""
        rows = [
            {"standard": standard, "item": item, **self._told(item, place)}
            for standard, places in ITEMS.items()
            for item, place in places.items()
        ]
        kinds = {"standard": TEXT, "item": code("checklist_items")}
        return Rows(kinds | {"state": code("checklist_states"), "where": TEXT}, rows)

    def _told(self, item: str, place: str) -> dict[str, str]:
        words = self.language.words
        if place == AUTHOR:
            said = getattr(self.study.statements, item)
            key = f"study.yaml: statements.{item}"
            return {"state": "done" if said else AUTHOR, "where": said or key}
        if reason := self._reasons.get(place):
            return {"state": "not_done", "where": str(words["checklist_reasons"][reason])}
        return {"state": "done", "where": str(words["checklist_places"][place])}

    @cached_property
    def _reasons(self) -> dict[str, str]:
        """Why what stands at a place is not there in this study."""
        errors = self.load(steps.PROFILES, "means", self.reference)["se"]
        there = {
            "errors": ("no_errors", bool(errors.notna().any())),
            "change": ("no_change", self.several_waves and self.found),
            "stability": ("undivided", self.k > 1),
            "plan": ("no_plan", bool(plan_files(self.study))),
            "data": ("private", self.synthetic),
            "doi": ("no_doi", False),
        }
        return {place: reason for place, (reason, is_met) in there.items() if not is_met}
