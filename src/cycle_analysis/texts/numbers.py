"""Write numbers as a language does."""

from cycle_analysis.texts.words import Words, find_languages


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
    if language not in (known := find_languages()):
        raise ValueError(f"There are no texts in {language!r}; choose from {known}.")
    return language


def set_number(value: float, decimals: int, language: str) -> str:
    """Write a number as the language does: 1.234,5 in Dutch.

    Examples
    --------
    >>> set_number(1234.5, 1, "nl"), set_number(1234.5, 1, "en"), set_number(float("nan"), 1, "nl")
    ('1.234,5', '1,234.5', '–')
    """
    return Words.load(language).number(value, decimals)


def set_percent(share: float, decimals: int, language: str) -> str:
    """Write a share as a percentage: 12,5% in Dutch.

    Examples
    --------
    >>> set_percent(0.125, 1, "nl")
    '12,5%'
    """
    return Words.load(language).percent(share, decimals)
