"""Assemble the report of a study from its saved tables, and write it.

Nothing is computed here but shares of counts that stand beside them: sections select, round,
withhold small cells (see `disclosure`) and put into words.
"""

from cycle_analysis.disclosure import SMALLEST_CELL
from cycle_analysis.report.html import to_html, write_html
from cycle_analysis.report.model import Report
from cycle_analysis.report.sections.annex import annex_section
from cycle_analysis.report.sections.cycle import cycle_section
from cycle_analysis.report.sections.limits import limits_section
from cycle_analysis.report.sections.profiles import profiles_section
from cycle_analysis.report.sections.response import response_section
from cycle_analysis.report.sections.summary import summary
from cycle_analysis.report.sections.validity import validity_section
from cycle_analysis.report.sections.waves import waves_section
from cycle_analysis.report.source import Source
from cycle_analysis.results import Results
from cycle_analysis.study import Study
from cycle_analysis.texts import load_texts

__all__ = ["Report", "assemble", "to_html", "write_html"]

WORDS = ("contents", "summary", "figure", "table", "skip", "made_with", "wide")
SECTIONS = (
    response_section,
    cycle_section,
    profiles_section,
    validity_section,
    waves_section,
    limits_section,
    annex_section,
)
"""In the order of the report."""


def assemble(
    study: Study, results: Results, language: str, smallest_cell: int = SMALLEST_CELL
) -> Report:
    """Assemble the report of a study from its saved tables.

    Parameters
    ----------
    study : Study
        The study.
    results : Results
        Its tables; notebooks 01-07 must have run.
    language : str
        ``"nl"`` or ``"en"``.
    smallest_cell : int
        Smallest number of units that may be shown.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        When a table is not there yet.
    ValueError
        When there are no texts in `language`.
    """
    load_texts(language)
    source = Source(study, results, language, smallest_cell)
    return Report(
        language=language,
        title=study.title[language],
        subtitle=source.text(
            "words.subtitle",
            waves=source.texts.listed([source.wave(wave) for wave in study.waves]),
        ),
        summary=summary(source),
        sections=tuple(section(source) for section in SECTIONS),
        mark=source.mark,
        words={name: source.text(f"words.{name}") for name in WORDS},
    )
