"""Show on a terminal how far a run is: lines that stay, and one that shows the cells running."""

import shutil
import sys
import threading
from typing import TextIO


class Status:
    """Tell lines, and on a terminal show below them which cell each notebook is in.

    Parameters
    ----------
    stream : text stream, optional
        Standard output when not given. What is no terminal gets the lines alone.

    Examples
    --------
    >>> status = Status()
    >>> status.show("03_cycle 2018", "5/40 Simultaneity")
    >>> status.tell("  ok  03_cycle 2018")
      ok  03_cycle 2018
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.cells: dict[str, str] = {}
        self.lock = threading.Lock()

    def tell(self, line: str) -> None:
        """Tell a line that stays."""
        with self.lock:
            self._clear()
            print(line, file=self.stream, flush=True)
            self._draw()

    def show(self, step: str, cell: str) -> None:
        """Show the cell that a step is in; an empty text when it has ended."""
        with self.lock:
            self.cells.pop(step, None)
            if cell:
                self.cells[step] = cell
            self._clear()
            self._draw()

    def _clear(self) -> None:
        if self.stream.isatty():
            print("\r\x1b[K", end="", file=self.stream)

    def _draw(self) -> None:
        if self.stream.isatty():
            told = " | ".join(f"{step}: cell {cell}" for step, cell in self.cells.items())
            width = shutil.get_terminal_size().columns - 1
            print(f"  …   {told}"[:width] if told else "", end="", file=self.stream, flush=True)
