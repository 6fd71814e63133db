"""Draw the answers outside the phases: self-placement, preconditions, marks, facts, open texts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cycle_analysis.study.files import Scale

from .truth import Follows, Truth

OPEN_ANSWER_RATE = 0.35
"""Share of respondents who answer an open question."""


def draw_background(
    truth: Truth,
    respondents: pd.DataFrame,
    codebook: pd.DataFrame,
    scales: Mapping[str, Scale],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw answers on all items without a phase.

    Parameters
    ----------
    truth : Truth
        Its `follows` says how an item, or a block, follows the phases; without a rule each answer
        is as likely.
    respondents : DataFrame
        As from `draw_respondents`.
    codebook : DataFrame
        Index `item`; `block`, `phase` (empty), `scale`, `reversed` (bool).
    scales : mapping of name to Scale
        As in `Study.scales`.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame, n respondents × items
        Codes and numbers; texts for open questions (empty where none was given).
    """
    columns = {}
    for item, row in codebook.iterrows():
        scale = scales[row["scale"]]
        if scale.kind == "text":
            columns[item] = _open_answers(truth, len(respondents), rng)
            continue
        keys = (str(item), str(item).split("_")[0], str(row["block"]))
        rule = next((truth.follows[key] for key in keys if key in truth.follows), None)
        if rule is None:
            codes = _lay_on_scale(rng.random(len(respondents)), scale, decimals=0)
        else:
            share = _shares_of_scale(truth, respondents, rule, scale.kind, rng)
            codes = _lay_on_scale(share, scale, rule.decimals)
        if row["reversed"]:
            codes = sum(_ends(scale)) - codes
        columns[item] = codes
    return pd.DataFrame(columns, index=respondents.index)


def _open_answers(truth: Truth, n: int, rng: np.random.Generator) -> np.ndarray:
    texts = rng.choice(np.array(truth.open_answers, dtype=object), n)
    return np.where(rng.random(n) < OPEN_ANSWER_RATE, texts, "")


def _shares_of_scale(
    truth: Truth, respondents: pd.DataFrame, rule: Follows, kind: str, rng: np.random.Generator
) -> np.ndarray:
    """Where on the answer scale each respondent stands, 0-1."""
    level = respondents[list(rule.phases or truth.phases)].mean(axis=1)
    percent = rule.offset + rule.slope * level + rng.normal(0, rule.sd, len(respondents))
    if kind == "rating":
        percent = percent + respondents["style"]
    return np.clip(percent.to_numpy() / 100, 0, 1) ** rule.power


def _lay_on_scale(share: np.ndarray, scale: Scale, decimals: int) -> np.ndarray:
    if scale.kind == "category":
        codes = np.array([float(code) for code in scale.labels])
        return codes[np.minimum((share * len(codes)).astype(int), len(codes) - 1)]
    low, high = _ends(scale)
    return np.round(low + (high - low) * share, decimals)


def _ends(scale: Scale) -> tuple[float, float]:
    if scale.min is None or scale.max is None:
        raise ValueError("A number is drawn between min and max: give both in study.yaml.")
    return scale.min, scale.max
