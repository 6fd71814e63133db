"""The chapters of the report, in its order: one class each, whose prose stands in a template."""

from cycle_analysis.report.chapter import Chapter
from cycle_analysis.report.chapters.annex import AnnexChapter
from cycle_analysis.report.chapters.checklist import ChecklistChapter
from cycle_analysis.report.chapters.cycle import CycleChapter
from cycle_analysis.report.chapters.measurement import MeasurementChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.response import ResponseChapter
from cycle_analysis.report.chapters.robustness import RobustnessChapter
from cycle_analysis.report.chapters.summary import LimitsChapter, SummaryChapter
from cycle_analysis.report.chapters.validity import ValidityChapter
from cycle_analysis.report.chapters.waves import WavesChapter

CHAPTERS: dict[str, type[Chapter]] = {
    chapter.key: chapter
    for chapter in (
        *(SummaryChapter, ProfilesChapter, WavesChapter, CycleChapter, ResponseChapter),
        *(ValidityChapter, LimitsChapter, RobustnessChapter, MeasurementChapter, AnnexChapter),
        ChecklistChapter,
    )
}
"""Chapters by their name, in the order of the report."""
