"""Know the parameters of the notebooks before anything runs.

The parameters cell of a notebook is the only description of a parameter: name, type, default, and
meaning with unit in the comment. papermill ignores an unknown parameter with a log line and does
not check types; so everything a user gives is checked here first.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from cycle_analysis.problems import InputError, Problem

Option = TypeVar("Option")
Value = str | int | float | bool | list[float]
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
SET_BY_THE_RUN = ("study_name", "wave")
"""Parameters that the run fills in itself."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Attributes
    ----------
    name, kind : str
        Its name, and its type: str, int, float or bool.
    default : str or int or float or bool
        Its value when nobody gives one.
    meaning : str
        The comment beside it.
    """

    name: str
    kind: str
    default: Value
    meaning: str

    def read(self, text: str) -> Value:
        """Read a text as this parameter's type; ValueError if it is of another."""
        if self.kind == "bool":
            if text.lower() not in {"true", "false"}:
                raise ValueError("true, false")
            return text.lower() == "true"
        allowed = {"int": "a whole number", "float": "a number with a decimal point"}
        try:
            return TYPES[self.kind](text)
        except ValueError:
            raise ValueError(allowed[self.kind]) from None


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters cell of a notebook.

    Raises
    ------
    ValueError
        If the notebook has no such cell, or a line in it papermill would not see.
    """
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{notebook.name} has {len(tagged)} cells tagged `parameters`, not one")
    source = "".join(tagged[0]["source"])
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            raise ValueError(
                f"{notebook.name}: {lines[node.lineno - 1]!r} is not `name: type = default`"
            )
        name, kind = ast.unparse(node.target), ast.unparse(node.annotation)
        if kind not in TYPES:
            raise ValueError(
                f"{notebook.name}: {name} has type {kind}; allowed: {', '.join(TYPES)}"
            )
        meaning = lines[node.lineno - 1].partition("#")[2].strip()
        found[name] = Parameter(name, kind, ast.literal_eval(node.value), meaning)
    return found


def check_parameters(
    given: Mapping[str, Mapping[str, str]], known: Mapping[str, Mapping[str, Parameter]], file: str
) -> dict[str, dict[str, Value]]:
    """Check the parameters that a user gives against those of the notebooks.

    Parameters
    ----------
    given : mapping of notebook to mapping of parameter to text
        From study.yaml or the command line. A notebook may be named in full or by its number.
    known : mapping of notebook to mapping of parameter to Parameter
        From `read_parameters`.
    file : str
        Where they were given, for messages.

    Returns
    -------
    dict of notebook to dict of parameter to value
        With every value of its parameter's type.

    Raises
    ------
    InputError
        With every unknown notebook, unknown parameter, and value of a wrong type.
    """
    problems: list[Problem] = []
    values: dict[str, dict[str, Value]] = {}
    for short, parameters in given.items():
        notebook = next((name for name in known if short in (name, name.split("_")[0])), "")
        if not notebook:
            problems.append(_unknown(file, "parameters", short, list(known), "notebook"))
            continue
        settable = {n: p for n, p in known[notebook].items() if n not in SET_BY_THE_RUN}
        for name, text in parameters.items():
            where = f"parameter {notebook}.{name}"
            if name not in settable:
                problems.append(_unknown(file, where, name, list(settable), "parameter"))
                continue
            try:
                values.setdefault(notebook, {})[name] = settable[name].read(text)
            except ValueError as error:
                problem = f"is no {settable[name].kind} ({settable[name].meaning})"
                problems.append(Problem(file, where, text, problem, str(error)))
    if problems:
        raise InputError(problems)
    return values


def _unknown(file: str, where: str, name: str, known: list[str], kind: str) -> Problem:
    near = get_close_matches(name, known, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else ""
    return Problem(file, where, name, f"is no {kind}", ", ".join(known), remedy)


def pick(options: Mapping[str, Option], name: str, parameter: str) -> Option:
    """Take the function that a notebook's parameter names.

    Raises
    ------
    InputError
        If there is none of that name.

    Examples
    --------
    >>> pick({"mean": sum, "longest": max}, "longest", "aggregation")
    <built-in function max>
    """
    if name not in options:
        raise InputError([_unknown("parameters", parameter, name, list(options), "choice")])
    return options[name]
