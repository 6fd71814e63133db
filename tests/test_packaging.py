"""The files that say what is needed agree, and hold no addresses."""

import re
import tomllib

import yaml
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_conda_and_pyproject_ask_for_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    (pip,) = (entry["pip"] for entry in conda if isinstance(entry, dict))
    asked = {entry for entry in [*conda, *pip] if isinstance(entry, str)} - {"pip", "-e ."}
    said = {f"python{PROJECT['project']['requires-python']}"}
    said |= set(PROJECT["project"]["dependencies"]) | set(PROJECT["dependency-groups"]["dev"])
    assert asked == said


def test_the_lock_meets_every_requirement_and_has_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    assert "index" not in re.sub(r"^[a-z0-9._-]+==", "", lock, flags=re.MULTILINE)
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", lock, flags=re.MULTILINE))
    wanted = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    names = {re.split(r"[><=~\[; ]", entry)[0].lower() for entry in wanted}
    assert names <= pinned
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_what_installs_the_rest_is_pinned_too_by_its_hash():
    lock = (ROOT / "requirements-uv.lock").read_text("utf-8")
    assert re.findall(r"^([a-z]+)==[\d.]+ ", lock, flags=re.MULTILINE) == ["uv"]
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    installs = re.findall(r"pip install .*", (ROOT / "Makefile").read_text("utf-8"))
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


def test_there_is_no_lock_that_names_package_indexes():
    assert not (ROOT / "uv.lock").exists()
    assert "uv.lock" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
