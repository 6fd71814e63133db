"""The cycle: how far the phases are, what runs together, what order there is."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import is_small, is_small_part, suppress_counts
from cycle_analysis.figures.cycle import plot_coactivity, plot_phase_curve
from cycle_analysis.report.model import Paragraph, Section, Table
from cycle_analysis.report.parameters import parameter
from cycle_analysis.report.source import NOTHING, Source

SHOWN_THRESHOLDS = (40.0, 50.0, 60.0)
"""Scores from which a phase may count as active, told beside the default."""


def cycle_section(source: Source) -> Section:
    """Tell the phase curve, the leading phase, simultaneity and order."""
    parts = (_curve(source), _leading(source), _together(source), _order(source))
    intro = source.say("cycle.intro", wave=source.wave_in_text(source.reference))
    return Section("cycle", source.text("titles.cycle"), (intro,), parts)


def range_of_phases(source: Source, wave: str, key: str) -> str:
    """Name the phases with the highest and the lowest mean, unless their intervals meet."""
    curve = source.table("03_cycle", "curve", wave).dropna(subset=["mean"])
    means = curve["mean"]
    high, low = means.idxmax(), means.idxmin()
    apart = curve.loc[high, "low"] > curve.loc[low, "high"]
    values = {
        "highest": source.phase_title(high),
        "high": source.number(means[high]),
        "lowest": source.phase_title(low),
        "low": source.number(means[low]),
    }
    return source.text(key if apart else f"{key}_close", **values)


def simultaneity(source: Source, wave: str) -> dict[str, str]:
    """Give the share of units with two or more active phases, observed and expected."""
    counts = source.table("03_cycle", "active_counts", wave)
    n, several = counts["n"].sum(), counts.index.astype(int) >= 2
    return {
        "share": _together_part(source, counts["n"], several),
        "expected": source.percent(counts.loc[several, "expected"].sum()),
        "from_score": source.number(active_from(source, wave)),
        "n": source.number(n),
    }


def active_from(source: Source, wave: str) -> float:
    """Give the score from which a phase counts as active."""
    return parameter(source.study, "03_cycle", "active_from", wave)


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
    figure = source.figure(
        "curve",
        partial(plot_phase_curve, curve, source.language, labels=source.phases),
        n_units(source, curve["n"]),
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
    n = [f"{wave}: {n_units(source, curve['n'])}" for wave, curve in curves.items()]
    notes = [source.text("notes.waves_apart")] if len(curves) > 1 else []
    return source.shown("curve", heads, rows, "; ".join(n), notes)


def n_units(source: Source, n: pd.Series) -> str:
    """Write on how many units something rests, as a range when it differs."""
    low, high = source.number(n.min()), source.number(n.max())
    return source.text("n.units", n=low if low == high else f"{low}–{high}")


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
    first = counts[source.reference]
    text = source.say(
        "cycle.leading",
        phase=source.phase_title(first.idxmax()),
        share=source.part_in_words(first.max(), first.sum()),
        wave=source.wave_in_text(source.reference),
    )
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


def _together(source: Source) -> Section:
    wave = source.reference
    pairs = _safe_pairs(source, wave)
    figure = source.figure(
        "together",
        partial(plot_coactivity, pairs, source.language, labels=source.phases),
        n_units(source, pairs["n"]),
        _active_table(source, wave),
        {
            "from_score": source.number(active_from(source, wave)),
            "withheld": _withheld(source, pairs),
        },
        pairs=_pairs_in_words(source, pairs),
    )
    texts = [source.say("cycle.together", **simultaneity(source, wave))]
    texts += _extremes(source, wave)
    if told := _thresholds(source, wave):
        texts.append(source.say("cycle.thresholds", told=told))
    texts.append(source.say("cycle.style"))
    return Section("together", source.text("titles.together"), (*texts, figure))


def _safe_pairs(source: Source, wave: str) -> pd.DataFrame:
    """Withhold pairs of phases of which both, one, or neither is active in a few units only."""
    pairs = source.table("03_cycle", "coactivity", wave)
    active = source.table("03_cycle", "active", wave)
    for pair in pairs.index:
        known = active[list(pair)].dropna()
        cells = known.value_counts().tolist()
        if len(known) < source.smallest or any(is_small(n, source.smallest) for n in cells):
            pairs.loc[pair, ["observed", "expected", "ratio"]] = np.nan
    return pairs


def _withheld(source: Source, pairs: pd.DataFrame) -> str:
    """Explain the dash of a pair that is not shown."""
    if pairs["observed"].notna().all():
        return ""
    return source.text("cycle.pair_withheld", mark=NOTHING, smallest=source.smallest)


def _pairs_in_words(source: Source, pairs: pd.DataFrame) -> str:
    ranked = pairs.dropna(subset=["ratio"]).sort_values("ratio", ascending=False, kind="stable")
    told = [
        source.text(
            "cycle.pair",
            first=source.phase_title(pair[0]),
            second=source.phase_title(pair[1]),
            observed=source.percent(row["observed"]),
            expected=source.percent(row["expected"]),
        )
        for pair, row in ranked.head(3).iterrows()
    ]
    return "; ".join(told)


def _together_part(source: Source, counts: pd.Series, chosen: np.ndarray) -> str:
    """Write the share of some cells of a table taken together.

    Where the table withholds cells on both sides their sum would tell more than the table does.
    """
    hidden = suppress_counts(counts, source.smallest).isna().to_numpy()
    if hidden[chosen].any() and hidden[~chosen].any():
        return source.text("words.not_shown")
    return source.part_in_words(counts[chosen].sum(), counts.sum())


def _extremes(source: Source, wave: str) -> list[Paragraph]:
    """Give the shares with no active phase and with all but one or all, observed and expected."""
    counts = source.table("03_cycle", "active_counts", wave)
    number = counts.index.astype(int)
    many = len(source.phases) - 1
    ends = [counts[ends].sum() for ends in (number == 0, number >= many)]
    total = max(counts["n"].sum(), 1)
    both = all(end["n"] / total > end["expected"] for end in ends)
    values = {
        "none": _together_part(source, counts["n"], number == 0),
        "none_expected": source.percent(counts.loc[number == 0, "expected"].sum()),
        "most": source.number(many),
        "nearly_all": _together_part(source, counts["n"], number >= many),
        "nearly_all_expected": source.percent(counts.loc[number >= many, "expected"].sum()),
    }
    if source.text("words.not_shown") in values.values():
        return []
    text = source.text("cycle.extremes", **values)
    return [Paragraph(f"{text} {source.text('cycle.overall')}" if both else text)]


def _active_table(source: Source, wave: str) -> Table:
    counts = source.table("03_cycle", "active_counts", wave)
    shown = suppress_counts(counts["n"], source.smallest)
    rows = []
    for number, n in shown.items():
        share = source.percent(counts.loc[number, "share"]) if pd.notna(n) else source.count(n)
        expected = source.percent(counts.loc[number, "expected"])
        rows.append((str(number), source.count(n), share, expected))
    heads = [source.text(f"heads.{name}") for name in ("n_active", "n", "share", "expected")]
    n = source.text("n.units", n=source.number(counts["n"].sum()))
    return source.shown("active", heads, rows, n, wave=source.wave_in_text(wave))


def _thresholds(source: Source, wave: str) -> str:
    table = source.table("03_cycle", "sensitivity", wave)
    n = source.table("03_cycle", "active_counts", wave)["n"].sum()
    told = []
    for threshold in SHOWN_THRESHOLDS:
        if threshold in table.index:
            share = source.part(table.loc[threshold, "two_or_more"] * n, n)
            told.append(
                source.text("cycle.threshold", share=share, from_score=source.number(threshold))
            )
    return source.texts.listed(told)


def _order(source: Source) -> Section:
    violations = source.table("03_cycle", "violations", source.reference)
    known = violations.dropna(subset=["share"])
    if known.empty:
        return Section("order", source.text("titles.order"), (source.say("cycle.no_order"),))
    beyond = source.number(parameter(source.study, "03_cycle", "beyond", source.reference), 2)
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
    key = "cycle.order" if told else "cycle.in_order"
    text = source.say(key, "", told=source.texts.listed(told), beyond=beyond)
    blocks = (text, _order_table(source, known), _correlations(source))
    return Section("order", source.text("titles.order"), blocks)


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
    n = n_units(source, violations["n"])
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
    return source.shown("correlations", heads, rows, n_units(source, curve["n"]))
