"""Sum up the grid: which claims survive, and which choice matters most.

A claim of the headline survives in a universe that would make it as well. How many profiles there
are, and who belongs together, is asked only where the data say the number, not where it was set to
one more or fewer. What a choice explains of
an outcome is its own share of the variance: R² of a regression on all crossed choices less R²
without this one, over the crossed universes (main effects; what is left is their interplay). No
p-value stands behind the shares: universes are one survey, analysed again.

References
----------
Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214.
Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), Perspectives on Psychological Science 11(5),
702-712.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.profiles.stability import MOVED_WARNING
from cycle_analysis.robustness.grid import ALONE, CROSSED, NAMES, Universe

CLAIMS = ("profiles", "number", "division", "largest", "ends", "together", "change")
"""Claims of a headline: that there are profiles, or none; as many; units divided alike; the same
profile the largest; the same phases furthest and least far; more phases active together than by
chance; the same phases changed, in the same direction."""
OUTCOMES = {"number": "profiles", "division": "adjusted_rand", "change": "change"}
"""What choices are held against, and its column."""


def judge(universes: Sequence[Universe], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Set universes in a table, with the claims of the headline that survive in each.

    Parameters
    ----------
    universes : sequence of Universe
        The headline first.
    rows : sequence of mapping
        As `universes.analyse` gives them, one for each universe, in any order.

    Returns
    -------
    DataFrame, index `universe`
        What was chosen, what was found, and a column ``claim_…`` for each of `CLAIMS`, missing
        where a universe does not ask.
    """
    chosen = pd.DataFrame([asdict(one) for one in universes])
    chosen.index = pd.Index([one.name for one in universes], name="universe")
    table = chosen.join(pd.DataFrame(rows).set_index("universe").astype({"change": float}))
    own = table["k"] == "own"
    table["profiles"] = table["groups"].where(table["found"] | ~own, 1)
    head = table.iloc[0]
    left = table["left_out"].str.removeprefix("phase ")
    not_set = table["k"].isin(["own", head["k"]])
    divided, several = bool(head["groups"] > 1), bool(head["several"] > head["expected"])
    ends = (table[["highest", "lowest"]] == head[["highest", "lowest"]]).all(axis=1)
    changed = [_changed(head["changed"], one) for one in left]
    held = {
        "profiles": table["found"] == head["found"],
        "number": (table["profiles"] == head["profiles"]).where(own & bool(head["found"])),
        "division": (table["moved_share"] <= MOVED_WARNING).where(not_set & divided),
        "largest": (table["largest"] == head["largest"]).where(table["groups"].gt(1) & divided),
        "ends": ends.where(~left.isin([head["highest"], head["lowest"]])),
        "together": (table["several"] > table["expected"]) == several,
        "change": (table["changed"].map(_changed) == changed).where(table["change"].notna()),
    }
    claims = {f"claim_{name}": held[name].astype("boolean") for name in CLAIMS}
    return table.assign(**claims)


def surviving(table: pd.DataFrame) -> pd.DataFrame:
    """Count in how many universes each claim is asked, and in which share it survives.

    Parameters
    ----------
    table : DataFrame, index `universe`
        As `judge` gives it.

    Returns
    -------
    DataFrame, index `claim`
        n (universes that ask it), share (0-1; NaN where none does).

    Examples
    --------
    >>> table = pd.DataFrame({f"claim_{name}": [True, False, None] for name in CLAIMS})
    >>> surviving(table).loc["number"].tolist()
    [2.0, 0.5]
    """
    claims = table[[f"claim_{name}" for name in CLAIMS]].astype("boolean").astype("Float64")
    found = pd.DataFrame({"n": claims.count(), "share": claims.mean().astype(float)})
    return found.set_index(pd.Index(CLAIMS, name="claim"))


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Count the universes by the number of profiles that the data say, 1 for none.

    Returns
    -------
    DataFrame, index `profiles`
        n, share (0-1) of the universes in which the number was not set.
    """
    own = table.loc[table["k"] == "own", "profiles"].astype(int)
    n = own.value_counts().sort_index()
    return pd.DataFrame({"n": n, "share": n / max(len(own), 1)})


def importance(table: pd.DataFrame) -> pd.DataFrame:
    """Give the share of the variance of each outcome that each crossed choice explains by itself.

    Parameters
    ----------
    table : DataFrame, index `universe`
        As `judge` gives it, the headline first.

    Returns
    -------
    DataFrame, index `choice`
        A column for each of `OUTCOMES`, 0-1: R² of all choices less R² without this one; `rest`
        is what their main effects leave. NaN where an outcome does not vary.

    Examples
    --------
    >>> table = pd.DataFrame([[a, m] for a in ("mean", "median") for m in ("profiles", "ward")])
    >>> table = table.set_axis(["aggregation", "method"], axis=1)
    >>> table = table.assign(profiles=[4, 2, 4, 2], adjusted_rand=[1.0, 0.5, 0.9, 0.4], change=0.0)
    >>> table = table.assign(**{name: "own" for name in (*CROSSED, *ALONE) if name not in table})
    >>> importance(table).loc[["aggregation", "method"], ["number", "division"]].round(2).values
    array([[0.  , 0.04],
           [1.  , 0.96]])
    """
    head = table.iloc[0]
    crossed = table[(table[list(ALONE)] == head[list(ALONE)]).all(axis=1)]
    shares = {}
    for outcome, column in OUTCOMES.items():
        rows = crossed[crossed["k"] == "own"] if outcome == "number" else crossed
        whole = _explained(rows, column, CROSSED)
        less = [_explained(rows, column, [c for c in CROSSED if c != name]) for name in CROSSED]
        shares[outcome] = [*(whole - one for one in less), 1 - whole]
    return pd.DataFrame(shares, pd.Index([*CROSSED, "rest"], name="choice"))


def by_option(table: pd.DataFrame) -> pd.DataFrame:
    """Set side by side what each option of each choice leads to.

    Returns
    -------
    DataFrame, index (choice, option)
        n universes; same, the share of those asked in which there are as many profiles as in the
        headline, or none as there; adjusted_rand, the median. Items and phases that are left out
        are one option each.
    """
    head = table.iloc[0]
    claim = "claim_number" if head["found"] else "claim_profiles"
    same = table[claim].astype("Float64").astype(float)
    kinds = table.assign(left_out=table["left_out"].str.partition(" ")[0].replace("", "nothing"))
    parts = {}
    for name in NAMES:
        option = kinds[name].astype(str).rename("option")
        if len(option.unique()) > 1:
            rand = table["adjusted_rand"].groupby(option, sort=False).median()
            found = same.groupby(option, sort=False)
            parts[name] = pd.DataFrame({"n": found.size(), "same": found.mean()}).assign(
                adjusted_rand=rand
            )
    return pd.concat(parts, names=["choice", "option"])


def without(left_out: Counter[str]) -> pd.DataFrame:
    """Count combinations that were not analysed by their reason: index `reason`; n."""
    n = pd.Series(left_out, dtype="int64").sort_index()
    return n.to_frame("n").rename_axis("reason")


def _changed(told: str, without: str = "") -> frozenset[str]:
    """Phases that changed with their sign, but for one."""
    return frozenset(one for one in told.split() if one[:-1] != without)


def _explained(rows: pd.DataFrame, outcome: str, choices: Sequence[str]) -> float:
    """R² of the main effects of choices on an outcome; NaN where it does not vary."""
    y = rows[outcome].to_numpy(dtype=float)
    total = ((y - y.mean()) ** 2).sum() if len(y) else 0.0
    if not total > 1e-12:
        return float("nan")
    dummies = pd.get_dummies(rows[list(choices)].astype(str), dtype=float).to_numpy()
    design = np.column_stack([np.ones(len(y)), dummies])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(1 - ((y - fitted) ** 2).sum() / total)
