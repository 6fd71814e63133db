"""Write numbers as a language does."""

from functools import cache

from cycle_analysis.texts.words import Words


def known_words(language: str | Words) -> Words:
    """Give the words of a language by its code, or as they are.

    Raises
    ------
    ValueError
        When there are no texts in `language`.

    Examples
    --------
    >>> known_words("nl").words["table"]
    'Tabel'
    """
    return _read(language) if isinstance(language, str) else language


@cache
def _read(code: str) -> Words:
    return Words.load(code)


def set_number(value: float, decimals: int, language: str | Words) -> str:
    """Write a number as the language does: 1.234,5 in Dutch.

    Examples
    --------
    >>> set_number(1234.5, 1, "nl"), set_number(1234.5, 1, "en"), set_number(float("nan"), 1, "nl")
    ('1.234,5', '1,234.5', '–')
    """
    return known_words(language).number(value, decimals)


def set_percent(share: float, decimals: int, language: str | Words) -> str:
    """Write a share as a percentage: 12,5% in Dutch.

    Examples
    --------
    >>> set_percent(0.125, 1, "nl")
    '12,5%'
    """
    return known_words(language).percent(share, decimals)
