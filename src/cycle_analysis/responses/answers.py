"""Turn the texts of one column into coded answers.

Every rule of `coding` is tried on each distinct text once. What none of them understands is an
invalid answer: it is counted as missing with the reason `invalid` and stands in the problem table.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.responses.coding import Ranges, coding_rules, understand
from cycle_analysis.study.files import Column, Scale
from cycle_analysis.words import ANSWERED, BLANK, INVALID

REASONS = pd.CategoricalDtype(
    [ANSWERED, "dont_know", "not_applicable", "not_shown", "refused", BLANK, INVALID]
)
"""All reasons why there can be no answer, and none."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The answers of one column.

    Attributes
    ----------
    distinct : DataFrame, n distinct texts × 4
        Index: the texts; `value`, `reason`, `rule`, `problem` as in `coding.Answer`.
    codes : ndarray, n respondents
        Which of the distinct texts each respondent gave.
    counts : ndarray, n distinct texts
        How many respondents gave each.
    index : Index, n respondents
    """

    distinct: pd.DataFrame
    codes: np.ndarray
    counts: np.ndarray
    index: pd.Index

    @property
    def numbers(self) -> np.ndarray:
        """The value of each distinct text, missing when it is none."""
        return self.distinct["value"].to_numpy("float64")

    @property
    def answers(self) -> pd.Series:
        """Answers: numbers, or codes as text where the scale has categories or texts."""
        values = self.distinct["value"]
        return pd.Series(values.array.take(self.codes), self.index)

    @property
    def reasons(self) -> pd.Series:
        """Why there is no answer, ``""`` where there is one."""
        reasons = pd.Categorical(self.distinct["reason"], dtype=REASONS).codes
        found = pd.Categorical.from_codes(np.take(reasons, self.codes, mode="clip"), dtype=REASONS)
        return pd.Series(found, self.index)

    def rows(self, chosen: "pd.Series[bool]") -> np.ndarray:
        """Whether each respondent gave one of the chosen distinct texts."""
        return np.take(chosen.to_numpy(), self.codes, mode="clip")


def decode(
    texts: pd.Series,
    column: Column,
    scale: Scale,
    labels: dict[str, str],
    missing: Ranges = (),
) -> Decoded:
    """Decode one column.

    Parameters
    ----------
    texts : Series of str or category, n respondents
        The cells as the file has them.
    column : Column
        How the wave asked this item.
    scale : Scale
        How the codebook codes it.
    labels : dict of str to str
        Code to label as the file itself has them (SPSS), may be empty.
    missing : sequence of (low, high)
        Codes that the file declares missing, ends included.

    Examples
    --------
    >>> texts = pd.Series(["3", "weet niet", "7"])
    >>> decode(texts, Column(source="Q1"), Scale(min=0, max=4), {}).reasons.tolist()
    ['', 'dont_know', 'invalid']
    """
    codes, known, counts = _distinct(texts)
    rules = coding_rules(column, scale, labels, missing)
    answers = [understand(text, rules) for text in known]
    table = pd.DataFrame(
        {
            part: [getattr(answer, part) for answer in answers]
            for part in ("reason", "rule", "problem")
        },
        index=pd.Index(known, name="text", dtype="str"),
        dtype="str",
    )
    kind = "str" if scale.kind in ("category", "text") else "float64"
    table.insert(0, "value", pd.array([answer.value for answer in answers], dtype=kind))
    return Decoded(table, codes, counts, texts.index)


def _distinct(texts: pd.Series) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Say which text each respondent gave, the texts that occur, and how often each does."""
    cells = texts.astype("category")
    counts = np.bincount(cells.cat.codes, minlength=len(cells.cat.categories))
    if not counts.all():
        cells, counts = cells.cat.remove_unused_categories(), counts[counts > 0]
    return cells.cat.codes.to_numpy(), cells.cat.categories.tolist(), counts
