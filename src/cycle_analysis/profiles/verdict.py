"""The verdict on whether there are profiles, and the evidence it rests on.

Profiles are announced when three things agree: BIC takes more than one, every kind of survey
without groups is separated less clearly, and the groups are more than steps of one series. Lines
that cross show the last: a profile that is lower on the whole is higher on some phase. Where no
lines cross, units can be set on one scale, and there the units of a steep cumulative series heap
as groups do; then only a gap on that scale, the mean score, tells groups from steps.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from cycle_analysis.profiles.selection import Choice
from cycle_analysis.profiles.separation import separation_p


class Verdict(StrEnum):
    """Whether there are profiles, by a code that texts know. Only the first allows names."""

    PROFILES = "profiles"
    STRUCTURE = "structure"
    """There is structure, but no profiles can be told apart."""
    CONTINUUM = "continuum"
    NO_STRUCTURE = "no_structure"
    IDENTICAL = "identical"
    """All units with complete scores are the same: there is nothing to divide."""


ALPHA = 0.05
"""Level of the tests."""
FOUND: dict[int, dict[str, float]] = {
    100: {"clear": 0.98, "weak": 0.007, "false": 0.01},
    200: {"clear": 1.0, "weak": 0.05, "false": 0.01},
    350: {"clear": 1.0, "weak": 0.10, "false": 0.01},
}
"""Share of simulated surveys in which four clear and four weak profiles are found, and a continuum
is taken for profiles, by number of units (benchmarks/verdict.csv). `false` is a bound: over its
three continua none of 480 surveys or more was, which allows .6 % (95 %, rule of three)."""


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
        """Whether every null is rejected at `ALPHA`."""
        p = self.p_values
        return bool(len(p) and (p <= ALPHA).all())

    @property
    def ladder(self) -> bool:
        """Whether separate groups may be no more than the steps of one series without gaps."""
        uncrossed = not self.lines_cross and self.p_one_mode > ALPHA
        return self.choice.k > 1 and self.separated and uncrossed

    @property
    def verdict(self) -> Verdict:
        """Whether there are profiles.

        Without profiles: `NO_STRUCTURE` when nothing is announced and no correlation goes beyond
        chance, `CONTINUUM` when one common factor is enough for the correlations, `STRUCTURE` when
        it is not or when the evidence contradicts itself.
        """
        if self.null_silhouettes.empty:
            return Verdict.IDENTICAL
        announced = self.choice.k > 1
        if announced and self.separated and not self.ladder:
            return Verdict.PROFILES
        if self.n_dimensions == 0:
            found = announced or self.separated
            return Verdict.STRUCTURE if found else Verdict.NO_STRUCTURE
        return Verdict.CONTINUUM if self.p_one_dimension > ALPHA else Verdict.STRUCTURE

    def __str__(self) -> str:
        p, silhouette = self.p_values.max(), self.silhouettes.max()
        return f"{self.verdict}: {self.choice}, silhouette {silhouette:.2f} (p = {p:.3f})"


def nothing_to_divide(n_units: int) -> Evidence:
    """Set the evidence of units that are all the same: there is no test."""
    none = pd.Series(np.nan, ["elevation", "scatter", "shape"])
    widths = pd.Series(dtype=float, index=pd.Index([], name="k"), name="silhouette")
    no_nulls = pd.DataFrame(columns=pd.MultiIndex.from_product([["copula", "one_factor"], []]))
    return Evidence(Choice(1, ""), widths, no_nulls, none, False, 1.0, 0, 1.0, n_units)


def verdict_table(evidence: Evidence) -> pd.DataFrame:
    """Set the verdict as a table: one row, index `finding`.

    Columns verdict (a code), p (the largest over the nulls), silhouette (the largest over k),
    ladder (whether all that lacks is lines that cross or levels with gaps), p_one_mode (of gaps in
    the level), n_units, and the shares elevation, scatter and shape (0-1).
    """
    row = {
        "verdict": str(evidence.verdict),
        "p": evidence.p_values.max(),
        "silhouette": evidence.silhouettes.max(),
        "ladder": evidence.ladder,
        "p_one_mode": evidence.p_one_mode,
        "n_units": evidence.n_units,
        **evidence.shares,
    }
    return pd.DataFrame([row], pd.Index(["verdict"], name="finding"))
