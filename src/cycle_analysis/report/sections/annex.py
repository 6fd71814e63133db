"""The method annex: questionnaire, scores, models, parameters, versions, references."""

import platform
from importlib import metadata

import pandas as pd

from cycle_analysis.report.model import Block, Bullets, Section, Table
from cycle_analysis.report.parameters import known_parameters, used_parameters
from cycle_analysis.report.source import Source
from cycle_analysis.study_answers import BUNDLED
from cycle_analysis.texts import read_yaml

PACKAGES = ("cycle-analysis", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib")
"""Libraries whose version is told."""


def annex_section(source: Source) -> Section:
    """Set what a methodologist needs to check the report, or to repeat the work."""
    parts = (
        _questionnaire(source),
        _scores(source),
        _reliability(source),
        _agreement(source),
        _models(source),
        _reviewer(source),
        _disclosure(source),
        _parameters(source),
        _software(source),
        _references(source),
    )
    return Section("annex", source.text("titles.annex"), (source.say("annex.intro"),), parts)


def _questionnaire(source: Source) -> Section:
    items = source.study.codebook.items
    items = items[items["phase"] != ""]
    rows = [
        (item, row[f"question_{source.language}"], source.phases[row["phase"]])
        for item, row in items.iterrows()
    ]
    heads = [source.text(f"heads.{name}") for name in ("item", "question", "phase")]
    table = source.shown(
        "questions", heads, rows, source.text("n.items", n=source.number(len(items))),
        text_columns=(0, 1, 2),
    )  # fmt: skip
    names = list(items["scale"].unique())
    scales = tuple((_asked(source, name, names), _scale(source, name)) for name in names)
    blocks: tuple[Block, ...] = (source.say("annex.scales"), Bullets(scales), table)
    return Section("questionnaire", source.text("titles.questionnaire"), blocks)


def _asked(source: Source, scale: str, scales: list[str]) -> str:
    """Say for which phases a scale was used, when there are several scales."""
    items = source.study.codebook.items
    phases = items.loc[(items["scale"] == scale) & (items["phase"] != ""), "phase"].unique()
    titles = [source.phase_titles[phase] for phase in phases]
    return "" if len(scales) == 1 else f"{source.texts.listed(titles)}:"


def _scale(source: Source, name: str) -> str:
    scale = source.study.scales[name]
    ends = source.interval(scale.min or 0, scale.max or 0)
    labels = [f"{code} = {text[source.language]}" for code, text in scale.labels.items()]
    missing = [text[source.language] for text in scale.missing.values()]
    told = source.text("annex.scale", ends=ends, labels="; ".join(labels))
    if missing:
        told += " " + source.text("annex.scale_missing", missing=source.texts.listed(missing))
    return told


def _scores(source: Source) -> Section:
    used = used_parameters(source.study, "02_scores", source.reference)
    text = source.say(
        "annex.scores",
        min_answered=source.percent(float(str(used["min_answered"]))),
        aggregation=source.texts.get(
            f"annex.rules.{used['aggregation']}", str(used["aggregation"])
        ),
    )
    return Section("scores", source.text("titles.scores"), (text,))


def _reliability(source: Source) -> Section:
    blocks: list[Block] = [source.say("annex.reliability")]
    blocks += [_alpha_table(source, wave) for wave in source.study.waves]
    blocks.append(_item_table(source))
    return Section("reliability", source.text("titles.reliability"), tuple(blocks))


def _alpha_table(source: Source, wave: str) -> Table:
    table = source.table("02_scores", "reliability", wave)
    rows = [
        (
            title,
            source.number(table.loc[phase, "n_items"]),
            source.number(table.loc[phase, "n_respondents"]),
            source.number(table.loc[phase, "alpha"], 2),
            source.interval(table.loc[phase, "alpha_low"], table.loc[phase, "alpha_high"], 2),
            source.number(table.loc[phase, "omega"], 2),
        )
        for phase, title in source.phase_titles.items()
        if phase in table.index
    ]
    heads = ("phase", "items", "respondents", "alpha", "interval", "omega")
    n = source.text("n.respondents", n=source.number(table["n_respondents"].max()))
    return source.shown(
        f"reliability:{wave}", [source.text(f"heads.{h}") for h in heads], rows, n,
        wave=source.wave_in_text(wave),
    )  # fmt: skip


def _item_table(source: Source) -> Table:
    table = source.table("02_scores", "items", source.reference)
    asked = len(source.table("01_responses", "respondents", source.reference))
    rows = [
        (
            str(item),
            source.number(row["n"]),
            source.part(round(row["missing"] * asked), asked),
            source.part(round(row["dont_know"] * asked), asked),
            source.number(row["mean"]),
            source.part(round(row["floor"] * row["n"]), row["n"]),
            source.part(round(row["ceiling"] * row["n"]), row["n"]),
            source.number(row["item_rest"], 2),
        )
        for item, row in table.iterrows()
    ]
    names = (
        "item",
        "answers",
        "missing",
        "dont_know",
        "mean_score",
        "floor",
        "ceiling",
        "item_rest",
    )
    heads = [source.text(f"heads.{name}") for name in names]
    n = source.text("n.respondents", n=source.number(asked))
    return source.shown("items", heads, rows, n, wave=source.wave_in_text(source.reference))


def _agreement(source: Source) -> Section:
    blocks: list[Block] = [source.say("annex.agreement")]
    for wave in source.study.waves:
        table = source.table("02_scores", "agreement", wave)
        rows = [
            (
                title,
                source.number(table.loc[phase, "n_units_of_two"]),
                source.number(table.loc[phase, "rwg_median"], 2),
                _part_of_units(source, table.loc[phase]),
                source.number(table.loc[phase, "icc1"], 2),
                source.number(table.loc[phase, "icc2"], 2),
            )
            for phase, title in source.phase_titles.items()
            if phase in table.index
        ]
        heads = ("phase", "units_of_two", "rwg", "rwg_over_70", "icc1", "icc2")
        n = source.text("n.units", n=source.number(table["n_units"].max()))
        blocks.append(
            source.shown(
                f"agreement:{wave}", [source.text(f"heads.{h}") for h in heads], rows, n,
                wave=source.wave_in_text(wave),
            )
        )  # fmt: skip
    return Section("agreement", source.text("titles.agreement"), tuple(blocks))


def _part_of_units(source: Source, row: pd.Series) -> str:
    n = row["n_units_of_two"]
    count = row["rwg_over_70"] * n
    return source.part(count if pd.isna(count) else round(count), n)


def _models(source: Source) -> Section:
    used = used_parameters(source.study, "04_number_of_profiles", source.reference)
    numbers = {name: _value(source, used[name]) for name in used if name != "language"}
    keys = ("models", "selection", "null", "stability_text", "change_text", "weights")
    return Section(
        "models", source.text("titles.models"),
        tuple(source.say(f"annex.{key}", **numbers) for key in keys),
    )  # fmt: skip


def _reviewer(source: Source) -> Section:
    table = source.table("06_validity", "reviewer", source.reference)
    language = source.language
    rows = [(row[f"question_{language}"], row[f"answer_{language}"]) for _, row in table.iterrows()]
    heads = [source.text(f"heads.{name}") for name in ("asked", "answer")]
    n = source.text("n.questions", n=source.number(len(rows)))
    shown = source.shown("reviewer", heads, rows, n, text_columns=(0, 1))
    return Section(
        "reviewer", source.text("titles.reviewer"), (source.say("annex.reviewer"), shown)
    )


def _disclosure(source: Source) -> Section:
    text = source.say("annex.disclosure", largest=source.smallest - 1)
    return Section("disclosure", source.text("titles.disclosure"), (text,))


def _parameters(source: Source) -> Section:
    rows = []
    for notebook, known in known_parameters(source.study).items():
        used = used_parameters(source.study, notebook, source.reference)
        if notebook == "08_report":
            used["smallest_cell"] = source.smallest
        for name, found in known.items():
            if name == "language":
                continue
            meaning = source.texts.get(f"parameters.{name}", found.meaning)
            rows.append((notebook, name, _value(source, used[name]), meaning))
    heads = [source.text(f"heads.{h}") for h in ("notebook", "parameter", "value", "meaning")]
    table = source.shown(
        "parameters", heads, rows, source.text("n.parameters", n=source.number(len(rows))),
        text_columns=(0, 1, 3),
    )  # fmt: skip
    return Section("parameters", source.text("titles.parameters"), (table,))


def _value(source: Source, value: object) -> str:
    if isinstance(value, bool):
        return source.text("words.yes" if value else "words.no")
    if isinstance(value, float):
        return source.number(value, 2 if value % 1 else 0)
    return str(value)


def _software(source: Source) -> Section:
    rows = [("Python", platform.python_version())]
    rows += [(name, metadata.version(name)) for name in PACKAGES]
    heads = [source.text("heads.package"), source.text("heads.version")]
    table = source.shown("software", heads, rows, source.text("n.packages"))
    return Section("software", source.text("titles.software"), (table,))


def _references(source: Source) -> Section:
    references = tuple(("", text) for text in read_yaml("references.yaml"))
    blocks: list[Block] = [Bullets(references)]
    if source.study.units.register_file == BUNDLED:
        blocks.append(source.say("annex.register"))
    return Section("references", source.text("titles.references"), tuple(blocks))
