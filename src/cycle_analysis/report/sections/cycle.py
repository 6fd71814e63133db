"""The cycle: how far the phases are, what runs together, what order there is."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.figures.cycle import plot_phase_curve
from cycle_analysis.report import cycle_sentences, headlines
from cycle_analysis.report.model import Paragraph, Section, Table
from cycle_analysis.report.sections.answers import answers_section
from cycle_analysis.report.sections.conditions import conditions_section
from cycle_analysis.report.sections.order import order_section
from cycle_analysis.report.sections.placements import placements_section
from cycle_analysis.report.sections.simultaneity import active_from, together_section
from cycle_analysis.report.sections.spread import spread_section
from cycle_analysis.report.source import Source


def cycle_section(source: Source) -> Section:
    """Tell the phase curve, the leading phase, simultaneity and order."""
    parts = (
        _curve(source),
        answers_section(source),
        _leading(source),
        spread_section(source),
        together_section(source),
        order_section(source),
        placements_section(source),
        conditions_section(source),
    )
    intro = source.say("cycle.intro", wave=source.wave_in_text(source.reference))
    return Section("cycle", source.text("titles.cycle"), (intro,), parts)


def range_of_phases(source: Source, wave: str, key: str) -> str:
    """Name the phases with the highest and the lowest mean, unless their intervals meet."""
    return cycle_sentences.curve(source, source.table("03_cycle", "curve", wave), key)


def _curve(source: Source) -> Section:
    wave = source.reference
    curve = source.table("03_cycle", "curve", wave)
    # A mean of few units tells their scores.
    curve[["mean", "low", "high"]] = curve[["mean", "low", "high"]].where(
        curve["n"] >= source.smallest
    )
    told = [
        f"{source.phases[phase]} {source.number(row['mean'])}" for phase, row in curve.iterrows()
    ]
    title = headlines.curve(source, curve)
    figure = source.figure(
        "curve",
        partial(plot_phase_curve, curve, source.language, labels=source.phases, title=title),
        source.n_units(curve["n"]),
        _curve_table(source),
        {"wave": source.wave_in_text(wave)},
        means="; ".join(told),
    )
    text = Paragraph(range_of_phases(source, wave, "cycle.curve"))
    return Section("curve", source.text("titles.curve"), (text, figure))


def _curve_table(source: Source) -> Table:
    curves = {wave: source.table("03_cycle", "curve", wave) for wave in source.study.waves}
    rows = []
    for phase, title in source.phase_titles.items():
        cells = [title]
        for curve in curves.values():
            row = curve.loc[phase]
            shown = row["n"] >= source.smallest
            mean = source.number(row["mean"] if shown else np.nan)
            cells += [mean, source.interval(row["low"], row["high"]) if shown else "–"]
        rows.append(tuple(cells))
    heads = [source.text("heads.phase")]
    for wave in curves:
        heads += [wave, source.text("heads.interval")]
    n = [f"{wave}: {source.n_units(curve['n'])}" for wave, curve in curves.items()]
    notes = [source.text("notes.waves_apart")] if len(curves) > 1 else []
    return source.shown("curve", heads, rows, "; ".join(n), notes)


def _leading(source: Source) -> Section:
    waves = source.study.waves
    counts = {
        w: source.table("03_cycle", "leading_counts", w)["n_units"].reindex(
            list(source.phases), fill_value=0
        )
        for w in waves
    }
    rows = _count_rows(source, counts, source.phase_titles)
    table = _counts_table(source, "leading", source.text("heads.phase"), counts, rows)
    text = Paragraph(cycle_sentences.leading(source, counts[source.reference], source.reference))
    return Section("leading", source.text("titles.leading"), (text, table, _positions(source)))


def _positions(source: Source) -> Table:
    labels = {d.code: f"{d.code} {d.label[source.language]}" for d in source.study.developments}
    labels["none"] = source.text("cycle.no_development")
    counts = {
        w: source.table("03_cycle", "position_counts", w)["n_units"].reindex(
            list(labels), fill_value=0
        )
        for w in source.study.waves
    }
    rows = _count_rows(source, counts, labels)
    threshold = source.number(active_from(source, source.reference))
    notes = [source.text("notes.position", from_score=threshold)]
    return _counts_table(source, "position", source.text("heads.development"), counts, rows, notes)


def _count_rows(
    source: Source, counts: dict[str, pd.Series], labels: dict[str, str]
) -> list[tuple[str, ...]]:
    """Set counts and shares, a pair of columns per wave, small ones withheld."""
    shown = {w: suppress_counts(column, source.smallest) for w, column in counts.items()}
    rows = []
    for code, label in labels.items():
        cells = [label]
        for w, column in shown.items():
            share = column[code] / max(counts[w].sum(), 1)
            cells += [
                source.count(column[code]),
                source.percent(share) if pd.notna(share) else source.count(np.nan),
            ]
        rows.append(tuple(cells))
    return rows


def _counts_table(
    source: Source,
    key: str,
    head: str,
    counts: dict[str, pd.Series],
    rows: list[tuple[str, ...]],
    notes: list[str] | None = None,
) -> Table:
    heads = [head]
    for wave in counts:
        heads += [source.text("heads.n_wave", wave=wave), source.text("heads.share")]
    totals = [
        f"{wave}: {source.text('n.units', n=source.number(column.sum()))}"
        for wave, column in counts.items()
    ]
    return source.shown(key, heads, rows, "; ".join(totals), notes)
