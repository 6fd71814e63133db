"""Latent classes of answers, within which items are independent (Lazarsfeld & Henry 1968).

For checks on items, next to profiles of phase scores. Items may have different numbers of
categories; a missing answer adds nothing to the likelihood. Where no answer is missing, the last
category of an item is what the others leave: the engine then works without it, which saves a column
per item.

With thirty five-point items and a few hundred units this is not estimable: four classes have 483
parameters. Collapse categories first, or use the phase scores.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.mixtures import em
from cycle_analysis.mixtures import search as starts
from cycle_analysis.mixtures.em import Block, FreeShares
from cycle_analysis.mixtures.fit import check_table
from cycle_analysis.mixtures.search import Outcome, Search, best_of_starts, checked_weights

LOG_CHANCE_FLOOR = -30.0
"""A category that nobody in a class chose keeps a chance of e^-30: zero, but with a logarithm."""
LAST = 1e-12
"""Tolerance of the best run: with few items classes lie so flat that 1e-9 stops .001 below."""
BOUNDARY = 1e-6
"""A chance nearer to 0 or 1 than this is a boundary estimate: it has no standard error."""


class Categorical(FreeShares):
    """Independent categorical items; theta = log chances of all categories.

    Parameters
    ----------
    places : array of int, n × p items
        Place of each answer among the categories of its item, -1 where missing.
    sizes : array of int, p
        Number of categories of each item.

    Attributes
    ----------
    coded : array, n × number of categories
        1 where the category was chosen, 0 elsewhere and where the answer is missing.
    """

    def __init__(self, places: np.ndarray, sizes: np.ndarray):
        self.last = np.cumsum(sizes) - 1
        self.offsets = self.last + 1 - sizes
        self.item = np.repeat(np.arange(len(sizes)), sizes)
        self.coded = np.zeros((len(places), len(self.item)))
        rows, items = np.nonzero(places >= 0)
        self.coded[rows, self.offsets[items] + places[rows, items]] = 1.0
        self.complete = len(rows) == places.size
        self.kept = np.arange(len(self.item))
        if self.complete:
            self.kept = np.delete(self.kept, self.last)
        ones = np.ones((len(places), 1))
        statistics = np.hstack([self.coded[:, self.kept], ones])
        everywhere = np.ones(len(sizes), dtype=bool)
        self.blocks = (Block(np.arange(len(places)), statistics, everywhere),)

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Log chances (against the last category where that one is left out), and a constant."""
        if not self.complete:
            return np.concatenate([theta, np.zeros((1, *theta.shape[1:]))])
        last = theta[self.last]
        against = theta[self.kept] - last[self.item[self.kept]]
        return np.concatenate([against, last.sum(axis=0, keepdims=True)])

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Shares of the categories among those of the class who answered."""
        if self.complete:
            counts = np.zeros((len(self.item), *sums[0].shape[1:]))
            counts[self.kept] = sums[0][:-1]
            others = np.add.reduceat(counts, self.offsets, axis=0)
            counts[self.last] = np.maximum(sums[0][-1] - others, 0.0)
            totals = sums[0][-1:] + 1e-300
        else:
            counts = sums[0][:-1] + 1e-300
            totals = np.add.reduceat(counts, self.offsets, axis=0)[self.item]
        with np.errstate(divide="ignore"):
            return np.maximum(np.log(counts / totals), LOG_CHANCE_FLOOR)

    def settle(self, theta: np.ndarray) -> np.ndarray:
        """Let the chances of each item add up to 1 again after an extrapolation."""
        totals = np.add.reduceat(np.exp(theta), self.offsets, axis=0)
        return np.maximum(theta - np.log(totals)[self.item], LOG_CHANCE_FLOOR)


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
    def at_floor(self) -> bool:
        """Whether a chance is estimated at 0 or 1."""
        at_edge = (self.chances < BOUNDARY) | (self.chances > 1 - BOUNDARY)
        return bool(at_edge.any(axis=None))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the answers of n units, n × p items."""
        member = rng.choice(self.k, size=n, p=self.shares.to_numpy() / self.shares.sum())
        columns = []
        for _, block in self.chances.groupby(level="item", sort=False):
            heights = block.to_numpy().cumsum(axis=0)[:, member]
            position = (rng.random(n) * heights[-1] > heights[:-1]).sum(axis=0)
            columns.append(block.index.get_level_values("category").to_numpy()[position])
        return np.column_stack(columns)


def fit_classes(
    answers: pd.DataFrame,
    k: int,
    *,
    weights: pd.Series | None = None,
    search: Search = Search(last_tolerance=LAST),  # noqa: B008 (frozen)
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
        On impossible k, a unit or an item without any answer, bad weights.

    References
    ----------
    Linzer & Lewis (2011), Journal of Statistical Software 42(10).

    Examples
    --------
    >>> answers = pd.DataFrame({"AG1": [0, 0, 0, 1, 1, 1], "AG2": [0, 0, 1, 2, 2, 2]})
    >>> fit_classes(answers, 2).shares.round(2).tolist()
    [0.5, 0.5]
    """
    check_table(answers, k)
    places, categories = _coded(answers)
    order = np.lexsort(places.T[::-1])
    case_weights = checked_weights(weights, answers).to_numpy()[order]
    family = Categorical(places[order], np.array([len(codes) for codes in categories]))
    best, outcome = best_of_starts(family, family.coded, k, case_weights, search, starts.random)
    chances = np.exp(best.theta[..., 0])
    order = _by_level(chances, family)
    classes = pd.RangeIndex(1, k + 1, name="profile")
    labels = [answers.columns[family.item], np.concatenate(categories)]
    index = pd.MultiIndex.from_arrays(labels, names=["item", "category"])
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
    known = answers[items].notna().any(axis=1)
    result = pd.DataFrame(np.nan, index=answers.index, columns=mixture.shares.index)
    if known.any():
        categories = [mixture.chances.loc[item].index.to_numpy() for item in items]
        places = [
            pd.Index(codes).get_indexer(answers.loc[known, item].to_numpy())
            for item, codes in zip(items, categories, strict=True)
        ]
        sizes = np.array([len(codes) for codes in categories])
        family = Categorical(np.column_stack(places), sizes)
        theta = np.log(np.maximum(mixture.chances.to_numpy(), 1e-13))[..., None]
        batch = em.fixed(theta, mixture.shares.to_numpy())
        result.loc[known], _ = em.memberships(family, batch)
    return result


def _coded(answers: pd.DataFrame) -> tuple[np.ndarray, list[np.ndarray]]:
    """Place of each answer among the codes of its item, n × p, -1 where missing; and the codes."""
    found, codes = pd.factorize(answers.to_numpy().ravel(), sort=True)
    found = found.reshape(answers.shape)
    rows, items = np.nonzero(found >= 0)
    used = np.zeros((answers.shape[1], len(codes)), dtype=bool)
    used[items, found[rows, items]] = True
    places = np.full(answers.shape, -1)
    places[rows, items] = (used.cumsum(axis=1) - 1)[items, found[rows, items]]
    return places, [codes[own] for own in used]


def _by_level(chances: np.ndarray, family: Categorical) -> np.ndarray:
    """Order of the classes by mean answer, each item's categories spread over 0-1."""
    steps = np.maximum(family.last - family.offsets, 1)[family.item]
    rank = (np.arange(len(family.item)) - family.offsets[family.item]) / steps
    return np.lexsort((*chances[::-1], rank @ chances))
