"""Run the notebooks of a study as a graph: what changed, and what depends on it.

Where all lies there as the manifest of the last run says, nothing has to run. Else pytask decides,
from the contents of files and the values of parameters, and runs independent notebooks beside each
other. papermill executes each notebook in a kernel of its own. One run at a time works on the
results of a study.

In a terminal Ctrl-C reaches every process. Workers would each show a traceback of their own, and a
kernel that is just being started would do its whole notebook first; so a command that is stopped
ends at once, and its other processes with it.
"""

import errno
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import tomllib
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from joblib import Parallel, delayed

from cycle_analysis import STOPPED
from cycle_analysis.problems import InputError
from cycle_analysis.running import gather_parameters, notebook_folder, plan
from cycle_analysis.running.kernels import (
    FORKED,
    NO_MEMORY,
    PROVISIONER,
    VOICE,
    NotebookError,
    no_memory,
    voiceless,
)
from cycle_analysis.running.manifest import describe, is_as_left, write_manifest
from cycle_analysis.study import HOME, Study, check_raw_files
from cycle_analysis.whole_files import DISK, tell_nobody, unwritable, write_whole

if TYPE_CHECKING:
    import pytask

FILE = ".run"
"""File that a run keeps locked. It stays behind and means nothing by itself."""
SCRATCH = ".scratch"
"""File that says where the last run kept its passing files."""
PREFIX = "cycle-"
"""First letters of a folder of passing files; few, for sockets have short names."""
LAST = -200
"""When it goes: after the sockets of multiprocessing, which go at -100."""
PAUSE = 0.2
"""Seconds between two attempts."""
FIXED_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "1514764800",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
"""What kernels run with: the same bytes twice, and no threads that wait for each other."""
BECAME = {
    "SUCCESS": "run",
    "WOULD_BE_EXECUTED": "would run",
    "SKIP_UNCHANGED": "up to date",
    "FAIL": "stopped",
    "SKIP_PREVIOUS_FAILED": "not run",
}
"""What pytask says became of a step, and what we do."""

if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: BinaryIO) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(stream: BinaryIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_run(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run works in `folder`, and keep others waiting meanwhile.

    The system takes the lock away when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
        Results of one study; it exists.
    tell : function of str
        Told when there is another run to wait for.

    Raises
    ------
    InputError
        If the folder may not be written.
    """
    path = folder / FILE
    try:
        stream = path.open("ab")
    except OSError as error:
        raise unwritable(path, error) from error
    with stream:
        if not _is_ours(stream):
            tell(f"Another run works on {folder.name}. This one waits until it has ended.")
            while not _is_ours(stream):
                time.sleep(PAUSE)
        yield


def _is_ours(stream: BinaryIO) -> bool:
    """Take the lock if no other process has it."""
    try:
        _try_lock(stream)
    except (BlockingIOError, PermissionError):  # held, as POSIX and as Windows say it
        return False
    return True


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    steps : dict of str to list of str
        Names of steps by what became of them, a word of `BECAME`.
    reasons : dict of str to list of str
        Why a step had to run.
    errors : list of Exception
        One for each step that failed.
    """

    steps: Mapping[str, list[str]]
    reasons: dict[str, list[str]] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether a step stopped."""
        return bool(self.steps.get(BECAME["FAIL"]))

    @property
    def by_user(self) -> bool:
        """Whether every failure lies in the user's files or parameters."""
        return all(
            isinstance(e, InputError) or (isinstance(e, NotebookError) and e.by_user)
            for e in self.errors
        )

    def __str__(self) -> str:
        told = ((word, self.steps.get(word)) for word in BECAME.values())
        return ", ".join(f"{len(steps)} {word}" for word, steps in told if steps) + "."


def run_study(
    study: Study,
    home: Path,
    given: Mapping[str, Mapping[str, str]],
    *,
    force: bool = False,
    dry_run: bool = False,
    n_workers: int = 2,
    tell: Callable[[str], None] = print,
    show: Callable[[str, str], None] = lambda step, cell: None,
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
    show : function of two str
        Shown which cell a step is in; an empty text when it has ended.

    Raises
    ------
    InputError
        If an export is absent, a parameter is wrong, or the results may not be written; nothing
        has run then.
    KeyboardInterrupt
        If the user stopped the run; what was finished is kept.
    """
    notebooks = notebook_folder(home)
    check_raw_files(study)
    parameters = gather_parameters(study, notebooks, given)
    steps = plan(study)
    if not force and is_as_left(study, home, describe(study, home, notebooks, parameters, given)):
        return Outcome({BECAME["SKIP_UNCHANGED"]: [str(step) for step in steps]})
    from cycle_analysis.running.tasks import Tasks, build  # heavy: only when something changed

    _fix_environment(home)
    makers = Tasks(study, home, notebooks, parameters, tell, show)
    folder = makers.results.folder
    # pytask remembers what it ran beside the study's tables, not at the top of a repository
    config = write_whole(
        folder / "pytask.toml", b"[tool.pytask.ini_options]\n", private_from=folder
    )
    _forget_what_is_damaged(folder / "pytask.lock", tell)
    tasks = [makers.task(step) for step in steps]
    how = {"force": force, "dry_run": dry_run, "n_workers": 1 if dry_run else n_workers}
    if dry_run:
        return _outcome(build(tasks=tasks, paths=folder, config=config, **how), makers.changed)
    with only_run(folder, tell):
        use_own_scratch(folder)
        built = build(tasks=tasks, paths=folder, config=config, **how)
        outcome = _outcome(built, makers.changed)
        if not outcome.failed:
            write_manifest(study, home, describe(study, home, notebooks, parameters, given))
    return outcome


def _fix_environment(home: Path) -> None:
    os.environ |= {**FIXED_ENVIRONMENT, HOME: str(home)}
    if sys.platform == "linux":  # macOS's frameworks do not survive a fork, Windows has none
        os.environ[PROVISIONER] = FORKED


def use_own_scratch(folder: Path) -> Path:
    """Keep passing files of this process in a folder of its own, and clear that of a killed run.

    Sockets of the fork server, connection files of kernels and memory of workers stay behind when
    a run is killed; the next run on the study knows by `SCRATCH` where.

    Parameters
    ----------
    folder : Path
        Results of the study, on which no other run works.

    Returns
    -------
    Path
        Folder of passing files, which goes with the process.
    """
    named, own = folder / SCRATCH, _own_scratch()
    earlier = Path(named.read_text("utf-8")) if named.exists() else own
    if earlier != own and earlier.parent == own.parent and earlier.name.startswith(PREFIX):
        shutil.rmtree(earlier, ignore_errors=True)
    write_whole(named, str(own).encode(), private_from=folder)
    os.environ |= {"TMPDIR": str(own), "JUPYTER_RUNTIME_DIR": str(own)}
    tempfile.tempdir = str(own)
    return own


@cache
def _own_scratch() -> Path:
    """Make the folder, which goes when the process ends as it should, after all that is in it."""
    own = Path(tempfile.mkdtemp(prefix=PREFIX))
    Finalize(None, shutil.rmtree, [own], {"ignore_errors": True}, exitpriority=LAST)
    return own


def _forget_what_is_damaged(memory: Path, tell: Callable[[str], None]) -> None:
    """Begin anew when the memory of earlier runs cannot be read, as after a power cut."""
    try:
        readable = not memory.exists() or "lock-version" in tomllib.loads(memory.read_text("utf-8"))
    except ValueError:
        readable = False
    if not readable:
        tell(f"{memory.name} cannot be read, so it is not known what has run: everything runs.")
        memory.unlink()


def _outcome(session: "pytask.Session", changed: Mapping[str, Mapping[str, str]]) -> Outcome:
    steps: dict[str, list[str]] = defaultdict(list)
    reasons, errors = {}, []
    for report in session.execution_reports:
        steps[BECAME[report.outcome.name]].append(report.task.name)
        explanation = report.task.attributes.get("explanation")
        if explanation and explanation.reasons:
            keys = changed.get(report.task.name, {})
            reasons[report.task.name] = _in_words(explanation.reasons, keys)
        error = report.exc_info[1] if report.exc_info else None
        if report.outcome.name == "FAIL" and error:
            errors.append(_told(error))
    return Outcome(steps, reasons, errors)


def tell_error(error: BaseException) -> str:
    """Tell what stopped a step: a message for what we foresaw, its traceback for a bug."""
    foreseen = isinstance(error, InputError | NotebookError)
    return str(error) if foreseen else "".join(traceback.format_exception(error))


def _told(error: BaseException) -> BaseException:
    """Take for what it is what is no bug: too little memory, and what pytask could not write."""
    of_memory = isinstance(error, MemoryError) or type(error).__name__ in NO_MEMORY
    if of_memory or getattr(error, "errno", 0) == errno.ENOMEM:
        return no_memory("run", "memory", "")
    if isinstance(error, OSError) and error.errno in DISK and error.filename:
        return unwritable(Path(error.filename), error)
    return error


def _in_words(reasons: Sequence[Any], keys: Mapping[str, str]) -> list[str]:
    """Say why a step runs: it never did, was forced, or what changed, and which keys of it."""
    kinds = {reason.reason for reason in reasons}
    if "not_in_db" in kinds:
        return ["it has not run yet"]
    if "forced" in kinds:
        return ["--force"]
    words = {"changed": "changed", "missing": "is not there", "cascade": "runs first"}
    named = {name: f" ({told})" for name, told in keys.items()}
    return sorted(
        f"{r.node_name} {words.get(r.reason, r.reason)}{named.get(r.node_name, '')}"
        for r in reasons
    )


class Status:
    """Tell lines, and on a terminal show below them which cell each notebook is in.

    Parameters
    ----------
    stream : text stream, optional
        Standard output when not given. What is no terminal gets the lines alone.

    Examples
    --------
    >>> status = Status()
    >>> status.show("03_cycle 2018", "5/40 Simultaneity")
    >>> status.tell("  ok  03_cycle 2018")
      ok  03_cycle 2018
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.cells: dict[str, str] = {}
        self.lock = threading.Lock()

    def tell(self, line: str) -> None:
        """Tell a line that stays; a run goes on where nobody reads along any more."""
        with self.lock:
            self._clear()
            try:
                print(line, file=self.stream, flush=True)
            except BrokenPipeError:
                tell_nobody()
            self._draw()

    def show(self, step: str, cell: str) -> None:
        """Show the cell that a step is in; an empty text when it has ended."""
        with self.lock:
            self.cells.pop(step, None)
            if cell:
                self.cells[step] = cell
            self._clear()
            self._draw()

    def _clear(self) -> None:
        if self.stream.isatty():
            print("\r\x1b[K", end="", file=self.stream)

    def _draw(self) -> None:
        if self.stream.isatty():
            told = " | ".join(f"{step}: cell {cell}" for step, cell in self.cells.items())
            width = shutil.get_terminal_size().columns - 1
            print(f"  …   {told}"[:width] if told else "", end="", file=self.stream, flush=True)


@contextmanager
def ended_at_once(told: str) -> Iterator[None]:
    """End this process and its kernels as soon as Ctrl-C comes.

    What is half done is left as by a killed run, from which the next one goes on.
    """

    def end(*_: object) -> None:
        for kernel in multiprocessing.active_children():
            kernel.kill()
            kernel.join()
        if (scratch := Path(tempfile.gettempdir())).name.startswith(PREFIX):
            shutil.rmtree(scratch, ignore_errors=True)
        sys.stdout.flush()
        tell_nobody()  # a thread could tell of the next step
        VOICE.acquire(timeout=1)  # one that starts a process has taken the voice for a moment
        print(told, file=sys.stderr)
        os._exit(STOPPED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start_workers(n_workers: int) -> None:
    """Start workers of joblib without a voice."""
    with voiceless():
        Parallel(n_workers)(delayed(int)() for _ in range(n_workers))
