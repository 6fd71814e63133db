"""Run the commands as a user does: a process of its own, judged by what it prints."""

import subprocess
import sys
from pathlib import Path


def command(*arguments: str, home: Path | None) -> subprocess.CompletedProcess[str]:
    """Run ``cycle-analysis`` with these arguments, on the studies in `home` if it is given."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "cycle_analysis",
            *arguments,
            *(["--home", str(home)] if home else []),
        ],
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
    )


def finished(told: str) -> set[str]:
    """Steps that a run says it has done."""
    lines = [line.split() for line in told.splitlines() if line.startswith("  ok  ")]
    return {" ".join(words[1:-2]) for words in lines}
