"""Analyse a study in one way after the other, and sum up: which claims survive, and what matters.

Each universe calls what the notebooks call: from answers to a verdict, a division and claims.
Universes that share scores share fits and the verdict, which is of scores and not of a method:
where it finds no profiles, nothing else is divided than the headline would (levels of a continuum,
or nothing). Ward + k-means divides in as many as BIC takes. Weights decide how large profiles and
phases are told to be; the profiles themselves are fitted without, as in the headline. Profiles of
another wave are held against the headline by the units of the reference wave, which are placed in
them.

A claim of the headline survives in a universe that would make it as well. How many profiles there
are, and who belongs together, is asked only where the data say the number, not where it was set to
one more or fewer. What a choice explains of an outcome is its own share of the variance: R² of a
regression on all crossed choices less R² without this one, over the crossed universes (main
effects; what is left is their interplay). No p-value stands behind the shares: universes are one
survey, analysed again.

References
----------
Simonsohn, Simmons & Nelson (2020), Nature Human Behaviour 4, 1208-1214.
Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), Perspectives on Psychological Science 11(5),
702-712.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.chance import children
from cycle_analysis.cycle import active_counts, activity
from cycle_analysis.cycle.order import ends_apart, possible_extremes
from cycle_analysis.measurement import aggregation_rules, respondent_scores, unit_scores
from cycle_analysis.measurement.error import measurement_error, standard_errors
from cycle_analysis.measurement.missing import even_scores
from cycle_analysis.profiles import Partition, assign, by_mixture, division, sample, ward_kmeans
from cycle_analysis.profiles.division import MOVED_WARNING
from cycle_analysis.profiles.selection import Choice, Fits, choose, compare, fit_models
from cycle_analysis.profiles.true_scores import of_true_scores
from cycle_analysis.profiles.typology import shapes
from cycle_analysis.profiles.verdict import UNITS_PER_PROFILE, Evidence, weigh
from cycle_analysis.representation import weigh as weigh_units
from cycle_analysis.robustness import ALONE, CROSSED, Universe, shrunken, standardised
from cycle_analysis.study.plan import hash_facts
from cycle_analysis.waves import change_both_ways, changed_surely

CLAIMS = ("profiles", "number", "division", "ends", "together", "change")
"""Claims of a headline: that there are profiles, or none; as many; units divided alike; one of the
same phases highest, and lowest; more phases active together than if unrelated; the same phases
changed, in the same direction."""
ENDS = ("may_be_highest", "may_be_lowest")
OUTCOMES = {"number": "profiles", "division": "adjusted_rand", "change": "change"}
"""What choices are held against, and its column."""
ALIKE_WITHIN = {"number": 0.0, "division": 0.1, "change": 2.0}
"""How far these may lie apart (profiles, adjusted Rand, points) where no choice matters: a choice
always explains most, and where all answer by lot it was another in the next survey."""
MATTERS = 0.5
"""Share of the variance from which a choice is told to matter most."""
SCALINGS = {"z_scores": standardised, "shapes": shapes}
"""What Ward's method divides instead of scores."""
Row = dict[str, Any]
Scoring = Callable[[pd.DataFrame, pd.DataFrame, float], pd.DataFrame]
"""From answers and items to scores of respondents."""


def judge(universes: Sequence[Universe], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Set universes in a table, with the claims of the headline that survive in each.

    Parameters
    ----------
    universes : sequence of Universe
        The headline first.
    rows : sequence of mapping
        As `analyse` gives them, one for each universe, in any order.

    Returns
    -------
    DataFrame, index `universe`
        What was chosen, what was found, and a column ``claim_…`` for each of `CLAIMS`, missing
        where a universe does not ask.
    """
    chosen = pd.DataFrame([asdict(one) for one in universes])
    chosen.index = pd.Index([one.name for one in universes], name="universe")
    table = chosen.join(pd.DataFrame(rows).set_index("universe").astype({"change": float}))
    table["profiles"] = table["groups"].where(table["found"] | (table["k"] != "own"), 1)
    head = table.iloc[0]
    left = table["left_out"].str.removeprefix("phase ")
    either = " ".join(head[list(ENDS)]).split()
    not_set = table["k"].isin(["own", head["k"]])
    named = _names(table) & bool(head["found"])
    divided, several = bool(head["groups"] > 1), bool(head["several"] > head["expected"])
    ends = pd.DataFrame({end: table[end].map(partial(_implies, claim=head[end])) for end in ENDS})
    changed = [_changed(head["changed"], one) for one in left]
    held = {
        "profiles": table["found"] == head["found"],
        "number": (table["profiles"] == head["profiles"]).where(named),
        "division": (table["moved_share"] <= MOVED_WARNING).where(not_set & divided),
        "ends": ends.all(axis=1).where(~left.isin(either)),
        "together": (table["several"] > table["expected"]) == several,
        "change": (table["changed"].map(_changed) == changed).where(table["change"].notna()),
    }
    claims = {f"claim_{name}": held[name].astype("boolean") for name in CLAIMS}
    return table.assign(**claims)


def surviving(table: pd.DataFrame) -> pd.DataFrame:
    """Count in how many universes each claim is asked, and in which share it survives.

    Parameters
    ----------
    table : DataFrame, index `universe`
        As `judge` gives it.

    Returns
    -------
    DataFrame, index `claim`
        n (universes that ask it), share (0-1; NaN where none does).

    Examples
    --------
    >>> table = pd.DataFrame({f"claim_{name}": [True, False, None] for name in CLAIMS})
    >>> surviving(table).loc["number"].tolist()
    [2.0, 0.5]
    """
    claims = table[[f"claim_{name}" for name in CLAIMS]].astype("boolean").astype("Float64")
    found = pd.DataFrame({"n": claims.count(), "share": claims.mean().astype(float)})
    return found.set_index(pd.Index(CLAIMS, name="claim"))


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Count the universes by the number of profiles that the data say, 1 for none.

    Returns
    -------
    DataFrame, index `profiles`
        n, share (0-1) of the universes that name the number themselves.
    """
    own = table.loc[_names(table), "profiles"].astype(int)
    n = own.value_counts().sort_index()
    return pd.DataFrame({"n": n, "share": n / max(len(own), 1)})


def importance(table: pd.DataFrame) -> pd.DataFrame:
    """Give the share of the variance of each outcome that each crossed choice explains by itself.

    Parameters
    ----------
    table : DataFrame, index `universe`
        As `judge` gives it, the headline first.

    Returns
    -------
    DataFrame, index `choice`
        A column for each of `OUTCOMES`, 0-1: R² of all choices less R² without this one; `rest`
        is what their main effects leave. NaN where an outcome hardly varies (`ALIKE_WITHIN`).

    Examples
    --------
    >>> table = pd.DataFrame([[a, m] for a in ("mean", "median") for m in ("profiles", "ward")])
    >>> table = table.set_axis(["aggregation", "method"], axis=1)
    >>> table = table.assign(profiles=[4, 4, 2, 2], adjusted_rand=[1.0, 0.5, 0.9, 0.4], change=0.0)
    >>> table = table.assign(**{name: "own" for name in (*CROSSED, *ALONE) if name not in table})
    >>> importance(table).loc[["aggregation", "method"], ["number", "division"]].round(2).values
    array([[1.  , 0.04],
           [0.  , 0.96]])
    """
    head = table.iloc[0]
    crossed = table[(table[list(ALONE)] == head[list(ALONE)]).all(axis=1)]
    shares = {}
    for outcome, column in OUTCOMES.items():
        rows = crossed[_names(crossed)] if outcome == "number" else crossed
        apart = rows[column].max() - rows[column].min()
        rows = rows if apart > ALIKE_WITHIN[outcome] else rows.iloc[:0]
        whole = _explained(rows, column, CROSSED)
        less = [_explained(rows, column, [c for c in CROSSED if c != name]) for name in CROSSED]
        shares[outcome] = [*(whole - one for one in less), 1 - whole]
    return pd.DataFrame(shares, pd.Index([*CROSSED, "rest"], name="choice"))


def _names(table: pd.DataFrame) -> pd.Series:
    """Whether a universe names its number of profiles itself: Ward's tree takes that of BIC."""
    return (table["k"] == "own") & (table["method"] != "ward")


def without(left_out: Counter[str]) -> pd.DataFrame:
    """Count combinations that were not analysed by their reason: index `reason`; n."""
    n = pd.Series(left_out, dtype="int64").sort_index()
    return n.to_frame("n").rename_axis("reason")


def _implies(told: str, claim: str) -> bool:
    """Whether who names these phases says what the headline says: no other, and none only as it."""
    return set(told.split()) <= set(claim.split()) and bool(told) == bool(claim)


def _changed(told: str, without: str = "") -> frozenset[str]:
    """Phases that changed with their sign, but for one."""
    return frozenset(one for one in told.split() if one[:-1] != without)


def _explained(rows: pd.DataFrame, outcome: str, choices: Sequence[str]) -> float:
    """R² of the main effects of choices on an outcome; NaN where it does not vary."""
    y = rows[outcome].to_numpy(dtype=float)
    total = ((y - y.mean()) ** 2).sum() if len(y) else 0.0
    if not total > 1e-12:
        return float("nan")
    dummies = pd.get_dummies(rows[list(choices)].astype(str), dtype=float).to_numpy()
    design = np.column_stack([np.ones(len(y)), dummies])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(1 - ((y - fitted) ** 2).sum() / total)


@dataclass(frozen=True, eq=False)
class Answered:
    """What one wave answered.

    Attributes
    ----------
    answers : DataFrame, respondents × phase items
    items : DataFrame, indexed by item
        As `Study.phase_items`.
    units, roles : Series, indexed by respondent
    careless : Series of bool, indexed by respondent
        Whether there is a flag.
    now : Series, respondents that can be followed
        Their unit on the day of the last wave.
    """

    answers: pd.DataFrame
    items: pd.DataFrame
    units: pd.Series
    roles: pd.Series
    careless: pd.Series
    now: pd.Series

    def persons(
        self, one: Universe, items: pd.DataFrame, score: Scoring = respondent_scores
    ) -> pd.DataFrame:
        """Score the respondents of a universe, respondents × phases."""
        kept = ~self.careless | (one.careless == "kept")
        kind, _, name = one.left_out.partition(" ")
        if kind == "item":
            items = items.drop(index=name, errors="ignore")
        elif kind == "phase":
            items = items[items["phase"] != name]
        return score(self.answers[kept], items, one.min_answered)

    def score(self, persons: pd.DataFrame, units: pd.Series, one: Universe) -> pd.DataFrame:
        """Bring respondents together to units by the rule of a universe; without units of NaN."""
        rule = aggregation_rules(self.roles)[one.aggregation]
        return unit_scores(persons, units.loc[persons.index], rule).dropna(how="all")


@dataclass(frozen=True, eq=False)
class Material:
    """What all universes of a study start from.

    Attributes
    ----------
    waves : mapping of wave to Answered
        In their order.
    reference : str
        The wave that is told.
    common : DataFrame, indexed by item
        Items that all waves asked alike, as `Study.phase_items`.
    same : Index of units
        Those of which the territory never changed.
    n_unchanged : int
        Of the population: units of which the territory never changed.
    population : DataFrame, index `unit`
        All units of the reference wave, with their background.
    by : list of str
        Columns of the background.
    headline : Partition
        The division that is told.
    window : bool
        Whether the phases of the headline read as a window.
    max_profiles, n_levels, n_starts, n_replicates, seed : int
        As parameters of notebook 04.
    """

    waves: Mapping[str, Answered]
    reference: str
    common: pd.DataFrame
    same: pd.Index
    n_unchanged: int
    population: pd.DataFrame
    by: list[str]
    headline: Partition
    window: bool
    max_profiles: int
    n_levels: int
    n_starts: int
    n_replicates: int
    seed: int

    def scores(self, one: Universe, wave: str) -> pd.DataFrame:
        """Score the units of a wave in a universe."""
        of = self.waves[wave]
        return of.score(of.persons(one, of.items), of.units, one)

    def divided(self, one: Universe) -> pd.DataFrame:
        """Give the scores that a universe divides, of many a sample; none where they cannot be."""
        scores = self.scores(one, one.reference_wave)
        complete = scores.dropna()
        same = complete.nunique().min() < 2 if len(complete) else True
        return scores.iloc[:0] if same or len(complete) < UNITS_PER_PROFILE else sample(scores)

    @cached_property
    def change_waves(self) -> list[str]:
        """The last two waves; none where there is one."""
        return list(self.waves)[-2:] if len(self.waves) > 1 else []


@dataclass(frozen=True, eq=False)
class Work:
    """Scores of some universes, and what is fitted to them once for all."""

    material: Material
    one: Universe
    scores: pd.DataFrame
    fits: Fits
    choice: Choice
    evidence: Evidence

    def partition(self, one: Universe) -> Partition:
        """Divide units as a universe of these scores does."""
        headline, found = self.material.headline.k, self.evidence.verdict.found
        asked = {"same": headline, "fewer": headline - 1, "more": headline + 1}.get(one.k, 0)
        if not asked and not found:
            how = division.choose_division(
                self.choice.method,
                self.choice.k,
                self.evidence.verdict,
                n_levels=self.material.n_levels,
            )
            return division.divide(self.scores, how, self.fits)
        if one.method == "ward":
            scores = SCALINGS.get(one.scaling, pd.DataFrame.dropna)(self.scores.dropna())
            return ward_kmeans(scores, asked or self.choice.k)
        mixture = self.fits[self.choice.method, asked or self.choice.k]
        return self._true(mixture.k) if one.scaling == "true_scores" else self._placed(mixture.k)

    def _placed(self, k: int) -> Partition:
        return by_mixture(self.scores, self.fits[self.choice.method, k])

    def _true(self, k: int) -> Partition:
        of, one = self.material.waves[self.one.reference_wave], self.one
        persons = of.persons(one, of.items)
        return of_true_scores(self._placed(k), measurement_error(persons, of.units))


def analyse(material: Material, universes: Sequence[Universe]) -> list[Row]:
    """Analyse universes that share their fits: `Universe.work` is the same for all.

    Parameters
    ----------
    material : Material
    universes : sequence of Universe

    Returns
    -------
    list of dict
        One for each: universe (its name); verdict (a code), found, lead (BIC points on the best
        form without groups); n_units, groups (1 when nothing is divided), sizes (their shares,
        from low to high, weighted where asked); adjusted_rand and moved_share with the headline;
        may_be_highest and may_be_lowest (phases, none where one may be both); several and expected
        (shares of units with two or more active phases); change (points, mean of the phases) and
        changed (phases with their sign) between the last two waves.
    """
    first = universes[0]
    work, changes = _fitted(material, first), _change(material, first)
    told = material.scores(first, material.reference)
    weights = {one.weights: _weights(material, one, told.index) for one in universes}
    ends = {name: _ends(material, first, told, own) for name, own in weights.items()}
    divisions: dict[tuple[str, ...], Partition] = {}
    rows = []
    for one in universes:
        how = one.scaling, one.method, one.k
        if how not in divisions:
            divisions[how] = _placed(material, work, one)
        own = weights[one.weights]
        facts = _division(material, divisions[how], own) | ends[one.weights] | _together(one, told)
        rows.append({"universe": one.name} | _weighed(work.evidence) | facts | changes)
    return rows


def _weighed(evidence: Evidence) -> Row:
    known = {"verdict": str(evidence.verdict), "found": bool(evidence.verdict.found)}
    return known | {"lead": float(evidence.lead)}


def _fitted(material: Material, one: Universe) -> Work:
    """Fit and weigh the scores of a universe, with seeds that hang on its own choices alone."""
    scores = material.divided(one)
    if one.scaling == "shrunken":
        of = material.waves[one.reference_wave]
        scores = shrunken(scores, standard_errors(of.persons(one, of.items), of.units))
    own = int(hash_facts(one.work)[:16], 16)
    first, second = children(np.random.SeedSequence([material.seed, own]), 2)
    most = material.max_profiles
    fits = fit_models(scores, most, n_starts=material.n_starts, seed=first)
    choice = choose(compare(scores, fits=fits))
    evidence = weigh(
        scores,
        most,
        fits=fits,
        choice=choice,
        window=material.window,
        n_replicates=material.n_replicates,
        seed=second,
    )
    return Work(material, one, scores, fits, choice, evidence)


def _placed(material: Material, work: Work, one: Universe) -> Partition:
    """Divide, and place the units that are told where they were not those divided."""
    partition = work.partition(one)
    if one.reference_wave == material.reference:
        return partition
    return assign(partition, material.scores(one, material.reference))


def _division(material: Material, partition: Partition, weights: pd.Series) -> Row:
    """Set a division beside the headline."""
    headline, labels = material.headline, partition.labels
    both = headline.labels.index.intersection(labels.index)
    agreement = division.method_agreement(headline.only(both), partition.only(both))
    shares = weights.groupby(labels.reindex(weights.index)).sum() / weights[labels.index].sum()
    return {
        "n_units": len(labels),
        "groups": partition.k,
        "sizes": " ".join(f"{share:.3f}" for share in shares),
        "adjusted_rand": agreement.adjusted_rand,
        "moved_share": agreement.moved_share,
    }


def _ends(material: Material, one: Universe, told: pd.DataFrame, weights: pd.Series) -> Row:
    """Name the phases that may have the highest and the lowest mean, none where one may be both."""
    of = material.waves[material.reference]
    persons, n_population = of.persons(one, of.items), len(material.population)
    found = possible_extremes(told, persons, of.units[persons.index], n_population, weights)
    apart = ends_apart(found)
    return {end: " ".join(found.index[found[end] & apart]) for end in ENDS}


def _together(one: Universe, told: pd.DataFrame) -> Row:
    """Give the share of units with phases that run at the same time, and if unrelated."""
    counts = active_counts(activity(told, one.active_from)).loc[2:, ["share", "expected"]].sum()
    return {"several": float(counts["share"]), "expected": float(counts["expected"])}


def _change(material: Material, one: Universe) -> Row:
    """Give the mean change between the last two waves, and which phases changed surely."""
    if not material.change_waves:
        return {"change": None, "changed": ""}
    persons = {
        wave: (told := of.persons(one, material.common, even_scores)).loc[
            told.index.isin(of.now.index)
        ]
        for wave, of in material.waves.items()
    }
    units = {wave: of.now for wave, of in material.waves.items()}
    roles = {wave: of.roles for wave, of in material.waves.items()}
    careless = {wave: of.careless for wave, of in material.waves.items()}
    panel, n = partial(_panel, material, one), material.n_unchanged
    table = change_both_ways(persons, units, roles, material.reference, panel, n, careless)
    table = table.droplevel([0, 1])
    sure = table[changed_surely(table)]
    changed = " ".join(f"{phase}{'+' if c > 0 else '-'}" for phase, c in sure["change"].items())
    return {"change": float(table["change"].mean()), "changed": changed}


def _panel(
    material: Material, one: Universe, persons: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Score the units of the last two waves whose territory never changed."""
    of = {wave: material.waves[wave] for wave in material.change_waves}
    scores = {wave: of[wave].score(persons[wave], of[wave].now, one) for wave in of}
    return {w: told.loc[told.index.intersection(material.same)] for w, told in scores.items()}


def _weights(material: Material, one: Universe, units: pd.Index) -> pd.Series:
    if one.weights == "equal":
        return pd.Series(1.0, index=units)
    return weigh_units(material.population, material.by, units)
