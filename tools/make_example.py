"""Make the raw files of a bundled study again: ``python tools/make_example.py FOLDER``."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.random import Generator

from cycle_analysis.responses import BLANK
from cycle_analysis.simulate import PHASES, Answering, Profiles, Truth
from cycle_analysis.simulate.exports import DONT_KNOW, NOT_APPLICABLE, missing_codes
from cycle_analysis.simulate.studies import MIDDLE_SIZE_CLASS, write_study
from cycle_analysis.study import load_study
from cycle_analysis.study.files import Scale

OPEN_ANSWER_RATE = 0.35
"""Share of respondents who answer an open question."""


@dataclass(frozen=True)
class Follows:
    """How the answer to a question outside the phases follows from the phases.

    The answer is ``offset + slope * (mean of phases) + noise`` in percent, raised to `power` on
    0-1 (a power above 1 makes counts skewed), and then laid on the answer scale.

    Attributes
    ----------
    phases : tuple of str
        Phases that it follows; empty for all.
    offset, slope, sd : float
        Percent points; `sd` is the standard deviation of the noise between respondents.
    power : float
    decimals : int
        Decimals of the answer, for numbers.
    """

    phases: tuple[str, ...] = ()
    offset: float = 0.0
    slope: float = 1.0
    sd: float = 15.0
    power: float = 1.0
    decimals: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Stated(Truth):
    """A truth that states how items are answered, rather than to lay them on answers.

    Attributes
    ----------
    size_slopes : tuple of float, one per profile
        Change of the log of the share for each size class above 4.
    respondent_spreads : tuple of float, one per profile
        How much more (> 1) respondents of one unit differ than `answering` says.
    mean_respondents : mapping of size class to float
        Mean number of respondents of a unit that takes part, 1-`len(role_order)`, in wave one.
    respondents_kept : float
        Share of the respondents beyond a unit's first that is left with every further wave, 0-1.
    single_share : float
        Share of units that in spite of this have one respondent only, 0-1.
    dont_know_rate : float
        Chance that an answer is *weet niet*, 0-1.
    not_applicable_rate : float
        Chance of *n.v.t.* for the last phase where that phase has not been reached at all, 0-1;
        it falls linearly to 0 for the first phase and for a level of `reached`.
    reached : float
        Level from which a phase counts as reached, 0-100.
    follows : mapping of item or block to Follows
        Rules for questions outside the phases; the item's own rule goes before its block's.
    """

    size_slopes: tuple[float, ...]
    respondent_spreads: tuple[float, ...]
    mean_respondents: Mapping[int, float]
    respondents_kept: float = 1.0
    single_share: float
    dont_know_rate: float
    not_applicable_rate: float
    reached: float = 25.0
    follows: Mapping[str, Follows] = field(default_factory=dict)

    def __post_init__(self):
        for name in ("size_slopes", "respondent_spreads"):
            if len(getattr(self, name)) != (k := len(self.profiles.centroids)):
                raise ValueError(f"`{name}` needs {k} numbers, one per profile.")

    def shares(self, size_class):
        """Give shares that rise or fall with the size of units."""
        sizes = np.outer(size_class.astype(int) - MIDDLE_SIZE_CLASS, self.size_slopes)
        return self.profiles.chances * np.exp(sizes)

    def count(self, units, wave, rng):
        """Give larger units more respondents, and some units one whatever their size."""
        most, size_class = len(self.role_order), units["size_class"].astype(int)
        chance = (size_class.map(self.mean_respondents) - 1) / (most - 1)
        chance = chance * self.respondents_kept**wave
        count = 1 + rng.binomial(most - 1, chance.to_numpy(dtype=float))
        return np.where(rng.random(len(units)) < self.single_share, 1, count)

    def see(self, units, rng):
        """Let respondents in units of some profiles differ more."""
        spread = np.array(self.respondent_spreads)[units[["profile"]].to_numpy() - 1]
        return self.answering.see(units[self.phases].to_numpy(), rng, spread)

    def answer(self, study, wave, asked, respondents, chance):
        """Draw answers by `answering.rate` and `follows`, and what is missing by its rates."""
        of_items, of_others, of_missing = chance
        phase_items = _draw_phase_items(self, respondents, study.phase_items(wave), of_items)
        others = asked[asked["phase"] == ""]
        background = _draw_background(self, respondents, others, study.scales, of_others)
        given = phase_items.join(background, validate="1:1")[asked.index]
        reasons = _draw_reasons(self, respondents, asked, of_missing)
        # who would say what a question does not offer leaves it blank
        offered = {item: ["", *missing_codes(study, str(item))] for item in reasons}
        return given, reasons.apply(lambda told: told.where(told.isin(offered[told.name]), BLANK))


def _draw_phase_items(
    truth: Stated, respondents: pd.DataFrame, items: pd.DataFrame, rng: Generator
) -> pd.DataFrame:
    """Draw the answers on the items of the phases, respondents × items, as if all had answered."""
    seen = respondents[truth.phases].to_numpy() + respondents[["style"]].to_numpy()
    percent = truth.answering.rate(seen, pd.Index(truth.phases).get_indexer(items["phase"]), rng)
    low, high = items["low"].to_numpy(int), items["high"].to_numpy(int)
    codes = np.clip(np.rint(low + (high - low) * percent / 100), low, high)
    codes = np.where(items["reversed"].to_numpy(bool), low + high - codes, codes)
    truth.answering.spoil(codes, low, high, rng)
    return pd.DataFrame(codes, index=respondents.index, columns=items.index)


def _draw_reasons(
    truth: Stated, respondents: pd.DataFrame, items: pd.DataFrame, rng: Generator
) -> pd.DataFrame:
    """Draw why an answer is missing, respondents × items: a reason, or "" where answered.

    *N.v.t.* comes with late phases that a unit has not reached; items without a phase have only
    blanks and *weet niet*.
    """
    late = np.linspace(0, 1, len(truth.phases)) * (
        1 - respondents[truth.phases].div(truth.reached).clip(0, 1)
    )
    chance = late.reindex(columns=items["phase"], fill_value=0).to_numpy()
    chance, u = chance * truth.not_applicable_rate, rng.random(chance.shape)
    edges = np.cumsum([truth.answering.blank, truth.dont_know_rate])
    reasons = np.select(
        [u < edges[0], u < edges[1], u < edges[1] + chance],
        [BLANK, DONT_KNOW, NOT_APPLICABLE],
        default="",
    )
    return pd.DataFrame(reasons, index=respondents.index, columns=items.index)


def _draw_background(
    truth: Stated,
    respondents: pd.DataFrame,
    codebook: pd.DataFrame,
    scales: Mapping[str, Scale],
    rng: Generator,
) -> pd.DataFrame:
    """Draw answers on all items without a phase, respondents × items: codes, numbers, texts.

    `Stated.follows` says how an item, or its block, follows the phases; without a rule each answer
    is as likely.
    """
    columns, n = {}, len(respondents)
    for item, row in codebook.iterrows():
        scale = scales[row["scale"]]
        if scale.kind == "text":
            texts = rng.choice(np.array(truth.open_answers, dtype=object), n)
            columns[item] = np.where(rng.random(n) < OPEN_ANSWER_RATE, texts, "")
            continue
        keys = (str(item), str(item).split("_")[0], str(row["block"]))
        rule = next((truth.follows[key] for key in keys if key in truth.follows), None)
        share = _shares_of_scale(truth, respondents, rule, scale.kind, rng)
        codes = _lay_on_scale(share, scale, rule.decimals if rule else 0)
        columns[item] = sum(scale.ends) - codes if row["reversed"] else codes
    return pd.DataFrame(columns, index=respondents.index)


def _shares_of_scale(
    truth: Stated, respondents: pd.DataFrame, rule: Follows | None, kind: str, rng: Generator
) -> np.ndarray:
    """Where on the answer scale each respondent stands, 0-1."""
    if rule is None:
        return rng.random(len(respondents))
    level = respondents[list(rule.phases or truth.phases)].mean(axis=1)
    percent = rule.offset + rule.slope * level + rng.normal(0, rule.sd, len(respondents))
    if kind == "rating":
        percent = percent + respondents["style"]
    return np.clip(percent.to_numpy() / 100, 0, 1) ** rule.power


def _lay_on_scale(share: np.ndarray, scale: Scale, decimals: int) -> np.ndarray:
    if scale.kind == "category":
        codes = np.array([float(code) for code in scale.labels])
        return codes[np.minimum((share * len(codes)).astype(int), len(codes) - 1)]
    low, high = scale.ends
    if not np.isfinite(high - low):
        raise ValueError("A number is drawn between min and max: give both in study.yaml.")
    return np.round(low + (high - low) * share, decimals)


EXAMPLE_SEED = 20180312
"""Seed of the committed files."""

EXAMPLE_PROFILES = pd.DataFrame(
    [
        (26.0, 18.0, 12.0, 10.0, 6.0),  # Getting oriented: known, but little else has begun.
        (36.0, 69.0, 46.0, 14.0, 12.0),  # Busy experimenters: many pilots, little laid down.
        (75.0, 23.0, 28.0, 61.0, 26.0),  # Anchoring by plan: owner, budget, procedures first.
        (74.0, 68.0, 72.0, 58.0, 56.0),  # Broad front-runners: all phases at once.
    ],
    columns=list(PHASES),
)
"""Means of the example: the second and third have nearly the same level, and cross twice. What
tells them apart is where they stand in the cycle, not how far they are."""

EXAMPLE = Stated(
    profiles=Profiles(EXAMPLE_PROFILES, spread=3.0, shares=(0.38, 0.24, 0.22, 0.16)),
    size_slopes=(-0.35, 0.10, 0.05, 0.40),
    respondent_spreads=(1.0, 1.0, 1.0, 1.1),
    transitions=(
        (0.62, 0.19, 0.16, 0.03),
        (0.04, 0.72, 0.08, 0.16),
        (0.03, 0.06, 0.75, 0.16),
        (0.00, 0.03, 0.05, 0.92),
    ),
    unit_memory=0.7,
    answering=Answering(respondent_sd=25, halo=0.08, item_sd=29, item_spread=14, blank=0.015),
    style_sd=3.0,
    role_effects={
        "STR": (4, 0, 1, 2, 1),
        "DAT": (-2, 2, -2, -3, -3),
        "DOM": (-2, -2, 0, 0, 1),
        "BES": (6, 3, 3, 4, 4),
    },
    role_order=(("STR", "DAT"), ("STR", "DAT"), ("DOM",), ("DOM",), ("DOM", "BES"), ("DOM",)),
    mean_respondents={1: 3.4, 2: 3.6, 3: 4.0, 4: 4.3, 5: 4.6, 6: 4.8, 7: 5.0, 8: 5.2},
    single_share=0.03,
    response_rate={1: 0.35, 2: 0.40, 3: 0.46, 4: 0.54, 5: 0.66, 6: 0.74, 7: 0.82, 8: 0.90},
    response_memory=0.5,
    dont_know_rate=0.015,
    not_applicable_rate=0.06,
    follows={
        "A4": Follows(offset=50, slope=0, sd=22, power=2),
        "A5": Follows(offset=35, slope=0.4, sd=25),
        "A6": Follows(offset=35, slope=0, sd=25),
        "B1_1": Follows(("AG",), offset=12, sd=12),
        "B1_2": Follows(("EX",), offset=5, sd=12),
        "B1_3": Follows(("VB", "VA", "NN"), offset=2, sd=12),
        "B2": Follows(offset=2, slope=1.05, sd=16),
        "D": Follows(offset=14, slope=0.75, sd=18),
        "E": Follows(("VA",), offset=28, slope=0.5, sd=18),
        "F": Follows(("AG", "VA"), offset=20, slope=0.55, sd=18),
        "G1": Follows(offset=40, slope=0.45, sd=9, decimals=1),
        "G2": Follows(offset=12, slope=0.9, sd=12),
        "G3": Follows(("VA", "NN"), offset=8, slope=0.9, sd=12),
        "G4": Follows(offset=40, slope=0.6, sd=14),
        "G5": Follows(offset=25, slope=0.8, sd=14),
        "H1": Follows(("AG", "VA"), offset=5, slope=0.9, sd=18),
        "H2": Follows(offset=8, slope=0.4, sd=6, power=3, decimals=1),
        "H3": Follows(("EX",), offset=-5, slope=0.9, sd=22),
        "H4": Follows(("EX",), offset=12, slope=0.4, sd=6, power=2),
        "H5": Follows(("EX",), offset=0, slope=0.28, sd=4, power=2),
        "H6": Follows(("VB",), offset=0, slope=0.25, sd=4, power=2),
        "H7": Follows(offset=15, slope=0.8, sd=15),
        "H8": Follows(("VA",), offset=0, slope=0.7, sd=20),
    },
    coordinator_blocks=("H",),
    open_answers=(
        "[synthetisch] Te weinig tijd naast het gewone werk.",
        "[synthetisch] Gegevens staan verspreid over veel systemen.",
        "[synthetisch] Er is nog geen eigenaar aan de top.",
        "[synthetisch] Pilots stoppen zodra het projectgeld op is.",
        "[synthetisch] Kennis zit bij enkele mensen.",
        "[synthetisch] Onzekerheid over wat volgens de privacyregels mag.",
    ),
)

UNKIND_SEED = 2118

UNKIND_PROFILES = pd.DataFrame(
    [
        (32.0, 26.0, 22.0, 18.0, 14.0),
        (58.0, 54.0, 46.0, 28.0, 24.0),
        (70.0, 64.0, 64.0, 58.0, 50.0),
    ],
    columns=list(PHASES),
)
"""Means of the unkind study: neighbours lie five spreads apart, on nearly one line. Along it
also runs what respondents share over all phases, so that scores of units hide the groups."""

UNKIND = Stated(
    profiles=Profiles(UNKIND_PROFILES, spread=9.0, shares=(0.35, 0.35, 0.30)),
    size_slopes=(0.0, 0.0, 0.0),
    respondent_spreads=(1.0, 1.0, 1.0),
    transitions=((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    unit_memory=1.0,
    answering=Answering(
        respondent_sd=22, halo=0.65, item_sd=20, careless=0.02, straight=0.03, blank=0.02
    ),
    style_sd=0.0,
    role_effects={"STR": (7, 7, 6, 6, 5), "DAT": (-7, -7, -6, -6, -5)},
    role_order=(("STR", "STR", "STR", "DAT"), ("STR", "DAT"), *(("DAT",) * 3 + ("STR",),) * 4),
    mean_respondents=dict.fromkeys(range(1, 9), 5.0),
    respondents_kept=0.1,
    single_share=0.03,
    response_rate={1: 0.26, 2: 0.29, 3: 0.32, 4: 0.37, 5: 0.43, 6: 0.51, 7: 0.60, 8: 0.68},
    response_memory=0.95,
    dont_know_rate=0.02,
    not_applicable_rate=0.10,
)
"""Nothing changes, and everything that makes it look so is there: respondents who answer from one
general impression (half of their error is the same in all phases), five of them in the first wave
and one or two in the second, then mostly of the role that is kinder about everything, units that
lie apart within their profile and stay there, and some who do not read the questions."""

BUNDLED: Mapping[str, tuple[Stated, int]] = {
    "example": (EXAMPLE, EXAMPLE_SEED),
    "unkind": (UNKIND, UNKIND_SEED),
}
"""Truth and seed of the studies in data/raw, by the name of their folder."""

if __name__ == "__main__":
    folder = Path(sys.argv[-1]).resolve()
    if len(sys.argv) != 2 or folder.name not in BUNDLED:
        folders = " or ".join(f"data/raw/{name}" for name in BUNDLED)
        sys.exit(f"Give the folder of a bundled study: {folders}")
    truth = write_study(load_study(folder.name, folder.parents[2]), *BUNDLED[folder.name])
    for wave, units in truth[truth["n_respondents"] > 0].groupby("wave"):
        total = units["n_respondents"].sum()
        print(f"{wave}: {len(units)} municipalities, {total} respondents (synthetic)")
