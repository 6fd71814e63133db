"""What is known of the columns of an export: which item or respondent field each one holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cycle_analysis.study import Study
from cycle_analysis.study.files import Column


@dataclass(frozen=True)
class Match:
    """One item or respondent field with a column.

    Attributes
    ----------
    name, source : str
        Item or field, and the column.
    reason : str
        Why they belong together.
    sure : bool
        Whether it can be filled in unseen.
    recode : dict of str to str
        Codes of the file to codes of the codebook, when they seem to differ; ``""`` where only a
        person knows.
    comparable : str
        Whether answers compare with other waves: full, partial or broken.
    """

    name: str
    source: str
    reason: str
    sure: bool
    recode: dict[str, str] = field(default_factory=dict)
    comparable: str = "full"

    @property
    def is_open(self) -> bool:
        """Whether a person has to fill in codes."""
        return not all(self.recode.values())


@dataclass(frozen=True)
class Matches:
    """What is known of an export.

    Attributes
    ----------
    found : dict of str to Match
        By item or respondent field.
    service : dict of str to str
        Columns of the survey tool or with personal data, and why they are left out.
    unknown_columns, unknown_items : list of str
        What is left on both sides.
    """

    found: dict[str, Match]
    service: dict[str, str]
    unknown_columns: list[str]
    unknown_items: list[str]


def last_mapping(study: Study) -> Mapping[str, Column]:
    """Give the columns of the last wave that the study has."""
    return list(study.mappings.values())[-1].columns if study.mappings else {}
