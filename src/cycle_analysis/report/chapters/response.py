"""What was asked of whom, who answered, and who is in which group: by the background of units.

Facts of notebook 01 are a chapter; those of 05 stand in the chapter on profiles, and rest on the
same numbers of units.
"""

import math
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.cycle import plot_composition
from cycle_analysis.figures.responses import plot_response, plot_response_cells
from cycle_analysis.report import chapter as steps
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import Chapter, facts_from, saved
from cycle_analysis.report.door import Units, units_of, wave_total
from cycle_analysis.report.language import Rows, number
from cycle_analysis.report.sources import as_whole, made
from cycle_analysis.report.sums import Sum
from cycle_analysis.representation import precision
from cycle_analysis.responses.checks import FEW
from cycle_analysis.texts import NOTHING

SURE = 0.05
"""p-value under which response, or the group of a unit, is said to go with a background."""
ROUGH = 5
"""Smallest expected number under which the p-value of a chi-square test is rough."""
ALL = "all"
"""Code of all groups together."""
GROUPS = "background_groups"
"""Where words.yaml has the groups of backgrounds."""


class ResponseChapter(Chapter):
    """What was done, and who took part?"""

    key = "response"

    @cached_property
    def all_asked(self) -> bool:
        """Whether all units of the population were asked, in every wave."""
        accounts = [self._account(wave) for wave in self.study.waves]
        return all(table["invited"].sum() == table["population"].sum() for table in accounts)

    @cached_property
    def followed(self) -> Units:
        """How many units there are to follow: those of the last wave."""
        return wave_total(self._by_wave["population"].iloc[0])

    @cached_property
    def response(self) -> dict[str, Any]:
        """Response in the wave of this chapter: what a block tells that is told alone."""
        return self._response(self.wave)

    @cached_property
    def told_waves(self) -> list[dict[str, Any]]:
        """The same as a list."""
        return [self.response]

    @cached_property
    def responses(self) -> list[dict[str, Any]]:
        """Response in each wave.

        Its code; asked and answered; margin (percentage points), single (units with one
        respondent); by (backgrounds), answered_by (units of each of their groups), tests (as
        `_tests`), groups (those of the first background); whether all answered, so that there
        are none; whether these are crossed with a second,
        whether some have no share, and whether any has.
        """
        return [self._response(wave) for wave in self.study.waves]

    @cached_property
    def silent(self) -> list[dict[str, Any]]:
        """Roles in which nobody answered a question of some `phases`, by wave."""
        found = []
        for wave in self.study.waves:
            table = self.load(steps.RESPONSES, "item_nonresponse_by_role", wave)
            shares = table.query(f"n >= {FEW}").drop(columns="n").sum(axis=1)
            unanswered = (1 - shares) * table["n"].loc[shares.index] < 0.5  # answers, of rounded
            items = unanswered.index.get_level_values("item")
            phases = items.map(self.study.phase_items(wave)["phase"])
            by_role = unanswered.groupby(["role", phases]).all()
            found += [
                {"wave": wave, "role": names[self.language.code], "phases": left}
                for role, names in self.study.roles.items()
                if (left := [phase for phase in self.phases if by_role.get((role, phase), False)])
            ]
        return found

    def table_waves(self) -> Rows:
        """Fieldwork, population and response of each wave."""
        rows = []
        for told in self.waves:
            account, wave = self._account(told["code"]), told["code"]
            days = map(self.language.date, (told["start"], told["end"]))
            n = len(self.load(steps.RESPONSES, "respondents", wave))
            n_units = account["responded"].sum()
            rows.append(
                {"wave": wave, "fieldwork": " – ".join(days), "invited": told["asked"]}
                | {"population": wave_total(account["population"].sum())}
                | {"responded": told["answered"], "rate": told["answered"]}
                | {"respondents": n, "mean": n / max(n_units, 1)}
            )
        columns = dict.fromkeys(("population", "invited", "responded"), kinds.COUNT)
        columns |= {"wave": kinds.WAVE, "fieldwork": kinds.TEXT, "rate": kinds.SHARE}
        return Rows(columns | {"respondents": number(), "mean": number(1)}, rows)

    def table_response_waves(self) -> Rows:
        """How many units answered in each wave, as they are divided in the last, and again."""
        rows, before = [], 0
        for wave, row in self._by_wave.iterrows():
            n, answered = as_whole(row["responded"]), self.answered_in(str(wave))
            same = n == self._account(str(wave))["responded"].sum()
            told = wave_total(n, self.followed) if same else Units(n, self.followed)
            again = (
                Units(as_whole(row["again"]), Units(min(n, before), answered)) if before else None
            )
            rows.append({"wave": str(wave), "responded": told, "rate": told, "again": again})
            before = n
        columns = dict.fromkeys(("responded", "again"), kinds.COUNT)
        return Rows(columns | {"wave": kinds.WAVE, "rate": kinds.SHARE}, rows)

    def table_response(self, wave: str) -> Rows:
        """Response of the groups of one background, or of the combinations of two."""
        cells = self._cells_of(wave)
        groups = self._groups(wave, cells, self._margins(wave, cells))
        rows = [row | {"rate": row["answered"]} for row in groups]
        crossed = [name for name in rows[0] if name.startswith("by ")]
        named = {name: self._named(name.removeprefix("by ")) for name in crossed}
        columns = {"group": kinds.code(GROUPS), "asked": kinds.COUNT, "answered": kinds.COUNT}
        columns |= {"rate": kinds.SHARE} | dict.fromkeys(crossed, kinds.RATE)
        return Rows(columns, rows, {"crossed": named})

    def figure_response(self, wave: str) -> Callable[..., Axes]:
        """Response of the groups of one background, or of the combinations of two."""
        told, language = self.table_response(wave), self.language
        if crossed := told.families["crossed"]:
            cells = [[self._cell(row[name]) for name in crossed] for row in told.rows]
            names, heads = [self._named(row["group"]) for row in told.rows], list(crossed.values())
            rates = pd.DataFrame([[cell[0] for cell in row] for row in cells], names, heads)
            return partial(plot_response_cells, rates, [[cell[1] for cell in r] for r in cells])
        groups = told.rows if len(self._account(wave)) > 1 else told.rows[:1]  # of one, all is it
        rows = [row for row in groups if language.is_told(row["answered"])]
        names = [self._named(row["group"]) for row in rows]
        rates = pd.Series([self.door.share(row["answered"]).value for row in rows], names)
        texts = [kinds.RATE.write(language, row["answered"]).text for row in rows]
        return partial(plot_response, rates, texts, many=self.many)

    _by_wave = saved(steps.WAVES, "response_by_wave", steps.ALL_WAVES)

    def _account(self, wave: str) -> pd.DataFrame:
        return self.load(steps.RESPONSES, "response", wave)

    def _named(self, group: str) -> str:
        return self.language.code_word(group, GROUPS)

    def _cell(self, n: Units | None) -> tuple[float, str | None]:
        """Give what is drawn of a cell: its rate and its text; nothing where none was asked."""
        if n is None:
            return math.nan, None
        text = kinds.RATE.write(self.language, n).text
        rate = math.nan if text == NOTHING else self.door.ratio(n)
        return rate, text.replace(" (", "\n").rstrip(")")

    def _leaves_out(self, wave: str) -> bool:
        return bool(self.results.parameters(steps.RESPONSES, wave).get("leave_out_careless"))

    def _response(self, wave: str) -> dict[str, Any]:
        account, answered = self._account(wave), self.answered_in(wave)
        respondents = self.load(steps.RESPONSES, "respondents", wave)
        sizes, left_out = respondents.groupby("unit").size(), self._leaves_out(wave)
        flags = (
            self.load(steps.RESPONSES, "careless", wave) if left_out else respondents[["careless"]]
        )
        n_careless = made(int(flags.any(axis=1).sum()), flags)
        cells = self._cells_of(wave)
        margins = self._margins(wave, cells)
        everyone = account["responded"].sum() == account["invited"].sum()
        groups = self._groups(wave, cells, margins) if len(account) > 1 and not everyone else []
        told = [row[name] for row in groups for name in row if name[:3] in ("ans", "by ")]
        return {
            "wave": wave,
            **{"asked": self.asked_in(wave), "answered": answered},
            "margin": made(100 * precision(account).loc["precision", "margin"], account),
            "single": Units(made(int((sizes == 1).sum()), respondents), answered),
            "one_each": len(respondents) == len(sizes),
            **{"any_careless": bool(n_careless), "left_out": left_out},
            "careless": Units(n_careless, wave_total(made(len(flags), flags))),
            "by": (by := [str(name) for name in account.index.names]),
            "answered_by": {
                name: {row["group"]: row["answered"] for row in margin}
                for name, margin in zip(by, margins, strict=True)
            },
            "tests": self._tests(wave, margins),
            "everyone": everyone,
            "groups": groups,
            "crossed": account.index.nlevels > 1,
            "some_untold": not all(n is None or self.language.is_told(n) for n in told),
            "some_told": any(self.language.is_told(row["answered"]) for row in groups[:-1]),
        }

    def _tests(self, wave: str, margins: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """For each background whether response depends on it, and where it is high and low.

        The numbers of the test stay behind: beside rounded counts they would tell true ones. So
        would the verdict of a rough test: where 2 of 2 answered, 1 of 2 would make the difference.
        """
        tests, told = self.load(steps.RESPONSES, "nonresponse", wave), []
        for margin, (background, row) in zip(margins, tests.iterrows(), strict=True):
            if row["reason"] and not pd.isna(row["reason"]):
                continue
            groups = [g for g in margin if self.language.is_told(g["answered"])]
            ranked = sorted(groups, key=lambda group: self.door.ratio(group["answered"]))
            ends = len({self.door.ratio(group["answered"]) for group in groups}) > 1
            told.append(
                {
                    "by": str(background),
                    "depends": bool(row["p_holm"] < SURE),
                    "rough": (rough := bool(row["smallest_expected"] < ROUGH)),
                    "told": not rough or self.door.round_to == 1,
                    "most": ranked[-1] if ends else None,
                    "least": ranked[0] if ends else None,
                    "rises": ends and ranked[0] is groups[0] and ranked[-1] is groups[-1],
                }
            )
        return told

    def _margins(self, wave: str, cells: dict[Any, Units]) -> list[list[dict[str, Any]]]:
        """Give the groups of each background: code, asked and answered."""
        account, names, tables = self._account(wave), [], []
        account = account[account["invited"] > 0]
        for level in range(account.index.nlevels):
            of = account.index.get_level_values(level)
            names.append(list(of.unique()))
            tables += [account[of == group] for group in names[-1]]
        asked, answered = [wave_total(t["invited"].sum()) for t in tables], [*cells.values()]
        if len(names) > 1:
            counts = [table["responded"].sum() for table in tables]
            answered = self.door.fit(counts, asked, self._sums(wave, cells, names))
        told = iter([{"asked": a, "answered": n} for a, n in zip(asked, answered, strict=True)])
        return [[{"group": str(group)} | next(told) for group in groups] for groups in names]

    def _sums(self, wave: str, cells: dict[Any, Units], groups: list[list[Any]]) -> list[Sum]:
        """Give what a reader can add up: cells to the groups of each background, these to all."""
        answered, n = self.answered_in(wave), 0
        sums = [Sum(list(cells.values()), answered)]
        for level, names in enumerate(groups):
            sums.append(Sum(range(n, n + len(names)), answered))
            for place, name in enumerate(names, n):
                sums.append(Sum([units for of, units in cells.items() if of[level] == name], place))
            n += len(names)
        return sums

    @cached_property
    def _cells(self) -> dict[str, dict[Any, Units]]:
        """What was asked of `_cells_of`, by wave."""
        return {}

    def _cells_of(self, wave: str) -> dict[Any, Units]:
        """Give of each group that was asked how many answered: together all that answered."""
        if wave not in self._cells:
            account = self._account(wave).query("invited > 0")
            asked = [wave_total(n) for n in account["invited"]]
            parts = self.door.parts(account["responded"], self.answered_in(wave), asked)
            self._cells[wave] = dict(zip(account.index, parts, strict=True))
        return self._cells[wave]

    def _groups(
        self, wave: str, cells: dict[Any, Units], margins: list[list[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Give the groups of the first background, and all; with those of a second besides."""
        whole = {"group": ALL, "asked": self.asked_in(wave), "answered": self.answered_in(wave)}
        rows = [dict(row) for row in (*margins[0], whole)]
        if len(margins) > 1:
            columns = margins[1]
            for row in rows[:-1]:
                for column in columns:
                    row[f"by {column['group']}"] = cells.get((row["group"], column["group"]))
            rows[-1] |= {f"by {column['group']}": column["answered"] for column in columns}
            rows = [row | {f"by {ALL}": row["answered"]} for row in rows]
        return rows


class BackgroundFacts(Chapter):
    """Groups beside the background of units."""

    @cached_property
    def associations(self) -> list[dict[str, Any]]:
        """What the groups go with, strongest first; how strongly, and if by more than chance."""
        table = self.load(steps.PROFILES, "background", self.reference)
        return [self._association(str(name), row) for name, row in table.iterrows()]

    @cached_property
    def composition(self) -> list[dict[str, Any]]:
        """Who is in which group: for each background what it is, and its most telling groups.

        `most` and `least` are the categories of units in which `group` is most and least common, of
        the group for which these lie furthest apart; None where no share is told. `told` is whether
        the test is told, `sure` what it says, `shown` in how many categories shares are told.
        """
        return [
            {"by": by, "shown": len(self._shares_of(by))} | self._tested(by) | self._widest(by)
            for by in self._crossed
        ]

    # Tables and figures.

    def table_background(self) -> Rows:
        """What the groups go with, strongest first."""
        columns = {"variable": kinds.code("backgrounds"), "measure": kinds.code("effects")}
        columns |= {"effect": number(1), "interval": kinds.interval(1)}
        return Rows(columns | {"sure": kinds.code("yes_no")}, self.associations)

    def table_composition(self) -> Rows:
        """Which share of the units with each background is in each group."""
        heads = {f"in_{group.number}": self.language.title(group) for group in self.groups}
        rows = [
            {"by": by, "category": category, "n": total}
            | {f"in_{number}": n for number, n in cells.items()}
            for by, table in self._crossed.items()
            if len(self._shares_of(by))
            for category, (total, cells) in table.items()
        ]
        columns = {"by": kinds.code("backgrounds"), "category": kinds.code(GROUPS)}
        columns |= {"n": kinds.COUNT} | dict.fromkeys(heads, kinds.SHARE)
        return Rows(columns, rows, {"groups": heads})

    def figure_composition(self, by: str) -> Callable[..., Axes]:
        """The same for one background, as bars."""
        return partial(plot_composition, self._shares_of(by), names=self._group_names)

    # What facts are made of.

    @cached_property
    def _crossed(self) -> dict[str, dict[str, tuple[Units, dict[int, Units]]]]:
        """Units by background and group: for each category those that answered, and each group.

        They are told so that what they add up to, the categories and the groups, tells none.
        """
        crossed = {}
        for by, counts in self._counts.items():
            totals = self._answered_by[by]
            cells = iter(self._fitted(counts, list(totals.values())))
            crossed[by] = {
                category: (n, {group.number: next(cells) for group in self.groups})
                for category, n in totals.items()
            }
        return crossed

    @cached_property
    def _counts(self) -> dict[str, np.ndarray]:
        """Units that were divided, by background: categories × groups."""
        shares, sizes = self.load(steps.PROFILES, "background_shares", self.reference), self._sizes
        shares = shares["value"]
        counts = {
            by: [
                [
                    round(shares[(by, number, category)] * sizes[number])
                    if (by, number, category) in shares.index
                    else made(0, shares)
                    for number in sizes.index
                ]
                for category in totals
            ]
            for by, totals in self._answered_by.items()
            if by in shares.index.unique("variable")
        }
        return {by: np.array(cells, object) for by, cells in counts.items()}

    def _fitted(self, counts: np.ndarray, totals: list[Units]) -> list[Units]:
        """Set counts, categories × groups, that add up to the groups, and to the categories.

        Of a category there may be others, that answered without a score.
        """
        wide, places = counts.shape[1], list(range(counts.size))
        sums = [
            Sum(places[row * wide :][:wide], n, leaves=bool(counts[row].sum() < n._n))
            for row, n in enumerate(totals)
        ]
        sums += [Sum(places[column::wide], g.n) for column, g in enumerate(self.groups)]
        wholes = [total for total in totals for _ in self.groups]
        return self.door.fit(counts.ravel(), wholes, sums)

    _response_facts = facts_from(ResponseChapter)

    @cached_property
    def _answered_by(self) -> dict[str, dict[str, Units]]:
        """Units that answered, by background and category."""
        return self._response_facts["response"]["answered_by"]

    def _shares_of(self, by: str) -> pd.DataFrame:
        """Shares of the groups, as told, in each category of which they are told."""
        shares = {
            self.language.code_word(category, GROUPS): {
                number: self.door.share(n).drawn for number, n in cells.items()
            }
            for category, (_, cells) in self._crossed[by].items()
        }
        return pd.DataFrame.from_dict(shares, "index").dropna()

    def _tested(self, by: str) -> dict[str, bool]:
        """Whether it is told if the groups go with a background, and whether they surely do."""
        own = [told for told in self.associations if told["variable"] == by and told["told"]]
        return {"told": bool(own), "sure": any(told["sure"] == "True" for told in own)}

    def _widest(self, by: str) -> dict[str, Any]:
        gaps: list[tuple[float, dict[str, Any]]] = []
        for group in self.groups:
            told = {
                category: cells[group.number]
                for category, (_, cells) in self._crossed[by].items()
                if self.language.is_told(cells[group.number])
            }
            ranked = sorted((self.door.ratio(n), category) for category, n in told.items())
            if len(ranked) > 1:
                (low, least), (high, most) = ranked[0], ranked[-1]
                about = {"least": {"category": least, "n": told[least]}}
                about |= {"most": {"category": most, "n": told[most]}}
                gaps.append((high - low, {"group": group, **about}))
        return max(gaps, key=lambda found: found[0])[1] if gaps else {"group": None}

    def _association(self, name: str, row: pd.Series) -> dict[str, Any]:
        """Give how strongly a background goes with the groups, where no group is small."""
        own = [group.n for group in self.groups]
        by_category = self._counts[name].sum(axis=1) if name in self._counts else [0]
        told = self.door.relates([*own, *units_of(by_category, self.divided)])
        effect, *ends = (
            self.door.strength(row[of]) if told else np.nan for of in ("corrected", "low", "high")
        )
        sure = str(bool(row["p_holm"] < SURE)) if told else NOTHING
        about = {"variable": name, "measure": str(row["measure"]), "told": told}
        return about | {"effect": effect, "interval": tuple(ends), "sure": sure}
