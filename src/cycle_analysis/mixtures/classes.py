"""Fit latent classes to answers: for checks on items, next to profiles of phase scores.

With thirty five-point items and a few hundred units this is not estimable: four classes have 483
parameters. Collapse categories first, or use the phase scores.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import em, starts
from cycle_analysis.mixtures.categorical import Categorical, one_hot
from cycle_analysis.mixtures.search import Outcome, Search, best_of_starts, checked_weights

BOUNDARY = 1e-6
"""A chance nearer to 0 or 1 than this is a boundary estimate: it has no standard error."""


@dataclass(frozen=True, eq=False)
class ClassMixture:
    """k latent classes, numbered from low to high mean answer.

    Attributes
    ----------
    shares : Series, k classes
        Share of the population, 0-1.
    chances : DataFrame, (item, category) × k classes
        Chance of each category within a class; adds up to 1 per item.
    outcome : Outcome
        How the search ended.
    n_units : float
        Number of units, or the sum of their weights.
    """

    shares: pd.Series
    chances: pd.DataFrame
    outcome: Outcome
    n_units: float

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.shares)

    @property
    def name(self) -> str:
        """Name of the method, for tables and sentences."""
        return "latent classes"

    @property
    def log_likelihood(self) -> float:
        """Of the answers given, weighted."""
        return self.outcome.log_likelihood

    @property
    def n_parameters(self) -> int:
        """Shares and chances that are free."""
        free = len(self.chances) - self.chances.index.get_level_values("item").nunique()
        return self.k - 1 + self.k * free

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz 1978): the lower, the better."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n_units))

    @property
    def n_boundary(self) -> int:
        """Chances estimated at 0 or 1."""
        at_edge = (self.chances < BOUNDARY) | (self.chances > 1 - BOUNDARY)
        return int(at_edge.to_numpy().sum())

    @property
    def at_floor(self) -> bool:
        """Whether an estimate lies on the boundary."""
        return self.n_boundary > 0

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the answers of n units, n × p items."""
        member = rng.choice(self.k, size=n, p=self.shares.to_numpy() / self.shares.sum())
        columns = []
        for _, block in self.chances.groupby(level="item", sort=False):
            heights = block.to_numpy().cumsum(axis=0)[:, member]
            position = (rng.random(n) * heights[-1] > heights[:-1]).sum(axis=0)
            columns.append(block.index.get_level_values("category").to_numpy()[position])
        return np.column_stack(columns)

    def __str__(self) -> str:
        return (
            f"{self.k} latent classes, log-likelihood {self.log_likelihood:.3f}, "
            f"{self.n_parameters} parameters, {self.n_boundary} of them on the boundary, "
            f"BIC {self.bic:.1f}; best solution found in {self.outcome.n_replicated} of "
            f"{self.outcome.n_finished} runs"
        )


def fit_classes(
    answers: pd.DataFrame,
    k: int,
    *,
    weights: pd.Series | None = None,
    search: Search = Search(),  # noqa: B008 (frozen)
) -> ClassMixture:
    """Fit k latent classes to answers.

    Parameters
    ----------
    answers : DataFrame, n units × p items
        Codes, in as many categories per item as occur; NaN is allowed where at least one answer of
        the unit is known.
    k : int
        Number of classes, 1 or more.
    weights : Series, n units, optional
        Case weights on the index of `answers`.
    search : Search
        Starts, tolerance and seed.

    Returns
    -------
    ClassMixture

    Raises
    ------
    ValueError
        On impossible k, a unit without any answer, bad weights.

    References
    ----------
    Linzer & Lewis (2011), Journal of Statistical Software 42(10).

    Examples
    --------
    >>> answers = pd.DataFrame({"AG1": [0, 0, 0, 1, 1, 1], "AG2": [0, 0, 1, 2, 2, 2]})
    >>> fit_classes(answers, 2).shares.round(2).tolist()
    [0.5, 0.5]
    """
    check_answers(answers, k)
    case_weights = checked_weights(weights, answers)
    ordered = answers.sort_values(list(answers.columns))
    case_weights = case_weights.loc[ordered.index].to_numpy()
    categories = [np.sort(ordered[item].dropna().unique()) for item in ordered]
    coded = one_hot(ordered, categories)
    family = Categorical(coded, [len(codes) for codes in categories])
    best, outcome = best_of_starts(family, coded, k, case_weights, search, starts.random)
    chances = np.exp(best.theta[..., 0])
    order = _by_level(chances, family)
    classes = pd.RangeIndex(1, k + 1, name="profile")
    labels = [
        (item, code)
        for item, codes in zip(answers.columns, categories, strict=True)
        for code in codes
    ]
    index = pd.MultiIndex.from_tuples(labels, names=["item", "category"])
    return ClassMixture(
        shares=pd.Series(np.exp(best.log_shares[order, 0]), index=classes, name="share"),
        chances=pd.DataFrame(chances[:, order], index=index, columns=classes),
        outcome=outcome,
        n_units=float(case_weights.sum()),
    )


def classify_answers(mixture: ClassMixture, answers: pd.DataFrame) -> pd.DataFrame:
    """Give each unit's class probabilities; an answer never seen at the fit counts as missing.

    Parameters
    ----------
    mixture : ClassMixture
        Fitted on these or other answers to the same items.
    answers : DataFrame, n units × p items
        Codes.

    Returns
    -------
    DataFrame, n units × k classes
        Probabilities, 0-1; NaN for a unit without any answer.
    """
    items = list(mixture.chances.index.unique("item"))
    if absent := [item for item in items if item not in answers.columns]:
        raise ValueError(
            f"The answers lack {absent}, on which the classes were fitted. Give all items."
        )
    known = answers[items].notna().any(axis=1)
    result = pd.DataFrame(np.nan, index=answers.index, columns=mixture.shares.index)
    if known.any():
        categories = [mixture.chances.loc[item].index.to_numpy() for item in items]
        coded = one_hot(answers.loc[known, items], categories)
        family = Categorical(coded, [len(codes) for codes in categories])
        theta = np.log(np.maximum(mixture.chances.to_numpy(), 1e-13))[..., None]
        log_shares = np.log(np.maximum(mixture.shares.to_numpy(), 1e-13))[:, None]
        none = np.zeros(1)
        batch = em.Batch(theta, log_shares, none, none.astype(bool), none)
        result.loc[known] = em.posteriors(family, batch)
    return result


def check_answers(answers: pd.DataFrame, k: int) -> None:
    """Refuse answers that cannot be divided into k classes, saying what to do.

    Raises
    ------
    ValueError
        With the fault, the units concerned, and the remedy.
    """
    if empty := answers.index[answers.isna().all(axis=1)].tolist():
        raise ValueError(
            f"{len(empty)} of {len(answers)} units have no answer at all: {empty[:5]}. "
            "Leave them out first: answers.dropna(how='all')."
        )
    if answers.index.has_duplicates:
        twice = answers.index[answers.index.duplicated()].unique().tolist()
        raise ValueError(f"Units appear more than once: {twice[:5]}. Give each unit one row.")
    n_distinct = len(answers.drop_duplicates())
    if not 1 <= k <= max(n_distinct, 1):
        raise ValueError(
            f"k = {k} classes asked of {len(answers)} units with {n_distinct} distinct answer "
            f"patterns. Allowed: 1 to {n_distinct}. Ask for fewer classes."
        )


def _by_level(chances: np.ndarray, family: Categorical) -> np.ndarray:
    """Order of the classes by mean answer, each item's categories spread over 0-1."""
    sizes = family.last - family.offsets
    rank = (np.arange(len(family.item)) - family.offsets[family.item]) / np.maximum(
        sizes[family.item], 1
    )
    return np.lexsort((*chances[::-1], rank @ chances))
