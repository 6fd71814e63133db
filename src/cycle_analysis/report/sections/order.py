"""Whether phases come in the order of the model, beyond measurement error."""

import pandas as pd

from cycle_analysis.cycle.scalability import ALL
from cycle_analysis.disclosure import is_small_part
from cycle_analysis.report import cycle_sentences
from cycle_analysis.report.model import Paragraph, Section, Table
from cycle_analysis.report.source import Source


def order_section(source: Source) -> Section:
    """Tell for which phases a later one is ahead of an earlier one."""
    violations = source.table("03_cycle", "violations", source.reference)
    known = violations.dropna(subset=["share"])
    if known.empty:
        return Section("order", source.text("titles.order"), (source.say("cycle.no_order"),))
    beyond = source.number(source.parameter("03_cycle", "beyond", source.reference), 2)
    above = known[known["share"] > 2 * known["by_chance"]].sort_values(
        "share", ascending=False, kind="stable"
    )
    told = [
        source.text(
            "cycle.violated",
            later=source.phase_title(pair[1]),
            earlier=source.phase_title(pair[0]),
            share=source.part_in_words(row["violations"], row["n"]),
        )
        for pair, row in above.iterrows()
    ]
    several = source.table("02_scores", "agreement", source.reference)["n_units_of_two"].max()
    key = "cycle.order" if told else "cycle.in_order"
    sentence = source.text(key, told=source.texts.listed(told), beyond=beyond)
    text = Paragraph(sentence if several else f"{sentence} {source.text('cycle.items_only')}")
    read = source.table("03_cycle", "order", source.reference).loc["order", source.language]
    strength, two_level = (
        source.table("03_cycle", name, source.reference) for name in ("scalability", "two_level")
    )
    blocks = (
        Paragraph(str(read), "finding"),
        text,
        _order_table(source, known),
        Paragraph(cycle_sentences.scale(source, strength)),
        Paragraph(cycle_sentences.two_level(source, two_level)),
        _scalability_table(source, strength),
        _correlations(source),
    )
    return Section("order", source.text("titles.order"), blocks)


def _scalability_table(source: Source, table: pd.DataFrame) -> Table:
    """H of the scale, the phases and the pairs, raw and without style of answering."""
    corrected = source.table("03_cycle", "scalability_corrected", source.reference)
    tables = [table] if corrected.empty else [table, corrected]
    rows = []
    for phase, other in table.index:
        cells = [_part(source, phase, other)]
        for each in tables:
            row = each.loc[(phase, other)]
            cells += [source.number(row["H"], 2), source.interval(row["low"], row["high"], 2)]
        rows.append(tuple(cells))
    names = [("h", "interval"), ("h_corrected", "interval")][: len(tables)]
    heads = [source.text(f"heads.{head}") for head in ("part", *sum(names, ()))]
    notes = [] if corrected.empty else [source.text("notes.h_corrected")]
    n = source.n_units(table["n"])
    wave = source.wave_in_text(source.reference)
    return source.shown("scalability", heads, rows, n, notes, wave=wave)


def _part(source: Source, phase: str, other: str) -> str:
    if phase == ALL:
        return source.text("notes.all_phases")
    return (
        source.phases[phase] if other == ALL else f"{source.phases[phase]} → {source.phases[other]}"
    )


def _order_table(source: Source, violations: pd.DataFrame) -> Table:
    rows = []
    for (earlier, later), row in violations.iterrows():
        small = is_small_part(row["violations"], row["n"], source.smallest)
        rows.append(
            (
                f"{source.phases[earlier]} → {source.phases[later]}",
                source.points(row["difference"], 0),
                source.number(row["error"], 0),
                source.single(row["violations"]) if small else source.number(row["violations"]),
                source.part(row["violations"], row["n"]),
                source.percent(row["by_chance"], 1),
            )
        )
    heads = ("pair", "difference", "error", "violations", "share", "by_chance")
    columns = [source.text(f"heads.{head}") for head in heads]
    n = source.n_units(violations["n"])
    return source.shown("order", columns, rows, n, wave=source.wave_in_text(source.reference))


def _correlations(source: Source) -> Table:
    table = source.table("03_cycle", "correlations", source.reference)
    phases = list(source.phases)
    rows = [
        (
            source.phases[phase],
            *(source.number(table.loc[phase, other], 2) if i > j else "" for j, other in
              enumerate(phases[:-1])),
        )
        for i, phase in enumerate(phases)
        if i > 0
    ]  # fmt: skip
    heads = ["", *(source.phases[phase] for phase in phases[:-1])]
    curve = source.table("03_cycle", "curve", source.reference)
    return source.shown("correlations", heads, rows, source.n_units(curve["n"]))
