"""Universes per minute of the grid of the example, and whether it survives kills.

``python benchmarks/robustness.py HOME KILLS`` kills ``cycle-analysis robustness example`` so many
times at random moments, lets it end, and holds the table against one that ran undisturbed. The
example must have run in HOME. ``python benchmarks/robustness.py HOME beside N`` analyses N of its
universes, evenly over the grid, by multiversum (PyPI), which runs a notebook for each, and by
ours, with two workers, and compares what they found; ``beside N together`` takes all universes that
share their fits with these, as the grid has them.
"""

import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

import nbformat
from joblib import Parallel, delayed

from cycle_analysis.results import ROBUSTNESS, open_results
from cycle_analysis.robustness.curve import analyse
from cycle_analysis.robustness.run import open_grid
from cycle_analysis.study import load_study

UNIVERSE = """import json, pickle
from pathlib import Path
from multiversum import Universe
from cycle_analysis.robustness.curve import analyse
universe = Universe(settings=settings)
folder = Path(json.loads(settings)["output_dir"])
material, universes = pickle.loads((folder / "grid.pickle").read_bytes())
place = universe.dimensions["place"]
row, = analyse(material, [universes[place]])
(folder / f"{place}.json").write_text(json.dumps(row))"""


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


def by_multiversum(material, universes, folder):
    """Analyse each universe in a notebook of its own, from material that is prepared for all."""
    from multiversum import MultiverseAnalysis

    (folder / "grid.pickle").write_bytes(pickle.dumps((material, universes)))
    cells = [nbformat.v4.new_code_cell(UNIVERSE)]
    parameters = nbformat.v4.new_code_cell("settings = '{}'", metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[parameters, *cells], metadata=kernel)
    nbformat.write(notebook, folder / "universe.ipynb")
    dimensions = {"place": list(range(len(universes)))}
    peer = MultiverseAnalysis(dimensions, universe=folder / "universe.ipynb", output_dir=folder)
    peer.examine_multiverse(n_jobs=2)
    return [json.loads((folder / f"{i}.json").read_text()) for i in dimensions["place"]]


def by_ours(material, universes):
    """Analyse universes that share their fits together, as `run_grid` does."""
    work = [list(alike) for _, alike in groupby(universes, key=lambda one: repr(one.work))]
    parts = Parallel(n_jobs=2)(delayed(analyse)(material, part) for part in work)
    return [row for part in parts for row in part]


def beside(home, n, together):
    grid = open_grid(load_study("example", home), open_results("example", home))
    universes = sorted(grid.universes, key=lambda one: repr(one.work))
    chosen = universes[:: len(universes) // n][:n]
    fits = {repr(one.work) for one in chosen}
    universes = [one for one in universes if repr(one.work) in fits] if together else chosen
    n = len(universes)
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, find in {
            "ours": lambda: by_ours(grid.material, universes),
            "multiversum": lambda: by_multiversum(grid.material, universes, Path(folder)),
        }.items():
            started = time.perf_counter()
            found[name] = sorted(find(), key=lambda row: row["universe"])
            seconds = time.perf_counter() - started
            print(f"{name}: {n} universes in {seconds:.0f} s, {60 * n / seconds:.1f} a minute")
    same = json.dumps(found["ours"]) == json.dumps(found["multiversum"])
    print(
        f"{'the same' if same else 'OTHER'} rows; {len(fits)} fits; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    home = Path(sys.argv[1]).resolve()
    if sys.argv[2] == "beside":
        beside(home, int(sys.argv[3]), "together" in sys.argv)
        sys.exit()
    kills = int(sys.argv[2])
    rng = random.Random(2018)
    whole, seconds, cpu = grid(home, 0, rng)
    n = whole.count(b"\n") - 1
    print(f"{n} universes: {seconds:.0f} s, {cpu:.0f} s of CPU, load {os.getloadavg()[0]:.1f};")
    print(f"{60 * n / seconds:.0f} a minute, 300 in {300 * seconds / n:.0f} s")
    killed, *_ = grid(home, kills, rng)
    print(f"{kills} kills: {'the same table' if killed == whole else 'ANOTHER TABLE'}")
