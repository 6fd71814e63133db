"""Run the commands as a user does, judged by what they print."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from cycle_analysis.cli import main


def command(
    *arguments: str, home: Path | None, timeout: float | None = None, package: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``cycle-analysis`` with these arguments, on the studies in `home` if it is given.

    It is that of the folder `package`, or of the sources.
    """
    return subprocess.run(
        [sys.executable, "-m", "cycle_analysis", *_arguments(arguments, home)],
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(package)} if package else None,
    )


def called(*arguments: str, home: Path | None) -> subprocess.CompletedProcess[str]:
    """Do the same in this process, where nothing depends on a process of its own.

    It takes a hundredth of a second instead of one, which is what Python and its libraries need to
    start. Not for notebooks: kernels know where they are from the process that starts the first.
    """
    out, error = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ),
        patch.object(tempfile, "tempdir", tempfile.tempdir),
        contextlib.chdir(home or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
    ):
        try:
            code = main(_arguments(arguments, home))
        except SystemExit as end:  # of argparse
            code = int(end.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), error.getvalue())


def _arguments(given: tuple[str, ...], home: Path | None) -> list[str]:
    return [*given, *(["--home", str(home)] if home else [])]


class Run:
    """A run of the small study, or another command, in a process of its own, to be disturbed."""

    def __init__(self, home: Path, *command: str, how: tuple[str, ...] = ()):
        self.process = subprocess.Popen(
            [sys.executable, *how, "-m", "cycle_analysis", *(command or ("run", "small"))],
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        self.told = ""

    def wait_for(self, text: str) -> "Run":
        """Read what it tells until a line with `text`."""
        for line in self.process.stdout:
            self.told += line
            if text in line:
                return self
        pytest.fail(f"ended without {text!r}:\n{self.told}")

    def end(self) -> int:
        """Wait until it has ended; give its exit code."""
        self.told += self.process.communicate(timeout=300)[0]
        return self.process.returncode

    def left_behind(self, patience: float = 5.0) -> list[str]:
        """Processes that it started and that still live after `patience` seconds."""
        deadline = time.monotonic() + patience
        while (alive := self._alive()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return alive

    def _alive(self) -> list[str]:
        listed = subprocess.run(
            ["ps", "-A", "-o", "sess=,stat=,args="], capture_output=True, text=True, check=True
        )
        rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        session = str(self.process.pid)
        return [row[2] for row in rows if row[0] == session and row[1][0] != "Z" and len(row) > 2]


def finished(told: str) -> set[str]:
    """Steps that a run says it has done."""
    lines = [line.split() for line in told.splitlines() if line.startswith("  ok  ")]
    return {" ".join(words[1:-2]) for words in lines}
