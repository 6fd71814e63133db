"""Start notebook kernels by forking a process that has loaded the libraries already.

A fresh kernel spends most of its time importing pandas, scikit-learn and seaborn. Python's fork
server imports them once and gives every notebook a copy of itself: as separate as a fresh kernel,
in a fraction of the time. Linux only; elsewhere notebooks get Jupyter's ordinary kernels.
"""

import multiprocessing
import os
import signal
import threading
from multiprocessing import resource_tracker
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

PRELOADED = ["cycle_analysis.running.preload"]


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
        resource_tracker.ensure_running()  # which would let this thread hear Ctrl-C again
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the run hears it, and ends all
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        self.process = ForkedKernel(process)  # type: ignore[assignment]
        self.pid, self.cwd = process.pid, Path(folder)
        return self.connection_info


def context() -> ForkServerContext:
    """Give the fork server's context; its first process loads the libraries."""
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload(PRELOADED)
    return forkserver


def run_kernel(connection_file: str, folder: str) -> None:
    """Be a kernel until told to stop, or until the run is gone (in the forked child)."""
    from ipykernel.kernelapp import IPKernelApp

    threading.Thread(target=_end_with_the_run, daemon=True).start()
    try:
        os.chdir(folder)
    except FileNotFoundError:  # the run was stopped meanwhile, and has tidied up
        return
    # a kernel that is shut down is interrupted first, and would log that as an error
    options = ["--log-level=CRITICAL", f"--IPKernelApp.parent_handle={os.getppid()}"]
    IPKernelApp.launch_instance(["-f", connection_file, *options])


def _end_with_the_run() -> None:
    """Leave no kernel behind when the run is killed: it would write into the next one's results.

    Jupyter's own watch does not see it: the parent of a forked kernel is the fork server, which
    lives as long as its children.
    """
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os.kill(os.getpid(), signal.SIGKILL)
