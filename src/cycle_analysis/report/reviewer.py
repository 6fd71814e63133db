"""Answer what a reviewer asks of a latent profile analysis, from the tables of the run.

After the SMART-LCA reporting standards (Van Lissa, Garnier-Villarreal & Anadria 2024, Structural
Equation Modeling 31(3), 526-534) and the recommendations for cluster analysis of Brusco, Singh,
Cradit & Steinley (2017, International Journal of Operations & Production Management 37(3)). Every
answer is computed; the words stand in `texts`.
"""

import platform
from dataclasses import dataclass
from functools import partial
from importlib import metadata

import pandas as pd

from cycle_analysis.profiles.selection import FLAGS
from cycle_analysis.profiles.verdict import found_at
from cycle_analysis.results import Results, Value
from cycle_analysis.study import Study
from cycle_analysis.texts import LANGUAGES, load_texts
from cycle_analysis.texts.numbers import set_number, set_percent

SMALL_COUNT = 10
"""Counts of units under this are not told: it is the largest threshold that a report may have."""


@dataclass(frozen=True)
class Run:
    """What the notebooks of one wave saved, to be asked.

    Attributes
    ----------
    study : Study
    results : Results
    wave : str
        The reference wave.
    """

    study: Study
    results: Results
    wave: str

    def table(self, name: str) -> pd.DataFrame:
        """Load a table: ``step/name``."""
        step, _, table = name.partition("/")
        return self.results.load(step, table, self.wave)

    def used(self, step: str) -> dict[str, Value]:
        """Give the parameters with which a notebook ran."""
        return self.results.parameters(step, self.wave)

    @property
    def choice(self) -> pd.Series:
        """The model chosen."""
        return self.table("04_number_of_profiles/choice").loc["choice"]

    @property
    def model(self) -> pd.DataFrame:
        """Criteria of the chosen covariance model, index k."""
        criteria = self.table("04_number_of_profiles/criteria").reset_index()
        return criteria[criteria["method"] == self.choice["method"]].set_index("k")

    @property
    def row(self) -> pd.Series:
        """Criteria of the chosen model at the chosen k."""
        return self.model.loc[self.choice["k"]]


def reviewer_table(run: Run) -> pd.DataFrame:
    """Set one row for each thing that a reviewer asks.

    Parameters
    ----------
    run : Run
        With the tables of notebooks 01 to 06.

    Returns
    -------
    DataFrame, index aspect
        question_nl, answer_nl, question_en, answer_en. What does not apply is left out, such as the
        certainty of levels, which no model gives.
    """
    columns = {}
    for language in LANGUAGES:
        texts, answers = load_texts(language), _answers(run, language)
        columns[f"question_{language}"] = {
            aspect: texts(f"reviewer.{aspect}.question") for aspect in answers
        }
        columns[f"answer_{language}"] = {
            aspect: texts(f"reviewer.{aspect}.answer", **values)
            for aspect, values in answers.items()
        }
    return pd.DataFrame(columns).rename_axis("aspect")


def _answers(run: Run, language: str) -> dict[str, dict[str, str]]:
    """Values for the answers of all aspects, in the order in which they are told."""
    parts = (_data, _estimation, _number, _profiles, _validity, _software)
    return {aspect: values for part in parts for aspect, values in part(run, language).items()}


def _data(run: Run, language: str) -> dict[str, dict[str, str]]:
    scores = run.table("02_scores/scores")
    kept = scores.dropna(how="all")
    n_respondents = len(run.table("02_scores/respondent_scores"))
    alpha, items = run.table("02_scores/reliability")["alpha"], run.table("02_scores/items")
    write = partial(set_number, language=language)
    return {
        "data": {
            "n": str(len(kept)),
            "many": run.study.units.many[language],
            "respondents": str(n_respondents),
            "mean": write(n_respondents / max(len(kept), 1), 1),
            "phases": str(scores.shape[1]),
        },
        "indicators": {
            "low": write(alpha.min(), 2),
            "high": write(alpha.max(), 2),
            "floor": set_percent(float(items["floor"].mean()), 0, language),
            "ceiling": set_percent(float(items["ceiling"].mean()), 0, language),
        },
        "missing": {
            "missing": write(100 * kept.isna().to_numpy().mean(), 1),
            "items": write(100 * float(items["missing"].mean()), 1),
            "dont_know": write(100 * float(items["dont_know"].mean()), 1),
        },
    }


def _estimation(run: Run, language: str) -> dict[str, dict[str, str]]:
    used, row, words = run.used("04_number_of_profiles"), run.row, load_texts(language)
    flags = set(str(row["flags"]).split())
    told = [
        FLAGS[flag][language].partition(":")[0]
        for flag in ("not_converged", "at_floor")
        if flag in flags
    ]
    return {
        "models": {"most": str(run.model.index.max())},
        "estimation": {
            "starts": str(used["n_starts"]),
            "finished": str(int(row["n_finished"])),
            "seed": str(used["seed"]),
        },
        "optimum": {
            "times": str(int(row["n_replicated"])),
            "finished": str(int(row["n_finished"])),
        },
        "convergence": {"told": words.listed(told) or words("reviewer.nothing")},
        "parameters": {
            "m": str(int(row["n_parameters"])),
            "n": str(run.table("04_number_of_profiles/verdict").loc["verdict", "n_units"]),
            "model": str(run.choice["method"]),
        },
    }


def _number(run: Run, language: str) -> dict[str, dict[str, str]]:
    model, k, used = run.model, run.choice["k"], run.used("04_number_of_profiles")
    verdict = run.table("04_number_of_profiles/verdict").loc["verdict"]
    words, write = load_texts(language), partial(set_number, language=language)
    near = [j for j in (k - 1, k, k + 1) if j in model.index]
    fits = [
        words(
            "reviewer.fit",
            k=str(j),
            **{name: write(model.loc[j, name], 1) for name in ("aic", "bic", "sabic", "icl")},
        )
        for j in near
    ]
    ratios = [
        words("reviewer.ratio_p", before=str(j - 1), k=str(j), p=write(model.loc[j, "ratio_p"], 3))
        for j in (k, k + 1)
        if j in model.index and pd.notna(model.loc[j, "ratio_p"])
    ]
    given = int(str(run.used("04_number_of_profiles")["n_profiles"]))
    purpose = words("reviewer.given", k=str(given)) if given else words("reviewer.open")
    answers = {
        "purpose": {"told": purpose},
        "number": {"reason": str(run.choice[language])},
        "criteria": {"model": str(run.choice["method"]), "fits": "; ".join(fits)},
        "ratio": {"told": words.listed(ratios), "samples": str(used["n_ratio_replicates"])},
        "groups": {"verdict": str(verdict[language]), "surveys": str(used["n_replicates"])},
        "power": {"found": found_at(int(verdict["n_units"]), language)},
    }
    return {aspect: values for aspect, values in answers.items() if values.get("told") != ""}


def _profiles(run: Run, language: str) -> dict[str, dict[str, str]]:
    sizes, members = run.table("05_profiles/sizes")["n_units"], run.table("05_profiles/members")
    shares, crossings = run.table("05_profiles/shares"), run.table("05_profiles/crossings")
    words, write = load_texts(language), partial(set_number, language=language)
    if len(sizes) < 2:
        return {}
    least = int(sizes.min())
    told = words("reviewer.few", n=str(SMALL_COUNT)) if least < SMALL_COUNT else str(least)
    share = set_percent(max(least, SMALL_COUNT) / sizes.sum(), 0, language)
    answers = {
        "smallest": {"n": told, "share": f"<{share}" if least < SMALL_COUNT else share},
        "meaning": {
            "level": set_percent(shares.loc["elevation", "share"], 0, language),
            "cross": words("reviewer.uncrossed" if crossings.empty else "reviewer.crossed"),
        },
    }
    if members["certainty"].notna().any():
        used = run.used("05_profiles")
        placed = members["certainty"] >= float(str(used["clearly_placed"]))
        own = members["certainty"].groupby(members["profile"]).mean()
        entropy = run.model["entropy"].get(len(sizes), float("nan"))
        answers["entropy"] = {"entropy": write(entropy, 2)}
        answers["certainty"] = {
            "least": write(own.min(), 2),
            "placed": _most(int(placed.sum()), len(placed), language),
            "threshold": write(float(str(used["clearly_placed"])), 2),
        }
    return answers


def _most(count: int, n: int, language: str) -> str:
    """Write the share of most units; a bound when the rest is a small count."""
    if 0 < n - count < SMALL_COUNT <= n:
        return f">{set_percent(1 - SMALL_COUNT / n, 0, language)}"
    return set_percent(count / n, 0, language)


def _validity(run: Run, language: str) -> dict[str, dict[str, str]]:
    write, words = partial(set_number, language=language), load_texts(language)
    jaccard = run.table("06_validity/jaccard")["jaccard"]
    choices = run.table("06_validity/agreement")["adjusted_rand"]
    effects = run.table("05_profiles/background")
    if len(jaccard) < 2:
        return {}
    told = [f"{words(f'choices.{name}')} {write(rand, 2)}" for name, rand in choices.items()]
    answers = {
        "stability": {
            "low": write(jaccard.min(), 2),
            "high": write(jaccard.max(), 2),
            "samples": str(run.used("06_validity")["n_replicates"]),
        },
        "choices": {"told": "; ".join(told)},
    }
    strongest = [
        words(
            "reviewer.effect",
            name=words.get(f"backgrounds.{name}", str(name)),
            measure=row["measure"],
            effect=write(row["corrected"], 2),
            low=write(row["low"], 2),
            high=write(row["high"], 2),
            p=write(row["p_holm"], 3),
        )
        for name, row in effects.iterrows()
    ]
    return answers | ({"covariates": {"told": "; ".join(strongest)}} if strongest else {})


def _software(run: Run, language: str) -> dict[str, dict[str, str]]:
    names = ("cycle-analysis", "numpy", "scipy", "pandas")
    versions = [f"{name} {metadata.version(name)}" for name in names]
    told = ", ".join([f"Python {platform.python_version()}", *versions])
    return {"weights": {}, "software": {"versions": told}, "repeat": {}}
