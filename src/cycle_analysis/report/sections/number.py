"""Whether there are profiles, and how many."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.figures.profiles import plot_criteria, plot_separation
from cycle_analysis.profiles.selection import BARRING, FLAGS, TIE, WARD
from cycle_analysis.profiles.verdict import CONTINUUM, NO_STRUCTURE, PROFILES, STRUCTURE
from cycle_analysis.report.model import Block, Figure, Paragraph, Section, Table
from cycle_analysis.report.source import Source

KEYS = {
    PROFILES: "profiles",
    STRUCTURE: "structure",
    CONTINUUM: "continuum",
    NO_STRUCTURE: "no_structure",
}
"""Keys of the texts of each verdict."""


def verdict(source: Source) -> Paragraph:
    """Say whether there are profiles, with the figures that this rests on."""
    found = source.verdict
    if pd.isna(found["p"]):
        return source.say("verdict.identical", "finding", n=source.units(found["n_units"]))
    ladder = found["ladder"]
    sentences = [
        source.text(
            "verdict.ladder" if ladder else f"verdict.{KEYS[found['verdict']]}",
            k=source.number(choice(source)["k"]),
            n=source.units(found["n_units"]),
            silhouette=source.number(found["silhouette"], 2),
            p=source.p(found["p"]),
            level=source.percent(found["elevation"]),
            gaps=source.p(found["p_one_mode"]),
        )
    ]
    if source.found and source.table("05_profiles", "crossings", source.reference).empty:
        sentences.append(source.text("verdict.steps", gaps=source.p(found["p_one_mode"])))
    if not source.found:
        sentences.append(source.text("verdict.no_names" if source.k > 1 else "verdict.one"))
    return Paragraph(" ".join(sentences), "finding")


def number_section(source: Source) -> Section:
    """Tell how the number of profiles was decided, with the criteria."""
    taken = choice(source)
    blocks: list[Block] = [
        source.say("profiles.how"),
        source.say(
            "profiles.chosen",
            k=source.number(taken["k"]),
            model=taken["method"],
            model_in_words=source.texts.get(f"models.{taken['method']}", taken["method"]),
        ),
    ]
    if barred := _barred(source, taken):
        blocks.append(barred)
    if taken["alternatives"]:
        blocks.append(source.say("profiles.near", alternatives=taken["alternatives"]))
    for flag in taken["flags"].split():
        blocks.append(source.say("profiles.flag", flag=FLAGS[flag][source.language]))
    blocks.append(_criteria_figure(source))
    if not source.table("04_number_of_profiles", "separation", source.reference).empty:
        blocks.append(_separation_figure(source, taken))
    if source.k > 1 and source.verdict["verdict"] == CONTINUUM:
        blocks.append(source.say("profiles.levels", k=source.number(source.k)))
    return Section("number", source.text("titles.number"), tuple(blocks))


def choice(source: Source) -> pd.Series:
    """Give the number of profiles that BIC takes, with its model."""
    return source.table("04_number_of_profiles", "choice", source.reference).iloc[0]


def _barred(source: Source, taken: pd.Series) -> Paragraph | None:
    """Say why a model with a lower BIC does not count, when there is one."""
    criteria = source.table("04_number_of_profiles", "criteria", source.reference).reset_index()
    best = criteria.loc[criteria["bic"].idxmin()]
    own = (criteria["method"] == taken["method"]) & (criteria["k"] == taken["k"])
    if own.any() and criteria.loc[own, "bic"].iloc[0] <= best["bic"] + TIE:
        return None
    barring = [flag for flag in str(best["flags"]).split() if flag in BARRING]
    flags = [FLAGS[flag][source.language].partition(":")[0] for flag in barring]
    reason = source.texts.listed(flags) or source.text("profiles.by_rule")
    k = source.number(best["k"])
    return source.say("profiles.barred", model=best["method"], k=k, reason=reason)


def _criteria_figure(source: Source) -> Figure:
    criteria = source.table("04_number_of_profiles", "criteria", source.reference).reset_index()
    known = criteria.dropna(subset=["bic"])
    best = known.loc[known["bic"].idxmin()]
    n = source.text("n.units", n=source.number(source.verdict["n_units"]))
    return source.figure(
        "criteria",
        partial(plot_criteria, criteria, source.language),
        n,
        _criteria_table(source, criteria, n),
        k=source.number(best["k"]),
        model=best["method"],
        bic=source.number(best["bic"]),
    )


def _separation_figure(source: Source, taken: pd.Series) -> Figure:
    table = source.table("04_number_of_profiles", "separation", source.reference)
    # few units: fewer k are compared than BIC may take
    row = table.loc[min(max(int(taken["k"]), table.index.min()), table.index.max())]
    nulls = [name for name in row.index if name.endswith("_p95")]
    return source.figure(
        "separation",
        partial(plot_separation, table, source.language),
        source.text("n.units", n=source.number(source.verdict["n_units"])),
        k=source.number(int(str(row.name))),
        survey=source.number(row["survey"], 2),
        without=source.number(row[nulls].max(), 2),
    )


def _criteria_table(source: Source, criteria: pd.DataFrame, n: str) -> Table:
    models = [m for m in criteria["method"].unique() if m != WARD]
    bic = criteria.pivot(index="k", columns="method", values="bic")
    by_model = criteria.set_index(["method", "k"])
    tested = choice(source)["method"]
    flagged = criteria.assign(flagged=criteria["flags"].fillna("").ne("")).pivot(
        index="k", columns="method", values="flagged"
    )
    starred = flagged.eq(True)
    rows = []
    for k in sorted(criteria["k"].unique()):
        cells = [
            source.number(bic.loc[k, model]) + ("*" if starred.loc[k, model] else "")
            for model in models
        ]
        ratio_p = by_model["ratio_p"].get((tested, k), np.nan)
        separated = [by_model[name].get((WARD, k), np.nan) for name in ("silhouette", "jaccard")]
        cells += [source.number(ratio_p, 3), *(source.number(value, 2) for value in separated)]
        rows.append((str(k), *cells))
    heads = [source.text("heads.k"), *(f"BIC {model}" for model in models)]
    notes = [source.text("notes.models")]
    if any(cell.endswith("*") for row in rows for cell in row):
        notes.append(source.text("notes.flagged"))
    heads += [source.text("heads.ratio_p", model=tested)]
    heads += [source.text(f"heads.{name}") for name in ("silhouette", "jaccard_least")]
    return source.shown("criteria", heads, rows, n, notes)
