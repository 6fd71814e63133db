"""Four studies whose tables and reports stay as they are until somebody means to change them.

``python tests/frozen.py`` runs them and tells what differs from ``tests/frozen/<study>.json``;
``--accept`` takes over what differs; ``--into FOLDER`` keeps the runs, to read and compare.
"""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy
import scipy
from commands import command
from small_studies import QUICK, Truth, add_notebooks, keep_one_language, make_study

from cycle_analysis.running.run import only_run
from cycle_analysis.study import Study, load_study

ROOT = Path(__file__).resolve().parents[1]
HASHES = ROOT / "tests" / "frozen"
ACCEPT = "python tests/frozen.py --accept"
OWN = "09_my_question"
"""A notebook that a study brings itself."""
SHOWN = 10
"""Files of one kind that a failure names."""
FOUR_PROFILES = QUICK | {
    "04_number_of_profiles": QUICK["04_number_of_profiles"] | {"max_profiles": "4"}
}


def _copy(name: str, home: Path) -> None:
    """A bundled study. `example`: 5 phases, roles, domains, 2 waves, its defaults."""
    shutil.copytree(ROOT / "data" / "raw" / name, home / "data" / "raw" / name)


def _make_continuum(home: Path) -> None:
    """Countries that differ in level only, in one wave, with a notebook of the study's own."""
    parameters = QUICK | {OWN: {"n_starts": "4"}}
    study = make_study(home, Truth(["2010"], "continuum", n_units=120), parameters=parameters)
    add_notebooks(study, OWN)


def _make_one_wave(home: Path) -> None:
    """Countries of four profiles in one wave: 4 phases, no roles."""
    make_study(home, Truth(["2010"], "profiles"), parameters=FOUR_PROFILES)


def _make_one_language(home: Path) -> None:
    """The same, told in Dutch alone: the shortest run with all steps."""
    study = make_study(home, Truth(["2010"], "profiles"), parameters=FOUR_PROFILES)
    keep_one_language(study.folder, "nl")


def _make_four_waves(home: Path) -> None:
    """Countries of four profiles in four waves, said to be real."""
    truth = Truth(["w1", "w2", "w3", "w4"], "profiles")
    make_study(home, truth, synthetic=False, parameters=FOUR_PROFILES)


MAKERS: dict[str, Callable[[Path], None]] = {
    "example": partial(_copy, "example"),
    "continuum": _make_continuum,
    "one_wave": _make_one_wave,
    "four_waves": _make_four_waves,
}
OTHERS: dict[str, Callable[[Path], None]] = {"one_language": _make_one_language}
"""Studies that tests read as well, of which nothing is frozen."""


@dataclass(frozen=True)
class FrozenRun:
    """A finished run of one of the studies. Others read it too: copy `home` to change it.

    Attributes
    ----------
    name : str
        Which of `MAKERS` it is, what ``tests/frozen/<name>.json`` is of; or of `OTHERS`.
    home : Path
        Folder with data/ and reports/.
    told : str
        What the command printed.
    """

    name: str
    home: Path
    told: str

    @property
    def study(self) -> Study:
        """The study, read anew."""
        return load_study(self._folder.name, self.home)

    @property
    def processed(self) -> Path:
        """Folder with its tables."""
        return self.home / "data" / "processed" / self._folder.name

    @property
    def reports(self) -> Path:
        """Folder with its reports."""
        return self.home / "reports" / self._folder.name

    @property
    def _folder(self) -> Path:
        (folder,) = (self.home / "data" / "raw").iterdir()
        return folder

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every table and report, by its place in the run.

        Not of PDFs, where the version of Python is packed away, nor of the manifest, which names
        the code.
        """
        tables = self.processed.rglob("*.csv")
        reports = [
            p for p in self.reports.glob("*.*") if p.suffix in (".html", ".docx", ".xlsx", ".csv")
        ]
        found = {f"processed/{p.relative_to(self.processed).as_posix()}": p for p in tables}
        found |= {f"reports/{path.name}": path for path in reports}
        return {place: _hash(path) for place, path in sorted(found.items())}


def make_run(name: str, folder: Path) -> FrozenRun:
    """Write a study's files in a folder of its own in `folder`, and run nothing."""
    home = folder / name
    home.mkdir(parents=True)
    (MAKERS | OTHERS)[name](home)
    return FrozenRun(name, home, "")


def finish_run(name: str, folder: Path) -> FrozenRun:
    """Run a study in a folder of its own in `folder`, or take the run that is there.

    Processes that ask for the same run at the same time wait for the first of them.

    Raises
    ------
    RuntimeError
        If the run failed, for the first and for those that waited.
    """
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    kept = home / "told.json"
    with only_run(home, lambda _: None):
        if not kept.exists():
            (MAKERS | OTHERS)[name](home)
            (made,) = (home / "data" / "raw").iterdir()
            kept.write_text(json.dumps(_tell(command("run", made.name, home=home))), "utf-8")
    told = json.loads(kept.read_text("utf-8"))
    if told["code"] != 0:
        raise RuntimeError(f"the run of {name} ended with {told['code']}:\n{told['errors']}")
    return FrozenRun(name, home, told["output"])


def kept_hashes(name: str) -> dict[str, str]:
    """Hashes that were accepted of a study; none if it is new."""
    path = HASHES / f"{name}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def tell_differences(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Say which files changed, came and went; nothing if all are the same."""
    kinds = {
        "changed": [place for place in old if place in new and old[place] != new[place]],
        "new": [place for place in new if place not in old],
        "gone": [place for place in old if place not in new],
    }
    lines = [line for kind, places in kinds.items() for line in _listed(kind, places)]
    if not lines:
        return ""
    accept = f"If that is meant: {ACCEPT} {name}, and say in the commit what changed and why."
    return "\n".join([f"{name} is not what it was.", *lines, accept])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies, tell what differs, and accept it when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"of {', '.join(MAKERS)}")
    parser.add_argument("--accept", action="store_true", help="write what was found as meant")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="new folder for the runs")
    options = parser.parse_args(arguments)
    names = options.studies or list(MAKERS)
    if unknown := set(names) - MAKERS.keys():
        parser.error(f"no such study: {', '.join(sorted(unknown))}")
    if options.into and options.into.exists():
        parser.error(f"{options.into} is there already; a run in it would be an old one")
    with tempfile.TemporaryDirectory() as passing:
        folder = (options.into or Path(passing)).resolve()
        return max([_compare(finish_run(name, folder), accept=options.accept) for name in names])


def _compare(run: FrozenRun, *, accept: bool) -> int:
    """Tell how a run differs from what was accepted; 1 if it does and still may not."""
    found = run.hashes()
    told = tell_differences(run.name, kept_hashes(run.name), found)
    print(told or f"{run.name} is what it was: {len(found)} files.", flush=True)
    if accept:
        HASHES.mkdir(exist_ok=True)
        (HASHES / f"{run.name}.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return int(bool(told) and not accept)


def _tell(ended: subprocess.CompletedProcess[str]) -> dict[str, str | int]:
    return {"code": ended.returncode, "output": ended.stdout, "errors": ended.stderr}


def _listed(kind: str, places: Sequence[str]) -> list[str]:
    more = [f"  … and {len(places) - SHOWN} more"] if len(places) > SHOWN else []
    shown = [f"  {place}" for place in places[:SHOWN]]
    return [f"{len(places)} {kind}:", *shown, *more] if places else []


def _hash(path: Path) -> str:
    """Hash a file without the versions in it that differ by Python: the lock fixes all others.

    Of an archive its parts are hashed, which machines may pack in different ways; not pictures
    made of dots, which processors may round in different ways.
    """
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            names = [name for name in parts.namelist() if not name.endswith(".png")]
            content = b"".join(name.encode() + parts.read(name) for name in names)
    for version in (platform.python_version(), numpy.__version__, scipy.__version__):
        content = content.replace(version.encode(), b"(by Python)")
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
