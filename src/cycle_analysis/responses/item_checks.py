"""Check one column of an export against its item: what is understood, mended, set missing, refused.

Cells that no rule understands are listed one by one; cells that a rule mended are listed once for
each distinct text, with their number.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.problems import (
    FIXED,
    KEPT,
    REJECTED,
    SET_MISSING,
    TABLE_COLUMNS,
    Problem,
    as_shown,
)
from cycle_analysis.readers import RawTable
from cycle_analysis.responses.answers import Decoded, decode
from cycle_analysis.responses.coding import DECLARED_MISSING, RECODED, RESCALED
from cycle_analysis.responses.plausibility import find_shift, find_turned_labels
from cycle_analysis.responses.privacy import hide_personal
from cycle_analysis.study.files import Column, Scale
from cycle_analysis.words import ANSWERED, INVALID, normalise

N_FIXES = 50
"""More distinct texts of one column than this that one rule mended are listed as one."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One item as a wave asked it.

    Attributes
    ----------
    raw : RawTable
        The export.
    item : str
        Its name in the codebook.
    column : Column
        Where it stands.
    scale : Scale
        How the codebook codes it.
    names : Series, n respondents
        Names of the respondents that count, on their rows.
    """

    raw: RawTable
    item: str
    column: Column
    scale: Scale
    names: "pd.Series[str]"

    @property
    def texts(self) -> pd.Series:
        """The cells of those respondents."""
        texts = self.raw.cells[self.column.source]
        return texts if len(texts) == len(self.names) else texts.loc[self.names.index]

    @property
    def labels(self) -> dict[str, str]:
        """Labels that the file has for this column."""
        return self.raw.labels.get(self.column.source, {})

    def problem(
        self,
        rows: pd.Index,
        value: str,
        problem: str,
        remedy: str = "",
        *,
        done: str = REJECTED,
        rule: str = "",
    ) -> Problem:
        """Describe a problem with this column on some rows."""
        place = (self.column.source, rows, value, problem, "", remedy)
        return self.raw.problem(*place, done=done, rule=rule, item=self.item)


def check_item(asked: Asked, max_invalid: float) -> tuple[Decoded, list[Problem], pd.DataFrame]:
    """Decode a column and say what is wrong with it.

    Returns
    -------
    Decoded
        Its answers.
    list of Problem
        What stops the run, what was mended, what is doubtful.
    DataFrame
        One row for each cell that was set to missing, columns as the problem table.
    """
    declared = asked.raw.missing.get(asked.column.source, [])
    decoded = decode(asked.texts, asked.column, asked.scale, asked.labels, declared)
    rejected = _flawed(asked) + _turned(asked) + _off_scale(asked, decoded, max_invalid)
    if rejected:
        return decoded, rejected, pd.DataFrame(columns=list(TABLE_COLUMNS))
    return decoded, _mended(asked, decoded) + _unlabelled(asked, decoded), _cells(asked, decoded)


def _flawed(asked: Asked) -> list[Problem]:
    """Formulas, error cells and dates are no answers, whatever they show."""
    if (flaws := asked.raw.flaws).empty:
        return []
    flaws = flaws[(flaws["column"] == asked.column.source) & flaws["row"].isin(asked.names.index)]
    if asked.scale.kind == "text":
        flaws = flaws[flaws["problem"].str.contains("error")]
    remedy = "Correct the cell; a formula: copy the column and paste its values"
    return [
        asked.problem(pd.Index(same["row"]), ", ".join(same["value"].unique()[:5]), problem, remedy)
        for problem, same in flaws.groupby("problem")
    ]


def _turned(asked: Asked) -> list[Problem]:
    """The file and the codebook give the same words different codes."""
    if not (turned := find_turned_labels(asked.labels, asked.scale, asked.column)):
        return []
    remedy = "Add a `map` from the codes of the file to those of the codebook in wave.yaml"
    problem = "the labels of the file belong to other codes in the codebook"
    return [asked.problem(pd.Index([]), "; ".join(turned[:5]), problem, remedy)]


def _off_scale(asked: Asked, decoded: Decoded, max_invalid: float) -> list[Problem]:
    """Refuse a column that is not what the mapping says."""
    remedy = "Correct the item's scale in the codebook, or add a `map` or `linear` in wave.yaml"
    distinct = decoded.distinct
    invalid = distinct["reason"] == INVALID
    n_wrong = int(decoded.counts[invalid].sum())
    if not n_wrong and not asked.column.map and (distinct["problem"] == "").all():
        return []
    wrong = decoded.index[decoded.rows(invalid)]
    examples = ", ".join(map(hide_personal, distinct.index[invalid][:5]))
    if (clash := distinct["problem"] == DECLARED_MISSING).any():
        rows = decoded.index[decoded.rows(clash)]
        shown = ", ".join(distinct.index[clash][:5])
        return [asked.problem(rows, shown, DECLARED_MISSING, remedy)]
    if shift := find_shift(decoded, asked.scale, asked.column):
        return [asked.problem(wrong, examples, shift, remedy)]
    n_given = n_wrong + int(decoded.counts[distinct["reason"] == ANSWERED].sum())
    if len(wrong) <= max(max_invalid * n_given, 1):
        return []
    problem = f"{len(wrong)} of {n_given} answers are no answers of this scale, among them: "
    problem += str(distinct.loc[invalid, "problem"].iloc[0])
    return [asked.problem(wrong, examples, problem, remedy)]


def _mended(asked: Asked, decoded: Decoded) -> list[Problem]:
    """Log texts that a rule turned into a code or a reason, once each."""
    distinct = decoded.distinct
    logged = distinct[(distinct["rule"] != "") & ~distinct["rule"].isin([RECODED, RESCALED])]
    found = []
    for rule, same in logged.groupby("rule", sort=False):
        by_text = [same.iloc[[i]] for i in range(len(same))] if len(same) <= N_FIXES else [same]
        for part in by_text:
            rows = decoded.index[decoded.rows(distinct.index.to_series().isin(part.index))]
            first = part.iloc[0]
            new = first["reason"] or str(first["value"]).removesuffix(".0")
            problem = "is no code, but is understood" if not first["reason"] else "is no answer"
            found.append(
                asked.problem(
                    rows, str(part.index[0]), f"{problem}: {new}", done=FIXED, rule=str(rule)
                )
            )
    return found


def _unlabelled(asked: Asked, decoded: Decoded) -> list[Problem]:
    """Warn of codes without a label in a file that labels the others."""
    labelled = set(asked.labels) - set(asked.scale.missing)
    steps = {code for code in asked.scale.labels} & labelled
    if len(steps) < 3 or asked.scale.kind not in ("rating", "category"):
        return []
    distinct = decoded.distinct
    bare = (distinct["reason"] == ANSWERED) & ~distinct.index.isin(labelled)
    bare &= ~distinct.index.map(normalise).isin({normalise(t) for t in asked.labels.values()})
    return [
        asked.problem(
            decoded.index[decoded.rows(distinct.index.to_series() == text)],
            str(text),
            "has no label in the file, where other codes have",
            done=KEPT,
        )
        for text in distinct.index[bare]
    ]


def _cells(asked: Asked, decoded: Decoded) -> pd.DataFrame:
    """List every cell that was set to missing."""
    distinct = decoded.distinct
    invalid = distinct["reason"] == INVALID
    if not invalid.any():
        return pd.DataFrame(columns=list(TABLE_COLUMNS))
    shown = pd.Series({text: as_shown(hide_personal(text)) for text in distinct.index[invalid]})
    wrong = np.flatnonzero(decoded.rows(invalid))
    chosen = distinct.iloc[decoded.codes[wrong]]
    rows = decoded.index[wrong]
    column = asked.column.source
    table = pd.DataFrame(
        {
            "row": [str(row) for row in rows],
            "respondent": asked.names.to_numpy()[wrong],
            "value": shown.loc[chosen.index].to_numpy(),
            "problem": chosen["problem"].to_numpy(),
            "where": [f"row {row}, column {column} ({asked.item})" for row in rows],
        },
        dtype="str",
    )
    table = table.assign(file=asked.raw.file, sheet=asked.raw.sheet, column=column)
    table = table.assign(done=SET_MISSING, rule="codebook", allowed="", remedy="", n=1)
    return table[list(TABLE_COLUMNS)]
