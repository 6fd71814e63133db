"""Run the notebooks of a study: which ones, for which wave, with what, and what each needs.

All exports are checked first, so that a mistake in any wave is told before work begins. 01-03 run
per wave, 04-06 on the reference wave, 07 over all waves, then those of the study's own, 08 last.

The parameters cell of a notebook is the only description of a parameter: name, type, default, and
meaning with unit in the comment. A comment ends with what is allowed: ``0-1``, ``12 or more``, or
``one of mean, median``. papermill ignores an unknown parameter with a log line and checks neither
types nor ranges; so everything a user gives is checked here, by one function and in the same words,
whether it came by the command line, by study.yaml, or into a notebook itself.
"""

import ast
import json
import math
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from cycle_analysis.problems import InputError, Problem, refuse, refuse_any
from cycle_analysis.results import ALL_WAVES, Results, Value
from cycle_analysis.study import Study
from cycle_analysis.texts import find_languages
from cycle_analysis.whole_files import write_whole

Option = TypeVar("Option")
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number with a decimal point",
    "bool": "true, false",
}
"""What is allowed of each type, for messages."""
SET_BY_THE_RUN = ("study_name", "wave")
"""Parameters that the run fills in itself."""
RANGE = re.compile(r", (?P<low>[\d.]+)(?:-(?P<high>[\d.]+)| or more)$")
"""How a comment ends that says between which numbers, both included, a parameter lies."""
CHOICES = re.compile(r", one of (?P<names>.+)$")
"""How a comment ends that says which texts are allowed."""
LANGUAGES = "those with texts"
"""What a comment names instead of languages: those of the package, and those of the study."""
CHECK = "check"
"""The step before the notebooks: are the exports of all waves usable?"""
PER_WAVE = ("01_responses", "02_scores", "03_cycle")
ON_REFERENCE = ("04_number_of_profiles", "05_profiles", "06_validity")
OVER_WAVES = ("07_waves", "08_report")
LONGEST_WAY = (*PER_WAVE, *ON_REFERENCE)
"""Notebooks that go first on the reference wave: the others fit in beside them."""
NOTEBOOKS = (*PER_WAVE, *ON_REFERENCE, *OVER_WAVES)


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
    texts : tuple of Path
        Folders in which a study has languages of its own.
    """

    name: str
    kind: str
    default: Value
    meaning: str
    texts: tuple[Path, ...] = ()

    @property
    def ends(self) -> tuple[float, float] | None:
        """Smallest and largest value allowed, None when the comment says none."""
        found = RANGE.search(self.meaning)
        return found and (float(found["low"]), float(found["high"] or math.inf))

    @property
    def choices(self) -> list[str]:
        """Texts allowed, empty when the comment says none."""
        found = CHOICES.search(self.meaning)
        if found and found["names"] == LANGUAGES:
            return find_languages(*self.texts)
        return found["names"].split(", ") if found else []

    def read(self, given: object) -> Value:
        """Read what was given as this parameter's type.

        Parameters
        ----------
        given : object
            A text, as a command gives it, or a value, as a notebook holds it.

        Raises
        ------
        ValueError
            If it is of another type; says what is allowed.

        Examples
        --------
        >>> share = Parameter("share", "float", 0.5, "share of items, 0-1")
        >>> share.read("0.7"), share.read(1)
        (0.7, 1.0)
        >>> share.read(True)
        Traceback (most recent call last):
        ValueError: a number with a decimal point
        """
        with suppress(ValueError, KeyError, OverflowError):
            if isinstance(given, str) and self.kind == "bool":
                return {"true": True, "false": False}[given.lower()]
            if isinstance(given, str) or self._takes(given):
                return TYPES[self.kind](given)
        raise ValueError(WORDS[self.kind])

    def _takes(self, value: object) -> bool:
        """Whether a value is of this type, or a whole number where a text or number is asked."""
        if isinstance(value, bool):
            return self.kind == "bool"
        if isinstance(value, int):  # papermill makes 2018 of the wave "2018"
            return self.kind != "bool"
        return self.kind == "float" and isinstance(value, float)

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


Known = Mapping[str, Mapping[str, Parameter]]
"""The parameters that notebooks have, by their names."""


@dataclass(frozen=True)
class Step:
    """One notebook for one wave.

    Attributes
    ----------
    notebook : str
        Name of the notebook without its suffix, or `CHECK`.
    wave : str
        The wave, or `ALL_WAVES`.
    needs : tuple of Step
        Steps whose tables it loads.
    raw_waves : tuple of str
        Waves whose raw files and wave.yaml it reads itself.
    """

    notebook: str
    wave: str
    needs: "tuple[Step, ...]" = ()
    raw_waves: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.notebook if self.wave == ALL_WAVES else f"{self.notebook} {self.wave}"


def read_parameters(notebook: Path, *texts: Path) -> dict[str, Parameter]:
    """Read the parameters cell of a notebook.

    Parameters
    ----------
    notebook : Path
        The file.
    *texts : Path
        Folders in which a study has languages of its own.

    Raises
    ------
    InputError
        If the file is no notebook, has no such cell, or a line in it papermill would not see.
    """
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        sources = ["".join(cell["source"]) for cell in tagged]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(notebook.name, "", f"is no notebook ({error})") from None
    if len(sources) != 1:
        raise _unreadable(
            notebook.name, "", f"has {len(sources)} cells tagged `parameters`, not one"
        )
    return read_cell(sources[0], notebook.name, *texts)


def read_cell(source: str, file: str, *texts: Path) -> dict[str, Parameter]:
    """Read the source of a parameters cell.

    Raises
    ------
    InputError
        If a line is not ``name: type = default  # meaning``.

    Examples
    --------
    >>> cell = "active_from: float = 50.0  # score from which a phase counts as active, 0-100"
    >>> read_cell(cell, "03_cycle.ipynb")["active_from"].ends
    (0.0, 100.0)
    """
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise _unreadable(file, error.text or "", f"is no Python: {error.msg}") from None
    lines = source.splitlines()
    found = [_read_line(file, node, lines[node.lineno - 1]) for node in body]
    return {parameter.name: replace(parameter, texts=texts) for parameter in found}


def check_parameters(
    given: Mapping[str, Mapping[str, object]], known: Known, file: str
) -> dict[str, dict[str, Value]]:
    """Check the parameters that a user gives against those of the notebooks.

    Parameters
    ----------
    given : mapping of notebook to mapping of parameter to text or value
        From study.yaml, the command line, or a notebook. A notebook may be named in full or by its
        number, 04 or 4.
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
        ways = short, short.zfill(2)  # 4 is 04
        notebook = next((n for n in known if n in ways or n.split("_")[0] in ways), "")
        if not notebook:
            problems.append(_unknown(file, "parameters", short, list(known), "notebook"))
            continue
        settable = {n: p for n, p in known[notebook].items() if n not in SET_BY_THE_RUN}
        for name, value in parameters.items():
            where = f"parameter {notebook}.{name}"
            if name not in settable:
                problems.append(_stray(file, where, name, settable, known))
            elif found := _wrong(file, where, settable[name], value):
                problems.append(found)
            else:
                values.setdefault(notebook, {})[name] = settable[name].read(value)
    refuse_any(problems)
    return values


def check_together(values: Mapping[str, Mapping[str, Value]], file: str = "parameters") -> None:
    """Refuse parameters that are each allowed, but not together.

    Parameters
    ----------
    values : mapping of notebook to mapping of parameter to value
        Of all notebooks, or of one; complete.
    file : str
        Where they were given, for messages.

    Raises
    ------
    InputError
        If more profiles are asked for than notebook 04 considers.
    """
    of_04 = values.get("04_number_of_profiles", {})
    asked, most = of_04.get("n_profiles", 0), of_04.get("max_profiles", 0)
    if number(asked) > number(most):
        where, problem = "parameter 04_number_of_profiles.n_profiles", "is more than max_profiles"
        told = (where, f"{asked}", problem, f"0-{most}", "Ask for fewer, or raise max_profiles")
        raise refuse(file, *told)


def number(value: Value) -> float:
    """Take a parameter of type int or float as the number it is."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


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


def gather_parameters(
    study: Study, notebooks: Path, given: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, Value]]:
    """Set the parameters of each notebook: its defaults, then study.yaml, then the command line.

    Raises
    ------
    InputError
        If one of them is unknown, of the wrong type, out of range, or contradicts another.
    """
    known: dict[str, dict[str, Parameter]] = {
        name: read_parameters(notebook_file(study, name, notebooks), study.folder / "texts")
        for name in (*NOTEBOOKS, *study.own_notebooks)
    }
    values = {name: {p.name: p.default for p in known[name].values()} for name in known}
    sources = {"study.yaml": study.parameters, "command line": given}
    for file, parameters in sources.items():
        for name, checked in check_parameters(parameters, known, file).items():
            values[name] |= checked
    check_together(values)
    return values


def find_doubts(
    study: Study, parameters: Mapping[str, Mapping[str, Value]]
) -> tuple[list[Problem], list[Warning | str]]:
    """Read the exports of all waves; give what makes a run weak, and warnings to tell."""
    from cycle_analysis.responses.coded import read_all_responses
    from cycle_analysis.running.checking import doubt_study  # heavy: only when needed

    with warnings.catch_warnings(record=True) as told:
        responses = read_all_responses(study, number(parameters["01_responses"]["max_invalid"]))
        doubts = doubt_study(study, responses, parameters)
    return doubts, list({str(one.message): one.message for one in told}.values())


def plan(study: Study) -> list[Step]:
    """List the steps of a study, each after those that it needs."""
    reference = study.reference_wave
    check = Step(CHECK, ALL_WAVES, raw_waves=tuple(study.waves))
    steps = [check]
    responses: dict[str, Step] = {}
    scores: dict[str, Step] = {}
    cycles: dict[str, Step] = {}
    for wave in study.waves:
        responses[wave] = Step("01_responses", wave, (check,), (wave,))
        scores[wave] = Step("02_scores", wave, (responses[wave],))
        cycles[wave] = Step("03_cycle", wave, (responses[wave], scores[wave]))
        steps += [responses[wave], scores[wave], cycles[wave]]
    answered = (responses[reference], scores[reference])
    number = Step("04_number_of_profiles", reference, (*answered, cycles[reference]))
    profiles = Step("05_profiles", reference, (*answered, cycles[reference], number))
    validity = Step("06_validity", reference, (*answered, number, profiles))
    needs = (*responses.values(), scores[reference], number)
    waves = Step("07_waves", ALL_WAVES, needs, tuple(study.waves))
    steps += [number, profiles, validity, waves]
    for name in study.own_notebooks:
        asks_for_wave = "wave" in read_parameters(study.own_notebook(name))
        wave = reference if asks_for_wave else ALL_WAVES
        steps.append(Step(name, wave, tuple(steps), tuple(study.waves)))
    return [*steps, Step("08_report", ALL_WAVES, tuple(steps), tuple(study.waves))]


def finished_results(study: Study) -> Results:
    """Open the results of a study whose run is finished: every table of 01-07, none out of date.

    Raises
    ------
    InputError
        With every notebook to run again, and why.
    """
    home = study.folder.parents[2]
    results = Results(home / "data" / "processed" / study.name, study)
    done = set(NOTEBOOKS) - {"08_report"}
    results.check((step.notebook, step.wave) for step in plan(study) if step.notebook in done)
    return results


def notebook_file(study: Study, name: str, folder: Path) -> Path:
    """Give the path of a notebook: of the study's own, or in the folder of the others."""
    own = name in study.own_notebooks
    return study.own_notebook(name) if own else folder / f"{name}.ipynb"


def notebook_folder(home: Path) -> Path:
    """Notebooks of the home folder if it has them all, or else those this package came with."""
    own = home / "notebooks"
    has_all = all((own / f"{name}.ipynb").is_file() for name in NOTEBOOKS)
    return own if has_all else bundled_notebooks()


def bundled_notebooks() -> Path:
    """Notebooks that this package came with: in the wheel, or beside ``src`` in a clone."""
    package = Path(__file__).parents[1]
    in_wheel = package / "notebooks"
    return in_wheel if in_wheel.is_dir() else package.parents[1] / "notebooks"


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the notebooks to a folder, for those who edit them.

    Parameters
    ----------
    folder : Path
        It is made; ``<home>/notebooks`` is where a run looks first.

    Returns
    -------
    list of Path
        The copies.

    Raises
    ------
    InputError
        If one of them is there already, as somebody may have edited it, or cannot be written.
    """
    sources = sorted(bundled_notebooks().glob("*.ipynb"))
    if present := [path.name for path in sources if (folder / path.name).exists()]:
        shown = ", ".join(present[:5])
        remedy = "Name another folder, or move what stands there"
        raise refuse(str(folder), "notebooks", shown, "is there already", "", remedy)
    return [write_whole(folder / path.name, path.read_bytes()) for path in sources]


def _read_line(file: str, node: ast.stmt, line: str) -> Parameter:
    """Read one line of a parameters cell."""
    if not isinstance(node, ast.AnnAssign) or node.value is None:
        raise _unreadable(file, line, "is not `name: type = default  # meaning`")
    name, kind = ast.unparse(node.target), ast.unparse(node.annotation)
    if kind not in TYPES:
        raise _unreadable(file, line, f"has the type {kind}, not {', '.join(TYPES)}")
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        raise _unreadable(file, line, "has a default that is no plain value") from None
    return Parameter(name, kind, default, line.partition("#")[2].strip())


def _unreadable(file: str, line: str, problem: str) -> InputError:
    remedy = "Take the notebook anew from the project, or correct it"
    return refuse(file, "parameters cell", line, problem, "", remedy)


def _wrong(file: str, where: str, parameter: Parameter, given: object) -> Problem | None:
    """Say what is wrong with a value, if anything."""
    try:
        value = parameter.read(given)
    except ValueError as error:
        problem = f"cannot be read ({parameter.meaning})"
        return Problem(file, where, str(given), problem, str(error))
    if parameter.allows(value):
        return None
    if parameter.choices:
        return _unknown(file, where, str(given), parameter.choices, "choice")
    end = RANGE.search(parameter.meaning)
    allowed = end[0].removeprefix(", ") if end else ""
    return Problem(file, where, str(given), f"is out of range ({parameter.meaning})", allowed)


def _stray(
    file: str, where: str, name: str, settable: Mapping[str, Parameter], known: Known
) -> Problem:
    """Say that a notebook has no such parameter, and which one has."""
    found = _unknown(file, where, name, list(settable), "parameter")
    others = [notebook for notebook, theirs in known.items() if name in theirs]
    if not others or name in SET_BY_THE_RUN:
        return found
    return replace(found, remedy=f"It is one of {' and '.join(others)}")


def _unknown(file: str, where: str, name: str, known: list[str], kind: str) -> Problem:
    near = get_close_matches(name, known, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else ""
    return Problem(file, where, name, f"is no {kind}", ", ".join(known), remedy)
