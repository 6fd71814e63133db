"""How surely units belong to their group, and what the groups go with."""

import pandas as pd

from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.report.model import Block, Section, Table
from cycle_analysis.report.source import Source


def certainty_section(source: Source) -> Section:
    """Tell how surely units are placed, by their number of respondents."""
    threshold = source.parameter("05_profiles", "clearly_placed", source.reference)
    members = source.table("05_profiles", "members", source.reference)
    doubtful = int(len(members) - members["clearly_placed"].sum())
    blocks: list[Block] = [
        source.say(
            "profiles.placed" if doubtful else "profiles.all_placed",
            threshold=source.percent(threshold),
            count=source.units(doubtful),
            share=source.part_in_words(doubtful, len(members)),
            n=source.number(len(members)),
        ),
        source.say("profiles.respondents"),
        _by_respondents(source, threshold),
    ]
    return Section("certainty", source.text("titles.certainty"), tuple(blocks))


def background_section(source: Source) -> Section | None:
    """Tell whether groups go with the background of units, when anything was related."""
    table = source.table("05_profiles", "background", source.reference)
    if table.empty:
        return None
    rows = [
        (
            source.texts.get(f"backgrounds.{name}", str(name)),
            str(row["measure"]),
            source.number(row["corrected"], 2),
            source.interval(row["low"], row["high"], 2),
            source.number(row["effect"], 2),
            source.number(row["p_holm"], 3),
        )
        for name, row in table.iterrows()
    ]
    names = ("variable", "measure", "effect", "interval", "uncorrected", "p_holm")
    heads = [source.text(f"heads.{name}") for name in names]
    shown = source.shown(
        "background", heads, rows, source.n_units(table["n_units"]), text_columns=(0, 1)
    )
    blocks = (source.say("profiles.background"), shown)
    return Section("background", source.text("titles.background"), blocks)


def _by_respondents(source: Source, threshold: float) -> Table:
    table = source.table("05_profiles", "by_respondents", source.reference)
    shown = suppress_counts(table["n_units"], source.smallest)
    rows = [
        (
            str(group).replace("-", "–"),
            source.count(shown[group]),
            *_certainties(source, row, pd.notna(shown[group])),
        )
        for group, row in table.iterrows()
    ]
    names = ("respondents", "n", "certainty", "certainty_given_error", "placed_given_error")
    heads = [source.text(f"heads.{name}") for name in names]
    notes = [source.text("notes.placed", threshold=source.percent(threshold))]
    n = source.text("n.units", n=source.number(table["n_units"].sum()))
    return source.shown("certainty", heads, rows, n, notes)


def _certainties(source: Source, row: pd.Series, told: bool) -> tuple[str, str, str]:
    if not told:
        return (source.count(float("nan")),) * 3
    return (
        source.number(row["certainty"], 2),
        source.number(row["certainty_given_error"], 2),
        source.part(row["n_placed_given_error"], row["n_units"]),
    )
