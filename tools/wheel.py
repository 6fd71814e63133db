"""Put the notebooks, which stand beside `src` here, in the wheel: so it runs a study anywhere."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Notebooks(BuildHookInterface):
    """Adds them as ``cycle_analysis/notebooks``; an editable install uses them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say what else goes in."""
        if version == "standard":
            build_data["force_include"]["notebooks"] = "cycle_analysis/notebooks"
