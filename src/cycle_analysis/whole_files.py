"""Write files as a whole or not at all, and say so when the disk does not let us."""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from cycle_analysis.problems import InputError, refuse

PART = ".part"
"""Last letters of a file that is being written; one that stays was left by a killed process."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
DISK = FULL | FORBIDDEN | IN_THE_WAY
"""What goes wrong with a disk or its permissions, and is no bug."""


def write_whole(path: Path, contents: bytes) -> Path:
    """Write a file as a whole or not at all, even when the process is killed.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    contents : bytes
        What it shall hold.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the disk is full, the folder or file may not be written, or a file stands where the
        folder should be.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "02_scores" / "scores.csv", b"unit,AG").read_bytes()
    b'unit,AG'
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(contents)
        return beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # what stopped the writing may stop the tidying too
            beside.unlink()
        raise unwritable(path, error) from error


def delete_files(paths: Iterable[Path]) -> None:
    """Delete files; those that are gone already are no error.

    Raises
    ------
    InputError
        If one of them may not be deleted.
    """
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> InputError:
    """Say why a file cannot be written, and what to do."""
    problem, remedy = f"cannot be written: {error.strerror}", "Mend that, and run again"
    if error.errno in FULL:
        problem = "cannot be written: the disk, or one's share of it, is full"
        remedy = "Free some space, and run again: what was finished is kept"
    elif error.errno in FORBIDDEN:
        problem = "may not be written"
        remedy = "Close it where it is open (Excel locks a file), or make its folder writable"
    elif error.errno in IN_THE_WAY:
        problem, remedy = "a file or folder stands in its way", "Move that elsewhere"
    return refuse(str(path), "file", "", problem, "", remedy)
