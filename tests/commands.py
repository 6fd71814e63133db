"""Run the commands as a user does, judged by what they print."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

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


def finished(told: str) -> set[str]:
    """Steps that a run says it has done."""
    lines = [line.split() for line in told.splitlines() if line.startswith("  ok  ")]
    return {" ".join(words[1:-2]) for words in lines}
