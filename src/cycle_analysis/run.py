"""Run the notebooks of a study as a graph: what changed, and what depends on it.

pytask decides what must run, from the contents of files and the values of parameters, and runs
independent notebooks beside each other. papermill executes each notebook in a kernel of its own.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytask
from _pytask.explain import ChangeReason, TaskExplanation
from pytask import NodeInfo, PathNode, PythonNode, TaskOutcome, TaskWithoutPath

from cycle_analysis.folder_nodes import FolderNode
from cycle_analysis.parameters import Parameter, Value, check_parameters, read_parameters
from cycle_analysis.pipeline import CHECK, NOTEBOOKS, Step, plan
from cycle_analysis.problems import InputError, Problem
from cycle_analysis.store import Store
from cycle_analysis.study import HOME, Study, check_raw_files

FIXED_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "1514764800",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
"""What kernels run with: the same bytes twice, and no threads that wait for each other."""
FORKED_KERNELS = "cycle-analysis-fork"
"""Entry point of `kernels.ForkProvisioner`."""
PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn", "pyreadstat")
"""Libraries whose version changes results."""


class NotebookError(Exception):
    """A notebook stopped; names the cell and the cause.

    Attributes
    ----------
    by_user : bool
        Whether the cause lies in the user's files or parameters.
    """

    def __init__(self, step: Step, cell: int, cause: str, by_user: bool, copy: Path):
        self.by_user = by_user
        if by_user:
            super().__init__(cause)
        else:
            super().__init__(
                f"{step}, cell {cell}: {cause}\nThe notebook as far as it came: {copy}"
            )


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    done, pending, up_to_date, failed, skipped : list of str
        Names of steps: run, waiting for a run that is not dry, unchanged, stopped, and not run
        because an earlier one stopped.
    reasons : dict of str to list of str
        Why a step had to run.
    errors : list of Exception
        One for each step that failed.
    """

    done: list[str]
    pending: list[str]
    up_to_date: list[str]
    failed: list[str]
    skipped: list[str]
    reasons: dict[str, list[str]]
    errors: list[BaseException]

    @property
    def by_user(self) -> bool:
        """Whether every failure lies in the user's files or parameters."""
        return all(
            isinstance(e, InputError) or (isinstance(e, NotebookError) and e.by_user)
            for e in self.errors
        )

    def __str__(self) -> str:
        counts = {
            "run": self.done,
            "would run": self.pending,
            "up to date": self.up_to_date,
            "stopped": self.failed,
            "not run": self.skipped,
        }
        return ", ".join(f"{len(steps)} {word}" for word, steps in counts.items() if steps) + "."


def check_given(study: Study, home: Path) -> None:
    """Check the parameters of study.yaml, without running anything.

    Raises
    ------
    InputError
        If one of them is unknown or of the wrong type.
    """
    gather_parameters(study, notebook_folder(home), {})


def notebook_folder(home: Path) -> Path:
    """Notebooks of the home folder, or else those this package came with.

    Raises
    ------
    InputError
        If neither has them all.
    """
    own = Path(__file__).parents[2] / "notebooks"
    for folder in (home / "notebooks", own):
        if all((folder / f"{name}.ipynb").is_file() for name in NOTEBOOKS):
            return folder
    remedy = "Run from a clone of the project, or copy its notebooks there"
    raise InputError(
        [Problem(str(home), "notebooks", "", "not all notebooks are there", "", remedy)]
    )


def gather_parameters(
    study: Study, notebooks: Path, given: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, Value]]:
    """Set the parameters of each notebook: its defaults, then study.yaml, then the command line.

    Raises
    ------
    InputError
        If one of them is unknown or of the wrong type.
    """
    known: dict[str, dict[str, Parameter]] = {
        name: read_parameters(notebooks / f"{name}.ipynb") for name in NOTEBOOKS
    }
    values = {name: {p.name: p.default for p in known[name].values()} for name in NOTEBOOKS}
    sources = {"study.yaml": study.parameters, "command line": given}
    for file, parameters in sources.items():
        for name, checked in check_parameters(parameters, known, file).items():
            values[name] |= checked
    return values


def run_study(
    study: Study,
    home: Path,
    given: Mapping[str, Mapping[str, str]],
    *,
    force: bool = False,
    dry_run: bool = False,
    n_workers: int = 2,
    tell: Callable[[str], None] = print,
) -> Outcome:
    """Run what must run of a study.

    Parameters
    ----------
    study : Study
        The study, already checked.
    home : Path
        Folder with data/ and reports/.
    given : mapping of notebook to mapping of parameter to text
        Parameters of the command line.
    force : bool
        Run everything, changed or not.
    dry_run : bool
        Only find out what would run.
    n_workers : int
        Notebooks beside each other.
    tell : function of str
        Told when a notebook starts and ends.

    Raises
    ------
    InputError
        If an export is absent, or a parameter unknown or of the wrong type; nothing has run then.
    """
    notebooks = notebook_folder(home)
    check_raw_files(study)
    parameters = gather_parameters(study, notebooks, given)
    os.environ |= {**FIXED_ENVIRONMENT, HOME: str(home)}
    if sys.platform == "linux":  # macOS's frameworks do not survive a fork, Windows has none
        os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = FORKED_KERNELS
    folder = home / "data" / "processed" / study.name
    progress = _Progress(len(plan(study)), tell)
    makers = _Tasks(study, home, notebooks, parameters, progress)
    pytask.console.quiet = True
    session = pytask.build(
        tasks=[makers.task(step) for step in plan(study)],
        paths=folder,
        config=_memory(folder),
        capture="no",
        force=force,
        explain=True,
        dry_run=dry_run,
        n_workers=1 if dry_run else n_workers,
        parallel_backend="threads",
    )
    if not dry_run:  # pytask leaves this to runs that explain nothing
        session.config["lockfile_state"].flush()
    return _outcome(session)


def _memory(folder: Path) -> Path:
    """Let pytask remember beside the study's tables what it ran, not at the top of a repository."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "pytask.toml"
    config.write_text("[tool.pytask.ini_options]\n", "utf-8")
    return config


class _Progress:
    """Say which notebook starts and ends, and how many there are."""

    def __init__(self, n_steps: int, tell: Callable[[str], None]):
        self.n_steps, self.tell, self.n_done = n_steps, tell, 0

    def start(self, step: Step) -> float:
        self.tell(f"  …   {step}")
        return time.perf_counter()

    def end(self, step: Step, started: float) -> None:
        self.n_done += 1
        self.tell(f"  ok  {step}  ({time.perf_counter() - started:.1f} s)")


class _Tasks:
    """Turn steps into pytask's tasks."""

    def __init__(
        self,
        study: Study,
        home: Path,
        notebooks: Path,
        parameters: Mapping[str, Mapping[str, Value]],
        progress: _Progress,
    ):
        self.study, self.home, self.notebooks = study, home, notebooks
        self.parameters, self.progress = parameters, progress
        self.store = Store(home / "data" / "processed" / study.name)
        self.code = _fingerprint(Path(__file__).parent)

    def task(self, step: Step) -> TaskWithoutPath:
        """Describe one step: what it depends on, what it makes, and how."""
        files = [self.study.folder / "study.yaml", self.study.folder / "codebook.csv"]
        for wave in step.raw_waves:
            files += [self.study.folder / wave / "wave.yaml", self.study.raw_file(wave)]
        needs: dict[str, Any] = {f"file_{i}": _file(path) for i, path in enumerate(files)}
        parameters = self.parameters["01_responses" if step.notebook == CHECK else step.notebook]
        if step.notebook != CHECK:
            needs["notebook"] = _file(self.notebooks / f"{step.notebook}.ipynb")
        values = json.dumps(parameters, sort_keys=True)
        needs["parameters"] = _value(step, "parameters", values)
        needs["package"] = _value(step, "package and versions", self.code)
        for earlier in step.needs:
            needs[str(earlier)] = self.output(earlier)
        return TaskWithoutPath(
            name=str(step),
            function=lambda **_: self.execute(step),
            depends_on=needs,
            produces={"output": self.output(step)},
            attributes={"explanation": TaskExplanation()},
        )

    def output(self, step: Step) -> FolderNode:
        """Where a step leaves its files: tables, or the report."""
        if step.notebook == "08_report":
            return FolderNode(self.home / "reports" / self.study.name)
        return FolderNode(self.store.step_folder(step.notebook, step.wave))

    def execute(self, step: Step) -> None:
        """Run one notebook; leave its files, or on failure none."""
        output = self.output(step)
        output.clear()
        started = self.progress.start(step)
        try:
            self.check(output) if step.notebook == CHECK else self.run_notebook(step)
        except BaseException:
            output.clear()
            raise
        self.progress.end(step, started)

    def check(self, output: FolderNode) -> None:
        """Read the exports of all waves; what is wrong with them is told before work begins."""
        from cycle_analysis.study_answers import read_all_responses  # heavy: only when needed

        read_all_responses(self.study, float(str(self.parameters["01_responses"]["max_invalid"])))
        output.path.mkdir(parents=True, exist_ok=True)
        (output.path / "usable.txt").write_text("The exports of all waves are usable.\n", "utf-8")

    def run_notebook(self, step: Step) -> None:
        """Execute one notebook; keep the executed copy with the private data."""
        parameters = {**self.parameters[step.notebook], "study_name": self.study.name}
        if "wave" in parameters:
            parameters["wave"] = step.wave
        executed = self.store.folder / "notebooks"
        copy = executed / f"{str(step).replace(' ', '_')}.ipynb"
        execute_notebook(self.notebooks / f"{step.notebook}.ipynb", copy, parameters, step)


def execute_notebook(source: Path, copy: Path, parameters: Mapping[str, Value], step: Step) -> None:
    """Execute one notebook with papermill.

    Raises
    ------
    NotebookError
        If a cell fails; the executed copy shows how far it came.
    """
    import papermill

    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            source,
            copy,
            parameters=dict(parameters),
            cwd=source.parent,
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            shutdown_kernel="immediate",
        )
    except papermill.PapermillExecutionError as error:
        by_user = error.ename == InputError.__name__
        cause = error.evalue if by_user else f"{error.ename}: {error.evalue}"
        raise NotebookError(step, error.exec_count or 0, cause, by_user, copy) from None


def _file(path: Path) -> PathNode:
    return PathNode(path=path, name="/".join(path.parts[-2:]))


def _value(step: Step, name: str, value: str) -> PythonNode:
    """Give a value a node of its own: without this identity pytask merges all values into one."""
    identity = NodeInfo(arg_name=name, path=(), task_path=None, task_name=str(step), value=value)
    return PythonNode(name=name, value=value, hash=True, node_info=identity)


def _fingerprint(package: Path) -> str:
    """Hash the package's source and the versions of the libraries that results depend on."""
    digest = hashlib.sha256()
    kinds = {".py", ".csv", ".yaml", ".html", ".css"}
    for path in sorted(p for p in package.rglob("*") if p.suffix in kinds):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    for name in PACKAGES:
        digest.update(f"{name}=={metadata.version(name)}".encode())
    return digest.hexdigest()


def _outcome(session: pytask.Session) -> Outcome:
    groups: dict[TaskOutcome, list[str]] = {outcome: [] for outcome in TaskOutcome}
    reasons, errors = {}, []
    for report in session.execution_reports:
        groups[report.outcome].append(report.task.name)
        explanation = report.task.attributes.get("explanation")
        if explanation and explanation.reasons:
            reasons[report.task.name] = _in_words(explanation.reasons)
        error = report.exc_info[1] if report.exc_info else None
        if report.outcome == TaskOutcome.FAIL and error:
            errors.append(error)
    return Outcome(
        done=groups[TaskOutcome.SUCCESS],
        pending=groups[TaskOutcome.WOULD_BE_EXECUTED],
        up_to_date=groups[TaskOutcome.SKIP_UNCHANGED],
        failed=groups[TaskOutcome.FAIL],
        skipped=groups[TaskOutcome.SKIP_PREVIOUS_FAILED],
        reasons=reasons,
        errors=errors,
    )


def _in_words(reasons: Sequence[ChangeReason]) -> list[str]:
    """Say why a step runs: it never did, was forced, or what changed."""
    kinds = {reason.reason for reason in reasons}
    if "not_in_db" in kinds:
        return ["it has not run yet"]
    if "forced" in kinds:
        return ["--force"]
    words = {"changed": "changed", "missing": "is not there", "cascade": "runs first"}
    return sorted(f"{r.node_name} {words.get(r.reason, r.reason)}" for r in reasons)
