"""The same numbers under joblib's own processes and on a Dask cluster."""

import json
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from commands import called
from grids import grid_of, saved_grid
from shared import four_profiles
from small_studies import write_notebook

from cycle_analysis import chance
from cycle_analysis.mixtures import EEI, Search, fit_mixture
from cycle_analysis.problems import InputError, refuse
from cycle_analysis.profiles import latent_profiles
from cycle_analysis.profiles.division import bootstrap_jaccard
from cycle_analysis.profiles.rates import in_points, recovery
from cycle_analysis.profiles.selection import bootstrap_likelihood_ratio, compare
from cycle_analysis.profiles.verdict import weigh
from cycle_analysis.robustness.run import run_grid
from cycle_analysis.running.kernels import (
    FORKED,
    PROVISIONER,
    ForkedWorkers,
    apart,
    execute_notebook,
)
from cycle_analysis.running.run import FIXED_ENVIRONMENT, _told
from cycle_analysis.simulate import Profiles
from cycle_analysis.study import load_study

pytestmark = pytest.mark.xdist_group("dask")
NEAR = Profiles(pd.DataFrame({"AG": [30.0, 52.0], "EX": [30.0, 52.0], "VB": [60.0, 38.0]}), 6.0)
"""Two profiles so near that some units of every survey are placed in the other."""


def test_resampling_on_a_dask_cluster_equals_loky_forked_workers_and_one_process(dask_address):
    from dask.distributed import Client

    alone = _everything()
    with joblib.parallel_config(backend="loky", n_jobs=2):
        here = _everything()
    with joblib.parallel_config(ForkedWorkers(), n_jobs=2):
        forked = _everything()
    with Client(dask_address), joblib.parallel_config(backend="dask", n_jobs=2):
        there = _everything()
    for name, values in alone.items():
        assert np.array_equal(values, here[name], equal_nan=True), name
        assert np.array_equal(values, forked[name], equal_nan=True), name
        assert np.array_equal(values, there[name], equal_nan=True), name


def test_a_grid_is_the_same_on_a_dask_cluster(small, alone, dask_address):
    run_grid(grid_of(small), address=dask_address)
    assert saved_grid(small) == saved_grid(alone)


def test_a_command_finds_the_same_on_a_dask_cluster(tmp_path, dask_address, monkeypatch):
    path = tmp_path / "p.csv"
    path.write_text("AG,EX,VB\n20,10,5\n80,70,20\n")
    call = ("simulate", str(path), "--units", "40", "--surveys", "1")
    here = called(*call, "--workers", "1", home=None)
    assert here.returncode == 0, here.stderr
    there = called(*call, "--dask", dask_address, home=None)
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout
    monkeypatch.setattr(chance, "PATIENCE", 1)
    nobody = called(*call, "--dask", "tcp://127.0.0.1:1", home=None)
    assert nobody.returncode == 2
    assert "--dask" in nobody.stderr


def test_what_a_worker_refuses_is_told_as_it_was_refused():
    refused = pickle.loads(pickle.dumps(refuse("report.md.j2", "line 3", "aantal", "is unknown")))
    assert isinstance(refused, InputError)
    assert str(refused) == "report.md.j2, line 3: 'aantal': is unknown."
    with (
        joblib.parallel_config(ForkedWorkers(), n_jobs=2),
        pytest.raises(InputError, match="'a': is unknown"),
    ):
        joblib.Parallel()(joblib.delayed(_refuse)(value) for value in "aa")


def _refuse(value: str) -> None:
    raise refuse("report.md.j2", "line 3", value, "is unknown")


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")
def test_exports_are_read_apart_and_what_is_refused_there_is_told_here(tmp_path, monkeypatch):
    assert apart(os.getpid) == os.getpid(), "where nothing is forked"
    monkeypatch.setenv(PROVISIONER, FORKED)
    assert apart(os.getpid) != os.getpid()
    with pytest.raises(InputError, match="nowhere"):
        apart(load_study, "nowhere", tmp_path)
    with pytest.raises(BrokenProcessPool) as ended:
        apart(os._exit, 9)
    assert "too little memory" in str(_told(ended.value)), "a system that is short of it ends some"


LOADED = """
import os
from cycle_analysis.running.kernels import FORKED, PROVISIONER, apart
os.environ[PROVISIONER] = FORKED
print(apart(eval, "'sklearn.metrics' in __import__('sys').modules"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")
def test_a_process_that_works_apart_has_the_libraries_when_it_begins():
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("True\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")
def test_a_kernel_resamples_in_processes_that_end_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv(PROVISIONER, FORKED)
    monkeypatch.setenv("MPLBACKEND", FIXED_ENVIRONMENT["MPLBACKEND"])
    code = """import gc, os, time
from joblib import Parallel, delayed
assert gc.get_threshold()[0] == 50_000, "it looks for garbage as seldom as the command"
def where(i):
    time.sleep(0.1)
    return os.getpid()
print(os.getpid(), *Parallel()(delayed(where)(i) for i in range(9)))"""
    source, top = tmp_path / "nb.ipynb", tmp_path / "data" / "processed" / "study"
    write_notebook(source, code1=code)
    execute_notebook(source, top / "nb.ipynb", {}, "09", top)
    executed = json.loads((top / "nb.ipynb").read_text("utf-8"))
    printed = "".join(executed["cells"][-1]["outputs"][0]["text"])
    own, *workers = map(int, printed.split())
    assert own not in workers
    assert len(set(workers)) == 2
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in (own, *workers)):
        assert time.monotonic() < deadline, "a worker outlives its kernel"
        time.sleep(0.1)


def _everything() -> dict[str, np.ndarray]:
    scores, _ = four_profiles(60)
    method = partial(latent_profiles, models=[EEI], n_starts=3)
    table = compare(scores, 3, models=[EEI], n_starts=5)
    jaccard = bootstrap_jaccard(method(scores, 3), method, 4)
    evidence = weigh(scores, 3, n_starts=3, n_replicates=9)
    holed = scores.mask(np.random.default_rng(1).random(scores.shape) < 0.1).dropna(how="all")
    ratio = bootstrap_likelihood_ratio(fit_mixture, holed, 2, n_replicates=4, search=Search(2, 2))
    found = recovery(NEAR, in_points(3), 40, 3, 2, n_replicates=3, n_starts=3)
    return {
        "compare": table.select_dtypes("number").astype(float).to_numpy(),
        "jaccard": jaccard.to_numpy(dtype=float),
        "rivals": evidence.rivals[["bic_lead", "held_out"]].to_numpy(),
        "found": found.select_dtypes("number").to_numpy(dtype=float),
        "ratio": pd.Series(ratio.null_statistics).to_numpy(),
    }
