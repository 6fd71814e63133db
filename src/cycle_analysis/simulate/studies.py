"""Draw a whole study over its waves, and write the raw files into its folder.

The folder says what is asked (study.yaml, codebook.csv) and how each wave was exported (wave.yaml);
the truth says what is true. A unit's level in a phase is the mean of its profile plus a deviation
of its own. Between waves it may go to another profile, and keeps part of its deviation; a unit
formed by a merger starts from the profile in which most of its inhabitants lived, and from the
deviations of its predecessors weighted by inhabitants. Every step has a random generator of its
own, so that a change in one step leaves the others as they were.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.special import ndtri

from cycle_analysis.chance import Seed, children
from cycle_analysis.problems import refuse
from cycle_analysis.responses import BLANK
from cycle_analysis.simulate import Truth, exports
from cycle_analysis.simulate.exports import WaveAnswers
from cycle_analysis.simulate.worlds import choose
from cycle_analysis.study import Study
from cycle_analysis.units import Register, load_register
from cycle_analysis.units.harmonisation import harmonise, persons_at_change

MIDDLE_SIZE_CLASS = 4
MOST_REDRAWS = 50
MOST_KNOWN = 0.2
"""Largest share of rows that may be known at first; without more of them it is another study."""
BEFORE = pd.Index(["profile_before", "inclination_before"])
EVERYDAY_NAMES = (
    "Den Haag", "Den Bosch", "Súdwest Fryslân", "Bergen NH", "Hengelo", "Rijswijk",
    "Alphen a/d Rijn", "Capelle a/d IJssel", "Krimpen a/d IJssel", "Nuenen c.a.",
)  # fmt: skip
"""Names that people write for a municipality beside its official one, all in the register."""
STATES, PARTICIPATION, RESPONDENTS, ANSWERS, BACKGROUND, MISSING, EXPORT, REDRAWS = range(8)
"""Steps of a draw that have a random generator of their own."""


def generator(seed: Seed, *key: int) -> Generator:
    """Give one step of a draw a generator that depends on nothing but the seed and its key.

    Examples
    --------
    >>> a = generator(1, STATES).random()
    >>> a == generator(np.random.SeedSequence(1), STATES).random()
    True
    >>> a == generator(1, ANSWERS).random()
    False
    """
    for step in key:
        seed = children(seed, step + 1)[step]
    return np.random.default_rng(seed)


def write_study(
    study: Study,
    truth: Truth,
    seed: Seed,
    register: Register | None = None,
    known: Mapping[str, pd.DataFrame] | None = None,
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
    known : mapping of wave to DataFrame, respondents × items, optional
        Answers that nobody may give, such as those of real respondents.

    Returns
    -------
    DataFrame
        What truth.csv holds: per wave and unit of the register the true profile, the profile
        before the transition (NA for new units), and the number of respondents (0 when the unit
        did not take part).

    Raises
    ------
    InputError
        When a row of answers that is known comes back however often it is drawn.
    """
    register = load_register() if register is None else register
    dates = [study.day(wave) for wave in study.waves]
    states = draw_waves(truth, register, dates, seed)
    for number, (wave, there) in enumerate(zip(study.waves, states, strict=True)):
        draw = partial(draw_wave_answers, truth, there, study, wave)
        answers = draw(seed)
        if known:
            answers = _unlike(answers, known[wave], draw, generator(seed, REDRAWS, number))
        rng = generator(seed, EXPORT, number)
        names = _names_as_written(answers.respondents["unit"], there["name"], register, rng)
        answers = replace(answers, respondents=answers.respondents.assign(name=names))
        exports.write_export(study, wave, answers, truth.open_answers, rng)
    columns = ["name", "profile", "profile_before", "n_respondents"]
    table = pd.concat({w: t[columns] for w, t in zip(study.waves, states, strict=True)})
    table = table.rename_axis(["wave", "unit"]).reset_index().astype({"profile_before": "Int64"})
    table.to_csv(study.folder / "truth.csv", index=False, lineterminator="\n")
    return table


def draw_waves(
    truth: Truth, register: Register, dates: list[str], seed: Seed
) -> list[pd.DataFrame]:
    """Draw where every unit of the register stands on each date, and whether it takes part.

    Returns
    -------
    list of DataFrame, one per date
        States as a world gives them, with `name`, `size_class`, `inclination` (to take part,
        standard normal), and `n_respondents` (0 for who does not take part); `profile_before` and
        `inclination_before` are those of the wave before, NaN for new units.
    """
    drawn: list[pd.DataFrame] = []
    for number, date in enumerate(dates):
        units = register.on(date).sort_index()
        if "size_class" not in units:
            units = units.assign(size_class=MIDDLE_SIZE_CLASS)
        rng = generator(seed, STATES, number)
        parts = [_carry(truth, drawn[-1], dates[number - 1], date, register, rng)] if drawn else []
        known = parts[0].index if parts else units.index[:0]
        # In the first wave all units are new, later those that come from nowhere.
        new = units["size_class"].drop(known.intersection(units.index))
        parts += [_begin(truth, new, rng)] if len(new) else []
        states = units[["name", "size_class"]].join(pd.concat(parts), validate="1:1")
        states = states.reindex(columns=states.columns.union(BEFORE, sort=False))
        there = _take_part(truth, states, number, generator(seed, PARTICIPATION, number))
        drawn.append(there)
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
    rng = generator(seed, RESPONDENTS, number)
    respondents = _draw_respondents(truth, states[states["n_respondents"] > 0], rng)
    # They start in no order of municipality or role.
    respondents = respondents.iloc[rng.permutation(len(respondents))]
    respondents = respondents.set_axis(pd.RangeIndex(1, len(respondents) + 1, name="respondent"))
    listed = study.codebook.items
    asked = listed[listed.index.isin(study.wave(wave).items)]
    chance = [generator(seed, step, number) for step in (ANSWERS, BACKGROUND, MISSING)]
    given, reasons = truth.answer(study, wave, asked, respondents, chance)
    reasons.loc[~respondents["first"], asked["block"].isin(truth.coordinator_blocks)] = BLANK
    return WaveAnswers(respondents, given, reasons)


def _begin(truth: Truth, size_class: pd.Series, rng: Generator) -> pd.DataFrame:
    """Draw a profile, with shares by size class, and a level in each phase for new units."""
    shares = truth.shares(size_class)
    member = choose(shares / shares.sum(axis=1, keepdims=True), rng)
    return _place(truth, size_class.index, member, truth.profiles.deviate(member, rng))


def _carry(
    truth: Truth,
    states: pd.DataFrame,
    from_date: str,
    to_date: str,
    register: Register,
    rng: Generator,
) -> pd.DataFrame:
    """Move units to the next wave: through mergers, then through the transitions.

    The largest predecessor's inclination to take part comes along.
    """
    links = harmonise(list(states.index), from_date, to_date, register)
    size = links["from_unit"].map(persons_at_change(register, from_date)) * links["weight"]
    # Persons are known where a unit has no heir to itself; elsewhere they do not matter.
    links = links.assign(size=size, persons=size.fillna(links["weight"].astype(float)))
    profile = links["from_unit"].map(states["profile"])
    persons = links.assign(profile=profile).pivot_table(
        index="to_unit", columns="profile", values="persons", aggfunc="sum", fill_value=0
    )
    before = persons.idxmax(axis=1).astype(int).rename_axis("unit").sort_index()
    own = states[truth.phases] - truth.profiles.centroids.to_numpy()[states["profile"] - 1]
    weighted = own.loc[links["from_unit"]].to_numpy() * links[["persons"]].to_numpy()
    kept = pd.DataFrame(weighted).groupby(links["to_unit"].to_numpy()).sum()
    kept = kept.div(links.groupby("to_unit")["persons"].sum(), axis=0).loc[before.index].to_numpy()
    member = choose(np.asarray(truth.transitions)[before.to_numpy() - 1], rng)
    memory, fresh = truth.unit_memory, truth.profiles.deviate(member, rng)
    moved = _place(truth, before.index, member, memory * kept + np.sqrt(1 - memory**2) * fresh)
    largest = links.sort_values(["size", "from_unit"]).drop_duplicates("to_unit", keep="last")
    inclination = largest.set_index("to_unit")["from_unit"].map(states["inclination"])
    return moved.assign(profile_before=before, inclination_before=inclination)


def _place(
    truth: Truth, units: pd.Index, member: np.ndarray, deviations: np.ndarray
) -> pd.DataFrame:
    levels = truth.profiles.centroids.to_numpy()[member] + deviations
    states = pd.DataFrame(levels, index=units.rename("unit"), columns=truth.phases)
    states.insert(0, "profile", member + 1)
    return states


def _take_part(truth: Truth, states: pd.DataFrame, wave: int, rng: Generator) -> pd.DataFrame:
    """Draw who takes part, and how many respondents: 1 to the length of `Truth.role_order`."""
    before = states["inclination_before"]
    memory = truth.response_memory * before.notna()
    fresh = rng.normal(size=len(states))
    inclination = memory * before.fillna(0) + np.sqrt(1 - memory**2) * fresh
    size_class = states["size_class"].astype(int)
    rate = size_class.map(truth.response_rate).to_numpy(dtype=float)
    rate = np.minimum(rate * (truth.turnout[wave] if truth.turnout else 1), 1)
    count = truth.count(states, wave, rng)
    taking_part = inclination < ndtri(rate)
    return states.assign(inclination=inclination, n_respondents=np.where(taking_part, count, 0))


def _draw_respondents(truth: Truth, states: pd.DataFrame, rng: Generator) -> pd.DataFrame:
    """Draw the respondents of each unit, and how each sees every phase.

    Returns n respondents × (4 + p phases): `unit`, `role`, `first` (fills in the facts), `style`
    (percent points), and the phases (0-100 before rounding, without style).
    """
    there = states.loc[states.index.repeat(states["n_respondents"])]
    place = there.groupby(level=0).cumcount().to_numpy()
    pick = rng.random(len(there))
    offered = [truth.role_order[at] for at in place]
    role = [roles[int(at * len(roles))] for roles, at in zip(offered, pick, strict=True)]
    seen = truth.see(there, rng) + np.array([truth.role_effects[each] for each in role])
    who = {"unit": there.index, "role": role, "first": place == 0}
    index = pd.RangeIndex(1, len(there) + 1, name="respondent")
    respondents = pd.DataFrame(who, index=index)
    respondents["style"] = rng.normal(0, truth.style_sd, len(there))
    return respondents.join(pd.DataFrame(seen, index=index, columns=truth.phases))


def same_rows(answers: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """Tell which rows of answers are one of the known rows, in every cell; empty rows are not.

    Examples
    --------
    >>> rows = pd.DataFrame({"A": [1, 2, None], "B": [1.0, None, None]})
    >>> same_rows(rows, rows.iloc[1:]).tolist()
    [False, True, False]
    """
    there = set(map(tuple, known[answers.columns].astype(float).fillna(np.inf).to_numpy()))
    rows = answers.astype(float)
    same = [row in there for row in map(tuple, rows.fillna(np.inf).to_numpy())]
    return pd.Series(same, index=answers.index, dtype=bool) & rows.notna().any(axis=1)


def _unlike(
    answers: WaveAnswers, known: pd.DataFrame, draw: Callable[[Seed], WaveAnswers], rng: Generator
) -> WaveAnswers:
    """Draw who answers as somebody who is known anew, for the same unit, until nobody does."""
    for number in range(MOST_REDRAWS + 1):
        same = same_rows(answers.told[known.columns], known)
        if not same.any():
            return answers
        if number == 0 and same.mean() > MOST_KNOWN:
            break
        other = draw(np.random.SeedSequence(rng.integers(2**63)))
        place = [pd.MultiIndex.from_frame(_places(one)) for one in (answers, other)]
        rows = place[1].get_indexer(place[0][same])
        answers = answers.with_rows(same, other, rows)
    problem = "of the rows drawn are those of a respondent: its items and steps are too few"
    remedy = "Do not share a twin of it; share the report"
    raise refuse("codebook.csv", "items", f"{same.mean():.0%}", problem, "rows of nobody", remedy)


def _places(answers: WaveAnswers) -> pd.DataFrame:
    """Number the respondents of each unit."""
    units = answers.respondents["unit"]
    return units.to_frame().assign(place=units.groupby(units).cumcount())


def _names_as_written(
    units: pd.Series, names: pd.Series, register: Register, rng: Generator
) -> pd.Series:
    """Write official names; half of those who have an everyday name write that one."""
    aliases = register.aliases[register.aliases["alias"].isin(EVERYDAY_NAMES)]
    everyday = units.map(aliases.set_index("unit")["alias"])
    return units.map(names).where(everyday.isna() | (rng.random(len(units)) < 0.5), everyday)
