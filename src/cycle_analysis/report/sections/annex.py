"""The method annex: questionnaire, scores, models, parameters, versions, references."""

import platform
from importlib import metadata

from cycle_analysis.report.model import Block, Bullets, Section
from cycle_analysis.report.sections.measurement import agreement_section, reliability_section
from cycle_analysis.report.source import Source
from cycle_analysis.responses.study_answers import has_municipalities
from cycle_analysis.running.pipeline import NOTEBOOKS
from cycle_analysis.texts import read_yaml

PACKAGES = ("cycle-analysis", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib")
"""Libraries whose version is told."""


def annex_section(source: Source) -> Section:
    """Set what a methodologist needs to check the report, or to repeat the work."""
    parts = (
        _questionnaire(source),
        _scores(source),
        reliability_section(source),
        agreement_section(source),
        Section("measures", source.text("titles.measures"), _measures(source)),
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
    used = source.parameters("02_scores", source.reference)
    text = source.say(
        "annex.scores",
        min_answered=source.percent(float(str(used["min_answered"]))),
        aggregation=source.texts.get(
            f"annex.rules.{used['aggregation']}", str(used["aggregation"])
        ),
    )
    return Section("scores", source.text("titles.scores"), (text,))


def _measures(source: Source) -> tuple[Block, ...]:
    return source.say("annex.order"), source.say("annex.placement")


def _models(source: Source) -> Section:
    used = source.parameters("04_number_of_profiles", source.reference)
    numbers = {name: _value(source, value) for name, value in used.items()}
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
    used = {step: source.parameters(step, source.reference) for step in NOTEBOOKS[:-1]}
    used[NOTEBOOKS[-1]] = {"smallest_cell": source.smallest}
    rows = [
        (step, name, _value(source, value), source.text(f"parameters.{name}"))
        for step, values in used.items()
        for name, value in values.items()
    ]
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
    if has_municipalities(source.study):
        blocks.append(source.say("annex.register"))
    return Section("references", source.text("titles.references"), tuple(blocks))
