"""Classes in which answers are independent: latent class analysis (Lazarsfeld & Henry 1968).

Items may have different numbers of categories; a missing answer adds nothing to the likelihood.
Where no answer is missing, the last category of an item is what the others leave: the engine then
works without it, which saves a column per item.
"""

import numpy as np
import pandas as pd

from cycle_analysis.mixtures.em import Block

LOG_CHANCE_FLOOR = -30.0
"""A category that nobody in a class chose keeps a chance of e^-30: zero, but with a logarithm."""


def one_hot(answers: pd.DataFrame, categories: list[np.ndarray]) -> np.ndarray:
    """Code answers as columns of 0 and 1, one for each category of each item, 0 where missing.

    Parameters
    ----------
    answers : DataFrame, n × p items
        Codes; NaN where missing.
    categories : list of arrays, p
        The codes of each item, in order.

    Returns
    -------
    array, n × number of categories
    """
    ends = np.cumsum([len(codes) for codes in categories])
    result = np.zeros((len(answers), ends[-1]))
    for j, codes in enumerate(categories):
        position = pd.Index(codes).get_indexer(answers.iloc[:, j].to_numpy())
        rows = np.flatnonzero(position >= 0)
        result[rows, ends[j] - len(codes) + position[rows]] = 1.0
    return result


class Categorical:
    """Independent categorical items; theta = log chances of all categories.

    Parameters
    ----------
    coded : array, n × number of categories
        As `one_hot` gives it.
    sizes : sequence of int, p
        Number of categories of each item.
    """

    def __init__(self, coded: np.ndarray, sizes: list[int]):
        ends = np.cumsum(sizes, dtype=np.intp)
        self.offsets = ends - np.array(sizes, dtype=np.intp)
        self.item = np.repeat(np.arange(len(sizes)), sizes)
        self.last = ends - 1
        self.complete = bool((coded.sum(axis=1) == len(sizes)).all())
        self.kept = np.ones(len(self.item), dtype=bool)
        if self.complete:
            self.kept[self.last] = False
        ones = np.ones((len(coded), 1))
        statistics = np.hstack([coded[:, self.kept] if self.complete else coded, ones])
        everywhere = np.ones(len(sizes), dtype=bool)
        self.blocks = (Block(np.arange(len(coded)), statistics, everywhere),)

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
