"""Keep texts in a csv from being run by the spreadsheet that opens it.

A cell that begins with one of ``= + - @``, a tab or a carriage return is a formula to a
spreadsheet; one of another country also cuts a text at its semicolons and line ends, and takes each
part for a cell. An apostrophe before such a part keeps it a text, for people and for programs.
"""

import re

import pandas as pd

_BEGIN = r"(?:^|(?<=[;\t\r\n]))"
_RISKY = r"(?!\A[+-]\d+(?:\.\d+)?\Z)'* *[=+\-@\t\r＝＋－＠]"
FORMULA = re.compile(f"{_BEGIN}({_RISKY})")
"""Begin of a part that a spreadsheet might run; a mere number, ``-9``, is none."""
INERT = re.compile(f"{_BEGIN}'({_RISKY})")
"""The same after `inert`."""


def inert(text: str) -> str:
    r"""Write a text so that no spreadsheet runs any part of it.

    Examples
    --------
    >>> inert("=HYPERLINK(1)"), inert("prima;=1+1"), inert("-9"), inert("a=b")
    ("'=HYPERLINK(1)", "prima;'=1+1", '-9', 'a=b')
    """
    return FORMULA.sub(r"'\1", text)


def as_written(text: str) -> str:
    r"""Give back the text that `inert` was given.

    Examples
    --------
    >>> as_written(inert("=1;\t+2")), as_written(inert("'=1")), as_written("'s middags")
    ('=1;\t+2', "'=1", "'s middags")
    """
    return INERT.sub(r"\1", text)


def inert_texts(texts: pd.Series) -> pd.Series:
    """Make the texts of a column inert; the column itself when none needs it."""
    risky = {text for text in texts.unique() if isinstance(text, str) and FORMULA.search(text)}
    return texts.map(lambda text: inert(text) if text in risky else text) if risky else texts


def written_texts(texts: pd.Series) -> pd.Series:
    """Give back the texts that `inert_texts` was given, in a column of the same type."""
    changed = {text for text in texts.unique() if isinstance(text, str) and INERT.search(text)}
    if not changed:
        return texts
    back = texts.map(lambda text: as_written(text) if text in changed else text)
    return back.astype(texts.dtype)
