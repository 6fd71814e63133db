"""Fit latent profiles to phase scores, latent classes to answers.

One engine (`em`) climbs from many starts at once; `gaussian` and `classes` say what a profile may
look like. Short runs from all starts, long runs from the best; how often the best solution was
found again is part of the result, because a solution found once is not to be believed.
"""

from cycle_analysis.mixtures.classes import ClassMixture, classify_answers, fit_classes
from cycle_analysis.mixtures.fit import (
    Mixture,
    check_scores,
    check_units,
    classify,
    fit_mixture,
    held_out,
    log_likelihoods,
    n_distinct,
    race,
    refit_mixture,
)
from cycle_analysis.mixtures.gaussian import (
    ALL_MODELS,
    EEE,
    EEI,
    EFE,
    EII,
    VII,
    VVI,
    VVV,
    CovarianceModel,
)
from cycle_analysis.mixtures.search import Outcome, Search


def named_model(name: str) -> CovarianceModel:
    """Give the covariance model of that name.

    Examples
    --------
    >>> named_model("EEI") is EEI
    True
    """
    return {model.name: model for model in (*ALL_MODELS, EFE)}[name]
