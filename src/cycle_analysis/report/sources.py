"""Where a number comes from: the table, row and column of every value that a text may print.

Tables that a report loads are `Sourced`: a value taken from one knows its cell, a sum or mean of a
column the rows it was taken over, and what is counted on with it the cells of all its parts. A cell
is named only after it was looked up: the saved table must hold that very value there. Of a value
that is in no cell, but made of one column, that column is named; of any other nothing is known, and
a text refuses it until `made` says what it was made of.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Integral
from types import ModuleType
from typing import Any, ClassVar, NamedTuple, Self

import pandas as pd

EVERY = "*"
"""Stands for all rows, or all columns."""
PRIVATE = {"unit", "respondent", "from_unit", "to_unit"}
"""Names of an index of which no row may be named."""
CALCULATED = "calculated"
FILE = "study.yaml"
_SENTENCE = re.compile(r"[.!?:] ")


class Source(NamedTuple):
    """A cell: the table it stands in, as ``2018/05_profiles/profiles``, its row and its column."""

    table: str
    row: str
    column: str

    def __str__(self) -> str:
        return " · ".join(part for part in self if part)


Trace = Callable[[], tuple[tuple[Source, ...], str]]
"""Finds sources, and how a value was made of them: only few values are printed."""


class Traced:
    """A value with its sources, and how it was made of them; empty where it is the cell itself."""

    _trace: "Trace"

    @classmethod
    def of(cls, value: Any, trace: "Trace") -> Self:
        """Give a value what finds its sources when they are asked for."""
        traced = cls(value)  # type: ignore[call-arg]
        traced._trace = trace
        return traced

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where it comes from."""
        return self._trace()[0]

    @property
    def how(self) -> str:
        """How it was made of them."""
        return self._trace()[1]

    def __reduce__(self) -> Any:
        plain = type(self).__mro__[2]
        return plain, (plain(self),)


class Number(Traced, float):
    """A number."""


class Whole(Traced, int):
    """A whole number."""


class Word(Traced, str):
    """A text, such as the name of a model, with a number in it."""


def _counting(name: str, kind: type) -> Callable[..., Any]:
    """Let an operator give a value made of all it was given."""
    work = getattr(kind, name)

    def count_on(self: Any, *others: Any) -> Any:
        value = work(self, *others)
        return value if value is NotImplemented else made(value, self, *others)

    return count_on


_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
for _kind, _plain in ((Number, float), (Whole, int)):
    for _name in (*_OPERATORS, *(f"r{name}" for name in _OPERATORS), "neg", "abs", "round", "ceil"):
        setattr(_kind, f"__{_name}__", _counting(f"__{_name}__", _plain))


def made(value: Any, *of: Any, how: str = CALCULATED) -> Any:
    """Say what a number, or a text with a number, was made of.

    Parameters
    ----------
    value : int, float or str
        The value.
    *of : values, columns or tables with sources, or Source
        What it was made of.
    how : str
        In a word.

    Examples
    --------
    >>> sizes = Sourced.of(pd.DataFrame({"n": [3, 4]}, pd.Index([1, 2], name="profile")), "sizes")
    >>> [*map(str, made(len(sizes), sizes).sources)], [*map(str, sizes["n"].sum().sources)]
    (['sizes · *'], ['sizes · * · n'])
    >>> [str(source) for source in (100 * sizes.loc[2, "n"]).sources]
    ['sizes · 2 · n']
    """
    kind = Word if isinstance(value, str) else Whole if isinstance(value, Integral) else Number
    return kind.of(value, lambda: (sources_of(of), how))


def stated(value: Any, *place: str) -> Any:
    """Say where in the study's own files a number stands: stated(5, "round_to")."""
    return made(value, Source(FILE, "", ".".join(place)), how="")


def constant(module: ModuleType, name: str) -> Any:
    """Give a number of the method, by the module that fixes it and its name there.

    Examples
    --------
    >>> from cycle_analysis.waves import transitions
    >>> constant(transitions, "ALPHA"), str(constant(transitions, "ALPHA").sources[0])
    (0.01, 'method · cycle_analysis.waves.transitions · ALPHA')
    """
    return made(getattr(module, name), Source("method", module.__name__, name), how="")


def as_whole(value: Any) -> Any:
    """Give a number as a whole one, with its sources."""
    n = int(value)
    return Whole.of(n, value._trace) if isinstance(value, Traced) else n


def sources_of(value: Any) -> tuple[Source, ...]:
    """Give the sources of a value, of everything in a row of them, or of a whole column."""
    if isinstance(value, Source):
        return (value,)
    if isinstance(value, (Traced, Column, Sourced)):
        return value.sources
    if isinstance(value, (tuple, list)):
        return tuple(dict.fromkeys(source for part in value for source in sources_of(part)))
    return getattr(value, "_sources", ())


@dataclass(frozen=True, eq=False)
class Origin:
    """The saved table that columns and rows are of."""

    name: str
    table: pd.DataFrame
    changed: frozenset[Any] = frozenset()
    names: Mapping[Any, Any] = field(default_factory=dict)

    def cell(self, row: Any, column: Any, value: Any) -> Source | None:
        """Name a cell, if it holds this value."""
        row, levels = self.names.get(row, row), self.table.index.names
        try:
            if column in levels:
                known = row in self.table.index
                found = (row if len(levels) == 1 else row[levels.index(column)]) if known else None
            else:
                found = self.table.at[row, column]
        except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
            return None
        return Source(self.name, self.row(row), str(column)) if found == value else None

    def trace(self, row: Any, column: Any, value: Any) -> tuple[tuple[Source, ...], str]:
        """Name the cell that a value is taken from, or else the column it was made of."""
        if cell := self.cell(row, column, value):
            return (cell,), ""
        return (Source(self.name, EVERY, str(column)),), CALCULATED

    def holds(self, column: Any) -> bool:
        """Whether a column is as it was saved."""
        known = column in self.table.columns or (column and column in self.table.index.names)
        return bool(known) and column not in self.changed

    def row(self, row: Any) -> str:
        """Write the name of a row; none that would be of a unit or a respondent."""
        if PRIVATE & set(self.table.index.names):
            return EVERY
        return ", ".join(map(str, row)) if isinstance(row, tuple) else str(row)

    def rows(self, column: pd.Series) -> tuple[Source, ...]:
        """Name the cells of a column, as far as it is as it was saved; else that column."""
        if not self.holds(column.name):
            return ()
        every = (Source(self.name, EVERY, str(column.name)),)
        if len(column) >= len(self.table) or PRIVATE & set(self.table.index.names):
            return every
        cells = [self.cell(row, column.name, value) for row, value in column.dropna().items()]
        return tuple(cell for cell in cells if cell) if all(cells) and cells else every


class _Located:
    """``.loc``, ``.iloc`` or ``.at`` of what is sourced: a value it gives knows its cell."""

    def __init__(self, of: Any, located: Any, places: bool) -> None:
        self.of, self.located, self.places = of, located, places

    def __getitem__(self, key: Any) -> Any:
        found, index = self.located[key], self.of.index
        if isinstance(found, (pd.Series, pd.DataFrame)):
            by_name = not self.places and pd.api.types.is_scalar(key)
            if by_name and isinstance(index, pd.MultiIndex):
                found.origin = _named(self.of, index[index.get_loc(key)], found.index)
            return found
        if self.places and isinstance(self.of, pd.Series):
            key = self.of.index[key]
        return self.of.told(found, key)

    def __call__(self, axis: Any = None) -> Any:
        return self.located(axis=axis)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("values of a sourced table are not overwritten; assign a column")


def _named(of: Any, before: pd.Index, after: pd.Index) -> Origin | None:
    """Keep which rows of the saved table rows are, under other names."""
    if of.origin is None or len(before) != len(after):
        return None
    names = [of.origin.names.get(name, name) for name in before]
    return replace(of.origin, names=dict(zip(after, names, strict=True)))


def _renaming(name: str, kind: type) -> Callable[..., Any]:
    def rename(self: Any, *options: Any, **named: Any) -> Any:
        renamed = getattr(kind, name)(self, *options, **named)
        renamed.origin = _named(self, self.index, renamed.index)
        return renamed

    return rename


class _Kept:
    """What sourced tables and their columns have in common."""

    origin: Origin | None = None

    @property
    def loc(self) -> Any:
        """Values by name."""
        return _Located(self, super().loc, places=False)  # type: ignore[misc]

    @property
    def iloc(self) -> Any:
        """Values by place."""
        return _Located(self, super().iloc, places=True)  # type: ignore[misc]

    @property
    def at(self) -> Any:
        """A value by name."""
        return _Located(self, super().at, places=False)  # type: ignore[misc]


class Column(_Kept, pd.Series):
    """A column, or a row, of a sourced table."""

    _metadata: ClassVar = [*pd.Series._metadata, "origin"]

    @property
    def _constructor(self) -> Any:
        return Column

    @property
    def _constructor_expanddim(self) -> Any:
        return Sourced

    @property
    def sources(self) -> tuple[Source, ...]:
        """The cells that it is of."""
        return self.origin.rows(self) if self.origin else ()

    def told(self, value: Any, key: Any) -> Any:
        """Give one of its values with its cell: in this row, or of this column."""
        origin, name = self.origin, self.name
        if origin is None or not _is_printable(value):
            return value
        kind = Whole if pd.api.types.is_integer(value) else Number
        if origin.holds(key):
            return kind.of(value, partial(origin.trace, name, key, value))
        return (
            kind.of(value, partial(origin.trace, key, name, value)) if origin.holds(name) else value
        )

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if isinstance(found, pd.Series) else self.told(found, key)

    def __iter__(self) -> Iterator[Any]:
        for key, value in zip(self.index, super().__iter__(), strict=True):
            yield self.told(value, key)


def _is_printable(value: Any) -> bool:
    """Whether a value is a number that a text may print."""
    is_number = pd.api.types.is_number(value) and not pd.api.types.is_bool(value)
    return is_number and not pd.isna(value)


def _summing(name: str) -> Callable[..., Any]:
    def summed(self: Column, *options: Any, **named: Any) -> Any:
        value = getattr(pd.Series, name)(self, *options, **named)
        known = self.origin and self.origin.holds(self.name) and _is_printable(value)
        return made(value.item(), self, how=name) if known else value

    return summed


for _name in ("sum", "min", "max", "mean", "median"):
    setattr(Column, _name, _summing(_name))


class Sourced(_Kept, pd.DataFrame):
    """A table whose values know where they come from."""

    _metadata: ClassVar = [*pd.DataFrame._metadata, "origin"]

    @classmethod
    def of(cls, table: pd.DataFrame, name: str) -> "Sourced":
        """Make a table sourced, by the name of its file."""
        sourced = cls(table)
        sourced.origin = Origin(name, table)
        return sourced

    @property
    def _constructor(self) -> Any:
        return Sourced

    @property
    def _constructor_sliced(self) -> Any:
        return Column

    @property
    def sources(self) -> tuple[Source, ...]:
        """That it is of all rows."""
        return (Source(self.origin.name, EVERY, ""),) if self.origin else ()

    def told(self, value: Any, key: Any) -> Any:
        """Give the value of a cell with that cell."""
        return self[key[1]].told(value, key[0]) if isinstance(key, tuple) else value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if self.origin:
            self.origin = replace(self.origin, changed=self.origin.changed | {key})


def _plainly(name: str, kind: type) -> Callable[..., Any]:
    """Let an operator on whole columns give plain ones: of two tables neither is the source."""
    work = getattr(kind, name)
    return lambda self, *others: work(kind(self), *(_plain_of(other) for other in others))


def _plain_of(value: Any) -> Any:
    if isinstance(value, Column):
        return pd.Series(value)
    return pd.DataFrame(value) if isinstance(value, Sourced) else value


for _kind, _plain in ((Column, pd.Series), (Sourced, pd.DataFrame)):
    for _name in (*_OPERATORS[:4], *(f"r{name}" for name in _OPERATORS[:4]), "pow", "neg"):
        setattr(_kind, f"__{_name}__", _plainly(f"__{_name}__", _plain))
    for _name in ("reset_index", "droplevel", *(["set_index"] if _plain is pd.DataFrame else [])):
        setattr(_kind, _name, _renaming(_name, _plain))
    for _name in ("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "invert"):
        setattr(_kind, f"__{_name}__", _plainly(f"__{_name}__", _plain))


MOST_ROWS = 6
"""How many rows of a column a page names; numbers.csv names them all."""


@dataclass(frozen=True)
class Printed:
    """A number that stands in a text: from which letter to which, and where it comes from."""

    start: int
    end: int
    sources: tuple[Source, ...]
    how: str

    @property
    def cited(self) -> str:
        """Its sources in short: cells of one column together, and how it was made of them."""
        known: dict[tuple[str, str], list[str]] = {}
        for table, rows, column in self.columns:
            shown = "; ".join(rows if len(rows) <= MOST_ROWS else [*rows[:2], "…"])
            known.setdefault((table, shown), []).append(column)
        cells = [str(Source(*place, ", ".join(of))) for place, of in known.items()]
        return " | ".join([*cells, *([self.how] if self.how else [])])

    @property
    def columns(self) -> list[tuple[str, list[str], str]]:
        """Its sources by column: the table, the rows, and the column."""
        found: dict[tuple[str, str], list[str]] = {}
        for source in self.sources:
            found.setdefault((source.table, source.column), []).append(source.row)
        return [(table, rows, column) for (table, column), rows in found.items()]


class Told(str):
    """A text that knows where each number in it comes from."""

    numbers: tuple[Printed, ...] = ()


def numbers_in(pieces: Sequence[str]) -> Iterator[tuple[int, str, Printed]]:
    """Give the numbers of a text that know their source: in which sentence, as printed, whence."""
    before = ""
    for piece in pieces:
        for number in getattr(piece, "numbers", ()):
            sentence = 1 + len(_SENTENCE.findall(before + piece[: number.start]))
            yield sentence, piece[number.start : number.end], number
        before += piece


@dataclass(eq=False)
class Remembering:
    """Results that read every table once."""

    results: Any
    tables: dict[tuple[str, str, str], pd.DataFrame] = field(default_factory=dict)

    def load(self, step: str, table: str, wave: str) -> pd.DataFrame:
        """Load a saved table."""
        key = (step, table, wave)
        if key not in self.tables:
            self.tables[key] = self._read(*key)
        return self.tables[key].copy(deep=False)

    def _read(self, step: str, table: str, wave: str) -> pd.DataFrame:
        return self.results.load(step, table, wave)

    def parameters(self, step: str, wave: str) -> Mapping[str, Any]:
        """Give the parameters with which a step ran."""
        return self.results.parameters(step, wave)

    def current(self, step: str, wave: str) -> bool:
        """Whether a step has been saved, and is up to date."""
        return bool(self.results.current(step, wave))


class SourcedResults(Remembering):
    """Results whose tables and parameters know where they stand."""

    def _read(self, step: str, table: str, wave: str) -> pd.DataFrame:
        return Sourced.of(super()._read(step, table, wave), f"{wave}/{step}/{table}")

    def parameters(self, step: str, wave: str) -> Mapping[str, Any]:
        """Give the parameters with which a step ran."""
        found = super().parameters(step, wave)
        place = partial(Source, f"{wave}/{step}/result.json", "parameters")
        return {
            name: made(value, place(name), how="")
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else value
            for name, value in found.items()
        }
