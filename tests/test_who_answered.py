"""Who answered: units, roles and provinces as files really hold them, numbered on from the list."""

import pandas as pd
import pyreadstat
import pytest
from tiny_study import ITEMS, STUDY, answers, load, read, read_table, refused, told, write_study

from cycle_analysis.drafting.matching import match_columns
from cycle_analysis.problems import FIXED, KEPT, InputError
from cycle_analysis.readers import read_export
from cycle_analysis.study.files import Source
from cycle_analysis.units import load_register, read_register
from cycle_analysis.units.harmonisation import harmonise
from cycle_analysis.units.identification import identify
from cycle_analysis.waves import unchanged_units

ROLES = STUDY.replace(
    "  STR: {nl: Strategisch, en: Strategic}\n",
    '  "1": {nl: Strategisch, en: Strategic}\n  "2": {nl: Uitvoerend, en: Operational}\n',
)
PROVINCE = {"columns": {"province": "provincie"}}
LISTS = {
    "codes of others": {14: "Utrecht", 34: "Amsterdam", 37: "Almere", 59: "Rotterdam"},
    "numbers from 1": {1: "Utrecht", 2: "Amsterdam", 3: "Almere", 4: "Rotterdam"},
    "with their number": {14: "14 - Utrecht", 34: "(34) Amsterdam", 37: "37. Almere"},
    "in other words": {
        14: "Gem. Utrecht",
        34: "amsterdam ",
        37: "ALMERE",
        59: "Gemeente Rotterdam",
    },
}


def write_labelled(home, kind, column, numbers, labels, study=STUDY, **more):
    """Write an export in which one column holds numbers with value labels."""
    missing = more.pop("missing", None)
    path = write_study(home, f"r.{kind}", study=study, **more)
    given = [float(n) if isinstance(n, int) else n for n in numbers]
    table = answers(len(given), **{column: given})
    options = {"variable_value_labels": {column: labels}}
    if missing and kind == "sav":
        options["missing_ranges"] = {column: missing}
    if missing and kind == "dta":
        options["missing_user_values"] = {column: missing}
    writer = pyreadstat.write_sav if kind == "sav" else pyreadstat.write_dta
    writer(table, str(path), **options)
    return path


def units(responses):
    return responses.respondents["unit"].tolist()


@pytest.mark.parametrize("kind", ["sav", "dta"])
@pytest.mark.parametrize("numbered", LISTS)
def test_row_101_numbers_of_a_list_are_read_by_the_names_that_the_file_gives(
    tmp_path, kind, numbered
):
    labels = LISTS[numbered]
    write_labelled(tmp_path, kind, "gemeente", [*labels] * 3, labels)
    responses = read(tmp_path)
    names = ["GM0344", "GM0363", "GM0034", "GM0599"][: len(labels)]
    assert units(responses) == names * 3
    assert "read by label in the file" in told(responses, FIXED)


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_row_101_codes_with_the_names_of_their_units_stay_what_they_are(tmp_path, kind):
    labels = {363: "Amsterdam", 34: "Almere", 518: "Den Haag"}
    write_labelled(tmp_path, kind, "gemeente", [363, 34, 518, 344], labels)
    assert units(read(tmp_path)) == ["GM0363", "GM0034", "GM0518", "GM0344"]


@pytest.mark.parametrize(
    ("labels", "clash"),
    [
        ({363: "Utrecht", 344: "Almere"}, "'363': is the code of GM0363, but the file labels it"),
        ({34: "Almere", 14: "Utrecht"}, "'14': is the code of GM0014, but the file labels it"),
    ],
)
def test_row_101_a_code_and_a_label_of_different_units_are_refused(tmp_path, labels, clash):
    write_labelled(tmp_path, "sav", "gemeente", [*labels] * 2, labels)
    message = refused(tmp_path)
    assert clash in message
    assert "map" in message


def test_row_101_written_codes_with_labels_of_other_units_are_refused(tmp_path):
    write_labelled(tmp_path, "sav", "gemeente", ["GM0014", "GM0034"], {"GM0014": "Almere"})
    assert "'GM0014': is the code of GM0014, but the file labels it Almere" in refused(tmp_path)


def test_row_101_a_number_of_a_list_without_a_name_is_not_taken_for_a_code(tmp_path):
    write_labelled(tmp_path, "sav", "gemeente", [14, 34, 59], {14: "Utrecht", 34: "Amsterdam"})
    assert "'59': has no label in the file" in refused(tmp_path)


def test_row_101_a_map_goes_before_labels_and_may_name_them(tmp_path):
    columns = {"unit": {"source": "gemeente", "map": {"14": "GM0363", "Cluster West": "Almere"}}}
    labels = {14: "Utrecht", 34: "Cluster West", 59: "Rotterdam"}
    write_labelled(tmp_path, "sav", "gemeente", [14, 34, 59], labels, columns=columns)
    assert units(read(tmp_path)) == ["GM0363", "GM0034", "GM0599"]


def test_row_101_a_name_of_two_units_as_a_label_is_told_by_the_province(tmp_path):
    labels = {1: "Bergen", 2: "Utrecht"}
    path = write_study(tmp_path, "r.sav", {"province": "provincie"})
    table = answers(2, gemeente=[1.0, 2.0], provincie=["L", "Utrecht"]).replace("L", "Limburg")
    pyreadstat.write_sav(table, str(path), variable_value_labels={"gemeente": labels})
    assert units(read(tmp_path)) == ["GM0893", "GM0344"]


@pytest.mark.parametrize(
    ("numbers", "labels", "sure"),
    [
        ([14, 34, 37, 59], LISTS["codes of others"], True),
        ([14, 34, 37, 59], {}, False),
        ([14, 34, 363, 344], {363: "Utrecht"}, False),
        ([14, 34, 363, 344], {}, True),
        ([14, 34, 363, 99], {363: "Amsterdam", 99: "weet niet"}, True),
    ],
)
def test_row_101_a_new_wave_is_sure_of_a_unit_only_where_it_can_be(tmp_path, numbers, labels, sure):
    path = write_labelled(tmp_path, "sav", "gemeente", numbers * 3, labels)
    raw = read_export(path, Source(file=path.name))
    found = match_columns(raw, load(tmp_path), load_register(), "2022-03-01").found.get("unit")
    assert bool(found and found.sure) == sure


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_row_101_labels_of_roles_decide_and_a_role_that_is_another_is_refused(tmp_path, kind):
    columns = {"role": "rol"}
    more = {"study": ROLES, "columns": columns}
    write_labelled(tmp_path, kind, "rol", [5, 6, 5], {5: "strategisch", 6: "Operational"}, **more)
    assert read(tmp_path).respondents["role"].tolist() == ["1", "2", "1"]
    write_labelled(tmp_path, kind, "rol", [1, 2], {1: "Uitvoerend", 2: "Strategisch"}, **more)
    assert "'1': is the role 1, but the file labels it 'Uitvoerend'" in refused(tmp_path)


@pytest.mark.parametrize("code", [88, 96, 99, 777, 888])
@pytest.mark.parametrize("how", ["declared", "labelled", "range"])
def test_row_102_a_unit_that_is_declared_missing_is_no_unit_and_counted(tmp_path, code, how):
    labels = {363: "Amsterdam", 34: "Almere"} | ({code: "Weet niet"} if how == "labelled" else {})
    missing = {"declared": [code], "range": [{"lo": code - 1, "hi": code + 1}]}.get(how)
    numbers = [363, 34, code, code, 363]
    write_labelled(tmp_path, "sav", "gemeente", numbers, labels, missing=missing)
    responses = read(tmp_path)
    assert units(responses) == ["GM0363", "GM0034", "GM0363"]
    counted = responses.problems[responses.problems["problem"].str.contains("no unit and")]
    assert counted["n"].tolist() == [2]
    assert counted["rule"].str.contains("weet niet|declared", case=False).all()


def test_row_102_a_tagged_missing_unit_of_stata_is_no_unit(tmp_path):
    numbers, labels = [363, "a", 34], {363: "Amsterdam", "a": "weigert"}
    write_labelled(tmp_path, "dta", "gemeente", numbers, labels, missing=["a"])
    assert units(read(tmp_path)) == ["GM0363", "GM0034"]


@pytest.mark.parametrize("labelled", [True, False])
def test_row_102_roles_and_provinces_that_are_declared_missing_are_none(tmp_path, labelled):
    labels = {1: "Strategisch", 2: "weet niet" if labelled else "Uitvoerend"}
    missing = [] if labelled else [2]
    more = {"study": ROLES, "columns": {"role": "rol"}, "missing": missing}
    write_labelled(tmp_path, "sav", "rol", [1, 2, 2], labels, **more)
    responses = read(tmp_path)
    assert responses.respondents["role"].tolist() == ["1", "", ""]
    assert "is no role; these respondents count without one" in told(responses, FIXED)
    more = {"columns": {"province": "provincie"}, "missing": [99]}
    write_labelled(tmp_path, "sav", "provincie", [27, 99], {27: "Noord-Holland"}, **more)
    assert "is no province; these respondents count without one" in told(read(tmp_path), FIXED)


def test_row_102_a_map_may_say_that_a_code_is_missing(tmp_path):
    columns = {"unit": {"source": "gemeente", "map": {"888": "weet niet"}}}
    responses = read_table(tmp_path, answers(gemeente=["888", "GM0363"]), columns=columns)
    assert len(responses.respondents) == 11
    assert "1 respondent names no unit" in told(responses, KEPT)


def test_row_103_a_column_of_numbers_is_doubted_as_soon_as_one_is_no_code(tmp_path):
    numbers = [str(n) for n in (14, 34, 37, 59, 2, 5)] * 2
    message = refused(tmp_path, answers(gemeente=numbers))
    assert "'2': is not in the register" in message
    assert "14 as GM0014, 34 as GM0034, 37 as GM0037, 59 as GM0059" in message
    assert "the numbers may be those of a list" in message


@pytest.mark.parametrize("shape", ["{}", "{}.0", "{},00", " {} "])
def test_row_103_the_doubt_stays_when_the_one_number_is_mapped(tmp_path, shape):
    columns = {"unit": {"source": "gemeente", "map": {"2": "Utrecht"}}}
    table = answers(gemeente=[shape.format(n) for n in (14, 34, 37, 2)] * 3)
    assert "may only happen to be" in refused(tmp_path, table, columns=columns)
    every = {"2": "Utrecht", "14": "Almere", "34": "GM0014", "37": "Rotterdam"}
    columns["unit"]["map"] = every
    read_back = units(read_table(tmp_path, table, columns=columns))
    assert read_back[:4] == ["GM0034", "GM0014", "GM0599", "GM0344"]


def test_row_103_codes_that_no_list_would_reach_are_warned_of_once_the_odd_one_is_mapped(tmp_path):
    columns = {"unit": {"source": "gemeente", "map": {"9999": "Utrecht"}}}
    table = answers(gemeente=["363", "1680", "34", "9999"] * 3)
    responses = read_table(tmp_path, table, columns=columns)
    assert units(responses)[:4] == ["GM0363", "GM1680", "GM0034", "GM0344"]
    assert "may only happen to be" in told(responses, KEPT)


@pytest.mark.parametrize("odd", ["", "weet niet", "GM0344", "Utrecht", "0344"])
def test_row_103_what_is_missing_or_written_in_full_raises_no_doubt(tmp_path, odd):
    responses = read_table(tmp_path, answers(gemeente=["363", "34", "14", odd] * 3))
    assert "happen to be" not in told(responses)


@pytest.mark.parametrize(
    "text", ["NH", "nh", "N.H.", "PV27", "pv 27", "27", "27.0", "Noord-Holland", "noordholland",
             "NOORD HOLLAND", "Provincie Noord-Holland", "prov. Noord-Holland"],
)  # fmt: skip
def test_row_104_a_province_in_any_usual_shape_tells_two_units_apart(tmp_path, text):
    table = answers(gemeente=["Bergen"], provincie=[text])
    assert units(read_table(tmp_path, table, **PROVINCE))[0] == "GM0373"


@pytest.mark.parametrize(
    ("text", "name"),
    [("FR", "Fryslân"), ("Friesland", "Fryslân"), ("21", "Fryslân"), ("ZH", "Zuid-Holland"),
     ("Brabant", "Noord-Brabant"), ("PV20", "Groningen"), ("31", "Limburg"), ("Gld.", "Gelderland"),
     ("OV", "Overijssel"), ("Utr", "Utrecht"), ("Zeeland (provincie)", "Zeeland")],
)  # fmt: skip
def test_row_104_every_province_is_known_by_name_letters_and_number(text, name):
    from cycle_analysis.units.identification import find_provinces

    assert find_provinces([text], load_register()) == [name]


def test_row_104_a_map_on_province_is_applied(tmp_path):
    columns = {"province": {"source": "provincie", "map": {"7": "Limburg", "kust": "NH"}}}
    table = answers(gemeente=["Bergen", "Bergen"], provincie=["7", "Kust"])
    assert units(read_table(tmp_path, table, columns=columns))[:2] == ["GM0893", "GM0373"]


def test_row_104_numbers_of_provinces_with_labels_are_read_by_the_labels(tmp_path):
    path = write_study(tmp_path, "r.sav", {"province": "provincie"})
    table = answers(2, gemeente=["Bergen", "Bergen"], provincie=[1.0, 2.0])
    labels = {"provincie": {1: "Limburg", 2: "Noord-Holland"}}
    pyreadstat.write_sav(table, str(path), variable_value_labels=labels)
    assert units(read(tmp_path)) == ["GM0893", "GM0373"]


def test_row_104_what_is_no_province_is_refused_and_another_than_the_units_is_told(tmp_path):
    message = refused(tmp_path, answers(provincie=["Atlantis"]), **PROVINCE)
    assert "'Atlantis': is no province. Allowed: Drenthe, Flevoland" in message
    odd = read_table(tmp_path, answers(provincie=["Limburg", "UT"]), **PROVINCE)
    assert "1 unit does not lie in the province that the file gives" in told(odd, KEPT)


@pytest.mark.parametrize("text", ["363.0", "363,00", "363.00", "0363,0", "GM0363.0"])
def test_row_105_a_code_with_decimals_of_nothing_is_a_code(tmp_path, text):
    assert units(read_table(tmp_path, answers(gemeente=[text])))[0] == "GM0363"


@pytest.mark.parametrize("text", ["363,5", "363.000", "3.63", "34.000"])
def test_row_105_other_numbers_are_none(tmp_path, text):
    assert f"'{text}': is not in the register" in refused(tmp_path, answers(gemeente=[text]))


def own_register(folder, *codes):
    path = folder / "register.csv"
    rows = [f"{code},unit {place}" for place, code in enumerate(codes)]
    path.write_text("unit,name\n" + "\n".join(rows) + "\n")
    return read_register(path)


@pytest.mark.parametrize(
    ("codes", "text", "unit"),
    [
        (["04101", "13101"], "4101", "04101"),
        (["04101", "13101"], "4101.0", "04101"),
        (["04101", "13101"], 4101, "04101"),
        (["01", "2A", "2B"], "1", "01"),
        (["041", "0041"], "41", None),
        (["041", "41"], "41", "41"),
        (["041", "0041"], "00041", None),
    ],
)
def test_row_105_an_own_register_of_digits_regains_its_zeros_where_one_unit_can_be_meant(
    tmp_path, codes, text, unit
):
    found = identify(
        pd.Series([text], dtype="object"), own_register(tmp_path, *codes), "2022-01-01"
    )
    assert found["unit"].fillna("").tolist() == [unit or ""]


def test_row_105_regained_zeros_are_logged_once(tmp_path):
    study = STUDY.replace("roles:", "units: {register: register.csv}\nroles:")
    write_study(tmp_path, "r.csv", study=study)
    own_register(tmp_path / "data/raw/tiny", "04101", "04102", "13101")
    table = answers(gemeente=["4101", "4102", "13101"] * 4)
    responses = read_table(tmp_path, table, study=study)
    assert units(responses)[:3] == ["04101", "04102", "13101"]
    logged = responses.problems[responses.problems["rule"] == "code in another shape"]
    assert logged["value"].tolist() == ["4101 as 04101, 4102 as 04102"]


@pytest.mark.parametrize("ignored", [True, False])
def test_row_106_a_doubled_code_that_a_column_of_names_contradicts_is_told(tmp_path, ignored):
    names = load_register().on("2022-03-01")["name"].iloc[:12]
    codes = names.index.tolist()
    codes[4] = codes[3]
    table = answers(gemeente=codes, naam=names.tolist())
    responses = read_table(tmp_path, table, **({"ignore": ["naam"]} if ignored else {}))
    said = told(responses, KEPT)
    assert f"{names.iloc[4]} beside {codes[3]}" in said
    assert f"{codes[3]} stands in more than one row, where others have one" in said


@pytest.mark.parametrize(
    "beside",
    [
        ["GM0363", "GM0344", "GM0034", "GM0599"] * 3,
        ["Utrecht", "Almere", "Rotterdam", "Amsterdam"] * 3,
        ["noord", "zuid", "oost", "west"] * 3,
        [""] * 12,
    ],
    ids=["the same", "of another question", "no units", "empty"],
)
def test_row_106_a_column_that_names_the_same_or_asks_something_else_is_no_contradiction(
    tmp_path, beside
):
    responses = read_table(tmp_path, answers(naam=beside), ignore=["naam"])
    assert "names another unit" not in told(responses)


RECODED = "unit,name,valid_from,valid_until\nROM,Romania,,2020-01-01\nROU,Romania,2020-01-01,\n"
RECODED += "BUL,Bulgaria,,2021-01-01\nBGR,Bulgaria,2021-01-01,2022-01-01\nBG,Bulgaria,2022-01-01,\n"
RECODED += "MOL,Moldavia,,2020-06-01\nSRB,Serbia,,\n"
EVENTS = "date,from_unit,to_unit,share,kind\n2020-01-01,ROM,ROU,1,recode\n"
EVENTS += "2021-01-01,BUL,BGR,1,recode\n2022-01-01,BGR,BG,1,recode\n"


def read_recoded(folder, events, units=RECODED):
    (folder / "units.csv").write_text(units)
    (folder / "events.csv").write_text(EVENTS + events)
    return read_register(folder / "units.csv", folder / "events.csv")


@pytest.mark.parametrize(
    ("absorbed", "kind"), [("SRB", "unchanged"), ("ROM", None), ("ROU", "grown"), ("BG", None)]
)
def test_row_107_a_new_code_alone_leaves_a_unit_unchanged(tmp_path, absorbed, kind):
    heir = absorbed if kind == "grown" else "SRB"
    event = f"2020-06-01,MOL,{heir},1,\n"
    crosswalk = harmonise(["ROM", "BUL"], "2019-05-01", "2023-05-01", read_recoded(tmp_path, event))
    assert crosswalk["to_unit"].tolist() == ["ROU", "BG"]
    assert crosswalk["weight"].tolist() == [1, 1]
    assert crosswalk["kind"].tolist() == ["grown" if kind == "grown" else "unchanged", "unchanged"]


def test_row_107_a_unit_that_grew_before_its_new_code_has_grown(tmp_path):
    units = RECODED.replace("MOL,Moldavia,,2020-06-01", "MOL,Moldavia,,2020-06-01")
    register = read_recoded(tmp_path, "2020-06-01,MOL,BUL,1,\n", units)
    found = harmonise(["BUL", "MOL"], "2019-05-01", "2023-05-01", register)
    assert found["kind"].tolist() == ["grown", "merged"]


def test_row_107_a_recoded_unit_stays_in_the_headline(tmp_path):
    register = read_recoded(tmp_path, "2020-06-01,MOL,SRB,1,\n")
    first = harmonise(["ROM", "SRB"], "2019-05-01", "2023-05-01", register).assign(wave="a")
    last = harmonise(["ROU", "SRB"], "2023-05-01", "2023-05-01", register).assign(wave="b")
    assert unchanged_units(pd.concat([first, last])).tolist() == ["ROU"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("2020-06-01,MOL,SRB,1,recode\n", "'MOL': is no mere change of code"),
        ("2020-06-01,MOL,SRB,1,rename\n", "'rename': is no kind of event. Allowed: merger"),
    ],
)
def test_row_107_a_change_that_is_more_than_a_code_is_refused(tmp_path, event, message):
    with pytest.raises(InputError, match=message):
        read_recoded(tmp_path, event)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("gem. Utrecht", "GM0344"),
        ("Gem Utrecht", "GM0344"),
        ("Utrecht (stad)", "GM0344"),
        ("Utrecht stad", "GM0344"),
        ("Stad Groningen", "GM0014"),
        ("City of Groningen", "GM0014"),
        ("Groningen (gem.)", "GM0014"),
        ("gemeente  's Gravenhage", "GM0518"),
        ("Capelle aan den I Jssel", "GM0502"),
        ("Noord Oost Polder", "GM0171"),
        ("BergenopZoom", "GM0748"),
    ],
)
def test_row_107_names_with_their_kind_or_in_other_spaces_are_names(text, unit):
    found = identify(pd.Series([text]), load_register(), "2022-03-01")
    assert found["unit"].tolist() == [unit]


@pytest.mark.parametrize(("name", "text"), [("Concón", "CON CON"), ("Con-cón", "concon")])
def test_row_107_names_that_differ_in_spaces_or_hyphens_are_one(tmp_path, name, text):
    path = tmp_path / "r.csv"
    path.write_text(f"unit,name\nA,{name}\nB,Kansas\nC,Kansas City\n", "utf-8")
    texts = pd.Series([text, "Kansas City", "kansas", "Kansas-city"])
    assert identify(texts, read_register(path), "2022-01-01")["unit"].tolist() == list("ACBC")


WINTER = {"fieldwork": {"start": "2021-11-01", "end": "2022-02-01"}}


def test_row_108_answers_of_both_divisions_are_told_the_day_that_makes_all_valid(tmp_path):
    table = answers(gemeente=["Langedijk", "Heerhugowaard", "Dijk en Waard"])
    message = refused(tmp_path, table, **WINTER)
    assert "'Dijk en Waard': is not in force on 2021-11-01: begins 2022-01-01" in message
    assert "Write `units_on: 2022-01-01` under `fieldwork` in wave.yaml" in message
    days = {"fieldwork": WINTER["fieldwork"] | {"units_on": "2022-01-01"}}
    assert units(read_table(tmp_path, table, **days))[:3] == ["GM1980"] * 3


@pytest.mark.parametrize("end", ["2021-12-31", "2021-11-30"])
def test_row_108_a_unit_that_begins_after_the_fieldwork_is_not_helped_by_another_day(tmp_path, end):
    days = {"fieldwork": {"start": "2021-11-01", "end": end}}
    message = refused(tmp_path, answers(gemeente=["Dijk en Waard"]), **days)
    assert "units_on" not in message


def test_row_108_a_day_outside_the_fieldwork_is_refused(tmp_path):
    days = {"fieldwork": WINTER["fieldwork"] | {"units_on": "2023-01-01"}}
    assert "units_on 2023-01-01 lies outside" in refused(tmp_path, answers(), **days)


@pytest.mark.parametrize(
    "nothing", ["", "weet niet", "8", "n.v.t.", "-"], ids=["blank", "word", "code", "nvt", "dash"]
)
def test_row_109_rows_without_one_answer_are_in_no_count_and_told(tmp_path, nothing):
    table = answers(gemeente=["Almere", "Zwolle"])
    table.loc[[1, 5], list(ITEMS)] = nothing
    responses = read_table(tmp_path, table)
    assert len(responses.respondents) == len(responses.answers) == len(responses.reasons) == 10
    assert "GM0193" not in units(responses)
    said = told(responses, KEPT)
    assert "2 rows hold no answer to any item and are left out; with that 1 unit" in said


def test_row_109_an_open_answer_is_an_answer_and_one_of_a_column_that_is_no_item_is_none(tmp_path):
    table = answers(O1=["alles goed"], extra="x")
    table.loc[[0, 1], list(ITEMS)] = ""
    responses = read_table(tmp_path, table, columns={"O1": "O1"}, ignore=["extra"])
    assert len(responses.respondents) == 11
    assert responses.open_answers["O1"].iloc[0] == "alles goed"


def test_row_109_a_file_without_any_answer_is_refused(tmp_path):
    table = answers()
    table[list(ITEMS)] = ""
    assert "no row holds an answer" in refused(tmp_path, table)
