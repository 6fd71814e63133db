"""Turn the steps of a study into tasks: what each needs, what it leaves, and how it is done.

pytask watches the folder of a result as one thing: it changed when any file in it did. It knows
that a file changed, and not where. So beside the tables of a study each step leaves a list of the
keys of its YAML files, the items of its codebook, its parameters and its libraries, as hashes:
which of them made it run again can then be said.
"""

import errno
import hashlib
import io
import json
import math
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from platform import python_version
from threading import Event, Thread
from typing import Any

import pytask
import yaml
from pytask import Mark, NodeInfo, PathNode, PythonNode, TaskWithoutPath
from pytask_parallel import ParallelBackend, WorkerType, registry

from cycle_analysis.problems import REJECTED, InputError, first_five, refuse, refuse_any
from cycle_analysis.results import ROBUSTNESS, Results
from cycle_analysis.running import (
    CHECK,
    LONGEST_WAY,
    PER_WAVE,
    Step,
    Value,
    find_doubts,
    notebook_file,
    plan,
)
from cycle_analysis.running.kernels import apart, execute_notebook
from cycle_analysis.running.manifest import find_reports, hash_code, libraries
from cycle_analysis.study import Study
from cycle_analysis.study.codebook import COLUMNS
from cycle_analysis.study.codebook import FILE as CODEBOOK
from cycle_analysis.study.plan import hash_facts, plan_files
from cycle_analysis.study.text_files import YamlText, read_table
from cycle_analysis.whole_files import DISK, PART, delete_files, unwritable, write_whole

DISK_FULL = re.compile("OperationalError.*(disk I/O error|disk is full)")
"""What pytask prints when it cannot write what it remembers of a run."""
MADE_OF = ".made_of"
"""Folder of what steps were made of, a file for each."""
Keys = dict[str, dict[str, str]]
"""Hash of every key, by what holds it, as messages call it."""


def keys_of(needs: Mapping[str, Any]) -> Keys:
    """Take apart what a step depends on, as far as it has keys."""
    found: Keys = {}
    for node in needs.values():
        if isinstance(node, PathNode):
            path = Path(str(node.path))
            found[node.name] = dict(_keys_of_file(path, _state(path)))
        elif isinstance(node, PythonNode):
            found[node.name] = dict(_flat(json.loads(str(node.value))))
    return {name: keys for name, keys in found.items() if keys}


def keep_keys(folder: Path, step: str, keys: Keys) -> None:
    """Keep what a step was made of, in the folder of the results."""
    contents = json.dumps(keys, indent=1, ensure_ascii=False).encode("utf-8")
    write_whole(_kept_file(folder, step), contents, private_from=folder)


def changed_keys(folder: Path, step: str, keys: Keys) -> dict[str, str]:
    """Name the keys that are other than when a step last ran, by what holds them.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     folder = Path(name) / "results"
    ...     keep_keys(folder, "03_cycle 2018", {"parameters": {"seed": "1", "active_from": "50"}})
    ...     now = {"parameters": {"seed": "1", "active_from": "60"}}
    ...     changed_keys(folder, "03_cycle 2018", now)
    {'parameters': 'active_from'}
    """
    try:
        kept: Keys = json.loads(_kept_file(folder, step).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    names = {
        name: [key for key in {**kept[name], **now} if kept[name].get(key) != now.get(key)]
        for name, now in keys.items()
        if name in kept
    }
    return {name: first_five(changed) for name, changed in names.items() if changed}


def _kept_file(folder: Path, step: str) -> Path:
    return folder / MADE_OF / f"{step.replace(' ', '_')}.json"


def _state(path: Path) -> tuple[int, int]:
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else (0, 0)


@cache  # study.yaml is read for every step
def _keys_of_file(path: Path, state: tuple[int, int]) -> tuple[tuple[str, str], ...]:
    with suppress(InputError, ValueError, OSError):  # told by whoever reads it
        if path.suffix == ".yaml":
            return tuple(_flat(YamlText(path, path.name).tree))
        if path.name == CODEBOOK:
            table = read_table(path, COLUMNS).set_index(COLUMNS[0])
            return tuple((str(item), hash_facts(row.tolist())) for item, row in table.iterrows())
    return ()


def _flat(tree: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Give every key of a tree with the hash of its value: ``phases.2.label.nl``."""
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for name, part in parts:
        key = f"{above}.{name}".removeprefix(".")
        if isinstance(part, dict | list) and part:
            yield from _flat(part, key)
        else:
            yield key, hash_facts(part)[:12]


def find_results(folder: Path) -> list[Path]:
    """Find the files directly in a folder, without hidden ones."""
    return [path for path in folder.glob("*") if path.name[0] != "."]


@dataclass
class FolderNode:
    """The files of a result, as one node of pytask's graph.

    Attributes
    ----------
    path : Path
        The folder.
    find : function of the folder
        Gives the files that are meant.
    """

    path: Path
    find: Callable[[Path], list[Path]] = find_results
    attributes: dict[Any, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name in messages and in the lock file."""
        return "/".join(self.path.parts[-2:])

    @property
    def signature(self) -> str:
        """Identity in the graph."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()

    @property
    def files(self) -> list[Path]:
        """The files, in order."""
        return sorted(path for path in self.find(self.path) if path.is_file())

    def state(self) -> str | None:
        """Hash of names and contents, None when there is nothing."""
        if not (files := self.files):
            return None
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()};".encode())
        return digest.hexdigest()

    def clear(self) -> None:
        """Delete the files, and what a killed process left, lest it is taken for a result.

        Raises
        ------
        InputError
            If one of them may not be deleted, or a file stands in the place of the folder: told
            before the work that would be for nothing.
        """
        if self.path.exists() and not self.path.is_dir():
            raise unwritable(self.path, NotADirectoryError(errno.ENOTDIR, "is no folder"))
        delete_files([*self.files, *self.path.rglob(f".*{PART}")])

    def load(self, is_product: bool = False) -> Path:
        """Give the folder."""
        return self.path

    def save(self, value: Any) -> None:
        """Do nothing: notebooks write the files themselves."""


REPORT = "08_report"
"""The notebook that tells what all others saved."""
UNNAMED = (CHECK, *PER_WAVE, "04_number_of_profiles")
"""Steps that print no name of a profile: another one is no reason to run them again."""
SHOW_ROBUSTNESS = ("06_validity", REPORT)
"""Notebooks that show the grid of other choices, where it is there."""
CHECK_BY = ("01_responses", "02_scores", "04_number_of_profiles")
"""Notebooks whose parameters decide whether a study can be run."""

PATIENCE = 1.0
"""Seconds that threads are waited for at a time, so that Ctrl-C is heard on every system."""
MINUTE = 60.0
"""Seconds after which a step that goes on says so, again and again."""


@contextmanager
def patience(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell every minute that something still runs."""
    ended = Event()

    def say() -> None:
        told = 1
        while not ended.wait(MINUTE):
            tell(f"still runs, {told} min")
            told += 1

    Thread(target=say, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@dataclass
class Explanation:
    """Why a task runs: pytask fills it in, and pytask-parallel needs it to be there before."""

    reasons: list[Any] = field(default_factory=list)


class Tasks:
    """Turn the steps of one study into pytask's tasks; `tell` is told how far they are.

    `changed` names, by step and what it depends on, the keys that changed since it last ran.
    """

    def __init__(
        self,
        study: Study,
        home: Path,
        notebooks: Path,
        parameters: Mapping[str, Mapping[str, Value]],
        tell: Callable[[str], None],
        show: Callable[[str, str], None] = lambda step, cell: None,
    ):
        self.study, self.home, self.notebooks = study, home, notebooks
        self.parameters, self.tell, self.show = parameters, tell, show
        self.steps, self.results = plan(study), Results(home / "data" / "processed" / study.name)
        self.code = json.dumps({"package": hash_code(), "Python": python_version(), **libraries()})
        text = (study.folder / "study.yaml").read_text("utf-8-sig")
        self.said: dict[str, Any] = yaml.load(text, yaml.BaseLoader)
        self.keys: dict[str, Keys] = {}
        self.changed: dict[str, dict[str, str]] = {}

    def task(self, step: Step) -> TaskWithoutPath:
        """Describe one step: what it depends on, what it makes, and how."""
        files = [self.study.folder / "codebook.csv", *self.study.unit_files]
        for wave in step.raw_waves:
            files += self.study.wave_files(wave)
        if step.notebook == REPORT:
            files += [*self.study.text_files, *plan_files(self.study)]
        needs: dict[str, Any] = {f"file_{i}": _file(path) for i, path in enumerate(files)}
        said = {key: value for key, value in self.said.items() if key not in _unread(step)}
        needs["study"] = _value(step, "study.yaml", json.dumps(said))
        parameters: Mapping[str, Any] = self.parameters.get(step.notebook, {})
        if step.notebook == CHECK:
            parameters = {notebook: self.parameters[notebook] for notebook in CHECK_BY}
        needs["parameters"] = _value(step, "parameters", json.dumps(parameters, sort_keys=True))
        if step.notebook != CHECK:
            needs["notebook"] = _file(notebook_file(self.study, step.notebook, self.notebooks))
        needs["package"] = _value(step, "package and versions", self.code)
        self.keys[str(step)] = keys = keys_of(needs)
        self.changed[str(step)] = changed_keys(self.results.folder, str(step), keys)
        for earlier in step.needs:
            needs[str(earlier)] = self.output(earlier)
        grid = FolderNode(self.results.step_folder(ROBUSTNESS))
        if step.notebook in SHOW_ROBUSTNESS and grid.files:
            needs["robustness"] = grid
        on_longest_way = step.wave == self.study.reference_wave and step.notebook in LONGEST_WAY
        return TaskWithoutPath(
            name=str(step),
            function=lambda **_: self.execute(step),
            depends_on=needs,
            produces={"output": self.output(step)},
            markers=[Mark("try_first", (), {})] if on_longest_way else [],
            attributes={"explanation": Explanation()},
        )

    def output(self, step: Step) -> FolderNode:
        """Where a step leaves its files: tables, or the report."""
        if step.notebook == REPORT:
            return FolderNode(self.home / "reports" / self.study.name, find_reports)
        return FolderNode(self.results.step_folder(step.notebook, step.wave))

    def execute(self, step: Step) -> None:
        """Run one notebook; leave its files, or on failure none."""
        output = self.output(step)
        output.clear()
        self.tell(f"  …   {step}  ({self.steps.index(step) + 1} of {len(self.steps)})")
        started = time.perf_counter()
        try:
            with patience(lambda told: self.tell(f"  …   {step}  {told}")):
                self.check(output) if step.notebook == CHECK else self.run_notebook(step)
        except BaseException:
            output.clear()
            raise
        finally:
            self.show(str(step), "")
        keep_keys(self.results.folder, str(step), self.keys[str(step)])
        self.tell(f"  ok  {step}  ({time.perf_counter() - started:.1f} s)")

    def check(self, output: FolderNode) -> None:
        """Read the exports of all waves; what is wrong with them is told before work begins."""
        doubts, told = apart(find_doubts, self.study, self.parameters)
        for one in told:
            warnings.warn(one, stacklevel=2)
        refuse_any(doubt for doubt in doubts if doubt.done == REJECTED)
        for doubt in doubts:
            self.tell(f"  !   {doubt}")
        contents = b"The exports of all waves are usable.\n"
        write_whole(output.path / "usable.txt", contents, private_from=self.results.folder)

    def run_notebook(self, step: Step) -> None:
        """Execute one notebook; keep the executed copy with the private data."""
        parameters = {**self.parameters[step.notebook], "study_name": self.study.name}
        if "wave" in parameters:
            parameters["wave"] = step.wave
        executed = self.results.folder / "notebooks"
        copy = executed / f"{str(step).replace(' ', '_')}.ipynb"
        source = notebook_file(self.study, step.notebook, self.notebooks)
        show = partial(self.show, str(step))
        execute_notebook(source, copy, parameters, str(step), self.results.folder, show)
        if not self.output(step).files:
            remedy = f'Begin it with begin("{step.notebook}", globals()), end it with here.save()'
            problem = "has saved no result of its name"
            raise refuse(source.name, "notebook", "", problem, "", remedy)


def build(**options: Any) -> pytask.Session:
    """Let pytask run what must run, and tell what went wrong beside the steps themselves."""
    pytask.console.file = io.StringIO()
    threads = ParallelBackend.CUSTOM
    registry.register_parallel_backend(threads, PromptThreads, worker_type=WorkerType.THREADS)
    memory = Path(options["paths"]) / ".pytask"
    try:
        session = pytask.build(explain=True, capture="no", parallel_backend=threads, **options)
    except OSError as error:  # at its end it writes what it remembers
        if error.errno not in DISK:
            raise
        raise unwritable(memory, error) from None
    if math.isinf(session.execution_end):  # an error of pytask itself, not of a step
        told = pytask.console.file.getvalue()
        if DISK_FULL.search(told):
            raise unwritable(memory, OSError(errno.ENOSPC, "the disk is full"))
        raise RuntimeError(f"pytask stopped:\n{told}")
    if not session.config["dry_run"]:  # pytask leaves this to runs that explain nothing
        session.config["lockfile_state"].flush()
    reported = len(session.execution_reports)
    if session.should_stop or reported < len(session.tasks):  # pytask swallows Ctrl-C
        raise KeyboardInterrupt
    return session


class PromptThreads(ThreadPoolExecutor):
    """Threads whose futures wait for one of them before they say that they are not done.

    pytask-parallel asks each running task whether it is done, and sleeps before it asks again, the
    longer the more often nothing had changed: a fifth of a run of short notebooks. Here the first
    question of a round waits until something has.
    """

    def __init__(self, n_workers: int):
        super().__init__(n_workers)
        self._running: set[Future[Any]] = set()
        self._one_was_done = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._running.add(future)
        is_done = future.done

        def done() -> bool:
            if not self._one_was_done:  # else what follows from it must not wait for the others
                while not wait(self._running, PATIENCE, FIRST_COMPLETED).done:
                    pass
            self._one_was_done = is_done()
            if self._one_was_done:
                self._running.discard(future)
            return self._one_was_done

        future.done = done  # type: ignore[method-assign]
        return future


def _unread(step: Step) -> set[str]:
    """Name keys of study.yaml that say nothing to a step: they are no reason to run it again."""
    unread = {"robustness"} | ({"profile_names"} if step.notebook in UNNAMED else set())
    return unread | ({"about", "statements"} if step.notebook != REPORT else set())


def _file(path: Path) -> PathNode:
    return PathNode(path=path, name="/".join(path.parts[-2:]))


def _value(step: Step, name: str, value: str) -> PythonNode:
    """Give a value a node of its own: without this identity pytask merges all values into one."""
    identity = NodeInfo(arg_name=name, path=(), task_path=None, task_name=str(step), value=value)
    return PythonNode(name=name, value=value, hash=True, node_info=identity)
