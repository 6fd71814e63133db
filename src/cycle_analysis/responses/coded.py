"""Turn an export into coded answers: every cell checked, nothing dropped or recoded in silence.

What stops a run (an unknown unit, a double respondent, a column that is not understood as a whole)
is raised with everything else that stops it. What does not is kept in the problem table.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cycle_analysis.problems import KEPT, REJECTED, InputError, Problem, as_shown, problem_table
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.answers import Decoded
from cycle_analysis.responses.item_checks import Asked, check_item
from cycle_analysis.responses.plausibility import (
    RULE,
    doubt_items,
    doubt_respondents,
    doubt_unrecoded,
)
from cycle_analysis.responses.privacy import find_same_person, scan_columns
from cycle_analysis.responses.respondents import read_respondents
from cycle_analysis.study import Study
from cycle_analysis.study.files import Scale, Wave
from cycle_analysis.units.register import Register
from cycle_analysis.words import ANSWERED

TEXT = "text"


@dataclass(frozen=True, eq=False)
class Responses:
    """The coded answers of one wave.

    Attributes
    ----------
    answers : DataFrame, n respondents × items asked
        Index `respondent`; codes on the codebook's scale, missing where there is no answer. Open
        answers are not among them.
    reasons : DataFrame, n respondents × items asked
        ``""`` where answered, else why not: a reason of study.yaml, `blank` or `invalid`.
    respondents : DataFrame, n respondents × 2 or 3
        Index `respondent`; `unit` (code in the register) and `role` (``""`` when unknown);
        `seconds` where the file says how long it took.
    problems : DataFrame
        The problem table; columns as `cycle_analysis.problems.TABLE_COLUMNS`.
    open_answers : DataFrame, n respondents × open items
        What respondents wrote: private.
    """

    answers: pd.DataFrame
    reasons: pd.DataFrame
    respondents: pd.DataFrame
    problems: pd.DataFrame
    open_answers: pd.DataFrame

    @property
    def missing(self) -> pd.DataFrame:
        """Item nonresponse, items × reasons: shares 0-1 of all respondents."""
        return _shares(self.reasons)

    @property
    def missing_by_role(self) -> pd.DataFrame:
        """Nonresponse per role and item: `n` respondents, and shares 0-1 per reason."""
        parts = {
            role or "unknown": _shares(self.reasons.loc[who.to_numpy()]).assign(n=int(who.sum()))
            for role in sorted(self.respondents["role"].unique())
            if (who := self.respondents["role"] == role).any()
        }
        table = pd.concat(parts, names=["role", "item"]).fillna(0.0)
        return table[["n", *table.columns.drop("n")]]

    @property
    def shown_open_answers(self) -> pd.DataFrame:
        """Open answers as a spreadsheet may show them: nothing in them calculates."""
        return self.open_answers.apply(lambda texts: texts.fillna("").map(as_shown))

    def only(self, keep: "pd.Series[bool]") -> "Responses":
        """Keep some respondents."""
        chosen = keep.to_numpy()
        return replace(
            self,
            answers=self.answers[chosen],
            reasons=self.reasons[chosen],
            respondents=self.respondents[chosen],
            open_answers=self.open_answers[chosen],
        )

    def __str__(self) -> str:
        n, units = len(self.respondents), self.respondents["unit"].nunique()
        return f"{n} respondents of {units} units answered {self.reasons.shape[1]} items"


def _shares(reasons: pd.DataFrame) -> pd.DataFrame:
    counts = pd.DataFrame({item: reasons[item].value_counts(sort=False) for item in reasons}).T
    counts = counts.drop(columns=ANSWERED).loc[:, lambda table: table.any()]
    return (counts / len(reasons)).rename_axis("item").rename_axis(columns=None)


def check_checksum(path: Path, recorded: str, where: str) -> None:
    """Refuse a raw file that is not the one that wave.yaml describes.

    Raises
    ------
    InputError
        If a checksum is recorded and the file has another.
    """
    if not recorded:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != recorded:
        remedy = f"If the new file is right, write source.sha256: {found} in wave.yaml"
        problem = "the file changed since its checksum was recorded"
        raise InputError([Problem(where, "source.sha256", recorded, problem, found, remedy)])


def code_responses(
    raw: RawTable, study: Study, wave: str, register: Register, max_invalid: float = 0.05
) -> Responses:
    """Code the answers of one wave.

    Parameters
    ----------
    raw : RawTable
        The export as text.
    study : Study
        Its codebook, scales, roles, and the mapping of `wave`.
    wave : str
        Name of the wave.
    register : Register
        The units that exist.
    max_invalid : float
        The largest share of a column's answers that may be invalid. More than that means that the
        column is not what the mapping says, and stops the run.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    mapping = study.wave(wave)
    found = raw.notes + _check_columns(raw, mapping)
    respondents, more = read_respondents(raw, study, mapping, register)
    found += more
    if not any(problem.done == REJECTED for problem in more) and not respondents["unit"].any():
        found.append(Problem(raw.file, "column unit", "", "no respondent names a unit"))
    kept = respondents[respondents["unit"] != ""]
    scales = {item: study.scales[study.codebook.items.loc[item, "scale"]] for item in mapping.items}
    decoded: dict[str, Decoded] = {}
    cells: list[pd.DataFrame] = []
    for item, scale in scales.items():
        column = mapping.columns[item]
        if column.source in raw.cells:
            asked = Asked(raw, item, column, scale, kept["respondent"])
            decoded[item], more, wrong = check_item(asked, max_invalid)
            found += more
            cells.append(wrong)
    found += find_same_person(raw)
    found += scan_columns(raw, mapping, {item for item in scales if scales[item].kind == TEXT})
    found = [replace(problem, sheet=raw.sheet) for problem in found]
    if rejected := [problem for problem in found if problem.done == REJECTED]:
        raise InputError(rejected)

    def doubt(item: str, problem: str, remedy: str) -> Problem:
        place = (mapping.columns[item].source, (), "", problem, "", remedy)
        return raw.problem(*place, done=KEPT, rule=RULE, item=item)

    found += doubt_items(decoded, study.phase_items(wave), doubt)
    found += doubt_unrecoded(decoded, scales, mapping.columns, doubt)
    found += doubt_respondents(decoded, kept["unit"], raw)
    answers, reasons, open_answers = _tables(decoded, scales, kept)
    table = pd.concat([problem_table(found), *(part for part in cells if len(part))])
    people = kept.set_index("respondent")
    return Responses(answers, reasons, people, table.reset_index(drop=True), open_answers)


def _tables(
    decoded: dict[str, Decoded], scales: dict[str, Scale], kept: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Set answers, reasons and open answers beside each other."""
    index = pd.Index(kept["respondent"], name="respondent")
    closed = [item for item in decoded if scales[item].kind != TEXT]
    numbers = [item for item in closed if scales[item].kind != "category"]
    block = np.empty((len(numbers), len(index)))
    for place, item in enumerate(numbers):
        found = decoded[item]
        np.take(found.numbers, found.codes, out=block[place], mode="clip")
    answers = pd.DataFrame(block.T, index=index, columns=numbers, copy=False)
    if len(numbers) < len(closed):
        rest = {i: decoded[i].answers.set_axis(index) for i in closed if i not in set(numbers)}
        answers = pd.concat([answers, pd.DataFrame(rest, index=index)], axis=1)[closed]
    written = {i: decoded[i].answers.set_axis(index) for i in decoded if scales[i].kind == TEXT}
    reasons = {item: found.reasons.array for item, found in decoded.items()}
    return answers, pd.DataFrame(reasons, index=index), pd.DataFrame(written, index=index)


def _check_columns(raw: RawTable, mapping: Wave) -> list[Problem]:
    """Warn both ways: mapped but absent, there but neither mapped nor ignored."""
    header = raw.cells.columns
    sources = {name: column.source for name, column in mapping.columns.items()}
    found = []
    if not set(header) & set(sources.values()):
        remedy = "Is this the export of this wave? Check source.file and source.header_row"
        shown = ", ".join(map(str, header[:5]))
        return [Problem(raw.file, "header", shown, "no mapped column is here", "", remedy)]
    for name, source in sources.items():
        if source not in header:
            remedy = "Correct the mapping, or move the item to `dropped` or `not_asked`"
            where = f"header, for {name}"
            found.append(Problem(raw.file, where, source, "no such column", "", remedy))
    known = {*sources.values(), *mapping.ignore, raw.duration}
    for name in header.difference(list(known), sort=False):
        remedy = "Map it in wave.yaml, or name it under `ignore`"
        problem = "this column is neither mapped nor ignored; it is left out"
        found.append(Problem(raw.file, "header", name, problem, "", remedy, done=KEPT, column=name))
    return found
