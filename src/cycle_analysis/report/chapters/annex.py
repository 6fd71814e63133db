"""What a methodologist needs to check the report, or to repeat the work, and what journals ask.

First comes what every other defensible choice would give, where the grid of them was run.

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
from collections.abc import Callable
from functools import cached_property, partial
from importlib import metadata
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.profiles import plot_specifications
from cycle_analysis.measurement import error
from cycle_analysis.profiles import LARGEST
from cycle_analysis.report import chapter as steps
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import Chapter, ChapterFacts, facts_from, fixed, saved, setting
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.validity import ValidityChapter
from cycle_analysis.report.chapters.waves import ESTIMATED, WavesChapter
from cycle_analysis.report.document import Cell
from cycle_analysis.report.door import Mean, Units
from cycle_analysis.report.language import Language, Rows, number
from cycle_analysis.report.sources import as_whole, constant, made, stated
from cycle_analysis.results import ROBUSTNESS
from cycle_analysis.robustness import CROSSED, curve
from cycle_analysis.study.plan import OF_NO_MATTER, Deviation, deviations, frozen_beside, plan_files
from cycle_analysis.texts import read_list
from cycle_analysis.waves import transitions

PACKAGES = ("cycle-analysis", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib")
"""Libraries whose version is told."""
DEVIATION = ("name", "planned", "found")
"""Columns of what was planned otherwise."""
CRITERIA = ("aic", "sabic", "icl")
"""Criteria besides BIC. Beside BIC their values would give back the number of units."""
DONE, NOT, AUTHOR = "done", "not_done", "author"
WHERE = ("at", "file", "reason", "said")
"""What says what became of an item, one is not empty; each a list of ``checklists.yaml``."""


class RobustnessChapter(Chapter):
    """Would other choices say the same?"""

    key = "robustness"

    @cached_property
    def grid(self) -> dict[str, Any] | None:
        """What all analyses say; None where the grid was not run on the tables of this report.

        n analyses, and left_out, combinations that cannot be or would count twice; same, in which
        share of how many there are as many profiles, or none as here; matters, by outcome the
        choice that explains most of its variance, None where none does by half; limit, the share of
        units in another group up to which two divisions are alike.
        """
        if not self.results.current(ROBUSTNESS, steps.ALL_WAVES):
            return None
        claim = "number" if self._headline["found"] else "profiles"
        row, saved = self._claims.loc[claim], self.load(ROBUSTNESS, "claims", steps.ALL_WAVES)
        same = {"profiles": as_whole(self._headline["profiles"]), "n": row["n"]}
        same |= {"share": made(row["share"], saved.loc[claim, "share"])}
        left_out = as_whole(self.load(ROBUSTNESS, "left_out", steps.ALL_WAVES)["n"].sum())
        n, limit = made(len(self._universes), self._universes), constant(curve, "MOVED_WARNING")
        told = {"n": n, "left_out": left_out, "limit": limit}
        return {**told, "same": same, "matters": self._matters}

    def table_claims(self) -> Rows:
        """In how many analyses each claim of the headline is asked, and survives."""
        rows = [{"claim": name, **row} for name, row in self._claims.iterrows() if row["n"]]
        columns = {"claim": kinds.code("claims"), "n": number(), "share": kinds.percent()}
        return Rows(columns, rows)

    def figure_specifications(self) -> Callable[..., Axes]:
        """Draw how near each analysis comes to the headline, and what it chose."""
        table, word = self._universes, self.language.code_word
        left_out = table["left_out"].str.partition(" ")[0].replace("", "nothing")
        chosen = table.assign(left_out=left_out)[[*CROSSED, "left_out"]].astype(str)
        told = {
            (self.language.capital(word(name, "grid")), self._option(name, option)): taken
            for name in (*CROSSED, "left_out")
            for option, taken in pd.get_dummies(chosen[name])[chosen[name].unique()].items()
            if not taken.all()
        }
        rand = table["adjusted_rand"].round(2)
        as_many = (table["profiles"] == self._headline["profiles"]).where(table["k"] == "own")
        return partial(plot_specifications, rand, as_many, pd.DataFrame(told))

    @property
    def _matters(self) -> dict[str, dict[str, Any] | None]:
        table = self.load(ROBUSTNESS, "importance", steps.ALL_WAVES).drop(index="rest")
        return {
            str(outcome): {"choice": shares.idxmax(), "share": shares.max()}
            if shares.max() >= curve.MATTERS
            else None
            for outcome, shares in table.items()
        }

    _universes = saved(ROBUSTNESS, "universes", steps.ALL_WAVES)

    @property
    def _headline(self) -> pd.Series:
        return self._universes.iloc[0]

    @cached_property
    def _claims(self) -> pd.DataFrame:
        table = self.load(ROBUSTNESS, "claims", steps.ALL_WAVES)
        shares = table["share"]  # what is not quite all, or none, is not rounded to it
        return table.assign(share=shares.where(shares.isin([0, 1]), shares.clip(0.01, 0.99)))

    def _option(self, choice: str, option: str) -> str:
        """Write an option in words, and a share as the language does."""
        if choice == "min_answered":
            return self.language.percent(float(option))
        return self.language.code_word(option, "options")


class AnnexChapter(Chapter):
    """Method."""

    key = "annex"

    # Questions and scores.

    @cached_property
    def scales(self) -> list[dict[str, Any]]:
        """Answer scales of these questions, and the phases asked on each."""
        asked = self._asked.groupby("scale", sort=False)["phase"].unique()
        return [self._scale(str(name), list(phases)) for name, phases in asked.items()]

    @cached_property
    def scoring(self) -> dict[str, Any]:
        """How answers became scores."""
        return dict(self.parameters_of(steps.SCORES))

    # Models and tests.

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Parameters of notebook 04."""
        return dict(self.parameters_of(steps.NUMBER))

    @cached_property
    def seed(self) -> str:
        """The seed of chance of notebook 04, as it was given."""
        seed = self.settings["seed"]
        return made(str(seed), seed, how="")

    @cached_property
    def references(self) -> list[dict[str, str]]:
        """What is cited, and in which language: the methods, and the phase model of the study."""
        told = dict.fromkeys(read_list("references"), "en")
        if self.study.model:
            told[self.study.model.reference] = self.study.model.language
        return [{"text": text, "language": language} for text, language in sorted(told.items())]

    # What a reviewer asks, after Van Lissa, Garnier-Villarreal & Anadria (2024, Structural Equation
    # Modeling 31(3), 526-534) and Brusco et al. (2017).

    profiles = facts_from(ProfilesChapter)
    validity = facts_from(ValidityChapter)
    _change = facts_from(WavesChapter)

    @cached_property
    def data(self) -> dict[str, Any]:
        """Units, respondents, reliability, floor and ceiling, and what is missing."""
        items, reliability = (
            self.load(steps.SCORES, name, self.reference) for name in ("items", "reliability")
        )
        respondents = self.load(steps.RESPONSES, "respondents", self.reference)
        n_respondents = made(len(respondents), respondents)
        n = self.answered_in(self.reference)
        alpha, shares = reliability["alpha"], ("floor", "ceiling", "missing", "dont_know")
        return {
            **{"n": n, "respondents": n_respondents, "phases": self.n_phases},
            "per_unit": n_respondents / max(made(self.door.count(n), n), 1),
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
    def has_roles(self) -> bool:
        """Whether respondents may say in which role they answer."""
        return bool(self.study.roles)

    @cached_property
    def followed(self) -> bool:
        """Whether moves between groups were estimated, of any two waves."""
        return _were_followed(self._change)

    @cached_property
    def sampled(self) -> bool:
        """Whether there were too many units to weigh them all, so that a sample was."""
        return int(self._sizes.sum()) > LARGEST

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
                self._by_number[own.idxmin()].n,
                _scale=1,
            ),
        }

    @cached_property
    def corrected(self) -> bool:
        """Whether the error of measurement was taken off the groups."""
        return bool(self._errors.notna().any())

    @cached_property
    def freed(self) -> dict[str, Any]:
        """The groups of true scores: their `model`, and whether a variance lies `at_floor`."""
        row = self.load(steps.NUMBER, "division", self.reference).iloc[0]
        at_floor = self.corrected and bool(row.get("at_floor", False))
        return {"model": str(row["model"]), "at_floor": at_floor}

    announced_at = fixed(transitions, "ALPHA")
    """Largest p at which moves between groups are announced."""

    @cached_property
    def known_from(self) -> dict[str, int]:
        """Degrees of freedom from which the measurement error is known, and roughly known."""
        return {"known": constant(error, "ENOUGH"), "rough": constant(error, "TOO_FEW")}

    n_refits = setting(steps.PROFILES, "n_refits")
    """Samples of units to which profiles were refitted."""

    @cached_property
    def smallest(self) -> Units:
        """The size of the smallest group."""
        return self._by_number[self._sizes.idxmin()].n

    @cached_property
    def versions(self) -> list[str]:
        """Python and libraries, with their versions."""
        return [f"{row['package']} {row['version']}" for row in self.table_software().rows]

    @cached_property
    def plan(self) -> dict[str, Any]:
        """Whether a plan was frozen, beside data of which waves, and if anything was done else."""
        frozen = self._deviations is not None
        beside = frozen_beside(self.study) if frozen else []
        return {"frozen": frozen, "left": bool(self._deviations), "beside": beside}

    # Tables.

    def table_questions(self) -> Rows:
        """The questions on the phases."""
        rows = self._asked.assign(question=self._questions).reset_index().to_dict("records")
        columns = dict.fromkeys(("item", "question"), kinds.TEXT)
        return Rows(columns | {"phase": kinds.PHASE}, rows)

    def table_parameters(self) -> Rows:
        """The parameters with which the notebooks ran."""
        rows = [
            {"notebook": step, "parameter": name, "value": value, "meaning": name}
            for step in steps.STEPS
            for name, value in self.parameters_of(step).items()
            if name not in OF_NO_MATTER
        ]
        columns = dict.fromkeys(("notebook", "parameter"), kinds.TEXT)
        return Rows(columns | {"value": SETTING, "meaning": kinds.code("parameters")}, rows)

    def table_classification(self) -> Rows:
        """Mean probability of each group among the units placed in each."""
        columns = [f"profile {number}" for number in self._by_number]
        table = self.load(steps.PROFILES, "profiles", self.reference)[columns]
        chances = (
            [Mean(float(x), group.n, _scale=1) for x in table.loc[group.number]]
            for group in self.groups
        )
        return self.to_groups(chances, kinds.MEAN)

    def table_standard_errors(self) -> Rows:
        """Standard errors of the mean true scores of each group."""
        errors = self._errors.unstack()[self.phases]
        rows = [
            {"group": group}
            | {p: Mean(float(errors.loc[group.number, p]), group.n) for p in self.phases}
            for group in self.groups
        ]
        columns = {"group": kinds.GROUP} | dict.fromkeys(self.phases, kinds.MEAN)
        return Rows(columns, rows, {"phases": self._heads})

    def table_software(self) -> Rows:
        """Python and libraries."""
        versions = {"Python": platform.python_version()}
        versions |= {name: metadata.version(name) for name in PACKAGES}
        rows = [{"package": name, "version": version} for name, version in versions.items()]
        return Rows(dict.fromkeys(("package", "version"), kinds.TEXT), rows)

    def table_deviations(self) -> Rows:
        """What was planned otherwise."""
        rows = [
            {"kind": of.kind} | {name: getattr(of, name) or "–" for name in DEVIATION}
            for of in self._deviations or []
        ]
        columns = {"kind": kinds.code("deviations")} | dict.fromkeys(DEVIATION, kinds.TEXT)
        return Rows(columns, rows)

    # What facts are made of.

    @cached_property
    def _deviations(self) -> list[Deviation] | None:
        return deviations(self.study, {step: self.parameters_of(step) for step in steps.STEPS})

    @cached_property
    def _asked(self) -> pd.DataFrame:
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

    @cached_property
    def _choice(self) -> pd.Series:
        return self.load(steps.NUMBER, "choice", self.reference).iloc[0]

    @cached_property
    def _of_model(self) -> pd.DataFrame:
        """Criteria of the model taken, by number of groups."""
        criteria = self.load(steps.NUMBER, "criteria", self.reference).reset_index()
        of_model = criteria[criteria["method"] == self._choice["method"]]
        return of_model.fillna({"flags": ""}).set_index("k")


def _were_followed(change: ChapterFacts) -> bool:
    return any(pair["finding"] in ESTIMATED for pair in change["pairs"])


def _setting(language: Language, value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell(language.code_word(str(value), "yes_no"))
    if isinstance(value, float):
        return number(2 if value % 1 else 0).write(language, value)
    return Cell(str(value), value if isinstance(value, int) else None)


SETTING = kinds.Column(_setting)
"""Values of parameters."""


class ChecklistChapter(Chapter):
    """Checklists."""

    key = "checklist"
    _change = facts_from(WavesChapter)

    @cached_property
    def asked_of_author(self) -> list[str]:
        """Items that only the author can fill in, and did not: keys of `statements`."""
        named = read_list("checklists")["said"]
        return [name for name in named if not getattr(self.study.statements, name)]

    @cached_property
    def n_asked(self) -> int:
        """How many these are."""
        return stated(len(self.asked_of_author), "statements")

    @cached_property
    def standards(self) -> list[dict[str, Any]]:
        """Each standard with its items: their number, what became of them, and where."""
        lists = read_list("checklists")
        listed = {i: (w, name) for w in WHERE for name, of in lists[w].items() for i in of}
        told = [self._told(item, *listed[item]) for item in self.language.words["checklist_items"]]
        return [
            {"key": start.lower(), "name": name}
            | {"items": [item for item in told if item["item"].split()[0] == start]}
            for start, name in lists["standards"].items()
        ]

    def _told(self, item: str, where: str, name: str) -> dict[str, str]:
        """Say what became of an item: a place `at` which it is answered, or why it is not."""
        asked = {"item": item, "number": item.split()[1]} | dict.fromkeys(WHERE, "")
        if where == "said":
            said = getattr(self.study.statements, name)
            key = f"study.yaml: statements.{name}"
            return asked | {"state": DONE if said else AUTHOR, "said": said or key}
        if reason := self._reason(item, name) or (name if where == "reason" else ""):
            return asked | {"state": NOT, "reason": reason}
        return asked | {"state": DONE, where: name}

    def _reason(self, item: str, place: str) -> str:
        """Say why an item is not done in this study; empty where nothing stands in the way."""
        if item.startswith("CHANGE") and not (_were_followed(self._change) and self.found):
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
