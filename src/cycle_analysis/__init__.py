"""Cluster municipalities into innovation-cycle profiles from survey data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cycle_analysis.notebook import begin as begin
    from cycle_analysis.results import open_results as open_results
    from cycle_analysis.study import load_study as load_study

__version__ = "0.1.0"
ROOMS = {"begin": "notebook", "load_study": "study", "open_results": "results"}
"""Where each public name lives; a room is opened when one of its names is asked for."""
__all__ = sorted(ROOMS)


def __getattr__(name: str) -> Any:
    """Open the room of a public name."""
    if name not in ROOMS:
        raise AttributeError(f"cycle_analysis has no {name!r}. It has {', '.join(__all__)}.")
    return getattr(import_module(f"cycle_analysis.{ROOMS[name]}"), name)
