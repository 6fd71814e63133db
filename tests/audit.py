"""What an outsider can infer of small numbers of units from everything that is published together.

The report is made with a door that keeps what it told (`ledger`). An outsider knows more: the rule
of rounding, exact totals, and how tables hang together (the combinations of active phases give
the pairs, the number of active phases and those with none; moves add up to groups of two waves).
All that is one integer program. For every true number of 1 to 4, and of none or all, it looks for
another world in which everything told is the same and this number is not. The rule of the door is
then applied to that world anew, so a world that would be told otherwise does not count: what
passes holds for whatever an outsider knows of the rule. A number without another world is pinned.

``python tests/audit.py --many`` does it for 140 small studies.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from ledger import Ledger, Name, Parts, Published
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, eye_array, hstack
from scipy.sparse.csgraph import connected_components

from cycle_analysis.cycle.placements import kappa
from cycle_analysis.report.chapter import RESPONSES
from cycle_analysis.report.chapters.cycle import MOST_PATTERNS, _agreement
from cycle_analysis.report.chapters.response import SURE
from cycle_analysis.report.door import Units
from cycle_analysis.representation.account import nonresponse_tests

TIME = 20.0
"""Seconds for one integer program."""
World = Mapping[Name, int]


@dataclass
class Model:
    """An integer program, by names.

    Attributes
    ----------
    most : int
        A number that no variable exceeds.
    places : dict of Name to int
        The place of each variable.
    """

    most: int
    places: dict[Name, int] = field(default_factory=dict)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def __contains__(self, name: Name) -> bool:
        return name in self.places

    def place(self, name: Name, high: float = np.inf) -> int:
        """Give the place of a variable, a new one when it is not there."""
        if name not in self.places:
            self.places[name] = len(self.places)
            self.low.append(0.0)
            self.high.append(min(high, self.most))
        return self.places[name]

    def within(self, name: Name, low: float, high: float) -> None:
        """Say between which numbers a variable lies."""
        place = self.place(name)
        self.low[place] = max(self.low[place], low)
        self.high[place] = min(self.high[place], high)

    def row(
        self, terms: Iterable[tuple[Name, float]], low: float = 0.0, high: float = np.inf
    ) -> None:
        """Say between which numbers a sum lies."""
        coefficients: dict[int, float] = {}
        for name, factor in terms:
            place = self.place(name)
            coefficients[place] = coefficients.get(place, 0.0) + factor
        self.rows.append((coefficients, low, high))

    def adds_up(self, parts: Iterable[Name], whole: Name) -> None:
        """Say that parts add up to a whole."""
        self.row([*((part, 1.0) for part in parts), (whole, -1.0)], 0.0, 0.0)

    def at_most(self, part: Name, whole: Name) -> None:
        """Say that one number is at most another."""
        self.row([(part, -1.0), (whole, 1.0)])

    def solve(self, terms: Mapping[Name, float], fixed: World | None = None) -> World | None:
        """Find the world in which a sum is smallest; none when there is no world."""
        costs, low, high = np.zeros(len(self.places)), np.array(self.low), np.array(self.high)
        for name, factor in terms.items():
            costs[self.places[name]] = factor
        for name, n in (fixed or {}).items():
            low[self.places[name]] = high[self.places[name]] = n
        return self._solve(costs, low, high, [self._constraints])

    def nearest(
        self, world: World, terms: Mapping[Name, float], least: float, costs: World
    ) -> World | None:
        """Find the world nearest to another in which a sum is at least so much."""
        n = len(self.places)
        known = np.array([world[name] for name in self.places], dtype=float)
        asked = np.zeros((1, 2 * n))
        for name, factor in terms.items():
            asked[0, self.places[name]] = factor
        one = eye_array(n)
        far = block_array([[one, one], [-one, one]])
        rows = self._constraints
        wide = hstack([rows.A, csr_array((rows.A.shape[0], n))])
        return self._solve(
            np.array([0.0] * n + [costs[name] for name in self.places]),
            np.array([*self.low, *np.zeros(n)]),
            np.array([*self.high, *np.full(n, np.inf)]),
            [
                LinearConstraint(wide, rows.lb, rows.ub),
                LinearConstraint(far, np.array([*known, *-known]), np.inf),
                LinearConstraint(asked, least, np.inf),
            ],
        )

    def _solve(self, costs: Any, low: Any, high: Any, rows: list[LinearConstraint]) -> World | None:
        found = milp(
            costs,
            integrality=np.array([1] * len(self.places) + [0] * (len(costs) - len(self.places))),
            bounds=Bounds(low, high),
            constraints=rows,
            options={"time_limit": TIME, "mip_rel_gap": 0.2},
        )
        if found.x is None:
            return None
        return {name: round(found.x[place]) for name, place in self.places.items()}

    @cached_property
    def _constraints(self) -> LinearConstraint:
        entries = [(r, p, f) for r, (row, _, _) in enumerate(self.rows) for p, f in row.items()]
        rows, places, factors = (np.array(part) for part in zip(*entries, strict=True))
        shape = (len(self.rows), len(self.places))
        ends = np.array([ends for _, *ends in self.rows])
        return LinearConstraint(csr_array((factors, (rows, places)), shape), ends[:, 0], ends[:, 1])

    @cached_property
    def groups(self) -> dict[Name, int]:
        """Numbers of variables that hang together, by the name of each variable."""
        found = connected_components(abs(self._constraints.A.T) @ abs(self._constraints.A))[1]
        return {name: int(found[place]) for name, place in self.places.items()}


# What is told, as constraints.


def model_of(published: Published) -> Model:
    """Set what an outsider knows as an integer program."""
    every = published.ledger.told.values()
    model, names = Model(20 * max(units._n for units in every)), published.names
    for units in published.ledger.told.values():
        if not units._exact:
            _say_told(model, names, units, published.ledger)
    for key, units in published.ledger.asked_few.items():
        if not units._exact:
            few = units._n < published.ledger.round_to
            edge = published.ledger.round_to
            model.within(names[key], 0 if few else edge, edge - 1 if few else np.inf)
    for number, call in enumerate(published.ledger.parted):
        _say_parts(model, names, call, published.ledger, number)
    for link in LINKS:
        link(model, published)
    return model


def _say_told(model: Model, names: Mapping[int, Name], units: Units, ledger: Ledger) -> None:
    """Say what a told number means by itself, and that it is part of its whole."""
    name, whole = names[id(units)], units._of
    model.place(name)
    if whole is not None and whole._exact:
        model.within(name, 0, whole._n)
    elif whole is not None:
        model.at_most(name, names[id(whole)])
    if units._shown is None:
        model.within(name, *_meant(units, ledger.plain.count(units), ledger))


def _say_parts(
    model: Model, names: Mapping[int, Name], call: Parts, ledger: Ledger, number: int
) -> None:
    """Say what parts mean that were told together: each by itself, or as those that moved."""
    if call.whole._exact:
        model.row([(names[id(part)], 1.0) for part in call.told], call.whole._n, call.whole._n)
    else:
        model.adds_up([names[id(part)] for part in call.told], names[id(call.whole)])
    alone = [_meant(part, part._shown or 0, ledger) for part in call.told]
    as_true = [_meant_by_true(part, ledger) for part in call.told]
    has_moved = any(not a <= p._n <= b for p, (a, b) in zip(call.told, alone, strict=True))
    if has_moved:
        model.place(("moved", number), 1.0)
    for part, (low, high), (low_true, high_true) in zip(call.told, alone, as_true, strict=True):
        name = names[id(part)]
        if not has_moved:
            model.within(name, low, high)
            continue
        model.row([(name, 1.0), (("moved", number), low - low_true)], low)
        model.row([(name, 1.0), (("moved", number), high - high_true)], -np.inf, high)


def _meant(units: Units, shown: int, ledger: Ledger) -> tuple[int, int]:
    """Give the smallest and the largest number that are told alike, when nothing moves."""
    reach = range(max(shown - ledger.round_to, 0), shown + 2 * ledger.round_to)
    alike = [n for n in reach if ledger.plain.count(Units(n, units._of)) == shown]
    return (min(alike), max(alike)) if alike else (shown, shown - 1)


def _meant_by_true(units: Units, ledger: Ledger) -> tuple[int, int]:
    """Give those that are told alike and move alike: they lie on the same side."""
    nearest = ledger.plain.count(Units(units._n, units._of))
    low, high = _meant(units, nearest, ledger)
    if nearest == units._shown:
        return low, high
    return (nearest + 1, high) if units._n > nearest else (low, nearest - 1)


def told_alike(published: Published, model: Model, true: World, other: World) -> World:
    """Give another world as far as it is told in the same way, by applying the rule to it anew.

    Numbers that hang together with one that is told otherwise are set back to what they are.
    """
    wrong = {model.groups[name] for name in _told_otherwise(published, other)}
    return {name: true[name] if model.groups[name] in wrong else n for name, n in other.items()}


def _told_otherwise(published: Published, world: World) -> Iterator[Name]:
    ledger, names, door = published.ledger, published.names, published.ledger.plain
    anew: dict[int, Units] = {}

    def again(units: Units) -> Units:
        if units._exact:
            return units
        if id(units) not in anew:
            whole = None if units._of is None else again(units._of)
            anew[id(units)] = Units(int(world[names[id(units)]]), whole)
        return anew[id(units)]

    for call in _inside_out(ledger.parted):
        wholes = [again(whole) for whole in call.wholes]
        counts = [world[names[id(part)]] for part in call.told]
        for old, new in zip(call.told, door.parts(counts, again(call.whole), wholes), strict=True):
            anew[id(old)] = new
    for units in ledger.told.values():
        if door.count(again(units)) != ledger.plain.count(units):
            yield names[id(units)]
    for units in ledger.asked_few.values():
        if door.few(again(units)) != ledger.plain.few(units):
            yield names[id(units)]
    for name, is_alike in _verdicts(published):
        if not is_alike(world):
            yield name


def _verdicts(published: Published) -> Iterator[tuple[Name, Callable[[World], bool]]]:
    """Give words that are worked out from true numbers: one of these, and a test of a world."""
    for chapter in published.chapters:
        own = vars(chapter)
        for told in own.get("responses", ()):
            for test in (test for test in told["tests"] if test["told"]):
                group = chapter.load(RESPONSES, "response", told["wave"]).index
                name = ("answered in", told["wave"], str(group.get_level_values(test["by"])[0]))
                yield name, partial(_depends_alike, chapter, told["wave"], test)
        for told in own.get("placements", ()):
            name = ("stated", chapter.wave, told["development"])
            yield name, partial(_agrees_alike, chapter.wave, told)


def _depends_alike(chapter: Any, wave: str, test: Mapping[str, Any], world: World) -> bool:
    account = chapter.load(RESPONSES, "response", wave).groupby(level=test["by"])[["invited"]].sum()
    account = account[account["invited"] > 0]
    groups = [("answered in", wave, str(group)) for group in account.index]
    tests = nonresponse_tests(account.assign(responded=[world[name] for name in groups]))
    return bool(tests["p"].iloc[0] < SURE) == test["depends"]


def _agrees_alike(wave: str, told: Mapping[str, Any], world: World) -> bool:
    cells = [[world["said", wave, told["development"], a, b] for b in (0, 1)] for a in (0, 1)]
    return _agreement(float(kappa(np.array(cells))["kappa"])) == told["reading"]


def _inside_out(calls: list[Parts]) -> list[Parts]:
    """Put wholes that are parts themselves before their parts."""
    made = {id(part) for call in calls for part in call.told}
    return sorted(calls, key=lambda call: id(call.whole) in made)


# How tables hang together.


def _link_respondents(model: Model, published: Published) -> None:
    for name in list(published.has("cell")):
        _, wave, *_ = name
        for part in (0, 1):
            margin = ("answered in", wave, name[2 + part])
            cells = [c for c in published.has("cell") if c[1] == wave and c[2 + part] == margin[2]]
            if margin in model:
                model.adds_up(cells, margin)
    reference = published.study.reference_wave
    few = ("by respondents", "1")
    if few in model and ("single", reference) in model:
        answered = _answered(published, reference)
        rest = [(few, 1.0), (("single", reference), -1.0), (("divided",), -1.0)]
        model.at_most(few, ("single", reference))
        model.row(rest, -answered)


def _answered(published: Published, wave: str) -> int:
    return published.chapters[0].answered_in(wave)._n


def _link_patterns(model: Model, published: Published) -> None:
    study = published.study
    for cycle in (c for c in published.chapters if c.key == "cycle" and "patterns" in vars(c)):
        wave, phases = cycle.wave, study.phase_codes
        scored = ("scored", wave)
        every = [frozenset(c) for k in range(len(phases) + 1) for c in combinations(phases, k)]
        listed = [frozenset(pattern["phases"]) for pattern in cycle.patterns]
        rounded = published.ledger.round_to
        least = 2 * rounded - rounded // 2 - 1  # what is told as less than two multiples
        if len(listed) == MOST_PATTERNS:
            least = max(least, *(_most_of(model, wave, s) for s in listed))
        for pattern in every:
            model.place(("pattern", wave, pattern))
            if pattern not in listed:
                model.within(("pattern", wave, pattern), 0, least)

        def of(kind: str, wave: str = wave, every: list = every) -> Callable:
            return lambda keep: [(kind, wave, s) for s in every if keep(s)]

        those = of("pattern")
        model.adds_up(those(lambda s: True), scored)
        for k in range(len(phases) + 1):
            model.adds_up(those(lambda s, k=k: len(s) == k), ("active", wave, k))
        model.adds_up(those(lambda s: len(s) >= 2), ("several", wave))
        _link_thresholds(model, published, wave, cycle.active_from)
        for phase in phases:
            if ("active in", wave, phase) in model:
                model.adds_up(those(lambda s, p=phase: p in s), ("active in", wave, phase))
        for first, second in combinations(phases, 2):
            both, known = ("both", wave, first, second), ("known", wave, first, second)
            if both in model:
                own = those(lambda s, a=first, b=second: {a, b} <= s)
                extra = ("more both", wave, first, second)
                model.adds_up([*own, extra], both)
                model.row([(known, 1.0), (scored, -1.0), (extra, -1.0)])
        _link_leading(model, published, wave, every)
        _link_positions(model, published, wave, every)
        _link_placements(model, published, wave, every)


def _most_of(model: Model, wave: str, pattern: frozenset) -> float:
    return model.high[model.place(("pattern", wave, pattern))]


def _link_thresholds(model: Model, published: Published, wave: str, active_from: float) -> None:
    """Fewer units have two active phases, the higher the score from which they are active."""
    chain = sorted(n for n in published.has("several from") if n[1] == wave)
    for lower, higher in pairwise(chain):
        model.at_most(higher, lower)
    same = ("several from", wave, active_from)
    if same in model:
        model.adds_up([same], ("several", wave))


def _link_leading(model: Model, published: Published, wave: str, every: list) -> None:
    """A phase that is ahead is active, where any is; all tie where none or all are."""
    phases, scored = published.study.phase_codes, ("scored", wave)
    if ("counted", wave) not in model:
        return
    for pattern in every:
        ahead = [("ahead", wave, pattern, phase) for phase in pattern or phases]
        model.row(
            [(("pattern", wave, pattern), 1.0), *((name, -1.0) for name in ahead)],
            0.0,
            np.inf if len(pattern) in (0, len(phases)) else 0.0,
        )
    more = [("more ahead", wave, phase) for phase in phases]
    for phase, extra in zip(phases, more, strict=True):
        own = [("ahead", wave, s, phase) for s in every if not s or phase in s]
        model.adds_up([*own, extra], ("leading", wave, phase))
    model.row([(scored, -1.0), *((e, -1.0) for e in more)], -_answered(published, wave))


def _link_positions(model: Model, published: Published, wave: str, every: list) -> None:
    """The furthest development has an active phase, and no later one has only active phases."""
    of_phase = published.study.developments_of_phases
    places = [*of_phase.unique(), "none"]
    if ("placed", wave) not in model:
        return
    scored = ("scored", wave)
    for pattern in every:
        can = [place for place in places if _can_be_furthest(pattern, place, of_phase)]
        model.adds_up([("furthest", wave, pattern, c) for c in can], ("pattern", wave, pattern))
    more = [("more furthest", wave, place) for place in places]
    for place, extra in zip(places, more, strict=True):
        own = [("furthest", wave, s, place) for s in every if _can_be_furthest(s, place, of_phase)]
        model.adds_up([*own, extra], ("position", wave, place))
    model.row([(scored, -1.0), *((e, -1.0) for e in more), (("placed", wave), 1.0)], 0.0, 0.0)


def _can_be_furthest(pattern: frozenset, place: str, of_phase) -> bool:
    names = list(of_phase.unique())
    later = names if place == "none" else names[names.index(place) + 1 :]
    full = any(set(of_phase.index[of_phase == name]) <= pattern for name in later)
    return not full and (place == "none" or any(of_phase[phase] == place for phase in pattern))


def _link_placements(model: Model, published: Published, wave: str, every: list) -> None:
    """What is said and measured of a development makes four cells; the measured one has phases."""
    of_phase, answered = published.study.developments_of_phases, _answered(published, wave)
    for _, _, place in [n for n in published.has("stated") if n[1] == wave]:
        stated, measured, alike = ((k, wave, place) for k in ("stated", "measured", "agreement"))
        cells = [("said", wave, place, a, b) for a in (0, 1) for b in (0, 1)]
        model.adds_up(cells, ("both", wave, place))
        model.adds_up(cells[2:], stated)
        model.adds_up(cells[1::2], measured)
        model.adds_up([cells[0], cells[3]], alike)
        own = set(of_phase.index[of_phase == place])
        surely = [(("pattern", wave, s), -1.0) for s in every if own <= s]
        perhaps = [(("pattern", wave, s), 1.0) for s in every if own & s]
        scored, base = ("scored", wave), ("both", wave, place)
        model.row([(measured, -1.0), *perhaps, (scored, -1.0)], -answered)
        model.row([(measured, 1.0), *surely, (base, -1.0)], -answered)


def _link_order(model: Model, published: Published) -> None:
    for wave in {name[1] for name in published.has("breaks")}:
        ahead = [n for n in published.has("later ahead") if n[1] == wave]
        model.adds_up(ahead, ("breaks", wave))
        model.adds_up([("compared", *n[1:]) for n in ahead], ("comparisons", wave))
    for name in published.has("further"):
        _, wave, _ = name
        both = [(("further", wave, kind), -1.0) for kind in ("stated", "measured")]
        model.row([*both, (("comparable", wave), 1.0)])


def _link_profiles(model: Model, published: Published) -> None:
    clear = list(published.has("clear"))
    if ("placed",) in model and clear:
        model.adds_up(clear, ("placed",))
    if ("doubtful",) in model and clear:
        model.adds_up([*clear, ("doubtful",)], ("divided",))
    if ("divided",) in model:
        reference = published.study.reference_wave
        if ("scored", reference) in model:
            model.at_most(("scored", reference), ("divided",))


def _link_means(model: Model, published: Published) -> None:
    """Means of the groups, weighed by their sizes, give the mean of all, within half a point."""
    profiles = next((c for c in published.chapters if "portraits" in vars(c)), None)
    cycle = next((c for c in published.chapters if c.key == "cycle"), None)
    if profiles is None or cycle is None or not profiles.portraits:
        return
    door, reference = published.ledger.plain, published.study.reference_wave
    for phase in published.study.phase_codes:
        every = ("on phase", reference, phase)
        least, most = [], []
        for portrait in profiles.portraits:
            group = ("group on phase", portrait.group.number, phase)
            model.at_most(group, ("group", portrait.group.number))
            told = next(mean.mean for mean in portrait.means if mean.phase == phase)
            low, high = _meant_mean(door.mean(told)[0])
            least.append((group, low))
            most.append((group, high))
        low, high = _meant_mean(door.mean(cycle._mean(phase, reference))[0])
        model.adds_up([group for group, _ in least], every)
        model.row([*((group, -score) for group, score in least), (every, high)], -1e-6)
        model.row([*most, (every, -low)], -1e-6)
        model.at_most(("scored", reference), every)
        model.at_most(every, ("divided",))


def _meant_mean(told: float) -> tuple[float, float]:
    return (0.0, 100.0) if np.isnan(told) else (told - 0.5, told + 0.5)


def _link_waves(model: Model, published: Published) -> None:
    for first, second in {name[1:3] for name in published.has("move")}:
        moves = [n for n in published.has("move") if n[1:3] == (first, second)]
        stayed = [n for n in moves if n[3] == n[4]]
        if ("moved", first, second) in model:
            model.adds_up([*stayed, ("moved", first, second)], ("panel", first, second))
        for place, wave in ((3, first), (4, second)):
            for group in {n[place] for n in moves}:
                whole = ("in group", wave, group)
                if whole in model:
                    own = [(n, -1.0) for n in moves if n[place] == group]
                    model.row([*own, (whole, 1.0)])
        for wave in (first, second):
            if ("territory", wave, "unchanged") in model:
                model.at_most(("panel", first, second), ("territory", wave, "unchanged"))
        if ("again", second) in model:
            model.at_most(("panel", first, second), ("again", second))
            for name in [n for n in published.has("changed") if n[1:3] == (first, second)]:
                model.at_most(name, ("again", second))


def _link_answers(model: Model, published: Published) -> None:
    """What is missing and what was answered make all respondents; ends are steps."""
    steps = list(published.has("step"))
    for name in list(published.has("missing")):
        _, wave, item = name
        asked = len(published.results.load("01_responses", "respondents", wave))
        model.row([(name, 1.0), (("answers", wave, item), 1.0)], asked, asked)
        model.at_most(("dont_know", wave, item), name)
        own = [n[3] for n in steps if n[1:3] == (wave, item) and n[3] not in ("floor", "ceiling")]
        ends = sorted(own, key=float)[:: max(len(own) - 1, 1)]
        for end, step in zip(("floor", "ceiling"), ends, strict=False):
            if ("step", wave, item, end) in model and not published.turned(wave, item):
                model.adds_up([("step", wave, item, end)], ("step", wave, item, step))


LINKS = (
    _link_respondents,
    _link_patterns,
    _link_order,
    _link_profiles,
    _link_means,
    _link_waves,
    _link_answers,
)


# What can be inferred.


@dataclass
class Finding:
    """What an outsider can infer of the small numbers of a report.

    Attributes
    ----------
    small, ends : int
        Numbers of 1 to 4, and of none or all.
    pinned, proven : list of Name
        Those that can only be what they are.
    programs : int
        How many integer programs were solved.
    """

    small: int
    ends: int
    pinned: list[str]
    proven: list[str]
    programs: int


@dataclass(frozen=True)
class Target:
    """A number that must not be known: a number told, or what is left of its whole."""

    name: Name
    whole: Name | None
    rest: int
    true: int

    def in_world(self, world: World) -> int:
        """Give the number in another world."""
        own = world[self.name]
        if self.rest < 0:
            return own
        return (self.rest if self.whole is None else world[self.whole]) - own

    @property
    def terms(self) -> dict[Name, float]:
        """What it is a sum of, but for a constant."""
        if self.rest < 0:
            return {self.name: 1.0}
        return {self.name: -1.0} | ({self.whole: 1.0} if self.whole else {})

    def __str__(self) -> str:
        left = f", left of {self.whole or self.rest}" if self.rest >= 0 else ""
        return f"{' '.join(map(str, self.name))}{left} = {self.true}"


def targets_of(published: Published) -> list[Target]:
    """List the numbers of 0 to 4 that were told, and those left of a whole that was told."""
    small, names, found = published.ledger.round_to, published.names, {}
    told = published.ledger.told | {id(p): p for c in published.ledger.parted for p in c.told}
    for units in told.values():
        if units._exact:
            continue
        name, whole = names[id(units)], units._of
        if whole is not None and whole._n == 0:
            continue
        if units._n < small:
            found[name, None, -1] = Target(name, None, -1, units._n)
        if whole is not None and whole._n - units._n < small:
            of = None if whole._exact else names[id(whole)]
            found[name, of, whole._n] = Target(name, of, whole._n, whole._n - units._n)
    return [target for target in found.values() if not published.settles(target.name)]


def audit(published: Published, seed: int = 0, tries: int = 4) -> Finding:
    """Look for another world for every small number."""
    assert not published.nameless, published.nameless
    model, targets = model_of(published), targets_of(published)
    rng, finding = np.random.default_rng(seed), Finding(0, 0, [], [], 0)
    true = model.solve({}, published.true)
    assert true is not None, "what is true does not fit what is told: the audit is wrong"
    assert told_alike(published, model, true, true) == true, "the audit is wrong"
    worlds: list[World] = []

    def left() -> list[Target]:
        return [t for t in targets if all(t.in_world(w) == t.true for w in worlds)]

    def keep(world: World | None) -> None:
        finding.programs += 1
        if world is not None:
            worlds.append(told_alike(published, model, true, world))

    for turn in range(2 * tries):
        terms: dict[Name, float] = {}
        for target in left():
            sign = (-1, 1)[turn] if turn < 2 else rng.choice([-1, 1]) * rng.random()
            for name, factor in target.terms.items():
                terms[name] = terms.get(name, 0.0) + sign * factor
        if terms:
            keep(model.solve(terms))
    for target in left():
        for turn in range(2 * tries):
            if all(target.in_world(world) == target.true for world in worlds):
                sign = (1, -1)[turn % 2]
                terms = {name: sign * factor for name, factor in target.terms.items()}
                least = sign * sum(f * true[n] for n, f in target.terms.items()) + 1
                costs = dict.fromkeys(model.places, 1.0)
                if turn > 1:
                    costs = {name: rng.exponential() for name in costs}
                keep(model.nearest(true, terms, least, costs))
    rest = left()
    finding.small = sum(t.true > 0 for t in targets)
    finding.ends = len(targets) - finding.small
    finding.pinned = [str(t) for t in rest if t.true > 0]
    finding.proven = [str(t) for t in rest if t.true == 0]
    return finding
