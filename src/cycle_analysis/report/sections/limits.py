"""What the report does not say."""

from cycle_analysis.report.model import Bullets, Section
from cycle_analysis.report.source import Source

KEYS = ("stages", "model", "replication", "self_report", "representative", "causes", "single")


def limits_section(source: Source) -> Section:
    """List the readings that the data do not bear."""
    keys = ["synthetic", *KEYS] if source.study.synthetic else list(KEYS)
    items = tuple((source.text(f"limits.{key}.lead"), source.text(f"limits.{key}.text"))
                  for key in keys)  # fmt: skip
    return Section("limits", source.text("titles.limits"), (Bullets(items),))
