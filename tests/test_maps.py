import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from cycle_analysis.maps import plot_map, read_map
from cycle_analysis.problems import InputError
from cycle_analysis.register.extension import extend
from cycle_analysis.register.make_tiles import HERE, make_tiles, plan_tiles
from cycle_analysis.tilemap import (
    NO_VALUE,
    category_colours,
    plot_tile_map,
    text_colour,
    tile_layout,
    tile_table,
)
from cycle_analysis.units import load_register, read_register

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


def test_a_value_without_tile_asks_for_harmonising():
    with pytest.raises(ValueError, match=r"1 units have no tile: \['GM0457'\]"):
        tile_table(pd.Series({"GM0457": 1}), LAYOUT)


def test_the_tile_map_draws_every_tile_once_in_its_colour_with_legend_and_source():
    values = pd.Series(1, index=LAYOUT.index[:100]).mask(LAYOUT.index[:100].str[-1] == "1", 2)
    ax = plot_tile_map(tile_table(values, LAYOUT), none_label="no answer")
    colours = pd.Series([plt.matplotlib.colors.to_hex(p.get_facecolor()) for p in ax.patches])
    expected = values.map(category_colours(values)).value_counts()
    assert len(ax.patches) == 342
    assert colours.value_counts()[expected.index].to_dict() == expected.to_dict()
    assert (colours == "#ffffff").sum() == 242
    texts = [text.get_text() for text in ax.texts]
    assert "Bron: CBS, bewerkt (CC BY 4.0)" in texts
    assert texts.count("1") == (values == 1).sum()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["1", "2", "no answer"]


def test_colours_go_from_light_to_dark_so_that_grey_tells_them_apart():
    colours = list(category_colours(pd.Series(range(6))).values())
    grey = [np.dot(plt.matplotlib.colors.to_rgb(c), [0.299, 0.587, 0.114]) for c in colours]
    assert (np.diff(grey) < -0.08).all()
    assert text_colour(NO_VALUE) == "black"


def test_a_categorical_keeps_its_order_and_a_drawing_changes_no_table():
    values = pd.Series(pd.Categorical(["b", "a"], ["b", "a"]), index=LAYOUT.index[:2])
    table = tile_table(values, LAYOUT)
    before = table.copy()
    plot_tile_map(table)
    pd.testing.assert_frame_equal(table, before)
    assert list(category_colours(table["value"])) == ["b", "a"]


@pytest.mark.parametrize("key", ["statcode", "GM_CODE", "gemeentecode"])
def test_a_geojson_is_read_by_whatever_property_holds_the_codes(tmp_path, key):
    content = collection(LAYOUT, key, jaar=2026, naam="x")
    if key == "gemeentecode":
        for feature in content["features"]:
            feature["properties"][key] = int(feature["properties"][key][2:])
    outlines = read_map(saved(tmp_path, content), REGISTER, DAY)
    assert outlines.index.tolist() == sorted(LAYOUT.index)


def test_a_hole_stays_empty_whichever_way_the_rings_run(tmp_path):
    content = collection(LAYOUT)
    geometry = content["features"][0]["geometry"]
    ring = np.array(geometry["coordinates"][0])
    middle = ring[:-1].mean(axis=0)
    for hole in (ring, ring[::-1]):
        geometry["coordinates"] = [ring.tolist(), (middle + (hole - middle) / 2).tolist()]
        outlines = read_map(saved(tmp_path, content), REGISTER, DAY)
        unit = LAYOUT.index[0]
        ax = plot_map(outlines, pd.Series({unit: 1}), colours={1: "black"})
        ax.set_position([0, 0, 1, 1])
        (low_x, low_y), (high_x, high_y) = ring.min(axis=0), ring.max(axis=0)
        ax.set(xlim=(low_x, high_x), ylim=(low_y, high_y), aspect="auto")
        ax.get_legend().remove()
        ax.figure.canvas.draw()
        grey = np.asarray(ax.figure.canvas.buffer_rgba())[..., 0]
        height, width = grey.shape
        assert grey[height // 2, width // 2] == 255
        assert grey[height // 8, width // 2] == 0


def test_parts_of_a_municipality_are_put_together_and_water_left_out(tmp_path):
    content = collection(LAYOUT, H2O="NEE")
    island = json.loads(json.dumps(content["features"][0]))
    island["geometry"]["coordinates"] = [square(-3, -3)]
    water = json.loads(json.dumps(island))
    water["properties"]["H2O"] = "JA"
    water["geometry"]["coordinates"] = [square(-99, -99)]
    content["features"] += [island, water]
    outlines = read_map(saved(tmp_path, content), REGISTER, DAY)
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
    unfolded = read_map(saved(tmp_path, topology), REGISTER, DAY)
    expected = read_map(saved(tmp_path, plain), REGISTER, DAY)
    for unit in expected.index:
        np.testing.assert_allclose(unfolded[unit].vertices, expected[unit].vertices)


def test_a_map_of_another_year_is_refused_and_its_year_named(tmp_path):
    path = saved(tmp_path, collection(tile_layout(REGISTER, "2022-02-01")))
    with pytest.raises(InputError) as caught:
        read_map(path, REGISTER, DAY)
    message = str(caught.value)
    assert "is not the map of 2026-01-01: it lacks 1 units (GM1992) and has 4 others" in message
    assert "It is the map of 2022-01-01." in message
    assert len(read_map(path, REGISTER, "2022-02-01")) == 345


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
    with pytest.raises(InputError, match="is no map"):
        read_map(path, REGISTER, DAY)
    path.write_text("{")
    with pytest.raises(InputError, match="is no map"):
        read_map(path, REGISTER, DAY)


def test_a_value_of_a_unit_not_on_the_map_is_refused(tmp_path):
    outlines = read_map(saved(tmp_path, collection(LAYOUT)), REGISTER, DAY)
    with pytest.raises(ValueError, match="1 units are not on the map"):
        plot_map(outlines, pd.Series({"GM0457": 1}))


def test_the_area_map_prints_the_source_and_marks_units_without_value(tmp_path):
    outlines = read_map(saved(tmp_path, collection(LAYOUT)), REGISTER, DAY)
    ax = plot_map(outlines, pd.Series({"GM0363": "a"}), none_label="no answer")
    assert [text.get_text() for text in ax.texts] == ["Bron: CBS, bewerkt (CC BY 4.0)"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "no answer"]
