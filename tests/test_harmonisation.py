import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_register import make_events, make_units, size_classes

from cycle_analysis.units import load_register, read_register
from cycle_analysis.units.harmonisation import (
    assign_heirs,
    combine_labels,
    combine_scores,
    detect_vintage,
    harmonise,
    panel_coverage,
    persons_at_change,
    recode_units,
)
from cycle_analysis.waves import link_units, pooling_differences, unchanged_units

REGISTER = load_register()
YEARS = range(2017, 2027)
TWELVE = ["GM0014", "GM0080", "GM0299", "GM0363", "GM0394", "GM0439", "GM0575", "GM0757", "GM0824",
          "GM0855", "GM0865", "GM1900"]  # fmt: skip


BESIDE = Path(__file__).parents[1].parent / "shared"
SHARED = Path(os.environ.get("CYCLE_ANALYSIS_SHARED", BESIDE))


def shared_file(*parts):
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"golden data {'/'.join(parts)} are not beside the repository")
    return path


def walk(begin, end):
    return harmonise(REGISTER.on(begin).index, begin, end, REGISTER)


def test_the_published_crosswalk_to_2026_is_reproduced_exactly():
    golden = pd.read_csv(shared_file("geography", "crosswalk_to_2026.csv"))
    ours = pd.concat([walk(f"{year}-01-01", "2026-01-01").assign(from_year=year) for year in YEARS])
    keys = ["from_year", "from_code", "to_code_2026"]
    ours = ours.rename(columns={"from_unit": "from_code", "to_unit": "to_code_2026"})
    pd.testing.assert_series_equal(
        ours.set_index(keys)["weight"].sort_index(),
        golden.set_index(keys)["weight"].sort_index(),
        rtol=0,
        atol=0,
        check_index_type=False,
    )


def test_the_register_agrees_with_the_yearly_lists_of_municipalities():
    golden = pd.read_csv(shared_file("geography", "municipalities.csv"))
    golden["size_class"] = size_classes(golden["population"])
    for year, there in golden.groupby("year"):
        ours = REGISTER.on(f"{year}-01-01")
        there = there.set_index("gm_code")[["name", "province", "size_class"]]
        pd.testing.assert_frame_equal(
            ours.sort_index(), there.sort_index(), check_dtype=False, check_names=False
        )


def test_the_bundled_files_are_what_the_script_makes_of_the_sources():
    tables = [
        pd.read_csv(shared_file("geography", name))
        for name in ("municipalities.csv", "mergers.csv", "border_corrections.csv")
    ]
    units = make_units(*tables[:2])
    events = make_events(*tables)
    assert units["unit"].tolist() == sorted(REGISTER.units["unit"])
    assert events["persons"].sum() == REGISTER.events["persons"].sum()
    assert events["share"].tolist() == REGISTER.events["share"].tolist()


def test_every_code_of_every_year_goes_forward_without_remainder():
    for begin in YEARS:
        for end in sorted({begin, begin + 1, 2022, 2026} - set(range(begin)) - {2027}):
            crosswalk = walk(f"{begin}-01-01", f"{end}-01-01")
            assert crosswalk["to_unit"].isin(REGISTER.on(f"{end}-01-01").index).all()
            totals = crosswalk.groupby("from_unit")["weight"].sum()
            assert len(totals) == len(REGISTER.on(f"{begin}-01-01"))
            assert np.allclose(totals, 1, atol=1e-9)
            assert set(crosswalk["to_unit"]) == set(REGISTER.on(f"{end}-01-01").index)


def test_populations_carried_forward_a_year_are_within_a_tenth_of_the_next_year():
    golden = pd.read_csv(shared_file("geography", "municipalities.csv"))
    population = golden.pivot_table(index="gm_code", columns="year", values="population")
    for year in range(2017, 2026):
        begin, end = f"{year}-01-01", f"{year + 1}-01-01"
        crosswalk = walk(begin, end)
        sent = crosswalk["from_unit"].map(population[year].dropna()) * crosswalk["weight"]
        carried = sent.groupby(crosswalk["to_unit"]).sum()
        growth = (carried / population[year + 1].dropna() - 1).abs()
        assert growth.max() < 0.1
        assert growth.median() < 0.02


def test_walking_year_by_year_equals_walking_at_once():
    stepwise = walk("2017-01-01", "2018-01-01")[["from_unit", "to_unit", "weight"]]
    for year in range(2018, 2026):
        step = walk(f"{year}-01-01", f"{year + 1}-01-01")
        step = step.rename(columns={"from_unit": "to_unit", "to_unit": "next", "weight": "share"})
        stepwise = stepwise.merge(step, on="to_unit")
        stepwise["weight"] *= stepwise["share"]
        stepwise = stepwise.groupby(["from_unit", "next"], as_index=False)["weight"].sum()
        stepwise = stepwise.rename(columns={"next": "to_unit"})
    at_once = walk("2017-01-01", "2026-01-01").drop(columns="kind")
    pd.testing.assert_frame_equal(
        stepwise.sort_values(["from_unit", "to_unit"], ignore_index=True),
        at_once.sort_values(["from_unit", "to_unit"], ignore_index=True),
        atol=1e-8,
    )


def test_the_twelve_codes_that_survive_but_grew_since_2017_are_flagged_in_2022():
    crosswalk = walk("2017-12-31", "2022-05-01")
    grown = crosswalk.loc[crosswalk["kind"] == "grown", "from_unit"]
    assert sorted(grown) == TWELVE


def test_in_a_panel_of_2018_and_2022_nine_of_the_twelve_are_flagged_and_three_grew_before():
    codes = {f"{y}": pd.Series(REGISTER.on(f"{y}-05-01").index) for y in (2018, 2022)}
    links = link_units(codes, {"2018": "2018-05-01", "2022": "2022-05-01"}, REGISTER)
    grown = links.loc["2018"].query("kind == 'grown'").index
    assert sorted(grown) == [code for code in TWELVE if code not in {"GM0080", "GM0299", "GM1900"}]
    assert not set(grown) & set(unchanged_units(links))
    kept = REGISTER.events[REGISTER.events["kind"] == "kept"]
    begun = kept.loc[kept["date"] == pd.Timestamp("2018-01-01"), "to_unit"]
    assert {"GM0080", "GM0299", "GM1900"} <= set(begun)


def test_from_2018_to_2026_319_municipalities_are_unchanged_and_23_composed():
    crosswalk = walk("2018-01-01", "2026-01-01")
    unchanged = crosswalk.loc[crosswalk["kind"] == "unchanged", "to_unit"]
    assert len(unchanged) == 319
    assert crosswalk.loc[~crosswalk["to_unit"].isin(unchanged), "to_unit"].nunique() == 23


def test_a_border_correction_does_not_make_a_municipality_grown():
    assert harmonise(["GM0785"], "2017-06-01", "2018-06-01", REGISTER)["kind"].item() == "unchanged"


def test_weesp_goes_by_the_day_and_not_by_the_year():
    before = harmonise(["GM0457"], "2022-03-01", "2022-03-23", REGISTER)
    after = harmonise(["GM0457"], "2022-03-01", "2022-03-24", REGISTER)
    assert before[["to_unit", "kind"]].to_numpy().tolist() == [["GM0457", "unchanged"]]
    assert after[["to_unit", "kind"]].to_numpy().tolist() == [["GM0363", "merged"]]


def test_codes_of_other_vintages_are_followed_from_when_they_were_in_force():
    codes = ["GM0457", "GM1992", "GM0501"]
    crosswalk = harmonise(codes, "2022-05-01", "2023-05-01", REGISTER)
    assert crosswalk["to_unit"].tolist() == ["GM0363", "GM1992", "GM1992"]
    not_yet = harmonise(["GM1992"], "2018-01-01", "2022-01-01", REGISTER)
    assert not_yet["kind"].tolist() == ["unmapped"]


def test_an_unknown_code_is_unmapped_and_stays_in_the_table():
    crosswalk = harmonise(["GM9999", "GM0363"], "2018-01-01", "2022-01-01", REGISTER)
    assert crosswalk["kind"].tolist() == ["unmapped", "unchanged"]
    assert crosswalk["to_unit"].isna().tolist() == [True, False]


def test_mapping_backward_or_a_missing_code_is_refused():
    with pytest.raises(ValueError, match="forward only"):
        harmonise(["GM0363"], "2022-01-01", "2018-01-01", REGISTER)
    with pytest.raises(ValueError, match=r"codes\.dropna"):
        harmonise(["GM0363", None], "2018-01-01", "2022-01-01", REGISTER)


def test_no_codes_give_an_empty_crosswalk():
    assert harmonise([], "2018-01-01", "2022-01-01", REGISTER).shape == (0, 4)


def test_only_winsum_has_an_heir_and_the_other_divided_municipalities_leave_the_panel():
    panel = assign_heirs(walk("2017-06-01", "2026-01-01"))
    assert panel["from_unit"].is_unique
    split = panel[panel["from_unit"].isin(["GM0053", "GM0140", "GM0788"])]
    assert split.set_index("from_unit")["to_unit"].to_dict() == pytest.approx(
        {"GM0053": "GM1966", "GM0140": np.nan, "GM0788": np.nan}, nan_ok=True
    )
    assert panel["to_unit"].isna().sum() == 2


def test_vintage_is_found_by_the_codes_that_no_other_division_has():
    for year in (2017, 2018, 2019, 2021, 2022, 2023):
        vintage = detect_vintage(REGISTER.on(f"{year}-01-01").index, REGISTER)
        assert pd.Timestamp(f"{year}-01-01") in vintage.best.index
        assert not vintage.mixed
        exact = vintage.best[vintage.best["n_absent"] == 0]
        assert exact.index.tolist() == [pd.Timestamp(f"{year}-01-01")]


def test_mixed_vintages_and_unknown_codes_are_named():
    vintage = detect_vintage(["GM0457", "GM1992", "GM0363", "XX", None, "XX"], REGISTER)
    assert vintage.mixed
    assert str(vintage) == (
        "No division fits all codes; nearest is that of 2023-01-01 until now, without GM0457; "
        "not in the register: XX."
    )


def test_a_file_without_known_codes_fits_no_division_better_than_another():
    vintage = detect_vintage(["X1"], REGISTER)
    assert vintage.divisions["n_fitting"].eq(0).all()
    assert str(vintage) == "None of the codes is in the register: X1."


def test_coverage_counts_the_persons_whose_municipality_answered():
    table = panel_coverage(["GM0576", "GM0363", "GM0788"], "2018-05-01", "2022-05-01", REGISTER)
    assert table.index.tolist() == ["GM0363", "GM0575"]
    assert table.loc["GM0575", "covered"] == pytest.approx(16685 / (16685 + 26174))
    amsterdam, weesp = persons_at_change(REGISTER, "2018-05-01")[["GM0363", "GM0457"]]
    assert table.loc["GM0363", "covered"] == pytest.approx(amsterdam / (amsterdam + weesp))


def test_a_merged_unit_of_which_too_little_answered_is_not_carried():
    units = {"2018": pd.Series(["GM0576", "GM0363"]), "2022": pd.Series(["GM0363"])}
    days = {"2018": "2018-05-01", "2022": "2022-05-01"}
    links = link_units(units, days, REGISTER).loc["2018"]
    assert links.loc["GM0576", "kind"] == "uncovered"
    assert links["to_unit"].isna().to_dict() == {"GM0363": False, "GM0576": True}
    lenient = link_units(units, days, REGISTER, min_covered=0.38).loc["2018"]
    assert lenient.loc["GM0576", ["to_unit", "kind"]].tolist() == ["GM0575", "merged"]


def test_pooling_differs_from_weighing_as_respondents_differ_from_inhabitants():
    units = pd.Series(["GM0575"] * 3 + ["GM0576", "GM0363"])
    scores = pd.DataFrame({"AG": [40.0, 40, 40, 80, 7]})
    days = {"2018": "2018-05-01", "2022": "2022-05-01"}
    links = link_units({"2018": units, "2022": units.iloc[:1]}, days, REGISTER).loc["2018"]
    persons = persons_at_change(REGISTER, "2018-05-01")
    table = pooling_differences(scores, units, links, persons)
    weighted = (40 * 26174 + 80 * 16685) / (26174 + 16685)
    assert table["AG"].to_dict() == {"GM0575": pytest.approx(50 - weighted)}
    nobody = pooling_differences(scores, units, links, persons.drop("GM0576"))
    assert nobody.empty
    assert list(nobody) == ["AG"]


def test_respondents_are_recoded_and_those_of_a_divided_municipality_have_no_unit():
    units = pd.Series(["GM0788", "GM0053", "GM0575", None], index=[4, 3, 2, 1])
    crosswalk = harmonise(units.dropna(), "2018-05-01", "2022-05-01", REGISTER)
    recoded = recode_units(units, assign_heirs(crosswalk))
    assert recoded.isna().tolist() == [True, False, False, True]
    assert recoded.loc[[3, 2]].tolist() == ["GM1966", "GM0575"]
    with pytest.raises(ValueError, match="two successors"):
        recode_units(units, crosswalk)
    with pytest.raises(ValueError, match="1 units are not in it"):
        recode_units(pd.Series(["GM0001"]), assign_heirs(crosswalk))


def test_scores_of_predecessors_are_averaged_by_inhabitants_and_missing_ones_left_out():
    crosswalk = assign_heirs(
        harmonise(["GM0575", "GM0576", "GM0363"], "2018-05-01", "2019-05-01", REGISTER)
    )
    scores = pd.DataFrame(
        {"AG": [50.0, 100.0, 7.0], "IM": [np.nan, 10.0, np.nan]},
        index=pd.Index(["GM0575", "GM0576", "GM0363"], name="unit"),
    )
    later = combine_scores(scores, crosswalk, persons_at_change(REGISTER, "2018-05-01"))
    expected = (50 * 26174 + 100 * 16685) / (26174 + 16685)
    assert later.loc["GM0575"].tolist() == pytest.approx([expected, 10.0])
    assert later.loc["GM0363"].tolist() == pytest.approx([7.0, np.nan], nan_ok=True)
    with pytest.raises(ValueError, match="2 units that merge have no number of inhabitants"):
        combine_scores(scores, crosswalk, pd.Series(dtype=float))


def test_a_label_stays_only_when_all_predecessors_bear_it():
    crosswalk = assign_heirs(walk("2022-02-01", "2022-05-01"))
    labels = pd.Series({"GM0363": "B", "GM0457": "A", "GM0014": "C"})
    assert combine_labels(labels, crosswalk).to_dict() == pytest.approx(
        {"GM0014": "C", "GM0363": np.nan}, nan_ok=True
    )


def test_an_own_register_with_a_secession_is_harmonised(tmp_path):
    units, events = tmp_path / "u.csv", tmp_path / "e.csv"
    units.write_text("unit,name,valid_from\nSD,Sudan,\nSS,South Sudan,2011-07-09\nEG,Egypt,\n")
    events.write_text("date,from_unit,to_unit,share\n2011-07-09,SD,SD,0.8\n2011-07-09,SD,SS,0.2\n")
    register = read_register(units, events)
    crosswalk = harmonise(["EG", "SD"], "2010-01-01", "2012-01-01", register)
    assert crosswalk["kind"].tolist() == ["unchanged", "split", "split"]
    assert assign_heirs(crosswalk)[["to_unit", "kind"]].to_numpy().tolist() == [
        ["EG", "unchanged"],
        ["SD", "grown"],
    ]
    covered = panel_coverage(["SD"], "2010-01-01", "2012-01-01", register)
    assert covered.index.tolist() == ["SD"]


def test_a_unit_that_ends_without_successor_is_unmapped(tmp_path):
    units = tmp_path / "u.csv"
    units.write_text("unit,name,valid_until\nA,a,2019-01-01\nB,b,\n")
    crosswalk = harmonise(["A", "B"], "2018-01-01", "2020-01-01", read_register(units))
    assert crosswalk["kind"].tolist() == ["unmapped", "unchanged"]


def test_units_that_always_were_fit_one_division_and_stay_unchanged(tmp_path):
    units = tmp_path / "u.csv"
    units.write_text("unit,name\nNA,Namibia\nNO,Norway\n")
    register = read_register(units)
    vintage = detect_vintage(["NA", "NO"], register)
    assert len(vintage.divisions) == 1
    assert str(vintage) == "The codes fit the division of the register's beginning until now."
    crosswalk = harmonise(["NA", "NO"], "1999-01-01", "2022-01-01", register)
    assert crosswalk["kind"].tolist() == ["unchanged", "unchanged"]
