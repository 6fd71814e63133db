"""Whether other samples and other methods give the same profiles, and every other choice.

Facts of notebook 06, and of the grid of all defensible choices, where it was run.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.figures.profiles import plot_specifications
from cycle_analysis.report.chapter import ALL_WAVES, VALIDITY, Chapter, facts_from, saved, setting
from cycle_analysis.report.chapters.measurement import MeasurementChapter
from cycle_analysis.report.chapters.profiles import ProfilesChapter
from cycle_analysis.report.door import Units
from cycle_analysis.report.language import GROUP, SHARE, TEXT, Rows, code, number, percent
from cycle_analysis.report.sources import Source, as_whole, constant, made
from cycle_analysis.results import ROBUSTNESS
from cycle_analysis.robustness import CROSSED, curve

STABILITY = ((0.85, "very_stable"), (0.75, "stable"), (0.60, "unsure"), (-1.0, "unstable"))
"""Hennig's (2007) reading of the mean Jaccard coefficient."""
LARGE = 0.20
"""Share of units in another group from which two divisions differ (Mooi & Sarstedt 2011)."""


class ValidityChapter(Chapter):
    """Do the findings hold?"""

    key = "validity"

    measurement = facts_from(MeasurementChapter)
    profiles = facts_from(ProfilesChapter)

    @cached_property
    def jaccard(self) -> dict[str, Any]:
        """Lowest and highest stability of the groups, and how the lowest reads."""
        values = self._jaccard["jaccard"].dropna()
        low, high = values.min(), values.max()
        told = {"low": low, "high": high, "reading": _reading(low)}
        return {"known": not values.empty, "one": bool(low == high), **told}

    @cached_property
    def stable_from(self) -> dict[str, float]:
        """Mean Jaccard coefficient from which a group reads so."""
        source = Source("method", __name__, "STABILITY")
        return {name: made(least, source, how="") for least, name in STABILITY}

    replicates = setting(VALIDITY, "n_replicates")
    """How many samples were drawn again."""

    @cached_property
    def ward(self) -> dict[str, Any]:
        """How far the division of Ward and k-means agrees, and whether it warns."""
        return self._choices["ward"]

    @cached_property
    def by_roles(self) -> dict[str, Any] | None:
        """How far the division without what roles differ agrees; None where there are no roles."""
        return self._choices.get("roles")

    @cached_property
    def choices(self) -> list[dict[str, Any]]:
        """Other choices, and how many units each puts in another group."""
        return list(self._choices.values())

    def table_stability(self) -> Rows:
        """How stable each group is."""
        rows = [
            {"group": self._by_number[int(str(place))], "reading": _reading(row["jaccard"]), **row}
            for place, row in self._jaccard.iterrows()
        ]
        kinds = {"group": GROUP, "jaccard": number(2), "reading": code("stability")}
        return Rows(kinds | {"recovered": percent(), "dissolved": percent()}, rows)

    def table_choices(self) -> Rows:
        """How far other choices agree with the division."""
        return Rows({"choice": code("choices"), "moved": SHARE}, self.choices)

    @cached_property
    def _jaccard(self) -> pd.DataFrame:
        return self.load(VALIDITY, "jaccard", self.reference)

    @cached_property
    def _choices(self) -> dict[str, dict[str, Any]]:
        table = self.load(VALIDITY, "agreement", self.reference)
        return {str(name): self._choice(str(name), row) for name, row in table.iterrows()}

    def _choice(self, name: str, row: pd.Series) -> dict[str, Any]:
        n = Units(as_whole(row["n_units"]), self.answered_in(self.reference))
        moved = Units(as_whole(row["n_moved"]), n)
        warned = self.door.ratio(moved) > LARGE
        return {"choice": name, "n": n, "moved": moved, "warned": warned}


def _reading(jaccard: float) -> str:
    return next((name for least, name in STABILITY if jaccard >= least), "unknown")


class RobustnessChapter(Chapter):
    """Would other choices say the same?"""

    key = "robustness"

    @cached_property
    def grid(self) -> dict[str, Any] | None:
        """What all analyses say; None where the grid was not run on the tables of this report.

        n analyses, and left_out, combinations that cannot be or would count twice; same, in which
        share of how many there are as many profiles, or none as here; matters, by outcome the
        choice that explains most of its variance, None where nothing varies; limit, the share of
        units in another group up to which two divisions are alike.
        """
        if not self.results.current(ROBUSTNESS, ALL_WAVES):
            return None
        claim = "number" if self._headline["found"] else "profiles"
        row, saved = self._claims.loc[claim], self.load(ROBUSTNESS, "claims", ALL_WAVES)
        same = {"profiles": as_whole(self._headline["profiles"]), "n": row["n"]}
        same |= {"share": made(row["share"], saved.loc[claim, "share"])}
        left_out = as_whole(self.load(ROBUSTNESS, "left_out", ALL_WAVES)["n"].sum())
        n, limit = made(len(self._universes), self._universes), constant(curve, "MOVED_WARNING")
        told = {"n": n, "left_out": left_out, "limit": limit}
        return {**told, "same": same, "matters": self._matters}

    def table_claims(self) -> Rows:
        """In how many analyses each claim of the headline is asked, and survives."""
        rows = [{"claim": name, **row} for name, row in self._claims.iterrows() if row["n"]]
        return Rows({"claim": code("claims"), "n": number(), "share": percent()}, rows)

    def table_options(self) -> Rows:
        """What each option of each choice leads to."""
        table = self.load(ROBUSTNESS, "options", ALL_WAVES)
        table["same"] = _short_of_all(table["same"])
        rows = [
            {"choice": choice, "option": self._option(choice, option), **row}
            for (choice, option), row in table.iterrows()
        ]
        kinds = {"choice": code("grid"), "option": TEXT, "n": number(), "same": percent()}
        return Rows({**kinds, "adjusted_rand": number(2)}, rows)

    def figure_specifications(self) -> Callable[..., Axes]:
        """Draw how near each analysis comes to the headline, and what it chose."""
        table = self._universes
        kinds = table["left_out"].str.partition(" ")[0].replace("", "nothing")
        chosen = table.assign(left_out=kinds)[[*CROSSED, "left_out"]].astype(str)
        told = {
            (self.language.capital(self._word("grid", name)), self._option(name, option)): taken
            for name in (*CROSSED, "left_out")
            for option, taken in pd.get_dummies(chosen[name])[chosen[name].unique()].items()
            if not taken.all()
        }
        rand = table["adjusted_rand"].round(2)
        as_many = (table["profiles"] == self._headline["profiles"]).where(table["k"] == "own")
        return partial(plot_specifications, rand, as_many, pd.DataFrame(told))

    @property
    def _matters(self) -> dict[str, dict[str, Any] | None]:
        table = self.load(ROBUSTNESS, "importance", ALL_WAVES).drop(index="rest")
        return {
            str(outcome): None
            if shares.isna().all()
            else {"choice": shares.idxmax(), "share": shares.max()}
            for outcome, shares in table.items()
        }

    _universes = saved(ROBUSTNESS, "universes", ALL_WAVES)

    @property
    def _headline(self) -> pd.Series:
        return self._universes.iloc[0]

    @cached_property
    def _claims(self) -> pd.DataFrame:
        table = self.load(ROBUSTNESS, "claims", ALL_WAVES)
        return table.assign(share=_short_of_all(table["share"]))

    def _option(self, choice: str, option: str) -> str:
        """Write an option in words; numbers and waves as the language does."""
        if choice == "min_answered":
            return self.language.percent(float(option))
        if choice == "active_from":
            return self.language.number(float(option))
        if choice == "reference_wave":
            return self.language.wave(option)
        return self._word("options", option)

    def _word(self, kind: str, name: str) -> str:
        return self.language.code_word(name, kind)


def _short_of_all(shares: pd.Series) -> pd.Series:
    """Keep a share that is not quite all, or none, from being rounded to all, or to none."""
    return shares.where(shares.isin([0, 1]), shares.clip(0.01, 0.99))
