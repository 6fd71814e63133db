import shutil
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "data" / "raw" / "example"
mpl.use("Agg")

Edit = Callable[[str, str, str], None]


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
