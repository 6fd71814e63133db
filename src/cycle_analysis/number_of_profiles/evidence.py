"""Give one of four verdicts on whether there are profiles, from everything that was looked at.

Profiles are announced when three things agree: BIC takes more than one, every kind of survey
without groups is separated less clearly, and the groups are more than steps of one series. Lines
that cross show the last: a profile that is lower on the whole is higher on some phase. Where no
lines cross, units can be set on one scale, and there the units of a steep cumulative series heap
as groups do; then only a gap on that scale, the mean score, tells groups from steps.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.number_of_profiles.choice import Choice
from cycle_analysis.number_of_profiles.separation import separation_p
from cycle_analysis.number_of_profiles.verdicts import (
    CONTINUUM,
    IDENTICAL,
    LADDER,
    NO_STRUCTURE,
    PROFILES,
    STEPS,
    STRUCTURE,
    TITLES,
    VERDICTS,
)
from cycle_analysis.texts.numbers import set_number, set_percent


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the verdict rests on.

    Attributes
    ----------
    choice : Choice
        What BIC takes.
    silhouettes : Series, index k
        Mean silhouette of Ward + k-means for k = 2..K.
    null_silhouettes : DataFrame, B replicates × (null, k)
        The same of surveys without groups.
    shares : Series
        Elevation, scatter and shape shares of Ward + k-means at the choice's k (at least 2).
    lines_cross : bool
        Whether a lower profile stands above a higher one on some phase.
    p_one_mode : float
        Chance of gaps as wide in the mean score when it has none (Silverman 1981).
    n_dimensions : int
        Eigenvalues of the correlations beyond chance (parallel analysis, Horn 1965).
    p_one_dimension : float
        Chance of correlations as far from one common factor when there is only one.
    alpha : float
        Level of the tests.
    n_units : int
        Units with all scores.
    """

    choice: Choice
    silhouettes: pd.Series
    null_silhouettes: pd.DataFrame
    shares: pd.Series
    lines_cross: bool
    p_one_mode: float
    n_dimensions: int
    p_one_dimension: float
    alpha: float
    n_units: int

    @property
    def p_values(self) -> pd.Series:
        """Per null (b + 1) / (B + 1), b the replicates separated at least as well."""
        names = self.null_silhouettes.columns.unique(0)
        return pd.Series(
            [separation_p(self.silhouettes, self.null_silhouettes[name]) for name in names], names
        )

    @property
    def separation(self) -> pd.DataFrame:
        """Silhouettes beside those without groups, index k.

        Columns survey, and of each null its mean and 95th percentile: copula_mean, copula_p95.
        """
        table = pd.DataFrame({"survey": self.silhouettes})
        for name in self.null_silhouettes.columns.unique(0):
            drawn = self.null_silhouettes[name].reindex(columns=table.index)
            table[f"{name}_mean"] = drawn.mean()
            table[f"{name}_p95"] = drawn.quantile(0.95)
        return table

    @property
    def separated(self) -> bool:
        """Whether every null is rejected at `alpha`."""
        p = self.p_values
        return bool(len(p) and (p <= self.alpha).all())

    @property
    def ladder(self) -> bool:
        """Whether separate groups may be no more than the steps of one series without gaps."""
        uncrossed = not self.lines_cross and self.p_one_mode > self.alpha
        return self.choice.k > 1 and self.separated and uncrossed

    @property
    def verdict(self) -> str:
        """One of `PROFILES`, `STRUCTURE`, `CONTINUUM`, `NO_STRUCTURE`.

        Without profiles: `NO_STRUCTURE` when nothing is announced and no correlation goes beyond
        chance, `CONTINUUM` when one common factor is enough for the correlations, `STRUCTURE` when
        it is not or when the evidence contradicts itself.
        """
        announced = self.choice.k > 1
        if announced and self.separated and not self.ladder:
            return PROFILES
        if self.n_dimensions == 0:
            return STRUCTURE if announced or self.separated else NO_STRUCTURE
        return CONTINUUM if self.p_one_dimension > self.alpha else STRUCTURE

    def title(self, language: str) -> str:
        """Give the verdict in a few words (nl or en)."""
        return TITLES[self.verdict][language]

    def sentence(self, language: str) -> str:
        """Give the verdict in words (nl or en), with the figures it rests on."""
        if self.null_silhouettes.empty:
            return IDENTICAL[language]
        words = LADDER if self.ladder else VERDICTS
        gaps = set_number(self.p_one_mode, 3, language)
        text = words[self.verdict][language].format(
            n=self.n_units,
            k=self.choice.k,
            model=self.choice.method,
            silhouette=set_number(self.silhouettes.max(), 2, language),
            p=set_number(self.p_values.max(), 3, language),
            gaps=gaps,
            level=set_percent(self.shares["elevation"], 0, language),
        )
        if self.verdict != PROFILES or self.lines_cross:
            return text
        return f"{text} {STEPS[language].format(gaps=gaps)}"

    def __str__(self) -> str:
        return self.sentence("en")


def nothing_to_divide(n_units: int, alpha: float) -> Evidence:
    """Set the evidence of units that are all the same: there is no structure, and no test."""
    none = pd.Series({"elevation": np.nan, "scatter": np.nan, "shape": np.nan})
    widths = pd.Series(dtype=float, index=pd.Index([], name="k"), name="silhouette")
    no_nulls = pd.DataFrame(columns=pd.MultiIndex.from_product([["copula", "one_factor"], []]))
    return Evidence(
        Choice(1, "", dict(IDENTICAL)), widths, no_nulls, none, False, 1.0, 0, 1.0, alpha, n_units
    )
