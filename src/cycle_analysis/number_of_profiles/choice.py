"""Choose a number of profiles from the table of all models by a stated rule, and say why.

The rule is a proposal to argue about, not an answer: the lowest BIC of the solutions that nothing
serious speaks against; of those within two points the one with the fewest parameters.
"""

from dataclasses import dataclass

import pandas as pd

from cycle_analysis.number_of_profiles.criteria import BARRING, FLAGS

TIE = 2.0
"""BIC differences up to this are a tie; up to `NEAR` the other solution deserves to be shown."""
NEAR = 6.0


@dataclass(frozen=True)
class Choice:
    """A number of profiles with the reason for it.

    Attributes
    ----------
    k : int
        Number of profiles.
    method : str
        Covariance model that had the lowest BIC.
    reason : dict of str
        The reason in words, by language (nl, en).
    alternatives : tuple of (str, int)
        Other models and numbers of profiles within `NEAR` BIC points, best first.
    flags : tuple of str
        What speaks against the solution chosen; see `FLAGS`.
    """

    k: int
    method: str
    reason: dict[str, str]
    alternatives: tuple[tuple[str, int], ...] = ()
    flags: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """Give the choice in a few words (nl or en)."""
        return _REASONS[language]["title"].format(k=self.k, method=self.method)

    def __str__(self) -> str:
        return self.reason["en"]


def choose(table: pd.DataFrame) -> Choice:
    """Choose by the default rule: the lowest BIC among all models from one profile up.

    Solutions that did not converge, were found once only, have an empty profile or more parameters
    than a third of the units are left out. Within `TIE` BIC points the fewest parameters win.

    Parameters
    ----------
    table : DataFrame
        As `compare` gives it.

    Returns
    -------
    Choice
        With the reason in words and the solutions that come near.

    Raises
    ------
    ValueError
        When the table holds no latent profile model.

    Examples
    --------
    >>> import numpy as np
    >>> from cycle_analysis.mixtures import EEI
    >>> from cycle_analysis.number_of_profiles.selection import compare
    >>> rng = np.random.default_rng(3)
    >>> scores = pd.DataFrame(rng.normal(50, 9, (60, 2)), columns=["AG", "EX"])
    >>> choose(compare(scores, 2, models=[EEI], n_references=5)).k
    1
    """
    fitted = table[table["bic"].notna()]
    if fitted.empty:
        raise ValueError("The table holds no latent profiles to choose from. Give `models`.")
    barred = fitted["flags"].str.split().map(lambda flags: not set(flags).isdisjoint(BARRING))
    allowed = fitted[~barred] if not barred.all() else fitted
    lowest = allowed["bic"].min()
    tied = allowed[allowed["bic"] <= lowest + TIE]
    best = tied.sort_values(["n_parameters", "bic"]).iloc[0]
    near = allowed[(allowed["bic"] <= lowest + NEAR) & (allowed.index != best.name)]
    near = near.sort_values("bic")
    alternatives = tuple((row.method, int(row.k)) for row in near.itertuples())
    by_aic = fitted.loc[fitted["aic"].idxmin()]
    reason = {
        language: _reason(language, best, near, by_aic, int(barred.sum()), len(fitted))
        for language in ("nl", "en")
    }
    return Choice(
        int(best["k"]), best["method"], reason, alternatives, tuple(best["flags"].split())
    )


def _reason(
    language: str,
    best: pd.Series,
    near: pd.DataFrame,
    by_aic: pd.Series,
    n_barred: int,
    n_fitted: int,
) -> str:
    """Say why this solution, in words."""
    words = _REASONS[language]
    parts = [words["best"].format(k=best["k"], method=best["method"], n=n_fitted)]
    if len(near):
        names = ", ".join(f"{row.method} k = {row.k}" for row in near.itertuples())
        parts.append(words["near"].format(near=NEAR, names=names))
    if int(by_aic["k"]) != int(best["k"]):
        parts.append(words["aic"].format(method=by_aic["method"], k=by_aic["k"]))
    if n_barred:
        parts.append(words["barred"].format(n=n_barred, of=n_fitted))
    for flag in best["flags"].split():
        parts.append(words["flag"].format(flag=FLAGS[flag][language]))
    return " ".join(parts)


_REASONS = {
    "nl": {
        "title": "De regel kiest k = {k} ({method})",
        "best": "k = {k} ({method}): de laagste BIC van {n} modellen, vanaf één profiel; bij een "
        "verschil tot 2 wint het model met de minste parameters.",
        "near": "Ook binnen {near:.0f} BIC-punten: {names}.",
        "aic": "AIC, dat eerder te veel profielen aanwijst, kiest {method} k = {k}.",
        "barred": "Buiten beschouwing (te veel parameters, niet geconvergeerd, een leeg profiel of "
        "een oplossing die maar één keer werd gevonden): {n} van {of}.",
        "flag": "Let op: {flag}.",
    },
    "en": {
        "title": "The rule takes k = {k} ({method})",
        "best": "k = {k} ({method}): the lowest BIC of {n} models, from one profile up; within 2 "
        "points the model with the fewest parameters wins.",
        "near": "Also within {near:.0f} BIC points: {names}.",
        "aic": "AIC, which tends to announce too many profiles, takes {method} k = {k}.",
        "barred": "Left out (too many parameters, not converged, an empty profile, or a solution "
        "found only once): {n} of {of}.",
        "flag": "Beware: {flag}.",
    },
}
