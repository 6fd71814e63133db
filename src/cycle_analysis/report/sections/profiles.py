"""Whether there are profiles, how many, and what they are."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.figures.profiles import plot_profiles
from cycle_analysis.figures.selection import plot_criteria
from cycle_analysis.report.model import Block, Figure, Paragraph, Section, Table
from cycle_analysis.report.parameters import parameter
from cycle_analysis.report.source import Source, lowered
from cycle_analysis.selection import BARRING, FLAGS, TIE, WARD
from cycle_analysis.verdicts import CONTINUUM, NO_STRUCTURE, PROFILES, STRUCTURE

LEVEL_SHARE = 0.85
"""Share of level from which profiles without crossing lines are steps of one dimension."""
KEYS = {
    PROFILES: "profiles",
    STRUCTURE: "structure",
    CONTINUUM: "continuum",
    NO_STRUCTURE: "no_structure",
}
"""Keys of the texts of each verdict."""


def profiles_section(source: Source) -> Section:
    """Tell whether there are profiles, how many, and what each of them is."""
    parts = [_number(source)]
    if source.k > 1:
        parts += [_shapes(source), *(_one(source, number) for number in source.groups)]
    title = "titles.profiles" if source.found else "titles.levels"
    return Section("profiles", source.text(title), (verdict(source),), tuple(parts))


def verdict(source: Source) -> Paragraph:
    """Say whether there are profiles, with the figures that this rests on."""
    found = source.verdict
    if pd.isna(found["p"]):
        return source.say("verdict.identical", "finding", n=source.units(found["n_units"]))
    sentences = [
        source.text(
            f"verdict.{KEYS[found['verdict']]}",
            k=source.number(choice(source)["k"]),
            n=source.units(found["n_units"]),
            silhouette=source.number(found["silhouette"], 2),
            p=source.p(found["p"]),
            level=source.percent(found["elevation"]),
        )
    ]
    if source.found and _steps(source):
        sentences.append(source.text("verdict.steps"))
    if not source.found:
        sentences.append(source.text("verdict.no_names" if source.k > 1 else "verdict.one"))
    return Paragraph(" ".join(sentences), "finding")


def choice(source: Source) -> pd.Series:
    """Give the number of profiles that BIC takes, with its model."""
    return source.table("04_number_of_profiles", "choice", source.reference).iloc[0]


def means(source: Source) -> pd.DataFrame:
    """Give mean scores, profiles × phases; missing where few units would tell theirs."""
    long = source.table("05_profiles", "means", source.reference)
    long["mean"] = long["mean"].where(long["n_units"] >= source.smallest)
    wide = long["mean"].unstack()[list(source.phases)]
    return wide.set_axis(wide.index.astype(int))


def group_rows(source: Source) -> dict[int, dict[str, str]]:
    """Set for each profile its number of units, its share, and the share clearly placed."""
    shown = suppress_counts(source.sizes, source.smallest)
    members = source.table("05_profiles", "members", source.reference)
    placed = members["clearly_placed"].astype(str).eq("True").groupby(members["profile"]).sum()
    total = source.sizes.sum()
    return {
        number: {
            "n": source.count(n),
            "share": source.percent(n / total) if pd.notna(n) else source.count(n),
            "placed": source.part(placed[number], n) if pd.notna(n) else source.count(n),
            "surely": source.part_in_words(placed[number], n) if pd.notna(n) else "",
        }
        for number, n in shown.items()
    }


def _steps(source: Source) -> bool:
    """Whether the profiles differ in level almost only."""
    shares = source.table("05_profiles", "shares", source.reference)["share"]
    crossings = source.table("05_profiles", "crossings", source.reference)
    return bool(shares["elevation"] >= LEVEL_SHARE) and crossings.empty


def _number(source: Source) -> Section:
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
    return Section("number", source.text("titles.number"), tuple(blocks))


def _barred(source: Source, taken: pd.Series) -> Paragraph | None:
    """Say why a model with a lower BIC does not count, when there is one."""
    criteria = source.table("04_number_of_profiles", "criteria", source.reference).reset_index()
    best = criteria.loc[criteria["bic"].idxmin()]
    own = (criteria["method"] == taken["method"]) & (criteria["k"] == taken["k"])
    if own.any() and criteria.loc[own, "bic"].iloc[0] <= best["bic"] + TIE:
        return None
    barring = [flag for flag in str(best["flags"]).split() if flag in BARRING]
    flags = [FLAGS[flag][source.language] for flag in barring]
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


def _criteria_table(source: Source, criteria: pd.DataFrame, n: str) -> Table:
    models = [m for m in criteria["method"].unique() if m != WARD]
    bic = criteria.pivot(index="k", columns="method", values="bic")
    wide = criteria.set_index(["method", "k"])["silhouette"]
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
        rows.append((str(k), *cells, source.number(wide.get((WARD, k), np.nan), 2)))
    heads = [source.text("heads.k"), *(f"BIC {model}" for model in models)]
    notes = [source.text("notes.models")]
    if any(cell.endswith("*") for row in rows for cell in row):
        notes.append(source.text("notes.flagged"))
    return source.shown("criteria", [*heads, source.text("heads.silhouette")], rows, n, notes)


def _shapes(source: Source) -> Section:
    centroids = means(source)
    long = source.table("05_profiles", "means", source.reference)
    few = long["n_units"] < source.smallest
    ends = {
        end: long[end].mask(few).unstack()[list(source.phases)].set_axis(centroids.index)
        for end in ("low", "high")
    }
    shown = suppress_counts(source.sizes, source.smallest)
    drawn = shown.index[shown.notna() & centroids.notna().any(axis=1)]
    names = {i: name for i, name in source.groups.items() if i in drawn}
    if not source.found:
        names = {}
    blocks: list[Block] = [source.say("profiles.level_and_shape", **_parts(source))]
    table = _profile_table(source, centroids)
    if len(drawn):
        figure = source.figure(
            "profiles",
            partial(
                plot_profiles,
                centroids.loc[drawn],
                shown[drawn],
                names,
                source.language,
                low=ends["low"].loc[drawn],
                high=ends["high"].loc[drawn],
                labels=source.phases,
            ),
            table.n,
            table,
            lines=_lines(source, centroids.loc[drawn]),
        )
        blocks.append(figure)
    else:
        blocks.append(table)
    blocks += [source.say("profiles.intervals"), _placed(source)]
    if source.found:
        blocks.append(source.say("profiles.names"))
    title = "titles.shapes" if source.found else "titles.level_shapes"
    return Section("shapes", source.text(title), tuple(blocks))


def _parts(source: Source) -> dict[str, str]:
    shares = source.table("05_profiles", "shares", source.reference)["share"]
    crossings = source.table("05_profiles", "crossings", source.reference)
    told = [
        source.text(
            "profiles.crossing",
            lower=_quoted(source, int(lower)),
            higher=_quoted(source, int(higher)),
            told=source.texts.listed(
                [
                    f"{source.phase_title(phase)} ({source.points(difference, 0)})"
                    for phase, difference in zip(rows["phase"], rows["difference"], strict=True)
                ]
            ),
        )
        for (lower, higher), rows in crossings.groupby(["lower", "higher"])
        if min(source.sizes[int(lower)], source.sizes[int(higher)]) >= source.smallest
    ]
    crossed = source.text("profiles.crossed", told="; ".join(told)) if told else ""
    return {
        "elevation": source.percent(shares["elevation"]),
        "scatter": source.percent(shares["scatter"]),
        "shape": source.percent(shares["shape"]),
        "crossed": crossed or source.text("profiles.uncrossed"),
    }


def _quoted(source: Source, number: int) -> str:
    """Name of a profile inside a sentence."""
    name = source.groups[number]
    return f"‘{name}’" if name in source.texts.entries or source.found else lowered(name)


def _lines(source: Source, centroids: pd.DataFrame) -> str:
    """Tell the means of each profile for those who do not see the figure."""
    told = []
    for number, row in centroids.iterrows():
        scores = ", ".join(f"{source.phases[p]} {source.number(v)}" for p, v in row.items())
        told.append(f"{source.group(int(str(number)))}: {scores}")
    return "; ".join(told)


def _profile_table(source: Source, centroids: pd.DataFrame) -> Table:
    told = group_rows(source)
    rows = []
    for number in source.groups:
        scores = [source.number(value) for value in centroids.loc[number]]
        level = source.number(centroids.loc[number].mean())
        cells = told[number]
        rows.append(
            (source.group(number), cells["n"], cells["share"], *scores, level, cells["placed"])
        )
    heads = [source.text("words.Profile" if source.found else "words.Level")]
    heads += [source.text("heads.n"), source.text("heads.share"), *source.phases.values()]
    heads += [source.text("heads.level"), source.text("heads.placed")]
    n = source.text("n.units", n=source.number(source.sizes.sum()))
    notes = [source.text("notes.placed", threshold=source.percent(_clearly_placed(source)))]
    return source.shown("profiles", heads, rows, n, notes)


def _clearly_placed(source: Source) -> float:
    return parameter(source.study, "05_profiles", "clearly_placed", source.reference)


def _placed(source: Source) -> Paragraph:
    members = source.table("05_profiles", "members", source.reference)
    doubtful = int((~members["clearly_placed"].astype(str).eq("True")).sum())
    return source.say(
        "profiles.placed" if doubtful else "profiles.all_placed",
        threshold=source.percent(_clearly_placed(source)),
        count=source.units(doubtful),
        share=source.part_in_words(doubtful, len(members)),
        n=source.number(len(members)),
    )


def _one(source: Source, number: int) -> Section:
    """Tell one profile: how large, how high, what stands out, how surely its units belong."""
    told = group_rows(source)[number]
    row = means(source).loc[number].dropna()
    key, title = f"profile-{number}", source.group(number)
    if told["n"] == source.count(np.nan) or row.empty:
        return Section(key, title, (source.say("profiles.small", smallest=source.smallest),))
    sentences = [
        source.text("profiles.size", n=source.units(source.sizes[number]), share=told["share"]),
        source.text("profiles.level", level=source.number(row.mean())),
        _phases_of(source, row),
    ]
    if source.found:
        sentences.append(source.text("profiles.shorthand", shorthand=_shorthand(source, number)))
    sentences.append(source.text("profiles.surely", share=told["surely"]))
    return Section(key, title, (Paragraph(" ".join(sentences)),))


def _shorthand(source: Source, number: int) -> str:
    """Say level and shape in key words, from the proposal of notebook 05."""
    proposals = source.table("05_profiles", "names", source.reference)
    row = proposals.set_axis(proposals.index.astype(int)).loc[number]
    parts = [source.text("profiles.words_level", level=row[source.language].partition(",")[0])]
    for key in ("leading", "lagging"):
        if phases := [source.phase_title(phase) for phase in str(row[key]).split()]:
            parts.append(source.text(f"profiles.words_{key}", phases=source.texts.listed(phases)))
    return ", ".join(parts if len(parts) > 1 else [*parts, source.text("profiles.words_even")])


def _phases_of(source: Source, row: pd.Series) -> str:
    """Tell the highest and the lowest phase of a profile, and how it stands to all units."""
    curve = source.table("03_cycle", "curve", source.reference)["mean"].reindex(row.index)
    gap = row - curve
    text = source.text(
        "profiles.phases",
        highest=source.phase_title(row.idxmax()),
        high=source.number(row.max()),
        lowest=source.phase_title(row.idxmin()),
        low=source.number(row.min()),
    )
    above, below = gap[gap >= 5].sort_values(ascending=False), gap[gap <= -5].sort_values()
    for key, gaps in (("profiles.above", above), ("profiles.below", below)):
        if len(gaps) == len(row):
            text += " " + source.text(f"{key}_all")
        elif len(gaps):
            told = [
                f"{source.phase_title(str(phase))} ({source.points(value, 0)})"
                for phase, value in gaps.head(3).items()
            ]
            text += " " + source.text(key, told=source.texts.listed(told))
    return text
