"""Where units place themselves, beside where they are measured."""

import pandas as pd

from cycle_analysis.cycle.placements import NONE
from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.report import cycle_sentences
from cycle_analysis.report.model import Block, Paragraph, Section, Table
from cycle_analysis.report.sections.simultaneity import active_from
from cycle_analysis.report.source import Source


def placements_section(source: Source) -> Section:
    """Tell how far self-placement and measurement agree, and in which phase domains are."""
    wave = source.reference
    placements = source.table("03_cycle", "placements", wave)
    blocks: list[Block] = [Paragraph(cycle_sentences.placements(source, placements))]
    if not placements.empty:
        blocks.append(_placements_table(source, placements))
    counts = source.table("03_cycle", "domains", wave)
    if not counts.empty:
        ranges, positions = (
            source.table("03_cycle", name, wave) for name in ("domain_range", "domain_positions")
        )
        blocks.append(Paragraph(cycle_sentences.domains(source, ranges, positions)))
        blocks.append(_domains_table(source, counts))
    return Section("placements", source.text("titles.placements"), tuple(blocks))


def _placements_table(source: Source, table: pd.DataFrame) -> Table:
    names = {d.code: d.label[source.language] for d in source.study.developments}
    rows = [
        (
            names[str(code)],
            source.part(round(row["stated"] * row["n"]), row["n"]),
            source.part(round(row["measured"] * row["n"]), row["n"]),
            source.part(round(row["agreement"] * row["n"]), row["n"]),
            source.number(row["kappa"], 2),
            source.interval(row["low"], row["high"], 2),
        )
        for code, row in table.fillna({"stated": 0, "measured": 0, "agreement": 0}).iterrows()
    ]
    heads = ("development", "stated", "measured", "alike", "kappa", "interval")
    threshold = source.number(active_from(source, source.reference))
    return source.shown(
        "placements",
        [source.text(f"heads.{head}") for head in heads],
        rows,
        source.n_units(table["n"]),
        [source.text("notes.half_say", from_score=threshold)],
        wave=source.wave_in_text(source.reference),
    )


def _domains_table(source: Source, counts: pd.DataFrame) -> Table:
    """Number of units per domain and phase; every domain is protected by itself."""
    steps = [NONE, *source.phases]
    names = {item: text[source.language] for item, text in source.study.domains.items()}
    rows = [
        (
            names[str(item)],
            *(source.count(n) for n in suppress_counts(row[steps], source.smallest)),
        )
        for item, row in counts.iterrows()
    ]
    heads = [source.text("heads.domain"), source.text("heads.none_yet"), *source.phases.values()]
    return source.shown(
        "domains",
        heads,
        rows,
        source.n_units(counts["n"]),
        [source.text("notes.median_domain")],
        wave=source.wave_in_text(source.reference),
    )
