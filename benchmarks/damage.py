"""Damage study and export files of all formats, and count what a user must never see.

    PYTHONPATH=tests python benchmarks/damage.py [N] [SEED]

Each of N (1,000) files is damaged in one to three ways, and ``check`` and, of exports,
``new-study`` are run on it, with 20 seconds of time for both and 4 GB of memory. Counted are
tracebacks, hangs, and processes that abort; the seed makes the same damage again.
"""

import contextlib
import importlib
import io
import multiprocessing as mp
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
from exports import as_cells, as_numbers, write_ods, write_xls, write_xlsx
from tiny_study import answers, write_study

from cycle_analysis.cli import main
from cycle_analysis.units import load_register

SECONDS, BYTES = 10, 4 << 30
Rng = np.random.Generator
PIECES = [
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b'"', b"'", b";", b",", b"\t", b"{"),
    *(b"[" * 2000, b"<a>" * 2000, b"9" * 400, b"-1e999", b"nan", b"=1+1", b"&x;", b"*a", b"&a"),
    *("é".encode("latin-1"), "\u202e".encode(), "\ud7ff".encode(), b"]]>", b"PK\x03\x04", b": "),
    *(
        b"!!python/object:os.system",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        b"A" * 140_000,
        b"2022-02-31",
    ),
]


def flip(data: bytes, rng: Rng) -> bytes:
    """Change single bytes."""
    found = bytearray(data)
    for place in rng.integers(0, max(len(found), 1), rng.integers(1, 12)):
        found[place : place + 1] = bytes([rng.integers(256)])
    return bytes(found)


def cut(data: bytes, rng: Rng) -> bytes:
    """Lose the end, the begin, or a part in the middle."""
    start, stop = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    return (data[:stop], data[start:], data[:start] + data[stop:])[rng.integers(3)]


def insert(data: bytes, rng: Rng) -> bytes:
    """Insert what files are broken by."""
    place = int(rng.integers(0, len(data) + 1))
    return data[:place] + PIECES[rng.integers(len(PIECES))] + data[place:]


def repeat(data: bytes, rng: Rng) -> bytes:
    """Write a part of it many times."""
    start = int(rng.integers(0, len(data) + 1))
    part = data[start : start + int(rng.integers(1, 200))]
    return data[:start] + part * int(rng.integers(2, 300)) + data[start:]


def swap_lines(data: bytes, rng: Rng) -> bytes:
    """Write lines in another order, some twice and some never."""
    lines = data.splitlines(keepends=True) or [b""]
    return b"".join(lines[i] for i in rng.integers(0, len(lines), len(lines)))


def recode(data: bytes, rng: Rng) -> bytes:
    """Write it in another encoding."""
    names = ("utf-16", "utf-32", "cp500", "utf-16-be", "latin-1")
    text = data.decode("utf-8", "replace")
    return text.encode(names[rng.integers(len(names))], "replace")


DAMAGES: list[Callable[[bytes, Rng], bytes]] = [flip, cut, insert, repeat, swap_lines, recode]


def write_export(path: Path, table: pd.DataFrame) -> None:
    """Write the export in the format of its suffix."""
    kind, numbers = path.suffix[1:], as_numbers(table)
    if kind in ("csv", "tsv", "txt"):
        table.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
    elif kind in ("sav", "zsav"):
        pyreadstat.write_sav(numbers, str(path), compress=kind == "zsav")
    elif kind == "por":
        pyreadstat.write_por(numbers, str(path))
    elif kind == "dta":
        pyreadstat.write_dta(numbers, str(path))
    else:
        writers = {"xls": write_xls, "ods": write_ods}
        writers.get(kind, write_xlsx)(path, as_cells(table))


EXPORTS = ("csv", "tsv", "txt", "sav", "zsav", "por", "dta", "xlsx", "xlsm", "xls", "ods")
FILES = ("study.yaml", "codebook.csv", "2022/wave.yaml", "units.csv", "2022/invited.csv")


def try_once(seed: int, folder: str, told: Connection) -> None:
    """Damage one file and check it; send what was damaged, and what a user saw."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    rng, home = np.random.default_rng(seed), Path(folder)
    kind = EXPORTS[seed % len(EXPORTS)]
    more = {"invited": "invited.csv"} if seed % 3 == 0 else {}
    export = write_study(home, f"r.{kind}", **more)
    names = load_register().on("2022-03-01")["name"].iloc[:40].tolist()
    write_export(export, answers(80, gemeente=names * 2))
    (export.parent / "invited.csv").write_text("\n".join(["unit", *names]), "utf-8")
    study = export.parents[1]
    register = [f'{place},"{name}"' for place, name in enumerate(names, start=1)]
    (study / "units.csv").write_text("\n".join(["unit,name", *register]), "utf-8")
    if seed % 5 == 0:
        text = (study / "study.yaml").read_text() + "units: {register: units.csv}\n"
        (study / "study.yaml").write_text(text)
    is_export = seed % 2 == 0
    victim = export if is_export else study / FILES[(seed // 2) % len(FILES)]
    data = victim.read_bytes()
    for _ in range(rng.integers(1, 4)):
        data = DAMAGES[rng.integers(len(DAMAGES))](data, rng)[:5_000_000]
    victim.write_bytes(data)
    told.send(victim.name)
    commands = [["check", "tiny"]]
    if is_export:
        commands.append(["new-study", "other", str(export)])
    for arguments in commands:
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            code = main([*arguments, "--home", str(home)])
        if code == 3 or "Traceback" in error.getvalue():
            told.send(f"traceback: {error.getvalue()[-1500:]}")
        told.send("refused" if code == 2 else "read")
    told.send("done")


def judge(seed: int) -> tuple[str, str]:
    """Try one damaged file in a process of its own; say how it ended, and of which file.

    How it ended is refused or read, or one of what is never to be.
    """
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = mp.Pipe(duplex=False)
        process = mp.Process(target=try_once, args=(seed, folder, theirs))
        process.start()
        theirs.close()
        said, until = [], time.monotonic() + 2 * SECONDS
        with contextlib.suppress(EOFError):
            while ours.poll(max(until - time.monotonic(), 0)):
                said.append(ours.recv())
        process.join(0.1)
        hangs = process.is_alive()
        process.kill()
        process.join()
        name = said[0] if said else f"seed {seed}"
        found = next((one for one in said if one.startswith("traceback")), "")
        end = found or ("hang" if hangs else "" if "done" in said else f"abort {process.exitcode}")
        end = end or ("refused" if "refused" in said else "read")
        return end, name


def run(n: int, first: int) -> None:
    """Try `n` damaged files, and tell the counts."""
    for room in ("running.checking", "drafting"):  # once, not in each process
        importlib.import_module(f"cycle_analysis.{room}")
    counts: Counter[str] = Counter()
    for seed in range(first, first + n):
        end, name = judge(seed)
        counts[end.partition(":")[0].partition(" ")[0]] += 1
        if end not in ("refused", "read"):
            print(f"seed {seed}, {name}: {end}", flush=True)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))


if __name__ == "__main__":
    mp.set_start_method("fork")
    given = [int(text) for text in sys.argv[1:]]
    run(*given, *(1000, 0)[len(given) :])
