"""Let pytask watch a folder of files as one thing: it changed when any file in it did."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cycle_analysis.whole_files import PART, unwritable


@dataclass
class FolderNode:
    """The files directly in a folder, as one node of pytask's graph.

    Attributes
    ----------
    path : Path
        The folder.
    pattern : str
        The files that are meant; others in the folder are the user's own.
    """

    path: Path
    pattern: str = "*"
    attributes: dict[Any, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name in messages and in the lock file."""
        return "/".join(self.path.parts[-2:])

    @property
    def signature(self) -> str:
        """Identity in the graph."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()

    @property
    def files(self) -> list[Path]:
        """Files directly in the folder, without hidden ones."""
        return sorted(p for p in self.path.glob(self.pattern) if p.is_file() and p.name[0] != ".")

    def state(self) -> str | None:
        """Hash of names and contents, None when there is nothing."""
        if not (files := self.files):
            return None
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()};".encode())
        return digest.hexdigest()

    def clear(self) -> None:
        """Delete the files, and what a killed process left, lest it is taken for a result.

        Raises
        ------
        InputError
            If one of them may not be deleted.
        """
        for path in [*self.files, *self.path.glob(f".{self.pattern}{PART}")]:
            try:
                path.unlink()
            except OSError as error:
                raise unwritable(path, error) from error

    def load(self, is_product: bool = False) -> Path:
        """Give the folder."""
        return self.path

    def save(self, value: Any) -> None:
        """Do nothing: notebooks write the files themselves."""
