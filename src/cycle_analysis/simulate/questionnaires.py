"""Hold what a study asks, and what was answered in one wave, before it becomes a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """What study.yaml and codebook.csv say of the answers.

    Attributes
    ----------
    codebook : DataFrame
        Index `item`; block, phase, scale, reversed (bool), question_nl, question_en.
    scales, roles : mapping
        As in study.yaml.
    """

    codebook: pd.DataFrame
    scales: Mapping[str, Mapping[str, Any]]
    roles: Mapping[str, Mapping[str, str]]

    def scale_of(self, item: str) -> Mapping[str, Any]:
        """Scale of an item, as in study.yaml."""
        return self.scales[self.codebook.loc[item, "scale"]]

    def missing_codes(self, item: str) -> dict[str, float]:
        """Code that stands for each reason why an answer may be missing."""
        missing = self.scale_of(item).get("missing", {})
        return {entry["reason"]: float(code) for code, entry in missing.items()}

    @property
    def ends(self) -> pd.DataFrame:
        """Least and highest answer (`minimum`, `maximum`) of each scale that has them."""
        ends = {
            name: {"minimum": scale["min"], "maximum": scale["max"]}
            for name, scale in self.scales.items()
            if "min" in scale
        }
        return pd.DataFrame.from_dict(ends, orient="index")


@dataclass(frozen=True, eq=False)
class WaveAnswers:
    """The answers of one wave, before they take the shape of an export.

    Attributes
    ----------
    respondents : DataFrame, n respondents
        Index `respondent`, in the order in which they started; `unit`, `name` (of the unit, as
        this respondent writes it), `role`.
    given : DataFrame, n respondents × items
        Code, number, or text on the scale of the codebook, as if all had answered.
    reasons : DataFrame, n respondents × items
        Why an answer is missing: blank, dont_know, not_applicable; "" where answered.
    """

    respondents: pd.DataFrame
    given: pd.DataFrame
    reasons: pd.DataFrame


def read_questionnaire(folder: Path, study: Mapping[str, Any]) -> Questionnaire:
    """Read codebook.csv of a study folder whose study.yaml holds `study`."""
    codebook = pd.read_csv(folder / "codebook.csv", dtype="str", keep_default_na=False)
    codebook = codebook.set_index("item")
    codebook["reversed"] = codebook["reversed"] == "yes"
    return Questionnaire(codebook, study["scales"], study["roles"])
