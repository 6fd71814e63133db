"""What was done, and who answered."""

import datetime

import pandas as pd

from cycle_analysis.disclosure import Suppressed, suppress_table
from cycle_analysis.figures.response import plot_response
from cycle_analysis.report.model import Block, Section, Table
from cycle_analysis.report.source import Source
from cycle_analysis.study_answers import BUNDLED


def response_section(source: Source) -> Section:
    """Tell what was asked of whom, and who answered in each wave."""
    intro: list[Block] = [_what_was_done(source), waves_table(source)]
    intro += [source.say("response.respondents"), _single(source)]
    parts = tuple(_by_background(source, wave) for wave in source.study.waves)
    return Section("response", source.text("titles.response"), tuple(intro), parts)


def waves_table(source: Source) -> Table:
    """Set fieldwork, population and response of each wave."""
    rows = []
    for wave in source.study.waves:
        account = source.table("01_responses", "response", wave)
        respondents = source.table("01_responses", "respondents", wave)
        fieldwork = source.study.wave(wave).fieldwork
        n, population = account["responded"].sum(), account["population"].sum()
        rows.append(
            (
                source.wave(wave),
                f"{day(source, fieldwork.start)} – {day(source, fieldwork.end)}",
                source.number(population),
                source.number(n),
                source.percent(n / max(population, 1)),
                source.number(len(respondents)),
                source.number(len(respondents) / max(n, 1), 1),
            )
        )
    heads = ("wave", "fieldwork", "population", "responded", "rate", "respondents", "mean")
    return source.shown(
        "waves",
        [source.text(f"heads.{head}") for head in heads],
        rows,
        n=source.text("n.population", population=source.study.population[source.language]),
        text_columns=(0, 1),
    )


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


def _by_background(source: Source, wave: str) -> Section:
    account = source.table("01_responses", "response", wave)
    title = source.text("titles.response_wave", wave=source.wave(wave))
    if len(account) < 2:
        return Section(f"response-{wave}", title, (source.say("response.one_group"),))
    account = _gathered(source, account).rename(
        index=lambda name: source.texts.get(f"background.{name}", str(name))
    )
    shown = _protected(source, account)
    n_units, n_population = answered(source, wave)
    n = source.text("n.response", n=source.number(n_units), population=source.number(n_population))
    table = _background_table(source, wave, account, shown, n)
    if _drawable(account, shown).empty:
        return Section(f"response-{wave}", title, (_test(source, wave), table))
    figure = source.figure(
        f"response:{wave}",
        lambda: plot_response(
            _drawable(account, shown),
            source.language,
            many=source.study.units.many[source.language],
        ),
        n,
        table,
        {"wave": source.wave_in_text(wave), "by": _by(source)},
        groups=_rates(source, account, shown),
    )
    return Section(f"response-{wave}", title, (_test(source, wave), figure))


def _gathered(source: Source, account: pd.DataFrame) -> pd.DataFrame:
    """Take groups of few units together, from the smallest on, so that fewer cells are withheld."""
    ordered = account["population"].sort_values(kind="stable")
    small = ordered.index[ordered.cumsum().shift(fill_value=0) < source.smallest]
    if ordered.min() >= source.smallest or len(small) < 2:
        return account
    counts = ["population", "invited", "responded"]
    rest = account.loc[small, counts].sum().rename(source.text("words.other"))
    table = pd.concat([account.drop(index=small)[counts], rest.to_frame().T])
    return table.assign(rate=table["responded"] / table["invited"])


def _by(source: Source) -> str:
    bundled = source.study.units.register_file == BUNDLED
    return source.text("words.by_size" if bundled else "words.by_background")


def _protected(source: Source, account: pd.DataFrame) -> Suppressed:
    """Withhold small numbers of units that did, or did not, respond; the population is public."""
    answered = account["responded"].to_frame("responded")
    silent = answered.assign(silent=account["invited"] - account["responded"])
    return suppress_table(silent, source.smallest, public_rows=True)


def _drawable(account: pd.DataFrame, shown: Suppressed) -> pd.DataFrame:
    """Leave out of the figure the groups that are withheld."""
    return account[shown.counts["responded"].notna()]


def _background_table(
    source: Source, wave: str, account: pd.DataFrame, shown: Suppressed, n: str
) -> Table:
    rows = []
    for name, row in account.iterrows():
        responded = shown.counts.loc[name, "responded"]
        rows.append(
            (
                str(name),
                source.number(row["invited"]),
                source.count(responded),
                source.percent(row["rate"]) if pd.notna(responded) else source.count(responded),
            )
        )
    heads = ("background", "invited", "responded", "rate")
    columns = [source.text(f"heads.{head}") for head in heads]
    return source.shown(
        f"response:{wave}", columns, rows, n, wave=source.wave_in_text(wave), by=_by(source)
    )


def _test(source: Source, wave: str) -> Block:
    test = source.table("01_responses", "nonresponse", wave).iloc[0]
    if "p" not in test or pd.isna(test["p"]):
        return source.say("response.untested")
    depends = "response.depends" if test["p"] < 0.05 else "response.independent"
    return source.say(
        depends,
        by=_by(source),
        df=source.number(test["df"]),
        chi_square=source.number(test["chi_square"], 1),
        p=source.p(test["p"]),
        v=source.number(test["cramers_v"], 2),
    )


def _rates(source: Source, account: pd.DataFrame, shown: Suppressed) -> str:
    parts = [
        f"{name} {source.percent(account.loc[name, 'rate'])}"
        for name in _drawable(account, shown).index
    ]
    return "; ".join(parts)
