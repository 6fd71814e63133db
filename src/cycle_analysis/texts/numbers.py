"""Write numbers as a language does."""

import math

SIGNS = {"nl": {"decimal": ",", "thousands": "."}, "en": {"decimal": ".", "thousands": ","}}


def check_language(language: str) -> str:
    """Return a language that has texts, or say which have.

    Raises
    ------
    ValueError
        When there are no texts in `language`.

    Examples
    --------
    >>> check_language("nl")
    'nl'
    """
    if language not in SIGNS:
        raise ValueError(f"There are no texts in {language!r}; choose from {sorted(SIGNS)}.")
    return language


def set_number(value: float, decimals: int, language: str) -> str:
    """Write a number as the language does: 1.234,5 in Dutch.

    Examples
    --------
    >>> set_number(1234.5, 1, "nl"), set_number(1234.5, 1, "en"), set_number(float("nan"), 1, "nl")
    ('1.234,5', '1,234.5', '–')
    """
    if not math.isfinite(value):
        return "–"
    rounded = round(float(value), decimals) + 0.0
    words = SIGNS[check_language(language)]
    swap = str.maketrans({",": words["thousands"], ".": words["decimal"], "-": "−"})
    return f"{rounded:,.{decimals}f}".translate(swap)


def set_percent(share: float, decimals: int, language: str) -> str:
    """Write a share as a percentage: 12,5% in Dutch.

    Examples
    --------
    >>> set_percent(0.125, 1, "nl")
    '12,5%'
    """
    text = set_number(100 * share, decimals, language)
    return text if text == "–" else f"{text}%"
