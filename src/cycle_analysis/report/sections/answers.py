"""What was answered to each item, in the order of the cycle."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import is_small
from cycle_analysis.figures.responses import plot_answers
from cycle_analysis.report import headlines
from cycle_analysis.report.model import Block, Figure, Section
from cycle_analysis.report.source import Source


def answers_section(source: Source) -> Section:
    """Show the answers to the items of the phases, a figure for each answer scale."""
    items = source.study.phase_items(source.reference)
    scales = source.study.codebook.items.loc[items.index, "scale"]
    blocks: list[Block] = [source.say("measured.answers")]
    blocks += [_figure(source, str(scale), items.loc[scales == scale]) for scale in scales.unique()]
    return Section("answers", source.text("titles.answers"), tuple(blocks))


def _figure(source: Source, scale: str, items: pd.DataFrame) -> Figure:
    wave, language = source.reference, source.language
    table = source.table("02_scores", "items", wave).loc[items.index]
    counts = source.table("02_scores", "answer_counts", wave).loc[items.index]
    low, high = int(items["low"].min()), int(items["high"].max())
    counts = counts[[str(step) for step in range(low, high + 1)]]
    labels = source.study.scales[scale].labels
    options = [labels[step][language] if step in labels else step for step in counts]
    shares = _shares(counts, source.smallest)
    hidden = shares.isna().any(axis=1).any()
    withheld = source.text("cycle.withheld_items", smallest=source.smallest) if hidden else ""
    told = [f"{item} {source.number(mean)}" for item, mean in table["mean"].items()]
    title = headlines.answers(source, table, options[0])
    return source.figure(
        f"answers:{scale}",
        partial(
            plot_answers,
            shares,
            counts.sum(axis=1),
            options,
            language,
            phases=table["phase"],
            title=title,
        ),
        source.text("n.respondents", n=source.number(counts.sum(axis=1).max())),
        None,
        {"wave": source.wave_in_text(wave), "withheld": withheld},
        means="; ".join(told),
    )


def _shares(counts: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Share of each step; an item with a step that few chose is withheld as a whole."""
    small = counts.map(lambda n: is_small(n, smallest)).any(axis=1)
    totals = counts.sum(axis=1)
    shares = counts.div(totals.where(totals > 0), axis=0)
    return shares.mask(small | (totals == 0), np.nan)
