"""The surveys of the benchmark of the verdict, drawn by `cycle_analysis.simulate`.

Each truth is a world and a way of answering: five phases, five items each. `UNTUNED` were not
looked at when the rules of the verdict were chosen, `AFTERWARDS` was thought of when all stood.
"""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from cycle_analysis.simulate import FOUR, PHASES, Answering, Continuum, Profiles, steps
from cycle_analysis.simulate.worlds import even, normal, straight

SOME = Answering((3,), 15.0)
MANY = Answering((6,), 10.0, item_sd=15.0)
"""Six respondents who agree more: scores err by 5 points."""
SPREAD, ERROR = 5.0, 4.92
"""Of units around their profile, and of the scores of `MANY` around the unit, in points."""


def skewed(size, rng):
    """Draw from a gamma distribution of shape 2: a tail upward, skewness 1.4."""
    return (rng.gamma(2.0, size=size) - 2) / np.sqrt(2)


def heavy_tailed(size, rng):
    """Draw from Student's t with 5 degrees of freedom: kurtosis 9, where the normal has 3."""
    return rng.standard_t(5, size) * np.sqrt(3 / 5)


def two_heaps(size, rng):
    """Draw from the arcsine distribution on ±√2: dense at both ends, thin between, no gap."""
    return np.sqrt(2) * np.cos(rng.uniform(0, np.pi, size))


def window(at, p, *, width=0.9, current=None):
    """Lead through phases that rise and fall: busy with one now, done with those before.

    A phase scores highest at a place of its own, as in unfolding (Coombs, 1964, A theory of data),
    and `width` tells how long units are busy with it. Only the first `current` phases are asked so
    (all by default); the others are asked as what has been *achieved*: they rise and stay.
    """
    gap = at + np.sqrt(3) * np.linspace(1, -1, p).round(12)
    achieved = (gap > 0) & (np.arange(p) >= (p if current is None else current))
    return 10 + 75 * np.exp(-((np.where(achieved, 0, gap) / width) ** 2) / 2)


def cumulative(at, p, *, points=37.5, apart=100.0):
    """Lead along a line whose phases are harder and harder, by `apart` points in all.

    Units have gone all the way in the first phase before they begin with the last (Guttman, 1950,
    in Stouffer et al., Measurement and prediction). The steeper, the more of them stand at an end
    of the answer scale, and the answers bend around its corners.
    """
    return straight(at, p, means=50 + apart / 2 * early_to_late(p), points=points)


def arch(at, p, *, points=16.0, bend=12.0):
    """Lead along a line with a bent second dimension.

    Both ends score lower on early phases, and higher on late ones, than their level says: by `bend`
    points for one standard deviation of the squared position, if that is normal. Such arches come
    by themselves where neighbours alone are alike (Diaconis, Goel & Holmes, 2008, Annals of Applied
    Statistics 2, 777-807).
    """
    return 50 + points * at + bend * (1 - at**2) / np.sqrt(2) * early_to_late(p)


def horseshoe(at, p, *, arc=1.5 * np.pi):
    """Lead round in level and in early against late phases, `arc` radians for `even` positions.

    The ends face each other across a void; 2π is a ring.
    """
    angle, early = at / np.sqrt(3) * arc / 2, early_to_late(p)
    level = np.sqrt(np.mean(early**2))  # in all phases, it reaches as far as their contrast
    return 50 + 35 * (np.sin(angle) * level + np.cos(angle) * early)


def branches(at, p):
    """Lead along a Y: up to the middle by one way, on by early or by late phases, units in turn."""
    turn = np.where(np.arange(len(at)) % 2, 1, -1)[:, None]
    return 50 + 25 * np.where(at < 0, at, at * (0.5 + turn * early_to_late(p) / 2))


def plane(at, p, *, correlation=0.5, points=16.0):
    """Lead from two dimensions: one of the early phases, one of the late, both in the middle.

    `points` is what one standard deviation is worth in each phase.
    """
    rotation, sizes, _ = np.linalg.svd([[1, correlation], [correlation, 1]])
    loadings = np.array([early_to_late(p) >= 0, early_to_late(p) <= 0], dtype=float)
    loadings /= np.where(loadings.all(axis=0), np.sqrt(2 + 2 * correlation), 1)
    return 50 + points * at @ (rotation * np.sqrt(sizes)).T @ loadings


def early_to_late(p):
    """Set early against late phases, 1 to -1."""
    return np.linspace(1, -1, p).round(12)


def two_bowls(at, p):
    """Lead along two dimensions on which early, and late, phases are high at both ends."""
    early, late = np.arange(p) <= p // 2, np.arange(p) >= p // 2
    both = np.maximum(early.astype(int) + late, 1)
    return 30 + 25 * (at[:, :1] ** 2 * early + at[:, 1:] ** 2 * late) / both


def spiral(at, p):
    """Lead along one turn and a half, that widens, in level and early against late phases."""
    angle = (at[:, :1] / np.sqrt(3) + 1) * 1.5 * np.pi
    early = np.linspace(1, -1, p)
    return 50 + (8 + 4 * angle) * (0.7 * np.sin(angle) + np.cos(angle) * early)


def saddle(at, p):
    """Lead along a plane that is bent up one way and down the other."""
    early = np.linspace(1, -1, p)
    return 50 + 14 * at[:, :1] + 14 * at[:, 1:] * early + 8 * at[:, :1] * at[:, 1:] * (1 - early**2)


def middling(size, rng):
    """Draw a normal mixture of two spreads: dense in the middle, and a tenth far out."""
    far = rng.random(size) < 0.1
    return rng.standard_normal(size) * np.where(far, 2.5, 0.69)


def logistic(at, p):
    """Lead along a scale of logistic items that differ in place and in slope."""
    return 100 / (1 + np.exp(-np.linspace(1.2, 3.5, p) * (at[:, :1] - np.linspace(-1.6, 1.6, p))))


def fan(at, p):
    """Lead along lines that part: later phases gain more."""
    return 25 + 12 * (at[:, :1] + 1.7) * np.linspace(0.3, 1.7, p)


def dome(at, p):
    """Lead along a plane that is bent down on all sides."""
    early = np.linspace(1, -1, p)
    bent = 70 - 9 * (at[:, :1] ** 2 + at[:, 1:] ** 2)
    return bent + 14 * at[:, :1] * early + 10 * at[:, 1:] * (early**2 - 0.5)


def helix(at, p):
    """Lead up a spiral stair."""
    angle, early = 2.2 * at[:, :1], np.linspace(1, -1, p)
    return 50 + 10 * at[:, :1] + 16 * (np.cos(angle) * early + np.sin(angle) * (early**2 - 0.5))


def zigzag(at, p):
    """Lead along waves that each phase rides a little later."""
    return 50 + 20 * np.sin(1.6 * at[:, :1] + 1.3 * np.arange(p))


def waiting(size, rng):
    """Draw from an exponential distribution: many at the beginning, a long tail."""
    return rng.exponential(1, size) - 1


def leaning(size, rng):
    """Draw from a beta distribution that leans against one end."""
    return (rng.beta(0.8, 2.5, size) - 0.24) / 0.2


def straying(size, rng):
    """Draw normally, but one in 25 from anywhere."""
    return np.where(rng.random(size) < 0.04, rng.uniform(-4, 4, size), rng.standard_normal(size))


def lognormal(size, rng):
    """Draw from a lognormal distribution of spread .8: most below the mean, some far above."""
    variance = np.exp(0.64)
    return (rng.lognormal(0, 0.8, size) - np.sqrt(variance)) / np.sqrt(variance * (variance - 1))


def scarcer(at, p):
    """Lead from two means, where later phases are more held back by the scarcer (von Liebig)."""
    late, first, second = np.linspace(0, 1, p), at[:, :1], at[:, 1:]
    return 50 + 18 * ((1 - late) * first + late * np.minimum(first, second + 0.6))


def three_ways(at, p):
    """Lead from three dimensions: level, early against late phases, and the middle ones."""
    early = np.linspace(1, -1, p)
    return 50 + 12 * at[:, :1] + 12 * at[:, 1:2] * early + 14 * at[:, 2:] * (early**2 - 0.5)


def mixed(size, rng, *, power=1.0):
    """Draw shares in ideal types (Dirichlet): all mixtures alike, or by less than 1 near a type."""
    return rng.dirichlet([power] * size[1], size[0])


def between(at, p):
    """Lead between ideal types: early phases, late ones, all, and those in the middle."""
    early = early_to_late(p)
    types = [50 + 25 * early, 50 - 25 * early, np.full(p, 72), 80 - 60 * np.abs(early)]
    return at @ np.array(types[: at.shape[1]])


def in_styles(answering):
    """Let units keep to the middle in what they answer, or go to the ends: no profiles."""

    def answer(states, rng):
        scores = answering(states, rng).scores
        far = rng.uniform(0.3, 2.2, (len(scores), 1))
        return SimpleNamespace(scores=(50 + far * (scores - 50)).clip(0, 100))

    return answer


def not_begun(size, rng):
    """Draw normally, but a quarter at one point far below."""
    return np.where(rng.random(size) < 0.25, -2.2, rng.standard_normal(size))


def hurdles(at, p, *, not_begun=-40.0):
    """Lead along a plane, where a phase is not begun by who has less than 20 points of it."""
    own = 35 + 30 * at[:, :1] + 10 * at[:, 1:] * early_to_late(p) - 25 * np.linspace(0, 1, p)
    return np.where(own < 20, not_begun, own)


def hurdles_on_a_line(at, p):
    """Lead along a line on which later phases are begun later."""
    own = 45 + 22 * at - 30 * np.linspace(0, 1, p)
    return np.where(own < 25, -40, own)


def done_with(at, p):
    """Lead along a plane, where who is nearly done with a phase is done with it."""
    return 100 - hurdles(at, p)


def last_hurdle(at, p):
    """Lead along a plane on which not all have begun with the last phase."""
    own = 45 + 18 * at[:, :1] + 8 * at[:, 1:] * early_to_late(p) - 20 * np.linspace(0, 1, p)
    own[:, -1] = np.where(own[:, -1] < 30, -40, own[:, -1])
    return own


ALIKE = Profiles(pd.DataFrame([[50.0] * 5], columns=list(PHASES)), 15.0)
WITHOUT_GROUPS = {
    "line": (Continuum(), SOME),
    "line, skewed": (Continuum(position=skewed), SOME),
    "line, at the ceiling": (Continuum(partial(straight, means=75.0)), SOME),
    "line, heavy tails": (Continuum(position=heavy_tailed, own=heavy_tailed), SOME),
    "line, three answers": (Continuum(), Answering((3,), 15.0, cuts=steps(3))),
    "line, 15% careless": (Continuum(), Answering((3,), 15.0, careless=0.15)),
    "line, halo": (Continuum(), Answering((3,), 15.0, halo=0.6)),
    "line, 1 to 6 respondents": (Continuum(), Answering((1, 1, 1, 2, 4, 6, 6), 20.0)),
    "line, one respondent": (Continuum(), Answering((1,), 15.0)),
    "steep series": (Continuum(cumulative, even, spread=5), MANY),
    "steep series, normal": (Continuum(partial(cumulative, points=30.0), spread=5), MANY),
    "window": (Continuum(window, even, spread=5), MANY),
    "window, noisy": (Continuum(window, even, spread=12), SOME),
    "window, normal": (Continuum(window, spread=8), SOME),
    "arch": (Continuum(partial(arch, bend=16.0), spread=6), MANY),
    "arch, even": (Continuum(partial(arch, bend=20.0), even, spread=6), SOME),
    "two current, three achieved": (Continuum(partial(window, current=2), even, spread=8), SOME),
    "three current, two achieved": (Continuum(partial(window, current=3), even, spread=6), MANY),
    "two dimensions": (Continuum(plane, dimensions=2, spread=6), SOME),
    "independent": (ALIKE, SOME),
    "branches": (Continuum(branches, even, spread=5), MANY),
    "horseshoe": (Continuum(horseshoe, even, spread=7), MANY),
}
DIPS = {
    "line, hollow": (Continuum(position=two_heaps), SOME),
    "two bowls": (Continuum(two_bowls, dimensions=2, spread=5), MANY),
}
"""No groups, but a density that really dips: any rule about valleys may find it."""
UNTUNED = {
    "spiral": (Continuum(spiral, even, spread=5), MANY),
    "saddle": (Continuum(saddle, dimensions=2, spread=6), SOME),
    "line, two spreads": (Continuum(position=middling, own=middling), SOME),
    "window, wide, halo": (
        Continuum(partial(window, width=1.4), even, spread=6),
        Answering((2,), 18.0, halo=0.5),
    ),
    "steep, straight-lining": (
        Continuum(cumulative, even, spread=8),
        Answering((3,), 15.0, straight=0.2),
    ),
    "plane, skewed, 1 to 6 respondents": (
        Continuum(plane, skewed, dimensions=2, spread=6),
        Answering((1, 1, 1, 2, 4, 6, 6), 20.0),
    ),
}
AFTERWARDS = {
    "logistic": (Continuum(logistic, spread=5), MANY),
    "logistic, even": (Continuum(logistic, even, spread=6), SOME),
    "fan": (Continuum(fan, spread=6), SOME),
    "dome": (Continuum(dome, dimensions=2, spread=5), MANY),
    "dome, even": (Continuum(dome, even, dimensions=2, spread=5), MANY),
    "helix": (Continuum(helix, even, spread=5), MANY),
    "helix, normal": (Continuum(helix, spread=6), SOME),
    "zigzag": (Continuum(zigzag, even, spread=6), MANY),
    "zigzag, normal": (Continuum(zigzag, spread=7), SOME),
    "window, exponential": (Continuum(window, waiting, spread=6), SOME),
    "line, beta": (Continuum(position=leaning), SOME),
    "line, strays": (Continuum(position=straying, own=straying), SOME),
    "window, three answers of one": (
        Continuum(window, even, spread=8),
        Answering((1,), 15.0, cuts=steps(3)),
    ),
    "window, 1 to 6 respondents": (
        Continuum(window, even, spread=6),
        Answering((1, 1, 1, 2, 4, 6, 6), 20.0),
    ),
    "plane, even": (Continuum(plane, even, dimensions=2, spread=5), MANY),
    "steep, 30% careless": (
        Continuum(cumulative, even, spread=6),
        Answering((3,), 15.0, careless=0.3),
    ),
    "window, 20% careless": (
        Continuum(window, even, spread=6),
        Answering((3,), 15.0, careless=0.2),
    ),
    "window, halo, straight-lining": (
        Continuum(window, spread=6),
        Answering((2,), 18.0, halo=0.6, straight=0.15),
    ),
    "line, two answers": (Continuum(), Answering((2,), 15.0, cuts=steps(2))),
    "steep, two answers": (
        Continuum(cumulative, even, spread=5),
        Answering((2,), 12.0, cuts=steps(2)),
    ),
    "line, a quarter not begun": (Continuum(position=not_begun), SOME),
    "branches, normal": (Continuum(branches, spread=5), MANY),
    "horseshoe, skewed": (Continuum(horseshoe, skewed, spread=6), SOME),
    "arch, one respondent, halo": (
        Continuum(partial(arch, bend=18.0), even, spread=6),
        Answering((1,), 15.0, halo=0.5),
    ),
    "independent, styles": (ALIKE, in_styles(SOME)),
    "line, styles": (Continuum(), in_styles(SOME)),
    "plane, styles": (Continuum(plane, dimensions=2, spread=6), in_styles(SOME)),
    "hurdles": (Continuum(hurdles, spread=5, dimensions=2), SOME),
    "hurdles, even": (Continuum(hurdles, even, spread=5, dimensions=2), MANY),
    "hurdles, slips": (
        Continuum(partial(hurdles, not_begun=-8.0), spread=5, dimensions=2),
        MANY,
    ),
    "hurdles on a line": (Continuum(hurdles_on_a_line, spread=6), SOME),
    "hurdles, at the ceiling": (Continuum(done_with, spread=5, dimensions=2), SOME),
    "hurdles, above the floor": (
        Continuum(partial(hurdles, not_begun=5.0), spread=5, dimensions=2),
        MANY,
    ),
    "hurdle of the last phase": (Continuum(last_hurdle, spread=6, dimensions=2), SOME),
}


def at_distance(world, d):
    """Move profiles together or apart, until the nearest two lie `d` spreads from each other.

    Where spreads differ, their root mean square counts.
    """
    middle, unit = world.centroids.mean(), np.sqrt(np.mean(np.square(world.spread)))
    scale = d * unit / pdist(world.centroids.to_numpy()).min()
    return replace(world, centroids=middle + (world.centroids - middle) * scale)


def profiles(rows, shares=(), spread=SPREAD):
    """Profiles of which the distance is yet to be set."""
    return Profiles(pd.DataFrame(rows, columns=list(PHASES), dtype=float), spread, shares)


TRIANGLE = [[40, 40, 50, 45, 40], [60, 50, 45, 50, 55], [50, 65, 60, 50, 45]]
SHAPES = {
    "three on a line": profiles([[40] * 5, [50] * 5, [60] * 5]),
    "two in one phase": profiles([[50, 50, 40, 50, 50], [50, 50, 60, 50, 50]]),
    "two crossing": profiles([[60, 55, 50, 45, 40], [40, 45, 50, 55, 60]]),
    "three, 60/30/10": profiles(TRIANGLE, shares=(6, 3, 1)),
    "three, unequal spreads": profiles(TRIANGLE, spread=np.array([3.0, 5.0, 7.0])),
    "four": profiles([*TRIANGLE, [65, 62, 62, 65, 62]]),
}
TOTAL = np.hypot(SPREAD, ERROR)
"""Spread of scores within a profile: distances are told in these."""
WITH_GROUPS = {
    f"{name}, d = {d}": (at_distance(world, d * TOTAL / SPREAD), MANY)
    for d in (3, 4)
    for name, world in SHAPES.items()
} | {"four clear": (FOUR, SOME)}
NONE = -40.0
"""Where who has not begun with a phase is: all answers are the lowest."""
CENTROIDS = {
    "three, two phases not begun": [
        *([40, 40, 40, NONE, NONE], [55, 45, 35, 40, 45], [65, 70, 60, 45, 60]),
    ],
    "three, other phases not begun": [
        *([60, 55, 45, NONE, NONE], [NONE, NONE, 45, 55, 60], [50] * 5),
    ],
    "four, on stairs": [
        *([45, NONE, NONE, NONE, NONE], [60, 50, NONE, NONE, NONE]),
        *([70, 60, 50, NONE, NONE], [75, 70, 65, 55, 45]),
    ],
    "two, the last phase not begun": [[50, 50, 50, 50, NONE], [50] * 5],
}
NOT_BEGUN = {name: (profiles(rows, spread=7.0), SOME) for name, rows in CENTROIDS.items()}
"""Groups of which some have not begun with some phases, as on a continuum with hurdles."""
DISTANCES = {name: float(name[-1]) for name in WITH_GROUPS if name[-1].isdigit()}
TAILS = {
    "independent, lognormal": (
        Continuum(partial(straight, means=35.0, points=12.0), lognormal, 4.0, dimensions=5),
        SOME,
    ),
    "independent, at the floor": (
        Continuum(partial(straight, means=10.0, points=20.0), normal, 4.0, dimensions=5),
        SOME,
    ),
    "independent, even": (
        Continuum(partial(straight, points=18.0), even, 4.0, dimensions=5),
        MANY,
    ),
    "three dimensions, skewed": (Continuum(three_ways, skewed, 5.0, dimensions=3), MANY),
    "held back by the scarcer of two": (Continuum(scarcer, spread=5.0, dimensions=2), MANY),
    "three ideal types, mixed": (Continuum(between, mixed, 5.0, dimensions=3), SOME),
    "three ideal types, mixed little": (
        Continuum(between, partial(mixed, power=0.6), 6.0, dimensions=3),
        SOME,
    ),
    "four ideal types, mixed": (Continuum(between, mixed, 5.0, dimensions=4), SOME),
}
"""No groups, but phases or dimensions with a distribution of their own that is not normal; phases
that are held back."""
SURVEYS = WITHOUT_GROUPS | DIPS | UNTUNED | WITH_GROUPS | AFTERWARDS | NOT_BEGUN | TAILS
"""Their order is part of their seeds: add at the end."""


def draw_scores(truth, n, rng):
    """Draw the scores of n units of a truth."""
    world, answering = SURVEYS[truth]
    return answering(world(n, rng), rng).scores
