"""The findings in a few points, the verdict first."""

import pandas as pd

from cycle_analysis.disclosure import suppress_counts
from cycle_analysis.report.sections.cycle import range_of_phases
from cycle_analysis.report.sections.number import KEYS, choice
from cycle_analysis.report.sections.response import answered
from cycle_analysis.report.sections.simultaneity import simultaneity
from cycle_analysis.report.sections.waves import Pair, changed_phases, counts_of, pairs, switching
from cycle_analysis.report.source import Source


def summary(source: Source) -> tuple[str, ...]:
    """Tell the findings: profiles or not and their sizes, the cycle, change, who answered."""
    profiles = f"{_verdict(source)} {_sizes(source)}".strip()
    points = [profiles, _cycle(source), " ".join(_change(source)), _who(source)]
    return tuple(point for point in points if point)


def _verdict(source: Source) -> str:
    """Say whether there are profiles, without the figures that the section gives."""
    found = source.verdict
    key = "identical" if pd.isna(found["p"]) else KEYS[found["verdict"]]
    k, n = source.number(choice(source)["k"]), source.units(found["n_units"])
    return source.text(f"summary.verdict.{key}", k=k, n=n)


def _sizes(source: Source) -> str:
    if not source.found:
        return ""
    shown = suppress_counts(source.sizes, source.smallest)
    total = source.sizes.sum()
    told = [
        source.text("summary.size", name=name, share=source.percent(shown[number] / total))
        for number, name in source.groups.items()
        if shown.notna()[number]
    ]
    return source.text("summary.sizes", told=source.texts.listed(told)) if told else ""


def _cycle(source: Source) -> str:
    wave = source.reference
    values = simultaneity(source, wave)
    hidden = values["share"] == source.text("words.not_shown")
    return source.text(
        "summary.cycle_hidden" if hidden else "summary.cycle",
        wave=source.wave_in_text(wave),
        phases=range_of_phases(source, wave, "summary.phases"),
        **values,
    )


def _change(source: Source) -> list[str]:
    """Tell the last change only; earlier ones stand in the section."""
    if not pairs(source):
        return []
    last = pairs(source)[-1]
    waves = {"from_wave": source.wave_in_text(last[0]), "to_wave": source.wave_in_text(last[1])}
    if counts_of(source, last).to_numpy().sum() < source.smallest:
        return [source.text("summary.few", smallest=source.smallest, **waves)]
    told = [source.text("summary.change", told=_changed(source, last), **waves)]
    if source.k > 1:
        values = switching(source, last)
        told.append(source.text(f"summary.{values['wording']}", **values))
    return told


def _changed(source: Source, pair: Pair) -> str:
    sure = changed_phases(source, pair)
    if sure.empty:
        return source.text("summary.unchanged")
    told = [f"{source.phase_title(str(phase))} ({source.points(c)})" for phase, c in sure.items()]
    return source.text("summary.changed", told=source.texts.listed(told))


def _who(source: Source) -> str:
    told = []
    for wave in source.study.waves:
        n, population = answered(source, wave)
        told.append(
            source.text(
                "summary.answered",
                wave=source.wave_in_text(wave),
                n=source.number(n),
                population=source.number(population),
                share=source.percent(n / max(population, 1)),
            )
        )
    return source.text("summary.who", told=source.texts.listed(told))
