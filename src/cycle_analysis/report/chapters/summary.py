"""The first and the last of the main part: the findings in short, and what they do not say."""

from functools import cached_property
from typing import Any

from cycle_analysis.report.chapter import Chapter, facts_from
from cycle_analysis.report.chapters.cycle import CycleChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.chapters.robustness import RobustnessChapter
from cycle_analysis.report.chapters.waves import WavesChapter


class SummaryChapter(Chapter):
    """In short."""

    key = "summary"

    profiles = facts_from(ProfilesChapter)
    cycle = facts_from(CycleChapter)
    robustness = facts_from(RobustnessChapter)
    _change = facts_from(WavesChapter)

    @cached_property
    def last(self) -> dict[str, Any] | None:
        """The last pair of waves; earlier ones stand in their chapter."""
        return self._change["pairs"][-1] if self.several_waves else None


class LimitsChapter(Chapter):
    """What this does not say."""

    key = "limits"

    @cached_property
    def model(self) -> str | None:
        """What the study says of the phase model that it works out, if of any."""
        model = self.study.model
        return None if model is None else self.language.named(model.text)
