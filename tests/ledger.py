"""A door that remembers what it told, and what every number is of: for `audit`."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cycle_analysis.cycle.placements import NONE
from cycle_analysis.report import assemble
from cycle_analysis.report.chapter import CYCLE, Chapter, ChapterFacts, Results
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.chapters.annex import AnnexChapter, ChecklistChapter
from cycle_analysis.report.chapters.cycle import CycleChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.response import ALL, ResponseChapter
from cycle_analysis.report.chapters.validity import MeasurementChapter, ValidityChapter
from cycle_analysis.report.chapters.waves import TERRITORY, WavesChapter
from cycle_analysis.report.door import Door, Share, Units, Weighted
from cycle_analysis.report.sums import Sum
from cycle_analysis.study import Study

Name = tuple[Any, ...]
"""What a number is of: ``("active", "2018", 2)`` are the units with two active phases."""
Named = Iterator[tuple[Units, Name] | tuple[Units, Name, Name]]
"""A number, what it is of, and what its whole is of."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Fitted:
    """Numbers that were told so that their sums do not tell them."""

    told: list[Units]
    wholes: list[Units]
    sums: list[Sum]


@dataclass(frozen=True)
class Ledger(Door):
    """A door that remembers of which units it told a number, and of which that they are few."""

    told: dict[int, Units] = field(default_factory=dict, compare=False)
    asked_few: dict[int, Units] = field(default_factory=dict, compare=False)
    where: dict[int, str] = field(default_factory=dict, compare=False)
    fitted: list[Fitted] = field(default_factory=list, compare=False)

    @property
    def plain(self) -> Door:
        """The same rule, without remembering."""
        return Door(self.round_to)

    def count(self, units: Units) -> int:
        self._remember(self.told, units)
        return super().count(units)

    def few(self, units: Units) -> bool:
        self._remember(self.asked_few, units)
        return super().few(units)

    def lists(self, units: Units) -> bool:
        return self.plain.lists(units)  # what is listed is told after this

    def relates(self, groups: Any) -> bool:
        return self.plain.relates(groups)

    def weighted(self, share: Weighted) -> tuple[Share, float, float]:
        return self.plain.weighted(share)

    def fit(self, counts: Any, wholes: Any, sums: Any) -> list[Units]:
        known = list(sums)
        told = super().fit(counts, wholes, known)
        self.fitted.append(Fitted(told, list(wholes), known))
        return told

    def _remember(self, page: dict[int, Units], units: Units) -> None:
        page[id(units)] = units
        if id(units) not in self.where:
            self.where[id(units)] = _teller()


def _teller() -> str:
    """Find the part of a chapter that asked the door."""
    frame = sys._getframe(3)
    while frame is not None:
        chapter = frame.f_locals.get("self")
        if isinstance(chapter, Chapter) and frame.f_code.co_name != "table":
            return f"{chapter.key}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "a text"


@dataclass
class Published:
    """A report as an outsider reads it: what its door told, and the chapters that told it.

    Attributes
    ----------
    study, results
        The study and its tables.
    ledger : Ledger
        What the door told.
    chapters : list of Chapter
        Those that told it, also those of which another chapter told facts.
    """

    study: Study
    results: Results
    ledger: Ledger
    chapters: list[Chapter]

    @cached_property
    def every(self) -> dict[int, Units]:
        """Every number that was told, or fitted with others that were, by its identity."""
        parts = {id(units): units for call in self.ledger.fitted for units in call.told}
        return self.ledger.told | self.ledger.asked_few | parts

    @cached_property
    def names(self) -> dict[int, Name]:
        """What every number that can be told is of, by the identity of the `Units`."""
        found = {}
        for chapter in self.chapters:
            for kind, namer in NAMERS.items():
                for units, name, *whole in namer(chapter) if isinstance(chapter, kind) else ():
                    found[id(units)] = name
                    if whole and units._of is not None and not units._of._exact:
                        found[id(units._of)] = whole[0]
        told = self.ledger.told | self.ledger.asked_few
        nameless = {key for key, units in told.items() if not units._exact} - found.keys()
        where = sorted({self.ledger.where[key] for key in nameless})
        assert not nameless, f"tests/ledger.py does not say what is told here: {where}"
        return found

    @property
    def true(self) -> dict[Name, int]:
        """The true numbers, of everything that has a name."""
        named = [(self.names[key], u._n) for key, u in self.every.items() if key in self.names]
        assert all(dict(named)[name] == n for name, n in named), "a name is of two numbers"
        return dict(named)

    def has(self, kind: str, *of: Any) -> list[Name]:
        """Give the names of a kind, of these things, of which something was told."""
        start = (kind, *of)
        return list(dict.fromkeys(n for n in self.names.values() if n[: len(start)] == start))


def publish(study: Study, results: Results, language: str = "en") -> Published:
    """Make a report as it is published, and keep what its door told."""
    seen: list[Chapter] = []
    ledger = Ledger(study.round_to)
    chapters = {key: _watched(chapter, seen) for key, chapter in CHAPTERS.items()}
    assemble(study, results, language, chapters, ledger)
    for chapter in seen:  # which grows: chapters of which another told facts
        seen += [f.chapter for f in vars(chapter).values() if isinstance(f, ChapterFacts)]
    return Published(study, results, ledger, seen)


def _watched(chapter: type[Chapter], seen: list[Chapter]) -> type[Chapter]:
    """Make a chapter that keeps the rows of the tables that it gave, as ``told_rows``."""

    def made(self: Any, *given: Any) -> None:
        chapter.__init__(self, *given)
        self.told_rows = []
        seen.append(self)

    def kept(name: str) -> Callable[..., Any]:
        def table(self: Any, *names: str) -> Any:
            rows = getattr(chapter, name)(self, *names)
            key = name.removeprefix("table_")
            self.told_rows += [(key, names, place, row) for place, row in enumerate(rows.rows)]
            return rows

        return table

    tables = {name: kept(name) for name in dir(chapter) if name.startswith("table_")}
    return type(chapter.__name__, (chapter,), {"__init__": made, **tables})


# What the numbers of each chapter are of.


def _rows(chapter: Any, key: str) -> Iterator[tuple[tuple[str, ...], int, Row]]:
    """Give the rows of a table that was told: what it is about, and the place of each."""
    for name, names, place, row in getattr(chapter, "told_rows", ()):
        if name == key:
            yield names, place, row


def _facts(chapter: Any, *names: str) -> Iterator[Any]:
    """Give facts that were told, one by one where they are lists; of private mappings the pairs."""
    for name in names:
        fact = vars(chapter).get(name)
        if name.startswith("_") and isinstance(fact, Mapping):
            yield from fact.items()
        elif fact is not None:
            yield from fact if isinstance(fact, list) else [fact]


def _of_all(chapter: Any) -> Named:
    for units in _facts(chapter, "n"):
        yield units, ("scored", chapter.reference)
    for units in _facts(chapter, "divided"):
        yield units, ("divided",)
    for group in _facts(chapter, "groups"):
        yield group.n, ("group", group.number)


def _of_response(chapter: Any) -> Named:
    for wave, cells in _facts(chapter, "_cells"):  # untold where everyone answered
        for groups, units in cells.items():
            own = groups if isinstance(groups, tuple) else (groups,)
            yield units, ("cell" if len(own) > 1 else "answered in", wave, *map(str, own))
    for told in _facts(chapter, "response", "responses"):
        wave = told["wave"]
        yield told["single"], ("single", wave)
        yield told["careless"], ("careless respondents", wave)
        for groups in told["answered_by"].values():
            for group, units in groups.items():
                yield units, ("answered in", wave, group)
        ends = [end for test in told["tests"] for end in (test["most"], test["least"]) if end]
        for row in (*told["groups"], *ends):
            yield from _of_response_row(wave, row)
    for (wave,), _, row in _rows(chapter, "response"):
        yield from _of_response_row(wave, row)
    for _, _, row in _rows(chapter, "response_waves"):
        wave = row["wave"]
        if not row["responded"]._exact:
            yield row["responded"], ("responded", wave)
        if row["again"] is not None:
            yield row["again"], ("again", wave), ("could again", wave)


def _of_response_row(wave: str, row: Row) -> Named:
    told = {column.removeprefix("by "): n for column, n in row.items() if column[:3] == "by "}
    for other, units in {ALL: row["answered"], **told}.items():
        groups = [group for group in (row["group"], other) if group != ALL]
        if units is not None and groups:
            yield units, (("cell" if len(groups) > 1 else "answered in"), wave, *groups)


def _of_measurement(chapter: Any) -> Named:
    wave = chapter.wave
    for scale in _facts(chapter, "scale", "scales"):
        for question in scale["questions"]:
            yield question["lowest"], ("step", wave, question["item"], "floor")
    for _, _, row in _rows(chapter, "items"):
        yield row["dont_know"], ("dont_know", wave, row["item"])
        for end in ("floor", "ceiling"):
            yield row[end], ("step", wave, row["item"], end)
    for item, (answered, missing) in _facts(chapter, "_answered"):
        yield answered, ("answers", wave, item)
        yield missing, ("missing", wave, item)
    for item, steps in _facts(chapter, "_answers"):
        for step, units in steps.items():
            yield units, ("step", wave, item, step)
    for (of,), _, row in _rows(chapter, "reliability"):
        yield row["respondents"], ("respondents", of, row["phase"])
    for (of,), _, row in _rows(chapter, "agreement"):
        phase = row["phase"]
        yield row["agreed"], ("agreed", of, phase), ("two who answered all", of, phase)
        yield row["icc1"]._units, ("two respondents", of, phase)
    for spread in _facts(chapter, "spread"):
        for quarter in spread["quarters"]:
            yield quarter["n"], ("quarter", quarter["number"]), ("in quarters",)
    for units in _facts(chapter, "_with_two"):
        yield units, ("two respondents", wave, chapter._fewest)
    for told in _facts(chapter, "missing"):
        yield told["far"]._units, ("with expected scores",)
        yield told["shift"]._units, ("with expected scores",)
        for row in told["reasons"]:
            yield row["share"]._units, ("respondents with a level", wave)
            for third in ("low", "middle", "high"):
                yield row[third]._units, ("third of respondents", wave)
    for told in _facts(chapter, "aggregation"):
        for rule in told["rules"]:
            yield rule["moved"], ("moved by rule", rule["rule"]), ("aggregated",)
            worst = ("most moved by rule", rule["rule"])
            yield rule["worst_moved"], worst, ("aggregated on", rule["rule"])


def _of_cycle(chapter: Any) -> Named:
    wave = chapter.wave
    yield from ((units, ("scored", wave)) for units in _facts(chapter, "scored"))
    yield from ((told["n"], ("several", wave)) for told in _facts(chapter, "several"))
    for active, units in enumerate(_facts(chapter, "_with_active")):
        yield units, ("active", wave, active)
    for pair, units in _facts(chapter, "_together"):
        yield units, ("both", wave, *pair), ("known", wave, *pair)
    for pattern in _facts(chapter, "patterns"):
        n_active, phases = len(pattern["phases"]), frozenset(pattern["phases"])
        if n_active not in (0, len(chapter.phases)):  # those are named above
            yield pattern["n"], ("pattern", wave, phases)
    for score, units in _facts(chapter, "_several_from"):
        yield units, ("several from", wave, score)
    for phase, units in _facts(chapter, "_active_units"):
        yield units, ("active in", wave, phase)
    for phase, units in zip(chapter.phases, _facts(chapter, "_ahead"), strict=False):
        yield units, ("leading", wave, phase), ("counted", wave)
    places = [*(development.code for development in chapter.study.developments), NONE]
    for of in chapter.study.waves:
        for _, place, row in _rows(chapter, "leading"):
            yield row[f"counts_{of}"], ("leading", of, chapter.phases[place]), ("counted", of)
        for _, place, row in _rows(chapter, "position"):
            yield row[f"counts_{of}"], ("position", of, places[place]), ("positioned", of)
    yield from _of_order(chapter, wave)
    yield from _of_placements(chapter, wave)
    yield from _of_means(chapter, wave)


def _of_order(chapter: Any, wave: str) -> Named:
    yield from ((told["n"], ("scored", wave)) for told in _facts(chapter, "order"))
    for units in _facts(chapter, "breaks"):
        yield units, ("breaks", wave), ("comparisons", wave)
    pairs = list(_facts(chapter, "_violating"))
    for pair, units in pairs:
        yield units, ("later ahead", wave, *pair), ("compared", wave, *pair)
    for _, place, row in _rows(chapter, "order"):
        for name in ("difference", "error"):
            yield row[name]._units, ("compared", wave, *pairs[place][0])


def _of_placements(chapter: Any, wave: str) -> Named:
    told = [(fact["development"], fact) for fact in _facts(chapter, "_placements")]
    codes = list(chapter.load(CYCLE, "placements").index)
    told += [(codes[place], row) for _, place, row in _rows(chapter, "placements")]
    for development, row in told:
        for name in ("stated", "measured", "agreement"):
            yield row[name], (name, wave, development), ("both said", wave, development)
    for domains in _facts(chapter, "domains"):
        if domains["known"]:
            yield domains["wide"], ("wide", wave), ("ranged", wave)
            for name in ("stated", "measured"):
                yield domains[name], ("further", wave, name), ("comparable", wave)
    items = list(chapter.load(CYCLE, "domains").index)
    for _, place, row in _rows(chapter, "domains"):
        for step in (NONE, *chapter.phases):
            yield row[step], ("domain", wave, items[place], step), ("in domain", wave, items[place])


def _of_means(chapter: Any, wave: str) -> Named:
    for of, means in _facts(chapter, "_means"):
        for phase, mean in means.items():
            yield mean._units, ("on phase", of, phase)
    for _, _, row in _rows(chapter, "conditions"):
        yield row["mean"]._units, ("on subject", wave, row["subject"])
    items = list(chapter.load(CYCLE, "block_items").index)
    for _, place, row in _rows(chapter, "condition_items"):
        yield row["n"], ("answers", wave, items[place])


def _of_profiles(chapter: Any) -> Named:
    for portrait in _facts(chapter, "portraits"):
        number = portrait["group"].number
        for told in portrait["means"]:
            yield told["mean"]._units, ("group on phase", number, told["phase"])
        for told in portrait["items"]:
            yield told["mean"]._units, ("group on item", number, told["item"])
            yield told["others"]._units, ("others on item", number, told["item"])
    for by, table in _facts(chapter, "_crossed"):
        for category, (_, cells) in table.items():
            for number, units in cells.items():
                yield units, ("group in category", number, by, category)
    for name, units in zip(
        ("placed", "doubtful"), _facts(chapter, "_clearly_or_not"), strict=False
    ):
        yield units, (name,)
    for _, _, row in _rows(chapter, "certainty"):
        yield row["n"], ("by respondents", row["respondents"])


def _of_validity(chapter: Any) -> Named:
    for name, choice in _facts(chapter, "_choices"):
        yield choice["moved"], ("moved by", name), ("scored", chapter.reference)


def _of_waves(chapter: Any) -> Named:
    for told in _facts(chapter, "same"):
        yield told["moved"], ("moved again",), ("divided again",)
    for pair in _facts(chapter, "pairs"):
        of = (pair["first"], pair["second"])
        yield pair["panel"], ("panel", *of)
        roles = pair["roles"]
        for change in (*pair["changes"], *pair["sure"], *roles["differ"], *roles["undone"]):
            yield change["mean"]._units, ("changed", *of, change["phase"])
    for whole in filter(None, _facts(chapter, "whole")):
        of = (whole["first"], whole["last"])
        yield whole["panel"], ("panel", *of)
        for change in (*whole["changes"], *whole["sure"]):
            yield change["mean"]._units, ("changed", *of, change["phase"])
    drifts = [((p["first"], p["second"]), p["drift"]) for p in _facts(chapter, "pairs")]
    moved = [(of, row) for of, drift in drifts if drift for row in drift["moved"]]
    moved += [(of, row) for of, _, row in _rows(chapter, "item_drift")]
    for of, row in moved:
        for name in ("drift", "change", "without"):
            yield row[name]._units, ("answers in both", *of, row["item"])
    for of, _, row in _rows(chapter, "change"):
        yield row["n"], ("changed", *of, row["phase"])
    for _, _, row in _rows(chapter, "units_compared"):
        for kind in (kind for kind in TERRITORY if kind in row):
            yield row[kind], ("territory", row["wave"], kind)


NAMERS: dict[type[Chapter], Callable[[Any], Named]] = {
    Chapter: _of_all,
    ResponseChapter: _of_response,
    MeasurementChapter: _of_measurement,
    CycleChapter: _of_cycle,
    ProfilesChapter: _of_profiles,
    ValidityChapter: _of_validity,
    WavesChapter: _of_waves,
    AnnexChapter: lambda _: iter(()),
    ChecklistChapter: lambda _: iter(()),
}
