import os
import sys
import warnings
import zipfile
from xml.sax.saxutils import escape

import pandas as pd
import pytest
from commands import called, command

from cycle_analysis.problems import InputError
from cycle_analysis.responses.coded import read_all_responses
from cycle_analysis.study import load_study
from cycle_analysis.units import (
    has_municipalities,
    load_register,
    population,
    read_register,
    study_register,
)
from cycle_analysis.units.harmonisation import harmonise, panel_coverage
from cycle_analysis.units.identification import identify
from cycle_analysis.units.maps import study_tiles
from cycle_analysis.units.register_years import (
    extend,
    fetch_to_file,
    read_year,
    write_register,
)
from cycle_analysis.waves import link_units

REGISTER = load_register()
NOW = REGISTER.on("2026-01-01")


PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Target="xl/workbook.xml" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="Gemeenten" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Target="worksheets/sheet1.xml" Type="http://schemas.openxmlformats'
        '.org/officeDocument/2006/relationships/worksheet"/></Relationships>'
    ),
}


def workbook(path, table):
    """A workbook in the form of 'Gemeenten alfabetisch': codes also as numbers."""
    names = ["Gemeentecode", "GemeentecodeGM", "Gemeentenaam", "Provinciecode",
             "ProvinciecodePV", "Provincienaam"]  # fmt: skip
    rows = [names] + [
        [int(code[2:]), code, name, 20, "PV20", province]
        for code, name, province in table.itertuples()
    ]
    cells = [
        "".join(
            f"<c><v>{cell}</v></c>"
            if isinstance(cell, int)
            else f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
            for cell in row
        )
        for row in rows
    ]
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + "".join(f"<row>{row}</row>" for row in cells)
        + "</sheetData></worksheet>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in PARTS.items() | {("xl/worksheets/sheet1.xml", sheet)}:
            archive.writestr(name, text)
    return path


def shown_table(path, cells):
    """A StatLine table as shown: title rows, periods, a last line with the source."""
    lines = ['"Bevolkingsontwikkeling; regio per jaar"', '"Onderwerp";"";"Bevolking op 1 januari"',
             '"Regio\'s";"Perioden";"aantal"']  # fmt: skip
    lines += [f'"{region}";"{period}";"{number}"' for region, period, number in cells]
    path.write_text("\n".join([*lines, '"Bron: CBS"']), encoding="utf-8-sig")
    return path


def year_2027():
    """The municipalities of 2026 with an invented merger and an invented new name."""
    units = NOW.drop(index=["GM1696"]).drop(columns="size_class")
    units.loc["GM0358", "name"] = "Aalsmeer aan Zee"
    return units


def events_2027(path):
    path.write_text("date,from_unit,to_unit,share,persons\n2027-01-01,GM1696,GM0402,1,25000\n")
    return path


def test_the_yearly_workbook_is_read(tmp_path):
    path = workbook(tmp_path / "gemeenten.xlsx", NOW[["name", "province"]])
    pd.testing.assert_frame_equal(
        read_year([path], REGISTER, 2026), NOW[["name", "province"]].sort_index(), check_like=True
    )


def test_a_statline_table_with_names_is_read_for_the_year_asked(tmp_path):
    cells = [("Amsterdam", "2026*", "942000"), ("Amsterdam", "2025", "934526"),
             ("'s-Gravenhage (gemeente)", "2025", "568.945")]  # fmt: skip
    path = shown_table(tmp_path / "statline.csv", cells)
    table = read_year([path], REGISTER, 2025)
    assert table["population"].to_dict() == {"GM0363": 934526, "GM0518": 568945}
    assert read_year([path], REGISTER, 2026)["population"].tolist() == [942000]


def test_a_statline_data_set_with_padded_codes_is_read(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(
        '"ID";"RegioS";"Perioden";"BevolkingOp1Januari_1"\n'
        '0;"NL01  ";"2025JJ00";"18044027"\n1;"GM0363  ";"2025JJ00";"934526"\n'
        '2;"GM0034  ";"2025JJ00";"    ."\n'
    )
    assert read_year([path], REGISTER, 2025)["population"].to_dict() == {"GM0363": 934526}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a;b\n1;2\n", "none holds municipalities"),
        ("RegioS;Perioden;Bevolking\nGM0363;2025;1\n", "'2020': is not in it. Allowed: 2025"),
        ("RegioS;Bevolking\nGM0363;1\nGM0363;2\n", "'GM0363': is there twice"),
        ("Regio's;Bevolking\nNederland;1\n", "'Nederland': is not in the register"),
    ],
)
def test_a_file_without_municipalities_is_refused_with_the_reason(tmp_path, text, message):
    path = tmp_path / "cbs.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_year([path], REGISTER, 2020)


def test_a_workbook_that_is_none_is_refused(tmp_path):
    path = tmp_path / "cbs.xlsx"
    path.write_text("x")
    with pytest.raises(InputError, match="save it again as"):
        read_year([path], REGISTER, 2026)
    with pytest.raises(InputError, match="absent"):
        read_year([tmp_path / "absent.csv"], REGISTER, 2026)


def test_extending_to_2027_needs_a_list_and_one_line_of_events(tmp_path):
    units = year_2027().assign(population=20_000)
    later = extend(REGISTER, units, 2027, events_2027(tmp_path / "e.csv"))
    assert len(later.on("2027-03-01")) == 341
    assert later.on("2027-03-01")["size_class"].unique().tolist() == [4]
    assert len(later.on("2026-12-31")) == 342
    crosswalk = harmonise(["GM1696", "GM0402", "GM0457"], "2022-03-01", "2027-03-01", later)
    assert crosswalk["to_unit"].tolist() == ["GM0402", "GM0402", "GM0363"]
    assert crosswalk["kind"].tolist() == ["merged", "grown", "merged"]


def test_a_new_name_of_an_old_code_begins_on_the_first_of_january(tmp_path):
    later = extend(REGISTER, year_2027(), 2027, events_2027(tmp_path / "e.csv"))
    names = [later.on(day).loc["GM0358", "name"] for day in ("2026-12-31", "2027-01-01")]
    assert names == ["Aalsmeer", "Aalsmeer aan Zee"]
    found = identify(pd.Series(["Aalsmeer", "Aalsmeer aan Zee"]), later, "2027-01-01")
    assert found["unit"].tolist() == ["GM0358", "GM0358"]


def test_a_new_code_begins_on_the_day_of_its_event(tmp_path):
    units = NOW.drop(index=["GM1696", "GM0402"])
    units.loc["GM2999"] = ["Nieuwstad", "Noord-Holland", 5]
    units["population"] = 60_000
    events = tmp_path / "e.csv"
    events.write_text(
        "date,from_unit,to_unit\n2026-07-01,GM1696,GM2999\n2026-07-01,GM0402,GM2999\n"
    )
    later = extend(REGISTER, units, 2027, events)
    assert "GM2999" in later.on("2026-07-01").index
    assert "GM0402" not in later.on("2026-07-01").index


def test_what_vanished_or_appeared_without_event_is_named():
    units = NOW.drop(index=["GM1696"])
    with pytest.raises(InputError, match="'GM1696': vanished, and no event says how"):
        extend(REGISTER, units, 2027)
    units = NOW.rename(index={"GM1696": "GM2999"}).assign(population=30_000)
    with pytest.raises(InputError) as caught:
        extend(REGISTER, units, 2027)
    assert [problem.value for problem in caught.value.problems] == ["GM1696", "GM2999"]
    lacking = "'GM2999': is new, and no file has its name and province and population"
    with pytest.raises(InputError, match=lacking):
        extend(REGISTER, units[["size_class"]], 2027)


def test_populations_alone_extend_the_size_classes_and_change_nothing_else():
    persons = pd.DataFrame({"population": 300_000}, index=NOW.index)
    later = extend(REGISTER, persons, 2027)
    assert later.on("2027-01-01")["size_class"].unique().tolist() == [8]
    pd.testing.assert_frame_equal(later.on("2026-01-01"), NOW)


def test_a_name_in_another_spelling_is_not_a_new_name():
    units = NOW.assign(name=NOW["name"].replace("Groningen", "Groningen (gemeente)"))
    later = extend(REGISTER, units, 2027)
    assert later.on("2027-01-01").loc["GM0014", "name"] == "Groningen"


class StatLine:
    """Stands for the service of CBS, which tests do not call: answers as its tables do."""

    def __init__(self, rows):
        self.rows = rows

    def download_data(self, table, typed, select, filters):
        assert table == "37259eng"
        assert typed
        assert "Periods eq '2027JJ00'" in filters
        if isinstance(self.rows, Exception):
            raise self.rows
        regions = [{"Key": "GM0014  ", "Title": "Groningen (gemeente)"},
                   {"Key": "GM0363  ", "Title": "Amsterdam"}]  # fmt: skip
        return {"TypedDataSet": [dict(zip(select, row, strict=True)) for row in self.rows],
                "Regions": regions}  # fmt: skip


@pytest.fixture
def statline(monkeypatch):
    """Let CBS answer with the rows that are given."""
    return lambda rows: monkeypatch.setitem(sys.modules, "cbsodata", StatLine(rows))


def test_municipalities_fetched_online_have_code_name_and_population(statline, tmp_path):
    rows = [("GM0363  ", "2027JJ00", 950_000), ("GM0014  ", "2027JJ00", 250_000),
            ("GM0457  ", "2027JJ00", None)]  # fmt: skip
    statline(rows)
    assert fetch_to_file(2027, tmp_path / "fetched.csv") == 2
    table = pd.read_csv(tmp_path / "fetched.csv", index_col="code")
    assert table["municipality"].to_dict() == {"GM0014": "Groningen", "GM0363": "Amsterdam"}
    assert table["population"].tolist() == [250_000, 950_000]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ConnectionError("no route"), "cannot be reached; this machine may be offline"),
        (ImportError("cbsodata"), "the optional package cbsodata is not installed"),
        ([], "'2027': has no figures for this year"),
    ],
)
def test_fetching_says_clearly_why_it_cannot(statline, tmp_path, rows, message):
    statline(rows)
    with pytest.raises(InputError, match=message):
        fetch_to_file(2027, tmp_path / "fetched.csv")


def test_extending_leaves_the_given_register_as_it_was(tmp_path):
    before = REGISTER.units.copy(), REGISTER.size_classes.copy()
    extend(REGISTER, year_2027(), 2027, events_2027(tmp_path / "e.csv"))
    pd.testing.assert_frame_equal(REGISTER.units, before[0])
    pd.testing.assert_frame_equal(REGISTER.size_classes, before[1])


def test_a_year_that_the_register_reaches_already_is_refused():
    with pytest.raises(InputError, match="'2026': is not later than the register's last, 2026"):
        extend(REGISTER, NOW, 2026)


def test_names_and_populations_of_two_files_are_joined(tmp_path):
    book = workbook(tmp_path / "g.xlsx", NOW[["name", "province"]])
    statline = tmp_path / "s.csv"
    lines = [f"{unit};2027JJ00;4000" for unit in NOW.index]
    statline.write_text("\n".join(["RegioS;Perioden;BevolkingOp1Januari_1", *lines]))
    units = read_year([book, statline], REGISTER, 2027)
    assert set(units) >= {"name", "province", "population"}
    assert extend(REGISTER, units, 2027).on("2027-01-01")["size_class"].eq(1).all()
    statline.write_text("\n".join(["RegioS;Perioden;BevolkingOp1Januari_1", *lines[1:]]))
    with pytest.raises(InputError, match=r"s\.csv, municipalities: 'GM\d+': lists other"):
        read_year([book, statline], REGISTER, 2027)


def test_a_written_register_is_read_again_as_it_was(tmp_path):
    later = extend(REGISTER, year_2027(), 2027, events_2027(tmp_path / "e.csv"))
    files = tmp_path / "units.csv", tmp_path / "events.csv"
    write_register(later, *files)
    again = read_register(*files)
    order = ["date", "from_unit", "to_unit"]
    pd.testing.assert_frame_equal(
        again.events.sort_values(order, ignore_index=True),
        later.events.sort_values(order, ignore_index=True),
        check_dtype=False,
    )
    for day in ("2016-01-01", "2022-03-24", "2026-12-31", "2027-01-01"):
        pd.testing.assert_frame_equal(again.on(day), later.on(day), check_dtype=False)
    values = pd.Series(["Den Haag", "Aalsmeer", "Bergen", "Uithoorn"])
    days = dict(register=again, date="2027-02-01"), dict(register=later, date="2027-02-01")
    pd.testing.assert_frame_equal(*(identify(values, **day) for day in days))
    with pytest.raises(InputError, match=r"units\.csv, file: is there already"):
        write_register(later, *files)


def test_an_event_without_persons_counts_predecessors_alike(tmp_path):
    events = tmp_path / "e.csv"
    events.write_text("date,from_unit,to_unit\n2027-01-01,GM1696,GM0402\n")
    later = extend(REGISTER, year_2027(), 2027, events)
    covered = panel_coverage(["GM0402"], "2026-05-01", "2027-05-01", later)["covered"]
    assert covered.to_dict() == {"GM0402": 0.5}
    partly = extend(REGISTER, year_2027(), 2027, events_2027(events))
    covered = panel_coverage(["GM0402"], "2026-05-01", "2027-05-01", partly)["covered"]
    assert covered.to_dict() == {"GM0402": 0.5}


def test_what_is_fetched_is_a_file_that_extends_the_register(statline, tmp_path):
    statline([(f"{unit}  ", "2027JJ00", 30_000) for unit in NOW.index])
    path = tmp_path / "fetched.csv"
    assert fetch_to_file(2027, path) == 342
    units = read_year([path], REGISTER, 2027)
    assert units["population"].eq(30_000).all()
    assert extend(REGISTER, units, 2027).on("2027-01-01")["size_class"].eq(4).all()
    with pytest.raises(InputError, match=r"fetched\.csv, file: is there already"):
        fetch_to_file(2027, path)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ImportError('x')", "the optional package cbsodata is not installed. Install it"),
        (
            "def download_data(*_, **__): raise ConnectionError('no route')",
            "cannot be reached; this machine may be offline (ConnectionError)",
        ),
    ],
)
def test_the_command_says_without_a_traceback_that_it_cannot_fetch(
    home, tmp_path_factory, monkeypatch, code, message
):
    folder = tmp_path_factory.mktemp("service")
    (folder / "cbsodata.py").write_text(code)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), before]))
    told = command("fetch-register", "2027", home=home)
    assert told.returncode == 2
    assert message in told.stderr
    assert "extend-register" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_study_is_brought_to_2027_by_files_alone(home, tmp_path, edit):
    book = workbook(tmp_path / "g.xlsx", year_2027()[["name", "province"]])
    told = called("extend-register", "example", "2027", str(book), home=home)
    assert told.returncode == 2
    assert "'GM1696': vanished, and no event says how" in told.stderr
    assert "--events" in told.stderr
    events = str(events_2027(tmp_path / "e.csv"))
    told = called("extend-register", "example", "2027", str(book), "--events", events, home=home)
    assert told.returncode == 0, told.stderr
    assert "341 municipalities on 1 January 2027" in told.stdout
    edit("study.yaml", "register: municipalities", "register: municipalities_2027.csv")
    edit("study.yaml", 'events: ""', "events: municipality_events_2027.csv")
    edit("2022/wave.yaml", '"2022-04-04"', '"2027-04-04"')
    edit("2022/wave.yaml", '"2022-06-17"', '"2027-06-17"')
    study = load_study("example", home)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        units, by = population(study, "2022")
    assert (len(units), by) == (341, ["size", "region"])
    assert has_municipalities(study)
    assert len(study_tiles(study, "2022").outlines) == 341
    answered = {wave: read.respondents["unit"] for wave, read in read_all_responses(study).items()}
    days = {wave: str(study.wave(wave).fieldwork.start) for wave in study.waves}
    links = link_units(answered, days, study_register(study))
    assert links.loc["2018"].loc["GM1696", "to_unit"] == "GM0402"


def test_a_year_or_a_file_that_is_none_is_told_by_the_called(home, tmp_path):
    told = called("extend-register", "example", "next", "g.xlsx", home=home)
    assert (told.returncode, "'next' is no whole number" in told.stderr) == (2, True)
    told = called("extend-register", "example", "2027", "absent.xlsx", home=home)
    assert told.returncode == 2
    assert "absent.xlsx, file" in told.stderr
    assert "Traceback" not in told.stderr
