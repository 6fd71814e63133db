"""What changed between the waves, and was it more than noise."""

from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import suppress_cells, suppress_table
from cycle_analysis.figures.waves import plot_change, plot_moves
from cycle_analysis.report.model import Section, Table
from cycle_analysis.report.sections.comparable import comparable_section, same_profiles_section
from cycle_analysis.report.source import Source

Pair = tuple[str, str]
MOST_OF = 0.9
"""Share of the units of a wave from which its distribution gives the totals of the moves away."""


def waves_section(source: Source) -> Section:
    """Tell which items and units compare, who moved, and how much the phases changed."""
    title = source.text("titles.waves")
    if len(source.study.waves) == 1:
        return Section("waves", title, (source.say("waves.one"),))
    parts = [comparable_section(source)]
    if source.k > 1:
        parts.append(same_profiles_section(source))
    for pair in pairs(source):
        if source.k > 1:
            parts.append(_moves(source, pair))
        parts.append(_change(source, pair))
    return Section("waves", title, (source.say("waves.intro"),), tuple(parts))


def pairs(source: Source) -> list[Pair]:
    """List the pairs of successive waves."""
    waves = source.study.waves
    return list(pairwise(waves))


def change_of(source: Source, pair: Pair) -> pd.DataFrame:
    """Give the mean change of each phase between two waves; missing where units are few."""
    table = source.table("07_waves", "change").reset_index()
    table = table[(table["wave_from"] == pair[0]) & (table["wave_to"] == pair[1])]
    table = table.set_index("phase").reindex(list(source.phases))
    numbers = ["before", "after", "change", "low", "high"]
    table[numbers] = table[numbers].where(table["n_units"] >= source.smallest)
    return table


def counts_of(source: Source, pair: Pair) -> pd.DataFrame:
    """Give the number of units that went from each profile to each, profiles × profiles."""
    table = source.table("07_waves", "transitions").reset_index()
    table = table[(table["wave_from"] == pair[0]) & (table["wave_to"] == pair[1])]
    wide = table.pivot(index="profile_from", columns="profile_to", values="n_units")
    numbers = list(source.groups)
    return wide.reindex(index=numbers, columns=numbers).fillna(0)


def protected_moves(source: Source, pair: Pair) -> pd.DataFrame:
    """Give the number of units that went from each profile to each, small ones withheld.

    No totals of rows or columns, nor shares of them, stand beside the cells: with totals nearly
    every cell of so small a table would have to go. Where the units that are followed are about
    all units of both waves, the distribution of each wave gives these totals all the same.
    """
    counts = counts_of(source, pair)
    labels = source.table("07_waves", "labels")
    fewest = min(labels[wave].notna().sum() for wave in pair)
    if counts.to_numpy().sum() < MOST_OF * fewest:
        return suppress_cells(counts, source.smallest)
    return suppress_table(counts, source.smallest).counts


def chance_is_known(source: Source) -> bool:
    """Whether the standard error of most units is known, so that chance can be told."""
    errors = source.table("02_scores", "standard_errors", source.reference)
    return bool(errors.isna().any(axis=1).mean() < 0.5)


def switching(source: Source, pair: Pair) -> dict[str, str]:
    """Say how many units switched between two waves, and what chance would give."""
    counts = counts_of(source, pair)
    n = counts.to_numpy().sum()
    moved = n - np.trace(counts.to_numpy())
    chance = source.table("07_waves", "chance").loc["switching"]
    share = moved / n if n else np.nan
    known = chance_is_known(source)
    return {
        "n": source.units(n),
        "moved": source.units(moved),
        "share": source.part_in_words(moved, n),
        "chance": source.percent(chance["mean"]),
        "range": source.texts(
            "words.interval",
            low=source.percent(chance["low"]),
            high=source.percent(chance["high"]),
        ),
        "verdict": source.text("waves.more" if share > chance["high"] else "waves.not_more"),
        "wording": "switching" if known else "switching_unknown",
        "from_wave": source.wave_in_text(pair[0]),
        "to_wave": source.wave_in_text(pair[1]),
    }


def _moves(source: Source, pair: Pair) -> Section:
    """Tell who moved."""
    title = source.text("titles.moves", from_wave=pair[0], to_wave=pair[1])
    counts = counts_of(source, pair)
    key = f"moves-{pair[0]}-{pair[1]}"
    total = counts.to_numpy().sum()
    if total < source.smallest:
        text = source.say("waves.few", smallest=source.smallest)
        return Section(key, title, (text,))
    shown = protected_moves(source, pair)
    n = source.text("n.panel", n=source.number(total))
    first, second = (source.text("waves.axis", wave=wave) for wave in pair)
    waves = {"from_wave": source.wave_in_text(pair[0]), "to_wave": source.wave_in_text(pair[1])}
    figure = source.figure(
        f"moves:{pair[0]}-{pair[1]}",
        partial(
            plot_moves,
            shown,
            source.language,
            names=source.groups if source.found else {},
            axes=(first, second),
        ),
        n,
        _moves_table(source, pair, shown, n),
        waves,
        stayed=_stayed(source, shown),
    )
    told = switching(source, pair)
    finding = source.say(f"waves.{told['wording']}", "finding", **told)
    return Section(key, title, (finding, source.say("waves.chance"), figure))


def _stayed(source: Source, shown: pd.DataFrame) -> str:
    """Tell how many units stayed in each profile, for those who do not see the figure."""
    return "; ".join(
        f"{source.group(number)} {source.count(shown.loc[number, number])}"
        for number in source.groups
    )


def _moves_table(source: Source, pair: Pair, shown: pd.DataFrame, n: str) -> Table:
    rows = [
        (source.group(number), *(source.count(count) for count in shown.loc[number]))
        for number in source.groups
    ]
    heads = [f"{pair[0]} ↓  {pair[1]} →", *(str(number) for number in source.groups)]
    return source.shown(
        f"moves:{pair[0]}-{pair[1]}",
        heads,
        rows,
        n,
        from_wave=source.wave_in_text(pair[0]),
        to_wave=source.wave_in_text(pair[1]),
    )


def _change(source: Source, pair: Pair) -> Section:
    title = source.text("titles.change", from_wave=pair[0], to_wave=pair[1])
    key = f"change-{pair[0]}-{pair[1]}"
    change = change_of(source, pair)
    known = change.dropna(subset=["change"])
    if known.empty:
        return Section(key, title, (source.say("waves.few", smallest=source.smallest),))
    low, high = source.number(known["n_units"].min()), source.number(known["n_units"].max())
    n = source.text("n.panel", n=low if low == high else f"{low}–{high}")
    figure = source.figure(
        f"change:{pair[0]}-{pair[1]}",
        partial(plot_change, known, source.language, labels=source.phases),
        n,
        _change_table(source, pair, known, n),
        {"from_wave": source.wave_in_text(pair[0]), "to_wave": source.wave_in_text(pair[1])},
        changes="; ".join(
            f"{source.phases[phase]} {source.points(row['change'])}"
            for phase, row in known.iterrows()
        ),
    )
    return Section(key, title, (source.say("waves.change", told=_changed(source, pair)), figure))


def changed_phases(source: Source, pair: Pair) -> pd.Series:
    """Give the change of the phases whose interval excludes 0, largest first."""
    known = change_of(source, pair).dropna(subset=["low", "high"])
    sure = known[(known["low"] > 0) | (known["high"] < 0)]
    return sure["change"].sort_values(ascending=False)


def _changed(source: Source, pair: Pair) -> str:
    """Say which phases changed beyond their interval."""
    sure = change_of(source, pair).loc[changed_phases(source, pair).index]
    if sure.empty:
        return source.text("waves.unchanged_phases")
    told = [
        source.text(
            "waves.changed_phase",
            phase=source.phase_title(str(phase)),
            change=source.points(row["change"]),
            interval=source.interval(row["low"], row["high"], 1),
        )
        for phase, row in sure.iterrows()
    ]
    return source.text("waves.changed_phases", told=source.texts.listed(told))


def _change_table(source: Source, pair: Pair, change: pd.DataFrame, n: str) -> Table:
    rows = [
        (
            source.phase_titles[phase],
            source.number(row["n_units"]),
            source.number(row["before"], 1),
            source.number(row["after"], 1),
            source.points(row["change"]),
            source.interval(row["low"], row["high"], 1),
        )
        for phase, row in change.iterrows()
    ]
    heads = [source.text("heads.phase"), source.text("heads.n"), *pair]
    heads += [source.text("heads.change"), source.text("heads.interval")]
    return source.shown(
        f"change:{pair[0]}-{pair[1]}",
        heads,
        rows,
        n,
        [source.text("notes.common_items")],
        from_wave=source.wave_in_text(pair[0]),
        to_wave=source.wave_in_text(pair[1]),
    )
