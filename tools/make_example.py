"""Make the raw files of a bundled study again: ``python tools/make_example.py FOLDER``."""

import sys
from pathlib import Path

from cycle_analysis.simulate import BUNDLED
from cycle_analysis.simulate.studies import write_study
from cycle_analysis.study import load_study

if __name__ == "__main__":
    folder = Path(sys.argv[-1]).resolve()
    if len(sys.argv) != 2 or folder.name not in BUNDLED:
        folders = " or ".join(f"data/raw/{name}" for name in BUNDLED)
        sys.exit(f"Give the folder of a bundled study: {folders}")
    truth = write_study(load_study(folder.name, folder.parents[2]), *BUNDLED[folder.name])
    for wave, units in truth[truth["n_respondents"] > 0].groupby("wave"):
        total = units["n_respondents"].sum()
        print(f"{wave}: {len(units)} municipalities, {total} respondents (synthetic)")
