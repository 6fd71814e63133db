"""Who answered: name, unit, role and province of each respondent, and the seconds it took.

These columns get every fact that a file holds, as items do: the wave's own `map`, codes that the
file declares missing or labels as *don't know*, value labels, then the text itself. A label decides
what its code means: numbers of a list can happen to be codes of units. Where the label and a code
that cannot be such a number name different units, nobody is guessed; and where one bare number is
no code, all others of its column are doubted.
"""

import datetime
import re
from collections.abc import Callable, Iterator

import pandas as pd

from cycle_analysis.problems import FIXED, KEPT, REJECTED, Problem, counted, on_one_line
from cycle_analysis.readers import RawTable, change_texts
from cycle_analysis.responses import CODE_IN_LABEL, EMAIL, declared_missing, plain_number
from cycle_analysis.study import Study
from cycle_analysis.study.files import (
    BLANK,
    Column,
    Wave,
    codes_by_label,
    missing_reason,
    normalise,
)
from cycle_analysis.units import Register, lifespans
from cycle_analysis.units.harmonisation import assign_heirs, detect_vintage, harmonise
from cycle_analysis.units.identification import (
    CODE,
    NAME,
    allowed_units,
    find_provinces,
    identify,
    remedy_for,
)

Understood = tuple["pd.Series[str]", list[Problem]]
"""What a column says of each respondent, ``""`` where nothing, and what is wrong with it."""
MOST_SPELLINGS = 5
"""More different texts than so many times the units of the register name no units."""
LABEL, NUMBERS = "label in the file", "bare numbers"
"""Rules by which a whole column is understood or doubted."""
ALIKE, WORD = 0.8, re.compile(r"[^\W\d_]{2}")
"""Share of texts that name units where a column does so, and what all names have."""
BARE = re.compile(r"[1-9]\d*(?:[.,]0{1,2})?", re.ASCII)
"""A number that may be one of a list; a code with its zeros is none."""


def read_respondents(
    raw: RawTable, study: Study, mapping: Wave, register: Register
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read who answered.

    Returns
    -------
    DataFrame, n rows × 3 or 4
        On the rows of the file: `respondent`, `unit` and `role` (``""`` when unknown), and
        `seconds` where the file has them.
    list of Problem
        What stops the run, what was mended, what is doubtful.
    """
    fields, columns = _fields(raw, mapping), mapping.columns
    province = None
    found: list[Problem] = []
    if "province" in fields:
        province, found = _read_provinces(raw, fields["province"], columns["province"], register)
    day = str(mapping.fieldwork.day)
    readers: dict[str, Callable[[pd.Series], tuple[pd.Series, list[Problem]]]] = {
        "respondent": lambda given: _names(raw, given),
        "unit": lambda given: read_units(
            *(raw, given, columns["unit"], register, day, province), last=mapping.fieldwork.end
        ),
        "role": lambda given: _roles(raw, given, columns["role"], study),
        "seconds": lambda given: _seconds(raw, given),
    }
    table = pd.DataFrame({"respondent": "", "unit": "", "role": ""}, raw.cells.index)
    if "respondent" not in fields:
        table["respondent"] = _by_row(table.index)
    for field in (field for field in readers if field in fields):
        table[field], more = readers[field](fields[field])
        found += more
    return table, [*found, *_doubt_by_names(raw, mapping, table["unit"], register)]


def _fields(raw: RawTable, mapping: Wave) -> dict[str, pd.Series]:
    """Cells of each respondent field, named by column; seconds also where the tool names them."""
    sources = {name: column.source for name, column in mapping.columns.items()}
    sources["seconds"] = sources.get("duration", raw.duration)
    return {
        name: stripped(raw, sources[name])
        for name in ("respondent", "unit", "role", "province", "seconds")
        if sources.get(name) in raw.cells
    }


def stripped(raw: RawTable, column: str) -> pd.Series:
    """Cells of a column without spaces around them, only the texts that occur as categories."""
    cells = raw.cells[column].cat.remove_unused_categories()
    return change_texts(cells, str.strip).rename(column)


def find_meanings(raw: RawTable, given: pd.Series, column: Column) -> pd.DataFrame:
    """Tell what the texts of a column mean that is no item, before any list of names is asked.

    Returns
    -------
    DataFrame, n distinct texts × 4
        Index: the texts; `said` (what `map` makes of it, else the text), `label` (the file's own,
        without its code; ``""`` where `map` decides), `reason` and `why` it names nothing.
    """
    name = str(given.name)
    labels = {code.strip(): label for code, label in raw.labels.get(name, {}).items()}
    recode = {normalise(old): new for old, new in column.map.items()}
    rows = []
    for text in given.cat.categories:
        label = labels.get(text, "")
        ways = (normalise(text), plain_number(text), normalise(label))
        new = next((recode[way] for way in ways if way and way in recode), None)
        label = CODE_IN_LABEL.sub("", label) if new is None else ""
        reason, rule = missing_reason(label) if label else None, f"labelled {label!r} in the file"
        if new is not None:
            reason, rule = missing_reason(new), "recoded in wave.yaml"
        elif not reason and declared_missing(text, raw.missing.get(name, [])):
            reason, rule = BLANK, "declared missing in the file"
        rows.append((text if new is None else new, label, reason or "", rule if reason else ""))
    index = pd.Index(given.cat.categories, name="text")
    return pd.DataFrame(rows, index, ["said", "label", "reason", "why"], dtype="str")


def _by_row(rows: pd.Index) -> "pd.Series[str]":
    """Names for respondents without one."""
    return pd.Series([f"row {row}" for row in rows], rows, dtype="str")


def _without_missing(raw: RawTable, given: pd.Series) -> pd.Series:
    """Empty the cells that the file declares missing."""
    meanings = find_meanings(raw, given, Column(source=str(given.name)))
    gone = set(meanings.index[meanings["reason"] != ""])
    return change_texts(given, lambda text: "" if text in gone else text) if gone else given


def _names(raw: RawTable, given: pd.Series) -> Understood:
    """Names as they stand, each on one line; e-mail addresses are not copied."""
    column, given = str(given.name), _without_missing(raw, given)
    given = change_texts(given, on_one_line)
    double = given[given.duplicated(keep=False) & (given != "")].astype("str")
    problem = "this respondent stands here more than once"
    remedy = "Delete the rows that should not count"
    if len(double) == len(given):
        remedy = "If each row holds one answer, bring all of a respondent into one row (SPSS: "
        remedy += "CASESTOVARS; R: pivot_wider); else map a column that tells respondents apart"
    found, once = [], "each respondent once"
    for name, same in double.groupby(double):
        shown = "an e-mail address" if EMAIL.fullmatch(str(name)) else str(name)
        place = (column, problem, same.index, shown)
        found.append(raw.problem(*place, allowed=once, remedy=remedy))
    texts = given.cat.categories.tolist()
    private = [text for text in texts if "@" in text and EMAIL.fullmatch(text)]
    if n := int(given.isin(private).sum()):
        problem = "respondents are named by e-mail address, which is not copied"
        found.append(raw.problem(column, problem, n=n, done=FIXED, rule="named by row"))
    names, nameless = given.astype("str"), given.isin(["", *private])
    return names.where(~nameless, _by_row(given.index)) if nameless.any() else names, found


def _roles(raw: RawTable, given: pd.Series, column: Column, study: Study) -> Understood:
    """Codes of study.yaml, ``""`` where there is none."""
    known = codes_by_label(study.roles) | {normalise(code): code for code in study.roles}
    known |= {plain_number(code): code for code in study.roles}

    def find(text: str) -> str:
        return known.get(normalise(text)) or known.get(plain_number(text), "")

    remedy = "Add the role to study.yaml, or a `map` under columns.role in wave.yaml"
    return _listed(raw, given, column, find, ("role", ", ".join(study.roles), remedy))


def _read_provinces(
    raw: RawTable, given: pd.Series, column: Column, register: Register
) -> Understood:
    """Provinces as the register names them, ``""`` where there is none."""

    def find(text: str) -> str:
        return find_provinces([text], register)[0]

    names = register.units.get("province", pd.Series(dtype="str")).dropna().unique()
    remedy = "Correct it, or add a `map` under columns.province in wave.yaml"
    return _listed(raw, given, column, find, ("province", ", ".join(sorted(names)), remedy))


def _listed(
    raw: RawTable,
    given: pd.Series,
    column: Column,
    find: Callable[[str], str],
    kind: tuple[str, str, str],
) -> Understood:
    """Code of a short list for each cell, ``""`` where there is none; labels decide.

    `kind` is what the list holds, what it allows, and what to do about another text.
    """
    name, (what, allowed, remedy) = str(given.name), kind
    meanings, found, codes = find_meanings(raw, given, column), [], {}
    for text, said, label, reason, why in meanings.itertuples():
        rows = given.index[given == text]
        by_text, by_label = find(said), find(label)
        codes[text] = "" if reason else by_label or by_text
        if not len(rows) or not text:
            continue
        if reason or (not codes[text] and missing_reason(said)):
            problem = f"is no {what}; these respondents count without one"
            rule = why or "word for no answer"
            found.append(raw.problem(name, problem, rows, text, done=FIXED, rule=rule))
        elif by_text and by_label and by_text != by_label:
            problem = f"is the {what} {by_text}, but the file labels it {label!r}"
            advice = f"Say which is meant by a `map` under columns.{what} in wave.yaml"
            found.append(raw.problem(name, problem, rows, text, remedy=advice))
        elif not codes[text]:
            place = (name, f"is no {what}", rows, text)
            found.append(raw.problem(*place, allowed=allowed, remedy=remedy))
    return change_texts(given, lambda text: codes[text]).astype("str"), found


def _seconds(raw: RawTable, given: pd.Series) -> tuple["pd.Series[float]", list[Problem]]:
    """How long each respondent took; missing where that is no number."""
    given = _without_missing(raw, given)
    texts = given.cat.categories.to_series()
    numbers = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce")
    seconds = pd.Series(numbers.to_numpy()[given.cat.codes], given.index)
    wrong = given[seconds.isna() & (given != "")]
    if wrong.empty:
        return seconds, []
    problem = "is no number of seconds; this respondent is not judged by speed"
    shown = ", ".join(wrong.astype("str").unique()[:5])
    return seconds, [raw.problem(str(given.name), problem, wrong.index, shown, done=KEPT)]


def read_units(
    raw: RawTable,
    given: pd.Series,
    column: Column,
    register: Register,
    day: str,
    province: "pd.Series[str] | None" = None,
    *,
    suggest: bool = True,
    last: datetime.date | None = None,
) -> Understood:
    """Read the unit of each row: its code on a day, ``""`` where there is none.

    Parameters
    ----------
    raw : RawTable
    given : Series of category
        The cells, named by their column.
    column : Column
        How the wave maps them.
    register : Register
    day : str
        The day whose division of the population holds.
    province : Series, optional
        The register's name of each row's province.
    suggest : bool
        Whether the nearest units are looked up for what is none.
    last : date, optional
        The last day of fieldwork, by which a unit may have begun to exist.
    """
    name = str(given.name)
    given = given.cat.remove_unused_categories()
    places = pd.Series("", given.index) if province is None else province
    pairs = pd.DataFrame({"text": given.astype("str"), "place": places})
    number = pairs.groupby(["text", "place"], sort=False).ngroup()
    pairs = pairs.drop_duplicates(ignore_index=True)
    if len(pairs) > MOST_SPELLINGS * len(register.units):
        problem = f"holds {len(pairs)} different texts: too many to name units"
        remedy = "Correct columns.unit in wave.yaml"
        return given.astype("str"), [raw.problem(name, problem, remedy=remedy)]
    meanings = find_meanings(raw, given, column).loc[pairs["text"]].reset_index(drop=True)
    table = pairs.join(meanings)
    by_said, by_label = (
        _found(table[name], table["place"], register, day, suggest=suggest)
        for name in ("said", "label")
    )
    by_text = by_said
    if not table["text"].equals(table["said"]):
        by_text = _found(table["text"], table["place"], register, day, suggest=False)
    decided = _decide(table, by_said, by_label, register, day)
    decided["now"] = decided["now"].where(decided["reason"] == "", "")
    better = _day_for_all(decided, register, day, last or pd.Timestamp(day))
    problems = [*_doubt_units(raw, name, decided, number, better)]
    problems += _doubt_numbers(raw, name, decided, by_text, register, day)
    problems += _doubt_provinces(raw, name, decided, register)
    problems += _vintages(raw, name, decided, register)
    return number.map(decided["now"]).astype("str"), problems


def _found(
    texts: pd.Series, places: pd.Series, register: Register, day: str, *, suggest: bool
) -> pd.DataFrame:
    """Find units as `identify` does; `now` is what each is on the day, ``""`` when nothing."""
    units = identify(texts, register, day, places, suggest=suggest)
    return units.assign(now=_in_force(units, day, register)).fillna("")


def _in_force(found: pd.DataFrame, day: str, register: Register) -> "pd.Series[str]":
    """Carry units that had merged before a day to the units they became."""
    former = found["unit"].where(found["rule"].str.startswith("former"))
    if former.isna().all():
        return found["unit"]
    crosswalk = harmonise(sorted(former.dropna().unique()), day, day, register)
    heirs = assign_heirs(crosswalk).set_index("from_unit")["to_unit"]
    return found["unit"].where(former.isna(), former.map(heirs))


def _decide(
    table: pd.DataFrame, by_text: pd.DataFrame, by_label: pd.DataFrame, register: Register, day: str
) -> pd.DataFrame:
    """Choose between text and label; columns of `table` and of what was found are set together.

    Labels of a file decide as soon as one names a unit. The codes hold where one of them names the
    unit of its label; then a label that names none is told, and one that names another is refused.
    """
    labelled, known = table["label"] != "", by_text["unit"] != ""
    names_unit = labelled & (by_label["unit"] != "")
    same = names_unit & known & (by_text["now"] == by_label["now"])
    if not names_unit.any():
        return table.join(by_text)
    numbers = _bare_numbers(table["text"])
    of_a_list = numbers.notna() & (numbers <= _n_units(register, day)) & (not same.any())
    clash = names_unit & known & ~same & ~of_a_list
    as_it_stands = ~labelled & (table["reason"] == "") & (table["said"] == table["text"])
    nameless = of_a_list & known & as_it_stands
    chosen = labelled & ~same & (names_unit | (not same.any()) | ~known)
    found = by_label.where(chosen, by_text)
    former = found["rule"].str.startswith("former")
    rule = former.map({True: f"former {LABEL}", False: LABEL}).where(found["unit"] != "", "")
    found["rule"] = rule.where(chosen, found["rule"])
    told = "is the code of " + by_text["unit"] + ", but the file labels it " + table["label"]
    found["problem"] = found["problem"].mask(clash, told)
    untold = "has no label in the file, where the other numbers have names of units"
    found["problem"] = found["problem"].mask(nameless, untold)
    found.loc[clash | nameless, ["unit", "now", "suggestions"]] = ""
    found.loc[clash | nameless, "rule"] = LABEL
    return table.join(found)


def may_be_a_list(meanings: pd.DataFrame, register: Register, day: str) -> bool:
    """Whether no label tells what the texts of a column are, and all may number a list of units.

    Parameters
    ----------
    meanings : DataFrame
        As `find_meanings` gives it.
    """
    open_ones = meanings[(meanings["reason"] == "") & (meanings.index != "")]
    numbers = _bare_numbers(open_ones.index.to_series())
    return not open_ones["label"].any() and bool((numbers <= _n_units(register, day)).all())


def _bare_numbers(texts: "pd.Series[str]") -> "pd.Series[float]":
    """Numbers that may be those of a list; missing for any other text."""
    bare = texts.where(texts.map(lambda text: bool(BARE.fullmatch(text))))
    return pd.to_numeric(bare.str.replace(r"[.,]0+$", "", regex=True))


def _n_units(register: Register, day: str) -> int:
    return int(register.in_force(pd.Timestamp(day))["unit"].nunique())


def _day_for_all(found: pd.DataFrame, register: Register, day: str, last: datetime.date) -> str:
    """Day within the fieldwork on which all units exist or have an heir, ``""`` without such a day.

    Only where one of them begins later than the day whose units count.
    """
    units = found["unit"][found["unit"] != ""].unique()
    begin = lifespans(register.units)[0].reindex(units).max()
    if not pd.Timestamp(day) < begin <= pd.Timestamp(last):
        return ""
    heirs = assign_heirs(harmonise(units, begin, begin, register))["to_unit"]
    return "" if heirs.isna().any() else f"{begin:%Y-%m-%d}"


def _doubt_units(
    raw: RawTable, column: str, found: pd.DataFrame, number: "pd.Series[int]", better: str
) -> Iterator[Problem]:
    """Tell of texts without unit one by one; of those that were not plain, rule by rule."""
    lost = found["now"] == ""
    for row in found[lost].itertuples():
        rows, text, problem = number.index[number == row.Index], str(row.text), str(row.problem)
        if row.reason or not text or problem == "is missing":
            names = "respondent names no unit and is", "respondents name no unit and are"
            problem = f"{counted(len(rows), *names)} left out"
            yield raw.problem(column, problem, rows, text, done=KEPT, rule=str(row.why))
            continue
        remedy = remedy_for(problem)
        if row.unit and better:
            remedy = f"Write `units_on: {better}` under `fieldwork` in wave.yaml: on that day all "
            remedy += "answers name units, or what became of them"
        problem = problem or "is no unit of the register"
        allowed, place = allowed_units(problem, row.suggestions), (column, problem, rows, text)
        yield raw.problem(*place, allowed=allowed, remedy=remedy, rule=row.rule)
    plain = found["rule"].isin([CODE, NAME]) & (found["problem"] == "")
    others = found[~plain & ~lost]
    for (rule, doubt), alike in others.groupby(["rule", "problem"], sort=False):
        read = alike["text"] + " as " + alike["now"]
        shown = ", ".join(read.head(10)) + (" …" if len(read) > 10 else "")
        rows = number.index[number.isin(alike.index)]
        told, done = (doubt, KEPT) if doubt else (f"read by {rule}", FIXED)
        yield raw.problem(column, told, rows, shown, done=done, rule=rule)


def _doubt_numbers(
    raw: RawTable,
    column: str,
    found: pd.DataFrame,
    by_text: pd.DataFrame,
    register: Register,
    day: str,
) -> list[Problem]:
    """Doubt a column of bare numbers of which one is no code: the others may be none either.

    Once all that are no code are mapped, it stops a run only where the numbers could be those of a
    list of all units.
    """
    given = (found["text"] != "") & (found["reason"] == "") & (by_text["problem"] != "is missing")
    given &= ~found["rule"].str.endswith(LABEL)
    numbers = _bare_numbers(found["text"][given])
    unknown = given & (by_text["unit"] == "")
    mapped = found["said"] != found["text"]
    others = found[given & ~unknown & ~mapped & (found["now"] != "")]
    if numbers.isna().any() or not unknown.any() or others.empty:
        return []
    stops = (unknown & ~mapped).any() or numbers.max() <= _n_units(register, day)
    shown = ", ".join(others["text"].head(10) + " as " + others["now"].head(10))
    problem = f"{int(unknown.sum())} numbers of this column are no codes, so these may only happen "
    problem += "to be: the numbers may be those of a list"
    remedy = "If they are, map every number under columns.unit in wave.yaml"
    shown, done = shown + " …" * (len(others) > 10), REJECTED if stops else KEPT
    return [raw.problem(column, problem, (), shown, remedy=remedy, done=done, rule=NUMBERS)]


def _doubt_provinces(
    raw: RawTable, column: str, found: pd.DataFrame, register: Register
) -> list[Problem]:
    """Warn of units that never lay in the province that stands beside them."""
    odd = found[(found["place"] != "") & (found["unit"] != "") & (found["reason"] == "")]
    if odd.empty:
        return []
    where = register.units.groupby("unit")["province"].agg(set)
    places = zip(odd["unit"], odd["place"], strict=True)
    odd = odd[[place not in where[unit] for unit, place in places]]
    if odd.empty:
        return []
    shown = ", ".join((odd["text"] + " in " + odd["place"]).head(5))
    problem = counted(len(odd), "unit does", "units do")
    problem += " not lie in the province that the file gives"
    place, remedy = (column, problem, (), shown, "", len(odd)), "Look which of the two is meant"
    return [raw.problem(*place, remedy=remedy, done=KEPT)]


def _doubt_by_names(
    raw: RawTable, mapping: Wave, units: "pd.Series[str]", register: Register
) -> Iterator[Problem]:
    """Warn of rows in which a column that is not mapped names another unit than they count for."""
    day, most = str(mapping.fieldwork.day), MOST_SPELLINGS * len(register.units)
    for column in raw.cells.columns.difference([c.source for c in mapping.columns.values()]):
        given = stripped(raw, column)
        wordy = pd.Series([text for text in given.cat.categories if WORD.search(text)])
        if not ALIKE * len(given.cat.categories) <= len(wordy) <= most or len(wordy) < 2:
            continue
        if identify(wordy[:20], register, day, suggest=False)["unit"].notna().mean() < ALIKE:
            continue
        named = read_units(raw, given, Column(source=column), register, day, suggest=False)[0]
        both = (named != "") & (units != "")
        odd = named.index[both & (named != units)]
        if 0 < len(odd) < 0.5 * both.sum():
            shown = "; ".join(f"{given[row]} beside {units[row]}" for row in odd[:5])
            problem = "names another unit than these rows count for"
            twice = units[odd][units[odd].map(units.value_counts()) > 1]
            if len(twice) and units[units != ""].nunique() > 0.9 * both.sum():
                problem += f"; {twice.iloc[0]} stands in more than one row, where others have one"
            remedy = "Look which of the two is meant, and correct the other"
            yield raw.problem(column, problem, odd, shown, remedy=remedy, done=KEPT)


def _vintages(raw: RawTable, column: str, found: pd.DataFrame, register: Register) -> list[Problem]:
    """Warn when no day exists on which all units were in force."""
    if not found["rule"].str.startswith("former").any():
        return []
    units = found["unit"].loc[lambda units: units != ""].unique()
    odd = detect_vintage(units, register).best["not_fitting"].iloc[-1]
    problem = "units of different years stand beside each other"
    remedy = "Check that this is what respondents meant; each was carried to its successor"
    return [raw.problem(column, problem, (), odd, remedy=remedy, done=KEPT)] if odd else []
