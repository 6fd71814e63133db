"""Write files as a whole or not at all, and so that no spreadsheet runs what is in them.

A cell that begins with one of ``= + - @``, a tab or a carriage return is a formula to a
spreadsheet; one of another country also cuts a text at its semicolons and line ends, and takes each
part for a cell. An apostrophe before such a part keeps it a text, for people and for programs.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from cycle_analysis.problems import InputError, first_five, refuse

PART = ".part"
"""Last letters of a file that is being written; one that stays was left by a killed process."""
LONGEST = 60
"""Letters of a name that messages show."""
ALIKE = 0.7
"""Names of files that are as alike as this may be one name."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
DISK = FULL | FORBIDDEN | IN_THE_WAY
"""What goes wrong with a disk or its permissions, and is no bug."""
_BEGIN = r"(?:^|(?<=[;\t\r\n]))"
_RISKY = r"(?!\A[+-]\d+(?:\.\d+)?\Z)'* *[=+\-@\t\r＝＋－＠]"
FORMULA = re.compile(f"{_BEGIN}({_RISKY})")
"""Begin of a part that a spreadsheet might run; a mere number, ``-9``, is none."""
INERT = re.compile(f"{_BEGIN}'({_RISKY})")
"""The same after `inert`."""
TEXTS_STAY_TEXTS = {"strings_to_formulas": False, "strings_to_urls": False}
"""Options of xlsxwriter, with which a text that begins with = is a text."""
SAV_STAMP = (92, b"01 Jan 1800:00:00")
"""Where the header of a .sav holds the day and time of writing, and what ours hold."""


def check_plain(path: Path, remedy: str = "Put the file itself there") -> None:
    r"""Refuse what is no plain file: a link, folder, pipe or device, or a name that none can have.

    Raises
    ------
    InputError
        If it is one of these; not if there is nothing of this name.

    Examples
    --------
    >>> check_plain(Path("a\0b"), "Rename it")
    Traceback (most recent call last):
    cycle_analysis.problems.InputError: a?b, file: is no name that a file can have. Rename it.
    """
    name = re.sub(r"[\x00-\x1f]", "?", path.name)
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    try:
        can_be, is_link = "\0" not in path.name, path.is_symlink()
        is_file, is_there = path.is_file(), path.exists()
    except (OSError, ValueError):
        can_be = False
    if not can_be:
        raise refuse(name, "file", "", "is no name that a file can have", "", remedy)
    if is_link:
        raise refuse(name, "file", "", "is a link to another place", "", remedy)
    if is_there and not is_file:
        raise refuse(name, "file", "", "is a folder, pipe or device", "a file", remedy)


def absent(path: Path, remedy: str, shown: str = "") -> InputError:
    """Say that a file is not there, and which are named like it there or stand next to its folder.

    Parameters
    ----------
    path : Path
        Where it should be.
    remedy : str
        What the user can do.
    shown : str
        What messages call it; its name, unless it is given.
    """
    near = _near(path)
    problem = "does not exist" + (f"; the nearest are {first_five(near)}" if near else "")
    return refuse(shown or path.name, "file", "", problem, "", remedy)


def _near(path: Path) -> list[str]:
    """Files whose names before the first point are alike, and those of this name one folder off."""
    folder = path.absolute().parent
    with contextlib.suppress(OSError):
        files = [one.name for one in folder.iterdir() if one.is_file()]
        stems = {name: name.casefold().split(".")[0] for name in files}
        wanted = path.name.casefold().split(".")[0]
        alike = get_close_matches(wanted, stems.values(), n=3, cutoff=ALIKE)
        beside = [folder.parent, *sorted(folder.glob("*/"))]
        elsewhere = [f"{one.name}/{path.name}" for one in beside if (one / path.name).is_file()]
        return sorted(name for name in files if stems[name] in alike) + elsewhere
    return []


def write_whole(path: Path, contents: bytes, *, private_from: Path | None = None) -> Path:
    """Write a file as a whole or not at all, even when the process is killed.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    contents : bytes
        What it shall hold.
    private_from : Path, optional
        Folder that holds the file, however deep: from there on nobody but the user may read,
        whatever the umask.

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
        if private_from is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            make_private(path.parent, private_from)
            beside.touch(0o600)
            beside.chmod(0o600)
        beside.write_bytes(contents)
        return beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # what stopped the writing may stop the tidying too
            beside.unlink()
        raise unwritable(path, error) from error


def forget_time(sav: Path) -> None:
    """Give a .sav the same bytes whenever it was written."""
    at, stamp = SAV_STAMP
    with sav.open("r+b") as file:
        file.seek(at)
        file.write(stamp)


def make_private(folder: Path, top: Path) -> None:
    """Make a folder that only the user may enter, and so each from `top` down to it."""
    top.parent.mkdir(parents=True, exist_ok=True)
    for one in reversed([folder, *(one for one in folder.parents if one.is_relative_to(top))]):
        one.mkdir(0o700, exist_ok=True)
        with contextlib.suppress(PermissionError):  # somebody else's, who shares it
            one.chmod(0o700)


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


def inert(text: str) -> str:
    r"""Write a text so that no spreadsheet runs any part of it.

    Examples
    --------
    >>> inert("=HYPERLINK(1)"), inert("prima;=1+1"), inert("-9"), inert("a=b")
    ("'=HYPERLINK(1)", "prima;'=1+1", '-9', 'a=b')
    """
    return FORMULA.sub(r"'\1", text)


def as_written(text: str) -> str:
    r"""Give back the text that `inert` was given.

    Examples
    --------
    >>> as_written(inert("=1;\t+2")), as_written(inert("'=1")), as_written("'s middags")
    ('=1;\t+2', "'=1", "'s middags")
    """
    return INERT.sub(r"\1", text)


def inert_texts(texts: pd.Series) -> pd.Series:
    """Make the texts of a column inert; the column itself when none needs it."""
    risky = {text for text in texts.unique() if isinstance(text, str) and FORMULA.search(text)}
    return texts.map(lambda text: inert(text) if text in risky else text) if risky else texts


def written_texts(texts: pd.Series) -> pd.Series:
    """Give back the texts that `inert_texts` was given, in a column of the same type."""
    changed = {text for text in texts.unique() if isinstance(text, str) and INERT.search(text)}
    if not changed:
        return texts
    back = texts.map(lambda text: as_written(text) if text in changed else text)
    return back.astype(texts.dtype)


def tell_nobody() -> None:
    """Let whatever is still written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
