"""Ask whether other defensible choices would divide the units otherwise: a handful, or all.

The headline divides phase scores on 0-100 by one method. Beside it stand another method, latent
classes of scores in a few steps, and the same method on scores that were standardised, stripped of
their level, or drawn towards the mean as far as they are unreliable (`alternatives`).

The grid holds every way in which a study might have been analysed. Choices that belong together are
crossed: how respondents become a unit, which answers count, what is divided, how, in how many, and
for whom. What only asks whether one part carries the finding is changed one at a time, all else as
in the headline: an item or a phase is left out, another wave is the reference, a phase counts as
active from another score. A choice is defensible if a reader would accept it for the same question
(Del Giudice & Gangestad 2021): so one profile more or fewer than the data prefer says whether other
findings hang on the number, and never counts as another finding of the number. What cannot be, and
what would count one analysis twice, is left out, by its reason.

References
----------
Del Giudice & Gangestad (2021), Advances in Methods and Practices in Psychological Science 4(1).
Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), Perspectives on Psychological Science 11(5),
702-712.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.chance import Seed
from cycle_analysis.profiles import Method, Partition, latent_classes, levels, ward_kmeans
from cycle_analysis.profiles.division import MOVED_WARNING, method_agreement
from cycle_analysis.profiles.typology import shapes
from cycle_analysis.study.files import Robustness
from cycle_analysis.study.plan import hash_facts

CROSSED = ("aggregation", "min_answered", "careless", "scaling", "method", "k", "weights")
"""Choices of which every combination is analysed."""
ALONE = ("active_from", "left_out", "reference_wave")
"""Choices that change one at a time."""
STEPS = (0.0, 100 / 3, 200 / 3, 100.0)
"""Ends of the low, middle and high step into which scores are cut for latent classes."""


@dataclass(frozen=True)
class Universe:
    """One way to analyse a study: what is taken of every choice.

    Attributes
    ----------
    aggregation : str
        From respondents to unit: a name of `measurement.aggregation_rules`.
    min_answered : float
        Share of a phase's items that a respondent must have answered.
    careless : str
        Whether respondents with a flag are kept or left_out.
    scaling : str
        true_scores (error of measurement taken off), points, z_scores, shrunken or shapes.
    method : str
        profiles (latent profiles) or ward (Ward + k-means).
    k : str
        own (BIC's), same (as many as the headline), fewer or more.
    weights : str
        Whether units count as equal or raked to the population.
    active_from : float
        Score from which a phase counts as active.
    left_out : str
        Such as ``item AG1`` or ``phase AG``; empty for nothing.
    reference_wave : str
        Wave in which the profiles are found.
    """

    aggregation: str
    min_answered: float
    careless: str
    scaling: str
    method: str
    k: str
    weights: str
    active_from: float
    left_out: str
    reference_wave: str

    @property
    def name(self) -> str:
        """What tells it from others, whatever its place in the grid."""
        return hash_facts(asdict(self))[:12]

    @property
    def answers(self) -> tuple[str | float, ...]:
        """What decides about the scores: universes alike in this share them."""
        wave = self.reference_wave
        return self.aggregation, self.min_answered, self.careless, self.left_out, wave

    @property
    def work(self) -> tuple[str | float, ...]:
        """What decides about the fits: universes alike in this share them.

        Latent profiles weigh points and z-scores alike, and error is taken off what was fitted.
        """
        return (*self.answers, "shrunken" if self.scaling == "shrunken" else "points")


@dataclass(frozen=True)
class Setting:
    """What of a study decides which choices there are.

    Attributes
    ----------
    k : int
        Number of groups of the headline.
    found : bool
        Whether these are profiles.
    max_profiles : int
        Largest number of profiles considered.
    phases : mapping of phase to list of items
        Those of the reference wave.
    waves : list of str
    has_roles, has_background, error_known : bool
        Whether respondents have roles, units a background, and error can be taken off.
    """

    k: int
    found: bool
    max_profiles: int
    phases: Mapping[str, Sequence[str]]
    waves: Sequence[str]
    has_roles: bool = True
    has_background: bool = True
    error_known: bool = True


def lay_out(
    headline: Universe, asked: Robustness, setting: Setting
) -> tuple[list[Universe], Counter[str]]:
    """Lay out the universes of a study, the headline first.

    Parameters
    ----------
    headline : Universe
        What the study itself took.
    asked : Robustness
        The options of study.yaml, or the default; those of the headline are always among them.
    setting : Setting

    Returns
    -------
    list of Universe, Counter of reason
        Those that can be analysed, and how many cannot, by a reason of ``texts/reasons.yaml``.

    Examples
    --------
    >>> headline = Universe("mean", 0.5, "kept", "points", "profiles", "own", "equal", 50, "", "1")
    >>> setting = Setting(4, True, 8, {"AG": ["AG1"], "EX": ["EX1", "EX2"]}, ["1"])
    >>> asked = Robustness(aggregation=["mean", "median"], method=["profiles"], scaling=["points"])
    >>> asked = asked.model_copy(update={"k": [], "min_answered": [], "active_from": []})
    >>> universes, left_out = lay_out(headline, asked, setting)
    >>> [(one.aggregation, one.careless, one.weights) for one in universes][:3]
    [('mean', 'kept', 'equal'), ('mean', 'kept', 'raked'), ('mean', 'left_out', 'equal')]
    >>> len(universes), left_out
    (10, Counter({'few_phases': 2, 'last_item': 1}))
    """
    # of each choice the option of the headline first
    options = [dict.fromkeys([getattr(headline, c), *getattr(asked, c)]) for c in CROSSED]
    crossed = [
        replace(headline, **dict(zip(CROSSED, taken, strict=True))) for taken in product(*options)
    ]
    alone = [replace(headline, **{name: value}) for name, value in _alone(headline, asked, setting)]
    reasons = {one: _reason(one, setting) for one in dict.fromkeys([*crossed, *alone])}
    return _parted(reasons)


def without_doubles(
    universes: Sequence[Universe], scores: Mapping[tuple[Any, ...], pd.DataFrame]
) -> tuple[list[Universe], Counter[str]]:
    """Leave out universes whose scores another choice gives as well, or too few have.

    Parameters
    ----------
    universes : sequence of Universe
        In order: of those that are alike the first stays.
    scores : mapping of `Universe.answers` to DataFrame
        Scores of the units that are divided, units × phases; empty where they cannot be.

    Returns
    -------
    list of Universe, Counter of reason
    """
    first: dict[str, tuple[Any, ...]] = {}
    doubts: dict[tuple[Any, ...], str] = {}
    for answers, table in scores.items():
        same = first.setdefault(table.to_csv(), answers) != answers
        doubts[answers] = "few_units" if table.empty else "same_scores" if same else ""
    return _parted({one: doubts[one.answers] for one in universes})


def _parted(reasons: Mapping[Universe, str]) -> tuple[list[Universe], Counter[str]]:
    """Part universes into those without a reason against them, and the number of each reason."""
    left_out = Counter(reason for reason in reasons.values() if reason)
    return [one for one, reason in reasons.items() if not reason], left_out


def _alone(headline: Universe, asked: Robustness, setting: Setting) -> Iterator[tuple[str, Any]]:
    """Give what changes by itself: a choice and its option."""
    for value in asked.active_from:
        yield "active_from", value
    if "item" in asked.left_out:
        for item in (item for items in setting.phases.values() for item in items):
            yield "left_out", f"item {item}"
    if "phase" in asked.left_out:
        for phase in setting.phases:
            yield "left_out", f"phase {phase}"
    for wave in setting.waves if asked.other_waves else ():
        yield "reference_wave", wave


def _reason(one: Universe, setting: Setting) -> str:
    """Say why a universe cannot be analysed, or would be another once more; else nothing."""
    kind, _, left_out = one.left_out.partition(" ")
    without = [items for items in setting.phases.values() if list(items) == [left_out]]
    against = {
        "same_fit": one.method == "profiles" and one.scaling == "z_scores",
        "shapes": one.method == "profiles" and one.scaling == "shapes",
        "no_mixture": one.method == "ward" and one.scaling == "true_scores",
        "no_error": one.scaling in ("true_scores", "shrunken") and not setting.error_known,
        "no_number": one.k in ("fewer", "more") and not setting.found,
        "one_group": one.k == "fewer" and setting.k < 3,
        "many_groups": one.k == "more" and setting.k >= setting.max_profiles,
        "no_roles": one.aggregation in ("echelon", "adjusted") and not setting.has_roles,
        "same_weights": one.weights == "raked" and not setting.has_background,
        "last_item": kind == "item" and bool(without),
        "few_phases": kind == "phase" and len(setting.phases) < 3,
    }
    return next((reason for reason, holds in against.items() if holds), "")


def standardised(scores: pd.DataFrame) -> pd.DataFrame:
    """Set every phase to mean 0 and standard deviation 1 (0 when constant): all weigh the same.

    Examples
    --------
    >>> standardised(pd.DataFrame({"AG": [10.0, 20.0, 30.0]}))["AG"].tolist()
    [-1.0, 0.0, 1.0]
    """
    spread = scores.std()
    return (scores - scores.mean()) / spread.where(spread > 0, 1.0)


def shrunken(scores: pd.DataFrame, standard_errors: pd.DataFrame) -> pd.DataFrame:
    """Draw scores towards the phase's mean as far as they are unreliable (empirical Bayes).

    With τ² the variance of the true scores, estimated as the variance of the scores less the mean
    squared error, a score keeps the share τ² / (τ² + se²) of its distance from the mean.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores.
    standard_errors : DataFrame, n units × p phases
        Of the scores; NaN on a phase where nobody's is known leaves the phase as it is.

    Returns
    -------
    DataFrame, n units × p phases

    References
    ----------
    Efron & Morris (1975), Journal of the American Statistical Association 70(350), 311-319.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [20.0, 40.0, 60.0, 80.0]})
    >>> shrunken(scores, pd.DataFrame({"AG": [5.0, 5.0, 5.0, 20.0]}))["AG"].round(1).tolist()
    [21.3, 40.4, 59.6, 67.3]
    """
    squares = standard_errors.reindex(index=scores.index, columns=scores.columns) ** 2
    true = (scores.var() - squares.where(scores.notna()).mean()).clip(lower=0.0)
    kept = (true / (true + squares)).where(squares.notna() & (true + squares > 0), 1.0)
    return scores.mean() + kept * (scores - scores.mean())


def stepped(scores: pd.DataFrame) -> pd.DataFrame:
    """Cut scores of 0-100 into low (0), middle (1) and high (2).

    Examples
    --------
    >>> stepped(pd.DataFrame({"AG": [0.0, 50.0, 100.0, None]}))["AG"].tolist()
    [0.0, 1.0, 2.0, nan]
    """
    codes = np.digitize(scores.to_numpy(dtype=float), STEPS[1:-1]).astype(float)
    return pd.DataFrame(codes, scores.index, scores.columns).where(scores.notna())


def alternatives(
    headline: Partition,
    method: Method,
    k: int,
    standard_errors: pd.DataFrame,
    *,
    adjusted: pd.DataFrame | None = None,
    n_starts: int = 50,
    seed: Seed = 1,
) -> dict[str, Partition]:
    """Divide the units again under each other choice.

    Parameters
    ----------
    headline : Partition
        The division, of complete phase scores, 0-100.
    method : function (scores, k) -> Partition
        How the headline was made.
    k : int
        Number of groups asked for; levels are fewer where many units share a mean.
    standard_errors : DataFrame, n units × p phases
        Of the scores.
    adjusted : DataFrame, n units × p phases, optional
        The scores without what roles differ, by `measurement.role_adjusted_mean`.
        Where roles do not differ (`measurement.error.roles_differ`) they only hold more noise.
    n_starts, seed
        For latent classes.

    Returns
    -------
    dict of str to Partition
        ward, classes, z_scores, shapes, shrunken, roles. What is impossible is left out: shapes of
        levels, shrinkage where no error is known, latent classes where the steps are too few.
    """
    scores, found = headline.scores, headline.k
    tried: dict[str, Callable[[], Partition]] = {
        "ward": lambda: ward_kmeans(scores, found),
        "z_scores": lambda: method(standardised(scores), k),
    }
    steps = stepped(scores)
    if len(steps.drop_duplicates()) >= found:
        tried["classes"] = lambda: latent_classes(steps, found, n_starts=n_starts, seed=seed)
    if method is not levels:
        tried["shapes"] = lambda: method(shapes(scores), k)
    if standard_errors.notna().any(axis=None):
        tried["shrunken"] = lambda: method(shrunken(scores, standard_errors), k)
    if adjusted is not None:
        tried["roles"] = lambda: method(adjusted.loc[scores.index], k)
    return {name: divide() for name, divide in tried.items()}


def compare_choices(headline: Partition, others: Mapping[str, Partition]) -> pd.DataFrame:
    """Set the agreement of each other choice with the headline.

    Parameters
    ----------
    headline : Partition
        The division that is told.
    others : mapping of choice to Partition
        The same units divided otherwise, as `alternatives` does, or by a method of your own.

    Returns
    -------
    DataFrame, index choice
        n_units, adjusted_rand, n_moved, moved_share, and warning: more than a fifth moves
        (Mooi & Sarstedt 2011).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [5, 9, 50, 52]})
    >>> two = ward_kmeans(scores, 2)
    >>> compare_choices(two, {"ward": two})["n_moved"].tolist()
    [0]
    """
    found = [method_agreement(headline, other) for other in others.values()]
    table = pd.DataFrame(
        {
            "n_units": [len(agreement.moved) for agreement in found],
            "adjusted_rand": [agreement.adjusted_rand for agreement in found],
            "n_moved": [int(agreement.moved.sum()) for agreement in found],
            "moved_share": [agreement.moved_share for agreement in found],
        },
        index=pd.Index(others, name="choice"),
    )
    return table.assign(warning=table["moved_share"] > MOVED_WARNING)
