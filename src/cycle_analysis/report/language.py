"""The filters that texts may use: numbers, units, groups and phases as one language writes them.

Every filter is a method of `Language`, listed in `FILTERS`; the tests in `TESTS`. No sentences.
"""

import datetime
import math
from dataclasses import dataclass
from typing import Any

from jinja2.runtime import LoopContext

from cycle_analysis.problems import refuse
from cycle_analysis.report.door import Door, Mean, Units, UntoldError, is_number
from cycle_analysis.study import Study
from cycle_analysis.texts import FILE, Words

FILTERS = (
    *("number", "percent", "points", "p", "interval", "spelled", "listed", "lowered", "capital"),
    *("count", "units", "basis", "share", "mean", "mean_interval"),
    *("title", "group", "phase", "phase_name", "phase_title", "wave", "wave_name"),
    *("development", "date", "code_word", "named", "comma"),
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
    names : mapping of str to str, or None
        Its name by language; levels have none.
    n : Units
        Number of units in it.
    shown : bool
        Whether there are units enough to describe it.
    """

    number: int
    names: Any
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
        known = self._count(units) == 1 and not self.door.is_rounded(units)
        words = self.study.units.one if known else self.study.units.many
        return f"{self.count(units)} {words[self.code]}"

    def basis(self, units: Units, many: str = "") -> str:
        """Write on how many units, or respondents, something rests: n ≈ 215 municipalities."""
        n, many = self._count(units), many or self.study.units.many[self.code]
        if not self.door.is_rounded(units):
            return self._word("basis", n=self.number(n), many=many)
        if n == 0:
            return self._word("basis_fewer", n=self.number(self.door.round_to), many=many)
        return self._word("basis_about", n=self.number(n), many=many)

    def share(self, units: Units) -> str:
        """Write a share of units: 21%, less than 1%, not shown."""
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
        if group.names:
            name = str(group.names[self.code])  # Profile 2, where the study names none
            return name if name.endswith(f" {group.number}") else f"{group.number} {name}"
        return f"{self._word('level')} {group.number}"

    def group(self, group: Group) -> str:
        """Write a group inside a sentence: ‘Starters’, or level 1."""
        if group.names:
            return self._word("quote", text=group.names[self.code])
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
        return label if code in label else f"{label} ({code})"

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
        if code not in words and kind not in OPEN:
            file, where = f"texts/{self.code}/{FILE}", f"{kind}.{code}"
            raise refuse(file, where, "", "has no word", "", "Write what it is called")
        return str(words.get(code, code))

    def named(self, text: Any) -> str:
        """Give a text of the study in this language."""
        return str(text[self.code])

    def comma(self, loop: LoopContext) -> str:
        """Write what stands between two parts of a row: a comma, or at last the word for and."""
        if loop.last:
            return ""
        return f" {self.words['and']} " if loop.revindex == 2 else ", "

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
    words = Words.load(code, study.folder / "texts")
    return Language(words.code, words.words, words.folders, study, door or Door())
