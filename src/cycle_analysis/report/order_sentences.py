"""Say in a sentence what the evidence on the order of the phases says, as it is saved for now.

It goes when the chapter `cycle` words the reading and its figures.
"""

import pandas as pd

from cycle_analysis.cycle.order import Reading
from cycle_analysis.cycle.scalability import WEAK
from cycle_analysis.texts.numbers import set_number


def with_sentences(order: pd.DataFrame) -> pd.DataFrame:
    """Set the sentence of each language beside the reading.

    Parameters
    ----------
    order : DataFrame, one row `order`
        As `cycle.order.order_table` gives it.
    """
    told = {language: [tell_order(order.loc["order"], language)] for language in _TEXTS}
    return pd.concat([order[["reading"]].assign(**told), order.drop(columns="reading")], axis=1)


def tell_order(finding: pd.Series, language: str) -> str:
    """Write the reading as the sentence a report prints, in Dutch or English.

    Parameters
    ----------
    finding : Series
        The row of `cycle.order.order_table`.
    language : str
        ``"nl"`` or ``"en"``.

    Examples
    --------
    >>> from cycle_analysis.cycle.order import gather_evidence, order_table
    >>> scores = pd.DataFrame({"AG": [90.0, 80.0, 50.0, 20.0], "EX": [70.0, 55.0, 20.0, 0.0]})
    >>> errors = pd.DataFrame(5.0, scores.index, pd.MultiIndex.from_tuples([("AG", "EX")]))
    >>> finding = order_table(gather_evidence(scores, errors, permutations=50)).loc["order"]
    >>> tell_order(finding, "en").split(":")[0]
    'The phases are cumulative'
    """
    if language not in _TEXTS:
        raise ValueError(f"There are no texts in {language!r}; choose from {sorted(_TEXTS)}.")
    texts, reading = _TEXTS[language], Reading(finding["reading"])
    if reading == Reading.UNKNOWN:
        return texts[reading].format(n=finding["n"])
    name = "H_corrected" if finding["corrected"] else "H"
    level_only = reading == Reading.PARALLEL and finding[name] >= WEAK
    numbers = {"H": name, "low": f"{name}_low", "high": f"{name}_high", "raw": "H"}
    numbers |= {"far": "far", "near": "near"}
    told = {key: set_number(finding[column], 2, language) for key, column in numbers.items()}
    counts = {"down": finding["steps_down"], "steps": finding["steps"]}
    counts |= {"violations": 100 * finding["violations"]}
    told |= {key: set_number(value, 0, language) for key, value in counts.items()}
    basis = texts["corrected" if finding["corrected"] else "raw"]
    return f"{texts[_LEVEL if level_only else reading]} {basis}".format(**told)


_LEVEL = "level"
"""Parallel in another way: phases rise together, so H is high, but none comes before another."""

_TEXTS = {
    "nl": {
        Reading.CUMULATIVE: (
            "De fasen stapelen zich op: wie een latere fase kent, kent ook de eerdere "
            "(H = {H}, 95%-interval {low} tot {high}); {down} van de {steps} stappen dalen en "
            "{violations}% van de vergelijkingen breekt de volgorde meer dan de meetfout verklaart."
        ),
        Reading.PARTLY: (
            "De fasen stapelen zich deels op: er is een volgorde, maar niet overal of niet zeker "
            "(H = {H}, 95%-interval {low} tot {high}); {down} van de {steps} stappen dalen en "
            "{violations}% van de vergelijkingen breekt de volgorde meer dan de meetfout verklaart."
        ),
        Reading.PARALLEL: (
            "De fasen lopen naast elkaar: deze gegevens laten geen vaste volgorde zien "
            "(H = {H}, 95%-interval {low} tot {high}; onder 0,3 is er geen schaal)."
        ),
        _LEVEL: (
            "De fasen gaan samen op, zonder dat de ene voor de andere komt: wie hoog scoort, "
            "scoort overal hoog (H = {H}, 95%-interval {low} tot {high}), maar {down} van de "
            "{steps} stappen dalen, of H is niet hoger dan toeval geeft."
        ),
        Reading.WINDOW: (
            "De fasen schuiven als een venster: wie met een latere fase bezig is, is met de "
            "eerste klaar (correlatie van de verste fasen {far}, van buurfasen {near}). H = {H} "
            "zegt hier niets over de volgorde; kijk of de vragen naar bereikt of naar bezig vragen."
        ),
        Reading.UNKNOWN: (
            "Over de volgorde van de fasen is niets te zeggen: met {n} eenheden met alle fasen "
            "valt er niets te vergelijken, of iedereen scoort gelijk."
        ),
        "corrected": (
            "Gecorrigeerd voor antwoordstijl, wat een ondergrens geeft; zonder correctie, als "
            "bovengrens, was H {raw}."
        ),
        "raw": (
            "Niet gecorrigeerd voor antwoordstijl, die een volgorde kan nabootsen: lees H als "
            "bovengrens."
        ),
    },
    "en": {
        Reading.CUMULATIVE: (
            "The phases are cumulative: who knows a later phase knows the earlier ones "
            "(H = {H}, 95% interval {low} to {high}); {down} of {steps} steps go down and "
            "{violations}% of comparisons break the order by more than measurement error."
        ),
        Reading.PARTLY: (
            "The phases are partly cumulative: there is an order, but not everywhere or not surely "
            "(H = {H}, 95% interval {low} to {high}); {down} of {steps} steps go down and "
            "{violations}% of comparisons break the order by more than measurement error."
        ),
        Reading.PARALLEL: (
            "The phases run in parallel: these data show no fixed order "
            "(H = {H}, 95% interval {low} to {high}; under 0.3 there is no scale)."
        ),
        _LEVEL: (
            "The phases rise together, and none comes before another: who scores high scores high "
            "on all (H = {H}, 95% interval {low} to {high}), but {down} of {steps} steps go down, "
            "or H is no higher than chance gives."
        ),
        Reading.WINDOW: (
            "The phases move like a window: who is busy with a later phase is done with the "
            "first (correlation of the most distant phases {far}, of neighbours {near}). H = {H} "
            "says nothing about order here; see whether items ask what is achieved or current."
        ),
        Reading.UNKNOWN: (
            "Nothing can be said about the order of phases: with {n} units that have all phases "
            "there is nothing to compare, or everyone scores alike."
        ),
        "corrected": (
            "Corrected for response style, which gives a lower bound; without correction, as an "
            "upper bound, H was {raw}."
        ),
        "raw": (
            "Not corrected for response style, which can imitate an order: read H as an upper "
            "bound."
        ),
    },
}
