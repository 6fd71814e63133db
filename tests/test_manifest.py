"""A run says what it was made of, and anybody can prove it or find what was tampered with."""

import ast
import hashlib
import json
import re
import sys
from importlib import metadata

import pytest
from commands import called
from conftest import ROOT

from cycle_analysis.running.manifest import LIBRARIES


@pytest.fixture
def home(frozen_run, make_copy):
    """A copy of a home folder in which a small study has run, to tamper with."""
    return make_copy(frozen_run("one_wave"))


def manifest_of(home, study="small"):
    return json.loads((home / "reports" / study / "manifest.json").read_text("utf-8"))


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def edit_processed(place, old, new):
    return lambda home: edit(home / "data" / "processed" / "small" / place, old, new)


def edit_study(old, new):
    return lambda home: edit(home / "data" / "raw" / "small" / "study.yaml", old, new)


def edit_manifest(section, name, value):
    def tamper(home):
        found = manifest_of(home)
        assert name in found[section]
        found[section][name] = value
        (home / "reports" / "small" / "manifest.json").write_text(json.dumps(found), "utf-8")

    return tamper


TAMPERED = {
    "a table": (
        edit_processed("2010/03_cycle/curve.csv", "1", "2"),
        "changed table 2010/03_cycle/curve.csv: likely cause: tampering",
    ),
    "what made a table": (
        edit_processed("2010/03_cycle/result.json", '"version"', '"Version"'),
        "changed table 2010/03_cycle/result.json",
    ),
    "a table too many": (
        lambda home: (home / "data/processed/small/2010/03_cycle/mine.csv").write_text("a"),
        "new     table 2010/03_cycle/mine.csv",
    ),
    "a table too few": (
        lambda home: (home / "data/processed/small/2010/03_cycle/curve.csv").unlink(),
        "gone    table 2010/03_cycle/curve.csv",
    ),
    "a report": (
        lambda home: edit(home / "reports" / "small" / "report_nl.html", "<p>", "<p>Niet. "),
        "changed report report_nl.html",
    ),
    "a parameter": (
        edit_study("max_profiles: '4'", "max_profiles: '5'"),
        "changed parameter 04_number_of_profiles.max_profiles: 4 in the manifest, 5 here",
    ),
    "a seed": (
        edit_study("06_validity:\n", "06_validity:\n    seed: '1'\n"),
        "changed seed 06_validity.seed: 2018 in the manifest, 1 here",
    ),
    "an export": (
        lambda home: edit(home / "data" / "raw" / "small" / "2010" / "responses.csv", "3", "2"),
        "changed input 2010/responses.csv",
    ),
    "a library": (
        edit_manifest("libraries", "scipy", "1.2.3"),
        f"changed library scipy: 1.2.3 in the manifest, {metadata.version('scipy')} here",
    ),
    "Python": (
        edit_manifest("libraries", "Python", "3.9.1"),
        "changed library Python: 3.9.1 in the manifest",
    ),
    "the manifest": (
        edit_manifest("reports", "report_nl.html", "0" * 64),
        "changed report report_nl.html: likely cause: tampering with it or with the manifest",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_found_by_name(home, what):
    tamper, line = TAMPERED[what]
    tamper(home)
    told = called("verify", "small", "--quick", home=home)
    assert told.returncode == 1
    assert f"\n{line}" in f"\n{told.stdout}"


def test_other_files_of_a_user_and_another_commit_stand_in_the_way_of_no_proof(home):
    (home / "reports" / "small" / "notes.docx").write_bytes(b"mine")
    edit_manifest("source", "commit", "0" * 40)(home)
    told = called("verify", "small", "--quick", home=home)
    assert told.returncode == 0
    assert "noted   source commit: 000" in told.stdout
    assert re.search(r"^1 noted, \d{3} same\.$", told.stdout, re.MULTILINE)


def test_somebody_else_s_manifest_is_held_against_what_lies_here(home, tmp_path):
    theirs = tmp_path / "theirs.json"
    (home / "reports" / "small" / "manifest.json").rename(theirs)
    against = ("verify", "small", "--quick", "--against", str(theirs))
    assert called(*against, home=home).returncode == 0
    assert called("verify", "small", "--quick", home=home).returncode == 2


def test_the_example_is_what_its_manifest_says(frozen_run):
    run = frozen_run("example")
    told = called("verify", "example", "--quick", home=run.home)
    assert told.returncode == 0, told.stdout
    found = manifest_of(run.home, "example")
    report = (run.reports / "report_nl.html").read_bytes()
    assert found["reports"]["report_nl.html"] == hashlib.sha256(report).hexdigest()
    assert str(run.home) not in json.dumps(found)
    assert "/" + str(ROOT).strip("/") not in json.dumps(found)


def test_of_a_real_study_who_has_the_report_cannot_try_which_table_has_a_hash(frozen_run):
    run = frozen_run("four_waves")
    assert called("verify", "small", "--quick", home=run.home).returncode == 0
    found = manifest_of(run.home)
    place = "w1/05_profiles/profiles.csv"
    sizes = (run.processed / place).read_bytes()
    assert len(found["tables"][place]) == 64
    assert found["tables"][place] != hashlib.sha256(sizes).hexdigest()


@pytest.mark.parametrize("contents", ["", "{}", '{"study": 1}', "[]"])
def test_what_is_no_manifest_is_refused(home, contents):
    (home / "reports" / "small" / "manifest.json").write_text(contents, "utf-8")
    told = called("verify", "small", "--quick", home=home)
    assert told.returncode == 2
    assert "manifest.json, manifest: cannot be read as one" in told.stderr


def test_a_manifest_of_a_form_to_come_is_refused(home):
    edit_manifest("study", "form", 2)(home)
    told = called("verify", "small", "--quick", home=home)
    assert told.returncode == 2
    assert "manifest.json, study.form: '2': is not read. Allowed: 1." in told.stderr


def test_the_manifest_has_the_version_of_every_library_that_is_imported():
    modules = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    modules -= {*sys.stdlib_module_names, "cycle_analysis"}
    modules -= {"cbsodata", "dask"}  # extras: online only, and another way to the same numbers
    of = metadata.packages_distributions()
    imported = {re.sub("[._]+", "-", of[module][0]).lower() for module in modules}
    assert imported <= set(LIBRARIES)


def test_the_crate_describes_the_report_by_hash_for_archives_and_nothing_that_is_private(home):
    folder = home / "reports" / "small"
    text = (folder / "ro-crate-metadata.json").read_text("utf-8")
    crate = json.loads(text)
    assert crate["@context"] == "https://w3id.org/ro/crate/1.2/context"
    of = {entity["@id"]: entity for entity in crate["@graph"]}
    assert of["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    asked = {"name", "description", "datePublished", "license"}
    assert asked <= of["./"].keys(), "what RO-Crate asks of every crate"
    named = {part["@id"] for part in of["./"]["hasPart"]}
    assert named == {*manifest_of(home)["reports"], "manifest.json"}
    for name in named - {"manifest.json"}:
        assert of[name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    programs = [one for one in of.values() if one["@type"] == "SoftwareApplication"]
    assert all({"name", "url", "version"} <= one.keys() for one in programs)
    assert "cycle-analysis" in "".join(programs[0]["softwareRequirements"])
    linked = re.findall(r'"@id": "([^"]+)"', text)
    assert set(linked) <= {*of, "https://w3id.org/ro/crate/1.2"}
    assert str(home) not in text
    assert not set(manifest_of(home)["tables"].values()) & set(re.findall(r"[0-9a-f]{64}", text))
