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

import ast
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"
STOPPED = 130
"""Exit code of a command that Ctrl-C ended, known before anything is imported."""
ROOMS = {
    alias.asname: (str(node.module), alias.name)
    for node in ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8")).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
    if alias.asname
}
"""The module of each public name, and what it is called there: said once, in ``__init__.pyi``.

A room is opened when one of its names is asked for: ``import cycle_analysis`` takes no time.
"""
__all__ = list(ROOMS)


def __getattr__(name: str) -> Any:
    """Open the room of a public name."""
    if name not in ROOMS:
        near = get_close_matches(name, ROOMS, n=1)
        told = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(ROOMS)}."
        raise AttributeError(f"cycle_analysis has no {name!r}. {told}", name=name)
    room, attribute = ROOMS[name]
    return getattr(import_module(room), attribute)


def __dir__() -> list[str]:
    """List the public names."""
    return [*ROOMS, "__version__"]
