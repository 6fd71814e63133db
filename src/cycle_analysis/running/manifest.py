"""Say what a run was made of and what it made: ``reports/<study>/manifest.json``.

Its sections hold a value by name: hashes of files, parameters, seeds, versions. Two runs of the
same study by the same code and libraries have the same manifest, byte for byte, wherever they ran:
there are no times, no places of a machine and no contents in it.

A hash of a small table gives it away to whoever tries all tables it could be. So of a real study
the hashes of what is private, tables and executed notebooks, are keyed by the exports: who has
these can check every hash, and who has only the report learns nothing.

For archives the same is said in ``ro-crate-metadata.json``, RO-Crate 1.2 (Sefton et al. 2025), in
the words of schema.org that repositories read: the report in all its forms, its hashes, and the run
that made it. The day of publication, which a run cannot know, is the last day of the fieldwork
until the author changes it. roc-validator 0.13 finds no required check of ``ro-crate-1.2`` that
fails; it fetches the context from the web, so that no test asks it.
"""

import hashlib
import hmac
import json
import mimetypes
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import Any

import yaml

from cycle_analysis import __version__
from cycle_analysis.problems import InputError, refuse
from cycle_analysis.results import ROBUSTNESS, Results, Value
from cycle_analysis.running import NOTEBOOKS, SET_BY_THE_RUN, notebook_file, plan
from cycle_analysis.study import Study
from cycle_analysis.study.plan import flatten, plan_files
from cycle_analysis.whole_files import write_whole

FILE = "manifest.json"
FORM = 1
"""Of the file; another number is not read."""
LIBRARIES = (
    *("fonttools", "ipykernel", "ipython", "jinja2", "joblib", "jupyter-client"),
    *("markdown-it-py", "markupsafe", "matplotlib", "nbclient", "numpy", "pandas", "papermill"),
    *("pydantic", "pydantic-core"),
    *("pyreadstat", "pytask", "pytask-parallel", "python-calamine", "python-docx", "pyyaml"),
    *("scikit-learn", "scipy", "seaborn", "tqdm", "traitlets", "typst", "xlsxwriter"),
)
"""All that the package imports: another version of one may change a result."""
FILES = {
    "inputs": "input",
    "notebooks": "notebook",
    "tables": "table",
    "executed": "executed notebook",
    "reports": "report",
}
"""Sections of files, and what one of them is called."""
SETTINGS = {
    "parameters": "parameter",
    "seeds": "seed",
    "given": "parameter of the command line",
    "libraries": "library",
    "code": "code of this package",
    "source": "source",
    "blas": "linear algebra of",
    "study": "study",
}
"""Sections of what a run is made with, and what one of them is called."""
NOTED = ("source", "blas")
"""Sections that say where to look; what they decide about shows in the code and the files."""
FORMS = (
    *("report_{}.html", "annex_{}.html", "fit_{}.html", "report_{}.pdf", "report_{}.docx"),
    *("tables_{}.xlsx", "numbers_{}.csv"),
    *("figures/[A0-9][0-9]*_{}.svg", "figures/[A0-9][0-9]*_{}.png"),
)
"""Files of a report in one language."""
SEED = ".seed"
"""Last letters of parameters that are seeds."""
NOT_CHOSEN = tuple(f".{name}" for name in SET_BY_THE_RUN)
"""Last letters of parameters that the run fills in."""
Sections = dict[str, dict[str, Any]]
CRATE = "ro-crate-metadata.json"
CRATE_FORM = "https://w3id.org/ro/crate/1.2"
CRATE_PARTS = Path(__file__).with_name("crate.yaml")
Entity = dict[str, Any]


def write_manifest(study: Study, home: Path, sections: Sections) -> Path:
    """Write the manifest and the crate of a run that has ended well, as `describe` gives it."""
    folder, sections = home / "reports" / study.name, sections | noted()
    graph = {"@context": f"{CRATE_FORM}/context", "@graph": describe_crate(study, sections)}
    _write(folder / CRATE, graph)
    return _write(folder / FILE, sections, sort_keys=True)


def _write(path: Path, told: Mapping[str, Any], **form: Any) -> Path:
    contents = json.dumps(told, indent=1, ensure_ascii=False, **form) + "\n"
    return write_whole(path, contents.encode("utf-8"))


def read_manifest(path: Path) -> Sections:
    """Read a manifest.

    Raises
    ------
    InputError
        If it is not there, cannot be read, or has another form.
    """
    if not path.is_file():
        remedy = "`cycle-analysis run` writes it when it has ended well"
        raise refuse(path.name, "manifest", "", "is not there", "", remedy)
    try:
        found = json.loads(path.read_text("utf-8"))
        sections = {name: dict(found[name]) for name in (*FILES, *SETTINGS)}
    except (ValueError, KeyError, TypeError):
        remedy = "Take the file as a run wrote it"
        raise refuse(path.name, "manifest", "", "cannot be read as one", "", remedy) from None
    if sections["study"].get("form") != FORM:
        form, remedy = f"{sections['study'].get('form')}", "Use the version that wrote it"
        raise refuse(path.name, "study.form", form, "is not read", str(FORM), remedy)
    return sections


def describe(
    study: Study,
    home: Path,
    notebooks: Path,
    parameters: Mapping[str, Mapping[str, Value]],
    given: Mapping[str, Mapping[str, str]],
) -> Sections:
    """Describe what lies there of a study, and what it is made with, all but what is `noted`.

    Parameters
    ----------
    study : Study
    home : Path
        Folder with data/ and reports/.
    notebooks : Path
        Folder of the notebooks that run.
    parameters : mapping of notebook to mapping of name to value
        With which they run.
    given : mapping of notebook to mapping of name to text
        Those of the parameters that the command line gave.

    Returns
    -------
    dict of section to dict of name to value
    """
    key, made = private_key(study), made_files(study, home)
    flat = {n: value for n, value in flatten(parameters).items() if not n.endswith(NOT_CHOSEN)}
    names = (*NOTEBOOKS, *study.own_notebooks)
    return {
        "study": {"name": study.name, "form": FORM, "private hashes are keyed": bool(key)},
        "inputs": _hashed(input_files(study)),
        "notebooks": _hashed({f"{n}.ipynb": notebook_file(study, n, notebooks) for n in names}),
        "tables": _hashed(made["tables"], key),
        "executed": _hashed(made["executed"], key),
        "reports": _hashed(made["reports"]),
        "parameters": {name: flat[name] for name in flat if not name.endswith(SEED)},
        "seeds": {name: flat[name] for name in flat if name.endswith(SEED)},
        "given": flatten(given),
        "libraries": {"Python": python_version()} | libraries(),
        "code": {"version": __version__, "sha256": hash_code()},
    }


def noted() -> Sections:
    """The sections `NOTED`."""
    return {"source": _source(), "blas": _blas()}


def is_as_left(study: Study, home: Path, sections: Sections) -> bool:
    """Whether what `describe` tells is what the last run that ended well left."""
    try:
        told = read_manifest(home / "reports" / study.name / FILE)
    except InputError:
        return False
    return all(told[name] == sections[name] for name in sections)


def input_files(study: Study) -> dict[str, Path]:
    """Files that a run reads, by their place in the study's folder."""
    files = [study.folder / "study.yaml", study.folder / "codebook.csv"]
    files += [file for wave in study.waves for file in study.wave_files(wave)]
    files += [*study.unit_files, *study.text_files, *plan_files(study)]
    return {path.relative_to(study.folder).as_posix(): path for path in files}


def made_files(study: Study, home: Path) -> dict[str, dict[str, Path]]:
    """Files that a run leaves, by section and place; those that a user put beside them too."""
    results = Results(home / "data" / "processed" / study.name)
    steps = [results.step_folder(step.notebook, step.wave) for step in plan(study)]
    steps.append(results.step_folder(ROBUSTNESS))
    tables = [path for folder in steps for path in folder.glob("[!.]*") if path.is_file()]
    executed = (results.folder / "notebooks").glob("*.ipynb")
    folder = home / "reports" / study.name
    reports = find_reports(folder)
    return {
        "tables": {path.relative_to(results.folder).as_posix(): path for path in tables},
        "executed": {path.name: path for path in executed},
        "reports": {path.relative_to(folder).as_posix(): path for path in reports},
    }


def find_reports(folder: Path) -> list[Path]:
    """Find the reports in a folder, in every form of each language; others are the user's own."""
    codes = [path.stem.removeprefix("report_") for path in folder.glob("report_*.html")]
    return [path for code in codes for form in FORMS for path in folder.glob(form.format(code))]


def private_key(study: Study) -> bytes:
    """Give the key of the hashes of what is private: of the exports; none if all is synthetic."""
    if study.synthetic:
        return b""
    digest = hashlib.sha256(b"key of private hashes")
    for wave in study.waves:
        digest.update(study.raw_file(wave).read_bytes())
    return digest.digest()


@cache
def libraries() -> dict[str, str]:
    """Versions of `LIBRARIES`."""
    return {name: metadata.version(name) for name in LIBRARIES}


def hash_code() -> str:
    """Hash the source and texts of the package."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    kinds = {".py", ".pyi", ".csv", ".yaml", ".html", ".css", ".j2", ".typ"}
    for path in sorted(p for p in package.rglob("*") if p.suffix in kinds):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _hashed(files: Mapping[str, Path], key: bytes = b"") -> dict[str, str]:
    """Hash files by name."""
    return {name: _hash(path.read_bytes(), key) for name, path in files.items() if path.is_file()}


def _hash(contents: bytes, key: bytes) -> str:
    return (hmac.new(key, contents, "sha256") if key else hashlib.sha256(contents)).hexdigest()


def _source() -> dict[str, Any]:
    """Say where the code came from: commit, whether it was changed since, and the lock."""
    root = Path(__file__).parents[3]
    lock, commit, is_clean = root / "requirements.lock", None, None
    if (root / ".git").exists():
        commit = _git(root, "rev-parse", "HEAD")
        status = _git(root, "status", "--porcelain", "--", "src", "notebooks", lock.name)
        is_clean = None if status is None else status == ""
    return {
        "commit": commit,
        "is clean": is_clean,
        "lock": _hash(lock.read_bytes(), b"") if lock.is_file() else None,
    }


def _git(root: Path, *arguments: str) -> str | None:
    """Ask git; None where there is no git, or it does not trust the folder."""
    command = ["git", "-C", str(root), *arguments]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()


def _blas() -> dict[str, str]:
    """Name the linear algebra of NumPy and SciPy."""
    import numpy as np
    import scipy

    found = {}
    for library in (np, scipy):
        built = library.show_config(mode="dicts")["Build Dependencies"]["blas"]
        found[library.__name__] = f"{built['name']} {built['version']}"
    return found


def describe_crate(study: Study, sections: Sections) -> list[Entity]:
    """List the entities of the crate: its own description, the report, its files, and the run."""
    crate: dict[str, Entity] = yaml.safe_load(CRATE_PARTS.read_text("utf-8"))
    files = [_crate_file(name, sha256) for name, sha256 in sorted(sections["reports"].items())]
    files.append({**_crate_file(FILE, ""), "description": "Hashes of all that made the report"})
    code, ours = study.languages[0], {"cycle-analysis": __version__, **sections["libraries"]}
    crate["report"] |= {
        "name": study.title[code],
        "description": f"{study.title[code]}: {study.population[code]}",
        "inLanguage": study.languages,
        "datePublished": f"{max(study.wave(wave).fieldwork.end for wave in study.waves)}",
        "hasPart": [{"@id": file["@id"]} for file in files],
    }
    crate["run"] |= {
        "name": f"cycle-analysis run {study.name}",
        "result": [{"@id": name} for name in sorted(sections["reports"])],
    }
    crate["program"] |= {
        "version": ours.pop("Python"),
        "softwareRequirements": [f"{name} {version}" for name, version in ours.items()],
    }
    descriptor, report, license_, *run = crate.values()
    return [descriptor, report, license_, *files, *run]


def _crate_file(name: str, sha256: str) -> Entity:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    known = {"@id": name, "@type": "File", "name": name, "encodingFormat": kind}
    return known | ({"sha256": sha256} if sha256 else {})
