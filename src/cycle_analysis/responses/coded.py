"""Coded answers of one wave: who answered for which unit, what, and with how much care.

Every cell is checked, every rule looks at each distinct text once, and nothing is dropped or
recoded in silence. What stops a run (an unknown unit, a double respondent, a column that is not
understood as a whole) is raised with everything else that stops it. What does not is kept in the
problem table.

Careless answering is told by stated rules that need no special items (Curran 2016): long strings
of one answer, answers that vary within phases as if by lot (Marjanovic et al. 2015), two seconds
per item (Huang et al. 2012), mostly empty questionnaires. Honest respondents of a unit that has not
begun answer *not at issue* throughout; so flags are counted and kept, and what leaving the flagged
out would change stands beside them.

References
----------
Curran, P. G. (2016). Methods for the detection of carelessly invalid responses in survey data.
Journal of Experimental Social Psychology, 66, 4-19.
Huang, J. L., Curran, P. G., Keeney, J., Poposki, E. M., & DeShon, R. P. (2012). Detecting and
deterring insufficient effort responding to surveys. Journal of Business and Psychology, 27, 99-114.
Marjanovic, Z., Holden, R., Struthers, W., Cribbie, R., & Greenglass, E. (2015). The inter-item
standard deviation (ISD): An index that discriminates between conscientious and random responders.
Personality and Individual Differences, 84, 79-83.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2

from cycle_analysis.measurement import items_by_phase, respondent_scores, turn_items
from cycle_analysis.problems import (
    KEPT,
    REJECTED,
    InputError,
    Problem,
    check_range,
    counted,
    gather,
    on_one_line,
    problem_table,
    refuse,
    refuse_any,
)
from cycle_analysis.readers import RawTable, read_export
from cycle_analysis.responses import checks, find_same_person, scan_columns
from cycle_analysis.responses.respondents import read_respondents
from cycle_analysis.study import Study
from cycle_analysis.study.files import ANSWERED, RESPONDENT_FIELDS, Wave, normalise
from cycle_analysis.study.plan import hash_file
from cycle_analysis.units import Register, study_register
from cycle_analysis.units.identification import invited_units
from cycle_analysis.units.maps import study_map

WHO = ("respondent", "unit", "role", "province")
"""Fields that say who answered."""
SHORTEST_RUN = 12
"""Within one block of five, honest respondents give one answer too; fewer items tell nothing."""
BY_LOT = 0.5
"""Part of the variance of answers by lot under which nobody's are erratic, whatever others do."""
FEWEST_TO_VARY = 8
"""Answers, less one for each phase, under which nothing is said of how they vary."""
TEST_WORDS = {"test", "testrespondent", "test respondent", "testen", "proef", "dummy"}


@dataclass(frozen=True, eq=False)
class Responses:
    """The coded answers of one wave.

    Attributes
    ----------
    answers : DataFrame, n respondents × items asked
        Index `respondent`; codes on the codebook's scale, missing where there is no answer. Open
        answers are not among them.
    reasons : DataFrame, n respondents × items asked
        ``""`` where answered, else why not: a reason of study.yaml, `blank` or `invalid`.
    respondents : DataFrame, n respondents × 2 or 3
        Index `respondent`; `unit` (code in the register) and `role` (``""`` when unknown);
        `seconds` where the file says how long it took.
    problems : DataFrame
        The problem table; columns as `cycle_analysis.problems.TABLE_COLUMNS`.
    open_answers : DataFrame, n respondents × open items
        What respondents wrote: private.
    """

    answers: pd.DataFrame
    reasons: pd.DataFrame
    respondents: pd.DataFrame
    problems: pd.DataFrame
    open_answers: pd.DataFrame

    @property
    def missing(self) -> pd.DataFrame:
        """Item nonresponse, items × reasons: shares 0-1 of all respondents."""
        return _shares(self.reasons)

    @property
    def missing_by_role(self) -> pd.DataFrame:
        """Nonresponse per role and item: `n` respondents, and shares 0-1 per reason."""
        who = self.respondents["role"].to_numpy()
        parts = {
            role or "unknown": _shares(self.reasons[who == role]).assign(n=int((who == role).sum()))
            for role in sorted(set(who))
        }
        table = pd.concat(parts, names=["role", "item"]).fillna(0.0)
        return table[["n", *table.columns.drop("n")]]

    @property
    def shown_open_answers(self) -> pd.DataFrame:
        """Open answers, each on one line."""
        return self.open_answers.apply(lambda texts: texts.fillna("").map(on_one_line))

    def only(self, keep: "pd.Series[bool]") -> "Responses":
        """Keep some respondents."""
        chosen = keep.to_numpy()
        return replace(
            self,
            answers=self.answers[chosen],
            reasons=self.reasons[chosen],
            respondents=self.respondents[chosen],
            open_answers=self.open_answers[chosen],
        )

    def __str__(self) -> str:
        n, units = len(self.respondents), self.respondents["unit"].nunique()
        told = counted(n, "respondent", "respondents"), counted(units, "unit", "units")
        return f"{' of '.join(told)} answered {counted(self.reasons.shape[1], 'item', 'items')}"


def read_responses(study: Study, wave: str, max_invalid: float = 0.05) -> Responses:
    """Read the export of `wave` and code its answers.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    check_range("max_invalid", max_invalid, 0, 1)
    source = study.wave(wave).source
    raw = read_export(study.raw_file(wave), source)
    check_checksum(study.raw_file(wave), source.sha256, f"{wave}/wave.yaml")
    return code_responses(raw, study, wave, study_register(study), max_invalid)


def read_all_responses(study: Study, max_invalid: float = 0.05) -> dict[str, Responses]:
    """Read and code the answers of every wave, after a check of the map and lists beside them.

    Raises
    ------
    InputError
        With the problems of all waves that make an export, or the map of the study, unusable.
    """
    responses: dict[str, Responses] = {}
    rejected: list[Problem] = []
    for wave in study.mappings:
        answering: Iterable[str] = ()
        of_wave: list[Problem] = []
        if found := gather(of_wave, partial(read_responses, study, wave, max_invalid)):
            responses[wave], answering = found, found.respondents["unit"]
        rejected += told_of_wave(of_wave, study.raw_file(wave))
        gather(rejected, partial(invited_units, study, wave, answering))
        if study.units.map_file and wave == study.reference_wave:
            gather(rejected, partial(study_map, study, wave))
    refuse_any(dict.fromkeys(rejected))
    return responses


def told_of_wave(problems: Iterable[Problem], export: Path) -> list[Problem]:
    """Name the export of a wave with its folder: those of other waves may be called alike."""
    name = f"{export.parent.name}/{export.name}"
    return [replace(one, file=name) if one.file == export.name else one for one in problems]


def check_checksum(path: Path, recorded: str, where: str) -> None:
    """Refuse a raw file that is not the one that wave.yaml describes.

    Raises
    ------
    InputError
        If a checksum is recorded and the file has another.
    """
    if recorded and (found := hash_file(path)) != recorded:
        remedy = f"If the new file is right, write source.sha256: {found} in wave.yaml"
        problem = "the file changed since its checksum was recorded"
        raise refuse(where, "source.sha256", recorded, problem, found, remedy)


def code_responses(
    raw: RawTable, study: Study, wave: str, register: Register, max_invalid: float = 0.05
) -> Responses:
    """Code the answers of one wave.

    Parameters
    ----------
    raw : RawTable
        The export as text.
    study : Study
        Its codebook, scales, roles, and the mapping of `wave`.
    wave : str
        Name of the wave.
    register : Register
        The units that exist.
    max_invalid : float
        The largest share of a column's answers that may be invalid. More than that means that the
        column is not what the mapping says, and stops the run.

    Raises
    ------
    InputError
        With everything that makes the export unusable.
    """
    mapping = _as_named(study.wave(wave), raw)
    found = raw.notes + check_columns(raw, mapping)
    respondents, more = read_respondents(raw, study, mapping, register)
    named = {name: mapping.columns[name] for name in WHO if name in mapping.columns}
    found += [*more, *checks.check_fields(raw, named)]
    if not any(problem.done == REJECTED for problem in more) and not respondents["unit"].any():
        found.append(Problem(raw.file, "column unit", "", "no respondent names a unit"))
    named_any = respondents["unit"] != ""
    kept = respondents[named_any | (not named_any.any())]  # refused, but its answers are told too
    scales = {item: study.scales[study.codebook.items.loc[item, "scale"]] for item in mapping.items}
    asked = {
        item: checks.Asked(raw, item, mapping.columns[item], scale, kept["respondent"])
        for item, scale in scales.items()
        if mapping.columns[item].source in raw.cells
    }
    cells: list[Problem] = []
    for one in asked.values():
        more, wrong = checks.check_item(one, max_invalid)
        found, cells = found + more, cells + wrong
    found += find_same_person(raw)
    found += scan_columns(raw, mapping, {i for i, scale in scales.items() if scale.kind == "text"})
    found = [replace(problem, sheet=raw.sheet) for problem in found]
    refuse_any(problem for problem in found if problem.done == REJECTED)
    n, (kept, told) = len(kept), _who_answered(asked, kept, raw)
    if len(kept) < n:
        asked = {item: replace(one, names=kept["respondent"]) for item, one in asked.items()}
    found += told
    items, decoded = study.phase_items(wave), {item: one.decoded for item, one in asked.items()}
    found += [*checks.doubt_items(asked, items), *checks.doubt_unrecoded(asked)]
    found += checks.doubt_roles(asked, items, kept["role"], raw)
    found += checks.doubt_shares(asked)
    found += checks.doubt_respondents(decoded, kept["unit"], raw)
    return _as_tables(asked, kept.set_index("respondent"), problem_table(found + cells))


def _near(name: str, source: str, raw: RawTable) -> tuple[str, str]:
    """Headings that are most like one that is not there, and what to do."""
    headings = {normalise(str(column)): str(column) for column in raw.cells.columns}
    near = [headings[key] for key in get_close_matches(normalise(source), headings, n=3)]
    allowed, remedy = "columns of the file", "Correct the mapping"
    if near:
        allowed += f", of which the nearest are {', '.join(near)}"
    if name not in RESPONDENT_FIELDS:
        remedy += ", or move the item to `dropped` or `not_asked`"
    return allowed, remedy


def check_columns(raw: RawTable, mapping: Wave) -> list[Problem]:
    """Warn both ways: mapped but absent, there but neither mapped nor ignored."""
    mapping = _as_named(mapping, raw)
    header = raw.cells.columns
    sources = {name: column.source for name, column in mapping.columns.items()}
    if not set(header) & set(sources.values()):
        remedy = "Is this the export of this wave? Check source.file, header_row and delimiter"
        shown = ", ".join(map(str, header[:5]))
        return [Problem(raw.file, "header", shown, "no mapped column is here", "", remedy)]
    found = [
        Problem(
            raw.file, f"header, for {name}", source, "no such column", *_near(name, source, raw)
        )
        for name, source in sources.items()
        if source and source not in header  # an empty one is told with wave.yaml
    ]
    given = list(sources.values())
    problem, remedy = "this column is mapped twice", "Map it once in wave.yaml"
    found += [
        Problem(raw.file, f"header, for {name}", source, problem, "", remedy)
        for place, (name, source) in enumerate(sources.items())
        if source in given[:place]
    ]
    problem = "this column is neither mapped nor ignored; it is left out"
    remedy = "Map it in wave.yaml, or name it under `ignore`"
    known = [*sources.values(), *mapping.ignore, raw.duration]
    return found + [
        Problem(raw.file, "header", name, problem, "", remedy, done=KEPT, column=name)
        for name in header.difference(known, sort=False)
    ]


def flag_careless(
    responses: Responses,
    study: Study,
    wave: str,
    straight_line_items: float = 15,
    seconds_per_item: float = 2.0,
    min_answered: float = 0.25,
    erratic_chance: float = 0.001,
) -> pd.DataFrame:
    """Flag respondents by five rules.

    Parameters
    ----------
    responses : Responses
    study : Study
    wave : str
        Whose items are looked at.
    straight_line_items : float
        Flag who gave the same answer to this many items of one scale in a row, reversed ones
        included; at least 12.
    seconds_per_item : float
        Flag who took fewer seconds per answered item, where the file has the time.
    min_answered : float
        Flag who answered less than this share of the items, 0-1; not shown counts as not asked.
    erratic_chance : float
        See `erratic`; 0 flags nobody.

    Returns
    -------
    DataFrame, n respondents × 5
        Index `respondent`; straight_line, erratic, too_fast, mostly_empty, test_row (bool).

    Raises
    ------
    InputError
        If a parameter is out of range.
    """
    check_range("straight_line_items", straight_line_items, SHORTEST_RUN, np.inf)
    check_range("seconds_per_item", seconds_per_item, 0, np.inf)
    check_range("min_answered", min_answered, 0, 1)
    check_range("erratic_chance", erratic_chance, 0, 1)
    rated = pd.concat([study.phase_items(wave), study.off_topic_items(wave)])
    rated = rated[~rated.index.duplicated()]  # a block may hold items of phases
    reasons = responses.reasons
    n_asked, n_answered = (t.sum(axis=1) for t in (reasons != "not_shown", reasons == ANSWERED))
    texts = responses.open_answers.assign(**{"": reasons.index}).fillna("").astype(str)
    seconds = responses.respondents.get("seconds", pd.Series(np.nan, reasons.index))
    flags = {
        "straight_line": _longest_run(responses.answers, study) >= straight_line_items,
        "erratic": erratic(responses.answers, rated, erratic_chance),
        "too_fast": (seconds < seconds_per_item * n_answered) & (n_answered > 0),
        "mostly_empty": n_answered < min_answered * n_asked.clip(lower=1),
        "test_row": texts.map(lambda text: normalise(text) in TEST_WORDS).any(axis=1),
    }
    return pd.DataFrame(flags, index=reasons.index).astype(bool)


def erratic(answers: pd.DataFrame, items: pd.DataFrame, chance: float = 0.001) -> pd.Series:
    """Say whose answers vary within phases more than those of others do, as answers by lot would.

    The variance of the answers to the items of a phase, each less the item's mean, about the
    respondent's own, over all phases (the inter-item standard deviation of Marjanovic et al. 2015).

    Parameters
    ----------
    answers : DataFrame, respondents × items
        Coded numbers, NaN missing.
    items : DataFrame, indexed by item
        As `turn_items` takes it.
    chance : float
        Part that may be flagged of those that vary as the median one does; see `BY_LOT`, too.

    Returns
    -------
    Series of bool, indexed by respondent
        False, too, under `FEWEST_TO_VARY` answers less one for each phase.

    Examples
    --------
    >>> items = pd.DataFrame({"phase": "AG", "low": 1, "high": 5, "reversed": False},
    ...                      index=[f"AG{i}" for i in range(12)])
    >>> answers = pd.DataFrame([[2, 3] * 6] * 9 + [[1, 5] * 6], columns=items.index)
    >>> erratic(answers, items).tolist()[-2:]
    [False, True]
    """
    turned = turn_items(answers, items)
    off, known = (turned - turned.mean()).to_numpy(), turned.notna().to_numpy()
    squares, freedom = np.zeros(len(off)), np.zeros(len(off))
    for listed in items_by_phase(items).values():
        of = turned.columns.get_indexer(listed)
        n, own = known[:, of].sum(axis=1), np.nan_to_num(off[:, of])
        squares += (own**2).sum(axis=1) - own.sum(axis=1) ** 2 / np.maximum(n, 1)
        freedom += np.maximum(n - 1, 0)
    steps = (items["high"] - items["low"]).loc[turned.columns].to_numpy()
    by_lot = known @ (100**2 * (steps + 2) / (12 * steps)) / np.maximum(known.sum(axis=1), 1)
    enough = freedom >= FEWEST_TO_VARY
    typical = np.nanmedian(squares[enough] / chi2.median(freedom[enough])) if enough.any() else 0.0
    most = np.maximum(typical * chi2.isf(chance, freedom), BY_LOT * by_lot * freedom)
    return pd.Series(enough & (squares > most), answers.index)


def compare_without(
    responses: Responses, study: Study, wave: str, flags: pd.DataFrame
) -> pd.DataFrame:
    """Compare mean phase scores of all respondents with those without the flagged.

    Returns
    -------
    DataFrame, phases × 4
        Index `phase`; `all` and `without` (mean phase score, 0-100), `difference`, and
        `n_left_out` respondents.
    """
    items = study.phase_items(wave)
    scores = respondent_scores(responses.answers, items, min_answered=0.0)
    careless = flags.any(axis=1).to_numpy()
    table = pd.DataFrame({"all": scores.mean(), "without": scores[~careless].mean()})
    table["difference"] = table["without"] - table["all"]
    return table.assign(n_left_out=int(careless.sum())).rename_axis("phase")


def count_flags(flags: pd.DataFrame) -> pd.DataFrame:
    """Count respondents under each flag and under any: index `rule`; `n`, `share` 0-1.

    Examples
    --------
    >>> flags = pd.DataFrame({"straight_line": [True, False], "too_fast": [True, False]})
    >>> count_flags(flags)["n"].to_dict()
    {'straight_line': 1, 'too_fast': 1, 'any': 1}
    """
    counted = flags.assign(any=flags.any(axis=1)).sum()
    table = pd.DataFrame({"n": counted.astype("int64"), "share": counted / max(len(flags), 1)})
    return table.rename_axis("rule")


def _who_answered(
    asked: Mapping[str, checks.Asked], respondents: pd.DataFrame, raw: RawTable
) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep the respondents with an answer to any item, and count the others.

    Raises
    ------
    InputError
        If there is none.
    """
    answered = pd.Series(False, respondents.index)
    for one in asked.values():
        answered |= (one.decoded.reasons == ANSWERED).to_numpy()
    silent = respondents[~answered]
    if silent.empty:
        return respondents, []
    if not answered.any():
        remedy = "Is this the export with the answers?"
        raise InputError([raw.problem("", "no row holds an answer", remedy=remedy)])
    units = silent.loc[~silent["unit"].isin(respondents["unit"][answered]), "unit"].nunique()
    both = "row holds no answer to any item and is", "rows hold no answer to any item and are"
    problem = f"{counted(len(silent), *both)} left out"
    if units:
        problem += f"; with that {counted(units, 'unit', 'units')} of which nobody else answered"
    told = raw.problem("", problem, silent.index, done=KEPT, rule="no answers")
    return respondents[answered], [told]


def _shares(reasons: pd.DataFrame) -> pd.DataFrame:
    counts = pd.DataFrame({item: reasons[item].value_counts(sort=False) for item in reasons}).T
    counts = counts.drop(columns=ANSWERED).loc[:, lambda table: table.any()]
    return (counts / len(reasons)).rename_axis("item").rename_axis(columns=None)


def _as_tables(
    asked: Mapping[str, checks.Asked], respondents: pd.DataFrame, problems: pd.DataFrame
) -> Responses:
    """Set answers, reasons and open answers beside each other."""
    is_text = {item for item, one in asked.items() if one.scale.kind == "text"}
    answers = {item: one.decoded.answers.array for item, one in asked.items()}
    parts = (
        {item: found for item, found in answers.items() if item not in is_text},
        {item: one.decoded.reasons.array for item, one in asked.items()},
        {item: found for item, found in answers.items() if item in is_text},
    )
    closed, reasons, texts = (pd.DataFrame(x, respondents.index, copy=False) for x in parts)
    return Responses(closed, reasons, respondents, problems, texts)


def _as_named(mapping: Wave, raw: RawTable) -> Wave:
    """Give the columns of a mapping the names that the table has for them."""
    columns = {
        name: column.model_copy(update={"source": raw.column(column.source)})
        for name, column in mapping.columns.items()
    }
    ignore = [raw.column(heading) for heading in mapping.ignore]
    return mapping.model_copy(update={"columns": columns, "ignore": ignore})


def _longest_run(answers: pd.DataFrame, study: Study) -> pd.Series:
    """Longest string of one answer to consecutive items of one scale; a missing one breaks it."""
    longest = np.zeros(len(answers), dtype=np.int16)
    of_scale = study.codebook.items.loc[list(answers.columns), "scale"]
    for scale, items in of_scale.groupby(of_scale, sort=False):
        if study.scales[str(scale)].kind != "rating" or len(items) < SHORTEST_RUN:
            continue
        run, before = np.zeros(len(answers), dtype=np.int16), np.full(len(answers), np.nan)
        for item in items.index:
            now = answers[item].to_numpy()
            run = np.where(now == before, run + 1, (~np.isnan(now)).astype(np.int16))
            longest, before = np.maximum(longest, run), now
    return pd.Series(longest, answers.index)
