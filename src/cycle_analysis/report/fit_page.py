"""Write the page *Which profile fits us?*: the questionnaire, and the probability of each profile.

The page works without a server and sends nothing. It holds what the report publishes and no more:
the questions, and of each profile its share, its mean scores and how scores spread around them,
all rounded as in the report. One person answers, so the spread is that of the true scores of a
profile together with that between respondents of one unit.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from cycle_analysis.profiles.verdict import Verdict
from cycle_analysis.report.chapter import NUMBER, PROFILES, SCORES, Chapter, Results
from cycle_analysis.report.door import Door
from cycle_analysis.report.language import open_language
from cycle_analysis.report.writers import Link, page_template, style
from cycle_analysis.study import Study
from cycle_analysis.whole_files import delete_files, write_whole

MODEL = "latent profiles"
"""Kind of division that has a spread around its means."""


def write_fit_page(study: Study, results: Results, code: str, folder: Path) -> list[Link]:
    """Write the page in one language, where profiles were found and a model gives their spread.

    Parameters
    ----------
    study, results, code
        As `report.assemble`.
    folder : Path
        Where the report is.

    Returns
    -------
    list of Link
        To the page, for the report; empty when there is none.

    Raises
    ------
    InputError
        If it may not be written.
    """
    path = folder / f"fit_{code}.html"
    told = fit_of(study, results, code)
    if not told:
        delete_files([path])
        return []
    language = open_language(code, study)
    page = {
        "language": code,
        "title": study.title[code],
        "mark": language.mark,
        "words": language.words["fit_page"] | {"report": language.words["report"]},
        "questions": _questions(study, code),
        "told": Markup(json.dumps(told, ensure_ascii=False).replace("</", "<\\/")),
    }
    html = page_template("fit.html.j2").render(page, style=style())
    write_whole(path, f"{html}\n".encode())
    return [Link(str(language.words["fit_page"]["title"]), path.name)]


def fit_of(study: Study, results: Results, code: str) -> dict[str, Any]:
    """Give what the page computes with; empty where no profiles were found, or have no spread.

    Returns
    -------
    dict
        `profiles`: name, share, means and covariances (phases × phases, in points) of each, for one
        respondent. `items`: code, place of its phase, low, high, whether it is reversed.
        `min_answered`, `between`: shares.
    """
    wave, language = study.reference_wave, open_language(code, study, Door(study.round_to))
    chapter = Chapter(study, results, language)
    kind = str(results.load(NUMBER, "division", wave)["kind"].iloc[0])
    if not Verdict(chapter.verdict).found or chapter.k < 2 or kind != MODEL:
        return {}
    if not all(group.shown for group in chapter.groups):
        return {}
    means = results.load(NUMBER, "means", wave)[study.phase_codes].round()
    within = _within(results, wave, study.phase_codes)
    covariances = results.load(NUMBER, "covariances", wave)
    profiles = [
        {
            "name": language.title(group),
            "share": max(round(chapter.door.ratio(group.n), 2), 0.01),
            "means": means.loc[group.number].tolist(),
            "covariances": _spread(
                covariances.loc[group.number].loc[study.phase_codes, study.phase_codes], within
            ),
        }
        for group in chapter.groups
    ]
    scoring = results.parameters(SCORES, wave)
    return {
        "profiles": profiles,
        "items": _items(study, wave),
        "phases": [study.phase_names(code)[phase] for phase in study.phase_codes],
        "min_answered": float(scoring["min_answered"]),
        "between": float(results.parameters(PROFILES, wave)["clearly_placed"]),
    }


def _spread(true: pd.DataFrame, within: np.ndarray) -> list[list[int]]:
    """Give the covariance of one respondent's scores in whole numbers, never without spread."""
    rounded = np.round(true.to_numpy(float) + within).astype(int)
    lacking = max(0, int(np.ceil(1 - np.linalg.eigvalsh(rounded).min())))
    spread: list[list[int]] = (rounded + lacking * np.eye(len(rounded), dtype=int)).tolist()
    return spread


def _within(results: Results, wave: str, phases: list[str]) -> np.ndarray:
    """Covariance between respondents of one unit; 0 where it is not known."""
    table = results.load(SCORES, "error", wave)
    return table.loc[phases, phases].fillna(0.0).to_numpy(float)


def _items(study: Study, wave: str) -> list[dict[str, Any]]:
    place = {phase: number for number, phase in enumerate(study.phase_codes)}
    return [
        {
            "item": str(item),
            "phase": place[row["phase"]],
            "low": row["low"],
            "high": row["high"],
            "reversed": bool(row["reversed"]),
        }
        for item, row in study.phase_items(wave).iterrows()
    ]


def _questions(study: Study, code: str) -> list[dict[str, Any]]:
    """Give the questions with their answers, by phase, in the order of the cycle."""
    asked = study.phase_items(study.reference_wave)
    items = study.codebook.items.loc[asked.index]
    named = {phase.code: phase.label[code] for phase in study.phases}
    return [
        {
            "phase": named[phase],
            "items": [
                {"item": item, "question": row[f"question_{code}"], "answers": answers}
                for item, row in rows.iterrows()
                for steps in [study.scales[str(row["scale"])].steps(code)]
                for answers in [[{"code": one, "text": text} for one, text in steps.items()]]
            ],
        }
        for phase in study.phase_codes
        for rows in [items[items["phase"] == phase]]
    ]
