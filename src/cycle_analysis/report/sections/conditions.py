"""Preconditions, risks, steering: how far they are, and how they go with the phases."""

import numpy as np
import pandas as pd

from cycle_analysis.report import cycle_sentences
from cycle_analysis.report.model import Block, Paragraph, Section, Table
from cycle_analysis.report.source import NOTHING, Source


def conditions_section(source: Source) -> Section:
    """Tell how the off-topic blocks go with the phases."""
    table = source.table("03_cycle", "blocks", source.reference)
    blocks: tuple[Block, ...] = (Paragraph(cycle_sentences.blocks(source, table)),)
    if not table.empty:
        blocks += (_correlations(source, table), _items(source))
    return Section("conditions", source.text("titles.conditions"), blocks)


def _correlations(source: Source, table: pd.DataFrame) -> Table:
    means = source.table("03_cycle", "block_curve", source.reference)
    rows = []
    for block, text in source.study.off_topic_blocks.items():
        mean = means.loc[block]
        shown = mean["n"] >= source.smallest
        rows.append(
            (
                text[source.language],
                source.number(mean["mean"] if shown else np.nan),
                source.interval(mean["low"], mean["high"]) if shown else NOTHING,
                *(source.number(table.loc[(block, p), "correlation"], 2) for p in source.phases),
            )
        )
    heads = [source.text(f"heads.{head}") for head in ("block", "mean_score", "interval")]
    return source.shown(
        "conditions",
        [*heads, *source.phases.values()],
        rows,
        source.n_units(table["n"]),
        [source.text("notes.block_reliability")],
        wave=source.wave_in_text(source.reference),
    )


def _items(source: Source) -> Table:
    table = source.table("03_cycle", "block_items", source.reference)
    questions = source.study.codebook.items[f"question_{source.language}"]
    rows = [
        (
            str(questions[item]),
            source.number(row["n"]),
            source.number(row["mean"] if row["n"] >= source.smallest else np.nan),
        )
        for item, row in table.iterrows()
    ]
    heads = [source.text(f"heads.{head}") for head in ("question", "answers", "mean_score")]
    n = source.text("n.respondents", n=source.number(table["n"].max()))
    return source.shown(
        "condition_items", heads, rows, n, wave=source.wave_in_text(source.reference)
    )
