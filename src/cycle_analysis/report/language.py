"""Write values as one language does: in sentences by filters, in cells by kinds of columns.

Every filter is a method of `Language`, listed in `FILTERS`. No sentences. A
chapter says of each column what it holds, from which follows how a value is written in a cell, and
which number a workbook gets; which columns stand in a table, in which order and under which heads,
its text says.
"""

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jinja2.runtime import LoopContext

from cycle_analysis.problems import refuse
from cycle_analysis.report.document import Cell
from cycle_analysis.report.door import (
    Door,
    Mean,
    Share,
    Units,
    UntoldError,
    Weighted,
    is_missing,
    is_number,
)
from cycle_analysis.study import Study
from cycle_analysis.texts import FILE, NOTHING, Words
from cycle_analysis.units import has_municipalities

FILTERS = (
    *("number", "percent", "points", "p", "interval", "spelled", "listed", "lowered", "capital"),
    *("count", "units", "basis", "share", "mean", "mean_interval"),
    *("title", "group", "phase", "phase_name", "phase_title", "wave", "wave_name"),
    *("development", "date", "code_word", "comma"),
)
"""Methods of `Language` that texts use as filters."""
NUMBERS = (*FILTERS[:6], *("count", "units", "basis", "share", "mean", "mean_interval", "date"))
"""Those that write a number, which must have a source."""
OPEN = ("backgrounds", "background_groups")
"""Kinds of codes that a study has of its own; those without a word are told as they stand."""


@dataclass(frozen=True, eq=False)
class Group:
    """A profile, or a level where no profiles were found.

    Attributes
    ----------
    number : int
        From 1, from the lowest to the highest mean.
    name : str
        Its name; empty for levels, which have none.
    n : Units
        Number of units in it.
    shown : bool
        Whether there are units enough to describe it.
    """

    number: int
    name: str
    n: Units
    shown: bool


@dataclass(frozen=True, eq=False)
class Language(Words):
    """One language, with the study whose names it writes and the door that counts leave by.

    Attributes
    ----------
    study : Study
        The study.
    door : Door
        What is told of true numbers.
    """

    study: Study
    door: Door

    @property
    def mark(self) -> str:
        """What every page, figure and caption must say of the data; empty for real data."""
        return self._word("synthetic") if self.study.synthetic else ""

    @property
    def tests(self) -> dict[str, Any]:
        """What texts may ask of numbers of units: ``{% if n is hardly_any %}``."""
        return {"hardly_any": self.door.hardly_any, "told": self.is_told}

    def number(self, value: float | None, decimals: int = 0) -> str:
        """Write a plain number; numbers of units have filters of their own."""
        if value is not None and not is_number(value):
            told = f"a {type(value).__name__} is no plain number"
            raise UntoldError(f"{told}; write {{{{ n|units }}}} or {{{{ m|mean }}}}")
        return super().number(value, decimals)

    def points(self, value: float | Mean | None, decimals: int = 0) -> str:
        """Write a difference with its sign."""
        if isinstance(value, Mean):
            return super().points(self.door.mean(value)[0], self.decimals(value))
        return super().points(value, decimals)

    def count(self, units: Units) -> str:
        """Write a number of units: 216, about 45, fewer than 5."""
        n = self._count(units)
        if not self.door.is_rounded(units):
            return self.number(n)
        if n == 0:
            return self._word("fewer", n=self.number(self.door.round_to))
        return self._word("about", n=self.number(n))

    def units(self, units: Units) -> str:
        """Write a number of units with the word for them: about 45 municipalities."""
        return f"{self.count(units)} {self._named(units)}"

    def _named(self, units: Units) -> str:
        """Give the word for so many units: that for one, if it is known to be one."""
        known = self._count(units) == 1 and not self.door.is_rounded(units)
        return (self.study.units.one if known else self.study.units.many)[self.code]

    def basis(self, units: Units, many: str = "") -> str:
        """Write on how many units, or respondents, something rests: n ≈ 215 municipalities."""
        n, many = self._count(units), many or self._named(units)
        if not self.door.is_rounded(units):
            return self._word("basis", n=self.number(n), many=many)
        if n == 0:
            return self._word("basis_fewer", n=self.number(self.door.round_to), many=many)
        return self._word("basis_about", n=self.number(n), many=many)

    def share(self, units: Units | Weighted) -> str:
        """Write a share of units, or a weighted one: 21%, less than 1%, not shown."""
        if isinstance(units, Weighted):
            share = self.door.weighted(units)[0]
        else:
            self._count(units)
            share = self.door.share(units)
        if math.isnan(share.value):
            return self._word("not_shown")
        text = self.percent(share.value)
        return self._word(f"{share.bound}_than", value=text) if share.bound else text

    def mean(self, mean: Mean) -> str:
        """Write a mean of units in whole points; a dash where it rests on few."""
        return self.number(self.door.mean(mean)[0], self.decimals(mean))

    def mean_interval(self, mean: Mean) -> str:
        """Write the interval of a mean of units; a dash where there is none."""
        _, low, high = self.door.mean(mean)
        return self.interval((low, high), self.decimals(mean))

    @staticmethod
    def decimals(mean: Mean) -> int:
        """Give the decimals of a point of a scale: 0 up to 100, 2 up to 1."""
        return max(0, math.ceil(-math.log10(mean._scale / 100)))

    def is_told(self, value: Units | Mean) -> bool:
        """Whether a mean is shown, or a share of units."""
        if isinstance(value, Mean):
            return not self.door.few(value._units)
        return not math.isnan(self.door.share(value).value)

    def title(self, group: Group) -> str:
        """Write a group as a heading or in a cell: 1 Starters, or Level 1."""
        if name := group.name:  # Profile 2, where the study names none
            return name if name.endswith(f" {group.number}") else f"{group.number} {name}"
        return f"{self._word('level')} {group.number}"

    def group(self, group: Group) -> str:
        """Write a group inside a sentence: ‘Starters’, or level 1."""
        if group.name:
            return self._word("quote", text=group.name)
        return self.lowered(self.title(group))

    def phase(self, code: str) -> str:
        """Write the short name of a phase, as in figures."""
        return self.study.phase_names(self.code)[code]

    def phase_title(self, code: str) -> str:
        """Write the full name of a phase."""
        return next(phase.label[self.code] for phase in self.study.phases if phase.code == code)

    def phase_name(self, code: str) -> str:
        """Write the full name of a phase inside a sentence: without a capital."""
        return self.lowered(self.phase_title(code))

    def development(self, code: str) -> str:
        """Write the name of a development."""
        return next(of.label[self.code] for of in self.study.developments if of.code == code)

    def wave(self, code: str) -> str:
        """Write the name of a wave: its label, and its code where the label does not hold it."""
        label = self.study.wave(code).label[self.code]
        held = re.search(rf"(?<!\w){re.escape(code)}(?!\w)", label)
        return label if held else f"{label} ({code})"

    def wave_name(self, code: str) -> str:
        """Write the name of a wave inside a sentence: without a capital."""
        label = self.wave(code)
        return self._word("wave_code", code=code) if label == code else self.lowered(label)

    def date(self, day: datetime.date) -> str:
        """Write a date: 12 maart 2018."""
        month = self.words["months"][day.month - 1]
        return self._word("date", day=str(day.day), month=month, year=str(day.year))

    def code_word(self, code: str, kind: str) -> str:
        """Write a code of the science in words, as words.yaml says under `kind`.

        Raises
        ------
        InputError
            When it has no word: a reader would meet the code.
        """
        words = self.words[kind]
        if kind in OPEN and self._of_municipalities:
            words = self.words["municipalities"][kind] | words
        if code not in words and kind not in OPEN:
            file, where = f"texts/{self.code}/{FILE}", f"{kind}.{code}"
            raise refuse(file, where, "", "has no word", "", "Write what it is called")
        own = code.replace("_", " ") if kind == "backgrounds" else code  # a column of the register
        return str(words.get(code, own))

    @cached_property
    def _of_municipalities(self) -> bool:
        """Whether size and region are those of the register of municipalities, which have words."""
        return has_municipalities(self.study)

    def comma(self, loop: LoopContext, word: str = "and") -> str:
        """Write what stands between two parts of a row: a comma, or at last the word for and.

        Or another one of words.yaml, such as `or`.
        """
        if loop.last:
            return ""
        return f" {self.words[word]} " if loop.revindex == 2 else ", "

    def _count(self, units: Units) -> int:
        if not isinstance(units, Units):
            told = f"a {type(units).__name__} is no number of units"
            raise UntoldError(f"{told}; write {{{{ x|number }}}}")
        return self.door.count(units)

    def _word(self, key: str, **values: str) -> str:
        return str(self.words[key]).format(**values)


def open_language(code: str, study: Study, door: Door | None = None) -> Language:
    """Open a language for a study, whose own texts go before those of the package.

    Raises
    ------
    ValueError
        When there are no texts in it.
    """
    words = study.words(code)
    return Language(words.code, words.words, words.folders, study, door or Door())


Write = Callable[[Language, Any], Cell]
EMPTY = Cell(NOTHING, note="nothing")


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    write : function of a language and a value
        Gives the cell.
    numeric : bool
        Whether it holds numbers, so that it is set to the right.
    """

    write: Write
    numeric: bool = True


@dataclass(frozen=True, eq=False)
class Rows:
    """What a table can show.

    Attributes
    ----------
    columns : mapping of str to Column
        The kind of each column.
    rows : sequence of mapping of str to value
        A value for each column.
    families : mapping of str to mapping of str to str
        Columns of which there are as many as the study has of something: by the name of the
        family, the head of each column. ``- phases*: *`` in a text sets them all.
    """

    columns: Mapping[str, Column]
    rows: Sequence[Mapping[str, Any]]
    families: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def per_wave(
    first: tuple[str, Column],
    named: Sequence[Any],
    values: Mapping[str, Sequence[Any]],
    **families: Column,
) -> Rows:
    """Set the values of each wave in columns of their own, once for each way of writing them.

    Parameters
    ----------
    first : pair of str and Column
        Name and kind of the first column.
    named : sequence
        What stands there, a row for each.
    values : mapping of wave to sequence
        A value for each row.
    **families : Column
        Ways of writing them, by the name of the family.

    Examples
    --------
    >>> per_wave(("name", TEXT), ["AG"], {"2018": [3], "2022": [4]}, counts=number()).rows
    [{'name': 'AG', 'counts_2018': 3, 'counts_2022': 4}]
    """
    heads = {family: {f"{family}_{wave}": wave for wave in values} for family in families}
    rows = [
        {first[0]: name}
        | {column: values[w][place] for columns in heads.values() for column, w in columns.items()}
        for place, name in enumerate(named)
    ]
    kinds = {column: families[family] for family, columns in heads.items() for column in columns}
    return Rows(dict([first]) | kinds, rows, heads)


def number(decimals: int = 0) -> Column:
    """Make a column of plain numbers, which rest on no few units; an empty text stays empty."""
    return Column(lambda language, value: _number(language.number, value, decimals))


def p_value(least: float = 0.0) -> Column:
    """Make a column of p-values, which draws cannot make lower than `least`."""

    def write(language: Language, value: float | None) -> Cell:
        cell = _number(language.number, value, 3)
        told = cell.text if cell is EMPTY else language.p_alone(value, least)
        return cell if told == cell.text else Cell(told)

    return Column(write)


def percent(decimals: int = 0) -> Column:
    """Make a column of shares that are no shares of units, such as those that chance would give."""

    def write(language: Language, value: float | None) -> Cell:
        if is_missing(value):
            return EMPTY
        return _percent(language.percent(value, decimals), float(value or 0), decimals)

    return Column(write)


def interval(decimals: int = 0) -> Column:
    """Make a column of intervals: pairs of a low and a high end."""
    return _known(lambda language, ends: _unless_nothing(language.interval(ends, decimals)))


def code(kind: str) -> Column:
    """Make a column of codes, in the words of words.yaml under `kind`; a dash for none."""

    def write(language: Language, value: str) -> Cell:
        return EMPTY if value == NOTHING else Cell(language.code_word(value, kind))

    return Column(write, numeric=False)


def _known(write: Write) -> Column:
    """Make a column of numbers that is empty where there is no value."""
    return Column(lambda language, value: EMPTY if value is None else write(language, value))


def _unless_nothing(text: str) -> Cell:
    return EMPTY if text == NOTHING else Cell(text)


def _number(write: Callable[[Any, int], str], value: Any, decimals: int) -> Cell:
    if isinstance(value, str):
        return Cell(value)
    if is_missing(value):
        return EMPTY
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return Cell(write(value, decimals), round(float(value), decimals), pattern)


def _percent(text: str, value: float, decimals: int = 0) -> Cell:
    pattern = "0" + ("." + "0" * decimals if decimals else "") + "%"
    shown = round(value * 100, decimals) / 100  # as the text is: 0.175 is 18%
    return Cell(text, round(shown, decimals + 2), pattern)


def _text(language: Language, value: Any) -> Cell:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} stands in a column of texts")
    return Cell(value)


def _count(language: Language, units: Units, kind: str = "rounded") -> Cell:
    door = language.door
    note = kind if door.is_rounded(units) else ""
    if note and door.hardly_any(units):
        return Cell(f"<{language.number(door.round_to)}", note=note)
    return Cell(language.number(door.count(units)), door.count(units), "#,##0", note)


def _rate(language: Language, units: Units) -> Cell:
    share, count = SHARE.write(language, units), _count(language, units)
    whole = language.door.whole(units)
    text = f"{count.text}/{language.number(whole)}"
    if share is not EMPTY:
        note = f"{count.note} {share.note}"
        return Cell(f"{share.text} ({text})", share.value, share.pattern, note)
    return EMPTY if whole < language.door.round_to else Cell(text, note=count.note)


def told_share(language: Language, share: Share) -> Cell:
    """Write a share as the door tells it, a bound with its sign."""
    if math.isnan(share.value):
        return EMPTY
    text = language.percent(share.value)
    if share.bound:
        return Cell(f"{'<' if share.bound == 'less' else '>'}{text}", note="bound")
    return _percent(text, share.value)


def _weighted(language: Language, weighted: Weighted) -> Cell:
    share, low, high = language.door.weighted(weighted)
    cell = told_share(language, share)
    ends = language.interval((low, high), 0, "percent")
    if NOTHING in {cell.text, ends}:
        return cell
    note = f"{cell.note} stepped" if language.door.round_to > 1 else cell.note
    return Cell(f"{cell.text} ({ends})", cell.value, cell.pattern, note)


def _starred(language: Language, pair: tuple[float, bool]) -> Cell:
    cell = _number(language.number, pair[0], 0)
    return Cell(f"{cell.text}*", cell.value, cell.pattern) if pair[1] else cell


def _mean(write: Callable[[Any, int], str], language: Language, mean: Mean) -> Cell:
    return _number(write, language.door.mean(mean)[0], language.decimals(mean))


TEXT = Column(_text, numeric=False)
"""Texts of the study, or codes that stand for themselves."""
GROUP = Column(lambda language, group: Cell(language.title(group)), numeric=False)
"""Profiles or levels, as facts of a chapter give them."""
PHASE = Column(lambda language, phase: Cell(language.phase(phase)), numeric=False)
"""Codes of phases, written by their short name."""
PHASE_TITLE = Column(lambda language, phase: Cell(language.phase_title(phase)), numeric=False)
"""Codes of phases, written in full."""
DEVELOPMENT = Column(lambda language, of: Cell(language.development(of)), numeric=False)
"""Codes of developments, written by their name."""
WAVE = Column(lambda language, wave: Cell(language.wave(wave)), numeric=False)
"""Codes of waves, written by their name."""
STARRED = Column(_starred)
"""Pairs of a number and whether a star stands beside it."""
COUNT = _known(_count)
"""Numbers of units: `Units`."""
RESPONDENTS = _known(lambda language, n: _count(language, n, "rounded_respondents"))
"""Numbers of respondents, less than all of a wave: `Units`."""
SHARE = _known(lambda language, units: told_share(language, language.door.share(units)))
"""Shares of units of their whole: `Units` as well."""
RATE = _known(_rate)
"""Shares with the number and its whole, 45% (10/22); the two numbers where no share is told."""
WEIGHTED = _known(_weighted)
"""Weighted shares with their interval: `Weighted`."""
MEAN = _known(lambda language, mean: _mean(language.number, language, mean))
"""Means of units: `Mean`."""
MEAN_POINTS = _known(lambda language, mean: _mean(language.points, language, mean))
"""Differences between means of units, with their sign: `Mean`."""
MEAN_INTERVAL = _known(lambda language, m: _unless_nothing(language.mean_interval(m)))
"""Intervals of means of units: `Mean`."""
