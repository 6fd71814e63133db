"""An installed wheel runs a study in a folder that holds nothing else."""

import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from commands import command
from conftest import ROOT

WHEEL = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*WHEEL, folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


NEWER = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
OTHER_PLACE = {
    "LC_ALL": "nl_NL.UTF-8",
    "TZ": "Asia/Kathmandu",
    "OMP_NUM_THREADS": "3",
    "PYTHONHASHSEED": "7",
    "NPY_DISABLE_CPU_FEATURES": " ".join(NEWER),
    "OPENBLAS_CORETYPE": "Sandybridge",
}
"""A processor that adds up fewer numbers at a time, in another order, has other last bits too."""


def test_it_runs_a_study_anew_to_the_same_bytes_whatever_its_place_language_and_processor(
    installed, frozen_run, make_copy, monkeypatch
):
    """That run was made by the sources, and all is the same but a table that was tampered with."""
    for name, value in OTHER_PLACE.items():
        monkeypatch.setenv(name, value)
    home = make_copy(frozen_run("one_language"))
    spread = home / "data" / "processed" / "small" / "2010" / "02_scores" / "spread.csv"
    text = spread.read_text("utf-8")
    spread.write_text(text.replace("\n1,18,19", "\n1,18,91"), "utf-8")
    assert spread.read_text("utf-8") != text
    told = command("verify", "small", home=home, package=installed)
    assert told.returncode == 1, told.stderr
    lines = [line for line in told.stdout.splitlines() if not line.startswith("  ")]
    aside = ("same    ", "noted   source ")  # a wheel knows no commit
    changed = [line for line in lines[:-1] if not line.startswith(aside)]
    assert len(changed) == 1, changed
    assert re.match(
        r"changed table 2010/02_scores/spread.csv: line 2, column level: '91[\d.]+' lies there, "
        r"'19[\d.]+' comes out; likely cause: tampering, as made anew it is what the manifest says",
        changed[0],
    )
    for name in ("report report_nl.html", "executed notebook 04_number_of_profiles_2010.ipynb"):
        assert f"same    {name}" in lines
    assert re.fullmatch(r"3 noted, \d{3} same, 1 changed\.", lines[-1])


def test_it_copies_its_notebooks_and_never_over_those_of_somebody(installed, tmp_path):
    copied = command("notebooks", str(tmp_path / "mine"), home=None, package=installed)
    assert copied.returncode == 0, copied.stderr
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()
    again = command("notebooks", str(tmp_path / "mine"), home=None, package=installed)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert "Traceback" not in again.stderr


def test_it_knows_that_it_is_the_wheel(installed, tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", "import cycle_analysis; print(cycle_analysis.__file__)"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith(str(installed))
