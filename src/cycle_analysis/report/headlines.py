"""Say the finding of a figure in its title, in one short line."""

import pandas as pd

from cycle_analysis.report.score_sentences import spread_compared
from cycle_analysis.report.source import Source


def answers(source: Source, items: pd.DataFrame, lowest: str) -> str:
    """Tell how often the lowest step was chosen, on the item with the fewest and the most."""
    floor = items["floor"].dropna()
    if floor.empty:
        return ""
    return source.text(
        "headlines.answers",
        step=lowest,
        least=source.percent(floor.min()),
        first=floor.idxmin(),
        most=source.percent(floor.max()),
        last=floor.idxmax(),
    )


def reliability(source: Source, scales: pd.DataFrame) -> str:
    """Tell the range of alpha."""
    known = scales["alpha"].dropna()
    if known.empty:
        return ""
    low, high = source.number(known.min(), 2), source.number(known.max(), 2)
    return source.text("headlines.reliability", low=low, high=high)


def spread(source: Source, groups: pd.DataFrame) -> str:
    """Tell whether units that are further on differ more inside."""
    return source.text(f"headlines.spread_{spread_compared(groups)}") if len(groups) > 1 else ""


def curve(source: Source, phases: pd.DataFrame) -> str:
    """Name the phases with the highest and the lowest mean, unless their intervals meet."""
    means = phases["mean"].dropna()
    if means.empty:
        return ""
    high, low = means.idxmax(), means.idxmin()
    apart = phases.loc[high, "low"] > phases.loc[low, "high"]
    return source.text(
        "headlines.curve" if apart else "headlines.curve_close",
        highest=source.phases[str(high)],
        high=source.number(means[high]),
        lowest=source.phases[str(low)],
        low=source.number(means[low]),
    )


def together(source: Source, counts: pd.DataFrame) -> str:
    """Tell the share with two or more active phases, against independence."""
    several = counts.index >= 2
    share = source.part_of_table(counts["n"], several)
    if share == source.text("words.not_shown"):
        return ""
    return source.text(
        "headlines.together",
        share=share,
        expected=source.percent(counts.loc[several, "expected"].sum()),
    )


def patterns(source: Source, table: pd.DataFrame) -> str:
    """Tell the most frequent combination of active phases."""
    if table.empty:
        return ""
    return source.text("headlines.patterns", told=pattern(source, table.iloc[0]))


def pattern(source: Source, row: pd.Series) -> str:
    """Name the active phases of a combination, and how many units have it."""
    on = [source.phases[phase] for phase in source.phases if row[phase]]
    named = source.texts.listed(on) or source.text("cycle.no_phase")
    return source.text("cycle.patterns_told", phases=named, n=source.single(row["n"]))


def sensitivity(source: Source, shares: pd.DataFrame) -> str:
    """Tell the share with two or more active phases at the lowest and the highest threshold."""
    known = shares["two_or_more"].dropna()
    if known.empty:
        return ""
    return source.text(
        "headlines.sensitivity",
        low=source.number(known.index.min()),
        most=source.percent(known.iloc[0]),
        high=source.number(known.index.max()),
        least=source.percent(known.iloc[-1]),
    )


def violations(source: Source, pairs: pd.DataFrame) -> str:
    """Name the pair of phases whose order is broken most often."""
    known = pairs["share"].dropna()
    if known.empty or known.max() == 0:
        return ""
    earlier, later = known.idxmax()
    return source.text(
        "headlines.violations",
        later=source.phases[later],
        earlier=source.phases[earlier],
        share=source.percent(known.max()),
    )
