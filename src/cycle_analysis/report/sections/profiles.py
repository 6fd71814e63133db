"""What the profiles are: sizes, means, shapes, and a paragraph on each."""

from functools import partial

import numpy as np
import pandas as pd

from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.figures.profiles import plot_profiles
from cycle_analysis.report.model import Block, Paragraph, Section, Table
from cycle_analysis.report.sections.certainty import background_section, certainty_section
from cycle_analysis.report.sections.number import number_section, verdict
from cycle_analysis.report.source import Source, lowered


def profiles_section(source: Source) -> Section:
    """Tell whether there are profiles, how many, and what each of them is."""
    parts = [number_section(source)]
    if source.k > 1:
        parts += [_shapes(source), *(_one(source, number) for number in source.groups)]
        parts += [certainty_section(source)] if certainty_is_known(source) else []
    if background := background_section(source):
        parts.append(background)
    title = "titles.profiles" if source.found else "titles.levels"
    return Section("profiles", source.text(title), (verdict(source),), tuple(parts))


def means(source: Source) -> pd.DataFrame:
    """Give mean scores, profiles × phases; missing where few units would tell theirs."""
    long = source.table("05_profiles", "means", source.reference)
    long["mean"] = long["mean"].where(long["n_units"] >= source.smallest)
    return long["mean"].unstack()[list(source.phases)]


def certainty_is_known(source: Source) -> bool:
    """Whether a model says how surely units belong; levels that were cut have none."""
    members = source.table("05_profiles", "members", source.reference)
    return bool(members["certainty"].notna().any())


def group_rows(source: Source) -> dict[int, dict[str, str]]:
    """Set for each profile its number of units, its share, and the share clearly placed."""
    shown = suppress_counts(source.sizes, source.smallest)
    members = source.table("05_profiles", "members", source.reference)
    placed = members["clearly_placed"].groupby(members["profile"]).sum()
    weighted = source.table("05_profiles", "weighted_shares", source.reference)
    total = source.sizes.sum()
    return {
        number: {
            "n": source.count(n),
            "weighted": _weighted(source, weighted, number) if pd.notna(n) else source.count(n),
            "share": source.percent(n / total) if pd.notna(n) else source.count(n),
            "placed": source.part(placed[number], n) if pd.notna(n) else source.count(n),
            "surely": source.part_in_words(placed[number], n) if pd.notna(n) else "",
        }
        for number, n in shown.items()
    }


def _weighted(source: Source, table: pd.DataFrame, number: int) -> str:
    """Write the weighted share of a profile with its interval."""
    row = table.loc[number]
    ends = (source.percent(row["weighted_low"]), source.percent(row["weighted_high"]))
    return f"{source.percent(row['weighted_share'])} ({ends[0]}–{ends[1]})"


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
    blocks += [source.say("profiles.intervals"), _size_table(source)]
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
    return f"‘{name}’" if source.found else lowered(name)


def _lines(source: Source, centroids: pd.DataFrame) -> str:
    """Tell the means of each profile for those who do not see the figure."""
    told = []
    for number, row in centroids.iterrows():
        scores = ", ".join(f"{source.phases[p]} {source.number(v)}" for p, v in row.items())
        told.append(f"{source.group(int(str(number)))}: {scores}")
    return "; ".join(told)


def _profile_table(source: Source, centroids: pd.DataFrame) -> Table:
    """Set the mean scores of each profile."""
    rows = [
        (
            source.group(number),
            group_rows(source)[number]["n"],
            *[source.number(value) for value in centroids.loc[number]],
            source.number(centroids.loc[number].mean()),
        )
        for number in source.groups
    ]
    heads = [_group_head(source), source.text("heads.n"), *source.phases.values()]
    heads += [source.text("heads.level")]
    return source.shown("profiles", heads, rows, _n_units(source))


def _size_table(source: Source) -> Table:
    """Set how large each profile is, in the sample and in the population, and how sure."""
    told, known = group_rows(source), certainty_is_known(source)
    columns = ["n", "share", "weighted", *(["placed"] if known else [])]
    rows = [
        (source.group(number), *[told[number][column] for column in columns])
        for number in source.groups
    ]
    heads = [_group_head(source), *[source.text(f"heads.{column}") for column in columns]]
    threshold = source.percent(_clearly_placed(source))
    notes = [source.text("notes.weighted")]
    notes += [source.text("notes.placed", threshold=threshold)] if known else []
    return source.shown("sizes", heads, rows, _n_units(source), notes)


def _group_head(source: Source) -> str:
    return source.text("words.Profile" if source.found else "words.Level")


def _n_units(source: Source) -> str:
    return source.text("n.units", n=source.number(source.sizes.sum()))


def _clearly_placed(source: Source) -> float:
    return source.parameter("05_profiles", "clearly_placed", source.reference)


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
    if certainty_is_known(source):
        sentences.append(source.text("profiles.surely", share=told["surely"]))
    return Section(key, title, (Paragraph(" ".join(sentences)),))


def _shorthand(source: Source, number: int) -> str:
    """Say level and shape in key words, from the proposal of notebook 05."""
    proposals = source.table("05_profiles", "names", source.reference)
    row = proposals.loc[number]
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
