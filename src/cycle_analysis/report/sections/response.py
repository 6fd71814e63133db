"""What was done, and who answered."""

import datetime

import pandas as pd

from cycle_analysis.disclosure import suppress_table
from cycle_analysis.report.model import Block, Section, Table
from cycle_analysis.report.sections.response_groups import response_of_wave
from cycle_analysis.report.source import NOTHING, Source

MOVES = ("again", "joined", "left")
"""What a unit can have done since the wave before, if it answered in one of the two."""


def response_section(source: Source) -> Section:
    """Tell what was asked of whom, and who answered in each wave."""
    intro: list[Block] = [_what_was_done(source), waves_table(source), _precision(source)]
    intro += [source.say("response.respondents"), _single(source)]
    if len(source.study.waves) > 1:
        intro += [source.say("response.over_waves"), _over_waves(source)]
    parts = tuple(response_of_wave(source, wave) for wave in source.study.waves)
    return Section("response", source.text("titles.response"), tuple(intro), parts)


def waves_table(source: Source) -> Table:
    """Set fieldwork, population and response of each wave; who was invited if not all were."""
    rows = [_wave_cells(source, wave) for wave in source.study.waves]
    heads = list(rows[0])
    if all(row["invited"] == row["population"] for row in rows):
        heads.remove("invited")
    return source.shown(
        "waves",
        [source.text(f"heads.{head}") for head in heads],
        [tuple(row[head] for head in heads) for row in rows],
        n=source.text("n.population", population=source.study.population[source.language]),
        text_columns=(0, 1),
    )


def _wave_cells(source: Source, wave: str) -> dict[str, str]:
    """Write what is told of a wave, by the name of the column."""
    account = source.table("01_responses", "response", wave)
    n_respondents = len(source.table("01_responses", "respondents", wave))
    fieldwork = source.study.wave(wave).fieldwork
    n, invited = account["responded"].sum(), account["invited"].sum()
    return {
        "wave": source.wave(wave),
        "fieldwork": f"{day(source, fieldwork.start)} – {day(source, fieldwork.end)}",
        "population": source.number(account["population"].sum()),
        "invited": source.number(invited),
        "responded": source.number(n),
        "rate": source.percent(n / max(invited, 1)),
        "respondents": source.number(n_respondents),
        "mean": source.number(n_respondents / max(n, 1), 1),
    }


def day(source: Source, date: datetime.date) -> str:
    """Write a date in the language: 12 maart 2018."""
    month = source.texts("words.months").split()[date.month - 1]
    return f"{date.day} {month} {date.year}"


def answered(source: Source, wave: str) -> tuple[int, int]:
    """Count the units that answered, and those of the population."""
    account = source.table("01_responses", "response", wave)
    return int(account["responded"].sum()), int(account["population"].sum())


def _what_was_done(source: Source) -> Block:
    study = source.study
    items = study.codebook.items
    return source.say(
        "response.what",
        population=study.population[source.language],
        n_phases=source.number(len(study.phases)),
        phases=source.texts.listed([source.phase_title(code) for code in source.phases]),
        n_items=source.number((items["phase"] != "").sum()),
    )


def _precision(source: Source) -> Block:
    """Say for each wave how near its shares would be to those of all units."""
    parts = []
    for wave in source.study.waves:
        margin = source.table("01_responses", "precision", wave)["margin"].iloc[0]
        words = {"margin": source.number(100 * margin, 1), "wave": source.wave_in_text(wave)}
        parts.append(source.text("response.precision_part", **words))
    return source.say("response.precision", parts=source.texts.listed(parts))


def _single(source: Source) -> Block:
    """Say for each wave how many units have one respondent."""
    parts, some = [], False
    for wave in source.study.waves:
        sizes = source.table("01_responses", "respondents", wave).groupby("unit").size()
        one, n = int((sizes == 1).sum()), len(sizes)
        some = some or one > 0
        part = source.text(
            "response.single_part",
            count=source.units(one),
            n=source.number(n),
            share=source.part_in_words(one, n),
            wave=source.wave_in_text(wave),
        )
        parts.append(part)
    if not some:
        return source.say("response.no_single")
    return source.say("response.single", parts=source.texts.listed(parts))


def _over_waves(source: Source) -> Table:
    """Count who answered again, anew and no longer, on the units of the last wave."""
    table = source.table("07_waves", "response_by_wave")
    population = int(table["population"].iloc[0])
    rows = []
    for place, wave in enumerate(source.study.waves):
        row = table.loc[wave]
        moved = [NOTHING] * 3
        if place:
            shown = protected_moves(row, source.smallest)
            moved = [source.count(shown.loc[cell]) for cell in MOVES]
        n, share = source.number(row["responded"]), source.percent(row["rate"])
        rows.append((source.wave(wave), n, share, *moved))
    heads = ("wave", "responded", "rate", "again", "joined", "left")
    columns = [source.text(f"heads.{head}") for head in heads]
    n = source.text("n.last_day", population=source.number(population))
    return source.shown("response_waves", columns, rows, n)


def protected_moves(row: pd.Series, smallest: int) -> pd.Series:
    """Protect who answered in both, in one, and in none of two successive waves."""
    silent = row["population"] - row["again"] - row["joined"] - row["left"]
    cells = pd.DataFrame({"now": [row["again"], row["joined"]], "not": [row["left"], silent]})
    shown = suppress_table(cells, smallest).counts
    values = [shown.loc[0, "now"], shown.loc[1, "now"], shown.loc[0, "not"]]
    return pd.Series(values, index=list(MOVES))
