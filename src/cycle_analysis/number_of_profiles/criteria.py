"""Weigh one fitted mixture: information criteria, certainty, and what speaks against it.

Deviance plus a price per parameter; n is the sum of the case weights. The lower, the better.
"""

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import ClassMixture, Mixture

FLAGS = {
    "many_parameters": {
        "nl": "meer parameters dan een derde van het aantal eenheden: neem minder profielen",
        "en": "more parameters than a third of the number of units: take fewer profiles",
    },
    "not_replicated": {
        "nl": "de beste oplossing kwam maar één keer voor: neem meer starts of minder profielen",
        "en": "the best solution was found only once: take more starts or fewer profiles",
    },
    "not_converged": {
        "nl": "niet geconvergeerd: neem meer starts of minder profielen",
        "en": "not converged: take more starts or fewer profiles",
    },
    "at_floor": {
        "nl": "een variantie ligt op de ondergrens, bij bijna gelijke scores: neem EEI of minder "
        "profielen",
        "en": "a variance lies on its floor, of nearly equal scores: take EEI or fewer profiles",
    },
    "small_profile": {
        "nl": "het kleinste profiel is kleiner dan 5 % of 15 eenheden: kijk wie het zijn, of neem "
        "minder profielen",
        "en": "the smallest profile is under 5 % or 15 units: look who they are, or take fewer "
        "profiles",
    },
    "few_units": {
        "nl": "minder dan 30 eenheden: beschrijf ze liever één voor één",
        "en": "fewer than 30 units: rather describe them one by one",
    },
    "empty_profile": {
        "nl": "een profiel heeft geen leden: neem minder profielen",
        "en": "a profile has no members: take fewer profiles",
    },
}
"""What a flag means and, after a colon, what to do; by language."""
BARRING = ("many_parameters", "not_replicated", "not_converged", "empty_profile")
"""Flags that rule a solution out of the default choice."""


def criteria(mixture: Mixture | ClassMixture, posteriors: pd.DataFrame) -> dict[str, float]:
    """Give the information criteria of one fitted mixture, lower is better.

    Parameters
    ----------
    mixture : Mixture
        Fitted profiles.
    posteriors : DataFrame, n units × k profiles
        Membership probabilities.

    Returns
    -------
    dict
        aic, bic, sabic, aicc, caic, icl and entropy, as described in `compare`.
    """
    m, n = mixture.n_parameters, mixture.n_units
    deviance = -2 * mixture.log_likelihood
    aic = deviance + 2 * m
    bic = deviance + m * np.log(n)
    room = n - m - 1
    doubt = posteriors.max(axis=1).map(np.log).sum()
    chances = np.maximum(posteriors.to_numpy(), 1e-300)
    disorder = -(chances * np.log(chances)).sum()
    share = disorder / (len(posteriors) * np.log(mixture.k)) if mixture.k > 1 else np.nan
    return {
        "aic": aic,
        "bic": bic,
        "sabic": deviance + m * np.log((n + 2) / 24),
        "aicc": aic + 2 * m * (m + 1) / room if room > 0 else np.nan,
        "caic": deviance + m * (np.log(n) + 1),
        "icl": bic - 2 * doubt,
        "entropy": 1 - share,
    }


def row_of(mixture: Mixture | ClassMixture, posteriors: pd.DataFrame) -> dict[str, object]:
    """Give the criteria and flags of one fitted mixture, as a row of the table.

    Parameters
    ----------
    mixture : Mixture or ClassMixture
        Fitted profiles.
    posteriors : DataFrame, n units × k profiles
        Membership probabilities.

    Returns
    -------
    dict
        The columns of `selection.compare` from k to flags.
    """
    own = posteriors.idxmax(axis=1)
    sizes = own.value_counts().reindex(posteriors.columns, fill_value=0)
    sure = posteriors.max(axis=1).groupby(own).mean()
    return {
        "k": mixture.k,
        "log_likelihood": mixture.log_likelihood,
        "n_parameters": mixture.n_parameters,
        **criteria(mixture, posteriors),
        "smallest_profile": int(sizes.min()),
        "smallest_share": float(sizes.min() / len(posteriors)),
        "mean_posterior": float(sure.min()),
        "n_replicated": mixture.outcome.n_replicated,
        "n_finished": mixture.outcome.n_finished,
        "flags": " ".join(_flags(mixture, sizes)),
    }


def _flags(mixture: Mixture | ClassMixture, sizes: pd.Series) -> list[str]:
    """Codes of what speaks against a solution."""
    n = float(sizes.sum())
    against = {
        "many_parameters": mixture.n_parameters > n / 3,
        "not_replicated": mixture.outcome.n_finished > 1 and mixture.outcome.n_replicated < 2,
        "not_converged": not mixture.outcome.converged,
        "at_floor": mixture.at_floor and mixture.k > 1,
        "small_profile": mixture.k > 1 and sizes.min() < max(0.05 * n, 15),
        "few_units": n < 30,
        "empty_profile": sizes.min() == 0,
    }
    return [code for code, holds in against.items() if holds]
