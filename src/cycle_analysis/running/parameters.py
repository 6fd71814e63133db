"""Know the parameters of the notebooks before anything runs.

The parameters cell of a notebook is the only description of a parameter: name, type, default, and
meaning with unit in the comment. A comment ends with what is allowed: ``0-1``, ``12 or more``, or
``one of nl, en``. papermill ignores an unknown parameter with a log line and checks neither types
nor ranges; so everything a user gives is checked here first.
"""

import ast
import json
import math
import re
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
RANGE = re.compile(r", (?P<low>[\d.]+)(?:-(?P<high>[\d.]+)| or more)$")
"""How a comment ends that says between which numbers, both included, a parameter lies."""
CHOICES = re.compile(r", one of (?P<names>.+)$")
"""How a comment ends that says which texts are allowed."""
ONE_DIVISION = ("05_profiles", "06_validity", "07_waves")
"""Notebooks that divide the units in the same way."""
ALIKE = {
    "n_profiles": ONE_DIVISION,
    "n_levels": ONE_DIVISION,
    "min_answered": ("02_scores", "07_waves"),
}
"""Parameters that must have the same value in several notebooks."""


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

    @property
    def ends(self) -> tuple[float, float] | None:
        """Smallest and largest value allowed, None when the comment says none."""
        found = RANGE.search(self.meaning)
        return found and (float(found["low"]), float(found["high"] or math.inf))

    @property
    def choices(self) -> list[str]:
        """Texts allowed, empty when the comment says none."""
        found = CHOICES.search(self.meaning)
        return found["names"].split(", ") if found else []

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

    def allows(self, value: Value) -> bool:
        """Whether a value of the right type is one that the comment allows.

        Examples
        --------
        >>> share = Parameter("share", "float", 0.5, "share of items, 0-1")
        >>> share.allows(1.0), share.allows(1.5), share.allows(float("nan"))
        (True, False, False)
        """
        if self.ends:
            low, high = self.ends
            return low <= number(value) <= high and math.isfinite(number(value))
        return not self.choices or value in self.choices


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters cell of a notebook.

    Raises
    ------
    InputError
        If the file is no notebook, has no such cell, or a line in it papermill would not see.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        lines = ["".join(cell["source"]) for cell in tagged]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(notebook, "", f"is no notebook ({error})") from None
    if len(lines) != 1:
        raise _unreadable(notebook, "", f"has {len(lines)} cells tagged `parameters`, not one")
    try:
        body = ast.parse(lines[0]).body
    except SyntaxError as error:
        raise _unreadable(notebook, error.text or "", f"is no Python: {error.msg}") from None
    found = [_read_line(notebook, node, lines[0].splitlines()[node.lineno - 1]) for node in body]
    return {parameter.name: parameter for parameter in found}


def _read_line(notebook: Path, node: ast.stmt, line: str) -> Parameter:
    """Read one line of a parameters cell."""
    if not isinstance(node, ast.AnnAssign) or node.value is None:
        raise _unreadable(notebook, line, "is not `name: type = default  # meaning`")
    name, kind = ast.unparse(node.target), ast.unparse(node.annotation)
    if kind not in TYPES:
        raise _unreadable(notebook, line, f"has the type {kind}, not {', '.join(TYPES)}")
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        raise _unreadable(notebook, line, "has a default that is no plain value") from None
    return Parameter(name, kind, default, line.partition("#")[2].strip())


def _unreadable(notebook: Path, line: str, problem: str) -> InputError:
    remedy = "Take the notebook anew from the project, or correct it"
    return InputError([Problem(notebook.name, "parameters cell", line, problem, "", remedy)])


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
        With every unknown notebook, unknown parameter, and value of a wrong type or out of range.
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
            elif found := _wrong(file, where, settable[name], text):
                problems.append(found)
            else:
                values.setdefault(notebook, {})[name] = settable[name].read(text)
    if problems:
        raise InputError(problems)
    return values


def check_together(values: Mapping[str, Mapping[str, Value]]) -> None:
    """Refuse parameters that are each allowed, but not together.

    Parameters
    ----------
    values : mapping of notebook to mapping of parameter to value
        Of all notebooks, complete.

    Raises
    ------
    InputError
        If a parameter differs between notebooks that must agree, or more profiles are asked for
        than notebook 04 considers.
    """
    problems = []
    for name, notebooks in ALIKE.items():
        found = {notebook: values[notebook][name] for notebook in notebooks}
        if len(set(found.values())) > 1:
            shown = ", ".join(f"{notebook} {value}" for notebook, value in found.items())
            problem = "differs between notebooks that must agree"
            remedy = f"Set it in all of them: {', '.join(notebooks)}"
            problems.append(Problem("parameters", name, shown, problem, "one value", remedy))
    asked = values["05_profiles"]["n_profiles"]
    most = values["04_number_of_profiles"]["max_profiles"]
    if number(asked) > number(most):
        remedy = "Ask for fewer, or raise 04_number_of_profiles.max_profiles"
        told = ("n_profiles", f"{asked}", "is more than notebook 04 considers", f"0-{most}", remedy)
        problems.append(Problem("parameters", *told))
    if problems:
        raise InputError(problems)


def number(value: Value) -> float:
    """Take a parameter of type int or float as the number it is."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def _wrong(file: str, where: str, parameter: Parameter, text: str) -> Problem | None:
    """Say what is wrong with a value, if anything."""
    try:
        value = parameter.read(text)
    except ValueError as error:
        problem = f"is no {parameter.kind} ({parameter.meaning})"
        return Problem(file, where, text, problem, str(error))
    if parameter.allows(value):
        return None
    if parameter.choices:
        return _unknown(file, where, text, parameter.choices, "choice")
    end = RANGE.search(parameter.meaning)
    allowed = end[0].removeprefix(", ") if end else ""
    return Problem(file, where, text, f"is out of range ({parameter.meaning})", allowed)


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
