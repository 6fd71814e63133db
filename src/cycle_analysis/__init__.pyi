# ruff: noqa: F401, I001 (in the order of the subjects, as messages list them)
"""The public names: what tools know of them, and what `__getattr__` opens."""

from cycle_analysis.study import load_study as load_study
from cycle_analysis.results import open_results as open_results
from cycle_analysis.notebook import begin as begin
from cycle_analysis.simulate import draw_survey as draw_survey
from cycle_analysis.measurement import phase_scores as phase_scores
from cycle_analysis.measurement import respondent_scores as respondent_scores
from cycle_analysis.measurement import unit_scores as unit_scores
from cycle_analysis.measurement.reliability import scale_statistics as reliability
from cycle_analysis.measurement.agreement import agreement_summary as agreement
from cycle_analysis.measurement.error import standard_errors as standard_errors
from cycle_analysis.cycle import phase_curve as phase_curve
from cycle_analysis.cycle import activity as activity
from cycle_analysis.cycle import coactivity as coactivity
from cycle_analysis.cycle.order import phase_order as phase_order
from cycle_analysis.cycle.scalability import scalability as scalability
from cycle_analysis.representation import weigh as weigh
from cycle_analysis.representation import shares as weighted_shares
from cycle_analysis.profiles.selection import compare as compare_models
from cycle_analysis.profiles.selection import choose as choose_profiles
from cycle_analysis.profiles.verdict import weigh as weigh_profiles
from cycle_analysis.profiles import latent_profiles as fit_profiles
from cycle_analysis.profiles import assign as assign
from cycle_analysis.profiles.typology import members as members
from cycle_analysis.profiles.typology import profile_means as profile_means
from cycle_analysis.profiles.typology import shape_shares as shape_shares
from cycle_analysis.profiles.background import associate as associate
from cycle_analysis.profiles.division import bootstrap_jaccard as stability
from cycle_analysis.robustness import compare_choices as compare_choices
from cycle_analysis.waves.transitions import estimate_change as estimate_change
from cycle_analysis.waves.two_waves import wave_scores as wave_scores
from cycle_analysis.waves import mean_change as mean_change
from cycle_analysis.figures.cycle import plot_phase_curve as plot_phase_curve
from cycle_analysis.figures.profiles import plot_profiles as plot_profiles
from cycle_analysis.figures.profiles import plot_units as plot_units
from cycle_analysis.figures import Look as Look

__version__: str
STOPPED: int
ROOMS: dict[str, tuple[str, str]]
