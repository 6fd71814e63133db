"""How the tables of a report hang together, as anybody knows: for `audit`.

Combinations of active phases give the pairs, the phases and how many are active; moves between
groups add up to the groups; means of groups are weighed by their sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from integer_program import Model
from ledger import Name, Published

from cycle_analysis.cycle.placements import NONE
from cycle_analysis.report.chapters.cycle import MOST_PATTERNS
from cycle_analysis.report.chapters.validity import MeasurementChapter


def _link_respondents(model: Model, published: Published) -> None:
    """Cells add up to both margins; who has one respondent is divided or not."""
    for wave in published.study.waves:
        cells = published.has("cell", wave)
        for place in (2, 3) if cells else ():
            for group in dict.fromkeys(cell[place] for cell in cells):
                own = [cell for cell in cells if cell[place] == group]
                model.adds_up(own, ("answered in", wave, group))
    reference = published.study.reference_wave
    few, single = ("by respondents", "1"), ("single", reference)
    if few in model and single in model:
        model.at_most(few, single)
        rest = [(few, 1.0), (single, -1.0), (("divided",), -1.0)]
        model.row(rest, -_answered(published, reference))


def _answered(published: Published, wave: str) -> int:
    return published.chapters[0].answered_in(wave)._n


@dataclass(frozen=True)
class Patterns:
    """Combinations of active phases in a wave: numbers behind nearly all of the cycle's tables."""

    wave: str
    phases: list[str]

    @cached_property
    def every(self) -> list[frozenset[str]]:
        sizes = range(len(self.phases) + 1)
        return [frozenset(c) for k in sizes for c in combinations(self.phases, k)]

    def those(self, keep: Callable[[frozenset[str]], bool]) -> list[Name]:
        """Give the numbers of units with the combinations that are kept."""
        return [("pattern", self.wave, pattern) for pattern in self.every if keep(pattern)]


def _link_patterns(model: Model, published: Published) -> None:
    """Patterns add up to what is told of phases; those not listed are too few, or come later."""
    for cycle in (c for c in published.chapters if c.key == "cycle" and "patterns" in vars(c)):
        patterns = Patterns(cycle.wave, published.study.phase_codes)
        wave, those = cycle.wave, patterns.those
        _link_listed(model, published, patterns, [frozenset(p["phases"]) for p in cycle.patterns])
        model.adds_up(those(lambda s: True), ("scored", wave))
        for k in range(len(patterns.phases) + 1):
            model.adds_up(those(lambda s, k=k: len(s) == k), ("active", wave, k))
        model.adds_up(those(lambda s: len(s) >= 2), ("several", wave))
        for phase in patterns.phases:
            model.adds_up(those(lambda s, p=phase: p in s), ("active in", wave, phase))
        for pair in published.has("both", wave):
            extra, known = ("more both", *pair[1:]), ("known", *pair[1:])
            model.adds_up([*those(lambda s, p=pair: set(p[2:]) <= s), extra], pair)
            model.row([(known, 1.0), (("scored", wave), -1.0), (extra, -1.0)])
        chain = sorted(published.has("several from", wave))
        for lower, higher in pairwise(chain):
            model.at_most(higher, lower)
        if (same := ("several from", wave, cycle.settings["active_from"])) in model:
            model.adds_up([same], ("several", wave))
        for link in (_link_leading, _link_positions, _link_placements):
            link(model, published, patterns)


def _link_listed(
    model: Model, published: Published, patterns: Patterns, listed: list[frozenset[str]]
) -> None:
    """What is not listed is told as less than two multiples, or there was no room for it."""
    rounded = published.ledger.round_to
    least = 2 * rounded - rounded // 2 - 1
    names = [("pattern", patterns.wave, pattern) for pattern in listed]
    if len(names) == MOST_PATTERNS:
        least = max(least, *(model.high[model.within(name)] for name in names))
    for name in patterns.those(lambda s: True):
        model.within(name, 0, np.inf if name in names else least)


def _link_leading(model: Model, published: Published, patterns: Patterns) -> None:
    """A phase that is ahead is active, where any is; where one is alone, it is ahead."""
    wave, phases = patterns.wave, patterns.phases
    if ("counted", wave) not in model:
        return
    for pattern in patterns.every:
        ahead = [(("ahead", wave, pattern, phase), -1.0) for phase in pattern or phases]
        ties = len(pattern) != 1
        model.row([(("pattern", wave, pattern), 1.0), *ahead], 0.0, np.inf if ties else 0.0)
    more = [("more ahead", wave, phase) for phase in phases]
    for phase, extra in zip(phases, more, strict=True):
        own = [("ahead", wave, s, phase) for s in patterns.every if not s or phase in s]
        model.adds_up([*own, extra], ("leading", wave, phase))
    rest = [(("scored", wave), -1.0), *((extra, -1.0) for extra in more)]
    model.row(rest, -_answered(published, wave))


def _link_positions(model: Model, published: Published, patterns: Patterns) -> None:
    """The furthest development has an active phase, and no later one has only active phases."""
    wave, of_phase = patterns.wave, published.study.developments_of_phases
    places = [*of_phase.unique(), NONE]
    if ("positioned", wave) not in model:
        return
    can = {s: [p for p in places if _can_be_furthest(s, p, of_phase)] for s in patterns.every}
    for pattern, own in can.items():
        furthest = [("furthest", wave, pattern, place) for place in own]
        model.adds_up(furthest, ("pattern", wave, pattern))
    more = [("more furthest", wave, place) for place in places]
    for place, extra in zip(places, more, strict=True):
        furthest = [("furthest", wave, s, place) for s in patterns.every if place in can[s]]
        model.adds_up([*furthest, extra], ("position", wave, place))
    model.adds_up([("scored", wave), *more], ("positioned", wave))


def _can_be_furthest(pattern: frozenset[str], place: str, of_phase: pd.Series) -> bool:
    names = list(of_phase.unique())
    later = names if place == NONE else names[names.index(place) + 1 :]
    full = any(set(of_phase.index[of_phase == name]) <= pattern for name in later)
    return not full and (place == NONE or any(of_phase[phase] == place for phase in pattern))


def _link_placements(model: Model, published: Published, patterns: Patterns) -> None:
    """What is said and measured of a development makes four cells; the measured one has phases."""
    of_phase, wave = published.study.developments_of_phases, patterns.wave
    answered, scored = _answered(published, wave), ("scored", wave)
    for _, _, place in published.has("stated", wave):
        stated, measured, alike = ((k, wave, place) for k in ("stated", "measured", "agreement"))
        cells = [("said", wave, place, a, b) for a in (0, 1) for b in (0, 1)]
        both, own = ("both said", wave, place), set(of_phase.index[of_phase == place])
        for parts, whole in (
            *((cells, both), (cells[2:], stated)),
            *((cells[1::2], measured), ([cells[0], cells[3]], alike)),
        ):
            model.adds_up(parts, whole)
        surely = [(name, -1.0) for name in patterns.those(lambda s, own=own: own <= s)]
        perhaps = [(name, 1.0) for name in patterns.those(lambda s, own=own: bool(own & s))]
        model.row([(measured, -1.0), *perhaps, (scored, -1.0)], -answered)
        model.row([(measured, 1.0), *surely, (both, -1.0)], -answered)


def _link_order(model: Model, published: Published) -> None:
    """Pairs add up to all comparisons; whoever is further as stated is not so as measured."""
    for _, wave in published.has("breaks"):
        ahead = published.has("later ahead", wave)
        model.adds_up(ahead, ("breaks", wave))
        model.adds_up([("compared", *name[1:]) for name in ahead], ("comparisons", wave))
    for wave in dict.fromkeys(name[1] for name in published.has("further")):
        both = [(("further", wave, kind), -1.0) for kind in ("stated", "measured")]
        model.row([*both, (("comparable", wave), 1.0)])


def _link_profiles(model: Model, published: Published) -> None:
    """Whoever has all scores was divided."""
    model.at_most(("scored", published.study.reference_wave), ("divided",))


def _link_means(model: Model, published: Published) -> None:
    """Means of the groups, weighed by their sizes, give the mean of all, within half a point."""
    profiles = next((c for c in published.chapters if vars(c).get("portraits")), None)
    cycle = next((c for c in published.chapters if c.key == "cycle"), None)
    if profiles is None or cycle is None:
        return
    door, reference = published.ledger.plain, published.study.reference_wave
    for phase in published.study.phase_codes:
        every = ("on phase", reference, phase)
        low, high = _meant_mean(door.mean(cycle._means_in(reference)[phase])[0])
        least, most = [(every, high)], [(every, -low)]
        for portrait in profiles.portraits:
            group = ("group on phase", portrait["group"].number, phase)
            model.at_most(group, ("group", portrait["group"].number))
            told = next(of["mean"] for of in portrait["means"] if of["phase"] == phase)
            low, high = _meant_mean(door.mean(told)[0])
            least.append((group, -low))
            most.append((group, high))
        model.adds_up([group for group, _ in least[1:]], every)
        model.row(least, -1e-6)
        model.row(most, -1e-6)
        model.at_most(("scored", reference), every)
        model.at_most(every, ("divided",))


def _meant_mean(told: float) -> tuple[float, float]:
    return (0.0, 100.0) if np.isnan(told) else (told - 0.5, told + 0.5)


def _link_waves(model: Model, published: Published) -> None:
    """Who is followed from wave to wave was there in both, and kept its territory."""
    for panel in published.has("panel"):
        _, first, second = panel
        for wave in (first, second):
            model.at_most(panel, ("territory", wave, "unchanged"))
        for part in (panel, *published.has("changed", first, second)):
            model.at_most(part, ("again", second))


def _link_answers(model: Model, published: Published) -> None:
    """What is missing and what was answered make all respondents; ends are steps, or in bands."""
    for name in published.has("missing"):
        _, wave, item = name
        model.at_most(("dont_know", wave, item), name)
        steps = [n for n in published.has("step", wave, item) if n[3] not in ("floor", "ceiling")]
        ends = sorted(steps, key=lambda step: float(step[3]))[:: max(len(steps) - 1, 1)]
        turned = bool(published.study.phase_items(wave).loc[item, "reversed"])
        for end, step in zip(("floor", "ceiling"), ends, strict=False):
            if (own := ("step", wave, item, end)) in model and not turned:
                if _in_bands(published, item):
                    model.at_most(own, step)
                else:
                    model.adds_up([own], step)


def _in_bands(published: Published, item: str) -> bool:
    """Whether the steps of an item are told in bands, as those of a slider."""
    chapter = next(c for c in published.chapters if isinstance(c, MeasurementChapter))
    bands = chapter._bands(str(chapter._scale_of[item]))
    return any(len(steps) > 1 for _, steps in bands.values())


LINKS = (
    _link_respondents,
    _link_patterns,
    _link_order,
    _link_profiles,
    _link_means,
    _link_waves,
    _link_answers,
)
