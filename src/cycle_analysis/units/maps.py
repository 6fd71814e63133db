"""Maps of units: areas of the user's own file of borders, or a tile for each municipality.

Borders come as GeoJSON (RFC 7946) or TopoJSON 1.0. The file must hold the units of the day whose
values are drawn: a map of another year would leave merged municipalities blank or draw dissolved
ones, so its codes are checked against the register first. Borders are taken as they are, in degrees
or in metres; nothing is projected.

On a map of areas Súdwest-Fryslân outweighs Rotterdam; on the tile map of the Netherlands every
municipality counts once. Its layout is our own, made by `tools/make_tiles.py`, grouped by province,
and the same every time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.path import Path as Outline

from cycle_analysis.problems import InputError, Problem, refuse, refuse_any
from cycle_analysis.study import Study
from cycle_analysis.units import FOLDER, Register, are_municipalities, provinces, study_register
from cycle_analysis.units.harmonisation import detect_vintage
from cycle_analysis.units.identification import identify
from cycle_analysis.whole_files import absent, check_plain

ENOUGH_CODES = 0.9
"""Share of the features in which a property must hold a code to count as the property of codes."""
HALF = 0.46
"""Half the side of a tile; the rest is the gap between tiles."""
LAST_ROW = 28
"""Last row of the layout of 2026."""
SPARE_COLUMNS = 21
"""Width of the rows below the map, for municipalities without a tile of their own."""
Line = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, eq=False)
class UnitMap:
    """Where units lie, and what belongs on the map beside them.

    Attributes
    ----------
    outlines : Series, index `unit`
        The area of each unit with all its parts and holes (matplotlib paths), north upwards.
    of_cbs : bool
        Whether the areas are municipalities, so that CBS must be named as their source.
    is_tiled : bool
        Whether every unit is a tile of the same size, with room for a text.
    lines : list of pair of points
        Borders of provinces, as (x, y) to (x, y); none where the borders of units show enough.
    places : DataFrame, index `name`
        Names of provinces: columns `x`, `y` and `side`, the alignment.
    """

    outlines: pd.Series
    of_cbs: bool
    is_tiled: bool = False
    lines: list[Line] = field(default_factory=list)
    places: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "side"]))


def read_map(path: str | Path, register: Register, date: str | pd.Timestamp) -> UnitMap:
    """Read the borders of all units that were in force on a day.

    Parameters
    ----------
    path : path
        GeoJSON with a FeatureCollection, or TopoJSON with one object. The property with the codes
        (`statcode`, `GM_CODE`, `gemeentecode` ...) is found by its content. Parts of one unit in
        several features are put together; features that CBS marks as water (`H2O`: JA) are left
        out.
    register : Register
    date : str or Timestamp
        Day of the values to be drawn.

    Returns
    -------
    UnitMap

    Raises
    ------
    InputError
        When the file is no such map, has no property of codes, an area without borders, or the
        units of another day: then it says of which.
    """
    name = Path(path).name
    features = [
        feature
        for feature in _features(path)
        if str(feature["properties"].get("H2O", "")).upper() != "JA"
    ]
    units = _codes(features, register, pd.Timestamp(date), name)
    outlines: dict[str, list[Outline]] = {}
    found = []
    for place, (unit, feature) in enumerate(zip(units, features, strict=True)):
        try:
            outlines.setdefault(unit, []).extend(_outlines(feature["geometry"]))
        except (TypeError, ValueError, KeyError, IndexError) as error:
            found.append(Problem(name, f"feature {place}", unit, f"has no usable area ({error})"))
    refuse_any(found)
    joined = {unit: Outline.make_compound_path(*parts) for unit, parts in outlines.items()}
    borders = pd.Series(joined, name="outline").rename_axis("unit").sort_index()
    return UnitMap(borders, of_cbs=are_municipalities(register.on(date)))


def tile_layout(register: Register, date: str | pd.Timestamp = "2026-01-01") -> pd.DataFrame:
    """Place every municipality of a day on the tile map.

    A municipality that the layout of 2026 does not have takes the tile of a predecessor or
    successor; those for which none is free stand in rows below the map.

    Parameters
    ----------
    register : Register
        Of municipalities; the bundled one or an extension of it.
    date : str or Timestamp

    Returns
    -------
    DataFrame, index `unit`
        name, province; row, column : whole numbers from the north-west, no two alike.

    Raises
    ------
    ValueError
        When the register has none of the municipalities of the layout.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> layout = tile_layout(load_register())
    >>> layout.shape, layout.duplicated(["row", "column"]).sum()
    ((342, 4), np.int64(0))
    """
    tiles = pd.read_csv(FOLDER / "tiles.csv", index_col="unit")
    there = register.on(date)
    if not there.index.isin(tiles.index).any() or "province" not in there:
        raise ValueError(
            "register: it has none of the Dutch municipalities that the tile map places. Draw "
            "another population with a map of its own: cycle_analysis.units.maps."
        )
    placed = there[["name", "province"]].join(tiles)
    events = register.transfers.sort_values("persons", ascending=False)
    for unit in placed.index[placed["row"].isna()]:
        before = events.loc[events["to_unit"] == unit, "from_unit"]
        after = events.loc[events["from_unit"] == unit, "to_unit"]
        relatives = pd.Index([*before, *after])
        taken = set(placed.dropna()[["row", "column"]].itertuples(index=False, name=None))
        theirs = tiles.loc[relatives[relatives.isin(tiles.index)]]
        free = [x for x in theirs.itertuples(index=False, name=None) if x not in taken]
        if free:
            placed.loc[unit, ["row", "column"]] = free[0]
    placed.update(_rows_below(placed.loc[placed["row"].isna(), "province"], LAST_ROW + 2))
    return placed.astype({"row": int, "column": int})


def tile_map(register: Register, date: str | pd.Timestamp) -> UnitMap:
    """Lay out the municipalities of a day as a map of tiles.

    Raises
    ------
    ValueError
        As `tile_layout`.

    Examples
    --------
    >>> from cycle_analysis.units import load_register
    >>> tiles = tile_map(load_register(), "2022-05-01")
    >>> len(tiles.outlines), tiles.places.index[0]
    (344, 'Groningen')
    """
    layout = tile_layout(register, date)
    corners = HALF * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    outlines = {
        unit: Outline(corners + np.array([column, -row]), closed=True)
        for unit, row, column in layout[["row", "column"]].itertuples()
    }
    tiles = pd.Series(outlines, name="outline").rename_axis("unit")
    lines, places = list(_province_borders(layout)), _province_names(layout)
    return UnitMap(tiles, of_cbs=True, is_tiled=True, lines=lines, places=places)


def study_tiles(study: Study, wave: str) -> UnitMap | None:
    """Lay out the municipalities of a wave as tiles; None when the units are none."""
    register, day = study_register(study), study.day(wave)
    return tile_map(register, day) if are_municipalities(register.on(day)) else None


def study_map(study: Study, wave: str) -> UnitMap | None:
    """Read the study's own map, checked against the units of the wave; without one, the tiles.

    Raises
    ------
    InputError
        When `units.map` in study.yaml names a file that is no map of these units on that day.
    """
    if study.units.map_file:
        file = study.folder / study.units.map_file
        return read_map(file, study_register(study), study.day(wave))
    return study_tiles(study, wave)


def count_respondents(units: pd.Series) -> pd.DataFrame:
    """Count the respondents of each unit that answered, and group the counts.

    Parameters
    ----------
    units : Series, n respondents
        Unit codes.

    Returns
    -------
    DataFrame, index `unit`
        n : respondents; group : an ordered category, 1, 2, 3-4 or 5+.

    Examples
    --------
    >>> count_respondents(pd.Series(["A", "A", "A", "B"]))["group"].tolist()
    ['3-4', '1']
    """
    n = units.value_counts().sort_index()
    groups = pd.cut(n, [0, 1, 2, 4, np.inf], labels=["1", "2", "3-4", "5+"])
    return pd.DataFrame({"n": n, "group": groups}).rename_axis("unit")


def _features(path: str | Path) -> list[dict[str, Any]]:
    """Features of a GeoJSON or TopoJSON file, each with properties and a geometry."""
    name = Path(path).name
    remedy = "Supply municipalities as GeoJSON, for instance from CBS or PDOK"
    try:
        check_plain(Path(path))
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        if content["type"] == "Topology":
            if len(content["objects"]) != 1:
                layers = (name, "objects", ", ".join(content["objects"]), "are its layers")
                raise refuse(*layers, "one layer", "Export the layer of the units alone")
            features = list(_topology_features(content))
        else:
            features = content["features"]
        kept = [{"properties": dict(x["properties"]), "geometry": x["geometry"]} for x in features]
    except InputError:
        raise
    except FileNotFoundError:
        raise absent(Path(path), "Put it there, or correct units.map in study.yaml") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        what = f"is no map ({type(error).__name__}: {error})"
        raise refuse(name, "file", "", what, "", remedy) from error
    if not kept:
        raise refuse(name, "file", "", "has no features", "", remedy)
    return kept


def _topology_features(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Unfold the arcs of a TopoJSON file: differences to positions, negative numbers backwards."""
    arcs = [np.array(arc, dtype=float)[:, :2] for arc in content["arcs"]]
    if by := content.get("transform"):
        arcs = [arc.cumsum(axis=0) * by["scale"] + by["translate"] for arc in arcs]

    def ring(numbers: list[int]) -> np.ndarray:
        pieces = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
        return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])

    (layer,) = content["objects"].values()
    for shape in layer["geometries"]:
        polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        coordinates = [[ring(numbers) for numbers in polygon] for polygon in polygons]
        geometry = {"type": "MultiPolygon", "coordinates": coordinates}
        yield {"properties": shape["properties"], "geometry": geometry}


def _codes(
    features: list[dict[str, Any]], register: Register, day: pd.Timestamp, name: str
) -> pd.Series:
    """Units of the features, from the property that holds most codes: all those of the day."""
    properties = pd.DataFrame([feature["properties"] for feature in features]).astype("object")
    units, share = pd.Series(dtype="str"), 0.0
    for column in properties:
        found = identify(properties[column].map(str), register, day)
        codes = found["unit"].where(found["rule"].str.contains("code"))
        if codes.notna().mean() > share:
            units, share = codes, codes.notna().mean()
    if share < ENOUGH_CODES:
        allowed = "a property as statcode or GM_CODE with the code of each unit"
        listed = ", ".join(map(str, properties.columns[:8]))
        raise refuse(name, "properties", listed, "none holds codes", allowed)
    what = "has a code that the register does not know"
    refuse_any(Problem(name, f"feature {row}", "", what) for row in units.index[units.isna()][:5])
    there = register.on(day).index
    absent, extra = there.difference(units), pd.Index(units.unique()).difference(there)
    if absent.empty and extra.empty:
        return units
    vintage = detect_vintage(units, register)
    whole = vintage.best[vintage.best["n_absent"] == 0]
    since = f"It is the map of {whole.index[-1]:%Y-%m-%d}" if len(whole) else str(vintage)[:-1]
    what = f"is not the map of {day:%Y-%m-%d}: it lacks {len(absent)} units"
    what += f" ({', '.join(absent[:5])}) and has {len(extra)} others ({', '.join(extra[:5])})"
    remedy = f"{since}. Take the map of the right year, or harmonise the values to the map's"
    raise refuse(name, "codes", "", what, "", remedy)


def _outlines(geometry: dict[str, Any]) -> Iterator[Outline]:
    """Polygons of a geometry, borders counter-clockwise and holes clockwise: holes stay empty."""
    if geometry is None or geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError("no Polygon or MultiPolygon")
    polygons = geometry["coordinates"]
    for rings in [polygons] if geometry["type"] == "Polygon" else polygons:
        parts = []
        for place, ring in enumerate(rings):
            corners = np.asarray(ring, dtype=float)[:, :2]
            if len(corners) < 4 or not np.isfinite(corners).all():
                raise ValueError("a ring needs four positions of finite numbers")
            x, y = corners.T
            counter_clockwise = (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0
            turned = counter_clockwise != (place == 0)
            parts.append(Outline(corners[::-1] if turned else corners, closed=True))
        yield Outline.make_compound_path(*parts)


def _rows_below(province_of: pd.Series, row: int) -> pd.DataFrame:
    """Places under the map for units without a tile: province by province, with a gap between."""
    cells: dict[str, tuple[int, int]] = {}
    column = 0
    for province in provinces().index:
        units = province_of.index[province_of == province]
        if column and column + len(units) > SPARE_COLUMNS:
            row, column = row + 2, 0
        cells |= {unit: (row, column + place) for place, unit in enumerate(units)}
        column += len(units) + 1 if len(units) else 0
    return pd.DataFrame.from_dict(cells, orient="index", columns=["row", "column"])


def _province_names(layout: pd.DataFrame) -> pd.DataFrame:
    """Names beside the provinces, and abbreviations under the tiles below the map."""
    known = provinces()
    there = known.loc[known.index.isin(layout["province"]), ["column", "row", "side"]]
    rows = list(there.itertuples(name=None))
    below = layout[layout["row"] > LAST_ROW].sort_values(["row", "column"])
    first = below.drop_duplicates(["row", "province"])[["province", "row", "column"]]
    rows += [
        (known.loc[province, "short"], column, row + 0.9, "center")
        for province, row, column in first.itertuples(index=False)
    ]
    places = pd.DataFrame(rows, columns=["name", "x", "y", "side"])
    return places.assign(y=-places["y"]).set_index("name")


def _province_borders(layout: pd.DataFrame) -> Iterator[Line]:
    """Lines wherever a tile has a neighbour of another province, or none."""
    province = layout.set_index(["row", "column"])["province"].to_dict()
    for (row, column), name in province.items():
        for side in (-0.5, 0.5):
            if province.get((row, column + 2 * side)) != name:
                yield ((column + side, -row - 0.5), (column + side, -row + 0.5))
            if province.get((row + 2 * side, column)) != name:
                yield ((column - 0.5, -row - side), (column + 0.5, -row - side))
