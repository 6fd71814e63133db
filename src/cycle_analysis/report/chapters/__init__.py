"""The chapters of the report, in its order: one class each, whose prose stands in a template.

The first and the last of the main part stand here: the findings in short, and what they do not say.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from matplotlib.axes import Axes

from cycle_analysis.report.chapter import RESPONSES, Chapter, facts_from
from cycle_analysis.report.chapters.annex import AnnexChapter, ChecklistChapter, RobustnessChapter
from cycle_analysis.report.chapters.cycle import CycleChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.response import ResponseChapter
from cycle_analysis.report.chapters.validity import MeasurementChapter, ValidityChapter
from cycle_analysis.report.chapters.waves import WavesChapter
from cycle_analysis.waves.transitions import Finding


class SummaryChapter(Chapter):
    """In short."""

    key = "summary"

    profiles = facts_from(ProfilesChapter)
    measurement = facts_from(MeasurementChapter)
    cycle = facts_from(CycleChapter, same_wave=False)
    robustness = facts_from(RobustnessChapter)
    _change = facts_from(WavesChapter)

    @cached_property
    def last(self) -> dict[str, Any] | None:
        """The last pair of waves; more on earlier ones stands in their chapter."""
        return self._change["last"] if self.several_waves else None

    @cached_property
    def whole(self) -> dict[str, Any] | None:
        """What changed from the first wave to the last, where there are waves between."""
        return self._change["whole"] if self.several_waves else None

    @cached_property
    def asked_otherwise(self) -> bool:
        """Whether most of what is compared was asked in other words or with other answers."""
        return self.several_waves and 2 * self._change["n_partly"] > self._change["n_common"]

    @cached_property
    def earlier(self) -> list[dict[str, Any]]:
        """The earlier pairs of waves between which units moved or mean scores changed."""
        pairs = self._change["pairs"][:-1] if self.several_waves else []
        return [pair for pair in pairs if pair["sure"] or pair["finding"] == Finding.CHANGED]

    def figure_profiles(self) -> Callable[..., Axes]:
        """Mean scores of each group over the phases."""
        return self.profiles.chapter.figure("profiles")


class LimitsChapter(Chapter):
    """What this does not say."""

    key = "limits"

    @cached_property
    def model(self) -> str | None:
        """What the study says of the phase model that it works out, if of any."""
        model = self.study.model
        return None if model is None else model.text[self.language.code]

    @cached_property
    def whole_population(self) -> bool:
        """Whether the whole population answered, in every wave."""
        tables = [self.load(RESPONSES, "response", wave) for wave in self.study.waves]
        return all(bool(table["responded"].eq(table["population"]).all()) for table in tables)


CHAPTERS: dict[str, type[Chapter]] = {
    chapter.key: chapter
    for chapter in (
        *(SummaryChapter, ProfilesChapter, WavesChapter, CycleChapter, ResponseChapter),
        *(ValidityChapter, LimitsChapter, RobustnessChapter, MeasurementChapter, AnnexChapter),
        ChecklistChapter,
    )
}
"""Chapters by their name, in the order of the report."""
