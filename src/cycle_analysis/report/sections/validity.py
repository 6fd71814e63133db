"""Whether other samples and other methods give the same profiles."""

import pandas as pd

from cycle_analysis.report.model import Block, Section, Table
from cycle_analysis.report.source import Source

STEPS_OF_STABILITY = ((0.85, "very_stable"), (0.75, "stable"), (0.60, "unsure"), (-1.0, "unstable"))
"""Hennig's (2007) reading of the mean Jaccard coefficient."""


def validity_section(source: Source) -> Section:
    """Tell how stable the profiles are, and whether another method finds them."""
    title = source.text("titles.validity")
    if source.k == 1:
        return Section("validity", title, (source.say("validity.nothing"),))
    blocks: list[Block] = [source.say("validity.intro")]
    if not source.found:
        blocks.append(source.say("validity.continuum"))
    blocks += [source.say("validity.stability", told=_told(source)), _stability_table(source)]
    blocks += [_agreement(source), _choices(source)]
    return Section("validity", title, tuple(blocks))


def _jaccard(source: Source) -> pd.DataFrame:
    return source.table("06_validity", "jaccard", source.reference)


def _reading(source: Source, jaccard: float) -> str:
    if pd.isna(jaccard):
        return source.text("validity.unknown")
    key = next(key for least, key in STEPS_OF_STABILITY if jaccard >= least)
    return source.text(f"validity.{key}")


def _told(source: Source) -> str:
    values = _jaccard(source)["jaccard"].dropna()
    if values.empty:
        return source.text("validity.unknown")
    low, high = source.number(values.min(), 2), source.number(values.max(), 2)
    ends = low if low == high else source.interval(values.min(), values.max(), 2)
    return f"{ends} ({_reading(source, values.min())})"


def _stability_table(source: Source) -> Table:
    table = _jaccard(source)
    rows = [
        (
            source.group(number),
            source.number(row["jaccard"], 2),
            _reading(source, row["jaccard"]),
            source.percent(row["recovered"]),
            source.percent(row["dissolved"]),
        )
        for number, row in table.iterrows()
    ]
    heads = [source.text("words.Profile" if source.found else "words.Level")]
    heads += [source.text(f"heads.{h}") for h in ("jaccard", "reading", "recovered", "dissolved")]
    replicates = source.parameter("06_validity", "n_replicates", source.reference)
    n = source.text(
        "n.replicates",
        n=source.number(table["n_units"].sum()),
        replicates=source.number(replicates),
    )
    return source.shown("stability", heads, rows, n, text_columns=(0, 2))


def _agreement(source: Source) -> Block:
    row = source.table("06_validity", "agreement", source.reference).loc["ward"]
    n, moved = row["n_units"], row["n_moved"]
    warned = row["warning"]
    return source.say(
        "validity.method_moves" if warned else "validity.method_agrees",
        rand=source.number(row["adjusted_rand"], 2),
        moved=source.units(moved),
        share=source.part_in_words(moved, n),
        n=source.units(n),
    )


def _choices(source: Source) -> Table:
    table = source.table("06_validity", "agreement", source.reference)
    rows = [
        (
            source.text(f"choices.{name}"),
            source.number(row["adjusted_rand"], 2),
            source.part(row["n_moved"], row["n_units"]),
        )
        for name, row in table.iterrows()
    ]
    heads = [source.text(f"heads.{name}") for name in ("choice", "rand", "moved")]
    return source.shown("choices", heads, rows, source.n_units(table["n_units"]))
