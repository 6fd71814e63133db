"""Draw a whole study over its waves and write the raw files into its folder.

The folder says what is asked (study.yaml, codebook.csv) and how each wave was exported
(wave.yaml); the truth says what is true. Every step has a random generator of its own, so that a
change in one step leaves the others as they were.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cycle_analysis.responses.answers import BLANK
from cycle_analysis.seeds import Seed
from cycle_analysis.study import Study, load_study
from cycle_analysis.units.identification import Register, harmonise, load_register
from cycle_analysis.units.panels import persons_at_change

from .answers import draw_phase_items, draw_reasons, draw_respondent_counts, draw_respondents
from .background import draw_background
from .example import EXAMPLE, EXAMPLE_SEED
from .exports import WaveAnswers, missing_codes, write_export
from .states import draw_profile_states, move_states
from .truth import Step, Truth, generator

MIDDLE_SIZE_CLASS = 4
BEFORE = pd.Index(["profile_before", "inclination_before"])
EVERYDAY_NAMES = (
    "Den Haag",
    "Den Bosch",
    "Súdwest Fryslân",
    "Bergen NH",
    "Hengelo",
    "Rijswijk",
    "Alphen a/d Rijn",
    "Capelle a/d IJssel",
    "Krimpen a/d IJssel",
    "Nuenen c.a.",
)
"""Names that people write for a municipality beside its official one, all in the register."""


def write_example(folder: str | Path) -> pd.DataFrame:
    """Make the raw files of the bundled study again; `write_study` with its truth and seed.

    Parameters
    ----------
    folder : path
        The study folder, ``data/raw/example`` in some home folder.
    """
    folder = Path(folder).resolve()
    return write_study(load_study(folder.name, folder.parents[2]), EXAMPLE, EXAMPLE_SEED)


def write_study(
    study: Study, truth: Truth, seed: Seed, register: Register | None = None
) -> pd.DataFrame:
    """Draw a study and write its exports, their sha256, and truth.csv.

    Parameters
    ----------
    study : Study
        What is asked, and how each wave is exported.
    truth : Truth
        Its phases and roles are those of the study.
    seed : int or numpy.random.SeedSequence
    register : Register, optional
        The municipalities by default. Units without size class count as class 4.

    Returns
    -------
    DataFrame
        What truth.csv holds: per wave and unit of the register the true profile, the profile
        before the transition (NA for new units), and the number of respondents (0 when the unit
        did not take part).

    Raises
    ------
    ValueError
        When the truth lacks a phase of the codebook, or has a role that the study lacks.
    """
    register = load_register() if register is None else register
    _check_fit(truth, study)
    dates = [str(study.wave(wave).fieldwork.start) for wave in study.waves]
    states = draw_waves(truth, register, dates, seed)
    for number, (wave, there) in enumerate(zip(study.waves, states, strict=True)):
        answers = draw_wave_answers(truth, there, study, wave, seed)
        rng = generator(seed, Step.EXPORT, number)
        names = _names_as_written(answers.respondents["unit"], there["name"], register, rng)
        answers = replace(answers, respondents=answers.respondents.assign(name=names))
        write_export(study, wave, answers, truth, rng)
    table = _truth_table(states, study.waves)
    table.to_csv(study.folder / "truth.csv", index=False, lineterminator="\n")
    return table


def draw_waves(
    truth: Truth, register: Register, dates: list[str], seed: Seed
) -> list[pd.DataFrame]:
    """Draw where every unit of the register stands on each date, and whether it takes part.

    Returns
    -------
    list of DataFrame, one per date
        As from `draw_profile_states`, with `name`, `size_class`, `inclination` (to take part,
        standard normal), and `n_respondents` (0 for who does not take part); `profile_before` and
        `inclination_before` are those of the wave before, NaN for new units.
    """
    drawn: list[pd.DataFrame] = []
    for number, date in enumerate(dates):
        units = register.on(date).sort_index()
        if "size_class" not in units:
            units = units.assign(size_class=MIDDLE_SIZE_CLASS)
        rng = generator(seed, Step.STATES, number)
        parts = [_carry(truth, drawn[-1], dates[number - 1], date, register, rng)] if drawn else []
        known = parts[0].index if parts else units.index[:0]
        # In the first wave all units are new, later those that come from nowhere.
        new = units["size_class"].drop(known.intersection(units.index))
        parts += [draw_profile_states(truth, new, rng)] if len(new) else []
        states = units[["name", "size_class"]].join(pd.concat(parts), validate="1:1")
        states = states.reindex(columns=states.columns.union(BEFORE, sort=False))
        drawn.append(_take_part(truth, states, generator(seed, Step.PARTICIPATION, number)))
    return drawn


def draw_wave_answers(
    truth: Truth, states: pd.DataFrame, study: Study, wave: str, seed: Seed
) -> WaveAnswers:
    """Draw the respondents of the units that take part, and their answers on the items asked.

    Parameters
    ----------
    truth : Truth
    states : DataFrame
        As `draw_waves` gives it for this wave.
    study : Study
    wave : str
        Name of the wave.
    seed : int or numpy.random.SeedSequence
        That of the whole study.
    """
    number = study.waves.index(wave)
    taking_part = states[states["n_respondents"] > 0]
    rng = generator(seed, Step.RESPONDENTS, number)
    respondents = draw_respondents(truth, taking_part, taking_part["n_respondents"], rng)
    # They start in no order of municipality or role.
    respondents = respondents.iloc[rng.permutation(len(respondents))]
    respondents = respondents.set_axis(pd.RangeIndex(1, len(respondents) + 1, name="respondent"))
    listed = study.codebook.items
    asked = listed[listed.index.isin(study.wave(wave).items)]
    others = asked[asked["phase"] == ""]
    rng_items, rng_others, rng_missing = (
        generator(seed, step, number) for step in (Step.ANSWERS, Step.BACKGROUND, Step.MISSING)
    )
    phase_items = draw_phase_items(truth, respondents, study.phase_items(wave), rng_items)
    background = draw_background(truth, respondents, others, study.scales, rng_others)
    given = phase_items.join(background, validate="1:1")[asked.index]
    reasons = draw_reasons(truth, respondents, asked, rng_missing)
    reasons.loc[~respondents["first"], asked["block"].isin(truth.coordinator_blocks)] = BLANK
    return WaveAnswers(respondents, given, _reasons_offered(reasons, study))


def _reasons_offered(reasons: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Who would say what a question does not offer leaves it blank."""
    offered = {item: ["", *missing_codes(study, str(item))] for item in reasons}
    return reasons.apply(lambda column: column.where(column.isin(offered[column.name]), BLANK))


def _check_fit(truth: Truth, study: Study) -> None:
    asked, roles = set(study.phase_codes), set(study.roles)
    drawn = {role for place in truth.role_order for role in place}
    if unknown := asked - set(truth.phases):
        raise ValueError(
            f"The study has phases {sorted(unknown)} of which the truth says nothing; it has "
            f"{list(truth.phases)}. State a truth with the phases of this study."
        )
    if unknown := drawn - roles:
        raise ValueError(
            f"The truth has roles {sorted(unknown)} that study.yaml lacks; it has "
            f"{sorted(roles)}. State a truth with the roles of this study."
        )


def _carry(
    truth: Truth,
    states: pd.DataFrame,
    from_date: str,
    to_date: str,
    register: Register,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Move units to the next wave; the largest predecessor's inclination comes along."""
    links = harmonise(list(states.index), from_date, to_date, register)
    persons = persons_at_change(register, from_date)
    moved = move_states(truth, states, links, persons, rng)
    size = links["from_unit"].map(persons) * links["weight"]
    largest = links.assign(size=size).sort_values(["size", "from_unit"])
    heirs = largest.drop_duplicates("to_unit", keep="last").set_index("to_unit")["from_unit"]
    return moved.assign(inclination_before=heirs.map(states["inclination"]))


def _take_part(truth: Truth, states: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    before = states["inclination_before"]
    memory = truth.response_memory * before.notna()
    fresh = rng.normal(size=len(states))
    inclination = memory * before.fillna(0) + np.sqrt(1 - memory**2) * fresh
    size_class = states["size_class"].astype(int)
    rate = size_class.map(truth.response_rate).to_numpy(dtype=float)
    count = draw_respondent_counts(truth, size_class, rng)
    return states.assign(
        inclination=inclination, n_respondents=count.where(inclination < ndtri(rate), 0)
    )


def _names_as_written(
    units: pd.Series, names: pd.Series, register: Register, rng: np.random.Generator
) -> pd.Series:
    """Write official names; half of those who have an everyday name write that one."""
    aliases = register.aliases[register.aliases["alias"].isin(EVERYDAY_NAMES)]
    everyday = units.map(aliases.set_index("unit")["alias"])
    return units.map(names).where(everyday.isna() | (rng.random(len(units)) < 0.5), everyday)


def _truth_table(states: list[pd.DataFrame], waves: list[str]) -> pd.DataFrame:
    columns = ["name", "profile", "profile_before", "n_respondents"]
    tables = [there[columns].assign(wave=wave) for there, wave in zip(states, waves, strict=True)]
    table = pd.concat(tables).reset_index()[["wave", "unit", *columns]]
    return table.astype({"profile_before": "Int64"})
