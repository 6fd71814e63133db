from functools import partial

import numpy as np
import pandas as pd
from shared import four_profiles, one_continuum

from cycle_analysis.mixtures import EEE, EEI, Search, fit_classes, fit_mixture
from cycle_analysis.profiles.selection import (
    bootstrap_likelihood_ratio,
    likelihood_ratios,
)

equal = partial(fit_mixture, model=EEI)


def test_a_fourth_profile_is_needed_and_a_fifth_is_not():
    scores, _ = four_profiles(100)
    assert bootstrap_likelihood_ratio(equal, scores, 4, n_replicates=19).p == 0.05
    assert bootstrap_likelihood_ratio(equal, scores, 5, n_replicates=19).p > 0.05


def test_the_sequence_is_tested_step_by_step():
    scores, _ = four_profiles(60)
    table = likelihood_ratios(equal, scores, 3, n_replicates=9, search=Search(3, 3))
    assert table.index.tolist() == [2, 3]
    assert (table["p"] == 0.1).all()


def test_it_does_not_protect_against_a_continuum():
    scores = one_continuum(150)
    assert bootstrap_likelihood_ratio(equal, scores, 2, n_replicates=19).p == 0.05
    assert (
        bootstrap_likelihood_ratio(partial(fit_mixture, model=EEE), scores, 2, n_replicates=19).p
        > 0.05
    )


def test_classes_of_answers_are_tested_the_same_way():
    rng = np.random.default_rng(3)
    member = np.arange(120)[:, None] % 2
    answers = pd.DataFrame(rng.binomial(4, np.where(member, 0.8, 0.2), (120, 5)))
    assert bootstrap_likelihood_ratio(fit_classes, answers, 2, n_replicates=19).p == 0.05
    assert bootstrap_likelihood_ratio(fit_classes, answers, 3, n_replicates=19).p > 0.05
