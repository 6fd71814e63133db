"""An installed wheel runs a study in a folder that holds nothing else."""

import os
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT
from frozen import kept_hashes, make_run

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


def command(installed, *arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", "cycle_analysis", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_a_study_to_the_same_bytes(installed, tmp_path):
    run = make_run("one_wave", tmp_path)
    ended = command(installed, "run", run.study.name, cwd=run.home)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert run.hashes() == kept_hashes("one_wave")


def test_it_copies_its_notebooks_and_never_over_those_of_somebody(installed, tmp_path):
    copied = command(installed, "notebooks", "mine", cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()
    again = command(installed, "notebooks", "mine", cwd=tmp_path)
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
