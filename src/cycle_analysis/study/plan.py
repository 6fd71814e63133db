"""What a study was fixed to be: fingerprints of what decides about results, and its frozen plan.

Names, titles, labels of phases, questions and parameters do not decide about results: changing one
makes nothing out of date.

``plan.md`` is drafted from study.yaml, codebook.csv and the parameters, to be read, changed and
registered; ``plan.lock`` holds what it rests on, and its hash. Every later report lists by itself
what differs: no author needs to remember it (Nosek et al. 2018).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cycle_analysis.problems import refuse
from cycle_analysis.study import Study
from cycle_analysis.study.files import BUNDLED
from cycle_analysis.whole_files import write_whole

PLAN, LOCK = "plan.md", "plan.lock"
LEFT_OUT = "left_out"
BESIDE = "data"
"""Waves of which the export lay there when the plan was frozen: no plan comes before those."""
KINDS = ("parameter", "item", "question", "scale", "phases", LEFT_OUT, "plan")
"""What a plan fixes: parameters, items by phase and scale, questions, scales, phases, items that a
wave leaves out, and its own text."""
Facts = dict[str, dict[str, str]]
"""What is planned, as a text, by kind and name."""
OF_NO_MATTER = ("study_name", "wave", "language")
"""Parameters that change no table."""
NO_MATTER = tuple(f".{name}" for name in OF_NO_MATTER)
"""Last letters of their full names."""
DRAFT = Path(__file__).with_name("plan.md")
"""The text of a plan, with room for what a study says."""


@dataclass(frozen=True)
class Deviation:
    """One thing that was planned otherwise; an empty text where there was, or is, nothing."""

    kind: str
    name: str
    planned: str
    found: str


def freeze(study: Study, parameters: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write ``plan.md``, unless the author has written one, and ``plan.lock``.

    Parameters
    ----------
    study : Study
    parameters : mapping of notebook to mapping of name to value
        Those that a run would use.

    Returns
    -------
    list of Path
        The two files.

    Raises
    ------
    InputError
        If there is a lock already: a plan that can be frozen again is none.
    """
    plan, lock = study.folder / PLAN, study.folder / LOCK
    if lock.exists():
        remedy = "Keep it; for a new wave, put it and plan.md away under another name first"
        raise refuse(LOCK, "file", "", "the plan was frozen before", "", remedy)
    if not plan.exists():
        write_whole(plan, draft(study, parameters).encode("utf-8"))
    facts = planned_facts(study, parameters)
    beside = [wave for wave in study.mappings if study.raw_file(wave).is_file()]
    contents = (
        json.dumps({**facts, BESIDE: beside}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )
    return [plan, write_whole(lock, contents.encode("utf-8"))]


def planned_facts(study: Study, parameters: Mapping[str, Mapping[str, Any]]) -> Facts:
    """Tell what a plan fixes, as it is now; parameters as for `freeze`."""
    items = study.codebook.items
    texts = [name for name in items if name.startswith("question_")]
    how = items[["block", "phase", "scale", "reversed"]].astype(str).agg(", ".join, axis=1)
    plan = study.folder / PLAN
    return {
        "parameter": {
            name: f"{value}"
            for name, value in flatten(parameters).items()
            if not name.endswith(NO_MATTER)
        },
        "item": how.to_dict(),
        "question": {f"{item} ({name.removeprefix('question_')})": f"{text}" for name in texts
                     for item, text in items[name].items()},
        "scale": {name: ", ".join([scale.kind, *scale.labels, *scale.missing])
                  for name, scale in study.scales.items()},
        "phases": {"": ", ".join(f"{p.code} ({p.development})" for p in study.phases)},
        LEFT_OUT: {wave: ", ".join(sorted({**of.dropped, **of.not_asked}))
                   for wave, of in study.mappings.items() if of.dropped or of.not_asked},
        "plan": {PLAN: hashlib.sha256(plan.read_bytes()).hexdigest()[:16] if plan.exists() else ""},
    }  # fmt: skip


def deviations(study: Study, parameters: Mapping[str, Mapping[str, Any]]) -> list[Deviation] | None:
    """List what differs from the plan; None where none was frozen.

    Parameters
    ----------
    study : Study
    parameters : mapping of notebook to mapping of name to value
        Those of the run; of other notebooks nothing is told.

    Raises
    ------
    InputError
        If the lock cannot be read.
    """
    lock = study.folder / LOCK
    if not lock.exists():
        return None
    try:
        planned = {kind: dict(json.loads(lock.read_text("utf-8"))[kind]) for kind in KINDS}
    except (ValueError, KeyError, TypeError):
        remedy = "Put it back as `cycle-analysis freeze` wrote it"
        raise refuse(LOCK, "file", "", "cannot be read", "", remedy) from None
    found = planned_facts(study, parameters)
    of_run = tuple(f"{step}." for step in parameters)
    return [
        Deviation(kind, name, planned[kind].get(name, ""), found[kind].get(name, ""))
        for kind in KINDS
        for name in sorted(planned[kind].keys() | found[kind].keys())
        if planned[kind].get(name, "") != found[kind].get(name, "")
        and (kind != "parameter" or name.startswith(of_run))
    ]


def frozen_beside(study: Study) -> list[str]:
    """Give the waves of which the export lay there when the plan was frozen."""
    return list(json.loads((study.folder / LOCK).read_text("utf-8")).get(BESIDE, []))


def plan_files(study: Study) -> list[Path]:
    """Give the files of a study's plan, as far as it has one."""
    return [path for name in (LOCK, PLAN) if (path := study.folder / name).is_file()]


def draft(study: Study, parameters: Mapping[str, Mapping[str, Any]]) -> str:
    """Draft the plan of a study, in English; parameters as for `freeze`."""
    language, decide = study.language, flatten(parameters).items()
    items = [
        f"- {item} ({row['phase'] or row['block']}, {row['scale']}): {row[f'question_{language}']}"
        for item, row in study.codebook.items.iterrows()
    ]
    return DRAFT.read_text("utf-8").format(
        title=study.title[language],
        population=study.population[language],
        waves=", ".join(study.waves),
        items="\n".join(items),
        most=parameters["04_number_of_profiles"]["max_profiles"],
        parameters="\n".join(f"- {n} = {v}" for n, v in decide if not n.endswith(NO_MATTER)),
    )


def flatten(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Name parameters as the command does: ``03_cycle.active_from``."""
    return {
        f"{step}.{name}": value for step, of in parameters.items() for name, value in of.items()
    }


def hash_facts(facts: object) -> str:
    """Hash plain facts: texts, numbers, lists and dicts of them."""
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def hash_study(study: Study) -> str:
    """Fingerprint what every step may use of study.yaml and codebook.csv."""
    items = study.codebook.items[["block", "phase", "scale", "reversed"]]
    own = {study.units.register_file, study.units.events} - {"", BUNDLED}
    return hash_facts(
        [
            [(phase.code, phase.development) for phase in study.phases],
            [(name, scale.model_dump(mode="json")) for name, scale in study.scales.items()],
            [(role, text.model_dump()) for role, text in study.roles.items()],  # exports hold both
            [list(study.off_topic_blocks), list(study.self_placement.items()), list(study.domains)],
            items.to_csv(lineterminator="\n"),
            [hash_file(study.folder / name) for name in sorted(own)],
        ]
    )


def hash_file(path: Path) -> str:
    """Hash a file; read once for as long as it stays the same."""
    if not path.is_file():
        return ""
    about = path.stat()
    return _hash_of(path, about.st_mtime_ns, about.st_size)


@cache
def _hash_of(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
