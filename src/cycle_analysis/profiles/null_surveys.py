"""Draw surveys without groups as the answers arose, and score them again.

Simulate surveys without groups at the level where the data arose: answers of respondents.

Between units and between the respondents of a unit answers have their own correlations, and the
answer scale its own marginals; nothing else is kept. What is drawn is scored as the real answers
were. The marginals of the scores then follow instead of being copied, heaps that groups made
included: groups are found more often than with the copula of the scores (benchmarks/README.md).

Score simulated answers as the real ones were, and draw surveys without groups from them.

Who answered what is kept from the real survey, so which respondents have a score is known
beforehand, and scoring thousands of simulated surveys takes a matrix product each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from cycle_analysis.measurement.scores import Aggregation, aggregation_rules, turn_items
from cycle_analysis.profiles.separation import (
    Null,
    calibrated,
    correlation_matrix,
    fit_copula,
    fit_one_factor,
    margins,
    one_factor,
    root,
    to_margins,
)
from cycle_analysis.results import Results
from cycle_analysis.study import Study

Scoring = Callable[[pd.DataFrame], pd.DataFrame]
"""From answers (m respondents × q items) to unit scores (n × p): the step that made the scores."""


@dataclass(frozen=True, eq=False)
class AnswerCopula:
    """A survey of respondents within units without groups, scored as the real one.

    Attributes
    ----------
    template : DataFrame, m respondents × q items
        The answers imitated.
    units : Series, m respondents
        The unit of each respondent.
    between, within : array, q × q
        Covariances of the latent answers between and within units, adding up to variances of 1.
    score : function
        Answers (m × q) to unit scores (n × p).
    """

    template: pd.DataFrame
    units: pd.Series
    between: np.ndarray
    within: np.ndarray
    score: Scoring

    def __call__(self, rng: np.random.Generator) -> pd.DataFrame:
        """Draw one survey and score it: n units × p phases."""
        between, within = self._roots
        shared = rng.standard_normal((self._unit.max() + 1, len(between))) @ between.T
        own = rng.standard_normal(self.template.shape) @ within.T
        drawn = np.where(
            self._observed, to_margins(shared[self._unit] + own, self._margins), np.nan
        )
        return self.score(pd.DataFrame(drawn, self.template.index, self.template.columns))

    @cached_property
    def _unit(self) -> np.ndarray:
        return pd.factorize(self.units)[0]

    @cached_property
    def _roots(self) -> tuple[np.ndarray, np.ndarray]:
        return root(self.between), root(self.within)

    @cached_property
    def _margins(self) -> list[np.ndarray]:
        return margins(self.template)

    @cached_property
    def _observed(self) -> np.ndarray:
        return self.template.notna().to_numpy()


def fit_answers(answers: pd.DataFrame, units: pd.Series, score: Scoring) -> AnswerCopula:
    """Fit the copula to answers of respondents within units.

    Parameters
    ----------
    answers : DataFrame, m respondents × q items
        Answers as numbers, NaN where missing.
    units : Series, m respondents
        The unit of each respondent, on the index of `answers`.
    score : function
        From answers (m × q) to unit scores (n × p).

    Returns
    -------
    AnswerCopula
        With units of one respondent throughout, nothing tells unit from respondent: all of the
        correlation then counts as lying between respondents, which is the same for the scores.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> units = pd.Series(np.repeat(np.arange(40), 3))
    >>> answers = pd.DataFrame(rng.integers(0, 5, (120, 2)), columns=["AG1", "EX1"])
    >>> null = fit_answers(answers, units, lambda table: table.groupby(units).mean() * 25)
    >>> null(rng).shape
    (40, 2)
    """
    latent = answers.rank().sub(0.5).div(answers.notna().sum()).apply(stats.norm.ppf)
    latent = (latent / latent.std(ddof=0)).fillna(0.0)
    total = calibrated(answers)
    groups = latent.groupby(units.to_numpy())
    n_respondents, n_units = len(latent), groups.ngroups
    if n_respondents == n_units:
        return AnswerCopula(answers, units, np.zeros_like(total), total, score)
    inner = (latent - groups.transform("mean")).to_numpy()
    within = inner.T @ inner / (n_respondents - n_units)
    outer = latent.to_numpy().T @ latent.to_numpy() / n_respondents - within
    variances = np.diag(_usable(outer)) + np.diag(within)
    variances = np.where(variances > 0, variances, 1.0)  # an item that everybody answers alike
    within = within / np.sqrt(np.outer(variances, variances))
    # What lies between units is the rest of the calibrated correlations: cutting answers into few
    # categories weakened it, and averaging over respondents makes it count most
    between = _usable(total - within)
    spread = np.sqrt(np.diag(between) + np.diag(within))
    scale = np.outer(spread, spread)
    return AnswerCopula(answers, units, between / scale, within / scale, score)


def one_dimension(null: AnswerCopula, phases: Sequence[str]) -> AnswerCopula:
    """Give the version in which one dimension carries all correlation between phases.

    Parameters
    ----------
    null : AnswerCopula
        As `fit_answers` gives it.
    phases : sequence of str, q items
        The phase of each item; items of one phase keep the correlations they have.
    """
    return replace(
        null,
        between=_one_dimension(null.between, phases),
        within=_one_dimension(null.within, phases),
    )


def _one_dimension(covariance: np.ndarray, phases: Sequence[str]) -> np.ndarray:
    """Shift every block of two phases, so that the blocks' means have one factor."""
    block = pd.factorize(np.asarray(phases))[0]
    members = np.eye(block.max() + 1)[block]
    sizes = members.sum(axis=0)
    means = members.T @ covariance @ members / np.outer(sizes, sizes)
    np.fill_diagonal(means, 1.0)
    shift = one_factor(means) - means
    np.fill_diagonal(shift, 0.0)
    shifted = covariance + members @ shift @ members.T
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    scale = np.outer(spread, spread)
    return correlation_matrix(shifted / scale) * scale


def _usable(matrix: np.ndarray) -> np.ndarray:
    """Leave out the negative directions of a covariance matrix."""
    return root(matrix) @ root(matrix).T


@dataclass(frozen=True, eq=False)
class Rescoring:
    """From answers to unit scores.

    Attributes
    ----------
    phase_of : Series, q items
        The phase of each item.
    respondent_scores : DataFrame, m respondents × p phases
        The real ones: where a score is missing, it is so in every simulated survey.
    units : Series, m respondents
        The unit of each respondent.
    rule : function
        How respondents were aggregated to units.
    """

    phase_of: pd.Series
    respondent_scores: pd.DataFrame
    units: pd.Series
    rule: Aggregation

    def __call__(self, turned: pd.DataFrame) -> pd.DataFrame:
        """Score answers on 0-100 (m × q, reversed items turned round): units × phases."""
        values = turned.to_numpy()
        seen = np.isfinite(values)
        counts = seen.astype(float) @ self._members
        sums = np.where(seen, values, 0.0) @ self._members
        means = np.where(self._scored, sums / np.maximum(counts, 1), np.nan)
        phases = self.respondent_scores.columns
        return self.rule(pd.DataFrame(means, turned.index, phases), self.units)[phases]

    @cached_property
    def _members(self) -> np.ndarray:
        """Whether an item belongs to a phase, q × p."""
        phases = self.respondent_scores.columns.to_numpy()
        return (self.phase_of.to_numpy()[:, None] == phases).astype(float)

    @cached_property
    def _scored(self) -> np.ndarray:
        return self.respondent_scores.notna().to_numpy()


def load_answers(study: Study, results: Results, wave: str) -> tuple[pd.DataFrame, Rescoring]:
    """Load the answers of a wave on 0-100, and the way in which notebook 02 scored them."""
    respondents = results.load("01_responses", "respondents", wave)
    turned = turn_items(results.load("01_responses", "answers", wave), study.phase_items(wave))
    aggregation = str(results.parameters("02_scores", wave)["aggregation"])
    rule = aggregation_rules(respondents["role"])[aggregation]
    scored = results.load("02_scores", "respondent_scores", wave).loc[turned.index]
    phase_of = study.phase_items(wave)["phase"].loc[turned.columns]
    return turned, Rescoring(phase_of, scored, respondents["unit"].loc[turned.index], rule)


def without_groups(
    scores: pd.DataFrame,
    turned: pd.DataFrame,
    rescore: Rescoring,
    answers_from: float = 2.0,
) -> dict[str, Null]:
    """Choose how surveys without groups are drawn: as answers, or as scores.

    Parameters
    ----------
    scores : DataFrame, n units × p phases
        The real scores.
    turned : DataFrame, m respondents × q items
        The real answers on 0-100, reversed items turned round.
    rescore : Rescoring
        From answers to unit scores.
    answers_from : float
        Respondents per unit, on average, from which answers are drawn. Below it the correlations
        of many items rest on few answers, and nothing tells units from respondents; in simulation
        answers did well there too, but in fewer surveys than scores (benchmarks/README.md).

    Returns
    -------
    dict of str to Null
        The copula and its version of one dimension.
    """
    if len(turned) < answers_from * rescore.units.nunique():
        complete = scores.dropna()
        return {"copula": fit_copula(complete), "one_factor": fit_one_factor(complete)}
    null = fit_answers(turned, rescore.units, rescore)
    return {"copula": null, "one_factor": one_dimension(null, rescore.phase_of.tolist())}
