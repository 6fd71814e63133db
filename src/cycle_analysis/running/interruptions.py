"""Let Ctrl-C end a command at once, and its other processes with it.

In a terminal Ctrl-C reaches every process. Workers would each show a traceback of their own, and a
kernel that is just being started would do its whole notebook first.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from joblib import Parallel, delayed

from cycle_analysis.__main__ import STOPPED
from cycle_analysis.running.kernels import voiceless
from cycle_analysis.running.run import PREFIX


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
        print(told, file=sys.stderr)
        sys.stdout.flush()
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
