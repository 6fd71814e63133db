"""Say in words what the tables of notebook 02 hold: the same in notebook and report.

Every function takes the source, which knows the language and withholds small numbers, and the table
that it tells.
"""

import numpy as np
import pandas as pd

from cycle_analysis.measurement.agreement import AGREED
from cycle_analysis.measurement.reliability import ONE, PHASES
from cycle_analysis.report.source import Source

ENOUGH = 0.7
"""Reliability under which a phase is too rough for statements on a single unit."""


def items(source: Source, table: pd.DataFrame) -> str:
    """Tell how the items go with the others of their phase, and where answers pile up."""
    rest = table["item_rest"].dropna()
    if rest.empty:
        return source.text("measured.items_unknown")
    negative = rest.index[rest < 0].astype(str).tolist()
    floor = int((table["floor"] > 0.5).sum())
    key = "items_negative" if negative else "items_positive"
    told = [
        source.text(
            "measured.items",
            low=source.number(rest.min(), 2),
            lowest=rest.idxmin(),
            high=source.number(rest.max(), 2),
            highest=rest.idxmax(),
        ),
        source.text(f"measured.{key}", told=source.texts.listed(negative)),
        source.text(
            "measured.items_floor", count=source.number(floor), total=source.number(len(table))
        ),
    ]
    return " ".join(told)


def reliability(source: Source, table: pd.DataFrame) -> str:
    """Tell the reliability of the phases, and which are too rough."""
    known = table["alpha"].dropna()
    if known.empty:
        return source.text("measured.reliability_unknown")
    rough = [source.phase_title(str(phase)) for phase in known.index[known < ENOUGH]]
    undefined = [source.phase_title(str(p)) for p in table.index[table["alpha"].isna()]]
    told = [
        source.text(
            "measured.reliability",
            low=source.number(known.min(), 2),
            lowest=source.phase_title(str(known.idxmin())),
            high=source.number(known.max(), 2),
            highest=source.phase_title(str(known.idxmax())),
        ),
        source.text(
            "measured.rough" if rough else "measured.not_rough", told=source.texts.listed(rough)
        ),
    ]
    if undefined:
        told.append(source.text("measured.undefined", told=source.texts.listed(undefined)))
    return " ".join(told)


def factors(source: Source, table: pd.DataFrame) -> str:
    """Tell whether items measure one thing or a thing for each phase."""
    if table["bic"].isna().any():
        return source.text("measured.factors_unknown")
    one, several = table.loc[ONE], table.loc[PHASES]
    return source.text(
        "measured.factors_several" if several["bic"] < one["bic"] else "measured.factors_one",
        several=source.number(several["bic"]),
        one=source.number(one["bic"]),
        cfi=source.number(several["cfi"], 2),
        rmsea=source.number(several["rmsea"], 3),
        largest=source.number(several["largest_correlation"], 2),
    )


def agreement(source: Source, table: pd.DataFrame, benchmark: pd.DataFrame) -> str:
    """Tell whether respondents of a unit see the same, and more so than random groups."""
    known = table.dropna(subset=["icc1"])
    if known.empty:
        return source.text("measured.agreement_unknown")
    beyond = benchmark["p"].dropna() < 0.05
    return source.text(
        "measured.agreement",
        icc1=_between(source, known["icc1"]),
        icc2=_between(source, known["icc2"]),
        rwg=_between(source, known["rwg_median"]),
        limit=source.number(AGREED, 2),
        deviation=_between(source, known["average_deviation"]),
        beyond=source.number(beyond.sum()),
        phases=source.number(len(beyond)),
    )


def errors(source: Source, table: pd.DataFrame) -> str:
    """Tell the standard error of the score of a unit."""
    known = table.stack().dropna()
    if known.empty:
        return source.text("measured.errors_unknown")
    return source.text(
        "measured.errors",
        median=source.number(known.median(), 1),
        reach=source.number(1.96 * known.median()),
        low=source.number(known.quantile(0.05), 1),
        high=source.number(known.quantile(0.95), 1),
    )


def aggregation(source: Source, table: pd.DataFrame) -> str:
    """Tell how far another rule of aggregation moves scores and ranks."""
    if not table["difference"].max() > 0:
        return source.text("measured.rules_same")
    told = []
    for rule, part in table.groupby(level="rule", sort=False):
        worst = part.loc[part["rank_correlation"].fillna(1).idxmin()]
        told.append(
            source.text(
                "measured.rule",
                rule=source.texts.get(f"annex.rules.{rule}", str(rule)),
                difference=source.number(part["difference"].mean(), 1),
                far=source.number(part["difference_95"].max(), 1),
                correlation=source.number(worst["rank_correlation"], 2),
                moved=source.part(round(worst["moved"] * worst["n"]), worst["n"]),
            )
        )
    return source.text("measured.rules", told="; ".join(told))


def spread(source: Source, table: pd.DataFrame) -> str:
    """Tell whether units that are further on differ more inside."""
    if len(table) < 2:
        return source.text("measured.spread_unknown")
    first, last = table.iloc[0], table.iloc[-1]
    told = source.text(
        "measured.spread",
        low=source.number(first["spread"], 1),
        high=source.number(last["spread"], 1),
        low_level=source.number(first["level"]),
        high_level=source.number(last["level"]),
        low_share=source.percent(first["spread_share"]),
        high_share=source.percent(last["spread_share"]),
    )
    return f"{told} {source.text(f'measured.spread_{spread_compared(table)}')}"


def spread_compared(table: pd.DataFrame) -> str:
    """Say whether the last group differs ``more``, ``less`` or the ``same`` inside as the first."""
    first, last = table.iloc[0], table.iloc[-1]
    reach = 1.96 * np.hypot(first["standard_error"], last["standard_error"])
    gap = last["spread"] - first["spread"]
    return "more" if gap > reach else "less" if gap < -reach else "same"


def _between(source: Source, values: pd.Series) -> str:
    """Write the range of a statistic over phases; one number where they are equal."""
    low, high = source.number(values.min(), 2), source.number(values.max(), 2)
    return low if low == high else source.interval(values.min(), values.max(), 2)
