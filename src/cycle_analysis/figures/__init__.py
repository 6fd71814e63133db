"""Draw the figures of a study: one module for each subject; they compute nothing.

Every ``plot_`` function takes the tables that its name asks for, then two things that are told
here once, and returns the axes it drew on.

- `look`: a `Look`, the language of the figure, its title, and what phases are called. A title says
  the finding and comes from the caller, who knows it.
- `ax`: the axes to draw on; without it a new figure is made.
"""

from cycle_analysis.figures.cycle import (
    plot_change,
    plot_coactivity,
    plot_composition,
    plot_flow,
    plot_moves,
    plot_order_violations,
    plot_patterns,
    plot_phase_curve,
    plot_sensitivity,
)
from cycle_analysis.figures.profiles import (
    plot_course,
    plot_criteria,
    plot_fingerprint,
    plot_profiles,
    plot_rivals,
    plot_specifications,
    plot_tree,
    plot_units,
)
from cycle_analysis.figures.responses import (
    plot_answers,
    plot_reliability,
    plot_response,
    plot_response_cells,
    plot_spread,
)
from cycle_analysis.figures.style import Look
