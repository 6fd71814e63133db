"""Universes per minute of the grid of the example, and whether it survives kills.

``python benchmarks/robustness.py HOME KILLS`` kills ``cycle-analysis robustness example`` so many
times at random moments, lets it end, and holds the table against one that ran undisturbed. The
example must have run in HOME.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from cycle_analysis.results import ROBUSTNESS, open_results


def call(home):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    how = ["robustness", "example", "--home", str(home), "--workers", "2"]
    command = [sys.executable, "-m", "cycle_analysis", *how]
    return subprocess.Popen(command, start_new_session=True, **quiet)


def grid(home, kills, rng):
    """Run the grid anew, killed so many times; give its table, its seconds and CPU seconds."""
    folder = open_results("example", home).step_folder(ROBUSTNESS)
    shutil.rmtree(folder, ignore_errors=True)
    started, before = time.perf_counter(), os.times()
    for _ in range(kills):
        process = call(home)
        time.sleep(rng.uniform(5, 20))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if call(home).wait() != 0:
        sys.exit("the grid stopped")
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return (folder / "universes.csv").read_bytes(), time.perf_counter() - started, cpu


if __name__ == "__main__":
    home, kills = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    rng = random.Random(2018)
    whole, seconds, cpu = grid(home, 0, rng)
    n = whole.count(b"\n") - 1
    print(f"{n} universes: {seconds:.0f} s, {cpu:.0f} s of CPU, load {os.getloadavg()[0]:.1f};")
    print(f"{60 * n / seconds:.0f} a minute, 300 in {300 * seconds / n:.0f} s")
    killed, *_ = grid(home, kills, rng)
    print(f"{kills} kills: {'the same table' if killed == whole else 'ANOTHER TABLE'}")
