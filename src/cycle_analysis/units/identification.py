"""Units: which municipality (or other unit) an answer belongs to.

Surveys name municipalities by code, with or without its zeros, by name, former name or habit.
`identify` brings all of these to the register's code by exact rules after equalising spelling
(case, accents, apostrophes, hyphens, spaces). It never guesses: what fits nothing, or two units,
gets no code but the nearest three by edit distance (Levenshtein 1966) as a suggestion.
"""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cycle_analysis.units.harmonisation import Vintage, detect_vintage, harmonise
from cycle_analysis.units.register import Register, load_register, read_register
from cycle_analysis.words import missing_reason

__all__ = [
    "Register",
    "Vintage",
    "detect_vintage",
    "harmonise",
    "identify",
    "load_register",
    "read_register",
]

CODE, OTHER_SHAPE = "code", "code in another shape"
NAME, SPELLING, ALIAS = "name", "name in another spelling", "alias"
BY_PROVINCE = "name and province"
PROVINCE_ALIASES = {"friesland": "fryslan", "brabant": "noord brabant"}
"""Other names of provinces, both in equalised spelling."""
_CODE = re.compile(r"([A-Za-z]*?)0*(\d+)(?:\.0)?")
_NUMBERED = re.compile(r"([A-Z]+)(\d+)")


def identify(
    values: pd.Series,
    register: Register,
    date: str | pd.Timestamp,
    province: pd.Series | None = None,
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

    Returns
    -------
    DataFrame, on the index of `values`
        unit : code, missing when none fits or more than one does.
        rule : how it was found: code, code in another shape, name, name in another spelling,
            alias, name and province; with "former" before it when not in force on the day.
        problem : what is wrong, empty when nothing is. A code that was found but is not in force on
            the day has a problem too; `harmonise` maps it.
        suggestions : for a value without code, the nearest three, or those it could mean.

    References
    ----------
    Levenshtein, V. I. (1966). Binary codes capable of correcting deletions, insertions, and
    reversals. Soviet Physics Doklady, 10, 707-710.

    Examples
    --------
    >>> values = pd.Series(["363", "den haag", "Bergen", "Amstredam"])
    >>> found = identify(values, load_register(), "2022-03-01")
    >>> found["unit"].tolist()
    ['GM0363', 'GM0518', nan, nan]
    >>> found["rule"].tolist()
    ['code in another shape', 'alias', '', '']
    >>> found.loc[3, "suggestions"]
    'Amsterdam (GM0363), Castricum (GM0383), Rotterdam (GM0599)'
    """
    numbers, distinct = pd.factorize(values.astype("object"), use_na_sentinel=False)
    texts = pd.Series([_text(value) for value in distinct], dtype="str")
    places = pd.Series("", index=values.index) if province is None else province.fillna("")
    pairs = pd.DataFrame({"text": texts.to_numpy()[numbers], "place": places.to_numpy(dtype="str")})
    number = pairs.groupby(["text", "place"], sort=False).ngroup()
    found = _identify_distinct(pairs.drop_duplicates(), _Lookup.of(register, pd.Timestamp(date)))
    return found.iloc[number].set_index(values.index)


@dataclass(frozen=True, eq=False)
class _Lookup:
    """What the register offers to find a unit by, on one day."""

    register: Register
    day: pd.Timestamp
    current: set[str]
    names: dict[str, list[str]]
    keys: dict[str, dict[str, str]]
    numbered: dict[tuple[str, str], str]

    @classmethod
    def of(cls, register: Register, day: pd.Timestamp) -> "_Lookup":
        names = register.units.groupby("unit")["name"].agg(list).to_dict()
        keys, numbered = _keys(register), _numbered_codes(register)
        return cls(register, day, set(register.on(day).index), names, keys, numbered)

    def listed(self, units: list[str]) -> str:
        """Units with their last names, as ``Almere (GM0034), Almelo (GM0141)``."""
        return ", ".join(f"{self.names[unit][-1]} ({unit})" for unit in units)


def _identify_distinct(pairs: pd.DataFrame, lookup: _Lookup) -> pd.DataFrame:
    """`identify` on distinct pairs of text and province."""
    rows = [_find(text, place, lookup) for text, place in pairs.itertuples(index=False)]
    found = pd.DataFrame(rows, columns=["unit", "rule", "candidates"])
    found["text"] = pairs["text"].to_numpy()
    found["problem"] = [
        _problem(*row) for row in found[["text", "unit", "candidates"]].itertuples(index=False)
    ]
    outdated = found["unit"].notna() & ~found["unit"].isin(lookup.current)
    late = found.loc[outdated]
    found.loc[outdated, "rule"] = "former " + late["rule"]
    found.loc[outdated, "problem"] = [_out_of_force(unit, lookup) for unit in late["unit"]]
    found["suggestions"] = found["candidates"].map(lookup.listed)
    unknown = found["problem"] == _UNKNOWN
    found.loc[unknown, "suggestions"] = _nearest(found.loc[unknown, "text"], lookup)
    return found[["unit", "rule", "problem", "suggestions"]].astype("str")


_UNKNOWN = "is not in the register"


def _text(value: object) -> str:
    """One value as text: 363.0 is 363, missing is empty, invisible characters go."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = unicodedata.normalize("NFKC", str(value))
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def _key(name: str) -> str:
    """Equalise spelling: no case, accents, apostrophes, hyphens, or brackets."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"['’‘`´]", "", plain)
    plain = re.sub(r"[^\w/]+|_", " ", plain).strip()
    return re.sub(r"^gemeente | gemeente$|^municipality of | municipality$", "", plain)


def _keys(register: Register) -> dict[str, dict[str, str]]:
    """Every equalised code, name and alias: the units it can mean, and the rule that says so."""
    keys: dict[str, dict[str, str]] = {}
    pairs = (
        (register.aliases[["alias", "unit"]], ALIAS),
        (register.units[["name", "unit"]], SPELLING),
    )
    for table, rule in pairs:
        for name, unit in table.itertuples(index=False):
            keys.setdefault(_key(name), {})[unit] = rule
    return keys


def _numbered_codes(register: Register) -> dict[tuple[str, str], str]:
    """Codes of one prefix and a number, as GM0363: by prefix or none, and number without zeros."""
    parts = {unit: _NUMBERED.fullmatch(unit) for unit in register.units["unit"].unique()}
    if not all(parts.values()) or len({part[1] for part in parts.values() if part}) != 1:
        return {}
    return {
        (prefix, str(int(part[2]))): unit
        for unit, part in parts.items()
        if part
        for prefix in ("", part[1])
    }


def _find(text: str, place: str, lookup: _Lookup) -> tuple[str | None, str, list[str]]:
    """Find unit, rule, and the units that the text could mean when it is more than one."""
    if text in lookup.names:
        return text, CODE, []
    if missing_reason(text):
        return None, "", []
    part = _CODE.fullmatch(text.replace(" ", ""))
    if part and (unit := lookup.numbered.get((part[1].upper(), part[2]))):
        return unit, OTHER_SHAPE, []
    if text.upper() in lookup.names:
        return text.upper(), OTHER_SHAPE, []
    candidates = lookup.keys.get(_key(text), {})
    exact = [unit for unit in candidates if text in lookup.names[unit]]
    units = exact or list(candidates)
    units = [unit for unit in units if unit in lookup.current] or units
    told = _in_province(units, place, lookup.register.units) if len(units) > 1 else []
    if len(told) == 1:
        return told[0], BY_PROVINCE, []
    if len(units) != 1:
        return None, "", units
    return units[0], NAME if exact else candidates[units[0]], []


def _in_province(units: list[str], place: str, register: pd.DataFrame) -> list[str]:
    """Those of `units` that the register puts in this province; none when it knows no provinces."""
    if "province" not in register or not place:
        return []
    sought = PROVINCE_ALIASES.get(_key(place), _key(place))
    there = set(register.loc[register["province"].map(_key) == sought, "unit"])
    return [unit for unit in units if unit in there]


def _problem(text: str, unit: object, candidates: list[str]) -> str:
    if pd.notna(unit):
        return ""
    if candidates:
        number = {2: "two"}.get(len(candidates), str(len(candidates)))
        return f"is the name of {number} units"
    return "is missing" if missing_reason(text) else _UNKNOWN


def _out_of_force(unit: str, lookup: _Lookup) -> str:
    """Say since when a unit is no longer in force and where it went, or from when it is."""
    periods = lookup.register.units[lookup.register.units["unit"] == unit]
    said = f"is not in force on {lookup.day:%Y-%m-%d}"
    if (periods["valid_from"] > lookup.day).any():
        return f"{said}: begins {periods['valid_from'].min():%Y-%m-%d}"
    ended = periods["valid_until"].max()
    events = lookup.register.events
    heirs = events[(events["from_unit"] == unit) & (events["date"] == ended)]["to_unit"].tolist()
    where = f", now {lookup.listed(heirs)}" if heirs else ""
    return f"{said}: ended {ended:%Y-%m-%d}{where}"


def _nearest(texts: pd.Series, lookup: _Lookup) -> list[str]:
    """Find the three units nearest to each text by name, alias, or code; of equals, those in force.

    A text in the shape of a code is compared with codes only.
    """
    codes = [(unit.casefold(), unit) for unit in lookup.names]
    names = [(key, unit) for key, units in lookup.keys.items() for unit in units] + codes
    prefix = max((prefix for prefix, _ in lookup.numbered), default="").casefold()
    width = max(map(len, lookup.names)) - len(prefix)
    suggestions = []
    for text in texts:
        part = _CODE.fullmatch(text) if lookup.numbered else None
        sought, pool = (prefix + part[2].zfill(width), codes) if part else (_key(text), names)
        late = np.array([unit not in lookup.current for _, unit in pool])
        distance = edit_distances(sought, [key for key, _ in pool]) + 0.1 * late
        order = np.argsort(distance, kind="stable")
        nearest = list(dict.fromkeys(pool[place][1] for place in order))[:3]
        suggestions.append(lookup.listed(nearest))
    return suggestions


def edit_distances(text: str, others: list[str]) -> np.ndarray:
    """Levenshtein distance from one text to each of the others; at most 1 when it begins a word.

    The row of the dynamic programme is computed for all others at once; insertions, which run
    along the row, are a running minimum.

    Parameters
    ----------
    text : str
    others : list of n str

    Returns
    -------
    ndarray, n
        Number of insertions, deletions, and replacements.

    Examples
    --------
    >>> edit_distances("almeer", ["almere", "alphen", "almeerderhout"]).tolist()
    [2.0, 3.0, 1.0]
    """
    width = max(map(len, others), default=0)
    padded = "".join(other.ljust(width, "\0") for other in others).encode("utf-32-le")
    codes = np.frombuffer(padded, dtype=np.uint32).reshape(len(others), width)
    steps = np.arange(width + 1)
    costs: np.ndarray = np.tile(steps, (len(others), 1))
    for character in text[:60]:
        best = costs + 1
        best[:, 1:] = np.minimum(best[:, 1:], costs[:, :-1] + (codes != ord(character)))
        costs = np.minimum.accumulate(best - steps, axis=1) + steps
    distance = costs[np.arange(len(others)), [len(other) for other in others]].astype(float)
    if len(text) >= 4:
        begins = np.array([f" {text}" in f" {other}" for other in others], dtype=bool)
        distance = np.where(begins, np.minimum(distance, 1), distance)
    return distance
