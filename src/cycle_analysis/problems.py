"""Say what is wrong with a user's files: all of it at once, each with the remedy.

A `Problem` is one row of the problem table. Whatever stops a run is raised as one `InputError`
that carries every problem found; whatever does not is returned as a table beside the result.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import pandas as pd

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
    """

    file: str
    where: str
    value: str
    problem: str
    allowed: str = ""
    remedy: str = ""
    done: str = REJECTED
    respondent: str = ""

    def __str__(self) -> str:
        found = f" {self.value!r}:" if self.value else ""
        text = f"{self.file}, {self.where}:{found} {self.problem}."
        if self.allowed:
            text += f" Allowed: {self.allowed}."
        if self.remedy:
            text += f" {self.remedy}."
        return text


class InputError(ValueError):
    """The user's files or arguments are wrong; says everything found, and how to mend it.

    Examples
    --------
    >>> print(InputError([Problem("study.yaml", "line 3", "x", "is not a wave", "2018, 2022")]))
    study.yaml, line 3: 'x': is not a wave. Allowed: 2018, 2022.
    """

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def problem_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Set problems as a table, one row each, columns as the attributes of `Problem`.

    Examples
    --------
    >>> problem_table([Problem("a.csv", "row 2", "7", "outside the scale")]).shape
    (1, 8)
    """
    columns = [field.name for field in fields(Problem)]
    return pd.DataFrame([asdict(problem) for problem in problems], columns=columns, dtype="str")
