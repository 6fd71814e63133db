"""Time and memory of a whole run against the size of a study.

``python benchmarks/size.py run UNITS RESPONDENTS WAVES`` draws a study of that size in a passing
folder, checks and runs it with two workers, and appends a row to ``size.csv``: seconds of the clock
and of CPU, of each step by the clock, the largest memory of all its processes together, and the
load of the machine. ``show`` draws ``size.png`` and tells slopes.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import yaml

from cycle_analysis.simulate import Answering, Profiles

RESULTS = Path(__file__).with_suffix(".csv")
PHASES = [f"P{i}" for i in range(1, 6)]
ITEMS = 5
SHAPES = pd.DataFrame(
    [[20, 15, 10, 10, 5], [55, 65, 30, 25, 20], [60, 30, 55, 60, 25], [85, 80, 75, 80, 70]],
    columns=PHASES,
)


def both(text):
    return {"nl": text, "en": text}


def draw_study(home, n_units, n_respondents, n_waves):
    """Write a study of four profiles, five phases of five items, units of a register of its own."""
    folder = home / "data" / "raw" / "large"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2018)
    units = [f"U{i:06d}" for i in range(n_units)]
    register = pd.DataFrame({"unit": units, "name": [f"Unit {u}" for u in units]})
    register.assign(part=rng.choice(["A", "B", "C"], n_units)).to_csv(
        folder / "units.csv", index=False
    )
    items = [f"{phase}_{i}" for phase in PHASES for i in range(1, ITEMS + 1)]
    codebook = pd.DataFrame({"phase": np.repeat(PHASES, ITEMS)}, pd.Index(items, name="item"))
    codebook = codebook.assign(block="C", scale="step", reversed="no")
    codebook.assign(question_nl=items, question_en=items).to_csv(folder / "codebook.csv")
    waves = [str(2010 + i) for i in range(n_waves)]
    content = {
        **{"title": both("Large"), "synthetic": True, "population": both("all units")},
        "units": {"one": both("unit"), "many": both("units"), "register": "units.csv"},
        "developments": [{"code": "1", "label": both("all")}],
        "phases": [
            {"code": p, "development": "1", "label": both(p), "short": both(p)} for p in PHASES
        ],
        "scales": {"step": {"min": 0, "max": 4}},
        **{"waves": waves, "reference_wave": waves[0]},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content), "utf-8")
    levels = Profiles(SHAPES, spread=8)(n_units, rng)[PHASES].to_numpy()
    answering = Answering(respondent_sd=15, items=ITEMS)
    for wave in waves:
        seen = levels.repeat(n_respondents, axis=0)
        seen = seen + rng.normal(0, 15, (len(seen), 1)) + rng.normal(0, 8, seen.shape)
        rated = answering.rate(seen, np.arange(5).repeat(ITEMS), rng)
        codes = np.searchsorted(answering.cuts, rated).astype(int)
        table = pd.DataFrame(codes, columns=items)
        table.insert(0, "unit", np.repeat(units, n_respondents))
        table.insert(0, "respondent", np.arange(len(table)))
        (folder / wave).mkdir()
        table.to_csv(folder / wave / "responses.csv", index=False)
        described = {
            **{"wave": wave, "label": both(wave), "source": {"file": "responses.csv"}},
            "fieldwork": {"start": f"{wave}-03-01", "end": f"{wave}-05-01"},
            "columns": {name: name for name in table.columns},
        }
        (folder / wave / "wave.yaml").write_text(yaml.safe_dump(described), "utf-8")


def look(session):
    """CPU seconds of the processes of a session by their number, and the memory they take in GiB.

    Shared pages count once.
    """
    seconds, memory = {}, 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                seconds[stat.parent.name] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
                told = (stat.parent / "smaps_rollup").read_text()
                memory += int(re.search(r"^Pss:\s+(\d+)", told, re.MULTILINE)[1])
        except (OSError, TypeError):  # it has ended, or maps nothing any more
            continue
    return seconds, memory / 2**20


def timed(*arguments):
    """Run a command; give its seconds of the clock and of CPU, its largest memory, what it told."""
    call = [sys.executable, "-m", "cycle_analysis", *map(str, arguments)]
    started, most, cpu = time.perf_counter(), [0.0], {}
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )

    def watch():
        while process.poll() is None:
            seconds, memory = look(process.pid)
            cpu.update(seconds)
            most[0] = max(most[0], memory)
            time.sleep(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    told = process.communicate()[0]
    watcher.join()
    if process.returncode not in (0, 1):
        sys.exit(told)
    return time.perf_counter() - started, sum(cpu.values()), most[0], told


def one_run(n_units, n_respondents, n_waves):
    with tempfile.TemporaryDirectory() as home:
        draw_study(Path(home), n_units, n_respondents, n_waves)
        checked, *_ = timed("check", "large", "--home", home)
        load = os.getloadavg()[0]
        seconds, cpu, most, told = timed("run", "large", "--home", home, "--workers", 2)
        steps = re.findall(r"ok  (\w+)(?: \w+)?  \(([\d.]+) s\)", told)
        by_step = pd.DataFrame(steps, columns=["step", "s"]).astype({"s": float})
        own = by_step.groupby("step")["s"].sum().rename(lambda step: step[:2])
        size = {"units": n_units, "respondents": n_respondents, "waves": n_waves}
        told = {"check": checked, "run": seconds, "cpu": cpu, "gib": most, "load": load}
        return size | {n: round(v, 2) for n, v in told.items()} | own.drop("ch").to_dict()


def show():
    """Draw seconds and memory against units, one respondent each, and against respondents."""
    table = pd.read_csv(RESULTS).query("waves == 1").dropna()  # before CPU was read: left out
    _, axes = plt.subplots(2, 2, figsize=(8, 6.4), layout="constrained")
    chosen = {"units": "respondents == 1", "respondents": "units == 350"}
    for column, (size, which) in zip(axes.T, chosen.items(), strict=True):
        rows = table.query(which).sort_values(size)
        for ax, names, of in zip(column, (["cpu"], ["gib"]), ("CPU s", "GiB"), strict=True):
            for name in names:
                slope = np.polyfit(np.log(rows[size]), np.log(rows[name]), 1)[0]
                ax.semilogx(rows[size], rows[name], "o-", label=f"{name}: n^{slope:.2f}")
            ax.set(xlabel=f"{size} ({which.replace('==', '=')}, one wave)", ylabel=of)
            ax.set_ylim(0, 1.1 * rows[names].to_numpy().max())
            ax.legend(frameon=False)
            ax.spines[["top", "right"]].set_visible(False)
    plt.savefig(RESULTS.with_suffix(".png"), dpi=150)
    print(table.to_string(index=False))


if __name__ == "__main__":
    if sys.argv[1] == "show":
        show()
    else:
        row = pd.DataFrame([one_run(*map(int, sys.argv[2:5]))])
        old = [pd.read_csv(RESULTS)] if RESULTS.exists() else []
        pd.concat([*old, row]).to_csv(RESULTS, index=False, lineterminator="\n")
        print(row.to_string(index=False))
