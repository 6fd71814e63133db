"""The one generator of surveys whose truth is known, in memory or as raw exports.

A world (`worlds`) says where units truly stand, `Answering` what their respondents say of it; a
`Truth` adds what a whole study has over its waves. The bundled studies, tests, benchmarks and
``cycle-analysis simulate`` all draw from here.
"""

from cycle_analysis.simulate.answers import Answering, Survey, heaped, steps
from cycle_analysis.simulate.studies import draw_wave_answers, draw_waves, write_study
from cycle_analysis.simulate.surveys import draw_survey
from cycle_analysis.simulate.truth import (
    BUNDLED,
    EXAMPLE,
    EXAMPLE_SEED,
    UNKIND,
    UNKIND_SEED,
    Follows,
    Truth,
)
from cycle_analysis.simulate.worlds import FOUR, PHASES, Continuum, Profiles, World

__all__ = [
    "BUNDLED",
    "EXAMPLE",
    "EXAMPLE_SEED",
    "FOUR",
    "PHASES",
    "UNKIND",
    "UNKIND_SEED",
    "Answering",
    "Continuum",
    "Follows",
    "Profiles",
    "Survey",
    "Truth",
    "World",
    "draw_survey",
    "draw_wave_answers",
    "draw_waves",
    "heaped",
    "steps",
    "write_study",
]
