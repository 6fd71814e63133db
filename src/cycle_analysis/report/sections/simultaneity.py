"""Whether phases run at the same time, against what would be expected of unrelated phases."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import is_small, is_small_part, suppress_counts
from cycle_analysis.figures.cycle import plot_coactivity, plot_patterns, plot_sensitivity
from cycle_analysis.report import cycle_sentences, headlines
from cycle_analysis.report.model import Block, Figure, Paragraph, Section, Table
from cycle_analysis.report.source import NOTHING, Source

SHOWN_THRESHOLDS = (40.0, 50.0, 60.0)
"""Scores from which a phase may count as active, told beside the default."""
MOST_PATTERNS = 12
"""How many combinations of active phases fit in a figure."""


def together_section(source: Source) -> Section:
    """Tell how many phases are active together, observed and expected."""
    wave = source.reference
    counts = source.table("03_cycle", "active_counts", wave)
    blocks: list[Block] = [
        Paragraph(cycle_sentences.together(source, counts, active_from(source, wave))),
        *_extremes(source, wave),
        source.say("cycle.style"),
        _pairs_figure(source, wave),
        _patterns_figure(source, wave),
    ]
    if told := _thresholds(source, wave):
        blocks.append(source.say("cycle.thresholds", told=told))
        blocks.append(_sensitivity_figure(source, wave, told))
    return Section("together", source.text("titles.together"), tuple(blocks))


def simultaneity(source: Source, wave: str) -> dict[str, str]:
    """Give the share of units with two or more active phases, observed and expected."""
    counts = source.table("03_cycle", "active_counts", wave)
    return cycle_sentences.together_values(source, counts, active_from(source, wave))


def active_from(source: Source, wave: str) -> float:
    """Give the score from which a phase counts as active."""
    return source.parameter("03_cycle", "active_from", wave)


def _pairs_figure(source: Source, wave: str) -> Figure:
    pairs = _safe_pairs(source, wave)
    counts = source.table("03_cycle", "active_counts", wave)
    title = headlines.together(source, counts)
    return source.figure(
        "together",
        partial(plot_coactivity, pairs, source.language, labels=source.phases, title=title),
        source.n_units(pairs["n"]),
        _active_table(source, wave),
        {
            "from_score": source.number(active_from(source, wave)),
            "withheld": _withheld(source, pairs),
        },
        pairs=_pairs_in_words(source, pairs),
    )


def _patterns_figure(source: Source, wave: str) -> Figure:
    patterns = source.table("03_cycle", "patterns", wave)
    told = [headlines.pattern(source, row) for _, row in patterns.head(3).iterrows()]
    title = headlines.patterns(source, patterns)
    shown = safe_patterns(patterns, list(source.phases), source.smallest).head(MOST_PATTERNS)
    rest = int(patterns["n"].sum() - shown["n"].sum())
    return source.figure(
        "patterns",
        partial(
            plot_patterns, shown, source.language, rest=rest, labels=source.phases, title=title
        ),
        source.text("n.units", n=source.number(patterns["n"].sum())),
        None,
        {
            "from_score": source.number(active_from(source, wave)),
            "wave": source.wave_in_text(wave),
            "smallest": source.smallest,
        },
        told="; ".join(told),
    )


def safe_patterns(patterns: pd.DataFrame, phases: list[str], smallest: int) -> pd.DataFrame:
    """Leave out combinations of few units, and others until no rest could be computed.

    The number of units with one, two, ... active phases is published beside them: what is left out
    of each number must be nobody or enough.
    """
    parts = []
    for _, part in patterns.groupby(patterns[phases].sum(axis=1)):
        shown = part[part["n"] >= smallest]
        while len(shown) and is_small(part["n"].sum() - shown["n"].sum(), smallest):
            shown = shown.iloc[:-1]
        parts.append(shown)
    return pd.concat([patterns.iloc[:0], *parts]).sort_index()


def _sensitivity_figure(source: Source, wave: str, told: str) -> Figure:
    """Draw the curve where neither the part nor the rest is small."""
    n = source.table("03_cycle", "active_counts", wave)["n"].sum()
    table = _two_or_more(source, wave).to_frame()
    chosen, title = active_from(source, wave), headlines.sensitivity(source, table)
    return source.figure(
        "sensitivity",
        partial(plot_sensitivity, table, source.language, chosen=chosen, title=title),
        source.text("n.units", n=source.number(n)),
        None,
        {"wave": source.wave_in_text(wave)},
        told=told,
    )


def _safe_pairs(source: Source, wave: str) -> pd.DataFrame:
    """Withhold pairs of phases of which both, one, or neither is active in a few units only."""
    pairs = source.table("03_cycle", "coactivity", wave)
    active = source.table("03_cycle", "active", wave)
    for pair in pairs.index:
        known = active[list(pair)].dropna()
        cells = known.value_counts().tolist()
        if len(known) < source.smallest or any(is_small(n, source.smallest) for n in cells):
            pairs.loc[pair, ["observed", "expected", "ratio"]] = np.nan
    return pairs


def _withheld(source: Source, pairs: pd.DataFrame) -> str:
    """Explain the dash of a pair that is not shown."""
    if pairs["observed"].notna().all():
        return ""
    return source.text("cycle.pair_withheld", mark=NOTHING, smallest=source.smallest)


def _pairs_in_words(source: Source, pairs: pd.DataFrame) -> str:
    ranked = pairs.dropna(subset=["ratio"]).sort_values("ratio", ascending=False, kind="stable")
    told = [
        source.text(
            "cycle.pair",
            first=source.phase_title(pair[0]),
            second=source.phase_title(pair[1]),
            observed=source.percent(row["observed"]),
            expected=source.percent(row["expected"]),
        )
        for pair, row in ranked.head(3).iterrows()
    ]
    return "; ".join(told)


def _extremes(source: Source, wave: str) -> list[Paragraph]:
    """Give the shares with no active phase and with all but one or all, observed and expected."""
    counts = source.table("03_cycle", "active_counts", wave)
    number, many = counts.index, len(source.phases) - 1
    ends = [counts[ends].sum() for ends in (number == 0, number >= many)]
    total = max(counts["n"].sum(), 1)
    both = all(end["n"] / total > end["expected"] for end in ends)
    values = {
        "none": source.part_of_table(counts["n"], number == 0),
        "none_expected": source.percent(counts.loc[number == 0, "expected"].sum()),
        "most": source.number(many),
        "nearly_all": source.part_of_table(counts["n"], number >= many),
        "nearly_all_expected": source.percent(counts.loc[number >= many, "expected"].sum()),
    }
    if source.text("words.not_shown") in values.values():
        return []
    text = source.text("cycle.extremes", **values)
    return [Paragraph(f"{text} {source.text('cycle.overall')}" if both else text)]


def _active_table(source: Source, wave: str) -> Table:
    counts = source.table("03_cycle", "active_counts", wave)
    shown = suppress_counts(counts["n"], source.smallest)
    rows = []
    for number, n in shown.items():
        share = source.percent(counts.loc[number, "share"]) if pd.notna(n) else source.count(n)
        expected = source.percent(counts.loc[number, "expected"])
        rows.append((str(number), source.count(n), share, expected))
    heads = [source.text(f"heads.{name}") for name in ("n_active", "n", "share", "expected")]
    n = source.text("n.units", n=source.number(counts["n"].sum()))
    return source.shown("active", heads, rows, n, wave=source.wave_in_text(wave))


def _thresholds(source: Source, wave: str) -> str:
    shares = _two_or_more(source, wave).dropna()
    told = [
        source.text(
            "cycle.threshold",
            share=source.percent(shares[threshold]),
            from_score=source.number(threshold),
        )
        for threshold in SHOWN_THRESHOLDS
        if threshold in shares.index
    ]
    return source.texts.listed(told)


def _two_or_more(source: Source, wave: str) -> pd.Series:
    """Share with two or more active phases by threshold; NaN where small numbers would show."""
    counts = source.table("03_cycle", "active_counts", wave)
    shares, n = source.table("03_cycle", "sensitivity", wave)["two_or_more"], counts["n"].sum()
    withheld = simultaneity(source, wave)["share"] == source.text("words.not_shown")
    in_use = shares.index == active_from(source, wave)
    small = np.array([is_small_part(round(s * n), n, source.smallest) for s in shares])
    return shares.mask(small | (in_use & withheld))
