"""Where a report takes its tables, words and numbers from: one study, in one language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cycle_analysis.disclosure import SMALLEST_CELL, is_small, is_small_part, suppress_counts
from cycle_analysis.profiles.verdict import PROFILES
from cycle_analysis.report.drawing import draw_svg
from cycle_analysis.report.model import Figure, Paragraph, Table
from cycle_analysis.results import ALL_WAVES, Results, Value
from cycle_analysis.running.parameters import number
from cycle_analysis.running.pipeline import OVER_WAVES
from cycle_analysis.study import Study
from cycle_analysis.texts import Texts, load_texts
from cycle_analysis.texts.numbers import set_number, set_percent

WITHHELD = "×"
"""What stands in a table for a cell that is withheld."""
NOTHING = "–"
"""What stands in a table where there is no value."""


@dataclass(frozen=True)
class Source:
    """A study and its saved tables, read in one language.

    Attributes
    ----------
    study : Study
        The study.
    results : Results
        Its tables.
    language : str
        ``"nl"`` or ``"en"``.
    smallest : int
        Smallest number of units that may be shown.
    """

    study: Study
    results: Results
    language: str
    smallest: int = SMALLEST_CELL

    @property
    def texts(self) -> Texts:
        """Texts of the language."""
        return load_texts(self.language)

    @property
    def reference(self) -> str:
        """Wave in which the profiles were found."""
        return self.study.reference_wave

    @property
    def mark(self) -> str:
        """What every figure and caption must say of the data; empty for real data."""
        return self.texts("words.synthetic") if self.study.synthetic else ""

    @property
    def phases(self) -> dict[str, str]:
        """Short name of each phase, in the order of the cycle."""
        return self.study.phase_names(self.language)

    @property
    def phase_titles(self) -> dict[str, str]:
        """Full name of each phase, in the order of the cycle."""
        return {phase.code: phase.label[self.language] for phase in self.study.phases}

    @cached_property
    def verdict(self) -> pd.Series:
        """What notebook 04 found: verdict, p, silhouette, n_units, elevation."""
        return self.table("04_number_of_profiles", "verdict", self.reference).iloc[0]

    @property
    def found(self) -> bool:
        """Whether there are profiles, so that they may be named."""
        return bool(self.verdict["verdict"] == PROFILES) and self.k > 1

    @cached_property
    def sizes(self) -> pd.Series:
        """Number of units in each profile of the reference wave."""
        return self.table("05_profiles", "sizes", self.reference)["n_units"]

    @property
    def k(self) -> int:
        """Number of profiles that the units were divided in."""
        return len(self.sizes)

    @property
    def groups(self) -> dict[int, str]:
        """Name of each profile; without profiles the groups are levels and have a number only."""
        if self.found:
            return self.study.profile_labels(self.k, self.language)
        return {i: f"{self.texts('words.Level')} {i}" for i in range(1, self.k + 1)}

    def group(self, number: int) -> str:
        """Name of a profile with its number in front."""
        name = self.groups[number]
        return name if name.endswith(f" {number}") else f"{number} {name}"

    def table(self, step: str, name: str, wave: str = ALL_WAVES) -> pd.DataFrame:
        """Load a saved table."""
        return self.results.load(step, name, wave)

    def parameters(self, step: str, wave: str) -> dict[str, Value]:
        """Give the parameters with which a notebook ran for a wave."""
        return self.results.parameters(step, ALL_WAVES if step in OVER_WAVES else wave)

    def parameter(self, step: str, name: str, wave: str) -> float:
        """Give one parameter, a number, with which a notebook ran for a wave."""
        return number(self.parameters(step, wave)[name])

    def text(self, key: str, **values: Any) -> str:
        """Give a text, with what the study's units and groups are called filled in."""
        units = self.study.units
        words = {"one": units.one[self.language], "many": units.many[self.language]}
        if {"group", "groups"} & self.texts.names(key):  # known from notebook 04 on
            kind = "profile" if self.found else "level"
            words |= {"group": self.texts(f"words.{kind}"), "groups": self.texts(f"words.{kind}s")}
        return self.texts(key, **(words | values))

    def say(self, key: str, kind: str = "", **values: Any) -> Paragraph:
        """Set a text as a paragraph."""
        return Paragraph(self.text(key, **values), kind)

    def wave(self, name: str) -> str:
        """Name of a wave: its label, and its code where the label does not hold it."""
        label = self.study.wave(name).label[self.language]
        return label if name in label else f"{label} ({name})"

    def wave_in_text(self, name: str) -> str:
        """Name of a wave inside a sentence: without a capital."""
        label = self.wave(name)
        if label == name:
            return self.texts("words.wave_code", code=name)
        return lowered(label)

    def phase_title(self, code: str) -> str:
        """Name of a phase inside a sentence."""
        return lowered(self.phase_titles[code])

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number; a dash where there is none."""
        known = float("nan") if pd.isna(value) else float(value)
        return set_number(known, decimals, self.language)

    def percent(self, share: float, decimals: int = 0) -> str:
        """Write a share as a percentage."""
        return set_percent(float(share), decimals, self.language)

    def points(self, value: float, decimals: int = 1) -> str:
        """Write a difference with its sign."""
        text = self.number(value, decimals)
        return f"+{text}" if value > 0 and text.strip("0,.") else text

    def interval(self, low: float, high: float, decimals: int = 0) -> str:
        """Write an interval; nothing when it is not known."""
        if pd.isna(low) or pd.isna(high):
            return NOTHING
        ends = {"low": self.number(low, decimals), "high": self.number(high, decimals)}
        return self.texts("words.interval", **ends)

    def p(self, value: float) -> str:
        """Write a p-value as an equation."""
        if pd.isna(value):
            return f"p = {NOTHING}"
        return f"p < {self.number(0.001, 3)}" if value < 0.001 else f"p = {self.number(value, 3)}"

    def units(self, n: float) -> str:
        """Write a number of units with the word for them, or that it is small."""
        words = self.study.units
        if is_small(n, self.smallest):
            return self.text("words.fewer", smallest=self.smallest)
        return f"{self.number(n)} {(words.one if n == 1 else words.many)[self.language]}"

    def n_units(self, n: pd.Series) -> str:
        """Write on how many units something rests, as a range when it differs."""
        low, high = self.number(n.min()), self.number(n.max())
        return self.text("n.units", n=low if low == high else f"{low}–{high}")

    def part(self, count: float, n: float) -> str:
        """Write a part of a whole as a percentage; a bound when the part or the rest is small."""
        if n <= 0 or pd.isna(count):
            return NOTHING
        if not is_small_part(round(count), n, self.smallest) or n < self.smallest:
            return self.percent(count / n) if n >= self.smallest else WITHHELD
        if is_small(round(count), self.smallest):
            return f"<{self.percent(self.smallest / n)}"
        return f">{self.percent(1 - self.smallest / n)}"

    def part_in_words(self, count: float, n: float) -> str:
        """Write a part of a whole inside a sentence: ‘meer dan 93%’ for a bound."""
        text = self.part(count, n)
        if text == WITHHELD:
            return self.texts("words.not_shown")
        words = {"<": "words.less_than", ">": "words.more_than"}
        return self.texts(words[text[0]], value=text[1:]) if text[0] in words else text

    def part_of_table(self, counts: pd.Series, chosen: np.ndarray) -> str:
        """Write the share of some cells of a table of counts taken together.

        Where the table withholds cells on both sides their sum would tell more than the table does.
        """
        hidden = suppress_counts(counts, self.smallest).isna().to_numpy()
        if hidden[chosen].any() and hidden[~chosen].any():
            return self.text("words.not_shown")
        return self.part_in_words(counts[chosen].sum(), counts.sum())

    def count(self, value: float) -> str:
        """Write a count of a protected table: the mark where it is withheld."""
        return WITHHELD if pd.isna(value) else self.number(value)

    def single(self, value: float) -> str:
        """Write a count that stands alone: under the threshold only that it is."""
        return f"<{self.smallest}" if is_small(value, self.smallest) else self.number(value)

    def caption(self, text: str) -> str:
        """Add the mark of synthetic data to a caption."""
        return f"{text} [{self.mark}]" if self.mark else text

    def figure(
        self,
        key: str,
        draw: Callable[[], Axes],
        n: str,
        table: Table | None = None,
        captions: dict[str, Any] | None = None,
        **alt: Any,
    ) -> Figure:
        """Draw a figure; caption and alt text are ``figures.<key>`` and ``alt.<key>``.

        A key may end in ``:wave``, where one text serves several figures.
        """
        name = key.partition(":")[0]
        values = captions or {}
        return Figure(
            key=f"figure-{key}".replace(":", "-"),
            caption=self.caption(self.text(f"figures.{name}", **values)),
            alt=self.text(f"alt.{name}", **(values | alt)),
            svg=draw_svg(draw, self.mark),
            n=n,
            table=table,
        )

    def shown(
        self,
        key: str,
        columns: Sequence[str],
        rows: Sequence[tuple[str, ...]],
        n: str,
        notes: list[str] | None = None,
        text_columns: tuple[int, ...] = (0,),
        **values: Any,
    ) -> Table:
        """Set a table; its caption is ``tables.<key>``. Marks that it holds are explained."""
        name = key.partition(":")[0]
        cells = [cell for row in rows for cell in row[1:]]
        said = list(notes or [])
        if WITHHELD in cells:
            said.append(self.text("notes.withheld", smallest=self.smallest, mark=WITHHELD))
        if any(cell.startswith(("<", ">")) for cell in cells):
            said.append(self.text("notes.bound", smallest=self.smallest))
        if NOTHING in cells:
            said.append(self.text("notes.nothing", mark=NOTHING))
        return Table(
            key=f"table-{key}".replace(":", "-"),
            caption=self.caption(self.text(f"tables.{name}", **values)),
            columns=tuple(columns),
            rows=tuple(rows),
            n=n,
            notes=tuple(said),
            text_columns=text_columns,
        )


def lowered(name: str) -> str:
    """Write a name without a capital, as inside a sentence; abbreviations keep theirs.

    Examples
    --------
    >>> lowered("Het nieuwe normaal"), lowered("EU beleid")
    ('het nieuwe normaal', 'EU beleid')
    """
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
