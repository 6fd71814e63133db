"""Describe every item: its answers, what it does for its phase, and what deserves attention.

Item-rest correlation and alpha if dropped say whether an item belongs to its phase; floor, ceiling
and *don't know* whether it can tell units apart. Each warning has its consequence beside it.
"""

import numpy as np
import pandas as pd

from cycle_analysis.measurement.reliability import alpha, scale_statistics, with_variance
from cycle_analysis.measurement.scores import items_by_phase, turn_items

DONT_KNOW = "dont_know"
"""The reason a missing answer carries when the respondent said not to know."""


def answer_counts(answers: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Count how often each step of the scale was chosen, as it was asked.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing; those of a rescaled wave are set to the nearest step.
    items : DataFrame, indexed by item
        Columns `low`, `high`.

    Returns
    -------
    DataFrame, items × steps, as text
        Number of answers; 0 on a step that the item's scale does not have.

    Examples
    --------
    >>> items = pd.DataFrame({"low": 0, "high": 2}, index=["AG1"])
    >>> answer_counts(pd.DataFrame({"AG1": [0, 2, 2, None]}), items).loc["AG1"].to_dict()
    {'0': 1, '1': 0, '2': 2}
    """
    steps = range(int(items["low"].min()), int(items["high"].max()) + 1)
    nearest = answers[items.index].astype(float).round()
    counts = {str(step): (nearest == step).sum() for step in steps}
    return pd.DataFrame(counts, index=items.index).rename_axis("item")


def item_statistics(
    answers: pd.DataFrame, items: pd.DataFrame, reasons: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Describe every item, and what it does for its phase.

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        Columns `phase`, `low`, `high`, `reversed` (bool).
    reasons : DataFrame, respondents × items, optional
        Why an answer is missing, as text (`DONT_KNOW` or other); anything else where it is not.

    Returns
    -------
    DataFrame, indexed by item, in cycle order
        phase; n (answers); missing, dont_know, floor, ceiling (shares 0-1; floor and ceiling among
        answers); mean, sd (0-100, reversed items turned round); item_rest (correlation with the
        mean of the phase's other items); alpha_if_dropped; warning (empty when nothing is wrong).

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2", "AG3"])
    >>> answers = pd.DataFrame([[0, 1, 0], [2, 2, 1], [4, 3, 4], [3, 4, 4]], columns=items.index)
    >>> item_statistics(answers, items)[["mean", "item_rest"]].round(2).loc["AG1"].tolist()
    [56.25, 0.9]
    """
    turned = turn_items(answers, items)
    n = turned.count()
    unknown = np.nan if reasons is None else reasons.reindex_like(turned) == DONT_KNOW
    table = pd.DataFrame(
        {
            "phase": items.loc[turned.columns, "phase"],
            "n": n,
            "missing": turned.isna().mean(),
            "dont_know": (unknown * turned.isna()).mean(),
            "mean": turned.mean(),
            "sd": turned.std(),
            "floor": (turned <= 0).sum() / n.where(n > 0),
            "ceiling": (turned >= 100).sum() / n.where(n > 0),
        }
    )
    blocks = [turned.columns[:0], *items_by_phase(items).values()]
    table = table.join(pd.concat([_items_in_scale(turned[listed]) for listed in blocks]))
    return table.assign(warning=_item_warnings(table)).rename_axis("item")


def measurement_warnings(
    answers: pd.DataFrame, items: pd.DataFrame, reasons: pd.DataFrame | None = None
) -> pd.DataFrame:
    """List what is wrong with items and phases, and what follows from it.

    Returns
    -------
    DataFrame
        Columns phase, item (empty for a whole phase), warning, consequence; no rows when all is
        well.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 0, "high": 4, "reversed": False},
    ...                      index=["AG1", "AG2"])
    >>> answers = pd.DataFrame({"AG1": [0, 2, 4], "AG2": [1, 1, 1]})
    >>> measurement_warnings(answers, items)["warning"].tolist()
    ['no variance', 'fewer than 3 items with variance']
    """
    by_item = item_statistics(answers, items, reasons)
    by_phase = scale_statistics(answers, items)
    parts = [
        by_item.loc[by_item["warning"] != "", ["phase", "warning"]].reset_index(),
        by_phase.loc[by_phase["warning"] != "", ["warning"]].reset_index().assign(item=""),
    ]
    columns = ["phase", "item", "warning"]
    table = pd.concat([part[columns] for part in parts], ignore_index=True)
    table = table.assign(warning=table["warning"].str.split("; ")).explode("warning")
    return table.assign(consequence=table["warning"].map(CONSEQUENCES)).reset_index(drop=True)


CONSEQUENCES = {
    "no answers": "left out of reliability; the score rests on the other items",
    "no variance": "left out of reliability; stays in the score, where it moves nobody",
    "negative item-rest correlation": "check whether the item was entered already reversed",
    "over half at the floor": "differences between low units are not seen",
    "over half at the ceiling": "differences between high units are not seen",
    "over a fifth don't know": "the score rests on those who know; see who does not",
    "no answers at all": "the phase has no scores and takes no part in profiles",
    "fewer than 3 items with variance": "reliability is shaky or undefined; read with care",
    "alpha under .70": "differences between single units on this phase are mostly noise",
}
"""What follows from each warning, for the reader of the table."""


def _items_in_scale(turned: pd.DataFrame) -> pd.DataFrame:
    """Item-rest correlation and alpha if dropped, on the items that vary."""
    covariances = with_variance(turned).cov()
    values = covariances.to_numpy()
    own = np.diag(values)
    shared = values.sum(axis=1) - own
    rest = values.sum() - own - 2 * shared
    return pd.DataFrame(
        {
            "item_rest": shared / np.sqrt(own * np.where(rest > 1e-12, rest, np.nan)),
            "alpha_if_dropped": [
                alpha(np.delete(np.delete(values, place, 0), place, 1)) for place in range(len(own))
            ],
        },
        index=covariances.index,
        dtype=float,
    ).reindex(turned.columns)


def _item_warnings(table: pd.DataFrame) -> pd.Series:
    tests = {
        "no answers": table["n"] == 0,
        "no variance": (table["n"] > 0) & ~(table["sd"] > 1e-6),
        "negative item-rest correlation": table["item_rest"] < 0,
        "over half at the floor": table["floor"] > 0.5,
        "over half at the ceiling": table["ceiling"] > 0.5,
        "over a fifth don't know": table["dont_know"] > 0.2,
    }
    marks = pd.DataFrame(tests, index=table.index)
    told = ["; ".join(marks.columns[row]) for row in marks.to_numpy(bool)]
    return pd.Series(told, index=table.index, dtype="str")
