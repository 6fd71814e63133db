"""Run the commands, as ``cycle-analysis`` or ``python -m cycle_analysis``.

The libraries take a second to import, so Ctrl-C has to be heard before there are commands.
"""

import signal
import sys

STOPPED = 130
"""Exit code of a program that Ctrl-C ended."""


def main() -> int:
    """Run the command of the command line; give its exit code."""
    try:
        from cycle_analysis.cli import main as run_command

        code = run_command()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        code = STOPPED
    if code == STOPPED:  # what is tidied up now takes a moment, and is not to be stopped again
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(main())
