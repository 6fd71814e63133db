"""Write a page for each unit: its own scores beside those of others, for itself alone.

A sheet is private: it names its unit, and stands under ``data/processed``. What it tells of others
goes through the door, as in the report. With one respondent it says so first; a change is told only
where it is beyond what respondents leave unknown; of roles nothing is told that would be the
answers of one person.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from matplotlib.axes import Axes
from scipy import stats

from cycle_analysis.figures.profiles import plot_own_scores
from cycle_analysis.measurement import turn_items
from cycle_analysis.measurement.error import MeasurementError, measurement_error
from cycle_analysis.problems import InputError, Problem
from cycle_analysis.profiles.division import TABLES, read_partition
from cycle_analysis.profiles.true_scores import given_error
from cycle_analysis.report import WRITERS_WORDS
from cycle_analysis.report import language as kinds
from cycle_analysis.report.chapter import (
    ALL_WAVES,
    APART,
    NUMBER,
    RESPONSES,
    SCORES,
    WAVES,
    Chapter,
    ChapterFacts,
    Results,
)
from cycle_analysis.report.document import Document, number_blocks
from cycle_analysis.report.door import Door, Mean, Units
from cycle_analysis.report.language import Language, Rows, number, open_language
from cycle_analysis.report.reading import read_blocks
from cycle_analysis.report.sources import Remembering
from cycle_analysis.report.templates import legible, make_sandbox, render
from cycle_analysis.report.writers import to_html, to_pdf
from cycle_analysis.study import Study
from cycle_analysis.units import population, study_register
from cycle_analysis.whole_files import write_whole

REACH = stats.norm.ppf(0.975)
ROLE = 2
"""Scores in a role under which its mean would be one person's answers."""
MOST = 3
"""Questions, and phases on which roles differ, that are named."""
TOGETHER = 20
"""Sheets that one worker writes before it takes more."""


@dataclass(frozen=True, eq=False)
class Basis:
    """What the sheets of one wave rest on.

    Attributes
    ----------
    error : MeasurementError
        Of all units; its rows are the units that have a sheet.
    scores : DataFrame, n units × p phases
    background : DataFrame, all units × groupings
        With `name`.
    chances : DataFrame, n units × k
        Probability of each profile, or 1 for the one it is in.
    items : DataFrame, n units × items
        Mean answers, 0-100.
    persons : DataFrame, m respondents × p phases
    respondents : DataFrame, m respondents
        `unit` and `role`.
    changes : DataFrame
        Of single units, from notebook 07; without rows where there are none.
    merged : mapping of unit to names
        What it was made of since the first wave.
    """

    error: MeasurementError
    scores: pd.DataFrame
    background: pd.DataFrame
    groupings: list[str]
    chances: pd.DataFrame
    items: pd.DataFrame
    persons: pd.DataFrame
    respondents: pd.DataFrame
    changes: pd.DataFrame
    merged: Mapping[str, list[str]]

    @cached_property
    def profiles(self) -> pd.Series:
        """Profile in which each unit most probably is."""
        return self.chances.idxmax(axis=1)


def gather(study: Study, results: Results, wave: str) -> Basis:
    """Load what the sheets of a wave rest on.

    Raises
    ------
    InputError
        When a table is not there yet: notebooks 01-07 must have run.
    """
    respondents = results.load(RESPONSES, "respondents", wave)
    persons = results.load(SCORES, "respondent_scores", wave)
    scores = results.load(SCORES, "scores", wave).dropna(how="all")
    error = measurement_error(persons, respondents["unit"]).only(scores.index)
    everyone, by = population(study, wave)
    items = study.phase_items(wave)
    answers = results.load(RESPONSES, "answers", wave)[items.index]
    means = turn_items(answers, items).groupby(respondents["unit"]).mean()
    changes = pd.DataFrame(columns=["unit", "phase", "change", "se", "reliable"])
    merged: dict[str, list[str]] = {}
    if len(study.waves) > 1 and wave == study.waves[-1]:
        changes = results.load(WAVES, "unit_changes", ALL_WAVES).reset_index()
        merged = _merged(study, results.load(WAVES, "links", ALL_WAVES).reset_index())
    return Basis(
        *(error, scores, everyone, by, _chances(study, results, scores, error), means, persons),
        *(respondents, changes, merged),
    )


def _merged(study: Study, links: pd.DataFrame) -> dict[str, list[str]]:
    """Name the units that went into others."""
    register = study_register(study)
    first = register.on(study.day(study.waves[0]))
    gone = links[(links["from_unit"] != links["to_unit"]) & links["to_unit"].notna()]
    gone = gone[gone["from_unit"].isin(first.index)]
    named = gone["from_unit"].map(first["name"])
    return named.groupby(gone["to_unit"]).agg(lambda names: sorted(set(names))).to_dict()


def _chances(
    study: Study, results: Results, scores: pd.DataFrame, error: MeasurementError
) -> pd.DataFrame:
    """Give the probability of each profile of the reference wave, by each unit's respondents."""
    reference = results.load(SCORES, "scores", study.reference_wave).dropna(how="all")
    tables = {name: results.load(NUMBER, name, study.reference_wave) for name in TABLES}
    partition = read_partition(reference, tables)
    return given_error(partition, scores, error)


class SheetChapter(Chapter):
    """The sheet of one unit: facts for ``sheet.md.j2``."""

    key = "sheet"

    def __init__(
        self, study: Study, results: Results, language: Language, wave: str, unit: str, data: Basis
    ) -> None:
        super().__init__(study, results, language, wave)
        self._unit, self._data = unit, data

    @cached_property
    def name(self) -> str:
        """Name of the unit."""
        return str(self._data.background["name"].get(self._unit, self._unit))

    @cached_property
    def n_respondents(self) -> int:
        """How many respondents it has."""
        return int(self._data.error.n_respondents.loc[self._unit].max())

    @cached_property
    def predecessors(self) -> list[str]:
        """Names of the units that went into it."""
        return list(self._data.merged.get(self._unit, []))

    @cached_property
    def placed(self) -> dict[str, Any] | None:
        """In which group it stands, and in which second; None where nothing was divided."""
        chances = self._data.chances.loc[self._unit].sort_values(ascending=False)
        if self.k < 2:
            return None
        groups = self._by_number
        (best, chance), (second, other) = list(chances.items())[:2]
        return {
            **{"group": groups[int(best)], "chance": float(chance), "sure": self._is_probable},
            **{"second": groups[int(second)], "other": float(other)},
        }

    @cached_property
    def changes(self) -> list[dict[str, Any]]:
        """How each phase changed since the wave before, and whether that is beyond error."""
        table = self._data.changes
        rows = table[table["unit"] == self._unit].set_index("phase").reindex(self.phases)
        return [
            {"phase": phase, "change": row["change"], "reliable": bool(row["reliable"])}
            for phase, row in rows.dropna(subset="change").iterrows()
        ]

    @cached_property
    def roles(self) -> list[dict[str, Any]]:
        """Phases on which its roles differ most.

        None unless everybody has a role, and each role at least `ROLE` scores on every phase: what
        is left of a mean would be the answers of the one that is not told.
        """
        respondents = self._data.respondents
        roles = respondents.loc[respondents["unit"] == self._unit, "role"].replace("", np.nan)
        scores = self._data.persons.loc[roles.index].groupby(roles)
        counts = scores.count()
        if roles.isna().any() or len(counts) < 2 or counts.to_numpy().min() < ROLE:
            return []
        means = scores.mean()
        gaps = (means.max() - means.min()).sort_values(ascending=False)
        named = {role: self.language.named(text) for role, text in self.study.roles.items()}
        return [
            {
                **{"phase": phase, "gap": float(gap)},
                **{"high": named[means[phase].idxmax()], "low": named[means[phase].idxmin()]},
            }
            for phase, gap in gaps[gaps >= APART][:MOST].items()
        ]

    @cached_property
    def further(self) -> dict[str, Any] | None:
        """Questions that units one group further answer higher; None for those in the last."""
        number = int(self._data.profiles[self._unit]) + 1
        own = self._data.items.loc[self._unit]
        ahead = self._data.profiles.index[self._data.profiles == number]
        n = Units(len(ahead), self.answered_in(self.wave))
        if self.k < 2 or number > self.k or self.door.few(n):
            return None
        theirs = self._data.items.loc[ahead].mean()
        gaps = (theirs - own).dropna().sort_values(ascending=False)
        named = [
            {"question": self._questions[item], "own": own[item], "theirs": Mean(theirs[item], n)}
            for item in gaps.index[gaps >= APART][:MOST]
        ]
        return {"group": self._by_number[number], "questions": named}

    def table_scores(self) -> Rows:
        """Own scores beside those of its group, of units like it, and of all."""
        others = self._others
        rows = []
        for phase in self.phases:
            mean, error = self._own[phase], self._errors[phase]
            ends = (
                None
                if pd.isna(error)
                else (max(mean - REACH * error, 0), min(mean + REACH * error, 100))
            )
            told = {name: self._mean(units, phase) for name, units in others.items()}
            rows.append({"phase": phase, "own": mean, "interval": ends, **told})
        columns = {"phase": kinds.PHASE_TITLE, "own": number(), "interval": kinds.interval()}
        columns |= dict.fromkeys(others, kinds.MEAN)
        return Rows(columns, rows, {"others": self._others_named(others)})

    def figure_scores(self) -> Callable[..., Axes]:
        """Own scores with interval, and the mean of all."""
        told = {
            phase: self.door.mean(self._mean(self._data.scores.index, phase))[0]
            for phase in self.phases
        }
        own = pd.DataFrame({"score": self._own, "error": self._errors * REACH}).loc[self.phases]
        return partial(plot_own_scores, own.assign(everyone=pd.Series(told)))

    @cached_property
    def _own(self) -> pd.Series:
        return self._data.scores.loc[self._unit]

    @cached_property
    def _errors(self) -> pd.Series:
        return self._data.error.standard_errors().loc[self._unit]

    @cached_property
    def _is_probable(self) -> bool:
        """Whether the probability is one: levels and the nearest centroid have none."""
        return bool(((self._data.chances > 0) & (self._data.chances < 1)).to_numpy().any())

    @cached_property
    def _others(self) -> dict[str, pd.Index]:
        """Units to compare with: of its group, of each background, and all."""
        known = self._data.scores.index
        found = {}
        if self.k > 1:
            own = self._data.profiles[self._unit]
            found["group"] = known[self._data.profiles.loc[known] == own]
        table = self._data.background.reindex(known)
        for by in self._data.groupings:
            found[by] = known[(table[by] == table[by].get(self._unit)).to_numpy()]
        return found | {"everyone": known}

    def _others_named(self, others: Mapping[str, pd.Index]) -> dict[str, str]:
        """Head of each column: the group it is of."""
        words, own = (
            self.language.words["sheet"],
            self._data.background.reindex([self._unit]).iloc[0],
        )
        heads = {"group": str(words["group"]), "everyone": str(words["everyone"])}
        return {
            name: heads.get(name) or self.language.code_word(str(own[name]), "background_groups")
            for name in others
        }

    def _mean(self, units: pd.Index, phase: str) -> Mean:
        scores = self._data.scores.loc[units, phase].dropna()
        return Mean(float(scores.mean()), Units(len(scores), self.answered_in(self.wave)))


def make_sheet(
    study: Study, results: Results, code: str, wave: str, unit: str, data: Basis
) -> Document:
    """Make the sheet of one unit in one language.

    Parameters
    ----------
    study, results, code
        As `report.assemble`.
    wave : str
        The wave that it is about.
    unit : str
    data : Basis
        From `gather`.
    """
    language = open_language(code, study, Door(study.round_to))
    chapter = SheetChapter(study, results, language, wave, unit, data)
    blocks = read_blocks(
        render(make_sandbox(language), chapter.key, ChapterFacts(chapter)), chapter
    )
    words = language.words
    sheet = Document(
        language=code,
        title=chapter.name,
        subtitle=str(words["sheet"]["subtitle"]).format(
            study=study.title[code], wave=language.wave(wave)
        ),
        blocks=number_blocks(blocks),
        mark=language.mark,
        words={name: str(words[name]) for name in WRITERS_WORDS},
    )
    shown: Document = legible(sheet)
    return shown


def write_sheets(
    study: Study, results: Results, folder: Path, wave: str, units: list[str], n_jobs: int = 1
) -> Iterator[list[Path]]:
    """Write sheets as HTML and PDF in every language of the study; give the paths as they come.

    Parameters
    ----------
    study, results
        As `report.assemble`.
    folder : Path
        Where they go: private.
    wave : str
        The wave that they are about.
    units : list of str
        Codes; all that answered when empty.
    n_jobs : int
        Workers.

    Raises
    ------
    InputError
        When a unit did not answer.
    """
    known = Remembering(results)
    data = gather(study, known, wave)
    if lost := [unit for unit in units if unit not in data.scores.index]:
        problem = f"did not answer in wave {wave}, or has no score"
        shown = ", ".join(data.scores.index[:5])
        raise InputError(
            [Problem("command line", "--unit", u, problem, f"such as {shown}") for u in lost]
        )
    chosen = units or list(data.scores.index)

    def write(part: list[str]) -> list[Path]:
        paths = []
        for unit, code in product(part, study.languages):
            sheet = make_sheet(study, known, code, wave, unit, data)
            for form, contents in (
                ("html", to_html(sheet).encode("utf-8")),
                ("pdf", to_pdf(sheet)),
            ):
                path = folder / f"{unit}_{code}.{form}"
                paths.append(write_whole(path, contents, private_from=folder))
        return paths

    parts = [chosen[i : i + TOGETHER] for i in range(0, len(chosen), TOGETHER)]
    yield from Parallel(n_jobs=n_jobs, return_as="generator")(delayed(write)(p) for p in parts)
