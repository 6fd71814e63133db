"""Let one run at a time work on the results of a study."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cycle_analysis.whole_files import unwritable

FILE = ".run"
"""File that a run keeps locked. It stays behind and means nothing by itself."""
PAUSE = 0.2
"""Seconds between two attempts."""

if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: BinaryIO) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(stream: BinaryIO) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_run(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run works in `folder`, and keep others waiting meanwhile.

    The system takes the lock away when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
        Results of one study; it exists.
    tell : function of str
        Told when there is another run to wait for.

    Raises
    ------
    InputError
        If the folder may not be written.
    """
    path = folder / FILE
    try:
        stream = path.open("ab")
    except OSError as error:
        raise unwritable(path, error) from error
    with stream:
        if not _is_ours(stream):
            tell(f"Another run works on {folder.name}. This one waits until it has ended.")
            while not _is_ours(stream):
                time.sleep(PAUSE)
        yield


def _is_ours(stream: BinaryIO) -> bool:
    """Take the lock if no other process has it."""
    try:
        _try_lock(stream)
    except (BlockingIOError, PermissionError):  # held, as POSIX and as Windows say it
        return False
    return True
