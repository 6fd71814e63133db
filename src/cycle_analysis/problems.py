"""Say what is wrong with a user's files: all of it at once, each with the remedy.

A `Problem` is one row of the problem table. Whatever stops a run is raised as one `InputError`
that carries every problem found; whatever does not is returned as a table beside the result.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

import pandas as pd

Read = TypeVar("Read")
REJECTED = "rejected"
"""What was done: the run stops."""
SET_MISSING = "set to missing"
"""What was done: the answer counts as missing, reason `invalid`."""
FIXED = "fixed"
"""What was done: read as the value that the rule names."""
KEPT = "kept"
"""What was done: nothing, only a warning."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands, and what to do.

    Attributes
    ----------
    file : str
        Name of the file, as the user knows it.
    where : str
        Line, key, or cell: ``line 12, phases.2.code``, ``row 17, column Q1_1``.
    value : str
        The value found there, empty when something is absent.
    problem : str
        What is wrong with it.
    allowed : str
        What would have been right.
    remedy : str
        What the user can do.
    done : str
        One of `REJECTED`, `SET_MISSING`, `FIXED`, `KEPT`.
    respondent : str
        The respondent concerned, empty for a whole file or column.
    sheet, row, column : str
        Where a cell stands, as a spreadsheet shows it; empty for a whole file.
    rule : str
        The rule by which it was found or mended.
    n : int
        How many cells or rows are like it.
    """

    file: str
    where: str
    value: str
    problem: str
    allowed: str = ""
    remedy: str = ""
    done: str = REJECTED
    respondent: str = ""
    sheet: str = ""
    row: str = ""
    column: str = ""
    rule: str = ""
    n: int = 1

    def __str__(self) -> str:
        found = f" {self.value!r}:" if self.value else ""
        return f"{self.file}, {self.where}:{found} {self.problem}.{self.way_on}"

    @property
    def way_on(self) -> str:
        """What is allowed and what to do, as it follows the problem."""
        allowed = f" Allowed: {self.allowed}." if self.allowed else ""
        return allowed + (f" {_sentence(self.remedy)}" if self.remedy else "")


class InputError(ValueError):
    """The user's files or arguments are wrong; says everything found, and how to mend it.

    Examples
    --------
    >>> print(InputError([Problem("study.yaml", "line 3", "x", "is not a wave", "2018, 2022")]))
    study.yaml, line 3: 'x': is not a wave. Allowed: 2018, 2022.
    """

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        super().__init__(self.problems)  # what another process needs to make it again

    def __str__(self) -> str:
        return tell_problems(self.problems)

    def _render_traceback_(self) -> list[str]:
        """Show a notebook the message alone: where our code raised it helps no user."""
        return [str(self)]


def refuse(
    file: str, where: str, value: str, problem: str, allowed: str = "", remedy: str = ""
) -> InputError:
    """Make the error that refuses a file or an argument for one reason."""
    return InputError([Problem(file, where, value, problem, allowed, remedy)])


def refuse_any(problems: Iterable[Problem]) -> None:
    """Refuse all that was found, if anything was.

    Raises
    ------
    InputError
        With every problem.
    """
    if found := list(problems):
        raise InputError(found)


def gather(problems: list[Problem], read: Callable[[], Read]) -> Read | None:
    """Keep the problems of one file, so that the next file is read all the same."""
    try:
        return read()
    except InputError as error:
        problems += error.problems
        return None


TABLE_COLUMNS = (
    *("file", "sheet", "row", "column", "respondent", "value", "problem", "done", "rule", "n"),
    *("where", "allowed", "remedy"),
)
"""Columns of the problem table, those that say where and what first."""
MOST_ALIKE = 5
"""More problems of one kind than this are told in one line."""
MOST_HINTS = 15
"""So many values can each have a line with what is nearest to them."""


def tell_problems(problems: Iterable[Problem]) -> str:
    """Tell problems, one line each; many of one kind in one line, with the first three.

    Examples
    --------
    >>> many = [Problem("a.csv", f"row {row}", "7", "is no code") for row in range(2, 1002)]
    >>> print(tell_problems(many))
    a.csv: 1000 times: is no code. First: row 2 '7'; row 3 '7'; row 4 '7'.
    """
    kinds: dict[tuple[str, ...], list[Problem]] = {}
    for found in _without_many_hints(list(problems)):
        kind = (found.file, found.problem, found.allowed, found.remedy, found.done)
        kinds.setdefault(kind, []).append(found)
    lines = []
    for alike in kinds.values():
        if len(alike) <= MOST_ALIKE:
            lines += [str(one) for one in alike]
            continue
        one, n = alike[0], len(alike)
        first = "; ".join(f"{p.where} {p.value!r}" if p.value else p.where for p in alike[:3])
        lines.append(f"{one.file}: {n} times: {one.problem}. First: {first}.{one.way_on}")
    return "\n".join(lines)


def _without_many_hints(problems: Sequence[Problem]) -> list[Problem]:
    """Leave out what is allowed where it differs so often that nobody would read it."""
    kinds: dict[tuple[str, ...], set[str]] = {}
    for one in problems:
        kinds.setdefault((one.file, one.problem, one.remedy), set()).add(one.allowed)
    many = {kind for kind, hints in kinds.items() if len(hints) > MOST_HINTS}
    is_one = [(one.file, one.problem, one.remedy) in many for one in problems]
    return [
        replace(one, allowed="") if plain else one
        for one, plain in zip(problems, is_one, strict=True)
    ]


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def problem_table(problems: Iterable[Problem]) -> pd.DataFrame:
    r"""Set problems as a table, one row each, columns as `TABLE_COLUMNS`.

    Examples
    --------
    >>> table = problem_table([Problem("a.csv", "row 2", "a\nb", "outside the scale")])
    >>> table.loc[0, "value"]
    'a b'
    """
    rows = [{**asdict(problem), "value": on_one_line(problem.value)} for problem in problems]
    table = pd.DataFrame(rows, columns=list(TABLE_COLUMNS))
    return table.astype({name: "int64" if name == "n" else "str" for name in TABLE_COLUMNS})


def problem_kinds(table: pd.DataFrame) -> pd.DataFrame:
    """Count the problems of each kind, with the first places and values.

    Returns
    -------
    DataFrame, n kinds × 9
        Most serious first: done, problem, n (cells or rows), rule, columns, rows, found (the
        first five of each), remedy, file.

    Examples
    --------
    >>> many = [Problem("a.csv", f"row {row}", "7", "is no code", row=f"{row}") for row in (2, 3)]
    >>> problem_kinds(problem_table(many))[["n", "rows", "found"]].to_numpy().tolist()
    [[2, '2, 3', '7']]
    """
    order = {done: place for place, done in enumerate((REJECTED, SET_MISSING, KEPT, FIXED))}
    by = ["done", "problem", "rule", "remedy", "file"]
    groups, places = table.groupby(by, sort=False), ("column", "row", "value")
    told = groups[list(places)].agg(lambda texts: first_five(texts[texts != ""].unique()))
    told = told.set_axis(["columns", "rows", "found"], axis=1)
    kinds = told.assign(n=groups["n"].sum()).reset_index()
    kinds = kinds.sort_values("done", key=lambda done: done.map(order), kind="stable")
    shown = ["done", "problem", "n", "rule", "columns", "rows", "found", "remedy", "file"]
    return kinds[shown].reset_index(drop=True).rename_axis("kind")


def list_kinds(kinds: pd.DataFrame) -> list[str]:
    """Write the kinds of `problem_kinds` as lines for the screen.

    Examples
    --------
    >>> found = Problem("a.csv", "row 2", "7", "is no code", row="2", column="Q1", done=SET_MISSING)
    >>> list_kinds(problem_kinds(problem_table([found])))
    ["set to missing: 1 x is no code (column Q1; row 2; found '7')"]
    >>> list_kinds(problem_kinds(problem_table([Problem("a.csv", "", "", "1 row is empty")])))
    ['rejected: 1 row is empty']
    """
    lines = []
    for kind in kinds.itertuples(index=False):
        places = [f"column {kind.columns}"] if kind.columns else []
        places += [f"row {kind.rows}"] if kind.rows else []
        places += [f"found {kind.found!r}"] if kind.found else []
        times = "" if kind.problem.startswith(f"{kind.n} ") else f"{kind.n} x "
        line = f"{kind.done}: {times}{kind.problem} ({'; '.join(places)})"
        line = line.removesuffix(" ()") + (f", {kind.rule}" if kind.rule else "")
        lines.append(line + (f". {_sentence(kind.remedy)}" if kind.remedy else ""))
    return lines


def counted(n: int, one: str, many: str) -> str:
    """Write a number with what follows it, which differs for one.

    Examples
    --------
    >>> counted(1, "row is", "rows are"), counted(2, "row is", "rows are")
    ('1 row is', '2 rows are')
    """
    return f"{n} {one if n == 1 else many}"


def first_five(names: Sequence[object]) -> str:
    """Write the first five names or numbers, and how many more there are.

    Examples
    --------
    >>> first_five(range(2, 12))
    '2, 3, 4, 5, 6 and 5 more'
    """
    return ", ".join(map(str, names[:5])) + f" and {len(names) - 5} more" * (len(names) > 5)


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a parameter outside its range.

    Raises
    ------
    InputError
        If it is.

    Examples
    --------
    >>> check_range("share", 5, 0, 1)
    Traceback (most recent call last):
    cycle_analysis.problems.InputError: parameters, share: '5': is out of range. Allowed: 0 to 1.
    """
    if not low <= value <= high:
        allowed = f"{low:g} to {high:g}" if high < float("inf") else f"{low:g} or more"
        raise refuse("parameters", name, f"{value:g}", "is out of range", allowed)


def on_one_line(text: str) -> str:
    r"""Write a text without the tabs and line ends that would break a table.

    Examples
    --------
    >>> on_one_line("a\tb\n=1")
    'a b =1'
    """
    return re.sub(r"[\t\r\n]+", " ", text)
