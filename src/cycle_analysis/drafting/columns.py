"""Know columns that are no items: who answered, what a survey tool adds, and what is personal.

By their name where survey tools and researchers have usual ones, in Dutch or English, and by what
stands in them: days, numbers of rows, or one word throughout.
"""

import re

import pandas as pd

from cycle_analysis.readers import RawTable
from cycle_analysis.responses import NUMBER, find_personal

CODED = re.compile(r"(\w+)\.\s")
USUAL_NAMES = {
    "respondent": r"respondent(?:id)?|respnr|respid|responseid|antwoordid|(?:\w*participant)?id",
    "unit": "unit|gemeente|gemnr|gemeentecode|municipality|gmcode|country|land",
    "role": "role|rol|functie|function|position",
    "province": "province|provincie",
    "duration": "interviewtime|totaltime|totaletijd|duration|durationinseconds|qtotalduration",
}
ASKS_FOR_ROLE = re.compile(r"\b(?:functie|rol|role|function|position)\b", re.IGNORECASE)
SERVICE = re.compile(
    r"(?:start|end|recorded|submit) ?_?date|startdatum|einddatum|datestamp|status|finished|"
    r"ip[-_ ]?addr?(?:es)?s?|progress|duration.*|recipient\w*|external ?(?:data ?)?reference|"
    r"location\w*|distributionchannel|userlanguage|responseset|seed|token|name|refurl|"
    r"date (?:submitted|started|last action)|last ?page|start ?language|referrer url|"
    r"datum (?:ingediend|gestart|van start|laatste actie)|laatste pagina|starttaal|verwijs-?url|"
    r"interviewtime|tot(?:al|ale) (?:time|tijd)|(?:group|groeps?|question|vraag) ?(?:time|tijd).*|"
    r"e-?mail ?(?:address|adres)?|(?-i:.+Time\d*)|"
    r"(?:start|completion|last modified) time|begintijd|tijd van voltooien|time ?stamp|tijdstempel|"
    r"collector ?id|custom data \d|(?:first|last) name|naam|site abbreviation|"
    r"weegfactor|weging|weight|"
    r"survey (?:creation date|completed on|progress)",
    re.IGNORECASE,
)
"""Columns that survey tools add and no codebook asks."""
DAY = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[ T].*)?$")
MOST_STEPS = 11
"""An answer that rises by one from row to row more often than this is none."""
WORDY = re.compile(r"e-?mail.*|name|naam|location", re.IGNORECASE)
"""Those of words: with numbers alone they are questions."""


def named_as(field: str, column: str) -> bool:
    """Whether a column has one of the usual names of a respondent field."""
    plain = (re.sub(r"[\W_]", "", name.casefold()) for name in _names(column))
    return any(re.fullmatch(USUAL_NAMES[field], name) for name in plain)


def _names(column: str) -> list[str]:
    """Give a heading, and the code with which LimeSurvey begins it: ``id. Response ID``."""
    coded = CODED.match(column.strip())
    return [column.strip(), *([coded[1]] if coded else [])]


def why_no_item(raw: RawTable, column: str) -> str:
    """Why a column needs no item: the survey tool adds it, or it holds personal data."""
    counts = raw.cells[column].value_counts().loc[lambda counts: counts > 0]
    personal, given = find_personal(counts), {text.strip() for text in counts.index} - {""}
    if personal and max(personal.values()) > 0.2 * counts.sum():
        return next(iter(personal))
    for name in _names(column):
        is_wordless = WORDY.fullmatch(name) and all(map(NUMBER.fullmatch, given))
        if SERVICE.fullmatch(name) and not is_wordless:
            return "added by the survey tool"
    if given and all(map(DAY.match, given)):
        return "days or times"
    if len(given) == 1 and counts.sum() == len(raw.cells) > MOST_STEPS and "" not in counts:
        return "the same in every row" * (not NUMBER.fullmatch(*given))
    steps = pd.to_numeric(raw.cells[column].astype("str"), errors="coerce").diff()[1:]
    if len(steps) > MOST_STEPS and (steps == 1).all():
        return "numbers the rows"
    return "" if given else "empty"
