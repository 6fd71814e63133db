"""Units: which municipality (or other unit) an answer, or a row of a list, belongs to.

Surveys name municipalities by code, with or without its zeros, by name, former name or habit.
`identify` brings all of these to the register's code by exact rules after equalising spelling
(case, accents, apostrophes, hyphens, spaces). It never guesses: what fits nothing, or two units,
gets no code but the three that are most alike as a suggestion.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from cycle_analysis.problems import Problem, refuse_any
from cycle_analysis.readers.raw_table import as_text
from cycle_analysis.study import Study
from cycle_analysis.study.files import missing_reason
from cycle_analysis.study.text_files import read_table
from cycle_analysis.units import Day, Register, provinces, study_register

CODE, OTHER_SHAPE = "code", "code in another shape"
NAME, SPELLING, ALIAS = "name", "name in another spelling", "alias"
BY_PROVINCE = "name and province"
BY_BOTH = "code and name"
UNKNOWN = "is not in the register"
ROUNDED = "is a number that a spreadsheet has rounded, of which digits are lost"
MOST_COMPARED, MOST_TRIED = 10_000_000, 1500
"""Values times names of units that are compared for suggestions, 75 values for 66,000 units, and
names that are tried in full for each value: those with the most letters in common."""
ALIKE = 0.4
"""Likeness of two names, 0-1, under which it no longer matters how unlike they are."""
_CODE = re.compile(r"([A-Za-z]*?)0*(\d+)(?:[.,]0{1,2})?", re.ASCII)
_NUMBERED = re.compile(r"([A-Z]*)(\d+)", re.ASCII)
_KIND = re.compile(r"^(?:gem|stad|city of) | (?:gem|stad|city)$")
_AND = re.compile(r"&|\b(?:and|und|et)\b")
_WHOLE = {"a/d": "aan den", "ad": "aan den", "aan/de": "aan den", "v": "van"}
_ABBREVIATED = re.compile(r"\b(?:a[/ ]d|ad|aan de|v)\b")
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.ASCII)
_MARKS = " -–—:;,/|"
"""What stands between a code and a name."""
_WITH_PROVINCE = re.compile(r"(.+?)\s*\(([^()]+)\)")
_PROVINCE = re.compile(r"^(?:provincie|province of|prov) | (?:provincie|province|prov)$")


def identify(
    values: pd.Series,
    register: Register,
    date: Day,
    province: pd.Series | None = None,
    *,
    suggest: bool = True,
) -> pd.DataFrame:
    """Find the register's code for each value.

    Parameters
    ----------
    values : Series
        Codes, names, or aliases, as they stand in the file; numbers are read as codes.
    register : Register
    date : str or Timestamp
        The day of the fieldwork: of two units with one name, the one in force then is meant.
    province : Series, optional
        Province of each value, on the same index; tells apart units with one name.
    suggest : bool
        Whether the nearest units are looked up for a value without code, which takes some
        milliseconds each, and stops at `MOST_COMPARED`: not where values are tried that may be
        something else altogether.

    Returns
    -------
    DataFrame, on the index of `values`
        unit : code, missing when none fits or more than one does.
        rule : how it was found: code, code in another shape, name, name in another spelling,
            alias, name and province, code and name of one unit; with "former" before it when not in
            force on the day.
        problem : what is wrong, empty when nothing is. A code that was found but is not in force on
            the day has a problem too; `harmonise` maps it.
        suggestions : for a value without code, the three most alike, or those it could mean.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> values = pd.Series(["363", "den haag", "Bergen", "Amstredam"])
    >>> found = identify(values, load_register(), "2022-03-01")
    >>> found["unit"].tolist()
    ['GM0363', 'GM0518', nan, nan]
    >>> found["rule"].tolist()
    ['code in another shape', 'alias', '', '']
    >>> found.loc[3, "suggestions"]
    'Amsterdam (GM0363), Schiedam (GM0606), Alblasserdam (GM0482)'
    """
    numbers, distinct = pd.factorize(values.astype("object"), use_na_sentinel=False)
    texts = np.array([_text(value) for value in distinct], dtype="object")[numbers]
    places = [""] * len(values) if province is None else province.fillna("").astype(str).array
    pairs = pd.DataFrame({"text": texts, "place": places})
    number = pairs.groupby(["text", "place"], sort=False).ngroup()
    finder, pairs = _finder(register, pd.Timestamp(date)), pairs.drop_duplicates(ignore_index=True)
    rows = [finder.find(*pair) for pair in pairs.itertuples(index=False)]
    found = pd.DataFrame(rows, columns=["unit", "rule", "problem", "suggestions"]).astype("str")
    most = MOST_COMPARED // len(finder.keys) if suggest and finder.keys else 0
    unknown = found.index[found["problem"] == UNKNOWN][:most]
    found.loc[unknown, "suggestions"] = [finder.nearest(text) for text in pairs["text"][unknown]]
    return found.iloc[number].set_index(values.index)


@lru_cache(maxsize=8)
def _finder(register: Register, day: pd.Timestamp) -> "_Finder":
    return _Finder(register, day)


class _Finder:
    """Finds units by what a register offers on one day."""

    def __init__(self, register: Register, day: pd.Timestamp):
        self.register, self.day = register, day
        self.current = set(register.on(day).index)
        self.names: dict[str, list[str]] = {}
        for unit, name in register.units[["unit", "name"]].itertuples(index=False):
            self.names.setdefault(unit, []).append(name)
        self.keys: dict[str, dict[str, str]] = {}
        aliases, names = register.aliases[["alias", "unit"]], register.units[["name", "unit"]]
        for table, rule in ((names, SPELLING), (aliases, ALIAS)):
            for name, unit in table.itertuples(index=False):
                self.keys.setdefault(_key(name), {})[unit] = rule
        self.squeezed: dict[str, dict[str, str]] = {}
        for key, units in self.keys.items():
            self.squeezed.setdefault(key.replace(" ", ""), {}).update(
                dict.fromkeys(units, SPELLING)
            )
        self.numbered = _numbers(self.names)
        self.told: dict[str, str] = {}  # of units that are not in force
        self.provinces = _provinces(register)

    def find(self, text: str, place: str) -> tuple[str | None, str, str, str]:
        """Find unit, rule, problem and suggestions."""
        unit, rule, candidates = self.unit(text, place)
        if unit in self.current:
            return unit, rule, "", ""
        if unit is not None:
            if unit not in self.told:
                self.told[unit] = self._out_of_force(unit)
            return unit, f"former {rule}", self.told[unit], ""
        if candidates:
            number = {2: "two"}.get(len(candidates), str(len(candidates)))
            return None, "", f"is the name of {number} units", self._listed(candidates)
        if missing_reason(text):
            return None, "", "is missing", ""
        return None, "", ROUNDED if _ROUNDED.fullmatch(text) else UNKNOWN, ""

    def unit(self, text: str, place: str = "") -> tuple[str | None, str, list[str]]:
        """Find unit, rule, and the units that the text could mean when it is more than one."""
        if text in self.names:
            return text, CODE, []
        if missing_reason(text):
            return None, "", []
        if unit := self._coded(text):
            return unit, OTHER_SHAPE, []
        candidates = self._named(_key(text))
        if not candidates and (told := _WITH_PROVINCE.fullmatch(text)):
            unit = self._in_province(self._named(_key(told[1])), told[2])
            if unit:
                return unit, BY_PROVINCE, []
        if not candidates and (unit := self._coded_and_named(text)):
            return unit, BY_BOTH, []
        exact = [unit for unit in candidates if text in self.names[unit]]
        units = exact or list(candidates)
        units = [unit for unit in units if unit in self.current] or units
        if len(units) == 1:
            return units[0], NAME if exact else candidates[units[0]], []
        unit = self._in_province(units, place)
        return (unit, BY_PROVINCE, []) if unit else (None, "", units)

    def _coded(self, text: str) -> str | None:
        """Find the unit of a code, in any shape."""
        part = _CODE.fullmatch(text.replace(" ", ""))
        found = self.numbered.get((part[1].upper(), part[2])) if part else None
        return found or next((code for code in (text, text.upper()) if code in self.names), None)

    def _coded_and_named(self, text: str) -> str | None:
        """Find the unit whose code and name stand beside each other, in either order."""
        (first, _, rest), (start, _, last) = text.partition(" "), text.rpartition(" ")
        for code, name in ((first, rest), (last, start)):
            unit = self._coded(code.strip(f"{_MARKS}()[]"))
            if unit and unit in self._named(_key(name.strip(_MARKS))):
                return unit
        return None

    def _in_province(self, units: Iterable[str], place: str) -> str | None:
        """Find the one of these units that lies in a province, if it is one."""
        rows, sought = self.register.units, self.provinces.get(_province_key(place))
        if not sought:
            return None
        there = set(rows.loc[rows["province"] == sought, "unit"])
        told = [unit for unit in units if unit in there]
        return told[0] if len(told) == 1 else None

    def _named(self, key: str) -> dict[str, str]:
        """Units of a name, as it is, without the kind of unit, or in other spaces; with rules."""
        plain = _KIND.sub("", key)
        known = self.keys.get(key) or dict.fromkeys(self.keys.get(plain, {}), SPELLING)
        return known or (self.squeezed.get(plain.replace(" ", ""), {}) if plain else {})

    def _out_of_force(self, unit: str) -> str:
        """Say since when a unit is no longer in force and where it went, or from when it is."""
        periods = self.register.units[self.register.units["unit"] == unit]
        said = f"is not in force on {self.day:%Y-%m-%d}"
        if (periods["valid_from"] > self.day).any():
            return f"{said}: begins {periods['valid_from'].min():%Y-%m-%d}"
        ended, events = periods["valid_until"].max(), self.register.events
        heirs = events.loc[(events["from_unit"] == unit) & (events["date"] == ended), "to_unit"]
        where = f", now {self._listed(heirs)}" if len(heirs) else ""
        return f"{said}: ended {ended:%Y-%m-%d}{where}"

    def nearest(self, text: str) -> str:
        """Tell the three units most alike by name, alias, or code; of equals, those in force.

        A text in the shape of a code is compared with codes only. One that begins a word is alike.
        """
        if self.numbered and (part := _CODE.fullmatch(text)):
            prefix = max(prefix for prefix, _ in self.numbered).casefold()
            sought = prefix + part[2].zfill(max(map(len, self.names)) - len(prefix))
            return self._listed(self._codes.nearest(sought, self.current))
        return self._listed(self._keys.nearest(_key(text)[:60], self.current))

    @cached_property
    def _codes(self) -> "_Spellings":
        return _Spellings([(unit.casefold(), unit) for unit in self.names])

    @cached_property
    def _keys(self) -> "_Spellings":
        named = [(key, unit) for key, units in self.keys.items() for unit in units]
        return _Spellings([*named, *self._codes.pool])

    def _listed(self, units: Iterable[str]) -> str:
        """Units with their last names, as ``Almere (GM0034), Almelo (GM0141)``."""
        return ", ".join(f"{self.names[unit][-1]} ({unit})" for unit in units)


class _Spellings:
    """Spellings of units, to find those most alike to a text."""

    def __init__(self, pool: list[tuple[str, str]]):
        self.pool = pool
        self.starts = np.cumsum([0, *(len(key) + 2 for key, _ in pool)])
        self.joined = "".join(f"\n {key}" for key, _ in pool)
        letters = sorted(set(self.joined))
        self.place = {letter: place for place, letter in enumerate(letters)}
        self.counts = np.zeros((len(pool), len(letters)), dtype=np.uint8)
        for row, (key, _) in enumerate(pool):
            for letter in key[:255]:
                self.counts[row, self.place[letter]] += 1
        self.lengths = np.array([len(key) for key, _ in pool])

    def nearest(self, sought: str, first: set[str]) -> list[str]:
        """Three units: by likeness, then those of `first`, then in order of the pool."""
        wanted = np.zeros(self.counts.shape[1], dtype=np.uint8)
        for letter in sought:
            if letter in self.place:
                wanted[self.place[letter]] += 1
        common = np.minimum(self.counts, wanted).sum(axis=1, dtype=np.int64)
        at_most = 2 * common / np.maximum(self.lengths + len(sought), 1)  # of the likeness
        tried = np.argsort(-at_most, kind="stable")[:MOST_TRIED]
        matcher = SequenceMatcher(None, "", sought, autojunk=False)
        alike = dict.fromkeys(self._begun_by(sought), 1.0)
        best: dict[str, float] = {}
        third = 0.0
        for row in tried[at_most[tried] > ALIKE].tolist():
            if at_most[row] < third:
                break
            matcher.set_seq1(self.pool[row][0])
            alike.setdefault(row, matcher.ratio())
            if alike[row] > third:
                unit = self.pool[row][1]
                best[unit] = max(best.get(unit, 0.0), alike[row])
                third = sorted(best.values())[-3] if len(best) > 2 else 0.0
        rows = sorted(alike, key=lambda row: (-alike[row], self.pool[row][1] not in first, row))
        return list(dict.fromkeys(self.pool[row][1] for row in rows))[:3]

    def _begun_by(self, sought: str) -> Iterator[int]:
        """Rows of which a word begins with the text, if it is long enough to tell."""
        place = self.joined.find(f" {sought}") if len(sought) >= 4 else -1
        while place >= 0:
            yield int(np.searchsorted(self.starts, place, side="right")) - 1
            place = self.joined.find(f" {sought}", place + 1)


def mostly_named(texts: pd.DataFrame, register: Register, date: str) -> bool:
    """Say whether more than half of the rows name a unit in a column: fast, as none is placed."""
    finder = _finder(register, pd.Timestamp(date))
    return bool(
        texts.map(lambda text: finder.unit(_text(text))[0]).notna().any(axis=1).mean() > 0.5
    )


def units_within(texts: Iterable[str], register: Register, day: str) -> dict[str, str]:
    """Find the one unit whose name stands, as whole words, within each text; else ``""``.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> told = ["Gemeente Almere (afd. Data)", "Best - team BI", "Almere en Best", "ergens"]
    >>> list(units_within(told, load_register(), "2022-03-01").values())
    ['GM0034', 'GM0753', '', '']
    """
    by_key, pattern = _names_on(register, pd.Timestamp(day))
    found = {text: {by_key[key] for key in pattern.findall(_key(text))} for text in texts}
    return {text: units.pop() if len(units) == 1 else "" for text, units in found.items()}


@lru_cache(maxsize=8)
def _names_on(register: Register, day: pd.Timestamp) -> tuple[dict[str, str], "re.Pattern[str]"]:
    """Units in force by name, and what finds these names as whole words, the longest first."""
    by_key = {
        _key(name): unit for name, unit in register.in_force(day)[["name", "unit"]].to_numpy()
    }
    words = sorted((re.escape(key) for key in by_key), key=len, reverse=True)
    return by_key, re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")


def allowed_units(problem: str, suggestions: str) -> str:
    """Tell the suggestions for a value as what is allowed: all that it could mean, or the nearest.

    Examples
    --------
    >>> allowed_units(UNKNOWN, "Almere (GM0034)")
    'units of the register, of which the nearest are Almere (GM0034)'
    """
    is_part = problem == UNKNOWN and suggestions
    return "units of the register, of which the nearest are " * bool(is_part) + suggestions


def remedy_for(problem: str) -> str:
    """Tell what to do about a value that names no unit.

    Examples
    --------
    >>> remedy_for(UNKNOWN).partition(", ")[2]
    'or to "" there if the row is no respondent'
    """
    if problem == ROUNDED:
        return "Export again, with this column as text"
    remedy = "Correct it with a `map` under columns.unit in wave.yaml"
    if problem == UNKNOWN:
        remedy += ', or to "" there if the row is no respondent'
    if "name of" in problem:
        remedy += ", or map the province as columns.province"
    return remedy


def invited_units(study: Study, wave: str, responded: Iterable[str]) -> list[str]:
    """List the units that were invited: those of the wave's list, else the whole population.

    Parameters
    ----------
    study, wave
        `invited` in wave.yaml names the list: a csv with a column `unit`, of codes or names.
    responded : iterable of str
        Units that answered; all of them must have been invited.

    Raises
    ------
    InputError
        With every row that is no unit in force on the first day of fieldwork, and every unit that
        answered without being on the list.
    """
    register, day = study_register(study), study.day(wave)
    file = study.wave(wave).invited
    if not file:
        return register.on(day).index.tolist()
    where = f"{wave}/{file}"
    rows = read_table(study.folder / wave / file, ["unit"])["unit"]
    found = identify(rows, register, day).assign(value=rows)
    remedy = "Correct the row; a merged unit is listed as what it was on that day"
    problems = [
        Problem(where, f"row {row.Index + 2}", row.value, row.problem, allowed, remedy)
        for row in found[found["problem"] != ""].itertuples()
        for allowed in [allowed_units(row.problem, row.suggestions)]
    ]
    if not problems:
        problem = "answered, but is not on the list"
        stray = sorted(set(responded) - set(found["unit"]))
        problems = [Problem(where, "column unit", code, problem, "", "Add it") for code in stray]
    refuse_any(problems)
    return found["unit"].drop_duplicates().tolist()


def find_provinces(texts: Iterable[str], register: Register) -> list[str]:
    """Find the register's name of each province, ``""`` where there is none.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> find_provinces(["NH", "PV27", "27", "prov. Friesland", "X"], load_register())
    ['Noord-Holland', 'Noord-Holland', 'Noord-Holland', 'Fryslân', '']
    """
    known = _provinces(register)
    return [known.get(_province_key(text), "") for text in texts]


def _provinces(register: Register) -> dict[str, str]:
    """The register's provinces by name, and by what else the Dutch ones are called."""
    if "province" not in register.units:
        return {}
    names = {_province_key(name): name for name in register.units["province"].dropna().unique()}
    others = {
        other: names[_province_key(province)]
        for province, aliases in provinces()["aliases"].items()
        if _province_key(str(province)) in names
        for other in aliases.split()
    }
    return others | names


def _province_key(text: str) -> str:
    """A province without spaces or the word itself; PV27 and 27.0 as 27."""
    part = _CODE.fullmatch(_text(text).replace(" ", ""))
    if part and part[1].upper() in ("", "PV"):
        return str(part[2])
    return _PROVINCE.sub("", _key(text)).replace(" ", "")


def _numbers(codes: Iterable[str]) -> dict[tuple[str, str], str]:
    """Units by prefix and number, with or without the prefix that all of them have.

    Of digits alone only those that nothing but zeros tells apart from another are not found.
    """
    parts = {code: part for code in codes if (part := _NUMBERED.fullmatch(code))}
    prefixes = {parts[code][1] if code in parts else None for code in codes}
    found: dict[tuple[str, str], list[str]] = {}
    for code, part in parts.items():
        for prefix in {"", part[1]} if len(prefixes) == 1 or not part[1] else ():
            found.setdefault((prefix, str(int(part[2]))), []).append(code)
    return {number: same[0] for number, same in found.items() if len(same) == 1}


def _text(value: Any) -> str:
    """One value as text: 363.0 is 363, missing is empty, invisible characters go."""
    text = "" if pd.isna(value) else unicodedata.normalize("NFKC", as_text(value))
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def _key(name: str) -> str:
    """Equalise spelling: no case, accents, apostrophes, hyphens, brackets; no abbreviations."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"['’‘`´]", "", plain)
    plain = re.sub(r"[^\w/]+|_", " ", _AND.sub(" en ", plain)).strip()
    plain = _ABBREVIATED.sub(lambda found: _WHOLE[found[0].replace(" ", "/")], plain)
    return re.sub(r"^gemeente | gemeente$|^municipality of | municipality$", "", plain)
