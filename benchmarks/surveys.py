"""The surveys of the benchmarks of the verdict, drawn by `cycle_analysis.simulate`.

Five phase scores; each is the mean of six five-point items, except those of `normal_continuum`,
which is not cut into answers. A standard deviation is 25 points.
"""

from dataclasses import dataclass, replace
from functools import partial

from cycle_analysis.simulate import FOUR, PHASES, Answering, Continuum, Profiles, World, heaped
from cycle_analysis.simulate.worlds import cumulative, plane, straight

EVEN = Answering(respondents=(1,), respondent_sd=0, items=6, item_sd=20)
SKEWED = replace(EVEN, item_sd=15, cuts=heaped([0.45, 0.25, 0.15, 0.10, 0.05]))
"""Answers heaped at the bottom."""


@dataclass(frozen=True)
class Drawn:
    """Where units stand, and how they answer; where they do not, their true scores are seen.

    `respondent_sd` is how far respondents lie around their unit where there are several.
    """

    world: World
    answering: Answering | None
    respondent_sd: float = 12.0

    def scores(self, n, rng):
        """Draw the scores of n units that answer once."""
        states = self.world(n, rng)
        if self.answering is None:
            return states[list(PHASES)]
        answers = self.answering(states, rng).answers.to_numpy()
        # Multiplied last, as in the first runs: on so few values the last bit decides ties
        states[list(PHASES)] = answers.reshape(n, len(PHASES), -1).mean(axis=2) * 25
        return states[list(PHASES)]

    def survey(self, n, n_respondents, rng):
        """Draw answers of several respondents in each unit."""
        given = {"respondents": (n_respondents,), "respondent_sd": self.respondent_sd}
        return replace(self.answering, **given)(self.world(n, rng), rng)


CENTROIDS = FOUR.centroids
SURVEYS = {
    # One dimension (loading .8), two, or none; skewed answers, or normal scores
    "skewed_continuum": Drawn(Continuum(), SKEWED),
    "normal_continuum": Drawn(Continuum(partial(straight, points=12.0), spread=9.0), None),
    "pure_continuum": Drawn(Continuum(partial(straight, points=20.0), spread=0.0), SKEWED),
    "independent": Drawn(
        Profiles(CENTROIDS.iloc[[0]] * 0 + 50, spread=20),
        replace(EVEN, item_sd=15, cuts=(15.0, 37.5, 62.5, 85.0)),
    ),
    "two_dimensions": Drawn(Continuum(plane, dimensions=2), SKEWED),
    "clear_profiles": Drawn(FOUR, EVEN, respondent_sd=15),
    "weak_profiles": Drawn(Profiles((CENTROIDS + CENTROIDS.mean()) / 2), EVEN, respondent_sd=15),
    # Phases of rising difficulty; steep: nearly nothing but the level, and little noise
    "cumulative_continuum": Drawn(
        Continuum(cumulative, spread=125 / 3 * 0.19**0.5), replace(EVEN, item_sd=25)
    ),
    "steep_continuum": Drawn(
        Continuum(
            partial(cumulative, points=62.5 * 0.999, apart=150.0), spread=62.5 * 0.001999**0.5
        ),
        replace(EVEN, item_sd=50 / 3),
    ),
}
