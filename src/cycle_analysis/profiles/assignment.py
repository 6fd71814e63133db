"""Put the units of another wave in the profiles of the reference wave."""

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import Mixture, check_units
from cycle_analysis.profiles.partitions import Partition, by_mixture


def assign(reference: Partition | Mixture, scores: pd.DataFrame) -> Partition:
    """Put the units of another wave in the reference wave's profiles.

    With a fitted mixture by the highest membership probability, otherwise by the nearest centroid
    on the phases observed. Profiles keep the reference wave's numbers and meaning.

    Parameters
    ----------
    reference : Partition or Mixture
        The reference wave's division, or the mixture alone.
    scores : DataFrame, m units × p phases
        The new wave's scores on the same phases and the same scale.

    Returns
    -------
    Partition
        Of the new scores; `posteriors` has one column per reference profile.

    Raises
    ------
    ValueError
        When a phase is absent or a unit has no score.

    Examples
    --------
    >>> from cycle_analysis.profiles.partitions import ward_kmeans
    >>> scores = pd.DataFrame({"AG": [10, 12, 60, 62], "EX": [5, 9, 50, 52]})
    >>> new = pd.DataFrame({"AG": [58.0], "EX": [None]}, index=["GM9"])
    >>> assign(ward_kmeans(scores, 2), new).labels.tolist()
    [2]
    """
    phases = list(reference.means if isinstance(reference, Mixture) else reference.scores)
    if absent := [phase for phase in phases if phase not in scores.columns]:
        raise ValueError(
            f"The new scores lack {absent}, on which the profiles rest. "
            "Divide the reference wave on the phases that both waves share."
        )
    new = scores[phases].astype(float)
    check_units(new)
    if isinstance(reference, Mixture):
        return by_mixture(new, reference)
    if reference.mixture is not None:
        return by_mixture(new, reference.mixture)
    centroids = reference.centroids.to_numpy()
    gaps = (new.to_numpy()[:, None, :] - centroids[None]) ** 2
    nearest = np.nanmean(gaps, axis=2).argmin(axis=1) + 1
    labels = pd.Series(nearest, index=new.index, name="profile")
    return Partition(new, labels, n_profiles=reference.k, method=reference.method)
