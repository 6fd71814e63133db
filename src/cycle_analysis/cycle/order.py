"""Order of the phases: violations, and what the evidence supports.

Count where a later phase is ahead of an earlier one by more than measurement error.

A difference between two phases of a unit is an order violation when it exceeds 1.96 standard errors
of the difference: from the respondents of the unit where there are several (`measurement_error`),
else from the reliability of the phases.

Put the evidence on the order of phases into one of four words, in two languages.

*Cumulative*: phases add up in cycle order. *Partly*: some of that, or not surely. *Parallel*:
phases run beside each other, without an order. *Window*: units are busy with one phase and done
with the former, so that distant phases exclude each other although the order is perfect; H is low
or negative there, and only the correlations tell. The rule stands in `read_order`; every number it
uses is in the evidence beside it.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from cycle_analysis.cycle.scalability import ALL, WEAK, scalability
from cycle_analysis.measurement.aggregation import difference_errors, phase_differences


def unit_order_violations(
    scores: pd.DataFrame, errors: pd.DataFrame, beyond: float = 1.96
) -> pd.DataFrame:
    """Mark where a later phase is ahead of an earlier one by more than measurement error.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100, NaN missing.
    errors : DataFrame, units × pairs of phases
        Standard errors of the differences, as `errors_of_differences` gives them.
    beyond : float
        Number of standard errors that a difference must exceed.

    Returns
    -------
    DataFrame, units × pairs (earlier, later)
        1.0 violation, 0.0 none, NaN unknown.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [30.0, 30.0], "EX": [35.0, 80.0]}, index=["A", "B"])
    >>> errors = errors_from_reliability(scores, pd.Series({"AG": 0.8, "EX": 0.8}))
    >>> unit_order_violations(scores, errors)[("AG", "EX")].tolist()
    [0.0, 1.0]
    """
    gaps = phase_differences(scores)
    reach = errors.reindex(index=gaps.index, columns=gaps.columns) * beyond
    known = gaps.notna() & reach.notna()
    return (-gaps > reach).astype(float).where(known)


def order_violations(
    scores: pd.DataFrame, errors: pd.DataFrame, beyond: float = 1.96
) -> pd.DataFrame:
    """Count order violations for every pair of phases.

    Parameters
    ----------
    scores, errors, beyond
        As for `unit_order_violations`.

    Returns
    -------
    DataFrame, rows (earlier, later)
        n (units with both scores and an error), difference (mean, earlier - later), error (mean
        standard error), later_ahead (share of units where the later phase is ahead at all),
        earlier_beyond (share where the earlier is ahead beyond error), violations, share (number
        and share where the later is), by_chance (share to be expected from error alone if the two
        phases were equal everywhere), reason.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [30.0, 60.0], "EX": [80.0, 20.0]}, index=["A", "B"])
    >>> errors = pd.DataFrame(5.0, index=scores.index, columns=phase_differences(scores).columns)
    >>> order_violations(scores, errors).loc[("AG", "EX"), "share"]
    np.float64(0.5)
    """
    marked = unit_order_violations(scores, errors, beyond)
    gaps = phase_differences(scores).where(marked.notna())
    n = marked.count()
    aligned = errors.reindex(index=gaps.index, columns=gaps.columns)
    table = pd.DataFrame(
        {
            "n": n,
            "difference": gaps.mean(),
            "error": aligned.where(marked.notna()).mean(),
            "later_ahead": (gaps < 0).sum() / n.where(n > 0),
            "earlier_beyond": (gaps > aligned * beyond).sum() / n.where(n > 0),
            "violations": marked.sum().astype(int),
            "share": marked.mean(),
            "by_chance": float(norm.sf(beyond)),
            "reason": (n == 0).map({True: "no unit with both scores and an error", False: ""}),
        }
    )
    return table.rename_axis(["earlier", "later"])


def errors_of_differences(
    scores: pd.DataFrame, persons: pd.DataFrame, units: pd.Series, reliability: pd.Series
) -> pd.DataFrame:
    """Give the standard error of differences: from respondents, or where all are alone from items.

    Parameters
    ----------
    scores : DataFrame, units × phases
    persons : DataFrame, respondents × phases
    units : Series, indexed by respondent
    reliability : Series, indexed by phase

    Returns
    -------
    DataFrame, units × pairs of phases

    Examples
    --------
    >>> persons = pd.DataFrame({"AG": [0.0, 10.0, 20.0], "EX": [0.0, 10.0, 20.0]})
    >>> scores, units = persons.rename_axis("unit"), pd.Series([0, 1, 2])
    >>> reliability = pd.Series({"AG": 0.5, "EX": 0.5})
    >>> errors_of_differences(scores, persons, units, reliability).iloc[0].tolist()
    [10.0]
    """
    errors = difference_errors(persons, units)
    if errors.notna().to_numpy().any():
        return errors
    return errors_from_reliability(scores, reliability)


def errors_from_reliability(scores: pd.DataFrame, reliability: pd.Series) -> pd.DataFrame:
    """Give the standard error of differences from the reliability of each phase.

    ``SED = sqrt(SEM_a² + SEM_b²)`` with ``SEM = sd sqrt(1 - reliability)``: what is left when units
    have one respondent each. It covers error between items, not between respondents.

    Parameters
    ----------
    scores : DataFrame, units × phases
    reliability : Series, indexed by phase
        Alpha, omega or ICC(2), 0-1.

    Returns
    -------
    DataFrame, units × pairs (earlier, later)
        The same error for every unit.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [0.0, 10.0, 20.0], "EX": [0.0, 10.0, 20.0]})
    >>> errors_from_reliability(scores, pd.Series({"AG": 0.5, "EX": 0.5})).iloc[0].tolist()
    [10.0]
    """
    unreliable = 1 - reliability.reindex(scores.columns).clip(0, 1)
    variances = (scores.var() * unreliable).to_numpy()
    pairs = phase_differences(scores.iloc[:0]).columns
    first, second = np.triu_indices(scores.shape[1], k=1)
    errors = np.sqrt(variances[first] + variances[second])
    return pd.DataFrame(
        np.broadcast_to(errors, (len(scores), len(pairs))), index=scores.index, columns=pairs
    )


CUMULATIVE, PARTLY, PARALLEL, WINDOW, UNKNOWN = (
    *("cumulative", "partly", "parallel", "window"),
    "unknown",
)


def gather_evidence(
    scores: pd.DataFrame,
    errors: pd.DataFrame,
    corrected: pd.DataFrame | None = None,
    replicates: int = 1000,
    permutations: int = 500,
    seed: int = 2018,
) -> pd.Series:
    """Gather what speaks for and against an order of the phases.

    Parameters
    ----------
    scores : DataFrame, units × phases
        0-100.
    errors : DataFrame, units × pairs of phases
        Standard errors of the differences, see `order.order_violations`.
    corrected : DataFrame, units × phases, optional
        Scores without response style: `scalability.subtract_style` before aggregation. Without it
        the verdict rests on raw scores and says so.
    replicates, permutations, seed
        See `scalability.scalability`.

    Returns
    -------
    Series
        n; H, H_low, H_high, H_chance (raw); H_corrected, H_corrected_low, H_corrected_high,
        H_corrected_chance; steps, steps_down (adjacent pairs of phases, and those whose mean falls
        by more than chance); violations (share of units and pairs, beyond error); near, far
        (mean correlation of adjacent phases and of the most distant), far_chance (half a percent
        of unrelated phases go lower); corrected (whether H_corrected is there).

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [90.0, 80.0, 50.0, 20.0], "EX": [70.0, 55.0, 20.0, 0.0]})
    >>> errors = pd.DataFrame(5.0, scores.index, pd.MultiIndex.from_tuples([("AG", "EX")]))
    >>> gather_evidence(scores, errors, replicates=50, permutations=50)["H"]
    np.float64(1.0)
    """
    raw = scalability(scores, replicates, permutations, seed=seed).loc[(ALL, ALL)]
    used = corrected if corrected is not None else scores.iloc[:0]
    clean = scalability(used, replicates, permutations, seed=seed).loc[(ALL, ALL)]
    violations = order_violations(scores, errors)
    marked = float((violations["share"] * violations["n"]).sum())
    n_marked = float(violations["n"].sum())
    near, far, far_chance = _reach_of_correlations(used if corrected is not None else scores)
    renamed = {"H": "H", "low": "H_low", "high": "H_high", "chance_high": "H_chance"}
    return pd.Series(
        {
            "n": raw["n"],
            **{name: raw[key] for key, name in renamed.items()},
            **{name.replace("H", "H_corrected", 1): clean[key] for key, name in renamed.items()},
            "steps": scores.shape[1] - 1,
            "steps_down": _steps_down(scores),
            "violations": marked / n_marked if n_marked else np.nan,
            "near": near,
            "far": far,
            "far_chance": far_chance,
            "corrected": corrected is not None,
        },
        name="evidence",
    )


def read_order(evidence: pd.Series) -> str:
    """Read the evidence: cumulative, partly, parallel, window, or unknown.

    In this order. *Window* when the most distant phases go together less than chance allows and
    less than adjacent ones. *Parallel* when H, corrected for style where that is known, is under
    .3, or not beyond chance, or when fewer than half of the steps go down. *Cumulative* when the
    whole interval of H is over .3, every step goes down, and at most a tenth of the comparisons
    breaks the order beyond error. *Partly* otherwise.

    Examples
    --------
    >>> evidence = pd.Series({"H": 0.1, "H_low": 0.0, "H_chance": 0.1, "corrected": False,
    ...                       "steps": 4, "steps_down": 4, "violations": 0.1,
    ...                       "near": 0.1, "far": 0.0, "far_chance": -0.1})
    >>> read_order(evidence)
    'parallel'
    """
    name = "H_corrected" if evidence["corrected"] else "H"
    estimate, low, chance = (evidence[key] for key in (name, f"{name}_low", f"{name}_chance"))
    if not np.isfinite(estimate):
        return UNKNOWN
    if evidence["far"] < min(evidence["far_chance"], evidence["near"]):
        return WINDOW
    lacks_order = 2 * evidence["steps_down"] < evidence["steps"]
    if estimate < WEAK or estimate <= chance or lacks_order:
        return PARALLEL
    every_step = evidence["steps_down"] == evidence["steps"]
    return CUMULATIVE if low > WEAK and every_step and evidence["violations"] <= 0.1 else PARTLY


def tell_order(evidence: pd.Series, language: str) -> str:
    """Write the reading as the sentence a report prints, in Dutch or English.

    Parameters
    ----------
    evidence : Series
        As `gather_evidence` gives it.
    language : str
        ``"nl"`` or ``"en"``.

    Examples
    --------
    >>> scores = pd.DataFrame({"AG": [90.0, 80.0, 50.0, 20.0], "EX": [70.0, 55.0, 20.0, 0.0]})
    >>> errors = pd.DataFrame(5.0, scores.index, pd.MultiIndex.from_tuples([("AG", "EX")]))
    >>> tell_order(gather_evidence(scores, errors, permutations=50), "en").split(":")[0]
    'The phases are cumulative'
    """
    if language not in _TEXTS:
        raise ValueError(f"There are no texts in {language!r}; choose from {sorted(_TEXTS)}.")
    texts, reading = _TEXTS[language], read_order(evidence)
    if reading == UNKNOWN:
        return texts[UNKNOWN].format(n=evidence["n"])
    name = "H_corrected" if evidence["corrected"] else "H"

    def write(number: float) -> str:
        text = f"{number:.2f}".replace("-", "−")
        return text.replace(".", ",") if language == "nl" else text

    numbers = {
        "H": write(evidence[name]),
        "low": write(evidence[f"{name}_low"]),
        "high": write(evidence[f"{name}_high"]),
        "raw": write(evidence["H"]),
        "far": write(evidence["far"]),
        "near": write(evidence["near"]),
        "down": int(evidence["steps_down"]),
        "steps": int(evidence["steps"]),
        "violations": f"{100 * evidence['violations']:.0f}",
    }
    basis = texts["corrected" if evidence["corrected"] else "raw"]
    level_only = reading == PARALLEL and evidence[name] >= WEAK
    return f"{texts[_LEVEL if level_only else reading]} {basis}".format(**numbers)


_LEVEL = "level"
"""Parallel in another way: phases rise together, so H is high, but none comes before another."""


_TEXTS = {
    "nl": {
        CUMULATIVE: (
            "De fasen stapelen zich op: wie een latere fase kent, kent ook de eerdere "
            "(H = {H}, 95%-interval {low} tot {high}); {down} van de {steps} stappen dalen en "
            "{violations}% van de vergelijkingen breekt de volgorde meer dan de meetfout verklaart."
        ),
        PARTLY: (
            "De fasen stapelen zich deels op: er is een volgorde, maar niet overal of niet zeker "
            "(H = {H}, 95%-interval {low} tot {high}); {down} van de {steps} stappen dalen en "
            "{violations}% van de vergelijkingen breekt de volgorde meer dan de meetfout verklaart."
        ),
        PARALLEL: (
            "De fasen lopen naast elkaar: deze gegevens laten geen vaste volgorde zien "
            "(H = {H}, 95%-interval {low} tot {high}; onder 0,3 is er geen schaal)."
        ),
        _LEVEL: (
            "De fasen gaan samen op, zonder dat de ene voor de andere komt: wie hoog scoort, "
            "scoort overal hoog (H = {H}, 95%-interval {low} tot {high}), maar {down} van de "
            "{steps} stappen dalen, of H is niet hoger dan toeval geeft."
        ),
        WINDOW: (
            "De fasen schuiven als een venster: wie met een latere fase bezig is, is met de "
            "eerste klaar (correlatie van de verste fasen {far}, van buurfasen {near}). H = {H} "
            "zegt hier niets over de volgorde; kijk of de vragen naar bereikt of naar bezig vragen."
        ),
        UNKNOWN: (
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
        CUMULATIVE: (
            "The phases are cumulative: who knows a later phase knows the earlier ones "
            "(H = {H}, 95% interval {low} to {high}); {down} of {steps} steps go down and "
            "{violations}% of comparisons break the order by more than measurement error."
        ),
        PARTLY: (
            "The phases are partly cumulative: there is an order, but not everywhere or not surely "
            "(H = {H}, 95% interval {low} to {high}); {down} of {steps} steps go down and "
            "{violations}% of comparisons break the order by more than measurement error."
        ),
        PARALLEL: (
            "The phases run in parallel: these data show no fixed order "
            "(H = {H}, 95% interval {low} to {high}; under 0.3 there is no scale)."
        ),
        _LEVEL: (
            "The phases rise together, and none comes before another: who scores high scores high "
            "on all (H = {H}, 95% interval {low} to {high}), but {down} of {steps} steps go down, "
            "or H is no higher than chance gives."
        ),
        WINDOW: (
            "The phases move like a window: who is busy with a later phase is done with the "
            "first (correlation of the most distant phases {far}, of neighbours {near}). H = {H} "
            "says nothing about order here; see whether items ask what is achieved or current."
        ),
        UNKNOWN: (
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


def _steps_down(scores: pd.DataFrame) -> int:
    """Count the adjacent phases of which the later has a lower mean, beyond 1.645 errors."""
    gaps = -scores.diff(axis=1).iloc[:, 1:]
    errors = gaps.std() / np.sqrt(gaps.count().clip(lower=1))
    return int(((gaps.mean() > 1.645 * errors) & (gaps.mean() > 0)).sum())


def _reach_of_correlations(scores: pd.DataFrame) -> tuple[float, float, float]:
    """Mean correlation of neighbours, of the most distant phases, and the latter's chance level.

    Distant are the pairs as far apart as can be and one less, when there are four phases or more.
    """
    correlations, p = scores.corr(min_periods=3).to_numpy(), scores.shape[1]
    if p < 3:
        return np.nan, np.nan, -np.inf
    first, second = np.triu_indices(p, k=1)
    distance = second - first
    values = correlations[first, second]
    far = distance >= (p - 2 if p > 3 else p - 1)
    near = distance == 1
    if np.isnan(values[near]).all() or np.isnan(values[far]).all():
        return np.nan, np.nan, -np.inf
    n = max(len(scores.dropna()), 4)
    chance = -2.576 / np.sqrt((n - 1) * far.sum())
    return float(np.nanmean(values[near])), float(np.nanmean(values[far])), float(chance)
