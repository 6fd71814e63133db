"""Time and memory of reading and checking an export, against pandas and pyreadstat alone.

    python benchmarks/reading.py            100,000 x 60 csv and 66,000 x 80 sav
    python benchmarks/reading.py --rows 10  ten times that

Measured are the peer alone, our reading alone, and our reading with its checks and coding. Each
measurement is a process of its own, five of each kind by turns; the least of each counts, because
other work can only add. Time is that of the processor, in the program and in the kernel on
its behalf. Memory is the most that the process held while it read, less what it held before, with
all libraries loaded (the kernel's high-water mark, set back before reading). The data are the
table that the peer gives: its own memory, texts included. Said are the ratios.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from cycle_analysis.readers import read_export
from cycle_analysis.responses.coded import check_checksum, code_responses
from cycle_analysis.study import Study
from cycle_analysis.study.codebook import Codebook
from cycle_analysis.study.files import Source, StudyFile, Wave
from cycle_analysis.units import load_register

UNITS = ["GM0363", "GM0344", "GM0034", "GM0599", "GM0518"]


def study_of(n_items):
    """Make a study of one phase of `n_items` items on 0-4."""
    both = {"nl": "x", "en": "x"}
    unknown = {"reason": "dont_know", **both}
    phase = {"development": "1", "label": both, "short": both}
    file = StudyFile.model_validate(
        {
            "title": both,
            "population": both,
            "developments": [{"code": "1", "label": both}],
            "phases": [{"code": "A", **phase}, {"code": "B", **phase}],
            "scales": {"s": {"min": 0, "max": 4, "missing": {"8": unknown}}},
            "waves": ["2022"],
            "reference_wave": "2022",
        }
    )
    names = [f"Q{i}" for i in range(n_items)]
    table = pd.DataFrame({"item": names, "block": "C", "scale": "s", "reversed": False})
    table["phase"] = ["A" if i % 2 else "B" for i in range(n_items)]
    wave = Wave.model_validate(
        {
            "wave": "2022",
            "label": both,
            "fieldwork": {"start": "2022-03-01", "end": "2022-04-01"},
            "source": {"file": "x.csv"},
            "columns": {"respondent": "id", "unit": "unit", **{name: name for name in names}},
        }
    )
    codebook = Codebook(table.set_index("item"))
    return Study.model_construct(
        **dict(file), folder=Path("."), codebook=codebook, mappings={"2022": wave}
    )


def write(path, n_rows, n_columns):
    """Write an export of random answers, one in twenty *don't know*."""
    rng = np.random.default_rng(1)
    answers = rng.integers(0, 5, (n_rows, n_columns - 2))
    answers[rng.random(answers.shape) < 0.05] = 8
    table = pd.DataFrame(answers, columns=[f"Q{i}" for i in range(n_columns - 2)])
    table.insert(0, "unit", rng.choice(UNITS, n_rows))
    table.insert(0, "id", np.arange(n_rows))
    if path.suffix == ".csv":
        table.to_csv(path, index=False, sep=";")
    else:
        pyreadstat.write_sav(table, str(path))


def held(name):
    """Megabytes that this process holds (VmRSS) or held at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))


def read_alone(path):
    """Read as the peer does."""
    if path.suffix == ".csv":
        return pd.read_csv(path, sep=";")
    return pyreadstat.read_sav(str(path))[0]


def measure(what, path):
    """Read in this process; print processor seconds, peak megabytes, megabytes of the data."""
    register, study = load_register(), study_of(78 if path.suffix == ".sav" else 58)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    before = held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back
    started = time.process_time()
    size = 0.0
    if what == "read":
        assert len(read_export(path, Source(file=path.name)).cells) > 1
    elif what == "coded":
        raw = read_export(path, Source(file=path.name))
        check_checksum(path, checksum, "wave.yaml")
        responses = code_responses(raw, study, "2022", register)
        assert len(responses.answers) > 1
    else:
        table = read_alone(path)
    seconds, peak = time.process_time() - started, held("VmHWM") - before
    if what == "alone":
        size = table.memory_usage(deep=True).sum() / 1e6
    print(seconds, peak, size)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure and options.measure[0] == "write":
        path, rows, columns = options.measure[1:]
        return write(Path(path), int(rows), int(columns))
    if options.measure:
        return measure(options.measure[0], Path(options.measure[1]))
    with tempfile.TemporaryDirectory() as folder:
        for name, rows, columns in (("a.csv", 100_000, 60), ("a.sav", 66_000, 80)):
            path = Path(folder, name)
            this = [sys.executable, __file__, "--measure"]
            size = [str(int(rows * options.rows)), str(columns)]
            subprocess.check_call([*this, "write", str(path), *size])
            runs = {"alone": [], "read": [], "coded": []}
            for what in list(runs) * 5:
                told = subprocess.check_output([*this, what, str(path)], text=True)
                runs[what].append([float(number) for number in told.split()])
            best = {what: np.array(found).min(axis=0) for what, found in runs.items()}
            size = best["alone"][2]
            for what, (seconds, peak, _) in best.items():
                ratios = f"{seconds / best['alone'][0]:.1f} x alone, {peak / size:.1f} x the data"
                print(f"{name} {what:6} {seconds:6.2f} s  {peak:6.0f} MB: {ratios}")


if __name__ == "__main__":
    main()
