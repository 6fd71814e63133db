"""Runs that are killed, stopped, out of disk, or two at once: nothing half-done counts as done."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import product
from pathlib import Path

import pytest
from commands import Run, called, command, finished
from frozen import make_run
from small_studies import QUICK, Truth, change_cell, make_study

from cycle_analysis import cli
from cycle_analysis.problems import InputError
from cycle_analysis.running.kernels import voiceless
from cycle_analysis.running.run import only_run
from cycle_analysis.whole_files import write_whole

resource = pytest.importorskip("resource", reason="signals and limits of POSIX")
ALL_STEPS = 9
SMALL_FILES = 40_000
"""Most bytes of a file where the disk is said to be full: tables fit, executed notebooks do not."""


def results(home: Path) -> dict[str, bytes]:
    """Tables and reports of the small study, by their place."""
    tables = (home / "data" / "processed" / "small").glob("*/*/*.csv")
    reports = (home / "reports" / "small").glob("*.html")
    return {str(path.relative_to(home)): path.read_bytes() for path in [*tables, *reports]}


def new_home(folder: Path) -> Path:
    """A home folder with the small study."""
    return make_run("one_language", folder).home


@pytest.fixture
def done(frozen_run):
    """A home folder in which that study has run undisturbed, to be read."""
    run = frozen_run("one_language")
    assert len(finished(run.told)) == ALL_STEPS
    return run.home


@pytest.fixture
def done_copy(frozen_run, make_copy):
    """A copy of it, to change."""
    return make_copy(frozen_run("one_language"))


# Between them these moments lie in the imports, in writing tables, in computing, and in the report.
def test_row_36_runs_that_are_killed_leave_no_process_and_the_next_one_completes(done, done_copy):
    home, processed = done_copy, done_copy / "data" / "processed" / "small"
    scratch = processed / ".scratch"
    for step in ("01_responses", "02_scores", "04_number_of_profiles"):
        shutil.rmtree(processed / "2010" / step)
    shutil.rmtree(home / "reports" / "small")
    left = []
    moments = {"…   01_": 0.5, "…   02_": 0.4, "…   04_": 0.7, "…   08_": 0.6}
    for started, seconds in moments.items():
        run = Run(home).wait_for(started)
        time.sleep(seconds)
        run.process.kill()
        assert run.left_behind() == [], started
        run.process.stdout.close()
        left.append(Path(scratch.read_text("utf-8")))
    assert [path.exists() for path in left] == [False, False, False, True]
    assert any(left[-1].iterdir()), "sockets and connection files lie where they are cleared"
    told = command("run", "small", home=home)
    assert told.returncode == 0, told.stderr
    assert results(home) == results(done)
    assert not list(home.rglob("*.part"))
    assert not left[-1].exists()
    assert not Path(scratch.read_text("utf-8")).exists()
    assert called("verify", "small", "--quick", home=home).returncode == 0
    assert f"{ALL_STEPS} up to date" in called("run", "small", "--dry-run", home=home).stdout


def test_row_36_ctrl_c_ends_the_run_and_its_kernels_and_is_no_success(tmp_path):
    run = Run(new_home(tmp_path)).wait_for("…   02_")
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.end() == 130
    assert "Stopped. What was finished is kept" in run.told
    assert "Report:" not in run.told
    assert "Traceback" not in run.told
    assert run.left_behind() == []


COMMANDS = {
    "run": ["run", "small", "--force"],
    "check": ["check", "small"],
    "verify": ["verify", "small"],
    "sheets": ["sheets", "small"],
    "simulate": ["simulate", "profiles.csv", "--units", "150"],
    "new-study": ["new-study", "other", "profiles.csv"],
    "add-wave": ["add-wave", "small", "2011", "profiles.csv"],
}


LONG = ("run", "verify", "sheets", "simulate")


@pytest.mark.parametrize(
    ("name", "seconds"),
    # every command begins with the same imports, goes on with its own, then works
    [("run", 0.05), *product(COMMANDS, (0.2,)), *product(LONG, (2.0,))],
)
def test_ctrl_c_ends_every_command_at_once_with_one_line(frozen_run, tmp_path, name, seconds):
    home = tmp_path
    shutil.copytree(frozen_run("one_language").home, home, dirs_exist_ok=True)
    (home / "profiles.csv").write_text("AG,EX,VB\n10,10,10\n40,60,40\n80,80,80\n", "utf-8")
    is_early = seconds < 1
    run = Run(home, *COMMANDS[name], how=("-X", "importtime") if is_early else ())
    if is_early:  # until Python has begun to import the package nobody can hear it
        run.wait_for("cycle_analysis")
    time.sleep(seconds)
    os.killpg(run.process.pid, signal.SIGINT)
    stopped = time.monotonic()
    assert run.end() in (130, -signal.SIGINT), "of both a shell makes 130"
    assert time.monotonic() - stopped < 10
    told = [line for line in run.told.splitlines() if not line.startswith("import time:")]
    assert told[-1].startswith("Stopped.")
    assert "Traceback" not in run.told
    assert run.left_behind() == []


SWALLOWING = """
import os, signal, sys

class Swallowing:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            try:
                os.kill(os.getpid(), signal.SIGINT)
                sum(range(1000))
            except KeyboardInterrupt:
                pass

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
sys.meta_path.insert(0, Swallowing())
sys.argv = ["cycle-analysis", "check", "nowhere"]
from cycle_analysis.__main__ import main
sys.exit(main())
"""
"""A program in which Ctrl-C comes while pandas is imported, and that import swallows it."""


def test_ctrl_c_is_heard_where_an_import_swallows_it(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", SWALLOWING], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Stopped.\n")


VOICELESS = """
import os, signal, threading, time
from cycle_analysis.running.kernels import voiceless
from cycle_analysis.running.run import ended_at_once

def start():
    with voiceless():
        time.sleep(0.5)

with ended_at_once("Stopped."):
    threading.Thread(target=start).start()
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
"""
"""A program in which Ctrl-C comes while a thread that starts a process has taken the voice."""


def test_ctrl_c_is_answered_while_a_thread_starts_a_process():
    ended = subprocess.run([sys.executable, "-c", VOICELESS], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "Stopped.\n")


def test_rows_36_and_37_what_cannot_be_written_is_told_and_of_two_runs_after_it_one_goes_on(
    tmp_path, done, done_copy
):
    reports = done_copy / "reports" / "small"
    processed = done_copy / "data" / "processed" / "small"
    shutil.rmtree(processed / "2010" / "01_responses")
    report = processed / "notebooks" / "08_report.ipynb"
    left, made = results(done_copy), report.stat().st_mtime_ns
    for most, cannot in ((SMALL_FILES, "01_responses"), (100, ".pytask")):
        told = run_on_a_full_disk(done_copy, most)
        assert told.returncode == 2, told.stderr
        assert "the disk, or one's share of it, is full" in told.stderr
        assert cannot in told.stderr
        assert "Traceback" not in told.stdout + told.stderr
        assert results(done_copy) == left
    assert not list(done_copy.rglob("*.part"))
    for place, steps in (
        (processed / "all_waves", set()),
        (reports, {"check", "01_responses 2010", "07_waves"}),
    ):
        shutil.move(place, tmp_path / place.name)
        place.write_text("a file where a folder should be", "utf-8")
        told = command("run", "small", home=done_copy)
        assert told.returncode == 2
        assert str(place) in told.stderr
        assert "stands in its way" in told.stderr
        assert "Traceback" not in told.stdout + told.stderr
        assert finished(told.stdout) == steps, "it goes on where it was"
        assert report.stat().st_mtime_ns == made, "told before the notebook ran for nothing"
        place.unlink()
    reports.mkdir()
    (reports / "notes.docx").write_bytes(b"mine")
    first = Run(done_copy, "run", "small", "--explain").wait_for("…   08_")
    second = Run(done_copy).wait_for("Another run works on small. This one waits")
    assert (first.end(), second.end()) == (0, 0)
    assert finished(first.told) == {"08_report"}
    assert "\n08_report: " in first.told, "and why"
    assert f"{ALL_STEPS} up to date" in second.told
    assert results(done_copy) == results(done)
    assert (reports / "notes.docx").read_bytes() == b"mine", "what a user keeps stays"


def run_on_a_full_disk(home: Path, most: int) -> subprocess.CompletedProcess[str]:
    limit = "import resource, sys; from cycle_analysis.cli import main; "
    limit += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, -1)); "
    limit += "sys.exit(main(sys.argv[1:]))"
    call = [sys.executable, "-c", limit, "run", "small", "--home", str(home)]
    return subprocess.run(call, capture_output=True, text=True, check=False)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere"
)
def test_row_36_a_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"may not be written.*make its folder writable"):
        write_whole(tmp_path / "table.csv", b"a")


def test_row_36_a_file_that_cannot_be_written_whole_leaves_the_old_one_and_no_part(tmp_path):
    path = write_whole(tmp_path / "table.csv", b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(InputError, match="is full"):
            write_whole(path, b"new" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("left", [b"", b"garbage", b"\xff\xfe", b'lock-version = "1'])
def test_row_36_a_memory_that_a_power_cut_damaged_is_begun_anew(tmp_path, left):
    home = new_home(tmp_path)
    memory = home / "data" / "processed" / "small" / "pytask.lock"
    memory.parent.mkdir(parents=True)
    memory.write_bytes(left)
    told = called("run", "small", "--dry-run", home=home)
    assert told.returncode == 0, told.stderr
    assert "pytask.lock cannot be read" in told.stdout
    assert f"{ALL_STEPS} would run" in told.stdout


def test_row_37_a_dry_run_does_not_wait(done_copy):
    with only_run(done_copy / "data" / "processed" / "small", print):
        told = called("run", "small", "--dry-run", home=done_copy)
    assert told.returncode == 0
    assert "Another run" not in told.stdout


NO_MEMORY = {
    "2010": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "2011": "import numpy; numpy.zeros(1 << 59)",
}
"""What the same notebook does for each of two waves."""


def test_a_killed_kernel_and_too_little_memory_are_told_with_what_to_do(tmp_path):
    make_study(tmp_path, Truth(list(NO_MEMORY), "profiles", n_units=16), parameters=QUICK)
    change_cell(tmp_path, "01_responses", 2, f"exec({NO_MEMORY}[wave])")
    told = command("run", "small", home=tmp_path)
    assert told.returncode == 2, told.stderr
    killed = "01_responses 2010, its kernel: was ended from outside, as a system does when memory"
    assert killed in told.stderr
    assert "01_responses 2011, cell 4: 'Unable to allocate 4.00 EiB" in told.stderr
    what_to_do = "Close other programs, or run with --workers 1: what was finished is kept"
    assert told.stderr.count(what_to_do) == 2
    assert "Traceback" not in told.stdout + told.stderr


@pytest.mark.parametrize(("name", "at_once"), [("check", "1"), ("check", ""), ("run", "")])
def test_a_reader_that_has_seen_enough_is_no_fault_and_a_run_goes_on(done_copy, name, at_once):
    report = done_copy / "reports" / "small" / "report_nl.html"
    report.unlink()
    there, closed = os.pipe()
    os.close(there)
    ended = subprocess.run(
        [sys.executable, "-m", "cycle_analysis", name, "small"],
        cwd=done_copy,
        stdout=closed,
        stderr=subprocess.PIPE,
        check=False,
        env=os.environ | {"PYTHONUNBUFFERED": at_once},
    )
    os.close(closed)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert report.exists() == (name == "run")


def test_another_pipe_that_breaks_is_a_bug_and_told(done, monkeypatch):
    def lose(options):
        raise BrokenPipeError("of a worker")

    monkeypatch.setattr(cli, "_check", lose)
    told = called("check", "small", home=done)
    assert told.returncode == cli.BUG
    assert "BrokenPipeError: of a worker" in told.stderr


def test_threads_that_silence_what_they_start_leave_the_run_its_voice():
    before = os.fstat(2)
    entered, second_in, second_may_leave = (threading.Event() for _ in range(3))

    def second():
        entered.wait()
        with voiceless():
            second_in.set()
            second_may_leave.wait()

    thread = threading.Thread(target=second)
    thread.start()
    with voiceless():
        entered.set()
        second_in.wait(0.2)  # in vain, since it waits for this one
    second_may_leave.set()
    thread.join()
    assert os.path.samestat(before, os.fstat(2))
