"""What an outsider can infer of small numbers of units from everything that is published together.

The report is made with a door that keeps what it told (`ledger`). An outsider knows more: the rule
of rounding, exact totals, and how tables hang together (the combinations of active phases give
the pairs, the number of active phases and those with none; moves add up to groups of two waves).
All that is one integer program. For every true number of 1 to 4, and of none or all, it looks for
another world in which everything told is the same and this number is not. The rule of the door is
then applied to that world anew, so a world that would be told otherwise does not count: what
passes holds for whatever an outsider knows of the rule. A number without another world is pinned.

Not mended: in surveys of about 10 to 70 units with a tiny group numbers can still be pinned (4 of
112 drawn studies). That a mean of a group told as 5 is withheld tells that it is of 3 or 4.

``python tests/audit.py --many 140`` audits the frozen studies and 140 small ones drawn from them;
``--runs FOLDER`` takes runs that ``python tests/frozen.py --into FOLDER`` kept.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from drawn_studies import Drawn
from frozen import MAKERS, finish_run
from integer_program import Model, World
from ledger import Name, Published, publish
from links import LINKS

from cycle_analysis.report.chapter import RESPONSES
from cycle_analysis.report.chapters.response import SURE
from cycle_analysis.report.door import Door, Units
from cycle_analysis.representation import nonresponse_tests
from cycle_analysis.results import Results

COMPLETE = {
    *(
        "divided",
        "scored",
        "known",
        "counted",
        "positioned",
        "in groups",
        "in quarters",
        "on phase",
    ),
    *("both said", "answers", "respondents", "comparable", "ranged", "again", "could again"),
}
"""Numbers of units that answered what is needed: that these are all is said of no group of them."""


# What is told, as constraints.


def model_of(published: Published) -> Model:
    """Set what an outsider knows as an integer program."""
    ledger, names, door = published.ledger, published.names, published.ledger.plain
    model = Model(20 * max(units._n for units in ledger.told.values()))
    for key, units in published.every.items():
        if key in names:
            _say_told(model, names, units, door)
    for key, units in ledger.asked_few.items():
        if not units._exact:
            few, edge = door.few(units), door.round_to
            model.within(names[key], 0 if few else edge, edge - 1 if few else np.inf)
    for number, call in enumerate(ledger.fitted):
        _say_fitted(model, names, call.told, door, number)
        for line in call.sums:
            own = [call.told[n] if isinstance(n, int) else n for n in (*line.parts, line.whole)]
            model.equals([(names[id(part)], 1.0) for part in own[:-1]], own[-1], names, line.leaves)
    for link in LINKS:
        link(model, published)
    return model


def _say_told(model: Model, names: Mapping[int, Name], units: Units, door: Door) -> None:
    """Say what a told number means by itself, and that it is part of its whole."""
    name, whole = names[id(units)], units._of
    model.within(name, *(_meant(units, door) if units._shown is None else ()))
    if whole is not None and whole._exact:
        model.within(name, 0, whole._n)
    elif whole is not None:
        model.row([(name, -1.0), (names[id(whole)], 1.0)])


def _say_fitted(
    model: Model, names: Mapping[int, Name], told: list[Units], door: Door, number: int
) -> None:
    """Say what numbers mean that were fitted together: each by itself, or as those that moved."""
    alone = [_meant(units, door, units._shown) for units in told]
    as_true = [_meant(units, door) for units in told]
    has_moved = alone != as_true
    if has_moved:
        model.within(("moved", number), 0, 1)
    for units, (low, high), (least, most) in zip(told, alone, as_true, strict=True):
        name = names[id(units)]
        if not has_moved:
            model.within(name, low, high)
            continue
        model.row([(name, 1.0), (("moved", number), low - least)], low)
        model.row([(name, 1.0), (("moved", number), high - most)], -np.inf, high)


def _meant(units: Units, door: Door, shown: int | None = None) -> tuple[int, int]:
    """Give the smallest and the largest number told like this one: nearest to what is shown.

    Where it is not said what is shown, those that are rounded alike and move alike.
    """
    if units._exact:
        return units._n, units._n
    nearest = door.count(Units(units._n, units._of)) if shown is None else shown
    reach = range(max(nearest - door.round_to, 0), nearest + 2 * door.round_to)
    alike = [n for n in reach if door.count(Units(n, units._of)) == nearest]
    if shown is None and units._shown not in (None, nearest):
        alike = [n for n in alike if n != nearest and (n > nearest) == (units._n > nearest)]
    return (min(alike), max(alike)) if alike else (nearest, nearest - 1)


# The rule, applied anew.


def told_alike(published: Published, model: Model, true: World, other: World) -> World:
    """Give another world as far as it is told in the same way, by applying the rule to it anew.

    Numbers that hang together with one that is told otherwise are set back to what they are.
    """
    wrong = {model.groups[name] for name in _told_otherwise(published, other)}
    return {name: true[name] if model.groups[name] in wrong else n for name, n in other.items()}


def _told_otherwise(published: Published, world: World) -> Iterator[Name]:
    ledger, names, door = published.ledger, published.names, published.ledger.plain
    anew: dict[int, Units] = {}

    def again(units: Any) -> Any:
        if isinstance(units, int) or units._exact:
            return units
        if id(units) not in anew:
            whole = None if units._of is None else again(units._of)
            anew[id(units)] = Units(int(world[names[id(units)]]), whole)
        return anew[id(units)]

    for call in ledger.fitted:
        wholes = [again(whole) for whole in call.wholes]
        counts = [world[names[id(part)]] for part in call.told]
        sums = [
            replace(line, parts=[*map(again, line.parts)], whole=again(line.whole))
            for line in call.sums
        ]
        for old, new in zip(call.told, door.fit(counts, wholes, sums), strict=True):
            anew[id(old)] = new
    for told, rule in ((ledger.told, door.count), (ledger.asked_few, door.few)):
        for units in told.values():
            if rule(again(units)) != rule(units):
                yield names[id(units)]
    yield from (name for name, is_alike in _verdicts(published) if not is_alike(world))


def _verdicts(published: Published) -> Iterator[tuple[Name, Callable[[World], bool]]]:
    """Give words that are worked out from true numbers: one of these, and a test of a world."""
    for chapter in published.chapters:
        own = vars(chapter)
        for told in own.get("responses", ()):
            for test in (test for test in told["tests"] if test["told"]):
                account = chapter.load(RESPONSES, "response", told["wave"])
                account = account.groupby(level=test["by"])[["invited"]].sum()
                account = account[account["invited"] > 0]
                names = [("answered in", told["wave"], str(group)) for group in account.index]
                yield names[0], partial(_depends_alike, account, names, test["depends"])


def _depends_alike(account: pd.DataFrame, names: list[Name], depends: bool, world: World) -> bool:
    tests = nonresponse_tests(account.assign(responded=[world[name] for name in names]))
    return bool(tests["p_holm"].iloc[0] < SURE) == depends


# What can be inferred.


@dataclass(frozen=True)
class Finding:
    """What an outsider can infer of the small numbers of a report.

    Attributes
    ----------
    small, ends : int
        Numbers of 1 to 4, and of none or all.
    pinned, proven : list of str
        Those that can only be what they are.
    """

    small: int
    ends: int
    pinned: list[str]
    proven: list[str]


def targets_of(published: Published, model: Model) -> dict[Name, int]:
    """Give the numbers of 0 to 4 that were told, or are left of a whole that was told."""
    small, names, found = published.ledger.round_to, published.names, {}
    for key, units in published.every.items():
        whole = units._of
        if key not in names or (whole is not None and whole._n == 0) or _settles(published, key):
            continue
        if units._n < small:
            found[names[key]] = units._n
        rest = small if whole is None else whole._n - units._n
        if whole is not None and rest < small and (rest or names[key][0] not in COMPLETE):
            left = ("left of", *names[key])
            model.equals([(names[key], 1.0), (left, 1.0)], whole, names)
            found[left] = rest
    return found


def _settles(published: Published, key: int) -> bool:
    """Whether a number needs no rule: the only part of a whole, or all asked have answered."""
    name = published.names[key]
    if name[0] in ("cell", "answered in"):
        account = published.results.load(RESPONSES, "response", name[1])
        return bool(account["responded"].sum() == account["invited"].sum())
    alone = [
        call.told[0] for call in published.ledger.fitted if len(call.told) == 1 and not call.sums
    ]
    return name in {published.names[id(units)] for units in alone}


def _start(
    model: Model, true: World, name: Name, turn: int, rng: np.random.Generator
) -> tuple[World, World]:
    """Give where to look for another world: near the truth, later near worlds made at random.

    Words that were worked out from true numbers are no part of the program; worlds in which they
    are the same must be met by chance.
    """
    if turn == 0:
        return true, dict.fromkeys(true, 1.0)
    start, odds = dict(true), rng.random()
    for other, place in model.places.items():
        if model.groups[other] == model.groups[name] and rng.random() < odds:
            low, high = model.low[place], min(model.high[place], 2 * true[other] + 5)
            start[other] = int(rng.integers(low, max(low, high) + 1))
    return start, {other: rng.exponential() for other in true}


def audit(published: Published, seed: int = 0, tries: int = 16) -> Finding:
    """Look for another world for every small number: in sums of many, then for one at a time."""
    model, rng = model_of(published), np.random.default_rng(seed)
    targets = targets_of(published, model)
    left, known = dict(targets), published.true | targets
    true = model.solve({}, stay=(known, dict.fromkeys(known, 1)))
    assert true, "no world fits what is told: the audit is wrong"
    otherwise = {name: true[name] for name, n in known.items() if true[name] != n}
    assert not otherwise, f"the truth does not fit what is told: the audit is wrong: {otherwise}"
    assert told_alike(published, model, true, true) == true, "the audit is wrong"

    def look(terms: Mapping[Name, float], **how: Any) -> None:
        if (world := model.solve(terms, **how)) is not None:
            other = told_alike(published, model, true, world)
            for name in [name for name, n in left.items() if other[name] != n]:
                del left[name]

    for turn in range(8):
        signs = rng.choice([-1, 1], len(left)) * rng.random(len(left))
        signs = [(-1, 1)[turn]] * len(left) if turn < 2 else signs
        if left:
            look(dict(zip(left, signs, strict=True)))
    for name, turn in [(name, turn) for name in left for turn in range(tries)]:
        for ends in ((true[name] + 1, model.most), (0, true[name] - 1)):
            if name in left and ends[0] <= ends[1]:
                look({}, bounds={name: ends}, stay=_start(model, true, name, turn, rng))
    pinned = [f"{' '.join(map(str, name))} = {n}" for name, n in left.items() if n]
    proven = [f"{' '.join(map(str, name))} = {n}" for name, n in left.items() if not n]
    ends = sum(n == 0 for n in targets.values())
    return Finding(len(targets) - ends, ends, pinned, proven)


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the frozen studies, and small ones drawn from them; 1 if anything can be inferred."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--many", type=int, default=0, metavar="N", help="small studies to draw")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the first of them")
    parser.add_argument("--runs", type=Path, metavar="FOLDER", help="with runs of frozen studies")
    options, failed = parser.parse_args(arguments), 0
    with tempfile.TemporaryDirectory() as passing:
        runs = [finish_run(name, (options.runs or Path(passing)).resolve()) for name in MAKERS]
        studies = {run.name: (run.study, Results(run.processed)) for run in runs}
        drawn = range(options.first, options.first + options.many)
        for seed in (None, *drawn):
            for name, (study, results) in studies.items():
                if seed is not None and name != list(studies)[seed % len(studies)]:
                    continue
                small = results if seed is None else Drawn(study, results, seed)
                found = audit(publish(study, small))
                told = f"{found.small} small, {found.ends} none or all"
                failed += bool(found.pinned or found.proven)
                print(f"{name} {'' if seed is None else seed}: {told}", flush=True)
                for line in (*found.pinned, *found.proven):
                    print(f"  {line}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
