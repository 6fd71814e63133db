"""The chapters of the report, in its order: one class each, whose prose stands in a template."""

from cycle_analysis.report.chapter import Chapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter

CHAPTERS: dict[str, type[Chapter]] = {chapter.key: chapter for chapter in (ProfilesChapter,)}
"""Chapters by their name, in the order of the report."""
