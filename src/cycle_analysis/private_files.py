"""Write what names units and stays private: a page for each, and who is in which profile.

A sheet is for its unit alone: its own scores beside those of others. What it tells of others goes
through the door, as in the report. With one respondent it says so first; a change is told only
where it is beyond what respondents leave unknown; of roles nothing is told that would be the
answers of one person. For researchers members are written as a workbook and for SPSS, with a
dictionary of all tables, and tables as a Dutch Excel opens them. All of it stands with the tables
that it is made of, in data/processed.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
from joblib import Parallel, delayed
from matplotlib.axes import Axes
from scipy import stats

from cycle_analysis.figures.profiles import plot_own_scores
from cycle_analysis.measurement import turn_items
from cycle_analysis.measurement.error import MeasurementError, measurement_error
from cycle_analysis.problems import Problem, refuse_any
from cycle_analysis.profiles.division import TABLES, read_partition
from cycle_analysis.profiles.true_scores import given_error
from cycle_analysis.report import chapter as steps
from cycle_analysis.report import language as kinds
from cycle_analysis.report import open_chapter, set_document
from cycle_analysis.report.chapter import ALL_WAVES, APART, Chapter, ChapterFacts
from cycle_analysis.report.document import CREATED, Document
from cycle_analysis.report.door import Door, Mean, Units
from cycle_analysis.report.language import Rows, number, open_language
from cycle_analysis.report.reading import read_blocks
from cycle_analysis.report.sources import Remembering
from cycle_analysis.report.templates import legible, make_sandbox, render
from cycle_analysis.report.writers import to_html, to_pdf
from cycle_analysis.results import Results
from cycle_analysis.running import CHECK, plan
from cycle_analysis.study import Study
from cycle_analysis.texts import read_list
from cycle_analysis.units import population, study_register
from cycle_analysis.whole_files import TEXTS_STAY_TEXTS, forget_time, write_whole

REACH = stats.norm.ppf(0.975)
ROLE = 2
"""Scores in a role under which its mean would be one person's answers."""
MOST = 3
"""Questions, and phases on which roles differ, that are named."""
TOGETHER = 20
"""Sheets that one worker writes before it takes more."""
LONGEST = 64
"""Most letters of a name in SPSS."""
REGISTER = ("name", "province", "size_class", "size", "region")
"""Columns of the register of municipalities, and the name of any unit."""
YES_NO = {0: "no", 1: "yes"}


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
    profiles : Series, n units
        Profile in which each unit is; of one between two not always the most probable.
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
    profiles: pd.Series
    items: pd.DataFrame
    persons: pd.DataFrame
    respondents: pd.DataFrame
    changes: pd.DataFrame
    merged: Mapping[str, list[str]]


def gather(study: Study, results: steps.Results, wave: str) -> Basis:
    """Load what the sheets of a wave rest on.

    Raises
    ------
    InputError
        When a table is not there yet: notebooks 01-07 must have run.
    """
    respondents = results.load(steps.RESPONSES, "respondents", wave)
    persons = results.load(steps.SCORES, "respondent_scores", wave)
    scores = results.load(steps.SCORES, "scores", wave).dropna(how="all")
    error = measurement_error(persons, respondents["unit"]).only(scores.index)
    everyone, by = population(study, wave)
    items = study.phase_items(wave)
    answers = results.load(steps.RESPONSES, "answers", wave)[items.index]
    means = turn_items(answers, items).groupby(respondents["unit"]).mean()
    changes = pd.DataFrame(columns=["unit", "phase", "change", "low", "high", "reliable"])
    merged: dict[str, list[str]] = {}
    if len(study.waves) > 1 and wave == study.waves[-1]:
        changes = results.load(steps.WAVES, "unit_changes", ALL_WAVES).reset_index()
        merged = _merged(study, results.load(steps.WAVES, "links", ALL_WAVES).reset_index())
    first = study.reference_wave
    chances = results.load(steps.PROFILES, "probabilities", first)
    chances = chances.set_axis(range(1, chances.shape[1] + 1), axis=1)
    profiles = results.load(steps.PROFILES, "members", first)["profile"]
    if wave != first:  # there the profiles are taken as known
        divided = results.load(steps.SCORES, "scores", first).dropna(how="all")
        tables = {name: results.load(steps.NUMBER, name, first) for name in TABLES}
        chances = given_error(read_partition(divided, tables), scores, error)
        profiles = chances.idxmax(axis=1)
    told = (chances, profiles, means, persons, respondents, changes, merged)
    return Basis(error, scores, everyone, by, *told)


def _merged(study: Study, links: pd.DataFrame) -> dict[str, list[str]]:
    """Name the units that went into others."""
    first = study_register(study).on(study.day(study.waves[0]))
    gone = links[(links["from_unit"] != links["to_unit"]) & links["to_unit"].notna()]
    gone = gone[gone["from_unit"].isin(first.index)]
    named = gone["from_unit"].map(first["name"])
    return named.groupby(gone["to_unit"]).agg(lambda names: sorted(set(names))).to_dict()


class SheetChapter(Chapter):
    """The sheet of one unit: facts for ``sheet.md.j2``."""

    key = "sheet"

    def __init__(self, unit: str, data: Basis, *opened: Any) -> None:
        super().__init__(*opened)
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
        if self.k < 2:
            return None
        groups, chances = self._by_number, self._data.chances
        own, best = chances.loc[self._unit], self._data.profiles[self._unit]
        chance, others = own[best], own.drop(best)
        second, other = others.idxmax(), others.max()
        # whether the probability is one: levels and the nearest centroid have none
        sure = bool(((chances > 0) & (chances < 1)).to_numpy().any())
        return {
            **{"group": groups[int(best)], "chance": float(chance), "sure": sure},
            **{"second": groups[int(second)], "other": float(other)},
        }

    @cached_property
    def changes(self) -> list[dict[str, Any]]:
        """How each phase changed since the wave before, and whether that is beyond error."""
        table = self._data.changes
        rows = table[table["unit"] == self._unit].set_index("phase").reindex(self.phases)
        told = ["change", "low", "high"]
        return [
            {"phase": phase, **row[told], "reliable": bool(row["reliable"])}
            for phase, row in rows.dropna(subset="change").iterrows()
        ]

    @cached_property
    def roles(self) -> list[dict[str, Any]]:
        """Phases on which its roles differ most, by more than chance explains.

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
        gaps = gaps[gaps > self._data.error.gap_by_chance(counts)[gaps.index]]
        named = {role: text[self.language.code] for role, text in self.study.roles.items()}
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
        rows = []
        for phase in self.phases:
            mean, reach = self._own[phase], REACH * self._errors[phase]
            ends = (max(mean - reach, 0), min(mean + reach, 100))
            told = {name: self._mean(units, phase) for name, units in self._others.items()}
            rows.append({"phase": phase, "own": mean, "interval": ends, **told})
        columns = {"phase": kinds.PHASE_TITLE, "own": number(), "interval": kinds.interval()}
        columns |= dict.fromkeys(self._others, kinds.MEAN)
        return Rows(columns, rows, {"others": {name: self._head(name) for name in self._others}})

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

    def _head(self, others: str) -> str:
        """Head of a column of others: the group that they are of."""
        if others in ("group", "everyone"):
            return str(self.language.words["sheet"][others])
        own = self._data.background[others].get(self._unit)
        return self.language.code_word(str(own), "background_groups")

    def _mean(self, units: pd.Index, phase: str) -> Mean:
        scores = self._data.scores.loc[units, phase].dropna()
        return Mean(float(scores.mean()), Units(len(scores), self.answered_in(self.wave)))


def make_sheet(
    study: Study, results: steps.Results, code: str, wave: str, unit: str, data: Basis
) -> Document:
    """Make the sheet of one unit in one language; `data` is what `gather` gives for the wave."""
    language = open_language(code, study, Door(study.round_to))
    chapter = SheetChapter(unit, data, study, results, language, wave)
    told = render(make_sandbox(language), chapter.key, ChapterFacts(chapter))
    names = {"study": study.title[code], "wave": language.wave(wave)}
    subtitle = str(language.words["sheet"]["subtitle"]).format(**names)
    sheet = set_document(language, chapter.name, subtitle, [*read_blocks(told, chapter)])
    return legible(sheet)


def write_sheets(
    study: Study, results: Results, folder: Path, wave: str, units: list[str]
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

    Raises
    ------
    InputError
        When a unit did not answer.
    """
    known = Remembering(results)
    data = gather(study, known, wave)
    lost = [unit for unit in units if unit not in data.scores.index]
    problem = f"did not answer in wave {wave}, or has no score"
    shown = f"such as {', '.join(data.scores.index[:5])}"
    refuse_any(Problem("command line", "--unit", unit, problem, shown) for unit in lost)
    chosen = units or list(data.scores.index)

    def write(part: list[str]) -> list[Path]:
        paths = []
        for unit, code in product(part, study.languages):
            sheet = make_sheet(study, known, code, wave, unit, data)
            for form, contents in {"html": to_html(sheet).encode(), "pdf": to_pdf(sheet)}.items():
                path = folder / f"{unit}_{code}.{form}"
                paths.append(write_whole(path, contents, private_from=folder))
        return paths

    parts = [chosen[i : i + TOGETHER] for i in range(0, len(chosen), TOGETHER)]
    yield from Parallel(return_as="generator")(delayed(write)(p) for p in parts)


def write_private_files(study: Study, results: Results) -> list[Path]:
    """Write members as a workbook and for SPSS, and a dictionary of all tables.

    Returns
    -------
    list of Path
        ``members.xlsx`` and ``members.sav`` of the reference wave, ``dictionary.xlsx``.

    Raises
    ------
    InputError
        If a notebook has not run, or a file may not be written.
    """
    members, labels = member_table(study, results)
    told = pd.DataFrame(labels.items(), columns=["column", "meaning"]).set_index("column")
    files = {
        "members.xlsx": _workbook({"members": members, "columns": told}),
        "members.sav": _sav(study, members, labels),
        "dictionary.xlsx": _workbook({"dictionary": data_dictionary(study, results)}),
    }
    return [
        write_whole(results.folder / name, contents, private_from=results.folder)
        for name, contents in files.items()
    ]


def write_for_excel(study: Study, results: Results) -> list[Path]:
    """Copy every table as a Dutch Excel opens it: semicolons, decimal commas, accents as they are.

    Returns
    -------
    list of Path
        ``excel/<wave>/<step>/<table>.csv`` in the folder of the study's tables; private like these.

    Raises
    ------
    InputError
        If one may not be written.
    """
    paths = []
    for step, wave in _saved_steps(study, results):
        for name, schema in results.schemas(step, wave).items():
            path = results.step_folder(step, wave) / f"{name}.csv"
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            kinds = [*schema["index"].values(), *schema["columns"].values()]
            for place, kind in enumerate(kinds):
                if kind == "number":
                    table.isetitem(place, table.iloc[:, place].str.replace(".", ","))
            contents = table.to_csv(index=False, sep=";", lineterminator="\n").encode("utf-8-sig")
            to = results.folder / "excel" / path.relative_to(results.folder)
            paths.append(write_whole(to, contents, private_from=results.folder))
    return paths


def member_table(study: Study, results: Results) -> tuple[pd.DataFrame, dict[str, str]]:
    """Say of each unit who it is, where it is placed, how surely, and with which scores.

    Returns
    -------
    DataFrame, n units; dict of str to str
        Index `unit`; its name and background, profile, `profile_name`, certainty,
        ``probability_1`` to k, ``score_<phase>`` and ``error_<phase>`` (0-100); and what each
        column means, the index included.
    """
    wave, code = study.reference_wave, study.languages[0]
    members = results.load(steps.PROFILES, "members", wave)
    units, _ = population(study, wave)
    chances = results.load(steps.PROFILES, "probabilities", wave)
    scores = results.load(steps.SCORES, "scores", wave)
    errors = results.load(steps.SCORES, "standard_errors", wave)
    chapter = open_chapter(study, results, code, "profiles")
    names = {group.number: chapter.language.title(group) for group in chapter.groups}
    parts = [
        units.rename(columns=_as_variable),
        members["profile"].to_frame().assign(profile_name=members["profile"].map(names)),
        members.drop(columns="profile"),
        chances.rename(columns=lambda column: str(column).replace("profile ", "probability_")),
        scores.add_prefix("score_"),
        errors.add_prefix("error_"),
    ]
    table = pd.concat([part.reindex(members.index) for part in parts], axis=1)
    meanings = read_list("columns")
    labels = {column: meanings.get(column, "") for column in [members.index.name, *table]}
    labels |= {_as_variable(column): str(column) for column in units if column not in meanings}
    for phase, title in study.phase_names(code).items():
        labels[f"score_{phase}"] = f"{title}: score, 0-100"
        labels[f"error_{phase}"] = f"{title}: standard error of the score, points of 0-100"
    labels |= {f"probability_{n}": f"probability of {name}, 0-1" for n, name in names.items()}
    return table, {column: labels[column] for column in [members.index.name, *table]}


def data_dictionary(study: Study, results: Results) -> pd.DataFrame:
    """List every column of every table that was saved, with its type and what it means.

    Returns
    -------
    DataFrame, n columns of tables
        Index `table`, such as ``2018/05_profiles/members.csv``; column, type, meaning (empty where
        the notebook or the docstring of the function must tell).
    """
    questions = study.codebook.items[f"question_{study.languages[0]}"].to_dict()
    known = read_list("columns") | study.phase_names(study.languages[0]) | questions
    rows = [
        (f"{wave}/{step}/{table}.csv", column, kind, known.get(column, ""))
        for step, wave in _saved_steps(study, results)
        for table, schema in results.schemas(step, wave).items()
        for column, kind in {**schema["index"], **schema["columns"]}.items()
    ]
    return pd.DataFrame(rows, columns=["table", "column", "type", "meaning"]).set_index("table")


def _saved_steps(study: Study, results: Results) -> Iterator[tuple[str, str]]:
    for step in plan(study):
        if step.notebook != CHECK and results.has(step.notebook, step.wave):
            yield step.notebook, step.wave


def _as_variable(column: str) -> str:
    """Give a column of a study's own register a name that SPSS takes, and no other column has."""
    plain = re.sub(r"\W", "_", str(column), flags=re.ASCII)
    return column if column in REGISTER else f"background_{plain}"[:LONGEST]


def _workbook(sheets: dict[str, pd.DataFrame]) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(
        buffer, "xlsxwriter", engine_kwargs={"options": TEXTS_STAY_TEXTS}
    ) as writer:
        writer.book.set_properties({"created": CREATED})
        for name, table in sheets.items():
            table.to_excel(writer, sheet_name=name, freeze_panes=(1, 1), merge_cells=False)
            writer.sheets[name].autofit(400)
    return buffer.getvalue()


def _sav(study: Study, members: pd.DataFrame, labels: dict[str, str]) -> bytes:
    """Set members for SPSS, with labels of columns and values."""
    table = members.reset_index()
    truths = [column for column in table if pd.api.types.is_bool_dtype(table[column])]
    table[truths] = table[truths].astype("float64")
    named = members.groupby("profile")["profile_name"].first().to_dict()
    values = dict.fromkeys(truths, YES_NO) | {"profile": named, "second_profile": named}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "members.sav"
        pyreadstat.write_sav(
            table, path, file_label=study.name, column_labels=list(labels.values()),
            variable_value_labels=values,
        )  # fmt: skip
        forget_time(path)
        return path.read_bytes()
