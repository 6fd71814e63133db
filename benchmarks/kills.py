"""Kill a run at twenty random moments, let it complete, and let it prove itself.

``python benchmarks/kills.py [--kills 20] [--seed 2018]`` makes a small study, starts a run of it
again and again, kills it after a drawn time, and counts what is left of processes and half-written
files. Then the run completes, and ``cycle-analysis verify`` runs it anew: all must be *same*.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from commands import command
from test_interruptions import Run, new_home

LONGEST = 12.0
"""Seconds within which a run is killed: each goes on where the one before it was."""


def main() -> int:
    """Kill, complete, verify; exit code 0 if all is the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2018)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        home, left = new_home(Path(folder)), 0
        for number in range(1, options.kills + 1):
            seconds = draw.uniform(0, LONGEST)
            run = Run(home)
            time.sleep(seconds)
            ended = run.process.poll() is not None
            run.process.kill()
            left += len(run.left_behind())
            told = run.process.stdout.read().splitlines()
            print(
                f"{number:2}  {seconds:5.1f} s  {'had ended' if ended else told[-1:]}", flush=True
            )
        done = command("run", "small", home=home)
        proven = command("verify", "small", home=home)
        parts = list(home.rglob("*.part"))
    print(done.stdout.splitlines()[-2:], proven.stdout.splitlines()[-1])
    print(f"{left} processes and {len(parts)} half-written files left; verify: {proven.returncode}")
    return int(bool(left or parts or done.returncode or proven.returncode))


if __name__ == "__main__":
    sys.exit(main())
