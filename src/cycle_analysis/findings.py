"""Set the findings of a step as small tables, so that they can be saved and told in a report."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.metrics import adjusted_rand_score

from cycle_analysis.null_test import NullTest
from cycle_analysis.representation import response_test
from cycle_analysis.selection import Choice
from cycle_analysis.stability import Agreement


def choice_table(choice: Choice) -> pd.DataFrame:
    """Set the number of profiles with its reason: one row, index `finding`."""
    near = ", ".join(f"{method} k = {k}" for method, k in choice.alternatives)
    row = {"k": choice.k, "method": choice.method, **choice.reason, "alternatives": near}
    return _one_row("choice", row | {"flags": " ".join(choice.flags)})


def verdict_table(result: NullTest) -> pd.DataFrame:
    """Set the verdict on whether there are profiles: one row, index `finding`.

    Columns verdict, nl, en (the sentence), p (the largest over the nulls), silhouette (the largest
    over k), n_units, and the shares elevation, scatter and shape (0-1).
    """
    sentences = {language: result.sentence(language) for language in ("nl", "en")}
    numbers = {"p": result.p_values.max(), "silhouette": result.silhouettes.max()}
    row = {"verdict": result.verdict, **sentences, **numbers, "n_units": result.n_units}
    return _one_row("verdict", row | result.shares.to_dict())


def agreement_table(agreement: Agreement) -> pd.DataFrame:
    """Set the agreement between two methods: one row, index `finding`."""
    row = {
        "n_units": len(agreement.moved),
        "adjusted_rand": agreement.adjusted_rand,
        "moved_share": agreement.moved_share,
        "warning": agreement.warning,
    }
    return _one_row("agreement", row)


def same_labels(first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """Compare two divisions on the units that both hold: one row, index `finding`."""
    both = first.index.intersection(second.index)
    row = {
        "n_units": len(both),
        "adjusted_rand": adjusted_rand_score(first[both], second[both]),
        "moved_share": float((first[both] != second[both]).mean()),
    }
    return _one_row("comparability", row)


def nonresponse_test(account: pd.DataFrame) -> pd.DataFrame:
    """Test whether response depends on the background: one row, index `finding`.

    Without two groups that differ there is nothing to test; then `reason` says so.
    """
    rates = account["rate"]
    if len(account) < 2 or rates.eq(1).all():
        return _one_row("nonresponse", {"reason": "one group, or every unit responded"})
    return _one_row("nonresponse", response_test(account).to_dict() | {"reason": ""})


def _one_row(name: str, row: Mapping[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame([row], index=pd.Index([name], name="finding"))
