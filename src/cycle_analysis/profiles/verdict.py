"""The verdict on whether there are profiles, in grades, and the evidence it rests on.

Any cloud of units can be cut into profiles, and any criterion prefers profiles to a form that does
not fit. So profiles must beat every form that units without groups may take - a line, a curve, a
plane, straight or bent, a field between extremes (`mixtures.courses`), with phases that not all
have begun, or one cloud, also of skewed phases (both `mixtures.margins`) - on BIC; and profiles are
called separate only where valleys lie between them, deeper than chance (`valleys`). What shows no
valley is called overlapping where it beats every form by a strong lead, and does not predict units
left out of the fit surely worse; since that says already that there are profiles, their valleys are
tested at a wider level. Where a form without groups wins, the verdict says which. Each test alone
fails in some world; how often both together do, and where (units that crowd at both ends of a
line), benchmarks/README.md tells.

References
----------
Hennig (2010), Advances in Data Analysis and Classification 4, 3-34.
Lubke & Neale (2006), Multivariate Behavioral Research 41(4), 499-532.
Raftery (1995), Sociological Methodology 25, 111-163.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from cycle_analysis.chance import Seed, children
from cycle_analysis.mixtures import Mixture, check_scores, classify, held_out, race
from cycle_analysis.mixtures.courses import COURSES, Course, fit_concentric, fit_courses, fit_steps
from cycle_analysis.mixtures.margins import Hurdle, fit_hurdles, fit_skewed, fit_skewed_along_axes
from cycle_analysis.profiles import sample
from cycle_analysis.profiles.selection import Choice, Fits, choose, compare, fit_models
from cycle_analysis.profiles.valleys import Valleys, find_valleys, no_valleys


class Verdict(StrEnum):
    """Whether there are profiles, by a code that texts know."""

    SEPARATE = "separate"
    """Separate profiles: valleys lie between them."""
    OVERLAPPING = "overlapping"
    """Overlapping profiles: they describe the units better than any continuum, without valleys."""
    CONTINUUM = "continuum"
    """Units differ from less to more."""
    BENT = "bent"
    """Units differ along one curve or line, on which some phases rise while others fall."""
    STRUCTURE = "structure"
    """Phases are related, in more than one dimension; no profiles can be told apart."""
    NO_STRUCTURE = "no_structure"
    IDENTICAL = "identical"
    """All units with complete scores are the same: there is nothing to divide."""

    @property
    def found(self) -> bool:
        """Whether there are profiles, which may have names."""
        return self in (Verdict.SEPARATE, Verdict.OVERLAPPING)


ALPHA, EASED = 0.05, 0.1
"""Level of the test of valleys; and where profiles would be called overlapping without any."""
STRONG_LEAD, CLEAR_LEAD = 6.0, 10.0
"""BIC points from which evidence is strong, and very strong (Raftery 1995). Two profiles need the
latter where no valley shows: they lie on a line whatever they are, and many a line is no rival."""
PLACES = 2
"""Decimals of differences of likelihoods: where a search stops differs by processor after that."""
PATHS = ("line", "curve")
"""Forms of one dimension."""
FEW_UNITS, UNITS_PER_PROFILE = 30, 10
"""Units from which a test is of use; units for each profile that is tried."""
LOWER = {Verdict.SEPARATE: Verdict.OVERLAPPING, Verdict.OVERLAPPING: Verdict.STRUCTURE}
"""One grade lower."""
OF_PROFILES, OF_SCORES, WINDOW = ("most_profiles", "at_floor"), ("few_values", "heaped"), "window"
"""Codes of `warnings_of`, about the profiles and about the scores, and one more of `lowered_by`."""
SHUFFLES = 199
"""Of the columns, from which the chance level of eigenvalues is known."""
FEW_VALUES, HEAPED, MONOTONE = 5, 0.2, 0.9
"""Distinct scores of a phase, and share of units with one and the same score, from which a warning
goes with the verdict; rank correlation of place on a curve and mean score from which it is a scale
from less to more."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the verdict rests on.

    Attributes
    ----------
    choice : Choice
        What BIC takes of the mixtures.
    rivals : DataFrame, index rival
        Forms without groups, best first: form (cloud, line, curve, plane, bent_plane, field,
        hurdle), bic_lead (BIC of the rival less that of the profiles: positive where profiles win);
        of the best of each form held_out (log likelihood of units left out, profiles less rival)
        and its standard error held_out_error.
    steps_lead : float
        BIC points by which as many profiles, all on one line, beat the best rival.
    valleys : Valleys
        Between the profiles.
    course : DataFrame, index position (0-100)
        The best line or curve: share of units, and expected score of each phase.
    ascent : float
        Rank correlation of units' place on that course with their mean score, 0-1.
    n_dimensions : int
        Eigenvalues of the correlations beyond chance (parallel analysis, Horn 1965).
    warnings : tuple of str
        What makes profiles doubtful; see `warnings_of`.
    window : bool
        Whether the phases read as a window, which overlapping profiles cannot be told from.
    n_units : int
        Units with all scores.
    """

    choice: Choice
    rivals: pd.DataFrame
    steps_lead: float
    valleys: Valleys
    course: pd.DataFrame
    ascent: float
    n_dimensions: int
    warnings: tuple[str, ...]
    window: bool
    n_units: int

    @property
    def lead(self) -> float:
        """BIC points by which profiles beat the best rival; negative where they do not."""
        return float(self.rivals["bic_lead"].min())

    @property
    def lead_held_out(self) -> float:
        """Log likelihood of units left out by which profiles beat the best rival."""
        return float(self.rivals["held_out"].iloc[0])

    @property
    def worse_held_out(self) -> bool:
        """Whether profiles predict units left out worse, by more than one standard error."""
        return self.lead_held_out < -float(self.rivals["held_out_error"].iloc[0])

    @property
    def verdict(self) -> Verdict:
        """Whether there are profiles."""
        if self.rivals.empty:
            return Verdict.IDENTICAL
        grade = self._grade
        if grade is not None and self.lowered_by:
            return LOWER[grade]
        return grade or self._without_profiles

    @property
    def lowered_by(self) -> tuple[str, ...]:
        """Codes of what makes the verdict one grade lower than the figures alone would.

        The `warnings`; and a window, from which overlapping profiles cannot be told.
        """
        grade = None if self.rivals.empty else self._grade
        if grade is Verdict.OVERLAPPING and self.window:
            return (*self.warnings, WINDOW)
        return self.warnings if grade in LOWER else ()

    @property
    def form(self) -> str:
        """The form that units have if they fall into no profiles, by its code.

        A line or a curve, unless another form is clearly better than the best of these.
        """
        return str(self._form_row["form"])

    @property
    def form_lead(self) -> float:
        """BIC points by which profiles beat that form; negative where they do not."""
        return float(self._form_row["bic_lead"])

    @property
    def _form_row(self) -> pd.Series:
        near = self.rivals[self.rivals["bic_lead"] <= self.lead + CLEAR_LEAD]
        paths = near[near["form"].isin(PATHS)]
        return (paths if len(paths) else near).iloc[0]

    @property
    def _grade(self) -> Verdict | None:
        """The grade of the profiles, before warnings; none where a form without groups wins."""
        if self.choice.k == 1:
            return None
        if self.valleys.k_apart > 1 and max(self.lead, self.steps_lead) > STRONG_LEAD:
            return Verdict.SEPARATE
        if self.lead <= 0 or self.worse_held_out:
            return None
        asked = STRONG_LEAD if self.choice.k > 2 else CLEAR_LEAD
        return Verdict.OVERLAPPING if self.lead > asked else Verdict.STRUCTURE

    @property
    def _without_profiles(self) -> Verdict:
        if self.n_dimensions == 0:
            return Verdict.NO_STRUCTURE
        if self.form not in PATHS:
            return Verdict.STRUCTURE
        bent = self.form == "curve" or self._some_fall
        return Verdict.BENT if bent and self.ascent < MONOTONE else Verdict.CONTINUUM

    @property
    def _some_fall(self) -> bool:
        """Whether from one end of the course to the other phases change as much against others."""
        change = self.course.drop(columns="share").iloc[[0, -1]].diff().iloc[-1]
        return bool(2 * min(change.max(), -change.min()) > change.abs().max())


def weigh(
    scores: pd.DataFrame,
    max_profiles: int = 8,
    *,
    fits: Fits | None = None,
    choice: Choice | None = None,
    window: bool = False,
    n_replicates: int = 199,
    n_starts: int = 50,
    seed: Seed = 1,
) -> Evidence:
    """Say whether the scores hold profiles, or a form without groups describes them as well.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Phase scores; units with a missing score count in the fits, not in the valleys.
    max_profiles : int
        Largest k; at most one profile per ten units is tried.
    fits : mapping of (str, int) to Mixture, optional
        What `selection.fit_models` gave for these scores, when already fitted.
    choice : Choice, optional
        What `selection.choose` took of them.
    window : bool
        Whether the order of the phases reads as a window (`cycle.order`).
    n_replicates : int
        Draws with filled valleys; p is at least 1 / (n_replicates + 1).
    n_starts : int
        Starts per model, when fitted here.
    seed : int or SeedSequence
        Of starts, draws, and the units left out.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        With one phase, with fewer than ten complete units, and as `mixtures.check_scores`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> level = rng.normal(50, 15, (80, 1))
    >>> scores = pd.DataFrame(level + rng.normal(0, 6, (80, 3)), columns=["AG", "EX", "VB"])
    >>> weigh(scores, 4, n_replicates=39, n_starts=5).verdict.value
    'continuum'
    """
    check_scores(scores, 1)
    complete = scores.dropna()
    if len(complete.drop_duplicates()) < 2:
        return nothing_to_divide(len(scores))
    _check_enough(complete, scores)
    first, second, third, fourth = children(seed, 4)
    if len(weighed := sample(scores)) < len(scores):
        scores, fits, choice = weighed, None, None
        complete = scores.dropna()
    if fits is None:
        highest = max(2, min(max_profiles, len(complete) // UNITS_PER_PROFILE))
        fits = fit_models(scores, highest, n_starts=n_starts, seed=first)
    if choice is None:
        choice = choose(compare(scores, fits=fits))
    profiles = profiles_of(fits, choice)
    rivals = fit_rivals(scores, fits, profiles)
    course = next(rival for rival in rivals if form_of(rival) in PATHS)
    places = classify(course, scores).to_numpy() @ np.arange(course.k)
    evidence = Evidence(
        choice=choice,
        rivals=_compare_rivals(rivals, profiles, scores, third),
        steps_lead=round(rivals[0].bic - fit_steps(scores, profiles).bic, PLACES),
        valleys=no_valleys(profiles.shares.index),
        course=_course_table(course, _turned(places, scores)),
        ascent=abs(_rank_correlation(places, scores.mean(axis=1))),
        n_dimensions=n_dimensions(complete, seed=fourth),
        warnings=tuple(warnings_of(complete, choice, max(k for _, k in fits))),
        window=window,
        n_units=len(complete),
    )
    labels = classify(profiles, complete).idxmax(axis=1)
    level = EASED if evidence.verdict is Verdict.OVERLAPPING else ALPHA
    valleys = find_valleys(complete, labels, level, n_replicates=n_replicates, seed=second)
    return replace(evidence, valleys=valleys)


def fit_rivals(scores: pd.DataFrame, fits: Fits, profiles: Mixture) -> list[Mixture]:
    """Fit the forms without groups that profiles must beat, best BIC first.

    A form has no more parameters than half as many as there are units.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
    fits : mapping of (str, int) to Mixture
        The single clouds among them are rivals too.
    profiles : Mixture
        The profiles to beat: a path along them is one of the starts.
    """
    most = max(len(scores) / 2, COURSES[0].n_parameters(0, scores.shape[1]))
    fitting = [course for course in COURSES if course.dimensions <= scores.shape[1]]
    courses = [course for course in fitting if course.n_parameters(0, scores.shape[1]) <= most]
    clouds = [mixture for (_, k), mixture in fits.items() if k == 1]
    skewed = [*fit_skewed(scores), *fit_skewed_along_axes(scores)]
    others = [*fit_concentric(scores), *skewed, *fit_hurdles(scores)]
    others = [rival for rival in others if rival.n_parameters <= most]
    rivals = [*fit_courses(scores, profiles.means, courses), *clouds, *others]
    return sorted(rivals, key=lambda rival: (round(rival.bic, PLACES), rival.n_parameters))


def warnings_of(scores: pd.DataFrame, choice: Choice, highest: int) -> Iterator[str]:
    """Give the codes of what makes any verdict on these scores doubtful.

    most_profiles (k is the largest tried: more might fit better), at_floor (a variance lies on its
    floor: profiles of equal scores), few_values (a phase with no more than `FEW_VALUES` different
    scores), heaped (a share `HEAPED` of the units have one and the same score on every phase).
    """
    if choice.k > 1 and choice.k == highest:
        yield "most_profiles"
    if "at_floor" in choice.flags:
        yield "at_floor"
    if (scores.nunique() <= FEW_VALUES).any():
        yield "few_values"
    if scores.value_counts(normalize=True).iloc[0] >= HEAPED:
        yield "heaped"


def n_dimensions(scores: pd.DataFrame, *, seed: Seed = 1) -> int:
    """Count eigenvalues of the correlations beyond 95 % of those of shuffled columns.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        Complete scores.
    seed : int or SeedSequence
        Seed of the shuffles.

    Returns
    -------
    int
        0..p, stopping at the first eigenvalue within chance (Horn 1965, by permutation).
    """
    values = scores.to_numpy(dtype=float)
    values = values[:, values.std(axis=0) > 0]
    if values.shape[1] < 2:
        return 0
    rng = np.random.default_rng(children(seed, 1)[0])
    shuffled = [_eigenvalues(rng.permuted(values, axis=0)) for _ in range(SHUFFLES)]
    beyond = _eigenvalues(values) > np.quantile(shuffled, 0.95, axis=0)
    return int(beyond.cumprod().sum())


def nothing_to_divide(n_units: int) -> Evidence:
    """Set the evidence of units that are all the same: there is no test."""
    columns = ["form", "bic_lead", "held_out", "held_out_error"]
    no_rivals = pd.DataFrame(columns=columns).rename_axis("rival")
    nowhere = pd.DataFrame(columns=["share"]).rename_axis("position")
    return Evidence(
        *(Choice(1, ""), no_rivals, 0.0, no_valleys([1]), nowhere, 0.0, 0, (), False), n_units
    )


def verdict_table(evidence: Evidence) -> pd.DataFrame:
    """Set the verdict as a table: one row, index `finding`.

    Columns verdict (a code), k_apart (groups that valleys divide), p (of the valleys), lead (BIC
    points on the best form without groups), steps_lead (of profiles on one line), lead_held_out,
    worse_held_out, form (of units without profiles), form_lead, ascent, warnings and lowered_by
    (codes, space between), n_units.
    """
    known = not evidence.rivals.empty
    row = {
        "verdict": str(evidence.verdict),
        "k_apart": evidence.valleys.k_apart,
        "p": evidence.valleys.p,
        "lead": evidence.lead if known else np.nan,
        "steps_lead": evidence.steps_lead,
        "lead_held_out": evidence.lead_held_out if known else np.nan,
        "worse_held_out": known and evidence.worse_held_out,
        "form": evidence.form if known else "",
        "form_lead": evidence.form_lead if known else np.nan,
        "ascent": evidence.ascent,
        "warnings": " ".join(evidence.warnings),
        "lowered_by": " ".join(evidence.lowered_by),
        "n_units": evidence.n_units,
    }
    return pd.DataFrame([row], pd.Index(["verdict"], name="finding"))


def profiles_of(fits: Fits, choice: Choice) -> Mixture:
    """Give the profiles to weigh: the choice, or where it is one cloud the best of more."""
    if choice.k > 1:
        return fits[choice.method, choice.k]
    several = [mixture for (_, k), mixture in fits.items() if k > 1]
    return race(several or list(fits.values()))


def form_of(rival: Mixture) -> str:
    """Give the form of a rival by its code: that of its course, or cloud."""
    return rival.model.form if isinstance(rival.model, Course | Hurdle) else "cloud"


def _compare_rivals(
    rivals: list[Mixture], profiles: Mixture, scores: pd.DataFrame, seed: Seed
) -> pd.DataFrame:
    """Set the rivals beside the profiles, the best of each form also on units left out."""
    table = pd.DataFrame(
        {
            "form": [form_of(rival) for rival in rivals],
            "bic_lead": [rival.bic - profiles.bic for rival in rivals],
        },
        pd.Index([rival.model.name for rival in rivals], name="rival"),
    )
    places = np.flatnonzero(~table["form"].duplicated())
    left_out = held_out([profiles, *(rivals[i] for i in places)], scores, seed=seed)
    gained = -left_out.iloc[:, 1:].sub(left_out[0], axis=0).set_axis(table.index[places], axis=1)
    error = gained.std() * np.sqrt(len(gained))
    return table.assign(held_out=gained.sum(), held_out_error=error).round(PLACES)


def _turned(places: np.ndarray, scores: pd.DataFrame) -> bool:
    """Whether a course runs down: from high to low scores, or from late phases to early ones."""
    up = _rank_correlation(places, scores.mean(axis=1))
    if abs(up) >= 0.5:
        return up < 0
    half = scores.shape[1] // 2
    late = scores.iloc[:, -half:].mean(axis=1) - scores.iloc[:, :half].mean(axis=1)
    return _rank_correlation(places, late) < 0


def _course_table(course: Mixture, turned: bool) -> pd.DataFrame:
    """Set a line or a curve as a table: position 0-100, share, and the expected scores."""
    table = course.means.assign(share=course.shares)[["share", *course.means.columns]]
    if turned:
        table = table.iloc[::-1]
    return table.set_index(pd.Index(np.linspace(0, 100, len(table)), name="position"))


def _rank_correlation(places: np.ndarray, other: pd.Series) -> float:
    return float(np.nan_to_num(spearmanr(places, other, nan_policy="omit").statistic))


def _check_enough(complete: pd.DataFrame, scores: pd.DataFrame) -> None:
    if scores.shape[1] < 2:
        raise ValueError(
            "One phase has no shape: profiles need two phases or more. Describe its distribution."
        )
    if len(complete) < UNITS_PER_PROFILE:
        raise ValueError(
            f"{len(complete)} of {len(scores)} units have all their scores: too few to look for "
            f"profiles. Allowed: {UNITS_PER_PROFILE} or more, of use from {FEW_UNITS}. "
            "Describe the units one by one, or leave out a phase that most of them lack."
        )


def _eigenvalues(values: np.ndarray) -> np.ndarray:
    """Eigenvalues of correlations; a column that does not vary goes with none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nan_to_num(np.corrcoef(values.T))
    np.fill_diagonal(found, 1.0)
    return np.linalg.eigvalsh(found)[::-1]
