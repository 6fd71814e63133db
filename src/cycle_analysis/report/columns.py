"""Kinds of columns: how a value is written in a cell, and which number a workbook gets.

A chapter says of each column what it holds; which columns stand in a table, in which order and
under which heads, its text says.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cycle_analysis.report.document import Cell
from cycle_analysis.report.door import Mean, Share, Units, Weighted, is_missing
from cycle_analysis.report.language import Language
from cycle_analysis.texts import NOTHING

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


def starred(decimals: int = 0) -> Column:
    """Make a column of pairs of a number and whether a star stands beside it."""

    def write(language: Language, pair: tuple[float, bool]) -> Cell:
        value, has_star = pair
        cell = _number(language.number, value, decimals)
        return Cell(f"{cell.text}*", cell.value, cell.pattern) if has_star else cell

    return Column(write)


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
    return Cell(f"{cell.text} ({ends})", cell.value, cell.pattern, cell.note)


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
