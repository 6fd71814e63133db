"""One language: how it writes numbers, and its words for codes.

A language is a folder with a ``words.yaml`` and a template for each chapter. A third language needs
its folder only, in the package or under ``texts/`` of a study; a study may also replace single
words or chapters.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml

FILE = "words.yaml"
FOLDERS = [Path(__file__).parent]
"""Folders with languages that every study may use."""
NOTHING = "–"
"""What stands where there is no value."""
MINUS = "\u2212"
SMALL_P = 0.001
"""Under which p is told as less than that."""
ROUNDING = 1e-6
"""By how much a saved p may lie above the true one."""


def find_languages(*more: Path) -> list[str]:
    """List the languages that have words.

    Parameters
    ----------
    *more : Path
        Further folders to look in, such as ``texts`` of a study.

    Examples
    --------
    >>> {"en", "nl"} <= set(find_languages())
    True
    """
    files = (file for folder in (*FOLDERS, *more) for file in folder.glob(f"*/{FILE}"))
    return sorted({file.parent.name for file in files})


def find_lacking(folder: Path) -> list[str]:
    """List what a language lacks of what English has: files, and keys of words.yaml by their path.

    Examples
    --------
    >>> find_lacking(FOLDERS[0] / "nl")
    []
    """
    english = FOLDERS[0] / "en"
    files = [file.name for file in sorted(english.iterdir()) if not (folder / file.name).is_file()]
    ours, theirs = (_read(one / FILE) for one in (english, folder))
    return [*files, *(f"{FILE}: {path}" for path in _lacking(ours, theirs))]


def _lacking(ours: Mapping[str, Any], theirs: Any, path: str = "") -> Iterator[str]:
    """Keys, by their path, that one mapping has and another has not."""
    for key, value in ours.items():
        if not isinstance(theirs, Mapping) or key not in theirs:
            yield f"{path}{key}"
        elif isinstance(value, Mapping):
            yield from _lacking(value, theirs[key], f"{path}{key}.")


@dataclass(frozen=True, eq=False)
class Words:
    """The signs and words of one language.

    Attributes
    ----------
    code : str
        Name of its folder.
    words : mapping
        Contents of words.yaml.
    folders : tuple of Path
        Folders with its templates; the first that has one counts.
    """

    code: str
    words: Mapping[str, Any]
    folders: tuple[Path, ...]

    @classmethod
    def load(cls, code: str, *more: Path) -> Self:
        """Read the words of a language, with those that a study replaces.

        Raises
        ------
        ValueError
            When there are none.

        Examples
        --------
        >>> Words.load("nl").words["figure"]
        'Figuur'
        """
        return cls(code, *read_language(code, (*more, *FOLDERS)))

    def number(self, value: float | None, decimals: int = 0) -> str:
        """Write a number; a dash where there is none.

        Examples
        --------
        >>> Words.load("nl").number(1234.5, 1), Words.load("en").number(-1234.5, 1)
        ('1.234,5', '−1,234.5')
        """
        if value is None or not math.isfinite(value):
            return NOTHING
        signs = {",": self.words["thousands"], ".": self.words["decimal"], "-": MINUS}
        text = f"{round(float(value), decimals) + 0.0:,.{decimals}f}"
        return text.translate(str.maketrans(signs))

    def percent(self, share: float | None, decimals: int = 0) -> str:
        """Write a share as a percentage: 12,5% in Dutch."""
        text = self.number(None if share is None else 100 * share, decimals)
        return text if text == NOTHING else str(self.words["percent"]).format(number=text)

    def points(self, value: float | None, decimals: int = 0) -> str:
        """Write a difference with its sign."""
        text = self.number(value, decimals)
        return f"+{text}" if value is not None and round(value, decimals) > 0 else text

    def p(self, value: float | None, least: float = 0.0) -> str:
        """Write a p-value as an equation; one that draws cannot make lower than `least` as ≤.

        Examples
        --------
        >>> Words.load("en").p(0.0001), Words.load("nl").p(0.0312)
        ('p < 0.001', 'p = 0,031')
        >>> Words.load("en").p(0.005, 1 / 200)
        'p ≤ 0.005'
        """
        sign, told = self._sign_and_p(value, least)
        return f"p {sign or '='} {told}"

    def p_alone(self, value: float | None, least: float = 0.0) -> str:
        """Write a p-value as in a column of them, with a sign only where it is a bound.

        Examples
        --------
        >>> words = Words.load("en")
        >>> words.p_alone(0.0001), words.p_alone(0.006667, 1 / 150), words.p_alone(0.19, 1 / 150)
        ('<0.001', '≤0.007', '0.190')
        """
        return "".join(self._sign_and_p(value, least))

    def _sign_and_p(self, value: float | None, least: float) -> tuple[str, str]:
        if value is not None and value < SMALL_P:
            return "<", self.number(SMALL_P, 3)
        at_least = value is not None and value <= least + ROUNDING
        return "≤" if at_least else "", self.number(value, 3)

    def interval(self, ends: tuple[float, float], decimals: int = 0, kind: str = "number") -> str:
        """Write an interval; a dash when it is not known."""
        low, high = (getattr(self, kind)(end, decimals) for end in ends)
        if NOTHING in {low, high}:
            return NOTHING
        return str(self.words["interval"]).format(low=low, high=high)

    def spelled(self, n: int) -> str:
        """Write a small number as a word.

        Examples
        --------
        >>> Words.load("en").spelled(4), Words.load("en").spelled(40)
        ('four', '40')
        """
        return dict(enumerate(self.words["numbers"])).get(int(n), self.number(n))

    def listed(self, parts: Sequence[str]) -> str:
        """Set parts in a row: a, b en c."""
        parts = list(parts)
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.words['and']} {parts[-1]}"

    def lowered(self, name: str) -> str:
        """Write a name without a capital, as inside a sentence; a code keeps it.

        Examples
        --------
        >>> words = Words.load("nl")
        >>> [words.lowered(name) for name in ("Het nieuwe normaal", "EU-beleid", "A", "Q6 b")]
        ['het nieuwe normaal', 'EU-beleid', 'A', 'Q6 b']
        """
        first, _, others = name.partition(" ")
        is_code = first.isupper() and not (len(first) == 1 and others)
        return name if is_code or name[1:2].isupper() else name[:1].lower() + name[1:]

    def capital(self, text: str) -> str:
        """Write a text with a capital, as at the beginning of a sentence."""
        return text[:1].upper() + text[1:]


@cache
def read_language(code: str, folders: tuple[Path, ...]) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Read the words of a language from all folders that have some, the first before the others."""
    found = tuple(folder / code for folder in folders if (folder / code).is_dir())
    files = [folder / FILE for folder in found if (folder / FILE).is_file()]
    if not files:
        known = find_languages(*folders)
        raise ValueError(f"There are no texts in {code!r}; choose from {known}.")
    words: dict[str, Any] = {}
    for file in reversed(files):
        words = _laid_over(words, _read(file))
    return words, found


def _laid_over(words: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(words)
    for key, value in others.items():
        both = isinstance(value, Mapping) and isinstance(laid.get(key), Mapping)
        laid[key] = _laid_over(laid[key], value) if both else value
    return laid


@cache
def read_list(name: str) -> Any:
    """Read what stands beside the languages: ``references``, ``checklists``, ``reasons``, …"""
    return _read(FOLDERS[0] / f"{name}.yaml")


def _read(file: Path) -> Any:
    """Read a file by libyaml where it is there: every notebook does, and Python takes longer."""
    return yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
