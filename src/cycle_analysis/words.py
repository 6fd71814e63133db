"""Compare texts as people read them, and know the words that stand for no answer."""

import unicodedata
from collections.abc import Mapping

from cycle_analysis.study.files import Text

ANSWERED, BLANK, INVALID = "", "blank", "invalid"
MISSING_WORDS = {
    "dont_know": (
        *("weet niet", "weet ik niet", "geen idee", "don't know", "dont know"),
        "weet niet / geen mening",
    ),
    "not_applicable": ("nvt", "n.v.t.", "niet van toepassing", "not applicable"),
    "refused": ("geen antwoord", "wil niet zeggen", "no answer", "refused", "weigert", "geweigerd"),
    "not_shown": ("n/a", "not shown", "niet gesteld", "niet getoond", "not asked"),
    BLANK: ("", "-", "--", ".", "na", "nan", "none", "null", "missing", "leeg", "#null!"),
}
"""Words that surveys use for a missing answer, whatever the scale."""
NO_TEXT = ("", "-", "--", ".", "n/a", "nvt", "n.v.t.")
"""What stands for no answer to an open question, where other words may be the answer."""
_REASON_OF = {word: reason for reason, words in MISSING_WORDS.items() for word in words}
_QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "\u200b": None, "\ufeff": None})


def normalise(text: str) -> str:
    r"""Write a text as labels are compared: composed, one kind of quote and space, lower case.

    Examples
    --------
    >>> normalise(" Helemaal\u00a0eens ")
    'helemaal eens'
    """
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    return " ".join(text.split()).casefold()


def missing_reason(text: str) -> str | None:
    """Give the reason that a word for no answer tells; None when it is no such word.

    Examples
    --------
    >>> missing_reason("N.v.t."), missing_reason("eens")
    ('not_applicable', None)
    """
    return _REASON_OF.get(normalise(text))


def codes_by_label(labels: Mapping[str, Text]) -> dict[str, str]:
    """Give the code of each label, in every language, as labels are compared.

    Examples
    --------
    >>> codes_by_label({"4": Text(nl="Eens", en="Agree")})
    {'eens': '4', 'agree': '4'}
    """
    return {normalise(text[lang]): code for code, text in labels.items() for lang in text.languages}
