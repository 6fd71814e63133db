"""The four verdicts on whether there are profiles, in the words of the report."""

import math

from cycle_analysis.texts.numbers import set_percent

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
