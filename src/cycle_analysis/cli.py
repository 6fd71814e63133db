"""The commands: to ``run`` a study, ``check``, ``freeze`` or ``verify`` it, for waves and units.

Exit codes: 0 all well, 1 warnings of check --strict or a difference that verify found, 2 something
is wrong with the user's files or arguments, or with the machine, 3 a bug, which always shows its
traceback, 130 stopped by the user (Ctrl-C).
"""

import argparse
import io
import math
import os
import shlex
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from cycle_analysis import STOPPED, __version__, problems
from cycle_analysis.study import check_name, find_home, load_study
from cycle_analysis.whole_files import tell_nobody

CLEAN, WARNINGS, REJECTED_INPUT, BUG = 0, 1, 2, 3
EXPECTED = (
    "expected profiles: a row for each, a column for each phase with its mean score, 0-100, and if "
    "wanted a column share; commas, or semicolons with decimal commas"
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; give its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console of another alphabet shows ? instead
    warnings.formatwarning = lambda message, *_: f"{message}\n"  # without a path of the package
    options = _parser().parse_args(arguments)
    try:
        code = int(options.command(options))
        sys.stdout.flush()
        return code
    except problems.InputError as error:
        print(f"{error}", file=sys.stderr)
        return REJECTED_INPUT
    except KeyboardInterrupt:
        print(options.stopped, file=sys.stderr)
        return STOPPED
    except MemoryError:
        print("There was too little memory. Close other programs, and run again.", file=sys.stderr)
        return REJECTED_INPUT
    except Exception as error:  # a bug: Python's own exit code would be that of a difference
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            tell_nobody()  # Python writes what is left when it ends
            return CLEAN
        traceback.print_exc()
        return BUG


def _nobody_reads() -> bool:
    """Whether whoever read along, such as ``head``, has seen enough: no other pipe is broken."""
    try:
        print(flush=True)
    except BrokenPipeError:
        return True
    return False


def _parser() -> argparse.ArgumentParser:
    title, _, codes = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="cycle-analysis", description=title.replace("``", ""), epilog=codes
    )
    version = f"cycle-analysis {__version__}"
    parser.add_argument("--version", action="version", version=version, help="say which this is")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _describe_run(commands)
    text = "check a study's files, answers and number of units; change nothing"
    check = _command(commands, "check", text, _check)
    check.add_argument("--strict", action="store_true", help="end with exit code 1 on warnings")
    _describe_verify(commands)
    text = "freeze the plan of a study, before its data: later reports list what was done otherwise"
    _command(commands, "freeze", text, _freeze)
    _describe_robustness(commands)
    _describe_simulate(commands)
    _describe_new_study(commands)
    _describe_add_wave(commands)
    _describe_register(commands)
    sheets = _command(commands, "sheets", "write a private page for each unit", _sheets)
    text = "code of a unit; may be given more than once (default: all that answered)"
    sheets.add_argument("--unit", action="append", default=[], help=text)
    sheets.add_argument("--wave", help="the wave they are about (default: the last)")
    _workers(sheets, "pages at once")
    twin = _command(commands, "twin", "write a synthetic twin to share, after a run", _twin)
    twin.add_argument("--seed", type=_from(1), default=2018, help="default: %(default)s")
    text = "copy the notebooks, to edit them"
    copy = _command(commands, "notebooks", text, _copy_notebooks, of_study=False)
    copy.add_argument("folder", metavar="DEST", type=Path, help="folder to copy them to")
    return parser


def _command(
    commands: Any, name: str, text: str, run: Callable[..., int], *, of_study: bool = True
) -> Any:
    """Begin a command: its name, what it is for, the function that runs it."""
    whole = f"{text[0].upper()}{text[1:]}{'' if text.endswith('?') else '.'}"
    command = commands.add_parser(name, help=text, description=whole)
    command.set_defaults(command=run, stopped="Stopped.")
    if of_study:
        command.add_argument("study", metavar="STUDY", help="a folder in data/raw")
        _home(command)
    return command


def _describe_run(commands: Any) -> None:
    run = _command(commands, "run", "run what changed of a study, up to the report", _run)
    text = "a notebook's parameter, 04.max_profiles=6; may be given more than once"
    many: dict[str, Any] = {"action": "append", "default": []}
    run.add_argument("--param", metavar="NOTEBOOK.NAME=VALUE", help=text, **many)
    run.add_argument("--explain", action="store_true", help="say why each notebook runs")
    run.add_argument("--dry-run", action="store_true", help="say what would run, and run nothing")
    run.add_argument("--force", action="store_true", help="run everything, changed or not")
    _workers(run, "notebooks at once")
    run.set_defaults(stopped="Stopped. What was finished is kept; the next run goes on from there.")


def _describe_verify(commands: Any) -> None:
    text = "prove a report: hold it against its manifest, and run it anew elsewhere"
    verify = _command(commands, "verify", text, _verify)
    verify.add_argument("--quick", action="store_true", help="compare hashes, and run nothing")
    told = "manifest to hold it against (default: reports/STUDY/manifest.json)"
    verify.add_argument("--against", metavar="MANIFEST", type=Path, help=told)


def _describe_robustness(commands: Any) -> None:
    text = "analyse a study in every defensible way, after a run: what would others have found?"
    robustness = _command(commands, "robustness", text, _robustness)
    _workers(robustness, "analyses at once")
    _cluster(robustness)
    told = "say which analyses there are, and which not, and run nothing"
    robustness.add_argument("--dry-run", action="store_true", help=told)


def _describe_simulate(commands: Any) -> None:
    text = "ask beforehand what a study could find"
    simulate = _command(commands, "simulate", text, _simulate, of_study=False)
    simulate.add_argument("profiles", type=Path, metavar="PROFILES.csv", help=EXPECTED)
    help_units = "units in the survey, 10 or more"
    simulate.add_argument("--units", type=_from(10), required=True, help=help_units)
    for name, kind, usual, text in (
        ("--respondents", _from(1), 3, "respondents per unit"),
        ("--within-sd", _points, 10.0, "units around their profile, points"),
        ("--respondent-sd", _points, 15.0, "respondents in a unit, points"),
        ("--surveys", _from(1), 50, "surveys drawn"),
    ):
        told = f"{text} (default: %(default)s)"
        simulate.add_argument(name, type=kind, default=usual, help=told)
    text = "of a unit's score, 0-1; instead of --respondent-sd"
    simulate.add_argument("--reliability", type=_share, help=text)
    _workers(simulate, "surveys at once")
    _cluster(simulate)


def _describe_add_wave(commands: Any) -> None:
    add = _command(commands, "add-wave", "begin a new wave from an export", _add_wave)
    add.add_argument("wave", metavar="WAVE", help="name of the new wave, such as 2026")
    add.add_argument("file", metavar="FILE", type=Path, help="its export, as it came")
    _layout(add)


def _describe_new_study(commands: Any) -> None:
    text = "begin a study from its first export: study.yaml and codebook.csv"
    new = _command(commands, "new-study", text, _new_study)
    new.add_argument("file", metavar="FILE", type=Path, help="the export, as it came")
    text = "language of its questions and of the report (default: %(default)s)"
    new.add_argument("--language", default="nl", metavar="CODE", help=text)
    _layout(new)


def _describe_register(commands: Any) -> None:
    text = "fetch the municipalities of a year from CBS (online, extra cbsodata)"
    fetch = _command(commands, "fetch-register", text, _fetch_register, of_study=False)
    text = "extend a study's register of municipalities to a later year"
    extend = _command(commands, "extend-register", text, _extend_register)
    _home(fetch)
    for command in (fetch, extend):
        command.add_argument("year", metavar="YEAR", type=_from(1), help="as on 1 January, 2027")
    extend.add_argument("files", metavar="FILE", type=Path, nargs="+", help="of CBS, csv or xlsx")
    extend.add_argument("--events", type=Path, metavar="CSV", help="what became of the vanished")


def _home(command: argparse.ArgumentParser) -> None:
    command.add_argument("--home", type=Path, help="folder that holds data/ (default: here)")


def _cluster(command: argparse.ArgumentParser) -> None:
    told = "work on a Dask cluster: the address of its scheduler, tcp://127.0.0.1:8786"
    command.add_argument("--dask", metavar="ADDRESS", default="", help=told)


def _workers(command: argparse.ArgumentParser, text: str) -> None:
    told = f"{text} (default: %(default)s)"
    command.add_argument("--workers", type=_from(1), default=os.cpu_count() or 1, help=told)


def _layout(command: argparse.ArgumentParser) -> None:
    """Options for a workbook of which sheet or header are not clear; nothing unless given."""
    suppressed: dict[str, Any] = {"default": argparse.SUPPRESS}
    command.add_argument("--sheet", help="sheet of a workbook", **suppressed)
    text = "row of its headings"
    command.add_argument("--header-row", type=_from(1), metavar="ROW", help=text, **suppressed)


def _layout_of(options: argparse.Namespace) -> dict[str, Any]:
    return {name: vars(options)[name] for name in ("sheet", "header_row") if name in options}


def _from(least: int) -> Callable[[str], int]:
    """Make what reads a whole number from `least` on."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}")
        return int(text)

    return read


def _between(low: float, high: float, kind: str) -> Callable[[str], float]:
    """Make what reads a number, both ends included."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan  # which no range holds
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number {kind}")
        return value

    return read


_points = _between(0, 100, "of points from 0 to 100")
_share = _between(math.ulp(0), 1, "above 0 and at most 1")


def _run(options: argparse.Namespace) -> int:
    started, home = time.perf_counter(), _home_of(options)
    study = load_study(options.study, home)
    given = _read_given(options.param)
    from cycle_analysis.running.run import Status, ended_at_once, run_study, tell_error

    status = Status()
    how = {"force": options.force, "dry_run": options.dry_run, "n_workers": options.workers}
    with ended_at_once(options.stopped):
        outcome = run_study(study, home, given, **how, tell=status.tell, show=status.show)
    if options.explain or options.dry_run:
        for step, reasons in outcome.reasons.items():
            print(f"{step}: {'; '.join(reasons)}")
    for error in outcome.errors:
        print(f"\n{tell_error(error)}", file=sys.stderr)
    print(f"{outcome}  {time.perf_counter() - started:.1f} s")
    if not outcome.failed and not options.dry_run:
        first, *others = (f"report_{language}.html" for language in study.languages)
        rest = f" (and {', '.join(others)})" if others else ""
        print(f"Report: {home / 'reports' / study.name / first}{rest}")
    if not outcome.failed:
        return CLEAN
    return REJECTED_INPUT if outcome.by_user else BUG


def _check(options: argparse.Namespace) -> int:
    from cycle_analysis.running.checking import check_study

    checked = check_study(options.study, _home_of(options))
    n_warnings = 0
    for wave, found in checked.responses.items():
        print(f"{wave}: {found}")
        kinds = problems.problem_kinds(found.problems)
        n_warnings += int((kinds["done"] != problems.FIXED).sum())
        lines = problems.list_kinds(kinds) or ["nothing to remark on the answers"]
        print("\n".join(f"  {line}" for line in lines))
    print("\n".join(f"{doubt}" for doubt in checked.doubts) or "Enough units for a run.")
    return WARNINGS if options.strict and (n_warnings or checked.doubts) else CLEAN


def _verify(options: argparse.Namespace) -> int:
    home = _home_of(options)
    study = load_study(options.study, home)
    from cycle_analysis.running.manifest import FILE, read_manifest
    from cycle_analysis.running.run import ended_at_once
    from cycle_analysis.running.verify import verify

    manifest = read_manifest(options.against or home / "reports" / study.name / FILE)
    with ended_at_once(options.stopped):
        lines = verify(study, home, manifest, quick=options.quick)
    print("\n".join(map(str, lines)))
    counts = Counter(line.status for line in lines)
    print(", ".join(f"{n} {status}" for status, n in counts.items()) + ".")
    return CLEAN if all(line.is_proof for line in lines) else WARNINGS


def _freeze(options: argparse.Namespace) -> int:
    home = _home_of(options)
    study = load_study(options.study, home)
    from cycle_analysis.running import NOTEBOOKS, gather_parameters, notebook_folder
    from cycle_analysis.study.plan import freeze

    parameters = gather_parameters(study, notebook_folder(home), {})
    print(*freeze(study, {step: parameters[step] for step in NOTEBOOKS[:-1]}), sep="\n")
    print("Read the plan, register it where your field does, and keep both files with the study.")
    return CLEAN


def _robustness(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cycle_analysis.report import open_chapter, tell
    from cycle_analysis.results import Results
    from cycle_analysis.robustness.run import open_grid, run_grid
    from cycle_analysis.running.run import only_run
    from cycle_analysis.texts import read_list

    home = _home_of(options)
    study = load_study(options.study, home)
    results = Results(home / "data" / "processed" / study.name, study)
    grid = open_grid(study, results)
    print(f"{len(grid.universes)} defensible analyses.", file=sys.stderr)
    for reason, n in grid.left_out.most_common():
        print(f"  not {n}: {read_list('reasons')[reason]}", file=sys.stderr)
    if options.dry_run:
        return CLEAN
    with (
        only_run(results.folder, partial(print, file=sys.stderr)),
        tqdm(total=len(grid.universes), unit=" analyses") as progress,
    ):
        run_grid(grid, n_workers=options.workers, address=options.dask, tell=progress.update)
    chapter = open_chapter(study, results, study.language, "robustness", round_to=1)
    print(tell(chapter, "told"))
    print(f"Next: cycle-analysis run {study.name}, which tells it in notebook 06 and the report.")
    return CLEAN


def _simulate(options: argparse.Namespace) -> int:
    from joblib import Parallel
    from tqdm import tqdm

    from cycle_analysis.chance import workers
    from cycle_analysis.profiles import rates
    from cycle_analysis.running.run import start_workers

    world = rates.read_expected(options.profiles, options.within_sd)
    answering = rates.in_points(options.respondents, options.respondent_sd)
    if options.reliability:
        answering = rates.with_reliability(answering, world, options.reliability)
    work = rates.rounds(world, answering, options.units, options.surveys)
    if not options.dask:
        start_workers(options.workers)
    with workers(options.workers, options.dask) as n_workers:
        minutes = max(options.surveys * (0.5 + options.units / 150) / n_workers / 20, 1)
        print(
            f"{3 * options.surveys} surveys: of these profiles, of one cloud, and along the path "
            f"through the profiles. Minutes, about: {minutes:.0f}; workers: {n_workers}.",
            file=sys.stderr,
        )
        drawn = Parallel(return_as="generator")(work)
        told = list(tqdm(drawn, total=len(work), unit=f" times {rates.ROUND} surveys"))
    print(rates.summarise(told, len(world.centroids)))
    return CLEAN


def _new_study(options: argparse.Namespace) -> int:
    check_name(options.study)
    check_name(options.language, "--language")
    from cycle_analysis.drafting import new_study

    folder = _home_of(options) / "data" / "raw" / options.study
    layout = _layout_of(options)
    begun = new_study(folder, options.file, options.language, **layout)
    print(begun)
    given = [(f"--{name.replace('_', '-')}", str(value)) for name, value in layout.items()]
    print(
        "Next: fill in what is empty, look at what is likely, then: cycle-analysis add-wave "
        + shlex.join([options.study, begun.wave or "WAVE", str(options.file), *chain(*given)])
    )
    return CLEAN


def _add_wave(options: argparse.Namespace) -> int:
    study = load_study(options.study, _home_of(options), without=options.wave)
    from cycle_analysis.drafting import add_wave
    from cycle_analysis.units import study_register

    layout = _layout_of(options)
    name = "" if options.wave in study.waves else f"name {options.wave!r} under `waves`, "
    print(add_wave(study, options.wave, options.file, study_register(study), **layout))
    print(
        f"Next: fill in what is empty, look at what is commented, {name}then: "
        f"cycle-analysis check {study.name}"
    )
    return CLEAN


def _sheets(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cycle_analysis.chance import workers
    from cycle_analysis.private_files import write_sheets
    from cycle_analysis.running import finished_results
    from cycle_analysis.running.run import start_workers

    study = load_study(options.study, _home_of(options))
    wave = options.wave or study.waves[-1]
    if wave not in study.waves:
        raise problems.refuse("command line", "--wave", wave, "is no wave", ", ".join(study.waves))
    results = finished_results(study)
    folder = results.folder / "sheets"
    n_pages = 0
    start_workers(options.workers)
    with workers(options.workers), tqdm(unit=" pages") as progress:
        for paths in write_sheets(study, results, folder, wave, options.unit):
            n_pages += len(paths)
            progress.update(len(paths))
    print(f"{n_pages} private pages: {folder}")
    return CLEAN


def _twin(options: argparse.Namespace) -> int:
    study = load_study(options.study, _home_of(options))
    from cycle_analysis.running import finished_results
    from cycle_analysis.simulate.twin import write_twin

    print(write_twin(study, finished_results(study), options.seed))
    return CLEAN


def _copy_notebooks(options: argparse.Namespace) -> int:
    from cycle_analysis.running import copy_notebooks

    for path in copy_notebooks(options.folder):
        print(path)
    print("A run takes the notebooks of its home folder before those of the package.")
    return CLEAN


def _fetch_register(options: argparse.Namespace) -> int:
    from cycle_analysis.units.register_years import fetch_to_file

    path = _home_of(options) / "data" / "raw" / f"municipalities_{options.year}_cbs.csv"
    n = fetch_to_file(options.year, path)
    print(f"{n} municipalities of 1 January {options.year} from CBS (CC BY 4.0): {path}")
    print(f"Next: cycle-analysis extend-register STUDY {options.year} {path}")
    return CLEAN


def _extend_register(options: argparse.Namespace) -> int:
    study = load_study(options.study, _home_of(options))
    from cycle_analysis.units import study_register
    from cycle_analysis.units.register_years import extend, read_year, write_register

    register, year = study_register(study), options.year
    later = extend(register, read_year(options.files, register, year), year, options.events)
    names = f"municipalities_{year}.csv", f"municipality_events_{year}.csv"
    write_register(later, *(study.folder / name for name in names))
    print(f"{len(later.on(f'{year}-01-01'))} municipalities on 1 January {year}.")
    print(f"Next: in study.yaml, under `units`, set register: {names[0]} and events: {names[1]}")
    return CLEAN


def _home_of(options: argparse.Namespace) -> Path:
    return Path(options.home or find_home()).resolve()


def _read_given(texts: list[str]) -> dict[str, dict[str, str]]:
    """Read ``04.max_profiles=6`` as notebook, parameter, value."""
    given: dict[str, dict[str, str]] = {}
    wrong = []
    for text in texts:
        name, equals, value = text.partition("=")
        notebook, dot, parameter = name.partition(".")
        if not (equals and dot and parameter):
            allowed = "NOTEBOOK.NAME=VALUE, such as 04.max_profiles=6"
            wrong.append(
                problems.Problem("command line", "--param", text, "cannot be read", allowed)
            )
        given.setdefault(notebook, {})[parameter] = value
    problems.refuse_any(wrong)
    return given
