"""What a chapter knows: its facts, its tables and its figures, as codes and numbers.

A chapter is one class and one template per language, both under its name. Facts are cached
properties: a template names them, and they are worked out when they are used. Tables and figures
are methods, ``table_<key>`` and ``figure_<key>``; the latter gives what draws it in a `Look`. No
words stand here: which facts are told, in what order and in which words, the template says.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from types import ModuleType
from typing import Any, ClassVar, Protocol

import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures import Look
from cycle_analysis.problems import refuse
from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.report.door import Mean, Units, Weighted, wave_total
from cycle_analysis.report.language import GROUP, Column, Group, Language, Rows
from cycle_analysis.report.sources import EVERY, Source, as_whole, constant, made, stated
from cycle_analysis.study import Study
from cycle_analysis.units import has_municipalities

STEPS = (
    *("01_responses", "02_scores", "03_cycle", "04_number_of_profiles", "05_profiles"),
    *("06_validity", "07_waves"),
)
"""Notebooks whose tables are told."""
RESPONSES, SCORES, CYCLE, NUMBER, PROFILES, VALIDITY, WAVES = STEPS
ALL_WAVES = "all_waves"
PLAIN = (str, int, float, bool, type(None), Units, Mean, Weighted, tuple, list, dict, datetime.date)
"""What a fact may be, besides frozen dataclasses; no tables, which a template could count in."""
QUESTIONS = Source("codebook.csv", EVERY, "phase")
"""Where it stands what is asked."""
APART = 10
"""Points from which an answer to a question, or the score on a phase, is told to be another."""
GIVEN = (
    *("one", "many", "population", "synthetic", "round_to", "phases", "n_phases", "wave"),
    "several_waves",
)
"""Facts that are set when a chapter is opened."""


class Results(Protocol):
    """Where the tables of a study come from, and with which parameters they were made."""

    def load(self, step: str, table: str, wave: str) -> pd.DataFrame:
        """Load a saved table."""

    def parameters(self, step: str, wave: str) -> Mapping[str, Any]:
        """Give the parameters with which a step ran."""

    def current(self, step: str, wave: str) -> bool:
        """Whether a step has been saved, and is up to date."""


class Chapter:
    """A chapter of the report on one study, in one language.

    Parameters
    ----------
    study : Study
        The study.
    results : Results
        Its tables.
    language : Language
        The language, with the door.
    wave : str, optional
        The wave that the chapter is about; the reference wave, or the last one, when not given.
    opened : dict, optional
        The chapters that are open, by class and wave: this one comes among them.

    Attributes
    ----------
    door : Door
        What is told of true numbers.
    mark : str
        What every figure and caption must say of the data; empty for real data.
    one, many, population : str
        What one unit is called, and several, and of what units the survey is.
    synthetic : bool
        Whether the data are made up.
    round_to : int
        The multiple that numbers of units are rounded to.
    phases : list of str
        Codes of the phases, in the order of the cycle.
    n_phases : int
        How many there are.
    wave : str
        Code of the wave that the chapter is about.
    several_waves : bool
        Whether there is more than one wave.
    """

    key: ClassVar[str] = ""
    newest: ClassVar[bool] = False
    """Whether it is about the last wave, where none is named, rather than the reference wave."""

    def __init__(
        self,
        study: Study,
        results: Results,
        language: Language,
        wave: str = "",
        opened: "dict[tuple[type[Chapter], str], Chapter] | None" = None,
    ) -> None:
        self.study, self.results, self.language, self.door = study, results, language, language.door
        self.one, self.many = study.units.one[language.code], study.units.many[language.code]
        self.population, self.synthetic = study.population[language.code], study.synthetic
        self.mark = language.mark
        self.phases, self.round_to = study.phase_codes, stated(language.door.round_to, "round_to")
        self.n_phases = stated(len(self.phases), "phases")
        self.wave, self.several_waves = wave or self.usual_wave(study), len(study.waves) > 1
        self.opened = {} if opened is None else opened
        self.opened[type(self), self.wave] = self

    @classmethod
    def usual_wave(cls, study: Study) -> str:
        """Give the wave that it is about where none is named."""
        return study.waves[-1] if cls.newest else study.reference_wave

    def marked(self, caption: str) -> str:
        """Add the mark of synthetic data to a caption."""
        return f"{caption} [{self.mark}]" if self.mark else caption

    def note(self, name: str) -> str:
        """Give a note of words.yaml that explains a mark in a table."""
        round_to = self.language.number(self.round_to)
        return str(self.language.words["notes"][name]).format(many=self.many, round_to=round_to)

    def load(self, step: str, table: str, wave: str = "") -> pd.DataFrame:
        """Load a table of the chapter's wave, or of another."""
        return self.results.load(step, table, wave or self.wave)

    def parameters_of(self, step: str) -> Mapping[str, Any]:
        """Give the parameters with which a step ran, on the reference wave or over all waves."""
        return self.results.parameters(step, ALL_WAVES if step == WAVES else self.reference)

    def table(self, key: str, *names: str) -> Rows:
        """Give what a table can show, by its key in the text."""
        return self._method("table", key)(*names)

    def figure(self, key: str, *names: str, title: str = "") -> Callable[[], Axes]:
        """Give what draws a figure, by its key in the text, under a title."""
        look = Look(self.language, title, self._heads)
        return partial(self._method("figure", key)(*names), look=look)

    def _method(self, kind: str, key: str) -> Callable[..., Any]:
        if method := getattr(self, f"{kind}_{key}", None):
            return method
        known = ", ".join(n.partition("_")[2] for n in dir(self) if n.startswith(f"{kind}_"))
        file = f"texts/{self.language.code}/{self.key}.md.j2"
        raise refuse(file, f"::: {kind} {key}", key, f"is no {kind} here", known)

    # Facts of every chapter.

    @cached_property
    def reference(self) -> str:
        """Code of the wave in which the groups were found."""
        return self.study.reference_wave

    @cached_property
    def waves(self) -> list[dict[str, Any]]:
        """All waves, in order: code, days of fieldwork, units asked and answered."""
        days = {wave: self.study.wave(wave).fieldwork for wave in self.study.waves}
        return [
            {"code": wave, "start": of.start, "end": of.end}
            | {"asked": self.asked_in(wave), "answered": self.answered_in(wave)}
            for wave, of in days.items()
        ]

    @cached_property
    def n_questions(self) -> int:
        """Number of questions on the phases."""
        return made(int((self.study.codebook.items["phase"] != "").sum()), QUESTIONS)

    @cached_property
    def not_all_asked(self) -> bool:
        """Whether a wave left out one of them."""
        asked = (len(self.study.phase_items(wave)) for wave in self.study.waves)
        return any(n < self.n_questions for n in asked)

    @cached_property
    def municipalities(self) -> bool:
        """Whether the units are Dutch municipalities, whose parts of the country can be named."""
        return has_municipalities(self.study)

    @cached_property
    def answered(self) -> Units:
        """How many units answered in the wave of this chapter."""
        return self.answered_in(self.wave)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether there are profiles, by its code."""
        return Verdict(self._verdict_row["verdict"])

    @cached_property
    def n(self) -> Units:
        """How many units the verdict rests on: those of the reference wave with all scores."""
        return Units(as_whole(self._verdict_row["n_units"]), self.answered_in(self.reference))

    @cached_property
    def divided(self) -> Units:
        """How many units were divided into groups."""
        return Units(as_whole(self._sizes.sum()), self.answered_in(self.reference))

    @cached_property
    def k(self) -> int:
        """Number of groups that units were divided into; 1 when they were not divided."""
        return made(len(self._sizes), self._sizes)

    @cached_property
    def found(self) -> bool:
        """Whether there are profiles, so that they may be named."""
        return self.verdict.found and self.k > 1

    @cached_property
    def groups(self) -> list[Group]:
        """The profiles or levels, in order of their number."""
        sizes, code = self._sizes, self.language.code
        parts = self.door.parts(sizes, self.divided)
        names = self.study.profile_labels(self.k, code) if self.found else {}
        return [
            Group(made(number, sizes), names.get(number, ""), n, not self.door.few(n))
            for number, n in zip(sizes.index, parts, strict=True)
        ]

    @cached_property
    def _by_number(self) -> dict[int, Group]:
        """The groups by their number."""
        return {group.number: group for group in self.groups}

    @cached_property
    def _group_names(self) -> dict[int, str]:
        """What figures write beside the number of a group: its name, where the study has one."""
        named = (g for g in self.groups if g.name and not g.name.endswith(f" {g.number}"))
        return {group.number: group.name for group in named}

    @cached_property
    def group_word(self) -> str:
        """What one group is called: profile, or level where no profiles were found."""
        return str(self.language.words["groups"][self._kind]["one"])

    @cached_property
    def groups_word(self) -> str:
        """What the groups are called: profiles, or levels."""
        return str(self.language.words["groups"][self._kind]["many"])

    @cached_property
    def _heads(self) -> dict[str, str]:
        """Short names of the phases, to stand above columns."""
        return self.study.phase_names(self.language.code)

    @cached_property
    def _questions(self) -> pd.Series:
        """What is asked, by item, without the full stop; told where answers are turned round."""
        items = self.study.codebook.items
        asked = items[f"question_{self.language.code}"].str.rstrip(".")
        return asked.mask(items["reversed"], asked + f" ({self.language.words['turned']})")

    def to_groups(self, values: Iterable[Iterable[Any]], kind: Column) -> Rows:
        """Set for each group, a row, a value for each group, columns ``to``."""
        heads = {f"to_{number}": f"{number}" for number in self._by_number}
        rows = [
            {"group": group, **dict(zip(heads, row, strict=True))}
            for group, row in zip(self.groups, values, strict=True)
        ]
        return Rows({"group": GROUP} | dict.fromkeys(heads, kind), rows, {"to": heads})

    def counted(self, n: float) -> Units:
        """Set a number of units as a part of those that answered in the wave of this chapter."""
        return Units(as_whole(n), self.answered)

    def asked_in(self, wave: str) -> Units:
        """How many units were asked in a wave."""
        return wave_total(self.load(RESPONSES, "response", wave)["invited"].sum())

    def answered_in(self, wave: str) -> Units:
        """How many units answered in a wave."""
        responded = self.load(RESPONSES, "response", wave)["responded"].sum()
        return wave_total(responded, self.asked_in(wave))

    def respondents_in(self, wave: str) -> Units:
        """How many respondents there are in a wave."""
        table = self.load(RESPONSES, "respondents", wave)
        return wave_total(made(len(table), table))

    @property
    def _kind(self) -> str:
        return "profiles" if self.found else "levels"

    @cached_property
    def _verdict_row(self) -> pd.Series:
        return self.load(NUMBER, "verdict", self.reference).iloc[0]

    @cached_property
    def _sizes(self) -> pd.Series:
        return self.load(NUMBER, "shares", self.reference)["n_units"]


class ChapterFacts(Mapping[str, Any]):
    """The facts of a chapter by name, see `facts_of`."""

    def __init__(self, chapter: Chapter) -> None:
        self.chapter, self.names = chapter, facts_of(type(chapter))

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        value = getattr(self.chapter, name)
        plain = isinstance(value, (*PLAIN, ChapterFacts))
        if not plain and not hasattr(value, "__dataclass_fields__"):
            raise TypeError(
                f"fact {name!r} of chapter {self.chapter.key!r} is a {type(value).__name__}; facts "
                "are plain values, Units, Mean, lists of them, or frozen dataclasses"
            )
        return value

    def __contains__(self, name: object) -> bool:
        return name in self.names  # a mapping's own would swallow a KeyError

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def facts_from(other: type[Chapter], same_wave: bool = True) -> "cached_property[ChapterFacts]":
    """Make a fact of all facts of another chapter, to tell them in this one as well.

    They are of the wave of this chapter, or of the one that the other is about by itself. A chapter
    that is open already is not opened again.
    """

    def facts(own: Chapter) -> ChapterFacts:
        wave = own.wave if same_wave else other.usual_wave(own.study)
        known = own.opened.get((other, wave))
        return ChapterFacts(known or other(own.study, own.results, own.language, wave, own.opened))

    return cached_property(facts)


def saved(step: str, table: str, wave: str = "") -> "cached_property[pd.DataFrame]":
    """Make a saved table a part of a chapter: of the chapter's wave, or of another."""
    return cached_property(lambda own: own.load(step, table, wave))


def setting(step: str, name: str) -> "cached_property[float]":
    """Make a fact of a parameter, a number, with which a step ran."""
    return cached_property(lambda own: own.parameters_of(step)[name])


def smallest_p(step: str, n_draws: str) -> "cached_property[float]":
    """Make a fact of the smallest p that draws can give, by the parameter that says how many."""
    return cached_property(lambda own: 1 / (own.parameters_of(step)[n_draws] + 1))


def fixed(module: ModuleType, name: str) -> "cached_property[float]":
    """Make a fact of a number of the method, see `constant`."""
    return cached_property(lambda own: constant(module, name))


def facts_of(chapter: type[Chapter]) -> list[str]:
    """List the names of the facts of a chapter: its cached properties, and those of `GIVEN`.

    Examples
    --------
    >>> {"n", "groups"} <= set(facts_of(Chapter))
    True
    """
    public = (name for name in dir(chapter) if not name.startswith("_"))
    return [*GIVEN, *(n for n in public if isinstance(getattr(chapter, n), cached_property))]
