"""What a study's files may say: study.yaml and wave.yaml as frozen types, mistakes by their line.

Scalars stay text until the type says what they are: so the country code ``NO``, the answer
``no``, the code ``0059`` and a date arrive as they were typed. Another questionnaire, another kind
of unit or another wave is a matter of these files, not of code.

Texts are compared as people read them, and words that stand for no answer are known.
"""

import datetime
import math
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cycle_analysis.study.text_files import YamlText

ANSWERED, BLANK, INVALID = "", "blank", "invalid"
MISSING_WORDS = yaml.safe_load(Path(__file__).with_name("missing_words.yaml").read_text("utf-8"))
"""Words that surveys use for a missing answer, whatever the scale."""
NO_TEXT = ("", "-", "--", ".", "n/a", "nvt", "n.v.t.")
"""What stands for no answer to an open question, where other words may be the answer."""
REMARK = re.compile(r"(.+?)\s*[(\[].+[)\]]")
"""A label with a remark behind it: ``Not asked (other half)``."""
_REASON_OF = {word: reason for reason, words in MISSING_WORDS.items() for word in words}
_QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "\u200b": None, "\ufeff": None})


class Frozen(BaseModel):
    """A model that cannot change once read, and knows no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _an_empty_list_is_nothing(cls, value: Any) -> Any:
        """A key of a list or mapping may stand there without any entry, or with comments only."""
        if not isinstance(value, dict):
            return value
        lists = {name for name, entry in cls.model_fields.items() if entry.default in ([], {})}
        return {name: part for name, part in value.items() if part != "" or name not in lists}


LANGUAGES = ["nl", "en"]
"""Languages of a study that names none."""


def languages_named(text: YamlText) -> list[str]:
    """Give the languages that a study.yaml names, before it is known to be right."""
    named = text.tree.get("languages") if isinstance(text.tree, dict) else None
    return [str(name) for name in named] if isinstance(named, list) and named else LANGUAGES


RESPONDENT_FIELDS = ("respondent", "unit", "role", "province", "duration")
"""What a wave may map besides items: who answered, for which unit, in which role; the province that
tells two units of one name apart; the seconds it took."""


SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What studies, waves, phases and developments may be called: safe as a file name anywhere."""
NAME_RULE = (
    "letters a to z, digits, - and _, the first a letter or digit; no name that Windows keeps for "
    "itself (con, nul, …)"
)
RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d|all_waves")
"""Names that Windows keeps for itself, and the one that the results keep for all waves."""
OWN_NOTEBOOK = re.compile(r"(?:09|[1-9][0-9])_[a-z0-9_]+")
"""What a notebook of a study's own may be called: numbered after those of the package."""
BUNDLED = "municipalities"
"""The register that comes with the package."""
Reason = Literal["dont_know", "not_applicable", "not_shown", "refused", "blank"]
"""Why there is no answer."""


def is_reserved(name: str) -> bool:
    """Whether a folder of this name would go wrong somewhere.

    Examples
    --------
    >>> is_reserved("NUL"), is_reserved("2022")
    (True, False)
    """
    return bool(RESERVED.fullmatch(name))


def _no_path(name: str) -> str:
    if Path(name).name != name or "\\" in name:
        raise ValueError("is a path; give the name of a file beside this one")
    return name


def _rounds(multiple: int) -> int:
    if multiple < 1 or multiple == 2:
        raise ValueError("rounds to no multiple; give 5, another from 3 up, or 1 to tell all")
    return multiple


def _own_notebook(name: str) -> str:
    if not OWN_NOTEBOOK.fullmatch(name):
        raise ValueError("is no name of an own notebook; give it a number from 09: 09_my_question")
    return name


FileName = Annotated[str, AfterValidator(_no_path)]
"""A file that stands beside the one that names it."""


class Text(Frozen):
    """A text in each language of the study; ``text["nl"]`` gives one of them.

    Examples
    --------
    >>> text = Text(nl="gemeente", en="municipality")
    >>> text["nl"], text.languages
    ('gemeente', ['nl', 'en'])
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[str, Field(min_length=1)]] = Field(init=False)

    def __getitem__(self, language: str) -> str:
        return self.__pydantic_extra__[language]

    @property
    def languages(self) -> list[str]:
        """Languages in which there is a text."""
        return list(self.__pydantic_extra__)

    @model_validator(mode="after")
    def _is_in_the_languages_of_the_study(self, known: ValidationInfo) -> Self:
        languages = self.languages if known.context is None else known.context["languages"]
        for language in self.languages:
            if language not in languages:
                raise PydanticCustomError("language_unknown", "{key}", {"key": language})
        for language in languages:
            if language not in self.languages:
                raise PydanticCustomError("language_missing", "{key}", {"key": language})
        return self


class Development(Frozen):
    """One of the developments that phases fall into."""

    code: str
    label: Text


class Phase(Frozen):
    """One phase of the cycle; `short` is the label in figures."""

    code: str
    development: str
    label: Text
    short: Text


class Missing(Text):
    """An answer code that means no answer, and why there is none."""

    reason: Reason


class Scale(Frozen):
    """How an item is answered; ratings run from `min` to `max`."""

    kind: Literal["rating", "category", "number", "text"] = "rating"
    min: float | None = None
    max: float | None = None
    labels: dict[str, Text] = {}
    missing: dict[str, Missing] = {}

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest code; a scale without one runs on to infinity."""
        low = -math.inf if self.min is None else self.min
        return low, math.inf if self.max is None else self.max

    def steps(self, language: str) -> dict[str, str]:
        """Give the codes of a scale with two ends, from low to high: texts, or the code itself."""
        codes = (str(n) for n in range(int(self.ends[0]), int(self.ends[1]) + 1))
        return {n: self.labels[n][language] if n in self.labels else n for n in codes}

    def knows(self, code: str) -> bool:
        """Whether a code is an answer on this scale, or one of its missing codes."""
        if code in self.missing or code in self.labels or self.kind == "text":
            return True
        low, high = self.ends
        is_number = re.fullmatch(r"-?\d+(?:\.\d+)?", code, re.ASCII)
        return self.kind != "category" and bool(is_number) and low <= float(code) <= high

    def _has(self, code: str) -> bool:
        low, high = self.ends
        has_ends = math.isfinite(low + high)
        return has_ends and code.lstrip("-").isdecimal() and low <= float(code) <= high

    @model_validator(mode="after")
    def _has_ends(self) -> "Scale":
        if self.kind == "rating" and (self.min is None or self.max is None or self.min >= self.max):
            raise ValueError("a rating scale needs min and max, with min below max")
        if self.kind == "category" and not self.labels:
            raise ValueError("a category scale needs labels")
        if double := sorted(set(self.labels) & set(self.missing)):
            raise ValueError(f"codes {double} are both an answer and missing")
        codes = dict[str, list[str]]()
        for code, text in {**self.labels, **self.missing}.items():
            for word in dict.fromkeys(normalise(text[language]) for language in text.languages):
                codes.setdefault(word, []).append(code)
        for word, same in codes.items():
            if len(same) > 1 and same[0] in self.labels:
                raise ValueError(f"codes {same} share the label {word!r}: give each one or none")
        if inside := [code for code in self.missing if self.kind != "category" and self._has(code)]:
            raise ValueError(f"missing codes {inside} lie within the answers")
        return self


class Units(Frozen):
    """What the study compares: municipalities unless it says otherwise.

    `register` is the register that comes with the package, or a csv of the study's own, with its
    `events`; `map` is a GeoJSON or TopoJSON of the units' borders.
    """

    one: Text = Text(**{"nl": "gemeente", "en": "municipality"})
    many: Text = Text(**{"nl": "gemeenten", "en": "municipalities"})
    register_file: FileName = Field(default=BUNDLED, alias="register", min_length=1)
    events: FileName = ""
    map_file: FileName = Field(default="", alias="map")

    @property
    def files(self) -> list[str]:
        """Names of the study's own files on its units."""
        register = "" if self.register_file == BUNDLED else self.register_file
        return [name for name in (register, self.events, self.map_file) if name]


class PhaseModel(Frozen):
    """The phase model that a study works out: how it is cited, and what the report says of it."""

    reference: str
    text: Text
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$")


class About(Frozen):
    """What the report says of itself: by and for whom it is, of when, and how it may be used."""

    author: str = ""
    client: str = ""
    date: str = ""
    licence: str = ""
    cite: str = ""


class Statements(Frozen):
    """What checklists ask of the author: where it was registered, who paid, how many were asked."""

    registration: str = ""
    intended_n: str = ""
    approached: str = ""
    ethics: str = ""
    funding: str = ""
    conflicts: str = ""


class Robustness(Frozen):
    """Choices as defensible as those of the headline, for ``cycle-analysis robustness``.

    A choice without options stays as it is in the headline. `left_out` says what is left out one at
    a time; with `other_waves` every wave is once the one in which profiles are found.
    """

    aggregation: list[Literal["mean", "median", "echelon", "adjusted"]] = [
        *("mean", "echelon", "adjusted")
    ]
    min_answered: list[Annotated[float, Field(ge=0, le=1)]] = [0.5, 0.75]
    careless: list[Literal["kept", "left_out"]] = ["kept", "left_out"]
    scaling: list[Literal["true_scores", "points", "z_scores", "shrunken", "shapes"]] = [
        *("true_scores", "points", "z_scores", "shrunken")
    ]
    method: list[Literal["profiles", "ward"]] = ["profiles", "ward"]
    k: list[Literal["own", "same", "fewer", "more"]] = ["own", "fewer", "more"]
    weights: list[Literal["equal", "raked"]] = ["equal", "raked"]
    active_from: list[Annotated[float, Field(ge=0, le=100)]] = [40, 50, 60]
    left_out: list[Literal["item", "phase"]] = ["item", "phase"]
    other_waves: bool = True


class StudyFile(Frozen):
    """The contents of study.yaml.

    `languages` are those of its texts, and there is a report in each; `round_to` is the multiple
    that numbers of units are rounded to in reports (1 tells them as they are, for studies whose
    participants agreed).
    `off_topic_blocks` names the blocks of the codebook that do not ask about the phases, from which
    a style of answering can be told; `self_placement` names for each development the yes-or-no item
    on which a unit places itself there; `domains` names the items that ask in which phase a policy
    domain is (0 not begun, 1 the first phase, and so on), each with what the domain is called.
    `own_notebooks` stand in the study's folder ``notebooks``; a run executes them after 07, on the
    reference wave where they have a parameter `wave`. `robustness` lists other defensible choices.
    """

    title: Text
    languages: list[str] = Field(default=LANGUAGES, min_length=1)
    synthetic: bool = False
    population: Text
    units: Units = Units()
    about: About = About()
    statements: Statements = Statements()
    model: PhaseModel | None = None
    developments: list[Development] = Field(min_length=1)
    phases: list[Phase] = Field(min_length=2)
    scales: dict[str, Scale]
    roles: dict[str, Text] = {}
    waves: list[str] = Field(min_length=1)
    reference_wave: str
    profile_names: list[Text] = []
    off_topic_blocks: dict[str, Text] = {}
    self_placement: dict[str, str] = {}
    domains: dict[str, Text] = {}
    own_notebooks: list[Annotated[str, AfterValidator(_own_notebook)]] = []
    round_to: Annotated[int, AfterValidator(_rounds)] = 5
    robustness: Robustness = Robustness()
    parameters: dict[str, dict[str, str]] = {}


class Fieldwork(Frozen):
    """First and last day on which answers came in.

    `units_on` is the day between them whose units count, where units changed meanwhile.
    """

    start: datetime.date
    end: datetime.date
    units_on: datetime.date | None = None

    @property
    def day(self) -> datetime.date:
        """Day whose units count: the first, unless another is named."""
        return self.units_on or self.start

    @model_validator(mode="after")
    def _runs_forward(self) -> "Fieldwork":
        if self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        if not self.start <= self.day <= self.end:
            raise ValueError(f"units_on {self.day} lies outside the fieldwork")
        return self


class Source(Frozen):
    """The raw file of a wave, and what sniffing should not decide."""

    file: str
    sha256: str = ""
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_row: int = Field(default=1, ge=1)


class Linear(Frozen):
    """The ends of the scale as it was asked, carried to the ends of the codebook's scale."""

    from_: tuple[float, float] = Field(alias="from")

    @model_validator(mode="after")
    def _runs_upwards(self) -> "Linear":
        if not self.from_[0] < self.from_[1]:
            raise ValueError(f"from {list(self.from_)}: the lowest answer comes first")
        return self


class Column(Frozen):
    """Where an item stands in the raw file, and how it was asked there."""

    source: str = Field(min_length=1)
    map: dict[str, str] = {}
    linear: Linear | None = None
    comparable: Literal["full", "partial", "broken"] = "full"

    @model_validator(mode="before")
    @classmethod
    def _a_bare_name_is_a_source(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"source": value}

    @model_validator(mode="after")
    def _is_carried_over_in_one_way(self) -> "Column":
        if self.map and self.linear:
            raise ValueError("`map` and `linear` exclude each other")
        first = dict[str, str]()
        for old, new in self.map.items():
            if first.setdefault(normalise(old), new) != new:
                raise ValueError(f"{old!r} stands twice in `map`, apart from capitals and spaces")
        return self


class Wave(Frozen):
    """The contents of wave.yaml: one round of the survey.

    `invited` is a csv of the units that were invited; without it all units of the population were.
    """

    wave: str
    label: Text
    fieldwork: Fieldwork
    source: Source
    invited: FileName = ""
    columns: dict[str, Column]
    dropped: dict[str, str] = {}
    not_asked: dict[str, str] = {}
    ignore: list[str] = []

    @property
    def items(self) -> list[str]:
        """Items that this wave asked, in the order of the file."""
        return [name for name in self.columns if name not in RESPONDENT_FIELDS]


def read_column(given: Any) -> Column:
    """Read one column of a wave; of one that is wrong, its source alone."""
    try:
        return Column.model_validate(given)
    except ValidationError:
        source = given.get("source", "") if isinstance(given, dict) else given
        return Column.model_construct(source=source if isinstance(source, str) else "")


def normalise(text: str) -> str:
    r"""Write a text as labels are compared: composed, one kind of quote and space, lower case.

    Examples
    --------
    >>> normalise(" Helemaal\u00a0eens ")
    'helemaal eens'
    """
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    return " ".join(text.split()).casefold()


def missing_reason(text: str) -> str | None:
    """Give the reason that a word for no answer tells; None when it is no such word.

    Examples
    --------
    >>> missing_reason("N.v.t."), missing_reason("nvt."), missing_reason("eens")
    ('not_applicable', 'not_applicable', None)
    >>> missing_reason("Weet niet / Don't know"), missing_reason("weet niet / eens")
    ('dont_know', None)
    >>> missing_reason("Keine Angabe"), missing_reason("Don't know (do not read out)")
    ('refused', 'dont_know')
    """
    word = normalise(text)
    known = _REASON_OF.get(word, _REASON_OF.get(word.replace(".", "") or word))
    if (remark := REMARK.fullmatch(word)) and _REASON_OF.get(remark[1], BLANK) != BLANK:
        return _REASON_OF[remark[1]]
    parts = [part for part in re.split(r"\s*[/|]\s*", word) if part]
    if known is not None or len(parts) < 2:
        return known
    reasons = [missing_reason(part) for part in parts]
    return reasons[0] if all(reasons) else None


def codes_by_label(labels: Mapping[str, Text]) -> dict[str, str]:
    """Give the code of each label, in every language, as labels are compared.

    Examples
    --------
    >>> codes_by_label({"4": Text(nl="Eens", en="Agree")})
    {'eens': '4', 'agree': '4'}
    """
    return {normalise(text[lang]): code for code, text in labels.items() for lang in text.languages}
