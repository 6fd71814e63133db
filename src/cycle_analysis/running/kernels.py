"""Execute a notebook in a kernel of its own, and keep a copy free of what differs between two runs.

A fresh kernel spends most of its time importing pandas, scikit-learn and seaborn. Python's fork
server imports them once and gives every notebook a copy of itself: as separate as a fresh kernel,
in a fraction of the time. Linux only; elsewhere notebooks get Jupyter's ordinary kernels.

papermill notes times, places and a new name for the cell of parameters; Python writes addresses of
objects, and warnings name files of the machine. Without these the same notebook on the same tables
is the same file, to be compared like any other.
"""

import asyncio
import gc
import json
import multiprocessing
import os
import pickle
import queue
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from itertools import groupby
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import joblib
from joblib import wrap_non_picklable_objects
from joblib.parallel import AutoBatchingMixin, ParallelBackendBase, SequentialBackend
from jupyter_client import AsyncKernelManager
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Type

from cycle_analysis.problems import InputError, refuse
from cycle_analysis.results import Value
from cycle_analysis.whole_files import DISK, unwritable, write_whole

NO_MEMORY = ("MemoryError", "_ArrayMemoryError", "TerminatedWorkerError", "BrokenProcessPool")
"""Errors of a notebook for which there was too little memory."""
TOO_LITTLE = "Close other programs, or run with --workers 1: what was finished is kept"
LATE = 60
"""Seconds that what a cell shows may come after the cell has ended, on a machine that is busy."""
PASSING = {
    re.compile(r"\b0x[0-9a-f]{6,}\b"): "0x…",  # addresses of objects
    re.compile(r"[^\s\"']*[\\/]ipykernel_\d+[\\/]\d+\.py"): "cell",  # the file of a cell
    re.compile(r"\bT_[0-9a-f]{5}(?=_|\"| )"): "T",  # styled tables of pandas
}
"""What an output shows of one execution, and what is kept of it."""
PROVISIONER, FORKED = "JUPYTER_DEFAULT_PROVISIONER_NAME", "cycle-analysis-fork"
"""Where Jupyter looks for what starts its kernels, and the entry point of `ForkProvisioner`."""
GRAMMAR, DEBUGGER = "rfc3987_syntax", "debugpy"
"""Modules that others import where they find them, that no run needs, and that load slowly."""
TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml")
PRELOADED = [
    "cycle_analysis.__main__",
    "cycle_analysis.notebook",
    "cycle_analysis.report",
    "cycle_analysis.running.checking",
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.metrics",
]
"""What every notebook uses, imported once, in the fork server.

Not the inline backend of matplotlib: it ties itself to the kernel in which it is first imported.
"""
QUIET = "--log-level=CRITICAL"  # a kernel tells nothing of itself where a run is shown
VOICE = threading.Lock()
"""Held by the thread that has taken the voice of this process."""
WORKERS = 2
"""Processes in which a kernel resamples."""


class NotebookError(Exception):
    """A notebook stopped; names the cell and the cause.

    Attributes
    ----------
    by_user : bool
        Whether the cause lies in the user's files or parameters.
    """

    def __init__(self, message: str, *, by_user: bool):
        self.by_user = by_user
        super().__init__(message)


class ForkedKernel:
    """A forked kernel with the handles that Jupyter expects of a subprocess."""

    stdin = stdout = stderr = None

    def __init__(self, process: ForkServerProcess):
        self.process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        """Exit code, or None while the kernel runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """Wait until the kernel has ended."""
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel."""
        if self.pid is not None and self.process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


class ForkProvisioner(LocalProvisioner):
    """Launch kernels from the fork server instead of a new interpreter."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel that listens on the connection of this provisioner."""
        folder = str(kwargs.get("cwd") or Path.cwd())
        connection_file: str = self.parent.connection_file  # type: ignore[union-attr]
        process = context().Process(target=run_kernel, args=(connection_file, folder))
        with deaf():
            process.start()
        self.process = ForkedKernel(process)  # type: ignore[assignment]
        self.pid, self.cwd = process.pid, Path(folder)
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """End the kernel, and wait for that here: Jupyter looks ten times a second only."""
        await super().kill(restart)
        if self.process is not None:
            self.process.wait()


class PromptClient(AsyncKernelClient):
    """A client that is ready once the kernel has answered and its outputs arrive.

    Jupyter's own then waits a fifth of a second for outputs of before, which nbclient tells apart.
    """

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        from nbclient.exceptions import DeadKernelError  # heavy, and papermill's already

        async with asyncio.timeout(timeout):
            while True:
                self.kernel_info()
                with suppress(queue.Empty):
                    answer = await self.get_shell_msg(timeout=1)
                    await self.get_iopub_msg(timeout=0.2)
                    return self._handle_kernel_info_reply(answer)
                if not await self.is_alive():
                    raise DeadKernelError("The kernel ended before it answered")

    wait_for_ready = _async_wait_for_ready


class PromptManager(AsyncKernelManager):
    """A manager of kernels with such a client."""

    client_factory = Type(PromptClient)


class ForkedWorkers(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """Workers of joblib from the fork server: those of its own import all libraries anew.

    In threads small steps of numpy wait for each other, and two cores do hardly more than one.
    """

    supports_retrieve_callback = True

    @cached_property
    def pool(self) -> ProcessPoolExecutor:
        """The workers, which wait for more from one call to the next."""
        return ProcessPoolExecutor(WORKERS, context(), initializer=_begin)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Give the number of workers."""
        return WORKERS

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Future[Any]], None] | None = None
    ) -> Future[Any]:
        """Let a worker do something."""
        future = self.pool.submit(_do, [pickle.dumps(wrap_non_picklable_objects(func))])
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Give what came of it."""
        return out.result()

    def get_nested_backend(self) -> tuple[ParallelBackendBase, None]:
        """Let a worker do by itself what is resampled within."""
        return SequentialBackend(nesting_level=1), None


def _do(work: list[bytes]) -> Any:
    return pickle.loads(work.pop())()  # which may be large, and is not kept beside what it holds


def execute_notebook(
    source: Path,
    copy: Path,
    parameters: Mapping[str, Value],
    step: str,
    top: Path,
    show: Callable[[str], None] = lambda cell: None,
) -> None:
    """Execute one notebook with papermill.

    Parameters
    ----------
    source, copy : Path
        The notebook, and where it is kept as executed.
    parameters : mapping of name to value
        What papermill puts in it.
    step : str
        Its name in messages.
    top : Path
        Folder from which all is private.
    show : function of str
        Shown which cell begins: ``5/20 Stability``.

    Raises
    ------
    NotebookError
        If a cell fails; the executed copy shows how far it came.
    InputError
        If that copy may not be written, or memory ran out.
    """
    papermill = _import_papermill()
    with _explained(papermill.PapermillExecutionError, step, copy):
        copy.parent.mkdir(parents=True, exist_ok=True)
        executed = papermill.execute_notebook(
            _literally(source),
            _literally(copy),
            parameters=dict(parameters),
            cwd=source.parent,
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            shutdown_kernel="immediate",
            coalesce_streams=True,
            iopub_timeout=LATE,
            on_cell_start=_showing(source, show),
            kernel_manager_class=PromptManager,
            extra_arguments=[QUIET],
        )
    kept = json.dumps(tidied(executed, _places(source, top)), indent=1, ensure_ascii=False)
    write_whole(copy, f"{kept}\n".encode(), private_from=top)


@contextmanager
def _explained(failed: type[Any], step: str, copy: Path) -> Iterator[None]:
    """Tell a cell that failed, a kernel that was ended and a disk that is full in our words."""
    from nbclient.exceptions import DeadKernelError

    try:
        yield
    except failed as error:
        if error.ename == InputError.__name__:
            raise NotebookError(error.evalue, by_user=True) from None
        if error.ename in NO_MEMORY:
            raise no_memory(step, f"cell {error.exec_count}", error.evalue) from None
        where = f"{step}, cell {error.exec_count}: {error.ename}: {error.evalue}"
        message = f"{where}\n{error}The notebook as far as it came: {copy}"
        raise NotebookError(message, by_user=False) from None
    except DeadKernelError:
        problem = "was ended from outside, as a system does when memory runs out"
        raise refuse(step, "its kernel", "", problem, "", TOO_LITTLE) from None
    except OSError as error:
        if error.errno not in DISK:
            raise
        raise unwritable(Path(error.filename or copy), error) from error


def _showing(source: Path, show: Callable[[str], None]) -> Callable[..., None]:
    """Show each cell that begins, with its number and the heading above it."""
    cells = json.loads(source.read_text("utf-8"))["cells"]
    n, headings = len(cells), _headings(cells)

    def show_cell(cell: Any, cell_index: int) -> None:  # papermill adds a cell, of parameters
        show(f"{min(cell_index + 1, n)}/{n} {headings.get(str(cell.get('id')), '')}".strip())

    return show_cell


def _headings(cells: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Name the heading under which each cell stands, by the cell's id."""
    heading, found = "", {}
    for cell in cells:
        titles = [line for line in "".join(cell["source"]).splitlines() if line.startswith("#")]
        if cell["cell_type"] == "markdown" and titles:
            heading = titles[-1].lstrip("# ")
        found[str(cell.get("id"))] = heading
    return found


def no_memory(file: str, where: str, told: str) -> InputError:
    """Say that there was too little memory, and what to do."""
    return refuse(file, where, told, "there was too little memory", "", TOO_LITTLE)


def tidied(notebook: Mapping[str, Any], places: Iterable[str] = ()) -> dict[str, Any]:
    """Leave out of an executed notebook what differs between two executions.

    Parameters
    ----------
    notebook : mapping
        As nbformat holds it.
    places : iterable of str
        Folders of this machine.

    Examples
    --------
    >>> output = {"output_type": "stream", "name": "stdout", "text": "<A at 0x7f1ee629d2f0>"}
    >>> cell = {"id": "a1", "metadata": {"execution": {}}, "outputs": [output]}
    >>> tidied({"cells": [cell], "metadata": {"papermill": {}}})["cells"][0]["outputs"][0]["text"]
    '<A at 0x…>'
    """
    passing = {re.compile(re.escape(place)): "…" for place in places} | PASSING
    left = json.loads(json.dumps(notebook))
    left["metadata"].pop("papermill", None)
    for place, cell in enumerate(left["cells"]):
        if "id" in cell:
            cell["id"] = f"{place:02d}"
        for name in ("execution", "papermill"):
            cell["metadata"].pop(name, None)
        for output in cell.get("outputs", []):
            _tidy_output(output, passing)
        if "outputs" in cell:
            cell["outputs"] = _in_order(cell["outputs"])
    return dict(left)


def context() -> ForkServerContext:
    """Give the fork server's context; its first process loads the libraries."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(PRELOADED)
    return server


def apart(function: Callable[..., Any], *given: Any) -> Any:
    """Do something in a process of the fork server, where there is one: that has the libraries."""
    if os.environ.get(PROVISIONER) != FORKED:
        return function(*given)
    server = context()  # before it starts: what it loads
    with deaf():
        pool = ProcessPoolExecutor(1, server, initializer=_begin)
        begun = pool.submit(function, *given)
    with pool:
        return begun.result()


@contextmanager
def voiceless() -> Iterator[None]:
    """Start processes that write no errors: what goes wrong in one is told by this process.

    One thread at a time: a second one would keep silence as the voice to give back.
    """
    with VOICE:
        shown, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(shown, 2)
            os.close(shown)
            os.close(nowhere)


@contextmanager
def deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C: the run hears it, and ends all.

    Nor have they a voice: a kernel that begins while all is taken away would show a traceback, and
    Python's tracker of resources would complain of what killed workers held.
    """
    with voiceless():
        resource_tracker.ensure_running()  # which would let this thread hear it again
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with voiceless():
            forkserver.ensure_running()
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def run_kernel(connection_file: str, folder: str) -> None:
    """Be a kernel until told to stop, or until the run is gone (in the forked child)."""
    from ipykernel.kernelapp import IPKernelApp
    from matplotlib import pyplot

    _begin()
    # a child knows the fork server and can ask it, but Python would have it start one of its own
    forkserver._forkserver.ensure_running = resource_tracker.ensure_running  # type: ignore
    joblib.parallel_config(ForkedWorkers(), n_jobs=WORKERS)
    try:
        os.chdir(folder)
    except FileNotFoundError:  # the run was stopped meanwhile, and has tidied up
        return
    # a kernel that is shut down is interrupted first, and would log that as an error; nobody asks
    # it what was typed before
    options = [QUIET, "--HistoryManager.enabled=False"]
    options.append(f"--IPKernelApp.parent_handle={os.getppid()}")
    sys.modules.setdefault(DEBUGGER, None)  # type: ignore[arg-type]
    kernel = IPKernelApp.instance()
    kernel.initialize(["-f", connection_file, *options])
    # the first would draw each figure after its cell, to be drawn again when it is shown
    pyplot.switch_backend(os.environ["MPLBACKEND"])
    pyplot.uninstall_repl_displayhook()
    kernel.start()


def _import_papermill() -> Any:
    """Import papermill, without the grammar of addresses that its check of JSON would make.

    No notebook needs that check, and the grammar takes three times as long as all the rest.
    """
    sys.modules.setdefault(GRAMMAR, None)  # type: ignore[arg-type]
    try:
        return import_module("papermill")
    finally:
        if sys.modules.get(GRAMMAR) is None:
            sys.modules.pop(GRAMMAR, None)


def _tidy_output(output: dict[str, Any], passing: Mapping["re.Pattern[str]", str]) -> None:
    """Leave out what passes, in the texts of an output."""
    data = output if "text" in output else output.get("data", {})
    for kind in {"text", *TEXTS} & data.keys():
        for pattern, instead in passing.items():
            data[kind] = pattern.sub(instead, data[kind])


def _in_order(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put errors and prints that follow each other in one order: they race."""
    ordered: list[dict[str, Any]] = []
    for is_stream, group in groupby(outputs, lambda output: output["output_type"] == "stream"):
        several = list(group)
        ordered += sorted(several, key=lambda output: output["name"]) if is_stream else several
    return ordered


def _places(source: Path, top: Path) -> list[str]:
    """Folders of this machine, those within others first."""
    home, package = top.parents[2], Path(__file__).parents[2]
    places = {home, source.parent, package, Path(sys.prefix), Path(tempfile.gettempdir())}
    return sorted({str(place) for place in places if len(place.parts) > 1}, key=len, reverse=True)


def _literally(path: Path) -> str:
    """Write a path so that papermill does not take braces in it for parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _begin() -> None:
    """Begin a forked process: what was loaded before is no garbage, and need not be searched."""
    gc.freeze()
    _end_with_the_parent()


def _end_with_the_parent() -> None:
    """Leave no kernel behind when the run is killed, nor a worker when its kernel is.

    It would write into the next run's results. Jupyter's own watch does not see it: the parent of
    a forked kernel is the fork server, which lives as long as its children.
    """

    def end(parent: BaseProcess) -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)

    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=end, args=(parent,), daemon=True).start()
