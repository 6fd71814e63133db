"""Which items, units and profiles can be compared between waves."""

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.report.model import Block, Section, Table
from cycle_analysis.report.source import Source

KINDS = ("unchanged", "grown", "merged", "split", "uncovered", "unmapped")
"""What can have become of a unit, in the order of the table."""
SAME = 0.80
"""Adjusted Rand index from which two divisions are nearly the same."""


def comparable_section(source: Source) -> Section:
    """Tell which items and which units compare."""
    items = source.table("07_waves", "items")
    left_out = items.index[~items["common"]].tolist()
    text = source.say(
        "waves.items",
        common=source.number(len(items) - len(left_out)),
        total=source.number(len(items)),
        left_out=_left_out(source, items.loc[left_out]),
    )
    blocks: list[Block] = [text, _items_table(source, items)]
    covered = source.parameter("07_waves", "min_covered", source.reference)
    blocks += [source.say("waves.units", covered=source.percent(covered)), _units_table(source)]
    return Section("comparable", source.text("titles.comparable"), tuple(blocks))


def same_profiles_section(source: Source) -> Section:
    """Tell whether the reference wave gives the same profiles on common items."""
    same = source.table("07_waves", "comparability").iloc[0]
    moved = round(same["moved_share"] * same["n_units"])
    text = source.say(
        "waves.same",
        wave=source.wave_in_text(source.reference),
        rand=source.number(same["adjusted_rand"], 2),
        n=source.units(same["n_units"]),
        moved=source.units(moved),
        share=source.part_in_words(moved, same["n_units"]),
        verdict=source.text("waves.near" if same["adjusted_rand"] >= SAME else "waves.far"),
    )
    labels = source.table("07_waves", "labels")
    counts = {
        wave: labels[wave].value_counts().reindex(list(source.groups), fill_value=0)
        for wave in source.study.waves
    }  # fmt: skip
    rows = []
    for number in source.groups:
        cells = [source.group(number)]
        for column in counts.values():
            n = suppress_counts(column, source.smallest)[number]
            share = n / max(column.sum(), 1)
            cells += [source.count(n), source.count(n) if pd.isna(n) else source.percent(share)]
        rows.append(tuple(cells))
    heads = [source.text("words.Profile" if source.found else "words.Level")]
    for wave in counts:
        heads += [source.text("heads.n_wave", wave=wave), source.text("heads.share")]
    n = "; ".join(
        f"{wave}: {source.text('n.units', n=source.number(column.sum()))}"
        for wave, column in counts.items()
    )
    table = source.shown("profile_shares", heads, rows, n, [source.text("notes.all_linked")])
    return Section("same-profiles", source.text("titles.same_profiles"), (text, table))


def _left_out(source: Source, items: pd.DataFrame) -> str:
    if items.empty:
        return ""
    questions = source.study.codebook.items[f"question_{source.language}"]
    told = []
    for item, row in items.iterrows():
        states = {wave: row[wave] for wave in source.study.waves}
        why = [
            f"{wave}: {source.text(f'waves.{state}')}"
            for wave, state in states.items()
            if state not in ("full", "partial")
        ]
        told.append(f"{item} ‘{questions[item].rstrip('.')}’ ({'; '.join(why)})")
    return source.text("waves.left_out", told="; ".join(told))


def _items_table(source: Source, items: pd.DataFrame) -> Table:
    correlations = source.table("07_waves", "common_items")["correlation"]
    common = items["common"].groupby(items["phase"])
    rows = [
        (
            title,
            source.number(common.size()[phase]),
            source.number(common.sum()[phase]),
            source.number(correlations.get(phase, np.nan), 3),
        )
        for phase, title in source.phase_titles.items()
    ]
    heads = ("phase", "items", "common", "correlation")
    n = source.text("n.reference", wave=source.wave_in_text(source.reference))
    return source.shown("items_compared", [source.text(f"heads.{h}") for h in heads], rows, n)


def _units_table(source: Source) -> Table:
    counts = source.table("07_waves", "link_counts")["n_units"].unstack().fillna(0)
    kinds = [kind for kind in KINDS if kind in counts]
    rows = []
    for wave in source.study.waves:
        row = suppress_counts(counts.loc[wave, kinds], source.smallest)
        rows.append(
            (
                source.wave(wave),
                *(source.count(n) for n in row),
                source.number(counts.loc[wave].sum()),
            )
        )
    heads = [source.text("heads.wave"), *(source.text(f"waves.{kind}") for kind in kinds)]
    n = source.text("n.answered")
    return source.shown("units_compared", [*heads, source.text("heads.total")], rows, n)
