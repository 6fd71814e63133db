import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import matplotlib as mpl
import pytest
from frozen import MAKERS, FrozenRun, finish_run
from grids import grid_of, with_grid

from cycle_analysis.robustness.run import run_grid
from cycle_analysis.running.kernels import GRAMMAR

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "data" / "raw" / "example"
mpl.use("Agg")
sys.modules.setdefault(GRAMMAR, None)  # two seconds in each worker, where nbclient is imported
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # the workers of pytest-xdist inherit it: one core each

Edit = Callable[[str, str, str], None]


FIRST = (
    *("example", "four_waves", "test_interruptions", "dask", "one_wave", "test_strange_studies"),
    *("continuum", "test_wheel", "test_by_hand", "test_odb", "test_run", "test_inputs"),
    *("test_transitions", "test_small_surveys", "test_twin", "test_reading_properties"),
)
"""Groups that take longest, in this order, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares what it costs: tests on one frozen study, and those of a module.

    With ``--dist loadgroup`` a worker runs a whole group, so that a document of a report, or
    what a fixture of a module makes, is made once in a session.
    """

    def group(item: pytest.Item) -> str:
        mark = item.get_closest_marker("xdist_group")
        study = getattr(item, "callspec", None) and item.callspec.params.get("name")
        return mark.args[0] if mark else study if study in MAKERS else item.path.stem

    def place(item: pytest.Item) -> int:
        return FIRST.index(group(item)) if group(item) in FIRST else len(FIRST)

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not in what was imported and collected: a tenth of all time."""
    gc.set_threshold(50_000, 20, 20)
    gc.freeze()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own with the raw files of the bundled study."""
    shutil.copytree(EXAMPLE, tmp_path / "data" / "raw" / "example")
    return tmp_path


@pytest.fixture
def edit(home: Path) -> Edit:
    """Replace a text in a file of the study, which must be there."""

    def replace(file: str, old: str, new: str) -> None:
        path = home / "data" / "raw" / "example" / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return replace


@pytest.fixture(scope="session")
def frozen_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], FrozenRun]:
    """Give the run of a frozen study by its name: made once in a session, for all its workers.

    It is there to be read; a test that changes a run copies its `home` first.
    """
    own = tmp_path_factory.getbasetemp()
    # the folder of one worker of pytest-xdist lies in that of the session
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "frozen"
    return lambda name: finish_run(name, folder)


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    """Start a Dask cluster of two processes; give the address of its scheduler.

    It ends with the module: one that idles takes a twelfth of a core.
    """
    distributed = pytest.importorskip("dask.distributed")
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**how) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="session")
def make_copy() -> Callable[[FrozenRun], Path]:
    """Copy the home folder of a frozen run, to change it.

    The copy lies beside the original, because that is where a run knows its notebooks from.
    """

    def copy(run: FrozenRun) -> Path:
        home = Path(mkdtemp(dir=run.home.parent))
        return shutil.copytree(run.home, home, dirs_exist_ok=True)

    return copy


@pytest.fixture
def small(frozen_run: Callable[[str], FrozenRun], make_copy: Callable[[FrozenRun], Path]) -> Path:
    """Give a copy of a small study that has run, with a small grid."""
    return with_grid(make_copy(frozen_run("one_wave")))


@pytest.fixture(scope="session")
def alone(frozen_run: Callable[[str], FrozenRun], make_copy: Callable[[FrozenRun], Path]) -> Path:
    """Give another one, of which one process has worked out the grid undisturbed, to be read."""
    home = with_grid(make_copy(frozen_run("one_wave")))
    run_grid(grid_of(home))
    return home
