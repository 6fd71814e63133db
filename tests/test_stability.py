import numpy as np
import pandas as pd
import pytest
from shared import REFERENCE, four_profiles, one_continuum
from sklearn.datasets import load_iris

from cycle_analysis.profiles import Partition, ward_kmeans
from cycle_analysis.profiles.division import (
    MOVED_WARNING,
    bootstrap_jaccard,
    method_agreement,
)


def test_clear_profiles_come_back_and_cuts_in_noise_do_not():
    clear = bootstrap_jaccard(ward_kmeans(four_profiles()[0], 4), ward_kmeans, 20)
    assert (clear["jaccard"] > 0.9).all()
    assert (clear["dissolved"] == 0).all()
    noise = np.random.default_rng(5).normal(50, 10, (120, 5))
    cut = bootstrap_jaccard(ward_kmeans(pd.DataFrame(noise), 4), ward_kmeans, 20)
    assert cut["jaccard"].max() < 0.75


def test_stability_alone_is_no_proof_cuts_in_a_continuum_come_back_too():
    assert (
        bootstrap_jaccard(ward_kmeans(one_continuum(), 2), ward_kmeans, 20)["jaccard"].min() > 0.75
    )


def test_units_that_move_between_methods_are_named_and_many_are_a_warning():
    scores, _ = four_profiles(40)
    first = ward_kmeans(scores, 4)
    labels = first.labels.copy()
    labels.iloc[:4] = labels.iloc[:4] % 4 + 1
    agreement = method_agreement(first, Partition(scores, labels))
    assert agreement.moved[agreement.moved].index.tolist() == scores.index[:4].tolist()
    assert agreement.moved_share <= MOVED_WARNING
    renumbered = Partition(scores, 5 - first.labels)
    assert method_agreement(first, renumbered).moved_share == 0
    shuffled = labels.sample(frac=1, random_state=1).set_axis(scores.index)
    assert method_agreement(first, Partition(scores, shuffled)).moved_share > MOVED_WARNING


def test_divisions_of_other_units_are_not_compared():
    scores, _ = four_profiles(40)
    with pytest.raises(ValueError, match="GM0039"):
        method_agreement(ward_kmeans(scores, 2), ward_kmeans(scores.iloc[:-1], 2))


@pytest.mark.parametrize("k", [2, 3])
def test_bootstrap_jaccard_on_iris_is_that_of_clusterboot_within_the_error_of_simulation(k):
    theirs = pd.read_csv(REFERENCE / "stability.csv").set_index("k").loc[k, "jaccard"]
    ours = bootstrap_jaccard(ward_kmeans(pd.DataFrame(load_iris().data), k), ward_kmeans, 300)
    # Standard error of a mean of 300 replicates is under .01; starts differ (Ward, random)
    assert np.allclose(ours["jaccard"], [float(part) for part in theirs.split()], atol=0.03)
