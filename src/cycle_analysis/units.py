"""Units: which municipality (or other unit) an answer belongs to.

Surveys name municipalities by code, with or without its zeros, by name, former name or habit.
`identify` brings all of these to the register's code by exact rules after equalising spelling
(case, accents, apostrophes, hyphens, spaces). It never guesses: what fits nothing, or two units,
gets no code but the nearest three by edit distance (Levenshtein 1966) as a suggestion.
"""

import re
import unicodedata

import numpy as np
import pandas as pd

from cycle_analysis.harmonisation import Vintage, detect_vintage, harmonise
from cycle_analysis.register import ATTRIBUTION, Register, load_register, read_register

__all__ = [
    "ATTRIBUTION",
    "Register",
    "Vintage",
    "detect_vintage",
    "harmonise",
    "identify",
    "load_register",
    "read_register",
]

CODE, PADDED_CODE = "code", "code in another shape"
NAME, SPELLING, ALIAS = "name", "name in another spelling", "alias"
BY_PROVINCE = "name and province"
_MISSING_WORDS = {"", "na", "n/a", "nan", "none", "null", "nvt", "n.v.t.", "-", "."}
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
            alias, name and province; with "former" when not in force on the day. Empty without code.
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
    >>> identify(values, load_register(), "2022-03-01")[["unit", "rule", "problem"]]
         unit                   rule                     problem
    0  GM0363  code in another shape
    1  GM0518                  alias
    2     NaN                         is the name of two units
    3     NaN                               is not in the register
    """
    texts = values.astype("object").map(_text).astype("str")
    places = pd.Series("", index=values.index) if province is None else province.fillna("")
    pairs = pd.DataFrame({"text": texts.to_numpy(), "place": places.astype("str").to_numpy()})
    distinct = pairs.drop_duplicates(ignore_index=True)
    found = _identify_distinct(distinct, register, pd.Timestamp(date))
    result = pairs.merge(found, on=["text", "place"], how="left", validate="m:1")
    return result.drop(columns=["text", "place"]).set_index(values.index)


def _identify_distinct(pairs: pd.DataFrame, register: Register, day: pd.Timestamp) -> pd.DataFrame:
    """`identify` on distinct pairs of text and province."""
    keys = _keys(register)
    current = set(register.on(day).index)
    numbered = _numbered_codes(register)
    rows = [_find(text, place, keys, numbered, current, register) for text, place in
            pairs.itertuples(index=False)]  # fmt: skip
    found = pairs.join(pd.DataFrame(rows, columns=["unit", "rule", "candidates"]))
    found["problem"] = [
        _problem(*row) for row in found[["text", "unit", "candidates"]].itertuples(index=False)
    ]
    outdated = found["unit"].notna() & ~found["unit"].isin(current)
    found.loc[outdated, "rule"] = "former " + found.loc[outdated, "rule"]
    found.loc[outdated, "problem"] = found.loc[outdated, "unit"].map(
        lambda unit: _out_of_force(unit, register, day)
    )
    unknown = (found["problem"] == _UNKNOWN).to_numpy()
    found["suggestions"] = found["candidates"].map(lambda units: _listed(units, register))
    found.loc[unknown, "suggestions"] = _nearest(found.loc[unknown, "text"], register, current)
    return found.drop(columns="candidates").astype({"unit": "str", "rule": "str"})


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
    """A name with its spelling equalised: no case, accents, apostrophes, hyphens, or brackets."""
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


def _find(
    text: str,
    place: str,
    keys: dict[str, dict[str, str]],
    numbered: dict[tuple[str, str], str],
    current: set[str],
    register: Register,
) -> tuple[str | None, str, list[str]]:
    """Unit, rule, and the units that the text could mean when it is more than one."""
    names = register.units.set_index("unit")["name"]
    if text in names.index:
        return text, CODE, []
    if text.casefold() in _MISSING_WORDS:
        return None, "", []
    if (part := _CODE.fullmatch(text.replace(" ", ""))) and (
        unit := numbered.get((part[1].upper(), part[2]))
    ):
        return unit, PADDED_CODE, []
    if text.upper() in names.index:
        return text.upper(), PADDED_CODE, []
    candidates = keys.get(_key(text), {})
    exact = [unit for unit in candidates if text in set(names.loc[[unit]])]
    units = exact or list(candidates)
    units = [unit for unit in units if unit in current] or units
    if len(units) > 1 and place and "province" in register.units:
        there = register.units.loc[register.units["province"].map(_key) == _key(place), "unit"]
        if len(told := [unit for unit in units if unit in set(there)]) == 1:
            return told[0], BY_PROVINCE, []
    if len(units) != 1:
        return None, "", units
    return units[0], NAME if exact else candidates[units[0]], []


def _problem(text: str, unit: object, candidates: list[str]) -> str:
    if pd.notna(unit):
        return ""
    if candidates:
        number = {2: "two"}.get(len(candidates), str(len(candidates)))
        return f"is the name of {number} units"
    return "is missing" if text.casefold() in _MISSING_WORDS else _UNKNOWN


def _out_of_force(unit: str, register: Register, day: pd.Timestamp) -> str:
    """Say since when a unit is no longer in force and where it went, or from when it is."""
    periods = register.units[register.units["unit"] == unit]
    if (periods["valid_from"] > day).any():
        return f"is not in force on {day:%Y-%m-%d}: begins {periods['valid_from'].min():%Y-%m-%d}"
    ended = periods["valid_until"].max()
    events = register.events
    heirs = events[(events["from_unit"] == unit) & (events["date"] == ended)]["to_unit"]
    where = f", now {_listed(heirs.tolist(), register)}" if len(heirs) else ""
    return f"is not in force on {day:%Y-%m-%d}: ended {ended:%Y-%m-%d}{where}"


def _listed(units: list[str], register: Register) -> str:
    """Units with their names, as ``Almere (GM0034), Almelo (GM0141)``."""
    names = register.units.drop_duplicates("unit", keep="last").set_index("unit")["name"]
    return ", ".join(f"{names[unit]} ({unit})" for unit in units)


def _nearest(texts: pd.Series, register: Register, current: set[str]) -> list[str]:
    """The three units nearest to each text by name, alias, or code; of equals, those in force."""
    names = [
        (_key(name), unit)
        for table in (register.units[["name", "unit"]], register.aliases[["alias", "unit"]])
        for name, unit in table.itertuples(index=False)
    ]
    names += [(unit.casefold(), unit) for unit in register.units["unit"]]
    keys = [key for key, _ in names]
    units = pd.Series([unit for _, unit in names])
    late = ~units.isin(current).to_numpy()
    suggestions = []
    for text in texts:
        distance = edit_distances(_key(text), keys) + 0.1 * late
        order = units.to_numpy()[np.argsort(distance, kind="stable")]
        suggestions.append(_listed(list(dict.fromkeys(order))[:3], register))
    return suggestions


def edit_distances(text: str, others: list[str]) -> np.ndarray:
    """Levenshtein distance from one text to each of the others; at most 1 when it begins one.

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
    [2.0, 4.0, 1.0]
    """
    width = max(map(len, others), default=0)
    codes = np.zeros((len(others), width), dtype=np.int32)
    for row, other in enumerate(others):
        codes[row, : len(other)] = [ord(character) for character in other]
    steps = np.arange(width + 1)
    costs = np.broadcast_to(steps, (len(others), width + 1)).astype(np.int32)
    for character in text[:60]:
        best = costs + 1
        best[:, 1:] = np.minimum(best[:, 1:], costs[:, :-1] + (codes != ord(character)))
        costs = np.minimum.accumulate(best - steps, axis=1) + steps
    distance = costs[np.arange(len(others)), [len(other) for other in others]].astype(float)
    begins = np.array([len(text) >= 4 and f" {text}" in f" {other}" for other in others], bool)
    return np.where(begins, np.minimum(distance, 1), distance)
