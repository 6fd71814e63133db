"""Run the commands as ``python -m cycle_analysis``."""

import sys

from cycle_analysis.cli import main

sys.exit(main())
