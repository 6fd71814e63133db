"""The verdict on whether there are profiles, and its evidence.

The four verdicts on whether there are profiles, in the words of the report.

Give one of four verdicts on whether there are profiles, from everything that was looked at.

Profiles are announced when three things agree: BIC takes more than one, every kind of survey
without groups is separated less clearly, and the groups are more than steps of one series. Lines
that cross show the last: a profile that is lower on the whole is higher on some phase. Where no
lines cross, units can be set on one scale, and there the units of a steep cumulative series heap
as groups do; then only a gap on that scale, the mean score, tells groups from steps.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.profiles.selection import Choice
from cycle_analysis.profiles.separation import separation_p
from cycle_analysis.texts import set_number, set_percent

PROFILES = "profiles"
STRUCTURE = "structure, but no separable profiles"
CONTINUUM = "continuum"
NO_STRUCTURE = "no structure"

TITLES = {
    PROFILES: {"nl": "Er zijn profielen", "en": "There are profiles"},
    STRUCTURE: {
        "nl": "Structuur, maar geen te onderscheiden profielen",
        "en": "Structure, but no separable profiles",
    },
    CONTINUUM: {"nl": "Een continuüm, geen profielen", "en": "A continuum, no profiles"},
    NO_STRUCTURE: {"nl": "Geen structuur", "en": "No structure"},
}
"""The verdicts as titles of a figure."""

IDENTICAL = {
    "nl": "Alle eenheden met volledige scores zijn gelijk: er valt niets te verdelen.",
    "en": "All units with complete scores are the same: there is nothing to divide.",
}

STEPS = {
    "nl": "De lijnen van de profielen kruisen niet, maar hun niveau heeft gaten (p = {gaps}): het "
    "zijn gescheiden treden van één reeks.",
    "en": "The lines of the profiles do not cross, but their level has gaps (p = {gaps}): they "
    "are separate steps of one series.",
}
"""Beside the verdict *profiles* when no lines cross."""

_NOT_SEPARABLE = {
    "nl": "Er is structuur, maar er zijn geen te onderscheiden profielen.",
    "en": "There is structure, but there are no separable profiles.",
}
_IS_CONTINUUM = {"nl": "Er is een continuüm.", "en": "There is a continuum."}
_NO_GAPS = {
    "nl": "BIC kiest {k} profielen ({model}), en de {n} eenheden vallen duidelijker in groepen "
    "uiteen (silhouet {silhouette}) dan enquêtes zonder groepen (p = {p}). Maar de lijnen van die "
    "groepen kruisen niet en hun niveau heeft geen aantoonbare gaten (p = {gaps}): zo hopen "
    "eenheden zich ook op langs één oplopende reeks. Een indeling is een hulpmiddel, geen "
    "bevinding.",
    "en": "BIC takes {k} profiles ({model}), and the {n} units fall into groups more "
    "clearly (silhouette {silhouette}) than surveys without groups (p = {p}). But the lines of "
    "those groups do not cross and no gaps in their level are demonstrated (p = {gaps}): so do "
    "units heap along one cumulative series. A division is an aid, not a finding.",
}
LADDER = {
    verdict: {language: f"{opening[language]} {_NO_GAPS[language]}" for language in _NO_GAPS}
    for verdict, opening in ((STRUCTURE, _NOT_SEPARABLE), (CONTINUUM, _IS_CONTINUUM))
}
"""Texts of these verdicts when all that is lacking is that lines cross or levels have gaps."""

VERDICTS = {
    PROFILES: {
        "nl": "Er zijn profielen. BIC kiest {k} profielen ({model}), en de {n} eenheden vallen "
        "duidelijker in groepen uiteen (silhouet {silhouette}) dan enquêtes zonder groepen met "
        "dezelfde verdelingen en samenhang (p = {p}).",
        "en": "There are profiles. BIC takes {k} profiles ({model}), and the {n} units fall "
        "into groups more clearly (silhouette {silhouette}) than surveys without groups of the "
        "same marginals and correlations (p = {p}).",
    },
    STRUCTURE: {
        "nl": _NOT_SEPARABLE["nl"] + " BIC kiest k = {k} ({model}); de {n} eenheden vallen niet "
        "aantoonbaar duidelijker in groepen uiteen (silhouet {silhouette}) dan enquêtes zonder "
        "groepen (p = {p}), of de twee maatstaven spreken elkaar tegen. Een indeling is een "
        "hulpmiddel, geen bevinding.",
        "en": _NOT_SEPARABLE["en"] + " BIC takes k = {k} ({model}); the {n} units do not "
        "demonstrably fall into groups (silhouette {silhouette}) more clearly than surveys "
        "without groups (p = {p}), or the two measures contradict each other. A division is an "
        "aid, not a finding.",
    },
    CONTINUUM: {
        "nl": "Er is een continuüm: de {n} eenheden verschillen langs één dimensie, en groepen "
        "zijn niet aangetoond. Van het verschil tussen groepen is {level} niveau. Niveaus "
        "zijn te beschrijven, maar de grenzen ertussen zijn willekeurig gekozen en krijgen geen "
        "namen (BIC kiest k = {k}, {model}; toets op groepen p = {p}).",
        "en": "There is a continuum: the {n} units differ along one dimension, and groups are "
        "not demonstrated. Of what separates groups {level} is level. Levels can be "
        "described, but the cuts between them are arbitrary and get no names (BIC takes k = {k}, "
        "{model}; test for groups p = {p}).",
    },
    NO_STRUCTURE: {
        "nl": "Er is geen structuur: de scores van de {n} eenheden hangen niet méér samen dan bij "
        "toeval en vallen niet in groepen uiteen (BIC kiest k = {k}; p = {p}).",
        "en": "There is no structure: the scores of the {n} units are no more related than by "
        "chance and do not fall into groups (BIC takes k = {k}; p = {p}).",
    },
    "found": {
        "nl": "Bij {nearest} eenheden (hier {n}) vindt deze toets vier duidelijke profielen in "
        "{clear} van de gesimuleerde enquêtes en vier zwakke in {weak}; in een continuüm "
        "meldt zij ten onrechte profielen in hoogstens {false}.",
        "en": "With {nearest} units (here {n}) this test finds four clear profiles in {clear} "
        "of simulated surveys and four weak ones in {weak}; on a continuum it wrongly "
        "announces profiles in at most {false}.",
    },
}
"""Texts by verdict and language; `found` says what a study of this size could have found."""

FOUND: dict[int, dict[str, float]] = {
    100: {"clear": 0.98, "weak": 0.007, "false": 0.01},
    200: {"clear": 1.0, "weak": 0.05, "false": 0.01},
    350: {"clear": 1.0, "weak": 0.10, "false": 0.01},
}
"""Rates from benchmarks/verdict.csv by number of units. `false` is a bound: over its three continua
none of 480 surveys or more was taken for profiles, which allows .6 % (95 %, rule of three)."""


def found_at(n: int, language: str) -> str:
    """Say what a study of n units could have found, from the simulations in benchmarks/."""
    nearest = min(FOUND, key=lambda size: abs(math.log(size / max(n, 1))))
    rates = {name: set_percent(rate, 0, language) for name, rate in FOUND[nearest].items()}
    return VERDICTS["found"][language].format(n=n, nearest=nearest, **rates)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the verdict rests on.

    Attributes
    ----------
    choice : Choice
        What BIC takes.
    silhouettes : Series, index k
        Mean silhouette of Ward + k-means for k = 2..K.
    null_silhouettes : DataFrame, B replicates × (null, k)
        The same of surveys without groups.
    shares : Series
        Elevation, scatter and shape shares of Ward + k-means at the choice's k (at least 2).
    lines_cross : bool
        Whether a lower profile stands above a higher one on some phase.
    p_one_mode : float
        Chance of gaps as wide in the mean score when it has none (Silverman 1981).
    n_dimensions : int
        Eigenvalues of the correlations beyond chance (parallel analysis, Horn 1965).
    p_one_dimension : float
        Chance of correlations as far from one common factor when there is only one.
    alpha : float
        Level of the tests.
    n_units : int
        Units with all scores.
    """

    choice: Choice
    silhouettes: pd.Series
    null_silhouettes: pd.DataFrame
    shares: pd.Series
    lines_cross: bool
    p_one_mode: float
    n_dimensions: int
    p_one_dimension: float
    alpha: float
    n_units: int

    @property
    def p_values(self) -> pd.Series:
        """Per null (b + 1) / (B + 1), b the replicates separated at least as well."""
        names = self.null_silhouettes.columns.unique(0)
        return pd.Series(
            [separation_p(self.silhouettes, self.null_silhouettes[name]) for name in names], names
        )

    @property
    def separation(self) -> pd.DataFrame:
        """Silhouettes beside those without groups, index k.

        Columns survey, and of each null its mean and 95th percentile: copula_mean, copula_p95.
        """
        table = pd.DataFrame({"survey": self.silhouettes})
        for name in self.null_silhouettes.columns.unique(0):
            drawn = self.null_silhouettes[name].reindex(columns=table.index)
            table[f"{name}_mean"] = drawn.mean()
            table[f"{name}_p95"] = drawn.quantile(0.95)
        return table

    @property
    def separated(self) -> bool:
        """Whether every null is rejected at `alpha`."""
        p = self.p_values
        return bool(len(p) and (p <= self.alpha).all())

    @property
    def ladder(self) -> bool:
        """Whether separate groups may be no more than the steps of one series without gaps."""
        uncrossed = not self.lines_cross and self.p_one_mode > self.alpha
        return self.choice.k > 1 and self.separated and uncrossed

    @property
    def verdict(self) -> str:
        """One of `PROFILES`, `STRUCTURE`, `CONTINUUM`, `NO_STRUCTURE`.

        Without profiles: `NO_STRUCTURE` when nothing is announced and no correlation goes beyond
        chance, `CONTINUUM` when one common factor is enough for the correlations, `STRUCTURE` when
        it is not or when the evidence contradicts itself.
        """
        announced = self.choice.k > 1
        if announced and self.separated and not self.ladder:
            return PROFILES
        if self.n_dimensions == 0:
            return STRUCTURE if announced or self.separated else NO_STRUCTURE
        return CONTINUUM if self.p_one_dimension > self.alpha else STRUCTURE

    def title(self, language: str) -> str:
        """Give the verdict in a few words (nl or en)."""
        return TITLES[self.verdict][language]

    def sentence(self, language: str) -> str:
        """Give the verdict in words (nl or en), with the figures it rests on."""
        if self.null_silhouettes.empty:
            return IDENTICAL[language]
        words = LADDER if self.ladder else VERDICTS
        gaps = set_number(self.p_one_mode, 3, language)
        text = words[self.verdict][language].format(
            n=self.n_units,
            k=self.choice.k,
            model=self.choice.method,
            silhouette=set_number(self.silhouettes.max(), 2, language),
            p=set_number(self.p_values.max(), 3, language),
            gaps=gaps,
            level=set_percent(self.shares["elevation"], 0, language),
        )
        if self.verdict != PROFILES or self.lines_cross:
            return text
        return f"{text} {STEPS[language].format(gaps=gaps)}"

    def __str__(self) -> str:
        return self.sentence("en")


def nothing_to_divide(n_units: int, alpha: float) -> Evidence:
    """Set the evidence of units that are all the same: there is no structure, and no test."""
    none = pd.Series({"elevation": np.nan, "scatter": np.nan, "shape": np.nan})
    widths = pd.Series(dtype=float, index=pd.Index([], name="k"), name="silhouette")
    no_nulls = pd.DataFrame(columns=pd.MultiIndex.from_product([["copula", "one_factor"], []]))
    return Evidence(
        Choice(1, "", dict(IDENTICAL)), widths, no_nulls, none, False, 1.0, 0, 1.0, alpha, n_units
    )
