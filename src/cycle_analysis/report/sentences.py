"""Say in words what the tables of notebooks 02 and 03 hold: the same in notebook and report.

Every function takes the source, which knows the language and withholds small numbers, and the table
that it tells.
"""

import numpy as np
import pandas as pd

from cycle_analysis.agreement import AGREED
from cycle_analysis.factors import ONE, PHASES
from cycle_analysis.report.source import Source
from cycle_analysis.scalability import ALL, WEAK
from cycle_analysis.two_level import BETWEEN, RATIO, WITHIN

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


def curve(source: Source, table: pd.DataFrame, key: str = "cycle.curve") -> str:
    """Name the phases with the highest and the lowest mean, unless their intervals meet."""
    means = table["mean"].dropna()
    high, low = means.idxmax(), means.idxmin()
    apart = table.loc[high, "low"] > table.loc[low, "high"]
    return source.text(
        key if apart else f"{key}_close",
        highest=source.phase_title(str(high)),
        high=source.number(means[high]),
        lowest=source.phase_title(str(low)),
        low=source.number(means[low]),
    )


def leading(source: Source, counts: pd.Series, wave: str) -> str:
    """Name the phase that is most often ahead."""
    if not counts.sum():
        return source.text("measured.leading_unknown")
    return source.text(
        "cycle.leading",
        phase=source.phase_title(str(counts.idxmax())),
        share=source.part_in_words(counts.max(), counts.sum()),
        wave=source.wave_in_text(wave),
    )


def together(source: Source, counts: pd.DataFrame, active_from: float) -> str:
    """Tell in how many units phases are active together, against independence."""
    values = together_values(source, counts, active_from)
    hidden = values["share"] == source.text("words.not_shown")
    return source.text("cycle.together_hidden" if hidden else "cycle.together", **values)


def together_values(source: Source, counts: pd.DataFrame, active_from: float) -> dict[str, str]:
    """Give the share of units with two or more active phases, observed and expected."""
    several = (counts.index.astype(int) >= 2).astype(bool)
    return {
        "share": source.part_of_table(counts["n"], several),
        "expected": source.percent(counts.loc[several, "expected"].sum()),
        "from_score": source.number(active_from),
        "n": source.number(counts["n"].sum()),
    }


def scale(source: Source, table: pd.DataFrame) -> str:
    """Name the phase that fits the order least, and pairs without any order."""
    phases = table["H"][[(phase, other) for phase, other in table.index if phase != other == ALL]]
    phases = phases.droplevel("other").dropna()
    if phases.empty:
        return source.text("measured.scale_unknown")
    pairs = table.loc[[other != ALL for _, other in table.index], "H"].dropna()
    return source.text(
        "measured.scale",
        worst=source.phase_title(str(phases.idxmin())),
        low=source.number(phases.min(), 2),
        best=source.phase_title(str(phases.idxmax())),
        high=source.number(phases.max(), 2),
        weak=source.number((pairs < WEAK).sum()),
        pairs=source.number(len(pairs)),
        limit=source.number(WEAK, 2),
    )


def two_level(source: Source, table: pd.DataFrame) -> str:
    """Tell whether the order is one of units, or a style of respondents."""
    if np.isnan(table.loc[BETWEEN, "H"]):
        return source.text("measured.two_level_unknown")
    within, between, ratio = (table.loc[level] for level in (WITHIN, BETWEEN, RATIO))
    told = source.text(
        "measured.two_level",
        within=source.number(within["H"], 2),
        between=source.number(between["H"], 2),
        interval=source.interval(between["low"], between["high"], 2),
    )
    if not between["H"] > between["chance_high"]:
        return f"{told} {source.text('measured.two_level_none')}"
    key = "two_level_style" if ratio["H"] < WEAK else "two_level_units"
    parts = [told, source.text(f"measured.{key}", ratio=source.number(ratio["H"], 2))]
    if between["H"] < WEAK:
        parts.append(source.text("measured.two_level_weak", limit=source.number(WEAK, 2)))
    return " ".join(parts)


def placements(source: Source, table: pd.DataFrame) -> str:
    """Tell how far units place themselves where they are measured."""
    known = table.dropna(subset=["kappa"])
    if known.empty:
        return source.text("measured.placements_unknown")
    names = {d.code: d.label[source.language] for d in source.study.developments}
    told = [
        source.text(
            "measured.placement",
            development=names[str(code)],
            stated=source.part_in_words(round(row["stated"] * row["n"]), row["n"]),
            measured=source.part_in_words(round(row["measured"] * row["n"]), row["n"]),
            kappa=source.number(row["kappa"], 2),
            interval=source.interval(row["low"], row["high"], 2),
        )
        for code, row in known.iterrows()
    ]
    return source.text("measured.placements", told="; ".join(told))


def domains(source: Source, ranges: pd.DataFrame, positions: pd.DataFrame) -> str:
    """Tell how far apart the domains of a unit are, and whether their phase agrees with scores."""
    apart = ranges["apart"].dropna()
    row = positions.loc["highest"]
    if apart.empty or np.isnan(row["kappa"]):
        return source.text("measured.domains_unknown")
    return source.text(
        "measured.domains",
        mean=source.number(apart.mean(), 1),
        wide=source.part_in_words((apart >= 2).sum(), len(apart)),
        kappa=source.number(row["kappa"], 2),
        interval=source.interval(row["low"], row["high"], 2),
        stated=source.part_in_words(round(row["stated_further"] * row["n"]), row["n"]),
        measured=source.part_in_words(round(row["measured_further"] * row["n"]), row["n"]),
    )


def blocks(source: Source, table: pd.DataFrame) -> str:
    """Tell which other subject goes most with which phase."""
    known = table.dropna(subset=["correlation"])
    if known.empty:
        return source.text("measured.blocks_unknown")
    names = {code: text[source.language] for code, text in source.study.off_topic_blocks.items()}
    told = []
    for block, part in known.groupby(level="block", sort=False):
        (_, phase), row = part["correlation"].idxmax(), part.loc[part["correlation"].idxmax()]
        told.append(
            source.text(
                "measured.block",
                block=names.get(str(block), str(block)),
                phase=source.phase_title(str(phase)),
                correlation=source.number(row["correlation"], 2),
                interval=source.interval(row["low"], row["high"], 2),
            )
        )
    sure = int((known["p_holm"] < 0.05).sum())
    numbers = {"sure": source.number(sure), "pairs": source.number(len(known))}
    return source.text("measured.blocks", told="; ".join(told), **numbers)


def _between(source: Source, values: pd.Series) -> str:
    """Write the range of a statistic over phases; one number where they are equal."""
    low, high = source.number(values.min(), 2), source.number(values.max(), 2)
    return low if low == high else source.interval(values.min(), values.max(), 2)
