"""Prove that a report comes from its exports: compare what lies there, and run it all anew.

What lies there is held against the manifest, then the study runs in a passing folder, with the
parameters that the manifest says were given. A file is *same* when it lies there, and comes out
again, as the manifest has it.
"""

import csv
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

from cycle_analysis.problems import first_five
from cycle_analysis.results import ROBUSTNESS, Results
from cycle_analysis.running import gather_parameters, notebook_folder
from cycle_analysis.running.manifest import (
    FILES,
    NOTED,
    SETTINGS,
    Sections,
    describe,
    input_files,
    made_files,
    noted,
)
from cycle_analysis.running.run import only_run, run_study, tell_error, use_own_scratch
from cycle_analysis.study import Study, check_raw_files, load_study
from cycle_analysis.whole_files import make_private, unwritable

MADE = ("tables", "executed", "reports")
SHOWN = 60
"""Letters of a line that a difference shows."""
Found = tuple[Sections, Mapping[str, Mapping[str, Path]]]
"""What is found somewhere: hashes of files, and the files, by section and name."""


@dataclass(frozen=True)
class Line:
    """What became of one thing that a manifest names.

    Attributes
    ----------
    status : str
        ``same``, ``changed``, ``new`` or ``gone``; ``stopped`` of a run; ``noted`` of what differs
        and stands in the way of no proof.
    name : str
        What it is, and which: ``table 2018/02_scores/scores.csv``.
    told : str
        The first difference, and the likely cause.
    """

    status: str
    name: str
    told: str = ""

    def __str__(self) -> str:
        return f"{self.status:8}{self.name}" + (f": {self.told}" if self.told else "")

    @property
    def is_proof(self) -> bool:
        """Whether it stands in the way of nothing."""
        return self.status in ("same", "noted")


def verify(study: Study, home: Path, manifest: Sections, *, quick: bool = False) -> list[Line]:
    """Hold a study against a manifest.

    Parameters
    ----------
    study : Study
    home : Path
        Folder with data/ and reports/.
    manifest : dict of section to dict of name to value
        As `read_manifest` gives it.
    quick : bool
        Look at what lies there, and run nothing.

    Returns
    -------
    list of Line
        What the run is made with, as far as it differs, then each file.

    Raises
    ------
    InputError
        If the study cannot be read or run.
    """
    check_raw_files(study)
    here = _describe(study, home, manifest)
    lying, settings = _files_of(study, home), list(_settings(manifest, here))
    if quick:
        return [*settings, *_files(manifest, (here, lying), (here, lying))]
    folder = home / "data" / "processed" / study.name
    try:
        make_private(folder, folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    with (
        only_run(folder, print),
        tempfile.TemporaryDirectory(dir=use_own_scratch(folder)) as passing,
    ):
        again, stopped = _run_anew(study, home, Path(passing), manifest)
        fresh = _describe(again, Path(passing), manifest)
        if not any(lying[section] for section in MADE):  # somebody else's results
            here |= {section: fresh[section] for section in MADE}
        made = (fresh, _files_of(again, Path(passing)))
        return [*settings, *_files(manifest, (here, lying), made), *stopped]


def _describe(study: Study, home: Path, manifest: Sections) -> Sections:
    notebooks, given = notebook_folder(home), _unflatten(manifest["given"])
    parameters = gather_parameters(study, notebooks, given)
    return describe(study, home, notebooks, parameters, given) | noted()


def _unflatten(given: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        step, _, parameter = name.partition(".")
        found.setdefault(step, {})[parameter] = str(value)
    return found


def _run_anew(
    study: Study, home: Path, passing: Path, manifest: Sections
) -> tuple[Study, list[Line]]:
    """Run a copy of the study in a passing folder; tell what stopped it."""
    try:
        shutil.copytree(study.folder, passing / "data" / "raw" / study.name)
        shutil.copytree(notebook_folder(home), passing / "notebooks")
    except OSError as error:
        raise unwritable(passing, error) from error
    again = load_study(study.name, passing)
    run = partial(run_study, again, passing, _unflatten(manifest["given"]))
    outcome = run()
    has_grid = any(Path(name).parent.name == ROBUSTNESS for name in manifest["tables"])
    if has_grid and not outcome.failed:
        from cycle_analysis.robustness.run import open_grid, run_grid  # heavy: only when needed

        results = Results(passing / "data" / "processed" / again.name, again)
        run_grid(open_grid(again, results), n_workers=os.cpu_count() or 1)
        outcome = run()
    told = "\n".join(tell_error(error) for error in outcome.errors)
    return again, [Line("stopped", "the run made anew", told)] if outcome.failed else []


def _files_of(study: Study, home: Path) -> dict[str, dict[str, Path]]:
    return {"inputs": input_files(study), **made_files(study, home)}


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = sorted(then.keys() | now.keys())
    return [name for name in names if then.get(name) != now.get(name)]


def _settings(manifest: Sections, here: Sections) -> Iterator[Line]:
    """Tell what a run is made with, as far as it differs."""
    for section, word in SETTINGS.items():
        for name in _differing(manifest[section], here[section]):
            then, now = (of[section].get(name, "nothing") for of in (manifest, here))
            told = f"{then} in the manifest, {now} here"
            status = "noted" if section in NOTED else "changed"
            yield Line(status, f"{word} {name}", told)


def _files(manifest: Sections, lying: Found, made: Found) -> Iterator[Line]:
    """Tell of each file whether it lies there, and comes out, as the manifest has it."""
    (here, here_files), (fresh, fresh_files) = lying, made
    causes = [line.name for line in _settings(manifest, here) if not line.is_proof]
    for section in ("inputs", "notebooks"):
        names = _differing(manifest[section], here[section])
        causes += [f"{FILES[section]} {name}" for name in names]
    for section, word in FILES.items():
        places, new_places = here_files.get(section, {}), fresh_files.get(section, {})
        for name in sorted({*manifest[section], *here[section], *fresh[section]}):
            said, lies, comes = (of[section].get(name) for of in (manifest, here, fresh))
            told = []
            if not said == lies == comes and section in MADE:
                differ = lies and comes and lies != comes
                told = [first_difference(places[name], new_places[name])] if differ else []
                told.append(f"likely cause: {_cause(said, lies, comes, causes)}")
            yield Line(_status(said, lies, comes), f"{word} {name}", "; ".join(told))


def _status(said: str | None, lies: str | None, comes: str | None) -> str:
    """Name what became of a file by its hashes: in the manifest, lying there, and made anew."""
    if said is None:
        return "new"
    if lies is None or comes is None:
        return "gone"
    return "same" if said == lies == comes else "changed"


def _cause(said: str | None, lies: str | None, comes: str | None, causes: Sequence[str]) -> str:
    if said == comes != lies:
        return "tampering, as made anew it is what the manifest says"
    if causes:
        return first_five(causes)
    if said == lies:
        return "another machine, system or BLAS, as nothing that decides more differs"
    return "tampering with it or with the manifest, as nothing else differs"


def first_difference(lying: Path, made: Path) -> str:
    """Tell the first place where two files differ: line and column of a csv, else the line.

    Parameters
    ----------
    lying, made : Path
        The file as it lies there, and as it comes out.
    """
    ours, theirs = (path.read_bytes().decode("utf-8", "replace") for path in (lying, made))
    lines = enumerate(zip_longest(ours.split("\n"), theirs.split("\n"), fillvalue=""), start=1)
    at, here, anew = next(((n, *pair) for n, pair in lines if pair[0] != pair[1]), (0, "", ""))
    where = f"line {at}"
    if lying.suffix == ".csv":
        heads = next(csv.reader(ours.split("\n")[:1]), [])
        rows = [next(csv.reader([line]), []) for line in (here, anew)]
        cells = zip_longest(heads, *rows, fillvalue="nothing")
        column, here, anew = next((cell for cell in cells if cell[1] != cell[2]), ("", here, anew))
        where += f", column {column}"
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(here, anew, strict=False))
    begin = len(list(alike)) if len(here + anew) > SHOWN else 0
    return f"{where}: {here[begin:][:SHOWN]!r} lies there, {anew[begin:][:SHOWN]!r} comes out"
