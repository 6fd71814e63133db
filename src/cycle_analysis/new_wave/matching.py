"""Match the columns of an export to a codebook: sure, likely with the reason, or unknown.

Sure is what cannot well be another; likely is what a person should look at first. What nobody can
know is listed both ways: columns without item, items without column.
"""

import re
from collections.abc import Iterable

from cycle_analysis.new_wave.field_matching import Export, match_fields
from cycle_analysis.new_wave.item_matching import follow_siblings, match_by_place, match_items
from cycle_analysis.new_wave.matches import Match, Matches
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.privacy import find_personal
from cycle_analysis.study import Study
from cycle_analysis.units.register import Register

SERVICE = re.compile(
    r"(?:start|end|recorded|submit) ?_?date|startdatum|einddatum|datestamp|status|finished|"
    r"ip[-_ ]?addr?(?:es)?s?|progress|duration.*|recipient\w*|external ?(?:data ?)?reference|"
    r"location\w*|distributionchannel|userlanguage|responseset|seed|token|name|refurl|"
    r"date (?:submitted|started|last action)|last ?page|start ?language|referrer url|"
    r"datum (?:ingediend|gestart|van start|laatste actie)|laatste pagina|starttaal|verwijs-?url|"
    r"interviewtime|tot(?:al|ale) (?:time|tijd)|(?:group|groeps?|question|vraag) ?(?:time|tijd).*|"
    r"e-?mail ?(?:address|adres)?|(?-i:.+Time\d*)",
    re.IGNORECASE,
)
"""Columns that survey tools add and no codebook asks."""


def match_columns(raw: RawTable, study: Study, register: Register, day: str) -> Matches:
    """Match an export to the study.

    Parameters
    ----------
    raw : RawTable
        The export.
    study : Study
        Its codebook, scales, roles and earlier waves.
    register : Register
    day : str
        A day near the fieldwork, for the names of units.
    """
    found = _each_once(match_fields(Export(raw, study, register, day)), {})
    items = _each_once(match_items(raw, study), found)
    found |= {match.name: match for match in follow_siblings(items.values(), raw, study)}
    taken = {match.source for match in found.values()}
    service = {
        column: why
        for column in raw.cells.columns
        if column not in taken and (why := _service(raw, column))
    }
    found |= _each_once(match_by_place(raw, study, found, set(service)), found)
    taken = {match.source for match in found.values()} | set(service)
    left = [column for column in raw.cells.columns if column not in taken]
    return Matches(found, service, left, [i for i in study.codebook.items.index if i not in found])


def _each_once(matches: Iterable[Match], found: dict[str, Match]) -> dict[str, Match]:
    """Keep the first match of each item or field, and of each column."""
    kept: dict[str, Match] = {}
    taken = {match.source for match in found.values()}
    for match in matches:
        if match.name not in kept and match.name not in found and match.source not in taken:
            kept[match.name] = match
            taken.add(match.source)
    return kept


def _service(raw: RawTable, column: str) -> str:
    """Why a column needs no item: the survey tool adds it, or it holds personal data."""
    cells = raw.cells[column]
    personal = find_personal(cells.value_counts().loc[lambda counts: counts > 0])
    if personal and max(personal.values()) > 0.2 * len(cells):
        return next(iter(personal))
    if SERVICE.fullmatch(column.strip()):
        return "added by the survey tool"
    return "empty" if set(cells.cat.categories) <= {""} else ""
