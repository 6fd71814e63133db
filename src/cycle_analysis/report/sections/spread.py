"""How far the respondents of one unit differ, and where they differ most."""

from functools import partial

from cycle_analysis.disclosure import is_small
from cycle_analysis.figures.responses import plot_spread
from cycle_analysis.report import headlines, score_sentences
from cycle_analysis.report.model import Block, Paragraph, Section
from cycle_analysis.report.source import Source


def spread_section(source: Source) -> Section:
    """Tell whether units that are further on differ more inside."""
    wave = source.reference
    table = source.table("02_scores", "spread", wave)
    title = source.text("titles.spread")
    if len(table) < 2 or any(is_small(n, source.smallest) for n in table["n"]):
        return Section("spread", title, (source.say("measured.spread_unknown"),))
    rows = [
        (
            source.number(number),
            source.number(row["n"]),
            source.number(row["level"]),
            source.number(row["spread"], 1),
            source.percent(row["spread_share"]),
        )
        for number, row in table.iterrows()
    ]
    heads = ("background", "n", "one_level", "spread", "spread_share")
    columns = [source.text(f"heads.{head}") for head in heads]
    n = source.text("n.units", n=source.number(table["n"].sum()))
    named = source.wave_in_text(wave)
    told = [f"{source.number(r['level'])}: {source.number(r['spread'], 1)}" for _, r in
            table.iterrows()]  # fmt: skip
    blocks: tuple[Block, ...] = (
        Paragraph(score_sentences.spread(source, table)),
        source.figure(
            "spread",
            partial(plot_spread, table, source.language, title=headlines.spread(source, table)),
            n,
            source.shown("spread", columns, rows, n, wave=named),
            {"wave": named},
            groups="; ".join(told),
        ),
    )
    return Section("spread", title, blocks)
