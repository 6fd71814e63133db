"""Response by background: of two backgrounds their combinations, of one its groups."""

from typing import Any

import pandas as pd

from cycle_analysis.disclosure import suppress_table
from cycle_analysis.figures.responses import plot_response, plot_response_cells
from cycle_analysis.report.model import Block, Figure, Paragraph, Section, Table
from cycle_analysis.report.source import WITHHELD, Source
from cycle_analysis.representation.account import cross_groups
from cycle_analysis.responses.study_answers import has_municipalities

ROUGH = 5
"""Smallest expected number under which the p-value of a chi-square test is rough."""


def response_of_wave(source: Source, wave: str) -> Section:
    """Tell which groups answered more and which less in a wave."""
    account = source.table("01_responses", "response", wave)
    key = f"response-{wave}"
    title = source.text("titles.response_wave", wave=source.wave(wave))
    if len(account) < 2:
        return Section(key, title, (source.say("response.one_group"),))
    named = account.rename(index=lambda name: source.texts.get(f"background.{name}", str(name)))
    shown = _by_two(source, wave, named) if account.index.nlevels > 1 else None
    return Section(key, title, (_tests(source, wave), shown or _by_one(source, wave, named)))


def _by(source: Source, backgrounds: list[str]) -> str:
    """Name the backgrounds; a column of the study's own register by its own name."""
    return source.texts.listed([source.texts.get(f"backgrounds.{b}", b) for b in backgrounds])


def _tests(source: Source, wave: str) -> Block:
    """Say for each background whether response depends on it, and what follows."""
    tests = source.table("01_responses", "nonresponse", wave)
    known = tests[tests["reason"] == ""]
    if known.empty:
        return source.say("response.untested")
    depends = known["p"] < 0.05
    told = []
    for background, test in known.iterrows():
        numbers = source.text(
            "response.rough" if test["smallest_expected"] < ROUGH else "response.test",
            df=source.number(test["df"]),
            chi_square=source.number(test["chi_square"], 1),
            p=source.p(test["p"]),
            v=source.number(test["cramers_v"], 2),
        )
        key = "response.depends" if depends[background] else "response.independent"
        told.append(source.text(key, by=_by(source, [str(background)]), test=numbers))
    told.append(source.text("response.so_weighted" if depends.any() else "response.no_proof"))
    return Paragraph(" ".join(told))


def _n(source: Source, account: pd.DataFrame) -> str:
    """Write how many of the invited units responded."""
    n, invited = account["responded"].sum(), account["invited"].sum()
    return source.text("n.response", n=source.number(n), population=source.number(invited))


def _by_two(source: Source, wave: str, account: pd.DataFrame) -> Figure:
    """Show the combinations of two backgrounds with the totals of both."""
    invited, responded = (cross_groups(account[column]) for column in ("invited", "responded"))
    everyone = source.text("words.all")
    safe = suppress_table(responded, source.smallest, invited)
    shown = _framed(safe.counts, safe.rows, safe.columns, safe.total, everyone)
    asked = _framed(invited, invited.sum(axis=1), invited.sum(), invited.to_numpy().sum(), everyone)
    n, by = _n(source, account), _by(source, list(account.index.names))
    words: dict[str, Any] = {"wave": source.wave_in_text(wave), "by": by}
    some = (shown.isna() & (asked > 0)).to_numpy().any()
    withheld = source.text("figures.withheld", mark=WITHHELD) if some else ""
    return source.figure(
        f"response_cells:{wave}",
        lambda: plot_response_cells(shown, asked, source.language),
        n,
        _crossed_table(source, wave, shown, asked, n, by),
        words | {"withheld": withheld},
        groups="; ".join(
            f"{name} {_rate(source, shown.loc[name, everyone], asked.loc[name, everyone])}"
            for name in shown.index
        ),
    )


def _framed(
    cells: pd.DataFrame, rows: pd.Series, columns: pd.Series, total: float, everyone: str
) -> pd.DataFrame:
    """Set the totals beside and under the cells."""
    wide = cells.assign(**{everyone: rows})
    wide.loc[everyone] = [*columns, total]
    return wide


def _crossed_table(
    source: Source, wave: str, shown: pd.DataFrame, asked: pd.DataFrame, n: str, by: str
) -> Table:
    rows = [
        (
            str(name),
            *(_rate(source, shown.loc[name, c], asked.loc[name, c], count=True) for c in shown),
        )
        for name in shown.index
    ]
    notes = [source.text("notes.cells")]
    if (shown.isna() & (asked > 0)).to_numpy().any():
        notes.append(source.text("notes.rest", smallest=source.smallest))
    if has_municipalities(source.study):
        notes.append(source.text("notes.regions"))
    heads = [source.text("heads.background"), *map(str, shown.columns)]
    words: dict[str, Any] = {"wave": source.wave_in_text(wave), "by": by}
    return source.shown(f"response:{wave}", heads, rows, n, notes, **words)


def _rate(source: Source, responded: float, invited: float, *, count: bool = False) -> str:
    """Write the response of a group; a mark where it is withheld."""
    if not invited or pd.isna(responded):
        return source.count(responded) if invited else source.percent(float("nan"))
    share = source.percent(responded / invited)
    return f"{share} ({source.number(responded)}/{source.number(invited)})" if count else share


def _by_one(source: Source, wave: str, account: pd.DataFrame) -> Figure | Table:
    """Show the groups of one background."""
    by = _by(source, list(account.index.names))
    account = _gathered(source, account)
    shown = suppress_table(account[["responded"]], source.smallest, account[["invited"]])
    responded = shown.counts["responded"]
    n = _n(source, account)
    words: dict[str, Any] = {"wave": source.wave_in_text(wave), "by": by}
    rows = [
        (
            str(name),
            source.number(account.loc[name, "invited"]),
            source.count(count),
            _rate(source, count, account.loc[name, "invited"]),
        )
        for name, count in responded.items()
    ]
    heads = ("background", "invited", "responded", "rate")
    columns = [source.text(f"heads.{head}") for head in heads]
    rest = [source.text("notes.rest", smallest=source.smallest)] if responded.hasnans else []
    table = source.shown(f"response:{wave}", columns, rows, n, rest, **words)
    known = account[responded.notna()]
    if known.empty:
        return table
    many = source.study.units.many[source.language]
    return source.figure(
        f"response:{wave}",
        lambda: plot_response(known, source.language, many=many),
        n,
        table,
        words,
        groups="; ".join(f"{name} {source.percent(rate)}" for name, rate in known["rate"].items()),
    )


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
