"""Score simulated answers as the real ones were, and draw surveys without groups from them.

Who answered what is kept from the real survey, so which respondents have a score is known
beforehand, and scoring thousands of simulated surveys takes a matrix product each.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cycle_analysis.measurement.scores import Aggregation, aggregation_rules, turn_items
from cycle_analysis.number_of_profiles.answer_copula import fit_answers, one_dimension
from cycle_analysis.number_of_profiles.copula import Null, fit_copula, fit_one_factor
from cycle_analysis.store import Store
from cycle_analysis.study import Study


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


def load_answers(study: Study, store: Store, wave: str) -> tuple[pd.DataFrame, Rescoring]:
    """Load the answers of a wave on 0-100, and the way in which notebook 02 scored them."""
    respondents = store.load("01_responses", "respondents", wave)
    turned = turn_items(store.load("01_responses", "answers", wave), study.phase_items(wave))
    scoring = store.load("02_scores", "scoring", wave).loc["scoring"]
    rule = aggregation_rules(respondents["role"])[scoring["aggregation"]]
    scored = store.load("02_scores", "respondent_scores", wave).loc[turned.index]
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
