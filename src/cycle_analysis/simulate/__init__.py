"""Draw synthetic studies whose truth is known, in memory or as raw exports."""

from cycle_analysis.simulate.answers import (
    draw_answers,
    draw_continuum_answers,
    draw_continuum_states,
    draw_independent_answers,
    draw_profile_answers,
    draw_profile_states,
    draw_unrelated_phase_answers,
    draw_unrelated_phase_states,
    move_states,
    phase_scores,
)
from cycle_analysis.simulate.studies import (
    EXAMPLE,
    EXAMPLE_SEED,
    draw_wave_answers,
    draw_waves,
    write_example,
    write_study,
)
from cycle_analysis.simulate.truth import Follows, Profile, Truth

__all__ = [
    "EXAMPLE",
    "EXAMPLE_SEED",
    "Follows",
    "Profile",
    "Truth",
    "draw_answers",
    "draw_continuum_answers",
    "draw_continuum_states",
    "draw_independent_answers",
    "draw_profile_answers",
    "draw_profile_states",
    "draw_unrelated_phase_answers",
    "draw_unrelated_phase_states",
    "draw_wave_answers",
    "draw_waves",
    "move_states",
    "phase_scores",
    "write_example",
    "write_study",
]
