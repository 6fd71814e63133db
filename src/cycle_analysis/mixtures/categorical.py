"""Classes in which answers are independent: latent class analysis (Lazarsfeld & Henry 1968).

Items may have different numbers of categories; a missing answer adds nothing to the likelihood.
"""

import numpy as np
import pandas as pd

from cycle_analysis.mixtures.em import Block

LOG_CHANCE_FLOOR = -30.0
"""A category that nobody in a class chose keeps a chance of e^-30: zero, but with a logarithm."""


class Categorical:
    """Independent categorical items; theta = log chances of all categories.

    Parameters
    ----------
    answers : DataFrame, n × p items
        Codes; NaN where missing.
    categories : list of arrays, p
        The codes of each item, in order.
    """

    def __init__(self, answers: pd.DataFrame, categories: list[np.ndarray]):
        self.categories = categories
        sizes = [len(codes) for codes in categories]
        self.offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.item = np.repeat(np.arange(len(sizes)), sizes)
        statistics = np.zeros((len(answers), len(self.item) + 1))
        statistics[:, -1] = 1.0
        for j, codes in enumerate(categories):
            column = answers.iloc[:, j].to_numpy()
            position = pd.Index(codes).get_indexer(column)
            rows = np.flatnonzero(position >= 0)
            statistics[rows, self.offsets[j] + position[rows]] = 1.0
        everywhere = np.ones(answers.shape[1], dtype=bool)
        self.blocks = (Block(np.arange(len(answers)), statistics, everywhere),)

    def natural(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Log chances, and a row for the shares."""
        return np.concatenate([theta, np.zeros((1, *theta.shape[1:]))])

    def maximise(self, sums: list[np.ndarray], theta: np.ndarray | None) -> np.ndarray:
        """Shares of the categories among those of the class who answered."""
        counts = sums[0][:-1] + 1e-300
        totals = np.add.reduceat(counts, self.offsets, axis=0)
        return np.maximum(np.log(counts / totals[self.item]), LOG_CHANCE_FLOOR)

    def settle(self, theta: np.ndarray) -> np.ndarray:
        """Let the chances of each item add up to 1 again after an extrapolation."""
        totals = np.add.reduceat(np.exp(theta), self.offsets, axis=0)
        return np.maximum(theta - np.log(totals)[self.item], LOG_CHANCE_FLOOR)
