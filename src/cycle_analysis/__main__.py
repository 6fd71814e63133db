"""Run the commands, as ``cycle-analysis`` or ``python -m cycle_analysis``.

The libraries take a second to import, so Ctrl-C has to be heard before there are commands.
"""

import gc
import os
import signal
import sys
from types import FrameType

from cycle_analysis import STOPPED

# what libraries make while they are imported is no garbage, and to look for some after every 700
# objects, as Python does, takes a fifth of the time of all imports
gc.set_threshold(50_000, 20, 20)


def main() -> int:
    """Run the command of the command line; give its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell may have it ignored
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from cycle_analysis.cli import main as run_command

        code = run_command()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        code = STOPPED
    if code == STOPPED:  # what is tidied up now takes a moment, and is not to be stopped again
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but end at once while something is imported.

    Imports swallow what is raised in them, or make another error of it: Python where it lets go of
    the lock of a module, NumPy where one of its parts does not come.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os.write(2, b"Stopped.\n")
            os._exit(STOPPED)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
