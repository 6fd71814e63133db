"""Say in words what the tables of notebook 03 hold: the same in notebook and report.

Every function takes the source, which knows the language and withholds small numbers, and the table
that it tells.
"""

import numpy as np
import pandas as pd

from cycle_analysis.cycle.scalability import ALL, BETWEEN, RATIO, WEAK, WITHIN
from cycle_analysis.report.source import Source


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
    several = counts.index >= 2
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
