"""A door that remembers what it told, and what every number is of: for `audit`."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cycle_analysis.cycle.placements import NONE
from cycle_analysis.report import assemble
from cycle_analysis.report.chapter import CYCLE, RESPONSES, Chapter, ChapterFacts, Results
from cycle_analysis.report.chapters import CHAPTERS
from cycle_analysis.report.chapters.annex import AnnexChapter
from cycle_analysis.report.chapters.cycle import CycleChapter
from cycle_analysis.report.chapters.measurement import MeasurementChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.response import ALL, ResponseChapter
from cycle_analysis.report.chapters.validity import ValidityChapter
from cycle_analysis.report.chapters.waves import TERRITORY, WavesChapter
from cycle_analysis.report.columns import Rows
from cycle_analysis.report.document import Document
from cycle_analysis.report.door import Door, Mean, Share, Units, Weighted
from cycle_analysis.study import Study

Name = tuple[Any, ...]
"""What a number is of: ``("active", "2018", 2)`` are the units with two active phases."""


@dataclass(frozen=True)
class Parts:
    """Numbers that were told as the parts of a whole."""

    told: list[Units]
    whole: Units
    wholes: list[Units]


@dataclass(frozen=True)
class Ledger(Door):
    """A door that remembers of which units it told a number, a share or a mean."""

    told: dict[int, Units] = field(default_factory=dict, compare=False)
    asked_few: dict[int, Units] = field(default_factory=dict, compare=False)
    where: dict[int, str] = field(default_factory=dict, compare=False)
    parted: list[Parts] = field(default_factory=list, compare=False)
    means: list[Mean] = field(default_factory=list, compare=False)
    weighed: list[Weighted] = field(default_factory=list, compare=False)

    @property
    def plain(self) -> Door:
        """The same rule, without remembering."""
        return Door(self.round_to)

    def count(self, units: Units) -> int:
        self.told[id(units)] = units
        self.where.setdefault(id(units), _teller())
        return super().count(units)

    def few(self, units: Units) -> bool:
        self.asked_few[id(units)] = units
        self.where.setdefault(id(units), _teller())
        return super().few(units)

    def lists(self, units: Units) -> bool:
        return self.plain.lists(units)  # what is listed is told after this

    def relates(self, groups: Any) -> bool:
        return self.plain.relates(groups)

    def weighted(self, share: Weighted) -> tuple[Share, float, float]:
        self.weighed.append(share)
        return self.plain.weighted(share)

    def mean(self, mean: Mean) -> tuple[float, float, float]:
        self.means.append(mean)
        return super().mean(mean)

    def parts(self, counts: Any, whole: Units, wholes: Any = ()) -> list[Units]:
        told = super().parts(counts, whole, wholes)
        self.parted.append(Parts(told, whole, list(wholes) or [whole] * len(told)))
        return told


def _teller() -> str:
    """Find the part of a chapter that asked the door."""
    frame = sys._getframe(2)
    while frame is not None:
        chapter = frame.f_locals.get("self")
        if isinstance(chapter, Chapter) and frame.f_code.co_name != "table":
            return f"{chapter.key}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "a text"


@dataclass
class Published:
    """A report, with everything that its door told and the chapters that told it.

    Attributes
    ----------
    study : Study
        The study.
    results : Results
        Its tables.
    ledger : Ledger
        What the door told.
    chapters : list of Chapter
        Those that told it, also those of which another chapter told facts.
    document : Document
        What an outsider reads.
    """

    study: Study
    results: Results
    ledger: Ledger
    chapters: list[Chapter]
    document: Document

    @cached_property
    def names(self) -> dict[int, Name]:
        """What every number that can be told is of, by the identity of the `Units`."""
        found = {}
        for chapter in self.chapters:
            for kind, name_all in NAMERS.items():
                if isinstance(chapter, kind):
                    found.update({id(units): name for units, name in name_all(chapter)})
        return found

    @property
    def nameless(self) -> set[str]:
        """Where numbers were told of which the audit does not know what they are of."""
        told = self.ledger.told | self.ledger.asked_few
        unknown = {key for key, units in told.items() if not units._exact} - self.names.keys()
        return {self.ledger.where[key] for key in unknown}

    @property
    def true(self) -> dict[Name, int]:
        """The true numbers, of everything that has a name."""
        told = self.ledger.told | self.ledger.asked_few
        told |= {id(units): units for call in self.ledger.parted for units in call.told}
        named = [(self.names[key], units) for key, units in told.items() if not units._exact]
        true = {name: units._n for name, units in named}
        assert all(true[name] == units._n for name, units in named), "a name is of two numbers"
        return true

    def settles(self, name: Name) -> bool:
        """Whether a number needs no rule: the only part of a whole, or all asked have answered."""
        if name[0] in ("cell", "answered in"):
            account = self.results.load(RESPONSES, "response", name[1])
            return bool(account["responded"].sum() == account["invited"].sum())
        return name in {self.names[id(c.told[0])] for c in self.ledger.parted if len(c.told) == 1}

    def turned(self, wave: str, item: str) -> bool:
        """Whether the ends of an item are no steps as they were asked."""
        return bool(self.study.phase_items(wave).loc[item, "reversed"])

    def has(self, kind: str) -> Iterator[Name]:
        """Give the names of a kind of which something was told."""
        return iter(dict.fromkeys(name for name in self.names.values() if name[0] == kind))


def publish(study: Study, results: Results, language: str = "en") -> Published:
    """Make a report as it is published, and keep what its door told."""
    seen: list[Chapter] = []
    ledger = Ledger(study.round_to)
    chapters = {key: _watched(chapter, seen) for key, chapter in CHAPTERS.items()}
    document = assemble(study, results, language, chapters, ledger)
    for chapter in list(seen):
        seen += _told_elsewhere(chapter)
    return Published(study, results, ledger, seen, document)


def _watched(chapter: type[Chapter], seen: list[Chapter]) -> type[Chapter]:
    """Make a chapter that keeps the tables that it gave, as ``told_rows``."""

    def made(self: Any, *given: Any) -> None:
        chapter.__init__(self, *given)
        self.told_rows = []
        seen.append(self)

    def kept(name: str) -> Callable[..., Rows]:
        def table(self: Any, *names: str) -> Rows:
            rows: Rows = getattr(chapter, name)(self, *names)
            self.told_rows.append((name.removeprefix("table_"), names, rows))
            return rows

        return table

    tables = {name: kept(name) for name in dir(chapter) if name.startswith("table_")}
    return type(chapter.__name__, (chapter,), {"__init__": made, **tables})


def _told_elsewhere(chapter: Chapter) -> list[Chapter]:
    found = [fact.chapter for fact in vars(chapter).values() if isinstance(fact, ChapterFacts)]
    return found + [inner for outer in found for inner in _told_elsewhere(outer)]


def _rows(chapter: Any, key: str) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for name, names, rows in getattr(chapter, "told_rows", ()):
        if name == key:
            yield from ((names, row) for row in rows.rows)


def _with_whole(units: Units, name: Name, whole: Name) -> Iterator[tuple[Units, Name]]:
    yield units, name
    if units._of is not None and not units._of._exact:
        yield units._of, whole


# What the numbers of each chapter are of.


def _of_all(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own = vars(chapter)
    if "n" in own:
        yield own["n"], ("scored", chapter.reference)
    if "divided" in own:
        yield own["divided"], ("divided",)
    for group in own.get("groups", ()):
        yield group.n, ("group", group.number)


def _of_response(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own = vars(chapter)
    for told in [*own.get("responses", ()), *([own["here"]] if "here" in own else ())]:
        wave = told["wave"]
        yield told["single"], ("single", wave)
        for row in told["groups"]:
            yield from _of_response_row(wave, row)
        for test in told["tests"]:
            for end in filter(None, (test["most"], test["least"])):
                yield end["answered"], ("answered in", wave, end["group"])
    for (wave,), row in _rows(chapter, "response"):
        yield from _of_response_row(wave, row)
    for _, row in _rows(chapter, "response_waves"):
        yield row["responded"], ("responded", row["wave"])
        if row["again"] is not None:
            yield from _with_whole(
                row["again"], ("again", row["wave"]), ("could again", row["wave"])
            )


def _of_response_row(wave: str, row: Mapping[str, Any]) -> Iterator[tuple[Units, Name]]:
    group = row["group"]
    yield row["answered"], ("answered in", wave, group)
    for column in row:
        if column.startswith("by ") and row[column] is not None:
            other = column.removeprefix("by ")
            place = (group, other) if ALL not in (group, other) else None
            alone = other if group == ALL else group
            yield row[column], ("cell", wave, *place) if place else ("answered in", wave, alone)


def _of_measurement(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own, wave = vars(chapter), chapter.wave
    scales = [*own.get("scales", ()), *([own["scale"]] if "scale" in own else ())]
    for question in (question for scale in scales for question in scale["questions"]):
        item = question["item"]
        yield question["mean"]._units, ("answers", wave, item)
        yield from _with_whole(
            question["lowest"], ("step", wave, item, "floor"), ("answers", wave, item)
        )
    for _, row in _rows(chapter, "items"):
        item = row["item"]
        yield row["answers"], ("answers", wave, item)
        for name in ("missing", "dont_know"):
            yield row[name], (name, wave, item)
        for name in ("floor", "ceiling"):
            yield row[name], ("step", wave, item, name)
    for item, (answered, missing) in own.get("_answered", {}).items():
        yield answered, ("answers", wave, item)
        yield missing, ("missing", wave, item)
    for item, steps in own.get("_answers", {}).items():
        for step, units in steps.items():
            yield from _with_whole(units, ("step", wave, item, step), ("answers", wave, item))
    for (of_wave,), row in _rows(chapter, "reliability"):
        yield row["respondents"], ("respondents", of_wave, row["phase"])
    for (of_wave,), row in _rows(chapter, "agreement"):
        two = ("two respondents", of_wave, row["phase"])
        yield from _with_whole(row["agreed"], ("agreed", of_wave, row["phase"]), two)
    for quarter in (own.get("spread") or {}).get("quarters", ()):
        yield from _with_whole(quarter["n"], ("quarter", quarter["number"]), ("in quarters",))
    for mean in (own.get("errors") or {}).values():
        yield mean._units, ("with error",)
    told = own.get("aggregation", {"rules": ()})
    if "n" in told:
        yield told["n"], ("aggregated",)
    for rule in told["rules"]:
        yield rule["moved"], ("moved by rule", rule["rule"])
        yield from _with_whole(
            rule["worst_moved"],
            ("most moved by rule", rule["rule"]),
            ("aggregated on", rule["rule"]),
        )
        yield rule["far"]._units, ("aggregated",)


def _of_cycle(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own, wave = vars(chapter), chapter.wave
    if "several" in own:
        yield own["several"]["n"], ("several", wave)
    if "scored" in own:
        yield own["scored"], ("scored", wave)
    for active, units in enumerate(own.get("_with_active", ())):
        yield units, ("active", wave, active)
    for pair, units in own.get("_together", {}).items():
        yield from _with_whole(units, ("both", wave, *pair), ("known", wave, *pair))
    for pattern in own.get("patterns", ()):
        yield pattern["n"], ("pattern", wave, frozenset(pattern["phases"]))
    for score, units in own.get("_several_from", {}).items():
        yield units, ("several from", wave, score)
    for phase, units in own.get("_active_units", {}).items():
        yield units, ("active in", wave, phase)
    for phase, units in zip(chapter.phases, own.get("_ahead", ()), strict=False):
        yield from _with_whole(units, ("leading", wave, phase), ("counted", wave))
    for _, row in _rows(chapter, "leading"):
        for of_wave in chapter.study.waves:
            name = ("leading", of_wave, row["name"])
            yield from _with_whole(row[f"counts_{of_wave}"], name, ("counted", of_wave))
    yield from _of_positions(chapter)
    for _, row in _rows(chapter, "active"):
        yield row["n"], ("active", wave, row["active"])
    yield from _of_order(chapter)
    for told in own.get("placements", ()):
        yield from _of_placement(wave, told, told["development"])
    names = dict(
        zip(chapter.load(CYCLE, "placements").index, _rows(chapter, "placements"), strict=True)
    )
    for development, (_, row) in names.items():
        yield from _of_placement(wave, row, str(development))
    domains = own.get("domains") or {"known": False}
    if domains["known"]:
        yield from _with_whole(domains["wide"], ("wide", wave), ("ranged", wave))
        for name in ("stated", "measured"):
            yield from _with_whole(domains[name], ("further", wave, name), ("comparable", wave))
    for item, (_, row) in zip(
        chapter.load(CYCLE, "domains").index, _rows(chapter, "domains"), strict=True
    ):
        for step in (NONE, *chapter.phases):
            yield from _with_whole(row[step], ("domain", wave, item, step), ("domain", wave, item))
    yield from _of_means(chapter)


def _of_positions(chapter: Any) -> Iterator[tuple[Units, Name]]:
    places = [development.code for development in chapter.study.developments]
    for place, (_, row) in zip([*places, NONE], _rows(chapter, "position"), strict=False):
        for wave in chapter.study.waves:
            yield from _with_whole(
                row[f"counts_{wave}"], ("position", wave, place), ("placed", wave)
            )


def _of_order(chapter: Any) -> Iterator[tuple[Units, Name]]:
    wave, own = chapter.wave, vars(chapter)
    if "order" in own:
        yield own["order"]["n"], ("scored", wave)
    if "breaks" in own:
        yield from _with_whole(own["breaks"], ("breaks", wave), ("comparisons", wave))
    pairs = own.get("_violating", {})
    for pair, (_, row) in zip(pairs, _rows(chapter, "order"), strict=False):
        for name in ("difference", "error"):
            yield row[name]._units, ("compared", wave, *pair)
    told = [(f["earlier"], f["later"], f["n"]) for f in own.get("violated", ())]
    told += [(*pair, n) for pair, n in pairs.items()]
    for earlier, later, units in told:
        pair = (wave, earlier, later)
        yield from _with_whole(units, ("later ahead", *pair), ("compared", *pair))


def _of_placement(
    wave: str, told: Mapping[str, Any], development: str
) -> Iterator[tuple[Units, Name]]:
    for name in ("stated", "measured", "agreement"):
        yield from _with_whole(told[name], (name, wave, development), ("both", wave, development))


def _of_means(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own = vars(chapter)
    told = [own["ends"][end] for end in ("highest", "lowest")] if "ends" in own else []
    for fact in (*told, *own.get("phase_means", ())):
        yield fact["mean"]._units, ("on phase", chapter.wave, fact["phase"])
    for _, row in _rows(chapter, "curve"):
        for wave in chapter.study.waves:
            yield row[f"means_{wave}"]._units, ("on phase", wave, row["phase"])
            yield row[f"intervals_{wave}"]._units, ("on phase", wave, row["phase"])
    for _, row in _rows(chapter, "conditions"):
        yield row["mean"]._units, ("on subject", chapter.wave, row["subject"])
    for item, (_, row) in zip(
        chapter.load(CYCLE, "block_items").index, _rows(chapter, "condition_items"), strict=False
    ):
        yield row["n"], ("answers", chapter.wave, item)


def _of_profiles(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own = vars(chapter)
    for portrait in own.get("portraits", ()):
        number = portrait.group.number
        yield portrait.group.n, ("group", number)
        yield portrait.placed, ("clear", number)
        for told in portrait.means:
            yield told.mean._units, ("group on phase", number, told.phase)
    for name, units in zip(("placed", "doubtful"), own.get("_clearly_or_not", ()), strict=False):
        yield units, (name,)
    for _, row in _rows(chapter, "certainty"):
        yield row["n"], ("by respondents", row["respondents"])
        yield row["placed_given_error"], ("sure by respondents", row["respondents"])


def _of_validity(chapter: Any) -> Iterator[tuple[Units, Name]]:
    for name, choice in vars(chapter).get("_choices", {}).items():
        yield from _with_whole(choice["moved"], ("moved by", name), ("scored", chapter.reference))


def _of_waves(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own = vars(chapter)
    if "same" in own:
        yield from _with_whole(own["same"]["moved"], ("moved again",), ("divided again",))
    for wave, parts in own.get("_placed", {}).items():
        for group, units in zip(chapter.groups, parts, strict=True):
            yield from _with_whole(units, ("in group", wave, group.number), ("in groups", wave))
    for pair in own.get("pairs", ()):
        of = (pair["first"], pair["second"])
        yield from _with_whole(pair["moved"], ("moved", *of), ("panel", *of))
        for change in (*pair["changes"], *pair["sure"]):
            yield change["mean"]._units, ("changed", *of, change["phase"])
    for of, moves in own.get("_moves", {}).items():
        for before, row in zip(chapter.groups, moves, strict=True):
            for after, units in zip(chapter.groups, row, strict=True):
                name = ("move", *of, before.number, after.number)
                yield from _with_whole(units, name, ("panel", *of))
    for of, row in _rows(chapter, "change"):
        yield row["n"], ("changed", *of, row["phase"])
    for _, row in _rows(chapter, "units_compared"):
        for kind in TERRITORY:
            if kind in row:
                yield row[kind], ("territory", row["wave"], kind)


def _of_annex(chapter: Any) -> Iterator[tuple[Units, Name]]:
    own = vars(chapter)
    if "data" in own:
        yield own["data"]["n"], ("divided",)
    if "placed" in own.get("placing", {}):
        yield own["placing"]["placed"], ("placed",)


NAMERS: dict[type[Chapter], Callable[[Any], Iterator[tuple[Units, Name]]]] = {
    Chapter: _of_all,
    ResponseChapter: _of_response,
    MeasurementChapter: _of_measurement,
    CycleChapter: _of_cycle,
    ProfilesChapter: _of_profiles,
    ValidityChapter: _of_validity,
    WavesChapter: _of_waves,
    AnnexChapter: _of_annex,
}
