"""Whole synthetic studies, the bundled example among them.

The truth of the bundled study `example`: four profiles that differ in shape.

Busy experimenters and those who anchor by plan have nearly the same mean and cross twice: what
tells them apart is where they stand in the cycle, not how far they are.

Draw a whole study over its waves and write the raw files into its folder.

The folder says what is asked (study.yaml, codebook.csv) and how each wave was exported
(wave.yaml); the truth says what is true. Every step has a random generator of its own, so that a
change in one step leaves the others as they were.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cycle_analysis.responses.coding import BLANK
from cycle_analysis.seeds import Seed
from cycle_analysis.simulate.answers import (
    draw_phase_items,
    draw_profile_states,
    draw_reasons,
    draw_respondent_counts,
    draw_respondents,
    move_states,
)
from cycle_analysis.simulate.exports import WaveAnswers, missing_codes, write_export
from cycle_analysis.simulate.truth import Follows, Profile, Step, Truth, draw_background, generator
from cycle_analysis.study import Study, load_study
from cycle_analysis.units.harmonisation import harmonise, persons_at_change
from cycle_analysis.units.register import Register, load_register

EXAMPLE_SEED = 20180312
"""Seed of the committed files."""

EXAMPLE = Truth(
    phases=("AG", "EX", "VB", "VA", "NN"),
    profiles=(
        # Getting oriented: the subject is known, little else has begun.
        Profile(means=(26, 18, 12, 10, 6), share=0.38, size_slope=-0.35),
        # Busy experimenters: many pilots, hardly anything laid down.
        Profile(means=(36, 69, 46, 14, 12), share=0.24, size_slope=0.10),
        # Anchoring by plan: owner, budget and procedures first, few experiments.
        Profile(means=(75, 23, 28, 61, 26), share=0.22, size_slope=0.05),
        # Broad front-runners: all phases at once, and the largest differences inside.
        Profile(means=(74, 68, 72, 58, 56), share=0.16, size_slope=0.40, respondent_spread=1.1),
    ),
    transitions=(
        (0.62, 0.19, 0.16, 0.03),
        (0.04, 0.72, 0.08, 0.16),
        (0.03, 0.06, 0.75, 0.16),
        (0.00, 0.03, 0.05, 0.92),
    ),
    unit_sd=3.0,
    unit_memory=0.7,
    respondent_sd=25.0,
    respondent_general=0.08,
    style_sd=3.0,
    item_spread=14.0,
    item_sd=29.0,
    items_per_phase=5,
    n_steps=5,
    role_effects={
        "STR": (4, 0, 1, 2, 1),
        "DAT": (-2, 2, -2, -3, -3),
        "DOM": (-2, -2, 0, 0, 1),
        "BES": (6, 3, 3, 4, 4),
    },
    role_order=(("STR", "DAT"), ("STR", "DAT"), ("DOM",), ("DOM",), ("DOM", "BES"), ("DOM",)),
    mean_respondents={1: 3.4, 2: 3.6, 3: 4.0, 4: 4.3, 5: 4.6, 6: 4.8, 7: 5.0, 8: 5.2},
    single_share=0.03,
    response_rate={1: 0.35, 2: 0.40, 3: 0.46, 4: 0.54, 5: 0.66, 6: 0.74, 7: 0.82, 8: 0.90},
    response_memory=0.5,
    blank_rate=0.015,
    dont_know_rate=0.015,
    not_applicable_rate=0.06,
    follows={
        "A4": Follows(offset=50, slope=0, sd=22, power=2),
        "A5": Follows(offset=35, slope=0.4, sd=25),
        "A6": Follows(offset=35, slope=0, sd=25),
        "B1_1": Follows(("AG",), offset=12, sd=12),
        "B1_2": Follows(("EX",), offset=5, sd=12),
        "B1_3": Follows(("VB", "VA", "NN"), offset=2, sd=12),
        "B2": Follows(offset=2, slope=1.05, sd=16),
        "D": Follows(offset=14, slope=0.75, sd=18),
        "E": Follows(("VA",), offset=28, slope=0.5, sd=18),
        "F": Follows(("AG", "VA"), offset=20, slope=0.55, sd=18),
        "G1": Follows(offset=40, slope=0.45, sd=9, decimals=1),
        "G2": Follows(offset=12, slope=0.9, sd=12),
        "G3": Follows(("VA", "NN"), offset=8, slope=0.9, sd=12),
        "G4": Follows(offset=40, slope=0.6, sd=14),
        "G5": Follows(offset=25, slope=0.8, sd=14),
        "H1": Follows(("AG", "VA"), offset=5, slope=0.9, sd=18),
        "H2": Follows(offset=8, slope=0.4, sd=6, power=3, decimals=1),
        "H3": Follows(("EX",), offset=-5, slope=0.9, sd=22),
        "H4": Follows(("EX",), offset=12, slope=0.4, sd=6, power=2),
        "H5": Follows(("EX",), offset=0, slope=0.28, sd=4, power=2),
        "H6": Follows(("VB",), offset=0, slope=0.25, sd=4, power=2),
        "H7": Follows(offset=15, slope=0.8, sd=15),
        "H8": Follows(("VA",), offset=0, slope=0.7, sd=20),
    },
    coordinator_blocks=("H",),
    open_answers=(
        "[synthetisch] Te weinig tijd naast het gewone werk.",
        "[synthetisch] Gegevens staan verspreid over veel systemen.",
        "[synthetisch] Er is nog geen eigenaar aan de top.",
        "[synthetisch] Pilots stoppen zodra het projectgeld op is.",
        "[synthetisch] Kennis zit bij enkele mensen.",
        "[synthetisch] Onzekerheid over wat volgens de privacyregels mag.",
    ),
)


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
