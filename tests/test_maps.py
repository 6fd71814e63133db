import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from make_tiles import HERE, make_tiles, plan_tiles

from cycle_analysis import figures
from cycle_analysis.figures import Look
from cycle_analysis.figures.responses import (
    NO_VALUE,
    category_colours,
    plot_profile_map,
    plot_response_map,
)
from cycle_analysis.problems import InputError
from cycle_analysis.responses.coded import read_all_responses
from cycle_analysis.study import load_study
from cycle_analysis.units import load_register, read_register
from cycle_analysis.units.maps import (
    count_respondents,
    read_map,
    study_map,
    study_tiles,
    tile_layout,
    tile_map,
)
from cycle_analysis.units.register_years import extend

REGISTER = load_register()
DAY = "2026-01-01"
LAYOUT = tile_layout(REGISTER)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def square(row, column):
    """A unit's area: its tile, given clockwise, as some files do."""
    x, y = column, -row
    return [[x, y], [x, y + 1], [x + 1, y + 1], [x + 1, y], [x, y]]


def collection(layout, key="statcode", **more):
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": place, key: unit, **more},
                "geometry": {"type": "Polygon", "coordinates": [square(row, column)]},
            }
            for place, (unit, row, column) in enumerate(
                zip(layout.index, layout["row"], layout["column"], strict=True)
            )
        ],
    }


def saved(folder, content):
    path = folder / "map.geojson"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_plan_has_as_many_tiles_per_province_as_municipalities():
    provinces = REGISTER.on(DAY)["province"].value_counts()
    assert plan_tiles()["province"].value_counts().to_dict() == provinces.to_dict()


def test_every_municipality_has_one_tile_in_its_province():
    assert len(LAYOUT) == 342
    assert not LAYOUT.duplicated(["row", "column"]).any()
    tiles = plan_tiles().set_index(["row", "column"])["province"]
    assert (tiles.loc[list(zip(LAYOUT["row"], LAYOUT["column"], strict=True))].to_numpy()
            == LAYOUT["province"].to_numpy()).all()  # fmt: skip


def test_the_bundled_tiles_are_what_the_script_makes():
    places = pd.read_csv(HERE / "places.csv", index_col="unit")
    made = make_tiles(places, REGISTER)
    pd.testing.assert_frame_equal(made, pd.read_csv(HERE / "tiles.csv", index_col="unit"))


def test_neighbours_in_the_land_are_near_on_the_map():
    places = pd.read_csv(HERE / "places.csv", index_col="unit")
    for axis, place in (("row", -places["latitude"]), ("column", places["longitude"])):
        assert LAYOUT[axis].corr(place, method="spearman") > 0.9


@pytest.mark.parametrize("year", [2017, 2018, 2019, 2022])
def test_municipalities_of_an_earlier_year_find_a_tile_of_their_own(year):
    layout = tile_layout(REGISTER, f"{year}-01-01")
    assert len(layout) == len(REGISTER.on(f"{year}-01-01"))
    assert not layout.duplicated(["row", "column"]).any()


def test_a_new_municipality_takes_the_tile_of_its_largest_predecessor(tmp_path):
    units = REGISTER.on(DAY).drop(index=["GM0402", "GM1696"]).drop(columns="size_class")
    units.loc["GM2999"] = ["Nieuwstad", "Noord-Holland"]
    events = tmp_path / "e.csv"
    events.write_text("date,from_unit,to_unit,share,persons\n2027-01-01,GM1696,GM2999,1,25000\n"
                      "2027-01-01,GM0402,GM2999,1,93000\n")  # fmt: skip
    later = extend(REGISTER, units.assign(population=1), 2027, events)
    layout = tile_layout(later, "2027-01-01")
    place = ["row", "column"]
    assert layout.loc["GM2999", place].tolist() == LAYOUT.loc["GM0402", place].tolist()


def test_another_population_has_no_tile_map(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("unit,name\nNA,Namibia\n")
    with pytest.raises(ValueError, match="none of the Dutch municipalities"):
        tile_layout(read_register(path), DAY)


TILES = tile_map(REGISTER, DAY)
NAMES = {1: "Starters", 2: "Movers", 3: "Leaders"}
SOURCES = {
    "nl": "Bron: CBS, bewerkt (CC BY 4.0)",
    "en": "Source: Statistics Netherlands (CBS), adapted (CC BY 4.0)",
}


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def fills_of(ax):
    return pd.Series([plt.matplotlib.colors.to_hex(p.get_facecolor()) for p in ax.patches])


def grey(colour):
    """Luminance as a printer or an eye without colours sees it (ITU-R BT.601)."""
    return float(np.dot(plt.matplotlib.colors.to_rgb(colour), [0.299, 0.587, 0.114]))


def test_a_value_of_a_unit_not_on_the_map_asks_for_harmonising():
    with pytest.raises(ValueError, match=r"1 units are not on the map: \['GM0457'\]"):
        plot_profile_map(TILES, pd.Series({"GM0457": 1}), NAMES, Look("en"))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_tile_is_drawn_once_in_its_colour_with_legend_and_source(language):
    labels = pd.Series(1, index=LAYOUT.index[:100]).mask(LAYOUT.index[:100].str[-1] == "1", 2)
    ax = plot_profile_map(TILES, labels, NAMES, Look(language))
    expected = labels.map(category_colours(pd.Index([1, 2, 3]))).value_counts()
    assert len(ax.patches) == 342
    assert fills_of(ax).value_counts()[expected.index].to_dict() == expected.to_dict()
    assert (fills_of(ax) == "#ffffff").sum() == 242
    assert texts_of(ax).count("1") == (labels == 1).sum()
    assert SOURCES[language] in texts_of(ax)
    none = {"nl": "niet ingedeeld", "en": "not placed"}[language]
    assert legend_of(ax) == ["1 Starters", "2 Movers", "3 Leaders", none]


def test_every_province_has_its_name_and_its_border_on_the_tile_map():
    ax = plot_profile_map(TILES, pd.Series({"GM0363": 1}), NAMES, Look("nl"))
    assert set(LAYOUT["province"]) <= set(texts_of(ax))
    inner = {(x, y) for line in TILES.lines for x, y in line}
    assert (LAYOUT["column"].min() - 0.5, -LAYOUT["row"].max() + 0.5) not in inner
    assert len(TILES.lines) > 100


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_response_map_shows_how_many_answered_and_who_did_not(language):
    units = pd.Series(["GM0363"] * 7 + ["GM0034"] * 2 + ["GM0014"])
    ax = plot_response_map(TILES, count_respondents(units), Look(language))
    assert {"7", "2", "1"} <= set(texts_of(ax))
    assert legend_of(ax)[0] == "1 respondent"
    assert legend_of(ax)[-1] == {"nl": "geen antwoord", "en": "no answer"}[language]
    dotted = [patch for patch in ax.patches if patch.get_linestyle() in (":", "dotted")]
    assert len(dotted) == 339
    assert SOURCES[language] in texts_of(ax)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_in_grey_categories_differ_in_lightness_from_each_other_and_from_none(k):
    colours = list(category_colours(pd.Index(range(k))).values())
    assert (np.diff([grey(colour) for colour in colours]) < -0.08).all()
    assert grey(NO_VALUE) - grey(colours[0]) > 0.08


def test_a_number_is_readable_on_every_tile():
    for k in range(1, 7):
        for colour in category_colours(pd.Index(range(k))).values():
            assert abs(grey(colour) - grey(figures.ink_on(colour))) > 0.35


def test_a_category_without_a_unit_keeps_its_place_in_the_order():
    labels = pd.Series({"GM0363": 3})
    ax = plot_profile_map(TILES, labels, NAMES, Look("en"))
    assert category_colours(pd.Index([1, 2, 3]))[3] in set(fills_of(ax))


@pytest.mark.parametrize("key", ["statcode", "GM_CODE", "gemeentecode"])
def test_a_geojson_is_read_by_whatever_property_holds_the_codes(tmp_path, key):
    content = collection(LAYOUT, key, jaar=2026, naam="x")
    if key == "gemeentecode":
        for feature in content["features"]:
            feature["properties"][key] = int(feature["properties"][key][2:])
    outlines = read_map(saved(tmp_path, content), REGISTER, DAY).outlines
    assert outlines.index.tolist() == sorted(LAYOUT.index)


def test_a_hole_stays_empty_whichever_way_the_rings_run(tmp_path):
    content = collection(LAYOUT)
    geometry = content["features"][0]["geometry"]
    ring = np.array(geometry["coordinates"][0])
    middle = ring[:-1].mean(axis=0)
    for hole in (ring, ring[::-1]):
        geometry["coordinates"] = [ring.tolist(), (middle + (hole - middle) / 2).tolist()]
        areas = read_map(saved(tmp_path, content), REGISTER, DAY)
        ax = plot_profile_map(areas, pd.Series({LAYOUT.index[0]: 2}), {1: "", 2: ""}, Look("nl"))
        ax.set_position([0, 0, 1, 1])
        (low_x, low_y), (high_x, high_y) = ring.min(axis=0), ring.max(axis=0)
        ax.set(xlim=(low_x, high_x), ylim=(low_y, high_y), aspect="auto")
        ax.get_legend().remove()
        ax.figure.canvas.draw()
        red = np.asarray(ax.figure.canvas.buffer_rgba())[..., 0]
        height, width = red.shape
        assert red[height // 2, width // 2] == 255
        assert red[height // 8, width // 2] == 0


def test_parts_of_a_municipality_are_put_together_and_water_left_out(tmp_path):
    content = collection(LAYOUT, H2O="NEE")
    island = json.loads(json.dumps(content["features"][0]))
    island["geometry"]["coordinates"] = [square(-3, -3)]
    water = json.loads(json.dumps(island))
    water["properties"]["H2O"] = "JA"
    water["geometry"]["coordinates"] = [square(-99, -99)]
    content["features"] += [island, water]
    outlines = read_map(saved(tmp_path, content), REGISTER, DAY).outlines
    corners = outlines[LAYOUT.index[0]].vertices
    assert len(outlines) == 342
    assert corners[:, 0].min() == -3


def test_a_topojson_gives_the_same_areas(tmp_path):
    plain = collection(LAYOUT)
    arcs = [np.array(f["geometry"]["coordinates"][0]) for f in plain["features"]]
    topology = {
        "type": "Topology",
        "transform": {"scale": [0.5, 0.5], "translate": [3.0, -40.0]},
        "arcs": [np.diff((arc - [3, -40]) * 2, axis=0, prepend=[[0, 0]]).tolist() for arc in arcs],
        "objects": {
            "gemeenten": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Polygon", "arcs": [[place]], "properties": f["properties"]}
                    for place, f in enumerate(plain["features"])
                ],
            }
        },
    }
    unfolded = read_map(saved(tmp_path, topology), REGISTER, DAY).outlines
    expected = read_map(saved(tmp_path, plain), REGISTER, DAY).outlines
    for unit in expected.index:
        np.testing.assert_allclose(unfolded[unit].vertices, expected[unit].vertices)


def test_a_map_of_another_year_is_refused_and_its_year_named(tmp_path):
    path = saved(tmp_path, collection(tile_layout(REGISTER, "2022-02-01")))
    with pytest.raises(InputError) as caught:
        read_map(path, REGISTER, DAY)
    message = str(caught.value)
    assert "is not the map of 2026-01-01: it lacks 1 units (GM1992) and has 4 others" in message
    assert "It is the map of 2022-01-01." in message
    assert len(read_map(path, REGISTER, "2022-02-01").outlines) == 345


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(type="x", features=None), "is no map"),
        (lambda c: c.update(features=[]), "has no features"),
        (lambda c: [f["properties"].pop("statcode") for f in c["features"]], "none holds codes"),
        (lambda c: c["features"].pop(), "it lacks 1 units"),
        (lambda c: c["features"][3].update(geometry=None), "feature 3: .* has no usable area"),
        (
            lambda c: c["features"][3]["geometry"].update(type="Point"),
            "no Polygon or MultiPolygon",
        ),
        (
            lambda c: c["features"][3]["geometry"].update(coordinates=[[[0, 0], [1, 1]]]),
            "four positions",
        ),
        (
            lambda c: c["features"][3]["properties"].update(statcode="GM9999"),
            "feature 3: has a code that the register does not know",
        ),
    ],
)
def test_a_wrong_map_is_refused_with_the_reason(tmp_path, change, message):
    content = collection(LAYOUT)
    change(content)
    with pytest.raises(InputError, match=message):
        read_map(saved(tmp_path, content), REGISTER, DAY)


def test_a_file_that_is_not_json_or_absent_is_refused(tmp_path):
    path = tmp_path / "map.geojson"
    with pytest.raises(InputError, match="does not exist"):
        read_map(path, REGISTER, DAY)
    path.write_text("{")
    with pytest.raises(InputError, match="is no map"):
        read_map(path, REGISTER, DAY)


TOPOLOGY = {"type": "Topology", "arcs": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"objects": {"a": {}, "b": {}}}, "'a, b': are its layers. Allowed: one layer. Export the"),
        ({"objects": {}}, "are its layers. Allowed: one layer"),
        (
            {"objects": {"a": {"geometries": [{"type": "Polygon", "arcs": [[7]]}]}}},
            "is no map",
        ),
        ({}, "is no map"),
    ],
)
def test_a_wrong_topojson_is_refused_with_the_reason(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_map(saved(tmp_path, TOPOLOGY | content), REGISTER, DAY)


def test_the_area_map_names_its_source_in_the_language_and_has_no_texts_in_its_areas(tmp_path):
    areas = read_map(saved(tmp_path, collection(LAYOUT)), REGISTER, DAY)
    for language, source in SOURCES.items():
        ax = plot_profile_map(areas, pd.Series({"GM0363": 1}), {1: "a"}, Look(language))
        assert texts_of(ax) == [source]


def test_a_map_of_other_units_does_not_name_cbs_as_its_source(tmp_path):
    register = tmp_path / "r.csv"
    register.write_text("unit,name\nAA,Aland\nBB,Boland\n")
    content = collection(LAYOUT.iloc[:2].set_axis(["AA", "BB"]), "ISO")
    areas = read_map(saved(tmp_path, content), read_register(register), DAY)
    ax = plot_profile_map(areas, pd.Series({"AA": 1}), {1: "a"}, Look("en"))
    assert texts_of(ax) == []


def with_map(home, day):
    """The example with a map of a day, named in study.yaml; the study."""
    folder = home / "data" / "raw" / "example"
    saved(folder, collection(tile_layout(REGISTER, day)))
    path = folder / "study.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace('  events: ""', "  map: map.geojson"), "utf-8")
    return load_study("example", home)


def test_a_study_that_names_a_map_is_drawn_on_it_and_else_on_tiles(home):
    assert study_map(load_study("example", home), "2018").is_tiled
    study = with_map(home, "2018-03-12")
    areas = study_map(study, "2018")
    assert not areas.is_tiled
    assert len(areas.outlines) == 380
    assert study_tiles(study, "2018").is_tiled


def test_a_map_of_another_year_is_told_before_anything_runs(home):
    with pytest.raises(InputError, match=r"map\.geojson, codes: is not the map of 2018-03-12"):
        read_all_responses(with_map(home, "2022-04-04"))
