"""The measurement in the annex: reliability, items, agreement, aggregation."""

from functools import partial

import pandas as pd

from cycle_analysis.figures.responses import plot_reliability
from cycle_analysis.report import headlines, score_sentences
from cycle_analysis.report.model import Block, Figure, Paragraph, Section, Table
from cycle_analysis.report.source import Source


def reliability_section(source: Source) -> Section:
    """Set alpha, omega and the statistics of the items, with the warnings they give."""
    wave = source.reference
    reliability, items, models, warnings = (
        source.table("02_scores", name, wave)
        for name in ("reliability", "items", "factor_models", "warnings")
    )
    blocks: list[Block] = [
        source.say("annex.reliability"),
        Paragraph(score_sentences.reliability(source, reliability)),
        _reliability_figure(source, reliability),
        *(_alpha_table(source, other) for other in source.study.waves if other != wave),
        Paragraph(score_sentences.factors(source, models)),
        Paragraph(score_sentences.items(source, items)),
        _item_table(source),
        *_warnings(source, warnings),
    ]
    return Section("reliability", source.text("titles.reliability"), tuple(blocks))


def _reliability_figure(source: Source, table: pd.DataFrame) -> Figure:
    told = [
        f"{source.phases[str(phase)]} {source.number(row['alpha'], 2)}"
        for phase, row in table.iterrows()
    ]
    return source.figure(
        "reliability",
        partial(
            plot_reliability,
            table,
            source.language,
            labels=source.phases,
            title=headlines.reliability(source, table),
        ),
        source.text("n.respondents", n=source.number(table["n_respondents"].max())),
        _alpha_table(source, source.reference),
        {"wave": source.wave_in_text(source.reference)},
        told="; ".join(told),
    )


def _warnings(source: Source, table: pd.DataFrame) -> list[Block]:
    """Set the warnings with their consequence; those of a whole phase name the phase."""
    if table.empty:
        return [source.say("measured.no_warnings")]
    rows = [
        (row["item"] or source.phases[row["phase"]], source.text(f"warnings.{row['warning']}"))
        for _, row in table.iterrows()
    ]
    heads = [source.text("heads.item"), source.text("heads.warning")]
    asked = len(source.table("01_responses", "respondents", source.reference))
    n = source.text("n.respondents", n=source.number(asked))
    wave = source.wave_in_text(source.reference)
    shown = source.shown("warnings", heads, rows, n, text_columns=(0, 1), wave=wave)
    return [source.say("measured.warnings"), shown]


def _alpha_table(source: Source, wave: str) -> Table:
    table = source.table("02_scores", "reliability", wave)
    rows = [
        (
            title,
            source.number(table.loc[phase, "n_items"]),
            source.number(table.loc[phase, "n_respondents"]),
            source.number(table.loc[phase, "alpha"], 2),
            source.interval(table.loc[phase, "alpha_low"], table.loc[phase, "alpha_high"], 2),
            source.number(table.loc[phase, "omega"], 2),
            source.number(table.loc[phase, "ordinal_alpha"], 2),
        )
        for phase, title in source.phase_titles.items()
        if phase in table.index
    ]
    heads = ("phase", "items", "respondents", "alpha", "interval", "omega", "ordinal_alpha")
    n = source.text("n.respondents", n=source.number(table["n_respondents"].max()))
    return source.shown(
        f"reliability:{wave}", [source.text(f"heads.{h}") for h in heads], rows, n,
        [source.text("notes.ordinal_alpha")], wave=source.wave_in_text(wave),
    )  # fmt: skip


def _item_table(source: Source) -> Table:
    table = source.table("02_scores", "items", source.reference)
    asked = len(source.table("01_responses", "respondents", source.reference))
    rows = [
        (
            str(item),
            source.number(row["n"]),
            source.part(round(row["missing"] * asked), asked),
            source.part(round(row["dont_know"] * asked), asked),
            source.number(row["mean"]),
            source.part(round(row["floor"] * row["n"]), row["n"]),
            source.part(round(row["ceiling"] * row["n"]), row["n"]),
            source.number(row["item_rest"], 2),
        )
        for item, row in table.iterrows()
    ]
    names = (
        "item",
        "answers",
        "missing",
        "dont_know",
        "mean_score",
        "floor",
        "ceiling",
        "item_rest",
    )
    heads = [source.text(f"heads.{name}") for name in names]
    n = source.text("n.respondents", n=source.number(asked))
    return source.shown("items", heads, rows, n, wave=source.wave_in_text(source.reference))


def agreement_section(source: Source) -> Section:
    """Set the agreement of respondents, and what the rule of aggregation changes."""
    found, benchmark, rules, errors = (
        source.table("02_scores", name, source.reference)
        for name in ("agreement", "random_groups", "aggregations", "standard_errors")
    )
    blocks: list[Block] = [
        source.say("annex.agreement"),
        Paragraph(score_sentences.agreement(source, found, benchmark)),
        Paragraph(score_sentences.errors(source, errors)),
        Paragraph(score_sentences.aggregation(source, rules)),
        _aggregations_table(source, rules),
    ]
    for wave in source.study.waves:
        table = source.table("02_scores", "agreement", wave)
        rows = [
            (
                title,
                source.number(table.loc[phase, "n_units_of_two"]),
                source.number(table.loc[phase, "rwg_median"], 2),
                _part_of_units(source, table.loc[phase]),
                source.number(table.loc[phase, "icc1"], 2),
                source.number(table.loc[phase, "icc2"], 2),
            )
            for phase, title in source.phase_titles.items()
            if phase in table.index
        ]
        heads = ("phase", "units_of_two", "rwg", "rwg_over_70", "icc1", "icc2")
        n = source.text("n.units", n=source.number(table["n_units"].max()))
        blocks.append(
            source.shown(
                f"agreement:{wave}", [source.text(f"heads.{h}") for h in heads], rows, n,
                wave=source.wave_in_text(wave),
            )
        )  # fmt: skip
    return Section("agreement", source.text("titles.agreement"), tuple(blocks))


def _aggregations_table(source: Source, table: pd.DataFrame) -> Table:
    rows = []
    for rule, part in table.groupby(level="rule", sort=False):
        moved = source.part(round(part["moved"].mean() * part["n"].max()), part["n"].max())
        rows.append(
            (
                source.texts.get(f"annex.rules.{rule}", str(rule)),
                source.points(part["shift"].mean()),
                source.number(part["difference"].mean(), 1),
                source.number(part["rank_correlation"].mean(), 2),
                moved,
            )
        )
    heads = ("rule", "shift", "difference", "rank_correlation", "moved_tenth")
    return source.shown(
        "aggregations", [source.text(f"heads.{head}") for head in heads], rows,
        source.n_units(table["n"]), wave=source.wave_in_text(source.reference),
    )  # fmt: skip


def _part_of_units(source: Source, row: pd.Series) -> str:
    n = row["n_units_of_two"]
    count = row["rwg_over_70"] * n
    return source.part(count if pd.isna(count) else round(count), n)
