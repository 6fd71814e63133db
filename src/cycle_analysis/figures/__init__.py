"""Draw the figures of a study: one module for each subject; they compute nothing.

Every function takes the table that its name asks for and the language, and returns the axes. Titles
say the finding and come from the caller, who knows it.
"""

from cycle_analysis.figures.cycle import (
    plot_coactivity,
    plot_order_violations,
    plot_patterns,
    plot_phase_curve,
    plot_sensitivity,
)
from cycle_analysis.figures.profiles import plot_profiles, plot_units
from cycle_analysis.figures.responses import plot_answers, plot_reliability, plot_spread

__all__ = [
    "plot_answers",
    "plot_coactivity",
    "plot_order_violations",
    "plot_patterns",
    "plot_phase_curve",
    "plot_profiles",
    "plot_reliability",
    "plot_sensitivity",
    "plot_spread",
    "plot_units",
]
