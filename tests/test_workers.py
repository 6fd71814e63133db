"""The same numbers under joblib's own processes and on a Dask cluster."""

from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from shared import four_profiles

from cycle_analysis.mixtures import EEI, fit_mixture
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.profiles.selection import bootstrap_likelihood_ratio, compare
from cycle_analysis.profiles.stability import bootstrap_jaccard, jaccard_by_k
from cycle_analysis.profiles.verdict import weigh


def test_resampling_on_a_dask_cluster_equals_loky_and_one_process():
    distributed = pytest.importorskip("dask.distributed")
    alone = _everything()
    with joblib.parallel_config(backend="loky", n_jobs=2):
        here = _everything()
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask", n_jobs=2):
        there = _everything()
    for name, values in alone.items():
        assert np.array_equal(values, here[name], equal_nan=True), name
        assert np.array_equal(values, there[name], equal_nan=True), name


def _everything() -> dict[str, np.ndarray]:
    scores, _ = four_profiles(60)
    method = partial(latent_profiles, models=[EEI], n_starts=3)
    table = compare(scores, 3, models=[EEI], n_starts=5)
    jaccard = bootstrap_jaccard(method(scores, 3), method, 4)
    evidence = weigh(scores, 3, n_starts=3, n_replicates=19)
    ratio = bootstrap_likelihood_ratio(fit_mixture, scores, 2, n_replicates=4, n_starts=2)
    by_k = jaccard_by_k(scores, [2, 3], 4)
    return {
        "by_k": by_k.to_numpy(dtype=float),
        "compare": table.select_dtypes("number").astype(float).to_numpy(),
        "jaccard": jaccard.to_numpy(dtype=float),
        "rivals": evidence.rivals[["bic_lead", "held_out"]].to_numpy(),
        "ratio": pd.Series(ratio.null_statistics).to_numpy(),
    }
