"""Read the text files of a study strictly, with every mistake by its place.

YAML is read as text with the line of each key, then as frozen types; csv with every cell as text.
"""

import contextlib
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pandas as pd
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from cycle_analysis.problems import InputError, Problem, first_five, refuse, refuse_any
from cycle_analysis.whole_files import absent, check_plain

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class YamlText:
    """The text of a YAML file as nested dicts and lists, with the line of each key.

    Attributes
    ----------
    file : str
        Name by which messages call the file.
    tree : dict or list or str
        Contents; every scalar is text, an empty value is ``""``.
    lines : dict of tuple to int
        Line number (from 1) of each key, ``("phases", 2, "code")``.
    """

    def __init__(self, path: Path, file: str):
        self.file = file
        self.lines: dict[Key, int] = {}
        self.problems: list[Problem] = []
        try:
            root = _composed(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise not_utf8(file, error, "Save the file as UTF-8") from None
        except yaml.MarkedYAMLError as error:
            raise _not_yaml(file, error) from None
        except RecursionError:
            raise refuse(file, "contents", "", "is nested too deeply to be a study") from None
        except yaml.YAMLError as error:
            raise refuse(file, "contents", "", str(error).replace("\n", " ")) from None
        self.tree = self._plain(root, ()) if root is not None else {}
        if self.problems:
            raise InputError(self.problems)

    def place(self, key: Key) -> str:
        """Say where a key stands: ``line 4, phases.2.code``; the nearest parent if it is absent."""
        dotted = ".".join(str(part) for part in key)
        known = key
        while known and known not in self.lines:
            known = known[:-1]
        return f"line {self.lines.get(known, 1)}, {dotted}" if dotted else "line 1"

    def problem(
        self, key: Key, value: str, problem: str, allowed: str = "", remedy: str = ""
    ) -> Problem:
        """Describe what is wrong with the value of a key."""
        return Problem(self.file, self.place(key), value, problem, allowed, remedy)

    def _plain(self, node: yaml.Node, key: Key) -> Any:
        self.lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            if _CONTROL.search(node.value) or (node.style == '"' and "\t" in node.value):
                problem = "holds a sign that no keyboard has, made by \\ between double quotes"
                said = (problem, "", "Write / for it, or put the text between single quotes")
                self.problems.append(self.problem(key, node.value, *said))
            empty = node.style is None and node.value in {"~", "null"}
            return "" if empty else node.value
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(child, (*key, i)) for i, child in enumerate(node.value)]
        return self._mapping(node, key)

    def _mapping(self, node: yaml.Node, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name_node, child in node.value:
            name = str(name_node.value)
            self.lines[(*key, name)] = name_node.start_mark.line + 1
            if name in found:
                said = (name, "stands twice", "each key once", "Delete one")
                self.problems.append(self.problem((*key, name), *said))
            found[name] = self._plain(child, (*key, name))
        return found


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_QUOTE = "Put a text that holds : # or quotes between double quotes, and write single ones in it"
_PARSER = {
    r"found character '\\t'": ("a tab stands before or between keys", "Indent with spaces"),
    "expected <block end>": (
        "this line stands further in or out than those it belongs to, or a quote is not closed",
        "Give keys that belong together as many spaces, and each text a pair of quotes",
    ),
    "mapping values are not allowed": (
        "a colon stands within a text, or the line above has no colon at its end",
        _QUOTE,
    ),
    "escape": (
        "a backslash stands between double quotes",
        "Write / for it, or put the text between single quotes",
    ),
    "expected ','": ("a comma, a bracket or a quote is missing here or before", _QUOTE),
    "unexpected end of stream": ("a quote or bracket opens here and is not closed", "Close it"),
    "could not find expected ':'": ("the line above has no colon after its key", "Add it"),
}
"""What the parser says, what that means, and what to do."""


def _not_yaml(file: str, error: yaml.MarkedYAMLError) -> InputError:
    """Make the error that refuses what the parser cannot read, in words of its own user."""
    said = str(error.problem)
    mark = (error.context_mark if "end of stream" in said else None) or error.problem_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "contents"
    known = (told for part, told in _PARSER.items() if re.search(part, said))
    problem, remedy = next(known, (said, f"Indent with spaces. {_QUOTE}"))
    return refuse(file, where, "", f"is not YAML: {problem}", "", remedy)


class _NoAliases(yaml.SafeLoader):
    """YAML without anchors and aliases: a file of one page must not unfold to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="an alias (*name) is not allowed", problem_mark=mark)
        return super().compose_node(parent, index)


@lru_cache(maxsize=64)
def _composed(text: str) -> yaml.Node | None:
    """Compose a text once: a run reads the same files again and again, which takes longest."""
    return yaml.compose(text, Loader=_NoAliases)


_KINDS: dict[str | tuple[str, ...], tuple[str, str]] = {
    "date": ("is no date", "year-month-day, such as 2022-03-01"),
    "int": ("is no whole number", "a whole number, such as 4"),
    ("float", "finite"): ("is no number", "a number, with a point for decimals"),
    "bool": ("is neither true nor false", "true, false"),
    "string": ("is no text", "a text, between quotes if it holds : or #"),
    ("list", "tuple"): ("is no list", "[one, two], or a line with - for each"),
    ("dict", "model"): ("has no keys", 'key: value, one on each line, such as nl: "a text"'),
}
"""What is wrong with what should be of this kind, and what is allowed."""


def read_model(model: type[Model], text: YamlText, languages: Sequence[str] | None = None) -> Model:
    """Read the text of a YAML file as `model`.

    Parameters
    ----------
    model : type
        What the file holds.
    text : YamlText
        The file.
    languages : sequence of str, optional
        Languages in which every text must be; not checked when the study itself cannot be read.

    Raises
    ------
    InputError
        With one problem for every key that is unknown, missing, or of the wrong type.
    """
    try:
        known = None if languages is None else {"languages": languages}
        return model.model_validate(text.tree, context=known)
    except ValidationError as error:
        raise InputError([_explain(text, mistake) for mistake in error.errors()]) from None


def read_parts(
    model: type[BaseModel], text: YamlText, languages: Sequence[str] | None = None
) -> dict[str, Any]:
    """Read each key of a YAML file by itself: those that are right, and defaults of the absent.

    Parameters are those of `read_model`.
    """
    given = text.tree if isinstance(text.tree, dict) else {}
    known = None if languages is None else {"languages": languages}
    parts = {}
    for name, field in model.model_fields.items():
        kind: Any = Annotated[field.annotation, *field.metadata, None]
        nothing = given.get(name) == "" and field.default in ([], {})
        if name in given and not nothing:
            with contextlib.suppress(ValidationError):
                parts[name] = TypeAdapter(kind).validate_python(given[name], context=known)
        elif not field.is_required():
            parts[name] = field.get_default(call_default_factory=True)
    return parts


def _explain(text: YamlText, mistake: Any) -> Problem:
    key: Key = mistake["loc"]
    kind, context = mistake["type"], mistake.get("ctx", {})
    shown = "" if isinstance(mistake["input"], dict) else str(mistake["input"])
    value = shown if len(shown) <= 60 else f"{shown[:59]}…"
    problem, allowed, remedy = "cannot be read here", "", ""
    if kind == "missing" and isinstance(key[-1], str):
        problem, value, remedy = f"the key {key[-1]!r} is missing", "", "Add it"
    elif kind == "language_missing":
        key = (*key, mistake["msg"])
        problem, value, remedy = f"the key {mistake['msg']!r} is missing", "", "Add it"
    elif kind == "extra_forbidden":
        problem, remedy = "is not a known key here", "Check its spelling, or delete it"
        value = str(key[-1])
    elif kind == "language_unknown":
        key, value = (*key, mistake["msg"]), mistake["msg"]
        problem = "is no language of this study"
        remedy = "Add it to `languages` in study.yaml, with a text wherever others have one, or "
        remedy += "delete it"
    elif mistake["input"] == "":
        problem, remedy = "is empty", "Fill it in"
    elif kind.startswith("string") and isinstance(mistake["input"], list):
        problem, allowed = "is a list, where one is taken", "one text"
        remedy = "Bring several files or columns into one first, and name that"
    elif kind == "value_error":
        problem = mistake["msg"].removeprefix("Value error, ")
    elif "expected" in context:
        problem, allowed = "is not allowed here", str(context["expected"])
    elif kind in {"too_short", "too_long", "missing"}:
        problem = "holds too many entries" if kind == "too_long" else "holds too few entries"
        allowed = f"{context.get('min_length', context.get('max_length', 'two'))}"
        allowed += " or more" * (kind == "too_short")
    elif kind == "greater_than_equal":
        problem, allowed = "is too low", f"{context['ge']} or more"
    elif kind == "less_than_equal":
        problem, allowed = "is too high", f"{context['le']} or less"
    else:
        kinds = (found for start, found in _KINDS.items() if kind.startswith(start))
        problem, allowed = next(kinds, (problem, allowed))
    return text.problem(key, value, problem, allowed, remedy)


def read_table(path: str | Path, required: Sequence[str]) -> pd.DataFrame:
    """Read all cells of a csv as text, empty ones as '', after a check of its columns.

    Returns
    -------
    DataFrame
        Without empty rows, or empty columns at the end, as spreadsheets leave them; the index
        counts rows from the one below the header, which is 0.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column of `required`, or has rows of another width.
    """
    name = Path(path).name
    check_plain(Path(path))
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise absent(Path(path), "Put it there, or correct its name where it is given") from None
    except OSError as error:
        place = (name, "file", "", f"cannot be read ({error.strerror})", "")
        raise refuse(*place, "Check its name and where it stands") from error
    except UnicodeDecodeError as error:
        raise not_utf8(
            name, error, "Save the file as csv in UTF-8 (Excel: as CSV UTF-8)"
        ) from error
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    lines = [cells for _, cells in parse_csv(name, io.StringIO(text), delimiter)] or [[]]
    columns = _without_empty_end([column.strip() for column in lines[0]], 0)
    rows = {
        line: _without_empty_end(row, len(columns))
        for line, row in enumerate(lines[1:])
        if any(map(str.strip, row))
    }
    what, allowed = "is not a column, or more than one", ", ".join(required)
    remedy = "Put a text that holds the sign between cells in double quotes"
    allowed_cells = f"{len(columns)} cells"
    found = [
        Problem(name, "first line", column, what, allowed, f"There stands: {first_five(columns)}")
        for column in required
        if columns.count(column) != 1
    ] + [
        Problem(name, f"row {line + 2}", "", f"has {len(row)} cells", allowed_cells, remedy)
        for line, row in rows.items()
        if len(row) != len(columns)
    ]
    refuse_any(found)
    table = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns, dtype="str")
    return table.apply(lambda column: column.str.strip())


def _without_empty_end(cells: list[str], least: int) -> list[str]:
    """Leave out empty cells at the end, beyond the first `least`."""
    n = max((i for i, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    return cells[: max(n, least)]


def parse_csv(file: str, lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give the first line and the cells of each record.

    A quote that is not closed is told by the line where it opens.
    """
    reader, line = csv.reader(lines, delimiter=delimiter, strict=True), 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = "Look for a double quote that is not closed or stands within a text"
        raise refuse(file, f"line {line}", "", str(error), "", remedy) from None


def not_utf8(file: str, error: UnicodeDecodeError, remedy: str) -> InputError:
    """Make the error that refuses a text in another encoding, by its line and what stands there."""
    told, at = error.object, error.start
    line = told.count(b"\n", 0, at) + 1
    part = told[max(told.rfind(b"\n", 0, at) + 1, at - 20) : at + 20].partition(b"\n")[0]
    shown = "" if b"\0" in part else part.decode("cp1252", "replace").strip()
    return refuse(file, f"line {line}", shown, "is not UTF-8 text", "UTF-8", remedy)
