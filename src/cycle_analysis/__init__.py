"""Divide units into profiles of an innovation cycle from survey data, if there are any.

Start here: ``import cycle_analysis as ca``. The names below are those that a researcher needs; each
is a function whose help says what goes in and what comes out (rows × columns, index, unit), what it
rests on, and an example: ``help(ca.reliability)``. Tables are pandas DataFrames. Scores are 0-100,
percent of the maximum possible; shares are 0-1; a profile is a number, 1 the lowest.

======================  ===========================================================================
a study, its results    `load_study`, `open_results`, `begin` (a notebook), `draw_survey` (one whose
                        truth is known)
answers to scores       `phase_scores`; beneath it `respondent_scores` and `unit_scores`
can they be trusted?    `reliability`, `agreement`, `standard_errors`
the cycle               `phase_curve`, `activity`, `coactivity`, `phase_order`, `scalability`
the population          `weigh`, `weighted_shares`
how many profiles?      `compare_models`, `choose_profiles`, `weigh_profiles`
the profiles            `fit_profiles`, `assign`, `members`, `profile_means`, `shape_shares`,
                        `associate` (with a background)
would others come?      `stability` (of samples), `compare_choices` (of methods)
waves                   `estimate_change` (of two `wave_scores`), `mean_change`
figures                 `plot_phase_curve`, `plot_profiles`, `plot_units`; `Look` (language, title)
======================  ===========================================================================

A survey of 120 units in four profiles, three respondents of each, from answers to a figure:

>>> import cycle_analysis as ca
>>> survey = ca.draw_survey(n_units=120, n_respondents=3, spread=7, seed=1)
>>> survey.answers.shape, survey.units.nunique()
((360, 25), 120)
>>> scores = ca.phase_scores(survey.answers, survey.items, survey.units)
>>> ca.reliability(survey.answers, survey.items)["alpha"].round(2).tolist()
[0.87, 0.91, 0.92, 0.9, 0.89]
>>> table = ca.compare_models(scores, 5, n_starts=5)
>>> print(ca.choose_profiles(table))
k = 4 (EEI)
>>> partition = ca.fit_profiles(scores, 4, n_starts=5)
>>> print(partition)
4 profiles of 120 units on 5 phases (latent profiles EEI), R² = 0.81
>>> ax = ca.plot_profiles(partition, look=ca.Look(title="The second and the third cross"))
>>> ca.assign(partition, scores.iloc[:4]).labels.tolist()
[1, 2, 3, 4]

Any method divides any cloud of points into as many profiles as one asks for. Whether there are
profiles at all is asked by ``ca.weigh_profiles(scores)``, against lines, curves and planes.

On a study, after ``cycle-analysis run example``::

    results = ca.open_results("example")
    scores = results.load("02_scores", "scores", "2018")

In a notebook of one's own, ``here = ca.begin("09_my_question", globals())`` does both, and
``here.save(table=table)`` saves what was found with what made it: see ``notebooks/extend.ipynb``.
"""

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cycle_analysis.cycle import activity as activity
    from cycle_analysis.cycle import coactivity as coactivity
    from cycle_analysis.cycle import phase_curve as phase_curve
    from cycle_analysis.cycle.order import phase_order as phase_order
    from cycle_analysis.cycle.scalability import scalability as scalability
    from cycle_analysis.figures import Look as Look
    from cycle_analysis.figures.cycle import plot_phase_curve as plot_phase_curve
    from cycle_analysis.figures.profiles import plot_profiles as plot_profiles
    from cycle_analysis.figures.profiles import plot_units as plot_units
    from cycle_analysis.measurement import phase_scores as phase_scores
    from cycle_analysis.measurement import respondent_scores as respondent_scores
    from cycle_analysis.measurement import unit_scores as unit_scores
    from cycle_analysis.measurement.agreement import agreement_summary as agreement
    from cycle_analysis.measurement.error import standard_errors as standard_errors
    from cycle_analysis.measurement.reliability import scale_statistics as reliability
    from cycle_analysis.notebook import begin as begin
    from cycle_analysis.profiles import assign as assign
    from cycle_analysis.profiles import latent_profiles as fit_profiles
    from cycle_analysis.profiles.background import associate as associate
    from cycle_analysis.profiles.division import bootstrap_jaccard as stability
    from cycle_analysis.profiles.selection import choose as choose_profiles
    from cycle_analysis.profiles.selection import compare as compare_models
    from cycle_analysis.profiles.typology import members as members
    from cycle_analysis.profiles.typology import profile_means as profile_means
    from cycle_analysis.profiles.typology import shape_shares as shape_shares
    from cycle_analysis.profiles.verdict import weigh as weigh_profiles
    from cycle_analysis.representation import shares as weighted_shares
    from cycle_analysis.representation import weigh as weigh
    from cycle_analysis.results import open_results as open_results
    from cycle_analysis.robustness import compare_choices as compare_choices
    from cycle_analysis.simulate import draw_survey as draw_survey
    from cycle_analysis.study import load_study as load_study
    from cycle_analysis.waves import mean_change as mean_change
    from cycle_analysis.waves.transitions import estimate_change as estimate_change
    from cycle_analysis.waves.two_waves import wave_scores as wave_scores

__version__ = "0.1.0"
STOPPED = 130
"""Exit code of a command that Ctrl-C ended, known before anything is imported."""
ROOMS = {
    "load_study": "study",
    "open_results": "results",
    "begin": "notebook",
    "draw_survey": "simulate",
    "phase_scores": "measurement",
    "respondent_scores": "measurement",
    "unit_scores": "measurement",
    "reliability": "measurement.reliability:scale_statistics",
    "agreement": "measurement.agreement:agreement_summary",
    "standard_errors": "measurement.error",
    "phase_curve": "cycle",
    "activity": "cycle",
    "coactivity": "cycle",
    "phase_order": "cycle.order",
    "scalability": "cycle.scalability",
    "weigh": "representation",
    "weighted_shares": "representation:shares",
    "compare_models": "profiles.selection:compare",
    "choose_profiles": "profiles.selection:choose",
    "weigh_profiles": "profiles.verdict:weigh",
    "fit_profiles": "profiles:latent_profiles",
    "assign": "profiles",
    "members": "profiles.typology",
    "profile_means": "profiles.typology",
    "shape_shares": "profiles.typology",
    "associate": "profiles.background",
    "stability": "profiles.division:bootstrap_jaccard",
    "compare_choices": "robustness",
    "estimate_change": "waves.transitions",
    "wave_scores": "waves.two_waves",
    "mean_change": "waves",
    "plot_phase_curve": "figures.cycle",
    "plot_profiles": "figures.profiles",
    "plot_units": "figures.profiles",
    "Look": "figures",
}
"""The room of each public name, after a colon the function's name there where it is another.

A room is opened when one of its names is asked for: ``import cycle_analysis`` takes no time.
"""
__all__ = list(ROOMS)


def __getattr__(name: str) -> Any:
    """Open the room of a public name."""
    if name not in ROOMS:
        near = get_close_matches(name, ROOMS, n=1)
        told = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(ROOMS)}."
        raise AttributeError(f"cycle_analysis has no {name!r}. {told}", name=name)
    room, _, attribute = ROOMS[name].partition(":")
    return getattr(import_module(f"cycle_analysis.{room}"), attribute or name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*ROOMS, "__version__"]
