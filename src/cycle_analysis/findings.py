"""Set the findings of a step as small tables, so that they can be saved and told in a report."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from cycle_analysis.profiles.background import associate, background_by_profile, can_be_corrected
from cycle_analysis.profiles.partitions import Partition
from cycle_analysis.profiles.selection import Choice
from cycle_analysis.profiles.verdict import Evidence


def choice_table(choice: Choice) -> pd.DataFrame:
    """Set the number of profiles with its reason: one row, index `finding`."""
    near = ", ".join(f"{method} k = {k}" for method, k in choice.alternatives)
    row = {"k": choice.k, "method": choice.method, **choice.reason, "alternatives": near}
    return _one_row("choice", row | {"flags": " ".join(choice.flags)})


def verdict_table(result: Evidence) -> pd.DataFrame:
    """Set the verdict on whether there are profiles: one row, index `finding`.

    Columns verdict, nl, en (the sentence), p (the largest over the nulls), silhouette (the largest
    over k), ladder (whether all that lacks is lines that cross or levels with gaps), p_one_mode (of
    gaps in the level), n_units, and the shares elevation, scatter and shape (0-1).
    """
    sentences = {language: result.sentence(language) for language in ("nl", "en")}
    numbers = {"p": result.p_values.max(), "silhouette": result.silhouettes.max()}
    numbers |= {"ladder": result.ladder, "p_one_mode": result.p_one_mode}
    row = {"verdict": result.verdict, **sentences, **numbers, "n_units": result.n_units}
    return _one_row("verdict", row | result.shares.to_dict())


def profile_background(
    partition: Partition, background: pd.DataFrame, n_permutations: int = 999, seed: int = 2018
) -> pd.DataFrame:
    """Relate profiles to the background of units, where there is anything to relate.

    Returns
    -------
    DataFrame, index `variable`
        As `background.associate`; without rows when nothing is divided or a profile has no members.
        Variables on which fewer than two groups of units differ are left out. Profiles that are
        hardly told apart are related without correction, and `corrected` equals `effect`.
    """
    known = _varying(partition, background)
    if known.empty:
        columns = ["measure", "n_units", "effect", "corrected", "low", "high", "p", "p_holm"]
        return pd.DataFrame(columns=columns, index=pd.Index([], name="variable"))
    partition = _correctable(partition)
    table = associate(partition, known, n_permutations=n_permutations, seed=seed)
    return table.rename_axis("variable")


def background_shares(partition: Partition, background: pd.DataFrame) -> pd.DataFrame:
    """Set the background of each profile, where there is anything to relate.

    Returns
    -------
    DataFrame, index (variable, profile, category)
        value and corrected, as `background.background_by_profile`.
    """
    known, index = _varying(partition, background), ["variable", "profile", "category"]
    partition = _correctable(partition)
    tables = {name: background_by_profile(partition, known[name]) for name in known}
    if not tables:
        none = pd.MultiIndex.from_tuples([], names=index)
        return pd.DataFrame(columns=["value", "corrected"], index=none)
    return pd.concat(tables, names=["variable"]).reset_index("variable").set_index(index)


def _varying(partition: Partition, background: pd.DataFrame) -> pd.DataFrame:
    """Background on which units differ; without columns when there are no profiles to relate."""
    known = background.reindex(partition.labels.index)
    varies = [name for name in known if len(known[name].dropna().unique()) > 1]
    divided = partition.k > 1 and bool(partition.sizes.gt(0).all())
    return known[varies if divided else []]


def _correctable(partition: Partition) -> Partition:
    """Leave probabilities out that tell profiles apart too badly to correct for misplacement."""
    return partition if can_be_corrected(partition) else replace(partition, posteriors=None)


def _one_row(name: str, row: Mapping[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame([row], index=pd.Index([name], name="finding"))
