import re
import time
import warnings
from difflib import SequenceMatcher
from itertools import islice, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import examples
from small_studies import Truth, make_study

from cycle_analysis.problems import InputError
from cycle_analysis.units import Register, load_register, read_events, read_register, study_register
from cycle_analysis.units.identification import _key, identify, remedy_for

REGISTER = load_register()
DAY = "2022-05-01"


def found(*values, date=DAY, register=REGISTER, province=None):
    places = None if province is None else pd.Series(province)
    return identify(pd.Series(list(values), dtype="object"), register, date, places)


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_register_is_read_again_only_when_its_file_has_changed(tmp_path):
    study = make_study(tmp_path, Truth(["2010"], "profiles", n_units=12))
    before = study_register(study)
    assert study_register(study) is before
    with (study.folder / "units.csv").open("a", encoding="utf-8") as file:
        file.write("C999,Utopia,North\n")
    assert "C999" in set(study_register(study).units["unit"]) - set(before.units["unit"])


@pytest.mark.parametrize(
    "value",
    ["GM0363", " GM0363 ", "gm0363", "GM363", "363", "0363", 363, 363.0, "363.0", "GM 0363",
     np.int64(363)],
)  # fmt: skip
def test_a_code_is_found_in_any_shape(value):
    assert found(value)["unit"].tolist() == ["GM0363"]


@pytest.mark.parametrize(
    ("value", "code", "rule"),
    [
        ("'s-Gravenhage", "GM0518", "name"),
        ("’s-Gravenhage", "GM0518", "name in another spelling"),
        ("`S GRAVENHAGE", "GM0518", "name in another spelling"),
        ("Den Haag", "GM0518", "alias"),
        ("den\u200b bosch", "GM0796", "alias"),
        ("Su\u0301dwest Frysla\u0302n", "GM1900", "name in another spelling"),
        ("sudwest_fryslan", "GM1900", "name in another spelling"),
        ("Bergen (NH)", "GM0373", "name in another spelling"),
        ("Bergen, Limburg", "GM0893", "alias"),
        ("Hengelo", "GM0164", "alias"),
        ("Gemeente Utrecht", "GM0344", "name in another spelling"),
        ("Groningen (gemeente)", "GM0014", "name in another spelling"),
        ("Nuenen c.a.", "GM0820", "alias"),
        ("Capelle a/d IJssel", "GM0502", "alias"),
    ],
)
def test_names_spellings_and_aliases_lead_to_the_code_and_say_how(value, code, rule):
    assert found(value)[["unit", "rule", "problem"]].to_numpy().tolist() == [[code, rule, ""]]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Peel & Maas", "Peel en Maas"),
        ("Capelle a.d. IJssel", "Capelle aan den IJssel"),
        ("Alphen aan de Rijn", "Alphen aan den Rijn"),
        ("Valkenburg a/d Geul", "Valkenburg aan de Geul"),
        ("Hof v. Twente", "Hof van Twente"),
        ("Zwolle (Ov)", "Zwolle"),
        ("Gem. Halderberge (N-B)", "Halderberge"),
    ],
)
def test_what_people_abbreviate_and_the_province_in_brackets_are_understood(typed, meant):
    assert found(typed)["unit"].tolist() == found(meant)["unit"].tolist() != [np.nan]


@pytest.mark.parametrize("typed", ["Zwolle (NB)", "Haarlemmermeer (Hoofddorp)", "Bergen (X)"])
def test_another_province_or_place_in_brackets_names_no_unit(typed):
    row = found(typed).iloc[0]
    assert pd.isna(row["unit"])
    assert row["problem"] == "is not in the register"


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("Amstredam", "Amsterdam"),
        ("Almeer", "Almere"),
        ("Utrech", "Utrecht"),
        ("Alphen", "Alphen aan den Rijn"),
        ("Fryslan", "Súdwest-Fryslân"),
        ("s-Gravenhagen", "'s-Gravenhage"),
    ],
)
def test_a_typo_gets_no_code_but_suggestions(typo, meant):
    row = found(typo).iloc[0]
    assert pd.isna(row["unit"])
    assert row["problem"] == "is not in the register"
    assert meant in row["suggestions"]
    assert row["suggestions"].count("(GM") == 3


def test_an_unknown_number_is_compared_with_codes():
    assert "(GM0363)" in found("1363")["suggestions"].iloc[0]


def test_bergen_alone_is_ambiguous_until_the_province_tells():
    row = found("Bergen").iloc[0]
    assert pd.isna(row["unit"])
    assert row["problem"] == "is the name of two units"
    assert row["suggestions"] == "Bergen (NH.) (GM0373), Bergen (L.) (GM0893)"
    told = found("Bergen", "Bergen", "Bergen", province=["limburg", "Noord-Holland", None])
    assert told["unit"].tolist()[:2] == ["GM0893", "GM0373"]
    assert told["unit"].isna().tolist() == [False, False, True]


def test_a_former_municipality_keeps_its_code_and_says_what_became_of_it():
    row = found("Haaren").iloc[0]
    assert (row["unit"], row["rule"]) == ("GM0788", "former name")
    assert "ended 2021-01-01, now Boxtel (GM0757), Oisterwijk (GM0824)" in row["problem"]


def test_weesp_is_in_force_until_the_day_before_it_joined_amsterdam():
    assert found("Weesp", date="2022-03-23")["problem"].tolist() == [""]
    assert "now Amsterdam (GM0363)" in found("Weesp", date="2022-03-24")["problem"].iloc[0]


def test_a_municipality_of_the_future_says_when_it_begins():
    row = found("GM1991", date="2018-03-01").iloc[0]
    assert row["unit"] == "GM1991"
    assert row["problem"] == "is not in force on 2018-03-01: begins 2022-01-01"


@pytest.mark.parametrize(
    "text", ["GM0373 - Bergen", "0373 Bergen", "Bergen (373)", "Bergen: gm0373", "[0373] bergen"]
)
def test_a_code_and_a_name_beside_each_other_are_one_unit_if_both_are_of_it(text):
    found = identify(pd.Series([text, text.replace("373", "893")]), load_register(), "2022-03-01")
    assert found["unit"].tolist() == ["GM0373", "GM0893"]
    assert set(found["rule"]) == {"code and name"}
    other = identify(pd.Series([text.replace("373", "363")]), load_register(), "2022-03-01")
    assert other["unit"].isna().all()


@pytest.mark.parametrize("text", ["1,05102E+06", "5E+02"])
def test_a_code_that_a_spreadsheet_rounded_is_to_be_exported_anew(text):
    found = identify(pd.Series([text]), load_register(), "2022-03-01").iloc[0]
    assert "digits are lost" in found["problem"]
    assert remedy_for(found["problem"]) == "Export again, with this column as text"


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, "", "  ", "n.v.t.", "-", "NA"])
def test_a_missing_municipality_is_missing_not_unknown(value):
    row = found(value).iloc[0]
    assert pd.isna(row["unit"])
    assert (row["problem"], row["suggestions"]) == ("is missing", "")


def test_every_name_and_alias_of_the_register_finds_its_unit_or_says_it_is_ambiguous():
    names = pd.concat(
        [REGISTER.units["name"], REGISTER.aliases["alias"]], ignore_index=True
    )  # fmt: skip
    units = pd.concat([REGISTER.units["unit"], REGISTER.aliases["unit"]], ignore_index=True)
    result = identify(names, REGISTER, DAY)
    right = result["unit"] == units
    assert names[~right].tolist() == ["Bergen", "Bergen"]


def test_the_result_stands_on_the_index_of_the_values():
    values = pd.Series(["363", "363", "x"], index=["c", "a", "a"])
    assert identify(values, REGISTER, DAY).index.tolist() == ["c", "a", "a"]


@examples(50)
@given(st.one_of(st.text(max_size=20), st.floats(), st.integers()))
def test_whatever_stands_there_gets_a_code_or_a_problem_with_its_reason(value):
    row = found(value).iloc[0]
    assert pd.notna(row["unit"]) or row["problem"]
    assert (row["rule"] != "") == pd.notna(row["unit"])


def test_one_wrong_letter_never_leads_to_another_municipality():
    names = REGISTER.on(DAY)["name"]
    long = names[(names.str.len() > 4)]
    wrong = long.str[:2] + "q" + long.str[3:]
    result = identify(wrong, REGISTER, DAY)
    assert result["unit"].isna().all()
    meant = [name in text for name, text in zip(long, result["suggestions"], strict=True)]
    assert np.mean(meant) > 0.98


def test_numbers_in_a_column_with_gaps_are_codes():
    assert found(363.0, np.nan, 14.0)["unit"].isna().tolist() == [False, True, False]
    whole = identify(pd.Series([363, 14]), REGISTER, DAY)
    assert whole["unit"].tolist() == ["GM0363", "GM0014"]


def test_an_empty_series_gives_an_empty_table():
    assert identify(pd.Series([], dtype="object"), REGISTER, DAY).shape == (0, 4)


def test_a_hundred_thousand_values_take_under_two_seconds():
    names = REGISTER.units["name"].to_numpy()
    values = pd.Series(np.resize(names, 100_000))
    begun = time.perf_counter()
    identify(values, REGISTER, DAY)
    assert time.perf_counter() - begun < 2


def test_the_register_counts_the_municipalities_of_every_year():
    counts = [len(REGISTER.on(f"{year}-01-01")) for year in range(2016, 2027)]
    assert counts == [390, 388, 380, 355, 355, 352, 345, 342, 342, 342, 342]


def test_leerdam_and_zederik_lie_in_zuid_holland_and_their_successor_in_utrecht():
    before, after = REGISTER.on("2018-12-31"), REGISTER.on("2019-01-01")
    assert before.loc[["GM0545", "GM0707"], "province"].unique().tolist() == ["Zuid-Holland"]
    assert after.loc["GM1961", "province"] == "Utrecht"


def test_a_day_after_the_register_warns_and_a_day_before_it_is_refused():
    with pytest.warns(UserWarning, match="The register ends in 2026"):
        assert len(REGISTER.on("2027-03-01")) == 342
    with pytest.raises(InputError, match="no unit was in force on this day"):
        REGISTER.on("2015-12-31")


def test_an_own_register_knows_namibia_and_needs_no_dates(tmp_path):
    text = "unit,name,region,aliases\nNA,Namibia,Africa,\nNO,Norway,Europe,Norge|Noreg;Noorwegen\n"
    countries = read_register(write(tmp_path, "countries.csv", text))
    assert countries.on("1900-01-01").index.tolist() == ["NA", "NO"]
    assert countries.on("1900-01-01").columns.tolist() == ["name", "region"]
    result = found("NA", "namibia", "no", "Noorwegen", "na", register=countries)
    assert result["unit"].tolist()[:4] == ["NA", "NA", "NO", "NO"]
    assert result["problem"].tolist()[4] == "is missing"


def test_an_own_register_may_be_saved_by_excel(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("unit;name\nA;Één\n\nB;Twee, of meer\n", encoding="utf-8-sig")
    assert read_register(path).on("2020-01-01")["name"].tolist() == ["Één", "Twee, of meer"]


def test_a_renamed_unit_has_a_name_for_each_period_and_is_found_by_both(tmp_path):
    text = "unit,name,valid_from,valid_until\nSZ,Swaziland,,2018-04-19\nSZ,Eswatini,2018-04-19,\n"
    register = read_register(write(tmp_path, "r.csv", text))
    names = [register.on(day)["name"].item() for day in ("2018-04-18", "2018-04-19")]
    assert names == ["Swaziland", "Eswatini"]
    assert found("Swaziland", "Eswatini", register=register)["problem"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,name\nA,a\n", r"first line: 'unit': is not a column"),
        ("Unit,Name\nA,a\n", r"'name': is not a column.* There stands: Unit, Name"),
        ("unit,name,name\nA,a,b\n", r"'name': is not a column, or more than one"),
        ("unit,name\n", "has no units"),
        ("unit,name\nA,a,b\n", r"row 2: has 3 cells. Allowed: 2 cells. Put a text that"),
        ("unit,name\nA,\n", r"row 2, column name: is empty"),
        ("unit,name\nA,a\n\nA,a\n", r"row 4, column unit: 'A': is there twice"),
        ("unit,name,valid_from\nA,a,1-2-2019\n", r"'1-2-2019': is not a date"),
        (
            "unit,name,valid_from,valid_until\nA,a,2019-01-01,2018-01-01\n",
            "is not later than valid_from",
        ),
        (
            "unit,name,valid_from,valid_until\nA,a,,2018-01-01\nA,b,2019-01-01,\n",
            r"row 3, column unit: 'A': leaves a gap",
        ),
        (
            "unit,name,valid_from,valid_until\nA,a,,2020-01-01\nA,b,2019-01-01,\n",
            r"row 3, column unit: 'A': is there twice, in periods that overlap",
        ),
    ],
)
def test_a_wrong_register_is_refused_with_the_place(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_register(write(tmp_path, "r.csv", text))


UNITS = "unit,name,valid_from,valid_until\nA,a,,2019-01-01\nB,b,,\nC,c,2019-01-01,\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2019-01-01,A,X,1,\n", "column to_unit: 'X': is not a unit of the register"),
        ("2019-13-01,A,B,1,\n", "'2019-13-01': is not a date"),
        (",A,B,1,\n", "column date: is not a date"),
        ("2019-01-01,A,B,1.5,\n", "'1.5': is no such amount. Allowed: a number above 0, at most 1"),
        ("2019-01-01,A,B,1,-3\n", "'-3': is no such amount"),
        ("2019-01-01,A,B,0.5,\n2019-01-01,A,B,0.5,\n", "row 3, column from_unit: 'A': repeats"),
        ("2019-01-01,A,B,0.5,\n2019-01-01,A,C,0.4,\n", "A on 2019-01-01: '0.90000': is the sum"),
        ("2018-01-01,A,C,1,\n", "'C': receives on a day on which it is not in force"),
        ("2019-01-01,A,C,1,\n2019-01-01,B,C,1,\n", "'B': gives everything away but does not end"),
        ("2019-01-01,B,B,1,\n", "A: 'ends on 2019-01-01': and no event says where it went"),
    ],
)
def test_wrong_events_are_refused_with_the_place(tmp_path, rows, message):
    units = write(tmp_path, "units.csv", UNITS)
    events = write(tmp_path, "events.csv", "date,from_unit,to_unit,share,persons\n" + rows)
    with pytest.raises(InputError, match=message):
        read_register(units, events)


def test_a_last_day_given_as_valid_until_is_told_once_with_what_is_meant(tmp_path):
    units = write(tmp_path, "units.csv", UNITS.replace("2019-01-01\nB", "2018-12-31\nB"))
    rows = "date,from_unit,to_unit,share,persons\n2019-01-01,A,B,1,\n"
    with pytest.raises(InputError, match="this day, which is the first without it") as caught:
        read_register(units, write(tmp_path, "events.csv", rows))
    assert len(caught.value.problems) == 1


def test_all_faults_of_a_register_are_told_at_once(tmp_path):
    path = write(tmp_path, "r.csv", "unit,name,valid_from\nA,,x\n,b,y\n")
    with pytest.raises(InputError) as caught:
        read_register(path)
    assert len(caught.value.problems) == 4


def test_a_register_that_is_absent_or_in_another_encoding_is_refused(tmp_path):
    absent = r"none\.csv, file: does not exist\. Put it there, or correct its name"
    with pytest.raises(InputError, match=absent):
        read_register(tmp_path / "none.csv")
    latin = tmp_path / "latin.csv"
    latin.write_bytes("unit,name\nA,Één\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"is not UTF-8 text.* Save the file as csv"):
        read_register(latin)


def test_an_alias_of_an_unknown_unit_is_refused(tmp_path):
    units = write(tmp_path, "units.csv", "unit,name\nA,a\n")
    aliases = write(tmp_path, "aliases.csv", "alias,unit\nz,Z\n")
    with pytest.raises(InputError, match="alias z: 'Z': is not a unit of the register"):
        read_register(units, aliases_csv=aliases)


def test_reading_the_register_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_register.__wrapped__()


def large_register(n):
    """Units of `n` names of two or three syllables, each name once."""
    parts = [first + second for first in "bdfghjklmn" for second in ("a", "en", "o", "uit", "er")]
    words = (p for k in (2, 3) for p in product(parts, repeat=k))
    names = ["".join(word).capitalize() for word in islice(words, n)]
    units = pd.DataFrame({"unit": [f"U{i:06d}" for i in range(n)], "name": names})
    units = units.assign(valid_from=pd.NaT, valid_until=pd.NaT)
    nothing = pd.DataFrame(columns=["alias", "unit"], dtype="str")
    return Register(units, read_events(None, units), nothing, pd.DataFrame(index=units["unit"]))


def test_row_126_two_thousand_names_of_66690_units_are_found_in_seconds_or_suggested():
    register = large_register(66_690)
    names = register.units["name"].iloc[::33].iloc[:2000]
    wrong = names.iloc[:300].str.replace(r"^(..)(.)(.)", r"\1x\3", regex=True)
    started = time.process_time()
    told = identify(pd.concat([wrong, names.iloc[300:]]), register, "2022-03-01")
    assert time.process_time() - started < 30
    right = register.units["unit"].loc[names.index[300:]]
    assert told["unit"].iloc[300:].tolist() == right.tolist()
    suggestions = told["suggestions"][told["unit"].isna()]
    assert (suggestions.iloc[:75] != "").all()
    assert (suggestions.iloc[200:] == "").all()


@pytest.mark.parametrize(
    "text", ["Amstredam", "Hertogenbosc", "Bergn", "Nuennen", "Oost", "GM9999"]
)
def test_the_nearest_units_are_those_that_a_comparison_with_every_name_gives(text):
    register = load_register()
    told = identify(pd.Series([text]), register, "2022-03-01")["suggestions"].item()
    keys = [(_key(name), unit) for name, unit in register.units[["name", "unit"]].to_numpy()]
    keys += [(_key(name), unit) for name, unit in register.aliases.to_numpy()]
    keys += [(unit.casefold(), unit) for unit in register.units["unit"]]
    keys = [] if text.startswith("GM") else keys
    keys = keys or [(unit.casefold(), unit) for unit in register.units["unit"]]
    likeness: dict[str, float] = {}
    for key, unit in keys:
        begins = f" {_key(text)}" in f" {key}"
        ratio = SequenceMatcher(None, key, _key(text), autojunk=False).ratio()
        likeness[unit] = max(likeness.get(unit, 0.0), 1.0 if begins else ratio)
    best = sorted(likeness.values())[-3:]
    chosen = re.findall(r"\((GM\d+)\)", told)
    assert sorted(likeness[unit] for unit in chosen) == pytest.approx(best)


def test_a_text_that_is_like_no_name_has_no_suggestions():
    told = identify(pd.Series(["zzzz", "q", "%"]), load_register(), "2022-03-01")
    assert (told["suggestions"] == "").all()
