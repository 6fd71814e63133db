"""What the report does not say."""

from functools import cached_property
from typing import Any

from cycle_analysis.report.chapter import Chapter


class LimitsChapter(Chapter):
    """What this does not say."""

    key = "limits"

    @cached_property
    def model(self) -> dict[str, Any] | None:
        """What the study says of the phase model that it works out, if of any."""
        model = self.study.model
        return None if model is None else {"text": model.text[self.language.code]}
