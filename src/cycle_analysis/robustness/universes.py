"""Analyse a study in one way after the other: from answers to a verdict, a division and claims.

Each universe calls what the notebooks call. Universes that share scores share fits and the verdict,
which is of scores and not of a method: where it finds no profiles, nothing else is divided than the
headline would (levels of a continuum, or nothing). Ward + k-means takes the number of profiles with
the largest silhouette (Rousseeuw 1987). Weights decide how large profiles and phases are told to
be; the profiles themselves are fitted without, as in the headline. Profiles of another wave are
held against the headline by the units of the reference wave, which are placed in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.chance import children
from cycle_analysis.cycle import active_counts, activity
from cycle_analysis.measurement import aggregation_rules, respondent_scores, unit_scores
from cycle_analysis.measurement.error import measurement_error, standard_errors
from cycle_analysis.profiles import Partition, assign, by_mixture, sample, ward_kmeans
from cycle_analysis.profiles.division import choose_division, divide
from cycle_analysis.profiles.selection import Choice, Fits, choose, compare, fit_models, separation
from cycle_analysis.profiles.stability import method_agreement
from cycle_analysis.profiles.true_scores import of_true_scores
from cycle_analysis.profiles.verdict import UNITS_PER_PROFILE, Evidence, weigh
from cycle_analysis.representation import weigh as weigh_units
from cycle_analysis.robustness.choices import shapes, shrunken, standardised
from cycle_analysis.robustness.grid import Universe
from cycle_analysis.study.plan import hash_facts
from cycle_analysis.waves import mean_change

SURE = 0.05
"""Adjusted p of the mean change of a phase up to which it counts as changed."""
SCALINGS = {"z_scores": standardised, "shapes": shapes}
"""What Ward's method divides instead of scores."""
Row = dict[str, Any]


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

    def persons(self, one: Universe, items: pd.DataFrame) -> pd.DataFrame:
        """Score the respondents of a universe, respondents × phases."""
        kept = ~self.careless | (one.careless == "kept")
        kind, _, name = one.left_out.partition(" ")
        if kind == "item":
            items = items.drop(index=name, errors="ignore")
        elif kind == "phase":
            items = items[items["phase"] != name]
        return respondent_scores(self.answers[kept], items, one.min_answered)

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
    unchanged : Index of units
        Those of which the territory never changed and that answered every wave.
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
    unchanged: pd.Index
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
            how = choose_division(
                self.choice.method,
                self.choice.k,
                self.evidence.verdict,
                n_levels=self.material.n_levels,
            )
            return divide(self.scores, how, self.fits)
        if one.method == "ward":
            scores = SCALINGS.get(one.scaling, pd.DataFrame.dropna)(self.scores.dropna())
            return ward_kmeans(scores, asked or self._widest(scores))
        mixture = self.fits[self.choice.method, asked or self.choice.k]
        return self._true(mixture.k) if one.scaling == "true_scores" else self._placed(mixture.k)

    def _placed(self, k: int) -> Partition:
        return by_mixture(self.scores, self.fits[self.choice.method, k])

    def _true(self, k: int) -> Partition:
        of, one = self.material.waves[self.one.reference_wave], self.one
        persons = of.persons(one, of.items)
        return of_true_scores(self._placed(k), measurement_error(persons, of.units))

    def _widest(self, scores: pd.DataFrame) -> int:
        table = separation(scores, self.material.max_profiles).set_index("k")
        return int(table["silhouette"].idxmax())


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
        from low to high, weighted where asked), largest (profile of the headline that the largest
        is nearest to); adjusted_rand and moved_share with the headline; highest and lowest phase;
        several and expected (shares of units with two or more active phases); change (points, mean
        of the phases) and changed (phases with their sign) between the last two waves.
    """
    first = universes[0]
    work, changes = _fitted(material, first), _change(material, first)
    told = material.scores(first, material.reference)
    weights = {one.weights: _weights(material, one, told.index) for one in universes}
    divisions: dict[tuple[str, ...], Partition] = {}
    rows = []
    for one in universes:
        how = one.scaling, one.method, one.k
        if how not in divisions:
            divisions[how] = _placed(material, work, one)
        own = weights[one.weights]
        facts = _division(material, divisions[how], own) | _cycle(one, told, own)
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
    choice = choose(compare(scores, most, fits=fits))
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
    agreement = method_agreement(headline.only(both), partition.only(both))
    shares = weights.groupby(labels.reindex(weights.index)).sum() / weights[labels.index].sum()
    largest = headline.labels[both][labels[both] == shares.idxmax()].value_counts()
    return {
        "n_units": len(labels),
        "groups": partition.k,
        "sizes": " ".join(f"{share:.3f}" for share in shares),
        "largest": int(largest.sort_index().idxmax()) if len(largest) else 0,
        "adjusted_rand": agreement.adjusted_rand,
        "moved_share": agreement.moved_share,
    }


def _cycle(one: Universe, told: pd.DataFrame, weights: pd.Series) -> Row:
    """Give the phases that are furthest and least far, and how many run at the same time."""
    own = weights[told.index].to_numpy()[:, None] * told.notna()
    means = (told * own).sum() / own.sum()
    counts = active_counts(activity(told, one.active_from)).loc[2:, ["share", "expected"]].sum()
    ends = {"highest": str(means.idxmax()), "lowest": str(means.idxmin())}
    return {**ends, "several": float(counts["share"]), "expected": float(counts["expected"])}


def _change(material: Material, one: Universe) -> Row:
    """Give the mean change between the last two waves, and which phases changed surely."""
    scores, errors = {}, {}
    for wave in material.change_waves:
        of = material.waves[wave]
        persons = of.persons(one, material.common)
        persons = persons.loc[persons.index.isin(of.now.index)]
        panel = of.score(persons, of.now, one)
        scores[wave] = panel.loc[panel.index.intersection(material.unchanged)]
        errors[wave] = standard_errors(persons, of.now.loc[persons.index])
    if not scores:
        return {"change": None, "changed": ""}
    table = mean_change(scores, material.n_unchanged, errors).droplevel([0, 1])
    sure = table[table["p_holm"] <= SURE]
    signs = sure["change"].gt(0).map({True: "+", False: "-"})
    changed = " ".join(f"{phase}{sign}" for phase, sign in signs.items())
    return {"change": float(table["change"].mean()), "changed": changed}


def _weights(material: Material, one: Universe, units: pd.Index) -> pd.Series:
    if one.weights == "equal":
        return pd.Series(1.0, index=units)
    return weigh_units(material.population, material.by, units)
