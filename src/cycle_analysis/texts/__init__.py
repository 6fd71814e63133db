"""The texts of the report, in Dutch and in English: the same keys in both."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any

import yaml

LANGUAGES = ("nl", "en")


@dataclass(frozen=True)
class Texts:
    """Texts in one language, found by key.

    Attributes
    ----------
    language : str
        ``"nl"`` or ``"en"``.
    entries : mapping of str to str
        Texts by dotted key; names in braces are filled in.
    """

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """Give a text with its names filled in.

        Raises
        ------
        ValueError
            When there is no such text, or a name in it is not given.
        """
        if key not in self.entries:
            raise ValueError(f"there is no text {key!r} in {self.language}.yaml; add it there")
        try:
            return self.entries[key].format(**values)
        except KeyError as error:
            raise ValueError(f"text {key!r} needs {error}; given: {sorted(values)}") from None

    def get(self, key: str, otherwise: str) -> str:
        """Give a text without names to fill in, or another when there is none."""
        return self.entries.get(key, otherwise)

    def names(self, key: str) -> set[str]:
        """Names that a text fills in."""
        return {name for _, name, _, _ in Formatter().parse(self.get(key, "")) if name}

    def listed(self, parts: list[str]) -> str:
        """Set parts in a row: a, b en c."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self('words.and')} {parts[-1]}"


@cache
def load_texts(language: str) -> Texts:
    """Load the texts of a language.

    Raises
    ------
    ValueError
        When there are none.

    Examples
    --------
    >>> load_texts("nl")("words.figure")
    'Figuur'
    """
    if language not in LANGUAGES:
        raise ValueError(f"There are no texts in {language!r}; choose from {list(LANGUAGES)}.")
    return Texts(language, dict(_flat(read_yaml(f"{language}.yaml"))))


def read_yaml(name: str) -> Any:
    """Read one of the files of this folder."""
    return yaml.safe_load(resources.files(__name__).joinpath(name).read_text("utf-8"))


def _flat(tree: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Set a tree of texts as dotted keys."""
    found: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{above}{name}"
        found += _flat(value, f"{key}.") if isinstance(value, Mapping) else [(key, str(value))]
    return found
