"""Read a user's YAML file into a frozen model, with the line of every mistake.

Scalars stay text until the model says what they are: so the country code ``NO``, the answer
``no``, the code ``0059`` and a date arrive as they were typed.
"""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from cycle_analysis.problems import InputError, Problem

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class Frozen(BaseModel):
    """A model that cannot change once read, and knows no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _an_empty_list_is_nothing(cls, value: Any) -> Any:
        """A key of a list or mapping may stand there without any entry, or with comments only."""
        if not isinstance(value, dict):
            return value
        lists = {name for name, entry in cls.model_fields.items() if entry.default in ([], {})}
        return {name: part for name, part in value.items() if part != "" or name not in lists}


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
            root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_NoAliases)
        except UnicodeDecodeError as error:
            raise InputError([_not_utf8(file, error)]) from None
        except yaml.MarkedYAMLError as error:
            raise InputError([_syntax(file, error)]) from None
        except RecursionError:
            problem = "is nested too deeply to be a study"
            raise InputError([Problem(file, "contents", "", problem)]) from None
        except yaml.YAMLError as error:
            raise InputError(
                [Problem(file, "contents", "", str(error).replace("\n", " "))]
            ) from None
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

    def _plain(self, node: yaml.Node, key: Key) -> Any:
        self.lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
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
                where = self.place((*key, name))
                self.problems.append(
                    Problem(self.file, where, name, "stands twice", "each key once", "Delete one")
                )
            found[name] = self._plain(child, (*key, name))
        return found


class _NoAliases(yaml.SafeLoader):
    """YAML without anchors and aliases: a file of one page must not unfold to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="an alias (*name) is not allowed", problem_mark=mark)
        return super().compose_node(parent, index)


_KINDS = {
    "date": ("is no date", "year-month-day, such as 2022-03-01"),
    "int": ("is no whole number", "a whole number, such as 4"),
    "float": ("is no number", "a number, with a point for decimals"),
}
"""What is wrong with a text that should be of this kind, and what is allowed."""


def read_model(model: type[Model], text: YamlText) -> Model:
    """Read the text of a YAML file as `model`.

    Raises
    ------
    InputError
        With one problem for every key that is unknown, missing, or of the wrong type.
    """
    try:
        return model.model_validate(text.tree)
    except ValidationError as error:
        raise InputError([_explain(text, mistake) for mistake in error.errors()]) from None


def _explain(text: YamlText, mistake: Any) -> Problem:
    key: Key = mistake["loc"]
    value = "" if mistake["type"] == "missing" else _shorten(mistake["input"])
    problem, allowed, remedy = mistake["msg"].removeprefix("Value error, "), "", ""
    if mistake["type"] == "missing":
        problem, remedy = f"the key {key[-1]!r} is missing", "Add it"
    elif mistake["type"] == "extra_forbidden":
        problem, remedy = "is not a known key here", "Check its spelling, or delete it"
        value = str(key[-1])
    elif mistake["input"] == "":
        problem, remedy = "is empty", "Fill it in"
    elif (kind := mistake["type"].partition("_")[0]) in _KINDS:
        problem, allowed = _KINDS[kind]
    elif "expected" in mistake.get("ctx", {}):
        problem, allowed = "is not allowed here", str(mistake["ctx"]["expected"])
    return Problem(text.file, text.place(key), value, problem, allowed, remedy)


def _shorten(value: object, length: int = 60) -> str:
    shown = str(value)
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def _not_utf8(file: str, error: UnicodeDecodeError) -> Problem:
    return Problem(
        file, f"byte {error.start}", "", "is not UTF-8 text", "UTF-8", "Save the file as UTF-8"
    )


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "contents"
    remedy = "Indent with spaces, and put texts with : or # between quotes"
    return Problem(file, where, "", f"is not YAML: {error.problem}", "", remedy)
